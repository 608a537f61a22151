/* proxies.c - zero-cost proxies: a batch (mini_batch.c), a few passes at initialisation, and sums over what they leave.
 *
 * Idea (Abdelfattah et al., "Zero-cost proxies for lightweight NAS", 2101.08134, whose code the formulas follow): numbers that
 * pruning looks at in single weights, summed over a network, go with its accuracy.  w are the weights of convolutions and
 * dense layers, L the mean cross-entropy of one mini-batch with batch statistics:
 *
 *   snip       Σ |w · dL/dw|  (1810.02340)             plain   Σ w · dL/dw
 *   grad_norm  Σ over the layers of ‖dL/dw‖
 *   fisher     Σ over w of its output channel's ½ · mean over n of (Σ over hw of z · dL/dz)²  (1801.05787)
 *   grasp      −Σ w · (H g), see grasp.c
 *   zen        log of how far features move with the input, + Σ over the norms of log σ  (2102.01063)
 *
 * zen: convolutions drawn from N(0, 1), an input x of N(0, 1) and another x + 0.01·N(0, 1); features are what the last pooling over
 * the whole image reads, σ² the mean over the channels of a norm's running variance after the two passes, which began at 1
 * (so a norm counts for log(0.81 + 0.19·variance) / 2, as published).
 *
 * One batch serves all candidates, drawn by the study's seed; weights are those that training would begin with, drawn by
 * (seed, architecture).  One forward and backward pass serves snip, plain, grad_norm, fisher, naswot and grasp's g; jacob_cov takes
 * one more, zen two forward.  Sums are taken on the host in double, in a fixed order.
 *
 * Layout: the small words that the other files use too; one network being measured; its passes; scores into the trial. */
#include "proxies.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(proxy) (1u << NAS__##proxy)
/* What is read off the weights' gradient; what needs a net of the candidate at all. */
#define OF_GRADIENT (BIT(SNIP) | BIT(PLAIN) | BIT(GRAD_NORM) | BIT(FISHER) | BIT(GRASP))
#define OF_NET (OF_GRADIENT | BIT(NASWOT) | BIT(JACOB_COV) | BIT(ZEN))

struct nas__proxies {
    const nas__proxy_options *options;
    const nas_eval_setting *setting;
    unsigned wanted; /* bits of nas__proxy */
    nas__mini_batch batch;
};

nas_status nas__proxies_create(const nas__proxy_options *options, const nas_eval_setting *setting,
                               nas_data_home *home, nas__proxies **proxies)
{
    nas__proxies *p = calloc(1, sizeof *p);
    if (!p)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    p->options = options;
    p->setting = setting;
    for (int i = 0; i < options->measures.count; i++)
        p->wanted |= 1u << options->measures.item[i];
    nas_status status = nas__mini_batch_make(setting, home, (int)options->batch, &p->batch);
    if (status != NAS_OK) {
        nas__proxies_destroy(p);
        return status;
    }
    *proxies = p;
    return NAS_OK;
}

void nas__proxies_destroy(nas__proxies *proxies)
{
    if (!proxies)
        return;
    nas__mini_batch_clear(&proxies->batch);
    free(proxies);
}

/* ---- what the files ask of nodes and nets ----------------------------------------------------------------------------- */

bool nas__is_op(const nas_node *node, const char *name)
{
    return strcmp(node->op->kind.name, name) == 0;
}

nas_activation nas__activation_of(const nas_node *node)
{
    nas_activation kind = NAS_ACT_NONE;
    float slope;
    if (nas__is_op(node, "activation"))
        nas_activation_of(node->options.bytes, &kind, &slope);
    return kind;
}

