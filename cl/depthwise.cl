// depthwise.cl - convolution with one filter per channel (groups = channels), any kernel, stride and dilation, and its gradients.
//
//   z[c, y, x] = bias[c] + Σ_r Σ_s  w[c, r, s] · a[c, y·S + r·D − pad_h, x·S + s·D − pad_w]
//
// Arithmetic is scarce here (9 or 25 multiply-adds per value), so what counts is to touch memory once and as it lies.  A
// work-item takes one channel, `rows` rows and a group of up to GROUP strips, which lie side by side in memory.  Column block
// by column block (BLOCK_W output pixels) it goes down the rows and keeps those that the kernel's height spans in a *ring* in private
// memory, small enough for the nearest cache: each row is packed (convolution.clh: prologue once, real zeros for padding)
// when it first comes up, in the place of the row that is done with.  In a row it goes pixel tile by pixel tile, and in a
// tile register vector by register vector v of the group, so that reads and writes move forwards through memory.
// The multichannel version: conv2d.cl; the plain one: conv2d_plain.cl.
//
// The weight gradient keeps one sum per tap and lane while it runs over its part of the pixels; taps are taken all
// at once, or row by row where they would not fit the registers.  conv2d_parts.cl adds up the parts.
//
// compile: -DKH=3 -DKW=3
// compile: -DKH=5 -DKW=5 -DS=2 -DD=2 -DLANES=8 -DCURVED=1 -DGROUP=1
#include "convolution.clh"

#ifndef S
#define S 1 // stride
#endif
#ifndef D
#define D 1 // dilation
#endif
#ifndef GROUP
#define GROUP 4 // strips of a work-item at most
#endif
#define TAPS (KH * KW)
// Pixels in registers: enough chains of multiply-adds to hide their latency.
#ifndef TILE
#define TILE 8 // 7 or 8 (7 with stride 1 only): where the host sees fewer pixels beyond the end of a row
#endif
#ifndef PT
#if LANES == 16
#define PT TILE
#else
#define PT 4
#endif
#endif
// The host knows the next two: weight-gradient chunks are blocks of a group.
#define BLOCK_W ((S == 1 ? 4 : 2) * TILE) // a multiple of PT: no tile reaches into the next block
#define WHOLE_TILES(pixels) (((pixels) + PT - 1) / PT * PT)
#define VECTORS (GROUP * PARTS) // of a packed pixel
#define WINDOW_W ((WHOLE_TILES(BLOCK_W) - 1) * S + (KW - 1) * D + 1)
#define RING ((KH - 1) * D + 1) // rows of x that an output row spans

#define AXES                                                                                       \
    const int C, const int H, const int W, const int HO, const int WO, const int n, const int real, \
        const int pad_h, const int pad_w

static inline void pack_zeros(lanes *to, const int count, const int vectors)
{
    for (int i = 0; i < count; i++, to += VECTORS)
        for (int v = 0; v < vectors; v++)
            to[v] = (lanes)0.0f;
}

// Packs columns first … first + count − 1 of a row, `vectors` register vectors of each; zero outside the row.
static inline void pack_row(lanes *to, __global const float *row, const int first, const int count, const int width,
                            const int n, const int vectors, const edge e)
{
    const lanes lowest = (lanes)(e.activation == ACT_NONE ? -INFINITY : 0.0f);
    const int low = clamp(-first, 0, count), high = clamp(width - first, low, count);
    pack_zeros(to, low, vectors);
    pack_zeros(to + high * VECTORS, count - high, vectors);
    row += (long)(first + low) * n;
    to += low * VECTORS;
    for (int i = low; i < high; i++, to += VECTORS, row += n)
        if (vectors == VECTORS && e.activation <= ACT_RELU) {
#pragma unroll
            for (int v = 0; v < VECTORS; v++)
                PACK_READ_ONE(v, row + v * LANES);
        } else if (e.activation <= ACT_RELU) {
            for (int v = 0; v < vectors; v++)
                PACK_READ_ONE(v, row + v * LANES);
        } else {
            for (int v = 0; v < vectors; v++)
                to[v] = edge_value(lanes_load(row + v * LANES), e);
        }
}

