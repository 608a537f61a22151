// conv2d.cl - dense two-dimensional convolution of any kernel, stride and dilation, forward and both gradients.
//
//   z[k, y, x]   = bias[k] + Σ_r Σ_c Σ_s  w[k, c, r, s] · a[c, y·S + r·D − pad_h, x·S + s·D − pad_w]
//   da[c, y, x]  = Σ_r Σ_k Σ_s  w[k, c, r, s] · dz[k, (y + pad_h − r·D)/S, (x + pad_w − s·D)/S]       where S divides
//   dw[k, c, r, s] = Σ_y Σ_x Σ_n  dz[k, y, x, n] · a[c, y·S + r·D − pad_h, x·S + s·D − pad_w, n]
//
// with a = act(scale·x + shift) formed on load and dz = a·G + b·z + d formed on load (ops.h).  conv2d_plain.cl says the same
// without any tiling and is what this file is tested against; convolution.clh explains packing, strips and parts.
//
// FORWARD and BACKWARD_INPUT.  One work-item makes `rows` × PB output pixels of one strip for `tiles` tiles of KT output channels;
// such a block of pixels is a part of the statistics.  Block by block of CB input channels it goes down the rows, packs the input
// rows that the next output row adds into a ring of packed rows, and runs through taps and channels with KT × PT registers of
// sums; weights are scalars, read where they lie.  So a pixel is fetched from global memory little more than once per item, where it matters that channels
// often lie a power of two apart and drive each other out of the caches.  Input rows in the padding are skipped.  Sums wait in `partial`
// between blocks of input channels.  The order of every sum is block, r, c, s, whatever LANES, KT, PT and `tiles` are.
//   Where no more than half a tile's pixels lie inside the row, half a tile is computed: a row of 14 is 8 + 4 + 2.
//   A strided input gradient takes output pixels by their phase (x + pad_w) mod S: within a phase the taps that
// meet a pixel are the same ones and their dz lie side by side, so nothing is multiplied by zero.
//
// BACKWARD_WEIGHT.  One work-item sums one part of the pixels for KB × CB_WEIGHT channel pairs and all taps.  Per chunk (about
// 32 pixels of one strip) it packs dz and the new rows of a, again into a ring; KT_WEIGHT × CT × KW registers of sums run over the
// chunk and are added to `total`, still one sum per lane.  Lanes are crossed once at the end; conv2d_parts.cl adds up the parts.
//
// 1×1 with stride 1 is a matrix product and comes here with its pixels and strips laid in one row (host/ops/convolution.c).
// `plane` serves dense layers, whose C inputs are the pixels of C / plane channels: scale, shift and reductions are per channel.
//
// Small networks wait for memory: while a kernel sums, it asks (SOON) for what it packs next and for where its results go.
//
// Private memory is up to about 320 KB: right for CPUs, whose private memory is cache.
//
// compile: -DKH=3 -DKW=3
// compile: -DKH=3 -DKW=3 -DS=2 -DD=2 -DCURVED=1
// compile: -DKH=1 -DKW=1 -DLANES=8
#include "convolution.clh"

