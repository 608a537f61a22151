/* test_supergraph_path.c - what a supernet means: with gates 1 on a path and 0 elsewhere it computes what the path's own network
 * computes, bit for bit, and learns what that learns.
 *
 * The two graphs are walked side by side from their outputs.  Where the supernet has a sum, its summands with gate 1, if they
 * are not zeros, must be the network's, in order; everywhere else operators must agree one by one.  Each parameter met on
 * the way is copied.  So the walk proves the structure, and the forward and backward passes of the plain C reference in double precision
 * what is left: sizes, strides, the order of channels.  The network gets the one thing that only a DARTS search has: a norm behind each
 * 3×3 pooling.  Its norms' scale and shift, which the supernet may lack, stay 1 and 0. */
#include <clnas/net.h>

#include "supergraph_walk.h"

#include <math.h>

enum { BATCH = 3 };

static const nas_step step = {.real = BATCH};

/* A network beside the supernet. */
typedef struct pair {
    const supergraph *super;
    const double *gates;
    nas_graph network;
    nas_reference *large, *small;
    int *
        partner; /* of each node of the supernet: the node of the network that was met with it, 0: none */
} pair;

static void fill(double *values, uint64_t count, uint32_t what)
{
    nas_random random = nas_random_make(6, NAS_STREAM_TEST, what, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        values[i] = nas_random_normal(&random);
}

/* ---- the walk -------------------------------------------------------------------------------------------- */

static bool is_sum(const pair *p, int node)
{
    return p->super->sums[node].count > 0;
}

static bool is_zeros(const pair *p, int node)
{
    const nas_node *n = &p->super->graph.nodes[node];
    bool zeros = is_sum(p, node) || is_op(&p->super->graph, node, "pool");
    for (int i = 0; i < n->input_count && zeros; i++)
        zeros = (is_sum(p, node) && p->gates[p->super->sums[node].gates[i]] == 0) ||
                is_zeros(p, n->inputs[i]);
    return zeros;
}

/* The summands that count, of a sum or of several that are added. */
static int find_summands(const pair *p, int node, int *found, int count)
{
    const nas_node *n = &p->super->graph.nodes[node];
    for (int i = 0; i < n->input_count; i++) {
        if (!is_sum(p, node))
            count = find_summands(p, n->inputs[i], found, count);
        else if (p->gates[p->super->sums[node].gates[i]] != 0 && !is_zeros(p, n->inputs[i]))
            found[count++] = n->inputs[i];
    }
    return count;
}

static bool is_long_sum(const pair *p, int node)
{
    const nas_node *n = &p->super->graph.nodes[node];
    bool sums = is_op(&p->super->graph, node, "add");
    for (int i = 0; i < n->input_count; i++)
        sums = sums && is_sum(p, n->inputs[i]);
    return sums;
}

static void copy_parameters(pair *p, int large, int small)
{
    for (int k = 0; k < NAS_OP_PARAMETERS; k++) {
        uint64_t counts[2];
        const double *from = nas_reference_parameter(p->large, large, k, NULL, &counts[0]);
        double *to = nas_reference_parameter(p->small, small, k, NULL, &counts[1]);
        if (!from)
            continue;
        assert_non_null(to);
        assert_int_equal(counts[0], counts[1]);
        memcpy(to, from, counts[0] * sizeof *to);
        assert_true(k > 1 || p->partner[large] == 0); /* only norms of poolings are shared */
    }
    p->partner[large] = small;
}

static void meet(pair *p, int large, int small);

static void meet_sum(pair *p, int large, int small)
{
    int found[NAS_OP_INPUTS];
    const int count = find_summands(p, large, found, 0);
    const nas_node *n = &p->network.nodes[small];
    if (count == 1) {
        meet(p, found[0], small);
        return;
    }
    assert_true(is_op(&p->network, small, count ? "add" : "zero"));
    assert_true(count == 0 || n->input_count == count);
    for (int i = 0; i < count; i++)
        meet(p, found[i], n->inputs[i]);
}

/* A relu that the supernet puts behind every sum, where the network has none: nothing there is below 0. */
static bool is_idle_relu(const pair *p, int large, int small)
{
    return is_op(&p->super->graph, large, "activation") &&
           !is_op(&p->network, small, "activation") &&
           is_sum(p, p->super->graph.nodes[large].inputs[0]);
}

static void meet(pair *p, int large, int small)
{
    const nas_node *a = &p->super->graph.nodes[large], *b = &p->network.nodes[small];
    if (large > 0 && p->partner[large] == small)
        return;
    if (is_sum(p, large) || is_long_sum(p, large)) {
        meet_sum(p, large, small);
        return;
    }
    if (is_idle_relu(p, large, small)) {
        meet(p, a->inputs[0], small);
        return;
    }
    assert_ptr_equal(a->op, b->op);
    assert_int_equal(a->input_count, b->input_count);
    assert_memory_equal(&a->shape, &b->shape, sizeof a->shape);
    if (a->op && strcmp(a->op->kind.name, "batch_norm") != 0)
        assert_memory_equal(a->options.bytes, b->options.bytes, a->op->kind.instance_size);
    copy_parameters(p, large, small);
    for (int i = 0; i < a->input_count; i++)
        meet(p, a->inputs[i], b->inputs[i]);
}

/* ---- two networks -------------------------------------------------------------------------------------------- */

/* The row's network; for DARTS' cells with a norm behind poolings. */
static void build_network(const supergraph *super, const nas_arch *arch, nas_graph *network)
{
    nas_graph plain = {0};
    const bool norms = strcmp(super->domain->space->kind.name, "cell") == 0;
    nas_test_ok(nas_domain_build(super->domain, arch, &plain));
    nas_test_ok(nas_graph_init(network, plain.nodes[0].shape));
    int *map = calloc((size_t)plain.count, sizeof *map);
    for (int node = 1; node < plain.count; node++) {
        const nas_node *n = &plain.nodes[node];
        int inputs[NAS_OP_INPUTS];
        for (int i = 0; i < n->input_count; i++)
            inputs[i] = map[n->inputs[i]];
        nas_test_ok(nas_graph_add_like(network, n, inputs, &map[node]));
        if (norms && is_op(&plain, node, "pool") && node + 1 < plain.output) /* not the head's */
            nas_test_ok(nas_graph_then(network, "batch_norm", &map[node], "affine = false"));
    }
    free(map);
    nas_graph_clear(&plain);
}

static void fill_parameters(nas_reference *reference, int nodes)
{
    for (int node = 1; node < nodes; node++)
        for (int k = 0; k < 2; k++) { /* weight and bias, gamma and beta; not what norms keep */
            uint64_t count;
            double *values = nas_reference_parameter(reference, node, k, NULL, &count);
            if (values)
                fill(values, count, (uint32_t)(node * 4 + k));
        }
}

static void open_gates(const pair *p, const nas_arch *arch, double *gates)
{
    int choices[NAS_GATE_ROWS];
    const nas_gate_table *table = &p->super->table;
    nas_test_ok(nas_domain_path(p->super->domain, table, arch, choices));
    memset(gates, 0, (size_t)table->gates * sizeof *gates);
    for (int row = 0; row < table->count; row++)
        if (choices[row] >= 0)
            gates[table->rows[row].first + choices[row]] = 1;
}

static pair open_pair(const supergraph *super, const nas_arch *arch)
{
    const nas_net_options options = {.batch = BATCH, .training = true, .input_gradient = true};
    const uint64_t pixels = nas_shape_count(super->domain->input) * BATCH;
    pair p = {.super = super, .partner = calloc((size_t)super->graph.count, sizeof(int))};
    build_network(super, arch, &p.network);
    nas_test_ok(nas_reference_create(&super->graph, &options, &p.large));
    nas_test_ok(nas_reference_create(&p.network, &options, &p.small));
    double *gates = nas_reference_gates(p.large, NULL);
    open_gates(&p, arch, gates);
    p.gates = gates;
    fill_parameters(p.large, super->graph.count);
    meet(&p, super->graph.output, p.network.output);
    fill(nas_reference_input(p.large), pixels, 1);
    fill(nas_reference_input(p.small), pixels, 1);
    return p;
}

static void close_pair(pair *p)
{
    nas_reference_destroy(p->large);
    nas_reference_destroy(p->small);
    nas_graph_clear(&p->network);
    free(p->partner);
}

/* ---- the comparison -------------------------------------------------------------------------------------------- */

static void assert_same_logits(const pair *p, bool training)
{
    const uint64_t count = 10 * BATCH;
    nas_reference_forward(p->large, training, &step);
    nas_reference_forward(p->small, training, &step);
    const double *a = nas_reference_value(p->large, p->super->graph.output);
    const double *b = nas_reference_value(p->small, p->network.output);
    for (uint64_t i = 0; i < count; i++) {
        assert_true(isfinite(a[i]));
        assert_true(a[i] == b[i]);
    }
}

static void assert_near(const double *a, const double *b, uint64_t count)
{
    double scale = 0, apart = 0;
    for (uint64_t i = 0; i < count; i++) {
        scale = fmax(scale, fabs(b[i]));
        apart = fmax(apart, fabs(a[i] - b[i]));
    }
    assert_true(apart <= 1e-10 * (scale + 0.1));
}

/* Gradients of every parameter on the path; off it none. */
static void assert_same_gradients(const pair *p)
{
    fill(nas_reference_output_gradient(p->large), 10 * BATCH, 2);
    fill(nas_reference_output_gradient(p->small), 10 * BATCH, 2);
    nas_reference_backward(p->large, &step);
    nas_reference_backward(p->small, &step);
    for (int node = 1; node < p->super->graph.count; node++)
        for (int k = 0; k < 2; k++) {
            uint64_t count;
            double *a, *b;
            if (!nas_reference_parameter(p->large, node, k, &a, &count))
                continue;
            if (p->partner[node])
                nas_reference_parameter(p->small, p->partner[node], k, &b, &count);
            for (uint64_t i = 0; i < count && !p->partner[node]; i++)
                assert_true(a[i] == 0);
            if (p->partner[node])
                assert_near(a, b, count);
        }
    assert_near(nas_reference_input_gradient(p->large), nas_reference_input_gradient(p->small),
                nas_shape_count(p->super->domain->input) * BATCH);
}

static void mark_heard(const nas_graph *graph, int node, bool *heard)
{
    if (heard[node])
        return;
    heard[node] = true;
    for (int i = 0; i < graph->nodes[node].input_count; i++)
        mark_heard(graph, graph->nodes[node].inputs[i], heard);
}

/* Every weight from which a way leads to the network's output has come from the supernet. */
static void assert_all_met(const pair *p)
{
    bool *met = calloc((size_t)p->network.count, sizeof *met);
    bool *heard = calloc((size_t)p->network.count, sizeof *heard);
    mark_heard(&p->network, p->network.output, heard);
    for (int node = 1; node < p->super->graph.count; node++)
        met[p->partner[node]] = true;
    for (int node = 1; node < p->network.count; node++)
        assert_true(met[node] || !heard[node] ||
                    !nas_reference_parameter(p->small, node, 0, NULL, NULL) ||
                    is_op(&p->network, node, "batch_norm"));
    free(met);
    free(heard);
}

/* `count` random rows of a space that the supernet contains. */
static void compare(const char *space, const char *options, nas_shape input,
                    nas_supergraph_options how, int count)
{
    supergraph super = supergraph_open(space, options, input, how);
    for (uint32_t draw = 0; count > 0; draw++) {
        const nas_arch arch = space_sample(super.domain, draw);
        int choices[NAS_GATE_ROWS];
        assert_true(draw < 5000);
        if (nas_domain_path(super.domain, &super.table, &arch, choices) != NAS_OK)
            continue;
        pair p = open_pair(&super, &arch);
        assert_same_logits(&p, true);
        assert_same_gradients(&p);
        if (how.running)
            assert_same_logits(&p, false);
        assert_all_met(&p);
        close_pair(&p);
        count--;
    }
    supergraph_close(&super);
}

static void test_cell(void **state)
{
    static const char all_ops[] =
        "{ cells = 3; channels = 2; nodes = 5; op = [\"conv_3x3\", \"avg_pool_3x3\", "
        "\"skip_connect\", \"sep_conv_3x3\", \"sep_conv_7x7\", \"conv_7x1_1x7\", \"conv_1x1\", "
        "\"max_pool_3x3\", \"dil_conv_5x5\"]; }";
    (void)state;
    compare("cell", "{ cells = 4; channels = 4; }", (nas_shape){3, 10, 10},
            (nas_supergraph_options){.running = true}, 6);
    compare("cell", "{ cells = 4; channels = 3; nodes = 2; stem = \"strided\"; }",
            (nas_shape){2, 13, 9}, (nas_supergraph_options){.affine = true, .running = true}, 10);
    compare("cell", all_ops, (nas_shape){1, 8, 8}, (nas_supergraph_options){.running = true}, 6);
    compare("cell", "{ cells = 3; channels = 4; nodes = 3; stem = \"imagenet\"; }",
            (nas_shape){1, 24, 24}, (nas_supergraph_options){0}, 6);
}

static void test_cell201(void **state)
{
    (void)state;
    compare("cell201", "{ cells = 1; channels = 3; }", (nas_shape){3, 9, 8},
            (nas_supergraph_options){0}, 20);
    compare("cell201", "{ cells = 2; channels = 2; dead = \"keep\"; }", (nas_shape){1, 8, 8},
            (nas_supergraph_options){.affine = true, .running = true}, 20);
    compare("cell201",
            "{ cells = 1; channels = 2; op = [\"avg_pool_3x3\", \"nor_conv_3x3\", "
            "\"skip_connect\"]; }",
            (nas_shape){1, 7, 7}, (nas_supergraph_options){.running = true}, 10);
}

static void test_chain_skip(void **state)
{
    static const char enas[] =
        "{ depth = 6; stages = 3; op = [\"conv\", \"sep_conv\", \"max_pool\", \"avg_pool\"]; "
        "kernel = [3, 5]; width = 4; stem = 4; join = \"add\"; mmacs = 0; }";
    static const char convolutions[] =
        "{ depth = 5; op = [\"dil_conv\", \"conv\"]; kernel = 3; width = 3; stem = 2; stride = 2; "
        "join = \"add\"; span = [1, 3]; shrink = \"conv\"; activation = \"silu\"; }";
    (void)state;
    compare("chain_skip", enas, (nas_shape){3, 12, 12}, (nas_supergraph_options){.running = true},
            12);
    compare("chain_skip", convolutions, (nas_shape){1, 17, 14}, (nas_supergraph_options){0}, 12);
}

static void test_template(void **state)
{
    static const char alike[] =
        "{ segments = 3; stem = 4; pattern = \"chain\"; segment = { block = [\"plain\", "
        "\"residual\", \"bottleneck\", \"inverted\"]; width = 4; stride = 2; depth = [1, 3]; }; "
        "segment2 = { width = 6; }; segment3 = { width = 8; }; min_size = 2; }";
    static const char own[] =
        "{ segments = 2; stem = 3; pattern = \"dense\"; join = \"concat\"; constraints = { blocks "
        "= "
        "\"own\"; widths = \"any\"; }; segment = { block = \"inverted\"; width = 5; stride = 2; "
        "depth = [2, 4]; expansion = [1, 2]; squeeze = [0, 2]; }; segment2 = { depth = 2; }; }";
    (void)state;
    compare("template", alike, (nas_shape){2, 16, 11},
            (nas_supergraph_options){.affine = true, .running = true}, 12);
    compare("template", own, (nas_shape){1, 9, 9}, (nas_supergraph_options){.running = true}, 12);
}

/* ---- partial channels ---------------------------------------------------------------------------------------- */

/* As the authors of PC-DARTS compute a node: every edge joins what its operations make of the first quarter with the other
 * channels and shuffles (a K × C/K matrix, transposed); the node is the sum of edges, each times its own weight. */
static void sum_edges(const supergraph *super, nas_reference *reference, const int *nodes,
                      double *sum)
{
    const nas_graph *graph = &super->graph;
    const double *gates = nas_reference_gates(reference, NULL);
    const nas_node *whole = &graph->nodes[nodes[0]];
    const int channels = whole->shape.c, part = graph->nodes[nodes[1]].shape.c;
    const int groups = channels / part;
    const size_t pixels = (size_t)whole->shape.h * (size_t)whole->shape.w * BATCH;
    const nas_node *around = &graph->nodes[nodes[2]];
    memset(sum, 0, (size_t)channels * pixels * sizeof *sum);
    for (int edge = 0; edge < around->input_count; edge++) {
        const int weight = super->sums[nodes[2]].gates[edge];
        const nas_gate_row *row = super->table.rows;
        while (row->around != weight)
            row++;
        double *joined = calloc((size_t)channels * pixels, sizeof *joined);
        for (int i = 0; i < super->sums[nodes[1]].count; i++) {
            const int gate = super->sums[nodes[1]].gates[i];
            const double *value = nas_reference_value(reference, graph->nodes[nodes[1]].inputs[i]);
            if (gate < row->first || gate >= row->first + row->choices)
                continue;
            for (size_t at = 0; at < (size_t)part * pixels; at++)
                joined[at] += gates[gate] / gates[weight] * value[at]; /* α without β */
        }
        memcpy(joined + (size_t)part * pixels, nas_reference_value(reference, around->inputs[edge]),
               (size_t)(channels - part) * pixels * sizeof *joined);
        for (int k = 0; k < groups; k++)
            for (int c = 0; c < part; c++)
                for (size_t at = 0; at < pixels; at++)
                    sum[(size_t)(c * groups + k) * pixels + at] +=
                        gates[weight] * joined[(size_t)(k * part + c) * pixels + at];
        free(joined);
    }
}

/* The two slices of a state are all of it, the first channels first. */
static void check_slices(const nas_graph *graph, nas_reference *reference, int first)
{
    const int state = graph->nodes[first].inputs[0];
    const nas_shape shapes[2] = {graph->nodes[first].shape, graph->nodes[first + 1].shape};
    const double *whole = nas_reference_value(reference, state);
    assert_int_equal(graph->nodes[first + 1].inputs[0], state);
    assert_int_equal(shapes[0].c + shapes[1].c, graph->nodes[state].shape.c);
    for (int i = 0; i < 2; i++) {
        const uint64_t count = nas_shape_count(shapes[i]) * BATCH;
        assert_memory_equal(nas_reference_value(reference, first + i), whole,
                            count * sizeof *whole);
        whole += count;
    }
}

/* Where an edge halves the size, what goes around it is the maximum of each 2×2; sides are even here. */
static void check_pooled(const nas_graph *graph, nas_reference *reference, int pool)
{
    const nas_shape out = graph->nodes[pool].shape;
    const double *in = nas_reference_value(reference, graph->nodes[pool].inputs[0]);
    const double *got = nas_reference_value(reference, pool);
    for (int row = 0; row < out.c * out.h; row++)
        for (int w = 0; w < out.w; w++)
            for (int n = 0; n < BATCH; n++) {
                double most = -INFINITY;
                for (int k = 0; k < 4; k++)
                    most =
                        fmax(most, in[((2 * row + k / 2) * 2 * out.w + 2 * w + k % 2) * BATCH + n]);
                assert_true(got[(row * out.w + w) * BATCH + n] == most);
            }
}

/* Slices, and what goes around edges of stride 2; returns how many of the latter. */
static int check_around(const supergraph *super, nas_reference *reference)
{
    const nas_graph *graph = &super->graph;
    int pooled = 0;
    for (int node = 1; node < graph->count; node++) {
        const int input = graph->nodes[node].inputs[0];
        if (is_op(graph, node, "slice") && !is_op(graph, node - 1, "slice"))
            check_slices(graph, reference, node);
        if (is_op(graph, node, "pool") && is_op(graph, input, "slice") &&
            is_op(graph, input - 1, "slice")) {
            check_pooled(graph, reference, node);
            pooled++;
        }
    }
    return pooled;
}

static void assert_partial(const char *space, const char *options, int partial, int nodes,
                           int pooled)
{
    const nas_net_options net = {.batch = BATCH, .training = true};
    supergraph super = supergraph_open(space, options, (nas_shape){2, 8, 8},
                                       (nas_supergraph_options){.partial = partial});
    nas_reference *reference;
    nas_test_ok(nas_reference_create(&super.graph, &net, &reference));
    double *gates = nas_reference_gates(reference, NULL);
    fill(gates, (uint64_t)super.table.gates, 3);
    fill_parameters(reference, super.graph.count);
    fill(nas_reference_input(reference), nas_shape_count(super.domain->input) * BATCH, 1);
    nas_reference_forward(reference, true, &step);
    for (int node = 1; node < super.graph.count; node++) {
        if (!is_op(&super.graph, node, "shuffle"))
            continue;
        const nas_node *join = &super.graph.nodes[super.graph.nodes[node].inputs[0]];
        const uint64_t count = nas_shape_count(join->shape) * BATCH;
        double *wanted = calloc(count, sizeof *wanted);
        sum_edges(&super, reference, (int[]){node, join->inputs[0], join->inputs[1]}, wanted);
        assert_near(nas_reference_value(reference, node), wanted, count);
        free(wanted);
        nodes--;
    }
    assert_int_equal(nodes, 0);
    assert_int_equal(check_around(&super, reference), pooled);
    nas_reference_destroy(reference);
    supergraph_close(&super);
}

static void test_partial(void **state)
{
    (void)state;
    assert_partial("cell", "{ cells = 4; channels = 8; }", 4, 4 * 4, 2 * 2);
    assert_partial("cell", "{ cells = 3; channels = 6; nodes = 2; }", 2, 3 * 2, 2 * 2);
    assert_partial("cell201", "{ cells = 1; channels = 6; }", 3, 3 * 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cell),       cmocka_unit_test(test_cell201),
        cmocka_unit_test(test_chain_skip), cmocka_unit_test(test_template),
        cmocka_unit_test(test_partial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
