/* reference_page.c - docs/config.md, written from the option tables so that it cannot be wrong.
 *
 *     clnas describe --markdown > docs/config.md
 *
 * The test cli_config_reference compares the committed page with what the program prints.
 */
#include "cli.h"

#include <ctype.h>
#include <string.h>

static const char head[] =
    "# Config reference\n"
    "\n"
    "<!-- Written by `clnas describe --markdown > docs/config.md`; do not edit. -->\n"
    "\n"
    "A config is a text file in libconfig's syntax: `name = value;`, groups in braces, lists in "
    "brackets\n"
    "(`[ 3, 5 ]`) or, of groups, in parentheses. An unknown name, a wrong type or a value out of "
    "range is an\n"
    "error with file and line. `clnas check CONFIG` prints a config with every default filled in;\n"
    "`clnas describe KIND NAME` prints one of the tables below. Every option can be changed on the "
    "command\n"
    "line: `-s train.lr=0.05`, `-s 'space.kernel=[3,5]'`, `-s devices.0.match=type:cpu`.\n"
    "\n"
    "A whole example: `clnas init quickstart`.\n";

/* A cell's text: no bars, no line ends. */
static void add_cell(nas_text *page, const char *text)
{
    for (; *text; text++)
        nas_text_format(page, *text == '|' ? "\\%c" : "%c", *text == '\n' ? ' ' : *text);
}

static void add_option(nas_text *page, const nas_option *option)
{
    char range[1024];
    cli_option_range_text(option, range, sizeof range);
    nas_text_format(page, "| `%s` | %s | ", option->name, cli_option_type_text(option->type));
    if (!option->fallback)
        nas_text_add(page, "required");
    else if (*option->fallback)
        nas_text_format(page, "`%s`", option->fallback);
    else
        nas_text_add(page, "empty");
    nas_text_add(page, " | ");
    add_cell(page, range);
    nas_text_add(page, " | ");
    add_cell(page, option->help ? option->help : "");
    nas_text_add(page, " |\n");
}

/* The summary as a sentence. */
static void add_summary(nas_text *page, const char *summary)
{
    size_t length = summary ? strlen(summary) : 0;
    if (length == 0)
        return;
    nas_text_format(page, "%c%s%s", toupper((unsigned char)summary[0]), summary + 1,
                    summary[length - 1] == '.' ? "" : ".");
}

static void add_kind(nas_text *page, const nas_kind *kind)
{
    nas_text_format(page, "\n### %s\n\n", kind->name);
    add_summary(page, kind->summary);
    if (kind->paper)
        nas_text_format(page, " (%s)", kind->paper);
    nas_text_add(page, "\n");
    if (cli_option_count(kind) == 0) {
        nas_text_add(page, "\nNo options.\n");
        return;
    }
    nas_text_add(page, "\n| option | type | default | range or choices | what it does |\n"
                       "|---|---|---|---|---|\n");
    for (const nas_option *option = kind->options; option->name; option++)
        add_option(page, option);
}

void cli_reference_page(nas_text *page)
{
    int count;
    const cli_kind_list *lists = cli_kind_lists(&count);
    nas_text_add(page, head);
    for (int i = 0; i < count; i++) {
        nas_text_format(page, "\n## %s\n\n%s\n", lists[i].title, lists[i].text);
        for (int k = 0; k < lists[i].count(); k++)
            add_kind(page, lists[i].at(k));
    }
    nas_text_add(page,
                 "\n## Environment\n\nWhat the programs look up there.\n\n| variable | meaning |\n"
                 "|---|---|\n");
    for (const cli_variable *row = cli_environment; row->name; row++)
        nas_text_format(page, "| `%s` | %s |\n", row->name, row->meaning);
}
