/* heartbeat.c - a worker tells the study that it is alive, as long as it gets on with its work.
 *
 * Idea: the main thread may sit in a driver call for ever, so a thread of its own writes the heartbeats - but only
 * while the main thread has moved lately: each training step stores the time.  When that stops, so do the heartbeats, and
 * the supervisor ends the process.  Building kernels before the first step or for a measurement, and a pass over the
 * validation split at an epoch's end, have no steps to show and get longer.  The thread has a study handle of its own; nothing else is shared but
 * atomics. */
#include "session_private.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const double build_s = 600;    /* for the first step, and for each measurement */
static const double epoch_times = 10; /* leases, at a whole epoch */

struct nas__heart {
    nas_study *study;
    double lease_s;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool quit, active; /* under the lock, as is the claim */
    nas_claim claim;
    _Atomic double moved_s, allowance_s, progress;
    atomic_bool lost;
};

/* One heartbeat, if the work moves. */
static void beat_once(nas__heart *heart)
{
    bool held = true;
    if (!heart->active || nas_now_s() - heart->moved_s > heart->allowance_s)
        return;
    nas_status status = nas_study_heartbeat(heart->study, &heart->claim, heart->progress, &held);
    if (status == NAS_OK && !held)
        heart->lost = true;
    if (status != NAS_OK)
        nas_log(NAS_LOG_WARNING, "heartbeat: %s", nas_error_message());
}

static void *run(void *user)
{
    nas__heart *heart = user;
    double pause_s = heart->lease_s / 4 < 2 ? heart->lease_s / 4 : 2;
    pthread_mutex_lock(&heart->lock);
    while (!heart->quit) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        double sum = (double)until.tv_nsec / 1e9 + pause_s;
        until.tv_sec += (time_t)sum;
        until.tv_nsec = (long)((sum - floor(sum)) * 1e9);
        pthread_cond_timedwait(&heart->wake, &heart->lock, &until);
        if (!heart->quit)
            beat_once(heart);
    }
    pthread_mutex_unlock(&heart->lock);
    return NULL;
}

nas_status nas__heart_create(const char *study_path, double lease_s, nas__heart **heart)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    nas__heart *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    fresh->lease_s = lease_s;
    nas_status status = nas_study_open(study_path, NAS_STORE_WRITE, &fresh->study);
    if (status != NAS_OK) {
        free(fresh);
        return status;
    }
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fresh->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&fresh->thread, NULL, run, fresh);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        nas_study_close(fresh->study);
        free(fresh);
        NAS_FAIL(NAS_FAILED, "cannot start the heartbeat's thread");
    }
    *heart = fresh;
    return NAS_OK;
}

void nas__heart_destroy(nas__heart *heart)
{
    if (!heart)
        return;
    pthread_mutex_lock(&heart->lock);
    heart->quit = true;
    pthread_cond_signal(&heart->wake);
    pthread_mutex_unlock(&heart->lock);
    pthread_join(heart->thread, NULL);
    pthread_cond_destroy(&heart->wake);
    pthread_mutex_destroy(&heart->lock);
    nas_study_close(heart->study);
    free(heart);
}

void nas__heart_begin(nas__heart *heart, const nas_claim *claim)
{
    pthread_mutex_lock(&heart->lock);
    heart->claim = *claim;
    heart->moved_s = nas_now_s();
    heart->allowance_s = build_s;
    heart->progress = 0;
    heart->lost = false;
    heart->active = true;
    pthread_mutex_unlock(&heart->lock);
}

void nas__heart_end(nas__heart *heart)
{
    pthread_mutex_lock(&heart->lock);
    heart->active = false;
    pthread_mutex_unlock(&heart->lock);
}

bool nas__heart_beat(nas__heart *heart, double progress)
{
    bool longer = progress >= 1 || progress == 0;
    heart->allowance_s = longer ? heart->lease_s * epoch_times : heart->lease_s;
    heart->progress = progress;
    heart->moved_s = nas_now_s();
    return !heart->lost;
}

bool nas__heart_build(nas__heart *heart)
{
    heart->allowance_s = build_s;
    heart->moved_s = nas_now_s();
    return !heart->lost;
}
