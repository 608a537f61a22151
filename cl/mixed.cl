// mixed.cl - the weighted sum of a search network's candidates: y[c] = Σ over the candidates m of gate_m·read(z_m[c]).
//
// All candidates of a node in one launch, so that each is read once and y is written once: where they lie, how they are read and which
// gate weighs them stands in a table of the node, one row per candidate (ROW words, written by host/ops/mixed.c while
// recording).  Candidates that lie in other buffers take further launches, which add; the order of the sum is that of the rows.
//
//   mixed_forward      y takes (or adds) the rows                        and, if wanted, statistics of the complete y
//   mixed_sums         of each row: Σ dz·read(z_m) per channel and part, and where wanted R0 and R1 of G = gate·dz,
//                      which itself is never written (NAS_FUSES_LENDING)
//   mixed_gates        gate_gradients[gate of the row] += the row's sums, rows in order
//   mixed_into         for one input, whose home has other readers: G[m·C + c] takes gate·dz[c]·act'; R0 and R1 if wanted
//
// Gates are data, and one that is 0 is not worth reading its candidate for.  With `closed` nobody may have computed it (paths), and its memory
// may be another one's: then backward neither reads it nor writes its gradient, and its gate's gradient is Σ dz, as if it had been
// 1 everywhere, which is what the released code of GDAS (arXiv 1910.04465) hands to losers.
//
// Global size (parts, channels), a part being `run` strips of one channel (stream.clh).  Those that read all candidates take `block` parts in a
// work-item, one candidate after the other: long rows of memory are what fetching ahead lives on, and y or dz stays in the cache
// meanwhile.  mixed_gates is one work-item.
#include "stream.clh"

// Words of a row; places are two words, low and high, and count floats.
#define ROW 16
#define BLOCK 8 // parts of a work-item, at most
#define ROW_X 0
#define ROW_SCALE 2
#define ROW_SHIFT 4
#define ROW_MEAN 6
#define ROW_REDUCTIONS 8
#define ROW_GATE 10
#define ROW_HAS 11 // bits: 1 scale and shift, 2 mean, 4 reductions are wanted
#define ROW_ACTIVATION 12
#define ROW_SLOPE 13

#define ROW_PLACE(row, word) (((ulong)(row)[(word) + 1] << 32) | (row)[word])

// The first row from `m` on whose gate is not 0.
INLINE int next_row(__global const uint *table, __global const float *gates, int m, int end)
{
    while (m < end && gates[table[m * ROW + ROW_GATE]] == 0.0f)
        m++;
    return m;
}

// This work-item's channel and parts.
#define OPEN_BLOCK                                                                                                        \
    const int c = get_global_id(1), parts = (strips + run - 1) / run;                                                     \
    const int first_part = get_global_id(0) * block, end_part = min(first_part + block, parts);                           \
    const size_t size = (size_t)strips * 16

