/* reinforce.c - a policy draws architectures and is pushed towards those that scored well.
 *
 * Idea (Williams 1992; Zoph and Le, "Neural architecture search with reinforcement learning", 1611.01578): the policy
 * gradient of the expected reward is E[(reward − baseline)·∇ log p(row)], and every trained network is one sample of it.
 * The baseline, a moving average of the rewards, takes out most of the noise; a little entropy keeps the policy open.
 *
 *     controller = "table"   independent logits for each gene; Adam 0.01, baseline decay 0.9: NAS-Bench-201's REINFORCE (2001.00326)
 *     controller = "lstm"    ENAS's controller (1802.03268): LSTM of 64, weights uniform in ±0.1, tanh constant 2.5
 *
 * The baseline is updated before the advantage is formed, and corrected for its start at 0 (ENAS's is not).  The reward is
 * the score; failed networks and those outside of the bounds get the worst reward so far.  The answer of a search is the best
 * network of its log, not the policy's favourite.
 *
 *     actions = "edit"       the policy edits one of the best networks instead (edits.c), and the child begins with its weights:
 *                            network transformation (Cai et al., 1707.04873)
 *
 * Departures: with lookahead or several devices the policy has moved on between a drawing and its result; the gradient is then
 * taken at the policy as it is (lookahead = 1 is exact).  The entropy bonus is a gradient, not a constant added to
 * the reward.  Given networks were not drawn, so they set the baseline and move nothing.
 *
 * Cost: one walk through the controller per proposal and one back per result, whatever the length of the log.
 * Read next: host/learn/policy.c, edits.c; ppo.c, which takes several steps with a batch. */
#include "edits.h"
#include "drawn.h"
#include "search.h"

#include <stdlib.h>

enum { ACTIONS_BUILD, ACTIONS_EDIT };

typedef struct reinforce_options {
    int controller, actions;
    int64_t hidden, layers, batch, tries, parents;
    double edits, rate, decay, entropy, tanh_constant, temperature, clip;
} reinforce_options;

#define AT(field) offsetof(reinforce_options, field)
static const nas_option options[] = {
    {"controller", NAS_OPTION_CHOICE, AT(controller), "table", 0, 0, "table|lstm",
     "table: independent logits for each gene; lstm: each choice depends on those before it"},
    {"actions", NAS_OPTION_CHOICE, AT(actions), "build", 0, 0, "build|edit",
     "build: the policy draws whole networks; edit: it edits one of the best, and the child starts "
     "from its weights where the evaluator keeps any"},
    {"edits", NAS_OPTION_REAL, AT(edits), "2", 0.01, 254, NULL,
     "actions = \"edit\": genes that an untrained policy draws anew, on average"},
    {"parents", NAS_OPTION_INT, AT(parents), "5", 1, NAS__EDIT_PARENTS_MAX, NULL,
     "actions = \"edit\": best networks, one of which is edited, each as likely"},
    {"lr", NAS_OPTION_REAL, AT(rate), "0.01", 1e-9, 10, NULL, "Adam's learning rate"},
    {"baseline", NAS_OPTION_REAL, AT(decay), "0.9", 0, 0.9999, NULL,
     "decay of the moving average that is the baseline"},
    {"entropy", NAS_OPTION_REAL, AT(entropy), "0.0001", 0, 10, NULL,
     "weight of the entropy bonus, in units of the reward"},
    {"batch", NAS_OPTION_INT, AT(batch), "1", 1, 10000, NULL,
     "results whose gradients are added before a step"},
    {"hidden", NAS_OPTION_INT, AT(hidden), "64", 1, 1024, NULL, "units of the LSTM"},
    {"layers", NAS_OPTION_INT, AT(layers), "1", 1, 8, NULL, "layers of the LSTM"},
    {"tanh", NAS_OPTION_REAL, AT(tanh_constant), "2.5", 0, 100, NULL,
     "logits become tanh·tanh(logit), so that no choice dies; 0: not"},
    {"temperature", NAS_OPTION_REAL, AT(temperature), "1", 0.01, 100, NULL,
     "logits are divided by it"},
    {"clip", NAS_OPTION_REAL, AT(clip), "0", 0, 1e9, NULL,
     "largest norm of a gradient; 0: no limit"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "draws until a row is valid; after them a uniform one is taken"},
    {0},
};
#undef AT

