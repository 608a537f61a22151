/* data.h - data sets: opening them, splitting them, and putting batches of them on a device.
 *
 *     data = { type = "idx"; path = "/usr/share/datasets/fashion-mnist"; valid = 10000;
 *              augment = { flip = true; crop = 2; }; };
 *
 * Three steps, from a config to filled input tensors:
 *   nas_data_config   what the group says: common options + the options of the type's descriptor
 *   nas_data          the samples in host memory, checked, with its fixed splits and its mean and
 *                     deviation
 *   nas_data_home     one device's copy (or stream) of them, shared by every net that trains there
 *   nas_batches       one split of a home, cut into batches for one net; augmented when it is for
 *                     training
 *
 * A data set is added as host/data/NAME.c with a nas_dataset called nas__dataset_NAME and one line
 * in host/data/dataset_list.h.
 *
 * Samples are N×C×H×W, uint8 or float32.  What belongs to each is the task's: one class, several labels or none, or numbers.
 * Sequences are images of one row, N×C×1×L.  What a file says is checked against its size before memory is allocated; failures are
 * NAS_DATA and name file, offset and next step.
 */
#ifndef CLNAS_DATA_H
#define CLNAS_DATA_H

#include <clnas/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a data set gives ------------------------------------------------------------------- */

/* What a stored sample's numbers are. */
typedef enum nas_sample_type { NAS_SAMPLE_UINT8, NAS_SAMPLE_FLOAT32 } nas_sample_type;

/* What is learned. */
typedef enum nas_task {
    NAS_TASK_CLASSIFY,   /* one class of each sample */
    NAS_TASK_MULTILABEL, /* of each label, whether the sample has it */
    NAS_TASK_REGRESS,    /* numbers */
} nas_task;
enum { NAS_TASKS = 3 };
NAS_API const char *nas_task_name(nas_task task); /* "classify" */
/* What networks are scored by, the larger the better: "accuracy", the share of classes or labels that are right; "r2", the share of
 * the targets' variance that is explained. */
NAS_API const char *nas_task_score(nas_task task);
/* "valid_accuracy", "test_r2": the metric of that name. */
NAS_API void nas_score_name(nas_task task, const char *split, char *name, size_t size);

/* One part (training files or test files).  All pointers come from malloc. */
typedef struct nas_data_part {
    uint32_t count;
    void *samples;   /* [count][c][h][w] */
    int32_t *labels; /* classify: [count], each in 0 … outputs − 1; else NULL */
    float *
        targets; /* multilabel: [count][outputs], each 0 or 1; regress: [count][outputs], in units of their own; else NULL */
    uint32_t *
        groups; /* [count]: samples of one group stay on one side of every split; NULL: each alone */
} nas_data_part;

/* What is made of a PNG or JPEG file before it is a sample; the option table is nas_image_kind. */
typedef struct nas_image_options {
    nas_int_list
        size;         /* height, width; one number: of both; none: samples are no images in files */
    int64_t channels; /* 1 (grey) or 3 (red, green, blue) */
    int filter;       /* 0 nearest, 1 box, 2 bilinear, 3 bicubic, 4 lanczos: host/data/resize.c */
    int fit;          /* 0 stretch, 1 crop, 2 pad */
    int background;   /* 0 black, 1 grey, 2 white */
} nas_image_options;

/* Options of `image`, by the name that configs give them. */
NAS_API extern const nas_kind nas_image_kind;
/* Reads, decodes and resizes one file, as the data set `images` does: samples[channels][height][width].  What the file is, its first
 * bytes tell.  NAS_DATA: unreadable, damaged or too large, with the file's name; NAS_CONFIG: wrong options. */
NAS_API nas_status nas_image_read(const char *path, const nas_image_options *options,
                                  uint8_t *samples);

