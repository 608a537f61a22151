/* watch.h - a training that is scored: its clock, its limit, its progress, and what it goes on from (watch.c). */
#ifndef NAS_EVAL_WATCH_H
#define NAS_EVAL_WATCH_H

#include "evaluator.h"

typedef struct nas__watch {
    const nas_eval_call *call;
    int first; /* epoch that it goes on from */
    double begin_s, begin_cpu_s;
    bool over_time; /* it was stopped for its limit, not by somebody's wish */
} nas__watch;

void nas__watch_begin(nas__watch *watch, const nas_eval_call *call);
/* For the trainer's callback, which asks every few steps: go on? */
bool nas__watch_step(nas__watch *watch, const nas_train_progress *progress);
/* Takes up the training in a file (NULL, or not there: none), which is to have `least` to `most` epochs behind it, the one that
 * runs not counted.  `*taken` false: there is none that will do, which costs the time that it would have saved; the trainer is as before, or
 * (epochs done) another training. */
nas_status nas__take_up(nas__watch *watch, nas_trainer *trainer, const char *path, int least,
                        int most, bool *taken);
/* nas_trainer_run, where a training that is stopped for its limit fails with NAS_TIME. */
nas_status nas__watch_run(const nas__watch *watch, nas_trainer *trainer, int epoch);
/* Metrics train_seconds and cpu_seconds, since the beginning. */
nas_status nas__watch_seconds(const nas__watch *watch, nas_trial *result);

#endif
