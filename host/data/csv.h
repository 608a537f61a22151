/* csv.h - what the files of the CSV data set share: its options, and which column is what.  Private to them. */
#ifndef NAS_DATA_CSV_H
#define NAS_DATA_CSV_H

#include "dataset.h"

enum { NAS__CSV_TARGETS = 64, NAS__CSV_WIDTH = 1 << 16 };

enum { NAS__MISSING_REFUSE, NAS__MISSING_MEAN };

typedef struct nas__csv_options {
    char path[NAS_TEXT_SIZE], test_path[NAS_TEXT_SIZE], group[NAS_TEXT_SIZE];
    nas_text_list target, features, ignore, one_hot;
    nas_int_list shape;
    char delimiter[NAS_TEXT_SIZE];
    int missing;
    nas__holdout holdout;
} nas__csv_options;

/* A column that samples are made of: one number, or as many as it has values, of which one is 1. */
typedef struct nas__csv_feature {
    char *name;
    bool one_hot;
    nas__words values; /* of a one-hot column, sorted */
    int first;         /* of its numbers among those of a sample */
    double sum, mean;  /* over the training file, without what is missing */
    uint64_t known;
} nas__csv_feature;

typedef struct nas__csv_plan {
    const nas__csv_options *options;
    nas_task task;
    nas__csv_feature *features;
    int count;         /* of features */
    int width;         /* numbers of a sample */
    nas__words labels; /* classes; or, of a multi-label column, what its cells list; sorted */
    char **targets;    /* names of the target columns, [target_count] */
    int target_count;
} nas__csv_plan;

/* Where those columns stand in one file. */
typedef struct nas__csv_places {
    int *features; /* [count]; owns the memory */
    int *targets;  /* [target_count] */
    int group;     /* -1: there is none */
} nas__csv_places;

/* ---- csv_plan.c ---------------------------------------------------------------------------------- */

/* From the header of the training file. */
nas_status nas__csv_plan_make(const nas_csv *csv, nas__csv_plan *plan);
void nas__csv_plan_clear(nas__csv_plan *plan);
/* In any file that has these columns, in whatever order. */
nas_status nas__csv_places_find(const nas__csv_plan *plan, const nas_csv *csv,
                                nas__csv_places *places);
/* The labels of a sample stand in one cell, "red;round". */
bool nas__csv_lists_labels(const nas__csv_plan *plan);

/* ---- csv.c ---------------------------------------------------------------------------------------- */

/* A table by its options' delimiter. */
nas_status nas__csv_open(const nas__csv_options *o, const char *path, nas_csv **csv);
/* The numbers of the row that was read last, [plan->width]. */
nas_status nas__csv_sample(const nas__csv_plan *plan, const nas_csv *csv,
                           const nas__csv_places *places, float *sample);
const char *nas__csv_missing_name(int missing); /* "refuse" */

/* ---- csv_columns.c -------------------------------------------------------------------------------- */

/* What a model keeps of the plan; from malloc. */
nas_status nas__csv_columns_write(const nas__csv_plan *plan, char **columns);

/* ---- csv_cell.c ---------------------------------------------------------------------------------- */

/* Fails with file, line and column in front. */
#define NAS__CELL_FAIL(csv, column, message, ...)                                                  \
    NAS_FAIL(NAS_DATA, "%s:%lld: column %d (\"%.64s\"): " message, nas_csv_path(csv),              \
             (long long)nas_csv_line(csv), (column) + 1, nas_csv_name(csv, column), __VA_ARGS__)

/* A decimal number that fits a float, or one that is missing (*known false): an empty cell, NA, N/A, NaN, null or ?. */
nas_status nas__csv_number(const nas_csv *csv, int column, float *value, bool *known);
/* The same where nothing may be missing; `why` tells so. */
nas_status nas__csv_known_number(const nas_csv *csv, int column, const char *why, float *value);
/* The text of a cell, which must have one. */
nas_status nas__csv_word(const nas_csv *csv, int column, const char *why, const char **word);
/* The label that begins at `*at`, without the spaces around it; `*at` is moved on to its end.  `*more` false: there is none left. */
nas_status nas__csv_label(const nas_csv *csv, int column, const char **at,
                          char label[NAS_TEXT_SIZE], bool *more);

#endif
