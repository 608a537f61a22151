/* cell101.c - the cell of NAS-Bench-101: any graph of up to 7 vertices and 9 edges with an operation at every inner vertex.
 *
 * Ying et al. 2019 (arXiv 1902.09635) trained all 423,624 of them.  Unlike cell201 it is the wiring that is searched.
 *
 *     genes     for every inner vertex its operation (0 conv3x3-bn-relu, 1 conv1x1-bn-relu, 2 maxpool3x3) and one gene per earlier
 *               vertex, for the output only the latter: 1, an edge from there, 0, none.  The edge from the input counts
 *               the other way: 0 there is one, 1 there is none.
 *     network   conv3x3-bn-relu to `stem` channels, then `stacks` stacks of `cells` cells; before every stack but the first a 2×2
 *               maximum, and the channels double; global average; dense.
 *     cell      a vertex adds up what it reads: from the input through a 1×1 conv-bn-relu of its own, from a vertex with more
 *               channels only as many as it has.  The output joins the channels of what it reads and adds a projection of
 *               the input if it reads that.  How channels are shared out: cell101_graph.c.
 *
 * Canonical: vertices on no path from input to output are removed, the rest numbered so that isomorphic cells have equal
 * rows; they stand last, in front of the output.  An unused vertex in front of them has only zeros: it reads the input and
 * nobody reads it.  That is why the input's edges count the other way: one changed gene, an edge from an unused vertex,
 * brings it to life, so that moves can grow cells as well as shrink them.
 *
 * Invalid: no path from the input to the output; more than `edges` edges after removing.
 *
 * Departures: which of several inner vertices gets a channel more depends on their numbering, so a cell may have a few
 * parameters more or less than the isomorphic one that was published.  Batch norm has this project's momentum.  On an image
 * with an odd side the 2×2 windows start one pixel before it, TensorFlow's end one pixel behind. */
#include "cell101.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERTICES = NAS__CELL101_VERTICES, EDGES = NAS__CELL101_EDGES };
enum { CONV_3X3, CONV_1X1, MAX_POOL };

typedef nas__cell101_options cell101_options;
typedef nas__cell101_space cell101;

#define AT(field) offsetof(cell101_options, field)
static const nas_option options[] = {
    {"vertices", NAS_OPTION_INT, AT(vertices), "7", 3, VERTICES, NULL,
     "vertices of a cell at most, input and output among them"},
    {"edges", NAS_OPTION_INT, AT(edges), "9", 1, EDGES, NULL, "edges of a cell at most"},
    {"stem", NAS_OPTION_INT, AT(stem), "128", 8, 4096, NULL,
     "output channels of the first convolution and of the cells of the first stack"},
    {"stacks", NAS_OPTION_INT, AT(stacks), "3", 1, 8, NULL,
     "stacks of cells; between two the image is halved and the channels double"},
    {"cells", NAS_OPTION_INT, AT(cells), "3", 1, 16, NULL, "cells in a stack"},
    {0},
};
#undef AT

static nas_status cell101_begin(const void *instance, nas_shape input, int classes, void **state)
{
    const cell101_options *o = instance;
    cell101 *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for space cell101");
    *c = (cell101){.options = o, .input = input, .classes = classes, .vertices = (int)o->vertices};
    *state = c;
    return NAS_OK;
}

static void cell101_end(void *state)
{
    free(state);
}

/* ---- the row ----------------------------------------------------------------------------------------- */

/* Gene of a vertex's operation; its edges follow.  The output, which has none, starts with its edges. */
static int op_at(int vertex)
{
    return (vertex - 1) * (vertex + 2) / 2;
}

static int edge_at(const cell101 *c, int from, int to)
{
    return op_at(to) + (to < c->vertices - 1 ? 1 : 0) + from;
}

static int gene_count(const cell101 *c)
{
    return op_at(c->vertices - 1) + c->vertices - 1;
}

static int cell101_genes(const void *state, nas_gene *genes)
{
    const cell101 *c = state;
    for (int to = 1; to < c->vertices; to++) {
        if (to < c->vertices - 1)
            genes[op_at(to)] = (nas_gene){"op", NAS__CELL101_OPS, false, to};
        for (int from = 0; from < to; from++) {
            nas_gene *gene = &genes[edge_at(c, from, to)];
            *gene = (nas_gene){.choices = 2, .group = to};
            snprintf(gene->name, sizeof gene->name, from ? "edge from %d" : "no edge from %d",
                     from);
        }
    }
    return gene_count(c);
}

static nas__cell101 read_row(const cell101 *c, const nas_arch *arch)
{
    nas__cell101 cell = {.vertices = c->vertices};
    for (int to = 1; to < c->vertices; to++) {
        if (to < c->vertices - 1)
            cell.ops[to] = arch->genes[op_at(to)];
        for (int from = 0; from < to; from++)
            if (arch->genes[edge_at(c, from, to)] == (from > 0))
                cell.reads[to] |= (uint8_t)(1 << from);
    }
    return cell;
}

