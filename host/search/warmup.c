/* warmup.c - rank a pool of random architectures by a zero-cost proxy, train the best first, then search on.
 *
 * Idea (Abdelfattah et al., "Zero-cost proxies for lightweight NAS", 2101.08134): a search begins at random although a proxy
 * costs next to nothing.  So it begins with the best of a pool that was drawn at random and ranked:
 *
 *     strategy = { type = "warmup"; pool = 500; top = 20; measure = "naswot"; inner = { type = "evolution"; }; };
 *     evaluate = { type = "trained"; proxies = { measures = [ "naswot" ]; }; };
 *
 * The first `pool` trials have 0 epochs; the evaluator gives them its proxies.  Then the best that are not yet trained are, best first,
 * `top` of them (0: all), and from there on `inner` proposes; it has observed those trainings.  As everything is in the log, what is
 * trained follows from the log.  What trial i may see limits the ranking as it limits all else: with lookahead W the first
 * of the best are chosen before the last W − 1 of the pool are known.
 *
 * The note says which stage a trial belongs to; the inner strategy's own trials have none in front of its note.
 * Next: filter.c, which ranks all the way. */
#include "inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POOL_NOTE "warmup pool"
#define TRAIN_NOTE "warmup train"

typedef struct warmup_options {
    int64_t pool, top, tries;
    char measure[NAS_TEXT_SIZE];
    int goal;
} warmup_options;

#define AT(field) offsetof(warmup_options, field)
static const nas_option options[] = {
    {"pool", NAS_OPTION_INT, AT(pool), "100", 1, 1e6, NULL, "random architectures to rank"},
    {"top", NAS_OPTION_INT, AT(top), "10", 0, 1e6, NULL,
     "how many of the best are trained before the inner strategy takes over; 0: all"},
    {"measure", NAS_OPTION_TEXT, AT(measure), "\"naswot\"", 0, 0, NULL,
     "metric of the trials of 0 epochs that ranks them"},
    {"goal", NAS_OPTION_CHOICE, AT(goal), "\"max\"", 0, 0, "max|min", "which way it is better"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "draws of one architecture of the pool until one comes that the study does not have yet"},
    {0},
};
#undef AT

typedef struct ranked {
    nas_arch arch;
    int index;
    double score; /* greater is better */
    bool trained; /* by a trial that was observed */
} ranked;

typedef struct warmup {
    const nas_setting *setting;
    nas__inner inner;
    ranked *pool; /* best first, equals in the order in which they were seen */
    int count;    /* observed and measured */
    int drawn;    /* observed */
    int trained;  /* trainings of the pool's best observed */
} warmup;

static void warmup_end(void *state)
{
    warmup *w = state;
    if (!w)
        return;
    nas__inner_end(&w->inner);
    free(w->pool);
    free(w);
}

static nas_status warmup_begin(const nas_setting *setting, void **state)
{
    const warmup_options *o = setting->options;
    warmup *w = calloc(1, sizeof *w);
    if (!w)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy warmup");
    w->setting = setting;
    w->pool = malloc((size_t)o->pool * sizeof *w->pool);
    nas_status status = w->pool ? nas__inner_begin(&w->inner, setting, NULL, NULL)
                                : nas_error_set(NAS_MEMORY, __FILE__, __LINE__,
                                                "no memory for a pool of %lld", (long long)o->pool);
    if (status != NAS_OK) {
        warmup_end(w);
        return status;
    }
    *state = w;
    return NAS_OK;
}

/* ---- observing -------------------------------------------------------------------------------------------------------- */

static bool is_note(const nas_seen *trial, const char *note)
{
    return strcmp(trial->note, note) == 0;
}

static void rank(warmup *w, const nas_seen *trial)
{
    const warmup_options *o = w->setting->options;
    double value = nas_trial_metric(trial->result, o->measure);
    w->drawn++;
    if (trial->result->status != NAS_TRIAL_COMPLETE || isnan(value) || trial->violation > 0 ||
        w->count == o->pool)
        return;
    const ranked seen = {.arch = trial->arch,
                         .index = trial->index,
                         .score = o->goal == NAS_GOAL_MAX ? value : -value};
    int at = w->count++;
    for (; at > 0 && seen.score > w->pool[at - 1].score; at--)
        w->pool[at] = w->pool[at - 1];
    w->pool[at] = seen;
}

