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
    i->folded += constant->owned ? nas__axes_count(&constant->axes) : 0;
    if (i->at->n_output < 1 || i->folded > NAS__FOLDED_MOST) {
        free(constant->owned);
        NAS__REFUSE(i, NAS_DATA,
                    i->at->n_output < 1 ? "it has no output" : "constants without end");
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

/* A view of x: its result has `axes`, begins with element `from`, and goes on by strides. */
static nas_status give_view(nas__importing *i, const nas__constant *x, const nas__axes *axes,
                            int64_t from, const int64_t *strides)
{
    nas__constant constant;
    float *floats = NULL;
    int64_t *numbers = NULL;
    NAS_TRY(x->floats ? nas__constant_floats(axes, &constant, &floats)
                      : nas__constant_numbers(axes, &constant, &numbers));
    for (int64_t at = 0; at < nas__axes_count(axes); at++) {
        int64_t rest = at, source = from;
        for (int k = axes->rank - 1; k >= 0; k--) {
            source += rest % axes->length[k] * strides[k];
            rest /= axes->length[k];
        }
        if (floats)
            floats[at] = x->floats[source];
        else
            numbers[at] = x->numbers[source];
    }
    return give(i, &constant);
}

static void strides_of(const nas__axes *axes, int64_t strides[NAS__RANK])
{
    for (int k = axes->rank - 1; k >= 0; k--)
        strides[k] = nas__axes_product(axes, k + 1, axes->rank);
}

static nas_status fold_transpose(nas__importing *i, const nas__constant *x)
{
    const int rank = x->axes.rank;
    const int64_t *order;
    int count;
    nas__axes axes = {.rank = rank};
    int64_t strides[NAS__RANK], moved[NAS__RANK];
    bool seen[NAS__RANK] = {false};
    NAS_TRY(nas__ints_attribute(i, "perm", &order, &count));
    if (order && count != rank)
        NAS__REFUSE(i, NAS_DATA, "perm has %d numbers for %d axes", count, rank);
    strides_of(&x->axes, strides);
    for (int k = 0; k < rank; k++) {
        const int64_t from = order ? order[k] : rank - 1 - k;
        if (from < 0 || from >= rank || seen[from])
            NAS__REFUSE(i, NAS_DATA, "perm has axis %lld of %d, or has it twice", (long long)from,
                        rank);
        seen[from] = true;
        axes.length[k] = x->axes.length[from];
        moved[k] = strides[from];
    }
    return give_view(i, x, &axes, 0, moved);
}

/* First element and number of elements of start:end:step, as Python counts them. */
static void range_of(int64_t start, int64_t end, int64_t step, int64_t length, int64_t *from,
                     int64_t *count)
{
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? length : length - 1;
    int64_t ends[2] = {start, end};
    for (int k = 0; k < 2; k++) {
        ends[k] = ends[k] < 0 ? ends[k] + length : ends[k];
        ends[k] = ends[k] < low ? low : ends[k] > high ? high : ends[k];
    }
    const int64_t way = step > 0 ? ends[1] - ends[0] : ends[0] - ends[1];
    const int64_t pace = step > 0 ? step : -step;
    *from = ends[0];
    *count = way > 0 ? (way + pace - 1) / pace : 0;
}

static nas_status fold_slice(nas__importing *i, const nas__constant *x)
{
    const nas__constant *lists[4]; /* starts, ends, axes, steps */
    nas__axes axes = x->axes;
    int64_t strides[NAS__RANK], from = 0;
    bool seen[NAS__RANK] = {false};
    for (int k = 0; k < 4; k++)
        NAS_TRY(nas__numbers(i, 1 + k, &lists[k]));
    const int64_t count = lists[0] ? nas__axes_count(&lists[0]->axes) : 0;
    for (int k = 0; k < 4; k++)
        if (lists[k] ? nas__axes_count(&lists[k]->axes) != count : k < 2)
            NAS__REFUSE(i, NAS_CONFIG, "a constant is sliced by other than lists of one length");
    strides_of(&x->axes, strides);
    for (int64_t k = 0; k < count; k++) {
        const int64_t named = lists[2] ? lists[2]->numbers[k] : k;
        const int64_t axis = named < 0 ? named + axes.rank : named;
        const int64_t step = lists[3] ? lists[3]->numbers[k] : 1;
        int64_t first;
        if (axis < 0 || axis >= axes.rank || step == 0 || step < -INT32_MAX || step > INT32_MAX ||
            seen[axis])
            NAS__REFUSE(i, NAS_DATA, "axis %lld in steps of %lld, or twice", (long long)named,
                        (long long)step);
        seen[axis] = true;
        range_of(lists[0]->numbers[k], lists[1]->numbers[k], step, x->axes.length[axis], &first,
                 &axes.length[axis]);
        from += first * strides[axis];
        strides[axis] *= step;
    }
    return give_view(i, x, &axes, from, strides);
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
    NAS_TRY(nas__axes_check(i, &axes, FILLED_MOST, "its result"));
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
