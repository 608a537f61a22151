/* test_supergraph.c - supernets: what they cost, which gates they read, which architecture weights speak for.
 *
 * That a supernet whose gates follow a path computes that path's network is test_supergraph_path.c. */
#include "supergraph_walk.h"

#include <math.h>

static const nas_shape cifar = {3, 32, 32};
static const nas_supergraph_options darts = {.running = true};

/* ENAS's macro space with sums. */
#define ENAS_SUMS                                                                                  \
    "{ depth = 12; stages = 3; op = [\"conv\", \"sep_conv\", \"max_pool\", \"avg_pool\"]; kernel " \
    "= "                                                                                           \
    "[3, 5]; width = 6; stem = 6; join = \"add\"; mmacs = 0; }"
/* Blocks of a MobileNet, each its own. */
#define INVERTED                                                                                   \
    "{ segments = 2; stem = 4; pattern = \"chain\"; constraints = { blocks = \"own\"; }; segment " \
    "= { "                                                                                         \
    "block "                                                                                       \
    "= \"inverted\"; width = 4; stride = 2; depth = [1, 3]; expansion = [3, 6]; squeeze = [0, "    \
    "4]; }; "                                                                                      \
    "segment2 = { width = 6; }; mmacs = 0; }"

/* ---- cost ---------------------------------------------------------------------------------------------- */

/* One edge of DARTS' seven operations on `c` channels, from a square image of side `in` to one of side `out`: closed forms. */
typedef struct edge_cost {
    double parameters, macs, written; /* floats written, poolings apart */
} edge_cost;

static edge_cost cost_of_edge(double c, double in, double out)
{
    const double area = out * out, kernels = 9 + 25;
    edge_cost cost = {
        .parameters = 2 * (kernels * c + 2 * c * c) + kernels * c + 2 * c * c,
        .macs = area * (2 * (kernels * c + 2 * c * c) + kernels * c + 2 * c * c),
        .written = area * c * (2 * 4 + 2 * 2), /* each kernel and each 1x1 writes */
    };
    if (in != out) { /* factorized reduction: two subsampled copies, two halves, joined */
        cost.parameters += c * c;
        cost.macs += area * c * c;
        cost.written += area * (2 * c + c + c);
    }
    return cost;
}

/* DARTS' search network (arXiv 1806.09055; PC-DARTS, 1907.05737, with partial > 1) on 3×32×32. */
static nas_cost cost_of_darts(int cells, int channels, int partial)
{
    double c = channels, before[2] = {3 * c, 3 * c}, sides[2] = {32, 32};
    double parameters = 27 * 3 * c + 2 * 3 * c, macs = 27 * 3 * c * 1024, written = 3 * c * 1024;
    for (int cell = 0; cell < cells; cell++) {
        const bool reduce = cell == cells / 3 || cell == 2 * cells / 3;
        const double in = sides[1], out = reduce ? in / 2 : in,
                     part = (c *= reduce ? 2 : 1) / partial;
        parameters += before[0] * c + before[1] * c;
        macs += in * in * (before[0] * c + before[1] * c);
        written += 2 * in * in * c;
        if (sides[0] != in) /* the older input: two subsampled copies, joined halves */
            written += in * in * (2 * before[0] + c);
        for (int node = 0; node < 4; node++)
            for (int state = 0; state < node + 2; state++) {
                const edge_cost edge = cost_of_edge(part, state < 2 ? in : out, out);
                parameters += edge.parameters;
                macs += edge.macs;
                written += edge.written;
            }
        written += out * out * part * 2 * 5;       /* two poolings of each state that is read */
        written += out * out * (4 * part + 4 * c); /* sums, output */
        if (partial > 1) {
            written += 2 * in * in * c + 3 * out * out * c;     /* sliced states */
            written += reduce ? 2 * out * out * (c - part) : 0; /* pooled around */
            written += 4 * out * out * ((c - part) + c + c);    /* sum, join, shuffle */
        }
        before[0] = before[1], before[1] = 4 * c;
        sides[0] = in, sides[1] = out;
    }
    parameters += before[1] * 10 + 10;
    macs += before[1] * 10;
    written += before[1] + 10;
    return (nas_cost){(uint64_t)parameters, (uint64_t)macs, (uint64_t)written * 4};
}

