/* fold.c - what models compute of shapes and constants, computed while reading.
 *
 * PyTorch's exporter writes x.view(x.size(0), -1) as Shape, Gather, Unsqueeze, Concat and Reshape.  Nodes all of whose inputs are
 * constants become constants here; the length of the batch, which any number may take, is NAS__BATCH, and arithmetic on
 * it is refused. */
#include "importing.h"

#include <stdlib.h>
#include <string.h>

static nas_status give(nas__importing *i, const nas__constant *constant)
{
    if (i->at->n_output < 1) {
        free(constant->owned);
        NAS__REFUSE(i, NAS_DATA, "it has no output");
    }
    return nas__value_give_constant(i, i->at->output[0], constant);
}

/* The same values with other axes, lent: the first constant lives as long. */
static nas_status give_as(nas__importing *i, const nas__constant *constant, const nas__axes *axes)
{
    nas__constant other = *constant;
    if (nas__axes_count(axes) != nas__axes_count(&constant->axes))
        NAS__REFUSE(i, NAS_DATA, "a constant of %lld values becomes one of %lld",
                    (long long)nas__axes_count(&constant->axes), (long long)nas__axes_count(axes));
    other.owned = NULL;
    other.axes = *axes;
    return give(i, &other);
}

static nas_status fold_identity(nas__importing *i, const nas__constant *x)
{
    return give_as(i, x, &x->axes);
}

/* ---- Constant, ConstantOfShape -------------------------------------------------------------------------------- */

static nas_status fold_constant(nas__importing *i, const nas__constant *none)
{
    const Onnx__AttributeProto *value = nas__attribute(i, "value");
    const Onnx__AttributeProto *one = nas__attribute(i, "value_float");
    const Onnx__AttributeProto *number = nas__attribute(i, "value_int");
    const int64_t *listed;
    nas__constant constant;
    float *floats;
    int64_t *numbers;
    int count;
    (void)none;
    if (value && value->t) {
        NAS_TRY(nas__constant_read(i, value->t, &constant));
        return give(i, &constant);
    }
    if (one && one->has_f) {
        NAS_TRY(nas__constant_floats(&(nas__axes){.rank = 0}, &constant, &floats));
        floats[0] = one->f;
        return give(i, &constant);
    }
    if (number && number->has_i) {
        NAS_TRY(nas__constant_numbers(&(nas__axes){.rank = 0}, &constant, &numbers));
        numbers[0] = number->i;
        return give(i, &constant);
    }
    NAS_TRY(nas__ints_attribute(i, "value_ints", &listed, &count));
    if (!listed)
        NAS__REFUSE(i, NAS_CONFIG, "a constant that is no tensor of numbers");
    NAS_TRY(nas__constant_numbers(&(nas__axes){1, {count}}, &constant, &numbers));
    memcpy(numbers, listed, (size_t)count * sizeof *numbers);
    return give(i, &constant);
}

enum { FILLED_MOST = 1 << 24 };

static nas_status fold_constant_of_shape(nas__importing *i, const nas__constant *x)
{
    const Onnx__AttributeProto *value = nas__attribute(i, "value");
    nas__axes axes = {.rank = (int)nas__axes_count(&x->axes)};
    nas__constant one = {.owned = NULL}, constant;
    float *floats;
    int64_t *numbers;
    if (!x->numbers || x->axes.rank != 1 || axes.rank > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "its shape is no list of up to %d whole numbers", NAS__RANK);
    memcpy(axes.length, x->numbers, (size_t)axes.rank * sizeof *axes.length);
    NAS_TRY(nas__axes_check(i, &axes, FILLED_MOST, "its result"));
    if (value && value->t)
        NAS_TRY(nas__constant_read(i, value->t, &one));
    if (value && nas__axes_count(&one.axes) != 1) {
        nas__constant_clear(&one);
        NAS__REFUSE(i, NAS_DATA, "it is filled with other than one number");
    }
    nas_status status = one.numbers ? nas__constant_numbers(&axes, &constant, &numbers)
                                    : nas__constant_floats(&axes, &constant, &floats);
    for (int64_t k = 0; status == NAS_OK && k < nas__axes_count(&axes); k++)
        if (one.numbers)
            numbers[k] = one.numbers[0];
        else
            floats[k] = one.floats ? one.floats[0] : 0;
    nas__constant_clear(&one);
    NAS_TRY(status);
    return give(i, &constant);
}

