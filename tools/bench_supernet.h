/* bench_supernet.h - what the files of clnas-bench supernet share.
 *
 *   bench_supernet.c         the command: combinations of sizes and methods, each in a process of its own, and the peer
 *   bench_supernet_darts.c   the two halves of a step of DARTS, its memory, its kernels
 *   bench_supernet_search.c  steps of any one-shot strategy, as a search runs them
 *   bench_supernet_print.c   one combination, or a line of many */
#ifndef NAS_TOOLS_BENCH_SUPERNET_H
#define NAS_TOOLS_BENCH_SUPERNET_H

#include "bench_net.h"

/* One combination. */
typedef struct supernet_options {
    const char *method; /* a one-shot strategy, or "" for the halves of a step of DARTS */
    int cells, channels, batch, size, steps, repeats, threads;
    int shards; /* of the batch; 0: as many as the trainer takes */
    const char *device, *python, *script;
    bool keep, profile, peer;
    bench_format format;
} supernet_options;

typedef struct supernet_outcome {
    bench_times weight, architecture; /* one step each per entry; empty: not told apart */
    bench_times step, peer;           /* a search step */
    double planned_bytes, activation_bytes, scratch_bytes; /* the last two 0: not known */
    double peak_bytes, peer_bytes, loss;
    double parameters, peer_parameters;
    int nodes; /* 0: not known */
    char torch[64];
} supernet_outcome;

/* Called after each repeat, for what is measured in turns. */
typedef nas_status (*supernet_turn)(const supernet_options *options, supernet_outcome *outcome);

/* Adds `repeats` entries to outcome->step. */
nas_status bench_supernet_darts(const supernet_options *options, supernet_turn turn,
                                supernet_outcome *outcome);
nas_status bench_supernet_search(const supernet_options *options, supernet_turn turn,
                                 supernet_outcome *outcome);
/* Time by kernel, printed. */
nas_status bench_supernet_profile(const supernet_options *options);

/* Bytes that a kernel cannot do without, by its label, 0: none to speak of; and what a copy runs at, GB/s. */
typedef struct supernet_bytes {
    double (*of)(const void *user, const char *label);
    const void *user;
    double copy;
} supernet_bytes;
/* Kernels by their share of `steps` steps; `bytes` NULL: without how far they are from a copy. */
void bench_supernet_kernels(const nas_profile_row *rows, int count, int steps,
                            const supernet_bytes *bytes);

/* Sorts the outcome's times. */
void bench_supernet_print(const supernet_options *options, supernet_outcome *outcome);
void bench_supernet_head(const supernet_options *options);
/* outcome NULL: there is none, and a message said why. */
void bench_supernet_line(const supernet_options *options, supernet_outcome *outcome);

#endif
