/* test_search.c - every strategy in strategy_list.h keeps the promises of search.h; then what evolution promises itself.
 *
 * Trainings are replaced by a toy: a hidden target row, the share of genes that agree with it, a little noise by hash, and
 * a few rows that fail.  Workers are simulated: which of the running trials ends next is drawn, so that orders, lookahead
 * and replay are tried under all kinds of timing.  At the end real processes share one SQLite file and are killed. */
#include "nas_test.h"

#include <clnas/search.h>

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEED = 5, BUDGET = 9 };

static nas_domain *open_domain(const char *options)
{
    const nas_space *space;
    nas_domain *domain;
    nas_value group = {0};
    nas_test_ok(nas_space_get("chain", &space));
    nas_test_ok(nas_value_parse(options ? options : "{ }", "test", 1, &group));
    nas_test_ok(nas_domain_open(space, &group, NULL, (nas_shape){1, 28, 28}, 10, &domain));
    nas_value_clear(&group);
    return domain;
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

static void toy_result(const nas_domain *domain, const nas_job *job, nas_trial *result)
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

static void commit_toy(const nas_domain *domain, nas_study *study, const nas_job *job)
{
    nas_trial result;
    bool accepted;
    toy_result(domain, job, &result);
    nas_test_ok(nas_study_commit(study, &job->claim, &result, &accepted));
    assert_true(accepted);
    nas_trial_clear(&result);
}

/* ---- simulated runs ------------------------------------------------------------------------------------------------ */

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

static nas_search *another_search(run *r)
{
    nas_search *search = NULL;
    nas_test_ok(nas_search_create(&r->setting, r->study, &search));
    return search;
}

static void run_open(const plan *p, nas_study *study, run *r)
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

static void run_close(run *r)
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

static void run_all(const plan *p, run *r)
{
    nas_random timing = nas_random_make(p->timing, NAS_STREAM_TEST, 0, 0, 0);
    run_open(p, NULL, r);
    while (run_step(p, r, &timing))
        ;
    assert_int_equal(r->running, 0);
}

static char *canonical_of(const plan *p)
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

static plan plan_of(const nas_strategy *strategy, nas_domain *domain)
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

static bool is_grid(const nas_strategy *strategy)
{
    return strcmp(strategy->kind.name, "grid") == 0;
}

static void assert_same_run(const plan *a, const plan *b)
{
    char *first = canonical_of(a), *second = canonical_of(b);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* ---- trials that start from others' weights --------------------------------------------------------------------------- */

static int wanted_from; /* what the strategy below names */

static nas_status name_from(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    nas_random random = nas_random_make(5, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    const nas_setting *setting = *(const nas_setting **)state;
    proposal->from = wanted_from;
    if (outlook->index == 1) { /* trial 0 again */
        proposal->arch = setting->given[0];
        return NAS_OK;
    }
    return nas_domain_sample(setting->domain, &random, &proposal->arch);
}

static nas_status keep_setting(const nas_setting *setting, void **state)
{
    const nas_setting **kept = malloc(sizeof *kept);
    assert_non_null(kept);
    *kept = setting;
    *state = kept;
    return NAS_OK;
}

static bool wants_even(const void *state, int trial)
{
    (void)state;
    return trial % 2 == 0;
}

static const nas_strategy starts_from = {.kind = {.name = "starts_from"},
                                         .objectives_max = 1,
                                         .begin = keep_setting,
                                         .propose = name_from,
                                         .wants_weights = wants_even};

static int from_of_next(run *r, int from, nas_status expected)
{
    nas_owner self;
    nas_next next;
    nas_job job = {.from = -2};
    nas_owner_self(&self);
    wanted_from = from;
    nas_status status = nas_search_next(r->search, &self, "toy:0", &next, &job);
    assert_int_equal(status, expected);
    if (status == NAS_OK && next == NAS_NEXT_TRIAL) {
        assert_int_equal(nas_study_trial(r->study, job.claim.index)->from, job.from);
        r->jobs[0] = job;
    }
    return job.from;
}

/* A trial starts from one whose result was seen and that has weights of its own, or from nothing. */
static void trials_start_from_what_has_weights(void **state)
{
    plan p = {.strategy = &starts_from,
              .domain = open_domain(NULL),
              .seed = SEED,
              .lookahead = 1,
              .given = 1,
              .reuse = true};
    run r;
    bool accepted;
    nas_trial failed;
    (void)state;
    run_open(&p, NULL, &r);
    assert_int_equal(from_of_next(&r, -1, NAS_OK), -1);
    commit_toy(p.domain, r.study, &r.jobs[0]);
    from_of_next(&r, 0, NAS_CONFIG); /* this evaluator keeps no weights */
    nas_search_destroy(r.search);
    r.setting.weights = true;
    r.search = another_search(&r);

    /* Trial 1 becomes an alias of trial 0 on the way to trial 2, which starts from nothing and fails. */
    assert_int_equal(from_of_next(&r, -1, NAS_OK), -1);
    assert_int_equal(nas_study_trial(r.study, 1)->alias, 0);
    assert_int_equal(r.jobs[0].claim.index, 2);
    nas_trial_init(&failed);
    failed.status = NAS_TRIAL_FAILED;
    nas_test_ok(nas_study_commit(r.study, &r.jobs[0].claim, &failed, &accepted));
    assert_true(accepted);

    assert_int_equal(from_of_next(&r, 1, NAS_OK), 0); /* the alias leads to trial 0 */
    assert_true(nas_search_wants_weights(r.search, 2));
    assert_true(nas_search_wants_weights(r.search, 3)); /* not observed yet */
    commit_toy(p.domain, r.study, &r.jobs[0]);
    nas_test_ok(nas_search_observe(r.search));
    assert_false(nas_search_wants_weights(r.search, 3));
    assert_int_equal(from_of_next(&r, 2, NAS_OK), -1); /* trial 2 failed */
    commit_toy(p.domain, r.study, &r.jobs[0]);
    from_of_next(&r, 5, NAS_FAILED); /* nobody has seen trial 5 */
    run_close(&r);
    nas_domain_close(p.domain);
}

/* Children start from their parents, whoever works on them, and the search is as good as others. */
static double mean_best(const nas_strategy *strategy, const char *options, nas_domain *domain);
static plan plan_of(const nas_strategy *strategy, nas_domain *domain);
static void assert_same_run(const plan *a, const plan *b);

static void check_inheriting(const char *name, const char *options, nas_domain *domain)
{
    plan p = plan_of(nas_strategy_find(name), domain), many;
    run r;
    int started = 0;
    p.options = options;
    p.weights = true;
    many = p;
    many.workers = 4;
    many.timing = 3;
    assert_same_run(&p, &many);
    run_all(&p, &r);
    for (int i = 0; i < nas_study_count(r.study); i++) {
        const nas_trial *trial = nas_study_trial(r.study, i);
        if (trial->parent < 0)
            continue;
        const nas_trial *result = nas_study_result(r.study, trial->parent);
        bool good = result->status == NAS_TRIAL_COMPLETE;
        assert_int_equal(trial->from, good ? result->index : -1);
        started += trial->from >= 0;
    }
    assert_true(started > 20);
    int kept = 0;
    for (int i = 0; i < nas_study_count(r.study); i++)
        kept += nas_search_wants_weights(r.search, i);
    assert_in_range(kept, 1, 26); /* two generations, or the best, and what was not observed */
    run_close(&r);
}

static void children_start_from_their_parents(void **state)
{
    static const char *const lists[][2] = {
        {"evolution", "{ population = 10; tournament = 3; inherit = true; }"},
        {"evolution", "{ population = 10; survivors = \"generational\"; distinct = false; inherit "
                      "= true; }"},
        {"reinforce", "{ actions = \"edit\"; }"},
        {"reinforce", "{ actions = \"edit\"; controller = \"lstm\"; hidden = 16; parents = 1; }"},
    };
    nas_domain *domain = open_domain(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        check_inheriting(lists[i][0], lists[i][1], domain);
    plan p = plan_of(nas_strategy_find("evolution"), domain);
    run r;
    nas_search *search = NULL;
    run_open(&p, NULL, &r);
    nas_value_clear(&r.group);
    nas_test_ok(nas_value_parse("{ inherit = true; }", "test", 1, &r.group));
    nas_test_fails(nas_search_create(&r.setting, r.study, &search), NAS_CONFIG, "weights");
    run_close(&r);
    double random = mean_best(nas_strategy_find("random"), NULL, domain);
    double edit = mean_best(nas_strategy_find("reinforce"), lists[2][1], domain);
    print_message("%.3f (random %.3f) reinforce, edits\n", edit, random);
    assert_true(edit > random);
    nas_domain_close(domain);
}

/* A promoted trial is the same training, longer: it begins where the short one began. */
static void promotions_begin_as_before(void **state)
{
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("asha"), domain);
    run r;
    int promoted = 0;
    (void)state;
    p.options = "{ eta = 2; inner = { type = \"evolution\"; population = 5; inherit = true; }; }";
    p.weights = true;
    p.trials = 80;
    run_all(&p, &r);
    for (int i = 0; i < nas_study_count(r.study); i++) {
        const nas_trial *trial = nas_study_trial(r.study, i);
        const nas_trial *parent = nas_study_trial(r.study, trial->parent);
        if (!parent || strcmp(parent->arch, trial->arch) != 0 || parent->budget >= trial->budget)
            continue;
        assert_int_equal(trial->from, parent->from);
        promoted += trial->from >= 0;
    }
    assert_true(promoted > 3);
    run_close(&r);
    nas_domain_close(domain);
}

/* ---- every strategy -------------------------------------------------------------------------------------------------- */

/* order = "index": the list of trials does not depend on workers or timing, only on the seed. */
static void index_order_is_the_same_for_any_workers(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        plan one = plan_of(all[s], domain), many = one, other = one;
        for (int workers = 2; workers <= 6; workers += 2) {
            many.workers = workers;
            many.timing = (uint64_t)workers;
            assert_same_run(&one, &many);
        }
        other.seed = SEED + 1;
        if (is_grid(all[s]))
            continue; /* the order of the rows is the order of the rows */
        char *first = canonical_of(&one), *second = canonical_of(&other);
        assert_string_not_equal(first, second);
        free(first);
        free(second);
    }
    nas_domain_close(domain);
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
static void check_replay(plan p)
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

static void a_cut_log_goes_on(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        plan p = plan_of(all[s], domain);
        check_replay(p);
        p.lookahead = 1;
        p.enqueue = p.front = true;
        check_replay(p);
        if (all[s]->lookahead_max)
            continue;
        p.lookahead = 9;
        check_replay(p);
        p.lookahead = 0; /* arrival */
        check_replay(p);
        p.enqueue = false;
        p.reuse = false;
        check_replay(p);
    }
    nas_domain_close(domain);
}

/* order = "arrival": the same timing gives the same list. */
static void arrival_order_repeats_with_its_timing(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        plan p = plan_of(all[s], domain);
        if (p.strategy->lookahead_max)
            continue;
        p.lookahead = 0;
        p.workers = 5;
        p.timing = 11;
        assert_same_run(&p, &p);
    }
    nas_domain_close(domain);
}

static void given_ones_come_first(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        plan p = plan_of(all[s], domain);
        run r;
        p.given = 2;
        p.trials = 5;
        run_all(&p, &r);
        for (int i = 0; i < 2; i++) {
            nas_arch arch;
            nas_test_ok(nas_domain_read(domain, nas_study_trial(r.study, i)->arch, &arch));
            assert_true(nas_arch_equal(&arch, &r.given[i]));
        }
        run_close(&r);
    }
    nas_domain_close(domain);
}

