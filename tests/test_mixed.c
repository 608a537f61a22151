/* test_mixed.c - networks with mixed sums: gates, their gradients, gradients that are lent, against the double reference.
 *
 * The graphs by hand have what a plan must tell apart: candidates that nobody else reads (whose gradients are never written), such as
 * are also read elsewhere, with and without a norm, through relu, twice by the same sum, several in one input, a sum with a norm of its
 * own.  Then the supernet of the space `cell`, small: every weight and every gate.
 */
#include "net_harness.h"

#include <clnas/space.h>

#include <math.h>

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

#define STEM "input 2x6x5\n1 conv2d(0) out = 4\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
#define HEAD(node, a, b)                                                                           \
#a " pool(" #node ") kind = \"global_average\"\n" #b " dense(" #a ") out = 3\n"

static const net_case cases[] = {
    {"candidates of their own, affine or not", 19,
     STEM
     "4 conv2d(3) out = 4\n5 batch_norm(4)\n6 conv2d(3) groups = 4\n"
     "7 conv2d(6) out = 4; kernel = 1\n8 batch_norm(7) affine = false\n"
     "9 pool(2) kind = \"max\"; kernel = 3; stride = 1; padding = 1\n10 batch_norm(9) affine = "
     "false\n"
     "11 mixed(5, 8, 10, 2) out = 4; gates = [2, 0, 1, 4]\n12 activation(11) kind = \"relu\"\n"
     "13 conv2d(12) out = 4\n14 batch_norm(13)\n15 mixed(14, 11) out = 4; gates = [5, 0]\n" HEAD(
         15, 16, 17)},
    {"read elsewhere, through relu, raw, twice", 16,
     STEM
     "4 conv2d(3) out = 4\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n7 conv2d(3) out = 4\n"
     "8 mixed(5, 6, 7, 7, 3) out = 4; gates = [0, 1, 2, 4, 5]\n9 conv2d(5) out = 4\n"
     "10 batch_norm(9)\n11 activation(10) kind = \"silu\"\n12 mixed(8, 11) out = 4; gates = [1, "
     "2]\n" HEAD(12, 13, 14)},
    {"several candidates in an input", 5,
     STEM "4 conv2d(3) out = 12\n5 batch_norm(4)\n6 conv2d(3) out = 8\n7 conv2d(2) out = 4\n"
          "8 batch_norm(7)\n9 mixed(5, 6, 8) out = 4; gates = [2, 0, 6]\n" HEAD(9, 10, 11)},
    {"a norm behind the sum, and one before it alone", 33,
     STEM
     "4 conv2d(3) out = 4\n5 batch_norm(4)\n6 conv2d(3) out = 4\n7 batch_norm(6)\n"
     "8 mixed(5, 7) out = 4; gates = [0, 1]\n9 batch_norm(8)\n10 activation(9) kind = \"relu\"\n"
     "11 conv2d(10) out = 4\n12 batch_norm(11)\n13 mixed(12) out = 4; gates = 1\n14 concat(13, "
     "8)\n" HEAD(14, 15, 16)},
    {"images as candidates", 4,
     "input 3x5x5\n1 mixed(0) out = 1; gates = 0\n2 conv2d(1) out = 3\n3 batch_norm(2)\n"
     "4 mixed(3, 0) out = 3; gates = [2, 4]\n" HEAD(4, 5, 6)},
};
enum { CASES = sizeof cases / sizeof *cases };

static void fused_equals_reference(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        net_check(device, &cases[i], 1, false, false);
}

static void shards_equal_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        net_check(device, &cases[i], 2, i % 2 == 1, false);
}

static void unfused_equals_reference(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        net_check(device, &cases[i], 1, true, false);
}

static void reference_equals_finite_differences(void **state)
{
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (int i = 0; i < CASES; i++)
        net_check_differences(device, &cases[i]);
}

/* ---- the supernet of the space `cell` ---------------------------------------------------------------------- */

/* Two cells (the second one reduces), four channels, 8×8 pixels. */
static void make_supernet(bool affine, nas_graph *graph)
{
    nas_value group = {0};
    nas_domain *domain;
    nas_gate_table table;
    const bool small = getenv("CLNAS_TEST_SMALL") != NULL;
    const nas_supergraph_options options = {.affine = affine, .running = true};
    nas_test_ok(nas_value_parse(small ? "{ cells = 1; channels = 2; nodes = 2; reductions = 0; }"
                                      : "{ cells = 2; channels = 4; reductions = 1; }",
                                NULL, 0, &group));
    const nas_shape images = small ? (nas_shape){3, 4, 4} : (nas_shape){3, 8, 8};
    nas_test_ok(nas_domain_open(nas_space_find("cell"), &group, NULL, images, 3, &domain));
    nas_test_ok(nas_domain_supergraph(domain, &options, graph, &table));
    nas_domain_close(domain);
    nas_value_clear(&group);
}

static void check_supernet(bool affine, bool unfused)
{
    nas_graph graph = {0};
    nas_text text = {0};
    make_supernet(affine, &graph);
    nas_graph_write(&graph, &text);
    const net_case c = {affine ? "supernet, affine" : "supernet", 9, text.data};
    net_check(device, &c, 1, unfused, false);
    nas_text_clear(&text);
    nas_graph_clear(&graph);
}

static void supernet_equals_reference(void **state)
{
    (void)state;
    check_supernet(false, false);
    check_supernet(true, false);
}

