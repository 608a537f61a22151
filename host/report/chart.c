/* chart.c - a chart: title, legend, axes, and the rows of points between them.
 *
 * From the top: title, legend, what y is, the plot, tick labels, what x is.  Words stand beside axes and never on end, so that a
 * phone's reader needs not turn it.  The left margin is as wide as the widest label.  Grid lines are there for y alone: x is read
 * from the pointer's label.  Marks are drawn in the order of the series, so the last one lies on top.
 *
 * Next: marks.c. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>

enum { LEGEND_CHARACTERS = 27, CATEGORY_CHARACTERS = 31, LEGEND_ROW = 19 };
static const double default_width = 720, default_height = 320;

/* ---- ranges --------------------------------------------------------------------------------------------------- */

typedef struct values {
    double low, high;
    bool some, whole;
} values;

static void widen(values *range, double value)
{
    range->low = range->some ? fmin(range->low, value) : value;
    range->high = range->some ? fmax(range->high, value) : value;
    range->whole = (!range->some || range->whole) && value == floor(value);
    range->some = true;
}

static bool has_place(double value, bool log)
{
    return isfinite(value) && (!log || value > 0);
}

static void widen_by_point(nas__plot *plot, const nas__series *series, int i, values *x, values *y)
{
    const nas__chart *chart = plot->chart;
    if (!has_place(series->x[i], chart->x_log) || !has_place(series->y[i], chart->y_log)) {
        plot->placeless += isfinite(series->x[i]) && isfinite(series->y[i]);
        return;
    }
    plot->given++;
    plot->cloud += series->mark == NAS__POINTS;
    widen(x, series->x[i]);
    widen(y, series->y[i]);
    for (int side = 0; side < 2; side++) {
        const double *edge = side ? series->high : series->low;
        const bool bars = series->mark == NAS__BARS;
        if (edge && has_place(edge[i], bars ? chart->x_log : chart->y_log))
            widen(bars ? x : y, edge[i]);
    }
}

/* ---- layout ------------------------------------------------------------------------------------------------------- */

/* What words take that are cut to so many characters. */
static double width_cut(const char *words, int most)
{
    const int width = nas__text_width(words);
    return nas__character_width("") * (width > most ? most : width);
}

/* Names and their colours, in rows; the pixel below them. */
static double legend(nas__plot *plot, double top, bool draw)
{
    nas_text class_ = {0};
    double x = 4, y = top;
    bool some = false;
    for (int i = 0; i < plot->chart->series_count; i++) {
        const nas__series *series = &plot->chart->series[i];
        if (!series->name || !*series->name || series->unlisted)
            continue;
        const double width = 22 + width_cut(series->name, LEGEND_CHARACTERS) + 14;
        if (some && x + width > plot->width) {
            x = 4;
            y += LEGEND_ROW;
        }
        if (draw) {
            const char *name = nas__plot_class(plot, series, "", &class_);
            if (series->mark == NAS__POINTS)
                nas__svg_circle(plot->svg, name, x + 8, y + 8, 4, NULL);
            else
                nas__svg_rect(plot->svg, name, x, y + 6, 16, 4, 2, NULL);
            nas__svg_words_cut(plot->svg, "", x + 22, y + 12.5, NAS__START, series->name,
                               LEGEND_CHARACTERS);
        }
        x += width;
        some = true;
    }
    nas_text_clear(&class_);
    return some ? y + LEGEND_ROW + 2 : top;
}

static double width_of(const nas__chart *chart)
{
    return chart->width > 0 ? chart->width : default_width;
}

double nas__chart_height(const nas__chart *chart)
{
    nas__plot plot = {.chart = chart, .width = width_of(chart)};
    if (chart->height > 0 || chart->category_count == 0)
        return chart->height > 0 ? chart->height : default_height;
    return legend(&plot, chart->title && *chart->title ? 30 : 4, false) +
           NAS__BAR_HEIGHT * chart->category_count + (chart->x_label ? 54 : 36);
}

static double label_width(nas__plot *plot, const nas__axis *axis)
{
    nas_text label = {0};
    double widest = 0;
    for (int i = 0; i < axis->tick_count; i++) {
        nas_text_reset(&label);
        nas__axis_label(axis, axis->ticks[i], &label);
        widest = fmax(widest, nas__svg_width(nas__part(&label, plot->svg)));
    }
    nas_text_clear(&label);
    return widest;
}

static double category_width(const nas__chart *chart)
{
    double widest = 0;
    for (int i = 0; i < chart->category_count; i++)
        widest = fmax(widest, width_cut(chart->categories[i], CATEGORY_CHARACTERS));
    return widest;
}

/* Edges of the plot, and its axes. */
static void lay_out(nas__plot *plot, double top, values x, values y)
{
    const nas__chart *chart = plot->chart;
    plot->top = top + (chart->y_label && *chart->y_label && !plot->bars ? 22 : 8);
    plot->bottom = plot->height - (chart->x_label && *chart->x_label ? 44 : 26);
    if (plot->bars) {
        plot->left = category_width(chart) + 12;
        plot->x.percent = chart->percent;
        widen(&x, 0);
        x.high += 0.14 * (x.high - x.low); /* for the values behind the bars */
    } else {
        plot->y.percent = chart->percent;
        plot->y.log = chart->y_log;
        plot->y.from = plot->bottom;
        plot->y.to = plot->top;
        nas__axis_fit(&plot->y, y.low, y.high, (int)fmin(10, (plot->bottom - plot->top) / 44 + 1),
                      y.whole);
        plot->left = label_width(plot, &plot->y) + 12;
    }
    plot->left = fmin(plot->left, plot->width / 2);
    plot->right = plot->width - 14;
    plot->x.log = chart->x_log;
    plot->x.time = chart->x_time;
    plot->x.from = plot->left;
    plot->x.to = plot->right;
    nas__axis_fit(&plot->x, x.low, x.high, (int)fmin(10, (plot->right - plot->left) / 76 + 1),
                  x.whole);
}

