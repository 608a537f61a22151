/* match.c - which layer or joint of its parent's graph one of the child's was.
 *
 * Two graphs of one space list their nodes in one order, so an edit of an architecture is an edit of a list of layers (with
 * weights that mix channels) and joints (of several inputs): some are new, some are gone, the rest are again what they were.
 * The best common order is found as for strings (Needleman and Wunsch 1970).  What a pair is worth: shapes in common, and
 * surroundings in common.  Surroundings are colours as in Weisfeiler and Lehman's test, upwards and downwards apart: colour r of
 * a node says which operators lie within r steps, without widths and kernels, which are what edits change.  So of several equal
 * layers side by side the new one is told apart.  Joints come second, and are worth more for layers that both join.  Among
 * equal ways, what comes first is matched first: a layer that was appended is the new one. */
#include "inherit.h"

#include <stdlib.h>
#include <string.h>

enum { RADIUS = 8 };

bool nas__weight_of(const nas_graph *graph, int node, nas__weight *weight)
{
    const nas_node *n = &graph->nodes[node];
    nas_parameter list[NAS_OP_PARAMETERS];
    if (!n->op || n->op->channels != NAS_CHANNELS_MIXED ||
        nas_node_parameters(graph, node, list) < 1)
        return false;
    const nas_shape in = graph->nodes[n->inputs[0]].shape, out = n->shape;
    const nas_parameter *p = &list[0];
    bool image = p->rank == 4;
    *weight = (nas__weight){.out = p->dims[0],
                            .in = p->dims[1],
                            .height = image ? p->dims[2] : 1,
                            .width = image ? p->dims[3] : 1};
    weight->depthwise = image && weight->in == 1 && in.c > 1 && out.c == in.c;
    weight->same_size = in.h == out.h && in.w == out.w;
    return true;
}

bool nas__is_matched(const nas_op *op, int inputs)
{
    return op->channels == NAS_CHANNELS_MIXED || inputs > 1;
}

/* ---- surroundings ---------------------------------------------------------------------------------------------- */

/* Colours of one graph: [RADIUS][count] each. */
typedef struct colours {
    uint64_t *up, *down;
} colours;

static uint64_t own_colour(const nas_graph *graph, int node)
{
    nas__weight weight;
    const nas_node *n = &graph->nodes[node];
    uint64_t depthwise = nas__weight_of(graph, node, &weight) && weight.depthwise;
    const char *name = n->op ? n->op->kind.name : "input";
    return nas_hash(name, strlen(name), depthwise);
}

static uint64_t mixed_colour(uint64_t a, uint64_t b)
{
    const uint64_t both[] = {a, b};
    return nas_hash(both, sizeof both, 0);
}

/* Colours of radius r from those of radius r − 1: up from the inputs, down from the readers, both in any order. */
static void widen(const nas_graph *graph, const colours *c, int r)
{
    const size_t count = (size_t)graph->count, at = (size_t)r * count;
    const uint64_t *up = c->up + at - count, *down = c->down + at - count;
    memset(c->down + at, 0, count * sizeof *c->down);
    for (int i = 0; i < graph->count; i++) {
        const nas_node *n = &graph->nodes[i];
        uint64_t inputs = 0;
        for (int k = 0; k < n->input_count; k++) {
            inputs += mixed_colour(up[n->inputs[k]], 0);
            c->down[at + (size_t)n->inputs[k]] += mixed_colour(down[i], 0);
        }
        c->up[at + (size_t)i] = mixed_colour(up[i], inputs);
    }
    for (size_t i = 0; i < count; i++)
        c->down[at + i] = mixed_colour(down[i], c->down[at + i]);
}

static nas_status paint(const nas_graph *graph, colours *c)
{
    const size_t count = (size_t)graph->count;
    c->up = malloc(RADIUS * count * sizeof *c->up);
    c->down = malloc(RADIUS * count * sizeof *c->down);
    if (!c->up || !c->down)
        NAS_FAIL(NAS_MEMORY, "no memory to compare networks of %d nodes", graph->count);
    for (int i = 0; i < graph->count; i++)
        c->up[i] = c->down[i] = own_colour(graph, i);
    for (int r = 1; r < RADIUS; r++)
        widen(graph, c, r);
    return NAS_OK;
}

/* ---- worth ----------------------------------------------------------------------------------------------------------- */

typedef struct side {
    const nas_graph *graph;
    colours colours;
    int *nodes; /* layers, or joints */
    int count;
} side;

static bool same_size(nas_shape a, nas_shape b)
{
    return a.h == b.h && a.w == b.w;
}

/* Shapes in common; 0: it cannot be the same. */
static int shape_worth(const side *parent, int p, const side *child, int c)
{
    const nas_node *a = &parent->graph->nodes[p], *b = &child->graph->nodes[c];
    const nas_shape before_a = parent->graph->nodes[a->inputs[0]].shape;
    const nas_shape before_b = child->graph->nodes[b->inputs[0]].shape;
    int places = 4 * same_size(a->shape, b->shape) + 4 * same_size(before_a, before_b);
    nas__weight v, w;
    if (a->op != b->op)
        return 0;
    if (!nas__weight_of(parent->graph, p, &v) || !nas__weight_of(child->graph, c, &w))
        return 4 + places + 2 * (a->input_count == b->input_count) + 2 * (a->shape.c == b->shape.c);
    if (v.depthwise != w.depthwise)
        return 0;
    return 16 + places + 6 * (v.out == w.out) + 6 * (v.in == w.in) +
           6 * (v.height == w.height && v.width == w.width);
}

