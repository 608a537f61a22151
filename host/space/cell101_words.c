/* cell101_words.c - the cell of NAS-Bench-101 in words: a cell in a line, the cell for pictures, genes and their choices.
 *
 * Lines and pictures show the pruned cell, whose vertices are numbered anew; genes speak of the row's own numbers.  Where the gene counts
 * the other way (the edge from the input, see cell101.c) words still say whether there is an edge. */
#include "cell101.h"

#include <stdio.h>

/* "1:conv3x3(in) 2:maxpool3x3(in,1) out(1,2)" */
void nas__cell101_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    const nas__cell101 cell = nas__cell101_of(state, arch);
    for (int to = 1; to < cell.vertices; to++) {
        char op[16] = "";
        nas_choice_name(NAS__CELL101_OP_NAMES, cell.ops[to], op, sizeof op);
        if (to < cell.vertices - 1)
            nas_text_format(text, "%d:%s(", to, op);
        else
            nas_text_add(text, "out(");
        for (int from = 0, count = 0; from < to; from++) {
            if (!nas__cell101_edge(&cell, from, to))
                continue;
            nas_text_add(text, count++ ? "," : "");
            if (from == 0)
                nas_text_add(text, "in");
            else
                nas_text_format(text, "%d", from);
        }
        nas_text_add(text, to < cell.vertices - 1 ? ") " : ")");
    }
}

void nas__cell101_sketch_cell(const nas__cell101 *cell, nas_sketch *sketch)
{
    const int last = cell->vertices - 1;
    nas_sketch_cell *drawn = &sketch->cells[sketch->cell_count++];
    snprintf(drawn->name, sizeof drawn->name, "cell");
    drawn->node_count = cell->vertices;
    for (int to = 0; to <= last; to++) {
        nas_sketch_node *node = &drawn->nodes[to];
        node->operation = to > 0 && to < last;
        snprintf(node->name, sizeof node->name, "%s", to ? "output" : "input");
        if (node->operation)
            nas_choice_name(NAS__CELL101_OP_NAMES, cell->ops[to], node->name, sizeof node->name);
        for (int from = 0; from < to; from++)
            if (nas__cell101_edge(cell, from, to))
                drawn->edges[drawn->edge_count++] = (nas_sketch_edge){.from = from, .to = to};
    }
}

void nas__cell101_describe_gene(const void *state, int gene, nas_text *text)
{
    const nas__cell101_space *c = state;
    int vertex;
    const int from = nas__cell101_source(c, gene, &vertex);
    if (vertex == c->vertices - 1)
        nas_text_add(text, "output: ");
    else
        nas_text_format(text, "vertex %d: ", vertex);
    if (from < 0)
        nas_text_add(text, "op");
    else if (from == 0)
        nas_text_add(text, "edge from input");
    else
        nas_text_format(text, "edge from %d", from);
}

void nas__cell101_describe_choice(const void *state, int gene, int choice, nas_text *text)
{
    int vertex;
    char op[16] = "";
    const int from = nas__cell101_source(state, gene, &vertex);
    nas_choice_name(NAS__CELL101_OP_NAMES, choice, op, sizeof op);
    nas_text_add(text, from < 0 ? op : choice == (from > 0) ? "yes" : "no");
}