static void test_darts_cost(void **state)
{
    static const int sizes[][3] = {{8, 16, 1}, {8, 16, 4}, {5, 8, 1}, {3, 12, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int *size = sizes[i];
        char options[64];
        snprintf(options, sizeof options, "{ cells = %d; channels = %d; }", size[0], size[1]);
        supergraph super = supergraph_open(
            "cell", options, cifar, (nas_supergraph_options){.partial = size[2], .running = true});
        const nas_cost wanted = cost_of_darts(size[0], size[1], size[2]);
        nas_cost cost;
        nas_graph_cost(&super.graph, &cost);
        assert_int_equal(cost.parameters, wanted.parameters);
        assert_int_equal(cost.macs, wanted.macs);
        assert_int_equal(cost.bytes, wanted.bytes);
        if (i == 0)
            assert_int_equal(cost.parameters, 1930618); /* the authors' network has as many */
        if (i == 1)
            assert_int_equal(cost.parameters, 299578);
        supergraph_close(&super);
    }
}

/* PC-DARTS' search on ImageNet prints 956,512 parameters.  Its stem has 48 channels, ours as many as a node, 16; ten classes here. */
static void test_pc_darts_imagenet(void **state)
{
    (void)state;
    const int stem_48 = 27 * 24 + 2 * 24 + 9 * 24 * 48 + 2 * 48 + 9 * 48 * 48 + 2 * 48;
    const int stem_16 = 27 * 8 + 2 * 8 + 9 * 8 * 16 + 2 * 16 + 9 * 16 * 16 + 2 * 16;
    const int read_by = 3 * (48 - 16) * 16; /* both inputs of the first cell, one of the second */
    const int head = (4 * 64 + 1) * (1000 - 10);
    supergraph super = supergraph_open("cell", "{ stem = \"imagenet\"; }", (nas_shape){3, 224, 224},
                                       (nas_supergraph_options){.partial = 2, .running = true});
    nas_cost cost;
    nas_graph_cost(&super.graph, &cost);
    assert_int_equal(cost.parameters + (uint64_t)(stem_48 - stem_16 + read_by + head), 956512);
    supergraph_close(&super);
}

/* Published networks have 73,306 parameters with none but parameterless operations, 28,000 and 243,040 per convolution on an edge. */
static void test_cell201_cost(void **state)
{
    (void)state;
    supergraph super = supergraph_open("cell201", "{ }", cifar,
                                       (nas_supergraph_options){.affine = true, .running = true});
    nas_cost cost;
    nas_graph_cost(&super.graph, &cost);
    assert_int_equal(cost.parameters, 73306 + 6 * (28000 + 243040));
    assert_int_equal(cost.macs + 10, 7783050 + 6 * (3932160 + 35389440));
    supergraph_close(&super);
    super = supergraph_open("cell201", "{ }", cifar, (nas_supergraph_options){0});
    nas_graph_cost(&super.graph, &cost);
    /* two norms on each of six edges, five cells of 16, 32 and 64 channels */
    assert_int_equal(cost.parameters,
                     73306 + 6 * (28000 + 243040) - 2 * 2 * 6 * 5 * (16 + 32 + 64));
    supergraph_close(&super);
}

/* Twelve layers, each with a 3×3 and a 5×5, plain and separable, of 36 channels; skips and poolings have no parameters. */
static void test_enas_cost(void **state)
{
    (void)state;
    const int c = 36, layer = (9 + 25) * c * c + (9 + 25) * c + 2 * c * c;
    supergraph super =
        supergraph_open("chain_skip",
                        "{ depth = 12; stages = 3; op = [\"conv\", \"sep_conv\", \"max_pool\", "
                        "\"avg_pool\"]; kernel "
                        "= [3, 5]; width = 36; stem = 36; join = \"add\"; mmacs = 0; }",
                        cifar, darts);
    nas_cost cost;
    nas_graph_cost(&super.graph, &cost);
    assert_int_equal(cost.parameters, 12 * layer + 27 * c + 2 * c + 10 * c + 10);
    assert_int_equal(cost.parameters, 575974);
    supergraph_close(&super);
}

/* ---- gates ------------------------------------------------------------------------------------------------ */

/* How often each gate is read in the graph. */
static void count_readers(const supergraph *super, int *readers)
{
    memset(readers, 0, (size_t)super->table.gates * sizeof *readers);
    for (int node = 1; node < super->graph.count; node++)
        for (int i = 0; i < super->sums[node].count; i++) {
            const nas_node *n = &super->graph.nodes[node];
            const int candidates = super->graph.nodes[n->inputs[i]].shape.c / n->shape.c;
            for (int k = 0; k < candidates; k++) {
                assert_in_range(super->sums[node].gates[i] + k, 0, super->table.gates - 1);
                readers[super->sums[node].gates[i] + k]++;
            }
        }
}

/* Rows stand one behind the other, and each gate but that of `none` is read once by every cell that has the row. */
static void assert_gates(const supergraph *super, const int *cells, int groups_of_a_kind)
{
    const nas_gate_table *table = &super->table;
    int *readers = calloc((size_t)table->gates, sizeof *readers), next = 0, around = table->choices;
    count_readers(super, readers);
    for (int i = 0; i < table->count; i++) {
        const nas_gate_row *row = &table->rows[i];
        const int copies = cells[row->group / groups_of_a_kind];
        assert_int_equal(row->first, next);
        for (int choice = 0; choice < row->choices; choice++)
            assert_int_equal(readers[row->first + choice], choice == row->none ? 0 : copies);
        next += row->choices;
        assert_int_equal(row->around, table->gates > table->choices ? around++ : -1);
        if (row->around >= 0)
            assert_int_equal(readers[row->around], copies);
    }
    assert_int_equal(table->choices, next);
    assert_int_equal(table->gates, around);
    assert_int_equal(nas_graph_gates(&super->graph), table->gates);
    free(readers);
}

/* On a sequence no convolution has weights for rows that are not there. */
static void assert_rows_used(const supergraph *super, nas_shape input)
{
    for (int i = 1; i < super->graph.count && input.h == 1; i++) {
        nas_parameter parameters[NAS_OP_PARAMETERS];
        assert_int_equal(super->graph.nodes[i].shape.h, 1);
        if (is_op(&super->graph, i, "conv2d") && nas_node_parameters(&super->graph, i, parameters))
            assert_int_equal(parameters[0].dims[2], 1);
    }
}

static void assert_text_round_trip(const nas_graph *graph)
{
    nas_text text = {0}, again = {0};
    nas_graph back = {0};
    uint64_t hashes[2];
    nas_graph_write(graph, &text);
    nas_test_ok(nas_graph_parse(text.data, "supernet", &back));
    nas_graph_write(&back, &again);
    assert_string_equal(text.data, again.data);
    nas_test_ok(nas_graph_hash(graph, &hashes[0]));
    nas_test_ok(nas_graph_hash(&back, &hashes[1]));
    assert_true(hashes[0] == hashes[1]);
    nas_text_clear(&text);
    nas_text_clear(&again);
    nas_graph_clear(&back);
}

static void test_gates(void **state)
{
    static const struct {
        const char *space, *options;
        int partial, rows, choices, groups, cells[2];
    } variants[] = {
        {"cell", "{ channels = 4; }", 1, 28, 28 * 8, 4, {6, 2}},
        {"cell", "{ channels = 4; }", 4, 28, 28 * 8, 4, {6, 2}},
        {"cell",
         "{ cells = 3; channels = 2; nodes = 1; op = \"skip_connect\"; }",
         1,
         4,
         8,
         1,
         {1, 2}},
        {"cell",
         "{ cells = 2; channels = 2; nodes = 3; reductions = [ ]; }",
         2,
         9,
         9 * 8,
         3,
         {2, 0}},
        {"cell",
         "{ cells = 1; channels = 2; reductions = 0; stem = \"imagenet\"; }",
         1,
         14,
         14 * 8,
         4,
         {0, 1}},
        /* more candidates at a node than an operator takes */
        {"cell",
         "{ cells = 4; channels = 2; nodes = 8; op = [\"max_pool_3x3\", \"avg_pool_3x3\", "
         "\"skip_connect\", \"sep_conv_3x3\", \"sep_conv_5x5\", \"dil_conv_3x3\", "
         "\"dil_conv_5x5\", \"sep_conv_7x7\", \"conv_7x1_1x7\", \"conv_1x1\", "
         "\"conv_3x3\"]; }",
         1,
         88,
         88 * 12,
         8,
         {2, 2}},
        {"cell201", "{ channels = 4; cells = 2; }", 1, 6, 30, 3, {6, 0}},
        {"cell201", "{ channels = 4; cells = 1; dead = \"keep\"; }", 4, 6, 30, 3, {3, 0}},
        {"cell201",
         "{ channels = 1; cells = 1; op = [\"avg_pool_3x3\", \"skip_connect\"]; }",
         1,
         6,
         12,
         3,
         {3, 0}},
        /* 12 layers of six operations, 66 skips of span 2 and more */
        {"chain_skip", ENAS_SUMS, 1, 78, 12 * 6 + 66 * 2, 99, {1, 0}},
        /* per segment three depths and three places of 2·2·2 inverted blocks */
        {"template", INVERTED, 1, 8, 2 * (3 + 3 * 8), 99, {1, 0}},
    };
    static const nas_shape shapes[] = {{3, 32, 32}, {1, 16, 12}, {2, 1, 50}};
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            supergraph super =
                supergraph_open(variants[v].space, variants[v].options, shapes[s],
                                (nas_supergraph_options){.partial = variants[v].partial});
            assert_int_equal(super.table.count, variants[v].rows);
            assert_int_equal(super.table.choices, variants[v].choices);
            assert_gates(&super, variants[v].cells, variants[v].groups);
            assert_text_round_trip(&super.graph);
            assert_rows_used(&super, shapes[s]);
            supergraph_close(&super);
        }
}

