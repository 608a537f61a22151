/* cifar.c - the binary version of CIFAR-10 and CIFAR-100, plain or gzip.
 *
 * Layout: records without any header.  CIFAR-10: one label byte and 3 x 32 x 32 bytes (red, green,
 * blue planes, row-major).  CIFAR-100: a coarse label (of 20), a fine label (of 100) and the same
 * image.  Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009. */
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct cifar_options {
    char path[NAS_TEXT_SIZE];
    nas_text_list train, test;
    int layout, labels;
} cifar_options;

enum { LAYOUT_AUTO, LAYOUT_CIFAR10, LAYOUT_CIFAR100 };
enum { LABELS_FINE, LABELS_COARSE };
enum { IMAGE_BYTES = 3 * 32 * 32, RECORDS_AT_ONCE = 512 };

static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, offsetof(cifar_options, path), "\"\"", 0, 0, NULL,
     "folder with data_batch_1.bin … data_batch_5.bin and test_batch.bin (CIFAR-10) or train.bin "
     "and "
     "test.bin (CIFAR-100), plain or .gz"},
    {"train", NAS_OPTION_TEXT_LIST, offsetof(cifar_options, train), "[]", 0, 0, NULL,
     "training files, where they are named otherwise (in path, or absolute)"},
    {"test", NAS_OPTION_TEXT_LIST, offsetof(cifar_options, test), "[]", 0, 0, NULL,
     "test files, where they are named otherwise"},
    {"layout", NAS_OPTION_CHOICE, offsetof(cifar_options, layout), "\"auto\"", 0, 0,
     "auto|cifar10|cifar100", "one or two label bytes per record; auto: by the files' names"},
    {"labels", NAS_OPTION_CHOICE, offsetof(cifar_options, labels), "\"fine\"", 0, 0, "fine|coarse",
     "which label of CIFAR-100: fine (100 classes) or coarse (20)"},
    {0},
};

/* How records are read: where the label stands and how many classes it has. */
typedef struct reading {
    int label_bytes, label_at, classes;
} reading;

static reading reading_of(const cifar_options *cifar, bool cifar100)
{
    if (!cifar100)
        return (reading){1, 0, 10};
    return cifar->labels == LABELS_FINE ? (reading){2, 1, 100} : (reading){2, 0, 20};
}

/* Makes room for `more` records in both arrays. */
static nas_status grow(nas_data_part *part, uint64_t *room, uint32_t more, const char *path)
{
    uint64_t wanted = (uint64_t)part->count + more;
    if (wanted > INT32_MAX)
        NAS_FAIL(NAS_DATA, "%s: over %d records", path, INT32_MAX);
    if (wanted <= *room)
        return NAS_OK;
    uint64_t next = 2 * *room > wanted ? 2 * *room : wanted;
    void *samples = realloc(part->samples, (size_t)next * IMAGE_BYTES);
    if (samples)
        part->samples = samples;
    int32_t *labels = realloc(part->labels, (size_t)next * sizeof *labels);
    if (labels)
        part->labels = labels;
    if (!samples || !labels)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %" PRIu64 " records", path, next);
    *room = next;
    return NAS_OK;
}

static void add_records(const unsigned char *bytes, size_t count, const reading *how,
                        nas_data_part *part)
{
    size_t each = (size_t)how->label_bytes + IMAGE_BYTES;
    for (size_t i = 0; i < count; i++, part->count++) {
        part->labels[part->count] = bytes[i * each + (size_t)how->label_at];
        memcpy((char *)part->samples + (size_t)part->count * IMAGE_BYTES,
               bytes + i * each + how->label_bytes, IMAGE_BYTES);
    }
}

/* All records of one file, some hundred at a time. */
static nas_status read_records(nas__source *source, const reading *how, unsigned char *block,
                               nas_data_part *part, uint64_t *room)
{
    size_t each = (size_t)how->label_bytes + IMAGE_BYTES, got = 0;
    uint32_t first = part->count;
    do {
        NAS_TRY(nas__source_some(source, block, each * RECORDS_AT_ONCE, &got));
        if (got % each != 0)
            NAS_FAIL(NAS_DATA,
                     "%s: ends at offset %" PRIu64
                     " inside a record of %zu bytes; it is cut short or "
                     "of another layout (data.layout)",
                     source->path, source->offset, each);
        NAS_TRY(grow(part, room, (uint32_t)(got / each), source->path));
        add_records(block, got / each, how, part);
    } while (got == each * RECORDS_AT_ONCE);
    if (part->count == first)
        NAS_FAIL(NAS_DATA, "%s: has no records; copy or download the file again", source->path);
    NAS_TRY(nas__labels_check(source->path, (uint64_t)how->label_at, each, part->labels + first,
                              part->count - first, how->classes));
    return nas__source_end(source);
}

