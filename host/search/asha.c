/* asha.c - asynchronous successive halving: whoever is in the best 1/eta of a rung goes on at once.
 *
 * Idea (Li et al., "A system for massively parallel hyperparameter tuning", 1810.05934): no rung is ever complete.  Asked for
 * the next trial, look from the top rung down for a network in the best 1/eta of the results so far that has not been
 * promoted, else try somebody new.  No device waits, and early mistakes are made good as the rungs fill.
 *
 * variant = "promotion" is the paper's.  "stopping" is what some codes call ASHA (syne-tune's `stopping`): whether a network goes on is
 * decided once, when its result on a rung is there: it must not be under the rung's 1 − 1/eta quantile so far, itself
 * included; what is stopped is never taken up again.  It needs no paused trainings, and lets the first ones go far.
 *
 * `inner = { type = … }` proposes new networks (random unless given).  budget.order = "arrival" is what it is made for.
 * Read next: rungs.c. */
#include "rungs.h"

typedef struct asha_options {
    double eta, smallest;
    int variant; /* 0 promotion, 1 stopping */
} asha_options;

#define AT(field) offsetof(asha_options, field)
static const nas_option options[] = {
    {"eta", NAS_OPTION_REAL, AT(eta), "3", 1.1, 100, NULL,
     "one in eta goes on, with eta times the epochs"},
    {"smallest", NAS_OPTION_REAL, AT(smallest), "1", 0.001, 1e6, NULL,
     "epochs of the first rung at least; the last one has train.epochs"},
    {"variant", NAS_OPTION_CHOICE, AT(variant), "promotion", 0, 0, "promotion|stopping",
     "promotion: goes on when it is among the best 1/eta, however late; stopping: decided once, "
     "when "
     "its result is there"},
    {0},
};
#undef AT

static nas_status asha_begin(const nas_setting *setting, void **state)
{
    const asha_options *o = setting->options;
    const nas__rungs_setting rungs = {
        .setting = setting,
        .ladder = {.eta = o->eta, .smallest = o->smallest, .largest = setting->budget},
        .asynchronous = true,
        .stopping = o->variant == 1,
    };
    nas__rungs *made = NULL;
    NAS_TRY(nas__rungs_create(&rungs, &made));
    *state = made;
    return NAS_OK;
}

static const char *const also[] = {"inner", NULL};

const nas_strategy nas__strategy_asha = {
    .kind = {.name = "asha",
             .summary =
                 "asynchronous successive halving around another strategy, inner = { type = … }",
             .paper = "arXiv 1810.05934",
             .instance_size = sizeof(asha_options),
             .options = options},
    .objectives_max = 1,
    .begin = asha_begin,
    .observe = nas__rungs_observe,
    .propose = nas__rungs_propose,
    .end = nas__rungs_destroy,
    .wants_weights = nas__rungs_wants_weights,
    .also = also,
};
