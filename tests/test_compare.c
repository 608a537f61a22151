/* test_compare.c - searches on a table, in memory, compared: groups, costs, verdicts, and how often equal strategies are called so.
 *
 *     test_compare            20 repeats of random search against itself
 *     test_compare 200        more of them: the slow test_compare_equals; the counts are printed
 *
 * The seeds are counted up from 1, none is chosen. */
#include "nas_test.h"
#include "nas_test_open.h"

#include <clnas/report.h>

#include <math.h>

static int repeats = 20;
static nas_domain *domain;
static nas_eval *eval;
static nas_config base;      /* configs/table729.cfg */
static nas_trial known[729]; /* results that were looked up once */

static void read_config(const char *const *overrides, int count, nas_config *config)
{
    char path[512];
    const char *source = getenv("NAS_SOURCE_FOLDER");
    snprintf(path, sizeof path, "%s/configs/table729.cfg", source ? source : "..");
    nas_test_ok(nas_config_read(path, overrides, count, config));
}

static int open_all(void **state)
{
    char table[600];
    const char *source = getenv("NAS_SOURCE_FOLDER");
    (void)state;
    snprintf(table, sizeof table, "evaluate.path=\"%s/configs/tables/benchmark729.csv\"",
             source ? source : "..");
    read_config((const char *const[]){table}, 1, &base);
    nas_test_ok(nas_domain_open_group(&base.space, (nas_shape){1, 28, 28}, 10, &domain));
    const nas_eval_setting setting = {.group = &base.evaluate, .domain = domain};
    nas_test_ok(nas_eval_create(&setting, &eval));
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < 729; i++)
        nas_trial_clear(&known[i]);
    nas_eval_destroy(eval);
    nas_domain_close(domain);
    nas_config_clear(&base);
    return 0;
}

/* ---- searches in memory -------------------------------------------------------------------------------------------------- */

/* A config of the table with other options, as a study of it would keep them. */
static nas_config *make_config(const char *first, const char *second)
{
    const char *const overrides[] = {first, second};
    nas_config *config = calloc(1, sizeof *config);
    read_config(overrides, (first != NULL) + (second != NULL), config);
    return config;
}

static void free_config(nas_config *config)
{
    nas_config_clear(config);
    free(config);
}

static nas_search *open_search(const nas_config *config, nas_study *study)
{
    static const char *const also[] = {"type", "given", NULL};
    nas_search *search;
    const nas_search_setting setting = {
        .strategy = nas_strategy_find(nas_value_member(&config->strategy, "type")->text),
        .group = &config->strategy,
        .also = also,
        .domain = domain,
        .objectives = config->objectives,
        .seed = (uint64_t)config->seed,
        .budget = 4,
        .lookahead = 1,
        .trials_max = (int)config->budget.trials,
        .reuse = true};
    nas_test_ok(nas_search_create(&setting, study, &search));
    return search;
}

static const nas_trial *look_up(const nas_job *job)
{
    const nas_eval_call call = {.arch = &job->arch, .budget = job->budget};
    int row = 0;
    for (int i = 0; i < job->arch.count; i++)
        row = 3 * row + job->arch.genes[i];
    assert_true(job->arch.count == 6 && row < 729);
    if (known[row].metric_count == 0) {
        nas_trial_init(&known[row]);
        nas_test_ok(nas_eval_score(eval, &call, &known[row]));
    }
    return &known[row];
}

static nas_study *search_table(const nas_config *config, int trials)
{
    nas_study *study;
    nas_owner owner;
    nas_next next = NAS_NEXT_TRIAL;
    nas_test_ok(nas_study_create(NULL, NULL, &study));
    nas_test_ok(nas_owner_self(&owner));
    nas_search *search = open_search(config, study);
    while (nas_study_count(study) < trials) {
        nas_job job;
        bool accepted;
        nas_test_ok(nas_search_next(search, &owner, "", &next, &job));
        if (next != NAS_NEXT_TRIAL)
            break;
        nas_test_ok(nas_study_commit(study, &job.claim, look_up(&job), &accepted));
    }
    nas_search_destroy(search);
    return study;
}

static nas_comparison *begin(const nas_comparison_options *options)
{
    nas_comparison *comparison;
    nas_test_ok(nas_comparison_create(options, &comparison));
    return comparison;
}

