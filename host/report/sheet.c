/* sheet.c - the same pictures as figures of a page and as a file.
 *
 * A page takes each picture as a figure, and its style sheet lays them out for the width of the screen.  A file has a size of
 * its own: pictures are kept until the end, and then set side by side, two in a row, in one <svg>. */
#include "sheet.h"

#include <math.h>

static const double gap = 16, chart_width = 460, chart_height = 290;

void nas__sheet_begin(nas__sheet *sheet, bool alone, nas_text *out)
{
    *sheet = (nas__sheet){.out = out, .alone = alone};
    if (!alone)
        nas__page_pictures_begin(out);
}

nas_text *nas__sheet_picture(nas__sheet *sheet, bool wide, double width, double height)
{
    if (!sheet->alone) {
        nas__page_picture_begin(sheet->out, wide);
        return sheet->out;
    }
    const int at = sheet->count < NAS__PANELS ? sheet->count : NAS__PANELS - 1;
    nas__panel *panel = &sheet->panels[at];
    nas_text_reset(&panel->svg);
    panel->width = width;
    panel->height = height;
    return &panel->svg;
}

void nas__sheet_picture_end(nas__sheet *sheet, const char *caption)
{
    if (!sheet->alone)
        nas__page_picture_end(sheet->out, caption);
    if (sheet->count < NAS__PANELS)
        sheet->count++;
}

nas_text *nas__sheet_whole(nas__sheet *sheet, bool wide)
{
    if (!sheet->alone)
        nas__page_picture_begin(sheet->out, wide);
    sheet->whole = true;
    return sheet->out;
}

void nas__sheet_chart(nas__sheet *sheet, nas__chart *chart, const char *caption)
{
    if (chart->width <= 0)
        chart->width = chart_width;
    if (chart->height <= 0)
        chart->height = chart->category_count > 0 ? nas__chart_height(chart) : chart_height;
    nas_text *svg = nas__sheet_picture(sheet, false, chart->width, chart->height);
    nas__chart_draw(chart, false, svg);
    nas__sheet_picture_end(sheet, caption);
}

/* Two in a row where there are several; sizes of the whole. */
static void lay_out(const nas__sheet *sheet, double x[], double y[], double *width, double *height)
{
    double top = gap, row = 0;
    *width = *height = 0;
    for (int i = 0; i < sheet->count; i++) {
        const nas__panel *panel = &sheet->panels[i];
        const bool second = i % 2 == 1;
        x[i] = second ? x[i - 1] + sheet->panels[i - 1].width + 2 * gap : gap;
        if (!second) {
            top += i ? row + gap : 0;
            row = 0;
        }
        y[i] = top;
        row = fmax(row, panel->height);
        *width = fmax(*width, x[i] + panel->width + gap);
        *height = fmax(*height, top + row + gap);
    }
}

static void compose(nas__sheet *sheet, const char *title)
{
    double x[NAS__PANELS], y[NAS__PANELS], width, height;
    lay_out(sheet, x, y, &width, &height);
    nas__svg_begin(sheet->out, width, height, title, true);
    for (int i = 0; i < sheet->count; i++) {
        const nas__panel *panel = &sheet->panels[i];
        nas_text_add(sheet->out, "<g transform=\"translate(");
        nas__svg_number(sheet->out, x[i]);
        nas_text_add(sheet->out, " ");
        nas__svg_number(sheet->out, y[i]);
        nas_text_add(sheet->out, ")\">\n");
        nas_text_add(sheet->out, nas__part(&panel->svg, sheet->out));
        nas_text_add(sheet->out, "</g>\n");
    }
    nas__svg_end(sheet->out);
}

void nas__sheet_end(nas__sheet *sheet, const char *title)
{
    if (!sheet->alone)
        nas__page_pictures_end(sheet->out);
    else if (!sheet->whole && sheet->count > 0)
        compose(sheet, title);
    for (int i = 0; i < NAS__PANELS; i++)
        nas_text_clear(&sheet->panels[i].svg);
}