#ifndef S
#define S 1 // stride
#endif
#ifndef D
#define D 1 // dilation
#endif
// Output channels and pixels of a register tile, in forward and in the input gradient.  Tiles are what clnas-tune may change
// (host/ops/convolution_tuning.c): no sum depends on them.
#ifndef KT
#define KT 4
#endif
#ifndef PT
#if LANES == 16
#define PT 4
#else
#define PT 2
#endif
#endif
#define TAPS (KH * KW)
// Output pixels of an item: PB across (phases of a strided input gradient apart), at most ROWS down.
#define PB 8
#define ROWS 8
#ifndef REGISTERS
#define REGISTERS 512
#endif
// Input channels of a block: the ring of packed rows should stay in a first-level cache, as so many registers.  A strided input
// gradient uses a packed row for fewer taps, and is better off with a larger block than with one more pass over its sums.
#define BLOCK_OF(row, registers) ((registers) / (row) < 4 ? 4 : (registers) / (row))
#define RING ((KH - 1) * D + 1)
#define WINDOW ((PB - 1) * S + (KW - 1) * D + 1)
#define CB BLOCK_OF(RING * WINDOW, REGISTERS)
// The input gradient looks BACK_H rows and BACK_W columns back from its own place in dz.
#define BACK_H ((KH - 1) * D / S)
#define BACK_W ((KW - 1) * D / S)
#define RING_BACK (BACK_H + 1)
#define WINDOW_BACK (PB + BACK_W + (S > 1))
#define KB_BACK BLOCK_OF(RING_BACK * WINDOW_BACK, S > 1 ? REGISTERS * 5 / 4 : REGISTERS)
// Output channels per work-item at most; the host keeps tiles · KT within it.
#define CHANNELS (TAPS == 1 && S == 1 ? 64 : 32)

#define AXES                                                                                       \
    const int C, const int H, const int W, const int K, const int HO, const int WO, const int n,   \
        const int real, const int pad_h, const int pad_w, const int plane

#define EACH_OF_TILE(i, j, channels, pixels)                                                       \
    _Pragma("unroll") for (int i = 0; i < channels; i++) _Pragma("unroll") for (int j = 0; j < pixels; j++)

// Weights of one row of taps for the channels of a tile; those beyond the last channel read that one's.
#define TILE_WEIGHTS(w, tile, height, channels, at)                                                \
    __global const float *w[height];                                                               \
    _Pragma("unroll") for (int i = 0; i < height; i++)                                             \
    {                                                                                              \
        const int own = min((tile) * height + i, (channels) - 1);                                  \
        w[i] = weight + (at);                                                                      \
    }

// One row of taps over one block of channels: acc[i][j] += w[i][c][s] · window[c][j·S + s·D], j below `pixels`, a constant.
INLINE void forward_row(lanes acc[KT][PT], const lanes *window, __global const float *const w[KT], int channels, const int pixels)
{
    for (int c = 0; c < channels; c++, window += WINDOW) {
#pragma unroll
        for (int s = 0; s < KW; s++)
            EACH_OF_TILE(i, j, KT, pixels)
                acc[i][j] = fma(window[j * S + s * D], (lanes)w[i][c * TAPS + s], acc[i][j]);
    }
}

