/* test_export.c - exported networks compute what the network computes.
 *
 * Graphs that have every operator, and random networks of every space, get random weights and statistics.  The truth is the plain C reference
 * in double; the C file is compiled by the machine's compiler, with every warning an error, and run on random samples, and so are the PyTorch
 * module and the ONNX model where Python has PyTorch and ONNX Runtime (CLNAS_PEER_PYTHON).
 * What is read rather than run, JSON and pictures, export_texts.c holds against the graph.
 * Bound: 1e-4 of the largest output. */
#include "export_texts.h"
#include "nas_test.h"
#include "space_walk.h"

#include <clnas/export.h>
#include <clnas/net.h>

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAMPLES = 3 };

static char folder[] = "/tmp/clnas-test-export-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[16][256];
    static int next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* ---- models ------------------------------------------------------------------------------------------------ */

/* Weights whose outputs stay near 1, whatever the depth; statistics that matter. */
static double draw_value(nas_random *random, const nas_parameter *spec)
{
    const double normal = nas_random_normal(random), uniform = nas_random_uniform(random);
    if (strcmp(spec->name, "running_variance") == 0 || strcmp(spec->name, "gamma") == 0)
        return 0.5 + uniform;
    return spec->rank > 1 ? normal / sqrt(spec->fan_in) : 0.3 * normal;
}

/* A file as nas_net_save makes it, with values that the reference gets, too. */
static void save_random(const nas_graph *graph, nas_reference *reference, const char *path,
                        const char *classes, const char *preprocessing)
{
    nas_random random = nas_random_make(7, NAS_STREAM_TEST, 1, 2, 3);
    nas_text text = {0};
    nas_safetensor *tensors = calloc((size_t)graph->count * NAS_OP_PARAMETERS, sizeof *tensors);
    char keys[3][16] = {"graph", "classes", "preprocessing"};
    nas_safetensors file = {.tensors = tensors};
    assert_non_null(tensors);
    for (int node = 1; node < graph->count; node++) {
        nas_parameter specs[NAS_OP_PARAMETERS];
        const int parameters = nas_node_parameters(graph, node, specs);
        for (int p = 0; p < parameters; p++) {
            const uint64_t count = nas_parameter_count(&specs[p]);
            double *values = node <= graph->output /* the reference has none behind it */
                                 ? nas_reference_parameter(reference, node, p, NULL, NULL)
                                 : NULL;
            if (count == 0)
                continue;
            nas_safetensor *tensor = &tensors[file.count++];
            nas_parameter_name(node, &specs[p], tensor->name, sizeof tensor->name);
            tensor->rank = specs[p].rank;
            for (int d = 0; d < specs[p].rank; d++)
                tensor->dims[d] = (uint64_t)specs[p].dims[d];
            tensor->data = malloc(count * sizeof *tensor->data);
            assert_non_null(tensor->data);
            for (uint64_t i = 0; i < count; i++) {
                tensor->data[i] = (float)draw_value(&random, &specs[p]);
                if (values)
                    values[i] = tensor->data[i];
            }
        }
    }
    nas_graph_write(graph, &text);
    char *key_list[] = {keys[0], keys[1], keys[2]};
    char *value_list[] = {text.data, (char *)(uintptr_t)classes, (char *)(uintptr_t)preprocessing};
    file.keys = key_list;
    file.values = value_list;
    file.metadata_count = preprocessing ? 3 : classes ? 2 : 1;
    nas_test_ok(nas_safetensors_write(path, &file));
    for (int i = 0; i < file.count; i++)
        free(tensors[i].data);
    free(tensors);
    nas_text_clear(&text);
}

static nas_reference *reference_of(const nas_graph *graph)
{
    const nas_net_options options = {.batch = SAMPLES};
    nas_reference *reference;
    nas_test_ok(nas_reference_create(graph, &options, &reference));
    return reference;
}

/* ---- comparing ---------------------------------------------------------------------------------------------- */

static void draw_inputs(float *inputs, uint64_t count, bool bytes)
{
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, 4, 5, 6);
    for (uint64_t i = 0; i < count; i++)
        inputs[i] =
            bytes ? (float)nas_random_below(&random, 256) : (float)nas_random_normal(&random);
}

