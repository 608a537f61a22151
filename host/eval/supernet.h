/* supernet.h - a supernet in training, as the files of its evaluator share it: supernet_plan.c says which network it is, supernet_train.c
 * makes it and trains a step, supernet.c has epochs, paths and files, controlled.c the controller's half of an epoch; recalibrate.c fits
 * norms to one path. */
#ifndef NAS_EVAL_SUPERNET_H
#define NAS_EVAL_SUPERNET_H

#include "controller.h"
#include "latency.h"
#include "relaxation.h"
#include "sampling.h"
#include "watch.h"

typedef struct nas__supernet {
    const nas_eval_setting *setting;
    nas__method_options options;
    nas_train_config train; /* the study's, over the strategy's epochs */
    nas_data_home *home;
    /* Of the training split, the weights' first; of the validation split, shuffled; what norms are recalibrated on. */
    uint32_t *samples, *valid, *norms;
    uint32_t weights_count, alpha_count, valid_count;
    nas_graph graph;
    nas_gate_table table;
    double *latency; /* seconds of each choice; NULL: there is no table */
    /* the supernet; NULL until it is needed */
    nas_trainer *trainer;
    nas__relaxation *relaxation; /* NULL: by sampled paths */
    nas__sampling *sampling;     /* NULL: by α */
    nas__controller *controller; /* NULL: paths are not drawn by one */
    nas__unrolled *unrolled;     /* NULL: first order */
    nas_batches *alpha_batches, *valid_batches, *norm_batches; /* the last NULL: not recalibrated */
    char *loaded;     /* file whose weights it has; NULL: those of its own training */
    char *derived;    /* after the last epoch that was scored */
    nas_step step;    /* of the weights, which is to come */
    nas__watch watch; /* over the score that runs */
} nas__supernet;

/* Options, graph, latencies, samples: everything but the supernet itself; also after a failure nas__supernet_close it. */
nas_status nas__supernet_open(const nas_eval_setting *setting, nas__supernet *supernet);
void nas__supernet_close(nas__supernet *supernet);
/* A supernet at its beginning, in place of the one that is there. */
nas_status nas__supernet_begin(nas__supernet *supernet);
/* The last batch of α's samples in epoch 1 …, with the step block that it was trained by. */
nas_status nas__supernet_load_last(nas__supernet *supernet, int epoch);
/* The step block that gates without noise are worked out with after `epoch` epochs. */
void nas__supernet_measuring_step(const nas__supernet *supernet, int epoch, nas_step *step);
/* Running statistics of the path that is open: the plain mean of those of all the batches (recalibrate.c).  Enqueues. */
nas_status nas__recalibrate(nas_net *net, nas_batches *batches);

/* A metric of a trial, and a point of the curve of that name; NAS_NONFINITE when it is no number. */
nas_status nas__supernet_add(nas_trial *result, const char *name, double value, bool curve);

/* ---- controlled.c ---- */

/* Of a supernet that begins: the controller, which draws its paths from now on. */
nas_status nas__controlled_begin(nas__supernet *supernet);
/* The controller's updates of epoch 1 …, whose weights are trained. */
nas_status nas__controlled_learn(nas__supernet *supernet, int epoch);
/* Curves, and in the last epoch the list of candidates, of which the result has the first. */
nas_status nas__controlled_report(nas__supernet *supernet, int epoch, nas_trial *result);

#endif
