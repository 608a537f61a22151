/* session.h - a whole search: reading its config, running it, resuming it, retraining what it found.
 *
 * A *config* is text (libconfig's syntax) that every option table has checked and completed; the completed text is stored
 * in the study, so that a study resumes from itself alone.  A *session* is one run of a study: a supervisor (this
 * process) and one worker process per device.  Workers share nothing but the study file: each claims the next free index,
 * derives the proposal from the log, trains it on its device and commits.  The supervisor starts them, watches
 * heartbeats, ends one that hangs, starts another when one dies, and retrains the best at the end.
 *
 *     nas_config config;
 *     nas_config_read("quickstart.cfg", NULL, 0, &config);
 *     nas_search_options options = {.program = "/proc/self/exe", .progress = show};
 *     nas_search_report report;
 *     nas_session_search(&config, &options, &report);
 *
 * Nothing here prints: progress goes to a callback, data comes back in structs.  Reports, and the results of nas_session_finetune
 * and nas_session_eval, are emptied first: after a failure they say how far it came.
 */
#ifndef CLNAS_SESSION_H
#define CLNAS_SESSION_H

#include <clnas/eval.h>
#include <clnas/search.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- config --------------------------------------------------------------------------------------- */

enum { NAS_CONFIG_DEVICES = 16, NAS_CONFIG_SIZE = 1 << 20 };

/* AUTO becomes one of the others when the study is made: arrival when its devices differ, else index. */
typedef enum nas_order { NAS_ORDER_INDEX, NAS_ORDER_ARRIVAL, NAS_ORDER_AUTO } nas_order;

/* budget = { … }: when the search ends, whichever comes first; 0 means no such end. */
typedef struct nas_budget {
    int64_t trials;   /* finished ones, failed ones too */
    double minutes;   /* running time, summed over resumes; simulated where the evaluator says so */
    double target;    /* first objective at least (goal max) or at most (goal min) this good */
    int64_t patience; /* trials without a better first objective */
    double trial_minutes; /* time limit of one trial */
    int64_t lookahead; /* trial i sees the results of trials 0 … i − lookahead (order = "index") */
    int order;         /* nas_order */
    double lease_s;    /* a worker that makes no step for longer is ended and its trial repeated */
    int64_t keep;      /* checkpoints kept: those of the best k trials */
    double
        checkpoint_s; /* of a supernet or a retraining, from one to the next within an epoch; 0: at its end only */
    int64_t keep_paused; /* paused trainings kept, of each smaller budget: the best k that wait */
} nas_budget;

/* One entry of devices = ( … ). */
typedef struct nas_device_wish {
    char name[NAS_TEXT_SIZE];  /* alias used in this config */
    char match[NAS_TEXT_SIZE]; /* see nas_device_select */
    char driver
        [NAS_TEXT_SIZE]; /* that its workers see alone, see nas_driver_use; "": the one that has the device */
    bool optional;   /* absent: no error */
    int64_t workers; /* processes on it; 1 but for tests and very large devices */
} nas_device_wish;

/* What an objective or a bound wants to be known of a network on a device, before it is trained. */
typedef enum nas_measured {
    NAS_MEASURED_LATENCY,
    NAS_MEASURED_THROUGHPUT,
    NAS_MEASURED_MEMORY
} nas_measured;
/* One of them, with what it takes to know it. */
typedef struct nas_measure {
    char metric[NAS_NAME_SIZE]; /* as trials have it: "latency_ms.home@64" */
    nas_measured what;          /* milliseconds of a pass; images per second; bytes of its plan */
    char device[NAS_NAME_SIZE]; /* alias; "": the one that the trial runs on */
    int batch;                  /* images of a pass */
    bool predicted;             /* by `table`, else measured */
    char table[NAS_TEXT_SIZE];  /* file of a nas_step_table */
} nas_measure;
enum { NAS_MEASURES = 2 * NAS_OBJECTIVES };

