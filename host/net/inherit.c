/* inherit.c - a network begins with the weights of another one, its parent (Net2Net, 1511.05641).
 *
 * descent.c says which channel of the parent each channel carries; here the parameters follow:
 *
 *   convolution, dense   weights by output and input channel.  Inputs that repeat one channel share its weight, in parts drawn for
 *                        each of them (0.5 … 1.5, scaled to sum 1), so that the sum is the old one and the copies go their own
 *                        ways in training; equal parts would keep them equal for ever.  Inputs that the parent does not have get 0.
 *                        A larger kernel has the old one in its middle and zeros around it, a smaller one is cut
 *   norm                 scale, shift and running statistics by channel
 *   inserted             convolution: the identity.  Norm: statistics of its input, taken for Gaussian behind the last norm,
 *                        and the scale and shift that undo them: the identity in evaluation whatever the statistics are, and
 *                        nearly so in training.  A norm at the end of a branch that is added to something old: scale 0
 *   all else             keeps the values that it was initialised with
 *
 * So wider, deeper and larger kernels leave the function alone, to rounding, in evaluation, if activations that were inserted let
 * through what comes out of such an activation (relu does), and inputs of sums have norms; other edits copy what fits.
 *
 * Layout: the parent's file; values of the child; layers again; inserted layers and moments; the whole. */
#include "inherit.h"
#include "net_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum value_source { COPIED, SET } value_source;

typedef struct inheriting {
    nas_net *net;
    nas_graph parent;
    nas_safetensors file;
    nas__descent descent;
    float *trained, *states; /* the child's blocks, on the host */
    double **mean,
        **variance; /* [node][channel] of values in training, as far as they can be guessed */
    nas_random random;
    nas_inheritance count;
} inheriting;

/* ---- the parent's file ------------------------------------------------------------------------------------------------- */

static nas_status read_parent(inheriting *h, const char *path)
{
    NAS_TRY(nas_safetensors_read(path, &h->file));
    const char *text = nas_safetensors_value(&h->file, "graph");
    if (!text)
        NAS_FAIL(NAS_DATA, "%s: no graph in it, so nothing can be taken over from it", path);
    return nas_graph_parse(text, path, &h->parent);
}

/* Parameter `which` of the parent's node, NULL when it has no tensor. */
static const float *parent_values(const inheriting *h, int node, int which)
{
    nas_parameter list[NAS_OP_PARAMETERS];
    if (which >= nas_node_parameters(&h->parent, node, list) || !list[which].rank)
        return NULL;
    const nas_safetensor *tensor = nas_parameter_find(&h->file, node, &list[which]);
    return tensor ? tensor->data : NULL;
}

/* The file has every parameter that its graph says, as large as it says. */
static nas_status check_parent(const inheriting *h, const char *path)
{
    for (int node = 1; node < h->parent.count; node++) {
        nas_parameter list[NAS_OP_PARAMETERS];
        int count = nas_node_parameters(&h->parent, node, list);
        for (int p = 0; p < count; p++) {
            char name[64];
            nas_parameter_name(node, &list[p], name, sizeof name);
            const nas_safetensor *tensor = nas_safetensors_find(&h->file, name);
            if (list[p].rank && !(tensor && nas_parameter_fits(&list[p], tensor)))
                NAS_FAIL(NAS_DATA, "%s: tensor %s is missing, or not as its graph says", path,
                         name);
        }
    }
    return NAS_OK;
}

/* ---- values of the child -------------------------------------------------------------------------------------------------- */

static float *child_values(const inheriting *h, const nas_net_parameter *entry)
{
    return entry ? (entry->spec.trained ? h->trained : h->states) + entry->tensor.at : NULL;
}

static void put(inheriting *h, const nas_net_parameter *entry, uint64_t at, double value,
                value_source source)
{
    child_values(h, entry)[at] = (float)value;
    h->count.copied += entry->spec.trained && source == COPIED;
    h->count.set += entry->spec.trained && source == SET;
}

