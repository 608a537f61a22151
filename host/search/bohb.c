/* bohb.c - Hyperband whose candidates come from a density model.
 *
 * Idea (Falkner, Klein, Hutter, "BOHB: robust and efficient hyperparameter optimization at scale", 1807.01774): Hyperband finds
 * something good early and then keeps drawing at random; a model of what was good so far proposes better candidates, and a
 * third of them stays random, so that Hyperband's guarantee holds.
 *
 * Defaults are the authors': eta 3, a third random, 64 samples, the best 15 % are good, bandwidths times 3, at least 0.001;
 * a budget is modelled from genes + 1 good results on.  NAS-Bench-201 runs it with samples = 4, random = 0,
 * bandwidth = 0.3.
 *
 * Departures: bandwidths are at most 0.3.  The authors' rule takes choices for numbers, and with few results it gives unordered
 * choices so wide a kernel that all are alike: on NAS-Bench-201 the model then says nothing (docs/results.md), which is
 * what the published row shows too.  What would wait for a rung begins the next bracket; known networks are not drawn again.
 * Read next: rungs.c, kde.c. */
#include "kde.h"
#include "rungs.h"

typedef struct bohb_options {
    double eta, smallest;
    nas__kde_options model;
} bohb_options;

#define AT(field) offsetof(bohb_options, field)
static const nas_option options[] = {
    {"eta", NAS_OPTION_REAL, AT(eta), "3", 1.1, 100, NULL,
     "one in eta goes on, with eta times the epochs"},
    {"smallest", NAS_OPTION_REAL, AT(smallest), "1", 0.001, 1e6, NULL,
     "epochs of the first rung at least; the last one has train.epochs"},
    {"random", NAS_OPTION_REAL, AT(model.random_share), "0.333", 0, 1, NULL,
     "share of the candidates that is drawn at random"},
    {"samples", NAS_OPTION_INT, AT(model.samples), "64", 1, 100000, NULL,
     "draws around good results, of which the best by density ratio is taken"},
    {"good", NAS_OPTION_REAL, AT(model.good), "0.15", 0.001, 0.999, NULL,
     "share of the results at a budget that is good"},
    {"factor", NAS_OPTION_REAL, AT(model.factor), "3", 0.01, 100, NULL,
     "bandwidths are so much wider for drawing than for the density"},
    {"bandwidth", NAS_OPTION_REAL, AT(model.bandwidth_min), "0.001", 0, 1, NULL,
     "least bandwidth of a gene"},
    {"bandwidth_max", NAS_OPTION_REAL, AT(model.bandwidth_max), "0.3", 0, 1, NULL,
     "largest bandwidth of a gene; at (choices − 1)/choices it says nothing; 1: the authors' rule "
     "alone"},
    {"points", NAS_OPTION_INT, AT(model.points_min), "0", 0, 100000, NULL,
     "least number of good results; 0: genes + 1"},
    {"tries", NAS_OPTION_INT, AT(model.tries), "100", 1, 100000, NULL,
     "draws of a random network until one comes that the study does not have yet"},
    {0},
};
#undef AT

static nas_status bohb_begin(const nas_setting *setting, void **state)
{
    const bohb_options *o = setting->options;
    const nas__rungs_setting rungs = {
        .setting = setting,
        .ladder = {.eta = o->eta,
                   .smallest = o->smallest,
                   .largest = setting->budget,
                   .hyperband = true},
        .inner = &nas__kde,
        .inner_options = &o->model,
        .all_results = true,
    };
    nas__rungs *made = NULL;
    NAS_TRY(nas__rungs_create(&rungs, &made));
    *state = made;
    return NAS_OK;
}

const nas_strategy nas__strategy_bohb = {
    .kind = {.name = "bohb",
             .summary = "Hyperband with candidates from a density of the good results",
             .paper = "arXiv 1807.01774",
             .instance_size = sizeof(bohb_options),
             .options = options},
    .objectives_max = 1,
    .begin = bohb_begin,
    .observe = nas__rungs_observe,
    .propose = nas__rungs_propose,
    .end = nas__rungs_destroy,
    .wants_weights = nas__rungs_wants_weights,
};
