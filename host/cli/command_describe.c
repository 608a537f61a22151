/* command_describe.c - what can be written in a config: kinds, names, options with ranges and defaults. */
#include "cli.h"

#include <string.h>

typedef struct options {
    bool markdown;
    int format;
} options;

static const cli_option rows[] = {
    CLI_FORMAT_OPTION(options),
    {"markdown", 0, CLI_FLAG, offsetof(options, markdown), NULL, NULL, 0, 0, NULL, NULL},
    {.name = NULL},
};

static void add_names(const cli_kind_list *list, cli_listing *listing)
{
    for (int i = 0; i < list->count(); i++) {
        const nas_kind *kind = list->at(i);
        cli_listing_row(listing);
        cli_listing_text(listing, "kind", list->name);
        cli_listing_text(listing, "name", kind->name);
        cli_listing_int(listing, "options", cli_option_count(kind));
        cli_listing_text(listing, "summary", kind->summary ? kind->summary : "");
        if (kind->paper)
            cli_listing_text(listing, "paper", kind->paper);
    }
}

/* Names of one list, or of all when `list` is NULL. */
static nas_status print_names(const cli_kind_list *list, cli_format format)
{
    cli_listing listing = {.name = "kinds", .wrap = true};
    int count;
    const cli_kind_list *lists = cli_kind_lists(&count);
    cli_listing_column(&listing, "kind", true);
    cli_listing_column(&listing, "name", true);
    cli_listing_column(&listing, "options", true);
    cli_listing_column(&listing, "summary", true);
    cli_listing_column(&listing, "paper", false);
    for (int i = 0; i < count; i++)
        if (!list || list == &lists[i])
            add_names(&lists[i], &listing);
    nas_status status = cli_listing_print(&listing, format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status print_options(const cli_kind_list *list, const nas_kind *kind, cli_format format)
{
    static const char *const names[] = {"option", "type", "default", "range", "help"};
    cli_listing listing = {.name = "options", .wrap = true};
    char range[1024];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(&listing, names[i], true);
    for (const nas_option *option = kind->options; option && option->name; option++) {
        cli_option_range_text(option, range, sizeof range);
        cli_listing_row(&listing);
        cli_listing_text(&listing, "option", option->name);
        cli_listing_text(&listing, "type", cli_option_type_text(option->type));
        cli_listing_text(&listing, "default", option->fallback ? option->fallback : "(required)");
        cli_listing_text(&listing, "range", range);
        cli_listing_text(&listing, "help", option->help ? option->help : "");
    }
    if (format == CLI_TABLE) {
        printf("%s %s: %s\n", list->name, kind->name, kind->summary ? kind->summary : "");
        if (kind->paper)
            printf("from %s\n", kind->paper);
        printf("%s\n\n", list->text);
    }
    nas_status status = listing.row_count || format != CLI_TABLE
                            ? cli_listing_print(&listing, format, stdout)
                            : NAS_OK;
    if (!listing.row_count && format == CLI_TABLE)
        puts("No options.");
    cli_listing_clear(&listing);
    return status;
}

static const nas_kind *find_name(const cli_kind_list *list, const char *name)
{
    for (int i = 0; i < list->count(); i++)
        if (strcmp(list->at(i)->name, name) == 0)
            return list->at(i);
    return NULL;
}

static nas_status fail_name(const cli_kind_list *list, const char *name)
{
    const char *names[256], *nearest;
    int count = 0;
    while (count < list->count() && count < 256) {
        names[count] = list->at(count)->name;
        count++;
    }
    nearest = nas_nearest_name(name, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "there is no %s '%s'; did you mean '%s'?", list->name, name, nearest);
    NAS_FAIL(NAS_CONFIG, "there is no %s '%s'; 'clnas describe %s' lists them", list->name, name,
             list->name);
}

/* `describe evolution`: the word may be the name itself. */
static nas_status describe_word(const char *word, cli_format format)
{
    int count;
    const cli_kind_list *lists = cli_kind_lists(&count);
    const char *names[16], *nearest;
    for (int i = 0; i < count; i++)
        if (strcmp(lists[i].name, word) == 0)
            return print_names(&lists[i], format);
    for (int i = 0; i < count; i++)
        if (find_name(&lists[i], word))
            return print_options(&lists[i], find_name(&lists[i], word), format);
    for (int i = 0; i < count; i++)
        names[i] = lists[i].name;
    nearest = nas_nearest_name(word, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "there is no kind '%s'; did you mean '%s'?", word, nearest);
    NAS_FAIL(NAS_CONFIG, "there is no kind or name '%s'; 'clnas describe' lists all", word);
}

static nas_status print_page(void)
{
    nas_text page = {0};
    cli_reference_page(&page);
    nas_status status = nas_text_check(&page);
    if (status == NAS_OK)
        fputs(page.data, stdout);
    nas_text_clear(&page);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    const cli_kind_list *list;
    if (given->markdown)
        return print_page();
    if (call->count == 0)
        return print_names(NULL, given->format);
    if (call->count == 1)
        return describe_word(call->arguments[0], given->format);
    list = cli_kind_list_find(call->arguments[0]);
    if (!list)
        return describe_word(call->arguments[0], given->format);
    if (!find_name(list, call->arguments[1]))
        return fail_name(list, call->arguments[1]);
    return print_options(list, find_name(list, call->arguments[1]), given->format);
}

const cli_command cli_command_describe = {
    .name = "describe",
    .arguments = "[KIND [NAME]]",
    .summary = "Explain what a config may say: spaces, strategies, data sets and their options",
    .examples = "  clnas describe\n"
                "  clnas describe strategy evolution\n"
                "  clnas describe space chain --format json\n",
    .arguments_max = 2,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