static void put_all(inheriting *h, int node, int which, double value)
{
    const nas_net_parameter *entry = nas__net_parameter(h->net, node, which);
    for (uint64_t i = 0; entry && i < entry->tensor.count; i++)
        put(h, entry, i, value, SET);
}

static int channels_of(const nas_graph *graph, int node)
{
    return graph->nodes[node].shape.c;
}

/* ---- layers that the parent has ----------------------------------------------------------------------------------------------- */

/* One layer's weights and the parent's. */
typedef struct handing {
    const nas_net_parameter *entry;
    const float *old;
    nas__weight w, v; /* of the child, of the parent */
    int inputs,
        plane; /* input channels; values of one in a row of weights (dense layers behind images) */
    int old_inputs;
    const int *in_from;  /* the parent's channel of each input channel; NULL: by number */
    double *share, *sum; /* [inputs], [old_inputs] */
    int *copies;         /* [old_inputs] */
} handing;

static int old_input(const handing *g, int i)
{
    return g->in_from ? g->in_from[i] : nas__channel_again(i, g->old_inputs);
}

/* The share of each input channel in the weight of the parent's that it repeats, for one output channel. */
static void draw_shares(inheriting *h, const handing *g)
{
    memset(g->sum, 0, (size_t)g->old_inputs * sizeof *g->sum);
    for (int i = 0; i < g->inputs; i++) {
        int old = old_input(g, i);
        g->share[i] = old >= 0 && g->copies[old] > 1 ? 0.5 + nas_random_uniform(&h->random) : 1;
        if (old >= 0)
            g->sum[old] += g->share[i];
    }
    for (int i = 0; i < g->inputs; i++)
        if (old_input(g, i) >= 0)
            g->share[i] /= g->sum[old_input(g, i)];
}

/* The kernel of one output and one input; `old` NULL: an input that the parent does not have. */
static void hand_kernel(inheriting *h, const handing *g, uint64_t at, const float *old,
                        double share)
{
    const int down = (g->w.height - g->v.height) / 2, right = (g->w.width - g->v.width) / 2;
    for (int y = 0; y < g->w.height; y++)
        for (int x = 0; x < g->w.width; x++, at++) {
            int v = y - down, u = x - right;
            bool inside = old && v >= 0 && v < g->v.height && u >= 0 && u < g->v.width;
            put(h, g->entry, at, inside ? share * (double)old[v * g->v.width + u] : 0,
                inside ? COPIED : SET);
        }
}

static void hand_rows(inheriting *h, const handing *g, const int *out_from)
{
    const uint64_t taps = (uint64_t)(g->w.height * g->w.width);
    const uint64_t old_taps = (uint64_t)(g->v.height * g->v.width);
    for (int o = 0; o < g->w.out; o++) {
        if (out_from[o] < 0)
            continue;
        if (!g->w.depthwise)
            draw_shares(h, g);
        for (int i = 0; i < g->w.in; i++) {
            int channel = i / g->plane, old = g->w.depthwise ? 0 : old_input(g, channel);
            uint64_t row = (uint64_t)out_from[o] * (uint64_t)g->v.in;
            const float *kernel =
                g->old + (row + (uint64_t)(old * g->plane + i % g->plane)) * old_taps;
            hand_kernel(h, g, ((uint64_t)o * (uint64_t)g->w.in + (uint64_t)i) * taps,
                        old < 0 ? NULL : kernel, g->w.depthwise ? 1 : g->share[channel]);
        }
    }
}

