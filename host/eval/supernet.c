/* supernet.c - the evaluator with shared weights: one network has all operations of the space at once.
 *
 * Idea (Pham et al., ENAS, 1802.03268; Liu et al., DARTS, 1806.09055): training every candidate is dear, so they share weights.  A
 * space's supergraph adds up the candidates of each decision, each times its gate; weights are trained with whatever gates
 * the method gives, and the gates themselves, by way of architecture weights α, on other samples.  So this evaluator has two kinds of
 * trials, told apart by their budget:
 *
 *     budget n > 0   the supernet after n epochs.  Its arch is a placeholder; the result has the architecture that α then speaks
 *                    for (`derived`) and how the supernet does on the validation split.  It goes on from the epoch before as
 *                    a promoted network does: the paused training is weights, moments, α and its moments.
 *     budget 0       an architecture, scored with the shared weights of `from`: its gates are 1, all others 0.
 *
 * One step of training is: α by its samples (unless epoch < alpha.start), new gates, then the weights by theirs.  The training split
 * is cut in two for that.  α's batches are independent draws, as in the authors' code; both are augmented.  The validation split
 * is seen by neither, so that its accuracy means what it means everywhere.
 *
 * Norms use the statistics of each batch, also to measure by: a supernet has no running statistics of one architecture.
 *
 * Layout: making; a step; an epoch; a path; keeping.  Read next: relaxation.c (α and gates), unrolled.c (second order). */
#include "relaxation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct supernet {
    const nas_eval_setting *setting;
    nas__relaxation_options options;
    nas_train_config train; /* the study's, over the strategy's epochs */
    nas_data_home *home;
    uint32_t *samples,
        *valid; /* of the training split, the weights' first; of the validation split, shuffled */
    uint32_t weights_count, alpha_count, valid_count;
    nas_graph graph;
    nas_gate_table table;
    /* the supernet; NULL until it is needed */
    nas_trainer *trainer;
    nas__relaxation *relaxation;
    nas__unrolled *unrolled; /* NULL: first order */
    nas_batches *alpha_batches, *valid_batches;
    char *loaded;  /* file whose weights it has; NULL: those of its own training */
    char *derived; /* after the last epoch that was scored */
    nas_step step; /* of the weights, which is to come */
    /* of the score that runs */
    const nas_eval_call *call;
    int first_epoch;
    double begin_s, begin_cpu_s;
    bool over_time;
} supernet;

/* ---- making ---------------------------------------------------------------------------------------------------------- */

static void drop_training(supernet *s)
{
    nas__relaxation_destroy(s->relaxation);
    nas__unrolled_destroy(s->unrolled);
    nas_batches_destroy(s->alpha_batches);
    nas_batches_destroy(s->valid_batches);
    nas_trainer_destroy(s->trainer);
    free(s->loaded);
    s->relaxation = NULL;
    s->unrolled = NULL;
    s->alpha_batches = s->valid_batches = NULL;
    s->trainer = NULL;
    s->loaded = NULL;
}

static void finish(void *state)
{
    supernet *s = state;
    if (!s)
        return;
    drop_training(s);
    nas_graph_clear(&s->graph);
    nas_data_home_destroy(s->home);
    free(s->derived);
    free(s->samples);
    free(s->valid);
    free(s);
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
    NAS_TRY(nas_data_cut(setting->data, NAS_SPLIT_TRAIN, s->options.share, setting->seed,
                         s->samples, &s->weights_count));
    s->alpha_count = all - s->weights_count;
    memcpy(s->valid, valid, s->valid_count * sizeof *valid);
    nas_random random = nas_random_make(setting->seed, NAS_STREAM_SPLIT, s->valid_count, 0, 1);
    nas_random_shuffle(&random, s->valid, s->valid_count);
    return NAS_OK;
}

static nas_status check_options(const supernet *s)
{
    if (s->options.order == 2 && strcmp(s->train.optimizer->kind.name, "sgd") != 0)
        NAS_FAIL(NAS_CONFIG,
                 "strategy.order = 2 unrolls a step of train.optimizer = \"sgd\", not of \"%s\"",
                 s->train.optimizer->kind.name);
    return NAS_OK;
}

