/* grasp.c - gradient signal preservation: −Σ w · (H g), H the Hessian of the loss, g its gradient.
 *
 * Idea (Wang et al., 2002.07376; T = 1 and the sign that goes with accuracy as in Abdelfattah et al., 2101.08134): what scaling the
 * weights up would do to the gradient's length.  Frameworks get H g by differentiating twice; here it is a central difference
 * of gradients, which takes two precautions.
 *
 * Along w instead of g.  H is symmetric, so w · (H g) = g · (H w), and H w is the difference of the gradients at (1 + step)·w and
 * (1 − step)·w.  Along g the loss bends sharply; along w a network with norms hardly changes at all.
 *
 * With the relus held.  Differentiating twice takes each relu for a line: it stays open or closed.  A difference sees some flip,
 * and in a deep network, whose gradient is as rough as a random walk, their share grows as the step shrinks: the quotient has
 * no limit within float32.  So the network is built twice in one graph: one copy with the weights as they are says which relus are
 * open (activation "step", through which no gradient goes), and the other, whose weights are scaled, multiplies by that
 * instead of having relus of its own.  What is differenced is then smooth.  Maxima of poolings and relus of other kinds are
 * not held; dropout is left out.
 *
 * Layout: the doubled network; its weights; two passes. */
#include "proxies.h"

#include <stdlib.h>

typedef struct doubled {
    const nas_graph *from;
    nas_graph graph;
    bool *wanted;       /* by node of `from`: some relu depends on it, or is it */
    int *held, *scaled; /* by node of `from`: its value in the two copies */
    int *origin;        /* by node of `graph`; −1: none */
    int first_scaled;   /* nodes of `graph` from here on are the second copy's */
} doubled;

/* ---- the doubled network ---------------------------------------------------------------------------------------- */

static bool is_relu(const nas_node *n)
{
    return nas__activation_of(n) == NAS_ACT_RELU;
}

static void find_wanted(doubled *d)
{
    for (int i = d->from->count - 1; i > 0; i--) {
        const nas_node *n = &d->from->nodes[i];
        d->wanted[i] |= is_relu(n);
        for (int k = 0; d->wanted[i] && k < n->input_count; k++)
            d->wanted[n->inputs[k]] = true;
    }
}

static nas_status add_copy(doubled *d, int node, int *copy)
{
    const nas_node *n = &d->from->nodes[node];
    int inputs[NAS_OP_INPUTS];
    for (int k = 0; k < n->input_count; k++)
        inputs[k] = copy[n->inputs[k]];
    if (nas__is_op(n, "dropout") || nas__is_op(n, "drop_path")) {
        copy[node] = inputs[0];
        return NAS_OK;
    }
    NAS_TRY(nas_graph_add_like(&d->graph, n, inputs, &copy[node]));
    d->origin[copy[node]] = node;
    return NAS_OK;
}

/* The scaled copy of a relu: its input where the other copy's is above 0. */
static nas_status add_gate(doubled *d, int node)
{
    int input = d->from->nodes[node].inputs[0], gate = d->held[input];
    NAS_TRY(nas_graph_then(&d->graph, "activation", &gate, "kind = \"step\""));
    const int inputs[] = {d->scaled[input], gate};
    d->origin[gate] = -1;
    NAS_TRY(nas_graph_add(&d->graph, "mul", inputs, 2, &d->scaled[node], NULL));
    d->origin[d->scaled[node]] = -1;
    return NAS_OK;
}

static nas_status make_graph(doubled *d)
{
    size_t count = (size_t)d->from->count;
    d->wanted = calloc(count, sizeof *d->wanted);
    d->held = calloc(count, sizeof *d->held);
    d->scaled = calloc(count, sizeof *d->scaled);
    d->origin = calloc(4 * count, sizeof *d->origin);
    if (!d->wanted || !d->held || !d->scaled || !d->origin)
        NAS_FAIL(NAS_MEMORY, "no memory for a network of %zu nodes", count);
    find_wanted(d);
    NAS_TRY(nas_graph_init(&d->graph, d->from->nodes[0].shape));
    for (int i = 1; i < d->from->count; i++)
        if (d->wanted[i])
            NAS_TRY(add_copy(d, i, d->held));
    d->first_scaled = d->graph.count;
    for (int i = 1; i < d->from->count; i++)
        NAS_TRY(is_relu(&d->from->nodes[i]) ? add_gate(d, i) : add_copy(d, i, d->scaled));
    d->graph.output = d->scaled[d->from->output];
    return NAS_OK;
}

