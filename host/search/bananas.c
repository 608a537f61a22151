/* bananas.c - an ensemble of small networks predicts scores; the most promising mutant of the best is trained next.
 *
 * Idea (White, Neiswanger, Savani, "BANANAS: Bayesian optimization with neural architectures for neural architecture
 * search", 1910.11858): after `start` random networks, every `round` results an ensemble of five MLPs (10 layers of 20 units, MAE,
 * Adam 0.01, 150 epochs) is fitted to all results.  Candidates are mutations of the best networks; each gets a value drawn
 * from the normal distribution with the ensemble's mean and deviation for it (independent Thompson sampling); the highest is trained.
 *
 *     encoding = "path"   the ways through a cell, where the space has them (cell201), cut to the `paths` shortest
 *     encoding = "one_hot" the genes
 *     acquisition = "ts" | "ucb" (μ + 0.5·σ) | "mean"
 *
 * Departures: candidates and draws are made anew for each proposal, not once for each round, so proposals under way
 * and late results need no list; targets are scaled to mean 0 and deviation 1.  The model is fitted to the first
 * start + k·round results, so it is the same in a replay.
 *
 * Cost: a fit is linear in the results, one in `round` proposals; the others score `candidates` rows.
 * Read next: host/learn/mlp.c, encoding.c. */
#include "encoding.h"
#include "search.h"

#include <clnas/learn.h>

#include <math.h>
#include <stdlib.h>

enum { ENCODING_AUTO };
enum { ACQUISITION_TS, ACQUISITION_UCB, ACQUISITION_MEAN };

typedef struct bananas_options {
    int encoding, acquisition;
    int64_t start, round, candidates, parents, members, layers, units, epochs, batch, paths, tries;
    double rate, mutation;
} bananas_options;

#define AT(field) offsetof(bananas_options, field)
static const nas_option options[] = {
    {"start", NAS_OPTION_INT, AT(start), "10", 2, 100000, NULL, "random networks at first"},
    {"round", NAS_OPTION_INT, AT(round), "10", 1, 100000, NULL, "results between two fits"},
    {"candidates", NAS_OPTION_INT, AT(candidates), "100", 1, 100000, NULL,
     "mutants that the ensemble compares for one proposal"},
    {"parents", NAS_OPTION_INT, AT(parents), "1", 1, 1000, NULL,
     "best networks of which candidates are mutants"},
    {"mutation", NAS_OPTION_REAL, AT(mutation), "0", 0, 1, NULL,
     "probability that a gene changes, at least one does; 0: one over the number of genes"},
    {"encoding", NAS_OPTION_CHOICE, AT(encoding), "auto", 0, 0, "auto|one_hot|path",
     "what the ensemble sees; auto: paths where the space has them"},
    {"paths", NAS_OPTION_INT, AT(paths), "30", 0, 100000, NULL,
     "encoding \"path\": so many of the shortest paths; 0: all"},
    {"acquisition", NAS_OPTION_CHOICE, AT(acquisition), "ts", 0, 0, "ts|ucb|mean",
     "ts: independent Thompson sampling; ucb: mean + 0.5 deviations; mean"},
    {"members", NAS_OPTION_INT, AT(members), "5", 1, 100, NULL, "networks of the ensemble"},
    {"layers", NAS_OPTION_INT, AT(layers), "10", 1, 100, NULL, "hidden layers of each"},
    {"units", NAS_OPTION_INT, AT(units), "20", 1, 4096, NULL, "units of a hidden layer"},
    {"epochs", NAS_OPTION_INT, AT(epochs), "150", 1, 100000, NULL, "epochs of a fit"},
    {"batch", NAS_OPTION_INT, AT(batch), "32", 1, 4096, NULL, "results of a batch"},
    {"lr", NAS_OPTION_REAL, AT(rate), "0.01", 1e-9, 10, NULL, "Adam's learning rate"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "draws of a random network until one comes that the study does not have yet"},
    {0},
};
#undef AT

typedef struct bananas {
    const nas_setting *setting;
    const bananas_options *options;
    nas__examples examples;
    nas_mlp mlp;
    int fitted; /* results that the ensemble was fitted to; 0: none yet */
    double mutation;
    double *row; /* features of a candidate */
} bananas;

static void bananas_end(void *state)
{
    bananas *b = state;
    nas__examples_clear(&b->examples);
    nas_mlp_clear(&b->mlp);
    free(b->row);
    free(b);
}

static nas__encoding encoding_of(const bananas_options *o, const nas_domain *domain)
{
    if (o->encoding == ENCODING_AUTO)
        return nas_domain_path_count(domain) ? NAS__ENCODING_PATH : NAS__ENCODING_ONE_HOT;
    return (nas__encoding)(o->encoding - 1);
}

