/* images.c - PNG and JPEG files, in a folder for each class or listed in a CSV.
 *
 *     data = { type = "images"; path = "flowers"; size = [ 64, 64 ]; };
 *
 * Steps: list the files (image_list.c, image_table.c); decode and resize them all, or take them from the cache (image_load.c,
 * image_cache.c); leave out what could not be read, or refuse; set the test images aside, unless folders or the table name them.  They are set aside
 * by a seed of the data set's own, so that studies with different seeds leave the same images untouched.
 *
 * Read next: image.c, what becomes of one file. */
#include "dataset.h"
#include "image.h"

#include <stdlib.h>
#include <string.h>

enum { FAULTS_SHOWN = 20, FAULTS_BYTES = 3000 };

typedef struct images_options {
    char path[NAS_TEXT_SIZE], csv[NAS_TEXT_SIZE], cache[NAS_TEXT_SIZE];
    nas_image_options image;
    double test;
    int64_t test_seed;
    bool skip_unreadable;
} images_options;

#define AT(field) offsetof(images_options, field)
#define IMAGE_AT(field) offsetof(images_options, image.field)
static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, AT(path), NULL, 0, 0, NULL,
     "folder of the images: PATH/CLASS/…, or PATH/train/CLASS/… and PATH/test/CLASS/…"},
    {"csv", NAS_OPTION_TEXT, AT(csv), "\"\"", 0, 0, NULL,
     "a table of the images in place of class folders (in path, or absolute): columns file, label "
     "or one for each label or number, and, where wanted, group and split (train, test)"},
    {"size", NAS_OPTION_INT_LIST, IMAGE_AT(size), "[0]", 0, NAS__SAMPLE_SIDE, NULL,
     "[height, width] that all images are resized to, in pixels, or one number for both; 0: they "
     "must be alike"},
    NAS__IMAGE_ROWS(IMAGE_AT),
    {"test", NAS_OPTION_REAL, AT(test), "0.2", 0, 0.9, NULL,
     "share of the images set aside for test, in proportion to the classes, where neither folders "
     "nor the table name them"},
    {"test_seed", NAS_OPTION_INT, AT(test_seed), "1", 0, 0, NULL,
     "decides which; not the study's seed, so that all studies leave the same images alone"},
    {"skip_unreadable", NAS_OPTION_BOOL, AT(skip_unreadable), "false", 0, 0, NULL,
     "leave out files that cannot be read, with a warning, in place of refusing the data set"},
    {"cache", NAS_OPTION_TEXT, AT(cache), "\"auto\"", 0, 0, NULL,
     "where decoded images are kept: auto, the cache folder (CLNAS_CACHE); none; or a folder"},
    {0},
};
#undef AT
#undef IMAGE_AT

/* ---- size ------------------------------------------------------------------------------------- */

/* Of the first image that can be read; where none can, 1×1, and the faults are told later. */
static void measure_first(const nas__image_list *list, nas_image_options *image)
{
    int h = 1, w = 1;
    for (uint32_t i = 0; i < list->count; i++)
        if (nas__image_measure(list->files[i].path, &h, &w) == NAS_OK)
            break;
    image->size = (nas_int_list){.count = 2, .item = {h, w}};
}

static nas_status choose_size(const nas__image_list *list, nas_image_options *image, bool *alike)
{
    int h, w;
    const nas_int_list *size = &image->size;
    *alike = size->count == 0 || (size->item[0] == 0 && (size->count == 1 || size->item[1] == 0));
    if (*alike)
        measure_first(list, image);
    nas_status status = nas__image_size(image, &h, &w);
    if (status != NAS_OK && *alike)
        nas_error_add("data.size = 0: the first image has %lld×%lld pixels; ",
                      (long long)size->item[0], (long long)size->item[1]);
    NAS_TRY(status);
    image->size = (nas_int_list){.count = 2, .item = {h, w}};
    return NAS_OK;
}

/* ---- files that cannot be read ---------------------------------------------------------------- */

static nas_status tell_faults(const nas__image_list *list, const images_options *o,
                              nas__image_store *store, uint32_t lost)
{
    char shown[NAS__SHOWN_SIZE];
    nas_text text = {0};
    uint32_t told = 0;
    for (uint32_t i = 0; i < list->count && told < FAULTS_SHOWN && text.length < FAULTS_BYTES; i++)
        if (store->lost[i]) {
            const char *fault = nas__image_store_fault(list, &o->image, store, i);
            nas_text_format(&text, "\n  %s", nas__shown(fault, shown));
            told++;
        }
    if (told < lost)
        nas_text_format(&text, "\n  and %u more", lost - told);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK && o->skip_unreadable)
        nas_log(NAS_LOG_WARNING, "%u of %u images cannot be read and are left out:%s", lost,
                list->count, text.data);
    else if (status == NAS_OK)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                               "%u of %u images cannot be read; mend or remove them, or set "
                               "data.skip_unreadable = true:%s",
                               lost, list->count, text.data);
    nas_text_clear(&text);
    return status;
}

