/* finetune.c - a network from a model file trained on, with the data and the recipe of a config.
 *
 * Everything is as in any training here (data, augmentation, optimizer, schedule; batch norms with the statistics that they came with),
 * but the weights begin with those of the file.  Scores before and after are of the test split, or of the validation split where
 * there is no test; neither is trained on. */
#include "model_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tuning {
    const char *path;
    const nas_finetune_options *options;
    nas_config config;
    nas_train_config recipe;
    nas__model_file model;
    nas_data *data;
    nas_device *device;
    nas_data_home *home;
    nas_trainer *trainer;
    nas_progress progress;
    nas__wishes wishes;
} tuning;

static bool watch(void *user, const nas_train_progress *train)
{
    tuning *t = user;
    t->progress.event = NAS_EVENT_RETRAIN;
    t->progress.epoch = train->epoch + train->epoch_done;
    t->progress.epochs = train->epochs;
    t->progress.elapsed_s = train->seconds;
    t->progress.eta_s = -1;
    if (t->options->progress)
        t->options->progress(t->options->user, &t->progress);
    return nas__goes_on(&t->wishes);
}

static nas_status open_device(tuning *t)
{
    const nas_config *config = &t->config;
    if (!t->options->open_device && !t->options->device && config->device_count)
        NAS_TRY(nas_driver_use(config->devices[0].driver));
    const char *match = config->device_count ? config->devices[0].match : "any";
    return nas__device_borrow(t->options->open_device,
                              t->options->device ? t->options->device : match, &t->device);
}

static nas_status open_model(tuning *t)
{
    NAS_TRY(nas__model_open(t->path, true, &t->model));
    if (t->options->replace_head)
        NAS_TRY(nas__model_replace_head(&t->model, t->path, nas_data_outputs(t->data),
                                        (uint64_t)t->config.seed));
    return nas__model_suit(&t->model, t->path, t->data);
}

static nas_status open_trainer(tuning *t, nas_finetune_result *result)
{
    nas_trainer_setup setup = {
        .split = NAS_SPLIT_TRAIN, .seed = (uint64_t)t->config.seed, .callback = watch, .user = t};
    nas_cost cost;
    nas_graph_cost(&t->model.graph, &cost);
    result->parameters = cost.parameters;
    result->macs = cost.macs;
    NAS_TRY(nas_graph_hash(&t->model.graph, &setup.key));
    NAS_TRY(nas_data_home_create(t->device, t->data, &t->home));
    NAS_TRY(nas_trainer_create(t->home, &t->model.graph, &t->recipe, &setup, &t->trainer));
    return nas_net_take(nas_trainer_net(t->trainer), &t->model.content, t->path);
}

static nas_status save(tuning *t, const char *path)
{
    nas_data_words words = {0};
    nas_status status = nas_data_describe(t->data, &words);
    const char *keys[] = {"name", "preprocessing", "postprocessing", "classes", "columns"};
    const char *values[] = {t->path, words.preprocessing.data, words.postprocessing.data,
                            words.classes.data, words.columns.data};
    if (status == NAS_OK)
        status = nas_net_save(nas_trainer_net(t->trainer), path, keys, values, 5);
    nas_data_words_clear(&words);
    return status;
}

/* The split that scores are of. */
static nas_split scored_split(const tuning *t)
{
    uint32_t count;
    nas_data_split(t->data, NAS_SPLIT_TEST, &count);
    return count ? NAS_SPLIT_TEST : NAS_SPLIT_VALID;
}

static nas_status train(tuning *t, nas_finetune_result *result)
{
    const nas_split split = scored_split(t);
    const double begin = nas_now_s();
    nas_evaluation evaluation;
    snprintf(result->split, sizeof result->split, "%s", nas_split_name(split));
    snprintf(result->score, sizeof result->score, "%s", nas_task_score(nas_data_task(t->data)));
    NAS_TRY(nas_trainer_evaluate(t->trainer, split, &evaluation));
    result->score_before = evaluation.score;
    result->loss_before = evaluation.loss;
    NAS_TRY(nas_trainer_run(t->trainer, (int)t->recipe.common.epochs));
    NAS_TRY(nas_trainer_evaluate(t->trainer, split, &evaluation));
    result->score_after = evaluation.score;
    result->loss_after = evaluation.loss;
    result->samples = evaluation.count;
    result->epochs = (int)t->recipe.common.epochs;
    result->seconds = nas_now_s() - begin;
    return NAS_OK;
}

static nas_status run(tuning *t, const char *data_path, nas_finetune_result *result)
{
    NAS_TRY(nas__config_of(data_path, &t->config));
    NAS_TRY(nas_train_config_fill(&t->config.train, &t->recipe));
    if (t->options->epochs > 0)
        t->recipe.common.epochs = t->options->epochs;
    NAS_TRY(nas__open_data(&t->config, &t->data));
    NAS_TRY(open_model(t));
    NAS_TRY(open_device(t));
    NAS_TRY(open_trainer(t, result));
    NAS_TRY(train(t, result));
    return save(t, t->options->model_path);
}

nas_status nas_session_finetune(const char *model_path, const char *data_path,
                                const nas_finetune_options *options, nas_finetune_result *result)
{
    tuning *t = calloc(1, sizeof *t);
    *result = (nas_finetune_result){.samples = 0};
    if (!t)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    t->path = model_path;
    t->options = options;
    t->progress = (nas_progress){.note = "", .best_metric = "", .job_name = "", .jobs = 1};
    nas__wishes_begin(&t->wishes, options->cancelled, options->user);
    const nas_status status = run(t, data_path, result);
    nas_trainer_destroy(t->trainer);
    nas_data_home_destroy(t->home);
    nas__device_return(options->open_device, t->device);
    nas_data_destroy(t->data);
    nas__model_clear(&t->model);
    nas_config_clear(&t->config);
    free(t);
    return status;
}
