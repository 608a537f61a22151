/* conv2d.c - two-dimensional convolution: any kernel, stride, padding, dilation and number of groups.
 *
 *     z[k, y, x] = bias[k] + Σ_c Σ_r Σ_s  w[k, c, r, s] · a[c', y·stride + r·dilation − pad_h, x·stride + s·dilation − pad_w]
 *
 * c runs over the in/groups input channels of k's group.  Weights are O-(I/groups)-H-W.  This file holds the options, the
 * shapes and the plain reference; host/ops/convolution.c chooses the kernels, cl/conv2d_plain.cl is the simplest of them.
 */
#ifndef NAS_REAL
#include "convolution.h"
#include "op.h"
#include "reference.h"

typedef struct conv2d_options {
    int64_t out, kernel, kernel_h, kernel_w, stride, padding, padding_h, padding_w, dilation,
        groups;
    bool bias;
} conv2d_options;

#define FIELD(name) offsetof(conv2d_options, name)
static const nas_option option_table[] = {
    {"out", NAS_OPTION_INT, FIELD(out), "0", 0, 65536, NULL,
     "output channels; 0: as many as the input has"},
    {"kernel", NAS_OPTION_INT, FIELD(kernel), "3", 1, 255, NULL, "height and width of the kernel"},
    {"kernel_h", NAS_OPTION_INT, FIELD(kernel_h), "0", 0, 255, NULL,
     "its height where it differs; 0: kernel"},
    {"kernel_w", NAS_OPTION_INT, FIELD(kernel_w), "0", 0, 255, NULL,
     "its width where it differs; 0: kernel"},
    {"stride", NAS_OPTION_INT, FIELD(stride), "1", 1, 16, NULL,
     "pixels from one output to the next"},
    {"padding", NAS_OPTION_INT, FIELD(padding), "-1", -1, 4096, NULL,
     "zeros on each side; -1: \"same\", dilation·(kernel − 1)/2"},
    {"padding_h", NAS_OPTION_INT, FIELD(padding_h), "-2", -2, 4096, NULL,
     "above and below; -2: padding"},
    {"padding_w", NAS_OPTION_INT, FIELD(padding_w), "-2", -2, 4096, NULL,
     "left and right; -2: padding"},
    {"dilation", NAS_OPTION_INT, FIELD(dilation), "1", 1, 64, NULL, "pixels between taps"},
    {"groups", NAS_OPTION_INT, FIELD(groups), "1", 0, 65536, NULL,
     "parts of the channels that do not mix; 0: depthwise, one per input channel"},
    {"bias", NAS_OPTION_BOOL, FIELD(bias), "false", 0, 0, NULL,
     "add a trained constant per output channel"},
    {.name = NULL},
};
#undef FIELD

static int padding_of(int64_t own, int64_t common, int64_t dilation, int64_t kernel)
{
    int64_t padding = own == -2 ? common : own;
    return (int)(padding < 0 ? dilation * (kernel - 1) / 2 : padding);
}

static nas__convolution convolution_of(const void *options, nas_shape in)
{
    const conv2d_options *o = options;
    nas__convolution c = {.in = in,
                          .plane = 1,
                          .stride = (int)o->stride,
                          .dilation = (int)o->dilation,
                          .bias = o->bias};
    c.kernel_h = (int)(o->kernel_h ? o->kernel_h : o->kernel);
    c.kernel_w = (int)(o->kernel_w ? o->kernel_w : o->kernel);
    c.pad_h = padding_of(o->padding_h, o->padding, o->dilation, c.kernel_h);
    c.pad_w = padding_of(o->padding_w, o->padding, o->dilation, c.kernel_w);
    c.groups = o->groups ? (int)o->groups : in.c;
    c.out.c = o->out ? (int)o->out : in.c;
    c.out.h = in.h + 2 * c.pad_h - c.dilation * (c.kernel_h - 1) - 1;
    c.out.w = in.w + 2 * c.pad_w - c.dilation * (c.kernel_w - 1) - 1;
    c.out.h = c.out.h < 0 ? 0 : c.out.h / c.stride + 1;
    c.out.w = c.out.w < 0 ? 0 : c.out.w / c.stride + 1;
    return c;
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)count;
    nas__convolution c = convolution_of(options, in[0]);
    if (c.in.c % c.groups != 0 || c.out.c % c.groups != 0)
        NAS_FAIL(NAS_SHAPE, "conv2d: %d input and %d output channels do not divide into %d groups",
                 c.in.c, c.out.c, c.groups);
    if (c.out.h < 1 || c.out.w < 1)
        NAS_FAIL(
            NAS_SHAPE,
            "conv2d: a %dx%d kernel with dilation %d does not fit %dx%d pixels with padding %d, %d",
            c.kernel_h, c.kernel_w, c.dilation, c.in.h, c.in.w, c.pad_h, c.pad_w);
    *out = c.out;
    return NAS_OK;
}

