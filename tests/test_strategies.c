/* test_strategies.c - what single strategies are made of, against answers worked out by hand: fronts and crowding of NSGA-II, the
 * update of Q, the densities of TPE and BOHB, the brackets of Hyperband, and the gradients of the controllers and
 * surrogates against finite differences.  What all strategies promise is in test_search.c. */
#include "nas_test.h"

#include "search/densities.h"
#include "search/drawn.h"
#include "search/encoding.h"
#include "search/kde.h"
#include "search/pareto_sort.h"
#include "search/qtable.h"
#include "search/rungs.h"

#include <math.h>

#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        double a_ = (a), b_ = (b);                                                                 \
        if (!(fabs(a_ - b_) <= (tolerance)))                                                       \
            fail_msg("%s = %.17g, not %.17g", #a, a_, b_);                                         \
    } while (0)

/* Genes are all that these parts look at. */
static nas_domain *domain_of(const int *choices, const int *groups, int count)
{
    static const nas_space space = {.kind = {.name = "plain"}};
    nas_domain *domain = calloc(1, sizeof *domain);
    assert_non_null(domain);
    domain->space = &space;
    domain->count = count;
    for (int i = 0; i < count; i++) {
        domain->genes[i] = (nas_gene){.choices = choices[i], .group = groups ? groups[i] : 0};
        snprintf(domain->genes[i].name, sizeof domain->genes[i].name, "%s", i % 2 ? "b" : "a");
    }
    return domain;
}

static nas_arch arch_of(const char *text)
{
    nas_arch arch;
    nas_test_ok(nas_arch_parse(text, &arch));
    return arch;
}

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

/* ---- gradients ----------------------------------------------------------------------------------------------------------- */

/* Loss −(0.7·log p + 0.3·entropy − 0.9·penalty) at every weight, by central differences. */
static void check_policy_gradient(const nas_policy_shape *shape)
{
    const int choices[] = {3, 2, 1, 3, 2, 4};
    nas_domain *domain = domain_of(choices, NULL, 6);
    nas_arch row = arch_of("210103");
    const nas_policy_push push = {.chance = 0.7, .bonus = 0.3, .pull = 0.9};
    nas_policy *p;
    double entropy, worst = 0;
    nas_arch under = arch_of("010001");
    strcpy(domain->genes[0].name, "op");
    for (int i = 1; i < 5;
         i += 3) /* two layers of one skip each; gene 3 has too many choices for one */
        strcpy(domain->genes[i].name, "skip");
    domain->genes[4].group = 1;
    nas_test_ok(nas_policy_create(domain, shape, 3, &p));
    nas_policy_lay_under(p,
                         shape->anew > 0 ? &under : NULL); /* the row keeps genes 0, 1, 3 and 5 */
    for (int i = 0; i < nas_policy_weights(p)->count; i++)
        nas_policy_weights(p)->value[i] *= 4; /* out of the flat part */
    nas_policy_look(p, &row, &entropy);
    nas_policy_learn(p, &row, &push);
    for (int i = 0; i < nas_policy_weights(p)->count; i++) {
        double *w = &nas_policy_weights(p)->value[i], at = *w, h = 1e-5, loss[2];
        for (int side = 0; side < 2; side++) {
            *w = side ? at - h : at + h;
            double log_p = nas_policy_look(p, &row, &entropy);
            loss[side] = -(0.7 * log_p + 0.3 * entropy - 0.9 * nas_policy_penalty(p));
        }
        *w = at;
        worst =
            fmax(worst, fabs((loss[0] - loss[1]) / (2 * h) - nas_policy_weights(p)->gradient[i]));
    }
    print_message("%d weights, largest difference %.2g\n", nas_policy_weights(p)->count, worst);
    assert_true(worst < 1e-8);
    nas_policy_destroy(p);
    free(domain);
}

static void policy_gradients_agree_with_differences(void **state)
{
    (void)state;
    check_policy_gradient(&(nas_policy_shape){.kind = NAS_POLICY_TABLE, .temperature = 1});
    check_policy_gradient(&(nas_policy_shape){.kind = NAS_POLICY_TABLE,
                                              .temperature = 5,
                                              .tanh_constant = 2.5,
                                              .anew = 0.2,
                                              .skip_target = 0.4});
    check_policy_gradient(
        &(nas_policy_shape){.kind = NAS_POLICY_LSTM, .hidden = 5, .layers = 1, .temperature = 1});
    check_policy_gradient(&(nas_policy_shape){.kind = NAS_POLICY_LSTM,
                                              .hidden = 6,
                                              .layers = 2,
                                              .temperature = 1.5,
                                              .tanh_constant = 2.5,
                                              .op_tanh = 1,
                                              .skip_target = 0.4});
    check_policy_gradient(&(nas_policy_shape){.kind = NAS_POLICY_LSTM,
                                              .hidden = 6,
                                              .layers = 2,
                                              .temperature = 1.5,
                                              .tanh_constant = 2.5,
                                              .anew = 0.2});
}

