/* test_import.c - ONNX models as model files of clnas, without a device: the plain C reference runs them in double.
 *
 * What our own export writes must come back as the network that it was: every operator, every space, with norms kept and folded, and with what is known
 * of the data.  Graphs that other frameworks write are made node by node, and must become the graphs that they mean.  What is damaged, lying or not
 * supported is refused by name; a model that is cut anywhere or has any byte changed is refused or read, and nothing else. */
#include "export_graphs.h"
#include "nas_test.h"
#include "saved_model.h"
#include "space_walk.h"

#include <clnas/export.h>
#include <clnas/import.h>
#include <clnas/net.h>

#include <export/onnx_build.h>
#include <math.h>
#include <unistd.h>

enum { SAMPLES = 3 };

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NUMBERS(...)                                                                               \
    (const int64_t[])                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* ---- running ------------------------------------------------------------------------------------------------------- */

static nas_reference *reference_of(const nas_graph *graph)
{
    const nas_net_options options = {.batch = SAMPLES};
    nas_reference *reference;
    nas_test_ok(nas_reference_create(graph, &options, &reference));
    return reference;
}

static void take_weights(const nas_graph *graph, const nas_safetensors *content,
                         nas_reference *reference)
{
    for (int node = 1; node < graph->count; node++) {
        nas_parameter specs[NAS_OP_PARAMETERS];
        const int parameters = nas_node_parameters(graph, node, specs);
        for (int p = 0; p < parameters; p++) {
            double *values = nas_reference_parameter(reference, node, p, NULL, NULL);
            const nas_safetensor *tensor = nas_parameter_find(content, node, &specs[p]);
            if (nas_parameter_count(&specs[p]) == 0)
                continue;
            assert_true(tensor && values && nas_parameter_fits(&specs[p], tensor));
            for (uint64_t i = 0; i < nas_parameter_count(&specs[p]); i++)
                values[i] = (double)tensor->data[i];
        }
    }
}

static void forward(nas_reference *reference)
{
    const nas_step step = {.real = SAMPLES};
    nas_reference_forward(reference, false, &step);
}

/* The imported model's outputs against the other network's, which has run; 0 … of the largest output. */
static double difference(const nas_safetensors *content, nas_reference *truth, int output,
                         uint64_t in)
{
    nas_graph graph;
    nas_test_ok(nas_graph_parse(nas_safetensors_value(content, "graph"), "imported", &graph));
    nas_reference *reference = reference_of(&graph);
    const uint64_t count = SAMPLES * nas_shape_count(graph.nodes[graph.output].shape);
    double largest = 0, worst = 0;
    take_weights(&graph, content, reference);
    memcpy(nas_reference_input(reference), nas_reference_input(truth),
           in * SAMPLES * sizeof(double));
    forward(reference);
    const double *a = nas_reference_value(truth, output);
    const double *b = nas_reference_value(reference, graph.output);
    for (uint64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(a[i]));
        worst = fmax(worst, isnan(b[i]) ? INFINITY : fabs(a[i] - b[i]));
    }
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
    return worst / fmax(largest, 1e-30);
}

/* ---- our own exports ---------------------------------------------------------------------------------------------------- */

static void draw_inputs(nas_reference *reference, uint64_t count)
{
    nas_random random = nas_random_make(9, NAS_STREAM_TEST, 4, 5, 6);
    for (uint64_t i = 0; i < count * SAMPLES; i++)
        nas_reference_input(reference)[i] = nas_random_normal(&random);
}

static void export_to_onnx(const char *saved, nas_model_norms norms)
{
    nas_model model;
    nas_test_ok(nas_model_read(saved, norms, &model));
    nas_test_ok(nas_exporter_find("onnx")->write(&model, "net.onnx"));
    nas_model_clear(&model);
}

