/* bench_net.h - a whole network on one device, ready to be trained step by step or to infer: shared by `net` and `peers`. */
#ifndef NAS_TOOLS_BENCH_NET_H
#define NAS_TOOLS_BENCH_NET_H

#include "bench.h"

#include <clnas/train.h>

enum { BENCH_REPEATS = BENCH_SAMPLES };

/* What a network is made of, and how. */
typedef struct bench_net_options {
    const char *network; /* as network_open takes it (networks.h) */
    const char *device;  /* as nas_device_open takes it */
    int batch;
    int shards; /* of the batch; 0: as many as the trainer takes */
} bench_net_options;

typedef enum bench_net_kind {
    BENCH_NET_TRAIN,
    BENCH_NET_PROFILED, /* the same, on a device that reports events */
    BENCH_NET_INFER,    /* evaluation alone: no gradients, no loss */
} bench_net_kind;

/* A network with random images and labels resident on the device, and its optimizer. */
typedef struct bench_network {
    nas_device *device;
    nas_graph graph;
    nas_net *net;
    nas_train_config config;
    nas_buffer *moments;
    nas_tape *update;
    int batch;
    nas_batches *batches; /* lent: what each step loads first; NULL: its images stay as they are */
    uint32_t done;        /* steps so far */
} bench_network;

/* Times of `repeats` rounds. */
typedef struct bench_times {
    double step_ms[BENCH_REPEATS]; /* wall clock, sorted by bench_times_sort */
    double work_ms[BENCH_REPEATS]; /* processor time of all threads of the process, sorted too */
    double host_us;                /* of the host's own processor time per step */
    int count;
} bench_times;

/* A whole number from low to high; false: it is none. */
bool bench_read_number(const char *text, int low, int high, int *number);

enum { BENCH_BATCHES = 16 };
typedef struct bench_batches {
    int item[BENCH_BATCHES], count;
} bench_batches;
/* --infer: "1,16,256"; "" or "none": no batch. */
nas_status bench_read_batches(const char *text, bench_batches *batches);

/* Opens the device, makes the network, runs it a few times so that all is built. */
nas_status bench_network_open(const bench_net_options *options, bench_net_kind kind,
                              bench_network *network);
void bench_network_close(bench_network *network);
/* One round of `steps` training steps; waits for the device once at its end and appends to `times`. */
nas_status bench_network_round(bench_network *network, int steps, bench_times *times);
/* Training steps that take about so many seconds, at least 1. */
nas_status bench_network_steps(bench_network *network, double seconds, int *steps);
/* Only the loading of so many steps, which must have batches; its mean milliseconds, waited for once at the end. */
nas_status bench_network_loads(bench_network *network, int steps, double *milliseconds);
/* Mean milliseconds from a batch on the device to its outputs there, waited for each time, in about so many seconds. */
nas_status bench_network_infer(bench_network *network, double seconds, double *milliseconds);
/* Mean loss of the last step; NAS_NONFINITE when it is no number. */
nas_status bench_network_loss(bench_network *network, double *loss);

/* Peak memory of this process since the reset, bytes; 0: this system does not tell. */
void bench_memory_reset(void);
double bench_memory_peak(void);

void bench_times_sort(bench_times *times);
double bench_median_ms(const bench_times *times); /* of sorted times */

/* The python that was asked for, or (NULL) the first that can import torch; quoted for the shell. */
bool bench_find_torch(const char *python, char *quoted, size_t size);
/* 'text' for the shell; false where it does not fit or holds a quote. */
bool bench_quote(const char *text, char *to, size_t size);
/* The first line that a peer prints. */
nas_status bench_first_line(const char *command, char *line, int size);
/* Environment of PyTorch at its best: an allocator that keeps its pages. */
#define BENCH_PEER_BEST                                                                            \
    "MALLOC_TOP_PAD_=268435456 MALLOC_MMAP_THRESHOLD_=4294967296 "                                 \
    "MALLOC_TRIM_THRESHOLD_=8589934592 "

#endif
