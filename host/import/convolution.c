/* convolution.c - Conv, the pools and BatchNormalization.
 *
 * The engine's windows have the same border on both sides.  Where a model's have not, a convolution gets its border from a `pad`
 * before it.  A pool gets a border as wide as the wider side, wider still by whole strides so that windows begin where they
 * should, and what the additional windows gave is cut off: that keeps the border out of an average's divisor, too.
 *
 * One axis beside the channels is an image of one row. */
#include "importing.h"

#include <stdio.h>
#include <string.h>

/* What Conv and the pools have in common; of one row the first of each pair is of no effect. */
typedef struct window {
    int kernel[2], stride[2], dilation[2], begin[2], end[2];
    int side[2]; /* of the input */
    bool ceil;
} window;

/* The first input, whose first axis of a sample is its channels. */
static nas_status need_channels(nas__importing *i, nas__value **x)
{
    if (i->options.whole)
        NAS__REFUSE(i, NAS_CONFIG, "it works by channels, and the whole input is one sample");
    return nas__need_node(i, 0, x);
}

/* Numbers of an attribute, one for each axis, within bounds. */
static nas_status read_pair(nas__importing *i, const char *name, int axes, int64_t usual,
                            int64_t least, int64_t most, int pair[2])
{
    const int64_t *list;
    int count;
    NAS_TRY(nas__ints_attribute(i, name, &list, &count));
    if (list && count != axes)
        NAS__REFUSE(i, NAS_DATA, "%s has %d numbers for %d axes", name, count, axes);
    pair[0] = 1;
    for (int k = 0; k < axes; k++) {
        const int64_t value = list ? list[k] : usual;
        if (value < least || value > most)
            NAS__REFUSE(i, NAS_CONFIG, "%s is %lld; %lld to %lld is supported", name,
                        (long long)value, (long long)least, (long long)most);
        pair[2 - axes + k] = (int)value;
    }
    return NAS_OK;
}

static int reach(const window *w, int k)
{
    return w->dilation[k] * (w->kernel[k] - 1) + 1;
}

static void pad_same(window *w, bool more_behind)
{
    for (int k = 0; k < 2; k++) {
        const int outputs = (w->side[k] + w->stride[k] - 1) / w->stride[k];
        const int missing = (outputs - 1) * w->stride[k] + reach(w, k) - w->side[k];
        const int total = missing > 0 ? missing : 0;
        w->begin[k] = more_behind ? total / 2 : total - total / 2;
        w->end[k] = total - w->begin[k];
    }
}

static nas_status read_borders(nas__importing *i, int axes, window *w)
{
    const int64_t *list;
    int count;
    char automatic[32];
    NAS_TRY(nas__text_attribute(i, "auto_pad", "NOTSET", automatic));
    NAS_TRY(nas__ints_attribute(i, "pads", &list, &count));
    if (strcmp(automatic, "SAME_UPPER") == 0 || strcmp(automatic, "SAME_LOWER") == 0) {
        pad_same(w, strcmp(automatic, "SAME_UPPER") == 0);
        return NAS_OK;
    }
    if (strcmp(automatic, "VALID") == 0)
        return NAS_OK;
    if (strcmp(automatic, "NOTSET") != 0)
        NAS__REFUSE(i, NAS_DATA, "auto_pad has no value %s", automatic);
    if (list && count != 2 * axes)
        NAS__REFUSE(i, NAS_DATA, "pads has %d numbers for %d axes", count, axes);
    for (int k = 0; list && k < axes; k++) {
        if (list[k] < 0 || list[axes + k] < 0 || list[k] > 4096 || list[axes + k] > 4096)
            NAS__REFUSE(i, NAS_CONFIG, "pads of 0 to 4096 are supported");
        w->begin[2 - axes + k] = (int)list[k];
        w->end[2 - axes + k] = (int)list[axes + k];
    }
    return NAS_OK;
}