static void check_graph(const nas_graph *graph, const char *what)
{
    const uint64_t in = nas_shape_count(graph->nodes[0].shape);
    nas_reference *truth = reference_of(graph);
    save_random(graph, truth, "model.safetensors", NULL, NULL);
    draw_inputs(truth, in);
    forward(truth);
    for (int kept = 0; kept < 2; kept++) {
        nas_safetensors content;
        export_to_onnx("model.safetensors", kept ? NAS_NORMS_KEPT : NAS_NORMS_FOLDED);
        nas_test_ok(nas_import_onnx("net.onnx", NULL, &content));
        const double worst = difference(&content, truth, graph->output, in);
        if (!(worst <= 1e-5))
            fail_msg("%s, norms %s: %.2e of the largest output apart", what,
                     kept ? "kept" : "folded", worst);
        nas_safetensors_clear(&content);
    }
    nas_reference_destroy(truth);
}

static void check_text(const char *text, const char *what)
{
    nas_graph graph;
    nas_test_ok(nas_graph_parse(text, what, &graph));
    check_graph(&graph, what);
    nas_graph_clear(&graph);
}

static void every_operator_comes_back(void **state)
{
    (void)state;
    check_text(windows, "windows");
    check_text(activations, "activations");
    check_text(joints, "joints");
    check_text(moved, "moved");
    check_text(functions, "functions");
    check_text(steps, "steps");
    check_text(heads, "an auxiliary head");
}

static void every_space_comes_back(void **state)
{
    int count;
    const nas_space *const *all = nas_space_all(&count);
    (void)state;
    for (int i = 0; i < count; i++) {
        const char *name = all[i]->kind.name;
        nas_domain *domain = space_open(name, NULL, (nas_shape){3, 16, 16});
        const nas_arch arch = space_sample(domain, 1);
        nas_graph graph;
        nas_test_ok(nas_domain_build(domain, &arch, &graph));
        check_graph(&graph, name);
        nas_graph_clear(&graph);
        nas_domain_close(domain);
    }
}

