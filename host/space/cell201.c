/* cell201.c - the cell of NAS-Bench-201: four nodes, six edges, five operations, 15,625 rows.
 *
 * Every edge of the full graph on four nodes carries one operation; a node is the sum of its edges.  Small enough to train all
 * of it, which the benchmark did (Dong and Yang, arXiv 2001.00326), so that strategies can be judged exactly.
 *
 *     genes     the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3, each 0 none, 1 skip_connect, 2 nor_conv_1x1, 3 nor_conv_3x3,
 *               4 avg_pool_3x3.  The row's text, "333132", is the six-digit coding of published tables; the benchmark's own
 *               notation "|nor_conv_3x3~0|+|none~0|…|" is read as well, and is what `describe` gives.
 *     network   conv3×3 → batch_norm, then three stages of `cells` cells with `channels`, 2· and 4·channels; between them a
 *               residual block (two 3×3, stride 2; the shortcut is a 2×2 average and a 1×1); batch_norm → relu → global
 *               average → dense.  A convolution edge is relu → conv → batch_norm.
 *
 * Dead edges.  An edge is dead when no path from node 0 leads to it or none from it to node 3.  With dead = "zero" (the
 * default) the canonical form sets them to none: 9,445 rows are left, and the 341 without any path are one of them.  The
 * benchmark trains what it is told to: dead = "keep" makes every row its own and builds the dead edges too, so that parameters
 * and multiply-accumulates equal the published ones for all 15,625.  Use it with a published table.
 *
 * Zeros.  A `none` is left out of its node's sum.  A node without a summand is zeros; skips and poolings of zeros are zeros, and a
 * convolution of zeros gives what its batch norm makes of them.  Where zeros must really be there (the output of a cell
 * without a path, a convolution that is kept though dead) the operator `zero` writes them; such a network runs and answers
 * the same for every image, as the published one does.
 *
 * With `op` only some of the operations are choices, and a digit is the place in that list: three of them make a space of 729
 * cells that a desk can train whole (docs/benchmark729.md).  Inside this file a cell is its six operations, whatever the list.
 *
 * Equal networks that differ only in where a skip stands keep different rows, as in the benchmark.  `key` is its isomorphism string
 * (skips are transparent; zeros and duplicates stay in the sums): 6,466 classes. */
#include "cell201.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NONE = NAS__CELL201_NONE,
    SKIP = NAS__CELL201_SKIP,
    CONV_1X1 = NAS__CELL201_CONV_1X1,
    CONV_3X3 = NAS__CELL201_CONV_3X3,
    AVG_POOL = NAS__CELL201_AVG_POOL
};
enum { NODES = NAS__CELL201_NODES, EDGES = NAS__CELL201_EDGES, STAGES = 3 };
enum { DEAD_ZERO, DEAD_KEEP };

typedef nas__cell201_options cell201_options;
typedef nas__cell201 cell201;

#define AT(field) offsetof(cell201_options, field)
static const nas_option options[] = {
    {"cells", NAS_OPTION_INT, AT(cells), "5", 1, 32, NULL, "cells in each of the three stages"},
    {"channels", NAS_OPTION_INT, AT(channels), "16", 1, 1024, NULL,
     "channels of the first stage; they double with every stage"},
    {"op", NAS_OPTION_CHOICE_LIST, AT(op),
     "[\"none\", \"skip_connect\", \"nor_conv_1x1\", \"nor_conv_3x3\", \"avg_pool_3x3\"]", 0, 0,
     NAS__CELL201_OPS, "operations to choose from; none, where it is one of them, comes first"},
    {"dead", NAS_OPTION_CHOICE, AT(dead), "zero", 0, 0, "zero|keep",
     "edges that no path uses: set to none (9,445 cells), or kept and built as the benchmark did "
     "(15,625; both counts with all five operations)"},
    {0},
};
#undef AT

int nas__cell201_edge(int from, int to)
{
    return to * (to - 1) / 2 + from;
}

/* Dead edges become choice 0. */
static nas_status check(const cell201_options *o)
{
    NAS_TRY(nas__check_choices("cell201", "op", &o->op));
    if (nas__list_find(&o->op, NONE) > 0)
        NAS_FAIL(NAS_CONFIG, "space cell201: none comes first in op");
    return NAS_OK;
}

static nas_status cell201_begin(const void *instance, nas_shape input, int classes, void **state)
{
    NAS_TRY(check(instance));
    cell201 *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for space cell201");
    *c = (cell201){.options = instance, .input = input, .classes = classes};
    *state = c;
    return NAS_OK;
}

