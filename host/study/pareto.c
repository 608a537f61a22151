/* pareto.c - objectives as scores, bounds as violations, and the front of several objectives.
 *
 * Scores are always "greater is better", and whatever is no result (a failure, a NaN, a trial that runs) is -INFINITY:
 * worst, and never best.  A front keeps the first of equal points, so it does not depend on timing. */
#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double nas_objective_score(const nas_objective *objective, const nas_trial *trial)
{
    if (!trial || trial->status != NAS_TRIAL_COMPLETE || trial->derived)
        return -INFINITY;
    double value = nas_trial_metric(trial, objective->metric);
    if (!isfinite(value))
        return -INFINITY;
    return objective->goal == NAS_GOAL_MAX ? value : -value;
}

double nas_bound_violation(const nas_objectives *objectives, const nas_trial *trial)
{
    double violation = 0;
    for (int i = 0; i < objectives->bound_count; i++) {
        const nas_bound *bound = &objectives->bounds[i];
        double value = nas_trial_metric(trial, bound->metric);
        if (isnan(value))
            continue;
        double excess = value > bound->max   ? value - bound->max
                        : value < bound->min ? bound->min - value
                                             : 0;
        double scale = fabs(value > bound->max ? bound->max : bound->min);
        violation += excess > 0 ? excess / (scale > 0 ? scale : 1) : 0;
    }
    return violation;
}

bool nas_pareto_dominates(const double *a, const double *b, int objectives)
{
    bool better = false;
    for (int k = 0; k < objectives; k++) {
        if (!(a[k] >= b[k]))
            return false;
        better |= a[k] > b[k];
    }
    return better;
}

static bool all_finite(const double *scores, int objectives)
{
    for (int k = 0; k < objectives; k++)
        if (!isfinite(scores[k]))
            return false;
    return true;
}

/* Every point against the front so far.  No point of a front dominates another, so one that is dominated itself dominates none of it. */
int nas_pareto_front(const double *scores, int count, int objectives, int *front)
{
    int size = 0;
    for (int i = 0; i < count; i++) {
        const double *point = scores + (size_t)i * (size_t)objectives;
        int kept = 0, j = 0;
        if (!all_finite(point, objectives))
            continue;
        for (; j < size; j++) {
            const double *other = scores + (size_t)front[j] * (size_t)objectives;
            if (nas_pareto_dominates(other, point, objectives) ||
                memcmp(other, point, (size_t)objectives * sizeof *point) == 0)
                break;
            if (!nas_pareto_dominates(point, other, objectives))
                front[kept++] = front[j];
        }
        if (j == size) {
            front[kept++] = i;
            size = kept;
        }
    }
    return size;
}
