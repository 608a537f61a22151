/* template_read.c - from a row of the template space to the network it means, and back.
 *
 * A row is always read as a network that keeps the constraints, where there is one near:
 *   - the pattern says who reads whom; a `free` one by a gene per pair, and a segment whose genes name nobody reads the one
 *     before it.  Patterns that come to the same are written as the first of them;
 *   - a total depth out of range is mended from the last segment (too deep) or the first (too shallow);
 *   - a width that may not shrink is read as the least allowed one that is as wide as everything the segment reads;
 *   - a stride that would take the shorter side under min_size is read as 1.
 * Genes without effect become 0: blocks beyond the depth, expansion and squeeze outside inverted blocks, the join of a segment
 * that reads one source.
 *
 * What is left for `fits` to refuse: widths that cannot be mended, sizes that do not match, and a segment that only goes on
 * where the one before it ended (nothing else is read or reads in between, the same block and width, no stride and, with
 * blocks alike, the same kernel, expansion and squeeze): two and one blocks would be the same network as one and two.  Where every
 * border can be seen, a network has one row.
 *
 * Read next: template_build.c. */
#include "template.h"

static uint8_t gene_of(const nas_arch *arch, int at)
{
    return at < 0 ? 0 : arch->genes[at];
}

/* ---- who reads whom ---------------------------------------------------------------------------------- */

static unsigned bit(int source)
{
    return 1u << source;
}

/* Segment j's sources 0 … j; it is source j + 1 itself. */
static unsigned pattern_reads(const nas__template *t, int pattern, int j)
{
    const nas_int_list *given = &t->options->own[j].reads;
    const int mirror = t->count - 1 - j;
    unsigned reads = 0;
    switch (pattern) {
    case NAS__PATTERN_BRANCHES: /* side by side from the stem, and the last one reads them all */
        return j == 0 || j < t->count - 1 ? bit(0) : bit(j + 1) - 2;
    case NAS__PATTERN_DENSE:
        return bit(j + 1) - 1;
    case NAS__PATTERN_LATERAL: /* the last also reads the stem, the last but one segment 1 … */
        return bit(j) | (mirror < j ? bit(mirror) : 0);
    case NAS__PATTERN_GIVEN:
        for (int i = 0; i < given->count; i++)
            reads |= bit((int)given->item[i]);
        return reads ? reads : bit(j);
    default:
        return bit(j);
    }
}

static unsigned free_reads(const nas__template *t, const nas_arch *arch, int j)
{
    unsigned reads = 0;
    for (int source = 0; source <= j; source++)
        reads |= (unsigned)gene_of(arch, t->segment[j].reads_at[source]) << source;
    return reads ? reads : bit(j);
}

static bool is_same(const nas__template *t, int pattern, const nas__template_plan *plan)
{
    for (int j = 0; j < t->count; j++)
        if (pattern != NAS__PATTERN_FREE && plan->segment[j].reads != pattern_reads(t, pattern, j))
            return false;
    return true;
}

void nas__template_read_pattern(const nas__template *t, const nas_arch *arch,
                                nas__template_plan *plan)
{
    const nas_int_list *patterns = &t->options->pattern;
    const int pattern = (int)patterns->item[gene_of(arch, t->pattern_at)];
    for (int j = 0; j < t->count; j++)
        plan->segment[j].reads =
            pattern == NAS__PATTERN_FREE ? free_reads(t, arch, j) : pattern_reads(t, pattern, j);
    plan->pattern = 0;
    while (!is_same(t, (int)patterns->item[plan->pattern], plan))
        plan->pattern++;
}

unsigned nas__template_loose(const nas__template *t, const nas__template_plan *plan)
{
    unsigned loose = bit(t->count + 1) - 2;
    for (int j = 0; j < t->count; j++)
        loose &= ~plan->segment[j].reads;
    return loose;
}

/* ---- one segment --------------------------------------------------------------------------------------- */

/* The first width from `choice` on that is not under `least`, else the widest there is. */
static int wide_enough(const nas_int_list *widths, int choice, int64_t least)
{
    int best = choice;
    if (widths->item[choice] >= least)
        return choice;
    for (int i = 0; i < widths->count; i++) {
        const int64_t now = widths->item[best], other = widths->item[i];
        const bool better = now >= least ? other >= least && other < now : other > now;
        best = better ? i : best;
    }
    return best;
}

