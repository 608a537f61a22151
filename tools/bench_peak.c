/* bench_peak.c - timing a tape, and the ceilings of a device (cl/bench.cl). */
#include "bench.h"

#include <time.h>

static bool cpu_clock;

void bench_use_cpu_clock(bool wanted)
{
    cpu_clock = wanted;
}

double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(cpu_clock ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

nas_status bench_time(nas_device *device, nas_tape *tape, double seconds, double *best_s)
{
    NAS_TRY(nas_tape_run(tape));
    NAS_TRY(nas_device_finish(device));
    double start = bench_now_s();
    NAS_TRY(nas_tape_run(tape));
    NAS_TRY(nas_device_finish(device));
    double once = bench_now_s() - start, best = once, spent = once;
    /* about 2 ms between synchronisations, so that waiting costs little, and short enough to dodge other work */
    int runs = once > 2e-3 ? 1 : (int)(2e-3 / once) + 1;
    for (int i = 0; i < 5 || spent < seconds; i++) {
        start = bench_now_s();
        for (int j = 0; j < runs; j++)
            NAS_TRY(nas_tape_run(tape));
        NAS_TRY(nas_device_finish(device));
        double took = bench_now_s() - start;
        spent += took;
        if (took / runs < best)
            best = took / runs;
    }
    *best_s = best;
    return NAS_OK;
}

enum { ITEMS = 256, ROUNDS = 20000, CHAINS = 12 }; /* CHAINS as in cl/bench.cl */

nas_status bench_fma_tape(nas_device *device, nas_buffer **buffer, nas_tape **tape)
{
    NAS_TRY(nas_buffer_create(device, ITEMS * 64, "peak", buffer));
    NAS_TRY(nas_tape_create(device, "peak", tape));
    nas_argument arguments[] = {NAS_ARG_BUFFER(*buffer, 0), NAS_ARG_INT(ROUNDS),
                                NAS_ARG_FLOAT(0.999f), NAS_ARG_FLOAT(0.001f)};
    nas_launch launch = {.source = "bench", .kernel = "fma_peak", .global = {ITEMS, 1, 1}};
    launch.arguments = arguments;
    launch.argument_count = 4;
    return nas_tape_add(*tape, &launch);
}

nas_status bench_fma_peak(nas_device *device, double seconds, double *gflops)
{
    nas_status status = NAS_OK;
    nas_buffer *buffer = NULL;
    nas_tape *tape = NULL;
    double best_s;
    NAS_TRY_DONE(bench_fma_tape(device, &buffer, &tape));
    NAS_TRY_DONE(bench_time(device, tape, seconds, &best_s));
    *gflops = 2e-9 * ITEMS * ROUNDS * CHAINS * nas_device_lanes(device) / best_s;
done:
    nas_tape_destroy(tape);
    nas_buffer_destroy(buffer);
    return status;
}

nas_status bench_copy(nas_device *device, uint64_t bytes, double seconds, double *gbytes)
{
    enum { FLOATS = 4096 };
    nas_status status = NAS_OK;
    nas_buffer *from = NULL, *to = NULL;
    nas_tape *tape = NULL;
    double best_s;
    size_t items = (size_t)(bytes / 2 / (FLOATS * 4)) + 1;
    NAS_TRY_DONE(nas_buffer_create(device, items * FLOATS * 4, "from", &from));
    NAS_TRY_DONE(nas_buffer_create(device, items * FLOATS * 4, "to", &to));
    NAS_TRY_DONE(nas_tape_create(device, "copy", &tape));
    nas_argument arguments[] = {NAS_ARG_BUFFER(from, 0), NAS_ARG_BUFFER(to, 0),
                                NAS_ARG_INT(FLOATS)};
    nas_launch launch = {.source = "bench", .kernel = "copy", .global = {items, 1, 1}};
    launch.arguments = arguments;
    launch.argument_count = 3;
    NAS_TRY_DONE(nas_tape_add(tape, &launch));
    NAS_TRY_DONE(bench_time(device, tape, seconds, &best_s));
    *gbytes = 2e-9 * (double)(items * FLOATS * 4) / best_s;
done:
    nas_tape_destroy(tape);
    nas_buffer_destroy(from);
    nas_buffer_destroy(to);
    return status;
}