/* Over 20 seeds no strategy is clearly worse than random search on the toy. */
static double mean_best(const nas_strategy *strategy, const char *options, nas_domain *domain)
{
    double sum = 0;
    for (int i = 0; i < 20; i++) {
        plan p = plan_of(strategy, domain);
        p.options = options ? options : p.options;
        p.seed = 100 + (uint64_t)i;
        p.trials = 120;
        sum += best_of(&p);
    }
    return sum / 20;
}

static void no_strategy_is_worse_than_random(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    double random = mean_best(nas_strategy_find("random"), NULL, domain);
    for (int s = 0; s < count; s++) {
        if (is_grid(all[s]))
            continue;
        double start = nas_now_s(), mean = mean_best(all[s], NULL, domain);
        print_message("%.3f (random %.3f) %s, %.1f ms a search\n", mean, random, all[s]->kind.name,
                      (nas_now_s() - start) * 50);
        assert_true(mean > random - 0.03);
    }
    nas_domain_close(domain);
}

/* A small space ends the search when everything is known, each network trained once. */
static void small_spaces_are_used_up(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain("{ depth = [1, 2]; op = \"conv\"; kernel = 3; width = [8, 16, "
                                     "32]; stride = 1; mmacs = 0.0; }");
    double size;
    bool exact;
    assert_true(nas_domain_size(domain, &size, &exact) && exact);
    assert_true(size == 12);
    for (int s = 0; s < count; s++) {
        plan p = plan_of(all[s], domain);
        run r;
        p.trials = 500;
        p.workers = 3;
        run_all(&p, &r);
        int trained = 0;
        for (int i = 0; i < nas_study_count(r.study); i++)
            trained += nas_study_trial(r.study, i)->status != NAS_TRIAL_ALIAS &&
                       nas_study_trial(r.study, i)->budget == BUDGET;
        assert_true(trained <= 12);
        assert_true(trained == 12 || nas_study_count(r.study) == 500);
        run_close(&r);
    }
    nas_domain_close(domain);
}

