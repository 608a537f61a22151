/* search.c - one strategy over one study: replay, visibility, duplicates, claims.
 *
 * The loop of the architecture page, seen from one worker:
 *
 *     sync → take over a lost trial, or: observe what may be seen → propose → alias or claim
 *
 * What may be seen is the whole point.  order = "index" shows trial i the results of 0 … i−lookahead and nothing else,
 * whoever finishes first; so the list of trials is a property of the study.  order = "arrival" shows what was committed
 * when the log was read, in order of commit, and records how far that was.  Both only ever show more, so results are
 * observed once, and reopening a study is nothing but observing from the start.
 *
 * Read next: random.c and evolution.c, two strategies; roll.c, the log as rows; host/study/claim.c. */
#include "search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIASES_IN_A_ROW = 64 };

struct nas_search {
    nas_search_setting setting;
    nas_arch *given;
    void *options;
    nas_setting strategy_setting;
    void *state;
    nas_study *study;
    nas__roll roll;
    int seen_count;
    int *pending; /* indices without an observed result, ascending */
    const nas_seen **pending_rows;
    int pending_count, pending_capacity;
    int followed; /* rows that went through `pending` */
    int full;     /* architectures that were claimed with the full budget */
};

/* ---- create ----------------------------------------------------------------------------------------------------- */

static nas_status check_setting(const nas_search_setting *s)
{
    const char *name = s->strategy->kind.name;
    if (s->objectives.count < 1 || s->objectives.count > NAS_OBJECTIVES)
        NAS_FAIL(NAS_CONFIG, "a search needs 1 to %d objectives, not %d", NAS_OBJECTIVES,
                 s->objectives.count);
    if (s->objectives.count > s->strategy->objectives_max)
        NAS_FAIL(NAS_CONFIG, "strategy %s takes %d objective%s, not %d; nsga2 takes several", name,
                 s->strategy->objectives_max, s->strategy->objectives_max > 1 ? "s" : "",
                 s->objectives.count);
    if (s->lookahead < 0)
        NAS_FAIL(NAS_CONFIG, "lookahead must be at least 1 (0: order = \"arrival\")");
    int limit = s->strategy->lookahead_max;
    if (limit && (s->lookahead > limit || s->lookahead == 0))
        NAS_FAIL(NAS_CONFIG, "strategy %s needs order = \"index\" and lookahead ≤ %d", name, limit);
    return NAS_OK;
}

static nas_status copy_given(nas_search *search)
{
    const nas_search_setting *s = &search->setting;
    search->given = calloc((size_t)s->given_count + 1, sizeof *search->given);
    if (!search->given)
        NAS_FAIL(NAS_MEMORY, "no memory for %d given architectures", s->given_count);
    for (int i = 0; i < s->given_count; i++) {
        search->given[i] = s->given[i];
        NAS_TRY(nas_domain_check(s->domain, &search->given[i]));
        nas_domain_canonical(s->domain, &search->given[i]);
    }
    return NAS_OK;
}

static nas_status begin_strategy(nas_search *search)
{
    const nas_search_setting *s = &search->setting;
    const nas_strategy *strategy = s->strategy;
    search->options = calloc(1, strategy->kind.instance_size + 1);
    if (!search->options)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy %s", strategy->kind.name);
    NAS_TRY(nas_strategy_fill(strategy, s->group, s->also, search->options));
    search->strategy_setting = (nas_setting){.options = search->options,
                                             .group = s->group,
                                             .domain = s->domain,
                                             .objectives = &s->objectives,
                                             .seed = s->seed,
                                             .budget = s->budget,
                                             .lookahead = s->lookahead,
                                             .weights = s->weights,
                                             .given_count = s->given_count,
                                             .given = search->given};
    return strategy->begin ? strategy->begin(&search->strategy_setting, &search->state) : NAS_OK;
}

