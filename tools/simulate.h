/* simulate.h - what the files of clnas-simulate share. */
#ifndef CLNAS_TOOLS_SIMULATE_H
#define CLNAS_TOOLS_SIMULATE_H

#include <clnas/clnas.h>

enum { RUNS_MAX = 128, CHECKPOINTS_MAX = 8, NUMBERS_MAX = 8 };

/* The top of a simulation file; `runs`, `space`, `evaluate` and `objectives` are groups of their own. */
typedef struct simulation {
    char select[NAS_TEXT_SIZE], report[NAS_TEXT_SIZE];
    int64_t seeds, first_seed, trials, classes;
    double seconds, report_scale, budget;
    nas_int_list input, at;
    /* filled by read_simulation */
    nas_value root;
    nas_domain *domain;
    nas_eval *eval;
} simulation;

/* One line of `runs`. */
typedef struct run {
    char name[NAS_TEXT_SIZE], published[NAS_TEXT_SIZE];
    /* A script of tools/peers in place of a strategy of ours, and the Python that runs it; empty, NULL: none. */
    char peer[NAS_TEXT_SIZE];
    const char *python;
    int64_t seeds; /* 0: the simulation's */
    bool reuse;
    const nas_value *group;
    const nas_strategy *strategy;
    nas_objectives objectives;
    double whole_volume; /* of the exact front, with several objectives */
    double reference[2];
} run;

/* `folder` (NULL: none) becomes the working folder before tables are opened. */
nas_status read_simulation(const char *path, const char *folder, simulation *s, run *runs,
                           int *count);
void clear_simulation(simulation *s);

/* Sets the Python that can run the peer of a run; false: there is none here (simulate_peer.c). */
bool find_python(run *r);
/* search_once by the peer, once its Python is found. */
nas_status peer_once(const simulation *s, const run *r, uint64_t seed, double numbers[NUMBERS_MAX]);
/* What one search came to: single objective: evaluations, simulated seconds, selection, report;
 * several: share of the exact front's hypervolume at each of `at`. */
nas_status search_once(const simulation *s, const run *r, uint64_t seed,
                       double numbers[NUMBERS_MAX]);
int number_count(const simulation *s, const run *r);
/* Sets whole_volume and reference of a run with two objectives. */
nas_status measure_whole_front(const simulation *s, run *r);

#endif
