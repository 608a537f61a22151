/* subject.h - a study as pictures and pages are made from it, and the words for what is in it. */
#ifndef CLNAS_REPORT_SUBJECT_H
#define CLNAS_REPORT_SUBJECT_H

#include <clnas/session.h>

typedef struct nas__subject {
    nas_study_view view;
    const nas_config *config;   /* the view's */
    const nas_study *study;     /* the view's */
    const nas_objective *first; /* the objective that decides */
    nas_progress progress;
    nas_train_result results[NAS_TRAIN_RESULTS];
    int result_count;
    int count;       /* trials */
    int *best;       /* complete candidates by the first objective, best first */
    int best_count;  /* how many these are */
    int epoch_count; /* trials that are epochs of a supernet */
    int failed_count;
    bool asked_domain; /* nas__subject_domain was called */
    nas_domain *domain;
    char no_domain[512]; /* why there is none */
    bool no_memory;      /* that is why: nothing that the study has, and no page may say so */
} nas__subject;

/* Clear it on success and on failure. */
nas_status nas__subject_open(const char *study_path, nas__subject *subject);
void nas__subject_clear(nas__subject *subject);
/* The space, opened when first asked for; NULL: it cannot be (data set gone …), see no_domain. */
const nas_domain *nas__subject_domain(nas__subject *subject);
/* Trial i if it is a complete network: no alias, no epoch of a supernet; else NULL. */
const nas_trial *nas__subject_candidate(const nas__subject *subject, int i);
/* The architecture of a trial, of an epoch the one that it speaks for, into a row; needs the domain. */
nas_status nas__subject_arch(nas__subject *subject, int i, nas_arch *arch);
/* The same in one line for people, or as text where there is no domain. */
void nas__subject_describe(nas__subject *subject, int i, nas_text *text);
/* Values of a metric over all trials, [count]; NaN where there is none; owned by the caller.  NULL: no memory. */
double *nas__subject_metric(const nas__subject *subject, const char *metric);

/* ---- words: words.c ---------------------------------------------------------------------------------------------- */

/* "valid_accuracy" as "validation accuracy", "latency_ms.home@64" as "latency on home, batch 64, ms". */
void nas__metric_words(nas_text *text, const char *metric);
/* A value as people read it: 91.23 %, 1.5 MiB, 0.1234. */
void nas__metric_value(nas_text *text, const char *metric, double value);
/* Its values are shares of 1. */
bool nas__metric_share(const char *metric);
/* "valid_accuracy as high, latency_ms.home as low as possible" */
void nas__objectives_words(nas_text *text, const nas_objectives *objectives);
void nas__bounds_words(nas_text *text, const nas_objectives *objectives);
void nas__budget_words(nas_text *text, const nas_config *config);
/* "evolution: …", and its options that are not the defaults. */
void nas__group_words(nas_text *text, const nas_value *group, const nas_kind *kind);
void nas__settings_words(nas_text *text, const nas_value *group, const nas_kind *kind);
/* "2026-01-31 12:00:00 UTC" */
void nas__time_words(nas_text *text, int64_t time_ms);
const char *nas__group_type(const nas_value *group);

#endif