/* ---- axes ------------------------------------------------------------------------------------------------------ */

static nas_status fold_unsqueeze(nas__importing *i, const nas__constant *x)
{
    const nas__constant *given;
    const int64_t *list;
    int count, own = 0;
    nas__axes axes = {.rank = x->axes.rank};
    bool added[NAS__RANK] = {false};
    NAS_TRY(nas__ints_attribute(i, "axes", &list, &count));
    NAS_TRY(nas__numbers(i, 1, &given));
    if (given) {
        list = given->numbers;
        count = (int)nas__axes_count(&given->axes);
    }
    axes.rank += count;
    if (axes.rank > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "its result has %d axes, %d are supported", axes.rank,
                    NAS__RANK);
    for (int k = 0; k < count; k++) {
        const int64_t at = list[k] < 0 ? list[k] + axes.rank : list[k];
        if (at < 0 || at >= axes.rank || added[at])
            NAS__REFUSE(i, NAS_DATA, "axis %lld of a value with %d", (long long)list[k], axes.rank);
        added[at] = true;
    }
    for (int k = 0; k < axes.rank; k++)
        axes.length[k] = added[k] ? 1 : x->axes.length[own++];
    return give_as(i, x, &axes);
}

static nas_status fold_squeeze(nas__importing *i, const nas__constant *x)
{
    nas__axes axes = {.rank = 0};
    for (int k = 0; k < x->axes.rank; k++)
        if (x->axes.length[k] != 1)
            axes.length[axes.rank++] = x->axes.length[k];
    return give_as(i, x, &axes);
}

static nas_status fold_reshape(nas__importing *i, const nas__constant *x)
{
    const nas__constant *shape;
    nas__axes axes = {.rank = 0};
    int64_t rest = nas__axes_count(&x->axes);
    int open = -1;
    NAS_TRY(nas__numbers(i, 1, &shape));
    if (!shape || nas__axes_count(&shape->axes) > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "a constant is reshaped by no list of up to %d numbers",
                    NAS__RANK);
    axes.rank = (int)nas__axes_count(&shape->axes);
    for (int k = 0; k < axes.rank; k++) {
        axes.length[k] = shape->numbers[k];
        if (axes.length[k] == 0 && k < x->axes.rank)
            axes.length[k] = x->axes.length[k];
        if (axes.length[k] == -1 && open < 0)
            open = k;
        else if (axes.length[k] < 1 || rest % axes.length[k])
            NAS__REFUSE(i, NAS_DATA, "a constant does not fit its new shape");
        else
            rest /= axes.length[k];
    }
    if (open >= 0)
        axes.length[open] = rest;
    return give_as(i, x, &axes);
}

/* Values of four bytes, or eight, in another order of axes. */
static nas_status fold_transpose(nas__importing *i, const nas__constant *x)
{
    const int rank = x->axes.rank;
    const int64_t *order;
    int count;
    nas__axes axes = {.rank = rank};
    nas__constant constant;
    float *floats;
    int64_t strides[NAS__RANK], stride = 1, moved[NAS__RANK];
    bool seen[NAS__RANK] = {false};
    NAS_TRY(nas__ints_attribute(i, "perm", &order, &count));
    if (!x->floats || (order && count != rank))
        NAS__REFUSE(i, NAS_CONFIG, "this constant cannot be transposed");
    for (int k = rank - 1; k >= 0; k--) {
        strides[k] = stride;
        stride *= x->axes.length[k];
    }
    for (int k = 0; k < rank; k++) {
        const int64_t from = order ? order[k] : rank - 1 - k;
        if (from < 0 || from >= rank || seen[from])
            NAS__REFUSE(i, NAS_DATA, "perm has axis %lld of %d, or has it twice", (long long)from,
                        rank);
        seen[from] = true;
        axes.length[k] = x->axes.length[from];
        moved[k] = strides[from];
    }
    NAS_TRY(nas__constant_floats(&axes, &constant, &floats));
    for (int64_t at = 0; at < nas__axes_count(&axes); at++) {
        int64_t rest = at, from = 0;
        for (int k = rank - 1; k >= 0; k--) {
            from += rest % axes.length[k] * moved[k];
            rest /= axes.length[k];
        }
        floats[at] = x->floats[from];
    }
    return give(i, &constant);
}

