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

/* dL/dz of the step's home as its kernels see it. */
static nas_status form_output(nas_net *net, int index, nas__wanted wanted, nas_op_call *call,
                              nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    if (step->home == NAS__NONE)
        return NAS_OK; /* a loss starts the chain itself */
    const nas__home *home = &net->plan.homes[step->home];
    call->out_gradient.g = nas__home_g(net, step->home);
    if (home->norm_node == NAS__NONE)
        return NAS_OK;
    nas_norm_call norm_call;
    nas_norm norm;
    nas__fill_norm_call(net, step->home, true, &norm_call);
    nas__home_norm(net, step->home, &norm);
    if (wanted == NAS__GATES)
        norm_call.gamma_gradient = norm_call.beta_gradient = (nas_tensor){0};
    NAS_TRY(nas_norm_backward(tape, &norm_call, nas__reserved(net, home->reductions),
                              home->reduction_parts, &norm));
    call->out_gradient.z = nas__home_z(net, step->home);
    call->out_gradient.coefficients = norm.coefficients;
    if (step->formed == NAS__NONE)
        return NAS_OK;
    nas_tensor formed = nas__reserved(net, step->formed);
    NAS_TRY(nas_pass_form(tape, &call->out_gradient, home->shape, net->plan.n,
                          net->plan.options.batch, formed));
    call->out_gradient = (nas_gradient){.g = formed};
    return NAS_OK;
}

/* Where input i's gradient goes in the end. */
static void final_into(const nas_net *net, int index, int i, nas_into *into)
{
    const nas__view *view = &net->plan.steps[index].in[i];
    const nas__home *home = &net->plan.homes[view->home];
    *into = (nas_into){.g = nas__reserved(net, home->g),
                       .accumulate = nas__gradient_begun(&net->plan, index, i),
                       .read = nas__read_of(net, view)};
    if (home->norm_node == NAS__NONE)
        return;
    nas_norm norm;
    nas__home_norm(net, view->home, &norm);
    into->mean = norm.mean;
    if (nas__completes_gradient(&net->plan, index, i))
        into->reductions = nas__reserved(net, home->reductions);
}

/* What the op is told: the final place, or a plain tensor that a pass takes from there. */
static void op_into(const nas_net *net, int index, int i, nas_into *into)
{
    const nas__step *step = &net->plan.steps[index];
    bool reduces = nas__plan_fusion(&net->plan, step) & NAS_FUSES_REDUCTION;
    final_into(net, index, i, into);
    if (step->plain[i] != NAS__NONE)
        *into = (nas_into){.g = nas__reserved(net, step->plain[i])};
    else if (!reduces)
        into->reductions = (nas_tensor){0};
}

/* What is left to do for input i after the op's kernels. */
static nas_status finish_into(nas_net *net, int index, int i, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    const nas__home *home = &net->plan.homes[step->in[i].home];
    bool reduces = nas__plan_fusion(&net->plan, step) & NAS_FUSES_REDUCTION;
    nas_into into;
    final_into(net, index, i, &into);
    if (step->plain[i] != NAS__NONE)
        return nas_pass_into(tape, nas__reserved(net, step->plain[i]), &into, home->shape,
                             net->plan.n, net->plan.options.batch);
    if (into.reductions.buffer && !reduces)
        return nas_pass_reduce(tape, into.g, into.read.x, into.mean, home->shape, net->plan.n,
                               net->plan.options.batch, into.reductions);
    return NAS_OK;
}

static nas_status record_copy(nas_net *net, int index, nas__wanted wanted,
                              const nas_gradient *gradient, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    nas_into into;
    if (!wants_input(net, index, 0, wanted))
        return NAS_OK;
    final_into(net, index, 0, &into);
    return nas_pass_into(tape, gradient->g, &into, net->plan.homes[step->in[0].home].shape,
                         net->plan.n, net->plan.options.batch);
}

/* Inputs that were not kept.  A layer whose gradient of the weights is not wanted does not read what it multiplied. */
static nas_status recompute_inputs(nas_net *net, int index, nas__wanted wanted, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    for (int i = 0; i < step->input_count; i++) {
        const nas__home *home = &net->plan.homes[step->in[i].home];
        bool read = wanted != NAS__GATES || step->in[i].activation != NAS_ACT_NONE;
        if (home->again != NAS__NONE && read)
            NAS_TRY(nas__record_again(net, home->step, tape));
    }
    return NAS_OK;
}

static nas_status record_step(nas_net *net, int index, nas__wanted wanted, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    nas_op_call call;
    nas__fill_call(net, index, true, &call);
    for (int p = 0; wanted == NAS__GATES && p < NAS_OP_PARAMETERS; p++)
        call.parameter_gradients[p] = (nas_tensor){0};
    if (step->table != NAS__NONE && wanted == NAS__GATES)
        call.table.at += nas__table_floats(step);
    NAS_TRY(recompute_inputs(net, index, wanted, tape));
    NAS_TRY(form_output(net, index, wanted, &call, tape));
    if (wanted == NAS__ALL)
        NAS_TRY(nas__record_saliency(net, index, tape));
    if (step->node == NAS__COPY)
        return record_copy(net, index, wanted, &call.out_gradient, tape);
    for (int i = 0; i < step->input_count; i++) {
        if (nas__wants_gradient(&net->plan, index, i))
            op_into(net, index, i, &call.into[i]);
        if (!wants_input(net, index, i,
                         wanted)) /* the mean stays: sums about it are the same bits */
            call.into[i].g = call.into[i].reductions = (nas_tensor){0};
    }
    NAS_TRY(nas__step_op(&net->plan, step)->backward(&call, tape));
    for (int i = 0; i < step->input_count; i++)
        if (wants_input(net, index, i, wanted))
            NAS_TRY(finish_into(net, index, i, tape));
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

nas_status nas__record_backward(nas_net *net, nas__wanted wanted, nas_tape *tape)
{
    const nas_tensor gates = net->gate_gradients;
    if (gates.buffer)
        NAS_TRY(nas_tape_add_fill(tape, gates.buffer, 4 * gates.at, 4 * gates.count, 0.0f));
    net->going_back = true;
    nas_status status = record_steps(net, wanted, tape);
    net->going_back = false;
    return status;
}