nas_status nas__fetch(nas_tensor tensor, float **values)
{
    *values = malloc(tensor.count * sizeof **values);
    if (!*values)
        NAS_FAIL(NAS_MEMORY, "no memory for %llu numbers of a network",
                 (unsigned long long)tensor.count);
    nas_status status = nas_tensor_read(tensor, *values);
    if (status != NAS_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

int nas__parameter_of_node(const nas_net *net, int i)
{
    const int node = nas_net_parameter_at(net, i)->node;
    int first = i;
    while (first > 0 && nas_net_parameter_at(net, first - 1)->node == node)
        first--;
    return i - first;
}

/* ---- a network being measured ---------------------------------------------------------------------------------------- */

typedef struct probe {
    const nas__proxies *p;
    const nas__mini_batch *batch;
    const nas_eval_call *call;
    const nas_graph *graph;
    double begin_s;
    uint32_t key;
    nas_net *net;
    nas_tensor weights_at,
        gradients_at; /* of the decayed block: the weights of convolutions and dense layers */
    nas__own own;
    double score[NAS__PROXIES];
} probe;

/* What the last pooling over the whole image reads, else the last dense layer; 0: there is neither. */
static int features_node(const nas_graph *graph)
{
    int dense = 0;
    for (int i = graph->count - 1; i > 0; i--) {
        const nas_node *n = &graph->nodes[i];
        nas_shape in = graph->nodes[n->inputs[0]].shape;
        bool whole = n->shape.h == 1 && n->shape.w == 1 && in.h * in.w > 1;
        if (whole && nas__is_op(n, "pool"))
            return n->inputs[0];
        if (!dense && nas__is_op(n, "dense"))
            dense = n->inputs[0];
    }
    return dense;
}

static nas_status open_net(probe *b)
{
    const unsigned wanted = b->p->wanted;
    const nas_net_options options = {
        .batch = b->batch->real,
        .training = true,
        .loss = b->batch->loss,
        .input_gradient = wanted & BIT(JACOB_COV),
        .taps = (wanted & BIT(NASWOT) ? NAS_TAP_SIGNS : 0u) |
                (wanted & BIT(FISHER) ? NAS_TAP_SALIENCY : 0u),
        .features = wanted & BIT(ZEN) ? features_node(b->graph) : 0,
    };
    NAS_TRY(nas__check_fits(b->p->setting->device, b->graph, &options));
    NAS_TRY(nas_net_create(b->p->setting->device, b->graph, &options, &b->net));
    NAS_TRY(nas_net_initialise(b->net, b->batch->seed, b->key));
    const nas_net_block block = nas_net_parameters(b->net);
    const uint64_t count = b->own.count = block.decayed_count;
    b->weights_at = nas_tensor_view(block.parameters, 0, count);
    b->gradients_at = nas_tensor_view(block.gradients, 0, count);
    b->own.weights = malloc(2 * ((size_t)count + 1) * sizeof(float));
    if (!b->own.weights)
        NAS_FAIL(NAS_MEMORY, "no memory for %llu weights", (unsigned long long)count);
    b->own.gradient = b->own.weights + count;
    return count ? nas_tensor_read(b->weights_at, b->own.weights) : NAS_OK;
}

static void close_net(probe *b)
{
    nas_net_destroy(b->net);
    b->net = NULL;
}

/* Between two passes: may the work go on? */
static nas_status check_in(const probe *b, double progress)
{
    if (b->call->limit_s > 0 && nas_now_s() - b->begin_s > b->call->limit_s)
        NAS_FAIL(NAS_TIME, "over its time limit of %.3g minutes", b->call->limit_s / 60);
    if (b->call->callback && !b->call->callback(b->call->user, progress))
        NAS_FAIL(NAS_STOPPED, "stopped");
    return NAS_OK;
}

static nas_status write_input(const probe *b, const float *images)
{
    return nas__mini_batch_write(b->batch, images, b->key, b->net);
}

static nas_status find_gradient(const probe *b)
{
    NAS_TRY(nas_net_forward(b->net));
    NAS_TRY(nas_net_backward(b->net));
    return b->own.count ? nas_tensor_read(b->gradients_at, b->own.gradient) : NAS_OK;
}

/* ---- its passes ---------------------------------------------------------------------------------------------------- */

static double dot(const float *a, const float *b, uint64_t count)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void sum_weights(probe *b)
{
    double snip = 0, norms = 0;
    const nas__own *own = &b->own;
    for (uint64_t i = 0; i < own->count; i++)
        snip += fabs((double)own->weights[i] * own->gradient[i]);
    for (int i = 0; i < nas_net_parameter_count(b->net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(b->net, i);
        if (!entry->gradient.buffer || !entry->spec.decayed)
            continue;
        const float *its = own->gradient + (entry->gradient.at - b->gradients_at.at);
        norms += sqrt(dot(its, its, entry->gradient.count));
    }
    b->score[NAS__SNIP] = snip;
    b->score[NAS__PLAIN] = dot(own->weights, own->gradient, own->count);
    b->score[NAS__GRAD_NORM] = norms;
}

/* ½ · mean over n of saliency², summed over the channels of a layer. */
static nas_status sum_layer(const probe *b, nas_tensor tensor, double *sum)
{
    float *values;
    *sum = 0;
    NAS_TRY(nas__fetch(tensor, &values));
    for (uint64_t i = 0; i < tensor.count; i++)
        if (nas__is_real(b->batch, i))
            *sum += 0.5 * (double)values[i] * values[i] / b->batch->real;
    free(values);
    return NAS_OK;
}

static nas_status sum_saliency(probe *b)
{
    b->score[NAS__FISHER] = 0;
    for (int i = 0; i < nas_net_parameter_count(b->net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(b->net, i);
        const nas_tensor tensor = nas_net_saliency(b->net, entry->node);
        double sum = 0;
        if (!tensor.buffer || !entry->spec.decayed)
            continue;
        NAS_TRY(sum_layer(b, tensor, &sum));
        b->score[NAS__FISHER] +=
            sum * (double)(entry->tensor.count / (uint64_t)entry->spec.dims[0]);
    }
    return NAS_OK;
}

static nas_status compare_signs(probe *b)
{
    const nas_tensor at = nas_net_distances(b->net);
    uint32_t *distances = malloc(at.count * sizeof *distances);
    if (!distances)
        NAS_FAIL(NAS_MEMORY, "no memory for %d x %d distances", b->batch->n, b->batch->n);
    nas_status status = nas_buffer_read(at.buffer, 4 * at.at, 4 * at.count, distances);
    if (status == NAS_OK)
        status = nas__naswot(distances, b->batch->n, b->batch->real, nas_net_sign_count(b->net),
                             &b->score[NAS__NASWOT]);
    free(distances);
    return status;
}

static nas_status fill_output_gradient(const probe *b)
{
    const nas_tensor at = nas_net_output_gradient(b->net);
    float *ones = malloc(at.count * sizeof *ones);
    if (!ones)
        NAS_FAIL(NAS_MEMORY, "no memory for the outputs of a batch");
    for (uint64_t i = 0; i < at.count; i++)
        ones[i] = nas__is_real(b->batch, i) ? 1.0f : 0.0f;
    nas_status status = nas_tensor_write(at, ones);
    free(ones);
    return status;
}

static nas_status compare_jacobian(probe *b)
{
    float *jacobian = malloc(nas__image_count(b->batch) * sizeof *jacobian);
    if (!jacobian)
        NAS_FAIL(NAS_MEMORY, "no memory for the Jacobian of a batch of %d", b->batch->real);
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_net_forward(b->net));
    NAS_TRY_DONE(fill_output_gradient(b));
    NAS_TRY_DONE(nas_net_backward_output(b->net));
    NAS_TRY_DONE(nas_tensor_read(nas_net_input_gradient(b->net), jacobian));
    NAS_TRY_DONE(nas__jacob_cov(jacobian, (int)nas_shape_count(b->batch->shape), b->batch->n,
                                b->batch->real, &b->score[NAS__JACOB_COV]));
done:
    free(jacobian);
    return status;
}

/* ---- zen ----------------------------------------------------------------------------------------------------------------- */

/* Weights of variance 2/fan_in are brought to variance 1; running statistics to their start. */
static nas_status write_unit_weights(const probe *b)
{
    NAS_TRY(nas_net_initialise(b->net, b->batch->seed, b->key));
    for (int i = 0; i < nas_net_parameter_count(b->net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(b->net, i);
        if (!entry->gradient.buffer || entry->spec.init != NAS_INIT_HE)
            continue;
        float *values;
        NAS_TRY(nas__fetch(entry->tensor, &values));
        for (uint64_t k = 0; k < entry->tensor.count; k++)
            values[k] *= (float)sqrt(entry->spec.fan_in / 2.0);
        nas_status status = nas_tensor_write(entry->tensor, values);
        free(values);
        NAS_TRY(status);
    }
    return NAS_OK;
}

/* Σ over the norms of log √(mean running variance). */
static nas_status sum_variances(const probe *b, double *sum)
{
    *sum = 0;
    for (int i = 0; i < nas_net_parameter_count(b->net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(b->net, i);
        double mean = 0;
        if (!entry->tensor.buffer || strcmp(entry->spec.name, "running_variance") != 0)
            continue;
        float *values;
        NAS_TRY(nas__fetch(entry->tensor, &values));
        for (uint64_t k = 0; k < entry->tensor.count; k++)
            mean += values[k] / (double)entry->tensor.count;
        free(values);
        *sum += 0.5 * log(mean);
    }
    return NAS_OK;
}

static nas_status run_features(const probe *b, const float *images, float *features)
{
    NAS_TRY(write_input(b, images));
    NAS_TRY(nas_net_forward(b->net));
    return nas_tensor_read(nas_net_features(b->net), features);
}

static nas_status compare_features(probe *b)
{
    const nas_tensor at = nas_net_features(b->net);
    double moved = 0, spread;
    if (!at.buffer)
        NAS_FAIL(NAS_NONFINITE, "zen: the network has no features before a classifier");
    float *features = malloc(2 * at.count * sizeof *features);
    if (!features)
        NAS_FAIL(NAS_MEMORY, "no memory for the features of a batch of %d", b->batch->real);
    nas_status status = NAS_OK;
    NAS_TRY_DONE(write_unit_weights(b));
    NAS_TRY_DONE(run_features(b, b->batch->noise, features));
    NAS_TRY_DONE(run_features(b, b->batch->shifted, features + at.count));
    NAS_TRY_DONE(sum_variances(b, &spread));
    for (uint64_t i = 0; i < at.count; i++)
        if (nas__is_real(b->batch, i))
            moved += fabs((double)features[i] - features[at.count + i]);
    b->score[NAS__ZEN] = log(moved / b->batch->real) + spread;
done:
    free(features);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------------------------ */

static nas_status run_passes(probe *b)
{
    const unsigned wanted = b->p->wanted;
    NAS_TRY(open_net(b));
    NAS_TRY(write_input(b, b->batch->images));
    if (wanted & OF_GRADIENT) {
        NAS_TRY(find_gradient(b));
        sum_weights(b);
    } else if (wanted & BIT(NASWOT))
        NAS_TRY(nas_net_forward(b->net));
    if (wanted & BIT(FISHER))
        NAS_TRY(sum_saliency(b));
    if (wanted & BIT(NASWOT))
        NAS_TRY(compare_signs(b));
    NAS_TRY(check_in(b, 0.4));
    if (wanted & BIT(JACOB_COV))
        NAS_TRY(compare_jacobian(b));
    NAS_TRY(check_in(b, 0.6));
    if (wanted & BIT(ZEN))
        NAS_TRY(compare_features(b));
    close_net(b);
    return NAS_OK;
}

static nas_status measure(probe *b)
{
    const unsigned wanted = b->p->wanted;
    nas_device *device = b->p->setting->device;
    NAS_TRY(check_in(b, 0));
    if (wanted & BIT(SYNFLOW))
        NAS_TRY(nas__synflow(device, b->graph, b->batch->seed, b->key, &b->score[NAS__SYNFLOW]));
    NAS_TRY(check_in(b, 0.2));
    if (wanted & OF_NET)
        NAS_TRY(run_passes(b));
    NAS_TRY(check_in(b, 0.7));
    if (wanted & BIT(GRASP))
        NAS_TRY(nas__grasp(device, b->graph, b->batch, b->key, &b->own, b->p->options->step,
                           &b->score[NAS__GRASP]));
    return NAS_OK;
}

nas_status nas__proxies_score(nas__proxies *proxies, const nas_eval_call *call,
                              const nas_graph *graph, nas_trial *result)
{
    probe b = {.p = proxies,
               .batch = &proxies->batch,
               .call = call,
               .graph = graph,
               .begin_s = nas_now_s(),
               .key = nas__initial_key(nas_eval_key(call->arch, call->repeat))};
    nas_status status = measure(&b);
    close_net(&b);
    free(b.own.weights);
    for (int i = 0; status == NAS_OK && i < NAS__PROXIES; i++) {
        char name[32] = "";
        if (!(proxies->wanted & 1u << i))
            continue;
        nas_choice_name(NAS__PROXY_NAMES, i, name, sizeof name);
        if (!isfinite(b.score[i]))
            NAS_FAIL(NAS_NONFINITE, "%s is %g", name, b.score[i]);
        status = nas_trial_set_metric(result, name, b.score[i], false);
    }
    return status;
}
