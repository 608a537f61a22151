/* data_files.h - data sets in a folder of the test's own, and in NPY files there. */
#ifndef DATA_FILES_H
#define DATA_FILES_H

#include "nas_test.h"

#include <clnas/data.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512];

static inline const char *path_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void remove_file(const char *name)
{
    unlink(path_of(name));
}

static inline nas_status fill_config(nas_data_config *config, const char *text)
{
    nas_value group = {0};
    nas_test_ok(nas_value_parse(text, "test.cfg", 7, &group));
    nas_status status = nas_data_config_fill(&group, config);
    nas_value_clear(&group);
    return status;
}

/* Opens { TEXT } with FOLDER replaced where %s stands. */
static inline nas_status open_data(const char *format, nas_data **data)
{
    static nas_data_config config;
    char text[2048];
    snprintf(text, sizeof text, format, folder);
    nas_test_ok(fill_config(&config, text));
    return nas_data_open(&config, 3, data);
}

static const char *const npy_names[] = {"train_images.npy", "train_labels.npy", "test_images.npy",
                                        "test_labels.npy"};

static inline void write_npy(const char *name, nas_npy_type type, int rank, const uint64_t *dims,
                             const void *data)
{
    nas_test_ok(nas_npy_write(path_of(name), type, rank, dims, data));
}

static inline void write_npy_set(nas_npy_type type, const void *images)
{
    static const int64_t labels[] = {0, 1, 2, 0, 1, 2};
    write_npy(npy_names[0], type, 4, (uint64_t[]){6, 2, 3, 2}, images);
    write_npy(npy_names[1], NAS_NPY_INT64, 1, (uint64_t[]){6}, labels);
    write_npy(npy_names[2], type, 4, (uint64_t[]){3, 2, 3, 2}, images);
    write_npy(npy_names[3], NAS_NPY_INT64, 1, (uint64_t[]){3}, labels);
}

static inline int open_device(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/clnas_test_data_%ld", (long)getpid());
    if (nas_folder_make(folder, 0700) != NAS_OK)
        return -1;
    return nas_device_open("any", NULL, (nas_device **)state) == NAS_OK ? 0 : -1;
}

static inline int close_device(void **state)
{
    nas_device_destroy(*state);
    rmdir(folder);
    return 0;
}

static inline void assert_shape(const nas_data *data, int c, int h, int w)
{
    const nas_shape shape = nas_data_shape(data);
    assert_int_equal(shape.c, c);
    assert_int_equal(shape.h, h);
    assert_int_equal(shape.w, w);
}

#endif
