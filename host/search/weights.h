/* weights.h - the numbers that a small model on the host learns, and Adam. */
#ifndef NAS_SEARCH_WEIGHTS_H
#define NAS_SEARCH_WEIGHTS_H

#include <clnas/base.h>

typedef struct nas__adam {
    double rate, beta1, beta2, epsilon;
    double clip; /* largest L2 norm of a gradient; 0: none */
} nas__adam;

/* One flat row of weights with its gradient and moments; models hold offsets into it. */
typedef struct nas__weights {
    int count;
    int64_t steps;
    double *value, *gradient, *first, *second;
} nas__weights;

nas_status nas__weights_create(int count, nas__weights *weights); /* all zero */
void nas__weights_clear(nas__weights *weights);
/* Descends along `gradient` (Kingma and Ba, 1412.6980), then sets it to 0. */
void nas__weights_step(nas__weights *weights, const nas__adam *adam);

#endif
