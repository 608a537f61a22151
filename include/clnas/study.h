/* study.h - a study is a log of trials; this room keeps the log, durable and shared.
 *
 * Layers, bottom up:
 *   nas_trial   one line of the log: proposal, status, metrics, curves, who and when
 *   nas_store   a small table of functions that persists lines in transactions: SQLite, or memory
 *               (simulations, tests); PostgreSQL has the same shape
 *   nas_study   an opened study: the store, a mirror of its log in memory, and every rule
 *               (claims, fencing tokens, leases, attempts), written once above the store
 *
 * Any number of processes open one study.  Each one loops: sync, propose the next index, claim it
 * (compare-and-set: the index must still be free), evaluate, heartbeat, commit.  A commit whose
 * token is stale is discarded.  A process that dies is noticed at once on its own machine (boot id,
 * pid, start time), elsewhere when its lease ends, and its trial is claimed again.
 *
 * Revisions: every change of a line takes the next number of one counter.  A final line never
 * changes again, so its revision is its place in the order of commits.
 */
#ifndef CLNAS_STUDY_H
#define CLNAS_STUDY_H

#include <clnas/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- trial ---------------------------------------------------------------------------------------- */

/* What a trial has come to. */
typedef enum nas_trial_status {
    NAS_TRIAL_QUEUED, /* enqueued, or given back after a device error or a kill: waits for an attempt */
    NAS_TRIAL_RUNNING,  /* claimed */
    NAS_TRIAL_COMPLETE, /* final: has metrics */
    NAS_TRIAL_FAILED,   /* final: NaN, bound, shape, time limit; has a reason, may have metrics */
    NAS_TRIAL_ALIAS, /* final: same architecture and budget as trial `alias`; shares its result */
} nas_trial_status;

enum { NAS_METRICS = 32, NAS_CURVES = 8, NAS_NAME_SIZE = 48 };

/* One number that was found out about a trial. */
typedef struct nas_metric {
    char name[NAS_NAME_SIZE]; /* "valid_accuracy", "parameters", "latency_ms.home" */
    double value;             /* NaN where there is none */
    bool measured; /* depends on the machine or the moment (latency, time): not in canonical text */
} nas_metric;

/* A metric by epoch. */
typedef struct nas_curve {
    char name[NAS_NAME_SIZE]; /* "valid_accuracy" */
    int count;
    double *values; /* one per epoch */
} nas_curve;

/* Who works on a trial: a process, or somebody outside who answers within a lease of his own. */
typedef struct nas_owner {
    char host[128]; /* boot id and pid namespace; equal: the same machine, and pids mean the same.
                       "outside": no process */
    /* Process id and start time in clock ticks since boot; outside: 0 and the lease in ms. */
    int64_t pid, start;
} nas_owner;

/* A value with owned memory: zero it, fill it, clear it. */
typedef struct nas_trial {
    int index; /* its place in the log, from 0 */
    /* proposal, stored with the claim and never changed */
    char *arch;    /* text form of the space */
    double budget; /* epochs, as a rule; 0: measured, not trained */
    int parent;    /* trial that it stems from; -1: none */
    int from;      /* trial whose weights it starts from, no alias; -1: none */
    char *note;    /* what the strategy needs when it sees the result; may be NULL */
    int64_t seen;  /* revision of the log that the proposal saw */
    /* result */
    nas_trial_status status;
    int alias; /* -1: none */
    int metric_count;
    nas_metric *metrics; /* see nas_trial_set_metric */
    int curve_count;
    nas_curve curves[NAS_CURVES]; /* the first `curve_count` count */
    /* The architecture that shared weights speak for after this trial, as text; of several, with blanks between, the first.
     * Such a trial is a stage of something longer, no candidate, and never the best, whatever its metrics.  NULL: the trial is of
     * `arch` itself. */
    char *derived;
    char reason[256]; /* of a failure, or of the last lost attempt */
    /* bookkeeping */
    int64_t revision; /* of the log, when the line changed last */
    int64_t token;    /* fencing: grows with each claim of any trial */
    int attempts;     /* claims so far */
    nas_owner owner;  /* who claimed it last */
    char device[128]; /* that the result is from, or who asked */
    int64_t created_ms, started_ms, ended_ms, heartbeat_ms; /* wall clock, 0: not yet */
    double progress;                                        /* 0 … 1, by the last heartbeat */
    double seconds; /* spent on the attempt that gave the result */
} nas_trial;

