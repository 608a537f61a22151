/* timeline.h - when which device worked on which trial: lanes, and a clock without its long pauses. */
#ifndef CLNAS_REPORT_TIMELINE_H
#define CLNAS_REPORT_TIMELINE_H

#include "subject.h"

typedef struct nas__stretch {
    int trial, lane; /* first trial of it */
    int trials;      /* that it stands for */
    double from, to; /* seconds of the clock below */
    nas_trial_status status;
} nas__stretch;

enum { NAS__LANES = 64, NAS__PAUSES = 32 };

typedef struct nas__lane {
    char device[128];
    int number, of; /* of the lanes of its device */
    int trials;
    double busy_s;
    double until; /* end of its last stretch, ms */
} nas__lane;

typedef struct nas__timeline {
    nas__stretch *stretches;
    int count;
    nas__lane lanes[NAS__LANES]; /* by device */
    int lane_count;
    int left_out; /* trials that found no lane */
    struct {
        double at, length; /* seconds: of the clock; that were cut out */
    } pauses[NAS__PAUSES];
    int pause_count;
    double mark;      /* seconds of the clock that stand for a pause */
    double end;       /* of the clock */
    int64_t begin_ms; /* when the clock is 0 */
} nas__timeline;

/* Of all trials that have begun.  Clear it on success and on failure. */
nas_status nas__timeline_init(const nas__subject *subject, nas__timeline *timeline);
void nas__timeline_clear(nas__timeline *timeline);

#endif