static void is_text(const nas_safetensors *content, const char *key, const char *wanted)
{
    const char *text = nas_safetensors_value(content, key);
    if (!text || strcmp(text, wanted) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", key, text ? text : "(none)", wanted);
}

/* The preprocessing inside is taken off and told; the network reads prepared samples as it did before. */
static void preparation_is_taken_off(void **state)
{
    static const char text[] = "input 2x3x3\n1 conv2d(0) out = 3\n2 dense(1) out = 3\n";
    static const char preparation[] = "{ bytes = true; mean = [0.25, 0.5]; std = [0.3, 0.7]; }";
    nas_safetensors content;
    nas_graph graph;
    (void)state;
    nas_test_ok(nas_graph_parse(text, "text", &graph));
    nas_reference *truth = reference_of(&graph);
    save_random(&graph, truth, "model.safetensors", "a\nb\nc", preparation);
    draw_inputs(truth, 18);
    forward(truth);
    export_to_onnx("model.safetensors", NAS_NORMS_FOLDED);
    nas_test_ok(nas_import_onnx("net.onnx", NULL, &content));
    is_text(&content, "classes", "a\nb\nc\n");
    assert_non_null(strstr(nas_safetensors_value(&content, "preprocessing"), "bytes = true"));
    is_text(
        &content, "graph",
        "input 2x3x3\n1 conv2d(0) out = 3; kernel_h = 3; kernel_w = 3; padding_h = 1; padding_w "
        "= 1\n2 dense(1) out = 3\n");
    assert_true(difference(&content, truth, graph.output, 18) < 1e-6);
    nas_safetensors_clear(&content);
    nas_reference_destroy(truth);
    nas_graph_clear(&graph);
}

/* ---- what others write ---------------------------------------------------------------------------------------------------- */

static float ramp[4096];

static const char *weights(nas__onnx *onnx, const char *name, int rank, const int64_t *dims)
{
    return nas__onnx_floats(onnx, name, rank, dims, ramp);
}

static const char *number(nas__onnx *onnx, const char *name, float value)
{
    return nas__onnx_floats(onnx, name, 0, NULL, &value);
}

static nas__onnx *begin(int rank, const int64_t *dims)
{
    nas__onnx *onnx;
    for (int i = 0; i < 4096; i++)
        ramp[i] = 0.01f * (float)(i % 37) - 0.1f;
    nas_test_ok(nas__onnx_create(&onnx));
    nas__onnx_input(onnx, "x", rank, dims);
    nas__onnx_output(onnx, "y", 1, NUMBERS(1));
    return onnx;
}

static void end(nas__onnx *onnx, const char *path)
{
    nas_test_ok(nas__onnx_write(onnx, path));
    nas__onnx_destroy(onnx);
}

static void becomes(const char *graph)
{
    nas_safetensors content;
    nas_test_ok(nas_import_onnx("stranger.onnx", NULL, &content));
    is_text(&content, "graph", graph);
    nas_safetensors_clear(&content);
}

static Onnx__NodeProto *conv(nas__onnx *onnx, const char *output, const char *input, int64_t out,
                             int64_t in, int64_t kernel)
{
    const char *name = nas__onnx_text(onnx, "w_%s", output);
    weights(onnx, name, 4, NUMBERS(out, in, kernel, kernel));
    return nas__onnx_node(onnx, "Conv", output, NAMES(input, name));
}

/* x.view(x.size(0), -1) as PyTorch's exporter writes it where the batch may be any. */
static void shapes_are_folded(void **state)
{
    nas__onnx *o = begin(3, NUMBERS(2, 4, 4));
    (void)state;
    conv(o, "a", "x", 3, 2, 3);
    nas__onnx_node(o, "Shape", "s", NAMES("a"));
    nas__onnx_node(o, "Gather", "n", NAMES("s", nas__onnx_numbers(o, "zero", 1, NUMBERS(0))));
    nas__onnx_int(o,
                  nas__onnx_node(o, "Concat", "shape",
                                 NAMES("n", nas__onnx_numbers(o, "rest", 1, NUMBERS(-1)))),
                  "axis", 0);
    nas__onnx_node(o, "Reshape", "flat", NAMES("a", "shape"));
    nas__onnx_node(o, "MatMul", "m", NAMES("flat", weights(o, "w", 2, NUMBERS(12, 5))));
    nas__onnx_node(o, "Add", "y", NAMES("m", weights(o, "b", 1, NUMBERS(5))));
    end(o, "stranger.onnx");
    becomes(
        "input 2x4x4\n1 conv2d(0) out = 3; kernel_h = 3; kernel_w = 3; padding_h = 0; padding_w = "
        "0\n2 dense(1) out = 5\n");
}

static void borders_that_differ(void **state)
{
    nas__onnx *o = begin(3, NUMBERS(2, 6, 6));
    (void)state;
    nas__onnx_ints(o, conv(o, "a", "x", 3, 2, 3), "pads", 4, NUMBERS(0, 1, 2, 1));
    Onnx__NodeProto *same = conv(o, "b", "a", 3, 3, 3);
    nas__onnx_string(o, same, "auto_pad", "SAME_UPPER");
    nas__onnx_ints(o, same, "strides", 2, NUMBERS(2, 2));
    Onnx__NodeProto *pool = nas__onnx_node(o, "AveragePool", "y", NAMES("b"));
    nas__onnx_ints(o, pool, "kernel_shape", 2, NUMBERS(2, 2));
    nas__onnx_ints(o, pool, "pads", 4, NUMBERS(0, 0, 1, 1));
    end(o, "stranger.onnx");
    becomes("input 2x6x6\n1 pad(0) before = [0, 0, 1]; after = [0, 2, 1]\n"
            "2 conv2d(1) out = 3; kernel_h = 3; kernel_w = 3; padding_h = 0; padding_w = 0\n"
            "3 pad(2) after = [0, 1, 1]\n"
            "4 conv2d(3) out = 3; kernel_h = 3; kernel_w = 3; stride = 2; padding_h = 0; padding_w "
            "= 0\n"
            "5 pool(4) kind = \"average\"; kernel = [2, 2]; stride = [1, 1]; padding = [1, 1]\n"
            "6 pad(5) before = [0, -1, -1]\n");
}

/* Products of a value with a function of it, scales behind a convolution, and a shuffle of channels. */
static void patterns_have_names(void **state)
{
    nas__onnx *o = begin(3, NUMBERS(4, 3, 3));
    (void)state;
    conv(o, "a", "x", 6, 4, 1);
    nas__onnx_node(o, "Mul", "twice", NAMES("a", number(o, "two", 2))); /* into its weights */
    nas__onnx_node(o, "Sigmoid", "gate", NAMES("twice"));
    nas__onnx_node(o, "Mul", "silu", NAMES("twice", "gate"));
    nas__onnx_node(o, "Div", "root", NAMES("silu", number(o, "r", 1.41421356f)));
    nas__onnx_node(o, "Erf", "erf", NAMES("root"));
    nas__onnx_node(o, "Add", "one", NAMES("erf", number(o, "1", 1)));
    nas__onnx_node(o, "Mul", "double", NAMES("silu", "one"));
    nas__onnx_node(o, "Mul", "gelu", NAMES("double", number(o, "half", 0.5f)));
    nas__onnx_node(o, "Reshape", "five",
                   NAMES("gelu", nas__onnx_numbers(o, "five_shape", 5, NUMBERS(0, 2, 3, 3, 3))));
    nas__onnx_ints(o, nas__onnx_node(o, "Transpose", "turned", NAMES("five")), "perm", 5,
                   NUMBERS(0, 2, 1, 3, 4));
    nas__onnx_node(o, "Reshape", "y",
                   NAMES("turned", nas__onnx_numbers(o, "back", 4, NUMBERS(-1, 6, 3, 3))));
    end(o, "stranger.onnx");
    becomes(
        "input 4x3x3\n1 conv2d(0) out = 6; kernel_h = 1; kernel_w = 1; padding_h = 0; padding_w = "
        "0\n2 activation(1) kind = \"silu\"\n3 activation(2) kind = \"gelu\"\n4 shuffle(3)\n");
}

static void a_softmax_at_the_end(void **state)
{
    const nas_import_options options = {.logits = true};
    nas_safetensors content;
    nas__onnx *o = begin(1, NUMBERS(4));
    (void)state;
    nas__onnx_node(o, "Gemm", "a", NAMES("x", weights(o, "w", 2, NUMBERS(4, 3))));
    nas__onnx_node(o, "Softmax", "y", NAMES("a"));
    end(o, "stranger.onnx");
    becomes("input 4x1x1\n1 dense(0) out = 3\n2 softmax(1)\n");
    nas_test_ok(nas_import_onnx("stranger.onnx", &options, &content));
    is_text(&content, "graph", "input 4x1x1\n1 dense(0) out = 3\n");
    nas_safetensors_clear(&content);
}

/* ---- refused ------------------------------------------------------------------------------------------------------------------ */

static void refused(nas_status wanted, const char *part)
{
    nas_safetensors content;
    nas_test_fails(nas_import_onnx("stranger.onnx", NULL, &content), wanted, part);
    assert_null(content.tensors);
}

/* A model of one node. */
static void is_refused(const char *op, nas_status wanted, const char *part)
{
    nas__onnx *o = begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, op, "y", NAMES("x"));
    end(o, "stranger.onnx");
    refused(wanted, part);
}

