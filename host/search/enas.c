/* enas.c - ENAS: a controller learns which paths of a supernet are good, while the paths that it draws are trained.
 *
 * Pham et al., 1802.03268.  The evaluator has the controller (host/eval/controller.c: the method, its formulas and departures); an epoch of
 * weights and the controller's updates behind it are one trial.  At the end architectures are drawn from the controller and scored on
 * the validation split with the shared weights; the best of them is the study's, and `retrain` trains it from the start:
 *
 *     trial i, i < epochs     an epoch, as in oneshot.c; `derived` is the best of a few that the controller then draws
 *     `candidates` trials     what the last epoch lists in `derived`, one after the other; budget 0; from: that epoch
 *
 * A strategy sees the log and nothing else, so the list is in the log: it is drawn when the last epoch ends.  A controller that is sure of
 * few architectures lists fewer.  After a supernet that failed its last good epoch's `derived` is the only candidate.
 *
 * Defaults are those of the authors' search for cells ("micro"); configs/enas_macro.cfg has those for chains.
 * Read next: oneshot.c, host/eval/controlled.c. */
#include "oneshot.h"

#include <stdlib.h>
#include <string.h>

static const char *const listed_note = "listed";

typedef struct enas_options {
    int64_t epochs, candidates, recalibrate, steps, aggregate, hidden, layers;
    double share, tanh_constant, op_tanh, temperature, rate, beta1, beta2, epsilon, clip, entropy,
        decay, skip_target, skip_weight;
} enas_options;

#define AT(field) offsetof(enas_options, field)
static const nas_option options[] = {
    {"epochs", NAS_OPTION_INT, AT(epochs), "150", 1, 100000, NULL,
     "of the supernet, each a trial; the schedules of `train` span them"},
    {"candidates", NAS_OPTION_INT, AT(candidates), "100", 1, 10000, NULL,
     "architectures that are drawn at the end and scored with the shared weights, each a trial"},
    {"recalibrate", NAS_OPTION_INT, AT(recalibrate), "0", 0, 100000, NULL,
     "training batches that an architecture's norms get their statistics from before it is scored; "
     "0: norms use those of each validation batch"},
    {"share", NAS_OPTION_REAL, AT(share), "0.9", 0.01, 0.99, NULL,
     "of the training split that weights are trained on; the controller's rewards come from the "
     "rest"},
    {"controller.steps", NAS_OPTION_INT, AT(steps), "30", 1, 1000, NULL,
     "updates of the controller after each epoch of weights"},
    {"controller.aggregate", NAS_OPTION_INT, AT(aggregate), "10", 1, 100, NULL,
     "architectures of an update, each with a mini-batch of its own"},
    {"controller.hidden", NAS_OPTION_INT, AT(hidden), "64", 1, 1024, NULL, "units of the LSTM"},
    {"controller.layers", NAS_OPTION_INT, AT(layers), "1", 1, 8, NULL, "layers of the LSTM"},
    {"controller.tanh", NAS_OPTION_REAL, AT(tanh_constant), "1.1", 0, 100, NULL,
     "logits become tanh·tanh(logit), so that no choice dies; 0: not"},
    {"controller.op_tanh", NAS_OPTION_REAL, AT(op_tanh), "0.44", 0, 100, NULL,
     "the same for genes called `op`; 0: as all others"},
    {"controller.temperature", NAS_OPTION_REAL, AT(temperature), "1", 0.01, 100, NULL,
     "logits are divided by it"},
    {"controller.lr", NAS_OPTION_REAL, AT(rate), "0.0035", 1e-9, 10, NULL,
     "learning rate of the controller (Adam), constant"},
    {"controller.beta1", NAS_OPTION_REAL, AT(beta1), "0", 0, 0.999999, NULL,
     "how long the mean of its gradients remembers"},
    {"controller.beta2", NAS_OPTION_REAL, AT(beta2), "0.999", 0, 0.999999, NULL,
     "how long the mean of their squares remembers"},
    {"controller.epsilon", NAS_OPTION_REAL, AT(epsilon), "0.001", 1e-12, 1, NULL,
     "added to the root of that mean"},
    {"controller.clip", NAS_OPTION_REAL, AT(clip), "0", 0, 1e9, NULL,
     "largest norm of its gradient; 0: no limit"},
    {"controller.entropy", NAS_OPTION_REAL, AT(entropy), "0.0001", 0, 10, NULL,
     "weight of the entropy that is added to a reward, an accuracy; in nats"},
    {"controller.baseline", NAS_OPTION_REAL, AT(decay), "0.99", 0, 0.999999, NULL,
     "decay of the moving average of rewards that is the baseline"},
    {"controller.skip_target", NAS_OPTION_REAL, AT(skip_target), "0.4", 0.001, 0.999, NULL,
     "chance of a skip that the controller is pulled to, in spaces with genes called `skip`"},
    {"controller.skip_weight", NAS_OPTION_REAL, AT(skip_weight), "0.8", 0, 1000, NULL,
     "weight of that pull in its loss"},
    {0},
};
#undef AT

