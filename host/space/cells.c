/* cells.c - the layers that cells are made of.
 *
 * Cells put the activation first and batch norm last, so that a sum of several inputs is a sum of normalised values; a layer
 * that reads it begins with its own relu.  All convolutions are without bias.  The operations are those of DARTS
 * (arXiv 1806.09055; the authors' cnn/operations.py): a separable convolution is two depthwise-pointwise pairs of which the first is
 * strided, a dilated one is one pair, average pooling leaves the padding out of its divisor, and a skip that has to reduce is a
 * factorized reduction.
 *
 * Read next: cell.c, which strings them together; genotypes.c, the published cells. */
#include "cells.h"

#include <stdio.h>

static const nas__convolution_part pointwise = {.kernel = 1};

nas_status nas__cell_then(nas__build *build, nas__value *value, const char *op, const char *options,
                          ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, options);
    nas_format_list(text, sizeof text, options, arguments);
    va_end(arguments);
    NAS_TRY(nas_graph_then(build->graph, op, &value->node, "%s", text));
    value->shape = build->graph->nodes[value->node].shape;
    return NAS_OK;
}

static nas_status relu(nas__build *build, nas__value *value)
{
    return nas__build_activation(build, value, 0);
}

nas_status nas__cell_convolution(nas__build *build, nas__value *value, nas__convolution_part part)
{
    NAS_TRY(relu(build, value));
    NAS_TRY(nas__build_convolution(build, value, part));
    return nas__build_norm(build, value);
}

nas_status nas__cell_factorized_reduce(nas__build *build, nas__value *value, int out)
{
    nas__value halves[2] = {*value};
    NAS_TRY(relu(build, &halves[0]));
    halves[1] = halves[0];
    for (int i = 0; i < 2; i++) {
        nas__convolution_part part = {.out = i == 0 ? out / 2 : out - out / 2, .kernel = 1};
        NAS_TRY(nas__cell_then(build, &halves[i], "subsample", "step = 2; from = %d", i));
        NAS_TRY(nas__build_convolution(build, &halves[i], part));
    }
    NAS_TRY(nas__build_join(build, halves, 2, "concat", value));
    return nas__build_norm(build, value);
}

/* relu → depthwise k×k → pointwise → batch norm. */
static nas_status separable(nas__build *build, nas__value *value, int kernel, int stride,
                            int dilation)
{
    nas__convolution_part depthwise = {
        .kernel = kernel, .stride = stride, .dilation = dilation, .groups = value->shape.c};
    NAS_TRY(relu(build, value));
    NAS_TRY(nas__build_convolution(build, value, depthwise));
    NAS_TRY(nas__build_convolution(build, value, pointwise));
    return nas__build_norm(build, value);
}

static nas_status separable_twice(nas__build *build, nas__value *value, int kernel, int stride)
{
    NAS_TRY(separable(build, value, kernel, stride, 1));
    return separable(build, value, kernel, 1, 1);
}

/* relu → 1×7 → 7×1 → batch norm; each strided along its own side, as the two halves of a 7×7. */
static nas_status factorized_7x7(nas__build *build, nas__value *value, int stride)
{
    const bool flat = build->input.h == 1, thin = build->input.w == 1;
    NAS_TRY(relu(build, value));
    NAS_TRY(nas__cell_then(build, value, "conv2d", "kernel_h = 1; kernel_w = %d", thin ? 1 : 7));
    if (stride > 1)
        NAS_TRY(nas__cell_then(build, value, "subsample", "step = [1, %d]", stride));
    NAS_TRY(nas__cell_then(build, value, "conv2d", "kernel_h = %d; kernel_w = 1", flat ? 1 : 7));
    if (stride > 1)
        NAS_TRY(nas__cell_then(build, value, "subsample", "step = [%d, 1]", stride));
    return nas__build_norm(build, value);
}

nas_status nas__cell_operation(nas__build *build, nas__value *value, int op, int stride)
{
    switch (op) {
    case NAS__CELL_MAX_POOL:
        return nas__build_pool(build, value, "max", 3, stride);
    case NAS__CELL_AVG_POOL:
        return nas__build_pool(build, value, "average", 3, stride);
    case NAS__CELL_SKIP:
        return stride == 1 ? NAS_OK : nas__cell_factorized_reduce(build, value, value->shape.c);
    case NAS__CELL_SEP_3X3:
        return separable_twice(build, value, 3, stride);
    case NAS__CELL_SEP_5X5:
        return separable_twice(build, value, 5, stride);
    case NAS__CELL_SEP_7X7:
        return separable_twice(build, value, 7, stride);
    case NAS__CELL_DIL_3X3:
        return separable(build, value, 3, stride, 2);
    case NAS__CELL_DIL_5X5:
        return separable(build, value, 5, stride, 2);
    case NAS__CELL_7X1_1X7:
        return factorized_7x7(build, value, stride);
    case NAS__CELL_1X1:
        return nas__cell_convolution(build, value,
                                     (nas__convolution_part){.kernel = 1, .stride = stride});
    default:
        return nas__cell_convolution(build, value,
                                     (nas__convolution_part){.kernel = 3, .stride = stride});
    }
}