static void cell201_end(void *state)
{
    free(state);
}

/* One group, so that the text of a row is the tables' coding and a crossover may cut anywhere. */
static int cell201_genes(const void *state, nas_gene *genes)
{
    const cell201 *c = state;
    for (int to = 1; to < NODES; to++)
        for (int from = 0; from < to; from++) {
            nas_gene *gene = &genes[nas__cell201_edge(from, to)];
            *gene = (nas_gene){.choices = c->options->op.count};
            snprintf(gene->name, sizeof gene->name, "edge %d-%d", from, to);
        }
    return EDGES;
}

void nas__cell201_read(const cell201 *c, const nas_arch *arch, int ops[EDGES])
{
    for (int edge = 0; edge < EDGES; edge++)
        ops[edge] = (int)c->options->op.item[arch->genes[edge]];
}

nas_status nas__cell201_write(const cell201 *c, const int ops[EDGES], nas_arch *arch)
{
    nas_arch row = {.count = EDGES};
    for (int edge = 0; edge < EDGES; edge++) {
        const int choice = nas__list_find(&c->options->op, ops[edge]);
        char name[32] = "";
        nas_choice_name(NAS__CELL201_OPS, ops[edge], name, sizeof name);
        if (choice < 0)
            NAS_FAIL(NAS_CONFIG, "space cell201: this cell needs %s among space.op", name);
        row.genes[edge] = (uint8_t)choice;
    }
    *arch = row;
    return NAS_OK;
}

/* ---- canonical form --------------------------------------------------------------------------------- */

/* Nodes that a path from node 0 reaches. */
static void find_fed(const int *ops, bool fed[NODES])
{
    fed[0] = true;
    for (int to = 1; to < NODES; to++) {
        fed[to] = false;
        for (int from = 0; from < to; from++)
            fed[to] |= fed[from] && ops[nas__cell201_edge(from, to)] != NONE;
    }
}

/* Nodes from which a path leads to the last one. */
static void find_heard(const int *ops, bool heard[NODES])
{
    for (int from = NODES - 1; from >= 0; from--) {
        heard[from] = from == NODES - 1;
        for (int to = from + 1; to < NODES; to++)
            heard[from] |= heard[to] && ops[nas__cell201_edge(from, to)] != NONE;
    }
}

/* On no path from node 0 to the last one.  Such an edge is next to a node that is not fed or not heard. */
static void find_dead(const int *ops, bool dead[EDGES])
{
    bool fed[NODES], heard[NODES];
    find_fed(ops, fed);
    find_heard(ops, heard);
    for (int to = 1; to < NODES; to++)
        for (int from = 0; from < to; from++)
            dead[nas__cell201_edge(from, to)] = !fed[from] || !heard[to];
}

/* Without none among the choices nothing is dead. */
static void cell201_canonical(const void *state, nas_arch *arch)
{
    const cell201 *c = state;
    int ops[EDGES];
    bool dead[EDGES];
    if (c->options->dead == DEAD_KEEP)
        return;
    nas__cell201_read(c, arch, ops);
    find_dead(ops, dead);
    for (int edge = 0; edge < EDGES; edge++)
        if (dead[edge])
            arch->genes[edge] = 0;
}

/* Is the set of edges (a bit each) what is left of itself when dead edges are taken away? */
static bool is_alive(int edges)
{
    int ops[EDGES];
    bool dead[EDGES], alive = true;
    for (int edge = 0; edge < EDGES; edge++)
        ops[edge] = edges >> edge & 1 ? SKIP : NONE;
    find_dead(ops, dead);
    for (int edge = 0; edge < EDGES; edge++)
        alive &= !(dead[edge] && ops[edge] != NONE);
    return alive;
}

/* For each set of edges that may be there together, every operation but none on each of them. */
static double cell201_size(const void *state, bool *exact)
{
    const cell201_options *o = ((const cell201 *)state)->options;
    const int choices = (int)o->op.count;
    double size = 0;
    *exact = true;
    if (o->dead == DEAD_KEEP || o->op.item[0] != NONE)
        return pow(choices, EDGES);
    for (int edges = 0; edges < 1 << EDGES; edges++) {
        double rows = is_alive(edges) ? 1 : 0;
        for (int edge = 0; edge < EDGES; edge++)
            rows *= edges >> edge & 1 ? choices - 1 : 1;
        size += rows;
    }
    return size;
}

/* ---- graph ------------------------------------------------------------------------------------------- */

enum { ZEROS = -1 }; /* in place of a node: nothing is there yet, and it stands for zeros */

