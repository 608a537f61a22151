/* npy.c - pairs of NumPy files: images and labels, for training and for test.
 *
 * Images are uint8 or float (float64 becomes float32), N×C×H×W, N×H×W (one channel) or N×F (F
 * features as channels); labels are uint8, int32 or int64, N.  A NaN or an infinity among the
 * samples would make every candidate fail and is refused here, by name.  The format itself is read
 * in host/tensor. */
#include "dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct npy_options {
    char path[NAS_TEXT_SIZE];
    char train_images[NAS_TEXT_SIZE], train_labels[NAS_TEXT_SIZE];
    char test_images[NAS_TEXT_SIZE], test_labels[NAS_TEXT_SIZE];
} npy_options;

static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, offsetof(npy_options, path), "\"\"", 0, 0, NULL,
     "folder of the four files"},
    {"train_images", NAS_OPTION_TEXT, offsetof(npy_options, train_images), "\"train_images.npy\"",
     0, 0, NULL, "training images, N×C×H×W, N×H×W or N×F, uint8 or float (in path, or absolute)"},
    {"train_labels", NAS_OPTION_TEXT, offsetof(npy_options, train_labels), "\"train_labels.npy\"",
     0, 0, NULL, "training labels, N whole numbers from 0"},
    {"test_images", NAS_OPTION_TEXT, offsetof(npy_options, test_images), "\"test_images.npy\"", 0,
     0, NULL, "test images; \"\": there are none"},
    {"test_labels", NAS_OPTION_TEXT, offsetof(npy_options, test_labels), "\"test_labels.npy\"", 0,
     0, NULL, "test labels"},
    {0},
};

static nas_status load(const char *folder, const char *name, char path[NAS_PATH_SIZE], nas_npy *npy)
{
    if (!nas__find_file(folder, name, path))
        NAS_FAIL(NAS_DATA, "%s: no such file; check data.path", path);
    nas_status status = nas_npy_read(path, npy);
    return status == NAS_OK || status == NAS_MEMORY ? status : NAS_DATA;
}

/* The shape of one sample by the array's dimensions. */
static nas_status shape_of(const char *path, const nas_npy *npy, nas_shape *shape)
{
    uint64_t d[3] = {1, 1, 1};
    if (npy->rank < 2 || npy->rank > 4)
        NAS_FAIL(NAS_DATA, "%s: %d dimensions; images are N×C×H×W, N×H×W or N×F", path, npy->rank);
    if (npy->rank == 3) {
        d[1] = npy->dims[1];
        d[2] = npy->dims[2];
    } else
        for (int i = 1; i < npy->rank; i++)
            d[i - 1] = npy->dims[i];
    for (int i = 0; i < 3; i++)
        if (d[i] == 0 || d[i] > (1 << 20))
            NAS_FAIL(NAS_DATA, "%s: a dimension of %" PRIu64, path, d[i]);
    if (npy->dims[0] == 0 || npy->dims[0] > INT32_MAX || d[0] * d[1] > (1u << 28) / d[2])
        NAS_FAIL(NAS_DATA,
                 "%s: %" PRIu64 " samples of %" PRIu64 "×%" PRIu64 "×%" PRIu64
                 " are none or too many",
                 path, npy->dims[0], d[0], d[1], d[2]);
    *shape = (nas_shape){(int)d[0], (int)d[1], (int)d[2]};
    return NAS_OK;
}

/* float64 to float32, in place: the results never overtake the values still to be read. */
static void narrow(nas_npy *npy, uint64_t count)
{
    char *bytes = npy->data;
    for (uint64_t i = 0; i < count; i++) {
        double wide;
        memcpy(&wide, bytes + 8 * i, 8);
        const float value = (float)wide;
        memcpy(bytes + 4 * i, &value, 4);
    }
    npy->type = NAS_NPY_FLOAT32;
}

static nas_status check_finite(const char *path, const float *values, uint64_t count, uint64_t each)
{
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            NAS_FAIL(NAS_DATA,
                     "%s: value %" PRIu64 " of sample %" PRIu64
                     " is not a finite number; clean the array",
                     path, i % each, i / each);
    return NAS_OK;
}

