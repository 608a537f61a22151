/* layers.c - what kinds of layers are called and which numbers each of them has: one table for all that is written for readers, the
 * comments of C files, JSON and pictures. */
#include "exporter.h"

#include <string.h>

enum {
    KERNEL = 1,
    STRIDE = 2,
    PADDING = 4,
    DILATION = 8,
    GROUPS = 16,
    FIRST = 32,
    FROM = 64,
    FACTOR = 128,
    ORDER = 256,
    BEFORE = 512,
    AFTER = 1024,
    AXIS = 2048,
    WINDOW = KERNEL | STRIDE | PADDING
};

const nas__layer_number nas__layer_numbers[NAS__LAYER_NUMBERS] = {
    {"kernel", offsetof(nas_layer, kernel), 2, 0},
    {"stride", offsetof(nas_layer, stride), 2, 1},
    {"padding", offsetof(nas_layer, padding), 2, 0},
    {"dilation", offsetof(nas_layer, dilation), 1, 1},
    {"groups", offsetof(nas_layer, groups), 1, 1},
    {"first", offsetof(nas_layer, first), 2, 0},
    {"from", offsetof(nas_layer, from), 1, 0},
    {"factor", offsetof(nas_layer, factor), 1, 0},
    {"order", offsetof(nas_layer, order), 3, -1},
    {"before", offsetof(nas_layer, before), 3, 0},
    {"after", offsetof(nas_layer, after), 3, 0},
    {"axis", offsetof(nas_layer, axis), 1, 0},
};

/* Of the kinds that models have: layers that act in training alone are not among them, but for the input. */
static const nas__layer_row rows[] = {
    [NAS_LAYER_IDENTITY] = {"input", NAS__GROUP_INPUT, 0},
    [NAS_LAYER_CONVOLUTION] = {"convolution", NAS__GROUP_WEIGHTS, WINDOW | DILATION | GROUPS},
    [NAS_LAYER_DENSE] = {"dense", NAS__GROUP_WEIGHTS, 0},
    [NAS_LAYER_MAX_POOL] = {"max_pool", NAS__GROUP_POOL, WINDOW},
    [NAS_LAYER_AVERAGE_POOL] = {"average_pool", NAS__GROUP_POOL, WINDOW},
    [NAS_LAYER_GLOBAL_AVERAGE] = {"global_average", NAS__GROUP_POOL, 0},
    [NAS_LAYER_NORM] = {"norm", NAS__GROUP_NORM, 0},
    [NAS_LAYER_ACTIVATION] = {"activation", NAS__GROUP_ACTIVATION, 0},
    [NAS_LAYER_ADD] = {"add", NAS__GROUP_JOINT, 0},
    [NAS_LAYER_MUL] = {"mul", NAS__GROUP_JOINT, 0},
    [NAS_LAYER_CONCAT] = {"concat", NAS__GROUP_JOINT, 0},
    [NAS_LAYER_SLICE] = {"slice", NAS__GROUP_MOVE, FROM},
    [NAS_LAYER_SUBSAMPLE] = {"subsample", NAS__GROUP_MOVE, STRIDE | FIRST},
    [NAS_LAYER_SHUFFLE] = {"shuffle", NAS__GROUP_MOVE, GROUPS},
    [NAS_LAYER_UPSAMPLE] = {"upsample", NAS__GROUP_MOVE, FACTOR},
    [NAS_LAYER_ZERO] = {"zero", NAS__GROUP_MOVE, 0},
    [NAS_LAYER_RESHAPE] = {"reshape", NAS__GROUP_MOVE, 0},
    [NAS_LAYER_TRANSPOSE] = {"transpose", NAS__GROUP_MOVE, ORDER},
    [NAS_LAYER_PAD] = {"pad", NAS__GROUP_MOVE, BEFORE | AFTER},
    [NAS_LAYER_SOFTMAX] = {"softmax", NAS__GROUP_ACTIVATION, AXIS},
    [NAS_LAYER_FUNCTION] = {"function", NAS__GROUP_ACTIVATION, 0},
};

const nas__layer_row *nas__layer_row_of(nas_layer_kind kind)
{
    return &rows[kind];
}

void nas__layer_number_of(const nas_layer *layer, int number, int values[NAS__LAYER_NUMBER_SIZE])
{
    const nas__layer_number *row = &nas__layer_numbers[number];
    memcpy(values, (const char *)layer + row->at, (size_t)row->count * sizeof *values);
}
