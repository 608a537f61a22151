/* emit.c - nodes of our graph with their weights, while a model is read, and the result as a model file of clnas has it.
 *
 * Two rules keep the graph near to what a person would have written: a value is brought into another shape only when an operator
 * needs that shape, and a scale or a shift goes into the weights before it where those serve nobody else. */
#include "importing.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- nodes -------------------------------------------------------------------------------------------------- */

nas_shape nas__shape_of(const nas__importing *i, int node)
{
    return i->graph.nodes[node].shape;
}

static nas_status grow_nodes(nas__importing *i)
{
    if (i->graph.count < i->capacity)
        return NAS_OK;
    const int capacity = i->capacity ? 2 * i->capacity : 64;
    int *pending = realloc(i->pending, (size_t)capacity * sizeof *pending);
    if (pending)
        i->pending = pending;
    int *readers = realloc(i->readers, (size_t)capacity * sizeof *readers);
    if (readers)
        i->readers = readers;
    if (!pending || !readers)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %d nodes", i->path, capacity);
    memset(pending + i->capacity, 0, (size_t)(capacity - i->capacity) * sizeof *pending);
    memset(readers + i->capacity, 0, (size_t)(capacity - i->capacity) * sizeof *readers);
    i->capacity = capacity;
    return NAS_OK;
}

static nas_status emit(nas__importing *i, const char *op, const int *inputs, int count, int *node,
                       const char *options, va_list list)
{
    char text[512] = "";
    if (options)
        nas_format_list(text, sizeof text, options, list);
    if (i->graph.count >= NAS__NODES)
        NAS__REFUSE(i, NAS_CONFIG, "the network has over %d layers", NAS__NODES);
    NAS_TRY(grow_nodes(i));
    const nas_status status = nas_graph_add(&i->graph, op, inputs, count, node, "%s", text);
    if (status != NAS_OK) {
        char why[512];
        snprintf(why, sizeof why, "%s", nas_error_message());
        NAS__REFUSE(i, status, "as our %s: %s", op, why);
    }
    if (nas_shape_count(nas__shape_of(i, *node)) > NAS__VALUES_MOST)
        NAS__REFUSE(i, NAS_DATA, "its result has more than %d values", NAS__VALUES_MOST);
    for (int k = 0; k < count; k++)
        i->readers[inputs[k]]++;
    return grow_nodes(i);
}

nas_status nas__emit(nas__importing *i, const char *op, const int *inputs, int count, int *node,
                     const char *options, ...)
{
    va_list list;
    va_start(list, options);
    const nas_status status = emit(i, op, inputs, count, node, options, list);
    va_end(list);
    return status;
}

nas_status nas__emit_one(nas__importing *i, const char *op, int input, int *node,
                         const char *options, ...)
{
    va_list list;
    va_start(list, options);
    const nas_status status = emit(i, op, &input, 1, node, options, list);
    va_end(list);
    return status;
}

nas_shape nas__image_of(const nas__axes *axes)
{
    nas_shape shape = {1, 1, 1};
    if (axes->rank > 0)
        shape.c = (int)axes->length[0];
    if (axes->rank > 2)
        shape.h = (int)axes->length[1];
    if (axes->rank > 1)
        shape.w = (int)nas__axes_product(axes, axes->rank > 2 ? 2 : 1, axes->rank);
    return shape;
}

nas_status nas__shaped(nas__importing *i, int node, nas_shape shape, int *result)
{
    const nas_shape now = nas__shape_of(i, node);
    *result = node;
    if (now.c == shape.c && now.h == shape.h && now.w == shape.w)
        return NAS_OK;
    return nas__emit_one(i, "reshape", node, result, "channels = %d; height = %d; width = %d",
                         shape.c, shape.h, shape.w);
}

/* ---- weights ------------------------------------------------------------------------------------------------ */

static bool wants(const nas__importing *i, int node, const char *name, uint64_t count)
{
    nas_parameter list[NAS_OP_PARAMETERS];
    const int parameters = nas_node_parameters(&i->graph, node, list);
    for (int p = 0; p < parameters; p++)
        if (strcmp(list[p].name, name) == 0)
            return nas_parameter_count(&list[p]) == count;
    return false;
}

