/* manual_markdown.c - a page of docs/ as part of a man page: the few things of Markdown that docs/ use.
 *
 * `## Heading`, paragraphs, `- lists`, tables (each row an item: its first cell, then the others) and examples, which stand four blanks to the
 * right.  The page's own title is left out.
 */
#include "command_line.h"

#include <string.h>

typedef struct block {
    nas_text text; /* of the paragraph or list item that is read */
    bool item, table;
    bool first; /* right behind a heading, where a page wants no new paragraph */
} block;

static void end_block(nas_text *page, block *b)
{
    if (b->text.length) {
        nas_text_add(page, b->item ? ".IP \\(bu 2\n" : b->first ? "" : ".PP\n");
        cli_manual_text(page, b->text.data);
        b->first = false;
    }
    nas_text_reset(&b->text);
    b->item = false;
}

/* "| `name` | what | more |": the first of a table names its columns, the second is a rule. */
static void add_row(nas_text *page, const char *line, bool first)
{
    nas_text tag = {0}, rest = {0};
    int cell = 0;
    if (first || strncmp(line, "|---", 4) == 0)
        return;
    for (const char *at = line + 1; *at && *at != '\n'; at++) {
        nas_text *to = cell == 0 ? &tag : &rest;
        if (*at == '\\' && at[1] == '|')
            nas_text_format(to, "%c", *++at);
        else if (*at == '|')
            cell++;
        else if (*at != '`' || cell > 0)
            nas_text_format(to, "%c", *at);
    }
    if (nas_text_check(&tag) == NAS_OK && tag.length > 2 && nas_text_check(&rest) == NAS_OK) {
        tag.data[tag.length - 1] = '\0';
        cli_manual_item(page, tag.data + 1, rest.data ? rest.data : "");
    }
    nas_text_clear(&tag);
    nas_text_clear(&rest);
}

static void add_line(nas_text *page, block *b, const char *line)
{
    const bool row = *line == '|', code = strncmp(line, "    ", 4) == 0 && !b->text.length;
    if (row || code || *line == '#' || *line == '\n' || strncmp(line, "- ", 2) == 0)
        end_block(page, b);
    if (row)
        add_row(page, line, !b->table);
    else if (*line == '#') {
        char title[256];
        const char *text = line + strspn(line, "# ");
        snprintf(title, sizeof title, "%.*s", (int)strcspn(text, "\n"), text);
        if (line[1] == '#')
            cli_manual_heading(page, line[2] == '#' ? 2 : 1, title);
        b->first = true;
    } else if (code) {
        nas_text_add(page, b->first ? ".RS 4\n" : ".PP\n.RS 4\n");
        cli_manual_lines(page, line + 4);
        nas_text_add(page, ".RE\n");
    } else if (*line != '\n') {
        b->item |= strncmp(line, "- ", 2) == 0;
        nas_text_add(&b->text, line + (strncmp(line, "- ", 2) == 0 ? 2 : strspn(line, " ")));
    }
    b->table = row;
}

void cli_manual_markdown(nas_text *page, const char *const *lines)
{
    block b = {.first = true};
    for (; *lines; lines++)
        if (**lines)
            add_line(page, &b, *lines);
    end_block(page, &b);
    nas_text_clear(&b.text);
}
