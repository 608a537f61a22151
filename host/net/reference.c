/* reference.c - a whole graph in plain C, in double precision, by the ops' own references.
 *
 * No plan, no views, no padding: every node's value is a tensor [c][h][w][batch], every node runs its reference forward, and
 * backward in reverse order adds to the gradients of its inputs.  This is what the engine is tested against, and what
 * finite differences are taken of.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct slot {
    double *value, *gradient;
    uint64_t count;
} slot;

typedef struct reference_node {
    slot output;
    slot parameters[NAS_OP_PARAMETERS];
    int parameter_count;
} reference_node;

struct nas_reference {
    nas_graph graph;
    nas_net_options options;
    int loss; /* node, or -1 */
    reference_node *nodes;
    slot gates;
    int32_t *labels;
};

static nas_status make_slot(slot *made, uint64_t count)
{
    made->count = count;
    made->value = calloc(count ? count : 1, sizeof(double));
    made->gradient = calloc(count ? count : 1, sizeof(double));
    if (!made->value || !made->gradient)
        NAS_FAIL(NAS_MEMORY, "no memory for a reference tensor of %llu numbers",
                 (unsigned long long)count);
    return NAS_OK;
}

static void clear_slot(slot *old)
{
    free(old->value);
    free(old->gradient);
}

static nas_status make_node(nas_reference *reference, int index)
{
    reference_node *node = &reference->nodes[index];
    nas_parameter specs[NAS_OP_PARAMETERS];
    uint64_t batch = (uint64_t)reference->options.batch;
    NAS_TRY(make_slot(&node->output, nas_shape_count(reference->graph.nodes[index].shape) * batch));
    if (index == 0)
        return NAS_OK;
    node->parameter_count = nas_node_parameters(&reference->graph, index, specs);
    for (int p = 0; p < node->parameter_count; p++) {
        uint64_t count = specs[p].rank > 0 ? 1 : 0;
        for (int d = 0; d < specs[p].rank; d++)
            count *= (uint64_t)specs[p].dims[d];
        NAS_TRY(make_slot(&node->parameters[p], count));
        for (uint64_t i = 0; i < count && specs[p].init == NAS_INIT_ONE; i++)
            node->parameters[p].value[i] = 1.0;
    }
    return NAS_OK;
}

nas_status nas_reference_create(const nas_graph *graph, const nas_net_options *options,
                                nas_reference **reference)
{
    nas_status status = NAS_OK;
    nas_label first, others;
    nas_reference *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a reference net");
    made->options = *options;
    made->loss = -1;
    NAS_TRY_DONE(nas__plan_graph(graph, options, &made->graph));
    if (options->loss.op) {
        NAS_TRY_DONE(nas__add_loss(&made->graph, &options->loss));
        made->loss = made->graph.count - 1;
    }
    made->nodes = calloc((size_t)made->graph.count, sizeof *made->nodes);
    const int rows = nas__label_rows(&made->graph, &first, &others);
    made->labels = calloc((size_t)options->batch * (size_t)rows, sizeof *made->labels);
    if (!made->nodes || !made->labels) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for a reference net");
        goto done;
    }
    for (int i = 0; i < made->graph.count; i++)
        NAS_TRY_DONE(make_node(made, i));
    NAS_TRY_DONE(make_slot(&made->gates, (uint64_t)nas_graph_gates(&made->graph)));
    for (uint64_t i = 0; i < made->gates.count; i++)
        made->gates.value[i] = 1.0;
    *reference = made;
done:
    if (status != NAS_OK)
        nas_reference_destroy(made);
    return status;
}

void nas_reference_destroy(nas_reference *reference)
{
    if (!reference)
        return;
    for (int i = 0; reference->nodes && i < reference->graph.count; i++) {
        clear_slot(&reference->nodes[i].output);
        for (int p = 0; p < NAS_OP_PARAMETERS; p++)
            clear_slot(&reference->nodes[i].parameters[p]);
    }
    clear_slot(&reference->gates);
    free(reference->nodes);
    free(reference->labels);
    nas_graph_clear(&reference->graph);
    free(reference);
}

double *nas_reference_input(nas_reference *reference)
{
    return reference->nodes[0].output.value;
}

double *nas_reference_input_gradient(nas_reference *reference)
{
    return reference->nodes[0].output.gradient;
}

double *nas_reference_value(nas_reference *reference, int node)
{
    return reference->nodes[node].output.value;
}

double *nas_reference_gradient(nas_reference *reference, int node)
{
    return reference->nodes[node].output.gradient;
}

double *nas_reference_output_gradient(nas_reference *reference)
{
    return reference->nodes[reference->graph.output].output.gradient;
}

int32_t *nas_reference_labels(nas_reference *reference)
{
    return reference->labels;
}

