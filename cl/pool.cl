// pool.cl - maximum and average over windows, and the average of everything.
//
//     y[oy][ox] = max or mean of x[oy·SH − PH + r][ox·SW − PW + q],  0 ≤ r < KH, 0 ≤ q < KW, inside the image
//
// Padding counts as −∞ for the maximum and not at all for the mean (the divisor is the number of pixels inside).  Of equal
// maxima the first in window order (r, then q) wins and alone receives the gradient: flat regions make ties common.
//
// Forward, one work-item computes one output row of one channel; backward, one input row: grid (rows, channels), shared out (share.clh).  It
// walks along the row for 16 samples at a time and keeps the window's columns in registers: each is loaded and reduced
// over its KH rows once, whatever the overlap.  Backward gathers, so there are no atomics: an input pixel sums the windows that
// contain it, and a maximum's window counts where its saved argmax (r·KW + q, one byte) names this pixel.  Saving costs a quarter
// of y's bytes once; recomputing would read KH·KW values of x again for each of up to KH·KW windows.
// Parts of statistics are output rows, parts of reductions are input rows.
//
// compile: -DKIND=0 -DKH=3 -DKW=3 -DSH=1 -DSW=1 -DPH=1 -DPW=1
// compile: -DKIND=1 -DKH=3 -DKW=3 -DSH=2 -DSW=2 -DPH=1 -DPW=1 -DLANES=8
// compile: -DKIND=2 -DCURVED=1 -DLANES=4
// Defines: KIND 0 maximum, 1 average, 2 average of everything; KH KW SH SW PH PW; CURVED (default 0).
#include "stream.clh"
#include "share.clh"

#ifndef KIND
#define KIND 0
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define PH 1
#define PW 1
#endif

#if KIND != 2
typedef NAS_JOIN(uchar, LANES) lanes_uchar;
#define lanes_to_uchar(value) NAS_JOIN(convert_uchar, LANES)(value)
#define lanes_from_uchar(value) NAS_JOIN(convert_int, LANES)(value)

// One column of the window at input column ix, reduced over its rows `low` … `high` − 1.  `x` is the window's first row at
// these samples.  Maximum: the value and r·KW of the row r that it came from; average: the sum.
typedef struct column {
    lanes value;
    lanes_int code;
} column;

INLINE void column_read(column *result, __global const float *x, int ix, int width, int low, int high,
                               int n, edge e)
{
    result->code = (lanes_int)(0);
#if KIND == 0
    result->value = (lanes)(-INFINITY);
#else
    result->value = (lanes)0.0f;
#endif
    if (ix < 0 || ix >= width)
        return;
#if CURVED
#pragma unroll 1 // one copy of the activation's code, which is long
#else
#pragma unroll
#endif
    for (int r = 0; r < KH; r++) {
        if (r < low || r >= high)
            continue;
        const lanes v = edge_value(lanes_load(x + ((long)r * width + ix) * n), e);
#if KIND == 0
        const lanes_int better = v > result->value;
        result->code = select(result->code, (lanes_int)(r * KW), better);
        result->value = select(result->value, v, better);
#else
        result->value += v;
#endif
    }
}

// Columns that two neighbouring windows share.
#if KW > SW
#define SHARED (KW - SW)
#else
#define SHARED 0
#endif

// Joins a window's columns: writes y and, where `argmax` is not NULL, which pixel was the maximum.  `share`: of the average.
INLINE void window_write(const column *columns, __global float *y, __global uchar *argmax, float share)
{
    lanes value = columns[0].value;
#if KIND == 0
    // code = r·KW + q; of equal values the smaller code is first
    lanes_int code = columns[0].code;
#pragma unroll
    for (int q = 1; q < KW; q++) {
        const lanes_int other = columns[q].code + q;
        const lanes_int better = (columns[q].value > value) | ((columns[q].value == value) & (other < code));
        code = select(code, other, better);
        value = select(value, columns[q].value, better);
    }
    if (argmax)
        *(__global lanes_uchar *)argmax = lanes_to_uchar(code);
#else
#pragma unroll
    for (int q = 1; q < KW; q++)
        value += columns[q].value;
    value *= share;
#endif
    lanes_store(y, value);
}

#define WINDOW_SHARE(left) (1.0f / (float)((high - low) * (min(KW, in_w - (left)) - max(0, -(left)))))

