/* clock.c - the simulated clock: what a search would have taken, had its trainings not been looked up.
 *
 * One rule for `clnas search` on a table and for clnas-simulate, so that both end at the same trial. */
#include <clnas/eval.h>

#include <math.h>

bool nas_clock_take(nas_clock *clock, const nas_trial *result)
{
    double seconds = nas_trial_metric(result, "simulated_s");
    double then_s = clock->now_s + (isnan(seconds) ? 0 : seconds);
    if (clock->limit_s > 0 && then_s > clock->limit_s)
        return false;
    clock->now_s = then_s;
    return true;
}