static void options_are_checked(void **state)
{
    int count;
    const nas_strategy *strategy, *const *all = nas_strategy_all(&count);
    (void)state;
    nas_test_fails(nas_strategy_get("evolutoin", &strategy), NAS_CONFIG, "evolution");
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        plan p = plan_of(all[s], domain);
        run r;
        nas_search *search = NULL;
        nas_value value = {0};
        run_open(&p, NULL, &r);
        nas_test_ok(
            nas_search_strategy_options(r.search, &value)); /* completed options read back */
        r.setting.group = &value;
        search = another_search(&r);
        nas_search_destroy(search);
        nas_value_clear(&value);
        nas_test_ok(nas_value_parse("{ no_such_option = 1; }", "test", 1, &value));
        nas_test_fails(nas_search_create(&r.setting, r.study, &search), NAS_CONFIG,
                       "no_such_option");
        nas_value_clear(&value);
        r.setting.group = NULL;
        r.setting.objectives.count = 0;
        nas_test_fails(nas_search_create(&r.setting, r.study, &search), NAS_CONFIG, "objective");
        run_close(&r);
    }
    nas_domain_close(domain);
}

/* ---- evolution --------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = {
    "{ }",
    "{ population = 10; tournament = 3; mutation_kind = \"one\"; }",
    "{ population = 10; tournament = 3; replacement = false; mutation_kind = \"step\"; survivors = "
    "\"elitist\"; }",
    "{ population = 12; parents = \"truncation\"; truncation = 0.25; recombination = \"uniform\"; "
    "mutation = 0.05; }",
    "{ population = 12; parents = \"roulette\"; recombination = \"one_point\"; survivors = "
    "\"elitist\"; }",
    "{ population = 12; parents = \"tournament\"; recombination = \"one_point\"; "
    "recombination_rate = 0.5; "
    "survivors = \"generational\"; elite = 3; }",
    "{ population = 8; init = \"given\"; parents = \"all\"; survivors = \"elitist\"; }",
    "{ population = 8; survivors = \"generational\"; elite = 0; distinct = false; }",
    "{ population = 1; tournament = 1; survivors = \"elitist\"; }",
};

static void every_slot_of_evolution_works(void **state)
{
    (void)state;
    nas_domain *domain = open_domain(NULL);
    double random = mean_best(nas_strategy_find("random"), NULL, domain);
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        plan p = plan_of(nas_strategy_find("evolution"), domain), many = p;
        p.options = many.options = variants[v];
        many.workers = 4;
        many.timing = v;
        assert_same_run(&p, &many);
        p.lookahead = 0;
        check_replay(p);
        double mean = mean_best(p.strategy, variants[v], domain);
        print_message("%.3f (random %.3f) %s\n", mean, random, variants[v]);
        assert_true(mean > random);
    }
    nas_domain_close(domain);
}

/* ---- strategies around others ------------------------------------------------------------------------------------------ */

