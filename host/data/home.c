/* home.c - a data set on one device, once for all nets that train there.
 *
 * Targets (4 bytes for each row of them) and the mapping of channels always lie on the device.  Samples do where
 * both parts fit a quarter of its memory, and each one buffer; else every nas_batches streams them.
 * The mapping turns a stored value into what the net sees with one fma: (v/255 − mean)/std =
 * v·scale + shift. */
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>

static const uint64_t SLACK = 4096; /* of an allocation, for rounding and edges */

static nas_status choose_placement(nas_data_home *home)
{
    const nas_device_info *info = nas_device_describe(home->device);
    const nas_data_content *content = nas_data_content_of(home->data);
    uint64_t each = nas__data_sample_bytes(home->data);
    uint64_t train = each * content->train.count, test = each * content->test.count;
    uint64_t largest = train > test ? train : test;
    bool allocatable = largest + SLACK <= info->allocation_bytes;
    int placement = nas_data_config_of(home->data)->common.placement;
    home->resident = placement != NAS_PLACE_STREAMED && allocatable &&
                     (placement == NAS_PLACE_RESIDENT || train + test <= info->memory_bytes / 4);
    if (placement == NAS_PLACE_RESIDENT && !home->resident)
        NAS_FAIL(NAS_DEVICE_MEMORY,
                 "data.placement = \"resident\": %" PRIu64
                 " MiB of samples do not fit one allocation of "
                 "%s, %" PRIu64 " MiB; use \"auto\"",
                 largest >> 20, info->name, info->allocation_bytes >> 20);
    return NAS_OK;
}

static nas_status upload(nas_data_home *home, const void *from, uint64_t size, const char *label,
                         nas_buffer **buffer)
{
    NAS_TRY(nas_buffer_create(home->device, (size + 3) / 4 * 4, label, buffer));
    return nas_buffer_write(*buffer, 0, size, from);
}

static nas_status upload_targets(nas_data_home *home, int i, const nas_data_part *part)
{
    const size_t rows = (size_t)nas_data_target_rows(home->data);
    const nas_split split = i ? NAS_SPLIT_TEST : NAS_SPLIT_TRAIN;
    int32_t *words = malloc(part->count * rows * sizeof *words);
    if (!words)
        NAS_FAIL(NAS_MEMORY, "no memory for the targets of %" PRIu32 " samples", part->count);
    for (uint32_t k = 0; k < part->count; k++)
        nas_data_target_write(home->data, split, k, words + k * rows);
    const nas_status status =
        upload(home, words, part->count * rows * sizeof *words, "labels", &home->labels[i]);
    free(words);
    return status;
}

static nas_status upload_part(nas_data_home *home, int i, const nas_data_part *part)
{
    if (part->count == 0)
        return NAS_OK;
    NAS_TRY(upload_targets(home, i, part));
    if (!home->resident)
        return NAS_OK;
    return upload(home, part->samples, part->count * (uint64_t)nas__data_sample_bytes(home->data),
                  i ? "test samples" : "training samples", &home->samples[i]);
}

static nas_status upload_mapping(nas_data_home *home)
{
    int channels = nas_data_shape(home->data).c;
    const bool bytes = nas_data_content_of(home->data)->type == NAS_SAMPLE_UINT8;
    float *mapping = malloc(2 * (size_t)channels * sizeof *mapping);
    if (!mapping)
        NAS_FAIL(NAS_MEMORY, "no memory for the mapping of %d channels", channels);
    for (int c = 0; c < channels; c++) {
        double mean = nas_data_mean(home->data)[c], std = nas_data_std(home->data)[c];
        mapping[c] = (float)nas_sample_scale(bytes, std);
        mapping[channels + c] = (float)nas_sample_shift(mean, std);
    }
    nas_status status = upload(home, mapping, 2 * (uint64_t)channels * sizeof *mapping,
                               "channel mapping", &home->mapping);
    free(mapping);
    return status;
}

static nas_status fill(nas_data_home *home)
{
    const nas_data_content *content = nas_data_content_of(home->data);
    NAS_TRY(choose_placement(home));
    NAS_TRY(upload_part(home, 0, &content->train));
    NAS_TRY(upload_part(home, 1, &content->test));
    return upload_mapping(home);
}

nas_status nas_data_home_create(nas_device *device, const nas_data *data, nas_data_home **home)
{
    nas_data_home *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a data set's home");
    made->device = device;
    made->data = data;
    made->plain = nas_device_describe(device)->type == NAS_DEVICE_GPU;
    nas_status status = fill(made);
    if (status != NAS_OK) {
        nas_data_home_destroy(made);
        return status;
    }
    *home = made;
    return NAS_OK;
}

void nas_data_home_destroy(nas_data_home *home)
{
    if (!home)
        return;
    for (int i = 0; i < 2; i++) {
        nas_buffer_destroy(home->samples[i]);
        nas_buffer_destroy(home->labels[i]);
    }
    nas_buffer_destroy(home->mapping);
    free(home);
}

bool nas_data_home_resident(const nas_data_home *home)
{
    return home->resident;
}

uint64_t nas_data_home_bytes(const nas_data_home *home)
{
    uint64_t bytes = nas_buffer_size(home->mapping);
    for (int i = 0; i < 2; i++) {
        bytes += home->samples[i] ? nas_buffer_size(home->samples[i]) : 0;
        bytes += home->labels[i] ? nas_buffer_size(home->labels[i]) : 0;
    }
    return bytes;
}

const nas_data *nas_data_home_data(const nas_data_home *home)
{
    return home->data;
}

nas_device *nas_data_home_device(const nas_data_home *home)
{
    return home->device;
}