/* Samples of the file's order to CHWN. */
static void set_inputs(nas_reference *reference, const nas_model *model, const float *inputs)
{
    const nas_preprocessing *p = &model->preprocessing;
    const nas_shape shape = nas_model_input(model);
    const uint64_t count = nas_shape_count(shape), plane = (uint64_t)(shape.h * shape.w);
    for (int n = 0; n < SAMPLES; n++)
        for (uint64_t i = 0; i < count; i++) {
            double x = inputs[(uint64_t)n * count + i];
            if (model->prepares)
                x = (x / (p->bytes ? 255 : 1) - p->mean.item[i / plane]) / p->std.item[i / plane];
            nas_reference_input(reference)[i * SAMPLES + (uint64_t)n] = x;
        }
}

static double worst_of(const nas_reference *reference, int node, uint64_t count, const float *got)
{
    const double *truth = nas_reference_value((nas_reference *)(uintptr_t)reference, node);
    double largest = 0, worst = 0;
    for (uint64_t i = 0; i < count; i++)
        for (int n = 0; n < SAMPLES; n++) {
            const double difference =
                fabs(truth[i * SAMPLES + (uint64_t)n] - got[(uint64_t)n * count + i]);
            largest = fmax(largest, fabs(truth[i * SAMPLES + (uint64_t)n]));
            worst = difference > worst || isnan(difference) ? difference : worst;
        }
    return worst / fmax(largest, 1e-30);
}

static void need_compiler(void)
{
    if (system("${CC:-cc} --version >/dev/null 2>&1") != 0)
        skip();
}

/* Writes and runs the model; false: what it takes is not on this machine. */
static bool run_export(const nas_exporter *exporter, const nas_model *model, const float *inputs,
                       float *outputs)
{
    char name[64];
    snprintf(name, sizeof name, "net%s", exporter->ending);
    const char *written = path_of(name);
    nas_test_ok(exporter->write(model, written));
    const nas_status status = exporter->run(model, written, inputs, SAMPLES, outputs);
    if (status == NAS_NO_DEVICE && strcmp(exporter->kind.name, "c") != 0)
        return false;
    if (status != NAS_OK)
        fail_msg("%s: %s", exporter->kind.name, nas_error_message());
    return true;
}

static void compare(const nas_graph *graph, nas_reference *reference, const char *saved,
                    nas_model_norms norms, const char *what)
{
    const nas_step step = {.real = SAMPLES};
    int count;
    const nas_exporter *const *all = nas_exporter_all(&count);
    nas_model model;
    nas_test_ok(nas_model_read(saved, norms, &model));
    const uint64_t in = nas_shape_count(nas_model_input(&model));
    const uint64_t out = nas_shape_count(nas_model_output(&model));
    float *inputs = malloc(in * SAMPLES * sizeof *inputs);
    float *outputs = malloc(out * SAMPLES * sizeof *outputs);
    assert_true(inputs && outputs);
    draw_inputs(inputs, in * SAMPLES, model.prepares && model.preprocessing.bytes);
    set_inputs(reference, &model, inputs);
    nas_reference_forward(reference, false, &step);
    for (int i = 0; i < count; i++) {
        if (!all[i]->run || !run_export(all[i], &model, inputs, outputs))
            continue;
        const double worst = worst_of(reference, graph->output, out, outputs);
        if (!(worst <= 1e-4))
            fail_msg("%s, norms %s: export to %s differs by %.2e of the largest output", what,
                     norms == NAS_NORMS_KEPT ? "kept" : "folded", all[i]->kind.name, worst);
    }
    free(inputs);
    free(outputs);
    nas_model_clear(&model);
}

/* gcc and clang take the written file with all warnings as errors. */
static void assert_strict(const char *written)
{
    char command[1024];
    snprintf(command, sizeof command,
             "${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Wshadow -Werror -O1 -c -o /dev/null '%s'",
             written);
    if (system(command) != 0)
        fail_msg("it does not compile without a warning: %s", command);
}

static void check_graph(const nas_graph *graph, const char *what)
{
    const char *saved = path_of("model.safetensors");
    nas_reference *reference = reference_of(graph);
    save_random(graph, reference, saved, NULL, NULL);
    compare(graph, reference, saved, NAS_NORMS_KEPT, what);
    compare(graph, reference, saved, NAS_NORMS_FOLDED, what);
    check_texts(graph, saved, folder, what);
    assert_strict(path_of("net.c"));
    nas_reference_destroy(reference);
}

static void check_text(const char *text, const char *what)
{
    nas_graph graph;
    nas_test_ok(nas_graph_parse(text, what, &graph));
    check_graph(&graph, what);
    nas_graph_clear(&graph);
}

/* ---- every operator ------------------------------------------------------------------------------------------ */

