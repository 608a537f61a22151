/* matrix.c - matrix products with constants, and softmax.
 *
 * A product over a vector is a dense layer.  One over the last axis of more is a 1×1 convolution, once that axis stands where the
 * channels are; several matrices at a time are its groups. */
#include "importing.h"

#include <stdlib.h>
#include <string.h>

/* [rows][columns] of a constant as [columns][rows], times `scale`. */
static void turn(const float *from, int64_t rows, int64_t columns, float scale, float *to)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c] * scale;
}

/* ---- over the last axis ------------------------------------------------------------------------------------------ */

/* Weights [groups][in][out] into those of the layer just emitted, [groups·out][in]. */
static nas_status weigh_turned(nas__importing *i, int node, const nas__constant *weight,
                               float scale)
{
    const nas__axes *axes = &weight->axes;
    const int64_t in = axes->length[axes->rank - 2], out = axes->length[axes->rank - 1];
    const int64_t count = nas__axes_count(axes);
    float *room;
    NAS_TRY(nas__weigh_room(i, node, "weight", (uint64_t)count, &room));
    for (int64_t at = 0; at + in * out <= count; at += in * out)
        turn(weight->floats + at, in, out, scale, room + at);
    return NAS_OK;
}

/* A vector times a matrix; the bias is 0, and there for what is added behind. */
static nas_status emit_dense(nas__importing *i, const nas__value *x, const nas__constant *weight,
                             float scale, int *node)
{
    float *bias;
    const int64_t out = weight->axes.length[1];
    NAS_TRY(nas__emit_one(i, "dense", x->node, node, "out = %lld", (long long)out));
    NAS_TRY(weigh_turned(i, *node, weight, scale));
    return nas__weigh_room(i, *node, "bias", (uint64_t)out, &bias);
}

/* [groups][rows][in] times [groups][in][out]. */
static nas_status emit_product(nas__importing *i, int x, const nas__axes *axes,
                               const nas__constant *weight, float scale, int *node)
{
    const int64_t in = axes->length[2], out = weight->axes.length[weight->axes.rank - 1];
    const int rows = (int)axes->length[1], groups = (int)axes->length[0];
    const int order[3] = {0, 2, 1};
    const nas__axes turned = {3, {groups, out, rows}};
    NAS_TRY(nas__transposed(i, x, axes, order, node));
    NAS_TRY(nas__shaped(i, *node, (nas_shape){groups * (int)in, rows, 1}, node));
    NAS_TRY(nas__emit_one(i, "conv2d", *node, node, "out = %lld; kernel = 1; groups = %d",
                          (long long)(groups * out), groups));
    NAS_TRY(weigh_turned(i, *node, weight, scale));
    return nas__transposed(i, *node, &turned, order, node);
}

/* The constant's matrices stand against the value's axes before the last two, or there is one for all. */
static nas_status matrices_of(nas__importing *i, const nas__value *x, const nas__constant *weight,
                              int *groups)
{
    const nas__axes *a = &x->axes, *b = &weight->axes;
    *groups = 1;
    if (b->rank < 2 || b->length[b->rank - 2] != a->length[a->rank - 1] || nas__axes_count(b) < 1)
        NAS__REFUSE(i, NAS_SHAPE, "a matrix of %lld rows for %lld values",
                    b->rank < 2 ? 0LL : (long long)b->length[b->rank - 2],
                    (long long)a->length[a->rank - 1]);
    if (nas__axes_count(b) == b->length[b->rank - 2] * b->length[b->rank - 1])
        return NAS_OK;
    if (a->rank != b->rank)
        NAS__REFUSE(i, NAS_CONFIG, "matrices that differ from sample to sample");
    for (int k = 0; k < a->rank - 2; k++)
        if (a->length[k] != b->length[k])
            NAS__REFUSE(i, NAS_CONFIG, "matrices that are broadcast");
    *groups = (int)nas__axes_product(a, 0, a->rank - 2);
    return NAS_OK;
}

static nas_status multiply(nas__importing *i, const nas__value *x, const nas__constant *weight,
                           float scale, int *node, nas__axes *axes)
{
    int groups;
    if (x->axes.rank < 1)
        NAS__REFUSE(i, NAS_SHAPE, "a product with a single number");
    NAS_TRY(matrices_of(i, x, weight, &groups));
    *axes = x->axes;
    axes->length[axes->rank - 1] = weight->axes.length[weight->axes.rank - 1];
    if (axes->rank == 1) {
        const nas__constant matrix = {.axes = {2, {x->axes.length[0], axes->length[0]}},
                                      .floats = weight->floats};
        return emit_dense(i, x, &matrix, scale, node);
    }
    const int64_t in = x->axes.length[x->axes.rank - 1];
    const nas__axes cut = {3, {groups, nas__axes_count(&x->axes) / in / groups, in}};
    return emit_product(i, x->node, &cut, weight, scale, node);
}

nas_status nas__read_matmul(nas__importing *i)
{
    nas__value *x;
    const nas__constant *weight;
    nas__axes axes;
    int node;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__floats(i, 1, &weight));
    if (!weight)
        NAS__REFUSE(i, NAS_DATA, "input 1 is missing");
    NAS_TRY(multiply(i, x, weight, 1, &node, &axes));
    return nas__give(i, node, &axes);
}

/* ---- Gemm ----------------------------------------------------------------------------------------------------------- */

/* alpha·A'·B' + beta·C, with A from the input and the others constant. */
typedef struct product {
    float alpha, beta;
    int64_t turns_a, turns_b;
    const nas__constant *b, *c;
    const nas__value *added; /* in place of c, where it follows from the input */
} product;

