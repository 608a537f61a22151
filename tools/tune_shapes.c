/* tune_shapes.c - which operators at which shapes are worth tuning for.
 *
 * Of a graph, all nodes whose operator has candidates; alike ones are counted.  Of a config, some random networks of its space, and the
 * supernet where the strategy trains one.  The usual shapes are those of small networks on images of 28 to 32 pixels: plain, strided and
 * pointwise convolutions, depthwise ones of 3 and 5. */
#include "networks.h"
#include "tune.h"

#include <clnas/net.h>
#include <clnas/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANDOM_NETWORKS = 8, USUAL_BATCH = 64 };

void tune_shapes_clear(tune_shapes *shapes)
{
    free(shapes->list);
    *shapes = (tune_shapes){.count = 0};
}

static nas_status add_shape(tune_shapes *shapes, const nas_op *op, const void *options,
                            nas_shape in, int batch, double count)
{
    for (int i = 0; i < shapes->count; i++) {
        tune_shape *s = &shapes->list[i];
        if (s->op == op && s->batch == batch && memcmp(&s->in, &in, sizeof in) == 0 &&
            memcmp(s->options, options, op->kind.instance_size) == 0) {
            s->count += count;
            return NAS_OK;
        }
    }
    if (shapes->count == shapes->capacity) {
        int capacity = shapes->capacity ? 2 * shapes->capacity : 64;
        tune_shape *more = realloc(shapes->list, (size_t)capacity * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "out of memory for shapes");
        shapes->list = more;
        shapes->capacity = capacity;
    }
    tune_shape *s = &shapes->list[shapes->count++];
    *s = (tune_shape){.op = op, .in = in, .batch = batch, .count = count};
    memcpy(s->options, options, op->kind.instance_size);
    return NAS_OK;
}

static nas_status add_graph(tune_shapes *shapes, const nas_graph *graph, int batch)
{
    for (int i = 1; i < graph->count; i++) {
        const nas_node *node = &graph->nodes[i];
        nas_shape in[NAS_OP_INPUTS];
        if (!node->op->candidates)
            continue;
        nas_node_shapes(graph, i, in);
        NAS_TRY(add_shape(shapes, node->op, node->options.bytes, in[0], batch, 1));
    }
    return NAS_OK;
}

/* Samples that a kernel sees: a shard's. */
static int shard_of(nas_device *device, int batch)
{
    const int shards = nas_batch_shards(device, batch);
    return (batch + shards - 1) / shards;
}

/* ---- the usual ones ---------------------------------------------------------------------------------------- */

static nas_status add_usual(tune_shapes *shapes, nas_device *device, int batch)
{
    static const struct {
        const char *options;
        nas_shape in;
        double count;
    } usual[] = {
        {"out = 32", {32, 16, 16}, 4},
        {"out = 64", {64, 8, 8}, 4},
        {"out = 16", {16, 32, 32}, 4},
        {"out = 32; stride = 2", {16, 28, 28}, 2},
        {"out = 64; kernel = 1", {64, 14, 14}, 4},
        {"out = 32; kernel = 1", {32, 16, 16}, 4},
        {"out = 16; kernel = 1", {16, 32, 32}, 8},
        {"groups = 0", {32, 16, 16}, 4},
        {"groups = 0", {16, 32, 32}, 4},
        {"groups = 0; kernel = 5", {16, 32, 32}, 4},
    };
    const nas_op *op = nas_op_find("conv2d");
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE] = {0};
        nas_value group = {0};
        char text[128];
        snprintf(text, sizeof text, "{ %s; }", usual[i].options);
        NAS_TRY(nas_value_parse(text, "usual shapes", 1, &group));
        nas_status status = nas_options_fill(&op->kind, &group, NULL, options);
        nas_value_clear(&group);
        NAS_TRY(status);
        NAS_TRY(
            add_shape(shapes, op, options, usual[i].in, shard_of(device, batch), usual[i].count));
    }
    return NAS_OK;
}

/* ---- a config ------------------------------------------------------------------------------------------------ */

static nas_status add_random(tune_shapes *shapes, const nas_domain *domain, int batch)
{
    for (uint32_t i = 0; i < RANDOM_NETWORKS; i++) {
        nas_random random = nas_random_make(1, NAS_STREAM_TEST, i, 0, 0);
        nas_graph graph = {0};
        nas_arch arch;
        NAS_TRY(nas_domain_sample(domain, &random, &arch));
        nas_status status = nas_domain_build(domain, &arch, &graph);
        if (status == NAS_OK)
            status = add_graph(shapes, &graph, batch);
        nas_graph_clear(&graph);
        NAS_TRY(status);
    }
    return NAS_OK;
}

static nas_status add_supernet(tune_shapes *shapes, const nas_domain *domain, int batch)
{
    const nas_supergraph_options options = {.running = true};
    nas_gate_table table;
    nas_graph graph = {0};
    nas_status status = nas_domain_supergraph(domain, &options, &graph, &table);
    if (status == NAS_OK)
        status = add_graph(shapes, &graph, batch);
    nas_graph_clear(&graph);
    return status;
}

static nas_status add_config(tune_shapes *shapes, nas_device *device, const tune_options *options)
{
    nas_status status = NAS_OK;
    nas_data *data = NULL;
    nas_domain *domain = NULL;
    nas_train_config *train = calloc(1, sizeof *train);
    nas_config *config = calloc(1, sizeof *config);
    const nas_strategy *strategy = NULL;
    if (!config || !train) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of memory for a config");
        goto done;
    }
    NAS_TRY_DONE(nas_config_read(options->what, NULL, 0, config));
    NAS_TRY_DONE(nas_data_open_group(&config->data, (uint64_t)config->seed, &data));
    NAS_TRY_DONE(nas_domain_open_group(&config->space, nas_data_shape(data), nas_data_outputs(data),
                                       &domain));
    NAS_TRY_DONE(nas_train_config_fill(&config->train, train));
    const int batch = shard_of(device, options->batch ? options->batch : (int)train->common.batch);
    const nas_value *type = nas_value_member(&config->strategy, "type");
    NAS_TRY_DONE(nas_strategy_get(type ? type->text : "", &strategy));
    if (strategy->evaluator)
        NAS_TRY_DONE(add_supernet(shapes, domain, batch));
    NAS_TRY_DONE(add_random(shapes, domain, batch));
done:
    nas_domain_close(domain);
    nas_data_destroy(data);
    if (config)
        nas_config_clear(config);
    free(config);
    free(train);
    return status;
}

/* A file that is neither a study nor a graph's text is a config. */
static bool is_config(const char *path)
{
    char head[16] = "";
    FILE *file = access(path, R_OK) == 0 ? fopen(path, "r") : NULL;
    if (!file)
        return false;
    size_t got = fread(head, 1, sizeof head - 1, file);
    fclose(file);
    return got > 0 && strncmp(head, "SQLite format 3", 15) != 0 && strncmp(head, "input ", 6) != 0;
}

nas_status tune_shapes_read(nas_device *device, const tune_options *options, tune_shapes *shapes)
{
    const int batch = options->batch ? options->batch : USUAL_BATCH;
    nas_graph graph = {0};
    if (!options->what)
        return add_usual(shapes, device, batch);
    if (is_config(options->what))
        return add_config(shapes, device, options);
    NAS_TRY(network_open(options->what, &graph));
    nas_status status = add_graph(shapes, &graph, shard_of(device, batch));
    nas_graph_clear(&graph);
    return status;
}
