/* model_file.c - a network out of any model file: one of clnas, or an ONNX model, told apart by how they begin.
 *
 * An imported model is the same in memory as one that was saved here (import.h), so evaluation, training, export and benchmarks open both by
 * this file.  Two things may be done to a model before it meets a data set: numbers that it gives in their own units are brought to those
 * in which they are learned here, in its last layer or behind it; and its last layer is made anew for other classes. */
#include "model_file.h"

#include <clnas/import.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ------------------------------------------------------------------------------------------------------ */

bool nas_session_is_model(const char *path)
{
    unsigned char head[9] = {0};
    FILE *file = fopen(path, "rb");
    const size_t count = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return (count == sizeof head && head[8] == '{' && head[7] == 0) || nas_is_onnx(path);
}

nas_status nas__model_open(const char *path, bool logits, nas__model_file *model)
{
    const nas_import_options options = {.logits = logits};
    nas_status status = NAS_OK;
    *model = (nas__model_file){.imported = nas_is_onnx(path)};
    NAS_TRY_DONE(model->imported ? nas_import_onnx(path, &options, &model->content)
                                 : nas_safetensors_read(path, &model->content));
    const char *text = nas_safetensors_value(&model->content, "graph");
    if (text)
        status = nas_graph_parse(text, path, &model->graph);
    else
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                               "%s: no graph in it; models that clnas saved, and ONNX models, are "
                               "read",
                               path);
done:
    if (status != NAS_OK)
        nas__model_clear(model);
    return status;
}

void nas__model_clear(nas__model_file *model)
{
    for (int i = 0; i < model->added_count; i++)
        free(model->added[i]);
    nas_safetensors_clear(&model->content);
    nas_graph_clear(&model->graph);
    *model = (nas__model_file){.imported = false};
}

nas_status nas_session_model_graph(const char *path, nas_graph *graph)
{
    nas__model_file model;
    NAS_TRY(nas__model_open(path, true, &model));
    *graph = model.graph;
    model.graph = (nas_graph){0};
    nas__model_clear(&model);
    return NAS_OK;
}

/* ---- changing ----------------------------------------------------------------------------------------------------- */

/* Parameter p of a node, zeroed, in place of what the file had under its name. */
static nas_status add_tensor(nas__model_file *model, int node, const nas_parameter *spec,
                             float **values)
{
    nas_safetensors *content = &model->content;
    nas_safetensor tensor = {.rank = spec->rank};
    if (model->added_count == NAS__MODEL_ADDED)
        NAS_FAIL(NAS_FAILED, "more tensors added to a model than there is room for");
    *values = calloc(nas_parameter_count(spec), sizeof **values);
    nas_safetensor *more =
        realloc(content->tensors, ((size_t)content->count + 1) * sizeof *content->tensors);
    if (more)
        content->tensors = more;
    if (!*values || !more) {
        free(*values);
        NAS_FAIL(NAS_MEMORY, "no memory for the parameters of a layer");
    }
    model->added[model->added_count++] = tensor.data = *values;
    nas_parameter_name(node, spec, tensor.name, sizeof tensor.name);
    for (int d = 0; d < spec->rank; d++)
        tensor.dims[d] = (uint64_t)spec->dims[d];
    for (int i = 0; i < content->count; i++)
        if (strcmp(content->tensors[i].name, tensor.name) == 0) {
            content->tensors[i] = tensor;
            return NAS_OK;
        }
    content->tensors[content->count++] = tensor;
    return NAS_OK;
}

/* A tensor of the last node; NULL: it has none of this name. */
static float *last_tensor(const nas__model_file *model, const char *name, uint64_t *count)
{
    nas_parameter specs[NAS_OP_PARAMETERS];
    const int node = model->graph.output;
    const int parameters = nas_node_parameters(&model->graph, node, specs);
    for (int p = 0; p < parameters; p++) {
        const nas_safetensor *tensor = strcmp(specs[p].name, name) == 0
                                           ? nas_parameter_find(&model->content, node, &specs[p])
                                           : NULL;
        *count = nas_parameter_count(&specs[p]);
        if (tensor && nas_parameter_fits(&specs[p], tensor))
            return tensor->data;
    }
    return NULL;
}

