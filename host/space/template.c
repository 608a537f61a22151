/* template.c - segments of blocks, joined in a pattern that the config fixes or leaves to the search.
 *
 * The survey's third global space (arXiv 1905.01392, section 2.1): somebody who knows the field draws the outline, the search
 * fills it in.  A stem, a 3×3 convolution, stands in front; then up to eight segments; each is a number of equal blocks, the first
 * of which has the segment's stride:
 *
 *     block     plain, residual, bottleneck, or inverted with expansion and squeeze-and-excitation (template_build.c)
 *     genes     of a segment: block, depth, width, stride; of its blocks: kernel, expansion, squeeze, for all alike as in
 *               MnasNet (1807.11626) or for each its own as in ProxylessNAS (1812.00332)
 *     pattern   who reads whom:
 *       chain      every segment the one before it
 *       branches   all but the last side by side from the stem; the last reads them all
 *       dense      every segment all earlier ones and the stem (DenseNet, 1608.06993, between segments)
 *       lateral    every segment the one before it, and late ones an early one as well: the last the stem, the last but one
 *                  segment 1 … (U-Net, 1505.04597); with constraints.sizes = "largest" the way up again is enlarged
 *       given      what each segment's `reads` names
 *       free       anything: a gene for every pair
 *
 * A segment that reads several adds or concatenates them (`join`).  What nobody reads goes to the head: global averages side by
 * side and a dense layer.  So no segment is ever without effect.
 *
 * Constraints within segments are the lists of choices and `constraints.blocks`; across segments: widths that may not shrink along what
 * is read, a total depth, sizes that must match where several are read.  Rows are read so that they are kept where that
 * is possible, see template_read.c.  Two branches that change places count as two architectures: their weights start differently.
 *
 * Layout: here the options, genes, names; then template_read.c, template_build.c, template_words.c, template_size.c,
 * template_supergraph.c. */
#include "space.h"
#include "template.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ------------------------------------------------------------------------------------------- */

typedef nas__template_options template_options;
#define AT(field) offsetof(template_options, field)

/* What one segment may be.  Its own lists are empty unless given. */
#define OWN(n, name, type, min, max, choices, help)                                                \
    {                                                                                              \
        "segment" #n "." #name, NAS_OPTION_##type, AT(own[n - 1].name), "[]", min, max, choices,   \
            help                                                                                   \
    }
