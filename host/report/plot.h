/* plot.h - a chart while it is drawn: what chart.c lays out and marks.c draws into. */
#ifndef CLNAS_REPORT_PLOT_H
#define CLNAS_REPORT_PLOT_H

#include "drawing.h"

enum { NAS__BAR_HEIGHT = 24 }; /* of a category */

typedef struct nas__plot {
    const nas__chart *chart;
    nas_text *svg;
    nas__axis x, y; /* from and to are the edges of the plot */
    bool bars;
    double width, height;
    double left, right, top, bottom;
    int given;        /* points with a place on both axes */
    int cloud, drawn; /* those of clouds, and how many of these were not thinned out */
    int placeless;    /* finite ones that a logarithmic axis has no place for */
} nas__plot;

/* "s0 thick": the colour's class and `more`; lasts until the next call with the same `text`. */
const char *nas__plot_class(nas__plot *plot, const nas__series *series, const char *more,
                            nas_text *text);
void nas__mark_draw(nas__plot *plot, const nas__series *series);
/* Bars of the `slot`-th of `slots` series that share each category. */
void nas__bars_draw(nas__plot *plot, const nas__series *series, int slot, int slots);

#endif
