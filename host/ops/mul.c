/* mul.c - y = x·m: m has the shape of x, or is a gate {c,1,1} that scales a whole channel (squeeze and excitation).
 *
 * The gate is the second input.  Axes and work-items: cl/mul.cl.  Paper of the gate: arXiv 1709.01507.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

static bool is_equal(nas_shape a, nas_shape b)
{
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    if (!is_equal(in[0], in[1]) && !(in[1].c == in[0].c && in[1].h == 1 && in[1].w == 1))
        NAS_FAIL(NAS_SHAPE,
                 "mul: the second input is %dx%dx%d; for %dx%dx%d it must be the same or %dx1x1",
                 in[1].c, in[1].h, in[1].w, in[0].c, in[0].h, in[0].w, in[0].c);
    *out = in[0];
    return NAS_OK;
}

static bool is_gate(const nas_op_call *call)
{
    return !is_equal(call->in_shape[0], call->in_shape[1]);
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    nas__stream_sizes(call, sizes);
    if (is_gate(call))
        sizes->reduction_parts[1] = call->n / 16;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_stream_read(&arguments, &call->in[1]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, call->out_shape, call->n, call->real);
    nas__push_int(&arguments, is_gate(call));
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    const bool curved =
        nas__is_curved(call->in[0].activation) || nas__is_curved(call->in[1].activation);
    return nas__stream_launch(tape, "mul", "mul_forward", nas__curved_define(curved),
                              nas_pass_parts(call->out_shape, call->n), call->out_shape.c,
                              &arguments);
}

/* The gradient of input `k`, which is dy times the other input. */
static nas_status backward_of(const nas_op_call *call, nas_tape *tape, int k)
{
    if (!call->into[k].g.buffer)
        return NAS_OK;
    const nas_shape shape = call->out_shape;
    const bool sums = k == 1 && is_gate(call);
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    nas__push_stream_read(&arguments, &call->in[1 - k]);
    nas__push_stream_into(&arguments, &call->into[k]);
    nas__push_axes(&arguments, shape, call->n, call->real);
    if (!sums)
        nas__push_int(&arguments, k == 0 && is_gate(call));
    nas__push_int(&arguments, shape.c);
    const bool curved =
        nas__is_curved(call->in[0].activation) || nas__is_curved(call->in[1].activation);
    return nas__stream_launch(
        tape, "mul", sums ? "mul_backward_gate" : "mul_backward", nas__curved_define(curved),
        sums ? call->n / 16 : nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    NAS_TRY(backward_of(call, tape, 0));
    return backward_of(call, tape, 1);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_MUL;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 2, {{3, 7, 5}, {3, 7, 5}}},
    {"", 19, 2, {{4, 5, 3}, {4, 1, 1}}},
    {"", 1, 2, {{1, 9, 9}, {1, 1, 1}}},
    {"", 33, 2, {{2, 33, 17}, {2, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "mul.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "mul.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_mul = {
    .kind = {"mul", "product of two tensors, or of a tensor and a gate per channel",
             "arXiv 1709.01507", 0, NULL},
    .inputs_min = 2,
    .inputs_max = 2,
    .channels = NAS_CHANNELS_KEPT,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

/* Where the second input's element for element i of the first lies: same place, or (channel, sample) of a gate. */
static size_t NAS_REFERENCE(other)(const nas_reference_call *call, size_t i)
{
    if (is_equal(call->in_shape[0], call->in_shape[1]))
        return i;
    const nas_shape shape = call->in_shape[0];
    const size_t n = (size_t)call->n, size = (size_t)shape.h * (size_t)shape.w * n;
    return i / size * n + i % n;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0], *m = call->in[1];
    NAS_REAL *y = call->out;
    for (size_t i = 0; i < nas_shape_count(call->out_shape) * (size_t)call->n; i++)
        y[i] = x[i] * m[NAS_REFERENCE(other)(call, i)];
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0], *m = call->in[1], *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0], *dm = call->in_gradients[1];
    for (size_t i = 0; i < nas_shape_count(call->out_shape) * (size_t)call->n; i++) {
        const size_t k = NAS_REFERENCE(other)(call, i);
        if (dx)
            dx[i] += dy[i] * m[k];
        if (dm)
            dm[k] += dy[i] * x[i];
    }
}

#endif
