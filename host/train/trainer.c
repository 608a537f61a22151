/* trainer.c - the training loop.
 *
 * A step is: step block, batch, forward, backward, update; all enqueued, none waited for.  The host
 * meets the device when it reads the metrics of the steps since the last meeting.  How many those
 * are follows the clock (so that Ctrl-C, time limits and progress answer within half a second on
 * any device), and changes nothing that is computed.
 *
 * NaN: each step's loss is looked at, in order, so the step that is named is always the same.  A
 * rectifier hides a NaN from the loss (fmax(NaN, 0) is 0), so at each epoch's end the norms of all
 * weights and states are looked at, too. Read next: checkpoint.c. */
#include "trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double MEETING_S = 0.25;

/* ---- making ---------------------------------------------------------------------------------- */

int nas_train_micro_batch(const nas_train_config *config)
{
    return (int)(config->common.batch / config->common.micro_batches);
}

nas_step nas_train_micro_step(const nas_train_config *config, const nas_step *step, int part)
{
    const uint32_t parts = (uint32_t)config->common.micro_batches;
    nas_step own = *step;
    own.step = step->step * parts + (uint32_t)part;
    own.slot = step->slot * parts + (uint32_t)part;
    return own;
}

nas_net_options nas_train_net_options(const nas_train_config *config, const nas_data *data,
                                      const nas_device *device)
{
    const nas_train_options *common = &config->common;
    const int batch = nas_train_micro_batch(config);
    return (nas_net_options){.batch = batch,
                             .shards = nas_batch_shards(device, batch),
                             .training = true,
                             .loss = nas_train_loss(config, data),
                             .auxiliary = true,
                             .slots = NAS_TRAINER_SLOTS * (int)common->micro_batches,
                             .use_clblast = common->gemm == 1};
}

static nas_status make_net(nas_trainer *trainer, const nas_graph *graph)
{
    nas_device *device = nas_data_home_device(trainer->home);
    const nas_data *data = nas_data_home_data(trainer->home);
    nas_net_options options = nas_train_net_options(&trainer->config, data, device);
    options.paths = trainer->setup.paths || trainer->setup.pass;
    options.row_of_gate = trainer->setup.row_of_gate;
    NAS_TRY(nas_net_create(device, graph, &options, &trainer->net));
    return nas_net_initialise(trainer->net, trainer->setup.seed,
                              (uint32_t)(trainer->setup.key ^ trainer->setup.key >> 32));
}

/* Of a step's batch, one after the other; the net's batch is one of them. */
static int parts_of(const nas_trainer *trainer)
{
    return (int)trainer->config.common.micro_batches;
}

static nas_status make_batches(nas_trainer *trainer)
{
    const nas_train_options *common = &trainer->config.common;
    const nas_batches_options options = {.batch = nas_train_micro_batch(&trainer->config),
                                         .training = true,
                                         .augment = true,
                                         .seed = trainer->setup.seed,
                                         .key = trainer->setup.key,
                                         .samples = (uint32_t)common->samples,
                                         .subset = trainer->setup.subset,
                                         .subset_count = trainer->setup.subset_count};
    const nas_batches_target target = nas_train_target(trainer->net);
    NAS_TRY(nas_batches_create(trainer->home, trainer->setup.split, &options, &target,
                               &trainer->batches));
    trainer->steps = nas_batches_steps(trainer->batches) / parts_of(trainer);
    if (trainer->steps == 0)
        NAS_FAIL(NAS_CONFIG, "train.batch = %" PRId64 " is more than the %u samples of an epoch",
                 common->batch, nas_batches_samples(trainer->batches));
    return NAS_OK;
}

