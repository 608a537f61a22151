/* train.h - training one network on one device: optimizers, schedules, the trainer, checkpoints.
 *
 *     train = { epochs = 2; batch = 128; optimizer = "sgd"; lr = 0.1; schedule = "cosine"; };
 *
 * Same bits, whenever and wherever: what a step does follows from (config, seed, key, epoch, step)
 * and the weights. The schedule spans config.epochs, however far nas_trainer_run is asked to go, so
 * a training that is stopped, saved, loaded and continued equals one that was not, bit for bit, on
 * one device at any number of threads.
 *
 * The host sets a 64-byte step block and replays tapes; it waits for the device once per `slots`
 * steps, when it reads the metrics, looks for NaN, reports progress and checks the clock.
 *
 * An optimizer is added as host/train/NAME.c with a nas_optimizer called nas__optimizer_NAME,
 * cl/NAME.cl and one line in host/train/optimizer_list.h.
 */
#ifndef CLNAS_TRAIN_H
#define CLNAS_TRAIN_H

#include <clnas/data.h>
#include <clnas/net.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- optimizers ------------------------------------------------------------------------------ */

enum { NAS_OPTIMIZER_OPTIONS_SIZE = 256, NAS_OPTIMIZER_MOMENTS = 2 };

/* What one recording works with; all lent. */
typedef struct nas_optimizer_call {
    nas_device *device;                        /* whose tape it is */
    nas_tensor parameters, gradients;          /* same count, a multiple of 16 */
    uint64_t decayed_count;                    /* floats [0, decayed_count) get weight decay */
    nas_tensor moments[NAS_OPTIMIZER_MOMENTS]; /* each as long as the parameters; start as 0 */
    nas_tensor step;                           /* nas_step: lr, factors */
    nas_tensor scale;                          /* [1], what gradients are multiplied by; or none */
    nas_strip_mask mask; /* parameters and moments of strips that take no part stay as they are */
} nas_optimizer_call;

/* An optimizer: how gradients move parameters. */
typedef struct nas_optimizer {
    nas_kind kind; /* options share the `train` group with the common ones */
    int moments;   /* floats kept per parameter: 0 … NAS_OPTIMIZER_MOMENTS */
    double lr;     /* learning rate where the config gives none */
    /* Records one step.  What changes from step to step is in the step block. */
    nas_status (*record)(const void *options, const nas_optimizer_call *call, nas_tape *tape);
    /* Numbers of step `time` (0, 1 …) worked out on the host in double, such as bias corrections;
     * they go to nas_step.spare[0 … 3] as floats.  NULL: none. */
    void (*factors)(const void *options, uint32_t time, double lr, float factor[4]);
} nas_optimizer;

NAS_API const nas_optimizer *nas_optimizer_find(const char *name); /* NULL: none */
NAS_API const nas_optimizer *const *nas_optimizer_all(int *count);

/* Records clip by global norm: `scale`, [2], gets min(1, clip / (norm + 1e-6)), as PyTorch's
 * clip_grad_norm_ has it, and the norm of `gradients`, of those that `mask` lets take part.  clip 0: the scale is 1.
 * `scratch` has nas_clip_scratch(count) floats.  NaN gives NaN. */
NAS_API uint64_t nas_clip_scratch(uint64_t count);
/* Records it. */
NAS_API nas_status nas_clip_record(nas_tape *tape, nas_tensor gradients, const nas_strip_mask *mask,
                                   double clip, nas_tensor scratch, nas_tensor scale);

/* Records total += scale·gradients, of the strips that `mask` lets take part (NULL: all).  Both begin at a multiple of 16 floats and have
 * memory up to the next one behind their end. */
NAS_API nas_status nas_accumulate_record(const nas_device *device, nas_tape *tape,
                                         nas_tensor gradients, nas_tensor total,
                                         const nas_strip_mask *mask, double scale);

/* ---- config ---------------------------------------------------------------------------------- */

/* How the learning rate goes from `lr` down to `min_lr`. */
typedef enum nas_schedule {
    NAS_SCHEDULE_CONSTANT,
    NAS_SCHEDULE_STEP,
    NAS_SCHEDULE_COSINE,
    NAS_SCHEDULE_COSINE_RESTART,
    NAS_SCHEDULE_LINEAR,
} nas_schedule;

/* Options of every training, whatever the optimizer (nas_train_kind). */
typedef struct nas_train_options {
    int64_t epochs;        /* the longest that this training may become: schedules span it */
    int64_t batch;         /* samples of a step */
    int64_t micro_batches; /* parts of a batch that go through one after the other; divides it */
    char optimizer[NAS_TEXT_SIZE]; /* name of a nas_optimizer */
    double lr, min_lr;             /* lr 0: the optimizer's own default, filled in */
    int schedule;                  /* nas_schedule */
    double warmup;                 /* epochs of linear rise to lr */
    nas_real_list
        milestones;         /* of "step": shares of the epochs at which lr is multiplied by gamma */
    double gamma;           /* factor at each milestone */
    double restart;         /* of "cosine_restart": epochs of the first period; 0: all */
    double restart_factor;  /* the next period is so many times longer */
    double clip;            /* by global norm; 0: none */
    double label_smoothing; /* share of a target that goes to all classes alike */
    double
        huber; /* of numbers: errors from here on count linearly, in deviations; 0: squared all */
    double drop_path;     /* at the last epoch; rises linearly from 0 */
    int64_t samples;      /* training samples of an epoch; 0: all */
    int gemm;             /* 0 own, 1 clblast */
    double limit_minutes; /* of one training; 0: none */
} nas_train_options;

