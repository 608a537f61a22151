/* bench_optimizers.c - a step of each optimizer over a flat block of parameters, and the clip by global norm, for clnas-bench ops.
 *
 * An update reads parameters, gradients and moments and writes parameters and moments: it is bound by bytes. */
#include "bench.h"
#include "bench_ops.h"

#include <clnas/train.h>

#include <stdio.h>

enum { PARAMETERS = 1 << 20 };

typedef struct block {
    nas_buffer *buffer;
    nas_tensor parameters, gradients, moments[NAS_OPTIMIZER_MOMENTS], step, scratch, scale;
} block;

static nas_status make_block(nas_device *device, block *b)
{
    const nas_step step = {.real = 64, .lr = 0.001f, .spare = {0}};
    const uint64_t scratch = nas_clip_scratch(PARAMETERS);
    const float zero = 0;
    uint64_t used = 0;
    nas_tensor *const large[] = {&b->parameters, &b->gradients};
    NAS_TRY(nas_buffer_create(
        device, (uint64_t)(2 + NAS_OPTIMIZER_MOMENTS) * PARAMETERS * 4 + (scratch + 64) * 4,
        "bench", &b->buffer));
    for (int i = 0; i < 2 + NAS_OPTIMIZER_MOMENTS; i++, used += PARAMETERS)
        *(i < 2 ? large[i] : &b->moments[i - 2]) = (nas_tensor){b->buffer, used, PARAMETERS};
    b->step = (nas_tensor){b->buffer, used, 16};
    b->scale = (nas_tensor){b->buffer, used + 16, 2};
    b->scratch = (nas_tensor){b->buffer, used + 32, scratch};
    NAS_TRY(nas_buffer_fill(b->buffer, 0, 4 * used, &zero, sizeof zero));
    return nas_tensor_write(b->step, (const float *)(const void *)&step);
}

static nas_status run_optimizer(bench_ops_run *run, const char *group,
                                const nas_optimizer *optimizer, const block *b)
{
    char shape[96];
    nas_train_config config;
    nas_value text = {0};
    nas_tape *tape = NULL;
    const bench_work work = {.group = group,
                             .shape = shape,
                             .pass = "update",
                             .bytes = 4.0 * PARAMETERS * (3 + 2 * optimizer->moments)};
    nas_optimizer_call call = {.device = run->device,
                               .parameters = b->parameters,
                               .gradients = b->gradients,
                               .decayed_count = PARAMETERS,
                               .step = b->step};
    nas_status status = NAS_OK;
    for (int i = 0; i < optimizer->moments; i++)
        call.moments[i] = b->moments[i];
    snprintf(shape, sizeof shape, "%s, %d parameters", optimizer->kind.name, PARAMETERS);
    char group_text[96];
    snprintf(group_text, sizeof group_text, "{ optimizer = \"%s\"; }", optimizer->kind.name);
    NAS_TRY_DONE(nas_value_parse(group_text, "bench", 1, &text));
    NAS_TRY_DONE(nas_train_config_fill(&text, &config));
    NAS_TRY_DONE(nas_tape_create(run->device, "update", &tape));
    NAS_TRY_DONE(optimizer->record(&config.options, &call, tape));
    NAS_TRY_DONE(bench_ops_row(run, &work, tape));
done:
    nas_tape_destroy(tape);
    nas_value_clear(&text);
    return status;
}

static nas_status run_clip(bench_ops_run *run, const char *group, const block *b)
{
    const bench_work work = {.group = group,
                             .shape = "clip by norm, 1048576 parameters",
                             .pass = "norm",
                             .bytes = 4.0 * PARAMETERS};
    nas_tape *tape = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_tape_create(run->device, "clip", &tape));
    NAS_TRY_DONE(nas_clip_record(tape, b->gradients, NULL, 5.0, b->scratch, b->scale));
    NAS_TRY_DONE(bench_ops_row(run, &work, tape));
done:
    nas_tape_destroy(tape);
    return status;
}

nas_status bench_ops_optimizers(bench_ops_run *run, const char *group)
{
    int count;
    const nas_optimizer *const *all = nas_optimizer_all(&count);
    block b = {0};
    nas_status status = NAS_OK;
    NAS_TRY_DONE(make_block(run->device, &b));
    for (int i = 0; i < count; i++)
        NAS_TRY_DONE(run_optimizer(run, group, all[i], &b));
    NAS_TRY_DONE(run_clip(run, group, &b));
done:
    nas_buffer_destroy(b.buffer);
    return status;
}
