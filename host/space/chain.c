/* chain.c - the chain space: a sequence of layers, each one's only parent is the layer before it.
 *
 * The simplest of the survey's global spaces (arXiv 1905.01392, section 2.1; MetaQNN, 1611.02167, is one of the first
 * searches in it).  Genes: the depth, then for every layer its operation, kernel, width, stride and activation; what has a
 * single choice in the config has no gene.  The head is fixed: global average pooling and a dense layer.
 *
 *     conv      conv2d k×k                                 → batch_norm → activation
 *     sep_conv  depthwise conv2d k×k → conv2d 1×1          → batch_norm → activation
 *     dil_conv  conv2d k×k, dilation 2                     → batch_norm → activation
 *     max_pool, avg_pool   window and stride `pool`
 *     identity  no layer at all: the network is one shorter
 *
 * A row is always read as a network that makes sense; `nas__chain_resolve` below is the only place that reads rows:
 *   - the first layer is a convolution (conv where that is among the operations);
 *   - a pooling straight after a pooling, or where there is nothing left to reduce, is read as the first convolution;
 *   - no reduction takes the shorter side under `min_size`: a stride that would is read as 1;
 *   - after `hold` layers of one size the next one has the largest stride, as long as min_size allows.  Hand-made
 *     networks do the same, and without it most random chains would spend their time at full resolution.
 * The canonical form writes back what was read, and 0 where a gene had no say: layers beyond the depth, the kernel of a
 * pooling, a forced stride.  What remains invalid is only what costs more than `mmacs` million multiply-accumulates.
 *
 * Read next: chain_words.c, networks and genes in words; moves.c for what strategies do with rows; docs/recipes/new-space.md. */
#include "chain.h"
#include "space.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(chain_options, field)
static const nas_option options[] = {
    {"depth", NAS_OPTION_INT_LIST, AT(depth), "[4, 8]", 1, LAYERS_MAX, NULL, "layers: from, to"},
    {"op", NAS_OPTION_CHOICE_LIST, AT(op), "[\"conv\", \"sep_conv\", \"max_pool\"]", 0, 0,
     OP_CHOICES, "operations to choose from; at least one convolution"},
    {"kernel", NAS_OPTION_INT_LIST, AT(kernel), "[3, 5]", 1, 15, NULL,
     "kernel sizes of convolutions, odd"},
    {"width", NAS_OPTION_INT_LIST, AT(width), "[16, 32, 64]", 1, 4096, NULL,
     "output channels of convolutions"},
    {"stride", NAS_OPTION_INT_LIST, AT(stride), "[1, 2]", 1, 4, NULL, "strides of convolutions"},
    {"activation", NAS_OPTION_CHOICE_LIST, AT(activation), "[\"relu\"]", 0, 0, NAS__ACTIVATIONS,
     "activations after the batch norm of a convolution"},
    {"pool", NAS_OPTION_INT, AT(pool), "2", 2, 8, NULL, "window and stride of poolings"},
    {"min_size", NAS_OPTION_INT, AT(min_size), "4", 1, 1024, NULL,
     "no reduction takes the shorter side under this many pixels"},
    {"hold", NAS_OPTION_INT, AT(hold), "2", 0, LAYERS_MAX, NULL,
     "layers of one size after which the next is strided, while min_size allows; 0: never forced"},
    {"mmacs", NAS_OPTION_REAL, AT(mmacs), "10.0", 0, 1e9, NULL,
     "networks over this many million multiply-accumulates per sample are invalid; 0: no limit"},
    {0},
};
#undef AT

const char *const nas__chain_lot_names[LOT_COUNT] = {"op", "kernel", "width", "stride",
                                                     "activation"};

/* Where a chain stands while it is read from the front. */
typedef struct place {
    int height, width;
    int held;    /* layers of this size so far */
    bool pooled; /* the layer before was a pooling */
    bool first;
} place;

static bool is_convolution(int op)
{
    return op <= OP_DIL_CONV;
}

static bool may_reduce(const chain *c, const place *at, int stride)
{
    return nas__may_reduce(at->height, at->width, stride, (int)c->options->min_size);
}

