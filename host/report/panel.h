/* panel.h - the parts of a network's picture, each measured first and drawn then.  Private to host/report. */
#ifndef CLNAS_REPORT_PANEL_H
#define CLNAS_REPORT_PANEL_H

#include "blocks.h"
#include "drawing.h"
#include "layout.h"

/* A cell as a graph: panel_cell.c. */
typedef struct nas__cell_panel {
    const nas_sketch *sketch;
    const nas_sketch_cell *cell;
    char title[64];
    nas__layout layout;
    double width, height; /* all of it, the title too */
} nas__cell_panel;

nas_status nas__cell_panel_make(const nas_sketch *sketch, int cell, nas__cell_panel *panel);
void nas__cell_panel_draw(const nas__cell_panel *panel, double x, double y, nas_text *svg);
void nas__cell_panel_clear(nas__cell_panel *panel);

/* A network's blocks: panel_blocks.c. */
typedef enum nas__block_view {
    NAS__VIEW_STRIP,  /* small boxes in reading order: what is stacked */
    NAS__VIEW_LIST,   /* one line per block, other connections as arcs beside them */
    NAS__VIEW_LAYERS, /* from top to bottom, side by side what is side by side */
} nas__block_view;

typedef struct nas__block_panel {
    const nas_graph *graph;
    const nas__blocks *blocks;
    nas__block_view view;
    nas_cost cost, most; /* of the network; of the heaviest block */
    nas__layout layout;  /* of NAS__VIEW_LAYERS; of the others the items alone */
    double box_width;    /* but of NAS__VIEW_LIST */
    int per_row;         /* of NAS__VIEW_STRIP */
    int *lane_of;        /* of NAS__VIEW_LIST: lane of each edge, −1: a straight arrow */
    int lanes;
    double lane_pitch;
    double width, height;
} nas__block_panel;

/* `width`: what a strip may take; what a single box of layers may. */
nas_status nas__block_panel_make(const nas_graph *graph, const nas__blocks *blocks,
                                 nas__block_view view, double width, nas__block_panel *panel);
void nas__block_panel_draw(const nas__block_panel *panel, double x, double y, nas_text *svg);
void nas__block_panel_clear(nas__block_panel *panel);

/* ---- panel.c: what they share ----------------------------------------------------------------------------- */

/* "1.25 M" */
void nas__short_number(double value, nas_text *text);
/* "64×14×14"; "10" where there is one pixel */
void nas__shape_words(nas_shape shape, nas_text *text);
/* A line of a layout, with a head where `head`. */
void nas__layout_line(nas_text *svg, const nas__layout *layout, int edge, double x, double y,
                      bool head);
/* A head whose tip is at (x, y), pointing right or down. */
void nas__arrow_head(nas_text *svg, double x, double y, bool down);

#endif
