/* pace.c - how long trials take on each device, by the log.
 *
 * Two decisions hang on it.  Retraining takes the fastest device.  And towards the end of a search by arrival a slow device
 * begins no trial that the others would have done before it: with a device ten times slower than another, the last trial of the
 * slow one would otherwise keep the fast one waiting for up to ten trials, with llvmpipe beside a GPU for minutes.
 *
 * The rule, with the others at work on r trials per second and `left` not begun: without this device all ends after
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

/* What other devices work on: trials per millisecond, and how much of them is still to do. */
static double rate_of_others(const nas_study *study, const char *device, double *open)
{
    double rate = 0;
    *open = 0;
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->status != NAS_TRIAL_RUNNING || is_on(trial, device) ||
            nas_owner_look(&trial->owner) == NAS_OWNER_DEAD)
            continue;
        const double ms = nas__pace_ms(study, trial->device);
        if (ms <= 0)
            continue;
        rate += 1 / ms;
        *open += 1 - trial->progress;
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
    const double own = left > 0 ? pace_of(study, device).longest_ms : 0;
    const double rate = own > 0 ? rate_of_others(study, device, &open) : 0;
    return rate > 0 && (left + open) / rate < own;
}