/* A pruned cell's vertices stand last. */
static void write_row(const cell101 *c, const nas__cell101 *cell, nas_arch *arch)
{
    const int unused = c->vertices - cell->vertices;
    *arch = (nas_arch){.count = (uint16_t)gene_count(c)};
    for (int to = 1; to < cell->vertices; to++) {
        if (to < cell->vertices - 1)
            arch->genes[op_at(to + unused)] = cell->ops[to];
        for (int from = 0; from < to; from++) {
            int there = nas__cell101_edge(cell, from, to);
            arch->genes[edge_at(c, from ? from + unused : 0, to + unused)] =
                (uint8_t)(from ? there : !there);
        }
    }
}

int nas__cell101_source(const cell101 *c, int gene, int *vertex)
{
    for (*vertex = 1; *vertex < c->vertices - 1 && op_at(*vertex + 1) <= gene;)
        ++*vertex;
    return gene - edge_at(c, 0, *vertex);
}

nas__cell101 nas__cell101_of(const cell101 *c, const nas_arch *arch)
{
    nas__cell101 cell = read_row(c, arch);
    if (nas__cell101_prune(&cell))
        nas__cell101_order(&cell);
    else
        cell = (nas__cell101){.vertices = 2};
    return cell;
}

static void cell101_canonical(const void *state, nas_arch *arch)
{
    const nas__cell101 cell = nas__cell101_of(state, arch);
    write_row(state, &cell, arch);
}

static nas_status cell101_valid(const void *state, const nas_arch *arch)
{
    const cell101 *c = state;
    const nas__cell101 cell = nas__cell101_of(c, arch);
    const int edges = nas__cell101_edges(&cell);
    if (edges == 0)
        NAS_FAIL(NAS_SHAPE, "no path leads from the cell's input to its output");
    if (edges > c->options->edges)
        NAS_FAIL(NAS_BOUND, "a cell with %d edges, but space.edges is %d", edges,
                 (int)c->options->edges);
    return NAS_OK;
}

/* Cells with so many vertices (rows: 2 … 7) and edges (columns: 1 … 9), up to isomorphism; tests count them. */
static const int counts[VERTICES - 1][EDGES] = {
    {1, 0, 0, 0, 0, 0, 0, 0, 0},
    {0, 3, 3, 0, 0, 0, 0, 0, 0},
    {0, 0, 9, 33, 33, 9, 0, 0, 0},
    {0, 0, 0, 27, 225, 622, 811, 558, 198},
    {0, 0, 0, 0, 81, 1260, 6909, 19701, 34059},
    {0, 0, 0, 0, 0, 243, 6264, 58563, 294012},
};

static double cell101_size(const void *state, bool *exact)
{
    const cell101 *c = state;
    double size = 0;
    for (int vertices = 2; vertices <= c->vertices; vertices++)
        for (int edges = 1; edges <= c->options->edges; edges++)
            size += counts[vertices - 2][edges - 1];
    *exact = true;
    return size;
}

static void cell101_key(const void *state, const nas_arch *arch, nas_text *text)
{
    const nas__cell101 cell = nas__cell101_of(state, arch);
    nas_text_format(text, "%016llx", (unsigned long long)nas__cell101_hash(&cell));
}

/* ---- graph ------------------------------------------------------------------------------------------- */

/* conv-bn-relu; `channels` 0: as many as there are. */
static nas_status layer(nas__build *build, nas__value *value, int kernel, int channels)
{
    return nas__build_layer(build, value,
                            (nas__convolution_part){.out = channels, .kernel = kernel}, 0);
}

/* The first channels of a value that has more than are wanted. */
static nas_status cut_off(nas__build *build, nas__value *value, int channels)
{
    if (value->shape.c == channels)
        return NAS_OK;
    return nas__cell_then(build, value, "slice", "count = %d", channels);
}

static nas_status add_vertex(nas__build *build, const nas__cell101 *cell, int vertex, int channels,
                             nas__value *values)
{
    nas__value summands[VERTICES], *sum = &values[vertex];
    int count = 0;
    for (int from = 0; from < vertex; from++) {
        if (!nas__cell101_edge(cell, from, vertex))
            continue;
        summands[count] = values[from];
        NAS_TRY(from == 0 ? layer(build, &summands[count], 1, channels)
                          : cut_off(build, &summands[count], channels));
        count++;
    }
    NAS_TRY(nas__build_join(build, summands, count, "add", sum));
    if (cell->ops[vertex] == MAX_POOL)
        return nas__build_pool(build, sum, "max", 3, 1);
    return layer(build, sum, cell->ops[vertex] == CONV_3X3 ? 3 : 1, channels);
}

