/* learn.h - small models on the host that learn: policies over rows of genes, and perceptrons that predict a score.
 *
 * Everything here is a few thousand doubles and a handful of products, so it needs no device.  A model holds its numbers in one flat
 * row, `nas_weights`, and Adam moves them:
 *
 *     nas_policy *policy;
 *     NAS_TRY(nas_policy_create(domain, &shape, seed, &policy));
 *     nas_policy_draw(policy, &random, &row);                  // a row, and its log-probability
 *     nas_policy_learn(policy, &row, &push);                   // adds to the gradient
 *     nas_weights_step(nas_policy_weights(policy), &adam);
 *
 * What is computed follows from seed, calls and numbers alone.  Next: host/learn/policy.c.
 */
#ifndef CLNAS_LEARN_H
#define CLNAS_LEARN_H

#include <clnas/space.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weights --------------------------------------------------------------------------------------- */

/* Adam's settings. */
typedef struct nas_adam {
    /* Learning rate; decays of the moments; what keeps the divisor from 0. */
    double rate, beta1, beta2, epsilon;
    double clip; /* largest L2 norm of a gradient; 0: none */
} nas_adam;

/* One flat row of weights with its gradient and moments; models hold offsets into it. */
typedef struct nas_weights {
    int count;
    int64_t steps;                             /* so far; Adam corrects for its start by them */
    double *value, *gradient, *first, *second; /* one block: [4][count] */
} nas_weights;

NAS_API nas_status nas_weights_create(int count, nas_weights *weights); /* all zero */
NAS_API void nas_weights_clear(nas_weights *weights);
/* Descends along `gradient` (Kingma and Ba, 1412.6980), then sets it to 0. */
NAS_API void nas_weights_step(nas_weights *weights, const nas_adam *adam);

/* ---- policy: a distribution over rows of genes that learns from rewards ----------------------------- */

/* A number for each choice of each gene, or a recurrent network over the genes. */
typedef enum nas_policy_kind { NAS_POLICY_TABLE, NAS_POLICY_LSTM } nas_policy_kind;

/* What a policy is made of. */
typedef struct nas_policy_shape {
    nas_policy_kind kind; /* which */
    int hidden, layers;   /* of the LSTM */
    double temperature;   /* logits are divided by it */
    double tanh_constant; /* logits become c·tanh(logit); 0: not */
    /* 0: rows are drawn.  Else the last choice of each gene means "keep it" (host/search/edits.c), and with all logits at 0 a gene is
     * drawn anew with this probability. */
    double anew;
    double op_tanh;     /* c of genes called "op" (ENAS's cells: a smaller one); 0: tanh_constant */
    double skip_target; /* of genes called "skip": share of skips that the penalty pulls to */
} nas_policy_shape;

/* One policy with its weights and the row it looked at last.  One thread at a time. */
typedef struct nas_policy nas_policy;

/* Of the genes with more than one choice.  `domain` is lent. */
NAS_API nas_status nas_policy_create(const nas_domain *domain, const nas_policy_shape *shape,
                                     uint64_t seed, nas_policy **policy);
NAS_API void nas_policy_destroy(nas_policy *policy);
NAS_API nas_weights *nas_policy_weights(nas_policy *policy); /* lent */
/* What kept genes are, with shape.anew; lent, and read at each walk.  NULL: rows are drawn. */
NAS_API void nas_policy_lay_under(nas_policy *policy, const nas_arch *row);
/* Draws a row (raw: not canonical, perhaps not valid); returns its log-probability. */
NAS_API double nas_policy_draw(nas_policy *policy, nas_random *random, nas_arch *row);
/* Log-probability of a row; `*entropy` the sum over the steps along it, in nats. */
NAS_API double nas_policy_look(nas_policy *policy, const nas_arch *row, double *entropy);
/* How far the chances of skips along the row drawn or looked at last are from shape.skip_target (ENAS, arXiv 1802.03268):
 * Σ KL(p ‖ target) over the genes of a layer that are called "skip", whose second choice is a skip; mean over layers that have some.
 * 0 without such genes. */
NAS_API double nas_policy_penalty(const nas_policy *policy);

/* What a step goes up by: chance·log p + bonus·entropy − pull·penalty. */
typedef struct nas_policy_push {
    double chance, bonus, pull; /* weights of the three, the advantage first */
} nas_policy_push;
/* Adds the gradient of the negative of that for the row drawn or looked at last. */
NAS_API void nas_policy_learn(nas_policy *policy, const nas_arch *row, const nas_policy_push *push);

/* ---- perceptrons: an ensemble that predicts a score from an architecture's features ------------------ */

/* What an ensemble is made of, and how it is trained. */
typedef struct nas_mlp_shape {
    int inputs, layers, units; /* hidden layers and the units of each */
    int members;               /* of the ensemble; each has other weights and batches */
    int epochs, batch;         /* passes over the rows; rows of a step */
    double rate;               /* of Adam */
} nas_mlp_shape;

/* An ensemble with room for its passes; a zeroed one is empty.  One thread at a time. */
typedef struct nas_mlp {
    nas_mlp_shape shape;    /* as created */
    nas_weights *members;   /* [shape.members] */
    double mean, deviation; /* of the targets */
    double *activations;    /* [layers + 1][batch][widest] */
    double *errors;         /* two of [batch][widest] */
    int widest;             /* of inputs and units */
} nas_mlp;

/* Allocates; the members are drawn by nas_mlp_fit. */
NAS_API nas_status nas_mlp_create(const nas_mlp_shape *shape, nas_mlp *mlp);
NAS_API void nas_mlp_clear(nas_mlp *mlp);
/* Trains every member anew on rows of features (in [rows][inputs]) and their targets; the same key gives the same members. */
NAS_API nas_status nas_mlp_fit(nas_mlp *mlp, const double *features, const double *targets,
                               int rows, uint64_t seed, uint32_t key);
/* Mean and standard deviation over the members for one row. */
NAS_API void nas_mlp_predict(nas_mlp *mlp, const double *features, double *mean, double *deviation);
/* Mean absolute error of member `member` on at most `batch` rows with scaled targets; adds its gradient. */
NAS_API double nas_mlp_loss(nas_mlp *mlp, int member, const double *features, const double *targets,
                            int rows);

#ifdef __cplusplus
}
#endif
#endif
