// depthwise.cl - convolution with one filter per channel (groups = channels), any kernel, stride and dilation, and its gradients.
//
//   z[c, y, x] = bias[c] + Σ_r Σ_s  w[c, r, s] · a[c, y·S + r·D − pad_h, x·S + s·D − pad_w]
//
// Arithmetic is scarce here (9 or 25 multiply-adds per value), so what counts is to touch memory once and in order.  A work-item
// takes one channel, `rows` rows and a group of up to GROUP strips, which lie side by side in memory: whole stretches of
// it are read, not one cache line in n/16.  Block by block of BLOCK_H × BLOCK_W output pixels it packs the input window into private
// memory (convolution.clh: prologue once, real zeros for padding), then slides over it, register vector by register
// vector v of the group.  The multichannel version: conv2d.cl; the plain one: conv2d_plain.cl.
//
// The weight gradient keeps one sum per tap and lane in registers while it runs over its part of the pixels; taps
// are taken all at once, or row by row where they would not fit the registers.  conv2d_parts.cl adds up the parts.
//
// compile: -DKH=3 -DKW=3
// compile: -DKH=5 -DKW=5 -DS=2 -DD=2 -DLANES=8 -DCURVED=1
#include "convolution.clh"

#ifndef S
#define S 1 // stride
#endif
#ifndef D
#define D 1 // dilation
#endif
#define TAPS (KH * KW)
// Pixels in registers: enough chains of multiply-adds to hide their latency.
#ifndef PT
#if LANES == 16
#define PT 8
#else
#define PT 4
#endif
#endif
// The host knows the next three: a part's rows are a multiple of BLOCK_H, weight-gradient chunks are blocks of a group.
#define BLOCK_H (S == 1 ? 8 : 4)
#define BLOCK_W (S == 1 ? 32 : 16)
#define GROUP 1
#define VECTORS (GROUP * PARTS) // of a packed pixel
#define WINDOW_H ((BLOCK_H - 1) * S + (KH - 1) * D + 1)
#define WINDOW_W ((BLOCK_W - 1) * S + (KW - 1) * D + 1)

#define AXES                                                                                       \
    const int C, const int H, const int W, const int HO, const int WO, const int n, const int real, \
        const int pad_h, const int pad_w

// Packs columns first … first + count − 1 of a row, `vectors` register vectors of each; zero outside the row.
static inline void pack_row(lanes *to, __global const float *row, const int first, const int count, const int width,
                            const int n, const int vectors, const edge e)
{
    const lanes lowest = (lanes)(e.activation == ACT_NONE ? -INFINITY : 0.0f);
    for (int i = 0; i < count; i++, to += VECTORS) {
        const int column = first + i;
        if (column < 0 || column >= width) {
            for (int v = 0; v < vectors; v++)
                to[v] = (lanes)0.0f;
        } else if (vectors == VECTORS && e.activation <= ACT_RELU) {
#pragma unroll
            for (int v = 0; v < VECTORS; v++)
                PACK_READ_ONE(v, row + (size_t)column * n + v * LANES);
        } else if (e.activation <= ACT_RELU) {
            for (int v = 0; v < vectors; v++)
                PACK_READ_ONE(v, row + (size_t)column * n + v * LANES);
        } else {
            for (int v = 0; v < vectors; v++)
                to[v] = edge_value(lanes_load(row + (size_t)column * n + v * LANES), e);
        }
    }
}

// The same for dz; f.sample is the sample of the first vector's first lane.
static inline void pack_gradient_row(lanes *to, __global const float *g, __global const float *z, const int first,
                                     const int count, const int width, const int n, const int vectors, former f)
{
    const int sample = f.sample;
    for (int i = 0; i < count; i++, to += VECTORS) {
        const int column = first + i;
        const size_t at = (size_t)column * n;
        if (column < 0 || column >= width) {
            for (int v = 0; v < vectors; v++)
                to[v] = (lanes)0.0f;
        } else if (vectors == VECTORS && f.formed && sample + VECTORS * LANES <= f.real) {
#pragma unroll
            for (int v = 0; v < VECTORS; v++)
                to[v] = fma((lanes)f.a, lanes_load(g + at + v * LANES),
                            fma((lanes)f.b, lanes_load(z + at + v * LANES), (lanes)f.d));
        } else {
            for (int v = 0; v < vectors; v++) {
                f.sample = sample + v * LANES;
                to[v] = former_value(g + at + v * LANES, z + at + v * LANES, f);
            }
        }
    }
}

static inline void pack_zeros(lanes *to, const int count, const int vectors)
{
    for (int i = 0; i < count; i++, to += VECTORS)
        for (int v = 0; v < vectors; v++)
            to[v] = (lanes)0.0f;
}