static void unfused_supernet_equals_reference(void **state)
{
    (void)state;
    check_supernet(false, true);
}

/* Loss, gates' and parameters' gradients of a net that recomputes or keeps; `gates_only`: backward of the gates. */
static float *run_supernet(const nas_graph *graph, nas_recompute recompute, bool gates_only,
                           nas_net_memory *memory, uint64_t *count)
{
    nas_net *net;
    nas_reference *reference;
    const nas_net_options options = {
        .batch = 9, .training = true, .loss = NAS_CROSS_ENTROPY, .recompute = recompute};
    nas_step now = net_step;
    now.real = 9;
    nas_test_ok(nas_net_create(device, graph, &options, &net));
    nas_test_ok(nas_reference_create(graph, &options, &reference));
    net_randomise(net, reference);
    nas_net_memory_of(net, memory);
    nas_test_ok(nas_net_set_step(net, &now));
    nas_test_ok(nas_net_forward(net));
    nas_test_ok(gates_only ? nas_net_backward_gates(net) : nas_net_backward(net));
    const nas_tensor gates = nas_net_gate_gradients(net);
    const nas_tensor gradients = nas_net_parameters(net).gradients;
    *count = gates.count + gradients.count;
    float *all = calloc(*count, sizeof *all);
    nas_test_ok(nas_tensor_read(gates, all));
    nas_test_ok(nas_tensor_read(gradients, all + gates.count));
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    return all;
}

/* To the same bits, in less memory; and nothing is recomputed in a net as small as this unless it is told to. */
static void recomputing_changes_nothing(void **state)
{
    (void)state;
    nas_graph graph = {0};
    make_supernet(false, &graph);
    for (int gates_only = 0; gates_only < 2; gates_only++) {
        nas_net_memory kept, recomputed, left;
        uint64_t count, other, third;
        float *a = run_supernet(&graph, NAS_RECOMPUTE_NEVER, gates_only, &kept, &count);
        float *b = run_supernet(&graph, NAS_RECOMPUTE_ALWAYS, gates_only, &recomputed, &other);
        float *c = run_supernet(&graph, NAS_RECOMPUTE_AUTO, gates_only, &left, &third);
        assert_true(count == other && count == third);
        assert_memory_equal(a, b, count * sizeof *a);
        assert_memory_equal(a, c, count * sizeof *a);
        assert_true(kept.saved_bytes == 0 && left.saved_bytes == 0 && recomputed.saved_bytes > 0);
        assert_true(recomputed.total_bytes + recomputed.saved_bytes == kept.total_bytes);
        free(a);
        free(b);
        free(c);
    }
    nas_graph_clear(&graph);
}

/* ---- what gates are --------------------------------------------------------------------------------------------- */

static void gates_are_data(void **state)
{
    (void)state;
    nas_graph graph = {0};
    nas_net *net;
    float gates[7], output[2][3 * 16];
    const nas_net_options options = {.batch = 4, .training = true, .loss = NAS_CROSS_ENTROPY};
    nas_test_ok(nas_graph_parse(cases[2].graph, "case", &graph));
    assert_int_equal(nas_graph_gates(&graph), 7);
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    assert_int_equal(nas_net_gates(net).count, 7);
    nas_test_ok(nas_tensor_read(nas_net_gates(net), gates));
    for (int i = 0; i < 7; i++)
        assert_true(gates[i] == 1.0f);
    nas_test_ok(nas_net_initialise(net, 1, 2));
    const nas_step now = {.real = 4};
    nas_test_ok(nas_net_set_step(net, &now));
    const int builds = nas_device_builds(device).programs;
    for (int pass = 0; pass < 2; pass++) {
        nas_test_ok(nas_net_forward(net));
        nas_test_ok(nas_tensor_read(nas_net_output(net), output[pass]));
        for (int i = 0; i < 7; i++)
            gates[i] = 0.0f;
        nas_test_ok(nas_tensor_write(nas_net_gates(net), gates));
    }
    assert_int_equal(nas_device_builds(device).programs, builds);
    for (int i = 0; i < 3 * 16;
         i++) /* no candidate, no image: the bias of the last layer, 0 at first */
        if (i % 16 < 4)
            assert_true(output[1][i] == 0.0f);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

static void refuse(const char *graph, const char *part)
{
    nas_graph made = {0};
    nas_test_fails(nas_graph_parse(graph, "case", &made), NAS_SHAPE, part);
}

static void bad_sums_are_refused(void **state)
{
    (void)state;
    refuse("input 4x3x3\n1 mixed(0, 0) out = 4; gates = 1\n", "1 gates for 2 inputs");
    refuse("input 4x3x3\n1 mixed(0) out = 3; gates = 1\n", "no candidates of 3 channels");
    refuse(
        "input 4x3x3\n1 pool(0) kind = \"global_average\"\n2 mixed(0, 1) out = 4; gates = [0, 1]\n",
        "input 1 is 4x1x1");
    refuse("input 4x3x3\n1 mixed(0) out = 2; gates = 4095\n", "more than 4096 gates");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fused_equals_reference),
        cmocka_unit_test(unfused_equals_reference),
        cmocka_unit_test(shards_equal_reference),
        cmocka_unit_test(reference_equals_finite_differences),
        cmocka_unit_test(supernet_equals_reference),
        cmocka_unit_test(unfused_supernet_equals_reference),
        cmocka_unit_test(recomputing_changes_nothing),
        cmocka_unit_test(gates_are_data),
        cmocka_unit_test(bad_sums_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