NAS_API void nas_trial_init(nas_trial *trial); /* zero, indices -1 */
NAS_API void nas_trial_clear(nas_trial *trial);
NAS_API nas_status nas_trial_copy(const nas_trial *from, nas_trial *to); /* `to` is overwritten */
NAS_API bool nas_trial_final(const nas_trial *trial);               /* complete, failed or alias */
NAS_API const char *nas_trial_status_name(nas_trial_status status); /* "complete" */
/* Adds or replaces; NAS_FAILED when there are NAS_METRICS already or the name is too long. */
NAS_API nas_status nas_trial_set_metric(nas_trial *trial, const char *name, double value,
                                        bool measured);
/* NaN when there is none. */
NAS_API double nas_trial_metric(const nas_trial *trial, const char *name);
NAS_API bool nas_trial_has_metric(const nas_trial *trial, const char *name); /* of any value */
/* Appends a point to the curve called `name`, made when missing. */
NAS_API nas_status nas_trial_add_point(nas_trial *trial, const char *name, double value);
/* Length of the first text of `derived`; 0: it has none. */
NAS_API size_t nas_trial_derived_length(const nas_trial *trial);
/* A copy of the text becomes `derived`. */
NAS_API nas_status nas_trial_set_derived(nas_trial *trial, const char *text);
/* One line: index, arch, budget, from (where there is one), status, derived (the same), metrics (sorted by name) and curves as
 * hex floats.  No times, device or measured values: what 'the same' means. */
NAS_API void nas_trial_canonical(const nas_trial *trial, nas_text *text);

/* ---- objectives and bounds -------------------------------------------------------------------------- */

/* Which way is better. */
typedef enum nas_goal { NAS_GOAL_MAX, NAS_GOAL_MIN } nas_goal;
enum { NAS_OBJECTIVES = 8 };

/* What is searched for. */
typedef struct nas_objective {
    char metric[NAS_NAME_SIZE]; /* its name */
    nas_goal goal;              /* which way */
} nas_objective;

/* Hard bound on a metric: min ≤ value ≤ max; ±INFINITY where there is none. */
typedef struct nas_bound {
    char metric[NAS_NAME_SIZE]; /* its name */
    double min, max;            /* both included */
} nas_bound;

/* All that decides between trials; a zeroed one has none. */
typedef struct nas_objectives {
    int count;
    nas_objective item[NAS_OBJECTIVES]; /* the first `count` count */
    int bound_count;
    nas_bound bounds[NAS_OBJECTIVES]; /* the first `bound_count` count */
} nas_objectives;

/* Greater is better; -INFINITY for a trial that failed, is not final, has no finite value, or has `derived`. */
NAS_API double nas_objective_score(const nas_objective *objective, const nas_trial *trial);
/* Sum over the bounds of the relative excess; 0: within all; metrics that are missing do not count. */
NAS_API double nas_bound_violation(const nas_objectives *objectives, const nas_trial *trial);

/* scores: [count][objectives], greater is better.  Fills `front` (room for `count`) with the indices, ascending, of those whose scores are all
 * finite, that no other dominates and no earlier one equals.  Returns how many they are. */
NAS_API int nas_pareto_front(const double *scores, int count, int objectives, int *front);
/* Is `a` at least as good in all, and better in one? */
NAS_API bool nas_pareto_dominates(const double *a, const double *b, int objectives);

/* ---- store: what persists a log ------------------------------------------------------------------- */

/* A file that belongs to a study. */
typedef struct nas_checkpoint {
    int trial;                /* whose */
    char kind[32];            /* "weights" … */
    char path[NAS_TEXT_SIZE]; /* within the study's folder */
    double score;             /* greater is better */
    uint64_t size_bytes;      /* of the file */
} nas_checkpoint;

/* What it is opened for. */
typedef enum nas_store_mode { NAS_STORE_READ, NAS_STORE_WRITE } nas_store_mode;

/* Every function may fail with NAS_STORE.  Lines and values are only touched inside begin … end; a
 * writing transaction excludes other writers from begin on, and is durable when end returns. */
