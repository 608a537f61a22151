/* activation.c - y = f(x), element by element.  The smallest operator: read this one first.
 *
 * Every operator is one descriptor (`nas__op_activation` at the end of this file) and one line in op_list.h.  From top to bottom
 * a file holds: the options as a struct with a table, the shape of the result, the functions that record kernels, sample cases
 * for the tests, and the plain C reference that defines what all of it means.
 *
 * In a network this one costs nothing: it is a *view*.  The tensor keeps its raw values and whoever reads it applies f on load
 * (see include/clnas/ops.h).  forward and backward below serve where nothing can be fused, and the tests.
 *
 * docs/recipes/ says how to copy this file into an operator of your own.
 */
#ifndef NAS_REAL /* the operator; the reference is behind the #else, see reference.h */
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <math.h>

/* ---- options: what a config may say, `activation = { kind = "leaky_relu"; slope = 0.1; }` ---- */

typedef struct activation_options {
    int kind; /* index into the choices below */
    double slope;
} activation_options;

/* name, type, where it lies in the struct, default, least, most, choices, help; a NULL name ends the table.  Parsing, range
 * errors, `clnas describe` and the reference page all come from these rows. */
static const nas_option option_table[] = {
    {"kind", NAS_OPTION_CHOICE, offsetof(activation_options, kind), "relu", 0, 0,
     "relu|relu6|leaky_relu|sigmoid|tanh|silu|hard_swish|gelu|step",
     "the function; step is 1 above 0, else 0, and hands no gradient back"},
    {"slope", NAS_OPTION_REAL, offsetof(activation_options, slope), "0.01", 0, 1, NULL,
     "of leaky_relu below 0"},
    {.name = NULL},
};

void nas_activation_of(const void *options, nas_activation *activation, float *slope)
{
    const activation_options *o = options;
    *activation =
        (nas_activation)(NAS_ACT_RELU + o->kind); /* the choices are in the enum's order */
    *slope = (float)o->slope;
}

const char *nas_activation_name(nas_activation activation)
{
    static const char *const names[] = {"none", "relu", "relu6",      "leaky_relu", "sigmoid",
                                        "tanh", "silu", "hard_swish", "gelu",       "step"};
    return names[activation];
}

/* ---- shape: the result is as large as the input ---- */

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    *out = in[0];
    return NAS_OK;
}

/* A view writes nothing: no parameters, no multiplications, no bytes. */
static void cost(const void *options, const nas_shape *in, int count, nas_shape out, nas_cost *cost)
{
    (void)options, (void)in, (void)count, (void)out;
    *cost = (nas_cost){.bytes = 0};
}

/* ---- kernels: a recording function appends launches to a tape, which is replayed every step ---- */

/* y = f(x): the pass that materialises a read does just that. */
static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas_read read = {.x = call->in[0].x};
    nas_activation_of(call->options, &read.activation, &read.slope);
    return nas_pass_materialise(tape, &read, call->in_shape[0], call->n, call->out);
}

/* dx = dy·f'(x): the pass that hands a gradient back through a read. */
static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    nas_into into = {.g = call->into[0].g, .read = {.x = call->in[0].x}};
    nas_activation_of(call->options, &into.read.activation, &into.read.slope);
    return nas_pass_into(tape, call->out_gradient.g, &into, call->in_shape[0], call->n, call->real);
}

/* ---- the function itself on the host, in double; cl/access.clh holds the kernels' copy ---- */

#define INV_SQRT_2 0.70710678118654752440
#define INV_SQRT_2PI 0.39894228040143267794

static double logistic(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

double nas_activation_value(nas_activation activation, double slope, double x)
{
    switch (activation) {
    case NAS_ACT_NONE:
        return x;
    case NAS_ACT_RELU:
        return x > 0 ? x : 0;
    case NAS_ACT_RELU6:
        return x < 0 ? 0 : x > 6 ? 6 : x;
    case NAS_ACT_LEAKY_RELU:
        return x > 0 ? x : slope * x;
    case NAS_ACT_SIGMOID:
        return logistic(x);
    case NAS_ACT_TANH:
        return tanh(x);
    case NAS_ACT_SILU:
        return x * logistic(x);
    case NAS_ACT_HARD_SWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    case NAS_ACT_GELU:
        return 0.5 * x * (1 + erf(x * INV_SQRT_2));
    case NAS_ACT_STEP:
        return x > 0;
    }
    return x;
}

double nas_activation_derivative(nas_activation activation, double slope, double x)
{
    const double s = logistic(x);
    switch (activation) {
    case NAS_ACT_NONE:
        return 1;
    case NAS_ACT_RELU:
        return x > 0;
    case NAS_ACT_RELU6:
        return x > 0 && x < 6;
    case NAS_ACT_LEAKY_RELU:
        return x > 0 ? 1 : slope;
    case NAS_ACT_SIGMOID:
        return s * (1 - s);
    case NAS_ACT_TANH:
        return 1 - tanh(x) * tanh(x);
    case NAS_ACT_SILU:
        return s * (1 + x * (1 - s));
    case NAS_ACT_HARD_SWISH:
        return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5;
    case NAS_ACT_GELU:
        return 0.5 * (1 + erf(x * INV_SQRT_2)) + x * INV_SQRT_2PI * exp(-0.5 * x * x);
    case NAS_ACT_STEP:
        return 0;
    }
    return 1;
}

/* ---- sample cases: options, batch, number of inputs, their shapes; odd sizes on purpose ---- */

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    layer->kind = NAS_LAYER_ACTIVATION;
    nas_activation_of(options, &layer->activation, &layer->slope);
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 7, 5}}},
    {"kind = \"relu6\"", 1, 1, {{1, 9, 4}}},
    {"kind = \"leaky_relu\"; slope = 0.2", 19, 1, {{2, 3, 5}}},
    {"kind = \"sigmoid\"", 33, 1, {{4, 1, 1}}},
    {"kind = \"tanh\"", 19, 1, {{1, 5, 5}}},
    {"kind = \"silu\"", 5, 1, {{3, 5, 7}}},
    {"kind = \"hard_swish\"", 64, 1, {{2, 33, 9}}},
    {"kind = \"gelu\"", 33, 1, {{2, 3, 3}}},
    {"kind = \"step\"", 19, 1, {{3, 5, 3}}},
    {.options = NULL},
};

/* ---- the file includes itself: forward_float, backward_float, forward_double, backward_double ---- */

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "activation.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "activation.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_activation = {
    .kind = {"activation", "apply a function to every element", NULL, sizeof(activation_options),
             option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .view = NAS_VIEW_ACTIVATION,
    .channels = NAS_CHANNELS_KEPT,
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference: plain loops, the definition of the operator */

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    nas_activation activation;
    float slope;
    nas_activation_of(call->options, &activation, &slope);
    const NAS_REAL *x = call->in[0];
    NAS_REAL *y = call->out;
    for (size_t i = 0; i < nas_shape_count(call->in_shape[0]) * (size_t)call->n; i++)
        y[i] = (NAS_REAL)nas_activation_value(activation, slope, x[i]);
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    nas_activation activation;
    float slope;
    nas_activation_of(call->options, &activation, &slope);
    const NAS_REAL *x = call->in[0], *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0];
    if (!dx)
        return;
    for (size_t i = 0; i < nas_shape_count(call->in_shape[0]) * (size_t)call->n; i++)
        dx[i] += dy[i] * (NAS_REAL)nas_activation_derivative(activation, slope, x[i]);
}

#endif
