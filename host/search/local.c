/* local.c - local search: from a random start always to a better neighbour, and over again.
 *
 * Idea: in small cell spaces hill climbing is hard to beat (White, Nolen, Savani, "Exploring the loss landscape in neural
 * architecture search", 2005.02960; den Ottelander et al., 2004.08996).  A climb starts at the best of a few random
 * networks; its neighbours (one gene changed) are tried in random order; the centre moves to a better one; when none of them
 * is better the climb has ended in a local optimum, and another begins.  A search's answer is the best of its whole log.
 *
 *     move = "first"   to the first better neighbour that comes in (the paper's query_until_lower)
 *     move = "best"    to the best one, once all neighbours are known (the paper's default)
 *
 * Departures: move = "first" is the default, as a neighbourhood costs more than most budgets here.  Several trials run
 * at a time: while the last neighbours of a centre are still being trained, neighbours of the best known neighbour are
 * tried, and where these are known too, random networks, which count as part of the climb.
 *
 * Nothing but the log: the note of a trial says which climb it is part of ("climb 3").  The first result of a newer climb
 * becomes the centre.
 *
 * Cost: the neighbours of a centre are listed once, and a cursor keeps behind it what the study already has. */
#include "search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOVE_FIRST, MOVE_BEST };

typedef struct local_options {
    int move;
    int64_t starts, tries;
} local_options;

#define AT(field) offsetof(local_options, field)
static const nas_option options[] = {
    {"move", NAS_OPTION_CHOICE, AT(move), "first", 0, 0, "first|best",
     "first: to the first better neighbour; best: to the best one when all are known"},
    {"starts", NAS_OPTION_INT, AT(starts), "1", 1, 100000, NULL,
     "random networks of which the best is where a climb starts"},
    {"tries", NAS_OPTION_INT, AT(tries), "100", 1, 100000, NULL,
     "draws of a random network until one comes that the study does not have yet"},
    {0},
};
#undef AT

typedef struct point {
    nas_arch arch;
    int index;
    double score, violation;
} point;

/* A centre's neighbours, in the order in which they are tried. */
typedef struct ring {
    nas_arch centre, *list;
    int count;
    int cursor; /* all in front of it are in the study */
} ring;

typedef struct local {
    const nas_setting *setting;
    const local_options *options;
    int climb;   /* number of the climb that goes on; 0: none yet */
    int started; /* results of this climb's starts that are in */
    point centre;
    ring near, far; /* of the centre; of its best neighbour */
} local;

static nas_status local_begin(const nas_setting *setting, void **state)
{
    local *l = calloc(1, sizeof *l);
    if (!l)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy local");
    l->setting = setting;
    l->options = setting->options;
    *state = l;
    return NAS_OK;
}

static void local_end(void *state)
{
    local *l = state;
    free(l->near.list);
    free(l->far.list);
    free(l);
}

/* ---- the climb -------------------------------------------------------------------------------------------------- */

static point point_of(const nas_seen *trial)
{
    return (point){.arch = trial->arch,
                   .index = trial->index,
                   .score = trial->score[0],
                   .violation = trial->failed ? INFINITY : trial->violation};
}

static bool is_better(const point *a, const point *b)
{
    return a->violation != b->violation ? a->violation < b->violation : a->score > b->score;
}

/* Given networks have no note: they are starts of the first climb. */
static int climb_of(const nas_seen *trial)
{
    int climb = 1;
    return sscanf(trial->note, "climb %d", &climb) == 1 ? climb : 1;
}

static nas_status local_observe(void *state, const nas_seen *trial)
{
    local *l = state;
    const point seen = point_of(trial);
    int climb = climb_of(trial);
    if (climb > l->climb) {
        l->climb = climb;
        l->started = 1;
        l->centre = seen;
        return NAS_OK;
    }
    bool starting = climb == l->climb && l->started < l->options->starts;
    l->started += starting;
    if (climb == l->climb && (starting || l->options->move == MOVE_FIRST) &&
        is_better(&seen, &l->centre))
        l->centre = seen;
    return NAS_OK;
}

/* ---- neighbours --------------------------------------------------------------------------------------------------- */

