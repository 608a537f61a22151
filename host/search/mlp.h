/* mlp.h - an ensemble of small fully connected networks that predicts a score from an architecture's features. */
#ifndef NAS_SEARCH_MLP_H
#define NAS_SEARCH_MLP_H

#include "weights.h"

typedef struct nas__mlp_shape {
    int inputs, layers, units; /* hidden layers and the units of each */
    int members;               /* of the ensemble; each has other weights and batches */
    int epochs, batch;
    double rate;
} nas__mlp_shape;

typedef struct nas__mlp {
    nas__mlp_shape shape;
    nas__weights *members;
    double mean, deviation; /* of the targets */
    double *activations;    /* [layers + 1][batch][widest] */
    double *errors;         /* two of [batch][widest] */
    int widest;
} nas__mlp;

nas_status nas__mlp_create(const nas__mlp_shape *shape, nas__mlp *mlp);
void nas__mlp_clear(nas__mlp *mlp);
/* Trains every member anew on rows of features (in [rows][inputs]) and their targets; the same key gives the same members. */
nas_status nas__mlp_fit(nas__mlp *mlp, const double *features, const double *targets, int rows,
                        uint64_t seed, uint32_t key);
/* Mean and standard deviation over the members for one row. */
void nas__mlp_predict(nas__mlp *mlp, const double *features, double *mean, double *deviation);

/* Mean absolute error of member `member` on at most `batch` rows with scaled targets; adds its gradient. */
double nas__mlp_loss(nas__mlp *mlp, int member, const double *features, const double *targets,
                     int rows);

#endif
