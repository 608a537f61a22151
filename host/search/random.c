/* random.c - random search: the baseline that every other strategy has to beat, and the smallest strategy.
 *
 * Idea: draw architectures uniformly from the space, train each, keep the best.  It needs no results at all, which is what
 * makes it a fair baseline (Li and Talwalkar, "Random search and reproducibility for neural architecture search", 1902.07638).
 *
 * This file is written to be copied.  A strategy is one descriptor at the bottom of its file and one line in
 * strategy_list.h.  It has four functions, two of which random search does not need:
 *
 *     begin    reads the options, allocates its state
 *     observe  takes in one result, in the order of the log (random: nothing to learn)
 *     propose  says what trial number i should be
 *     end      frees the state (random: free() does)
 *
 * The one rule: what `propose` says depends only on the options, the seed, the results observed so far, the pending
 * proposals and i.  So no rand(), no clock, no counter of its own: random numbers come from nas_random_make, keyed by
 * seed and i.  Then a search that was killed goes on exactly where it was, without a line of code for that.
 *
 * Read next: evolution.c, which also observes; docs/recipes/new-strategy.md. */
#include "search.h"

#include <stdlib.h>

/* Options as they come out of the table below; the config's group `strategy = { type = "random"; … }` fills them. */
typedef struct random_options {
    int64_t tries;
} random_options;

static const nas_option options[] = {
    {"tries", NAS_OPTION_INT, offsetof(random_options, tries), "100", 1, 100000, NULL,
     "draws of one proposal until an architecture comes that the study does not have yet"},
    {0},
};

/* What lasts between calls.  Random search only keeps what it was begun with. */
typedef struct random_state {
    const nas_setting *setting;
} random_state;

static nas_status random_begin(const nas_setting *setting, void **state)
{
    random_state *s = malloc(sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy random");
    s->setting = setting;
    *state = s;
    return NAS_OK;
}

static nas_status random_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const random_state *s = state;
    const random_options *o = s->setting->options;
    /* One stream per proposal; it is the same whenever and wherever trial `index` is proposed. */
    nas_random random =
        nas_random_make(s->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    for (int64_t i = 0; i < o->tries; i++) {
        NAS_TRY(nas_domain_sample(s->setting->domain, &random, &proposal->arch));
        if (nas_outlook_find(outlook, &proposal->arch) < 0)
            break; /* nobody has tried this one */
    }
    return NAS_OK; /* in a space that is nearly used up it is a duplicate: the search knows its result */
}

const nas_strategy nas__strategy_random = {
    .kind = {.name = "random",
             .summary = "architectures drawn uniformly from the space",
             .paper = "arXiv 1902.07638",
             .instance_size = sizeof(random_options),
             .options = options},
    .objectives_max = NAS_OBJECTIVES,
    .begin = random_begin,
    .propose = random_propose,
};
