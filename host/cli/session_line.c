/* session_line.c - what a running search shows: one truthful line, and a summary at its end.
 *
 *     trials 37/48  best 0.9012 (trial 31)  12.6/min  elapsed 2:56  eta 0:52  failed 1  devices 2  home 97 %, den 99 %
 *
 * Every figure comes from the session's own counts; what is not known yet is left out rather than guessed.
 * On a terminal the line is redrawn at every event; elsewhere one line is written per committed trial and
 * at most one in ten seconds of retraining.
 */
#include "cli.h"

#include <string.h>

static void add(char *line, size_t size, const char *format, ...) NAS_PRINTF(3, 4);
static void add(char *line, size_t size, const char *format, ...)
{
    size_t length = strlen(line);
    va_list list;
    va_start(list, format);
    if (length < size)
        vsnprintf(line + length, size - length, format, list);
    va_end(list);
}

/* "[####----]" where an end by trials is known. */
static void add_bar(char *line, size_t size, const nas_progress *progress)
{
    enum { WIDTH = 16 };
    int full = (int)(WIDTH * progress->done / progress->total);
    if (full > WIDTH)
        full = WIDTH;
    add(line, size, " [%.*s%.*s]", full, "################", WIDTH - full, "----------------");
}

/* "  home 97 %, slow 99 %": how busy each of several devices is; in words what does not work. */
static void add_uses(char *line, size_t size, const nas_progress *progress)
{
    for (int i = 0; progress->use_count > 1 && i < progress->use_count; i++) {
        const nas_device_use *use = &progress->uses[i];
        add(line, size, "%s %s", i ? "," : " ", use->name);
        if (use->busy >= 0 && use->state && strncmp(use->state, "is ", 3) != 0)
            add(line, size, " %.0f %%", 100 * use->busy);
        else if (use->state && *use->state)
            add(line, size, " %s", use->state);
    }
}

static void search_line(const nas_progress *progress, char *line, size_t size)
{
    char time[32];
    add(line, size, "trials %lld", (long long)progress->done);
    if (progress->total > 0) {
        add(line, size, "/%lld", (long long)progress->total);
        if (cli_terminal_moves(stderr))
            add_bar(line, size, progress);
    }
    if (progress->has_best)
        add(line, size, "  best %.4f (trial %lld)", progress->best_value,
            (long long)progress->best_index);
    if (progress->per_minute > 0)
        add(line, size, "  %.1f/min", progress->per_minute);
    cli_duration_text(progress->elapsed_s, time, sizeof time);
    add(line, size, "  elapsed %s", time);
    if (progress->eta_s > 0) {
        cli_duration_text(progress->eta_s, time, sizeof time);
        add(line, size, "  eta %s", time);
    }
    if (progress->failed)
        add(line, size, "  failed %lld", (long long)progress->failed);
    if (progress->devices)
        add(line, size, "  devices %d", progress->devices);
    if (progress->devices && progress->busy != progress->devices)
        add(line, size, " (%d busy)", progress->busy);
    add_uses(line, size, progress);
}

void cli_session_line(const nas_progress *progress, char *line, size_t size)
{
    char time[32];
    *line = '\0';
    if (progress->jobs == 0) {
        search_line(progress, line, size);
        return;
    }
    cli_duration_text(progress->elapsed_s, time, sizeof time);
    add(line, size, "retraining %lld/%lld  %s  epoch %lld/%lld  elapsed %s",
        (long long)progress->job + 1, (long long)progress->jobs,
        progress->job_name ? progress->job_name : "", (long long)progress->epoch,
        (long long)progress->epochs, time);
}

/* "  skips normal 1, reduce 0": the metrics called skips.PART, in `digits` digits behind the point. */
static void add_parts(const nas_trial *trial, const char *what, int digits, char *line, size_t size)
{
    const size_t length = strlen(what);
    bool first = true;
    for (int i = 0; i < trial->metric_count; i++) {
        const nas_metric *metric = &trial->metrics[i];
        if (strncmp(metric->name, what, length) != 0 || metric->name[length] != '.')
            continue;
        add(line, size, first ? "  %s" : ",", what);
        add(line, size, " %s %.*f", metric->name + length + 1, digits, metric->value);
        first = false;
    }
}

/* Of an epoch of a supernet: what it speaks for, how sure it is (entropy in nats), and the skip connections of that. */
static void add_derived(const nas_trial *trial, char *line, size_t size)
{
    add(line, size, "  derived %.*s", (int)nas_trial_derived_length(trial), trial->derived);
    add_parts(trial, "entropy", 2, line, size);
    add_parts(trial, "skips", 0, line, size);
}