static void what_is_not_supported_is_named(void **state)
{
    (void)state;
    is_refused("ConvTranspose", NAS_CONFIG,
               "stranger.onnx: node 0 \"y\" (ConvTranspose): this operator is not supported");
    is_refused("LSTM", NAS_CONFIG, "(LSTM)");
    is_refused("Conv", NAS_DATA, "(Conv): its weight has 0 axes");
    nas__onnx *o = begin(3, NUMBERS(2, 4, 4));
    nas__onnx_ints(o, conv(o, "y", "x", 3, 2, 2), "dilations", 2, NUMBERS(2, 3));
    end(o, "stranger.onnx");
    refused(NAS_CONFIG, "dilations 2 and 3");
    o = begin(3, NUMBERS(2, 4, 4));
    conv(o, "y", "x", 3, 5, 3);
    end(o, "stranger.onnx");
    refused(NAS_DATA, "5 channels in 1 groups for 2 channels");
    o = begin(3, NUMBERS(2, 4, 4));
    nas__onnx_ints(o, nas__onnx_node(o, "Transpose", "y", NAMES("x")), "perm", 4,
                   NUMBERS(1, 0, 2, 3));
    end(o, "stranger.onnx");
    refused(NAS_CONFIG, "it moves the batch");
    o = begin(3, NUMBERS(2, 1 << 20, 1 << 20));
    nas__onnx_node(o, "Relu", "y", NAMES("x"));
    end(o, "stranger.onnx");
    refused(NAS_DATA, "the input has more than");
}

