/* fates.c - what follows when a worker ends: nothing, another worker, a device dropped, or the end of everything.
 *
 * The rules stand at the head of supervisor.c.  Two things make a device that fails bearable for the others: its
 * deaths count by its own trials, whatever the rest gets done meanwhile; and the trial that it lost is left to other devices first
 * (nas_study_avoid), so that one bad device cannot use up a trial's attempts alone while a good one is there. */
#include "supervision.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { DEATH_LIMIT = 3 };

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

/* ---- a device that has failed ------------------------------------------------------------------------------------- */

/* The trials of this process, by the log: has it ended one; which one has it not ended (-1: none)? */
static bool look_at_trials(const nas__supervision *s, const nas__process *process, pid_t pid,
                           int *lost)
{
    bool worked = false;
    *lost = -1;
    for (int i = 0; i < nas_study_count(s->run->study); i++) {
        const nas_trial *trial = nas_study_trial(s->run->study, i);
        if (trial->owner.pid != (int64_t)pid || trial->started_ms < process->started_at_ms)
            continue;
        worked = worked || nas_trial_final(trial);
        *lost = nas_trial_final(trial) ? *lost : i;
    }
    return worked;
}

/* Another worker has found nothing left to do, and so it is. */
static bool is_done(const nas__supervision *s)
{
    return s->over && nas_study_open_count(s->run->study) == 0;
}

/* Others on the same device are told to give their trials back. */
static void drop(nas__supervision *s, const nas__process *process, const char *why)
{
    char text[NAS__LINE_SIZE];
    nas__place *place = &s->run->places->item[process->place];
    place->dropped = true;
    for (int i = 0; i < s->count; i++)
        if (s->processes[i].place == process->place)
            nas__process_signal(&s->processes[i], SIGTERM);
    snprintf(text, sizeof text, "device %.80s is dropped: %.1800s", nas__place_name(place), why);
    nas__crew_tell(s, NAS_EVENT_WORKER, text);
    if (s->retrain && s->next < s->count) {
        nas__crew_start(s, &s->processes[s->next++]);
    } else if (nas__crew_alive(s) == 0 && !is_done(s)) {
        snprintf(text, sizeof text, "no device is left: %.1900s", why);
        nas__crew_stop(s, NAS_DEVICE, text);
    }
}

static bool has_others(const nas__supervision *s, const nas__process *process)
{
    for (int i = 0; i < s->count; i++)
        if (s->processes[i].pid > 0 && s->processes[i].place != process->place)
            return true;
    return false;
}

/* It crashed or its device failed. */
static void replace(nas__supervision *s, nas__process *process, pid_t pid, const char *death)
{
    char text[NAS__LINE_SIZE];
    const nas_trial *trial = s->retrain ? NULL : exhausted(s->run->study);
    if (trial) {
        snprintf(text, sizeof text,
                 "trial %d failed on each of its %d attempts; the last one: %.1900s", trial->index,
                 trial->attempts, death);
        nas__crew_stop(s, NAS_DEVICE, text);
        return;
    }
    int lost = -1;
    bool worked = !s->retrain && look_at_trials(s, process, pid, &lost);
    process->deaths = worked ? 1 : process->deaths + 1;
    nas__crew_tell(s, NAS_EVENT_WORKER, death);
    if (s->stopping || s->draining || s->run->places->item[process->place].dropped || is_done(s))
        return;
    if (process->test && !process->ready) {
        snprintf(text, sizeof text, "it failed the test after an error: %.1800s", death);
        drop(s, process, text);
    } else if (process->deaths < DEATH_LIMIT) {
        process->test = true;
        process->avoid = has_others(s, process) ? lost : -1;
        nas__crew_start(s, process);
    } else {
        snprintf(text, sizeof text, "%d workers ended there without a trial: %.1800s",
                 process->deaths, death);
        drop(s, process, text);
    }
}

static void lost_device(nas__supervision *s, nas__process *process, const char *death)
{
    if (!process->optional) {
        nas__crew_stop(s, NAS_NO_DEVICE, process->message);
        return;
    }
    nas__crew_tell(s, NAS_EVENT_WORKER, death);
    if (s->retrain && s->next < s->count)
        nas__crew_start(s, &s->processes[s->next++]);
    else if (nas__crew_alive(s) == 0 && !s->stopping)
        nas__crew_stop(s, NAS_NO_DEVICE, process->message);
}

void nas__crew_lost(nas__supervision *s, nas__process *process, int how)
{
    char death[NAS__LINE_SIZE];
    const pid_t pid = process->gone;
    bool well = process->said_end && process->end == NAS_OK;
    bool told = s->stopping || s->run->places->item[process->place].dropped;
    describe_death(process, how, death, sizeof death);
    nas_study_sync(s->run->study);
    if (well || (told && process->said_end && process->end == NAS_STOPPED)) {
        s->over = s->over || (well && !s->retrain);
        if (!well && nas__crew_alive(s) == 0 && !s->stopping && !is_done(s))
            nas__crew_stop(s, NAS_DEVICE, "no device is left");
        return;
    }
    nas__place *place = &s->run->places->item[process->place];
    place->lost++;
    snprintf(place->trouble, sizeof place->trouble, "%.159s", death);
    bool device = !process->said_end || process->end == NAS_DEVICE ||
                  process->end == NAS_DEVICE_MEMORY || process->end == NAS_MEMORY;
    if (process->said_end && process->end == NAS_NO_DEVICE)
        lost_device(s, process, death);
    else if (device)
        replace(s, process, pid, death);
    else
        nas__crew_stop(s, process->end, process->message);
}
