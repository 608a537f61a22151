// passes.cl - what the net records where an operator does not fuse something, and the whole of the operators that only move
// channels (concat, slice, shuffle) or hand one gradient to several inputs (add).
//
//   passes_forward      y[y_from + c] = read(x[map(c)])       and, if wanted, statistics of what it wrote
//   passes_into         G[c] takes dz[map(c)]·act'            and, if wanted, R0 and R1 of the completed G
//   passes_statistics   count, mean, M2 of z
//   passes_reduce       R0 = ΣG, R1 = ΣG·(z − mean)
//   passes_sum          total = first + others, a vector of each shard of the batch: 1024 floats per work-item
//
// One work-item computes one part, `run` strips of 16 floats of one channel (stream.clh): global size (parts, channels).
// The channel map is map(c) = from + (c mod groups)·per + c div groups, groups = 1 and per = 0 for a plain shift; channels that
// map outside 0 … limit − 1 read as zero (the part of a slice's input that nobody took).
#include "stream.clh"

#define MAP_ARGUMENTS const int from, const int limit, const int groups, const int per

INLINE int map_channel(int c, int from, int groups, int per)
{
    return from + (c % groups) * per + c / groups;
}

__kernel void passes_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), STREAM_AXES,
                             MAP_ARGUMENTS, const int y_from, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_STREAM_READ(x, map_channel(c, from, groups, per), size);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + (size_t)(y_from + c) * size;
    for (size_t i = (size_t)first * 16; i < (size_t)last * 16; i += LANES)
        lanes_store(y + i, STREAM_READ(x, i));
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, y_from + c, part, parts);
}

__kernel void passes_into(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), STREAM_AXES,
                          MAP_ARGUMENTS)
{
    OPEN_RUN;
    const int source = map_channel(c, from, groups, per);
    const bool inside = source >= 0 && source < limit;
    OPEN_STREAM_GRADIENT(g, inside ? source : 0, limit, size);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const lanes v = inside ? STREAM_FORM(g, i, sample + j * LANES) : (lanes)0.0f;
            STREAM_HAND(t, v, i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}

__kernel void passes_statistics(READS(z), WRITES(statistics), STREAM_AXES)
{
    OPEN_RUN;
    OPEN_READ(z);
    OPEN_WRITE(statistics);
    stream_statistics(z + c * size, first, last, n, real, statistics, c, part, parts);
}

__kernel void passes_reduce(READS(g), READS(z), READS(mean), WRITES(reductions), STREAM_AXES)
{
    OPEN_RUN;
    OPEN_READ(g);
    OPEN_READ(z);
    OPEN_READ(mean);
    OPEN_WRITE(reductions);
    const lanes middle = (lanes)mean[c];
    lanes r0[PARTS], r1[PARTS];
    for (int j = 0; j < PARTS; j++)
        r0[j] = r1[j] = (lanes)0.0f;
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = c * size + (size_t)s * 16 + j * LANES;
            const lanes v = lanes_below(lanes_load(g + i), (lanes)0.0f, sample + j * LANES, real);
            r0[j] += v;
            r1[j] = fma(v, lanes_below(lanes_load(z + i) - middle, (lanes)0.0f, sample + j * LANES, real), r1[j]);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    reductions[(2 * c) * parts + part] = lanes_total(r0);
    reductions[(2 * c + 1) * parts + part] = lanes_total(r1);
}

__kernel void passes_sum(READS(first), READS(others), WRITES(total), const uint size, const uint stride,
                         const int count)
{
    OPEN_READ(first);
    OPEN_READ(others);
    OPEN_WRITE(total);
    const uint from = (uint)get_global_id(0) * 1024;
    for (uint i = from; i < min(from + 1024, size); i++) {
        float sum = first[i];
        for (int k = 0; k < count; k++)
            sum += others[(size_t)k * stride + i];
        total[i] = sum;
    }
}
