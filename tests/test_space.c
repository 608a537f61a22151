/* test_space.c - every space in space_list.h keeps the promises of space.h; then what chain promises itself.
 *
 * A list line is a promise that is tested: nobody writes a test file for a new space.  Draws come from a fixed seed;
 * CLNAS_DRAWS sets how many there are (the short tier's 10,000; the slow tier runs 100,000). */
#include "space_walk.h"

#include <math.h>

static void test_every_space(void **state)
{
    (void)state;
    int count;
    const nas_space *const *all = nas_space_all(&count);
    for (int i = 0; i < count; i++) {
        nas_domain *domain = space_open(all[i]->kind.name, NULL, space_mnist);
        space_walk(domain, space_draws());
        for (const char *const *name = all[i]->names; name && *name; name++) {
            nas_arch arch;
            nas_status status = nas_domain_read(domain, *name, &arch);
            if (name > all[i]->names && status == NAS_CONFIG)
                continue; /* needs other options, and says which */
            assert_int_equal(status, NAS_OK);
            assert_settled(domain, &arch);
            space_graph_hash(domain, &arch);
        }
        nas_domain_close(domain);
    }
}

/* ---- sequences: images of one row --------------------------------------------------------------------- */

/* No node has weights, windows or strides for rows that are not there.  Returns the widest kernel. */
static int assert_flat(const nas_graph *graph)
{
    int widest = 1;
    for (int i = 1; i < graph->count; i++) {
        nas_parameter parameters[NAS_OP_PARAMETERS];
        nas_text options = {0};
        const char *op = graph->nodes[i].op->kind.name;
        const int count = nas_node_parameters(graph, i, parameters);
        assert_int_equal(graph->nodes[i].shape.h, 1);
        if (strcmp(op, "conv2d") == 0) {
            assert_true(count > 0);
            assert_int_equal(parameters[0].dims[2], 1);
            widest = parameters[0].dims[3] > widest ? (int)parameters[0].dims[3] : widest;
        }
        nas_node_write_options(&graph->nodes[i], &options);
        if (strcmp(op, "pool") == 0 && !strstr(options.data, "global"))
            assert_non_null(strstr(options.data, "kernel = [1, "));
        nas_text_clear(&options);
    }
    return widest;
}

static void test_sequences(void **state)
{
    static const nas_shape inputs[] = {{1, 1, 128}, {12, 1, 100}, {1, 1, 7}};
    (void)state;
    int count;
    const nas_space *const *all = nas_space_all(&count);
    for (int i = 0; i < count; i++)
        for (size_t s = 0; s < sizeof inputs / sizeof *inputs; s++) {
            nas_domain *domain = space_open(all[i]->kind.name, NULL, inputs[s]);
            int widest = 1;
            space_walk(domain, space_draws() / 100);
            for (uint32_t draw = 0; draw < 20; draw++) {
                const nas_arch arch = space_sample(domain, draw);
                nas_graph graph = {0};
                nas_test_ok(nas_domain_build(domain, &arch, &graph));
                const int kernel = assert_flat(&graph);
                widest = kernel > widest ? kernel : widest;
                nas_graph_clear(&graph);
            }
            assert_true(widest >= 3);
            nas_domain_close(domain);
        }
}

/* The baseline on a sequence: a third, or a fifth, of an image's weights in each kernel, and the length alone is halved. */
static void test_sequence_baseline(void **state)
{
    (void)state;
    nas_domain *domain = space_open("chain", NULL, (nas_shape){1, 1, 28});
    nas_arch arch;
    nas_cost cost;
    nas_text text = {0};
    nas_graph graph = {0};
    nas_test_ok(nas_domain_read(domain, "baseline", &arch));
    nas_domain_describe(domain, &arch, &text);
    assert_string_equal(text.data,
                        "conv1x3(16) conv1x3(32)/2 sep_conv1x3(64) max_pool1x2 sep_conv1x3(64)");
    nas_test_ok(nas_domain_cost(domain, &arch, &cost));
    assert_int_equal(cost.parameters,
                     48 + 1536 + 96 + 2048 + 192 + 4096 + 2 * (16 + 32 + 64 + 64) + 650);
    assert_int_equal(cost.macs, 28 * 48 + 14 * (1536 + 96 + 2048) + 7 * (192 + 4096) + 640);
    nas_text_reset(&text);
    nas_test_ok(nas_domain_build(domain, &arch, &graph));
    nas_graph_write(&graph, &text);
    assert_non_null(strstr(text.data, "1 conv2d(0) out = 16; kernel_h = 1\n"));
    nas_graph_clear(&graph);
    nas_text_clear(&text);
    nas_domain_close(domain);
}

