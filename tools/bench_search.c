/* bench_search.c - clnas-bench search: what a proposal costs, early and late in a study.
 *
 *     clnas-bench search [--repeats 5] [--format table|json|jsonl|csv|md]
 *
 * Each strategy that promises a constant cost proposes 10,000 trials of the chain space into a study in memory; the value of a trial is made up from its
 * genes.  Each study is a sample: microseconds per trial (propose, claim, commit, observe) around the 100th and around the 10,000th.  The cost
 * must not grow with the log: they keep incremental state (search.h).  Those that fit models do not promise that. */
#include "bench.h"

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

static nas_status bench_strategy(bench_report *report, nas_domain *domain,
                                 const nas_strategy *strategy, int repeats)
{
    const int first = report->count;
    const char *name = strategy->kind.name;
    bench_row *row;
    NAS_TRY(bench_report_row(report, name, "at 100", "us", &row));
    NAS_TRY(bench_report_row(report, name, "at 10,000", "us", &row));
    for (int i = 0; i < repeats; i++) {
        double early, late;
        NAS_TRY(run_study(domain, strategy, &early, &late));
        bench_row_add(&report->rows[first], early);
        bench_row_add(&report->rows[first + 1], late);
    }
    bench_row_fact(row, "x at 100", bench_row_median(row) / bench_row_median(&report->rows[first]));
    return NAS_OK;
}

static nas_status measure(bench_report *report, int repeats)
{
    static const char *const names[] = {"random", "evolution", "local"};
    const nas_space *space = nas_space_find("chain");
    nas_value group = {.type = NAS_VALUE_GROUP};
    nas_domain *domain;
    nas_status status = NAS_OK;
    NAS_TRY(nas_domain_open(space, &group, NULL, (nas_shape){1, 28, 28}, 10, &domain));
    for (size_t i = 0; status == NAS_OK && i < sizeof names / sizeof *names; i++)
        status = bench_strategy(report, domain, nas_strategy_find(names[i]), repeats);
    nas_domain_close(domain);
    return status;
}

typedef struct options {
    int repeats, format;
} options;

static const cli_option rows[] = {
    BENCH_REPEATS_OPTION(options, "5"),
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    static const char *const labels[] = {"strategy", "trial", NULL};
    const options *given = call->options;
    bench_report report = {.labels = labels};
    return bench_end(measure(&report, given->repeats), &report, given->format);
}

const cli_command bench_command_search = {
    .name = "search",
    .arguments = "",
    .summary = "Measure what a proposal costs, early and late in a study",
    .examples = "  clnas-bench search --format md\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
