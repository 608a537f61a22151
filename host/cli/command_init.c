/* command_init.c - writes a commented example config and says what to type next. */
#include "cli.h"
#include "templates.h"

#include <string.h>
#include <unistd.h>

typedef struct options {
    const char *output;
    bool list, force;
    int format;
} options;

static const cli_option rows[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, output), "FILE", NULL, 0, 0, NULL,
     "Where to write it (default TEMPLATE.cfg); - is stdout"},
    {"list", 'l', CLI_FLAG, offsetof(options, list), NULL, NULL, 0, 0, NULL, "List the templates"},
    {"force", 0, CLI_FLAG, offsetof(options, force), NULL, NULL, 0, 0, NULL,
     "Overwrite a file that exists"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

/* The first line without "# ". */
static void summary_of(const cli_template *template, char *text, size_t size)
{
    const char *line = template->lines[0] ? template->lines[0] : "";
    line += strspn(line, "# ");
    snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
}

static nas_status print_templates(cli_format format)
{
    cli_listing listing = {.name = "templates"};
    char summary[256];
    cli_listing_column(&listing, "template", true);
    cli_listing_column(&listing, "summary", true);
    for (const cli_template *row = cli_templates; row->name; row++) {
        summary_of(row, summary, sizeof summary);
        cli_listing_row(&listing);
        cli_listing_text(&listing, "template", row->name);
        cli_listing_text(&listing, "summary", summary);
    }
    nas_status status = cli_listing_print(&listing, format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status find_template(const char *name, const cli_template **found)
{
    const char *names[128], *nearest;
    int count = 0;
    for (const cli_template *row = cli_templates; row->name && count < 128; row++) {
        if (strcmp(row->name, name) == 0) {
            *found = row;
            return NAS_OK;
        }
        names[count++] = row->name;
    }
    nearest = nas_nearest_name(name, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "there is no template '%s'; did you mean '%s'?", name, nearest);
    NAS_FAIL(NAS_CONFIG, "there is no template '%s'; 'clnas init --list' lists them", name);
}

static nas_status write_template(const cli_template *template, const options *given)
{
    char path[NAS_PATH_SIZE];
    nas_text text = {0};
    nas_status status;
    snprintf(path, sizeof path, "%s.cfg", template->name);
    if (given->output)
        snprintf(path, sizeof path, "%s", given->output);
    for (const char *const *line = template->lines; *line; line++)
        nas_text_add(&text, *line);
    NAS_TRY_DONE(nas_text_check(&text));
    if (strcmp(path, "-") == 0) {
        fputs(text.data, stdout);
    } else if (access(path, F_OK) == 0 && !given->force) {
        status =
            nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                          "%s exists; --output FILE writes elsewhere, --force overwrites it", path);
    } else {
        NAS_TRY_DONE(nas_file_replace(path, text.data, text.length));
        printf("%s written; next:\n  clnas check %s\n  clnas search %s\n", path, path, path);
    }
done:
    nas_text_clear(&text);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    const cli_template *template = NULL;
    if (given->list)
        return print_templates(given->format);
    NAS_TRY(find_template(call->count ? call->arguments[0] : "quickstart", &template));
    return write_template(template, given);
}

const cli_command cli_command_init = {
    .name = "init",
    .arguments = "[TEMPLATE]",
    .summary = "Write a commented example config",
    .examples =
        "  clnas init                        quickstart.cfg: Fashion-MNIST in a few minutes\n"
        "  clnas init --list                 what other templates there are\n"
        "  clnas init quickstart -o my.cfg\n",
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
