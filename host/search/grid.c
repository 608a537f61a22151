/* grid.c - every architecture of a small space, in index order.
 *
 * Idea: a space with a few hundred networks can simply be tried out.  That is how a table is made that other strategies
 * are then measured on (NAS-Bench-201, 2001.00326, is one).
 *
 * The index of a row is the number its genes write down with gene 0 turning fastest.  Rows that are not their own canonical
 * form, and rows that the space refuses, are passed over, so each network comes up once.  Gene 0 turns fastest because it is
 * the depth where a space has one: a short network's rows are then met early and not after every long one.
 *
 * The proposal is the first row that the study does not have.  `at` only remembers how far that has been looked up; it could
 * be counted anew from 0 at any time.
 *
 * Cost: a proposal passes over as many rows as lie between two canonical ones, which is what makes this a strategy
 * for small spaces; `clnas check` prints the size. */
#include "search.h"

#include <stdlib.h>

typedef struct grid_options {
    int64_t first, step;
} grid_options;

static const nas_option options[] = {
    {"first", NAS_OPTION_INT, offsetof(grid_options, first), "0", 0, 1e9, NULL,
     "canonical rows to pass over before the first one"},
    {"step", NAS_OPTION_INT, offsetof(grid_options, step), "1", 1, 1e9, NULL,
     "takes every so many-th canonical row"},
    {0},
};

typedef struct grid {
    const nas_setting *setting;
    nas_arch at;  /* the next row to look at */
    int64_t wait; /* canonical rows still to pass over */
    bool done;
} grid;

static nas_status grid_begin(const nas_setting *setting, void **state)
{
    const grid_options *o = setting->options;
    grid *g = calloc(1, sizeof *g);
    if (!g)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy grid");
    *g = (grid){.setting = setting, .wait = o->first};
    g->at.count = (uint16_t)setting->domain->count;
    *state = g;
    return NAS_OK;
}

static void turn(grid *g)
{
    const nas_domain *domain = g->setting->domain;
    for (int i = 0; i < domain->count; i++) {
        if (++g->at.genes[i] < domain->genes[i].choices)
            return;
        g->at.genes[i] = 0;
    }
    g->done = true;
}

static bool is_network(const nas_domain *domain, const nas_arch *row)
{
    nas_arch canonical = *row;
    nas_domain_canonical(domain, &canonical);
    return nas_arch_equal(&canonical, row) && nas_domain_valid(domain, row) == NAS_OK;
}

static nas_status grid_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    grid *g = state;
    const grid_options *o = g->setting->options;
    for (; !g->done; turn(g)) {
        if (!is_network(g->setting->domain, &g->at))
            continue;
        if (g->wait == 0 && nas_outlook_find(outlook, &g->at) < 0) {
            proposal->arch = g->at;
            return NAS_OK; /* `at` stays: the study may not take the proposal */
        }
        g->wait = g->wait > 0 ? g->wait - 1 : o->step - 1;
    }
    proposal->kind = NAS_PROPOSE_DONE;
    return NAS_OK;
}

const nas_strategy nas__strategy_grid = {
    .kind = {.name = "grid",
             .summary = "every architecture of a small space, in index order",
             .paper = NULL,
             .instance_size = sizeof(grid_options),
             .options = options},
    .objectives_max = NAS_OBJECTIVES,
    .begin = grid_begin,
    .propose = grid_propose,
};