static nas_status warmup_observe(void *state, const nas_seen *trial)
{
    warmup *w = state;
    if (is_note(trial, POOL_NOTE)) {
        rank(w, trial);
        return NAS_OK;
    }
    if (!is_note(trial, TRAIN_NOTE))
        return nas__inner_observe(&w->inner, trial, trial->note);
    w->trained++;
    for (int i = 0; i < w->count; i++)
        w->pool[i].trained |= w->pool[i].index == trial->parent;
    return nas__inner_observe(&w->inner, trial, "");
}

/* ---- proposing -------------------------------------------------------------------------------------------------------- */

static int pending_with(const nas_outlook *outlook, const char *note)
{
    int count = 0;
    for (int i = 0; i < outlook->pending_count; i++)
        count += is_note(outlook->pending[i], note);
    return count;
}

static nas_status draw(const warmup *w, const nas_outlook *outlook, nas_proposal *proposal)
{
    const warmup_options *o = w->setting->options;
    nas_random random =
        nas_random_make(w->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    for (int64_t i = 0; i < o->tries; i++) {
        NAS_TRY(nas_domain_sample(w->setting->domain, &random, &proposal->arch));
        if (nas_outlook_find(outlook, &proposal->arch) < 0)
            break;
    }
    proposal->budget = 0;
    strcpy(proposal->note, POOL_NOTE);
    return NAS_OK;
}

static bool is_being_trained(const ranked *r, const nas_outlook *outlook)
{
    for (int i = 0; i < outlook->pending_count; i++)
        if (is_note(outlook->pending[i], TRAIN_NOTE) && outlook->pending[i]->parent == r->index)
            return true;
    return false;
}

/* The best of the pool that nobody trains or has trained; NULL: none that is known. */
static const ranked *find_best(const warmup *w, const nas_outlook *outlook)
{
    for (int i = 0; i < w->count; i++)
        if (!w->pool[i].trained && !is_being_trained(&w->pool[i], outlook))
            return &w->pool[i];
    return NULL;
}

static const char *own_note(const void *outer, const nas_seen *pending)
{
    (void)outer;
    if (is_note(pending, POOL_NOTE))
        return NULL;
    return is_note(pending, TRAIN_NOTE) ? "" : pending->note;
}

static nas_status warmup_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    warmup *w = state;
    const warmup_options *o = w->setting->options;
    if (w->drawn + pending_with(outlook, POOL_NOTE) < o->pool)
        return draw(w, outlook, proposal);
    bool enough = o->top > 0 && w->trained + pending_with(outlook, TRAIN_NOTE) >= o->top;
    const ranked *best = enough ? NULL : find_best(w, outlook);
    if (!best)
        return nas__inner_propose(&w->inner, outlook, own_note, w, proposal);
    proposal->arch = best->arch;
    proposal->parent = best->index;
    strcpy(proposal->note, TRAIN_NOTE);
    return NAS_OK;
}

static bool warmup_wants_weights(const void *state, int trial)
{
    const warmup *w = state;
    return nas__inner_wants_weights(&w->inner, trial);
}

static const char *const also[] = {"inner", NULL};

const nas_strategy nas__strategy_warmup = {
    .kind = {.name = "warmup",
             .summary = "a random pool ranked by a zero-cost proxy, the best trained first, then "
                        "another strategy, inner = { type = … }",
             .paper = "arXiv 2101.08134",
             .instance_size = sizeof(warmup_options),
             .options = options},
    .objectives_max = NAS_OBJECTIVES,
    .begin = warmup_begin,
    .observe = warmup_observe,
    .propose = warmup_propose,
    .end = warmup_end,
    .wants_weights = warmup_wants_weights,
    .also = also,
};
