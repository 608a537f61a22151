/* test_statistics.c - the tests and intervals of comparisons: against SciPy, against brute force, against what they promise.
 *
 * The golden numbers are SciPy 1.17.1's, each by the call that stands beside it (`from scipy import stats`). */
#include "nas_test.h"

#include <report/statistics.h>

#include <math.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const double a[] = {0.8431, 0.8402, 0.8467, 0.8390, 0.8455,
                           0.8420, 0.8478, 0.8444, 0.8409, 0.8461};
static const double b[] = {0.8388, 0.8405, 0.8412, 0.8360, 0.8437,
                           0.8391, 0.8429, 0.8450, 0.8371, 0.8433};

static void assert_near(double value, double wanted, double relative)
{
    if (!(fabs(value - wanted) <= relative * fabs(wanted)))
        fail_msg("%.17g instead of %.17g", value, wanted);
}

static nas__test signs(const double *differences, int count)
{
    nas__test test;
    nas_test_ok(nas__signed_rank(differences, count, &test));
    return test;
}

static nas__test sums(const double *x, int x_count, const double *y, int y_count)
{
    nas__test test;
    nas_test_ok(nas__rank_sum(x, x_count, y, y_count, &test));
    return test;
}

/* ---- golden numbers ---------------------------------------------------------------------------------------------------- */

static void signed_ranks_as_scipy_has_them(void **state)
{
    static const double clear[] = {43, -3, 55, 30, 18, 29, 49, -6, 38, 28};
    static const double unclear[] = {5, -3, 11, -7, 2, 9, -1, 4};
    static const double tied[] = {3, -1, 3, 3, 0, 2, -2, 5, 5, 1, 0, 4};
    double many[400];
    (void)state;
    /* stats.wilcoxon(clear, method="exact").pvalue */
    assert_near(signs(clear, COUNT(clear)).p, 0.009765625, 1e-12);
    assert_true(signs(clear, COUNT(clear)).favours > 0 && signs(clear, COUNT(clear)).exact);
    assert_near(signs(unclear, COUNT(unclear)).p, 0.3125, 1e-12);
    /* stats.permutation_test((nonzero,), lambda x, axis: (stats.rankdata(abs(x), axis=axis) * (x > 0)).sum(axis=axis),
     * permutation_type="samples", n_resamples=inf).pvalue */
    assert_near(signs(tied, COUNT(tied)).p, 0.01953125, 1e-12);
    assert_int_equal(signs(tied, COUNT(tied)).used, 10);
    /* stats.wilcoxon(many, method="asymptotic").pvalue */
    for (int i = 0; i < COUNT(many); i++)
        many[i] = (7 * i * i + 3 * i) % 101 - 46.5;
    assert_false(signs(many, COUNT(many)).exact);
    assert_near(signs(many, COUNT(many)).p, 0.777743952253884, 1e-12);
}

static void rank_sums_as_scipy_has_them(void **state)
{
    static const double x[] = {1, 2, 2, 3, 5, 5, 5}, y[] = {0, 1, 1, 2, 2, 4};
    double many_x[300], many_y[260];
    (void)state;
    /* stats.mannwhitneyu(a, b, method="exact").pvalue, and with b[:7] */
    assert_near(sums(a, 10, b, 10).p, 0.07525601333650869, 1e-12);
    assert_near(sums(a, 10, b, 7).p, 0.055327025915261216, 1e-12);
    assert_true(sums(a, 10, b, 7).favours > 0 && sums(b, 10, a, 10).favours < 0);
    /* stats.permutation_test((x, y), sum of the ranks of x, permutation_type="independent", n_resamples=inf).pvalue */
    assert_near(sums(x, COUNT(x), y, COUNT(y)).p, 0.09557109557109557, 1e-12);
    /* stats.mannwhitneyu(many_x, many_y, method="asymptotic").pvalue */
    for (int i = 0; i < COUNT(many_x); i++)
        many_x[i] = (11 * i * i + 5 * i) % 103;
    for (int i = 0; i < COUNT(many_y); i++)
        many_y[i] = (13 * i * i + 7 * i) % 107;
    assert_false(sums(many_x, COUNT(many_x), many_y, COUNT(many_y)).exact);
    assert_near(sums(many_x, COUNT(many_x), many_y, COUNT(many_y)).p, 0.6075850112955106, 1e-12);
}

