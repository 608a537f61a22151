/* objectives.c - metrics held against goals and bounds.
 *
 * A metric that a trial lacks is outside no bound (a later stage may still set it) but scores worst in an objective.  Next:
 * eval.c, which applies the bounds before and after scoring. */
#include <clnas/eval.h>

#include <math.h>
#include <stdio.h>

bool nas_bound_reason(const nas_objectives *objectives, const nas_trial *trial, char *reason,
                      size_t size)
{
    for (int i = 0; objectives && i < objectives->bound_count; i++) {
        const nas_bound *bound = &objectives->bounds[i];
        double value = nas_trial_metric(trial, bound->metric);
        if (isnan(value))
            continue;
        if (value > bound->max) {
            nas_format(reason, size, "%s = %.10g is over its bound of %.10g", bound->metric, value,
                       bound->max);
            return true;
        }
        if (value < bound->min) {
            nas_format(reason, size, "%s = %.10g is under its bound of %.10g", bound->metric, value,
                       bound->min);
            return true;
        }
    }
    return false;
}

void nas_objective_scores(const nas_objectives *objectives, const nas_trial *trial,
                          double scores[NAS_OBJECTIVES])
{
    for (int i = 0; i < objectives->count; i++)
        scores[i] = nas_objective_score(&objectives->item[i], trial);
}
