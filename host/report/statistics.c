/* statistics.c - tests, intervals and effect sizes for a few dozen numbers at a time.
 *
 * Idea: results of searches are few, skewed and often tied (two searches find the same network), so everything that decides is by rank
 * and exact.  Ranks are doubled, so that the mean ranks of ties are whole numbers; then the distribution of a rank sum under "no
 * difference", given these very ties, is counted by dynamic programming, one number after the other:
 *
 *     signed ranks (Wilcoxon 1945)          each rank has + or −: 2^n cases           table[s] += table[s − rank]
 *     rank sum (Mann and Whitney 1947)      which n of the ranks are a's              table[k][s] += table[k − 1][s − rank]
 *
 * p is twice the smaller tail.  Where counting would take seconds (above COUNTED operations) the normal distribution stands in, with the
 * variance that ties leave, and Mann and Whitney's with a correction for continuity; that is hundreds of numbers away.
 *
 * Means have Student's intervals, differences of means Welch's (1947).  The probability that one of a beats one of b is U/(n·m), Vargha
 * and Delaney's A (2000); its interval is Newcombe's fifth method (Statistics in Medicine 25, 2006), which says something
 * sensible also where every a beats every b.  Holm's correction: Scandinavian Journal of Statistics 6, 1979.
 *
 * Nothing is drawn at random: the same numbers give the same verdict.  Checked against SciPy and against brute force: tests/test_statistics.c.
 * GSL has the quantile of t, but not these tests: not worth a dependency. */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double counted = 4e7; /* operations */

double nas__mean(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / count : NAN;
}

double nas__deviation(const double *values, int count)
{
    double mean = nas__mean(values, count), square = 0;
    for (int i = 0; i < count; i++)
        square += (values[i] - mean) * (values[i] - mean);
    return count > 1 ? sqrt(square / (count - 1)) : NAN;
}

static int by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

void nas__sort_numbers(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
}

double nas__median(double *values, int count)
{
    if (count == 0)
        return NAN;
    nas__sort_numbers(values, count);
    double low = values[(count - 1) / 2], high = values[count / 2];
    return low == high ? low : (low + high) / 2;
}

/* ---- Student's t ----------------------------------------------------------------------------------------------------- */

/* The continued fraction of the incomplete beta function, by Lentz's method. */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step = 1;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            step = c * d;
            value *= step;
        }
        if (fabs(step - 1) < 1e-16)
            break;
    }
    return value;
}

/* The regularised incomplete beta function I_x(a, b). */
static double beta_share(double x, double a, double b)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

/* P(T > t) for t ≥ 0. */
static double student_above(double t, double freedom)
{
    if (isinf(freedom))
        return erfc(t / sqrt(2)) / 2;
    return beta_share(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
}

double nas__student_quantile(double p, double freedom)
{
    double above = p > 0.5 ? 1 - p : p, low = 0, high = 1;
    if (!(p > 0 && p < 1 && freedom > 0))
        return NAN;
    while (student_above(high, freedom) > above && high < 1e300)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        *(student_above(middle, freedom) > above ? &low : &high) = middle;
    }
    return p > 0.5 ? high : -high;
}

static nas_interval around(double mean, double error, double freedom, double level)
{
    double reach = error > 0 ? nas__student_quantile(1 - level / 2, freedom) * error : error;
    return (nas_interval){mean, mean - reach, mean + reach};
}

nas_interval nas__mean_interval(const double *values, int count, double level)
{
    double error = nas__deviation(values, count) / sqrt(count); /* NaN below two */
    return around(nas__mean(values, count), error, count - 1, level);
}

nas_interval nas__difference_interval(const double *a, int a_count, const double *b, int b_count,
                                      double level)
{
    double x = pow(nas__deviation(a, a_count), 2) / a_count;
    double y = pow(nas__deviation(b, b_count), 2) / b_count;
    double freedom = (x + y) * (x + y) / (x * x / (a_count - 1) + y * y / (b_count - 1));
    return around(nas__mean(a, a_count) - nas__mean(b, b_count), sqrt(x + y), freedom, level);
}

/* ---- ranks ------------------------------------------------------------------------------------------------------------ */

typedef struct item {
    double value;
    int at;
} item;

static int by_item(const void *left, const void *right)
{
    return by_value(&((const item *)left)->value, &((const item *)right)->value);
}

