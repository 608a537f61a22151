/* rungs.h - many candidates at a small budget, fewer at larger ones: what halving, Hyperband, ASHA and BOHB share. */
#ifndef NAS_SEARCH_RUNGS_H
#define NAS_SEARCH_RUNGS_H

#include "inner.h"

enum { NAS__RUNGS_MAX = 16 };

/* Of one bracket: rung k trains `size[k]` candidates with `budget[k]`. */
typedef struct nas__bracket {
    int rungs;
    int size[NAS__RUNGS_MAX];
    double budget[NAS__RUNGS_MAX];
} nas__bracket;

typedef struct nas__ladder {
    double eta, smallest, largest; /* budgets */
    int size;                      /* of halving's first rung; 0: eta^(rungs − 1) */
    bool hyperband; /* brackets from all rungs to one, in turn; else always all rungs */
} nas__ladder;

/* Rungs of the tallest bracket: ⌊log_eta(largest / smallest)⌋ + 1. */
int nas__ladder_rungs(const nas__ladder *ladder);
/* The b-th bracket.  Budgets are rounded to whole numbers where the largest one is whole. */
void nas__ladder_bracket(const nas__ladder *ladder, int b, nas__bracket *bracket);

/* Rung 0 with a budget of 0, ranked by a metric instead of the objective. */
typedef struct nas__rung_measure {
    const char *metric; /* NULL: rungs as usual */
    nas_goal goal;
    double limit; /* at least (goal max) or at most this good; ∓INFINITY: no limit */
} nas__rung_measure;

typedef struct nas__rungs nas__rungs;

typedef struct nas__rungs_setting {
    const nas_setting *setting;
    nas__ladder ladder;
    bool asynchronous; /* ASHA: one endless bracket, promotion as soon as it is earned */
    bool stopping;     /* … or never: decided once, when a result is observed */
    const nas_strategy
        *inner; /* who proposes for the first rung; NULL: the group's `inner`, else random */
    const void *inner_options; /* with `inner` */
    nas__rung_measure measure; /* with `asynchronous`; of the ladder eta and largest count */
    bool all_results; /* the inner one observes all results, not those of its own proposals alone */
} nas__rungs_setting;

/* ASHA's stopping rule for the newest of `count` scores on a rung, which stand in `best_first` (−INFINITY: failed or out of
 * bounds): not under their 1 − 1/eta quantile, interpolated linearly.  The only one goes on. */
bool nas__rungs_goes_on(const double *best_first, int count, double score, double eta);

nas_status nas__rungs_create(const nas__rungs_setting *setting, nas__rungs **rungs);
void nas__rungs_destroy(void *rungs);
nas_status nas__rungs_observe(void *rungs, const nas_seen *trial);
bool nas__rungs_wants_weights(const void *rungs, int trial);
nas_status nas__rungs_propose(void *rungs, const nas_outlook *outlook, nas_proposal *proposal);

#endif
