/* importance.h - how much of the differences between trials each gene explains by itself.  Private to host/report; the method
 * and its limits: importance.c. */
#ifndef CLNAS_REPORT_IMPORTANCE_H
#define CLNAS_REPORT_IMPORTANCE_H

#include <clnas/space.h>
#include <clnas/study.h>

enum {
    NAS__IMPORTANCE_TRIALS = 24,     /* fewer say nothing about any gene */
    NAS__IMPORTANCE_SHOWN = 16,      /* genes with an interval; the others have a share alone */
    NAS__IMPORTANCE_RESAMPLES = 400, /* of the bootstrap */
    NAS__IMPORTANCE_DRAWN = 2000,    /* trials in each of them at most */
};

#define NAS__IMPORTANCE_WARNS 0.5 /* association from which on two genes cannot be told apart */

typedef struct nas__choice_mean {
    int count;   /* trials that took the choice */
    double mean; /* of the objective over them; NaN: there is none */
} nas__choice_mean;

typedef struct nas__gene_importance {
    int gene;
    char *name;       /* "layer 3: kernel" */
    double share;     /* epsilon squared; about 0, or a little below, where the gene does nothing */
    double low, high; /* 95 % interval; NaN where none was computed */
    nas__choice_mean *choices; /* as many as the gene has */
    int partner;               /* the other gene that it went along with most; −1: none */
    double association;        /* with that one, Cramér's V, 0 … 1 */
} nas__gene_importance;

typedef struct nas__importance {
    const nas_domain *domain; /* lent */
    int trials;               /* that were looked at */
    int count;     /* genes of which they took more than one choice, the most important first */
    int fixed;     /* genes of which they all took the same */
    double spread; /* variance of the objective over them */
    double budget; /* of a study's: theirs; others with another budget were left out: */
    int other_budget;
    nas__gene_importance *genes;
} nas__importance;

/* Rows and their objective.  NAS_FAILED: fewer than NAS__IMPORTANCE_TRIALS, or all alike; the message says so. */
nas_status nas__importance_of_rows(const nas_domain *domain, const nas_arch *rows,
                                   const double *values, int count, nas__importance *importance);
/* NAS_FAILED, which says how many are needed. */
nas_status nas__importance_too_few(int trials);
/* Complete trials of a study at the budget that most of them had, each architecture once. */
nas_status nas__importance_of_study(const nas_domain *domain, const nas_study *study,
                                    const char *metric, nas__importance *importance);
void nas__importance_clear(nas__importance *importance);

/* Bars of the first NAS__IMPORTANCE_SHOWN, with their intervals as whiskers; means by choice on hover. */
void nas__importance_draw(const nas__importance *importance, const char *metric, bool alone,
                          nas_text *svg);
/* What was computed from what, and what to be careful about, in sentences. */
void nas__importance_words(const nas__importance *importance, nas_text *text);

#endif
