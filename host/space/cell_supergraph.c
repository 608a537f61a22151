/* cell_supergraph.c - all cells of the space `cell` in one network: the supernet of DARTS (arXiv 1806.09055).
 *
 * Every node reads every state before it, over an edge that carries all operations at once, each times its gate.  A row of
 * gates is an edge of the normal or of the reduction cell; its choices are `none`, which no node of the graph stands for,
 * and the space's operations in their order.  Copies of a cell share their rows, not their parameters.
 *
 *     rows      per kind of cell in the stack, node and state: normal 0←0, 0←1, 1←0, 1←1, 1←2 …, then those of the reduction cell
 *     node      mixed over all operations of all its edges; the output joins all nodes
 *
 * What the authors' search network has and their evaluation network has not: a norm behind each pooling, never with a
 * scale of its own, and no scale in all the others but the stem's (`affine`).  With `partial` = K (PC-DARTS, 1907.05737) only
 * the first 1/K of a state's channels goes through the operations.  The rest goes around them, weighed by the edge alone.
 *
 * Poolings have no parameters, so that all edges from one state share one.  A supernet has no drop-path.
 *
 * Not in it: cells with two operations on one edge, and those that join loose ends only, which nobody knows before the
 * operations are chosen.
 *
 * Read next: supergraph.c, the pieces and where it is called from. */
#include "cell.h"

enum { NONE, FIRST_OP }; /* choices of a row */
enum { POOLINGS = 2 };   /* NAS__CELL_MAX_POOL, NAS__CELL_AVG_POOL */

typedef nas__cell_space cell_space;

/* The supernet while it is built.  `inner` are the states' channels that go through operations, `outer` those that go around (already in
 * the size of the nodes), `pools` what has been pooled (node 0: not yet); all of the cell at hand. */
typedef struct supernet {
    const nas_gate_table *table;
    int partial;
    const char *pool_norm;
    nas__value inner[NAS__CELL_STATES], outer[NAS__CELL_STATES];
    nas__value pools[NAS__CELL_STATES][POOLINGS];
} supernet;

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* Edges into the nodes before `node`. */
static int edges_before(int node)
{
    return node * (node + 3) / 2;
}

static int row_of(const cell_space *s, int kind, int node, int state)
{
    const bool second = kind == NAS__CELL_REDUCE && s->present[NAS__CELL_NORMAL];
    return (second ? edges_before(s->nodes) : 0) + edges_before(node) + state;
}

static void fill_table(const cell_space *s, int partial, nas_gate_table *table)
{
    const int choices = FIRST_OP + s->options->op.count;
    const int skip = nas__list_find(&s->options->op, NAS__CELL_SKIP);
    for (int kind = 0; kind < NAS__CELL_KINDS; kind++)
        for (int node = 0; node < s->nodes && s->present[kind]; node++)
            for (int state = 0; state < node + 2; state++)
                nas__gate_table_add(table, (nas_gate_row){.choices = choices,
                                                          .none = NONE,
                                                          .skip = skip < 0 ? -1 : FIRST_OP + skip,
                                                          .part = nas__cell_kind_names[kind],
                                                          .group = kind * s->nodes + node});
    nas__gate_table_finish(table, partial > 1);
}

/* ---- graph --------------------------------------------------------------------------------------------- */

static void read_all(const cell_space *s, void *content, nas__cell_values *cell)
{
    supernet *super = content;
    for (int state = 0; state < s->nodes + 2; state++) {
        cell->read[state] = true;
        for (int pool = 0; pool < POOLINGS; pool++)
            super->pools[state][pool].node = 0;
    }
}

static nas_status add_pool(supernet *super, nas__build *build, int op, int stride, nas__value *pool)
{
    const char *norm = build->norm;
    NAS_TRY(nas__cell_operation(build, pool, op, stride));
    build->norm = super->pool_norm;
    nas_status status = nas__build_norm(build, pool);
    build->norm = norm;
    return status;
}

static nas_status add_candidate(supernet *super, nas__build *build, int kind, int state, int op,
                                nas__value *value)
{
    const int stride = nas__cell_stride(kind, state);
    *value = super->inner[state];
    if (op >= POOLINGS)
        return nas__cell_operation(build, value, op, stride);
    nas__value *pool = &super->pools[state][op];
    if (pool->node == 0) {
        *pool = *value;
        NAS_TRY(add_pool(super, build, op, stride, pool));
    }
    *value = *pool;
    return NAS_OK;
}

