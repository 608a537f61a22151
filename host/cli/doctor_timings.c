/* doctor_timings.c - a few seconds of measuring, for a bug report: is this device as fast as its kind should be?
 *
 * clnas-bench device measures the same things well; this is its short form, best of a few, in the doctor's child, where
 * a driver that hangs costs its own lines only.  The kernels are those of cl/bench.cl.
 */
#include "cli.h"
#include "doctor.h"

enum { REPEATS = 5, ITEMS = 256, ROUNDS = 5000, CHAINS = 12, COPY_FLOATS = 4096, LAUNCHES = 200 };

/* Best time of running a tape to its end, the first run (which builds and warms) left out. */
static nas_status best_time(nas_device *device, const nas_launch *launch, int launches,
                            double *best_s)
{
    nas_status status = NAS_OK;
    nas_tape *tape = NULL;
    double best = 0;
    NAS_TRY_DONE(nas_tape_create(device, "doctor", &tape));
    for (int i = 0; i < launches; i++)
        NAS_TRY_DONE(nas_tape_add(tape, launch));
    for (int i = 0; i <= REPEATS; i++) {
        const double start_s = nas_now_s();
        NAS_TRY_DONE(nas_tape_run(tape));
        NAS_TRY_DONE(nas_device_finish(device));
        const double took_s = nas_now_s() - start_s;
        if (i == 1 || took_s < best)
            best = took_s;
        if (i == 0)
            best = 1e9;
    }
    *best_s = best;
done:
    nas_tape_destroy(tape);
    return status;
}

static nas_status time_copy(nas_device *device, uint64_t bytes, double *gbytes)
{
    nas_status status = NAS_OK;
    nas_buffer *from = NULL, *to = NULL;
    double best_s;
    const size_t items = (size_t)(bytes / (COPY_FLOATS * 4));
    NAS_TRY_DONE(nas_buffer_create(device, bytes, "from", &from));
    NAS_TRY_DONE(nas_buffer_create(device, bytes, "to", &to));
    const nas_argument arguments[] = {NAS_ARG_BUFFER(from, 0), NAS_ARG_BUFFER(to, 0),
                                      NAS_ARG_INT(COPY_FLOATS)};
    const nas_launch launch = {.source = "bench",
                               .kernel = "copy",
                               .global = {items},
                               .arguments = arguments,
                               .argument_count = 3};
    NAS_TRY_DONE(best_time(device, &launch, 1, &best_s));
    *gbytes = 2e-9 * (double)bytes / best_s;
done:
    nas_buffer_destroy(from);
    nas_buffer_destroy(to);
    return status;
}

static nas_status time_fma(nas_device *device, double *gflops)
{
    nas_status status = NAS_OK;
    nas_buffer *buffer = NULL;
    double best_s;
    NAS_TRY_DONE(nas_buffer_create(device, ITEMS * 64, "peak", &buffer));
    const nas_argument arguments[] = {NAS_ARG_BUFFER(buffer, 0), NAS_ARG_INT(ROUNDS),
                                      NAS_ARG_FLOAT(0.999f), NAS_ARG_FLOAT(0.001f)};
    const nas_launch launch = {.source = "bench",
                               .kernel = "fma_peak",
                               .global = {ITEMS},
                               .arguments = arguments,
                               .argument_count = 4};
    NAS_TRY_DONE(best_time(device, &launch, 1, &best_s));
    *gflops = 2e-9 * ITEMS * ROUNDS * CHAINS * nas_device_lanes(device) / best_s;
done:
    nas_buffer_destroy(buffer);
    return status;
}

/* µs from one tiny launch to the next; with one launch only: to launch it and to wait. */
static nas_status time_launch(nas_device *device, int launches, double *us)
{
    enum { TINY = 16 };
    nas_status status = NAS_OK;
    nas_buffer *buffer = NULL;
    double best_s;
    NAS_TRY_DONE(nas_buffer_create(device, 2 * TINY * sizeof(float), "tiny", &buffer));
    const nas_argument arguments[] = {NAS_ARG_BUFFER(buffer, 0), NAS_ARG_BUFFER(buffer, TINY),
                                      NAS_ARG_INT(TINY)};
    const nas_launch launch = {.source = "bench",
                               .kernel = "copy",
                               .global = {1},
                               .arguments = arguments,
                               .argument_count = 3};
    NAS_TRY_DONE(best_time(device, &launch, launches, &best_s));
    *us = 1e6 * best_s / launches;
done:
    nas_buffer_destroy(buffer);
    return status;
}

nas_status cli_doctor_timings(nas_device *device, json_t *timings)
{
    const nas_device_info *info = nas_device_describe(device);
    double value;
    if (info->allocation_bytes >= 1 << 27 && info->memory_bytes >= 1 << 29) {
        NAS_TRY(time_copy(device, 1 << 26, &value));
        json_object_set_new(timings, "copy_64_mib_gbytes_per_s", json_real(value));
    }
    NAS_TRY(time_copy(device, 1 << 18, &value));
    json_object_set_new(timings, "copy_256_kib_gbytes_per_s", json_real(value));
    NAS_TRY(time_fma(device, &value));
    json_object_set_new(timings, "fma_gflops", json_real(value));
    NAS_TRY(time_launch(device, LAUNCHES, &value));
    json_object_set_new(timings, "launch_us", json_real(value));
    NAS_TRY(time_launch(device, 1, &value));
    json_object_set_new(timings, "launch_and_wait_us", json_real(value));
    return NAS_OK;
}
