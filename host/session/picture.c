/* picture.c - nas_progress out of a study: counts, best, rate, and an ETA that is not a guess.
 *
 * The rate is that of the last trials that this session saw end (at most 64, over at most five minutes; from the
 * session's start until there are as many), so a slow start or a burst of duplicates wears off.  ETA is the smaller of what is left of trials at that rate and what is left of minutes;
 * it stays unknown until two trials have ended. */
#include "session_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = sizeof((nas__picture *)0)->times / sizeof(double), WINDOW_S = 300 };

void nas__picture_begin(nas__picture *picture, nas_study *study, const nas_config *config,
                        nas_progress_function function, void *user)
{
    nas_text text = {0};
    bool found = false;
    *picture = (nas__picture){
        .config = config, .function = function, .user = user, .begin_s = nas_now_s()};
    if (nas_study_get(study, "run_s", &text, &found) == NAS_OK && found)
        picture->base_s = nas_real_read(text.data, NULL);
    nas_text_clear(&text);
    picture->progress.total = config->budget.trials;
    picture->progress.best_metric = config->objectives.item[0].metric;
    picture->progress.job_name = "";
    picture->progress.note = "";
    for (int i = 0; i < nas_study_count(study); i++) /* what was there before is no news */
        if (nas_study_result(study, i)) {
            nas_progress_function keep = picture->function;
            picture->function = NULL;
            nas__picture_update(picture, study);
            picture->function = keep;
            break;
        }
    picture->time_count = 0;
}

void nas__picture_clear(nas__picture *picture)
{
    free(picture->final);
    picture->final = NULL;
    picture->capacity = 0;
}

void nas__picture_tell(nas__picture *picture, nas_event event, const char *note)
{
    picture->progress.event = event;
    picture->progress.note = note ? note : "";
    if (picture->function)
        picture->function(picture->user, &picture->progress);
    picture->progress.trial = NULL;
    picture->progress.note = "";
}

static void add_time(nas__picture *picture, double now)
{
    if (picture->time_count == TIMES)
        memmove(picture->times, picture->times + 1,
                sizeof picture->times - sizeof picture->times[0]);
    else
        picture->time_count++;
    picture->times[picture->time_count - 1] = now;
}

/* Twice a second at most: it goes through the whole log. */
static void sum_up_uses(nas__picture *picture, const nas_study *study, double now)
{
    nas_progress *p = &picture->progress;
    if (picture->use_from_ms == 0 || (picture->used_s > 0 && now - picture->used_s < 0.5))
        return;
    picture->used_s = picture->use_to_ms ? 0 : now;
    p->use_count = nas__use_from_log(study, picture->use_from_ms,
                                     picture->use_to_ms ? picture->use_to_ms : nas_time_ms(),
                                     p->uses, NAS_DEVICE_USES);
}

static void set_rate(nas__picture *picture, double now)
{
    nas_progress *p = &picture->progress;
    const nas_budget *budget = &picture->config->budget;
    int first = 0;
    while (first < picture->time_count && now - picture->times[first] > WINDOW_S)
        first++;
    int count = picture->time_count - first;
    bool whole = first == 0 && picture->time_count < TIMES; /* since the session began */
    double since = whole ? picture->begin_s : count > 0 ? picture->times[first] : now;
    p->elapsed_s = now - picture->begin_s;
    p->run_s = picture->base_s + p->elapsed_s;
    p->per_minute = 0;
    p->eta_s = -1;
    if (count >= 2 && now > since)
        p->per_minute = 60 * (count - !whole) / (now - since);
    double limit_s = nas__real_limit_s(picture->config);
    if (limit_s > 0)
        p->eta_s = fmax(0, limit_s - p->run_s);
    if (budget->trials > 0 && p->per_minute > 0) {
        double left = 60 * (double)(budget->trials - p->done) / p->per_minute;
        p->eta_s = p->eta_s < 0 || left < p->eta_s ? fmax(0, left) : p->eta_s;
    } else if (budget->trials > 0)
        p->eta_s = -1;
}

static bool grow(nas__picture *picture, int count)
{
    if (count <= picture->capacity)
        return true;
    int capacity = count * 2 + 64;
    bool *final = realloc(picture->final, (size_t)capacity * sizeof *final);
    if (!final)
        return false;
    memset(final + picture->capacity, 0, (size_t)(capacity - picture->capacity) * sizeof *final);
    picture->final = final;
    picture->capacity = capacity;
    return true;
}

void nas__count_trials(const nas_study *study, const nas_config *config, nas_progress *p)
{
    int best;
    p->done = p->failed = p->running = 0;
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        const nas_trial *result = nas_study_result(study, i);
        p->done += result != NULL;
        p->failed += result && result->status == NAS_TRIAL_FAILED;
        p->running += trial->status == NAS_TRIAL_RUNNING;
    }
    p->busy = (int)p->running;
    p->has_best = nas_study_best(study, &config->objectives.item[0], 1, &best) == 1;
    if (p->has_best) {
        p->best_index = best;
        p->best_value = nas_trial_metric(nas_study_trial(study, best), p->best_metric);
    }
}

void nas__picture_update(nas__picture *picture, const nas_study *study)
{
    double now = nas_now_s();
    int count = nas_study_count(study);
    nas__count_trials(study, picture->config, &picture->progress);
    sum_up_uses(picture, study, now);
    set_rate(picture, now);
    if (!grow(picture, count))
        return;
    for (int i = 0; i < count; i++) {
        const nas_trial *result = nas_study_result(study, i);
        if (!result || picture->final[i])
            continue;
        picture->final[i] = true;
        add_time(picture, now);
        set_rate(picture, now);
        picture->progress.trial = nas_study_trial(study, i);
        nas__picture_tell(picture, NAS_EVENT_TRIAL,
                          result->status == NAS_TRIAL_FAILED ? result->reason : "");
    }
    picture->known = count;
}
