/* session.c - search and resume: a study made or opened, searched to its end, its best retrained.
 *
 * Idea: a run is three steps that each look at the study and do what is missing - trials, retrainings, the report - so
 * search, resume after a kill, and resume of a study that lacks only its last retraining are one function.  Options that
 * do not change what a study is (how long, on which devices, what to retrain) may be changed by a resume and are stored.
 * Next: supervisor.c (workers), retrain.c. */
#include "config_private.h"
#include "places.h"
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- in this process ------------------------------------------------------------------------------------------------ */

static void look(void *user)
{
    nas__run *run = user;
    double limit_s = nas__real_limit_s(run->config);
    char text[64];
    nas_study_sync(run->study);
    run->picture.progress.devices = 1;
    nas__picture_update(&run->picture, run->study);
    if (limit_s > 0 && run->picture.progress.run_s >= limit_s)
        run->wishes.drained = true;
    run->told_s = nas_now_s();
    if (nas_now_s() - run->saved_s < 5)
        return;
    nas_format(text, sizeof text, "%.3f", run->picture.progress.run_s);
    if (nas_study_set(run->study, "run_s", text) == NAS_OK)
        run->saved_s = nas_now_s();
}

/* Within a trial the study's mirror stays as it is, for the trial's own lines are lent from it: only time goes on. */
static void tick(void *user)
{
    nas__run *run = user;
    if (nas_now_s() - run->told_s < 1)
        return;
    run->told_s = nas_now_s();
    nas__picture_update(&run->picture, run->study);
    nas__picture_tell(&run->picture, NAS_EVENT_TICK, "");
}

static void see_epoch(void *user, int job, int jobs, int epoch, int epochs, const char *name)
{
    nas__run *run = user;
    nas_progress *p = &run->picture.progress;
    p->job = job;
    p->jobs = jobs;
    p->epoch = epoch;
    p->epochs = epochs;
    p->job_name = name;
    nas__run_retrains(run);
    nas__picture_tell(&run->picture, NAS_EVENT_RETRAIN, "");
    p->job_name = "";
}

/* The caller's, or the first of the config's devices that is there. */
static nas_status open_first_device(nas__bench *bench, nas_device *lent, const char *match)
{
    nas_status status = NAS_OK;
    if (lent)
        return nas__bench_lend(bench, lent);
    if (match)
        return nas__bench_device(bench, match, "");
    if (bench->config.device_count == 0)
        return nas__bench_device(bench, "any", "");
    for (int i = 0; i < bench->config.device_count; i++) {
        const nas_device_wish *wish = &bench->config.devices[i];
        status = nas_driver_use(wish->driver);
        if (status == NAS_OK)
            status = nas__bench_device(bench, wish->match, wish->name);
        if (status == NAS_OK || !wish->optional)
            return status;
    }
    return status;
}

static nas_status work_here(nas__run *run, bool retrain)
{
    nas__bench bench;
    char text[64];
    NAS_TRY(nas__bench_open(run->study, &bench));
    bench.wishes = &run->wishes;
    nas_status status = open_first_device(&bench, run->options->open_device, run->options->device);
    nas__worker worker = {.bench = &bench, .after = look, .during = tick, .user = run};
    if (status == NAS_OK)
        status = retrain ? nas__retrain_run(&bench, see_epoch, run) : nas__worker_search(&worker);
    run->wishes.drained = false;
    if (!retrain) {
        nas_format(text, sizeof text, "%.3f", run->picture.progress.run_s);
        nas_study_set(run->study, "run_s", text);
    }
    nas__bench_close(&bench);
    return status;
}

/* ---- the steps -------------------------------------------------------------------------------------------------------- */