/* retrain = { … }: any option of `train` may stand beside these and replaces it there. */
typedef struct nas_retrain {
    int64_t top;     /* how many of the best; 0: none */
    int64_t repeats; /* seeds of each; more than one gives mean ± std */
    int with_valid;  /* data: 0 the training split, 1 training and validation splits */
    bool baseline;   /* retrain the given architectures by the same recipe beside them */
    bool inherit;    /* begin with the shared weights of the supernet */
} nas_retrain;

/* A config, read and checked. */
typedef struct nas_config {
    char study[NAS_TEXT_SIZE]; /* its name, without .study */
    int64_t seed;              /* of all random numbers */
    bool exact;                /* false: inexact rows of tuning tables count (nas_tuning) */
    nas_value data, space, strategy, evaluate; /* complete groups, `type` among the members */
    nas_value train, retrain_train;            /* complete groups of the trainer's options */
    nas_value retrain_space, retrain_data; /* space and data with what `retrain` changes of them */
    nas_budget budget;                     /* when it ends */
    nas_objectives objectives; /* and bounds; where one number must decide, the first does */
    nas_measure measures[NAS_MEASURES]; /* what of these is measured or predicted on devices */
    int measure_count;
    bool simulated;      /* budget.minutes goes by the simulated clock (nas_clock) */
    nas_text_list given; /* strategy.given: tried first, by name or as text */
    nas_device_wish devices[NAS_CONFIG_DEVICES]; /* the first `device_count` count */
    int device_count;                            /* 0: one worker on any device */
    nas_retrain retrain;                         /* what follows the search */
} nas_config;

/* Reads and checks a config file.  It must be a regular file of at most 1 MiB without NUL bytes; @include works inside
 * its folder only, ten deep.  Overrides are "path.to.key=value" (list items by number: "devices.0.match=type:cpu").
 * NAS_CONFIG with file:line and, for a wrong name, the nearest right one. */
NAS_API nas_status nas_config_read(const char *path, const char *const *overrides,
                                   int override_count, nas_config *config);
/* The same for a text; `file` names it in messages; @include is refused when `folder` is NULL. */
NAS_API nas_status nas_config_parse(const char *text, const char *file, const char *folder,
                                    const char *const *overrides, int override_count,
                                    nas_config *config);
/* The effective config: every option with its value.  nas_config_parse reads it back to the same config. */
NAS_API void nas_config_write(const nas_config *config, nas_text *text);
NAS_API void nas_config_clear(nas_config *config); /* a zeroed one is fine */
/* The config that an open study has stored.  A space, strategy or evaluator that this program does not have - another one registered
 * it - stays as it is written there: such a study can be looked at, and not be worked on. */
NAS_API nas_status nas_config_of_study(nas_study *study, nas_config *config);
/* NAS_CONFIG naming the space, strategy or evaluator that this program does not have, and `path`, where the config is from. */
NAS_API nas_status nas_config_known(const nas_config *config, const char *path);
/* The session's own groups for `describe` and the docs: "session", "budget", "objective", "bound", "device", "retrain". */
NAS_API const nas_kind *const *nas_config_kinds(int *count);
/* The raw value tree of a config text, each value with file and line (what nas_config_parse starts from). */
NAS_API nas_status nas_config_tree(const char *text, const char *file, const char *folder,
                                   nas_value *root);

/* ---- progress --------------------------------------------------------------------------------------- */

/* Why a progress function is called. */
typedef enum nas_event {
    NAS_EVENT_START,    /* workers are being started; note: the study's path */
    NAS_EVENT_TICK,     /* about once a second, nothing new */
    NAS_EVENT_TRIAL,    /* one trial was committed */
    NAS_EVENT_WORKER,   /* a worker came, went or was ended; note says which and why */
    NAS_EVENT_RETRAIN,  /* an epoch of retraining, or a result of it */
    NAS_EVENT_STOPPING, /* a signal came: steps are being finished; note: the command that resumes */
    NAS_EVENT_END,      /* note: what ended the search */
} nas_event;

