// mul.cl - y = read(x)·read(m): m has the shape of x, or is a gate {c,1,1} that scales all of a channel's pixels (squeeze and
// excitation, arXiv 1709.01507).
//
//   mul_forward        one part of one channel (stream.clh), global size (parts, channels)
//   mul_backward       the same; dx = dy·read(m), or dm = dy·read(x) where the shapes are equal
//   mul_backward_gate  dm of a gate: Σ over pixels of dy·read(x), one work-item per strip of 16 samples and channel, global
//                      size (n/16, channels)
#include "stream.clh"

__kernel void mul_forward(STREAM_READ_ARGUMENTS(x), STREAM_READ_ARGUMENTS(m), WRITES(y),
                          WRITES(statistics), STREAM_AXES, const int gate, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_STREAM_READ(x, c, size);
    OPEN_STREAM_READ(m, c, gate ? (size_t)n : size);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            lanes_store(y + i, STREAM_READ(x, i) * STREAM_READ(m, gate ? (size_t)(sample + j * LANES) : i));
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void mul_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_READ_ARGUMENTS(m), STREAM_INTO_ARGUMENTS(t),
                           STREAM_AXES, const int gate, const int channels)
{
    OPEN_RUN;
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    OPEN_STREAM_READ(m, c, gate ? (size_t)n : size);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const int lane = sample + j * LANES;
            const lanes v = STREAM_FORM(g, i, lane) * STREAM_READ(m, gate ? (size_t)lane : i);
            STREAM_HAND(t, lanes_below(v, (lanes)0.0f, lane, real), i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}

__kernel void mul_backward_gate(STREAM_GRADIENT_ARGUMENTS(g), STREAM_READ_ARGUMENTS(x),
                                STREAM_INTO_ARGUMENTS(t), STREAM_AXES, const int channels)
{
    const int part = get_global_id(0), parts = get_global_size(0), c = get_global_id(1);
    const size_t size = (size_t)strips * 16;
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    OPEN_STREAM_READ(x, c, size);
    OPEN_STREAM_INTO(t, c, (size_t)n);
    for (int j = 0; j < PARTS; j++) {
        const int sample = part * 16 + j * LANES;
        lanes sum = (lanes)0.0f;
        for (size_t i = sample; i < size; i += n)
            sum = fma(STREAM_FORM(g, i, sample), STREAM_READ(x, i), sum);
        STREAM_HAND(t, lanes_below(sum, (lanes)0.0f, sample, real), sample, j);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
