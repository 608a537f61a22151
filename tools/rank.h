/* rank.h - what the files of clnas-rank share.
 *
 *   rank.c          the command line               rank_open.c    what is ranked: a file, or a study's supernet
 *   rank_sample.c   which architectures            rank_truth.c   what they are held against: a table, or a study's trials
 *   rank_scores.c   their scores, in a file that goes on where it stopped
 *   rank_table.c    the table                      rank_correlation.c   Spearman's ρ and Kendall's τ-b */
#ifndef CLNAS_TOOLS_RANK_H
#define CLNAS_TOOLS_RANK_H

#include <clnas/clnas.h>

enum { COLUMNS_MAX = 32, SPACE_MAX = 1000000 /* architectures */, PATH_SIZE = 4096 };

/* Trained architectures of a study, which are looked up by their text. */
typedef struct trained_trials {
    nas_study *study;
    struct trained_trial {
        char *key;
        double budget;
        int index;
    } * list; /* rising by key, one each */
    int count;
} trained_trials;

/* The top of a file for clnas-rank; `space`, `data`, `evaluate` and `truth` are groups of their own. */
typedef struct ranking {
    char by[NAS_TEXT_SIZE];
    int64_t seed, count;
    /* filled by open_ranking */
    nas_value root;
    nas_config *study; /* of --supernet; NULL: the file says all */
    const nas_value *space, *data_group, *evaluate, *strategy; /* the file's, or the study's */
    uint64_t eval_seed;                                        /* of data and evaluator */
    char weights[PATH_SIZE]; /* that the architectures share; "": each has its own */
    nas_data *data;
    nas_domain *domain;
    nas_device *device;
    nas_train_config *train; /* defaults: evaluators that train need one */
    nas_eval *eval, *table;  /* table NULL: the truth is `trained` */
    trained_trials trained;
    const char
        *columns[COLUMNS_MAX]; /* the metrics that `evaluate` may give, and what each costs */
    int column_count;
} ranking;

/* What the command line adds to the file; NULL or −1: nothing. */
typedef struct ranking_setup {
    const char *file;
    const char *folder; /* becomes the working folder before anything but the file is opened */
    const char *device; /* match */
    const char *by;     /* in place of the file's */
    const char
        *supernet; /* "STUDY" or "STUDY:TRIAL", absolute: its weights, space, data and evaluator */
    int recalibrate; /* in place of its strategy's */
} ranking_setup;

nas_status open_ranking(const ranking_setup *setup, ranking *r);
void close_ranking(ranking *r);

/* The truth's group is the file's `truth`; afterwards metrics of an architecture: FAILED when nothing is known of it. */
nas_status open_truth(ranking *r);
void close_truth(ranking *r);
nas_status look_up(const ranking *r, const nas_arch *arch, nas_trial *result);

/* `count` different architectures of which the truth is known, drawn by the seed: the first of more.  free() them. */
nas_status draw_archs(const ranking *r, int count, nas_arch **archs, int *drawn);

/* What is known of the sample, [column][architecture]; NaN: no such number. */
typedef struct scores {
    int count, known; /* architectures; the first so many were read from the file */
    char **names;     /* as the space writes them */
    double *measured, *published, *truth, *cpu_s;
} scores;

nas_status score_all(const ranking *r, const nas_arch *archs, int count, const char *path,
                     scores *s);
void clear_scores(scores *s);
nas_status print_table(const ranking *r, const scores *s);

/* Rank correlations of a and b; NaN counts as the least, and the result is NaN when one of them is all ties.
 * Spearman's: ties share their mean rank. */
nas_status spearman(const double *a, const double *b, int count, double *correlation);
/* Kendall's τ-b: pairs in the same order less those in the other, by √(pairs not tied in a · pairs not tied in b). */
nas_status kendall(const double *a, const double *b, int count, double *correlation);

#endif
