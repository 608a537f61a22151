/* data.c - an open data set: its samples in host memory, its fixed splits, its mean and deviation.
 *
 * Order of things: the descriptor reads and checks the files; the training files are split into
 * TRAIN and VALID; what a limit leaves out is in no split; mean and deviation are those of TRAIN,
 * so that neither validation nor test leak into training.  Sums over bytes are integers, so they
 * have no order. Read next: split.c, then home.c for the device. */
#include "dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct nas_data {
    nas_data_config config;
    nas_data_content content;
    uint32_t *split[4];
    uint32_t count[4];
    double *mean, *std; /* [c] each, one allocation */
    nas__targets targets;
    uint64_t hash;
};

const char *nas_split_name(nas_split split)
{
    static const char *const names[] = {"train", "valid", "test", "train_valid"};
    return names[split];
}

/* ---- checks ---------------------------------------------------------------------------------- */

static nas_status check_content(const nas_data_config *config, const nas_data_content *content)
{
    const char *name = config->dataset->kind.name;
    if (content->train.count == 0)
        NAS_FAIL(NAS_DATA, "data set %s has no training samples", name);
    return nas__targets_check(name, (nas_task)config->common.task, content);
}

/* ---- splits ---------------------------------------------------------------------------------- */

static uint32_t *all_indices(uint32_t count)
{
    uint32_t *indices = malloc(((size_t)count + 1) * sizeof *indices);
    for (uint32_t i = 0; indices && i < count; i++)
        indices[i] = i;
    return indices;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static nas_status store_split(nas_data *data, nas_split split, const uint32_t *from, uint32_t count)
{
    data->split[split] = malloc(((size_t)count + 1) * sizeof *from);
    if (!data->split[split])
        NAS_FAIL(NAS_MEMORY, "no memory for a split of %" PRIu32 " samples", count);
    memcpy(data->split[split], from, count * sizeof *from);
    data->count[split] = count;
    return NAS_OK;
}

/* Classes that a split keeps in proportion: without labels all samples are of one. */
static int split_classes(const nas_data *data)
{
    return data->content.train.labels ? data->content.outputs : 1;
}

/* VALID at the front of `all`, then TRAIN, then what the limit left out. */
static nas_status split_training(nas_data *data, uint64_t seed, uint32_t *all)
{
    const nas_data_options *options = &data->config.common;
    const int32_t *labels = data->content.train.labels;
    const int classes = split_classes(data);
    uint32_t count = data->content.train.count;
    int64_t valid = options->valid ? options->valid : count / 10;
    if (valid >= count)
        NAS_FAIL(NAS_CONFIG,
                 "data.valid = %" PRId64 " leaves none of the %" PRIu32 " training samples", valid,
                 count);
    uint32_t held = (uint32_t)valid;
    NAS_TRY(nas__split_pick_groups(&data->content.train, classes, seed, NAS__ROUND_VALID, all,
                                   count, &held));
    const uint32_t left = count - held;
    uint32_t used = left;
    if (options->train_limit && options->train_limit < left) {
        used = (uint32_t)options->train_limit;
        NAS_TRY(
            nas__split_pick(labels, classes, seed, NAS__ROUND_TRAIN_LIMIT, all + held, left, used));
    }
    NAS_TRY(store_split(data, NAS_SPLIT_VALID, all, held));
    NAS_TRY(store_split(data, NAS_SPLIT_TRAIN, all + held, used));
    qsort(all, held + used, sizeof *all, compare);
    return store_split(data, NAS_SPLIT_TRAIN_VALID, all, held + used);
}

static nas_status split_test(nas_data *data, uint64_t seed, uint32_t *all)
{
    const nas_data_part *test = &data->content.test;
    int64_t limit = data->config.common.test_limit;
    uint32_t used = limit && limit < test->count ? (uint32_t)limit : test->count;
    if (used < test->count)
        NAS_TRY(nas__split_pick(test->labels, split_classes(data), seed, NAS__ROUND_TEST_LIMIT, all,
                                test->count, used));
    return store_split(data, NAS_SPLIT_TEST, all, used);
}

nas_status nas_data_cut(const nas_data *data, nas_split split, double share, uint64_t seed,
                        uint32_t *samples, uint32_t *count)
{
    const nas_data_part *part = nas__data_part_of(data, split);
    const uint32_t all = data->count[split];
    uint32_t wanted = (uint32_t)(share * all + 0.5);
    if (wanted == 0 || wanted >= all)
        NAS_FAIL(NAS_CONFIG,
                 "a share of %g of the %" PRIu32 " samples of the %s split leaves nothing on one "
                 "side",
                 share, all, nas_split_name(split));
    memcpy(samples, data->split[split], all * sizeof *samples);
    NAS_TRY(nas__split_pick_groups(part, split_classes(data), seed, NAS__ROUND_CUT, samples, all,
                                   &wanted));
    *count = wanted;
    return NAS_OK;
}

/* A class that validation took whole is learned by nobody. */
static nas_status warn_of_classes(const nas_data *data)
{
    const int32_t *labels = data->content.train.labels;
    if (!labels)
        return NAS_OK;
    bool *seen = calloc((size_t)data->content.outputs, sizeof *seen);
    if (!seen)
        NAS_FAIL(NAS_MEMORY, "no memory to look at %d classes", data->content.outputs);
    for (uint32_t i = 0; i < data->count[NAS_SPLIT_TRAIN]; i++)
        seen[labels[data->split[NAS_SPLIT_TRAIN][i]]] = true;
    for (uint32_t i = 0; i < data->count[NAS_SPLIT_VALID]; i++) {
        const int k = labels[data->split[NAS_SPLIT_VALID][i]];
        const char *name = nas_data_output_name(data, k);
        if (!seen[k])
            nas_log(NAS_LOG_WARNING,
                    "class %d%s%s%s has validation samples and none to train on; give it more "
                    "samples, or set a smaller data.valid",
                    k, name ? " (" : "", name ? name : "", name ? ")" : "");
        seen[k] = true;
    }
    free(seen);
    return NAS_OK;
}

static nas_status make_splits(nas_data *data, uint64_t seed)
{
    uint32_t *train = all_indices(data->content.train.count);
    uint32_t *test = all_indices(data->content.test.count);
    nas_status status = NAS_OK;
    if (!train || !test)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for the splits");
    if (status == NAS_OK)
        status = split_training(data, seed, train);
    if (status == NAS_OK)
        status = split_test(data, seed, test);
    free(train);
    free(test);
    return status == NAS_OK ? warn_of_classes(data) : status;
}

/* ---- mean and deviation ---------------------------------------------------------------------- */

/* Of bytes, scaled to 0 … 1; exact up to the last division. */
static void measure_bytes(const nas_data *data, int c, double *mean, double *std)
{
    const size_t plane = (size_t)data->content.shape.h * (size_t)data->content.shape.w;
    const size_t sample = plane * (size_t)data->content.shape.c;
    const uint8_t *base = (const uint8_t *)data->content.train.samples + (size_t)c * plane;
    uint64_t sum = 0, squares = 0;
    for (uint32_t i = 0; i < data->count[NAS_SPLIT_TRAIN]; i++) {
        const uint8_t *at = base + (size_t)data->split[NAS_SPLIT_TRAIN][i] * sample;
        uint64_t one = 0, two = 0;
        for (size_t p = 0; p < plane; p++) {
            one += at[p];
            two += (uint32_t)at[p] * at[p];
        }
        sum += one;
        squares += two;
    }
    const double n = (double)data->count[NAS_SPLIT_TRAIN] * (double)plane;
    const double average = (double)sum / n;
    *mean = average / 255.0;
    *std = sqrt(fmax((double)squares / n - average * average, 0.0)) / 255.0;
}

/* Of floats, in index order, by two passes. */
static void measure_floats(const nas_data *data, int c, double *mean, double *std)
{
    const size_t plane = (size_t)data->content.shape.h * (size_t)data->content.shape.w;
    const size_t sample = plane * (size_t)data->content.shape.c;
    const float *base = (const float *)data->content.train.samples + (size_t)c * plane;
    const double n = (double)data->count[NAS_SPLIT_TRAIN] * (double)plane;
    double average = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++) {
        sum = 0;
        for (uint32_t i = 0; i < data->count[NAS_SPLIT_TRAIN]; i++) {
            const float *at = base + (size_t)data->split[NAS_SPLIT_TRAIN][i] * sample;
            for (size_t p = 0; p < plane; p++)
                sum += pass ? (at[p] - average) * (at[p] - average) : at[p];
        }
        average = pass ? average : sum / n;
    }
    *mean = average;
    *std = sqrt(sum / n);
}

