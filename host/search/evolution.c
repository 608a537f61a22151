/* evolution.c - evolutionary search with every slot of the survey an option.
 *
 * Idea: keep a population, breed children from good members, let members die.  The survey (arXiv 1905.01392, section 3.2)
 * describes evolutionary NAS by five slots, and here each is an option: initialisation, parent selection, recombination,
 * mutation, survivor selection.  Regularized evolution (Real et al., "Regularized evolution for image classifier
 * architecture search", 1802.01548) is one setting of them:
 *
 *     parents = "tournament"; tournament = 25; replacement = true; recombination = "none";
 *     mutation_kind = "one"; survivors = "age"; population = 100;        (NAS-Bench-201: population 10, tournament 3)
 *
 * Departures: children that the study already has are drawn again (distinct = false is the paper's way); the default
 * population is 20, because a search on one machine has hundreds of trials and not 20,000.
 *
 * Steady state: a child is bred for each trial from the members whose results may be seen, so no device waits for a
 * generation to end.  survivors = "generational" breeds from the last complete generation instead.  Ties go to the first
 * seen.  The best network of a search is taken from its whole log, not from the population.
 *
 * inherit = true: a child begins with the weights of its (first) parent, as in Real et al. 2017 (1703.01041) and LEMONADE
 * (1804.09081); what it cannot take over is initialised (host/net/inherit.c).  A lineage is then trained on from child to child, so
 * scores say what weights and architecture are worth together, and later children start ahead of the first ones.
 *
 * Layout: options; the population as results come in; parents; children. */
#include "search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INIT_RANDOM, INIT_GIVEN };
enum { PARENTS_TOURNAMENT, PARENTS_TRUNCATION, PARENTS_ROULETTE, PARENTS_ALL };
enum { SURVIVORS_AGE, SURVIVORS_ELITIST, SURVIVORS_GENERATIONAL };

typedef struct evolution_options {
    int init, parents, recombination, mutation_kind, survivors;
    int64_t population, tournament, elite, tries;
    double truncation, recombination_rate, mutation;
    bool replacement, distinct, inherit;
} evolution_options;

#define AT(field) offsetof(evolution_options, field)
static const nas_option options[] = {
    {"population", NAS_OPTION_INT, AT(population), "20", 1, 100000, NULL,
     "members; the first so many trials are the initial population, the given ones included"},
    {"init", NAS_OPTION_CHOICE, AT(init), "random", 0, 0, "random|given",
     "initial population: random, or mutations of the given architectures"},
    {"parents", NAS_OPTION_CHOICE, AT(parents), "tournament", 0, 0,
     "tournament|truncation|roulette|all",
     "parent selection: best of a random few, any of the best share, in proportion to the score "
     "above the worst, or every member in turn"},
    {"tournament", NAS_OPTION_INT, AT(tournament), "5", 1, 100000, NULL,
     "members that a tournament compares"},
    {"replacement", NAS_OPTION_BOOL, AT(replacement), "true", 0, 0, NULL,
     "a tournament may draw a member twice (published codes differ)"},
    {"truncation", NAS_OPTION_REAL, AT(truncation), "0.5", 0.001, 1, NULL,
     "share of the population that parents = \"truncation\" takes"},
    {"recombination", NAS_OPTION_CHOICE, AT(recombination), "none", 0, 0, "none|uniform|one_point",
     "how two parents make a child: not at all, each gene from either, or cut between two layers"},
    {"recombination_rate", NAS_OPTION_REAL, AT(recombination_rate), "1.0", 0, 1, NULL,
     "share of the children that have two parents"},
    {"mutation_kind", NAS_OPTION_CHOICE, AT(mutation_kind), "rate", 0, 0, "one|rate|step",
     "one: one gene takes another choice; rate: each gene with probability `mutation`, at least "
     "one; "
     "step: one gene, ordered ones (widths, kernels, depth) by ±1"},
    {"mutation", NAS_OPTION_REAL, AT(mutation), "0.1", 0, 1, NULL,
     "probability that a gene changes, for mutation_kind = \"rate\""},
    {"survivors", NAS_OPTION_CHOICE, AT(survivors), "age", 0, 0, "age|elitist|generational",
     "who leaves: the oldest member, the worst one, or the whole generation"},
    {"elite", NAS_OPTION_INT, AT(elite), "1", 0, 100000, NULL,
     "best members that survivors = \"generational\" keeps"},
    {"distinct", NAS_OPTION_BOOL, AT(distinct), "true", 0, 0, NULL,
     "breed again when the study already has the child"},
    {"inherit", NAS_OPTION_BOOL, AT(inherit), "false", 0, 0, NULL,
     "children start from the weights of their first parent, where they have a place for them; the "
     "population's weights are kept"},
    {"tries", NAS_OPTION_INT, AT(tries), "50", 1, 100000, NULL,
     "how often to breed again before a duplicate is accepted"},
    {0},
};
#undef AT

