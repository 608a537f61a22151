/* manual_text.c - the words of a man page, in the macros that every man(1) knows (man(7)).
 *
 * Nothing in a text may be taken for a request: a line never begins with a dot or a quote, a backslash is \e, and letters beyond ASCII
 * are \[uXXXX], which both groff and mandoc know in any locale.
 */
#include "command_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One letter of UTF-8 as its number; *text goes on behind it. */
static unsigned next_letter(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    int more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc0 ? 1 : 0;
    unsigned letter = more ? *at & (0x3fu >> more) : *at;
    for (at++; more > 0 && (*at & 0xc0) == 0x80; at++, more--)
        letter = letter << 6 | (*at & 0x3fu);
    *text = (const char *)at;
    return letter;
}

/* `hard`: hyphens are those that are typed. */
static void add_letter(nas_text *page, unsigned letter, bool hard)
{
    if (letter == '\\')
        nas_text_add(page, "\\e");
    else if (letter == '-' && hard)
        nas_text_add(page, "\\-");
    else if (letter < 0x80)
        nas_text_format(page, "%c", (int)letter);
    else
        nas_text_format(page, "\\[u%04X]", letter);
}

static void add_span(nas_text *page, const char *text, size_t length, bool hard)
{
    for (const char *end = text + length; text < end;)
        add_letter(page, next_letter(&text), hard);
}

/* Blanks become line ends where a line is long: pages are read as files, too. */
void cli_manual_text(nas_text *page, const char *text)
{
    enum { WIDTH = 70 };
    bool code = false;
    int column = 0;
    for (; *text; column++) {
        const bool begins = column == 0;
        if (begins && (*text == ' ' || *text == '\n')) {
            text++;
            column = -1;
            continue;
        }
        if (*text == '`') {
            code = !code;
            nas_text_add(page, code ? "\\fB" : "\\fR");
            text++;
        } else if (*text == '\n' || (*text == ' ' && column > WIDTH && !code)) {
            nas_text_add(page, "\n");
            text++;
            column = -1;
        } else {
            if (begins && (*text == '.' || *text == '\''))
                nas_text_add(page, "\\&");
            add_letter(page, next_letter(&text), code || text[1] == '-');
        }
    }
    if (column > 0)
        nas_text_add(page, "\n");
}

void cli_manual_sentence(nas_text *page, const char *text)
{
    nas_text sentence = {0};
    const size_t length = strlen(text);
    nas_text_format(&sentence, "%s%s", text, length && text[length - 1] == '.' ? "" : ".");
    if (nas_text_check(&sentence) == NAS_OK)
        cli_manual_text(page, sentence.data);
    nas_text_clear(&sentence);
}

void cli_manual_heading(nas_text *page, int level, const char *title)
{
    nas_text_add(page, level > 1 ? ".SS " : ".SH ");
    for (; *title; title++)
        nas_text_format(page, "%c", level > 1 ? *title : toupper((unsigned char)*title));
    nas_text_add(page, "\n");
}

void cli_manual_item(nas_text *page, const char *tag, const char *text)
{
    nas_text_add(page, ".TP\n\\fB");
    add_span(page, tag, strlen(tag), true);
    nas_text_add(page, "\\fR\n");
    cli_manual_text(page, text);
}

void cli_manual_lines(nas_text *page, const char *lines)
{
    nas_text_add(page, ".nf\n");
    while (*lines) {
        const size_t length = strcspn(lines, "\n");
        if (length && (*lines == '.' || *lines == '\''))
            nas_text_add(page, "\\&");
        add_span(page, lines, length, true);
        nas_text_add(page, "\n");
        lines += length + (lines[length] == '\n');
    }
    nas_text_add(page, ".fi\n");
}

/* The day of $SOURCE_DATE_EPOCH, so that packages can be made again to the byte, or today. */
static void write_day(char day[16])
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    const time_t now = epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || !strftime(day, 16, "%Y-%m-%d", &parts))
        strcpy(day, "1970-01-01");
}

void cli_manual_begin(nas_text *page, const char *name, int section, const char *summary)
{
    char day[16];
    int major, minor, patch;
    nas_version(&major, &minor, &patch);
    write_day(day);
    nas_text_format(page, ".\\\" Written by the program itself from its option tables.\n.TH ");
    for (const char *at = name; *at; at++)
        nas_text_format(page, *at == '-' ? "\\-" : "%c", toupper((unsigned char)*at));
    nas_text_format(page, " %d %s \"clnas %d.%d.%d\" \"clnas\"\n.SH NAME\n", section, day, major,
                    minor, patch);
    add_span(page, name, strlen(name), true);
    nas_text_add(page, " \\- ");
    add_span(page, summary, strlen(summary), false);
    nas_text_add(page, "\n");
}

nas_status cli_manual_finish(nas_text *page, const char *folder, const char *name, int section)
{
    char path[NAS_PATH_SIZE];
    nas_status status = nas_text_check(page);
    if (snprintf(path, sizeof path, "%s/%s.%d", folder, name, section) >= (int)sizeof path)
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "the path %s is too long", folder);
    if (status == NAS_OK)
        status = nas_file_replace(path, page->data, page->length);
    nas_text_clear(page);
    return status;
}
