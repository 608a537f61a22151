/* template_size.c - how many architectures a template space has.
 *
 *     Σ over patterns   joins^(segments that read several)
 *     Σ over widths and strides that keep the constraints across segments
 *     × ways to fill the segments with blocks, the total depth kept, neighbours different where nothing else tells them apart
 *
 * Patterns, widths and strides are tried one by one: a row counts when it is its own reading, so template_read.c decides and
 * nothing of it is repeated here.  The ways to fill depend on which borders show in nothing but the blocks, one bit each, and are
 * kept per mask.  Where patterns × widths × strides are more than a few million, an upper bound is returned. */
#include "template.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 1 << 21, DEPTHS = NAS__SEGMENTS * NAS__BLOCKS + 1, TYPES_MAX = 512 };

/* What tells the blocks of two segments apart: with blocks of their own, only the kind. */
typedef struct type {
    int kind, kernel, expansion, squeeze;
} type;

typedef struct counting {
    const nas__template *t;
    int type_count;
    type types[TYPES_MAX];
    double
        kept[1 << NAS__SEGMENTS]; /* ways to fill by mask of borders; negative: not yet counted */
    double (*ways)[DEPTHS];       /* [segments + 1][types][total depth] */
} counting;

/* ---- types of segments ------------------------------------------------------------------------------------ */

static bool may_have(const counting *c, int j, const type *y)
{
    const nas__template_segment *s = &c->t->segment[j];
    if (nas__list_find(s->lots[NAS__LOT_BLOCK], y->kind) < 0)
        return false;
    if (!c->t->alike)
        return true;
    return nas__list_find(s->block_lots[NAS__LOT_KERNEL], y->kernel) >= 0 &&
           (y->kind != NAS__BLOCK_INVERTED ||
            (nas__list_find(s->block_lots[NAS__LOT_EXPANSION], y->expansion) >= 0 &&
             nas__list_find(s->block_lots[NAS__LOT_SQUEEZE], y->squeeze) >= 0));
}

static bool add_type(counting *c, type y)
{
    for (int i = 0; i < c->type_count; i++)
        if (memcmp(&c->types[i], &y, sizeof y) == 0)
            return true;
    if (c->type_count == TYPES_MAX)
        return false;
    c->types[c->type_count++] = y;
    return true;
}

static bool add_kind(counting *c, const nas__template_segment *s, int kind)
{
    const nas_int_list *kernels = s->block_lots[NAS__LOT_KERNEL];
    const nas_int_list *expansions = s->block_lots[NAS__LOT_EXPANSION];
    const nas_int_list *squeezes = s->block_lots[NAS__LOT_SQUEEZE];
    bool fits = true;
    if (!c->t->alike)
        return add_type(c, (type){.kind = kind});
    for (int k = 0; k < kernels->count; k++) {
        const int kernel = (int)kernels->item[k];
        if (kind != NAS__BLOCK_INVERTED)
            fits = fits && add_type(c, (type){.kind = kind, .kernel = kernel});
        else
            for (int e = 0; e < expansions->count; e++)
                for (int q = 0; q < squeezes->count; q++)
                    fits = fits && add_type(c, (type){kind, kernel, (int)expansions->item[e],
                                                      (int)squeezes->item[q]});
    }
    return fits;
}

static bool list_types(counting *c)
{
    bool fits = true;
    for (int j = 0; j < c->t->count; j++) {
        const nas__template_segment *s = &c->t->segment[j];
        for (int i = 0; i < s->lots[NAS__LOT_BLOCK]->count; i++)
            fits = fits && add_kind(c, s, (int)s->lots[NAS__LOT_BLOCK]->item[i]);
    }
    return fits;
}

/* ---- ways to fill ------------------------------------------------------------------------------------------- */

/* What one block of segment j can be beyond its type. */
static double choices_of(const counting *c, int j, const type *y)
{
    const nas__template_segment *s = &c->t->segment[j];
    if (c->t->alike)
        return 1;
    return (double)s->block_lots[NAS__LOT_KERNEL]->count *
           (y->kind == NAS__BLOCK_INVERTED ? (double)s->block_lots[NAS__LOT_EXPANSION]->count *
                                                 s->block_lots[NAS__LOT_SQUEEZE]->count
                                           : 1);
}

static double *ways_of(const counting *c, int segment, int y)
{
    return c->ways[segment * TYPES_MAX + y];
}

/* Segment j filled with a type, behind everything that the segments before can be. */
static void add_segment(const counting *c, unsigned borders, int j, int y)
{
    const nas__template_segment *s = &c->t->segment[j];
    const double one = choices_of(c, j, &c->types[y]);
    double power = 1;
    for (int d = 0; d < s->depth_min; d++)
        power *= one;
    for (int d = s->depth_min; d <= s->depth_max; d++, power *= one)
        for (int total = 0; total + d < DEPTHS; total++) {
            double before = j == 0 && total == 0;
            for (int other = 0; other < c->type_count && j > 0; other++)
                if (other != y || !(borders >> j & 1))
                    before += ways_of(c, j, other)[total];
            ways_of(c, j + 1, y)[total + d] += before * power;
        }
}

/* Bit j of `borders`: segment j must differ from j − 1 in its type. */
static double fill(counting *c, unsigned borders)
{
    double sum = 0;
    if (c->kept[borders] >= 0)
        return c->kept[borders];
    memset(c->ways, 0, (size_t)(c->t->count + 1) * TYPES_MAX * sizeof *c->ways);
    for (int j = 0; j < c->t->count; j++)
        for (int y = 0; y < c->type_count; y++)
            if (may_have(c, j, &c->types[y]))
                add_segment(c, borders, j, y);
    for (int y = 0; y < c->type_count; y++)
        for (int d = c->t->depth_min; d <= c->t->depth_max && d < DEPTHS; d++)
            sum += ways_of(c, c->t->count, y)[d];
    return c->kept[borders] = sum;
}

