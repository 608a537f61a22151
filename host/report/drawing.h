/* drawing.h - what reports are drawn with: SVG elements, charts, and the HTML page around them.  Private to host/report.
 *
 * Pictures name no colours: elements carry classes, and one style sheet (style.c) gives them colours for light and dark; it
 * stands once in a page, and inside each SVG that is written alone.  All strings go through nas__xml_text, so whatever a config
 * holds stays text.  Numbers are written as the C locale has them, with as few digits as a screen shows.  Functions never fail: a
 * nas_text is sticky, check it at the end.
 *
 * Classes of any SVG element, several with blanks between:
 *   colour   ink faint grid good bad paper, s0 … s7 (told apart by the colour-blind too); none: ink
 *   lines    thick, thin, dash
 *   areas    wash (filled lightly: bands), box (filled with the page's colour, outlined in its own)
 *   words    strong, small, code (fixed width)
 */
#ifndef CLNAS_REPORT_DRAWING_H
#define CLNAS_REPORT_DRAWING_H

#include <clnas/base.h>

/* The words of a part, "" where it has none; a part that failed fails the whole that they go into. */
const char *nas__part(const nas_text *part, nas_text *whole);

/* ---- text: xml.c ------------------------------------------------------------------------------------- */

/* Escapes & < > " ' ; bytes that are no UTF-8 and characters that XML forbids become U+FFFD. */
void nas__xml_text(nas_text *text, const char *words);
/* The same, cut to `most` characters with "…" as the last of them where it is longer. */
void nas__xml_text_cut(nas_text *text, const char *words, int most);

/* ---- words that are too long: cut.c ------------------------------------------------------------------- */

/* Characters of it, as nas__xml_text shows them. */
int nas__text_width(const char *words);
/* Bytes of the characters that stay where there is room for `most`: all, or one less than `most`, for "…". */
size_t nas__text_cut(const char *words, int most);
/* Into an array of `size` bytes, at least 8: whole characters, and "…" where some are missing. */
void nas__text_fit(char *to, size_t size, const char *words);

/* ---- numbers: number.c ------------------------------------------------------------------------------------ */

/* With `decimals` decimals; trailing zeros go where `trim`. */
void nas__number_fixed(nas_text *text, double value, int decimals, bool trim);
/* As people read it: whole numbers in full ("1,234,567"), others with so many digits; "–" for NaN. */
void nas__number_digits(nas_text *text, double value, int digits);
/* The same with four digits. */
void nas__number_words(nas_text *text, double value);
/* For sentences that printf writes: the number in `words`, which is cleared; what nas__number_digits makes of a value. */
enum { NAS__NUMBER_SIZE = 32 };
nas_status nas__number_take(nas_text *words, char text[NAS__NUMBER_SIZE]);
nas_status nas__number_in(double value, int digits, char text[NAS__NUMBER_SIZE]);
/* "97.31 %" of 0.9731. */
void nas__number_percent(nas_text *text, double share);
/* Seconds as "0:42" or "1:02:03". */
void nas__number_duration(nas_text *text, double seconds);

/* ---- the style sheets: style.c ------------------------------------------------------------------------------ */

/* The rules of pictures; those of pages. */
void nas__style_picture(nas_text *text);
void nas__style_page(nas_text *text);

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
/* The same, with "…" as the last of `most` characters where there are more; where they would be wider than so many pixels. */
void nas__svg_words_cut(nas_text *svg, const char *class_, double x, double y, nas__anchor anchor,
                        const char *words, int most);
void nas__svg_words_within(nas_text *svg, const char *class_, double x, double y,
                           nas__anchor anchor, const char *words, double width);
/* A path from its SVG data, which the caller writes (numbers only). */
void nas__svg_path(nas_text *svg, const char *class_, const char *data, const char *hover);
/* A coordinate: at most two decimals, no trailing zeros. */
void nas__svg_number(nas_text *svg, double value);
/* "M12.5 40": a letter of a path and the point behind it. */
void nas__svg_point(nas_text *data, char letter, double x, double y);
/* What a character of a class takes, about: 13 px of a screen's letters, "small" ones less; what words take. */
double nas__character_width(const char *class_);
double nas__svg_width(const char *words);

/* ---- axes: axis.c ------------------------------------------------------------------------------------------- */

enum { NAS__TICKS = 24 };

/* Values from low to high onto pixels from … to, with round numbers at the ticks. */
typedef struct nas__axis {
    bool log, time, percent; /* time: of seconds */
    double low, high;        /* set by nas__axis_fit */
    double from, to;         /* pixels, set by the caller */
    double step;             /* between ticks; 0: of a logarithmic axis */
    int tick_count;
    double ticks[NAS__TICKS];
} nas__axis;