nas_status nas__weigh_room(nas__importing *i, int node, const char *name, uint64_t count,
                           float **values)
{
    if (!wants(i, node, name, count))
        NAS__REFUSE(i, NAS_DATA, "its %s has %llu values, and the layer has another size", name,
                    (unsigned long long)count);
    i->weight_floats += count;
    if (i->weight_floats > NAS__WEIGHTS_MOST)
        NAS__REFUSE(i, NAS_DATA, "over %d weights, more than a file of ONNX can hold",
                    NAS__WEIGHTS_MOST);
    if (i->weight_count == i->weight_capacity) {
        const int capacity = i->weight_capacity ? 2 * i->weight_capacity : 64;
        nas__weight *more = realloc(i->weights, (size_t)capacity * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "%s: no memory for %d weights", i->path, capacity);
        i->weights = more;
        i->weight_capacity = capacity;
    }
    nas__weight *weight = &i->weights[i->weight_count];
    *weight = (nas__weight){.node = node, .count = count, .values = calloc(count, sizeof(float))};
    if (!weight->values)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %llu weights", i->path, (unsigned long long)count);
    snprintf(weight->name, sizeof weight->name, "%s", name);
    i->weight_count++;
    *values = weight->values;
    return NAS_OK;
}

nas_status nas__weigh(nas__importing *i, int node, const char *name, const float *values,
                      uint64_t count)
{
    float *room;
    for (uint64_t k = 0; k < count; k++)
        if (!isfinite(values[k]))
            NAS__REFUSE(i, NAS_DATA, "its %s has numbers that are not finite", name);
    NAS_TRY(nas__weigh_room(i, node, name, count, &room));
    memcpy(room, values, count * sizeof *room);
    return NAS_OK;
}

static nas__weight *weight_of(const nas__importing *i, int node, const char *name)
{
    for (int k = i->weight_count - 1; k >= 0 && i->weights[k].node >= node; k--)
        if (i->weights[k].node == node && strcmp(i->weights[k].name, name) == 0)
            return &i->weights[k];
    return NULL;
}

/* ---- scale and shift ------------------------------------------------------------------------------------------ */

static bool shifts(const float *shift, int count)
{
    for (int c = 0; c < count; c++)
        if (shift[c] != 0)
            return true;
    return false;
}

/* Into the weights that made x.  false: they serve others, too, or there are none. */
static bool merge(nas__importing *i, int x, const float *scale, const float *shift)
{
    const int channels = nas__shape_of(i, x).c;
    nas__weight *weight = weight_of(i, x, "weight"), *bias = weight_of(i, x, "bias");
    if (!weight || weight->count % (uint64_t)channels || i->pending[x] > 1 || i->readers[x] > 0 ||
        (!bias && shifts(shift, channels)))
        return false;
    const uint64_t per = weight->count / (uint64_t)channels;
    for (uint64_t k = 0; k < weight->count; k++)
        weight->values[k] *= scale[k / per];
    for (int c = 0; bias && c < channels; c++)
        bias->values[c] = bias->values[c] * scale[c] + shift[c];
    return true;
}

static bool is_all(const float *values, uint64_t count, float value)
{
    for (uint64_t k = 0; k < count; k++)
        if (values[k] != value)
            return false;
    return true;
}

bool nas__is_affine(const nas__importing *i, int node, float scale, float shift)
{
    const nas_node *n = &i->graph.nodes[node];
    const nas__weight *weight = weight_of(i, node, "weight"), *bias = weight_of(i, node, "bias");
    return weight && bias && strcmp(n->op->kind.name, "conv2d") == 0 &&
           weight->count == (uint64_t)n->shape.c &&
           nas_shape_count(nas__shape_of(i, n->inputs[0])) == nas_shape_count(n->shape) &&
           is_all(weight->values, weight->count, scale) && is_all(bias->values, bias->count, shift);
}

nas_status nas__affine(nas__importing *i, int x, const float *scale, const float *shift, int *node)
{
    const int channels = nas__shape_of(i, x).c;
    *node = x;
    if (merge(i, x, scale, shift)) {
        if (nas__is_affine(i, x, 1, 0)) /* factors that cancelled each other */
            *node = i->graph.nodes[x].inputs[0];
        return NAS_OK;
    }
    NAS_TRY(nas__emit_one(i, "conv2d", x, node, "kernel = 1; groups = 0; bias = true"));
    NAS_TRY(nas__weigh(i, *node, "weight", scale, (uint64_t)channels));
    return nas__weigh(i, *node, "bias", shift, (uint64_t)channels);
}

nas_status nas__affine_all(nas__importing *i, int x, float scale, float shift, int *node)
{
    const size_t channels = (size_t)nas__shape_of(i, x).c;
    float *both = malloc(2 * channels * sizeof *both);
    if (!both)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %zu weights", i->path, channels);
    for (size_t c = 0; c < channels; c++) {
        both[c] = scale;
        both[channels + c] = shift;
    }
    const nas_status status = nas__affine(i, x, both, both + channels, node);
    free(both);
    return status;
}

