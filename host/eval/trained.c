/* trained.c - the evaluator that trains: the honest, slow number that others approximate.
 *
 * Each candidate is initialised, trained for its budget of epochs on the training split and measured on the validation
 * split; the test split stays untouched.  Everything random is keyed by (study seed, canonical arch, repeat), so the same
 * candidate gives the same bits whenever and wherever it comes up on one kind of device.  The data set is put on the
 * device once and shared by all trials; the network scored last stays alive until the next one, so that its weights
 * can be kept if it turns out to be among the best. */
#include "evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct trained_options {
    int64_t valid_every;
} trained_options;

typedef struct trained {
    const trained_options *options;
    const nas_eval_setting *setting;
    nas_data_home *home;
    nas_trainer *trainer; /* of the last score, or NULL */
    nas_arch arch;        /* its architecture */
    /* of the score that runs */
    const nas_eval_call *call;
    double begin_s, begin_cpu_s;
    bool over_time;
} trained;

static const nas_option options[] = {
    {"valid_every", NAS_OPTION_INT, offsetof(trained_options, valid_every), "1", 0, 1000000, NULL,
     "epochs between two measurements on the validation split, which make the curve; 0: at the end "
     "only"},
    {0},
};

static nas_status prepare(const void *instance, const nas_eval_setting *setting, void **state)
{
    trained *t = calloc(1, sizeof *t);
    if (!t)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    t->options = instance;
    t->setting = setting;
    nas_status status = nas_data_home_create(setting->device, setting->data, &t->home);
    if (status != NAS_OK) {
        free(t);
        return status;
    }
    *state = t;
    return NAS_OK;
}

static void finish(void *state)
{
    trained *t = state;
    if (!t)
        return;
    nas_trainer_destroy(t->trainer);
    nas_data_home_destroy(t->home);
    free(t);
}

/* The trainer asks every few steps whether to go on. */
static bool watch(void *user, const nas_train_progress *progress)
{
    trained *t = user;
    double steps = progress->steps > 0 ? (double)progress->step / progress->steps : 0;
    double share = t->call->budget > 0 ? (progress->epoch + steps) / t->call->budget : 0;
    if (t->call->limit_s > 0 && nas_now_s() - t->begin_s > t->call->limit_s) {
        t->over_time = true;
        return false;
    }
    return !t->call->callback || t->call->callback(t->call->user, share > 1 ? 1 : share);
}

/* A network that no attempt could fit on this device is a result, found before anything is allocated; memory that
 * runs out later is not. */
static nas_status check_memory(trained *t, const nas_graph *graph)
{
    const nas_train_options *train = &t->setting->train->common;
    nas_net_memory memory;
    nas_net_options net = {
        .batch = (int)train->batch,
        .training = true,
        .loss = true,
        .use_clblast = train->gemm == 1,
    };
    nas_status status = nas_net_measure(t->setting->device, graph, &net, &memory);
    if (status != NAS_DEVICE_MEMORY)
        return status;
    char message[512];
    snprintf(message, sizeof message, "%s", nas_error_message());
    NAS_FAIL(NAS_BOUND, "does not fit the device: %s", message);
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
    t->call = call;
    t->arch = *call->arch;
    t->begin_s = nas_now_s();
    t->begin_cpu_s = nas_cpu_s();
    t->over_time = false;
    NAS_TRY(check_memory(t, graph));
    return nas_trainer_create(t->home, graph, t->setting->train, &setup, &t->trainer);
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
    nas_status status = nas_trainer_run(t->trainer, epoch);
    if (status == NAS_STOPPED && t->over_time)
        NAS_FAIL(NAS_TIME, "over its time limit of %.3g minutes in epoch %d", t->call->limit_s / 60,
                 nas_trainer_epoch(t->trainer));
    NAS_TRY(status);
    if (nas_trainer_epoch_result(t->trainer, &train))
        NAS_TRY(add_curve_point(result, "train_loss", train.loss));
    if (!measure)
        return NAS_OK;
    NAS_TRY(nas_trainer_evaluate(t->trainer, NAS_SPLIT_VALID, valid));
    NAS_TRY(add_curve_point(result, "valid_accuracy", valid->accuracy));
    return add_curve_point(result, "valid_loss", valid->loss);
}

static nas_status set_metrics(trained *t, const nas_evaluation *valid, nas_trial *result)
{
    nas_net_memory memory;
    nas_evaluation train = {0};
    nas_net_memory_of(nas_trainer_net(t->trainer), &memory);
    NAS_TRY(nas_trial_set_metric(result, "valid_accuracy", valid->accuracy, false));
    NAS_TRY(nas_trial_set_metric(result, "valid_loss", valid->loss, false));
    if (nas_trainer_epoch_result(t->trainer, &train))
        NAS_TRY(nas_trial_set_metric(result, "train_loss", train.loss, false));
    NAS_TRY(nas_trial_set_metric(result, "memory", (double)memory.total_bytes, false));
    NAS_TRY(nas_trial_set_metric(result, "train_seconds", nas_now_s() - t->begin_s, true));
    return nas_trial_set_metric(result, "cpu_seconds", nas_cpu_s() - t->begin_cpu_s, true);
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    trained *t = state;
    nas_evaluation valid = {0};
    int epochs = call->budget < 1 ? 1 : (int)call->budget;
    int64_t every = t->options->valid_every;
    NAS_TRY(begin_training(t, call, graph));
    for (int epoch = 1; epoch <= epochs; epoch++) {
        bool measure = epoch == epochs || (every > 0 && epoch % every == 0);
        NAS_TRY(train_to(t, epoch, measure, result, &valid));
    }
    return set_metrics(t, &valid, result);
}

static nas_status keep(void *state, const char *path)
{
    trained *t = state;
    nas_text arch = {0}, words = {0};
    if (!t->trainer)
        NAS_FAIL(NAS_FAILED, "%s: no network was trained", path);
    nas_domain_write(t->setting->domain, &t->arch, &arch);
    nas_domain_describe(t->setting->domain, &t->arch, &words);
    const char *keys[] = {"arch", "describe"};
    const char *values[] = {arch.data ? arch.data : "", words.data ? words.data : ""};
    nas_status status = nas_net_save(nas_trainer_net(t->trainer), path, keys, values, 2);
    nas_text_clear(&arch);
    nas_text_clear(&words);
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
    .finish = finish,
};
