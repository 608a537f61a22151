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
 * Departure: drop_path is an operator of the graph, of which the trainer sets the probability.
 *
 * Read next: cell_supergraph.c, all cells in one network; cell_words.c; cell_auxiliary.c, a second classifier;
 * genotypes.c, published cells by name. */
#include "cell.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NORMAL = NAS__CELL_NORMAL, REDUCE = NAS__CELL_REDUCE, KINDS = NAS__CELL_KINDS };
enum { INPUT = NAS__CELL_GENE_INPUT, OP = NAS__CELL_GENE_OP, PAIR = NAS__CELL_PAIR };
enum { NODE_GENES = 2 * PAIR };
enum { STEM_PLAIN, STEM_STRIDED, STEM_IMAGENET };
enum { INPUTS_ANY, INPUTS_DISTINCT };
enum { CELLS_MAX = 64 };

typedef nas__cell_options cell_options;
typedef nas__cell_space cell_space;

#define AT(field) offsetof(cell_options, field)
static const nas_option options[] = {
    {"nodes", NAS_OPTION_INT, AT(nodes), "4", 1, NAS__CELL_NODES, NULL, "nodes of a cell"},
    {"op", NAS_OPTION_CHOICE_LIST, AT(op),
     "[\"max_pool_3x3\", \"avg_pool_3x3\", \"skip_connect\", \"sep_conv_3x3\", \"sep_conv_5x5\", "
     "\"dil_conv_3x3\", \"dil_conv_5x5\"]",
     0, 0, NAS__CELL_OPS, "operations to choose from"},
    {"inputs", NAS_OPTION_CHOICE, AT(inputs), "any", 0, 0, "any|distinct",
     "of a node: any two, or two different ones, as in DARTS' supernet (spos, fairnas, enas)"},
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
    {"auxiliary", NAS_OPTION_REAL, AT(auxiliary), "0", 0, 100, NULL,
     "weight of the loss of a second classifier behind cell 2/3 of the cells, in training alone; "
     "0: there is none (published: 0.4 in final trainings)"},
    {0},
};
#undef AT

const char *const nas__cell_kind_names[KINDS] = {"normal", "reduce"};

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

nas__cell_edge nas__cell_edge_of(const cell_space *s, const nas_arch *arch, int kind, int node,
                                 int pair)
{
    const uint8_t *genes = arch->genes + gene_at(s, kind, node, pair);
    return (nas__cell_edge){(int)s->options->op.item[genes[OP]], genes[INPUT]};
}

void nas__cell_put_edge(const cell_space *s, nas_arch *arch, int kind, int node, int pair,
                        int input, int choice)
{
    uint8_t *genes = arch->genes + gene_at(s, kind, node, pair);
    genes[INPUT] = (uint8_t)input;
    genes[OP] = (uint8_t)choice;
}

