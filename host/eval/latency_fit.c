/* latency_fit.c - the shares of a few terms in measured seconds: least squares of the relative error, no share below 0.
 *
 *     minimise  Σ (1 − Σ x[i][k]·share[k] / y[i])²,  share ≥ 0
 *
 * Relative, because a network of 0.2 ms should be as well predicted as one of 20 ms; not negative, because a time is not.  With four
 * terms at most every subset of them is tried, the normal equations solved by elimination, and the best of those without a negative
 * share is the solution (it is, for the optimum is the unconstrained one of the terms that are not 0 in it). */
#include <clnas/eval.h>

#include <math.h>
#include <string.h>

enum { MOST = NAS_LATENCY_SHARES };

/* Gaussian elimination with pivots, n ≤ MOST; false: singular. */
static bool solve(double a[MOST][MOST + 1], int n)
{
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            pivot = fabs(a[i][k]) > fabs(a[pivot][k]) ? i : pivot;
        if (fabs(a[pivot][k]) < 1e-12)
            return false;
        for (int j = k; j <= n; j++) {
            const double swap = a[k][j];
            a[k][j] = a[pivot][j];
            a[pivot][j] = swap;
        }
        for (int i = 0; i < n; i++)
            for (int j = n; i != k && j >= k; j--)
                a[i][j] -= a[i][k] / a[k][k] * a[k][j];
    }
    for (int k = 0; k < n; k++)
        a[k][n] /= a[k][k];
    return true;
}

typedef struct fit {
    int columns;
    double scale
        [MOST]; /* root mean square of x/y of each term: what shares are counted in meanwhile */
    double moment[MOST][MOST]; /* of the scaled x/y */
    double sum[MOST];
    double rows;
} fit;

static void gather(const double *x, const double *y, int rows, fit *f)
{
    for (int k = 0; k < f->columns; k++) {
        for (int i = 0; i < rows; i++)
            f->scale[k] += pow(x[i * f->columns + k] / y[i], 2) / rows;
        f->scale[k] = sqrt(f->scale[k]);
    }
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < f->columns && f->scale[k] > 0; k++) {
            const double own = x[i * f->columns + k] / y[i] / f->scale[k];
            f->sum[k] += own / rows;
            for (int j = 0; j < f->columns; j++)
                if (f->scale[j] > 0)
                    f->moment[k][j] += own * x[i * f->columns + j] / y[i] / f->scale[j] / rows;
        }
}

/* Of the terms in `subset`; the mean square of what is left, or INFINITY where that is no solution. */
static double try_subset(const fit *f, unsigned subset, double share[MOST])
{
    int of[MOST], n = 0;
    double a[MOST][MOST + 1], left = 1;
    for (int k = 0; k < f->columns; k++)
        if (subset >> k & 1)
            of[n++] = k;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            a[i][j] = f->moment[of[i]][of[j]];
        a[i][n] = f->sum[of[i]];
    }
    memset(share, 0, MOST * sizeof *share);
    if (!solve(a, n))
        return INFINITY;
    for (int i = 0; i < n; i++) {
        if (a[i][n] < 0)
            return INFINITY;
        share[of[i]] = a[i][n] / f->scale[of[i]];
        left -= a[i][n] * f->sum[of[i]];
    }
    return left;
}

nas_status nas_latency_fit(const double *x, const double *y, int rows, int columns,
                           double share[NAS_LATENCY_SHARES])
{
    fit f = {.columns = columns};
    double best = INFINITY;
    for (int i = 0; i < rows; i++)
        if (!(y[i] > 0))
            NAS_FAIL(NAS_DATA, "%g seconds are no time that anything could be fitted to", y[i]);
    gather(x, y, rows, &f);
    for (unsigned subset = 1; subset < 1u << columns; subset++) {
        double tried[MOST];
        const double left = try_subset(&f, subset, tried);
        if (left < best - 1e-12) {
            best = left;
            memcpy(share, tried, sizeof tried);
        }
    }
    if (isinf(best))
        NAS_FAIL(NAS_DATA, "nothing can be fitted to %d rows of zeros", rows);
    return NAS_OK;
}
