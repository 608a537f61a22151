/* test_cells.c - the spaces `cell` and `cell201` against what was published: counts, parameters, FLOPs, isomorphism classes.
 *
 * test_space.c already holds them to the promises of every space; test_cell101.c has NAS-Bench-101's.  CLNAS_NB201_TABLE names a CSV of the
 * whole of NAS-Bench-201 with columns ops, iso and params_m; without it (or where it is not) that test is skipped. */
#include <clnas/net.h>

#include "cells.h"
#include "comma_locale.h"

#include <math.h>

/* ---- every cell space, other options and shapes ------------------------------------------------------ */

static void test_options_and_shapes(void **state)
{
    /* no network of one cell: there both inputs are the stem, and swapping them changes nothing */
    static const char *const variants[][2] = {
        {"cell", "{ nodes = 1; cells = 2; op = \"skip_connect\"; }"},
        {"cell", "{ nodes = 2; cells = 2; channels = 3; stem = \"strided\"; drop_path = true; }"},
        {"cell", "{ nodes = 5; cells = 4; channels = 4; stem = \"imagenet\"; output = "
                 "\"loose_ends\"; reductions = [0, 2]; op = [\"sep_conv_7x7\", \"conv_7x1_1x7\", "
                 "\"conv_1x1\", \"conv_3x3\", \"skip_connect\"]; }"},
        {"cell", "{ nodes = 8; cells = 3; channels = 2; stem_channels = 5; reductions = [ ]; }"},
        {"cell", "{ nodes = 3; cells = 4; channels = 2; inputs = \"distinct\"; }"},
        {"cell", "{ nodes = 2; cells = 3; channels = 2; auxiliary = 0.4; drop_path = true; }"},
        {"cell201", "{ cells = 1; channels = 1; dead = \"keep\"; }"},
        {"cell201", "{ cells = 2; channels = 5; }"},
        {"cell201", "{ cells = 1; channels = 2; op = [\"none\", \"avg_pool_3x3\"]; }"},
        {"cell201", "{ cells = 1; channels = 2; op = [\"nor_conv_1x1\", \"skip_connect\"]; }"},
        {"cell101", "{ vertices = 3; edges = 3; stem = 8; stacks = 1; cells = 1; }"},
        {"cell101", "{ vertices = 6; edges = 7; stem = 9; stacks = 4; cells = 2; }"},
    };
    static const nas_shape shapes[] = {{1, 28, 28}, {3, 7, 5}, {3, 1, 100}, {2, 5, 1}, {1, 1, 1}};
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            nas_domain *domain = space_open(variants[v][0], variants[v][1], shapes[s]);
            space_walk(domain, space_draws() / 100);
            nas_domain_close(domain);
        }
}

/* ---- cell ------------------------------------------------------------------------------------------------ */

static uint64_t parameters_behind(const nas_graph *graph, int node)
{
    uint64_t sum = 0;
    for (int i = node + 1; i < graph->count; i++) {
        nas_parameter parameters[NAS_OP_PARAMETERS];
        const int count = nas_node_parameters(graph, i, parameters);
        for (int p = 0; p < count; p++) {
            uint64_t size = parameters[p].trained && parameters[p].rank > 0;
            for (int d = 0; d < parameters[p].rank; d++)
                size *= (uint64_t)parameters[p].dims[d];
            sum += size;
        }
    }
    return sum;
}

/* DARTS' second classifier on 8×8 pixels of 576 channels: 1×1 to 128, 2×2 to 768, dense, two norms.  It is not counted. */
static void test_auxiliary(void **state)
{
    nas_graph graph = {0};
    nas_arch arch;
    (void)state;
    nas_domain *domain =
        space_open("cell", "{ cells = 20; channels = 36; auxiliary = 0.4; }", cifar);
    set_comma_locale(); /* as a program that links the library may have */
    assert_int_equal(parameters_of(domain, "DARTS_V2"), 3349342);
    nas_test_ok(nas_domain_read(domain, "DARTS_V2", &arch));
    nas_test_ok(nas_domain_build(domain, &arch, &graph));
    assert_int_equal(parameters_behind(&graph, graph.output),
                     576 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 10 + 10);
    assert_int_equal(graph.nodes[graph.output].shape.c, 10);
    nas_graph_clear(&graph);
    nas_domain_close(domain);
    setlocale(LC_ALL, "C");
}