/* A search under a seed goes into the comparison. */
static void add(nas_comparison *comparison, nas_config *config, int64_t seed, int trials)
{
    char name[64];
    config->seed = seed;
    nas_study *study = search_table(config, trials);
    snprintf(name, sizeof name, "%.16s-%lld-%d", nas_value_member(&config->strategy, "type")->text,
             (long long)seed, trials);
    nas_test_ok(nas_comparison_add(comparison, name, study, config));
    nas_study_close(study);
}

/* ---- what a comparison says --------------------------------------------------------------------------------------------------- */

static const char random_strategy[] = "strategy={type=\"random\";}";

/* The best of a study's first trials, by a loop over its log. */
static double best_of(const nas_config *config, int trials, const char *metric)
{
    nas_study *study = search_table(config, trials);
    double best = -INFINITY, value = NAN;
    for (int i = 0; i < trials; i++) {
        const nas_trial *result = nas_study_result(study, i);
        if (nas_trial_metric(result, "valid_accuracy") > best) {
            best = nas_trial_metric(result, "valid_accuracy");
            value = nas_trial_metric(result, metric);
        }
    }
    nas_study_close(study);
    return value;
}

static void groups_and_values_by_hand(void **state)
{
    nas_config *evolution = make_config(NULL, NULL), *random = make_config(random_strategy, NULL);
    nas_comparison *c = begin(&(nas_comparison_options){0});
    double sum = 0, area = 0;
    (void)state;
    add(c, random, 4, 40);
    add(c, evolution, 2, 50);
    add(c, random, 2, 40);
    add(c, evolution, 1, 60);
    nas_test_ok(nas_comparison_judge(c));
    assert_int_equal(c->group_count, 2);
    assert_string_equal(c->groups[0].label, "random");
    assert_string_equal(c->groups[1].label, "evolution");
    assert_string_equal(c->metric, "test_accuracy");
    assert_string_equal(c->objective, "valid_accuracy");
    assert_true(c->at == 40 && c->point_count == 40 && c->costs[39] == 40);
    for (int i = 0; i < 4; i++) {
        nas_config *config = c->studies[i].group ? evolution : random;
        config->seed = c->studies[i].seed;
        assert_true(c->studies[i].value == best_of(config, 40, "test_accuracy"));
        sum += c->studies[i].group ? c->studies[i].value : 0;
    }
    assert_true(c->studies[0].seed == 2 && c->studies[1].seed == 4);
    assert_true(fabs(c->groups[1].value.at - sum / 2) < 1e-12);
    assert_true(c->groups[1].mean[39] == c->groups[1].value.at);
    for (int trials = 1; trials < 40; trials++) { /* each value stands until the next trial */
        random->seed = 2;
        area += best_of(random, trials, "test_accuracy") / 39;
    }
    assert_true(fabs(c->studies[0].area - area) < 1e-12);
    assert_int_equal(c->pairs[0].verdict, NAS_VERDICT_TOO_FEW);
    assert_false(c->pairs[0].paired); /* seeds 2, 4 and 1, 2 */
    nas_comparison_destroy(c);
    free_config(evolution);
    free_config(random);
}

/* Options that differ are in the label, those of another strategy are not. */
static void labels_tell_what_differs(void **state)
{
    nas_config *configs[] = {make_config(NULL, NULL), make_config("strategy.population=20", NULL),
                             make_config(random_strategy, NULL),
                             make_config(random_strategy, "budget.trials=50")};
    nas_comparison *c = begin(&(nas_comparison_options){.metric = "valid_accuracy"});
    (void)state;
    for (int i = 0; i < 4; i++)
        add(c, configs[i], 1 + i / 3, 12);
    nas_test_ok(nas_comparison_judge(c));
    assert_int_equal(c->group_count, 3); /* how long it was to run makes no other search */
    assert_string_equal(c->groups[0].label, "evolution population=10");
    assert_string_equal(c->groups[1].label, "evolution population=20");
    assert_string_equal(c->groups[2].label, "random");
    assert_int_equal(c->groups[2].studies, 2);
    assert_int_equal(c->pair_count, 3);
    nas_comparison_destroy(c);
    for (int i = 0; i < 4; i++)
        free_config(configs[i]);
}

static double cost_until(const nas_config *config, int trials, nas_compare_by by)
{
    nas_study *study = search_table(config, trials);
    double cost = 0;
    for (int i = 0; i < trials; i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->status != NAS_TRIAL_ALIAS)
            cost +=
                by == NAS_COMPARE_EPOCHS ? trial->budget : nas_trial_metric(trial, "simulated_s");
    }
    nas_study_close(study);
    return cost;
}

