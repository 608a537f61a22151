/* descent.c - which channel of its parent every channel of a child carries, and what inserted layers have to do for that.
 *
 * The idea of Net2Net (Chen, Goodfellow, Shlens, 1511.05641), for any graph: walk through the child and write down for each
 * node which value of the parent it carries, channel by channel.  Layers and joints were matched (match.c); any other node is
 * again the parent's node that does the same to the same value, and inserted where there is none.
 *
 *   wider      the new channels of a layer repeat old ones, in order and round again.  Every layer of one width repeats the same
 *              ones, so that sums of two layers still fit.  Who reads them shares out its weights (inherit.c)
 *   deeper     an inserted convolution of stride 1 hands its channels on; so do the norm and the activation behind it
 *   branch     what is added to a sum that the parent has without it starts at 0, where a norm in front allows that; what
 *              is concatenated is met by weights of 0
 *   narrower   the last channels are gone
 *
 * Where the child has something else in a place, channels are taken by their number.
 *
 * Layout: equal nodes; one node's channels; inputs and their places; the walk down; the walk up, which finds out whose value is used. */
#include "inherit.h"

#include <stdlib.h>
#include <string.h>

int nas__channel_again(int c, int parent)
{
    return c % parent;
}

static int channels_of(const nas_graph *graph, int node)
{
    return graph->nodes[node].shape.c;
}

/* ---- equal nodes ------------------------------------------------------------------------------------------------------- */

static bool has_parameters(const nas_graph *graph, int node)
{
    nas_parameter list[NAS_OP_PARAMETERS];
    return nas_node_parameters(graph, node, list) > 0;
}

static bool has_same_options(const nas_node *a, const nas_node *b)
{
    return memcmp(&a->options, &b->options, a->op->kind.instance_size) == 0;
}

/* The same function of the same values: activations that a graph has twice, and the like. */
static bool is_double(const nas__descent *d, int a, int b)
{
    const nas_node *x = &d->parent->nodes[a], *y = &d->parent->nodes[b];
    bool equal = x->op == y->op && x->input_count == y->input_count && has_same_options(x, y) &&
                 !has_parameters(d->parent, a);
    for (int k = 0; equal && k < x->input_count; k++)
        equal = d->same[x->inputs[k]] == d->same[y->inputs[k]];
    return equal;
}

static void find_doubles(nas__descent *d)
{
    d->same[0] = 0;
    for (int a = 1; a < d->parent->count; a++) {
        d->same[a] = a;
        for (int b = 1; b < a && d->same[a] == a; b++)
            if (d->same[b] == b && is_double(d, a, b))
                d->same[a] = b;
    }
}

/* The parent's node that node c, of one input, is again: one that reads the same value, of these one with the same options. */
static int find_again(const nas__descent *d, int c)
{
    const nas_node *node = &d->child->nodes[c];
    const int value = d->heirs[node->inputs[0]].value;
    int best = NAS__NOBODY;
    for (int p = 1; p < d->parent->count && value != NAS__NOBODY; p++) {
        const nas_node *other = &d->parent->nodes[p];
        if (other->op != node->op || d->same[p] != p || d->same[other->inputs[0]] != value)
            continue;
        if (best == NAS__NOBODY ||
            (has_same_options(node, other) && !has_same_options(node, &d->parent->nodes[best])))
            best = p;
    }
    return best;
}

/* ---- places: which input of the parent's node an input of the child's is ------------------------------------------- */

static bool is_inserted(const nas__descent *d, int node)
{
    return d->heirs[node].of == NAS__NOBODY;
}

/* slots[k]: input of the parent's node that carries what input k of the child's does; each is taken once, first by inputs that
 * the parent had. */
static void find_slots(const nas__descent *d, int c, int slots[NAS_OP_INPUTS])
{
    const nas_node *child = &d->child->nodes[c], *parent = &d->parent->nodes[d->heirs[c].of];
    bool taken[NAS_OP_INPUTS] = {false};
    for (int k = 0; k < child->input_count; k++)
        slots[k] = NAS__NOBODY;
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < child->input_count; k++)
            for (int s = 0; s < parent->input_count && slots[k] == NAS__NOBODY; s++)
                if (is_inserted(d, child->inputs[k]) == (round == 1) && !taken[s] &&
                    d->heirs[child->inputs[k]].value == d->same[parent->inputs[s]]) {
                    slots[k] = s;
                    taken[s] = true;
                }
}

/* Of an inserted node's inputs the one whose value goes on: an old one rather than an inserted one, a late one rather than
 * an early one.  NAS__NOBODY: none carries a value. */
static int find_carrier(const nas__descent *d, int c)
{
    const nas_node *node = &d->child->nodes[c];
    int best = NAS__NOBODY;
    for (int k = 0; k < node->input_count; k++) {
        const nas__heir *heir = &d->heirs[node->inputs[k]];
        const nas__heir *other = best < 0 ? NULL : &d->heirs[node->inputs[best]];
        bool old = !is_inserted(d, node->inputs[k]);
        bool other_old = other && !is_inserted(d, node->inputs[best]);
        if (heir->value == NAS__NOBODY)
            continue;
        if (!other || old > other_old || (old == other_old && heir->value > other->value))
            best = k;
    }
    return best;
}

