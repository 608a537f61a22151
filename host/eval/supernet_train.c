/* supernet_train.c - a supernet made ready to train, and its step: α by its samples, new gates, then the weights by theirs.
 *
 * The weights' side is the trainer's, unchanged: schedule, clip, optimizer, NaN, checkpoints.  It calls back before each of its steps,
 * and what happens then only adds to the queue; so a supernet waits for the device as seldom as any training does, but for methods whose
 * losing candidates do not run (relaxation.c).  α and its moments are attached to the trainer's checkpoint. */
#include "supernet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef nas__supernet supernet;

/* ---- making ---------------------------------------------------------------------------------------------------------- */

static void drop_training(supernet *s)
{
    nas__relaxation_destroy(s->relaxation);
    nas__sampling_destroy(s->sampling);
    nas__controller_destroy(s->controller);
    nas__unrolled_destroy(s->unrolled);
    nas_batches_destroy(s->alpha_batches);
    nas_batches_destroy(s->valid_batches);
    nas_batches_destroy(s->norm_batches);
    nas_trainer_destroy(s->trainer);
    free(s->loaded);
    s->relaxation = NULL;
    s->sampling = NULL;
    s->controller = NULL;
    s->unrolled = NULL;
    s->alpha_batches = s->valid_batches = s->norm_batches = NULL;
    s->trainer = NULL;
    s->loaded = NULL;
}

void nas__supernet_close(supernet *s)
{
    drop_training(s);
    nas_graph_clear(&s->graph);
    nas_data_home_destroy(s->home);
    free(s->latency);
    free(s->derived);
    free(s->samples);
    free(s->valid);
    free(s->norms);
}

/* Does something else learn from a portion of the training split? */
static bool shares(const supernet *s)
{
    return !s->options.method->sampled || s->options.method->controlled;
}

/* The weights' samples and α's or the controller's; paths that nothing learns about leave all to the weights. */
static nas_status cut_samples(supernet *s, uint32_t all)
{
    const nas_data *data = s->setting->data;
    s->weights_count = all;
    if (shares(s))
        NAS_TRY(nas_data_cut(data, NAS_SPLIT_TRAIN, s->options.share, s->setting->seed, s->samples,
                             &s->weights_count));
    else
        memcpy(s->samples, nas_data_split(data, NAS_SPLIT_TRAIN, &all), all * sizeof *s->samples);
    s->alpha_count = all - s->weights_count;
    return NAS_OK;
}

/* Samples of the training split that norms are recalibrated on, the same for every architecture. */
static nas_status choose_norms(supernet *s)
{
    const uint64_t wanted = (uint64_t)s->options.recalibrate * (uint64_t)s->train.common.batch;
    if (wanted == 0)
        return NAS_OK;
    if (wanted > s->weights_count)
        NAS_FAIL(NAS_CONFIG,
                 "strategy.recalibrate = %" PRId64 " batches of %" PRId64
                 " are more than the %u samples of the training split",
                 s->options.recalibrate, s->train.common.batch, s->weights_count);
    s->norms = malloc(s->weights_count * sizeof *s->norms);
    if (!s->norms)
        NAS_FAIL(NAS_MEMORY, "no memory for the samples of a supernet");
    memcpy(s->norms, s->samples, s->weights_count * sizeof *s->norms);
    nas_random random = nas_random_make(s->setting->seed, NAS_STREAM_SPLIT, s->weights_count, 0, 2);
    nas_random_shuffle(&random, s->norms, s->weights_count);
    return NAS_OK;
}

/* Which samples are whose: a function of seed and data. */
static nas_status share_samples(supernet *s)
{
    const nas_eval_setting *setting = s->setting;
    uint32_t all;
    nas_data_split(setting->data, NAS_SPLIT_TRAIN, &all);
    const uint32_t *valid = nas_data_split(setting->data, NAS_SPLIT_VALID, &s->valid_count);
    s->samples = malloc(all * sizeof *s->samples);
    s->valid = malloc((s->valid_count + 1) * sizeof *s->valid);
    if (!s->samples || !s->valid)
        NAS_FAIL(NAS_MEMORY, "no memory for the samples of a supernet");
    NAS_TRY(cut_samples(s, all));
    const uint32_t batch = (uint32_t)s->train.common.batch;
    if (s->weights_count < batch || (shares(s) && s->alpha_count < batch))
        NAS_FAIL(NAS_CONFIG,
                 "train.batch = %u is more than one portion of the training split has: %u samples "
                 "for the weights, %u for %s (strategy.share)",
                 batch, s->weights_count, s->alpha_count,
                 s->options.method->controlled ? "the controller" : "the architecture weights");
    memcpy(s->valid, valid, s->valid_count * sizeof *valid);
    nas_random random = nas_random_make(setting->seed, NAS_STREAM_SPLIT, s->valid_count, 0, 1);
    nas_random_shuffle(&random, s->valid, s->valid_count);
    return choose_norms(s);
}