/* x as an image, and the window over it. */
static nas_status read_window(nas__importing *i, const nas__value *x, const int kernel[2],
                              window *w)
{
    const int axes = x->axes.rank - 1;
    const nas_shape shape = nas__image_of(&x->axes);
    if (axes != 1 && axes != 2)
        NAS__REFUSE(i, NAS_CONFIG, "%d axes beside batch and channels; one or two are supported",
                    axes);
    *w = (window){.side = {shape.h, shape.w}};
    if (kernel)
        memcpy(w->kernel, kernel, sizeof w->kernel);
    else if (!nas__has_attribute(i, "kernel_shape"))
        NAS__REFUSE(i, NAS_DATA, "it has no kernel_shape");
    else
        NAS_TRY(read_pair(i, "kernel_shape", axes, 1, 1, 65536, w->kernel));
    NAS_TRY(read_pair(i, "strides", axes, 1, 1, 65536, w->stride));
    NAS_TRY(read_pair(i, "dilations", axes, 1, 1, 4096, w->dilation));
    return read_borders(i, axes, w);
}

static nas__axes axes_as(const nas__value *x, nas_shape shape)
{
    nas__axes axes = {x->axes.rank, {shape.c, shape.h, shape.w}};
    if (axes.rank == 2)
        axes.length[1] = shape.w;
    return axes;
}

/* ---- Conv ------------------------------------------------------------------------------------------------------ */

/* A dilation serves both axes, unless one has a single tap. */
static nas_status common_dilation(const nas__importing *i, const window *w, int *dilation)
{
    *dilation = w->kernel[0] > 1 ? w->dilation[0] : w->dilation[1];
    if (w->kernel[0] > 1 && w->kernel[1] > 1 && w->dilation[0] != w->dilation[1])
        NAS__REFUSE(i, NAS_CONFIG, "dilations %d and %d; the engine has one for both axes",
                    w->dilation[0], w->dilation[1]);
    return NAS_OK;
}

static int outputs_of(const window *w, int k, int begin, int end)
{
    return (w->side[k] + begin + end - reach(w, k)) / w->stride[k] + 1;
}

/* The stride of the convolution, and that of a subsample behind it where the axes differ. */
static int common_stride(const window *w, int step[2])
{
    const bool one[2] = {outputs_of(w, 0, w->begin[0], w->end[0]) == 1,
                         outputs_of(w, 1, w->begin[1], w->end[1]) == 1};
    step[0] = step[1] = 1;
    if (w->stride[0] == w->stride[1] || one[0])
        return w->stride[1];
    if (one[1])
        return w->stride[0];
    step[0] = w->stride[0];
    step[1] = w->stride[1];
    return 1;
}

/* Weights are [out][in / groups][height][width], of one axis without the height. */
static nas_status read_kernel(nas__importing *i, const nas__value *x, const nas__constant **weight,
                              int kernel[2])
{
    NAS_TRY(nas__floats(i, 1, weight));
    if (!*weight || (*weight)->axes.rank != x->axes.rank + 1)
        NAS__REFUSE(i, NAS_DATA, "its weight has %d axes, its input %d",
                    *weight ? (*weight)->axes.rank : 0, x->axes.rank + 1);
    const nas__axes *axes = &(*weight)->axes;
    kernel[0] = axes->rank > 3 ? (int)axes->length[2] : 1;
    kernel[1] = (int)axes->length[axes->rank - 1];
    if (axes->rank > 4 || kernel[0] < 1 || kernel[1] < 1 || kernel[0] > 255 || kernel[1] > 255)
        NAS__REFUSE(i, NAS_CONFIG, "kernels of one or two axes, up to 255, are supported");
    return NAS_OK;
}

static nas_status weigh_convolution(nas__importing *i, int node, const nas__constant *weight)
{
    const nas__constant *bias;
    NAS_TRY(
        nas__weigh(i, node, "weight", weight->floats, (uint64_t)nas__axes_count(&weight->axes)));
    NAS_TRY(nas__floats(i, 2, &bias));
    return bias ? nas__weigh(i, node, "bias", bias->floats, (uint64_t)nas__axes_count(&bias->axes))
                : NAS_OK;
}

