/* function.c - y = f(x; a, b), element by element: the functions that have numbers of their own.
 *
 * `activation` has those that networks are searched with, and costs nothing, for it is a view.  Models of others come with more:
 * bounds, slopes, exponentials.  This operator computes them in a pass of its own, fused with what stands around it.  `clip` is
 * between its two bounds, which may be ±3.4e38 for none.
 *
 * Papers: elu arXiv 1511.07289, selu (elu with b) 1706.02515, celu 1704.07483, gelu 1606.08415.  Kernels: cl/function.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <math.h>

typedef struct function_options {
    int kind;
    double a, b;
} function_options;

static const nas_option option_table[] = {
    {"kind", NAS_OPTION_CHOICE, offsetof(function_options, kind), "clip", 0, 0,
     "clip|hard_sigmoid|leaky|threshold|elu|celu|gelu_tanh|erf|softplus|softsign",
     "clip: between a and b; hard_sigmoid: a·x + b between 0 and 1; leaky: a·x below 0; threshold: "
     "0 up to a; elu: b times x, "
     "or a·(exp x - 1) below 0; celu: a·(exp(x/a) - 1) below 0"},
    {"a", NAS_OPTION_REAL, offsetof(function_options, a), "0", -3.4e38, 3.4e38, NULL, "see kind"},
    {"b", NAS_OPTION_REAL, offsetof(function_options, b), "1", -3.4e38, 3.4e38, NULL, "see kind"},
    {.name = NULL},
};

const char *nas_function_name(nas_function function)
{
    static const char *const names[] = {"clip", "hard_sigmoid", "leaky", "threshold", "elu",
                                        "celu", "gelu_tanh",    "erf",   "softplus",  "softsign"};
    return names[function];
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const function_options *o = options;
    (void)count;
    if (o->kind == NAS_FUNCTION_CELU && o->a == 0)
        NAS_FAIL(NAS_SHAPE, "function: celu divides by a, which is 0");
    *out = in[0];
    return NAS_OK;
}

/* The group FUNCTION_ARGUMENTS of cl/function.cl. */
static void push_function(nas__arguments *arguments, const nas_op_call *call)
{
    const function_options *o = call->options;
    nas__push_int(arguments, o->kind);
    nas__push_float(arguments, (float)o->a);
    nas__push_float(arguments, (float)o->b);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_function(&arguments, call);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "function", "function_forward",
                              nas__curved_define(nas__is_curved(call->in[0].activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->in_shape[0];
    if (!call->into[0].g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_stream_into(&arguments, &call->into[0]);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_function(&arguments, call);
    nas__push_int(&arguments, shape.c);
    return nas__stream_launch(tape, "function", "function_backward",
                              nas__curved_define(nas__is_curved(call->into[0].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

/* ---- the function itself, in double; cl/function.cl has the kernels' copy ---- */

#define ROOT_2_PI 0.79788456080286535588
#define TWO_BY_ROOT_PI 1.12837916709551257390
#define GELU_CUBE 0.044715

static double value_of(const function_options *o, double x)
{
    switch ((nas_function)o->kind) {
    case NAS_FUNCTION_CLIP:
        return fmin(fmax(x, o->a), o->b);
    case NAS_FUNCTION_HARD_SIGMOID:
        return fmin(fmax(o->a * x + o->b, 0), 1);
    case NAS_FUNCTION_LEAKY:
        return x > 0 ? x : o->a * x;
    case NAS_FUNCTION_THRESHOLD:
        return x > o->a ? x : 0;
    case NAS_FUNCTION_ELU:
        return o->b * (x > 0 ? x : o->a * expm1(x));
    case NAS_FUNCTION_CELU:
        return x > 0 ? x : o->a * expm1(x / o->a);
    case NAS_FUNCTION_GELU_TANH:
        return 0.5 * x * (1 + tanh(ROOT_2_PI * (x + GELU_CUBE * x * x * x)));
    case NAS_FUNCTION_ERF:
        return erf(x);
    case NAS_FUNCTION_SOFTPLUS:
        return fmax(x, 0) + log1p(exp(-fabs(x)));
    case NAS_FUNCTION_SOFTSIGN:
        return x / (1 + fabs(x));
    }
    return x;
}

static double gelu_tanh_slope(double x)
{
    const double t = tanh(ROOT_2_PI * (x + GELU_CUBE * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT_2_PI * (1 + 3 * GELU_CUBE * x * x);
}

static double slope_of(const function_options *o, double x)
{
    const double line = o->a * x + o->b;
    switch ((nas_function)o->kind) {
    case NAS_FUNCTION_CLIP:
        return x > o->a && x < o->b;
    case NAS_FUNCTION_HARD_SIGMOID:
        return line > 0 && line < 1 ? o->a : 0;
    case NAS_FUNCTION_LEAKY:
        return x > 0 ? 1 : o->a;
    case NAS_FUNCTION_THRESHOLD:
        return x > o->a;
    case NAS_FUNCTION_ELU:
        return o->b * (x > 0 ? 1 : o->a * exp(x));
    case NAS_FUNCTION_CELU:
        return x > 0 ? 1 : exp(x / o->a);
    case NAS_FUNCTION_GELU_TANH:
        return gelu_tanh_slope(x);
    case NAS_FUNCTION_ERF:
        return TWO_BY_ROOT_PI * exp(-x * x);
    case NAS_FUNCTION_SOFTPLUS:
        return 1 / (1 + exp(-x));
    case NAS_FUNCTION_SOFTSIGN:
        return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    }
    return 1;
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    const function_options *o = options;
    (void)in;
    layer->kind = NAS_LAYER_FUNCTION;
    layer->function = (nas_function)o->kind;
    layer->a = (float)o->a;
    layer->b = (float)o->b;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"a = -0.5; b = 0.7", 5, 1, {{3, 7, 5}}},
    {"kind = \"hard_sigmoid\"; a = 0.4; b = 0.6", 19, 1, {{2, 3, 5}}},
    {"kind = \"leaky\"; a = -1.5", 1, 1, {{4, 3, 1}}},
    {"kind = \"threshold\"; a = 0.3", 33, 1, {{2, 3, 3}}},
    {"kind = \"elu\"; a = 1.67; b = 1.05", 64, 1, {{2, 17, 9}}},
    {"kind = \"celu\"; a = 2", 5, 1, {{3, 5, 7}}},
    {"kind = \"gelu_tanh\"", 19, 1, {{3, 5, 3}}},
    {"kind = \"erf\"", 19, 1, {{1, 5, 5}}},
    {"kind = \"softplus\"", 33, 1, {{5, 1, 1}}},
    {"kind = \"softsign\"", 2, 1, {{3, 4, 4}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "function.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "function.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_function = {
    .kind = {"function", "apply a function with numbers of its own to every element", NULL,
             sizeof(function_options), option_table},
    .inputs_min = 1,
    .inputs_max = 1,
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
    const NAS_REAL *x = call->in[0];
    NAS_REAL *y = call->out;
    for (size_t i = 0; i < nas_shape_count(call->in_shape[0]) * (size_t)call->n; i++)
        y[i] = (NAS_REAL)value_of(call->options, x[i]);
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0], *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0];
    for (size_t i = 0; dx && i < nas_shape_count(call->in_shape[0]) * (size_t)call->n; i++)
        dx[i] += dy[i] * (NAS_REAL)slope_of(call->options, x[i]);
}

#endif