static const char windows[] =
    "input 3x11x9\n1 conv2d(0) out = 6; kernel = 5; stride = 2; bias = true\n2 batch_norm(1)\n"
    "3 conv2d(2) out = 6; groups = 3; dilation = 2\n4 batch_norm(3) affine = false\n"
    "5 activation(4) kind = \"relu\"\n6 conv2d(5) groups = 0\n7 batch_norm(6)\n"
    "8 conv2d(7) out = 5; kernel_h = 1; kernel_w = 3; padding_h = 1; padding_w = 0\n"
    "9 pool(8) kind = \"max\"; kernel = [3, 2]; stride = [2, 1]; padding = [2, 0]\n"
    "10 pool(9) kind = \"average\"; kernel = 3; stride = 1; padding = [1, 2]\n11 batch_norm(10)\n"
    "12 dense(11) out = 7; bias = false\n13 batch_norm(12)\n14 dense(13) out = 4\n";
static const char activations[] =
    "input 2x5x4\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu6\"\n"
    "4 conv2d(3) out = 8\n5 activation(4) kind = \"leaky_relu\"; slope = 0.3\n6 conv2d(5) out = 8\n"
    "7 activation(6) kind = \"sigmoid\"\n8 conv2d(7) out = 8\n9 activation(8) kind = \"tanh\"\n"
    "10 conv2d(9) out = 8\n11 activation(10) kind = \"silu\"\n12 conv2d(11) out = 8\n"
    "13 activation(12) kind = \"hard_swish\"\n14 conv2d(13) out = 8\n15 activation(14) kind = "
    "\"gelu\"\n"
    "16 conv2d(15) out = 8\n17 activation(16) kind = \"relu\"\n18 pool(17) kind = "
    "\"global_average\"\n"
    "19 dense(18) out = 3\n";
static const char joints[] =
    "input 2x7x6\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 conv2d(3) out = 6\n5 add(2, 4, 3)\n6 concat(5, 3)\n7 shuffle(6) groups = 3\n"
    "8 slice(7) from = 3; count = 6\n9 subsample(8) step = 2\n10 subsample(8) step = 2; from = 1\n"
    "11 add(9, 10)\n12 upsample(11) factor = 2; height = 7; width = 6\n13 mul(8, 12)\n"
    "14 pool(13) kind = \"global_average\"\n15 dense(14) out = 6\n16 activation(15) kind = "
    "\"sigmoid\"\n"
    "17 mul(13, 16)\n18 zero(17)\n19 drop_path(17) probability = 0.2\n20 concat(18, 19, 0)\n"
    "21 dropout(20) rate = 0.5\n22 batch_norm(21)\n23 add(22, 22)\n24 dense(23) out = 5\n";
static const char steps[] = "input 2x3x3\n1 batch_norm(0)\n2 activation(1) kind = \"step\"\n"
                            "3 dense(2) out = 4\n4 dropout(3) rate = 0.5\n";
static const char moved[] =
    "input 2x7x6\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 reshape(3) height = 2; width = 9\n5 transpose(4) order = [2, 0, 1]\n"
    "6 pad(5) before = [0, 1, -1]; after = [-2, 0, 2]; value = 0.25\n7 conv2d(6) out = 6\n"
    "8 batch_norm(7)\n9 softmax(8)\n10 softmax(8) axis = \"rows\"\n"
    "11 softmax(8) axis = \"columns\"\n12 concat(9, 10, 11)\n13 dense(12) out = 4\n"
    "14 softmax(13)\n";
static const char functions[] =
    "input 2x5x4\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 function(2) a = -0.4; b = 0.7\n"
    "4 conv2d(3) out = 8\n5 function(4) kind = \"hard_sigmoid\"; a = 0.3; b = 0.4\n"
    "6 conv2d(5) out = 8\n7 function(6) kind = \"leaky\"; a = -0.2\n8 conv2d(7) out = 8\n"
    "9 function(8) kind = \"threshold\"; a = 0.1\n10 conv2d(9) out = 8\n"
    "11 function(10) kind = \"elu\"; a = 1.67; b = 1.05\n12 conv2d(11) out = 8\n"
    "13 function(12) kind = \"celu\"; a = 2\n14 conv2d(13) out = 8\n"
    "15 function(14) kind = \"gelu_tanh\"\n16 conv2d(15) out = 8\n17 function(16) kind = \"erf\"\n"
    "18 conv2d(17) out = 8\n19 function(18) kind = \"softplus\"\n20 conv2d(19) out = 8\n"
    "21 function(20) kind = \"softsign\"\n22 dense(21) out = 3\n";
