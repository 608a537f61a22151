/* command_status.c - how far a study is, from any terminal, while it runs or afterwards.  Reads only. */
#include "cli.h"

#include <stdlib.h>
#include <time.h>

typedef struct options {
    bool watch;
    int format;
} options;

static const cli_option rows[] = {
    {"watch", 'w', CLI_FLAG, offsetof(options, watch), NULL, NULL, 0, 0, NULL,
     "Show one line, again every two seconds, until Ctrl-C"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static void add_columns(cli_listing *listing)
{
    static const char *const names[] = {
        "study",       "name",       "done",  "total",      "failed", "running", "best",
        "best_metric", "best_value", "run_s", "per_minute", "eta_s",  "space",   "strategy"};
    listing->name = "status";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i], true);
}

static const char *type_of(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    return type && type->text ? type->text : "";
}

static void fill(cli_listing *listing, const char *path, const nas_config *config,
                 const nas_progress *progress)
{
    cli_listing_row(listing);
    cli_listing_text(listing, "study", path);
    cli_listing_text(listing, "name", config->study);
    cli_listing_int(listing, "done", progress->done);
    if (progress->total)
        cli_listing_int(listing, "total", progress->total);
    cli_listing_int(listing, "failed", progress->failed);
    cli_listing_int(listing, "running", progress->running);
    if (progress->has_best) {
        cli_listing_int(listing, "best", progress->best_index);
        cli_listing_text(listing, "best_metric", progress->best_metric);
        cli_listing_real(listing, "best_value", progress->best_value, "%.4f");
    }
    cli_listing_real(listing, "run_s", progress->run_s, "%.1f");
    if (progress->per_minute > 0)
        cli_listing_real(listing, "per_minute", progress->per_minute, "%.1f");
    if (progress->eta_s >= 0)
        cli_listing_real(listing, "eta_s", progress->eta_s, "%.0f");
    cli_listing_text(listing, "space", type_of(&config->space));
    cli_listing_text(listing, "strategy", type_of(&config->strategy));
}

static nas_status show(const char *path, const options *given, nas_config *config)
{
    nas_progress progress = {0};
    cli_listing listing = {0}, uses = {0};
    const cli_listing *const list = &uses;
    char line[768];
    NAS_TRY(nas_session_status(path, config, &progress));
    if (given->watch) {
        cli_session_line(&progress, line, sizeof line);
        cli_progress_draw(line);
        return NAS_OK;
    }
    add_columns(&listing);
    fill(&listing, path, config, &progress);
    cli_uses_listing(&uses, progress.uses, progress.use_count);
    nas_status status;
    if (given->format == CLI_JSON || given->format == CLI_JSONL)
        status = cli_print_object(&listing, &list, 1, given->format);
    else
        status = cli_listing_print_one(&listing, given->format, stdout);
    if (status == NAS_OK && given->format == CLI_TABLE && progress.use_count > 0) {
        putchar('\n');
        status = cli_listing_print(&uses, given->format, stdout);
    }
    cli_listing_clear(&listing);
    cli_listing_clear(&uses);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    const struct timespec pause = {2, 0};
    nas_config *config;
    nas_status status;
    do {
        config = calloc(1, sizeof *config);
        if (!config)
            NAS_FAIL(NAS_MEMORY, "no memory for a config");
        status = show(call->arguments[0], given, config);
        nas_config_clear(config);
        free(config);
    } while (status == NAS_OK && given->watch && nanosleep(&pause, NULL) == 0);
    return status;
}

const cli_command cli_command_status = {
    .name = "status",
    .arguments = "STUDY",
    .summary = "Tell how far a study is",
    .examples = "  clnas status fashion.study\n"
                "  clnas status fashion.study --watch\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
