/* taps.c - what a net keeps for measures: where in the passes it is taken, and where it lies.
 *
 * A home's signs are taken as soon as the home and its affine are there, once for each relu of the graph that reads it: a cell
 * whose input goes through three relus has three of them, as it would in a framework where each is a module.  Words of signs share
 * one piece of memory, since distances add them up at once.  A layer's saliency is taken where its backward begins, when its
 * gradient is complete and has its coefficients.  What is kept lives as long as the net and shares memory with nothing.
 *
 * Who asks: host/eval/proxies.c. */
#include "net_internal.h"

#include <limits.h>

static bool is_relu(const nas__plan *plan, int node)
{
    const nas_node *n = &plan->graph.nodes[node];
    nas_activation kind;
    float slope;
    if (!n->op || n->op->view != NAS_VIEW_ACTIVATION)
        return false;
    nas_activation_of(n->options.bytes, &kind, &slope);
    return kind == NAS_ACT_RELU || kind == NAS_ACT_RELU6 || kind == NAS_ACT_LEAKY_RELU;
}

/* Of a layer with weights, as pruning counts them: its node has a decayed parameter. */
bool nas__taps_saliency(const nas__plan *plan, const nas__step *step)
{
    nas_parameter parameters[NAS_OP_PARAMETERS];
    if (!(plan->options.taps & NAS_TAP_SALIENCY) || step->node == NAS__COPY ||
        step->home == NAS__NONE)
        return false;
    int count = nas_node_parameters(&plan->graph, step->node, parameters);
    for (int p = 0; p < count; p++)
        if (parameters[p].rank > 0 && parameters[p].trained && parameters[p].decayed)
            return true;
    return false;
}

/* ---- where it lies ------------------------------------------------------------------------------------------ */

static nas_status reserve_signs(nas__plan *plan, nas_arena *arena)
{
    uint64_t n = (uint64_t)plan->n, words = 16;
    for (int i = 1; i < plan->graph.count; i++) {
        uint64_t its = nas_tap_sign_words(plan->graph.nodes[i].shape, plan->n);
        if (is_relu(plan, i) && its > words)
            words = its;
    }
    NAS_TRY(nas_arena_reserve(arena, words, 0, INT_MAX, &plan->signs));
    return nas_arena_reserve(arena, n * n, 0, INT_MAX, &plan->distances);
}

nas_status nas__taps_reserve(nas__plan *plan, nas_arena *arena)
{
    if (!plan->options.training)
        return NAS_OK;
    if (plan->options.taps & NAS_TAP_SIGNS)
        NAS_TRY(reserve_signs(plan, arena));
    for (int s = 0; s < plan->step_count; s++) {
        if (!nas__taps_saliency(plan, &plan->steps[s]))
            continue;
        nas__home *home = &plan->homes[plan->steps[s].home];
        NAS_TRY(nas_arena_reserve(arena, (uint64_t)home->shape.c * (uint64_t)plan->n, 0, INT_MAX,
                                  &home->saliency));
    }
    return NAS_OK;
}

/* ---- when it is taken ----------------------------------------------------------------------------------------- */

static nas_status record_relu(nas_net *net, int node, nas_tape *tape)
{
    const nas__plan *plan = &net->plan;
    const nas_read read = nas__read_of(net, 0, &plan->views[node]);
    nas_tensor words = nas__reserved(net, 0, plan->signs);
    nas_shape shape = plan->graph.nodes[node].shape;
    NAS_TRY(nas_tap_signs(tape, &read, shape, plan->n, words));
    return nas_tap_distances(tape, words, shape, plan->n, nas__reserved(net, 0, plan->distances));
}

nas_status nas__record_signs(nas_net *net, int home, nas_tape *tape)
{
    const nas__plan *plan = &net->plan;
    nas_tensor distances = nas__reserved(net, 0, plan->distances);
    if (!distances.buffer)
        return NAS_OK;
    if (home == NAS__NONE) {
        NAS_TRY(
            nas_tape_add_fill(tape, distances.buffer, 4 * distances.at, 4 * distances.count, 0.0f));
        home = 0; /* the input */
    }
    for (int i = 1; i < plan->graph.count; i++)
        if (is_relu(plan, i) && plan->views[i].home == home)
            NAS_TRY(record_relu(net, i, tape));
    return NAS_OK;
}

nas_status nas__record_saliency(nas_net *net, int index, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    if (step->home == NAS__NONE || net->plan.homes[step->home].saliency == NAS__NONE)
        return NAS_OK;
    const nas__home *home = &net->plan.homes[step->home];
    nas_tensor z = nas__home_z(net, 0, step->home);
    nas_gradient gradient = {.g = nas__home_g(net, 0, step->home), .z = z};
    if (home->norm_node != NAS__NONE) {
        nas_norm norm;
        nas__home_norm(net, 0, step->home, &norm);
        gradient.coefficients = norm.coefficients;
    }
    return nas_tap_saliency(tape, &gradient, z, home->shape, net->plan.n, net->plan.options.batch,
                            nas__reserved(net, 0, home->saliency));
}

/* ---- getters ------------------------------------------------------------------------------------------------------ */

nas_tensor nas_net_distances(const nas_net *net)
{
    return nas__reserved(net, 0, net->plan.distances);
}

uint64_t nas_net_sign_count(const nas_net *net)
{
    uint64_t count = 0;
    for (int i = 1; i < net->plan.graph.count; i++)
        if (is_relu(&net->plan, i))
            count += nas_shape_count(net->plan.graph.nodes[i].shape);
    return count;
}

nas_tensor nas_net_saliency(const nas_net *net, int node)
{
    for (int s = 0; s < net->plan.step_count; s++)
        if (net->plan.steps[s].node == node && net->plan.steps[s].home != NAS__NONE)
            return nas__reserved(net, 0, net->plan.homes[net->plan.steps[s].home].saliency);
    return (nas_tensor){0};
}