static const char heads[] =
    "input 1x6x6\n1 conv2d(0) out = 4\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 pool(3) kind = \"global_average\"\n5 dense(4) out = 3\n6 dense(3) out = 3\n"
    "7 softmax_cross_entropy(6) auxiliary = 0.4\noutput 5\n";

static void test_every_operator(void **state)
{
    (void)state;
    need_compiler();
    check_text(windows, "windows");
    check_text(activations, "activations");
    check_text(joints, "joints");
    check_text(moved, "moved");
    check_text(functions, "functions");
    check_text(steps, "steps");
    check_text(heads, "an auxiliary head");
}

/* An operator that is added must be told to exporters, or be one of those that no export has. */
static void test_operators_have_layers(void **state)
{
    static const char *const none[] = {"mixed", "softmax_cross_entropy", "element_loss"};
    static const char *const texts[] = {windows, activations, joints, moved, functions, steps};
    int count;
    const nas_op *const *all = nas_op_all(&count);
    (void)state;
    for (int i = 0; i < count; i++) {
        const char *name = all[i]->kind.name;
        bool has_none = false;
        for (size_t k = 0; k < sizeof none / sizeof *none; k++)
            has_none = has_none || strcmp(name, none[k]) == 0;
        bool listed = has_none;
        char call[64];
        snprintf(call, sizeof call, " %s(", name);
        for (size_t t = 0; all[i]->layer && t < sizeof texts / sizeof *texts; t++)
            listed = listed || strstr(texts[t], call);
        if (!listed)
            fail_msg("%s is in none of the networks above", name);
        assert_int_equal(all[i]->layer == NULL, has_none);
    }
}

/* ---- every space ------------------------------------------------------------------------------------------------ */

/* Small ones: their weights are text that a compiler reads. */
static const char *options_of(const char *space)
{
    static const char *const small[][2] = {
        {"chain", "{ width = [4, 8]; }"},         {"chain_skip", "{ width = [4, 8]; stem = 8; }"},
        {"cell", "{ channels = 4; cells = 3; }"}, {"cell201", "{ channels = 4; cells = 1; }"},
        {"cell101", "{ stem = 8; cells = 1; }"},  {"template", "{ stem = 8; }"},
    };
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (strcmp(space, small[i][0]) == 0)
            return small[i][1];
    fail_msg("the space %s is not exported here", space);
    return NULL;
}

static void test_every_space(void **state)
{
    int count;
    const nas_space *const *all = nas_space_all(&count);
    (void)state;
    need_compiler();
    for (int i = 0; i < count; i++) {
        const char *name = all[i]->kind.name;
        nas_domain *domain = space_open(name, options_of(name), (nas_shape){3, 16, 16});
        for (uint32_t draw = 0; draw < 2; draw++) {
            const nas_arch arch = space_sample(domain, draw);
            nas_graph graph;
            nas_test_ok(nas_domain_build(domain, &arch, &graph));
            check_graph(&graph, name);
            nas_graph_clear(&graph);
        }
        nas_domain_close(domain);
    }
}

/* ---- names, preprocessing, what is refused ------------------------------------------------------------------------ */

static const char small[] =
    "input 2x4x4\n1 conv2d(0) out = 3\n2 batch_norm(1)\n3 dense(2) out = 3\n";

/* What names hold stays text: the file compiles, and tells the same names. */
static void test_hostile_names(void **state)
{
    const char *saved = path_of("model.safetensors"), *written = path_of("9 odd*name-int.c");
    nas_graph graph;
    nas_model model;
    (void)state;
    need_compiler();
    nas_test_ok(nas_graph_parse(small, "small", &graph));
    nas_reference *reference = reference_of(&graph);
    save_random(&graph, reference, saved, "*/ \"; ?\?/\ncafé\\\n\t%s%n",
                "{ bytes = true; mean = [0.5, 0.25]; std = [0.1, 2.0]; }");
    compare(&graph, reference, saved, NAS_NORMS_FOLDED, "preprocessing");
    nas_test_ok(nas_model_read(saved, NAS_NORMS_FOLDED, &model));
    assert_string_equal(model.classes[1], "café\\");
    assert_string_equal(model.classes[2], "\t%s%n");
    assert_true(model.preprocessing.bytes && model.preprocessing.std.item[1] == 2);
    nas_test_ok(nas_exporter_find("c")->write(&model, written));
    assert_strict(written);
    nas_model_clear(&model);
    check_texts(&graph, saved, folder, "hostile names");
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
}

