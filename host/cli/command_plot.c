/* command_plot.c - one picture of a study, as an SVG file. */
#include "cli.h"

#include <clnas/report.h>

#include <string.h>

typedef struct options {
    const char *output;
    bool force;
    int format;
} options;

static const cli_option rows[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, output), "FILE", NULL, 0, 0, NULL,
     "Where it goes (default: the study's name with -PICTURE.svg); - is stdout"},
    {"force", 0, CLI_FLAG, offsetof(options, force), NULL, NULL, 0, 0, NULL,
     "Overwrite a file that is no picture"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status print_plots(cli_format format)
{
    cli_listing listing = {.name = "plots"};
    const nas_kind *kind;
    cli_listing_column(&listing, "picture", true);
    cli_listing_column(&listing, "summary", true);
    for (int i = 0; (kind = nas_plot_at(i)) != NULL; i++) {
        cli_listing_row(&listing);
        cli_listing_text(&listing, "picture", kind->name);
        cli_listing_text(&listing, "summary", kind->summary);
    }
    nas_status status = cli_listing_print(&listing, format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    char path[NAS_PATH_SIZE], ending[NAS_NAME_SIZE];
    nas_text svg = {0};
    if (call->count == 0)
        return print_plots(given->format);
    if (call->count == 1)
        NAS_FAIL(NAS_CONFIG, "of which study? clnas plot %s STUDY; clnas plot lists the pictures",
                 call->arguments[0]);
    snprintf(ending, sizeof ending, "-%.24s.svg", call->arguments[0]);
    NAS_TRY(cli_report_path(call->arguments[1], ending, path, sizeof path));
    if (given->output)
        snprintf(path, sizeof path, "%s", given->output);
    nas_status status = nas_plot_write(call->arguments[0], call->arguments[1], &svg);
    if (status == NAS_OK)
        status = cli_report_save(path, &svg, given->force);
    if (status == NAS_OK && strcmp(path, "-") != 0)
        printf("%s written\n", path);
    nas_text_clear(&svg);
    return status;
}

const cli_command cli_command_plot = {
    .name = "plot",
    .arguments = "[PICTURE STUDY]",
    .summary = "Draw one picture of a study as SVG; without arguments list the pictures",
    .examples = "  clnas plot\n"
                "  clnas plot history fashion.study\n"
                "  clnas plot pareto fashion.study -o fronts.svg\n",
    .details = "The pictures are those of clnas report.  They are readable on light and dark "
               "pages.\n"
               "A picture of before is replaced; any other file only with --force.\n",
    .arguments_max = 2,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
