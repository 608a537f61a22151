/* pnas.c - progressive search: small cells first, and a predictor that says which larger ones are worth a training.
 *
 * Idea (Liu et al., "Progressive neural architecture search", 1712.00559): train all cells of one block; fit a predictor;
 * expand the best K by every possible next block; train the K that the predictor likes best; and so on until the cells
 * have all their blocks.  The search meets few large networks, and none by chance.
 *
 * Blocks are the groups of the gene row, in its order (in `cell` a node with its inputs and operations); where a space has one
 * group only (`cell201`: its edges), each gene is a block.  A row that has not grown to its end has zeros behind, so what
 * is trained is a whole network with the space's first choices in the unfinished part.
 *
 * The predictor is the ensemble of bananas.c (five MLPs on one-hot genes), fitted to the first k·`round` results; the mean
 * ranks.  Defaults: K 16 (the paper's 256 is for thousands of trials), of the first block at most K.  Departures: that predictor in place of
 * an LSTM or MLP on tokens; parents are all networks of the level before that have a result, best first, K of them; a
 * parent with more than `children` possible children is expanded by so many drawn at random; after the last level its
 * next best expansions are tried, then random networks.
 *
 * Cost: expanding a level scores K·children rows once per fit; other proposals take the next of that list.
 * Read next: host/learn/mlp.c, encoding.c. */
#include "encoding.h"
#include "search.h"

#include <clnas/learn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_EXPAND = 6 };

typedef struct pnas_options {
    int64_t beam, children, round, members, layers, units, epochs, tries;
    double rate;
} pnas_options;

#define AT(field) offsetof(pnas_options, field)
static const nas_option options[] = {
    {"beam", NAS_OPTION_INT, AT(beam), "16", 1, 100000, NULL,
     "networks trained at each level, and expanded for the next"},
    {"children", NAS_OPTION_INT, AT(children), "256", 1, 100000, NULL,
     "expansions of a network that the predictor ranks at most"},
    {"round", NAS_OPTION_INT, AT(round), "8", 1, 100000, NULL, "results between two fits"},
    {"members", NAS_OPTION_INT, AT(members), "5", 1, 100, NULL, "networks of the predictor"},
    {"layers", NAS_OPTION_INT, AT(layers), "2", 1, 100, NULL, "hidden layers of each"},
    {"units", NAS_OPTION_INT, AT(units), "32", 1, 4096, NULL, "units of a hidden layer"},
    {"epochs", NAS_OPTION_INT, AT(epochs), "150", 1, 100000, NULL, "epochs of a fit"},
    {"lr", NAS_OPTION_REAL, AT(rate), "0.01", 1e-9, 10, NULL, "Adam's learning rate"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "draws of a random network until one comes that the study does not have yet"},
    {0},
};
#undef AT

typedef struct candidate {
    nas_arch arch;
    int parent; /* trial, −1: none */
    double value;
} candidate;

typedef struct pnas {
    const nas_setting *setting;
    const pnas_options *options;
    int first_gene[NAS_GENES + 1]; /* of a block; the last is the number of genes */
    int blocks;
    nas__examples examples;
    int *levels; /* of the examples; −1: not of a level */
    int level_capacity;
    int count_at[NAS_GENES + 1]; /* results at each level */
    nas_mlp mlp;
    int fitted;
    double *row;
    /* the expansions of one level under one fit, best first */
    candidate *list;
    int list_count, list_capacity, list_level, list_fitted;
} pnas;

static void pnas_end(void *state)
{
    pnas *p = state;
    nas__examples_clear(&p->examples);
    nas_mlp_clear(&p->mlp);
    free(p->levels);
    free(p->row);
    free(p->list);
    free(p);
}

static void find_blocks(const nas_domain *domain, pnas *p)
{
    const nas_gene *genes = domain->genes;
    bool one_group = genes[0].group == genes[domain->count - 1].group;
    for (int i = 0; i < domain->count; i++)
        if (i == 0 || one_group || genes[i].group != genes[i - 1].group)
            p->first_gene[p->blocks++] = i;
    p->first_gene[p->blocks] = domain->count;
}