/* All that a data set's files hold. */
typedef struct nas_data_content {
    nas_shape shape;         /* of one sample */
    nas_sample_type type;    /* of the samples in both parts */
    nas_image_options image; /* how files became samples, where they were images */
    char *columns;           /* of a table, as nas_table_open wants them; from malloc; else NULL */
    int outputs;             /* classes; labels; numbers of a sample */
    char **names;            /* [outputs], each from malloc; NULL: unknown */
    nas_data_part train, test; /* test.count may be 0 */
} nas_data_content;

NAS_API void nas_data_content_clear(nas_data_content *content);

enum { NAS_DATASET_OPTIONS_SIZE = 40960 };

/* A data set: what its files hold. */
typedef struct nas_dataset {
    nas_kind kind; /* instance_size ≤ NAS_DATASET_OPTIONS_SIZE; no option named as a common one */
    unsigned tasks; /* that it can serve, 1 << nas_task each; 0: classify alone */
    /* Reads everything.  `content` is zeroed and is cleared by the caller, also on failure. */
    nas_status (*open)(const void *options, nas_task task, nas_data_content *content);
} nas_dataset;

NAS_API const nas_dataset *nas_dataset_find(const char *name); /* NULL: none */
NAS_API const nas_dataset *const *nas_dataset_all(int *count);

/* ---- config ---------------------------------------------------------------------------------- */

/* Where samples live while a network is trained; see nas_data_home. */
typedef enum nas_placement { NAS_PLACE_AUTO, NAS_PLACE_RESIDENT, NAS_PLACE_STREAMED } nas_placement;

/* Options of every data set, whatever its type (nas_data_kind). */
typedef struct nas_data_options {
    char type[NAS_TEXT_SIZE]; /* name of a nas_dataset */
    int task;                 /* nas_task */
    int64_t valid;            /* samples of the training files set aside for validation */
    int64_t train_limit;      /* use that many training samples at most (after the split); 0: all */
    int64_t test_limit;       /* the same for test samples */
    bool flip;                /* augment.flip: mirrored left to right, one time in two */
    int64_t
        crop; /* augment.crop: shifted by up to so many pixels, black behind the edge; 0: none */
    int64_t cutout; /* augment.cutout: side of a square set to the mean, in pixels; 0: none */
    nas_real_list
        class_weights;  /* classify: of the loss, by class, relative to each other; empty: none */
    bool balance;       /* classify: class weights from how many samples each has */
    bool scale_targets; /* regress: to mean 0 and deviation 1 of the training split */
    /* Per channel, of samples scaled to 0 … 1 (uint8) or as they are (float); empty: computed. */
    nas_real_list mean, std;
    int placement; /* nas_placement */
} nas_data_options;

/* The table of these options. */
NAS_API extern const nas_kind nas_data_kind;

/* A config's group `data`, checked. */
typedef struct nas_data_config {
    nas_data_options common;    /* what all data sets have */
    const nas_dataset *dataset; /* what `options` is an instance of */
    union {
        unsigned char bytes[NAS_DATASET_OPTIONS_SIZE];
        double align;
    } options; /* the data set's instance */
} nas_data_config;

/* Both tables from one group; unknown keys, wrong types and ranges fail with file:line
 * (NAS_CONFIG). */
NAS_API nas_status nas_data_config_fill(const nas_value *group, nas_data_config *config);
/* The effective options, defaults included, as a group. */
NAS_API nas_status nas_data_config_value(const nas_data_config *config, nas_value *group);

/* ---- an open data set ------------------------------------------------------------------------ */

/* Read, checked and split; never changes once it is open, so that threads may share it. */
typedef struct nas_data nas_data;

/* Which samples. */
typedef enum nas_split {
    NAS_SPLIT_TRAIN,
    NAS_SPLIT_VALID,
    NAS_SPLIT_TEST,
    NAS_SPLIT_TRAIN_VALID, /* both, for retraining; the mean stays that of TRAIN */
} nas_split;
NAS_API const char *nas_split_name(nas_split split); /* "train" */