// The window under hn × wn output pixels from (y0, x0); wn is rounded up to whole register tiles.
static inline void pack_window(lanes *pack, __global const float *x, int y0, int hn, int x0, int wn, int H, int W, int n,
                               int pad_h, int pad_w, int vectors, edge e)
{
    const int columns = ((wn + PT - 1) / PT * PT - 1) * S + (KW - 1) * D + 1;
    for (int i = 0; i < (hn - 1) * S + (KH - 1) * D + 1; i++) {
        const int row = y0 * S - pad_h + i;
        lanes *to = pack + i * WINDOW_W * VECTORS;
        if (row >= 0 && row < H)
            pack_row(to, x + (size_t)row * W * n, x0 * S - pad_w, columns, W, n, vectors, e);
        else
            pack_zeros(to, columns, vectors);
    }
}

// Register vectors of strip group `group`.
#define VECTORS_OF(group, strips) (min(GROUP, strips - group * GROUP) * PARTS)

// Global size (row chunks, strip groups, C).
__kernel void depthwise_forward(STREAM_READ_ARGUMENTS(x), READS(weight), READS(bias), WRITES(z), WRITES(statistics), AXES,
                                const int rows, const int parts, const int biased)
{
    const int chunk = get_global_id(0), group = get_global_id(1), c = get_global_id(2);
    OPEN_STREAM_READ(x, c, (size_t)H * W * n);
    OPEN_READ(weight);
    OPEN_READ(bias);
    OPEN_WRITE(z);
    OPEN_WRITE(statistics);
    const int first = chunk * rows, last = min(first + rows, HO), strips = n / 16;
    const int vectors = VECTORS_OF(group, strips), sample = group * GROUP * 16;
    float w[TAPS];
    for (int i = 0; i < TAPS; i++)
        w[i] = weight[c * TAPS + i];
    const lanes start = (lanes)(biased ? bias[c] : 0.0f);
    lanes pack[WINDOW_H * WINDOW_W * VECTORS];
    tally tallies[VECTORS];
    for (int y0 = first; y0 < last; y0 += BLOCK_H)
        for (int x0 = 0; x0 < WO; x0 += BLOCK_W) {
            const int hn = min(BLOCK_H, last - y0), wn = min(BLOCK_W, WO - x0);
            pack_window(pack, x + sample, y0, hn, x0, wn, H, W, n, pad_h, pad_w, vectors, e_x);
            for (int y = 0; y < hn; y++)
                for (int v = 0; v < vectors; v++) {
                    __global float *to = z + (((size_t)c * HO + y0 + y) * WO + x0) * n + sample + v * LANES;
                    __global const float *next = // the row that takes this one's place in the next block
                        x + ((size_t)((y0 + y + BLOCK_H) * S - pad_h + (KH - 1) * D) * W + x0 * S) * n + sample + v * LANES;
                    tally all = tallies[v];
                    for (int t = 0; t < wn; t += PT) {
                        lanes acc[PT];
                        const lanes *from = pack + (y * S * WINDOW_W + t * S) * VECTORS + v;
#pragma unroll
                        for (int j = 0; j < PT; j++)
                            acc[j] = start;
#pragma unroll 1 // unrolled, LLVM makes one long chain per pixel, which waits for itself
                        for (int r = 0; r < KH; r++)
#pragma unroll
                            for (int s = 0; s < KW; s++)
#pragma unroll
                                for (int j = 0; j < PT; j++)
                                    acc[j] = fma(from[(r * D * WINDOW_W + j * S + s * D) * VECTORS],
                                                 (lanes)w[r * KW + s], acc[j]);
                        const int fresh = y0 + y == first && x0 + t == 0;
#pragma unroll
                        for (int j = 0; j < PT; j++) {
                            SOON(to + (size_t)(WO + t + j) * n);
                            for (int i = 0; i < S; i++)
                                SOON(next + (size_t)((t + j) * S + i) * n);
                        }
                        if (fresh)
                            tally_start(&all, acc[0]);
                        TALLY_ROW(acc, PT, (long)n, wn - t, (to + (size_t)t * n), all)
                    }
                    tallies[v] = all;
                }
        }
    if (parts)
        for (int g = 0; g < vectors / PARTS; g++)
            tally_write(tallies + g * PARTS, (last - first) * WO, sample + g * 16, real, statistics, c,
                        chunk * strips + group * GROUP + g, parts);
}

