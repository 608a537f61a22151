/* relaxation.h - the continuous relaxation of a choice: architecture weights α, the gates they give, their own optimizer.
 * Who does what: method.h.
 */
#ifndef NAS_EVAL_RELAXATION_H
#define NAS_EVAL_RELAXATION_H

#include "method.h"

/* What a training step draws noise for: α's own step or that of the weights. */
typedef enum nas__phase { NAS__PHASE_ALPHA, NAS__PHASE_WEIGHTS } nas__phase;

typedef struct nas__relaxation {
    const nas__method_options *options;
    const nas_gate_table *table;
    nas_net *net;
    const nas_optimizer *adam;
    union {
        unsigned char bytes[NAS_OPTIMIZER_OPTIONS_SIZE];
        double align;
    } adam_options;
    nas_buffer *memory;
    nas_tensor rows, soft, costs;
    nas_tensor sums; /* of gate gradients over the parts of a batch */
    int parts;
    nas_tensor alpha, gradient, moments[NAS_OPTIMIZER_MOMENTS];
    /* pairs: what α's step samples, NULL: the same; accumulate: NULL with one part; update: without the way back */
    nas_tape *sample, *pairs, *plain, *accumulate, *backward, *update;
    float *open; /* the gates, as the host knows them */
} nas__relaxation;

/* Options, table and net (of the table's supergraph; with paths if the method has them) are lent.  `parts`: of a batch of α's, ≥ 1.  α's first values and the noise
 * follow from (seed, key). */
nas_status nas__relaxation_create(const nas__method_options *options, const nas_gate_table *table,
                                  nas_net *net, int parts, uint64_t seed, uint64_t key,
                                  nas__relaxation **relaxation);
void nas__relaxation_destroy(nas__relaxation *relaxation);
/* [table->choices], for methods with pairs: α then also descends Σ over the rows of the mean cost by softmax(α); at first all 0. */
nas_status nas__relaxation_charge(nas__relaxation *relaxation, const float *costs);
/* A step block for what follows, made from that of the weights' step: temperature, phase, Adam's factors. */
void nas__relaxation_step(const nas__relaxation *relaxation, const nas_step *weights, int steps,
                          nas__phase phase, nas_step *step);
/* The net's gates from α, as the method draws them for this phase; without noise; one step of α by the net's gate gradients,
 * which must be of gates that nas__relaxation_sample gave for α's phase.  The net's step block is one of nas__relaxation_step.  All
 * enqueue, but the first two wait for the device where gates are hard and what has lost does not run. */
nas_status nas__relaxation_sample(nas__relaxation *relaxation, nas__phase phase);
nas_status nas__relaxation_plain(nas__relaxation *relaxation);
nas_status nas__relaxation_update(nas__relaxation *relaxation);
/* After each backward pass of the gates over part 0 … parts − 1 of a batch: behind the last one, the net's gate gradients are
 * the mean over all.  Enqueues; with one part there is nothing to do. */
nas_status nas__relaxation_accumulate(nas__relaxation *relaxation, int part);
/* The part of it that comes before the step: fills relaxation->gradient, for gates of either kind. */
nas_status nas__relaxation_backward(nas__relaxation *relaxation);
/* Floats of α that mean something, the edges' β among them; what lies behind is padding. */
int nas__relaxation_used(const nas__relaxation *relaxation);
/* The gates of one path: a choice for each row, −1: none. */
nas_status nas__relaxation_take(nas__relaxation *relaxation, const int choices[NAS_GATE_ROWS]);
/* What α says about each choice, [table->choices]: its share of the row times that of the edge; waits for the device. */
nas_status nas__relaxation_weights(const nas__relaxation *relaxation, float *weights);

/* ---- unrolled.c ---- */

/* Fills the net's gate gradients with those of the validation loss after one step of the weights (arXiv 1806.09055, equation 7
 * and 8). */
typedef struct nas__unrolled nas__unrolled;

typedef struct nas__unrolled_setup {
    nas_net *net;
    nas_tensor moment; /* of the weights' optimizer, sgd */
    double momentum, weight_decay;
    /* Put a batch into the net, with its step block. */
    nas_status (*load_train)(void *user);
    nas_status (*load_valid)(void *user);
    void *user;
} nas__unrolled_setup;

nas_status nas__unrolled_create(const nas__unrolled_setup *setup, nas__unrolled **unrolled);
void nas__unrolled_destroy(nas__unrolled *unrolled);
/* The gates are set; the weights come back as they were, to the bit. */
nas_status nas__unrolled_gradient(nas__unrolled *unrolled);

/* ---- curvature.c ---- */

/* The largest eigenvalue of the Hessian, by α, of the loss on the batch that is in the net with its step block (arXiv 1909.09656).
 * Gates are those without noise; α comes back as it was.  Waits for the device. */
nas_status nas__curvature(nas__relaxation *relaxation, double *largest);

#endif