/* Any strategy may be inside; the same for any workers, and a cut log goes on, in both orders. */
static void strategies_around_others_keep_their_promises(void **state)
{
    static const char *const outer[] = {"halving", "hyperband", "asha", "filter", "warmup"};
    static const char *const own[] = {"eta = 2", "eta = 2", "eta = 2", "share = 0.5", "pool = 25"};
    char options[128];
    static const char *const inner[] = {"{ inner = { type = \"evolution\"; population = 8; }; }",
                                        "{ %s; inner = { type = \"local\"; starts = 2; }; }",
                                        "{ inner = { type = \"reinforce\"; lr = 0.1; }; }"};
    (void)state;
    nas_domain *domain = open_domain(NULL);
    plan stopping = plan_of(nas_strategy_find("asha"), domain);
    stopping.options =
        "{ variant = \"stopping\"; inner = { type = \"evolution\"; population = 8; }; }";
    check_replay(stopping);
    stopping.lookahead = 0;
    check_replay(stopping);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++) {
            plan p = plan_of(nas_strategy_find(outer[i]), domain), many;
            p.trials = i == 4 ? 130 : p.trials; /* past a pool of 100 */
            many = p;
            snprintf(options, sizeof options, inner[k], own[i]);
            p.options = many.options = options;
            many.workers = 4;
            many.timing = (uint64_t)k;
            assert_same_run(&p, &many);
            check_replay(p);
            p.lookahead = 0;
            check_replay(p);
        }
    nas_domain_close(domain);
}

