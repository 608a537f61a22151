/* rank_correlation.c - how alike two rows of numbers rank.
 *
 * Spearman's ρ (1904) is the correlation of the ranks.  Kendall's τ-b (1945) counts pairs: with C in the same order and D in the other,
 *
 *     τ-b = (C − D) / √((pairs − pairs tied in a)·(pairs − pairs tied in b))
 *
 * Straight from the definition, over all pairs: ten thousand rows take less than a second. */
#include "rank.h"

#include <math.h>
#include <stdlib.h>

typedef struct item {
    double value;
    int at;
} item;

static int by_value(const void *left, const void *right)
{
    const item *a = left, *b = right;
    return a->value < b->value ? -1 : a->value > b->value;
}

/* Ranks from 0; equal values share the mean of theirs. */
static nas_status rank(const double *values, int count, double *ranks)
{
    item *items = malloc(((size_t)count + 1) * sizeof *items);
    if (!items)
        NAS_FAIL(NAS_MEMORY, "no memory to rank %d numbers", count);
    for (int i = 0; i < count; i++)
        items[i] = (item){isnan(values[i]) ? -INFINITY : values[i], i};
    qsort(items, (size_t)count, sizeof *items, by_value);
    for (int i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && items[next].value == items[i].value;)
            next++;
        for (int k = i; k < next; k++)
            ranks[items[k].at] = (i + next - 1) / 2.0;
    }
    free(items);
    return NAS_OK;
}

/* Ranks of both, one behind the other; free() them. */
static nas_status rank_both(const double *a, const double *b, int count, double **ranks)
{
    *ranks = malloc((2 * (size_t)count + 1) * sizeof **ranks);
    if (!*ranks)
        NAS_FAIL(NAS_MEMORY, "no memory to rank %d numbers", count);
    nas_status status = rank(a, count, *ranks);
    if (status == NAS_OK)
        status = rank(b, count, *ranks + count);
    if (status != NAS_OK)
        free(*ranks);
    return status;
}

nas_status spearman(const double *a, const double *b, int count, double *correlation)
{
    double *ranks, middle = (count - 1) / 2.0, aa = 0, bb = 0, ab = 0;
    NAS_TRY(rank_both(a, b, count, &ranks));
    for (int i = 0; i < count; i++) {
        double x = ranks[i] - middle, y = ranks[count + i] - middle;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    *correlation = ab / sqrt(aa * bb);
    free(ranks);
    return NAS_OK;
}

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

nas_status kendall(const double *a, const double *b, int count, double *correlation)
{
    double *ranks;
    int64_t aa = 0, bb = 0, ab = 0;
    NAS_TRY(rank_both(a, b, count, &ranks));
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) {
            const int x = order(ranks[i], ranks[k]);
            const int y = order(ranks[count + i], ranks[count + k]);
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
    *correlation = (double)ab / (sqrt((double)aa) * sqrt((double)bb));
    free(ranks);
    return NAS_OK;
}
