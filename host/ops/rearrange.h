/* rearrange.h - recording operators that only move pixels: what reshape, transpose and pad have in common.  See cl/rearrange.cl. */
#ifndef NAS_OPS_REARRANGE_H
#define NAS_OPS_REARRANGE_H

#include <clnas/ops.h>

/* Pixel (c, h, w) of one side is pixel base + c·step[0] + h·step[1] + w·step[2] of the other, counted channel by channel and
 * row by row, where low[k] ≤ coordinate k < high[k]; elsewhere it is no pixel of the other. */
typedef struct nas__walk {
    int base, step[3], low[3], high[3];
} nas__walk;

/* All pixels of `shape`, in their order. */
nas__walk nas__walk_plain(nas_shape shape);

/* `walk` of the output's pixels; `value` where the input has none. */
nas_status nas__rearrange_forward(const nas_op_call *call, nas__walk walk, float value,
                                  nas_tape *tape);
/* `walk` of the input's pixels. */
nas_status nas__rearrange_backward(const nas_op_call *call, nas__walk walk, nas_tape *tape);

#endif
