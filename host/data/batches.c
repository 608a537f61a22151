/* batches.c - a split of a home, cut into batches for one net.
 *
 * Which samples an epoch has, and in what order, is a Philox shuffle keyed by (seed,
 * NAS_STREAM_SHUFFLE, epoch, trial key), made on the host and uploaded once per epoch.  (Independent
 * batches are a shuffle each: a uniform draw without repetition.)  A batch is then two launches that read the step block (cl/gather.cl): nothing is set per step.
 *
 * Streaming: the host copies the batch's samples, as stored, to one of two staging areas and
 * enqueues the write to one of two device buffers; since nobody waits, it does so for step k + 1
 * while the device computes step k.  An area is used again when the fence behind its last write was
 * reached.  The kernels and their arithmetic are the same, and so are the bits. */
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AREAS = 2, PLAN_ROWS = 6, GROUP = 16 };

struct nas_batches {
    nas_data_home *home;
    nas_batches_options options;
    nas_batches_target target;
    nas_split split;
    int part; /* 0 training files, 1 test files */
    const uint32_t *members;
    uint32_t member_count, samples; /* to draw from; of an epoch */
    int steps;
    int shards, n;   /* parts of a batch; padded samples of each */
    uint32_t *order; /* [the larger of the two] */
    uint32_t *urn;   /* [member_count], of independent batches; NULL: of none */
    bool ordered;    /* an epoch was fixed */
    nas_buffer *order_buffer, *plan;
    nas_tape *tapes[AREAS]; /* the second only when streaming */
    nas_buffer *areas[AREAS];
    unsigned char *staging[AREAS];
    nas_fence *fences[AREAS];
};

static bool augments(const nas_batches *batches)
{
    const nas_data_options *options = &nas_data_config_of(batches->home->data)->common;
    return batches->options.augment && (options->flip || options->crop || options->cutout);
}

/* ---- recording ------------------------------------------------------------------------------- */

/* The shard's plan, one behind the other. */
static uint64_t plan_at(const nas_batches *batches, int shard)
{
    return (uint64_t)PLAN_ROWS * (uint64_t)batches->n * (uint64_t)shard;
}

static nas_status record_plan(nas_batches *batches, int shard, const char *defines, nas_tape *tape)
{
    const nas_data_options *options = &nas_data_config_of(batches->home->data)->common;
    const nas_shape shape = nas_data_shape(batches->home->data);
    const int rows = nas_data_target_rows(batches->home->data);
    uint32_t key[2];
    nas_random_key(batches->options.seed, NAS_STREAM_AUGMENT, key);
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(batches->target.step),
        NAS_ARG_BUFFER(batches->order_buffer, 0),
        NAS_ARG_BUFFER(batches->home->labels[batches->part], 0),
        NAS_ARG_BUFFER(batches->target.labels.buffer,
                       batches->target.labels.at + (uint64_t)(shard * batches->n * rows)),
        NAS_ARG_BUFFER(batches->plan, plan_at(batches, shard)),
        NAS_ARG_INT(batches->n),
        NAS_ARG_INT(rows),
        NAS_ARG_INT(shard * batches->n),
        NAS_ARG_INT(batches->options.batch),
        NAS_ARG_INT(!batches->home->resident),
        NAS_ARG_INT(shape.h),
        NAS_ARG_INT(shape.w),
        NAS_ARG_INT(options->flip),
        NAS_ARG_INT((int)options->crop),
        NAS_ARG_INT((int)options->cutout),
        NAS_ARG_UINT(key[0]),
        NAS_ARG_UINT(key[1]),
        NAS_ARG_UINT((uint32_t)batches->options.key),
        NAS_ARG_UINT((uint32_t)(batches->options.key >> 32)),
    };
    const nas_launch launch = {.source = "gather",
                               .kernel = "gather_plan",
                               .defines = defines,
                               .global = {(size_t)batches->n},
                               .local = {GROUP},
                               .arguments = arguments,
                               .argument_count = sizeof arguments / sizeof arguments[0]};
    return nas_tape_add(tape, &launch);
}

