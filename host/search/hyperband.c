/* hyperband.c - successive halving with every trade between many candidates and long trainings.
 *
 * Idea (Li et al., "Hyperband", 1603.06560): whether the first epochs tell anything is not known beforehand, so brackets take
 * turns.  With s_max = ⌊log_eta R⌋ and R the largest budget in units of the smallest, bracket s (from s_max down to 0) starts
 *
 *     n = ⌈(s_max + 1)/(s + 1)·eta^s⌉ candidates with r = R·eta^−s
 *
 * and goes on by successive halving; after s = 0 it begins again.  (The paper's R = 81, eta = 3: 81, 34, 15, 8, 5.)
 *
 * `inner = { type = … }` proposes the candidates (random unless given).  Departure: what would wait for a rung begins the
 * next bracket.  Read next: rungs.c. */
#include "rungs.h"

typedef struct hyperband_options {
    double eta, smallest;
} hyperband_options;

#define AT(field) offsetof(hyperband_options, field)
static const nas_option options[] = {
    {"eta", NAS_OPTION_REAL, AT(eta), "3", 1.1, 100, NULL,
     "one in eta goes on, with eta times the epochs"},
    {"smallest", NAS_OPTION_REAL, AT(smallest), "1", 0.001, 1e6, NULL,
     "epochs of the first rung at least; the last one has train.epochs"},
    {0},
};
#undef AT

static nas_status hyperband_begin(const nas_setting *setting, void **state)
{
    const hyperband_options *o = setting->options;
    const nas__rungs_setting rungs = {
        .setting = setting,
        .ladder = {.eta = o->eta,
                   .smallest = o->smallest,
                   .largest = setting->budget,
                   .hyperband = true},
    };
    nas__rungs *made = NULL;
    NAS_TRY(nas__rungs_create(&rungs, &made));
    *state = made;
    return NAS_OK;
}

static const char *const also[] = {"inner", NULL};

const nas_strategy nas__strategy_hyperband = {
    .kind = {.name = "hyperband",
             .summary =
                 "brackets of successive halving around another strategy, inner = { type = … }",
             .paper = "arXiv 1603.06560",
             .instance_size = sizeof(hyperband_options),
             .options = options},
    .objectives_max = 1,
    .begin = hyperband_begin,
    .observe = nas__rungs_observe,
    .propose = nas__rungs_propose,
    .end = nas__rungs_destroy,
    .wants_weights = nas__rungs_wants_weights,
    .also = also,
};
