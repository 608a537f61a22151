/* parts.c - the pieces that spaces put networks together from: see parts.h.
 *
 * Every piece computes its output's shape and its multiply-accumulates itself and adds nodes only when there is a graph; what
 * it computes is what the operators infer (tests compare the two on random rows).
 *
 * Layout: sizes; single operators; pieces made of several; lists of choices, and what is checked of them. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- sizes ------------------------------------------------------------------------------------------- */

int nas__reduced(int size, int stride)
{
    return (size + stride - 1) / stride;
}

int nas__side_of(nas_shape input, int height, int width)
{
    return input.h == 1 || (input.w > 1 && width < height) ? width : height;
}

/* A side of length 1 takes no part in a window. */
static int window_on(int side, int window)
{
    return side > 1 ? window : 1;
}

void nas__write_window(nas_shape input, int window, nas_text *text)
{
    nas_text_format(text, "%dx%d", window_on(input.h, window), window_on(input.w, window));
}

bool nas__may_reduce(int height, int width, int stride, int least)
{
    if (height == 1 && width == 1)
        return false;
    return (height == 1 || nas__reduced(height, stride) >= least) &&
           (width == 1 || nas__reduced(width, stride) >= least);
}

/* ---- single operators ---------------------------------------------------------------------------------- */

nas_status nas__build_begin(nas__build *build, nas__value *value)
{
    *value = (nas__value){0, build->input};
    build->macs = 0;
    if (build->graph)
        NAS_TRY(nas_graph_init(build->graph, build->input));
    nas__build_part(build, -1, "input");
    return NAS_OK;
}

void nas__build_part(nas__build *build, int cell, const char *format, ...)
{
    nas_sketch *sketch = build->sketch;
    if (!sketch || !build->graph)
        return;
    const int last = build->graph->count - 1, count = sketch->part_count;
    if (count == NAS_SKETCH_PARTS || (count > 0 && sketch->parts[count - 1].last == last))
        return;
    nas_sketch_part *part = &sketch->parts[sketch->part_count++];
    *part = (nas_sketch_part){.last = last, .cell = cell};
    va_list arguments;
    va_start(arguments, format);
    nas_format_list(part->name, sizeof part->name, format, arguments);
    va_end(arguments);
}

static nas_shape reduced_shape(nas_shape in, int channels, int stride)
{
    return (nas_shape){channels, nas__reduced(in.h, stride), nas__reduced(in.w, stride)};
}

nas_status nas__build_convolution(nas__build *build, nas__value *value, nas__convolution_part part)
{
    const nas_shape in = value->shape;
    const int out = part.out ? part.out : in.c, stride = part.stride ? part.stride : 1;
    const int groups = part.groups ? part.groups : 1, dilation = part.dilation ? part.dilation : 1;
    const int height = window_on(build->input.h, part.kernel);
    const int width = window_on(build->input.w, part.kernel);
    value->shape = reduced_shape(in, out, stride);
    build->macs +=
        (double)value->shape.h * value->shape.w * height * width * ((double)in.c / groups) * out;
    if (!build->graph)
        return NAS_OK;
    return nas_graph_then(build->graph, "conv2d", &value->node,
                          "out = %d; kernel = %d; kernel_h = %d; kernel_w = %d; stride = %d; "
                          "dilation = %d; groups = %d; bias = %s",
                          out, part.kernel, height == part.kernel ? 0 : 1,
                          width == part.kernel ? 0 : 1, stride, dilation, groups,
                          part.bias ? "true" : "false");
}

nas_status nas__build_depthwise(nas__build *build, nas__value *value, nas__convolution_part *part)
{
    nas__convolution_part depthwise = *part;
    depthwise.out = depthwise.groups = value->shape.c;
    part->kernel = part->stride = 1;
    return nas__build_convolution(build, value, depthwise);
}

nas_status nas__build_norm(nas__build *build, nas__value *value)
{
    return build->graph ? nas_graph_then(build->graph, "batch_norm", &value->node, "%s",
                                         build->norm ? build->norm : "")
                        : NAS_OK;
}

nas_status nas__build_activation(nas__build *build, nas__value *value, int activation)
{
    char kind[32] = "relu";
    if (!build->graph)
        return NAS_OK;
    nas_choice_name(NAS__ACTIVATIONS, activation, kind, sizeof kind);
    return nas_graph_then(build->graph, "activation", &value->node, "kind = \"%s\"", kind);
}