/* ---- the walk down ------------------------------------------------------------------------------------------------------- */

static void take_by_number(const nas__descent *d, int c)
{
    nas__heir *heir = &d->heirs[c];
    for (int i = 0; i < channels_of(d->child, c); i++)
        heir->from[i] = nas__channel_again(i, channels_of(d->parent, heir->value));
}

static void take_from(const nas__descent *d, int c, int input)
{
    memcpy(d->heirs[c].from, d->heirs[input].from, (size_t)channels_of(d->child, c) * sizeof(int));
}

/* Channels of the child's inputs, one after the other, at their places in the parent's; `slots` NULL: only those of the
 * carrier. */
static void join(const nas__descent *d, int c, const int *slots)
{
    const nas_node *node = &d->child->nodes[c];
    nas__heir *heir = &d->heirs[c];
    int at = 0;
    for (int k = 0; k < node->input_count; k++) {
        const int *from = d->heirs[node->inputs[k]].from;
        int offset = 0;
        for (int s = 0; slots && s < slots[k]; s++)
            offset += channels_of(d->parent, d->parent->nodes[heir->of].inputs[s]);
        bool known = slots ? slots[k] != NAS__NOBODY : k == heir->carrier;
        for (int i = 0; i < channels_of(d->child, node->inputs[k]); i++)
            heir->from[at++] = known && from[i] != NAS__NOBODY ? offset + from[i] : NAS__NOBODY;
    }
}

/* A node that the parent has carries the parent's value of it. */
static void inherit_node(const nas__descent *d, int c)
{
    const nas_node *node = &d->child->nodes[c];
    nas__heir *heir = &d->heirs[c];
    nas__weight weight;
    int slots[NAS_OP_INPUTS], known = NAS__NOBODY;
    find_slots(d, c, slots);
    heir->value = d->same[heir->of];
    for (int k = node->input_count - 1; k >= 0; k--) {
        heir->extra[k] = slots[k] == NAS__NOBODY;
        known = slots[k] == NAS__NOBODY ? known : k;
    }
    bool kept = node->op->channels == NAS_CHANNELS_KEPT ||
                (nas__weight_of(d->child, c, &weight) && weight.depthwise);
    if (kept && known != NAS__NOBODY)
        take_from(d, c, node->inputs[known]);
    else if (node->op->channels == NAS_CHANNELS_JOINED && known != NAS__NOBODY)
        join(d, c, slots);
    else
        take_by_number(d, c);
}

/* Can it hand on its input: a convolution with a middle that leaves the size alone. */
static bool can_be_identity(const nas__descent *d, int c)
{
    nas__weight w;
    const int inputs = channels_of(d->child, d->child->nodes[c].inputs[0]);
    return nas__weight_of(d->child, c, &w) && (w.depthwise || w.in == inputs) && w.same_size &&
           w.height % 2 == 1 && w.width % 2 == 1;
}

/* An inserted convolution: its outputs carry the inputs that carry something, in order and round again. */
static void spread(const nas__descent *d, int c, int input)
{
    const int inputs = channels_of(d->child, input);
    const int *from = d->heirs[input].from;
    int count = 0;
    for (int i = 0; i < inputs; i++)
        count += from[i] != NAS__NOBODY;
    for (int o = 0, i = 0; o < channels_of(d->child, c) && count; o++, i++) {
        while (from[i % inputs] == NAS__NOBODY)
            i++;
        d->heirs[c].from[o] = from[i % inputs];
    }
    if (!count)
        d->heirs[c].value = NAS__NOBODY;
}

/* A node that the parent does not have carries what its input (or one of them) does, if it can. */
static void insert_node(const nas__descent *d, int c)
{
    const nas_node *node = &d->child->nodes[c];
    nas__heir *heir = &d->heirs[c];
    nas__weight weight;
    heir->carrier = find_carrier(d, c);
    if (heir->carrier == NAS__NOBODY)
        return;
    const int input = node->inputs[heir->carrier];
    bool mixed = nas__weight_of(d->child, c, &weight);
    if (node->op->channels == NAS_CHANNELS_OWN || (mixed && !can_be_identity(d, c)))
        return;
    heir->value = d->heirs[input].value;
    for (int k = 0; k < node->input_count; k++)
        heir->extra[k] = k != heir->carrier;
    if (mixed && !weight.depthwise)
        spread(d, c, input);
    else if (node->op->channels == NAS_CHANNELS_JOINED)
        join(d, c, NULL);
    else
        take_from(d, c, input);
}

/* ---- the walk up ------------------------------------------------------------------------------------------------------------ */

