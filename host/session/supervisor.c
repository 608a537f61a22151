/* supervisor.c - starts worker processes, watches them, ends those that hang, replaces those that die.
 *
 * The supervisor does no work of its own and opens no device: a driver cannot hurt it.  What it knows it reads from the
 * study, like anybody else.
 *
 *   a worker ends well                  its device is done
 *   it crashes, or its device errs      another one is started; the trial is an attempt poorer
 *   a trial has used up its attempts    everything stops, resumably (NAS_DEVICE)
 *   three deaths without a trial        the device is dropped; without any device left: NAS_DEVICE
 *   its heartbeat stands still          it is killed, which is a crash
 *   config, data or store are wrong     everything stops: another worker would find the same
 *
 * Next: process.c, one worker; worker.c, what it does. */
#include "process.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 100, DEATH_LIMIT = 3, WORKERS = 64 /* on one device, at most */ };
static const double tick_s = 1, save_s = 5, start_limit_s = 900, silence_limit_s = 600;

typedef struct supervision {
    nas__run *run;
    const char *mode;
    bool retrain;
    nas__process *processes;
    int count, next; /* retraining uses one at a time: `next` is the first that was not tried */
    bool stopping, draining;
    nas_status fatal;
    char message[NAS__LINE_SIZE];
    double last_tick_s;
} supervision;

/* ---- who there is ------------------------------------------------------------------------------------------------- */

static void add_process(supervision *s, const nas__place *place)
{
    const nas_device_wish *wish = &place->wish;
    nas__process *process = &s->processes[s->count];
    *process =
        (nas__process){.slot = s->count, .optional = wish->optional, .report = -1, .trial = -1};
    memcpy(process->match, wish->match, sizeof process->match);
    memcpy(process->alias, wish->name, sizeof process->alias);
    memcpy(process->driver, wish->driver, sizeof process->driver);
    s->count++;
}

static nas_status plan_processes(supervision *s)
{
    nas__places *places = s->run->places;
    if (places->count == 0)
        NAS_TRY(nas__places_find(s->run->config, s->run->options, places));
    NAS_TRY(nas__places_check(places));
    s->processes = calloc((size_t)places->count * WORKERS, sizeof *s->processes);
    if (!s->processes)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    for (int i = 0; i < places->count; i++) {
        const nas__place *place = &places->item[i];
        int workers = s->retrain ? 1 : (int)place->wish.workers;
        for (int k = 0; !place->missing[0] && k < workers && k < WORKERS; k++)
            add_process(s, place);
    }
    return NAS_OK;
}

static int alive(const supervision *s)
{
    int count = 0;
    for (int i = 0; i < s->count; i++)
        count += s->processes[i].pid > 0;
    return count;
}

static void tell(supervision *s, nas_event event, const char *note)
{
    s->run->picture.progress.devices = alive(s);
    nas__picture_tell(&s->run->picture, event, note);
}

/* Devices that may be away and are. */
static void tell_missing(supervision *s)
{
    char note[NAS__LINE_SIZE];
    for (int i = 0; !s->retrain && i < s->run->places->count; i++) {
        const nas__place *place = &s->run->places->item[i];
        snprintf(note, sizeof note, "device %.80s is not used: %s", nas__place_name(place),
                 place->missing);
        if (place->missing[0])
            tell(s, NAS_EVENT_WORKER, note);
    }
}

/* ---- stopping ----------------------------------------------------------------------------------------------------- */

static void signal_all(supervision *s, int signal)
{
    for (int i = 0; i < s->count; i++)
        nas__process_signal(&s->processes[i], signal);
}

static void stop_for(supervision *s, nas_status status, const char *message)
{
    if (s->fatal != NAS_OK)
        return;
    s->fatal = status;
    snprintf(s->message, sizeof s->message, "%s", message);
    s->stopping = true;
    signal_all(s, SIGTERM);
}

static void check_wishes(supervision *s)
{
    char note[NAS_PATH_SIZE + 64];
    double limit_s = nas__real_limit_s(s->run->config);
    if (nas__signal && !s->stopping) {
        s->stopping = true;
        signal_all(s, SIGTERM);
        snprintf(note, sizeof note, "clnas resume %s", nas_study_path(s->run->study));
        tell(s, NAS_EVENT_STOPPING, note);
    }
    if (!s->retrain && !s->draining && limit_s > 0 && s->run->picture.progress.run_s >= limit_s) {
        s->draining = true;
        signal_all(s, SIGUSR1);
    }
}

