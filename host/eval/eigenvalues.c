/* eigenvalues.c - the two proxies that compare the samples of a batch: spectra of small symmetric matrices.
 *
 * naswot (Mellor et al., "Neural architecture search without training", 2006.04647): K[i][j] counts the relus that samples i and j
 * find in the same state, open or closed; the score is log |det K|.  A network that tells its samples apart has a K with a
 * heavy diagonal.  Where two samples are not told apart at all K is singular: then every eigenvalue is raised by n·ε times the
 * largest.
 *
 * jacob_cov (the same paper's first version, in the form of Abdelfattah et al., 2101.08134): row i is the gradient of sample i's
 * summed outputs by its input; the score is −Σ (log(v + k) + 1/(v + k)), k = 1e-5, over the eigenvalues of the rows'
 * correlations: 0 correlation, v = 1, is the best. */
#include "proxies.h"
#include "spectrum.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* A matrix and its eigenvalues in one piece. */
static nas_status make_matrix(int n, double **matrix)
{
    *matrix = calloc((size_t)n * (size_t)n + (size_t)n, sizeof **matrix);
    if (!*matrix)
        NAS_FAIL(NAS_MEMORY, "no memory for a %dx%d matrix", n, n);
    return NAS_OK;
}

nas_status nas__naswot(const uint32_t *distances, int stride, int n, uint64_t signs, double *score)
{
    double *matrix, sum = 0;
    NAS_TRY(make_matrix(n, &matrix));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            matrix[i * n + j] = (double)signs - distances[i * stride + j];
    double *values = matrix + (size_t)n * (size_t)n;
    nas_status status = nas__eigenvalues(matrix, n, values);
    if (status == NAS_OK) {
        double least = n * DBL_EPSILON * values[n - 1];
        double jitter = values[0] > least ? 0 : least;
        for (int i = 0; i < n; i++)
            sum += log(fmax(values[i] + jitter, least));
        *score = sum;
    }
    free(matrix);
    return status;
}

/* The columns of [d][n], one per sample, in place: mean 0, length 1; NaN where one is constant. */
static void normalise(double *rows, int d, int n)
{
    for (int i = 0; i < n; i++) {
        double mean = 0, square = 0;
        for (int k = 0; k < d; k++)
            mean += rows[(size_t)k * (size_t)n + (size_t)i];
        mean /= d;
        for (int k = 0; k < d; k++) {
            double *at = &rows[(size_t)k * (size_t)n + (size_t)i];
            *at -= mean;
            square += *at * *at;
        }
        for (int k = 0; k < d; k++)
            rows[(size_t)k * (size_t)n + (size_t)i] /= sqrt(square);
    }
}

static void correlate(const double *rows, int d, int n, double *matrix)
{
    for (int k = 0; k < d; k++) {
        const double *row = rows + (size_t)k * (size_t)n;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                matrix[i * n + j] += row[i] * row[j];
    }
}

nas_status nas__jacob_cov(const float *jacobian, int d, int stride, int n, double *score)
{
    static const double k = 1e-5;
    double *matrix, sum = 0;
    double *rows = malloc((size_t)d * (size_t)n * sizeof *rows);
    if (!rows)
        NAS_FAIL(NAS_MEMORY, "no memory for a %dx%d Jacobian", d, n);
    nas_status status = make_matrix(n, &matrix);
    if (status != NAS_OK) {
        free(rows);
        return status;
    }
    for (int r = 0; r < d; r++)
        for (int i = 0; i < n; i++)
            rows[(size_t)r * (size_t)n + (size_t)i] =
                jacobian[(size_t)r * (size_t)stride + (size_t)i];
    normalise(rows, d, n);
    correlate(rows, d, n, matrix);
    free(rows);
    double *values = matrix + (size_t)n * (size_t)n;
    status = nas__eigenvalues(matrix, n, values);
    for (int i = 0; status == NAS_OK && i < n; i++) {
        double v = fmax(values[i], 0) + k; /* rounding may leave −1e-16 of a correlation matrix */
        sum += log(v) + 1 / v;
    }
    if (status == NAS_OK)
        *score = -sum;
    else if (status == NAS_NONFINITE)
        status = nas_error_set(status, __FILE__, __LINE__,
                               "jacob_cov: the outputs do not depend on the input of each sample");
    free(matrix);
    return status;
}
