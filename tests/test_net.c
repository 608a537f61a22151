/* test_net.c - whole networks on a device against the double reference.
 *
 * Each graph below stresses one rule of the plan: a home read with and without its activation, norms where a view cannot
 * say them, residual sums, gates, concatenations, dead ends.  For each, fused and unfused, loss, output, running
 * statistics and every gradient are compared with the reference; and the reference itself with finite differences of the loss along a random
 * direction.  The bound is the product's: 1e-3 of the largest entry of the double gradient.
 */
#include "net_harness.h"
#include "nas_test_tensor.h"

#include <math.h>

static const char auxiliary_case[] = "a second classifier in the middle";

static const net_case cases[] = {
    {"small chain", 5,
     "input 1x9x7\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 5; kernel = 3; stride = 2\n5 batch_norm(4)\n6 activation(5) kind = "
     "\"relu\"\n"
     "7 pool(6) kind = \"global_average\"\n8 dense(7) out = 4\n"},
    {"separable and max pool", 19,
     "input 2x8x8\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 8; groups = 8\n5 conv2d(4) out = 16; kernel = 1\n6 batch_norm(5)\n"
     "7 activation(6) kind = \"relu\"\n8 pool(7) kind = \"max\"; kernel = 2; stride = 2\n"
     "9 conv2d(8) out = 7; kernel = 1\n10 batch_norm(9)\n11 activation(10) kind = \"relu\"\n"
     "12 pool(11) kind = \"global_average\"\n13 dense(12) out = 3\n"},
    {"residual, one home read twice", 16,
     "input 3x6x5\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 8\n5 batch_norm(4)\n6 add(2, 5)\n7 activation(6) kind = \"relu\"\n"
     "8 conv2d(7) out = 8\n9 batch_norm(8)\n10 add(9, 3)\n11 activation(10) kind = \"silu\"\n"
     "12 pool(11) kind = \"global_average\"\n13 dense(12) out = 5\n"},
    {"norms where views cannot say them", 6,
     "input 3x5x5\n1 batch_norm(0)\n2 conv2d(1) out = 4; bias = true\n"
     "3 activation(2) kind = \"relu\"\n4 batch_norm(3)\n5 batch_norm(4)\n6 conv2d(5) out = 4\n"
     "7 batch_norm(6)\n8 add(6, 7)\n9 activation(8) kind = \"tanh\"\n"
     "10 activation(9) kind = \"gelu\"\n11 pool(10) kind = \"global_average\"\n12 dense(11) out = "
     "3\n"},
    {"squeeze-excite gate", 17,
     "input 2x6x6\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"hard_swish\"\n"
     "4 pool(3) kind = \"global_average\"\n5 conv2d(4) out = 4; kernel = 1; bias = true\n"
     "6 activation(5) kind = \"relu\"\n7 conv2d(6) out = 8; kernel = 1; bias = true\n"
     "8 activation(7) kind = \"sigmoid\"\n9 mul(3, 8)\n10 conv2d(9) out = 6; kernel = 1\n"
     "11 batch_norm(10)\n12 pool(11) kind = \"global_average\"\n13 dense(12) out = 4\n"},
    {"concat, slice, shuffle, twice the same", 3,
     "input 2x6x6\n1 conv2d(0) out = 6\n2 batch_norm(1) affine = false\n"
     "3 activation(2) kind = \"leaky_relu\"\n4 conv2d(3) out = 4; dilation = 2\n5 batch_norm(4)\n"
     "6 concat(3, 5)\n7 shuffle(6) groups = 2\n8 slice(7) from = 2; count = 6\n9 add(8, 8)\n"
     "10 conv2d(9) out = 6; groups = 2\n11 batch_norm(10)\n12 activation(11) kind = \"relu6\"\n"
     "13 pool(12) kind = \"average\"; kernel = 3; stride = 2\n14 dense(13) out = 3\n"},
    {"dropout, drop-path, a dead end", 20,
     "input 1x7x7\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 8\n5 batch_norm(4)\n6 drop_path(5) probability = 0.4\n7 add(3, 6)\n"
     "8 conv2d(7) out = 4\n9 pool(7) kind = \"global_average\"\n10 dropout(9) rate = 0.3\n"
     "11 dense(10) out = 4\n"},
    {"steps beside relus: no gradient through them", 13,
     "input 2x6x5\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"step\"\n"
     "4 activation(2) kind = \"relu\"\n5 conv2d(4) out = 6\n6 batch_norm(5)\n"
     "7 activation(6) kind = \"step\"\n8 conv2d(0) out = 6\n9 batch_norm(8)\n10 mul(9, 3)\n"
     "11 conv2d(10) out = 6\n12 batch_norm(11)\n13 mul(12, 7)\n14 add(13, 4)\n"
     "15 pool(14) kind = \"global_average\"\n16 dense(15) out = 3\n"},
    {"norm behind dropout and pool", 18,
     "input 2x6x6\n1 conv2d(0) out = 5; kernel = 1\n2 pool(1) kind = \"average\"\n3 batch_norm(2)\n"
     "4 activation(3) kind = \"relu\"\n5 pool(4) kind = \"max\"; kernel = 3; stride = 2\n"
     "6 batch_norm(5)\n7 conv2d(6) out = 9; kernel = 5; groups = 1\n8 batch_norm(7)\n"
     "9 activation(8) kind = \"sigmoid\"\n10 dense(9) out = 4\n"},
    {auxiliary_case, 18,
     "input 2x7x6\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 5; stride = 2\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n"
     "7 pool(6) kind = \"global_average\"\n8 dense(7) out = 4\n"
     "9 activation(2) kind = \"relu\"\n"
     "10 pool(9) kind = \"average\"; kernel = 5; stride = 3; padding = 0\n"
     "11 conv2d(10) out = 3; kernel = 1; padding = 0\n12 batch_norm(11)\n"
     "13 activation(12) kind = \"relu\"\n14 dense(13) out = 4\n"
     "15 softmax_cross_entropy(14) auxiliary = 0.4\noutput 8\n"},
};

