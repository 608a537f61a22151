/* test_rank.c - rank correlations of clnas-rank against published values and against counting pairs another way. */
#include "nas_test.h"

#include "../tools/rank.h"

#include <math.h>

enum { COUNT = 200 };

/* NaN: not published. */
static void check(const double *a, const double *b, int count, double tau, double rho)
{
    double got;
    nas_test_ok(kendall(a, b, count, &got));
    assert_true(isnan(tau) || fabs(got - tau) < 1e-8);
    nas_test_ok(kendall(b, a, count, &got));
    assert_true(isnan(tau) || fabs(got - tau) < 1e-8);
    nas_test_ok(spearman(a, b, count, &got));
    assert_true(isnan(rho) || fabs(got - rho) < 1e-12);
}

/* Examples of SciPy's manual (kendalltau, spearmanr) and the values of its tests, which R's cor.test gives too, to the digits that
 * are published. */
static void published_values(void **state)
{
    (void)state;
    check((const double[]){12, 2, 1, 12, 2}, (const double[]){1, 4, 7, 1, 0}, 5,
          -0.47140452079103173, NAN);
    check((const double[]){1, 2, 3, 4, 5}, (const double[]){5, 6, 7, 8, 7}, 5, NAN,
          0.82078268166812329);
    check((const double[]){5, 2, 1, 3, 6, 4, 7, 8}, (const double[]){5, 2, 6, 3, 1, 8, 7, 4}, 8, 0,
          NAN);
    check((const double[]){0, 5, 2, 1, 3, 6, 4, 7, 8}, (const double[]){5, 2, 0, 6, 3, 1, 8, 7, 4},
          9, 0, NAN);
    check((const double[]){5, 2, 1, 3, 6, 4, 7}, (const double[]){5, 2, 6, 3, 1, 7, 4}, 7,
          -0.14285714286, NAN);
    check((const double[]){1, 2, 2, 4, 4, 6, 6, 8, 9, 9},
          (const double[]){1, 2, 4, 4, 4, 4, 8, 8, 8, 10}, 10, 0.85895569, NAN);
}

/* With many ties, by the textbook's sums over groups of equal values, found by sorting none. */
static void ties(void **state)
{
    double a[COUNT], b[COUNT], tau;
    int more = 0, fewer = 0, equal_a = 0, equal_b = 0;
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        a[i] = nas_random_below(&random, 9);
        b[i] = 0.5 * a[i] + nas_random_below(&random, 5);
    }
    int in_a[9] = {0}, in_b[17] = {0};
    for (int i = 0; i < COUNT; i++) {
        equal_a += in_a[(int)a[i]]++;
        equal_b += in_b[(int)(2 * b[i])]++;
        for (int k = 0; k < i; k++) {
            more += (a[i] - a[k]) * (b[i] - b[k]) > 0;
            fewer += (a[i] - a[k]) * (b[i] - b[k]) < 0;
        }
    }
    const double pairs = COUNT * (COUNT - 1) / 2.0;
    nas_test_ok(kendall(a, b, COUNT, &tau));
    assert_true(tau > 0.2 && equal_a > COUNT && equal_b > COUNT);
    assert_true(fabs(tau - (more - fewer) / sqrt((pairs - equal_a) * (pairs - equal_b))) < 1e-12);
}

static void no_number_is_the_least(void **state)
{
    const double with[] = {NAN, 4, 3, 9, NAN}, without[] = {-5, 4, 3, 9, -5},
                 other[] = {1, 2, 3, 5, 4}, same[] = {7, 7, 7, 7, 7};
    double one, two;
    (void)state;
    nas_test_ok(kendall(with, other, 5, &one));
    nas_test_ok(kendall(without, other, 5, &two));
    assert_true(one == two);
    nas_test_ok(spearman(with, other, 5, &one));
    nas_test_ok(spearman(without, other, 5, &two));
    assert_true(one == two);
    nas_test_ok(kendall(same, other, 5, &one));
    nas_test_ok(spearman(same, other, 5, &two));
    assert_true(isnan(one) && isnan(two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(ties),
        cmocka_unit_test(no_number_is_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
