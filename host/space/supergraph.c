/* supergraph.c - the supernet of a domain, and what its gates say about architectures.
 *
 * One-shot search trains one network for all architectures of a space.  A space that has such a network writes it down as a graph with
 * operators `mixed` and says which gates belong to which decision; three questions are then answered here for everybody: what is
 * the graph, which architecture do weights speak for, which gates does an architecture open.
 *
 * Read next: cell_supergraph.c and cell201_supergraph.c, the spaces that have one. */
#include "supergraph.h"
#include "space.h"

#include <math.h>
#include <string.h>

/* ---- for spaces ------------------------------------------------------------------------------------------ */

void nas__gate_table_add(nas_gate_table *table, nas_gate_row row)
{
    row.first = table->choices;
    row.around = -1;
    row.part = row.part ? row.part : "network";
    for (int choice = 0; choice < row.choices; choice++)
        table->row_of_gate[table->choices++] = table->count;
    table->rows[table->count++] = row;
}

void nas__gate_table_finish(nas_gate_table *table, bool partial)
{
    table->gates = table->choices;
    for (int row = 0; row < table->count && partial; row++) {
        table->row_of_gate[table->gates] = -1;
        table->rows[row].around = table->gates++;
    }
}

int nas__gate_row_best(const nas_gate_row *row, const float *weights, int from)
{
    int best = from;
    for (int choice = from; choice < row->choices; choice++)
        if (weights[row->first + choice] > weights[row->first + best])
            best = choice;
    return best;
}

void nas__summands_add(nas__summands *sum, nas__value value, int gate)
{
    sum->values[sum->count] = value;
    sum->gates[sum->count++] = gate;
}

static nas_status mix_some(nas__build *build, const nas__value *values, const int *gates, int count,
                           nas__value *mixed)
{
    nas_text options = {0};
    int nodes[NAS_OP_INPUTS];
    for (int i = 0; i < count; i++) {
        nodes[i] = values[i].node;
        nas_text_format(&options, "%s%d", i ? ", " : "", gates[i]);
    }
    *mixed = values[0];
    nas_status status = nas_text_check(&options);
    if (status == NAS_OK)
        status = nas_graph_add(build->graph, "mixed", nodes, count, &mixed->node,
                               "out = %d; gates = [%s]", values[0].shape.c, options.data);
    nas_text_clear(&options);
    return status;
}

nas_status nas__build_mixed(nas__build *build, const nas__summands *sum, nas__value *mixed)
{
    nas__value sums[(NAS__SUMMANDS + NAS_OP_INPUTS - 1) / NAS_OP_INPUTS];
    int parts = 0;
    for (int at = 0; at < sum->count; at += NAS_OP_INPUTS) {
        const int some = sum->count - at < NAS_OP_INPUTS ? sum->count - at : NAS_OP_INPUTS;
        NAS_TRY(mix_some(build, sum->values + at, sum->gates + at, some, &sums[parts++]));
    }
    return nas__build_join(build, sums, parts, "add", mixed);
}

nas_status nas__partial_split(nas__build *build, nas__value state, int partial, int stride,
                              nas__value *inner, nas__value *outer)
{
    const int part = state.shape.c / partial, rest = state.shape.c - part;
    *inner = *outer = state;
    if (partial == 1)
        return NAS_OK;
    NAS_TRY(nas_graph_then(build->graph, "slice", &inner->node, "from = 0; count = %d", part));
    NAS_TRY(
        nas_graph_then(build->graph, "slice", &outer->node, "from = %d; count = %d", part, rest));
    inner->shape.c = part;
    outer->shape.c = rest;
    return stride == 1 ? NAS_OK : nas__build_pool(build, outer, "max", stride, stride);
}

nas_status nas__partial_join(nas__build *build, const nas__summands *around, int partial,
                             nas__value *node)
{
    nas__value ways[2] = {*node};
    if (partial == 1)
        return NAS_OK;
    NAS_TRY(nas__build_mixed(build, around, &ways[1]));
    NAS_TRY(nas__build_join(build, ways, 2, "concat", node));
    return nas_graph_then(build->graph, "shuffle", &node->node, "groups = %d", partial);
}

nas_status nas__partial_check(const char *space, int64_t channels, int partial)
{
    if (channels % partial != 0)
        NAS_FAIL(NAS_CONFIG,
                 "space %s: 1/%d of the channels cannot go through a supernet's operations; "
                 "space.channels = %d is no multiple of %d",
                 space, partial, (int)channels, partial);
    return NAS_OK;
}

const char *nas__norm_options(bool affine, bool running)
{
    if (affine)
        return running ? NULL : "running = false";
    return running ? "affine = false" : "affine = false; running = false";
}

/* ---- for everybody ----------------------------------------------------------------------------------------- */

static nas_status need_supergraph(const nas_domain *domain)
{
    int count;
    const nas_space *const *all = nas_space_all(&count);
    nas_text text = {0};
    if (domain->space->supergraph)
        return NAS_OK;
    for (int i = 0; i < count; i++)
        if (all[i]->supergraph)
            nas_text_format(&text, "%s%s", text.length ? ", " : "", all[i]->kind.name);
    nas_status status =
        nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                      "space %s has no supernet, which one-shot search needs; these have: %s",
                      domain->space->kind.name, text.data ? text.data : "");
    nas_text_clear(&text);
    return status;
}

nas_status nas_domain_supergraph(const nas_domain *domain, const nas_supergraph_options *options,
                                 nas_graph *graph, nas_gate_table *table)
{
    nas_gate_table rows = {0};
    NAS_TRY(need_supergraph(domain));
    if (options->partial < 0)
        NAS_FAIL(NAS_CONFIG, "a supernet's operations read 1/%d of the channels; 1 reads all",
                 options->partial);
    nas_supergraph_options wanted = *options;
    wanted.partial = options->partial > 1 ? options->partial : 1;
    nas_status status = domain->space->supergraph(domain->state, &wanted, graph, &rows);
    if (status == NAS_OK)
        *table = rows;
    else
        nas_graph_clear(graph);
    return status;
}

nas_status nas_domain_derive(const nas_domain *domain, const nas_gate_table *table,
                             const float *weights, nas_arch *arch)
{
    NAS_TRY(need_supergraph(domain));
    for (int row = 0; row < table->count; row++)
        for (int choice = 0; choice < table->rows[row].choices; choice++)
            if (isnan(weights[table->rows[row].first + choice]))
                NAS_FAIL(NAS_FAILED,
                         "the weight of choice %d in row %d of the supernet is not a number: its "
                         "training has diverged",
                         choice, row);
    domain->space->derive(domain->state, table, weights, arch);
    nas_domain_canonical(domain, arch);
    return NAS_OK;
}

nas_status nas_domain_path(const nas_domain *domain, const nas_gate_table *table,
                           const nas_arch *arch, int choices[NAS_GATE_ROWS])
{
    int path[NAS_GATE_ROWS];
    NAS_TRY(need_supergraph(domain));
    NAS_TRY(nas_domain_check(domain, arch));
    for (int row = 0; row < NAS_GATE_ROWS; row++)
        path[row] = -1;
    nas_status status = domain->space->path(domain->state, table, arch, path);
    if (status == NAS_OK) {
        memcpy(choices, path, sizeof path);
    } else {
        nas_text text = {0};
        nas_domain_write(domain, arch, &text);
        nas_error_add("architecture %s: ", text.data ? text.data : "");
        nas_text_clear(&text);
    }
    return status;
}
