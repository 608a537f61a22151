/* marks.c - how a row of points looks: lines, steps, dots, bars, bands.
 *
 * A line of few points shows them, and the pointer finds each; one of many has invisible circles here and there, so that it
 * can be asked, too.  Faint lines are company for others and answer as a whole. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLOUD = 2500, VISIBLE_POINTS = 40, ASKED_POINTS = 150 };

const char *nas__plot_class(nas__plot *plot, const nas__series *series, const char *more,
                            nas_text *text)
{
    nas_text_reset(text);
    if (series->colour < 0)
        nas_text_add(text, "faint");
    else
        nas_text_format(text, "s%d", series->colour % 8);
    if (*more)
        nas_text_format(text, " %s", more);
    return nas__part(text, plot->svg);
}

/* ---- what the pointer shows ---------------------------------------------------------------------------------- */

static void add_value(const nas__axis *axis, double value, nas_text *text)
{
    if (axis->time)
        nas__number_duration(text, value);
    else if (axis->percent)
        nas__number_percent(text, value);
    else
        nas__number_words(text, value);
}

static const char *hover_of(const nas__plot *plot, const nas__series *series, int i, nas_text *text)
{
    nas_text_reset(text);
    if (series->hover) {
        series->hover(series->user, i, text);
    } else {
        if (series->name && *series->name)
            nas_text_format(text, "%s: ", series->name);
        add_value(&plot->x, series->x[i], text);
        if (series->mark != NAS__BARS) {
            nas_text_add(text, ", ");
            add_value(&plot->y, series->y[i], text);
        }
    }
    return nas__part(text, plot->svg);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

/* Pixels of a series' points, and room for the indices of those that are kept. */
typedef struct places {
    double *x, *y;
    int *kept, *other;
} places;

static void pixels_clear(places *pixels)
{
    free(pixels->x);
    free(pixels->y);
    free(pixels->kept);
    free(pixels->other);
}

static bool pixels_init(places *pixels, const nas__plot *plot, const nas__series *series)
{
    const size_t count = series->count > 0 ? (size_t)series->count : 1;
    pixels->x = malloc(count * sizeof *pixels->x);
    pixels->y = malloc(count * sizeof *pixels->y);
    pixels->kept = malloc(count * sizeof *pixels->kept);
    pixels->other = malloc(count * sizeof *pixels->other);
    if (!pixels->x || !pixels->y || !pixels->kept || !pixels->other) {
        plot->svg->failed = true;
        return false;
    }
    for (int i = 0; i < series->count; i++) {
        pixels->x[i] = nas__axis_place(&plot->x, series->x[i]);
        pixels->y[i] = nas__axis_place(&plot->y, series->y[i]);
    }
    return true;
}

/* The path through the kept points; a gap lifts the pen. */
static void path_of(const places *pixels, int count, bool step, nas_text *data)
{
    bool down = false;
    nas_text_reset(data);
    for (int k = 0; k < count; k++) {
        const double x = pixels->x[pixels->kept[k]], y = pixels->y[pixels->kept[k]];
        const bool here = isfinite(x) && isfinite(y);
        if (here && down && step) {
            nas_text_add(data, "H");
            nas__svg_number(data, x);
            nas_text_add(data, "V");
            nas__svg_number(data, y);
        } else if (here) {
            nas__svg_point(data, down ? 'L' : 'M', x, y);
        }
        down = here;
    }
}

/* Points that change nothing of a stepped line: those on the level of the one before, but for the last. */
static int drop_levels(const places *pixels, int count)
{
    int found = 0;
    for (int k = 0; k < count; k++) {
        const double y = pixels->y[pixels->kept[k]];
        if (found == 0 || k == count - 1 || !(y == pixels->y[pixels->kept[found - 1]]))
            pixels->kept[found++] = pixels->kept[k];
    }
    return found;
}

static void draw_asked_points(nas__plot *plot, const nas__series *series, const places *pixels)
{
    nas_text class_ = {0}, hover = {0};
    const int count =
        nas__thin_cloud(pixels->x, pixels->y, series->count, ASKED_POINTS, pixels->other);
    const bool seen =
        series->mark == NAS__LINE && count <= VISIBLE_POINTS && count == series->count;
    for (int k = 0; k < count; k++) {
        const int i = pixels->other[k];
        nas__svg_circle(plot->svg, nas__plot_class(plot, series, seen ? "" : "unseen", &class_),
                        pixels->x[i], pixels->y[i], seen ? 3 : 6,
                        hover_of(plot, series, i, &hover));
    }
    nas_text_clear(&class_);
    nas_text_clear(&hover);
}

static void draw_line(nas__plot *plot, const nas__series *series, const places *pixels)
{
    nas_text class_ = {0}, data = {0};
    const bool step = series->mark == NAS__STEP;
    int count = nas__thin_line(pixels->x, pixels->y, series->count, pixels->kept);
    if (step)
        count = drop_levels(pixels, count);
    path_of(pixels, count, step, &data);
    if (*nas__part(&data, plot->svg))
        nas__svg_path(plot->svg,
                      nas__plot_class(plot, series, series->colour < 0 ? "thin" : "thick", &class_),
                      data.data, series->colour < 0 ? series->name : NULL);
    if (series->colour >= 0)
        draw_asked_points(plot, series, pixels);
    nas_text_clear(&class_);
    nas_text_clear(&data);
}

/* ---- bands --------------------------------------------------------------------------------------------------- */

static void add_edge(const nas__plot *plot, const nas__series *series, const double *edge, int i,
                     bool first, nas_text *data)
{
    nas__svg_point(data, first ? 'M' : 'L', nas__axis_place(&plot->x, series->x[i]),
                   nas__axis_place(&plot->y, edge[i]));
}

/* One closed area for each run of points that have both edges. */
static void draw_band(nas__plot *plot, const nas__series *series)
{
    nas_text class_ = {0}, data = {0};
    for (int first = 0, last; first < series->count; first = last + 1) {
        for (last = first; last < series->count; last++)
            if (isnan(nas__axis_place(&plot->y, series->low[last])) ||
                isnan(nas__axis_place(&plot->y, series->high[last])) ||
                isnan(nas__axis_place(&plot->x, series->x[last])))
                break;
        for (int i = first; i < last; i++)
            add_edge(plot, series, series->high, i, i == first, &data);
        for (int i = last - 1; i >= first; i--)
            add_edge(plot, series, series->low, i, false, &data);
        if (last > first)
            nas_text_add(&data, "Z");
    }
    if (*nas__part(&data, plot->svg))
        nas__svg_path(plot->svg, nas__plot_class(plot, series, "wash", &class_), data.data, NULL);
    nas_text_clear(&class_);
    nas_text_clear(&data);
}

/* ---- dots and bars -------------------------------------------------------------------------------------------- */

static void draw_cloud(nas__plot *plot, const nas__series *series, const places *pixels)
{
    nas_text class_ = {0}, hover = {0};
    const int count = nas__thin_cloud(pixels->x, pixels->y, series->count, CLOUD, pixels->kept);
    for (int k = 0; k < count; k++) {
        const int i = pixels->kept[k];
        nas__svg_circle(plot->svg, nas__plot_class(plot, series, "", &class_), pixels->x[i],
                        pixels->y[i], count > 300 ? 2.5 : 3.5, hover_of(plot, series, i, &hover));
    }
    plot->drawn += count;
    nas_text_clear(&class_);
    nas_text_clear(&hover);
}

void nas__mark_draw(nas__plot *plot, const nas__series *series)
{
    places pixels = {0};
    if (series->low && series->high)
        draw_band(plot, series);
    if (pixels_init(&pixels, plot, series)) {
        if (series->mark == NAS__POINTS)
            draw_cloud(plot, series, &pixels);
        else
            draw_line(plot, series, &pixels);
    }
    pixels_clear(&pixels);
}

/* From low to high across a bar's end; the pixel behind it. */
static double draw_whisker(nas__plot *plot, const nas__series *series, int i, double end, double y)
{
    if (!series->low || !series->high)
        return end;
    const double low = nas__axis_place(&plot->x, series->low[i]);
    const double high = nas__axis_place(&plot->x, series->high[i]);
    if (isnan(low) || isnan(high))
        return end;
    nas__svg_line(plot->svg, "ink thin", low, y, high, y);
    nas__svg_line(plot->svg, "ink thin", low, y - 3, low, y + 3);
    nas__svg_line(plot->svg, "ink thin", high, y - 3, high, y + 3);
    return fmax(end, high);
}

void nas__bars_draw(nas__plot *plot, const nas__series *series, int slot, int slots)
{
    nas_text class_ = {0}, hover = {0}, value = {0};
    const double thick = (NAS__BAR_HEIGHT - 6.0) / slots, zero = nas__axis_place(&plot->x, 0);
    const double start = isnan(zero) ? plot->left : zero;
    for (int i = 0; i < series->count; i++) {
        const double end = nas__axis_place(&plot->x, series->x[i]), row = series->y[i];
        if (isnan(end) || !(row >= 0 && row < plot->chart->category_count))
            continue;
        const double y = plot->top + NAS__BAR_HEIGHT * floor(row) + 3 + thick * slot;
        nas__svg_rect(plot->svg, nas__plot_class(plot, series, "", &class_), fmin(start, end), y,
                      fmax(fabs(end - start), 1), thick, 2, hover_of(plot, series, i, &hover));
        const double behind = draw_whisker(plot, series, i, fmax(start, end), y + thick / 2);
        nas_text_reset(&value);
        add_value(&plot->x, series->x[i], &value);
        if (slots == 1)
            nas__svg_words(plot->svg, "faint small", behind + 5, y + thick / 2 + 4, NAS__START,
                           nas__part(&value, plot->svg));
    }
    nas_text_clear(&class_);
    nas_text_clear(&hover);
    nas_text_clear(&value);
}
