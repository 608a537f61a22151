/* use.c - how busy each device of a search is, out of the log alone.
 *
 * Trials say on which device and by which process they were worked on, when that began and when it ended, so anybody who
 * reads the study knows how the devices are used; only when the session's search began and ended is stored beside them.
 * A device is as busy as its workers: of each process, the time on trials (the attempts that gave a result, and what runs
 * now) by the time from its first trial to the session's end - or to its own, where another process took its place.
 * Starting up, retraining, and attempts that were lost count as nothing done.  Read next: picture.c. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES = 256 };
static const char begin_key[] = "search_begin_ms", end_key[] = "search_end_ms";

/* ---- the session ---------------------------------------------------------------------------------------------------- */

static nas_status set_time(nas_study *study, const char *key, int64_t time_ms)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)time_ms);
    return nas_study_set(study, key, text);
}

nas_status nas__use_time(nas_study *study, const char *key, int64_t *time_ms)
{
    nas_text text = {0};
    bool found = false;
    nas_status status = nas_study_get(study, key, &text, &found);
    const int64_t time = status == NAS_OK && found ? strtoll(text.data, NULL, 10) : 0;
    *time_ms =
        time > 0 && time < INT64_MAX / 4 ? time : 0; /* differences of such do not overflow */
    nas_text_clear(&text);
    return status;
}

nas_status nas__use_begin(nas_study *study)
{
    NAS_TRY(set_time(study, end_key, 0));
    return set_time(study, begin_key, nas_time_ms());
}

nas_status nas__use_end(nas_study *study)
{
    return set_time(study, end_key, nas_time_ms());
}

nas_status nas__use_window(nas_study *study, int64_t *from_ms, int64_t *to_ms)
{
    NAS_TRY(nas__use_time(study, begin_key, from_ms));
    return nas__use_time(study, end_key, to_ms);
}

int64_t nas__use_until(const nas_study *study)
{
    int64_t last = 0;
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->status == NAS_TRIAL_RUNNING && nas_owner_look(&trial->owner) != NAS_OWNER_DEAD)
            return nas_time_ms();
        last = trial->ended_ms > last ? trial->ended_ms : last;
        last = trial->heartbeat_ms > last ? trial->heartbeat_ms : last;
    }
    return last;
}

/* ---- one process after the other ------------------------------------------------------------------------------------- */

typedef struct stint {
    int use; /* index of its device */
    nas_owner owner;
    int64_t first, last; /* ms */
    double busy;         /* of these */
} stint;

typedef struct tally {
    nas_device_use *uses;
    int limit, count;
    stint stints[PROCESSES];
    int stint_count;
    int64_t to_ms;
} tally;

/* "home" of "home (0:0 llvmpipe (LLVM))". */
static void name_use(nas_device_use *use, const char *device)
{
    const char *end = strstr(device, " (");
    size_t length =
        end && device[strlen(device) - 1] == ')' ? (size_t)(end - device) : strlen(device);
    snprintf(use->device, sizeof use->device, "%s", device);
    snprintf(use->name, sizeof use->name, "%.*s", (int)(length < 63 ? length : 63), device);
}

static int use_of(tally *t, const char *device)
{
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->uses[i].device, device) == 0)
            return i;
    if (t->count == t->limit)
        return -1;
    t->uses[t->count] = (nas_device_use){.state = "", .trial = -1, .busy = NAN, .silent_s = NAN};
    name_use(&t->uses[t->count], device);
    return t->count++;
}

static stint *stint_of(tally *t, int use, const nas_trial *trial)
{
    for (int i = 0; i < t->stint_count; i++) {
        const nas_owner *owner = &t->stints[i].owner;
        if (t->stints[i].use == use && owner->pid == trial->owner.pid &&
            owner->start == trial->owner.start && strcmp(owner->host, trial->owner.host) == 0)
            return &t->stints[i];
    }
    if (t->stint_count == PROCESSES)
        return NULL;
    t->stints[t->stint_count] =
        (stint){.use = use, .owner = trial->owner, .first = trial->started_ms};
    return &t->stints[t->stint_count++];
}

static void add_trial(tally *t, const nas_trial *trial)
{
    const bool runs =
        trial->status == NAS_TRIAL_RUNNING && nas_owner_look(&trial->owner) != NAS_OWNER_DEAD;
    if ((!runs && !nas_trial_final(trial)) || trial->status == NAS_TRIAL_ALIAS)
        return;
    const int at = use_of(t, trial->device);
    stint *s = at < 0 ? NULL : stint_of(t, at, trial);
    if (!s)
        return;
    nas_device_use *use = &t->uses[at];
    const int64_t end = runs ? t->to_ms : trial->ended_ms;
    s->first = trial->started_ms < s->first ? trial->started_ms : s->first;
    s->last = end > s->last ? end : s->last;
    s->busy += end > trial->started_ms ? (double)(end - trial->started_ms) : 0;
    use->done += !runs;
    use->failed += trial->status == NAS_TRIAL_FAILED;
    if (runs) {
        use->workers++;
        const int64_t sign_ms =
            trial->heartbeat_ms > trial->started_ms ? trial->heartbeat_ms : trial->started_ms;
        use->trial = trial->index;
        use->progress = trial->progress;
        use->silent_s = /* of several workers, the one that is silent longest */
            fmax(use->silent_s, (double)(t->to_ms > sign_ms ? t->to_ms - sign_ms : 0) / 1000);
    }
}

/* Another process of this device began when this one had done its last. */
static bool was_replaced(const tally *t, const stint *s)
{
    for (int i = 0; i < t->stint_count; i++)
        if (t->stints[i].use == s->use && &t->stints[i] != s && t->stints[i].first >= s->last)
            return true;
    return false;
}

static void sum_up(tally *t, int at)
{
    nas_device_use *use = &t->uses[at];
    double busy = 0, whole = 0;
    int64_t first = t->to_ms;
    for (int i = 0; i < t->stint_count; i++) {
        const stint *s = &t->stints[i];
        if (s->use != at)
            continue;
        busy += s->busy;
        whole += (double)((was_replaced(t, s) ? s->last : t->to_ms) - s->first);
        first = s->first < first ? s->first : first;
    }
    if (whole > 0)
        use->busy = busy < whole ? busy / whole : 1;
    if (t->to_ms > first)
        use->per_minute = 60000.0 * (double)use->done / (double)(t->to_ms - first);
}

int nas__use_from_log(const nas_study *study, int64_t from_ms, int64_t to_ms, nas_device_use *uses,
                      int limit)
{
    tally *t = calloc(1, sizeof *t);
    if (!t)
        return 0;
    *t = (tally){.uses = uses, .limit = limit, .to_ms = to_ms};
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->device[0] && trial->started_ms >= from_ms && trial->started_ms <= to_ms)
            add_trial(t, trial);
    }
    for (int i = 0; i < t->count; i++)
        sum_up(t, i);
    const int count = t->count;
    free(t);
    return count;
}
