/* kde.c - BOHB's model: propose what is dense among the good results and thin among the others.
 *
 * Idea (Falkner, Klein, Hutter, "BOHB", 1807.01774): like TPE, but with a kernel over whole rows, so that genes that go together
 * stay together.  The largest budget with enough results is the one that is modelled.  Samples are drawn around good rows
 * with the bandwidths widened by `factor`, and the one with the greatest ratio is proposed; a share of the proposals is random.
 *
 * Choices get Aitchison and Aitken's kernel; the bandwidth is the normal-reference rule on the choices' numbers, as in the
 * authors' code (statsmodels).  The good are the best max(points_min, good·n), the others at least as many from the other end.
 *
 * It is a strategy like any other, but not in the list: bohb.c puts it inside Hyperband, where it observes all results. */
#include "kde.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct example {
    nas_arch arch;
    double score, violation;
} example;

/* Results at one budget, best first. */
typedef struct level {
    double budget;
    example **sorted;
    const nas_arch **rows;
    int count, capacity;
} level;

typedef struct kde {
    const nas_setting *setting;
    const nas__kde_options *options;
    int points_min; /* good results of a budget that is modelled, at least */
    level *levels;  /* by rising budget */
    int count;
} kde;

static nas_status kde_begin(const nas_setting *setting, void **state)
{
    kde *k = calloc(1, sizeof *k);
    if (!k)
        NAS_FAIL(NAS_MEMORY, "no memory for a density");
    k->setting = setting;
    k->options = setting->options;
    k->points_min =
        k->options->points_min ? (int)k->options->points_min : setting->domain->count + 1;
    *state = k;
    return NAS_OK;
}

static void kde_end(void *state)
{
    kde *k = state;
    for (int i = 0; i < k->count; i++) {
        for (int j = 0; j < k->levels[i].count; j++)
            free(k->levels[i].sorted[j]);
        free(k->levels[i].sorted);
        free(k->levels[i].rows);
    }
    free(k->levels);
    free(k);
}

/* ---- densities ------------------------------------------------------------------------------------------------------- */

double nas__kde_kernel(int choice, int centre, int choices, double bandwidth)
{
    return choices < 2 ? 1 : choice == centre ? 1 - bandwidth : bandwidth / (choices - 1);
}

double nas__kde_density(const nas_domain *domain, const nas_arch *const *rows, int count,
                        const double *bandwidth, const nas_arch *arch)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        double product = 1;
        for (int g = 0; g < domain->count; g++)
            product *= nas__kde_kernel(arch->genes[g], rows[i]->genes[g], domain->genes[g].choices,
                                       bandwidth[g]);
        sum += product;
    }
    return sum / count;
}

void nas__kde_bandwidths(const nas_domain *domain, const nas_arch *const *rows, int count,
                         double least, double most, double *bandwidth)
{
    for (int g = 0; g < domain->count; g++) {
        double sum = 0, square = 0, choices = domain->genes[g].choices;
        for (int i = 0; i < count; i++)
            sum += rows[i]->genes[g];
        for (int i = 0; i < count; i++)
            square += pow(rows[i]->genes[g] - sum / count, 2);
        double width = 1.06 * sqrt(square / count) * pow(count, -1.0 / (4 + domain->count));
        bandwidth[g] = fmin(fmin(fmax(width, least), most), (choices - 1) / choices);
    }
}

/* ---- results ------------------------------------------------------------------------------------------------------------ */

static nas_status level_for(kde *k, double budget, level **found)
{
    int at = 0;
    while (at < k->count && k->levels[at].budget < budget)
        at++;
    if (at == k->count || k->levels[at].budget > budget) {
        level *levels = realloc(k->levels, ((size_t)k->count + 1) * sizeof *levels);
        if (!levels)
            NAS_FAIL(NAS_MEMORY, "no memory for another budget");
        k->levels = levels;
        memmove(levels + at + 1, levels + at, (size_t)(k->count - at) * sizeof *levels);
        levels[at] = (level){.budget = budget};
        k->count++;
    }
    *found = &k->levels[at];
    return NAS_OK;
}

static bool is_better(const example *a, const example *b)
{
    return a->violation != b->violation ? a->violation < b->violation : a->score > b->score;
}

