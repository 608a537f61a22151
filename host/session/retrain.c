/* retrain.c - the best networks once more, from new weights, longer, and then the test - once.
 *
 * Idea: the numbers of a search are for choosing; they are short trainings, and the best of many is partly luck.  What is
 * reported comes from a training of its own (another random key), by a recipe that the hand-made baseline gets too, and
 * the test split is looked at after the last epoch only.  The network may be a larger one of the same architecture (retrain.space).  A checkpoint after each epoch, and on the way, makes a killed retraining go on
 * where it was, to the same bits; what is done is a line in the study (results.c) and is not done again. */
#include "session_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPEAT_BASE = 1 << 16 }; /* keys of retraining are none of the search's */

/* ---- what there is to do ------------------------------------------------------------------------------------------ */

static bool has_job(const nas__retrain_job *jobs, int count, int index)
{
    for (int i = 0; i < count; i++)
        if (jobs[i].index == index)
            return true;
    return false;
}

static void add_jobs(const nas_config *config, int index, nas__retrain_job *jobs, int *count)
{
    int repeats = (int)config->retrain.repeats;
    if (has_job(jobs, *count, index))
        return;
    for (int repeat = 0; repeat < repeats; repeat++) {
        nas__retrain_job *job = &jobs[(*count)++];
        *job = (nas__retrain_job){.index = index, .repeat = repeat};
        if (index < config->given.count)
            snprintf(job->name, sizeof job->name, "%.63s", config->given.item[index]);
        else
            snprintf(job->name, sizeof job->name, "trial %d", index);
    }
}

nas_status nas__retrain_jobs(nas_study *study, const nas_config *config, nas__retrain_job **jobs,
                             int *count)
{
    int top = (int)config->retrain.top;
    int best[8] = {0};
    *count = 0;
    *jobs = calloc((size_t)(top + config->given.count + 1) * (size_t)config->retrain.repeats,
                   sizeof **jobs);
    if (!*jobs)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    if (top == 0)
        return NAS_OK;
    int found = nas_study_best(study, &config->objectives.item[0], top, best);
    for (int i = 0; i < found; i++)
        add_jobs(config, best[i], *jobs, count);
    for (int i = 0; config->retrain.baseline && i < config->given.count; i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial && trial->status == NAS_TRIAL_COMPLETE)
            add_jobs(config, i, *jobs, count);
    }
    return NAS_OK;
}

static bool is_done(const nas__result *results, int count, const nas__retrain_job *job,
                    const char *recipe)
{
    for (int i = 0; i < count; i++)
        if (results[i].job.index == job->index && results[i].job.repeat == job->repeat &&
            strcmp(results[i].recipe, recipe) == 0)
            return true;
    return false;
}

/* Jobs without a result, the first ones of *jobs after the call. */
static nas_status missing_jobs(nas_study *study, const nas_config *config, nas__retrain_job **jobs,
                               int *count)
{
    nas__result *results = NULL;
    int result_count = 0, left = 0;
    char recipe[20];
    nas__recipe_hash(config, recipe);
    NAS_TRY(nas__retrain_jobs(study, config, jobs, count));
    nas_status status = nas__results_read(study, &results, &result_count);
    for (int i = 0; status == NAS_OK && i < *count; i++)
        if (!is_done(results, result_count, &(*jobs)[i], recipe))
            (*jobs)[left++] = (*jobs)[i];
    *count = left;
    free(results);
    return status;
}

nas_status nas__retrain_missing(nas_study *study, const nas_config *config, int *count)
{
    nas__retrain_job *jobs = NULL;
    nas_status status = missing_jobs(study, config, &jobs, count);
    free(jobs);
    return status;
}

/* ---- one training ------------------------------------------------------------------------------------------------- */

static nas_status create_trainer(nas__bench *bench, const nas_arch *arch,
                                 const nas__retrain_job *job, nas_train_callback callback,
                                 void *user, nas__result *result, nas_trainer **trainer)
{
    nas_graph graph = {0};
    nas_cost cost;
    nas_trainer_setup setup = {
        .split = bench->config.retrain.with_valid ? NAS_SPLIT_TRAIN_VALID : NAS_SPLIT_TRAIN,
        .seed = (uint64_t)bench->config.seed,
        .key = nas_eval_key(arch, REPEAT_BASE + job->repeat),
        .callback = callback,
        .user = user,
    };
    NAS_TRY(nas__bench_home(bench));
    nas_status status = nas_domain_build(bench->final_domain, arch, &graph);
    if (status == NAS_OK) {
        nas_graph_cost(&graph, &cost);
        result->parameters = cost.parameters;
        result->macs = cost.macs;
        status = nas_trainer_create(bench->home, &graph, bench->retrain, &setup, trainer);
    }
    nas_graph_clear(&graph);
    return status;
}

