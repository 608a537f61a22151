/* test_strategies.c - what single strategies are made of, against answers worked out by hand: fronts and crowding of NSGA-II, the
 * update of Q, the densities of TPE and BOHB, the brackets of Hyperband.  What learns by gradients is in test_learn.c, what all
 * strategies promise in test_search.c. */
#include "plain_domain.h"

#include "search/densities.h"
#include "search/drawn.h"
#include "search/encoding.h"
#include "search/kde.h"
#include "search/pareto_sort.h"
#include "search/qtable.h"
#include "search/rungs.h"

#include <math.h>

/* ---- NSGA-II ----------------------------------------------------------------------------------------------------- */

static nas__ranked point(int index, double x, double y, double violation)
{
    return (nas__ranked){.index = index, .score = {x, y}, .violation = violation};
}

/* Front 0: 0 (1,5), 1 (2,4), 2 (4,3), 3 (6,1).  Front 1: 4 (1,4), 5 (4,1).  Front 2: 6 (1,1).  7 and 8 are out of bounds,
 * 9 failed.  Crowding of front 0: the ends ∞; 1: (4−1)/5 + (5−3)/4 = 1.1; 2: (6−2)/5 + (4−1)/4 = 1.55. */
static void fronts_and_crowding_by_hand(void **state)
{
    nas__ranked m[] = {point(9, -INFINITY, -INFINITY, INFINITY),
                       point(8, 9, 9, 0.5),
                       point(7, 0, 0, 0.25),
                       point(6, 1, 1, 0),
                       point(5, 4, 1, 0),
                       point(4, 1, 4, 0),
                       point(0, 1, 5, 0),
                       point(1, 2, 4, 0),
                       point(2, 4, 3, 0),
                       point(3, 6, 1, 0)};
    static const int order[] = {0, 3, 2, 1, 5, 4, 6, 7, 8, 9},
                     fronts[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 5};
    (void)state;
    nas_test_ok(nas__pareto_sort(m, 10, 2));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(m[i].index, order[i]);
        assert_int_equal(m[i].front, fronts[i]);
    }
    assert_true(isinf(m[0].crowding) && isinf(m[1].crowding));
    assert_near(m[2].crowding, 1.55, 1e-12);
    assert_near(m[3].crowding, 1.1, 1e-12);
}

static void equal_members_keep_their_order(void **state)
{
    nas__ranked m[5];
    (void)state;
    for (int i = 0; i < 5; i++)
        m[i] = point(i, 1, 1, 0);
    nas_test_ok(nas__pareto_sort(m, 5, 2));
    for (int i = 0; i < 5; i++)
        assert_int_equal(m[i].front, 0);
    assert_int_equal(m[0].index, 0);
    assert_int_equal(m[1].index, 4); /* the ends have infinite crowding, the middle none */
    for (int i = 2; i < 5; i++)
        assert_int_equal(m[i].index, i - 1);
}

/* ---- Q-learning --------------------------------------------------------------------------------------------------- */

/* Two genes, α 0.1, Q at first 0.5, reward 0.9.  From the last transition: Q(s1, 1) = 0.9·0.5 + 0.1·0.9 = 0.54; then
 * Q(s0, 0) = 0.9·0.5 + 0.1·max(0.5, 0.54, 0.5) = 0.504.  First to last would have given 0.5. */
static void q_update_by_hand(void **state)
{
    const int choices[] = {2, 3};
    const bool live[] = {true, true};
    nas_domain *domain = domain_of(choices, NULL, 2);
    nas_arch row = arch_of("01"), other = arch_of("11");
    nas__qtable table;
    (void)state;
    nas_test_ok(nas__qtable_create(domain, -1, 0.5, &table));
    assert_null(nas__qtable_look(&table, &row, 0));
    nas_test_ok(nas__qtable_update(&table, &row, live, 0.9, 0.1, 1));
    assert_near(nas__qtable_look(&table, &row, 1)[1], 0.54, 1e-15);
    assert_near(nas__qtable_look(&table, &row, 1)[0], 0.5, 0);
    assert_near(nas__qtable_look(&table, &row, 0)[0], 0.504, 1e-15);
    assert_null(nas__qtable_look(&table, &other, 1)); /* another state */
    nas_test_ok(nas__qtable_update(&table, &row, live, 0.9, 0.1, 0.5));
    assert_near(nas__qtable_look(&table, &row, 1)[1], 0.9 * 0.54 + 0.09, 1e-15);
    assert_near(nas__qtable_look(&table, &row, 0)[0], 0.9 * 0.504 + 0.1 * 0.5 * (0.9 * 0.54 + 0.09),
                1e-15);
    nas__qtable_clear(&table);
    free(domain);
}

