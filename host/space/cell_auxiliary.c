/* cell_auxiliary.c - a second classifier in the middle of a network of cells, for training alone.
 *
 * Its loss, times a weight, brings a gradient to the cells before it by a short way (Szegedy et al., arXiv 1409.4842); the final trainings
 * of NASNet, DARTS and their relatives have one behind the reduction at two thirds of the cells, of weight 0.4.  As in DARTS' code:
 *
 *     relu → average pooling 5×5, stride 3 → 1×1 to 128, norm, relu → 2×2 to 768, norm, relu → dense
 *
 * which takes 8×8 pixels to one.  Where there are fewer, windows are cut to the image (1×5 and 1×2 on sequences); where more are left than one, their mean is taken.
 *
 * It stands behind the network's output, so that all nodes before are numbered as without it and a net that only evaluates leaves it
 * away (nas_net_options.auxiliary).  Costs of a network do not count it, as papers do not. */
#include "cell.h"

enum { WINDOW = 5, STRIDE = 3, NARROW = 128, WIDE = 768, LAST = 2 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static nas_status add_relu(nas_graph *graph, int *node)
{
    return nas_graph_then(graph, "activation", node, "kind = \"relu\"");
}

static nas_status add_layer(nas_graph *graph, int *node, int out, int height, int width)
{
    NAS_TRY(nas_graph_then(graph, "conv2d", node,
                           "out = %d; kernel = %d; kernel_h = %d; padding = 0", out, width,
                           height == width ? 0 : height));
    NAS_TRY(nas_graph_then(graph, "batch_norm", node, NULL));
    return add_relu(graph, node);
}

nas_status nas__cell_auxiliary(const nas__cell_space *s, nas_graph *graph, int node)
{
    const int output = graph->count - 1;
    nas_shape shape = graph->nodes[node].shape;
    NAS_TRY(add_relu(graph, &node));
    NAS_TRY(nas_graph_then(graph, "pool", &node,
                           "kind = \"average\"; kernel = [%d, %d]; stride = %d; padding = 0",
                           smaller(WINDOW, shape.h), smaller(WINDOW, shape.w), STRIDE));
    shape = graph->nodes[node].shape;
    const int least = smaller(shape.h, shape.w);
    NAS_TRY(add_layer(graph, &node, NARROW, 1, 1));
    NAS_TRY(add_layer(graph, &node, WIDE, smaller(LAST, least),
                      smaller(LAST, s->input.h == 1 ? shape.w : least)));
    shape = graph->nodes[node].shape;
    if (shape.h > 1 || shape.w > 1)
        NAS_TRY(nas_graph_then(graph, "pool", &node, "kind = \"global_average\""));
    NAS_TRY(nas_graph_then(graph, "dense", &node, "out = %d", s->classes));
    NAS_TRY(nas_graph_then(graph, "softmax_cross_entropy", &node, "auxiliary = %.17g",
                           s->options->auxiliary));
    graph->output = output;
    return NAS_OK;
}
