/* session_private.h - what the files of this room share: the bench, the worker, the retraining.
 *
 *   bench.c         opens everything that work on a study needs: config, data, domain, device
 *   study_file.c    the study's file: made whole or not at all
 *   next.c          the next trial of a study                   ending.c      when a search is over
 *   worker.c        the loop: next, score, commit               heartbeat.c   "I am alive" while it works
 *   outside.c       the same loop for other trainers: ask, tell, enqueue
 *   checkpoints.c   weights and paused trainings that are kept  origin.c      weights that a trial starts from
 *   retrain.c       the best again, longer, and the test        results.c     what that gave, in the study
 *   meter.c         latency of a network on any device          meter_device.c  the measuring itself
 *   prediction.c    what a model says of new files        samples.c     those files
 *   study_data.c    the data that a study began with
 *   scores.c        what a model is worth, output by output
 *   tables.c        tables that latency is predicted by
 *   supervisor.c    worker processes: start, watch, end         fates.c       what follows when one ends
 *   process.c       one of them                             wishes.c      stop, says somebody
 *   places.c        which device and driver a worker gets       probe.c       what each driver has
 *   picture.c       nas_progress out of a study                 orders.c      a worker seen from within
 *   session.c       search and resume                    view.c          a study for those who only read
 *   signs.c         what a session tells those who look on      watching.c    a study looked at again and again
 *   check.c         a config looked at, nothing trained         evaluation.c  a saved model over a split
 *   exporting.c     a network for others
 *   canary.c        does the device still compute right?        use.c         how busy devices are
 *   pace.c          how long trials take on each
 *
 * Reading a config is a part of its own: config_private.h.
 */
#ifndef NAS_SESSION_SESSION_PRIVATE_H
#define NAS_SESSION_SESSION_PRIVATE_H

#include <clnas/session.h>

#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

/* ---- what was asked from outside -------------------------------------------------------------------------- */

typedef enum nas__wish {
    NAS__GO,
    NAS__DRAIN, /* claim nothing new */
    NAS__STOP,  /* give the claim back at the next step */
} nas__wish;

/* Of one call; zeroed: of a worker process, which has one call in its life. */
typedef struct nas__wishes {
    nas_cancelled_function cancelled; /* NULL: nobody cancels */
    void *user;
    int since;    /* nas_session_interrupt so often before it began */
    bool stopped; /* `cancelled` has said so */
    bool drained; /* its time is over */
} nas__wishes;
void nas__wishes_begin(nas__wishes *wishes, nas_cancelled_function cancelled, void *user);
/* Asks; by the thread of the call alone. */
nas__wish nas__wish_now(nas__wishes *wishes);
bool nas__goes_on(void *wishes); /* of a nas__wishes: not to be stopped */
/* What nas_session_interrupt was told since it began; 0: nothing. */
int nas__wishes_signal(const nas__wishes *wishes);
const char *nas__wishes_who(const nas__wishes *wishes); /* "cancelled", "stopped by a signal" */
/* By the thread of a worker process that takes its orders. */
void nas__wish_of_process(nas__wish wish);
/* A second interrupt kills this process of the call (NULL: of none) until it is said to be gone. */
void nas__child_here(pid_t pid, const nas__wishes *wishes);
void nas__child_gone(pid_t pid);

/* ---- paths ---------------------------------------------------------------------------------------------------- */

/* STUDY.d/NAME; the folder is made. */
nas_status nas__study_file(const nas_study *study, const char *name, char *path, size_t size);

/* ---- the study's file ------------------------------------------------------------------------------------------ */

/* A new study, at `wanted` or at the config's name (fresh: the next free one); `path` is where.  `order` is what AUTO
 * comes to in its options; the config's text stays as it is. */
nas_status nas__study_create(const nas_config *config, nas_order order, const char *wanted,
                             bool fresh, char path[NAS_PATH_SIZE], nas_study **study);
/* Opens the study at `path`, which must have been made from this config. */
nas_status nas__study_made(const nas_config *config, const char *path, nas_study **study);
/* A study that could not even begin leaves nothing behind. */
void nas__study_remove(const char *path);
bool nas__is_study(const char *path); /* by its first bytes */
/* Opens a study for writing; a config's is made when it is not there, and must be of this config when it is. */
nas_status nas__study_of(const char *path, const char *const *overrides, int override_count,
                         nas_study **study);

/* ---- the bench: everything that work on a study needs ------------------------------------------------------ */