static nas_status emit_convolution(nas__importing *i, int x, const window *w, int64_t groups,
                                   const nas__constant *weight, int *node)
{
    const bool even = w->begin[0] == w->end[0] && w->begin[1] == w->end[1];
    int dilation, step[2];
    const int stride = common_stride(w, step);
    NAS_TRY(common_dilation(i, w, &dilation));
    if (!even)
        NAS_TRY(nas__padded(i, x, (int[3]){0, w->begin[0], w->begin[1]},
                            (int[3]){0, w->end[0], w->end[1]}, 0, &x));
    NAS_TRY(nas__emit_one(
        i, "conv2d", x, node,
        "out = %lld; kernel_h = %d; kernel_w = %d; stride = %d; padding_h = %d; padding_w = %d; "
        "dilation = %d; groups = %lld; bias = %s",
        (long long)weight->axes.length[0], w->kernel[0], w->kernel[1], stride,
        even ? w->begin[0] : 0, even ? w->begin[1] : 0, dilation, (long long)groups,
        nas__input(i, 2) ? "true" : "false"));
    NAS_TRY(weigh_convolution(i, *node, weight));
    return step[0] * step[1] > 1
               ? nas__emit_one(i, "subsample", *node, node, "step = [%d, %d]", step[0], step[1])
               : NAS_OK;
}

nas_status nas__read_conv(nas__importing *i)
{
    const nas__constant *weight;
    nas__value *x;
    window w;
    int64_t groups;
    int kernel[2], node;
    NAS_TRY(need_channels(i, &x));
    NAS_TRY(read_kernel(i, x, &weight, kernel));
    NAS_TRY(nas__int_attribute(i, "group", 1, &groups));
    NAS_TRY(read_window(i, x, kernel, &w));
    const nas_shape in = nas__image_of(&x->axes);
    if (groups < 1 || weight->axes.length[0] < 1 || weight->axes.length[1] * groups != in.c)
        NAS__REFUSE(i, NAS_DATA, "a kernel of %lld channels in %lld groups for %d channels",
                    (long long)weight->axes.length[1], (long long)groups, in.c);
    for (int k = 0; k < 2; k++)
        if (w.side[k] + w.begin[k] + w.end[k] < reach(&w, k))
            NAS__REFUSE(i, NAS_SHAPE, "a kernel that reaches over %d pixels on %d", reach(&w, k),
                        w.side[k] + w.begin[k] + w.end[k]);
    NAS_TRY(nas__shaped(i, x->node, in, &node));
    NAS_TRY(emit_convolution(i, node, &w, groups, weight, &node));
    const nas__axes axes = axes_as(x, nas__shape_of(i, node));
    return nas__give(i, node, &axes);
}

/* ---- pools ----------------------------------------------------------------------------------------------------- */

/* One axis of a pool as the engine has it: its border, outputs that are cut off before and behind. */
typedef struct fit {
    int padding, before, after, outputs;
} fit;

static int pool_outputs(const window *w, int k)
{
    const int room = w->side[k] + w->begin[k] + w->end[k] - w->kernel[k];
    if (room < 0)
        return 0;
    int outputs = (w->ceil ? room + w->stride[k] - 1 : room) / w->stride[k] + 1;
    if (w->ceil && (outputs - 1) * w->stride[k] >= w->side[k] + w->begin[k])
        outputs--; /* a window of border alone is none */
    return outputs;
}

static fit fit_axis(const window *w, int k)
{
    fit f = {.padding = w->begin[k], .outputs = pool_outputs(w, k)};
    const int behind = (f.outputs - 1) * w->stride[k] + w->kernel[k] - w->side[k] - w->begin[k];
    while (f.padding < behind) {
        f.padding += w->stride[k];
        f.before++;
    }
    const int made = (w->side[k] + 2 * f.padding - w->kernel[k]) / w->stride[k] + 1;
    f.after = made - f.before - f.outputs;
    return f;
}

static bool suits(const window *w, const fit f[2])
{
    for (int k = 0; k < 2; k++)
        if (f[k].padding >= w->kernel[k] || f[k].padding > 7 || f[k].after < 0)
            return false;
    return true;
}

/* The border as an operator of its own, so that the pool needs none. */
static nas_status pad_for_pool(nas__importing *i, window *w, float value, int *x)
{
    int before[3] = {0}, after[3] = {0};
    for (int k = 0; k < 2; k++) {
        const int outputs = pool_outputs(w, k);
        const int behind = (outputs - 1) * w->stride[k] + w->kernel[k] - w->side[k] - w->begin[k];
        before[1 + k] = w->begin[k];
        after[1 + k] = behind > 0 ? behind : 0;
        w->side[k] += w->begin[k] + after[1 + k];
        w->begin[k] = w->end[k] = 0;
    }
    w->ceil = false;
    return nas__padded(i, *x, before, after, value, x);
}