// Grid (blocks of pixels, strips, channel ranges), shared out (share.clh); blocks run along rows first.
__kernel void conv2d_forward(STREAM_READ_ARGUMENTS(x), READS(weight), READS(bias), WRITES(z), WRITES(statistics), AXES,
                             const int rows, const int tiles, const int parts, const int biased, SHARES)
{
    OPEN_READ(x);
    OPEN_READ(x_scale);
    OPEN_READ(x_shift);
    OPEN_READ(weight);
    OPEN_READ(bias);
    OPEN_WRITE(z);
    OPEN_WRITE(statistics);
    EACH_PLACE
    {
        OPEN_PLACE_3D;
        const int across = (WO + PB - 1) / PB;
        const int x0 = place0 % across * PB, xn = min(PB, WO - x0);
        const int y0 = place0 / across * rows, y1 = min(y0 + rows, HO);
        const int strip = place1, strips = size1;
        const int tile0 = place2 * tiles, tile1 = min(tile0 + tiles, (K + KT - 1) / KT);
        const int steps = (tile1 - tile0) * (PB / PT);
        lanes pack[RING * CB * WINDOW], partial[ROWS * PB * CHANNELS];
        tally tallies[CHANNELS * PARTS];

        for (int sub = 0; sub < PARTS; sub++)
            for (int c0 = 0; c0 < C; c0 += CB) {
                const int sample = strip * 16 + sub * LANES, cn = min(CB, C - c0), last = c0 + cn == C;
                int packed = 0; // rows below this one are in the ring or not needed any more
                for (int y = y0; y < y1; y++) {
                    const int top = y * S - pad_h;
                    for (int row = max(packed, top); row < min(top + RING, H); row++)
                        for (int c = 0; c < cn; c++) {
                            const edge e = EDGE_OF(x, (c0 + c) / plane);
                            pack_read(pack + (row % RING * CB + c) * WINDOW,
                                      x + ((size_t)(c0 + c) * H + row) * W * n + sample, x0 * S - pad_w, WINDOW, W, n, e);
                        }
                    packed = top + RING;
                    for (int tile = tile0; tile < tile1; tile++)
                        for (int t = 0; t < xn; t += PT) {
                            lanes *waiting = partial + ((tile - tile0) * ROWS + y - y0) * PB * KT + t * KT;
                            lanes acc[KT][PT];
                            if (c0 == 0)
                                EACH_OF_TILE(i, j, KT, PT)
                                    acc[i][j] = (lanes)(biased && tile * KT + i < K ? bias[tile * KT + i] : 0.0f);
                            else
                                EACH_OF_TILE(i, j, KT, PT)
                                    acc[i][j] = waiting[i * PT + j];
                            for (int r = 0; r < KH; r++) {
                                const int row = top + r * D;
                                if (row < 0 || row >= H)
                                    continue;
                                const lanes *window = pack + row % RING * CB * WINDOW + t * S;
                                TILE_WEIGHTS(w, tile, KT, K, ((size_t)own * C + c0) * TAPS + r * KW)
                                if (xn - t > PT / 2)
                                    forward_row(acc, window, w, cn, PT);
                                else
                                    forward_row(acc, window, w, cn, PT / 2);
                            }
                            // this step's share of the input row that the next output row adds
                            const int step = (tile - tile0) * (PB / PT) + t / PT, next = top + RING;
                            for (int c = cn * step / steps; c < cn * (step + 1) / steps && next < H; c++)
                                soon_row(x + (((size_t)(c0 + c) * H + next) * W + x0 * S - pad_w) * n + sample, WINDOW, n);
                            if (!last) {
                                EACH_OF_TILE(i, j, KT, PT)
                                    waiting[i * PT + j] = acc[i][j];
                                continue;
                            }
                            const int first = y == y0 && t == 0;
#pragma unroll
                            for (int i = 0; i < KT; i++) {
                                const int k = tile * KT + i;
                                if (k >= K)
                                    continue;
                                __global float *to = z + (((size_t)k * HO + y) * WO + x0 + t) * n + sample;
                                tally *own = tallies + (k - tile0 * KT) * PARTS + sub;
                                tally all = *own;
                                if (first)
                                    tally_start(&all, acc[i][0]);
                                TALLY_ROW(acc[i], PT, (long)n, xn - t, to, all)
                                *own = all;
                            }
                        }
                }
            }
        if (parts)
            for (int k = tile0 * KT; k < min(tile1 * KT, K); k++)
                tally_write(tallies + (k - tile0 * KT) * PARTS, (y1 - y0) * xn, strip * 16, real, statistics, k,
                            place0 * strips + strip, parts);
    }
}

// ---- input gradient ----
// One row of taps that meet pixels of phase p, for `pixels` pixels.
INLINE void backward_row(lanes acc[KT][PT], const lanes *window, __global const float *const w[KT], const int step, int channels,
                         const int p, const int pixels)
{
    for (int k = 0; k < channels; k++, window += WINDOW_BACK) {
#pragma unroll
        for (int s = 0; s < KW; s++)
            if ((s * D - p) % S == 0)
                EACH_OF_TILE(i, j, KT, pixels)
                    acc[i][j] = fma(window[j + BACK_W - (s * D - p) / S], (lanes)w[i][(size_t)k * step + s], acc[i][j]);
    }
}