/* Reads and checks the files, splits (stratified by class, by (seed, NAS_STREAM_SPLIT); groups whole, so that
 * VALID has as many samples as `valid` says only where there are none), and
 * computes mean and deviation of the TRAIN split where the config gives none.  NAS_DATA: files that are missing, damaged or do not fit
 * each other; NAS_CONFIG: options that these data do not bear. */
NAS_API nas_status nas_data_open(const nas_data_config *config, uint64_t seed, nas_data **data);
/* The same from a config's group. */
NAS_API nas_status nas_data_open_group(const nas_value *group, uint64_t seed, nas_data **data);
NAS_API void nas_data_destroy(nas_data *data);

/* As it was opened; lent. */
NAS_API const nas_data_config *nas_data_config_of(const nas_data *data);
NAS_API const nas_data_content *nas_data_content_of(const nas_data *data); /* lent */
NAS_API nas_shape nas_data_shape(const nas_data *data);                    /* of one sample */
NAS_API nas_task nas_data_task(const nas_data *data);                      /* what is learned */
/* What a network must give: classes, labels or numbers. */
NAS_API int nas_data_outputs(const nas_data *data);
/* Name of a class, label or number, or NULL. */
NAS_API const char *nas_data_output_name(const nas_data *data, int output);
/* Samples of a split, as indices into its part (content.train; content.test for TEST), rising. */
NAS_API const uint32_t *nas_data_split(const nas_data *data, nas_split split, uint32_t *count);
/* Cuts a split in two, in proportion to the classes, by (seed, NAS_STREAM_SPLIT): `samples`, as long as the split, gets the
 * `share` (0 … 1), rising, then the others, rising.  `*count`: how many the first portion has; groups stay whole, so it is near to the
 * share where there are any.  NAS_CONFIG: one would be empty. */
NAS_API nas_status nas_data_cut(const nas_data *data, nas_split split, double share, uint64_t seed,
                                uint32_t *samples, uint32_t *count);
/* regress: what is learned is (target − mean) / deviation; [outputs] each; 0 and 1 where targets are learned as they are. */
NAS_API const double *nas_data_target_mean(const nas_data *data);
NAS_API const double *nas_data_target_std(const nas_data *data); /* deviations, as above */
/* classify: [outputs], 1 in the mean over the training split; NULL: no weights. */
NAS_API const double *nas_data_class_weights(const nas_data *data);
/* Words of 4 bytes that a batch has for each sample, in this order:
 *   classify     the class, int32; with class weights its weight behind it, float
 *   multilabel   0 or 1 for each label, float
 *   regress      each target as it is learned, float */
NAS_API int nas_data_target_rows(const nas_data *data);
/* Those of sample `index` of a split's part; what a float takes is stored by its bits. */
NAS_API void nas_data_target_write(const nas_data *data, nas_split split, uint32_t index,
                                   int32_t *words);
/* [channels] each, as nas_data_options.mean and .std mean them. */
NAS_API const double *nas_data_mean(const nas_data *data);
NAS_API const double *nas_data_std(const nas_data *data); /* deviations, as above */
/* XXH3 of shape, labels, samples and splits: two studies with equal ones saw the same data. */
NAS_API uint64_t nas_data_hash(const nas_data *data);

/* ---- what a network must be told of its data to serve alone ----------------------------------- */

/* Numbers, as many as there are channels. */
typedef struct nas_reals {
    int count;
    double *item; /* [count], from malloc */
} nas_reals;
/* Done to stored samples before a network sees them: (x / largest − mean[c]) / std[c], which is scale·x + shift.  Model files keep it. */
typedef struct nas_preprocessing {
    bool bytes;              /* samples are 0 … 255 and `largest` is 255; else 1 */
    nas_reals mean, std;     /* a number per channel */
    nas_image_options image; /* what is done to files before, where samples are images in files */
} nas_preprocessing;