/* What one device of a search does and has done, by the study's log; the session is the last one. */
typedef struct nas_device_use {
    char name[64];    /* alias, or the device where it has none */
    char device[128]; /* as its trials record it; "": not open yet */
    const char *
        state; /* "works", "waits", "starts", "is tested", "is dropped", "is missing", "has ended" */
    int workers;          /* processes there, alive */
    int64_t trial;        /* the last one that it works on; −1: none */
    double progress;      /* of that, 0 … 1 */
    int64_t done, failed; /* trials of this session */
    double
        busy; /* share of the time since its first trial that was spent on trials, of each worker; NaN: none yet */
    double per_minute; /* trials, since its first; 0: none yet */
    double silent_s;   /* since the last sign of life of what it works on; NaN: of nothing */
    int lost;          /* workers that ended there other than well */
    char trouble[160]; /* what ended the last of these, or why it is not used; "" */
} nas_device_use;

enum { NAS_DEVICE_USES = 32 };

/* A consistent picture of the run; every field is set at every event. */
typedef struct nas_progress {
    nas_event event;        /* why this call */
    const nas_trial *trial; /* NAS_EVENT_TRIAL, lent for the call; else NULL */
    const char *note;       /* one sentence, or "" */
    /* Trials: with a result, those of them that failed; claimed ones. */
    int64_t done, failed, running;
    int64_t total;           /* budget.trials, 0: no such end */
    bool has_best;           /* some trial counts */
    int64_t best_index;      /* where has_best: the trial */
    double best_value;       /* of the first objective */
    const char *best_metric; /* its name */
    double elapsed_s;        /* of this session */
    double run_s;            /* of all sessions of this study */
    double per_minute;       /* trials, over the last minutes */
    double eta_s; /* until the first of trials and minutes ends the search; −1: not known yet */
    int devices, busy;                /* worker processes alive, and those with a trial */
    int64_t job, jobs, epoch, epochs; /* retraining: 0-based job of jobs, epochs done of epochs */
    const char *job_name;             /* "trial 17", "baseline" or "" */
    nas_device_use uses[NAS_DEVICE_USES]; /* the devices of the search */
    int use_count;
} nas_progress;

/* Called by the thread that runs the search; what it gets is lent for the call. */
typedef void (*nas_progress_function)(void *user, const nas_progress *progress);

/* Every long call takes one.  It is asked between steps of the work (every few batches of a training, ten times a second while worker
 * processes work), always by the thread that made the call, like the progress function; what it looks at may come from any
 * thread or from a clock.  True: the call ends soon with NAS_STOPPED, what was unfinished is given back, and a study goes on
 * from there to the same bits (nas_session_resume).  Data sets are opened, and kernels built, to their end. */
typedef bool (*nas_cancelled_function)(void *user);

/* ---- search and resume ------------------------------------------------------------------------------- */

/* How a search is run; a zeroed one is the default. */
typedef struct nas_search_options {
    const char *study_path; /* NULL: nas_session_study_path of the config */
    bool fresh;             /* the name is taken: use the next free one (fashion-2.study) */
    bool
        go_on; /* the study is there: go on with it as nas_session_resume does; it must be of this very config */
    const char *
        program; /* executed as `program worker …` for each worker; NULL: work in this process, on the
                               first device, without crash isolation (tests, library users) */
    const char *device; /* replaces the config's devices by this match; NULL: the config's */
    int workers;        /* per device; 0: as the config says */
    bool no_retrain;    /* leave the retraining out */
    nas_device *
        open_device; /* work on this one, which is open (nas_device_open, nas_device_adopt) and lent, in place of the
                                config's; in this process: `program` is NULL.  NULL: the config's are opened */
    nas_progress_function progress;   /* may be NULL */
    nas_cancelled_function cancelled; /* may be NULL */
    void *user;
} nas_search_options;

