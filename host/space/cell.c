/* cell.c - the cell space of NASNet and DARTS: two small graphs are searched, a network stacks copies of them.
 *
 * NASNet (arXiv 1707.07012) searches a normal cell, which keeps the size, and a reduction cell, which halves it, instead of a
 * whole network; DARTS (1806.09055), AmoebaNet (1802.01548), ENAS (1802.03268) and PC-DARTS (1907.05737) share the space.  A cell
 * has two inputs, the outputs of the two cells before it, and `nodes` nodes in a row; a node is the sum of two operations, each
 * on an input or an earlier node.  The output joins the channels of all nodes, or (NASNet) of those that no node reads.
 *
 *     genes     per cell and node: input, op, input, op          (input 0, 1: the cells before; 2: the first node)
 *     network   stem → `cells` cells → global average pooling → dense; channels double in a reduction cell
 *     inputs    relu → 1×1 → batch_norm to the cell's channels; factorized reduction where the older input is larger
 *
 * In a reduction cell only what reads an input is strided.  Operations and their exact meaning: cells.c.  `none` is no choice
 * here: a cell that leaves an edge away is another cell, and one-shot methods that need it derive without it.
 *
 * Canonical: the two pairs of a node stand in order; a cell that the stack does not contain is 0.  Two cells whose nodes are
 * numbered differently count as two: their outputs' channels lie in another order.  An input that no node reads is not
 * preprocessed (the authors' code spends parameters on it).
 *
 * Departures: there is no auxiliary head; drop_path is an operator of the graph, of which the trainer sets the probability.
 *
 * Read next: genotypes.c, published cells by name. */
#include "cells.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NORMAL, REDUCE, KINDS };
enum { INPUT, OP, PAIR, NODE_GENES = 2 * PAIR };
enum { STEM_PLAIN, STEM_STRIDED, STEM_IMAGENET };
enum { CELLS_MAX = 64 };

typedef struct cell_options {
    int64_t nodes, cells, channels, stem_channels;
    nas_int_list op, reductions;
    int output, stem;
    bool drop_path;
} cell_options;

#define AT(field) offsetof(cell_options, field)
static const nas_option options[] = {
    {"nodes", NAS_OPTION_INT, AT(nodes), "4", 1, NAS__CELL_NODES, NULL, "nodes of a cell"},
    {"op", NAS_OPTION_CHOICE_LIST, AT(op),
     "[\"max_pool_3x3\", \"avg_pool_3x3\", \"skip_connect\", \"sep_conv_3x3\", \"sep_conv_5x5\", "
     "\"dil_conv_3x3\", \"dil_conv_5x5\"]",
     0, 0, NAS__CELL_OPS, "operations to choose from"},
    {"output", NAS_OPTION_CHOICE, AT(output), "all", 0, 0, "all|loose_ends",
     "nodes whose channels the output joins: all, or those that no node reads"},
    {"cells", NAS_OPTION_INT, AT(cells), "8", 1, CELLS_MAX, NULL, "cells in the network"},
    {"channels", NAS_OPTION_INT, AT(channels), "16", 2, 4096, NULL,
     "channels of a node in the first cells"},
    {"reductions", NAS_OPTION_INT_LIST, AT(reductions), "-1", -1, CELLS_MAX - 1, NULL,
     "which cells reduce, counted from 0; -1: at a third and at two thirds of the cells"},
    {"stem", NAS_OPTION_CHOICE, AT(stem), "plain", 0, 0, "plain|strided|imagenet",
     "3x3 convolution before the first cell; strided: that halves the image; imagenet: three that "
     "halve it"},
    {"stem_channels", NAS_OPTION_INT, AT(stem_channels), "0", 0, 16384, NULL,
     "output channels of a plain or strided stem; 0: three times `channels`"},
    {"drop_path", NAS_OPTION_BOOL, AT(drop_path), "false", 0, 0, NULL,
     "operations other than identities are dropped at random in training (train.drop_path)"},
    {0},
};
#undef AT

typedef struct cell_space {
    const cell_options *options;
    nas_shape input;
    int classes;
    int nodes;
    bool present[KINDS];
} cell_space;

