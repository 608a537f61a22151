/* search.h - strategies decide what to try next; the search runs one over a study.
 *
 * A proposal is a pure function of (options, seed, the part of the log that trial i may see, pending
 * proposals, i).  A strategy realises that with `observe`, called once per visible result in log
 * order, and `propose`, which must not depend on anything else: no clock, no generator state, all
 * randomness from nas_random_make(seed, NAS_STREAM_PROPOSE, index, draw, …).  Reopening a study
 * feeds `observe` again, so no strategy writes persistence code, and a search that was killed goes on
 * as if nothing had happened.
 *
 * What trial i may see:
 *   order = "index"    exactly the results of trials 0 … i−lookahead, in order of index.  The list
 *                      of trials is then the same for any number of devices.
 *   order = "arrival"  whatever was committed when i was claimed, in order of commit; the claim
 *                      records it (nas_trial.seen), so a replay of that log is exact.
 * In both, every proposal before i is known (as pending, while its result is not to be seen).
 *
 * Next: host/search/random.c, the smallest strategy, written to be copied.
 */
#ifndef CLNAS_SEARCH_H
#define CLNAS_SEARCH_H

#include <clnas/space.h>
#include <clnas/study.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what strategies see and give ------------------------------------------------------------------ */

/* One earlier trial. */
typedef struct nas_seen {
    int index;     /* in the log */
    nas_arch arch; /* canonical */
    double budget; /* epochs, as a rule */
    int parent;    /* that it stems from, -1: none */
    int from;      /* trial whose weights it starts from, -1: none */
    const char
        *note; /* never NULL; "" where there is none; lent from the study's mirror for this call */
    bool failed; /* a result, and the worst one */
    double
        score[NAS_OBJECTIVES]; /* greater is better; -INFINITY when failed; unset while pending */
    double violation;          /* of the bounds; 0: within */
    const nas_trial *result;   /* metrics and curves, valid during the call; NULL while pending */
} nas_seen;

/* A strategy with its study, at work.  One thread at a time. */
typedef struct nas_search nas_search;

/* What a proposal may know.  Lent for the call. */
typedef struct nas_outlook {
    const nas_search *search; /* for the functions below */
    int index;                /* to propose */
    int seen_count; /* results observed so far; inside another strategy, those that it let through */
    int pending_count;
    const nas_seen *const *pending; /* earlier proposals without a visible result, by index */
} nas_outlook;

/* The first earlier trial (seen or pending) with this architecture at any budget; -1: none. */
NAS_API int nas_outlook_find(const nas_outlook *outlook, const nas_arch *arch);
/* The first trial with this architecture whose result was observed (at any budget); NULL: none. */
NAS_API const nas_seen *nas_outlook_seen(const nas_outlook *outlook, const nas_arch *arch);
/* How many different architectures the earlier trials have. */
NAS_API int nas_outlook_distinct(const nas_outlook *outlook);

/* What a strategy says. */
typedef enum nas_proposal_kind {
    NAS_PROPOSE_TRIAL,
    NAS_PROPOSE_WAIT, /* not before another result arrives; only with order = "arrival" */
    NAS_PROPOSE_DONE, /* nothing is left to try */
} nas_proposal_kind;

enum { NAS_NOTE_SIZE = 2048 };

/* A strategy's answer; begins with the defaults that are named here. */
typedef struct nas_proposal {
    nas_proposal_kind kind; /* TRIAL unless set */
    nas_arch arch;          /* canonical and valid */
    double budget;          /* the setting's unless set */
    int parent;             /* -1 unless set */
    /* Trial whose weights it starts from: one whose result was observed; -1 unless set.  The search takes the target of an
     * alias, and -1 where that trial failed. */
    int from;
    char note[NAS_NOTE_SIZE]; /* "" unless set */
} nas_proposal;

/* What a strategy is begun with; everything outlives its state. */
typedef struct nas_setting {
    const void *options;      /* the strategy's instance */
    const nas_value *group;   /* the config's group, for strategies around others; may be NULL */
    const nas_domain *domain; /* what is searched */
    const nas_objectives *objectives; /* the first decides where one must */
    uint64_t seed;                    /* of the study; use NAS_STREAM_PROPOSE, by index */
    double budget;                    /* of a full trial */
    int lookahead;                    /* 0: order = "arrival" */
    bool weights; /* trials may start from others' weights (nas_proposal.from) */
    int given_count;
    const nas_arch *given; /* proposed first, as trials 0 … by the search itself */
} nas_setting;

/* ---- the descriptor -------------------------------------------------------------------------------- */