/* ---- starting and losing workers ---------------------------------------------------------------------------------- */

static void start(supervision *s, nas__process *process)
{
    process->done_before = s->run->picture.progress.done;
    if (nas__process_start(process, s->run->options->program, s->run->study, s->mode) != NAS_OK)
        stop_for(s, NAS_FAILED, nas_error_message());
}

/* A trial that no attempt is left for, or NULL. */
static const nas_trial *exhausted(const nas_study *study)
{
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->attempts < NAS_ATTEMPTS || nas_trial_final(trial))
            continue;
        if (trial->status == NAS_TRIAL_QUEUED || nas_owner_look(&trial->owner) == NAS_OWNER_DEAD)
            return trial;
    }
    return NULL;
}

static void describe_death(const nas__process *process, int how, char *text, size_t size)
{
    const char *name = process->alias[0] ? process->alias : process->match;
    if (process->said_end)
        snprintf(text, size, "worker %d (%.80s): %.900s", process->slot, name, process->message);
    else if (WIFSIGNALED(how))
        snprintf(text, size, "worker %d (%.80s) died by signal %d; its output is in worker-%d.log",
                 process->slot, name, WTERMSIG(how), process->slot);
    else
        snprintf(text, size, "worker %d (%.80s) ended with code %d; its output is in worker-%d.log",
                 process->slot, name, WEXITSTATUS(how), process->slot);
}

/* It crashed or its device failed. */
static void replace(supervision *s, nas__process *process, const char *death)
{
    char text[NAS__LINE_SIZE];
    const nas_trial *trial = s->retrain ? NULL : exhausted(s->run->study);
    if (trial) {
        snprintf(text, sizeof text,
                 "trial %d failed on each of its %d attempts; the last one: %.1900s", trial->index,
                 trial->attempts, death);
        stop_for(s, NAS_DEVICE, text);
        return;
    }
    bool worked = s->run->picture.progress.done > process->done_before;
    process->deaths = worked ? 1 : process->deaths + 1;
    tell(s, NAS_EVENT_WORKER, death);
    if (s->stopping || s->draining)
        return;
    if (process->deaths < DEATH_LIMIT) {
        start(s, process);
    } else if (alive(s) == 0) {
        snprintf(text, sizeof text, "no device is left: %.1900s", death);
        stop_for(s, NAS_DEVICE, text);
    }
}

static void lost_device(supervision *s, nas__process *process, const char *death)
{
    if (!process->optional) {
        stop_for(s, NAS_NO_DEVICE, process->message);
        return;
    }
    tell(s, NAS_EVENT_WORKER, death);
    if (s->retrain && s->next < s->count)
        start(s, &s->processes[s->next++]);
    else if (alive(s) == 0 && !s->stopping)
        stop_for(s, NAS_NO_DEVICE, process->message);
}

static void handle_end(supervision *s, nas__process *process, int how)
{
    char death[NAS__LINE_SIZE];
    bool well = process->said_end && process->end == NAS_OK;
    describe_death(process, how, death, sizeof death);
    nas_study_sync(s->run->study);
    if (well || (s->stopping && process->end == NAS_STOPPED))
        return;
    bool device = !process->said_end || process->end == NAS_DEVICE ||
                  process->end == NAS_DEVICE_MEMORY || process->end == NAS_MEMORY;
    if (process->said_end && process->end == NAS_NO_DEVICE)
        lost_device(s, process, death);
    else if (device)
        replace(s, process, death);
    else
        stop_for(s, process->end, process->message);
}

/* ---- watching ----------------------------------------------------------------------------------------------------- */

static void end_it(supervision *s, nas__process *process, const char *why)
{
    char note[256];
    snprintf(note, sizeof note, "worker %d %s: it is ended", process->slot, why);
    tell(s, NAS_EVENT_WORKER, note);
    nas__process_signal(process, SIGKILL);
    process->beat_s = process->heard_s = process->started_s = nas_now_s();
}

/* The trial that this process works on, in the mirror. */
static const nas_trial *trial_of(const supervision *s, const nas__process *process)
{
    for (int i = nas_study_count(s->run->study) - 1; i >= 0; i--) {
        const nas_trial *trial = nas_study_trial(s->run->study, i);
        if (trial->status == NAS_TRIAL_RUNNING && trial->owner.pid == (int64_t)process->pid)
            return trial;
    }
    return NULL;
}

