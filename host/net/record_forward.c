/* record_forward.c - the forward tapes: for each step its kernels, for each shard of the batch; then the statistics of what it
 * wrote, where the shards meet.
 *
 * Training and evaluation differ in two things: dropout and its like (the op's business, by call->training), and where a
 * norm's affine comes from - this batch's statistics or the running ones.  An op that does not read through views gets its
 * inputs materialised first.
 */
#include "net_internal.h"

nas_tensor nas__reserved(const nas_net *net, int shard, int reservation)
{
    return reservation == NAS__NONE ? (nas_tensor){0}
                                    : nas_arena_tensor(net->shards[shard].arena, reservation);
}

nas_tensor nas__shared_set(const nas_net *net, int shard, int reservation, int channels, int sums,
                           int parts)
{
    if (reservation == NAS__NONE)
        return (nas_tensor){0};
    const uint64_t floats = nas__set_floats(channels, sums, parts);
    return nas_tensor_view(nas_arena_tensor(net->shared, reservation), (uint64_t)shard * floats,
                           floats);
}

static nas_tensor statistics_of(const nas_net *net, int shard, const nas__home *home)
{
    return nas__shared_set(net, shard, home->statistics, home->shape.c, 3, home->statistics_parts);
}

nas_tensor nas__home_z(const nas_net *net, int shard, int home)
{
    const nas__home *h = &net->plan.homes[home];
    return nas__reserved(net, shard, net->going_back && h->again != NAS__NONE ? h->again : h->z);
}

nas_tensor nas__home_g(const nas_net *net, int shard, int home)
{
    const nas__home *h = &net->plan.homes[home];
    return nas__reserved(net, shard, h->lender == NAS__NONE ? h->g : net->plan.homes[h->lender].g);
}

/* scale, shift, mean, rstd, then the three coefficient rows, which are dense: [3][c]. */
void nas__home_norm(const nas_net *net, int shard, int home, nas_norm *norm)
{
    const nas__home *h = &net->plan.homes[home];
    uint64_t stride = nas__channel_floats(h->shape.c), c = (uint64_t)h->shape.c;
    nas_tensor block = nas__reserved(net, shard, h->norm);
    norm->scale = nas_tensor_view(block, 0, c);
    norm->shift = nas_tensor_view(block, stride, c);
    norm->mean = nas_tensor_view(block, 2 * stride, c);
    norm->rstd = nas_tensor_view(block, 3 * stride, c);
    norm->coefficients = nas_tensor_view(block, 4 * stride, 3 * c);
}

nas_read nas__read_of(const nas_net *net, int shard, const nas__view *view)
{
    nas_read read = {.x = nas__home_z(net, shard, view->home),
                     .activation = view->activation,
                     .slope = view->slope};
    if (view->normed) {
        nas_norm norm;
        nas__home_norm(net, shard, view->home, &norm);
        read.scale = norm.scale;
        read.shift = norm.shift;
    } else if (view->activation != NAS_ACT_NONE) {
        read.scale = net->ones;
        read.shift = net->zeros;
    }
    return read;
}

/* Where a shard sums up the gradient of a parameter. */
static nas_tensor gradient_of(const nas__shard *shard, const nas_net_parameter *parameter)
{
    nas_tensor gradient = parameter->gradient;
    if (gradient.buffer)
        gradient = nas_tensor_view(shard->gradients, gradient.at, gradient.count);
    return gradient;
}

