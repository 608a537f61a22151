/* bench_latency.h - what the files of `clnas-bench latency` share: options, the space's networks, what was measured. */
#ifndef CLNAS_TOOLS_BENCH_LATENCY_H
#define CLNAS_TOOLS_BENCH_LATENCY_H

#include "bench_report.h"

#include <clnas/session.h>

enum { LATENCY_BATCHES = 8, LATENCY_SAMPLES = 256 };

typedef struct latency_options {
    const char *device, *output, *table, *batches;
    int format; /* a bench_format */
    bool choices;
    int batch[LATENCY_BATCHES], batch_count;
    int repeats;  /* samples of each step and network */
    int networks; /* whole ones that the model is fitted to */
    int verify;   /* others that it is held against; 0: none */
} latency_options;

/* ---- bench_latency_choices.c: what each choice of a supernet does ---- */

nas_status bench_latency_choices(const char *config, const latency_options *options);

/* A space as a config has it. */
typedef struct latency_space {
    nas_config *config;
    nas_data *data;
    nas_domain *domain;
    uint64_t hash; /* of the space's options, the data's shape and classes */
} latency_space;

/* ---- bench_latency_walk.c: which steps there are ---- */

/* A step that some network of the space has. */
typedef struct latency_step {
    nas_step_row row; /* step, macs, bytes; times of the batch in work */
    int network;      /* in `networks`: one that has it */
    int at;           /* its number there */
} latency_step;

typedef struct latency_walk {
    nas_arch *networks; /* each brought steps that none before it had */
    int network_count;
    latency_step *steps;
    int step_count, capacity;
    int drawn;     /* networks looked at */
    int new_steps; /* steps that the last quarter of them brought */
} latency_walk;

nas_status latency_open(const char *path, latency_space *space);
void latency_close(latency_space *space);
nas_status latency_walk_space(const latency_space *space, latency_walk *walk);
void latency_walk_clear(latency_walk *walk);
/* Random network `index` of one of several rows of them that have nothing to do with each other. */
typedef enum latency_row { LATENCY_WALK, LATENCY_FIT, LATENCY_VERIFY } latency_row;
nas_status latency_draw(const latency_space *space, latency_row row, int index, nas_arch *arch);

/* ---- bench_latency_steps.c: what each takes ---- */

/* Adds a row for each step of the walk at this batch. */
nas_status latency_measure_steps(const latency_space *space, latency_walk *walk, nas_device *device,
                                 int batch, int repeats, nas_step_table *table);

/* ---- bench_latency_whole.c: whole networks ---- */

typedef struct latency_network {
    nas_arch arch;
    double sample_s[LATENCY_SAMPLES], measured_s;
    int count;
    double terms[NAS_LATENCY_SHARES], predicted_s;
    int steps, known; /* of the network; in the table */
} latency_network;

/* Draws and measures `fit` networks for the model and `verify` others, behind them, and sums up the table's rows for each; free()
 * them. */
nas_status latency_measure_networks(const latency_space *space, int fit, int verify,
                                    nas_device *device, int batch, int repeats,
                                    const nas_step_table *table, latency_network **networks);
/* Fits the model of a batch to networks and adds it to the table. */
nas_status latency_fit_model(nas_step_table *table, int batch, const latency_network *networks,
                             int count);
void latency_predict(const nas_step_table *table, int batch, latency_network *networks, int count);

/* ---- bench_latency_verify.c: predicted against measured ---- */

nas_status latency_print(const latency_space *space, const nas_device_info *device,
                         bench_format format, int batch, const latency_network *networks, int count,
                         FILE *to);

#endif