static void costs_by_hand(void **state)
{
    nas_config *config = make_config(NULL, NULL);
    (void)state;
    for (int by = NAS_COMPARE_EPOCHS; by <= NAS_COMPARE_SIMULATED; by++) {
        nas_comparison *c = begin(&(nas_comparison_options){.by = (nas_compare_by)by});
        if (by == NAS_COMPARE_SECONDS) { /* of looking up: whatever it took */
            nas_comparison_destroy(c);
            continue;
        }
        add(c, config, 3, 60);
        nas_test_ok(nas_comparison_judge(c));
        assert_true(fabs(c->at - cost_until(config, 60, (nas_compare_by)by)) < 1e-9);
        assert_int_equal(c->pair_count, 0);
        nas_comparison_destroy(c);
    }
    free_config(config);
}

static void refuse(nas_config *first, nas_config *second, const nas_comparison_options *options,
                   const char *words)
{
    nas_comparison *c = begin(options);
    add(c, first, 1, 12);
    add(c, second, 1, 12);
    nas_test_fails(nas_comparison_judge(c), NAS_CONFIG, words);
    nas_comparison_destroy(c);
}

static void what_has_no_common_measure_is_refused(void **state)
{
    nas_config *config = make_config(NULL, NULL);
    nas_config *other = make_config("objectives=({metric=\"parameters\";goal=\"min\";})", NULL);
    nas_config *random = make_config(random_strategy, NULL);
    (void)state;
    refuse(config, other, &(nas_comparison_options){0}, "no common measure");
    refuse(config, config, &(nas_comparison_options){0}, "the same seed 1: that is one search");
    refuse(config, random, &(nas_comparison_options){.metric = "nonsense"},
           "not every network has the metric nonsense");
    refuse(config, random, &(nas_comparison_options){.at = 13}, "went only as far as 12 trials");
    nas_comparison *empty = begin(&(nas_comparison_options){0});
    nas_test_fails(nas_comparison_judge(empty), NAS_CONFIG, "no study was named");
    nas_comparison_destroy(empty);
    free_config(config);
    free_config(other);
    free_config(random);
}

/* The worst networks are looked for; the second group's seeds are among the first one's. */
static void less_may_be_better(void **state)
{
    static const char least[] = "objectives=({metric=\"valid_accuracy\";goal=\"min\";})";
    nas_config *evolution = make_config(least, NULL), *random = make_config(random_strategy, least);
    nas_comparison *c = begin(&(nas_comparison_options){.metric = "valid_accuracy"});
    double sums[2] = {0};
    int lower = 0;
    (void)state;
    for (int64_t seed = 1; seed <= 22; seed++)
        add(c, random, seed, 100);
    for (int64_t seed = 22; seed >= 3; seed--)
        add(c, evolution, seed, 100);
    nas_test_ok(nas_comparison_judge(c));
    const nas_compared_pair *pair = &c->pairs[0];
    assert_true(c->goal == NAS_GOAL_MIN);
    assert_true(pair->paired && pair->first_count == 20 && c->groups[0].studies == 22);
    for (int i = 22; i < 42; i++) {
        const nas_compared_study *x = &c->studies[i - 20], *y = &c->studies[i];
        assert_true(x->seed == y->seed && x->group == 0 && y->group == 1);
        sums[0] += x->value;
        sums[1] += y->value;
        for (int k = 2; k < 22; k++)
            lower += 2 * (c->studies[k].value < y->value) + (c->studies[k].value == y->value);
    }
    assert_true(fabs(pair->difference.at - (sums[0] - sums[1]) / 20) < 1e-9);
    assert_true(pair->difference.low <= pair->difference.at);
    assert_true(fabs(pair->superiority.at - lower / 800.0) < 1e-12);
    assert_int_equal(pair->verdict, NAS_VERDICT_SECOND);
    assert_true(sums[1] < sums[0]);
    nas_comparison_destroy(c);
    free_config(evolution);
    free_config(random);
}

/* By arrival the order is that of the commits: one worker commits in the order of the trials. */
static void order_of_arrival_is_read_too(void **state)
{
    nas_config *config = make_config(NULL, NULL),
               *arrival = make_config("budget.order=\"arrival\"", NULL);
    nas_comparison *c = begin(&(nas_comparison_options){.at = 20, .target = 0.8});
    (void)state;
    add(c, config, 5, 30);
    add(c, arrival, 5, 30);
    nas_test_ok(nas_comparison_judge(c));
    assert_int_equal(c->group_count, 2);
    assert_true(c->at == 20 && c->studies[0].cost == 30);
    assert_true(c->studies[0].value == c->studies[1].value &&
                c->studies[0].area == c->studies[1].area);
    for (int i = 0; i < 2; i++) {
        int first = 1;
        while (best_of(config, first, "test_accuracy") < 0.8)
            first++;
        assert_true(c->studies[i].target_cost == first && c->groups[i].target_cost == first);
    }
    assert_true(c->groups[0].reached == 1 && isnan(c->groups[0].value.low));
    nas_comparison_destroy(c);
    free_config(config);
    free_config(arrival);
}