/* One retrained network. */
typedef struct nas_train_result {
    char name[64];                     /* "trial 17", "baseline" */
    int64_t index;                     /* of the trial */
    int repeats;                       /* trainings, each with weights and batches of its own */
    char score[16];                    /* what the scores are: nas_task_score */
    double test_score, test_score_std; /* mean and standard deviation (n − 1) over the repeats */
    /* Mean; score on the validation split, NaN where it was trained on. */
    double test_loss, valid_score;
    uint64_t parameters, macs; /* of the network: trained ones; multiply-accumulates of a sample */
    double seconds;            /* of training, all repeats */
    char model[NAS_PATH_SIZE]; /* safetensors of the first repeat */
} nas_train_result;

enum { NAS_TRAIN_RESULTS = 16 };

/* What a search came to. */
typedef struct nas_search_report {
    char study_path[NAS_PATH_SIZE]; /* of its file */
    /* "48 trials", "4 minutes", "target", "patience", "space exhausted"; "signal", "cancelled"; else what the status means. */
    char ended_by[128];
    int signal;        /* that stopped it, 0: none; the program exits with 128 + signal */
    bool was_complete; /* nothing was left to do: neither trials nor retrainings */
    int64_t trials, failed, reused; /* of the study: with a result; of these failed; aliases */
    bool has_best;                  /* some trial counts */
    int64_t best_index;             /* where has_best: the trial */
    double best_value;              /* of the first objective */
    char best_metric[64];           /* its name */
    double seconds;                 /* of this session */
    nas_train_result results[NAS_TRAIN_RESULTS]; /* the first `result_count` count */
    int result_count;
    nas_device_use uses[NAS_DEVICE_USES]; /* of this session's search */
    int use_count;
} nas_search_report;

/* STUDY.study in the current folder, from the config's study name. */
NAS_API nas_status nas_session_study_path(const nas_config *config, char *path, size_t size);
/* Creates the study and runs it to its end, retraining included.  An existing study is never touched: NAS_STORE with
 * `resume` and `--new` named, but with options->go_on.  NAS_STOPPED after a signal (report->signal), when it was cancelled or when
 * workers gave up early; NAS_DEVICE
 * when a trial failed on every attempt.  The report is filled in every case in which a study exists. */
NAS_API nas_status nas_session_search(const nas_config *config, const nas_search_options *options,
                                      nas_search_report *report);
/* Goes on with a study from its stored config.  Overrides may change budget.{trials,minutes,target,patience,
 * trial_minutes,lease_s,keep,keep_paused,checkpoint_s}, devices and retrain, nothing that would make it another study. */
NAS_API nas_status nas_session_resume(const char *study_path, const char *const *overrides,
                                      int override_count, const nas_search_options *options,
                                      nas_search_report *report);
/* For signal handlers (async-signal-safe), and for all long calls of this process that are under way.  The first call lets every
 * worker finish its step and give its claim back; the second kills the workers, after which the caller may leave at once: nothing
 * committed is lost. */
NAS_API void nas_session_interrupt(int signal);
/* Handles `program worker …`: the arguments behind the word `worker`, as the supervisor wrote them.  The return value is
 * the exit code of the process. */
NAS_API int nas_session_worker(int argc, char **argv);

/* ---- ask, tell, enqueue: other trainers ---------------------------------------------------------------- */

/* A study may be worked on by trainers that clnas knows nothing of: each asks for a trial, trains it in its own way and
 * tells what came of it.  Asked trials are claimed as those of worker processes are, with a fencing token; what is told
 * with an old token is refused.  Any number may ask at a time, also beside `clnas search` on the same study.
 * `path` names a study, or a config, whose study is made when it is not there yet. */
typedef struct nas_ask_options {
    const char *const *overrides; /* of a config */
    int override_count;
    double lease_s;     /* without a sign of life for longer the trial is somebody else's */
    int64_t pid;        /* > 0: in place of a lease, held as long as this process lives */
    double wait_s;      /* for a trial, when others' results are needed first */
    const char *device; /* who asks, as trials record it; may be NULL */
    nas_cancelled_function cancelled; /* asked while it waits; may be NULL */
    void *user;
} nas_ask_options;

