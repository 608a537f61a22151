/* model.c - a saved network as layers with weights: what every exporter starts from.
 *
 * Nodes become layers in their order.  What acts in training alone (dropout, drop-path) and what the output does not
 * need (auxiliary classifiers) is left out.  Batch norm is scale·x + shift in evaluation; folded, it goes into the weights of
 * the convolution or dense layer before it, if nobody else reads that one.  Both are worked out in double and rounded once.
 *
 * Layout: which nodes count; weights; norms; layers; what data set and outputs are; the whole. */
#include <clnas/export.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    const char *path;
    nas_graph graph;
    const nas_safetensors *file;
    nas_model *model;
    int *readers; /* of each node, among nodes that the output needs; the output has one more */
    int *layer;   /* of each node; −1: none yet */
} reading;

/* ---- which nodes count ---------------------------------------------------------------------------- */

static nas_status find_readers(reading *r)
{
    r->readers = calloc((size_t)r->graph.count, sizeof *r->readers);
    r->layer = calloc((size_t)r->graph.count, sizeof *r->layer);
    if (!r->readers || !r->layer)
        NAS_FAIL(NAS_MEMORY, "no memory for a model of %d nodes", r->graph.count);
    r->readers[r->graph.output] = 1;
    for (int i = r->graph.count - 1; i > 0; i--)
        for (int k = 0; r->readers[i] && k < r->graph.nodes[i].input_count; k++)
            r->readers[r->graph.nodes[i].inputs[k]]++;
    return NAS_OK;
}

/* ---- weights --------------------------------------------------------------------------------------- */

/* Parameter p of a node; none (NULL) where the operator has none of this name. */
static nas_status find_values(const reading *r, int node, const char *name, const float **values,
                              uint64_t *count)
{
    nas_parameter list[NAS_OP_PARAMETERS];
    const int parameters = nas_node_parameters(&r->graph, node, list);
    *values = NULL;
    *count = 0;
    for (int p = 0; p < parameters; p++) {
        if (list[p].rank == 0 || strcmp(list[p].name, name) != 0)
            continue;
        const nas_safetensor *tensor = nas_parameter_find(r->file, node, &list[p]);
        if (!tensor || !nas_parameter_fits(&list[p], tensor))
            NAS_FAIL(NAS_DATA, "%s: tensor %d.%s is missing, or not as its graph says", r->path,
                     node, name);
        *values = tensor->data;
        *count = nas_parameter_count(&list[p]);
        for (uint64_t i = 0; i < *count; i++)
            if (!isfinite(tensor->data[i]))
                NAS_FAIL(NAS_DATA, "%s: tensor %d.%s has numbers that are not finite", r->path,
                         node, name);
    }
    return NAS_OK;
}

static nas_status copy_values(const reading *r, int node, const char *name, float **to,
                              uint64_t *count)
{
    const float *values;
    NAS_TRY(find_values(r, node, name, &values, count));
    if (!values)
        return NAS_OK;
    *to = malloc(*count * sizeof **to);
    if (!*to)
        NAS_FAIL(NAS_MEMORY, "no memory for tensor %d.%s", node, name);
    memcpy(*to, values, *count * sizeof **to);
    return NAS_OK;
}

/* ---- norms ------------------------------------------------------------------------------------------ */

typedef struct affine {
    const float *gamma, *beta, *mean, *variance;
    double epsilon;
} affine;

static nas_status affine_of(const reading *r, int node, double epsilon, affine *a)
{
    uint64_t count;
    a->epsilon = epsilon;
    NAS_TRY(find_values(r, node, "gamma", &a->gamma, &count));
    NAS_TRY(find_values(r, node, "beta", &a->beta, &count));
    NAS_TRY(find_values(r, node, "running_mean", &a->mean, &count));
    return find_values(r, node, "running_variance", &a->variance, &count);
}

static double scale_of(const affine *a, int c)
{
    return (a->gamma ? a->gamma[c] : 1) / sqrt((double)a->variance[c] + a->epsilon);
}

static double shift_of(const affine *a, int c)
{
    return (a->beta ? a->beta[c] : 0) - a->mean[c] * scale_of(a, c);
}

static bool takes_norm(const nas_model_layer *layer)
{
    return layer->what.kind == NAS_LAYER_CONVOLUTION || layer->what.kind == NAS_LAYER_DENSE;
}

/* Into the weights of `layer`. */
static nas_status fold(const affine *a, nas_model_layer *layer)
{
    const uint64_t per = layer->weight_count / (uint64_t)layer->shape.c;
    if (!layer->bias) {
        layer->bias_count = (uint64_t)layer->shape.c;
        layer->bias = calloc(layer->bias_count, sizeof *layer->bias);
        if (!layer->bias)
            NAS_FAIL(NAS_MEMORY, "no memory for a bias");
    }
    for (int c = 0; c < layer->shape.c; c++) {
        const double scale = scale_of(a, c);
        for (uint64_t i = 0; i < per; i++)
            layer->weight[(uint64_t)c * per + i] =
                (float)(layer->weight[(uint64_t)c * per + i] * scale);
        layer->bias[c] = (float)(layer->bias[c] * scale + shift_of(a, c));
    }
    return NAS_OK;
}

