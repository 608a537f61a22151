/* slow.c - a device that takes N times as long, without using the processor meanwhile.
 *
 * From the first command that is enqueued to the moment when the host has waited for all of them the device is busy; N - 1 times as
 * long the shim then sleeps.  Hosts that run far ahead wait seldom, so at a flush the shim waits by itself when STRETCH_S
 * have passed, and the sleeps stay short.
 *
 * On a CPU the busy time is what the driver's threads computed, if that is less than the wall's: a slow device makes neither the
 * host's own work slower, which this thread does meanwhile, nor what other processes take of the processor. */
#include "layer.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

enum { QUEUES_MOST = 64 };
static const double STRETCH_S = 0.005;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cl_command_queue queues[QUEUES_MOST];
static int queue_count;
static double factor = 1, wall_start, driver_start;
static bool busy, on_cpu;

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Processor time of all threads but this one, which is the host's. */
static double driver_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID) - seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

void shim_slow_queue(cl_command_queue queue, cl_device_id device)
{
    const shim_limits *limits = shim_limits_of(device);
    cl_device_type type = 0;
    if (limits->slow <= 1)
        return;
    shim_next->clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    pthread_mutex_lock(&lock);
    factor = limits->slow;
    on_cpu = type & CL_DEVICE_TYPE_CPU;
    if (queue_count < QUEUES_MOST)
        queues[queue_count++] = queue;
    pthread_mutex_unlock(&lock);
}

void shim_slow_forget(cl_command_queue queue)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < queue_count; i++)
        if (queues[i] == queue)
            queues[i] = queues[--queue_count];
    pthread_mutex_unlock(&lock);
}

void shim_slow_begins(void)
{
    if (factor <= 1)
        return;
    pthread_mutex_lock(&lock);
    if (!busy) {
        wall_start = seconds_of(CLOCK_MONOTONIC);
        driver_start = driver_seconds();
    }
    busy = true;
    pthread_mutex_unlock(&lock);
}

/* All queues are empty when it returns; so is the debt. */
static void catch_up(double least_s)
{
    pthread_mutex_lock(&lock);
    if (busy && seconds_of(CLOCK_MONOTONIC) - wall_start >= least_s) {
        for (int i = 0; i < queue_count; i++)
            shim_next->clFlush(queues[i]);
        for (int i = 0; i < queue_count; i++)
            shim_next->clFinish(queues[i]);
        double spent = seconds_of(CLOCK_MONOTONIC) - wall_start;
        const double computed = driver_seconds() - driver_start;
        if (on_cpu && computed < spent)
            spent = computed > 0 ? computed : 0;
        const double owed = spent * (factor - 1);
        struct timespec left = {.tv_sec = (time_t)owed};
        left.tv_nsec = (long)((owed - (double)left.tv_sec) * 1e9);
        while (nanosleep(&left, &left) != 0 && errno == EINTR)
            continue;
        busy = false;
    }
    pthread_mutex_unlock(&lock);
}

void shim_slow_flushed(void)
{
    if (factor > 1)
        catch_up(STRETCH_S);
}

void shim_slow_waited(void)
{
    if (factor > 1)
        catch_up(0);
}
