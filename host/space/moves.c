/* moves.c - sampling, mutation, crossover and neighbours, on the row.
 *
 * Idea: a move edits genes without knowing what they mean; the space then gives the canonical form
 * and says whether the row is allowed; a move that led nowhere is drawn again.  So each space gets
 * every move for free, and the results are canonical, valid and (for mutation) changed.  A child is
 * therefore uniform among the moves that do something, not among the genes.
 *
 * All randomness comes from the caller's counter-based stream. */
#include "space.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_DRAWS = 1000, MUTATION_DRAWS = 100, CROSS_DRAWS = 8 };

nas_status nas_domain_sample(const nas_domain *domain, nas_random *random, nas_arch *arch)
{
    for (int draw = 0; draw < SAMPLE_DRAWS; draw++) {
        nas_arch row = {.count = (uint16_t)domain->count};
        for (int i = 0; i < domain->count; i++)
            row.genes[i] = (uint8_t)nas_random_below(random, (uint32_t)domain->genes[i].choices);
        if (nas__domain_settle(domain, &row)) {
            *arch = row;
            return NAS_OK;
        }
    }
    nas_error_add("%d random architectures in a row are not allowed, loosen the bounds; the last: ",
                  SAMPLE_DRAWS);
    return NAS_CONFIG;
}

/* ---- mutation ----------------------------------------------------------------------------------------- */

static uint8_t other_choice(const nas_gene *gene, uint8_t now, nas_random *random)
{
    uint32_t choice = nas_random_below(random, (uint32_t)gene->choices - 1);
    return (uint8_t)(choice + (choice >= now));
}

static uint8_t step_choice(const nas_gene *gene, uint8_t now, nas_random *random)
{
    if (!gene->ordered)
        return other_choice(gene, now, random);
    bool up = nas_random_below(random, 2) == 1;
    if (now == 0)
        up = true;
    if (now == gene->choices - 1)
        up = false;
    return (uint8_t)(up ? now + 1 : now - 1);
}

/* Indices of the genes that have a choice. */
static int open_genes(const nas_domain *domain, int genes[NAS_GENES])
{
    int count = 0;
    for (int i = 0; i < domain->count; i++)
        if (domain->genes[i].choices > 1)
            genes[count++] = i;
    return count;
}

static void mutate_once(const nas_domain *domain, nas_mutation kind, double rate, const int *open,
                        int open_count, nas_random *random, nas_arch *child)
{
    bool changed = false;
    if (kind == NAS_MUTATE_RATE)
        for (int k = 0; k < open_count; k++)
            if (nas_random_uniform(random) < rate) {
                int i = open[k];
                child->genes[i] = other_choice(&domain->genes[i], child->genes[i], random);
                changed = true;
            }
    if (changed)
        return;
    int i = open[nas_random_below(random, (uint32_t)open_count)];
    const nas_gene *gene = &domain->genes[i];
    child->genes[i] = kind == NAS_MUTATE_STEP ? step_choice(gene, child->genes[i], random)
                                              : other_choice(gene, child->genes[i], random);
}

/* The random walk found nothing new: take any neighbour there is. */
static nas_status mutate_by_list(const nas_domain *domain, const nas_arch *parent,
                                 nas_random *random, nas_arch *child)
{
    nas_arch *list;
    int count;
    NAS_TRY(nas_domain_neighbours(domain, parent, &list, &count));
    if (count > 0)
        *child = list[nas_random_below(random, (uint32_t)count)];
    free(list);
    if (count == 0)
        NAS_FAIL(NAS_FAILED, "this architecture has no valid neighbour in the %s space",
                 domain->space->kind.name);
    return NAS_OK;
}

nas_status nas_domain_mutate(const nas_domain *domain, const nas_arch *parent, nas_mutation kind,
                             double rate, nas_random *random, nas_arch *child)
{
    int open[NAS_GENES];
    int open_count = open_genes(domain, open);
    for (int draw = 0; draw < MUTATION_DRAWS && open_count > 0; draw++) {
        nas_arch row = *parent;
        mutate_once(domain, kind, rate, open, open_count, random, &row);
        if (nas__domain_settle(domain, &row) && !nas_arch_equal(&row, parent)) {
            *child = row;
            return NAS_OK;
        }
    }
    return mutate_by_list(domain, parent, random, child);
}

/* ---- crossover ---------------------------------------------------------------------------------------- */

/* Positions in front of which a row may be cut: where the group changes, or anywhere when there is
 * one group only. */
static int cuts_of(const nas_domain *domain, int cuts[NAS_GENES])
{
    int count = 0;
    for (int i = 1; i < domain->count; i++)
        if (domain->genes[i].group != domain->genes[i - 1].group)
            cuts[count++] = i;
    if (count == 0)
        for (int i = 1; i < domain->count; i++)
            cuts[count++] = i;
    return count;
}

void nas_domain_cross(const nas_domain *domain, const nas_arch *first, const nas_arch *second,
                      nas_crossover kind, nas_random *random, nas_arch *child)
{
    int cuts[NAS_GENES];
    int cut_count = cuts_of(domain, cuts);
    for (int draw = 0; draw < CROSS_DRAWS && kind != NAS_CROSS_NONE; draw++) {
        nas_arch row = *first;
        if (kind == NAS_CROSS_UNIFORM) {
            for (int i = 0; i < domain->count; i++)
                if (nas_random_below(random, 2))
                    row.genes[i] = second->genes[i];
        } else if (cut_count > 0) {
            int cut = cuts[nas_random_below(random, (uint32_t)cut_count)];
            memcpy(row.genes + cut, second->genes + cut, (size_t)(domain->count - cut));
        }
        if (nas__domain_settle(domain, &row)) {
            *child = row;
            return;
        }
    }
    *child = *first;
}

/* ---- neighbours --------------------------------------------------------------------------------------- */

static bool is_listed(const nas_arch *list, int count, const nas_arch *arch)
{
    for (int i = 0; i < count; i++)
        if (nas_arch_equal(&list[i], arch))
            return true;
    return false;
}

nas_status nas_domain_neighbours(const nas_domain *domain, const nas_arch *arch, nas_arch **list,
                                 int *count)
{
    int limit = nas_domain_feature_count(domain) - domain->count, found = 0;
    nas_arch *rows = malloc((size_t)(limit + 1) * sizeof *rows);
    if (!rows)
        NAS_FAIL(NAS_MEMORY, "no memory for %d neighbours", limit);
    for (int i = 0; i < domain->count; i++)
        for (int choice = 0; choice < domain->genes[i].choices; choice++) {
            nas_arch row = *arch;
            if (choice == arch->genes[i])
                continue;
            row.genes[i] = (uint8_t)choice;
            if (nas__domain_settle(domain, &row) && !nas_arch_equal(&row, arch) &&
                !is_listed(rows, found, &row))
                rows[found++] = row;
        }
    *list = rows;
    *count = found;
    return NAS_OK;
}
