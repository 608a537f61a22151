/* chain_skip_size.c - how many canonical rows the chain_skip space has: dynamic programming over the places that a chain can
 * stand in while it is read, for each depth.  What a layer can be depends on its place only by operation and stride; kernel,
 * width and activation multiply, and so do the skips that may arrive. */
#include "chain_skip.h"

#include <stdlib.h>

enum { PLACES_MAX = 4096 };

typedef struct tally {
    place at;
    double rows;
} tally;

static void tally_add(tally *tallies, int *count, place at, double rows)
{
    for (int i = 0; i < *count; i++) {
        const place *p = &tallies[i].at;
        if (p->height == at.height && p->width == at.width && p->held == at.held) {
            tallies[i].rows += rows;
            return;
        }
    }
    if (*count < PLACES_MAX)
        tallies[(*count)++] = (tally){at, rows};
}

/* Rows of skips and join that layer l can have: none, or some in one of the ways of joining. */
static double skip_rows(const chain_skip *c, int l)
{
    double subsets = 1;
    for (int source = 0; source <= l; source++)
        subsets *= c->skip_at[l][source] >= 0 ? 2 : 1;
    return 1 + (subsets - 1) * c->options->join.count;
}

/* Every distinct layer that can stand at a place: canonical (operation, stride), times the rest. */
static void tally_layers(const chain_skip *c, const tally *from, tally *to, int *count)
{
    const chain_skip_options *o = c->options;
    const double skips = from->rows * skip_rows(c, from->at.layer);
    const double rest = (double)o->kernel.count * o->width.count * o->activation.count;
    const int strides = o->stages > 0 ? 1 : o->stride.count;
    for (int op = 0; op < o->op.count; op++)
        for (int stride = 0; stride < strides; stride++) {
            const uint8_t raw[LOT_COUNT] = {[LOT_OP] = (uint8_t)op, [LOT_STRIDE] = (uint8_t)stride};
            place at = from->at;
            layer y;
            nas__chain_skip_read(c, &at, raw, 0, &y);
            if (y.genes[LOT_OP] == op && y.genes[LOT_STRIDE] == stride)
                tally_add(to, count, at, skips * (is_pooling(y.op) ? 1 : rest));
        }
}

/* Canonical rows of one depth; `memory` holds two rows of tallies. */
static double size_of_depth(const chain_skip *c, int depth, tally *memory)
{
    tally *from = memory, *to = memory + PLACES_MAX;
    int from_count = 1;
    double size = 0;
    from[0] = (tally){nas__chain_skip_start(c, depth), 1};
    for (int l = 0; l < depth; l++) {
        int to_count = 0;
        for (int i = 0; i < from_count; i++)
            tally_layers(c, &from[i], to, &to_count);
        tally *swap = from;
        from = to;
        to = swap;
        from_count = to_count;
    }
    for (int i = 0; i < from_count; i++)
        size += from[i].rows;
    return size;
}

double nas__chain_skip_size(const chain_skip *c, bool *exact)
{
    double size = 0;
    tally *memory = calloc(2 * PLACES_MAX, sizeof *memory);
    *exact = c->options->mmacs == 0;
    if (!memory)
        return 0;
    for (int depth = c->depth_min; depth <= c->depth_max; depth++)
        size += size_of_depth(c, depth, memory);
    free(memory);
    return size;
}
