/* supervisor.c - starts worker processes, watches them, ends those that hang, replaces those that die.
 *
 * The supervisor does no work of its own and opens no device: a driver cannot hurt it.  What it knows it reads from the
 * study, like anybody else.
 *
 *   a worker ends well                  its device is done
 *   it crashes, or its device errs      another one is started, which proves the device before it works and leaves the
 *                                       trial to others at first; the trial is an attempt poorer
 *   the device fails that proof         it is dropped, with all of its workers; so it is by
 *   three deaths without a trial        of its own in between; without any device left: NAS_DEVICE
 *   a trial has used up its attempts    everything stops, resumably (NAS_DEVICE)
 *   its heartbeat stands still          it is killed, which is a crash
 *   config, data or store are wrong     everything stops: another worker would find the same
 *
 * Next: process.c, one worker; worker.c, what it does; fates.c, what becomes of one that has ended. */
#include "supervision.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 100, WORKERS = 64 /* on one device, at most */ };
static const double tick_s = 1, save_s = 5, start_limit_s = 900, test_limit_s = 300,
                    silence_limit_s = 600, pause_limit_s = 5;

/* ---- who there is ------------------------------------------------------------------------------------------------- */

static void add_process(nas__supervision *s, int at)
{
    const nas_device_wish *wish = &s->run->places->item[at].wish;
    nas__process *process = &s->processes[s->count];
    *process = (nas__process){.slot = s->count,
                              .place = at,
                              .optional = wish->optional,
                              .report = -1,
                              .trial = -1,
                              .avoid = -1};
    memcpy(process->match, wish->match, sizeof process->match);
    memcpy(process->alias, wish->name, sizeof process->alias);
    memcpy(process->driver, wish->driver, sizeof process->driver);
    s->count++;
}

/* Retraining takes the fastest device, by the log, and the next one when that is lost; else those of the config in order. */
static int fastest(const nas__supervision *s, const bool *taken)
{
    const nas__places *places = s->run->places;
    int best = -1;
    double best_ms = 0;
    for (int i = 0; i < places->count; i++) {
        if (taken[i])
            continue;
        double ms = nas__pace_ms(s->run->study, places->item[i].wish.name);
        if (best < 0 || (ms > 0 && (best_ms == 0 || ms < best_ms))) {
            best = i;
            best_ms = ms;
        }
    }
    return best;
}

static nas_status find_places(nas__supervision *s)
{
    nas__places *places = s->run->places;
    if (places->count == 0)
        NAS_TRY(nas__places_find(s->run->config, s->run->options, places));
    if (!s->retrain)
        NAS_TRY(nas__places_check_measured(places, s->run->config, s->run->options));
    NAS_TRY(nas__places_check(places));
    for (int i = 0; i < places->count; i++)
        if (!places->item[i].missing[0] && !places->item[i].dropped)
            return NAS_OK;
    for (int i = 0; i < places->count; i++)
        places->item[i].dropped = false; /* better a device that has failed than none */
    return NAS_OK;
}

static nas_status plan_processes(nas__supervision *s)
{
    bool taken[NAS_CONFIG_DEVICES] = {false};
    NAS_TRY(find_places(s));
    const nas__places *places = s->run->places;
    s->processes = calloc((size_t)places->count * WORKERS, sizeof *s->processes);
    if (!s->processes)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    for (int i = 0; i < places->count; i++) {
        int at = s->retrain ? fastest(s, taken) : i;
        const nas__place *place = &places->item[at];
        int workers = s->retrain ? 1 : (int)place->wish.workers;
        taken[at] = true;
        for (int k = 0; !place->missing[0] && !place->dropped && k < workers && k < WORKERS; k++)
            add_process(s, at);
    }
    return NAS_OK;
}

int nas__crew_alive(const nas__supervision *s)
{
    int count = 0;
    for (int i = 0; i < s->count; i++)
        count += s->processes[i].pid > 0;
    return count;
}

void nas__crew_tell(nas__supervision *s, nas_event event, const char *note)
{
    s->run->picture.progress.devices = nas__crew_alive(s);
    nas__picture_tell(&s->run->picture, event, note);
}

/* Devices that may be away and are. */
static void tell_missing(nas__supervision *s)
{
    char note[NAS__LINE_SIZE];
    for (int i = 0; !s->retrain && i < s->run->places->count; i++) {
        const nas__place *place = &s->run->places->item[i];
        snprintf(note, sizeof note, "device %.80s is not used: %s", nas__place_name(place),
                 place->missing);
        if (place->missing[0])
            nas__crew_tell(s, NAS_EVENT_WORKER, note);
    }
}

/* ---- what each device does ------------------------------------------------------------------------------------------- */

static bool is_use_of(const nas_device_use *use, const char *device, const nas__place *place)
{
    if (device[0])
        return strcmp(use->device, device) == 0;
    return !use->device[0] && strcmp(use->name, nas__place_name(place)) == 0;
}

