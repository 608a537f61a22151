/* sampling.c - which path a step of training takes through a supernet.
 *
 * SPOS (Guo et al., arXiv 1904.00420): the path of an architecture drawn uniformly from the space, one per batch.  So edges are used as the space
 * uses them: in `cell` a path has two edges per node.
 *
 * FairNAS (Chu et al., 1907.01845), strict fairness: of the rows that the drawn architecture uses every choice is trained once per step.  Each row
 * gets a permutation of its choices; pass k takes the k-th of each.  Gradients of the passes over one batch add up, then there is
 * one update.  Permutations are drawn anew for each step.  A row with fewer choices than another begins again from its first.
 *
 * ENAS (Pham et al., 1802.03268): the path of an architecture that a controller draws, one per batch (controller.c).
 *
 * Draws are keyed by (seed, epoch, step): nothing to keep, and a training that is resumed takes the same paths.
 *
 * The gates go to the device in fills of 16 floats: those do not wait. */
#include "sampling.h"

#include <stdlib.h>
#include <string.h>

enum {
    FILL = 16,   /* floats that one fill carries */
    DRAWS = 1000 /* until an architecture comes that the supernet contains */
};

struct nas__sampling {
    const nas_domain *domain;
    const nas_gate_table *table;
    nas_net *net;
    uint64_t seed;
    bool fair;
    int passes;
    nas__sampling_drawer drawer; /* NULL: uniform */
    void *user;
    float *gates;  /* [table->gates], rounded up to whole fills */
    float *opened; /* 1 where a pass of the step has opened the gate */
};

int nas__sampling_passes(const nas_gate_table *table, bool fair)
{
    int passes = 1;
    for (int row = 0; fair && row < table->count; row++)
        if (table->rows[row].choices > passes)
            passes = table->rows[row].choices;
    return passes;
}

nas_status nas__sampling_create(const nas_domain *domain, const nas_gate_table *table, nas_net *net,
                                uint64_t seed, bool fair, nas__sampling **sampling)
{
    const size_t gates = ((size_t)table->gates + FILL - 1) / FILL * FILL;
    nas__sampling *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for paths");
    *s = (nas__sampling){.domain = domain,
                         .table = table,
                         .net = net,
                         .seed = seed,
                         .fair = fair,
                         .passes = nas__sampling_passes(table, fair),
                         .gates = calloc(gates, sizeof *s->gates),
                         .opened = calloc(gates, sizeof *s->opened)};
    if (!s->gates || !s->opened) {
        nas__sampling_destroy(s);
        NAS_FAIL(NAS_MEMORY, "no memory for %d gates", table->gates);
    }
    *sampling = s;
    return NAS_OK;
}

void nas__sampling_destroy(nas__sampling *s)
{
    if (!s)
        return;
    free(s->gates);
    free(s->opened);
    free(s);
}

void nas__sampling_draw_by(nas__sampling *s, nas__sampling_drawer drawer, void *user)
{
    s->drawer = drawer;
    s->user = user;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* Replaces the choices of the rows that are used by the pass-th of their permutations. */
static void be_fair(const nas__sampling *s, nas_random *random, int pass,
                    int choices[NAS_GATE_ROWS])
{
    for (int row = 0; row < s->table->count; row++) {
        const int count = s->table->rows[row].choices;
        uint32_t order[NAS_CHOICES];
        for (int k = 0; k < count; k++)
            order[k] = (uint32_t)k;
        nas_random_shuffle(random, order, (uint32_t)count);
        if (choices[row] >= 0)
            choices[row] = (int)order[pass % count];
    }
}

/* An architecture that the supernet contains, and its path. */
static nas_status draw(const nas__sampling *s, nas_random *random, nas_arch *arch,
                       int choices[NAS_GATE_ROWS])
{
    nas_status status = NAS_BOUND;
    for (int i = 0; i < DRAWS && status == NAS_BOUND; i++) {
        NAS_TRY(s->drawer ? s->drawer(s->user, random, arch)
                          : nas_domain_sample(s->domain, random, arch));
        status = nas_domain_path(s->domain, s->table, arch, choices);
    }
    return status;
}

nas_status nas__sampling_draw(const nas__sampling *s, const nas_step *step, int pass,
                              int choices[NAS_GATE_ROWS])
{
    nas_arch arch;
    nas_random random =
        nas_random_make(s->seed, NAS_STREAM_PATHS, NAS__PATHS_TRAINED, step->epoch, step->step);
    NAS_TRY(draw(s, &random, &arch, choices));
    if (s->fair)
        be_fair(s, &random, pass, choices);
    return NAS_OK;
}

nas_status nas__sampling_survey(const nas__sampling *s, int index, nas_arch *arch)
{
    int choices[NAS_GATE_ROWS];
    nas_random random =
        nas_random_make(s->seed, NAS_STREAM_PATHS, NAS__PATHS_SURVEYED, (uint32_t)index, 0);
    return draw(s, &random, arch, choices);
}

/* ---- gates ------------------------------------------------------------------------------------------------------- */

void nas__path_gates(const nas_gate_table *table, const int choices[NAS_GATE_ROWS], float *gates)
{
    memset(gates, 0, (size_t)table->gates * sizeof *gates);
    for (int row = 0; row < table->count; row++) {
        const nas_gate_row *r = &table->rows[row];
        if (choices[row] < 0)
            continue;
        gates[r->first + choices[row]] = 1;
        if (r->around >= 0)
            gates[r->around] = 1;
    }
}

/* The net's gate vector is as long as its largest gate asks for, which may be less than the table's; what follows up to a multiple of
 * 16 floats is padding. */
static nas_status send_gates(const nas__sampling *s)
{
    const nas_tensor gates = nas_net_gates(s->net);
    for (uint64_t at = 0; at < gates.count; at += FILL)
        NAS_TRY(
            nas_buffer_fill(gates.buffer, 4 * (gates.at + at), 4 * FILL, &s->gates[at], 4 * FILL));
    return NAS_OK;
}

/* Opens a path.  What earlier passes of the step opened, `before`, stays noted for its update. */
static nas_status take(nas__sampling *s, const int choices[NAS_GATE_ROWS], bool before)
{
    nas__path_gates(s->table, choices, s->gates);
    NAS_TRY(nas_net_set_path(s->net, s->gates));
    for (int gate = 0; gate < s->table->gates; gate++)
        s->opened[gate] = s->gates[gate] > 0 || (before && s->opened[gate] > 0);
    return send_gates(s);
}

nas_status nas__sampling_step(nas__sampling *s, const nas_step *step, int pass)
{
    int choices[NAS_GATE_ROWS];
    if (pass == s->passes)
        return s->passes > 1 ? nas_net_set_path(s->net, s->opened) : NAS_OK;
    NAS_TRY(nas__sampling_draw(s, step, pass, choices));
    return take(s, choices, pass > 0);
}

nas_status nas__sampling_take(nas__sampling *s, const nas_arch *arch)
{
    int choices[NAS_GATE_ROWS];
    NAS_TRY(nas_domain_path(s->domain, s->table, arch, choices));
    return take(s, choices, false);
}
