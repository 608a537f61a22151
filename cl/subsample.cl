// subsample.cl - y[h][w] = read(x[from_h + h·step_h][from_w + w·step_w]), 0 where that lies outside the image.
//
//   subsample_forward   one part of one channel of y (stream.clh), global size (parts, channels)
//   subsample_backward  one part of one channel of G: a pixel that was taken gets its output's dz, the others 0
//
// A pixel is n/16 strips, one after the other; strip s belongs to pixel s div (n/16).
#include "stream.clh"

#define PICK_ARGUMENTS                                                                             \
    const int step_h, const int step_w, const int from_h, const int from_w, const int in_h,        \
        const int in_w, const int out_h, const int out_w

__kernel void subsample_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), STREAM_AXES,
                                PICK_ARGUMENTS, const int wants_statistics)
{
    OPEN_RUN;
    const int pixel_strips = n / 16;
    OPEN_STREAM_READ(x, c, (size_t)in_h * in_w * n);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    for (int s = first; s < last; s++) {
        const int pixel = s / pixel_strips, rest = s % pixel_strips;
        const int h = from_h + pixel / out_w * step_h, w = from_w + pixel % out_w * step_w;
        const bool inside = h < in_h && w < in_w;
        const size_t source = inside ? ((size_t)(h * in_w + w) * pixel_strips + rest) * 16 : 0;
        for (int j = 0; j < PARTS; j++)
            lanes_store(y + (size_t)s * 16 + j * LANES,
                        inside ? STREAM_READ(x, source + j * LANES) : (lanes)0.0f);
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void subsample_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), STREAM_AXES,
                                 PICK_ARGUMENTS, const int channels)
{
    OPEN_RUN;
    const int pixel_strips = n / 16;
    OPEN_STREAM_GRADIENT(g, c, channels, (size_t)out_h * out_w * n);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        const int pixel = s / pixel_strips, rest = s % pixel_strips;
        const int h = pixel / in_w - from_h, w = pixel % in_w - from_w;
        const bool taken = h >= 0 && w >= 0 && h % step_h == 0 && w % step_w == 0;
        const int from_pixel = taken ? h / step_h * out_w + w / step_w : 0;
        const size_t source = ((size_t)from_pixel * pixel_strips + rest) * 16;
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const lanes v =
                taken ? STREAM_FORM(g, source + j * LANES, sample + j * LANES) : (lanes)0.0f;
            STREAM_HAND(t, v, i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
