/* bench_search.c - clnas-bench search: what a proposal costs, early and late in a study.
 *
 *     clnas-bench search
 *
 * Each strategy that promises a constant cost proposes 10,000 trials of the chain space into a study in memory; the value of a trial is made up from its
 * genes.  Printed: microseconds per trial (propose, claim, commit, observe) around the 100th and around the 10,000th.  The cost
 * must not grow with the log: they keep incremental state (search.h).  Those that fit models do not promise that. */
#include "bench_net.h"

#include <clnas/search.h>

#include <stdio.h>
#include <string.h>

typedef struct searched {
    nas_domain *domain;
    nas_study *study;
    nas_search *search;
    nas_owner self;
} searched;

static nas_status evaluate(searched *s, const nas_job *job)
{
    nas_trial result;
    bool accepted;
    double value = 0.0;
    for (int i = 0; i < s->domain->count; i++)
        value += job->arch.genes[i] == (i * 7 + 1) % s->domain->genes[i].choices;
    nas_trial_init(&result);
    result.status = NAS_TRIAL_COMPLETE;
    nas_status status = nas_trial_set_metric(&result, "value", value, false);
    if (status == NAS_OK)
        status = nas_study_commit(s->study, &job->claim, &result, &accepted);
    nas_trial_clear(&result);
    return status;
}

/* Runs until the study has so many trials; microseconds per trial. */
static nas_status advance(searched *s, int until, double *microseconds)
{
    int from = nas_study_count(s->study);
    double start = nas_now_s();
    nas_search_set_limit(s->search, until);
    for (nas_next next = NAS_NEXT_WAIT; next != NAS_NEXT_DONE;) {
        nas_job job;
        NAS_TRY(nas_search_next(s->search, &s->self, "bench", &next, &job));
        if (next == NAS_NEXT_TRIAL)
            NAS_TRY(evaluate(s, &job));
    }
    int done = nas_study_count(s->study) - from;
    *microseconds = done > 0 ? (nas_now_s() - start) * 1e6 / done : 0.0;
    return NAS_OK;
}

/* One study from its first trial to its last. */
static nas_status run_study(nas_domain *domain, const nas_strategy *strategy, double *early,
                            double *late)
{
    nas_status status = NAS_OK;
    searched s = {.domain = domain};
    double between;
    nas_value group = {.type = NAS_VALUE_GROUP};
    nas_search_setting setting = {.strategy = strategy,
                                  .group = &group,
                                  .domain = domain,
                                  .objectives = {1, {{"value", NAS_GOAL_MAX}}, 0, {{"", 0, 0}}},
                                  .seed = 1,
                                  .budget = 1,
                                  .lookahead = 8,
                                  .trials_max = 100,
                                  .reuse = true};
    NAS_TRY(nas_owner_self(&s.self));
    NAS_TRY(nas_study_create(NULL, NULL, &s.study));
    NAS_TRY_DONE(nas_search_create(&setting, s.study, &s.search));
    NAS_TRY_DONE(advance(&s, 50, &between));
    NAS_TRY_DONE(advance(&s, 150, early));
    NAS_TRY_DONE(advance(&s, 9900, &between));
    NAS_TRY_DONE(advance(&s, 10100, late));
done:
    nas_search_destroy(s.search);
    nas_study_close(s.study);
    return status;
}

/* The least of several studies: other processes only ever add time. */
static nas_status bench_strategy(nas_domain *domain, const nas_strategy *strategy)
{
    enum { STUDIES = 5 };
    double least_early = 1e30, least_late = 1e30;
    for (int i = 0; i < STUDIES; i++) {
        double early, late;
        NAS_TRY(run_study(domain, strategy, &early, &late));
        least_early = early < least_early ? early : least_early;
        least_late = late < least_late ? late : least_late;
    }
    printf("%-16s %12.1f %14.1f %8.2f\n", strategy->kind.name, least_early, least_late,
           least_late / least_early);
    return NAS_OK;
}

int bench_search(void)
{
    static const char *const names[] = {"random", "evolution", "local"};
    const int count = sizeof names / sizeof *names;
    const nas_space *space = nas_space_find("chain");
    nas_value group = {.type = NAS_VALUE_GROUP};
    nas_domain *domain;
    nas_status status = nas_domain_open(space, &group, NULL, (nas_shape){1, 28, 28}, 10, &domain);
    printf("%-16s %12s %14s %8s\n", "strategy", "us at 100", "us at 10,000", "ratio");
    for (int i = 0; status == NAS_OK && i < count; i++)
        status = bench_strategy(domain, nas_strategy_find(names[i]));
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench: %s\n", nas_error_message());
    else
        nas_domain_close(domain);
    return nas_status_exit_code(status);
}
