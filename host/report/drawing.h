/* drawing.h - what reports are drawn with: SVG elements, charts, and the HTML page around them.  Private to host/report.
 *
 * Pictures name no colours: elements carry classes ("ink", "faint", "grid", "s0" … "s7" for series, "band", "good", "bad"), and one
 * style sheet (style.c) gives them colours for light and dark; it stands once in a page, and inside each SVG that is written
 * alone.  All strings go through nas__xml_text, so whatever a config holds stays text.  Numbers are written in the C locale with as few
 * digits as a screen shows.  Functions never fail: a nas_text is sticky, check it at the end.
 */
#ifndef CLNAS_REPORT_DRAWING_H
#define CLNAS_REPORT_DRAWING_H

#include <clnas/base.h>

/* ---- text: xml.c ------------------------------------------------------------------------------------- */

/* Escapes & < > " ' ; bytes that are no UTF-8 and characters that XML forbids become U+FFFD. */
void nas__xml_text(nas_text *text, const char *words);
/* The same, cut to `most` characters with "…" where it is longer. */
void nas__xml_text_cut(nas_text *text, const char *words, int most);

/* ---- SVG elements: svg.c ------------------------------------------------------------------------------ */

/* Units are CSS pixels; y grows downwards.  `title` is what a screen reader says; alone: with the style sheet and xmlns, as a file
 * of its own needs them. */
void nas__svg_begin(nas_text *svg, double width, double height, const char *title, bool alone);
void nas__svg_end(nas_text *svg);
void nas__svg_line(nas_text *svg, const char *class_, double x1, double y1, double x2, double y2);
/* `hover` (may be NULL) is shown by browsers when the pointer rests on it: <title>. */
void nas__svg_rect(nas_text *svg, const char *class_, double x, double y, double width,
                   double height, double radius, const char *hover);
void nas__svg_circle(nas_text *svg, const char *class_, double x, double y, double radius,
                     const char *hover);
typedef enum nas__anchor { NAS__START, NAS__MIDDLE, NAS__END } nas__anchor;
void nas__svg_words(nas_text *svg, const char *class_, double x, double y, nas__anchor anchor,
                    const char *words);
/* A path from its SVG data, which the caller writes (numbers only). */
void nas__svg_path(nas_text *svg, const char *class_, const char *data, const char *hover);
/* A coordinate: at most two decimals, no trailing zeros. */
void nas__svg_number(nas_text *svg, double value);

/* ---- charts: chart.c, axis.c ------------------------------------------------------------------------------ */

typedef enum nas__mark {
    NAS__LINE,   /* points joined */
    NAS__STEP,   /* a level until the next point: best so far, Pareto fronts */
    NAS__POINTS, /* dots */
    NAS__BARS, /* horizontal bars from 0: one category per point; y is the category's place, x its value */
} nas__mark;

/* One row of points; everything is lent.  NaN: a gap. */
typedef struct nas__series {
    const char *name; /* in the legend; NULL: not there */
    nas__mark mark;
    int colour; /* class s0 … s7; −1: "faint" */
    int count;
    const double *x, *y;
    const double *low, *high; /* a band around y; NULL: none */
    /* What the pointer shows on point i, added to `text` (unescaped); NULL: "name: x, y". */
    void (*hover)(const void *user, int i, nas_text *text);
    const void *user;
} nas__series;

enum { NAS__SERIES = 64 };

typedef struct nas__chart {
    const char *title;
    const char *x_label, *y_label; /* with units */
    bool x_log, y_log, x_time;     /* x_time: x is seconds, axis as m:ss or h:mm */
    bool percent;                  /* y is a share: the axis says per cent */
    double width, height;          /* 0: 720 × 320 */
    int series_count;
    nas__series series[NAS__SERIES];
    const char *const *categories; /* of NAS__BARS, top first; NULL: none */
    int category_count;
} nas__chart;

/* The whole <svg>.  Rows of very many points are thinned to what a screen can show (extremes kept); a chart without points says so. */
void nas__chart_draw(const nas__chart *chart, bool alone, nas_text *svg);

/* ---- pages: page.c ---------------------------------------------------------------------------------------- */

/* Head with title, style sheet and a Content-Security-Policy that lets nothing in or out; then <body>, heading. */
void nas__page_begin(nas_text *page, const char *title, const char *subtitle);
/* A section with a heading; `anchor` is an id for the list of contents.  End it with nas__page_section_end. */
void nas__page_section(nas_text *page, const char *anchor, const char *heading);
void nas__page_section_end(nas_text *page);
void nas__page_end(nas_text *page);
/* A <table> from text cells, row by row, the first row its head; cells are escaped; columns whose cells are all numbers stand right. */
void nas__page_table(nas_text *page, const char *const *cells, int rows, int columns);

#endif
