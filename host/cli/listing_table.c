/* listing_table.c - a listing as people read it: aligned, numbers to the right, cut or wrapped to the width.
 *
 * Columns that a command marked as of little use, and those that are empty in every row, are left out.  What is too
 * wide takes its room from the widest column first; such a cell is cut with "…", or goes on in the next line where the
 * listing says so (sentences).
 */
#include "cli.h"

#include <string.h>

enum { NARROWEST = 10 };

int cli_text_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

/* Takes room from the widest column until the line fits; no column below NARROWEST. */
static void fit_widths(int *width, int count, int limit)
{
    for (;;) {
        int total = -2, widest = -1;
        for (int i = 0; i < count; i++) {
            if (width[i] == 0)
                continue;
            total += width[i] + 2;
            if (width[i] > NARROWEST && (widest < 0 || width[i] > width[widest]))
                widest = i;
        }
        if (total <= limit || widest < 0)
            return;
        width[widest]--;
    }
}

/* Widths of the shown columns (0: not shown, also when every cell is empty). */
static void measure(const cli_listing *listing, int *width, bool *right)
{
    for (int column = 0; column < listing->column_count; column++) {
        bool any = listing->row_count == 0;
        width[column] = cli_text_width(listing->columns[column].name);
        right[column] = listing->row_count > 0;
        for (int row = 0; row < listing->row_count; row++) {
            const cli_cell *cell = cli_listing_cell(listing, row, column);
            int own = cell->text ? cli_text_width(cell->text) : 0;
            any = any || cell->type != CLI_NONE;
            width[column] = own > width[column] ? own : width[column];
            if (cell->type == CLI_CELL_TEXT || cell->type == CLI_CELL_BOOL)
                right[column] = false;
        }
        if (!listing->columns[column].table || !any)
            width[column] = 0;
    }
}

/* Bytes of `text` that go into a line of `width`: all, up to the last blank that fits, or `width` characters. */
static size_t piece_length(const char *text, int width, bool wrap)
{
    size_t blank = 0, at = 0;
    int used = 0;
    if (cli_text_width(text) <= width)
        return strlen(text);
    for (; text[at]; at++) {
        if (((unsigned char)text[at] & 0xC0) != 0x80 && used++ == (wrap ? width : width - 1))
            break;
        if (text[at] == ' ')
            blank = at;
    }
    return wrap && (text[at] == ' ' || blank == 0) ? at : wrap ? blank : at;
}

/* Prints what fits in exactly `width` characters; what is left for the next line, or NULL. */
static const char *print_piece(const char *text, int width, bool right, bool wrap, bool last,
                               FILE *to)
{
    size_t length = piece_length(text, width, wrap);
    bool cut = !wrap && text[length];
    int used = cut, pad;
    for (size_t i = 0; i < length; i++)
        used += ((unsigned char)text[i] & 0xC0) != 0x80;
    pad = width > used ? width - used : 0;
    if (right)
        fprintf(to, "%*s", pad, "");
    for (size_t i = 0; i < length; i++)
        fputc(text[i] == '\n' || text[i] == '\t' ? ' ' : text[i], to);
    fputs(cut ? "…" : "", to);
    if (!right && !last)
        fprintf(to, "%*s", pad, "");
    text += length + strspn(text + length, " ");
    return wrap && *text ? text : NULL;
}

/* One row (-1: the headings), on as many lines as its longest cell needs. */
static void print_row(const cli_listing *listing, int row, const int *width, const bool *right,
                      FILE *to)
{
    const char *left[CLI_COLUMNS];
    int last = 0;
    bool more = true;
    for (int i = 0; i < listing->column_count; i++) {
        left[i] = row < 0 ? listing->columns[i].name : cli_listing_cell(listing, row, i)->text;
        last = width[i] ? i : last;
    }
    while (more) {
        more = false;
        for (int i = 0; i <= last; i++) {
            if (width[i] == 0)
                continue;
            left[i] = print_piece(left[i] ? left[i] : "", width[i], right[i], listing->wrap,
                                  i == last, to);
            more = more || left[i];
            fputs(i == last ? "\n" : "  ", to);
        }
    }
}

void cli_listing_print_table(const cli_listing *listing, FILE *to)
{
    int width[CLI_COLUMNS], limit = cli_terminal_columns(to);
    bool right[CLI_COLUMNS], bold = cli_terminal_colours(to);
    measure(listing, width, right);
    if (limit > 0)
        fit_widths(width, listing->column_count, limit);
    for (int row = -1; row < listing->row_count; row++) {
        fputs(row < 0 && bold ? "\033[1m" : "", to);
        print_row(listing, row, width, right, to);
        fputs(row < 0 && bold ? "\033[0m" : "", to);
    }
}