#define SEGMENT(n)                                                                                 \
    OWN(n, block, CHOICE_LIST, 0, 0, NAS__BLOCK_KINDS,                                             \
        "blocks of segment " #n "; unless given, here and below: as in segment"),                  \
        OWN(n, depth, INT_LIST, 1, NAS__BLOCKS, NULL, "its number of blocks: from, to"),           \
        OWN(n, width, INT_LIST, 1, 4096, NULL, "its output channels"),                             \
        OWN(n, stride, INT_LIST, 1, 4, NULL, "strides of its first block: 1, 2 or 4"),             \
        OWN(n, kernel, INT_LIST, 1, 15, NULL, "its kernel sizes, odd"),                            \
        OWN(n, expansion, INT_LIST, 1, 16, NULL, "its expansions"),                                \
        OWN(n, squeeze, INT_LIST, 0, 64, NULL, "its squeezes"),                                    \
        OWN(n, reads, INT_LIST, 0, NAS__SEGMENTS - 1, NULL,                                        \
            "what it reads in the pattern \"given\": numbers of earlier segments, 0 is the stem; " \
            "unless given: the one before it")

static const nas_option options[] = {
    {"segments", NAS_OPTION_INT, AT(segments), "4", 1, NAS__SEGMENTS, NULL, "number of segments"},
    {"stem", NAS_OPTION_INT, AT(stem), "16", 1, 4096, NULL,
     "output channels of the 3x3 convolution in front"},
    {"pattern", NAS_OPTION_CHOICE_LIST, AT(pattern), "[\"chain\", \"dense\", \"lateral\"]", 0, 0,
     NAS__PATTERNS, "how segments are joined; one: fixed, several: searched; \"free\" stands last"},
    {"join", NAS_OPTION_CHOICE_LIST, AT(join), "[\"add\", \"concat\"]", 0, 0, NAS__JOINS,
     "how a segment takes several inputs in"},
    {"shrink", NAS_OPTION_CHOICE, AT(shrink), "\"avg_pool\"", 0, 0, NAS__SHRINKS,
     "how an input is brought to a smaller size: a pooling (and a 1x1 convolution where channels "
     "differ) or a strided 1x1 convolution"},
    {"activation", NAS_OPTION_CHOICE, AT(activation), "\"relu\"", 0, 0, NAS__ACTIVATIONS,
     "the activation everywhere"},
    {"min_size", NAS_OPTION_INT, AT(min_size), "4", 1, 1024, NULL,
     "no reduction takes the shorter side under this many pixels"},
    {"mmacs", NAS_OPTION_REAL, AT(mmacs), "12.0", 0, 1e9, NULL,
     "networks over this many million multiply-accumulates per sample are invalid; 0: no limit"},
    {"constraints.widths", NAS_OPTION_CHOICE, AT(constraints.widths), "\"no_shrink\"", 0, 0,
     "any|no_shrink", "no_shrink: no segment is narrower than one that it reads"},
    {"constraints.depth", NAS_OPTION_INT_LIST, AT(constraints.depth), "[1, 128]", 1,
     NAS__SEGMENTS *NAS__BLOCKS, NULL, "blocks in all segments together: from, to"},
    {"constraints.sizes", NAS_OPTION_CHOICE, AT(constraints.sizes), "\"smallest\"", 0, 0,
     "smallest|largest|match",
     "where a segment reads several sizes: brought to the smallest, to the largest, or not "
     "allowed"},
    {"constraints.blocks", NAS_OPTION_CHOICE, AT(constraints.blocks), "\"alike\"", 0, 0,
     "alike|own", "blocks of one segment: alike in kernel, expansion and squeeze, or each its own"},
    {"segment.block", NAS_OPTION_CHOICE_LIST, AT(shared.block),
     "[\"plain\", \"residual\", \"bottleneck\", \"inverted\"]", 0, 0, NAS__BLOCK_KINDS,
     "blocks to choose from, in every segment that does not say otherwise"},
    {"segment.depth", NAS_OPTION_INT_LIST, AT(shared.depth), "[1, 2]", 1, NAS__BLOCKS, NULL,
     "number of blocks: from, to"},
    {"segment.width", NAS_OPTION_INT_LIST, AT(shared.width), "[16, 32, 64]", 1, 4096, NULL,
     "output channels of blocks"},
    {"segment.stride", NAS_OPTION_INT_LIST, AT(shared.stride), "[1, 2]", 1, 4, NULL,
     "strides of the first block: 1, 2 or 4"},
    {"segment.kernel", NAS_OPTION_INT_LIST, AT(shared.kernel), "[3, 5]", 1, 15, NULL,
     "kernel sizes, odd"},
    {"segment.expansion", NAS_OPTION_INT_LIST, AT(shared.expansion), "[3, 6]", 1, 16, NULL,
     "inner channels of inverted blocks, in multiples of what they read"},
    {"segment.squeeze", NAS_OPTION_INT_LIST, AT(shared.squeeze), "[0, 4]", 0, 64, NULL,
     "squeeze-and-excitation in inverted blocks: inner channels per channel of the gate; 0: no "
     "gate"},
    SEGMENT(1),
    SEGMENT(2),
    SEGMENT(3),
    SEGMENT(4),
    SEGMENT(5),
    SEGMENT(6),
    SEGMENT(7),
    SEGMENT(8),
    {0},
};
#undef AT

/* ---- checking them ---------------------------------------------------------------------------------------- */

const char *const nas__template_segment_lots[NAS__SEGMENT_LOTS] = {"block", "depth", "width",
                                                                   "stride"};
const char *const nas__template_block_lots[NAS__BLOCK_LOTS] = {"kernel", "expansion", "squeeze"};

/* Two gates of one size would be one network written twice. */
static nas_status check_squeeze(const nas__template *t, int j)
{
    const nas_int_list *squeeze = t->segment[j].block_lots[NAS__LOT_SQUEEZE];
    const nas_int_list *expansion = t->segment[j].block_lots[NAS__LOT_EXPANSION];
    int64_t channels = t->options->stem;
    for (int i = 0; i < t->count; i++)
        for (int k = 0; k < t->segment[i].lots[NAS__LOT_WIDTH]->count; k++)
            if (t->segment[i].lots[NAS__LOT_WIDTH]->item[k] < channels)
                channels = t->segment[i].lots[NAS__LOT_WIDTH]->item[k];
    int64_t least = expansion->item[0];
    for (int i = 1; i < expansion->count; i++)
        least = expansion->item[i] < least ? expansion->item[i] : least;
    for (int i = 0; i < squeeze->count; i++)
        for (int k = 0; k < squeeze->count; k++) {
            const int64_t a = squeeze->item[i], b = squeeze->item[k];
            if (a > 0 && b > a && (b < 2 * a || a >= channels * least))
                NAS_FAIL(NAS_CONFIG,
                         "space template: segment %d: squeeze %d and %d can come to the same gate; "
                         "choices should double, and all but one be less than the %d channels that "
                         "a block can have inside",
                         j + 1, (int)a, (int)b, (int)(channels * least));
        }
    return NAS_OK;
}

static nas_status check_segment(const nas__template *t, int j)
{
    const nas__template_segment *s = &t->segment[j];
    const nas_int_list *strides = s->lots[NAS__LOT_STRIDE];
    char name[32];
    snprintf(name, sizeof name, "template: segment %d", j + 1);
    NAS_TRY(nas__check_range("template", "depth of a segment", s->lots[NAS__LOT_DEPTH]));
    for (int lot = 0; lot < NAS__SEGMENT_LOTS; lot++)
        if (lot != NAS__LOT_DEPTH)
            NAS_TRY(nas__check_choices(name, nas__template_segment_lots[lot], s->lots[lot]));
    for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
        NAS_TRY(nas__check_choices(name, nas__template_block_lots[lot], s->block_lots[lot]));
    NAS_TRY(nas__check_kernels(name, s->block_lots[NAS__LOT_KERNEL]));
    for (int i = 0; i < strides->count; i++)
        if (strides->item[i] == 3)
            NAS_FAIL(NAS_CONFIG, "space %s: strides are 1, 2 or 4, not 3", name);
    return check_squeeze(t, j);
}

static nas_status check_reads(const nas__template *t, int j)
{
    const nas_int_list *reads = &t->options->own[j].reads;
    if (reads->count && nas__list_find(&t->options->pattern, NAS__PATTERN_GIVEN) < 0)
        NAS_FAIL(NAS_CONFIG,
                 "space template: segment%d.reads is for the pattern \"given\", which is not among "
                 "the choices of pattern",
                 j + 1);
    for (int i = 0; i < reads->count; i++)
        if (reads->item[i] > j)
            NAS_FAIL(
                NAS_CONFIG,
                "space template: segment%d.reads names %d, but only earlier segments (1 to %d) "
                "and the stem (0) can be read",
                j + 1, (int)reads->item[i], j);
    return NAS_OK;
}

static nas_status check(const nas__template *t)
{
    const template_options *o = t->options;
    int least = 0, most = 0;
    if (o->pattern.count < 1 || nas__list_has_double(&o->pattern) || o->join.count < 1 ||
        nas__list_has_double(&o->join))
        NAS_FAIL(NAS_CONFIG,
                 "space template: pattern and join need at least one choice, and each only once");
    NAS_TRY(nas__check_range("template", "constraints.depth", &o->constraints.depth));
    for (int j = 0; j < t->count; j++) {
        NAS_TRY(check_segment(t, j));
        NAS_TRY(check_reads(t, j));
        least += t->segment[j].depth_min;
        most += t->segment[j].depth_max;
    }
    if (most < t->depth_min || least > t->depth_max)
        NAS_FAIL(NAS_CONFIG,
                 "space template: constraints.depth is %d to %d, but the segments together have %d "
                 "to %d blocks",
                 t->depth_min, t->depth_max, least, most);
    return NAS_OK;
}

/* ---- begin ---------------------------------------------------------------------------------------------- */

static const nas_int_list *own_or_shared(const nas_int_list *own, const nas_int_list *shared)
{
    return own->count ? own : shared;
}

static void prepare_segment(nas__template *t, int j)
{
    const nas__segment_options *own = &t->options->own[j], *shared = &t->options->shared;
    nas__template_segment *s = &t->segment[j];
    s->lots[NAS__LOT_BLOCK] = own_or_shared(&own->block, &shared->block);
    s->lots[NAS__LOT_DEPTH] = own_or_shared(&own->depth, &shared->depth);
    s->lots[NAS__LOT_WIDTH] = own_or_shared(&own->width, &shared->width);
    s->lots[NAS__LOT_STRIDE] = own_or_shared(&own->stride, &shared->stride);
    s->block_lots[NAS__LOT_KERNEL] = own_or_shared(&own->kernel, &shared->kernel);
    s->block_lots[NAS__LOT_EXPANSION] = own_or_shared(&own->expansion, &shared->expansion);
    s->block_lots[NAS__LOT_SQUEEZE] = own_or_shared(&own->squeeze, &shared->squeeze);
    const nas_int_list *depth = s->lots[NAS__LOT_DEPTH];
    s->depth_min = depth->count ? (int)depth->item[0] : 1;
    s->depth_max = depth->count ? (int)depth->item[depth->count - 1] : 1;
}

/* Can any block of the segment be inverted?  Else expansion and squeeze have no genes. */
static bool may_invert(const nas__template_segment *s)
{
    return nas__list_find(s->lots[NAS__LOT_BLOCK], NAS__BLOCK_INVERTED) >= 0;
}

static void place_segment(nas__template *t, int j, int *next)
{
    nas__template_segment *s = &t->segment[j];
    const bool is_free = nas__list_find(&t->options->pattern, NAS__PATTERN_FREE) >= 0;
    for (int source = 0; source < NAS__SEGMENTS; source++)
        s->reads_at[source] = is_free && j > 0 && source <= j ? (*next)++ : -1;
    s->join_at = j > 0 && t->options->join.count > 1 ? (*next)++ : -1;
    for (int lot = 0; lot < NAS__SEGMENT_LOTS; lot++) {
        const int choices =
            lot == NAS__LOT_DEPTH ? s->depth_max - s->depth_min + 1 : s->lots[lot]->count;
        s->at[lot] = choices > 1 ? (*next)++ : -1;
    }
    for (int b = 0; b < NAS__BLOCKS; b++)
        for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++) {
            const bool exists =
                b < (t->alike ? 1 : s->depth_max) && (lot == NAS__LOT_KERNEL || may_invert(s));
            s->block_at[b][lot] = exists && s->block_lots[lot]->count > 1 ? (*next)++ : -1;
        }
}