// Global size as above, over input pixels: blocks are rows × S·PB.
__kernel void conv2d_backward_input(STREAM_GRADIENT_ARGUMENTS(g), READS(weight), STREAM_INTO_ARGUMENTS(t), AXES,
                                    const int rows, const int tiles, const int parts, SHARES)
{
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(g_coefficients);
    OPEN_READ(weight);
    OPEN_WRITE(t);
    OPEN_READ(t_z);
    OPEN_READ(t_scale);
    OPEN_READ(t_shift);
    OPEN_READ(t_mean);
    OPEN_WRITE(t_reductions);
    EACH_PLACE
    {
        OPEN_PLACE_3D;
        const int across = (W + S * PB - 1) / (S * PB);
        const int x0 = place0 % across * (S * PB), xn = min(S * PB, W - x0);
        const int y0 = place0 / across * rows, y1 = min(y0 + rows, H);
        const int strip = place1, strips = size1;
        const int tile0 = place2 * tiles, tile1 = min(tile0 + tiles, (C + KT - 1) / KT);
        const int left = (x0 + pad_w) / S; // the column of dz that pixel x0 and tap 0 meet
        const int steps = (tile1 - tile0) * (PB / PT);
        lanes pack[RING_BACK * KB_BACK * WINDOW_BACK], partial[ROWS * PB * S * CHANNELS];
        lanes r0[CHANNELS * PARTS], r1[CHANNELS * PARTS];
        for (int i = 0; i < CHANNELS * PARTS; i++)
            r0[i] = r1[i] = (lanes)0.0f;

        for (int sub = 0; sub < PARTS; sub++)
            for (int k0 = 0; k0 < K; k0 += KB_BACK) {
                const int sample = strip * 16 + sub * LANES, kn = min(KB_BACK, K - k0), last = k0 + kn == K;
                int packed = 0;
                for (int y = y0; y < y1; y++) {
                    const int bottom = (y + pad_h) / S;
                    for (int row = max(packed, bottom - BACK_H); row <= min(bottom, HO - 1); row++)
                        for (int k = 0; k < kn; k++) {
                            const former f = FORMER(g, k0 + k, K, sample, real);
                            const size_t at = ((size_t)(k0 + k) * HO + row) * WO * n + sample;
                            pack_gradient(pack + (row % RING_BACK * KB_BACK + k) * WINDOW_BACK, g + at, g_z + at,
                                          left - BACK_W, WINDOW_BACK, WO, n, f);
                        }
                    packed = bottom + 1;
                    for (int tile = tile0; tile < tile1; tile++)
#pragma unroll
                        for (int p = 0; p < S; p++) // phases outside: the order of R0 and R1 must not follow PT
                            for (int q = 0; S * q < xn; q += PT) {
                                // pixels x + S·j are those of phase p; their column of dz for tap 0 is left + late + j
                                const int x = x0 + (p + S * pad_w - pad_w) % S + S * q;
                                const int late = (x + pad_w - p) / S - left - q;
                                lanes *waiting = partial + ((tile - tile0) * ROWS + y - y0) * PB * S * KT + (q * S + p * PT) * KT;
                                lanes acc[KT][PT];
                                EACH_OF_TILE(i, j, KT, PT)
                                    acc[i][j] = k0 == 0 ? (lanes)0.0f : waiting[i * PT + j];
                                for (int r = 0; r < KH; r++) {
                                    const int v = y + pad_h - r * D;
                                    if (v < 0 || v % S != 0 || v / S >= HO)
                                        continue;
                                    const lanes *window = pack + v / S % RING_BACK * KB_BACK * WINDOW_BACK + q + late;
                                    TILE_WEIGHTS(w, tile, KT, C, ((size_t)k0 * C + own) * TAPS + r * KW)
                                    if (W - x > S * (PT / 2))
                                        backward_row(acc, window, w, C * TAPS, kn, p, PT);
                                    else
                                        backward_row(acc, window, w, C * TAPS, kn, p, PT / 2);
                                }
                                if (last && p == 0 && q == 0) // what this tile hands back through
                                    for (int c = tile * KT; c < min(tile * KT + KT, C); c++) {
                                        const long at = (((long)c * H + y) * W + x0) * n + sample;
                                        if (t_reduces || t_activation != ACT_NONE)
                                            soon_row(t_z + at, xn, n);
                                        for (int i = 0; i < xn; i++)
                                            SOON_WRITE(t + at + (long)i * n);
                                    }
                                if (p == 0) {
                                    const int step = (tile - tile0) * (PB / PT) + q / PT, next = bottom + 1;
                                    for (int k = kn * step / steps; k < kn * (step + 1) / steps && next < HO; k++) {
                                        const long at = (((long)(k0 + k) * HO + next) * WO + left - BACK_W) * n + sample;
                                        soon_row(g + at, WINDOW_BACK, n);
                                        if (g_formed)
                                            soon_row(g_z + at, WINDOW_BACK, n);
                                    }
                                }
                                if (!last) {
                                    EACH_OF_TILE(i, j, KT, PT)
                                        waiting[i * PT + j] = acc[i][j];
                                    continue;
                                }
#pragma unroll
                                for (int i = 0; i < KT; i++) {
                                    const int c = tile * KT + i, own = (c - tile0 * KT) * PARTS + sub;
                                    if (c >= C)
                                        continue;
                                    const hand h = HAND_OF(t, c / plane);
                                    const size_t at = (((size_t)c * H + y) * W + x) * n + sample;
                                    lanes own0 = r0[own], own1 = r1[own];
                                    HAND_ROW(acc[i], PT, S * (long)n, x + S * PT <= W, x + S * j < W, (t + at), (t_z + at), h, own0, own1)
                                    r0[own] = own0;
                                    r1[own] = own1;
                                }
                            }
                }
            }
        if (t_reduces)
            for (int c = tile0 * KT; c < min(tile1 * KT, C); c++) {
                const int own = (c - tile0 * KT) * PARTS;
                const int part = (c % plane * size0 + place0) * strips + strip;
                t_reductions[(2 * (size_t)(c / plane)) * parts + part] = lanes_total(r0 + own);
                t_reductions[(2 * (size_t)(c / plane) + 1) * parts + part] = lanes_total(r1 + own);
            }
    }
}

