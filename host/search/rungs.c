/* rungs.c - successive halving in brackets, and ASHA's endless one, around any strategy.
 *
 * Idea (Jamieson and Talwalkar, 1502.07943; Li et al., "Hyperband", 1603.06560): most candidates show early that they are
 * not worth a full training.  Rung 0 trains n of them for a small budget, rung 1 the best n/η for η times as much, and so on.
 * ASHA (Li et al., 1810.05934) promotes whoever is in the best 1/η of a rung as soon as that is known, so nobody waits.
 *
 * A note "BRACKET RUNG|" in front of the inner strategy's own note says where a trial belongs; a promoted trial's parent is
 * the same network one rung below.  So the ladder is read off the log.  Synchronous brackets wait for a rung to be complete; what would
 * wait opens the next bracket instead, so no device stands idle.
 *
 * The inner strategy proposes for the first rungs.  It observes what came of its own proposals, at the budget it proposed
 * them for; a promotion is not its doing.  Failed networks are never promoted.
 *
 * With a measure, rung 0 trains nothing (budget 0) and is ranked by a metric of its own, a zero-cost proxy; then there is one more
 * rung, the full budget, and only what came of that is shown to the inner strategy, under the note it wrote for rung 0.
 *
 * Layout: the arithmetic of brackets; entries; the inner strategy; observing; promoting. */
#include "rungs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    nas_arch arch;
    int index, bracket, rung;
    int from; /* where its training began; that of a promotion begins there, too */
    double score, violation;
    char *note;    /* the inner strategy's, where the promoted trial is to carry it */
    bool promoted; /* by a trial that was observed */
    bool goes_on;  /* the stopping rule said so */
} entry;

/* The entries of one rung of one bracket, best first. */
typedef struct rung {
    entry **sorted;
    int count, capacity;
} rung;

struct nas__rungs {
    nas__rungs_setting setting;
    rung *rungs; /* [bracket][NAS__RUNGS_MAX] */
    int bracket_count, bracket_capacity;
    nas__inner inner;
};

/* ---- brackets ---------------------------------------------------------------------------------------------------------- */

int nas__ladder_rungs(const nas__ladder *ladder)
{
    double ratio = ladder->largest / ladder->smallest;
    int rungs = ratio >= 1 ? (int)floor(log(ratio) / log(ladder->eta) + 1e-9) + 1 : 1;
    return rungs < NAS__RUNGS_MAX ? rungs : NAS__RUNGS_MAX;
}

void nas__ladder_bracket(const nas__ladder *ladder, int b, nas__bracket *bracket)
{
    int most = nas__ladder_rungs(ladder);
    int rungs = ladder->hyperband ? most - b % most : most;
    double start = ladder->hyperband
                       ? ceil((double)most / rungs * pow(ladder->eta, rungs - 1) - 1e-9)
                   : ladder->size ? ladder->size
                                  : floor(pow(ladder->eta, rungs - 1) + 1e-9);
    *bracket = (nas__bracket){.rungs = rungs};
    for (int k = 0; k < rungs; k++) {
        double size = floor(start * pow(ladder->eta, -k) + 1e-9);
        double budget = ladder->largest * pow(ladder->eta, k - rungs + 1);
        bool whole = ladder->largest == floor(ladder->largest);
        bracket->size[k] = size < 1 ? 1 : (int)size;
        bracket->budget[k] = whole ? fmax(1, round(budget)) : budget;
    }
}

static void bracket_of(const nas__rungs *r, int b, nas__bracket *bracket)
{
    if (r->setting.measure.metric) { /* 0 epochs, then all of them */
        *bracket =
            (nas__bracket){.rungs = 2, .size = {1, 1}, .budget = {0, r->setting.ladder.largest}};
        return;
    }
    nas__ladder_bracket(&r->setting.ladder, b, bracket);
}

/* ---- create ------------------------------------------------------------------------------------------------------------- */

nas_status nas__rungs_create(const nas__rungs_setting *setting, nas__rungs **rungs)
{
    nas__rungs *r = calloc(1, sizeof *r);
    if (!r)
        NAS_FAIL(NAS_MEMORY, "no memory for the rungs of a search");
    r->setting = *setting;
    nas_status status =
        nas__inner_begin(&r->inner, setting->setting, setting->inner, setting->inner_options);
    if (status != NAS_OK) {
        nas__rungs_destroy(r);
        return status;
    }
    *rungs = r;
    return NAS_OK;
}

