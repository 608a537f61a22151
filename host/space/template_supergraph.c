/* template_supergraph.c - all blocks of a template in one network, as in SPOS and ProxylessNAS (arXiv 1904.00420, 1812.00332).
 *
 * A row of gates is the block of a place: its choices are all the blocks that the options allow there, each with parameters of its own, and
 * the place is the `mixed` of their outputs.  Where the blocks of a segment are alike, its places share one row, else each has
 * its own.  A segment of variable depth has one more row, whose choices are its depths: the segment's output is the `mixed` of what its
 * last blocks put out, so that a depth leaves out the blocks behind it (elastic depth, as in Once for All, 1908.09791).
 *
 *     rows      segment by segment: depth, where it varies; then blocks, where there are several to choose from
 *     choices   blocks in the order block, kernel, expansion, squeeze, the last one fastest; expansion and squeeze of inverted ones
 *
 * Not in it, since sums need equal shapes: a choice of widths, strides, joins or patterns.  These must be single; only blocks,
 * kernels, expansions, squeezes and depths may vary.  Nor may a bound on the total depth or two segments that only differ in
 * their blocks make some combinations of choices invalid.
 *
 * An architecture is the strongest choice of every row. */
#include "template.h"

typedef nas__template_segment segment;

/* Genes of one block. */
typedef struct variant {
    uint8_t block, lots[NAS__BLOCK_LOTS];
} variant;

/* Rows of each segment; −1: nothing to choose. */
typedef struct supernet {
    nas_gate_table *table;
    int depth_row[NAS__SEGMENTS], block_row[NAS__SEGMENTS][NAS__BLOCKS];
} supernet;

/* ---- blocks to choose from ------------------------------------------------------------------------------- */

static bool is_inverted(const segment *s, int block)
{
    return s->lots[NAS__LOT_BLOCK]->item[block] == NAS__BLOCK_INVERTED;
}

/* Choices of a lot for this kind of block. */
static int choices_of(const segment *s, int block, int lot)
{
    return lot == NAS__LOT_KERNEL || is_inverted(s, block) ? s->block_lots[lot]->count : 1;
}

static int variants_of(const segment *s, int block)
{
    int count = 1;
    for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
        count *= choices_of(s, block, lot);
    return count;
}

static int count_variants(const segment *s)
{
    int count = 0;
    for (int block = 0; block < s->lots[NAS__LOT_BLOCK]->count; block++)
        count += variants_of(s, block);
    return count;
}

static variant variant_at(const segment *s, int choice)
{
    variant v = {.block = 0};
    while (choice >= variants_of(s, v.block))
        choice -= variants_of(s, v.block++);
    for (int lot = NAS__BLOCK_LOTS - 1; lot >= 0; lot--) {
        v.lots[lot] = (uint8_t)(choice % choices_of(s, v.block, lot));
        choice /= choices_of(s, v.block, lot);
    }
    return v;
}