/* Rows around a side so that its pooled length is ⌈size / stride⌉. */
static int pool_padding(int size, int window, int stride)
{
    return window == stride ? (nas__reduced(size, window) * window - size + 1) / 2
                            : (window - 1) / 2;
}

nas_status nas__build_pool(nas__build *build, nas__value *value, const char *kind, int window,
                           int stride)
{
    const nas_shape in = value->shape;
    const int height = window_on(build->input.h, window);
    const int width = window_on(build->input.w, window);
    const int stride_h = height > 1 ? stride : 1, stride_w = width > 1 ? stride : 1;
    value->shape = reduced_shape(in, in.c, stride);
    if (!build->graph)
        return NAS_OK;
    return nas_graph_then(build->graph, "pool", &value->node,
                          "kind = \"%s\"; kernel = [%d, %d]; stride = [%d, %d]; padding = [%d, %d]",
                          kind, height, width, stride_h, stride_w,
                          pool_padding(in.h, height, stride_h),
                          pool_padding(in.w, width, stride_w));
}

static nas_status join_some(nas__build *build, const nas__value *values, int count, const char *how,
                            nas__value *joined)
{
    int nodes[NAS_OP_INPUTS], channels = 0;
    for (int i = 0; i < count; i++) {
        nodes[i] = values[i].node;
        channels += values[i].shape.c;
    }
    *joined = values[0];
    if (how[0] == 'c')
        joined->shape.c = channels;
    return build->graph ? nas_graph_add(build->graph, how, nodes, count, &joined->node, NULL)
                        : NAS_OK;
}

nas_status nas__build_join(nas__build *build, const nas__value *values, int count, const char *how,
                           nas__value *joined)
{
    const int most = nas_op_find(how)->inputs_max;
    nas__value so_far = values[0];
    for (int at = 1; at < count;) {
        nas__value some[NAS_OP_INPUTS] = {so_far};
        int n = 1;
        while (n < most && at < count)
            some[n++] = values[at++];
        NAS_TRY(join_some(build, some, n, how, &so_far));
    }
    *joined = so_far;
    return NAS_OK;
}

/* ---- pieces of several operators ------------------------------------------------------------------------- */

nas_status nas__build_layer(nas__build *build, nas__value *value, nas__convolution_part part,
                            int activation)
{
    NAS_TRY(nas__build_convolution(build, value, part));
    NAS_TRY(nas__build_norm(build, value));
    return nas__build_activation(build, value, activation);
}

/* Strides are small numbers, so a factor is a product of them; windows stay within 8. */
static int step_of(int factor)
{
    for (int step = 8; step > 1; step--)
        if (factor % step == 0)
            return step;
    return factor;
}

nas_status nas__build_match(nas__build *build, nas__value *value, int factor, int channels,
                            nas__shrink how)
{
    const int out = channels ? channels : value->shape.c;
    while (factor > 1) {
        const int step = step_of(factor);
        factor /= step;
        if (how == NAS__SHRINK_CONVOLUTION) {
            NAS_TRY(nas__build_convolution(
                build, value, (nas__convolution_part){.out = out, .kernel = 1, .stride = step}));
            NAS_TRY(nas__build_norm(build, value));
        } else {
            NAS_TRY(nas__build_pool(build, value, how == NAS__SHRINK_MAX ? "max" : "average", step,
                                    step));
        }
    }
    if (value->shape.c == out)
        return NAS_OK;
    NAS_TRY(nas__build_convolution(build, value, (nas__convolution_part){.out = out, .kernel = 1}));
    return nas__build_norm(build, value);
}

nas_status nas__build_enlarge(nas__build *build, nas__value *value, int factor, int height,
                              int width)
{
    value->shape = (nas_shape){value->shape.c, height, width};
    return build->graph
               ? nas_graph_then(build->graph, "upsample", &value->node,
                                "factor = %d; height = %d; width = %d", factor, height, width)
               : NAS_OK;
}

static nas_status global_average(nas__build *build, nas__value *value)
{
    value->shape = (nas_shape){value->shape.c, 1, 1};
    return build->graph
               ? nas_graph_then(build->graph, "pool", &value->node, "kind = \"global_average\"")
               : NAS_OK;
}

