/* eval.h - evaluators: from an architecture to the metrics that the study records.
 *
 * This is where the two wings meet: a space's row becomes a graph, the graph is costed and held against the bounds,
 * and an evaluator - one descriptor - gives it numbers: by training it (`trained`), by shared weights, by a formula, from a
 * table.
 *
 *     nas_eval *eval;
 *     NAS_TRY(nas_eval_create(&setting, &eval));
 *     NAS_TRY(nas_eval_score(eval, &call, &result));   // result: COMPLETE or FAILED with a reason
 *
 * What is a result and what is not: NaN, bounds, shapes, the time limit and a network that cannot fit the device are
 * properties of the candidate: NAS_OK and a failed trial.  Device, memory and store errors are not: the status is returned and
 * the trial is for somebody to repeat.
 *
 * Sameness: a pure evaluator's numbers follow from (study seed, canonical arch, repeat, budget, options, weights that it
 * starts from), never from the trial's index or the time, so a duplicate may take over what is known.
 *
 * An evaluator is added as host/eval/NAME.c with a nas_evaluator called nas__evaluator_NAME and one line in
 * host/eval/evaluator_list.h.
 */
#ifndef CLNAS_EVAL_H
#define CLNAS_EVAL_H

#include <clnas/space.h>
#include <clnas/study.h>
#include <clnas/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what every trial of a study shares -------------------------------------------------------------- */

/* Sets metrics of a network before it is scored, such as its latency on some device; bounds are then held against them. */
typedef nas_status (*nas_eval_meter)(void *user, const nas_arch *arch, const nas_graph *graph,
                                     nas_trial *result);

/* All lent and outliving the nas_eval. */
typedef struct nas_eval_setting {
    const nas_value *group; /* the config's `evaluate`, `type` among its members; NULL: "trained" */
    nas_device *device;     /* NULL for evaluators that need none */
    const nas_data *data;   /* what networks learn */
    const nas_domain *domain;         /* what architectures mean */
    const nas_train_config *train;    /* by which recipe */
    const nas_objectives *objectives; /* its bounds count here; NULL: none */
    /* The config's complete `strategy`, for evaluators that train what a strategy moves; NULL: none. */
    const nas_value *strategy;
    uint64_t seed;        /* of the study */
    nas_eval_meter meter; /* NULL: none */
    void *meter_user;     /* handed to `meter` */
} nas_eval_setting;

/* Called while it works, every few steps, with a progress of 0 … 1; false: stop now (nas_eval_score returns NAS_STOPPED). */
typedef bool (*nas_eval_callback)(void *user, double progress);

/* One trial to be scored; all lent for the call. */
typedef struct nas_eval_call {
    const nas_arch *arch; /* canonical */
    double budget;        /* epochs, as a rule */
    const char *from;     /* file of nas_eval_keep whose weights it starts from; NULL: none */
    double limit_s;       /* of this trial; 0: none */
    /* A file of nas_eval_pause of this very training at a smaller budget, and its result; NULL, or a file that will not do:
     * from the start.  Both give the same bits. */
    const char *paused;
    const nas_trial *begun; /* of `paused` */
    /* A file of this trial's own, for an evaluator that trains shared weights: it saves the training there every so many seconds (0: only
     * when it is stopped) and goes on from what an attempt before it has left.  NULL: nothing of an unfinished trial is kept. */
    const char *draft;
    double draft_s;             /* seconds from one save to the next */
    int repeat;                 /* 0; others draw other weights and batches */
    nas_eval_callback callback; /* or NULL */
    void *user;
} nas_eval_call;

/* ---- the descriptor ------------------------------------------------------------------------------------ */

