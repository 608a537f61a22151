/* test_learn.c - what learns on the host, policies and perceptrons: gradients against finite differences, and that they learn what a
 * reward or a target says.  Strategies that use them: test_strategies.c. */
#include "plain_domain.h"

#include "search/drawn.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_gradients_agree_with_differences),
        cmocka_unit_test(skip_penalty_by_hand),
        cmocka_unit_test(edits_are_as_many_as_asked_for),
        cmocka_unit_test(policies_learn),
        cmocka_unit_test(baseline_by_hand),
        cmocka_unit_test(mlp_gradients_agree_with_differences),
        cmocka_unit_test(ensembles_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