static nas_status check_options(const supernet *s)
{
    if (s->options.order == 2 && strcmp(s->train.optimizer->kind.name, "sgd") != 0)
        NAS_FAIL(NAS_CONFIG,
                 "strategy.order = 2 unrolls a step of train.optimizer = \"sgd\", not of \"%s\"",
                 s->train.optimizer->kind.name);
    if (s->options.order == 2 && s->train.common.micro_batches > 1)
        NAS_FAIL(NAS_CONFIG, "strategy.order = 2 unrolls a step over a whole batch; "
                             "train.micro_batches goes with order = 1 alone");
    if (s->options.curvature > 0 && nas__method_has_paths(s->options.method))
        NAS_FAIL(NAS_CONFIG,
                 "strategy.curvature: the gates of %s are drawn, 0 or 1, so that its loss does not "
                 "bend under "
                 "the architecture weights",
                 s->options.method->name);
    return NAS_OK;
}

/* Of the graph that is planned. */
static nas_status read_latency(supernet *s)
{
    uint64_t hash;
    if (!s->options.latency_table[0] && s->options.latency_weight > 0)
        NAS_FAIL(NAS_CONFIG,
                 "strategy.latency.weight = %g needs strategy.latency.table; `clnas-bench latency "
                 "--choices "
                 "CONFIG` makes one",
                 s->options.latency_weight);
    if (!s->options.latency_table[0])
        return NAS_OK;
    NAS_TRY(nas_graph_hash(&s->graph, &hash));
    nas_status status = nas__latency_read(s->options.latency_table, &s->table, hash, &s->latency);
    if (status != NAS_OK)
        nas_error_add("strategy.latency.table: ");
    return status;
}

static nas_status plan(supernet *s)
{
    const nas_eval_setting *setting = s->setting;
    nas_net_options net;
    nas_net_memory memory;
    NAS_TRY(nas_supernet_graph(setting->strategy, setting->domain, &s->graph, &s->table));
    NAS_TRY(nas_supernet_options(setting->strategy, &s->train, setting->data, setting->device,
                                 &s->table, &net));
    return nas_net_measure(setting->device, &s->graph, &net, &memory);
}

nas_status nas__supernet_open(const nas_eval_setting *setting, supernet *s)
{
    s->setting = setting;
    s->train = *setting->train;
    NAS_TRY(nas__method_read(setting->strategy, &s->options));
    s->train.common.epochs = s->options.epochs;
    NAS_TRY(check_options(s));
    NAS_TRY(plan(s));
    NAS_TRY(read_latency(s));
    NAS_TRY(share_samples(s));
    return nas_data_home_create(setting->device, setting->data, &s->home);
}

static bool watch(void *user, const nas_train_progress *progress)
{
    supernet *s = user;
    return nas__watch_step(&s->watch, progress);
}

static nas_status before_step(void *user, nas_trainer *trainer, const nas_step *step);
static nas_status take_pass(void *user, const nas_step *step, int pass);

static nas_status make_batches(supernet *s)
{
    const nas_batches_target target = nas_train_target(nas_trainer_net(s->trainer));
    const int batch = nas_train_micro_batch(&s->train), parts = (int)s->train.common.micro_batches;
    const uint64_t key = 1; /* the weights' batches have that of the placeholder */
    const nas__controller_options *controller = &s->options.controller;
    const int64_t count = s->controller ? controller->steps * controller->aggregate
                                        : (int64_t)nas_trainer_steps(s->trainer) * parts;
    const nas_batches_options alpha = {.batch = batch,
                                       .training = true,
                                       .augment = !s->controller,
                                       .seed = s->setting->seed,
                                       .key = key,
                                       .samples = (uint32_t)(batch * count),
                                       .subset = s->samples + s->weights_count,
                                       .subset_count = s->alpha_count,
                                       .independent = true};
    const nas_batches_options valid = {
        .batch = batch, .subset = s->valid, .subset_count = s->valid_count};
    const nas_batches_options norms = {.batch = batch,
                                       .subset = s->norms,
                                       .subset_count = (uint32_t)(batch * parts) *
                                                       (uint32_t)s->options.recalibrate};
    if (shares(s))
        NAS_TRY(nas_batches_create(s->home, NAS_SPLIT_TRAIN, &alpha, &target, &s->alpha_batches));
    if (s->norms)
        NAS_TRY(nas_batches_create(s->home, NAS_SPLIT_TRAIN, &norms, &target, &s->norm_batches));
    return nas_batches_create(s->home, NAS_SPLIT_VALID, &valid, &target, &s->valid_batches);
}

