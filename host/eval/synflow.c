/* synflow.c - synaptic flow: how much of an input of ones goes through the network, whatever the data.
 *
 * Idea (Tanaka et al., 2006.05467; as a proxy Abdelfattah et al., 2101.08134): with every weight replaced by its magnitude and
 * without norms, the outputs for an input of ones are a sum over all paths of the products of their weights.  R is the sum of the
 * outputs and the score Σ w · dR/dw over all weights; each layer through which all paths go contributes R once.
 *
 * Range.  R grows by orders of magnitude per cell, past what float32 holds (1e38) already in NAS-Bench-201 (1e50).  A network
 * of convolutions, sums, poolings and relus is homogeneous: what goes into a node through which every path passes may be halved,
 * and R and every dR/dw are halved, exactly.  So behind such nodes a constant power of two is put in, a depthwise 1×1 convolution that does
 * not count, which brings an estimate of the values back to about 1; their logarithms are added to the score's.  The estimate
 * is each layer's mean gain, worked out from the weights before anything runs.  The score is log10.
 *
 * Networks with other activations or gates are not homogeneous: they are run as they are, and what overflows is no result.
 *
 * Layout: the live nodes and their growth; the network without norms; one pass of it. */
#include "proxies.h"

#include <math.h>
#include <stdlib.h>

enum { GROWTH_LIMIT = 16 }; /* binary orders of magnitude until values are brought back */

typedef struct flow {
    const nas_graph *from;
    uint64_t seed;
    uint32_t key;
    bool *live;     /* by node of `from`: the output depends on it */
    double *growth; /* log2 of about how large its values are */
    int *node;      /* where its value is in `graph` */
    nas_graph graph;
    int *origin; /* by node of `graph`: its node of `from`; −1: a constant */
    int *shift;  /* of a constant: it is 2^−shift */
    int shifted; /* sum of all */
} flow;

/* ---- live nodes, growth ------------------------------------------------------------------------------------------- */

static void find_live(flow *f)
{
    f->live[f->from->output] = true;
    for (int i = f->from->output; i > 0; i--)
        for (int k = 0; f->live[i] && k < f->from->nodes[i].input_count; k++)
            f->live[f->from->nodes[i].inputs[k]] = true;
}

static bool is_homogeneous(const nas_node *n)
{
    const nas_activation kind = nas__activation_of(n);
    return !nas__is_op(n, "mul") &&
           (kind == NAS_ACT_NONE || kind == NAS_ACT_RELU || kind == NAS_ACT_LEAKY_RELU);
}

static bool all_homogeneous(const flow *f)
{
    for (int i = 1; i <= f->from->output; i++)
        if (f->live[i] && !is_homogeneous(&f->from->nodes[i]))
            return false;
    return true;
}

static uint64_t count_of(const nas_parameter *spec)
{
    uint64_t count = spec->rank > 0 ? 1 : 0;
    for (int d = 0; d < spec->rank; d++)
        count *= (uint64_t)spec->dims[d];
    return count;
}

/* The magnitudes that parameter p of a node begins with. */
static nas_status draw_magnitudes(const flow *f, const nas_parameter *spec, int node, int p,
                                  float **values)
{
    uint64_t count = count_of(spec);
    *values = malloc((count + 1) * sizeof **values);
    if (!*values)
        NAS_FAIL(NAS_MEMORY, "no memory for %llu weights", (unsigned long long)count);
    nas_parameter_initialise(spec, f->seed, f->key, node, p, *values, count);
    for (uint64_t i = 0; i < count; i++)
        (*values)[i] = fabsf((*values)[i]);
    return NAS_OK;
}

/* log2 of a layer's mean gain: the mean over its outputs of the sum of their weights; 0 for others. */
static nas_status find_gain(const flow *f, int node, double *gain)
{
    nas_parameter specs[NAS_OP_PARAMETERS];
    int count = nas_node_parameters(f->from, node, specs);
    float *values;
    double sum = 0;
    *gain = 0;
    if (count == 0 || !specs[0].decayed)
        return NAS_OK;
    NAS_TRY(draw_magnitudes(f, &specs[0], node, 0, &values));
    for (uint64_t i = 0; i < count_of(&specs[0]); i++)
        sum += values[i];
    free(values);
    *gain = log2(sum / specs[0].dims[0]);
    return NAS_OK;
}

/* From the growth of its inputs, which may have been brought back. */
static nas_status find_growth(flow *f, int node)
{
    const nas_node *n = &f->from->nodes[node];
    double sum = 0, gain;
    for (int k = 0; k < n->input_count; k++)
        sum += exp2(f->growth[n->inputs[k]]);
    if (nas__is_op(n, "concat"))
        sum /= n->input_count;
    if (nas__is_op(n, "zero"))
        sum = 0;
    NAS_TRY(find_gain(f, node, &gain));
    f->growth[node] = log2(sum) + gain;
    return NAS_OK;
}

/* Every path from the input to the output goes through the node: no live edge leads past it. */
static bool is_cut(const flow *f, int node)
{
    for (int i = node + 1; i <= f->from->output; i++)
        for (int k = 0; f->live[i] && k < f->from->nodes[i].input_count; k++)
            if (f->from->nodes[i].inputs[k] < node)
                return false;
    return f->live[node];
}

/* ---- the network without norms -------------------------------------------------------------------------------------- */

