/* dense.c - a fully connected layer: z[o] = bias[o] + Σ_f w[o, f] · a[f].
 *
 * The features f of a c × h × w input are its values in PyTorch's order, (c·h + y)·w + x, which is the order of rows in CHWN:
 * nothing is flattened or copied.  With the batch innermost this is the matrix product (out × features)·(features × n), that
 * is a 1×1 convolution over an image of one pixel, and convolution.c records it as one.
 */
#ifndef NAS_REAL
#include "convolution.h"
#include "op.h"
#include "reference.h"

typedef struct dense_options {
    int64_t out;
    bool bias;
} dense_options;

static const nas_option option_table[] = {
    {"out", NAS_OPTION_INT, offsetof(dense_options, out), NULL, 1, 1048576, NULL,
     "output features"},
    {"bias", NAS_OPTION_BOOL, offsetof(dense_options, bias), "true", 0, 0, NULL,
     "add a trained constant per output feature"},
    {.name = NULL},
};

static int features_of(nas_shape in)
{
    return (int)nas_shape_count(in);
}

static nas__convolution convolution_of(const nas_op_call *call)
{
    const dense_options *o = call->options;
    return (nas__convolution){.in = {features_of(call->in_shape[0]), 1, 1},
                              .out = {(int)o->out, 1, 1},
                              .kernel_h = 1,
                              .kernel_w = 1,
                              .stride = 1,
                              .dilation = 1,
                              .groups = 1,
                              .plane = call->in_shape[0].h * call->in_shape[0].w,
                              .bias = o->bias};
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)in, (void)count;
    *out = (nas_shape){(int)((const dense_options *)options)->out, 1, 1};
    return NAS_OK;
}

static int parameters(const void *options, const nas_shape *in, int count,
                      nas_parameter out[NAS_OP_PARAMETERS])
{
    (void)count;
    const dense_options *o = options;
    int features = features_of(in[0]);
    out[0] = (nas_parameter){.name = "weight",
                             .rank = 2,
                             .dims = {(int)o->out, features},
                             .init = NAS_INIT_HE,
                             .fan_in = features,
                             .fan_out = (int)o->out,
                             .trained = true,
                             .decayed = true};
    out[1] = (nas_parameter){
        .name = "bias", .rank = 1, .dims = {(int)o->out}, .init = NAS_INIT_ZERO, .trained = true};
    return o->bias ? 2 : 1;
}

static void cost(const void *options, const nas_shape *in, int count, nas_shape out, nas_cost *cost)
{
    (void)count;
    const dense_options *o = options;
    cost->macs = nas_shape_count(in[0]) * nas_shape_count(out);
    cost->parameters = cost->macs + (o->bias ? (uint64_t)out.c : 0);
    cost->bytes = 4 * nas_shape_count(out);
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    nas__convolution c = convolution_of(call);
    nas__convolution_sizes(&c, call, sizes);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas__convolution c = convolution_of(call);
    return nas__convolution_forward(&c, call, tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    nas__convolution c = convolution_of(call);
    return nas__convolution_backward(&c, call, tape);
}

static int candidates(const nas_op_call *call, nas_op_pass pass, bool inexact, nas_tuning_row *rows,
                      int most)
{
    nas__convolution c = convolution_of(call);
    return nas__convolution_candidates(&c, call, pass, inexact, rows, most);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_DENSE;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"out = 10", 19, 1, {{7, 1, 1}}},
    {"out = 10", 32, 1, {{64, 1, 1}}},
    {"out = 3; bias = false", 1, 1, {{5, 3, 2}}}, /* an image, flattened */
    {"out = 70", 16, 1, {{9, 4, 4}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "dense.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "dense.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_dense = {
    .kind = {.name = "dense",
             .summary = "fully connected layer",
             .instance_size = sizeof(dense_options),
             .options = option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .channels = NAS_CHANNELS_MIXED,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .parameters = parameters,
    .cost = cost,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .candidates = candidates,
    .reference_forward = {reference_forward_float, reference_forward_double},
    .reference_backward = {reference_backward_float, reference_backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* ---- the reference ---- */

static void NAS_REFERENCE(reference_forward)(const nas_reference_call *call)
{
    const dense_options *o = call->options;
    size_t features = (size_t)features_of(call->in_shape[0]), n = (size_t)call->n;
    const NAS_REAL *weight = call->parameters[0], *bias = call->parameters[1], *in = call->in[0];
    NAS_REAL *out = call->out;
    for (size_t k = 0; k < (size_t)o->out; k++)
        for (size_t i = 0; i < n; i++) {
            NAS_REAL sum = o->bias ? bias[k] : 0;
            for (size_t f = 0; f < features; f++)
                sum += weight[k * features + f] * in[f * n + i];
            out[k * n + i] = sum;
        }
}

static void NAS_REFERENCE(reference_backward)(const nas_reference_call *call)
{
    const dense_options *o = call->options;
    size_t features = (size_t)features_of(call->in_shape[0]), n = (size_t)call->n;
    const NAS_REAL *weight = call->parameters[0], *in = call->in[0], *dz = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0], *dw = call->parameter_gradients[0];
    NAS_REAL *db = o->bias ? call->parameter_gradients[1] : NULL;
    for (size_t k = 0; k < (size_t)o->out; k++)
        for (size_t i = 0; i < n; i++) {
            NAS_REAL d = dz[k * n + i];
            if (db)
                db[k] += d;
            for (size_t f = 0; f < features; f++) {
                if (dx)
                    dx[f * n + i] += weight[k * features + f] * d;
                if (dw)
                    dw[k * features + f] += in[f * n + i] * d;
            }
        }
}
#endif
