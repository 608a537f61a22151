/* arena.c - memory planned before it is taken.
 *
 * Callers reserve sizes with lifetimes in plan steps. Placement is first fit by decreasing size
 * (the greedy-by-size rule of Pisarchyk and Lee, arXiv 2001.03288): the largest first, each at the
 * lowest offset where nothing that lives at the same time stands, in the first slab that has room. 
 * A slab is one buffer, no larger than the device's largest allocation; no tensor spans two. The
 * order depends on sizes and on reservation numbers only, so a plan is the same every time.
 *
 * What only alternatives use, of which a pass takes one, never lives at the same time (nas_arena_alternative). */
#include <clnas/tensor.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 32, SLACK_BYTES = 1024 /* what a buffer takes beside what is asked, at most */ };

static const uint64_t MIB = 1 << 20;

typedef struct nas__reservation {
    uint64_t count, size; /* floats asked for; rounded up to ALIGNMENT */
    int first, last;
    int row, choice; /* in use only when this choice of the row is taken; row −1: always */
    int slab;
    uint64_t at;
} nas__reservation;

typedef struct nas__slab {
    uint64_t size; /* floats */
    nas_buffer *buffer;
    int *placed; /* reservations in this slab by rising offset */
    int placed_count;
} nas__slab;

struct nas_arena {
    nas_device *device;
    char label[48];
    nas__reservation *reservations;
    int count, capacity;
    nas__slab *slabs;
    int slab_count;
    int row, choice; /* of what is reserved now */
    bool planned, committed;
};

nas_status nas_arena_create(nas_device *device, const char *label, nas_arena **arena)
{
    nas_arena *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of memory for an arena");
    made->device = device;
    made->row = -1;
    snprintf(made->label, sizeof made->label, "%s", label ? label : "arena");
    *arena = made;
    return NAS_OK;
}

static void clear_slabs(nas_arena *arena)
{
    for (int i = 0; i < arena->slab_count; i++) {
        nas_buffer_destroy(arena->slabs[i].buffer);
        free(arena->slabs[i].placed);
    }
    free(arena->slabs);
    arena->slabs = NULL;
    arena->slab_count = 0;
    arena->planned = false;
}

void nas_arena_destroy(nas_arena *arena)
{
    if (!arena)
        return;
    clear_slabs(arena);
    free(arena->reservations);
    free(arena);
}

void nas_arena_alternative(nas_arena *arena, int row, int choice)
{
    arena->row = row;
    arena->choice = choice;
}

