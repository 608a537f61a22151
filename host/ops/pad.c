/* pad.c - a border of a constant, on each side as wide as is said, or cut off where it is less than 0.
 *
 *     y[c, h, w] = x[c − before₀, h − before₁, w − before₂], value outside        output: in + before + after on each axis
 *
 * Convolutions and pools pad alike on both sides; other frameworks' models do not.  Cutting is padding by less than nothing, so
 * that one operator serves both.  Kernels: cl/rearrange.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "rearrange.h"
#include "reference.h"

typedef struct pad_options {
    nas_int_list before, after; /* [channels, height, width] */
    double value;
} pad_options;

static const nas_option option_table[] = {
    {"before", NAS_OPTION_INT_LIST, offsetof(pad_options, before), "[0, 0, 0]", -1048576, 1048576,
     NULL, "added in front: [channels, rows, columns]; less than 0: cut off"},
    {"after", NAS_OPTION_INT_LIST, offsetof(pad_options, after), "[0, 0, 0]", -1048576, 1048576,
     NULL, "added behind, the same"},
    {"value", NAS_OPTION_REAL, offsetof(pad_options, value), "0", -3.4e38, 3.4e38, NULL,
     "what is added"},
    {.name = NULL},
};

static int before_of(const void *options, int axis)
{
    return (int)((const pad_options *)options)->before.item[axis];
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const pad_options *o = options;
    const int sides[3] = {in[0].c, in[0].h, in[0].w};
    int64_t padded[3];
    (void)count;
    if (o->before.count != 3 || o->after.count != 3)
        NAS_FAIL(NAS_SHAPE, "pad: before and after take three numbers, not %d and %d",
                 o->before.count, o->after.count);
    for (int k = 0; k < 3; k++) {
        padded[k] = sides[k] + o->before.item[k] + o->after.item[k];
        if (padded[k] < 1 || padded[k] > INT32_MAX || -o->before.item[k] >= sides[k] ||
            -o->after.item[k] >= sides[k])
            NAS_FAIL(NAS_SHAPE, "pad: %lld and %lld leave nothing of %d on axis %d",
                     (long long)o->before.item[k], (long long)o->after.item[k], sides[k], k);
    }
    *out = (nas_shape){(int)padded[0], (int)padded[1], (int)padded[2]};
    return NAS_OK;
}

/* Of `own` pixels those that are `shift` pixels away from a pixel of `other`. */
static nas__walk shifted(const void *options, nas_shape own, nas_shape other, int sign)
{
    const nas__walk there = nas__walk_plain(other);
    nas__walk walk = nas__walk_plain(own);
    for (int k = 0; k < 3; k++) {
        const int shift = sign * before_of(options, k);
        walk.step[k] = there.step[k];
        walk.base += shift * there.step[k];
        walk.low[k] = -shift;
        walk.high[k] = there.high[k] - shift;
    }
    return walk;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const pad_options *o = call->options;
    return nas__rearrange_forward(call, shifted(o, call->out_shape, call->in_shape[0], -1),
                                  (float)o->value, tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    return nas__rearrange_backward(
        call, shifted(call->options, call->in_shape[0], call->out_shape, 1), tape);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    const pad_options *o = options;
    (void)in;
    layer->kind = NAS_LAYER_PAD;
    for (int k = 0; k < 3; k++) {
        layer->before[k] = (int)o->before.item[k];
        layer->after[k] = (int)o->after.item[k];
    }
    layer->a = (float)o->value;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"before = [0, 1, 2]; after = [0, 2, 0]", 5, 1, {{3, 5, 4}}},
    {"before = [1, 0, 0]; after = [2, 1, 1]; value = 0.5", 19, 1, {{2, 3, 7}}},
    {"before = [-1, 0, -2]; after = [0, -1, 3]; value = -2", 33, 1, {{3, 4, 9}}},
    {"after = [0, 16, 17]", 1, 1, {{1, 17, 16}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "pad.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "pad.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_pad = {
    .kind = {"pad", "a border of a constant, or one cut off", NULL, sizeof(pad_options),
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
    const pad_options *o = call->options;
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int n = 0; n < call->n; n++) {
                    const int ic = c - before_of(o, 0), ih = h - before_of(o, 1),
                              iw = w - before_of(o, 2);
                    const bool inside =
                        ic >= 0 && ic < in.c && ih >= 0 && ih < in.h && iw >= 0 && iw < in.w;
                    const size_t to = nas__at(out, call->n, c, h, w, n);
                    if (y)
                        y[to] =
                            inside ? x[nas__at(in, call->n, ic, ih, iw, n)] : (NAS_REAL)o->value;
                    else if (inside)
                        dx[nas__at(in, call->n, ic, ih, iw, n)] += dy[to];
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