// The same for dz; f.sample is the sample of the first vector's first lane.
static inline void pack_gradient_row(lanes *to, __global const float *g, __global const float *z, const int first,
                                     const int count, const int width, const int n, const int vectors, former f)
{
    const int sample = f.sample, low = clamp(-first, 0, count), high = clamp(width - first, low, count);
    pack_zeros(to, low, vectors);
    pack_zeros(to + high * VECTORS, count - high, vectors);
    const long next = (long)width * n;
    g += (long)(first + low) * n;
    z += (long)(first + low) * n;
    to += low * VECTORS;
    for (int i = low; i < high; i++, to += VECTORS, g += n, z += n)
        if (vectors == VECTORS && f.formed && sample + VECTORS * LANES <= f.real) {
#pragma unroll
            for (int v = 0; v < VECTORS; v++) {
                SOON(g + next + v * LANES);
                SOON(z + next + v * LANES);
                to[v] = fma((lanes)f.a, lanes_load(g + v * LANES), fma((lanes)f.b, lanes_load(z + v * LANES), (lanes)f.d));
            }
        } else {
            for (int v = 0; v < vectors; v++) {
                f.sample = sample + v * LANES;
                to[v] = former_value(g + v * LANES, z + v * LANES, f);
            }
        }
}

// Columns are counted from the padding's edge in what follows, rows too: u = row + pad_h is never negative and lies in
// place u % RING of the ring.  Packs those of rows u … u + RING − 1 that are not there yet, from `packed` on.
static inline int pack_rows(lanes *ring, int u, int packed, __global const float *x, int x0, int columns, int H, int W, int n,
                            int pad_h, int pad_w, int vectors, edge e)
{
    for (packed = max(packed, u); packed < u + RING; packed++) {
        const int row = packed - pad_h;
        lanes *to = ring + packed % RING * WINDOW_W * VECTORS;
        if (row >= 0 && row < H)
            pack_row(to, x + (size_t)row * W * n, x0 * S - pad_w, columns, W, n, vectors, e);
        else
            pack_zeros(to, columns, vectors);
    }
    return packed;
}

// Columns of x under `wide` output pixels, rounded up to whole register tiles.
#define COLUMNS_UNDER(wide) ((WHOLE_TILES(wide) - 1) * S + (KW - 1) * D + 1)

// Register vectors of strip group `group`.
#define VECTORS_OF(group, strips) (min(GROUP, strips - group * GROUP) * PARTS)

// Grid (row chunks, strip groups, C), shared out (share.clh).
__kernel void depthwise_forward(STREAM_READ_ARGUMENTS(x), READS(weight), READS(bias), WRITES(z), WRITES(statistics), AXES,
                                const int rows, const int parts, const int biased, SHARES)
{
    EACH_PLACE
    {
        OPEN_PLACE_3D;
        const int chunk = place0, group = place1, c = place2;
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
        lanes ring[RING * WINDOW_W * VECTORS];
        tally tallies[VECTORS];
        for (int x0 = 0; x0 < WO; x0 += BLOCK_W) {
            const int wn = min(BLOCK_W, WO - x0);
            int packed = 0;
            for (int y = first; y < last; y++) {
                packed = pack_rows(ring, y * S, packed, x + sample, x0, COLUMNS_UNDER(wn), H, W, n, pad_h, pad_w, vectors, e_x);
                const lanes *from[KH];
                for (int r = 0; r < KH; r++)
                    from[r] = ring + (y * S + r * D) % RING * WINDOW_W * VECTORS;
                __global float *to = z + (((size_t)c * HO + y) * WO + x0) * n + sample;
                for (int t = 0; t < wn; t += PT)
                    for (int v = 0; v < vectors; v++) {
                        lanes acc[PT];
#pragma unroll
                        for (int j = 0; j < PT; j++)
                            acc[j] = start;
#pragma unroll 1 // unrolled, LLVM makes one long chain per pixel, which waits for itself
                        for (int r = 0; r < KH; r++) {
                            const lanes *row = from[r] + t * S * VECTORS + v;
#pragma unroll
                            for (int s = 0; s < KW; s++)
#pragma unroll
                                for (int j = 0; j < PT; j++)
                                    acc[j] = fma(row[(j * S + s * D) * VECTORS], (lanes)w[r * KW + s], acc[j]);
                        }
                        tally all = tallies[v];
                        if (y == first && x0 + t == 0)
                            tally_start(&all, acc[0]);
                        TALLY_ROW(acc, PT, (long)n, wn - t, (to + (size_t)t * n + v * LANES), all)
                        tallies[v] = all;
                    }
            }
        }
        if (parts)
            for (int g = 0; g < vectors / PARTS; g++)
                tally_write(tallies + g * PARTS, (last - first) * WO, sample + g * 16, real, statistics, c,
                            chunk * strips + group * GROUP + g, parts);
    }
}

