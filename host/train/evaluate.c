/* evaluate.c - one pass over a split, with running statistics as a rule: mean loss, score, outputs.
 *
 * Steps are enqueued ahead; the metrics of several lie in slots of their own and are read together.
 * */
#include "trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct evaluation {
    nas_net *net;
    nas_batches *batches;
    const nas_data *data;
    bool training; /* statistics of each batch */
    int slots, steps;
    float *metrics;            /* [slots][4] */
    float *values;             /* [outputs][n], of a shard: only where outputs are wanted */
    float *outputs;            /* [samples][outputs], the caller's; NULL: not wanted */
    bool (*go_on)(void *user); /* NULL: nobody is asked */
    void *user;
    nas__epoch_sums sums;
} evaluation;

nas_status nas__check_fit(const nas_graph *graph, const nas_data *data)
{
    static const char *const what[NAS_TASKS] = {"classes", "labels", "numbers to learn"};
    const nas_shape in = graph->nodes[0].shape, out = graph->nodes[graph->output].shape;
    const nas_shape shape = nas_data_shape(data);
    if (in.c != shape.c || in.h != shape.h || in.w != shape.w)
        NAS_FAIL(NAS_SHAPE, "the network takes %dx%dx%d and the data set has %dx%dx%d", in.c, in.h,
                 in.w, shape.c, shape.h, shape.w);
    if (out.c != nas_data_outputs(data) || out.h != 1 || out.w != 1)
        NAS_FAIL(NAS_SHAPE, "the network gives %dx%dx%d and the data set has %d %s", out.c, out.h,
                 out.w, nas_data_outputs(data), what[nas_data_task(data)]);
    return NAS_OK;
}

double nas_score_of(double mean, double variance)
{
    return variance > 0 ? 1 - mean / variance : mean;
}

double nas_score_variance(const nas_batches *batches)
{
    if (nas_data_task(nas_batches_data(batches)) != NAS_TASK_REGRESS)
        return 0;
    return fmax(nas_batches_target_variance(batches),
                1e-12); /* all alike: whatever errs is far off */
}

nas_evaluation nas__evaluation_of(const nas__epoch_sums *sums, double variance)
{
    const double n = sums->count ? (double)sums->count : 1;
    return (nas_evaluation){.loss = sums->loss / n,
                            .score = nas_score_of(sums->score / n, variance),
                            .count = sums->count};
}

nas_loss nas_train_loss(const nas_train_config *config, const nas_data *data)
{
    nas_loss loss = NAS_CROSS_ENTROPY;
    const double smoothing = config ? config->common.label_smoothing : 0;
    const double huber = config ? config->common.huber : 0;
    const nas_task task = nas_data_task(data);
    if (task != NAS_TASK_CLASSIFY)
        loss.op = "element_loss";
    if (task == NAS_TASK_CLASSIFY)
        nas_format(loss.options, sizeof loss.options, "label_smoothing = %.17g; weighted = %s",
                   smoothing, nas_data_class_weights(data) ? "true" : "false");
    else if (task == NAS_TASK_MULTILABEL)
        snprintf(loss.options, sizeof loss.options, "kind = \"sigmoid\"");
    else if (huber > 0)
        nas_format(loss.options, sizeof loss.options, "kind = \"huber\"; delta = %.17g", huber);
    return loss;
}

/* Adds up slots 0 … used − 1, in order. */
static nas_status settle(evaluation *e, int used)
{
    nas_tensor metrics = nas_net_metrics(e->net);
    NAS_TRY(nas_tensor_read(nas_tensor_view(metrics, 0, 4 * (uint64_t)used), e->metrics));
    for (int i = 0; i < used; i++) {
        e->sums.loss += e->metrics[4 * i];
        e->sums.score += e->metrics[4 * i + 1];
    }
    return NAS_OK;
}

nas_batches_target nas_train_target(const nas_net *net)
{
    nas_batches_target target = {.shards = nas_net_shard_count(net),
                                 .labels = nas_net_labels(net),
                                 .step = nas_net_step_block(net)};
    for (int i = 0; i < target.shards; i++)
        target.images[i] = nas_net_shard_at(net, i).input;
    return target;
}

int nas_largest_output(const float *outputs, int count)
{
    int best = 0;
    for (int k = 1; k < count; k++)
        if (outputs[k] > outputs[best])
            best = k;
    return best;
}