static void watch_heartbeat(supervision *s, nas__process *process)
{
    const nas_trial *trial = trial_of(s, process);
    double now = nas_now_s();
    if (!trial) {
        process->trial = -1;
    } else if (trial->index != process->trial || trial->heartbeat_ms != process->heartbeat_ms) {
        process->trial = trial->index;
        process->heartbeat_ms = trial->heartbeat_ms;
        process->beat_s = now;
    } else if (now - process->beat_s > s->run->config->budget.lease_s) {
        end_it(s, process, "has stopped making steps");
    }
}

static void watch(supervision *s)
{
    double now = nas_now_s();
    for (int i = 0; i < s->count; i++) {
        nas__process *process = &s->processes[i];
        if (process->pid <= 0)
            continue;
        if (!process->ready && now - process->started_s > start_limit_s)
            end_it(s, process, "does not get its data and device open");
        else if (s->retrain && process->ready && now - process->heard_s > silence_limit_s)
            end_it(s, process, "has stopped making steps");
        else if (!s->retrain)
            watch_heartbeat(s, process);
    }
}

static void listen(supervision *s)
{
    nas_progress *p = &s->run->picture.progress;
    char note[NAS__LINE_SIZE + 32];
    for (int i = 0; i < s->count; i++) {
        nas__process *process = &s->processes[i];
        bool was_ready = process->ready;
        if (process->report < 0 || !nas__process_hear(process))
            continue;
        if (process->ready && !was_ready) {
            snprintf(note, sizeof note, "worker %d: %.200s", process->slot, process->message);
            tell(s, NAS_EVENT_WORKER, note);
        }
        if (process->jobs > 0) {
            p->job = process->job;
            p->jobs = process->jobs;
            p->epoch = process->epoch;
            p->epochs = process->epochs;
            p->job_name = process->job_name;
            tell(s, NAS_EVENT_RETRAIN, "");
        }
    }
}

static void sleep_on_pipes(const supervision *s)
{
    struct pollfd files[64];
    nfds_t count = 0;
    for (int i = 0; i < s->count && count < 64; i++)
        if (s->processes[i].report >= 0)
            files[count++] = (struct pollfd){.fd = s->processes[i].report, .events = POLLIN};
    poll(files, count, POLL_MS);
}

static void save_time(supervision *s)
{
    char text[64];
    nas__run *run = s->run;
    if (s->retrain)
        return;
    snprintf(text, sizeof text, "%.3f", run->picture.progress.run_s);
    if (nas_study_set(run->study, "run_s", text) == NAS_OK)
        run->saved_s = nas_now_s();
}

static void look_around(supervision *s)
{
    double now = nas_now_s();
    int how;
    listen(s);
    if (nas_study_sync(s->run->study) != NAS_OK)
        nas_log(NAS_LOG_WARNING, "%s", nas_error_message());
    s->run->picture.progress.devices = alive(s);
    nas__picture_update(&s->run->picture, s->run->study);
    for (int i = 0; i < s->count; i++)
        if (nas__process_reap(&s->processes[i], &how))
            handle_end(s, &s->processes[i], how);
    check_wishes(s);
    watch(s);
    if (now - s->run->saved_s > save_s)
        save_time(s);
    if (now - s->last_tick_s > tick_s) {
        s->last_tick_s = now;
        tell(s, NAS_EVENT_TICK, "");
    }
}

nas_status nas__supervise(nas__run *run, const char *mode)
{
    supervision s = {.run = run, .mode = mode, .retrain = strcmp(mode, "retrain") == 0};
    NAS_TRY(plan_processes(&s));
    tell_missing(&s);
    s.next = s.retrain ? 1 : s.count;
    for (int i = 0; i < s.next; i++)
        start(&s, &s.processes[i]);
    while (alive(&s) > 0) {
        sleep_on_pipes(&s);
        look_around(&s);
    }
    nas_study_sync(run->study);
    nas__picture_update(&run->picture, run->study);
    save_time(&s);
    free(s.processes);
    run->picture.progress.job_name = "";
    if (s.fatal != NAS_OK)
        NAS_FAIL(s.fatal, "%s", s.message);
    if (nas__signal)
        NAS_FAIL(NAS_STOPPED, "stopped by a signal; go on with: clnas resume %s",
                 nas_study_path(run->study));
    return NAS_OK;
}