/* A page with a hostile name in it; that it is well-formed is tests/cli/compare.sh's. */
static void a_page_holds_names_as_text(void **state)
{
    nas_config *config = make_config(NULL, NULL);
    nas_comparison *c = begin(&(nas_comparison_options){0});
    nas_text page = {0};
    (void)state;
    config->seed = 1;
    nas_study *study = search_table(config, 12);
    nas_test_fails(nas_comparison_write(c, &page), NAS_FAILED, "judged before");
    nas_test_ok(nas_comparison_add(c, "<script>alert('&')</script>\xff", study, config));
    nas_test_ok(nas_comparison_judge(c));
    nas_test_ok(nas_comparison_write(c, &page));
    assert_null(strstr(page.data, "<script"));
    assert_non_null(strstr(page.data, "&lt;script&gt;"));
    nas_test_fails(nas_comparison_add(c, "late", study, config), NAS_FAILED, "judged already");
    nas_text_clear(&page);
    nas_study_close(study);
    nas_comparison_destroy(c);
    free_config(config);
}

/* 20 seeds each: by validation accuracy, which it sees, evolution is ahead. */
static void evolution_is_better_than_random(void **state)
{
    nas_config *evolution = make_config(NULL, NULL), *random = make_config(random_strategy, NULL);
    nas_comparison *c = begin(&(nas_comparison_options){.metric = "valid_accuracy"});
    (void)state;
    for (int64_t seed = 1; seed <= 20; seed++) {
        add(c, random, seed, 100);
        add(c, evolution, seed, 100);
    }
    nas_test_ok(nas_comparison_judge(c));
    print_message("%s\n", c->pairs[0].sentence);
    assert_int_equal(c->pairs[0].verdict, NAS_VERDICT_SECOND);
    assert_true(c->pairs[0].paired && c->pairs[0].first_count == 20 && c->pairs[0].exact);
    assert_true(c->pairs[0].superiority.high < 0.5 && c->pairs[0].difference.high < 0);
    nas_comparison_destroy(c);
    free_config(evolution);
    free_config(random);
}

/* Random search against itself: 20 seeds and 20 others, again and again. */
static void equals_are_called_equal(void **state)
{
    nas_config *one = make_config(random_strategy, NULL);
    nas_config *same =
        make_config(random_strategy, "strategy.tries=101"); /* never that many here */
    int none = 0, at_5 = 0;
    (void)state;
    for (int r = 0; r < repeats; r++) {
        nas_comparison *c = begin(&(nas_comparison_options){0});
        for (int64_t i = 1; i <= 20; i++) {
            add(c, one, 40 * r + i, 50);
            add(c, same, 40 * r + 20 + i, 50);
        }
        nas_test_ok(nas_comparison_judge(c));
        assert_int_equal(c->pair_count, 1);
        assert_false(c->pairs[0].paired);
        none += c->pairs[0].verdict == NAS_VERDICT_NONE;
        at_5 += c->pairs[0].p > 0.05;
        nas_comparison_destroy(c);
    }
    print_message("no difference found in %d of %d repeats; p > 0.05 in %d\n", none, repeats, at_5);
    assert_true(none >= 0.95 * repeats);
    assert_true(at_5 >=
                (0.95 - 3 * sqrt(0.95 * 0.05 / repeats)) * repeats); /* three standard errors */
    free_config(one);
    free_config(same);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_and_values_by_hand),
        cmocka_unit_test(labels_tell_what_differs),
        cmocka_unit_test(costs_by_hand),
        cmocka_unit_test(what_has_no_common_measure_is_refused),
        cmocka_unit_test(less_may_be_better),
        cmocka_unit_test(order_of_arrival_is_read_too),
        cmocka_unit_test(a_page_holds_names_as_text),
        cmocka_unit_test(evolution_is_better_than_random),
        cmocka_unit_test(equals_are_called_equal),
    };
    repeats = argc > 1 ? atoi(argv[1]) : repeats;
    return cmocka_run_group_tests_name("compare", tests, open_all, close_all);
}