static void test_published_genotypes(void **state)
{
    (void)state;
    nas_domain *domain = space_open("cell", "{ cells = 20; channels = 36; }", cifar);
    assert_int_equal(parameters_of(domain, "DARTS_V1"), 3169414);
    assert_int_equal(parameters_of(domain, "DARTS_V2"), 3349342);
    assert_int_equal((parameters_of(domain, "PC_DARTS_cifar") + 50000) / 100000, 36); /* 3.6 M */
    assert_int_equal((parameters_of(domain, "PDARTS") + 50000) / 100000, 34);         /* 3.4 M */
    nas_arch arch;
    nas_test_ok(nas_domain_read(domain, "PC_DARTS_image", &arch));
    nas_test_fails(nas_domain_read(domain, "NASNet", &arch), NAS_CONFIG,
                   "space.nodes = 5 and space.output = \"loose_ends\"");
    assert_describes(domain, "DARTS_V2",
                     "normal: sep_conv_3x3(0)+sep_conv_3x3(1) sep_conv_3x3(0)+sep_conv_3x3(1) "
                     "skip_connect(0)+sep_conv_3x3(1) skip_connect(0)+dil_conv_3x3(2); "
                     "reduce: max_pool_3x3(0)+max_pool_3x3(1) max_pool_3x3(1)+skip_connect(2) "
                     "max_pool_3x3(0)+skip_connect(2) max_pool_3x3(1)+skip_connect(2)");
    nas_domain_close(domain);
    domain = space_open("cell",
                        "{ nodes = 5; output = \"loose_ends\"; op = [\"max_pool_3x3\", "
                        "\"avg_pool_3x3\", \"skip_connect\", \"sep_conv_3x3\", \"sep_conv_5x5\", "
                        "\"sep_conv_7x7\"]; }",
                        cifar);
    nas_test_ok(nas_domain_read(domain, "NASNet", &arch));
    nas_test_fails(nas_domain_read(domain, "AmoebaNet", &arch), NAS_CONFIG,
                   "AmoebaNet needs conv_7x1_1x7 among space.op");
    nas_domain_close(domain);
}

/* Small enough to list every row; cells that the stack does not contain do not count. */
static void test_sizes(void **state)
{
    static const struct {
        const char *space, *options;
        double size;
    } small[] = {
        {"cell",
         "{ nodes = 2; op = [\"skip_connect\", \"conv_3x3\"]; cells = 3; reductions = [ ]; }",
         10 * 21},
        {"cell", "{ nodes = 2; op = [\"skip_connect\", \"conv_3x3\"]; cells = 1; }", 10 * 21},
        {"cell",
         "{ nodes = 1; op = [\"skip_connect\", \"conv_1x1\", \"max_pool_3x3\"]; cells = 4; }",
         21 * 21},
        {"cell",
         "{ nodes = 2; op = [\"skip_connect\", \"conv_3x3\"]; cells = 3; reductions = [ ]; "
         "inputs = \"distinct\"; }",
         4 * 12},
        {"cell201", "{ op = [\"skip_connect\", \"nor_conv_3x3\", \"avg_pool_3x3\"]; }", 729},
        /* counted by another program, as graphs in which every edge is on a path */
        {"cell201", "{ op = [\"none\", \"nor_conv_3x3\"]; }", 16},
        {"cell201", "{ op = [\"none\", \"nor_conv_3x3\", \"avg_pool_3x3\"]; }", 291},
        {"cell201", "{ op = [\"none\", \"nor_conv_3x3\"]; dead = \"keep\"; }", 64},
        {"cell101", "{ vertices = 4; stem = 8; stacks = 1; cells = 1; }", 91},
        {"cell101", "{ vertices = 5; edges = 5; stem = 8; stacks = 1; cells = 1; }", 334},
    };
    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        nas_domain *domain = space_open(small[i].space, small[i].options, cifar);
        double size;
        bool exact;
        assert_true(nas_domain_size(domain, &size, &exact) && exact);
        assert_true(size == small[i].size);
        /* Both inputs of the first cell are the stem, so in a network of one cell they may be swapped; skips are
         * transparent in cell201. */
        bool distinct = i != 1 && strcmp(small[i].space, "cell201") != 0;
        assert_true(size == space_count_by_hand(domain, distinct));
        nas_domain_close(domain);
    }
}

/* ---- cell201 --------------------------------------------------------------------------------------------- */

enum { ROWS_201 = 15625 };

static nas_arch row_201(int index)
{
    nas_arch row = {.count = 6};
    for (int i = 5; i >= 0; i--, index /= 5)
        row.genes[i] = (uint8_t)(index % 5);
    return row;
}

static int count_of(const nas_arch *arch, int op)
{
    int count = 0;
    for (int i = 0; i < arch->count; i++)
        count += arch->genes[i] == op;
    return count;
}

