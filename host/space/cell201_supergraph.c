/* cell201_supergraph.c - the supernet of NAS-Bench-201 (arXiv 2001.00326): all operations on all six edges at once.
 *
 * A row of gates is an edge, in the order of the genes, and its choices are the space's operations, `none` among them, where it is
 * one, as the choice that no node of the graph stands for.  All cells share the rows.  Stem, reduction blocks and head are those
 * of every network of the space, with plain norms; in the cells norms have no scale and no running statistics in the
 * published setting (all options 0).
 *
 * An architecture is the strongest operation of every edge, `none` included: nothing is ranked.  Since every row of the space has
 * exactly one operation on each edge, the supernet contains all of them.  The poolings of one node are one; they have no
 * parameters. */
#include "cell201.h"

enum { NODES = NAS__CELL201_NODES, EDGES = NAS__CELL201_EDGES };

typedef struct supernet {
    const nas_gate_table *table;
    int partial;
} supernet;

/* One node of a cell as the edges out of it read it. */
typedef struct source {
    nas__value inner, outer; /* channels through operations, channels around them */
    nas__value pool;         /* of `inner`; node 0: not yet */
} source;

static nas_status add_candidate(nas__build *build, source *from, int op, nas__value *value)
{
    *value = from->inner;
    if (op != NAS__CELL201_AVG_POOL)
        return nas__cell201_operation(build, value, op);
    if (from->pool.node == 0) {
        from->pool = *value;
        NAS_TRY(nas__cell201_operation(build, &from->pool, op));
    }
    *value = from->pool;
    return NAS_OK;
}

static nas_status add_node(const nas__cell201 *c, const supernet *super, nas__build *build, int to,
                           source *sources, nas__value *node)
{
    const nas_int_list *ops = &c->options->op;
    nas__summands sum = {.count = 0}, around = {.count = 0};
    for (int from = 0; from < to; from++) {
        const nas_gate_row *row = &super->table->rows[nas__cell201_edge(from, to)];
        for (int choice = 0; choice < ops->count; choice++) {
            nas__value value;
            if (choice == row->none)
                continue;
            NAS_TRY(add_candidate(build, &sources[from], (int)ops->item[choice], &value));
            nas__summands_add(&sum, value, row->first + choice);
        }
        nas__summands_add(&around, sources[from].outer, row->around);
    }
    NAS_TRY(nas__build_mixed(build, &sum, node));
    return nas__partial_join(build, &around, super->partial, node);
}

static nas_status add_cell(const nas__cell201 *c, const void *content, nas__build *build,
                           nas__value *value)
{
    const supernet *super = content;
    source sources[NODES] = {{.pool.node = 0}};
    for (int to = 1; to < NODES; to++) {
        source *last = &sources[to - 1];
        NAS_TRY(nas__partial_split(build, *value, super->partial, 1, &last->inner, &last->outer));
        NAS_TRY(add_node(c, super, build, to, sources, value));
    }
    return NAS_OK;
}

static void fill_table(const nas_int_list *ops, int partial, nas_gate_table *table)
{
    for (int to = 1; to < NODES; to++)
        for (int from = 0; from < to; from++)
            nas__gate_table_add(table,
                                (nas_gate_row){.choices = ops->count,
                                               .none = nas__list_find(ops, NAS__CELL201_NONE),
                                               .skip = nas__list_find(ops, NAS__CELL201_SKIP),
                                               .part = "cell",
                                               .group = to - 1});
    nas__gate_table_finish(table, partial > 1);
}

nas_status nas__cell201_supergraph(const void *state, const nas_supergraph_options *options,
                                   nas_graph *graph, nas_gate_table *table)
{
    const nas__cell201 *c = state;
    const nas_int_list *ops = &c->options->op;
    const supernet super = {.table = table, .partial = options->partial};
    const nas__cell201_content content = {.cell = add_cell,
                                          .content = &super,
                                          .norm =
                                              nas__norm_options(options->affine, options->running)};
    if (ops->count == 1 && ops->item[0] == NAS__CELL201_NONE)
        NAS_FAIL(NAS_CONFIG, "space cell201: a supernet needs an operation besides none in op");
    NAS_TRY(nas__partial_check("cell201", c->options->channels, super.partial));
    fill_table(ops, super.partial, table);
    return nas__cell201_network(c, &content, graph);
}

void nas__cell201_derive(const void *state, const nas_gate_table *table, const float *weights,
                         nas_arch *arch)
{
    (void)state;
    *arch = (nas_arch){.count = EDGES};
    for (int edge = 0; edge < EDGES; edge++)
        arch->genes[edge] = (uint8_t)nas__gate_row_best(&table->rows[edge], weights, 0);
}

nas_status nas__cell201_path(const void *state, const nas_gate_table *table, const nas_arch *arch,
                             int choices[NAS_GATE_ROWS])
{
    (void)state, (void)table;
    for (int edge = 0; edge < EDGES; edge++)
        choices[edge] = arch->genes[edge];
    return NAS_OK;
}