/* The places of none and skip, and which rows are one node's edges. */
static void test_rows(void **state)
{
    static const int groups[] = {0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3};
    static const int groups_201[] = {0, 1, 1, 2, 2, 2};
    (void)state;
    supergraph super = supergraph_open("cell", "{ }", cifar, darts);
    for (int i = 0; i < super.table.count; i++) {
        const nas_gate_row *row = &super.table.rows[i];
        assert_int_equal(row->choices, 8);
        assert_int_equal(row->none, 0);
        assert_int_equal(row->skip, 3);
        assert_int_equal(row->group, i / 14 * 4 + groups[i % 14]);
    }
    supergraph_close(&super);
    super = supergraph_open("cell", "{ op = [\"conv_3x3\", \"conv_1x1\"]; }", cifar, darts);
    assert_int_equal(super.table.rows[0].skip, -1);
    supergraph_close(&super);
    super = supergraph_open("cell201", "{ }", cifar, darts);
    for (int i = 0; i < super.table.count; i++) {
        assert_int_equal(super.table.rows[i].none, 0);
        assert_int_equal(super.table.rows[i].skip, 1);
        assert_int_equal(super.table.rows[i].group, groups_201[i]);
    }
    supergraph_close(&super);
    super =
        supergraph_open("cell201", "{ op = [\"nor_conv_1x1\", \"skip_connect\"]; }", cifar, darts);
    assert_int_equal(super.table.rows[5].none, -1);
    assert_int_equal(super.table.rows[5].skip, 1);
    supergraph_close(&super);
}

