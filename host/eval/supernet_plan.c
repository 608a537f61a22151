/* supernet_plan.c - which network a one-shot strategy trains, for the evaluator and for `clnas check`, which tells of it before. */
#include "supernet.h"

nas_status nas_supernet_graph(const nas_value *strategy, const nas_domain *domain, nas_graph *graph,
                              nas_gate_table *table)
{
    nas__method_options method;
    NAS_TRY(nas__method_read(strategy, &method));
    /* Running statistics of what a path trains are of many networks and serve none; recalibrated, they are of one. */
    const nas_supergraph_options options = {.partial = (int)method.partial,
                                            .running = method.method->sampled};
    return nas_domain_supergraph(domain, &options, graph, table);
}

nas_status nas_supernet_options(const nas_value *strategy, const nas_train_config *train,
                                const nas_data *data, const nas_device *device,
                                const nas_gate_table *table, nas_net_options *options)
{
    nas__method_options method;
    NAS_TRY(nas__method_read(strategy, &method));
    *options = nas_train_net_options(train, data, device);
    options->paths = nas__method_has_paths(method.method);
    options->row_of_gate = nas__method_takes_one(method.method) ? table->row_of_gate : NULL;
    return NAS_OK;
}
