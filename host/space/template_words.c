/* template_words.c - the template space in words: a network in a line, its blocks in a picture, genes and their choices.
 *
 * As in chain_words.c, what is told is what is built: the plan of template_read.c, not the row.  Segments are counted from 1, their
 * blocks too, and source 0 is the stem. */
#include "template.h"

#include <stdio.h>

/* ---- a network -------------------------------------------------------------------------------------------- */

/* "2.1: inverted 5x5, expansion 4, squeeze 4, stride 2" */
nas_status nas__template_name_block(const nas__block_at *at, int j, nas__build *build)
{
    const nas__segment_plan *s = at->s;
    char kind[32] = "", inside[48] = "", stride[32] = "";
    nas_text window = {0};
    if (!build->sketch)
        return NAS_OK;
    nas_choice_name(NAS__BLOCK_KINDS, s->block, kind, sizeof kind);
    nas__write_window(at->t->input, s->kernel[at->b], &window);
    if (s->block == NAS__BLOCK_INVERTED && s->squeeze[at->b] > 0)
        snprintf(inside, sizeof inside, ", expansion %d, squeeze %d", s->expansion[at->b],
                 s->squeeze[at->b]);
    else if (s->block == NAS__BLOCK_INVERTED)
        snprintf(inside, sizeof inside, ", expansion %d", s->expansion[at->b]);
    if (at->stride > 1)
        snprintf(stride, sizeof stride, ", stride %d", at->stride);
    nas__build_part(build, -1, "%d.%d: %s %s%s%s", j + 1, at->b + 1, kind,
                    window.data ? window.data : "", inside, stride);
    const nas_status status = nas_text_check(&window);
    nas_text_clear(&window);
    return status;
}

static void describe_block(const nas__segment_plan *s, int b, nas_text *text)
{
    nas_text_format(text, "%d", s->kernel[b]);
    if (s->block == NAS__BLOCK_INVERTED)
        nas_text_format(text, "e%d", s->expansion[b]);
    if (s->block == NAS__BLOCK_INVERTED && s->squeeze[b] > 0)
        nas_text_format(text, "s%d", s->squeeze[b]);
}

static void describe_segment(const nas__template *t, const nas__segment_plan *s, int j,
                             nas_text *text)
{
    char block[32] = "";
    const char *separator = "<";
    nas_choice_name(NAS__BLOCK_KINDS, s->block, block, sizeof block);
    nas_text_format(text, " %d:%dx%s(%d", j + 1, s->depth, block, s->width);
    for (int b = 0; b < (t->alike ? 1 : s->depth); b++) {
        nas_text_add(text, b ? "," : ", k");
        describe_block(s, b, text);
    }
    nas_text_add(text, ")");
    if (s->stride > 1)
        nas_text_format(text, "/%d", s->stride);
    if (s->reads == 1u << j)
        return;
    for (int source = 0; source <= j; source++)
        if (s->reads >> source & 1) {
            nas_text_format(text, "%s%d", separator, source);
            separator = s->join == NAS__JOIN_ADD ? "+" : "&";
        }
}

/* "16 1:2xresidual(16, k3) 2:1xinverted(32, k5e3s4)/2 3:1xplain(64, k3)<0&2": the stem's width; number, depth, block, width
 * and kernel of segments; what they read where it is not the one before. */
void nas__template_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    const nas__template *t = state;
    nas__template_plan plan;
    nas__template_read(t, arch, &plan);
    nas_text_format(text, "%d", (int)t->options->stem);
    for (int j = 0; j < t->count; j++)
        describe_segment(t, &plan.segment[j], j, text);
}

/* ---- its genes -------------------------------------------------------------------------------------------- */

/* What a gene is of; −1: of no one. */
typedef struct gene_place {
    int segment, block;         /* the pattern has no segment, what blocks share no block */
    int lot, block_lot, source; /* one of them, or none: the join */
} gene_place;

static bool find_in_segment(const nas__template *t, int gene, gene_place *place)
{
    const nas__template_segment *s = &t->segment[place->segment];
    for (place->source = place->segment; place->source >= 0; place->source--)
        if (s->reads_at[place->source] == gene)
            return true;
    for (place->lot = NAS__SEGMENT_LOTS - 1; place->lot >= 0; place->lot--)
        if (s->at[place->lot] == gene)
            return true;
    for (int b = 0; b < NAS__BLOCKS; b++)
        for (place->block_lot = NAS__BLOCK_LOTS - 1; place->block_lot >= 0; place->block_lot--)
            if (s->block_at[b][place->block_lot] == gene) {
                place->block = t->alike ? -1 : b;
                return true;
            }
    return s->join_at == gene;
}

static gene_place place_of(const nas__template *t, int gene)
{
    for (int j = 0; j < t->count && gene != t->pattern_at; j++) {
        gene_place place = {j, -1, -1, -1, -1};
        if (find_in_segment(t, gene, &place))
            return place;
    }
    return (gene_place){-1, -1, -1, -1, -1};
}

void nas__template_describe_gene(const void *state, int gene, nas_text *text)
{
    const gene_place place = place_of(state, gene);
    if (place.segment < 0) {
        nas_text_add(text, "pattern");
        return;
    }
    nas_text_format(text, "segment %d", place.segment + 1);
    if (place.block >= 0)
        nas_text_format(text, ".%d", place.block + 1);
    if (place.source == 0)
        nas_text_add(text, ": reads the stem");
    else if (place.source > 0)
        nas_text_format(text, ": reads segment %d", place.source);
    else
        nas_text_format(text, ": %s",
                        place.lot >= 0         ? nas__template_segment_lots[place.lot]
                        : place.block_lot >= 0 ? nas__template_block_lots[place.block_lot]
                                               : "join");
}

void nas__template_describe_choice(const void *state, int gene, int choice, nas_text *text)
{
    const nas__template *t = state;
    const gene_place place = place_of(t, gene);
    const nas__template_segment *s = &t->segment[place.segment < 0 ? 0 : place.segment];
    if (place.segment < 0)
        nas__list_describe(&t->options->pattern, choice, NAS__PATTERNS, text);
    else if (place.source >= 0)
        nas_text_add(text, choice ? "yes" : "no");
    else if (place.lot == NAS__LOT_DEPTH)
        nas_text_format(text, "%d", s->depth_min + choice);
    else if (place.lot >= 0)
        nas__list_describe(s->lots[place.lot], choice,
                           place.lot == NAS__LOT_BLOCK ? NAS__BLOCK_KINDS : NULL, text);
    else if (place.block_lot >= 0)
        nas__list_describe(s->block_lots[place.block_lot], choice, NULL, text);
    else
        nas__list_describe(&t->options->join, choice, NAS__JOINS, text);
}