/* ---- shared weights -------------------------------------------------------------------------------------------------- */

static bool goes_on(void *user, double progress)
{
    (void)progress;
    return nas__goes_on(user);
}

/* The file of the supernet that the trial was scored with; made again when it is gone. */
static nas_status find_supernet(nas__bench *bench, const nas_trial *trial, char *path, size_t size)
{
    const nas_eval_setting setting = nas__bench_setting(bench);
    nas_eval *eval;
    NAS_TRY(nas_eval_create(&setting, &eval));
    const nas__origin origin = {bench, eval, goes_on, bench->wishes};
    nas_status status = nas__origin_find(&origin, trial->from, path, size);
    nas_eval_destroy(eval);
    return status;
}

/* The weights of the architecture's path in place of new ones; nothing where the config does not want that. */
static nas_status inherit(nas__bench *bench, const nas_trial *trial, const nas_arch *arch,
                          nas_trainer *trainer)
{
    char path[NAS_PATH_SIZE];
    nas_inheritance inheritance;
    if (!bench->config.retrain.inherit || trial->from < 0)
        return NAS_OK;
    NAS_TRY(find_supernet(bench, trial, path, sizeof path));
    NAS_TRY(nas_supernet_inherit(&bench->config.strategy, bench->domain, arch, path,
                                 nas_trainer_net(trainer), &inheritance));
    nas_log(NAS_LOG_INFO,
            "trial %d begins with %llu of its %llu weights from the supernet of trial %d",
            trial->index, (unsigned long long)inheritance.copied,
            (unsigned long long)(inheritance.copied + inheritance.fresh), trial->from);
    if (inheritance.copied == 0)
        NAS_FAIL(NAS_CONFIG,
                 "retrain.inherit: none of the supernet's weights fits the network that "
                 "retrain.space makes");
    return NAS_OK;
}

/* Trains to the end, with a checkpoint after each epoch, every `every_s` seconds, and when it is stopped. */
static nas_status train_epochs(nas_trainer *trainer, int epochs, const char *checkpoint,
                               double every_s)
{
    if (access(checkpoint, F_OK) == 0 && nas_trainer_load(trainer, checkpoint) != NAS_OK)
        nas_log(NAS_LOG_WARNING, "%s; starting anew", nas_error_message());
    nas_trainer_autosave(trainer, checkpoint, every_s);
    while (nas_trainer_epoch(trainer) < epochs) {
        NAS_TRY(nas_trainer_run(trainer, nas_trainer_epoch(trainer) + 1));
        NAS_TRY(nas_trainer_save_due(trainer, true));
    }
    return NAS_OK;
}

/* The validation split when it was not trained on, and the test. */
static nas_status measure(nas__bench *bench, nas_trainer *trainer, nas__result *result)
{
    nas_evaluation evaluation;
    uint32_t test_count = 0;
    if (!bench->config.retrain.with_valid) {
        NAS_TRY(nas_trainer_evaluate(trainer, NAS_SPLIT_VALID, &evaluation));
        result->valid_score = evaluation.score;
    }
    nas_data_split(bench->data, NAS_SPLIT_TEST, &test_count);
    if (test_count == 0)
        return NAS_OK;
    NAS_TRY(nas_trainer_evaluate(trainer, NAS_SPLIT_TEST, &evaluation));
    result->test_score = evaluation.score;
    result->test_loss = evaluation.loss;
    return NAS_OK;
}

/* Where the weights go; what the result calls it: a name in the study's folder, or for a file of the user's its whole path, which
 * means the same from any folder. */
static nas_status place_model(const nas__bench *bench, const char *model, char path[NAS_PATH_SIZE],
                              nas__result *result)
{
    char here[NAS_PATH_SIZE] = "";
    if (!model) {
        snprintf(result->model, sizeof result->model, "retrained-%d-%d-%.6s.safetensors",
                 result->job.index, result->job.repeat, result->recipe);
        return nas__study_file(bench->study, result->model, path, NAS_PATH_SIZE);
    }
    if (model[0] != '/' && !getcwd(here, sizeof here))
        NAS_FAIL(NAS_FAILED, "the current folder has no path: %s", strerror(errno));
    snprintf(path, NAS_PATH_SIZE, "%s", model);
    if (snprintf(result->model, sizeof result->model, "%s%s%s", here, here[0] ? "/" : "", model) >=
        (int)sizeof result->model)
        NAS_FAIL(NAS_CONFIG, "%s: its path is longer than %d bytes", model, NAS_PATH_SIZE - 1);
    return NAS_OK;
}