// ---- weight gradient ----
// Register tile KT_WEIGHT × CT × KW, and channel pairs per work-item; the host knows KB and CB_WEIGHT.
// 24 sums or fewer, where there are 32 registers; 12 with LANES below 16, whose processors have 16: what does not fit is
// stored and loaded at every pixel, which takes half the time.
#ifndef KT_WEIGHT
#if LANES == 16
#define KT_WEIGHT (KW <= 6 ? 4 : 2)
#else
#define KT_WEIGHT (KW == 1 ? 3 : 2)
#endif
#endif
#ifndef CT
#if KW == 1
#define CT 4
#elif KW <= 3
#define CT 2
#else
#define CT 1
#endif
#endif
#if TAPS == 1
#define KB 64
#define CB_WEIGHT 32
#elif TAPS <= 9
#define KB 16
#define CB_WEIGHT 16
#elif TAPS <= 25
#define KB 16
#define CB_WEIGHT 8
#else
#define KB 8
#define CB_WEIGHT 8
#endif
// A chunk is chunk_h × chunk_w output pixels, at most PIXELS.  The host sees to it that the packed input rows under it,
// (chunk_h − 1)·S + RING of (chunk_w − 1)·S + (KW − 1)·D + 1 columns, are no more than CELLS, which is what one full row needs.
#define PIXELS 32
// Whole tiles of a block.
#define KB_TILES ((KB + KT_WEIGHT - 1) / KT_WEIGHT * KT_WEIGHT)
#define CB_TILES ((CB_WEIGHT + CT - 1) / CT * CT)
#define CELLS (RING * ((PIXELS - 1) * S + (KW - 1) * D + 1))

