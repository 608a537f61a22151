/* timeline.c - the log as work on devices, by the clock.
 *
 * A trial knows on which device its last attempt began and when it ended.  A device with several workers has several lanes: each
 * trial takes the first lane of its device that is free when it begins.  Where nobody worked for long (between two sessions,
 * a night), the clock is stopped, or all the work would be a hair's breadth: such a pause is cut to a mark. */
#include "timeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double least_pause_s = 60, pause_share = 0.15, pause_mark = 0.02;

/* The end of a trial's work: its own, or the last sign of life of one that runs. */
static int64_t end_of(const nas_trial *trial)
{
    const int64_t end = trial->ended_ms > 0 ? trial->ended_ms : trial->heartbeat_ms;
    return end > trial->started_ms ? end : trial->started_ms;
}

static bool has_work(const nas_trial *trial)
{
    return trial->started_ms > 0 && trial->status != NAS_TRIAL_ALIAS &&
           trial->status != NAS_TRIAL_QUEUED;
}

typedef struct work {
    int trial;
    int64_t from, to; /* ms */
} work;

static int by_begin(const void *left, const void *right)
{
    const work *a = left, *b = right;
    return a->from != b->from ? (a->from < b->from ? -1 : 1) : a->trial - b->trial;
}

static int collect(const nas__subject *subject, work *works)
{
    int count = 0;
    for (int i = 0; i < subject->count; i++) {
        const nas_trial *trial = nas_study_trial(subject->study, i);
        if (has_work(trial))
            works[count++] = (work){i, trial->started_ms, end_of(trial)};
    }
    qsort(works, (size_t)count, sizeof *works, by_begin);
    return count;
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

/* Milliseconds in which anybody worked. */
static double worked_ms(const work *works, int count)
{
    double sum = 0;
    int64_t until = count ? works[0].from : 0;
    for (int i = 0; i < count; i++) {
        const int64_t from = works[i].from > until ? works[i].from : until;
        sum += works[i].to > from ? (double)(works[i].to - from) : 0;
        until = works[i].to > until ? works[i].to : until;
    }
    return sum;
}

/* Pauses that are long for this study, cut to marks. */
static void find_pauses(const work *works, int count, nas__timeline *t)
{
    const double worked = worked_ms(works, count) / 1000;
    const double least = fmax(least_pause_s, pause_share * worked);
    int64_t until = count ? works[0].from : 0;
    double cut = 0;
    t->mark = pause_mark * worked;
    for (int i = 0; i < count; i++) {
        const double pause = (double)(works[i].from - until) / 1000;
        if (pause > least && t->pause_count < NAS__PAUSES) {
            t->pauses[t->pause_count].at = (double)(until - t->begin_ms) / 1000 - cut + t->mark / 2;
            t->pauses[t->pause_count++].length = pause;
            cut += pause - t->mark;
        }
        until = works[i].to > until ? works[i].to : until;
    }
    t->end = (double)(until - t->begin_ms) / 1000 - cut;
}

/* Seconds of the clock at a time. */
static double clock_at(const nas__timeline *t, int64_t time_ms)
{
    double at = (double)(time_ms - t->begin_ms) / 1000;
    for (int i = 0; i < t->pause_count; i++)
        if (at > t->pauses[i].at + t->mark / 2)
            at -= t->pauses[i].length - t->mark;
    return at;
}

/* ---- lanes ------------------------------------------------------------------------------------------------------- */

static nas__lane *lane_for(nas__timeline *t, const char *device, const work *w)
{
    int number = 0;
    for (int i = 0; i < t->lane_count; i++) {
        if (strcmp(t->lanes[i].device, device) != 0)
            continue;
        number++;
        if (t->lanes[i].until <= (double)w->from)
            return &t->lanes[i];
    }
    if (t->lane_count == NAS__LANES)
        return NULL;
    nas__lane *lane = &t->lanes[t->lane_count++];
    snprintf(lane->device, sizeof lane->device, "%s", device);
    lane->number = number;
    return lane;
}

static int by_device(const void *left, const void *right)
{
    const nas__lane *a = left, *b = right;
    const int order = strcmp(a->device, b->device);
    return order ? order : a->number - b->number;
}

/* Lanes by device; stretches follow them by the numbers that they had. */
static void sort_lanes(nas__timeline *t)
{
    int place[NAS__LANES];
    for (int i = 0; i < t->lane_count; i++)
        t->lanes[i].until = i;
    qsort(t->lanes, (size_t)t->lane_count, sizeof *t->lanes, by_device);
    for (int i = 0; i < t->lane_count; i++) {
        place[(int)t->lanes[i].until] = i;
        for (int k = 0; k < t->lane_count; k++)
            t->lanes[i].of += strcmp(t->lanes[k].device, t->lanes[i].device) == 0;
    }
    for (int i = 0; i < t->count; i++)
        t->stretches[i].lane = place[t->stretches[i].lane];
}

static void add_stretch(const nas__subject *subject, const work *w, nas__timeline *t)
{
    const nas_trial *trial = nas_study_trial(subject->study, w->trial);
    nas__lane *lane = lane_for(t, *trial->device ? trial->device : "not known", w);
    if (!lane) {
        t->left_out++;
        return;
    }
    lane->trials++;
    lane->busy_s += (double)(w->to - w->from) / 1000;
    lane->until = (double)w->to;
    t->stretches[t->count++] = (nas__stretch){.trial = w->trial,
                                              .lane = (int)(lane - t->lanes),
                                              .trials = 1,
                                              .from = clock_at(t, w->from),
                                              .to = clock_at(t, w->to),
                                              .status = trial->status};
}

nas_status nas__timeline_init(const nas__subject *subject, nas__timeline *t)
{
    work *works = malloc(((size_t)subject->count + 1) * sizeof *works);
    *t = (nas__timeline){.count = 0};
    t->stretches = malloc(((size_t)subject->count + 1) * sizeof *t->stretches);
    if (!works || !t->stretches) {
        free(works);
        NAS_FAIL(NAS_MEMORY, "no memory for the work on %d trials", subject->count);
    }
    const int count = collect(subject, works);
    t->begin_ms = count ? works[0].from : 0;
    find_pauses(works, count, t);
    for (int i = 0; i < count; i++)
        add_stretch(subject, &works[i], t);
    sort_lanes(t);
    free(works);
    return NAS_OK;
}

void nas__timeline_clear(nas__timeline *t)
{
    free(t->stretches);
    t->stretches = NULL;
}