/* Graphs that are none: circles, values from nowhere, or given twice. */
static void graphs_that_are_none(void **state)
{
    (void)state;
    nas__onnx *o = begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, "Add", "a", NAMES("x", "y"));
    nas__onnx_node(o, "Relu", "y", NAMES("a"));
    end(o, "stranger.onnx");
    refused(NAS_DATA, "it reads \"y\", which nothing before it gives");
    o = begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, "Relu", "y", NAMES("x"));
    nas__onnx_node(o, "Relu", "y", NAMES("x"));
    end(o, "stranger.onnx");
    refused(NAS_DATA, "\"y\" is given twice");
    o = begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, "Relu", "z", NAMES("x"));
    end(o, "stranger.onnx");
    refused(NAS_DATA, "no node gives its output \"y\"");
}

/* ---- files that lie ------------------------------------------------------------------------------------------------------------ */

static Onnx__ModelProto *unpack(const char *path)
{
    void *data;
    size_t size;
    nas_test_ok(nas_file_read(path, 1 << 24, &data, &size));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, data);
    assert_non_null(model);
    free(data);
    return model;
}

static void pack(const Onnx__ModelProto *model, const char *path)
{
    const size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *data = malloc(size);
    assert_non_null(data);
    onnx__model_proto__pack(model, data);
    nas_test_ok(nas_file_replace(path, data, size));
    free(data);
}

static void write_sound(void)
{
    nas__onnx *o = begin(3, NUMBERS(2, 4, 4));
    conv(o, "a", "x", 3, 2, 3);
    nas__onnx_node(o, "Relu", "b", NAMES("a"));
    nas__onnx_int(o, nas__onnx_node(o, "Flatten", "f", NAMES("b")), "axis", 1);
    nas__onnx_node(o, "Gemm", "y", NAMES("f", weights(o, "w", 2, NUMBERS(12, 3))));
    end(o, "sound.onnx");
}

typedef void (*change)(Onnx__ModelProto *model);

static void huge_axes(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->dims[0] = (int64_t)1 << 40;
    model->graph->initializer[0]->dims[1] = (int64_t)1 << 40;
}

static void more_values(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->dims[0] = 1000000;
}

static void negative_axis(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->dims[0] = -3;
}

