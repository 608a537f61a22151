/* plan.c - from a graph to homes, views and steps.
 *
 * Walks the nodes once.  batch_norm and activation nodes only change how a home is read (normalise on read); everything
 * else becomes a step that writes a home.  Where a view cannot say what a node means - a norm on something already
 * normed or activated, a norm beside raw readers, two activations in a row, a norm on the input - a copy step writes the
 * value into a home of its own first, and the rule applies to that.
 *
 * The gradient of a home is the gradient of its normed value if it has a norm.  That is why a home with a norm may have no raw
 * readers: the two would have to be kept apart.
 *
 * Read next: reserve.c (lifetimes), record_forward.c, record_backward.c.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

const nas_op *nas__step_op(const nas__plan *plan, const nas__step *step)
{
    return step->node == NAS__COPY ? NULL : plan->graph.nodes[step->node].op;
}

unsigned nas__plan_fusion(const nas__plan *plan, const nas__step *step)
{
    const nas_op *op = nas__step_op(plan, step);
    return op && !plan->options.unfused ? op->fusion : 0;
}

void nas__plan_call(const nas__plan *plan, const nas__step *step, nas_op_call *call)
{
    *call = (nas_op_call){.device = plan->device,
                          .node = step->node,
                          .n = plan->n,
                          .real = plan->n,
                          .ragged = plan->options.batch != plan->n * plan->shards,
                          .training = plan->options.training,
                          .use_clblast = plan->options.use_clblast,
                          .paths = plan->options.paths,
                          .input_count = step->input_count};
    for (int i = 0; i < step->input_count; i++)
        call->in_shape[i] = plan->homes[step->in[i].home].shape;
    call->out_shape = call->in_shape[0];
    if (step->node == NAS__COPY)
        return;
    call->options = plan->graph.nodes[step->node].options.bytes;
    call->out_shape = plan->graph.nodes[step->node].shape;
}

static int add_home(nas__plan *plan, int node, int step, nas_shape shape)
{
    nas__home *home = &plan->homes[plan->home_count];
    *home = (nas__home){.node = node,
                        .step = step,
                        .norm_node = NAS__NONE,
                        .shape = shape,
                        .first_reader = NAS__NONE,
                        .last_reader = NAS__NONE,
                        .lender = NAS__NONE,
                        .z = NAS__NONE,
                        .again = NAS__NONE,
                        .g = NAS__NONE,
                        .statistics = NAS__NONE,
                        .reductions = NAS__NONE,
                        .saliency = NAS__NONE,
                        .norm = NAS__NONE};
    if (shape.c > plan->widest)
        plan->widest = shape.c;
    return plan->home_count++;
}

static nas__step *add_step(nas__plan *plan, int node)
{
    nas__step *step = &plan->steps[plan->step_count++];
    *step = (nas__step){.node = node,
                        .home = NAS__NONE,
                        .alternative = NAS__NONE,
                        .saved = NAS__NONE,
                        .table = NAS__NONE,
                        .formed = NAS__NONE};
    for (int i = 0; i < NAS_OP_INPUTS; i++)
        step->raw_in[i] = step->plain[i] = NAS__NONE;
    return step;
}

static void read_with(nas__plan *plan, nas__step *step, const nas__view *view)
{
    step->in[step->input_count++] = *view;
    nas__home *home = &plan->homes[view->home];
    int index = (int)(step - plan->steps);
    if (home->first_reader == NAS__NONE)
        home->first_reader = index;
    home->last_reader = index;
}

/* A home of its own for a node's value. */
static nas__view copy_of(nas__plan *plan, int node)
{
    nas__view view = plan->views[node];
    nas__step *step = add_step(plan, NAS__COPY);
    read_with(plan, step, &view);
    step->home = add_home(plan, node, plan->step_count - 1, plan->homes[view.home].shape);
    return (nas__view){.home = step->home};
}