// One pixel: acc[i][j][s] += dz[i] · a[j][s] for `channels` channels of the tile.
INLINE void weight_pixel(lanes acc[KT_WEIGHT][CT][KW], const lanes *d, const lanes *v, const int channels)
{
#pragma unroll
    for (int j = 0; j < channels; j++)
#pragma unroll
        for (int s = 0; s < KW; s++)
#pragma unroll
            for (int i = 0; i < KT_WEIGHT; i++)
                acc[i][j][s] = fma(d[i * PIXELS], v[j * CELLS + s * D], acc[i][j][s]);
}

// Row `row` of what the next chunk packs: of G, of z, of x in S · S pieces; then anything at hand.
#define NEXT_ROW(next, row)                                                                        \
    const int next##_x = (row) - 2 * kn, next##_piece = next##_x % (S * S);                        \
    __global const float *next = x + x_at;                                                         \
    if (next##_x < 0)                                                                              \
        next = ((row) < kn ? g : g_z) + g_at + (long)((row) < kn ? (row) : (row) - kn) * HO * WO * n; \
    else if (next##_x < cn * S * S)                                                                \
        next += (((long)(next##_x / (S * S)) * H + next##_piece / S * hn) * W + next##_piece % S * wn) * n;

__kernel void conv2d_backward_weight(STREAM_READ_ARGUMENTS(x), STREAM_GRADIENT_ARGUMENTS(g), WRITES(sums), AXES,
                                     const int strips, const int chunk_h, const int chunk_w, const int down,
                                     const int chunks_per_part, SHARES)
{
    OPEN_READ(x);
    OPEN_READ(x_scale);
    OPEN_READ(x_shift);
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(g_coefficients);
    OPEN_WRITE(sums);
    EACH_PLACE
    {
        OPEN_PLACE_3D;
        const int part = place0;
        const int c0 = place1 * CB_WEIGHT, cn = min(CB_WEIGHT, C - c0);
        const int k0 = place2 * KB, kn = min(KB, K - k0);
        const int across = (WO + chunk_w - 1) / chunk_w, bands = ((HO + chunk_h - 1) / chunk_h + down - 1) / down;
        const int columns = (chunk_w - 1) * S + (KW - 1) * D + 1, ring = (chunk_h - 1) * S + RING;
        lanes dz[KB_TILES * PIXELS], a[CB_TILES * CELLS];
        lanes total[KB_TILES * CB_TILES * TAPS * PARTS];
        const int tiles_k = (kn + KT_WEIGHT - 1) / KT_WEIGHT, tiles_c = (cn + CT - 1) / CT;
        const int steps = KH * tiles_c * tiles_k; // register tiles: total[sub][step][KT_WEIGHT][CT][KW]
        for (int i = 0; i < PARTS * steps * (KT_WEIGHT * CT * KW); i++)
            total[i] = (lanes)0.0f;
        for (int i = kn * PIXELS; i < tiles_k * KT_WEIGHT * PIXELS; i++)
            dz[i] = (lanes)0.0f;
        for (int i = cn * CELLS; i < tiles_c * CT * CELLS; i++)
            a[i] = (lanes)0.0f;

        const int last = min((part + 1) * chunks_per_part, bands * strips * across * down);
        for (int sub = 0; sub < PARTS; sub++) {
            int packed = 0, lane_column = -1; // rows below `packed` of this strip and column of chunks are in the ring
            for (int chunk = part * chunks_per_part; chunk < last; chunk++) {
                const int y0 = (chunk / (down * across * strips) * down + chunk % down) * chunk_h, hn = min(chunk_h, HO - y0);
                const int x0 = chunk / down % across * chunk_w, wn = min(chunk_w, WO - x0);
                const int sample = chunk / (down * across) % strips * 16 + sub * LANES;
                if (hn <= 0) // the last band is shorter
                    continue;
                if (chunk / down != lane_column) {
                    lane_column = chunk / down;
                    packed = 0;
                }
                for (int k = 0; k < kn; k++) {
                    const former f = FORMER(g, k0 + k, K, sample, real);
                    for (int y = 0; y < hn; y++) {
                        const size_t at = ((size_t)(k0 + k) * HO + y0 + y) * WO * n + sample;
                        pack_gradient(dz + k * PIXELS + y * chunk_w, g + at, g_z + at, x0, wn, WO, n, f);
                    }
                }
                const int top = y0 * S - pad_h, bottom = top + (hn - 1) * S + RING;
                for (int row = max(packed, top); row < min(bottom, H); row++)
                    for (int c = 0; c < cn; c++) {
                        const edge e = EDGE_OF(x, (c0 + c) / plane);
                        pack_read(a + c * CELLS + row % ring * columns, x + ((size_t)(c0 + c) * H + row) * W * n + sample,
                                  x0 * S - pad_w, columns, W, n, e);
                    }
                packed = bottom;
                for (int r = 0; r < KH; r++)
                    for (int c = 0; c < cn; c += CT)
                        for (int k = 0; k < kn; k += KT_WEIGHT) {
                            const int step = (r * tiles_c + c / CT) * tiles_k + k / KT_WEIGHT;
                            lanes acc[KT_WEIGHT][CT][KW];
#pragma unroll
                            for (int i = 0; i < KT_WEIGHT; i++)
#pragma unroll
                                for (int j = 0; j < CT; j++)
#pragma unroll
                                    for (int s = 0; s < KW; s++)
                                        acc[i][j][s] = (lanes)0.0f;
                            for (int y = 0; y < hn; y++) {
                                const int row = top + y * S + r * D;
                                if (row < 0 || row >= H)
                                    continue;
                                const lanes *d = dz + k * PIXELS + y * chunk_w, *v = a + c * CELLS + row % ring * columns;
                                // while it sums, it asks for two rows of what the next chunk packs
                                const long g_at = (((long)k0 * HO + y0 + chunk_h + y) * WO + x0) * n + sample;
                                const long x_at = (((long)c0 * H + bottom + y) * W + x0 * S) * n + sample;
                                NEXT_ROW(next0, step)
                                NEXT_ROW(next1, step + steps)
                                for (int w = 0; w < wn; w++, d++, v += S) {
                                    SOON(next0 + (long)w * n);
                                    SOON(next1 + (long)w * n);
                                    if (cn - c > CT / 2)
                                        weight_pixel(acc, d, v, CT);
                                    else
                                        weight_pixel(acc, d, v, (CT + 1) / 2);
                                }
                            }
                            lanes *to = total + (sub * steps + step) * (KT_WEIGHT * CT * KW);
#pragma unroll
                            for (int i = 0; i < KT_WEIGHT; i++)
#pragma unroll
                                for (int j = 0; j < CT; j++)
#pragma unroll
                                    for (int s = 0; s < KW; s++)
                                        to[(i * CT + j) * KW + s] += acc[i][j][s];
                        }
            }
        }
        for (int k = 0; k < kn; k++)
            for (int c = 0; c < cn; c++)
                for (int r = 0; r < KH; r++)
                    for (int s = 0; s < KW; s++) {
                        lanes sum[PARTS];
                        for (int sub = 0; sub < PARTS; sub++)
                            sum[sub] = total[(sub * steps + (r * tiles_c + c / CT) * tiles_k + k / KT_WEIGHT) * (KT_WEIGHT * CT * KW) +
                                             (k % KT_WEIGHT * CT + c % CT) * KW + s];
                        sums[((((size_t)part * K + k0 + k) * C + c0 + c) * KH + r) * KW + s] = lanes_total(sum);
                    }
    }
}
