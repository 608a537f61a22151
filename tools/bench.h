/* bench.h - what the subcommands of clnas-bench share. */
#ifndef NAS_TOOLS_BENCH_H
#define NAS_TOOLS_BENCH_H

#include "bench_report.h"
#include "cli/command_line.h"

/* Seconds by the wall's clock, or (bench_use_cpu_clock) of this process's threads. */
double bench_now_s(void);
void bench_use_cpu_clock(bool wanted);

/* ---- options that several commands have ---- */

#define BENCH_REPEATS_OPTION(type, fallback)                                                       \
    {                                                                                              \
        "repeats", 0, CLI_NUMBER, offsetof(type, repeats), "N", fallback, 1, BENCH_SAMPLES, NULL,  \
            "Samples of each figure"                                                               \
    }
#define BENCH_MILLISECONDS_OPTION(type, fallback)                                                  \
    {                                                                                              \
        "milliseconds", 0, CLI_NUMBER, offsetof(type, milliseconds), "N", fallback, 0, 60000,      \
            NULL, "About so long is a sample"                                                      \
    }
#define BENCH_SHARDS_OPTION(type)                                                                  \
    {                                                                                              \
        "shards", 0, CLI_NUMBER, offsetof(type, shards), "N", NULL, 1, NAS_SHARDS, NULL,           \
            "Parts of the batch (default: as many as the trainer takes)"                           \
    }
#define BENCH_INFER_OPTION(type, fallback)                                                         \
    {                                                                                              \
        "infer", 0, CLI_TEXT, offsetof(type, infer), "N,…", fallback, 0, 0, NULL,                  \
            "Batches of inference, or none"                                                        \
    }
#define BENCH_PEER_OPTIONS(type)                                                                   \
    {"threads", 0,    CLI_NUMBER, offsetof(type, threads), "N", "2",                               \
     1,         1024, NULL,       "Threads of the peer"},                                          \
        {"python",  0,                                                                             \
         CLI_TEXT,  offsetof(type, python),                                                        \
         "PROGRAM", NULL,                                                                          \
         0,         0,                                                                             \
         NULL,      "A Python that can import torch (default: the first that is found)"},          \
    {                                                                                              \
        "script", 0, CLI_TEXT, offsetof(type, script), "FILE", NULL, 0, 0, NULL,                   \
            "What the peer runs, in place of the script that comes with clnas"                     \
    }

/* Prints the report unless something failed before that, and clears it. */
nas_status bench_end(nas_status status, bench_report *report, bench_format format);

/* The best seconds of one run of `tape`. */
nas_status bench_time(nas_device *device, nas_tape *tape, double seconds, double *best_s);
/* A launch of some milliseconds on a CPU core that computes in registers alone; the caller destroys both, also after a failure. */
nas_status bench_fma_tape(nas_device *device, nas_buffer **buffer, nas_tape **tape);
/* Multiply-adds in registers, GFLOP/s; copying `bytes` (read plus written), GB/s. */
nas_status bench_fma_peak(nas_device *device, double seconds, double *gflops);
nas_status bench_copy(nas_device *device, uint64_t bytes, double seconds, double *gbytes);

#endif
