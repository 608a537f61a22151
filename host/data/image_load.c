/* image_load.c - the samples of many images, decoded on several threads.
 *
 * Samples lie where their cache file has them, so that the cache is written and read without another copy (image_cache.c):
 *
 *     offset  size
 *          0    56  room for the head of cached files (host/base/cache.c)
 *         56    16  height, width, channels, count: four numbers of four bytes, little-endian
 *         72    count, up to the next multiple of 8: 1 where a file could not be read
 *          …    the samples, in the order of the list
 *
 * Threads take the next files from one counter and write each file's sample to its own place, so that the result does not depend on their
 * number.  A file that cannot be read is that file's affair and noted; what is no file's fault (memory, sizes that differ) ends the work: files
 * already taken are finished, so the one that is reported, the first of the list, is always the same. */
#include "image.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS_LIMIT = 16,
    TAKEN = 8,
    SHAPE_AT = NAS_CACHE_HEADER,
    LOST_AT = NAS_CACHE_HEADER + 16
};

/* ---- memory ----------------------------------------------------------------------------------- */

void nas__image_store_clear(nas__image_store *store, uint32_t count)
{
    for (uint32_t i = 0; store->faults && i < count; i++)
        free(store->faults[i]);
    free(store->faults);
    free(store->file);
    *store = (nas__image_store){0};
}

size_t nas__image_store_size(const nas_image_options *image, uint32_t count)
{
    const size_t sample =
        (size_t)image->size.item[0] * (size_t)image->size.item[1] * (size_t)image->channels;
    return LOST_AT + ((size_t)count + 7) / 8 * 8 + count * sample;
}

void nas__image_store_place(const nas_image_options *image, uint32_t count, void *file,
                            nas__image_store *store)
{
    const size_t size = nas__image_store_size(image, count);
    store->file = file;
    store->lost = (uint8_t *)file + LOST_AT;
    store->sample_bytes = (size_t)(image->size.item[0] * image->size.item[1] * image->channels);
    store->samples = (uint8_t *)file + size - count * store->sample_bytes;
}

void nas__image_store_shape(const nas_image_options *image, uint32_t count, uint8_t shape[16])
{
    const uint32_t numbers[] = {(uint32_t)image->size.item[0], (uint32_t)image->size.item[1],
                                (uint32_t)image->channels, count};
    for (int i = 0; i < 16; i++)
        shape[i] = (uint8_t)(numbers[i / 4] >> (8 * (i % 4)));
}

static nas_status make(const nas_image_options *image, uint32_t count, nas__image_store *store)
{
    const size_t size = nas__image_store_size(image, count);
    void *file = calloc(1, size);
    store->faults = calloc((size_t)count + 1, sizeof *store->faults);
    if (!file || !store->faults) {
        free(file);
        NAS_FAIL(NAS_MEMORY, "no memory for %u images, %zu bytes; choose a smaller data.size",
                 count, size);
    }
    nas__image_store_place(image, count, file, store);
    nas__image_store_shape(image, count, (uint8_t *)file + SHAPE_AT);
    return NAS_OK;
}

/* ---- threads ---------------------------------------------------------------------------------- */

typedef struct work {
    const nas__image_list *list;
    const nas_image_options *image;
    nas__image_store *store;
    bool alike;
    atomic_uint next;
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows: the first failure that is no file's */
    uint32_t failed_at;
    nas_status status;
    char *message;
} work;

static void stop_work(work *w, uint32_t i, nas_status status)
{
    pthread_mutex_lock(&w->lock);
    if (w->status == NAS_OK || i < w->failed_at) {
        free(w->message);
        w->status = status;
        w->failed_at = i;
        w->message = strdup(nas_error_message());
    }
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->stop, true);
}

static void read_one(work *w, uint32_t i)
{
    nas__image_store *store = w->store;
    uint8_t *sample = store->samples + i * store->sample_bytes;
    const nas_status status = nas__image_sample(w->list->files[i].path, w->image, w->alike, sample);
    if (status == NAS_OK)
        return;
    if (status != NAS_DATA) {
        stop_work(w, i, status);
        return;
    }
    memset(sample, 0, store->sample_bytes);
    store->lost[i] = 1;
    store->faults[i] = strdup(nas_error_message());
}

static void *run(void *user)
{
    work *w = user;
    while (!atomic_load(&w->stop)) {
        const uint32_t from = atomic_fetch_add(&w->next, TAKEN);
        for (uint32_t i = from; i < from + TAKEN && i < w->list->count; i++)
            read_one(w, i);
        if (from >= w->list->count)
            break;
    }
    return NULL;
}

/* This thread works too; signals stay with it. */
static void run_all(work *w)
{
    pthread_t threads[THREADS_LIMIT];
    sigset_t all, before;
    int started = 0;
    long wanted = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    const long useful = w->list->count / (4 * TAKEN);
    wanted = wanted > useful ? useful : wanted;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (started < wanted && started < THREADS_LIMIT &&
           pthread_create(&threads[started], NULL, run, w) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    run(w);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

nas_status nas__image_store_decode(const nas__image_list *list, const nas_image_options *image,
                                   bool alike, nas__image_store *store)
{
    work w = {.list = list, .image = image, .store = store, .alike = alike, .status = NAS_OK};
    const double start = nas_now_s();
    NAS_TRY(make(image, list->count, store));
    pthread_mutex_init(&w.lock, NULL);
    run_all(&w);
    pthread_mutex_destroy(&w.lock);
    if (w.status != NAS_OK)
        nas_error_set(w.status, __FILE__, __LINE__, "%s", w.message ? w.message : "out of memory");
    else
        nas_log(NAS_LOG_INFO, "%u images decoded in %.1f s", list->count, nas_now_s() - start);
    free(w.message);
    return w.status;
}

const char *nas__image_store_fault(const nas__image_list *list, const nas_image_options *image,
                                   nas__image_store *store, uint32_t i)
{
    if (!store->faults)
        store->faults = calloc((size_t)list->count + 1, sizeof *store->faults);
    if (store->faults && !store->faults[i]) {
        uint8_t *sample = store->samples + i * store->sample_bytes; /* not used: it is lost */
        if (nas__image_sample(list->files[i].path, image, false, sample) != NAS_OK)
            store->faults[i] = strdup(nas_error_message());
    }
    return store->faults && store->faults[i] ? store->faults[i] : list->files[i].path;
}