static int choice_of(const segment *s, variant v)
{
    int before = 0, choice = 0;
    for (int block = 0; block < v.block; block++)
        before += variants_of(s, block);
    for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
        choice = choice * choices_of(s, v.block, lot) + v.lots[lot];
    return before + choice;
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

static int add_row(nas_gate_table *table, int choices)
{
    if (choices == 1)
        return -1;
    nas__gate_table_add(
        table, (nas_gate_row){.choices = choices, .none = -1, .skip = -1, .group = table->count});
    return table->count - 1;
}

/* Rows that segments would have; the table may be a scratch one. */
static supernet find_rows(const nas__template *t, nas_gate_table *table)
{
    supernet super = {.table = table};
    for (int j = 0; j < t->count; j++) {
        const segment *s = &t->segment[j];
        super.depth_row[j] = add_row(table, s->depth_max - s->depth_min + 1);
        for (int b = 0; b < s->depth_max; b++)
            super.block_row[j][b] =
                b > 0 && t->alike ? super.block_row[j][0] : add_row(table, count_variants(s));
    }
    nas__gate_table_finish(table, false);
    return super;
}

/* ---- what a supernet cannot hold ---------------------------------------------------------------------------- */

static nas_status need_single(const nas_int_list *list, int number, const char *name)
{
    if (list->count > 1)
        NAS_FAIL(NAS_CONFIG,
                 "space template: a supernet adds blocks of one shape up; segment %d needs a "
                 "single %s, not %d to choose from",
                 number, name, list->count);
    return NAS_OK;
}

static nas_status check_segment(const nas__template *t, const nas__template_plan *plan, int j)
{
    const segment *s = &t->segment[j];
    NAS_TRY(need_single(s->lots[NAS__LOT_WIDTH], j + 1, "width"));
    NAS_TRY(need_single(s->lots[NAS__LOT_STRIDE], j + 1, "stride"));
    if (!t->alike && s->depth_max > 1)
        NAS_TRY(need_single(s->lots[NAS__LOT_BLOCK], j + 1,
                            "block (with constraints.blocks = \"own\")"));
    if (plan->segment[j].reads & (plan->segment[j].reads - 1))
        NAS_TRY(need_single(&t->options->join, j + 1, "join"));
    if (count_variants(s) > NAS__SUMMANDS)
        NAS_FAIL(NAS_CONFIG,
                 "space template: segment %d has %d blocks to choose from, but a "
                 "supernet adds up at most %d",
                 j + 1, count_variants(s), NAS__SUMMANDS);
    if (nas__template_continues(t, plan, j))
        NAS_FAIL(NAS_CONFIG,
                 "space template: segment %d may go on where segment %d ended; a supernet needs "
                 "another width or stride there",
                 j + 1, j);
    return NAS_OK;
}

static nas_status check(const nas__template *t, const nas__template_plan *plan, int partial)
{
    int least = 0, most = 0;
    if (partial > 1)
        NAS_FAIL(NAS_CONFIG, "space template: all channels go through a supernet's blocks");
    if (t->options->pattern.count > 1 || t->options->pattern.item[0] == NAS__PATTERN_FREE)
        NAS_FAIL(NAS_CONFIG, "space template: a supernet needs a single pattern, and not \"free\"");
    for (int j = 0; j < t->count; j++) {
        NAS_TRY(check_segment(t, plan, j));
        least += t->segment[j].depth_min;
        most += t->segment[j].depth_max;
    }
    if (least < t->depth_min || most > t->depth_max)
        NAS_FAIL(NAS_CONFIG,
                 "space template: a supernet chooses each segment's depth for itself; "
                 "constraints.depth must allow %d to %d blocks",
                 least, most);
    if (nas__template_fits(t, plan) != NAS_OK) {
        nas_error_add("space template: no network fits these options: ");
        return NAS_CONFIG;
    }
    return NAS_OK;
}

/* ---- graph -------------------------------------------------------------------------------------------------- */

/* Block b of a segment as a choice has it. */
static nas_status add_variant(const nas__template *t, const nas__segment_plan *shape, int j, int b,
                              int choice, nas__build *build, nas__value *value)
{
    const segment *s = &t->segment[j];
    const variant v = variant_at(s, choice);
    nas__segment_plan plan = *shape;
    plan.block = (int)s->lots[NAS__LOT_BLOCK]->item[v.block];
    plan.kernel[b] = (int)s->block_lots[NAS__LOT_KERNEL]->item[v.lots[NAS__LOT_KERNEL]];
    plan.expansion[b] = (int)s->block_lots[NAS__LOT_EXPANSION]->item[v.lots[NAS__LOT_EXPANSION]];
    plan.squeeze[b] = (int)s->block_lots[NAS__LOT_SQUEEZE]->item[v.lots[NAS__LOT_SQUEEZE]];
    const nas__block_at at = {t, &plan, b, b == 0 ? plan.stride : 1};
    return nas__template_block(&at, build, value);
}

static nas_status add_place(const nas__template *t, const supernet *super,
                            const nas__segment_plan *shape, int j, int b, nas__build *build,
                            nas__value *value)
{
    const int row = super->block_row[j][b], count = count_variants(&t->segment[j]);
    nas__summands sum = {.count = 0};
    if (row < 0)
        return add_variant(t, shape, j, b, 0, build, value);
    for (int choice = 0; choice < count; choice++) {
        nas__value output = *value;
        NAS_TRY(add_variant(t, shape, j, b, choice, build, &output));
        nas__summands_add(&sum, output, super->table->rows[row].first + choice);
    }
    return nas__build_mixed(build, &sum, value);
}

static nas_status add_segment(const nas__template *t, const void *content,
                              const nas__template_plan *plan, int j, nas__build *build,
                              nas__value *value)
{
    const supernet *super = content;
    const segment *s = &t->segment[j];
    const int row = super->depth_row[j];
    nas__summands depths = {.count = 0};
    for (int b = 0; b < s->depth_max; b++) {
        NAS_TRY(add_place(t, super, &plan->segment[j], j, b, build, value));
        if (row >= 0 && b + 1 >= s->depth_min)
            nas__summands_add(&depths, *value, super->table->rows[row].first + depths.count);
    }
    return row < 0 ? NAS_OK : nas__build_mixed(build, &depths, value);
}

nas_status nas__template_supergraph(const void *state, const nas_supergraph_options *options,
                                    nas_graph *graph, nas_gate_table *table)
{
    const nas__template *t = state;
    const nas_arch first = {.count = (uint16_t)t->gene_count};
    const char *norm = nas__norm_options(options->affine, options->running);
    nas__template_plan plan;
    nas__template_read(t, &first, &plan);
    NAS_TRY(check(t, &plan, options->partial));
    const supernet super = find_rows(t, table);
    const nas__template_content content = {.segment = add_segment, .content = &super, .norm = norm};
    nas__build build = {.graph = graph, .input = t->input};
    return nas__template_network(t, &plan, &content, &build);
}

/* ---- architectures ------------------------------------------------------------------------------------------- */

static void put(nas_arch *arch, int at, int choice)
{
    if (at >= 0)
        arch->genes[at] = (uint8_t)choice;
}

void nas__template_derive(const void *state, const nas_gate_table *table, const float *weights,
                          nas_arch *arch)
{
    const nas__template *t = state;
    nas_gate_table scratch = {.count = 0};
    const supernet super = find_rows(t, &scratch);
    *arch = (nas_arch){.count = (uint16_t)t->gene_count};
    for (int j = 0; j < t->count; j++) {
        const segment *s = &t->segment[j];
        if (super.depth_row[j] >= 0)
            put(arch, s->at[NAS__LOT_DEPTH],
                nas__gate_row_best(&table->rows[super.depth_row[j]], weights, 0));
        for (int b = 0; b < (t->alike ? 1 : s->depth_max); b++) {
            const int row = super.block_row[j][b];
            const int best = row < 0 ? 0 : nas__gate_row_best(&table->rows[row], weights, 0);
            const variant v = variant_at(s, best);
            put(arch, s->at[NAS__LOT_BLOCK], v.block);
            for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
                put(arch, s->block_at[b][lot], v.lots[lot]);
        }
    }
}

nas_status nas__template_path(const void *state, const nas_gate_table *table, const nas_arch *arch,
                              int choices[NAS_GATE_ROWS])
{
    const nas__template *t = state;
    nas_gate_table scratch = {.count = 0};
    const supernet super = find_rows(t, &scratch);
    nas__template_plan plan;
    (void)table;
    nas__template_read(t, arch, &plan);
    for (int j = 0; j < t->count; j++) {
        const nas__segment_plan *s = &plan.segment[j];
        if (super.depth_row[j] >= 0)
            choices[super.depth_row[j]] = s->depth - t->segment[j].depth_min;
        for (int b = 0; b < s->depth; b++) {
            variant v = {.block = s->genes[NAS__LOT_BLOCK]};
            for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
                v.lots[lot] = s->block_genes[b][lot];
            if (super.block_row[j][b] >= 0)
                choices[super.block_row[j][b]] = choice_of(&t->segment[j], v);
        }
    }
    return NAS_OK;
}
