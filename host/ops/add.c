/* add.c - y = x0 + x1 + …, two to eight tensors of one shape: residual connections and the sums of cells.
 *
 * Reads its inputs as they are (affine and activation on load) and writes y once.  Backward every input takes dy.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <stdio.h>

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options;
    for (int i = 1; i < count; i++)
        if (in[i].c != in[0].c || in[i].h != in[0].h || in[i].w != in[0].w)
            NAS_FAIL(NAS_SHAPE, "add: input %d is %dx%dx%d, input 0 is %dx%dx%d", i, in[i].c,
                     in[i].h, in[i].w, in[0].c, in[0].h, in[0].w);
    *out = in[0];
    return NAS_OK;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas__arguments arguments = {.count = 0};
    bool curved = false;
    for (int i = 0; i < call->input_count; i++) {
        nas__push_stream_read(&arguments, &call->in[i]);
        curved = curved || nas__is_curved(call->in[i].activation);
    }
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, call->out_shape, call->n, call->real);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    char defines[48];
    snprintf(defines, sizeof defines, "-DCOUNT=%d%s", call->input_count,
             curved ? " -DCURVED=1" : "");
    return nas__stream_launch(tape, "add", "add_forward", defines,
                              nas_pass_parts(call->out_shape, call->n), call->out_shape.c,
                              &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas__map map = nas__map_plain(call->out_shape.c);
    for (int i = 0; i < call->input_count; i++)
        NAS_TRY(nas__pass_hand(tape, &call->out_gradient, map, &call->into[i], call->out_shape,
                               call->n, call->real));
    return NAS_OK;
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_ADD;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 2, {{3, 7, 5}, {3, 7, 5}}},
    {"", 1, 3, {{1, 5, 3}, {1, 5, 3}, {1, 5, 3}}},
    {"", 33, 2, {{2, 33, 17}, {2, 33, 17}}},
    {"", 19, 4, {{5, 1, 1}, {5, 1, 1}, {5, 1, 1}, {5, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "add.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "add.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_add = {
    .kind = {"add", "sum of tensors of one shape", NULL, 0, NULL},
    .inputs_min = 2,
    .inputs_max = 8,
    .channels = NAS_CHANNELS_KEPT,
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
    for (size_t i = 0; i < nas_shape_count(call->out_shape) * (size_t)call->n; i++) {
        y[i] = 0;
        for (int k = 0; k < call->input_count; k++)
            y[i] += ((const NAS_REAL *)call->in[k])[i];
    }
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *dy = call->out_gradient;
    for (int k = 0; k < call->input_count; k++) {
        NAS_REAL *dx = call->in_gradients[k];
        for (size_t i = 0; dx && i < nas_shape_count(call->out_shape) * (size_t)call->n; i++)
            dx[i] += dy[i];
    }
}

#endif
