/* process.h - one worker process as its supervisor sees it. */
#ifndef NAS_SESSION_PROCESS_H
#define NAS_SESSION_PROCESS_H

#include "places.h"
#include "session_private.h"

#include <sys/types.h>

enum { NAS__LINE_SIZE = 2048, NAS__REPORT_FILE = 3 /* descriptor in the worker */ };

typedef struct nas__process {
    /* what it is for */
    int slot;
    char match[NAS_TEXT_SIZE], alias[NAS_TEXT_SIZE], driver[NAS_TEXT_SIZE];
    bool optional;
    int place; /* index into nas__places */
    bool test; /* it proves its device before it works */
    int avoid; /* a trial left to others at first, or -1 */
    /* the process */
    pid_t pid;  /* 0: none */
    pid_t gone; /* the one before, which was reaped */
    int report; /* read end of its pipe, or -1 */
    char line[NAS__LINE_SIZE];
    size_t length;
    double started_s, heard_s; /* monotonic; heard_s: the last line */
    /* what it said last */
    bool ready, testing, said_end; /* testing: until it is ready */
    nas_status end;
    char message[NAS__LINE_SIZE];
    char device[128];             /* as its trials name it; "": not open yet */
    int job, jobs, epoch, epochs; /* of retraining */
    char job_name[64];
    /* heartbeat of its trial, as seen */
    int trial; /* -1: none */
    int64_t heartbeat_ms;
    double beat_s; /* monotonic, when heartbeat_ms last changed */
    /* history */
    int deaths;            /* in a row, without a trial in between */
    int64_t started_at_ms; /* wall clock: trials of its process id from then on are its own */
} nas__process;

/* Starts `program` with `arguments` (the program's name first), its output in `log` and what it reads from the descriptor `orders`
 * (−1: nothing); `*report` is the end from which to
 * read what it says, without waiting.  Interrupted a second time, the session kills it until it is said to be gone (nas__child_gone). */
nas_status nas__child_start(const char *program, char *const *arguments, const char *log,
                            int orders, const nas__wishes *wishes, pid_t *pid, int *report);
/* The status that a child says by name; NAS_FAILED where it is none. */
nas_status nas__status_named(const char *name);
/* Starts `program worker …` with its output in STUDY.d/worker-SLOT.log. */
nas_status nas__process_start(nas__process *process, const char *program, const nas_study *study,
                              const char *mode, const nas__wishes *wishes);
/* Reads what it has reported; true when something new was said. */
bool nas__process_hear(nas__process *process);
/* Gone?  Then `*how` is waitpid's status, the pipe is read to its end, and pid is 0. */
bool nas__process_reap(nas__process *process, int *how);
void nas__process_signal(const nas__process *process, int signal);

#endif
