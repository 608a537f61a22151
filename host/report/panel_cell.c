/* panel_cell.c - a cell as a graph: nodes, and on the lines between them what is done on the way.
 *
 * An operation on an edge is a box of its own in the layout, between the two nodes, so it has room for its name and nothing runs
 * through it.  Operations of one name have one colour in all cells of a network; a skip that does nothing is faint.  A node
 * that only adds up is a circle with its number, a named one (inputs, the output) a rounded box.
 *
 * Next: layout.c, which says where everything stands. */
#include "panel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TITLE_HEIGHT = 28, NODE = 30, OPERATION = 26, COLOURS = 7 };

static bool empty(const nas_sketch_edge *edge)
{
    return edge->operation[0] == '\0';
}

static bool has_operations(const nas_sketch_cell *cell)
{
    for (int e = 0; e < cell->edge_count; e++)
        if (!empty(&cell->edges[e]))
            return true;
    return false;
}

/* ---- layout: the nodes, then the operations of edges -------------------------------------------------------- */

static void size_node(const nas_sketch_node *node, nas__layout_item *item)
{
    const bool number = !node->operation && nas__text_width(node->name) <= 2;
    item->width = number ? NODE : nas__svg_width(node->name) + 18;
    item->height = node->operation ? OPERATION : NODE;
}

static void add_edge(nas__layout *layout, int from, int to)
{
    layout->edges[layout->edge_count++] = (nas__layout_edge){.from = from, .to = to};
}

static nas_status allocate(const nas_sketch_cell *cell, nas__layout *layout)
{
    const size_t items = (size_t)(cell->node_count + cell->edge_count);
    layout->items = calloc(items + 1, sizeof *layout->items);
    layout->edges = calloc(2 * (size_t)cell->edge_count + 1, sizeof *layout->edges);
    if (!layout->items || !layout->edges)
        NAS_FAIL(NAS_MEMORY, "no memory to draw a cell of %d nodes", cell->node_count);
    return NAS_OK;
}

static void fill_layout(const nas_sketch_cell *cell, nas__layout *layout)
{
    layout->item_count = cell->node_count;
    for (int i = 0; i < cell->node_count; i++)
        size_node(&cell->nodes[i], &layout->items[i]);
    for (int e = 0; e < cell->edge_count; e++) {
        const nas_sketch_edge *edge = &cell->edges[e];
        if (empty(edge)) {
            add_edge(layout, edge->from, edge->to);
            continue;
        }
        layout->items[layout->item_count] = (nas__layout_item){
            .width = nas__svg_width(edge->operation) + 14, .height = OPERATION, .late = true};
        add_edge(layout, edge->from, layout->item_count);
        add_edge(layout, layout->item_count, edge->to);
        layout->item_count++;
    }
}

static void write_title(const nas_sketch *sketch, int cell, char *title, size_t size)
{
    int copies = 0;
    for (int p = 0; p < sketch->part_count; p++)
        copies += sketch->parts[p].cell == cell;
    if (copies > 1)
        snprintf(title, size, "%s, %d copies", sketch->cells[cell].name, copies);
    else
        snprintf(title, size, "%s", sketch->cells[cell].name);
}

nas_status nas__cell_panel_make(const nas_sketch *sketch, int cell, nas__cell_panel *panel)
{
    nas_status status = NAS_OK;
    nas__cell_panel made = {.sketch = sketch, .cell = &sketch->cells[cell]};
    made.layout.layer_gap = has_operations(made.cell) ? 20 : 40;
    made.layout.item_gap = 12;
    write_title(sketch, cell, made.title, sizeof made.title);
    NAS_TRY_DONE(allocate(made.cell, &made.layout));
    fill_layout(made.cell, &made.layout);
    NAS_TRY_DONE(nas__layout_run(&made.layout, 4096));
    const double title = 1.15 * nas__svg_width(made.title);
    made.width = made.layout.width > title ? made.layout.width : title;
    made.height = made.layout.height + TITLE_HEIGHT;
    *panel = made;
    made = (nas__cell_panel){0};
done:
    nas__cell_panel_clear(&made);
    return status;
}

void nas__cell_panel_clear(nas__cell_panel *panel)
{
    free(panel->layout.items);
    free(panel->layout.edges);
    nas__layout_clear(&panel->layout);
    *panel = (nas__cell_panel){0};
}