/* ---- reading a row ---------------------------------------------------------------------------------- */

static int effective_op(const chain *c, const place *at, int op)
{
    if (at->first)
        return c->stem;
    if (is_pooling(op) && (at->pooled || !may_reduce(c, at, (int)c->options->pool)))
        return c->first_convolution;
    return op;
}

static int effective_stride(const chain *c, const place *at, int stride)
{
    int hold = (int)c->options->hold;
    if (hold > 0 && at->held >= hold && may_reduce(c, at, c->stride_max))
        return c->stride_max;
    return may_reduce(c, at, stride) ? stride : 1;
}

/* The first choice that means the same as `choice`: so a choice without effect becomes 0. */
static int canonical_choice(const chain *c, const place *at, int lot, int choice,
                            int (*effective)(const chain *, const place *, int))
{
    const nas_int_list *list = c->lots[lot];
    int meaning = effective(c, at, (int)list->item[choice]);
    for (int i = 0; i < choice; i++)
        if (effective(c, at, (int)list->item[i]) == meaning)
            return i;
    return choice;
}

/* Reads one layer (no identity) at a place and moves the place behind it. */
static void read_layer(const chain *c, place *at, const uint8_t raw[LOT_COUNT], layer *out)
{
    *out = (layer){0};
    out->genes[LOT_OP] = (uint8_t)canonical_choice(c, at, LOT_OP, raw[LOT_OP], effective_op);
    out->op = effective_op(c, at, (int)c->lots[LOT_OP]->item[raw[LOT_OP]]);
    if (is_pooling(out->op)) {
        out->stride = out->kernel = (int)c->options->pool;
    } else {
        memcpy(out->genes + LOT_KERNEL, raw + LOT_KERNEL, LOT_COUNT - LOT_KERNEL);
        out->genes[LOT_STRIDE] =
            (uint8_t)canonical_choice(c, at, LOT_STRIDE, raw[LOT_STRIDE], effective_stride);
        out->kernel = (int)c->options->kernel.item[raw[LOT_KERNEL]];
        out->width = (int)c->options->width.item[raw[LOT_WIDTH]];
        out->stride = effective_stride(c, at, (int)c->options->stride.item[raw[LOT_STRIDE]]);
        out->activation = (int)c->options->activation.item[raw[LOT_ACTIVATION]];
    }
    at->held = out->stride > 1 ? 1 : at->held + 1;
    at->height = nas__reduced(at->height, out->stride);
    at->width = nas__reduced(at->width, out->stride);
    at->pooled = is_pooling(out->op);
    at->first = false;
}

static uint8_t gene_of(const nas_arch *arch, int at)
{
    return at < 0 ? 0 : arch->genes[at];
}

static place start_of(const chain *c)
{
    return (place){.height = c->input.h, .width = c->input.w, .first = true};
}

/* The first `depth` layers of a row, identities left out; returns how many, and the place behind them. */
static int read_layers(const chain *c, const nas_arch *arch, int depth, layer layers[LAYERS_MAX],
                       place *behind)
{
    int count = 0;
    place at = start_of(c);
    for (int l = 0; l < depth; l++) {
        uint8_t raw[LOT_COUNT];
        for (int lot = 0; lot < LOT_COUNT; lot++)
            raw[lot] = gene_of(arch, c->at[l][lot]);
        if (l > 0 && c->options->op.item[raw[LOT_OP]] == OP_IDENTITY)
            continue;
        read_layer(c, &at, raw, &layers[count++]);
    }
    *behind = at;
    return count;
}

int nas__chain_resolve(const chain *c, const nas_arch *arch, layer layers[LAYERS_MAX])
{
    place behind;
    return read_layers(c, arch, c->depth_min + gene_of(arch, c->depth_at), layers, &behind);
}

static int chain_reads_size(const void *state, const nas_arch *arch, int group)
{
    layer layers[LAYERS_MAX];
    place at;
    read_layers(state, arch, group > 0 ? group - 1 : 0, layers, &at);
    return nas__side_of(((const chain *)state)->input, at.height, at.width);
}

static int identity_choice(const chain *c)
{
    for (int i = 0; i < c->options->op.count; i++)
        if (c->options->op.item[i] == OP_IDENTITY)
            return i;
    return -1;
}

