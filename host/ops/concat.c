/* concat.c - channels of two to eight tensors, one after the other.
 *
 * In CHWN a channel is one contiguous block, so a concatenation is a copy of blocks: one pass per input, with a channel offset,
 * reading each input through its own affine and activation.  A plan may let the inputs share one home and record nothing.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options;
    int channels = in[0].c;
    for (int i = 1; i < count; i++) {
        if (in[i].h != in[0].h || in[i].w != in[0].w)
            NAS_FAIL(NAS_SHAPE, "concat: input %d is %dx%d pixels, input 0 is %dx%d", i, in[i].h,
                     in[i].w, in[0].h, in[0].w);
        channels += in[i].c;
    }
    *out = (nas_shape){channels, in[0].h, in[0].w};
    return NAS_OK;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    int base = 0;
    for (int i = 0; i < call->input_count; i++) {
        NAS_TRY(nas__pass_forward(tape, &call->in[i], nas__map_plain(call->in_shape[i].c),
                                  call->in_shape[i], call->n, call->real, call->out, base,
                                  call->statistics));
        base += call->in_shape[i].c;
    }
    return NAS_OK;
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    nas__map map = nas__map_plain(call->out_shape.c);
    for (int i = 0; i < call->input_count; i++) {
        NAS_TRY(nas__pass_hand(tape, &call->out_gradient, map, &call->into[i], call->in_shape[i],
                               call->n, call->real));
        map.from += call->in_shape[i].c;
    }
    return NAS_OK;
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_CONCAT;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 2, {{3, 7, 5}, {2, 7, 5}}},
    {"", 1, 3, {{1, 5, 3}, {4, 5, 3}, {1, 5, 3}}},
    {"", 33, 2, {{2, 33, 17}, {1, 33, 17}}},
    {"", 19, 2, {{5, 1, 1}, {3, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "concat.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "concat.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_concat = {
    .kind = {"concat", "channels of several tensors, one after the other", NULL, 0, NULL},
    .inputs_min = 2,
    .inputs_max = 8,
    .channels = NAS_CHANNELS_JOINED,
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
    NAS_REAL *y = call->out;
    for (int k = 0; k < call->input_count; k++) {
        const NAS_REAL *x = call->in[k];
        const size_t size = nas_shape_count(call->in_shape[k]) * (size_t)call->n;
        for (size_t i = 0; i < size; i++)
            y[i] = x[i];
        y += size;
    }
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *dy = call->out_gradient;
    for (int k = 0; k < call->input_count; k++) {
        NAS_REAL *dx = call->in_gradients[k];
        const size_t size = nas_shape_count(call->in_shape[k]) * (size_t)call->n;
        for (size_t i = 0; dx && i < size; i++)
            dx[i] += dy[i];
        dy += size;
    }
}

#endif
