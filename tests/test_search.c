/* test_search.c - every strategy in strategy_list.h keeps the promises of search.h, alone and around another.
 *
 * Searches are simulated (search_toy.c); at the end real processes share one SQLite file and are killed.  What single strategies
 * promise themselves is in test_search_named.c. */
#include "search_toy.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* ---- every strategy -------------------------------------------------------------------------------------------------- */

static bool is_grid(const nas_strategy *strategy)
{
    return strcmp(strategy->kind.name, "grid") == 0;
}

/* Decides about shared weights: no toy stands for those (test_session_oneshot.c). */
static bool is_one_shot(const nas_strategy *strategy)
{
    return strategy->evaluator != NULL;
}

/* order = "index": the list of trials does not depend on workers or timing, only on the seed. */
static void index_order_is_the_same_for_any_workers(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        if (is_one_shot(all[s]))
            continue;
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

static void a_cut_log_goes_on(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    for (int s = 0; s < count; s++) {
        if (is_one_shot(all[s]))
            continue;
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
        if (is_one_shot(all[s]))
            continue;
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
        if (is_one_shot(all[s]))
            continue;
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

/* Over its seeds no strategy is clearly worse than random search on the toy. */
static void no_strategy_is_worse_than_random(void **state)
{
    int count;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    nas_domain *domain = open_domain(NULL);
    double random = mean_best(nas_strategy_find("random"), NULL, domain);
    for (int s = 0; s < count; s++) {
        if (is_grid(all[s]) || is_one_shot(all[s]))
            continue;
        double start = nas_now_s(), mean = mean_best(all[s], NULL, domain);
        print_message("%.3f (random %.3f) %s, %.2f s\n", mean, random, all[s]->kind.name,
                      nas_now_s() - start);
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
        if (is_one_shot(all[s]))
            continue;
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
        p.given = !is_one_shot(all[s]);
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
        cmocka_unit_test(index_order_is_the_same_for_any_workers),
        cmocka_unit_test(a_cut_log_goes_on),
        cmocka_unit_test(arrival_order_repeats_with_its_timing),
        cmocka_unit_test(given_ones_come_first),
        cmocka_unit_test(no_strategy_is_worse_than_random),
        cmocka_unit_test(small_spaces_are_used_up),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(strategies_around_others_keep_their_promises),
        cmocka_unit_test(inner_strategies_are_checked),
        cmocka_unit_test(killed_processes_end_with_the_same_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
