/* net.c - creating, running and asking a net.
 *
 * Creation is: plan (plan.c), lay out the parameters (weights.c), reserve (reserve.c), state the bytes, allocate, record
 * (record_*.c).  After that a pass is one replay of a tape.  The small buffer holds what the host or a gather kernel
 * writes per step (step block, labels, metrics of the batch and of its shards), the gates and their gradients, and two constant rows,
 * ones and zeros, for activations on homes without norm.
 */
#include "net_internal.h"

#include <stdlib.h>
#include <string.h>

enum { STEP_FLOATS = 16, METRIC_FLOATS = 4 };

static uint64_t round_up(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

static int slots_of(const nas_net_options *options)
{
    return options->slots > 0 ? options->slots : 1;
}

/* Metrics of the batch and, when it is cut, of each shard. */
static uint64_t metric_rows(const nas__plan *plan)
{
    return plan->shards > 1 ? 1 + (uint64_t)plan->shards : 1;
}

/* Of a shard. */
static uint64_t label_words(const nas__plan *plan)
{
    return (uint64_t)plan->label_rows * (uint64_t)plan->n;
}

static uint64_t small_floats(const nas__plan *plan)
{
    const uint64_t shards = (uint64_t)plan->shards;
    return STEP_FLOATS + shards * label_words(plan) +
           metric_rows(plan) * round_up((uint64_t)slots_of(&plan->options) * METRIC_FLOATS) +
           2 * round_up((uint64_t)plan->widest) +
           (1 + shards) * round_up((uint64_t)nas_graph_gates(&plan->graph));
}

static void destroy_arenas(nas_net *net)
{
    nas_arena_destroy(net->shared);
    net->shared = NULL;
    for (int i = 0; i < NAS_SHARDS; i++) {
        nas_arena_destroy(net->shards[i].arena);
        net->shards[i].arena = NULL;
    }
}

/* An arena for each shard, all alike, and one where they meet; nothing is allocated yet. */
static nas_status reserve_all(nas_net *net, bool recompute, uint64_t *bytes)
{
    uint64_t shared = 0, own = 0;
    destroy_arenas(net);
    net->plan.recompute = recompute;
    NAS_TRY(nas_arena_create(net->device, "shared sums", &net->shared));
    NAS_TRY(nas__plan_reserve_shared(&net->plan, net->shared));
    NAS_TRY(nas_arena_plan(net->shared, &shared));
    for (int i = 0; i < net->plan.shards; i++) {
        NAS_TRY(nas_arena_create(net->device, "activations", &net->shards[i].arena));
        NAS_TRY(nas__plan_reserve(&net->plan, net->shards[i].arena));
        NAS_TRY(nas_arena_plan(net->shards[i].arena, &own));
    }
    *bytes = shared + (uint64_t)net->plan.shards * own;
    return NAS_OK;
}

/* With or without cheap homes kept, as the options say or as it is worth. */
static nas_status choose_recompute(nas_net *net, uint64_t *bytes)
{
    enum { WORTH_SHARE = 4, WORTH_BYTES = 256 << 20 };
    const nas_recompute wanted = net->plan.options.recompute;
    uint64_t kept, recomputed;
    NAS_TRY(reserve_all(net, false, &kept));
    *bytes = kept;
    const bool small = wanted == NAS_RECOMPUTE_AUTO && kept < WORTH_BYTES;
    if (wanted == NAS_RECOMPUTE_NEVER || small || net->plan.cheap_homes == 0)
        return NAS_OK;
    NAS_TRY(reserve_all(net, true, &recomputed));
    const uint64_t saved = kept > recomputed ? kept - recomputed : 0;
    if (wanted == NAS_RECOMPUTE_AUTO && (saved < WORTH_BYTES || saved < kept / WORTH_SHARE))
        return reserve_all(net, false, bytes);
    *bytes = recomputed;
    net->memory.saved_bytes = saved;
    return NAS_OK;
}

/* Which samples of the batch are whose. */
static void cut(nas_net *net)
{
    const int n = net->plan.n, batch = net->plan.options.batch;
    for (int i = 0; i < net->plan.shards; i++) {
        net->shards[i].first = i * n;
        net->shards[i].real = batch - i * n < n ? batch - i * n : n;
    }
}

/* Plan, layout and reservations: everything before the first allocation on the device. */
static nas_status prepare(nas_net *net, const nas_graph *graph, const nas_net_options *options)
{
    uint64_t trained, states, activations, scratch = 16;
    NAS_TRY(nas__plan_graph(graph, options, &net->graph));
    NAS_TRY(nas__plan_make(net->device, graph, options, &net->plan));
    NAS_TRY(nas__net_lay_out(net, &trained, &states));
    cut(net);
    NAS_TRY(choose_recompute(net, &activations));
    for (int s = 0; s < net->plan.step_count; s++)
        if (net->plan.steps[s].sizes.scratch > scratch)
            scratch = net->plan.steps[s].sizes.scratch;
    const uint64_t shards = (uint64_t)net->plan.shards;
    net->memory.parameter_bytes = 4 * (trained * (options->training ? 1 + shards : 1) + states);
    net->memory.scratch_bytes = 4 * scratch * shards;
    net->memory.activation_bytes =
        activations - net->memory.scratch_bytes + 4 * small_floats(&net->plan);
    net->memory.total_bytes =
        net->memory.parameter_bytes + net->memory.scratch_bytes + net->memory.activation_bytes;
    return NAS_OK;
}

static nas_status check_memory(const nas_net *net)
{
    const nas_device_info *info = nas_device_describe(net->device);
    if (info->memory_bytes && net->memory.total_bytes > info->memory_bytes)
        NAS_FAIL(NAS_DEVICE_MEMORY,
                 "the network needs %.1f MiB (%.1f activations, %.1f parameters) and %s has "
                 "%.1f MiB; make the batch or the network smaller, or "
                 "cut the batch (train.micro_batches)",
                 (double)net->memory.total_bytes / 1048576.0,
                 (double)net->memory.activation_bytes / 1048576.0,
                 (double)net->memory.parameter_bytes / 1048576.0, info->name,
                 (double)info->memory_bytes / 1048576.0);
    return NAS_OK;
}

static nas_tensor take(nas_buffer *buffer, uint64_t *at, uint64_t count)
{
    nas_tensor tensor = {.buffer = buffer, .at = *at, .count = count};
    *at += round_up(count);
    return tensor;
}

static nas_status make_small(nas_net *net)
{
    const uint64_t floats = small_floats(&net->plan), widest = (uint64_t)net->plan.widest;
    const uint64_t gates = (uint64_t)nas_graph_gates(&net->graph), words = label_words(&net->plan);
    const uint64_t metrics = (uint64_t)slots_of(&net->plan.options) * METRIC_FLOATS;
    const float one = 1.0f;
    uint64_t at = 0;
    NAS_TRY(nas_buffer_create(net->device, 4 * floats, "net small", &net->small));
    net->step = take(net->small, &at, STEP_FLOATS);
    net->labels = take(net->small, &at, words * (uint64_t)net->plan.shards);
    net->metrics = take(net->small, &at, metrics);
    net->ones = take(net->small, &at, widest);
    net->zeros = take(net->small, &at, widest);
    if (gates > 0)
        net->gates = take(net->small, &at, gates);
    for (int i = 0; i < net->plan.shards; i++) {
        nas__shard *shard = &net->shards[i];
        shard->labels = nas_tensor_view(net->labels, (uint64_t)i * words, words);
        shard->metrics = net->plan.shards > 1 ? take(net->small, &at, metrics) : net->metrics;
    }
    for (int i = 0; i < net->plan.shards && gates > 0; i++)
        net->shards[i].gate_gradients = take(net->small, &at, gates);
    NAS_TRY(nas_buffer_fill(net->small, 4 * net->ones.at, 4 * widest, &one, sizeof one));
    return nas_buffer_fill(net->small, 4 * net->gates.at, 4 * gates, &one, sizeof one);
}

static nas_status commit(nas_net *net)
{
    NAS_TRY(nas_arena_commit(net->shared));
    for (int i = 0; i < net->plan.shards; i++)
        NAS_TRY(nas_arena_commit(net->shards[i].arena));
    return NAS_OK;
}

static nas_status record(nas_net *net)
{
    NAS_TRY(nas_tape_create(net->device, "evaluate", &net->evaluate));
    NAS_TRY(nas__record_forward(net, false, net->evaluate));
    if (!net->plan.options.training)
        return NAS_OK;
    NAS_TRY(nas_tape_create(net->device, "forward", &net->forward));
    NAS_TRY(nas__record_forward(net, true, net->forward));
    NAS_TRY(nas_tape_create(net->device, "backward", &net->backward));
    NAS_TRY(nas__record_backward(net, NAS__ALL, net->backward));
    if (net->gates.buffer) {
        NAS_TRY(nas_tape_create(net->device, "backward of the gates", &net->backward_gates));
        NAS_TRY(nas__record_backward(net, NAS__GATES, net->backward_gates));
    }
    if (!net->plan.options.input_gradient || net->plan.auxiliary_from < net->plan.auxiliary_to)
        return NAS_OK; /* auxiliary heads have nothing to begin from */
    NAS_TRY(nas_tape_create(net->device, "backward from the output", &net->backward_output));
    return nas__record_backward(net, NAS__FROM_OUTPUT, net->backward_output);
}

nas_status nas_net_create(nas_device *device, const nas_graph *graph,
                          const nas_net_options *options, nas_net **net)
{
    nas_status status = NAS_OK;
    nas_net *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a net");
    made->device = device;
    made->runs = true;
    NAS_TRY_DONE(prepare(made, graph, options));
    NAS_TRY_DONE(check_memory(made));
    NAS_TRY_DONE(commit(made));
    NAS_TRY_DONE(nas__net_bind(made));
    NAS_TRY_DONE(make_small(made));
    NAS_TRY_DONE(record(made));
    if (options->paths)
        NAS_TRY_DONE(nas__net_make_masks(made));
    *net = made;
done:
    if (status != NAS_OK)
        nas_net_destroy(made);
    return status;
}

void nas_net_destroy(nas_net *net)
{
    if (!net)
        return;
    nas_tape_destroy(net->forward);
    nas_tape_destroy(net->backward);
    nas_tape_destroy(net->backward_gates);
    nas_tape_destroy(net->backward_output);
    nas_tape_destroy(net->evaluate);
    nas_buffer_destroy(net->parameters);
    nas_buffer_destroy(net->gradients);
    nas_buffer_destroy(net->states);
    nas_buffer_destroy(net->small);
    nas_buffer_destroy(net->masks);
    free(net->open);
    nas_buffer_destroy(net->shard_gradients);
    destroy_arenas(net);
    nas__plan_clear(&net->plan);
    nas_graph_clear(&net->graph);
    free(net->list);
    free(net);
}

nas_status nas_net_measure(nas_device *device, const nas_graph *graph,
                           const nas_net_options *options, nas_net_memory *memory)
{
    nas_net *net = calloc(1, sizeof *net);
    if (!net)
        NAS_FAIL(NAS_MEMORY, "no memory for a net");
    net->device = device;
    nas_status status = prepare(net, graph, options);
    if (status == NAS_OK)
        *memory = net->memory;
    nas_net_destroy(net);
    return status;
}

/* ---- getters ---- */

const nas_graph *nas_net_graph(const nas_net *net)
{
    return &net->graph;
}

nas_device *nas_net_device(const nas_net *net)
{
    return net->device;
}

const nas_net_options *nas_net_options_of(const nas_net *net)
{
    return &net->plan.options;
}

void nas_net_memory_of(const nas_net *net, nas_net_memory *memory)
{
    *memory = net->memory;
}

int nas_net_shard_count(const nas_net *net)
{
    return net->plan.shards;
}

nas_net_shard nas_net_shard_at(const nas_net *net, int shard)
{
    const nas__plan *plan = &net->plan;
    const nas__home *output = &plan->homes[plan->output_home];
    const int features = plan->features_home;
    return (nas_net_shard){
        .first = net->shards[shard].first,
        .real = net->shards[shard].real,
        .input = nas__home_z(net, shard, 0),
        .output = nas__home_z(net, shard, plan->output_home),
        .output_gradient = nas__reserved(net, shard, output->g),
        .input_gradient = nas__reserved(net, shard, plan->homes[0].g),
        .features = features == NAS__NONE ? (nas_tensor){0} : nas__home_z(net, shard, features),
    };
}

nas_tensor nas_net_input(const nas_net *net)
{
    return nas_net_shard_at(net, 0).input;
}

int nas_net_label_rows(const nas_net *net, nas_label *first, nas_label *others)
{
    if (first)
        *first = net->plan.label_first;
    if (others)
        *others = net->plan.label_others;
    return net->plan.label_rows;
}

nas_tensor nas_net_labels(const nas_net *net)
{
    return net->labels;
}

nas_tensor nas_net_output(const nas_net *net)
{
    return nas_net_shard_at(net, 0).output;
}

nas_tensor nas_net_output_gradient(const nas_net *net)
{
    return nas_net_shard_at(net, 0).output_gradient;
}

nas_tensor nas_net_input_gradient(const nas_net *net)
{
    return nas_net_shard_at(net, 0).input_gradient;
}

nas_tensor nas_net_features(const nas_net *net)
{
    return nas_net_shard_at(net, 0).features;
}

nas_tensor nas_net_step_block(const nas_net *net)
{
    return net->step;
}

nas_tensor nas_net_metrics(const nas_net *net)
{
    return net->metrics;
}

nas_tensor nas_net_gates(const nas_net *net)
{
    return net->gates;
}

nas_tensor nas_net_gate_gradients(const nas_net *net)
{
    return net->shards[0].gate_gradients;
}

nas_net_block nas_net_parameters(const nas_net *net)
{
    return net->block;
}

int nas_net_parameter_count(const nas_net *net)
{
    return net->list_count;
}

const nas_net_parameter *nas_net_parameter_at(const nas_net *net, int index)
{
    return index >= 0 && index < net->list_count ? &net->list[index] : NULL;
}

/* ---- running ---- */

nas_status nas_net_set_step(nas_net *net, const nas_step *step)
{
    return nas_buffer_fill(net->small, 4 * net->step.at, sizeof *step, step, sizeof *step);
}

static nas_status run(const nas_net *net, nas_tape *tape, const char *what)
{
    if (!tape)
        NAS_FAIL(NAS_FAILED, "%s: this net was created for evaluation only", what);
    if (!net->runs)
        NAS_FAIL(NAS_FAILED,
                 "%s: the path has two candidates of a row, and this net has memory for one", what);
    return nas_tape_run(tape);
}

nas_status nas_net_forward(nas_net *net)
{
    return run(net, net->forward, "forward");
}

nas_status nas_net_backward(nas_net *net)
{
    return run(net, net->backward, "backward");
}

nas_status nas_net_backward_gates(nas_net *net)
{
    if (!net->gates.buffer)
        NAS_FAIL(NAS_FAILED, "backward of the gates: no node of this network has gates");
    return run(net, net->backward_gates, "backward of the gates");
}

nas_status nas_net_backward_output(nas_net *net)
{
    if (!net->plan.options.input_gradient)
        NAS_FAIL(NAS_FAILED, "backward from the output: this net keeps no input gradient");
    return run(net, net->backward_output, "backward from the output");
}

nas_status nas_net_evaluate(nas_net *net)
{
    return run(net, net->evaluate, "evaluate");
}