static nas_status prepare(nas__template *t)
{
    const template_options *o = t->options;
    int next = 0;
    t->count = (int)o->segments;
    t->alike = o->constraints.blocks == 0;
    if (o->constraints.depth.count) {
        t->depth_min = (int)o->constraints.depth.item[0];
        t->depth_max = (int)o->constraints.depth.item[o->constraints.depth.count - 1];
    }
    for (int j = 0; j < t->count; j++)
        prepare_segment(t, j);
    NAS_TRY(check(t));
    t->pattern_at = o->pattern.count > 1 ? next++ : -1;
    for (int j = 0; j < t->count; j++)
        place_segment(t, j, &next);
    t->gene_count = next;
    return nas__check_gene_count("template", next, "");
}

static nas_status template_begin(const void *instance, nas_shape input, int classes, void **state)
{
    nas__template *t = calloc(1, sizeof *t);
    if (!t)
        NAS_FAIL(NAS_MEMORY, "no memory for space template");
    *t = (nas__template){.options = instance, .input = input, .classes = classes};
    nas_status status = prepare(t);
    if (status != NAS_OK) {
        free(t);
        return status;
    }
    *state = t;
    return NAS_OK;
}

static void template_end(void *state)
{
    free(state);
}

/* ---- genes -------------------------------------------------------------------------------------------------- */

