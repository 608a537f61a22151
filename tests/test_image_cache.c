/* test_image_cache.c - images are decoded once: when the cache serves, when it must not, and what becomes of damaged ones; and many images.
 * CLNAS_IMAGES: how many. */
#include "image_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the cache -------------------------------------------------------------------------------- */

/* Opens, and says whether the files were decoded. */
static bool decodes(const char *more, const char *wanted)
{
    nas_data *data;
    log_text[0] = '\0';
    nas_test_ok(open_images(more, &data));
    assert_string_equal(part_text(data, false), wanted);
    nas_data_destroy(data);
    return logged("images decoded in");
}

static const char *cache_file(void)
{
    static char path[256];
    FILE *list = popen("ls images-cache/images/*.images", "r");
    assert_non_null(list);
    assert_non_null(fgets(path, sizeof path, list));
    path[strcspn(path, "\n")] = '\0';
    assert_null(fgets(path + 128, 128, list)); /* one only */
    pclose(list);
    return path;
}

static void files_are_decoded_once(void **state)
{
    static const char before[] = "10:0 11:0 20:1 21:1", after[] = "10:0 15:0 20:1 21:1";
    (void)state;
    add_class("a", 2, 10);
    add_class("b", 2, 20);
    assert_true(decodes("", before));
    cache_file();
    assert_false(decodes("", before));
    assert_false(decodes("test = 0; skip_unreadable = true;", before));
    struct stat about;
    assert_int_equal(stat(in_root("a/1.png"), &about), 0);
    add("a/1.png", 8, 8, 15);
    const struct timespec times[2] = {about.st_atim, about.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, in_root("a/1.png"), times, 0), 0);
    struct stat again;
    assert_int_equal(stat(in_root("a/1.png"), &again), 0);
    assert_int_equal(again.st_size,
                     about.st_size); /* same size and time: the change shows all the same */
    assert_true(decodes("", after));
    assert_true(logged("it has another key"));
    assert_false(decodes("", after));
    cache_file(); /* the old one was replaced */
    assert_true(decodes("size = 4;", after));
    assert_true(decodes("size = 4; filter = \"box\";", after));
    assert_true(decodes("size = 4; fit = \"pad\";", after));
    assert_true(decodes("size = 4; background = \"white\";", after));
    assert_false(decodes("size = [4, 4];", after));
    assert_false(decodes("", after));
    add("b/3.png", 8, 8, 23);
    assert_true(decodes("", "10:0 15:0 20:1 21:1 23:1"));
    assert_true(decodes("cache = \"none\";", "10:0 15:0 20:1 21:1 23:1"));
    assert_false(decodes("", "10:0 15:0 20:1 21:1 23:1"));
}

static void damaged_caches_are_made_anew(void **state)
{
    static const char wanted[] = "10:0 11:0 20:1 21:1";
    void *whole;
    size_t size;
    (void)state;
    add_class("a", 2, 10);
    add_class("b", 2, 20);
    assert_true(decodes("", wanted));
    const char *path = cache_file();
    nas_test_ok(nas_file_read(path, 1 << 20, &whole, &size));
    for (size_t at = 0; at < size; at += at < 90 ? 1 : 37) {
        uint8_t *byte = (uint8_t *)whole + at, kept = *byte;
        *byte ^= 1;
        nas_test_ok(nas_file_replace(path, whole, size));
        *byte = kept;
        assert_true(decodes("", wanted));
        assert_true(logged("is not used: it"));
        assert_false(decodes("", wanted));
    }
    static const size_t sizes[] = {0, 1, 55, 56, 57, 72, 80};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        nas_test_ok(nas_file_replace(path, whole, sizes[i]));
        assert_true(decodes("", wanted));
    }
    nas_test_ok(nas_file_replace(path, whole, size - 1));
    assert_true(decodes("", wanted));
    nas_test_ok(nas_file_replace(path, "", 0)); /* much longer than it may be */
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_true(decodes("", wanted));
    /* a right envelope around another number of samples */
    uint8_t *shape = (uint8_t *)whole + NAS_CACHE_HEADER;
    char magic[8], key[33] = "";
    memcpy(magic, whole, 8);
    memcpy(key, (char *)whole + 8, 32);
    shape[12] = 200;
    nas_test_ok(nas_cache_store(path, magic, key, whole, size - NAS_CACHE_HEADER));
    assert_true(decodes("", wanted));
    assert_true(logged("it holds other samples"));
    nas_test_ok(nas_cache_store(path, magic, key, whole, 10));
    assert_true(decodes("", wanted));
    free(whole);
}

static void caches_may_be_elsewhere_or_nowhere(void **state)
{
    static const char wanted[] = "10:0 11:0 20:1 21:1";
    nas_data *data;
    (void)state;
    add_class("a", 2, 10);
    add_class("b", 2, 20);
    assert_true(decodes("cache = \"images-cache/own\";", wanted));
    assert_false(decodes("cache = \"images-cache/own\";", wanted));
    add_text("file", "");
    char more[128];
    snprintf(more, sizeof more, "cache = \"%s\";", in_root("file"));
    nas_test_fails(open_images(more, &data), NAS_CONFIG, "data.cache: ");
    remove_tree("images-cache");
    nas_test_ok(nas_folder_make("images-cache/images", 0755)); /* others could write there */
    assert_int_equal(chmod("images-cache/images", 0777), 0);
    assert_true(decodes("", wanted));
    assert_true(decodes("", wanted));
    assert_true(logged("must be a folder of ours"));
}

/* ---- many ------------------------------------------------------------------------------------- */

static void many_images_keep_their_places(void **state)
{
    const char *wanted = getenv("CLNAS_IMAGES");
    const int count = wanted ? atoi(wanted) : 500;
    nas_data *data;
    (void)state;
    for (int i = 0; i < count; i++) { /* each pair of levels is a file's own, up to 65536 */
        uint8_t grey[4] = {(uint8_t)i, (uint8_t)(i / 256), (uint8_t)(i / 65536), 7};
        char name[64];
        snprintf(name, sizeof name, "class %d", i % 10);
        if (i < 10)
            make_test_folder(in_root(name));
        snprintf(name, sizeof name, "class %d/%07d.png", i % 10, i);
        write_grey_png(in_root(name), 2, 2, grey);
    }
    const double start = nas_now_s();
    nas_test_ok(open_images("", &data));
    const double decoded = nas_now_s();
    const nas_data_part *part = &nas_data_content_of(data)->train;
    assert_int_equal(part->count, count);
    for (int at = 0, k = 0; k < 10; k++)
        for (int i = k; i < count; i += 10, at++) {
            const uint8_t *sample = (const uint8_t *)part->samples + 4 * (size_t)at;
            assert_int_equal(sample[0] + 256 * sample[1] + 65536 * sample[2], i);
            assert_int_equal(part->labels[at], k);
        }
    nas_data_destroy(data);
    const double again = nas_now_s();
    nas_test_ok(open_images("", &data));
    printf("%d images: %.1f s, from the cache %.2f s\n", count, decoded - start,
           nas_now_s() - again);
    nas_data_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_are_decoded_once),
        IN_FOLDER(damaged_caches_are_made_anew),
        IN_FOLDER(caches_may_be_elsewhere_or_nowhere),
        IN_FOLDER(many_images_keep_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
