/* test_space_global.c - what chain_skip and template promise beyond the walk over all spaces: settings far from the default
 * on shapes far from images, sizes by counting, costs, constraints, named networks, refusals. */
#include "space_walk.h"

#include <math.h>

static const nas_shape shapes[] = {{1, 28, 28}, {3, 32, 32}, {3, 1, 100}, {2, 5, 1},
                                   {1, 1, 1},   {2, 9, 70},  {1, 3, 2}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void walk_variants(const char *space, const char *const *variants, int count)
{
    for (int v = 0; v < count; v++)
        for (int s = 0; s < SHAPES; s++) {
            nas_domain *domain = space_open(space, variants[v], shapes[s]);
            space_walk(domain, space_draws() / 50);
            nas_domain_close(domain);
        }
}

/* Every row by hand against `size`, and no two rows the same network. */
static void check_size(const char *space, const char *options, nas_shape input)
{
    nas_domain *domain = space_open(space, options, input);
    double size;
    bool exact;
    assert_true(nas_domain_size(domain, &size, &exact));
    assert_true(exact);
    double counted = space_count_by_hand(domain, true);
    if (size != counted)
        fail_msg("%s %s: size says %.0f, counted %.0f", space, options, size, counted);
    nas_domain_close(domain);
}

static void assert_description(const nas_domain *domain, const nas_arch *arch, const char *expected)
{
    nas_text text = {0};
    nas_domain_describe(domain, arch, &text);
    assert_string_equal(text.data, expected);
    nas_text_clear(&text);
}

static nas_arch read_row(const nas_domain *domain, const char *text)
{
    nas_arch arch;
    if (nas_domain_read(domain, text, &arch) != NAS_OK)
        fail_msg("%s", nas_error_message());
    return arch;
}

/* ---- chain_skip ---------------------------------------------------------------------------------------------- */

static void test_chain_skip_options(void **state)
{
    static const char *const variants[] = {
        "{ depth = [1, 12]; op = [\"max_pool\", \"sep_conv\", \"dil_conv\", \"avg_pool\"]; kernel "
        "= "
        "[1, 3, 7]; stride = [2, 1, 3]; activation = [\"relu\", \"hard_swish\"]; pool = 5; "
        "min_size "
        "= 1; hold = 0; span = [1, 4]; shrink = \"conv\"; mmacs = 0.0; }",
        "{ depth = 10; op = \"conv\"; kernel = 3; width = 8; stride = 1; join = \"add\"; shrink = "
        "\"max_pool\"; }",
        "{ depth = [2, 12]; stages = 4; min_size = 1; width = [8, 16]; join = [\"concat\", "
        "\"add\"]; "
        "mmacs = 0.0; }",
        "{ depth = [6, 9]; stride = [1, 4]; hold = 1; min_size = 1; join = \"concat\"; }",
    };
    (void)state;
    walk_variants("chain_skip", variants, 4);
}

static void test_chain_skip_size(void **state)
{
    (void)state;
    check_size(
        "chain_skip",
        "{ depth = [1, 3]; op = [\"conv\", \"max_pool\"]; kernel = 3; width = [8, 16]; mmacs "
        "= 0.0; }",
        space_mnist);
    check_size(
        "chain_skip",
        "{ depth = [1, 3]; op = [\"avg_pool\", \"conv\"]; kernel = [3, 5]; width = 8; stride = "
        "[2, 1, 4]; min_size = 1; hold = 0; span = [1, 2]; join = \"add\"; mmacs = 0.0; }",
        (nas_shape){1, 3, 2});
    check_size(
        "chain_skip",
        "{ depth = [3, 4]; op = [\"max_pool\", \"conv\"]; kernel = 3; width = 8; stages = 2; "
        "mmacs = 0.0; }",
        space_mnist);
}

/* ENAS's macro space of 12 layers: 6^12 · 2^66, which the paper rounds to 1.6 · 10^29. */
static const char enas[] =
    "{ depth = 12; op = [\"conv\", \"sep_conv\", \"max_pool\", \"avg_pool\"]; kernel = [3, 5]; "
    "width = 36; stem = 36; stages = 3; join = \"concat\"; mmacs = 0.0; }";

static void test_chain_skip_enas(void **state)
{
    (void)state;
    nas_domain *domain = space_open("chain_skip", enas, (nas_shape){3, 32, 32});
    double size;
    bool exact;
    assert_true(nas_domain_size(domain, &size, &exact) && exact);
    assert_true(size == pow(6, 12) * ldexp(1, 66));
    assert_int_equal(domain->count, 12 + 12 + 66);
    space_walk(domain, space_draws() / 10);
    /* every skip there can be: the last layer reads a concatenation of 12 tensors, in two operators */
    nas_arch all = {.count = (uint16_t)domain->count};
    for (int i = 0; i < domain->count; i++)
        all.genes[i] = strcmp(domain->genes[i].name, "skip") == 0;
    assert_settled(domain, &all);
    space_graph_hash(domain, &all);
    nas_domain_close(domain);
}

static void test_chain_skip_cost(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        assert_macs("chain_skip",
                    "{ depth = [3, 9]; op = [\"conv\", \"sep_conv\", \"dil_conv\", \"avg_pool\"]; "
                    "stride = [1, 2, 3]; min_size = 2; span = [1, 9];",
                    shapes[s], 20);
        assert_macs("chain_skip", "{ min_size = 1; shrink = \"conv\"; stages = 4;", shapes[s], 20);
    }
}

