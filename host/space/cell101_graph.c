/* cell101_graph.c - pruning, numbering and hashing the graphs of NAS-Bench-101 (arXiv 1902.09635).
 *
 * Two cells are the same network when one can be renumbered into the other.  There are two ways to tell, and tests hold one
 * against the other over all 423,624 cells:
 *
 *   order   looks for the numbering whose row is the smallest, over all orders of the inner vertices that keep edges leading
 *           upward.  There are at most 5! = 120, and most branches are cut at once.  Equal cells become equal rows.
 *   hash    the benchmark's own: every vertex starts with a hash of (out-degree, in-degree, operation) and then, once per vertex of
 *           the cell, hashes together the sorted hashes of the vertices it reads, of those that read it, and its own; the
 *           sorted hashes are the cell's.  It does not depend on the numbering.  The benchmark uses MD5 of texts; any good hash
 *           gives the same classes, and here it is XXH3 of numbers, so the values differ from the published ones. */
#include "cell101_graph.h"

#include <stdlib.h>
#include <string.h>

enum { VERTICES = NAS__CELL101_VERTICES };

int nas__cell101_edges(const nas__cell101 *cell)
{
    int edges = 0;
    for (int to = 1; to < cell->vertices; to++)
        for (int from = 0; from < to; from++)
            edges += nas__cell101_edge(cell, from, to);
    return edges;
}

/* ---- pruning --------------------------------------------------------------------------------------- */

/* Vertices on a path from the input to the output, as bits. */
static unsigned used_vertices(const nas__cell101 *cell)
{
    const int last = cell->vertices - 1;
    unsigned fed = 1, heard = 1U << last;
    for (int v = 1; v <= last; v++)
        if (cell->reads[v] & fed)
            fed |= 1U << v;
    for (int v = last; v > 0; v--)
        if (heard >> v & 1)
            heard |= cell->reads[v];
    return fed & heard;
}

/* The cell with vertex order[i] as its vertex i; what `order` leaves out is gone. */
static nas__cell101 renumbered(const nas__cell101 *cell, const int *order, int count)
{
    nas__cell101 result = {.vertices = count};
    for (int to = 0; to < count; to++) {
        result.ops[to] = cell->ops[order[to]];
        for (int from = 0; from < to; from++)
            if (nas__cell101_edge(cell, order[from], order[to]))
                result.reads[to] |= (uint8_t)(1 << from);
    }
    return result;
}

bool nas__cell101_prune(nas__cell101 *cell)
{
    const unsigned used = used_vertices(cell);
    int order[VERTICES], count = 0;
    if (!(used & 1) || !(used >> (cell->vertices - 1) & 1))
        return false;
    for (int v = 0; v < cell->vertices; v++)
        if (used >> v & 1)
            order[count++] = v;
    *cell = renumbered(cell, order, count);
    return true;
}

/* ---- numbering ------------------------------------------------------------------------------------- */

/* What is compared, vertex by vertex, the output last. */
static int code_of(const nas__cell101 *cell, int vertex)
{
    return cell->reads[vertex] * NAS__CELL101_OPS + cell->ops[vertex];
}

static int compare_cells(const nas__cell101 *a, const nas__cell101 *b)
{
    for (int v = 1; v < a->vertices; v++)
        if (code_of(a, v) != code_of(b, v))
            return code_of(a, v) - code_of(b, v);
    return 0;
}

/* Tries every vertex that may come next, behind `count` placed ones (`placed` as bits). */
static void try_orders(const nas__cell101 *cell, int order[VERTICES], int count, unsigned placed,
                       nas__cell101 *best)
{
    if (count == cell->vertices) {
        nas__cell101 whole = renumbered(cell, order, count);
        if (compare_cells(&whole, best) < 0)
            *best = whole;
        return;
    }
    for (int v = 1; v < cell->vertices; v++) {
        bool is_output = v == cell->vertices - 1;
        if (placed >> v & 1 || cell->reads[v] & ~placed ||
            is_output != (count == cell->vertices - 1))
            continue;
        order[count] = v;
        nas__cell101 part = renumbered(cell, order, count + 1), best_part = *best;
        best_part.vertices = count + 1;
        if (compare_cells(&part, &best_part) <= 0)
            try_orders(cell, order, count + 1, placed | 1U << v, best);
    }
}

void nas__cell101_order(nas__cell101 *cell)
{
    int order[VERTICES] = {0};
    nas__cell101 best = *cell;
    try_orders(cell, order, 1, 1, &best);
    *cell = best;
}

/* ---- the benchmark's hash --------------------------------------------------------------------------- */

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Hash of the sorted hashes of the vertices in `set`. */
static uint64_t hash_set(const uint64_t *hashes, unsigned set, uint64_t seed)
{
    uint64_t chosen[VERTICES];
    int count = 0;
    for (int v = 0; v < VERTICES; v++)
        if (set >> v & 1)
            chosen[count++] = hashes[v];
    qsort(chosen, (size_t)count, sizeof *chosen, compare_hashes);
    return nas_hash(chosen, (size_t)count * sizeof *chosen, seed);
}

static int bits_of(unsigned set)
{
    int bits = 0;
    for (; set; set &= set - 1)
        bits++;
    return bits;
}

uint64_t nas__cell101_hash(const nas__cell101 *cell)
{
    const int count = cell->vertices;
    unsigned readers[VERTICES] = {0};
    uint64_t hashes[VERTICES] = {0}, next[VERTICES] = {0};
    for (int to = 1; to < count; to++)
        for (int from = 0; from < to; from++)
            if (nas__cell101_edge(cell, from, to))
                readers[from] |= 1U << to;
    for (int v = 0; v < count; v++) {
        const int label = v == 0 ? -1 : v == count - 1 ? -2 : cell->ops[v];
        const int32_t start[] = {bits_of(readers[v]), bits_of(cell->reads[v]), label};
        hashes[v] = nas_hash(start, sizeof start, 0);
    }
    for (int round = 0; round < count; round++) {
        for (int v = 0; v < count; v++) {
            const uint64_t parts[] = {hash_set(hashes, cell->reads[v], 1),
                                      hash_set(hashes, readers[v], 2), hashes[v]};
            next[v] = nas_hash(parts, sizeof parts, 3);
        }
        memcpy(hashes, next, sizeof hashes);
    }
    return hash_set(hashes, (1U << count) - 1, 4);
}

/* ---- channels ---------------------------------------------------------------------------------------- */

/* The output joins what it reads of the inner vertices: they share its channels evenly, the first ones take the remainder.
 * Every other vertex has as many as the largest of its readers, which cut off what they do not need. */
void nas__cell101_channels(const nas__cell101 *cell, int in, int out, int channels[VERTICES])
{
    const int last = cell->vertices - 1;
    const unsigned joined = cell->reads[last] & ~1U;
    const int count = bits_of(joined);
    int rest = count ? out % count : 0;
    memset(channels, 0, VERTICES * sizeof *channels);
    for (int v = 1; v < last; v++)
        if (joined >> v & 1)
            channels[v] = out / count + (rest-- > 0 ? 1 : 0);
    for (int v = last - 1; v > 0; v--)
        for (int to = v + 1; to < last && !(joined >> v & 1); to++)
            if (nas__cell101_edge(cell, v, to) && channels[to] > channels[v])
                channels[v] = channels[to];
    channels[0] = in;
    channels[last] = out;
}