nas_status nas_arena_reserve(nas_arena *arena, uint64_t count, int first, int last,
                             int *reservation)
{
    if (arena->committed)
        NAS_FAIL(NAS_FAILED, "arena \"%s\": reservation after the memory was taken", arena->label);
    if (first < 0 || last < first || count > UINT64_MAX / 8 - ALIGNMENT)
        NAS_FAIL(NAS_SHAPE, "arena \"%s\": %" PRIu64 " floats alive from step %d to %d",
                 arena->label, count, first, last);
    if (arena->count == arena->capacity) {
        int capacity = arena->capacity ? 2 * arena->capacity : 64;
        nas__reservation *more = realloc(arena->reservations, (size_t)capacity * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "arena \"%s\": out of memory", arena->label);
        arena->reservations = more;
        arena->capacity = capacity;
    }
    uint64_t size = ((count ? count : 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    arena->reservations[arena->count] = (nas__reservation){.count = count,
                                                           .size = size,
                                                           .first = first,
                                                           .last = last,
                                                           .row = arena->row,
                                                           .choice = arena->choice};
    arena->planned = false;
    *reservation = arena->count++;
    return NAS_OK;
}

/* ---- placement ----------------------------------------------------------------------------------
 * */

typedef struct nas__order {
    uint64_t size;
    int reservation;
} nas__order;

static int larger_first(const void *a, const void *b)
{
    const nas__order *left = a, *right = b;
    if (left->size != right->size)
        return left->size < right->size ? 1 : -1;
    return left->reservation - right->reservation;
}

static uint64_t slab_limit(const nas_arena *arena)
{
    uint64_t bytes = nas_device_describe(arena->device)->allocation_bytes;
    return bytes > SLACK_BYTES ? (bytes - SLACK_BYTES) / 4 / ALIGNMENT * ALIGNMENT : 0;
}

static bool together(const nas__reservation *a, const nas__reservation *b)
{
    const bool alternatives = a->row >= 0 && a->row == b->row && a->choice != b->choice;
    return !alternatives && a->first <= b->last && b->first <= a->last;
}

/* The lowest offset in the slab where `wanted` meets nothing that lives with it. */
static uint64_t lowest_place(const nas_arena *arena, const nas__slab *slab,
                             const nas__reservation *wanted)
{
    uint64_t at = 0;
    for (int i = 0; i < slab->placed_count; i++) {
        const nas__reservation *other = &arena->reservations[slab->placed[i]];
        if (!together(wanted, other))
            continue;
        if (other->at >= at + wanted->size)
            break; /* rising offsets: the gap before this one is wide enough */
        if (other->at + other->size > at)
            at = other->at + other->size;
    }
    return at;
}

/* Keeps slab->placed sorted by offset. */
static void put(nas_arena *arena, nas__slab *slab, int reservation, uint64_t at)
{
    nas__reservation *row = &arena->reservations[reservation];
    int i = slab->placed_count++;
    for (; i > 0 && arena->reservations[slab->placed[i - 1]].at > at; i--)
        slab->placed[i] = slab->placed[i - 1];
    slab->placed[i] = reservation;
    row->slab = (int)(slab - arena->slabs);
    row->at = at;
    if (at + row->size > slab->size)
        slab->size = at + row->size;
}

static nas_status add_slab(nas_arena *arena)
{
    nas__slab *more = realloc(arena->slabs, (size_t)(arena->slab_count + 1) * sizeof *more);
    int *placed = malloc((size_t)arena->count * sizeof *placed);
    if (more)
        arena->slabs = more;
    if (!more || !placed) {
        free(placed);
        NAS_FAIL(NAS_MEMORY, "arena \"%s\": out of memory", arena->label);
    }
    arena->slabs[arena->slab_count++] = (nas__slab){.placed = placed};
    return NAS_OK;
}

static nas_status place(nas_arena *arena, int reservation)
{
    const nas__reservation *wanted = &arena->reservations[reservation];
    const uint64_t limit = slab_limit(arena);
    if (wanted->size > limit) {
        const nas_device_info *info = nas_device_describe(arena->device);
        NAS_FAIL(NAS_DEVICE_MEMORY,
                 "%s: one tensor needs %" PRIu64
                 " MiB and the largest allocation of %s %s is %" PRIu64 " MiB",
                 arena->label, wanted->size * 4 / MIB, info->id, info->name,
                 info->allocation_bytes / MIB);
    }
    for (int i = 0; i < arena->slab_count; i++) {
        uint64_t at = lowest_place(arena, &arena->slabs[i], wanted);
        if (at <= limit - wanted->size) {
            put(arena, &arena->slabs[i], reservation, at);
            return NAS_OK;
        }
    }
    NAS_TRY(add_slab(arena));
    put(arena, &arena->slabs[arena->slab_count - 1], reservation, 0);
    return NAS_OK;
}

static nas_status place_all(nas_arena *arena)
{
    nas_status status = NAS_OK;
    nas__order *order = malloc((size_t)(arena->count + 1) * sizeof *order);
    if (!order)
        NAS_FAIL(NAS_MEMORY, "arena \"%s\": out of memory", arena->label);
    for (int i = 0; i < arena->count; i++)
        order[i] = (nas__order){arena->reservations[i].size, i};
    qsort(order, (size_t)arena->count, sizeof *order, larger_first);
    for (int i = 0; i < arena->count; i++)
        NAS_TRY_DONE(place(arena, order[i].reservation));
done:
    free(order);
    return status;
}

static uint64_t total_bytes(const nas_arena *arena)
{
    uint64_t bytes = 0;
    for (int i = 0; i < arena->slab_count; i++)
        bytes += arena->slabs[i].size * 4;
    return bytes;
}

nas_status nas_arena_plan(nas_arena *arena, uint64_t *bytes)
{
    if (!arena->planned && !arena->committed) {
        clear_slabs(arena);
        nas_status status = place_all(arena);
        if (status != NAS_OK) {
            clear_slabs(arena);
            return status;
        }
        arena->planned = true;
    }
    const nas_device_info *info = nas_device_describe(arena->device);
    uint64_t total = total_bytes(arena);
    if (total > info->memory_bytes)
        NAS_FAIL(NAS_DEVICE_MEMORY,
                 "%s: the plan needs %" PRIu64 " MiB and %s %s has %" PRIu64
                 " MiB: use a smaller batch or a smaller network",
                 arena->label, total / MIB, info->id, info->name, info->memory_bytes / MIB);
    if (bytes)
        *bytes = total;
    return NAS_OK;
}

nas_status nas_arena_commit(nas_arena *arena)
{
    if (arena->committed)
        return NAS_OK;
    NAS_TRY(nas_arena_plan(arena, NULL));
    for (int i = 0; i < arena->slab_count; i++) {
        nas__slab *slab = &arena->slabs[i];
        char label[64];
        snprintf(label, sizeof label, "%s %d", arena->label, i);
        nas_status status = nas_buffer_create(arena->device, slab->size * 4, label, &slab->buffer);
        if (status != NAS_OK) {
            nas_error_add("%s needs %" PRIu64 " MiB in all: ", arena->label,
                          total_bytes(arena) / MIB);
            clear_slabs(arena);
            return status;
        }
    }
    arena->committed = true;
    return NAS_OK;
}

nas_tensor nas_arena_tensor(const nas_arena *arena, int reservation)
{
    if (!arena->committed || reservation < 0 || reservation >= arena->count)
        return (nas_tensor){0};
    const nas__reservation *row = &arena->reservations[reservation];
    return (nas_tensor){
        .buffer = arena->slabs[row->slab].buffer, .at = row->at, .count = row->count};
}