static nas_status read_file(const char *folder, const char *name, const reading *how,
                            nas_data_part *part, uint64_t *room)
{
    char path[NAS_PATH_SIZE];
    nas__source source = {0};
    if (!nas__find_file(folder, name, path))
        NAS_FAIL(NAS_DATA, "%s (or .gz): no such file; check data.path", path);
    NAS_TRY(nas__source_open(path, &source));
    unsigned char *block = malloc(((size_t)how->label_bytes + IMAGE_BYTES) * RECORDS_AT_ONCE);
    nas_status status = block ? read_records(&source, how, block, part, room)
                              : nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory to read");
    free(block);
    nas__source_close(&source);
    return status;
}

static void name_files(nas_text_list *list, const char *const *names)
{
    for (list->count = 0; names[list->count]; list->count++)
        snprintf(list->item[list->count], NAS_TEXT_SIZE, "%s", names[list->count]);
}

/* Fills in the usual names and says whether the records have two labels. */
static nas_status settle(cifar_options *cifar, bool *cifar100)
{
    static const char *const train10[] = {"data_batch_1.bin", "data_batch_2.bin",
                                          "data_batch_3.bin", "data_batch_4.bin",
                                          "data_batch_5.bin", NULL};
    static const char *const test10[] = {"test_batch.bin", NULL};
    static const char *const train100[] = {"train.bin", NULL}, *const test100[] = {"test.bin",
                                                                                   NULL};
    char path[NAS_PATH_SIZE];
    bool named = cifar->train.count > 0;
    if (cifar->layout == LAYOUT_AUTO)
        *cifar100 = !named && !nas__find_file(cifar->path, train10[0], path) &&
                    nas__find_file(cifar->path, train100[0], path);
    else
        *cifar100 = cifar->layout == LAYOUT_CIFAR100;
    if (!named && !cifar->path[0])
        NAS_FAIL(NAS_DATA,
                 "data set cifar: give data.path, the folder, or data.train and data.test");
    if (!named)
        name_files(&cifar->train, *cifar100 ? train100 : train10);
    if (!named && cifar->test.count == 0)
        name_files(&cifar->test, *cifar100 ? test100 : test10);
    return NAS_OK;
}

static nas_status read_part(const char *folder, const nas_text_list *files, const reading *how,
                            nas_data_part *part)
{
    uint64_t room = 0;
    for (int i = 0; i < files->count; i++)
        NAS_TRY(read_file(folder, files->item[i], how, part, &room));
    return NAS_OK;
}

static nas_status open_cifar(const void *instance, nas_task task, nas_data_content *content)
{
    (void)task;
    bool cifar100;
    cifar_options *cifar = malloc(sizeof *cifar);
    if (!cifar)
        NAS_FAIL(NAS_MEMORY, "no memory for the options of cifar");
    memcpy(cifar, instance, sizeof *cifar);
    nas_status status = settle(cifar, &cifar100);
    const reading how = reading_of(cifar, cifar100);
    content->shape = (nas_shape){3, 32, 32};
    content->type = NAS_SAMPLE_UINT8;
    content->outputs = how.classes;
    if (status == NAS_OK)
        status = read_part(cifar->path, &cifar->train, &how, &content->train);
    if (status == NAS_OK)
        status = read_part(cifar->path, &cifar->test, &how, &content->test);
    if (status == NAS_OK)
        nas__output_names_read(cifar->path,
                               !cifar100                        ? "batches.meta.txt"
                               : cifar->labels == LABELS_COARSE ? "coarse_label_names.txt"
                                                                : "fine_label_names.txt",
                               content);
    free(cifar);
    return status;
}

const nas_dataset nas__dataset_cifar = {
    .kind = {.name = "cifar",
             .summary = "CIFAR-10 and CIFAR-100, binary version, plain or gzip",
             .paper = "Krizhevsky 2009",
             .instance_size = sizeof(cifar_options),
             .options = options},
    .open = open_cifar,
};