/* Strides are powers of two, so of two factors one divides the other. */
static int stride_here(const nas__template *t, int factor, int64_t stride)
{
    const int height = nas__reduced(t->input.h, factor), width = nas__reduced(t->input.w, factor);
    const int least = (int)t->options->min_size;
    return nas__may_reduce(height, width, (int)stride, least) ? (int)stride : 1;
}

static bool read_sources(const nas__template *t, nas__template_plan *plan, int j, int64_t *least)
{
    nas__segment_plan *s = &plan->segment[j];
    const int sizes = t->options->constraints.sizes;
    bool match = true;
    s->in_factor = 0;
    *least = 0;
    for (int source = 0; source <= j; source++) {
        if (!(s->reads >> source & 1))
            continue;
        const nas__segment_plan *from = source > 0 ? &plan->segment[source - 1] : NULL;
        const int factor = from ? from->factor : 1;
        const bool smaller = factor > s->in_factor;
        match = match && (s->in_factor == 0 || s->in_factor == factor);
        if (s->in_factor == 0 || smaller == (sizes != NAS__SIZES_LARGEST))
            s->in_factor = factor;
        *least = from && from->width > *least ? from->width : *least;
    }
    return match || sizes != NAS__SIZES_MATCH;
}

bool nas__template_read_shape(const nas__template *t, nas__template_plan *plan, int j)
{
    nas__segment_plan *s = &plan->segment[j];
    const nas_int_list *widths = t->segment[j].lots[NAS__LOT_WIDTH];
    const nas_int_list *strides = t->segment[j].lots[NAS__LOT_STRIDE];
    int64_t least;
    bool fits = read_sources(t, plan, j, &least);
    if (t->options->constraints.widths == NAS__WIDTHS_ANY)
        least = 0;
    s->genes[NAS__LOT_WIDTH] = (uint8_t)wide_enough(widths, s->genes[NAS__LOT_WIDTH], least);
    s->width = (int)widths->item[s->genes[NAS__LOT_WIDTH]];
    s->stride = stride_here(t, s->in_factor, strides->item[s->genes[NAS__LOT_STRIDE]]);
    for (int i = strides->count - 1; i >= 0; i--)
        if (stride_here(t, s->in_factor, strides->item[i]) == s->stride)
            s->genes[NAS__LOT_STRIDE] = (uint8_t)i;
    s->factor = s->in_factor * s->stride;
    return fits && s->width >= least;
}

static void read_blocks(const nas__template *t, const nas_arch *arch, int j, nas__segment_plan *s)
{
    const nas__template_segment *segment = &t->segment[j];
    const int last = s->block == NAS__BLOCK_INVERTED ? NAS__BLOCK_LOTS : NAS__LOT_KERNEL + 1;
    for (int b = 0; b < s->depth; b++) {
        const int *at = segment->block_at[t->alike ? 0 : b];
        for (int lot = 0; lot < last; lot++)
            s->block_genes[b][lot] = gene_of(arch, at[lot]);
        const uint8_t *genes = s->block_genes[b];
        s->kernel[b] = (int)segment->block_lots[NAS__LOT_KERNEL]->item[genes[NAS__LOT_KERNEL]];
        s->expansion[b] =
            (int)segment->block_lots[NAS__LOT_EXPANSION]->item[genes[NAS__LOT_EXPANSION]];
        s->squeeze[b] = (int)segment->block_lots[NAS__LOT_SQUEEZE]->item[genes[NAS__LOT_SQUEEZE]];
    }
}

/* ---- the whole row --------------------------------------------------------------------------------------- */

static void mend_depth(const nas__template *t, nas__template_plan *plan)
{
    int total = 0;
    for (int j = 0; j < t->count; j++)
        total += plan->segment[j].depth;
    for (int j = t->count - 1; j >= 0 && total > t->depth_max; j--)
        for (; plan->segment[j].depth > t->segment[j].depth_min && total > t->depth_max; total--)
            plan->segment[j].depth--;
    for (int j = 0; j < t->count && total < t->depth_min; j++)
        for (; plan->segment[j].depth < t->segment[j].depth_max && total < t->depth_min; total++)
            plan->segment[j].depth++;
    for (int j = 0; j < t->count; j++)
        plan->segment[j].genes[NAS__LOT_DEPTH] =
            (uint8_t)(plan->segment[j].depth - t->segment[j].depth_min);
}