__kernel void pool_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES_OF(uchar, argmax), WRITES(statistics),
                           const int in_h, const int in_w, const int out_w, const int n, const int real,
                           const int saves, const int wants_statistics, SHARES)
{
    EACH_PLACE
    {
        OPEN_PLACE_2D;
        const int oy = place0, out_h = size0, c = place1;
        OPEN_STREAM_READ(x, c, (size_t)in_h * in_w * n);
        OPEN_WRITE(statistics);
        const size_t row_at = ((size_t)c * out_h + oy) * out_w * n;
        __global float *restrict y = y_home + y_at + row_at;
#if KIND == 0
        OPEN_WRITE_OF(uchar, argmax);
        argmax = saves ? argmax + row_at : 0;
#else
        __global uchar *argmax = 0;
#endif
        const int top = oy * SH - PH, low = max(0, -top), high = min(KH, in_h - top);
        __global const float *window = x + (long)top * in_w * n;
#if SHARED == 0
        for (int ox = 0; ox < out_w; ox++) { // nothing to keep: walk through memory as it lies
            const int left = ox * SW - PW;
            const float share = WINDOW_SHARE(left);
            for (int o = 0; o < n; o += LANES) {
                column columns[KW];
#pragma unroll
                for (int q = 0; q < KW; q++)
                    column_read(&columns[q], window + o, left + q, in_w, low, high, n, e_x);
                const size_t at = (size_t)ox * n + o;
                window_write(columns, y + at, argmax ? argmax + at : 0, share);
            }
        }
#else
        for (int o = 0; o < n; o += LANES) {
            column columns[KW + SW];
#pragma unroll
            for (int q = 0; q < SHARED; q++)
                column_read(&columns[q + SW], window + o, q - PW, in_w, low, high, n, e_x);
            for (int ox = 0; ox < out_w; ox++) {
                const int left = ox * SW - PW;
#pragma unroll
                for (int q = 0; q < SHARED; q++)
                    columns[q] = columns[q + SW];
#pragma unroll
                for (int q = SHARED; q < KW; q++)
                    column_read(&columns[q], window + o, left + q, in_w, low, high, n, e_x);
                const size_t at = (size_t)ox * n + o;
                window_write(columns, y + at, argmax ? argmax + at : 0, WINDOW_SHARE(left));
            }
        }
#endif
        if (wants_statistics)
            stream_statistics(y, 0, out_w * (n / 16), n, real, statistics, c, oy, out_h);
    }
}

// Windows that contain a pixel, at most, in each direction.
#define ROWS ((KH + SH - 1) / SH)
#define COLUMNS ((KW + SW - 1) / SW)

// The gradients of the windows in output column ox that reach this input row, rows `last` − u, u = 0 … ROWS − 1: of the
// maximum each with the pixel that is meant, of the average their sum.
#if KIND == 0
#define KEPT ROWS
#else
#define KEPT 1
#endif
typedef struct window_column {
    lanes value[KEPT];
    lanes_int code[KEPT];
} window_column;

// What a window column needs to know.
typedef struct window_source {
    __global const float *g, *g_z;
    __global const uchar *argmax;
    int formed;
    float a, b, d;
    int out_h, out_w, n, real, sample;
    int iy, last, in_h, in_w;
} window_source;

INLINE void window_read(window_column *result, const window_source *s, int ox)
{
#pragma unroll
    for (int u = 0; u < KEPT; u++) {
        result->value[u] = (lanes)0.0f;
        result->code[u] = (lanes_int)(-1);
    }
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        const int oy = s->last - u, top = oy * SH - PH;
        if (ox < 0 || ox >= s->out_w || oy < 0 || oy >= s->out_h || s->iy - top >= KH)
            continue;
        const size_t at = ((size_t)oy * s->out_w + ox) * s->n + s->sample;
        const lanes dy = stream_form(lanes_load(s->g + at), s->g_z + at, s->formed, s->a, s->b, s->d, s->sample, s->real);
#if KIND == 0
        result->value[u] = dy;
        result->code[u] = lanes_from_uchar(*(__global const lanes_uchar *)(s->argmax + at));
#else
        const int left = ox * SW - PW;
        const int rows = min(KH, s->in_h - top) - max(0, -top), columns = min(KW, s->in_w - left) - max(0, -left);
        result->value[0] += dy * (1.0f / (float)(rows * columns));
#endif
    }
}

#define SOURCE(sample)                                                                                                    \
    {g, g_z, argmax + c * out_size, g_formed, g_a, g_b, g_d, out_h, out_w, n, real, (sample), iy, (iy + PH) / SH, in_h, in_w}

