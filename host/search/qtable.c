/* qtable.c - open addressing by a hash of the state; states come into being with their first update.
 *
 * Update order (MetaQNN, 1611.02167): from the last transition to the first, so a reward reaches the first layer in one pass. */
#include "qtable.h"

#include <stdlib.h>
#include <string.h>

nas_status nas__qtable_create(const nas_domain *domain, int memory, double initial,
                              nas__qtable *table)
{
    *table = (nas__qtable){.domain = domain, .memory = memory, .initial = initial};
    for (int i = 0; i < domain->count; i++)
        if (domain->genes[i].choices > table->width)
            table->width = domain->genes[i].choices;
    return NAS_OK;
}

void nas__qtable_clear(nas__qtable *table)
{
    free(table->keys);
    free(table->values);
    free(table->used);
    *table = (nas__qtable){0};
}

/* The first gene that the state at `gene` remembers. */
static int remembered_from(const nas__qtable *table, int gene)
{
    const nas_gene *genes = table->domain->genes;
    if (table->memory >= 0)
        return gene > table->memory ? gene - table->memory : 0;
    int from = gene;
    while (from > 0 && genes[from - 1].group == genes[gene].group)
        from--;
    for (int before = from; from > 0 && genes[from - 1].group == genes[before - 1].group;)
        from--;
    return from;
}

/* MetaQNN's buckets of the representation's size: over 7, 4 to 7, 1 to 3; the first where the space does not say. */
static int bucket_of(int size)
{
    return size == 0 || size > 7 ? 0 : size > 3 ? 1 : 2;
}

static uint64_t key_of(const nas__qtable *table, const nas_arch *row, int gene)
{
    int from = remembered_from(table, gene);
    uint64_t bucket = (uint64_t)bucket_of(nas_domain_reads_size(table->domain, row, gene));
    return nas_hash(row->genes + from, (size_t)(gene - from), (uint64_t)gene | bucket << 32);
}

static int slot_of(const nas__qtable *table, uint64_t key)
{
    int slot = (int)(key & (uint64_t)(table->slot_count - 1));
    while (table->used[slot] && table->keys[slot] != key)
        slot = (slot + 1) & (table->slot_count - 1);
    return slot;
}

const double *nas__qtable_look(const nas__qtable *table, const nas_arch *row, int gene)
{
    if (table->slot_count == 0)
        return NULL;
    int slot = slot_of(table, key_of(table, row, gene));
    return table->used[slot] ? table->values + (size_t)slot * (size_t)table->width : NULL;
}

static nas_status grow(nas__qtable *table)
{
    if (2 * (table->count + 1) <= table->slot_count)
        return NAS_OK;
    nas__qtable old = *table;
    size_t count = old.slot_count ? 2 * (size_t)old.slot_count : 256, width = (size_t)old.width;
    table->keys = malloc(count * sizeof *table->keys);
    table->values = malloc(count * width * sizeof *table->values);
    table->used = calloc(count, sizeof *table->used);
    if (!table->keys || !table->values || !table->used) {
        nas__qtable_clear(table);
        *table = old;
        NAS_FAIL(NAS_MEMORY, "no memory for %zu states", count);
    }
    table->slot_count = (int)count;
    for (int i = 0; i < old.slot_count; i++) {
        if (!old.used[i])
            continue;
        int slot = slot_of(table, old.keys[i]);
        table->used[slot] = true;
        table->keys[slot] = old.keys[i];
        memcpy(table->values + (size_t)slot * width, old.values + (size_t)i * width,
               width * sizeof *old.values);
    }
    nas__qtable_clear(&old);
    return NAS_OK;
}

/* The values of a state, which comes into being. */
static nas_status values_at(nas__qtable *table, const nas_arch *row, int gene, double **values)
{
    NAS_TRY(grow(table));
    uint64_t key = key_of(table, row, gene);
    int slot = slot_of(table, key);
    *values = table->values + (size_t)slot * (size_t)table->width;
    if (table->used[slot])
        return NAS_OK;
    table->used[slot] = true;
    table->keys[slot] = key;
    table->count++;
    for (int k = 0; k < table->width; k++)
        (*values)[k] = table->initial;
    return NAS_OK;
}

nas_status nas__qtable_update(nas__qtable *table, const nas_arch *row, const bool *live,
                              double reward, double alpha, double gamma)
{
    double next = 0; /* max Q of the state behind the transition */
    for (int i = table->domain->count - 1; i >= 0; i--) {
        double *q;
        int choices = table->domain->genes[i].choices;
        if (choices < 2 || !live[i])
            continue;
        NAS_TRY(values_at(table, row, i, &q));
        double *now = &q[row->genes[i]];
        *now = (1 - alpha) * *now + alpha * (reward + gamma * next);
        reward = 0;
        next = q[0];
        for (int k = 1; k < choices; k++)
            next = q[k] > next ? q[k] : next;
    }
    return NAS_OK;
}
