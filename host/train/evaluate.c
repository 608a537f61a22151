/* evaluate.c - one pass over a split, with running statistics as a rule: mean loss, accuracy, predictions.
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
    bool training; /* statistics of each batch */
    int slots, steps;
    float *metrics; /* [slots][4] */
    float *logits;  /* [classes][n], only for predictions */
    int32_t *predicted;
    double loss, correct;
    uint64_t count;
} evaluation;

static nas_status check_fit(const nas_net *net, const nas_data *data)
{
    const nas_graph *graph = nas_net_graph(net);
    const nas_shape in = graph->nodes[0].shape, out = graph->nodes[graph->output].shape;
    const nas_shape shape = nas_data_shape(data);
    if (!nas_net_options_of(net)->loss)
        NAS_FAIL(NAS_FAILED, "evaluating needs a net with a loss");
    if (in.c != shape.c || in.h != shape.h || in.w != shape.w)
        NAS_FAIL(NAS_SHAPE, "the network takes %dx%dx%d and the data set has %dx%dx%d", in.c, in.h,
                 in.w, shape.c, shape.h, shape.w);
    if (out.c != nas_data_outputs(data) || out.h != 1 || out.w != 1)
        NAS_FAIL(NAS_SHAPE, "the network gives %dx%dx%d and the data set has %d classes", out.c,
                 out.h, out.w, nas_data_outputs(data));
    return NAS_OK;
}

/* Adds up slots 0 … used − 1, in order. */
static nas_status settle(evaluation *e, int used)
{
    nas_tensor metrics = nas_net_metrics(e->net);
    NAS_TRY(nas_tensor_read(nas_tensor_view(metrics, 0, 4 * (uint64_t)used), e->metrics));
    for (int i = 0; i < used; i++) {
        e->loss += e->metrics[4 * i];
        e->correct += e->metrics[4 * i + 1];
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

/* The largest logit of each sample of a shard; the first of equals. */
static nas_status predict(evaluation *e, const nas_net_shard *shard, int real)
{
    const nas_graph *graph = nas_net_graph(e->net);
    const uint64_t classes = (uint64_t)graph->nodes[graph->output].shape.c;
    const uint64_t n = shard->output.count / classes;
    NAS_TRY(nas_tensor_read(shard->output, e->logits));
    for (uint64_t i = 0; i < n && shard->first + (int)i < real; i++) {
        uint64_t best = 0;
        for (uint64_t k = 1; k < classes; k++)
            if (e->logits[k * n + i] > e->logits[best * n + i])
                best = k;
        e->predicted[e->count + (uint64_t)shard->first + i] = (int32_t)best;
    }
    return NAS_OK;
}

static nas_status run_steps(evaluation *e)
{
    for (int i = 0; i < e->steps; i++) {
        const int real = nas_batches_real(e->batches, i), slot = i % e->slots;
        const nas_step step = {.real = (uint32_t)real, .slot = (uint32_t)slot, .step = (uint32_t)i};
        NAS_TRY(nas_net_set_step(e->net, &step));
        NAS_TRY(nas_batches_load(e->batches, i));
        NAS_TRY(e->training ? nas_net_forward(e->net) : nas_net_evaluate(e->net));
        for (int k = 0; e->predicted && k < nas_net_shard_count(e->net); k++) {
            const nas_net_shard shard = nas_net_shard_at(e->net, k);
            NAS_TRY(predict(e, &shard, real));
        }
        e->count += (uint64_t)real;
        if (slot == e->slots - 1 || i == e->steps - 1)
            NAS_TRY(settle(e, slot + 1));
    }
    return NAS_OK;
}

static nas_status make_batches(evaluation *e, nas_data_home *home, nas_split split)
{
    const nas_batches_options wanted = {.batch = nas_net_options_of(e->net)->batch};
    const nas_batches_target target = nas_train_target(e->net);
    NAS_TRY(check_fit(e->net, nas_data_home_data(home)));
    return nas_batches_create(home, split, &wanted, &target, &e->batches);
}

static nas_status prepare(evaluation *e)
{
    const nas_net_options *options = nas_net_options_of(e->net);
    NAS_TRY(nas_batches_epoch(e->batches, 0));
    e->steps = nas_batches_steps(e->batches);
    e->slots = options->slots > 1 ? options->slots : 1;
    e->metrics = malloc(4 * (size_t)e->slots * sizeof *e->metrics);
    e->logits = malloc((size_t)nas_net_output(e->net).count * sizeof *e->logits);
    if (!e->metrics || !e->logits)
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
    free(e->logits);
    NAS_TRY(status);
    const double n = (double)e->count;
    *result = (nas_evaluation){.loss = e->loss / n, .accuracy = e->correct / n, .count = e->count};
    if (!isfinite(result->loss))
        NAS_FAIL(NAS_NONFINITE, "the loss on the %s is not a finite number", what);
    return NAS_OK;
}

nas_status nas_evaluate(nas_net *net, nas_data_home *home, nas_split split, nas_evaluation *result,
                        int32_t *predicted)
{
    evaluation e = {.net = net, .predicted = predicted};
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
    evaluation e = {.net = net, .batches = batches, .training = training};
    return evaluate(&e, "batches that it was measured on", result);
}
