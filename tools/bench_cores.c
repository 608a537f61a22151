/* bench_cores.c - clnas-bench cores: how long two cores take to hand a cache line to and fro.
 *
 * Under about 100 ns they share a cache.  Several hundred mean that they sit on different dies or sockets, where what one core
 * writes and another reads crosses the fabric between them: then a training step takes longer, on the same number of cores (cl/share.clh,
 * docs/performance.md).  In a virtual machine the answer may change from minute to minute, for its cores are moved about; so
 * figures of a training step are worth little without this one beside them.  `net` and `peers` print it. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "bench.h"
#include "bench_cores.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 20000, OVER = -1 };

static _Atomic int ball; /* odd: it is the other's turn; OVER: nobody serves */

static void stay_on(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set); /* round_trip_ns has asked whether it may */
}

static void *answer(void *second_core)
{
    stay_on(*(int *)second_core);
    for (int i = 0; i < ROUNDS; i++) {
        int seen;
        while ((seen = atomic_load(&ball)) != 2 * i + 1)
            if (seen == OVER)
                return NULL;
        atomic_store(&ball, 2 * i + 2);
    }
    return NULL;
}

static void *serve(void *nanoseconds)
{
    struct timespec start, end;
    stay_on(0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&ball, 2 * i + 1);
        while (atomic_load(&ball) != 2 * i + 2)
            ;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double passed =
        (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
    *(double *)nanoseconds = passed / ROUNDS;
    return NULL;
}

/* 0 where it cannot be measured: this process may not run there, or no thread can be had. */
static double round_trip_ns(int other)
{
    cpu_set_t set;
    pthread_t first, second;
    double nanoseconds = 0.0;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || !CPU_ISSET(0, &set) ||
        !CPU_ISSET(other, &set))
        return 0.0;
    atomic_store(&ball, 0);
    if (pthread_create(&second, NULL, answer, &other) != 0)
        return 0.0;
    bool served = pthread_create(&first, NULL, serve, &nanoseconds) == 0;
    if (served)
        pthread_join(first, NULL);
    else
        atomic_store(&ball, OVER);
    pthread_join(second, NULL);
    return nanoseconds;
}

void bench_distance_note(bench_distance *distance)
{
    double now_ns = round_trip_ns(1);
    if (distance->near_ns == 0 || now_ns < distance->near_ns)
        distance->near_ns = now_ns;
    if (now_ns > distance->far_ns)
        distance->far_ns = now_ns;
}

static nas_status measure(bench_report *report, int repeats)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || !CPU_ISSET(0, &set))
        NAS_FAIL(NAS_FAILED, "this process may not run on core 0");
    for (int core = 1; core < CPU_SETSIZE; core++) {
        char name[16];
        bench_row *row;
        if (!CPU_ISSET(core, &set))
            continue;
        snprintf(name, sizeof name, "%d", core);
        NAS_TRY(bench_report_row(report, "round trip with core 0", name, "ns", &row));
        for (int r = 0; r < repeats; r++)
            bench_row_add(row, round_trip_ns(core));
    }
    return NAS_OK;
}

typedef struct options {
    int repeats, format;
} options;

static const cli_option rows[] = {
    BENCH_REPEATS_OPTION(options, "5"),
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    static const char *const labels[] = {"what", "core", NULL};
    const options *given = call->options;
    bench_report report = {.labels = labels};
    return bench_end(measure(&report, given->repeats), &report, given->format);
}

const cli_command bench_command_cores = {
    .name = "cores",
    .arguments = "",
    .summary = "Measure how far the cores are from one another",
    .examples = "  clnas-bench cores\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