/* Leaves them out of the list and of the samples. */
static void drop_lost(nas__image_list *list, nas__image_store *store)
{
    const size_t outputs = list->targets ? (size_t)list->outputs : 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (store->lost[i]) {
            free(list->files[i].path);
            continue;
        }
        if (kept < i) {
            list->files[kept] = list->files[i];
            memcpy(store->samples + kept * store->sample_bytes,
                   store->samples + i * store->sample_bytes, store->sample_bytes);
            if (outputs)
                memcpy(list->targets + kept * outputs, list->targets + i * outputs,
                       outputs * sizeof *list->targets);
        }
        kept++;
    }
    list->count = kept;
}

static nas_status handle_lost(nas__image_list *list, const images_options *o,
                              nas__image_store *store)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < list->count; i++)
        lost += store->lost[i];
    if (lost == 0)
        return NAS_OK;
    NAS_TRY(tell_faults(list, o, store, lost));
    const uint32_t count = list->count;
    drop_lost(list, store);
    for (uint32_t i = 0; store->faults && i < count; i++) {
        free(store->faults[i]);
        store->faults[i] = NULL;
    }
    if (list->count == 0)
        NAS_FAIL(NAS_DATA, "none of the %u images can be read", count);
    return NAS_OK;
}

/* ---- parts ------------------------------------------------------------------------------------ */

/* Marks the share of test images, groups whole. */
static nas_status set_aside(nas__image_list *list, nas_task task, double share, int64_t seed)
{
    const bool classes = task == NAS_TASK_CLASSIFY;
    uint32_t wanted = (uint32_t)(share * list->count + 0.5);
    nas_data_part all = {.count = list->count,
                         .labels = malloc(((size_t)list->count + 1) * sizeof *all.labels),
                         .groups = malloc(((size_t)list->count + 1) * sizeof *all.groups)};
    uint32_t *picked = malloc(((size_t)list->count + 1) * sizeof *picked);
    nas_status status = NAS_OK;
    if (!all.labels || !all.groups || !picked)
        status =
            nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory to set test images aside");
    for (uint32_t i = 0; status == NAS_OK && i < list->count; i++) {
        picked[i] = i;
        all.labels[i] = classes ? list->files[i].label : 0;
        all.groups[i] = list->files[i].group;
    }
    nas_data_part part = all;
    part.groups = list->grouped ? all.groups : NULL;
    if (status == NAS_OK)
        status = nas__split_pick_groups(&part, classes ? list->outputs : 1, (uint64_t)seed,
                                        NAS__ROUND_TEST, picked, list->count, &wanted);
    for (uint32_t i = 0; status == NAS_OK && i < wanted; i++)
        list->files[picked[i]].test = true;
    free(all.labels);
    free(all.groups);
    free(picked);
    return status;
}

static nas_status check_classes(const nas__image_list *list)
{
    uint32_t *counts = calloc(2 * (size_t)list->outputs + 1, sizeof *counts);
    nas_status status = NAS_OK;
    if (!counts)
        NAS_FAIL(NAS_MEMORY, "no memory to count %d classes", list->outputs);
    for (uint32_t i = 0; i < list->count; i++)
        counts[2 * list->files[i].label + list->files[i].test]++;
    for (int k = 0; k < list->outputs && status == NAS_OK; k++)
        if (counts[2 * k] == 0)
            status = nas_error_set(
                NAS_DATA, __FILE__, __LINE__,
                "class \"%s\" has no image left for training (%u for test); add images, remove the "
                "class, or set a smaller data.test or another data.test_seed",
                list->names[k], counts[2 * k + 1]);
    free(counts);
    return status;
}

