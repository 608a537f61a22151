/* chain_skip.c - ordered layers with arbitrary skip connections between them.
 *
 * The survey's second global space (arXiv 1905.01392, section 2.1): layer i reads layer i − 1 and may also receive the output
 * of any earlier one.  ENAS's macro space is one setting of it (1802.03268, section 2.3), see configs/chain_skip.cfg.
 * A stem, a 3×3 convolution, stands in front; it is source 0 and the output of layer i is source i:
 *
 *     x = operation(source i−1)            conv and its relatives → batch_norm → activation; or a pooling, 3×3 as a rule
 *     source i = x                         without skips
 *              = add(x, skips)             convolutions are activated behind the sum, as in ResNet (1512.03385)
 *              = 1×1(concat(x, skips))     back to x's channels → batch_norm → activation, as in ENAS
 *
 * Genes: the depth; for every layer operation, kernel, width, stride, activation, join, and one gene per source that a skip may
 * come from.  A skip over `span` layers is possible where span lies within the option of that name: 1 is x + f(x) around a
 * single layer, and ENAS has all from 2 on.  Sizes only shrink along the chain, so a skip is brought to the size where it arrives, by
 * pooling and a 1×1 convolution or by a strided 1×1 (option `shrink`); nothing ever needs to be enlarged.
 *
 * `nas__chain_skip_resolve` below is the only place that reads rows.  As in chain.c no reduction takes the shorter side under `min_size`, and
 * after `hold` layers of one size the next is strided; with `stages` the depth says where halving happens, and layers have no
 * stride genes.  A pooling of a single pixel would do nothing and is read as the first convolution.
 * Without effect, and 0 in the canonical form: layers beyond the depth, kernel, width and activation of a pooling, the join of a
 * layer without skips, a forced stride.
 *
 * Read next: chain_skip_build.c, which puts the network together; chain_skip_words.c; chain_skip_size.c; chain_skip_supergraph.c; moves.c for what strategies do with rows. */
#include "chain_skip.h"
#include "space.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(chain_skip_options, field)
static const nas_option options[] = {
    {"depth", NAS_OPTION_INT_LIST, AT(depth), "[4, 8]", 1, LAYERS_MAX, NULL, "layers: from, to"},
    {"stem", NAS_OPTION_INT, AT(stem), "16", 1, 4096, NULL,
     "output channels of the 3x3 convolution in front"},
    {"op", NAS_OPTION_CHOICE_LIST, AT(op), "[\"conv\", \"sep_conv\", \"max_pool\"]", 0, 0,
     OP_CHOICES, "operations to choose from; at least one convolution"},
    {"kernel", NAS_OPTION_INT_LIST, AT(kernel), "[3, 5]", 1, 15, NULL,
     "kernel sizes of convolutions, odd"},
    {"width", NAS_OPTION_INT_LIST, AT(width), "[16, 32, 64]", 1, 4096, NULL,
     "output channels of convolutions"},
    {"stride", NAS_OPTION_INT_LIST, AT(stride), "[1, 2]", 1, 4, NULL, "strides of layers"},
    {"activation", NAS_OPTION_CHOICE_LIST, AT(activation), "[\"relu\"]", 0, 0, NAS__ACTIVATIONS,
     "activations of convolutions; the first one is the stem's"},
    {"join", NAS_OPTION_CHOICE_LIST, AT(join), "[\"add\", \"concat\"]", 0, 0, JOIN_CHOICES,
     "how a layer takes its skips in: add, or concat and a 1x1 convolution"},
    {"span", NAS_OPTION_INT_LIST, AT(span), "[2, 40]", 1, LAYERS_MAX, NULL,
     "layers that a skip passes over: from, to"},
    {"shrink", NAS_OPTION_CHOICE, AT(shrink), "\"avg_pool\"", 0, 0, NAS__SHRINKS,
     "how a skip is brought to a smaller size: a pooling (and a 1x1 convolution where channels "
     "differ) or a strided 1x1 convolution"},
    {"pool", NAS_OPTION_INT, AT(pool), "3", 3, 15, NULL, "window of pooling layers, odd"},
    {"stages", NAS_OPTION_INT, AT(stages), "0", 0, LAYERS_MAX, NULL,
     "the depth is cut into so many equal parts, each but the first begins by halving the size, "
     "and `stride` and `hold` have no say; 0: they have"},
    {"min_size", NAS_OPTION_INT, AT(min_size), "4", 1, 1024, NULL,
     "no reduction takes the shorter side under this many pixels"},
    {"hold", NAS_OPTION_INT, AT(hold), "2", 0, LAYERS_MAX, NULL,
     "layers of one size after which the next is strided, while min_size allows; 0: never forced"},
    {"mmacs", NAS_OPTION_REAL, AT(mmacs), "10.0", 0, 1e9, NULL,
     "networks over this many million multiply-accumulates per sample are invalid; 0: no limit"},
    {0},
};
#undef AT