static nas_status record_images(nas_batches *batches, int shard, const char *defines,
                                nas_buffer *samples, nas_tape *tape)
{
    const nas_data_options *options = &nas_data_config_of(batches->home->data)->common;
    const nas_shape shape = nas_data_shape(batches->home->data);
    const bool plain = batches->home->plain;
    const int all_rows = shape.c * shape.h, rows = plain ? 1 : (all_rows + GROUP - 1) / GROUP;
    const size_t blocks = ((size_t)all_rows + (size_t)rows - 1) / (size_t)rows;
    const nas_argument arguments[] = {
        NAS_ARG_BUFFER(batches->plan, plan_at(batches, shard)),
        NAS_ARG_BUFFER(samples, 0),
        NAS_ARG_BUFFER(batches->home->mapping, 0),
        NAS_ARG_TENSOR(batches->target.images[shard]),
        NAS_ARG_INT(batches->n),
        NAS_ARG_INT(shape.c),
        NAS_ARG_INT(shape.h),
        NAS_ARG_INT(shape.w),
        NAS_ARG_INT((int)options->cutout),
        NAS_ARG_INT(rows),
    };
    const size_t n = (size_t)batches->n;
    const nas_launch launch = {.source = "gather",
                               .kernel = plain ? "gather_plain" : "gather_tile",
                               .defines = defines,
                               .global = {plain ? n : n / GROUP, blocks},
                               .local = {plain ? GROUP : 1, 1},
                               .arguments = arguments,
                               .argument_count = sizeof arguments / sizeof arguments[0]};
    return nas_tape_add(tape, &launch);
}

