/* test_search_named.c - what single strategies promise beside what all do (test_search.c), seen in the logs of simulated searches:
 * evolution and its slots, children that inherit, ASHA's rungs, filter and warm-up, PNAS. */
#include "search_toy.h"

#include <math.h>

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

/* ---- children that inherit ------------------------------------------------------------------------------------------- */

/* Children start from their parents, whoever works on them, and the search is as good as others. */
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
    check_replay(p);
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

/* ---- rungs ---------------------------------------------------------------------------------------------------------- */

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

/* Trial i is a promotion of one that trained for `budget` epochs and was not promoted before; its place there, as place_of. */
static int place_of_promoted(nas_study *study, int i, double budget, bool *gone_on, int *count)
{
    const nas_trial *trial = nas_study_trial(study, i);
    const nas_trial *parent = nas_study_trial(study, trial->parent);
    assert_string_equal(trial->arch, parent->arch);
    assert_true(parent->budget == budget);
    assert_false(gone_on[trial->parent]);
    gone_on[trial->parent] = true;
    return place_of(study, trial->parent, i, count);
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
        int place = place_of_promoted(r.study, i, trial->budget / 3, gone_on, &count);
        assert_true(place < count / 3);
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
        int place = place_of_promoted(r.study, i, 0, gone_on, &count);
        assert_true(place < share * count + 1e-6);
        assert_true(nas_trial_metric(nas_study_result(r.study, trial->parent), "naswot") >= limit);
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

/* ---- pnas ----------------------------------------------------------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_of_evolution_works),
        cmocka_unit_test(age_is_first_in_first_out),
        cmocka_unit_test(children_start_from_their_parents),
        cmocka_unit_test(promotions_begin_as_before),
        cmocka_unit_test(asha_promotes_the_best_third),
        cmocka_unit_test(asha_stops_by_the_quantile),
        cmocka_unit_test(filter_trains_the_best_share),
        cmocka_unit_test(warmup_trains_the_best_first),
        cmocka_unit_test(pnas_grows_better_cells_than_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
