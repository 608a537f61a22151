/* pareto_sort.c - fast non-dominated sorting and crowding distance (Deb et al. 2002, sections III.A and III.B).
 *
 * Each member counts who dominates it; those with a count of 0 are the first front; taking a front away lowers the counts of
 * those it dominates, and the next front appears.  O(objectives · count²).
 *
 * Crowding: for each objective the members of a front are sorted by it; the ends get infinity, the others the
 * distance between their two neighbours over the front's range.  A range of 0 adds nothing. */
#include "pareto_sort.h"

#include <math.h>
#include <stdlib.h>

static bool dominates(const nas__ranked *a, const nas__ranked *b, int objectives)
{
    if (a->violation != b->violation)
        return a->violation < b->violation;
    if (a->violation > 0)
        return false;
    return nas_pareto_dominates(a->score, b->score, objectives);
}

/* counts[i]: members that dominate i and have no front yet. */
static void set_fronts(nas__ranked *members, int count, int objectives, int *counts)
{
    for (int i = 0; i < count; i++) {
        members[i].front = -1;
        counts[i] = 0;
        for (int j = 0; j < count; j++)
            counts[i] += dominates(&members[j], &members[i], objectives);
    }
    for (int front = 0, left = count; left > 0; front++) {
        for (int i = 0; i < count; i++)
            if (members[i].front < 0 && counts[i] == 0) {
                members[i].front = front;
                left--;
            }
        for (int i = 0; i < count; i++)
            for (int j = 0; members[i].front == front && j < count; j++)
                if (members[j].front < 0 || members[j].front > front)
                    counts[j] -= dominates(&members[i], &members[j], objectives);
    }
}

/* `row`: the members of one front; sorted by objective k, stable (insertion: a front is nearly sorted by the one before). */
static void sort_by(nas__ranked **row, int count, int k)
{
    for (int i = 1; i < count; i++) {
        nas__ranked *held = row[i];
        int at = i;
        for (; at > 0 && row[at - 1]->score[k] > held->score[k]; at--)
            row[at] = row[at - 1];
        row[at] = held;
    }
}

static void set_crowding(nas__ranked **row, int count, int objectives)
{
    for (int i = 0; i < count; i++)
        row[i]->crowding = 0;
    for (int k = 0; k < objectives; k++) {
        sort_by(row, count, k);
        double range = row[count - 1]->score[k] - row[0]->score[k];
        row[0]->crowding = row[count - 1]->crowding = INFINITY;
        if (!(range > 0) || !isfinite(range))
            continue;
        for (int i = 1; i < count - 1; i++)
            row[i]->crowding += (row[i + 1]->score[k] - row[i - 1]->score[k]) / range;
    }
}

typedef struct place {
    const nas__ranked *member;
    int before;
} place;

static int in_order(const void *left, const void *right)
{
    const place *a = left, *b = right;
    if (a->member->front != b->member->front)
        return a->member->front < b->member->front ? -1 : 1;
    if (a->member->crowding != b->member->crowding)
        return a->member->crowding > b->member->crowding ? -1 : 1;
    return a->before < b->before ? -1 : a->before > b->before;
}

nas_status nas__pareto_sort(nas__ranked *members, int count, int objectives)
{
    size_t room = (size_t)count + 1;
    int *counts = malloc(room * sizeof *counts);
    nas__ranked **row = malloc(room * sizeof *row), *sorted = malloc(room * sizeof *sorted);
    place *places = malloc(room * sizeof *places);
    bool enough = counts && row && sorted && places;
    if (enough) {
        set_fronts(members, count, objectives, counts);
        for (int front = 0, done = 0; done < count; front++) {
            int in_front = 0;
            for (int i = 0; i < count; i++)
                if (members[i].front == front)
                    row[in_front++] = &members[i];
            set_crowding(row, in_front, objectives);
            done += in_front;
        }
        for (int i = 0; i < count; i++)
            places[i] = (place){&members[i], i};
        qsort(places, (size_t)count, sizeof *places, in_order);
        for (int i = 0; i < count; i++)
            sorted[i] = *places[i].member;
        for (int i = 0; i < count; i++)
            members[i] = sorted[i];
    }
    free(counts);
    free(row);
    free(sorted);
    free(places);
    if (!enough)
        NAS_FAIL(NAS_MEMORY, "no memory to sort a population of %d", count);
    return NAS_OK;
}
