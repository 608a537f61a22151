/* panel.c - what all pictures of networks share: numbers in few letters, lines with heads.
 *
 * A line through a layout's points is straight where it passes a layer and swings between two of them, with tangents along
 * the main axis, so it stays in the gap that has no boxes.
 *
 * Next: panel_cell.c, panel_blocks.c. */
#include "panel.h"

#include <math.h>

void nas__short_number(double value, nas_text *text)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    int unit = 0;
    if (value < 10000) {
        nas__number_fixed(text, value, 0, true);
        return;
    }
    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    nas__number_fixed(text, value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, true);
    nas_text_add(text, units[unit]);
}

void nas__shape_words(nas_shape shape, nas_text *text)
{
    nas_text_format(text, "%d", shape.c);
    if (shape.h > 1 || shape.w > 1)
        nas_text_format(text, "×%d×%d", shape.h, shape.w);
}

void nas__arrow_head(nas_text *svg, double x, double y, bool down)
{
    nas_text data = {0};
    nas__svg_point(&data, 'M', down ? x - 4 : x - 7, down ? y - 7 : y - 4);
    nas__svg_point(&data, 'L', x, y);
    nas__svg_point(&data, 'L', down ? x + 4 : x - 7, down ? y - 7 : y + 4);
    nas__svg_path(svg, "faint head", nas__part(&data, svg), NULL);
    nas_text_clear(&data);
}

/* From (x1, y1) to (x2, y2), leaving and arriving along the main axis. */
static void swing(nas_text *data, bool down, double x1, double y1, double x2, double y2)
{
    const double middle = down ? (y1 + y2) / 2 : (x1 + x2) / 2;
    nas__svg_point(data, 'C', down ? x1 : middle, down ? middle : y1);
    nas_text_add(data, " ");
    nas__svg_number(data, down ? x2 : middle);
    nas_text_add(data, " ");
    nas__svg_number(data, down ? middle : y2);
    nas_text_add(data, " ");
    nas__svg_number(data, x2);
    nas_text_add(data, " ");
    nas__svg_number(data, y2);
}

void nas__layout_line(nas_text *svg, const nas__layout *layout, int edge, double x, double y,
                      bool head)
{
    const nas__layout_edge *e = &layout->edges[edge];
    const double(*p)[2] = (const double(*)[2])layout->points + e->first;
    nas_text data = {0};
    nas__svg_point(&data, 'M', x + p[0][0], y + p[0][1]);
    for (int i = 1; i < e->count; i++)
        if (i % 2 == 1)
            nas__svg_point(&data, 'L', x + p[i][0], y + p[i][1]);
        else
            swing(&data, layout->down, x + p[i - 1][0], y + p[i - 1][1], x + p[i][0], y + p[i][1]);
    nas__svg_path(svg, "faint line", nas__part(&data, svg), NULL);
    if (head)
        nas__arrow_head(svg, x + p[e->count - 1][0], y + p[e->count - 1][1], layout->down);
    nas_text_clear(&data);
}