/* An evaluator: what an architecture is worth. */
typedef struct nas_evaluator {
    nas_kind kind; /* its options */
    const char *const *
        metrics; /* names it sets in a complete trial; ends with NULL; scores as classes have them (nas_score_name) */
    bool pure;   /* see above */
    bool needs_device; /* setting->device is there */
    /* Trials of more than 0 epochs train weights that all architectures of the space share.  They are of none: no graph is built
     * (score gets NULL), no cost counted, no bound applied, and their result has `derived`.  Trials of 0 epochs score an
     * architecture with the shared weights of `from`. */
    bool shared;
    /* With these options a trial's time is its metric `simulated_s`, not what passes while it is scored; NULL: never. */
    bool (*simulates)(const void *options);
    /* `options` is the instance; it and the setting outlive the state. */
    nas_status (*prepare)(const void *options, const nas_eval_setting *setting, void **state);
    /* Sets metrics and curves of `result` (zeroed but for what nas_eval_score set: cost metrics).  Failing with
     * NAS_NONFINITE, NAS_BOUND, NAS_SHAPE or NAS_TIME makes the trial a failed one. */
    nas_status (*score)(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result);
    /* Writes the weights of the network scored last as safetensors, which a later call may start from; NULL: there are
     * none, and calls have no `from`. */
    nas_status (*keep)(void *state, const char *path);
    /* Writes the training scored last as it stands, for a call with a larger budget to go on from; NULL: cannot. */
    nas_status (*pause)(void *state, const char *path);
    void (*finish)(void *state); /* NULL: free(state) */
} nas_evaluator;

NAS_API const nas_evaluator *nas_evaluator_find(const char *name); /* NULL: none */
NAS_API const nas_evaluator *const *nas_evaluator_all(int *count);
/* Like find, with a message that names the nearest evaluator. */
NAS_API nas_status nas_evaluator_get(const char *name, const nas_evaluator **evaluator);
/* Adds an evaluator of the program's own, by the rules of nas_space_register. */
NAS_API nas_status nas_evaluator_register(const nas_evaluator *evaluator);
/* Does a search with this group go by the simulated clock (see nas_clock)? */
NAS_API nas_status nas_evaluator_simulates(const nas_value *group, bool *simulates);
/* The evaluator that a config's group names ("trained" when group is NULL or has no `type`). */
NAS_API nas_status nas_evaluator_of(const nas_value *group, const nas_evaluator **evaluator);

/* ---- an evaluator at work -------------------------------------------------------------------------------- */

/* One evaluator with one setting.  One thread at a time. */
typedef struct nas_eval nas_eval;

/* NAS_CONFIG: options that will not do; else what preparing came to. */
NAS_API nas_status nas_eval_create(const nas_eval_setting *setting, nas_eval **eval);
NAS_API void nas_eval_destroy(nas_eval *eval);
NAS_API const nas_evaluator *nas_eval_kind(const nas_eval *eval); /* which evaluator; lent */
/* Builds the graph, sets `parameters`, `macs` and `activation_bytes`, rejects by the bounds on these, lets the setting's meter add metrics,
 * rejects by the bounds again, scores, and holds the rest of the metrics against the bounds.  `result` must be initialised; its status becomes COMPLETE or FAILED, `seconds` is set.
 * Fails with NAS_STOPPED (the callback said so), NAS_DEVICE, NAS_DEVICE_MEMORY, NAS_MEMORY: no result then. */
NAS_API nas_status nas_eval_score(nas_eval *eval, const nas_eval_call *call, nas_trial *result);
/* The two ends of nas_eval_score, for numbers that somebody outside finds in between (`clnas ask`, `tell`).  Begin builds
 * `graph` (zeroed), sets the cost metrics, and `result` is FAILED when the bounds on these reject it, else COMPLETE; finish
 * holds all metrics against the bounds, and one that is not finite makes the trial a failed one. */
NAS_API nas_status nas_eval_begin(const nas_domain *domain, const nas_objectives *objectives,
                                  const nas_arch *arch, nas_graph *graph, nas_trial *result);
