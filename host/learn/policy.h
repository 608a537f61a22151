/* policy.h - a policy's insides, as policy.c and policy_lstm.c share them. */
#ifndef NAS_LEARN_POLICY_H
#define NAS_LEARN_POLICY_H

#include <clnas/learn.h>

struct nas_policy {
    nas_policy_shape shape;
    const nas_domain *domain;
    nas_weights weights;
    int steps;             /* genes with more than one choice */
    int genes[NAS_GENES];  /* the gene of a step */
    int offset[NAS_GENES]; /* table: the first logit of a step */
    double *chances;       /* [steps][choices_max]: softmax of the last walk */
    double *squeezed;      /* [steps][choices_max]: d logit behind tanh / d logit before it */
    int choices_max;
    int skip_groups;        /* groups of genes with a skip among them */
    struct nas__lstm *lstm; /* NULL: table */
    const nas_arch *under;  /* what kept genes are; NULL: rows are drawn */
};

/* What a gene is after its step: the choice, or what it was where it is kept. */
int nas__policy_choice(const nas_policy *policy, const nas_arch *row, int gene);

nas_status nas__lstm_create(nas_policy *policy); /* sets policy->lstm and creates the weights */
void nas__lstm_init(nas_policy *policy, nas_random *random);
void nas__lstm_destroy(struct nas__lstm *lstm);
/* The logits of step t, after the choices of the steps before it. */
void nas__lstm_step(nas_policy *policy, int t, int choice_before, double *logits);
/* Gradients of all steps, last to first; d_logits [steps][choices_max]. */
void nas__lstm_back(nas_policy *policy, const nas_arch *row, const double *d_logits);

#endif
