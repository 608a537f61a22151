/* graph.h - a network as plain data: nodes in topological order, no device, no pointers to elsewhere.
 *
 * Spaces make graphs; nets, exporters, pictures and latency tables consume them.  Shapes are inferred as nodes are
 * added, so a graph that exists is a graph that fits.  The text form is stable: it is what a study records, what hashes
 * are taken of, and `nas_graph_parse` reads it back:
 *
 *     input 1x28x28
 *     1 conv2d(0) out = 16; kernel = 3
 *     2 batch_norm(1)
 *     3 activation(2) kind = "relu"
 */
#ifndef CLNAS_GRAPH_H
#define CLNAS_GRAPH_H

#include <clnas/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One operator at work in a graph. */
typedef struct nas_node {
    const nas_op *op;          /* NULL: the input, node 0 */
    int inputs[NAS_OP_INPUTS]; /* nodes before this one */
    int input_count;
    nas_shape shape; /* of the output */
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options; /* the op's instance */
} nas_node;

/* A network; a zeroed one is empty. */
typedef struct nas_graph {
    nas_node *nodes; /* owned; [0] is the input */
    int count, capacity;
    int output; /* node whose value is the network's (logits); the last node unless set */
} nas_graph;

/* A graph with its input node (index 0).  A zeroed nas_graph is empty and may be cleared. */
NAS_API nas_status nas_graph_init(nas_graph *graph, nas_shape input);
NAS_API void nas_graph_clear(nas_graph *graph);
/* Deep; `to` is overwritten. */
NAS_API nas_status nas_graph_copy(const nas_graph *from, nas_graph *to);
/* Appends a node; `options` is printf-style config text ("out = %d; kernel = 3") or NULL.  Fails with NAS_SHAPE when the
 * shapes do not fit, NAS_CONFIG when the options are wrong.  `*node` gets the index. */
NAS_API nas_status nas_graph_add(nas_graph *graph, const char *op, const int *inputs,
                                 int input_count, int *node, const char *options, ...)
    NAS_PRINTF(6, 7);
/* The same with the operator and options of another graph's node. */
NAS_API nas_status nas_graph_add_like(nas_graph *graph, const nas_node *like, const int *inputs,
                                      int *node);
/* Shorthand for one input. */
NAS_API nas_status nas_graph_then(nas_graph *graph, const char *op, int *node, const char *options,
                                  ...) NAS_PRINTF(4, 5);

/* Sums over the nodes up to the output: trained parameters, MACs and activation bytes per sample. */
NAS_API void nas_graph_cost(const nas_graph *graph, nas_cost *cost);
NAS_API void nas_node_cost(const nas_graph *graph, int node, nas_cost *cost); /* of one */
/* Of its inputs. */
NAS_API void nas_node_shapes(const nas_graph *graph, int node, nas_shape shapes[NAS_OP_INPUTS]);
/* What its operator wants; returns how many. */
NAS_API int nas_node_parameters(const nas_graph *graph, int node,
                                nas_parameter parameters[NAS_OP_PARAMETERS]);
/* Length of the net's gate vector; 0: no node has gates. */
NAS_API int nas_graph_gates(const nas_graph *graph);
/* The tensors of a saved network (nas_net_save): "3.weight" is parameter `weight` of node 3. */
NAS_API void nas_parameter_name(int node, const nas_parameter *spec, char *name, size_t size);
NAS_API uint64_t nas_parameter_count(const nas_parameter *spec); /* floats; 0: it has no tensor */
/* F32 of this shape? */
NAS_API bool nas_parameter_fits(const nas_parameter *spec, const nas_safetensor *tensor);
/* The tensor of that name, whatever its shape; NULL: there is none. */
NAS_API const nas_safetensor *nas_parameter_find(const nas_safetensors *file, int node,
                                                 const nas_parameter *spec);
/* The text form, appended. */
NAS_API void nas_graph_write(const nas_graph *graph, nas_text *text);
/* What stands behind the inputs of its line there: a blank and the options that are not at their defaults; nothing where all are. */
NAS_API void nas_node_write_options(const nas_node *node, nas_text *text);
/* Back, into a zeroed graph.  `file` is for messages.  NAS_CONFIG or NAS_SHAPE with file:line; the graph is then
 * empty. */
NAS_API nas_status nas_graph_parse(const char *text, const char *file, nas_graph *graph);
/* XXH3-64 of the text form: equal on every machine. */
NAS_API nas_status nas_graph_hash(const nas_graph *graph, uint64_t *hash);

#ifdef __cplusplus
}
#endif
#endif