/* Two residual blocks by hand: 16 → 16, then 16 → 32 at half the size, whose skip is pooled and widened. */
static void test_chain_skip_baseline(void **state)
{
    nas_domain *domain =
        space_open("chain_skip", "{ depth = [2, 4]; span = [2, 4]; }", space_mnist);
    nas_cost cost;
    (void)state;
    nas_arch arch = read_row(domain, "baseline");
    assert_description(domain, &arch, "16 conv3x3(16)/2 conv3x3(16)+0 conv3x3(32)/2 conv3x3(32)+2");
    assert_int_equal(nas_domain_cost(domain, &arch, &cost), NAS_OK);
    assert_int_equal(cost.parameters,
                     144 + 32 + 2 * (2304 + 32) + 4608 + 64 + 9216 + 64 + 512 + 64 + 330);
    nas_domain_close(domain);
}

static void test_chain_skip_refusals(void **state)
{
    (void)state;
    assert_refused("chain_skip", "{ op = [\"max_pool\"]; }", "op");
    assert_refused("chain_skip", "{ depth = [5, 2]; }", "depth");
    assert_refused("chain_skip", "{ span = [5, 2]; }", "span");
    assert_refused("chain_skip", "{ pool = 4; }", "odd");
    assert_refused("chain_skip", "{ kernel = [4]; }", "odd");
    assert_refused("chain_skip", "{ join = [\"ad\"]; }", "add");
    assert_refused("chain_skip", "{ depth = 40; }", "genes");
    assert_refused("chain_skip", "{ width = []; }", "width");
}

/* ---- template ------------------------------------------------------------------------------------------------- */

static void test_template_options(void **state)
{
    static const char *const variants[] = {
        "{ segments = 6; pattern = [\"lateral\", \"branches\", \"free\"]; constraints = { sizes = "
        "\"largest\"; widths = \"any\"; }; min_size = 1; segment = { stride = [2, 1, 4]; }; mmacs "
        "= "
        "0.0; }",
        "{ segments = 3; pattern = \"given\"; segment1 = { block = \"inverted\"; }; segment2 = { "
        "reads "
        "= [0, 1]; width = [8, 24]; }; segment3 = { reads = [0, 1, 2]; depth = [2, 3]; }; "
        "constraints "
        "= { depth = [5, 6]; blocks = \"own\"; }; shrink = \"conv\"; }",
        "{ segments = 5; pattern = \"branches\"; constraints = { sizes = \"match\"; }; join = "
        "\"concat\"; activation = \"hard_swish\"; segment = { stride = 1; }; min_size = 2; mmacs = "
        "0.0; }",
        "{ segments = 8; pattern = [\"dense\", \"chain\"]; segment = { expansion = [1, 4]; squeeze "
        "= "
        "[4, 0, 2, 8]; stride = [1, 2]; }; shrink = \"max_pool\"; min_size = 1; mmacs = 0.0; }",
        "{ segments = 1; pattern = \"free\"; segment = { block = \"bottleneck\"; width = [2, 8]; "
        "}; "
        "stem = 3; }",
    };
    (void)state;
    walk_variants("template", variants, 5);
}

