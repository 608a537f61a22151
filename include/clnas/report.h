/* report.h - studies to look at: a page of a study, and single pictures.
 *
 * Everything here reads studies that may still be running, and never disturbs them (NAS_STORE_READ).  A page is one HTML file that
 * opens offline: charts and diagrams are SVG drawn here, the style sheet stands inside, and there is no script.  Strings out of a
 * study (names, architectures, reasons) are text wherever they appear, whatever characters they hold.
 */
#ifndef CLNAS_REPORT_H
#define CLNAS_REPORT_H

#include <clnas/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the report of one study as an HTML page.  NAS_STORE: no study, or one that cannot be read. */
NAS_API nas_status nas_report_write(const char *study_path, nas_text *page);

/* The pictures that there are, by index: name, and what it shows.  NULL: no more. */
NAS_API const nas_kind *nas_plot_at(int index);
/* Appends one of them alone, as an SVG file.  NAS_CONFIG: there is no such picture; NAS_FAILED: the study has nothing for it. */
NAS_API nas_status nas_plot_write(const char *name, const char *study_path, nas_text *svg);

/* ---- a comparison of several studies ------------------------------------------------------------------ */

/* Studies are put into groups by all of their options but the seed (and how long they ran, how they are called, what was retrained): so a
 * group is a strategy, space, device or training, over several seeds.  What is compared is the best network so far at equal cost.
 *
 *     nas_comparison *comparison;
 *     nas_comparison_create(&(nas_comparison_options){0}, &comparison);
 *     for (…) nas_comparison_add_file(comparison, paths[i]);
 *     nas_comparison_judge(comparison);
 *     … comparison->pairs[0].sentence …
 *     nas_comparison_destroy(comparison);
 *
 * docs/compare.md says what is computed and how to read it. */

/* What a trial costs. */
typedef enum nas_compare_by {
    NAS_COMPARE_TRIALS, /* 1, whatever it is */
    NAS_COMPARE_EPOCHS, /* its budget; one that failed, the epochs that its curves have; an alias nothing */
    NAS_COMPARE_SECONDS,   /* that it took; an alias nothing */
    NAS_COMPARE_SIMULATED, /* its metric simulated_s, in seconds; an alias nothing */
} nas_compare_by;

/* How to compare; a zeroed one is the default. */
typedef struct nas_comparison_options {
    nas_compare_by by; /* what counts as cost */
    /* Of the best network so far, by the first objective; lent.  NULL: test_X beside an objective valid_X that was looked up in a table
     * which has both, else the first objective itself. */
    const char *metric;
    double at;     /* the cost to compare at; 0: as far as every study went */
    double target; /* for the cost to reach it; NaN or 0: the mean of the worst group */
    double level;  /* of the tests; 0: 0.01 */
} nas_comparison_options;

/* A number and what it may be; both ends NaN when too little is known. */
typedef struct nas_interval {
    double at, low, high; /* the number; its ends */
} nas_interval;

/* One study of a comparison. */
typedef struct nas_compared_study {
    char path[NAS_PATH_SIZE]; /* or what it is called */
    int group;                /* index into the groups */
    int64_t seed;             /* of its config */
    int trials;               /* that are done */
    bool open;                /* others are not: it runs, or was interrupted */
    double cost;              /* of all that are done */
    double value;             /* of the best network at equal cost */
    double area;              /* mean of that value over the cost */
    double target_cost;       /* INFINITY: the target was not reached by then */
} nas_compared_study;

/* Studies that differ in their seeds alone. */
typedef struct nas_compared_group {
    char label[256];          /* the strategy, and what else tells it from the others */
    int studies;              /* how many */
    nas_interval value, area; /* means over the studies */
    double deviation, median; /* of the values, with n − 1; their median */
    double target_cost;       /* median; INFINITY: most did not reach it */
    int reached;              /* studies that reached it */
    /* [points]: the mean of the best so far and its interval; NaN before every study of the group has one. */
    double *mean, *low, *high;
} nas_compared_group;

/* What was found of two groups. */
typedef enum nas_verdict {
    NAS_VERDICT_FIRST,   /* the first group is better */
    NAS_VERDICT_SECOND,  /* the second one is */
    NAS_VERDICT_NONE,    /* no difference was found */
    NAS_VERDICT_TOO_FEW, /* and none could have been: too few studies */
} nas_verdict;

/* Two groups against each other. */
typedef struct nas_compared_pair {
    int first, second; /* groups */
    bool paired;       /* by seed; else two samples */
    int first_count, second_count;
    const char *test;   /* "signed rank" or "rank sum" */
    bool exact;         /* p is counted out; else by the normal distribution */
    double p, adjusted; /* by itself; by Holm's correction over all pairs */
    double least;       /* the smallest p that so many studies can give */
    nas_interval
        superiority; /* how probably a study of the first group is better than one of the second */
    nas_interval difference; /* of the mean values, first less second */
    nas_verdict verdict;     /* at the comparison's level, by `adjusted` */
    char sentence[1024];     /* the verdict in words */
} nas_compared_pair;

/* All of it; filled in by nas_comparison_judge. */
typedef struct nas_comparison {
    nas_compare_by by;             /* as asked for */
    char metric[NAS_NAME_SIZE];    /* compared */
    char objective[NAS_NAME_SIZE]; /* that the searches went by */
    nas_goal goal;                 /* of the metric */
    double level, at, target;      /* as asked for, or the defaults */
    int study_count;
    nas_compared_study *studies; /* by group, then seed; owned */
    int group_count;
    nas_compared_group *groups; /* owned */
    int pair_count;
    nas_compared_pair *pairs; /* owned; each two groups once */
    int point_count;
    double *costs; /* [point_count], rising, the last one is `at`; owned */
    int note_count;
    char (*notes)[1024]; /* what is not as it should be, and what was left out; owned */
    struct nas__comparison_parts *parts; /* of the room */
} nas_comparison;

/* An empty one; `options` are copied. */
NAS_API nas_status nas_comparison_create(const nas_comparison_options *options,
                                         nas_comparison **comparison);
NAS_API void nas_comparison_destroy(nas_comparison *comparison);
/* `study` is synced and has `config`; both may be closed afterwards.  `name` is its path, or what it shall be called.  NAS_FAILED: the
 * comparison is judged already. */
NAS_API nas_status nas_comparison_add(nas_comparison *comparison, const char *name,
                                      const nas_study *study, const nas_config *config);
/* Reads it from a file.  NAS_CONFIG: the file was added before. */
NAS_API nas_status nas_comparison_add_file(nas_comparison *comparison, const char *path);
/* Fills in everything, once.  NAS_CONFIG: no study was added, these have no common measure, or two are the same search.  After a failure
 * half of it is there: destroy it. */
NAS_API nas_status nas_comparison_judge(nas_comparison *comparison);
/* Appends a judged comparison as an HTML page, which opens offline. */
NAS_API nas_status nas_comparison_write(const nas_comparison *comparison, nas_text *page);
NAS_API const char *nas_compare_by_name(nas_compare_by by); /* "trials" */
NAS_API const char *
nas_verdict_name(nas_verdict verdict); /* "first", "second", "none", "too few" */

#ifdef __cplusplus
}
#endif
#endif
