// bench.cl - what the device can do at best, for clnas-bench: fused multiply-adds in registers, and copying.
#include "prelude.clh"

// Work-item: `rounds` times 12 independent chains of LANES multiply-adds, 2 · 12 · LANES · rounds operations.
#define CHAINS 12
__kernel void fma_peak(WRITES(y), const int rounds, const float factor, const float addend)
{
    OPEN_WRITE(y);
    lanes chain[CHAINS];
#pragma unroll
    for (int i = 0; i < CHAINS; i++)
        chain[i] = (lanes)((float)i + (float)get_global_id(0));
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int i = 0; i < CHAINS; i++)
            chain[i] = fma(chain[i], (lanes)factor, (lanes)addend);
    lanes sum = (lanes)0.0f;
#pragma unroll
    for (int i = 0; i < CHAINS; i++)
        sum += chain[i];
    lanes_store(y + get_global_id(0) * LANES, sum);
}

// Work-item: `count` floats.
__kernel void copy(READS(x), WRITES(y), const int count)
{
    OPEN_READ(x);
    OPEN_WRITE(y);
    const size_t from = get_global_id(0) * (size_t)count;
    for (int i = 0; i < count; i += LANES)
        lanes_store(y + from + i, lanes_load(x + from + i));
}