static nas_status take_images(const char *path, nas_npy *npy, nas_data_part *part, nas_shape *shape,
                              nas_sample_type *type)
{
    NAS_TRY(shape_of(path, npy, shape));
    uint64_t each = nas_shape_count(*shape), count = each * npy->dims[0];
    if (npy->type == NAS_NPY_FLOAT64)
        narrow(npy, count);
    if (npy->type != NAS_NPY_UINT8 && npy->type != NAS_NPY_FLOAT32)
        NAS_FAIL(NAS_DATA, "%s: images must be uint8 or float; save them as numpy.float32", path);
    *type = npy->type == NAS_NPY_UINT8 ? NAS_SAMPLE_UINT8 : NAS_SAMPLE_FLOAT32;
    if (*type == NAS_SAMPLE_FLOAT32)
        NAS_TRY(check_finite(path, npy->data, count, each));
    part->count = (uint32_t)npy->dims[0];
    part->samples = npy->data;
    npy->data = NULL;
    return NAS_OK;
}

/* Element i of an integer array; *fits: it is one, and small. */
static int32_t label_at(const nas_npy *npy, uint64_t i, bool *fits)
{
    int64_t value = -1;
    if (npy->type == NAS_NPY_UINT8)
        value = ((const uint8_t *)npy->data)[i];
    else if (npy->type == NAS_NPY_INT32)
        value = ((const int32_t *)npy->data)[i];
    else if (npy->type == NAS_NPY_INT64)
        value = ((const int64_t *)npy->data)[i];
    *fits = value >= 0 && value < (1 << 20);
    return (int32_t)value;
}

static nas_status take_labels(const char *path, const nas_npy *npy, nas_data_part *part,
                              int *classes)
{
    if (npy->type == NAS_NPY_FLOAT32 || npy->type == NAS_NPY_FLOAT64)
        NAS_FAIL(NAS_DATA, "%s: labels must be whole numbers; save them as numpy.int64", path);
    if (npy->rank != 1 || npy->dims[0] != part->count)
        NAS_FAIL(NAS_DATA,
                 "%s: %d dimensions with %" PRIu64 " labels for %" PRIu32
                 " images; the two files do not belong together",
                 path, npy->rank, npy->rank ? npy->dims[0] : 0, part->count);
    part->labels = malloc((size_t)part->count * sizeof *part->labels);
    if (!part->labels)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for the labels", path);
    for (uint32_t i = 0; i < part->count; i++) {
        bool fits;
        part->labels[i] = label_at(npy, i, &fits);
        if (!fits)
            NAS_FAIL(NAS_DATA,
                     "%s: label of item %" PRIu32 " is negative or huge; number the classes "
                     "from 0",
                     path, i);
    }
    if (*classes == 0)
        *classes = nas__labels_classes(part->labels, part->count);
    return nas__labels_check(path, 0, 0, part->labels, part->count, *classes);
}

static nas_status read_part(const char *folder, const char *images, const char *labels,
                            nas_data_part *part, nas_shape *shape, nas_sample_type *type,
                            int *classes)
{
    char path[NAS_PATH_SIZE];
    nas_npy npy = {0};
    nas_status status;
    NAS_TRY_DONE(load(folder, images, path, &npy));
    NAS_TRY_DONE(take_images(path, &npy, part, shape, type));
    nas_npy_clear(&npy);
    NAS_TRY_DONE(load(folder, labels, path, &npy));
    NAS_TRY_DONE(take_labels(path, &npy, part, classes));
done:
    nas_npy_clear(&npy);
    return status;
}

static nas_status open_npy(const void *instance, nas_task task, nas_data_content *content)
{
    const npy_options *npy = instance;
    (void)task;
    nas_shape test;
    nas_sample_type type;
    NAS_TRY(read_part(npy->path, npy->train_images, npy->train_labels, &content->train,
                      &content->shape, &content->type, &content->outputs));
    if (!npy->test_images[0])
        return NAS_OK;
    NAS_TRY(read_part(npy->path, npy->test_images, npy->test_labels, &content->test, &test, &type,
                      &content->outputs));
    if (memcmp(&test, &content->shape, sizeof test) != 0 || type != content->type)
        NAS_FAIL(NAS_DATA,
                 "%s: training and test images differ in shape or type; the files do not belong "
                 "together",
                 npy->test_images);
    return NAS_OK;
}

const nas_dataset nas__dataset_npy = {
    .kind = {.name = "npy",
             .summary = "pairs of NumPy arrays, images (uint8 or float) and labels",
             .instance_size = sizeof(npy_options),
             .options = options},
    .open = open_npy,
};