static nas_status search_step(nas__run *run, nas_search_report *report)
{
    nas_status status = NAS_OK;
    NAS_TRY(nas_study_sync(run->study));
    nas__picture_update(&run->picture, run->study);
    if (!nas__search_over(run->study, run->config, run->picture.progress.run_s, report->ended_by)) {
        report->was_complete = false;
        NAS_TRY(nas__tables_check(run->study, run->config));
        NAS_TRY(nas__use_begin(run->study));
        run->picture.use_from_ms = nas_time_ms();
        status = run->options->program ? nas__supervise(run, "search") : work_here(run, false);
        run->picture.use_to_ms = nas_time_ms();
        run->picture.used_s = 0;
        if (status == NAS_OK) /* else the log's last sign of life is the end */
            status = nas__use_end(run->study);
    }
    nas_study_sync(run->study);
    nas__picture_update(&run->picture, run->study);
    run->picture.use_from_ms = 0; /* retraining is no search */
    nas__search_over(run->study, run->config, run->picture.progress.run_s, report->ended_by);
    if (status == NAS_OK) /* a worker may have been killed before it came to it */
        status = nas__checkpoints_prune_ended(run->study, run->config);
    return status;
}

static nas_status retrain_step(nas__run *run, nas_search_report *report)
{
    int missing = 0;
    if (run->options->no_retrain || !run->picture.progress.has_best)
        return NAS_OK;
    NAS_TRY(nas__retrain_missing(run->study, run->config, &missing));
    if (missing == 0)
        return NAS_OK;
    report->was_complete = false;
    run->picture.progress.running = run->picture.progress.busy = 0;
    return run->options->program ? nas__supervise(run, "retrain") : work_here(run, true);
}

static void fill_report(nas__run *run, nas_search_report *report)
{
    const nas_progress *p = &run->picture.progress;
    nas__result *results = NULL;
    int count = 0;
    report->signal = nas__wishes_signal(&run->wishes);
    report->trials = p->done;
    report->failed = p->failed;
    report->reused = 0;
    for (int i = 0; i < nas_study_count(run->study); i++)
        report->reused += nas_study_trial(run->study, i)->status == NAS_TRIAL_ALIAS;
    report->has_best = p->has_best;
    report->best_index = p->best_index;
    report->best_value = p->best_value;
    snprintf(report->best_metric, sizeof report->best_metric, "%s", p->best_metric);
    report->seconds = nas_now_s() - run->picture.begin_s;
    report->use_count = p->use_count;
    memcpy(report->uses, p->uses, sizeof report->uses);
    if (nas__results_read(run->study, &results, &count) == NAS_OK)
        nas__results_merge(results, count, report->results, NAS_TRAIN_RESULTS,
                           &report->result_count);
    for (int i = 0; i < report->result_count; i++) {
        char name[NAS_PATH_SIZE];
        memcpy(name, report->results[i].model, sizeof name);
        if (name[0] && !strchr(name, '/'))
            nas__study_file(run->study, name, report->results[i].model,
                            sizeof report->results[i].model);
    }
    free(results);
}

/* Search, retraining, report; the message of a failure is kept. */
static nas_status run_study(nas_study *study, const nas_config *config,
                            const nas_search_options *options, const nas__wishes *wishes,
                            nas__places *places, nas_search_report *report)
{
    nas__run run = {.study = study,
                    .config = config,
                    .options = options,
                    .wishes = *wishes,
                    .places = places,
                    .last_job = -1};
    char message[1024] = "";
    nas_status status = nas_study_sync(study);
    report->was_complete = true;
    nas__picture_begin(&run.picture, study, config, options->progress, options->user);
    if (nas_owner_self(&run.signs.owner) == NAS_OK)
        nas__signs_write(study, &run.signs, true, &run.signs_written);
    nas__picture_tell(&run.picture, NAS_EVENT_START, nas_study_path(study));
    snprintf(report->study_path, sizeof report->study_path, "%s", nas_study_path(study));
    if (status == NAS_OK)
        status = search_step(&run, report);
    if (status == NAS_OK)
        status = retrain_step(&run, report);
    if (status != NAS_OK)
        snprintf(message, sizeof message, "%s", nas_error_message());
    if (nas__wishes_signal(&run.wishes))
        snprintf(report->ended_by, sizeof report->ended_by, "signal");
    else if (run.wishes.stopped)
        snprintf(report->ended_by, sizeof report->ended_by, "cancelled");
    else if (status != NAS_OK)
        snprintf(report->ended_by, sizeof report->ended_by, "%s", nas_status_text(status));
    fill_report(&run, report);
    nas__signs_write(study, &(nas__signs){0}, true, &run.signs_written);
    nas__picture_tell(&run.picture, NAS_EVENT_END, report->ended_by);
    nas__picture_clear(&run.picture);
    return status == NAS_OK ? NAS_OK : nas_error_set(status, __FILE__, __LINE__, "%s", message);
}