typedef struct nas__bench {
    nas_config config;
    nas_study *study;
    nas_data *data;
    nas_domain *domain;
    nas_domain *final_domain; /* what the best are retrained as: the same genes */
    nas_data
        *final_data;    /* the same samples, otherwise augmented; NULL: `data`, or not needed yet */
    nas_device *device; /* NULL until nas__bench_device */
    nas_data_home *home; /* of what retraining reads; NULL until it is needed */
    nas_train_config *train, *retrain;
    nas_arch given[16];
    int given_count;
    char device_name[128];     /* as trials record it */
    char alias[NAS_TEXT_SIZE]; /* of the device in the config; "": none */
    char vendors
        [NAS_PATH_SIZE]; /* OCL_ICD_VENDORS before this process chose a driver; "": not set */
    const char *program; /* that measuring processes are started by; NULL: none are */
    nas__wishes *wishes; /* of the call that works here, lent; set by who trains */
    bool lent_device;    /* it is the caller's, and gets its tuning back when the bench is closed */
    nas_tuning lent_tuning;
} nas__bench;

/* Reads the stored config of an open study (lent) and opens data set and space. */
nas_status nas__bench_open(nas_study *study, nas__bench *bench);
nas_status nas__bench_device(nas__bench *bench, const char *match, const char *alias);
/* A device that the caller has open. */
nas_status nas__bench_lend(nas__bench *bench, nas_device *device);
/* Opens a device as work on the study has it: with exact = false its table is the one that the study began with. */
nas_status nas__device_open(nas_study *study, bool exact, const char *match, nas_device **device);
/* Gives an open device the table that work on the study goes by. */
nas_status nas__device_set(nas_study *study, bool exact, nas_device *device);
/* Of a call that works on `lent`, or where that is NULL, on what `match` finds; give back what was got by nas__device_return. */
nas_status nas__device_borrow(nas_device *lent, const char *match, nas_device **device);
void nas__device_return(nas_device *lent, nas_device *device);
/* What evaluators of this study share; it lives as long as the bench. */
nas_eval_setting nas__bench_setting(const nas__bench *bench);
/* Brings the data of retraining to the device, once. */
nas_status nas__bench_home(nas__bench *bench);
void nas__bench_close(nas__bench *bench);
/* The config that a study has stored. */
nas_status nas__stored_config(nas_study *study, const char *const *overrides, int override_count,
                              nas_config *config);
/* The space of a study for the shape that it keeps; not `found`: it keeps none (yet). */
nas_status nas__domain_by_shape(nas_study *study, const nas_config *config, nas_domain **domain,
                                bool *found);
/* Data set and space of a config, without a study. */
nas_status nas__open_data(const nas_config *config, nas_data **data);
nas_status nas__open_domain(const nas_config *config, const nas_data *data, nas_domain **domain);
/* The space as `retrain` has it; NAS_CONFIG when architectures of `domain` are none of it. */
nas_status nas__open_final_domain(const nas_config *config, const nas_data *data,
                                  const nas_domain *domain, nas_domain **final_domain);

/* ---- when a search is over ------------------------------------------------------------------------------------ */

typedef enum nas__end {
    NAS__END_NONE,
    NAS__END_TRIALS,
    NAS__END_MINUTES,
    NAS__END_TARGET,
    NAS__END_PATIENCE
} nas__end;

typedef struct nas__limit {
    int hard;     /* trials that may exist, by what is known */
    int now;      /* … that may be proposed by what this process has seen (≤ hard) */
    nas__end end; /* what `hard` comes from, NONE while it is open */
} nas__limit;
nas__limit nas__study_limit(const nas_study *study, const nas_config *config);
/* budget.order is index (what AUTO is where nobody has decided). */
bool nas__by_index(const nas_config *config);
/* The limit on real time; 0: none. */
double nas__real_limit_s(const nas_config *config);
/* Is there nothing left for workers to do, after so much running time?  `how`: what has ended the search, if it has ended. */
enum { NAS__HOW_SIZE = 128 };
bool nas__search_over(const nas_study *study, const nas_config *config, double run_s,
                      char how[NAS__HOW_SIZE]);
/* A result that the simulated clock has no time for becomes a failed one. */
void nas__charge(const nas_study *study, const nas_config *config, nas_trial *result);

/* ---- the next trial, for a worker or for somebody outside ------------------------------------------------------- */