/* Identities go behind the real layers, and out of the depth as far as its minimum allows. */
static void write_layers(const chain *c, const layer *layers, int count, nas_arch *arch)
{
    int depth = count > c->depth_min ? count : c->depth_min;
    *arch = (nas_arch){.count = (uint16_t)c->gene_count};
    if (c->depth_at >= 0)
        arch->genes[c->depth_at] = (uint8_t)(depth - c->depth_min);
    for (int l = 0; l < depth; l++)
        for (int lot = 0; lot < LOT_COUNT; lot++) {
            int at = c->at[l][lot];
            if (at >= 0 && l < count)
                arch->genes[at] = layers[l].genes[lot];
            else if (at >= 0 && lot == LOT_OP)
                arch->genes[at] = (uint8_t)identity_choice(c);
        }
}

static void chain_canonical(const void *state, nas_arch *arch)
{
    layer layers[LAYERS_MAX];
    int count = nas__chain_resolve(state, arch, layers);
    write_layers(state, layers, count, arch);
}

/* ---- begin ------------------------------------------------------------------------------------------- */

static nas_status check(const chain_options *o)
{
    const nas_int_list *lists[] = {&o->op, &o->kernel, &o->width, &o->stride, &o->activation};
    NAS_TRY(nas__check_range("chain", "depth", &o->depth));
    for (int i = 0; i < LOT_COUNT; i++)
        NAS_TRY(nas__check_choices("chain", nas__chain_lot_names[i], lists[i]));
    NAS_TRY(nas__check_kernels("chain", &o->kernel));
    for (int i = 0; i < o->op.count; i++)
        if (is_convolution((int)o->op.item[i]))
            return NAS_OK;
    NAS_FAIL(NAS_CONFIG, "space chain: op needs conv, sep_conv or dil_conv among its choices");
}

static void find_convolutions(chain *c)
{
    const nas_int_list *op = &c->options->op;
    for (int i = op->count - 1; i >= 0; i--)
        if (is_convolution((int)op->item[i]))
            c->first_convolution = (int)op->item[i];
    c->stem = nas__list_find(op, OP_CONV) >= 0 ? OP_CONV : c->first_convolution;
    c->stride_max = (int)nas__list_max(&c->options->stride);
}

/* Which gene each lot has.  The first layer's operation is given, so it has none. */
static void place_genes(chain *c)
{
    int next = 0;
    c->depth_at = c->depth_max > c->depth_min ? next++ : -1;
    for (int l = 0; l < c->depth_max; l++)
        for (int lot = 0; lot < LOT_COUNT; lot++) {
            bool open = c->lots[lot]->count > 1 && !(l == 0 && lot == LOT_OP);
            c->at[l][lot] = open ? next++ : -1;
        }
    c->gene_count = next;
}

static nas_status chain_begin(const void *instance, nas_shape input, int classes, void **state)
{
    const chain_options *o = instance;
    NAS_TRY(check(o));
    chain *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for space chain");
    *c = (chain){.options = o, .input = input, .classes = classes};
    c->depth_min = (int)o->depth.item[0];
    c->depth_max = (int)o->depth.item[o->depth.count - 1];
    const nas_int_list *lots[LOT_COUNT] = {&o->op, &o->kernel, &o->width, &o->stride,
                                           &o->activation};
    memcpy(c->lots, lots, sizeof lots);
    find_convolutions(c);
    place_genes(c);
    nas_status status = nas__check_gene_count("chain", c->gene_count, "");
    if (status != NAS_OK) {
        free(c);
        return status;
    }
    *state = c;
    return NAS_OK;
}

static void chain_end(void *state)
{
    free(state);
}

static int chain_genes(const void *state, nas_gene *genes)
{
    const chain *c = state;
    if (c->depth_at >= 0)
        genes[c->depth_at] = (nas_gene){"depth", c->depth_max - c->depth_min + 1, true, 0};
    for (int l = 0; l < c->depth_max; l++)
        for (int lot = 0; lot < LOT_COUNT; lot++) {
            if (c->at[l][lot] < 0)
                continue;
            nas_gene *gene = &genes[c->at[l][lot]];
            *gene = (nas_gene){.choices = c->lots[lot]->count, .group = l + 1};
            gene->ordered = lot == LOT_KERNEL || lot == LOT_WIDTH || lot == LOT_STRIDE;
            strcpy(gene->name, nas__chain_lot_names[lot]);
        }
    return c->gene_count;
}

