// rearrange.cl - pixels that move: y[c][h][w] = read(x) at another place, or a constant where there is none.
//
// reshape, transpose and pad are this with other numbers (host/ops/rearrange.c).  A place is a pixel's number in its sample, counted
// channel by channel and row by row:
//
//     place = base + c·step_c + h·step_h + w·step_w     where low ≤ (c, h, w) < high on every axis, else there is none
//
//   rearrange_forward   one part of one channel of y (stream.clh), global size (parts, channels)
//   rearrange_backward  one part of one channel of G: each pixel gathers the dz of the one place that took it, or 0
//
// A pixel is n/16 strips, one after the other; strip s belongs to pixel s div (n/16).  The channel of a place, and so its affine,
// differs from pixel to pixel.
#include "stream.clh"

#define WALK_ARGUMENTS                                                                             \
    const int base, const int step_c, const int step_h, const int step_w, const int low_c,         \
        const int low_h, const int low_w, const int high_c, const int high_h, const int high_w,    \
        const int width, const int other_plane

// `from`: the place that strip s of channel c takes, −1: none.
#define OPEN_PLACE_OF(s)                                                                           \
    const int pixel = (s) / pixel_strips, rest = (s) % pixel_strips;                               \
    const int h = pixel / width, w = pixel % width;                                                \
    const bool inside = c >= low_c && c < high_c && h >= low_h && h < high_h && w >= low_w && w < high_w; \
    const int from = inside ? base + c * step_c + h * step_h + w * step_w : 0;                     \
    const int from_c = from / other_plane;                                                         \
    const size_t source = ((size_t)from * pixel_strips + rest) * 16

__kernel void rearrange_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), STREAM_AXES,
                                WALK_ARGUMENTS, const float value, const int wants_statistics)
{
    OPEN_RUN;
    const int pixel_strips = n / 16;
    OPEN_READ(x);
    OPEN_READ(x_scale);
    OPEN_READ(x_shift);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    for (int s = first; s < last; s++) {
        OPEN_PLACE_OF(s);
        const edge e = EDGE(x, x_scale, x_shift, from_c);
        for (int j = 0; j < PARTS; j++)
            lanes_store(y + (size_t)s * 16 + j * LANES,
                        inside ? edge_value(lanes_load(x + source + j * LANES), e) : (lanes)value);
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void rearrange_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), STREAM_AXES,
                                 WALK_ARGUMENTS, const int channels)
{
    OPEN_RUN;
    const int pixel_strips = n / 16;
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(g_coefficients);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        OPEN_PLACE_OF(s);
        const float a = g_formed ? g_coefficients[from_c] : 1.0f;
        const float b = g_formed ? g_coefficients[channels + from_c] : 0.0f;
        const float d = g_formed ? g_coefficients[2 * channels + from_c] : 0.0f;
        for (int j = 0; j < PARTS; j++) {
            const size_t i = source + j * LANES;
            const lanes v = inside ? stream_form(lanes_load(g + i), g_z + i, g_formed, a, b, d, sample + j * LANES, real)
                                   : (lanes)0.0f;
            STREAM_HAND(t, v, (size_t)s * 16 + j * LANES, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