static nas_status pnas_begin(const nas_setting *setting, void **state)
{
    const pnas_options *o = setting->options;
    nas_status status = NAS_OK;
    pnas *p = calloc(1, sizeof *p);
    if (!p)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy pnas");
    p->setting = setting;
    p->options = o;
    p->list_level = -1;
    find_blocks(setting->domain, p);
    NAS_TRY_DONE(nas__examples_init(setting->domain, NAS__ENCODING_ONE_HOT, 0, &p->examples));
    const nas_mlp_shape shape = {.inputs = p->examples.inputs,
                                 .layers = (int)o->layers,
                                 .units = (int)o->units,
                                 .members = (int)o->members,
                                 .epochs = (int)o->epochs,
                                 .batch = 32,
                                 .rate = o->rate};
    NAS_TRY_DONE(nas_mlp_create(&shape, &p->mlp));
    p->row = calloc((size_t)shape.inputs, sizeof *p->row);
    if (!p->row) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for strategy pnas");
        goto done;
    }
    *state = p;
    return NAS_OK;
done:
    pnas_end(p);
    return status;
}

/* ---- levels ------------------------------------------------------------------------------------------------------ */

/* Level l has l + 1 blocks. */
static int level_of(const nas_seen *trial)
{
    int level;
    return sscanf(trial->note, "level %d", &level) == 1 && level >= 0 && level < NAS_GENES ? level
                                                                                           : -1;
}

static nas_status pnas_observe(void *state, const nas_seen *trial)
{
    pnas *p = state;
    if (p->examples.count == p->level_capacity) {
        size_t wanted = p->level_capacity ? 2 * (size_t)p->level_capacity : 64;
        int *levels = realloc(p->levels, wanted * sizeof *levels);
        if (!levels)
            NAS_FAIL(NAS_MEMORY, "no memory for %zu results", wanted);
        p->levels = levels;
        p->level_capacity = (int)wanted;
    }
    int level = level_of(trial);
    p->levels[p->examples.count] = level;
    if (level >= 0)
        p->count_at[level]++;
    return nas__examples_add(&p->examples, trial);
}

/* The highest level that any earlier trial is on (0: none yet), and how many are on it. */
static int level_now(const pnas *p, const nas_outlook *outlook, int *count)
{
    int highest = p->blocks - 1, on[NAS_GENES + 1];
    memcpy(on, p->count_at, sizeof on);
    for (int i = 0; i < outlook->pending_count; i++) {
        int level = level_of(outlook->pending[i]);
        if (level >= 0)
            on[level]++;
    }
    while (highest > 0 && on[highest] == 0)
        highest--;
    *count = on[highest];
    return highest;
}

/* ---- expansions ---------------------------------------------------------------------------------------------------- */

static nas_status fit(pnas *p)
{
    int wanted = p->examples.count - p->examples.count % (int)p->options->round;
    double *targets;
    if (p->fitted == wanted || wanted == 0)
        return NAS_OK;
    NAS_TRY(nas__examples_targets(&p->examples, wanted, &targets));
    nas_status status = nas_mlp_fit(&p->mlp, p->examples.features, targets, wanted,
                                    p->setting->seed, (uint32_t)wanted);
    free(targets);
    p->fitted = wanted;
    return status;
}

static nas_status add_candidate(pnas *p, const nas_arch *parent, int parent_index,
                                const uint8_t *choices, int level)
{
    const nas_domain *domain = p->setting->domain;
    int first = p->first_gene[level], count = p->first_gene[level + 1] - first;
    double deviation;
    if (p->list_count == p->list_capacity) {
        size_t wanted = p->list_capacity ? 2 * (size_t)p->list_capacity : 256;
        candidate *list = realloc(p->list, wanted * sizeof *list);
        if (!list)
            NAS_FAIL(NAS_MEMORY, "no memory for %zu expansions", wanted);
        p->list = list;
        p->list_capacity = (int)wanted;
    }
    candidate *c = &p->list[p->list_count];
    *c = (candidate){.arch = *parent, .parent = parent_index};
    memcpy(c->arch.genes + first, choices, (size_t)count);
    nas_domain_canonical(domain, &c->arch);
    if (nas_domain_valid(domain, &c->arch) != NAS_OK)
        return NAS_OK;
    if (p->fitted) {
        nas__encode(&p->examples, &c->arch, p->row);
        nas_mlp_predict(&p->mlp, p->row, &c->value, &deviation);
    }
    p->list_count++;
    return NAS_OK;
}

/* Every choice of the block, or `children` random ones where there are more. */
static nas_status expand(pnas *p, const nas_arch *parent, int parent_index, int level)
{
    const nas_gene *genes = p->setting->domain->genes + p->first_gene[level];
    int count = p->first_gene[level + 1] - p->first_gene[level];
    double all = 1;
    uint8_t choices[NAS_GENES] = {0};
    uint64_t hash = nas_arch_hash(parent);
    nas_random random = nas_random_make(p->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)hash,
                                        (uint32_t)level, STREAM_EXPAND);
    for (int i = 0; i < count; i++)
        all *= genes[i].choices;
    bool random_ones = all > (double)p->options->children;
    int64_t wanted = random_ones ? p->options->children : (int64_t)all;
    for (int64_t n = 0; n < wanted; n++) {
        for (int i = 0; i < count && random_ones; i++)
            choices[i] = (uint8_t)nas_random_below(&random, (uint32_t)genes[i].choices);
        NAS_TRY(add_candidate(p, parent, parent_index, choices, level));
        for (int i = 0; i < count && !random_ones && ++choices[i] == genes[i].choices; i++)
            choices[i] = 0;
    }
    return NAS_OK;
}

