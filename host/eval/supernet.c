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
 * By α, one step of training is: α by its samples (unless epoch < alpha.start, and with alpha.every only then and when), new gates, then
 * the weights by theirs.  Where gates are drawn hard (gdas, proxylessnas) only the candidates that were drawn run.  The training split
 * is cut in two for that.  α's batches are independent draws, as in the authors' code; both are augmented.  The validation split
 * is seen by neither, so that its accuracy means what it means everywhere.
 *
 * By sampled paths (spos, fairnas) there is no α: each step trains the path of an architecture, and all of the training split is
 * the weights'.  What is found comes of scoring many architectures afterwards, which is the strategy's business.
 *
 * A controller (enas) draws the paths and learns after each epoch of weights from the rest of the training split (controlled.c).
 *
 * Norms use the statistics of each batch, also to measure by: what runs through training is of many architectures.  Paths may have
 * statistics of their own (`recalibrate`): taken anew from training batches before each score (recalibrate.c).
 *
 * Layout: the instance; an epoch; a path; keeping.  Read next: supernet_train.c (making, a step), relaxation.c (α and gates). */
#include "supernet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef nas__supernet supernet;

enum {
    SURVEYED = 4
}; /* architectures that are scored after each epoch of a supernet trained by paths */

static void finish(void *state)
{
    if (!state)
        return;
    nas__supernet_close(state);
    free(state);
}

static nas_status prepare(const void *instance, const nas_eval_setting *setting, void **state)
{
    supernet *s = calloc(1, sizeof *s);
    (void)instance;
    if (!s)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas__supernet_open(setting, s);
    if (status != NAS_OK) {
        finish(s);
        return status;
    }
    *state = s;
    return NAS_OK;
}

/* ---- an epoch --------------------------------------------------------------------------------------------------------- */

/* May an epoch go on from what an attempt before this one has saved of it?  The curves of the epochs before must be known. */
static bool has_draft(const nas_eval_call *call, int epochs)
{
    return call->draft && (epochs == 1 || call->begun);
}

/* Takes up this epoch where it was stopped, or the supernet of the epoch before, in the net that may still be here, or begins anew.  An
 * epoch that is trained may still have measurements to come. */
static nas_status take_up(supernet *s, int epochs, nas_trial *result)
{
    const nas_eval_call *call = s->watch.call;
    const bool fresh = !s->trainer;
    bool taken = false;
    if (fresh)
        NAS_TRY(nas__supernet_begin(s));
    free(s->loaded);
    s->loaded = NULL;
    if (has_draft(call, epochs))
        NAS_TRY(nas__take_up(&s->watch, s->trainer, call->draft, epochs - 1, epochs, &taken));
    if (taken && s->alpha_batches)
        NAS_TRY(nas_batches_epoch(s->alpha_batches, (uint32_t)epochs - 1));
    if (taken)
        return nas_trial_set_metric(result, "draft_resumed", 1, true);
    NAS_TRY(nas__take_up(&s->watch, s->trainer, call->paused, 0, epochs - 1, &taken));
    if (taken || (fresh && nas_trainer_epoch(s->trainer) == 0))
        return NAS_OK;
    return nas__supernet_begin(s);
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
    nas_step step;
    nas__supernet_measuring_step(s, epoch, &step);
    NAS_TRY(nas_net_set_step(net, &step));
    NAS_TRY(nas__relaxation_plain(s->relaxation));
    return nas_evaluate_batches(net, s->valid_batches, true, valid);
}

nas_status nas__supernet_add(nas_trial *result, const char *name, double value, bool curve)
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
        NAS_TRY(nas__supernet_add(result, name, entropy_of(s, part, weights), true));
        snprintf(name, sizeof name, "skips.%s", part);
        NAS_TRY(nas__supernet_add(result, name, skips_of(s, part, path), false));
    }
    return NAS_OK;
}