/* The table of these options. */
NAS_API extern const nas_kind nas_train_kind;

/* A config's group `train`, checked. */
typedef struct nas_train_config {
    nas_train_options common;       /* what all optimizers have */
    const nas_optimizer *optimizer; /* what `options` is an instance of */
    union {
        unsigned char bytes[NAS_OPTIMIZER_OPTIONS_SIZE];
        double align;
    } options; /* the optimizer's instance */
} nas_train_config;

/* Both tables from one group; NAS_CONFIG with file:line. */
NAS_API nas_status nas_train_config_fill(const nas_value *group, nas_train_config *config);
/* The effective options, defaults included, as a group. */
NAS_API nas_status nas_train_config_value(const nas_train_config *config, nas_value *group);

/* Learning rate of step `step` (0 … epochs·steps_per_epoch − 1, counted over the whole training).
 * */
NAS_API double nas_schedule_lr(const nas_train_options *options, uint64_t step,
                               uint64_t steps_per_epoch);

/* ---- evaluation ------------------------------------------------------------------------------ */

/* What a network is worth on some samples. */
typedef struct nas_evaluation {
    double loss; /* mean over the samples, without label smoothing in evaluation */
    double
        score; /* nas_task_score: accuracy, 0 … 1; of numbers R², 1 and below: 1 − Σ error² / Σ (target − its mean)² */
    uint64_t count; /* samples */
} nas_evaluation;

/* From what a loss counts to a score: `mean`, over some samples, is the share that is right, or the squared error of numbers as they are
 * learned, which R² holds against the variance of the targets that it is measured on; 0: they are no numbers. */
NAS_API double nas_score_of(double mean, double variance);
/* That variance, over an epoch of batches (nas_batches_epoch). */
NAS_API double nas_score_variance(const nas_batches *batches);

/* By task: cross-entropy of the softmax, with class weights; of sigmoids; squared error or Huber's.  `config` NULL: as evaluation has it. */
NAS_API nas_loss nas_train_loss(const nas_train_config *config, const nas_data *data);

/* Where a net wants its batches. */
NAS_API nas_batches_target nas_train_target(const nas_net *net);

/* Runs the split once through nas_net_evaluate.  The net has a loss and the data's shape and
 * outputs.  `outputs` (NULL: not wanted) gets what the network gives, [samples of the split][outputs], in its order, numbers as they
 * are learned: this waits for the device at each batch.  `go_on` (NULL: nobody is asked) is asked before each batch; false: NAS_STOPPED. */
NAS_API nas_status nas_evaluate(nas_net *net, nas_data_home *home, nas_split split,
                                nas_evaluation *evaluation, float *outputs,
                                bool (*go_on)(void *user), void *user);
/* Index of the largest of so many outputs; the first of equals. */
NAS_API int nas_largest_output(const float *outputs, int count);

/* The same over batches of the caller's (not training ones), as they are.  `training`: by nas_net_forward, with the statistics of each
 * batch, which is how shared weights are measured: they have no running statistics for one architecture. */
NAS_API nas_status nas_evaluate_batches(nas_net *net, nas_batches *batches, bool training,
                                        nas_evaluation *evaluation);

/* ---- trainer --------------------------------------------------------------------------------- */

/* One training.  One thread at a time. */
typedef struct nas_trainer nas_trainer;

/* How far it is. */
typedef struct nas_train_progress {
    int epoch, epochs;   /* epoch that is running, 0 …; config.epochs */
    int step, steps;     /* steps done in it; of an epoch */
    double loss, score;  /* of this epoch's steps so far, on training batches: nas_evaluation */
    double lr;           /* of the step done last */
    double images_per_s; /* since nas_trainer_run was called */
    double seconds;      /* since nas_trainer_run was called */
    bool epoch_done;     /* this is an epoch's end */
} nas_train_progress;
/* Called every few steps and at each epoch's end; false: stop now, resumably (NAS_STOPPED). */
typedef bool (*nas_train_callback)(void *user, const nas_train_progress *progress);

/* Called before each step, for a training that does something else between (host/eval/supernet.c moves its gates): the net is
 * free to use, its weights must be as they were at the return.  `step` is the block that the step will have.  Best it only enqueues: what it
 * waits for, the device waits for, too. */
typedef nas_status (*nas_train_before)(void *user, nas_trainer *trainer, const nas_step *step);

/* Called before pass 0 … passes − 1 of a step over its batch, and once more (`pass` = passes) before the update: sets the path of
 * each pass (nas_net_set_path and the gates), and at last that of all parameters that the update is to move. */