static void intervals_as_scipy_has_them(void **state)
{
    (void)state;
    /* stats.t.ppf(p, freedom), stats.norm.ppf(0.975) */
    assert_near(nas__student_quantile(0.975, 1), 12.706204736174694, 1e-12);
    assert_near(nas__student_quantile(0.975, 4), 2.7764451051977934, 1e-12);
    assert_near(nas__student_quantile(0.975, 19), 2.0930240544083087, 1e-12);
    assert_near(nas__student_quantile(0.9995, 2.5), 18.277893528131457, 1e-11);
    assert_near(nas__student_quantile(0.2, 7), -0.8960296443137649, 1e-12);
    assert_near(nas__student_quantile(0.975, 1000), 1.9623390808264083, 1e-11);
    assert_near(nas__student_quantile(0.6, 0.5), 0.3979754267847907, 1e-12);
    assert_near(nas__student_quantile(0.975, INFINITY), 1.959963984540054, 1e-12);
    /* stats.ttest_1samp(a, 0).confidence_interval(); stats.ttest_ind(a, b[:7], equal_var=False).confidence_interval() */
    nas_interval mean = nas__mean_interval(a, 10, 0.05);
    assert_near(mean.at, 0.84357, 1e-12);
    assert_near(mean.low, 0.8414297527699732, 1e-12);
    assert_near(mean.high, 0.8457102472300266, 1e-12);
    assert_near(nas__deviation(a, 10), 0.002991859325272885, 1e-12);
    nas_interval welch = nas__difference_interval(a, 10, b, 7, 0.05);
    assert_near(welch.at, 0.0032557142857142507, 1e-11);
    assert_near(welch.low, 0.00031718907541492284, 1e-10);
    assert_near(welch.high, 0.006194239496013578, 1e-11);
}

/* Newcombe's equation solved by scipy.optimize.brentq. */
static void superiority_as_newcombe_has_it(void **state)
{
    static const double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10};
    static const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const double y[] = {0, 0, 0, 0, 0, 4.5, 7.5, 9.5, 11, 11.5};
    (void)state;
    nas_interval all = nas__superiority(high, 5, low, 5, 0.05);
    assert_true(all.at == 1);
    assert_near(all.low, 0.6427028239310432, 1e-12);
    assert_near(all.high, 1, 1e-12);
    nas_interval some = nas__superiority(x, 10, y, 10, 0.05);
    int wins = 0;
    for (int i = 0; i < 100; i++)
        wins += x[i / 10] > y[i % 10];
    assert_near(some.at, wins / 100.0, 1e-12);
    nas_interval half = nas__superiority(x, 10, x, 10, 0.05);
    assert_true(half.at == 0.5);
    assert_near(half.low, 1 - half.high, 1e-9);
    nas_interval swapped = nas__superiority(y, 10, x, 10, 0.05);
    assert_near(swapped.low, 1 - some.high, 1e-9);
    /* stats.mannwhitneyu(a, b).statistic / 100 */
    assert_near(nas__superiority(a, 10, b, 10, 0.05).at, 0.74, 1e-12);
}

static void holm_by_hand(void **state)
{
    static const double p[] = {0.01, 0.04, 0.03, 0.005, 0.9},
                        wanted[] = {0.04, 0.09, 0.09, 0.025, 0.9};
    double adjusted[COUNT(p)];
    (void)state;
    nas_test_ok(nas__holm(p, COUNT(p), adjusted));
    for (int i = 0; i < COUNT(p); i++)
        assert_near(adjusted[i], wanted[i], 1e-12);
}

/* ---- brute force ----------------------------------------------------------------------------------------------------------- */

/* Rank among all, ties halved, by definition. */
static double rank_of(double value, const double *values, int count)
{
    double rank = 0.5;
    for (int i = 0; i < count; i++)
        rank += (values[i] < value) + 0.5 * (values[i] == value);
    return rank;
}

static double twice_the_smaller(int below, int above, int all)
{
    return fmin(1, 2.0 * (below < above ? below : above) / all);
}

static double all_signs(const double *differences, int count)
{
    double sizes[16], ranks[16], seen = 0;
    int used = 0, below = 0, above = 0;
    bool plus[16];
    for (int i = 0; i < count; i++)
        if (differences[i] != 0) {
            plus[used] = differences[i] > 0;
            sizes[used++] = fabs(differences[i]);
        }
    for (int i = 0; i < used; i++) {
        ranks[i] = rank_of(sizes[i], sizes, used);
        seen += plus[i] ? ranks[i] : 0;
    }
    for (int mask = 0; mask < 1 << used; mask++) {
        double sum = 0;
        for (int i = 0; i < used; i++)
            sum += mask >> i & 1 ? ranks[i] : 0;
        below += sum <= seen;
        above += sum >= seen;
    }
    return twice_the_smaller(below, above, 1 << used);
}

