/* split.c - choosing samples in proportion to their classes.
 *
 * A random split of a small set can leave a class out; here each class gives its share, by largest
 * remainder.  Which samples of a class are taken is a shuffle keyed by (seed, NAS_STREAM_SPLIT,
 * class, round): a function of the labels and the seed, not of the machine. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

/* Shares that add up to `wanted`: floors first, then the largest remainders, ties to the lower
 * class. */
static void shares(const uint32_t *sizes, int classes, uint32_t count, uint32_t wanted,
                   uint32_t *share, uint64_t *remainder)
{
    uint32_t given = 0;
    for (int k = 0; k < classes; k++) {
        uint64_t scaled = (uint64_t)wanted * sizes[k];
        share[k] = (uint32_t)(scaled / count);
        remainder[k] = scaled % count;
        given += share[k];
    }
    for (; given < wanted; given++) {
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (remainder[k] > remainder[best])
                best = k;
        remainder[best] = 0;
        share[best]++;
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* `sorted` has the candidates by class; the picked ones go to the front of `candidates`. */
static void distribute(const uint32_t *sizes, const uint32_t *share, int classes, uint64_t seed,
                       uint32_t round, uint32_t wanted, uint32_t *sorted, uint32_t *candidates)
{
    uint32_t *picked = candidates, *rest = candidates + wanted, *group = sorted;
    for (int k = 0; k < classes; k++) {
        nas_random random = nas_random_make(seed, NAS_STREAM_SPLIT, (uint32_t)k, round, 0);
        nas_random_shuffle(&random, group, sizes[k]);
        memcpy(picked, group, share[k] * sizeof *picked);
        memcpy(rest, group + share[k], (sizes[k] - share[k]) * sizeof *rest);
        picked += share[k];
        rest += sizes[k] - share[k];
        group += sizes[k];
    }
}

static int32_t class_of(const int32_t *labels, uint32_t sample)
{
    return labels ? labels[sample] : 0;
}

nas_status nas__split_pick(const int32_t *labels, int classes, uint64_t seed, uint32_t round,
                           uint32_t *candidates, uint32_t count, uint32_t wanted)
{
    size_t slots = (size_t)classes;
    uint32_t *sizes = calloc(3 * slots + count + 1, sizeof *sizes);
    uint64_t *remainder = calloc(slots + 1, sizeof *remainder);
    if (!sizes || !remainder) {
        free(sizes);
        free(remainder);
        NAS_FAIL(NAS_MEMORY, "no memory to split %u samples", count);
    }
    uint32_t *share = sizes + slots, *start = share + slots, *sorted = start + slots;
    for (uint32_t i = 0; i < count; i++)
        sizes[class_of(labels, candidates[i])]++;
    for (int k = 1; k < classes; k++)
        start[k] = start[k - 1] + sizes[k - 1];
    for (uint32_t i = 0; i < count; i++)
        sorted[start[class_of(labels, candidates[i])]++] = candidates[i];
    if (count)
        shares(sizes, classes, count, wanted, share, remainder);
    distribute(sizes, share, classes, seed, round, wanted, sorted, candidates);
    qsort(candidates, wanted, sizeof *candidates, compare);
    qsort(candidates + wanted, count - wanted, sizeof *candidates, compare);
    free(sizes);
    free(remainder);
    return NAS_OK;
}