/* ---- cost and graph ----------------------------------------------------------------------------------- */

static nas_status add_layer(nas__build *build, const layer *y, nas__value *x)
{
    nas__convolution_part part = {.out = y->width, .kernel = y->kernel, .stride = y->stride};
    if (is_pooling(y->op))
        return nas__build_pool(build, x, y->op == OP_MAX_POOL ? "max" : "average", y->kernel,
                               y->stride);
    if (y->op == OP_SEP_CONV)
        NAS_TRY(nas__build_depthwise(build, x, &part));
    if (y->op == OP_DIL_CONV)
        part.dilation = 2;
    return nas__build_layer(build, x, part, y->activation);
}

/* Built, or only counted: sampling asks often. */
static nas_status assemble(const chain *c, const nas_arch *arch, nas__build *build)
{
    layer layers[LAYERS_MAX];
    nas__value x;
    const int count = nas__chain_resolve(c, arch, layers);
    NAS_TRY(nas__build_begin(build, &x));
    for (int l = 0; l < count; l++) {
        NAS_TRY(add_layer(build, &layers[l], &x));
        NAS_TRY(nas__chain_name_layer(c, &layers[l], build));
    }
    return nas__build_head(build, &x, 1, c->classes);
}

static nas_status chain_valid(const void *state, const nas_arch *arch)
{
    const chain *c = state;
    nas__build build = {.input = c->input};
    NAS_TRY(assemble(c, arch, &build));
    if (c->options->mmacs > 0 && build.macs * 1e-6 > c->options->mmacs)
        NAS_FAIL(NAS_BOUND, "%.1f million multiply-accumulates per sample, but space.mmacs is %g",
                 build.macs * 1e-6, c->options->mmacs);
    return NAS_OK;
}

static nas_status chain_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                               nas_sketch *sketch)
{
    const chain *c = state;
    nas__build build = {.graph = graph, .input = c->input, .sketch = sketch};
    return assemble(c, arch, &build);
}

static nas_status chain_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    return chain_sketch(state, arch, graph, NULL);
}

/* ---- size: dynamic programming over the places a chain can stand in -------------------------------------- */

enum { PLACES_MAX = 4096 };

typedef struct tally {
    place at;
    double rows;
} tally;

static void tally_add(tally *tallies, int *count, place at, double rows)
{
    for (int i = 0; i < *count; i++) {
        const place *p = &tallies[i].at;
        if (p->height == at.height && p->width == at.width && p->held == at.held &&
            p->pooled == at.pooled) {
            tallies[i].rows += rows;
            return;
        }
    }
    if (*count < PLACES_MAX)
        tallies[(*count)++] = (tally){at, rows};
}

/* Every distinct layer that can stand at a place: canonical (operation, stride), times the rest. */
static void tally_layers(const chain *c, const tally *from, tally *to, int *count)
{
    double rest =
        (double)c->options->kernel.count * c->options->width.count * c->options->activation.count;
    for (int op = 0; op < c->options->op.count; op++) {
        if (c->options->op.item[op] == OP_IDENTITY && !from->at.first)
            continue;
        for (int stride = 0; stride < c->options->stride.count; stride++) {
            const uint8_t raw[LOT_COUNT] = {(uint8_t)op, 0, 0, (uint8_t)stride, 0};
            place at = from->at;
            layer y;
            read_layer(c, &at, raw, &y);
            if (y.genes[LOT_OP] == op && y.genes[LOT_STRIDE] == stride)
                tally_add(to, count, at, from->rows * (is_pooling(y.op) ? 1 : rest));
        }
    }
}

