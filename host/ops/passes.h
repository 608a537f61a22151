/* passes.h - the stream kernels of cl/passes.cl for the operators of this room: see cl/stream.clh. */
#ifndef NAS_OPS_PASSES_H
#define NAS_OPS_PASSES_H

#include "arguments.h"

/* Where channel c of the result comes from: from + (c mod groups)·per + c div groups, zero outside 0 … limit − 1. */
typedef struct nas__map {
    int from, limit, groups, per;
} nas__map;

/* Channel c comes from channel c of `limit`. */
nas__map nas__map_plain(int limit);

/* int strips, run, n, real: the group STREAM_AXES. */
void nas__push_axes(nas__arguments *arguments, nas_shape shape, int n, int real);
/* Strips of 16 floats that one work-item handles. */
int nas__stream_run(nas_shape shape, int n);
/* Global size (items, channels), local size 1. */
nas_status nas__stream_launch(nas_tape *tape, const char *source, const char *kernel,
                              const char *defines, int items, int channels,
                              const nas__arguments *arguments);
/* "-DCURVED=1" or NULL. */
const char *nas__curved_define(bool curved);

/* y[y_from + c] = read(x[map(c)]) for the channels of `shape`; statistics (of the whole y's channels) or none. */
nas_status nas__pass_forward(nas_tape *tape, const nas_read *read, nas__map map, nas_shape shape,
                             int n, int real, nas_tensor y, int y_from, nas_tensor statistics);
/* into(c) takes the formed gradient of channel map(c), for the channels of `shape`. */
nas_status nas__pass_hand(nas_tape *tape, const nas_gradient *gradient, nas__map map,
                          const nas_into *into, nas_shape shape, int n, int real);
/* sizes of an op whose statistics and reductions come in the parts of nas_pass_parts. */
void nas__stream_sizes(const nas_op_call *call, nas_op_sizes *sizes);

#endif
