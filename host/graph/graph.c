/* graph.c - building a graph: nodes are appended in topological order and checked as they come.
 *
 * A node keeps its operator's filled options instance, its input indices and its inferred shape, and nothing else: a
 * graph can be copied with memcpy and thrown away without asking anyone.  Options arrive as the same config notation that people
 * write, so that a space's code reads like a config ("out = 32; kernel = 3").
 *
 * Read next: text.c (the stable text form and the hash), cost.c (what a graph costs).
 */
#include <clnas/graph.h>

#include "graph_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nas_status nas_graph_init(nas_graph *graph, nas_shape input)
{
    if (input.c < 1 || input.h < 1 || input.w < 1)
        NAS_FAIL(NAS_SHAPE, "input shape %dx%dx%d: every size must be at least 1", input.c, input.h,
                 input.w);
    *graph = (nas_graph){.capacity = 16};
    graph->nodes = calloc((size_t)graph->capacity, sizeof *graph->nodes);
    if (!graph->nodes)
        NAS_FAIL(NAS_MEMORY, "no memory for a graph");
    graph->nodes[0].shape = input;
    graph->count = 1;
    return NAS_OK;
}

void nas_graph_clear(nas_graph *graph)
{
    if (!graph)
        return;
    free(graph->nodes);
    *graph = (nas_graph){0};
}

nas_status nas_graph_copy(const nas_graph *from, nas_graph *to)
{
    nas_node *nodes = calloc((size_t)from->capacity, sizeof *nodes);
    if (!nodes)
        NAS_FAIL(NAS_MEMORY, "no memory for a graph of %d nodes", from->count);
    memcpy(nodes, from->nodes, (size_t)from->count * sizeof *nodes);
    *to = *from;
    to->nodes = nodes;
    return NAS_OK;
}

void nas_node_shapes(const nas_graph *graph, int node, nas_shape shapes[NAS_OP_INPUTS])
{
    const nas_node *n = &graph->nodes[node];
    for (int i = 0; i < n->input_count; i++)
        shapes[i] = graph->nodes[n->inputs[i]].shape;
}

int nas_node_parameters(const nas_graph *graph, int node,
                        nas_parameter parameters[NAS_OP_PARAMETERS])
{
    const nas_node *n = &graph->nodes[node];
    if (!n->op || !n->op->parameters)
        return 0;
    nas_shape shapes[NAS_OP_INPUTS];
    nas_node_shapes(graph, node, shapes);
    memset(parameters, 0, NAS_OP_PARAMETERS * sizeof *parameters);
    return n->op->parameters(n->options.bytes, shapes, n->input_count, parameters);
}

int nas_graph_gates(const nas_graph *graph)
{
    int most = 0;
    for (int i = 1; i < graph->count; i++) {
        const nas_node *n = &graph->nodes[i];
        nas_shape shapes[NAS_OP_INPUTS];
        if (!n->op->gates)
            continue;
        nas_node_shapes(graph, i, shapes);
        const int wanted = n->op->gates(n->options.bytes, shapes, n->input_count, NULL);
        most = wanted > most ? wanted : most;
    }
    return most;
}

static nas_status check_inputs(const nas_graph *graph, const nas_op *op, const int *inputs,
                               int count)
{
    if (count < op->inputs_min || count > op->inputs_max)
        NAS_FAIL(NAS_SHAPE, "%s takes %d to %d inputs, not %d", op->kind.name, op->inputs_min,
                 op->inputs_max, count);
    for (int i = 0; i < count; i++)
        if (inputs[i] < 0 || inputs[i] >= graph->count)
            NAS_FAIL(NAS_SHAPE, "%s: input %d is node %d, but only nodes 0 to %d exist",
                     op->kind.name, i, inputs[i], graph->count - 1);
    return NAS_OK;
}

static nas_status grow(nas_graph *graph)
{
    if (graph->count < graph->capacity)
        return NAS_OK;
    int capacity = graph->capacity * 2;
    nas_node *nodes = realloc(graph->nodes, (size_t)capacity * sizeof *nodes);
    if (!nodes)
        NAS_FAIL(NAS_MEMORY, "no memory for a graph of %d nodes", capacity);
    graph->nodes = nodes;
    graph->capacity = capacity;
    return NAS_OK;
}