static void test_cell201_costs(void **state)
{
    (void)state;
    nas_domain *domain = space_open("cell201", "{ dead = \"keep\"; }", cifar);
    for (int i = 0; i < ROWS_201; i++) {
        nas_arch row = row_201(i), canonical = row;
        nas_cost cost;
        nas_domain_canonical(domain, &canonical);
        assert_true(nas_arch_equal(&row, &canonical));
        nas_test_ok(nas_domain_cost(domain, &row, &cost));
        const uint64_t small = (uint64_t)count_of(&row, 2), large = (uint64_t)count_of(&row, 3);
        assert_int_equal(cost.parameters, 73306 + 28000 * small + 243040 * large);
        /* the benchmark counts the ten biases of the dense layer, too */
        assert_int_equal(cost.macs + 10, 7783050 + 3932160 * small + 35389440 * large);
    }
    assert_int_equal(parameters_of(domain, "333333"), 1531546);
    assert_int_equal(parameters_of(domain, "421211"), 129306); /* number 0 of the benchmark */
    nas_domain_close(domain);
}

static void test_cell201_counts(void **state)
{
    (void)state;
    nas_domain *domain = space_open("cell201", "{ }", cifar);
    uint64_t *rows = malloc(ROWS_201 * sizeof *rows), *keys = malloc(ROWS_201 * sizeof *keys);
    const nas_arch nothing = row_201(0);
    int without_path = 0;
    for (int i = 0; i < ROWS_201; i++) {
        nas_arch row = row_201(i);
        nas_text key = {0};
        nas_domain_key(domain, &row, &key);
        keys[i] = nas_hash(key.data, key.length, 0);
        nas_text_clear(&key);
        nas_domain_canonical(domain, &row);
        rows[i] = nas_arch_hash(&row);
        without_path += nas_arch_equal(&row, &nothing);
    }
    assert_int_equal(without_path, 341);
    assert_int_equal(count_distinct(rows, ROWS_201), 9445);
    assert_int_equal(count_distinct(keys, ROWS_201), 6466);
    free(rows);
    free(keys);
    double size;
    bool exact;
    assert_true(nas_domain_size(domain, &size, &exact) && exact && size == 9445);
    nas_domain_close(domain);
}

static void test_cell201_texts(void **state)
{
    static const char *const bad[] = {
        "|nor_conv_3x3~0|",
        "|nor_conv_9x9~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+|none~0|",
        "none~0",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2",
    };
    static const char resnet[] = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|"
                                 "skip_connect~2|";
    (void)state;
    nas_domain *domain = space_open("cell201", "{ }", cifar);
    nas_arch arch, named;
    nas_text text = {0};
    nas_test_ok(nas_domain_read(domain, "resnet", &named));
    nas_domain_write(domain, &named, &text);
    assert_string_equal(text.data, "303101");
    nas_text_clear(&text);
    assert_describes(domain, "303101", resnet);
    nas_test_ok(nas_domain_read(domain, resnet, &arch));
    assert_true(nas_arch_equal(&arch, &named));
    /* edges left out are none */
    nas_test_ok(nas_domain_read(
        domain, "|nor_conv_3x3~0|+|nor_conv_3x3~1|+|skip_connect~0|skip_connect~2|", &arch));
    assert_true(nas_arch_equal(&arch, &named));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        nas_test_fails(nas_domain_read(domain, bad[i], &arch), NAS_CONFIG, "neither six digits");
    nas_test_fails(nas_domain_read(domain, "333335", &arch), NAS_CONFIG, "choices 0 to 4");
    for (int i = 0; i < ROWS_201; i += 97) {
        nas_arch row = row_201(i), back;
        nas_domain_canonical(domain, &row);
        nas_domain_describe(domain, &row, &text);
        nas_test_ok(nas_domain_read(domain, text.data, &back));
        assert_true(nas_arch_equal(&row, &back));
        nas_text_clear(&text);
    }
    nas_domain_close(domain);
}