static nas_status check_given(const char *name, const nas_real_list *list, int channels)
{
    if (list->count != 0 && list->count != 1 && list->count != channels)
        NAS_FAIL(NAS_CONFIG, "data.%s has %d values; give one per channel (%d), or one for all",
                 name, list->count, channels);
    return NAS_OK;
}

static nas_status make_mapping(nas_data *data)
{
    const nas_data_options *options = &data->config.common;
    int channels = data->content.shape.c;
    NAS_TRY(check_given("mean", &options->mean, channels));
    NAS_TRY(check_given("std", &options->std, channels));
    data->mean = calloc(2 * (size_t)channels, sizeof *data->mean);
    if (!data->mean)
        NAS_FAIL(NAS_MEMORY, "no memory for the means of %d channels", channels);
    data->std = data->mean + channels;
    bool measured = !options->mean.count || !options->std.count;
    for (int c = 0; c < channels; c++) {
        if (measured && data->content.type == NAS_SAMPLE_UINT8)
            measure_bytes(data, c, &data->mean[c], &data->std[c]);
        else if (measured)
            measure_floats(data, c, &data->mean[c], &data->std[c]);
        if (options->mean.count)
            data->mean[c] = options->mean.item[options->mean.count > 1 ? c : 0];
        if (options->std.count)
            data->std[c] = options->std.item[options->std.count > 1 ? c : 0];
        if (options->std.count && !(data->std[c] > 0))
            NAS_FAIL(NAS_CONFIG, "data.std = %g must be over 0", data->std[c]);
        if (!(data->std[c] > 1e-12)) /* a constant channel */
            data->std[c] = 1;
    }
    return NAS_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static uint64_t hash_targets(const nas_data_part *part, int outputs, uint64_t hash)
{
    if (part->targets)
        return nas_hash(part->targets, part->count * (size_t)outputs * sizeof *part->targets, hash);
    return nas_hash(part->labels, part->count * sizeof *part->labels, hash);
}

static uint64_t make_hash(const nas_data *data)
{
    const nas_data_content *content = &data->content;
    uint64_t hash = nas_hash(&content->shape, sizeof content->shape, (uint64_t)content->type);
    const nas_data_part *parts[] = {&content->train, &content->test};
    for (int i = 0; i < 2; i++) {
        hash = hash_targets(parts[i], content->outputs, hash);
        hash = nas_hash(parts[i]->samples, parts[i]->count * nas__data_sample_bytes(data), hash);
    }
    for (int i = 0; i < 3; i++)
        hash = nas_hash(data->split[i], data->count[i] * sizeof *data->split[i], hash);
    return hash;
}

static nas_status open_all(nas_data *data, uint64_t seed)
{
    NAS_TRY(data->config.dataset->open(&data->config.options, nas_data_task(data), &data->content));
    NAS_TRY(check_content(&data->config, &data->content));
    NAS_TRY(make_splits(data, seed));
    NAS_TRY(make_mapping(data));
    NAS_TRY(nas__targets_make(data, &data->targets));
    data->hash = make_hash(data);
    return NAS_OK;
}

nas_status nas_data_open(const nas_data_config *config, uint64_t seed, nas_data **data)
{
    nas_data *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a data set");
    made->config = *config;
    nas_status status = open_all(made, seed);
    if (status != NAS_OK) {
        nas_data_destroy(made);
        return status;
    }
    *data = made;
    return NAS_OK;
}

void nas_data_destroy(nas_data *data)
{
    if (!data)
        return;
    nas_data_content_clear(&data->content);
    for (int i = 0; i < 4; i++)
        free(data->split[i]);
    free(data->mean);
    free(data->targets.mean);
    free(data);
}

/* ---- looking at it --------------------------------------------------------------------------- */

const nas_data_config *nas_data_config_of(const nas_data *data)
{
    return &data->config;
}

const nas_data_content *nas_data_content_of(const nas_data *data)
{
    return &data->content;
}

nas_shape nas_data_shape(const nas_data *data)
{
    return data->content.shape;
}

nas_task nas_data_task(const nas_data *data)
{
    return (nas_task)data->config.common.task;
}

const double *nas_data_target_mean(const nas_data *data)
{
    return data->targets.mean;
}

const double *nas_data_target_std(const nas_data *data)
{
    return data->targets.std;
}

const double *nas_data_class_weights(const nas_data *data)
{
    return data->targets.weights;
}

int nas_data_outputs(const nas_data *data)
{
    return data->content.outputs;
}

const char *nas_data_output_name(const nas_data *data, int output)
{
    const bool known = data->content.names && output >= 0 && output < data->content.outputs;
    return known ? data->content.names[output] : NULL;
}

const uint32_t *nas_data_split(const nas_data *data, nas_split split, uint32_t *count)
{
    *count = data->count[split];
    return data->split[split];
}

const double *nas_data_mean(const nas_data *data)
{
    return data->mean;
}

const double *nas_data_std(const nas_data *data)
{
    return data->std;
}

uint64_t nas_data_hash(const nas_data *data)
{
    return data->hash;
}

const nas_data_part *nas__data_part_of(const nas_data *data, nas_split split)
{
    return split == NAS_SPLIT_TEST ? &data->content.test : &data->content.train;
}

size_t nas__data_sample_bytes(const nas_data *data)
{
    size_t each = data->content.type == NAS_SAMPLE_UINT8 ? 1 : 4;
    return (size_t)nas_shape_count(data->content.shape) * each;
}
