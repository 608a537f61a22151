/* study_view.c - a study as the reading commands print it: its name and trial apart, its trials as rows. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

nas_status cli_study_split(const char *text, char *path, size_t size, int64_t *trial)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    *trial = -1;
    if (colon && colon[1]) {
        errno = 0;
        long long number = strtoll(colon + 1, &end, 10);
        if (*end == '\0' && errno == 0 && number >= 0 && number <= INT32_MAX)
            *trial = number;
        else
            colon = NULL;
    }
    if (*trial < 0)
        colon = NULL;
    if ((size_t)snprintf(path, size, "%.*s", colon ? (int)(colon - text) : (int)strlen(text),
                         text) >= size)
        NAS_FAIL(NAS_CONFIG, "the path %.40s… is too long", text);
    return NAS_OK;
}

void cli_time_text(int64_t time_ms, char text[32])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    text[0] = '\0';
    if (gmtime_r(&seconds, &parts))
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* ---- trials as rows --------------------------------------------------------------------------------- */

/* Field names are the metrics' own, unless one is called as a column of ours. */
static void metric_column(const char *metric, char *name, size_t size)
{
    static const char *const ours[] = {"trial",   "status",   "seconds", "device",  "arch",
                                       "derived", "reason",   "budget",  "parent",  "from",
                                       "alias",   "attempts", "note",    "started", "ended"};
    bool taken = false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        taken = taken || strcmp(ours[i], metric) == 0;
    snprintf(name, size, "%s%s", taken ? "metric_" : "", metric);
}

static void add_metric_column(cli_listing *listing, const char *metric, bool table)
{
    char name[NAS_NAME_SIZE + 8];
    metric_column(metric, name, sizeof name);
    if (!cli_listing_has(listing, name) && listing->column_count < 56)
        cli_listing_column(listing, name, table);
}

/* Does one of them stand for shared weights? */
static bool derives(const nas_study_view *view, const int *indices, int count)
{
    bool some = false;
    for (int i = 0; i < count && !some; i++) {
        const nas_trial *trial = nas_study_result(view->study, indices[i]);
        some = trial && trial->derived;
    }
    return some;
}

static void add_columns(const nas_study_view *view, const int *indices, int count,
                        cli_listing *listing)
{
    static const char *const rest[] = {"budget",   "parent", "from",    "alias",
                                       "attempts", "note",   "started", "ended"};
    const nas_objectives *objectives = &view->config.objectives;
    cli_listing_column(listing, "trial", true);
    cli_listing_column(listing, "status", true);
    for (int i = 0; i < objectives->count; i++)
        add_metric_column(listing, objectives->item[i].metric, true);
    for (int i = 0; i < objectives->bound_count; i++)
        add_metric_column(listing, objectives->bounds[i].metric, true);
    add_metric_column(listing, "parameters", true);
    add_metric_column(listing, "macs", true);
    cli_listing_column(listing, "seconds", true);
    cli_listing_column(listing, "device", true);
    cli_listing_column(listing, "arch", true);
    cli_listing_column(listing, "derived", derives(view, indices, count));
    cli_listing_column(listing, "reason", true);
    for (int i = 0; i < count; i++) {
        const nas_trial *trial = nas_study_result(view->study, indices[i]);
        for (int m = 0; trial && m < trial->metric_count; m++)
            add_metric_column(listing, trial->metrics[m].name, false);
    }
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        cli_listing_column(listing, rest[i], false);
}

static void set_metrics(cli_listing *listing, const nas_trial *trial)
{
    char name[NAS_NAME_SIZE + 8];
    for (int i = 0; i < trial->metric_count; i++) {
        double value = trial->metrics[i].value;
        metric_column(trial->metrics[i].name, name, sizeof name);
        if (!cli_listing_has(listing, name))
            continue;
        if (value == (double)(int64_t)value && value >= 2 && value < 1e15)
            cli_listing_int(listing, name, (int64_t)value);
        else
            cli_listing_real(listing, name, value, "%.4f");
    }
}

static void set_time(cli_listing *listing, const char *column, int64_t time_ms)
{
    char text[32];
    if (time_ms <= 0)
        return;
    cli_time_text(time_ms, text);
    cli_listing_text(listing, column, text);
}

static void add_row(const nas_study_view *view, int index, cli_listing *listing)
{
    const nas_trial *trial = nas_study_trial(view->study, index);
    const nas_trial *result = nas_study_result(view->study, index);
    cli_listing_row(listing);
    cli_listing_int(listing, "trial", trial->index);
    cli_listing_text(listing, "status", nas_trial_status_name(trial->status));
    cli_listing_text(listing, "arch", trial->arch ? trial->arch : "");
    cli_listing_real(listing, "budget", trial->budget, NULL);
    cli_listing_int(listing, "attempts", trial->attempts);
    if (result && result->derived)
        cli_listing_format(listing, "derived", "%.*s", (int)nas_trial_derived_length(result),
                           result->derived);
    if (result)
        set_metrics(listing, result);
    if (trial->seconds > 0)
        cli_listing_real(listing, "seconds", trial->seconds, "%.2f");
    if (*trial->device)
        cli_listing_text(listing, "device", trial->device);
    if (*trial->reason)
        cli_listing_text(listing, "reason", trial->reason);
    if (trial->parent >= 0)
        cli_listing_int(listing, "parent", trial->parent);
    if (trial->from >= 0)
        cli_listing_int(listing, "from", trial->from);
    if (trial->alias >= 0)
        cli_listing_int(listing, "alias", trial->alias);
    if (trial->note && *trial->note)
        cli_listing_text(listing, "note", trial->note);
    set_time(listing, "started", trial->started_ms);
    set_time(listing, "ended", trial->ended_ms);
}

nas_status cli_trials_listing(const nas_study_view *view, const int *indices, int count,
                              cli_listing *listing)
{
    listing->name = "trials";
    add_columns(view, indices, count, listing);
    for (int i = 0; i < count; i++)
        add_row(view, indices[i], listing);
    if (listing->failed)
        NAS_FAIL(NAS_MEMORY, "no memory for a listing of %d trials", count);
    return NAS_OK;
}
