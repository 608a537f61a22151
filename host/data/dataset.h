/* dataset.h - what the files of the data room share: the registry's descriptors and the careful
 * reading that every file format needs.  Private to this room. */
#ifndef NAS_DATA_DATASET_H
#define NAS_DATA_DATASET_H

#include <clnas/data.h>

#include <stdio.h>

#define NAS_DATASET(name) extern const nas_dataset nas__dataset_##name;
#include "dataset_list.h"
#undef NAS_DATASET

/* ---- source.c: a file, plain or gzip, read front to back and never trusted ------------------- */

typedef struct nas__source {
    void *stream; /* gzFile */
    char path[NAS_PATH_SIZE];
    uint64_t offset; /* bytes read so far, of the content */
    uint64_t size;   /* of the content; UINT64_MAX when compressed: then only reading tells */
} nas__source;

nas_status nas__source_open(const char *path, nas__source *source);
void nas__source_close(nas__source *source);
/* Exactly `size` bytes; `what` names them in the message ("the header"). */
nas_status nas__source_read(nas__source *source, void *to, size_t size, const char *what);
/* Up to `size` bytes: `*got` is less at the end only. */
nas_status nas__source_some(nas__source *source, void *to, size_t size, size_t *got);
/* `size` bytes into memory of their own.  A plain file that is too short is refused first; for a
 * compressed one memory grows with what really comes out. */
nas_status nas__source_take(nas__source *source, uint64_t size, const char *what, void **data);
/* Nothing may follow, and a compressed file must end properly. */
nas_status nas__source_end(nas__source *source);

/* "folder/name" or "folder/name.gz", whichever is there; false: neither.  An absolute name, or one
 * without a folder, stays as it is. */
bool nas__find_file(const char *folder, const char *name, char path[NAS_PATH_SIZE]);

/* ---- labels.c -------------------------------------------------------------------------------- */

/* Labels must be below `classes`: else NAS_DATA naming file, item and the byte it stands at
 * (first + item · stride; stride 0: no offset is told). */
nas_status nas__labels_check(const char *path, uint64_t first, uint64_t stride,
                             const int32_t *labels, uint32_t count, int classes);
int nas__labels_classes(const int32_t *labels, uint32_t count); /* largest + 1 */
/* Text for messages: control characters become "?".  `shown` is returned. */
enum { NAS__SHOWN_SIZE = 512 };
const char *nas__shown(const char *text, char shown[NAS__SHOWN_SIZE]);
/* Of a class, label or number: NAS_DATA where models, which keep names a line each, could not keep it: control characters, no UTF-8, too long. */
nas_status nas__name_check(const char *where, const char *name);
/* The label that begins at `*at` of a list, "red; round", without the blanks around it; `*at` moves to its end.  Returns its bytes:
 * 0: there is none left; NAS_TEXT_SIZE or more: too long, and `label` is cut. */
size_t nas__label_next(const char **at, char label[NAS_TEXT_SIZE]);
/* One name per line.  No such file, or another number of names: class_names stay NULL. */
void nas__output_names_read(const char *folder, const char *name, nas_data_content *content);

/* ---- words.c --------------------------------------------------------------------------------- */

/* Distinct texts, numbered from 0 as they come, or sorted.  Zeroed: empty. */
typedef struct nas__words {
    char **text; /* [count] */
    uint32_t count;
    uint32_t *slots; /* hash table: index + 1 of a text; 0: free */
    size_t slot_count;
} nas__words;

/* The text's number, a new one if it has none yet. */
nas_status nas__words_add(nas__words *words, const char *text, uint32_t *index);
bool nas__words_find(const nas__words *words, const char *text, uint32_t *index);
/* Renumbers: by value if all are whole numbers, else by bytes. */
void nas__words_sort(nas__words *words);
void nas__words_sort_bytes(nas__words *words); /* by bytes, numbers or not */
/* Copies of all, each and the list from malloc. */
nas_status nas__words_copy(const nas__words *words, char ***texts);
void nas__words_clear(nas__words *words);

