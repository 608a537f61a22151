/* npy.c - NumPy files: samples and what belongs to them, for training and for test.
 *
 * Samples are uint8 or float (float64 becomes float32).  Their dimensions are N×C×H×W, or N×H×W (one channel), or N×F (a table: F
 * features are channels of one pixel each).  Read as sequences they are N×C×L, or N×L (one channel): images of one row.
 *
 * What belongs to them lies in the labels file.  One class of each: uint8, int32 or int64, N, from 0.  Several labels of each: N×K, 0 or 1.
 * Numbers: N or N×K.  A NaN or an infinity among samples or numbers would make every candidate fail and is refused here, by name.  Groups,
 * N whole numbers, keep samples on one side of every split (split_groups.c).  The format itself is read in host/tensor. */
#include "dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES, SEQUENCES };
enum { OUTPUTS_MOST = 1 << 16, SIDE_MOST = 1 << 20, VALUES_MOST = 1 << 28 };

/* The files of one part. */
typedef struct part_files {
    char images[NAS_TEXT_SIZE], labels[NAS_TEXT_SIZE], groups[NAS_TEXT_SIZE];
} part_files;

typedef struct npy_options {
    char path[NAS_TEXT_SIZE];
    part_files train, test;
    int layout;
    nas__holdout holdout;
} npy_options;

#define AT(field) offsetof(npy_options, field)
static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, AT(path), "\"\"", 0, 0, NULL, "folder of the files"},
    {"train_images", NAS_OPTION_TEXT, AT(train.images), "\"train_images.npy\"", 0, 0, NULL,
     "training samples, uint8 or float, dimensions as `layout` says (in path, or absolute)"},
    {"train_labels", NAS_OPTION_TEXT, AT(train.labels), "\"train_labels.npy\"", 0, 0, NULL,
     "what belongs to them: N classes from 0; multilabel: N×K of 0 and 1; regress: N or N×K "
     "numbers"},
    {"test_images", NAS_OPTION_TEXT, AT(test.images), "\"test_images.npy\"", 0, 0, NULL,
     "test samples; \"\": there are none, or `test` says"},
    {"test_labels", NAS_OPTION_TEXT, AT(test.labels), "\"test_labels.npy\"", 0, 0, NULL,
     "what belongs to the test samples"},
    {"layout", NAS_OPTION_CHOICE, AT(layout), "\"images\"", 0, 0, "images|sequences",
     "images: N×C×H×W, N×H×W or N×F (a table of F features); sequences: N×C×L or N×L"},
    {"train_groups", NAS_OPTION_TEXT, AT(train.groups), "\"\"", 0, 0, NULL,
     "group of each training sample, N whole numbers: a group stays on one side of every split; "
     "\"\": none"},
    {"test_groups", NAS_OPTION_TEXT, AT(test.groups), "\"\"", 0, 0, NULL,
     "the same of test samples"},
    NAS__HOLDOUT_OPTIONS(AT(holdout)),
    {0},
};
#undef AT

/* What reading one part needs to know, and the file it is at. */
typedef struct reading {
    const npy_options *options;
    nas_task task;
    nas_data_content *content;
    nas_data_part *part;
    char path[NAS_PATH_SIZE];
    nas_npy npy;
} reading;

static nas_status load(reading *r, const char *name)
{
    nas_npy_clear(&r->npy);
    if (!nas__find_file(r->options->path, name, r->path))
        NAS_FAIL(NAS_DATA, "%s: no such file; check data.path", r->path);
    const nas_status status = nas_npy_read(r->path, &r->npy);
    return status == NAS_OK || status == NAS_MEMORY ? status : NAS_DATA;
}

/* ---- samples ----------------------------------------------------------------------------------- */

/* The array's dimensions as C, H, W. */
static nas_status dimensions_of(const reading *r, uint64_t d[3])
{
    const nas_npy *npy = &r->npy;
    const bool sequences = r->options->layout == SEQUENCES;
    if (npy->rank < 2 || npy->rank > (sequences ? 3 : 4))
        NAS_FAIL(NAS_DATA, "%s: %d dimensions; %s", r->path, npy->rank,
                 sequences ? "sequences are N×C×L or N×L" : "images are N×C×H×W, N×H×W or N×F");
    d[0] = d[1] = d[2] = 1;
    if (sequences) {
        d[2] = npy->dims[npy->rank - 1];
        d[0] = npy->rank == 3 ? npy->dims[1] : 1;
    } else if (npy->rank == 3) {
        d[1] = npy->dims[1];
        d[2] = npy->dims[2];
    } else
        for (int i = 1; i < npy->rank; i++)
            d[i - 1] = npy->dims[i];
    return NAS_OK;
}