/* The ring around `centre`; shuffled by a key of its own, so that it is the same whenever it is made. */
static nas_status look_around(const local *l, const nas_arch *centre, ring *r)
{
    if (r->list && nas_arch_equal(&r->centre, centre))
        return NAS_OK;
    nas_arch *list;
    int count;
    NAS_TRY(nas_domain_neighbours(l->setting->domain, centre, &list, &count));
    uint64_t hash = nas_arch_hash(centre);
    nas_random random = nas_random_make(l->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)hash,
                                        (uint32_t)(hash >> 32), 2);
    for (int i = count - 1; i > 0; i--) {
        int k = (int)nas_random_below(&random, (uint32_t)i + 1);
        nas_arch held = list[i];
        list[i] = list[k];
        list[k] = held;
    }
    free(r->list);
    *r = (ring){.centre = *centre, .list = list, .count = count};
    return NAS_OK;
}

/* The next neighbour that the study does not have. */
static bool next_of(const nas_outlook *outlook, ring *r, nas_arch *arch)
{
    while (r->cursor < r->count && nas_outlook_find(outlook, &r->list[r->cursor]) >= 0)
        r->cursor++;
    if (r->cursor == r->count)
        return false;
    *arch = r->list[r->cursor];
    return true;
}

/* The best neighbour with a result (false: none has one); `*all`: every neighbour has one. */
static bool best_of(const nas_outlook *outlook, const ring *r, point *best, bool *all)
{
    bool found = false;
    *all = true;
    for (int i = 0; i < r->count; i++) {
        const nas_seen *seen = nas_outlook_seen(outlook, &r->list[i]);
        *all &= seen != NULL;
        if (!seen)
            continue;
        point now = point_of(seen);
        if (!found || is_better(&now, best))
            *best = now;
        found = true;
    }
    return found;
}

/* ---- proposing ------------------------------------------------------------------------------------------------------ */

static nas_status propose_random(const local *l, const nas_outlook *outlook, int climb,
                                 nas_proposal *proposal)
{
    nas_random random =
        nas_random_make(l->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    for (int64_t i = 0; i < l->options->tries; i++) {
        NAS_TRY(nas_domain_sample(l->setting->domain, &random, &proposal->arch));
        if (nas_outlook_find(outlook, &proposal->arch) < 0)
            break;
    }
    snprintf(proposal->note, sizeof proposal->note, "climb %d", climb);
    return NAS_OK;
}

static nas_status propose_beside(const point *parent, int climb, const nas_outlook *outlook,
                                 ring *r, nas_proposal *proposal, bool *found)
{
    *found = next_of(outlook, r, &proposal->arch);
    if (*found) {
        proposal->parent = parent->index;
        snprintf(proposal->note, sizeof proposal->note, "climb %d", climb);
    }
    return NAS_OK;
}

/* Walks from the centre over networks that are all known (they may come from earlier climbs) until there is something to try.
 * Only move = "best" keeps where it got to: there nothing else moves the centre, so the walk ends in the same place whenever
 * it is made, which a replay needs. */
static nas_status local_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    local *l = state;
    if (l->started < l->options->starts)
        return propose_random(l, outlook, l->climb > 0 ? l->climb : 1, proposal);
    point at = l->centre, best;
    for (;;) {
        bool found, all;
        NAS_TRY(look_around(l, &at.arch, &l->near));
        NAS_TRY(propose_beside(&at, l->climb, outlook, &l->near, proposal, &found));
        if (found)
            return NAS_OK;
        bool any = best_of(outlook, &l->near, &best, &all);
        if (all && any && is_better(&best, &at)) {
            at = best;
            if (l->options->move == MOVE_BEST)
                l->centre = at;
            continue;
        }
        if (!all && any) { /* some are still under way: go ahead a step */
            NAS_TRY(look_around(l, &best.arch, &l->far));
            NAS_TRY(propose_beside(&best, l->climb, outlook, &l->far, proposal, &found));
            if (found)
                return NAS_OK;
        }
        return propose_random(l, outlook, all ? l->climb + 1 : l->climb, proposal);
    }
}

const nas_strategy nas__strategy_local = {
    .kind = {.name = "local",
             .summary = "local search: always to a better neighbour, then from another start",
             .paper = "arXiv 2005.02960",
             .instance_size = sizeof(local_options),
             .options = options},
    .objectives_max = 1,
    .begin = local_begin,
    .observe = local_observe,
    .propose = local_propose,
    .end = local_end,
};