/* ---- targets.c ------------------------------------------------------------------------------- */

typedef struct nas__targets {
    double *mean, *std; /* [outputs] each; `mean` owns the memory */
    double *weights;    /* [outputs], or NULL */
} nas__targets;

/* Classes in range, finite numbers, labels 0 or 1; `name` is that of the data set, or of the file. */
nas_status nas__targets_check_part(const char *name, nas_task task, const nas_data_part *part,
                                   int outputs);
/* The same of both parts, and the number of outputs. */
nas_status nas__targets_check(const char *name, nas_task task, const nas_data_content *content);
/* Scales and weights, of the training split. */
nas_status nas__targets_make(const nas_data *data, nas__targets *targets);

/* Of numbers as they are learned, over some samples of a split's part: in the mean over the outputs. */
double nas__targets_variance(const nas_data *data, nas_split split, const uint32_t *members,
                             uint32_t count);

/* ---- split.c --------------------------------------------------------------------------------- */

/* What a portion is picked for: each draws numbers of its own. */
enum {
    NAS__ROUND_VALID,
    NAS__ROUND_TRAIN_LIMIT,
    NAS__ROUND_TEST_LIMIT,
    NAS__ROUND_CUT,
    NAS__ROUND_TEST = 1000 /* of test sets without files of their own */
};

/* Picks `wanted` of the `count` candidates (indices into labels), in proportion to the classes (labels NULL: all are alike), by
 * (seed, round): the picked ones are moved to the front of `candidates`; both portions are then
 * sorted. */
nas_status nas__split_pick(const int32_t *labels, int classes, uint64_t seed, uint32_t round,
                           uint32_t *candidates, uint32_t count, uint32_t wanted);

/* ---- split_groups.c -------------------------------------------------------------------------- */

/* The same of a part's samples, for sides that must not share a group: where the part has groups they move whole, and `*wanted` becomes
 * how many were picked, which is near.  NAS_DATA: there is one group only. */
nas_status nas__split_pick_groups(const nas_data_part *part, int classes, uint64_t seed,
                                  uint32_t round, uint32_t *candidates, uint32_t count,
                                  uint32_t *wanted);

/* ---- holdout.c ------------------------------------------------------------------------------- */

/* What a data set without test files says of a test set: two members of its options, and their rows of its table. */
typedef struct nas__holdout {
    double share; /* 0: no test set */
    int64_t seed;
} nas__holdout;
#define NAS__HOLDOUT_OPTIONS(at)                                                                   \
    {"test",                                                                                       \
     NAS_OPTION_REAL,                                                                              \
     (at) + offsetof(nas__holdout, share),                                                         \
     "0.0",                                                                                        \
     0,                                                                                            \
     0.9,                                                                                          \
     NULL,                                                                                         \
     "share of the training samples that is the test set, where there are no test files"},         \
    {                                                                                              \
        "test_seed", NAS_OPTION_INT, (at) + offsetof(nas__holdout, seed), "1", 0, 2147483647,      \
            NULL, "which samples those are, whatever the study's seed"                             \
    }
/* Moves that share of content->train to content->test; nothing where it is 0.  Labels must have been checked.  NAS_CONFIG: there
 * are test samples already. */
nas_status nas__hold_out(nas_data_content *content, const nas__holdout *holdout);

/* ---- data.c ---------------------------------------------------------------------------------- */

const nas_data_part *nas__data_part_of(const nas_data *data, nas_split split);
size_t nas__data_sample_bytes(const nas_data *data);

/* ---- home.c ---------------------------------------------------------------------------------- */

struct nas_data_home {
    nas_device *device;
    const nas_data *data;
    bool resident;
    bool plain;             /* gather by the plain kernel; for GPUs, and for tests */
    nas_buffer *samples[2]; /* of training files, of test files; NULL when streamed or empty */
    nas_buffer *labels[2];  /* [count][nas_data_target_rows]; always on the device */
    nas_buffer *mapping;    /* [2][channels]: scale, shift */
};

#endif
