// upsample.cl - y[h][w] = read(x[h div factor][w div factor]), for the out_h × out_w pixels of y.
//
//   upsample_forward   one part of one channel of y (stream.clh), global size (parts, channels)
//   upsample_backward  one part of one channel of G: a pixel gathers the dz of its copies, row by row
//
// A pixel is n/16 strips, one after the other; strip s belongs to pixel s div (n/16).
#include "stream.clh"

#define SIZE_ARGUMENTS                                                                             \
    const int factor, const int in_h, const int in_w, const int out_h, const int out_w

__kernel void upsample_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), STREAM_AXES,
                               SIZE_ARGUMENTS, const int wants_statistics)
{
    OPEN_RUN;
    const int pixel_strips = n / 16;
    OPEN_STREAM_READ(x, c, (size_t)in_h * in_w * n);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    for (int s = first; s < last; s++) {
        const int pixel = s / pixel_strips, rest = s % pixel_strips;
        const int h = pixel / out_w / factor, w = pixel % out_w / factor;
        const size_t source = ((size_t)(h * in_w + w) * pixel_strips + rest) * 16;
        for (int j = 0; j < PARTS; j++)
            lanes_store(y + (size_t)s * 16 + j * LANES, STREAM_READ(x, source + j * LANES));
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void upsample_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), STREAM_AXES,
                                SIZE_ARGUMENTS, const int channels)
{
    OPEN_RUN;
    const int pixel_strips = n / 16;
    OPEN_STREAM_GRADIENT(g, c, channels, (size_t)out_h * out_w * n);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        const int pixel = s / pixel_strips, rest = s % pixel_strips;
        const int top = pixel / in_w * factor, left = pixel % in_w * factor;
        const int bottom = min(top + factor, out_h), right = min(left + factor, out_w);
        for (int j = 0; j < PARTS; j++) {
            lanes v = (lanes)0.0f;
            for (int h = top; h < bottom; h++)
                for (int w = left; w < right; w++) {
                    const size_t source = ((size_t)(h * out_w + w) * pixel_strips + rest) * 16;
                    v += STREAM_FORM(g, source + j * LANES, sample + j * LANES);
                }
            STREAM_HAND(t, v, (size_t)s * 16 + j * LANES, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