__kernel void pool_backward(STREAM_GRADIENT_ARGUMENTS(g), READS_OF(uchar, argmax), STREAM_INTO_ARGUMENTS(t),
                            const int in_w, const int out_h, const int out_w, const int n, const int real,
                            const int channels, SHARES)
{
    EACH_PLACE
    {
        OPEN_PLACE_2D;
        const int iy = place0, in_h = size0, c = place1;
        const size_t out_size = (size_t)out_h * out_w * n;
        OPEN_STREAM_GRADIENT(g, c, channels, out_size);
        OPEN_READ_OF(uchar, argmax);
        OPEN_STREAM_INTO(t, c, (size_t)in_h * in_w * n);
#if ROWS == 1 && COLUMNS == 1
        // A pixel lies in one window at most: nothing to keep, so walk through memory as it lies.
        const int row = iy - (iy + PH) / SH * SH + PH;
        for (int ox = 0; ox * SW - PW < in_w; ox++)
            for (int s = 0; s < n; s += 16)
#pragma unroll
                for (int j = 0; j < PARTS; j++) {
                    const int sample = s + j * LANES;
                    const window_source source = SOURCE(sample);
                    window_column window;
                    window_read(&window, &source, ox);
#pragma unroll
                    for (int q = 0; q < SW; q++) {
                        const int ix = ox * SW - PW + q;
                        if (ix < 0 || ix >= in_w)
                            continue;
                        lanes v = (lanes)0.0f;
                        if (q < KW)
                            v = KIND == 0 ? select(v, window.value[0], window.code[0] == (lanes_int)(row * KW + q))
                                          : window.value[0];
                        const size_t at = ((size_t)iy * in_w + ix) * n + sample;
                        STREAM_HAND(t, v, at, j);
                    }
                }
#else
        for (int s = 0; s < n; s += 16)
            for (int j = 0; j < PARTS; j++) {
                const int sample = s + j * LANES;
                const window_source source = SOURCE(sample);
                // windows[k] is the column of windows ox = last − k
                window_column windows[COLUMNS + 1];
#pragma unroll
                for (int k = 0; k < COLUMNS; k++)
                    window_read(&windows[k], &source, PW / SW - k);
                for (int ix = 0; ix < in_w; ix++) {
                    const int last = (ix + PW) / SW;
                    if (ix > 0 && (ix + PW) % SW == 0) {
#pragma unroll
                        for (int k = COLUMNS - 1; k > 0; k--)
                            windows[k] = windows[k - 1];
                        window_read(&windows[0], &source, last);
                    }
                    lanes v = (lanes)0.0f;
#pragma unroll
                    for (int k = 0; k < COLUMNS; k++) {
                        const int q = ix - ((last - k) * SW - PW);
                        if (q >= KW)
                            continue;
#if KIND == 0
                        lanes part = (lanes)0.0f;
#pragma unroll
                        for (int u = 0; u < ROWS; u++) {
                            const int r = iy - ((source.last - u) * SH - PH);
                            part += select((lanes)0.0f, windows[k].value[u], windows[k].code[u] == (lanes_int)(r * KW + q));
                        }
                        v += part;
#else
                        v += windows[k].value[0];
#endif
                    }
                    const size_t at = ((size_t)iy * in_w + ix) * n + sample;
                    STREAM_HAND(t, v, at, j);
                }
            }
#endif
        CLOSE_STREAM_INTO(t, c, iy, in_h);
    }
}

#else

// y[c] = mean over all pixels; one work-item per 16 samples and channel, global size (n/16, channels).
__kernel void pool_forward_global(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), const int pixels,
                                  const int n, const int real, const int wants_statistics)
{
    const int part = get_global_id(0), parts = get_global_size(0), c = get_global_id(1);
    OPEN_STREAM_READ(x, c, (size_t)pixels * n);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + (size_t)c * n + part * 16;
    const float share = 1.0f / (float)pixels;
    for (int j = 0; j < PARTS; j++) {
        lanes sum = (lanes)0.0f;
        for (int p = 0; p < pixels; p++)
            sum += STREAM_READ(x, (size_t)p * n + part * 16 + j * LANES);
        lanes_store(y + j * LANES, sum * share);
    }
    if (wants_statistics)
        stream_statistics(y, 0, 1, 16, clamp(real - part * 16, 0, 16), statistics, c, part, parts);
}

// dx = dy / pixels; one part of one channel (stream.clh), global size (parts, channels).
__kernel void pool_backward_global(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), STREAM_AXES,
                                   const int channels)
{
    OPEN_RUN;
    OPEN_STREAM_GRADIENT(g, c, channels, (size_t)n);
    OPEN_STREAM_INTO(t, c, size);
    const float share = 1.0f / (float)(strips / (n / 16));
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const int lane = sample + j * LANES;
            STREAM_HAND(t, STREAM_FORM(g, lane, lane) * share, (size_t)s * 16 + j * LANES, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
#endif