static const char *const kind_names[KINDS] = {"normal", "reduce"};

static bool is_reduction(const cell_options *o, int cell)
{
    int cells = (int)o->cells;
    for (int i = 0; i < o->reductions.count; i++) {
        if (o->reductions.item[i] == cell)
            return true;
        if (o->reductions.item[i] == -1 && (cell == cells / 3 || cell == 2 * cells / 3))
            return true;
    }
    return false;
}

/* ---- the row --------------------------------------------------------------------------------------- */

static int gene_at(const cell_space *s, int kind, int node, int pair)
{
    return (kind * s->nodes + node) * NODE_GENES + pair * PAIR;
}

static nas__cell_edge edge_of(const cell_space *s, const nas_arch *arch, int kind, int node,
                              int pair)
{
    const uint8_t *genes = arch->genes + gene_at(s, kind, node, pair);
    return (nas__cell_edge){(int)s->options->op.item[genes[OP]], genes[INPUT]};
}

static int cell_genes(const void *state, nas_gene *genes)
{
    const cell_space *s = state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int node = 0; node < s->nodes; node++)
            for (int pair = 0; pair < 2; pair++) {
                nas_gene *gene = genes + gene_at(s, kind, node, pair);
                int group = kind * s->nodes + node;
                gene[INPUT] = (nas_gene){"input", node + 2, false, group};
                gene[OP] = (nas_gene){"op", s->options->op.count, false, group};
            }
    return KINDS * s->nodes * NODE_GENES;
}

static void cell_canonical(const void *state, nas_arch *arch)
{
    const cell_space *s = state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int node = 0; node < s->nodes; node++) {
            uint8_t *first = arch->genes + gene_at(s, kind, node, 0), *second = first + PAIR;
            if (!s->present[kind])
                memset(first, 0, NODE_GENES);
            uint8_t swap[PAIR];
            if (memcmp(first, second, PAIR) > 0) {
                memcpy(swap, first, PAIR);
                memcpy(first, second, PAIR);
                memcpy(second, swap, PAIR);
            }
        }
}

/* Unordered pairs of (input, op), for every node of every cell that is there. */
static double cell_size(const void *state, bool *exact)
{
    const cell_space *s = state;
    double size = 1;
    for (int kind = 0; kind < KINDS; kind++)
        for (int node = 0; node < s->nodes && s->present[kind]; node++) {
            double choices = (double)(node + 2) * s->options->op.count;
            size *= choices * (choices + 1) / 2;
        }
    *exact = true;
    return size;
}

/* ---- begin ------------------------------------------------------------------------------------------- */

static nas_status check(const cell_options *o)
{
    if (o->op.count < 1 || nas__list_has_double(&o->op))
        NAS_FAIL(NAS_CONFIG, "space cell: op needs at least one choice, and each only once");
    if (nas__list_has_double(&o->reductions))
        NAS_FAIL(NAS_CONFIG, "space cell: reductions names a cell twice");
    if (o->reductions.count > 0 && nas__list_max(&o->reductions) >= o->cells)
        NAS_FAIL(NAS_CONFIG, "space cell: reductions names cell %d, but there are cells 0 to %d",
                 (int)nas__list_max(&o->reductions), (int)o->cells - 1);
    return NAS_OK;
}

static nas_status cell_begin(const void *instance, nas_shape input, int classes, void **state)
{
    const cell_options *o = instance;
    NAS_TRY(check(o));
    cell_space *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for space cell");
    *s = (cell_space){.options = o, .input = input, .classes = classes, .nodes = (int)o->nodes};
    for (int cell = 0; cell < o->cells; cell++)
        s->present[is_reduction(o, cell) ? REDUCE : NORMAL] = true;
    *state = s;
    return NAS_OK;
}

static void cell_end(void *state)
{
    free(state);
}

/* ---- graph ------------------------------------------------------------------------------------------- */

/* One cell while it is built: the two inputs, preprocessed, then the nodes. */
typedef struct cell_values {
    int kind;
    bool read[NAS__CELL_NODES + 2];
    nas__value value[NAS__CELL_NODES + 2];
} cell_values;

