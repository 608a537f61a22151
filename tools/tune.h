/* tune.h - what the files of clnas-tune share.
 *
 *   tune.c           command line; the process that watches, and what it prints
 *   tune_shapes.c    which operators at which shapes: of a network, a space, a study, or the usual ones
 *   tune_case.c      one call with random tensors
 *   tune_measure.c   is a candidate right, and how much faster than the default is it
 *   tune_journal.c   what was begun and what came of it, on disk before it happens
 *   tune_search.c    the process that measures: candidate after candidate, then the table
 *   tune_compare.c   whole networks with and without the table, in turns */
#ifndef NAS_TOOLS_TUNE_H
#define NAS_TOOLS_TUNE_H

#include "bench_report.h"
#include "cli/command_line.h"
#include "tune_case.h"

#include <clnas/graph.h>

typedef struct tune_options {
    const char *what; /* a graph's text, a config, a study; NULL: the usual shapes */
    const char *device;
    bool thorough, inexact, all, compare, fresh;
    int seconds; /* at most; 0: as long as it takes */
    int hang_s;  /* a candidate that takes longer is ended */
    int batch;   /* 0: the config's, or 64 */
    bench_format format;
    const char *journal; /* of the measuring process: it is one */
    double until;        /* nas_now_s then */
} tune_options;

/* ---- shapes ----------------------------------------------------------------------------------------------- */

typedef struct tune_shape {
    const nas_op *op;
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    nas_shape in;
    int batch;    /* samples that a kernel sees at once */
    double count; /* how often it is there */
} tune_shape;

typedef struct tune_shapes {
    tune_shape *list;
    int count, capacity;
} tune_shapes;

nas_status tune_shapes_read(nas_device *device, const tune_options *options, tune_shapes *shapes);
void tune_shapes_clear(tune_shapes *shapes);

/* ---- journal: one line per event, flushed before what it announces ------------------------------------------ */

typedef enum tune_state { TUNE_BEGUN, TUNE_MEASURED, TUNE_FAILED } tune_state;

typedef struct tune_try {
    nas_tuning_row row; /* row.gain: default's time / this one's */
    tune_state state;
    bool confirmed; /* measured again, at length */
    char why[160];  /* of a failure */
} tune_try;

typedef struct tune_journal {
    char path[1300];
    tune_try *tries;
    int count, capacity;
    int planned; /* candidates that there are; 0: not known yet */
} tune_journal;

/* Reads what there is; no file is an empty journal, and lines that are none of ours end the reading. */
nas_status tune_journal_read(const char *path, tune_journal *journal);
void tune_journal_clear(tune_journal *journal);
nas_status tune_journal_plan(tune_journal *journal, int planned);
nas_status tune_journal_begin(tune_journal *journal, const nas_tuning_row *row, bool confirmed);
/* The latest try that was begun has ended: `why` NULL for measured, with row's gain. */
nas_status tune_journal_end(tune_journal *journal, const nas_tuning_row *row, bool confirmed,
                            const char *why);
tune_try *tune_journal_find(const tune_journal *journal, const nas_tuning_row *row, bool confirmed);
/* "lanes=16 kt=4"; "as untuned" for none. */
void tune_values_text(const nas_tuning_row *row, char *text, size_t size);

/* ---- measuring ------------------------------------------------------------------------------------------------ */

/* Calls that one row decides about. */
typedef struct tune_job {
    nas_op_pass pass;
    nas_tuning_row *rows; /* candidates, the default first */
    int row_count;
    tune_case *cases[4]; /* at shapes that occur, heaviest first */
    double counts[4];
    int case_count;
    double macs;           /* of all that it decides about */
    tune_result *truth[4]; /* by the plain kernel; NULL: not made yet */
    tune_result *usual[4]; /* by the default */
} tune_job;

void tune_job_clear(tune_job *job); /* without its cases */
/* Checks the row on all cases of the job, then times it against the default in turns.  *gain: default / row.  NAS_FAILED and the
 * other device statuses mean that the row is none; NAS_MEMORY ends it all. */
nas_status tune_measure(tune_job *job, const nas_tuning_row *row, int rounds, double *gain);

/* ---- the two processes ------------------------------------------------------------------------------------------ */

nas_status tune_search(const tune_options *options);
nas_status tune_compare(const tune_options *options);

#endif