static nas_status shape_of(const reading *r, nas_shape *shape)
{
    uint64_t d[3];
    NAS_TRY(dimensions_of(r, d));
    for (int i = 0; i < 3; i++)
        if (d[i] == 0 || d[i] > SIDE_MOST)
            NAS_FAIL(NAS_DATA, "%s: a dimension of %" PRIu64, r->path, d[i]);
    if (r->npy.dims[0] == 0 || r->npy.dims[0] > INT32_MAX || d[0] * d[1] > VALUES_MOST / d[2])
        NAS_FAIL(NAS_DATA,
                 "%s: %" PRIu64 " samples of %" PRIu64 "×%" PRIu64 "×%" PRIu64
                 " are none or too many",
                 r->path, r->npy.dims[0], d[0], d[1], d[2]);
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

/* The second part must be like the first. */
static nas_status agree(const reading *r, nas_shape shape, nas_sample_type type)
{
    nas_data_content *content = r->content;
    const bool first = r->part == &content->train;
    if (!first && (memcmp(&shape, &content->shape, sizeof shape) != 0 || type != content->type))
        NAS_FAIL(NAS_DATA,
                 "%s: training and test images differ in shape or type; the files do not belong "
                 "together",
                 r->path);
    content->shape = shape;
    content->type = type;
    return NAS_OK;
}

static nas_status take_images(reading *r)
{
    nas_shape shape;
    nas_npy *npy = &r->npy;
    NAS_TRY(shape_of(r, &shape));
    const uint64_t each = nas_shape_count(shape), count = each * npy->dims[0];
    if (npy->type == NAS_NPY_FLOAT64)
        narrow(npy, count);
    if (npy->type != NAS_NPY_UINT8 && npy->type != NAS_NPY_FLOAT32)
        NAS_FAIL(NAS_DATA, "%s: images must be uint8 or float; save them as numpy.float32",
                 r->path);
    const bool bytes = npy->type == NAS_NPY_UINT8;
    NAS_TRY(agree(r, shape, bytes ? NAS_SAMPLE_UINT8 : NAS_SAMPLE_FLOAT32));
    if (!bytes)
        NAS_TRY(check_finite(r->path, npy->data, count, each));
    r->part->count = (uint32_t)npy->dims[0];
    r->part->samples = npy->data;
    npy->data = NULL;
    return NAS_OK;
}

/* ---- classes, labels, numbers, groups ------------------------------------------------------------ */

/* Element i of an integer array; −1: it is none. */
static int64_t integer_at(const nas_npy *npy, uint64_t i)
{
    if (npy->type == NAS_NPY_UINT8)
        return ((const uint8_t *)npy->data)[i];
    if (npy->type == NAS_NPY_INT32)
        return ((const int32_t *)npy->data)[i];
    return npy->type == NAS_NPY_INT64 ? ((const int64_t *)npy->data)[i] : -1;
}

static double number_at(const nas_npy *npy, uint64_t i)
{
    if (npy->type == NAS_NPY_FLOAT32)
        return (double)((const float *)npy->data)[i];
    if (npy->type == NAS_NPY_FLOAT64)
        return ((const double *)npy->data)[i];
    return (double)integer_at(npy, i);
}

static bool has_integers(const nas_npy *npy)
{
    return npy->type != NAS_NPY_FLOAT32 && npy->type != NAS_NPY_FLOAT64;
}

/* One for each sample, in one column, or in several where `ranks` is 2. */
static nas_status check_count(const reading *r, int ranks, const char *what)
{
    const nas_npy *npy = &r->npy;
    if (npy->rank < 1 || npy->rank > ranks || npy->dims[0] != r->part->count)
        NAS_FAIL(NAS_DATA,
                 "%s: %d dimensions with %" PRIu64 " %s for %" PRIu32
                 " images; the two files do not belong together",
                 r->path, npy->rank, npy->rank ? npy->dims[0] : 0, what, r->part->count);
    return NAS_OK;
}

static nas_status take_labels(reading *r)
{
    nas_data_part *part = r->part;
    if (!has_integers(&r->npy))
        NAS_FAIL(NAS_DATA, "%s: labels must be whole numbers; save them as numpy.int64", r->path);
    NAS_TRY(check_count(r, 1, "labels"));
    part->labels = malloc((size_t)part->count * sizeof *part->labels);
    if (!part->labels)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for the labels", r->path);
    for (uint32_t i = 0; i < part->count; i++) {
        const int64_t label = integer_at(&r->npy, i);
        if (label < 0 || label >= SIDE_MOST)
            NAS_FAIL(NAS_DATA,
                     "%s: label of item %" PRIu32 " is negative or huge; number the classes "
                     "from 0",
                     r->path, i);
        part->labels[i] = (int32_t)label;
    }
    if (r->content->outputs == 0)
        r->content->outputs = nas__labels_classes(part->labels, part->count);
    return nas__targets_check_part(r->path, r->task, part, r->content->outputs);
}

static nas_status take_targets(reading *r)
{
    nas_data_part *part = r->part;
    NAS_TRY(check_count(r, 2, "rows of targets"));
    const uint64_t outputs = r->npy.rank == 2 ? r->npy.dims[1] : 1;
    if (outputs == 0 || outputs > OUTPUTS_MOST)
        NAS_FAIL(NAS_DATA, "%s: %" PRIu64 " targets of a sample; 1 … %d can be learned", r->path,
                 outputs, OUTPUTS_MOST);
    if (r->content->outputs && (uint64_t)r->content->outputs != outputs)
        NAS_FAIL(NAS_DATA,
                 "%s: %" PRIu64 " targets of a sample, and %d in training; the files do not belong "
                 "together",
                 r->path, outputs, r->content->outputs);
    const uint64_t count = part->count * outputs;
    part->targets = malloc((size_t)count * sizeof *part->targets);
    if (!part->targets)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for the targets", r->path);
    for (uint64_t i = 0; i < count; i++)
        part->targets[i] = (float)number_at(&r->npy, i);
    r->content->outputs = (int)outputs;
    return nas__targets_check_part(r->path, r->task, part, r->content->outputs);
}

static nas_status take_groups(reading *r)
{
    nas_data_part *part = r->part;
    if (!has_integers(&r->npy))
        NAS_FAIL(NAS_DATA, "%s: groups must be whole numbers; save them as numpy.int64", r->path);
    NAS_TRY(check_count(r, 1, "groups"));
    part->groups = malloc((size_t)part->count * sizeof *part->groups);
    if (!part->groups)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for the groups", r->path);
    for (uint32_t i = 0; i < part->count; i++) {
        const int64_t group = integer_at(&r->npy, i);
        if (group < 0 || group > UINT32_MAX)
            NAS_FAIL(NAS_DATA,
                     "%s: group of item %" PRIu32 " is negative or huge; number the groups from 0",
                     r->path, i);
        part->groups[i] = (uint32_t)group;
    }
    return NAS_OK;
}

/* ---- opening --------------------------------------------------------------------------------------- */

static nas_status read_part(reading *r, const part_files *files, nas_data_part *part)
{
    r->part = part;
    NAS_TRY(load(r, files->images));
    NAS_TRY(take_images(r));
    NAS_TRY(load(r, files->labels));
    NAS_TRY(r->task == NAS_TASK_CLASSIFY ? take_labels(r) : take_targets(r));
    if (!files->groups[0])
        return NAS_OK;
    NAS_TRY(load(r, files->groups));
    return take_groups(r);
}

static nas_status open_npy(const void *instance, nas_task task, nas_data_content *content)
{
    const npy_options *npy = instance;
    reading r = {.options = npy, .task = task, .content = content};
    nas_status status = read_part(&r, &npy->train, &content->train);
    if (status == NAS_OK && npy->test.images[0])
        status = read_part(&r, &npy->test, &content->test);
    nas_npy_clear(&r.npy);
    return status == NAS_OK ? nas__hold_out(content, &npy->holdout) : status;
}

const nas_dataset nas__dataset_npy = {
    .kind = {.name = "npy",
             .summary =
                 "NumPy arrays: images, sequences or a table, with classes, labels or numbers",
             .instance_size = sizeof(npy_options),
             .options = options},
    .tasks = 1u << NAS_TASK_CLASSIFY | 1u << NAS_TASK_MULTILABEL | 1u << NAS_TASK_REGRESS,
    .open = open_npy,
};