/* The architecture that the supernet speaks for after this epoch. */
static nas_status set_derived(supernet *s, const nas_arch *arch, nas_trial *result)
{
    nas_text text = {0};
    nas_domain_write(s->setting->domain, arch, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_trial_set_derived(result, text.data);
    if (status != NAS_OK) {
        nas_text_clear(&text);
        return status;
    }
    free(s->derived);
    s->derived = text.data;
    return NAS_OK;
}

/* By α. */
static nas_status derive(supernet *s, nas_trial *result)
{
    nas_arch arch;
    float *weights = malloc((size_t)s->table.choices * sizeof *weights);
    nas_status status = weights ? nas__relaxation_weights(s->relaxation, weights) : NAS_MEMORY;
    if (status == NAS_OK)
        status = nas_domain_derive(s->setting->domain, &s->table, weights, &arch);
    if (status == NAS_OK)
        status = add_parts(s, &arch, weights, result);
    if (status == NAS_OK && s->latency)
        status = nas__supernet_add(result, "expected_latency",
                                   nas__latency_expected(&s->table, s->latency, weights), true);
    free(weights);
    NAS_TRY(status);
    return set_derived(s, &arch, result);
}

static nas_status open_path(supernet *s, const nas_arch *arch)
{
    int path[NAS_GATE_ROWS];
    if (s->sampling)
        return nas__sampling_take(s->sampling, arch);
    NAS_TRY(nas_domain_path(s->setting->domain, &s->table, arch, path));
    return nas__relaxation_take(s->relaxation, path);
}

/* How an architecture does on the validation split with the weights that are there. */
static nas_status measure_path(supernet *s, const nas_arch *arch, nas_evaluation *valid)
{
    nas_net *net = nas_trainer_net(s->trainer);
    NAS_TRY(open_path(s, arch));
    if (s->norm_batches)
        NAS_TRY(nas__recalibrate(net, s->norm_batches));
    return nas_evaluate_batches(net, s->valid_batches, !s->norm_batches, valid);
}

/* "valid_accuracy" or "valid_r2", as the task has it. */
static nas_status add_score(supernet *s, const char *split, const nas_evaluation *evaluation,
                            bool curve, nas_trial *result)
{
    char name[NAS_NAME_SIZE];
    nas_score_name(nas_data_task(s->setting->data), split, name, sizeof name);
    return nas__supernet_add(result, name, evaluation->score, curve);
}

/* By paths: a few architectures, the same after every epoch, or as the controller now draws them.  Their mean is how the supernet
 * does, the best of them is derived. */
static nas_status survey(supernet *s, nas_evaluation *mean, nas_trial *result)
{
    nas_arch arch, best;
    double most = -INFINITY;
    *mean = (nas_evaluation){0};
    for (int i = 0; i < SURVEYED; i++) {
        nas_evaluation valid;
        NAS_TRY(nas__sampling_survey(s->sampling, i, &arch));
        NAS_TRY(measure_path(s, &arch, &valid));
        if (i == 0 || valid.score > most)
            best = arch;
        most = fmax(most, valid.score);
        mean->score += valid.score / SURVEYED;
        mean->loss += valid.loss / SURVEYED;
    }
    return set_derived(s, &best, result);
}

/* On the last batch of α's samples, as the authors have it. */
static nas_status add_curvature(supernet *s, int epoch, nas_trial *result)
{
    double largest;
    NAS_TRY(nas__supernet_load_last(s, epoch));
    NAS_TRY(nas__curvature(s->relaxation, &largest));
    return nas__supernet_add(result, "curvature", largest, true);
}

static nas_status train_epoch(supernet *s, int epoch, nas_trial *result)
{
    nas_evaluation train = {0}, valid = {0};
    NAS_TRY(nas__watch_run(&s->watch, s->trainer, epoch));
    nas_trainer_epoch_result(s->trainer, &train);
    if (s->controller)
        NAS_TRY(nas__controlled_learn(s, epoch));
    NAS_TRY(s->sampling ? survey(s, &valid, result) : measure(s, epoch, &valid));
    NAS_TRY(nas__supernet_add(result, "train_loss", train.loss, true));
    NAS_TRY(add_score(s, "train", &train, true, result));
    NAS_TRY(add_score(s, "valid", &valid, true, result));
    NAS_TRY(nas__supernet_add(result, "valid_loss", valid.loss, true));
    if (s->controller)
        return nas__controlled_report(s, epoch, result);
    if (s->sampling)
        return NAS_OK;
    NAS_TRY(derive(s, result));
    return s->options.curvature > 0 && epoch % s->options.curvature == 0
               ? add_curvature(s, epoch, result)
               : NAS_OK;
}

static nas_status set_costs(supernet *s, nas_trial *result)
{
    nas_net_memory memory;
    nas_cost cost;
    nas_net_memory_of(nas_trainer_net(s->trainer), &memory);
    nas_graph_cost(&s->graph, &cost);
    NAS_TRY(nas_trial_set_metric(result, "supernet_parameters", (double)cost.parameters, false));
    NAS_TRY(nas_trial_set_metric(result, "memory", (double)memory.total_bytes, false));
    return nas__watch_seconds(&s->watch, result);
}

static nas_status score_epoch(supernet *s, const nas_eval_call *call, nas_trial *result)
{
    int epochs = call->budget < 1 ? 1 : (int)call->budget;
    NAS_TRY(take_up(s, epochs, result));
    const int done = s->watch.first;
    if (done > 0)
        NAS_TRY(copy_curves(call->begun, done, result));
    nas_trainer_autosave(s->trainer, has_draft(call, epochs) ? call->draft : NULL, call->draft_s);
    nas_status status = NAS_OK;
    for (int epoch = done + 1; epoch <= epochs && status == NAS_OK; epoch++)
        status = train_epoch(s, epoch, result);
    nas_trainer_autosave(s->trainer, NULL, 0);
    NAS_TRY(status);
    return set_costs(s, result);
}

/* ---- a path ----------------------------------------------------------------------------------------------------------- */

static nas_status take_weights(supernet *s, const char *path)
{
    if (!s->trainer)
        NAS_TRY(nas__supernet_begin(s));
    if (s->loaded && strcmp(s->loaded, path) == 0)
        return NAS_OK;
    free(s->loaded);
    s->loaded = NULL;
    NAS_TRY(nas_net_load(nas_trainer_net(s->trainer), path));
    s->loaded = strdup(path);
    return s->loaded ? NAS_OK : NAS_MEMORY;
}

static nas_status add_latency(const supernet *s, const nas_arch *arch, nas_trial *result)
{
    int path[NAS_GATE_ROWS];
    if (!s->latency)
        return NAS_OK;
    NAS_TRY(nas_domain_path(s->setting->domain, &s->table, arch, path));
    return nas__supernet_add(result, "latency", nas__latency_of_path(&s->table, s->latency, path),
                             false);
}

static nas_status score_path(supernet *s, const nas_eval_call *call, nas_trial *result)
{
    nas_evaluation valid;
    if (!call->from)
        NAS_FAIL(NAS_CONFIG, "an architecture is scored with the weights of a trained supernet, "
                             "and this trial starts from none");
    NAS_TRY(take_weights(s, call->from));
    NAS_TRY(measure_path(s, call->arch, &valid));
    NAS_TRY(add_score(s, "valid", &valid, false, result));
    NAS_TRY(add_latency(s, call->arch, result));
    return nas__supernet_add(result, "valid_loss", valid.loss, false);
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    supernet *s = state;
    (void)graph;
    nas__watch_begin(&s->watch, call);
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
