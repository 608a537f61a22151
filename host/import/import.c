/* import.c - an ONNX model as a model file of clnas: the file, its input, its nodes in order, its output.
 *
 * Nodes are read once, from first to last, as the format demands them to stand: each finds its inputs given, adds to our graph, and
 * gives its output.  What the output does not need is left out at the end.  Nothing in the file is believed before it is looked
 * at: lengths and nesting (wire.c), sizes of tensors against their data (constant.c), names (value.c), axes (here and in
 * every reader).
 *
 * Our own exports begin with the preprocessing as a product and a sum, and say the same in their metadata.  Where both agree, the two nodes are
 * taken off again: then the network reads prepared samples as every network here does, and what is known of the preparation stays known. */
#include "importing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST_OPSET = 1, NEWEST_OPSET = 22 };

/* ---- messages ----------------------------------------------------------------------------------------------------- */

const char *nas__printable(const char *name, char text[64])
{
    size_t at = 0;
    for (; name[at] && at < 60; at++)
        text[at] = (unsigned char)name[at] < 32 || name[at] == 127 ? '?' : name[at];
    text[at] = '\0';
    return text;
}

nas_status nas__refuse(const nas__importing *i, nas_status status, const char *format, ...)
{
    char what[512], name[64], op[64];
    va_list list;
    va_start(list, format);
    nas_format_list(what, sizeof what, format, list);
    va_end(list);
    if (!i->at)
        return nas_error_set(status, __FILE__, __LINE__, "%s: %s", i->path, what);
    nas__printable(i->at->name ? i->at->name : "", name);
    nas__printable(i->at->op_type ? i->at->op_type : "", op);
    return nas_error_set(status, __FILE__, __LINE__, "%s: node %d \"%s\" (%s): %s", i->path,
                         i->number, name, op, what);
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

/* safetensors begin with a length of eight bytes and a brace; a model with a field: its version, its producer, its graph. */
bool nas_is_onnx(const char *path)
{
    unsigned char head[9] = {0};
    FILE *file = fopen(path, "rb");
    const size_t count = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    const int field = head[0] >> 3, type = head[0] & 7;
    const bool begins = (field == 1 && type == 0) || (field >= 2 && field <= 8 && type == 2);
    return count >= 2 && begins && !(count == 9 && head[8] == '{' && head[7] == 0);
}

static nas_status open_file(nas__importing *i)
{
    void *data;
    size_t size;
    NAS_TRY(nas_file_read(i->path, INT32_MAX, &data, &size));
    nas_status status = nas__wire_check(data, size, i->path);
    if (status == NAS_OK) {
        i->model = onnx__model_proto__unpack(NULL, size, data);
        if (!i->model)
            status =
                nas_error_set(NAS_DATA, __FILE__, __LINE__,
                              "%s: damaged, or no ONNX model: protobuf cannot read it", i->path);
    }
    free(data);
    return status;
}

static nas_status check_model(nas__importing *i)
{
    const Onnx__ModelProto *model = i->model;
    if (!model->graph || model->graph->n_node == 0)
        NAS__REFUSE(i, NAS_DATA, "there is no graph in it, or an empty one");
    if (model->graph->n_node > NAS__NODES)
        NAS__REFUSE(i, NAS_CONFIG, "%zu nodes; up to %d are supported", model->graph->n_node,
                    NAS__NODES);
    for (size_t k = 0; k < model->n_opset_import; k++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[k];
        if (!set->domain || !set->domain[0] || strcmp(set->domain, "ai.onnx") == 0)
            i->opset = set->version;
    }
    if (i->opset < OLDEST_OPSET || i->opset > NEWEST_OPSET)
        NAS__REFUSE(i, NAS_CONFIG,
                    "opset %lld; %d to %d are read; export it with one of those, or convert it "
                    "(onnx.version_converter)",
                    (long long)i->opset, OLDEST_OPSET, NEWEST_OPSET);
    return NAS_OK;
}

/* ---- input and output --------------------------------------------------------------------------------------------- */

static nas_status give_initializers(nas__importing *i)
{
    const Onnx__GraphProto *graph = i->model->graph;
    for (size_t k = 0; k < graph->n_initializer; k++) {
        nas__constant constant;
        NAS_TRY(nas__constant_read(i, graph->initializer[k], &constant));
        NAS_TRY(nas__value_give_constant(i, graph->initializer[k]->name, &constant));
    }
    return NAS_OK;
}

/* The one input that is no initializer, which old models list, too. */
static nas_status find_input(nas__importing *i, const Onnx__ValueInfoProto **input)
{
    const Onnx__GraphProto *graph = i->model->graph;
    char first[64], second[64];
    *input = NULL;
    for (size_t k = 0; k < graph->n_input; k++) {
        const nas__value *value = nas__value_find(i, graph->input[k]->name);
        if (!value)
            NAS__REFUSE(i, NAS_DATA, "an input has no name");
        if (value->known)
            continue;
        if (*input)
            NAS__REFUSE(i, NAS_CONFIG,
                        "inputs \"%s\" and \"%s\"; models of one input are supported",
                        nas__printable((*input)->name, first), nas__printable(value->name, second));
        *input = graph->input[k];
    }
    if (!*input)
        NAS__REFUSE(i, NAS_CONFIG, "it has no input");
    return NAS_OK;
}

static nas_status read_axes(nas__importing *i, const Onnx__ValueInfoProto *input, nas__axes *axes)
{
    const Onnx__TypeProto__Tensor *tensor =
        input->type && input->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
            ? input->type->tensor_type
            : NULL;
    const Onnx__TensorShapeProto *shape = tensor ? tensor->shape : NULL;
    const size_t batch = (size_t)nas__batch_axes(i);
    char shown[64];
    nas__printable(input->name, shown);
    if (!tensor || tensor->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        NAS__REFUSE(i, NAS_CONFIG, "input \"%s\" has type %d; float32 (1) is supported", shown,
                    tensor ? tensor->elem_type : 0);
    if (!shape || shape->n_dim < batch || shape->n_dim > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "input \"%s\" has no axes, or over %d", shown, NAS__RANK);
    *axes = (nas__axes){.rank = 0};
    i->batch = NAS__BATCH;
    for (size_t k = 0; k < shape->n_dim; k++) {
        const Onnx__TensorShapeProto__Dimension *d = shape->dim[k];
        const bool fixed = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                           d->dim_value > 0;
        if (k < batch) {
            i->batch = fixed ? d->dim_value : NAS__BATCH;
            continue;
        }
        if (!fixed)
            NAS__REFUSE(i, NAS_CONFIG,
                        "axis %zu of input \"%s\" has no length; export the model for one size of "
                        "images",
                        k, shown);
        axes->length[axes->rank++] = d->dim_value;
    }
    return nas__axes_check(i, axes, NAS__VALUES_MOST, "the input");
}

static nas_status give_input(nas__importing *i, const char **name)
{
    const Onnx__ValueInfoProto *input;
    nas__axes axes;
    NAS_TRY(find_input(i, &input));
    NAS_TRY(read_axes(i, input, &axes));
    NAS_TRY(nas_graph_init(&i->graph, nas__image_of(&axes)));
    *name = input->name;
    i->pending = calloc(64, sizeof *i->pending);
    i->readers = calloc(64, sizeof *i->readers);
    i->capacity = 64;
    if (!i->pending || !i->readers)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for nodes", i->path);
    return nas__value_give_node(i, input->name, 0, &axes);
}

static nas_status find_output(nas__importing *i, int *node)
{
    const Onnx__GraphProto *graph = i->model->graph;
    char shown[64];
    if (graph->n_output < 1)
        NAS__REFUSE(i, NAS_DATA, "it has no output");
    const nas__value *value = nas__value_find(i, graph->output[0]->name);
    if (!value || !value->known)
        NAS__REFUSE(i, NAS_DATA, "no node gives its output \"%s\"",
                    nas__printable(value ? value->name : "", shown));
    if (value->constant)
        NAS__REFUSE(i, NAS_CONFIG, "its output \"%s\" is a constant",
                    nas__printable(value->name, shown));
    if (graph->n_output > 1)
        nas_log(NAS_LOG_WARNING, "%s has %zu outputs; the first, \"%s\", is the network's", i->path,
                graph->n_output, nas__printable(value->name, shown));
    NAS_TRY(nas__shaped(i, value->node, nas__image_of(&value->axes), node));
    if (*node == 0) /* a network has a layer */
        NAS_TRY(nas__emit_one(i, "reshape", 0, node, "height = %d; width = %d",
                              nas__image_of(&value->axes).h, nas__image_of(&value->axes).w));
    return NAS_OK;
}

/* ---- nodes --------------------------------------------------------------------------------------------------------- */

typedef struct known_operator {
    const char *op;
    nas__reader read;
} known_operator;

static const known_operator operators[] = {
#define NAS_ONNX(op, reader) {#op, nas__read_##reader},
#include "operator_list.h"
#undef NAS_ONNX
};

static nas_status check_inputs(nas__importing *i)
{
    char shown[64];
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__value *value = nas__input(i, k);
        if (value && !value->known)
            NAS__REFUSE(i, NAS_DATA,
                        "it reads \"%s\", which nothing before it gives; are its nodes in order?",
                        nas__printable(value->name, shown));
    }
    return NAS_OK;
}

static nas_status read_node(nas__importing *i)
{
    bool done;
    const char *op = i->at->op_type;
    if (!op)
        NAS__REFUSE(i, NAS_DATA, "it has no operator");
    if (i->at->domain && i->at->domain[0] && strcmp(i->at->domain, "ai.onnx") != 0)
        NAS__REFUSE(i, NAS_CONFIG, "an operator of another domain than ONNX's own");
    NAS_TRY(check_inputs(i));
    NAS_TRY(nas__fold(i, &done));
    for (size_t k = 0; !done && k < sizeof operators / sizeof *operators; k++)
        if (strcmp(op, operators[k].op) == 0) {
            NAS_TRY(operators[k].read(i));
            done = true;
        }
    if (!done)
        NAS__REFUSE(i, NAS_CONFIG,
                    "this operator is not supported; docs/recipes/import.md lists those "
                    "that are");
    for (int k = 0; k < nas__input_count(i); k++) { /* these uses are past */
        nas__value *value = nas__input(i, k);
        if (value && !value->constant)
            i->pending[value->node]--;
        if (value)
            value->uses--;
    }
    return NAS_OK;
}

/* ---- our own exports ------------------------------------------------------------------------------------------------ */

static const char *metadata_of(const nas__importing *i, const char *key)
{
    for (size_t k = 0; k < i->model->n_metadata_props; k++) {
        const Onnx__StringStringEntryProto *entry = i->model->metadata_props[k];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

/* Node `number` as `input` combined with a constant of these numbers; NULL: it is something else.  Else its output. */
static const char *prefix_output(nas__importing *i, size_t number, const char *op,
                                 const char *input, const float *numbers, int count)
{
    const Onnx__NodeProto *node = i->model->graph->node[number];
    if (!node->op_type || strcmp(node->op_type, op) != 0 || node->n_input != 2 ||
        node->n_output != 1 || strcmp(node->input[0], input) != 0)
        return NULL;
    const nas__value *constant = nas__value_find(i, node->input[1]);
    if (!constant || !constant->constant || !constant->is.floats ||
        nas__axes_count(&constant->is.axes) != count ||
        memcmp(constant->is.floats, numbers, (size_t)count * sizeof *numbers) != 0)
        return NULL;
    return node->output[0];
}

/* Takes the two nodes off where they do what `mapping` says: [scale of each channel, then shift of each]. */
static nas_status take_nodes(nas__importing *i, const char *input, const float *mapping,
                             size_t *taken)
{
    const int channels = i->graph.nodes[0].shape.c;
    const nas__value *raw = nas__value_find(i, input);
    const char *scaled = prefix_output(i, 0, "Mul", input, mapping, channels);
    const char *prepared =
        scaled ? prefix_output(i, 1, "Add", scaled, mapping + channels, channels) : NULL;
    if (!prepared || raw->uses != 1 || nas__value_find(i, scaled)->uses != 1)
        return NAS_OK;
    *taken = 2;
    i->prepares = true;
    i->pending[0] = 0;
    return nas__value_give_node(i, prepared, 0, &raw->axes);
}

/* How many nodes were taken off: 2 or none. */
static nas_status take_preparation(nas__importing *i, const char *input, size_t *taken)
{
    const char *text = metadata_of(i, "preprocessing");
    nas_preprocessing p;
    float *mapping = NULL;
    *taken = 0;
    if (!text || i->model->graph->n_node < 3 || i->options.whole)
        return NAS_OK;
    NAS_TRY(nas_preprocessing_read(text, i->path, &p));
    nas_status status = nas_preprocessing_check(&p, i->path, i->graph.nodes[0].shape);
    if (status == NAS_OK)
        status = nas_preprocessing_mapping(&p, &mapping);
    if (status == NAS_OK)
        status = take_nodes(i, input, mapping, taken);
    free(mapping);
    nas_preprocessing_clear(&p);
    return status;
}

static nas_status add_texts(const nas__importing *i, nas_safetensors *content)
{
    static const char *const keys[] = {"preprocessing", "postprocessing", "classes", "columns"};
    for (int k = 0; k < 4; k++) {
        const char *text = metadata_of(i, keys[k]);
        if (text && (k > 0 || i->prepares))
            NAS_TRY(nas__add_metadata(content, keys[k], text));
    }
    return NAS_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static nas_status read_model(nas__importing *i, nas_safetensors *content)
{
    const char *input;
    size_t taken;
    int output;
    NAS_TRY(open_file(i));
    NAS_TRY(check_model(i));
    NAS_TRY(nas__values_create(i));
    NAS_TRY(give_initializers(i));
    NAS_TRY(give_input(i, &input));
    NAS_TRY(take_preparation(i, input, &taken));
    for (size_t n = taken; n < i->model->graph->n_node; n++) {
        i->at = i->model->graph->node[n];
        i->number = (int)n;
        NAS_TRY(read_node(i));
    }
    i->at = NULL;
    NAS_TRY(find_output(i, &output));
    NAS_TRY(nas__emit_result(i, output, content));
    return add_texts(i, content);
}

nas_status nas_import_onnx(const char *path, const nas_import_options *options,
                           nas_safetensors *content)
{
    nas__importing i = {.path = path, .options = options ? *options : (nas_import_options){0}};
    *content = (nas_safetensors){0};
    const nas_status status = read_model(&i, content);
    nas__values_destroy(&i);
    nas__emit_clear(&i);
    if (i.model)
        onnx__model_proto__free_unpacked(i.model, NULL);
    if (status != NAS_OK)
        nas_safetensors_clear(content);
    return status;
}
