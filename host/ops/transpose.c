/* transpose.c - channels, rows and columns change places.
 *
 *     order = [2, 0, 1]:  y[w, c, h] = x[c, h, w]     axis k of the output is axis order[k] of the input
 *
 * What mixes along rows or columns (a matrix product over the last axis, a shuffle that is no channel shuffle) is brought in
 * front of the kernels that mix channels.  Kernels: cl/rearrange.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "rearrange.h"
#include "reference.h"

typedef struct transpose_options {
    nas_int_list order;
} transpose_options;

static const nas_option option_table[] = {
    {"order", NAS_OPTION_INT_LIST, offsetof(transpose_options, order), "[1, 0, 2]", 0, 2, NULL,
     "axes of the input (0 channels, 1 rows, 2 columns) that become those of the output"},
    {.name = NULL},
};

static int axis_of(const void *options, int k)
{
    return (int)((const transpose_options *)options)->order.item[k];
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const transpose_options *o = options;
    const int sides[3] = {in[0].c, in[0].h, in[0].w};
    bool seen[3] = {false, false, false};
    (void)count;
    for (int k = 0; k < o->order.count && k < 3; k++)
        seen[axis_of(o, k)] = true;
    if (o->order.count != 3 || !seen[0] || !seen[1] || !seen[2])
        NAS_FAIL(NAS_SHAPE, "transpose: order has each of 0, 1 and 2 once");
    *out = (nas_shape){sides[axis_of(o, 0)], sides[axis_of(o, 1)], sides[axis_of(o, 2)]};
    return NAS_OK;
}

/* Along axis k of the output the input's pixels are those of its axis order[k]. */
static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas__walk in = nas__walk_plain(call->in_shape[0]);
    nas__walk walk = nas__walk_plain(call->out_shape);
    for (int k = 0; k < 3; k++)
        walk.step[k] = in.step[axis_of(call->options, k)];
    return nas__rearrange_forward(call, walk, 0, tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas__walk out = nas__walk_plain(call->out_shape);
    nas__walk walk = nas__walk_plain(call->in_shape[0]);
    for (int k = 0; k < 3; k++)
        walk.step[axis_of(call->options, k)] = out.step[k];
    return nas__rearrange_backward(call, walk, tape);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    layer->kind = NAS_LAYER_TRANSPOSE;
    for (int k = 0; k < 3; k++)
        layer->order[k] = axis_of(options, k);
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 7, 2}}},
    {"order = [2, 0, 1]", 19, 1, {{3, 4, 5}}},
    {"order = [0, 2, 1]", 33, 1, {{2, 17, 33}}},
    {"order = [2, 1, 0]", 1, 1, {{4, 3, 6}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "transpose.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "transpose.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_transpose = {
    .kind = {"transpose", "exchange channels, rows and columns", NULL, sizeof(transpose_options),
             option_table},
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

/* Calls nothing, only walks: y from x, or with `dx` dx from dy. */
static void NAS_REFERENCE(walk)(const nas_reference_call *call, const NAS_REAL *x, NAS_REAL *y,
                                const NAS_REAL *dy, NAS_REAL *dx)
{
    const nas_shape in = call->in_shape[0], out = call->out_shape;
    int at[3]; /* of the output: channel, row, column */
    for (at[0] = 0; at[0] < out.c; at[0]++)
        for (at[1] = 0; at[1] < out.h; at[1]++)
            for (at[2] = 0; at[2] < out.w; at[2]++) {
                int source[3];
                for (int k = 0; k < 3; k++)
                    source[axis_of(call->options, k)] = at[k];
                for (int n = 0; n < call->n; n++) {
                    const size_t to = nas__at(out, call->n, at[0], at[1], at[2], n);
                    const size_t from = nas__at(in, call->n, source[0], source[1], source[2], n);
                    if (y)
                        y[to] = x[from];
                    else
                        dx[from] += dy[to];
                }
            }
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    NAS_REFERENCE(walk)(call, call->in[0], call->out, NULL, NULL);
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    if (call->in_gradients[0])
        NAS_REFERENCE(walk)(call, NULL, NULL, call->out_gradient, call->in_gradients[0]);
}

#endif