/* (x − mean) / std in the weights of the last layer: numbers are learned at the scale that they are trained at.  false: it has none. */
static bool fold_units(const nas__model_file *model, const nas_data *data)
{
    const uint64_t outputs = (uint64_t)nas_data_outputs(data);
    uint64_t weights = 0, biases = 0;
    float *weight = last_tensor(model, "weight", &weights);
    float *bias = last_tensor(model, "bias", &biases);
    if (!weight || !bias || biases != outputs || weights % outputs)
        return false;
    for (uint64_t k = 0; k < outputs; k++) {
        const double mean = nas_data_target_mean(data)[k], std = nas_data_target_std(data)[k];
        for (uint64_t i = 0; i < weights / outputs; i++)
            weight[k * (weights / outputs) + i] /= (float)std;
        bias[k] = (float)((bias[k] - mean) / std);
    }
    return true;
}

/* The same as a layer behind the output. */
static nas_status append_units(nas__model_file *model, const nas_data *data)
{
    nas_parameter specs[NAS_OP_PARAMETERS];
    float *values[2];
    int node;
    NAS_TRY(nas_graph_add(&model->graph, "conv2d", &model->graph.output, 1, &node,
                          "kernel = 1; groups = 0; bias = true"));
    model->graph.output = node;
    nas_node_parameters(&model->graph, node, specs);
    for (int p = 0; p < 2; p++)
        NAS_TRY(add_tensor(model, node, &specs[p], &values[p]));
    for (int k = 0; k < nas_data_outputs(data); k++) {
        values[0][k] = (float)(1 / nas_data_target_std(data)[k]);
        values[1][k] = (float)(-nas_data_target_mean(data)[k] / nas_data_target_std(data)[k]);
    }
    return NAS_OK;
}

nas_status nas__model_suit(nas__model_file *model, const char *path, const nas_data *data)
{
    const nas_graph *graph = &model->graph;
    const nas_shape in = graph->nodes[0].shape, have = nas_data_shape(data);
    const nas_shape out = graph->nodes[graph->output].shape;
    if (in.c != have.c || in.h != have.h || in.w != have.w)
        NAS_FAIL(NAS_SHAPE, "%s wants %dx%dx%d, the data are %dx%dx%d", path, in.c, in.h, in.w,
                 have.c, have.h, have.w);
    if (nas_shape_count(out) != (uint64_t)nas_data_outputs(data))
        NAS_FAIL(
            NAS_SHAPE,
            "%s gives %d outputs, the data have %d (clnas train with --replace-head makes a new "
            "last layer)",
            path, (int)nas_shape_count(out), nas_data_outputs(data));
    const bool scales = model->imported && nas_data_task(data) == NAS_TASK_REGRESS;
    return scales && !fold_units(model, data) ? append_units(model, data) : NAS_OK;
}

/* The graph up to the last dense layer, and one with so many outputs in its place. */
static nas_status graph_with_head(const nas_graph *from, int outputs, nas_graph *to)
{
    NAS_TRY(nas_graph_init(to, from->nodes[0].shape));
    for (int n = 1; n < from->output; n++) {
        int same;
        NAS_TRY(nas_graph_add_like(to, &from->nodes[n], from->nodes[n].inputs, &same));
    }
    int head;
    NAS_TRY(nas_graph_add(to, "dense", from->nodes[from->output].inputs, 1, &head, "out = %d",
                          outputs));
    to->output = head;
    return NAS_OK;
}

nas_status nas__model_replace_head(nas__model_file *model, const char *path, int outputs,
                                   uint64_t seed)
{
    const nas_node *last = &model->graph.nodes[model->graph.output];
    nas_parameter specs[NAS_OP_PARAMETERS];
    nas_graph graph = {0};
    if (!last->op || strcmp(last->op->kind.name, "dense") != 0)
        NAS_FAIL(NAS_CONFIG, "%s ends in no dense layer, so there is no head to replace", path);
    nas_status status = graph_with_head(&model->graph, outputs, &graph);
    if (status != NAS_OK) {
        nas_graph_clear(&graph);
        return status;
    }
    nas_graph_clear(&model->graph);
    model->graph = graph;
    model->imported = false; /* what the new layer gives is in the units of learning */
    const int parameters = nas_node_parameters(&graph, graph.output, specs);
    for (int p = 0; p < parameters; p++) {
        float *values;
        NAS_TRY(add_tensor(model, graph.output, &specs[p], &values));
        nas_parameter_initialise(&specs[p], seed, 0, graph.output, p, values,
                                 nas_parameter_count(&specs[p]));
    }
    return NAS_OK;
}