/* Twice the rank of each value, from 1; ties share their mean.  `tied`: Σ t³ − t over the ties of t values. */
static nas_status rank_doubled(const double *values, int count, int *ranks, double *tied)
{
    item *items = malloc(((size_t)count + 1) * sizeof *items);
    if (!items)
        NAS_FAIL(NAS_MEMORY, "no memory to rank %d numbers", count);
    for (int i = 0; i < count; i++)
        items[i] = (item){values[i], i};
    qsort(items, (size_t)count, sizeof *items, by_item);
    *tied = 0;
    for (int i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && items[next].value == items[i].value;)
            next++;
        for (int k = i; k < next; k++)
            ranks[items[k].at] = i + next + 1;
        *tied += pow(next - i, 3) - (next - i);
    }
    free(items);
    return NAS_OK;
}

/* Twice the smaller tail of a distribution over 0 … last, at `at`. */
static double two_tails(const double *share, int last, int at)
{
    double below = 0, above = 0;
    for (int s = 0; s <= at; s++)
        below += share[s];
    for (int s = last; s >= at; s--)
        above += share[s];
    return fmin(1, 2 * fmin(below, above));
}

static double two_normal_tails(double z)
{
    return fmin(1, erfc(fabs(z) / sqrt(2)));
}

/* ---- signed ranks --------------------------------------------------------------------------------------------------------- */

/* The probability of each sum of the ranks that have a plus; free() it. */
static nas_status count_signs(const int *ranks, int count, int sum, double **share)
{
    *share = calloc((size_t)sum + 1, sizeof **share);
    if (!*share)
        NAS_FAIL(NAS_MEMORY, "no memory for a distribution of %d values", sum);
    (*share)[0] = 1;
    for (int i = 0, reach = 0; i < count; i++) {
        reach += ranks[i];
        for (int s = reach; s >= 0; s--)
            (*share)[s] = ((*share)[s] + (s >= ranks[i] ? (*share)[s - ranks[i]] : 0)) / 2;
    }
    return NAS_OK;
}

static nas_status test_signs(const int *ranks, int count, int plus, double tied, nas__test *test)
{
    int sum = count * (count + 1); /* of the doubled ranks */
    double *share = NULL;
    test->favours = plus - sum / 2.0;
    test->exact = (double)count * sum <= counted;
    if (!test->exact) {
        double n = count, variance = n * (n + 1) * (2 * n + 1) / 24 - tied / 48;
        test->p = two_normal_tails(test->favours / 2 / sqrt(variance));
        return NAS_OK;
    }
    NAS_TRY(count_signs(ranks, count, sum, &share));
    test->p = two_tails(share, sum, plus);
    free(share);
    return NAS_OK;
}

nas_status nas__signed_rank(const double *differences, int count, nas__test *test)
{
    double *sizes = calloc((size_t)count + 1, sizeof *sizes), tied = 0;
    int *ranks = calloc((size_t)count + 1, sizeof *ranks), used = 0, plus = 0;
    nas_status status = NAS_OK;
    nas__test result = {.p = 1, .least = fmin(1, ldexp(2, -count)), .exact = true};
    if (!sizes || !ranks) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for %d pairs", count);
        goto done;
    }
    for (int i = 0; i < count; i++)
        if (differences[i] != 0)
            sizes[used++] = fabs(differences[i]);
    NAS_TRY_DONE(rank_doubled(sizes, used, ranks, &tied));
    for (int i = 0; i < count; i++)
        if (differences[i] != 0) {
            plus += differences[i] > 0 ? ranks[result.used] : 0;
            result.used++;
        }
    if (used > 0)
        NAS_TRY_DONE(test_signs(ranks, used, plus, tied, &result));
    *test = result;
done:
    free(sizes);
    free(ranks);
    return status;
}

/* ---- rank sum -------------------------------------------------------------------------------------------------------------- */

/* The share of each sum among all choices of `chosen` of the ranks; free() it. */
static nas_status count_choices(const int *ranks, int count, int chosen, int sum, double **share)
{
    size_t width = (size_t)sum + 1;
    double *table = calloc(((size_t)chosen + 1) * width, sizeof *table), total = 0;
    if (!table)
        NAS_FAIL(NAS_MEMORY, "no memory for a distribution of %d values", sum);
    table[0] = 1;
    for (int i = 0; i < count; i++)
        for (int k = i < chosen ? i + 1 : chosen; k > 0; k--)
            for (int s = sum; s >= ranks[i]; s--)
                table[(size_t)k * width + (size_t)s] +=
                    table[(size_t)(k - 1) * width + (size_t)(s - ranks[i])];
    memmove(table, table + (size_t)chosen * width, width * sizeof *table);
    for (int s = 0; s <= sum; s++)
        total += table[s];
    for (int s = 0; s <= sum; s++)
        table[s] /= total;
    *share = table;
    return NAS_OK;
}

