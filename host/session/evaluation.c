/* evaluation.c - a saved model over a split of a data set, scored output by output (scores.c).
 *
 * A model file carries its graph, so it stands alone: data come from a config file or from a study's stored config
 * (told apart by SQLite's magic), and must have the model's shape and classes. */
#include "model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nas_status nas__config_of(const char *path, nas_config *config)
{
    if (!nas__is_study(path))
        return nas_config_read(path, NULL, 0, config);
    nas_study *study;
    NAS_TRY(nas_study_open(path, NAS_STORE_READ, &study));
    nas_status status = nas__stored_config(study, NULL, 0, config);
    nas_study_close(study);
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

static nas_status evaluate_on(nas_device *device, const nas__model_file *model,
                              const char *model_path, const nas_data *data, nas_split split,
                              int batch, nas__wishes *wishes, nas_eval_result *result)
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
    NAS_TRY_DONE(nas_net_create(device, &model->graph, &options, &net));
    NAS_TRY_DONE(nas_net_take(net, &model->content, model_path));
    NAS_TRY_DONE(nas_evaluate(net, home, split, &evaluation, outputs, nas__goes_on, wishes));
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

nas_status nas_session_eval(const char *model_path, const char *data_path,
                            const nas_eval_options *options, nas_eval_result *result)
{
    static const nas_eval_options usual = {0};
    nas_config *config = calloc(1, sizeof *config);
    nas__model_file model = {0};
    nas__wishes wishes;
    nas_data *data = NULL;
    nas_device *device = NULL;
    nas_split split = NAS_SPLIT_TEST;
    *result = (nas_eval_result){0};
    options = options ? options : &usual;
    nas__wishes_begin(&wishes, options->cancelled, options->user);
    nas_status status = config ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    if (options->split)
        NAS_TRY_DONE(split_named(options->split, &split));
    NAS_TRY_DONE(nas__model_open(model_path, true, &model));
    NAS_TRY_DONE(nas__config_of(data_path, config));
    NAS_TRY_DONE(nas__open_data(config, &data));
    NAS_TRY_DONE(nas__model_suit(&model, model_path, data));
    if (!options->open_device && !options->device && config->device_count)
        NAS_TRY_DONE(nas_driver_use(config->devices[0].driver));
    const char *match = config->device_count ? config->devices[0].match : "any";
    NAS_TRY_DONE(nas__device_borrow(options->open_device, options->device ? options->device : match,
                                    &device));
    const nas_value *batch = nas_value_member(&config->train, "batch");
    status = evaluate_on(device, &model, model_path, data, split, batch ? (int)batch->integer : 128,
                         &wishes, result);
done:
    if (status != NAS_OK)
        nas_eval_result_clear(result);
    nas__device_return(options->open_device, device);
    nas_data_destroy(data);
    nas__model_clear(&model);
    if (config)
        nas_config_clear(config);
    free(config);
    return status;
}