static void test_template_size(void **state)
{
    (void)state;
    check_size(
        "template",
        "{ segments = 2; segment = { block = [\"plain\", \"inverted\"]; kernel = 3; expansion = "
        "[3, 6]; width = [8, 16]; }; pattern = [\"chain\", \"dense\"]; mmacs = 0.0; }",
        space_mnist);
    check_size("template",
               "{ segments = 3; segment = { block = \"plain\"; depth = 1; kernel = 3; width = [16, "
               "8]; }; pattern = [\"branches\", \"lateral\", \"free\"]; mmacs = 0.0; }",
               space_mnist);
    check_size(
        "template",
        "{ segments = 3; segment = { block = [\"plain\", \"inverted\"]; depth = [1, 3]; width = "
        "8; kernel = 3; stride = [4, 2]; expansion = 2; squeeze = [0, 2]; }; constraints = { "
        "depth = [4, 6]; sizes = \"match\"; }; join = \"add\"; pattern = [\"chain\", "
        "\"dense\"]; mmacs = 0.0; }",
        space_mnist);
    check_size(
        "template",
        "{ segments = 2; segment = { block = [\"residual\", \"inverted\"]; width = 8; kernel = "
        "[3, 5]; stride = 1; expansion = 2; }; constraints = { blocks = \"own\"; }; pattern = "
        "\"free\"; mmacs = 0.0; }",
        space_mnist);
    nas_domain *domain =
        space_open("template", "{ segments = 8; pattern = \"free\"; mmacs = 0.0; }", space_mnist);
    double size;
    bool exact;
    assert_true(nas_domain_size(domain, &size, &exact) && !exact && size > 1e20);
    nas_domain_close(domain);
}

static void test_template_cost(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        assert_macs("template",
                    "{ segments = 6; pattern = \"free\"; constraints = { sizes = \"largest\"; }; "
                    "min_size = 1; segment = { stride = [1, 2, 4]; };",
                    shapes[s], 20);
        assert_macs(
            "template",
            "{ pattern = \"dense\"; shrink = \"conv\"; constraints = { blocks = \"own\"; };",
            shapes[s], 20);
    }
}

static int number_of(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    return at ? atoi(at + strlen(before)) : -1;
}

/* What the constraints promise, read off the description: "… 2:1xplain(32, k3) …". */
static void test_template_constraints(void **state)
{
    (void)state;
    nas_domain *domain =
        space_open("template",
                   "{ segments = 4; segment = { depth = [1, 4]; width = [64, 8, 32, 16]; stride = "
                   "1; }; pattern "
                   "= \"chain\"; constraints = { depth = [6, 8]; }; mmacs = 0.0; }",
                   space_mnist);
    for (uint32_t i = 0; i < 500; i++) {
        nas_arch arch = space_sample(domain, i);
        nas_text text = {0};
        int total = 0, before = 0;
        nas_domain_describe(domain, &arch, &text);
        for (int j = 1; j <= 4; j++) {
            char key[8];
            snprintf(key, sizeof key, " %d:", j);
            total += number_of(text.data, key);
            int width = number_of(strstr(text.data, key), "(");
            assert_true(width >= before);
            before = width;
        }
        assert_true(total >= 6 && total <= 8);
        nas_text_clear(&text);
    }
    nas_domain_close(domain);
    domain = space_open("template",
                        "{ segments = 2; segment1 = { width = 64; }; segment2 = { width = 16; }; }",
                        space_mnist);
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    nas_arch arch;
    assert_int_equal(nas_domain_sample(domain, &random, &arch), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "constraints"));
    nas_domain_close(domain);
}

