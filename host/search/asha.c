/* asha.c - asynchronous successive halving: whoever is in the best 1/eta of a rung goes on at once.
 *
 * Idea (Li et al., "A system for massively parallel hyperparameter tuning", 1810.05934): no rung is ever complete.  Asked for
 * the next trial, look from the top rung down for a network in the best 1/eta of the results so far that has not been
 * promoted, else try somebody new.  No device waits, and early mistakes are made good as the rungs fill.
 *
 * This is the promotion variant (the paper's); the stopping variant of some codes needs trainings that can be interrupted.
 * `inner = { type = … }` proposes new networks (random unless given).  budget.order = "arrival" is what it is made for.
 * Read next: rungs.c. */
#include "rungs.h"

typedef struct asha_options {
    double eta, smallest;
} asha_options;

#define AT(field) offsetof(asha_options, field)
static const nas_option options[] = {
    {"eta", NAS_OPTION_REAL, AT(eta), "3", 1.1, 100, NULL,
     "one in eta goes on, with eta times the epochs"},
    {"smallest", NAS_OPTION_REAL, AT(smallest), "1", 0.001, 1e6, NULL,
     "epochs of the first rung at least; the last one has train.epochs"},
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