/* Place of trial `index` among the earlier trials of its budget, seen from trial `at`; `*count` of them. */
static int place_of(nas_study *study, int index, int at, int *count)
{
    const nas_trial *mine = nas_study_result(study, index);
    nas_objective objective = {"value", NAS_GOAL_MAX};
    if (mine->budget == 0)
        strcpy(objective.metric, "naswot");
    int place = 0;
    *count = 0;
    for (int i = 0; i < at; i++) {
        const nas_trial *other = nas_study_result(study, i);
        if (other->budget != mine->budget || nas_study_trial(study, i)->note[0] == '\0')
            continue;
        ++*count;
        place += nas_objective_score(&objective, other) > nas_objective_score(&objective, mine);
    }
    return place;
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* score ≥ numpy.quantile(scores, 2/3), where failures are −∞. */
static bool is_over_quantile(double *scores, int count, double score)
{
    double at = (count - 1) * 2.0 / 3;
    int low = (int)floor(at + 1e-9);
    qsort(scores, (size_t)count, sizeof *scores, ascending);
    if (score == -INFINITY)
        return false;
    if (at - low < 1e-9)
        return score >= scores[low];
    return scores[low] == -INFINITY ||
           score >= scores[low] + (at - low) * (scores[low + 1] - scores[low]);
}

/* Whoever goes on was in the best third of its rung at that moment, and nobody goes on twice. */
static void asha_promotes_the_best_third(void **state)
{
    int promotions = 0, count;
    bool gone_on[200] = {false};
    (void)state;
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("asha"), domain);
    run r;
    p.trials = 200;
    p.lookahead = 1;
    run_all(&p, &r);
    for (int i = 1; i < p.trials; i++) {
        const nas_trial *trial = nas_study_trial(r.study, i);
        assert_true(trial->budget == 1 || trial->budget == 3 || trial->budget == 9);
        if (trial->budget == 1)
            continue;
        const nas_trial *parent = nas_study_trial(r.study, trial->parent);
        assert_string_equal(trial->arch, parent->arch);
        assert_true(parent->budget == trial->budget / 3);
        int place = place_of(r.study, trial->parent, i, &count);
        assert_true(place < count / 3);
        assert_false(gone_on[trial->parent]);
        gone_on[trial->parent] = true;
        promotions++;
    }
    assert_in_range(promotions, 50, 100);
    run_close(&r);
    nas_domain_close(domain);
}

