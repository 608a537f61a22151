/* clip.c - clip by global norm, all on the device (cl/clip.cl).  After Pascanu, Mikolov, Bengio,
 * "On the difficulty of training recurrent neural networks", arXiv 1211.5063; the formula is that
 * of PyTorch. The same two launches tell whether a block holds a NaN: then the norm is one. */
#include <clnas/train.h>

enum { PART = 4096 }; /* as in cl/clip.cl */

uint64_t nas_clip_scratch(uint64_t count)
{
    return count ? (count + PART - 1) / PART : 1;
}

nas_status nas_clip_record(nas_tape *tape, nas_tensor gradients, const nas_strip_mask *mask,
                           double clip, nas_tensor scratch, nas_tensor scale)
{
    const bool masked = mask && mask->owners.buffer;
    const uint64_t parts = nas_clip_scratch(gradients.count);
    if (gradients.count % 16 != 0 || scratch.count < parts || scale.count < 2)
        NAS_FAIL(NAS_FAILED, "clip by norm: a block, its scratch or its result has the wrong size");
    const nas_argument first[] = {NAS_ARG_TENSOR(gradients), NAS_ARG_TENSOR(scratch),
                                  NAS_ARG_TENSOR(masked ? mask->owners : (nas_tensor){0}),
                                  NAS_ARG_TENSOR(masked ? mask->open : (nas_tensor){0}),
                                  NAS_ARG_ULONG(gradients.count)};
    const nas_argument second[] = {NAS_ARG_TENSOR(scratch), NAS_ARG_TENSOR(scale),
                                   NAS_ARG_ULONG(parts), NAS_ARG_FLOAT((float)clip)};
    NAS_TRY(nas_tape_add(tape, &(nas_launch){.source = "clip",
                                             .kernel = "clip_parts",
                                             .defines = masked ? "-DMASKED=1" : NULL,
                                             .global = {(size_t)parts},
                                             .local = {1},
                                             .arguments = first,
                                             .argument_count = 5}));
    return nas_tape_add(tape, &(nas_launch){.source = "clip",
                                            .kernel = "clip_finish",
                                            .defines = masked ? "-DMASKED=1" : NULL,
                                            .global = {1},
                                            .local = {1},
                                            .arguments = second,
                                            .argument_count = 4});
}
