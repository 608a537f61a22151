/* slice.c - some channels of a tensor: `count` of them, starting with `from`.
 *
 * In CHWN that is one contiguous block.  Backward, the channels that nobody took receive zero.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct slice_options {
    int64_t from, count;
} slice_options;

static const nas_option option_table[] = {
    {"from", NAS_OPTION_INT, offsetof(slice_options, from), "0", 0, 65536, NULL, "first channel"},
    {"count", NAS_OPTION_INT, offsetof(slice_options, count), NULL, 1, 65536, NULL,
     "channels taken"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const slice_options *o = options;
    (void)count;
    if (o->from + o->count > in[0].c)
        NAS_FAIL(NAS_SHAPE, "slice: channels %lld to %lld of a tensor with %d", (long long)o->from,
                 (long long)(o->from + o->count - 1), in[0].c);
    *out = (nas_shape){(int)o->count, in[0].h, in[0].w};
    return NAS_OK;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const slice_options *o = call->options;
    nas__map map = nas__map_plain(call->in_shape[0].c);
    map.from = (int)o->from;
    return nas__pass_forward(tape, &call->in[0], map, call->out_shape, call->n, call->real,
                             call->out, 0, call->statistics);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const slice_options *o = call->options;
    nas__map map = nas__map_plain(call->out_shape.c);
    map.from = -(int)o->from;
    return nas__pass_hand(tape, &call->out_gradient, map, &call->into[0], call->in_shape[0],
                          call->n, call->real);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    const slice_options *o = options;
    layer->kind = NAS_LAYER_SLICE;
    layer->from = (int)o->from;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"count = 2", 5, 1, {{3, 7, 5}}},
    {"from = 3; count = 1", 1, 1, {{4, 5, 3}}},
    {"from = 1; count = 3", 33, 1, {{5, 33, 17}}},
    {"from = 2; count = 5", 19, 1, {{7, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "slice.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "slice.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_slice = {
    .kind = {"slice", "some channels of a tensor", NULL, sizeof(slice_options), option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .sizes = nas__stream_sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const slice_options *o = call->options;
    const size_t size = nas_shape_count(call->out_shape) * (size_t)call->n;
    const NAS_REAL *x = (const NAS_REAL *)call->in[0] + size / (size_t)o->count * (size_t)o->from;
    for (size_t i = 0; i < size; i++)
        ((NAS_REAL *)call->out)[i] = x[i];
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const slice_options *o = call->options;
    const size_t size = nas_shape_count(call->out_shape) * (size_t)call->n;
    const NAS_REAL *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0];
    if (!dx)
        return;
    dx += size / (size_t)o->count * (size_t)o->from;
    for (size_t i = 0; i < size; i++)
        dx[i] += dy[i];
}

#endif