static void clear(doubled *d)
{
    nas_graph_clear(&d->graph);
    free(d->wanted);
    free(d->held);
    free(d->scaled);
    free(d->origin);
}

/* ---- its weights --------------------------------------------------------------------------------------------------- */

/* Both copies as the network itself begins. */
static nas_status write_start(const doubled *d, const nas__mini_batch *batch, uint32_t key,
                              nas_net *net)
{
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(net, i);
        if (!entry->tensor.buffer)
            continue;
        float *values = malloc(entry->tensor.count * sizeof *values);
        if (!values)
            NAS_FAIL(NAS_MEMORY, "no memory for %s", entry->name);
        nas_parameter_initialise(&entry->spec, batch->seed, key, d->origin[entry->node],
                                 nas__parameter_of_node(net, i), values, entry->tensor.count);
        nas_status status = nas_tensor_write(entry->tensor, values);
        free(values);
        NAS_TRY(status);
    }
    return NAS_OK;
}

/* Where the decayed block of the scaled copy begins: the same parameters in the same order as the network's own. */
static uint64_t find_scaled(const doubled *d, const nas_net *net)
{
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(net, i);
        if (entry->tensor.buffer && entry->spec.decayed && entry->node >= d->first_scaled)
            return entry->tensor.at;
    }
    return 0;
}

/* ---- two passes ------------------------------------------------------------------------------------------------------ */

/* The gradient with the scaled copy's weights times `factor`, in place of `values`. */
static nas_status find_gradient(nas_net *net, nas_tensor weights, nas_tensor gradients,
                                double factor, const nas__own *own, float *values)
{
    for (uint64_t i = 0; i < own->count; i++)
        values[i] = (float)(own->weights[i] * factor);
    NAS_TRY(nas_tensor_write(weights, values));
    NAS_TRY(nas_net_forward(net));
    NAS_TRY(nas_net_backward(net));
    return nas_tensor_read(gradients, values);
}

static nas_status difference(const doubled *d, nas_net *net, const nas__own *own, double step,
                             double *score)
{
    const nas_net_block block = nas_net_parameters(net);
    const uint64_t at = find_scaled(d, net);
    const nas_tensor weights = nas_tensor_view(block.parameters, at, own->count);
    const nas_tensor gradients = nas_tensor_view(block.gradients, at, own->count);
    double sum = 0;
    float *up = malloc(2 * own->count * sizeof *up), *down = up + own->count;
    if (!up)
        NAS_FAIL(NAS_MEMORY, "no memory for %llu weights", (unsigned long long)own->count);
    nas_status status = find_gradient(net, weights, gradients, 1 + step, own, up);
    if (status == NAS_OK)
        status = find_gradient(net, weights, gradients, 1 - step, own, down);
    for (uint64_t i = 0; status == NAS_OK && i < own->count; i++)
        sum += own->gradient[i] * ((double)up[i] - down[i]);
    free(up);
    *score = -sum / (2 * step);
    return status;
}

nas_status nas__grasp(nas_device *device, const nas_graph *graph, const nas__mini_batch *batch,
                      uint32_t key, const nas__own *own, double step, double *score)
{
    const nas_net_options options = {.batch = batch->real, .training = true, .loss = batch->loss};
    doubled d = {.from = graph};
    nas_net *net = NULL;
    nas_status status = NAS_OK;
    *score = 0;
    if (own->count == 0)
        return NAS_OK;
    NAS_TRY_DONE(make_graph(&d));
    NAS_TRY_DONE(nas__check_fits(device, &d.graph, &options));
    NAS_TRY_DONE(nas_net_create(device, &d.graph, &options, &net));
    NAS_TRY_DONE(write_start(&d, batch, key, net));
    NAS_TRY_DONE(nas__mini_batch_write(batch, batch->images, key, net));
    NAS_TRY_DONE(difference(&d, net, own, step, score));
done:
    nas_net_destroy(net);
    clear(&d);
    return status;
}
