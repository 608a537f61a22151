/* qlearning.c - MetaQNN: an agent chooses gene after gene, and learns which choice leads where.
 *
 * Idea (Baker et al., "Designing neural network architectures using reinforcement learning", 1611.02167): building a
 * network is a walk; each choice is an action, and the reward, the network's score, comes at the end.  Q(state, choice) is
 * what the best continuation is worth:
 *
 *     Q ← (1 − α)·Q + α·(r + γ·max Q(next))        α 0.01, γ 1, Q at first 0.5
 *
 * after each network for it and for `replay` networks drawn from memory with replacement (100 in the paper, 128 in its
 * code), transitions from last to first.  Choices are ε-greedy; ε falls with the number of different networks, by the
 * published schedule scaled from its 2,700 networks to `models`: 1.0 for 1500, 0.9, 0.8, 0.7 for 100 each, 0.6 … 0.1 for
 * 150 each; then it stays.  Greedy ties are broken at random.  A network that is known already is not trained again; its
 * result counts again.
 *
 * State: the position of the gene, the choices it remembers (those of its own layer so far and of the layer before), and the size of
 * what its layer reads in MetaQNN's buckets, over 7, 4 to 7 and 1 to 3 pixels, where the space says it: in chains that is
 * MetaQNN's state.  Genes without effect in a row are no transitions.
 *
 * Departures: `models` is 100 by default and replays make up for it; the reward of a failed network is the lowest so far;
 * Q at first (q_init) should be near an average score: the paper says so, and 0.5 is its value.
 *
 * Cost: a result costs (replay + 1) rows of updates, a proposal one row, whatever the length of the log. */
#include "qtable.h"
#include "search.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_REPLAY = 4 };

typedef struct qlearning_options {
    int64_t models, replay, memory, tries;
    double alpha, gamma, q_init;
} qlearning_options;

#define AT(field) offsetof(qlearning_options, field)
static const nas_option options[] = {
    {"models", NAS_OPTION_INT, AT(models), "100", 1, 10000000, NULL,
     "different networks over which ε falls from 1 to 0.1; the paper's 2,700"},
    {"replay", NAS_OPTION_INT, AT(replay), "128", 0, 100000, NULL,
     "networks drawn from memory and learnt from again after each result"},
    {"alpha", NAS_OPTION_REAL, AT(alpha), "0.01", 1e-6, 1, NULL, "learning rate of Q"},
    {"gamma", NAS_OPTION_REAL, AT(gamma), "1", 0, 1, NULL, "discount of later states"},
    {"q_init", NAS_OPTION_REAL, AT(q_init), "0.5", 0, 0, NULL,
     "first value of every choice, near an average score"},
    {"memory", NAS_OPTION_INT, AT(memory), "-1", -1, NAS_GENES, NULL,
     "genes before its own that a state remembers; -1: its layer so far and the layer before"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "walks until a row is valid; after them a uniform one is taken"},
    {0},
};
#undef AT

typedef struct memory {
    nas_arch row;
    bool live[NAS_GENES];
    double reward;
} memory;

typedef struct qlearning {
    const nas_setting *setting;
    const qlearning_options *options;
    nas__qtable table;
    memory **memories;
    int count, capacity;
    double worst;
} qlearning;

static nas_status qlearning_begin(const nas_setting *setting, void **state)
{
    const qlearning_options *o = setting->options;
    qlearning *q = calloc(1, sizeof *q);
    if (!q)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy qlearning");
    q->setting = setting;
    q->options = o;
    q->worst = o->q_init;
    *state = q;
    return nas__qtable_create(setting->domain, (int)o->memory, o->q_init, &q->table);
}

static void qlearning_end(void *state)
{
    qlearning *q = state;
    for (int i = 0; i < q->count; i++)
        free(q->memories[i]);
    free(q->memories);
    nas__qtable_clear(&q->table);
    free(q);
}

/* ---- learning -------------------------------------------------------------------------------------------------------- */

/* A gene at 0 is without effect when the canonical form takes it back from 1. */
static void find_live(const nas_domain *domain, const nas_arch *row, bool *live)
{
    for (int i = 0; i < domain->count; i++) {
        live[i] = domain->genes[i].choices > 1;
        if (!live[i] || row->genes[i] != 0)
            continue;
        nas_arch other = *row;
        other.genes[i] = 1;
        nas_domain_canonical(domain, &other);
        live[i] = !nas_arch_equal(&other, row);
    }
}

