/* drawn.h - trials that a policy drew: their proposals, notes and rewards, for `reinforce` and `ppo`. */
#ifndef NAS_SEARCH_DRAWN_H
#define NAS_SEARCH_DRAWN_H

#include <clnas/learn.h>
#include <clnas/search.h>

/* Proposes a drawn row: the first valid one of `tries`.  Its note keeps the log-probability and the raw row. */
nas_status nas__drawn_propose(nas_policy *policy, const nas_setting *setting,
                              const nas_outlook *outlook, int64_t tries, nas_proposal *proposal);
/* What nas__drawn_propose noted; false for a trial that no policy drew. */
bool nas__drawn_recall(const nas_seen *trial, nas_arch *row, double *log_chance);

/* Exponential moving average of the rewards, corrected for its start at 0. */
typedef struct nas__baseline {
    double sum, share, worst;
    int count;
} nas__baseline;
/* Takes in a result and returns its reward: the score, or for a failed trial or one outside of the bounds the worst
 * reward so far. */
double nas__baseline_take(nas__baseline *baseline, double decay, const nas_seen *trial);
double nas__baseline_value(const nas__baseline *baseline);

#endif
