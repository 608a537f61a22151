/* test_import.c - ONNX models as model files of clnas, without a device: the plain C reference runs them in double.
 *
 * What our own export writes must come back as the network that it was: every operator, every space, with norms kept and folded, and with what is known
 * of the data.  Graphs that other frameworks write are made node by node, and must become the graphs that they mean.  What is refused: test_import_refused.c. */
#include "export_graphs.h"
#include "nas_test.h"
#include "onnx_model.h"
#include "saved_model.h"
#include "space_walk.h"

#include <clnas/export.h>
#include <clnas/import.h>
#include <clnas/net.h>

#include <math.h>
#include <unistd.h>

enum { SAMPLES = 3 };

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

static void becomes(const char *graph)
{
    nas_safetensors content;
    nas_test_ok(nas_import_onnx("stranger.onnx", NULL, &content));
    is_text(&content, "graph", graph);
    nas_safetensors_clear(&content);
}

/* x.view(x.size(0), -1) as PyTorch's exporter writes it where the batch may be any. */
static void shapes_are_folded(void **state)
{
    nas__onnx *o = onnx_begin(3, NUMBERS(2, 4, 4));
    (void)state;
    onnx_conv(o, "a", "x", 3, 2, 3);
    nas__onnx_node(o, "Shape", "s", NAMES("a"));
    nas__onnx_node(o, "Gather", "n", NAMES("s", nas__onnx_numbers(o, "zero", 1, NUMBERS(0))));
    nas__onnx_int(o,
                  nas__onnx_node(o, "Concat", "shape",
                                 NAMES("n", nas__onnx_numbers(o, "rest", 1, NUMBERS(-1)))),
                  "axis", 0);
    nas__onnx_node(o, "Reshape", "flat", NAMES("a", "shape"));
    nas__onnx_node(o, "MatMul", "m", NAMES("flat", onnx_weights(o, "w", 2, NUMBERS(12, 5))));
    nas__onnx_node(o, "Add", "y", NAMES("m", onnx_weights(o, "b", 1, NUMBERS(5))));
    onnx_end(o, "stranger.onnx");
    becomes(
        "input 2x4x4\n1 conv2d(0) out = 3; kernel_h = 3; kernel_w = 3; padding_h = 0; padding_w = "
        "0\n2 dense(1) out = 5\n");
}

static void borders_that_differ(void **state)
{
    nas__onnx *o = onnx_begin(3, NUMBERS(2, 6, 6));
    (void)state;
    nas__onnx_ints(o, onnx_conv(o, "a", "x", 3, 2, 3), "pads", 4, NUMBERS(0, 1, 2, 1));
    Onnx__NodeProto *same = onnx_conv(o, "b", "a", 3, 3, 3);
    nas__onnx_string(o, same, "auto_pad", "SAME_UPPER");
    nas__onnx_ints(o, same, "strides", 2, NUMBERS(2, 2));
    Onnx__NodeProto *pool = nas__onnx_node(o, "AveragePool", "y", NAMES("b"));
    nas__onnx_ints(o, pool, "kernel_shape", 2, NUMBERS(2, 2));
    nas__onnx_ints(o, pool, "pads", 4, NUMBERS(0, 0, 1, 1));
    onnx_end(o, "stranger.onnx");
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
    nas__onnx *o = onnx_begin(3, NUMBERS(4, 3, 3));
    (void)state;
    onnx_conv(o, "a", "x", 6, 4, 1);
    nas__onnx_node(o, "Mul", "twice", NAMES("a", onnx_number(o, "two", 2))); /* into its weights */
    nas__onnx_node(o, "Sigmoid", "gate", NAMES("twice"));
    nas__onnx_node(o, "Mul", "silu", NAMES("twice", "gate"));
    nas__onnx_node(o, "Div", "root", NAMES("silu", onnx_number(o, "r", 1.41421356f)));
    nas__onnx_node(o, "Erf", "erf", NAMES("root"));
    nas__onnx_node(o, "Add", "one", NAMES("erf", onnx_number(o, "1", 1)));
    nas__onnx_node(o, "Mul", "double", NAMES("silu", "one"));
    nas__onnx_node(o, "Mul", "gelu", NAMES("double", onnx_number(o, "half", 0.5f)));
    nas__onnx_node(o, "Reshape", "five",
                   NAMES("gelu", nas__onnx_numbers(o, "five_shape", 5, NUMBERS(0, 2, 3, 3, 3))));
    nas__onnx_ints(o, nas__onnx_node(o, "Transpose", "turned", NAMES("five")), "perm", 5,
                   NUMBERS(0, 2, 1, 3, 4));
    nas__onnx_node(o, "Reshape", "y",
                   NAMES("turned", nas__onnx_numbers(o, "back", 4, NUMBERS(-1, 6, 3, 3))));
    onnx_end(o, "stranger.onnx");
    becomes(
        "input 4x3x3\n1 conv2d(0) out = 6; kernel_h = 1; kernel_w = 1; padding_h = 0; padding_w = "
        "0\n2 activation(1) kind = \"silu\"\n3 activation(2) kind = \"gelu\"\n4 shuffle(3)\n");
}

static void a_softmax_at_the_end(void **state)
{
    const nas_import_options options = {.logits = true};
    nas_safetensors content;
    nas__onnx *o = onnx_begin(1, NUMBERS(4));
    (void)state;
    nas__onnx_node(o, "Gemm", "a", NAMES("x", onnx_weights(o, "w", 2, NUMBERS(4, 3))));
    nas__onnx_node(o, "Softmax", "y", NAMES("a"));
    onnx_end(o, "stranger.onnx");
    becomes("input 4x1x1\n1 dense(0) out = 3\n2 softmax(1)\n");
    nas_test_ok(nas_import_onnx("stranger.onnx", &options, &content));
    is_text(&content, "graph", "input 4x1x1\n1 dense(0) out = 3\n");
    nas_safetensors_clear(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_comes_back), cmocka_unit_test(every_space_comes_back),
        cmocka_unit_test(preparation_is_taken_off),  cmocka_unit_test(shapes_are_folded),
        cmocka_unit_test(borders_that_differ),       cmocka_unit_test(patterns_have_names),
        cmocka_unit_test(a_softmax_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
