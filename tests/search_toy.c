/* search_toy.c - simulated searches.
 *
 * Trainings are replaced by a toy: a hidden target row, the share of genes that agree with it, a little noise by hash, and
 * a few rows that fail.  Workers are simulated: which of the running trials ends next is drawn, so that orders, lookahead
 * and replay are tried under all kinds of timing. */
#include "search_toy.h"
#include "nas_test_open.h"

#include <math.h>

nas_domain *open_domain(const char *options)
{
    return nas_test_domain("chain", options ? options : "{ }", (nas_shape){1, 28, 28}, 10);
}

/* ---- the toy ------------------------------------------------------------------------------------------------------ */

static double toy_value(const nas_domain *domain, const nas_arch *arch, double budget)
{
    uint64_t hash = nas_arch_hash(arch);
    int agree = 0;
    if (hash % 29 == 0)
        return NAN; /* a training that diverges */
    for (int i = 0; i < domain->count; i++)
        agree += arch->genes[i] == (i * 7 + 1) % domain->genes[i].choices;
    /* A short training says less, and never too much. */
    double hidden = (1 - budget / BUDGET) * 0.2 * (double)(hash / 1000 % 1000) / 1000;
    return (double)agree / domain->count + 1e-3 * (double)(hash % 1000) / 1000 - hidden;
}

void toy_result(const nas_domain *domain, const nas_job *job, nas_trial *result)
{
    double value = toy_value(domain, &job->arch, job->budget);
    nas_trial_init(result);
    result->status = isnan(value) ? NAS_TRIAL_FAILED : NAS_TRIAL_COMPLETE;
    /* Without training there is a proxy, and nothing that the objective knows. */
    const char *metric = job->budget == 0 ? "naswot" : "value";
    nas_test_ok(nas_trial_set_metric(result, metric, value, false));
    nas_test_ok(
        nas_trial_set_metric(result, "size", (double)(nas_arch_hash(&job->arch) % 97), false));
}

void commit_toy(const nas_domain *domain, nas_study *study, const nas_job *job)
{
    nas_trial result;
    bool accepted;
    toy_result(domain, job, &result);
    nas_test_ok(nas_study_commit(study, &job->claim, &result, &accepted));
    assert_true(accepted);
    nas_trial_clear(&result);
}

/* ---- simulated runs ------------------------------------------------------------------------------------------------ */

nas_search *another_search(run *r)
{
    nas_search *search = NULL;
    nas_test_ok(nas_search_create(&r->setting, r->study, &search));
    return search;
}

void run_open(const plan *p, nas_study *study, run *r)
{
    *r = (run){0};
    nas_test_ok(nas_value_parse(p->options ? p->options : "{ }", "test", 1, &r->group));
    nas_test_ok(nas_domain_read(p->domain, "baseline", &r->given[0]));
    nas_random random = nas_random_make(99, NAS_STREAM_TEST, 0, 0, 0);
    nas_test_ok(nas_domain_sample(p->domain, &random, &r->given[1]));
    r->setting = (nas_search_setting){.strategy = p->strategy,
                                      .group = &r->group,
                                      .domain = p->domain,
                                      .objectives = {1, {{"value", NAS_GOAL_MAX}}, 0, {{"", 0, 0}}},
                                      .seed = p->seed,
                                      .budget = BUDGET,
                                      .lookahead = p->lookahead,
                                      .trials_max = p->trials,
                                      .reuse = p->reuse,
                                      .weights = p->weights,
                                      .given_count = p->given,
                                      .given = r->given};
    if (p->front && p->strategy->objectives_max > 1) {
        r->setting.objectives.item[1] = (nas_objective){"size", NAS_GOAL_MIN};
        r->setting.objectives.count = 2;
    }
    if (study)
        r->study = study;
    else
        nas_test_ok(nas_study_create(NULL, NULL, &r->study));
    r->search = another_search(r);
}

void run_close(run *r)
{
    nas_search_destroy(r->search);
    nas_study_close(r->study);
    nas_value_clear(&r->group);
}

/* One step of the simulation: a worker starts, or one ends.  False when the search is done. */
static bool run_step(const plan *p, run *r, nas_random *timing)
{
    nas_owner self;
    nas_next next = NAS_NEXT_WAIT;
    nas_owner_self(&self);
    if (r->running < p->workers) {
        int before = nas_study_count(r->study);
        nas_test_ok(nas_search_next(r->search, &self, "toy:0", &next, &r->jobs[r->running]));
        if (next == NAS_NEXT_TRIAL) {
            nas_arch again = r->jobs[r->running].arch;
            nas_domain_canonical(p->domain, &again);
            assert_true(nas_arch_equal(&again, &r->jobs[r->running].arch));
            assert_int_equal(nas_domain_valid(p->domain, &again), NAS_OK);
            int from = r->jobs[r->running].from, parent = r->jobs[r->running].parent;
            if (from >= 0 && from == parent) /* what is started from is kept */
                assert_true(nas_search_wants_weights(r->search, from));
            r->running++;
            return true;
        }
        if (next == NAS_NEXT_DONE)
            return false;
        if (r->running == 0 && nas_study_count(r->study) > before)
            return true;             /* nothing but duplicates so far: ask again */
        assert_true(r->running > 0); /* nobody works and nobody may start: a deadlock */
    }
    int ends = (int)nas_random_below(timing, (uint32_t)r->running);
    commit_toy(p->domain, r->study, &r->jobs[ends]);
    r->jobs[ends] = r->jobs[--r->running];
    return true;
}