static double all_choices(const double *values, int chosen, int count)
{
    double seen = 0;
    int below = 0, above = 0, all = 0;
    for (int i = 0; i < chosen; i++)
        seen += rank_of(values[i], values, count);
    for (int mask = 0; mask < 1 << count; mask++) {
        double sum = 0;
        int bits = 0;
        for (int i = 0; i < count; i++) {
            bits += mask >> i & 1;
            sum += mask >> i & 1 ? rank_of(values[i], values, count) : 0;
        }
        all += bits == chosen;
        below += bits == chosen && sum <= seen;
        above += bits == chosen && sum >= seen;
    }
    return twice_the_smaller(below, above, all);
}

static void every_case_counted(void **state)
{
    (void)state;
    for (uint32_t run = 0; run < 60; run++) {
        nas_random random = nas_random_make(7, NAS_STREAM_TEST, run, 0, 0);
        double values[12];
        int n = 2 + (int)nas_random_below(&random, 9),
            n_a = 1 + (int)nas_random_below(&random, (uint32_t)n - 1);
        uint32_t kinds = run % 2 ? 5 : 1000; /* many ties, hardly any */
        for (int i = 0; i < n; i++)
            values[i] = (double)nas_random_below(&random, kinds) - kinds / 2.0 + 0.5;
        values[0] = run % 3 ? values[0] : 0;
        assert_near(signs(values, n).p, all_signs(values, n), 1e-12);
        assert_near(sums(values, n_a, values + n_a, n - n_a).p, all_choices(values, n_a, n), 1e-12);
    }
}

/* ---- what they promise ------------------------------------------------------------------------------------------------------- */

/* Of samples without a difference, at most one in twenty has p ≤ 0.05; of intervals, about 19 in 20 hold the truth. */
static void promises_are_kept(void **state)
{
    enum { RUNS = 2000, SIZE = 9 };
    int wrong_signs = 0, wrong_sums = 0, means = 0, wins = 0;
    (void)state;
    for (uint32_t run = 0; run < RUNS; run++) {
        nas_random random = nas_random_make(8, NAS_STREAM_TEST, run, 0, 0);
        double x[SIZE], y[SIZE], far[SIZE];
        for (int i = 0; i < SIZE; i++) {
            x[i] = nas_random_normal(&random);
            y[i] = nas_random_normal(&random);
            far[i] = y[i] + 1.4;
        }
        wrong_signs += signs(x, SIZE).p <= 0.05;
        wrong_sums += sums(x, SIZE, y, SIZE).p <= 0.05;
        nas_interval mean = nas__mean_interval(x, SIZE, 0.05);
        means += mean.low <= 0 && mean.high >= 0;
        nas_interval share = nas__superiority(far, SIZE, x, SIZE, 0.05);
        wins += share.low <= 0.8389 && share.high >= 0.8389; /* Φ(1.4/√2) */
    }
    /* Three standard errors of 2,000 draws are 0.015. */
    assert_true(wrong_signs <= 0.065 * RUNS && wrong_signs > 0.01 * RUNS);
    assert_true(wrong_sums <= 0.065 * RUNS && wrong_sums > 0.01 * RUNS);
    assert_true(means >= 0.935 * RUNS && means <= 0.965 * RUNS);
    assert_true(wins >= 0.925 * RUNS && wins <= 0.985 * RUNS);
}

static void few_numbers_say_little(void **state)
{
    static const double three[] = {1, 2, 3};
    double sorted[] = {3, INFINITY, 1, 2}, none[1] = {0};
    (void)state;
    assert_near(signs(three, 3).least, 0.25, 1e-12);
    assert_near(signs(three, 3).p, 0.25, 1e-12);
    assert_near(sums(three, 3, a, 3).least, 0.1, 1e-12);
    assert_true(signs(none, 1).p == 1 && signs(none, 0).p == 1 && sums(a, 0, b, 0).p == 1);
    assert_true(signs(none, 1).used == 0 && signs(none, 1).favours == 0);
    assert_true(sums(a, 10, a, 10).p == 1);
    assert_true(isnan(nas__mean_interval(a, 1, 0.05).low) &&
                nas__mean_interval(a, 1, 0.05).at == a[0]);
    assert_true(isnan(nas__difference_interval(a, 1, b, 1, 0.05).high));
    assert_true(isnan(nas__median(sorted, 0)) && nas__median(sorted, 4) == 2.5);
    assert_true(nas__median((double[]){INFINITY, INFINITY}, 2) == INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_ranks_as_scipy_has_them),
        cmocka_unit_test(rank_sums_as_scipy_has_them),
        cmocka_unit_test(intervals_as_scipy_has_them),
        cmocka_unit_test(superiority_as_newcombe_has_it),
        cmocka_unit_test(holm_by_hand),
        cmocka_unit_test(every_case_counted),
        cmocka_unit_test(promises_are_kept),
        cmocka_unit_test(few_numbers_say_little),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
