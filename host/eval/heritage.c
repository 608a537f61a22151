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
#include "supernet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
    const nas_graph *large, *small; /* supernet, network */
    const float *gates;
    int *partner; /* [large->count]: node of the network, 0: none yet */
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
    if (large == 0 || w->partner[large] == small)
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
    w->partner[large] = small;
    for (int i = 0; i < a->input_count; i++)
        NAS_TRY(meet(w, a->inputs[i], b->inputs[i]));
    return NAS_OK;
}

/* ---- weights ----------------------------------------------------------------------------------------------------------- */

static const nas_safetensor *find_tensor(const nas_safetensors *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

/* Parameter of the network from the supernet's node; another shape, a wider network's, begins anew. */
static nas_status take_parameter(const nas_safetensors *file, int large,
                                 const nas_net_parameter *parameter, nas_inheritance *inheritance)
{
    char name[96];
    uint64_t count = 1;
    snprintf(name, sizeof name, "%d.%s", large, parameter->spec.name);
    const nas_safetensor *tensor = find_tensor(file, name);
    bool same = tensor && tensor->rank == parameter->spec.rank;
    for (int d = 0; same && d < tensor->rank; d++) {
        same = tensor->dims[d] == (uint64_t)parameter->spec.dims[d];
        count *= tensor->dims[d];
    }
    if (!same || count != parameter->tensor.count) {
        inheritance->fresh += parameter->tensor.count;
        return NAS_OK;
    }
    inheritance->copied += count;
    return nas_tensor_write(parameter->tensor, tensor->data);
}

static nas_status take_weights(const walk *w, const nas_safetensors *file, nas_net *net,
                               nas_inheritance *inheritance)
{
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *parameter = nas_net_parameter_at(net, i);
        int large = w->large->count - 1;
        if (!parameter->spec.trained || !parameter->tensor.buffer)
            continue;
        while (large > 0 && w->partner[large] != parameter->node)
            large--;
        if (large == 0 || is_op(w->small, parameter->node, "batch_norm"))
            inheritance->fresh += parameter->tensor.count;
        else
            NAS_TRY(take_parameter(file, large, parameter, inheritance));
    }
    return NAS_OK;
}

static nas_status inherit(walk *w, const char *path, nas_net *net, nas_inheritance *inheritance)
{
    nas_safetensors file = {0};
    NAS_TRY(meet(w, w->large->output, w->small->output));
    NAS_TRY(nas_safetensors_read(path, &file));
    nas_status status = take_weights(w, &file, net, inheritance);
    nas_safetensors_clear(&file);
    return status;
}

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
    *inheritance = (nas_inheritance){0};
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(nas_supernet_graph(strategy, domain, &graph, table));
    NAS_TRY_DONE(nas_domain_path(domain, table, arch, choices));
    gates = calloc((size_t)table->gates, sizeof *gates);
    w.partner = calloc((size_t)graph.count, sizeof *w.partner);
    status = gates && w.partner ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    nas__path_gates(table, choices, gates);
    w.gates = gates;
    status = inherit(&w, path, net, inheritance);
done:
    free(w.partner);
    free(gates);
    free(table);
    nas_graph_clear(&graph);
    return status;
}
