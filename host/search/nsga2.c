/* nsga2.c - NSGA-II: evolution towards a whole Pareto front.
 *
 * Idea (Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Trans. Evol. Comp. 6(2), 2002): the
 * population is sorted into fronts, the networks that nobody dominates first, then those that only the first front
 * dominates, and so on.  Within a front those with more room around them (crowding distance) come first, so the front
 * spreads.  Parents win binary tournaments by (front, crowding); parents and children together are cut back to the
 * population by the same order.
 *
 * Constraint-dominance: a network within the bounds comes before one that is not; of two that are not, the smaller violation
 * comes first.  Failed trials are the last of all.  Equal keys keep the order in which they were seen.
 *
 * Defaults: population 40, uniform crossover for 90 % of the children, each gene changed with probability 1/genes (rate = 0),
 * which are the paper's rates read for rows of choices.  Departures: a child is bred for each trial from the last complete
 * generation, so no device waits; children that the study has already are bred again (distinct).
 *
 * Layout: sorting in pareto_sort.c, which tests call too; here the generations and the children. */
#include "pareto_sort.h"
#include "search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct nsga2_options {
    int64_t population, tries;
    int recombination;
    double recombination_rate, mutation;
    bool distinct;
} nsga2_options;

#define AT(field) offsetof(nsga2_options, field)
static const nas_option options[] = {
    {"population", NAS_OPTION_INT, AT(population), "40", 2, 100000, NULL,
     "members, and children of a generation; the first so many trials are random, the given ones "
     "included"},
    {"recombination", NAS_OPTION_CHOICE, AT(recombination), "uniform", 0, 0,
     "none|uniform|one_point",
     "how two parents make a child: not at all, each gene from either, or cut between two layers"},
    {"recombination_rate", NAS_OPTION_REAL, AT(recombination_rate), "0.9", 0, 1, NULL,
     "share of the children that have two parents"},
    {"mutation", NAS_OPTION_REAL, AT(mutation), "0", 0, 1, NULL,
     "probability that a gene changes, at least one does; 0: one over the number of genes"},
    {"distinct", NAS_OPTION_BOOL, AT(distinct), "true", 0, 0, NULL,
     "breed again when the study already has the child"},
    {"tries", NAS_OPTION_INT, AT(tries), "50", 1, 100000, NULL,
     "how often to breed again before a duplicate is accepted"},
    {0},
};
#undef AT

typedef struct nsga2 {
    const nas_setting *setting;
    const nsga2_options *options;
    nas__ranked
        *members; /* room for two generations; the first `count` are the parents, best first */
    int count;
    int next_count; /* results of the coming generation, behind the parents */
    double mutation;
} nsga2;

static nas_status nsga2_begin(const nas_setting *setting, void **state)
{
    const nsga2_options *o = setting->options;
    int open = 0;
    nsga2 *n = calloc(1, sizeof *n);
    if (n)
        n->members = malloc(2 * (size_t)o->population * sizeof *n->members);
    if (!n || !n->members) {
        free(n);
        NAS_FAIL(NAS_MEMORY, "no memory for a population of %lld", (long long)o->population);
    }
    for (int i = 0; i < setting->domain->count; i++)
        open += setting->domain->genes[i].choices > 1;
    n->setting = setting;
    n->options = o;
    n->mutation = o->mutation > 0 ? o->mutation : 1.0 / (open > 0 ? open : 1);
    *state = n;
    return NAS_OK;
}

static void nsga2_end(void *state)
{
    nsga2 *n = state;
    free(n->members);
    free(n);
}

static nas_status nsga2_observe(void *state, const nas_seen *trial)
{
    nsga2 *n = state;
    nas__ranked *seen = &n->members[n->count + n->next_count];
    *seen = (nas__ranked){.arch = trial->arch,
                          .index = trial->index,
                          .violation = trial->failed ? INFINITY : trial->violation};
    memcpy(seen->score, trial->score, sizeof seen->score);
    n->next_count++;
    int population = (int)n->options->population;
    if (n->next_count < population)
        return NAS_OK;
    n->count += n->next_count;
    n->next_count = 0;
    NAS_TRY(nas__pareto_sort(n->members, n->count, n->setting->objectives->count));
    if (n->count > population)
        n->count = population;
    return NAS_OK;
}

/* Two members drawn at random; the parents are sorted, so the one in front wins. */
static const nas__ranked *tournament(const nsga2 *n, nas_random *random)
{
    int a = (int)nas_random_below(random, (uint32_t)n->count);
    int b = (int)nas_random_below(random, (uint32_t)n->count);
    return &n->members[a < b ? a : b];
}

static nas_status breed(const nsga2 *n, nas_random *random, nas_proposal *proposal)
{
    const nas__ranked *first = tournament(n, random);
    nas_arch child = first->arch;
    if (nas_random_uniform(random) < n->options->recombination_rate)
        nas_domain_cross(n->setting->domain, &first->arch, &tournament(n, random)->arch,
                         (nas_crossover)n->options->recombination, random, &child);
    proposal->parent = first->index;
    return nas_domain_mutate(n->setting->domain, &child, NAS_MUTATE_RATE, n->mutation, random,
                             &proposal->arch);
}

static nas_status nsga2_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const nsga2 *n = state;
    for (int64_t draw = 0; draw < n->options->tries; draw++) {
        nas_random random = nas_random_make(n->setting->seed, NAS_STREAM_PROPOSE,
                                            (uint32_t)outlook->index, (uint32_t)draw, 0);
        NAS_TRY(n->count ? breed(n, &random, proposal)
                         : nas_domain_sample(n->setting->domain, &random, &proposal->arch));
        if (!n->options->distinct || nas_outlook_find(outlook, &proposal->arch) < 0)
            break;
    }
    return NAS_OK;
}

const nas_strategy nas__strategy_nsga2 = {
    .kind = {.name = "nsga2",
             .summary = "evolution towards a Pareto front by non-dominated sorting and crowding",
             .paper = "Deb et al. 2002, doi:10.1109/4235.996017",
             .instance_size = sizeof(nsga2_options),
             .options = options},
    .objectives_max = NAS_OBJECTIVES,
    .begin = nsga2_begin,
    .observe = nsga2_observe,
    .propose = nsga2_propose,
    .end = nsga2_end,
};