static double chain_size(const void *state, bool *exact)
{
    const chain *c = state;
    int shortest = identity_choice(c) >= 0 ? 1 : c->depth_min, from_count = 1;
    double size = 0;
    tally *from = calloc(2 * PLACES_MAX, sizeof *from), *to = from ? from + PLACES_MAX : NULL;
    *exact = c->options->mmacs == 0;
    if (!from)
        return NAN;
    tally *memory = from;
    from[0] = (tally){start_of(c), 1};
    for (int depth = 1; depth <= c->depth_max; depth++) {
        int to_count = 0;
        for (int i = 0; i < from_count; i++)
            tally_layers(c, &from[i], to, &to_count);
        for (int i = 0; i < to_count && depth >= shortest; i++)
            size += to[i].rows;
        tally *swap = from;
        from = to;
        to = swap;
        from_count = to_count;
    }
    free(memory);
    return size;
}

/* ---- the hand-made baseline ------------------------------------------------------------------------------- */

/* The choice of the first of two operations that the options have; -1: neither. */
static int choice_of(const chain *c, int op, int otherwise)
{
    const int choice = nas__list_find(&c->options->op, op);
    return choice >= 0 ? choice : nas__list_find(&c->options->op, otherwise);
}

/* conv3x3(16) conv3x3(32)/2 sep_conv3x3(64) max_pool sep_conv3x3(64), with the nearest choices that the options offer;
 * without pooling the last layer is strided; shorter chains leave the end away, longer ones repeat it. */
typedef struct hand_made {
    int op, width, stride;
} hand_made;
static const hand_made with_pooling[] = {{OP_CONV, 16, 1},
                                         {OP_CONV, 32, 2},
                                         {OP_SEP_CONV, 64, 1},
                                         {OP_MAX_POOL, 0, 2},
                                         {OP_SEP_CONV, 64, 1}};
static const hand_made without_pooling[] = {
    {OP_CONV, 16, 1}, {OP_CONV, 32, 2}, {OP_SEP_CONV, 64, 1}, {OP_SEP_CONV, 64, 2}};

static void choose_nearest(const chain *c, const hand_made *wanted, uint8_t genes[LOT_COUNT])
{
    int otherwise = is_pooling(wanted->op) ? OP_AVG_POOL : c->first_convolution;
    genes[LOT_OP] = (uint8_t)choice_of(c, wanted->op, otherwise);
    genes[LOT_KERNEL] = (uint8_t)nas__list_nearest(&c->options->kernel, 3);
    genes[LOT_WIDTH] = (uint8_t)nas__list_nearest(&c->options->width, wanted->width);
    genes[LOT_STRIDE] = (uint8_t)nas__list_nearest(&c->options->stride, wanted->stride);
    genes[LOT_ACTIVATION] = 0;
}

static nas_status chain_named(const void *state, const char *name, nas_arch *arch)
{
    const chain *c = state;
    bool pools = choice_of(c, OP_MAX_POOL, OP_AVG_POOL) >= 0;
    const hand_made *list = pools ? with_pooling : without_pooling;
    const int length = pools ? 5 : 4;
    const int depth = length < c->depth_min   ? c->depth_min
                      : length > c->depth_max ? c->depth_max
                                              : length;
    layer layers[LAYERS_MAX] = {0};
    (void)name; /* there is one */
    for (int l = 0; l < depth; l++)
        choose_nearest(c, &list[l < length ? l : length - 1], layers[l].genes);
    write_layers(c, layers, depth, arch);
    return NAS_OK;
}

static const char *const names[] = {"baseline", NULL};

const nas_space nas__space_chain = {
    .kind = {.name = "chain",
             .summary = "a sequence of layers: operation, kernel, width, stride, activation, depth",
             .paper = "arXiv 1905.01392 (survey), 1611.02167",
             .instance_size = sizeof(chain_options),
             .options = options},
    .begin = chain_begin,
    .end = chain_end,
    .genes = chain_genes,
    .canonical = chain_canonical,
    .valid = chain_valid,
    .build = chain_build,
    .describe = nas__chain_describe,
    .sketch = chain_sketch,
    .describe_gene = nas__chain_describe_gene,
    .describe_choice = nas__chain_describe_choice,
    .size = chain_size,
    .named = chain_named,
    .names = names,
    .reads_size = chain_reads_size,
};