nas_status nas_search_create(const nas_search_setting *setting, nas_study *study,
                             nas_search **search)
{
    nas_status status = NAS_OK;
    NAS_TRY(check_setting(setting));
    nas_search *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a search");
    made->setting = *setting;
    made->study = study;
    NAS_TRY_DONE(copy_given(made));
    NAS_TRY_DONE(begin_strategy(made));
    *search = made;
    return NAS_OK;
done:
    nas_search_destroy(made);
    return status;
}

void nas_search_destroy(nas_search *search)
{
    if (!search)
        return;
    if (search->setting.strategy->end && search->state)
        search->setting.strategy->end(search->state);
    else
        free(search->state);
    nas__roll_clear(&search->roll);
    free(search->pending);
    free(search->pending_rows);
    free(search->options);
    free(search->given);
    free(search);
}

nas_status nas_search_strategy_options(const nas_search *search, nas_value *group)
{
    return nas_strategy_value(search->setting.strategy, search->setting.group, search->options,
                              group);
}

void nas_search_set_limit(nas_search *search, int trials_max)
{
    search->setting.trials_max = trials_max;
}

int nas_outlook_find(const nas_outlook *outlook, const nas_arch *arch)
{
    int found = nas__roll_find(&outlook->search->roll, arch);
    return found < outlook->index ? found : -1;
}

const nas_seen *nas_outlook_seen(const nas_outlook *outlook, const nas_arch *arch)
{
    const nas__roll *roll = &outlook->search->roll;
    for (int at = nas__roll_find(roll, arch); at >= 0; at = roll->same[at])
        if (roll->rows[at]->result && at < outlook->index)
            return roll->rows[at];
    return NULL;
}

int nas_outlook_distinct(const nas_outlook *outlook)
{
    return outlook->search->roll.distinct;
}

/* ---- observing -------------------------------------------------------------------------------------------------- */

/* The first trial of its architecture with the full budget, wherever others start from. */
static bool is_first_full(const nas_search *search, int index)
{
    const nas__roll *roll = &search->roll;
    const double budget = search->setting.budget;
    bool first = roll->rows[index]->budget >= budget;
    int at = nas__roll_find(roll, &roll->rows[index]->arch);
    for (; at >= 0 && first; at = roll->same[at])
        first = at >= index || roll->rows[at]->budget < budget;
    return first;
}

static nas_status follow_log(nas_search *search)
{
    NAS_TRY(nas__roll_follow(&search->roll, search->setting.domain, search->study));
    int count = search->roll.count;
    while (search->pending_capacity < count - search->followed + search->pending_count) {
        int capacity = search->pending_capacity ? 2 * search->pending_capacity : 64;
        int *pending = realloc(search->pending, (size_t)capacity * sizeof *pending);
        if (pending)
            search->pending = pending;
        const nas_seen **rows = realloc(search->pending_rows, (size_t)capacity * sizeof *rows);
        if (rows)
            search->pending_rows = rows;
        if (!pending || !rows)
            NAS_FAIL(NAS_MEMORY, "no memory for %d pending trials", capacity);
        search->pending_capacity = capacity;
    }
    for (; search->followed < count; search->followed++) {
        const nas_trial *trial = nas_study_trial(search->study, search->followed);
        search->full += trial->status != NAS_TRIAL_ALIAS && is_first_full(search, search->followed);
        search->pending[search->pending_count++] = search->followed;
    }
    return NAS_OK;
}

/* Trials that no strategy proposed have none. */
static const char *note_of(const nas_search *search, int index)
{
    const char *note = nas_study_trial(search->study, index)->note;
    return note ? note : "";
}

static nas_status observe_one(nas_search *search, int index)
{
    const nas_objectives *objectives = &search->setting.objectives;
    nas_seen *row = search->roll.rows[index];
    row->result = nas_study_result(search->study, index);
    row->note = note_of(search, index);
    row->violation = nas_bound_violation(objectives, row->result);
    row->failed = false;
    for (int k = 0; k < objectives->count; k++) {
        row->score[k] = nas_objective_score(&objectives->item[k], row->result);
        row->failed |= !isfinite(row->score[k]);
    }
    for (int k = 0; k < objectives->count && row->failed; k++)
        row->score[k] = -INFINITY;
    search->seen_count++;
    if (!search->setting.strategy->observe)
        return NAS_OK;
    return search->setting.strategy->observe(search->state, row);
}