static nas_status plan(supernet *s)
{
    const nas_supergraph_options options = {.partial = (int)s->options.partial};
    const nas_train_options *train = &s->train.common;
    const nas_net_options net = {.batch = (int)train->batch,
                                 .training = true,
                                 .loss = true,
                                 .use_clblast = train->gemm == 1};
    nas_net_memory memory;
    NAS_TRY(nas_domain_supergraph(s->setting->domain, &options, &s->graph, &s->table));
    return nas_net_measure(s->setting->device, &s->graph, &net, &memory);
}

static nas_status prepare(const void *instance, const nas_eval_setting *setting, void **state)
{
    nas_status status = NAS_OK;
    supernet *s = calloc(1, sizeof *s);
    (void)instance;
    if (!s)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    s->setting = setting;
    s->train = *setting->train;
    NAS_TRY_DONE(nas__relaxation_read(setting->strategy, &s->options));
    s->train.common.epochs = s->options.epochs;
    NAS_TRY_DONE(check_options(s));
    NAS_TRY_DONE(plan(s));
    NAS_TRY_DONE(share_samples(s));
    NAS_TRY_DONE(nas_data_home_create(setting->device, setting->data, &s->home));
    *state = s;
    return NAS_OK;
done:
    finish(s);
    return status;
}

static bool watch(void *user, const nas_train_progress *progress)
{
    supernet *s = user;
    double steps = progress->steps > 0 ? (double)progress->step / progress->steps : 0;
    double share = (progress->epoch + steps - s->first_epoch) / (s->call->budget - s->first_epoch);
    if (s->call->limit_s > 0 && nas_now_s() - s->begin_s > s->call->limit_s) {
        s->over_time = true;
        return false;
    }
    return !s->call->callback || s->call->callback(s->call->user, share > 1 ? 1 : share);
}

static nas_status before_step(void *user, nas_trainer *trainer, const nas_step *step);

static nas_status make_batches(supernet *s)
{
    nas_net *net = nas_trainer_net(s->trainer);
    const nas_batches_target target = {.images = nas_net_input(net),
                                       .labels = nas_net_labels(net),
                                       .step = nas_net_step_block(net)};
    const int batch = (int)s->train.common.batch;
    const uint64_t key = 1; /* the weights' batches have that of the placeholder */
    const nas_batches_options alpha = {.batch = batch,
                                       .training = true,
                                       .augment = true,
                                       .seed = s->setting->seed,
                                       .key = key,
                                       .samples = (uint32_t)(batch * nas_trainer_steps(s->trainer)),
                                       .subset = s->samples + s->weights_count,
                                       .subset_count = s->alpha_count,
                                       .independent = true};
    const nas_batches_options valid = {
        .batch = batch, .subset = s->valid, .subset_count = s->valid_count};
    NAS_TRY(nas_batches_create(s->home, NAS_SPLIT_TRAIN, &alpha, &target, &s->alpha_batches));
    return nas_batches_create(s->home, NAS_SPLIT_VALID, &valid, &target, &s->valid_batches);
}

static nas_status attach(supernet *s)
{
    const nas__relaxation *r = s->relaxation;
    NAS_TRY(nas_trainer_attach(s->trainer, "alpha", r->alpha));
    NAS_TRY(nas_trainer_attach(s->trainer, "alpha.moment.0", r->moments[0]));
    return nas_trainer_attach(s->trainer, "alpha.moment.1", r->moments[1]);
}

static nas_status load_train(void *user)
{
    supernet *s = user;
    nas_step step;
    nas__relaxation_step(s->relaxation, &s->step, nas_trainer_steps(s->trainer), NAS__PHASE_ALPHA,
                         &step);
    NAS_TRY(nas_net_set_step(nas_trainer_net(s->trainer), &step));
    return nas_trainer_load_batch(s->trainer);
}

static nas_status load_alpha(void *user)
{
    supernet *s = user;
    nas_step step;
    nas__relaxation_step(s->relaxation, &s->step, nas_trainer_steps(s->trainer), NAS__PHASE_ALPHA,
                         &step);
    NAS_TRY(nas_net_set_step(nas_trainer_net(s->trainer), &step));
    return nas_batches_load(s->alpha_batches, (int)s->step.step);
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
    nas_text_clear(&text);
    return status;
}