/* The config's strategy over the bench's study. */
nas_status nas__search_open(const nas__bench *bench, nas_search **search);
/* Takes the next trial within the limits of the moment.  By arrival, a device that others will be done before gets none (pace.c). */
nas_status nas__search_take(const nas__bench *bench, nas_search *search, const nas_owner *owner,
                            nas_next *next, nas_job *job);
/* Waits for others' results, longer each time up to 0.2 s; `*pause_ms` is 0 before the first. */
void nas__search_wait(int *pause_ms);

/* ---- how long trials take ---------------------------------------------------------------------------------------- */

/* Milliseconds of a trial on this device, by its alias or as trials record it; 0: none ended there, or no name. */
double nas__pace_ms(const nas_study *study, const char *device);
/* Of `trials` in all, will the other devices have done the rest before this one has done one more? */
bool nas__pace_sits_out(const nas_study *study, const char *device, int trials);

/* ---- heartbeat ------------------------------------------------------------------------------------------------- */

typedef struct nas__heart nas__heart;
nas_status nas__heart_create(const char *study_path, double lease_s, nas__heart **heart);
void nas__heart_destroy(nas__heart *heart);
void nas__heart_begin(nas__heart *heart, const nas_claim *claim);
void nas__heart_end(nas__heart *heart);
/* Work goes on; false when the claim is lost. */
bool nas__heart_beat(nas__heart *heart, double progress);
/* The same where kernels may have to be built before the next sign of life: a limit of its own, however short the lease is. */
bool nas__heart_build(nas__heart *heart);

/* ---- checkpoints: files that trials leave beside the study -------------------------------------------------------- */

typedef enum nas__checkpoint_kind {
    NAS__WEIGHTS, /* of a network, which another trial may start from */
    NAS__PAUSED,  /* a training that a promotion may go on from */
    NAS__DRAFT,   /* an epoch that was not trained to its end */
} nas__checkpoint_kind;

/* Saves, of the network scored last, what is worth it; `result` is that of a claimed trial, not yet committed. */
nas_status nas__checkpoints_keep(nas_study *study, const nas_config *config,
                                 const nas_search *search, nas_eval *eval, const nas_trial *result);
/* Drops what is not worth it any more. */
nas_status nas__checkpoints_prune(nas_study *study, const nas_config *config,
                                  const nas_search *search);
/* The same for a search that has ended, when nobody works on it any more: what stays follows from its log alone. */
nas_status nas__checkpoints_prune_ended(nas_study *study, const nas_config *config);
/* Saves one file of the network scored last and records it. */
nas_status nas__checkpoint_save(nas_study *study, const nas_config *config, nas_eval *eval,
                                nas__checkpoint_kind kind, const nas_trial *result);
/* The file of a trial, there or not. */
nas_status nas__checkpoint_path(const nas_study *study, nas__checkpoint_kind kind, int trial,
                                char *path, size_t size);
/* The paused training that a trial goes on with and the result that belongs to it; `*begun` NULL: there is none. */
nas_status nas__paused_find(const nas_study *study, int trial, char *path, size_t size,
                            const nas_trial **begun);

/* ---- the weights that a trial starts from ---------------------------------------------------------------------------- */

typedef struct nas__origin {
    nas__bench *bench;
    nas_eval *eval;
    nas_eval_callback callback; /* asked while weights are made again; false: stop (NAS_STOPPED) */
    void *user;
} nas__origin;

/* The file with the weights of trial `from`; when it is gone, it is made again and recorded. */
nas_status nas__origin_find(const nas__origin *origin, int from, char *path, size_t size);

/* ---- canary: does the device still compute right? -------------------------------------------------------------- */

typedef struct nas__canary nas__canary;
/* A small network on the device, its answer held against the plain C reference.  NAS_DEVICE when it is wrong. */
nas_status nas__canary_create(nas_device *device, nas__canary **canary);
void nas__canary_destroy(nas__canary *canary);
/* Runs it; NAS_DEVICE when the answer is not the one that it was. */
nas_status nas__canary_look(nas__canary *canary);
double nas__canary_cost_s(const nas__canary *canary); /* of the last look */

/* ---- what a network is on a device: meter.c -------------------------------------------------------------------------- */

/* Finds the values of the config's measures for each network before it is scored. */
typedef struct nas__meter nas__meter;
/* `go_on` is asked while another device is waited for; false: stop (NAS_STOPPED). */
nas_status nas__meter_create(nas__bench *bench, bool (*go_on)(void *user), void *user,
                             nas__meter **meter);
