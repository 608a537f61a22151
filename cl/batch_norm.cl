// batch_norm.cl - the arithmetic of batch normalisation between the passes that others fuse.
//
// Writers of z leave, per channel, `parts` triples (count, mean, M2); writers that complete G leave `parts` pairs (R0, R1).  Here
// they are merged, one work-item per channel, parts taken 16 at a time in a fixed order, one shard of the batch after the other:
//   mean = m_0 + Σ n_i·(m_i − m_0) / Σ n_i          (m_0 the first part's mean: no cancellation for large means)
//   M2   = Σ (M2_i + n_i·(m_i − mean)²)             Chan's formula for many parts; never negative, exact for constants
//   variance = M2 / n,  r = 1/√(variance + epsilon),  scale = γ·r,  shift = β − mean·scale
// Backward, with M = count (Ioffe and Szegedy 2015, rearranged so that dz = a·G + b·z + d is formed on load):
//   a = γ·r,  b = −γ·r³·R1/M,  d = −γ·r·R0/M − b·mean,  dγ = r·R1,  dβ = R0
#include "prelude.clh"
#include "step.clh"

// Sixteen parts from `first`, 0 beyond the last (the slack of a buffer may be read).
INLINE strip parts_load(__global const float *row, int first, int parts)
{
    const int16 index = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) + (int16)(first);
    return select((strip)(0.0f), vload16(0, row + first), index < (int16)(parts));
}

// `shards` rows of parts, `stride` floats from one to the next.
INLINE float parts_sum(__global const float *row, int parts, int shards, int stride)
{
    strip sum = (strip)(0.0f);
    for (int shard = 0; shard < shards; shard++, row += stride)
        for (int i = 0; i < parts; i += 16)
            sum += parts_load(row, i, parts);
    return strip_sum(sum);
}

// `affine`: gamma and beta are there; `running`: the running statistics are, which the step block may weigh by another
// momentum: 1/k for the k-th batch gives the plain mean of the batches'.
__kernel void batch_norm_finish(READS(statistics), READS(gamma), READS(beta), WRITES(running_mean),
                                WRITES(running_variance), WRITES(scale), WRITES(shift),
                                WRITES(mean_out), WRITES(rstd_out), READS_OF(step_block, step), const int parts,
                                const int shards, const int stride, const int affine, const int running, const float epsilon,
                                const float momentum)
{
    const int c = get_global_id(0);
    __global const float *counts = statistics_home + statistics_at + (size_t)c * 3 * parts;
    __global const float *means = counts + parts, *squares = means + parts;
    const float origin = means[0], count = fmax(parts_sum(counts, parts, shards, stride), 1.0f);
    strip moved = (strip)(0.0f), square = (strip)(0.0f);
    for (int shard = 0, at = 0; shard < shards; shard++, at += stride)
        for (int i = 0; i < parts; i += 16)
            moved = fma(parts_load(counts + at, i, parts), parts_load(means + at, i, parts) - origin, moved);
    const float mean = origin + strip_sum(moved) / count;
    for (int shard = 0, at = 0; shard < shards; shard++, at += stride)
        for (int i = 0; i < parts; i += 16) {
            const strip off = parts_load(means + at, i, parts) - mean;
            square += fma(parts_load(counts + at, i, parts) * off, off, parts_load(squares + at, i, parts));
        }
    const float m2 = strip_sum(square), variance = m2 / count;
    const float r = 1.0f / sqrt(variance + epsilon);
    const float s = affine ? gamma_home[gamma_at + c] * r : r;
    scale_home[scale_at + c] = s;
    shift_home[shift_at + c] = fma(-mean, s, affine ? beta_home[beta_at + c] : 0.0f);
    mean_out_home[mean_out_at + c] = mean;
    rstd_out_home[rstd_out_at + c] = r;
    if (running) {
        OPEN_READ_OF(step_block, step);
        const float rate = step->norm_momentum > 0.0f ? step->norm_momentum : momentum;
        __global float *average = running_mean_home + running_mean_at + c;
        __global float *spread = running_variance_home + running_variance_at + c;
        *average = fma(rate, mean - *average, *average);
        *spread = fma(rate, m2 / fmax(count - 1.0f, 1.0f) - *spread, *spread);
    }
}

__kernel void batch_norm_frozen(READS(gamma), READS(beta), READS(running_mean),
                                READS(running_variance), WRITES(scale), WRITES(shift),
                                WRITES(mean_out), WRITES(rstd_out), const int affine,
                                const int running, const float epsilon)
{
    const int c = get_global_id(0);
    const float mean = running ? running_mean_home[running_mean_at + c] : 0.0f;
    const float variance = running ? running_variance_home[running_variance_at + c] : 1.0f;
    const float r = 1.0f / sqrt(variance + epsilon);
    const float s = affine ? gamma_home[gamma_at + c] * r : r;
    scale_home[scale_at + c] = s;
    shift_home[shift_at + c] = fma(-mean, s, affine ? beta_home[beta_at + c] : 0.0f);
    mean_out_home[mean_out_at + c] = mean;
    rstd_out_home[rstd_out_at + c] = r;
}

// `tells` has bit 0 where dγ and bit 1 where dβ is wanted, bit 2 where what is read as g is G / gate.
__kernel void batch_norm_backward(READS(reductions), READS(gamma), READS(mean), READS(rstd), READS(gate),
                                  WRITES(coefficients), WRITES(gamma_gradient),
                                  WRITES(beta_gradient), const int parts, const int shards,
                                  const int stride, const int channels, const int affine,
                                  const int tells, const float count)
{
    const int c = get_global_id(0);
    __global const float *row = reductions_home + reductions_at + (size_t)c * 2 * parts;
    const float r0 = parts_sum(row, parts, shards, stride), r1 = parts_sum(row + parts, parts, shards, stride);
    const float r = rstd_home[rstd_at + c];
    const float a = affine ? gamma_home[gamma_at + c] * r : r;
    const float b = -a * r * r * r1 / count;
    const float d = fma(-b, mean_home[mean_at + c], -a * r0 / count);
    __global float *out = coefficients_home + coefficients_at + c;
    out[0] = tells & 4 ? a * gate_home[gate_at] : a;
    out[channels] = b;
    out[2 * (size_t)channels] = d;
    if (tells & 1)
        gamma_gradient_home[gamma_gradient_at + c] = r * r1;
    if (tells & 2)
        beta_gradient_home[beta_gradient_at + c] = r0;
}
