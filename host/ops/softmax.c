/* softmax.c - softmax along channels, rows or columns.
 *
 *     y[k] = exp(x[k] − m) / Σ_j exp(x[j] − m),  m = max x         dx[k] = y[k]·(dy[k] − Σ_j dy[j]·y[j])
 *
 * Networks that are trained here end with logits and a loss that has a softmax of its own (softmax_cross_entropy); this one is for
 * those that want probabilities, and for attention.  Kernels: cl/softmax.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <math.h>

typedef struct softmax_options {
    int axis;
} softmax_options;

static const nas_option option_table[] = {
    {"axis", NAS_OPTION_CHOICE, offsetof(softmax_options, axis), "channels", 0, 0,
     "channels|rows|columns", "what adds up to 1"},
    {.name = NULL},
};

/* The values as [outer][length][inner], summed up over the middle. */
typedef struct cut {
    int outer, length, inner;
} cut;

static cut cut_of(const void *options, nas_shape s)
{
    switch (((const softmax_options *)options)->axis) {
    case 0:
        return (cut){1, s.c, s.h * s.w};
    case 1:
        return (cut){s.c, s.h, s.w};
    default:
        return (cut){s.c * s.h, s.w, 1};
    }
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    *out = in[0];
    return NAS_OK;
}

static nas_status launch(const nas_op_call *call, const char *kernel, nas__arguments *arguments,
                         nas_tape *tape)
{
    const cut c = cut_of(call->options, call->in_shape[0]);
    nas__push_int(arguments, c.length);
    nas__push_int(arguments, c.inner);
    nas__push_int(arguments, call->n);
    nas__push_int(arguments, call->real);
    return nas__stream_launch(tape, "softmax", kernel, NULL, call->n / 16, c.outer * c.inner,
                              arguments);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->in[0].x);
    nas__push_tensor(&arguments, call->out);
    return launch(call, "softmax_forward", &arguments, tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    if (!call->into[0].g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->in[0].x);
    nas__push_tensor(&arguments, call->out_gradient.g);
    nas__push_tensor(&arguments, call->into[0].g);
    return launch(call, "softmax_backward", &arguments, tape);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    layer->kind = NAS_LAYER_SOFTMAX;
    layer->axis = ((const softmax_options *)options)->axis;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{10, 1, 1}}},
    {"", 19, 1, {{3, 4, 5}}},
    {"axis = \"rows\"", 33, 1, {{3, 7, 2}}},
    {"axis = \"columns\"", 1, 1, {{2, 3, 9}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "softmax.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "softmax.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_softmax = {
    .kind = {"softmax", "positive numbers that add up to 1", NULL, sizeof(softmax_options),
             option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

/* exp(x − m) / Σ of element i of a row that begins at `x` and whose elements are `stride` apart. */
static NAS_REAL NAS_REFERENCE(share)(const NAS_REAL *x, size_t stride, int length, int i)
{
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < length; k++)
        most = fmax(most, x[(size_t)k * stride]);
    for (int k = 0; k < length; k++)
        sum += exp(x[(size_t)k * stride] - most);
    return (NAS_REAL)(exp(x[(size_t)i * stride] - most) / sum);
}

/* Where row `row` of all outer·inner·n begins. */
static size_t NAS_REFERENCE(row_at)(cut c, size_t n, size_t row)
{
    const size_t inner = (size_t)c.inner * n;
    return row / inner * (size_t)c.length * inner + row % inner;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const cut c = cut_of(call->options, call->in_shape[0]);
    const size_t n = (size_t)call->n, stride = (size_t)c.inner * n;
    for (size_t row = 0; row < (size_t)c.outer * stride; row++) {
        const size_t at = NAS_REFERENCE(row_at)(c, n, row);
        for (int i = 0; i < c.length; i++)
            ((NAS_REAL *)call->out)[at + (size_t)i * stride] =
                NAS_REFERENCE(share)((const NAS_REAL *)call->in[0] + at, stride, c.length, i);
    }
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const cut c = cut_of(call->options, call->in_shape[0]);
    const size_t n = (size_t)call->n, stride = (size_t)c.inner * n;
    const NAS_REAL *x = call->in[0], *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0];
    for (size_t row = 0; dx && row < (size_t)c.outer * stride; row++) {
        const size_t at = NAS_REFERENCE(row_at)(c, n, row);
        NAS_REAL along = 0;
        for (int i = 0; i < c.length; i++)
            along +=
                dy[at + (size_t)i * stride] * NAS_REFERENCE(share)(x + at, stride, c.length, i);
        for (int i = 0; i < c.length; i++)
            dx[at + (size_t)i * stride] += NAS_REFERENCE(share)(x + at, stride, c.length, i) *
                                           (dy[at + (size_t)i * stride] - along);
    }
}

#endif