void nas__meter_destroy(nas__meter *meter);
/* A nas_eval_meter of a nas__meter. */
nas_status nas__meter_take(void *meter, const nas_arch *arch, const nas_graph *graph,
                           nas_trial *result);

/* On an open device: seconds of a pass, or bytes; nobody else measures on it meanwhile.  NAS_BOUND: it does not fit. */
nas_status nas__meter_seconds(nas_device *device, const nas_graph *graph, int batch,
                              double *seconds);
nas_status nas__meter_bytes(nas_device *device, const nas_graph *graph, int batch, double *bytes);
/* The other end of a meter, in a process of its own: answers what the standard input asks until that ends. */
nas_status nas__meter_serve(nas_device *device, void (*answer)(const char *line));

/* ---- tables that latency is predicted by: tables.c ------------------------------------------------------------------------ */

/* Reads one; its hash goes into the study, or must be the one there (NAS_DATA).  `study` NULL: it is only read. */
nas_status nas__table_read(nas_study *study, const char *path, nas_step_table *table);
/* All of a config. */
nas_status nas__tables_check(nas_study *study, const nas_config *config);

/* ---- worker ---------------------------------------------------------------------------------------------------- */

typedef struct nas__worker {
    nas__bench *bench;
    void (*after)(void *user);  /* each committed trial and each pause; NULL: none */
    void (*during)(void *user); /* each step of a trial; NULL: none */
    void *user;
} nas__worker;

/* Works until the search is over (NAS_OK), a stop is wished (NAS_STOPPED) or its device fails. */
nas_status nas__worker_search(const nas__worker *worker);

/* ---- retraining -------------------------------------------------------------------------------------------------- */

typedef struct nas__retrain_job {
    int index; /* of the trial */
    int repeat;
    char name[64]; /* "baseline", "trial 17" */
} nas__retrain_job;

typedef void (*nas__retrain_progress)(void *user, int job, int jobs, int epoch, int epochs,
                                      const char *name);

/* What the config asks for, results in the study or not. */
nas_status nas__retrain_jobs(nas_study *study, const nas_config *config, nas__retrain_job **jobs,
                             int *count);
/* Of these, without a result yet. */
nas_status nas__retrain_missing(nas_study *study, const nas_config *config, int *count);
/* Does all that is missing; resumable at each epoch. */
nas_status nas__retrain_run(nas__bench *bench, nas__retrain_progress progress, void *user);
/* Does one job by bench->retrain and puts the result into the study; `model` NULL: in the study's folder. */
nas_status nas__retrain_one(nas__bench *bench, const nas__retrain_job *job, const char *model,
                            nas_train_callback callback, void *user);

/* ---- results in the study ------------------------------------------------------------------------------------ */

typedef struct nas__result {
    nas__retrain_job job;
    char recipe[20]; /* hash of the retraining options and data choice */
    char score[16];  /* name of the scores: nas_task_score */
    double test_score, test_loss, valid_score, seconds; /* NaN: none */
    uint64_t parameters, macs;
    char model[NAS_PATH_SIZE];
    char reason[256]; /* of a failure, "" when there was none */
} nas__result;

void nas__recipe_hash(const nas_config *config, char hash[20]);
nas_status nas__results_read(nas_study *study, nas__result **results, int *count);
nas_status nas__results_add(nas_study *study, const nas__result *result);
/* Groups repeats of one trial and recipe. */
void nas__results_merge(const nas__result *results, int count, nas_train_result *merged, int limit,
                        int *merged_count);

/* ---- study_data.c -------------------------------------------------------------------------------------------------------- */

/* Keeps `value` under `key` where the study has none; else says whether it is the same. */
nas_status nas__study_hold(nas_study *study, const char *key, const char *value, bool *same);
/* NAS_DATA: the data are not those that the study began with. */
nas_status nas__study_data_hold(nas_study *study, const nas_data *data);

/* ---- samples.c: files of samples that a model is to be told of ------------------------------------------------------ */

/* What a saved model says of itself. */
typedef struct nas__model_words {
    bool prepares; /* `preprocessing` is known */
    nas_preprocessing preprocessing;
    nas_postprocessing postprocessing;
    char **names; /* [outputs] or NULL */
    const char
        *columns; /* of the table that it learned from (nas_table_open), lent; NULL: of none */
} nas__model_words;

/* Called with each sample in turn: [c][h][w], as stored.  `index` −1: the file is one sample. */
typedef nas_status (*nas__sample_function)(void *user, const char *file, int64_t index,
                                           const float *values);