/* A supernet at its beginning. */
static nas_status begin_training(supernet *s)
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
        .before = before_step,
        .user = s,
    };
    drop_training(s);
    NAS_TRY(mark_of(s, &setup.mark));
    NAS_TRY(nas_trainer_create(s->home, &s->graph, &s->train, &setup, &s->trainer));
    NAS_TRY(nas__relaxation_create(&s->options, &s->table, nas_trainer_net(s->trainer), setup.seed,
                                   setup.key, &s->relaxation));
    NAS_TRY(attach(s));
    NAS_TRY(make_unrolled(s));
    return make_batches(s);
}

/* ---- a step ----------------------------------------------------------------------------------------------------------- */

static nas_status step_alpha(supernet *s)
{
    nas_net *net = nas_trainer_net(s->trainer);
    NAS_TRY(load_alpha(s));
    NAS_TRY(nas__relaxation_sample(s->relaxation));
    if (s->unrolled) {
        NAS_TRY(nas__unrolled_gradient(s->unrolled));
    } else {
        NAS_TRY(nas_net_forward(net));
        NAS_TRY(nas_net_backward_gates(net));
    }
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
    if (step->epoch >= s->options.start)
        NAS_TRY(step_alpha(s));
    nas__relaxation_step(s->relaxation, step, nas_trainer_steps(trainer), NAS__PHASE_WEIGHTS, &own);
    NAS_TRY(nas_net_set_step(nas_trainer_net(trainer), &own));
    return nas__relaxation_sample(s->relaxation);
}

/* ---- an epoch --------------------------------------------------------------------------------------------------------- */

static void begin_score(supernet *s, const nas_eval_call *call)
{
    s->call = call;
    s->first_epoch = 0;
    s->begin_s = nas_now_s();
    s->begin_cpu_s = nas_cpu_s();
    s->over_time = false;
}

/* Takes up the supernet of an earlier epoch, or begins anew; a file that will not do costs the time that it would have
 * saved. */
static nas_status take_up(supernet *s, const nas_eval_call *call, int epochs)
{
    nas_status status = NAS_DATA;
    bool fresh = !s->trainer;
    if (fresh)
        NAS_TRY(begin_training(s));
    free(s->loaded);
    s->loaded = NULL;
    if (call->paused) {
        status = nas_trainer_load(s->trainer, call->paused);
        if (status != NAS_OK && status != NAS_DATA)
            return status;
        if (status == NAS_OK && nas_trainer_epoch(s->trainer) < epochs)
            return NAS_OK;
        nas_log(NAS_LOG_WARNING, "the supernet from the start: %s",
                status == NAS_OK ? "the paused training is longer" : nas_error_message());
    }
    return fresh && status == NAS_DATA ? NAS_OK : begin_training(s);
}

static nas_status copy_curves(const nas_trial *begun, int epoch, nas_trial *result)
{
    for (int i = 0; i < begun->curve_count; i++)
        for (int k = 0; k < begun->curves[i].count; k++)
            NAS_TRY(nas_trial_add_point(result, begun->curves[i].name, begun->curves[i].values[k]));
    return nas_trial_set_metric(result, "epochs_resumed", epoch, true);
}

/* With the gates that α gives without noise. */
static nas_status measure(supernet *s, int epoch, nas_evaluation *valid)
{
    nas_net *net = nas_trainer_net(s->trainer);
    const nas_step last = {.epoch = (uint32_t)epoch - 1};
    nas_step step;
    nas__relaxation_step(s->relaxation, &last, nas_trainer_steps(s->trainer), NAS__PHASE_ALPHA,
                         &step);
    NAS_TRY(nas_net_set_step(net, &step));
    NAS_TRY(nas__relaxation_plain(s->relaxation));
    return nas_evaluate_batches(net, s->valid_batches, true, valid);
}

static nas_status add_number(nas_trial *result, const char *name, double value, bool curve)
{
    if (!isfinite(value))
        NAS_FAIL(NAS_NONFINITE, "%s is %g", name, value);
    if (curve)
        NAS_TRY(nas_trial_add_point(result, name, value));
    return nas_trial_set_metric(result, name, value, false);
}