/* With fewer operations a cell is the network that it is with all of them. */
static void test_cell201_operations(void **state)
{
    static const int places[] = {1, 3, 4}; /* of the three among all five */
    (void)state;
    nas_domain *all = space_open("cell201", "{ dead = \"keep\"; }", cifar);
    nas_domain *some = space_open(
        "cell201", "{ op = [\"skip_connect\", \"nor_conv_3x3\", \"avg_pool_3x3\"]; }", cifar);
    nas_arch arch;
    for (int index = 0; index < 729; index++) {
        nas_arch small = {.count = 6}, large = {.count = 6}, back;
        nas_graph graphs[2] = {{0}, {0}};
        nas_text texts[4] = {{0}, {0}, {0}, {0}};
        for (int i = 0, rest = index; i < 6; i++, rest /= 3) {
            small.genes[i] = (uint8_t)(rest % 3);
            large.genes[i] = (uint8_t)places[rest % 3];
        }
        nas_test_ok(nas_domain_build(some, &small, &graphs[0]));
        nas_test_ok(nas_domain_build(all, &large, &graphs[1]));
        for (int i = 0; i < 2; i++)
            nas_graph_write(&graphs[i], &texts[i]);
        assert_string_equal(texts[0].data, texts[1].data);
        nas_domain_key(some, &small, &texts[2]);
        nas_domain_key(all, &large, &texts[3]);
        assert_string_equal(texts[2].data, texts[3].data);
        nas_text_clear(&texts[0]);
        nas_domain_describe(all, &large, &texts[0]);
        nas_test_ok(nas_domain_read(some, texts[0].data, &back));
        assert_true(nas_arch_equal(&back, &small));
        for (int i = 0; i < 4; i++)
            nas_text_clear(&texts[i]);
        nas_graph_clear(&graphs[0]);
        nas_graph_clear(&graphs[1]);
    }
    nas_test_ok(nas_domain_read(some, "all_conv_3x3", &arch));
    nas_test_fails(nas_domain_read(some, "resnet", &arch), NAS_CONFIG, "needs none among space.op");
    nas_test_fails(nas_domain_read(some, "333333", &arch), NAS_CONFIG, "choices 0 to 2");
    nas_domain_close(some);
    nas_domain_close(all);
    assert_refused("cell201", "{ op = [\"avg_pool_3x3\", \"none\"]; }", "comes first");
    assert_refused("cell201", "{ op = [ ]; }", "at least one");
    assert_refused("cell201", "{ op = [\"none\", \"none\"]; }", "only once");
}

/* A column of a CSV line, or an empty text. */
static void take_column(const char *line, int column, char *value, size_t size)
{
    for (; column > 0 && line; column--) {
        line = strchr(line, ',');
        line = line ? line + 1 : NULL;
    }
    size_t length = line ? strcspn(line, ",\r\n") : 0;
    length = length < size ? length : size - 1;
    memcpy(value, line ? line : "", length);
    value[length] = '\0';
}

static int find_column(const char *header, const char *name)
{
    char value[64];
    for (int column = 0; column < 64; column++) {
        take_column(header, column, value, sizeof value);
        if (strcmp(value, name) == 0)
            return column;
    }
    fail_msg("the table has no column %s", name);
    return -1;
}

/* Rows of one published class have one key, and rows of different classes different ones. */
static void test_cell201_table(void **state)
{
    (void)state;
    const char *path = getenv("CLNAS_NB201_TABLE");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        skip();
    nas_domain *domain = space_open("cell201", "{ dead = \"keep\"; }", cifar);
    uint64_t *pairs = malloc(ROWS_201 * sizeof *pairs), *keys = malloc(ROWS_201 * sizeof *keys);
    char line[1024], value[64];
    int count = 0, exact = 0;
    assert_non_null(fgets(line, sizeof line, file));
    int ops = find_column(line, "ops"), iso = find_column(line, "iso");
    int parameters = find_column(line, "params_m");
    while (fgets(line, sizeof line, file)) {
        nas_arch arch;
        nas_text key = {0};
        assert_true(count < ROWS_201);
        take_column(line, ops, value, sizeof value);
        nas_test_ok(nas_domain_read(domain, value, &arch));
        take_column(line, parameters, value, sizeof value);
        exact += fabs(atof(value) * 1e6 -
                      (73306 + 28000 * count_of(&arch, 2) + 243040 * count_of(&arch, 3))) < 0.5;
        nas_domain_key(domain, &arch, &key);
        take_column(line, iso, value, sizeof value);
        keys[count] = nas_hash(key.data, key.length, 0);
        nas_text_add(&key, value);
        pairs[count++] = nas_hash(key.data, key.length, 0);
        nas_text_clear(&key);
    }
    fclose(file);
    assert_int_equal(count, ROWS_201);
    assert_true(exact >= 15421); /* circulating tables average some rows over their class */
    assert_int_equal(count_distinct(keys, count), 6466);
    assert_int_equal(count_distinct(pairs, count), 6466);
    free(keys);
    free(pairs);
    nas_domain_close(domain);
}

/* ---- what the networks compute, by the plain C reference ---------------------------------------------------- */

