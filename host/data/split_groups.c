/* split_groups.c - choosing whole groups of samples, as nearly in proportion to their classes as groups allow.
 *
 * Samples of one group (a patient, a recording, a video) are alike in ways that are not to be learned; were they on both sides of a split,
 * the validation would reward knowing them again.  So groups move whole, and the number of samples that are picked is near to what
 * was wanted, not equal to it.
 *
 * Groups are gone through in an order shuffled by (seed, NAS_STREAM_SPLIT, GROUPS, round), and one is taken when that brings the picked
 * samples nearer to the wanted ones: less of Σ over classes of (picked − wanted share)² / size of the class, plus the same for all
 * samples together, times the number of classes, so that it weighs as much as a class does.  The order is shuffled and not by size, as packing would have it, so that large groups stand on either side as
 * chance has it; further passes then move single groups, to or from the picked ones, until none brings them nearer.  One group at least is
 * taken and one is left. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

enum {
    PASSES = 20,
    GROUPS = 1 << 30
}; /* no class has this number: nas__split_pick draws by class */

typedef struct member {
    uint32_t group, sample;
    int32_t label;
} member;

typedef struct packing {
    uint32_t
        *start; /* [groups + 1]: of each group among the members, which lie by group and class */
    uint32_t groups;
    member *members;
    double *wanted, *got, *size; /* [classes + 1] each; the last one is all samples */
    int classes;
    bool *taken;     /* [groups] */
    uint32_t *order; /* [groups] */
} packing;

static int by_group(const void *left, const void *right)
{
    const member *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return (a->sample > b->sample) - (a->sample < b->sample);
}

static void packing_clear(packing *p)
{
    free(p->start);
    free(p->members);
    free(p->wanted);
    free(p->taken);
    free(p->order);
}

static nas_status packing_make(const nas_data_part *part, int classes, const uint32_t *candidates,
                               uint32_t count, packing *p)
{
    const size_t rows = (size_t)classes + 1;
    *p = (packing){.classes = classes,
                   .start = malloc(((size_t)count + 1) * sizeof *p->start),
                   .members = malloc(((size_t)count + 1) * sizeof *p->members),
                   .wanted = calloc(3 * rows, sizeof *p->wanted),
                   .taken = calloc((size_t)count + 1, sizeof *p->taken),
                   .order = malloc(((size_t)count + 1) * sizeof *p->order)};
    if (!p->start || !p->members || !p->wanted || !p->taken || !p->order)
        NAS_FAIL(NAS_MEMORY, "no memory to split %u samples", count);
    p->got = p->wanted + rows;
    p->size = p->got + rows;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t sample = candidates[i];
        p->members[i] =
            (member){part->groups[sample], sample, part->labels ? part->labels[sample] : 0};
        p->size[p->members[i].label]++;
        p->size[classes]++;
    }
    qsort(p->members, count, sizeof *p->members, by_group);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || p->members[i].group != p->members[i - 1].group)
            p->start[p->groups++] = i;
    p->start[p->groups] = count;
    return NAS_OK;
}

/* What row k of the sum changes by when `more` samples are added. */
static double change(const packing *p, int k, double more)
{
    const double away = p->got[k] - p->wanted[k];
    return more * (2 * away + more) / p->size[k];
}

/* What the sum changes by when a group goes to the other side; with `move`, it goes. */
static double move_group(packing *p, uint32_t group, bool move)
{
    const uint32_t end = p->start[group + 1];
    const double sign = p->taken[group] ? -1 : 1, all = sign * (end - p->start[group]);
    double sum = p->classes * change(p, p->classes, all);
    for (uint32_t i = p->start[group], next; i < end; i = next) {
        const int32_t label = p->members[i].label;
        for (next = i; next < end && p->members[next].label == label;)
            next++;
        sum += change(p, label, sign * (next - i));
        if (move)
            p->got[label] += sign * (next - i);
    }
    if (move) {
        p->got[p->classes] += all;
        p->taken[group] = !p->taken[group];
    }
    return sum;
}

/* Whether any group moved.  One stays on each side. */
static bool improve(packing *p, uint32_t *taken)
{
    bool moved = false;
    for (uint32_t i = 0; i < p->groups; i++) {
        const uint32_t group = p->order[i];
        const bool last = p->taken[group] ? *taken == 1 : *taken + 1 == p->groups;
        if (last || !(move_group(p, group, false) < -1e-9))
            continue;
        move_group(p, group, true);
        *taken += p->taken[group] ? 1u : -1u;
        moved = true;
    }
    return moved;
}

static void choose(packing *p, uint64_t seed, uint32_t round)
{
    uint32_t taken = 0, best = 0;
    double least = 0;
    nas_random random = nas_random_make(seed, NAS_STREAM_SPLIT, GROUPS, round, 0);
    for (uint32_t i = 0; i < p->groups; i++)
        p->order[i] = i;
    nas_random_shuffle(&random, p->order, p->groups);
    for (int pass = 0; pass < PASSES && improve(p, &taken);)
        pass++;
    if (taken)
        return;
    for (uint32_t i = 0; i < p->groups; i++) { /* all are too large: the least bad one */
        const double sum = move_group(p, p->order[i], false);
        if (i == 0 || sum < least) {
            best = p->order[i];
            least = sum;
        }
    }
    move_group(p, best, true);
}

static int rising(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Back to indices: the picked samples first, each portion rising; how many were picked. */
static uint32_t write_back(const packing *p, uint32_t count, uint32_t *candidates)
{
    uint32_t picked = 0, rest = count;
    for (uint32_t group = 0; group < p->groups; group++)
        for (uint32_t i = p->start[group]; i < p->start[group + 1]; i++)
            candidates[p->taken[group] ? picked++ : --rest] = p->members[i].sample;
    qsort(candidates, picked, sizeof *candidates, rising);
    qsort(candidates + picked, count - picked, sizeof *candidates, rising);
    return picked;
}

nas_status nas__split_pick_groups(const nas_data_part *part, int classes, uint64_t seed,
                                  uint32_t round, uint32_t *candidates, uint32_t count,
                                  uint32_t *wanted)
{
    packing p;
    if (!part->groups || *wanted == 0 || *wanted >= count)
        return nas__split_pick(part->labels, classes, seed, round, candidates, count, *wanted);
    nas_status status;
    NAS_TRY_DONE(packing_make(part, classes, candidates, count, &p));
    if (p.groups < 2) {
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                               "all %u samples are of one group, which cannot be split: groups "
                               "stay on one side of a split",
                               count);
        goto done;
    }
    for (int k = 0; k <= classes; k++)
        p.wanted[k] = *wanted * p.size[k] / count;
    choose(&p, seed, round);
    *wanted = write_back(&p, count, candidates);
done:
    packing_clear(&p);
    return status;
}
