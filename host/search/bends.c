/* bends.c - the early stop of Zela et al. (arXiv 1909.09656, section 4.3): go back to where the loss was still flat.
 *
 * With e_0, e_1 … the largest eigenvalues as they were measured every few epochs (host/eval/curvature.c),
 *
 *     ē_i = mean of e_{i−2} … e_{i+2}        as far as there are such
 *     ends when ē_i / ē_{i−4} > 1.3          i being the last with a whole window, and i − 4 behind epoch 10
 *
 * and the architecture is that of measurement i − 4.  Window, distance, factor and epoch are the authors'. */
#include "bends.h"

#include <stdlib.h>

enum { REACH = 2, BEFORE = 4 };

nas_status nas__bends_add(nas__bends *bends, const nas__bend *bend)
{
    nas__bend *more = realloc(bends->at, ((size_t)bends->count + 1) * sizeof *more);
    if (!more)
        NAS_FAIL(NAS_MEMORY, "no memory for the curvature of %d epochs", bends->count + 1);
    bends->at = more;
    bends->at[bends->count++] = *bend;
    return NAS_OK;
}

void nas__bends_clear(nas__bends *bends)
{
    free(bends->at);
    *bends = (nas__bends){0};
}

static double mean_around(const nas__bends *bends, int middle)
{
    double sum = 0;
    int count = 0;
    for (int i = middle - REACH; i <= middle + REACH; i++)
        if (i >= 0 && i < bends->count) {
            sum += bends->at[i].curvature;
            count++;
        }
    return sum / count;
}

int nas__bends_turn(const nas__bends *bends, double factor, double after)
{
    const int now = bends->count - 1 - REACH, then = now - BEFORE;
    if (factor <= 0 || then < 0 || bends->at[then].epochs < after)
        return -1;
    return mean_around(bends, now) / mean_around(bends, then) > factor ? then : -1;
}
