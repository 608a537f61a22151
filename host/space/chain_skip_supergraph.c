/* chain_skip_supergraph.c - all operations of all layers and all skips in one network: the macro space of ENAS (arXiv 1802.03268,
 * section 2.3), with sums where ENAS concatenates.
 *
 *     rows      layer by layer: its operation (op, then kernel, the last one fastest); then one row of two
 *               choices for every source that a skip may come from, 0 not there, 1 there
 *     layer     activation(mixed over all operations and all skips)
 *
 * Not in it: what changes shapes, the choice of depths, widths and strides; a choice of activations; concatenation, whose 1×1
 * convolution has other inputs with every set of skips and is not there without any.
 *
 * A pooling has no activation, whether or not skips are added to it, but the sum has.  The two are the same where nothing is below 0 and the
 * activation is relu: sources are then sums of what a relu put out and of poolings of that.  So poolings ask for relu, and for
 * skips that arrive without a norm of their own.
 *
 * An architecture is the strongest choice of every row. */
#include "chain_skip.h"

/* ---- operations to choose from ------------------------------------------------------------------------------ */

static int kernels_of(const chain_skip *c, int op)
{
    return is_pooling((int)c->options->op.item[op]) ? 1 : c->options->kernel.count;
}

static int count_operations(const chain_skip *c)
{
    int count = 0;
    for (int op = 0; op < c->options->op.count; op++)
        count += kernels_of(c, op);
    return count;
}

/* Genes of the operation that a choice stands for. */
static void operation_at(const chain_skip *c, int choice, uint8_t genes[LOT_COUNT])
{
    int op = 0;
    while (choice >= kernels_of(c, op))
        choice -= kernels_of(c, op++);
    genes[LOT_OP] = (uint8_t)op;
    genes[LOT_KERNEL] = (uint8_t)choice;
}

