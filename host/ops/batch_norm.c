/* batch_norm.c - batch normalisation, the view with arithmetic of its own.
 *
 *     y = γ·(z − mean)/√(variance + epsilon) + β      per channel, over height, width and the batch
 *
 * Nobody writes y.  The writer of z leaves statistics of its parts, nas_norm_finish merges them into a scale and a
 * shift per channel, and whoever reads z applies them on load.  Backward, the writer that completes G leaves R0 = ΣG and R1 =
 * ΣG·(z − mean); nas_norm_backward turns them into the three coefficients of dz = a·G + b·z + d, formed on load too.  Formulas:
 * cl/batch_norm.cl.  Paper: Ioffe and Szegedy 2015, arXiv 1502.03167.
 *
 * There are always four parameter slots, gamma, beta, running_mean, running_variance; those that the options switch off
 * have rank 0 and no tensor.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <math.h>

typedef struct batch_norm_options {
    bool affine, running;
    double epsilon, momentum;
} batch_norm_options;

static const nas_option option_table[] = {
    {"affine", NAS_OPTION_BOOL, offsetof(batch_norm_options, affine), "true", 0, 0, NULL,
     "learn a scale and a shift per channel"},
    {"running", NAS_OPTION_BOOL, offsetof(batch_norm_options, running), "true", 0, 0, NULL,
     "keep running statistics for evaluation"},
    {"epsilon", NAS_OPTION_REAL, offsetof(batch_norm_options, epsilon), "1e-5", 1e-12, 1, NULL,
     "added to the variance"},
    {"momentum", NAS_OPTION_REAL, offsetof(batch_norm_options, momentum), "0.1", 0, 1, NULL,
     "weight of the newest batch in the running statistics"},
    {.name = NULL},
};

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VARIANCE };

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    *out = in[0];
    return NAS_OK;
}

static int parameters(const void *options, const nas_shape *in, int count,
                      nas_parameter list[NAS_OP_PARAMETERS])
{
    const batch_norm_options *o = options;
    (void)count;
    const bool learned = o->affine, kept = o->running;
    const nas_parameter slots[NAS_OP_PARAMETERS] = {
        {"gamma", learned, {in[0].c}, NAS_INIT_ONE, 1, 1, learned, false},
        {"beta", learned, {in[0].c}, NAS_INIT_ZERO, 1, 1, learned, false},
        {"running_mean", kept, {in[0].c}, NAS_INIT_ZERO, 1, 1, false, false},
        {"running_variance", kept, {in[0].c}, NAS_INIT_ONE, 1, 1, false, false},
    };
    for (int i = 0; i < NAS_OP_PARAMETERS; i++)
        list[i] = slots[i];
    return NAS_OP_PARAMETERS;
}

/* A view writes nothing. */
static void cost(const void *options, const nas_shape *in, int count, nas_shape out, nas_cost *cost)
{
    const batch_norm_options *o = options;
    (void)count, (void)out;
    *cost = (nas_cost){.parameters = o->affine ? 2 * (uint64_t)in[0].c : 0};
}

void nas_norm_call_make(const nas_op_call *node, nas_norm_call *call)
{
    const batch_norm_options *o = node->options;
    const nas_shape shape = node->in_shape[0];
    *call = (nas_norm_call){
        .gamma = node->parameters[GAMMA],
        .beta = node->parameters[BETA],
        .running_mean = node->parameters[RUNNING_MEAN],
        .running_variance = node->parameters[RUNNING_VARIANCE],
        .step = node->step,
        .gamma_gradient = node->parameter_gradients[GAMMA],
        .beta_gradient = node->parameter_gradients[BETA],
        .epsilon = (float)o->epsilon,
        .momentum = (float)o->momentum,
        .channels = shape.c,
        .count = (uint64_t)shape.h * (uint64_t)shape.w * (uint64_t)node->real,
    };
}

static void push_parts(nas__arguments *arguments, const nas_norm_call *call, int parts)
{
    nas__push_int(arguments, parts);
    nas__push_int(arguments, call->shards > 1 ? call->shards : 1);
    nas__push_int(arguments, (int)call->stride);
}

static nas_status launch(nas_tape *tape, const char *kernel, int channels,
                         const nas__arguments *arguments)
{
    return nas__stream_launch(tape, "batch_norm", kernel, NULL, channels, 1, arguments);
}

static void push_norm(nas__arguments *arguments, const nas_norm *norm)
{
    nas__push_tensor(arguments, norm->scale);
    nas__push_tensor(arguments, norm->shift);
    nas__push_tensor(arguments, norm->mean);
    nas__push_tensor(arguments, norm->rstd);
}