nas_status nas__samples_read(const char *path, const nas__model_words *words, nas_shape shape,
                             nas__sample_function take, void *user);

/* ---- scores.c -------------------------------------------------------------------------------------------------------- */

/* Task, outputs and what each is worth; `outputs` is [samples of the split][outputs], as nas_evaluate gives them.  The caller clears the
 * result, also after a failure. */
nas_status nas__judge_outputs(const nas_data *data, nas_split split, const float *outputs,
                              nas_eval_result *result);

/* ---- picture ------------------------------------------------------------------------------------------------------ */

typedef struct nas__picture {
    nas_progress progress;
    int known;   /* lines seen so far */
    bool *final; /* of each, whether its end was reported */
    int capacity;
    double begin_s, base_s; /* session's start; running time of earlier sessions */
    double times[64];       /* when the last trials ended */
    int time_count;
    nas_progress_function function;
    void *user;
    const nas_config *config;
    int64_t use_from_ms, use_to_ms; /* the session's search; from 0: not begun, to 0: it goes on */
    double used_s;                  /* when the uses were last summed up */
} nas__picture;

void nas__picture_begin(nas__picture *picture, nas_study *study, const nas_config *config,
                        nas_progress_function function, void *user);
void nas__picture_clear(nas__picture *picture);
/* Done, failed, running and the best, from the mirror. */
void nas__count_trials(const nas_study *study, const nas_config *config, nas_progress *progress);
/* Counts, best, rate, ETA from the mirror; reports each trial that has ended since. */
void nas__picture_update(nas__picture *picture, const nas_study *study);
void nas__picture_tell(nas__picture *picture, nas_event event, const char *note);

/* ---- how busy devices are ------------------------------------------------------------------------------------------- */

/* The search of a session begins and ends: stored, so that `status` knows it from outside. */
nas_status nas__use_begin(nas_study *study);
nas_status nas__use_end(nas_study *study);
/* A time that the study keeps under `key`; 0: none, or none that can be. */
nas_status nas__use_time(nas_study *study, const char *key, int64_t *time_ms);
/* When the last session's search began and when it came to its end; 0: it has not. */
nas_status nas__use_window(nas_study *study, int64_t *from_ms, int64_t *to_ms);
/* Where it has not: up to when it is known to go on, the last sign of life in it where nobody works any more. */
int64_t nas__use_until(const nas_study *study);
/* One row for each device text of trials that began in the window; workers are those that hold trials.  Returns how many. */
int nas__use_from_log(const nas_study *study, int64_t from_ms, int64_t to_ms, nas_device_use *uses,
                      int limit);

/* ---- what a session tells those who look on: signs.c -------------------------------------------------------------- */

typedef struct nas__sign_place {
    char name[64];
    char state[16]; /* of nas_device_use, but "works" for what the log says better */
    int lost;
    char device[128]; /* as its trials name it; "": not open yet */
    char trouble[160];
} nas__sign_place;

typedef struct nas__signs {
    nas_owner owner; /* of the process that runs the session; pid 0: nobody does */
    nas__sign_place places[NAS_CONFIG_DEVICES];
    int place_count;
    int64_t job, jobs, epoch, epochs; /* of retraining; jobs 0: it has not begun */
    char job_name[64];
} nas__signs;

/* Written where they differ from what was written last (`*written`, 0 at first); looked at once a second at most unless `now`. */
typedef struct nas__signs_written {
    uint64_t hash; /* of what is written */
    double at_s;   /* the last look */
} nas__signs_written;
void nas__signs_write(nas_study *study, const nas__signs *signs, bool now,
                      nas__signs_written *written);
nas_status nas__signs_read(nas_study *study, nas__signs *signs);

/* ---- supervisor ---------------------------------------------------------------------------------------------------- */

typedef struct nas__run {
    nas_study *study;
    const nas_config *config;
    const nas_search_options *options;
    struct nas__places *places; /* empty until they are looked for */
    nas__wishes wishes;
    nas__picture picture;
    double saved_s; /* when the running time was last stored */
    double told_s;  /* when the caller was last told anything, of work in this process */
    nas__signs signs;
    nas__signs_written signs_written;
    int64_t last_job; /* of retraining: the last that began; −1: none */
} nas__run;

/* An epoch of retraining, for those who look on. */
void nas__run_retrains(nas__run *run);

/* Runs worker processes in `mode` ("search", "retrain") until they are done. */
nas_status nas__supervise(nas__run *run, const char *mode);

#endif