/* Weights can be handed over channel by channel: full and depthwise convolutions, dense layers behind images of one size. */
static bool can_hand(const inheriting *h, int c, handing *g)
{
    const nas__heir *heir = &h->descent.heirs[c];
    const int input = h->net->graph.nodes[c].inputs[0];
    const int old = h->parent.nodes[heir->of].inputs[0];
    g->entry = nas__net_parameter(h->net, c, 0);
    g->old = parent_values(h, heir->of, 0);
    if (!nas__weight_of(&h->net->graph, c, &g->w) || !nas__weight_of(&h->parent, heir->of, &g->v) ||
        !g->entry || !g->old)
        return false;
    g->inputs = channels_of(&h->net->graph, input);
    g->old_inputs = channels_of(&h->parent, old);
    g->plane = g->w.depthwise ? 1 : g->w.in / g->inputs;
    g->in_from = heir->extra[0] ? NULL : h->descent.heirs[input].from;
    return g->w.depthwise ||
           (g->plane > 0 && g->plane * g->inputs == g->w.in && g->plane * g->old_inputs == g->v.in);
}

static nas_status hand_weight(inheriting *h, int c)
{
    handing g = {0};
    if (!can_hand(h, c, &g))
        return NAS_OK;
    g.share = malloc((size_t)g.inputs * sizeof *g.share);
    g.sum = malloc((size_t)g.old_inputs * sizeof *g.sum);
    g.copies = calloc((size_t)g.old_inputs, sizeof *g.copies);
    bool room = g.share && g.sum && g.copies;
    for (int i = 0; room && i < g.inputs; i++)
        if (old_input(&g, i) >= 0)
            g.copies[old_input(&g, i)]++;
    if (room)
        hand_rows(h, &g, h->descent.heirs[c].from);
    free(g.share);
    free(g.sum);
    free(g.copies);
    if (!room)
        NAS_FAIL(NAS_MEMORY, "no memory for weights that are taken over");
    return NAS_OK;
}

/* Biases, scales, shifts, statistics: one value per channel. */
static void hand_vector(inheriting *h, int c, int which)
{
    const nas__heir *heir = &h->descent.heirs[c];
    const nas_net_parameter *entry = nas__net_parameter(h->net, c, which);
    const float *old = parent_values(h, heir->of, which);
    if (!entry || !old || entry->spec.rank != 1 ||
        entry->spec.dims[0] != channels_of(&h->net->graph, c))
        return;
    for (int i = 0; i < entry->spec.dims[0]; i++)
        if (heir->from[i] >= 0)
            put(h, entry, (uint64_t)i, (double)old[heir->from[i]], COPIED);
}

/* ---- inserted layers ----------------------------------------------------------------------------------------------------------------- */

/* Output o hands on the first input that carries the same channel as it. */
static int source_of(const inheriting *h, int c, int o, bool depthwise)
{
    const int input = h->net->graph.nodes[c].inputs[0];
    const int *from = h->descent.heirs[input].from, inputs = channels_of(&h->net->graph, input);
    int i = o < inputs ? o : o % inputs;
    if (depthwise || from[i] == h->descent.heirs[c].from[o])
        return i;
    for (i = 0; i < inputs && from[i] != h->descent.heirs[c].from[o]; i++)
        ;
    return i < inputs ? i : 0;
}

static void make_identity(inheriting *h, int c)
{
    const nas_net_parameter *entry = nas__net_parameter(h->net, c, 0);
    nas__weight w;
    if (!entry || !nas__weight_of(&h->net->graph, c, &w))
        return;
    put_all(h, c, 0, 0);
    const int taps = w.height * w.width, middle = w.height / 2 * w.width + w.width / 2;
    for (int o = 0; o < w.out; o++) {
        int i = w.depthwise ? 0 : source_of(h, c, o, false);
        child_values(
            h, entry)[((size_t)o * (size_t)w.in + (size_t)i) * (size_t)taps + (size_t)middle] = 1;
    }
}

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VARIANCE };

static nas_status epsilon_of(const nas_node *node, double *epsilon)
{
    nas_value group = {0};
    nas_status status = nas_options_value(&node->op->kind, node->options.bytes, &group);
    const nas_value *value = status == NAS_OK ? nas_value_member(&group, "epsilon") : NULL;
    *epsilon = value ? value->real : 0;
    nas_value_clear(&group);
    return status;
}

