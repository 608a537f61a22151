/* heritage.c - a network that begins with the weights it had in the supernet.
 *
 * With gates 1 on the path of an architecture and 0 elsewhere a supernet computes that architecture's network (tests/test_supergraph_path.c), so
 * each of its weights has a place in the supernet.  The two graphs are walked side by side from their outputs: where the supernet has
 * a sum, its summands that are open and not zeros are the network's, in order; everywhere else operators agree one by one.  What differs is
 * what only a supernet has: a norm behind each pooling of a DARTS cell, a relu behind a sum that is not below 0 anyway.
 *
 * Weights of convolutions and dense layers come along; norms begin anew, since a supernet's have neither scale nor statistics of
 * one architecture. */
#include "sampling.h"

#include <clnas/eval.h>

#include <stdlib.h>
#include <string.h>

typedef struct walk {
    const nas_graph *large, *small; /* supernet, network */
    const float *gates;
    int *from; /* [small->count]: node of the supernet whose weights the node's are; 0: none */
} walk;

static bool is_op(const nas_graph *graph, int node, const char *name)
{
    return node > 0 && strcmp(graph->nodes[node].op->kind.name, name) == 0;
}

/* ---- sums ------------------------------------------------------------------------------------------------------------ */

static bool is_sum(const walk *w, int node)
{
    return node > 0 && w->large->nodes[node].op->gates;
}

static bool is_open(const walk *w, int node, int input)
{
    const nas_node *n = &w->large->nodes[node];
    nas_shape shapes[NAS_OP_INPUTS];
    int first[NAS_OP_INPUTS];
    nas_node_shapes(w->large, node, shapes);
    n->op->gates(n->options.bytes, shapes, n->input_count, first);
    return w->gates[first[input]] != 0;
}

static bool is_zeros(const walk *w, int node)
{
    const nas_node *n = &w->large->nodes[node];
    bool zeros = is_sum(w, node) || is_op(w->large, node, "pool");
    for (int i = 0; i < n->input_count && zeros; i++)
        zeros = (is_sum(w, node) && !is_open(w, node, i)) || is_zeros(w, n->inputs[i]);
    return zeros;
}

/* A sum of more summands than an operator takes is several that are added. */
static bool is_long_sum(const walk *w, int node)
{
    const nas_node *n = &w->large->nodes[node];
    bool sums = is_op(w->large, node, "add");
    for (int i = 0; i < n->input_count; i++)
        sums = sums && is_sum(w, n->inputs[i]);
    return sums;
}

static int find_summands(const walk *w, int node, int *found, int count)
{
    const nas_node *n = &w->large->nodes[node];
    for (int i = 0; i < n->input_count; i++) {
        if (!is_sum(w, node))
            count = find_summands(w, n->inputs[i], found, count);
        else if (is_open(w, node, i) && !is_zeros(w, n->inputs[i]) && count < NAS_OP_INPUTS)
            found[count++] = n->inputs[i];
    }
    return count;
}

/* ---- the walk ---------------------------------------------------------------------------------------------------------- */

/* Only the supernet has it. */
static bool is_extra(const walk *w, int large, int small)
{
    const int input = w->large->nodes[large].inputs[0];
    if (is_op(w->large, large, "batch_norm"))
        return is_op(w->large, input, "pool") && !is_op(w->small, small, "batch_norm");
    return is_op(w->large, large, "activation") && !is_op(w->small, small, "activation") &&
           is_sum(w, input);
}

static nas_status meet(walk *w, int large, int small);

static nas_status meet_sum(walk *w, int large, int small)
{
    int found[NAS_OP_INPUTS];
    const int count = find_summands(w, large, found, 0);
    const nas_node *n = &w->small->nodes[small];
    if (count == 0)
        return NAS_OK;
    if (count == 1)
        return meet(w, found[0], small);
    if (n->input_count != count || !is_op(w->small, small, "add"))
        NAS_FAIL(NAS_FAILED, "the supernet adds %d tensors where node %d of the network does not",
                 count, small);
    for (int i = 0; i < count; i++)
        NAS_TRY(meet(w, found[i], n->inputs[i]));
    return NAS_OK;
}

static nas_status meet(walk *w, int large, int small)
{
    const nas_node *a = &w->large->nodes[large], *b = &w->small->nodes[small];
    if (large == 0 || (small > 0 && w->from[small] == large))
        return NAS_OK;
    if (is_sum(w, large) || is_long_sum(w, large))
        return meet_sum(w, large, small);
    if (is_extra(w, large, small))
        return meet(w, a->inputs[0], small);
    if (is_op(w->small, small, "drop_path"))
        return meet(w, large, b->inputs[0]);
    if (small == 0 || a->op != b->op || a->input_count != b->input_count)
        NAS_FAIL(NAS_FAILED, "node %d of the supernet is none of the network's node %d", large,
                 small);
    w->from[small] = large;
    for (int i = 0; i < a->input_count; i++)
        NAS_TRY(meet(w, a->inputs[i], b->inputs[i]));
    return NAS_OK;
}

/* ---- weights ----------------------------------------------------------------------------------------------------------- */

nas_status nas_supernet_inherit(const nas_value *strategy, const nas_domain *domain,
                                const nas_arch *arch, const char *path, nas_net *net,
                                nas_inheritance *inheritance)
{
    nas_graph graph = {0};
    nas_gate_table *table = calloc(1, sizeof *table);
    float *gates = NULL;
    int choices[NAS_GATE_ROWS];
    walk w = {.large = &graph, .small = nas_net_graph(net)};
    nas_status status = table ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(nas_supernet_graph(strategy, domain, &graph, table));
    NAS_TRY_DONE(nas_domain_path(domain, table, arch, choices));
    gates = calloc((size_t)table->gates, sizeof *gates);
    w.from = calloc((size_t)w.small->count, sizeof *w.from);
    status = gates && w.from ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    nas__path_gates(table, choices, gates);
    w.gates = gates;
    NAS_TRY_DONE(meet(&w, graph.output, w.small->output));
    for (int node = 1; node < w.small->count; node++)
        if (is_op(w.small, node, "batch_norm"))
            w.from[node] = 0;
    status = nas_net_inherit_nodes(net, path, w.from, inheritance);
done:
    free(w.from);
    free(gates);
    free(table);
    nas_graph_clear(&graph);
    return status;
}
