/* sharing.c - train a supernet, then search among architectures that are scored with its shared weights.
 *
 * Training and searching are two stages of one log:
 *
 *     trial i, i < epochs     an epoch of the supernet, as in oneshot.c
 *     `candidates` trials     what `inner` proposes; budget 0, nothing is trained; from: the last epoch, whose weights they share
 *
 *     strategy = { type = "spos"; epochs = 20; candidates = 500; inner = { type = "evolution"; population = 50; }; };
 *
 * A score takes one pass over the validation split, so hundreds are cheap.  The study's best is the best score; what it is
 * worth, `retrain` tells.  Without `inner` candidates are random: random search with weight sharing (Li and Talwalkar, 1902.07638).
 *
 * The inner strategy sees its own trials only.  A note "shared|" stands in front of its own.
 * Read next: host/eval/sampling.c, how paths are trained. */
#include "sharing.h"
#include "inner.h"
#include "oneshot.h"

#include <stdlib.h>
#include <string.h>

#define MARK "shared|"

#define AT(field) offsetof(nas__sharing_options, field)
const nas_option nas__sharing_options_table[] = {
    {"epochs", NAS_OPTION_INT, AT(epochs), "50", 1, 100000, NULL,
     "of the supernet, each a trial; the schedules of `train` span them"},
    {"candidates", NAS_OPTION_INT, AT(candidates), "1000", 1, 1000000, NULL,
     "architectures that are scored with the shared weights, each a trial"},
    {"recalibrate", NAS_OPTION_INT, AT(recalibrate), "0", 0, 100000, NULL,
     "training batches that norms take each architecture's statistics from before it is scored; 0: "
     "they use those of each validation batch"},
    {0},
};
#undef AT
const char *const nas__sharing_also[] = {"inner", NULL};

typedef struct sharing {
    const nas_setting *setting;
    nas__inner inner;
    nas__epochs epochs;
    int scored;
} sharing;

void nas__sharing_end(void *state)
{
    sharing *s = state;
    if (!s)
        return;
    nas__inner_end(&s->inner);
    free(s);
}

nas_status nas__sharing_begin(const nas_setting *setting, void **state)
{
    sharing *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for a one-shot strategy");
    s->setting = setting;
    nas_status status = nas__epochs_begin(setting, &s->epochs);
    if (status == NAS_OK)
        status = nas__inner_begin(&s->inner, setting, NULL, NULL);
    if (status != NAS_OK) {
        nas__sharing_end(s);
        return status;
    }
    *state = s;
    return NAS_OK;
}

static bool is_candidate(const nas_seen *trial)
{
    return strncmp(trial->note, MARK, strlen(MARK)) == 0;
}

nas_status nas__sharing_observe(void *state, const nas_seen *trial)
{
    sharing *s = state;
    const nas__sharing_options *options = s->setting->options;
    if (is_candidate(trial)) {
        s->scored++;
        return nas__inner_observe(&s->inner, trial, trial->note + strlen(MARK));
    }
    if (trial->result->status == NAS_TRIAL_COMPLETE)
        nas__epochs_observe(&s->epochs, trial, options->epochs);
    else
        s->epochs.over = true;
    return NAS_OK;
}

static const char *own_note(const void *outer, const nas_seen *pending)
{
    (void)outer;
    return is_candidate(pending) ? pending->note + strlen(MARK) : NULL;
}

nas_status nas__sharing_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    sharing *s = state;
    const nas__sharing_options *options = s->setting->options;
    if (!s->epochs.over) {
        nas__epochs_propose(&s->epochs, s->setting, proposal);
        return NAS_OK;
    }
    if (s->scored >= options->candidates || s->epochs.last < 0) {
        proposal->kind = NAS_PROPOSE_DONE;
        return NAS_OK;
    }
    NAS_TRY(nas__inner_propose(&s->inner, outlook, own_note, s, proposal));
    if (proposal->kind == NAS_PROPOSE_DONE)
        return NAS_OK;
    proposal->budget = 0;
    proposal->from = s->epochs.last;
    return nas__inner_mark(&s->inner, MARK, proposal);
}

bool nas__sharing_wants_weights(const void *state, int trial)
{
    const sharing *s = state;
    return trial == s->epochs.last;
}
