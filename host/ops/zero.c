/* zero.c - y = 0, with the shape of the input: what a cell's "none" leaves where nothing else arrives.
 *
 * The input gives the shape, and in backward receives nothing.  Networks need it rarely: a sum simply leaves a "none" out.  Only
 * where a node has no other input, as in the cells of NAS-Bench-201 (arXiv 2001.00326) without a path, are there zeros to
 * write.  Both directions are the pass that hands a gradient back, told that the channels lie outside its source.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    *out = in[0];
    return NAS_OK;
}

/* Channels of a source with `channels` that lie behind its last one: they read as 0. */
static nas__map outside(int channels)
{
    nas__map map = nas__map_plain(channels);
    map.from = channels;
    return map;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    return nas__pass_hand(tape, &(nas_gradient){.g = call->in[0].x}, outside(shape.c),
                          &(nas_into){.g = call->out}, shape, call->n, call->real);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->in_shape[0];
    return nas__pass_hand(tape, &call->out_gradient, outside(shape.c), &call->into[0], shape,
                          call->n, call->real);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_ZERO;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 7, 5}}},  {"", 1, 1, {{1, 5, 3}}}, {"", 33, 1, {{2, 33, 17}}},
    {"", 19, 1, {{5, 1, 1}}}, {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "zero.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "zero.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_zero = {
    .kind = {"zero", "zeros with the shape of the input", "arXiv 2001.00326", 0, NULL},
    .inputs_min = 1,
    .inputs_max = 1,
    .channels = NAS_CHANNELS_KEPT,
    .fusion = NAS_FUSES_READ | NAS_FUSES_GRADIENT | NAS_FUSES_INTO | NAS_FUSES_REDUCTION,
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
    for (size_t i = 0; i < nas_shape_count(call->out_shape) * (size_t)call->n; i++)
        ((NAS_REAL *)call->out)[i] = 0;
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    (void)call; /* the input had no say */
}

#endif