/* Statistics, and the scale and shift that undo them; without scale and shift, statistics that do nothing. */
static nas_status undo_norm(inheriting *h, int c)
{
    const int input = h->net->graph.nodes[c].inputs[0];
    const nas_net_parameter *p[NAS_OP_PARAMETERS];
    double epsilon;
    NAS_TRY(epsilon_of(&h->net->graph.nodes[c], &epsilon));
    for (int k = 0; k < NAS_OP_PARAMETERS; k++)
        p[k] = nas__net_parameter(h->net, c, k);
    bool affine = p[GAMMA] && p[BETA];
    for (int i = 0; i < channels_of(&h->net->graph, c); i++) {
        double mean = affine ? h->mean[input][i] : 0;
        double variance = affine ? fmax(h->variance[input][i], 1e-3) : 1 - epsilon;
        if (p[RUNNING_MEAN] && p[RUNNING_VARIANCE]) {
            put(h, p[RUNNING_MEAN], (uint64_t)i, mean, SET);
            put(h, p[RUNNING_VARIANCE], (uint64_t)i, variance, SET);
        }
        if (affine) {
            put(h, p[GAMMA], (uint64_t)i, sqrt((double)(float)variance + epsilon), SET);
            put(h, p[BETA], (uint64_t)i, mean, SET);
        }
    }
    return NAS_OK;
}

static nas_status fill_node(inheriting *h, int c)
{
    const nas_node *node = &h->net->graph.nodes[c];
    const nas__heir *heir = &h->descent.heirs[c];
    if (heir->of != NAS__NOBODY) {
        if (node->op->channels == NAS_CHANNELS_MIXED)
            NAS_TRY(hand_weight(h, c));
        for (int p = 0; p < NAS_OP_PARAMETERS; p++)
            hand_vector(h, c, p);
    } else if (heir->silent) {
        put_all(h, c, GAMMA, 0);
    } else if (heir->through && node->op->channels == NAS_CHANNELS_MIXED) {
        make_identity(h, c);
    } else if (heir->through && node->op->view == NAS_VIEW_NORM) {
        return undo_norm(h, c);
    }
    return NAS_OK;
}

/* ---- moments: mean and variance of each channel in training, for norms that are inserted ---------------------------------------------- */

/* Of activation(x), x Gaussian: by the midpoint rule over ±4 standard deviations. */
static void activate(const nas_node *node, double *mean, double *variance)
{
    enum { POINTS = 64 };
    nas_activation kind;
    float slope;
    double sum = 0, first = 0, second = 0, deviation = sqrt(*variance);
    nas_activation_of(node->options.bytes, &kind, &slope);
    for (int k = 0; k < POINTS; k++) {
        double z = -4 + 8 * (k + 0.5) / POINTS, weight = exp(-z * z / 2);
        double y = nas_activation_value(kind, (double)slope, *mean + z * deviation);
        sum += weight;
        first += weight * y;
        second += weight * y * y;
    }
    *mean = first / sum;
    *variance = fmax(second / sum - *mean * *mean, 0);
}

static void norm_moments(const inheriting *h, int c, int i, double *mean, double *variance)
{
    const float *gamma = child_values(h, nas__net_parameter(h->net, c, GAMMA));
    const float *beta = child_values(h, nas__net_parameter(h->net, c, BETA));
    *mean = beta ? (double)beta[i] : 0;
    *variance = gamma ? (double)gamma[i] * (double)gamma[i] : 1;
}

