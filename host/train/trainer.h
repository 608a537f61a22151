/* trainer.h - the trainer's state, shared by trainer.c and checkpoint.c.  Private to this room. */
#ifndef NAS_TRAIN_TRAINER_H
#define NAS_TRAIN_TRAINER_H

#include <clnas/train.h>

enum { NAS_TRAINER_SLOTS = 64 }; /* steps between two reads of the metrics, at most */
enum { NAS_TRAINER_ATTACHED = 4 };

/* Sums over the running epoch. */
typedef struct nas__epoch_sums {
    double loss, score; /* as the metrics have them */
    uint64_t count;
} nas__epoch_sums;

nas_evaluation nas__evaluation_of(const nas__epoch_sums *sums, double variance);
/* NAS_SHAPE where a network does not take the samples of the data, or gives other outputs. */
nas_status nas__check_fit(const nas_graph *graph, const nas_data *data);

/* What is saved with a training: floats on the device, or doubles here. */
typedef struct nas__attached {
    const char *name;
    nas_tensor tensor;
    double *values; /* NULL: the tensor */
    uint64_t count;
} nas__attached;

struct nas_trainer {
    nas_data_home *home;
    nas_net *net;
    nas_train_config config;
    nas_trainer_setup setup;
    nas_batches *batches;
    nas_buffer *extra; /* moments, clip's scale and scratch, health */
    nas_tensor moments[NAS_OPTIMIZER_MOMENTS];
    nas_tensor scale, scratch, health;     /* health: [4] scale and norm of parameters, of states */
    nas_tape *update, *check, *accumulate; /* accumulate: NULL with one pass */
    nas_tensor total;                      /* of the gradients of several passes, or parts */
    nas__attached attached[NAS_TRAINER_ATTACHED];
    int attached_count;
    uint32_t dropout_key[2];
    uint64_t fingerprint; /* of everything that a checkpoint must agree with */
    int epoch, step;      /* epochs done; steps done in the running one */
    int steps;            /* per epoch */
    float *metrics;       /* of the steps since the last meeting, as they are read */
    nas__epoch_sums sums;
    double variance;            /* nas_score_variance of the running epoch */
    nas_evaluation last;        /* of the last finished epoch; count 0: none */
    double seconds;             /* trained so far, for the time limit */
    double meeting_s;           /* between two reads of the metrics, about */
    const char *autosave;       /* file; NULL: none */
    double autosave_s, saved_s; /* seconds between two savings; clock at the last */
};

#endif
