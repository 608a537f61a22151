/* supervision.h - what the supervisor's two files share: supervisor.c watches, fates.c says what follows when a worker ends. */
#ifndef NAS_SESSION_SUPERVISION_H
#define NAS_SESSION_SUPERVISION_H

#include "process.h"

typedef struct nas__supervision {
    nas__run *run;
    const char *mode;
    bool retrain;
    nas__process *processes;
    int count, next; /* retraining uses one at a time: `next` is the first that was not tried */
    bool stopping, draining;
    bool over; /* a worker has found nothing left to do */
    nas_status fatal;
    char message[NAS__LINE_SIZE];
    double last_tick_s, watched_s;
} nas__supervision;

int nas__crew_alive(const nas__supervision *s);
void nas__crew_tell(nas__supervision *s, nas_event event, const char *note);
void nas__crew_start(nas__supervision *s, nas__process *process);
/* Everything stops, for this reason if there is no earlier one. */
void nas__crew_stop(nas__supervision *s, nas_status status, const char *message);
/* A worker is gone; `how` is waitpid's status. */
void nas__crew_lost(nas__supervision *s, nas__process *process, int how);

#endif
