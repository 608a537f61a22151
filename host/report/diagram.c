/* diagram.c - the picture of a network: one line about it, its cells, and its blocks.
 *
 * Which picture a network gets follows from what is known of it:
 *
 *     cells            the space's sketch has some: they are drawn as graphs, side by side where that is not too wide, and under
 *                      them the strip of what is stacked
 *     a row            every block reads the one before it: the list, with other connections as arcs
 *     anything else    layers from top to bottom; and where that would be wider than a screen, the list again
 *
 * Nothing here knows a space by name: one that a program registers gets its picture from its sketch, or from its graph alone.
 *
 * Next: panel_cell.c and panel_blocks.c draw; blocks.c groups operators; layout.c places. */
#include "diagram.h"
#include "panel.h"

#include <stdlib.h>

enum { MARGIN = 12, HEADING = 26, PANEL_GAP = 34, CELLS_GAP = 36 };
enum { WIDTH_LEAST = 480, WIDTH_STRIP = 700, WIDTH_CELLS = 1040, WIDTH_LAYERS = 1100 };

typedef struct diagram {
    nas_graph graph;
    nas_sketch sketch;
    nas__blocks blocks;
    int cell_count;
    nas__cell_panel cells[NAS_SKETCH_CELLS];
    bool cells_beside; /* side by side */
    nas__block_panel panel;
    bool has_panel;
    const char *note; /* under the picture; NULL: none */
    double width, height;
} diagram;