static void fill(double *values, uint64_t count, uint32_t what)
{
    nas_random random = nas_random_make(5, NAS_STREAM_TEST, what, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        values[i] = nas_random_normal(&random);
}

/* The network of a row with random weights and inputs; `logits` gets [10][2]. */
static void run_reference(const nas_domain *domain, const char *text, double logits[20])
{
    nas_arch arch;
    nas_graph graph = {0};
    nas_reference *reference;
    nas_net_options options = {.batch = 2, .training = true};
    nas_step step = {.real = 2};
    nas_test_ok(nas_domain_read(domain, text, &arch));
    nas_test_ok(nas_domain_build(domain, &arch, &graph));
    nas_test_ok(nas_reference_create(&graph, &options, &reference));
    fill(nas_reference_input(reference), nas_shape_count(graph.nodes[0].shape) * 2, 0);
    for (int node = 1; node < graph.count; node++) {
        nas_parameter list[NAS_OP_PARAMETERS];
        int count = nas_node_parameters(&graph, node, list);
        for (int p = 0; p < count; p++) {
            uint64_t size;
            double *values = nas_reference_parameter(reference, node, p, NULL, &size);
            if (values)
                fill(values, size, (uint32_t)(node * 8 + p));
        }
    }
    nas_reference_forward(reference, true, &step);
    memcpy(logits, nas_reference_value(reference, graph.output), 20 * sizeof *logits);
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
}

/* How far the two images' answers are apart. */
static double spread(const double logits[20])
{
    double most = 0;
    for (int i = 0; i < 10; i++)
        most = fmax(most, fabs(logits[2 * i] - logits[2 * i + 1]));
    return most;
}

/* A cell without a path gives zeros, and the network the same answer for every image; one with a path does not. */
static void test_cell201_zeros(void **state)
{
    static const char *const constant[] = {"000000", "300000", "033000", "000011"};
    static const char *const alive[] = {"000100", "303101", "444444"};
    static const char *const both[] = {"zero", "keep"};
    (void)state;
    for (int dead = 0; dead < 2; dead++) {
        char options[64];
        snprintf(options, sizeof options, "{ cells = 1; channels = 3; dead = \"%s\"; }",
                 both[dead]);
        nas_domain *domain = space_open("cell201", options, (nas_shape){1, 8, 8});
        double logits[20];
        for (size_t i = 0; i < sizeof constant / sizeof *constant; i++) {
            run_reference(domain, constant[i], logits);
            assert_true(spread(logits) < 1e-9);
            assert_true(fabs(logits[0]) > 1e-6 && isfinite(logits[0]));
        }
        for (size_t i = 0; i < sizeof alive / sizeof *alive; i++) {
            run_reference(domain, alive[i], logits);
            assert_true(spread(logits) > 1e-3);
        }
        nas_domain_close(domain);
    }
}

static double pixel(nas_reference *reference, int node, nas_shape shape, int c, int h, int w)
{
    return nas_reference_value(reference, node)[(c * shape.h + h) * shape.w + w];
}

/* subsample picks the pixels that the two halves of a factorized reduction read. */
static void test_subsample(void **state)
{
    (void)state;
    const nas_shape in = {2, 5, 6};
    nas_graph graph = {0};
    nas_reference *reference;
    nas_net_options options = {.batch = 1};
    nas_step step = {.real = 1};
    int node = 0;
    nas_test_ok(nas_graph_init(&graph, in));
    nas_test_ok(nas_graph_then(&graph, "subsample", &node, "from = 1"));
    const nas_shape out = graph.nodes[node].shape;
    assert_int_equal(out.h, 3);
    assert_int_equal(out.w, 3);
    nas_test_ok(nas_reference_create(&graph, &options, &reference));
    fill(nas_reference_input(reference), nas_shape_count(in), 0);
    nas_reference_forward(reference, false, &step);
    for (int c = 0; c < 2; c++)
        for (int h = 0; h < 3; h++)
            for (int w = 0; w < 3; w++) {
                double wanted =
                    2 * h + 1 < in.h ? pixel(reference, 0, in, c, 2 * h + 1, 2 * w + 1) : 0;
                assert_float_equal(pixel(reference, node, out, c, h, w), wanted, 0);
            }
    nas_reference_destroy(reference);
    nas_graph_clear(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_and_shapes), cmocka_unit_test(test_published_genotypes),
        cmocka_unit_test(test_auxiliary),          cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_cell201_costs),      cmocka_unit_test(test_cell201_counts),
        cmocka_unit_test(test_cell201_texts),      cmocka_unit_test(test_cell201_operations),
        cmocka_unit_test(test_cell201_table),      cmocka_unit_test(test_cell201_zeros),
        cmocka_unit_test(test_subsample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
