/* store_memory.c - a store that lives in one process: simulations on tables, and tests.
 *
 * The same interface as SQLite's, so that the loop which is simulated is the loop that is run.  Every put is also noted
 * in a journal of (revision, index), which makes `changes` cost what changed.  Transactions do nothing. */
#include "study.h"

#include <stdlib.h>
#include <string.h>

typedef struct pair {
    char *key, *value;
} pair;

typedef struct entry {
    int64_t revision;
    int index;
} entry;

typedef struct memory {
    pair *pairs;
    int pair_count;
    nas_trial *trials;
    int trial_count, trial_capacity;
    entry *journal;
    int journal_count, journal_capacity;
    nas_checkpoint *checkpoints;
    int checkpoint_count;
} memory;

static nas_status memory_create(const char *path)
{
    (void)path;
    return NAS_OK;
}

static nas_status memory_open(const char *path, nas_store_mode mode, void **handle)
{
    (void)path;
    (void)mode;
    *handle = calloc(1, sizeof(memory));
    if (!*handle)
        NAS_FAIL(NAS_MEMORY, "no memory for a study in memory");
    return NAS_OK;
}

static void memory_close(void *handle)
{
    memory *m = handle;
    for (int i = 0; i < m->pair_count; i++) {
        free(m->pairs[i].key);
        free(m->pairs[i].value);
    }
    for (int i = 0; i < m->trial_count; i++)
        nas_trial_clear(&m->trials[i]);
    free(m->pairs);
    free(m->trials);
    free(m->journal);
    free(m->checkpoints);
    free(m);
}

static nas_status memory_begin(void *handle, bool write)
{
    (void)handle;
    (void)write;
    return NAS_OK;
}

static nas_status memory_end(void *handle, bool keep)
{
    (void)handle;
    (void)keep;
    return NAS_OK;
}

/* Room for one more element in an array that doubles. */
static nas_status grow(void **array, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return NAS_OK;
    int wanted = *capacity ? 2 * *capacity : 64;
    void *larger = realloc(*array, (size_t)wanted * size);
    if (!larger)
        NAS_FAIL(NAS_MEMORY, "no memory for %d lines of a study", wanted);
    *array = larger;
    *capacity = wanted;
    return NAS_OK;
}

static pair *find_pair(const memory *m, const char *key)
{
    for (int i = 0; i < m->pair_count; i++)
        if (strcmp(m->pairs[i].key, key) == 0)
            return &m->pairs[i];
    return NULL;
}

static nas_status memory_get(void *handle, const char *key, nas_text *value, bool *found)
{
    const pair *p = find_pair(handle, key);
    *found = p != NULL;
    if (p)
        nas_text_add(value, p->value);
    return nas_text_check(value);
}

static char *copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static nas_status memory_set(void *handle, const char *key, const char *value)
{
    memory *m = handle;
    pair *p = find_pair(m, key);
    char *copy = copy_text(value);
    if (copy && !p) {
        pair *pairs = realloc(m->pairs, (size_t)(m->pair_count + 1) * sizeof *pairs);
        if (pairs) {
            m->pairs = pairs;
            pairs[m->pair_count] = (pair){copy_text(key), NULL};
            if (pairs[m->pair_count].key)
                p = &pairs[m->pair_count++];
        }
    }
    if (!copy || !p) {
        free(copy);
        NAS_FAIL(NAS_MEMORY, "no memory for %s", key);
    }
    free(p->value);
    p->value = copy;
    return NAS_OK;
}

static nas_status memory_put_trial(void *handle, const nas_trial *trial)
{
    memory *m = handle;
    void *trials = m->trials, *journal = m->journal;
    nas_trial copy;
    if (trial->index < 0 || trial->index > m->trial_count)
        NAS_FAIL(NAS_STORE, "trial %d does not follow %d", trial->index, m->trial_count - 1);
    nas_status status = grow(&trials, m->trial_count, &m->trial_capacity, sizeof *m->trials);
    m->trials = trials;
    NAS_TRY(status);
    status = grow(&journal, m->journal_count, &m->journal_capacity, sizeof *m->journal);
    m->journal = journal;
    NAS_TRY(status);
    NAS_TRY(nas_trial_copy(trial, &copy));
    if (trial->index == m->trial_count)
        m->trial_count++;
    else
        nas_trial_clear(&m->trials[trial->index]);
    m->trials[trial->index] = copy;
    m->journal[m->journal_count++] = (entry){trial->revision, trial->index};
    return NAS_OK;
}

static nas_status memory_get_trial(void *handle, int index, nas_trial *trial, bool *found)
{
    memory *m = handle;
    *found = index >= 0 && index < m->trial_count;
    return *found ? nas_trial_copy(&m->trials[index], trial) : NAS_OK;
}

static nas_status memory_put_heartbeat(void *handle, int index, int64_t heartbeat_ms,
                                       double progress)
{
    memory *m = handle;
    if (index >= 0 && index < m->trial_count) {
        m->trials[index].heartbeat_ms = heartbeat_ms;
        m->trials[index].progress = progress;
    }
    return NAS_OK;
}

static nas_status memory_changes(void *handle, int64_t since,
                                 nas_status (*each)(void *user, const nas_trial *trial), void *user)
{
    memory *m = handle;
    int first = m->journal_count;
    while (first > 0 && m->journal[first - 1].revision > since)
        first--;
    for (int i = first; i < m->journal_count; i++) {
        const nas_trial *trial = &m->trials[m->journal[i].index];
        if (trial->revision == m->journal[i].revision)
            NAS_TRY(each(user, trial));
    }
    return NAS_OK;
}

static nas_status memory_drop_checkpoint(void *handle, const char *path)
{
    memory *m = handle;
    for (int i = 0; i < m->checkpoint_count; i++)
        if (strcmp(m->checkpoints[i].path, path) == 0) {
            m->checkpoints[i] = m->checkpoints[--m->checkpoint_count];
            break;
        }
    return NAS_OK;
}

static nas_status memory_put_checkpoint(void *handle, const nas_checkpoint *checkpoint)
{
    memory *m = handle;
    NAS_TRY(memory_drop_checkpoint(m, checkpoint->path));
    size_t count = (size_t)m->checkpoint_count + 1;
    nas_checkpoint *list = realloc(m->checkpoints, count * sizeof *list);
    if (!list)
        NAS_FAIL(NAS_MEMORY, "no memory for checkpoint %s", checkpoint->path);
    m->checkpoints = list;
    list[m->checkpoint_count++] = *checkpoint;
    return NAS_OK;
}

static nas_status
memory_checkpoints(void *handle, nas_status (*each)(void *user, const nas_checkpoint *checkpoint),
                   void *user)
{
    memory *m = handle;
    for (int i = 0; i < m->checkpoint_count; i++)
        NAS_TRY(each(user, &m->checkpoints[i]));
    return NAS_OK;
}

const nas_store *nas_store_memory(void)
{
    static const nas_store store = {
        .name = "memory",
        .create = memory_create,
        .open = memory_open,
        .close = memory_close,
        .begin = memory_begin,
        .end = memory_end,
        .get = memory_get,
        .set = memory_set,
        .put_trial = memory_put_trial,
        .get_trial = memory_get_trial,
        .put_heartbeat = memory_put_heartbeat,
        .changes = memory_changes,
        .put_checkpoint = memory_put_checkpoint,
        .drop_checkpoint = memory_drop_checkpoint,
        .checkpoints = memory_checkpoints,
    };
    return &store;
}
