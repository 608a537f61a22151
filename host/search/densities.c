/* densities.c - counts and a prior. */
#include "densities.h"

#include <stdlib.h>

nas_status nas__densities_create(const nas_domain *domain, nas__densities *d)
{
    *d = (nas__densities){.domain = domain};
    int count = 0;
    for (int i = 0; i < domain->count; i++) {
        d->offset[i] = count;
        count += domain->genes[i].choices;
    }
    d->chance = calloc((size_t)count + 1, sizeof *d->chance);
    if (!d->chance)
        NAS_FAIL(NAS_MEMORY, "no memory for %d densities", count);
    return NAS_OK;
}

void nas__densities_clear(nas__densities *d)
{
    free(d->chance);
    *d = (nas__densities){0};
}

void nas__densities_set(nas__densities *d, const nas_arch *const *rows, int count, double prior)
{
    for (int gene = 0; gene < d->domain->count; gene++) {
        int choices = d->domain->genes[gene].choices;
        double *chance = d->chance + d->offset[gene], sum = count + prior * choices;
        for (int k = 0; k < choices; k++)
            chance[k] = prior;
        for (int i = 0; i < count; i++)
            chance[rows[i]->genes[gene]] += 1;
        for (int k = 0; k < choices; k++)
            chance[k] /= sum;
    }
}

double nas__densities_of(const nas__densities *d, int gene, int choice)
{
    return d->chance[d->offset[gene] + choice];
}

int nas__densities_draw(const nas__densities *d, int gene, nas_random *random)
{
    double ball = nas_random_uniform(random);
    int last = d->domain->genes[gene].choices - 1;
    for (int k = 0; k < last; k++) {
        double chance = nas__densities_of(d, gene, k);
        if (ball < chance)
            return k;
        ball -= chance;
    }
    return last;
}

void nas__densities_propose(const nas__densities *good, const nas__densities *bad, int candidates,
                            nas_random *random, nas_arch *row)
{
    const nas_domain *domain = good->domain;
    *row = (nas_arch){.count = (uint16_t)domain->count};
    for (int gene = 0; gene < domain->count; gene++) {
        double best = -1;
        for (int i = 0; i < candidates && domain->genes[gene].choices > 1; i++) {
            int choice = nas__densities_draw(good, gene, random);
            double ratio =
                nas__densities_of(good, gene, choice) / nas__densities_of(bad, gene, choice);
            if (ratio > best) {
                best = ratio;
                row->genes[gene] = (uint8_t)choice;
            }
        }
    }
}