static nas_device *device;

static int setup(void **state)
{
    (void)state;
    return nas_device_open("", NULL, &device) != NAS_OK;
}

static int teardown(void **state)
{
    (void)state;
    return net_close_device(device);
}

/* What a net keeps for measures, fused and unfused, against the reference: saliency of each layer, features, and in how many
 * relus two samples differ. */
static void check_saliency(nas_net *net, nas_reference *reference, int node)
{
    const nas_shape shape = nas_net_graph(net)->nodes[node].shape;
    const int batch = nas_net_options_of(net)->batch, padded = nas_batch_padded(batch);
    const nas_tensor tensor = nas_net_saliency(net, node);
    const double *z = nas_reference_value(reference, node);
    const double *dz = nas_reference_gradient(reference, node);
    const int pixels = shape.h * shape.w;
    float *got = malloc(tensor.count * sizeof *got), *dense = malloc(tensor.count * sizeof *dense);
    double *truth = calloc(tensor.count, sizeof *truth);
    nas_test_ok(nas_tensor_read(tensor, got));
    for (int c = 0; c < shape.c; c++)
        for (int n = 0; n < batch; n++) {
            dense[c * batch + n] = got[c * padded + n];
            for (int p = 0; p < pixels; p++) {
                int at = (c * pixels + p) * batch + n;
                truth[c * batch + n] += z[at] * dz[at];
            }
        }
    double error = net_worst(dense, truth, (uint64_t)(shape.c * batch), 1e-6);
    if (!(error <= 1e-3))
        fail_msg("saliency of node %d differs by %.2e of its largest entry", node, error);
    free(got);
    free(dense);
    free(truth);
}

static void check_distances(nas_net *net, nas_reference *reference)
{
    const nas_graph *graph = nas_net_graph(net);
    const int batch = nas_net_options_of(net)->batch, padded = nas_batch_padded(batch);
    const nas_tensor tensor = nas_net_distances(net);
    uint32_t *got = malloc(tensor.count * sizeof *got);
    uint64_t signs = 0;
    nas_test_ok(nas_buffer_read(tensor.buffer, 4 * tensor.at, 4 * tensor.count, got));
    for (int i = 0; i < batch; i++)
        for (int j = 0; j < batch; j++) {
            uint32_t distance = 0;
            signs = 0;
            for (int node = 1; node < graph->count; node++) {
                nas_activation kind;
                float slope;
                if (strcmp(graph->nodes[node].op->kind.name, "activation") != 0)
                    continue;
                nas_activation_of(graph->nodes[node].options.bytes, &kind, &slope);
                if (kind != NAS_ACT_RELU && kind != NAS_ACT_RELU6 && kind != NAS_ACT_LEAKY_RELU)
                    continue;
                const double *x = nas_reference_value(reference, graph->nodes[node].inputs[0]);
                uint64_t pixels = nas_shape_count(graph->nodes[node].shape);
                signs += pixels;
                for (uint64_t p = 0; p < pixels; p++)
                    distance += (x[p * (uint64_t)batch + (uint64_t)i] > 0) !=
                                (x[p * (uint64_t)batch + (uint64_t)j] > 0);
            }
            assert_int_equal(got[i * padded + j], distance);
        }
    assert_true(nas_net_sign_count(net) == signs);
    free(got);
}