static void test_chain_options(void **state)
{
    static const char *const variants[] = {
        "{ depth = [1, 12]; op = [\"max_pool\", \"identity\", \"sep_conv\", \"dil_conv\", "
        "\"avg_pool\"]; "
        "kernel = [1, 3, 7]; stride = [2, 1, 3]; activation = [\"relu\", \"hard_swish\", "
        "\"gelu\"]; pool = 3; "
        "min_size = 1; hold = 0; mmacs = 0.0; }",
        "{ depth = 6; op = \"conv\"; kernel = 3; width = [8, 16]; stride = 1; }",
        "{ depth = [3, 6]; op = [\"identity\", \"conv\"]; width = 8; stride = [1, 2, 4]; min_size "
        "= 2; hold = 1; }",
    };
    static const nas_shape inputs[] = {{1, 28, 28}, {3, 32, 32}, {3, 1, 100}, {2, 5, 1}, {1, 1, 1}};
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        for (size_t s = 0; s < sizeof inputs / sizeof *inputs; s++) {
            nas_domain *domain = space_open("chain", variants[v], inputs[s]);
            space_walk(domain, space_draws() / 20);
            nas_domain_close(domain);
        }
}

static void test_chain_size(void **state)
{
    static const char *const small[] = {
        "{ depth = [1, 4]; op = [\"conv\", \"max_pool\", \"identity\"]; kernel = 3; width = [8, "
        "16]; mmacs = 0.0; }",
        "{ depth = [2, 4]; op = [\"avg_pool\", \"sep_conv\"]; kernel = [3, 5]; width = 8; hold = "
        "1; mmacs = 0.0; }",
        "{ depth = 3; op = [\"conv\", \"identity\"]; kernel = [3, 5]; width = 8; stride = [1, 2, "
        "3]; min_size = 5; "
        "hold = 0; mmacs = 0.0; }",
    };
    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        nas_domain *domain = space_open("chain", small[i], space_mnist);
        double size;
        bool exact;
        assert_true(nas_domain_size(domain, &size, &exact));
        assert_true(exact);
        assert_true(size == space_count_by_hand(domain, false));
        nas_domain_close(domain);
    }
    nas_domain *domain = space_open("chain", NULL, space_mnist);
    double size;
    bool exact;
    assert_true(nas_domain_size(domain, &size, &exact));
    assert_false(exact);
    assert_true(size > 1e8);
    nas_domain_close(domain);
}

/* The baseline is the network of the PyTorch peer: 14 batch norm pairs, no biases but the head's. */
static void test_chain_baseline(void **state)
{
    (void)state;
    nas_domain *domain = space_open("chain", NULL, space_mnist);
    nas_arch arch;
    nas_cost cost;
    nas_text text = {0};
    assert_int_equal(nas_domain_read(domain, "baseline", &arch), NAS_OK);
    nas_domain_describe(domain, &arch, &text);
    assert_string_equal(text.data,
                        "conv3x3(16) conv3x3(32)/2 sep_conv3x3(64) max_pool2x2 sep_conv3x3(64)");
    nas_text_clear(&text);
    assert_int_equal(nas_domain_cost(domain, &arch, &cost), NAS_OK);
    assert_int_equal(cost.parameters,
                     144 + 4608 + 288 + 2048 + 576 + 4096 + 2 * (16 + 32 + 64 + 64) + 650);
    nas_domain_close(domain);
}

