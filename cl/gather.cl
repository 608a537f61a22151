/* gather.cl - from stored samples to a batch: pick, normalise, augment, turn N×C×H×W into CHWN.
 *
 * Three kernels:
 *   gather_plan    one work-item per sample of the batch, or of the shard that begins with sample
 *                  `first`: which one, its `rows` words of target, and by one Philox draw what
 *                  happens to it (flip, shift, where the cutout square is)
 *   gather_plain   the readable mover: one work-item per (sample, row); neighbours write
 *                  neighbours, which suits a GPU
 *   gather_tile    the same bits for CPUs: one work-item per (16 samples, some rows); it loads 16
 *                  pixels of each sample at once and transposes 16 × 16 in registers, by four
 *                  rounds of interleaving
 *
 * Order of things, as torchvision has it: shift (black behind the edge), flip, normalise, cutout
 * (to 0, the mean).  Random numbers: key (seed, NAS_STREAM_AUGMENT), counter (place in the epoch,
 * epoch, trial key low, high).
 *
 * Defines: SAMPLE (uchar or float, as stored), AUGMENT (0 or 1).  A plan is [6][n] ints:
 *   0      index of the sample, or −1: padding
 *   1      flip
 *   2, 3   shift down and right
 *   4, 5   top and left of the square */
#include "prelude.clh"
#include "philox.clh"
#include "step.clh"

#ifndef SAMPLE
#define SAMPLE uchar
#endif
#ifndef AUGMENT
#define AUGMENT 0
#endif

/* A number from −reach to +reach. */
int gather_shift(uint half_word, int reach);
int gather_shift(uint half_word, int reach)
{
    return (int)(half_word * (uint)(2 * reach + 1) >> 16) - reach;
}

/* `order` has the epoch's samples; a streamed batch lies in order already, so its samples are 0, 1,
 * 2 … */
__kernel void gather_plan(READS_OF(step_block, step), READS_OF(uint, order),
                          READS_OF(int, all_labels), WRITES_OF(int, labels), WRITES_OF(int, plan),
                          const int n, const int rows, const int first, const int batch, const int streamed,
                          const int h, const int w, const int flip, const int crop, const int cutout,
                          const uint key0, const uint key1, const uint trial0, const uint trial1)
{
    OPEN_READ_OF(step_block, step);
    OPEN_READ_OF(uint, order);
    OPEN_READ_OF(int, all_labels);
    OPEN_WRITE_OF(int, labels);
    OPEN_WRITE_OF(int, plan);
    const int i = (int)get_global_id(0);
    if (i >= n)
        return;
    const bool real = first + i < (int)step->real;
    const uint place = step->step * (uint)batch + (uint)(first + i);
    const uint sample = real ? order[place] : 0u;
    for (int r = 0; r < rows; r++)
        labels[r * n + i] = real ? all_labels[(ulong)sample * rows + r] : 0;
    plan[i] = real ? (streamed ? first + i : (int)sample) : -1;
#if AUGMENT
    const uint4 words = philox((uint4)(place, step->epoch, trial0, trial1), (uint2)(key0, key1));
    plan[n + i] = flip && words.x >> 31;
    plan[2 * n + i] = gather_shift(words.y >> 16, crop);
    plan[3 * n + i] = gather_shift(words.y & 0xFFFFu, crop);
    plan[4 * n + i] = (int)philox_below(words.z, (uint)h) - cutout / 2;
    plan[5 * n + i] = (int)philox_below(words.w, (uint)w) - cutout / 2;
#endif
}

/* ---- plain ----------------------------------------------------------------------------------- */

/* Item (i, row): pixels of row `row` = channel · h + y of the batch's sample i. */
__kernel void gather_plain(READS_OF(int, plan), READS_OF(SAMPLE, samples), READS(mapping),
                           WRITES(images), const int n, const int channels, const int h,
                           const int w, const int cutout, const int rows)
{
    OPEN_READ_OF(int, plan);
    OPEN_READ_OF(SAMPLE, samples);
    OPEN_READ(mapping);
    OPEN_WRITE(images);
    const int i = (int)get_global_id(0), row = (int)get_global_id(1);
    if (i >= n)
        return;
    const int c = row / h, y = row % h, sample = plan[i];
    __global float *to = images + (ulong)row * w * n + i;
    if (sample < 0) {
        for (int x = 0; x < w; x++)
            to[(ulong)x * n] = 0.0f;
        return;
    }
    const float scale = mapping[c], shift = mapping[channels + c];
#if AUGMENT
    const int flip = plan[n + i], right = plan[3 * n + i], from_y = y + plan[2 * n + i];
    const int top = plan[4 * n + i], left = plan[5 * n + i];
    const bool cut_row = y >= top && y < top + cutout, in_row = from_y >= 0 && from_y < h;
    const int near_y = clamp(from_y, 0, h - 1);
    __global const SAMPLE *from = samples + (((ulong)sample * channels + c) * h + near_y) * w;
    for (int x = 0; x < w; x++) {
        const int from_x = (flip ? w - 1 - x : x) + right;
        const bool inside = in_row && from_x >= 0 && from_x < w;
        const float value = inside ? (float)from[from_x] : 0.0f;
        const bool cut = cut_row && x >= left && x < left + cutout;
        to[(ulong)x * n] = cut ? 0.0f : fma(value, scale, shift);
    }
#else
    __global const SAMPLE *from = samples + (((ulong)sample * channels + c) * h + y) * w;
    for (int x = 0; x < w; x++)
        to[(ulong)x * n] = fma((float)from[x], scale, shift);
#endif
}