/* "{ bytes = true; mean = [0.286]; std = [0.353]; }" and back, with "image = { size = [28, 28]; … };" where there is one;
 * NAS_CONFIG names file and member. */
NAS_API nas_status nas_preprocessing_write(const nas_preprocessing *preprocessing, nas_text *text);
/* Back, into a zeroed one, which the caller clears. */
NAS_API nas_status nas_preprocessing_read(const char *text, const char *file,
                                          nas_preprocessing *preprocessing);
NAS_API void nas_preprocessing_clear(nas_preprocessing *preprocessing); /* a zeroed one is fine */
/* scale of each channel, then shift of each, as kernels have them; free() it. */
NAS_API nas_status nas_preprocessing_mapping(const nas_preprocessing *preprocessing,
                                             float **mapping);
/* What a file says suits a network with this input: channels, and the shape of images.  NAS_DATA: it does not. */
NAS_API nas_status nas_preprocessing_check(const nas_preprocessing *preprocessing, const char *file,
                                           nas_shape input);
/* The factors of scale·x + shift, for a channel with this mean and deviation. */
NAS_API double nas_sample_scale(bool bytes, double std);
NAS_API double nas_sample_shift(double mean, double std); /* the other one, of a scaled sample */
/* What the outputs mean. */
typedef struct nas_postprocessing {
    int task; /* nas_task */
    /* Of numbers that are learned scaled, one of each per output; else empty. */
    nas_real_list mean, std;
} nas_postprocessing;

/* "{ task = \"regress\"; mean = [22.5]; std = [9.2]; }" and back; NAS_CONFIG names file and member. */
NAS_API nas_status nas_postprocessing_write(const nas_postprocessing *postprocessing,
                                            nas_text *text);
/* Back. */
NAS_API nas_status nas_postprocessing_read(const char *text, const char *file,
                                           nas_postprocessing *postprocessing);
/* What a network gives for a number, in that number's own units. */
NAS_API double nas_output_number(const nas_postprocessing *postprocessing, int output,
                                 double value);
/* What an open data set says; never fails. */
NAS_API void nas_data_postprocessing(const nas_data *data, nas_postprocessing *postprocessing);

/* All that as a model file keeps it, under these keys. */
typedef struct nas_data_words {
    nas_text preprocessing; /* as nas_preprocessing_write has it */
    nas_text
        classes; /* names of classes, labels or numbers, one in each line; nothing where there are none */
    nas_text postprocessing; /* as nas_postprocessing_write has it */
    nas_text columns;        /* of a table; else nothing */
} nas_data_words;

/* ---- new rows of a table ------------------------------------------------------------------------ */

/* A CSV file with the columns that a model learned from, in any order, among any others; `columns` as the model keeps them, `model` names it
 * in messages.  NAS_DATA: no such file; NAS_CONFIG: it lacks a column. */
typedef struct nas_table nas_table;
/* Opens it and finds the columns. */
NAS_API nas_status nas_table_open(const char *columns, const char *model, const char *path,
                                  nas_table **table);
NAS_API void nas_table_close(nas_table *table);
NAS_API int nas_table_width(const nas_table *table); /* numbers of a sample */
/* The next row as a sample, [width], as the data set would store it.  NAS_DATA names file, line and column. */
NAS_API nas_status nas_table_next(nas_table *table, float *values, bool *more);

/* The names that "classes" has, one for each output, and NULL behind them.  NAS_DATA: another number of them. */
NAS_API nas_status nas_names_read(const char *text, const char *file, int outputs, char ***names);
NAS_API void nas_names_free(char **names); /* NULL is fine */
/* Fills zeroed words from an open data set; the caller clears them, also on failure. */
NAS_API nas_status nas_data_describe(const nas_data *data, nas_data_words *words);
NAS_API void nas_data_words_clear(nas_data_words *words);

/* ---- on a device ----------------------------------------------------------------------------- */

