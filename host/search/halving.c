/* halving.c - successive halving around any strategy: many short trainings, the best third goes on.
 *
 * Idea (Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 1502.07943).
 * `size` candidates are trained for the first rung's epochs, the best 1/eta of them for eta times as many, up to train.epochs;
 * then the next bracket begins.
 *
 *     strategy = { type = "halving"; eta = 3; inner = { type = "evolution"; population = 10; }; };
 *
 * `inner` proposes the candidates (random unless given).  Departure: while a rung is not complete, free devices begin the next
 * bracket.  Schedules of the learning rate span the largest budget, so a short training is the beginning of the long one.
 * Read next: rungs.c. */
#include "rungs.h"

typedef struct halving_options {
    double eta, smallest;
    int64_t size;
} halving_options;

#define AT(field) offsetof(halving_options, field)
static const nas_option options[] = {
    {"eta", NAS_OPTION_REAL, AT(eta), "3", 1.1, 100, NULL,
     "one in eta goes on, with eta times the epochs"},
    {"smallest", NAS_OPTION_REAL, AT(smallest), "1", 0.001, 1e6, NULL,
     "epochs of the first rung at least; the last one has train.epochs"},
    {"size", NAS_OPTION_INT, AT(size), "0", 0, 1e6, NULL,
     "candidates of a bracket; 0: eta for each rung above the first, multiplied"},
    {0},
};
#undef AT

static nas_status halving_begin(const nas_setting *setting, void **state)
{
    const halving_options *o = setting->options;
    const nas__rungs_setting rungs = {
        .setting = setting,
        .ladder = {.eta = o->eta,
                   .smallest = o->smallest,
                   .largest = setting->budget,
                   .size = (int)o->size},
    };
    nas__rungs *made = NULL;
    NAS_TRY(nas__rungs_create(&rungs, &made));
    *state = made;
    return NAS_OK;
}

static const char *const also[] = {"inner", NULL};

const nas_strategy nas__strategy_halving = {
    .kind = {.name = "halving",
             .summary = "successive halving around another strategy, inner = { type = … }",
             .paper = "arXiv 1502.07943",
             .instance_size = sizeof(halving_options),
             .options = options},
    .objectives_max = 1,
    .begin = halving_begin,
    .observe = nas__rungs_observe,
    .propose = nas__rungs_propose,
    .end = nas__rungs_destroy,
    .wants_weights = nas__rungs_wants_weights,
    .also = also,
};