/* ---- derivation ------------------------------------------------------------------------------------------- */

static void assert_derives(const supergraph *super, const float *weights, const char *wanted)
{
    nas_arch arch, same;
    nas_text text = {0};
    nas_test_ok(nas_domain_derive(super->domain, &super->table, weights, &arch));
    assert_settled(super->domain, &arch);
    nas_domain_describe(super->domain, &arch, &text);
    assert_string_equal(text.data, wanted);
    nas_text_reset(&text);
    nas_domain_write(super->domain, &arch, &text);
    nas_test_ok(nas_domain_read(super->domain, text.data, &same));
    assert_true(nas_arch_equal(&same, &arch));
    nas_text_clear(&text);
}

/* Rows of two nodes: 0 and 1 lead to the first, 2, 3 and 4 to the second. */
static void test_derive_cell(void **state)
{
    enum { NONE, MAX, SKIP, CONV, CHOICES };
    float w[2 * 5 * CHOICES];
    (void)state;
    supergraph super = supergraph_open(
        "cell",
        "{ nodes = 2; cells = 3; op = [\"max_pool_3x3\", \"skip_connect\", \"conv_3x3\"]; }", cifar,
        darts);
    /* all equal: the first two edges, the first operation */
    for (int i = 0; i < 2 * 5 * CHOICES; i++)
        w[i] = 0.25f;
    assert_derives(&super, w,
                   "normal: max_pool_3x3(0)+max_pool_3x3(1) max_pool_3x3(0)+max_pool_3x3(1); "
                   "reduce: max_pool_3x3(0)+max_pool_3x3(1) max_pool_3x3(0)+max_pool_3x3(1)");
    /* none is the strongest everywhere, and says nothing: neither which edge nor which operation */
    for (int row = 0; row < 10; row++)
        w[row * CHOICES + NONE] = 0.9f + 0.001f * (float)row;
    w[4 * CHOICES + CONV] = 0.5f; /* the strongest edge of the second node */
    w[3 * CHOICES + SKIP] = 0.3f; /* the second one; input 0 falls out */
    w[2 * CHOICES + MAX] = 0.29f;
    w[5 * CHOICES + SKIP] = w[5 * CHOICES + CONV] = 0.4f; /* of two equal operations the first */
    w[7 * CHOICES + CONV] = w[8 * CHOICES + MAX] = w[9 * CHOICES + SKIP] =
        0.6f; /* of three edges two */
    assert_derives(&super, w,
                   "normal: max_pool_3x3(0)+max_pool_3x3(1) skip_connect(1)+conv_3x3(2); "
                   "reduce: skip_connect(0)+max_pool_3x3(1) conv_3x3(0)+max_pool_3x3(1)");
    /* all in favour of none, and weights below 0, as logits may be */
    for (int i = 0; i < 2 * 5 * CHOICES; i++)
        w[i] = i % CHOICES == NONE ? 0.0f : -5.0f - (float)(i % CHOICES == MAX);
    w[4 * CHOICES + SKIP] = -4.0f;
    assert_derives(&super, w,
                   "normal: skip_connect(0)+skip_connect(1) skip_connect(0)+skip_connect(2); "
                   "reduce: skip_connect(0)+skip_connect(1) skip_connect(0)+skip_connect(1)");
    w[7] = NAN;
    nas_arch arch;
    nas_test_fails(nas_domain_derive(super.domain, &super.table, w, &arch), NAS_FAILED,
                   "choice 3 in row 1 of the supernet is not a number");
    supergraph_close(&super);
    /* no reduction cell in the stack: its genes stay 0 */
    super = supergraph_open("cell", "{ nodes = 1; cells = 2; reductions = [ ]; }", cifar, darts);
    for (int i = 0; i < 16; i++)
        w[i] = (float)(i % 8);
    assert_derives(&super, w, "normal: dil_conv_5x5(0)+dil_conv_5x5(1)");
    supergraph_close(&super);
}

