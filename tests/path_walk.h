/* path_walk.h - what belongs to a path through a supernet, told from the graph alone. */
#ifndef PATH_WALK_H
#define PATH_WALK_H

#include <clnas/graph.h>

#include <string.h>

static inline bool is_open_input(const nas_graph *graph, int node, int input, const float *gates)
{
    const nas_node *n = &graph->nodes[node];
    if (!n->op->gates)
        return true;
    nas_shape shapes[NAS_OP_INPUTS];
    int first[NAS_OP_INPUTS];
    nas_node_shapes(graph, node, shapes);
    n->op->gates(n->options.bytes, shapes, n->input_count, first);
    const int count = shapes[input].c / n->shape.c;
    for (int gate = first[input]; gate < first[input] + count; gate++)
        if (gates[gate] != 0)
            return true;
    return false;
}

/* Nodes whose value reaches the output, or a sum of candidates, through open gates.  A sum itself always runs. */
static inline void mark_used(const nas_graph *graph, const float *gates, bool *used)
{
    memset(used, 0, (size_t)graph->count * sizeof *used);
    used[graph->output] = true;
    for (int i = graph->count - 1; i > 0; i--)
        for (int k = 0; k < graph->nodes[i].input_count; k++) {
            used[i] |= graph->nodes[i].op->gates != NULL;
            if (used[i] && is_open_input(graph, i, k, gates))
                used[graph->nodes[i].inputs[k]] = true;
        }
}

#endif