static void elsewhere(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->has_data_location = true;
    model->graph->initializer[0]->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static void text_weights(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
}

static void not_finite(Onnx__ModelProto *model)
{
    const float nan = NAN;
    memcpy(model->graph->initializer[0]->raw_data.data, &nan, sizeof nan);
}

static void future(Onnx__ModelProto *model)
{
    model->opset_import[0]->version = 99;
}

static void any_height(Onnx__ModelProto *model)
{
    model->graph->input[0]->type->tensor_type->shape->dim[2]->value_case =
        ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET;
}

static void whole_numbers(Onnx__ModelProto *model)
{
    model->graph->input[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
}

static void changed(change what, nas_status wanted, const char *part)
{
    Onnx__ModelProto *model = unpack("sound.onnx");
    what(model);
    pack(model, "stranger.onnx");
    onnx__model_proto__free_unpacked(model, NULL);
    refused(wanted, part);
}

static void lies_are_refused(void **state)
{
    (void)state;
    write_sound();
    changed(huge_axes, NAS_DATA, "more than 2147483647 values");
    changed(more_values, NAS_DATA, "says that it has 18000000 values, and has others");
    changed(negative_axis, NAS_DATA, "has an axis of -3");
    changed(elsewhere, NAS_CONFIG, "lies in another file; save the model as one file");
    changed(text_weights, NAS_CONFIG, "has data of type 8");
    changed(not_finite, NAS_DATA, "numbers that are not finite");
    changed(future, NAS_CONFIG, "opset 99");
    changed(any_height, NAS_CONFIG, "axis 2 of input \"x\" has no length");
    changed(whole_numbers, NAS_CONFIG, "has type 7");
}

/* Puts a field of this number before what is at `at`, around the bytes up to `end`; the new beginning. */
static size_t wrap(uint8_t *data, size_t at, size_t end, int field)
{
    uint8_t head[8];
    size_t count = 0, length = end - at;
    head[count++] = (uint8_t)(field << 3 | 2);
    for (; length > 127; length >>= 7)
        head[count++] = (uint8_t)(length | 128);
    head[count++] = (uint8_t)length;
    memcpy(data + at - count, head, count);
    return at - count;
}

/* Graphs inside attributes inside nodes, deeper than any stack. */
static void a_file_of_nested_graphs(void **state)
{
    enum { DEPTH = 100000, SIZE = 12 * DEPTH };
    uint8_t *data = calloc(1, SIZE + 16);
    size_t at = SIZE;
    (void)state;
    assert_non_null(data);
    for (int depth = 0; depth < DEPTH; depth++) {
        at = wrap(data, at, SIZE, 6); /* a graph of an attribute */
        at = wrap(data, at, SIZE, 5); /* an attribute of a node */
        at = wrap(data, at, SIZE, 1); /* a node of a graph */
        if (at < 64)
            break;
    }
    at = wrap(data, at, SIZE, 7);
    nas_test_ok(nas_file_replace("stranger.onnx", data + at, SIZE - at));
    free(data);
    refused(NAS_CONFIG, "node 0 \"\" (): a subgraph, as If and Loop have");
}

static void files_that_are_no_models(void **state)
{
    (void)state;
    nas_test_ok(nas_file_replace("stranger.onnx", "", 0));
    refused(NAS_DATA, "there is no graph in it");
    nas_test_ok(nas_file_replace("stranger.onnx", "input 1x2x2\n1 dense(0) out = 3\n", 32));
    refused(NAS_DATA, "damaged at byte");
    nas_safetensors content;
    assert_int_not_equal(nas_import_onnx("nowhere.onnx", NULL, &content), NAS_OK);
    write_sound();
    assert_true(nas_is_onnx("sound.onnx"));
    assert_false(nas_is_onnx("nowhere.onnx"));
    nas_graph graph;
    nas_test_ok(nas_graph_parse("input 2x3x3\n1 dense(0) out = 3\n", "text", &graph));
    nas_reference *truth = reference_of(&graph);
    save_random(&graph, truth, "model.safetensors", NULL, NULL);
    assert_false(nas_is_onnx("model.safetensors"));
    nas_reference_destroy(truth);
    nas_graph_clear(&graph);
}

/* Reads it whatever came of it; true: it was accepted, and then it has a graph that can be parsed. */
static bool survives(const uint8_t *data, size_t size)
{
    nas_safetensors content;
    nas_graph graph;
    nas_test_ok(nas_file_replace("stranger.onnx", data, size));
    if (nas_import_onnx("stranger.onnx", NULL, &content) != NAS_OK)
        return false;
    nas_test_ok(nas_graph_parse(nas_safetensors_value(&content, "graph"), "changed", &graph));
    nas_graph_clear(&graph);
    nas_safetensors_clear(&content);
    return true;
}

static void any_cut_and_any_byte(void **state)
{
    static const uint8_t flips[] = {1, 0x80, 0xff};
    void *bytes;
    size_t size;
    int accepted = 0, tried = 0;
    (void)state;
    write_sound();
    nas_test_ok(nas_file_read("sound.onnx", 1 << 20, &bytes, &size));
    uint8_t *data = bytes;
    assert_true(survives(data, size));
    for (size_t cut = 0; cut < size; cut++)
        assert_false(survives(data, cut));
    for (size_t at = 0; at < size; at++)
        for (size_t f = 0; f < sizeof flips; f++) {
            data[at] ^= flips[f];
            accepted += survives(data, size);
            tried++;
            data[at] ^= flips[f];
        }
    assert_true(accepted > 0 && accepted < tried); /* weights may be any numbers */
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_comes_back),
        cmocka_unit_test(every_space_comes_back),
        cmocka_unit_test(preparation_is_taken_off),
        cmocka_unit_test(shapes_are_folded),
        cmocka_unit_test(borders_that_differ),
        cmocka_unit_test(patterns_have_names),
        cmocka_unit_test(a_softmax_at_the_end),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(graphs_that_are_none),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(a_file_of_nested_graphs),
        cmocka_unit_test(files_that_are_no_models),
        cmocka_unit_test(any_cut_and_any_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
