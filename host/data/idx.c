/* idx.c - the format of MNIST and its relatives (Fashion-MNIST, KMNIST, EMNIST).
 *
 * Layout: a big-endian magic 0x00 0x00 TYPE RANK, RANK big-endian 32-bit sizes, then the elements.
 * Images have TYPE 8 (unsigned byte) and RANK 3 (items, rows, columns) or 4 (items, channels, rows,
 * columns); labels TYPE 8 and RANK 1.  Source: LeCun, Cortes, Burges, "The MNIST database".  Debian
 * has Fashion-MNIST (arXiv 1708.07747) as the package dataset-fashion-mnist. */
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct idx_options {
    char path[NAS_TEXT_SIZE];
} idx_options;

static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, offsetof(idx_options, path), NULL, 0, 0, NULL,
     "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
     "t10k-labels-idx1-ubyte, plain or .gz"},
    {0},
};

enum { TYPE_UBYTE = 8, MOST_RANK = 4, SIDE_LIMIT = 65536 };

/* "train-images-idx3-ubyte" or, as some archives unpack it, "train-images.idx3-ubyte". */
static nas_status find(const char *folder, const char *part, const char *what, int rank,
                       char path[NAS_PATH_SIZE])
{
    char name[64];
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s-%s%cidx%d-ubyte", part, what, i ? '.' : '-', rank);
        if (nas__find_file(folder, name, path))
            return NAS_OK;
    }
    NAS_FAIL(
        NAS_DATA,
        "%s/%s-%s-idx%d-ubyte (or .gz): no such file; check data.path (on Debian, Fashion-MNIST "
        "is the package dataset-fashion-mnist)",
        folder, part, what, rank);
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Magic and sizes; rank is in 1 … MOST_RANK afterwards. */
static nas_status read_header(nas__source *source, int *rank, uint32_t sizes[MOST_RANK])
{
    unsigned char bytes[4];
    NAS_TRY(nas__source_read(source, bytes, 4, "the header"));
    if (bytes[0] != 0 || bytes[1] != 0)
        NAS_FAIL(NAS_DATA,
                 "%s: starts with %02x %02x at offset 0 and is no IDX file; check data.path",
                 source->path, bytes[0], bytes[1]);
    if (bytes[2] != TYPE_UBYTE)
        NAS_FAIL(NAS_DATA,
                 "%s: element type 0x%02x at offset 2; only 0x08, unsigned bytes, is read",
                 source->path, bytes[2]);
    if (bytes[3] < 1 || bytes[3] > MOST_RANK)
        NAS_FAIL(NAS_DATA, "%s: %d dimensions at offset 3; images have 3 or 4, labels 1",
                 source->path, bytes[3]);
    *rank = bytes[3];
    for (int i = 0; i < *rank; i++) {
        NAS_TRY(nas__source_read(source, bytes, 4, "the header"));
        sizes[i] = big_endian(bytes);
        if (sizes[i] == 0 || (i > 0 && sizes[i] > SIDE_LIMIT))
            NAS_FAIL(NAS_DATA,
                     "%s: dimension %d is %" PRIu32 " at offset %d; the header is damaged",
                     source->path, i, sizes[i], 4 + 4 * i);
    }
    return NAS_OK;
}

static nas_status images_of(nas__source *source, nas_data_part *part, nas_shape *shape)
{
    int rank;
    uint32_t sizes[MOST_RANK];
    NAS_TRY(read_header(source, &rank, sizes));
    if (rank < 3)
        NAS_FAIL(NAS_DATA, "%s: %d dimensions at offset 3; images have 3 or 4", source->path, rank);
    *shape = (nas_shape){rank == 4 ? (int)sizes[1] : 1, (int)sizes[rank - 2], (int)sizes[rank - 1]};
    uint64_t each = nas_shape_count(*shape);
    if (each > (1u << 28) || sizes[0] > UINT64_MAX / each)
        NAS_FAIL(NAS_DATA, "%s: images of %" PRIu64 " bytes each by its header at offset 4",
                 source->path, each);
    NAS_TRY(nas__source_take(source, each * sizes[0], "the images", &part->samples));
    part->count = sizes[0];
    return nas__source_end(source);
}

/* `classes` 0: whatever the labels say, which is then stored there. */
static nas_status labels_of(nas__source *source, nas_data_part *part, int *classes)
{
    int rank;
    uint32_t sizes[MOST_RANK];
    void *bytes;
    NAS_TRY(read_header(source, &rank, sizes));
    if (rank != 1)
        NAS_FAIL(NAS_DATA, "%s: %d dimensions at offset 3; labels have 1", source->path, rank);
    if (sizes[0] != part->count)
        NAS_FAIL(NAS_DATA,
                 "%s: %" PRIu32 " labels by its header at offset 4 for %" PRIu32
                 " images; the two files do not belong together",
                 source->path, sizes[0], part->count);
    NAS_TRY(nas__source_take(source, sizes[0], "the labels", &bytes));
    part->labels = malloc((size_t)part->count * sizeof *part->labels);
    for (uint32_t i = 0; part->labels && i < part->count; i++)
        part->labels[i] = ((unsigned char *)bytes)[i];
    free(bytes);
    if (!part->labels)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for the labels", source->path);
    if (*classes == 0)
        *classes = nas__labels_classes(part->labels, part->count);
    NAS_TRY(nas__labels_check(source->path, 8, 1, part->labels, part->count, *classes));
    return nas__source_end(source);
}

static nas_status read_part(const char *folder, const char *name, nas_data_part *part,
                            nas_shape *shape, int *classes)
{
    char path[NAS_PATH_SIZE];
    nas__source source = {0};
    nas_status status;
    NAS_TRY(find(folder, name, "images", 3, path));
    NAS_TRY(nas__source_open(path, &source));
    status = images_of(&source, part, shape);
    nas__source_close(&source);
    NAS_TRY(status);
    NAS_TRY(find(folder, name, "labels", 1, path));
    NAS_TRY(nas__source_open(path, &source));
    status = labels_of(&source, part, classes);
    nas__source_close(&source);
    return status;
}

static nas_status open_idx(const void *instance, nas_task task, nas_data_content *content)
{
    (void)task;
    const idx_options *idx = instance;
    nas_shape test;
    content->type = NAS_SAMPLE_UINT8;
    NAS_TRY(read_part(idx->path, "train", &content->train, &content->shape, &content->outputs));
    NAS_TRY(read_part(idx->path, "t10k", &content->test, &test, &content->outputs));
    if (memcmp(&test, &content->shape, sizeof test) != 0)
        NAS_FAIL(NAS_DATA,
                 "%s: training images are %dx%dx%d and test images %dx%dx%d; the files do not "
                 "belong together",
                 idx->path, content->shape.c, content->shape.h, content->shape.w, test.c, test.h,
                 test.w);
    nas__output_names_read(idx->path, "classes.txt", content);
    return NAS_OK;
}

const nas_dataset nas__dataset_idx = {
    .kind = {.name = "idx",
             .summary = "IDX files as MNIST and Fashion-MNIST have them, plain or gzip",
             .paper = "arXiv 1708.07747",
             .instance_size = sizeof(idx_options),
             .options = options},
    .open = open_idx,
};
