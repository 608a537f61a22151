/* cost.c - what a graph costs: parameters, multiply-accumulates, bytes.
 *
 * MACs count convolutions and dense layers, as papers do; bytes are the activations that are really written, so views
 * (batch norm, activations) cost none.  All three are per sample and known before anything touches a device: bounds
 * in a config reject by them before training.  What lies behind the output serves training alone (auxiliary heads) and is
 * not counted, as papers do not.
 */
#include <clnas/graph.h>

void nas_node_cost(const nas_graph *graph, int node, nas_cost *cost)
{
    const nas_node *n = &graph->nodes[node];
    nas_shape shapes[NAS_OP_INPUTS];
    nas_parameter parameters[NAS_OP_PARAMETERS];
    nas_node_shapes(graph, node, shapes);
    *cost = (nas_cost){0};
    if (n->op->cost)
        n->op->cost(n->options.bytes, shapes, n->input_count, n->shape, cost);
    else if (n->op->view == NAS_VIEW_NONE)
        cost->bytes = 4 * nas_shape_count(n->shape);
    cost->parameters = 0;
    int count = nas_node_parameters(graph, node, parameters);
    for (int p = 0; p < count; p++) {
        uint64_t size = parameters[p].rank > 0 ? 1 : 0;
        for (int d = 0; d < parameters[p].rank; d++)
            size *= (uint64_t)parameters[p].dims[d];
        cost->parameters += parameters[p].trained ? size : 0;
    }
}

void nas_graph_cost(const nas_graph *graph, nas_cost *cost)
{
    *cost = (nas_cost){0};
    for (int i = 1; i <= graph->output; i++) {
        nas_cost one;
        nas_node_cost(graph, i, &one);
        cost->parameters += one.parameters;
        cost->macs += one.macs;
        cost->bytes += one.bytes;
    }
}
