/* image_list.c - which images a folder holds, and of which class each is.
 *
 *     PATH/CLASS/…                            the test images are set aside later
 *     PATH/train/CLASS/…  PATH/test/CLASS/…   where PATH/train holds folders
 *
 * Folders below a class's are gone through too.  All names are taken in the order of their bytes, so that a list is a function of the
 * names and not of the file system.  Hidden names and what file managers leave (Thumbs.db, desktop.ini, __MACOSX) are passed over; all else is
 * believed to be an image until it is read.  Links are followed, and one that leads back to a folder above itself is refused.
 *
 * A class's name goes into models and their exports, a line each, as UTF-8: a name that cannot be kept so is refused. */
#include "dataset.h"
#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096, DEPTH_LIMIT = 32, CLASSES_LIMIT = 65536 };

/* ---- names ------------------------------------------------------------------------------------ */

nas_status nas__path_join(const char *folder, const char *name, char *path, size_t size)
{
    const char *slash = folder[0] && folder[strlen(folder) - 1] != '/' ? "/" : "";
    const int length = snprintf(path, size, "%s%s%s", folder, slash, name);
    if (length < 0 || (size_t)length >= size)
        NAS_FAIL(NAS_DATA, "%.64s…: a path of %d bytes; at most %zu are read", folder, length,
                 size - 1);
    return NAS_OK;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void names_clear(char **names, int count)
{
    for (int i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

/* −1: none. */
static int name_index(char *const *names, int count, const char *name)
{
    char *const *at = count ? bsearch(&name, names, (size_t)count, sizeof *names, by_text) : NULL;
    return at ? (int)(at - names) : -1;
}

/* ---- the list --------------------------------------------------------------------------------- */

void nas__image_list_clear(nas__image_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->files[i].path);
    free(list->files);
    names_clear(list->names, list->outputs);
    free(list->targets);
    *list = (nas__image_list){0};
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

nas_status nas__image_list_add(nas__image_list *list, const char *path, nas__image_file file)
{
    struct stat about;
    if (list->count == INT32_MAX)
        NAS_FAIL(NAS_DATA, "more than %d images", INT32_MAX);
    if (list->count == list->capacity) {
        const uint32_t wanted = list->capacity ? 2 * list->capacity : 1024;
        nas__image_file *files = realloc(list->files, wanted * sizeof *files);
        if (!files)
            NAS_FAIL(NAS_MEMORY, "no memory for a list of %u images", wanted);
        list->files = files;
        list->capacity = wanted;
    }
    if (stat(path, &about) == 0) {
        file.size = (uint64_t)about.st_size;
        file.modified_ns = nanoseconds(about.st_mtim);
        file.changed_ns = nanoseconds(about.st_ctim);
    }
    file.path = strdup(path);
    if (!file.path)
        NAS_FAIL(NAS_MEMORY, "no memory for a list of %u images", list->count);
    list->files[list->count++] = file;
    return NAS_OK;
}

/* ---- folders ---------------------------------------------------------------------------------- */

typedef struct entries {
    char **names;
    int count, capacity;
} entries;

static void entries_clear(entries *e)
{
    names_clear(e->names, e->count);
    *e = (entries){0};
}

static bool passed_over(const char *name)
{
    return name[0] == '.' || strcmp(name, "Thumbs.db") == 0 || strcmp(name, "desktop.ini") == 0 ||
           strcmp(name, "__MACOSX") == 0;
}

static nas_status add_entry(entries *e, const char *name)
{
    if (e->count == e->capacity) {
        const int wanted = e->capacity ? 2 * e->capacity : 64;
        char **names = realloc(e->names, (size_t)wanted * sizeof *names);
        if (!names)
            NAS_FAIL(NAS_MEMORY, "no memory for a folder of %d names", e->count);
        e->names = names;
        e->capacity = wanted;
    }
    e->names[e->count] = strdup(name);
    if (!e->names[e->count])
        NAS_FAIL(NAS_MEMORY, "no memory for a folder of %d names", e->count);
    e->count++;
    return NAS_OK;
}

static nas_status read_folder(const char *path, entries *e)
{
    char shown[NAS__SHOWN_SIZE];
    DIR *folder = opendir(path);
    nas_status status = NAS_OK;
    if (!folder)
        NAS_FAIL(NAS_DATA, "%s: %s", nas__shown(path, shown), strerror(errno));
    errno = 0;
    for (const struct dirent *at; status == NAS_OK && (at = readdir(folder)); errno = 0)
        if (!passed_over(at->d_name))
            status = add_entry(e, at->d_name);
    if (status == NAS_OK && errno)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: %s", nas__shown(path, shown),
                               strerror(errno));
    closedir(folder);
    if (status == NAS_OK && e->count)
        qsort(e->names, (size_t)e->count, sizeof *e->names, by_text);
    return status;
}

/* Folders on the way to where we are, so that a link back to one of them is seen. */
typedef struct walk {
    nas__image_list *list;
    nas__image_file like; /* label and test of what is found */
    struct {
        dev_t device;
        ino_t file;
    } above[DEPTH_LIMIT];
    int depth;
} walk;

static nas_status enter(walk *w, const char *path, const struct stat *about)
{
    char shown[NAS__SHOWN_SIZE];
    for (int i = 0; i < w->depth; i++)
        if (w->above[i].device == about->st_dev && w->above[i].file == about->st_ino)
            NAS_FAIL(NAS_DATA, "%s links back to a folder above it; remove the link",
                     nas__shown(path, shown));
    if (w->depth == DEPTH_LIMIT)
        NAS_FAIL(NAS_DATA, "%s: folders are nested more than %d deep", nas__shown(path, shown),
                 DEPTH_LIMIT);
    w->above[w->depth].device = about->st_dev;
    w->above[w->depth].file = about->st_ino;
    w->depth++;
    return NAS_OK;
}

static nas_status gather(walk *w, const char *folder)
{
    char path[PATH_SIZE];
    struct stat about;
    entries e = {0};
    nas_status status;
    if (stat(folder, &about) != 0)
        NAS_FAIL(NAS_DATA, "%s: %s", folder, strerror(errno));
    NAS_TRY(enter(w, folder, &about));
    NAS_TRY_DONE(read_folder(folder, &e));
    for (int i = 0; i < e.count; i++) {
        NAS_TRY_DONE(nas__path_join(folder, e.names[i], path, sizeof path));
        if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            NAS_TRY_DONE(gather(w, path));
        else
            NAS_TRY_DONE(nas__image_list_add(w->list, path, w->like));
    }
done:
    entries_clear(&e);
    w->depth--;
    return status;
}

/* ---- classes ---------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Names of the folders in a folder; files beside them are not used, which `tell` tells. */
static nas_status read_classes(const char *folder, bool tell, entries *classes)
{
    char path[PATH_SIZE], shown[NAS__SHOWN_SIZE];
    entries all = {0};
    int files = 0;
    nas_status status;
    NAS_TRY_DONE(read_folder(folder, &all));
    for (int i = 0; i < all.count; i++) {
        NAS_TRY_DONE(nas__path_join(folder, all.names[i], path, sizeof path));
        if (is_folder(path))
            NAS_TRY_DONE(add_entry(classes, all.names[i]));
        else if (files++ == 0)
            nas__shown(all.names[i], shown);
    }
    if (files && tell)
        nas_log(NAS_LOG_INFO, "%s: %d files beside the class folders are not used (%s …)", folder,
                files, shown);
done:
    entries_clear(&all);
    return status;
}

static nas_status take_classes(const char *folder, nas__image_list *list)
{
    entries classes = {0};
    nas_status status = read_classes(folder, true, &classes);
    if (status == NAS_OK && classes.count == 0)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                               "%s holds no folders; images are expected in %s/CLASS/…, or give "
                               "data.csv",
                               folder, folder);
    if (status == NAS_OK && classes.count > CLASSES_LIMIT)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s holds more than %d folders",
                               folder, CLASSES_LIMIT);
    for (int i = 0; status == NAS_OK && i < classes.count; i++)
        status = nas__name_check(folder, classes.names[i]);
    list->names = classes.names; /* cleared with the list, whatever the status */
    list->outputs = classes.count;
    return status;
}

