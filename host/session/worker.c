/* worker.c - one worker's loop: take the next trial, score it, commit it.
 *
 * Nothing tells a worker what to do but the study: it claims the next free index, derives the proposal from the log,
 * trains, commits.  So one worker, eight, or eight on other machines are the same code, and a worker that dies has only
 * lost its own trial's time.
 *
 *   a result (even a failed one)    commit it
 *   a stop was wished               give the claim back; the attempt does not count
 *   device or memory error          give it back as an attempt and end: a fresh process gets a fresh driver
 *   the canary is wrong (canary.c)  the same: a result of a device that computes wrong numbers is none
 *
 * For tests, these environment variables make trial INDEX fail at its first attempt ("INDEX:always": at each):
 *   CLNAS_TEST_CRASH_TRIAL   the process kills itself        CLNAS_TEST_HANG_TRIAL   it never comes back
 *   CLNAS_TEST_NAN_TRIAL     its loss is NaN                 CLNAS_TEST_ERROR_TRIAL  its device errs
 * Read next: next.c, heartbeat.c, canary.c, checkpoints.c, ending.c. */
#include "session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct work {
    const nas__worker *worker;
    nas__bench *bench;
    nas_eval *eval;
    nas_search *search;
    nas__meter *meter;
    nas__heart *heart;
    nas__canary *canary; /* NULL before the first result */
    nas_owner owner;
    const nas_claim *claim; /* of the trial that runs */
} work;

/* ---- failure injection ---------------------------------------------------------------------------------------- */

static bool injected(const char *variable, const nas_claim *claim)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text)
        return false;
    long index = strtol(text, &end, 10);
    return index == claim->index && (claim->attempt == 1 || strcmp(end, ":always") == 0);
}

static void inject_before(work *w, const nas_claim *claim)
{
    if (injected("CLNAS_TEST_CRASH_TRIAL", claim))
        raise(SIGKILL);
    if (injected("CLNAS_TEST_HANG_TRIAL", claim)) {
        nas__heart_beat(w->heart, 0.5);
        for (;;)
            pause();
    }
}

/* ---- one trial ---------------------------------------------------------------------------------------------------- */

static bool go_on(void *user, double progress)
{
    work *w = user;
    if (progress > 0.5 && injected("CLNAS_TEST_CRASH_WITHIN", w->claim))
        raise(SIGKILL);
    if (w->worker->during)
        w->worker->during(w->worker->user);
    return nas__heart_beat(w->heart, progress) && nas__goes_on(w->bench->wishes);
}

/* While the weights that the trial starts from are made again, it is at its beginning. */
static bool go_on_waiting(void *user, double progress)
{
    (void)progress;
    return go_on(user, 0);
}

/* Measuring, here or elsewhere, builds kernels. */
static bool go_on_measuring(void *user)
{
    work *w = user;
    return nas__heart_build(w->heart) && nas__goes_on(w->bench->wishes);
}

static nas_status score(work *w, const nas_job *job, nas_trial *result)
{
    char paused[NAS_PATH_SIZE], from[NAS_PATH_SIZE], draft[NAS_PATH_SIZE];
    const nas__origin origin = {w->bench, w->eval, go_on_waiting, w};
    const nas_trial *begun;
    NAS_TRY(nas__paused_find(w->bench->study, job->claim.index, paused, sizeof paused, &begun));
    NAS_TRY(
        nas__checkpoint_path(w->bench->study, NAS__DRAFT, job->claim.index, draft, sizeof draft));
    nas_eval_call call = {
        .arch = &job->arch,
        .draft = job->budget > 0 ? draft : NULL,
        .draft_s = w->bench->config.budget.checkpoint_s,
        .paused = begun ? paused : NULL,
        .begun = begun,
        .budget = job->budget,
        .limit_s = w->bench->config.budget.trial_minutes * 60,
        .callback = go_on,
        .user = w,
    };
    result->index = job->claim.index;
    w->claim = &job->claim;
    inject_before(w, &job->claim);
    if (injected("CLNAS_TEST_ERROR_TRIAL", &job->claim))
        NAS_FAIL(NAS_DEVICE, "an injected device error");
    if (injected("CLNAS_TEST_NAN_TRIAL", &job->claim)) {
        result->status = NAS_TRIAL_FAILED;
        snprintf(result->reason, sizeof result->reason, "loss is nan in epoch 0 (injected)");
        return NAS_OK;
    }
    if (job->from >= 0 && (job->budget > 0 || nas_eval_kind(w->eval)->shared)) {
        NAS_TRY(nas__origin_find(&origin, job->from, from, sizeof from));
        call.from = from;
    }
    return nas_eval_score(w->eval, &call, result);
}

static nas_status drop_draft(const work *w, int trial)
{
    char draft[NAS_PATH_SIZE];
    NAS_TRY(nas__checkpoint_path(w->bench->study, NAS__DRAFT, trial, draft, sizeof draft));
    unlink(draft);
    return NAS_OK;
}