void nas__rungs_destroy(void *rungs)
{
    nas__rungs *r = rungs;
    if (!r)
        return;
    nas__inner_end(&r->inner);
    for (int i = 0; i < r->bracket_count * NAS__RUNGS_MAX; i++) {
        for (int k = 0; k < r->rungs[i].count; k++) {
            free(r->rungs[i].sorted[k]->note);
            free(r->rungs[i].sorted[k]);
        }
        free(r->rungs[i].sorted);
    }
    free(r->rungs);
    free(r);
}

/* ---- notes and entries ---------------------------------------------------------------------------------------------------- */

/* False for given networks, which are on no rung. */
static bool read_note(const nas_seen *trial, int *bracket, int *k, const char **inner)
{
    const char *bar = strchr(trial->note, '|');
    if (!bar || sscanf(trial->note, "%d %d", bracket, k) != 2)
        return false;
    *inner = bar + 1;
    return *bracket >= 0 && *k >= 0 && *k < NAS__RUNGS_MAX;
}

/* An empty one where nothing was observed yet. */
static const rung *rung_at(const nas__rungs *r, int bracket, int k)
{
    static const rung none = {0};
    return bracket < r->bracket_count ? &r->rungs[bracket * NAS__RUNGS_MAX + k] : &none;
}

static nas_status make_bracket(nas__rungs *r, int bracket)
{
    if (bracket >= r->bracket_capacity) {
        size_t wanted = 2 * (size_t)bracket + 4;
        rung *rungs = realloc(r->rungs, wanted * NAS__RUNGS_MAX * sizeof *rungs);
        if (!rungs)
            NAS_FAIL(NAS_MEMORY, "no memory for %zu brackets", wanted);
        r->rungs = rungs;
        r->bracket_capacity = (int)wanted;
    }
    for (; r->bracket_count <= bracket; r->bracket_count++)
        memset(r->rungs + (size_t)r->bracket_count * NAS__RUNGS_MAX, 0,
               NAS__RUNGS_MAX * sizeof *r->rungs);
    return NAS_OK;
}

static bool is_better(const entry *a, const entry *b)
{
    return a->violation != b->violation ? a->violation < b->violation : a->score > b->score;
}

/* `note` NULL: no promotion carries one. */
static nas_status add_entry(rung *to, const entry *seen, const char *note, entry **added)
{
    if (to->count == to->capacity) {
        size_t wanted = to->capacity ? 2 * (size_t)to->capacity : 16;
        entry **sorted = realloc(to->sorted, wanted * sizeof *sorted);
        if (!sorted)
            NAS_FAIL(NAS_MEMORY, "no memory for a rung of %zu", wanted);
        to->sorted = sorted;
        to->capacity = (int)wanted;
    }
    entry *copy = malloc(sizeof *copy);
    char *own = copy && note ? strdup(note) : NULL;
    if (!copy || (note && !own)) {
        free(copy);
        NAS_FAIL(NAS_MEMORY, "no memory for a result");
    }
    *copy = *seen;
    copy->note = own;
    int at = to->count++;
    for (; at > 0 && is_better(copy, to->sorted[at - 1]); at--)
        to->sorted[at] = to->sorted[at - 1];
    to->sorted[at] = copy;
    *added = copy;
    return NAS_OK;
}

/* Where the inner strategy's proposals are trained: rung 0, or rung 1 where rung 0 is only measured. */
static int own_rung(const nas__rungs *r)
{
    return r->setting.measure.metric ? 1 : 0;
}

/* ---- observing --------------------------------------------------------------------------------------------------------------- */

static void mark_promoted(const rung *below, int index)
{
    for (int i = 0; i < below->count; i++)
        if (below->sorted[i]->index == index)
            below->sorted[i]->promoted = true;
}

bool nas__rungs_goes_on(const double *best_first, int count, double score, double eta)
{
    double place = (count - 1) / eta; /* of the quantile, from the best */
    int above = (int)floor(place);
    double share = place - above;
    if (score == -INFINITY)
        return false;
    if (count < 2 || best_first[above] == -INFINITY)
        return true;
    if (share == 0)
        return score >= best_first[above];
    double below = best_first[above + 1]; /* there is one: place < count - 1 */
    return below == -INFINITY || score >= best_first[above] + share * (below - best_first[above]);
}

