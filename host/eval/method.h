/* method.h - one-shot methods and what a strategy's group says of one (method.c).
 *
 *   supernet.c    the evaluator: epochs, paths        supernet_train.c   shared weights in training
 *   relaxation.c  α, gates and Adam on the device     sampling.c         paths in place of α
 *   unrolled.c    DARTS' second order                 curvature.c        how sharply the loss bends under α
 *   controller.c  ENAS's policy over paths            controlled.c       its part of an epoch
 *   recalibrate.c norms of one path                 latency.c          what choices take, from a table
 *   heritage.c    a network that begins with its weights in the supernet
 *   method_list.h the methods
 *   cl/gates.cl, cl/unrolled.cl   the kernels and their formulas
 */
#ifndef NAS_EVAL_METHOD_H
#define NAS_EVAL_METHOD_H

#include "evaluator.h"

typedef struct nas__method {
    const char *name; /* of the strategy */
    bool noisy, hard, pairs, edges, sampled, fair, controlled;
} nas__method;

extern const nas__method nas__methods[];
extern const int nas__method_count;

/* Of a method that has one (host/search/enas.c has the option table). */
typedef struct nas__controller_options {
    int64_t steps, aggregate; /* updates in an epoch; architectures of an update */
    int64_t hidden, layers;   /* of the LSTM */
    int64_t candidates;       /* that the last epoch lists */
    double tanh_constant, op_tanh, temperature;
    double lr, beta1, beta2, epsilon, clip;
    double entropy, decay; /* weight of the bonus; of the baseline */
    double skip_target, skip_weight;
} nas__controller_options;
/* Some candidates do not run at all: the net is one with paths. */
static inline bool nas__method_has_paths(const nas__method *method)
{
    return method->sampled || method->hard;
}

/* A pass takes one choice of each row at most. */
static inline bool nas__method_takes_one(const nas__method *method)
{
    return nas__method_has_paths(method) && !method->pairs;
}

/* What the strategy's group says (its option table is the strategy's, in host/search/oneshot.h and sharing.h). */
typedef struct nas__method_options {
    const nas__method *method;
    int64_t epochs, start; /* of the supernet; the first one (0 …) that α is trained in */
    int64_t every;         /* steps of the weights for one of α */
    int64_t order;         /* 1 or 2 */
    int64_t partial;       /* 1: all channels go through the operations */
    int64_t curvature;     /* epochs from one measurement of it to the next; 0: never */
    int64_t recalibrate;   /* batches; 0: norms use each batch's own statistics */
    double share;          /* of the training split that weights are trained on */
    double lr, beta1, beta2, weight_decay, scale; /* of α; scale: of its first values */
    double warm, cold;                            /* temperatures of the first and last epoch */
    nas__controller_options controller;
    char latency_table[NAS_TEXT_SIZE];        /* file; "": none */
    double latency_weight, latency_reference; /* λ; seconds, 0: E[lat] of equal shares */
} nas__method_options;

/* NAS_CONFIG when the group is of no method here. */
nas_status nas__method_read(const nas_value *group, nas__method_options *options);

#endif