static void test_derive_cell201(void **state)
{
    float w[30] = {0};
    (void)state;
    supergraph super = supergraph_open("cell201", "{ dead = \"keep\"; }", cifar, darts);
    assert_derives(&super, w, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|");
    w[0 * 5 + 3] = 0.1f;
    w[1 * 5 + 4] = 0.1f;
    w[2 * 5 + 2] = w[2 * 5 + 4] = 0.5f;
    w[3 * 5 + 0] = 0.3f, w[3 * 5 + 1] = 0.29f; /* none wins: nothing is ranked */
    w[4 * 5 + 1] = 1e-6f;
    for (int i = 0; i < 5; i++)
        w[5 * 5 + i] = -1.0f;
    static const char wanted[] = "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|none~0|"
                                 "skip_connect~1|none~2|";
    assert_derives(&super, w, wanted);
    supergraph_close(&super);
    /* the same weights where dead edges are none: node 2 leads nowhere */
    super = supergraph_open("cell201", "{ }", cifar, darts);
    assert_derives(&super, w, "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|");
    supergraph_close(&super);
}

static void test_derive_layers(void **state)
{
    float w[64] = {0};
    (void)state;
    /* conv3, conv5, max_pool of the first layer; of the second, with a skip from the stem; of the third, with two */
    supergraph super = supergraph_open("chain_skip",
                                       "{ depth = 3; stages = 1; op = [\"conv\", \"max_pool\"]; "
                                       "width = 8; stem = 8; join = \"add\"; mmacs = 0; }",
                                       cifar, darts);
    assert_int_equal(super.table.choices, 3 + 3 + 2 + 3 + 2 + 2);
    assert_int_equal(super.table.rows[2].none, 0);
    assert_int_equal(super.table.rows[2].skip, 1);
    assert_int_equal(super.table.rows[3].none, -1);
    assert_derives(&super, w, "8 conv3x3(8) conv3x3(8) conv3x3(8)");
    w[1] = w[2] = 0.5f;          /* of equal ones the first */
    w[3 + 2] = 0.1f;             /* a pooling, which has no kernel */
    w[6] = w[7] = 0.2f;          /* a tie is no skip */
    w[8 + 1] = 0.3f;             /* a 5×5 */
    w[11] = 0.4f, w[12] = 0.5f;  /* the stem arrives */
    w[13] = -0.1f, w[14] = 0.0f; /* so does the first layer */
    assert_derives(&super, w, "8 conv5x5(8) max_pool3x3 conv5x5(8)+0+1");
    supergraph_close(&super);
    /* depth 1 or 2, then kernel 3 or 5 of a plain block, and of an inverted one times its expansions */
    memset(w, 0, sizeof w);
    super =
        supergraph_open("template",
                        "{ segments = 1; pattern = \"chain\"; segment = { block = [\"plain\", "
                        "\"inverted\"]; width = 8; stride = 1; expansion = [2, 4, 6]; squeeze = "
                        "0; }; mmacs = 0; }",
                        cifar, darts);
    assert_int_equal(super.table.choices, 2 + 2 + 2 * 3);
    assert_derives(&super, w, "16 1:1xplain(8, k3)");
    w[1] = 0.5f;
    w[2 + 2 + 1 * 3 + 1] = w[2 + 7] = 1;
    assert_derives(&super, w, "16 1:2xinverted(8, k5e4)");
    supergraph_close(&super);
}

/* ---- paths -------------------------------------------------------------------------------------------------- */

/* Weights that are 1 on a path and 0 elsewhere derive its architecture, where the rule leaves two edges or all. */
static void assert_path_back(const supergraph *super, const nas_arch *arch, const int *choices)
{
    float *weights = calloc((size_t)super->table.choices, sizeof *weights);
    nas_arch back;
    for (int row = 0; row < super->table.count; row++)
        if (choices[row] >= 0)
            weights[super->table.rows[row].first + choices[row]] = 1;
    nas_test_ok(nas_domain_derive(super->domain, &super->table, weights, &back));
    assert_true(nas_arch_equal(&back, arch));
    free(weights);
}

static void test_paths(void **state)
{
    static const char *const spaces[][2] = {{"cell", "{ channels = 4; }"},
                                            {"cell", "{ cells = 1; channels = 4; nodes = 7; }"},
                                            {"cell201", "{ }"},
                                            {"cell201", "{ dead = \"keep\"; }"},
                                            {"chain_skip", ENAS_SUMS},
                                            {"template", INVERTED}};
    (void)state;
    for (size_t s = 0; s < sizeof spaces / sizeof *spaces; s++) {
        supergraph super = supergraph_open(spaces[s][0], spaces[s][1], cifar, darts);
        int there = 0, choices[NAS_GATE_ROWS];
        for (uint32_t draw = 0; draw < 2000; draw++) {
            const nas_arch arch = space_sample(super.domain, draw);
            if (nas_domain_path(super.domain, &super.table, &arch, choices) != NAS_OK)
                continue;
            for (int row = 0; row < NAS_GATE_ROWS; row++) {
                const int most = row < super.table.count ? super.table.rows[row].choices : 0;
                assert_in_range(choices[row] + 1, 0, most);
            }
            assert_path_back(&super, &arch, choices);
            there++;
        }
        assert_true(s < 2 ? there > 20 : there == 2000); /* of cells, those without double edges */
        supergraph_close(&super);
    }
}

static void test_published_path(void **state)
{
    /* DARTS_V2 on edges 0←0 0←1 1←0 1←1 1←2 2←0 2←1 … 3←4 */
    static const int normal[] = {4, 4, 4, 4, -1, 3, 4, -1, -1, 3, -1, 6, -1, -1};
    static const int reduce[] = {1, 1, -1, 1, 3, 1, -1, 3, -1, -1, 1, 3, -1, -1};
    int choices[NAS_GATE_ROWS];
    nas_arch arch;
    (void)state;
    supergraph super = supergraph_open("cell", "{ }", cifar, darts);
    nas_test_ok(nas_domain_read(super.domain, "DARTS_V2", &arch));
    nas_test_ok(nas_domain_path(super.domain, &super.table, &arch, choices));
    assert_memory_equal(choices, normal, sizeof normal);
    assert_memory_equal(choices + 14, reduce, sizeof reduce);
    for (int row = 28; row < NAS_GATE_ROWS; row++)
        assert_int_equal(choices[row], -1);
    arch.genes[0] = arch.genes[2] = 1;
    nas_test_fails(nas_domain_path(super.domain, &super.table, &arch, choices), NAS_BOUND,
                   "node 0 of the normal cell reads input 1 twice");
    supergraph_close(&super);
}

/* ---- refusals ------------------------------------------------------------------------------------------------ */

static void assert_no_supernet(const char *space, const char *options, int partial,
                               const char *message)
{
    nas_domain *domain = space_open(space, options, cifar);
    nas_supergraph_options how = {.partial = partial};
    nas_graph graph = {0};
    nas_gate_table table = {.count = -1};
    nas_test_fails(nas_domain_supergraph(domain, &how, &graph, &table), NAS_CONFIG, message);
    assert_null(graph.nodes);
    assert_int_equal(table.count, -1);
    nas_domain_close(domain);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_no_supernet("chain", "{ }", 1, "space chain has no supernet");
    assert_no_supernet("cell101", "{ }", 1, "these have: ");
    assert_no_supernet("cell", "{ output = \"loose_ends\"; }", 1, "space.output = \"all\"");
    assert_no_supernet("cell", "{ channels = 18; }", 4, "channels = 18 is no multiple of 4");
    assert_no_supernet("cell201", "{ channels = 2; }", 3, "channels = 2 is no multiple of 3");
    assert_no_supernet("cell201", "{ op = \"none\"; }", 1, "an operation besides none");
    assert_no_supernet("cell", "{ }", -1, "1 reads all");
    assert_no_supernet("chain_skip", "{ }", 1, "needs a single depth");
    assert_no_supernet("chain_skip", "{ depth = 4; }", 1, "needs a single width");
    assert_no_supernet("chain_skip", "{ depth = 4; width = 16; }", 1, "a single stride, or stages");
    assert_no_supernet("chain_skip", "{ depth = 4; width = 16; stages = 2; }", 1, "join = \"add\"");
    assert_no_supernet("chain_skip", "{ depth = 4; width = 8; stages = 2; join = \"add\"; }", 1,
                       "stem = width");
    assert_no_supernet("chain_skip", ENAS_SUMS, 4, "all channels");
    assert_no_supernet("template", "{ }", 1, "a single pattern");
    assert_no_supernet("template", "{ pattern = \"chain\"; }", 1, "segment 1 needs a single width");
    assert_no_supernet("template", "{ pattern = \"chain\"; segment = { width = 16; }; }", 1,
                       "segment 1 needs a single stride");
    assert_no_supernet("template",
                       "{ pattern = \"chain\"; segment = { width = 16; stride = 1; }; }", 1,
                       "segment 2 may go on where segment 1 ended");
    assert_no_supernet("template",
                       "{ pattern = \"dense\"; segment = { width = 16; stride = 2; }; }", 1,
                       "segment 2 needs a single join");
    assert_no_supernet(
        "template",
        "{ pattern = \"chain\"; constraints = { depth = 5; }; segment = { width = 16; stride "
        "= 2; }; min_size = 1; }",
        1, "must allow 4 to 8 blocks");
    assert_no_supernet(
        "template",
        "{ segments = 2; pattern = \"chain\"; segment = { width = 16; stride = 2; }; "
        "segment2 = { width = 8; }; }",
        1, "no network fits these options");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_darts_cost),     cmocka_unit_test(test_pc_darts_imagenet),
        cmocka_unit_test(test_enas_cost),      cmocka_unit_test(test_cell201_cost),
        cmocka_unit_test(test_gates),          cmocka_unit_test(test_rows),
        cmocka_unit_test(test_derive_cell),    cmocka_unit_test(test_derive_cell201),
        cmocka_unit_test(test_derive_layers),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_published_path), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
