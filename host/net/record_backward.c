/* record_backward.c - the backward tape: steps in reverse, each forming dz from its home's gradient and handing the
 * gradients of its inputs back.
 *
 * For one step: if its home has a norm, the sums R0 and R1 (given by whoever completed G, or by a pass) become the
 * coefficients of dz; then the op runs with dz formed on load, or formed first where it does not fuse that; then each input's
 * gradient goes into its home's G - stored by the first to come, added by the others, multiplied by the derivative of that
 * edge's activation, and summed into R0 and R1 by the last.
 */
#include "net_internal.h"

/* The gradient of this input is wanted in this kind of pass. */
static bool wants_input(const nas_net *net, int index, int i, nas__wanted wanted)
{
    const nas__home *home = &net->plan.homes[net->plan.steps[index].in[i].home];
    return nas__wants_gradient(&net->plan, index, i) && (wanted != NAS__GATES || home->gated);
}

static nas_tensor reductions_of(const nas_net *net, int shard, const nas__home *home)
{
    return nas__shared_set(net, shard, home->reductions, home->shape.c, 2, home->reduction_parts);
}

/* dL/dz of the step's home as its kernels see it. */
static nas_status form_output(nas_net *net, int shard, int index, nas__wanted wanted,
                              nas_op_call *call, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    if (step->home == NAS__NONE)
        return NAS_OK; /* a loss starts the chain itself */
    const nas__home *home = &net->plan.homes[step->home];
    call->out_gradient.g = nas__home_g(net, shard, step->home);
    if (home->norm_node == NAS__NONE)
        return NAS_OK;
    nas_norm_call norm_call;
    nas_norm norm;
    nas__fill_norm_call(net, shard, step->home, true, &norm_call);
    nas__home_norm(net, shard, step->home, &norm);
    if (wanted == NAS__GATES)
        norm_call.gamma_gradient = norm_call.beta_gradient = (nas_tensor){0};
    norm_call.stride = nas__set_floats(home->shape.c, 2, home->reduction_parts);
    NAS_TRY(nas_norm_backward(tape, &norm_call, reductions_of(net, 0, home), home->reduction_parts,
                              &norm));
    call->out_gradient.z = nas__home_z(net, shard, step->home);
    call->out_gradient.coefficients = norm.coefficients;
    if (step->formed == NAS__NONE)
        return NAS_OK;
    nas_tensor formed = nas__reserved(net, shard, step->formed);
    NAS_TRY(nas_pass_form(tape, &call->out_gradient, home->shape, net->plan.n, call->real, formed));
    call->out_gradient = (nas_gradient){.g = formed};
    return NAS_OK;
}

/* Where input i's gradient goes in the end. */
static void final_into(const nas_net *net, int shard, int index, int i, nas_into *into)
{
    const nas__view *view = &net->plan.steps[index].in[i];
    const nas__home *home = &net->plan.homes[view->home];
    *into = (nas_into){.g = nas__reserved(net, shard, home->g),
                       .accumulate = nas__gradient_begun(&net->plan, index, i),
                       .read = nas__read_of(net, shard, view)};
    if (home->norm_node == NAS__NONE)
        return;
    nas_norm norm;
    nas__home_norm(net, shard, view->home, &norm);
    into->mean = norm.mean;
    if (nas__completes_gradient(&net->plan, index, i))
        into->reductions = reductions_of(net, shard, home);
}

/* What the op is told: the final place, or a plain tensor that a pass takes from there. */
static void op_into(const nas_net *net, int shard, int index, int i, nas_into *into)
{
    const nas__step *step = &net->plan.steps[index];
    bool reduces = nas__plan_fusion(&net->plan, step) & NAS_FUSES_REDUCTION;
    final_into(net, shard, index, i, into);
    if (step->plain[i] != NAS__NONE)
        *into = (nas_into){.g = nas__reserved(net, shard, step->plain[i])};
    else if (!reduces)
        into->reductions = (nas_tensor){0};
}