/* What was handed out; nas_asked_clear frees its texts. */
typedef struct nas_asked {
    nas_next next;                  /* whether there is a trial */
    char study_path[NAS_PATH_SIZE]; /* of its file */
    nas_claim claim;                /* this and what follows with NAS_NEXT_TRIAL only */
    nas_text arch, network, graph; /* canonical text; one line for people; text form of the graph */
    double budget;                 /* epochs, as a rule; 0: nothing to train, only to measure */
    int parent;                    /* -1: none */
    int from;                      /* the trial whose weights it starts from; -1: none */
    uint32_t seed; /* below 2^31, of the training: from the study's seed and the architecture */
    nas_objectives objectives; /* what is to be told, and what it is held against */
} nas_asked;

/* What the bounds on costs reject is recorded as failed and never handed out.  NAS_STOPPED when wait_s is over, or it was cancelled. */
NAS_API nas_status nas_session_ask(const char *path, const nas_ask_options *options,
                                   nas_asked *asked);
NAS_API void nas_asked_clear(nas_asked *asked);
/* `result`: metrics, curves, seconds, device; status FAILED with a reason, or COMPLETE, which a metric that is not finite
 * or out of bounds makes FAILED.  Adds the cost metrics; told ones must be the same.  The objectives must be among
 * them, and what bounds ask of devices, but with budget 0, where any metric will do.  `arch` NULL, or the text that must be the
 * trial's.  The result that stands is copied to `stands`.  NAS_CONFIG: no such trial, or the result cannot be;
 * NAS_FAILED: told already, or the token is old. */
NAS_API nas_status nas_session_tell(const char *study_path, const nas_claim *claim,
                                    const char *arch, const nas_trial *result, nas_trial *stands);
/* A sign of life; progress 0 … 1. */
NAS_API nas_status nas_session_tell_progress(const char *study_path, const nas_claim *claim,
                                             double progress);
/* For another attempt, by whoever asks next; it does not count as one. */
NAS_API nas_status nas_session_give_back(const char *study_path, const nas_claim *claim,
                                         const char *reason);

/* What became of one. */
typedef struct nas_enqueued {
    int index;  /* of the trial */
    bool known; /* it was in the study at this budget already */
} nas_enqueued;

/* Architectures to be evaluated next: arch text or names; all of them or, when one is wrong, none.  The config's given ones
 * stay before them.  budget 0: the full one.  They count among the trials but are evaluated in any case. */
NAS_API nas_status nas_session_enqueue(const char *path, const nas_ask_options *options,
                                       const char *const *archs, int count, double budget,
                                       nas_enqueued *enqueued);

/* ---- a study to look at ---------------------------------------------------------------------------------- */

/* A study opened for reading, running or not: its log as it was at that moment, and its own config. */
typedef struct nas_study_view {
    char path[NAS_PATH_SIZE]; /* as it was opened */
    nas_study *study;         /* owned */
    nas_config config;        /* owned */
} nas_study_view;

/* Into a zeroed view, to be cleared on success and on failure.  NAS_STORE: no study, or none that can be read; NAS_CONFIG: its config
 * is no config of this version. */
NAS_API nas_status nas_study_view_open(const char *study_path, nas_study_view *view);
NAS_API void nas_study_view_clear(nas_study_view *view);
/* The config's space for the shape of its data; studies of earlier versions do not keep it: then the data set is opened, or NAS_DATA says why
 * it could not be.  NAS_CONFIG: a space that this program does not have.  nas_domain_close it. */
NAS_API nas_status nas_study_view_domain(const nas_study_view *view, nas_domain **domain);
/* As nas_session_status and nas_session_results; texts in `progress` live as long as the view. */
NAS_API nas_status nas_study_view_progress(const nas_study_view *view, nas_progress *progress);
/* The study's retraining results so far, at most `limit`; `*count`: how many. */
NAS_API nas_status nas_study_view_results(const nas_study_view *view, nas_train_result *results,
                                          int limit, int *count);

/* ---- looking on ------------------------------------------------------------------------------------------ */

/* What a running or ended study looks like from outside (read-only, never blocks a writer); event NAS_EVENT_TICK.
 * Texts in `progress` live until `config` is cleared, which becomes the study's and is the caller's.  NAS_STORE: no such study. */