const char *const nas__chain_skip_lot_names[LOT_COUNT] = {"op",     "kernel",     "width",
                                                          "stride", "activation", "join"};

static bool may_reduce(const chain_skip *c, const place *at, int stride)
{
    return nas__may_reduce(at->height, at->width, stride, (int)c->options->min_size);
}

/* ---- reading a row ---------------------------------------------------------------------------------- */

static int effective_op(const chain_skip *c, const place *at, int op)
{
    return is_pooling(op) && at->height == 1 && at->width == 1 ? c->first_convolution : op;
}

static int stage_stride(const chain_skip *c, const place *at)
{
    int stages = (int)c->options->stages;
    bool begins =
        at->layer > 0 && at->layer * stages / at->depth != (at->layer - 1) * stages / at->depth;
    return begins && may_reduce(c, at, 2) ? 2 : 1;
}

static int effective_stride(const chain_skip *c, const place *at, int stride)
{
    int hold = (int)c->options->hold;
    if (c->options->stages > 0)
        return stage_stride(c, at);
    if (hold > 0 && at->held >= hold && may_reduce(c, at, c->stride_max))
        return c->stride_max;
    return may_reduce(c, at, stride) ? stride : 1;
}

/* The first choice that means the same as `choice`: so a choice without effect becomes 0. */
static uint8_t canonical_choice(const chain_skip *c, const place *at, int lot, uint8_t choice,
                                int (*effective)(const chain_skip *, const place *, int))
{
    const nas_int_list *list = c->lots[lot];
    int meaning = effective(c, at, (int)list->item[choice]);
    for (int i = 0; i < choice; i++)
        if (effective(c, at, (int)list->item[i]) == meaning)
            return (uint8_t)i;
    return choice;
}

void nas__chain_skip_read(const chain_skip *c, place *at, const uint8_t raw[LOT_COUNT],
                          uint64_t skips, layer *out)
{
    const chain_skip_options *o = c->options;
    *out = (layer){.skips = skips};
    out->genes[LOT_OP] = canonical_choice(c, at, LOT_OP, raw[LOT_OP], effective_op);
    out->genes[LOT_STRIDE] = canonical_choice(c, at, LOT_STRIDE, raw[LOT_STRIDE], effective_stride);
    out->genes[LOT_JOIN] = skips ? raw[LOT_JOIN] : 0;
    out->op = effective_op(c, at, (int)o->op.item[raw[LOT_OP]]);
    out->stride = effective_stride(c, at, (int)o->stride.item[raw[LOT_STRIDE]]);
    out->join = (int)o->join.item[raw[LOT_JOIN]];
    if (is_pooling(out->op)) {
        out->activation = (int)o->activation.item[0];
    } else {
        out->genes[LOT_KERNEL] = raw[LOT_KERNEL];
        out->genes[LOT_WIDTH] = raw[LOT_WIDTH];
        out->genes[LOT_ACTIVATION] = raw[LOT_ACTIVATION];
        out->kernel = (int)o->kernel.item[raw[LOT_KERNEL]];
        out->width = (int)o->width.item[raw[LOT_WIDTH]];
        out->activation = (int)o->activation.item[raw[LOT_ACTIVATION]];
    }
    at->layer++;
    at->held = out->stride > 1 ? 1 : at->held + 1;
    at->height = nas__reduced(at->height, out->stride);
    at->width = nas__reduced(at->width, out->stride);
}

