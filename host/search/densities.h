/* densities.h - one categorical density for each gene, from counts and a prior: what `tpe` and `bohb` draw from. */
#ifndef NAS_SEARCH_DENSITIES_H
#define NAS_SEARCH_DENSITIES_H

#include <clnas/space.h>

typedef struct nas__densities {
    const nas_domain *domain;
    int offset[NAS_GENES];
    double *chance; /* [Σ choices] */
} nas__densities;

nas_status nas__densities_create(const nas_domain *domain, nas__densities *densities);
void nas__densities_clear(nas__densities *densities);
/* chance = (count + prior) / (rows + prior·choices) over rows[0 … count−1]. */
void nas__densities_set(nas__densities *densities, const nas_arch *const *rows, int count,
                        double prior);
double nas__densities_of(const nas__densities *densities, int gene, int choice);
int nas__densities_draw(const nas__densities *densities, int gene, nas_random *random);
/* Each gene by itself: of `candidates` draws from `good` the choice with the greatest good/bad. */
void nas__densities_propose(const nas__densities *good, const nas__densities *bad, int candidates,
                            nas_random *random, nas_arch *row);

#endif
