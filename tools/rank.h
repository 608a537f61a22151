/* rank.h - what the files of clnas-rank share. */
#ifndef CLNAS_TOOLS_RANK_H
#define CLNAS_TOOLS_RANK_H

#include <clnas/clnas.h>

enum { COLUMNS_MAX = 32, SPACE_MAX = 1000000 /* architectures */ };

/* The top of a file for clnas-rank; `space`, `data`, `evaluate` and `truth` are groups of their own. */
typedef struct ranking {
    char by[NAS_TEXT_SIZE];
    int64_t seed, count;
    /* filled by open_ranking */
    nas_value root;
    nas_data *data;
    nas_domain *domain;
    nas_device *device;
    nas_train_config *train; /* defaults: evaluators that train need one */
    nas_eval *evaluate, *truth;
    const char *columns[COLUMNS_MAX]; /* the metrics that `evaluate` may give */
    int column_count;
} ranking;

/* `folder` (NULL: none) becomes the working folder before anything but the file is opened. */
nas_status open_ranking(const char *path, const char *folder, const char *device, ranking *r);
void close_ranking(ranking *r);

/* `count` different architectures of the space, drawn by the seed: the first of more.  free() them. */
nas_status draw_archs(const ranking *r, int count, nas_arch **archs, int *drawn);
/* Rank correlation (ties share their mean rank); NaN counts as the least.  NaN when one of them is all ties. */
nas_status spearman(const double *a, const double *b, int count, double *correlation);

#endif