/* ---- search -------------------------------------------------------------------------------------------------------------- */

static nas_status check_options(const nas_search_options *options)
{
    if (options->open_device && options->program)
        NAS_FAIL(NAS_CONFIG,
                 "worker processes open devices of their own: with open_device, program "
                 "must be NULL");
    return NAS_OK;
}

/* The study is made and run; `decided` is the config with its order. */
static nas_status search_decided(const nas_config *config, const nas_config *decided,
                                 const nas_search_options *options, const nas__wishes *wishes,
                                 nas__places *places, nas_search_report *report)
{
    char path[NAS_PATH_SIZE];
    nas_study *study = NULL;
    NAS_TRY(nas__study_create(config, (nas_order)decided->budget.order, options->study_path,
                              options->fresh, path, &study));
    nas_status status = run_study(study, decided, options, wishes, places, report);
    bool empty = nas_study_count(study) == 0;
    nas_study_close(study);
    if (empty && (status == NAS_CONFIG || status == NAS_NO_DEVICE || status == NAS_DATA)) {
        nas__study_remove(path);
        report->study_path[0] = '\0';
    }
    return status;
}

/* Goes on with the study where there is one; `*there` false: there is none. */
static nas_status go_on(const nas_config *config, const nas_search_options *options, bool *there,
                        nas_search_report *report)
{
    char path[NAS_PATH_SIZE];
    nas_study *study = NULL;
    if (options->study_path)
        snprintf(path, sizeof path, "%s", options->study_path);
    else
        NAS_TRY(nas_session_study_path(config, path, sizeof path));
    *there = access(path, F_OK) == 0;
    if (!*there)
        return NAS_OK;
    NAS_TRY(nas__study_made(config, path, &study));
    nas_study_close(study);
    return nas_session_resume(path, NULL, 0, options, report);
}

nas_status nas_session_search(const nas_config *config, const nas_search_options *options,
                              nas_search_report *report)
{
    nas__places places = {0};
    nas_status status = NAS_OK;
    nas__wishes wishes;
    bool there = false;
    *report = (nas_search_report){0};
    NAS_TRY(check_options(options));
    if (options->go_on)
        status = go_on(config, options, &there, report);
    if (there || status != NAS_OK)
        return status;
    nas__wishes_begin(&wishes, options->cancelled, options->user);
    nas_config *decided = malloc(sizeof *decided);
    if (!decided)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    *decided = *config; /* what it points to is lent */
    NAS_TRY_DONE(nas__places_find(config, options, &places));
    NAS_TRY_DONE(nas__places_check_measured(&places, config, options));
    NAS_TRY_DONE(nas__places_check(&places));
    if (config->budget.order == NAS_ORDER_AUTO)
        decided->budget.order = places.unlike ? NAS_ORDER_ARRIVAL : NAS_ORDER_INDEX;
    if (config->budget.order == NAS_ORDER_AUTO && places.unlike)
        nas_log(NAS_LOG_INFO, "the devices differ: budget.order is arrival, so that none waits for "
                              "another; index would give the same trials on any devices");
    status = search_decided(config, decided, options, &wishes, &places, report);
done:
    nas__places_clear(&places);
    free(decided);
    return status;
}

/* ---- resume -------------------------------------------------------------------------------------------------------------- */

/* Options that leave the study what it is. */
static bool may_change(const char *assignment)
{
    static const char *const names[] = {
        "budget.trials",        "budget.minutes", "budget.target", "budget.patience",
        "budget.trial_minutes", "budget.lease_s", "budget.keep",   "budget.keep_paused",
        "budget.checkpoint_s",  "devices",        "retrain"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(assignment, names[i], length) == 0 &&
            (assignment[length] == '=' ||
             (assignment[length] == '.' && strncmp(names[i], "budget", 6) != 0)))
            return true;
    }
    return false;
}

/* What only data and spaces show, before a changed config is stored. */
static nas_status check_changes(const nas_config *config)
{
    nas_data *data = NULL;
    nas_domain *domain = NULL, *final_domain = NULL;
    nas_status status = nas__open_data(config, &data);
    if (status == NAS_OK)
        status = nas__open_domain(config, data, &domain);
    if (status == NAS_OK)
        status = nas__open_final_domain(config, data, domain, &final_domain);
    nas_domain_close(final_domain);
    nas_domain_close(domain);
    nas_data_destroy(data);
    return status;
}