/* What became of the trial that was just committed. */
static void add_trial(char *line, size_t size, const nas_progress *progress)
{
    const nas_trial *trial = progress->trial;
    if (!trial)
        return;
    add(line, size, "  trial %d %s", trial->index, nas_trial_status_name(trial->status));
    if (trial->status == NAS_TRIAL_FAILED)
        add(line, size, ": %s", trial->reason);
    else if (progress->best_metric && nas_trial_has_metric(trial, progress->best_metric))
        add(line, size, " %.4f", nas_trial_metric(trial, progress->best_metric));
    if (trial->derived)
        add_derived(trial, line, size);
}

/* Each job's last epoch, and others at most every ten seconds; never the same twice. */
static bool worth_a_line(const nas_progress *progress)
{
    static double last_s;
    static int64_t job, epoch;
    if (progress->event == NAS_EVENT_START) {
        last_s = -10;
        job = epoch = -1;
        return false;
    }
    bool same = progress->job == job && progress->epoch == epoch;
    if (same || (progress->elapsed_s - last_s < 10 && progress->epoch != progress->epochs))
        return false;
    last_s = progress->elapsed_s;
    job = progress->job;
    epoch = progress->epoch;
    return true;
}

/* What is no trial: the session's sentence, with its subject. */
static void tell_note(const nas_progress *progress)
{
    const char *note = progress->note ? progress->note : "";
    if (!*note)
        return;
    if (progress->event == NAS_EVENT_START)
        cli_note("study %s", note);
    else if (progress->event == NAS_EVENT_END)
        cli_note("ended by %s", note);
    else if (progress->event == NAS_EVENT_STOPPING)
        cli_note("stopping; to go on: %s", note);
    else if (progress->event == NAS_EVENT_WORKER)
        cli_note("%s", note);
}

void cli_session_progress(void *user, const nas_progress *progress)
{
    char line[768] = "";
    (void)user;
    if (cli_quiet())
        return;
    tell_note(progress);
    if (cli_terminal_moves(stderr)) {
        cli_session_line(progress, line, sizeof line);
        if (progress->event == NAS_EVENT_END)
            cli_progress_hide();
        else
            cli_progress_draw(line);
        return;
    }
    if (progress->event == NAS_EVENT_TRIAL) {
        search_line(progress, line, sizeof line);
        add_trial(line, sizeof line, progress);
    } else if ((progress->event == NAS_EVENT_START || progress->event == NAS_EVENT_RETRAIN) &&
               worth_a_line(progress)) {
        cli_session_line(progress, line, sizeof line);
    }
    if (*line)
        cli_progress_draw(line);
}

/* ---- the summary ------------------------------------------------------------------------------------- */

void cli_results_listing(cli_listing *listing, const nas_train_result *results, int count)
{
    char test[32], valid[32];
    const char *score = count ? results[0].score : nas_task_score(NAS_TASK_CLASSIFY);
    const char *const names[] = {"name",     "trial",     "repeats", test,
                                 "test_std", "test_loss", valid,     "parameters",
                                 "macs",     "seconds",   "model"};
    snprintf(test, sizeof test, "test_%s", score);
    snprintf(valid, sizeof valid, "valid_%s", score);
    listing->name = "results";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i], strcmp(names[i], "trial") != 0);
    for (int i = 0; i < count; i++) {
        const nas_train_result *result = &results[i];
        cli_listing_row(listing);
        cli_listing_text(listing, "name", result->name);
        cli_listing_int(listing, "trial", result->index);
        cli_listing_int(listing, "repeats", result->repeats);
        cli_listing_real(listing, test, result->test_score, "%.4f");
        if (result->repeats > 1)
            cli_listing_real(listing, "test_std", result->test_score_std, "%.4f");
        cli_listing_real(listing, "test_loss", result->test_loss, "%.4f");
        cli_listing_real(listing, valid, result->valid_score, "%.4f");
        cli_listing_int(listing, "parameters", (int64_t)result->parameters);
        cli_listing_int(listing, "macs", (int64_t)result->macs);
        cli_listing_real(listing, "seconds", result->seconds, "%.1f");
        cli_listing_text(listing, "model", result->model);
    }
}

void cli_search_cells(cli_listing *listing, const nas_search_report *report)
{
    cli_listing_text(listing, "study", report->study_path);
    cli_listing_text(listing, "ended_by", report->ended_by);
    cli_listing_int(listing, "trials", report->trials);
    cli_listing_int(listing, "failed", report->failed);
    cli_listing_int(listing, "reused", report->reused);
    cli_listing_real(listing, "seconds", report->seconds, "%.1f");
    if (report->has_best) {
        cli_listing_int(listing, "best", report->best_index);
        cli_listing_text(listing, "best_metric", report->best_metric);
        cli_listing_real(listing, "best_value", report->best_value, "%.4f");
    }
}