typedef struct nas_store {
    const char *name;                       /* for messages */
    nas_status (*create)(const char *path); /* an empty, valid store; fails when there is one */
    /* NAS_STORE: missing, damaged, newer. */
    nas_status (*open)(const char *path, nas_store_mode mode, void **handle);
    void (*close)(void *handle);                   /* frees the handle */
    nas_status (*begin)(void *handle, bool write); /* `write`: others wait */
    /* keep false: given up.  The memory store cannot take back what was put; study.c puts last. */
    nas_status (*end)(void *handle, bool keep);
    /* Of the study's map. */
    nas_status (*get)(void *handle, const char *key, nas_text *value, bool *found);
    nas_status (*set)(void *handle, const char *key, const char *value); /* inserts or replaces */
    nas_status (*put_trial)(void *handle, const nas_trial *trial);       /* inserts or replaces */
    /* Into an initialised trial. */
    nas_status (*get_trial)(void *handle, int index, nas_trial *trial, bool *found);
    /* Only heartbeat_ms and progress of one line. */
    nas_status (*put_heartbeat)(void *handle, int index, int64_t heartbeat_ms, double progress);
    /* Lines with a revision > since, in order of revision, each lent for the call. */
    nas_status (*changes)(void *handle, int64_t since,
                          nas_status (*each)(void *user, const nas_trial *trial), void *user);
    nas_status (*put_checkpoint)(void *handle, const nas_checkpoint *checkpoint); /* key: path */
    nas_status (*drop_checkpoint)(void *handle, const char *path); /* forgets the file */
    /* All, each lent for the call. */
    nas_status (*checkpoints)(void *handle,
                              nas_status (*each)(void *user, const nas_checkpoint *checkpoint),
                              void *user);
} nas_store;

NAS_API const nas_store *nas_store_sqlite(void); /* one SQLite file per study */
NAS_API const nas_store *nas_store_memory(void); /* one study per handle, gone when closed */

/* ---- study ----------------------------------------------------------------------------------------- */

/* One thread at a time; a thread or process of its own opens the study once more.  Never carry one
 * over fork. */
typedef struct nas_study nas_study;

/* What a study records about itself when it is made; all lent, NULL: not known. */
typedef struct nas_study_about {
    const char *name;    /* as the config says it */
    const char *config;  /* the config file's text */
    const char *options; /* the effective options, every default included */
} nas_study_about;

/* A new study.  Never overwrites: NAS_STORE naming `resume` when `path` exists.  Whole or absent
 * after any crash.  path NULL: in memory. */
NAS_API nas_status nas_study_create(const char *path, const nas_study_about *about,
                                    nas_study **study);
/* An existing one.  NAS_STORE with the next step when it is missing, not a study, damaged, or of a
 * newer schema (both versions named).  Readers never stop a writer. */
NAS_API nas_status nas_study_open(const char *path, nas_store_mode mode, nas_study **study);
NAS_API void nas_study_close(nas_study *study);
NAS_API const char *nas_study_path(const nas_study *study); /* ":memory:" in memory */
/* "name", "config", "options", "program" (version that made it), "created", or any key of the
 * caller's.  `*found` false and no text when there is none. */
NAS_API nas_status nas_study_get(nas_study *study, const char *key, nas_text *value, bool *found);
/* For a key of the caller's; durable when it returns. */
NAS_API nas_status nas_study_set(nas_study *study, const char *key, const char *value);

/* Brings the mirror up to date; costs what changed.  Heartbeats of open lines come along.  Reading the mirror needs no transaction;
 * pointers into it last until the next sync, claim or commit. */
NAS_API nas_status nas_study_sync(nas_study *study);
NAS_API int nas_study_count(const nas_study *study);
/* Of the mirror: grows with each change. */
NAS_API int64_t nas_study_revision(const nas_study *study);
/* Lines in the mirror that are not final. */
NAS_API int nas_study_open_count(const nas_study *study);
NAS_API const nas_trial *nas_study_trial(const nas_study *study, int index); /* as stored */
/* The trial whose result counts: an alias leads to its target.  NULL while that is not final. */
NAS_API const nas_trial *nas_study_result(const nas_study *study, int index);
/* Place in the order of results: the later of the line's own and its target's revision; 0: none. */
NAS_API int64_t nas_study_result_revision(const nas_study *study, int index);
/* The k best complete trials (aliases left out), best first, ties by index; returns how many. */
NAS_API int nas_study_best(const nas_study *study, const nas_objective *objective, int k,
                           int *indices);