static int colour_worth(const side *parent, int p, const side *child, int c, int above, int below)
{
    int sum = 0;
    for (int r = 1; r < RADIUS; r++) {
        size_t at = (size_t)(r * parent->graph->count + p);
        size_t other = (size_t)(r * child->graph->count + c);
        sum += above * (parent->colours.up[at] == child->colours.up[other]) +
               below * (parent->colours.down[at] == child->colours.down[other]);
    }
    return sum;
}

/* The layer or joint whose value the node's comes from; or the input. */
static int root_of(const nas_graph *graph, int node)
{
    while (node > 0 && !nas__is_matched(graph->nodes[node].op, graph->nodes[node].input_count))
        node = graph->nodes[node].inputs[0];
    return node;
}

/* How many inputs of two joints come from layers that were matched, each counted once. */
static int common_layers(const side *parent, int p, const side *child, int c, const int *of)
{
    const nas_node *a = &parent->graph->nodes[p], *b = &child->graph->nodes[c];
    bool taken[NAS_OP_INPUTS] = {false};
    int common = 0;
    for (int k = 0; k < b->input_count; k++) {
        const int root = root_of(child->graph, b->inputs[k]);
        const int layer = child->graph->nodes[root].input_count > 1 ? NAS__NOBODY : of[root];
        int s = 0;
        while (s < a->input_count && (taken[s] || layer != root_of(parent->graph, a->inputs[s])))
            s++;
        if (s < a->input_count && layer != NAS__NOBODY) {
            taken[s] = true;
            common++;
        }
    }
    return common;
}

/* A joint of the other network is worth this much; an input that they do not have in common takes from it. */
enum { JOINT = 16 };

/* What it is worth that node p of the parent is node c of the child; 0: it cannot be.  Of joints edits change what is above. */
static int worth(const side *parent, int p, const side *child, int c, const int *of)
{
    const int inputs = parent->graph->nodes[p].input_count,
              others = child->graph->nodes[c].input_count;
    int sum = shape_worth(parent, p, child, c);
    if (sum == 0)
        return 0;
    if (others == 1)
        return sum + colour_worth(parent, p, child, c, 2, 2);
    sum += colour_worth(parent, p, child, c, 1, 2) +
           4 * (JOINT + 4 * common_layers(parent, p, child, c, of) - inputs - others);
    return sum > 1 ? sum : 1;
}

/* ---- the best order ------------------------------------------------------------------------------------------------------ */

static nas_status open_side(const nas_graph *graph, side *s)
{
    s->graph = graph;
    s->nodes = malloc((size_t)graph->count * sizeof *s->nodes);
    if (!s->nodes)
        NAS_FAIL(NAS_MEMORY, "no memory to compare networks of %d nodes", graph->count);
    return paint(graph, &s->colours);
}

static void choose(side *s, bool joints)
{
    s->count = 0;
    for (int i = 1; i < s->graph->count; i++)
        if (nas__is_matched(s->graph->nodes[i].op, s->graph->nodes[i].input_count) &&
            (s->graph->nodes[i].input_count > 1) == joints)
            s->nodes[s->count++] = i;
}

static void close_side(side *s)
{
    free(s->nodes);
    free(s->colours.up);
    free(s->colours.down);
}

/* best[p][c]: worth of the best matches among the nodes p … and c …; the last row and column are 0. */
static nas_status align(const side *parent, const side *child, int *of)
{
    const size_t wide = (size_t)child->count + 1;
    int *best = calloc(((size_t)parent->count + 1) * wide, sizeof *best);
    if (!best)
        NAS_FAIL(NAS_MEMORY, "no memory to compare %d and %d nodes", parent->count, child->count);
    for (int p = parent->count - 1; p >= 0; p--)
        for (int c = child->count - 1; c >= 0; c--) {
            int *here = best + (size_t)p * wide + (size_t)c;
            int pair = worth(parent, parent->nodes[p], child, child->nodes[c], of);
            int skip = here[1] > here[wide] ? here[1] : here[wide];
            *here = pair && pair + here[wide + 1] > skip ? pair + here[wide + 1] : skip;
        }
    for (int p = 0, c = 0; p < parent->count && c < child->count;) {
        const int *here = best + (size_t)p * wide + (size_t)c;
        int pair = worth(parent, parent->nodes[p], child, child->nodes[c], of);
        if (pair && *here == pair + here[wide + 1])
            of[child->nodes[c++]] = parent->nodes[p++];
        else if (*here == here[1])
            c++;
        else
            p++;
    }
    free(best);
    return NAS_OK;
}

nas_status nas__match(const nas_graph *parent, const nas_graph *child, int *of)
{
    side a = {0}, b = {0};
    nas_status status = open_side(parent, &a);
    for (int c = 0; c < child->count; c++)
        of[c] = c ? NAS__NOBODY : 0;
    if (status == NAS_OK)
        status = open_side(child, &b);
    for (int joints = 0; joints < 2 && status == NAS_OK; joints++) {
        choose(&a, joints);
        choose(&b, joints);
        status = align(&a, &b, of);
    }
    close_side(&a);
    close_side(&b);
    return status;
}
