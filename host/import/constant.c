/* constant.c - tensors of the file as constants, and how they stand against a value's axes.
 *
 * What a tensor says of its size is believed when its data have that size.  float32 is lent as it lies in the file, float16 and float64
 * become float32, whole numbers of any width become int64. */
#include "importing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t nas__axes_product(const nas__axes *axes, int from, int to)
{
    int64_t product = 1;
    for (int k = from; k < to; k++)
        product *= axes->length[k];
    return product;
}

int64_t nas__axes_count(const nas__axes *axes)
{
    return nas__axes_product(axes, 0, axes->rank);
}

/* Everything before an axis, the axis, everything behind. */
nas_shape nas__around(const nas__axes *axes, int axis)
{
    return (nas_shape){(int)nas__axes_product(axes, 0, axis), (int)axes->length[axis],
                       (int)nas__axes_product(axes, axis + 1, axes->rank)};
}

nas_status nas__axes_check(const nas__importing *i, const nas__axes *axes, int64_t most,
                           const char *what)
{
    int64_t count = 1;
    if (axes->rank > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "%s has %d axes, %d are supported", what, axes->rank, NAS__RANK);
    for (int k = 0; k < axes->rank; k++) {
        if (axes->length[k] < 0)
            NAS__REFUSE(i, NAS_DATA, "%s has an axis of %lld", what, (long long)axes->length[k]);
        if (axes->length[k] > 0 && count > most / axes->length[k])
            NAS__REFUSE(i, NAS_DATA, "%s has more than %lld values", what, (long long)most);
        count *= axes->length[k];
    }
    return NAS_OK;
}

void nas__constant_clear(nas__constant *constant)
{
    free(constant->owned);
    *constant = (nas__constant){.owned = NULL};
}

static nas_status make_room(const nas__axes *axes, nas__constant *constant, size_t size)
{
    *constant = (nas__constant){.axes = *axes};
    constant->owned = calloc((size_t)nas__axes_count(axes) + 1, size);
    if (!constant->owned)
        NAS_FAIL(NAS_MEMORY, "no memory for a constant of %lld values",
                 (long long)nas__axes_count(axes));
    return NAS_OK;
}

nas_status nas__constant_floats(const nas__axes *axes, nas__constant *constant, float **values)
{
    NAS_TRY(make_room(axes, constant, sizeof **values));
    constant->floats = *values = constant->owned;
    return NAS_OK;
}

nas_status nas__constant_numbers(const nas__axes *axes, nas__constant *constant, int64_t **values)
{
    NAS_TRY(make_room(axes, constant, sizeof **values));
    constant->numbers = *values = constant->owned;
    return NAS_OK;
}

/* ---- out of the file ---------------------------------------------------------------------------------------- */

static float half_value(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(fraction, -24)
                                        : ldexp(1024 + fraction, exponent - 25);
    return (float)(bits >> 15 ? -size : size);
}

/* Element k of `width` bytes, little endian as the format has it; this machine is, too. */
static double raw_real(const uint8_t *data, int32_t type, size_t k)
{
    float single;
    double wide;
    uint16_t half;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        memcpy(&single, data + 4 * k, 4);
        return (double)single;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        memcpy(&wide, data + 8 * k, 8);
        return wide;
    default:
        memcpy(&half, data + 2 * k, 2);
        return (double)half_value(half);
    }
}

static int64_t raw_number(const uint8_t *data, int32_t type, size_t k)
{
    int64_t wide;
    int32_t middle;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        memcpy(&wide, data + 8 * k, 8);
        return wide;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        memcpy(&middle, data + 4 * k, 4);
        return middle;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return (int8_t)data[k];
    default:
        return data[k];
    }
}

/* Bytes of an element; 0: a type that is not read.  `real`: it becomes float32. */
static size_t width_of(int32_t type, bool *real)
{
    *real = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
            type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
            type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return 8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        return 1;
    default:
        return 0;
    }
}

static size_t listed_count(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return t->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return t->n_int64_data;
    default:
        return t->n_int32_data;
    }
}

static double listed_real(const Onnx__TensorProto *t, size_t k)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return (double)t->float_data[k];
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return t->double_data[k];
    default:
        return (double)half_value((uint16_t)t->int32_data[k]);
    }
}