static nas_status gather_class(const char *folder, const char *name, int label, bool test,
                               nas__image_list *list)
{
    char path[PATH_SIZE], shown[NAS__SHOWN_SIZE];
    walk w = {.list = list, .like = {.label = label, .test = test}};
    const uint32_t before = list->count;
    NAS_TRY(nas__path_join(folder, name, path, sizeof path));
    NAS_TRY(gather(&w, path));
    if (!test && list->count == before)
        NAS_FAIL(NAS_DATA, "%s: the class folder is empty; put images there, or remove the folder",
                 nas__shown(path, shown));
    return NAS_OK;
}

static nas_status gather_test(const char *folder, nas__image_list *list)
{
    entries classes = {0};
    nas_status status;
    NAS_TRY_DONE(read_classes(folder, true, &classes));
    for (int i = 0; i < classes.count; i++) {
        const int label = name_index(list->names, list->outputs, classes.names[i]);
        char shown[NAS__SHOWN_SIZE];
        if (label < 0) {
            status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                                   "%s/%s: no such class among the training folders", folder,
                                   nas__shown(classes.names[i], shown));
            goto done;
        }
        NAS_TRY_DONE(gather_class(folder, classes.names[i], label, true, list));
    }
done:
    entries_clear(&classes);
    return status;
}

/* A folder called train that holds folders is no class. */
static nas_status is_divided(const char *path, char *train, size_t size, bool *divided)
{
    entries classes = {0};
    *divided = false;
    NAS_TRY(nas__path_join(path, "train", train, size));
    if (!is_folder(train))
        return NAS_OK;
    const nas_status status = read_classes(train, false, &classes);
    *divided = classes.count > 0;
    entries_clear(&classes);
    return status;
}

static void tell_unused(const char *path)
{
    entries all = {0};
    char other[PATH_SIZE], shown[NAS__SHOWN_SIZE];
    if (read_classes(path, false, &all) == NAS_OK)
        for (int i = 0; i < all.count; i++)
            if (strcmp(all.names[i], "train") != 0 && strcmp(all.names[i], "test") != 0 &&
                nas__path_join(path, all.names[i], other, sizeof other) == NAS_OK)
                nas_log(NAS_LOG_WARNING,
                        "%s is not used: beside train only test is; validation is set aside from "
                        "train",
                        nas__shown(other, shown));
    entries_clear(&all);
}

nas_status nas__image_list_folders(const char *path, nas__image_list *list)
{
    char train[PATH_SIZE], test[PATH_SIZE];
    bool divided;
    if (!is_folder(path))
        NAS_FAIL(NAS_DATA, "%s: no such folder; check data.path", path);
    NAS_TRY(is_divided(path, train, sizeof train, &divided));
    const char *classes = divided ? train : path;
    NAS_TRY(take_classes(classes, list));
    for (int i = 0; i < list->outputs; i++)
        NAS_TRY(gather_class(classes, list->names[i], i, false, list));
    if (!divided)
        return NAS_OK;
    tell_unused(path);
    NAS_TRY(nas__path_join(path, "test", test, sizeof test));
    list->split = is_folder(test);
    return list->split ? gather_test(test, list) : NAS_OK;
}