/* Sets low, high and about `wanted` ticks so that `low` … `high` are in it.  whole: no ticks between whole numbers. */
void nas__axis_fit(nas__axis *axis, double low, double high, int wanted, bool whole);
/* The pixel of a value; NaN for what has none: not finite, or not positive on a logarithmic axis. */
double nas__axis_place(const nas__axis *axis, double value);
void nas__axis_label(const nas__axis *axis, double tick, nas_text *label);

/* ---- charts: chart.c, marks.c, thin.c ------------------------------------------------------------------------- */

typedef enum nas__mark {
    NAS__LINE,   /* points joined */
    NAS__STEP,   /* a level until the next point: best so far, Pareto fronts */
    NAS__POINTS, /* dots */
    NAS__BARS, /* horizontal bars from 0: one category per point; y is the category's place, x its value */
} nas__mark;

/* One row of points; everything is lent.  NaN: a gap. */
typedef struct nas__series {
    const char *name; /* in the legend; NULL: not there */
    bool unlisted;    /* named for the pointer, but not in the legend */
    nas__mark mark;
    int colour; /* class s0 … s7; −1: "faint" */
    int count;
    const double *x, *y;
    const double *low, *high; /* a band around y, of bars whiskers around x; NULL: none */
    /* What the pointer shows on point i, added to `text` (unescaped); NULL: "name: x, y". */
    void (*hover)(const void *user, int i, nas_text *text);
    const void *user;
} nas__series;

enum { NAS__SERIES = 64 };

typedef struct nas__chart {
    const char *title;
    const char *x_label, *y_label; /* with units */
    bool x_log, y_log, x_time;     /* x_time: x is seconds, axis as m:ss or h:mm */
    bool percent;                  /* y (of bars: x) is a share: the axis says per cent */
    double width, height;          /* 0: 720 × 320; bars: as high as they need */
    int series_count;
    nas__series series[NAS__SERIES];
    const char *const *categories; /* of NAS__BARS, top first; NULL: none */
    int category_count;
} nas__chart;

/* The whole <svg>.  Rows of very many points are thinned to what a screen can show (extremes kept), and the chart says so; one
 * without points says that, too. */
void nas__chart_draw(const nas__chart *chart, bool alone, nas_text *svg);
/* How high a chart is that does not say it. */
double nas__chart_height(const nas__chart *chart);

/* Indices of the points to draw, increasing, into kept[count]; how many.  Points of a cloud at pixels (x, y): about `most`, one of
 * those that lie together.  Of a line with x increasing: the first, lowest, highest and last of each pixel's column. */
int nas__thin_cloud(const double *x, const double *y, int count, int most, int *kept);
int nas__thin_line(const double *x, const double *y, int count, int *kept);

/* ---- pages: page.c ---------------------------------------------------------------------------------------- */

/* Head with title, style sheet and a Content-Security-Policy that lets nothing in or out; then <body>, heading. */
void nas__page_begin(nas_text *page, const char *title, const char *subtitle);
/* The list of contents: `count` pairs of anchor and heading. */
void nas__page_contents(nas_text *page, const char *const (*sections)[2], int count);
/* A section with a heading; `anchor` is an id for the list of contents.  End it with nas__page_section_end. */
void nas__page_section(nas_text *page, const char *anchor, const char *heading);
void nas__page_section_end(nas_text *page);
void nas__page_end(nas_text *page);
/* A paragraph; a smaller heading; a block of fixed width. */
void nas__page_words(nas_text *page, const char *words);
void nas__page_heading(nas_text *page, const char *heading);
void nas__page_code(nas_text *page, const char *words);
/* A <table> from text cells, row by row, the first row its head; cells are escaped; columns whose cells are all numbers stand right. */
void nas__page_table(nas_text *page, const char *const *cells, int rows, int columns);
/* Names and values, `count` pairs. */
void nas__page_facts(nas_text *page, const char *const (*pairs)[2], int count);
/* Big numbers in a row: what it is, and the value. */
void nas__page_figures(nas_text *page, const char *const (*pairs)[2], int count);
/* Pictures side by side where there is room: pictures_begin, for each picture_begin, the <svg>, picture_end; pictures_end.  wide: it
 * takes a row of its own, and scrolls where that is not enough. */
void nas__page_pictures_begin(nas_text *page);
void nas__page_pictures_end(nas_text *page);
void nas__page_picture_begin(nas_text *page, bool wide);
void nas__page_picture_end(nas_text *page, const char *caption);
/* What is folded away under a summary until somebody opens it. */
void nas__page_fold_begin(nas_text *page, const char *summary);
void nas__page_fold_end(nas_text *page);

#endif