static bool reads_several(const nas__segment_plan *s)
{
    return (s->reads & (s->reads - 1)) != 0;
}

void nas__template_read(const nas__template *t, const nas_arch *arch, nas__template_plan *plan)
{
    *plan = (nas__template_plan){0};
    nas__template_read_pattern(t, arch, plan);
    for (int j = 0; j < t->count; j++) {
        nas__segment_plan *s = &plan->segment[j];
        for (int lot = 0; lot < NAS__SEGMENT_LOTS; lot++)
            s->genes[lot] = gene_of(arch, t->segment[j].at[lot]);
        s->join_gene = reads_several(s) ? gene_of(arch, t->segment[j].join_at) : 0;
        s->join = (int)t->options->join.item[s->join_gene];
        s->block = (int)t->segment[j].lots[NAS__LOT_BLOCK]->item[s->genes[NAS__LOT_BLOCK]];
        s->depth = t->segment[j].depth_min + s->genes[NAS__LOT_DEPTH];
        nas__template_read_shape(t, plan, j);
    }
    mend_depth(t, plan);
    for (int j = 0; j < t->count; j++)
        read_blocks(t, arch, j, &plan->segment[j]);
}

static void put(nas_arch *arch, int at, unsigned value)
{
    if (at >= 0)
        arch->genes[at] = (uint8_t)value;
}

void nas__template_write(const nas__template *t, const nas__template_plan *plan, nas_arch *arch)
{
    const bool is_free = t->options->pattern.item[plan->pattern] == NAS__PATTERN_FREE;
    *arch = (nas_arch){.count = (uint16_t)t->gene_count};
    put(arch, t->pattern_at, (unsigned)plan->pattern);
    for (int j = 0; j < t->count; j++) {
        const nas__segment_plan *s = &plan->segment[j];
        const nas__template_segment *segment = &t->segment[j];
        for (int source = 0; source <= j && is_free && s->reads != bit(j); source++)
            put(arch, segment->reads_at[source], s->reads >> source & 1);
        put(arch, segment->join_at, s->join_gene);
        for (int lot = 0; lot < NAS__SEGMENT_LOTS; lot++)
            put(arch, segment->at[lot], s->genes[lot]);
        for (int b = 0; b < (t->alike ? 1 : s->depth); b++)
            for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
                put(arch, segment->block_at[b][lot], s->block_genes[b][lot]);
    }
}

/* ---- what cannot be mended --------------------------------------------------------------------------------- */

bool nas__template_continues(const nas__template *t, const nas__template_plan *plan, int j)
{
    const nas__segment_plan *s = &plan->segment[j];
    if (j == 0 || s->reads != bit(j) || s->stride != 1 || s->width != plan->segment[j - 1].width)
        return false;
    for (int k = j + 1; k < t->count; k++)
        if (plan->segment[k].reads & bit(j))
            return false;
    return true;
}

static bool has_same_blocks(const nas__template *t, const nas__segment_plan *a,
                            const nas__segment_plan *b)
{
    if (a->block != b->block)
        return false;
    return !t->alike || (a->kernel[0] == b->kernel[0] &&
                         (a->block != NAS__BLOCK_INVERTED ||
                          (a->expansion[0] == b->expansion[0] && a->squeeze[0] == b->squeeze[0])));
}

bool nas__template_shows(const nas__template *t, const nas__template_plan *plan, int j)
{
    return !nas__template_continues(t, plan, j) ||
           !has_same_blocks(t, &plan->segment[j - 1], &plan->segment[j]);
}

nas_status nas__template_fits(const nas__template *t, const nas__template_plan *plan)
{
    nas__template_plan copy = *plan;
    for (int j = 0; j < t->count; j++) {
        if (!nas__template_read_shape(t, &copy, j))
            NAS_FAIL(NAS_SHAPE,
                     "segment %d reads sources of several sizes or wider than it can be, which "
                     "space.constraints do not allow",
                     j + 1);
        if (!nas__template_shows(t, plan, j))
            NAS_FAIL(NAS_SHAPE,
                     "segment %d only goes on where segment %d ended, so its border is not there; "
                     "another width, stride or block, or fewer segments, would make a difference",
                     j + 1, j);
    }
    return NAS_OK;
}