/* The other end. */
NAS_API nas_status nas_eval_finish(const nas_objectives *objectives, nas_trial *result);
/* Saves the network scored last; NAS_FAILED when the evaluator has none. */
NAS_API nas_status nas_eval_keep(nas_eval *eval, const char *path);
/* Saves the training scored last, to be gone on with (nas_eval_call.paused); NAS_FAILED when the evaluator cannot. */
NAS_API nas_status nas_eval_pause(nas_eval *eval, const char *path);

/* ---- latencies of a supernet's choices ------------------------------------------------------------------------ */

/* The table that the strategy proxylessnas reads (option latency.table), as text: what was measured where, then a line for each row and
 * choice.  `graph_hash` is that of the space's supergraph without further options, `seconds` has table->choices entries. */
NAS_API void nas_latency_write(const nas_gate_table *table, uint64_t graph_hash,
                               const nas_device_info *device, int batch, const double *seconds,
                               nas_text *text);

/* ---- a network's inference, measured ------------------------------------------------------------------------------- */

/* An evaluation pass over a batch that is on the device; weights and images are random (host/eval/inference.c says what is timed). */
typedef struct nas_inference nas_inference;
enum { NAS_MEASURE_BATCH = 65536 }; /* the largest */
/* How the net that is measured is made. */
NAS_API nas_net_options nas_inference_options(const nas_device *device, int batch);
/* Plans and allocates; graph and device are lent.  NAS_DEVICE_MEMORY: it does not fit. */
NAS_API nas_status nas_inference_create(nas_device *device, const nas_graph *graph, int batch,
                                        nas_inference **inference);
NAS_API void nas_inference_destroy(nas_inference *inference);
NAS_API nas_net *nas_inference_net(const nas_inference *inference); /* lent */
/* Seconds of a pass: the fastest of some in a row, each waited for. */
NAS_API nas_status nas_inference_sample(nas_inference *inference, double *seconds);
/* What samples come to: the smallest. */
NAS_API double nas_inference_settle(const double *samples, int count);
/* That of samples for which the network is made and destroyed; after `limit_s` seconds no sample is begun, but for the first
 * three. */
NAS_API nas_status nas_inference_latency(nas_device *device, const nas_graph *graph, int batch,
                                         double limit_s, double *seconds);

/* ---- a network's inference, predicted from a table of its steps -------------------------------------------------------- */

/* A step of nas_net_steps_list at a batch, measured alone: with the same buffers again and again, and with others each time. */
typedef struct nas_step_row {
    char *step;            /* nas_net_step.key; owned */
    int batch;             /* images of a pass */
    double warm_s, cold_s; /* seconds with the same buffers; with others */
    uint64_t macs, bytes;  /* as nas_net_step has them */
} nas_step_row;

enum { NAS_LATENCY_SHARES = 4, NAS_LATENCY_MODELS = 16 };
/* seconds = Σ share[k]·terms[k] with the terms 1, steps, Σ warm_s, Σ cold_s; no share is negative. */
typedef struct nas_latency_model {
    int batch;                        /* that it is fitted for */
    double share[NAS_LATENCY_SHARES]; /* of each term, none negative */
} nas_latency_model;

/* What steps take on one device; a zeroed one is empty. */
typedef struct nas_step_table {
    char device[128], driver[128]; /* where it was measured */
    uint64_t space;                /* hash of what it was measured for */
    char hash[33]; /* of the file that it was read from (nas_hash_hex); "": of none */
    nas_latency_model models[NAS_LATENCY_MODELS]; /* one for each batch */
    int model_count;
    nas_step_row *rows; /* by batch and step, see nas_step_table_sort */
    int count, capacity;
} nas_step_table;

/* The file's format: host/eval/step_table.c.  NAS_DATA with file:line when it is none.  The caller clears the table. */
NAS_API nas_status nas_step_table_read(const char *path, nas_step_table *table);
/* The file's text, appended. */
NAS_API void nas_step_table_write(const nas_step_table *table, nas_text *text);
NAS_API void nas_step_table_clear(nas_step_table *table); /* a zeroed one is fine */
/* Copies the row, its text too; sort when all are there. */
NAS_API nas_status nas_step_table_add(nas_step_table *table, const nas_step_row *row);
/* By batch and step; before it is searched. */
NAS_API void nas_step_table_sort(nas_step_table *table);
NAS_API const nas_step_row *nas_step_table_find(const nas_step_table *table, int batch,
                                                const char *step); /* NULL: none */