static void check_features(nas_net *net, nas_reference *reference)
{
    const nas_net_options *options = nas_net_options_of(net);
    const nas_shape shape = nas_net_graph(net)->nodes[options->features].shape;
    const int batch = options->batch, padded = nas_batch_padded(batch);
    const nas_tensor tensor = nas_net_features(net);
    const double *truth = nas_reference_value(reference, options->features);
    float *got = malloc(tensor.count * sizeof *got);
    nas_test_ok(nas_tensor_read(tensor, got));
    for (uint64_t i = 0; i < nas_shape_count(shape); i++)
        for (int n = 0; n < batch; n++)
            if (!(fabs(got[i * (uint64_t)padded + (uint64_t)n] -
                       truth[i * (uint64_t)batch + (uint64_t)n]) <= 1e-4))
                fail_msg("feature %d of sample %d", (int)i, n);
    free(got);
}

static void check_taps(const net_case *c, bool unfused)
{
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    nas_test_ok(nas_graph_parse(c->graph, c->name, &graph));
    const nas_net_options options = {.batch = c->batch,
                                     .training = true,
                                     .loss = NAS_CROSS_ENTROPY,
                                     .unfused = unfused,
                                     .taps = NAS_TAP_SIGNS | NAS_TAP_SALIENCY,
                                     .features = 3};
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_ok(nas_reference_create(&graph, &options, &reference));
    net_randomise(net, reference);
    nas_step now = net_step;
    now.real = (uint32_t)c->batch;
    nas_test_ok(nas_net_set_step(net, &now));
    for (int again = 0; again < 2; again++) { /* nothing adds up from pass to pass */
        nas_test_ok(nas_net_forward(net));
        nas_test_ok(nas_net_backward(net));
    }
    nas_reference_forward(reference, true, &now);
    nas_reference_backward(reference, &now);
    for (int node = 1; node < graph.count; node++)
        if (nas_net_saliency(net, node).buffer)
            check_saliency(net, reference, node);
    check_distances(net, reference);
    check_features(net, reference);
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

static void taps_equal_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_taps(&cases[i], false);
        if (!getenv("CLNAS_TEST_SMALL"))
            check_taps(&cases[i], true);
    }
}

static void fused_equals_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        net_check(device, &cases[i], 1, false, false);
}

static void unfused_equals_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        net_check(device, &cases[i], 1, true, false);
}

/* The batch in shards: norms, losses, gradients and draws are those of the whole. */
static void shards_equal_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_check(device, &cases[i], 2, false, false);
        net_check(device, &cases[i], 4, i % 2 == 1, false);
    }
}

static void clblast_equals_reference(void **state)
{
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        net_check(device, &cases[i], 1, false, true);
}

static void reference_equals_finite_differences(void **state)
{
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        net_check_differences(device, &cases[i]);
}

static void graph_text_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_graph graph, again;
        nas_text first = {0}, second = {0};
        uint64_t a, b;
        nas_test_ok(nas_graph_parse(cases[i].graph, "case", &graph));
        nas_graph_write(&graph, &first);
        nas_test_ok(nas_graph_parse(first.data, "text", &again));
        nas_graph_write(&again, &second);
        assert_string_equal(first.data, second.data);
        nas_test_ok(nas_graph_hash(&graph, &a));
        nas_test_ok(nas_graph_hash(&again, &b));
        assert_true(a == b);
        nas_text_clear(&first);
        nas_text_clear(&second);
        nas_graph_clear(&graph);
        nas_graph_clear(&again);
    }
}

