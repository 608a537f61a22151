/* onnx_build.c - an ONNX model in memory, as protobuf-c's structs, and written.
 *
 * The structs point at each other and at names; everything that the builder makes is in one list and goes with it. */
#include "onnx_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nas__onnx {
    void **blocks;
    size_t block_count, block_capacity;
    bool failed;
    Onnx__GraphProto graph;
    Onnx__StringStringEntryProto *metadata[8];
    size_t metadata_count;
};

nas_status nas__onnx_create(nas__onnx **onnx)
{
    *onnx = calloc(1, sizeof **onnx);
    if (!*onnx)
        NAS_FAIL(NAS_MEMORY, "no memory for an ONNX model");
    onnx__graph_proto__init(&(*onnx)->graph);
    return NAS_OK;
}

void nas__onnx_destroy(nas__onnx *onnx)
{
    if (!onnx)
        return;
    for (size_t i = 0; i < onnx->block_count; i++)
        free(onnx->blocks[i]);
    free(onnx->blocks);
    free(onnx->graph.node);
    free(onnx->graph.initializer);
    free(onnx);
}

/* Zeroed memory that goes with the builder; NULL, and the builder has failed. */
static void *take(nas__onnx *onnx, size_t size)
{
    if (onnx->block_count == onnx->block_capacity) {
        const size_t capacity = onnx->block_capacity ? 2 * onnx->block_capacity : 64;
        void **blocks = realloc(onnx->blocks, capacity * sizeof *blocks);
        if (!blocks) {
            onnx->failed = true;
            return NULL;
        }
        onnx->blocks = blocks;
        onnx->block_capacity = capacity;
    }
    void *block = calloc(1, size ? size : 1);
    if (block)
        onnx->blocks[onnx->block_count++] = block;
    onnx->failed = onnx->failed || !block;
    return block;
}

const char *nas__onnx_text(nas__onnx *onnx, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    nas_format_list(text, sizeof text, format, list);
    va_end(list);
    char *copy = take(onnx, strlen(text) + 1);
    return copy ? strcpy(copy, text) : "";
}

/* Room for one more in a growing array of pointers. */
static bool grow(nas__onnx *onnx, void ***items, size_t count)
{
    if (count & (count - 1)) /* grows at powers of two, and at 0 */
        return true;
    void **more = realloc(*items, (count ? 2 * count : 1) * sizeof *more);
    if (more)
        *items = more;
    onnx->failed = onnx->failed || !more;
    return more != NULL;
}

/* ---- nodes ------------------------------------------------------------------------------------------------- */

enum { ATTRIBUTES = 8 };

Onnx__NodeProto *nas__onnx_node(nas__onnx *onnx, const char *op, const char *output,
                                const char *const *inputs)
{
    size_t count = 0;
    while (inputs[count])
        count++;
    Onnx__NodeProto *node = take(onnx, sizeof *node);
    char **names = take(onnx, (count + 1) * sizeof *names);
    Onnx__AttributeProto **attributes = take(onnx, ATTRIBUTES * sizeof *attributes);
    if (!node || !names || !attributes ||
        !grow(onnx, (void ***)&onnx->graph.node, onnx->graph.n_node))
        return NULL;
    onnx__node_proto__init(node);
    for (size_t i = 0; i < count; i++)
        names[i] = (char *)(uintptr_t)inputs[i];
    names[count] = (char *)(uintptr_t)output;
    node->name = names[count];
    node->op_type = (char *)(uintptr_t)op;
    node->input = names;
    node->n_input = count;
    node->output = names + count;
    node->n_output = 1;
    node->attribute = attributes;
    onnx->graph.node[onnx->graph.n_node++] = node;
    return node;
}

static Onnx__AttributeProto *add_attribute(nas__onnx *onnx, Onnx__NodeProto *node, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = node ? take(onnx, sizeof *attribute) : NULL;
    if (!attribute || node->n_attribute == ATTRIBUTES) {
        onnx->failed = true;
        return NULL;
    }
    onnx__attribute_proto__init(attribute);
    attribute->name = (char *)(uintptr_t)name;
    attribute->has_type = true;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void nas__onnx_int(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute =
        add_attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!attribute)
        return;
    attribute->has_i = true;
    attribute->i = value;
}

void nas__onnx_ints(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, int count,
                    const int64_t *values)
{
    Onnx__AttributeProto *attribute =
        add_attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = attribute ? take(onnx, (size_t)count * sizeof *copy) : NULL;
    if (!copy)
        return;
    memcpy(copy, values, (size_t)count * sizeof *copy);
    attribute->n_ints = (size_t)count;
    attribute->ints = copy;
}

void nas__onnx_float(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *attribute =
        add_attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!attribute)
        return;
    attribute->has_f = true;
    attribute->f = value;
}

void nas__onnx_string(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, const char *value)
{
    Onnx__AttributeProto *attribute =
        add_attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (!attribute)
        return;
    attribute->has_s = true;
    attribute->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)(uintptr_t)value};
}

/* ---- constants --------------------------------------------------------------------------------------------- */

