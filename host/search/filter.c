/* filter.c - zero-cost proxies before training: of another strategy's proposals the best share goes on.
 *
 * Idea (Abdelfattah et al., "Zero-cost proxies for lightweight NAS", 2101.08134): a proxy costs a batch, a training costs
 * epochs; so propose more than can be trained and train those that look good.
 *
 *     strategy = { type = "filter"; measure = "naswot"; share = 0.25; inner = { type = "evolution"; }; };
 *     evaluate = { type = "trained"; proxies = { measures = [ "naswot" ]; }; };
 *
 * Every proposal of `inner` is first a trial of 0 epochs, to which the evaluator gives its proxies.  Whoever is in the best
 * `share` of these so far, and at least as good as `limit` where there is one, is trained, best first, as a trial of its own; when
 * there is nobody, the next proposal comes.  Both are lines of the log, so what is trained follows from the log, on any number
 * of devices and after any kill.  This is ASHA with two rungs, the lower of them ranked by the proxy (rungs.c).
 *
 * The inner strategy observes what was trained, not what was turned away; budget.trials counts both kinds of trials.
 * Next: warmup.c, which ranks once at the start. */
#include "rungs.h"

#include <math.h>

typedef struct filter_options {
    char measure[NAS_TEXT_SIZE];
    int goal;
    double share;
    nas_real_list limit;
} filter_options;

#define AT(field) offsetof(filter_options, field)
static const nas_option options[] = {
    {"measure", NAS_OPTION_TEXT, AT(measure), "\"naswot\"", 0, 0, NULL,
     "metric of the trials of 0 epochs that decides who is trained"},
    {"goal", NAS_OPTION_CHOICE, AT(goal), "\"max\"", 0, 0, "max|min", "which way it is better"},
    {"share", NAS_OPTION_REAL, AT(share), "0.25", 0.001, 1, NULL,
     "of all proposals so far, the best by the measure are trained"},
    {"limit", NAS_OPTION_REAL_LIST, AT(limit), "[]", 0, 0, NULL,
     "the measure must be at least (goal max) or at most this; empty: no limit"},
    {0},
};
#undef AT

static nas_status filter_begin(const nas_setting *setting, void **state)
{
    const filter_options *o = setting->options;
    if (o->limit.count > 1)
        NAS_FAIL(NAS_CONFIG, "strategy filter: limit is one number, not %d", o->limit.count);
    const double none = o->goal == NAS_GOAL_MAX ? -INFINITY : INFINITY;
    const nas__rungs_setting rungs = {
        .setting = setting,
        .ladder = {.eta = 1 / o->share, .largest = setting->budget},
        .asynchronous = true,
        .measure = {.metric = o->measure,
                    .goal = (nas_goal)o->goal,
                    .limit = o->limit.count ? o->limit.item[0] : none},
    };
    nas__rungs *made = NULL;
    NAS_TRY(nas__rungs_create(&rungs, &made));
    *state = made;
    return NAS_OK;
}

static const char *const also[] = {"inner", NULL};

const nas_strategy nas__strategy_filter = {
    .kind = {.name = "filter",
             .summary = "trains the best share of another strategy's proposals by a zero-cost "
                        "proxy, inner = { type = … }",
             .paper = "arXiv 2101.08134",
             .instance_size = sizeof(filter_options),
             .options = options},
    .objectives_max = NAS_OBJECTIVES,
    .begin = filter_begin,
    .observe = nas__rungs_observe,
    .propose = nas__rungs_propose,
    .end = nas__rungs_destroy,
    .wants_weights = nas__rungs_wants_weights,
    .also = also,
};
