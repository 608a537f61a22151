/* study.c - an opened study: its store, and a mirror of the log in memory.
 *
 * Everything that decides reads the mirror; the store is asked only for what changed since the mirror's revision.  So a
 * sync costs what is new, not what is there, and a strategy's view of 10,000 trials is a walk through memory.
 *
 * The next revision is the mirror's plus one, taken inside a writing transaction that has just been synced: there is no
 * counter beside the log that could disagree with it.
 *
 * Read next: claim.c, the rules of working on trials together. */
#include "study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- create, open, close ------------------------------------------------------------------------------------- */

void nas_study_close(nas_study *study)
{
    if (!study)
        return;
    for (int i = 0; i < study->count; i++) {
        nas_trial_clear(study->trials[i]);
        free(study->trials[i]);
    }
    if (study->handle)
        study->store->close(study->handle);
    free(study->trials);
    free(study->open);
    free(study->path);
    free(study);
}

static nas_status open_store(const nas_store *store, const char *path, nas_store_mode mode,
                             nas_study **study)
{
    nas_study *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for study %s", path);
    *made = (nas_study){.store = store,
                        .mode = mode,
                        .attempts = NAS_ATTEMPTS,
                        .lease_ms = NAS_LEASE_MS,
                        .avoided = -1};
    made->path = malloc(strlen(path) + 1);
    nas_status status = NAS_OK;
    if (!made->path) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for study %s", path);
        goto done;
    }
    strcpy(made->path, path);
    NAS_TRY_DONE(store->open(path, mode, &made->handle));
    *study = made;
    return NAS_OK;
done:
    nas_study_close(made);
    return status;
}

static nas_status write_about(nas_study *study, const nas_study_about *about)
{
    int major, minor, patch;
    char program[64], created[32];
    nas_version(&major, &minor, &patch);
    snprintf(program, sizeof program, "clnas %d.%d.%d", major, minor, patch);
    snprintf(created, sizeof created, "%lld", (long long)nas_time_ms());
    const char *const pairs[][2] = {{"program", program},
                                    {"created", created},
                                    {"name", about ? about->name : NULL},
                                    {"config", about ? about->config : NULL},
                                    {"options", about ? about->options : NULL}};
    NAS_TRY(study->store->begin(study->handle, true));
    nas_status status = NAS_OK;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && status == NAS_OK; i++)
        if (pairs[i][1])
            status = study->store->set(study->handle, pairs[i][0], pairs[i][1]);
    if (status != NAS_OK) {
        study->store->end(study->handle, false);
        return status;
    }
    return study->store->end(study->handle, true);
}

nas_status nas_study_create(const char *path, const nas_study_about *about, nas_study **study)
{
    const nas_store *store = path ? nas_store_sqlite() : nas_store_memory();
    nas_study *made = NULL;
    NAS_TRY(store->create(path));
    NAS_TRY(open_store(store, path ? path : ":memory:", NAS_STORE_WRITE, &made));
    nas_status status = write_about(made, about);
    if (status != NAS_OK) {
        nas_study_close(made);
        if (path)
            remove(path); /* nobody can have used it yet: it says nothing */
        return status;
    }
    *study = made;
    return NAS_OK;
}

nas_status nas_study_open(const char *path, nas_store_mode mode, nas_study **study)
{
    nas_study *made = NULL;
    NAS_TRY(open_store(nas_store_sqlite(), path, mode, &made));
    nas_status status = nas_study_sync(made);
    if (status != NAS_OK) {
        nas_study_close(made);
        return status;
    }
    *study = made;
    return NAS_OK;
}

const char *nas_study_path(const nas_study *study)
{
    return study->path;
}

void nas_study_set_limits(nas_study *study, int attempts, int64_t lease_ms)
{
    study->attempts = attempts > 0 ? attempts : NAS_ATTEMPTS;
    study->lease_ms = lease_ms > 0 ? lease_ms : NAS_LEASE_MS;
}

void nas_study_avoid(nas_study *study, int index, int64_t for_ms)
{
    study->avoided = index;
    study->avoided_until_ms = nas_time_ms() + for_ms;
}

nas_status nas__study_writable(const nas_study *study)
{
    if (study->mode != NAS_STORE_WRITE)
        NAS_FAIL(NAS_STORE, "%s was opened for reading only", study->path);
    return NAS_OK;
}

nas_status nas_study_get(nas_study *study, const char *key, nas_text *value, bool *found)
{
    NAS_TRY(study->store->begin(study->handle, false));
    nas_status status = study->store->get(study->handle, key, value, found);
    study->store->end(study->handle, false);
    return status;
}