static void add_tensor(nas__onnx *onnx, const char *name, int32_t type, int rank,
                       const int64_t *dims, const void *values, size_t size)
{
    Onnx__TensorProto *tensor = take(onnx, sizeof *tensor);
    int64_t *copy_of_dims = take(onnx, (size_t)rank * sizeof *copy_of_dims);
    uint8_t *copy = take(onnx, size);
    if (!tensor || !copy_of_dims || !copy ||
        !grow(onnx, (void ***)&onnx->graph.initializer, onnx->graph.n_initializer))
        return;
    onnx__tensor_proto__init(tensor);
    if (rank > 0) /* a scalar has none, and `dims` may be NULL */
        memcpy(copy_of_dims, dims, (size_t)rank * sizeof *copy_of_dims);
    memcpy(copy, values, size); /* little endian, as the format wants it and this machine has it */
    tensor->name = (char *)(uintptr_t)name;
    tensor->has_data_type = true;
    tensor->data_type = type;
    tensor->n_dims = (size_t)rank;
    tensor->dims = copy_of_dims;
    tensor->has_raw_data = true;
    tensor->raw_data = (ProtobufCBinaryData){size, copy};
    onnx->graph.initializer[onnx->graph.n_initializer++] = tensor;
}

const char *nas__onnx_floats(nas__onnx *onnx, const char *name, int rank, const int64_t *dims,
                             const float *values)
{
    size_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= (size_t)dims[d];
    add_tensor(onnx, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, rank, dims, values,
               count * sizeof *values);
    return name;
}

const char *nas__onnx_numbers(nas__onnx *onnx, const char *name, int count, const int64_t *values)
{
    const int64_t dims[1] = {count};
    add_tensor(onnx, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, dims, values,
               (size_t)count * sizeof *values);
    return name;
}

/* ---- the model ---------------------------------------------------------------------------------------------- */

static Onnx__TensorShapeProto *shape_of(nas__onnx *onnx, int rank, const int64_t *dims)
{
    Onnx__TensorShapeProto *shape = take(onnx, sizeof *shape);
    Onnx__TensorShapeProto__Dimension **list = take(onnx, (size_t)(rank + 1) * sizeof *list);
    if (!shape || !list)
        return NULL;
    onnx__tensor_shape_proto__init(shape);
    for (int d = 0; d <= rank; d++) {
        list[d] = take(onnx, sizeof **list);
        if (!list[d])
            return NULL;
        onnx__tensor_shape_proto__dimension__init(list[d]);
        list[d]->value_case = d ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                                : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        if (d)
            list[d]->dim_value = dims[d - 1];
        else
            list[d]->dim_param = (char *)(uintptr_t) "batch";
    }
    shape->dim = list;
    shape->n_dim = (size_t)rank + 1;
    return shape;
}

/* A list of one. */
static Onnx__ValueInfoProto **value_of(nas__onnx *onnx, const char *name, int rank,
                                       const int64_t *dims)
{
    Onnx__ValueInfoProto **list = take(onnx, sizeof *list), *value = take(onnx, sizeof *value);
    Onnx__TypeProto *type = take(onnx, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = take(onnx, sizeof *tensor);
    Onnx__TensorShapeProto *shape = shape_of(onnx, rank, dims);
    if (!list || !value || !type || !tensor || !shape)
        return NULL;
    onnx__value_info_proto__init(value);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    value->name = (char *)(uintptr_t)name;
    value->type = type;
    list[0] = value;
    return list;
}

void nas__onnx_input(nas__onnx *onnx, const char *name, int rank, const int64_t *dims)
{
    onnx->graph.input = value_of(onnx, name, rank, dims);
    onnx->graph.n_input = onnx->graph.input ? 1 : 0;
}

void nas__onnx_output(nas__onnx *onnx, const char *name, int rank, const int64_t *dims)
{
    onnx->graph.output = value_of(onnx, name, rank, dims);
    onnx->graph.n_output = onnx->graph.output ? 1 : 0;
}

void nas__onnx_metadata(nas__onnx *onnx, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = take(onnx, sizeof *entry);
    if (!entry || onnx->metadata_count == sizeof onnx->metadata / sizeof *onnx->metadata)
        return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = (char *)(uintptr_t)key;
    entry->value = (char *)(uintptr_t)value;
    onnx->metadata[onnx->metadata_count++] = entry;
}

nas_status nas__onnx_write(nas__onnx *onnx, const char *path)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *opsets[1] = {&opset};
    if (onnx->failed)
        NAS_FAIL(NAS_MEMORY, "no memory for an ONNX model");
    opset.domain = (char *)(uintptr_t) "";
    opset.has_version = true;
    opset.version = 13;
    onnx->graph.name = (char *)(uintptr_t) "network";
    model.has_ir_version = true;
    model.ir_version = 7;
    model.producer_name = (char *)(uintptr_t) "clnas";
    model.opset_import = opsets;
    model.n_opset_import = 1;
    model.graph = &onnx->graph;
    model.metadata_props = onnx->metadata;
    model.n_metadata_props = onnx->metadata_count;
    const size_t size = onnx__model_proto__get_packed_size(&model);
    if (size > INT32_MAX)
        NAS_FAIL(NAS_DATA, "%s: over 2 GiB, which is more than the format holds", path);
    uint8_t *data = malloc(size);
    if (!data)
        NAS_FAIL(NAS_MEMORY, "no memory for an ONNX model");
    onnx__model_proto__pack(&model, data);
    const nas_status status = nas_file_replace(path, data, size);
    free(data);
    return status;
}
