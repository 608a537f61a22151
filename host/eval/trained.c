/* trained.c - the evaluator that trains: the honest, slow number that others approximate.
 *
 * Each candidate is initialised, trained for its budget of epochs on the training split and measured on the validation
 * split; the test split stays untouched.  Everything random is keyed by (study seed, canonical arch, repeat), so the same
 * candidate gives the same bits whenever and wherever it comes up on one kind of device.  The data set is put on the
 * device once and shared by all trials; the network scored last stays alive until the next one, so that its weights
 * can be kept if it turns out to be among the best.
 *
 * A short training is the beginning of the long one: schedules span train.epochs whatever the budget, and all random numbers are
 * keyed by epoch and step.  So a network that is promoted to more epochs goes on from where the short training was paused,
 * moments and all, and comes out with the bits that it would have had from the start; only the time differs.
 *
 * A budget of 0 epochs trains nothing: such a trial gets the zero-cost proxies that `proxies.measures` names.  Strategies
 * (`warmup`, `filter`) propose it to decide who is worth training; the log keeps both.
 *
 * A trial that starts from another one's weights (call->from) takes over what fits of them (nas_net_inherit) in place of
 * its first values; optimizer and schedule begin anew. */
#include "proxies.h"
#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct trained_options {
    int64_t valid_every;
    nas__proxy_options proxies;
} trained_options;

typedef struct trained {
    const trained_options *options;
    const nas_eval_setting *setting;
    nas_data_home *home;
    char score[NAS_NAME_SIZE];   /* metric: "valid_accuracy", "valid_r2" */
    nas__proxies *proxies;       /* NULL: none are wanted */
    nas_trainer *trainer;        /* of the last score; NULL: it trained nothing */
    nas_arch arch;               /* its architecture */
    nas_inheritance inheritance; /* what it began with; 0: with nothing of another's */
    nas__watch watch;            /* over the score that runs */
} trained;

static const nas_option options[] = {
    {"valid_every", NAS_OPTION_INT, offsetof(trained_options, valid_every), "1", 0, 1000000, NULL,
     "epochs between two measurements on the validation split, which make the curve; 0: at the end "
     "only"},
    NAS__PROXY_ROWS("proxies.", offsetof(trained_options, proxies), "[]"),
    {0},
};

static void finish(void *state)
{
    trained *t = state;
    if (!t)
        return;
    nas_trainer_destroy(t->trainer);
    nas__proxies_destroy(t->proxies);
    nas_data_home_destroy(t->home);
    free(t);
}

static nas_status prepare(const void *instance, const nas_eval_setting *setting, void **state)
{
    trained *t = calloc(1, sizeof *t);
    if (!t)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    t->options = instance;
    t->setting = setting;
    nas_score_name(nas_data_task(setting->data), "valid", t->score, sizeof t->score);
    nas_status status = nas_data_home_create(setting->device, setting->data, &t->home);
    if (status == NAS_OK && t->options->proxies.measures.count)
        status = nas__proxies_create(&t->options->proxies, setting, t->home, &t->proxies);
    if (status != NAS_OK) {
        finish(t);
        return status;
    }
    *state = t;
    return NAS_OK;
}

static bool watch(void *user, const nas_train_progress *progress)
{
    trained *t = user;
    return nas__watch_step(&t->watch, progress);
}

static nas_status begin_training(trained *t, const nas_eval_call *call, const nas_graph *graph)
{
    nas_trainer_setup setup = {
        .split = NAS_SPLIT_TRAIN,
        .seed = t->setting->seed,
        .key = nas_eval_key(call->arch, call->repeat),
        .callback = watch,
        .user = t,
    };
    nas_trainer_destroy(t->trainer);
    t->trainer = NULL;
    t->arch = *call->arch;
    nas__watch_begin(&t->watch, call);
    t->inheritance = (nas_inheritance){0};
    const nas_net_options net =
        nas_train_net_options(t->setting->train, t->setting->data, t->setting->device);
    NAS_TRY(nas__check_fits(t->setting->device, graph, &net));
    NAS_TRY(nas_trainer_create(t->home, graph, t->setting->train, &setup, &t->trainer));
    if (!call->from)
        return NAS_OK;
    return nas_net_inherit(nas_trainer_net(t->trainer), call->from, setup.seed,
                           nas__initial_key(setup.key), &t->inheritance);
}

/* Takes up the training that was paused, else begins. */
static nas_status take_up(trained *t, const nas_eval_call *call, const nas_graph *graph, int epochs)
{
    bool taken;
    NAS_TRY(nas__take_up(&t->watch, t->trainer, call->paused, 0, epochs - 1, &taken));
    return taken || nas_trainer_epoch(t->trainer) == 0 ? NAS_OK : begin_training(t, call, graph);
}

/* The curves so far.  A validation that only the end of the short training asked for is no point of the long one's. */
static nas_status copy_curves(const trained *t, const nas_trial *begun, int epoch,
                              nas_trial *result)
{
    int64_t every = t->options->valid_every;
    bool extra = every == 0 || epoch % every != 0;
    for (int i = 0; i < begun->curve_count; i++) {
        const nas_curve *curve = &begun->curves[i];
        bool valid = strncmp(curve->name, "valid_", 6) == 0;
        for (int k = 0; k < curve->count - (valid && extra); k++)
            NAS_TRY(nas_trial_add_point(result, curve->name, curve->values[k]));
    }
    return nas_trial_set_metric(result, "epochs_resumed", epoch, true);
}

