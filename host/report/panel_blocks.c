/* panel_blocks.c - a network's blocks: as a strip, as a list, or in layers.
 *
 *     strip    what a network of cells is stacked from, in reading order, as many to a row as there is room for
 *     list     layers one under the other, as a model's summary has them, the bars of multiply-accumulates side by side so that
 *              they compare; what a layer reads besides the one above it arrives by an arc on the left, in a lane of its own
 *     layers   branches side by side: layout.c says where, and no line runs through a box
 *
 * A block shows its name, its output's shape, parameters and multiply-accumulates, and its share of the latter as a bar.
 *
 * Next: diagram.c, which chooses among the three. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOX_WIDTH = 200, BOX_HEIGHT = 62, STRIP_GAP = 30, STRIP_ROW_GAP = 30, STRIP_MARGIN = 14 };
enum { LINE_WIDTH = 380, LINE_HEIGHT = 42, LINE_GAP = 16, BAR_WIDTH = 120, BAR_WORDS = 56 };
enum { LANES_WIDTH = 240, SPOTS_MOST = 1500 };

/* ---- measuring ------------------------------------------------------------------------------------------------- */

static void place_strip(nas__block_panel *panel, double width)
{
    const int count = panel->blocks->count;
    int per_row = (int)((width - 2 * STRIP_MARGIN + STRIP_GAP) / (panel->box_width + STRIP_GAP));
    per_row = per_row < 1 ? 1 : per_row > count ? count : per_row;
    for (int b = 0; b < count; b++) {
        nas__layout_item *item = &panel->layout.items[b];
        item->x =
            STRIP_MARGIN + b % per_row * (panel->box_width + STRIP_GAP) + panel->box_width / 2.0;
        item->y = b / per_row * (BOX_HEIGHT + STRIP_ROW_GAP) + BOX_HEIGHT / 2.0;
    }
    const int rows = (count + per_row - 1) / per_row;
    panel->per_row = per_row;
    panel->width = 2 * STRIP_MARGIN + per_row * (panel->box_width + STRIP_GAP) - STRIP_GAP;
    panel->height = rows * (BOX_HEIGHT + STRIP_ROW_GAP) - STRIP_ROW_GAP;
}

/* Shorter arcs get the inner lanes; two in one lane share no stretch. */
static void assign_lanes(nas__block_panel *panel)
{
    const nas__blocks *blocks = panel->blocks;
    for (int e = 0; e < blocks->edge_count; e++)
        panel->lane_of[e] = -1;
    for (int span = 2; span < blocks->count; span++)
        for (int e = 0; e < blocks->edge_count; e++) {
            const nas__block_edge *edge = &blocks->edges[e];
            if (edge->to - edge->from != span)
                continue;
            int lane = 0;
            for (int other = 0; other < blocks->edge_count; other++) {
                const nas__block_edge *o = &blocks->edges[other];
                if (panel->lane_of[other] != lane || o->from >= edge->to || o->to <= edge->from)
                    continue;
                lane++;
                other = -1;
            }
            panel->lane_of[e] = lane;
            panel->lanes = lane >= panel->lanes ? lane + 1 : panel->lanes;
        }
    panel->lane_pitch = panel->lanes > LANES_WIDTH / 10 ? (double)LANES_WIDTH / panel->lanes : 10;
}

static void place_list(nas__block_panel *panel)
{
    assign_lanes(panel);
    const double left = panel->lanes ? panel->lanes * panel->lane_pitch + 14 : 0;
    for (int b = 0; b < panel->blocks->count; b++) {
        nas__layout_item *item = &panel->layout.items[b];
        item->x = left + LINE_WIDTH / 2.0;
        item->y = b * (LINE_HEIGHT + LINE_GAP) + LINE_HEIGHT / 2.0;
    }
    panel->width = left + LINE_WIDTH + 12 + BAR_WIDTH + BAR_WORDS;
    panel->height = panel->blocks->count * (LINE_HEIGHT + LINE_GAP) - LINE_GAP;
}

static nas_status place_layers(nas__block_panel *panel)
{
    panel->layout.down = true;
    panel->layout.layer_gap = 34;
    panel->layout.item_gap = 22;
    NAS_TRY(nas__layout_run(&panel->layout, SPOTS_MOST));
    panel->width = panel->layout.width;
    panel->height = panel->layout.height;
    return NAS_OK;
}

