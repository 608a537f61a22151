/* spectrum.c - eigenvalues of symmetric matrices: all of a small one, or the largest of one that only multiplies.
 *
 * LAPACK does the first, from the OpenBLAS that is linked anyway.  Its C interface is a package of its own for one call, so the
 * Fortran symbol is declared here, with the lengths of its two texts as gfortran passes them.
 *
 * Lanczos does the second.  In the basis of v, Hv, H²v … made orthonormal, H is tridiagonal,
 *
 *     β_k·q_{k+1} = H·q_k − α_k·q_k − β_{k−1}·q_{k−1},   α_k = q_k·H·q_k
 *
 * and the largest eigenvalue of k rows of that rises to H's, within a tenth of a percent after a dozen products where eigenvalues at
 * the end of the spectrum stand apart.  Each new vector is made orthogonal to all before it, twice: products by differences have
 * errors of a hundredth of a percent, of which the recurrence alone would make copies of eigenvalues. */
#include "spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern void dsyev_(const char *job, const char *triangle, const int *n, double *matrix,
                   const int *stride, double *values, double *work, const int *work_count,
                   int *info, size_t job_length, size_t triangle_length);

nas_status nas__eigenvalues(double *matrix, int n, double *values)
{
    int info = 0, work_count = 64 * n + 64;
    double *work = malloc((size_t)work_count * sizeof *work);
    if (!work)
        NAS_FAIL(NAS_MEMORY, "no memory for the eigenvalues of a %dx%d matrix", n, n);
    for (int i = 0; i < n * n; i++)
        if (!isfinite(matrix[i]))
            info = -1;
    if (info == 0)
        dsyev_("N", "U", &n, matrix, &n, values, work, &work_count, &info, 1, 1);
    free(work);
    if (info != 0)
        NAS_FAIL(NAS_NONFINITE, "a %dx%d matrix has no eigenvalues (%d)", n, n, info);
    return NAS_OK;
}

/* ---- Lanczos --------------------------------------------------------------------------------------------------------- */

enum { PRODUCTS = 24 };            /* at most */
static const double enough = 1e-3; /* of the largest eigenvalue, by which it still rises */

typedef struct lanczos {
    int n, known;
    double *basis; /* [PRODUCTS + 1][n], orthonormal */
    double diagonal[PRODUCTS], beside[PRODUCTS];
} lanczos;

static double *vector_at(const lanczos *l, int k)
{
    return l->basis + (size_t)k * (size_t)l->n;
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Length of what is left of `vector` when the basis has got its share; left as a unit vector where there is anything. */
static double straighten(const lanczos *l, double *vector)
{
    for (int again = 0; again < 2; again++)
        for (int k = 0; k < l->known; k++) {
            const double share = dot(vector, vector_at(l, k), l->n);
            for (int i = 0; i < l->n; i++)
                vector[i] -= share * vector_at(l, k)[i];
        }
    const double length = sqrt(dot(vector, vector, l->n));
    for (int i = 0; i < l->n && length > 0; i++)
        vector[i] /= length;
    return length;
}

static nas_status largest_so_far(const lanczos *l, double *largest)
{
    double matrix[PRODUCTS * PRODUCTS] = {0}, values[PRODUCTS];
    const int n = l->known;
    for (int k = 0; k < n; k++) {
        matrix[k * n + k] = l->diagonal[k];
        if (k + 1 < n)
            matrix[k * n + k + 1] = matrix[(k + 1) * n + k] = l->beside[k];
    }
    NAS_TRY(nas__eigenvalues(matrix, n, values));
    *largest = values[n - 1];
    return NAS_OK;
}

static nas_status iterate(lanczos *l, nas__product product, void *user, double *largest)
{
    double before = NAN, length = 1;
    const int products = l->n < PRODUCTS ? l->n : PRODUCTS;
    while (l->known < products && length > 0) {
        const double *vector = vector_at(l, l->known);
        double *next = vector_at(l, l->known + 1);
        NAS_TRY(product(user, vector, next));
        l->diagonal[l->known] = dot(vector, next, l->n);
        l->beside[l->known] = 0;
        l->known++;
        NAS_TRY(largest_so_far(l, largest));
        if (fabs(*largest - before) <= enough * fabs(*largest))
            break;
        before = *largest;
        length = straighten(l, next);
        l->beside[l->known - 1] = length;
    }
    return NAS_OK;
}

nas_status nas__largest_eigenvalue(nas__product product, void *user, int n, double *largest)
{
    lanczos l = {.n = n, .basis = calloc((size_t)(PRODUCTS + 1) * (size_t)n, sizeof(double))};
    if (!l.basis)
        NAS_FAIL(NAS_MEMORY, "no memory for an eigenvalue of a %dx%d matrix", n, n);
    nas_random random =
        nas_random_make(0, NAS_STREAM_GATES, (uint32_t)n, 0, 0x6c616e63u /* "lanc" */);
    for (int i = 0; i < n; i++)
        l.basis[i] = nas_random_normal(&random);
    straighten(&l, l.basis);
    nas_status status = iterate(&l, product, user, largest);
    free(l.basis);
    return status;
}