/* Mean entropy of the rows of one part, in nats; edges' weights do not count. */
static double entropy_of(const supernet *s, const char *part, const float *weights)
{
    double sum = 0;
    int rows = 0;
    for (int i = 0; i < s->table.count; i++) {
        const nas_gate_row *row = &s->table.rows[i];
        double all = 0;
        if (strcmp(row->part, part) != 0)
            continue;
        for (int k = 0; k < row->choices; k++)
            all += weights[row->first + k];
        for (int k = 0; k < row->choices; k++) {
            const double p = weights[row->first + k] / all;
            sum -= p > 0 ? p * log(p) : 0;
        }
        rows++;
    }
    return rows ? sum / rows : 0;
}

/* Skip connections among the edges that the derived architecture has. */
static int skips_of(const supernet *s, const char *part, const int *path)
{
    int skips = 0;
    for (int i = 0; i < s->table.count; i++)
        skips += strcmp(s->table.rows[i].part, part) == 0 && path[i] >= 0 &&
                 path[i] == s->table.rows[i].skip;
    return skips;
}

static nas_status add_parts(supernet *s, const nas_arch *arch, const float *weights,
                            nas_trial *result)
{
    int path[NAS_GATE_ROWS];
    NAS_TRY(nas_domain_path(s->setting->domain, &s->table, arch, path));
    for (int i = 0; i < s->table.count; i++) {
        const char *part = s->table.rows[i].part;
        char name[NAS_NAME_SIZE];
        if (i > 0 && strcmp(part, s->table.rows[i - 1].part) == 0)
            continue;
        snprintf(name, sizeof name, "entropy.%s", part);
        NAS_TRY(add_number(result, name, entropy_of(s, part, weights), true));
        snprintf(name, sizeof name, "skips.%s", part);
        NAS_TRY(add_number(result, name, skips_of(s, part, path), false));
    }
    return NAS_OK;
}

static nas_status derive(supernet *s, nas_trial *result)
{
    nas_arch arch;
    nas_text text = {0};
    float *weights = malloc((size_t)s->table.choices * sizeof *weights);
    nas_status status = weights ? nas__relaxation_weights(s->relaxation, weights) : NAS_MEMORY;
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(nas_domain_derive(s->setting->domain, &s->table, weights, &arch));
    NAS_TRY_DONE(add_parts(s, &arch, weights, result));
    nas_domain_write(s->setting->domain, &arch, &text);
    NAS_TRY_DONE(nas_text_check(&text));
    NAS_TRY_DONE(nas_trial_set_derived(result, text.data));
    free(s->derived);
    s->derived = text.data;
    text = (nas_text){0};
done:
    nas_text_clear(&text);
    free(weights);
    return status;
}

static nas_status train_epoch(supernet *s, int epoch, nas_trial *result)
{
    nas_evaluation train = {0}, valid = {0};
    nas_status status = nas_trainer_run(s->trainer, epoch);
    if (status == NAS_STOPPED && s->over_time)
        NAS_FAIL(NAS_TIME, "a training over its limit of %.4g s", s->call->limit_s);
    NAS_TRY(status);
    nas_trainer_epoch_result(s->trainer, &train);
    NAS_TRY(measure(s, epoch, &valid));
    NAS_TRY(add_number(result, "train_loss", train.loss, true));
    NAS_TRY(add_number(result, "train_accuracy", train.accuracy, true));
    NAS_TRY(add_number(result, "valid_accuracy", valid.accuracy, true));
    NAS_TRY(add_number(result, "valid_loss", valid.loss, true));
    return derive(s, result);
}

static nas_status set_costs(supernet *s, nas_trial *result)
{
    nas_net_memory memory;
    nas_cost cost;
    nas_net_memory_of(nas_trainer_net(s->trainer), &memory);
    nas_graph_cost(&s->graph, &cost);
    NAS_TRY(nas_trial_set_metric(result, "supernet_parameters", (double)cost.parameters, false));
    NAS_TRY(nas_trial_set_metric(result, "memory", (double)memory.total_bytes, false));
    NAS_TRY(nas_trial_set_metric(result, "train_seconds", nas_now_s() - s->begin_s, true));
    return nas_trial_set_metric(result, "cpu_seconds", nas_cpu_s() - s->begin_cpu_s, true);
}

