/* accumulate.c - gradients of several passes added up before one update: FairNAS trains every choice of a row once per step (sampling.c), and
 * a batch may go through in parts (train.micro_batches).
 *
 * A batch of B samples in K parts: the loss of a part is the mean over its B/K samples, and so total = Σ over the parts of g/K is the gradient of
 * the mean over all B, where nothing but the loss looks at several samples.  Norms do: they see their part alone, so that what is
 * computed is another thing than with one part. */
#include <clnas/train.h>

nas_status nas_accumulate_record(const nas_device *device, nas_tape *tape, nas_tensor gradients,
                                 nas_tensor total, const nas_strip_mask *mask, double scale)
{
    const uint64_t count = (gradients.count + 15) / 16 * 16;
    const uint64_t lanes = (uint64_t)nas_device_lanes(device);
    const bool masked = mask && mask->owners.buffer;
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(gradients),
        NAS_ARG_TENSOR(total),
        NAS_ARG_TENSOR(masked ? mask->owners : (nas_tensor){0}),
        NAS_ARG_TENSOR(masked ? mask->open : (nas_tensor){0}),
        NAS_ARG_ULONG(count),
        NAS_ARG_FLOAT((float)scale),
    };
    return nas_tape_add(tape, &(nas_launch){.source = "accumulate",
                                            .kernel = "accumulate",
                                            .defines = masked ? "-DMASKED=1" : NULL,
                                            .global = {(size_t)(count / lanes)},
                                            .arguments = arguments,
                                            .argument_count = 6});
}