static nas_status emit_pool(nas__importing *i, const window *w, bool largest, int x, int *node)
{
    const fit f[2] = {fit_axis(w, 0), fit_axis(w, 1)};
    if (!suits(w, f))
        NAS__REFUSE(i, NAS_CONFIG, "borders %d, %d before and %d, %d behind a %dx%d window",
                    w->begin[0], w->begin[1], w->end[0], w->end[1], w->kernel[0], w->kernel[1]);
    NAS_TRY(nas__emit_one(i, "pool", x, node,
                          "kind = \"%s\"; kernel = [%d, %d]; stride = [%d, %d]; padding = [%d, %d]",
                          largest ? "max" : "average", w->kernel[0], w->kernel[1], w->stride[0],
                          w->stride[1], f[0].padding, f[1].padding));
    return nas__padded(i, *node, (int[3]){0, -f[0].before, -f[1].before},
                       (int[3]){0, -f[0].after, -f[1].after}, 0, node);
}

/* Does one window cover all there is, and nothing else that counts? */
static bool covers(const window *w)
{
    return pool_outputs(w, 0) == 1 && pool_outputs(w, 1) == 1 &&
           w->kernel[0] >= w->side[0] + w->begin[0] && w->kernel[1] >= w->side[1] + w->begin[1];
}

static nas_status check_pool(nas__importing *i, window *w)
{
    for (int k = 0; k < 2; k++) {
        if (w->dilation[k] > 1 && w->kernel[k] > 1)
            NAS__REFUSE(i, NAS_CONFIG, "a dilated pool; the engine's windows have no gaps");
        if (pool_outputs(w, k) < 1)
            NAS__REFUSE(i, NAS_SHAPE, "a window of %d on %d pixels", w->kernel[k], w->side[k]);
        if (pool_outputs(w, k) == 1 && w->stride[k] > 15)
            w->stride[k] = 15;
    }
    return NAS_OK;
}

nas_status nas__read_pool(nas__importing *i)
{
    const bool largest = i->at->op_type[0] == 'M';
    const float lowest = -3.4e38f;
    nas__value *x;
    window w;
    int64_t ceil, counts;
    int node;
    NAS_TRY(need_channels(i, &x));
    NAS_TRY(read_window(i, x, NULL, &w));
    NAS_TRY(nas__int_attribute(i, "ceil_mode", 0, &ceil));
    NAS_TRY(nas__int_attribute(i, "count_include_pad", 0, &counts));
    w.ceil = ceil != 0;
    NAS_TRY(check_pool(i, &w));
    NAS_TRY(nas__shaped(i, x->node, nas__image_of(&x->axes), &node));
    if (!largest && counts) {
        const int border[2][3] = {{0, w.begin[0], w.begin[1]}, {0, w.end[0], w.end[1]}};
        NAS_TRY(nas__padded(i, node, border[0], border[1], 0, &node));
        for (int k = 0; k < 2; k++) {
            w.side[k] += w.begin[k] + w.end[k];
            w.begin[k] = w.end[k] = 0;
        }
    }
    const fit f[2] = {fit_axis(&w, 0), fit_axis(&w, 1)};
    if (largest && !suits(&w, f))
        NAS_TRY(pad_for_pool(i, &w, lowest, &node));
    if (!largest && covers(&w))
        NAS_TRY(nas__emit_one(i, "pool", node, &node, "kind = \"global_average\""));
    else
        NAS_TRY(emit_pool(i, &w, largest, node, &node));
    const nas__axes axes = axes_as(x, nas__shape_of(i, node));
    return nas__give(i, node, &axes);
}

/* Over all axes behind the channels, each of which becomes 1. */
static nas_status give_global(nas__importing *i, const nas__value *x, const char *options)
{
    nas__axes axes = x->axes;
    int node;
    NAS_TRY(nas__shaped(i, x->node, nas__image_of(&x->axes), &node));
    NAS_TRY(nas__emit_one(i, "pool", node, &node, "%s", options));
    for (int k = 1; k < axes.rank; k++)
        axes.length[k] = 1;
    return nas__give(i, node, &axes);
}