/* Moves the row of this place, made from the log or made now, to position `at`. */
static nas_device_use *use_of(nas_progress *p, int at, const char *device, const nas__place *place)
{
    int found = at;
    while (found < p->use_count && !is_use_of(&p->uses[found], device, place))
        found++;
    if (found >= p->use_count) {
        found = p->use_count < NAS_DEVICE_USES ? p->use_count++ : NAS_DEVICE_USES - 1;
        p->uses[found] = (nas_device_use){.trial = -1, .busy = NAN, .silent_s = NAN};
        snprintf(p->uses[found].name, sizeof p->uses[found].name, "%.63s", nas__place_name(place));
        snprintf(p->uses[found].device, sizeof p->uses[found].device, "%s", device);
    }
    const nas_device_use moved = p->uses[found];
    p->uses[found] = p->uses[at];
    p->uses[at] = moved;
    return &p->uses[at];
}

static void show_place(nas__supervision *s, int at)
{
    const nas__place *place = &s->run->places->item[at];
    const char *device = "";
    int living = 0, ready = 0, testing = 0;
    for (int i = 0; i < s->count; i++) {
        const nas__process *process = &s->processes[i];
        if (process->place != at)
            continue;
        device = process->device[0] ? process->device : device;
        living += process->pid > 0;
        ready += process->pid > 0 && process->ready;
        testing += process->pid > 0 && process->testing;
    }
    nas_device_use *use = use_of(&s->run->picture.progress, at, device, place);
    use->workers = living;
    use->lost = place->lost;
    snprintf(use->trouble, sizeof use->trouble, "%.159s",
             place->missing[0] ? place->missing : place->trouble);
    use->state = place->missing[0] ? "is missing"
                 : place->dropped  ? "is dropped"
                 : living == 0     ? "has ended"
                 : use->trial >= 0 ? "works"
                 : testing > 0     ? "is tested"
                 : ready == 0      ? "starts"
                                   : "waits";
}

/* The same for those who look on; which trials it works on they see in the log. */
static void sign_place(nas__run *run, int at)
{
    nas__sign_place *sign = &run->signs.places[at];
    const nas_device_use *use = &run->picture.progress.uses[at];
    const bool quiet = strcmp(use->state, "waits") == 0;
    snprintf(sign->name, sizeof sign->name, "%.63s", nas__place_name(&run->places->item[at]));
    snprintf(sign->state, sizeof sign->state, "%s", quiet ? "works" : use->state);
    sign->lost = use->lost;
    memcpy(sign->device, use->device, sizeof sign->device);
    memcpy(sign->trouble, use->trouble, sizeof sign->trouble);
}

static void show_places(nas__supervision *s)
{
    nas__run *run = s->run;
    if (s->retrain)
        return;
    run->signs.place_count = run->places->count;
    for (int i = 0; i < run->places->count; i++) {
        show_place(s, i);
        sign_place(run, i);
    }
    nas__signs_write(run->study, &run->signs, false, &run->signs_written);
}

/* ---- stopping ----------------------------------------------------------------------------------------------------- */

static void signal_all(nas__supervision *s, int signal)
{
    for (int i = 0; i < s->count; i++)
        nas__process_signal(&s->processes[i], signal);
}

void nas__crew_stop(nas__supervision *s, nas_status status, const char *message)
{
    if (s->fatal != NAS_OK)
        return;
    s->fatal = status;
    snprintf(s->message, sizeof s->message, "%s", message);
    s->stopping = true;
    signal_all(s, SIGTERM);
}

static void check_wishes(nas__supervision *s)
{
    double limit_s = nas__real_limit_s(s->run->config);
    if (!s->stopping && nas__wish_now(&s->run->wishes) == NAS__STOP) {
        s->stopping = true;
        signal_all(s, SIGTERM);
        nas_text resume = {0};
        nas_text_add(&resume, "clnas resume ");
        nas_text_add_word(&resume, nas_study_path(s->run->study));
        nas__crew_tell(s, NAS_EVENT_STOPPING, resume.data ? resume.data : "clnas resume");
        nas_text_clear(&resume);
    }
    if (!s->retrain && !s->draining && limit_s > 0 && s->run->picture.progress.run_s >= limit_s) {
        s->draining = true;
        signal_all(s, SIGUSR1);
    }
}

/* ---- starting and losing workers ---------------------------------------------------------------------------------- */

void nas__crew_start(nas__supervision *s, nas__process *process)
{
    if (nas__process_start(process, s->run->options->program, s->run->study, s->mode,
                           &s->run->wishes) != NAS_OK)
        nas__crew_stop(s, NAS_FAILED, nas_error_message());
}

/* ---- watching ----------------------------------------------------------------------------------------------------- */

