/* compare.h - what the files of a comparison share.  Private to host/report.
 *
 *   compare.c           studies in, judgement out
 *   compare_read.c      a study's log as costs and values         compare_setup.c   options, groups, labels
 *   compare_curve.c     the best so far at equal cost             compare_verdict.c tests between groups
 *   compare_page.c      the page                                  statistics.c      the numbers behind the verdicts */
#ifndef CLNAS_REPORT_COMPARE_H
#define CLNAS_REPORT_COMPARE_H

#include <clnas/report.h>

/* Intervals hold with 95 %, as people expect them; the tests have a level of their own. */
static const double nas__interval_level = 0.05;

/* One trial that is done. */
typedef struct nas__row {
    int64_t place; /* in the order in which the search went */
    double epochs, seconds, simulated;
    double score; /* of the first objective, greater is better; −INFINITY: none */
    double own;   /* its value */
    double other; /* the metric that is asked for; NaN: not there */
} nas__row;

/* An option of a config: "strategy.population" and its value in config notation. */
typedef struct nas__setup_line {
    char *path, *value;
} nas__setup_line;

typedef struct nas__setup {
    int count;
    nas__setup_line *lines;
} nas__setup;

/* A study, read. */
typedef struct nas__entry {
    nas_compared_study shown;
    uint64_t volume, file; /* which file it is; 0, 0: none */
    nas_objective objective;
    nas_objective other; /* metric "": none */
    bool other_known;    /* every network that counts has it */
    bool simulated_known;
    double simulated_end; /* the simulated clock ended the search there; 0: it did not */
    double epochs_each;   /* mean over the trials */
    char device[128];     /* of its first trial */
    nas__setup setup;
    nas__row *rows; /* by place */
    int row_count;
    /* The best so far, by compare_curve.c: from costs[i] on it is values[i]. */
    double *costs, *values;
    int step_count;
} nas__entry;

typedef struct nas__comparison_parts {
    char metric[NAS_NAME_SIZE];
    double at, target;
    nas__entry *entries; /* by group, then seed, once judged */
    int entry_count;
    bool judged;
} nas__comparison_parts;

/* "", or a metric's name: what of `other` is asked for, see nas_comparison_options. */
nas_status nas__entry_read(const char *name, const nas_study *study, const nas_config *config,
                           const char *metric, nas__entry *entry);
void nas__entry_clear(nas__entry *entry);

/* All options but those that leave a search what it is. */
nas_status nas__setup_read(const nas_config *config, nas__setup *setup);
void nas__setup_clear(nas__setup *setup);
bool nas__setup_equal(const nas__setup *a, const nas__setup *b);
/* NULL: it has no such option. */
const char *nas__setup_value(const nas__setup *setup, const char *path);
/* Gives every entry its group, sorts them, labels the groups, and notes what makes them hard to compare. */
nas_status nas__groups_make(nas_comparison *comparison);
/* A group's studies, as many as it has, by seed. */
const nas__entry *nas__group_entries(const nas_comparison *comparison, int group);

nas_status nas__note(nas_comparison *comparison, const char *format, ...) NAS_PRINTF(2, 3);

/* Decides metric and cost, and fills in every study, group and curve. */
nas_status nas__curves_make(nas_comparison *comparison);
/* Every pair of groups. */
nas_status nas__verdicts_make(nas_comparison *comparison);
/* "simulated seconds" */
const char *nas__cost_unit(const nas_comparison *comparison);
/* "60 simulated seconds" */
enum { NAS__COST_SIZE = 64 };
nas_status nas__cost_text(const nas_comparison *comparison, double cost, char text[NAS__COST_SIZE]);

#endif