static void set_gene(nas_gene *genes, int at, const char *name, int choices, bool ordered,
                     int group)
{
    if (at < 0)
        return;
    genes[at] = (nas_gene){.choices = choices, .ordered = ordered, .group = group};
    strcpy(genes[at].name, name);
}

static int template_genes(const void *state, nas_gene *genes)
{
    const nas__template *t = state;
    set_gene(genes, t->pattern_at, "pattern", t->options->pattern.count, false, 0);
    for (int j = 0; j < t->count; j++) {
        const nas__template_segment *s = &t->segment[j];
        for (int source = 0; source <= j; source++)
            set_gene(genes, s->reads_at[source], "reads", 2, false, j + 1);
        set_gene(genes, s->join_at, "join", t->options->join.count, false, j + 1);
        for (int lot = 0; lot < NAS__SEGMENT_LOTS; lot++)
            set_gene(genes, s->at[lot], nas__template_segment_lots[lot],
                     lot == NAS__LOT_DEPTH ? s->depth_max - s->depth_min + 1 : s->lots[lot]->count,
                     lot != NAS__LOT_BLOCK, j + 1);
        for (int b = 0; b < NAS__BLOCKS; b++)
            for (int lot = 0; lot < NAS__BLOCK_LOTS; lot++)
                set_gene(genes, s->block_at[b][lot], nas__template_block_lots[lot],
                         s->block_lots[lot]->count, lot != NAS__LOT_SQUEEZE, j + 1);
    }
    return t->gene_count;
}