static double valid_score(const entry *e)
{
    return e->violation == 0 ? e->score : -INFINITY;
}

/* The rule for an entry that was just added. */
static nas_status decide(const nas__rungs *r, const rung *on, entry *newest)
{
    double *scores = malloc((size_t)on->count * sizeof *scores);
    if (!scores)
        NAS_FAIL(NAS_MEMORY, "no memory for a rung of %d", on->count);
    for (int i = 0; i < on->count; i++)
        scores[i] = valid_score(on->sorted[i]);
    newest->goes_on =
        nas__rungs_goes_on(scores, on->count, valid_score(newest), r->setting.ladder.eta);
    free(scores);
    return NAS_OK;
}

/* What rung 0 is ranked by, where that is a metric of its own. */
static void measure(const nas__rungs *r, const nas_seen *trial, entry *seen)
{
    const nas__rung_measure *m = &r->setting.measure;
    double value = nas_trial_metric(trial->result, m->metric);
    bool failed = trial->result->status != NAS_TRIAL_COMPLETE || isnan(value);
    seen->score = m->goal == NAS_GOAL_MAX ? value : -value;
    seen->violation = failed ? INFINITY : trial->violation;
}

nas_status nas__rungs_observe(void *rungs, const nas_seen *trial)
{
    nas__rungs *r = rungs;
    const char *note;
    entry *added = NULL;
    entry seen = {.arch = trial->arch,
                  .index = trial->index,
                  .from = trial->from,
                  .score = trial->score[0],
                  .violation = trial->failed ? INFINITY : trial->violation};
    if (!read_note(trial, &seen.bracket, &seen.rung, &note))
        return nas__inner_observe(&r->inner, trial, trial->note);
    bool measured = r->setting.measure.metric && seen.rung == 0;
    if (measured)
        measure(r, trial, &seen);
    NAS_TRY(make_bracket(r, seen.bracket));
    rung *on = &r->rungs[seen.bracket * NAS__RUNGS_MAX + seen.rung];
    NAS_TRY(add_entry(on, &seen, measured ? note : NULL, &added));
    if (r->setting.stopping)
        NAS_TRY(decide(r, on, added));
    if (seen.rung > 0)
        mark_promoted(rung_at(r, seen.bracket, seen.rung - 1), trial->parent);
    bool its_own = r->setting.all_results || seen.rung == own_rung(r);
    return its_own ? nas__inner_observe(&r->inner, trial, note) : NAS_OK;
}

/* ---- proposing ----------------------------------------------------------------------------------------------------------------- */

/* Pending trials on a rung; with `parent` ≥ 0 only promotions of that trial. */
static int pending_on(const nas_outlook *outlook, int bracket, int k, int parent)
{
    int count = 0, its_bracket, its_rung;
    const char *note;
    for (int i = 0; i < outlook->pending_count; i++)
        if (read_note(outlook->pending[i], &its_bracket, &its_rung, &note))
            count += its_bracket == bracket && its_rung == k &&
                     (parent < 0 || outlook->pending[i]->parent == parent);
    return count;
}

static bool is_enough(const nas__rungs *r, const entry *e)
{
    const nas__rung_measure *m = &r->setting.measure;
    if (!m->metric || e->rung > 0)
        return true;
    return m->goal == NAS_GOAL_MAX ? e->score >= m->limit : -e->score <= m->limit;
}

/* The best of the first `among` entries that is good and not yet promoted, by any trial, and with `rules` one that the
 * stopping rule lets go on; NULL: none. */
static const entry *best_promotable(const nas__rungs *r, const rung *below, int among, bool rules,
                                    const nas_outlook *outlook)
{
    for (int i = 0; i < among && i < below->count; i++) {
        const entry *e = below->sorted[i];
        if (e->violation == 0 && !e->promoted && (e->goes_on || !rules) && is_enough(r, e) &&
            pending_on(outlook, e->bracket, e->rung + 1, e->index) == 0)
            return e;
    }
    return NULL;
}

