/* roll.c - the study's trials as strategies see them: architectures parsed once, found by hash.
 *
 * Rows are taken in as they appear, in order of index; what a row says never changes afterwards but for its result.  A
 * look-up costs the same at trial 100 and at trial 10,000. */
#include "search.h"

#include <stdlib.h>

void nas__roll_clear(nas__roll *roll)
{
    for (int i = 0; i < roll->count; i++)
        free(roll->rows[i]);
    free(roll->rows);
    free(roll->same);
    free(roll->slots);
    *roll = (nas__roll){0};
}

/* The slot of an architecture: its first row's, or the free one where it belongs. */
static int slot_of(const nas__roll *roll, const nas_arch *arch)
{
    int slot = (int)(nas_arch_hash(arch) & (uint64_t)(roll->slot_count - 1));
    while (roll->slots[slot] >= 0 && !nas_arch_equal(&roll->rows[roll->slots[slot]]->arch, arch))
        slot = (slot + 1) & (roll->slot_count - 1);
    return slot;
}

int nas__roll_find(const nas__roll *roll, const nas_arch *arch)
{
    return roll->slot_count ? roll->slots[slot_of(roll, arch)] : -1;
}

static nas_status grow_slots(nas__roll *roll)
{
    if (2 * (roll->distinct + 1) <= roll->slot_count)
        return NAS_OK;
    int old_count = roll->slot_count, *old = roll->slots;
    int count = old_count ? 2 * old_count : 256;
    int *slots = malloc((size_t)count * sizeof *slots);
    if (!slots)
        NAS_FAIL(NAS_MEMORY, "no memory for %d architectures", count);
    for (int i = 0; i < count; i++)
        slots[i] = -1;
    roll->slots = slots;
    roll->slot_count = count;
    for (int i = 0; i < old_count; i++)
        if (old[i] >= 0)
            slots[slot_of(roll, &roll->rows[old[i]]->arch)] = old[i];
    free(old);
    return NAS_OK;
}

static nas_status grow_rows(nas__roll *roll)
{
    if (roll->count < roll->capacity)
        return NAS_OK;
    int capacity = roll->capacity ? 2 * roll->capacity : 64;
    nas_seen **rows = realloc(roll->rows, (size_t)capacity * sizeof *rows);
    if (rows)
        roll->rows = rows;
    int *same = realloc(roll->same, (size_t)capacity * sizeof *same);
    if (same)
        roll->same = same;
    if (!rows || !same)
        NAS_FAIL(NAS_MEMORY, "no memory for %d trials", capacity);
    roll->capacity = capacity;
    return NAS_OK;
}

/* Rows with one architecture form a list from the first to the last. */
static void enter(nas__roll *roll, int index)
{
    int slot = slot_of(roll, &roll->rows[index]->arch), at = roll->slots[slot];
    roll->same[index] = -1;
    if (at < 0) {
        roll->slots[slot] = index;
        roll->distinct++;
        return;
    }
    int after = roll->same[at]; /* right behind the first: order among the rest does not matter */
    roll->same[at] = index;
    roll->same[index] = after;
}

nas_status nas__roll_follow(nas__roll *roll, const nas_domain *domain, const nas_study *study)
{
    for (int i = roll->count; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        nas_arch arch;
        NAS_TRY(grow_rows(roll));
        NAS_TRY(grow_slots(roll));
        if (nas_arch_parse(trial->arch, &arch) != NAS_OK ||
            nas_domain_check(domain, &arch) != NAS_OK) {
            nas_error_add("%s: trial %d does not fit the search space: ", nas_study_path(study), i);
            return NAS_STORE;
        }
        nas_seen *row = malloc(sizeof *row);
        if (!row)
            NAS_FAIL(NAS_MEMORY, "no memory for trial %d", i);
        *row = (nas_seen){.index = i,
                          .arch = arch,
                          .budget = trial->budget,
                          .parent = trial->parent,
                          .from = trial->from};
        roll->rows[i] = row;
        roll->count++;
        enter(roll, i);
    }
    return NAS_OK;
}
