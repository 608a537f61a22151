/* export_texts.c - what the exporters json and dot wrote, held against formulas of its own and the graph.
 *
 * JSON is read by jansson alone.  Each layer's shape, parameters and multiply-adds are worked out again from its numbers and its inputs'
 * shapes, by the textbook; the sums must be the graph's cost, and its tensors those that the exporter safetensors writes.  A picture
 * must have a box for each layer and an arrow for each input, and Graphviz, where it is installed, must draw it. */
#include "export_texts.h"

#include "nas_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- a layer, read from JSON ---------------------------------------------------------------------------------- */

typedef struct layer {
    const char *kind;
    json_t *json;
    long in[3], out[3];       /* shapes; of the first input */
    long inputs, in_channels; /* how many, and channels of all of them */
} layer;

static long number(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no number \"%s\" in a layer of kind %s", key,
                 json_string_value(json_object_get(object, "kind")));
    return (long)json_integer_value(value);
}

static long item(json_t *object, const char *key, size_t i)
{
    json_t *value = json_array_get(json_object_get(object, key), i);
    assert_true(json_is_integer(value));
    return (long)json_integer_value(value);
}

static layer read_layer(json_t *layers, size_t index)
{
    layer l = {.json = json_array_get(layers, index)};
    l.kind = json_string_value(json_object_get(l.json, "kind"));
    assert_non_null(l.kind);
    assert_int_equal(number(l.json, "index"), index);
    l.inputs = (long)json_array_size(json_object_get(l.json, "inputs"));
    for (size_t d = 0; d < 3; d++)
        l.out[d] = item(l.json, "shape", d);
    for (size_t k = 0; k < (size_t)l.inputs; k++) {
        const long from = item(l.json, "inputs", k);
        assert_true(from >= 0 && from < (long)index);
        json_t *input = json_array_get(layers, (size_t)from);
        for (size_t d = 0; d < 3 && k == 0; d++)
            l.in[d] = item(input, "shape", d);
        l.in_channels += item(input, "shape", 0);
    }
    return l;
}

static bool is(const layer *l, const char *kind)
{
    return strcmp(l->kind, kind) == 0;
}

/* ---- what it must be ------------------------------------------------------------------------------------------- */

/* Output rows and columns of a window. */
static void assert_window(const layer *l, long dilation)
{
    for (size_t i = 0; i < 2; i++) {
        const long reach = dilation * (item(l->json, "kernel", i) - 1) + 1;
        const long padded = l->in[1 + i] + 2 * item(l->json, "padding", i);
        assert_int_equal(l->out[1 + i], (padded - reach) / item(l->json, "stride", i) + 1);
    }
}

static void assert_same_shape(const layer *l)
{
    for (int d = 0; d < 3; d++)
        assert_int_equal(l->in[d], l->out[d]);
}

static void assert_shape(const layer *l)
{
    if (is(l, "convolution"))
        assert_window(l, number(l->json, "dilation"));
    else if (is(l, "max_pool") || is(l, "average_pool"))
        assert_window(l, 1);
    else if (is(l, "dense") || is(l, "global_average"))
        assert_true(l->out[1] == 1 && l->out[2] == 1);
    else if (is(l, "concat"))
        assert_int_equal(l->out[0], l->in_channels);
    else if (is(l, "slice"))
        assert_true(number(l->json, "from") + l->out[0] <= l->in[0]);
    else if (is(l, "subsample"))
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(l->out[1 + i], (l->in[1 + i] - 1) / item(l->json, "stride", i) + 1);
    else if (is(l, "upsample"))
        assert_true(l->out[1] <= number(l->json, "factor") * l->in[1]);
    else if (is(l, "reshape"))
        assert_int_equal(l->out[0] * l->out[1] * l->out[2], l->in[0] * l->in[1] * l->in[2]);
    else if (is(l, "transpose"))
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(l->out[k], l->in[item(l->json, "order", k)]);
    else if (is(l, "pad"))
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(l->out[k],
                             l->in[k] + item(l->json, "before", k) + item(l->json, "after", k));
    else
        assert_same_shape(l);
    if (is(l, "function"))
        assert_true(json_is_string(json_object_get(l->json, "function")) &&
                    json_is_real(json_object_get(l->json, "a")));
    if (is(l, "shuffle"))
        assert_int_equal(l->out[0] % number(l->json, "groups"), 0);
    assert_true(l->inputs == 1 || is(l, "add") || is(l, "mul") || is(l, "concat"));
}

/* Weights of a convolution or dense layer; 0: it has none. */
static long weights_of(const layer *l)
{
    if (is(l, "dense"))
        return l->out[0] * l->in[0] * l->in[1] * l->in[2];
    if (!is(l, "convolution"))
        return 0;
    return l->out[0] * (l->in[0] / number(l->json, "groups")) * item(l->json, "kernel", 0) *
           item(l->json, "kernel", 1);
}

