/* unrolled.cl - the weights' side of DARTS' second order (arXiv 1806.09055, section 2.3; host/eval/unrolled.c).
 *
 *   unrolled_step    w' = w − η·(momentum·m + g + decay·w)     one step of the weights' optimizer, not taken
 *   unrolled_shift   w± = w ± R·v,   R = 0.01 / ‖v‖            from the weights as they were, not from w'
 *   unrolled_gates   d − η·(d+ − d−) / (2R)                    what the step means for the gates' gradient
 *
 * `kept` is w.  norm[1] is ‖v‖, as nas_clip_record leaves it; where it is 0 nothing is shifted and the difference is 0. */
#include "prelude.clh"
#include "step.clh"

#define RADIUS 0.01f

__kernel void unrolled_step(READS(kept), READS(gradients), READS(moment), READS_OF(step_block, step), WRITES(weights),
                            const ulong count, const ulong decayed_count, const float momentum, const float decay)
{
    OPEN_READ(kept);
    OPEN_READ(gradients);
    OPEN_READ(moment);
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(weights);
    const ulong i = get_global_id(0) * LANES;
    if (i >= count)
        return;
    const lanes w = lanes_load(kept + i);
    const lanes g = fma((lanes)(i < decayed_count ? decay : 0.0f), w, lanes_load(gradients + i));
    lanes_store(weights + i, fma((lanes)(-step->lr), fma((lanes)(momentum), lanes_load(moment + i), g), w));
}

__kernel void unrolled_shift(READS(kept), READS(direction), READS(norm), WRITES(weights), const ulong count,
                             const float sign)
{
    OPEN_READ(kept);
    OPEN_READ(direction);
    OPEN_READ(norm);
    OPEN_WRITE(weights);
    const ulong i = get_global_id(0) * LANES;
    if (i >= count)
        return;
    const float length = norm[1], radius = length > 0.0f ? sign * (RADIUS / length) : 0.0f;
    lanes_store(weights + i, fma((lanes)(radius), lanes_load(direction + i), lanes_load(kept + i)));
}

/* `gradient` is d− before. */
__kernel void unrolled_gates(READS(valid), READS(plus), READS(norm), READS_OF(step_block, step), WRITES(gradient),
                             const int count)
{
    OPEN_READ(valid);
    OPEN_READ(plus);
    OPEN_READ(norm);
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(gradient);
    const int i = (int)get_global_id(0);
    if (i >= count)
        return;
    const float scale = step->lr * norm[1] / (2.0f * RADIUS);
    gradient[i] = fma(-scale, plus[i] - gradient[i], valid[i]);
}