static nas_status kde_observe(void *state, const nas_seen *trial)
{
    level *l = NULL;
    NAS_TRY(level_for(state, trial->budget, &l));
    if (l->count == l->capacity) {
        size_t wanted = l->capacity ? 2 * (size_t)l->capacity : 64;
        example **sorted = realloc(l->sorted, wanted * sizeof *sorted);
        l->sorted = sorted ? sorted : l->sorted;
        const nas_arch **rows = realloc(l->rows, wanted * sizeof *rows);
        l->rows = rows ? rows : l->rows;
        if (!sorted || !rows)
            NAS_FAIL(NAS_MEMORY, "no memory for %zu results", wanted);
        l->capacity = (int)wanted;
    }
    example *e = malloc(sizeof *e);
    if (!e)
        NAS_FAIL(NAS_MEMORY, "no memory for a result");
    *e = (example){trial->arch, trial->score[0], trial->failed ? INFINITY : trial->violation};
    int at = l->count++;
    for (; at > 0 && is_better(e, l->sorted[at - 1]); at--) {
        l->sorted[at] = l->sorted[at - 1];
        l->rows[at] = l->rows[at - 1];
    }
    l->sorted[at] = e;
    l->rows[at] = &e->arch;
    return NAS_OK;
}

/* ---- proposing ------------------------------------------------------------------------------------------------------------- */

/* A good row, each gene kept with 1 − bandwidth·factor, else any choice. */
static void draw_around(const kde *k, const nas_arch *const *good, int count,
                        const double *bandwidth, nas_random *random, nas_arch *row)
{
    const nas_domain *domain = k->setting->domain;
    *row = *good[nas_random_below(random, (uint32_t)count)];
    for (int g = 0; g < domain->count; g++)
        if (nas_random_uniform(random) < bandwidth[g] * k->options->factor)
            row->genes[g] = (uint8_t)nas_random_below(random, (uint32_t)domain->genes[g].choices);
    nas_domain_canonical(domain, row);
}

static void propose_by_density(const kde *k, const level *l, const nas_outlook *outlook,
                               nas_random *random, nas_proposal *proposal, bool *found)
{
    const nas__kde_options *o = k->options;
    const nas_domain *domain = k->setting->domain;
    double good_width[NAS_GENES], bad_width[NAS_GENES], best = -1;
    int least = k->points_min, good = (int)(o->good * l->count);
    int bad = (int)((1 - o->good) * l->count);
    good = good > least ? good : least;
    bad = bad > least ? bad : least;
    const nas_arch *const *others = l->rows + (l->count - bad);
    nas__kde_bandwidths(domain, l->rows, good, o->bandwidth_min, o->bandwidth_max, good_width);
    nas__kde_bandwidths(domain, others, bad, o->bandwidth_min, o->bandwidth_max, bad_width);
    *found = false;
    for (int64_t i = 0; i < o->samples; i++) {
        nas_arch row;
        draw_around(k, l->rows, good, good_width, random, &row);
        if (nas_outlook_find(outlook, &row) >= 0 || nas_domain_valid(domain, &row) != NAS_OK)
            continue;
        double ratio = fmax(nas__kde_density(domain, l->rows, good, good_width, &row), 1e-32) /
                       fmax(nas__kde_density(domain, others, bad, bad_width, &row), 1e-32);
        if (ratio > best) {
            best = ratio;
            proposal->arch = row;
            *found = true;
        }
    }
}

static nas_status kde_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const kde *k = state;
    const nas__kde_options *o = k->options;
    bool found = false;
    nas_random random =
        nas_random_make(k->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    int at =
        k->count - 1; /* the authors' code wants points_min + 2 results before it models a budget */
    while (at >= 0 && k->levels[at].count < k->points_min + 2)
        at--;
    if (at >= 0 && nas_random_uniform(&random) >= o->random_share)
        propose_by_density(k, &k->levels[at], outlook, &random, proposal, &found);
    for (int64_t i = 0; i < o->tries && !found; i++) {
        NAS_TRY(nas_domain_sample(k->setting->domain, &random, &proposal->arch));
        found = nas_outlook_find(outlook, &proposal->arch) < 0;
    }
    return NAS_OK;
}

const nas_strategy nas__kde = {
    .kind = {.name = "kde",
             .summary = "the density ratio of BOHB",
             .paper = "arXiv 1807.01774",
             .instance_size = sizeof(nas__kde_options)},
    .objectives_max = 1,
    .begin = kde_begin,
    .observe = kde_observe,
    .propose = kde_propose,
    .end = kde_end,
};