nas_status nas__read_global_pool(nas__importing *i)
{
    nas__value *x;
    char options[64];
    NAS_TRY(need_channels(i, &x));
    const nas_shape in = nas__image_of(&x->axes);
    if (strcmp(i->at->op_type, "GlobalAveragePool") == 0)
        return give_global(i, x, "kind = \"global_average\"");
    if (in.h > 15 || in.w > 15)
        NAS__REFUSE(i, NAS_CONFIG, "the maximum of %dx%d pixels; up to 15x15 are supported", in.h,
                    in.w);
    snprintf(options, sizeof options, "kind = \"max\"; kernel = [%d, %d]", in.h, in.w);
    return give_global(i, x, options);
}

/* The mean over rows and columns, as some write GlobalAveragePool. */
nas_status nas__read_reduce_mean(nas__importing *i)
{
    const nas__constant *given;
    const int64_t *list;
    int64_t keeps;
    int count, taken = 0;
    nas__value *x;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__int_attribute(i, "keepdims", 1, &keeps));
    NAS_TRY(nas__ints_attribute(i, "axes", &list, &count));
    NAS_TRY(nas__numbers(i, 1, &given));
    if (given) {
        list = given->numbers;
        count = (int)nas__axes_count(&given->axes);
    }
    for (int k = 0; k < count && k < NAS__RANK; k++) {
        int own;
        NAS_TRY(nas__axis(i, list[k], x->axes.rank, &own));
        taken |= 1 << own;
    }
    if (x->axes.rank < 2 || taken != (1 << x->axes.rank) - 2)
        NAS__REFUSE(i, NAS_CONFIG, "a mean over other axes than all those behind the channels");
    if (keeps)
        return give_global(i, x, "kind = \"global_average\"");
    int node;
    NAS_TRY(nas__shaped(i, x->node, nas__image_of(&x->axes), &node));
    NAS_TRY(nas__emit_one(i, "pool", node, &node, "kind = \"global_average\""));
    return nas__give(i, node, &(nas__axes){1, {x->axes.length[0]}});
}

/* ---- BatchNormalization ------------------------------------------------------------------------------------------ */

static nas_status check_evaluation(nas__importing *i)
{
    int64_t training, spatial;
    NAS_TRY(nas__int_attribute(i, "training_mode", 0, &training));
    NAS_TRY(nas__int_attribute(i, "spatial", 1, &spatial));
    if (training || !spatial)
        NAS__REFUSE(i, NAS_CONFIG,
                    training ? "it is in training mode; export the model in evaluation"
                             : "statistics per pixel; per channel is supported");
    return NAS_OK;
}

nas_status nas__read_batch_normalization(nas__importing *i)
{
    static const char *const names[] = {"gamma", "beta", "running_mean", "running_variance"};
    nas__value *x;
    float epsilon, momentum;
    int node;
    NAS_TRY(need_channels(i, &x));
    NAS_TRY(check_evaluation(i));
    NAS_TRY(nas__float_attribute(i, "epsilon", 1e-5f, &epsilon));
    NAS_TRY(nas__float_attribute(i, "momentum", 0.9f, &momentum));
    if (x->axes.rank < 1 || !(momentum >= 0 && momentum <= 1))
        NAS__REFUSE(i, NAS_DATA, "momentum %g, or no channels", (double)momentum);
    if (nas__shape_of(i, x->node).c == x->axes.length[0])
        node = x->node;
    else
        NAS_TRY(nas__shaped(i, x->node, nas__image_of(&x->axes), &node));
    NAS_TRY(nas__emit_one(i, "batch_norm", node, &node, "epsilon = %.9g; momentum = %.6g",
                          (double)epsilon, 1 - (double)momentum));
    for (int k = 0; k < 4; k++) {
        const nas__constant *constant;
        NAS_TRY(nas__floats(i, 1 + k, &constant));
        if (!constant)
            NAS__REFUSE(i, NAS_DATA, "input %d is missing", 1 + k);
        NAS_TRY(nas__weigh(i, node, names[k], constant->floats,
                           (uint64_t)nas__axes_count(&constant->axes)));
    }
    return nas__give(i, node, &x->axes);
}