NAS_API const nas_latency_model *nas_step_table_model(const nas_step_table *table,
                                                      int batch); /* NULL: none */

/* What a table makes of a network. */
typedef struct nas_latency_prediction {
    double seconds; /* of a pass */
    /* Of the network, and those that the table has; the others go by rows of the same operator. */
    int steps, known;
} nas_latency_prediction;
/* No device is needed.  NAS_CONFIG when the table has nothing at this batch, or nothing like one of the steps. */
NAS_API nas_status nas_step_table_predict(const nas_step_table *table, const nas_graph *graph,
                                          int batch, nas_latency_prediction *prediction);
/* The terms that a model weighs. */
NAS_API nas_status nas_step_table_terms(const nas_step_table *table, const nas_net_steps *steps,
                                        int batch, double terms[NAS_LATENCY_SHARES], int *known);
/* The shares of `columns` ≤ NAS_LATENCY_SHARES terms x [rows][columns] in the seconds y [rows]: least squares of the relative error, none
 * negative.  NAS_DATA when nothing can be fitted. */
NAS_API nas_status nas_latency_fit(const double *x, const double *y, int rows, int columns,
                                   double share[NAS_LATENCY_SHARES]);

/* ---- the network of the evaluator `supernet` ---------------------------------------------------------------- */

/* Of the config's complete `strategy`, a one-shot one: its supernet into a zeroed graph, with the decisions in it; and how its net is made
 * on a device.  NAS_CONFIG when it is none, or the space has no supernet. */
NAS_API nas_status nas_supernet_graph(const nas_value *strategy, const nas_domain *domain,
                                      nas_graph *graph, nas_gate_table *table);
/* Puts the weights that a network shares with a trained supernet into its net, which is of `domain` and was initialised; `path`: a file of
 * nas_eval_keep.  Norms stay as they are. */
NAS_API nas_status nas_supernet_inherit(const nas_value *strategy, const nas_domain *domain,
                                        const nas_arch *arch, const char *path, nas_net *net,
                                        nas_inheritance *inheritance);
/* `options` borrows from the table. */
NAS_API nas_status nas_supernet_options(const nas_value *strategy, const nas_train_config *train,
                                        const nas_data *data, const nas_device *device,
                                        const nas_gate_table *table, nas_net_options *options);

/* ---- the simulated clock ---------------------------------------------------------------------------------- */

/* Time as the published comparisons count it: the sum of the trainings' seconds, which a table knows (metric simulated_s).  A
 * training that would end after the limit is the end of the search and does not count. */
typedef struct nas_clock {
    double limit_s; /* 0: none */
    double now_s;   /* simulated seconds spent */
} nas_clock;

/* Charges a result; false, and nothing is charged, when it would end after the limit. */
NAS_API bool nas_clock_take(nas_clock *clock, const nas_trial *result);

/* The key of all random numbers of a training: (canonical arch, repeat). */
NAS_API uint64_t nas_eval_key(const nas_arch *arch, int repeat);
/* The first bound that `trial` is outside of, as a sentence ("parameters = 412034 is over its bound of 300000"); false when
 * it is within all.  Metrics that are missing do not count. */
NAS_API bool nas_bound_reason(const nas_objectives *objectives, const nas_trial *trial,
                              char *reason, size_t size);
/* Scores of a trial, greater is better, in the order of the objectives. */
NAS_API void nas_objective_scores(const nas_objectives *objectives, const nas_trial *trial,
                                  double scores[NAS_OBJECTIVES]);

#ifdef __cplusplus
}
#endif
#endif