// ---- input gradient ----
// dx[y, x] = Σ over taps with (y + pad_h − r·D) and (x + pad_w − s·D) divisible by S.  Blocks are of input pixels; columns go
// phase by phase, u = x + pad_w = u0 + p + S·j, as in conv2d.cl.
#define BACK_H ((KH - 1) * D / S)
#define BACK_W ((KW - 1) * D / S)
#define PACK_H (BLOCK_H + 1 + BACK_H) // rows of dz that BLOCK_H · S input rows need
#define PACK_W (BLOCK_W + BACK_W)     // columns of dz, for BLOCK_W · S input columns

// Global size (row chunks, strip groups, C); here `rows` counts input rows.
__kernel void depthwise_backward_input(STREAM_GRADIENT_ARGUMENTS(g), READS(weight), STREAM_INTO_ARGUMENTS(t), AXES,
                                       const int rows, const int parts)
{
    const int chunk = get_global_id(0), group = get_global_id(1), c = get_global_id(2);
    OPEN_READ(g_coefficients);
    OPEN_READ(weight);
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(t_scale);
    OPEN_READ(t_shift);
    OPEN_READ(t_mean);
    OPEN_WRITE(t_reductions);
    OPEN_WRITE(t);
    OPEN_READ(t_z);
    const hand h = HAND_OF(t, c);
    const int first = chunk * rows, last = min(first + rows, H), strips = n / 16;
    const int vectors = VECTORS_OF(group, strips), sample = group * GROUP * 16;
    float w[TAPS];
    for (int i = 0; i < TAPS; i++)
        w[i] = weight[c * TAPS + i];
    lanes pack[PACK_H * PACK_W * VECTORS], r0[VECTORS], r1[VECTORS];
    for (int v = 0; v < vectors; v++)
        r0[v] = r1[v] = (lanes)0.0f;
    const former f = FORMER(g, c, C, sample, real);
    for (int y0 = first; y0 < last; y0 += BLOCK_H * S)
        for (int u0 = pad_w / S * S; u0 < W + pad_w; u0 += S * BLOCK_W) {
            const int end = min(y0 + BLOCK_H * S, last);
            // rows of dz from `top` on; u and v count from the padding's edge
            const int top = (y0 + pad_h) / S - BACK_H, bottom = (end - 1 + pad_h) / S;
            const int wide = min(BLOCK_W, (W + pad_w - u0 + S - 1) / S);
            const int columns = (wide + PT - 1) / PT * PT + BACK_W;
            for (int q = top; q <= bottom; q++) {
                lanes *to = pack + (q - top) * PACK_W * VECTORS;
                const size_t at = ((size_t)c * HO + q) * WO * n + sample;
                if (q >= 0 && q < HO)
                    pack_gradient_row(to, g + at, g_z + at, u0 / S - BACK_W, columns, WO, n, vectors, f);
                else
                    pack_zeros(to, columns, vectors);
            }
            for (int y = y0; y < end; y++)
                for (int v = 0; v < vectors; v++) {
                    lanes own0 = r0[v], own1 = r1[v];
                    const size_t next = // the rows of dz that the next block adds
                        ((size_t)c * HO * WO + (size_t)((y - y0) / S + bottom + 1) * WO + u0 / S) * n + sample + v * LANES;
#pragma unroll
                    for (int p = 0; p < S; p++) // phases outside: the order of R0 and R1 must not follow PT
                        for (int q = 0; q < wide; q += PT) {
                            lanes acc[PT];
#pragma unroll
                            for (int j = 0; j < PT; j++) {
                                acc[j] = (lanes)0.0f;
                                if (p == 0) {
                                    SOON(g + next + (size_t)(q + j) * n);
                                    SOON(g_z + next + (size_t)(q + j) * n);
                                }
                            }
#pragma unroll 1
                            for (int r = 0; r < KH; r++) {
                                const int u = y + pad_h - r * D + S * KH * D; // kept positive for the division
                                const lanes *from = pack + ((u / S - KH * D - top) * PACK_W + q + BACK_W) * VECTORS + v;
                                if (u % S == 0)
#pragma unroll
                                    for (int s = 0; s < KW; s++)
                                        if ((s * D - p) % S == 0)
#pragma unroll
                                            for (int j = 0; j < PT; j++)
                                                acc[j] = fma(from[(j - (s * D - p) / S) * VECTORS],
                                                             (lanes)w[r * KW + s], acc[j]);
                            }
                            const int x = u0 + p - pad_w + S * q;
                            const size_t at = (((size_t)c * H + y) * W + x) * n + sample + v * LANES;
#pragma unroll
                            for (int j = 0; j < PT; j++) {
                                SOON(t + at + (size_t)(W + S * j) * n);
                                SOON(t_z + at + (size_t)(W + S * j) * n);
                            }
                            HAND_ROW(acc, PT, S * (long)n, x >= 0 && x + S * PT <= W, x + S * j >= 0 && x + S * j < W, (t + at), (t_z + at), h,
                                     own0, own1)
                        }
                    r0[v] = own0;
                    r1[v] = own1;
                }
        }
    if (t_reduces)
        for (int v = 0; v < vectors; v += PARTS) {
            const int part = chunk * strips + group * GROUP + v / PARTS;
            t_reductions[(2 * (size_t)c) * parts + part] = lanes_total(r0 + v);
            t_reductions[(2 * (size_t)c + 1) * parts + part] = lanes_total(r1 + v);
        }
}

