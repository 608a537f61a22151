/* clip.cl - the global norm of a flat block and the scale that brings it under a bound.
 *
 * Two launches, no atomics: part k sums the squares of floats PART·k … in the canonical order of
 * prelude.clh, then one work-item adds the parts in rising order.  The partition follows from the
 * count alone, so the bits do not depend on device or threads. */
// compile: -DLANES=16
// compile: -DMASKED=1
#include "mask.clh"

#define PART 4096

__kernel void clip_parts(READS(values), WRITES(parts), MASK_ARGUMENTS, const ulong count)
{
    OPEN_READ(values);
    OPEN_WRITE(parts);
    OPEN_MASK;
    const ulong k = get_global_id(0), start = k * PART;
    const ulong end = min(start + (ulong)PART, count);
    strip sum = (strip)(0.0f);
    for (ulong i = start; i < end; i += 16) {
        if (!TAKES_PART(i))
            continue;
        const strip v = strip_load(values + i);
        sum = fma(v, v, sum);
    }
    parts[k] = strip_sum(sum);
}

/* result[0] = min(1, bound / (norm + 1e-6)), or 1 without a bound; result[1] = norm. */
__kernel void clip_finish(READS(parts), WRITES(result), const ulong count, const float bound)
{
    OPEN_READ(parts);
    OPEN_WRITE(result);
    float sum = 0.0f;
    for (ulong k = 0; k < count; k++)
        sum += parts[k];
    const float norm = sqrt(sum), ratio = bound / (norm + 1e-6f);
    result[0] = bound > 0.0f && !(ratio > 1.0f) ? ratio : 1.0f;
    result[1] = norm;
}
