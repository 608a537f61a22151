/* statistics.h - the few statistics that a comparison of searches needs.  Private to host/report.
 *
 * Numbers in, numbers out: nothing here knows of studies.  All tests are two-sided.  Sources and ideas: statistics.c. */
#ifndef CLNAS_REPORT_STATISTICS_H
#define CLNAS_REPORT_STATISTICS_H

#include <clnas/report.h>

void nas__sort_numbers(double *values, int count); /* the smallest first */
double nas__mean(const double *values, int count);
double nas__deviation(const double *values, int count); /* with n − 1; NaN below two */
double nas__median(double *values, int count); /* sorts them; infinities are fine; NaN of none */

/* The value that Student's t with `freedom` degrees (not only whole ones; INFINITY: the normal
 * distribution) stays below with probability p, 0 < p < 1. */
double nas__student_quantile(double p, double freedom);
/* Mean, with the interval that holds the true one with probability 1 − level. */
nas_interval nas__mean_interval(const double *values, int count, double level);
/* Mean of a less that of b: of two samples, by Welch. */
nas_interval nas__difference_interval(const double *a, int a_count, const double *b, int b_count,
                                      double level);

/* What a test says. */
typedef struct nas__test {
    double p;
    double least;   /* the smallest p that so many numbers can give at all */
    bool exact;     /* p is counted, not approximated */
    int used;       /* numbers that tell anything; a signed-rank test leaves out zeros */
    double favours; /* > 0: a tends to be greater */
} nas__test;

/* Wilcoxon's signed-rank test of paired differences a − b.  NAS_MEMORY at worst. */
nas_status nas__signed_rank(const double *differences, int count, nas__test *test);
/* Mann and Whitney's test of two samples. */
nas_status nas__rank_sum(const double *a, int a_count, const double *b, int b_count,
                         nas__test *test);
/* Of one number of each sample, how probably a's is greater; ties count half. */
nas_interval nas__superiority(const double *a, int a_count, const double *b, int b_count,
                              double level);
/* Holm's correction of `count` p values that are looked at together. */
nas_status nas__holm(const double *p, int count, double *adjusted);

#endif