/* A strategy: which architecture comes next.  That must follow from its options, the setting and what it observed. */
typedef struct nas_strategy {
    nas_kind kind;      /* its options */
    int objectives_max; /* 1, or NAS_OBJECTIVES for Pareto strategies */
    int lookahead_max;  /* 0: any; 1: each proposal needs all earlier results */
    /* The evaluator that trains what this strategy decides about, and no other; it gets the strategy's options, of which `epochs`
     * is the length of a training.  NULL: any that is for single architectures. */
    const char *evaluator;
    nas_status (*begin)(const nas_setting *setting, void **state); /* makes the state */
    /* One visible result, in log order, the given ones included.  NULL: results do not matter. */
    nas_status (*observe)(void *state, const nas_seen *trial);
    /* Fills the proposal for outlook->index. */
    nas_status (*propose)(void *state, const nas_outlook *outlook, nas_proposal *proposal);
    void (*end)(void *state); /* NULL: free(state) */
    /* Members of the config's group that the strategy reads itself (setting->group), as those around
     * another strategy do; ends with NULL.  NULL: none. */
    const char *const *also;
    /* May a later proposal start from the weights of this trial, whose result was observed?  Its checkpoint is then kept.  Only
     * time hangs on the answer: weights that are wanted and gone are made again.  NULL: no. */
    bool (*wants_weights)(const void *state, int trial);
} nas_strategy;

NAS_API const nas_strategy *nas_strategy_find(const char *name); /* NULL: none */
NAS_API const nas_strategy *const *nas_strategy_all(int *count);
/* Like find, with a message that names the nearest strategy. */
NAS_API nas_status nas_strategy_get(const char *name, const nas_strategy **strategy);
/* Adds a strategy of the program's own, by the rules of nas_space_register. */
NAS_API nas_status nas_strategy_register(const nas_strategy *strategy);
/* nas_options_fill for a strategy: members that it reads itself are allowed too. */
NAS_API nas_status nas_strategy_fill(const nas_strategy *strategy, const nas_value *group,
                                     const char *const *also, void *instance);
/* The effective options as a group, with the members of `group` that the strategy reads itself; those that are a strategy
 * (inner = { type = … }) are checked and completed. */
NAS_API nas_status nas_strategy_value(const nas_strategy *strategy, const nas_value *group,
                                      const void *instance, nas_value *complete);

/* ---- the search: one strategy over one study ---------------------------------------------------------- */

/* All lent and outliving the search, but for `given`, which is copied. */
typedef struct nas_search_setting {
    const nas_strategy *strategy; /* which */
    const nas_value *group;       /* options; members named in `also` are the caller's */
    const char *const *also;      /* "type" and "given", as a rule */
    const nas_domain *domain;     /* what is searched */
    nas_objectives objectives;    /* with the bounds */
    uint64_t seed;                /* of the study */
    double budget;                /* of a full trial, in epochs */
    int lookahead;                /* ≥ 1: order = "index"; 0: order = "arrival" */
    int trials_max;               /* 0: no limit */
    bool reuse;   /* the evaluator is pure: a duplicate (of arch, budget, from) becomes an alias */
    bool weights; /* the evaluator keeps weights and starts from them */
    int given_count;
    const nas_arch *given; /* see nas_domain_read */
} nas_search_setting;

/* `study` is lent and must outlive the search.  NAS_CONFIG: options, given architectures or objectives that will not
 * do. */
NAS_API nas_status nas_search_create(const nas_search_setting *setting, nas_study *study,
                                     nas_search **search);
NAS_API void nas_search_destroy(nas_search *search);
/* The strategy's effective options, for the study's record. */
NAS_API nas_status nas_search_strategy_options(const nas_search *search, nas_value *group);
/* Another trials_max, from the next proposal on. */
NAS_API void nas_search_set_limit(nas_search *search, int trials_max);

/* What a worker is to do. */
typedef enum nas_next {
    NAS_NEXT_TRIAL, /* claimed: evaluate it, then nas_study_commit or nas_study_release */
    NAS_NEXT_WAIT,  /* other workers' results are needed first: sleep a little, call again */
    NAS_NEXT_DONE,  /* no more trials, and none is being worked on */
} nas_next;

/* A trial that was claimed. */
typedef struct nas_job {
    nas_claim claim;  /* the right to work on it */
    nas_arch arch;    /* canonical */
    double budget;    /* epochs, as a rule */
    int parent;       /* -1: none */
    int from;         /* trial whose weights it starts from, -1: none */
    const char *note; /* lent from the study's mirror */
} nas_job;

/* Sync, take over a lost trial or propose the next one and claim it; duplicates become aliases on
 * the way.  NAS_DEVICE when a trial has used up its attempts. */
NAS_API nas_status nas_search_next(nas_search *search, const nas_owner *owner, const char *device,
                                   nas_next *next, nas_job *job);
/* Observes what a proposal for the next free index may see, from the synced log. */
NAS_API nas_status nas_search_observe(nas_search *search);
/* May a later proposal start from the weights of this trial?  Where the strategy uses weights at all, yes while its
 * result was not observed.  No search: no. */
NAS_API bool nas_search_wants_weights(const nas_search *search, int trial);
/* The proposal for the next free index from the synced log, without claiming (tests, `ask`). */
NAS_API nas_status nas_search_propose(nas_search *search, nas_next *next, int *index,
                                      nas_proposal *proposal);

#ifdef __cplusplus
}
#endif
#endif