/* ---- widths and strides --------------------------------------------------------------------------------------- */

static double shapes_of(const nas__template *t, int j)
{
    return (double)t->segment[j].lots[NAS__LOT_WIDTH]->count *
           t->segment[j].lots[NAS__LOT_STRIDE]->count;
}

static double fill_plan(counting *c, const nas__template_plan *plan)
{
    unsigned borders = 0;
    for (int j = 1; j < c->t->count; j++)
        borders |= (unsigned)nas__template_continues(c->t, plan, j) << j;
    return fill(c, borders);
}

/* Widths and strides of segments j … that are their own reading and fit, each with its ways to fill. */
static double count_shapes(counting *c, nas__template_plan *plan, int j)
{
    if (j == c->t->count)
        return fill_plan(c, plan);
    const nas__template_segment *s = &c->t->segment[j];
    uint8_t *genes = plan->segment[j].genes;
    double rows = 0;
    for (int width = 0; width < s->lots[NAS__LOT_WIDTH]->count; width++)
        for (int stride = 0; stride < s->lots[NAS__LOT_STRIDE]->count; stride++) {
            genes[NAS__LOT_WIDTH] = (uint8_t)width;
            genes[NAS__LOT_STRIDE] = (uint8_t)stride;
            if (nas__template_read_shape(c->t, plan, j) && genes[NAS__LOT_WIDTH] == width &&
                genes[NAS__LOT_STRIDE] == stride)
                rows += count_shapes(c, plan, j + 1);
        }
    return rows;
}

/* ---- patterns -------------------------------------------------------------------------------------------------- */

static double joins_of(const nas__template *t, const nas__template_plan *plan)
{
    double ways = 1;
    for (int j = 0; j < t->count; j++)
        if (plan->segment[j].reads & (plan->segment[j].reads - 1))
            ways *= t->options->join.count;
    return ways;
}

static int free_pairs(const nas__template *t)
{
    int pairs = 0;
    for (int j = 0; j < t->count; j++)
        for (int source = 0; source <= j; source++)
            pairs += t->segment[j].reads_at[source] >= 0;
    return pairs;
}

/* The row of one pattern choice with the bits of its pairs. */
static void write_pattern(const nas__template *t, int choice, uint64_t bits, nas_arch *arch)
{
    *arch = (nas_arch){.count = (uint16_t)t->gene_count};
    if (t->pattern_at >= 0)
        arch->genes[t->pattern_at] = (uint8_t)choice;
    for (int j = 0; j < t->count; j++)
        for (int source = 0; source <= j; source++)
            if (t->segment[j].reads_at[source] >= 0) {
                arch->genes[t->segment[j].reads_at[source]] = bits & 1;
                bits >>= 1;
            }
}

/* Is this pattern what it would be written as?  Then its rows are counted here. */
static bool is_own_reading(const nas__template *t, int choice, uint64_t bits,
                           nas__template_plan *plan)
{
    nas_arch arch;
    *plan = (nas__template_plan){0};
    write_pattern(t, choice, bits, &arch);
    nas__template_read_pattern(t, &arch, plan);
    if (plan->pattern != choice)
        return false;
    for (int j = 0; j < t->count; j++) {
        const nas__template_segment *segment = &t->segment[j];
        unsigned written = 0;
        for (int source = 0; source <= j; source++)
            if (segment->reads_at[source] >= 0)
                written |= (unsigned)arch.genes[segment->reads_at[source]] << source;
        if (written == 1u << j)
            return false; /* reading only the one before is written as naming nobody */
    }
    return true;
}

static double count_all(counting *c)
{
    const nas_int_list *patterns = &c->t->options->pattern;
    const uint64_t readings = (uint64_t)1 << free_pairs(c->t);
    double size = 0;
    for (int i = 0; i < patterns->count; i++) {
        const bool is_free = patterns->item[i] == NAS__PATTERN_FREE;
        for (uint64_t bits = 0; bits < (is_free ? readings : 1); bits++) {
            nas__template_plan plan;
            if (is_own_reading(c->t, i, bits, &plan))
                size += joins_of(c->t, &plan) * count_shapes(c, &plan, 0);
        }
    }
    return size;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

/* Patterns × widths × strides × joins, whether they fit or not. */
static double tries_of(const nas__template *t, bool joins)
{
    const nas_int_list *patterns = &t->options->pattern;
    double tries = 0;
    for (int i = 0; i < patterns->count; i++)
        tries +=
            patterns->item[i] == NAS__PATTERN_FREE ? (double)((uint64_t)1 << free_pairs(t)) : 1;
    for (int j = 0; j < t->count; j++)
        tries *= shapes_of(t, j) * (joins && j > 0 ? t->options->join.count : 1);
    return tries;
}

double nas__template_size(const nas__template *t, bool *exact)
{
    counting *c = calloc(1, sizeof *c);
    double size = 0;
    *exact = false;
    if (!c)
        return size;
    c->t = t;
    c->ways = malloc((size_t)(t->count + 1) * TYPES_MAX * sizeof *c->ways);
    for (int i = 0; i < 1 << NAS__SEGMENTS; i++)
        c->kept[i] = -1;
    if (c->ways && list_types(c)) {
        const bool few = tries_of(t, false) <= TRIES_MAX;
        size = few ? count_all(c) : fill(c, 0) * tries_of(t, true);
        *exact = few && t->options->mmacs == 0;
    }
    free(c->ways);
    free(c);
    return size;
}
