// taps.cl - what measures look at inside a network: which relus are open, and how much a layer's output matters.
//
//   taps_signs       words[c][block][sample], bit p of a word: scale[c]·x + shift[c] > 0 at pixel 32·block + p
//   taps_distances   distances[i][j] += Σ over the words of popcount(words[i] xor words[j])
//   taps_saliency    sums[c][sample] = Σ over the pixels of z·dz
//
// A relu is open or closed, so a sample's way through the network is a row of bits, and two samples are told apart by the
// bits in which they differ (Mellor et al., 2006.04647).  Samples are lanes, so 32 pixels of LANES samples become LANES words
// with one instruction per pixel, and the sums are of integers: exact in any order.
//
// One work-item: 16 samples, a strip.  Global size, local 1: taps_signs (strips, blocks, channels), taps_distances (strips, n),
// taps_saliency (strips, channels).  Padded samples get words and distances that mean nothing; their sums are 0 where dz is.
#include "stream.clh"

#define WORDS(pointer) (*(__global lanes_uint *)(pointer))
#define WORDS_READ(pointer) (*(__global const lanes_uint *)(pointer))

__kernel void taps_signs(STREAM_READ_ARGUMENTS(x), WRITES_OF(uint, words), const int pixels, const int n)
{
    const int block = get_global_id(1), c = get_global_id(2);
    const int first = block * 32, count = min(32, pixels - first);
    OPEN_STREAM_READ(x, c, (size_t)pixels * n);
    OPEN_WRITE_OF(uint, words);
    for (int j = 0; j < PARTS; j++) {
        const int sample = get_global_id(0) * 16 + j * LANES;
        lanes_uint word = (lanes_uint)0u;
        for (int p = 0; p < count; p++) {
            const lanes v = lanes_load(x + (size_t)(first + p) * n + sample);
            const lanes_int open = fma((lanes)e_x.scale, v, (lanes)e_x.shift) > (lanes)0.0f;
            word |= NAS_JOIN(as_uint, LANES)(open) & (lanes_uint)(1u << p);
        }
        WORDS(words + ((size_t)c * get_global_size(1) + block) * n + sample) = word;
    }
}

__kernel void taps_distances(READS_OF(uint, words), WRITES_OF(uint, distances), const int rows, const int n)
{
    const int i = get_global_id(1);
    OPEN_READ_OF(uint, words);
    OPEN_WRITE_OF(uint, distances);
    for (int j = 0; j < PARTS; j++) {
        const int sample = get_global_id(0) * 16 + j * LANES;
        lanes_uint sum = WORDS(distances + (size_t)i * n + sample);
        for (int r = 0; r < rows; r++) {
            __global const uint *row = words + (size_t)r * n;
            sum += popcount(WORDS_READ(row + sample) ^ (lanes_uint)(row[i]));
        }
        WORDS(distances + (size_t)i * n + sample) = sum;
    }
}

__kernel void taps_saliency(STREAM_GRADIENT_ARGUMENTS(g), READS(z), WRITES(sums), const int pixels, const int n,
                            const int real)
{
    const int c = get_global_id(1), channels = get_global_size(1);
    const size_t size = (size_t)pixels * n;
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    OPEN_READ(z);
    OPEN_WRITE(sums);
    for (int j = 0; j < PARTS; j++) {
        const int sample = get_global_id(0) * 16 + j * LANES;
        lanes sum = (lanes)0.0f;
        for (int p = 0; p < pixels; p++) {
            const size_t i = (size_t)p * n + sample;
            sum = fma(lanes_load(z + c * size + i), STREAM_FORM(g, i, sample), sum);
        }
        lanes_store(sums + (size_t)c * n + sample, sum);
    }
}