static nas_status read_product(nas__importing *i, product *p)
{
    NAS_TRY(nas__float_attribute(i, "alpha", 1, &p->alpha));
    NAS_TRY(nas__float_attribute(i, "beta", 1, &p->beta));
    NAS_TRY(nas__int_attribute(i, "transA", 0, &p->turns_a));
    NAS_TRY(nas__int_attribute(i, "transB", 0, &p->turns_b));
    NAS_TRY(nas__floats(i, 1, &p->b));
    p->added = nas__input(i, 2);
    p->c = NULL;
    if (p->added && p->added->constant)
        NAS_TRY(nas__floats(i, 2, &p->c));
    if (!p->b || p->b->axes.rank != 2)
        NAS__REFUSE(i, NAS_DATA, "its second input is no matrix");
    return NAS_OK;
}

/* + beta·C */
static nas_status add_constant(nas__importing *i, const product *p, const nas__axes *axes,
                               int *node)
{
    float *shift, *ones;
    NAS_TRY(nas__constant_expand(i, p->c, axes, &shift));
    const int count = (int)nas__axes_count(axes);
    nas_status status = NAS_OK;
    ones = malloc((size_t)count * sizeof *ones);
    if (!ones)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for a bias");
    for (int k = 0; ones && k < count; k++) {
        ones[k] = 1;
        shift[k] *= p->beta;
    }
    if (status == NAS_OK)
        status = nas__shaped(i, *node, (nas_shape){count, 1, 1}, node);
    if (status == NAS_OK)
        status = nas__affine(i, *node, ones, shift, node);
    free(ones);
    free(shift);
    return status;
}

/* + beta·C that is computed. */
static nas_status add_value(nas__importing *i, const product *p, const nas__axes *axes, int *node)
{
    int pair[2] = {*node, p->added->node};
    if (nas__axes_count(axes) != nas__axes_count(&p->added->axes))
        NAS__REFUSE(i, NAS_CONFIG, "what is added is computed, and broadcast");
    if (p->beta != 1)
        NAS_TRY(nas__affine_all(i, pair[1], p->beta, 0, &pair[1]));
    NAS_TRY(nas__shaped(i, pair[1], nas__shape_of(i, *node), &pair[1]));
    return nas__emit(i, "add", pair, 2, node, NULL);
}

/* B as [in][out], whichever way it lies. */
static nas_status matrix_of(const product *p, nas__constant *matrix)
{
    const int64_t rows = p->b->axes.length[0], columns = p->b->axes.length[1];
    float *values;
    *matrix = *p->b;
    matrix->owned = NULL;
    if (!p->turns_b)
        return NAS_OK;
    NAS_TRY(nas__constant_floats(&(nas__axes){2, {columns, rows}}, matrix, &values));
    turn(p->b->floats, rows, columns, 1, values);
    return NAS_OK;
}

nas_status nas__read_gemm(nas__importing *i)
{
    nas__value *given;
    product p;
    nas__constant matrix;
    nas__axes axes;
    int node;
    NAS_TRY(nas__need_node(i, 0, &given));
    NAS_TRY(read_product(i, &p));
    nas__value x = *given;
    if (x.axes.rank + nas__batch_axes(i) != 2)
        NAS__REFUSE(i, NAS_SHAPE, "its first input is no matrix");
    if (p.turns_a && x.axes.rank == 1)
        NAS__REFUSE(i, NAS_CONFIG, "it sums over the batch");
    if (p.turns_a) {
        x.axes = (nas__axes){2, {given->axes.length[1], given->axes.length[0]}};
        NAS_TRY(nas__transposed(i, given->node, &given->axes, (int[2]){1, 0}, &x.node));
    }
    NAS_TRY(matrix_of(&p, &matrix));
    nas_status status = multiply(i, &x, &matrix, p.alpha, &node, &axes);
    nas__constant_clear(&matrix);
    if (status == NAS_OK && p.c && p.beta != 0)
        status = add_constant(i, &p, &axes, &node);
    else if (status == NAS_OK && p.added && p.beta != 0)
        status = add_value(i, &p, &axes, &node);
    NAS_TRY(status);
    return nas__give(i, node, &axes);
}

/* ---- Softmax -------------------------------------------------------------------------------------------------------- */

static bool is_output(const nas__importing *i)
{
    const Onnx__GraphProto *graph = i->model->graph;
    return i->at->n_output > 0 && graph->n_output > 0 && graph->output[0]->name &&
           strcmp(i->at->output[0], graph->output[0]->name) == 0;
}

/* Before opset 13 over all axes from `axis` on, since then over that one. */
nas_status nas__read_softmax(nas__importing *i)
{
    nas__value *x;
    int64_t axis;
    int own, node;
    NAS_TRY(nas__need_node(i, 0, &x));
    const nas__axes *axes = &x->axes;
    NAS_TRY(nas__int_attribute(i, "axis", i->opset < 13 ? 1 : -1, &axis));
    NAS_TRY(nas__axis(i, axis, axes->rank, &own));
    const int end = i->opset < 13 ? axes->rank : own + 1;
    const nas_shape cut = {(int)nas__axes_product(axes, 0, own),
                           (int)nas__axes_product(axes, own, end),
                           (int)nas__axes_product(axes, end, axes->rank)};
    const bool channels = cut.c == 1;
    if (i->options.logits && is_output(i) && channels && cut.w == 1)
        return nas__give(i, x->node, axes);
    node = x->node;
    if (!channels || nas__shape_of(i, node).c != cut.h)
        NAS_TRY(nas__shaped(i, node, channels ? (nas_shape){cut.h, 1, cut.w} : cut, &node));
    NAS_TRY(
        nas__emit_one(i, "softmax", node, &node, "axis = \"%s\"", channels ? "channels" : "rows"));
    return nas__give(i, node, axes);
}