static int parameters(const void *options, const nas_shape *in, int count,
                      nas_parameter out[NAS_OP_PARAMETERS])
{
    (void)count;
    nas__convolution c = convolution_of(options, in[0]);
    int inside = c.in.c / c.groups, taps = c.kernel_h * c.kernel_w;
    out[0] = (nas_parameter){.name = "weight",
                             .rank = 4,
                             .dims = {c.out.c, inside, c.kernel_h, c.kernel_w},
                             .init = NAS_INIT_HE,
                             .fan_in = inside * taps,
                             .fan_out = c.out.c / c.groups * taps,
                             .trained = true,
                             .decayed = true};
    if (!c.bias)
        return 1;
    out[1] = (nas_parameter){
        .name = "bias", .rank = 1, .dims = {c.out.c}, .init = NAS_INIT_ZERO, .trained = true};
    return 2;
}

static void cost(const void *options, const nas_shape *in, int count, nas_shape out, nas_cost *cost)
{
    (void)count;
    nas__convolution c = convolution_of(options, in[0]);
    uint64_t weights =
        (uint64_t)c.out.c * (uint64_t)(c.in.c / c.groups) * (uint64_t)(c.kernel_h * c.kernel_w);
    cost->parameters = weights + (c.bias ? (uint64_t)c.out.c : 0);
    cost->macs = weights * (uint64_t)out.h * (uint64_t)out.w;
    cost->bytes = 4 * nas_shape_count(out);
}