void nas__fill_call(const nas_net *net, int shard, int index, bool training, nas_op_call *call)
{
    const nas__step *step = &net->plan.steps[index];
    const nas__shard *own = &net->shards[shard];
    bool fuses = nas__plan_fusion(&net->plan, step) & NAS_FUSES_READ;
    nas__plan_call(&net->plan, step, call);
    call->first = own->first;
    call->real = own->real;
    call->training = training;
    call->scratch = nas__reserved(net, shard, net->plan.scratch);
    call->saved = nas__reserved(net, shard, step->saved);
    if (step->table != NAS__NONE)
        call->table = nas_tensor_view(nas__reserved(net, shard, step->table), 0, step->sizes.table);
    call->step = net->step;
    call->labels = own->labels;
    call->metrics = own->metrics;
    call->gates = net->gates;
    call->gate_gradients = own->gate_gradients;
    if (step->home != NAS__NONE)
        call->out = nas__home_z(net, shard, step->home);
    for (int i = 0; i < step->input_count; i++) {
        call->in[i] = nas__read_of(net, shard, &step->in[i]);
        if (!fuses && step->raw_in[i] != NAS__NONE)
            call->in[i] = (nas_read){.x = nas__reserved(net, shard, step->raw_in[i])};
    }
    for (int p = 0; step->node != NAS__COPY && p < NAS_OP_PARAMETERS; p++) {
        const nas_net_parameter *parameter = nas__net_parameter(net, step->node, p);
        if (!parameter)
            continue;
        call->parameters[p] = parameter->tensor;
        call->parameter_gradients[p] = gradient_of(own, parameter);
    }
}

/* The gate that weighs a home in the only step that reads it. */
static nas_tensor gate_of(const nas_net *net, int home)
{
    const nas__step *step = &net->plan.steps[net->plan.homes[home].first_reader];
    nas_shape shapes[NAS_OP_INPUTS];
    int first[NAS_OP_INPUTS], input = 0;
    nas_node_shapes(&net->plan.graph, step->node, shapes);
    nas__step_op(&net->plan, step)
        ->gates(net->plan.graph.nodes[step->node].options.bytes, shapes, step->input_count, first);
    while (step->in[input].home != home)
        input++;
    return nas_tensor_view(net->gates, (uint64_t)first[input], 1);
}

void nas__fill_norm_call(const nas_net *net, int shard, int home, bool training,
                         nas_norm_call *call)
{
    const nas__home *h = &net->plan.homes[home];
    nas_op_call node = {.device = net->device,
                        .options = net->plan.graph.nodes[h->norm_node].options.bytes,
                        .node = h->norm_node,
                        .n = net->plan.n,
                        .real = net->plan.options.batch,
                        .training = training,
                        .step = net->step,
                        .input_count = 1,
                        .in_shape = {h->shape},
                        .out_shape = h->shape};
    for (int p = 0; p < NAS_OP_PARAMETERS; p++) {
        const nas_net_parameter *parameter = nas__net_parameter(net, h->norm_node, p);
        if (!parameter)
            continue;
        node.parameters[p] = parameter->tensor;
        node.parameter_gradients[p] = parameter->gradient;
    }
    nas_norm_call_make(&node, call);
    if (h->lender != NAS__NONE)
        call->gate = gate_of(net, home);
    call->shards = net->plan.shards;
    if (shard == 0)
        return;
    call->gamma_gradient = call->beta_gradient = (nas_tensor){0};
    if (training)
        call->running_mean = call->running_variance = (nas_tensor){0};
}

static nas_status materialise_inputs(nas_net *net, int shard, int index, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    for (int i = 0; i < step->input_count; i++) {
        if (step->raw_in[i] == NAS__NONE)
            continue;
        nas_read read = nas__read_of(net, shard, &step->in[i]);
        NAS_TRY(nas_pass_materialise(tape, &read, net->plan.homes[step->in[i].home].shape,
                                     net->plan.n, nas__reserved(net, shard, step->raw_in[i])));
    }
    return NAS_OK;
}

/* Whether the norm of this home takes its statistics from the batch in this kind of pass. */
static bool batch_statistics(const nas_net *net, int home, bool training)
{
    nas_norm_call call;
    if (home == NAS__NONE || net->plan.homes[home].norm_node == NAS__NONE)
        return false;
    nas__fill_norm_call(net, 0, home, training, &call);
    return training || !call.running_mean.buffer;
}