/* The limit is taken without building a graph: it must be the graph's own number. */
static void test_chain_limit(void **state)
{
    (void)state;
    nas_domain *domain = space_open(
        "chain", "{ mmacs = 3.0; op = [\"conv\", \"sep_conv\", \"dil_conv\", \"max_pool\"]; }",
        space_mnist);
    double most = 0;
    for (uint32_t i = 0; i < 500; i++) {
        nas_arch arch = space_sample(domain, i);
        nas_cost cost;
        assert_int_equal(nas_domain_cost(domain, &arch, &cost), NAS_OK);
        most = fmax(most, (double)cost.macs);
    }
    assert_true(most <= 3e6 && most > 2.9e6);
    domain->bounds = (nas_cost_bounds){.parameters_max = 20000};
    for (uint32_t i = 0; i < 100; i++) {
        nas_arch arch = space_sample(domain, i);
        nas_cost cost;
        nas_domain_cost(domain, &arch, &cost);
        assert_true(cost.parameters <= 20000);
    }
    domain->bounds = (nas_cost_bounds){.parameters_max = 1};
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    nas_arch arch;
    assert_int_equal(nas_domain_sample(domain, &random, &arch), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "bound"));
    nas_domain_close(domain);
}

/* The quick start's space: what a random network costs there. */
static void test_chain_defaults(void **state)
{
    (void)state;
    nas_domain *domain = space_open("chain", NULL, space_mnist);
    int good_parameters = 0, good_macs = 0, count = 1000;
    for (int i = 0; i < count; i++) {
        nas_arch arch = space_sample(domain, (uint32_t)i);
        nas_cost cost;
        assert_int_equal(nas_domain_cost(domain, &arch, &cost), NAS_OK);
        good_parameters += cost.parameters >= 5000 && cost.parameters <= 300000;
        good_macs += cost.macs >= 500000 && cost.macs <= 10000000;
    }
    print_message("chain: %d of %d have 5k-300k parameters, %d have 0.5-10 MMACs\n",
                  good_parameters, count, good_macs);
    assert_true(good_parameters > 0.9 * count && good_macs > 0.9 * count);
    nas_domain_close(domain);
}

static void test_texts(void **state)
{
    static const char *const bad[] = {"",       "0",     "(300)-0", "(",
                                      "(1",     "A",     "0 0",     "baselin",
                                      "zzzzzz", "(255)", "()",      "99999999999999999999"};
    nas_arch arch = {.count = 4, .genes = {0, 35, 36, 254}}, back;
    nas_text text = {0};
    (void)state;
    nas_arch_write(&arch, NULL, &text);
    assert_string_equal(text.data, "0z(36)(254)");
    assert_int_equal(nas_arch_parse(text.data, &back), NAS_OK);
    assert_true(nas_arch_equal(&arch, &back));
    nas_text_clear(&text);
    nas_domain *domain = space_open("chain", NULL, space_mnist);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(nas_domain_read(domain, bad[i], &arch), NAS_CONFIG);
        assert_true(strlen(nas_error_message()) > 10);
    }
    nas_domain_close(domain);
}

static void test_bad_options(void **state)
{
    static const char *const bad[][2] = {
        {"{ op = [\"max_pool\"]; }", "op"},
        {"{ depth = [5, 2]; }", "depth"},
        {"{ kernel = [4]; }", "odd"},
        {"{ width = [16, 16]; }", "width"},
        {"{ widht = [16]; }", "width"},
        {"{ op = [\"convv\"]; }", "conv"},
        {"{ depth = 1; kernel = 3; width = 8; stride = 1; }", "genes"},
    };
    const nas_space *space;
    (void)state;
    assert_int_equal(nas_space_get("chian", &space), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "chain"));
    assert_int_equal(nas_space_get("chain", &space), NAS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nas_value group = {0};
        nas_domain *domain = NULL;
        assert_int_equal(nas_value_parse(bad[i][0], "test", 1, &group), NAS_OK);
        assert_int_equal(nas_domain_open(space, &group, NULL, space_mnist, 10, &domain),
                         NAS_CONFIG);
        assert_non_null(strstr(nas_error_message(), bad[i][1]));
        nas_value_clear(&group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_space),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_sequence_baseline),
        cmocka_unit_test(test_chain_options),
        cmocka_unit_test(test_chain_size),
        cmocka_unit_test(test_chain_baseline),
        cmocka_unit_test(test_chain_limit),
        cmocka_unit_test(test_chain_defaults),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