NAS_API nas_status nas_session_status(const char *study_path, nas_config *config,
                                      nas_progress *progress);

/* The same again and again: a study that stays open, of which each look reads only what is new. */
typedef struct nas_watch nas_watch;

/* What goes on in a study. */
typedef enum nas_watch_state {
    NAS_WATCH_SEARCH,  /* somebody works on trials */
    NAS_WATCH_RETRAIN, /* the search has ended, its best are being retrained */
    NAS_WATCH_STOPPED, /* nobody works on it, and there is something left to search */
    NAS_WATCH_DONE,    /* the search has ended */
} nas_watch_state;
NAS_API const char *nas_watch_state_name(nas_watch_state state); /* "searching" */

/* What one look sees. */
typedef struct nas_watch_view {
    nas_progress
        progress; /* as of nas_session_status; job, epoch and job_name too, while it is retrained */
    nas_watch_state state;    /* what goes on */
    const nas_study *study;   /* its log, as it was read */
    const nas_config *config; /* the study's own */
    int64_t queued, aliases;  /* trials that wait for an attempt; that share another's result */
    int64_t created_ms;       /* the study was made; _ms: wall clock, as nas_time_ms */
    int64_t begun_ms;         /* the last session's search began; 0: it has not */
    int64_t looked_ms;        /* this look */
    double per_minute_all;    /* trials by run_s; 0: none yet */
    int64_t best_ms;          /* when the best one ended */
    const char *best_words; /* its architecture, for people; else as the log has it; "": no best */
    char ended_by[128];     /* DONE: what ended the search, as nas_search_report says it */
    int missing;            /* DONE: networks that are not retrained yet */
} nas_watch_view;

/* NAS_STORE where there is no such study. */
NAS_API nas_status nas_session_watch_open(const char *study_path, nas_watch **watch);
/* Looks again; everything that `view` points to is the watch's and lives until the next look, or until it is closed.  A failure leaves `view` as it was, and a later look may succeed: the file was
 * locked, or is being put in another's place, whose study is then shown. */
NAS_API nas_status nas_session_watch_update(nas_watch *watch, nas_watch_view *view);
NAS_API void nas_session_watch_close(nas_watch *watch); /* NULL is fine */
/* As nas_study_view_results, of a file.  NAS_STORE: no such study. */
NAS_API nas_status nas_session_results(const char *study_path, nas_train_result *results, int limit,
                                       int *count);

/* ---- check --------------------------------------------------------------------------------------------- */

/* What a config comes to before anything is trained. */
typedef struct nas_check_report {
    int genes;              /* of an architecture */
    double size;            /* architectures in the space; −1: not countable */
    bool size_exact;        /* false: an upper bound */
    char baseline[1024];    /* the space's "baseline" in words; "" when it has none */
    nas_cost baseline_cost; /* the space's own baseline */
    nas_cost largest_cost;  /* the largest of 256 random architectures and the baseline */
    /* Device memory for training at the config's batch; 0: no device. */
    uint64_t baseline_bytes, largest_bytes;
    double within_bounds; /* share of the 256 that no bound rejects */
    /* Of a one-shot strategy's supernet; 0: there is none. */
    uint64_t supernet_parameters, supernet_bytes;
    int supernet_decisions; /* rows of gates */
    char device[256];       /* the device they were measured on, or why there is none */
    uint64_t train_samples, valid_samples, test_samples; /* of each split */
} nas_check_report;

/* A zeroed one is the default. */
typedef struct nas_check_options {
    nas_device *open_device;          /* lent; NULL: the config's */
    nas_cancelled_function cancelled; /* may be NULL */
    void *user;
} nas_check_options;

/* Opens the data set, tables of latency and, where there is one, the first device; trains nothing.  `options` may be
 * NULL.  NAS_DATA, NAS_CONFIG: what a search would refuse, an architecture of strategy.given among it; a device that is not there is no
 * failure (report->device says it). */
