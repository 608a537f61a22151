/* bench.h - what the subcommands of clnas-bench share. */
#ifndef NAS_TOOLS_BENCH_H
#define NAS_TOOLS_BENCH_H

#include <clnas/device.h>

typedef struct bench_options {
    const char *device, *only;
    double seconds; /* spent on each figure, about */
    bool json;
    bool
        cpu_clock; /* processor time of this process instead of the wall's: for CPU devices on a busy machine */
} bench_options;

typedef struct bench_command {
    const char *name, *summary;
    nas_status (*run)(const bench_options *options);
} bench_command;

/* Seconds by the clock that was asked for (bench_use_cpu_clock). */
double bench_now_s(void);
void bench_use_cpu_clock(bool wanted);

nas_status bench_ops(const bench_options *options);

/* The best seconds of one run of `tape`. */
nas_status bench_time(nas_device *device, nas_tape *tape, double seconds, double *best_s);
/* A launch of some milliseconds on a CPU core that computes in registers alone; the caller destroys both, also after a failure. */
nas_status bench_fma_tape(nas_device *device, nas_buffer **buffer, nas_tape **tape);
/* Multiply-adds in registers, GFLOP/s; copying `bytes` (read plus written), GB/s. */
nas_status bench_fma_peak(nas_device *device, double seconds, double *gflops);
nas_status bench_copy(nas_device *device, uint64_t bytes, double seconds, double *gbytes);

#endif