/* "out = 3; kernel = 5" as a group value. */
static nas_status parse_options(const char *options, const char *file, int line, nas_value *group)
{
    nas_text text = {0};
    nas_text_format(&text, "{ %s; }", options);
    if (options[strspn(options, " ;\t")] == '\0') {
        nas_text_reset(&text);
        nas_text_add(&text, "{ }");
    }
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_value_parse(text.data, file, line, group);
    nas_text_clear(&text);
    return status;
}

/* The next node, with its inputs; it counts when finish_node says so. */
static nas_status begin_node(nas_graph *graph, const nas_op *op, const int *inputs, int input_count,
                             nas_node **node)
{
    NAS_TRY(check_inputs(graph, op, inputs, input_count));
    NAS_TRY(grow(graph));
    *node = &graph->nodes[graph->count];
    **node = (nas_node){.op = op, .input_count = input_count};
    memcpy((*node)->inputs, inputs, (size_t)input_count * sizeof *inputs);
    return NAS_OK;
}

/* Options are filled: infers the shape. */
static nas_status finish_node(nas_graph *graph, nas_node *n, int *node)
{
    nas_shape shapes[NAS_OP_INPUTS];
    nas_node_shapes(graph, graph->count, shapes);
    NAS_TRY(n->op->infer(n->options.bytes, shapes, n->input_count, &n->shape));
    if (n->shape.c < 1 || n->shape.h < 1 || n->shape.w < 1)
        NAS_FAIL(NAS_SHAPE, "%s: output would be %dx%dx%d", n->op->kind.name, n->shape.c,
                 n->shape.h, n->shape.w);
    if (node)
        *node = graph->count;
    graph->output = graph->count++;
    return NAS_OK;
}

nas_status nas__graph_add_text(nas_graph *graph, const char *op_name, const int *inputs,
                               int input_count, const char *options, const char *file, int line,
                               int *node)
{
    const nas_op *op;
    nas_value group = {0};
    nas_status status = NAS_OK;
    nas_node *n;
    NAS_TRY(nas_op_get(op_name, &op));
    NAS_TRY(begin_node(graph, op, inputs, input_count, &n));
    NAS_TRY_DONE(parse_options(options ? options : "", file, line, &group));
    NAS_TRY_DONE(nas_options_fill(&op->kind, &group, NULL, n->options.bytes));
    NAS_TRY_DONE(finish_node(graph, n, node));
done:
    nas_value_clear(&group);
    if (status != NAS_OK)
        nas_error_add("node %d (%s): ", graph->count, op_name);
    return status;
}

nas_status nas_graph_add_like(nas_graph *graph, const nas_node *like, const int *inputs, int *node)
{
    nas_node *n;
    NAS_TRY(begin_node(graph, like->op, inputs, like->input_count, &n));
    n->options = like->options;
    nas_status status = finish_node(graph, n, node);
    if (status != NAS_OK)
        nas_error_add("node %d (%s): ", graph->count, like->op->kind.name);
    return status;
}

static nas_status add_formatted(nas_graph *graph, const char *op, const int *inputs, int count,
                                int *node, const char *options, va_list arguments)
{
    char text[1024] = "";
    if (options && nas_format_list(text, sizeof text, options, arguments) >= (int)sizeof text)
        NAS_FAIL(NAS_CONFIG, "options of %s are longer than %zu characters", op, sizeof text - 1);
    return nas__graph_add_text(graph, op, inputs, count, text, NULL, 0, node);
}

nas_status nas_graph_add(nas_graph *graph, const char *op, const int *inputs, int input_count,
                         int *node, const char *options, ...)
{
    va_list arguments;
    va_start(arguments, options);
    nas_status status = add_formatted(graph, op, inputs, input_count, node, options, arguments);
    va_end(arguments);
    return status;
}

nas_status nas_graph_then(nas_graph *graph, const char *op, int *node, const char *options, ...)
{
    int input = *node;
    va_list arguments;
    va_start(arguments, options);
    nas_status status = add_formatted(graph, op, &input, 1, node, options, arguments);
    va_end(arguments);
    return status;
}
