/* svg.c - the few SVG elements that pictures are made of.
 *
 * SVG 1.1 is enough: lines, rectangles, circles, paths and text.  Elements say by class what they are (drawing.h has the list); the
 * style sheet says how that looks.  A picture inside a page inherits the page's sheet; one that is a file of its own carries it,
 * and a sheet of paper behind it, so that it can be read wherever it is shown.
 *
 * Next: axis.c. */
#include "drawing.h"

#include <math.h>
#include <string.h>

enum { TITLE_CHARACTERS = 200, HOVER_CHARACTERS = 400, WORD_CHARACTERS = 200 };

void nas__svg_number(nas_text *svg, double value)
{
    if (isfinite(value) && fabs(value) < 1e9)
        nas__number_fixed(svg, value, 2, true);
    else
        nas_text_add(svg, "0"); /* a broken number would end the path that it stands in */
}

void nas__svg_point(nas_text *data, char letter, double x, double y)
{
    nas_text_add_bytes(data, &letter, 1);
    nas__svg_number(data, x);
    nas_text_add(data, " ");
    nas__svg_number(data, y);
}

double nas__character_width(const char *class_)
{
    return strstr(class_, "strong") ? 7.6 : strstr(class_, "small") ? 0.89 * 6.8 : 6.8;
}

double nas__svg_width(const char *words)
{
    return nas__character_width("") * nas__text_width(words);
}

static void add_number(nas_text *svg, const char *name, double value)
{
    nas_text_format(svg, " %s=\"", name);
    nas__svg_number(svg, value);
    nas_text_add(svg, "\"");
}

static void add_class(nas_text *svg, const char *class_)
{
    if (!class_ || !*class_)
        return;
    nas_text_add(svg, " class=\"");
    nas__xml_text(svg, class_);
    nas_text_add(svg, "\"");
}

/* "/>", or what the pointer shows and the end tag. */
static void end_element(nas_text *svg, const char *name, const char *hover)
{
    if (!hover || !*hover) {
        nas_text_add(svg, "/>\n");
        return;
    }
    nas_text_add(svg, "><title>");
    nas__xml_text_cut(svg, hover, HOVER_CHARACTERS);
    nas_text_format(svg, "</title></%s>\n", name);
}

void nas__svg_begin(nas_text *svg, double width, double height, const char *title, bool alone)
{
    nas_text_add(svg, "<svg");
    if (alone)
        nas_text_add(svg, " xmlns=\"http://www.w3.org/2000/svg\"");
    nas_text_add(svg, " viewBox=\"0 0 ");
    nas__svg_number(svg, width);
    nas_text_add(svg, " ");
    nas__svg_number(svg, height);
    nas_text_add(svg, "\"");
    add_number(svg, "width", width);
    add_number(svg, "height", height);
    nas_text_add(svg, " role=\"img\" aria-label=\"");
    nas__xml_text_cut(svg, title ? title : "", TITLE_CHARACTERS);
    nas_text_add(svg, "\">\n");
    if (!alone)
        return;
    nas_text_add(svg, "<style>\n");
    nas__style_picture(svg);
    nas_text_add(svg, "</style>\n");
    nas__svg_rect(svg, "paper", 0, 0, width, height, 0, NULL);
}

void nas__svg_end(nas_text *svg)
{
    nas_text_add(svg, "</svg>\n");
}

void nas__svg_line(nas_text *svg, const char *class_, double x1, double y1, double x2, double y2)
{
    nas_text_add(svg, "<line");
    add_class(svg, class_);
    add_number(svg, "x1", x1);
    add_number(svg, "y1", y1);
    add_number(svg, "x2", x2);
    add_number(svg, "y2", y2);
    end_element(svg, "line", NULL);
}

void nas__svg_rect(nas_text *svg, const char *class_, double x, double y, double width,
                   double height, double radius, const char *hover)
{
    nas_text_add(svg, "<rect");
    add_class(svg, class_);
    add_number(svg, "x", x);
    add_number(svg, "y", y);
    add_number(svg, "width", width > 0 ? width : 0);
    add_number(svg, "height", height > 0 ? height : 0);
    if (radius > 0)
        add_number(svg, "rx", radius);
    end_element(svg, "rect", hover);
}

void nas__svg_circle(nas_text *svg, const char *class_, double x, double y, double radius,
                     const char *hover)
{
    nas_text_add(svg, "<circle");
    add_class(svg, class_);
    add_number(svg, "cx", x);
    add_number(svg, "cy", y);
    add_number(svg, "r", radius > 0 ? radius : 0);
    end_element(svg, "circle", hover);
}

void nas__svg_words_cut(nas_text *svg, const char *class_, double x, double y, nas__anchor anchor,
                        const char *words, int most)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    nas_text_add(svg, "<text");
    add_class(svg, class_);
    add_number(svg, "x", x);
    add_number(svg, "y", y);
    nas_text_add(svg, anchors[anchor]);
    nas_text_add(svg, ">");
    nas__xml_text_cut(svg, words, most < WORD_CHARACTERS ? most : WORD_CHARACTERS);
    nas_text_add(svg, "</text>\n");
}

void nas__svg_words(nas_text *svg, const char *class_, double x, double y, nas__anchor anchor,
                    const char *words)
{
    nas__svg_words_cut(svg, class_, x, y, anchor, words, WORD_CHARACTERS);
}

void nas__svg_words_within(nas_text *svg, const char *class_, double x, double y,
                           nas__anchor anchor, const char *words, double width)
{
    const int most = (int)(width / nas__character_width(class_));
    nas__svg_words_cut(svg, class_, x, y, anchor, words, most);
}

void nas__svg_path(nas_text *svg, const char *class_, const char *data, const char *hover)
{
    nas_text_add(svg, "<path");
    add_class(svg, class_);
    nas_text_add(svg, " d=\"");
    nas__xml_text(svg, data);
    nas_text_add(svg, "\"");
    end_element(svg, "path", hover);
}