/* Does somebody use what inserted node c carries? */
static bool is_used(const nas__descent *d, int c)
{
    const nas_graph *g = d->child;
    bool used = c == g->output;
    for (int reader = c + 1; reader < g->count && !used; reader++) {
        const nas__heir *heir = &d->heirs[reader];
        for (int k = 0; k < g->nodes[reader].input_count && !used; k++)
            used = g->nodes[reader].inputs[k] == c && !heir->extra[k] &&
                   (heir->of != NAS__NOBODY || heir->through);
    }
    return used;
}

static int count_readers(const nas_graph *graph, int node)
{
    int count = 0;
    for (int reader = node + 1; reader < graph->count; reader++)
        for (int k = 0; k < graph->nodes[reader].input_count; k++)
            count += graph->nodes[reader].inputs[k] == node;
    return count;
}

/* The inserted norm behind which nothing but poolings and the like lie, and which nobody else reads, gives 0 at first.  Not one
 * behind an activation: at 0 that has no slope. */
static void silence(const nas__descent *d, int node)
{
    const nas_graph *g = d->child;
    while (node > 0 && is_inserted(d, node) && count_readers(g, node) == 1) {
        const nas_node *n = &g->nodes[node];
        if (n->op->view == NAS_VIEW_NORM) {
            d->heirs[node].silent = true;
            return;
        }
        if (n->op->channels != NAS_CHANNELS_KEPT || n->input_count != 1 ||
            n->op->view == NAS_VIEW_ACTIVATION)
            return;
        node = n->inputs[0];
    }
}

static void silence_extras(const nas__descent *d, int c)
{
    const nas_node *node = &d->child->nodes[c];
    if (strcmp(node->op->kind.name, "add") != 0 || d->heirs[c].value == NAS__NOBODY)
        return;
    for (int k = 0; k < node->input_count; k++)
        if (d->heirs[c].extra[k])
            silence(d, node->inputs[k]);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------- */

static nas_status make_room(nas__descent *d)
{
    d->heirs = calloc((size_t)d->child->count, sizeof *d->heirs);
    if (!d->heirs)
        NAS_FAIL(NAS_MEMORY, "no memory for a network of %d nodes", d->child->count);
    for (int c = 0; c < d->child->count; c++) {
        const int channels = channels_of(d->child, c);
        nas__heir *heir = &d->heirs[c];
        heir->of = heir->value = heir->carrier = NAS__NOBODY;
        heir->from = malloc((size_t)channels * sizeof *heir->from);
        heir->extra = calloc(NAS_OP_INPUTS, sizeof *heir->extra);
        if (!heir->from || !heir->extra)
            NAS_FAIL(NAS_MEMORY, "no memory for a network of %d nodes", d->child->count);
        for (int i = 0; i < channels; i++)
            heir->from[i] = c ? NAS__NOBODY : i;
    }
    d->heirs[0].of = d->heirs[0].value = 0;
    d->same = malloc((size_t)d->parent->count * sizeof *d->same);
    if (!d->same)
        NAS_FAIL(NAS_MEMORY, "no memory for a network of %d nodes", d->parent->count);
    find_doubles(d);
    return NAS_OK;
}

static nas_status match_layers(nas__descent *d)
{
    int *of = malloc((size_t)d->child->count * sizeof *of);
    if (!of)
        NAS_FAIL(NAS_MEMORY, "no memory for a network of %d nodes", d->child->count);
    nas_status status = nas__match(d->parent, d->child, of);
    for (int c = 1; status == NAS_OK && c < d->child->count; c++)
        d->heirs[c].of = of[c];
    free(of);
    return status;
}

nas_status nas__descent_make(const nas_graph *parent, const nas_graph *child, nas__descent *descent)
{
    nas_status status = NAS_OK;
    nas__descent d = {.parent = parent, .child = child};
    const nas_shape a = parent->nodes[0].shape, b = child->nodes[0].shape;
    if (a.c != b.c)
        NAS_FAIL(NAS_SHAPE, "a network for %d channels cannot take over one for %d", b.c, a.c);
    NAS_TRY_DONE(make_room(&d));
    NAS_TRY_DONE(match_layers(&d));
    for (int c = 1; c < child->count; c++) {
        if (!nas__is_matched(child->nodes[c].op, child->nodes[c].input_count))
            d.heirs[c].of = find_again(&d, c);
        if (is_inserted(&d, c))
            insert_node(&d, c);
        else
            inherit_node(&d, c);
    }
    for (int c = child->count - 1; c > 0; c--) {
        d.heirs[c].through =
            is_inserted(&d, c) && d.heirs[c].value != NAS__NOBODY && is_used(&d, c);
        if (!is_inserted(&d, c) || d.heirs[c].through)
            silence_extras(&d, c);
    }
    *descent = d;
    return NAS_OK;
done:
    nas__descent_clear(&d);
    return status;
}

void nas__descent_clear(nas__descent *descent)
{
    for (int c = 0; descent->heirs && c < descent->child->count; c++) {
        free(descent->heirs[c].from);
        free(descent->heirs[c].extra);
    }
    free(descent->heirs);
    free(descent->same);
    *descent = (nas__descent){0};
}