/* α, and what a checkpoint must have of it. */
static nas_status make_relaxation(supernet *s, const nas_trainer_setup *setup)
{
    NAS_TRY(nas__relaxation_create(&s->options, &s->table, nas_trainer_net(s->trainer),
                                   (int)s->train.common.micro_batches, setup->seed, setup->key,
                                   &s->relaxation));
    const nas__relaxation *r = s->relaxation;
    NAS_TRY(nas_trainer_attach(s->trainer, "alpha", r->alpha));
    NAS_TRY(nas_trainer_attach(s->trainer, "alpha.moment.0", r->moments[0]));
    return nas_trainer_attach(s->trainer, "alpha.moment.1", r->moments[1]);
}

/* What choices take counts for α. */
static nas_status charge(supernet *s)
{
    const nas__method_options *o = &s->options;
    if (!s->latency || !s->relaxation)
        return NAS_OK;
    float *costs = malloc((size_t)s->table.choices * sizeof *costs);
    if (!costs)
        NAS_FAIL(NAS_MEMORY, "no memory for the costs of %d choices", s->table.choices);
    nas_status status =
        nas__latency_costs(&s->table, s->latency, o->latency_weight, o->latency_reference, costs);
    if (status == NAS_OK)
        status = nas__relaxation_charge(s->relaxation, costs);
    free(costs);
    return status;
}

/* A step of α is wanted in each epoch. */
static nas_status check_every(const supernet *s)
{
    if (s->options.every > nas_trainer_steps(s->trainer))
        NAS_FAIL(NAS_CONFIG,
                 "strategy.alpha.every = %lld is more than the %d steps of an epoch, so the "
                 "architecture weights "
                 "would never move",
                 (long long)s->options.every, nas_trainer_steps(s->trainer));
    return NAS_OK;
}

/* The step block of α's step, for one part of its batch.  Metrics that the pass leaves are where those of the weights' step will be. */
static nas_step alpha_step(const supernet *s, int part)
{
    nas_step step;
    nas__relaxation_step(s->relaxation, &s->step, nas_trainer_steps(s->trainer), NAS__PHASE_ALPHA,
                         &step);
    return nas_train_micro_step(&s->train, &step, part);
}

static nas_status load_alpha_part(supernet *s, int part)
{
    const nas_step step = alpha_step(s, part);
    NAS_TRY(nas_net_set_step(nas_trainer_net(s->trainer), &step));
    return nas_batches_load(s->alpha_batches, (int)step.step);
}

static nas_status load_train(void *user)
{
    supernet *s = user;
    const nas_step step = alpha_step(s, 0);
    NAS_TRY(nas_net_set_step(nas_trainer_net(s->trainer), &step));
    return nas_trainer_load_batch(s->trainer);
}

static nas_status load_alpha(void *user)
{
    return load_alpha_part(user, 0);
}

/* From the epoch's number alone: its steps may be those of a process that is gone. */
nas_status nas__supernet_load_last(supernet *s, int epoch)
{
    const uint32_t steps = (uint32_t)nas_trainer_steps(s->trainer), index = (uint32_t)epoch - 1;
    s->step = (nas_step){.real = (uint32_t)nas_train_micro_batch(&s->train),
                         .epoch = index,
                         .step = steps - 1,
                         .time = (index + 1) * steps - 1};
    NAS_TRY(nas_batches_epoch(s->alpha_batches, index));
    return load_alpha(s);
}

static nas_status make_unrolled(supernet *s)
{
    nas_value group = {0};
    nas__unrolled_setup setup = {.net = nas_trainer_net(s->trainer),
                                 .moment = nas_trainer_moment(s->trainer, 0),
                                 .load_train = load_train,
                                 .load_valid = load_alpha,
                                 .user = s};
    if (s->options.order != 2)
        return NAS_OK;
    nas_status status = nas_train_config_value(&s->train, &group);
    if (status == NAS_OK) {
        setup.momentum = nas_value_member(&group, "momentum")->real;
        setup.weight_decay = nas_value_member(&group, "weight_decay")->real;
        status = nas__unrolled_create(&setup, &s->unrolled);
    }
    nas_value_clear(&group);
    return status;
}