/* ---- what rows mean ------------------------------------------------------------------------------------------- */

static void template_canonical(const void *state, nas_arch *arch)
{
    nas__template_plan plan;
    nas__template_read(state, arch, &plan);
    nas__template_write(state, &plan, arch);
}

static int template_reads_size(const void *state, const nas_arch *arch, int group)
{
    const nas__template *t = state;
    nas__template_plan plan;
    nas__template_read(t, arch, &plan);
    const int side = nas__side_of(t->input, t->input.h, t->input.w);
    return nas__reduced(side, group > 0 ? plan.segment[group - 1].in_factor : 1);
}

static nas_status template_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                                  nas_sketch *sketch)
{
    const nas__template *t = state;
    nas__template_plan plan;
    nas__build build = {.graph = graph, .input = t->input, .sketch = sketch};
    nas__template_read(t, arch, &plan);
    return nas__template_assemble(t, &plan, &build);
}

static nas_status template_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    return template_sketch(state, arch, graph, NULL);
}

static nas_status template_valid(const void *state, const nas_arch *arch)
{
    const nas__template *t = state;
    nas__template_plan plan;
    nas__build build = {.input = t->input};
    nas__template_read(t, arch, &plan);
    NAS_TRY(nas__template_fits(t, &plan));
    if (t->options->mmacs == 0)
        return NAS_OK;
    NAS_TRY(nas__template_assemble(t, &plan, &build));
    if (build.macs > t->options->mmacs * 1e6)
        NAS_FAIL(NAS_BOUND, "%.1f million multiply-accumulates per sample, but space.mmacs is %g",
                 build.macs * 1e-6, t->options->mmacs);
    return NAS_OK;
}

