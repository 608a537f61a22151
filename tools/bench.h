/* bench.h - what the subcommands of clnas-bench share. */
#ifndef NAS_TOOLS_BENCH_H
#define NAS_TOOLS_BENCH_H

#include "bench_report.h"

/* Seconds by the wall's clock, or (bench_use_cpu_clock) of this process's threads. */
double bench_now_s(void);
void bench_use_cpu_clock(bool wanted);

/* The subcommands; the result is the exit code. */
int bench_ops(int argc, char **argv);
int bench_device(int argc, char **argv);
int bench_net(int argc, char **argv);
int bench_peers(int argc, char **argv);
int bench_supernet(int argc, char **argv);
int bench_latency(int argc, char **argv);
int bench_latency_choices(int argc, char **argv);
int bench_data(int argc, char **argv);
int bench_search(int argc, char **argv);
int bench_cores(int argc, char **argv);

/* Prints the report, or the message of what failed before that; an exit code.  Clears the report. */
int bench_end(const char *command, nas_status status, bench_report *report, bench_format format);

/* The best seconds of one run of `tape`. */
nas_status bench_time(nas_device *device, nas_tape *tape, double seconds, double *best_s);
/* A launch of some milliseconds on a CPU core that computes in registers alone; the caller destroys both, also after a failure. */
nas_status bench_fma_tape(nas_device *device, nas_buffer **buffer, nas_tape **tape);
/* Multiply-adds in registers, GFLOP/s; copying `bytes` (read plus written), GB/s. */
nas_status bench_fma_peak(nas_device *device, double seconds, double *gflops);
nas_status bench_copy(nas_device *device, uint64_t bytes, double seconds, double *gbytes);

#endif
