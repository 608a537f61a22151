/* command_report.c - a study as a page to look at, to keep and to send to others. */
#include "cli.h"

#include <clnas/report.h>

#include <string.h>

typedef struct options {
    const char *output;
    bool force;
} options;

static const cli_option rows[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, output), "FILE", NULL, 0, 0, NULL,
     "Where it goes (default: the study's name with .html); - is stdout"},
    {"force", 0, CLI_FLAG, offsetof(options, force), NULL, NULL, 0, 0, NULL,
     "Overwrite a file that is no page"},
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    char path[NAS_PATH_SIZE];
    nas_text page = {0};
    NAS_TRY(cli_report_path(call->arguments[0], ".html", path, sizeof path));
    if (given->output)
        snprintf(path, sizeof path, "%s", given->output);
    nas_status status = nas_report_write(call->arguments[0], &page);
    if (status == NAS_OK)
        status = cli_report_save(path, &page, given->force);
    if (status == NAS_OK && strcmp(path, "-") != 0)
        printf("%s written, %zu kB; it opens in any browser, offline\n", path,
               (page.length + 999) / 1000);
    nas_text_clear(&page);
    return status;
}

const cli_command cli_command_report = {
    .name = "report",
    .arguments = "STUDY",
    .summary = "Write a page about a study: charts, networks, what is needed to repeat it",
    .examples = "  clnas report fashion.study\n"
                "  clnas report fashion.study -o /tmp/fashion.html\n",
    .details = "One HTML file without scripts that asks for nothing from outside.  The study may "
               "still be running.\n"
               "A page of before is replaced; any other file only with --force.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
