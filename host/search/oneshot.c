/* oneshot.c - strategies whose trials are epochs of one supernet, and at the end the architecture that came of it.
 *
 * The evaluator does the work: it trains shared weights and architecture weights, and says after each epoch which architecture they
 * speak for.  What is left to decide here is what a log of that looks like:
 *
 *     trial i, i < epochs    arch: a placeholder; budget i + 1; parent: the epoch before.  That is what the promotion of a
 *                            paused training looks like, so a search that was killed goes on from the last epoch's file
 *     the last trial         arch: the derived one; budget 0, nothing is trained; from: the epoch that it was derived in.
 *                            Its score is that of its path through the shared weights, and it is the study's best
 *
 * A supernet that fails, or that stop.skips ends, gives the architecture of its last good epoch; one that stop.curvature ends, that of
 * an earlier one (bends.c), scored with the weights of the last.  Skip connections win when a supernet is trained for too long (Chu et al.,
 * 2009.01027; Zela et al., 1909.09656), since they need no training.
 *
 * sharing.c, for supernets trained by sampled paths, has the same epochs and many last trials.
 * Read next: host/eval/supernet.c. */
#include "oneshot.h"
#include "bends.h"

#include <stdlib.h>
#include <string.h>

static const char *const derived_note = "derived";

/* ---- epochs -------------------------------------------------------------------------------------------------------- */

nas_status nas__epochs_begin(const nas_setting *setting, nas__epochs *epochs)
{
    if (setting->given_count)
        NAS_FAIL(NAS_CONFIG, "strategy.given: a supernet has no trials for given architectures");
    *epochs = (nas__epochs){.last = -1};
    return NAS_OK;
}

void nas__epochs_observe(nas__epochs *epochs, const nas_seen *trial, int64_t wanted)
{
    epochs->last = trial->index;
    epochs->done = trial->budget;
    epochs->over = trial->budget >= (double)wanted;
}

void nas__epochs_propose(const nas__epochs *epochs, const nas_setting *setting,
                         nas_proposal *proposal)
{
    proposal->arch = (nas_arch){.count = (uint16_t)setting->domain->count};
    proposal->budget = epochs->done + 1;
    proposal->parent = epochs->last;
}

/* ---- the strategy of α ------------------------------------------------------------------------------------------------ */

typedef struct oneshot {
    const nas_setting *setting;
    nas__epochs epochs;
    nas__bends bends;
    nas_arch derived;
    bool done; /* the derived architecture was scored */
} oneshot;

void nas__oneshot_end(void *state)
{
    oneshot *s = state;
    if (!s)
        return;
    nas__bends_clear(&s->bends);
    free(s);
}

static nas_status check_options(const nas__oneshot_options *options)
{
    if (options->stop_curvature > 0 && options->curvature == 0)
        NAS_FAIL(NAS_CONFIG,
                 "strategy.stop.curvature: the curvature is never measured; say how often by "
                 "strategy.curvature, such as 2");
    return NAS_OK;
}

nas_status nas__oneshot_begin(const nas_setting *setting, void **state)
{
    oneshot *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for a one-shot strategy");
    s->setting = setting;
    nas_status status = check_options(setting->options);
    if (status == NAS_OK)
        status = nas__epochs_begin(setting, &s->epochs);
    if (status != NAS_OK) {
        nas__oneshot_end(s);
        return status;
    }
    *state = s;
    return NAS_OK;
}

static bool has_too_many_skips(const nas__oneshot_options *options, const nas_seen *trial)
{
    const nas_trial *result = trial->result;
    bool many = false;
    for (int i = 0; i < result->metric_count; i++)
        many |= strncmp(result->metrics[i].name, "skips.", 6) == 0 &&
                result->metrics[i].value > (double)options->stop_skips;
    return many && options->stop_skips > 0 && trial->budget > (double)options->stop_after;
}

/* Ends the search where the loss has come to bend too sharply. */
static nas_status watch_curvature(oneshot *s, const nas_seen *trial)
{
    const nas__oneshot_options *options = s->setting->options;
    const nas__bend bend = {trial->budget, nas_trial_metric(trial->result, "curvature"),
                            s->derived};
    if (!nas_trial_has_metric(trial->result, "curvature"))
        return NAS_OK;
    NAS_TRY(nas__bends_add(&s->bends, &bend));
    const int turn =
        nas__bends_turn(&s->bends, options->stop_curvature, (double)options->stop_after);
    if (turn >= 0) {
        s->derived = s->bends.at[turn].derived;
        s->epochs.over = true;
    }
    return NAS_OK;
}

nas_status nas__oneshot_observe(void *state, const nas_seen *trial)
{
    oneshot *s = state;
    const nas__oneshot_options *options = s->setting->options;
    const nas_trial *result = trial->result;
    if (strcmp(trial->note, derived_note) == 0) {
        s->done = true;
        return NAS_OK;
    }
    if (result->status != NAS_TRIAL_COMPLETE || !result->derived ||
        (s->epochs.last >= 0 && has_too_many_skips(options, trial))) {
        s->epochs.over = true;
        return NAS_OK;
    }
    NAS_TRY(nas_arch_parse(result->derived, &s->derived));
    NAS_TRY(nas_domain_check(s->setting->domain, &s->derived));
    nas__epochs_observe(&s->epochs, trial, options->epochs);
    return watch_curvature(s, trial);
}

nas_status nas__oneshot_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const oneshot *s = state;
    (void)outlook;
    if (!s->epochs.over) {
        nas__epochs_propose(&s->epochs, s->setting, proposal);
        return NAS_OK;
    }
    if (s->done || s->epochs.last < 0) {
        proposal->kind = NAS_PROPOSE_DONE;
        return NAS_OK;
    }
    proposal->arch = s->derived;
    proposal->budget = 0;
    proposal->parent = proposal->from = s->epochs.last;
    strcpy(proposal->note, derived_note);
    return NAS_OK;
}

bool nas__oneshot_wants_weights(const void *state, int trial)
{
    const oneshot *s = state;
    return trial == s->epochs.last;
}
