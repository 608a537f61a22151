/* gates.cl - from architecture weights α to the gates of a supernet, and from the gates' gradients back to α.
 *
 * A row is one decision: choices that compete.  Its gates are
 *
 *     p = softmax((α + g) / τ)          g: noise, τ: temperature
 *     gate = p                          DARTS (arXiv 1806.09055): g = 0, τ = 1;  SNAS (1812.09926): g Gumbel noise
 *     gate = one-hot(argmax p)          GDAS (1910.04465): only the winner counts, but p's gradient is handed on
 *     gate = p·e                        PC-DARTS (1907.05737): e = softmax of the rows' β over the edges into one node
 *
 * and, with d the gradient of the loss by the gates,
 *
 *     dα_k = p_k·(d_k·e − Σ_j p_j·d_j·e) / τ
 *     dβ_r = e_r·(f_r − Σ_s e_s·f_s),   f_r = Σ_k p_k·d_k, and the gradient of the gate of the channels that go around
 *
 * Gumbel noise is −log(−log u).  u = (w + ½)·2^−23 of the 23 high bits w of a Philox word is never 0 nor 1, so no noise is infinite.
 * Counter: (place in α, epoch, step, phase); so α's step and the weights' step of one training step draw different noise.
 *
 * The step block says where training stands: epoch, step, spare[4] the temperature, spare[5] the phase.
 *
 * One work-item per row: there are at most a few hundred numbers.  A row is ROW ints: first gate (and place in α), choices, first
 * row and end of its group, gate of the channels that go around (−1: none).  Behind α, `edges` = 1, lie the β of all rows. */
#include "prelude.clh"
#include "philox.clh"
#include "step.clh"

#define ROW 5

INLINE float gates_noise(uint place, __global const step_block *step, uint2 key)
{
    const uint4 words = philox((uint4)(place, step->epoch, step->step, step->spare[5]), key);
    return -log(-log(((float)(words.x >> 9) + 0.5f) * 0x1p-23f));
}

/* softmax of values[0 … count − 1] in place of them. */
INLINE void gates_softmax(__global float *values, const int count)
{
    float most = values[0], sum = 0.0f;
    for (int k = 1; k < count; k++)
        most = fmax(most, values[k]);
    for (int k = 0; k < count; k++) {
        values[k] = exp(values[k] - most);
        sum += values[k];
    }
    for (int k = 0; k < count; k++)
        values[k] /= sum;
}

/* e of row r: its share among the rows of its group. */
INLINE float gates_edge(__global const float *beta, const int r, const int from, const int to)
{
    float most = beta[from], sum = 0.0f;
    for (int s = from + 1; s < to; s++)
        most = fmax(most, beta[s]);
    for (int s = from; s < to; s++)
        sum += exp(beta[s] - most);
    return exp(beta[r] - most) / sum;
}

/* `soft`, as long as the choices and the rows together, keeps p and, behind it, e for the way back. */
__kernel void gates_forward(READS(alpha), READS_OF(int, rows), READS_OF(step_block, step), WRITES(soft), WRITES(gates),
                            const int count, const int choices, const int noisy, const int hard, const int edges,
                            const uint key0, const uint key1)
{
    OPEN_READ(alpha);
    OPEN_READ_OF(int, rows);
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(soft);
    OPEN_WRITE(gates);
    const int r = (int)get_global_id(0);
    if (r >= count)
        return;
    __global const int *row = rows + r * ROW;
    const int first = row[0], length = row[1], around = row[4];
    const float temperature = as_float(step->spare[4]);
    for (int k = 0; k < length; k++) {
        const uint place = (uint)(first + k);
        const float noise = noisy ? gates_noise(place, step, (uint2)(key0, key1)) : 0.0f;
        soft[first + k] = (alpha[first + k] + noise) / temperature;
    }
    gates_softmax(soft + first, length);
    int best = 0;
    for (int k = 1; k < length; k++)
        best = soft[first + k] > soft[first + best] ? k : best;
    const float edge = edges ? gates_edge(alpha + choices, r, row[2], row[3]) : 1.0f;
    soft[choices + r] = edge;
    for (int k = 0; k < length; k++)
        gates[first + k] = edge * (hard ? (k == best ? 1.0f : 0.0f) : soft[first + k]);
    if (around >= 0)
        gates[around] = edge;
}

/* f of a row: the gradient by its edge's weight. */
INLINE float gates_of_edge(__global const int *row, __global const float *soft, __global const float *gradient)
{
    float sum = row[4] >= 0 ? gradient[row[4]] : 0.0f;
    for (int k = 0; k < row[1]; k++)
        sum = fma(soft[row[0] + k], gradient[row[0] + k], sum);
    return sum;
}

__kernel void gates_backward(READS(gradient), READS_OF(int, rows), READS_OF(step_block, step), READS(soft),
                             WRITES(alpha_gradient), const int count, const int choices, const int edges)
{
    OPEN_READ(gradient);
    OPEN_READ_OF(int, rows);
    OPEN_READ_OF(step_block, step);
    OPEN_READ(soft);
    OPEN_WRITE(alpha_gradient);
    const int r = (int)get_global_id(0);
    if (r >= count)
        return;
    __global const int *row = rows + r * ROW;
    const int first = row[0], length = row[1];
    const float temperature = as_float(step->spare[4]), edge = soft[choices + r];
    float mean = 0.0f;
    for (int k = 0; k < length; k++)
        mean = fma(soft[first + k], gradient[first + k] * edge, mean);
    for (int k = 0; k < length; k++)
        alpha_gradient[first + k] = soft[first + k] * (gradient[first + k] * edge - mean) / temperature;
    if (!edges)
        return;
    float edge_mean = 0.0f;
    for (int s = row[2]; s < row[3]; s++)
        edge_mean = fma(soft[choices + s], gates_of_edge(rows + s * ROW, soft, gradient), edge_mean);
    alpha_gradient[choices + r] = edge * (gates_of_edge(row, soft, gradient) - edge_mean);
}
