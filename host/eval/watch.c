/* watch.c - what evaluators that train have in common: `trained` and `supernet` score a training within a call's limit, tell of its
 * progress, and go on with a paused one. */
#include "watch.h"

#include <unistd.h>

void nas__watch_begin(nas__watch *watch, const nas_eval_call *call)
{
    *watch = (nas__watch){.call = call, .begin_s = nas_now_s(), .begin_cpu_s = nas_cpu_s()};
}

bool nas__watch_step(nas__watch *watch, const nas_train_progress *progress)
{
    const nas_eval_call *call = watch->call;
    const double steps = progress->steps > 0 ? (double)progress->step / progress->steps : 0;
    const double share = (progress->epoch + steps - watch->first) / (call->budget - watch->first);
    watch->over_time = call->limit_s > 0 && nas_now_s() - watch->begin_s > call->limit_s;
    if (watch->over_time)
        return false;
    return !call->callback || call->callback(call->user, share > 1 ? 1 : share);
}

nas_status nas__take_up(nas__watch *watch, nas_trainer *trainer, const char *path, int least,
                        int most, bool *taken)
{
    *taken = false;
    if (!path || access(path, F_OK) != 0)
        return NAS_OK;
    nas_status status = nas_trainer_load(trainer, path);
    if (status != NAS_OK && status != NAS_DATA)
        return status;
    const int epoch = nas_trainer_epoch(trainer);
    *taken = status == NAS_OK && epoch >= least && epoch <= most;
    if (*taken)
        watch->first = epoch < watch->call->budget ? epoch : most - 1;
    else
        nas_log(NAS_LOG_WARNING, "%s: this training is not gone on with: %s", path,
                status == NAS_OK ? "it has another number of epochs" : nas_error_message());
    return NAS_OK;
}

nas_status nas__watch_run(const nas__watch *watch, nas_trainer *trainer, int epoch)
{
    nas_status status = nas_trainer_run(trainer, epoch);
    if (status == NAS_STOPPED && watch->over_time)
        NAS_FAIL(NAS_TIME, "over its time limit of %.3g minutes in epoch %d",
                 watch->call->limit_s / 60, nas_trainer_epoch(trainer));
    return status;
}

nas_status nas__watch_seconds(const nas__watch *watch, nas_trial *result)
{
    NAS_TRY(nas_trial_set_metric(result, "train_seconds", nas_now_s() - watch->begin_s, true));
    return nas_trial_set_metric(result, "cpu_seconds", nas_cpu_s() - watch->begin_cpu_s, true);
}