typedef struct member {
    nas_arch arch;
    int index; /* of its trial */
    double score, violation;
} member;

typedef struct evolution {
    const nas_setting *setting;
    const evolution_options *options;
    member *members; /* in the order in which they were seen; room for twice the population */
    int count;
    member *next; /* the generation that is coming in */
    int next_count;
} evolution;

/* ---- population ---------------------------------------------------------------------------------------------------- */

/* Within the bounds comes before outside of them, then the score decides. */
static bool is_better(const member *a, const member *b)
{
    if (a->violation != b->violation)
        return a->violation < b->violation;
    return a->score > b->score;
}

static void evolution_end(void *state)
{
    evolution *e = state;
    if (!e)
        return;
    free(e->members);
    free(e->next);
    free(e);
}

static nas_status evolution_begin(const nas_setting *setting, void **state)
{
    const evolution_options *o = setting->options;
    if (o->inherit && !setting->weights)
        NAS_FAIL(NAS_CONFIG, "strategy evolution: inherit = true needs an evaluator that keeps "
                             "weights: evaluate.type = \"trained\"");
    if (o->init == INIT_GIVEN && setting->given_count == 0)
        NAS_FAIL(NAS_CONFIG, "strategy evolution: init = \"given\" needs given = [ … ]");
    const size_t room = 2 * (size_t)o->population + (size_t)o->elite + 1;
    evolution *e = calloc(1, sizeof *e);
    if (e)
        *e = (evolution){.setting = setting,
                         .options = o,
                         .members = malloc(room * sizeof *e->members),
                         .next = malloc(room * sizeof *e->next)};
    if (!e || !e->members || !e->next) {
        evolution_end(e);
        NAS_FAIL(NAS_MEMORY, "no memory for a population of %lld", (long long)o->population);
    }
    *state = e;
    return NAS_OK;
}

static void drop(evolution *e, int at)
{
    e->count--;
    memmove(e->members + at, e->members + at + 1, (size_t)(e->count - at) * sizeof *e->members);
}

/* The worst member; among equals the last seen. */
static int worst_of(const evolution *e)
{
    int worst = 0;
    for (int i = 1; i < e->count; i++)
        if (!is_better(&e->members[i], &e->members[worst]))
            worst = i;
    return worst;
}

/* The complete generation takes over; the elite of the old one stays in front. */
static void change_generation(evolution *e)
{
    while (e->count > e->options->elite)
        drop(e, worst_of(e));
    memcpy(e->members + e->count, e->next, (size_t)e->next_count * sizeof *e->next);
    e->count += e->next_count;
    e->next_count = 0;
}

static nas_status evolution_observe(void *state, const nas_seen *trial)
{
    evolution *e = state;
    const member seen = {.arch = trial->arch,
                         .index = trial->index,
                         .score = trial->score[0],
                         .violation = trial->failed ? INFINITY : trial->violation};
    if (e->options->survivors == SURVIVORS_GENERATIONAL) {
        e->next[e->next_count++] = seen;
        if (e->next_count == e->options->population)
            change_generation(e);
        return NAS_OK;
    }
    e->members[e->count++] = seen;
    if (e->count > e->options->population)
        drop(e, e->options->survivors == SURVIVORS_AGE ? 0 : worst_of(e));
    return NAS_OK;
}

/* ---- parents --------------------------------------------------------------------------------------------------------- */

static int by_tournament(const evolution *e, nas_random *random)
{
    int size = (int)e->options->tournament, best = -1;
    bool replacement = e->options->replacement;
    if (!replacement && size > e->count)
        size = e->count;
    int taken = 0;
    /* Without replacement: Knuth's selection sampling (algorithm S) walks the population once. */
    for (int i = 0; replacement ? taken < size : i < e->count && taken < size; i++) {
        int at = replacement ? (int)nas_random_below(random, (uint32_t)e->count) : i;
        if (!replacement && (int)nas_random_below(random, (uint32_t)(e->count - i)) >= size - taken)
            continue;
        taken++;
        if (best < 0 || is_better(&e->members[at], &e->members[best]) ||
            (at < best && !is_better(&e->members[best], &e->members[at])))
            best = at;
    }
    return best;
}

/* How many members are better, or as good and seen before. */
static int rank_of(const evolution *e, int at)
{
    int rank = 0;
    for (int i = 0; i < e->count; i++)
        rank += is_better(&e->members[i], &e->members[at]) ||
                (i < at && !is_better(&e->members[at], &e->members[i]));
    return rank;
}

