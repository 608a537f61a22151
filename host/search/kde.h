/* kde.h - the model inside BOHB: a kernel density of the good results over one of the others, per budget. */
#ifndef NAS_SEARCH_KDE_H
#define NAS_SEARCH_KDE_H

#include "search.h"

typedef struct nas__kde_options {
    double good, random_share, factor, bandwidth_min, bandwidth_max;
    int64_t samples, points_min, tries; /* points_min 0: genes + 1 */
} nas__kde_options;

extern const nas_strategy nas__kde;

/* Aitchison and Aitken's kernel: 1 − h for the same choice, h/(choices − 1) for another. */
double nas__kde_kernel(int choice, int centre, int choices, double bandwidth);
/* Mean over the rows of the product of the kernels. */
double nas__kde_density(const nas_domain *domain, const nas_arch *const *rows, int count,
                        const double *bandwidth, const nas_arch *arch);
/* 1.06·σ·count^(−1/(4 + genes)) for each gene, within [least, most] and (choices − 1)/choices,
 * where every choice is alike. */
void nas__kde_bandwidths(const nas_domain *domain, const nas_arch *const *rows, int count,
                         double least, double most, double *bandwidth);

#endif