nas_status nas_study_set(nas_study *study, const char *key, const char *value)
{
    NAS_TRY(nas__study_writable(study));
    NAS_TRY(study->store->begin(study->handle, true));
    nas_status status = study->store->set(study->handle, key, value);
    if (status != NAS_OK) {
        study->store->end(study->handle, false);
        return status;
    }
    return study->store->end(study->handle, true);
}

/* ---- the mirror ------------------------------------------------------------------------------------------------ */

static nas_status set_open(nas_study *study, int index, bool open)
{
    int at = 0;
    while (at < study->open_count && study->open[at] < index)
        at++;
    bool listed = at < study->open_count && study->open[at] == index;
    if (listed == open)
        return NAS_OK;
    size_t behind = (size_t)(study->open_count - at);
    if (!open) {
        memmove(study->open + at, study->open + at + 1, (behind - 1) * sizeof *study->open);
        study->open_count--;
        return NAS_OK;
    }
    if (study->open_count == study->open_capacity) {
        int capacity = study->open_capacity ? 2 * study->open_capacity : 16;
        int *list = realloc(study->open, (size_t)capacity * sizeof *list);
        if (!list)
            NAS_FAIL(NAS_MEMORY, "no memory for %d running trials", capacity);
        study->open = list;
        study->open_capacity = capacity;
    }
    if (behind)
        memmove(study->open + at + 1, study->open + at, behind * sizeof *study->open);
    study->open[at] = index;
    study->open_count++;
    return NAS_OK;
}

static nas_status grow(nas_study *study)
{
    if (study->count < study->capacity)
        return NAS_OK;
    int capacity = study->capacity ? 2 * study->capacity : 64;
    nas_trial **trials = realloc(study->trials, (size_t)capacity * sizeof *trials);
    if (!trials)
        NAS_FAIL(NAS_MEMORY, "no memory for %d trials", capacity);
    study->trials = trials;
    study->capacity = capacity;
    return NAS_OK;
}

/* Lines come in order of revision, but a line that changed since it was claimed comes late; its index may then be
 * beyond the mirror's end for a moment.  Such holes are filled with empty lines that are not final. */
nas_status nas__study_apply(nas_study *study, const nas_trial *trial)
{
    if (trial->index < 0)
        NAS_FAIL(NAS_STORE, "%s: a trial has the index %d", study->path, trial->index);
    if (trial->status == NAS_TRIAL_ALIAS && (trial->alias < 0 || trial->alias >= trial->index))
        NAS_FAIL(NAS_STORE, "%s: trial %d is an alias of trial %d, which cannot be", study->path,
                 trial->index, trial->alias);
    while (study->count <= trial->index) {
        NAS_TRY(grow(study));
        nas_trial *empty = malloc(sizeof *empty);
        if (!empty)
            NAS_FAIL(NAS_MEMORY, "no memory for trial %d", trial->index);
        nas_trial_init(empty);
        empty->index = study->count;
        study->trials[study->count++] = empty;
        study->holes++;
    }
    nas_trial copy;
    NAS_TRY(nas_trial_copy(trial, &copy));
    study->holes -= !study->trials[trial->index]->arch;
    nas_trial_clear(study->trials[trial->index]);
    *study->trials[trial->index] = copy;
    if (trial->revision > study->revision)
        study->revision = trial->revision;
    return set_open(study, trial->index, !nas_trial_final(trial));
}

static nas_status apply_each(void *user, const nas_trial *trial)
{
    return nas__study_apply(user, trial);
}

nas_status nas__study_pull(nas_study *study)
{
    NAS_TRY(study->store->changes(study->handle, study->revision, apply_each, study));
    if (study->holes > 0)
        NAS_FAIL(NAS_STORE, "%s: %d of %d trials are missing; restore a copy of the study",
                 study->path, study->holes, study->count);
    return NAS_OK;
}

static nas_status refresh_heartbeats(nas_study *study)
{
    for (int i = 0; i < study->open_count; i++) {
        nas_trial line, *mirror = study->trials[study->open[i]];
        bool found;
        NAS_TRY(study->store->get_trial(study->handle, mirror->index, &line, &found));
        if (!found)
            continue;
        mirror->heartbeat_ms = line.heartbeat_ms;
        mirror->progress = line.progress;
        nas_trial_clear(&line);
    }
    return NAS_OK;
}

nas_status nas_study_sync(nas_study *study)
{
    NAS_TRY(study->store->begin(study->handle, false));
    nas_status status = nas__study_pull(study);
    if (status == NAS_OK)
        status = refresh_heartbeats(study);
    study->store->end(study->handle, false);
    return status;
}

int nas_study_count(const nas_study *study)
{
    return study->count;
}

int64_t nas_study_revision(const nas_study *study)
{
    return study->revision;
}

int nas_study_open_count(const nas_study *study)
{
    return study->open_count;
}

const nas_trial *nas_study_trial(const nas_study *study, int index)
{
    return index >= 0 && index < study->count ? study->trials[index] : NULL;
}