static int by_truncation(const evolution *e, nas_random *random)
{
    int share = (int)ceil(e->options->truncation * e->count);
    int wanted = (int)nas_random_below(random, (uint32_t)(share > 0 ? share : 1)), at = 0;
    while (rank_of(e, at) != wanted)
        at++;
    return at;
}

/* Weight: the score above the worst valid one's; members that failed or are out of bounds weigh nothing. */
static int by_roulette(const evolution *e, nas_random *random)
{
    double worst = INFINITY, sum = 0;
    for (int i = 0; i < e->count; i++)
        if (e->members[i].violation == 0 && e->members[i].score < worst)
            worst = e->members[i].score;
    for (int i = 0; i < e->count; i++)
        sum += e->members[i].violation == 0 ? e->members[i].score - worst : 0;
    if (!(sum > 0))
        return (int)nas_random_below(random, (uint32_t)e->count);
    double ball = nas_random_uniform(random) * sum;
    int last = 0;
    for (int i = 0; i < e->count; i++) {
        double weight = e->members[i].violation == 0 ? e->members[i].score - worst : 0;
        if (weight <= 0)
            continue;
        last = i;
        if (ball < weight)
            return i;
        ball -= weight;
    }
    return last;
}

static int pick_parent(const evolution *e, int turn, nas_random *random)
{
    switch (e->options->parents) {
    case PARENTS_TOURNAMENT:
        return by_tournament(e, random);
    case PARENTS_TRUNCATION:
        return by_truncation(e, random);
    case PARENTS_ROULETTE:
        return by_roulette(e, random);
    default:
        return turn % e->count;
    }
}

/* ---- children -------------------------------------------------------------------------------------------------------- */

static nas_status breed(const evolution *e, int turn, nas_random *random, nas_proposal *proposal)
{
    const evolution_options *o = e->options;
    const nas_domain *domain = e->setting->domain;
    nas_arch child;
    int first = pick_parent(e, turn, random);
    child = e->members[first].arch;
    if (o->recombination != NAS_CROSS_NONE && nas_random_uniform(random) < o->recombination_rate) {
        int second = pick_parent(e, turn + 1, random);
        nas_domain_cross(domain, &e->members[first].arch, &e->members[second].arch,
                         (nas_crossover)o->recombination, random, &child);
    }
    proposal->parent = e->members[first].index;
    proposal->from = o->inherit ? proposal->parent : -1;
    return nas_domain_mutate(domain, &child, (nas_mutation)o->mutation_kind, o->mutation, random,
                             &proposal->arch);
}

static nas_status begin_population(const evolution *e, nas_random *random, nas_proposal *proposal)
{
    const nas_setting *s = e->setting;
    proposal->parent = -1;
    if (e->options->init == INIT_RANDOM)
        return nas_domain_sample(s->domain, random, &proposal->arch);
    int from = (int)nas_random_below(random, (uint32_t)s->given_count);
    proposal->parent = from; /* given architectures are the first trials */
    return nas_domain_mutate(s->domain, &s->given[from], (nas_mutation)e->options->mutation_kind,
                             e->options->mutation, random, &proposal->arch);
}

static nas_status evolution_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const evolution *e = state;
    const evolution_options *o = e->options;
    /* Inside another strategy, earlier trials are not all of this one's. */
    const int earlier = outlook->seen_count + outlook->pending_count;
    bool initial = earlier < o->population || e->count == 0;
    for (int64_t draw = 0; draw < o->tries; draw++) {
        nas_random random = nas_random_make(e->setting->seed, NAS_STREAM_PROPOSE,
                                            (uint32_t)outlook->index, (uint32_t)draw, 0);
        NAS_TRY(initial ? begin_population(e, &random, proposal)
                        : breed(e, earlier, &random, proposal));
        if (!o->distinct || nas_outlook_find(outlook, &proposal->arch) < 0)
            break;
    }
    return NAS_OK;
}

static bool is_among(const member *members, int count, int trial)
{
    for (int i = 0; i < count; i++)
        if (members[i].index == trial)
            return true;
    return false;
}

static bool evolution_wants_weights(const void *state, int trial)
{
    const evolution *e = state;
    return e->options->inherit &&
           (is_among(e->members, e->count, trial) || is_among(e->next, e->next_count, trial));
}

const nas_strategy nas__strategy_evolution = {
    .kind = {.name = "evolution",
             .summary =
                 "a population that breeds by mutation and recombination; every slot an option",
             .paper = "arXiv 1802.01548 (regularized evolution), 1905.01392 (survey)",
             .instance_size = sizeof(evolution_options),
             .options = options},
    .objectives_max = 1,
    .begin = evolution_begin,
    .observe = evolution_observe,
    .propose = evolution_propose,
    .end = evolution_end,
    .wants_weights = evolution_wants_weights,
};
