/* bench_device.c - clnas-bench device: what a device can do at best, whatever a network asks of it.
 *
 *     clnas-bench device [--device MATCH] [--repeats 9] [--milliseconds 50] [--format table|json|jsonl|csv|md]
 *
 *   copy         GB/s, read plus written, from sizes that stay in the first cache to those that fill no cache
 *   fma          GFLOP/s of multiply-adds in registers, by the width of vectors
 *   enqueue      µs of the host for one launch of a tape
 *   launch       µs from one tiny launch to the next, when many wait in the queue
 *   synchronise  µs for a tiny launch and to wait for it
 *   upload, download   GB/s between the host's memory and the device's
 *   profile      device time by events as a share of the wall's over the same long launch: near 1 where a driver's clock can be trusted (what
 *                is missing is the launch itself); over 1, it lies
 *
 * Each figure is a row of `repeats` samples, each of which takes `milliseconds` or so, and of copies and multiply-adds is the best in that time; the ceilings that other figures are held against (docs/kernels.md) are
 * these. */
#include "bench.h"

#include <stdlib.h>

enum { LAUNCHES = 1000, TINY = 16 };

typedef struct device_bench {
    int repeats;
    double seconds; /* of a sample, about */
    nas_device *device;
    bench_report report;
} device_bench;

static nas_status add_row(device_bench *b, const char *what, const char *size, const char *unit,
                          bench_row **row)
{
    return bench_report_row(&b->report, what, size, unit, row);
}

static void write_size(uint64_t bytes, char *text, size_t room)
{
    const bool large = bytes >= 1 << 20;
    snprintf(text, room, "%d %s", (int)(bytes >> (large ? 20 : 10)), large ? "MiB" : "KiB");
}

/* ---- ceilings ----------------------------------------------------------------------------------------------------------- */

/* A buffer is half of what is copied; sizes that the device does not allocate are left out. */
static bool fits(const device_bench *b, uint64_t bytes)
{
    const nas_device_info *info = nas_device_describe(b->device);
    return bytes / 2 + 1024 <= info->allocation_bytes && 2 * bytes <= info->memory_bytes;
}

static nas_status measure_copy(device_bench *b)
{
    static const uint64_t sizes[] = {1 << 15, 1 << 18, 1 << 21, 1 << 24, 1 << 26, 1 << 28};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char size[32];
        bench_row *row;
        if (!fits(b, sizes[i]))
            continue;
        write_size(sizes[i], size, sizeof size);
        NAS_TRY(add_row(b, "copy", size, "GB/s", &row));
        for (int r = 0; r < b->repeats; r++) {
            double gbytes;
            NAS_TRY(bench_copy(b->device, sizes[i], b->seconds, &gbytes));
            bench_row_add(row, gbytes);
        }
    }
    return NAS_OK;
}

/* On a device of its own, opened with that width. */
static nas_status measure_fma(device_bench *b, int lanes)
{
    const nas_device_options options = {.lanes = lanes};
    nas_status status = NAS_OK;
    nas_device *device;
    bench_row *row;
    char size[32];
    snprintf(size, sizeof size, "%d lanes", lanes);
    NAS_TRY(add_row(b, "fma", size, "GFLOP/s", &row));
    NAS_TRY(nas_device_open(nas_device_describe(b->device)->id, &options, &device));
    for (int r = 0; r < b->repeats && status == NAS_OK; r++) {
        double gflops;
        status = bench_fma_peak(device, b->seconds, &gflops);
        if (status == NAS_OK)
            bench_row_add(row, gflops);
    }
    nas_device_destroy(device);
    return status;
}

/* ---- launches ----------------------------------------------------------------------------------------------------------- */

/* `count` launches of a copy of TINY floats. */
static nas_status make_tiny(nas_device *device, int count, nas_buffer *buffer, nas_tape **tape)
{
    const nas_argument arguments[] = {NAS_ARG_BUFFER(buffer, 0), NAS_ARG_BUFFER(buffer, TINY),
                                      NAS_ARG_INT(TINY)};
    const nas_launch launch = {.source = "bench",
                               .kernel = "copy",
                               .global = {1},
                               .arguments = arguments,
                               .argument_count = 3};
    NAS_TRY(nas_tape_create(device, "tiny", tape));
    for (int i = 0; i < count; i++)
        NAS_TRY(nas_tape_add(*tape, &launch));
    NAS_TRY(nas_tape_run(*tape));
    return nas_device_finish(device);
}

static nas_status time_many(device_bench *b, nas_tape *tape)
{
    bench_row *row;
    const int enqueue = b->report.count;
    NAS_TRY(add_row(b, "enqueue", "", "us", &row));
    NAS_TRY(add_row(b, "launch", "", "us", &row));
    for (int r = 0; r < b->repeats; r++) {
        const double start = nas_now_s();
        NAS_TRY(nas_tape_run(tape));
        const double enqueued = nas_now_s();
        NAS_TRY(nas_device_finish(b->device));
        bench_row_add(&b->report.rows[enqueue], 1e6 * (enqueued - start) / LAUNCHES);
        bench_row_add(&b->report.rows[enqueue + 1], 1e6 * (nas_now_s() - start) / LAUNCHES);
    }
    return NAS_OK;
}