/* An encoder whose late segments read early ones, enlarged again; by hand: who reads whom, and one number. */
static void test_template_patterns(void **state)
{
    nas_domain *domain = space_open(
        "template",
        "{ segments = 4; pattern = [\"chain\", \"branches\", \"dense\", \"lateral\", \"free\"]; "
        "join = "
        "\"concat\"; segment = { block = \"plain\"; depth = 1; kernel = 3; width = 16; stride = "
        "[1, 2]; }; constraints = { sizes = \"largest\"; }; mmacs = 0.0; }",
        space_mnist);
    nas_graph graph = {0};
    (void)state;
    /* pattern; then of each segment the bits of what it reads (from the second on) and its stride */
    nas_arch arch = read_row(domain, "3-0-001-0000-00000");
    assert_description(domain, &arch,
                       "16 1:1xplain(16, k3) 2:1xplain(16, k3)/2 3:1xplain(16, k3)<1&2 "
                       "4:1xplain(16, k3)<0&3");
    assert_int_equal(nas_domain_build(domain, &arch, &graph), NAS_OK);
    int enlarged = 0;
    for (int i = 1; i < graph.count; i++)
        enlarged +=
            strcmp(graph.nodes[i].op->kind.name, "upsample") == 0 && graph.nodes[i].shape.h == 28;
    assert_int_equal(enlarged, 1);
    nas_graph_clear(&graph);
    /* the same, written pair by pair, is read as the pattern it is */
    nas_arch same = read_row(domain, "4-0-001-0110-10010");
    assert_true(nas_arch_equal(&same, &arch));
    nas_arch branches = read_row(domain, "4-0-100-1000-01110");
    assert_description(domain, &branches,
                       "16 1:1xplain(16, k3) 2:1xplain(16, k3)<0 3:1xplain(16, k3)<0 "
                       "4:1xplain(16, k3)<1&2&3");
    assert_int_equal(branches.genes[0], 1);
    nas_domain_close(domain);
}

static void test_template_baseline(void **state)
{
    nas_domain *domain = space_open("template", "{ segments = 2; }", space_mnist);
    nas_cost cost;
    (void)state;
    nas_arch arch = read_row(domain, "baseline");
    assert_description(domain, &arch, "16 1:1xresidual(16, k3)/2 2:1xresidual(32, k3)/2");
    assert_int_equal(nas_domain_cost(domain, &arch, &cost), NAS_OK);
    assert_int_equal(cost.parameters, 144 + 32 + 2 * (2304 + 32) + 256 + 32 + 4608 + 64 + 9216 +
                                          64 + 512 + 64 + 330);
    nas_domain_close(domain);
}

