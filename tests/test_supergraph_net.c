/* test_supergraph_net.c - supernets on the device: loss, output and gradients of the gates against the plain C reference.
 *
 * Gates are random, some of them 0, some below 0; then they change, which must ask for no other network, and the next pass must
 * see it. */
#include <clnas/net.h>

#include "nas_test_device.h"
#include "supergraph_walk.h"

#include <math.h>

enum { BATCH = 6 };

static const nas_step step = {.real = BATCH};

static void fill_input(nas_net *net, nas_reference *reference)
{
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, 1, 0, 0);
    const uint64_t pixels = nas_shape_count(nas_net_graph(net)->nodes[0].shape);
    const size_t padded = (size_t)nas_batch_padded(BATCH);
    float *input = calloc(pixels * padded, sizeof *input);
    int32_t *labels = calloc(padded, sizeof *labels);
    for (uint64_t i = 0; i < pixels; i++)
        for (size_t n = 0; n < BATCH; n++) {
            input[i * padded + n] = (float)nas_random_normal(&random);
            nas_reference_input(reference)[i * BATCH + n] = input[i * padded + n];
        }
    for (size_t n = 0; n < BATCH; n++)
        labels[n] = nas_reference_labels(reference)[n] = (int32_t)nas_random_below(&random, 10);
    nas_test_ok(nas_tensor_write(nas_net_input(net), input));
    nas_test_ok(nas_buffer_write(nas_net_labels(net).buffer, 4 * nas_net_labels(net).at, 4 * padded,
                                 labels));
    free(input);
    free(labels);
}

static void fill_gates(nas_net *net, uint32_t draw)
{
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, 2, draw, 0);
    const nas_tensor gates = nas_net_gates(net);
    float *values = calloc(gates.count, sizeof *values);
    for (uint64_t i = 0; i < gates.count; i++)
        values[i] = i % 5 == draw ? 0 : (float)nas_random_normal(&random);
    nas_test_ok(nas_tensor_write(gates, values));
    free(values);
}

static double loss_of(nas_net *net)
{
    float metrics[4];
    nas_test_ok(nas_tensor_read(nas_tensor_view(nas_net_metrics(net), 0, 4), metrics));
    assert_true(metrics[2] == BATCH);
    return metrics[0] / metrics[2];
}

static void compare_gates(nas_net *net, nas_reference *reference)
{
    const nas_tensor tensor = nas_net_gate_gradients(net);
    float *got = calloc(tensor.count, sizeof *got);
    double *truth, largest = 0, apart = 0;
    assert_non_null(nas_reference_gates(reference, &truth));
    nas_test_ok(nas_tensor_read(tensor, got));
    for (uint64_t i = 0; i < tensor.count; i++) {
        largest = fmax(largest, fabs(truth[i]));
        apart = fmax(apart, isfinite(got[i]) ? fabs(got[i] - truth[i]) : INFINITY);
    }
    assert_true(largest > 1e-4);
    if (!(apart <= 1e-3 * largest))
        fail_msg("gradients of gates differ by %.2e of the largest", apart / largest);
    free(got);
}

static void check(const char *space, const char *options, nas_shape input,
                  nas_supergraph_options how)
{
    const nas_net_options net_options = {
        .batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY};
    supergraph super = supergraph_open(space, options, input, how);
    nas_net *net;
    nas_reference *reference;
    nas_test_ok(nas_net_create(device, &super.graph, &net_options, &net));
    nas_test_ok(nas_reference_create(&super.graph, &net_options, &reference));
    assert_int_equal(nas_net_gates(net).count, super.table.gates);
    nas_test_ok(nas_net_initialise(net, 3, 4));
    nas_test_ok(nas_net_set_step(net, &step));
    fill_input(net, reference);
    for (uint32_t draw = 0; draw < 2; draw++) {
        fill_gates(net, draw);
        nas_test_ok(nas_reference_copy(reference, net));
        nas_test_ok(nas_net_forward(net));
        nas_test_ok(nas_net_backward(net));
        const double truth = nas_reference_forward(reference, true, &step);
        nas_reference_backward(reference, &step);
        const double loss = loss_of(net);
        if (!(fabs(loss - truth) <= 1e-4 * fmax(1, fabs(truth))))
            fail_msg("%s: loss %.7f, reference %.7f", space, loss, truth);
        compare_gates(net, reference);
    }
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    supergraph_close(&super);
}

static void test_supernets(void **state)
{
    static const char layers[] = "{ depth = 4; stages = 2; op = [\"conv\", \"sep_conv\", "
                                 "\"max_pool\"]; width = 8; stem = 8; "
                                 "join = \"add\"; mmacs = 0; }";
    static const char blocks[] =
        "{ segments = 2; stem = 4; pattern = \"chain\"; segment = { width = 8; stride = 2; }; "
        "mmacs = 0; }";
    const nas_shape image = {3, 16, 16};
    (void)state;
    check("cell201",
          "{ cells = 1; channels = 2; op = [\"none\", \"skip_connect\", \"nor_conv_3x3\"]; }",
          (nas_shape){1, 8, 8}, (nas_supergraph_options){.partial = 2});
    if (getenv("CLNAS_TEST_SMALL"))
        return;
    check("cell", "{ cells = 3; channels = 4; nodes = 3; }", image,
          (nas_supergraph_options){.running = true});
    check("cell", "{ cells = 3; channels = 8; nodes = 2; }", image,
          (nas_supergraph_options){.partial = 4, .running = true});
    check("cell201", "{ cells = 1; channels = 4; }", image, (nas_supergraph_options){0});
    check("chain_skip", layers, image, (nas_supergraph_options){.affine = true});
    check("template", blocks, image, (nas_supergraph_options){.running = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supernets),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