static nas_status add_node(const cell_space *s, void *content, nas__build *build,
                           nas__cell_values *cell, int node)
{
    supernet *super = content;
    const nas_int_list *ops = &s->options->op;
    nas__summands sum = {.count = 0}, around = {.count = 0};
    nas__value *made = &cell->value[node + 2];
    for (int state = 0; state < node + 2; state++) {
        const nas_gate_row *row = &super->table->rows[row_of(s, cell->kind, node, state)];
        if (node == 0 || state == node + 1)
            NAS_TRY(nas__partial_split(build, cell->value[state], super->partial,
                                       nas__cell_stride(cell->kind, state), &super->inner[state],
                                       &super->outer[state]));
        for (int i = 0; i < ops->count; i++) {
            nas__value value;
            NAS_TRY(add_candidate(super, build, cell->kind, state, (int)ops->item[i], &value));
            nas__summands_add(&sum, value, row->first + FIRST_OP + i);
        }
        nas__summands_add(&around, super->outer[state], row->around);
    }
    NAS_TRY(nas__build_mixed(build, &sum, made));
    return nas__partial_join(build, &around, super->partial, made);
}

static nas_status check(const cell_space *s, int partial)
{
    if (s->options->output != NAS__CELL_OUTPUT_ALL)
        NAS_FAIL(NAS_CONFIG,
                 "space cell: a supernet's cells join all nodes; it needs space.output = \"all\"");
    return nas__partial_check("cell", s->options->channels, partial);
}

nas_status nas__cell_supergraph(const void *state, const nas_supergraph_options *options,
                                nas_graph *graph, nas_gate_table *table)
{
    const cell_space *s = state;
    supernet super = {.table = table,
                      .partial = options->partial,
                      .pool_norm = nas__norm_options(false, options->running)};
    NAS_TRY(check(s, super.partial));
    fill_table(s, super.partial, table);
    const nas__cell_content content = {.reads = read_all,
                                       .node = add_node,
                                       .content = &super,
                                       .norm =
                                           nas__norm_options(options->affine, options->running)};
    return nas__cell_network(s, &content, graph);
}

/* ---- architectures ---------------------------------------------------------------------------------------- */

/* The strongest edge of `count`, by its strongest choice; not `taken`. */
static int best_edge(const nas_gate_row *rows, int count, const float *weights, int taken)
{
    int best = -1;
    float most = 0;
    for (int edge = 0; edge < count; edge++) {
        const int choice = nas__gate_row_best(&rows[edge], weights, FIRST_OP);
        const float weight = weights[rows[edge].first + choice];
        if (edge == taken || (best >= 0 && weight <= most))
            continue;
        best = edge;
        most = weight;
    }
    return best;
}

/* Of each node the two strongest edges, each with its strongest operation; the weight of `none` does not count. */
void nas__cell_derive(const void *state, const nas_gate_table *table, const float *weights,
                      nas_arch *arch)
{
    const cell_space *s = state;
    *arch = nas__cell_blank(s);
    for (int kind = 0; kind < NAS__CELL_KINDS; kind++)
        for (int node = 0; node < s->nodes && s->present[kind]; node++) {
            const nas_gate_row *rows = &table->rows[row_of(s, kind, node, 0)];
            int taken = -1;
            for (int pair = 0; pair < 2; pair++) {
                taken = best_edge(rows, node + 2, weights, taken);
                nas__cell_put_edge(s, arch, kind, node, pair, taken,
                                   nas__gate_row_best(&rows[taken], weights, FIRST_OP) - FIRST_OP);
            }
        }
}

nas_status nas__cell_path(const void *state, const nas_gate_table *table, const nas_arch *arch,
                          int choices[NAS_GATE_ROWS])
{
    const cell_space *s = state;
    (void)table;
    for (int kind = 0; kind < NAS__CELL_KINDS; kind++)
        for (int node = 0; node < s->nodes && s->present[kind]; node++)
            for (int pair = 0; pair < 2; pair++) {
                const nas__cell_edge edge = nas__cell_edge_of(s, arch, kind, node, pair);
                int *choice = &choices[row_of(s, kind, node, edge.input)];
                if (*choice >= 0)
                    NAS_FAIL(NAS_BOUND,
                             "node %d of the %s cell reads input %d twice, but an edge of the "
                             "supernet carries one operation",
                             node, nas__cell_kind_names[kind], edge.input);
                *choice = FIRST_OP + nas__list_find(&s->options->op, edge.op);
            }
    return NAS_OK;
}