static nas_status add_constant(flow *f, int node)
{
    int shift = (int)lround(f->growth[node]);
    NAS_TRY(nas_graph_then(&f->graph, "conv2d", &f->node[node], "kernel = 1; groups = 0"));
    f->origin[f->node[node]] = -1;
    f->shift[f->node[node]] = shift;
    f->shifted += shift;
    f->growth[node] -= shift;
    return NAS_OK;
}

static nas_status add_node(flow *f, int node, bool brings_back)
{
    const nas_node *n = &f->from->nodes[node];
    int inputs[NAS_OP_INPUTS];
    for (int k = 0; k < n->input_count; k++)
        inputs[k] = f->node[n->inputs[k]];
    NAS_TRY(find_growth(f, node));
    if (n->op->view == NAS_VIEW_NORM || nas__is_op(n, "dropout") || nas__is_op(n, "drop_path")) {
        f->node[node] = inputs[0];
    } else {
        NAS_TRY(nas_graph_add_like(&f->graph, n, inputs, &f->node[node]));
        f->origin[f->node[node]] = node;
    }
    bool far = isfinite(f->growth[node]) && fabs(f->growth[node]) >= GROWTH_LIMIT;
    return brings_back && far && is_cut(f, node) ? add_constant(f, node) : NAS_OK;
}

static nas_status make_graph(flow *f)
{
    size_t count = (size_t)f->from->count;
    f->live = calloc(count, sizeof *f->live);
    f->growth = calloc(count, sizeof *f->growth);
    f->node = calloc(count, sizeof *f->node);
    f->origin = calloc(2 * count, sizeof *f->origin);
    f->shift = calloc(2 * count, sizeof *f->shift);
    if (!f->live || !f->growth || !f->node || !f->origin || !f->shift)
        NAS_FAIL(NAS_MEMORY, "no memory for a network of %zu nodes", count);
    find_live(f);
    bool brings_back = all_homogeneous(f);
    NAS_TRY(nas_graph_init(&f->graph, f->from->nodes[0].shape));
    for (int i = 1; i <= f->from->output; i++)
        if (f->live[i])
            NAS_TRY(add_node(f, i, brings_back));
    f->graph.output = f->node[f->from->output];
    return NAS_OK;
}

static void clear(flow *f)
{
    nas_graph_clear(&f->graph);
    free(f->live);
    free(f->growth);
    free(f->node);
    free(f->origin);
    free(f->shift);
}

/* ---- one pass --------------------------------------------------------------------------------------------------------- */

/* `value` for the one sample, 0 in the padded lanes. */
static nas_status fill_lane(nas_tensor tensor, int n, float value)
{
    float *values = calloc(tensor.count, sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for %llu numbers", (unsigned long long)tensor.count);
    for (uint64_t i = 0; i < tensor.count; i += (uint64_t)n)
        values[i] = value;
    nas_status status = nas_tensor_write(tensor, values);
    free(values);
    return status;
}

static nas_status write_constant(const nas_net_parameter *entry, float value)
{
    return nas_buffer_fill(entry->tensor.buffer, 4 * entry->tensor.at, 4 * entry->tensor.count,
                           &value, sizeof value);
}

static nas_status write_weights(const flow *f, nas_net *net)
{
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(net, i);
        if (!entry->tensor.buffer)
            continue;
        if (f->origin[entry->node] < 0) {
            NAS_TRY(write_constant(entry, ldexpf(1.0f, -f->shift[entry->node])));
            continue;
        }
        float *values;
        NAS_TRY(draw_magnitudes(f, &entry->spec, f->origin[entry->node],
                                nas__parameter_of_node(net, i), &values));
        nas_status status = nas_tensor_write(entry->tensor, values);
        free(values);
        NAS_TRY(status);
    }
    return NAS_OK;
}

static nas_status add_layer(const nas_net_parameter *entry, double *sum)
{
    float *weights = NULL, *gradient = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas__fetch(entry->tensor, &weights));
    NAS_TRY_DONE(nas__fetch(entry->gradient, &gradient));
    for (uint64_t i = 0; i < entry->tensor.count; i++)
        *sum += fabs((double)weights[i] * gradient[i]);
done:
    free(weights);
    free(gradient);
    return status;
}

static nas_status run(const flow *f, nas_net *net, double *score)
{
    const nas_step step = {.real = 1};
    double sum = 0;
    NAS_TRY(write_weights(f, net));
    NAS_TRY(fill_lane(nas_net_input(net), NAS_BATCH_MULTIPLE, 1.0f));
    NAS_TRY(nas_net_set_step(net, &step));
    NAS_TRY(nas_net_forward(net));
    NAS_TRY(fill_lane(nas_net_output_gradient(net), NAS_BATCH_MULTIPLE, 1.0f));
    NAS_TRY(nas_net_backward(net));
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(net, i);
        if (entry->gradient.buffer && entry->spec.decayed && f->origin[entry->node] >= 0)
            NAS_TRY(add_layer(entry, &sum));
    }
    *score = log10(sum) + f->shifted * log10(2);
    return NAS_OK;
}

nas_status nas__synflow(nas_device *device, const nas_graph *graph, uint64_t seed, uint32_t key,
                        double *score)
{
    const nas_net_options options = {.batch = 1, .training = true};
    flow f = {.from = graph, .seed = seed, .key = key};
    nas_net *net = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(make_graph(&f));
    NAS_TRY_DONE(nas__check_fits(device, &f.graph, &options));
    NAS_TRY_DONE(nas_net_create(device, &f.graph, &options, &net));
    NAS_TRY_DONE(run(&f, net, score));
done:
    nas_net_destroy(net);
    clear(&f);
    return status;
}