// ---- weight gradient ----
#if TAPS <= 9 || (TAPS <= 25 && LANES == 16)
#define ROWS_AT_ONCE KH
#else
#define ROWS_AT_ONCE 1
#endif

// Global size (parts, C); a part is `blocks` blocks of BLOCK_H × BLOCK_W output pixels, counted group by group of strips.
__kernel void depthwise_backward_weight(STREAM_READ_ARGUMENTS(x), STREAM_GRADIENT_ARGUMENTS(g), WRITES(sums), AXES,
                                        const int groups, const int blocks)
{
    const int part = get_global_id(0), c = get_global_id(1);
    OPEN_STREAM_READ(x, c, (size_t)H * W * n);
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(g_coefficients);
    OPEN_WRITE(sums);
    const int across = (WO + BLOCK_W - 1) / BLOCK_W, down = (HO + BLOCK_H - 1) / BLOCK_H, strips = n / 16;
    const int last = min((part + 1) * blocks, groups * across * down);
    lanes pack[WINDOW_H * WINDOW_W * VECTORS], total[TAPS * PARTS];
    for (int i = 0; i < TAPS * PARTS; i++)
        total[i] = (lanes)0.0f;
    for (int block = part * blocks; block < last; block++) {
        const int group = block / (across * down), vectors = VECTORS_OF(group, strips);
        const int y0 = block / across % down * BLOCK_H, hn = min(BLOCK_H, HO - y0);
        const int x0 = block % across * BLOCK_W, wn = min(BLOCK_W, WO - x0);
        pack_window(pack, x + group * GROUP * 16, y0, hn, x0, wn, H, W, n, pad_h, pad_w, vectors, e_x);
        for (int r0 = 0; r0 < KH; r0 += ROWS_AT_ONCE)
            for (int v0 = 0; v0 < PARTS; v0++) {
                lanes acc[ROWS_AT_ONCE][KW];
#pragma unroll
                for (int r = 0; r < ROWS_AT_ONCE; r++)
#pragma unroll
                    for (int s = 0; s < KW; s++)
                        acc[r][s] = (lanes)0.0f;
                for (int y = 0; y < hn; y++)
                    for (int v = v0; v < vectors; v += PARTS) {
                        const int sample = group * GROUP * 16 + v * LANES;
                        const former f = FORMER(g, c, C, sample, real);
                        const size_t at = (((size_t)c * HO + y0 + y) * WO + x0) * n + sample;
                        const lanes *from = pack + (y * S + r0 * D) * WINDOW_W * VECTORS + v;
                        __global const float *next = // the row of x that takes this one's place in the next block
                            x + ((size_t)((y0 + y + BLOCK_H) * S - pad_h + (KH - 1) * D) * W + x0 * S) * n + sample;
                        for (int i = 0; i < wn; i++, from += S * VECTORS) {
                            SOON(g + at + (size_t)(WO + i) * n);
                            SOON(g_z + at + (size_t)(WO + i) * n);
                            for (int j = 0; j < S; j++)
                                SOON(next + (size_t)(S * i + j) * n);
                            const lanes d = former_value(g + at + (size_t)i * n, g_z + at + (size_t)i * n, f);
#pragma unroll
                            for (int r = 0; r < ROWS_AT_ONCE; r++)
#pragma unroll
                                for (int s = 0; s < KW; s++)
                                    acc[r][s] = fma(d, from[(r * D * WINDOW_W + s * D) * VECTORS], acc[r][s]);
                        }
                    }
#pragma unroll
                for (int r = 0; r < ROWS_AT_ONCE; r++)
#pragma unroll
                    for (int s = 0; s < KW; s++)
                        total[((r0 + r) * KW + s) * PARTS + v0] += acc[r][s];
            }
    }
    for (int i = 0; i < TAPS; i++)
        sums[((size_t)part * C + c) * TAPS + i] = lanes_total(total + i * PARTS);
}