static int choice_of(const chain_skip *c, const uint8_t genes[LOT_COUNT])
{
    int before = 0;
    for (int op = 0; op < genes[LOT_OP]; op++)
        before += kernels_of(c, op);
    return before + genes[LOT_KERNEL];
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static bool may_skip(const chain_skip *c, int l, int source)
{
    return c->skip_at[l][source] >= 0;
}

/* The row of layer l's operation; those of its skips follow, the stem's first. */
static int row_of(const chain_skip *c, int l)
{
    int row = 0;
    for (int before = 0; before < l; before++) {
        row++;
        for (int source = 0; source <= before; source++)
            row += may_skip(c, before, source);
    }
    return row;
}

static void fill_table(const chain_skip *c, nas_gate_table *table)
{
    for (int l = 0; l < c->depth_max; l++) {
        nas__gate_table_add(table, (nas_gate_row){.choices = count_operations(c),
                                                  .none = -1,
                                                  .skip = -1,
                                                  .group = table->count});
        for (int source = 0; source <= l; source++)
            if (may_skip(c, l, source))
                nas__gate_table_add(
                    table,
                    (nas_gate_row){.choices = 2, .none = 0, .skip = 1, .group = table->count});
    }
    nas__gate_table_finish(table, false);
}

/* ---- what a supernet cannot hold ---------------------------------------------------------------------------- */

static bool has_pooling(const chain_skip *c)
{
    bool has = false;
    for (int op = 0; op < c->options->op.count; op++)
        has |= is_pooling((int)c->options->op.item[op]);
    return has;
}

static nas_status check_poolings(const chain_skip *c)
{
    const chain_skip_options *o = c->options;
    place at = nas__chain_skip_start(c, c->depth_max);
    if (o->stem != o->width.item[0] || o->activation.item[0] != 0 ||
        o->shrink == NAS__SHRINK_CONVOLUTION)
        NAS_FAIL(NAS_CONFIG, "space chain_skip: a supernet with poolings among op needs stem = "
                             "width, activation = \"relu\" and a pooling as shrink");
    for (int l = 0; l < c->depth_max; l++) {
        const uint8_t first[LOT_COUNT] = {0};
        layer y;
        if (at.height == 1 && at.width == 1)
            NAS_FAIL(
                NAS_CONFIG,
                "space chain_skip: layer %d has a single pixel, of which a pooling is nothing; "
                "a supernet needs a larger min_size or no poolings",
                l + 1);
        nas__chain_skip_read(c, &at, first, 0, &y);
    }
    return NAS_OK;
}

static nas_status check(const chain_skip *c, int partial)
{
    const chain_skip_options *o = c->options;
    const bool strides = o->stages == 0 && o->stride.count > 1;
    if (partial > 1)
        NAS_FAIL(NAS_CONFIG, "space chain_skip: all channels go through a supernet's operations");
    if (c->depth_min != c->depth_max || o->width.count > 1 || strides || o->activation.count > 1)
        NAS_FAIL(NAS_CONFIG,
                 "space chain_skip: a supernet adds tensors of one shape up; it needs a single %s",
                 c->depth_min != c->depth_max ? "depth"
                 : o->width.count > 1         ? "width"
                 : strides                    ? "stride, or stages"
                                              : "activation");
    if (o->join.count > 1 || o->join.item[0] != JOIN_ADD)
        NAS_FAIL(NAS_CONFIG, "space chain_skip: a supernet adds skips; it needs join = \"add\"");
    if (count_operations(c) == 1)
        NAS_FAIL(NAS_CONFIG, "space chain_skip: a supernet needs several operations or kernels");
    return has_pooling(c) ? check_poolings(c) : NAS_OK;
}

/* ---- graph -------------------------------------------------------------------------------------------------- */

/* The supernet while it is built: what is known of all layers, and the sources so far, each with its last shrunken form. */
typedef struct supernet {
    const chain_skip *c;
    const nas_gate_table *table;
    int stride[LAYERS_MAX];
    nas__value sources[LAYERS_MAX + 1], shrunk[LAYERS_MAX + 1];
    int factor[LAYERS_MAX + 1]; /* of `shrunk`; 0: none */
} supernet;

/* Every operation gives the same stride; the layer is read as if a skip arrived, which leaves the activation to the sum. */
static nas_status add_operations(supernet *super, nas__build *build, int l, place *at,
                                 nas__summands *sum)
{
    const int first = super->table->rows[row_of(super->c, l)].first;
    const place here = *at;
    for (int choice = 0; choice < count_operations(super->c); choice++) {
        uint8_t genes[LOT_COUNT] = {0};
        nas__value value = super->sources[l];
        layer y;
        operation_at(super->c, choice, genes);
        *at = here;
        nas__chain_skip_read(super->c, at, genes, 1, &y);
        super->stride[l] = y.stride;
        NAS_TRY(nas__chain_skip_operation(super->c, build, &y, &value));
        nas__summands_add(sum, value, first + choice);
    }
    return NAS_OK;
}

/* A source as it arrives where `factor` times fewer pixels are; shared where it has no parameters. */
static nas_status shrink_source(supernet *super, nas__build *build, int source, int factor,
                                int channels, nas__value *skip)
{
    const int how = super->c->options->shrink;
    const bool plain = how != NAS__SHRINK_CONVOLUTION && super->sources[source].shape.c == channels;
    if (!plain || super->factor[source] != factor) {
        super->shrunk[source] = super->sources[source];
        super->factor[source] = factor;
        NAS_TRY(
            nas__build_match(build, &super->shrunk[source], factor, channels, (nas__shrink)how));
    }
    *skip = super->shrunk[source];
    return NAS_OK;
}

static nas_status add_skips(supernet *super, nas__build *build, int l, nas__summands *sum)
{
    const int channels = sum->values[0].shape.c;
    int factor = 1, row = row_of(super->c, l + 1);
    for (int source = l; source >= 0; source--) {
        nas__value skip;
        factor *= super->stride[source];
        if (!may_skip(super->c, l, source))
            continue;
        NAS_TRY(shrink_source(super, build, source, factor, channels, &skip));
        nas__summands_add(sum, skip, super->table->rows[--row].first + 1);
    }
    return NAS_OK;
}

static nas_status add_layers(supernet *super, nas__build *build)
{
    const chain_skip *c = super->c;
    place at = nas__chain_skip_start(c, c->depth_max);
    for (int l = 0; l < c->depth_max; l++) {
        nas__summands sum = {.count = 0};
        nas__value *made = &super->sources[l + 1];
        NAS_TRY(add_operations(super, build, l, &at, &sum));
        NAS_TRY(add_skips(super, build, l, &sum));
        NAS_TRY(nas__build_mixed(build, &sum, made));
        NAS_TRY(nas__build_activation(build, made, (int)c->options->activation.item[0]));
    }
    return NAS_OK;
}

nas_status nas__chain_skip_supergraph(const void *state, const nas_supergraph_options *options,
                                      nas_graph *graph, nas_gate_table *table)
{
    const chain_skip *c = state;
    supernet super = {.c = c, .table = table};
    nas__build build = {.graph = graph, .input = c->input};
    NAS_TRY(check(c, options->partial));
    fill_table(c, table);
    NAS_TRY(nas__chain_skip_stem(c, &build, &super.sources[0]));
    build.norm = nas__norm_options(options->affine, options->running);
    NAS_TRY(add_layers(&super, &build));
    return nas__build_head(&build, &super.sources[c->depth_max], 1, c->classes);
}

/* ---- architectures ------------------------------------------------------------------------------------------- */

static void put(nas_arch *arch, int at, int choice)
{
    if (at >= 0)
        arch->genes[at] = (uint8_t)choice;
}

void nas__chain_skip_derive(const void *state, const nas_gate_table *table, const float *weights,
                            nas_arch *arch)
{
    const chain_skip *c = state;
    const nas_gate_row *row = table->rows;
    *arch = (nas_arch){.count = (uint16_t)c->gene_count};
    for (int l = 0; l < c->depth_max; l++) {
        uint8_t genes[LOT_COUNT] = {0};
        operation_at(c, nas__gate_row_best(row++, weights, 0), genes);
        put(arch, c->at[l][LOT_OP], genes[LOT_OP]);
        put(arch, c->at[l][LOT_KERNEL], genes[LOT_KERNEL]);
        for (int source = 0; source <= l; source++)
            if (may_skip(c, l, source))
                put(arch, c->skip_at[l][source], nas__gate_row_best(row++, weights, 0));
    }
}

nas_status nas__chain_skip_path(const void *state, const nas_gate_table *table,
                                const nas_arch *arch, int choices[NAS_GATE_ROWS])
{
    const chain_skip *c = state;
    layer layers[LAYERS_MAX];
    (void)table;
    nas__chain_skip_resolve(c, arch, layers);
    for (int l = 0; l < c->depth_max; l++) {
        *choices++ = choice_of(c, layers[l].genes);
        for (int source = 0; source <= l; source++)
            if (may_skip(c, l, source))
                *choices++ = layers[l].skips >> source & 1;
    }
    return NAS_OK;
}