void run_all(const plan *p, run *r)
{
    nas_random timing = nas_random_make(p->timing, NAS_STREAM_TEST, 0, 0, 0);
    run_open(p, NULL, r);
    while (run_step(p, r, &timing))
        ;
    assert_int_equal(r->running, 0);
}

char *canonical_of(const plan *p)
{
    run r;
    nas_text text = {0};
    run_all(p, &r);
    nas_study_canonical(r.study, &text);
    nas_test_ok(nas_text_check(&text));
    run_close(&r);
    return text.data;
}

static double best_of(const plan *p)
{
    run r;
    int index;
    const nas_objective objective = {"value", NAS_GOAL_MAX};
    run_all(p, &r);
    assert_int_equal(nas_study_best(r.study, &objective, 1, &index), 1);
    double value = nas_trial_metric(nas_study_trial(r.study, index), "value");
    run_close(&r);
    return value;
}

/* Fewer epochs for those that fit models: what is tested here does not depend on how well. */
static const char *quick_options(const nas_strategy *strategy)
{
    const char *name = strategy->kind.name;
    return strcmp(name, "bananas") == 0  ? "{ epochs = 15; members = 3; candidates = 50; }"
           : strcmp(name, "pnas") == 0   ? "{ epochs = 15; members = 2; beam = 12; children = 40; }"
           : strcmp(name, "ppo") == 0    ? "{ hidden = 16; }"
           : strcmp(name, "warmup") == 0 ? "{ pool = 30; top = 5; }"
                                         : NULL;
}

plan plan_of(const nas_strategy *strategy, nas_domain *domain)
{
    int lookahead = strategy->lookahead_max ? strategy->lookahead_max : 4;
    return (plan){.strategy = strategy,
                  .options = quick_options(strategy),
                  .domain = domain,
                  .seed = SEED,
                  .lookahead = lookahead,
                  .trials = 60,
                  .given = 1,
                  .workers = 1,
                  .reuse = true};
}

void assert_same_run(const plan *a, const plan *b)
{
    char *first = canonical_of(a), *second = canonical_of(b);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* An architecture that no strategy proposed, at the next free index. */
static void enqueue_one(const plan *p, run *r)
{
    nas_random random =
        nas_random_make(77, NAS_STREAM_TEST, (uint32_t)nas_study_count(r->study), 0, 0);
    nas_text text = {0};
    nas_trial line;
    nas_arch arch;
    int index;
    nas_trial_init(&line);
    nas_test_ok(nas_domain_sample(p->domain, &random, &arch));
    nas_domain_write(p->domain, &arch, &text);
    line.arch = text.data; /* lent */
    line.budget = BUDGET;
    nas_test_ok(nas_study_enqueue(r->study, &line, &index));
    assert_int_equal(index, nas_study_count(r->study) - 1);
    nas_text_clear(&text);
}

/* A log cut anywhere and replayed goes on as if nothing had happened: at each step a search that was just opened
 * proposes what the one that has been there all along proposes. */
void check_replay(plan p)
{
    nas_random timing = nas_random_make(3, NAS_STREAM_TEST, 0, 0, 0);
    run r;
    p.workers = 5;
    run_open(&p, NULL, &r);
    for (bool more = true; more;) {
        if (p.enqueue && nas_study_count(r.study) % 9 == 8 && nas_study_count(r.study) < p.trials)
            enqueue_one(&p, &r);
        nas_search *fresh = another_search(&r);
        nas_next next[2];
        nas_proposal proposal[2];
        int index[2];
        nas_test_ok(nas_search_propose(r.search, &next[0], &index[0], &proposal[0]));
        nas_test_ok(nas_search_propose(fresh, &next[1], &index[1], &proposal[1]));
        assert_int_equal(next[0], next[1]);
        assert_int_equal(index[0], index[1]);
        if (next[0] == NAS_NEXT_TRIAL) {
            assert_true(nas_arch_equal(&proposal[0].arch, &proposal[1].arch));
            assert_int_equal(proposal[0].parent, proposal[1].parent);
            assert_int_equal(proposal[0].from, proposal[1].from);
            assert_string_equal(proposal[0].note, proposal[1].note);
            assert_true(proposal[0].budget == proposal[1].budget);
        }
        if (index[0] % 7 == 0) { /* and from here on the new one is used */
            nas_search_destroy(r.search);
            r.search = fresh;
        } else {
            nas_search_destroy(fresh);
        }
        more = run_step(&p, &r, &timing);
    }
    assert_int_equal(nas_study_count(r.study), p.trials);
    run_close(&r);
}

double mean_best(const nas_strategy *strategy, const char *options, nas_domain *domain)
{
    const int seeds = getenv("CLNAS_DRAWS") ? 20 : 10;
    double sum = 0;
    for (int i = 0; i < seeds; i++) {
        plan p = plan_of(strategy, domain);
        p.options = options ? options : p.options;
        p.seed = 100 + (uint64_t)i;
        p.trials = 120;
        sum += best_of(&p);
    }
    return sum / seeds;
}