/* Seen one result at a time: a trial goes on exactly if it is not under the quantile of its rung when it ends, at once. */
static void asha_stops_by_the_quantile(void **state)
{
    const nas_objective objective = {"value", NAS_GOAL_MAX};
    int stopped = 0, went_on = 0;
    (void)state;
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("asha"), domain);
    run r;
    p.options = "{ variant = \"stopping\"; }";
    p.trials = 200;
    p.given = 0;
    p.lookahead = 1;
    p.reuse = false;
    run_all(&p, &r);
    for (int i = 0; i + 1 < p.trials; i++) {
        const nas_trial *trial = nas_study_result(r.study, i),
                        *next = nas_study_trial(r.study, i + 1);
        double score = nas_objective_score(&objective, trial), others[200];
        int count = 0;
        if (trial->budget == BUDGET)
            continue;
        for (int k = 0; k <= i; k++)
            if (nas_study_trial(r.study, k)->budget == trial->budget)
                others[count++] = nas_objective_score(&objective, nas_study_result(r.study, k));
        bool goes_on = next->parent == i && next->budget == 3 * trial->budget;
        assert_int_equal(goes_on, is_over_quantile(others, count, score));
        stopped += !goes_on;
        went_on += goes_on;
    }
    assert_in_range(stopped, 50, 150);
    assert_in_range(went_on, 40, 150);
    run_close(&r);
    nas_domain_close(domain);
}

/* A trial of the full budget was measured before, in the best quarter of what was then known (and within the limit), and
 * is trained once. */
static void check_filter(const char *options, double share, double limit)
{
    int trained = 0, count;
    bool gone_on[200] = {false};
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("filter"), domain);
    run r;
    p.options = options;
    p.trials = 200;
    p.lookahead = 1;
    run_all(&p, &r);
    for (int i = 1; i < p.trials; i++) {
        const nas_trial *trial = nas_study_trial(r.study, i);
        assert_true(trial->budget == 0 || trial->budget == BUDGET);
        if (trial->budget == 0)
            continue;
        const nas_trial *parent = nas_study_trial(r.study, trial->parent);
        assert_string_equal(trial->arch, parent->arch);
        assert_true(parent->budget == 0);
        assert_true(nas_trial_metric(nas_study_result(r.study, trial->parent), "naswot") >= limit);
        int place = place_of(r.study, trial->parent, i, &count);
        assert_true(place < share * count + 1e-6);
        assert_false(gone_on[trial->parent]);
        gone_on[trial->parent] = true;
        trained++;
    }
    assert_in_range(trained, 20, 150); /* more than the share while proposals get better */
    run_close(&r);
    nas_domain_close(domain);
}

static void filter_trains_the_best_share(void **state)
{
    (void)state;
    check_filter("{ inner = { type = \"evolution\"; }; }", 0.25, -INFINITY);
    check_filter("{ share = 1.0; limit = 0.4; }", 1, 0.4);
}