static nas_status make_affine(const affine *a, nas_model_layer *layer)
{
    layer->weight_count = layer->bias_count = (uint64_t)layer->shape.c;
    layer->weight = malloc(layer->weight_count * sizeof *layer->weight);
    layer->bias = malloc(layer->bias_count * sizeof *layer->bias);
    layer->statistics = malloc(4 * layer->weight_count * sizeof *layer->statistics);
    if (!layer->weight || !layer->bias || !layer->statistics)
        NAS_FAIL(NAS_MEMORY, "no memory for a norm");
    for (int c = 0; c < layer->shape.c; c++) {
        const float all[4] = {a->gamma ? a->gamma[c] : 1, a->beta ? a->beta[c] : 0, a->mean[c],
                              a->variance[c]};
        layer->weight[c] = (float)scale_of(a, c);
        layer->bias[c] = (float)shift_of(a, c);
        for (int k = 0; k < 4; k++)
            layer->statistics[k * layer->shape.c + c] = all[k];
    }
    return NAS_OK;
}

/* ---- layers ------------------------------------------------------------------------------------------ */

static nas_status describe_node(const reading *r, int node, nas_layer *what)
{
    const nas_node *n = &r->graph.nodes[node];
    nas_shape shapes[NAS_OP_INPUTS];
    *what = (nas_layer){0};
    if (!n->op->layer)
        NAS_FAIL(NAS_CONFIG,
                 "node %d, %s: an operator of training or of search networks, which has no place "
                 "in an export",
                 node, n->op->kind.name);
    nas_node_shapes(&r->graph, node, shapes);
    return n->op->layer(&n->options, shapes, what);
}

static nas_model_layer *append(reading *r, int node, const nas_layer *what)
{
    const nas_node *n = &r->graph.nodes[node];
    nas_model_layer *layer = &r->model->layers[r->model->count];
    *layer = (nas_model_layer){
        .what = *what, .node = node, .input_count = n->input_count, .shape = n->shape};
    for (int k = 0; k < n->input_count; k++)
        layer->inputs[k] = r->layer[n->inputs[k]];
    if (node > 0)
        nas_node_cost(&r->graph, node, &layer->cost);
    r->layer[node] = r->model->count++;
    return layer;
}

static nas_status add_norm(reading *r, int node, const nas_layer *what, nas_model_norms norms)
{
    const int before = r->graph.nodes[node].inputs[0];
    nas_model_layer *layer = &r->model->layers[r->layer[before]];
    affine a;
    NAS_TRY(affine_of(r, node, what->epsilon, &a));
    if (norms == NAS_NORMS_FOLDED && layer->node == before && r->readers[before] == 1 &&
        takes_norm(layer)) {
        nas_cost cost;
        nas_node_cost(&r->graph, node, &cost);
        layer->cost.parameters += cost.parameters;
        layer->cost.macs += cost.macs;
        r->layer[node] = r->layer[before];
        return fold(&a, layer);
    }
    return make_affine(&a, append(r, node, what));
}

static nas_status add_node(reading *r, int node, nas_model_norms norms)
{
    nas_layer what;
    NAS_TRY(describe_node(r, node, &what));
    if (what.kind == NAS_LAYER_IDENTITY) {
        r->layer[node] = r->layer[r->graph.nodes[node].inputs[0]];
        return NAS_OK;
    }
    if (what.kind == NAS_LAYER_NORM)
        return add_norm(r, node, &what, norms);
    nas_model_layer *layer = append(r, node, &what);
    NAS_TRY(copy_values(r, node, "weight", &layer->weight, &layer->weight_count));
    return copy_values(r, node, "bias", &layer->bias, &layer->bias_count);
}

static nas_status add_layers(reading *r, nas_model_norms norms)
{
    r->model->layers = calloc((size_t)r->graph.count + 1, sizeof *r->model->layers);
    if (!r->model->layers)
        NAS_FAIL(NAS_MEMORY, "no memory for a model of %d nodes", r->graph.count);
    append(r, 0, &(nas_layer){.kind = NAS_LAYER_IDENTITY});
    for (int node = 1; node < r->graph.count; node++)
        if (r->readers[node])
            NAS_TRY(add_node(r, node, norms));
    if (r->layer[r->graph.output] != r->model->count - 1)
        NAS_FAIL(NAS_CONFIG, "%s: its output is not its last layer", r->path);
    for (int i = 0; i < r->model->count; i++)
        r->model->parameters += r->model->layers[i].weight_count + r->model->layers[i].bias_count;
    return NAS_OK;
}

