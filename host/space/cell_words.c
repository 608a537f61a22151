/* cell_words.c - the cells of the space `cell` in words: a row in a line, the cells for pictures, genes and their choices.
 *
 * A cell is told as the papers draw it: two inputs, the nodes with their numbers, the output; on each edge into a node the
 * operation, on the edges to the output nothing, for there values are only joined.
 *
 * Read next: cell.c, which builds what is told here; host/report/diagram.c, which draws it. */
#include "cell.h"

#include <stdio.h>

/* "normal: sep_conv_3x3(1)+skip_connect(0) …; reduce: …" */
void nas__cell_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    const nas__cell_space *s = state;
    const size_t begin = text->length;
    for (int kind = 0; kind < NAS__CELL_KINDS; kind++) {
        if (!s->present[kind])
            continue;
        nas_text_format(text, "%s%s:", text->length > begin ? "; " : "",
                        nas__cell_kind_names[kind]);
        for (int node = 0; node < s->nodes; node++)
            for (int pair = 0; pair < 2; pair++) {
                nas__cell_edge edge = nas__cell_edge_of(s, arch, kind, node, pair);
                char op[32] = "";
                nas_choice_name(NAS__CELL_OPS, edge.op, op, sizeof op);
                nas_text_format(text, "%s%s(%d)", pair ? "+" : " ", op, edge.input);
            }
    }
}

int nas__cell_sketch_place(const nas__cell_space *s, int kind)
{
    return kind == NAS__CELL_REDUCE && s->present[NAS__CELL_NORMAL] ? 1 : 0;
}

const char *nas__cell_sketch_name(int kind)
{
    return kind == NAS__CELL_REDUCE ? "reduction cell" : "normal cell";
}

static void name_nodes(const nas__cell_space *s, nas_sketch_cell *cell)
{
    static const char *const inputs[2] = {"cell k-2", "cell k-1"};
    cell->node_count = s->nodes + 3;
    for (int state = 0; state < s->nodes + 2; state++)
        if (state < 2)
            snprintf(cell->nodes[state].name, sizeof cell->nodes[state].name, "%s", inputs[state]);
        else
            snprintf(cell->nodes[state].name, sizeof cell->nodes[state].name, "%d", state - 2);
    snprintf(cell->nodes[s->nodes + 2].name, sizeof cell->nodes[0].name, "output");
}

static void sketch_cell(const nas__cell_space *s, const nas_arch *arch, int kind,
                        nas_sketch_cell *cell)
{
    bool read[NAS__CELL_STATES] = {false};
    snprintf(cell->name, sizeof cell->name, "%s", nas__cell_sketch_name(kind));
    name_nodes(s, cell);
    for (int node = 0; node < s->nodes; node++)
        for (int pair = 0; pair < 2; pair++) {
            const nas__cell_edge edge = nas__cell_edge_of(s, arch, kind, node, pair);
            nas_sketch_edge *drawn = &cell->edges[cell->edge_count++];
            *drawn = (nas_sketch_edge){.from = edge.input, .to = node + 2};
            nas_choice_name(NAS__CELL_OPS, edge.op, drawn->operation, sizeof drawn->operation);
            read[edge.input] = true;
        }
    for (int node = 0; node < s->nodes; node++)
        if (s->options->output == NAS__CELL_OUTPUT_ALL || !read[node + 2])
            cell->edges[cell->edge_count++] =
                (nas_sketch_edge){.from = node + 2, .to = s->nodes + 2};
}

void nas__cell_sketch_cells(const nas__cell_space *s, const nas_arch *arch, nas_sketch *sketch)
{
    for (int kind = 0; kind < NAS__CELL_KINDS; kind++)
        if (s->present[kind])
            sketch_cell(s, arch, kind, &sketch->cells[sketch->cell_count++]);
}

void nas__cell_describe_gene(const void *state, int gene, nas_text *text)
{
    const nas__cell_space *s = state;
    const int pair = gene / NAS__CELL_PAIR, node = pair / 2;
    nas_text_format(text, "%s node %d: %s %d",
                    node / s->nodes == NAS__CELL_REDUCE ? "reduction" : "normal", node % s->nodes,
                    gene % NAS__CELL_PAIR == NAS__CELL_GENE_OP ? "op" : "input", pair % 2 + 1);
}

void nas__cell_describe_choice(const void *state, int gene, int choice, nas_text *text)
{
    const nas__cell_space *s = state;
    if (gene % NAS__CELL_PAIR == NAS__CELL_GENE_OP)
        nas__list_describe(&s->options->op, choice, NAS__CELL_OPS, text);
    else if (choice < 2)
        nas_text_add(text, choice ? "the cell before" : "the cell before that");
    else
        nas_text_format(text, "node %d", choice - 2);
}