typedef struct enas {
    const nas_setting *setting;
    nas__epochs epochs;
    nas_arch *listed; /* [listed_count], of the last good epoch */
    int listed_count, scored;
} enas;

static void enas_end(void *state)
{
    enas *s = state;
    free(s->listed);
    free(s);
}

static nas_status enas_begin(const nas_setting *setting, void **state)
{
    enas *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for a one-shot strategy");
    s->setting = setting;
    nas_status status = nas__epochs_begin(setting, &s->epochs);
    if (status != NAS_OK) {
        enas_end(s);
        return status;
    }
    *state = s;
    return NAS_OK;
}

static nas_status read_listed(const enas *s, const char *word, size_t length, nas_arch *arch)
{
    nas_text text = {0};
    nas_text_add_bytes(&text, word, length);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_arch_parse(text.data, arch);
    nas_text_clear(&text);
    return status == NAS_OK ? nas_domain_check(s->setting->domain, arch) : status;
}

/* Reads the texts with blanks between; those of the epoch before go. */
static nas_status take_list(enas *s, const char *text)
{
    int count = 1;
    for (const char *at = text; *at; at++)
        count += *at == ' ';
    nas_arch *list = realloc(s->listed, (size_t)count * sizeof *list);
    if (!list)
        NAS_FAIL(NAS_MEMORY, "no memory for %d candidates", count);
    s->listed = list;
    s->listed_count = 0;
    while (*text) {
        const size_t length = strcspn(text, " ");
        NAS_TRY(read_listed(s, text, length, &list[s->listed_count++]));
        text += length + (text[length] == ' ');
    }
    return NAS_OK;
}

static nas_status enas_observe(void *state, const nas_seen *trial)
{
    enas *s = state;
    const enas_options *o = s->setting->options;
    if (strcmp(trial->note, listed_note) == 0) {
        s->scored++;
        return NAS_OK;
    }
    if (trial->result->status != NAS_TRIAL_COMPLETE || !trial->result->derived) {
        s->epochs.over = true;
        return NAS_OK;
    }
    NAS_TRY(take_list(s, trial->result->derived));
    nas__epochs_observe(&s->epochs, trial, o->epochs);
    return NAS_OK;
}

static nas_status enas_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const enas *s = state;
    (void)outlook;
    if (!s->epochs.over) {
        nas__epochs_propose(&s->epochs, s->setting, proposal);
        return NAS_OK;
    }
    if (s->scored >= s->listed_count) {
        proposal->kind = NAS_PROPOSE_DONE;
        return NAS_OK;
    }
    proposal->arch = s->listed[s->scored];
    proposal->budget = 0;
    proposal->parent = proposal->from = s->epochs.last;
    strcpy(proposal->note, listed_note);
    return NAS_OK;
}

static bool enas_wants_weights(const void *state, int trial)
{
    const enas *s = state;
    return trial == s->epochs.last;
}

const nas_strategy nas__strategy_enas = {
    .kind = {.name = "enas",
             .summary = "a supernet trained by the paths that a controller draws, which learns "
                        "from their accuracy",
             .paper = "arXiv 1802.03268",
             .instance_size = sizeof(enas_options),
             .options = options},
    .objectives_max = 1,
    .lookahead_max = 1,
    .evaluator = "supernet",
    .begin = enas_begin,
    .observe = enas_observe,
    .propose = enas_propose,
    .wants_weights = enas_wants_weights,
    .end = enas_end,
};
