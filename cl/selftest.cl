/* selftest.cl - small kernels that test the device room itself: launches, offsets, lanes, the
 * canonical sum, random numbers, and what happens when something is wrong. */
#include "prelude.clh"
#include "philox.clh"
#include "share.clh"

#ifndef SELFTEST_GROUP
#define SELFTEST_GROUP 2
#endif

/* y = factor * x, LANES floats per work-item. */
__kernel void selftest_scale(READS(x), WRITES(y), const float factor)
{
    OPEN_READ(x);
    OPEN_WRITE(y);
    const size_t i = get_global_id(0) * LANES;
    lanes_store(y + i, lanes_load(x + i) * factor);
}

/* y[i] = x[i - shift] through unaligned loads: the slack may be read at both ends. */
__kernel void selftest_shift(READS(x), WRITES(y), const int shift)
{
    OPEN_READ(x);
    OPEN_WRITE(y);
    const long i = (long)get_global_id(0) * LANES;
    lanes_store(y + i, lanes_load_any(x + i - shift));
}

/* sums[0]: count floats, canonical, with PARTS registers.  sums[1]: the same through float16.  The
 * values at and beyond count are left out. */
__kernel void selftest_sum(READS(x), WRITES(sums), const int count)
{
    OPEN_READ(x);
    OPEN_WRITE(sums);
    lanes part[PARTS];
    strip whole = 0.0f;
    for (int j = 0; j < PARTS; j++)
        part[j] = 0.0f;
    for (int p = 0; p < count; p += 16) {
        for (int j = 0; j < PARTS; j++) {
            const int first = p + j * LANES;
            part[j] += lanes_below(lanes_load(x + first), (lanes)(0.0f), first, count);
        }
        if (p + 16 <= count)
            whole += strip_load(x + p);
    }
    sums[0] = lanes_total(part);
    sums[1] = strip_sum(whole);
}

#ifdef SELFTEST_BROKEN
#error "SELFTEST_BROKEN asks for a build failure"
#endif

/* Four words per work-item: counter (i, b, c, d). */
__kernel void selftest_philox(WRITES_OF(uint, words), const uint key0, const uint key1,
                              const uint b, const uint c, const uint d)
{
    OPEN_WRITE_OF(uint, words);
    const uint i = (uint)get_global_id(0);
    const uint4 drawn = philox((uint4)(i, b, c, d), (uint2)(key0, key1));
    vstore4(drawn, i, words);
}

/* Where each work-item is in its group: shows which local size was used. */
__kernel void selftest_local(WRITES_OF(int, places))
{
    OPEN_WRITE_OF(int, places);
    const size_t i = get_global_id(0) + get_global_size(0) * get_global_id(1);
    places[i] = (int)(get_local_id(0) + 10000 * get_local_id(1));
}

/* Written for one group size: must be refused, not shrunk, where the device cannot have it. */
__kernel __attribute__((reqd_work_group_size(SELFTEST_GROUP, 1, 1))) void
selftest_fixed_group(WRITES_OF(int, places))
{
    OPEN_WRITE_OF(int, places);
    places[get_global_id(0)] = (int)get_local_size(0);
}

/* How often each place of a grid is taken, at [place2][place1][place0]. */
__kernel void selftest_share(WRITES_OF(int, taken), SHARES)
{
    OPEN_WRITE_OF(int, taken);
    EACH_PLACE
    {
        OPEN_PLACE_3D;
        taken[((size_t)place2 * size1 + place1) * size0 + place0]++;
    }
}
