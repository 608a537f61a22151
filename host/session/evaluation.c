/* evaluation.c - a saved model over a split of a data set, scored output by output (scores.c).
 *
 * A model file carries its graph as text, so it stands alone: data come from a config file or from a study's stored config
 * (told apart by SQLite's magic), and must have the model's shape and classes. */
#include "session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The config in a study or in a config file. */
static nas_status read_any_config(const char *path, nas_config *config)
{
    if (!nas__is_study(path))
        return nas_config_read(path, NULL, 0, config);
    nas_study *study;
    NAS_TRY(nas_study_open(path, NAS_STORE_READ, &study));
    nas_status status = nas__stored_config(study, NULL, 0, config);
    nas_study_close(study);
    return status;
}

static nas_status read_graph(const char *model_path, nas_graph *graph)
{
    nas_safetensors content = {0};
    NAS_TRY(nas_safetensors_read(model_path, &content));
    const char *text = nas_safetensors_value(&content, "graph");
    nas_status status =
        text ? nas_graph_parse(text, model_path, graph)
             : nas_error_set(NAS_DATA, __FILE__, __LINE__,
                             "%s: no graph in it; only models that clnas saved can be run",
                             model_path);
    nas_safetensors_clear(&content);
    return status;
}

static nas_status split_named(const char *name, nas_split *split)
{
    static const nas_split all[] = {NAS_SPLIT_TRAIN, NAS_SPLIT_VALID, NAS_SPLIT_TEST};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(name, nas_split_name(all[i])) == 0) {
            *split = all[i];
            return NAS_OK;
        }
    NAS_FAIL(NAS_CONFIG, "split \"%.40s\": train, valid or test", name);
}

static nas_status evaluate_on(nas_device *device, const nas_graph *graph, const char *model_path,
                              const nas_data *data, nas_split split, int batch,
                              nas_eval_result *result)
{
    const nas_net_options options = {.batch = batch, .loss = nas_train_loss(NULL, data)};
    nas_net *net = NULL;
    nas_data_home *home = NULL;
    nas_evaluation evaluation;
    uint32_t count;
    nas_status status = NAS_OK;
    nas_data_split(data, split, &count);
    float *outputs = calloc((size_t)count + 1, (size_t)nas_data_outputs(data) * sizeof *outputs);
    const double begin = nas_now_s();
    if (!outputs)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    NAS_TRY_DONE(nas_data_home_create(device, data, &home));
    NAS_TRY_DONE(nas_net_create(device, graph, &options, &net));
    NAS_TRY_DONE(nas_net_load(net, model_path));
    NAS_TRY_DONE(nas_evaluate(net, home, split, &evaluation, outputs));
    *result = (nas_eval_result){.samples = evaluation.count,
                                .score = evaluation.score,
                                .loss = evaluation.loss,
                                .seconds = nas_now_s() - begin};
    status = nas__judge_outputs(data, split, outputs, result);
done:
    nas_net_destroy(net);
    nas_data_home_destroy(home);
    free(outputs);
    return status;
}

static nas_status check_fit(const nas_graph *graph, const nas_data *data, const char *model_path)
{
    nas_shape in = graph->nodes[0].shape, have = nas_data_shape(data);
    nas_shape out = graph->nodes[graph->output].shape;
    if (in.c != have.c || in.h != have.h || in.w != have.w)
        NAS_FAIL(NAS_SHAPE, "%s wants %dx%dx%d, the data are %dx%dx%d", model_path, in.c, in.h,
                 in.w, have.c, have.h, have.w);
    if (nas_shape_count(out) != (uint64_t)nas_data_outputs(data))
        NAS_FAIL(NAS_SHAPE, "%s gives %d outputs, the data have %d", model_path,
                 (int)nas_shape_count(out), nas_data_outputs(data));
    return NAS_OK;
}

nas_status nas_session_eval(const char *model_path, const char *data_path, const char *split_name,
                            const char *device_match, nas_eval_result *result)
{
    nas_config *config = calloc(1, sizeof *config);
    nas_graph graph = {0};
    nas_data *data = NULL;
    nas_device *device = NULL;
    nas_split split = NAS_SPLIT_TEST;
    *result = (nas_eval_result){0};
    nas_status status = config ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(split_named(split_name, &split));
    NAS_TRY_DONE(read_graph(model_path, &graph));
    NAS_TRY_DONE(read_any_config(data_path, config));
    NAS_TRY_DONE(nas__open_data(config, &data));
    NAS_TRY_DONE(check_fit(&graph, data, model_path));
    if (!device_match && config->device_count)
        NAS_TRY_DONE(nas_driver_use(config->devices[0].driver));
    const char *match = config->device_count ? config->devices[0].match : "any";
    NAS_TRY_DONE(nas_device_open(device_match ? device_match : match, NULL, &device));
    const nas_value *batch = nas_value_member(&config->train, "batch");
    status = evaluate_on(device, &graph, model_path, data, split, batch ? (int)batch->integer : 128,
                         result);
done:
    if (status != NAS_OK)
        nas_eval_result_clear(result);
    nas_device_destroy(device);
    nas_data_destroy(data);
    nas_graph_clear(&graph);
    if (config)
        nas_config_clear(config);
    free(config);
    return status;
}
