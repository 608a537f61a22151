/* watch.c - what evaluators that train have in common: `trained` and `supernet` score a training within a call's limit, tell of its
 * progress, and go on with a paused one. */
#include "watch.h"

#include <unistd.h>

void nas__watch_begin(nas__watch *watch, const nas_eval_call *call)
{
    const double now_s = nas_now_s();
    *watch =
        (nas__watch){.call = call, .begin_s = now_s, .begin_cpu_s = nas_cpu_s(), .saved_s = now_s};
}

static bool is_due(const nas__watch *watch)
{
    const nas_eval_call *call = watch->call;
    return call->draft && call->draft_s > 0 && nas_now_s() - watch->saved_s >= call->draft_s;
}

bool nas__watch_step(nas__watch *watch, const nas_train_progress *progress)
{
    const nas_eval_call *call = watch->call;
    const double steps = progress->steps > 0 ? (double)progress->step / progress->steps : 0;
    const double share = (progress->epoch + steps - watch->first) / (call->budget - watch->first);
    watch->over_time = call->limit_s > 0 && nas_now_s() - watch->begin_s > call->limit_s;
    watch->saving = !progress->epoch_done && is_due(watch);
    if (watch->over_time || watch->saving)
        return false;
    return !call->callback || call->callback(call->user, share > 1 ? 1 : share);
}

nas_status nas__take_up(nas__watch *watch, nas_trainer *trainer, int epochs, bool *taken)
{
    *taken = false;
    if (!watch->call->paused)
        return NAS_OK;
    nas_status status = nas_trainer_load(trainer, watch->call->paused);
    if (status != NAS_OK && status != NAS_DATA)
        return status;
    *taken = status == NAS_OK && nas_trainer_epoch(trainer) < epochs;
    if (*taken)
        watch->first = nas_trainer_epoch(trainer);
    else
        nas_log(NAS_LOG_WARNING, "training from the start: %s",
                status == NAS_OK ? "the paused training is longer" : nas_error_message());
    return NAS_OK;
}

nas_status nas__take_draft(nas__watch *watch, nas_trainer *trainer, int done, bool *taken)
{
    const char *draft = watch->call->draft;
    *taken = false;
    if (!draft || access(draft, F_OK) != 0)
        return NAS_OK;
    nas_status status = nas_trainer_load(trainer, draft);
    if (status != NAS_OK && status != NAS_DATA)
        return status;
    *taken = status == NAS_OK && nas_trainer_epoch(trainer) == done;
    if (*taken)
        watch->first = done;
    else
        nas_log(NAS_LOG_WARNING, "training the epoch anew: %s",
                status == NAS_OK ? "the draft is of another one" : nas_error_message());
    return NAS_OK;
}

/* A wish to stop is reported after the training is safe. */
static nas_status save_draft(nas__watch *watch, nas_trainer *trainer)
{
    watch->saved_s = nas_now_s();
    return watch->call->draft ? nas_trainer_save(trainer, watch->call->draft) : NAS_OK;
}

nas_status nas__watch_run(nas__watch *watch, nas_trainer *trainer, int epoch)
{
    nas_status status = nas_trainer_run(trainer, epoch);
    while (status == NAS_STOPPED && watch->saving && !watch->over_time) {
        NAS_TRY(save_draft(watch, trainer));
        status = nas_trainer_run(trainer, epoch);
    }
    if (status == NAS_STOPPED && watch->over_time)
        NAS_FAIL(NAS_TIME, "over its time limit of %.3g minutes in epoch %d",
                 watch->call->limit_s / 60, nas_trainer_epoch(trainer));
    if (status != NAS_STOPPED || !watch->call->draft)
        return status;
    NAS_TRY(save_draft(watch, trainer));
    NAS_FAIL(NAS_STOPPED, "stopped in epoch %d", nas_trainer_epoch(trainer));
}

nas_status nas__watch_seconds(const nas__watch *watch, nas_trial *result)
{
    NAS_TRY(nas_trial_set_metric(result, "train_seconds", nas_now_s() - watch->begin_s, true));
    return nas_trial_set_metric(result, "cpu_seconds", nas_cpu_s() - watch->begin_cpu_s, true);
}