/* Depthwise. */
static bool cheap(const void *options, const nas_shape *in, int count)
{
    (void)count;
    nas__convolution c = convolution_of(options, in[0]);
    return c.in.c > 1 && c.groups == c.in.c && c.out.c == c.in.c;
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    nas__convolution c = convolution_of(call->options, call->in_shape[0]);
    nas__convolution_sizes(&c, call, sizes);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas__convolution c = convolution_of(call->options, call->in_shape[0]);
    return nas__convolution_forward(&c, call, tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    nas__convolution c = convolution_of(call->options, call->in_shape[0]);
    return nas__convolution_backward(&c, call, tape);
}

static int candidates(const nas_op_call *call, nas_op_pass pass, bool inexact, nas_tuning_row *rows,
                      int most)
{
    nas__convolution c = convolution_of(call->options, call->in_shape[0]);
    return nas__convolution_candidates(&c, call, pass, inexact, rows, most);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    const nas__convolution c = convolution_of(options, in[0]);
    layer->kind = NAS_LAYER_CONVOLUTION;
    layer->kernel[0] = c.kernel_h, layer->kernel[1] = c.kernel_w;
    layer->stride[0] = layer->stride[1] = c.stride;
    layer->padding[0] = c.pad_h, layer->padding[1] = c.pad_w;
    layer->dilation = c.dilation;
    layer->groups = c.groups;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"out = 5", 19, 1, {{3, 7, 6}}},                             /* nothing divides */
    {"out = 16; bias = true", 16, 1, {{1, 9, 9}}},               /* one channel */
    {"out = 8; stride = 2", 5, 1, {{4, 9, 7}}},                  /* odd height, stride */
    {"out = 6; stride = 2", 3, 1, {{5, 8, 8}}},                  /* even, stride */
    {"out = 9; dilation = 2", 1, 1, {{6, 11, 5}}},               /* dilation */
    {"out = 12; groups = 3; bias = true", 4, 1, {{6, 5, 5}}},    /* groups */
    {"out = 10; kernel = 1", 19, 1, {{7, 5, 3}}},                /* 1×1, padded lanes */
    {"out = 66; kernel = 1; bias = true", 32, 1, {{35, 3, 5}}},  /* 1×1, flat */
    {"out = 7; kernel = 1; stride = 2", 16, 1, {{9, 7, 7}}},     /* 1×1, stride */
    {"out = 20; kernel = 1", 2, 1, {{70, 1, 1}}},                /* one pixel */
    {"out = 4; kernel = 5", 17, 1, {{18, 6, 9}}},                /* 5×5 */
    {"out = 5; kernel = 5; stride = 2", 2, 1, {{3, 10, 9}}},     /* 5×5, stride */
    {"out = 8; kernel = 7; stride = 2", 2, 1, {{3, 17, 15}}},    /* a stem */
    {"out = 3; kernel_h = 1; kernel_w = 7", 16, 1, {{4, 3, 9}}}, /* 1×k */
    {"out = 3; kernel_h = 5; kernel_w = 1; padding = 0", 5, 1, {{2, 9, 3}}}, /* k×1, no padding */
    {"out = 4; kernel = 3; padding = 3", 3, 1, {{2, 4, 4}}},    /* more padding than kernel */
    {"out = 70; stride = 2; dilation = 2", 8, 1, {{33, 7, 5}}}, /* several channel blocks */
    {"out = 2; kernel = 3; padding = 0; stride = 3", 4, 1, {{3, 11, 12}}}, /* pixels no tap meets */
    {"groups = 0", 19, 1, {{5, 9, 7}}},                                    /* depthwise 3×3 */
    {"groups = 0; stride = 2; bias = true", 16, 1, {{3, 9, 35}}},
    {"groups = 0; stride = 2", 3, 1, {{2, 8, 8}}},
    {"groups = 0; kernel = 5; stride = 2; dilation = 2", 5, 1, {{4, 19, 11}}},
    {"groups = 0; kernel = 5", 1, 1, {{6, 12, 40}}},
    {"groups = 0; dilation = 2", 33, 1, {{1, 17, 6}}},
    {"out = 8; groups = 4", 4, 1, {{4, 5, 6}}},   /* two filters per channel */
    {"out = 2; kernel = 9", 3, 1, {{2, 10, 10}}}, /* larger than the tiles go */
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "conv2d.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "conv2d.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_conv2d = {
    .kind = {.name = "conv2d",
             .summary = "two-dimensional convolution: any kernel, stride, dilation, groups",
             .instance_size = sizeof(conv2d_options),
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
    .cheap = cheap,
    .forward = forward,
    .backward = backward,
    .candidates = candidates,
    .reference_forward = {reference_forward_float, reference_forward_double},
    .reference_backward = {reference_backward_float, reference_backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* ---- the reference: the formula, one multiplication at a time ---- */

/* Calls `visit` for every (z, x, w) triple that is multiplied: indices of output, input and weight for sample 0. */
typedef void (*NAS_REFERENCE(visitor))(const nas_reference_call *call, size_t z, size_t x,
                                       size_t w);

static void NAS_REFERENCE(visit_all)(const nas_reference_call *call, NAS_REFERENCE(visitor) visit)
{
    nas__convolution v = convolution_of(call->options, call->in_shape[0]);
    int inside = v.in.c / v.groups, outside = v.out.c / v.groups;
    for (int k = 0; k < v.out.c; k++)
        for (int y = 0; y < v.out.h; y++)
            for (int x = 0; x < v.out.w; x++)
                for (int c = 0; c < inside; c++)
                    for (int r = 0; r < v.kernel_h; r++)
                        for (int s = 0; s < v.kernel_w; s++) {
                            int row = y * v.stride + r * v.dilation - v.pad_h;
                            int column = x * v.stride + s * v.dilation - v.pad_w;
                            if (row < 0 || row >= v.in.h || column < 0 || column >= v.in.w)
                                continue;
                            int from = k / outside * inside + c;
                            size_t w =
                                (((size_t)k * (size_t)inside + (size_t)c) * (size_t)v.kernel_h +
                                 (size_t)r) *
                                    (size_t)v.kernel_w +
                                (size_t)s;
                            visit(call, nas__at(v.out, call->n, k, y, x, 0),
                                  nas__at(v.in, call->n, from, row, column, 0), w);
                        }
}

static void NAS_REFERENCE(visit_forward)(const nas_reference_call *call, size_t z, size_t x,
                                         size_t w)
{
    const NAS_REAL *weight = call->parameters[0], *in = call->in[0];
    NAS_REAL *out = call->out;
    for (int i = 0; i < call->n; i++)
        out[z + (size_t)i] += weight[w] * in[x + (size_t)i];
}

static void NAS_REFERENCE(visit_backward)(const nas_reference_call *call, size_t z, size_t x,
                                          size_t w)
{
    const NAS_REAL *weight = call->parameters[0], *in = call->in[0], *dz = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0], *dw = call->parameter_gradients[0];
    for (int i = 0; i < call->n; i++) {
        if (dx)
            dx[x + (size_t)i] += weight[w] * dz[z + (size_t)i];
        if (dw)
            dw[w] += in[x + (size_t)i] * dz[z + (size_t)i];
    }
}

static void NAS_REFERENCE(reference_forward)(const nas_reference_call *call)
{
    nas__convolution c = convolution_of(call->options, call->in_shape[0]);
    const NAS_REAL *bias = c.bias ? call->parameters[1] : NULL;
    NAS_REAL *out = call->out;
    size_t size = (size_t)c.out.h * (size_t)c.out.w * (size_t)call->n;
    for (size_t i = 0; i < (size_t)c.out.c * size; i++)
        out[i] = bias ? bias[i / size] : 0;
    NAS_REFERENCE(visit_all)(call, NAS_REFERENCE(visit_forward));
}

static void NAS_REFERENCE(reference_backward)(const nas_reference_call *call)
{
    nas__convolution c = convolution_of(call->options, call->in_shape[0]);
    const NAS_REAL *dz = call->out_gradient;
    NAS_REAL *db = c.bias ? call->parameter_gradients[1] : NULL;
    size_t size = (size_t)c.out.h * (size_t)c.out.w * (size_t)call->n;
    for (size_t i = 0; db && i < (size_t)c.out.c * size; i++)
        db[i / size] += dz[i];
    NAS_REFERENCE(visit_all)(call, NAS_REFERENCE(visit_backward));
}
#endif
