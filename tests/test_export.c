/* test_export.c - exported networks compute what the network computes.
 *
 * Graphs that have every operator, and random networks of every space, get random weights and statistics.  The truth is the plain C reference
 * in double; the C file is compiled by the machine's compiler, with every warning an error, and run on random samples, and so are the PyTorch
 * module and the ONNX model where Python has PyTorch and ONNX Runtime (CLNAS_PEER_PYTHON).
 * What is read rather than run, JSON and pictures, export_texts.c holds against the graph.
 * Bound: 1e-4 of the largest output. */
#include "export_graphs.h"
#include "export_texts.h"
#include "nas_test.h"
#include "saved_model.h"
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
                   "2 names for 3 outputs");
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