/* What is left to do for input i after the op's kernels. */
static nas_status finish_into(nas_net *net, int shard, int index, int i, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    const nas__home *home = &net->plan.homes[step->in[i].home];
    bool reduces = nas__plan_fusion(&net->plan, step) & NAS_FUSES_REDUCTION;
    nas_into into;
    final_into(net, shard, index, i, &into);
    if (step->plain[i] != NAS__NONE)
        return nas_pass_into(tape, nas__reserved(net, shard, step->plain[i]), &into, home->shape,
                             net->plan.n, net->shards[shard].real);
    if (into.reductions.buffer && !reduces)
        return nas_pass_reduce(tape, into.g, into.read.x, into.mean, home->shape, net->plan.n,
                               net->shards[shard].real, into.reductions);
    return NAS_OK;
}

/* The sums of a loose home are a pass of their own, once its gradient is complete. */
static nas_status reduce_loose(nas_net *net, int shard, int home, nas_tape *tape)
{
    const nas__home *h = &net->plan.homes[home];
    nas_norm norm;
    if (!h->loose)
        return NAS_OK;
    nas__home_norm(net, shard, home, &norm);
    return nas_pass_reduce(tape, nas__home_g(net, shard, home), nas__home_z(net, shard, home),
                           norm.mean, h->shape, net->plan.n, net->shards[shard].real,
                           reductions_of(net, shard, h));
}

/* The gradients of loose homes begin as zeros, before the first reader's backward and whether that runs or not. */
static nas_status begin_loose(nas_net *net, int shard, int index, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    for (int i = 0; i < step->input_count; i++) {
        const nas__home *home = &net->plan.homes[step->in[i].home];
        if (!home->loose || !nas__wants_gradient(&net->plan, index, i) ||
            !nas__begins_gradient(&net->plan, index, i))
            continue;
        const nas_tensor g = nas__reserved(net, shard, home->g);
        nas_tape_guard(tape, net->plan.steps[home->step].guard);
        NAS_TRY(nas_tape_add_fill(tape, g.buffer, 4 * g.at, 4 * g.count, 0.0f));
    }
    nas_tape_guard(tape, step->guard);
    return NAS_OK;
}

static nas_status record_copy(nas_net *net, int shard, int index, nas__wanted wanted,
                              const nas_gradient *gradient, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    nas_into into;
    if (!wants_input(net, index, 0, wanted))
        return NAS_OK;
    final_into(net, shard, index, 0, &into);
    return nas_pass_into(tape, gradient->g, &into, net->plan.homes[step->in[0].home].shape,
                         net->plan.n, net->shards[shard].real);
}

/* Inputs that were not kept.  A layer whose gradient of the weights is not wanted does not read what it multiplied. */
static nas_status recompute_inputs(nas_net *net, int shard, int index, nas__wanted wanted,
                                   nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    for (int i = 0; i < step->input_count; i++) {
        const nas__home *home = &net->plan.homes[step->in[i].home];
        bool read = wanted != NAS__GATES || step->in[i].activation != NAS_ACT_NONE;
        if (home->again != NAS__NONE && read)
            NAS_TRY(nas__record_again(net, shard, home->step, tape));
    }
    return NAS_OK;
}