// Pointer r at channel c of row m, r_gate and the edge e_r.
#define OPEN_ROW(r, m)                                                                                                    \
    __global const uint *r##_row = table + (m) * ROW;                                                                     \
    const int r##_affine = r##_row[ROW_HAS] & 1, r##_activation = r##_row[ROW_ACTIVATION];                                \
    const float r##_slope = as_float(r##_row[ROW_SLOPE]);                                                                 \
    const edge e_##r = EDGE(r, scale_home + scale_at + ROW_PLACE(r##_row, ROW_SCALE),                                     \
                            shift_home + shift_at + ROW_PLACE(r##_row, ROW_SHIFT), c);                                    \
    const float r##_gate = gates[r##_row[ROW_GATE]];                                                                      \
    __global const float *restrict r = x_home + x_at + ROW_PLACE(r##_row, ROW_X) + c * size

__kernel void mixed_forward(READS_OF(uint, table), READS(x), READS(scale), READS(shift), READS(gates), WRITES(y),
                            WRITES(statistics), STREAM_AXES, const int first_row, const int end_row, const int accumulate,
                            const int wants_statistics, const int block)
{
    OPEN_BLOCK;
    OPEN_READ_OF(uint, table);
    OPEN_READ(gates);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    const size_t from = (size_t)first_part * run * 16, to = (size_t)min(end_part * run, strips) * 16;
    bool begun = accumulate;
    for (int m = next_row(table, gates, first_row, end_row); m < end_row;) {
        const int k = next_row(table, gates, m + 1, end_row);
        OPEN_ROW(a, m);
        if (k < end_row) { // two at a time: y, which is in the first cache, is read and written half as often
            OPEN_ROW(b, k);
            for (size_t i = from; i < to; i += LANES) {
                const lanes sum = fma((lanes)a_gate, STREAM_READ(a, i), begun ? lanes_load(y + i) : (lanes)0.0f);
                lanes_store(y + i, fma((lanes)b_gate, STREAM_READ(b, i), sum));
            }
        } else {
            for (size_t i = from; i < to; i += LANES)
                lanes_store(y + i, fma((lanes)a_gate, STREAM_READ(a, i), begun ? lanes_load(y + i) : (lanes)0.0f));
        }
        begun = true;
        m = next_row(table, gates, k + 1, end_row);
    }
    for (size_t i = from; i < to && !begun; i += LANES)
        lanes_store(y + i, (lanes)0.0f);
    for (int part = first_part; part < end_part && wants_statistics; part++)
        stream_statistics(y, part * run, min((part + 1) * run, strips), n, real, statistics, c, part, parts);
}

// Σ dz·(v − middle) over strips first … last − 1, where v is what the edge reads (`plain`: as it lies); CHAINS sums side by side, as in
// stream_sums.
INLINE float row_sum(__global const float *g, __global const float *g_z, const int g_formed, float g_a, float g_b, float g_d,
                     __global const float *x, edge e_x, float middle, int first, int last, int n, int real, const bool plain,
                     const bool masked)
{
    lanes sum[CHAINS][PARTS];
    for (int k = 0; k < CHAINS; k++)
        for (int j = 0; j < PARTS; j++)
            sum[k][j] = (lanes)0.0f;
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s += CHAINS) {
#pragma unroll
        for (int k = 0; k < CHAINS; k++) {
            if (s + k < last) {
#pragma unroll
                for (int j = 0; j < PARTS; j++) {
                    const size_t i = (size_t)(s + k) * 16 + j * LANES;
                    lanes v = (plain ? lanes_load(x + i) : STREAM_READ(x, i)) - (lanes)middle;
                    if (masked)
                        v = lanes_below(v, (lanes)0.0f, sample + j * LANES, real);
                    sum[k][j] = fma(STREAM_FORM(g, i, sample + j * LANES), v, sum[k][j]);
                }
                if (masked || g_formed)
                    sample = NEXT_SAMPLE(sample, n);
            }
        }
    }
    for (int j = 0; j < PARTS; j++)
        sum[0][j] = (sum[0][j] + sum[1][j]) + (sum[2][j] + sum[3][j]);
    return lanes_total(sum[0]);
}

// The same for one part of a row.  Nearly all rows are plain, with all lanes real and a dz that need not be formed.
#define ROW_SUM(x, e, middle, part)                                                                                       \
    (real == n && !g_formed && (e).activation == ACT_NONE                                                                 \
         ? row_sum(g, g_z, 0, g_a, g_b, g_d, x, e, middle, (part) * run, min(((part) + 1) * run, strips), n, n, true, false) \
         : row_sum(g, g_z, g_formed, g_a, g_b, g_d, x, e, middle, (part) * run, min(((part) + 1) * run, strips), n, real,  \
                   false, true))

// A row without activation is summed up as it lies, about its mean, and its affine comes last.
__kernel void mixed_sums(READS_OF(uint, table), STREAM_GRADIENT_ARGUMENTS(g), READS(x), READS(scale), READS(shift), READS(mean),
                         WRITES(reductions), READS(gates), WRITES(sums), STREAM_AXES, const int first_row, const int end_row,
                         const int closed, const int block)
{
    OPEN_BLOCK;
    OPEN_READ_OF(uint, table);
    OPEN_READ(gates);
    OPEN_WRITE(sums);
    const int channels = get_global_size(1);
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    float r0[BLOCK];
    for (int part = first_part; part < end_part; part++) {
        lanes sum[PARTS];
        for (int j = 0; j < PARTS; j++)
            sum[j] = (lanes)0.0f;
        int sample = STRIP_SAMPLE(part * run, n);
        for (int s = part * run; s < min((part + 1) * run, strips); s++) {
            for (int j = 0; j < PARTS; j++)
                sum[j] += STREAM_FORM(g, (size_t)s * 16 + j * LANES, sample + j * LANES);
            sample = NEXT_SAMPLE(sample, n);
        }
        r0[part - first_part] = lanes_total(sum);
    }
    for (int m = first_row; m < end_row; m++) {
        OPEN_ROW(a, m);
        const bool plain = e_a.activation == ACT_NONE;
        const float mean = a_row[ROW_HAS] & 2 ? mean_home[mean_at + ROW_PLACE(a_row, ROW_MEAN) + c] : 0.0f;
        const float middle = plain ? mean : 0.0f, offset = fma(mean, e_a.scale, e_a.shift);
        const edge e = {plain ? 1.0f : e_a.scale, plain ? 0.0f : e_a.shift, e_a.slope, e_a.activation};
        __global float *reduced = reductions_home + reductions_at + ROW_PLACE(a_row, ROW_REDUCTIONS) + 2 * c * parts;
        for (int part = first_part; part < end_part; part++) {
            const float own_r0 = r0[part - first_part];
            const bool absent = closed && a_gate == 0.0f;
            const float r1 = absent ? 0.0f : ROW_SUM(a, e, middle, part);
            const float sum = plain ? fma(e_a.scale, r1, offset * own_r0) : r1;
            sums[((size_t)m * channels + c) * parts + part] = absent ? own_r0 : sum;
            if (a_row[ROW_HAS] & 4) {
                reduced[part] = a_gate * own_r0;
                reduced[parts + part] = a_gate * r1;
            }
        }
    }
}

__kernel void mixed_gates(READS_OF(uint, table), READS(sums), WRITES(gate_gradients), const int rows, const int count)
{
    OPEN_READ_OF(uint, table);
    OPEN_READ(sums);
    OPEN_WRITE(gate_gradients);
    const int16 index = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int m = 0; m < rows; m++) {
        strip sum = (strip)(0.0f);
        for (int i = 0; i < count; i += 16)
            sum += select((strip)(0.0f), vload16(0, sums + (size_t)m * count + i), index + (int16)(i) < (int16)(count));
        gate_gradients[table[m * ROW + ROW_GATE]] += strip_sum(sum);
    }
}

__kernel void mixed_into(STREAM_GRADIENT_ARGUMENTS(g), STREAM_INTO_ARGUMENTS(t), READS(gates), STREAM_AXES,
                         const int channels, const int first_gate, const int closed)
{
    OPEN_RUN;
    OPEN_READ(gates);
    const lanes gate = (lanes)gates[first_gate + c / channels];
    if (gates[first_gate + c / channels] == 0.0f && (closed || (t_accumulate && !t_reduces)))
        return; // adds nothing
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
