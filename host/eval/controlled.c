/* controlled.c - a supernet and its controller: the second half of ENAS's epochs, and what an epoch tells of it.
 *
 * In the first half weights are trained (supernet_train.c), on the first portion of the training split.  Now they stand still, and
 * the controller learns from accuracies on mini-batches of the other portion, one batch for each architecture, drawn independently and
 * not augmented.  All architectures of an update come from the same policy, so their passes are enqueued together and waited for
 * once.
 *
 * The controller's weights, moments, baseline and count of updates are doubles here on the host; they are attached to the trainer's
 * checkpoint.  Updates are counted over the whole training, so this half, too, goes on where it was saved or stopped. */
#include "supernet.h"

#include <stdlib.h>

typedef nas__supernet supernet;

nas_status nas__controlled_begin(supernet *s)
{
    const nas__controller_options *options = &s->options.controller;
    NAS_TRY(nas__controller_create(options, s->setting->domain, &s->table, s->setting->seed,
                                   &s->controller));
    nas__sampling_draw_by(s->sampling, nas__controller_draw, s->controller);
    const nas_weights *weights = nas_policy_weights(nas__controller_policy(s->controller));
    NAS_TRY(nas_trainer_attach_values(s->trainer, "controller", weights->value,
                                      4 * (uint64_t)weights->count));
    return nas_trainer_attach_values(s->trainer, "controller.state",
                                     (double *)nas__controller_state_of(s->controller),
                                     NAS__CONTROLLER_STATE);
}

/* ---- rewards ----------------------------------------------------------------------------------------------------- */

/* At most as many as the net keeps metrics of.  A reward is the score of one batch; of numbers, R² by the variance of all batches, so
 * that the same error earns the same in each. */
static nas_status score_some(supernet *s, const nas_arch *archs, int first, int count,
                             double *rewards)
{
    nas_net *net = nas_trainer_net(s->trainer);
    const int batch = nas_train_micro_batch(&s->train);
    const double variance = nas_score_variance(s->alpha_batches);
    float *metrics = malloc(4 * (size_t)count * sizeof *metrics);
    nas_status status = metrics ? NAS_OK : NAS_MEMORY;
    for (int i = 0; i < count && status == NAS_OK; i++) {
        const nas_step step = {.real = (uint32_t)batch,
                               .slot = (uint32_t)i,
                               .epoch = (uint32_t)nas_trainer_epoch(s->trainer) - 1,
                               .step = (uint32_t)(first + i)};
        NAS_TRY_DONE(nas_net_set_step(net, &step));
        NAS_TRY_DONE(nas_batches_load(s->alpha_batches, first + i));
        NAS_TRY_DONE(nas__sampling_take(s->sampling, &archs[i]));
        NAS_TRY_DONE(nas_net_forward(net));
    }
    if (status == NAS_OK)
        status =
            nas_tensor_read(nas_tensor_view(nas_net_metrics(net), 0, 4 * (uint64_t)count), metrics);
    for (int i = 0; i < count && status == NAS_OK; i++)
        rewards[i] = nas_score_of((double)metrics[4 * i + 1] / batch, variance);
done:
    free(metrics);
    return status;
}

static nas_status score(void *user, const nas_arch *archs, int first, int count, double *rewards)
{
    supernet *s = user;
    const int slots = nas_net_options_of(nas_trainer_net(s->trainer))->slots;
    for (int at = 0; at < count; at += slots) {
        const int some = count - at < slots ? count - at : slots;
        NAS_TRY(score_some(s, archs + at, first + at, some, rewards + at));
    }
    return NAS_OK;
}

/* ---- an epoch ---------------------------------------------------------------------------------------------------- */

nas_status nas__controlled_learn(supernet *s, int epoch)
{
    const nas__controller_state *state = nas__controller_state_of(s->controller);
    const double updates = (double)epoch * (double)s->options.controller.steps;
    const nas_train_progress progress = {.epoch = epoch};
    NAS_TRY(nas_batches_epoch(s->alpha_batches, (uint32_t)epoch - 1));
    while (state->updates < updates) {
        NAS_TRY(nas__controller_update(s->controller, score, s));
        const bool go_on = nas__watch_step(&s->watch, &progress);
        NAS_TRY(nas_trainer_save_due(s->trainer, !go_on));
        if (!go_on)
            NAS_FAIL(s->watch.over_time ? NAS_TIME : NAS_STOPPED,
                     "%s while the controller was trained, in epoch %d",
                     s->watch.over_time ? "over its time limit" : "stopped", epoch);
    }
    return NAS_OK;
}

nas_status nas__controlled_report(supernet *s, int epoch, nas_trial *result)
{
    const nas__controller_options *options = &s->options.controller;
    const nas__controller_state *state = nas__controller_state_of(s->controller);
    const double drawn = (double)options->steps * (double)options->aggregate;
    NAS_TRY(nas__supernet_add(result, "controller_reward", state->reward / drawn, true));
    NAS_TRY(nas__supernet_add(result, "controller_baseline", state->baseline, true));
    NAS_TRY(nas__supernet_add(result, "controller_entropy", state->entropy / drawn, true));
    if (epoch < s->options.epochs)
        return NAS_OK;
    nas_text list = {0};
    nas_arch best;
    nas_status status = nas_arch_parse(result->derived, &best);
    if (status == NAS_OK)
        status = nas__controller_list(s->controller, &best, options->candidates, &list);
    if (status == NAS_OK)
        status = nas_trial_set_derived(result, list.data);
    nas_text_clear(&list);
    return status;
}