/* Boxes of layers have room for the longest title, where `width` allows that; others are as wide as a title mostly is. */
static double box_width_of(const nas__block_panel *panel, double width)
{
    double longest = BOX_WIDTH;
    for (int b = 0; b < panel->blocks->count && panel->view == NAS__VIEW_LAYERS; b++) {
        const double own = nas__svg_width(panel->blocks->items[b].title) + 20;
        longest = own > longest ? own : longest;
    }
    return longest < width ? longest : BOX_WIDTH;
}

static nas_status allocate(nas__block_panel *panel)
{
    const nas__blocks *blocks = panel->blocks;
    nas__layout *layout = &panel->layout;
    layout->items = calloc((size_t)blocks->count + 1, sizeof *layout->items);
    layout->edges = calloc((size_t)blocks->edge_count + 1, sizeof *layout->edges);
    panel->lane_of = calloc((size_t)blocks->edge_count + 1, sizeof *panel->lane_of);
    if (!layout->items || !layout->edges || !panel->lane_of)
        NAS_FAIL(NAS_MEMORY, "no memory to draw %d blocks", blocks->count);
    layout->item_count = blocks->count;
    layout->edge_count = blocks->edge_count;
    for (int e = 0; e < blocks->edge_count; e++)
        layout->edges[e] =
            (nas__layout_edge){.from = blocks->edges[e].from, .to = blocks->edges[e].to};
    for (int b = 0; b < blocks->count; b++) {
        const bool line = panel->view == NAS__VIEW_LIST;
        layout->items[b].width = line ? LINE_WIDTH : panel->box_width;
        layout->items[b].height = line ? LINE_HEIGHT : BOX_HEIGHT;
    }
    return NAS_OK;
}

static void find_costs(nas__block_panel *panel)
{
    for (int b = 0; b < panel->blocks->count; b++) {
        const nas_cost *cost = &panel->blocks->items[b].cost;
        panel->cost.parameters += cost->parameters;
        panel->cost.macs += cost->macs;
        if (cost->macs > panel->most.macs)
            panel->most = *cost;
    }
}

nas_status nas__block_panel_make(const nas_graph *graph, const nas__blocks *blocks,
                                 nas__block_view view, double width, nas__block_panel *panel)
{
    nas_status status = NAS_OK;
    nas__block_panel made = {.graph = graph, .blocks = blocks, .view = view};
    made.box_width = box_width_of(&made, width);
    NAS_TRY_DONE(allocate(&made));
    find_costs(&made);
    if (view == NAS__VIEW_STRIP)
        place_strip(&made, width);
    else if (view == NAS__VIEW_LIST)
        place_list(&made);
    else
        NAS_TRY_DONE(place_layers(&made));
    *panel = made;
    made = (nas__block_panel){0};
done:
    nas__block_panel_clear(&made);
    return status;
}

