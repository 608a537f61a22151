/* blocks.c - from a graph of operators to the blocks that a picture shows.
 *
 * A network of twenty layers is a graph of a hundred nodes, for a batch norm and an activation are nodes of their own.  What a
 * reader wants to see is what somebody would draw on a board.  Three steps:
 *
 *     group     where the space has a sketch, its parts are the blocks.  Any other graph is grouped by one rule: what only says how a
 *               value is read (norm, activation, dropout) belongs to what computes it, where nobody else reads that; and
 *               what stands in front (relu → conv, as cells have it) belongs to what reads it
 *     take together   when there are more than NAS__BLOCKS_DETAILED: everything between two places that few lines pass
 *               becomes one block, so a residual unit is one, or a cell
 *     leave out   when there are still more than NAS__BLOCKS_DRAWN: the middle becomes one block that says so
 *
 * Every node stays in exactly one block, so parameters and multiply-accumulates add up to those of the graph.
 *
 * Next: diagram.c. */
#include "blocks.h"
#include "drawing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words of a node -------------------------------------------------------------------------------------- */

static void add_stride(const nas_layer *layer, nas_text *text)
{
    if (layer->stride[0] == layer->stride[1] && layer->stride[0] > 1)
        nas_text_format(text, ", stride %d", layer->stride[0]);
    else if (layer->stride[0] > 1 || layer->stride[1] > 1)
        nas_text_format(text, ", stride %dx%d", layer->stride[0], layer->stride[1]);
}

static void convolution_words(const nas_layer *layer, nas_shape in, nas_text *text)
{
    const bool depthwise = layer->groups > 1 && layer->groups == in.c;
    nas_text_format(text, "%s %dx%d", depthwise ? "depthwise" : "conv", layer->kernel[0],
                    layer->kernel[1]);
    add_stride(layer, text);
    if (layer->dilation > 1)
        nas_text_format(text, ", dilation %d", layer->dilation);
    if (layer->groups > 1 && !depthwise)
        nas_text_format(text, ", %d groups", layer->groups);
}

static void layer_words(const nas_layer *layer, const nas_node *node, nas_shape in, nas_text *text)
{
    switch (layer->kind) {
    case NAS_LAYER_CONVOLUTION:
        convolution_words(layer, in, text);
        break;
    case NAS_LAYER_MAX_POOL:
    case NAS_LAYER_AVERAGE_POOL:
        nas_text_format(text, "%s %dx%d",
                        layer->kind == NAS_LAYER_MAX_POOL ? "max_pool" : "avg_pool",
                        layer->kernel[0], layer->kernel[1]);
        add_stride(layer, text);
        break;
    case NAS_LAYER_GLOBAL_AVERAGE:
        nas_text_add(text, "global average");
        break;
    case NAS_LAYER_ACTIVATION:
        nas_text_add(text, nas_activation_name(layer->activation));
        break;
    case NAS_LAYER_FUNCTION:
        nas_text_add(text, nas_function_name(layer->function));
        break;
    case NAS_LAYER_ADD:
        nas_text_format(text, "add %d", node->input_count);
        break;
    case NAS_LAYER_CONCAT:
        nas_text_format(text, "concat %d", node->input_count);
        break;
    default:
        nas_text_add(text, node->op->kind.name);
    }
}

void nas__node_words(const nas_graph *graph, int node, nas_text *text)
{
    const nas_node *n = &graph->nodes[node];
    nas_shape in[NAS_OP_INPUTS];
    nas_layer layer = {0};
    if (!n->op) {
        nas_text_add(text, "input");
        return;
    }
    nas_node_shapes(graph, node, in);
    if (n->op->layer && n->op->layer(n->options.bytes, in, &layer) == NAS_OK)
        layer_words(&layer, n, in[0], text);
    else
        nas_text_add(text, n->op->kind.name);
}

/* ---- grouping ------------------------------------------------------------------------------------------------ */

/* Does the node only say how a value is read? */
static bool is_view(const nas_graph *graph, int node)
{
    const nas_node *n = &graph->nodes[node];
    nas_shape in[NAS_OP_INPUTS];
    nas_layer layer = {0};
    if (!n->op || n->input_count != 1)
        return false;
    nas_node_shapes(graph, node, in);
    if (n->op->layer && n->op->layer(n->options.bytes, in, &layer) == NAS_OK)
        return layer.kind == NAS_LAYER_NORM || layer.kind == NAS_LAYER_ACTIVATION ||
               layer.kind == NAS_LAYER_FUNCTION || layer.kind == NAS_LAYER_IDENTITY;
    return n->op->view != NAS_VIEW_NONE && n->op->view != NAS_VIEW_LOSS;
}