/* Numbers in the layer's tensors of that name; 0: there is none. */
static long tensor_count(const layer *l, const char *name)
{
    json_t *tensor, *dim;
    size_t i, d;
    json_array_foreach(json_object_get(l->json, "tensors"), i, tensor)
    {
        const char *full = json_string_value(json_object_get(tensor, "name"));
        long count = 1;
        if (strcmp(strchr(full, '.') + 1, name) != 0)
            continue;
        json_array_foreach(json_object_get(tensor, "shape"), d, dim) count *=
            (long)json_integer_value(dim);
        return count;
    }
    return 0;
}

static void assert_counts(const layer *l, nas_model_norms norms)
{
    const long weights = weights_of(l), bias = tensor_count(l, "bias");
    const long parameters = number(l->json, "parameters"), macs = number(l->json, "macs");
    assert_int_equal(macs, weights * l->out[1] * l->out[2]);
    if (is(l, "norm")) { /* without gamma and beta none is trained */
        assert_true(parameters == 0 || parameters == 2 * l->out[0]);
        assert_int_equal(tensor_count(l, "running_var"), l->out[0]);
    } else {
        assert_int_equal(tensor_count(l, "weight"), weights);
        if (norms == NAS_NORMS_KEPT) /* a folded one has its norm's, too */
            assert_int_equal(parameters, weights + bias);
    }
    if (is(l, "activation")) {
        const char *name = json_string_value(json_object_get(l->json, "activation"));
        assert_true(name && nas_op_find("activation"));
        assert_int_equal(json_is_real(json_object_get(l->json, "slope")),
                         strcmp(name, "leaky_relu") == 0);
    }
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Of all layers those of the exporter safetensors, in its file. */
static void assert_tensors(json_t *layers, const char *weights)
{
    nas_safetensors file;
    json_t *one, *tensor, *dim;
    size_t i, t, d;
    int count = 0;
    nas_test_ok(nas_safetensors_read(weights, &file));
    json_array_foreach(layers, i, one)
        json_array_foreach(json_object_get(one, "tensors"), t, tensor)
    {
        const nas_safetensor *there =
            nas_safetensors_find(&file, json_string_value(json_object_get(tensor, "name")));
        assert_non_null(there);
        assert_int_equal(there->rank, json_array_size(json_object_get(tensor, "shape")));
        json_array_foreach(json_object_get(tensor, "shape"), d, dim)
            assert_int_equal(there->dims[d], json_integer_value(dim));
        count++;
    }
    assert_int_equal(count, file.count);
    nas_safetensors_clear(&file);
}

static void assert_head(json_t *whole, const nas_graph *graph, const nas_model *model)
{
    json_t *classes = json_object_get(whole, "classes");
    json_t *preprocessing = json_object_get(whole, "preprocessing");
    nas_cost cost;
    nas_graph_cost(graph, &cost);
    assert_int_equal(number(whole, "schema_version"), 1);
    assert_int_equal(number(whole, "parameters"), cost.parameters);
    assert_int_equal(number(whole, "macs"), cost.macs);
    assert_int_equal(item(whole, "input", 0), graph->nodes[0].shape.c);
    assert_int_equal(item(whole, "input", 2), graph->nodes[0].shape.w);
    assert_int_equal(item(whole, "output", 0), graph->nodes[graph->output].shape.c);
    assert_non_null(strstr(json_string_value(json_object_get(whole, "weights")), "safetensors"));
    assert_int_equal(json_is_null(json_object_get(whole, "task")), !model->explains);
    assert_int_equal(json_is_array(classes), model->classes != NULL);
    for (size_t i = 0; model->classes && model->classes[i]; i++)
        assert_string_equal(json_string_value(json_array_get(classes, i)), model->classes[i]);
    assert_int_equal(json_is_object(preprocessing), model->prepares);
    for (int c = 0; c < model->preprocessing.mean.count; c++) {
        json_t *std = json_array_get(json_object_get(preprocessing, "std"), (size_t)c);
        assert_true(json_real_value(std) == model->preprocessing.std.item[c]);
    }
}

static void check_json(const nas_graph *graph, const nas_model *model, nas_model_norms norms,
                       const char *path, const char *weights)
{
    json_error_t error;
    long parameters = 0, macs = 0;
    nas_test_ok(nas_exporter_find("json")->write(model, path));
    nas_test_ok(nas_exporter_find("safetensors")->write(model, weights));
    json_t *whole = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!whole)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    json_t *layers = json_object_get(whole, "layers");
    assert_int_equal(json_array_size(layers), model->count);
    assert_head(whole, graph, model);
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const layer l = read_layer(layers, i);
        assert_int_equal(is(&l, "input"), i == 0);
        if (i > 0) {
            assert_shape(&l);
            assert_counts(&l, norms);
        }
        parameters += number(l.json, "parameters");
        macs += number(l.json, "macs");
    }
    assert_int_equal(parameters, number(whole, "parameters"));
    assert_int_equal(macs, number(whole, "macs"));
    assert_tensors(layers, weights);
    json_decref(whole);
}