static double template_size(const void *state, bool *exact)
{
    return nas__template_size(state, exact);
}

/* ---- the hand-made baseline ------------------------------------------------------------------------------------ */

static void choose(nas_arch *arch, int at, int choice)
{
    if (at >= 0)
        arch->genes[at] = (uint8_t)choice;
}

/* Another block, or else another kernel, where segment j would only go on where the one before it ended. */
static void tell_apart(const nas__template *t, int j, nas_arch *arch)
{
    const nas__template_segment *s = &t->segment[j];
    const int genes[] = {s->at[NAS__LOT_BLOCK], s->block_at[0][NAS__LOT_KERNEL]};
    const int choices[] = {s->lots[NAS__LOT_BLOCK]->count, s->block_lots[NAS__LOT_KERNEL]->count};
    for (int g = 0; g < 2; g++)
        for (int choice = 0; choice < choices[g] && genes[g] >= 0; choice++) {
            const nas_arch before = *arch;
            nas__template_plan plan;
            nas__template_read(t, arch, &plan);
            if (nas__template_shows(t, &plan, j))
                return;
            choose(arch, genes[g], choice);
            nas__template_read(t, arch, &plan);
            if (!nas__template_shows(t, &plan, j))
                *arch = before;
        }
}

/* A small ResNet: the first pattern, one residual block a segment or the fewest there may be, half the size and twice the width
 * from segment to segment, up to 64. */
static nas_status template_named(const void *state, const char *name, nas_arch *arch)
{
    const nas__template *t = state;
    *arch = (nas_arch){.count = (uint16_t)t->gene_count};
    (void)name; /* there is one */
    for (int j = 0; j < t->count; j++) {
        const nas__template_segment *s = &t->segment[j];
        const int residual = nas__list_find(s->lots[NAS__LOT_BLOCK], NAS__BLOCK_RESIDUAL);
        const int width = nas__list_nearest(s->lots[NAS__LOT_WIDTH], 16 << (j < 2 ? j : 2));
        choose(arch, s->at[NAS__LOT_BLOCK], residual >= 0 ? residual : 0);
        choose(arch, s->at[NAS__LOT_WIDTH], width);
        choose(arch, s->at[NAS__LOT_STRIDE], nas__list_nearest(s->lots[NAS__LOT_STRIDE], 2));
        for (int b = 0; b < NAS__BLOCKS; b++)
            choose(arch, s->block_at[b][NAS__LOT_KERNEL],
                   nas__list_nearest(s->block_lots[NAS__LOT_KERNEL], 3));
    }
    for (int j = 1; j < t->count; j++)
        tell_apart(t, j, arch);
    return NAS_OK;
}

static const char *const names[] = {"baseline", NULL};

const nas_space nas__space_template = {
    .kind = {.name = "template",
             .summary = "segments of plain, residual, bottleneck or inverted blocks, joined in a "
                        "fixed or searched pattern under constraints",
             .paper = "arXiv 1905.01392 (survey), 1807.11626",
             .instance_size = sizeof(template_options),
             .options = options},
    .begin = template_begin,
    .end = template_end,
    .genes = template_genes,
    .sketch = template_sketch,
    .describe_gene = nas__template_describe_gene,
    .describe_choice = nas__template_describe_choice,
    .canonical = template_canonical,
    .valid = template_valid,
    .build = template_build,
    .describe = nas__template_describe,
    .size = template_size,
    .named = template_named,
    .names = names,
    .reads_size = template_reads_size,
    .supergraph = nas__template_supergraph,
    .derive = nas__template_derive,
    .path = nas__template_path,
};
