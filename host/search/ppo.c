/* ppo.c - proximal policy optimisation: several careful steps with each batch of architectures.
 *
 * Idea (Schulman et al., "Proximal policy optimization algorithms", 1707.06347; used for architectures by Zoph et al.,
 * 1707.07012): REINFORCE throws a result away after one step.  PPO uses a batch for several epochs, and stops pushing a
 * row's probability once it has changed by more than `clip`:
 *
 *     ratio = p_now(row) / p_then(row)        maximise  min(ratio·A, clip(ratio, 1 ± ε)·A) + bonus·entropy
 *
 * p_then travels in the proposal's note, so that no state but the log is needed, and results that come late or from other
 * machines are weighted rightly: this is importance sampling anyway.
 *
 * Defaults as codes for architecture search use it: clip 0.2, 4 epochs, batches of 20 results, advantage = reward − moving average,
 * scaled by the batch's standard deviation.  Failed networks get the worst reward so far.  Departures: every epoch is one
 * step with the whole batch; an epoch does not draw minibatches.
 *
 * Read next: host/learn/policy.c; reinforce.c. */
#include "drawn.h"
#include "search.h"

#include <math.h>
#include <stdlib.h>

typedef struct ppo_options {
    int controller;
    int64_t hidden, layers, batch, epochs, tries;
    double rate, decay, entropy, tanh_constant, temperature, clip;
} ppo_options;

#define AT(field) offsetof(ppo_options, field)
static const nas_option options[] = {
    {"controller", NAS_OPTION_CHOICE, AT(controller), "lstm", 0, 0, "table|lstm",
     "table: independent logits for each gene; lstm: each choice depends on those before it"},
    {"lr", NAS_OPTION_REAL, AT(rate), "0.005", 1e-9, 10, NULL, "Adam's learning rate"},
    {"clip", NAS_OPTION_REAL, AT(clip), "0.2", 0.001, 10, NULL,
     "how far a probability may be pushed: ratio within 1 ± clip"},
    {"epochs", NAS_OPTION_INT, AT(epochs), "4", 1, 1000, NULL, "steps with each batch"},
    {"batch", NAS_OPTION_INT, AT(batch), "20", 1, 10000, NULL, "results of a batch"},
    {"baseline", NAS_OPTION_REAL, AT(decay), "0.9", 0, 0.9999, NULL,
     "decay of the moving average that is the baseline"},
    {"entropy", NAS_OPTION_REAL, AT(entropy), "0.01", 0, 10, NULL,
     "weight of the entropy bonus, in units of the scaled advantage"},
    {"hidden", NAS_OPTION_INT, AT(hidden), "64", 1, 1024, NULL, "units of the LSTM"},
    {"layers", NAS_OPTION_INT, AT(layers), "1", 1, 8, NULL, "layers of the LSTM"},
    {"tanh", NAS_OPTION_REAL, AT(tanh_constant), "2.5", 0, 100, NULL,
     "logits become tanh·tanh(logit), so that no choice dies; 0: not"},
    {"temperature", NAS_OPTION_REAL, AT(temperature), "1", 0.01, 100, NULL,
     "logits are divided by it"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "draws until a row is valid; after them a uniform one is taken"},
    {0},
};
#undef AT

typedef struct sample {
    nas_arch row;
    double log_then, advantage;
} sample;

typedef struct ppo {
    const nas_setting *setting;
    const ppo_options *options;
    nas_policy *policy;
    nas__baseline baseline;
    sample *batch;
    int count;
} ppo;

static void ppo_end(void *state)
{
    ppo *p = state;
    nas_policy_destroy(p->policy);
    free(p->batch);
    free(p);
}

static nas_status ppo_begin(const nas_setting *setting, void **state)
{
    const ppo_options *o = setting->options;
    const nas_policy_shape shape = {.kind = (nas_policy_kind)o->controller,
                                    .hidden = (int)o->hidden,
                                    .layers = (int)o->layers,
                                    .temperature = o->temperature,
                                    .tanh_constant = o->tanh_constant};
    ppo *p = calloc(1, sizeof *p);
    if (p)
        p->batch = calloc((size_t)o->batch, sizeof *p->batch);
    if (!p || !p->batch) {
        free(p);
        NAS_FAIL(NAS_MEMORY, "no memory for strategy ppo");
    }
    p->setting = setting;
    p->options = o;
    nas_status status = nas_policy_create(setting->domain, &shape, setting->seed, &p->policy);
    if (status != NAS_OK) {
        ppo_end(p);
        return status;
    }
    *state = p;
    return NAS_OK;
}

/* Advantages by the batch's standard deviation. */
static void scale_batch(ppo *p)
{
    double mean = 0, square = 0;
    for (int i = 0; i < p->count; i++)
        mean += p->batch[i].advantage / p->count;
    for (int i = 0; i < p->count; i++)
        square += (p->batch[i].advantage - mean) * (p->batch[i].advantage - mean) / p->count;
    for (int i = 0; i < p->count; i++)
        p->batch[i].advantage /= sqrt(square) + 1e-8;
}

static void learn_batch(ppo *p)
{
    const ppo_options *o = p->options;
    const nas_adam adam = {o->rate, 0.9, 0.999, 1e-8, 0};
    scale_batch(p);
    for (int64_t epoch = 0; epoch < o->epochs; epoch++) {
        for (int i = 0; i < p->count; i++) {
            const sample *s = &p->batch[i];
            double entropy;
            double ratio = exp(nas_policy_look(p->policy, &s->row, &entropy) - s->log_then);
            bool pushed = s->advantage > 0 ? ratio > 1 + o->clip : ratio < 1 - o->clip;
            const nas_policy_push push = {.chance = pushed ? 0 : ratio * s->advantage / p->count,
                                          .bonus = o->entropy / p->count};
            nas_policy_learn(p->policy, &s->row, &push);
        }
        nas_weights_step(nas_policy_weights(p->policy), &adam);
    }
    p->count = 0;
}

static nas_status ppo_observe(void *state, const nas_seen *trial)
{
    ppo *p = state;
    sample s;
    double reward = nas__baseline_take(&p->baseline, p->options->decay, trial);
    if (!nas__drawn_recall(trial, &s.row, &s.log_then))
        return NAS_OK;
    s.advantage = reward - nas__baseline_value(&p->baseline);
    p->batch[p->count++] = s;
    if (p->count == p->options->batch)
        learn_batch(p);
    return NAS_OK;
}

static nas_status ppo_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    ppo *p = state;
    return nas__drawn_propose(p->policy, p->setting, outlook, p->options->tries, proposal);
}

const nas_strategy nas__strategy_ppo = {
    .kind = {.name = "ppo",
             .summary = "proximal policy optimisation: several clipped steps with each batch",
             .paper = "arXiv 1707.06347, 1707.07012",
             .instance_size = sizeof(ppo_options),
             .options = options},
    .objectives_max = 1,
    .begin = ppo_begin,
    .observe = ppo_observe,
    .propose = ppo_propose,
    .end = ppo_end,
};