/* Of a shard's real samples. */
static nas_status read_outputs(evaluation *e, const nas_net_shard *shard, int real)
{
    const nas_graph *graph = nas_net_graph(e->net);
    const uint64_t outputs = (uint64_t)graph->nodes[graph->output].shape.c;
    const uint64_t n = shard->output.count / outputs;
    NAS_TRY(nas_tensor_read(shard->output, e->values));
    for (uint64_t i = 0; i < n && shard->first + (int)i < real; i++)
        for (uint64_t k = 0; k < outputs; k++)
            e->outputs[(e->sums.count + (uint64_t)shard->first + i) * outputs + k] =
                e->values[k * n + i];
    return NAS_OK;
}

static nas_status run_steps(evaluation *e)
{
    for (int i = 0; i < e->steps; i++) {
        const int real = nas_batches_real(e->batches, i), slot = i % e->slots;
        const nas_step step = {.real = (uint32_t)real, .slot = (uint32_t)slot, .step = (uint32_t)i};
        if (e->go_on && !e->go_on(e->user))
            NAS_FAIL(NAS_STOPPED, "stopped at batch %d of %d", i, e->steps);
        NAS_TRY(nas_net_set_step(e->net, &step));
        NAS_TRY(nas_batches_load(e->batches, i));
        NAS_TRY(e->training ? nas_net_forward(e->net) : nas_net_evaluate(e->net));
        for (int k = 0; e->outputs && k < nas_net_shard_count(e->net); k++) {
            const nas_net_shard shard = nas_net_shard_at(e->net, k);
            NAS_TRY(read_outputs(e, &shard, real));
        }
        e->sums.count += (uint64_t)real;
        if (slot == e->slots - 1 || i == e->steps - 1)
            NAS_TRY(settle(e, slot + 1));
    }
    return NAS_OK;
}

static nas_status make_batches(evaluation *e, nas_data_home *home, nas_split split)
{
    const nas_batches_options wanted = {.batch = nas_net_options_of(e->net)->batch};
    const nas_batches_target target = nas_train_target(e->net);
    if (!nas_net_options_of(e->net)->loss.op)
        NAS_FAIL(NAS_FAILED, "evaluating needs a net with a loss");
    NAS_TRY(nas__check_fit(nas_net_graph(e->net), e->data));
    return nas_batches_create(home, split, &wanted, &target, &e->batches);
}

static nas_status prepare(evaluation *e)
{
    const nas_net_options *options = nas_net_options_of(e->net);
    NAS_TRY(nas_batches_epoch(e->batches, 0));
    e->steps = nas_batches_steps(e->batches);
    e->slots = options->slots > 1 ? options->slots : 1;
    e->metrics = malloc(4 * (size_t)e->slots * sizeof *e->metrics);
    e->values = malloc((size_t)nas_net_output(e->net).count * sizeof *e->values);
    if (!e->metrics || !e->values)
        NAS_FAIL(NAS_MEMORY, "no memory for an evaluation");
    return NAS_OK;
}

/* All but the batches: `what` names them where something is wrong. */
static nas_status evaluate(evaluation *e, const char *what, nas_evaluation *result)
{
    nas_status status = prepare(e);
    if (status == NAS_OK)
        status = run_steps(e);
    free(e->metrics);
    free(e->values);
    NAS_TRY(status);
    *result = nas__evaluation_of(&e->sums, nas_score_variance(e->batches));
    if (!isfinite(result->loss))
        NAS_FAIL(NAS_NONFINITE, "the loss on the %s is not a finite number", what);
    return NAS_OK;
}

nas_status nas_evaluate(nas_net *net, nas_data_home *home, nas_split split, nas_evaluation *result,
                        float *outputs, bool (*go_on)(void *user), void *user)
{
    evaluation e = {.net = net,
                    .data = nas_data_home_data(home),
                    .outputs = outputs,
                    .go_on = go_on,
                    .user = user};
    char what[32];
    snprintf(what, sizeof what, "%s split", nas_split_name(split));
    nas_status status = make_batches(&e, home, split);
    if (status == NAS_OK)
        status = evaluate(&e, what, result);
    nas_batches_destroy(e.batches);
    return status;
}

nas_status nas_evaluate_batches(nas_net *net, nas_batches *batches, bool training,
                                nas_evaluation *result)
{
    evaluation e = {
        .net = net, .batches = batches, .data = nas_batches_data(batches), .training = training};
    return evaluate(&e, "batches that it was measured on", result);
}