NAS_API nas_status nas_session_check(const nas_config *config, const nas_check_options *options,
                                     nas_check_report *report);

/* ---- train and eval ------------------------------------------------------------------------------------- */

/* A zeroed one takes the trial with index 0: set `trial`. */
typedef struct nas_retrain_options {
    int64_t trial;                    /* −1: the best */
    int64_t epochs;                   /* 0: as the config's retrain says */
    int64_t repeats;                  /* 0: as the config says */
    bool with_valid;                  /* train on the validation split too */
    const char *device;               /* match; NULL: the config's first that is there */
    nas_device *open_device;          /* lent, in place of these; NULL: none */
    const char *model_path;           /* NULL: in the study's folder */
    nas_progress_function progress;   /* may be NULL */
    nas_cancelled_function cancelled; /* may be NULL */
    void *user;
} nas_retrain_options;

/* Trains one architecture of a study from its start by the retrain recipe and tests it once.  Called again after NAS_STOPPED, it goes on
 * from the last checkpoint.  NAS_CONFIG: no such trial; NAS_NONFINITE: the training came to no number.  What is trained already
 * by this recipe is not trained again. */
NAS_API nas_status nas_session_train(const char *study_path, const nas_retrain_options *options,
                                     nas_train_result *result);

/* A zeroed one with `model_path` set is the default. */
typedef struct nas_finetune_options {
    int64_t epochs;                   /* 0: as the config's train says */
    bool replace_head;                /* a new last dense layer for the classes of the data */
    const char *device;               /* match; NULL: the config's first that is there */
    nas_device *open_device;          /* lent, in place of these; NULL: none */
    const char *model_path;           /* where the result goes, as safetensors */
    nas_progress_function progress;   /* may be NULL */
    nas_cancelled_function cancelled; /* may be NULL */
    void *user;
} nas_finetune_options;

/* What it came to. */
typedef struct nas_finetune_result {
    char split[16];   /* that the scores are of: test, or valid where there is no test */
    char score[16];   /* what they are: nas_task_score */
    uint64_t samples; /* of that split */
    /* Of the weights as they came, and as they went. */
    double score_before, loss_before, score_after, loss_after;
    uint64_t parameters, macs; /* of the network: trained ones; multiply-accumulates of a sample */
    int epochs;                /* trained */
    double seconds;            /* of training */
} nas_finetune_result;

/* Trains the network of a model file on, from its weights, with data and `train` of `data_path`, a config file or a study.  The file is
 * written last.  NAS_DATA: no model; NAS_SHAPE: one that does not suit the data; NAS_CONFIG: no head to replace; NAS_STOPPED: cancelled, and
 * nothing is written. */
NAS_API nas_status nas_session_finetune(const char *model_path, const char *data_path,
                                        const nas_finetune_options *options,
                                        nas_finetune_result *result);

/* ---- a network for others ------------------------------------------------------------------------------------------ */

/* What to write, and where. */
typedef struct nas_export_options {
    const char *to;     /* exporter's name */
    const char *output; /* path */
    const char *device; /* to compare on; NULL: any */
    int64_t trial;      /* of a study; −1: the best that was retrained */
    bool keep_norms;    /* not folded into the weights before them */
} nas_export_options;

/* What was written. */
typedef struct nas_export_report {
    char model[NAS_PATH_SIZE]; /* the file that the weights are from */
    nas_shape input, output;   /* of one sample */
    uint64_t parameters;       /* floats in the exported layers */
    bool compared;             /* with the engine, on so many random samples */
    int samples;               /* that it was compared on */
    double difference;         /* largest, by the largest output */
    char note[256]; /* why it was not compared, or why an ONNX file was run by clnas itself */
} nas_export_report;

/* Exports a model file or a study's network.  NAS_OK: it was written, and where it could be run, its outputs are within 1e-4 of the
 * engine's.  NAS_FAILED: they are not (the file is left to be looked at). */
NAS_API nas_status nas_session_export(const char *source, const nas_export_options *options,
                                      nas_export_report *report);