/* ---- pictures ------------------------------------------------------------------------------------------------------ */

/* Where a quoted label that begins at `c` ends; NULL: it does not on its line. */
static const char *label_end(const char *c)
{
    for (; *c && *c != '\n' && *c != '"'; c++)
        if (*c == '\\' && c[1])
            c++;
    return *c == '"' ? c : NULL;
}

/* A box of each layer in their order, its arrows behind it, and the output's. */
static void assert_picture(const char *text, const nas_model *model)
{
    int boxes = 0, arrows = 0, wanted = 1, from, to;
    char shape[64];
    assert_true(strncmp(text, "digraph network {\n", 18) == 0);
    for (int i = 0; i < model->count; i++)
        wanted += model->layers[i].input_count;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        const char *label = strstr(line, "label=\""), *end = strchr(line, '\n');
        int end_of = 0;
        assert_non_null(end);
        if (sscanf(line, " layer_%d -> layer_%d;", &from, &to) == 2) {
            assert_int_equal(to, boxes - 1); /* of the box before */
            assert_true(from < to);
            arrows++;
        } else if (sscanf(line, " layer_%d -> output;%n", &from, &end_of) == 1 && end_of > 0) {
            assert_int_equal(from, model->count - 1);
            arrows++;
        } else if (sscanf(line, " layer_%d [", &from) == 1) {
            assert_int_equal(from, boxes);
            const nas_shape is = model->layers[boxes++].shape;
            assert_true(label && label < end && label_end(label + 7));
            assert_memory_equal(label_end(label + 7), "\"];\n", 4);
            snprintf(shape, sizeof shape, "\\n%dx%dx%d", is.c, is.h, is.w);
            const char *found = strstr(label, shape);
            assert_true(found && found < end);
        } else if (strncmp(line, "    output [", 12) == 0) {
            assert_memory_equal(label_end(label + 7), "\"];\n", 4);
        }
    }
    assert_int_equal(boxes, model->count);
    assert_int_equal(arrows, wanted);
    assert_string_equal(text + strlen(text) - 2, "}\n");
}

/* Drawn; a picture has the box of each layer as a group of its own. */
static void assert_drawn(const char *path, const nas_model *model)
{
    char command[1024], drawn[512], title[64];
    void *svg;
    size_t size;
    if (system("command -v dot >/dev/null") != 0)
        return;
    snprintf(drawn, sizeof drawn, "%s.svg", path);
    snprintf(command, sizeof command, "dot -Tsvg -o '%s' '%s' 2>'%s.messages'", drawn, path, path);
    if (system(command) != 0)
        fail_msg("Graphviz does not take it: %s", command);
    nas_test_ok(nas_file_read(drawn, 1 << 24, &svg, &size));
    for (int i = 0; i < model->count; i++) {
        snprintf(title, sizeof title, "<title>layer_%d</title>", i);
        assert_non_null(strstr(svg, title));
    }
    assert_non_null(strstr(svg, "outputs</text>"));
    free(svg);
}

static void check_picture(const nas_model *model, const char *path)
{
    void *text;
    size_t size;
    nas_test_ok(nas_exporter_find("dot")->write(model, path));
    nas_test_ok(nas_file_read(path, 1 << 24, &text, &size));
    assert_picture(text, model);
    assert_drawn(path, model);
    free(text);
}

/* ---- both ------------------------------------------------------------------------------------------------------------ */

void check_texts(const nas_graph *graph, const char *saved, const char *folder, const char *what)
{
    char json[256], dot[256], weights[256];
    snprintf(json, sizeof json, "%s/net.json", folder);
    snprintf(dot, sizeof dot, "%s/net.dot", folder);
    snprintf(weights, sizeof weights, "%s/weights.safetensors", folder);
    for (int i = 0; i < 2; i++) {
        const nas_model_norms norms = i ? NAS_NORMS_FOLDED : NAS_NORMS_KEPT;
        nas_model model;
        print_message("%s, norms %s\n", what, i ? "folded" : "kept");
        nas_test_ok(nas_model_read(saved, norms, &model));
        check_json(graph, &model, norms, json, weights);
        check_picture(&model, dot);
        nas_model_clear(&model);
    }
}