/* ENAS's penalty with all logits at 0, by its formula: p = ½ of each skip. */
static void skip_penalty_by_hand(void **state)
{
    const int choices[] = {2, 2, 3, 2, 2}, groups[] = {1, 1, 2, 2, 2};
    const double kl = 0.5 * log(0.5 / 0.6) + 0.5 * log(0.5 / 0.4);
    const nas_policy_shape shape = {.kind = NAS_POLICY_TABLE, .temperature = 1, .skip_target = 0.4};
    const nas_arch row = {.count = 5};
    nas_domain *domain = domain_of(choices, groups, 5);
    nas_policy *p;
    double entropy;
    (void)state;
    for (int skips = 0; skips < 4; skips++) { /* in layer 1: two; in layer 2: none, one */
        static const char *const names[] = {"skip", "skip", "op", "skip", "b"};
        static const double wanted[] = {0, 1, 2, 1.5};
        for (int i = 0; i < 5; i++)
            strcpy(domain->genes[i].name, i < skips + (skips == 3) ? names[i] : "other");
        nas_test_ok(nas_policy_create(domain, &shape, 3, &p));
        memset(nas_policy_weights(p)->value, 0,
               (size_t)nas_policy_weights(p)->count * sizeof(double));
        nas_policy_look(p, &row, &entropy);
        assert_near(nas_policy_penalty(p), wanted[skips] * kl, 1e-15);
        nas_policy_destroy(p);
    }
    free(domain);
}

/* With all logits at 0 each gene is drawn anew with the chance that was asked for, whatever its number of choices. */
static void edits_are_as_many_as_asked_for(void **state)
{
    const int choices[] = {3, 2, 1, 5};
    nas_domain *domain = domain_of(choices, NULL, 4);
    const nas_policy_shape shape = {
        .kind = NAS_POLICY_TABLE, .temperature = 1, .tanh_constant = 2.5, .anew = 0.15};
    nas_policy *p;
    double entropy;
    (void)state;
    nas_test_ok(nas_policy_create(domain, &shape, 3, &p));
    memset(nas_policy_weights(p)->value, 0,
           (size_t)nas_policy_weights(p)->count * sizeof *nas_policy_weights(p)->value);
    nas_arch row = arch_of("2104"); /* the last choices: all kept */
    assert_near(nas_policy_look(p, &row, &entropy), 3 * log(0.85), 1e-12);
    row = arch_of("2103");
    assert_near(nas_policy_look(p, &row, &entropy), 2 * log(0.85) + log(0.15 / 4), 1e-12);
    nas_policy_destroy(p);
    free(domain);
}

/* Drawing and looking agree, chances sum to 1, and learning from a reward makes the row more probable. */
static void policies_learn(void **state)
{
    const int choices[] = {3, 2, 3, 2};
    nas_domain *domain = domain_of(choices, NULL, 4);
    const nas_adam adam = {0.05, 0.9, 0.999, 1e-8, 0};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        const nas_policy_shape shape = {.kind = (nas_policy_kind)kind,
                                        .hidden = 8,
                                        .layers = 1,
                                        .temperature = 1,
                                        .tanh_constant = 2.5};
        nas_random random = nas_random_make(4, NAS_STREAM_TEST, 0, 0, 0);
        nas_policy *p;
        nas_arch row;
        double entropy, sum = 0;
        nas_test_ok(nas_policy_create(domain, &shape, 3, &p));
        double drawn = nas_policy_draw(p, &random, &row);
        assert_near(nas_policy_look(p, &row, &entropy), drawn, 0);
        for (int i = 0; i < 36; i++) {
            nas_arch each = {.count = 4,
                             .genes = {(uint8_t)(i % 3), (uint8_t)(i / 3 % 2), (uint8_t)(i / 6 % 3),
                                       (uint8_t)(i / 18)}};
            sum += exp(nas_policy_look(p, &each, &entropy));
        }
        assert_near(sum, 1, 1e-12);
        for (int i = 0; i < 50; i++) {
            nas_policy_look(p, &row, &entropy);
            nas_policy_learn(p, &row, &(nas_policy_push){.chance = 1});
            nas_weights_step(nas_policy_weights(p), &adam);
        }
        assert_true(nas_policy_look(p, &row, &entropy) > drawn + 1);
        nas_policy_destroy(p);
    }
    free(domain);
}