/* Nodes that read each node, up to the output. */
static void count_readers(const nas_graph *graph, int *readers)
{
    memset(readers, 0, (size_t)(graph->output + 1) * sizeof *readers);
    for (int i = 1; i <= graph->output; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            readers[graph->nodes[i].inputs[k]]++;
}

/* What computes in a block: its first node that is no view, and else its first. */
static void group(const nas_graph *graph, const int *readers, int *of_node, int *main_node,
                  int *count)
{
    *count = 0;
    for (int i = 0; i <= graph->output; i++) {
        const nas_node *n = &graph->nodes[i];
        const int before = n->input_count == 1 ? n->inputs[0] : -1;
        const int block = before > 0 && readers[before] == 1 ? of_node[before] : -1;
        const bool view = is_view(graph, i);
        const bool open = block >= 0 && is_view(graph, main_node[block]);
        if (block >= 0 && (view || open)) {
            of_node[i] = block;
            if (open && !view)
                main_node[block] = i;
            continue;
        }
        of_node[i] = *count;
        main_node[(*count)++] = i;
    }
}

/* "conv 3x3, stride 2, relu": what computes, and the activation behind it. */
static nas_status title_of(const nas_graph *graph, const int *of_node, int main_node,
                           nas__block *block)
{
    nas_text text = {0};
    nas__node_words(graph, main_node, &text);
    for (int i = main_node + 1; i <= block->last; i++) {
        nas_shape in[NAS_OP_INPUTS];
        nas_layer layer = {0};
        const nas_node *n = &graph->nodes[i];
        if (of_node[i] != of_node[main_node] || !n->op->layer)
            continue;
        nas_node_shapes(graph, i, in);
        if (n->op->layer(n->options.bytes, in, &layer) == NAS_OK &&
            layer.kind == NAS_LAYER_ACTIVATION)
            nas_text_format(&text, ", %s", nas_activation_name(layer.activation));
    }
    const nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        nas__text_fit(block->title, sizeof block->title, text.data);
    nas_text_clear(&text);
    return status;
}

static nas_status group_by_rule(const nas_graph *graph, int *scratch, nas__blocks *blocks)
{
    int *readers = scratch, *main_node = scratch + graph->output + 1;
    count_readers(graph, readers);
    group(graph, readers, blocks->of_node, main_node, &blocks->count);
    for (int b = 0; b < blocks->count; b++)
        blocks->items[b] = (nas__block){.cell = -1, .count = 1};
    for (int i = 0; i <= graph->output; i++)
        blocks->items[blocks->of_node[i]].last = i;
    for (int b = 0; b < blocks->count; b++)
        NAS_TRY(title_of(graph, blocks->of_node, main_node[b], &blocks->items[b]));
    return NAS_OK;
}

static void group_by_sketch(const nas_graph *graph, const nas_sketch *sketch, nas__blocks *blocks)
{
    blocks->count = sketch->part_count;
    for (int b = 0, node = 0; b < sketch->part_count; b++) {
        const nas_sketch_part *part = &sketch->parts[b];
        blocks->items[b] = (nas__block){.cell = part->cell, .count = 1, .last = part->last};
        nas__text_fit(blocks->items[b].title, sizeof blocks->items[b].title, part->name);
        for (; node <= part->last && node <= graph->output; node++)
            blocks->of_node[node] = b;
    }
}

/* ---- what blocks are made of ------------------------------------------------------------------------------------ */

static void add_costs(const nas_graph *graph, nas__blocks *blocks)
{
    for (int i = 0; i <= graph->output; i++) {
        nas__block *block = &blocks->items[blocks->of_node[i]];
        nas_cost cost = {0};
        if (i > 0)
            nas_node_cost(graph, i, &cost);
        block->cost.parameters += cost.parameters;
        block->cost.macs += cost.macs;
        block->cost.bytes += cost.bytes;
        block->shape = graph->nodes[i].shape;
        block->nodes++;
    }
}

static int compare_edges(const void *a, const void *b)
{
    const nas__block_edge *x = a, *y = b;
    return x->to != y->to ? x->to - y->to : x->from - y->from;
}

/* Sorted, each once, none from a block to itself. */
static void tidy_edges(nas__blocks *blocks)
{
    int kept = 0;
    qsort(blocks->edges, (size_t)blocks->edge_count, sizeof *blocks->edges, compare_edges);
    for (int e = 0; e < blocks->edge_count; e++) {
        const nas__block_edge *edge = &blocks->edges[e];
        if (edge->from == edge->to ||
            (kept > 0 && compare_edges(edge, &blocks->edges[kept - 1]) == 0))
            continue;
        blocks->edges[kept++] = *edge;
    }
    blocks->edge_count = kept;
}

static void find_edges(const nas_graph *graph, nas__blocks *blocks)
{
    for (int i = 1; i <= graph->output; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            blocks->edges[blocks->edge_count++] =
                (nas__block_edge){blocks->of_node[graph->nodes[i].inputs[k]], blocks->of_node[i]};
    tidy_edges(blocks);
}

/* ---- fewer blocks ------------------------------------------------------------------------------------------------- */

/* Blocks get the numbers in `becomes` (not decreasing); titles of merged ones are the first's. */
static void renumber(nas__blocks *blocks, const int *becomes)
{
    int count = 0;
    for (int b = 0; b < blocks->count; b++) {
        nas__block *from = &blocks->items[b], *to = &blocks->items[becomes[b]];
        if (becomes[b] == count) {
            const nas__block kept = *from;
            *to = kept;
            count++;
            continue;
        }
        to->cost.parameters += from->cost.parameters;
        to->cost.macs += from->cost.macs;
        to->cost.bytes += from->cost.bytes;
        to->nodes += from->nodes;
        to->count += from->count;
        to->shape = from->shape;
        to->last = from->last;
    }
    for (int i = 0; i < blocks->node_count; i++)
        blocks->of_node[i] = becomes[blocks->of_node[i]];
    for (int e = 0; e < blocks->edge_count; e++) {
        blocks->edges[e].from = becomes[blocks->edges[e].from];
        blocks->edges[e].to = becomes[blocks->edges[e].to];
    }
    blocks->count = count;
    tidy_edges(blocks);
}

static bool is_copy(const nas__block *a, const nas__block *b)
{
    return a->cell >= 0 && a->cell == b->cell && strcmp(a->title, b->title) == 0;
}

void nas__blocks_fold_cells(nas__blocks *blocks)
{
    int becomes[NAS_SKETCH_PARTS];
    if (blocks->count > NAS_SKETCH_PARTS)
        return;
    for (int b = 0, next = 0; b < blocks->count; b++) {
        if (b == 0 || !is_copy(&blocks->items[b - 1], &blocks->items[b]))
            next++;
        becomes[b] = next - 1;
    }
    renumber(blocks, becomes);
}

/* The heaviest block's title stands for all that are taken together, "conv 3x3 and 2 more". */
static void title_together(const nas__blocks *blocks, int first, int last, char *title, size_t size)
{
    int heaviest = first;
    for (int b = first; b <= last; b++)
        if (blocks->items[b].cost.macs > blocks->items[heaviest].cost.macs)
            heaviest = b;
    char name[52];
    nas__text_fit(name, sizeof name, blocks->items[heaviest].title);
    if (first == last)
        nas__text_fit(title, size, blocks->items[first].title);
    else
        snprintf(title, size, "%s and %d more", name, last - first);
}

/* From how many blocks lines lead over the place behind each block: how many values are still wanted there. */
static void count_values(const nas__blocks *blocks, int *values)
{
    memset(values, 0, (size_t)blocks->count * sizeof *values);
    for (int b = 0; b < blocks->count; b++) {
        int last = b;
        for (int e = 0; e < blocks->edge_count; e++)
            if (blocks->edges[e].from == b && blocks->edges[e].to > last)
                last = blocks->edges[e].to;
        for (int i = b; i < last; i++)
            values[i]++;
    }
}

/* Cuts behind every block where at most so many values are wanted; returns the size of the largest piece. */
static int cut(const nas__blocks *blocks, const int *values, int most, int *becomes)
{
    int largest = 0;
    for (int b = 0, first = 0, next = 0; b < blocks->count; b++) {
        becomes[b] = next;
        if (values[b] > most && b + 1 < blocks->count)
            continue;
        largest = b + 1 - first > largest ? b + 1 - first : largest;
        first = b + 1;
        next++;
    }
    return largest;
}

static void title_pieces(nas__blocks *blocks, const int *becomes)
{
    for (int first = 0, b = 0; b < blocks->count; b++) {
        if (b + 1 < blocks->count && becomes[b + 1] == becomes[b])
            continue;
        char title[sizeof blocks->items[0].title];
        title_together(blocks, first, b, title, sizeof title);
        memcpy(blocks->items[first].title, title, sizeof title);
        first = b + 1;
    }
}

/* Where a single value goes on (a chain of residual units); where two do (cells that read the two before them); three.  The first of
 * these that leaves no piece of more than a sixth of the network. */
static nas_status take_together(nas__blocks *blocks)
{
    int *values = calloc((size_t)blocks->count + 1, sizeof *values);
    int *becomes = calloc((size_t)blocks->count + 1, sizeof *becomes);
    if (!values || !becomes) {
        free(values);
        free(becomes);
        NAS_FAIL(NAS_MEMORY, "no memory to draw %d blocks", blocks->count);
    }
    count_values(blocks, values);
    for (int most = 1; most <= 3; most++)
        if (cut(blocks, values, most, becomes) <= blocks->count / 6)
            break;
    title_pieces(blocks, becomes);
    blocks->taken_together = becomes[blocks->count - 1] + 1 < blocks->count;
    renumber(blocks, becomes);
    for (int b = 0; b < blocks->count; b++)
        blocks->items[b].count = 1;
    free(values);
    free(becomes);
    return NAS_OK;
}

static nas_status leave_out(nas__blocks *blocks)
{
    const int before = NAS__BLOCKS_DRAWN * 2 / 3, behind = NAS__BLOCKS_DRAWN - before - 1;
    const int out = blocks->count - before - behind;
    int *becomes = calloc((size_t)blocks->count, sizeof *becomes);
    if (!becomes)
        NAS_FAIL(NAS_MEMORY, "no memory to draw %d blocks", blocks->count);
    for (int b = 0; b < blocks->count; b++)
        becomes[b] = b < before ? b : b < before + out ? before : b - out + 1;
    snprintf(blocks->items[before].title, sizeof blocks->items[0].title, "%d more blocks", out);
    renumber(blocks, becomes);
    blocks->items[before].count = 1;
    blocks->left_out = out;
    free(becomes);
    return NAS_OK;
}

/* ---- whole ------------------------------------------------------------------------------------------------------------ */

static nas_status allocate(const nas_graph *graph, nas__blocks *blocks, int **scratch)
{
    const size_t nodes = (size_t)graph->output + 1;
    size_t edges = 1;
    for (int i = 1; i <= graph->output; i++)
        edges += (size_t)graph->nodes[i].input_count;
    const size_t items = nodes > NAS_SKETCH_PARTS ? nodes : NAS_SKETCH_PARTS;
    blocks->items = calloc(items, sizeof *blocks->items);
    blocks->edges = calloc(edges, sizeof *blocks->edges);
    blocks->of_node = calloc(nodes, sizeof *blocks->of_node);
    *scratch = calloc(2 * nodes, sizeof **scratch);
    if (!blocks->items || !blocks->edges || !blocks->of_node || !*scratch)
        NAS_FAIL(NAS_MEMORY, "no memory to draw a graph of %d nodes", graph->count);
    blocks->node_count = graph->output + 1;
    return NAS_OK;
}

nas_status nas__blocks_make(const nas_graph *graph, const nas_sketch *sketch, nas__blocks *blocks)
{
    nas_status status = NAS_OK;
    nas__blocks made = {0};
    int *scratch = NULL;
    NAS_TRY_DONE(allocate(graph, &made, &scratch));
    if (sketch && sketch->part_count > 0)
        group_by_sketch(graph, sketch, &made);
    else
        NAS_TRY_DONE(group_by_rule(graph, scratch, &made));
    add_costs(graph, &made);
    find_edges(graph, &made);
    if (sketch && sketch->cell_count > 0)
        nas__blocks_fold_cells(&made);
    const bool named =
        sketch && sketch->part_count > 0; /* each is already as large as people like */
    if (made.count > (named ? NAS__BLOCKS_DRAWN : NAS__BLOCKS_DETAILED))
        NAS_TRY_DONE(take_together(&made));
    if (made.count > NAS__BLOCKS_DRAWN)
        NAS_TRY_DONE(leave_out(&made));
    *blocks = made;
    made = (nas__blocks){0};
done:
    free(scratch);
    nas__blocks_clear(&made);
    return status;
}

void nas__blocks_clear(nas__blocks *blocks)
{
    free(blocks->items);
    free(blocks->edges);
    free(blocks->of_node);
    *blocks = (nas__blocks){0};
}

bool nas__blocks_in_a_row(const nas__blocks *blocks)
{
    int joined = 0;
    for (int e = 0; e < blocks->edge_count; e++)
        joined += blocks->edges[e].to == blocks->edges[e].from + 1;
    return joined == blocks->count - 1;
}