const nas_trial *nas_study_result(const nas_study *study, int index)
{
    const nas_trial *trial = nas_study_trial(study, index);
    if (trial && trial->status == NAS_TRIAL_ALIAS)
        trial = nas_study_trial(study, trial->alias);
    return trial && nas_trial_final(trial) && trial->status != NAS_TRIAL_ALIAS ? trial : NULL;
}

int64_t nas_study_result_revision(const nas_study *study, int index)
{
    const nas_trial *result = nas_study_result(study, index);
    if (!result)
        return 0;
    int64_t own = study->trials[index]->revision;
    return own > result->revision ? own : result->revision;
}

/* ---- questions to the log --------------------------------------------------------------------------------------- */

/* Where a score belongs among `found` trials that are sorted, best first: behind its equals. */
static int place_among(const nas_study *study, const nas_objective *objective, const int *indices,
                       int found, double score)
{
    int first = 0, last = found;
    while (first < last) {
        const int middle = first + (last - first) / 2;
        if (score > nas_objective_score(objective, study->trials[indices[middle]]))
            last = middle;
        else
            first = middle + 1;
    }
    return first;
}

int nas_study_best(const nas_study *study, const nas_objective *objective, int k, int *indices)
{
    int found = 0;
    for (int i = 0; i < study->count; i++) {
        double score = nas_objective_score(objective, study->trials[i]);
        if (!isfinite(score))
            continue;
        int at = place_among(study, objective, indices, found, score);
        if (at >= k)
            continue;
        int last = found < k ? found++ : k - 1;
        memmove(indices + at + 1, indices + at, (size_t)(last - at) * sizeof *indices);
        indices[at] = i;
    }
    return found;
}

nas_status nas_study_front(const nas_study *study, const nas_objectives *objectives, int *indices,
                           int *count)
{
    size_t n = (size_t)study->count, m = (size_t)objectives->count;
    double *scores = malloc((n * m + 1) * sizeof *scores);
    if (!scores)
        NAS_FAIL(NAS_MEMORY, "no memory for a front of %zu trials", n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            scores[i * m + k] = nas_objective_score(&objectives->item[k], study->trials[i]);
    *count = nas_pareto_front(scores, study->count, objectives->count, indices);
    free(scores);
    return NAS_OK;
}

void nas_study_canonical(const nas_study *study, nas_text *text)
{
    for (int i = 0; i < study->count; i++) {
        const nas_trial *result = nas_study_result(study, i);
        if (!result)
            continue;
        nas_trial line = *result; /* lent: its own place, its target's result */
        line.index = i;
        nas_trial_canonical(&line, text);
    }
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------- */

nas_status nas_study_put_checkpoint(nas_study *study, const nas_checkpoint *checkpoint)
{
    NAS_TRY(nas__study_writable(study));
    NAS_TRY(study->store->begin(study->handle, true));
    nas_status status = study->store->put_checkpoint(study->handle, checkpoint);
    if (status == NAS_OK)
        return study->store->end(study->handle, true);
    study->store->end(study->handle, false);
    return status;
}

nas_status nas_study_drop_checkpoint(nas_study *study, const char *path)
{
    NAS_TRY(nas__study_writable(study));
    NAS_TRY(study->store->begin(study->handle, true));
    nas_status status = study->store->drop_checkpoint(study->handle, path);
    if (status == NAS_OK)
        return study->store->end(study->handle, true);
    study->store->end(study->handle, false);
    return status;
}

typedef struct gathering {
    nas_checkpoint *list;
    int count;
} gathering;

static nas_status gather(void *user, const nas_checkpoint *checkpoint)
{
    gathering *g = user;
    nas_checkpoint *list = realloc(g->list, (size_t)(g->count + 1) * sizeof *list);
    if (!list)
        NAS_FAIL(NAS_MEMORY, "no memory for a list of checkpoints");
    g->list = list;
    list[g->count++] = *checkpoint;
    return NAS_OK;
}

static int by_kind_and_score(const void *left, const void *right)
{
    const nas_checkpoint *a = left, *b = right;
    int kind = strcmp(a->kind, b->kind);
    if (kind)
        return kind;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return strcmp(a->path, b->path);
}

nas_status nas_study_checkpoints(nas_study *study, nas_checkpoint **list, int *count)
{
    gathering g = {0};
    NAS_TRY(study->store->begin(study->handle, false));
    nas_status status = study->store->checkpoints(study->handle, gather, &g);
    study->store->end(study->handle, false);
    if (status != NAS_OK) {
        free(g.list);
        return status;
    }
    if (g.count)
        qsort(g.list, (size_t)g.count, sizeof *g.list, by_kind_and_score);
    *list = g.list;
    *count = g.count;
    return NAS_OK;
}
