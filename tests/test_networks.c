/* test_networks.c - the networks that tools know by name have the sizes that others publish for them, and what is no network is refused.
 *
 * ResNet-20 with 1×1 shortcuts: 269,722 parameters with identity shortcuts (He et al.'s option A without biases, as many re-implementations
 * count it) and the two convolutions with their norms, 16·32 + 2·32 + 32·64 + 2·64.  MobileNetV2 with ten classes: 2,236,682, as
 * torchvision counts it (strides change no parameter).  DARTS_V2: 3,349,342, as its repository says. */
#include "nas_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tools/networks.h"

static uint64_t parameters_of(const char *name)
{
    nas_graph graph = {0};
    nas_cost cost;
    nas_test_ok(network_open(name, &graph));
    nas_graph_cost(&graph, &cost);
    nas_graph_clear(&graph);
    return cost.parameters;
}

static void references_have_their_published_sizes(void **state)
{
    (void)state;
    assert_int_equal(parameters_of("small_cnn"), 12762);
    assert_int_equal(parameters_of("resnet20"), 269722 + 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64);
    assert_int_equal(parameters_of("mobilenetv2"), 2236682);
    assert_int_equal(parameters_of("darts_v2"), 3349342);
    assert_int_equal(parameters_of("quickstart"), 119706);
    for (const network_reference *r = network_references; r->name; r++)
        assert_true(parameters_of(r->name) > 0 && r->summary[0]);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void a_file_holds_a_graph(void **state)
{
    char path[] = "/tmp/clnas-network-XXXXXX", trial[64];
    nas_graph graph = {0};
    (void)state;
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_file(path, "input 1x4x4\n1 dense(0) out = 3\n");
    assert_int_equal(parameters_of(path), 16 * 3 + 3);
    snprintf(trial, sizeof trial, "%s:0", path);
    assert_int_equal(network_open(trial, &graph), NAS_CONFIG); /* a graph has no trials */
    write_file(path, "something else\n");
    assert_int_equal(network_open(path, &graph), NAS_CONFIG);
    write_file(path, "input 1x4x4\n1 dense(7) out = 3\n");
    assert_true(network_open(path, &graph) != NAS_OK && graph.count == 0);
    write_file(path, "SQLite format 3");
    assert_true(network_open(path, &graph) != NAS_OK && graph.count == 0);
    unlink(path);
}

static void what_is_nowhere_is_refused_by_name(void **state)
{
    nas_graph graph = {0};
    (void)state;
    assert_int_equal(network_open("resnet2", &graph), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "resnet20, mobilenetv2"));
    assert_int_equal(network_open("", &graph), NAS_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_have_their_published_sizes),
        cmocka_unit_test(a_file_holds_a_graph),
        cmocka_unit_test(what_is_nowhere_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