/* order = "index": results of 0 … limit, in that order.  `*ready` false when one of them is missing. */
static nas_status observe_by_index(nas_search *search, int limit, bool *ready)
{
    int done = 0;
    nas_status status = NAS_OK;
    *ready = true;
    while (status == NAS_OK && done < search->pending_count && search->pending[done] <= limit) {
        int index = search->pending[done];
        *ready = nas_study_result(search->study, index) != NULL;
        if (!*ready)
            break;
        status = observe_one(search, index);
        done++;
    }
    search->pending_count -= done;
    if (done)
        memmove(search->pending, search->pending + done,
                (size_t)search->pending_count * sizeof *search->pending);
    return status;
}

typedef struct arrival {
    int64_t revision;
    int index;
} arrival;

static int by_arrival(const void *left, const void *right)
{
    const arrival *a = left, *b = right;
    if (a->revision != b->revision)
        return a->revision < b->revision ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* order = "arrival": everything that has a result, in order of commit. */
static nas_status observe_by_arrival(nas_search *search)
{
    int count = 0, left = 0;
    arrival *arrivals = malloc(((size_t)search->pending_count + 1) * sizeof *arrivals);
    if (!arrivals)
        NAS_FAIL(NAS_MEMORY, "no memory for %d results", search->pending_count);
    for (int i = 0; i < search->pending_count; i++) {
        int index = search->pending[i];
        int64_t revision = nas_study_result_revision(search->study, index);
        if (revision > 0)
            arrivals[count++] = (arrival){revision, index};
        else
            search->pending[left++] = index;
    }
    search->pending_count = left;
    qsort(arrivals, (size_t)count, sizeof *arrivals, by_arrival);
    nas_status status = NAS_OK;
    for (int i = 0; i < count && status == NAS_OK; i++)
        status = observe_one(search, arrivals[i].index);
    free(arrivals);
    return status;
}

static nas_status observe(nas_search *search, int index, bool *ready)
{
    int lookahead = search->setting.lookahead;
    *ready = true;
    NAS_TRY(follow_log(search));
    return lookahead ? observe_by_index(search, index - lookahead, ready)
                     : observe_by_arrival(search);
}

nas_status nas_search_observe(nas_search *search)
{
    bool ready;
    return observe(search, nas_study_count(search->study), &ready);
}

static bool may_become_parent(const nas_search *search, int trial)
{
    return !search->roll.rows[trial]->result ||
           search->setting.strategy->wants_weights(search->state, trial);
}

/* Whoever names an alias starts from its target; an alias has its target's architecture. */
bool nas_search_wants_weights(const nas_search *search, int trial)
{
    if (!search || !search->setting.strategy->wants_weights || !search->setting.weights)
        return false;
    const nas__roll *roll = &search->roll;
    bool wanted = trial >= roll->count || may_become_parent(search, trial);
    int at = wanted ? -1 : nas__roll_find(roll, &roll->rows[trial]->arch);
    for (; at >= 0 && !wanted; at = roll->same[at])
        wanted =
            nas_study_trial(search->study, at)->alias == trial && may_become_parent(search, at);
    return wanted;
}

/* ---- proposing --------------------------------------------------------------------------------------------------- */

static bool space_is_exhausted(const nas_search *search)
{
    double size;
    bool exact = false;
    return search->setting.reuse && nas_domain_size(search->setting.domain, &size, &exact) &&
           exact && search->full >= size;
}

/* A strategy names trials as it saw them; what is stored is a trial that has weights. */
static nas_status resolve_from(const nas_search *search, nas_proposal *proposal)
{
    const char *name = search->setting.strategy->kind.name;
    if (proposal->from < 0)
        return NAS_OK;
    if (!search->setting.weights)
        NAS_FAIL(NAS_CONFIG,
                 "strategy %s starts trials from others' weights, which this evaluator does not "
                 "keep; use evaluate.type = \"trained\"",
                 name);
    if (proposal->from >= search->roll.count || !search->roll.rows[proposal->from]->result)
        NAS_FAIL(NAS_FAILED, "strategy %s starts from trial %d, whose result it has not seen", name,
                 proposal->from);
    const nas_trial *result = nas_study_result(search->study, proposal->from);
    proposal->from = result->status == NAS_TRIAL_COMPLETE ? result->index : -1;
    return NAS_OK;
}

static nas_status ask_strategy(nas_search *search, int index, nas_proposal *proposal)
{
    const nas_strategy *strategy = search->setting.strategy;
    for (int i = 0; i < search->pending_count; i++) {
        nas_seen *row = search->roll.rows[search->pending[i]];
        row->note = note_of(search, row->index);
        row->result = NULL;
        search->pending_rows[i] = row;
    }
    const nas_outlook outlook = {.search = search,
                                 .index = index,
                                 .seen_count = search->seen_count,
                                 .pending_count = search->pending_count,
                                 .pending = search->pending_rows};
    NAS_TRY(strategy->propose(search->state, &outlook, proposal));
    if (proposal->kind == NAS_PROPOSE_WAIT && search->setting.lookahead)
        NAS_FAIL(
            NAS_CONFIG,
            "strategy %s waits for more results, which order = \"index\" never shows trial %d; "
            "use order = \"arrival\" or lookahead = 1",
            strategy->kind.name, index);
    if (proposal->kind != NAS_PROPOSE_TRIAL)
        return NAS_OK;
    NAS_TRY(nas_domain_check(search->setting.domain, &proposal->arch));
    nas_domain_canonical(search->setting.domain, &proposal->arch);
    return resolve_from(search, proposal);
}

/* From a synced log. */
static nas_status propose(nas_search *search, int index, bool *ready, nas_proposal *proposal)
{
    *proposal = (nas_proposal){.budget = search->setting.budget, .parent = -1, .from = -1};
    NAS_TRY(observe(search, index, ready));
    if (!*ready)
        return NAS_OK;
    if (index < search->setting.given_count) {
        proposal->arch = search->given[index];
        return NAS_OK;
    }
    if (space_is_exhausted(search)) {
        proposal->kind = NAS_PROPOSE_DONE;
        return NAS_OK;
    }
    return ask_strategy(search, index, proposal);
}

static nas_next next_of(const nas_search *search, bool ready, nas_proposal_kind kind)
{
    if (!ready || kind == NAS_PROPOSE_WAIT)
        return NAS_NEXT_WAIT;
    if (kind == NAS_PROPOSE_DONE)
        return nas_study_open_count(search->study) ? NAS_NEXT_WAIT : NAS_NEXT_DONE;
    return NAS_NEXT_TRIAL;
}

nas_status nas_search_propose(nas_search *search, nas_next *next, int *index,
                              nas_proposal *proposal)
{
    bool ready;
    *index = nas_study_count(search->study);
    NAS_TRY(propose(search, *index, &ready, proposal));
    *next = next_of(search, ready, proposal->kind);
    return NAS_OK;
}

/* ---- claiming ------------------------------------------------------------------------------------------------------ */

/* The first trial with the same architecture, budget and beginning; -1: none. */
static int duplicate_of(const nas_search *search, const nas_proposal *proposal)
{
    int at = search->setting.reuse ? nas__roll_find(&search->roll, &proposal->arch) : -1;
    int first = -1;
    for (; at >= 0; at = search->roll.same[at])
        if (search->roll.rows[at]->budget == proposal->budget &&
            search->roll.rows[at]->from == proposal->from && (first < 0 || at < first))
            first = at;
    return first;
}

static void fill_job(const nas_search *search, const nas_claim *claim, nas_job *job)
{
    const nas_seen *row = search->roll.rows[claim->index];
    *job = (nas_job){.claim = *claim,
                     .arch = row->arch,
                     .budget = row->budget,
                     .parent = row->parent,
                     .from = row->from,
                     .note = note_of(search, claim->index)};
}

static nas_status claim_proposal(nas_search *search, int index, const nas_proposal *proposal,
                                 int64_t seen, const nas_owner *owner, const char *device,
                                 nas_claim *claim, bool *mine)
{
    nas_text arch = {0};
    nas_trial line;
    bool taken = true;
    nas_trial_init(&line);
    nas_domain_write(search->setting.domain, &proposal->arch, &arch);
    NAS_TRY(nas_text_check(&arch));
    char note[NAS_NOTE_SIZE];
    memcpy(note, proposal->note, sizeof note);
    line.arch = arch.data; /* lent for the call */
    line.note = note;
    line.budget = proposal->budget;
    line.parent = proposal->parent;
    line.from = proposal->from;
    line.seen = seen;
    line.alias = duplicate_of(search, proposal);
    line.status = line.alias >= 0 ? NAS_TRIAL_ALIAS : NAS_TRIAL_RUNNING;
    if (device)
        strncpy(line.device, device, sizeof line.device - 1);
    nas_status status = nas_study_claim(search->study, index, &line, owner, claim, &taken);
    *mine = status == NAS_OK && !taken && line.alias < 0;
    nas_text_clear(&arch);
    return status;
}

static nas_status resume_lost(nas_search *search, const nas_owner *owner, const char *device,
                              nas_next *next, nas_job *job)
{
    nas_claim claim;
    bool found;
    *next = NAS_NEXT_WAIT;
    NAS_TRY(nas_study_reclaim(search->study, owner, device, &claim, &found));
    if (!found)
        return NAS_OK;
    NAS_TRY(follow_log(search));
    fill_job(search, &claim, job);
    *next = NAS_NEXT_TRIAL;
    return NAS_OK;
}

/* One attempt at the next index.  `*again`: it became an alias, or somebody else was faster. */
static nas_status claim_next(nas_search *search, const nas_owner *owner, const char *device,
                             nas_next *next, nas_job *job, bool *again)
{
    int index = nas_study_count(search->study), limit = search->setting.trials_max;
    int64_t seen = nas_study_revision(search->study);
    nas_proposal proposal;
    nas_claim claim;
    bool ready, mine;
    *again = false;
    if (limit > 0 && index >= limit) {
        *next = nas_study_open_count(search->study) ? NAS_NEXT_WAIT : NAS_NEXT_DONE;
        return NAS_OK;
    }
    NAS_TRY(propose(search, index, &ready, &proposal));
    *next = next_of(search, ready, proposal.kind);
    if (*next != NAS_NEXT_TRIAL)
        return NAS_OK;
    NAS_TRY(claim_proposal(search, index, &proposal, seen, owner, device, &claim, &mine));
    *again = !mine;
    if (!mine)
        return NAS_OK;
    NAS_TRY(follow_log(search));
    fill_job(search, &claim, job);
    return NAS_OK;
}

nas_status nas_search_next(nas_search *search, const nas_owner *owner, const char *device,
                           nas_next *next, nas_job *job)
{
    NAS_TRY(resume_lost(search, owner, device, next, job));
    bool again = *next != NAS_NEXT_TRIAL;
    for (int tries = 0; again && tries < ALIASES_IN_A_ROW; tries++) {
        if (tries)
            NAS_TRY(nas_study_sync(search->study));
        NAS_TRY(claim_next(search, owner, device, next, job, &again));
    }
    if (again)
        *next = NAS_NEXT_WAIT; /* nothing but duplicates: let the caller look at its clock */
    return NAS_OK;
}
