// dropout.cl - y = read(x)·keep/(1 − rate), dx = dy·keep/(1 − rate), keep drawn anew in both directions (drawing costs less than
// keeping the mask).
//
// One work-item computes one part, `run` strips of one channel (stream.clh); global size (parts, channels).  The words: keep.clh.
#include "stream.clh"
#include "keep.clh"

// The factors of strips s … s + 3 of channel c, to 64 floats of the work-item.
INLINE void dropout_factors(float *factors, __global const step_block *step, int s, int c, int strips, int n,
                            int first_sample, uint node, uint threshold, float scale)
{
    const int per_pixel = n / 16, base = c * (strips / per_pixel);
    uint at[4];
    int sample[4];
    for (int k = 0; k < 4; k++) {
        const int pixel = (s + k) / per_pixel;
        at[k] = (uint)(base + pixel);
        sample[k] = first_sample + (s + k - pixel * per_pixel) * 16;
    }
    uint16 words[4];
    keep_words(words, (uint16)((uint4)(at[0]), (uint4)(at[1]), (uint4)(at[2]), (uint4)(at[3])),
               keep_quads(node, sample[0], sample[1], sample[2], sample[3]), step);
#pragma unroll
    for (int k = 0; k < 4; k++)
        vstore16(keep_factors(words, k, threshold, scale), k, factors);
}

__kernel void dropout_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics),
                              READS_OF(step_block, step), STREAM_AXES,
                              const int first_sample, const uint node, const uint threshold,
                              const float scale, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_STREAM_READ(x, c, size);
    OPEN_WRITE(statistics);
    OPEN_READ_OF(step_block, step);
    __global float *restrict y = y_home + y_at + c * size;
    float factors[64];
    for (int s = first; s < last; s++) {
        const int k = (s - first) % 4;
        if (k == 0)
            dropout_factors(factors, step, s, c, strips, n, first_sample, node, threshold, scale);
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            lanes_store(y + i, STREAM_READ(x, i) * NAS_JOIN(vload, LANES)(k * PARTS + j, factors));
        }
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void dropout_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t),
                               READS_OF(step_block, step), STREAM_AXES,
                               const int first_sample, const uint node, const uint threshold,
                               const float scale, const int channels)
{
    OPEN_RUN;
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    OPEN_STREAM_INTO(t, c, size);
    OPEN_READ_OF(step_block, step);
    float factors[64];
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        const int k = (s - first) % 4;
        if (k == 0)
            dropout_factors(factors, step, s, c, strips, n, first_sample, node, threshold, scale);
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const lanes v = STREAM_FORM(g, i, sample + j * LANES) * NAS_JOIN(vload, LANES)(k * PARTS + j, factors);
            STREAM_HAND(t, v, i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