static nas_status promote(const nas__rungs *r, const entry *e, double budget,
                          nas_proposal *proposal)
{
    char mark[32];
    proposal->arch = e->arch;
    proposal->budget = budget;
    proposal->parent = e->index;
    proposal->from = e->from; /* the same training, longer */
    snprintf(proposal->note, sizeof proposal->note, "%s", e->note ? e->note : "");
    snprintf(mark, sizeof mark, "%d %d|", e->bracket, e->rung + 1);
    return nas__inner_mark(&r->inner, mark, proposal);
}

/* What the inner strategy takes for pending. */
static const char *own_note(const void *rungs, const nas_seen *pending)
{
    int bracket, k;
    const char *note;
    if (!read_note(pending, &bracket, &k, &note))
        return pending->note;
    return k == own_rung(rungs) ? note : NULL;
}

static nas_status propose_new(nas__rungs *r, int bracket, double budget, const nas_outlook *outlook,
                              nas_proposal *proposal)
{
    char mark[32];
    NAS_TRY(nas__inner_propose(&r->inner, outlook, own_note, r, proposal));
    if (proposal->kind != NAS_PROPOSE_TRIAL)
        return NAS_OK;
    proposal->budget = budget;
    snprintf(mark, sizeof mark, "%d 0|", bracket);
    return nas__inner_mark(&r->inner, mark, proposal);
}

/* ASHA: from the top down whoever has earned it or was not stopped, else somebody new. */
static nas_status propose_asynchronous(nas__rungs *r, const nas_outlook *outlook,
                                       nas_proposal *proposal)
{
    nas__bracket bracket;
    bracket_of(r, 0, &bracket);
    for (int k = bracket.rungs - 2; k >= 0; k--) {
        const rung *below = rung_at(r, 0, k);
        bool rules = r->setting.stopping;
        int best = (int)floor(below->count / r->setting.ladder.eta + 1e-9);
        const entry *e = best_promotable(r, below, rules ? below->count : best, rules, outlook);
        if (e)
            return promote(r, e, bracket.budget[k + 1], proposal);
    }
    return propose_new(r, 0, bracket.budget[0], outlook, proposal);
}

static int count_good(const rung *r)
{
    int good = 0;
    while (good < r->count && r->sorted[good]->violation == 0)
        good++;
    return good;
}

/* A promotion in bracket b whose rung below is complete; NULL: none now. */
static const entry *due_promotion(const nas__rungs *r, int b, const nas__bracket *bracket,
                                  const nas_outlook *outlook)
{
    for (int k = 1; k < bracket->rungs; k++) {
        const rung *below = rung_at(r, b, k - 1), *here = rung_at(r, b, k);
        int good = count_good(below), size = bracket->size[k] < good ? bracket->size[k] : good;
        bool first = k == 1;
        int wanted = first ? bracket->size[0] : below->count + pending_on(outlook, b, k - 1, -1);
        if (below->count < wanted || below->count == 0)
            return NULL;
        if (here->count + pending_on(outlook, b, k, -1) < size)
            return best_promotable(r, below, size, false, outlook);
    }
    return NULL;
}

/* Halving and Hyperband: the first bracket that has something to do. */
static nas_status propose_in_brackets(nas__rungs *r, const nas_outlook *outlook,
                                      nas_proposal *proposal)
{
    nas__bracket bracket;
    for (int b = 0;; b++) {
        bracket_of(r, b, &bracket);
        if (rung_at(r, b, 0)->count + pending_on(outlook, b, 0, -1) < bracket.size[0])
            return propose_new(r, b, bracket.budget[0], outlook, proposal);
        const entry *e = due_promotion(r, b, &bracket, outlook);
        if (e)
            return promote(r, e, bracket.budget[e->rung + 1], proposal);
    }
}

nas_status nas__rungs_propose(void *rungs, const nas_outlook *outlook, nas_proposal *proposal)
{
    nas__rungs *r = rungs;
    return r->setting.asynchronous ? propose_asynchronous(r, outlook, proposal)
                                   : propose_in_brackets(r, outlook, proposal);
}

bool nas__rungs_wants_weights(const void *rungs, int trial)
{
    const nas__rungs *r = rungs;
    return nas__inner_wants_weights(&r->inner, trial);
}