static void bad_graphs_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "input 0x3x3\n",
                                      "1 conv2d(0) out = 3\n",
                                      "input 1x4x4\n2 conv2d(0) out = 3\n",
                                      "input 1x4x4\n1 conv2d(1) out = 3\n",
                                      "input 1x4x4\n1 convv(0) out = 3\n",
                                      "input 1x4x4\n1 conv2d(0) outt = 3\n",
                                      "input 1x4x4\n1 conv2d(0) out = -3\n",
                                      "input 1x4x4\n1 add(0)\n",
                                      "input 1x4x4\n1 conv2d(0 out = 3\n",
                                      "input 1x4x4\n1 conv2d(0) out = 3; groups = 5\n",
                                      "input 1x4x4\noutput 3\n",
                                      "input 1x4x4\ninput 1x4x4\n",
                                      "input 1x4x4\n1 pool(0) kernel = 9; stride = 9\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nas_graph graph = {0};
        if (nas_graph_parse(bad[i], "bad", &graph) == NAS_OK)
            fail_msg("accepted: %s", bad[i]);
        assert_true(strlen(nas_error_message()) > 10);
    }
}

static void weights_survive_a_file(void **state)
{
    (void)state;
    nas_graph graph;
    nas_net *a, *b;
    char path[] = "/tmp/clnas_net_XXXXXX.safetensors";
    snprintf(path, sizeof path, "test_net_%d.safetensors", 1);
    nas_net_options options = {.batch = 4};
    nas_test_ok(nas_graph_parse(cases[0].graph, "case", &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &a));
    nas_test_ok(nas_net_create(device, &graph, &options, &b));
    nas_test_ok(nas_net_initialise(a, 1, 2));
    nas_test_ok(nas_net_initialise(b, 7, 2));
    const char *keys[] = {"note"}, *values[] = {"a test"};
    nas_test_ok(nas_net_save(a, path, keys, values, 1));
    nas_test_ok(nas_net_load(b, path));
    uint64_t count = nas_net_parameters(a).parameters.count;
    float *x = calloc(count, sizeof *x), *y = calloc(count, sizeof *y);
    nas_test_ok(nas_tensor_read(nas_net_parameters(a).parameters, x));
    nas_test_ok(nas_tensor_read(nas_net_parameters(b).parameters, y));
    assert_memory_equal(x, y, count * sizeof *x);
    free(x);
    free(y);
    remove(path);
    nas_net_destroy(a);
    nas_net_destroy(b);
    nas_graph_clear(&graph);
}

