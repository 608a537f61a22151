/* image_folder.h - a folder of images for each test, and the data set that it is.
 *
 * Images are grey and flat, each with a level of its own, so that a sample tells which file it is. */
#ifndef IMAGE_FOLDER_H
#define IMAGE_FOLDER_H

#include "image_files.h"

static char root[64], log_text[8192];

static inline void on_log(void *user, nas_log_level level, const char *message)
{
    const size_t used = strlen(log_text);
    (void)user;
    (void)level;
    snprintf(log_text + used, sizeof log_text - used, "%s\n", message);
}

static inline bool logged(const char *part)
{
    return strstr(log_text, part) != NULL;
}

/* An empty folder for each test, whose caches are its own. */
static inline int set_up(void **state)
{
    static int count;
    (void)state;
    snprintf(root, sizeof root, "images-%d", count++);
    remove_tree(root);
    make_test_folder(root);
    setenv("CLNAS_CACHE", "images-cache", 1);
    remove_tree("images-cache");
    log_text[0] = '\0';
    nas_log_set(on_log, NULL, NAS_LOG_INFO);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    nas_log_set(NULL, NULL, NAS_LOG_INFO);
    remove_tree(root);
    remove_tree("images-cache");
    return 0;
}

static inline const char *in_root(const char *name)
{
    static char path[4][1024];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", root, name);
    return path[next];
}

static inline void add(const char *name, int h, int w, uint8_t level)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", in_root(name));
    *strrchr(folder, '/') = '\0';
    make_test_folder(folder);
    write_flat_png(in_root(name), h, w, level);
}

static inline void add_text(const char *name, const char *text)
{
    nas_test_ok(nas_file_replace(in_root(name), text, strlen(text)));
}

/* CLASS/0.png …, levels from `first`. */
static inline void add_class(const char *name, int count, int first)
{
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%d.png", name, i);
        add(path, 8, 8, (uint8_t)(first + i));
    }
}

static inline nas_status open_seeded(const char *more, uint64_t seed, nas_data **data)
{
    nas_value group = {0};
    char text[1024];
    snprintf(text, sizeof text,
             "{ type = \"images\"; path = \"%s\"; channels = 1; valid = 1; test = 0; %s }", root,
             more);
    /* what is said twice counts as said last */
    if (strstr(more, "test ="))
        memmove(strstr(text, "test = 0;"), strstr(text, "test = 0;") + 9,
                strlen(strstr(text, "test = 0;") + 9) + 1);
    if (strstr(more, "valid ="))
        memmove(strstr(text, "valid = 1;"), strstr(text, "valid = 1;") + 10,
                strlen(strstr(text, "valid = 1;") + 10) + 1);
    nas_test_ok(nas_value_parse(text, "test", 1, &group));
    const nas_status status = nas_data_open_group(&group, seed, data);
    nas_value_clear(&group);
    return status;
}

static inline nas_status open_images(const char *more, nas_data **data)
{
    return open_seeded(more, 1, data);
}

static inline void expect_refused(const char *more, const char *message)
{
    nas_data *data = NULL;
    nas_test_fails(open_images(more, &data), NAS_DATA, message);
}

static inline int level_of(const nas_data_part *part, uint32_t i, size_t bytes)
{
    return ((const uint8_t *)part->samples)[i * bytes];
}

/* Levels and labels of a part, in its order: "20:0 21:0 40:1". */
static inline const char *part_text(const nas_data *data, bool test)
{
    static char text[4096];
    const nas_data_content *content = nas_data_content_of(data);
    const nas_data_part *part = test ? &content->test : &content->train;
    const size_t bytes = nas_shape_count(content->shape);
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < part->count && used < sizeof text - 32; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d:%d", i ? " " : "",
                                 level_of(part, i, bytes), part->labels[i]);
    return text;
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