/* ---- drawing ------------------------------------------------------------------------------------------------------ */

static void draw_axes(nas__plot *plot)
{
    nas_text label = {0};
    for (int i = 0; i < plot->y.tick_count && !plot->bars; i++) {
        const double y = nas__axis_place(&plot->y, plot->y.ticks[i]);
        nas_text_reset(&label);
        nas__axis_label(&plot->y, plot->y.ticks[i], &label);
        nas__svg_line(plot->svg, "grid", plot->left, y, plot->right, y);
        nas__svg_words(plot->svg, "faint", plot->left - 7, y + 4.5, NAS__END,
                       nas__part(&label, plot->svg));
    }
    for (int i = 0; i < plot->x.tick_count; i++) {
        const double x = nas__axis_place(&plot->x, plot->x.ticks[i]);
        nas_text_reset(&label);
        nas__axis_label(&plot->x, plot->x.ticks[i], &label);
        nas__svg_line(plot->svg, "grid", x, plot->bars ? plot->top : plot->bottom, x,
                      plot->bottom + 5);
        /* a label at the edge stays inside the picture */
        const double half = nas__svg_width(nas__part(&label, plot->svg)) / 2;
        nas__svg_words(plot->svg, "faint", fmin(x, plot->width - half - 4), plot->bottom + 18,
                       NAS__MIDDLE, nas__part(&label, plot->svg));
    }
    nas__svg_line(plot->svg, "faint thin", plot->left, plot->bottom, plot->right, plot->bottom);
    nas_text_clear(&label);
}

static void draw_categories(nas__plot *plot)
{
    for (int i = 0; i < plot->chart->category_count; i++)
        nas__svg_words_cut(plot->svg, "", plot->left - 8,
                           plot->top + NAS__BAR_HEIGHT * (i + 0.5) + 4.5, NAS__END,
                           plot->chart->categories[i], CATEGORY_CHARACTERS);
}

static void draw_notes(nas__plot *plot)
{
    nas_text note = {0};
    const double room = plot->width - 8;
    if (plot->chart->x_label && *plot->chart->x_label)
        nas__svg_words_within(plot->svg, "faint", plot->right, plot->height - 8, NAS__END,
                              plot->chart->x_label, room);
    if (plot->chart->y_label && *plot->chart->y_label && !plot->bars)
        nas__svg_words_within(plot->svg, "faint", 4, plot->top - 9, NAS__START,
                              plot->chart->y_label, room / 2);
    if (plot->placeless > 0) {
        nas__number_words(&note, plot->placeless);
        nas_text_add(&note, " not above 0");
    } else if (plot->drawn < plot->cloud) {
        nas__number_words(&note, plot->drawn);
        nas_text_add(&note, " of ");
        nas__number_words(&note, plot->cloud);
        nas_text_add(&note, " points drawn");
    }
    if (*nas__part(&note, plot->svg))
        nas__svg_words(plot->svg, "faint small", plot->right, plot->top - 9, NAS__END, note.data);
    nas_text_clear(&note);
}

static void draw_marks(nas__plot *plot)
{
    const nas__chart *chart = plot->chart;
    int slots = 0, slot = 0;
    for (int i = 0; i < chart->series_count; i++)
        slots += chart->series[i].mark == NAS__BARS;
    for (int i = 0; i < chart->series_count; i++)
        if (chart->series[i].mark == NAS__BARS)
            nas__bars_draw(plot, &chart->series[i], slot++, slots);
        else if (!plot->bars)
            nas__mark_draw(plot, &chart->series[i]);
}

void nas__chart_draw(const nas__chart *chart, bool alone, nas_text *svg)
{
    nas__plot plot = {.chart = chart, .svg = svg, .bars = chart->category_count > 0};
    const char *title = chart->title ? chart->title : "";
    values x = {0}, y = {0};
    for (int i = 0; i < chart->series_count; i++)
        for (int k = 0; k < chart->series[i].count; k++)
            widen_by_point(&plot, &chart->series[i], k, &x, &y);
    plot.width = width_of(chart);
    plot.height = nas__chart_height(chart);
    const double title_bottom = *title ? 30 : 4, top = legend(&plot, title_bottom, false);
    lay_out(&plot, top, x, y);
    nas__svg_begin(svg, plot.width, plot.height, title, alone);
    if (*title)
        nas__svg_words_within(svg, "strong", 4, 18, NAS__START, title, plot.width);
    if (plot.given > 0) {
        legend(&plot, title_bottom, true);
        draw_axes(&plot);
        if (plot.bars)
            draw_categories(&plot);
        draw_marks(&plot);
    } else {
        nas__svg_words(svg, "faint", plot.width / 2, plot.height / 2, NAS__MIDDLE,
                       "Nothing to draw yet.");
    }
    draw_notes(&plot);
    nas__svg_end(svg);
}