static void find_reads(const cell_space *s, const nas_arch *arch, cell_values *cell)
{
    for (int node = 0; node < s->nodes; node++)
        for (int pair = 0; pair < 2; pair++)
            cell->read[edge_of(s, arch, cell->kind, node, pair).input] = true;
}

/* Both inputs with the cell's channels and the size of the younger one. */
static nas_status preprocess(nas__build *build, cell_values *cell, const nas__value before[2],
                             int channels)
{
    bool larger = before[0].shape.h != before[1].shape.h || before[0].shape.w != before[1].shape.w;
    for (int i = 0; i < 2; i++) {
        nas__convolution_part part = {.out = channels, .kernel = 1};
        cell->value[i] = before[i];
        if (!cell->read[i])
            continue;
        if (i == 0 && larger)
            NAS_TRY(nas__cell_factorized_reduce(build, &cell->value[i], channels));
        else
            NAS_TRY(nas__cell_convolution(build, &cell->value[i], part));
    }
    return NAS_OK;
}

static nas_status add_edge(const cell_space *s, nas__build *build, const cell_values *cell,
                           nas__cell_edge edge, nas__value *value)
{
    int stride = cell->kind == REDUCE && edge.input < 2 ? 2 : 1;
    *value = cell->value[edge.input];
    NAS_TRY(nas__cell_operation(build, value, edge.op, stride));
    if (!s->options->drop_path || (edge.op == NAS__CELL_SKIP && stride == 1))
        return NAS_OK;
    return nas__cell_then(build, value, "drop_path", "%s", "");
}

static nas_status add_cell(const cell_space *s, const nas_arch *arch, nas__build *build, int kind,
                           int channels, const nas__value before[2], nas__value *output)
{
    cell_values cell = {.kind = kind};
    nas__value joined[NAS__CELL_NODES];
    int count = 0;
    find_reads(s, arch, &cell);
    NAS_TRY(preprocess(build, &cell, before, channels));
    for (int node = 0; node < s->nodes; node++) {
        nas__value sum[2];
        for (int pair = 0; pair < 2; pair++)
            NAS_TRY(add_edge(s, build, &cell, edge_of(s, arch, kind, node, pair), &sum[pair]));
        NAS_TRY(nas__build_join(build, sum, 2, "add", &cell.value[node + 2]));
    }
    for (int node = 0; node < s->nodes; node++)
        if (s->options->output == 0 || !cell.read[node + 2])
            joined[count++] = cell.value[node + 2];
    return nas__build_join(build, joined, count, "concat", output);
}

/* `before` gets what the first cell's inputs are. */
static nas_status add_stem(const cell_space *s, nas__build *build, nas__value before[2])
{
    const cell_options *o = s->options;
    const int channels = (int)o->channels, stem = (int)o->stem_channels;
    nas__value *v = &before[0];
    nas__convolution_part part = {
        .out = stem ? stem : 3 * channels, .kernel = 3, .stride = o->stem == STEM_PLAIN ? 1 : 2};
    NAS_TRY(nas__build_begin(build, v));
    if (o->stem == STEM_IMAGENET) {
        part.out = channels / 2;
        NAS_TRY(nas__build_layer(build, v, part, 0));
        part.out = channels;
    }
    NAS_TRY(nas__build_convolution(build, v, part));
    NAS_TRY(nas__build_norm(build, v));
    before[1] = before[0];
    return o->stem == STEM_IMAGENET ? nas__cell_convolution(build, &before[1], part) : NAS_OK;
}

static nas_status cell_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    const cell_space *s = state;
    nas__build build = {.graph = graph, .input = s->input};
    nas__value before[2], output;
    int channels = (int)s->options->channels;
    NAS_TRY(add_stem(s, &build, before));
    for (int cell = 0; cell < s->options->cells; cell++) {
        int kind = is_reduction(s->options, cell) ? REDUCE : NORMAL;
        if (kind == REDUCE)
            channels *= 2;
        NAS_TRY(add_cell(s, arch, &build, kind, channels, before, &output));
        before[0] = before[1];
        before[1] = output;
    }
    return nas__build_head(&build, &before[1], 1, s->classes);
}