/* ---- lists of whole numbers -------------------------------------------------------------------------------------- */

static nas_status fold_gather(nas__importing *i, const nas__constant *x)
{
    const nas__constant *at;
    nas__constant constant;
    int64_t *numbers;
    NAS_TRY(nas__numbers(i, 1, &at));
    if (!x->numbers || x->axes.rank != 1 || !at)
        NAS__REFUSE(i, NAS_CONFIG, "only lists of whole numbers are gathered from");
    NAS_TRY(nas__constant_numbers(&at->axes, &constant, &numbers));
    for (int64_t k = 0; k < nas__axes_count(&at->axes); k++) {
        const int64_t length = x->axes.length[0];
        const int64_t from = at->numbers[k] < 0 ? at->numbers[k] + length : at->numbers[k];
        if (from < 0 || from >= length) {
            nas__constant_clear(&constant);
            NAS__REFUSE(i, NAS_DATA, "element %lld of %lld", (long long)at->numbers[k],
                        (long long)length);
        }
        numbers[k] = x->numbers[from];
    }
    return give(i, &constant);
}

static nas_status fold_concat(nas__importing *i, const nas__constant *x)
{
    nas__axes axes = {1, {0}};
    nas__constant constant;
    int64_t *numbers, filled = 0;
    (void)x;
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__constant *part;
        NAS_TRY(nas__numbers(i, k, &part));
        if (!part || part->axes.rank != 1)
            NAS__REFUSE(i, NAS_CONFIG, "of constants only lists of whole numbers are joined");
        axes.length[0] += nas__axes_count(&part->axes);
    }
    NAS_TRY(nas__constant_numbers(&axes, &constant, &numbers));
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__constant *part;
        NAS_TRY(nas__numbers(i, k, &part));
        memcpy(numbers + filled, part->numbers,
               (size_t)nas__axes_count(&part->axes) * sizeof *numbers);
        filled += nas__axes_count(&part->axes);
    }
    return give(i, &constant);
}

static int64_t within(int64_t value, int64_t length)
{
    const int64_t counted = value < 0 ? value + length : value;
    return counted < 0 ? 0 : counted > length ? length : counted;
}

static nas_status fold_slice(nas__importing *i, const nas__constant *x)
{
    const nas__constant *starts, *ends, *steps;
    nas__constant constant;
    int64_t *numbers;
    NAS_TRY(nas__numbers(i, 1, &starts));
    NAS_TRY(nas__numbers(i, 2, &ends));
    NAS_TRY(nas__numbers(i, 4, &steps));
    if (!x->numbers || x->axes.rank != 1 || !starts || !ends ||
        nas__axes_count(&starts->axes) != 1 || nas__axes_count(&ends->axes) != 1 ||
        (steps && (nas__axes_count(&steps->axes) != 1 || steps->numbers[0] != 1)))
        NAS__REFUSE(i, NAS_CONFIG,
                    "of constants only lists of whole numbers are sliced, in steps of 1");
    const int64_t from = within(starts->numbers[0], x->axes.length[0]);
    const int64_t to = within(ends->numbers[0], x->axes.length[0]);
    const nas__axes axes = {1, {to > from ? to - from : 0}};
    NAS_TRY(nas__constant_numbers(&axes, &constant, &numbers));
    memcpy(numbers, x->numbers + from, (size_t)axes.length[0] * sizeof *numbers);
    return give(i, &constant);
}