/* 30 measured, the 5 best of them trained in their order, then the inner strategy's, which start from those. */
static void warmup_trains_the_best_first(void **state)
{
    int count;
    double before = INFINITY;
    (void)state;
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("warmup"), domain);
    run r;
    p.options = "{ pool = 30; top = 5; inner = { type = \"evolution\"; population = 5; }; }";
    p.lookahead = 1;
    p.given = 0;
    run_all(&p, &r);
    for (int i = 0; i < p.trials; i++) {
        const nas_trial *trial = nas_study_trial(r.study, i);
        assert_true(trial->budget == (i < 30 ? 0 : BUDGET));
        if (i < 30 || i >= 35) {
            assert_true(i < 30 ? trial->parent == -1 : trial->parent >= 30);
            continue;
        }
        double score = nas_trial_metric(nas_study_result(r.study, trial->parent), "naswot");
        assert_string_equal(trial->arch, nas_study_trial(r.study, trial->parent)->arch);
        assert_int_equal(place_of(r.study, trial->parent, 30, &count), i - 30);
        assert_true(score <= before);
        before = score;
    }
    run_close(&r);
    nas_domain_close(domain);
}

static void inner_strategies_are_checked(void **state)
{
    (void)state;
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("asha"), domain);
    nas_value group = {0}, value = {0}, *inner;
    nas_search *search = NULL;
    run r;
    run_open(&p, NULL, &r);
    r.setting.group = &group;
    nas_test_ok(nas_value_parse("{ inner = { type = \"evolutoin\"; }; }", "test", 1, &group));
    nas_test_fails(nas_search_create(&r.setting, r.study, &search), NAS_CONFIG, "evolution");
    nas_value_clear(&group);
    nas_test_ok(nas_value_parse("{ inner = { type = \"evolution\"; populatoin = 3; }; }", "test", 1,
                                &group));
    nas_test_fails(nas_search_create(&r.setting, r.study, &search), NAS_CONFIG, "population");
    nas_value_clear(&group);
    nas_test_ok(nas_value_parse("{ inner = { type = \"asha\"; }; }", "test", 1, &group));
    nas_test_fails(nas_search_create(&r.setting, r.study, &search), NAS_CONFIG, "asha");
    nas_value_clear(&group);
    nas_test_ok(nas_value_parse("{ inner = { type = \"tpe\"; start = 7; }; }", "test", 1, &group));
    nas_test_ok(nas_search_create(&r.setting, r.study, &search));
    nas_test_ok(nas_search_strategy_options(search, &value)); /* with every default of tpe */
    inner = nas_value_member(&value, "inner");
    assert_int_equal(nas_value_member(inner, "start")->integer, 7);
    assert_int_equal(nas_value_member(inner, "candidates")->integer, 24);
    nas_search_destroy(search);
    nas_value_clear(&value);
    nas_value_clear(&group);
    run_close(&r);
    nas_domain_close(domain);
}

/* ---- pnas and evolution -------------------------------------------------------------------------------------------------- */

/* In `cell`, which has blocks to grow, at equal trials. */
static void pnas_grows_better_cells_than_chance(void **state)
{
    const nas_space *space;
    nas_domain *domain;
    (void)state;
    nas_test_ok(nas_space_get("cell", &space));
    nas_test_ok(nas_domain_open(space, NULL, NULL, (nas_shape){3, 32, 32}, 10, &domain));
    double random = mean_best(nas_strategy_find("random"), NULL, domain);
    double pnas = mean_best(nas_strategy_find("pnas"), "{ beam = 12; epochs = 50; }", domain);
    print_message("cell: pnas %.3f, random %.3f\n", pnas, random);
    assert_true(pnas > random + 0.02);
    nas_domain_close(domain);
}

static void age_is_first_in_first_out(void **state)
{
    (void)state;
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find("evolution"), domain);
    run r;
    p.options = "{ population = 10; survivors = \"age\"; }";
    p.lookahead = 1;
    run_all(&p, &r);
    for (int i = 10; i < p.trials; i++) {
        int parent = nas_study_trial(r.study, i)->parent;
        assert_in_range(parent, i - 10, i - 1);
    }
    run_close(&r);
    nas_domain_close(domain);
}

/* ---- real processes on one file ---------------------------------------------------------------------------------------------- */

