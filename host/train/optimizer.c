/* optimizer.c - the registry of optimizers, and the launch they all are.
 *
 * Parameters, gradients and moments are flat blocks of equal layout, so an optimizer is one kernel
 * over floats: it knows no layers.  Floats below decayed_count get weight decay; biases and norms
 * lie behind. To add one, copy sgd.c and cl/sgd.cl, and write its line in optimizer_list.h. */
#include "optimizer.h"

#include <stdio.h>
#include <string.h>

static const nas_optimizer *const optimizers[] = {
#define NAS_OPTIMIZER(name) &nas__optimizer_##name,
#include "optimizer_list.h"
#undef NAS_OPTIMIZER
};

enum {
    OPTIMIZER_COUNT = sizeof optimizers / sizeof optimizers[0],
    LOCAL = 64,
    OWN = 10,
    EXTRA_LIMIT = 8
};

const nas_optimizer *const *nas_optimizer_all(int *count)
{
    *count = OPTIMIZER_COUNT;
    return optimizers;
}

const nas_optimizer *nas_optimizer_find(const char *name)
{
    for (int i = 0; i < OPTIMIZER_COUNT; i++)
        if (strcmp(optimizers[i]->kind.name, name) == 0)
            return optimizers[i];
    return NULL;
}

nas_status nas__update_record(const nas_optimizer_call *call, const char *source,
                              const char *kernel, const char *defines, const nas_argument *extra,
                              int extra_count, nas_tape *tape)
{
    nas_argument arguments[OWN + EXTRA_LIMIT] = {
        NAS_ARG_TENSOR(call->parameters),
        NAS_ARG_TENSOR(call->gradients),
        NAS_ARG_TENSOR(call->moments[0]),
        NAS_ARG_TENSOR(call->moments[1]),
        NAS_ARG_TENSOR(call->step),
        NAS_ARG_TENSOR(call->scale),
        NAS_ARG_TENSOR(call->mask.owners),
        NAS_ARG_TENSOR(call->mask.open),
        NAS_ARG_ULONG(call->parameters.count),
        NAS_ARG_ULONG(call->decayed_count),
    };
    char all[256];
    if (call->parameters.count % 16 != 0 || extra_count > EXTRA_LIMIT)
        NAS_FAIL(NAS_FAILED, "a block of parameters must have a multiple of 16 floats");
    if (call->parameters.count == 0)
        return NAS_OK;
    for (int i = 0; i < extra_count; i++)
        arguments[OWN + i] = extra[i];
    snprintf(all, sizeof all, "-DSCALED=%d%s%s%s", call->scale.buffer != NULL,
             call->mask.owners.buffer ? " -DMASKED=1" : "", defines ? " " : "",
             defines ? defines : "");
    size_t items = (size_t)call->parameters.count / (size_t)nas_device_lanes(call->device);
    items = (items + LOCAL - 1) / LOCAL * LOCAL;
    const nas_launch launch = {.source = source,
                               .kernel = kernel,
                               .defines = all,
                               .global = {items},
                               .local = {LOCAL},
                               .arguments = arguments,
                               .argument_count = OWN + extra_count};
    return nas_tape_add(tape, &launch);
}