static int readers_of(const nas_graph *graph, int node)
{
    int readers = graph->output == node ? 1 : 0;
    for (int i = 1; i < graph->count; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            readers += graph->nodes[i].inputs[k] == node;
    return readers;
}

static void view_norm(nas__plan *plan, int node)
{
    int input = plan->graph.nodes[node].inputs[0];
    nas__view view = plan->views[input];
    bool alone = nas__view_raw(&view) && plan->homes[view.home].step != NAS__NONE &&
                 plan->homes[view.home].first_reader == NAS__NONE &&
                 readers_of(&plan->graph, input) == 1;
    if (!alone)
        view = copy_of(plan, input);
    plan->homes[view.home].norm_node = node;
    view.normed = true;
    plan->views[node] = view;
}

static void view_activation(nas__plan *plan, int node)
{
    int input = plan->graph.nodes[node].inputs[0];
    nas__view view = plan->views[input];
    if (view.activation != NAS_ACT_NONE)
        view = copy_of(plan, input);
    nas_activation_of(plan->graph.nodes[node].options.bytes, &view.activation, &view.slope);
    plan->views[node] = view;
}

static void run_node(nas__plan *plan, int node)
{
    const nas_node *n = &plan->graph.nodes[node];
    nas__step *step = add_step(plan, node);
    for (int i = 0; i < n->input_count; i++)
        read_with(plan, step, &plan->views[n->inputs[i]]);
    if (n->op->view != NAS_VIEW_LOSS)
        step->home = add_home(plan, node, plan->step_count - 1, n->shape);
    plan->views[node] = (nas__view){.home = step->home};
}

/* A loss reads a raw home. */
static void settle(nas__plan *plan, int node)
{
    nas__view *view = &plan->views[node];
    if (!nas__view_raw(view) || plan->homes[view->home].step == NAS__NONE)
        *view = copy_of(plan, node);
}

/* And so does who reads the network's output. */
static void settle_output(nas__plan *plan)
{
    plan->auxiliary_to = plan->step_count;
    settle(plan, plan->graph.output);
    plan->output_home = plan->views[plan->graph.output].home;
}

static bool has_auxiliary(const nas_graph *graph)
{
    for (int i = graph->output + 1; i < graph->count; i++)
        if (graph->nodes[i].op->view == NAS_VIEW_LOSS)
            return true;
    return false;
}

nas_status nas__plan_graph(const nas_graph *graph, const nas_net_options *options, nas_graph *own)
{
    NAS_TRY(nas_graph_copy(graph, own));
    if (has_auxiliary(graph) && !(options->auxiliary && options->loss.op && options->training))
        own->count = own->output + 1;
    return NAS_OK;
}

nas_status nas__add_loss(nas_graph *graph, const nas_loss *loss)
{
    int output = graph->output;
    NAS_TRY(nas_graph_add(graph, loss->op, &output, 1, NULL, "%s", loss->options));
    graph->output = output;
    return NAS_OK;
}

int nas__label_rows(const nas_graph *graph, nas_label *first, nas_label *others)
{
    int rows = 1;
    *first = *others = NAS_LABEL_CLASS;
    for (int i = graph->output; i < graph->count; i++) {
        const nas_node *node = &graph->nodes[i];
        if (node->op && node->op->labels && node->inputs[0] == graph->output)
            rows =
                node->op->labels(&node->options, graph->nodes[graph->output].shape, first, others);
    }
    return rows;
}

/* Backward runs through a step when its output's gradient matters: it has parameters, gates or an input that wants one. */
static void mark_gradients(nas__plan *plan)
{
    nas_parameter parameters[NAS_OP_PARAMETERS];
    plan->homes[0].wants_gradient = plan->options.input_gradient;
    for (int s = 0; s < plan->step_count; s++) {
        nas__step *step = &plan->steps[s];
        bool wants = false, gated = step->node != NAS__COPY && nas__step_op(plan, step)->gates;
        for (int i = 0; i < step->input_count; i++) {
            wants |= plan->homes[step->in[i].home].wants_gradient;
            gated |= plan->homes[step->in[i].home].gated;
        }
        if (step->node != NAS__COPY)
            wants |= nas_node_parameters(&plan->graph, step->node, parameters) > 0 ||
                     nas__step_op(plan, step)->gates;
        if (step->home != NAS__NONE) {
            nas__home *home = &plan->homes[step->home];
            wants |= home->norm_node != NAS__NONE;
            home->wants_gradient = wants;
            home->gated = gated;
        }
        step->backward = wants;
    }
}

/* A value that nobody reads, or only through a step, needs no backward (it gets no gradient); seen from the end. */
static void drop_dead_ends(nas__plan *plan)
{
    for (int s = plan->step_count - 1; s >= 0; s--) {
        nas__step *step = &plan->steps[s];
        if (step->home == NAS__NONE)
            continue;
        bool fed = step->home == plan->output_home;
        for (int t = s + 1; t < plan->step_count && !fed; t++)
            for (int i = 0; i < plan->steps[t].input_count; i++)
                fed |= plan->steps[t].in[i].home == step->home && nas__wants_gradient(plan, t, i);
        if (!fed) {
            step->backward = false;
            plan->homes[step->home].wants_gradient = false;
        }
    }
}

/* An input that only this step reads, through its norm alone: its gradient is the output's times a gate. */
static bool may_borrow(const nas__plan *plan, int s, int i)
{
    const nas__step *step = &plan->steps[s];
    const nas__view *view = &step->in[i];
    const nas__home *home = &plan->homes[view->home];
    return view->normed && view->activation == NAS_ACT_NONE && nas__wants_gradient(plan, s, i) &&
           home->first_reader == s && home->last_reader == s && nas__into_direct(plan, s, i) &&
           home->shape.c == plan->homes[step->home].shape.c;
}

/* Candidates whose mixed sum lends them its gradient, where that is at hand as it stands. */
static void lend_gradients(nas__plan *plan)
{
    for (int s = 0; s < plan->step_count; s++) {
        const nas__step *step = &plan->steps[s];
        if (!(nas__plan_fusion(plan, step) & NAS_FUSES_LENDING) || !step->backward ||
            plan->homes[step->home].norm_node != NAS__NONE)
            continue;
        for (int i = 0; i < step->input_count; i++)
            if (may_borrow(plan, s, i))
                plan->homes[step->in[i].home].lender = step->home;
    }
}

/* Raw, read by one step that has weights and comes later, written by a cheap step whose inputs are kept. */
static bool is_cheap(const nas__plan *plan, int index)
{
    const nas__home *home = &plan->homes[index];
    nas_shape shapes[NAS_OP_INPUTS];
    if (home->step == NAS__NONE || home->norm_node != NAS__NONE || index == plan->output_home ||
        home->first_reader == NAS__NONE || home->first_reader != home->last_reader)
        return false;
    const nas__step *writer = &plan->steps[home->step], *reader = &plan->steps[home->first_reader];
    const nas_op *op = nas__step_op(plan, writer), *its = nas__step_op(plan, reader);
    if (!op || !op->cheap || !its || its->channels != NAS_CHANNELS_MIXED || !writer->backward ||
        !reader->backward || nas__taps_saliency(plan, writer))
        return false;
    for (int i = 0; i < writer->input_count; i++)
        if (plan->homes[writer->in[i].home].cheap)
            return false;
    nas_node_shapes(&plan->graph, writer->node, shapes);
    return op->cheap(plan->graph.nodes[writer->node].options.bytes, shapes, writer->input_count);
}

/* In order, so that of two cheap steps in a row the second one's output is kept. */
static void mark_cheap(nas__plan *plan)
{
    for (int h = 0; h < plan->home_count && plan->options.training; h++) {
        plan->homes[h].cheap = is_cheap(plan, h);
        plan->cheap_homes += plan->homes[h].cheap;
    }
}

static nas_status allocate(nas__plan *plan)
{
    size_t most = 2 * (size_t)plan->graph.count + 2; /* a copy for every node at worst */
    plan->views = calloc((size_t)plan->graph.count, sizeof *plan->views);
    plan->homes = calloc(most, sizeof *plan->homes);
    plan->steps = calloc(most, sizeof *plan->steps);
    if (!plan->views || !plan->homes || !plan->steps)
        NAS_FAIL(NAS_MEMORY, "no memory to plan a network of %d nodes", plan->graph.count);
    return NAS_OK;
}

/* Without a device nobody asks for them (steps.c). */
static void make_sizes(nas__plan *plan)
{
    for (int s = 0; plan->device && s < plan->step_count; s++) {
        nas__step *step = &plan->steps[s];
        const nas_op *op = nas__step_op(plan, step);
        nas_op_call call;
        nas__plan_call(plan, step, &call);
        if (op && op->sizes)
            op->sizes(&call, &step->sizes);
    }
}

static void walk(nas__plan *plan)
{
    const nas_graph *graph = &plan->graph;
    for (int i = 1; i < graph->count; i++) {
        nas_view view = graph->nodes[i].op->view;
        if (i == graph->output + 1)
            plan->auxiliary_from = plan->step_count;
        if (view == NAS_VIEW_LOSS && graph->nodes[i].inputs[0] == graph->output)
            settle_output(plan);
        else if (view == NAS_VIEW_LOSS)
            settle(plan, graph->nodes[i].inputs[0]);
        if (view == NAS_VIEW_NORM)
            view_norm(plan, i);
        else if (view == NAS_VIEW_ACTIVATION)
            view_activation(plan, i);
        else if (view == NAS_VIEW_IDENTITY)
            plan->views[i] = plan->views[graph->nodes[i].inputs[0]];
        else
            run_node(plan, i);
        if (i == plan->options.features)
            plan->features_home = copy_of(plan, i).home;
    }
    if (!plan->options.loss.op) {
        plan->auxiliary_from = plan->step_count;
        settle_output(plan);
    }
}

static nas_status check_shards(nas__plan *plan)
{
    const int n = nas_batch_padded(plan->options.batch);
    if (plan->shards > NAS_SHARDS || n % (plan->shards * NAS_BATCH_MULTIPLE) != 0)
        NAS_FAIL(NAS_CONFIG,
                 "shards = %d: a batch of %d, padded to %d, can be cut into parts of %d samples "
                 "only, and into %d at most",
                 plan->shards, plan->options.batch, n, NAS_BATCH_MULTIPLE, NAS_SHARDS);
    if (plan->shards > 1 && plan->options.taps)
        NAS_FAIL(NAS_CONFIG, "shards = %d: taps want the whole batch in one", plan->shards);
    plan->n = n / plan->shards;
    return NAS_OK;
}

nas_status nas__plan_make(nas_device *device, const nas_graph *graph,
                          const nas_net_options *options, nas__plan *plan)
{
    nas_status status = NAS_OK;
    *plan = (nas__plan){.device = device,
                        .options = *options,
                        .shards = options->shards > 1 ? options->shards : 1,
                        .widest = 1,
                        .features_home = NAS__NONE,
                        .signs = NAS__NONE,
                        .distances = NAS__NONE};
    if (options->batch < 1)
        NAS_FAIL(NAS_CONFIG, "batch = %d: must be at least 1", options->batch);
    if (options->features < 0 || options->features >= graph->count)
        NAS_FAIL(NAS_CONFIG, "features = %d: the network has nodes 0 to %d", options->features,
                 graph->count - 1);
    NAS_TRY(check_shards(plan));
    NAS_TRY(nas__plan_graph(graph, options, &plan->graph));
    if (options->loss.op)
        NAS_TRY_DONE(nas__add_loss(&plan->graph, &options->loss));
    plan->label_rows = nas__label_rows(&plan->graph, &plan->label_first, &plan->label_others);
    NAS_TRY_DONE(allocate(plan));
    plan->views[0] = (nas__view){.home = add_home(plan, 0, NAS__NONE, graph->nodes[0].shape)};
    walk(plan);
    mark_gradients(plan);
    drop_dead_ends(plan);
    lend_gradients(plan);
    mark_cheap(plan);
    make_sizes(plan);
    if (options->paths)
        NAS_TRY_DONE(nas__plan_guards(plan));
    else
        plan->options.row_of_gate = NULL; /* lent until now */
done:
    if (status != NAS_OK)
        nas__plan_clear(plan);
    return status;
}

void nas__plan_clear(nas__plan *plan)
{
    nas_graph_clear(&plan->graph);
    free(plan->views);
    free(plan->homes);
    free(plan->steps);
    free(plan->guards);
    free(plan->row_of_gate);
    *plan = (nas__plan){0};
}

/* ---- who writes a gradient, and who is last ---- */

bool nas__wants_gradient(const nas__plan *plan, int step, int input)
{
    const nas__view *view = &plan->steps[step].in[input];
    return plan->steps[step].backward && view->activation != NAS_ACT_STEP &&
           plan->homes[view->home].wants_gradient;
}

bool nas__begins_gradient(const nas__plan *plan, int step, int input)
{
    int home = plan->steps[step].in[input].home;
    for (int i = 0; i < input; i++)
        if (plan->steps[step].in[i].home == home)
            return false;
    for (int s = step + 1; s < plan->step_count; s++)
        for (int i = 0; i < plan->steps[s].input_count; i++)
            if (plan->steps[s].in[i].home == home && nas__wants_gradient(plan, s, i))
                return false;
    return home != plan->output_home || plan->options.loss.op;
}

bool nas__gradient_begun(const nas__plan *plan, int step, int input)
{
    return plan->homes[plan->steps[step].in[input].home].loose ||
           !nas__begins_gradient(plan, step, input);
}

bool nas__completes_gradient(const nas__plan *plan, int step, int input)
{
    int home = plan->steps[step].in[input].home;
    if (plan->homes[home].loose)
        return false;
    for (int i = input + 1; i < plan->steps[step].input_count; i++)
        if (plan->steps[step].in[i].home == home)
            return false;
    for (int s = 0; s < step; s++)
        for (int i = 0; i < plan->steps[s].input_count; i++)
            if (plan->steps[s].in[i].home == home && nas__wants_gradient(plan, s, i))
                return false;
    return true;
}

bool nas__into_direct(const nas__plan *plan, int step, int input)
{
    int home = plan->steps[step].in[input].home;
    for (int i = 0; i < plan->steps[step].input_count; i++)
        if (i != input && plan->steps[step].in[i].home == home)
            return false;
    return true;
}