static void clear(diagram *d)
{
    for (int i = 0; i < d->cell_count; i++)
        nas__cell_panel_clear(&d->cells[i]);
    nas__block_panel_clear(&d->panel);
    nas__blocks_clear(&d->blocks);
    nas_graph_clear(&d->graph);
    free(d);
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

static nas_status make_cells(diagram *d)
{
    double beside = 0, widest = 0, highest = 0, stacked = 0;
    for (int i = 0; i < d->sketch.cell_count; i++) {
        NAS_TRY(nas__cell_panel_make(&d->sketch, i, &d->cells[i]));
        d->cell_count++;
        const nas__cell_panel *panel = &d->cells[i];
        beside += panel->width + (i ? CELLS_GAP : 0);
        widest = panel->width > widest ? panel->width : widest;
        highest = panel->height > highest ? panel->height : highest;
        stacked += panel->height + (i ? PANEL_GAP : 0);
    }
    d->cells_beside = beside <= WIDTH_CELLS;
    d->width = d->cells_beside ? beside : widest;
    d->height += d->cells_beside ? highest : stacked;
    return NAS_OK;
}

/* Layers where they fit on a screen, if need be with titles cut; and else the list. */
static nas_status make_layers(diagram *d)
{
    static const double box_widths[] = {400, 0};
    for (int i = 0; i < 2; i++) {
        const nas_status status = nas__block_panel_make(&d->graph, &d->blocks, NAS__VIEW_LAYERS,
                                                        box_widths[i], &d->panel);
        if (status == NAS_OK && d->panel.width <= WIDTH_LAYERS)
            return NAS_OK;
        if (status != NAS_OK && status != NAS_BOUND)
            return status;
        nas__block_panel_clear(&d->panel);
    }
    return nas__block_panel_make(&d->graph, &d->blocks, NAS__VIEW_LIST, 0, &d->panel);
}

static nas_status make_blocks(diagram *d)
{
    NAS_TRY(nas__blocks_make(&d->graph, &d->sketch, &d->blocks));
    const double width = d->width > WIDTH_STRIP ? d->width : WIDTH_STRIP;
    if (d->cell_count > 0)
        NAS_TRY(nas__block_panel_make(&d->graph, &d->blocks, NAS__VIEW_STRIP, width, &d->panel));
    else if (nas__blocks_in_a_row(&d->blocks))
        NAS_TRY(nas__block_panel_make(&d->graph, &d->blocks, NAS__VIEW_LIST, 0, &d->panel));
    else
        NAS_TRY(make_layers(d));
    d->has_panel = true;
    d->width = d->panel.width > d->width ? d->panel.width : d->width;
    d->height += (d->cell_count > 0 ? PANEL_GAP : 0) + d->panel.height;
    if (d->blocks.left_out > 0)
        d->note = "The network has more blocks than a picture shows: those in its middle are one.";
    else if (d->blocks.taken_together)
        d->note = "What stands between two places that few lines pass is drawn as one block.";
    return NAS_OK;
}

static void finish(diagram *d)
{
    d->width = (d->width > WIDTH_LEAST ? d->width : WIDTH_LEAST) + 2 * MARGIN;
    d->height += 2 * MARGIN + HEADING + (d->note ? HEADING : 0);
}

/* ---- drawing --------------------------------------------------------------------------------------------------------- */

/* "3×32×32 to 10 classes, 3,349,342 parameters, 528 M multiply-accumulates" */
static void draw_heading(const diagram *d, nas_text *svg)
{
    nas_text words = {0};
    nas_cost cost;
    nas_graph_cost(&d->graph, &cost);
    nas__shape_words(d->graph.nodes[0].shape, &words);
    nas_text_add(&words, " to ");
    nas__shape_words(d->graph.nodes[d->graph.output].shape, &words);
    nas_text_add(&words, ", ");
    nas__number_words(&words, (double)cost.parameters);
    nas_text_add(&words, " parameters, ");
    nas__short_number((double)cost.macs, &words);
    nas_text_add(&words, " multiply-accumulates");
    nas__svg_words_within(svg, "faint", MARGIN, MARGIN + 13, NAS__START, nas__part(&words, svg),
                          d->width - 2 * MARGIN);
    nas_text_clear(&words);
}

static void draw(const diagram *d, const char *title, bool alone, nas_text *svg)
{
    double x = MARGIN, y = MARGIN + HEADING, highest = 0;
    nas__svg_begin(svg, d->width, d->height, title, alone);
    draw_heading(d, svg);
    for (int i = 0; i < d->cell_count; i++) {
        const nas__cell_panel *panel = &d->cells[i];
        nas__cell_panel_draw(panel, x, y, svg);
        highest = panel->height > highest ? panel->height : highest;
        if (d->cells_beside)
            x += panel->width + CELLS_GAP;
        else
            y += panel->height + (i + 1 < d->cell_count ? PANEL_GAP : 0);
    }
    if (d->cell_count > 0)
        y += (d->cells_beside ? highest : 0) + PANEL_GAP;
    if (d->has_panel)
        nas__block_panel_draw(&d->panel, MARGIN, y, svg);
    if (d->note)
        nas__svg_words_within(svg, "faint small", MARGIN, d->height - MARGIN - 3, NAS__START,
                              d->note, d->width - 2 * MARGIN);
    nas__svg_end(svg);
}

/* ---- whole ------------------------------------------------------------------------------------------------------------- */

/* What was drawn goes to `svg` when all of it is there. */
static nas_status hand_over(const diagram *d, const char *title, bool alone, nas_text *svg)
{
    nas_text drawn = {0};
    draw(d, title, alone, &drawn);
    const nas_status status = nas_text_check(&drawn);
    if (status == NAS_OK)
        nas_text_add_bytes(svg, drawn.data, drawn.length);
    nas_text_clear(&drawn);
    return status == NAS_OK ? nas_text_check(svg) : status;
}

static nas_status draw_arch(const nas_domain *domain, const nas_arch *arch, bool blocks, bool alone,
                            nas_text *svg)
{
    nas_status status = NAS_OK;
    nas_text title = {0};
    diagram *d = calloc(1, sizeof *d);
    if (!d)
        NAS_FAIL(NAS_MEMORY, "no memory for the picture of a network");
    NAS_TRY_DONE(nas_domain_sketch(domain, arch, &d->graph, &d->sketch));
    if (!blocks && d->sketch.cell_count == 0) {
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "networks of space %s are not made of cells; draw the network",
                               domain->space->kind.name);
        goto done;
    }
    NAS_TRY_DONE(make_cells(d));
    if (blocks)
        NAS_TRY_DONE(make_blocks(d));
    finish(d);
    nas_text_format(&title, "%s: ", domain->space->kind.name);
    nas_domain_describe(domain, arch, &title);
    NAS_TRY_DONE(nas_text_check(&title));
    NAS_TRY_DONE(hand_over(d, title.data, alone, svg));
done:
    nas_text_clear(&title);
    clear(d);
    return status;
}

nas_status nas__diagram_network(const nas_domain *domain, const nas_arch *arch, bool alone,
                                nas_text *svg)
{
    return draw_arch(domain, arch, true, alone, svg);
}

nas_status nas__diagram_cells(const nas_domain *domain, const nas_arch *arch, bool alone,
                              nas_text *svg)
{
    return draw_arch(domain, arch, false, alone, svg);
}