/* Labels, targets and groups of the files of one part; its samples are placed by the caller. */
static nas_status fill_part(const nas__image_list *list, bool test, nas_data_part *part)
{
    const size_t outputs = (size_t)list->outputs;
    for (uint32_t i = 0; i < list->count; i++)
        part->count += list->files[i].test == test;
    const size_t count = (size_t)part->count + 1;
    if (!list->targets)
        part->labels = malloc(count * sizeof *part->labels);
    else
        part->targets = malloc(count * outputs * sizeof *part->targets);
    if (list->grouped)
        part->groups = malloc(count * sizeof *part->groups);
    if ((!part->labels && !part->targets) || (list->grouped && !part->groups))
        NAS_FAIL(NAS_MEMORY, "no memory for the labels of %u images", part->count);
    uint32_t to = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->files[i].test != test)
            continue;
        if (part->labels)
            part->labels[to] = list->files[i].label;
        else
            memcpy(part->targets + to * outputs, list->targets + i * outputs,
                   outputs * sizeof *part->targets);
        if (part->groups)
            part->groups[to] = list->files[i].group;
        to++;
    }
    return NAS_OK;
}

/* Test samples are copied out; those for training then move to the front of the store's memory, which becomes theirs. */
static nas_status place_samples(const nas__image_list *list, nas__image_store *store,
                                nas_data_content *content)
{
    const size_t bytes = store->sample_bytes;
    uint8_t *test = malloc(content->test.count * bytes + 1), *train = store->file;
    if (!test)
        NAS_FAIL(NAS_MEMORY, "no memory for %u test images", content->test.count);
    content->test.samples = test;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->files[i].test) {
            memcpy(test, store->samples + i * bytes, bytes);
            test += bytes;
        }
    for (uint32_t i = 0; i < list->count; i++)
        if (!list->files[i].test) {
            memmove(train, store->samples + i * bytes, bytes);
            train += bytes;
        }
    void *less = realloc(store->file, content->train.count * bytes + 1);
    content->train.samples = less ? less : store->file;
    store->file = NULL;
    return NAS_OK;
}

static nas_status fill_content(nas__image_list *list, const nas_image_options *image,
                               nas__image_store *store, nas_data_content *content)
{
    content->shape =
        (nas_shape){(int)image->channels, (int)image->size.item[0], (int)image->size.item[1]};
    content->type = NAS_SAMPLE_UINT8;
    content->image = *image;
    NAS_TRY(fill_part(list, false, &content->train));
    NAS_TRY(fill_part(list, true, &content->test));
    NAS_TRY(place_samples(list, store, content));
    content->outputs = list->outputs;
    content->names = list->names;
    list->names = NULL;
    list->outputs = 0;
    return NAS_OK;
}

/* ---- opening ---------------------------------------------------------------------------------- */

static nas_status list_files(const images_options *o, nas_task task, nas__image_list *list)
{
    if (o->csv[0])
        return nas__image_list_table(o->path, o->csv, task, list);
    if (task != NAS_TASK_CLASSIFY)
        NAS_FAIL(NAS_CONFIG,
                 "data.task \"%s\": class folders tell classes alone; give data.csv a table with "
                 "columns file and what belongs to each",
                 nas_task_name(task));
    return nas__image_list_folders(o->path, list);
}

static nas_status open_all(images_options *o, nas_task task, nas__image_list *list,
                           nas__image_store *store, nas_data_content *content)
{
    char root[2 * NAS_TEXT_SIZE + 2];
    bool alike;
    NAS_TRY(list_files(o, task, list));
    NAS_TRY(choose_size(list, &o->image, &alike));
    snprintf(root, sizeof root, "%s/%s", o->path, o->csv);
    NAS_TRY(nas__image_store_open(o->cache, root, list, &o->image, alike, store));
    NAS_TRY(handle_lost(list, o, store));
    if (!list->split && o->test > 0)
        NAS_TRY(set_aside(list, task, o->test, o->test_seed));
    if (task == NAS_TASK_CLASSIFY)
        NAS_TRY(check_classes(list));
    return fill_content(list, &o->image, store, content);
}

static nas_status open_images(const void *instance, nas_task task, nas_data_content *content)
{
    images_options *o = malloc(sizeof *o);
    nas__image_list list = {0};
    nas__image_store store = {0};
    if (!o)
        NAS_FAIL(NAS_MEMORY, "no memory to open images");
    memcpy(o, instance, sizeof *o);
    const nas_status status = open_all(o, task, &list, &store, content);
    nas__image_store_clear(&store, list.count);
    nas__image_list_clear(&list);
    free(o);
    return status;
}

const nas_dataset nas__dataset_images = {
    .kind = {.name = "images",
             .summary = "PNG and JPEG files, in a folder for each class or listed in a CSV",
             .instance_size = sizeof(images_options),
             .options = options},
    .tasks = 1 << NAS_TASK_CLASSIFY | 1 << NAS_TASK_MULTILABEL | 1 << NAS_TASK_REGRESS,
    .open = open_images,
};