/* Only the layer before is remembered; a gene without effect is no transition. */
static void q_states(void **state)
{
    const int choices[] = {3, 3, 3, 3, 3}, groups[] = {0, 1, 1, 2, 2};
    const bool live[] = {true, true, true, true, true}, dead[] = {true, false, true, true, true};
    nas_domain *domain = domain_of(choices, groups, 5);
    nas_arch row = arch_of("01201"), same = arch_of("21201"), other = arch_of("00201");
    nas__qtable table;
    (void)state;
    nas_test_ok(nas__qtable_create(domain, -1, 0.5, &table));
    nas_test_ok(nas__qtable_update(&table, &row, live, 1, 0.5, 1));
    assert_ptr_equal(nas__qtable_look(&table, &row, 3), nas__qtable_look(&table, &same, 3));
    assert_ptr_equal(nas__qtable_look(&table, &row, 4), nas__qtable_look(&table, &same, 4));
    assert_null(nas__qtable_look(&table, &same, 1));
    assert_null(nas__qtable_look(&table, &other, 3));
    nas__qtable_clear(&table);
    nas_test_ok(nas__qtable_create(domain, 1, 0.5, &table));
    nas_test_ok(nas__qtable_update(&table, &row, dead, 1, 0.5, 1));
    assert_null(nas__qtable_look(&table, &row, 1));
    assert_non_null(nas__qtable_look(&table, &other, 4));
    nas__qtable_clear(&table);
    free(domain);
}

/* In a real space the size that a layer reads tells states apart: 28 pixels, halved twice, are 7, in another bucket. */
static void q_states_know_the_size(void **state)
{
    const nas_space *space;
    nas_value group = {0};
    nas_domain *domain;
    nas__qtable table;
    bool live[NAS_GENES];
    (void)state;
    for (int i = 0; i < NAS_GENES; i++)
        live[i] = true;
    nas_test_ok(
        nas_value_parse("{ depth = 4; op = \"conv\"; kernel = [3, 5]; width = 8; stride = [1, 2]; "
                        "hold = 0; mmacs = 0.0; }",
                        "test", 1, &group));
    nas_test_ok(nas_space_get("chain", &space));
    nas_test_ok(nas_domain_open(space, &group, NULL, (nas_shape){1, 28, 28}, 10, &domain));
    assert_int_equal(domain->count, 8); /* kernel and stride of each layer */
    nas_arch twice = arch_of("01010000"), once = arch_of("00010000");
    assert_int_equal(nas_domain_reads_size(domain, &twice, 2), 14);
    assert_int_equal(nas_domain_reads_size(domain, &twice, 5), 7);
    assert_int_equal(nas_domain_reads_size(domain, &once, 5), 14);
    nas_test_ok(nas__qtable_create(domain, -1, 0.5, &table));
    nas_test_ok(nas__qtable_update(&table, &twice, live, 1, 0.5, 1));
    assert_non_null(nas__qtable_look(&table, &twice, 4));
    assert_null(nas__qtable_look(&table, &once, 4)); /* the same layer before, on another size */
    nas__qtable_clear(&table);
    nas_domain_close(domain);
    nas_value_clear(&group);
}

/* ---- densities ------------------------------------------------------------------------------------------------------ */

/* Counts 3, 0, 1 of four rows with prior 1: 4/7, 1/7, 2/7. */
static void tpe_densities_by_hand(void **state)
{
    const int choices[] = {3, 1};
    nas_domain *domain = domain_of(choices, NULL, 2);
    const nas_arch a = arch_of("00"), b = arch_of("20"), *rows[] = {&a, &a, &b, &a};
    nas__densities good, bad;
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    int drawn[3] = {0};
    (void)state;
    nas_test_ok(nas__densities_create(domain, &good));
    nas_test_ok(nas__densities_create(domain, &bad));
    nas__densities_set(&good, rows, 4, 1);
    nas__densities_set(&bad, rows, 0, 1); /* nothing: the prior alone */
    assert_near(nas__densities_of(&good, 0, 0), 4.0 / 7, 1e-15);
    assert_near(nas__densities_of(&good, 0, 1), 1.0 / 7, 1e-15);
    assert_near(nas__densities_of(&good, 0, 2), 2.0 / 7, 1e-15);
    assert_near(nas__densities_of(&good, 1, 0), 1, 1e-15);
    assert_near(nas__densities_of(&bad, 0, 1), 1.0 / 3, 1e-15);
    for (int i = 0; i < 7000; i++)
        drawn[nas__densities_draw(&good, 0, &random)]++;
    assert_in_range(drawn[0], 3850, 4150);
    assert_in_range(drawn[1], 880, 1120);
    nas_arch row;
    nas__densities_propose(&good, &bad, 100, &random, &row);
    assert_int_equal(row.genes[0], 0); /* the greatest ratio, and 100 draws have met it */
    nas__densities_clear(&good);
    nas__densities_clear(&bad);
    free(domain);
}