/* Merges the statistics of all shards; each for itself, since that is quicker than to wait for one that does it for all. */
static nas_status record_norm(nas_net *net, int shard, int home, bool training, nas_tape *tape)
{
    const nas__home *h = &net->plan.homes[home];
    nas_norm_call call;
    nas_norm norm;
    nas__fill_norm_call(net, shard, home, training, &call);
    nas__home_norm(net, shard, home, &norm);
    if (!batch_statistics(net, home, training))
        return nas_norm_frozen(tape, &call, &norm);
    call.stride = nas__set_floats(h->shape.c, 3, h->statistics_parts);
    return nas_norm_finish(tape, &call, statistics_of(net, 0, h), h->statistics_parts, &norm);
}

static nas_status record_kernels(nas_net *net, int shard, int index, bool training, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    const bool wanted = batch_statistics(net, step->home, training);
    nas_op_call call;
    nas__fill_call(net, shard, index, training, &call);
    if (step->node == NAS__COPY) {
        NAS_TRY(nas_pass_materialise(tape, &call.in[0], call.in_shape[0], call.n, call.out));
    } else {
        NAS_TRY(materialise_inputs(net, shard, index, tape));
        bool fuses = nas__plan_fusion(&net->plan, step) & NAS_FUSES_STATISTICS;
        if (fuses && wanted)
            call.statistics = statistics_of(net, shard, &net->plan.homes[step->home]);
        NAS_TRY(nas__step_op(&net->plan, step)->forward(&call, tape));
    }
    if (!wanted || (nas__plan_fusion(&net->plan, step) & NAS_FUSES_STATISTICS))
        return NAS_OK;
    const nas__home *home = &net->plan.homes[step->home];
    return nas_pass_statistics(tape, call.out, home->shape, net->plan.n, call.real,
                               statistics_of(net, shard, home));
}

nas_status nas__record_step(nas_net *net, int index, bool training, nas_tape *tape)
{
    const nas__step *step = &net->plan.steps[index];
    for (int i = 0; i < net->plan.shards; i++) {
        nas_tape_shard(tape, i);
        NAS_TRY(record_kernels(net, i, index, training, tape));
    }
    if (batch_statistics(net, step->home, training))
        NAS_TRY(nas_tape_meet(tape));
    if (step->home == NAS__NONE)
        return NAS_OK;
    for (int i = 0; i < net->plan.shards && net->plan.homes[step->home].norm_node != NAS__NONE;
         i++) {
        nas_tape_shard(tape, i);
        NAS_TRY(record_norm(net, i, step->home, training, tape));
    }
    return training ? nas__record_signs(net, step->home, tape) : NAS_OK;
}

nas_status nas__record_again(nas_net *net, int shard, int index, nas_tape *tape)
{
    nas_op_call call;
    nas__fill_call(net, shard, index, true, &call);
    return nas__step_op(&net->plan, &net->plan.steps[index])->forward(&call, tape);
}

/* Metrics of the batch from those of its shards. */
static nas_status sum_metrics(nas_net *net, nas_tape *tape)
{
    const nas__shard *shards = net->shards;
    if (net->plan.shards == 1 || !net->plan.options.loss.op)
        return NAS_OK;
    NAS_TRY(nas_tape_meet(tape));
    nas_tape_shard(tape, 0);
    return nas_pass_sum(tape, shards[0].metrics, shards[1].metrics,
                        shards[1].metrics.at - shards[0].metrics.at, net->plan.shards - 1,
                        net->metrics);
}

nas_status nas__record_forward(nas_net *net, bool training, nas_tape *tape)
{
    NAS_TRY(nas_tape_part(tape, net->plan.shards));
    if (training)
        NAS_TRY(nas__record_signs(net, NAS__NONE, tape));
    for (int s = 0; s < net->plan.step_count; s++) {
        if (!training && s >= net->plan.auxiliary_from && s < net->plan.auxiliary_to)
            continue;
        nas_tape_guard(tape, net->plan.steps[s].guard);
        NAS_TRY(nas__record_step(net, s, training, tape));
    }
    nas_tape_guard(tape, 0);
    return sum_metrics(net, tape);
}
