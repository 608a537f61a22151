// mixed.cl - the weighted sum of a search network's candidates: y[c] = Σ over the candidates m of x of gate[first + m]·read(x)[m·C + c].
//
//   mixed_forward      y takes (or adds) one input's candidates          and, if wanted, statistics of the complete y
//   mixed_into         G[m·C + c] takes gate·dz[c]·act'                  and, if wanted, R0 and R1 of the completed G
//   mixed_sums         per channel of x and part: Σ dz[c]·read(x)[m·C + c]
//   mixed_gates        gate_gradients[first + m] += the sums of the candidate's channels, parts in index order
//
// Gates are data: they lie in the net's gate vector, and one that is 0 is not worth reading its candidate for.  One work-item
// computes one part, `run` strips of one channel (stream.clh): global size (parts, channels), for mixed_gates (candidates).
#include "stream.clh"

__kernel void mixed_forward(STREAM_READ_ARGUMENTS(x), READS(gates), WRITES(y), WRITES(statistics), STREAM_AXES,
                            const int candidates, const int first_gate, const int accumulate, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_READ(gates);
    OPEN_WRITE(statistics);
    const int channels = get_global_size(1);
    __global float *restrict y = y_home + y_at + c * size;
    bool begun = accumulate;
    for (int m = 0; m < candidates; m++) {
        const float gate = gates[first_gate + m];
        if (gate == 0.0f && (begun || m + 1 < candidates))
            continue;
        OPEN_STREAM_READ(x, m * channels + c, size);
        for (size_t i = (size_t)first * 16; i < (size_t)last * 16; i += LANES) {
            const lanes sum = begun ? lanes_load(y + i) : (lanes)0.0f;
            lanes_store(y + i, gate == 0.0f ? (lanes)0.0f : fma((lanes)gate, STREAM_READ(x, i), sum));
        }
        begun = true;
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void mixed_into(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), READS(gates), STREAM_AXES,
                         const int channels, const int first_gate)
{
    OPEN_RUN;
    OPEN_READ(gates);
    const lanes gate = (lanes)gates[first_gate + c / channels];
    OPEN_STREAM_GRADIENT(g, c % channels, channels, size);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            STREAM_HAND(t, gate * STREAM_FORM(g, i, sample + j * LANES), i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}

__kernel void mixed_sums(STREAM_GRADIENT_ARGUMENTS(g), STREAM_READ_ARGUMENTS(x), WRITES(sums), STREAM_AXES,
                         const int channels)
{
    OPEN_RUN;
    OPEN_WRITE(sums);
    OPEN_STREAM_GRADIENT(g, c % channels, channels, size);
    OPEN_STREAM_READ(x, c, size);
    lanes sum[PARTS];
    for (int j = 0; j < PARTS; j++)
        sum[j] = (lanes)0.0f;
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const lanes value = lanes_below(STREAM_READ(x, i), (lanes)0.0f, sample + j * LANES, real);
            sum[j] = fma(STREAM_FORM(g, i, sample + j * LANES), value, sum[j]);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    sums[c * parts + part] = lanes_total(sum);
}

__kernel void mixed_gates(READS(sums), WRITES(gate_gradients), const int channels, const int parts, const int first_gate)
{
    OPEN_READ(sums);
    OPEN_WRITE(gate_gradients);
    const int m = get_global_id(0), count = channels * parts;
    float sum = 0.0f;
    for (int i = 0; i < count; i++)
        sum += sums[m * count + i];
    gate_gradients[first_gate + m] += sum;
}