/* ---- a saved model -------------------------------------------------------------------------------------------------- */

/* How well one class, label or number is told.  NaN: nothing to tell it by, and what is another task's. */
typedef struct nas_output_scores {
    char name[64];                /* "" : unknown */
    uint64_t support;             /* samples of the class, or with the label; of a number: all */
    double precision, recall, f1; /* of a class or label */
    double mae, rmse, r2;         /* of a number, in its own units */
} nas_output_scores;

/* What a model is worth on a split. */
typedef struct nas_eval_result {
    nas_task task;               /* what the data set has to learn */
    uint64_t samples;            /* of the split */
    double score, loss, seconds; /* as in nas_evaluation; of the whole, uploads and kernels too */
    int outputs;                 /* classes, labels or numbers */
    nas_output_scores *each;     /* [outputs]; owned */
    uint64_t *confusion;         /* classify: [true class][predicted class]; else NULL; owned */
} nas_eval_result;
NAS_API void nas_eval_result_clear(nas_eval_result *result); /* a zeroed one is fine */

/* Is this a model file: safetensors, or an ONNX model (import.h)?  Told by how it begins. */
NAS_API bool nas_session_is_model(const char *path);
/* The network in one, into a zeroed graph. */
NAS_API nas_status nas_session_model_graph(const char *path, nas_graph *graph);

/* ---- new files ------------------------------------------------------------------------------------------------------ */

/* What a model says of one sample.  Lent for the call. */
typedef struct nas_prediction {
    const char *file; /* as it was named */
    int64_t sample;   /* of the file, from 0; −1: the file is one sample */
    nas_task task;    /* what the model learned */
    int outputs;      /* classes, labels or numbers */
    /* [outputs]: probabilities of classes, which add up to 1, or of labels, each by itself; numbers in their own units. */
    const double *values;
    const char *const *names; /* [outputs] of classes, labels or numbers; NULL: not known */
    int largest;              /* of classes: the most probable */
} nas_prediction;
/* Not NAS_OK: that ends it all. */
typedef nas_status (*nas_prediction_function)(void *user, const nas_prediction *prediction);

/* How to ask. */
typedef struct nas_predict_options {
    const char *device;               /* match; NULL: any */
    nas_device *open_device;          /* lent, in place of that; NULL: none */
    int batch;                        /* samples at once; 0: 64 */
    nas_prediction_function each;     /* called for each sample */
    nas_cancelled_function cancelled; /* asked before each batch; may be NULL */
    void *user;
} nas_predict_options;

/* Reads files of samples, runs the model on them, and tells what it says, in their order.  A file is a PNG or JPEG image, which is resized
 * and scaled as the model was trained; or a NumPy file of samples as the data set stores them, N×C×H×W or one sample C×H×W, the
 * dimensions of length 1 may be left out; or, for a model that learned from a table, a CSV with its columns.  NAS_DATA: a file is no such thing, or its samples do not fit the model. */
NAS_API nas_status nas_session_predict(const char *model_path, const char *const *files, int count,
                                       const nas_predict_options *options);

/* A zeroed one is the default. */
typedef struct nas_eval_options {
    const char *split;                /* "train", "valid" or "test"; NULL: "test" */
    const char *device;               /* match; NULL: the config's first */
    nas_device *open_device;          /* lent, in place of these; NULL: none */
    nas_cancelled_function cancelled; /* asked before each batch; may be NULL */
    void *user;
} nas_eval_options;

/* Runs a model (safetensors with its graph, or an ONNX model, whose softmax at the end is left out) over a split of the data that
 * `data` names: a config file or a study, in batches of its train.batch.  `options` may be NULL.  nas_eval_result_clear the result.
 * NAS_DATA: no model; NAS_SHAPE: one that does not suit the data; NAS_CONFIG: no such split; NAS_STOPPED: cancelled.  On failure the result is empty. */
NAS_API nas_status nas_session_eval(const char *model_path, const char *data,
                                    const nas_eval_options *options, nas_eval_result *result);

#ifdef __cplusplus
}
#endif
#endif