static nas_status time_waits(device_bench *b, nas_tape *tape)
{
    enum { WAITS = 100 };
    bench_row *row;
    NAS_TRY(add_row(b, "synchronise", "", "us", &row));
    for (int r = 0; r < b->repeats; r++) {
        const double start = nas_now_s();
        for (int i = 0; i < WAITS; i++) {
            NAS_TRY(nas_tape_run(tape));
            NAS_TRY(nas_device_finish(b->device));
        }
        bench_row_add(row, 1e6 * (nas_now_s() - start) / WAITS);
    }
    return NAS_OK;
}

static nas_status measure_launches(device_bench *b)
{
    nas_status status = NAS_OK;
    nas_buffer *buffer = NULL;
    nas_tape *many = NULL, *one = NULL;
    NAS_TRY_DONE(nas_buffer_create(b->device, 2 * TINY * sizeof(float), "tiny", &buffer));
    NAS_TRY_DONE(make_tiny(b->device, LAUNCHES, buffer, &many));
    NAS_TRY_DONE(make_tiny(b->device, 1, buffer, &one));
    NAS_TRY_DONE(time_many(b, many));
    NAS_TRY_DONE(time_waits(b, one));
done:
    nas_tape_destroy(many);
    nas_tape_destroy(one);
    nas_buffer_destroy(buffer);
    return status;
}

/* ---- to and fro --------------------------------------------------------------------------------------------------------- */

static nas_status time_transfers(device_bench *b, nas_buffer *buffer, void *memory, uint64_t bytes,
                                 bool up)
{
    bench_row *row;
    char size[32];
    write_size(bytes, size, sizeof size);
    NAS_TRY(add_row(b, up ? "upload" : "download", size, "GB/s", &row));
    for (int r = -1; r < b->repeats; r++) { /* the first one touches the pages */
        double start = nas_now_s(), spent = 0;
        int runs = 0;
        while (runs == 0 || spent < b->seconds) {
            NAS_TRY(up ? nas_buffer_write(buffer, 0, bytes, memory)
                       : nas_buffer_read(buffer, 0, bytes, memory));
            runs++;
            spent = nas_now_s() - start;
        }
        if (r >= 0)
            bench_row_add(row, 1e-9 * (double)bytes * runs / spent);
    }
    return NAS_OK;
}

static nas_status measure_transfers(device_bench *b)
{
    static const uint64_t sizes[] = {1 << 16, 1 << 20, 1 << 26};
    nas_status status = NAS_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == NAS_OK; i++) {
        nas_buffer *buffer = NULL;
        void *memory = fits(b, 2 * sizes[i]) ? calloc(1, sizes[i]) : NULL;
        if (!memory)
            continue;
        status = nas_buffer_create(b->device, sizes[i], "transfer", &buffer);
        if (status == NAS_OK)
            status = time_transfers(b, buffer, memory, sizes[i], true);
        if (status == NAS_OK)
            status = time_transfers(b, buffer, memory, sizes[i], false);
        nas_buffer_destroy(buffer);
        free(memory);
    }
    return status;
}

/* ---- do events tell the truth? ------------------------------------------------------------------------------------------- */

static nas_status time_events(nas_device *device, nas_tape *tape, bench_row *row)
{
    nas_profile_row *rows;
    double events = 0;
    int count;
    nas_device_profile_reset(device);
    const double start = nas_now_s();
    NAS_TRY(nas_tape_run(tape));
    NAS_TRY(nas_device_finish(device));
    const double wall = nas_now_s() - start;
    NAS_TRY(nas_device_profile(device, &rows, &count));
    for (int i = 0; i < count; i++)
        events += rows[i].seconds;
    free(rows);
    bench_row_add(row, events / wall);
    return NAS_OK;
}

static nas_status measure_profile(device_bench *b)
{
    const nas_device_options options = {.profile = true};
    nas_status status = NAS_OK;
    nas_device *device = NULL;
    nas_buffer *buffer = NULL;
    nas_tape *tape = NULL;
    bench_row *row;
    NAS_TRY(add_row(b, "profile", "", "events/wall", &row));
    NAS_TRY(nas_device_open(nas_device_describe(b->device)->id, &options, &device));
    NAS_TRY_DONE(bench_fma_tape(device, &buffer, &tape));
    for (int r = -1; r < b->repeats; r++) {
        NAS_TRY_DONE(time_events(device, tape, row));
        row->count -= r < 0; /* the first one builds */
    }
done:
    nas_tape_destroy(tape);
    nas_buffer_destroy(buffer);
    nas_device_destroy(device);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static nas_status measure(device_bench *b)
{
    NAS_TRY(measure_copy(b));
    for (int lanes = 4; lanes <= 16; lanes *= 2)
        NAS_TRY(measure_fma(b, lanes));
    NAS_TRY(measure_launches(b));
    NAS_TRY(measure_transfers(b));
    return measure_profile(b);
}

typedef struct options {
    const char *device;
    int repeats, milliseconds, format;
} options;

static const cli_option rows[] = {
    CLI_DEVICE_OPTION(options),
    BENCH_REPEATS_OPTION(options, "9"),
    BENCH_MILLISECONDS_OPTION(options, "50"),
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    device_bench b = {.repeats = given->repeats, .seconds = 1e-3 * given->milliseconds};
    nas_status status = nas_device_open(given->device, NULL, &b.device);
    if (status == NAS_OK) {
        b.report.device = nas_device_describe(b.device);
        status = measure(&b);
    }
    status = bench_end(status, &b.report, given->format);
    nas_device_destroy(b.device);
    return status;
}

const cli_command bench_command_device = {
    .name = "device",
    .arguments = "",
    .summary = "Measure what a device can do at best: copies, multiply-adds, launches, transfers",
    .examples = "  clnas-bench device --device type:gpu\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