nas_status nas__cell201_operation(nas__build *build, nas__value *value, int op)
{
    switch (op) {
    case SKIP:
        return NAS_OK;
    case AVG_POOL:
        return nas__build_pool(build, value, "average", 3, 1);
    default:
        return nas__cell_convolution(build, value,
                                     (nas__convolution_part){.kernel = op == CONV_1X1 ? 1 : 3});
    }
}

/* Real zeros for an operator that has to read them. */
static nas_status need_zeros(nas__build *build, const nas__value *input, nas__value *value)
{
    if (value->node != ZEROS)
        return NAS_OK;
    *value = *input;
    return nas__cell_then(build, value, "zero", "%s", "");
}

static nas_status add_node(nas__build *build, const int *ops, int to, nas__value *values)
{
    nas__value summands[NODES];
    int count = 0;
    for (int from = 0; from < to; from++) {
        const int op = ops[nas__cell201_edge(from, to)];
        nas__value value = values[from];
        if (op == NONE || (value.node == ZEROS && op != CONV_1X1 && op != CONV_3X3))
            continue;
        NAS_TRY(need_zeros(build, &values[0], &value));
        NAS_TRY(nas__cell201_operation(build, &value, op));
        summands[count++] = value;
    }
    values[to] = (nas__value){ZEROS, values[0].shape};
    return count ? nas__build_join(build, summands, count, "add", &values[to]) : NAS_OK;
}

static nas_status add_cell(const cell201 *c, const void *content, nas__build *build,
                           nas__value *value)
{
    const int *ops = content;
    (void)c;
    nas__value values[NODES] = {*value};
    for (int to = 1; to < NODES; to++)
        NAS_TRY(add_node(build, ops, to, values));
    *value = values[NODES - 1];
    return need_zeros(build, &values[0], value);
}

/* relu → 3×3, stride 2 → norm → relu → 3×3 → norm, plus a 1×1 of the 2×2 average. */
static nas_status add_reduction(nas__build *build, int channels, nas__value *value)
{
    nas__value ways[2] = {*value, *value};
    NAS_TRY(nas__cell_convolution(
        build, &ways[0], (nas__convolution_part){.out = channels, .kernel = 3, .stride = 2}));
    NAS_TRY(nas__cell_convolution(build, &ways[0], (nas__convolution_part){.kernel = 3}));
    NAS_TRY(nas__build_pool(build, &ways[1], "average", 2, 2));
    NAS_TRY(nas__build_convolution(build, &ways[1],
                                   (nas__convolution_part){.out = channels, .kernel = 1}));
    return nas__build_join(build, ways, 2, "add", value);
}

nas_status nas__cell201_network(const cell201 *c, const nas__cell201_content *content,
                                nas_graph *graph)
{
    nas__build build = {.graph = graph, .input = c->input, .sketch = content->sketch};
    nas__value value;
    int channels = (int)c->options->channels;
    NAS_TRY(nas__build_begin(&build, &value));
    NAS_TRY(nas__build_convolution(&build, &value,
                                   (nas__convolution_part){.out = channels, .kernel = 3}));
    NAS_TRY(nas__build_norm(&build, &value));
    nas__build_part(&build, -1, "stem: conv 3x3");
    for (int stage = 0; stage < STAGES; stage++) {
        if (stage > 0)
            NAS_TRY(add_reduction(&build, channels *= 2, &value));
        nas__build_part(&build, -1, "residual, stride 2");
        build.norm = content->norm;
        for (int cell = 0; cell < c->options->cells; cell++) {
            NAS_TRY(content->cell(c, content->content, &build, &value));
            nas__build_part(&build, 0, "cell");
        }
        build.norm = NULL;
    }
    NAS_TRY(nas__build_norm(&build, &value));
    NAS_TRY(nas__build_activation(&build, &value, 0));
    return nas__build_head(&build, &value, 1, c->classes);
}

static nas_status cell201_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                                 nas_sketch *sketch)
{
    int ops[EDGES];
    nas__cell201_read(state, arch, ops);
    if (sketch)
        nas__cell201_sketch_cell(ops, sketch);
    const nas__cell201_content content = {.cell = add_cell, .content = ops, .sketch = sketch};
    return nas__cell201_network(state, &content, graph);
}

static nas_status cell201_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    return cell201_sketch(state, arch, graph, NULL);
}

/* ---- the benchmark's isomorphism string ------------------------------------------------------------------- */