// ---- input gradient ----
// dx[y, x] = Σ over taps with (y + pad_h − r·D) and (x + pad_w − s·D) divisible by S.  Blocks are of input pixels; columns go
// phase by phase, u = x + pad_w = u0 + p + S·j, as in conv2d.cl.
#define BACK_H ((KH - 1) * D / S)
#define BACK_W ((KW - 1) * D / S)
#define BACK_RING (BACK_H + 1)    // rows of dz that reach an input row
#define PACK_W (WHOLE_TILES(BLOCK_W) + BACK_W) // columns of dz, for BLOCK_W · S input columns
#define BACK_PLACE(q) (((q) + BACK_H) % BACK_RING * PACK_W * VECTORS) // of row q of dz in the ring

// The same grid; here `rows` counts input rows.
__kernel void depthwise_backward_input(STREAM_GRADIENT_ARGUMENTS(g), READS(weight), STREAM_INTO_ARGUMENTS(t), AXES,
                                       const int rows, const int parts, SHARES)
{
    EACH_PLACE
    {
        OPEN_PLACE_3D;
        const int chunk = place0, group = place1, c = place2;
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
        lanes ring[BACK_RING * PACK_W * VECTORS], r0[VECTORS], r1[VECTORS];
        for (int v = 0; v < vectors; v++)
            r0[v] = r1[v] = (lanes)0.0f;
        const former f = FORMER(g, c, C, sample, real);
        for (int u0 = pad_w / S * S; u0 < W + pad_w; u0 += S * BLOCK_W) {
            const int wide = min(BLOCK_W, (W + pad_w - u0 + S - 1) / S);
            const int columns = WHOLE_TILES(wide) + BACK_W;
            int packed = (first + pad_h) / S - BACK_H;
            for (int y = first; y < last; y++) {
                for (; packed <= (y + pad_h) / S; packed++) {
                    lanes *to = ring + BACK_PLACE(packed);
                    const size_t at = ((size_t)c * HO + packed) * WO * n + sample;
                    if (packed >= 0 && packed < HO)
                        pack_gradient_row(to, g + at, g_z + at, u0 / S - BACK_W, columns, WO, n, vectors, f);
                    else
                        pack_zeros(to, columns, vectors);
                }
#pragma unroll
                for (int p = 0; p < S; p++) // phases outside: the order of R0 and R1 must not follow PT
                    for (int q = 0; q < wide; q += PT)
                        for (int v = 0; v < vectors; v++) {
                            lanes acc[PT];
#pragma unroll
                            for (int j = 0; j < PT; j++)
                                acc[j] = (lanes)0.0f;
#pragma unroll 1
                            for (int r = 0; r < KH; r++) {
                                const int u = y + pad_h - r * D;
                                if (u % S != 0)
                                    continue;
                                const lanes *from = ring + BACK_PLACE(u / S) + (q + BACK_W) * VECTORS + v;
#pragma unroll
                                for (int s = 0; s < KW; s++)
                                    if ((s * D - p) % S == 0)
#pragma unroll
                                        for (int j = 0; j < PT; j++)
                                            acc[j] = fma(from[(j - (s * D - p) / S) * VECTORS], (lanes)w[r * KW + s], acc[j]);
                            }
                            const int x = u0 + p - pad_w + S * q;
                            const size_t at = (((size_t)c * H + y) * W + x) * n + sample + v * LANES;
                            lanes own0 = r0[v], own1 = r1[v];
                            HAND_ROW(acc, PT, S * (long)n, x >= 0 && x + S * PT <= W, x + S * j >= 0 && x + S * j < W, (t + at), (t_z + at), h,
                                     own0, own1)
                            r0[v] = own0;
                            r1[v] = own1;
                        }
            }
        }
        if (t_reduces)
            for (int v = 0; v < vectors; v += PARTS) {
                const int part = chunk * strips + group * GROUP + v / PARTS;
                t_reductions[(2 * (size_t)c) * parts + part] = lanes_total(r0 + v);
                t_reductions[(2 * (size_t)c + 1) * parts + part] = lanes_total(r1 + v);
            }
    }
}

