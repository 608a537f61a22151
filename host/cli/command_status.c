/* command_status.c - how far a study is, from any terminal, while it runs or afterwards.  Reads only. */
#include "cli.h"

#include <stdlib.h>

typedef struct options {
    bool watch;
    double interval_s;
    int format;
} options;

static const cli_option rows[] = {
    {"watch", 'w', CLI_FLAG, offsetof(options, watch), NULL, NULL, 0, 0, NULL,
     "Keep showing it until it has ended; with --format jsonl an object at each look"},
    {"interval", 'i', CLI_REAL, offsetof(options, interval_s), "SECONDS", "2", 0.1, 86400, NULL,
     "Between two looks"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static const char *type_of(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    return type && type->text ? type->text : "";
}

static void add_columns(cli_listing *listing)
{
    static const struct {
        const char *name;
        bool table;
    } columns[] = {{"study", true},         {"name", true},          {"state", true},
                   {"done", true},          {"total", true},         {"failed", true},
                   {"running", true},       {"queued", false},       {"aliases", false},
                   {"best", true},          {"best_metric", true},   {"best_value", true},
                   {"best_found", false},   {"best_network", true},  {"run_s", true},
                   {"elapsed_s", false},    {"per_minute", true},    {"per_minute_all", false},
                   {"eta_s", true},         {"space", true},         {"strategy", true},
                   {"started", false},      {"ended_by", true},      {"retrain_job", false},
                   {"retrain_jobs", false}, {"retrain_name", false}, {"epoch", false},
                   {"epochs", false},       {"not_retrained", false}};
    listing->name = "status";
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        cli_listing_column(listing, columns[i].name, columns[i].table);
}

static void fill_best(const nas_watch_view *view, cli_listing *listing)
{
    const nas_progress *progress = &view->progress;
    char text[32];
    if (!progress->has_best)
        return;
    cli_time_text(view->best_ms, text);
    cli_listing_int(listing, "best", progress->best_index);
    cli_listing_text(listing, "best_metric", progress->best_metric);
    cli_listing_real(listing, "best_value", progress->best_value, "%.4f");
    cli_listing_text(listing, "best_found", text);
    cli_listing_text(listing, "best_network", view->best_words);
}

static void fill_retraining(const nas_watch_view *view, cli_listing *listing)
{
    const nas_progress *progress = &view->progress;
    if (view->state == NAS_WATCH_DONE) {
        cli_listing_text(listing, "ended_by", view->ended_by);
        cli_listing_int(listing, "not_retrained", view->missing);
    }
    if (progress->jobs == 0)
        return;
    cli_listing_int(listing, "retrain_job", progress->job);
    cli_listing_int(listing, "retrain_jobs", progress->jobs);
    cli_listing_text(listing, "retrain_name", progress->job_name);
    cli_listing_int(listing, "epoch", progress->epoch);
    cli_listing_int(listing, "epochs", progress->epochs);
}

static void fill_counts(const nas_watch_view *view, cli_listing *listing)
{
    const nas_progress *progress = &view->progress;
    cli_listing_int(listing, "done", progress->done);
    if (progress->total)
        cli_listing_int(listing, "total", progress->total);
    cli_listing_int(listing, "failed", progress->failed);
    cli_listing_int(listing, "running", progress->running);
    cli_listing_int(listing, "queued", view->queued);
    cli_listing_int(listing, "aliases", view->aliases);
}

void cli_status_listing(const char *path, const nas_watch_view *view, cli_listing *listing)
{
    const nas_progress *progress = &view->progress;
    char text[32];
    add_columns(listing);
    cli_listing_row(listing);
    cli_listing_text(listing, "study", path);
    cli_listing_text(listing, "name", view->config->study);
    cli_listing_text(listing, "state", nas_watch_state_name(view->state));
    fill_counts(view, listing);
    fill_best(view, listing);
    cli_listing_real(listing, "run_s", progress->run_s, "%.1f");
    if (progress->elapsed_s > 0)
        cli_listing_real(listing, "elapsed_s", progress->elapsed_s, "%.1f");
    if (progress->per_minute > 0)
        cli_listing_real(listing, "per_minute", progress->per_minute, "%.1f");
    if (view->per_minute_all > 0)
        cli_listing_real(listing, "per_minute_all", view->per_minute_all, "%.1f");
    if (progress->eta_s >= 0)
        cli_listing_real(listing, "eta_s", progress->eta_s, "%.0f");
    cli_listing_text(listing, "space", type_of(&view->config->space));
    cli_listing_text(listing, "strategy", type_of(&view->config->strategy));
    cli_time_text(view->begun_ms, text);
    if (view->begun_ms > 0)
        cli_listing_text(listing, "started", text);
    fill_retraining(view, listing);
}

static nas_status print(const char *path, cli_format format, const nas_watch_view *view)
{
    cli_listing listing = {0}, uses = {0};
    const cli_listing *const list = &uses;
    nas_status status;
    cli_status_listing(path, view, &listing);
    cli_uses_listing(&uses, view->progress.uses, view->progress.use_count);
    if (format == CLI_JSON || format == CLI_JSONL)
        status = cli_print_object(&listing, &list, 1, format);
    else
        status = cli_listing_print_one(&listing, format, stdout);
    if (status == NAS_OK && format == CLI_TABLE && view->progress.use_count > 0) {
        putchar('\n');
        status = cli_listing_print(&uses, format, stdout);
    }
    cli_listing_clear(&listing);
    cli_listing_clear(&uses);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    const char *path = call->arguments[0];
    nas_watch *watch = NULL;
    if (given->watch && given->format != CLI_TABLE && given->format != CLI_JSONL)
        NAS_FAIL(NAS_CONFIG, "--watch shows a screen, or, with --format jsonl, a line each time");
    if (given->watch)
        return cli_status_watch(path, given->interval_s, (cli_format)given->format);
    nas_watch_view *view = malloc(sizeof *view);
    if (!view)
        NAS_FAIL(NAS_MEMORY, "no memory for a status");
    nas_status status = nas_session_watch_open(path, &watch);
    if (status == NAS_OK)
        status = nas_session_watch_update(watch, view);
    if (status == NAS_OK)
        status = print(path, (cli_format)given->format, view);
    nas_session_watch_close(watch);
    free(view);
    return status;
}

const cli_command cli_command_status = {
    .name = "status",
    .arguments = "STUDY",
    .summary = "Tell how far a study is",
    .examples = "  clnas status fashion.study\n"
                "  clnas status fashion.study --watch\n"
                "  clnas status fashion.study --watch --interval 10 --format jsonl >>log.jsonl\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