/* A saved file with one thing changed. */
static void change(const char *saved, const char *from, const char *to)
{
    void *data;
    size_t size, length = strlen(from);
    nas_test_ok(nas_file_read(saved, 1 << 20, &data, &size));
    assert_int_equal(length, strlen(to));
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp((char *)data + i, from, length) == 0) {
            memcpy((char *)data + i, to, length);
            nas_test_ok(nas_file_replace(saved, data, size));
            free(data);
            return;
        }
    fail_msg("no %s in the file", from);
}

static void test_refused_models(void **state)
{
    const char *saved = path_of("model.safetensors");
    nas_graph graph;
    nas_model model;
    (void)state;
    nas_test_ok(nas_graph_parse(small, "small", &graph));
    nas_reference *reference = reference_of(&graph);
    save_random(&graph, reference, saved, "a\nb", NULL);
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA,
                   "2 class names for 3 outputs");
    save_random(&graph, reference, saved, "a\nb\nc",
                "{ bytes = true; mean = [0.5]; std = [0.1]; }");
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA,
                   "preprocessing of 1 and 1 channels for 2");
    save_random(
        &graph, reference, saved, "a\nb\nc",
        "{ bytes = true; mean = [0.5, 1]; std = [0.1, 1]; image = { size = [4, 5]; channels = "
        "2; }; }");
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA, "than 2×4×4");
    save_random(
        &graph, reference, saved, "a\nb\nc",
        "{ bytes = true; mean = [0.5, 1]; std = [0.1, 1]; image = { size = [4, 4]; channels = "
        "2; filter = \"box\"; }; }");
    nas_test_ok(nas_model_read(saved, NAS_NORMS_KEPT, &model));
    assert_int_equal(model.preprocessing.image.filter, 1);
    nas_model_clear(&model);
    save_random(&graph, reference, saved, "a\nb\nc",
                "{ bytes = 3; mean = [0.5, 1]; std = [0.1, 1]; }");
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_CONFIG, "bytes");
    save_random(&graph, reference, saved, NULL, NULL);
    change(saved, "\"1.weight\"", "\"7.weight\"");
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA,
                   "tensor 1.weight is missing");
    save_random(&graph, reference, saved, NULL, NULL);
    change(saved, "conv2d(0) out = 3", "conv2d(0) out = 9");
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA,
                   "not as its graph says");
    save_random(&graph, reference, saved, NULL, NULL);
    change(saved, "\"graph\"", "\"grief\"");
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA, "no graph in it");
    save_random(&graph, reference, saved, NULL, NULL);
    nas_test_ok(nas_model_read(saved, NAS_NORMS_KEPT, &model));
    nas_test_fails(nas_exporter_find("c")->write(&model, path_of("net.cc")), NAS_CONFIG,
                   "must end with .c");
    nas_test_fails(nas_exporter_find("c")->write(&model, path_of("a\\b.c")), NAS_CONFIG,
                   "no quotes");
    nas_test_fails(nas_exporter_find("c")->write(&model, "/nowhere/net.c"), NAS_FAILED,
                   "/nowhere/net.h");
    for (int i = 0; i < 2; i++)
        nas_test_fails(nas_exporter_find(i ? "json" : "dot")->write(&model, "/nowhere/net"),
                       NAS_FAILED, "/nowhere/net");
    nas_model_clear(&model);
    truncate(saved, 700);
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_DATA, saved);
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
}

/* Statistics of the batch, candidates of a search: nothing that one sample could be shown to. */
static void test_refused_operators(void **state)
{
    const char *saved = path_of("model.safetensors");
    const char text[] = "input 2x4x4\n1 batch_norm(0) running = false\n2 dense(1) out = 3\n";
    nas_graph graph;
    nas_model model;
    (void)state;
    nas_test_ok(nas_graph_parse(text, "text", &graph));
    nas_reference *reference = reference_of(&graph);
    save_random(&graph, reference, saved, NULL, NULL);
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_CONFIG,
                   "without running statistics");
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
    nas_test_ok(nas_graph_parse("input 2x4x4\n1 mixed(0) out = 1; gates = 1\n2 dense(1) out = 3\n",
                                "text", &graph));
    reference = reference_of(&graph);
    save_random(&graph, reference, saved, NULL, NULL);
    nas_test_fails(nas_model_read(saved, NAS_NORMS_KEPT, &model), NAS_CONFIG, "node 1, mixed");
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
}

/* ---- main ----------------------------------------------------------------------------------------------------------- */

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operator), cmocka_unit_test(test_operators_have_layers),
        cmocka_unit_test(test_every_space),    cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_refused_models), cmocka_unit_test(test_refused_operators),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