/* A device that computes wrong numbers must not have its results in the log (canary.c). */
static nas_status look_at_device(work *w)
{
    if (!w->bench->device)
        return NAS_OK;
    if (w->canary)
        return nas__canary_look(w->canary);
    double start_s = nas_now_s();
    NAS_TRY(nas__canary_create(w->bench->device, &w->canary));
    nas_log(NAS_LOG_INFO, "the device computes right (found out in %.2g s, a look takes %.2g ms)",
            nas_now_s() - start_s, 1e3 * nas__canary_cost_s(w->canary));
    return NAS_OK;
}

static nas_status commit(work *w, const nas_job *job, nas_trial *result)
{
    bool accepted;
    const nas_config *config = &w->bench->config;
    snprintf(result->device, sizeof result->device, "%s", w->bench->device_name);
    NAS_TRY(look_at_device(w));
    NAS_TRY(nas_study_sync(w->bench->study));
    nas__charge(w->bench->study, config, result);
    NAS_TRY(nas__checkpoints_keep(w->bench->study, config, w->search, w->eval, result));
    NAS_TRY(nas_study_commit(w->bench->study, &job->claim, result, &accepted));
    NAS_TRY(drop_draft(w, job->claim.index));
    if (!accepted)
        nas_log(NAS_LOG_WARNING, "trial %d: somebody else has it by now; this result is dropped",
                job->claim.index);
    NAS_TRY(nas_study_sync(w->bench->study));
    return nas__checkpoints_prune(w->bench->study, config, w->search);
}

/* The trial goes back for another attempt; the failure stays the one that is reported. */
static nas_status give_back(work *w, const nas_job *job, nas_status status)
{
    char message[512];
    snprintf(message, sizeof message, "%s", nas_error_message());
    bool stopped = status == NAS_STOPPED;
    if (nas_study_release(w->bench->study, &job->claim,
                          stopped ? nas__wishes_who(w->bench->wishes) : message,
                          !stopped) != NAS_OK)
        nas_log(NAS_LOG_WARNING, "trial %d: cannot give it back: %s", job->claim.index,
                nas_error_message());
    return nas_error_set(status, __FILE__, __LINE__, "trial %d: %s", job->claim.index, message);
}

static nas_status do_job(work *w, const nas_job *job)
{
    nas_trial result;
    nas_trial_init(&result);
    nas__heart_begin(w->heart, &job->claim);
    nas_status status = score(w, job, &result);
    bool lost = status == NAS_STOPPED && nas__goes_on(w->bench->wishes);
    if (status == NAS_OK)
        status = commit(w, job, &result);
    nas__heart_end(w->heart);
    if (lost)
        status = NAS_OK; /* another worker has the trial; so be it */
    else if (status != NAS_OK)
        status = give_back(w, job, status);
    nas_trial_clear(&result);
    return status;
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */

static void tell(const work *w)
{
    if (w->worker->after)
        w->worker->after(w->worker->user);
}

static nas_status loop(work *w)
{
    int pause = 0;
    while (nas__wish_now(w->bench->wishes) == NAS__GO) {
        nas_next next;
        nas_job job;
        NAS_TRY(nas__search_take(w->bench, w->search, &w->owner, &next, &job));
        if (next == NAS_NEXT_DONE)
            return NAS_OK;
        if (next == NAS_NEXT_WAIT) {
            nas__search_wait(&pause);
        } else {
            pause = 0;
            NAS_TRY(do_job(w, &job));
        }
        tell(w);
    }
    if (!nas__goes_on(w->bench->wishes))
        NAS_FAIL(NAS_STOPPED, "%s", nas__wishes_who(w->bench->wishes));
    return NAS_OK;
}

nas_status nas__worker_search(const nas__worker *worker)
{
    work w = {.worker = worker, .bench = worker->bench};
    const nas_config *config = &w.bench->config;
    nas_eval_setting setting = nas__bench_setting(w.bench);
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_owner_self(&w.owner));
    if (config->measure_count > 0) {
        NAS_TRY_DONE(nas__meter_create(w.bench, go_on_measuring, &w, &w.meter));
        setting.meter = nas__meter_take;
        setting.meter_user = w.meter;
    }
    NAS_TRY_DONE(nas_eval_create(&setting, &w.eval));
    NAS_TRY_DONE(nas__search_open(w.bench, &w.search));
    NAS_TRY_DONE(
        nas__heart_create(nas_study_path(w.bench->study), config->budget.lease_s, &w.heart));
    status = loop(&w);
done:
    nas__heart_destroy(w.heart);
    nas__canary_destroy(w.canary);
    nas_search_destroy(w.search);
    nas_eval_destroy(w.eval);
    nas__meter_destroy(w.meter);
    return status;
}
