/* taps.c - launching the kernels of cl/taps.cl, which look at what a network's passes leave behind.
 *
 * Nothing is materialised: signs are taken of the same affine that the reader of a home applies, and dz is formed on load as
 * the layer's own backward does.  So a tap costs one reading of a tensor that is in the caches anyway, and keeps a few numbers
 * per sample.  Next: host/net/taps.c, which says where they go. */
#include "arguments.h"

static int blocks_of(nas_shape shape)
{
    return (shape.h * shape.w + 31) / 32;
}

static nas_status launch(nas_tape *tape, const char *kernel, int n, int second, int third,
                         const nas__arguments *arguments)
{
    nas_launch launch = {
        .source = "taps",
        .kernel = kernel,
        .global = {(size_t)(n / NAS_BATCH_MULTIPLE), (size_t)second, (size_t)third},
        .local = {1, 1, 1},
        .arguments = arguments->item,
        .argument_count = arguments->count,
    };
    return nas_tape_add(tape, &launch);
}

uint64_t nas_tap_sign_words(nas_shape shape, int n)
{
    return (uint64_t)shape.c * (uint64_t)blocks_of(shape) * (uint64_t)n;
}

nas_status nas_tap_signs(nas_tape *tape, const nas_read *read, nas_shape shape, int n,
                         nas_tensor words)
{
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, read);
    nas__push_tensor(&arguments, words);
    nas__push_int(&arguments, shape.h * shape.w);
    nas__push_int(&arguments, n);
    return launch(tape, "taps_signs", n, blocks_of(shape), shape.c, &arguments);
}

nas_status nas_tap_distances(nas_tape *tape, nas_tensor words, nas_shape shape, int n,
                             nas_tensor distances)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, words);
    nas__push_tensor(&arguments, distances);
    nas__push_int(&arguments, shape.c * blocks_of(shape));
    nas__push_int(&arguments, n);
    return launch(tape, "taps_distances", n, n, 1, &arguments);
}

nas_status nas_tap_saliency(nas_tape *tape, const nas_gradient *gradient, nas_tensor z,
                            nas_shape shape, int n, int real, nas_tensor sums)
{
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, gradient);
    nas__push_tensor(&arguments, z);
    nas__push_tensor(&arguments, sums);
    nas__push_int(&arguments, shape.h * shape.w);
    nas__push_int(&arguments, n);
    nas__push_int(&arguments, real);
    return launch(tape, "taps_saliency", n, shape.c, 1, &arguments);
}