// ---- weight gradient ----
#if TAPS <= 9 || (TAPS <= 25 && LANES == 16)
#define ROWS_AT_ONCE KH
#else
#define ROWS_AT_ONCE 1
#endif
#define UNROLL (TAPS > 9 ? 1 : PT % 7 == 0 ? 7 : 4) // pixels of dz that share what they load

// Grid (parts, C); a part is `blocks` blocks of `rows` × BLOCK_W output pixels, counted down the image, then group by group of strips.
__kernel void depthwise_backward_weight(STREAM_READ_ARGUMENTS(x), STREAM_GRADIENT_ARGUMENTS(g), WRITES(sums), AXES,
                                        const int groups, const int rows, const int blocks, SHARES)
{
    EACH_PLACE
    {
        OPEN_PLACE_2D;
        const int part = place0, c = place1;
        OPEN_STREAM_READ(x, c, (size_t)H * W * n);
        OPEN_READ(g);
        OPEN_READ(g_z);
        OPEN_READ(g_coefficients);
        OPEN_WRITE(sums);
        const int across = (WO + BLOCK_W - 1) / BLOCK_W, down = (HO + rows - 1) / rows, strips = n / 16;
        const int last = min((part + 1) * blocks, groups * across * down);
        lanes ring[RING * WINDOW_W * VECTORS], dz[WHOLE_TILES(BLOCK_W) * VECTORS];
        lanes total[TAPS * PARTS], block_total[TAPS * PARTS];
        for (int i = 0; i < TAPS * PARTS; i++)
            total[i] = (lanes)0.0f;
        for (int block = part * blocks; block < last; block++) {
            const int group = block / across % groups, vectors = VECTORS_OF(group, strips), sample = group * GROUP * 16;
            const int y0 = block / (across * groups) * rows, y1 = min(y0 + rows, HO);
            const int x0 = block % across * BLOCK_W, wn = min(BLOCK_W, WO - x0);
            for (int i = 0; i < TAPS * PARTS; i++)
                block_total[i] = (lanes)0.0f;
            int packed = 0;
            for (int y = y0; y < y1; y++) {
                packed = pack_rows(ring, y * S, packed, x + sample, x0, COLUMNS_UNDER(wn), H, W, n, pad_h, pad_w, vectors, e_x);
                const size_t row_at = (((size_t)c * HO + y) * WO + x0) * n + sample;
                const former f = FORMER(g, c, C, sample, real);
                pack_gradient_row(dz, g + row_at, g_z + row_at, 0, (wn + UNROLL - 1) / UNROLL * UNROLL, wn, n, vectors, f);
                for (int r0 = 0; r0 < KH; r0 += ROWS_AT_ONCE)
                    for (int v0 = 0; v0 < PARTS; v0++) {
                        lanes acc[ROWS_AT_ONCE][KW];
                        const lanes *from[ROWS_AT_ONCE];
#pragma unroll
                        for (int r = 0; r < ROWS_AT_ONCE; r++) {
                            from[r] = ring + (y * S + (r0 + r) * D) % RING * WINDOW_W * VECTORS;
#pragma unroll
                            for (int s = 0; s < KW; s++)
                                acc[r][s] = block_total[((r0 + r) * KW + s) * PARTS + v0];
                        }
                        for (int v = v0; v < vectors; v += PARTS)
                            for (int i = 0; i < wn; i += UNROLL)
#pragma unroll
                                for (int j = 0; j < UNROLL; j++)
#pragma unroll
                                    for (int r = 0; r < ROWS_AT_ONCE; r++)
#pragma unroll
                                        for (int s = 0; s < KW; s++)
                                            acc[r][s] = fma(dz[(i + j) * VECTORS + v],
                                                            from[r][((i + j) * S + s * D) * VECTORS + v], acc[r][s]);
#pragma unroll
                        for (int r = 0; r < ROWS_AT_ONCE; r++)
#pragma unroll
                            for (int s = 0; s < KW; s++)
                                block_total[((r0 + r) * KW + s) * PARTS + v0] = acc[r][s];
                    }
            }
            for (int i = 0; i < TAPS * PARTS; i++)
                total[i] += block_total[i];
        }
        for (int i = 0; i < TAPS; i++)
            sums[((size_t)part * C + c) * TAPS + i] = lanes_total(total + i * PARTS);
    }
}
