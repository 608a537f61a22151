/* wishes.c - what is wished of a call from outside: go on, claim nothing new, or stop.
 *
 * Three can wish.  The caller of one call, through its function `cancelled`, which is asked by the thread that works, so it
 * needs no lock of ours.  The process, through nas_session_interrupt, for signal handlers: it means every call under way, of
 * all threads, and none that begins later; so interrupts are counted, and a call remembers the count that it began with.  And a
 * supervisor, through the signals of a worker process, which has one call in its life (orders.c).
 *
 * Children are remembered here too, because a second interrupt kills those of the calls that the first one meant.  All that a
 * signal handler touches is atomic and free of locks. */
#include "session_private.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { CHILDREN = 256 };

static atomic_int interrupts;   /* so far */
static atomic_int last_signal;  /* that the last one was told */
static atomic_int process_wish; /* nas__wish; of a worker process */

typedef struct child {
    atomic_int pid;   /* 0: free */
    atomic_int since; /* interrupts when its call began */
} child;
static child children[CHILDREN];

/* ---- one call ------------------------------------------------------------------------------------------------------- */

void nas__wishes_begin(nas__wishes *wishes, nas_cancelled_function cancelled, void *user)
{
    *wishes =
        (nas__wishes){.cancelled = cancelled, .user = user, .since = atomic_load(&interrupts)};
}

nas__wish nas__wish_now(nas__wishes *wishes)
{
    const nas__wish process = (nas__wish)atomic_load(&process_wish);
    if (!wishes->stopped && wishes->cancelled)
        wishes->stopped = wishes->cancelled(wishes->user);
    if (wishes->stopped || process == NAS__STOP || nas__wishes_signal(wishes))
        return NAS__STOP;
    return wishes->drained || process == NAS__DRAIN ? NAS__DRAIN : NAS__GO;
}

bool nas__goes_on(void *wishes)
{
    return nas__wish_now(wishes) != NAS__STOP;
}

int nas__wishes_signal(const nas__wishes *wishes)
{
    return atomic_load(&interrupts) != wishes->since ? atomic_load(&last_signal) : 0;
}

const char *nas__wishes_who(const nas__wishes *wishes)
{
    return wishes->stopped && !nas__wishes_signal(wishes) ? "cancelled" : "stopped by a signal";
}

/* ---- the process ---------------------------------------------------------------------------------------------------- */

void nas__wish_of_process(nas__wish wish)
{
    if ((int)wish > atomic_load(&process_wish))
        atomic_store(&process_wish, (int)wish);
}

void nas_session_interrupt(int signal)
{
    atomic_store(&last_signal, signal);
    const int before = atomic_fetch_add(&interrupts, 1);
    for (int i = 0; i < CHILDREN; i++) {
        const int pid = atomic_load(&children[i].pid);
        if (pid > 0 && atomic_load(&children[i].since) != before)
            kill((pid_t)pid, SIGKILL);
    }
}

/* -1 holds a place while it is written. */
void nas__child_here(pid_t pid, const nas__wishes *wishes)
{
    for (int i = 0; i < CHILDREN; i++) {
        int expected = 0;
        if (!atomic_compare_exchange_strong(&children[i].pid, &expected, -1))
            continue;
        atomic_store(&children[i].since, wishes ? wishes->since : atomic_load(&interrupts));
        atomic_store(&children[i].pid, (int)pid);
        return;
    }
}

void nas__child_gone(pid_t pid)
{
    for (int i = 0; i < CHILDREN; i++) {
        int expected = (int)pid;
        if (atomic_compare_exchange_strong(&children[i].pid, &expected, 0))
            return;
    }
}
