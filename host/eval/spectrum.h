/* spectrum.h - eigenvalues of symmetric matrices (spectrum.c). */
#ifndef NAS_EVAL_SPECTRUM_H
#define NAS_EVAL_SPECTRUM_H

#include <clnas/base.h>

/* Ascending eigenvalues of a symmetric matrix [n][n], which is used up.  NAS_NONFINITE: it has an entry that is no number. */
nas_status nas__eigenvalues(double *matrix, int n, double *values);

/* Fills `result` [n] with the product of a symmetric matrix and a vector [n]. */
typedef nas_status (*nas__product)(void *user, const double *vector, double *result);
/* The largest eigenvalue (not the one of the largest size) of a symmetric matrix [n][n] that is known by its products alone. */
nas_status nas__largest_eigenvalue(nas__product product, void *user, int n, double *largest);

#endif