/* A file may have doubles; weights are none. */
static void weights_are_floats(void **state)
{
    static const char path[] = "doubles.safetensors";
    const nas_net_options options = {.batch = 4};
    nas_graph graph;
    nas_net *net;
    nas_safetensors file = {0};
    (void)state;
    nas_test_ok(nas_graph_parse(cases[0].graph, "case", &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_ok(nas_net_initialise(net, 1, 2));
    nas_test_ok(nas_net_save(net, path, NULL, NULL, 0));
    nas_test_ok(nas_safetensors_read(path, &file));
    nas_safetensor *first = &file.tensors[0];
    double *doubles = calloc(1 << 12, sizeof *doubles);
    first->doubles = doubles;
    first->data = NULL;
    nas_test_ok(nas_safetensors_write(path, &file));
    nas_test_fails(nas_net_load(net, path), NAS_FAILED, "no F32");
    free(doubles);
    nas_safetensors_clear(&file);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
    remove(path);
}

static float *output_of(nas_net *net, nas_tensor *output)
{
    const nas_step step = {.real = 18};
    nas_test_ok(nas_net_set_step(net, &step));
    const nas_tensor input = nas_net_input(net);
    float *values = malloc(input.count * sizeof *values);
    for (uint64_t i = 0; i < input.count; i++)
        values[i] = (float)((i * 7919) % 101) / 101;
    nas_test_ok(nas_tensor_write(input, values));
    free(values);
    nas_test_ok(nas_net_evaluate(net));
    *output = nas_net_output(net);
    return nas_test_read(*output);
}

/* A net that only evaluates has none of what serves an auxiliary loss: neither costs nor parameters; it takes the weights of one that was
 * trained with it and computes the same bits. */
static void auxiliary_heads_are_left_behind(void **state)
{
    const net_case *c = cases;
    nas_net_options options = {
        .batch = 18, .training = true, .loss = NAS_CROSS_ENTROPY, .auxiliary = true};
    nas_graph graph, alone;
    nas_net *trained, *plain;
    nas_cost cost, cost_alone;
    nas_tensor output;
    (void)state;
    while (c->name != auxiliary_case)
        c++;
    nas_test_ok(nas_graph_parse(c->graph, c->name, &graph));
    nas_test_ok(nas_graph_copy(&graph, &alone));
    alone.count = 9;
    nas_graph_cost(&graph, &cost);
    nas_graph_cost(&alone, &cost_alone);
    assert_memory_equal(&cost, &cost_alone, sizeof cost);
    nas_test_ok(nas_net_create(device, &graph, &options, &trained));
    nas_test_ok(nas_net_initialise(trained, 3, 4));
    options = (nas_net_options){.batch = 18, .auxiliary = true};
    nas_test_ok(nas_net_create(device, &graph, &options, &plain));
    assert_int_equal(nas_net_graph(plain)->count, 9);
    assert_true(nas_net_parameter_count(plain) < nas_net_parameter_count(trained));
    nas_test_ok(nas_net_save(trained, "auxiliary.safetensors", NULL, NULL, 0));
    nas_test_ok(nas_net_load(plain, "auxiliary.safetensors"));
    float *wanted = output_of(trained, &output), *got = output_of(plain, &output);
    assert_memory_equal(wanted, got, output.count * sizeof *got);
    free(wanted);
    free(got);
    nas_net_destroy(trained);
    nas_net_destroy(plain);
    nas_graph_clear(&graph);
    nas_graph_clear(&alone);
}

/* How a batch may be cut, and how the trainer cuts it. */
static void shards_are_checked(void **state)
{
    (void)state;
    static const struct {
        int batch, shards;
    } rows[] = {{1, 1},   {16, 1},  {17, 2},   {32, 2},   {48, 1},  {63, 2},  {64, 2},
                {96, 2},  {127, 2}, {128, 2},  {100, 1},  {129, 1}, {144, 1}, {160, 2},
                {192, 2}, {250, 4}, {1024, 8}, {4096, 8}, {255, 4}, {113, 2}};
    const bool host = nas_device_describe(device)->on_host;
    nas_graph graph;
    nas_net *net = NULL;
    nas_net_options options = {
        .batch = 80, .training = true, .loss = NAS_CROSS_ENTROPY, .shards = 2};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(nas_batch_shards(device, rows[i].batch), host ? rows[i].shards : 1);
    nas_test_ok(nas_graph_parse(cases[0].graph, "case", &graph));
    assert_int_equal(nas_net_create(device, &graph, &options, &net), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "a batch of 80"));
    options.batch = 64;
    options.taps = NAS_TAP_SIGNS;
    assert_int_equal(nas_net_create(device, &graph, &options, &net), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "taps"));
    options.batch = 256;
    options.taps = 0;
    options.shards = 16;
    assert_int_equal(nas_net_create(device, &graph, &options, &net), NAS_CONFIG);
    nas_graph_clear(&graph);
}

static void memory_is_known_before(void **state)
{
    (void)state;
    nas_graph graph;
    nas_net *net;
    nas_net_memory before, after;
    nas_net_options options = {.batch = 8, .training = true, .loss = NAS_CROSS_ENTROPY};
    nas_test_ok(nas_graph_parse(cases[2].graph, "case", &graph));
    int live = nas_device_live_objects(device);
    nas_test_ok(nas_net_measure(device, &graph, &options, &before));
    assert_int_equal(nas_device_live_objects(device), live);
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_net_memory_of(net, &after);
    assert_true(before.total_bytes == after.total_bytes);
    assert_true(before.total_bytes > 0);
    nas_net_destroy(net);
    options.batch = 64;
    options.shards = 4;
    nas_test_ok(nas_net_measure(device, &graph, &options, &before));
    assert_true(before.total_bytes > after.total_bytes);
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_net_memory_of(net, &after);
    assert_true(before.total_bytes == after.total_bytes);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_text_round_trips),
        cmocka_unit_test(bad_graphs_are_refused),
        cmocka_unit_test(taps_equal_the_reference),
        cmocka_unit_test(fused_equals_reference),
        cmocka_unit_test(unfused_equals_reference),
        cmocka_unit_test(shards_equal_reference),
        cmocka_unit_test(clblast_equals_reference),
        cmocka_unit_test(reference_equals_finite_differences),
        cmocka_unit_test(weights_survive_a_file),
        cmocka_unit_test(weights_are_floats),
        cmocka_unit_test(auxiliary_heads_are_left_behind),
        cmocka_unit_test(shards_are_checked),
        cmocka_unit_test(memory_is_known_before),
    };
    nas_device_info *devices = NULL;
    int count = 0;
    if (nas_devices_list(&devices, &count) != NAS_OK || count == 0) {
        free(devices);
        return 77;
    }
    free(devices);
    return cmocka_run_group_tests(tests, setup, teardown);
}