static nas_status add_curve_point(nas_trial *result, const char *name, double value)
{
    if (!isfinite(value))
        NAS_FAIL(NAS_NONFINITE, "%s is %g", name, value);
    return nas_trial_add_point(result, name, value);
}

/* Trains up to `epoch` and appends to the curves. */
static nas_status train_to(trained *t, int epoch, bool measure, nas_trial *result,
                           nas_evaluation *valid)
{
    nas_evaluation train;
    NAS_TRY(nas__watch_run(&t->watch, t->trainer, epoch));
    if (nas_trainer_epoch_result(t->trainer, &train))
        NAS_TRY(add_curve_point(result, "train_loss", train.loss));
    if (!measure)
        return NAS_OK;
    NAS_TRY(nas_trainer_evaluate(t->trainer, NAS_SPLIT_VALID, valid));
    NAS_TRY(add_curve_point(result, t->score, valid->score));
    return add_curve_point(result, "valid_loss", valid->loss);
}

/* Share of the trained parameters that came from the trial it started from. */
static nas_status set_inherited(const nas_inheritance *i, nas_trial *result)
{
    double all = (double)(i->copied + i->set + i->fresh);
    return all > 0 ? nas_trial_set_metric(result, "inherited", (double)i->copied / all, false)
                   : NAS_OK;
}

static nas_status set_metrics(trained *t, const nas_evaluation *valid, nas_trial *result)
{
    nas_net_memory memory;
    nas_evaluation train = {0};
    nas_net_memory_of(nas_trainer_net(t->trainer), &memory);
    NAS_TRY(nas_trial_set_metric(result, t->score, valid->score, false));
    NAS_TRY(nas_trial_set_metric(result, "valid_loss", valid->loss, false));
    if (nas_trainer_epoch_result(t->trainer, &train))
        NAS_TRY(nas_trial_set_metric(result, "train_loss", train.loss, false));
    NAS_TRY(nas_trial_set_metric(result, "memory", (double)memory.total_bytes, false));
    NAS_TRY(set_inherited(&t->inheritance, result));
    return nas__watch_seconds(&t->watch, result);
}

static nas_status score_proxies(trained *t, const nas_eval_call *call, const nas_graph *graph,
                                nas_trial *result)
{
    nas_trainer_destroy(t->trainer); /* else an earlier trial's weights would pass for this one's */
    t->trainer = NULL;
    if (!t->proxies)
        NAS_FAIL(NAS_CONFIG, "a trial of 0 epochs, but evaluate.proxies.measures names no proxy");
    return nas__proxies_score(t->proxies, call, graph, result);
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    trained *t = state;
    nas_evaluation valid = {0};
    int epochs = call->budget < 1 ? 1 : (int)call->budget;
    int64_t every = t->options->valid_every;
    if (call->budget == 0)
        return score_proxies(t, call, graph, result);
    NAS_TRY(begin_training(t, call, graph));
    NAS_TRY(take_up(t, call, graph, epochs));
    int done = nas_trainer_epoch(t->trainer);
    if (done > 0)
        NAS_TRY(copy_curves(t, call->begun, done, result));
    for (int epoch = done + 1; epoch <= epochs; epoch++) {
        bool measure = epoch == epochs || (every > 0 && epoch % every == 0);
        NAS_TRY(train_to(t, epoch, measure, result, &valid));
    }
    return set_metrics(t, &valid, result);
}

static nas_status pause_training(void *state, const char *path)
{
    trained *t = state;
    if (!t->trainer)
        NAS_FAIL(NAS_FAILED, "%s: no network was trained", path);
    return nas_trainer_save(t->trainer, path);
}

static nas_status keep(void *state, const char *path)
{
    trained *t = state;
    nas_text arch = {0}, description = {0};
    nas_data_words words = {0};
    if (!t->trainer)
        NAS_FAIL(NAS_FAILED, "%s: no network was trained", path);
    nas_domain_write(t->setting->domain, &t->arch, &arch);
    nas_domain_describe(t->setting->domain, &t->arch, &description);
    nas_status status = nas_data_describe(t->setting->data, &words);
    const char *keys[] = {"arch",    "describe",       "preprocessing",
                          "classes", "postprocessing", "columns"};
    const char *values[] = {arch.data,          description.data,          words.preprocessing.data,
                            words.classes.data, words.postprocessing.data, words.columns.data};
    if (status == NAS_OK)
        status = nas_net_save(nas_trainer_net(t->trainer), path, keys, values, 6);
    nas_data_words_clear(&words);
    nas_text_clear(&arch);
    nas_text_clear(&description);
    return status;
}

static const char *const metrics[] = {
    "valid_accuracy",   "valid_loss", "train_loss",    "parameters",  "macs",
    "activation_bytes", "memory",     "train_seconds", "cpu_seconds", NULL};

const nas_evaluator nas__evaluator_trained = {
    .kind = {.name = "trained",
             .summary =
                 "trains the candidate from the start and measures it on the validation split",
             .instance_size = sizeof(trained_options),
             .options = options},
    .metrics = metrics,
    .pure = true,
    .needs_device = true,
    .prepare = prepare,
    .score = score,
    .keep = keep,
    .pause = pause_training,
    .finish = finish,
};