static nas_status read_reals(const Onnx__TensorProto *t, const nas__axes *axes, bool raw,
                             nas__constant *constant)
{
    const size_t count = (size_t)nas__axes_count(axes);
    float *values;
    if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && count > 0) { /* as it lies there */
        *constant = (nas__constant){.axes = *axes,
                                    .floats = raw ? (const float *)(const void *)t->raw_data.data
                                                  : t->float_data};
        return NAS_OK;
    }
    NAS_TRY(nas__constant_floats(axes, constant, &values));
    for (size_t k = 0; k < count; k++)
        values[k] = (float)(raw ? raw_real(t->raw_data.data, t->data_type, k) : listed_real(t, k));
    return NAS_OK;
}

static nas_status read_numbers(const Onnx__TensorProto *t, const nas__axes *axes, bool raw,
                               nas__constant *constant)
{
    const bool wide = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    int64_t *values;
    NAS_TRY(nas__constant_numbers(axes, constant, &values));
    for (size_t k = 0; k < (size_t)nas__axes_count(axes); k++)
        values[k] = raw    ? raw_number(t->raw_data.data, t->data_type, k)
                    : wide ? t->int64_data[k]
                           : t->int32_data[k];
    return NAS_OK;
}

nas_status nas__constant_read(const nas__importing *i, const Onnx__TensorProto *t,
                              nas__constant *constant)
{
    nas__axes axes = {.rank = (int)(t->n_dims < 100 ? t->n_dims : 100)};
    char shown[64];
    bool real;
    const size_t width = width_of(t->data_type, &real);
    for (int k = 0; k < axes.rank && k < NAS__RANK; k++)
        axes.length[k] = t->dims[k];
    nas__printable(t->name ? t->name : "", shown);
    if (t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        NAS__REFUSE(i, NAS_CONFIG, "tensor \"%s\" lies in another file; save the model as one file",
                    shown);
    if (!width || t->segment)
        NAS__REFUSE(i, NAS_CONFIG, "tensor \"%s\" has data of type %d, which is not read", shown,
                    t->data_type);
    NAS_TRY(nas__axes_check(i, &axes, INT32_MAX, "a tensor"));
    const size_t count = (size_t)nas__axes_count(&axes);
    const bool raw = t->has_raw_data && t->raw_data.len > 0;
    if (raw ? t->raw_data.len != count * width : listed_count(t) != count)
        NAS__REFUSE(i, NAS_DATA, "tensor \"%s\" says that it has %zu values, and has others", shown,
                    count);
    return real ? read_reals(t, &axes, raw, constant) : read_numbers(t, &axes, raw, constant);
}

/* ---- broadcasting ------------------------------------------------------------------------------------------- */

/* Strides of the constant along `axes`, 0 where it is the same all along; false: it does not fit. */
static bool strides_of(const nas__importing *i, const nas__constant *constant,
                       const nas__axes *axes, int64_t strides[NAS__RANK])
{
    const nas__axes *own = &constant->axes;
    int64_t stride = 1;
    for (int k = 0; k < NAS__RANK; k++)
        strides[k] = 0;
    for (int k = 1; k <= own->rank; k++) {
        const int64_t length = own->length[own->rank - k];
        const int at = axes->rank - k;
        if (length != 1 && (at < 0 || axes->length[at] != length))
            return false;
        if (at < -nas__batch_axes(i))
            return false;
        if (at >= 0 && length != 1)
            strides[at] = stride;
        stride *= length;
    }
    return true;
}

bool nas__constant_by_channel(const nas__importing *i, const nas__constant *constant,
                              const nas__axes *axes)
{
    int64_t strides[NAS__RANK];
    if (!strides_of(i, constant, axes, strides))
        return false;
    for (int k = 1; k < axes->rank; k++)
        if (strides[k])
            return false;
    return true;
}

nas_status nas__constant_expand(nas__importing *i, const nas__constant *constant,
                                const nas__axes *axes, float **values)
{
    const int64_t count = nas__axes_count(axes);
    int64_t strides[NAS__RANK];
    *values = NULL;
    if (!strides_of(i, constant, axes, strides))
        NAS__REFUSE(i, NAS_CONFIG,
                    "a constant of %d axes does not stand against the value as one sample's, or "
                    "differs from sample to sample",
                    constant->axes.rank);
    *values = malloc((size_t)count * sizeof **values + 1);
    if (!*values)
        NAS_FAIL(NAS_MEMORY, "no memory for a constant of %lld values", (long long)count);
    for (int64_t at = 0; at < count; at++) {
        int64_t rest = at, from = 0;
        for (int k = axes->rank - 1; k >= 0; k--) {
            from += rest % axes->length[k] * strides[k];
            rest /= axes->length[k];
        }
        (*values)[at] = constant->floats[from];
    }
    return NAS_OK;
}
