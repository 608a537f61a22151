/* holdout.c - a test set out of the training files, for data that come without one.
 *
 * The share is taken once, by a seed of its own (test_seed, not the study's), so that studies with other seeds are still
 * judged by the same samples.  Groups stay whole and classes in proportion (split_groups.c); whoever calls this may forget afterwards that the test
 * samples ever stood among the others. */
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One array of the part, `each` bytes a sample: those in `picked` are copied out, the others close ranks. */
static nas_status divide(void **from, void **to, size_t each, const uint32_t *order,
                         uint32_t picked, uint32_t count)
{
    if (!*from || each == 0)
        return NAS_OK;
    char *all = *from, *out = malloc((size_t)picked * each);
    if (!out)
        NAS_FAIL(NAS_MEMORY, "no memory for %" PRIu32 " test samples", picked);
    for (uint32_t i = 0; i < picked; i++)
        memcpy(out + (size_t)i * each, all + (size_t)order[i] * each, each);
    for (uint32_t i = picked; i < count; i++) /* rising, so never over what is still to move */
        memmove(all + (size_t)(i - picked) * each, all + (size_t)order[i] * each, each);
    *to = out;
    void *less = realloc(all, (size_t)(count - picked) * each);
    *from = less ? less : all;
    return NAS_OK;
}

static nas_status divide_part(nas_data_content *content, size_t sample_bytes, const uint32_t *order,
                              uint32_t picked)
{
    nas_data_part *train = &content->train, *test = &content->test;
    const uint32_t count = train->count;
    void *arrays[] = {train->samples, train->labels, train->targets, train->groups};
    void *tests[4] = {NULL};
    const size_t each[] = {sample_bytes, sizeof *train->labels,
                           (size_t)content->outputs * sizeof *train->targets,
                           sizeof *train->groups};
    nas_status status = NAS_OK;
    for (int i = 0; i < 4 && status == NAS_OK; i++)
        status = divide(&arrays[i], &tests[i], each[i], order, picked, count);
    *train = (nas_data_part){count - picked, arrays[0], arrays[1], arrays[2], arrays[3]};
    *test = (nas_data_part){picked, tests[0], tests[1], tests[2], tests[3]};
    return status;
}

nas_status nas__hold_out(nas_data_content *content, const nas__holdout *holdout)
{
    const uint32_t count = content->train.count;
    const size_t each = content->type == NAS_SAMPLE_UINT8 ? 1 : sizeof(float);
    uint32_t picked = (uint32_t)(holdout->share * count + 0.5);
    if (holdout->share == 0)
        return NAS_OK;
    if (content->test.count)
        NAS_FAIL(NAS_CONFIG,
                 "data.test takes test samples from the training files, and there are test files; "
                 "leave one away");
    if (picked == 0 || picked >= count)
        NAS_FAIL(NAS_CONFIG,
                 "data.test = %g of %" PRIu32 " samples leaves nothing on one side; give another "
                 "share",
                 holdout->share, count);
    uint32_t *order = malloc((size_t)count * sizeof *order);
    if (!order)
        NAS_FAIL(NAS_MEMORY, "no memory to split %" PRIu32 " samples", count);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    nas_status status =
        nas__split_pick_groups(&content->train, content->train.labels ? content->outputs : 1,
                               (uint64_t)holdout->seed, NAS__ROUND_TEST, order, count, &picked);
    if (status == NAS_OK)
        status =
            divide_part(content, (size_t)nas_shape_count(content->shape) * each, order, picked);
    free(order);
    return status;
}