enum { KEY_SIZE = 512 }; /* six convolutions take 112 characters */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void key_of_node(const int *ops, int to, char keys[NODES][KEY_SIZE])
{
    char summands[NODES][KEY_SIZE], op[32] = "";
    for (int from = 0; from < to; from++) {
        const int choice = ops[nas__cell201_edge(from, to)];
        nas_choice_name(NAS__CELL201_OPS, choice, op, sizeof op);
        if (choice == NONE || strcmp(keys[from], "#") == 0)
            strcpy(summands[from], "#");
        else if (choice == SKIP)
            strcpy(summands[from], keys[from]);
        else
            snprintf(summands[from], KEY_SIZE, "(%.400s)@%s", keys[from], op);
    }
    qsort(summands, (size_t)to, KEY_SIZE, compare_texts);
    keys[to][0] = '\0';
    for (int from = 0, length = 0; from < to; from++)
        length += snprintf(keys[to] + length, (size_t)(KEY_SIZE - length), "%s%.150s",
                           from ? "+" : "", summands[from]);
}

static void cell201_key(const void *state, const nas_arch *arch, nas_text *text)
{
    char keys[NODES][KEY_SIZE] = {"0"};
    int ops[EDGES];
    nas__cell201_read(state, arch, ops);
    for (int to = 1; to < NODES; to++)
        key_of_node(ops, to, keys);
    nas_text_add(text, keys[NODES - 1]);
}

/* ---- paths ------------------------------------------------------------------------------------------------ */

/* Four ways lead from node 0 to node 3; each sets the bit of its choices, also where one of them is none: of n choices n bits
 * for 0-3, n² for the ways over one node, n³ for the longest.  The first 30 of 155 are what BANANAS keeps. */
static int cell201_path_count(const void *state)
{
    const int n = (int)((const cell201 *)state)->options->op.count;
    return n + n * n + n * n * n;
}

static void cell201_paths(const void *state, const nas_arch *arch, float *features)
{
    const int n = (int)((const cell201 *)state)->options->op.count;
    const uint8_t *g = arch->genes;
    const int over_1 = g[nas__cell201_edge(0, 1)] + n * g[nas__cell201_edge(1, 3)];
    const int over_2 = g[nas__cell201_edge(0, 2)] + n * g[nas__cell201_edge(2, 3)];
    const int over_both = g[nas__cell201_edge(0, 1)] +
                          n * (g[nas__cell201_edge(1, 2)] + n * g[nas__cell201_edge(2, 3)]);
    memset(features, 0, (size_t)cell201_path_count(state) * sizeof *features);
    features[g[nas__cell201_edge(0, 3)]] = 1;
    features[n + over_1] = features[n + over_2] = 1;
    features[n + n * n + over_both] = 1;
}

/* ---- names ------------------------------------------------------------------------------------------------ */

/* resnet is the cell with which the benchmark compares: a residual block of two 3×3. */
static const struct {
    const char *name;
    int ops[EDGES];
} cells[] = {
    {"baseline", {CONV_3X3, NONE, CONV_3X3, SKIP, NONE, SKIP}},
    {"resnet", {CONV_3X3, NONE, CONV_3X3, SKIP, NONE, SKIP}},
    {"all_conv_3x3", {CONV_3X3, CONV_3X3, CONV_3X3, CONV_3X3, CONV_3X3, CONV_3X3}},
    {"all_skip", {SKIP, SKIP, SKIP, SKIP, SKIP, SKIP}},
};

static nas_status cell201_named(const void *state, const char *name, nas_arch *arch)
{
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (strcmp(cells[i].name, name) == 0)
            return nas__cell201_write(state, cells[i].ops, arch);
    NAS_FAIL(NAS_CONFIG, "space cell201: no cell is called %s", name);
}

static const char *const names[] = {"baseline", "resnet", "all_conv_3x3", "all_skip", NULL};

const nas_space nas__space_cell201 = {
    .kind = {.name = "cell201",
             .summary = "the NAS-Bench-201 cell: 4 nodes, 6 edges, 5 operations",
             .paper = "arXiv 2001.00326",
             .instance_size = sizeof(cell201_options),
             .options = options},
    .begin = cell201_begin,
    .end = cell201_end,
    .genes = cell201_genes,
    .canonical = cell201_canonical,
    .build = cell201_build,
    .describe = nas__cell201_describe,
    .sketch = cell201_sketch,
    .describe_choice = nas__cell201_describe_choice,
    .size = cell201_size,
    .named = cell201_named,
    .names = names,
    .parse = nas__cell201_parse,
    .key = cell201_key,
    .path_count = cell201_path_count,
    .paths = cell201_paths,
    .supergraph = nas__cell201_supergraph,
    .derive = nas__cell201_derive,
    .path = nas__cell201_path,
};