/* Everything that decides what is computed and is not the trainer's to know. */
static nas_status mark_of(const supernet *s, uint64_t *mark)
{
    nas_text text = {0};
    nas_value_write(s->setting->strategy, -1, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        *mark = nas_hash(text.data, text.length, 0);
    if (status == NAS_OK && s->latency)
        *mark = nas_hash(s->latency, (size_t)s->table.choices * sizeof *s->latency, *mark);
    nas_text_clear(&text);
    return status;
}

nas_status nas__supernet_begin(supernet *s)
{
    nas_arch placeholder = {.count = (uint16_t)s->setting->domain->count};
    nas_domain_canonical(s->setting->domain, &placeholder);
    nas_trainer_setup setup = {
        .split = NAS_SPLIT_TRAIN,
        .subset = s->samples,
        .subset_count = s->weights_count,
        .seed = s->setting->seed,
        .key = nas_eval_key(&placeholder, 0),
        .callback = watch,
        .user = s,
    };
    const bool sampled = s->options.method->sampled;
    drop_training(s);
    NAS_TRY(mark_of(s, &setup.mark));
    if (sampled) {
        setup.pass = take_pass;
        setup.passes = nas__sampling_passes(&s->table, s->options.method->fair);
    } else {
        setup.before = before_step;
        setup.paths = nas__method_has_paths(s->options.method);
    }
    if (nas__method_takes_one(s->options.method))
        setup.row_of_gate = s->table.row_of_gate;
    NAS_TRY(nas_trainer_create(s->home, &s->graph, &s->train, &setup, &s->trainer));
    if (sampled)
        NAS_TRY(nas__sampling_create(s->setting->domain, &s->table, nas_trainer_net(s->trainer),
                                     setup.seed, s->options.method->fair, &s->sampling));
    else
        NAS_TRY(make_relaxation(s, &setup));
    if (s->options.method->controlled)
        NAS_TRY(nas__controlled_begin(s));
    NAS_TRY(check_every(s));
    NAS_TRY(charge(s));
    NAS_TRY(make_unrolled(s));
    return make_batches(s);
}

/* ---- a step ----------------------------------------------------------------------------------------------------------- */

/* Of the mean loss over all parts of a batch, by the gates that the first one's step block drew and is wanted for again. */
static nas_status gate_gradients(supernet *s)
{
    nas_net *net = nas_trainer_net(s->trainer);
    const int parts = (int)s->train.common.micro_batches;
    const nas_step first = alpha_step(s, 0);
    for (int part = 0; part < parts; part++) {
        if (part > 0)
            NAS_TRY(load_alpha_part(s, part));
        NAS_TRY(nas_net_forward(net));
        NAS_TRY(nas_net_backward_gates(net));
        NAS_TRY(nas__relaxation_accumulate(s->relaxation, part));
    }
    return parts > 1 ? nas_net_set_step(net, &first) : NAS_OK;
}

static nas_status step_alpha(supernet *s)
{
    NAS_TRY(load_alpha_part(s, 0));
    NAS_TRY(nas__relaxation_sample(s->relaxation, NAS__PHASE_ALPHA));
    NAS_TRY(s->unrolled ? nas__unrolled_gradient(s->unrolled) : gate_gradients(s));
    return nas__relaxation_update(s->relaxation);
}

/* α first, then the gates that the weights' step trains with. */
static nas_status before_step(void *user, nas_trainer *trainer, const nas_step *step)
{
    supernet *s = user;
    nas_step own;
    s->step = *step;
    if (step->step == 0)
        NAS_TRY(nas_batches_epoch(s->alpha_batches, step->epoch));
    if (step->epoch >= s->options.start && (step->step + 1) % s->options.every == 0)
        NAS_TRY(step_alpha(s));
    nas__relaxation_step(s->relaxation, step, nas_trainer_steps(trainer), NAS__PHASE_WEIGHTS, &own);
    NAS_TRY(nas_net_set_step(nas_trainer_net(trainer), &own));
    return nas__relaxation_sample(s->relaxation, NAS__PHASE_WEIGHTS);
}

static nas_status take_pass(void *user, const nas_step *step, int pass)
{
    supernet *s = user;
    return nas__sampling_step(s->sampling, step, pass);
}

void nas__supernet_measuring_step(const supernet *s, int epoch, nas_step *step)
{
    const nas_step last = {.epoch = (uint32_t)epoch - 1};
    nas__relaxation_step(s->relaxation, &last, nas_trainer_steps(s->trainer), NAS__PHASE_ALPHA,
                         step);
}