void nas__block_panel_clear(nas__block_panel *panel)
{
    free(panel->lane_of);
    free(panel->layout.items);
    free(panel->layout.edges);
    nas__layout_clear(&panel->layout);
    *panel = (nas__block_panel){0};
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

static void write_title(const nas__block *block, nas_text *text)
{
    nas_text_add(text, block->title);
    if (block->count > 1)
        nas_text_format(text, " ×%d", block->count);
}

static double share_of(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0;
}

static void hover_cost(const char *name, uint64_t part, uint64_t all, nas_text *hover)
{
    nas_text_add(hover, "\n");
    nas__number_words(hover, (double)part);
    nas_text_format(hover, " %s, ", name);
    nas__number_percent(hover, share_of(part, all));
}

/* The operators of a block, with what is not at its default. */
static void hover_nodes(const nas__block_panel *panel, int b, nas_text *hover)
{
    const nas__block *block = &panel->blocks->items[b];
    int shown = 0;
    for (int i = 1; i < panel->blocks->node_count && hover->length < 320; i++) {
        if (panel->blocks->of_node[i] != b)
            continue;
        nas_text_format(hover, "\n%s", panel->graph->nodes[i].op->kind.name);
        nas_node_write_options(&panel->graph->nodes[i], hover);
        shown++;
    }
    if (shown > 0 && shown < block->nodes)
        nas_text_format(hover, "\n… %d operators", block->nodes);
}

static void write_hover(const nas__block_panel *panel, int b, nas_text *hover)
{
    const nas__block *block = &panel->blocks->items[b];
    write_title(block, hover);
    nas_text_add(hover, "\noutput ");
    nas__shape_words(block->shape, hover);
    hover_cost("parameters", block->cost.parameters, panel->cost.parameters, hover);
    hover_cost("multiply-accumulates", block->cost.macs, panel->cost.macs, hover);
    hover_nodes(panel, b, hover);
}

/* "12.8 k parameters, 1.2 M MACs", or what of it there is. */
static void write_costs(const nas__block *block, bool brief, nas_text *text)
{
    if (block->cost.parameters > 0) {
        nas__short_number((double)block->cost.parameters, text);
        nas_text_add(text, brief ? " par." : " parameters");
    }
    if (block->cost.macs > 0) {
        nas_text_add(text, block->cost.parameters > 0 ? ", " : "");
        nas__short_number((double)block->cost.macs, text);
        nas_text_add(text, " MACs");
    }
}

/* ---- drawing --------------------------------------------------------------------------------------------------------- */

static const char *box_class(const nas__block *block)
{
    return block->cell >= 0 ? "ink box" : "faint box";
}

/* A block of three lines, with the bar at its foot. */
static void draw_box(const nas__block_panel *panel, int b, double left, double top, nas_text *svg)
{
    const nas__block *block = &panel->blocks->items[b];
    nas_text title = {0}, shape = {0}, costs = {0}, hover = {0};
    write_title(block, &title);
    nas__shape_words(block->shape, &shape);
    write_costs(block, true, &costs);
    write_hover(panel, b, &hover);
    const double inner = panel->box_width - 16,
                 share = share_of(block->cost.macs, panel->most.macs);
    nas__svg_rect(svg, box_class(block), left, top, panel->box_width, BOX_HEIGHT, 6,
                  nas__part(&hover, svg));
    nas__svg_words_within(svg, "", left + 8, top + 17, NAS__START, nas__part(&title, svg), inner);
    nas__svg_words_within(svg, "faint small", left + 8, top + 33, NAS__START,
                          nas__part(&shape, svg), inner);
    nas__svg_words_within(svg, "faint small", left + 8, top + 48, NAS__START,
                          nas__part(&costs, svg), inner);
    if (share > 0)
        nas__svg_rect(svg, "s0 bar", left + 8, top + BOX_HEIGHT - 8, fmax(share * inner, 1), 4, 1,
                      NULL);
    nas_text_clear(&title);
    nas_text_clear(&shape);
    nas_text_clear(&costs);
    nas_text_clear(&hover);
}

static void draw_bar(const nas__block_panel *panel, const nas__block *block, double left,
                     double middle, nas_text *svg)
{
    const double share = share_of(block->cost.macs, panel->most.macs);
    nas_text words = {0};
    if (share == 0)
        return;
    const double percent = 100 * share_of(block->cost.macs, panel->cost.macs);
    nas_text_add(&words, percent < 0.05 ? "< 0.1" : "");
    if (percent >= 0.05)
        nas__number_fixed(&words, percent, 1, false);
    nas_text_add(&words, " %");
    nas__svg_rect(svg, "s0 bar", left, middle - 6, fmax(share * BAR_WIDTH, 1), 12, 1, NULL);
    nas__svg_words(svg, "faint small", left + share * BAR_WIDTH + 6, middle + 4, NAS__START,
                   nas__part(&words, svg));
    nas_text_clear(&words);
}

/* A block of two lines, with the bar beside it. */
static void draw_line(const nas__block_panel *panel, int b, double left, double top, nas_text *svg)
{
    const nas__block *block = &panel->blocks->items[b];
    nas_text title = {0}, more = {0}, hover = {0};
    write_title(block, &title);
    nas__shape_words(block->shape, &more);
    nas_text_add(&more, block->cost.parameters + block->cost.macs > 0 ? ", " : "");
    write_costs(block, false, &more);
    write_hover(panel, b, &hover);
    nas__svg_rect(svg, box_class(block), left, top, LINE_WIDTH, LINE_HEIGHT, 6,
                  nas__part(&hover, svg));
    nas__svg_words_within(svg, "", left + 10, top + 17, NAS__START, nas__part(&title, svg),
                          LINE_WIDTH - 20);
    nas__svg_words_within(svg, "faint small", left + 10, top + 34, NAS__START,
                          nas__part(&more, svg), LINE_WIDTH - 20);
    draw_bar(panel, block, left + LINE_WIDTH + 12, top + LINE_HEIGHT / 2.0, svg);
    nas_text_clear(&title);
    nas_text_clear(&more);
    nas_text_clear(&hover);
}

static void draw_polyline(nas_text *svg, const double (*points)[2], int count)
{
    nas_text data = {0};
    for (int i = 0; i < count; i++)
        nas__svg_point(&data, i ? 'L' : 'M', points[i][0], points[i][1]);
    nas__svg_path(svg, "faint line", nas__part(&data, svg), NULL);
    nas_text_clear(&data);
}

/* To the next box of the row, or around the end of the row to the first of the next. */
static void draw_step(const nas__block_panel *panel, int b, double x, double y, nas_text *svg)
{
    const nas__layout_item *from = &panel->layout.items[b], *to = &panel->layout.items[b + 1];
    const double right = x + from->x + panel->box_width / 2.0,
                 left = x + to->x - panel->box_width / 2.0;
    if ((b + 1) % panel->per_row != 0) {
        const double straight[2][2] = {{right, y + from->y}, {left, y + to->y}};
        draw_polyline(svg, straight, 2);
    } else {
        const double middle = y + from->y + BOX_HEIGHT / 2.0 + STRIP_ROW_GAP / 2.0;
        const double around[6][2] = {{right, y + from->y},
                                     {right + STRIP_MARGIN - 3, y + from->y},
                                     {right + STRIP_MARGIN - 3, middle},
                                     {left - STRIP_MARGIN + 3, middle},
                                     {left - STRIP_MARGIN + 3, y + to->y},
                                     {left, y + to->y}};
        draw_polyline(svg, around, 6);
    }
    nas__arrow_head(svg, left, y + to->y, false);
}

/* Out of a block's left side, up or down its lane, into the other's. */
static void draw_arc(const nas__block_panel *panel, int e, double x, double y, nas_text *svg)
{
    const nas__layout_item *from = &panel->layout.items[panel->blocks->edges[e].from];
    const nas__layout_item *to = &panel->layout.items[panel->blocks->edges[e].to];
    const double rim = x + from->x - LINE_WIDTH / 2.0;
    const double lane = rim - 14 - panel->lane_of[e] * panel->lane_pitch;
    const double top = y + from->y + 8, bottom = y + to->y - 8, bend = 5;
    nas_text data = {0};
    nas__svg_point(&data, 'M', rim, top);
    nas__svg_point(&data, 'L', lane + bend, top);
    nas__svg_point(&data, 'L', lane, top + bend);
    nas__svg_point(&data, 'L', lane, bottom - bend);
    nas__svg_point(&data, 'L', lane + bend, bottom);
    nas__svg_point(&data, 'L', rim, bottom);
    nas__svg_path(svg, "faint line", nas__part(&data, svg), NULL);
    nas__arrow_head(svg, rim, bottom, false);
    nas_text_clear(&data);
}

static void draw_connection(const nas__block_panel *panel, int e, double x, double y, nas_text *svg)
{
    const nas__layout_item *from = &panel->layout.items[panel->blocks->edges[e].from];
    const nas__layout_item *to = &panel->layout.items[panel->blocks->edges[e].to];
    if (panel->view == NAS__VIEW_LAYERS) {
        nas__layout_line(svg, &panel->layout, e, x, y, true);
    } else if (panel->lane_of[e] >= 0) {
        draw_arc(panel, e, x, y, svg);
    } else {
        const double straight[2][2] = {{x + from->x, y + from->y + LINE_HEIGHT / 2.0},
                                       {x + to->x, y + to->y - LINE_HEIGHT / 2.0}};
        draw_polyline(svg, straight, 2);
        nas__arrow_head(svg, straight[1][0], straight[1][1], true);
    }
}

void nas__block_panel_draw(const nas__block_panel *panel, double x, double y, nas_text *svg)
{
    const nas__blocks *blocks = panel->blocks;
    for (int b = 0; panel->view == NAS__VIEW_STRIP && b + 1 < blocks->count; b++)
        draw_step(panel, b, x, y, svg);
    for (int e = 0; panel->view != NAS__VIEW_STRIP && e < blocks->edge_count; e++)
        draw_connection(panel, e, x, y, svg);
    for (int b = 0; b < blocks->count; b++) {
        const nas__layout_item *item = &panel->layout.items[b];
        const double left = x + item->x - item->width / 2, top = y + item->y - item->height / 2;
        if (panel->view == NAS__VIEW_LIST)
            draw_line(panel, b, left, top, svg);
        else
            draw_box(panel, b, left, top, svg);
    }
}