static nas_status record_shard(nas_net *net, int shard, int index, nas__wanted wanted,
                               nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    nas_op_call call;
    NAS_TRY(begin_loose(net, shard, index, tape));
    nas__fill_call(net, shard, index, true, &call);
    for (int p = 0; wanted == NAS__GATES && p < NAS_OP_PARAMETERS; p++)
        call.parameter_gradients[p] = (nas_tensor){0};
    if (step->table != NAS__NONE && wanted == NAS__GATES)
        call.table.at += nas__table_floats(step);
    NAS_TRY(recompute_inputs(net, shard, index, wanted, tape));
    NAS_TRY(form_output(net, shard, index, wanted, &call, tape));
    if (wanted == NAS__ALL)
        NAS_TRY(nas__record_saliency(net, index, tape));
    if (step->node == NAS__COPY)
        return record_copy(net, shard, index, wanted, &call.out_gradient, tape);
    for (int i = 0; i < step->input_count; i++) {
        if (nas__wants_gradient(&net->plan, index, i))
            op_into(net, shard, index, i, &call.into[i]);
        if (!wants_input(net, index, i,
                         wanted)) /* the mean stays: sums about it are the same bits */
            call.into[i].g = call.into[i].reductions = (nas_tensor){0};
    }
    NAS_TRY(nas__step_op(&net->plan, step)->backward(&call, tape));
    for (int i = 0; i < step->input_count; i++)
        if (wants_input(net, index, i, wanted))
            NAS_TRY(finish_into(net, shard, index, i, tape));
    return NAS_OK;
}

static nas_status record_step(nas_net *net, int index, nas__wanted wanted, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    nas_tape_guard(tape, step->guard);
    if (step->home != NAS__NONE && net->plan.homes[step->home].norm_node != NAS__NONE) {
        for (int i = 0; i < net->plan.shards; i++) {
            nas_tape_shard(tape, i);
            NAS_TRY(reduce_loose(net, i, step->home, tape));
        }
        NAS_TRY(nas_tape_meet(tape)); /* the reductions of all shards are wanted */
    }
    for (int i = 0; i < net->plan.shards; i++) {
        nas_tape_shard(tape, i);
        NAS_TRY(record_shard(net, i, index, wanted, tape));
    }
    return NAS_OK;
}

static nas_status record_steps(nas_net *net, nas__wanted wanted, nas_tape *tape)
{
    for (int s = net->plan.step_count - 1; s >= 0; s--) {
        const nas__step *step = &net->plan.steps[s];
        bool loss = step->home == NAS__NONE;
        bool idle = wanted == NAS__GATES && !loss && !net->plan.homes[step->home].gated;
        if (step->backward && !idle && !(wanted == NAS__FROM_OUTPUT && loss))
            NAS_TRY(record_step(net, s, wanted, tape));
    }
    return NAS_OK;
}

static nas_status clear_gates(nas_net *net, nas_tape *tape)
{
    for (int i = 0; i < net->plan.shards && net->gates.buffer; i++) {
        const nas_tensor gates = net->shards[i].gate_gradients;
        nas_tape_shard(tape, i);
        NAS_TRY(nas_tape_add_fill(tape, gates.buffer, 4 * gates.at, 4 * gates.count, 0.0f));
    }
    return NAS_OK;
}

/* The shards' gradients, in order, become those of the batch. */
static nas_status sum_gradients(nas_net *net, nas__wanted wanted, nas_tape *tape)
{
    const nas__shard *shards = net->shards;
    const int others = net->plan.shards - 1;
    nas_tape_shard(tape, NAS_ALL_SHARDS);
    if (others == 0)
        return NAS_OK;
    if (wanted != NAS__GATES && shards[0].gradients.count > 0)
        NAS_TRY(nas_pass_sum(tape, shards[0].gradients, shards[1].gradients,
                             shards[1].gradients.count, others, shards[0].gradients));
    if (!net->gates.buffer)
        return NAS_OK;
    return nas_pass_sum(tape, shards[0].gate_gradients, shards[1].gate_gradients,
                        shards[1].gate_gradients.at - shards[0].gate_gradients.at, others,
                        shards[0].gate_gradients);
}

nas_status nas__record_backward(nas_net *net, nas__wanted wanted, nas_tape *tape)
{
    NAS_TRY(nas_tape_part(tape, net->plan.shards));
    NAS_TRY(clear_gates(net, tape));
    net->going_back = true;
    nas_status status = record_steps(net, wanted, tape);
    net->going_back = false;
    nas_tape_guard(tape, 0);
    NAS_TRY(status);
    return sum_gradients(net, wanted, tape);
}