/* ---- text and names ------------------------------------------------------------------------------------ */

static void cell_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    const cell_space *s = state;
    for (int kind = 0; kind < KINDS; kind++) {
        if (!s->present[kind])
            continue;
        nas_text_format(text, "%s%s:", text->length ? "; " : "", kind_names[kind]);
        for (int node = 0; node < s->nodes; node++)
            for (int pair = 0; pair < 2; pair++) {
                nas__cell_edge edge = edge_of(s, arch, kind, node, pair);
                char op[32] = "";
                nas_choice_name(NAS__CELL_OPS, edge.op, op, sizeof op);
                nas_text_format(text, "%s%s(%d)", pair ? "+" : " ", op, edge.input);
            }
    }
}

static nas_status put_edge(const cell_space *s, const char *name, nas__cell_edge edge,
                           uint8_t *genes)
{
    int choice = nas__list_find(&s->options->op, edge.op);
    char op[32] = "";
    nas_choice_name(NAS__CELL_OPS, edge.op, op, sizeof op);
    if (choice < 0)
        NAS_FAIL(NAS_CONFIG, "space cell: %s needs %s among space.op", name, op);
    genes[INPUT] = (uint8_t)edge.input;
    genes[OP] = (uint8_t)choice;
    return NAS_OK;
}

static nas_status write_genotype(const cell_space *s, const nas__genotype *g, nas_arch *arch)
{
    if (g->nodes != s->nodes || g->loose_ends != (s->options->output == 1))
        NAS_FAIL(NAS_CONFIG, "space cell: %s needs space.nodes = %d and space.output = \"%s\"",
                 g->name, g->nodes, g->loose_ends ? "loose_ends" : "all");
    for (int kind = 0; kind < KINDS; kind++)
        for (int node = 0; node < s->nodes; node++)
            for (int pair = 0; pair < 2; pair++) {
                const nas__cell_edge *edges = kind == NORMAL ? g->normal[node] : g->reduce[node];
                NAS_TRY(
                    put_edge(s, g->name, edges[pair], arch->genes + gene_at(s, kind, node, pair)));
            }
    return NAS_OK;
}

/* Every node a separable convolution of each of the two inputs; in the reduction cell a pooling of them. */
static void write_baseline(const cell_space *s, nas_arch *arch)
{
    static const int wanted[KINDS] = {NAS__CELL_SEP_3X3, NAS__CELL_MAX_POOL};
    for (int kind = 0; kind < KINDS; kind++) {
        int choice = nas__list_find(&s->options->op, wanted[kind]);
        for (int node = 0; node < s->nodes; node++)
            for (int pair = 0; pair < 2; pair++) {
                uint8_t *genes = arch->genes + gene_at(s, kind, node, pair);
                genes[INPUT] = (uint8_t)pair;
                genes[OP] = (uint8_t)(choice < 0 ? 0 : choice);
            }
    }
}

static nas_status cell_named(const void *state, const char *name, nas_arch *arch)
{
    const cell_space *s = state;
    nas_arch row = {.count = (uint16_t)(KINDS * s->nodes * NODE_GENES)};
    const nas__genotype *g = nas__genotypes;
    while (g->name && strcmp(g->name, name) != 0)
        g++;
    if (g->name)
        NAS_TRY(write_genotype(s, g, &row));
    else
        write_baseline(s, &row);
    *arch = row;
    return NAS_OK;
}

static const char *const names[] = {"baseline",       "DARTS_V1",       "DARTS_V2",
                                    "PC_DARTS_cifar", "PC_DARTS_image", "PDARTS",
                                    "NASNet",         "AmoebaNet",      NULL};

const nas_space nas__space_cell = {
    .kind = {.name = "cell",
             .summary = "normal and reduction cells of NASNet and DARTS, stacked",
             .paper = "arXiv 1707.07012, 1806.09055",
             .instance_size = sizeof(cell_options),
             .options = options},
    .begin = cell_begin,
    .end = cell_end,
    .genes = cell_genes,
    .canonical = cell_canonical,
    .build = cell_build,
    .describe = cell_describe,
    .size = cell_size,
    .named = cell_named,
    .names = names,
};