static void kde_by_hand(void **state)
{
    const int choices[] = {3, 2};
    nas_domain *domain = domain_of(choices, NULL, 2);
    const nas_arch a = arch_of("00"), b = arch_of("21"), *rows[] = {&a, &b};
    const double bandwidth[] = {0.3, 0.2};
    double width[2];
    (void)state;
    assert_near(nas__kde_kernel(1, 1, 3, 0.3), 0.7, 1e-15);
    assert_near(nas__kde_kernel(0, 1, 3, 0.3), 0.15, 1e-15);
    /* At "00": (0.7·0.8 + 0.15·0.2)/2. */
    assert_near(nas__kde_density(domain, rows, 2, bandwidth, &a), 0.295, 1e-15);
    double sum = 0;
    for (int i = 0; i < 6; i++) {
        nas_arch each = {.count = 2, .genes = {(uint8_t)(i % 3), (uint8_t)(i / 3)}};
        sum += nas__kde_density(domain, rows, 2, bandwidth, &each);
    }
    assert_near(sum, 1, 1e-14);
    /* σ = 1 and 0.5; 1.06·2^(−1/6) = 0.94436, over (3 − 1)/3; 0.47218 stays. */
    nas__kde_bandwidths(domain, rows, 2, 0.001, 1, width);
    assert_near(width[0], 2.0 / 3, 1e-15);
    assert_near(width[1], 0.5 * 1.06 * pow(2, -1.0 / 6), 1e-15);
    nas__kde_bandwidths(domain, rows, 2, 0.001, 0.1, width);
    assert_near(width[0], 0.1, 1e-15);
    free(domain);
}

/* ---- Hyperband -------------------------------------------------------------------------------------------------------- */

/* The table of the paper (R = 81, eta = 3). */
static void hyperband_brackets_of_the_paper(void **state)
{
    static const int sizes[5][5] = {{81, 27, 9, 3, 1}, {34, 11, 3, 1}, {15, 5, 1}, {8, 2}, {5}};
    static const double first[5] = {1, 3, 9, 27, 81};
    const nas__ladder ladder = {.eta = 3, .smallest = 1, .largest = 81, .hyperband = true};
    nas__bracket bracket;
    (void)state;
    assert_int_equal(nas__ladder_rungs(&ladder), 5);
    for (int b = 0; b < 10; b++) {
        int s = b % 5;
        nas__ladder_bracket(&ladder, b, &bracket);
        assert_int_equal(bracket.rungs, 5 - s);
        for (int k = 0; k < bracket.rungs; k++) {
            assert_int_equal(bracket.size[k], sizes[s][k]);
            assert_near(bracket.budget[k], first[s] * pow(3, k), 1e-9);
        }
    }
}

static void halving_brackets(void **state)
{
    nas__ladder ladder = {.eta = 2, .smallest = 1, .largest = 10};
    nas__bracket bracket;
    (void)state;
    nas__ladder_bracket(&ladder, 3, &bracket); /* 10/8 rounds to 1 epoch, 10/4 to 3 */
    assert_int_equal(bracket.rungs, 4);
    static const double budgets[] = {1, 3, 5, 10};
    for (int k = 0; k < 4; k++) {
        assert_int_equal(bracket.size[k], 8 >> k);
        assert_near(bracket.budget[k], budgets[k], 0);
    }
    ladder = (nas__ladder){.eta = 3, .smallest = 4, .largest = 4, .size = 7};
    nas__ladder_bracket(&ladder, 0, &bracket);
    assert_int_equal(bracket.rungs, 1);
    assert_int_equal(bracket.size[0], 7);
}