static nas_status record(nas_batches *batches, int area)
{
    char defines[64];
    bool bytes = nas_data_content_of(batches->home->data)->type == NAS_SAMPLE_UINT8;
    snprintf(defines, sizeof defines, "-DSAMPLE=%s -DAUGMENT=%d", bytes ? "uchar" : "float",
             augments(batches));
    NAS_TRY(nas_tape_create(batches->home->device, "gather", &batches->tapes[area]));
    nas_tape *tape = batches->tapes[area];
    nas_buffer *samples =
        batches->home->resident ? batches->home->samples[batches->part] : batches->areas[area];
    NAS_TRY(nas_tape_part(tape, batches->shards));
    for (int i = 0; i < batches->shards; i++) {
        nas_tape_shard(tape, i);
        NAS_TRY(record_plan(batches, i, defines, tape));
        NAS_TRY(record_images(batches, i, defines, samples, tape));
    }
    return NAS_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

static nas_status count_steps(nas_batches *batches)
{
    const nas_batches_options *options = &batches->options;
    uint32_t batch = (uint32_t)options->batch;
    batches->samples = batches->member_count;
    if (options->samples && (options->independent || options->samples < batches->samples))
        batches->samples = options->samples;
    if (batches->samples == 0)
        NAS_FAIL(NAS_CONFIG, "the %s split of the data set is empty (data.valid, data.test_limit)",
                 nas_split_name(batches->split));
    if (options->training && (batch > batches->samples || batch > batches->member_count))
        NAS_FAIL(NAS_CONFIG,
                 "a batch of %d is more than the %" PRIu32 " samples of an epoch (train.batch)",
                 options->batch,
                 batch > batches->samples ? batches->samples : batches->member_count);
    batches->steps = (int)(batches->samples / batch);
    if (options->training)
        batches->samples = (uint32_t)batches->steps * batch;
    else
        batches->steps = (int)((batches->samples + batch - 1) / batch);
    return NAS_OK;
}

static nas_status check_target(nas_batches *batches)
{
    const nas_batches_target *target = &batches->target;
    const int whole = nas_batch_padded(batches->options.batch);
    batches->shards = target->shards > 1 ? target->shards : 1;
    batches->n = whole / batches->shards;
    if (batches->shards > NAS_SHARDS || whole % (batches->shards * NAS_BATCH_MULTIPLE) != 0)
        NAS_FAIL(NAS_SHAPE, "a batch of %d cannot be cut into %d shards", batches->options.batch,
                 batches->shards);
    const uint64_t wanted =
        nas_shape_count(nas_data_shape(batches->home->data)) * (uint64_t)batches->n;
    const uint64_t words = (uint64_t)whole * (uint64_t)nas_data_target_rows(batches->home->data);
    for (int i = 0; i < batches->shards; i++)
        if (target->images[i].count < wanted || target->labels.count < words)
            NAS_FAIL(NAS_SHAPE,
                     "a batch needs %" PRIu64 " values and %" PRIu64
                     " labels and its target has %" PRIu64 " and %" PRIu64,
                     wanted, words, target->images[i].count, target->labels.count);
    return NAS_OK;
}

static nas_status allocate(nas_batches *batches)
{
    nas_device *device = batches->home->device;
    const uint64_t area =
        (uint64_t)(batches->shards * batches->n) * nas__data_sample_bytes(batches->home->data);
    const size_t members = batches->member_count, samples = batches->samples;
    const size_t places = samples > members ? samples : members;
    batches->order = malloc(places * sizeof *batches->order);
    if (batches->options.independent)
        batches->urn = malloc(members * sizeof *batches->urn);
    if (!batches->order || (batches->options.independent && !batches->urn))
        NAS_FAIL(NAS_MEMORY, "no memory for the order of %zu samples", places);
    memcpy(batches->order, batches->members, batches->member_count * sizeof *batches->order);
    NAS_TRY(nas_buffer_create(device, 4 * (uint64_t)batches->samples, "order of samples",
                              &batches->order_buffer));
    NAS_TRY(nas_buffer_create(device, 4 * plan_at(batches, batches->shards), "batch plan",
                              &batches->plan));
    for (int i = 0; i < AREAS && !batches->home->resident; i++) {
        NAS_TRY(
            nas_buffer_create(device, (area + 3) / 4 * 4, "streamed batch", &batches->areas[i]));
        batches->staging[i] = calloc(1, area);
        if (!batches->staging[i])
            NAS_FAIL(NAS_MEMORY, "no memory for a streamed batch of %" PRIu64 " bytes", area);
    }
    return NAS_OK;
}

static nas_status make(nas_batches *batches)
{
    if (batches->options.batch < 1)
        NAS_FAIL(NAS_CONFIG, "a batch of %d samples", batches->options.batch);
    NAS_TRY(count_steps(batches));
    NAS_TRY(check_target(batches));
    NAS_TRY(allocate(batches));
    for (int i = 0; i < (batches->home->resident ? 1 : AREAS); i++)
        NAS_TRY(record(batches, i));
    return NAS_OK;
}

nas_status nas_batches_create(nas_data_home *home, nas_split split,
                              const nas_batches_options *options, const nas_batches_target *target,
                              nas_batches **batches)
{
    nas_batches *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for batches");
    made->home = home;
    made->options = *options;
    made->target = *target;
    made->split = split;
    made->part = split == NAS_SPLIT_TEST;
    made->members = nas_data_split(home->data, split, &made->member_count);
    if (options->subset) {
        made->members = options->subset;
        made->member_count = options->subset_count;
    }
    nas_status status = make(made);
    if (status != NAS_OK) {
        nas_batches_destroy(made);
        return status;
    }
    *batches = made;
    return NAS_OK;
}

void nas_batches_destroy(nas_batches *batches)
{
    if (!batches)
        return;
    for (int i = 0; i < AREAS; i++) {
        if (nas_fence_wait(batches->fences[i]) != NAS_OK) /* its staging area may still be read */
            nas_log(NAS_LOG_WARNING, "the end of a batch: %s", nas_error_message());
        nas_tape_destroy(batches->tapes[i]);
        nas_buffer_destroy(batches->areas[i]);
        free(batches->staging[i]);
    }
    nas_buffer_destroy(batches->order_buffer);
    nas_buffer_destroy(batches->plan);
    free(batches->order);
    free(batches->urn);
    free(batches);
}

/* ---- using ----------------------------------------------------------------------------------- */

int nas_batches_steps(const nas_batches *batches)
{
    return batches->steps;
}

uint32_t nas_batches_samples(const nas_batches *batches)
{
    return batches->samples;
}

int nas_batches_real(const nas_batches *batches, int step)
{
    uint64_t before = (uint64_t)step * (uint64_t)batches->options.batch;
    uint64_t left = before < batches->samples ? batches->samples - before : 0;
    return left < (uint64_t)batches->options.batch ? (int)left : batches->options.batch;
}

const uint32_t *nas_batches_order(const nas_batches *batches)
{
    return batches->order;
}

/* Each batch is the first of a shuffle that goes no further than it must. */
static void draw_each(nas_batches *batches, nas_random *random)
{
    const uint32_t batch = (uint32_t)batches->options.batch, all = batches->member_count;
    uint32_t *urn = batches->urn;
    memcpy(urn, batches->members, all * sizeof *urn);
    for (uint32_t place = 0; place < batches->samples; place++) {
        const uint32_t at = place % batch, with = at + nas_random_below(random, all - at);
        const uint32_t drawn = urn[with];
        urn[with] = urn[at];
        urn[at] = batches->order[place] = drawn;
    }
}

nas_status nas_batches_epoch(nas_batches *batches, uint32_t epoch)
{
    const uint64_t key = batches->options.key;
    if (batches->options.training) {
        nas_random random = nas_random_make(batches->options.seed, NAS_STREAM_SHUFFLE, epoch,
                                            (uint32_t)key, (uint32_t)(key >> 32));
        memcpy(batches->order, batches->members, batches->member_count * sizeof *batches->order);
        if (batches->options.independent)
            draw_each(batches, &random);
        else
            nas_random_shuffle(&random, batches->order, batches->member_count);
    } else if (batches->ordered)
        return NAS_OK; /* always the same */
    NAS_TRY(
        nas_buffer_write(batches->order_buffer, 0, 4 * (uint64_t)batches->samples, batches->order));
    batches->ordered = true;
    return NAS_OK;
}

/* The batch's samples to the device, through the area whose turn it is. */
static nas_status stream(nas_batches *batches, int step, int area)
{
    const nas_data_part *part = nas__data_part_of(batches->home->data, batches->split);
    size_t each = nas__data_sample_bytes(batches->home->data);
    size_t first = (size_t)step * (size_t)batches->options.batch;
    int real = nas_batches_real(batches, step);
    nas_fence *fence = batches->fences[area];
    batches->fences[area] = NULL;
    NAS_TRY(nas_fence_wait(fence));
    for (int i = 0; i < real; i++)
        memcpy(batches->staging[area] + (size_t)i * each,
               (const char *)part->samples + batches->order[first + (size_t)i] * each, each);
    NAS_TRY(nas_buffer_write_later(batches->areas[area], 0, (uint64_t)real * each,
                                   batches->staging[area]));
    return nas_fence_put(batches->home->device, &batches->fences[area]);
}

nas_status nas_batches_load(nas_batches *batches, int step)
{
    if (!batches->ordered)
        NAS_FAIL(NAS_FAILED, "nas_batches_load before nas_batches_epoch");
    if (step < 0 || step >= batches->steps)
        NAS_FAIL(NAS_FAILED, "batch %d of %d", step, batches->steps);
    int area = batches->home->resident ? 0 : step % AREAS;
    if (!batches->home->resident)
        NAS_TRY(stream(batches, step, area));
    return nas_tape_run(batches->tapes[area]);
}

double nas_batches_target_variance(const nas_batches *batches)
{
    return nas__targets_variance(batches->home->data, batches->split, batches->order,
                                 batches->samples);
}

const nas_data *nas_batches_data(const nas_batches *batches)
{
    return batches->home->data;
}
