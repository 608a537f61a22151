/* page.c - an HTML page around pictures, words and tables.
 *
 * One file that opens offline and asks for nothing: no script, no image, no font from anywhere, and a Content-Security-Policy that
 * would let none of them through, whatever stood in a study (W3C, CSP Level 3; `style-src 'unsafe-inline'` is for the one sheet in
 * its head).  The page is written so that an XML parser reads it too: each tag is closed, each attribute quoted, and
 * entities are XML's own five.  That is what the tests hold it to.
 *
 * Next: style.c for how it looks. */
#include "drawing.h"

#include <string.h>

enum { HEADING_CHARACTERS = 200, CELL_CHARACTERS = 400, TABLE_COLUMNS = 64 };

void nas__page_begin(nas_text *page, const char *title, const char *subtitle)
{
    nas_text_add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                       "<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>");
    nas__xml_text_cut(page, title, HEADING_CHARACTERS);
    nas_text_add(page, "</title>\n<style>\n");
    nas__style_page(page);
    nas__style_picture(page);
    nas_text_add(page, "</style>\n</head>\n<body>\n<header>\n<h1>");
    nas__xml_text_cut(page, title, HEADING_CHARACTERS);
    nas_text_add(page, "</h1>\n");
    if (subtitle && *subtitle) {
        nas_text_add(page, "<p>");
        nas__xml_text(page, subtitle);
        nas_text_add(page, "</p>\n");
    }
    nas_text_add(page, "</header>\n<main>\n");
}

void nas__page_end(nas_text *page)
{
    nas_text_add(page, "</main>\n</body>\n</html>\n");
}

static void element(nas_text *page, const char *name, const char *words)
{
    nas_text_format(page, "<%s>", name);
    nas__xml_text(page, words);
    nas_text_format(page, "</%s>\n", name);
}

void nas__page_contents(nas_text *page, const char *const (*sections)[2], int count)
{
    nas_text_add(page, "<nav>\n<ul>\n");
    for (int i = 0; i < count; i++) {
        nas_text_add(page, "<li><a href=\"#");
        nas__xml_text(page, sections[i][0]);
        nas_text_add(page, "\">");
        nas__xml_text(page, sections[i][1]);
        nas_text_add(page, "</a></li>\n");
    }
    nas_text_add(page, "</ul>\n</nav>\n");
}

void nas__page_section(nas_text *page, const char *anchor, const char *heading)
{
    nas_text_add(page, "<section id=\"");
    nas__xml_text(page, anchor);
    nas_text_add(page, "\">\n<h2>");
    nas__xml_text_cut(page, heading, HEADING_CHARACTERS);
    nas_text_add(page, "</h2>\n");
}

void nas__page_section_end(nas_text *page)
{
    nas_text_add(page, "</section>\n");
}

void nas__page_words(nas_text *page, const char *words)
{
    element(page, "p", words);
}

void nas__page_heading(nas_text *page, const char *heading)
{
    element(page, "h3", heading);
}

void nas__page_code(nas_text *page, const char *words)
{
    element(page, "pre", words);
}

/* ---- tables and lists ------------------------------------------------------------------------------------------ */

/* Is it a number as number.c writes it, with a unit or without: or a cell that says there is none? */
static bool is_number(const char *cell)
{
    if (!*cell || strcmp(cell, "–") == 0)
        return true;
    const char *at = strncmp(cell, "−", strlen("−")) == 0 ? cell + strlen("−") : cell;
    if (strncmp(at, "∞", strlen("∞")) == 0)
        return true;
    at += *at == '-' || *at == '+';
    if (*at < '0' || *at > '9')
        return false;
    at += strspn(at, "0123456789.,:e-");
    if (strncmp(at, " ± ", strlen(" ± ")) == 0)
        return is_number(at + strlen(" ± "));
    return !*at || strcmp(at, " %") == 0;
}

static bool all_numbers(const char *const *cells, int rows, int columns, int column)
{
    bool some = false;
    for (int row = 1; row < rows; row++) {
        const char *cell = cells[row * columns + column];
        if (!is_number(cell))
            return false;
        some = some || *cell;
    }
    return some;
}

void nas__page_table(nas_text *page, const char *const *cells, int rows, int columns)
{
    bool numbers[TABLE_COLUMNS] = {false};
    for (int column = 0; column < columns && column < TABLE_COLUMNS; column++)
        numbers[column] = all_numbers(cells, rows, columns, column);
    nas_text_add(page, "<div class=\"table\">\n<table>\n");
    for (int row = 0; row < rows; row++) {
        const char *name = row == 0 ? "th" : "td";
        nas_text_add(page, row == 0 ? "<thead><tr>" : row == 1 ? "<tbody>\n<tr>" : "<tr>");
        for (int column = 0; column < columns; column++) {
            const bool number = column < TABLE_COLUMNS && numbers[column];
            nas_text_format(page, "<%s%s>", name, number ? " class=\"number\"" : "");
            nas__xml_text_cut(page, cells[row * columns + column], CELL_CHARACTERS);
            nas_text_format(page, "</%s>", name);
        }
        nas_text_add(page, row == 0 ? "</tr></thead>\n" : "</tr>\n");
    }
    nas_text_add(page, rows > 1 ? "</tbody>\n</table>\n</div>\n" : "</table>\n</div>\n");
}

void nas__page_facts(nas_text *page, const char *const (*pairs)[2], int count)
{
    nas_text_add(page, "<dl class=\"facts\">\n");
    for (int i = 0; i < count; i++) {
        element(page, "dt", pairs[i][0]);
        element(page, "dd", pairs[i][1]);
    }
    nas_text_add(page, "</dl>\n");
}

void nas__page_figures(nas_text *page, const char *const (*pairs)[2], int count)
{
    nas_text_add(page, "<dl class=\"figures\">\n");
    for (int i = 0; i < count; i++) {
        nas_text_add(page, "<div>");
        element(page, "dt", pairs[i][0]);
        element(page, "dd", pairs[i][1]);
        nas_text_add(page, "</div>\n");
    }
    nas_text_add(page, "</dl>\n");
}

/* ---- pictures and folds ------------------------------------------------------------------------------------------- */

void nas__page_pictures_begin(nas_text *page)
{
    nas_text_add(page, "<div class=\"pictures\">\n");
}

void nas__page_pictures_end(nas_text *page)
{
    nas_text_add(page, "</div>\n");
}

void nas__page_picture_begin(nas_text *page, bool wide)
{
    nas_text_format(page, "<figure%s>\n<div class=\"scroll\">\n", wide ? " class=\"wide\"" : "");
}

void nas__page_picture_end(nas_text *page, const char *caption)
{
    nas_text_add(page, "</div>\n");
    if (caption && *caption)
        element(page, "figcaption", caption);
    nas_text_add(page, "</figure>\n");
}

void nas__page_fold_begin(nas_text *page, const char *summary)
{
    nas_text_add(page, "<details>\n");
    element(page, "summary", summary);
}

void nas__page_fold_end(nas_text *page)
{
    nas_text_add(page, "</details>\n");
}
