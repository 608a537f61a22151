/* bench_net.h - a whole network on one device, ready to be trained step by step: shared by `net` and `peers`. */
#ifndef NAS_TOOLS_BENCH_NET_H
#define NAS_TOOLS_BENCH_NET_H

#include "bench.h"

#include <clnas/train.h>

enum { BENCH_REPEATS = BENCH_SAMPLES };

/* What both subcommands take: defaults by the caller, the rest by bench_net_parse. */
typedef struct bench_net_options {
    const char *network;         /* "small_cnn" or a file with a graph's text */
    const char *device;          /* as nas_device_open takes it */
    const char *python, *script; /* peers only; NULL: looked for */
    int batch, steps, repeats, threads;
    int shards; /* of the batch; 0: as many as the trainer takes */
    bool profile, json;
} bench_net_options;

/* A network with random images and labels resident on the device, and its optimizer. */
typedef struct bench_network {
    nas_device *device;
    nas_graph graph;
    nas_net *net;
    nas_train_config config;
    nas_buffer *moments;
    nas_tape *update;
    int batch;
    uint32_t done; /* steps so far */
} bench_network;

/* Times of `repeats` rounds. */
typedef struct bench_times {
    double step_ms[BENCH_REPEATS]; /* wall clock, sorted by bench_times_sort */
    double work_ms[BENCH_REPEATS]; /* processor time of all threads of the process, sorted too */
    double host_us;                /* of the host's own processor time per step */
    int count;
} bench_times;

nas_status bench_net_parse(int argc, char **argv, bench_net_options *options);
/* A whole number from low to high; false: it is none. */
bool bench_read_number(const char *text, int low, int high, int *number);

/* Opens the device (with events when `profile`), makes the network, trains a few steps so that all is built. */
nas_status bench_network_open(const bench_net_options *options, bool profile,
                              bench_network *network);
void bench_network_close(bench_network *network);
/* One round of `steps` training steps; waits for the device once at its end and appends to `times`. */
nas_status bench_network_round(bench_network *network, int steps, bench_times *times);
/* Mean loss of the last step; NAS_NONFINITE when it is no number. */
nas_status bench_network_loss(bench_network *network, double *loss);

void bench_times_sort(bench_times *times);
double bench_median_ms(const bench_times *times); /* of sorted times */

/* The python that was asked for, or (NULL) the first that can import torch; quoted for the shell. */
bool bench_find_torch(const char *python, char *quoted, size_t size);
/* The first line that a peer prints. */
nas_status bench_first_line(const char *command, char *line, int size);
/* Environment of PyTorch at its best: an allocator that keeps its pages. */
#define BENCH_PEER_BEST                                                                            \
    "MALLOC_TOP_PAD_=268435456 MALLOC_MMAP_THRESHOLD_=4294967296 "                                 \
    "MALLOC_TRIM_THRESHOLD_=8589934592 "

#endif
