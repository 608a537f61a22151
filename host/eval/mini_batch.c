/* mini_batch.c - the one batch of samples on which all candidates' zero-cost proxies are measured, and zen's noise in its place.
 *
 * The first batch of the training split, without augmentation, by the study's seed.  It comes through the device, since batches are
 * gathered and normalised there, and is kept on the host: each net has an input of its own. */
#include "proxies.h"

#include <stdlib.h>

static const double ZEN_SHIFT = 0.01;

static nas_step step_of(const nas__mini_batch *batch, uint32_t key)
{
    nas_step step = {.real = (uint32_t)batch->real};
    nas_random_key(batch->seed ^ key, NAS_STREAM_DROPOUT, step.key);
    return step;
}

static uint64_t label_words(const nas__mini_batch *batch)
{
    return (uint64_t)batch->rows * (uint64_t)batch->n;
}

nas_status nas__mini_batch_write(const nas__mini_batch *batch, const float *images, uint32_t key,
                                 nas_net *net)
{
    const nas_tensor labels = nas_net_labels(net);
    const nas_step step = step_of(batch, key);
    NAS_TRY(nas_tensor_write(nas_net_input(net), images));
    NAS_TRY(nas_buffer_write(labels.buffer, 4 * labels.at, 4 * labels.count, batch->labels));
    return nas_net_set_step(net, &step);
}

/* The first batch of the training split's first epoch, through a device and back. */
static nas_status gather(nas__mini_batch *batch, nas_data_home *home, nas_buffer *buffer)
{
    const nas_batches_options options = {
        .batch = batch->real, .training = true, .seed = batch->seed};
    const uint64_t images = nas__image_count(batch), words = label_words(batch);
    const nas_batches_target target = {.images = {{buffer, 0, images}},
                                       .labels = {buffer, images, words},
                                       .step = {buffer, images + words, 16}};
    const nas_step step = step_of(batch, 0);
    nas_batches *batches = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_batches_create(home, NAS_SPLIT_TRAIN, &options, &target, &batches));
    NAS_TRY_DONE(nas_batches_epoch(batches, 0));
    NAS_TRY_DONE(nas_buffer_write(buffer, 4 * target.step.at, sizeof step, &step));
    NAS_TRY_DONE(nas_batches_load(batches, 0));
    NAS_TRY_DONE(nas_buffer_read(buffer, 0, 4 * images, batch->images));
    NAS_TRY_DONE(nas_buffer_read(buffer, 4 * images, 4 * words, batch->labels));
done:
    if (status == NAS_CONFIG)
        nas_error_add("the mini-batch of the zero-cost proxies: ");
    nas_batches_destroy(batches);
    return status;
}

static nas_status take_batch(nas_device *device, nas_data_home *home, nas__mini_batch *batch)
{
    nas_buffer *buffer = NULL;
    const uint64_t floats = nas__image_count(batch) + label_words(batch) + 16;
    NAS_TRY(nas_buffer_create(device, 4 * floats, "mini-batch", &buffer));
    nas_status status = gather(batch, home, buffer);
    nas_buffer_destroy(buffer);
    return status;
}

static void draw_noise(nas__mini_batch *batch)
{
    nas_random random = nas_random_make(batch->seed, NAS_STREAM_PROXY, 0, 0, 0);
    for (uint64_t i = 0; i < nas__image_count(batch); i++) {
        double x = nas__is_real(batch, i) ? nas_random_normal(&random) : 0;
        double moved = nas__is_real(batch, i) ? ZEN_SHIFT * nas_random_normal(&random) : 0;
        batch->noise[i] = (float)x;
        batch->shifted[i] = (float)(x + moved);
    }
}

nas_status nas__mini_batch_make(const nas_eval_setting *setting, nas_data_home *home, int real,
                                nas__mini_batch *batch)
{
    *batch = (nas__mini_batch){.seed = setting->seed,
                               .shape = nas_data_shape(setting->data),
                               .real = real,
                               .n = nas_batch_padded(real),
                               .rows = nas_data_target_rows(setting->data),
                               .loss = nas_train_loss(NULL, setting->data)};
    size_t images = (size_t)nas__image_count(batch);
    batch->images = malloc(images * sizeof *batch->images);
    batch->noise = malloc(images * sizeof *batch->noise);
    batch->shifted = malloc(images * sizeof *batch->shifted);
    batch->labels = malloc((size_t)label_words(batch) * sizeof *batch->labels);
    if (!batch->images || !batch->noise || !batch->shifted || !batch->labels)
        NAS_FAIL(NAS_MEMORY, "no memory for a batch of %d", real);
    draw_noise(batch);
    return take_batch(setting->device, home, batch);
}

void nas__mini_batch_clear(nas__mini_batch *batch)
{
    free(batch->images);
    free(batch->noise);
    free(batch->shifted);
    free(batch->labels);
    *batch = (nas__mini_batch){0};
}