typedef struct reinforce {
    const nas_setting *setting;
    const reinforce_options *options;
    nas_policy *policy;
    nas__edits *edits; /* NULL: the policy builds, and is its own */
    nas__baseline baseline;
    int in_batch;
} reinforce;

static nas_status reinforce_begin(const nas_setting *setting, void **state)
{
    const reinforce_options *o = setting->options;
    const nas_policy_shape shape = {.kind = (nas_policy_kind)o->controller,
                                    .hidden = (int)o->hidden,
                                    .layers = (int)o->layers,
                                    .temperature = o->temperature,
                                    .tanh_constant = o->tanh_constant};
    reinforce *r = calloc(1, sizeof *r);
    if (!r)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy reinforce");
    r->setting = setting;
    r->options = o;
    nas_status status =
        o->actions == ACTIONS_EDIT
            ? nas__edits_create(setting, &shape, o->edits, (int)o->parents, &r->edits)
            : nas_policy_create(setting->domain, &shape, setting->seed, &r->policy);
    if (r->edits)
        r->policy = nas__edits_policy(r->edits);
    if (status != NAS_OK) {
        free(r);
        return status;
    }
    *state = r;
    return NAS_OK;
}

static void reinforce_end(void *state)
{
    reinforce *r = state;
    if (r->edits)
        nas__edits_destroy(r->edits);
    else
        nas_policy_destroy(r->policy);
    free(r);
}

static nas_status reinforce_observe(void *state, const nas_seen *trial)
{
    reinforce *r = state;
    const reinforce_options *o = r->options;
    const nas_adam adam = {o->rate, 0.9, 0.999, 1e-8, o->clip};
    double reward = nas__baseline_take(&r->baseline, o->decay, trial), log_chance, entropy;
    nas_arch row;
    if (r->edits)
        nas__edits_observe(r->edits, trial);
    if (r->edits ? !nas__edits_recall(r->edits, trial, &row)
                 : !nas__drawn_recall(trial, &row, &log_chance))
        return NAS_OK;
    nas_policy_look(r->policy, &row, &entropy);
    const nas_policy_push push = {.chance = reward - nas__baseline_value(&r->baseline),
                                  .bonus = o->entropy};
    nas_policy_learn(r->policy, &row, &push);
    if (++r->in_batch < o->batch)
        return NAS_OK;
    r->in_batch = 0;
    nas_weights_step(nas_policy_weights(r->policy), &adam);
    return NAS_OK;
}

static nas_status reinforce_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    reinforce *r = state;
    if (r->edits)
        return nas__edits_propose(r->edits, outlook, r->options->tries, proposal);
    return nas__drawn_propose(r->policy, r->setting, outlook, r->options->tries, proposal);
}

static bool reinforce_wants_weights(const void *state, int trial)
{
    const reinforce *r = state;
    return r->edits && nas__edits_has_parent(r->edits, trial);
}

const nas_strategy nas__strategy_reinforce = {
    .kind = {.name = "reinforce",
             .summary = "policy gradient with a baseline; a table policy or an LSTM controller, "
                        "that builds or edits",
             .paper = "arXiv 1611.01578; 1802.03268 (LSTM), 2001.00326 (table), 1707.04873 (edit)",
             .instance_size = sizeof(reinforce_options),
             .options = options},
    .objectives_max = 1,
    .begin = reinforce_begin,
    .observe = reinforce_observe,
    .propose = reinforce_propose,
    .end = reinforce_end,
    .wants_weights = reinforce_wants_weights,
};
