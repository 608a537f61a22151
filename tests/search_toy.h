/* search_toy.h - simulated searches: a toy in place of trainings, workers whose timing is drawn. */
#ifndef SEARCH_TOY_H
#define SEARCH_TOY_H

#include "nas_test.h"

#include <clnas/search.h>

enum { SEED = 5, BUDGET = 9 };

typedef struct plan {
    const nas_strategy *strategy;
    const char *options; /* config notation, NULL: defaults */
    nas_domain *domain;
    uint64_t seed;
    int lookahead, trials, given;
    int workers;     /* trials that run at a time */
    uint64_t timing; /* seed of who ends next */
    bool reuse, weights;
    bool enqueue; /* now and then somebody enqueues an architecture */
    bool front;   /* two objectives, where the strategy takes them */
} plan;

typedef struct run {
    nas_value group;
    nas_arch given[2];
    nas_search_setting setting;
    nas_study *study;
    nas_search *search;
    nas_job jobs[16];
    int running;
} run;

nas_domain *open_domain(const char *options); /* `chain`; NULL: defaults */

/* The toy's result of a job: metrics value and size, or naswot where nothing was trained. */
void toy_result(const nas_domain *domain, const nas_job *job, nas_trial *result);
void commit_toy(const nas_domain *domain, nas_study *study, const nas_job *job);

/* 60 trials by one worker, order = "index", lookahead 4 where the strategy takes it. */
plan plan_of(const nas_strategy *strategy, nas_domain *domain);

/* `study` NULL: one in memory.  run_close closes either. */
void run_open(const plan *p, nas_study *study, run *r);
void run_close(run *r);
nas_search *another_search(run *r);  /* over the same study */
void run_all(const plan *p, run *r); /* opens it, too */
char *canonical_of(const plan *p);   /* the log of a whole run; free() it */

void assert_same_run(const plan *a, const plan *b);
/* A log cut anywhere and replayed goes on as if nothing had happened: at each step a search that was just opened proposes what
 * the one that has been there all along proposes. */
void check_replay(plan p);
/* Mean of the best value of 120 trials over 10 seeds, in the slow tier (CLNAS_DRAWS) over 20. */
double mean_best(const nas_strategy *strategy, const char *options, nas_domain *domain);

#endif