static void summary_listing(const nas_search_report *report, cli_listing *listing)
{
    static const char *const names[] = {"study",   "ended_by", "trials",      "failed",    "reused",
                                        "seconds", "best",     "best_metric", "best_value"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i], true);
    cli_listing_row(listing);
    cli_search_cells(listing, report);
}

void cli_uses_listing(cli_listing *listing, const nas_device_use *uses, int count)
{
    static const char *const names[] = {"device", "state",        "workers",    "trial",  "done",
                                        "failed", "busy_percent", "per_minute", "runs_on"};
    listing->name = "devices";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i], true);
    cli_listing_column(listing, "silent_s", false);
    cli_listing_column(listing, "lost", false);
    cli_listing_column(listing, "trouble", false);
    for (int i = 0; i < count; i++) {
        const nas_device_use *use = &uses[i];
        cli_listing_row(listing);
        cli_listing_text(listing, "device", use->name);
        if (use->state && *use->state)
            cli_listing_text(listing, "state", use->state);
        if (use->workers)
            cli_listing_int(listing, "workers", use->workers);
        if (use->trial >= 0)
            cli_listing_int(listing, "trial", use->trial);
        cli_listing_int(listing, "done", use->done);
        cli_listing_int(listing, "failed", use->failed);
        if (use->busy >= 0)
            cli_listing_real(listing, "busy_percent", 100 * use->busy, "%.1f");
        cli_listing_real(listing, "per_minute", use->per_minute, "%.1f");
        cli_listing_text(listing, "runs_on", use->device);
        if (use->silent_s >= 0)
            cli_listing_real(listing, "silent_s", use->silent_s, "%.1f");
        cli_listing_int(listing, "lost", use->lost);
        if (use->trouble[0])
            cli_listing_text(listing, "trouble", use->trouble);
    }
}

nas_status cli_print_object(const cli_listing *summary, const cli_listing *const *lists, int count,
                            cli_format format)
{
    json_t *object = cli_listing_json(summary, 0);
    for (int i = 0; i < count; i++) {
        json_t *rows = json_array();
        for (int row = 0; row < lists[i]->row_count; row++)
            json_array_append_new(rows, cli_listing_json(lists[i], row));
        json_object_set_new(object, lists[i]->name, rows);
    }
    if (format == CLI_JSON)
        json_object_set_new(object, "schema_version", json_integer(1));
    int failed = json_dumpf(object, stdout, format == CLI_JSON ? JSON_INDENT(2) : JSON_COMPACT);
    json_decref(object);
    putchar('\n');
    if (failed)
        NAS_FAIL(NAS_FAILED, "writing JSON failed");
    return NAS_OK;
}

static nas_status say_next(const nas_search_report *report)
{
    char trial[NAS_PATH_SIZE + 24];
    nas_text words = {0};
    snprintf(trial, sizeof trial, "%s:%lld", report->study_path, (long long)report->best_index);
    nas_text_add(&words, "next: clnas best ");
    nas_text_add_word(&words, report->study_path);
    nas_text_add(&words, "; clnas show ");
    nas_text_add_word(&words, trial);
    const nas_status status = nas_text_check(&words);
    if (status == NAS_OK)
        cli_note("%s", words.data);
    nas_text_clear(&words);
    return status;
}

nas_status cli_search_report_print(const nas_search_report *report, cli_format format)
{
    cli_listing summary = {.name = "search"}, results = {0}, uses = {0};
    const cli_listing *const lists[] = {&results, &uses};
    nas_status status = NAS_OK;
    cli_progress_hide();
    summary_listing(report, &summary);
    cli_results_listing(&results, report->results, report->result_count);
    cli_uses_listing(&uses, report->uses, report->use_count);
    if (format == CLI_JSON || format == CLI_JSONL)
        status = cli_print_object(&summary, lists, 2, format);
    else
        status = cli_listing_print_one(&summary, format, stdout);
    if (status == NAS_OK && report->use_count > 1 && format == CLI_TABLE) {
        fputs("\nDevices:\n", stdout);
        status = cli_listing_print(&uses, format, stdout);
    }
    if (status == NAS_OK && report->result_count && format == CLI_TABLE) {
        fputs("\nRetrained from the start, tested once on the test split:\n", stdout);
        status = cli_listing_print(&results, format, stdout);
    }
    cli_listing_clear(&summary);
    cli_listing_clear(&results);
    cli_listing_clear(&uses);
    fflush(stdout);
    if (status == NAS_OK && report->has_best && !report->signal && !cli_quiet())
        status = say_next(report);
    return status;
}