double *nas_reference_parameter(nas_reference *reference, int node, int parameter,
                                double **gradient, uint64_t *count)
{
    reference_node *n = &reference->nodes[node];
    if (parameter >= n->parameter_count || n->parameters[parameter].count == 0)
        return NULL;
    if (gradient)
        *gradient = n->parameters[parameter].gradient;
    if (count)
        *count = n->parameters[parameter].count;
    return n->parameters[parameter].value;
}

double *nas_reference_gates(nas_reference *reference, double **gradient)
{
    if (gradient)
        *gradient = reference->gates.gradient;
    return reference->gates.count ? reference->gates.value : NULL;
}

static void fill_call(nas_reference *reference, int index, bool training, const nas_step *step,
                      nas_reference_call *call)
{
    const nas_node *node = &reference->graph.nodes[index];
    reference_node *n = &reference->nodes[index];
    *call = (nas_reference_call){.options = node->options.bytes,
                                 .node = index,
                                 .n = reference->options.batch,
                                 .training = training,
                                 .input_count = node->input_count,
                                 .out_shape = node->shape,
                                 .out = n->output.value,
                                 .gates = reference->gates.value,
                                 .gate_gradients = reference->gates.gradient,
                                 .labels = reference->labels};
    if (step)
        call->step = *step;
    nas_node_shapes(&reference->graph, index, call->in_shape);
    for (int i = 0; i < node->input_count; i++)
        call->in[i] = reference->nodes[node->inputs[i]].output.value;
    for (int p = 0; p < n->parameter_count; p++)
        call->parameters[p] = n->parameters[p].count ? n->parameters[p].value : NULL;
}

static double mean_of(const nas_reference *reference, int node)
{
    double sum = 0.0;
    for (int n = 0; n < reference->options.batch; n++)
        sum += reference->nodes[node].output.value[n];
    return sum / reference->options.batch;
}

double nas_reference_forward(nas_reference *reference, bool training, const nas_step *step)
{
    for (int i = 1; i < reference->graph.count; i++) {
        nas_reference_call call;
        fill_call(reference, i, training, step, &call);
        reference->graph.nodes[i].op->reference_forward[1](&call);
    }
    if (reference->loss < 0)
        return 0.0;
    return mean_of(reference, reference->loss);
}

double nas_reference_total_loss(const nas_reference *reference)
{
    double sum = 0.0;
    for (int i = 1; i < reference->graph.count; i++)
        if (reference->graph.nodes[i].op->view == NAS_VIEW_LOSS)
            sum += mean_of(reference, i);
    return sum;
}

static void zero_gradients(nas_reference *reference, bool keep_output)
{
    memset(reference->gates.gradient, 0, reference->gates.count * sizeof(double));
    for (int i = 0; i < reference->graph.count; i++) {
        reference_node *n = &reference->nodes[i];
        if (!keep_output || i != reference->graph.output)
            memset(n->output.gradient, 0, n->output.count * sizeof(double));
        for (int p = 0; p < n->parameter_count; p++)
            memset(n->parameters[p].gradient, 0, n->parameters[p].count * sizeof(double));
    }
}

void nas_reference_backward(nas_reference *reference, const nas_step *step)
{
    zero_gradients(reference, reference->loss < 0);
    for (int i = reference->graph.count - 1; i > 0; i--) {
        nas_reference_call call;
        reference_node *n = &reference->nodes[i];
        const nas_node *node = &reference->graph.nodes[i];
        fill_call(reference, i, true, step, &call);
        call.out_gradient = n->output.gradient;
        for (int k = 0; k < node->input_count; k++)
            call.in_gradients[k] = reference->nodes[node->inputs[k]].output.gradient;
        for (int p = 0; p < n->parameter_count; p++)
            call.parameter_gradients[p] = n->parameters[p].count ? n->parameters[p].gradient : NULL;
        node->op->reference_backward[1](&call);
    }
}

static nas_status copy_slot(slot *to, const char *name, nas_tensor from)
{
    if (to->count != from.count)
        NAS_FAIL(NAS_SHAPE, "reference and net differ in %s", name);
    float *values = malloc(to->count * sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory to copy %s", name);
    nas_status status = nas_tensor_read(from, values);
    for (uint64_t i = 0; status == NAS_OK && i < to->count; i++)
        to->value[i] = values[i];
    free(values);
    return status;
}

nas_status nas_reference_copy(nas_reference *reference, const nas_net *net)
{
    int parameter = 0;
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(net, i);
        bool again = i > 0 && nas_net_parameter_at(net, i - 1)->node == entry->node;
        parameter = again ? parameter + 1 : 0;
        if (entry->tensor.buffer)
            NAS_TRY(copy_slot(&reference->nodes[entry->node].parameters[parameter], entry->name,
                              entry->tensor));
    }
    return reference->gates.count ? copy_slot(&reference->gates, "the gates", nas_net_gates(net))
                                  : NAS_OK;
}