/* Indices of the front in order of index, aliases left out; `indices` holds nas_study_count. */
NAS_API nas_status nas_study_front(const nas_study *study, const nas_objectives *objectives,
                                   int *indices, int *count);
/* The canonical lines of all final trials, by index; aliases show their target's result. */
NAS_API void nas_study_canonical(const nas_study *study, nas_text *text);

/* ---- claims ------------------------------------------------------------------------------------------ */

enum { NAS_ATTEMPTS = 3, NAS_LEASE_MS = 60000 }; /* the defaults */
/* For this process's view of the study; the config says them for all. */
NAS_API void nas_study_set_limits(nas_study *study, int attempts, int64_t lease_ms);

/* This process. */
NAS_API nas_status nas_owner_self(nas_owner *owner);
/* Another process of this machine, which holds its claims as long as it lives; NAS_CONFIG: there is none. */
NAS_API nas_status nas_owner_process(int64_t pid, nas_owner *owner);
/* Nobody that could be looked at: a claim is lost `lease_ms` after its last sign of life. */
NAS_API void nas_owner_outside(int64_t lease_ms, nas_owner *owner);
/* What can be told of an owner. */
typedef enum nas_owner_state { NAS_OWNER_ALIVE, NAS_OWNER_DEAD, NAS_OWNER_UNKNOWN } nas_owner_state;
NAS_API nas_owner_state nas_owner_look(const nas_owner *owner); /* UNKNOWN: another machine */

/* A right to work on one trial until somebody else gets a newer token. */
typedef struct nas_claim {
    int index;     /* the trial */
    int64_t token; /* fencing */
    int attempt;   /* 1, 2, 3 */
} nas_claim;

/* Claims `index` for `proposal` (arch, budget, parent, from, note, seen; device too).  `*taken` true and
 * no claim when the index is not the next free one any more: sync and propose anew.  With
 * proposal->status NAS_TRIAL_ALIAS and proposal->alias the line is final at once. */
NAS_API nas_status nas_study_claim(nas_study *study, int index, const nas_trial *proposal,
                                   const nas_owner *owner, nas_claim *claim, bool *taken);
/* Puts `proposal` (arch, budget, parent, from, note) at the next free index, whichever that is, for whoever reclaims next. */
NAS_API nas_status nas_study_enqueue(nas_study *study, const nas_trial *proposal, int *index);
/* Claims a trial that was given back, or whose owner is dead or silent for a whole lease.
 * `*found` false: there is none.  NAS_DEVICE with the last reason when one has used up its
 * attempts: the run should stop. */
NAS_API nas_status nas_study_reclaim(nas_study *study, const nas_owner *owner, const char *device,
                                     nas_claim *claim, bool *found);
/* This view does not reclaim trial `index` in the next `for_ms`: it was lost here, so others shall try first.  -1: any. */
NAS_API void nas_study_avoid(nas_study *study, int index, int64_t for_ms);
/* At least every quarter of a lease.  `*held` false: somebody else has the trial now; stop working. */
NAS_API nas_status nas_study_heartbeat(nas_study *study, const nas_claim *claim, double progress,
                                       bool *held);
/* Takes status (COMPLETE or FAILED), metrics, curves, derived, reason, device and seconds of `result`.
 * Durable when it returns.  `*accepted` false: the token was stale and nothing was written. */
NAS_API nas_status nas_study_commit(nas_study *study, const nas_claim *claim,
                                    const nas_trial *result, bool *accepted);
/* Lost trials get their attempts anew: for a resume by a person. */
NAS_API nas_status nas_study_reset_attempts(nas_study *study);
/* Gives the trial back for another attempt (device error, out of device memory, interrupt).
 * `counts` false: the attempt is not counted (a graceful stop). */
NAS_API nas_status nas_study_release(nas_study *study, const nas_claim *claim, const char *reason,
                                     bool counts);

/* ---- checkpoints: which files belong to the study ------------------------------------------------- */

/* Record after the file is durable, drop before it is removed. */
NAS_API nas_status nas_study_put_checkpoint(nas_study *study, const nas_checkpoint *checkpoint);
/* Of this path; none is fine. */
NAS_API nas_status nas_study_drop_checkpoint(nas_study *study, const char *path);
/* free() the list; best score first within a kind. */
NAS_API nas_status nas_study_checkpoints(nas_study *study, nas_checkpoint **list, int *count);

#ifdef __cplusplus
}
#endif
#endif
