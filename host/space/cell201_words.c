/* cell201_words.c - the cell of NAS-Bench-201 in words: the benchmark's notation, written and read, and the cell for pictures.
 *
 * The notation "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|" has a bar of edges for each node but the first: operation and the node that the
 * edge comes from.  Pictures leave out edges that are none; the notation has them all. */
#include "cell201.h"

#include <stdio.h>

enum { NONE = NAS__CELL201_NONE, NODES = NAS__CELL201_NODES, EDGES = NAS__CELL201_EDGES };

void nas__cell201_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    int ops[EDGES];
    nas__cell201_read(state, arch, ops);
    for (int to = 1; to < NODES; to++) {
        nas_text_add(text, to > 1 ? "+|" : "|");
        for (int from = 0; from < to; from++) {
            char op[32] = "";
            nas_choice_name(NAS__CELL201_OPS, ops[nas__cell201_edge(from, to)], op, sizeof op);
            nas_text_format(text, "%s~%d|", op, from);
        }
    }
}

void nas__cell201_describe_choice(const void *state, int gene, int choice, nas_text *text)
{
    (void)gene;
    nas__list_describe(&((const nas__cell201 *)state)->options->op, choice, NAS__CELL201_OPS, text);
}

/* One "op~from|" at `*text`, which moves behind it. */
static bool parse_edge(const char **text, int to, int *ops)
{
    char op[32], bar;
    int from, length = 0;
    if (sscanf(*text, "%31[a-z0-9_]~%d%c%n", op, &from, &bar, &length) != 3 || bar != '|')
        return false;
    int choice = nas_choice_index(NAS__CELL201_OPS, op);
    if (choice < 0 || from < 0 || from >= to)
        return false;
    ops[nas__cell201_edge(from, to)] = choice;
    *text += length;
    return true;
}

/* Edges that are not named are none, as in the benchmark. */
nas_status nas__cell201_parse(const void *state, const char *text, nas_arch *arch)
{
    const char *at = text;
    int ops[EDGES] = {NONE};
    for (int to = 1; to < NODES; to++) {
        bool fine = (to == 1 || *at++ == '+') && *at++ == '|';
        while (fine && *at && *at != '+')
            fine = parse_edge(&at, to, ops);
        if (!fine || (to == NODES - 1 && *at))
            NAS_FAIL(NAS_CONFIG,
                     "architecture \"%.80s\": neither six digits 0 to %d nor "
                     "\"|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|\" (from character %d on)",
                     text, ((const nas__cell201 *)state)->options->op.count - 1,
                     (int)(at - text) + 1);
    }
    return nas__cell201_write(state, ops, arch);
}

void nas__cell201_sketch_cell(const int *ops, nas_sketch *sketch)
{
    static const char *const nodes[NODES] = {"input", "1", "2", "output"};
    nas_sketch_cell *cell = &sketch->cells[sketch->cell_count++];
    snprintf(cell->name, sizeof cell->name, "cell");
    cell->node_count = NODES;
    for (int to = 0; to < NODES; to++) {
        snprintf(cell->nodes[to].name, sizeof cell->nodes[to].name, "%s", nodes[to]);
        for (int from = 0; from < to; from++) {
            const int op = ops[nas__cell201_edge(from, to)];
            if (op == NONE)
                continue;
            nas_sketch_edge *edge = &cell->edges[cell->edge_count++];
            *edge = (nas_sketch_edge){.from = from, .to = to};
            nas_choice_name(NAS__CELL201_OPS, op, edge->operation, sizeof edge->operation);
        }
    }
}