/* numpy.quantile([1, 2, 3, 4], 2/3) = 3; of [1, 2, 3, 4, 5] it is 11/3; of [1, 2] it is 5/3. */
static void stopping_rule_by_hand(void **state)
{
    const double four[] = {4, 3, 2, 1}, five[] = {5, 4, 3, 2, 1}, bad[] = {4, -INFINITY, -INFINITY},
                 worst[] = {-INFINITY, -INFINITY};
    (void)state;
    assert_true(nas__rungs_goes_on(four, 1, 4, 3)); /* alone */
    assert_true(nas__rungs_goes_on(four, 4, 3, 3));
    assert_false(nas__rungs_goes_on(four, 4, 2, 3));
    assert_true(nas__rungs_goes_on(five, 5, 4, 3));
    assert_false(nas__rungs_goes_on(five, 5, 3, 3));
    assert_true(nas__rungs_goes_on(five + 3, 2, 2, 3));
    assert_false(nas__rungs_goes_on(five + 3, 2, 1, 3));
    assert_true(nas__rungs_goes_on(bad, 3, 4, 3)); /* the others failed */
    assert_false(nas__rungs_goes_on(bad, 3, -INFINITY, 3));
    assert_false(nas__rungs_goes_on(worst, 1, -INFINITY, 3));
}

/* ---- encodings -------------------------------------------------------------------------------------------------------------- */

static void failures_are_the_worst_example(void **state)
{
    const int choices[] = {2, 3};
    nas_domain *domain = domain_of(choices, NULL, 2);
    nas__examples e;
    double *targets;
    nas_seen seen = {.arch = arch_of("12"), .failed = true, .score = {-INFINITY}};
    (void)state;
    nas_test_ok(nas__examples_init(domain, NAS__ENCODING_ONE_HOT, 0, &e));
    nas_test_ok(nas__examples_add(&e, &seen));
    seen = (nas_seen){.arch = arch_of("10"), .score = {-3}};
    nas_test_ok(nas__examples_add(&e, &seen));
    seen.score[0] = -2;
    nas_test_ok(nas__examples_add(&e, &seen));
    nas_test_ok(nas__examples_targets(&e, 3, &targets));
    assert_near(targets[0], -3, 0);
    assert_near(targets[2], -2, 0);
    static const double row[] = {0, 1, 0, 0, 1};
    for (int i = 0; i < 5; i++)
        assert_near(e.features[i], row[i], 0);
    free(targets);
    nas__examples_clear(&e);
    nas_test_fails(nas__examples_init(domain, NAS__ENCODING_PATH, 30, &e), NAS_CONFIG, "one_hot");
    free(domain);
}

/* The path of 0-3 alone sets bit op; over node 1 and 2: 5 + first + 5·second; over both: 30 + first + 5·second + 25·third. */
static void paths_of_cell201(void **state)
{
    const nas_space *space;
    nas_domain *domain;
    float bits[155];
    static const int wanted[] = {4, 5 + 3 + 5 * 1, 5 + 2 + 5 * 3, 30 + 3 + 5 * 0 + 25 * 3};
    int count = 0;
    (void)state;
    nas_test_ok(nas_space_get("cell201", &space));
    nas_test_ok(nas_domain_open(space, NULL, NULL, (nas_shape){3, 32, 32}, 10, &domain));
    assert_int_equal(nas_domain_path_count(domain), 155);
    nas_arch arch = arch_of("320413"); /* 0-1 3, 0-2 2, 1-2 0, 0-3 4, 1-3 1, 2-3 3 */
    nas_domain_paths(domain, &arch, bits);
    for (int i = 0; i < 155; i++)
        count += bits[i] == 1;
    assert_int_equal(count, 4);
    for (int i = 0; i < 4; i++)
        assert_true(bits[wanted[i]] == 1);
    nas_domain_close(domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fronts_and_crowding_by_hand),
        cmocka_unit_test(equal_members_keep_their_order),
        cmocka_unit_test(q_update_by_hand),
        cmocka_unit_test(q_states),
        cmocka_unit_test(q_states_know_the_size),
        cmocka_unit_test(tpe_densities_by_hand),
        cmocka_unit_test(kde_by_hand),
        cmocka_unit_test(hyperband_brackets_of_the_paper),
        cmocka_unit_test(halving_brackets),
        cmocka_unit_test(stopping_rule_by_hand),
        cmocka_unit_test(failures_are_the_worst_example),
        cmocka_unit_test(paths_of_cell201),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