static uint8_t gene_of(const nas_arch *arch, int at)
{
    return at < 0 ? 0 : arch->genes[at];
}

place nas__chain_skip_start(const chain_skip *c, int depth)
{
    return (place){.depth = depth, .height = c->input.h, .width = c->input.w};
}

/* The first `count` layers of a row; returns its depth, and the place behind them. */
static int read_layers(const chain_skip *c, const nas_arch *arch, int count,
                       layer layers[LAYERS_MAX], place *behind)
{
    int depth = c->depth_min + gene_of(arch, c->depth_at);
    place at = nas__chain_skip_start(c, depth);
    for (int l = 0; l < depth && l < count; l++) {
        uint8_t raw[LOT_COUNT];
        uint64_t skips = 0;
        for (int lot = 0; lot < LOT_COUNT; lot++)
            raw[lot] = gene_of(arch, c->at[l][lot]);
        for (int source = 0; source <= l; source++)
            skips |= (uint64_t)gene_of(arch, c->skip_at[l][source]) << source;
        nas__chain_skip_read(c, &at, raw, skips, &layers[l]);
    }
    *behind = at;
    return depth;
}

int nas__chain_skip_resolve(const chain_skip *c, const nas_arch *arch, layer layers[LAYERS_MAX])
{
    place behind;
    return read_layers(c, arch, LAYERS_MAX, layers, &behind);
}

static int chain_skip_reads_size(const void *state, const nas_arch *arch, int group)
{
    layer layers[LAYERS_MAX];
    place at;
    read_layers(state, arch, group > 0 ? group - 1 : 0, layers, &at);
    return nas__side_of(((const chain_skip *)state)->input, at.height, at.width);
}

static void write_layers(const chain_skip *c, const layer *layers, int depth, nas_arch *arch)
{
    *arch = (nas_arch){.count = (uint16_t)c->gene_count};
    if (c->depth_at >= 0)
        arch->genes[c->depth_at] = (uint8_t)(depth - c->depth_min);
    for (int l = 0; l < depth; l++) {
        for (int lot = 0; lot < LOT_COUNT; lot++)
            if (c->at[l][lot] >= 0)
                arch->genes[c->at[l][lot]] = layers[l].genes[lot];
        for (int source = 0; source <= l; source++)
            if (c->skip_at[l][source] >= 0)
                arch->genes[c->skip_at[l][source]] = layers[l].skips >> source & 1;
    }
}

static void chain_skip_canonical(const void *state, nas_arch *arch)
{
    layer layers[LAYERS_MAX];
    int depth = nas__chain_skip_resolve(state, arch, layers);
    write_layers(state, layers, depth, arch);
}

/* ---- begin ------------------------------------------------------------------------------------------- */

static nas_status check(const chain_skip_options *o)
{
    const nas_int_list *lists[LOT_COUNT] = {&o->op,     &o->kernel,     &o->width,
                                            &o->stride, &o->activation, &o->join};
    NAS_TRY(nas__check_range("chain_skip", "depth", &o->depth));
    NAS_TRY(nas__check_range("chain_skip", "span", &o->span));
    for (int i = 0; i < LOT_COUNT; i++)
        NAS_TRY(nas__check_choices("chain_skip", nas__chain_skip_lot_names[i], lists[i]));
    NAS_TRY(nas__check_kernels("chain_skip", &o->kernel));
    if (o->pool % 2 == 0)
        NAS_FAIL(NAS_CONFIG,
                 "space chain_skip: the window of poolings must be odd, pool = %d is not",
                 (int)o->pool);
    for (int i = 0; i < o->op.count; i++)
        if (!is_pooling((int)o->op.item[i]))
            return NAS_OK;
    NAS_FAIL(NAS_CONFIG, "space chain_skip: op needs conv, sep_conv or dil_conv among its choices");
}