/* ---- drawing --------------------------------------------------------------------------------------------------- */

/* The operation with number `wanted` in reading order of all cells; NULL: there are not so many. */
static const char *operation_at(const nas_sketch *sketch, int wanted)
{
    for (int c = 0, at = 0; c < sketch->cell_count; c++) {
        const nas_sketch_cell *cell = &sketch->cells[c];
        for (int i = 0; i < cell->node_count; i++)
            if (cell->nodes[i].operation && at++ == wanted)
                return cell->nodes[i].name;
        for (int e = 0; e < cell->edge_count; e++)
            if (!empty(&cell->edges[e]) && at++ == wanted)
                return cell->edges[e].operation;
    }
    return NULL;
}

/* Colours are given out in the order in which operations first appear. */
static const char *class_of(const nas_sketch *sketch, const char *operation)
{
    static const char *const classes[] = {"s0 box", "s1 box", "s2 box", "s3 box",
                                          "s4 box", "s5 box", "s6 box"};
    int colour = 0;
    if (strncmp(operation, "skip", 4) == 0)
        return "faint box";
    for (int i = 0; operation_at(sketch, i); i++) {
        const char *other = operation_at(sketch, i);
        bool first = strncmp(other, "skip", 4) != 0;
        for (int j = 0; j < i && first; j++)
            first = strcmp(operation_at(sketch, j), other) != 0;
        if (first && strcmp(other, operation) == 0)
            break;
        colour += first;
    }
    return colour < COLOURS ? classes[colour] : "ink box";
}

static void draw_box(nas_text *svg, const nas__layout_item *item, double x, double y,
                     const char *class_, double radius, const char *words, const char *hover)
{
    nas__svg_rect(svg, class_, x + item->x - item->width / 2, y + item->y - item->height / 2,
                  item->width, item->height, radius, hover);
    nas__svg_words(svg, "", x + item->x, y + item->y + 4.5, NAS__MIDDLE, words);
}

static void draw_node(const nas__cell_panel *panel, int node, double x, double y, nas_text *svg)
{
    const nas_sketch_cell *cell = panel->cell;
    const nas_sketch_node *n = &cell->nodes[node];
    const nas__layout_item *item = &panel->layout.items[node];
    char hover[160];
    int arriving = 0, leaving = 0;
    for (int e = 0; e < cell->edge_count; e++) {
        arriving += cell->edges[e].to == node;
        leaving += cell->edges[e].from == node;
    }
    snprintf(hover, sizeof hover, "%s%s: %d in, %d out",
             item->width <= NODE && !n->operation ? "node " : "", n->name, arriving, leaving);
    if (n->operation)
        draw_box(svg, item, x, y, class_of(panel->sketch, n->name), 4, n->name, hover);
    else
        draw_box(svg, item, x, y, "ink box", NODE / 2, n->name, hover);
}

static void draw_operation(const nas__cell_panel *panel, int edge, int at, double x, double y,
                           nas_text *svg)
{
    const nas_sketch_edge *e = &panel->cell->edges[edge];
    char hover[160];
    snprintf(hover, sizeof hover, "%s, from %s to %s", e->operation,
             panel->cell->nodes[e->from].name, panel->cell->nodes[e->to].name);
    draw_box(svg, &panel->layout.items[at], x, y, class_of(panel->sketch, e->operation), 4,
             e->operation, hover);
}

void nas__cell_panel_draw(const nas__cell_panel *panel, double x, double y, nas_text *svg)
{
    const nas_sketch_cell *cell = panel->cell;
    const nas__layout *layout = &panel->layout;
    nas__svg_words(svg, "strong", x, y + 14, NAS__START, panel->title);
    y += TITLE_HEIGHT;
    for (int e = 0; e < layout->edge_count; e++)
        nas__layout_line(svg, layout, e, x, y, layout->edges[e].to < cell->node_count);
    for (int i = 0; i < cell->node_count; i++)
        draw_node(panel, i, x, y, svg);
    for (int e = 0, at = cell->node_count; e < cell->edge_count; e++)
        if (!empty(&cell->edges[e]))
            draw_operation(panel, e, at++, x, y, svg);
}