static nas_status remember(qlearning *q, const nas_seen *trial)
{
    if (q->count == q->capacity) {
        int capacity = q->capacity ? 2 * q->capacity : 64;
        memory **memories = realloc(q->memories, (size_t)capacity * sizeof *memories);
        if (!memories)
            NAS_FAIL(NAS_MEMORY, "no memory for %d networks", capacity);
        q->memories = memories;
        q->capacity = capacity;
    }
    memory *m = malloc(sizeof *m);
    if (!m)
        NAS_FAIL(NAS_MEMORY, "no memory for a network");
    bool good = !trial->failed && trial->violation == 0;
    if (good && (q->count == 0 || trial->score[0] < q->worst))
        q->worst = trial->score[0];
    m->row = trial->arch;
    m->reward = good ? trial->score[0] : q->worst;
    find_live(q->setting->domain, &m->row, m->live);
    q->memories[q->count++] = m;
    return NAS_OK;
}

static nas_status learn(qlearning *q, const memory *m)
{
    return nas__qtable_update(&q->table, &m->row, m->live, m->reward, q->options->alpha,
                              q->options->gamma);
}

static nas_status qlearning_observe(void *state, const nas_seen *trial)
{
    qlearning *q = state;
    nas_random random = nas_random_make(q->setting->seed, NAS_STREAM_PROPOSE,
                                        (uint32_t)trial->index, 0, STREAM_REPLAY);
    NAS_TRY(remember(q, trial));
    NAS_TRY(learn(q, q->memories[q->count - 1]));
    for (int64_t i = 0; i < q->options->replay; i++)
        NAS_TRY(learn(q, q->memories[nas_random_below(&random, (uint32_t)q->count)]));
    return NAS_OK;
}

/* ---- choosing ---------------------------------------------------------------------------------------------------------- */

static double epsilon_of(const qlearning *q, const nas_outlook *outlook)
{
    static const struct {
        int models;
        double epsilon;
    } schedule[] = {{1500, 1.0}, {1600, 0.9}, {1700, 0.8}, {1800, 0.7}, {1950, 0.6},
                    {2100, 0.5}, {2250, 0.4}, {2400, 0.3}, {2550, 0.2}};
    double models = nas_outlook_distinct(outlook) * 2700.0 / (double)q->options->models;
    for (size_t i = 0; i < sizeof schedule / sizeof *schedule; i++)
        if (models < schedule[i].models)
            return schedule[i].epsilon;
    return 0.1;
}

static uint8_t choose(const qlearning *q, const nas_arch *row, int gene, double epsilon,
                      nas_random *random)
{
    int choices = q->setting->domain->genes[gene].choices, ties = 0, best = 0;
    if (nas_random_uniform(random) < epsilon)
        return (uint8_t)nas_random_below(random, (uint32_t)choices);
    const double *values = nas__qtable_look(&q->table, row, gene);
    if (!values)
        return (uint8_t)nas_random_below(random, (uint32_t)choices);
    for (int k = 0; k < choices; k++) {
        if (ties && values[k] < values[best])
            continue;
        ties = ties && values[k] == values[best] ? ties + 1 : 1;
        if (ties == 1 || nas_random_below(random, (uint32_t)ties) == 0)
            best = k;
    }
    return (uint8_t)best;
}

static nas_status qlearning_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    qlearning *q = state;
    const nas_domain *domain = q->setting->domain;
    double epsilon = epsilon_of(q, outlook);
    nas_random random =
        nas_random_make(q->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    for (int64_t draw = 0; draw < q->options->tries; draw++) {
        nas_arch row = {.count = (uint16_t)domain->count};
        for (int i = 0; i < domain->count; i++)
            row.genes[i] = choose(q, &row, i, epsilon, &random);
        nas_domain_canonical(domain, &row);
        if (nas_domain_valid(domain, &row) == NAS_OK) {
            proposal->arch = row;
            return NAS_OK;
        }
    }
    return nas_domain_sample(domain, &random, &proposal->arch);
}

const nas_strategy nas__strategy_qlearning = {
    .kind = {.name = "qlearning",
             .summary = "MetaQNN: choices by ε-greedy Q-learning with replay",
             .paper = "arXiv 1611.02167",
             .instance_size = sizeof(qlearning_options),
             .options = options},
    .objectives_max = 1,
    .begin = qlearning_begin,
    .observe = qlearning_observe,
    .propose = qlearning_propose,
    .end = qlearning_end,
};
