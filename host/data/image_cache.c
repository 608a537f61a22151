/* image_cache.c - decoded images on disk: files are decoded once, not at the start of each process.
 *
 * One file for each data set and choice of size, channels, filter …, called by a hash of these, so that a changed data set replaces its old
 * file.  The key within (host/base/cache.c) also covers every image's path, size, and times of last change in nanoseconds, and the versions of the
 * decoders; an image that was written anew, or touched, means that all are decoded again.  Contents are not hashed: that would read
 * every file at every start.  The time of change (ctime) is set by the system and shows what a copied-back time of writing (mtime) hides. */
#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

enum { PATH_SIZE = 4096 };

static const char magic[8] = {'N', 'A', 'S', 'P', 'I', 'C', 'S', 1};

/* What tells data sets apart; and, with `files`, what their samples depend on. */
static nas_status describe(const char *root, const nas__image_list *list,
                           const nas_image_options *image, bool alike, bool files, char hex[33])
{
    nas_text text = {0};
    nas_text_format(&text, "%zu:%s %lld×%lld×%lld filter %d fit %d background %d alike %d\n",
                    strlen(root), root, (long long)image->size.item[0],
                    (long long)image->size.item[1], (long long)image->channels, image->filter,
                    image->fit, image->background, alike);
    if (files)
        nas_text_format(&text, "libpng %s libjpeg %d turbo %d\n", png_get_libpng_ver(NULL),
                        JPEG_LIB_VERSION, LIBJPEG_TURBO_VERSION_NUMBER);
    for (uint32_t i = 0; files && i < list->count; i++) {
        const nas__image_file *file = &list->files[i];
        nas_text_format(&text, "%zu:", strlen(file->path));
        nas_text_add(&text, file->path);
        nas_text_format(&text, " %llu %lld %lld\n", (unsigned long long)file->size,
                        (long long)file->modified_ns, (long long)file->changed_ns);
    }
    const nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        nas_hash_hex(text.data, text.length, hex);
    nas_text_clear(&text);
    return status;
}

/* Where the cache file is; "": there is no cache. */
static nas_status find_path(const char *folder, const char *name, char *path, size_t size)
{
    char found[PATH_SIZE];
    char leaf[64];
    path[0] = '\0';
    if (strcmp(folder, "none") == 0)
        return NAS_OK;
    if (strcmp(folder, "auto") == 0) {
        if (!nas_cache_part("images", true, found, sizeof found))
            return NAS_OK;
        folder = found;
    } else if (nas_folder_make(folder, 0700) != NAS_OK)
        NAS_FAIL(NAS_CONFIG, "data.cache: %s", nas_error_message());
    snprintf(leaf, sizeof leaf, "%s.images", name);
    return nas__path_join(folder, leaf, path, size);
}

/* The file is whole and has our key; that it holds what it should is still asked. */
static bool load(const char *path, const char *key, const nas_image_options *image, uint32_t count,
                 nas__image_store *store)
{
    const size_t wanted = nas__image_store_size(image, count);
    uint8_t shape[16];
    void *file;
    size_t size;
    if (!nas_cache_load(path, magic, key, wanted, &file, &size))
        return false;
    nas__image_store_shape(image, count, shape);
    if (size + NAS_CACHE_HEADER != wanted ||
        memcmp((uint8_t *)file + NAS_CACHE_HEADER, shape, sizeof shape) != 0) {
        nas_log(NAS_LOG_INFO, "%s is not used: it holds other samples", path);
        free(file);
        return false;
    }
    nas__image_store_place(image, count, file, store);
    return true;
}

nas_status nas__image_store_open(const char *folder, const char *root, const nas__image_list *list,
                                 const nas_image_options *image, bool alike,
                                 nas__image_store *store)
{
    char name[33], key[33], path[PATH_SIZE];
    NAS_TRY(describe(root, list, image, alike, false, name));
    NAS_TRY(describe(root, list, image, alike, true, key));
    NAS_TRY(find_path(folder, name, path, sizeof path));
    if (path[0] && load(path, key, image, list->count, store))
        return NAS_OK;
    NAS_TRY(nas__image_store_decode(list, image, alike, store));
    const size_t content = nas__image_store_size(image, list->count) - NAS_CACHE_HEADER;
    if (path[0] && nas_cache_store(path, magic, key, store->file, content) != NAS_OK)
        nas_log(NAS_LOG_WARNING, "decoded images are not kept: %s", nas_error_message());
    return NAS_OK;
}