/* ---- what data set and outputs are --------------------------------------------------------------------- */

static nas_status read_preprocessing(const reading *r)
{
    const char *text = nas_safetensors_value(r->file, "preprocessing");
    nas_preprocessing *p = &r->model->preprocessing;
    if (!text)
        return NAS_OK;
    NAS_TRY(nas_preprocessing_read(text, r->path, p));
    NAS_TRY(nas_preprocessing_check(p, r->path, nas_model_input(r->model)));
    r->model->prepares = true;
    return NAS_OK;
}

/* Numbers are learned scaled; what is exported gives them in their own units, by the weights of the last layer. */
static nas_status take_units(const reading *r)
{
    static const float zeros[NAS_LIST_SIZE] = {0};
    const nas_postprocessing *p = &r->model->postprocessing;
    nas_model_layer *last = &r->model->layers[r->model->count - 1];
    float scale[NAS_LIST_SIZE], shift[NAS_LIST_SIZE], ones[NAS_LIST_SIZE];
    const affine units = {.gamma = scale, .beta = shift, .mean = zeros, .variance = ones};
    if (p->mean.count == 0)
        return NAS_OK;
    if (p->mean.count != last->shape.c || last->shape.h * last->shape.w != 1)
        NAS_FAIL(NAS_DATA, "%s: units of %d numbers for %d outputs", r->path, p->mean.count,
                 last->shape.c);
    for (int k = 0; k < p->mean.count; k++) {
        scale[k] = (float)p->std.item[k];
        shift[k] = (float)p->mean.item[k];
        ones[k] = 1;
    }
    if (!takes_norm(last))
        NAS_FAIL(NAS_CONFIG, "%s: a network of numbers must end in a dense layer or a convolution",
                 r->path);
    const uint64_t before = last->bias_count;
    NAS_TRY(fold(&units, last));
    r->model->parameters += last->bias_count - before;
    return NAS_OK;
}

static nas_status read_columns(const reading *r)
{
    const char *text = nas_safetensors_value(r->file, "columns");
    r->model->columns = text ? strdup(text) : NULL;
    if (text && !r->model->columns)
        NAS_FAIL(NAS_MEMORY, "no memory for the columns of a table");
    return NAS_OK;
}

static nas_status read_postprocessing(const reading *r)
{
    const char *text = nas_safetensors_value(r->file, "postprocessing");
    if (!text)
        return NAS_OK;
    NAS_TRY(nas_postprocessing_read(text, r->path, &r->model->postprocessing));
    r->model->explains = true;
    return take_units(r);
}

static nas_status read_classes(const reading *r)
{
    const char *text = nas_safetensors_value(r->file, "classes");
    const int outputs = (int)nas_shape_count(nas_model_output(r->model));
    return text ? nas_names_read(text, r->path, outputs, &r->model->classes) : NAS_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

nas_shape nas_model_input(const nas_model *model)
{
    return model->layers[0].shape;
}

nas_shape nas_model_output(const nas_model *model)
{
    return model->layers[model->count - 1].shape;
}

void nas_model_clear(nas_model *model)
{
    for (int i = 0; i < model->count; i++) {
        free(model->layers[i].weight);
        free(model->layers[i].bias);
        free(model->layers[i].statistics);
    }
    nas_names_free(model->classes);
    free(model->layers);
    free(model->graph);
    free(model->columns);
    nas_preprocessing_clear(&model->preprocessing);
    *model = (nas_model){0};
}

nas_status nas_model_make(const nas_safetensors *content, const char *path, nas_model_norms norms,
                          nas_model *model)
{
    reading r = {.path = path, .file = content, .model = model};
    nas_status status = NAS_OK;
    *model = (nas_model){0};
    const char *text = nas_safetensors_value(content, "graph");
    if (!text)
        NAS_FAIL(NAS_DATA, "%s: no graph in it; only models that clnas saved can be exported",
                 path);
    NAS_TRY_DONE(nas_graph_parse(text, path, &r.graph));
    model->graph = strdup(text);
    NAS_TRY_DONE(find_readers(&r));
    NAS_TRY_DONE(add_layers(&r, norms));
    NAS_TRY_DONE(read_preprocessing(&r));
    NAS_TRY_DONE(read_postprocessing(&r));
    NAS_TRY_DONE(read_columns(&r));
    NAS_TRY_DONE(read_classes(&r));
done:
    free(r.readers);
    free(r.layer);
    nas_graph_clear(&r.graph);
    if (status != NAS_OK)
        nas_model_clear(model);
    return status;
}

nas_status nas_model_read(const char *path, nas_model_norms norms, nas_model *model)
{
    nas_safetensors file = {0};
    *model = (nas_model){0};
    NAS_TRY(nas_safetensors_read(path, &file));
    const nas_status status = nas_model_make(&file, path, norms, model);
    nas_safetensors_clear(&file);
    return status;
}
