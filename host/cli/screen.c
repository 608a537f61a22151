/* screen.c - lines that fit a terminal.
 *
 * Every line has a rank.  Where a terminal has fewer rows than there are lines, those of the highest rank go first.  A line is cut at the
 * width, counting what characters take of it, and texts of others lose what would steer a terminal (characters.c).  Nothing here writes to a
 * terminal or asks it for anything, so that tests can draw a screen of any size.  Read next: status_screen.c. */
#include "screen.h"

#include <math.h>
#include <string.h>

/* ---- characters ---------------------------------------------------------------------------------------------------- */

static void add_character(nas_text *text, uint32_t code)
{
    char bytes[4];
    int length = 1;
    bytes[0] = (char)code;
    if (code >= 0x80) {
        length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (int i = length - 1; i > 0; i--, code >>= 6)
            bytes[i] = (char)(0x80 | (code & 0x3F));
        bytes[0] = (char)((0xF00u >> length & 0xF0u) | code);
    }
    nas_text_add_bytes(text, bytes, (size_t)length);
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

void cli_line_begin(cli_screen *s, int rank)
{
    if (s->count == CLI_LINES)
        s->count--;
    nas_text_add(&s->text, "");
    s->lines[s->count++] = (cli_line){.start = s->text.length, .rank = rank};
}

int cli_line_room(const cli_screen *s)
{
    return s->look->columns - s->lines[s->count - 1].used;
}

/* Where it is cut, "…" stands at the end. */
void cli_line_some(cli_screen *s, int most, const char *text)
{
    cli_line *l = &s->lines[s->count - 1];
    const int limit = most < cli_line_room(s) ? most : cli_line_room(s);
    const bool cut = cli_text_columns(text) > limit;
    int used = 0;
    for (const char *at = text; *at && limit > 0;) {
        const uint32_t code = cli_character_next(&at);
        const int width = cli_character_width(code);
        if (used + width > limit - cut)
            break;
        add_character(&s->text, code);
        used += width;
    }
    if (cut && limit > 0) {
        nas_text_add(&s->text, s->look->unicode ? "…" : "~");
        used++;
    }
    l->used += used;
}

void cli_line_add(cli_screen *s, const char *format, ...)
{
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cli_line_some(s, cli_line_room(s), text);
}

/* Blanks up to a column; at least one where something stands before it. */
void cli_line_column(cli_screen *s, int column)
{
    const int used = s->lines[s->count - 1].used;
    int blanks = column > used ? column - used : used > 0;
    blanks = blanks < cli_line_room(s) ? blanks : cli_line_room(s);
    for (int i = 0; i < blanks; i++)
        nas_text_add(&s->text, " ");
    s->lines[s->count - 1].used += blanks > 0 ? blanks : 0;
}

/* Colours take no room; "" ends one. */
void cli_line_colour(cli_screen *s, const char *code)
{
    if (s->look->colours)
        nas_text_format(&s->text, "\033[%sm", *code ? code : "0");
}

void cli_line_blank(cli_screen *s)
{
    cli_line_begin(s, 9);
}

void cli_line_title(cli_screen *s, int rank, const char *text)
{
    cli_line_begin(s, rank);
    cli_line_colour(s, "1");
    cli_line_add(s, "%s", text);
    cli_line_colour(s, "");
}

void cli_line_label(cli_screen *s, int rank, const char *text)
{
    cli_line_begin(s, rank);
    if (*text) {
        cli_line_colour(s, "2");
        cli_line_add(s, "%s", text);
        cli_line_colour(s, "");
    }
    cli_line_column(s, 10);
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

/* "████▌    ", or "####     " */
void cli_line_bar(cli_screen *s, int width, double share)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const double full = width * fmin(1, fmax(0, share));
    const int whole = (int)full, eighths = s->look->unicode ? (int)(8 * (full - whole)) : 0;
    cli_line_add(s, "%s", s->look->unicode ? "▕" : "[");
    cli_line_colour(s, "32");
    for (int i = 0; i < whole; i++)
        cli_line_add(s, "%s", s->look->unicode ? "█" : "#");
    cli_line_add(s, "%s", parts[eighths]);
    cli_line_colour(s, "");
    for (int i = whole + (eighths > 0); i < width; i++)
        cli_line_add(s, "%s", s->look->unicode ? " " : "-");
    cli_line_add(s, "%s", s->look->unicode ? "▏" : "]");
}

/* Two values each character, four rows of dots: braille.  NaN: none.  Without Unicode a digit each, 0 … 9. */
void cli_line_history(cli_screen *s, const double *values, int count)
{
    static const unsigned char left[5] = {0, 0x40, 0x44, 0x46, 0x47};
    static const unsigned char right[5] = {0, 0x80, 0xA0, 0xB0, 0xB8};
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) {
            least = fmin(least, values[i]);
            most = fmax(most, values[i]);
        }
    for (int i = 0; i < count && cli_line_room(s) > 0; i += s->look->unicode ? 2 : 1) {
        uint32_t code = 0x2800;
        for (int k = 0; k < 2 && i + k < count; k++) {
            const double v = values[i + k];
            const double share = most > least ? (v - least) / (most - least) : 0.5;
            const int level = isfinite(v) ? 1 + (int)(3.999 * share) : 0;
            code |= k ? right[level] : left[level];
            if (!s->look->unicode && k == 0)
                code = isfinite(v) ? '0' + (uint32_t)(9.999 * share) : '.';
            if (!s->look->unicode)
                break;
        }
        add_character(&s->text, code);
        s->lines[s->count - 1].used++;
    }
}

/* ---- what there is room for -------------------------------------------------------------------------------- */

/* How many lines have at most this rank. */
static int lines_to(const cli_screen *s, int rank)
{
    int count = 0;
    for (int i = 0; i < s->count; i++)
        count += s->lines[i].rank <= rank;
    return count;
}

/* Lines up to a rank, and so many of the next one as there is room for, in their order. */
void cli_screen_write(const cli_screen *s, int rows, nas_text *to)
{
    int rank = 9;
    while (rank > 0 && rows > 0 && lines_to(s, rank) > rows)
        rank--;
    int more = rows > 0 && rank < 9 ? rows - lines_to(s, rank) : 0;
    int left = rows > 0 ? rows : s->count;
    nas_text_add(to, "");
    for (int i = 0; i < s->count && left > 0; i++) {
        const size_t end = i + 1 < s->count ? s->lines[i + 1].start : s->text.length;
        if (s->lines[i].rank > rank && (s->lines[i].rank != rank + 1 || more-- <= 0))
            continue;
        nas_text_add_bytes(to, s->text.data + s->lines[i].start, end - s->lines[i].start);
        nas_text_add(to, "\n");
        left--;
    }
}