nas_status nas_norm_finish(nas_tape *tape, const nas_norm_call *call, nas_tensor statistics,
                           int parts, const nas_norm *norm)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, statistics);
    nas__push_tensor(&arguments, call->gamma);
    nas__push_tensor(&arguments, call->beta);
    nas__push_tensor(&arguments, call->running_mean);
    nas__push_tensor(&arguments, call->running_variance);
    push_norm(&arguments, norm);
    nas__push_tensor(&arguments, call->step);
    push_parts(&arguments, call, parts);
    nas__push_int(&arguments, call->gamma.buffer != NULL);
    nas__push_int(&arguments, call->running_mean.buffer != NULL);
    nas__push_float(&arguments, call->epsilon);
    nas__push_float(&arguments, call->momentum);
    return launch(tape, "batch_norm_finish", call->channels, &arguments);
}

nas_status nas_norm_frozen(nas_tape *tape, const nas_norm_call *call, const nas_norm *norm)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->gamma);
    nas__push_tensor(&arguments, call->beta);
    nas__push_tensor(&arguments, call->running_mean);
    nas__push_tensor(&arguments, call->running_variance);
    push_norm(&arguments, norm);
    nas__push_int(&arguments, call->gamma.buffer != NULL);
    nas__push_int(&arguments, call->running_mean.buffer != NULL);
    nas__push_float(&arguments, call->epsilon);
    return launch(tape, "batch_norm_frozen", call->channels, &arguments);
}

nas_status nas_norm_backward(nas_tape *tape, const nas_norm_call *call, nas_tensor reductions,
                             int parts, const nas_norm *norm)
{
    const int tells = (call->gamma_gradient.buffer ? 1 : 0) | (call->beta_gradient.buffer ? 2 : 0) |
                      (call->gate.buffer ? 4 : 0);
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, reductions);
    nas__push_tensor(&arguments, call->gamma);
    nas__push_tensor(&arguments, norm->mean);
    nas__push_tensor(&arguments, norm->rstd);
    nas__push_tensor(&arguments, call->gate);
    nas__push_tensor(&arguments, norm->coefficients);
    nas__push_tensor(&arguments, call->gamma_gradient);
    nas__push_tensor(&arguments, call->beta_gradient);
    push_parts(&arguments, call, parts);
    nas__push_int(&arguments, call->channels);
    nas__push_int(&arguments, call->gamma.buffer != NULL);
    nas__push_int(&arguments, tells);
    nas__push_float(&arguments, (float)call->count);
    return launch(tape, "batch_norm_backward", call->channels, &arguments);
}

/* ---- on its own, as tests and a plain plan run it: everything through passes ---- */

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    const uint64_t channels = (uint64_t)call->in_shape[0].c;
    sizes->scratch = 3 * channels * (uint64_t)nas_pass_parts(call->in_shape[0], call->n);
    sizes->saved = 7 * channels; /* scale, shift, mean, rstd, coefficients */
}

