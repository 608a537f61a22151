/* policy.h - a distribution over rows of genes that learns from rewards: what `reinforce` and `ppo` draw from. */
#ifndef NAS_SEARCH_POLICY_H
#define NAS_SEARCH_POLICY_H

#include <clnas/search.h>

#include "weights.h"

typedef enum nas__policy_kind { NAS__POLICY_TABLE, NAS__POLICY_LSTM } nas__policy_kind;

typedef struct nas__policy_shape {
    nas__policy_kind kind;
    int hidden, layers;   /* of the LSTM */
    double temperature;   /* logits are divided by it */
    double tanh_constant; /* logits become c·tanh(logit); 0: not */
    /* 0: rows are drawn.  Else the last choice of each gene means "keep it" (edits.c), and with all logits at 0 a gene is drawn
     * anew with this probability. */
    double anew;
} nas__policy_shape;

typedef struct nas__policy nas__policy;
struct nas__policy {
    nas__policy_shape shape;
    const nas_domain *domain;
    nas__weights weights;
    int steps;             /* genes with more than one choice */
    int genes[NAS_GENES];  /* the gene of a step */
    int offset[NAS_GENES]; /* table: the first logit of a step */
    double *chances;       /* [steps][choices_max]: softmax of the last walk */
    double *squeezed;      /* [steps][choices_max]: d logit behind tanh / d logit before it */
    int choices_max;
    struct nas__lstm *lstm; /* NULL: table */
    const nas_arch *under;  /* what kept genes are; NULL: rows are drawn */
};

nas_status nas__policy_create(const nas_domain *domain, const nas__policy_shape *shape,
                              uint64_t seed, nas__policy **policy);
void nas__policy_destroy(nas__policy *policy);
/* Draws a row (raw: not canonical, perhaps not valid); returns its log-probability. */
double nas__policy_draw(nas__policy *policy, nas_random *random, nas_arch *row);
/* Log-probability of a row; `*entropy` the sum over the steps along it. */
double nas__policy_look(nas__policy *policy, const nas_arch *row, double *entropy);
/* Adds the gradient of −(chance·log p + bonus·entropy) for the row looked at last. */
void nas__policy_learn(nas__policy *policy, const nas_arch *row, double chance, double bonus);

/* Proposes a drawn row: the first valid one of `tries`.  Its note keeps the log-probability and the raw row. */
nas_status nas__policy_propose(nas__policy *policy, const nas_setting *setting,
                               const nas_outlook *outlook, int64_t tries, nas_proposal *proposal);
/* What nas__policy_propose noted; false for a trial that no policy drew. */
bool nas__policy_recall(const nas_seen *trial, nas_arch *row, double *log_chance);

/* Exponential moving average of the rewards, corrected for its start at 0. */
typedef struct nas__baseline {
    double sum, share, worst;
    int count;
} nas__baseline;
/* Takes in a result and returns its reward: the score, or for a failed trial or one outside of the bounds the worst
 * reward so far. */
double nas__baseline_take(nas__baseline *baseline, double decay, const nas_seen *trial);
double nas__baseline_value(const nas__baseline *baseline);

/* What a gene is after its step: the choice, or what it was where it is kept. */
int nas__policy_choice(const nas__policy *policy, const nas_arch *row, int gene);

/* ---- between policy.c and policy_lstm.c ------------------------------------------------------------------------- */

nas_status nas__lstm_create(nas__policy *policy); /* sets policy->lstm and creates the weights */
void nas__lstm_init(nas__policy *policy, nas_random *random);
void nas__lstm_destroy(struct nas__lstm *lstm);
/* The logits of step t, after the choices of the steps before it. */
void nas__lstm_step(nas__policy *policy, int t, int choice_before, double *logits);
/* Gradients of all steps, last to first; d_logits [steps][choices_max]. */
void nas__lstm_back(nas__policy *policy, const nas_arch *row, const double *d_logits);

#endif