nas_arch nas__cell_blank(const cell_space *s)
{
    return (nas_arch){.count = (uint16_t)(KINDS * s->nodes * NODE_GENES)};
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
    return nas__cell_blank(s).count;
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

static nas_status cell_valid(const void *state, const nas_arch *arch)
{
    const cell_space *s = state;
    for (int kind = 0; kind < KINDS && s->options->inputs == INPUTS_DISTINCT; kind++)
        for (int node = 0; node < s->nodes && s->present[kind]; node++)
            if (nas__cell_edge_of(s, arch, kind, node, 0).input ==
                nas__cell_edge_of(s, arch, kind, node, 1).input)
                NAS_FAIL(NAS_SHAPE,
                         "node %d of the %s cell reads one input twice, and space.inputs = "
                         "\"distinct\"",
                         node, nas__cell_kind_names[kind]);
    return NAS_OK;
}

/* Unordered pairs of (input, op), for every node of every cell that is there. */
static double cell_size(const void *state, bool *exact)
{
    const cell_space *s = state;
    double size = 1;
    for (int kind = 0; kind < KINDS; kind++)
        for (int node = 0; node < s->nodes && s->present[kind]; node++) {
            const double inputs = node + 2, ops = s->options->op.count, choices = inputs * ops;
            size *= s->options->inputs == INPUTS_DISTINCT ? inputs * (inputs - 1) / 2 * ops * ops
                                                          : choices * (choices + 1) / 2;
        }
    *exact = true;
    return size;
}

/* ---- begin ------------------------------------------------------------------------------------------- */

static nas_status check(const cell_options *o)
{
    NAS_TRY(nas__check_choices("cell", "op", &o->op));
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

/* Both inputs with the cell's channels and the size of the younger one. */
static nas_status preprocess(nas__build *build, nas__cell_values *cell, const nas__value before[2],
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

/* Nodes whose channels the cell's output joins. */
static nas_status join_nodes(const cell_space *s, nas__build *build, const nas__cell_values *cell,
                             nas__value *output)
{
    nas__value joined[NAS__CELL_NODES];
    int count = 0;
    for (int node = 0; node < s->nodes; node++)
        if (s->options->output == NAS__CELL_OUTPUT_ALL || !cell->read[node + 2])
            joined[count++] = cell->value[node + 2];
    return nas__build_join(build, joined, count, "concat", output);
}

static nas_status add_cell(const cell_space *s, const nas__cell_content *content, nas__build *build,
                           int kind, int channels, const nas__value before[2], nas__value *output)
{
    nas__cell_values cell = {.kind = kind};
    content->reads(s, content->content, &cell);
    NAS_TRY(preprocess(build, &cell, before, channels));
    for (int node = 0; node < s->nodes; node++)
        NAS_TRY(content->node(s, content->content, build, &cell, node));
    return join_nodes(s, build, &cell, output);
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

nas_status nas__cell_network(const cell_space *s, const nas__cell_content *content,
                             nas_graph *graph)
{
    nas__build build = {.graph = graph, .input = s->input, .sketch = content->sketch};
    nas__value before[2], output;
    int channels = (int)s->options->channels, middle = 0;
    NAS_TRY(add_stem(s, &build, before));
    nas__build_part(&build, -1, "stem");
    build.norm = content->norm;
    for (int cell = 0; cell < s->options->cells; cell++) {
        int kind = is_reduction(s->options, cell) ? REDUCE : NORMAL;
        if (kind == REDUCE)
            channels *= 2;
        NAS_TRY(add_cell(s, content, &build, kind, channels, before, &output));
        nas__build_part(&build, nas__cell_sketch_place(s, kind), "%s", nas__cell_sketch_name(kind));
        before[0] = before[1];
        before[1] = output;
        if (cell == 2 * (int)s->options->cells / 3)
            middle = output.node;
    }
    NAS_TRY(nas__build_head(&build, &before[1], 1, s->classes));
    return content->auxiliary && s->options->auxiliary > 0 ? nas__cell_auxiliary(s, graph, middle)
                                                           : NAS_OK;
}

/* ---- the network of a row ------------------------------------------------------------------------------- */

int nas__cell_stride(int kind, int state)
{
    return kind == REDUCE && state < 2 ? 2 : 1;
}

static void find_reads(const cell_space *s, void *content, nas__cell_values *cell)
{
    for (int node = 0; node < s->nodes; node++)
        for (int pair = 0; pair < 2; pair++)
            cell->read[nas__cell_edge_of(s, content, cell->kind, node, pair).input] = true;
}

static nas_status add_edge(const cell_space *s, nas__build *build, const nas__cell_values *cell,
                           nas__cell_edge edge, nas__value *value)
{
    const int stride = nas__cell_stride(cell->kind, edge.input);
    *value = cell->value[edge.input];
    NAS_TRY(nas__cell_operation(build, value, edge.op, stride));
    if (!s->options->drop_path || (edge.op == NAS__CELL_SKIP && stride == 1))
        return NAS_OK;
    return nas__cell_then(build, value, "drop_path", "%s", "");
}

static nas_status add_node(const cell_space *s, void *content, nas__build *build,
                           nas__cell_values *cell, int node)
{
    nas__value sum[2];
    for (int pair = 0; pair < 2; pair++) {
        const nas__cell_edge edge = nas__cell_edge_of(s, content, cell->kind, node, pair);
        NAS_TRY(add_edge(s, build, cell, edge, &sum[pair]));
    }
    return nas__build_join(build, sum, 2, "add", &cell->value[node + 2]);
}

static nas_status cell_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                              nas_sketch *sketch)
{
    nas_arch row = *arch;
    const nas__cell_content content = {.reads = find_reads,
                                       .node = add_node,
                                       .content = &row,
                                       .auxiliary = true,
                                       .sketch = sketch};
    if (sketch)
        nas__cell_sketch_cells(state, arch, sketch);
    return nas__cell_network(state, &content, graph);
}

static nas_status cell_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    return cell_sketch(state, arch, graph, NULL);
}

/* ---- names --------------------------------------------------------------------------------------------- */

static nas_status find_choice(const cell_space *s, const char *name, nas__cell_edge edge,
                              int *found)
{
    int choice = nas__list_find(&s->options->op, edge.op);
    char op[32] = "";
    nas_choice_name(NAS__CELL_OPS, edge.op, op, sizeof op);
    if (choice < 0)
        NAS_FAIL(NAS_CONFIG, "space cell: %s needs %s among space.op", name, op);
    *found = choice;
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
                int choice = 0;
                NAS_TRY(find_choice(s, g->name, edges[pair], &choice));
                nas__cell_put_edge(s, arch, kind, node, pair, edges[pair].input, choice);
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
            for (int pair = 0; pair < 2; pair++)
                nas__cell_put_edge(s, arch, kind, node, pair, pair, choice < 0 ? 0 : choice);
    }
}

static nas_status cell_named(const void *state, const char *name, nas_arch *arch)
{
    const cell_space *s = state;
    nas_arch row = nas__cell_blank(s);
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
    .valid = cell_valid,
    .build = cell_build,
    .describe = nas__cell_describe,
    .sketch = cell_sketch,
    .describe_gene = nas__cell_describe_gene,
    .describe_choice = nas__cell_describe_choice,
    .size = cell_size,
    .named = cell_named,
    .names = names,
    .supergraph = nas__cell_supergraph,
    .derive = nas__cell_derive,
    .path = nas__cell_path,
};