/* Lost trials get their attempts anew, changed options are stored. */
static nas_status prepare_resume(nas_study *study, const char *const *overrides, int override_count,
                                 nas_config *config)
{
    nas_text text = {0};
    for (int i = 0; i < override_count; i++)
        if (!may_change(overrides[i]))
            NAS_FAIL(
                NAS_CONFIG,
                "-s %s would make it another study; a resume may change budget (how long), devices "
                "and retrain",
                overrides[i]);
    NAS_TRY(nas__stored_config(study, overrides, override_count, config));
    NAS_TRY(nas_study_reset_attempts(study));
    if (override_count == 0)
        return NAS_OK;
    NAS_TRY(check_changes(config));
    nas_config_write(config, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_study_set(study, "options", text.data);
    nas_text_clear(&text);
    return status;
}

nas_status nas_session_resume(const char *study_path, const char *const *overrides,
                              int override_count, const nas_search_options *options,
                              nas_search_report *report)
{
    nas_study *study = NULL;
    nas__places places = {0};
    nas_config *config = calloc(1, sizeof *config);
    nas_status status = NAS_OK;
    nas__wishes wishes;
    *report = (nas_search_report){0};
    nas__wishes_begin(&wishes, options->cancelled, options->user);
    if (!config)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    NAS_TRY_DONE(check_options(options));
    NAS_TRY_DONE(nas_study_open(study_path, NAS_STORE_WRITE, &study));
    NAS_TRY_DONE(prepare_resume(study, overrides, override_count, config));
    status = run_study(study, config, options, &wishes, &places, report);
done:
    nas__places_clear(&places);
    nas_study_close(study);
    nas_config_clear(config);
    free(config);
    return status;
}

/* ---- results ---------------------------------------------------------------------------------------------- */

static nas_status results_of(nas_study *study, nas_train_result *results, int limit, int *count)
{
    nas__result *raw = NULL;
    int raw_count = 0;
    nas_status status = nas__results_read(study, &raw, &raw_count);
    if (status == NAS_OK)
        nas__results_merge(raw, raw_count, results, limit, count);
    for (int i = 0; status == NAS_OK && i < *count; i++) {
        char name[NAS_PATH_SIZE];
        memcpy(name, results[i].model, sizeof name);
        if (name[0] && !strchr(name, '/') &&
            snprintf(results[i].model, sizeof results[i].model, "%s.d/%s", nas_study_path(study),
                     name) >= (int)sizeof results[i].model)
            results[i].model[0] = '\0';
    }
    free(raw);
    return status;
}

nas_status nas_session_results(const char *study_path, nas_train_result *results, int limit,
                               int *count)
{
    nas_study *study = NULL;
    NAS_TRY(nas_study_open(study_path, NAS_STORE_READ, &study));
    nas_status status = results_of(study, results, limit, count);
    nas_study_close(study);
    return status;
}

nas_status nas_study_view_results(const nas_study_view *view, nas_train_result *results, int limit,
                                  int *count)
{
    return results_of(view->study, results, limit, count);
}

/* ---- train ------------------------------------------------------------------------------------------------------------ */

typedef struct watching {
    const nas_retrain_options *options;
    nas__wishes *wishes;
    nas_progress progress;
} watching;

static bool watch_epoch(void *user, const nas_train_progress *train)
{
    watching *w = user;
    w->progress.event = NAS_EVENT_RETRAIN;
    w->progress.epoch = train->epoch + train->epoch_done;
    w->progress.epochs = train->epochs;
    w->progress.elapsed_s = train->seconds;
    w->progress.eta_s = -1;
    if (w->options->progress)
        w->options->progress(w->options->user, &w->progress);
    return nas__goes_on(w->wishes);
}

static nas_status change_recipe(nas__bench *bench, const nas_retrain_options *options)
{
    nas_value *epochs = nas_value_member(&bench->config.retrain_train, "epochs");
    if (options->epochs > 0 && epochs) {
        epochs->integer = options->epochs;
        bench->retrain->common.epochs = options->epochs;
    }
    if (options->with_valid)
        bench->config.retrain.with_valid = 1;
    if (options->repeats > 0)
        bench->config.retrain.repeats = options->repeats;
    return NAS_OK;
}

static nas_status choose_trial(nas__bench *bench, int64_t wanted, nas__retrain_job *job)
{
    int index = (int)wanted;
    if (wanted < 0 &&
        nas_study_best(bench->study, &bench->config.objectives.item[0], 1, &index) != 1)
        NAS_FAIL(NAS_CONFIG, "%s: no trial has succeeded yet", nas_study_path(bench->study));
    if (wanted >= nas_study_count(bench->study))
        NAS_FAIL(NAS_CONFIG, "%s: there is no trial %lld (0 … %d)", nas_study_path(bench->study),
                 (long long)wanted, nas_study_count(bench->study) - 1);
    *job = (nas__retrain_job){.index = index};
    if (index < bench->config.given.count)
        snprintf(job->name, sizeof job->name, "%.63s", bench->config.given.item[index]);
    else
        snprintf(job->name, sizeof job->name, "trial %d", index);
    return NAS_OK;
}

/* Trains what has no result yet, then collects. */
static nas_status train_repeats(nas__bench *bench, nas__retrain_job job,
                                const nas_retrain_options *options, nas_train_result *result)
{
    watching w = {.options = options,
                  .wishes = bench->wishes,
                  .progress = {.note = "", .best_metric = "", .job_name = job.name}};
    nas__result *all = NULL;
    int count = 0, kept = 0, merged = 0;
    char recipe[20];
    nas__recipe_hash(&bench->config, recipe);
    w.progress.jobs = bench->config.retrain.repeats;
    for (job.repeat = 0; job.repeat < w.progress.jobs; job.repeat++) {
        bool done = false;
        NAS_TRY(nas__results_read(bench->study, &all, &count));
        for (int i = 0; i < count; i++)
            done = done || (all[i].job.index == job.index && all[i].job.repeat == job.repeat &&
                            strcmp(all[i].recipe, recipe) == 0);
        free(all);
        w.progress.job = job.repeat;
        if (!done || (options->model_path && job.repeat == 0))
            NAS_TRY(nas__retrain_one(bench, &job, job.repeat == 0 ? options->model_path : NULL,
                                     watch_epoch, &w));
    }
    NAS_TRY(nas__results_read(bench->study, &all, &count));
    for (int i = 0; i < count; i++)
        if (all[i].job.index == job.index && strcmp(all[i].recipe, recipe) == 0 &&
            all[i].job.repeat < w.progress.jobs)
            all[kept++] = all[i];
    nas__results_merge(all, kept, result, 1, &merged);
    char reason[256];
    snprintf(reason, sizeof reason, "%s", kept ? all[kept - 1].reason : "");
    free(all);
    if (merged == 0 || (isnan(result->test_score) && reason[0]))
        NAS_FAIL(NAS_NONFINITE, "%s: %s", job.name, reason[0] ? reason : "no result");
    if (result->model[0] && !strchr(result->model, '/')) {
        char name[NAS_PATH_SIZE];
        memcpy(name, result->model, sizeof name);
        return nas__study_file(bench->study, name, result->model, sizeof result->model);
    }
    return NAS_OK;
}

nas_status nas_session_train(const char *study_path, const nas_retrain_options *options,
                             nas_train_result *result)
{
    nas_study *study = NULL;
    nas__bench bench = {0};
    nas__retrain_job job;
    nas__wishes wishes;
    nas_status status = NAS_OK;
    nas__wishes_begin(&wishes, options->cancelled, options->user);
    NAS_TRY_DONE(nas_study_open(study_path, NAS_STORE_WRITE, &study));
    NAS_TRY_DONE(nas_study_sync(study));
    NAS_TRY_DONE(nas__bench_open(study, &bench));
    bench.wishes = &wishes;
    NAS_TRY_DONE(change_recipe(&bench, options));
    NAS_TRY_DONE(choose_trial(&bench, options->trial, &job));
    NAS_TRY_DONE(open_first_device(&bench, options->open_device, options->device));
    status = train_repeats(&bench, job, options, result);
done:
    nas__bench_close(&bench);
    nas_study_close(study);
    return status;
}