typedef nas_status (*nas_train_pass)(void *user, const nas_step *step, int pass);

/* What one training is; a zeroed one with its seeds set is plain training. */
typedef struct nas_trainer_setup {
    nas_split split; /* NAS_SPLIT_TRAIN or NAS_SPLIT_TRAIN_VALID */
    /* Some samples of the split in place of all (see nas_batches_options.subset); lent. */
    const uint32_t *subset;
    uint32_t subset_count;
    uint64_t seed; /* of the study */
    uint64_t key;  /* of the trial: hash of canonical arch and repeat; never the trial's index */
    nas_train_callback callback; /* or NULL */
    nas_train_before before;     /* or NULL */
    nas_train_pass pass;         /* or NULL: one pass; else the net is one with paths */
    int passes;                  /* with `pass`: whose gradients add up to a step's */
    bool paths;             /* the net is one with paths without `pass`, too: `before` sets them */
    const int *row_of_gate; /* nas_net_options.row_of_gate; lent while the trainer is created */
    uint64_t mark; /* hash of what else decides what is computed; checkpoints must agree on it */
    void *user;
} nas_trainer_setup;

/* Samples of a pass: those of a step, or of one of its parts (micro_batches). */
NAS_API int nas_train_micro_batch(const nas_train_config *config);
/* The step block of part `part` of a step: its place among the batches of an epoch and its metric slot. */
NAS_API nas_step nas_train_micro_step(const nas_train_config *config, const nas_step *step,
                                      int part);
/* The net that a training by this recipe makes on a device. */
NAS_API nas_net_options nas_train_net_options(const nas_train_config *config, const nas_data *data,
                                              const nas_device *device);
/* Plans, allocates, initialises the weights by (seed, key).  `graph` and `config` are copied,
 * `home` is lent.  The graph's output must be one value per output of the data (NAS_SHAPE).  Over the device's
 * limits: NAS_DEVICE_MEMORY before anything is allocated. */
NAS_API nas_status nas_trainer_create(nas_data_home *home, const nas_graph *graph,
                                      const nas_train_config *config,
                                      const nas_trainer_setup *setup, nas_trainer **trainer);
NAS_API void nas_trainer_destroy(nas_trainer *trainer);
/* Trains until `epoch` epochs are done (≤ config.epochs; at once when they are). NAS_STOPPED: the
 * callback said so.  NAS_TIME: over limit_minutes.  NAS_NONFINITE: loss or weights became NaN or
 * infinite; the message names epoch and step.  After the first two, save and a later run go on from
 * there. */
NAS_API nas_status nas_trainer_run(nas_trainer *trainer, int epoch);
/* The network as it stands, on a split; see nas_evaluate. */
NAS_API nas_status nas_trainer_evaluate(nas_trainer *trainer, nas_split split,
                                        nas_evaluation *evaluation);
NAS_API nas_net *nas_trainer_net(const nas_trainer *trainer); /* lent */
NAS_API int nas_trainer_epoch(const nas_trainer *trainer);    /* epochs done */
NAS_API int nas_trainer_steps(const nas_trainer *trainer);    /* per epoch */
/* Loss and score of the last finished epoch on its own training batches; false when none is. */
NAS_API bool nas_trainer_epoch_result(const nas_trainer *trainer, nas_evaluation *result);

/* Loads the batch of the step that comes next into the net, whose step block must be that step's; for `before` of a training without
 * micro-batches. */
NAS_API nas_status nas_trainer_load_batch(nas_trainer *trainer);
/* One of the optimizer's moments, as long as the parameters. */
NAS_API nas_tensor nas_trainer_moment(const nas_trainer *trainer, int index);
/* A tensor of the caller's that is saved and loaded with the rest, by a name of its own (lent, as the tensor is). */
NAS_API nas_status nas_trainer_attach(nas_trainer *trainer, const char *name, nas_tensor tensor);
/* The same for doubles of the caller's on the host. */
NAS_API nas_status nas_trainer_attach_values(nas_trainer *trainer, const char *name, double *values,
                                             uint64_t count);

/* Weights, running statistics, moments, epoch and step in one safetensors file: checksum, atomic
 * replace. */
NAS_API nas_status nas_trainer_save(nas_trainer *trainer, const char *path);
/* From now on a run saves to `path` (lent; NULL: it does not) whenever `every_s` seconds have passed (0: never) and before it returns
 * NAS_STOPPED, so that after a kill or a stop the training goes on from there. */
NAS_API void nas_trainer_autosave(nas_trainer *trainer, const char *path, double every_s);
/* The same between runs, for somebody who works with the net then: saves when it is time to, or `now`. */
NAS_API nas_status nas_trainer_save_due(nas_trainer *trainer, bool now);
/* Refuses (NAS_DATA) files that are damaged or belong to another graph, config, seed or key; the
 * trainer is then as before. */
NAS_API nas_status nas_trainer_load(nas_trainer *trainer, const char *path);

#ifdef __cplusplus
}
#endif
#endif