static uint64_t rounded(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

/* One buffer for moments, scale, health and scratch; it starts as zeros. */
static nas_status make_extra(nas_trainer *trainer, const nas_net_block *block)
{
    const int moments = trainer->config.optimizer->moments;
    const uint64_t each = rounded(block->parameters.count);
    const uint64_t scratch =
        rounded(nas_clip_scratch(block->parameters.count) + nas_clip_scratch(block->states.count));
    const bool adds = parts_of(trainer) > 1 || (trainer->setup.pass && trainer->setup.passes > 1);
    uint64_t at = 0, count = (uint64_t)(moments + adds) * each + 32 + scratch;
    NAS_TRY(nas_buffer_create(nas_data_home_device(trainer->home), 4 * count, "optimizer moments",
                              &trainer->extra));
    for (int i = 0; i < moments; i++, at += each)
        trainer->moments[i] = (nas_tensor){trainer->extra, at, block->parameters.count};
    if (adds) {
        trainer->total = (nas_tensor){trainer->extra, at, block->parameters.count};
        at += each;
    }
    trainer->scale = (nas_tensor){trainer->extra, at, 2};
    trainer->health = (nas_tensor){trainer->extra, at + 16, 4};
    trainer->scratch = (nas_tensor){trainer->extra, at + 32, scratch};
    return NAS_OK;
}

static nas_status record_accumulate(nas_trainer *trainer, const nas_net_block *block)
{
    const nas_strip_mask mask = nas_net_strip_mask(trainer->net);
    nas_device *device = nas_data_home_device(trainer->home);
    if (!trainer->total.count)
        return NAS_OK;
    NAS_TRY(nas_tape_create(device, "accumulate", &trainer->accumulate));
    return nas_accumulate_record(device, trainer->accumulate, block->gradients, trainer->total,
                                 &mask, 1.0 / parts_of(trainer));
}

static nas_status record_update(nas_trainer *trainer, const nas_net_block *block)
{
    const double clip = trainer->config.common.clip;
    nas_optimizer_call call = {.device = nas_data_home_device(trainer->home),
                               .parameters = block->parameters,
                               .gradients =
                                   trainer->total.count ? trainer->total : block->gradients,
                               .decayed_count = block->decayed_count,
                               .step = nas_net_step_block(trainer->net),
                               .mask = nas_net_strip_mask(trainer->net)};
    memcpy(call.moments, trainer->moments, sizeof call.moments);
    NAS_TRY(nas_tape_create(nas_data_home_device(trainer->home), "update", &trainer->update));
    if (clip > 0 && block->gradients.count) {
        NAS_TRY(nas_clip_record(trainer->update, call.gradients, &call.mask, clip, trainer->scratch,
                                trainer->scale));
        call.scale = nas_tensor_view(trainer->scale, 0, 1);
    }
    return trainer->config.optimizer->record(&trainer->config.options, &call, trainer->update);
}

/* Norms of weights and states, which are NaN when one of them is. */
static nas_status record_check(nas_trainer *trainer, const nas_net_block *block)
{
    NAS_TRY(nas_tape_create(nas_data_home_device(trainer->home), "check", &trainer->check));
    if (block->parameters.count)
        NAS_TRY(nas_clip_record(trainer->check, block->parameters, NULL, 0, trainer->scratch,
                                nas_tensor_view(trainer->health, 0, 2)));
    if (block->states.count == 0 || block->states.count % 16 != 0)
        return NAS_OK;
    return nas_clip_record(trainer->check, block->states, NULL, 0, trainer->scratch,
                           nas_tensor_view(trainer->health, 2, 2));
}

static uint64_t subset_hash(const nas_trainer *trainer)
{
    const nas_trainer_setup *setup = &trainer->setup;
    return setup->subset ? nas_hash(setup->subset, setup->subset_count * sizeof *setup->subset, 1)
                         : 0;
}

/* Hash of all that decides what training computes, and of how the blocks are laid out. */
static nas_status make_fingerprint(nas_trainer *trainer)
{
    nas_train_config config = trainer->config;
    nas_value group = {0};
    nas_text text = {0};
    uint64_t graph;
    nas_status status = nas_graph_hash(nas_net_graph(trainer->net), &graph);
    config.common.limit_minutes = 0; /* may change between two runs */
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(nas_train_config_value(&config, &group));
    nas_value_write(&group, -1, &text);
    nas_text_format(&text, "|%016" PRIx64 "|%" PRIu64 "|%" PRIu64 "|%d|%016" PRIx64, graph,
                    trainer->setup.seed, trainer->setup.key, (int)trainer->setup.split,
                    nas_data_hash(nas_data_home_data(trainer->home)));
    nas_text_format(&text, "|%016" PRIx64 "|%016" PRIx64, trainer->setup.mark,
                    subset_hash(trainer));
    for (int i = 0; i < nas_net_parameter_count(trainer->net); i++) {
        const nas_net_parameter *parameter = nas_net_parameter_at(trainer->net, i);
        nas_text_format(&text, "|%s %" PRIu64 " %" PRIu64, parameter->name, parameter->tensor.at,
                        parameter->tensor.count);
    }
    NAS_TRY_DONE(nas_text_check(&text));
    trainer->fingerprint = nas_hash(text.data, text.length, 0);
done:
    nas_value_clear(&group);
    nas_text_clear(&text);
    return status;
}

/* Heads in the middle of a network are classifiers. */
static nas_status check_heads(const nas_graph *graph, const nas_data *data)
{
    for (int i = graph->output + 1; i < graph->count; i++)
        if (graph->nodes[i].op->view == NAS_VIEW_LOSS && nas_data_task(data) != NAS_TASK_CLASSIFY)
            NAS_FAIL(NAS_CONFIG,
                     "the network has a second classifier (space.auxiliary), and data.task is "
                     "\"%s\": leave it out",
                     nas_task_name(nas_data_task(data)));
    return NAS_OK;
}

static nas_status make(nas_trainer *trainer, const nas_graph *graph)
{
    NAS_TRY(nas__check_fit(graph, nas_data_home_data(trainer->home)));
    NAS_TRY(check_heads(graph, nas_data_home_data(trainer->home)));
    NAS_TRY(make_net(trainer, graph));
    NAS_TRY(make_batches(trainer));
    const nas_net_block block = nas_net_parameters(trainer->net);
    NAS_TRY(make_extra(trainer, &block));
    NAS_TRY(record_accumulate(trainer, &block));
    NAS_TRY(record_update(trainer, &block));
    NAS_TRY(record_check(trainer, &block));
    nas_random_key(nas_hash(&trainer->setup.key, sizeof trainer->setup.key, trainer->setup.seed),
                   NAS_STREAM_DROPOUT, trainer->dropout_key);
    return make_fingerprint(trainer);
}

nas_status nas_trainer_create(nas_data_home *home, const nas_graph *graph,
                              const nas_train_config *config, const nas_trainer_setup *setup,
                              nas_trainer **trainer)
{
    nas_trainer *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a trainer");
    made->home = home;
    made->config = *config;
    made->setup = *setup;
    made->meeting_s = MEETING_S;
    made->metrics =
        malloc(4 * NAS_TRAINER_SLOTS * (size_t)config->common.micro_batches * sizeof(float));
    nas_status status =
        made->metrics ? make(made, graph)
                      : nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for a trainer");
    if (status != NAS_OK) {
        nas_trainer_destroy(made);
        return status;
    }
    *trainer = made;
    return NAS_OK;
}

void nas_trainer_destroy(nas_trainer *trainer)
{
    if (!trainer)
        return;
    nas_tape_destroy(trainer->update);
    nas_tape_destroy(trainer->check);
    nas_tape_destroy(trainer->accumulate);
    nas_batches_destroy(trainer->batches);
    nas_buffer_destroy(trainer->extra);
    nas_net_destroy(trainer->net);
    free(trainer->metrics);
    free(trainer);
}

/* ---- a step ---------------------------------------------------------------------------------- */

static nas_step step_block(const nas_trainer *trainer, int slot)
{
    const nas_train_options *common = &trainer->config.common;
    const uint64_t done =
        (uint64_t)trainer->epoch * (uint64_t)trainer->steps + (uint64_t)trainer->step;
    const double lr = nas_schedule_lr(common, done, (uint64_t)trainer->steps);
    const double share =
        (double)trainer->epoch / (double)(common->epochs > 1 ? common->epochs - 1 : 1);
    nas_step step = {.real = (uint32_t)nas_batches_real(trainer->batches, trainer->step),
                     .slot = (uint32_t)slot,
                     .epoch = (uint32_t)trainer->epoch,
                     .step = (uint32_t)trainer->step,
                     .key = {trainer->dropout_key[0], trainer->dropout_key[1]},
                     .lr = (float)lr,
                     .drop_path = (float)(common->drop_path * share),
                     .time = (uint32_t)done};
    float factor[4] = {0};
    if (trainer->config.optimizer->factors)
        trainer->config.optimizer->factors(&trainer->config.options, step.time, lr, factor);
    memcpy(step.spare, factor, sizeof factor);
    return step;
}

/* Passes over the part of the batch that is loaded; the metrics are those of the last. */
static nas_status run_passes(nas_trainer *trainer, const nas_step *step)
{
    const nas_trainer_setup *setup = &trainer->setup;
    const int passes = setup->pass ? setup->passes : 1;
    for (int pass = 0; pass < passes; pass++) {
        if (setup->pass)
            NAS_TRY(setup->pass(setup->user, step, pass));
        NAS_TRY(nas_net_forward(trainer->net));
        NAS_TRY(nas_net_backward(trainer->net));
        if (trainer->accumulate)
            NAS_TRY(nas_tape_run(trainer->accumulate));
    }
    return NAS_OK;
}

static nas_status load_part(nas_trainer *trainer, const nas_step *step, int part)
{
    const nas_step block = nas_train_micro_step(&trainer->config, step, part);
    NAS_TRY(nas_net_set_step(trainer->net, &block));
    return nas_batches_load(trainer->batches, (int)block.step);
}

static nas_status run_step(nas_trainer *trainer, int slot)
{
    const nas_step step = step_block(trainer, slot);
    const nas_tensor total = trainer->total;
    if (trainer->setup.before)
        NAS_TRY(trainer->setup.before(trainer->setup.user, trainer, &step));
    if (total.count)
        NAS_TRY(nas_buffer_fill(total.buffer, 4 * total.at, 4 * total.count, &(float){0}, 4));
    for (int part = 0; part < parts_of(trainer); part++) {
        NAS_TRY(load_part(trainer, &step, part));
        NAS_TRY(run_passes(trainer, &step));
    }
    if (trainer->setup.pass)
        NAS_TRY(trainer->setup.pass(trainer->setup.user, &step, trainer->setup.passes));
    NAS_TRY(nas_tape_run(trainer->update));
    trainer->step++;
    return NAS_OK;
}

/* ---- meeting the device ---------------------------------------------------------------------- */

typedef struct running {
    double start_s, met_s; /* clock at the start, at the last meeting */
    double before_s;       /* trainer->seconds at the start */
    uint64_t images;
    int pending; /* steps since the last meeting */
    int wanted;  /* steps until the next one */
} running;

/* Reads the metrics of the pending steps and looks for NaN, in order. */
static nas_status read_metrics(nas_trainer *trainer, int pending)
{
    const int parts = parts_of(trainer), rows = pending * parts;
    const float *metrics = trainer->metrics;
    NAS_TRY(nas_tensor_read(nas_tensor_view(nas_net_metrics(trainer->net), 0, 4 * (uint64_t)rows),
                            trainer->metrics));
    for (int i = 0; i < rows; i++) {
        if (!isfinite(metrics[4 * i]))
            NAS_FAIL(NAS_NONFINITE,
                     "the training loss became %g in epoch %d, step %d of %d; try a "
                     "smaller train.lr, or train.clip",
                     (double)metrics[4 * i], trainer->epoch, trainer->step - pending + i / parts,
                     trainer->steps);
        trainer->sums.loss += metrics[4 * i];
        trainer->sums.score += metrics[4 * i + 1];
        trainer->sums.count += (uint64_t)nas_batches_real(trainer->batches, 0);
    }
    return NAS_OK;
}

static nas_status check_health(nas_trainer *trainer)
{
    float norms[4];
    NAS_TRY(nas_tape_run(trainer->check));
    NAS_TRY(nas_tensor_read(trainer->health, norms));
    if (!isfinite(norms[1]) || !isfinite(norms[3]))
        NAS_FAIL(NAS_NONFINITE,
                 "%s became NaN or infinite in epoch %d, found at its end; try a smaller "
                 "train.lr, or train.clip",
                 isfinite(norms[1]) ? "running statistics" : "weights", trainer->epoch);
    return NAS_OK;
}

static bool report(const nas_trainer *trainer, const running *run, bool epoch_done)
{
    const nas_evaluation mean = nas__evaluation_of(&trainer->sums, trainer->variance);
    const double seconds = nas_now_s() - run->start_s;
    const int last = trainer->step > 0 ? trainer->step - 1 : 0;
    const nas_train_progress progress = {
        .epoch = trainer->epoch,
        .epochs = (int)trainer->config.common.epochs,
        .step = trainer->step,
        .steps = trainer->steps,
        .loss = mean.loss,
        .score = mean.score,
        .lr = nas_schedule_lr(&trainer->config.common,
                              (uint64_t)trainer->epoch * (uint64_t)trainer->steps + (uint64_t)last,
                              (uint64_t)trainer->steps),
        .images_per_s = seconds > 0 ? (double)run->images / seconds : 0,
        .seconds = seconds,
        .epoch_done = epoch_done,
    };
    return !trainer->setup.callback || trainer->setup.callback(trainer->setup.user, &progress);
}

/* More steps until the next meeting while they take less than wanted, fewer while more. */
static void pace(const nas_trainer *trainer, running *run)
{
    const double now = nas_now_s(), each = (now - run->met_s) / run->pending;
    int fit = NAS_TRAINER_SLOTS;
    if (each > 0)
        fit = (int)fmin(trainer->meeting_s / each, fit);
    run->wanted = fit < 2 * run->wanted ? fit : 2 * run->wanted;
    run->wanted = run->wanted < 1 ? 1 : run->wanted;
    run->met_s = now;
}

void nas_trainer_autosave(nas_trainer *trainer, const char *path, double every_s)
{
    trainer->autosave = path;
    trainer->autosave_s = every_s;
    trainer->saved_s = nas_now_s();
}

nas_status nas_trainer_save_due(nas_trainer *trainer, bool now)
{
    const double since_s = nas_now_s() - trainer->saved_s;
    const bool due = trainer->autosave_s > 0 && since_s >= trainer->autosave_s;
    if (!trainer->autosave || !(due || now))
        return NAS_OK;
    NAS_TRY(nas_trainer_save(trainer, trainer->autosave));
    trainer->saved_s = nas_now_s();
    return NAS_OK;
}

static nas_status meet(nas_trainer *trainer, running *run)
{
    const bool epoch_done = trainer->step == trainer->steps;
    NAS_TRY(read_metrics(trainer, run->pending));
    run->images += (uint64_t)run->pending * (uint64_t)trainer->config.common.batch;
    if (epoch_done)
        NAS_TRY(check_health(trainer));
    pace(trainer, run);
    run->pending = 0;
    trainer->seconds = run->before_s + (nas_now_s() - run->start_s);
    const bool go_on = report(trainer, run, epoch_done);
    if (epoch_done) {
        trainer->last = nas__evaluation_of(&trainer->sums, trainer->variance);
        trainer->sums = (nas__epoch_sums){0};
        trainer->epoch++;
        trainer->step = 0;
    }
    if (!epoch_done || !go_on) /* an epoch's end is the caller's to save */
        NAS_TRY(nas_trainer_save_due(trainer, !go_on));
    if (!go_on)
        NAS_FAIL(NAS_STOPPED, "training was stopped after epoch %d, step %d of %d", trainer->epoch,
                 trainer->step, trainer->steps);
    const double limit_s = 60 * trainer->config.common.limit_minutes;
    if (limit_s > 0 && trainer->seconds > limit_s && trainer->epoch < trainer->config.common.epochs)
        NAS_FAIL(
            NAS_TIME, "training took over train.limit_minutes = %g, at epoch %d, step %d of %d",
            trainer->config.common.limit_minutes, trainer->epoch, trainer->step, trainer->steps);
    return NAS_OK;
}

nas_status nas_trainer_run(nas_trainer *trainer, int epoch)
{
    const double now = nas_now_s();
    running run = {.start_s = now, .met_s = now, .before_s = trainer->seconds, .wanted = 1};
    if (epoch > trainer->config.common.epochs)
        NAS_FAIL(NAS_FAILED, "epoch %d is beyond train.epochs = %" PRId64, epoch,
                 trainer->config.common.epochs);
    while (trainer->epoch < epoch) {
        NAS_TRY(nas_batches_epoch(trainer->batches, (uint32_t)trainer->epoch));
        trainer->variance = nas_score_variance(trainer->batches);
        do {
            NAS_TRY(run_step(trainer, run.pending));
            run.pending++;
            if (run.pending >= run.wanted || trainer->step == trainer->steps)
                NAS_TRY(meet(trainer, &run));
        } while (trainer->step > 0);
    }
    return NAS_OK;
}

/* ---- looking at it --------------------------------------------------------------------------- */

nas_status nas_trainer_evaluate(nas_trainer *trainer, nas_split split, nas_evaluation *evaluation)
{
    return nas_evaluate(trainer->net, trainer->home, split, evaluation, NULL, NULL, NULL);
}

nas_status nas_trainer_load_batch(nas_trainer *trainer)
{
    return nas_batches_load(trainer->batches, trainer->step);
}

nas_tensor nas_trainer_moment(const nas_trainer *trainer, int index)
{
    return trainer->moments[index];
}

static nas_status attach(nas_trainer *trainer, const nas__attached *attached)
{
    if (trainer->attached_count == NAS_TRAINER_ATTACHED)
        NAS_FAIL(NAS_FAILED, "%s: a trainer has room for %d tensors of others", attached->name,
                 NAS_TRAINER_ATTACHED);
    trainer->attached[trainer->attached_count++] = *attached;
    return NAS_OK;
}

nas_status nas_trainer_attach(nas_trainer *trainer, const char *name, nas_tensor tensor)
{
    return attach(trainer, &(nas__attached){name, tensor, NULL, tensor.count});
}

nas_status nas_trainer_attach_values(nas_trainer *trainer, const char *name, double *values,
                                     uint64_t count)
{
    return attach(trainer, &(nas__attached){name, {0}, values, count});
}

nas_net *nas_trainer_net(const nas_trainer *trainer)
{
    return trainer->net;
}

int nas_trainer_epoch(const nas_trainer *trainer)
{
    return trainer->epoch;
}

int nas_trainer_steps(const nas_trainer *trainer)
{
    return trainer->steps;
}

bool nas_trainer_epoch_result(const nas_trainer *trainer, nas_evaluation *result)
{
    if (trainer->last.count == 0)
        return false;
    *result = trainer->last;
    return true;
}