static int best_first(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return memcmp(a->arch.genes, b->arch.genes, sizeof a->arch.genes);
}

/* The best `beam` results of a level among those that the predictor was fitted to. */
static int find_parents(const pnas *p, int level, int *parents)
{
    int count = 0, beam = (int)p->options->beam;
    for (int i = 0; i < p->fitted; i++) {
        if (p->levels[i] != level || !isfinite(p->examples.targets[i]))
            continue;
        int at = count < beam ? count++ : beam;
        for (; at > 0 && p->examples.targets[i] > p->examples.targets[parents[at - 1]]; at--)
            if (at < beam)
                parents[at] = parents[at - 1];
        if (at < beam)
            parents[at] = i;
    }
    return count;
}

/* The list for `level`, made anew after a fit.  Level 0 expands nothing; its order is by chance. */
static nas_status make_list(pnas *p, int level)
{
    if (p->list_level == level && p->list_fitted == p->fitted)
        return NAS_OK;
    int *parents = malloc((size_t)p->options->beam * sizeof *parents);
    if (!parents)
        NAS_FAIL(NAS_MEMORY, "no memory for a beam of %lld", (long long)p->options->beam);
    nas_status status = NAS_OK;
    p->list_count = 0;
    if (level == 0) {
        const nas_arch nothing = {.count = (uint16_t)p->setting->domain->count};
        status = expand(p, &nothing, -1, 0);
    }
    int count = level > 0 ? find_parents(p, level - 1, parents) : 0;
    for (int i = 0; i < count && status == NAS_OK; i++)
        status = expand(p, &p->examples.archs[parents[i]], p->examples.indices[parents[i]], level);
    free(parents);
    nas_random random = nas_random_make(p->setting->seed, NAS_STREAM_PROPOSE, 0, 1, STREAM_EXPAND);
    for (int i = 0; i < p->list_count && level == 0; i++)
        p->list[i].value = nas_random_uniform(&random);
    if (p->list_count)
        qsort(p->list, (size_t)p->list_count, sizeof *p->list, best_first);
    p->list_level = level;
    p->list_fitted = p->fitted;
    return status;
}

static nas_status take_best(pnas *p, int level, const nas_outlook *outlook, nas_proposal *proposal,
                            bool *found)
{
    NAS_TRY(make_list(p, level));
    *found = false;
    for (int i = 0; i < p->list_count && !*found; i++) {
        *found = nas_outlook_find(outlook, &p->list[i].arch) < 0;
        if (!*found)
            continue;
        proposal->arch = p->list[i].arch;
        proposal->parent = p->list[i].parent;
        snprintf(proposal->note, sizeof proposal->note, "level %d", level);
    }
    return NAS_OK;
}

static nas_status pnas_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    pnas *p = state;
    int count, level = level_now(p, outlook, &count), last = p->blocks - 1;
    bool found = false;
    nas_random random =
        nas_random_make(p->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    NAS_TRY(fit(p));
    if (count < p->options->beam)
        NAS_TRY(take_best(p, level, outlook, proposal, &found));
    for (int next = level + 1; next <= last && !found; next++)
        NAS_TRY(take_best(p, next, outlook, proposal, &found));
    if (!found)
        NAS_TRY(take_best(p, last, outlook, proposal, &found));
    for (int64_t i = 0; i < p->options->tries && !found; i++) {
        proposal->parent = -1;
        NAS_TRY(nas_domain_sample(p->setting->domain, &random, &proposal->arch));
        found = nas_outlook_find(outlook, &proposal->arch) < 0;
    }
    return NAS_OK;
}

const nas_strategy nas__strategy_pnas = {
    .kind = {.name = "pnas",
             .summary = "progressive: the best small cells are grown as a predictor advises",
             .paper = "arXiv 1712.00559",
             .instance_size = sizeof(pnas_options),
             .options = options},
    .objectives_max = 1,
    .begin = pnas_begin,
    .observe = pnas_observe,
    .propose = pnas_propose,
    .end = pnas_end,
};