static nas_norm norm_in(nas_tensor saved, int channels)
{
    const uint64_t c = (uint64_t)channels;
    return (nas_norm){
        .scale = nas_tensor_view(saved, 0, c),
        .shift = nas_tensor_view(saved, c, c),
        .mean = nas_tensor_view(saved, 2 * c, c),
        .rstd = nas_tensor_view(saved, 3 * c, c),
        .coefficients = nas_tensor_view(saved, 4 * c, 3 * c),
    };
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->in_shape[0];
    const nas_norm norm = norm_in(call->saved, shape.c);
    nas_norm_call norm_call;
    nas_norm_call_make(call, &norm_call);
    if (call->training || !norm_call.running_mean.buffer) { /* nothing kept: the batch's own */
        NAS_TRY(
            nas_pass_statistics(tape, call->in[0].x, shape, call->n, call->real, call->scratch));
        NAS_TRY(nas_norm_finish(tape, &norm_call, call->scratch, nas_pass_parts(shape, call->n),
                                &norm));
    } else {
        NAS_TRY(nas_norm_frozen(tape, &norm_call, &norm));
    }
    const nas_read read = {.x = call->in[0].x, .scale = norm.scale, .shift = norm.shift};
    return nas_pass_materialise(tape, &read, shape, call->n, call->out);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->in_shape[0];
    const nas_norm norm = norm_in(call->saved, shape.c);
    const nas_tensor g = call->out_gradient.g, z = call->in[0].x;
    nas_norm_call norm_call;
    nas_norm_call_make(call, &norm_call);
    NAS_TRY(nas_pass_reduce(tape, g, z, norm.mean, shape, call->n, call->real, call->scratch));
    NAS_TRY(
        nas_norm_backward(tape, &norm_call, call->scratch, nas_pass_parts(shape, call->n), &norm));
    const nas_gradient gradient = {.g = g, .z = z, .coefficients = norm.coefficients};
    if (!call->into[0].g.buffer)
        return NAS_OK;
    return nas_pass_form(tape, &gradient, shape, call->n, call->real, call->into[0].g);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    const batch_norm_options *o = options;
    if (!o->running)
        NAS_FAIL(NAS_CONFIG,
                 "batch_norm: without running statistics it means nothing for single samples");
    layer->kind = NAS_LAYER_NORM;
    layer->epsilon = o->epsilon;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 7, 5}}},
    {"affine = false", 19, 1, {{1, 3, 3}}},
    {"running = false; epsilon = 1e-3", 33, 1, {{7, 9, 11}}},
    {"affine = false; running = false", 64, 1, {{2, 33, 32}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "batch_norm.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "batch_norm.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_batch_norm = {
    .kind = {"batch_norm", "normalise each channel over the batch", "arXiv 1502.03167",
             sizeof(batch_norm_options), option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .view = NAS_VIEW_NORM,
    .channels = NAS_CHANNELS_KEPT,
    .infer = infer,
    .parameters = parameters,
    .cost = cost,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

/* Mean and biased variance of channel c, two passes. */
static void NAS_REFERENCE(moments)(const NAS_REAL *z, size_t size, NAS_REAL *mean,
                                   NAS_REAL *variance)
{
    NAS_REAL sum = 0, square = 0;
    for (size_t i = 0; i < size; i++)
        sum += z[i];
    *mean = sum / (NAS_REAL)size;
    for (size_t i = 0; i < size; i++)
        square += (z[i] - *mean) * (z[i] - *mean);
    *variance = square / (NAS_REAL)size;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const batch_norm_options *o = call->options;
    const nas_shape shape = call->in_shape[0];
    const size_t size = (size_t)shape.h * (size_t)shape.w * (size_t)call->n;
    const NAS_REAL *gamma = call->parameters[GAMMA], *beta = call->parameters[BETA];
    NAS_REAL *running_mean = call->parameters[RUNNING_MEAN];
    NAS_REAL *running_variance = call->parameters[RUNNING_VARIANCE];
    for (int c = 0; c < shape.c; c++) {
        const NAS_REAL *z = (const NAS_REAL *)call->in[0] + (size_t)c * size;
        NAS_REAL *y = (NAS_REAL *)call->out + (size_t)c * size;
        NAS_REAL mean = running_mean ? running_mean[c] : 0;
        NAS_REAL variance = running_variance ? running_variance[c] : 1;
        if (call->training || !running_mean) /* nothing kept: the batch's own, as PyTorch has it */
            NAS_REFERENCE(moments)(z, size, &mean, &variance);
        if (call->training && running_mean) {
            const float given = call->step.norm_momentum;
            const NAS_REAL rate = given > 0 ? (NAS_REAL)given : (NAS_REAL)o->momentum;
            const NAS_REAL unbiased =
                variance * (NAS_REAL)size / (NAS_REAL)(size > 1 ? size - 1 : 1);
            running_mean[c] += rate * (mean - running_mean[c]);
            running_variance[c] += rate * (unbiased - running_variance[c]);
        }
        const NAS_REAL r = 1 / (NAS_REAL)sqrt((double)(variance + (NAS_REAL)o->epsilon));
        for (size_t i = 0; i < size; i++)
            y[i] = (gamma ? gamma[c] : 1) * (z[i] - mean) * r + (beta ? beta[c] : 0);
    }
}

/* dz = γ·r·(g − mean(g) − ẑ·mean(g·ẑ)), the textbook form, on purpose not the kernels' a·G + b·z + d. */
static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const batch_norm_options *o = call->options;
    const nas_shape shape = call->in_shape[0];
    const size_t size = (size_t)shape.h * (size_t)shape.w * (size_t)call->n;
    const NAS_REAL *gamma = call->parameters[GAMMA];
    for (int c = 0; c < shape.c; c++) {
        const NAS_REAL *z = (const NAS_REAL *)call->in[0] + (size_t)c * size;
        const NAS_REAL *g = (const NAS_REAL *)call->out_gradient + (size_t)c * size;
        NAS_REAL mean, variance, sum = 0, product = 0;
        NAS_REFERENCE(moments)(z, size, &mean, &variance);
        const NAS_REAL r = 1 / (NAS_REAL)sqrt((double)(variance + (NAS_REAL)o->epsilon));
        for (size_t i = 0; i < size; i++) {
            sum += g[i];
            product += g[i] * (z[i] - mean) * r;
        }
        if (call->parameter_gradients[GAMMA])
            ((NAS_REAL *)call->parameter_gradients[GAMMA])[c] += product;
        if (call->parameter_gradients[BETA])
            ((NAS_REAL *)call->parameter_gradients[BETA])[c] += sum;
        if (!call->in_gradients[0])
            continue;
        NAS_REAL *dz = (NAS_REAL *)call->in_gradients[0] + (size_t)c * size;
        for (size_t i = 0; i < size; i++)
            dz[i] += (gamma ? gamma[c] : 1) * r *
                     (g[i] - sum / (NAS_REAL)size - (z[i] - mean) * r * product / (NAS_REAL)size);
    }
}

#endif
