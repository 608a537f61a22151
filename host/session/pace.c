/* pace.c - how long trials take on each device, by the log.
 *
 * Two decisions hang on it.  Retraining takes the fastest device.  And towards the end of a search by arrival a slow device
 * begins no trial that the others would have done before it: with a device ten times slower than another, the last trial of the
 * slow one would otherwise keep the fast one waiting for up to ten trials, with llvmpipe beside a GPU for minutes.
 *
 * The rule, with faster devices at work on r trials per second and `left` not begun: without this device all ends after
 * (left + what is open) / r.  The device sits that out when it is less than the longest trial that it has had: networks of one
 * search differ in size, what the next one will cost is not known, and being late keeps all others waiting where being
 * early only leaves the slow one idle.  It looks again every moment, so when the others are lost it works.  Where trials are seen by
 * index, like devices share the work evenly and nothing is decided here.
 *
 * The first trial of a device, which builds kernels, counts only as long as it is the only one. */
#include "session_private.h"

#include <string.h>

/* Before so many trials are left, no device is so slow that the rule could bear on it, and the log need not be read. */
enum { LEFT_MOST = 1024 };

/* Trials record "ALIAS (DESCRIPTION)"; a name is the whole of that, or the alias. */
static bool is_on(const nas_trial *trial, const char *name)
{
    const size_t length = strlen(name);
    return length && strncmp(trial->device, name, length) == 0 &&
           (trial->device[length] == ' ' || !trial->device[length]);
}

typedef struct pace {
    double mean_ms, longest_ms; /* 0: no trial ended there */
} pace;

static pace pace_of(const nas_study *study, const char *device)
{
    pace first = {0}, later = {0};
    int count = 0;
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->status != NAS_TRIAL_COMPLETE || trial->started_ms <= 0 || !is_on(trial, device))
            continue;
        const double ms = (double)(trial->ended_ms - trial->started_ms);
        if (count++ == 0) {
            first = (pace){ms, ms};
            continue;
        }
        later.mean_ms += (ms - later.mean_ms) / (count - 1);
        later.longest_ms = ms > later.longest_ms ? ms : later.longest_ms;
    }
    return count > 1 ? later : first;
}

double nas__pace_ms(const nas_study *study, const char *device)
{
    return pace_of(study, device).mean_ms;
}

/* A worker of another device that is there to take what is left: it runs a trial, or has ended its last one and lives. */
static bool is_at_work(const nas_trial *trial)
{
    const nas_owner_state state = nas_owner_look(&trial->owner);
    return trial->status == NAS_TRIAL_RUNNING ? state != NAS_OWNER_DEAD : state == NAS_OWNER_ALIVE;
}

static bool same_owner(const nas_owner *a, const nas_owner *b)
{
    return a->pid == b->pid && a->start == b->start && strcmp(a->host, b->host) == 0;
}

/* Is this the last trial of its owner? */
static bool is_last(const nas_study *study, int index)
{
    const nas_owner *owner = &nas_study_trial(study, index)->owner;
    for (int i = index + 1; i < nas_study_count(study); i++)
        if (same_owner(&nas_study_trial(study, i)->owner, owner))
            return false;
    return true;
}

/* What faster devices get done: trials per millisecond, and how much of their trials is still to do.  Faster ones alone, so that there is
 * always one that waits for nobody. */
static double rate_of_others(const nas_study *study, const char *device, double mean_ms,
                             double *open)
{
    double rate = 0;
    *open = 0;
    for (int i = nas_study_count(study) - 1; i >= 0; i--) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->started_ms <= 0 || trial->status == NAS_TRIAL_QUEUED || is_on(trial, device) ||
            !is_last(study, i) || !is_at_work(trial))
            continue;
        const double ms = nas__pace_ms(study, trial->device);
        if (ms <= 0 || ms >= mean_ms)
            continue;
        rate += 1 / ms;
        *open += trial->status == NAS_TRIAL_RUNNING ? 1 - trial->progress : 0;
    }
    return rate;
}

bool nas__pace_sits_out(const nas_study *study, const char *device, int trials)
{
    double open;
    int left = trials - nas_study_count(study);
    if (left > LEFT_MOST)
        return false;
    for (int i = 0; i < nas_study_count(study); i++)
        left += nas_study_trial(study, i)->status == NAS_TRIAL_QUEUED;
    const pace own = left > 0 ? pace_of(study, device) : (pace){0};
    const double rate = own.mean_ms > 0 ? rate_of_others(study, device, own.mean_ms, &open) : 0;
    return rate > 0 && (left + open) / rate < own.longest_ms;
}