nas_status nas__build_gate(nas__build *build, nas__value *value, int hidden, int activation)
{
    const int sigmoid = nas_choice_index(NAS__ACTIVATIONS, "sigmoid");
    nas__value gate = *value;
    NAS_TRY(global_average(build, &gate));
    NAS_TRY(nas__build_convolution(
        build, &gate, (nas__convolution_part){.out = hidden, .kernel = 1, .bias = true}));
    NAS_TRY(nas__build_activation(build, &gate, activation));
    NAS_TRY(nas__build_convolution(
        build, &gate, (nas__convolution_part){.out = value->shape.c, .kernel = 1, .bias = true}));
    NAS_TRY(nas__build_activation(build, &gate, sigmoid));
    if (!build->graph)
        return NAS_OK;
    const int inputs[] = {value->node, gate.node};
    return nas_graph_add(build->graph, "mul", inputs, 2, &value->node, NULL);
}

nas_status nas__build_head(nas__build *build, const nas__value *values, int count, int classes)
{
    nas__value means[NAS_OP_INPUTS], all;
    if (count > NAS_OP_INPUTS)
        NAS_FAIL(NAS_SHAPE, "a head reads at most %d tensors, not %d", NAS_OP_INPUTS, count);
    for (int i = 0; i < count; i++) {
        means[i] = values[i];
        NAS_TRY(global_average(build, &means[i]));
    }
    NAS_TRY(nas__build_join(build, means, count, "concat", &all));
    build->macs += (double)all.shape.c * classes;
    if (build->graph)
        NAS_TRY(nas_graph_then(build->graph, "dense", &all.node, "out = %d", classes));
    nas__build_part(build, -1, "global average, dense");
    return NAS_OK;
}

/* ---- lists of choices -------------------------------------------------------------------------------------- */

bool nas__list_has_double(const nas_int_list *list)
{
    for (int i = 0; i < list->count; i++)
        for (int j = 0; j < i; j++)
            if (list->item[i] == list->item[j])
                return true;
    return false;
}

int nas__list_nearest(const nas_int_list *list, int64_t value)
{
    int best = 0;
    for (int i = 1; i < list->count; i++)
        if (llabs(list->item[i] - value) < llabs(list->item[best] - value))
            best = i;
    return best;
}

int nas__list_find(const nas_int_list *list, int64_t value)
{
    for (int i = 0; i < list->count; i++)
        if (list->item[i] == value)
            return i;
    return -1;
}

int64_t nas__list_max(const nas_int_list *list)
{
    int64_t most = list->item[0];
    for (int i = 1; i < list->count; i++)
        most = list->item[i] > most ? list->item[i] : most;
    return most;
}

void nas__list_describe(const nas_int_list *list, int choice, const char *words, nas_text *text)
{
    char word[32] = "";
    if (words && nas_choice_name(words, (int)list->item[choice], word, sizeof word))
        nas_text_add(text, word);
    else
        nas_text_format(text, "%d", (int)list->item[choice]);
}

nas_status nas__check_range(const char *space, const char *name, const nas_int_list *list)
{
    if (list->count < 1 || list->count > 2 || list->item[list->count - 1] < list->item[0])
        NAS_FAIL(NAS_CONFIG, "space %s: %s = [ from, to ] needs one or two numbers, from ≤ to",
                 space, name);
    return NAS_OK;
}

nas_status nas__check_choices(const char *space, const char *name, const nas_int_list *list)
{
    if (list->count < 1 || nas__list_has_double(list))
        NAS_FAIL(NAS_CONFIG, "space %s: %s needs at least one choice, and each only once", space,
                 name);
    return NAS_OK;
}

nas_status nas__check_kernels(const char *space, const nas_int_list *kernels)
{
    for (int i = 0; i < kernels->count; i++)
        if (kernels->item[i] % 2 == 0)
            NAS_FAIL(NAS_CONFIG, "space %s: kernel sizes must be odd, %d is not", space,
                     (int)kernels->item[i]);
    return NAS_OK;
}

nas_status nas__check_gene_count(const char *space, int count, const char *hint)
{
    if (count < 1 || count > NAS_GENES)
        NAS_FAIL(NAS_CONFIG, "space %s: these options make %d genes, but 1 to %d are possible%s",
                 space, count, NAS_GENES, count ? hint : "");
    return NAS_OK;
}