static nas_status bananas_begin(const nas_setting *setting, void **state)
{
    const bananas_options *o = setting->options;
    nas_status status = NAS_OK;
    int open = 0;
    bananas *b = calloc(1, sizeof *b);
    if (!b)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy bananas");
    for (int i = 0; i < setting->domain->count; i++)
        open += setting->domain->genes[i].choices > 1;
    b->setting = setting;
    b->options = o;
    b->mutation = o->mutation > 0 ? o->mutation : 1.0 / (open > 0 ? open : 1);
    NAS_TRY_DONE(nas__examples_init(setting->domain, encoding_of(o, setting->domain), (int)o->paths,
                                    &b->examples));
    const nas_mlp_shape shape = {.inputs = b->examples.inputs,
                                 .layers = (int)o->layers,
                                 .units = (int)o->units,
                                 .members = (int)o->members,
                                 .epochs = (int)o->epochs,
                                 .batch = (int)o->batch,
                                 .rate = o->rate};
    NAS_TRY_DONE(nas_mlp_create(&shape, &b->mlp));
    b->row = calloc((size_t)shape.inputs, sizeof *b->row);
    if (!b->row) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for strategy bananas");
        goto done;
    }
    *state = b;
    return NAS_OK;
done:
    bananas_end(b);
    return status;
}

static nas_status bananas_observe(void *state, const nas_seen *trial)
{
    bananas *b = state;
    return nas__examples_add(&b->examples, trial);
}

/* ---- proposing -------------------------------------------------------------------------------------------------- */

static nas_status fit(bananas *b)
{
    const bananas_options *o = b->options;
    int rounds = (b->examples.count - (int)o->start) / (int)o->round;
    int wanted = (int)o->start + rounds * (int)o->round;
    double *targets;
    if (b->fitted == wanted)
        return NAS_OK;
    NAS_TRY(nas__examples_targets(&b->examples, wanted, &targets));
    nas_status status = nas_mlp_fit(&b->mlp, b->examples.features, targets, wanted,
                                    b->setting->seed, (uint32_t)wanted);
    free(targets);
    b->fitted = wanted;
    return status;
}

/* The k-th best result (0: the best), the first among equals; results are few and k is small. */
static int ranked(const nas__examples *e, int k)
{
    int at = -1;
    for (int round = 0; round <= k; round++) {
        int next = -1;
        for (int i = 0; i < e->count; i++) {
            bool behind = at < 0 || e->targets[i] < e->targets[at] ||
                          (e->targets[i] == e->targets[at] && i > at);
            if (behind && (next < 0 || e->targets[i] > e->targets[next]))
                next = i;
        }
        if (next < 0)
            break;
        at = next;
    }
    return at;
}

static double value_of(bananas *b, const nas_arch *arch, nas_random *random)
{
    double mean, deviation;
    nas__encode(&b->examples, arch, b->row);
    nas_mlp_predict(&b->mlp, b->row, &mean, &deviation);
    double factor = b->options->acquisition == ACQUISITION_TS    ? nas_random_normal(random)
                    : b->options->acquisition == ACQUISITION_UCB ? 0.5
                                                                 : 0;
    return mean + factor * deviation;
}

/* The best candidate that the study does not have; false: there is none. */
static nas_status pick(bananas *b, const nas_outlook *outlook, nas_random *random,
                       nas_proposal *proposal, bool *found)
{
    const bananas_options *o = b->options;
    double best = -INFINITY;
    int parents[1000],
        count = (int)(o->parents < b->examples.count ? o->parents : b->examples.count);
    for (int k = 0; k < count; k++)
        parents[k] = ranked(&b->examples, k);
    *found = false;
    for (int64_t i = 0; i < o->candidates; i++) {
        int parent = parents[i % count];
        nas_arch child;
        NAS_TRY(nas_domain_mutate(b->setting->domain, &b->examples.archs[parent], NAS_MUTATE_RATE,
                                  b->mutation, random, &child));
        if (nas_outlook_find(outlook, &child) >= 0)
            continue;
        double value = value_of(b, &child, random);
        if (*found && !(value > best))
            continue;
        *found = true;
        best = value;
        proposal->arch = child;
        proposal->parent = b->examples.indices[parent];
    }
    return NAS_OK;
}

static nas_status bananas_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    bananas *b = state;
    bool found = false;
    nas_random random =
        nas_random_make(b->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    if (b->examples.count >= b->options->start) {
        NAS_TRY(fit(b));
        NAS_TRY(pick(b, outlook, &random, proposal, &found));
    }
    for (int64_t i = 0; i < b->options->tries && !found; i++) {
        NAS_TRY(nas_domain_sample(b->setting->domain, &random, &proposal->arch));
        found = nas_outlook_find(outlook, &proposal->arch) < 0;
    }
    return NAS_OK;
}

const nas_strategy nas__strategy_bananas = {
    .kind = {.name = "bananas",
             .summary = "an ensemble of MLPs chooses among mutants of the best",
             .paper = "arXiv 1910.11858",
             .instance_size = sizeof(bananas_options),
             .options = options},
    .objectives_max = 1,
    .begin = bananas_begin,
    .observe = bananas_observe,
    .propose = bananas_propose,
    .end = bananas_end,
};