static void baseline_by_hand(void **state)
{
    nas__baseline b = {0};
    nas_seen seen = {.score = {2}};
    (void)state;
    assert_near(nas__baseline_take(&b, 0.9, &seen), 2, 0);
    assert_near(nas__baseline_value(&b), 2, 1e-15); /* corrected for the start at 0 */
    seen.score[0] = 1;
    assert_near(nas__baseline_take(&b, 0.9, &seen), 1, 0);
    assert_near(nas__baseline_value(&b), (0.9 * 0.1 * 2 + 0.1 * 1) / (0.9 * 0.1 + 0.1), 1e-15);
    seen.failed = true;
    seen.score[0] = -INFINITY;
    assert_near(nas__baseline_take(&b, 0.9, &seen), 1, 0); /* the worst so far */
}

/* Away from the kinks of relu and of the absolute error a difference quotient is exact. */
static void mlp_gradients_agree_with_differences(void **state)
{
    const nas_mlp_shape shape = {
        .inputs = 4, .layers = 3, .units = 5, .members = 1, .epochs = 2, .batch = 6, .rate = 0.01};
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, 0, 0, 0);
    double features[6 * 4], targets[6], worst = 0;
    nas_mlp m;
    (void)state;
    for (int i = 0; i < 24; i++)
        features[i] = nas_random_normal(&random);
    for (int i = 0; i < 6; i++)
        targets[i] = nas_random_normal(&random);
    nas_test_ok(nas_mlp_create(&shape, &m));
    nas_test_ok(nas_mlp_fit(&m, features, targets, 6, 1, 1));
    double *gradient = calloc((size_t)m.members[0].count, sizeof *gradient);
    nas_mlp_loss(&m, 0, features, targets, 6);
    memcpy(gradient, m.members[0].gradient, (size_t)m.members[0].count * sizeof *gradient);
    for (int i = 0; i < m.members[0].count; i++) {
        double *w = &m.members[0].value[i], at = *w, h = 1e-6;
        *w = at + h;
        double up = nas_mlp_loss(&m, 0, features, targets, 6);
        *w = at - h;
        double down = nas_mlp_loss(&m, 0, features, targets, 6);
        *w = at;
        worst = fmax(worst, fabs((up - down) / (2 * h) - gradient[i]));
    }
    print_message("%d weights, largest difference %.2g\n", m.members[0].count, worst);
    assert_true(worst < 1e-8);
    free(gradient);
    nas_mlp_clear(&m);
}

/* The ensemble learns a sum of genes, the same again with the same key, and is surer where there are data. */
static void ensembles_learn(void **state)
{
    enum { ROWS = 60, INPUTS = 8 };
    const nas_mlp_shape shape = {.inputs = INPUTS,
                                 .layers = 3,
                                 .units = 20,
                                 .members = 5,
                                 .epochs = 200,
                                 .batch = 16,
                                 .rate = 0.01};
    nas_random random = nas_random_make(9, NAS_STREAM_TEST, 0, 0, 0);
    double features[ROWS * INPUTS], targets[ROWS], first, again, deviation, error = 0;
    nas_mlp m;
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        targets[i] = 50;
        for (int k = 0; k < INPUTS; k++) {
            features[i * INPUTS + k] = nas_random_below(&random, 2);
            targets[i] += features[i * INPUTS + k] * (k + 1);
        }
    }
    nas_test_ok(nas_mlp_create(&shape, &m));
    nas_test_ok(nas_mlp_fit(&m, features, targets, ROWS, 1, 7));
    for (int i = 0; i < ROWS; i++) {
        nas_mlp_predict(&m, features + i * INPUTS, &first, &deviation);
        error += fabs(first - targets[i]) / ROWS;
    }
    print_message("mean error %.3f of a deviation of about 7\n", error);
    assert_true(error < 1.5);
    nas_mlp_predict(&m, features, &first, &deviation);
    nas_test_ok(nas_mlp_fit(&m, features, targets, ROWS, 1, 7));
    nas_mlp_predict(&m, features, &again, &deviation);
    assert_true(first == again);
    nas_mlp_clear(&m);
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
        cmocka_unit_test(policy_gradients_agree_with_differences),
        cmocka_unit_test(skip_penalty_by_hand),
        cmocka_unit_test(edits_are_as_many_as_asked_for),
        cmocka_unit_test(policies_learn),
        cmocka_unit_test(baseline_by_hand),
        cmocka_unit_test(mlp_gradients_agree_with_differences),
        cmocka_unit_test(ensembles_learn),
        cmocka_unit_test(failures_are_the_worst_example),
        cmocka_unit_test(paths_of_cell201),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
