// drop_path.cl - a whole sample is kept, scaled by 1/(1 − p), or dropped (stochastic depth, arXiv 1603.09382).
//
//   drop_path_factors   0 or 1/(1 − p) of 16 samples per work-item, global size n/16; p is the option, or the step
//                       block's when the option is below 0
//   drop_path_forward   y = read(x)·factor[sample]; one part of one channel (stream.clh), global size (parts, channels)
//   drop_path_backward  dx = dy·factor[sample]
#include "stream.clh"
#include "keep.clh"

// A position that no element has: dropout and drop_path of one node would differ anyway, by the node.
#define WHOLE_SAMPLE 0xffffffffu

__kernel void drop_path_factors(WRITES(factors), READS_OF(step_block, step), const int first_sample,
                                const uint node, const float probability)
{
    OPEN_WRITE(factors);
    OPEN_READ_OF(step_block, step);
    const int sample = get_global_id(0) * 16;
    const float wanted = probability < 0.0f ? step->drop_path : probability;
    const float p = clamp(wanted, 0.0f, 0x1.fffffep-1f);
    uint16 words[4];
    keep_words(words, (uint16)(WHOLE_SAMPLE), keep_counters(node, first_sample + sample), step);
    strip_store(factors + sample, keep_factors(words, 0, (uint)(p * 0x1p32f), 1.0f / (1.0f - p)));
}

__kernel void drop_path_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), READS(factors),
                                STREAM_AXES, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_STREAM_READ(x, c, size);
    OPEN_WRITE(statistics);
    OPEN_READ(factors);
    __global float *restrict y = y_home + y_at + c * size;
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            lanes_store(y + i, STREAM_READ(x, i) * lanes_load(factors + sample + j * LANES));
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void drop_path_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), READS(factors),
                                 STREAM_AXES, const int channels)
{
    OPEN_RUN;
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    OPEN_STREAM_INTO(t, c, size);
    OPEN_READ(factors);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const int lane = sample + j * LANES;
            STREAM_HAND(t, STREAM_FORM(g, i, lane) * lanes_load(factors + lane), i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
