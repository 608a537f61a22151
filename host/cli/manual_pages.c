/* manual_pages.c - the pages about files: clnas.cfg(5), from the option tables as docs/config.md is, and clnas-study(5), which is
 * docs/study-schema.md. */
#include "cli.h"

#include "templates.h"

#include <ctype.h>
#include <string.h>

static void add_option(nas_text *page, const nas_option *option)
{
    char range[1024];
    nas_text text = {0};
    cli_option_range_text(option, range, sizeof range);
    nas_text_format(&text, "%s%s%s, %s%s", cli_option_type_text(option->type), *range ? ", " : "",
                    range,
                    !option->fallback   ? "required"
                    : *option->fallback ? "default "
                                        : "empty",
                    option->fallback ? option->fallback : "");
    nas_text_format(&text, ": %s.", option->help ? option->help : "no more to say");
    if (nas_text_check(&text) == NAS_OK)
        cli_manual_item(page, option->name, text.data);
    nas_text_clear(&text);
}

static void add_kind(nas_text *page, const nas_kind *kind)
{
    cli_manual_heading(page, 2, kind->name);
    if (kind->summary)
        cli_manual_sentence(page, kind->summary);
    for (const nas_option *option = kind->options; option && option->name; option++)
        add_option(page, option);
}

static void add_example(nas_text *page)
{
    const cli_template *row = cli_templates;
    nas_text lines = {0};
    while (row->name && strcmp(row->name, "synthetic") != 0)
        row++;
    for (int i = 0; row->name && row->lines[i]; i++)
        nas_text_add(&lines, row->lines[i]);
    cli_manual_heading(page, 1, "examples");
    cli_manual_text(page, "A whole one, for a search of seconds; `clnas init --list` names more:");
    nas_text_add(page, ".PP\n");
    if (nas_text_check(&lines) == NAS_OK)
        cli_manual_lines(page, lines.data);
    nas_text_clear(&lines);
}

static nas_status write_config(const char *folder)
{
    nas_text page = {0};
    int count;
    const cli_kind_list *lists = cli_kind_lists(&count);
    cli_manual_begin(&page, "clnas.cfg", 5, "config of a neural architecture search");
    cli_manual_heading(&page, 1, "description");
    cli_manual_text(
        &page,
        "A config is a text file in libconfig's syntax: `name = value;`, groups in braces, "
        "lists in brackets or, of groups, in parentheses.  An unknown name, a wrong type or "
        "a value out of range is an error with file and line.  `clnas check CONFIG` prints a "
        "config with every default filled in; `clnas describe KIND NAME` prints one of the "
        "tables below.  Every option can be changed on the command line: `-s train.lr=0.05`.");
    for (int i = 0; i < count; i++) {
        if (strcmp(lists[i].name, "op") == 0 || strcmp(lists[i].name, "exporter") == 0)
            continue; /* a config does not name them */
        cli_manual_heading(&page, 1, lists[i].title);
        cli_manual_text(&page, lists[i].text);
        for (int k = 0; k < lists[i].count(); k++)
            add_kind(&page, lists[i].at(k));
    }
    add_example(&page);
    cli_manual_heading(&page, 1, "see also");
    cli_manual_text(&page, "clnas(1), clnas-init(1), clnas-check(1), clnas-describe(1)");
    return cli_manual_finish(&page, folder, "clnas.cfg", 5);
}

static nas_status write_study(const char *folder)
{
    nas_text page = {0};
    cli_manual_begin(&page, "clnas-study", 5, "file that clnas keeps a search in");
    cli_manual_heading(&page, 1, "description");
    cli_manual_markdown(&page, cli_study_schema);
    cli_manual_heading(&page, 1, "see also");
    cli_manual_text(&page, "clnas(1), clnas-trials(1), sqlite3(1)");
    return cli_manual_finish(&page, folder, "clnas-study", 5);
}

nas_status cli_manual_pages_write(const char *folder)
{
    NAS_TRY(write_config(folder));
    return write_study(folder);
}