/* Channel i of node c; what cannot be guessed has mean 0 and variance 1. */
static void guess_moments(const inheriting *h, int c, int i, double *mean, double *variance)
{
    const nas_graph *graph = &h->net->graph;
    const nas_node *node = &graph->nodes[c];
    nas__weight weight;
    int at = i, input = node->inputs[0];
    *mean = 0;
    *variance = 1;
    if (node->op->view == NAS_VIEW_NORM) {
        norm_moments(h, c, i, mean, variance);
        return;
    }
    if (node->op->channels == NAS_CHANNELS_OWN ||
        (node->op->channels == NAS_CHANNELS_MIXED && !h->descent.heirs[c].through))
        return;
    if (nas__weight_of(graph, c, &weight))
        at = source_of(h, c, i, weight.depthwise);
    for (int k = 0; node->op->channels == NAS_CHANNELS_JOINED && at >= channels_of(graph, input);) {
        at -= channels_of(graph, input);
        input = node->inputs[++k];
    }
    *mean = h->mean[input][at];
    *variance = h->variance[input][at];
    for (int k = 1; strcmp(node->op->kind.name, "add") == 0 && k < node->input_count; k++) {
        *mean += h->mean[node->inputs[k]][i];
        *variance += h->variance[node->inputs[k]][i];
    }
    if (node->op->view == NAS_VIEW_ACTIVATION)
        activate(node, mean, variance);
}

static nas_status take_moments(inheriting *h, int c)
{
    const size_t channels = (size_t)channels_of(&h->net->graph, c);
    h->mean[c] = malloc(channels * sizeof **h->mean);
    h->variance[c] = malloc(channels * sizeof **h->variance);
    if (!h->mean[c] || !h->variance[c])
        NAS_FAIL(NAS_MEMORY, "no memory for weights that are taken over");
    for (size_t i = 0; i < channels; i++) {
        h->mean[c][i] = 0;
        h->variance[c][i] = 1;
        if (c)
            guess_moments(h, c, (int)i, &h->mean[c][i], &h->variance[c][i]);
    }
    return NAS_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------- */

static nas_status read_block(nas_tensor block, float **values)
{
    *values = calloc((size_t)block.count + 1, sizeof **values);
    if (!*values)
        NAS_FAIL(NAS_MEMORY, "no memory for weights that are taken over");
    return block.count ? nas_tensor_read(block, *values) : NAS_OK;
}

static nas_status fill(inheriting *h)
{
    nas_net *net = h->net;
    const size_t nodes = (size_t)net->graph.count;
    NAS_TRY(read_block(net->block.parameters, &h->trained));
    NAS_TRY(read_block(net->block.states, &h->states));
    h->mean = calloc(nodes, sizeof *h->mean);
    h->variance = calloc(nodes, sizeof *h->variance);
    if (!h->mean || !h->variance)
        NAS_FAIL(NAS_MEMORY, "no memory for weights that are taken over");
    for (int c = 0; c < net->graph.count; c++) {
        if (c)
            NAS_TRY(fill_node(h, c));
        NAS_TRY(take_moments(h, c));
    }
    if (net->block.parameters.count)
        NAS_TRY(nas_tensor_write(net->block.parameters, h->trained));
    return net->block.states.count ? nas_tensor_write(net->block.states, h->states) : NAS_OK;
}

static void clear(inheriting *h)
{
    for (int c = 0; c < h->net->graph.count; c++) {
        free(h->mean ? h->mean[c] : NULL);
        free(h->variance ? h->variance[c] : NULL);
    }
    free(h->mean);
    free(h->variance);
    free(h->trained);
    free(h->states);
    nas__descent_clear(&h->descent);
    nas_safetensors_clear(&h->file);
    nas_graph_clear(&h->parent);
}

nas_status nas_net_inherit(nas_net *net, const char *path, uint64_t seed, uint32_t key_a,
                           nas_inheritance *inheritance)
{
    nas_status status = NAS_OK;
    inheriting h = {.net = net, .random = nas_random_make(seed, NAS_STREAM_INIT, key_a, 0, 1)};
    NAS_TRY_DONE(read_parent(&h, path));
    NAS_TRY_DONE(check_parent(&h, path));
    NAS_TRY_DONE(nas__descent_make(&h.parent, &net->graph, &h.descent));
    NAS_TRY_DONE(fill(&h));
    nas_cost cost;
    nas_graph_cost(&net->graph, &cost);
    h.count.fresh = cost.parameters - h.count.copied - h.count.set;
    *inheritance = h.count;
done:
    clear(&h);
    return status;
}