/* Which gene each lot and each possible skip has. */
static void place_genes(chain_skip *c)
{
    int next = 0;
    c->depth_at = c->depth_max > c->depth_min ? next++ : -1;
    for (int l = 0; l < c->depth_max; l++) {
        for (int lot = 0; lot < LOT_COUNT; lot++) {
            bool decided = (lot == LOT_STRIDE && c->options->stages > 0) ||
                           (lot == LOT_JOIN && l + 1 < c->span_min);
            c->at[l][lot] = c->lots[lot]->count > 1 && !decided ? next++ : -1;
        }
        for (int source = 0; source <= l; source++) {
            int span = l + 1 - source;
            c->skip_at[l][source] = span >= c->span_min && span <= c->span_max ? next++ : -1;
        }
    }
    c->gene_count = next;
}

static void prepare(chain_skip *c)
{
    const chain_skip_options *o = c->options;
    const nas_int_list *lots[LOT_COUNT] = {&o->op,     &o->kernel,     &o->width,
                                           &o->stride, &o->activation, &o->join};
    memcpy(c->lots, lots, sizeof lots);
    c->depth_min = (int)o->depth.item[0];
    c->depth_max = (int)o->depth.item[o->depth.count - 1];
    c->span_min = (int)o->span.item[0];
    c->span_max = (int)o->span.item[o->span.count - 1];
    c->stride_max = (int)nas__list_max(&o->stride);
    for (int i = o->op.count - 1; i >= 0; i--)
        if (!is_pooling((int)o->op.item[i]))
            c->first_convolution = (int)o->op.item[i];
    place_genes(c);
}

static nas_status chain_skip_begin(const void *instance, nas_shape input, int classes, void **state)
{
    NAS_TRY(check(instance));
    chain_skip *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for space chain_skip");
    *c = (chain_skip){.options = instance, .input = input, .classes = classes};
    prepare(c);
    nas_status status = nas__check_gene_count("chain_skip", c->gene_count,
                                              "; fewer layers or a shorter span make fewer");
    if (status != NAS_OK) {
        free(c);
        return status;
    }
    *state = c;
    return NAS_OK;
}

static void chain_skip_end(void *state)
{
    free(state);
}

static int chain_skip_genes(const void *state, nas_gene *genes)
{
    const chain_skip *c = state;
    if (c->depth_at >= 0)
        genes[c->depth_at] = (nas_gene){"depth", c->depth_max - c->depth_min + 1, true, 0};
    for (int l = 0; l < c->depth_max; l++) {
        for (int lot = 0; lot < LOT_COUNT; lot++) {
            if (c->at[l][lot] < 0)
                continue;
            nas_gene *gene = &genes[c->at[l][lot]];
            *gene = (nas_gene){.choices = c->lots[lot]->count, .group = l + 1};
            gene->ordered = lot == LOT_KERNEL || lot == LOT_WIDTH || lot == LOT_STRIDE;
            strcpy(gene->name, nas__chain_skip_lot_names[lot]);
        }
        for (int source = 0; source <= l; source++)
            if (c->skip_at[l][source] >= 0)
                genes[c->skip_at[l][source]] =
                    (nas_gene){.name = "skip", .choices = 2, .group = l + 1};
    }
    return c->gene_count;
}

/* ---- the network ------------------------------------------------------------------------------------------- */

static nas_status chain_skip_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                                    nas_sketch *sketch)
{
    const chain_skip *c = state;
    layer layers[LAYERS_MAX];
    int depth = nas__chain_skip_resolve(c, arch, layers);
    nas__build build = {.graph = graph, .input = c->input, .sketch = sketch};
    return nas__chain_skip_assemble(c, layers, depth, &build);
}

static nas_status chain_skip_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    return chain_skip_sketch(state, arch, graph, NULL);
}