/* ---- tile ------------------------------------------------------------------------------------ */

/* Even and odd places of the result come from a and b. */
float16 gather_low(float16 a, float16 b);
float16 gather_low(float16 a, float16 b)
{
    return (float16)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5,
                     a.s6, b.s6, a.s7, b.s7);
}

float16 gather_high(float16 a, float16 b);
float16 gather_high(float16 a, float16 b)
{
    return (float16)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd,
                     a.se, b.se, a.sf, b.sf);
}

/* Four rounds of this turn rows into columns. */
#define GATHER_ROUND(to, from)                                                                     \
    for (int k = 0; k < 8; k++) {                                                                  \
        to[2 * k] = gather_low(from[k], from[k + 8]);                                              \
        to[2 * k + 1] = gather_high(from[k], from[k + 8]);                                         \
    }

/* Pixels x … x + 15 of one row of one sample, normalised. */
float16 gather_pixels(__global const SAMPLE *samples, __global const int *plan, const int n,
                      const int i, const int c, const int channels, const int y, const int h,
                      const int x, const int w, const int cutout, const float scale,
                      const float shift);
float16 gather_pixels(__global const SAMPLE *samples, __global const int *plan, const int n,
                      const int i, const int c, const int channels, const int y, const int h,
                      const int x, const int w, const int cutout, const float scale,
                      const float shift)
{
    const int sample = plan[i];
    if (sample < 0)
        return (float16)(0.0f);
    __global const SAMPLE *channel = samples + ((ulong)sample * channels + c) * h * w;
#if AUGMENT
    const int flip = plan[n + i], from_y = y + plan[2 * n + i], right = plan[3 * n + i];
    const int top = plan[4 * n + i], left = plan[5 * n + i];
    const int16 count = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const int16 at = (int16)(x) + count;
    const int from_x = right + (flip ? w - 16 - x : x);
    const int16 source = (int16)(right) + (flip ? (int16)(w - 1) - at : at);
    /* At most 47 values beyond a row, which the buffer's slack covers. */
    float16 v = convert_float16(vload16(0, channel + (long)clamp(from_y, 0, h - 1) * w + from_x));
    v = flip ? v.sfedcba9876543210 : v;
    const bool in_row = from_y >= 0 && from_y < h;
    const int16 inside = source >= (int16)(0) & source < (int16)(w) & (int16)(in_row ? -1 : 0);
    v = fma(select((float16)(0.0f), v, inside), (float16)(scale), (float16)(shift));
    const int16 cut = at >= (int16)(left) & at < (int16)(left + cutout) &
                      (int16)(y >= top && y < top + cutout ? -1 : 0);
    return select(v, (float16)(0.0f), cut);
#else
    const float16 v = convert_float16(vload16(0, channel + (long)y * w + x));
    return fma(v, (float16)(scale), (float16)(shift));
#endif
}

/* Item (group, block): samples 16·group …, rows `rows`·block …; a row is channel · h + y. */
__kernel void gather_tile(READS_OF(int, plan), READS_OF(SAMPLE, samples), READS(mapping),
                          WRITES(images), const int n, const int channels, const int h, const int w,
                          const int cutout, const int rows)
{
    OPEN_READ_OF(int, plan);
    OPEN_READ_OF(SAMPLE, samples);
    OPEN_READ(mapping);
    OPEN_WRITE(images);
    const int first = (int)get_global_id(0) * 16;
    const int start = (int)get_global_id(1) * rows, end = min(start + rows, channels * h);
    float16 a[16], b[16];
    for (int row = start; row < end; row++) {
        const int c = row / h, y = row % h;
        const float scale = mapping[c], shift = mapping[channels + c];
        for (int x = 0; x < w; x += 16) {
            for (int i = 0; i < 16; i++)
                a[i] = gather_pixels(samples, plan, n, first + i, c, channels, y, h, x, w, cutout,
                                     scale, shift);
            GATHER_ROUND(b, a)
            GATHER_ROUND(a, b)
            GATHER_ROUND(b, a)
            GATHER_ROUND(a, b)
            __global float *to = images + ((ulong)row * w + x) * n + first;
            const int count = min(16, w - x);
            for (int k = 0; k < count; k++)
                strip_store(to + (ulong)k * n, a[k]);
        }
    }
}