static int role_searcher(const char *path, const char *strategy)
{
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find(strategy), domain);
    nas_study *study;
    run r;
    nas_owner self;
    nas_owner_self(&self);
    if (nas_study_open(path, NAS_STORE_WRITE, &study) != NAS_OK)
        return 1;
    nas_study_set_limits(study, 1000, 0);
    run_open(&p, study, &r);
    for (;;) {
        nas_next next;
        nas_job job;
        nas_trial result;
        bool accepted;
        struct timespec pause = {0, 1000000};
        if (nas_search_next(r.search, &self, "toy:0", &next, &job) != NAS_OK)
            return 2;
        if (next == NAS_NEXT_DONE)
            break;
        nanosleep(&pause, NULL);
        if (next == NAS_NEXT_WAIT)
            continue;
        toy_result(domain, &job, &result);
        if (nas_study_commit(study, &job.claim, &result, &accepted) != NAS_OK)
            return 3;
        nas_trial_clear(&result);
    }
    run_close(&r);
    nas_domain_close(domain);
    return 0;
}

static pid_t start_searcher(const char *path, const char *strategy)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_search", "searcher", path, strategy, (char *)NULL);
        _exit(99);
    }
    return pid;
}

/* Two processes, both killed a few times, end with the list of one undisturbed process in memory. */
static void check_killed_processes(const char *strategy)
{
    char folder[] = "search-XXXXXX", path[64], command[96];
    const char *text = getenv("CLNAS_KILLS");
    int kills = text ? atoi(text) : 3, status;
    nas_text found = {0};
    nas_study *study;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.study", folder);
    nas_test_ok(nas_study_create(path, NULL, &study));
    nas_study_close(study);
    for (int i = 0; i <= kills; i++) {
        pid_t pids[2] = {start_searcher(path, strategy), start_searcher(path, strategy)};
        nas_random random = nas_random_make((uint64_t)getpid(), NAS_STREAM_TEST, (uint32_t)i, 0, 0);
        long wait_ms = 20 + (long)nas_random_below(&random, 120);
        struct timespec pause = {0, wait_ms * 1000000L};
        if (i < kills)
            nanosleep(&pause, NULL);
        for (int k = 0; k < 2; k++) {
            if (i < kills)
                kill(pids[k], SIGKILL);
            waitpid(pids[k], &status, 0);
            if (i == kills)
                assert_int_equal(status, 0);
        }
    }
    nas_test_ok(nas_study_open(path, NAS_STORE_READ, &study));
    nas_study_canonical(study, &found);
    nas_study_close(study);
    nas_domain *domain = open_domain(NULL);
    plan p = plan_of(nas_strategy_find(strategy), domain);
    char *wanted = canonical_of(&p);
    assert_string_equal(found.data, wanted);
    free(wanted);
    nas_text_clear(&found);
    nas_domain_close(domain);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void killed_processes_end_with_the_same_list(void **state)
{
    (void)state;
    check_killed_processes("evolution");
    check_killed_processes("warmup");
    check_killed_processes("filter");
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "searcher") == 0)
        return role_searcher(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_start_from_what_has_weights),
        cmocka_unit_test(children_start_from_their_parents),
        cmocka_unit_test(promotions_begin_as_before),
        cmocka_unit_test(index_order_is_the_same_for_any_workers),
        cmocka_unit_test(a_cut_log_goes_on),
        cmocka_unit_test(arrival_order_repeats_with_its_timing),
        cmocka_unit_test(given_ones_come_first),
        cmocka_unit_test(no_strategy_is_worse_than_random),
        cmocka_unit_test(small_spaces_are_used_up),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(every_slot_of_evolution_works),
        cmocka_unit_test(strategies_around_others_keep_their_promises),
        cmocka_unit_test(asha_promotes_the_best_third),
        cmocka_unit_test(asha_stops_by_the_quantile),
        cmocka_unit_test(filter_trains_the_best_share),
        cmocka_unit_test(warmup_trains_the_best_first),
        cmocka_unit_test(inner_strategies_are_checked),
        cmocka_unit_test(pnas_grows_better_cells_than_chance),
        cmocka_unit_test(age_is_first_in_first_out),
        cmocka_unit_test(killed_processes_end_with_the_same_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