static nas_status save_model(nas__bench *bench, nas_trainer *trainer, const char *arch,
                             const char *model, nas__result *result)
{
    char path[NAS_PATH_SIZE];
    nas_data_words words = {0};
    NAS_TRY(place_model(bench, model, path, result));
    nas_status status = nas_data_describe(bench->data, &words);
    const char *keys[] = {"arch",    "name",           "recipe", "preprocessing",
                          "classes", "postprocessing", "columns"};
    const char *values[] = {arch,
                            result->job.name,
                            result->recipe,
                            words.preprocessing.data,
                            words.classes.data,
                            words.postprocessing.data,
                            words.columns.data};
    if (status == NAS_OK)
        status = nas_net_save(nas_trainer_net(trainer), path, keys, values, 7);
    nas_data_words_clear(&words);
    return status;
}

/* Trains, measures, saves; the result is filled as far as it got. */
static nas_status train_job(nas__bench *bench, const nas_trial *trial, const char *model,
                            const char *checkpoint, nas_train_callback callback, void *user,
                            nas__result *result)
{
    nas_arch arch;
    nas_trainer *trainer = NULL;
    double begin = nas_now_s();
    NAS_TRY(nas_domain_read(bench->domain, trial->arch, &arch));
    nas_status status =
        create_trainer(bench, &arch, &result->job, callback, user, result, &trainer);
    if (status == NAS_OK)
        status = inherit(bench, trial, &arch, trainer);
    if (status == NAS_OK)
        status = train_epochs(trainer, (int)bench->retrain->common.epochs, checkpoint,
                              bench->config.budget.checkpoint_s);
    result->seconds = nas_now_s() - begin;
    if (status == NAS_OK)
        status = measure(bench, trainer, result);
    if (status == NAS_OK)
        status = save_model(bench, trainer, trial->arch, model, result);
    nas_trainer_destroy(trainer);
    return status;
}

static bool is_result(nas_status status)
{
    return status == NAS_NONFINITE || status == NAS_TIME || status == NAS_SHAPE;
}

nas_status nas__retrain_one(nas__bench *bench, const nas__retrain_job *job, const char *model,
                            nas_train_callback callback, void *user)
{
    char name[96], checkpoint[NAS_PATH_SIZE];
    nas__result result = {.job = *job, .test_score = NAN, .test_loss = NAN, .valid_score = NAN};
    const nas_trial *trial = nas_study_trial(bench->study, job->index);
    if (!trial)
        NAS_FAIL(NAS_CONFIG, "%s: there is no trial %d", nas_study_path(bench->study), job->index);
    nas__recipe_hash(&bench->config, result.recipe);
    snprintf(name, sizeof name, "retrain-%d-%d-%.6s.checkpoint", job->index, job->repeat,
             result.recipe);
    snprintf(result.score, sizeof result.score, "%s", nas_task_score(nas_data_task(bench->data)));
    NAS_TRY(nas__study_file(bench->study, name, checkpoint, sizeof checkpoint));
    nas_status status = train_job(bench, trial, model, checkpoint, callback, user, &result);
    if (is_result(status)) {
        snprintf(result.reason, sizeof result.reason, "%.255s", nas_error_message());
        status = NAS_OK;
    }
    NAS_TRY(status);
    NAS_TRY(nas__results_add(bench->study, &result));
    unlink(checkpoint);
    return NAS_OK;
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

typedef struct telling {
    nas__wishes *wishes;
    nas__retrain_progress progress;
    void *user;
    int job, jobs;
    const char *name;
} telling;

static bool tell(void *user, const nas_train_progress *progress)
{
    telling *t = user;
    if (t->progress)
        t->progress(t->user, t->job, t->jobs, progress->epoch + progress->epoch_done,
                    progress->epochs, t->name);
    return nas__goes_on(t->wishes);
}

nas_status nas__retrain_run(nas__bench *bench, nas__retrain_progress progress, void *user)
{
    nas__retrain_job *jobs = NULL;
    int count = 0;
    NAS_TRY(nas_study_sync(bench->study));
    nas_status status = missing_jobs(bench->study, &bench->config, &jobs, &count);
    for (int i = 0; status == NAS_OK && i < count; i++) {
        telling t = {.wishes = bench->wishes,
                     .progress = progress,
                     .user = user,
                     .job = i,
                     .jobs = count,
                     .name = jobs[i].name};
        if (progress)
            progress(user, i, count, 0, (int)bench->retrain->common.epochs, jobs[i].name);
        status = nas__retrain_one(bench, &jobs[i], NULL, tell, &t);
    }
    free(jobs);
    return status;
}