/* ---- the result ----------------------------------------------------------------------------------------------- */

nas_status nas__add_metadata(nas_safetensors *content, const char *key, const char *value)
{
    const size_t count = (size_t)content->metadata_count + 1;
    char **keys = realloc(content->keys, count * sizeof *keys);
    if (keys)
        content->keys = keys;
    char **values = realloc(content->values, count * sizeof *values);
    if (values)
        content->values = values;
    char *own_key = strdup(key), *own_value = strdup(value);
    if (!keys || !values || !own_key || !own_value) {
        free(own_key);
        free(own_value);
        NAS_FAIL(NAS_MEMORY, "no memory for the text \"%s\"", key);
    }
    keys[count - 1] = own_key;
    values[count - 1] = own_value;
    content->metadata_count = (int)count;
    return NAS_OK;
}

/* New numbers of the nodes that the output needs, 0 of the others; the graph of those. */
static nas_status keep_needed(const nas__importing *i, int output, int *number, nas_graph *kept)
{
    int inputs[NAS_OP_INPUTS];
    NAS_TRY(nas_graph_init(kept, i->graph.nodes[0].shape));
    number[output] = 1;
    for (int n = output; n > 0; n--)
        for (int k = 0; number[n] && k < i->graph.nodes[n].input_count; k++)
            number[i->graph.nodes[n].inputs[k]] = 1;
    number[0] = 0;
    for (int n = 1; n <= output; n++) {
        const nas_node *node = &i->graph.nodes[n];
        if (!number[n])
            continue;
        for (int k = 0; k < node->input_count; k++)
            inputs[k] = number[node->inputs[k]];
        NAS_TRY(nas_graph_add_like(kept, node, inputs, &number[n]));
    }
    kept->output = number[output];
    return NAS_OK;
}

static void fill_tensor(const nas_graph *graph, int node, const nas__weight *weight, float *room,
                        nas_safetensor *tensor)
{
    nas_parameter list[NAS_OP_PARAMETERS];
    const int parameters = nas_node_parameters(graph, node, list);
    for (int p = 0; p < parameters; p++) {
        if (strcmp(list[p].name, weight->name) != 0)
            continue;
        nas_parameter_name(node, &list[p], tensor->name, sizeof tensor->name);
        tensor->rank = list[p].rank;
        for (int d = 0; d < list[p].rank; d++)
            tensor->dims[d] = (uint64_t)list[p].dims[d];
    }
    tensor->data = room;
    memcpy(room, weight->values, weight->count * sizeof *room);
}

static nas_status pack_weights(nas__importing *i, const nas_graph *graph, const int *number,
                               nas_safetensors *content)
{
    uint64_t floats = 0;
    for (int k = 0; k < i->weight_count; k++)
        floats += number[i->weights[k].node] ? i->weights[k].count : 0;
    content->tensors = calloc((size_t)i->weight_count + 1, sizeof *content->tensors);
    content->storage = malloc(floats * sizeof(float) + 1);
    if (!content->tensors || !content->storage)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %llu weights", i->path, (unsigned long long)floats);
    float *room = content->storage;
    for (int k = 0; k < i->weight_count; k++) {
        const nas__weight *weight = &i->weights[k];
        if (!number[weight->node])
            continue;
        fill_tensor(graph, number[weight->node], weight, room, &content->tensors[content->count++]);
        room += weight->count;
    }
    return NAS_OK;
}

nas_status nas__emit_result(nas__importing *i, int output, nas_safetensors *content)
{
    nas_graph kept = {0};
    nas_text text = {0};
    nas_status status = NAS_OK;
    int *number = calloc((size_t)i->graph.count, sizeof *number);
    if (!number)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %d nodes", i->path, i->graph.count);
    NAS_TRY_DONE(keep_needed(i, output, number, &kept));
    nas_graph_write(&kept, &text);
    NAS_TRY_DONE(nas_text_check(&text));
    NAS_TRY_DONE(pack_weights(i, &kept, number, content));
    NAS_TRY_DONE(nas__add_metadata(content, "graph", text.data));
done:
    free(number);
    nas_text_clear(&text);
    nas_graph_clear(&kept);
    return status;
}

void nas__emit_clear(nas__importing *i)
{
    for (int k = 0; k < i->weight_count; k++)
        free(i->weights[k].values);
    free(i->weights);
    free(i->pending);
    free(i->readers);
    nas_graph_clear(&i->graph);
}