static nas_status fold_cast(nas__importing *i, const nas__constant *x)
{
    int64_t to;
    nas__constant constant;
    float *floats;
    int64_t *numbers;
    NAS_TRY(nas__int_attribute(i, "to", 0, &to));
    const bool real = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (!real && to != ONNX__TENSOR_PROTO__DATA_TYPE__INT64 &&
        to != ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
        NAS__REFUSE(i, NAS_CONFIG, "a cast of a constant to type %lld", (long long)to);
    if (real == (x->floats != NULL))
        return fold_identity(i, x);
    NAS_TRY(real ? nas__constant_floats(&x->axes, &constant, &floats)
                 : nas__constant_numbers(&x->axes, &constant, &numbers));
    for (int64_t k = 0; k < nas__axes_count(&x->axes); k++)
        if (real)
            floats[k] = (float)x->numbers[k];
        else
            numbers[k] = x->floats[k] > -1e9f && x->floats[k] < 1e9f ? (int64_t)x->floats[k] : 0;
    return give(i, &constant);
}

/* Of sizes; the batch is no number to compute with. */
static nas_status fold_arithmetic(nas__importing *i, const nas__constant *x)
{
    const char op = i->at->op_type[0];
    const nas__constant *y;
    nas__constant constant;
    int64_t *numbers;
    NAS_TRY(nas__numbers(i, 1, &y));
    if (!x->numbers || !y || nas__axes_count(&y->axes) != 1)
        NAS__REFUSE(i, NAS_CONFIG, "of constants only sizes are computed with, by one number");
    NAS_TRY(nas__constant_numbers(&x->axes, &constant, &numbers));
    for (int64_t k = 0; k < nas__axes_count(&x->axes); k++) {
        const int64_t a = x->numbers[k], b = y->numbers[0];
        if (llabs(a) > INT32_MAX || llabs(b) > INT32_MAX || (op == 'D' && b == 0)) {
            nas__constant_clear(&constant);
            NAS__REFUSE(i, NAS_CONFIG,
                        "it computes with the batch, or with numbers that are no sizes");
        }
        numbers[k] = op == 'A' ? a + b : op == 'S' ? a - b : op == 'M' ? a * b : a / b;
    }
    return give(i, &constant);
}

/* ---- which ---------------------------------------------------------------------------------------------------------- */

typedef struct folding {
    const char *op;
    nas_status (*fold)(nas__importing *i, const nas__constant *x);
} folding;

static const folding foldings[] = {
    {"Constant", fold_constant},   {"ConstantOfShape", fold_constant_of_shape},
    {"Identity", fold_identity},   {"Cast", fold_cast},
    {"Unsqueeze", fold_unsqueeze}, {"Squeeze", fold_squeeze},
    {"Reshape", fold_reshape},     {"Transpose", fold_transpose},
    {"Gather", fold_gather},       {"Concat", fold_concat},
    {"Slice", fold_slice},         {"Add", fold_arithmetic},
    {"Sub", fold_arithmetic},      {"Mul", fold_arithmetic},
    {"Div", fold_arithmetic},
};

nas_status nas__fold(nas__importing *i, bool *done)
{
    *done = false;
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__value *value = nas__input(i, k);
        if (value && !value->constant)
            return NAS_OK;
    }
    for (size_t f = 0; f < sizeof foldings / sizeof *foldings; f++) {
        if (strcmp(foldings[f].op, i->at->op_type) != 0)
            continue;
        const nas__value *x = nas__input(i, 0);
        if (!x && f > 0)
            NAS__REFUSE(i, NAS_DATA, "input 0 is missing");
        *done = true;
        return foldings[f].fold(i, x ? &x->is : NULL);
    }
    return NAS_OK;
}

nas_status nas__read_shape(nas__importing *i)
{
    const int batch = nas__batch_axes(i);
    nas__value *x;
    nas__constant constant;
    int64_t *numbers;
    if (nas__has_attribute(i, "start") || nas__has_attribute(i, "end"))
        NAS__REFUSE(i, NAS_CONFIG, "a shape's part; of whole shapes it is supported");
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__constant_numbers(&(nas__axes){1, {x->axes.rank + batch}}, &constant, &numbers));
    for (int k = 0; k < batch; k++)
        numbers[k] = NAS__BATCH;
    memcpy(numbers + batch, x->axes.length, (size_t)x->axes.rank * sizeof *numbers);
    return give(i, &constant);
}