/* The samples on one device: resident when both parts fit a quarter of its memory (and one buffer),
 * else streamed: batches are put together on the host and written ahead while the device computes.
 * Both give the same bits. */
typedef struct nas_data_home nas_data_home;

/* `data` is lent and must outlive the home. */
NAS_API nas_status nas_data_home_create(nas_device *device, const nas_data *data,
                                        nas_data_home **home);
NAS_API void nas_data_home_destroy(nas_data_home *home);
NAS_API bool nas_data_home_resident(const nas_data_home *home);        /* else streamed */
NAS_API uint64_t nas_data_home_bytes(const nas_data_home *home);       /* on the device */
NAS_API const nas_data *nas_data_home_data(const nas_data_home *home); /* lent */
NAS_API nas_device *nas_data_home_device(const nas_data_home *home);   /* lent */

/* Batches of one split, gathered on the device.  One thread at a time. */
typedef struct nas_batches nas_batches;

/* Which samples, in which order. */
typedef struct nas_batches_options {
    int batch; /* samples of a full batch */
    /* Shuffled per epoch, last incomplete batch dropped; else in order, every sample once. */
    bool training;
    bool augment;     /* as the data config says; else never */
    uint64_t seed;    /* of the study */
    uint64_t key;     /* of the trial: canonical arch and repeat, never its index */
    uint32_t samples; /* of an epoch, at most; 0: the whole split */
    /* Some samples of the split in place of all (indices into its part; lent until the batches are destroyed); NULL: all. */
    const uint32_t *subset;
    uint32_t subset_count;
    /* Training batches that know nothing of each other: each is drawn from all samples anew, none twice within it.  Then an
     * epoch may have more samples than there are. */
    bool independent;
} nas_batches_options;

/* Where batches go: nas_net_input, nas_net_labels and nas_net_step_block, or a test's own.  A batch in shards
 * (nas_net_shard) has images in each; its labels are one row. */
typedef struct nas_batches_target {
    int shards;                    /* parts of n padded samples, in order; 0: 1 */
    nas_tensor images[NAS_SHARDS]; /* [c][h][w][n padded] each; padded lanes get 0 */
    nas_tensor
        labels; /* nas_data_target_rows: [shards][rows][n padded] words; padded lanes get 0 */
    /* A nas_step: the kernels read its `real`, `epoch` and `step` (counted within the epoch). */
    nas_tensor step;
} nas_batches_target;

/* Records the gathering.  The home and the target's buffers are lent.  A training batch that is
 * larger than the split, or an empty split: NAS_CONFIG. */
NAS_API nas_status nas_batches_create(nas_data_home *home, nas_split split,
                                      const nas_batches_options *options,
                                      const nas_batches_target *target, nas_batches **batches);
NAS_API void nas_batches_destroy(nas_batches *batches);
NAS_API int nas_batches_steps(const nas_batches *batches);            /* per epoch */
NAS_API int nas_batches_real(const nas_batches *batches, int step);   /* samples of that batch */
NAS_API const nas_data *nas_batches_data(const nas_batches *batches); /* lent */
NAS_API uint32_t nas_batches_samples(const nas_batches *batches);     /* per epoch */
/* Fixes the order of epoch `epoch` and uploads it (waits for the device).  Before the first load,
 * too. */
NAS_API nas_status nas_batches_epoch(nas_batches *batches, uint32_t epoch);
/* Enqueues: images and labels of batch `step` of that epoch.  The step block must have been set for
 * it. */
NAS_API nas_status nas_batches_load(nas_batches *batches, int step);
/* What is learned varies by so much over the samples of the epoch: the variance of a row, in the mean over the rows.  For numbers. */
NAS_API double nas_batches_target_variance(const nas_batches *batches);
/* Host view of the epoch's order: [nas_batches_samples] indices into the split's part. */
NAS_API const uint32_t *nas_batches_order(const nas_batches *batches);

#ifdef __cplusplus
}
#endif
#endif