/* Two of the C(n + m, n) choices. */
static double least_of(int n, int m)
{
    return fmin(1, 2 * exp(lgamma(n + 1.0) + lgamma(m + 1.0) - lgamma(n + m + 1.0)));
}

static nas_status test_choices(const int *ranks, int n, int m, double tied, nas__test *test)
{
    int sum = (n + m) * (n + m + 1), a_sum = 0; /* doubled */
    double *share = NULL, all = n + m;
    for (int i = 0; i < n; i++)
        a_sum += ranks[i];
    test->favours = a_sum - n * (all + 1);
    test->exact = (double)n * all * sum <= counted;
    if (!test->exact) {
        double variance = n * (double)m / 12 * (all + 1 - tied / (all * (all - 1)));
        double distance = fmax(0, fabs(test->favours) / 2 - 0.5);
        test->p = variance > 0 ? two_normal_tails(distance / sqrt(variance)) : 1;
        return NAS_OK;
    }
    NAS_TRY(count_choices(ranks, n + m, n, sum, &share));
    test->p = two_tails(share, sum, a_sum);
    free(share);
    return NAS_OK;
}

nas_status nas__rank_sum(const double *a, int a_count, const double *b, int b_count,
                         nas__test *test)
{
    size_t all = (size_t)a_count + (size_t)b_count;
    double *values = malloc((all + 1) * sizeof *values), tied = 0;
    int *ranks = malloc((all + 1) * sizeof *ranks);
    nas_status status = NAS_OK;
    nas__test result = {
        .p = 1, .least = least_of(a_count, b_count), .exact = true, .used = a_count + b_count};
    if (!values || !ranks) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for %zu numbers", all);
        goto done;
    }
    memcpy(values, a, (size_t)a_count * sizeof *values);
    memcpy(values + a_count, b, (size_t)b_count * sizeof *values);
    NAS_TRY_DONE(rank_doubled(values, a_count + b_count, ranks, &tied));
    if (a_count > 0 && b_count > 0)
        NAS_TRY_DONE(test_choices(ranks, a_count, b_count, tied, &result));
    *test = result;
done:
    free(values);
    free(ranks);
    return status;
}

/* ---- superiority --------------------------------------------------------------------------------------------------------------- */

/* Newcombe's variance of an estimate when the truth is `share`. */
static double superiority_variance(double share, double n, double m)
{
    double size = (n + m) / 2 - 1;
    double more = size * ((1 - share) / (2 - share) + share / (1 + share));
    return share * (1 - share) * (1 + more) / (n * m);
}

/* The farthest truth between the estimate and `end` (0 or 1) that the estimate does not speak against. */
static double superiority_end(double estimate, double end, double n, double m, double z)
{
    double near = estimate, far = end;
    for (int i = 0; i < 100; i++) {
        double middle = (near + far) / 2;
        bool within = fabs(middle - estimate) <= z * sqrt(superiority_variance(middle, n, m));
        *(within ? &near : &far) = middle;
    }
    return near;
}

nas_interval nas__superiority(const double *a, int a_count, const double *b, int b_count,
                              double level)
{
    double twice = 0, z = nas__student_quantile(1 - level / 2, INFINITY);
    if (a_count == 0 || b_count == 0)
        return (nas_interval){NAN, NAN, NAN};
    for (int i = 0; i < a_count; i++)
        for (int k = 0; k < b_count; k++)
            twice += (a[i] > b[k]) + (a[i] >= b[k]);
    double share = twice / 2 / a_count / b_count;
    return (nas_interval){share, superiority_end(share, 0, a_count, b_count, z),
                          superiority_end(share, 1, a_count, b_count, z)};
}

/* ---- several at once ------------------------------------------------------------------------------------------------------------- */

nas_status nas__holm(const double *p, int count, double *adjusted)
{
    item *items = malloc(((size_t)count + 1) * sizeof *items);
    double floor = 0;
    if (!items)
        NAS_FAIL(NAS_MEMORY, "no memory for %d tests", count);
    for (int i = 0; i < count; i++)
        items[i] = (item){p[i], i};
    qsort(items, (size_t)count, sizeof *items, by_item);
    for (int i = 0; i < count; i++) {
        floor = fmax(floor, fmin(1, (count - i) * items[i].value));
        adjusted[items[i].at] = floor;
    }
    free(items);
    return NAS_OK;
}