static void end_it(nas__supervision *s, nas__process *process, const char *why)
{
    char note[256];
    snprintf(note, sizeof note, "worker %d %s: it is ended", process->slot, why);
    nas__crew_tell(s, NAS_EVENT_WORKER, note);
    nas__process_signal(process, SIGKILL);
    process->beat_s = process->heard_s = process->started_s = nas_now_s();
}

/* The trial that this process works on, in the mirror. */
static const nas_trial *trial_of(const nas__supervision *s, const nas__process *process)
{
    for (int i = nas_study_count(s->run->study) - 1; i >= 0; i--) {
        const nas_trial *trial = nas_study_trial(s->run->study, i);
        if (trial->status == NAS_TRIAL_RUNNING && trial->owner.pid == (int64_t)process->pid)
            return trial;
    }
    return NULL;
}

static void watch_heartbeat(nas__supervision *s, nas__process *process)
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

/* Time in which this process was stopped itself (a shell's ^Z, a debugger, a machine that swaps) says nothing about
 * its workers, which most likely were stopped with it: it is taken from none. */
static void forgive_pause(nas__supervision *s, double now)
{
    const double pause_s = now - s->watched_s;
    if (s->watched_s > 0 && pause_s > pause_limit_s)
        for (int i = 0; i < s->count; i++) {
            s->processes[i].beat_s += pause_s;
            s->processes[i].heard_s += pause_s;
            s->processes[i].started_s += pause_s;
        }
    s->watched_s = now;
}

static void watch(nas__supervision *s)
{
    double now = nas_now_s();
    forgive_pause(s, now);
    for (int i = 0; i < s->count; i++) {
        nas__process *process = &s->processes[i];
        if (process->pid <= 0)
            continue;
        if (process->testing && now - process->started_s > test_limit_s)
            end_it(s, process, "does not get through the test of its device");
        else if (!process->ready && now - process->started_s > start_limit_s)
            end_it(s, process, "does not get its data and device open");
        else if (s->retrain && process->ready && now - process->heard_s > silence_limit_s)
            end_it(s, process, "has stopped making steps");
        else if (!s->retrain)
            watch_heartbeat(s, process);
    }
}

static void listen(nas__supervision *s)
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
            nas__crew_tell(s, NAS_EVENT_WORKER, note);
        }
        if (process->jobs > 0) {
            p->job = process->job;
            p->jobs = process->jobs;
            p->epoch = process->epoch;
            p->epochs = process->epochs;
            p->job_name = process->job_name;
            nas__run_retrains(s->run);
            nas__crew_tell(s, NAS_EVENT_RETRAIN, "");
        }
    }
}

static void sleep_on_pipes(const nas__supervision *s)
{
    struct pollfd files[64];
    nfds_t count = 0;
    for (int i = 0; i < s->count && count < 64; i++)
        if (s->processes[i].report >= 0)
            files[count++] = (struct pollfd){.fd = s->processes[i].report, .events = POLLIN};
    poll(files, count, POLL_MS);
}

static void save_time(nas__supervision *s)
{
    char text[64];
    nas__run *run = s->run;
    if (s->retrain)
        return;
    nas_format(text, sizeof text, "%.3f", run->picture.progress.run_s);
    if (nas_study_set(run->study, "run_s", text) == NAS_OK)
        run->saved_s = nas_now_s();
}

static void look_around(nas__supervision *s)
{
    double now = nas_now_s();
    int how;
    listen(s);
    if (nas_study_sync(s->run->study) != NAS_OK)
        nas_log(NAS_LOG_WARNING, "%s", nas_error_message());
    s->run->picture.progress.devices = nas__crew_alive(s);
    nas__picture_update(&s->run->picture, s->run->study);
    show_places(s);
    for (int i = 0; i < s->count; i++)
        if (nas__process_reap(&s->processes[i], &how))
            nas__crew_lost(s, &s->processes[i], how);
    check_wishes(s);
    watch(s);
    if (now - s->run->saved_s > save_s)
        save_time(s);
    if (now - s->last_tick_s > tick_s) {
        s->last_tick_s = now;
        nas__crew_tell(s, NAS_EVENT_TICK, "");
    }
}

nas_status nas__supervise(nas__run *run, const char *mode)
{
    nas__supervision s = {.run = run, .mode = mode, .retrain = strcmp(mode, "retrain") == 0};
    NAS_TRY(plan_processes(&s));
    tell_missing(&s);
    s.next = s.retrain ? 1 : s.count;
    for (int i = 0; i < s.next; i++)
        nas__crew_start(&s, &s.processes[i]);
    while (nas__crew_alive(&s) > 0) {
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
    if (nas__wish_now(&run->wishes) != NAS__STOP)
        return NAS_OK;
    nas_text study = {0};
    nas_text_add_word(&study, nas_study_path(run->study));
    const nas_status status =
        nas_error_set(NAS_STOPPED, __FILE__, __LINE__, "%s; go on with: clnas resume %s",
                      nas__wishes_who(&run->wishes), study.data ? study.data : "STUDY");
    nas_text_clear(&study);
    return status;
}