/* A baseline can be had on any shape, also where sizes soon stop shrinking and segments must differ in other ways. */
static void test_baselines(void **state)
{
    static const nas_shape small[] = {{1, 28, 28}, {3, 32, 32}, {1, 12, 12}, {3, 1, 64}, {2, 5, 5}};
    static const char *const settings[][2] = {
        {"chain_skip", NULL},
        {"chain_skip", "{ depth = 9; span = 1; stages = 3; join = \"concat\"; mmacs = 30.0; }"},
        {"template", NULL},
        {"template", "{ segments = 8; mmacs = 0.0; }"},
        {"template",
         "{ segments = 3; constraints = { blocks = \"own\"; }; segment = { width = 16; }; }"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        for (size_t k = 0; k < sizeof small / sizeof *small; k++) {
            nas_domain *domain = space_open(settings[i][0], settings[i][1], small[k]);
            nas_arch arch = read_row(domain, "baseline");
            assert_settled(domain, &arch);
            nas_domain_close(domain);
        }
}

/* The size that a layer reads, against the shapes of the built graph, where each layer is one node named in `ops`. */
static void check_reads_size(const char *space, const char *options, int stems, nas_shape input)
{
    nas_domain *domain = space_open(space, options, input);
    for (uint32_t draw = 0; draw < 300; draw++) {
        nas_arch arch = space_sample(domain, draw);
        nas_graph graph = {0};
        int group = 1 - stems, checked = 0;
        assert_int_equal(nas_domain_build(domain, &arch, &graph), NAS_OK);
        for (int n = 1; n < graph.count; n++) {
            const char *op = graph.nodes[n].op->kind.name;
            bool layer = strcmp(op, "conv2d") == 0 ||
                         (strcmp(op, "pool") == 0 && graph.nodes[n].shape.w > 1);
            const nas_shape in = graph.nodes[graph.nodes[n].inputs[0]].shape;
            if (!layer)
                continue;
            for (int i = 0; i < domain->count; i++)
                if (group > 0 && domain->genes[i].group == group) {
                    assert_int_equal(nas_domain_reads_size(domain, &arch, i), in.w);
                    checked++;
                }
            group++;
        }
        assert_true(checked > 0);
        nas_graph_clear(&graph);
    }
    nas_domain_close(domain);
}

static void test_reads_size(void **state)
{
    static const nas_shape inputs[] = {{1, 28, 28},
                                       {2, 1, 100}}; /* as wide as high, or a sequence */
    (void)state;
    for (int i = 0; i < 2; i++) {
        check_reads_size("chain", "{ depth = [2, 6]; op = [\"conv\", \"max_pool\"]; }", 0,
                         inputs[i]);
        check_reads_size("chain",
                         "{ depth = [2, 6]; op = [\"conv\", \"avg_pool\"]; stride = [1, 2, 3]; "
                         "hold = 1; min_size = 2; }",
                         0, inputs[i]);
        check_reads_size("chain_skip",
                         "{ depth = [2, 6]; op = [\"conv\", \"max_pool\"]; span = 40; }", 1,
                         inputs[i]);
        check_reads_size("template",
                         "{ segments = 4; pattern = \"chain\"; segment = { block = \"plain\"; "
                         "depth = 1; }; }",
                         1, inputs[i]);
    }
    nas_domain *cells = space_open("cell201", NULL, space_mnist);
    nas_arch arch = space_sample(cells, 0);
    assert_int_equal(nas_domain_reads_size(cells, &arch, 3), 0);
    nas_domain_close(cells);
}

static void test_template_refusals(void **state)
{
    (void)state;
    assert_refused("template", "{ segments = 9; }", "segments");
    assert_refused("template", "{ pattern = []; }", "pattern");
    assert_refused("template", "{ segment = { stride = [1, 3]; }; }", "strides are");
    assert_refused("template", "{ segment2 = { kernel = 4; }; }", "odd");
    assert_refused("template", "{ segment2 = { widht = 4; }; }", "width");
    assert_refused("template", "{ segment2 = { reads = [0]; }; }", "given");
    assert_refused("template", "{ pattern = \"given\"; segment2 = { reads = [2]; }; }", "earlier");
    assert_refused("template", "{ constraints = { depth = [20, 30]; }; }", "constraints.depth");
    assert_refused("template", "{ segment = { squeeze = [4, 6]; }; }", "gate");
    assert_refused("template", "{ segment = { depth = [3, 1]; }; }", "depth");
    assert_refused("template",
                   "{ segments = 8; segment = { depth = [1, 16]; }; constraints = { blocks = "
                   "\"own\"; }; }",
                   "genes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_skip_options),  cmocka_unit_test(test_chain_skip_size),
        cmocka_unit_test(test_chain_skip_enas),     cmocka_unit_test(test_chain_skip_cost),
        cmocka_unit_test(test_chain_skip_baseline), cmocka_unit_test(test_chain_skip_refusals),
        cmocka_unit_test(test_template_options),    cmocka_unit_test(test_template_size),
        cmocka_unit_test(test_template_cost),       cmocka_unit_test(test_template_constraints),
        cmocka_unit_test(test_template_patterns),   cmocka_unit_test(test_template_baseline),
        cmocka_unit_test(test_template_refusals),   cmocka_unit_test(test_reads_size),
        cmocka_unit_test(test_baselines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