static nas_status add_output(nas__build *build, const nas__cell101 *cell, int channels,
                             nas__value *values)
{
    nas__value joined[VERTICES], ways[2] = {values[0], values[0]};
    const int last = cell->vertices - 1;
    int count = 0;
    for (int from = 1; from < last; from++)
        if (nas__cell101_edge(cell, from, last))
            joined[count++] = values[from];
    if (count > 0)
        NAS_TRY(nas__build_join(build, joined, count, "concat", &ways[0]));
    if (nas__cell101_edge(cell, 0, last))
        NAS_TRY(layer(build, &ways[1], 1, channels));
    if (count > 0 && nas__cell101_edge(cell, 0, last))
        return nas__build_join(build, ways, 2, "add", &values[last]);
    values[last] = ways[count > 0 ? 0 : 1];
    return NAS_OK;
}

static nas_status add_cell(nas__build *build, const nas__cell101 *cell, int out, nas__value *value)
{
    nas__value values[VERTICES] = {*value};
    int channels[VERTICES];
    nas__cell101_channels(cell, value->shape.c, out, channels);
    for (int vertex = 1; vertex < cell->vertices - 1; vertex++)
        NAS_TRY(add_vertex(build, cell, vertex, channels[vertex], values));
    NAS_TRY(add_output(build, cell, out, values));
    *value = values[cell->vertices - 1];
    return NAS_OK;
}

static nas_status cell101_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                                 nas_sketch *sketch)
{
    const cell101 *c = state;
    const nas__cell101 cell = nas__cell101_of(c, arch);
    nas__build build = {.graph = graph, .input = c->input, .sketch = sketch};
    nas__value value;
    int channels = (int)c->options->stem;
    if (sketch)
        nas__cell101_sketch_cell(&cell, sketch);
    NAS_TRY(nas__build_begin(&build, &value));
    NAS_TRY(layer(&build, &value, 3, channels));
    nas__build_part(&build, -1, "stem: conv 3x3");
    for (int stack = 0; stack < c->options->stacks; stack++) {
        if (stack > 0) {
            NAS_TRY(nas__build_pool(&build, &value, "max", 2, 2));
            nas__build_part(&build, -1, "max_pool 2x2");
            channels *= 2;
        }
        for (int i = 0; i < c->options->cells; i++) {
            NAS_TRY(add_cell(&build, &cell, channels, &value));
            nas__build_part(&build, 0, "cell");
        }
    }
    return nas__build_head(&build, &value, 1, c->classes);
}

static nas_status cell101_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    return cell101_sketch(state, arch, graph, NULL);
}

/* ---- names --------------------------------------------------------------------------------------------- */

/* baseline: a residual block.  inception: the example of the benchmark's README, a block of Inception's with its 5×5 as two 3×3. */
static const struct {
    const char *name;
    nas__cell101 cell;
} cells[] = {
    {"baseline", {4, {0, 1, 2, 5}, {0, CONV_3X3, CONV_3X3}}},
    {"inception",
     {7,
      {0, 1, 1, 1, 8, 1, 2 + 4 + 16 + 32},
      {0, CONV_1X1, CONV_3X3, CONV_3X3, CONV_3X3, MAX_POOL}}},
};

static nas_status cell101_named(const void *state, const char *name, nas_arch *arch)
{
    const cell101 *c = state;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        const nas__cell101 *cell = &cells[i].cell;
        if (strcmp(cells[i].name, name) != 0)
            continue;
        if (cell->vertices > c->vertices || nas__cell101_edges(cell) > c->options->edges)
            NAS_FAIL(NAS_CONFIG, "space cell101: %s needs space.vertices = %d and space.edges = %d",
                     name, cell->vertices, nas__cell101_edges(cell));
        write_row(c, cell, arch);
    }
    return NAS_OK;
}

static const char *const names[] = {"baseline", "inception", NULL};

const nas_space nas__space_cell101 = {
    .kind = {.name = "cell101",
             .summary = "the NAS-Bench-101 cell: any graph of up to 7 vertices and 9 edges",
             .paper = "arXiv 1902.09635",
             .instance_size = sizeof(cell101_options),
             .options = options},
    .begin = cell101_begin,
    .end = cell101_end,
    .genes = cell101_genes,
    .canonical = cell101_canonical,
    .valid = cell101_valid,
    .build = cell101_build,
    .describe = nas__cell101_describe,
    .sketch = cell101_sketch,
    .describe_gene = nas__cell101_describe_gene,
    .describe_choice = nas__cell101_describe_choice,
    .size = cell101_size,
    .named = cell101_named,
    .names = names,
    .key = cell101_key,
};