static nas_status chain_skip_valid(const void *state, const nas_arch *arch)
{
    const chain_skip *c = state;
    layer layers[LAYERS_MAX];
    nas__build build = {.input = c->input};
    if (c->options->mmacs == 0)
        return NAS_OK;
    int depth = nas__chain_skip_resolve(c, arch, layers);
    NAS_TRY(nas__chain_skip_assemble(c, layers, depth, &build));
    if (build.macs > c->options->mmacs * 1e6)
        NAS_FAIL(NAS_BOUND, "%.1f million multiply-accumulates per sample, but space.mmacs is %g",
                 build.macs * 1e-6, c->options->mmacs);
    return NAS_OK;
}

static double chain_skip_size(const void *state, bool *exact)
{
    return nas__chain_skip_size(state, exact);
}

/* ---- the hand-made baseline ------------------------------------------------------------------------------- */

/* A small residual network (1512.03385): 3×3 convolutions, twice the width at half the size every second layer (or stage), and around
 * every second layer a skip of span 2, or what is nearest to all that in the options. */
static void baseline_layer(const chain_skip *c, int l, int depth, layer *y)
{
    const chain_skip_options *o = c->options;
    int block = o->stages > 0 ? l * (int)o->stages / depth : l / 2;
    int conv = nas__list_find(&o->op, OP_CONV);
    int add = nas__list_find(&o->join, JOIN_ADD);
    int source = l + 1 - (c->span_min > 2 ? c->span_min : c->span_max < 2 ? c->span_max : 2);
    *y = (layer){0};
    y->genes[LOT_OP] = (uint8_t)(conv >= 0 ? conv : nas__list_find(&o->op, c->first_convolution));
    y->genes[LOT_KERNEL] = (uint8_t)nas__list_nearest(&o->kernel, 3);
    y->genes[LOT_WIDTH] = (uint8_t)nas__list_nearest(&o->width, 16 << (block < 2 ? block : 2));
    y->genes[LOT_STRIDE] = (uint8_t)nas__list_nearest(&o->stride, l % 2 == 0 ? 2 : 1);
    y->genes[LOT_JOIN] = (uint8_t)(add >= 0 ? add : 0);
    if (l % 2 == 1 && source >= 0 && c->skip_at[l][source] >= 0)
        y->skips = (uint64_t)1 << source;
}

static nas_status chain_skip_named(const void *state, const char *name, nas_arch *arch)
{
    const chain_skip *c = state;
    layer layers[LAYERS_MAX];
    int depth = 6;
    (void)name; /* there is one */
    if (depth < c->depth_min)
        depth = c->depth_min;
    if (depth > c->depth_max)
        depth = c->depth_max;
    for (int l = 0; l < depth; l++)
        baseline_layer(c, l, depth, &layers[l]);
    write_layers(c, layers, depth, arch);
    return NAS_OK;
}

static const char *const names[] = {"baseline", NULL};

const nas_space nas__space_chain_skip = {
    .kind = {.name = "chain_skip",
             .summary = "a sequence of layers with arbitrary skip connections, added or "
                        "concatenated, as in ENAS's macro space",
             .paper = "arXiv 1905.01392 (survey), 1802.03268",
             .instance_size = sizeof(chain_skip_options),
             .options = options},
    .begin = chain_skip_begin,
    .end = chain_skip_end,
    .genes = chain_skip_genes,
    .canonical = chain_skip_canonical,
    .valid = chain_skip_valid,
    .build = chain_skip_build,
    .describe = nas__chain_skip_describe,
    .sketch = chain_skip_sketch,
    .describe_gene = nas__chain_skip_describe_gene,
    .describe_choice = nas__chain_skip_describe_choice,
    .size = chain_skip_size,
    .named = chain_skip_named,
    .names = names,
    .reads_size = chain_skip_reads_size,
    .supergraph = nas__chain_skip_supergraph,
    .derive = nas__chain_skip_derive,
    .path = nas__chain_skip_path,
};