static nas_status score_epoch(supernet *s, const nas_eval_call *call, nas_trial *result)
{
    int epochs = call->budget < 1 ? 1 : (int)call->budget;
    NAS_TRY(take_up(s, call, epochs));
    s->first_epoch = nas_trainer_epoch(s->trainer);
    if (s->first_epoch > 0)
        NAS_TRY(copy_curves(call->begun, s->first_epoch, result));
    for (int epoch = s->first_epoch + 1; epoch <= epochs; epoch++)
        NAS_TRY(train_epoch(s, epoch, result));
    return set_costs(s, result);
}

/* ---- a path ----------------------------------------------------------------------------------------------------------- */

static nas_status take_weights(supernet *s, const char *path)
{
    if (!s->trainer)
        NAS_TRY(begin_training(s));
    if (s->loaded && strcmp(s->loaded, path) == 0)
        return NAS_OK;
    free(s->loaded);
    s->loaded = NULL;
    NAS_TRY(nas_net_load(nas_trainer_net(s->trainer), path));
    s->loaded = strdup(path);
    return s->loaded ? NAS_OK : NAS_MEMORY;
}

static nas_status open_path(supernet *s, const nas_arch *arch)
{
    int path[NAS_GATE_ROWS];
    const nas_tensor gates = nas_net_gates(nas_trainer_net(s->trainer));
    NAS_TRY(nas_domain_path(s->setting->domain, &s->table, arch, path));
    float *open = calloc((size_t)gates.count, sizeof *open);
    if (!open)
        NAS_FAIL(NAS_MEMORY, "no memory for %" PRIu64 " gates", gates.count);
    for (int i = 0; i < s->table.count; i++) {
        const nas_gate_row *row = &s->table.rows[i];
        if (path[i] < 0)
            continue;
        open[row->first + path[i]] = 1;
        if (row->around >= 0)
            open[row->around] = 1;
    }
    nas_status status = nas_tensor_write(gates, open);
    free(open);
    return status;
}

static nas_status score_path(supernet *s, const nas_eval_call *call, nas_trial *result)
{
    nas_evaluation valid;
    if (!call->from)
        NAS_FAIL(NAS_CONFIG, "an architecture is scored with the weights of a trained supernet, "
                             "and this trial starts from none");
    NAS_TRY(take_weights(s, call->from));
    NAS_TRY(open_path(s, call->arch));
    NAS_TRY(nas_evaluate_batches(nas_trainer_net(s->trainer), s->valid_batches, true, &valid));
    NAS_TRY(add_number(result, "valid_accuracy", valid.accuracy, false));
    return add_number(result, "valid_loss", valid.loss, false);
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    supernet *s = state;
    (void)graph;
    begin_score(s, call);
    return call->budget > 0 ? score_epoch(s, call, result) : score_path(s, call, result);
}

/* ---- keeping ---------------------------------------------------------------------------------------------------------- */

static nas_status pause_training(void *state, const char *path)
{
    supernet *s = state;
    if (!s->trainer || s->loaded)
        NAS_FAIL(NAS_FAILED, "%s: no supernet was trained", path);
    return nas_trainer_save(s->trainer, path);
}

static nas_status keep(void *state, const char *path)
{
    supernet *s = state;
    if (!s->trainer || s->loaded)
        NAS_FAIL(NAS_FAILED, "%s: no supernet was trained", path);
    const char *keys[] = {"method", "derived"};
    const char *values[] = {s->options.method->name, s->derived ? s->derived : ""};
    return nas_net_save(nas_trainer_net(s->trainer), path, keys, values, 2);
}

static const char *const metrics[] = {
    "valid_accuracy",      "valid_loss",    "train_loss",  "train_accuracy",
    "supernet_parameters", "memory",        "parameters",  "macs",
    "activation_bytes",    "train_seconds", "cpu_seconds", NULL};

const nas_evaluator nas__evaluator_supernet = {
    .kind = {.name = "supernet",
             .summary =
                 "one network with all operations of the space, whose weights the candidates "
                 "share; for darts and its relatives",
             .paper = "arXiv 1806.09055"},
    .metrics = metrics,
    .pure = true,
    .needs_device = true,
    .shared = true,
    .prepare = prepare,
    .score = score,
    .keep = keep,
    .pause = pause_training,
    .finish = finish,
};
