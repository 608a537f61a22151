/* bench_latency_whole.c - whole random networks, measured as they are used, beside what a table says of their steps.
 *
 * GROUP networks are on the device at a time and take turns: a sample of each, then a sample of each again, so that a slow spell falls on
 * all of a group.  Those that the model is fitted to and those that it is held against are of one group, for the same reason.  A network is warm
 * when it is timed, for a sample begins with a pass that does not count (nas_inference_sample). */
#include "bench_latency.h"

#include <stdlib.h>

enum { GROUP = 256 };

static nas_status sum_steps(const nas_graph *graph, const nas_step_table *table, int batch,
                            latency_network *network)
{
    nas_net_steps steps = {0};
    NAS_TRY(nas_net_steps_list(graph, &steps));
    network->steps = steps.count;
    const nas_status status =
        nas_step_table_terms(table, &steps, batch, network->terms, &network->known);
    nas_net_steps_clear(&steps);
    return status;
}

static nas_status prepare(const latency_space *space, const nas_step_table *table,
                          nas_device *device, int batch, latency_network *network,
                          nas_inference **inference)
{
    nas_graph graph = {0};
    nas_status status = nas_domain_build(space->domain, &network->arch, &graph);
    if (status == NAS_OK)
        status = sum_steps(&graph, table, batch, network);
    if (status == NAS_OK)
        status = nas_inference_create(device, &graph, batch, inference);
    nas_graph_clear(&graph);
    return status;
}

static nas_status measure_group(const latency_space *space, const nas_step_table *table,
                                nas_device *device, int batch, int repeats,
                                latency_network *networks, int count)
{
    nas_inference *inferences[GROUP] = {0};
    nas_status status = NAS_OK;
    for (int i = 0; i < count; i++)
        NAS_TRY_DONE(prepare(space, table, device, batch, &networks[i], &inferences[i]));
    for (int turn = 0; turn < repeats; turn++)
        for (int i = 0; i < count; i++) {
            NAS_TRY_DONE(nas_inference_sample(inferences[i], &networks[i].sample_s[turn]));
            networks[i].count = turn + 1;
        }
    for (int i = 0; i < count; i++)
        networks[i].measured_s = nas_inference_settle(networks[i].sample_s, repeats);
done:
    for (int i = 0; i < count; i++)
        nas_inference_destroy(inferences[i]);
    return status;
}

nas_status latency_measure_networks(const latency_space *space, int fit, int verify,
                                    nas_device *device, int batch, int repeats,
                                    const nas_step_table *table, latency_network **networks)
{
    nas_status status = NAS_OK;
    const int count = fit + verify;
    latency_network *made = calloc((size_t)count, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for %d networks", count);
    for (int i = 0; i < count; i++)
        NAS_TRY_DONE(latency_draw(space, i < fit ? LATENCY_FIT : LATENCY_VERIFY,
                                  i < fit ? i : i - fit, &made[i].arch));
    for (int i = 0; i < count; i += GROUP)
        NAS_TRY_DONE(measure_group(space, table, device, batch, repeats, made + i,
                                   count - i < GROUP ? count - i : GROUP));
done:
    if (status == NAS_OK)
        *networks = made;
    else
        free(made);
    return status;
}

nas_status latency_fit_model(nas_step_table *table, int batch, const latency_network *networks,
                             int count)
{
    nas_latency_model *model = &table->models[table->model_count];
    double *x = malloc((size_t)count * (NAS_LATENCY_SHARES + 1) * sizeof *x);
    double *y = x ? x + (size_t)count * NAS_LATENCY_SHARES : NULL;
    if (!x)
        NAS_FAIL(NAS_MEMORY, "no memory to fit %d networks", count);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < NAS_LATENCY_SHARES; k++)
            x[i * NAS_LATENCY_SHARES + k] = networks[i].terms[k];
        y[i] = networks[i].measured_s;
    }
    model->batch = batch;
    const nas_status status = nas_latency_fit(x, y, count, NAS_LATENCY_SHARES, model->share);
    free(x);
    table->model_count += status == NAS_OK;
    return status;
}

void latency_predict(const nas_step_table *table, int batch, latency_network *networks, int count)
{
    const nas_latency_model *model = nas_step_table_model(table, batch);
    for (int i = 0; i < count; i++) {
        networks[i].predicted_s = 0;
        for (int k = 0; k < NAS_LATENCY_SHARES; k++)
            networks[i].predicted_s += model->share[k] * networks[i].terms[k];
    }
}
