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
 * ProxylessNAS (1812.00332) has a step of its own for α, in which two choices i, j of a row compete (gates_pairs …):
 *
 *     i, j drawn by softmax(α) without putting back: the two largest of α + g
 *     one of them drawn by q = softmax(α_i, α_j) has gate 1, the other one WATCHED
 *     dα_i = q_i·q_j·(d_i − d_j) = −dα_j            and for all k with the costs c in seconds times λ/reference
 *     dα_k += p_k·(c_k − Σ_m p_m·c_m)               of the whole softmax p, the gradient of λ·E[latency]/reference
 *     after the update α_i and α_j move together, so that exp α_i + exp α_j is what it was
 *
 * The choice that is watched is computed, so that d is known, and adds nothing: a gate that is exactly 0 would be one of those that
 * are not run (mixed.cl), and WATCHED times a value is lost in any float32 sum that is larger than 2^−39 of that value; where the other
 * operation gives 0, as `none` does, 5·10^−20 of it is left.  It is no smaller since products with it should be normal numbers.
 *
 * Where what has lost is not run (`closed`), its d is the sum of the node's gradient, as if it were a number that is added (mixed.cl).  So
 * is that of a choice `none` which lost: no kernel reads it, so it takes what another loser of its row has; 0 where there is none.
 *
 * Gumbel noise is −log(−log u).  u = (w + ½)·2^−23 of the 23 high bits w of a Philox word is never 0 nor 1, so no noise is infinite.
 * Counter: (place in α, epoch, step, phase); so α's step and the weights' step of one training step draw different noise.  Word 0 is g,
 * word 1 decides between two.
 *
 * The step block says where training stands: epoch, step, spare[4] the temperature, spare[5] the phase.
 *
 * One work-item per row: there are at most a few hundred numbers.  A row is ROW ints: first gate (and place in α), choices, first
 * row and end of its group, gate of the channels that go around (−1: none), the choice that is no operation (−1).  Behind α, `edges` = 1,
 * lie the β of all rows. */
#include "prelude.clh"
#include "philox.clh"
#include "step.clh"

#define ROW 6
#define WATCHED 0x1p-64f

/* This work-item's row; there are `count`. */
#define OPEN_ROW                                                                                                          \
    const int r = (int)get_global_id(0);                                                                                  \
    if (r >= count)                                                                                                       \
        return;                                                                                                           \
    OPEN_READ_OF(int, rows);                                                                                              \
    __global const int *row = rows + r * ROW

INLINE float gates_gumbel(uint word)
{
    return -log(-log(((float)(word >> 9) + 0.5f) * 0x1p-23f));
}

INLINE uint4 gates_words(int place, __global const step_block *step, uint2 key)
{
    return philox((uint4)((uint)place, step->epoch, step->step, step->spare[5]), key);
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
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(soft);
    OPEN_WRITE(gates);
    OPEN_ROW;
    const int first = row[0], length = row[1], around = row[4];
    const float temperature = as_float(step->spare[4]);
    for (int k = 0; k < length; k++) {
        const float noise = noisy ? gates_gumbel(gates_words(first + k, step, (uint2)(key0, key1)).x) : 0.0f;
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

/* d of choice k. */
INLINE float gates_gradient(__global const int *row, __global const float *gates, __global const float *gradient, const int k,
                            const int closed)
{
    const int first = row[0];
    if (!closed || k != row[5] || gates[first + k] != 0.0f)
        return gradient[first + k];
    for (int j = 0; j < row[1]; j++)
        if (j != k && gates[first + j] == 0.0f)
            return gradient[first + j];
    return 0.0f;
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
                             READS(gates), WRITES(alpha_gradient), const int count, const int choices, const int edges,
                             const int closed)
{
    OPEN_READ(gradient);
    OPEN_READ(gates);
    OPEN_READ_OF(step_block, step);
    OPEN_READ(soft);
    OPEN_WRITE(alpha_gradient);
    OPEN_ROW;
    const int first = row[0], length = row[1];
    const float temperature = as_float(step->spare[4]), edge = soft[choices + r];
    float mean = 0.0f;
    for (int k = 0; k < length; k++)
        mean = fma(soft[first + k], gates_gradient(row, gates, gradient, k, closed) * edge, mean);
    for (int k = 0; k < length; k++) {
        const float d = gates_gradient(row, gates, gradient, k, closed);
        alpha_gradient[first + k] = soft[first + k] * (d * edge - mean) / temperature;
    }
    if (!edges)
        return;
    float edge_mean = 0.0f;
    for (int s = row[2]; s < row[3]; s++)
        edge_mean = fma(soft[choices + s], gates_of_edge(rows + s * ROW, soft, gradient), edge_mean);
    alpha_gradient[choices + r] = edge * (gates_of_edge(row, soft, gradient) - edge_mean);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

/* log(exp a + exp b) */
INLINE float gates_both(float a, float b)
{
    return fmax(a, b) + log1p(exp(-fabs(a - b)));
}

/* The pair of a row as its gates tell it: x has gate 1, y is watched; −1: the row has one choice only. */
INLINE int2 gates_pair(__global const int *row, __global const float *gates)
{
    int2 pair = (int2)(-1);
    for (int k = row[0]; k < row[0] + row[1]; k++) {
        pair.x = gates[k] == 1.0f ? k : pair.x;
        pair.y = gates[k] == WATCHED ? k : pair.y;
    }
    return pair;
}

/* `soft` keeps p, and behind it log(exp α_i + exp α_j) of each row. */
__kernel void gates_pairs_forward(READS(alpha), READS_OF(int, rows), READS_OF(step_block, step), WRITES(soft), WRITES(gates),
                                  const int count, const int choices, const uint key0, const uint key1)
{
    OPEN_READ(alpha);
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(soft);
    OPEN_WRITE(gates);
    OPEN_ROW;
    const int first = row[0], length = row[1];
    int best = first, second = -1;
    float best_value = -INFINITY, second_value = -INFINITY;
    for (int k = first; k < first + length; k++) {
        const float value = alpha[k] + gates_gumbel(gates_words(k, step, (uint2)(key0, key1)).x);
        if (value > best_value) {
            second = k > first ? best : -1;
            second_value = best_value;
            best = k;
            best_value = value;
        } else if (value > second_value) {
            second = k;
            second_value = value;
        }
        soft[k] = alpha[k];
        gates[k] = 0.0f;
    }
    gates_softmax(soft + first, length);
    soft[choices + r] = second < 0 ? 0.0f : gates_both(alpha[best], alpha[second]);
    if (second >= 0) {
        const float own = alpha[best] + gates_gumbel(gates_words(best, step, (uint2)(key0, key1)).y);
        const float other = alpha[second] + gates_gumbel(gates_words(second, step, (uint2)(key0, key1)).y);
        gates[own < other ? best : second] = WATCHED;
        best = own < other ? second : best;
    }
    gates[best] = 1.0f;
}

__kernel void gates_pairs_backward(READS(gradient), READS_OF(int, rows), READS(alpha), READS(soft), READS(gates), READS(costs),
                                   WRITES(alpha_gradient), const int count)
{
    OPEN_READ(gradient);
    OPEN_READ(alpha);
    OPEN_READ(soft);
    OPEN_READ(gates);
    OPEN_READ(costs);
    OPEN_WRITE(alpha_gradient);
    OPEN_ROW;
    const int first = row[0], length = row[1];
    const int2 pair = gates_pair(row, gates);
    float mean = 0.0f;
    for (int k = first; k < first + length; k++)
        mean = fma(soft[k], costs[k], mean);
    for (int k = first; k < first + length; k++)
        alpha_gradient[k] = soft[k] * (costs[k] - mean);
    if (pair.y < 0)
        return;
    const float between = alpha[pair.x] - alpha[pair.y];
    const float both = 1.0f / ((1.0f + exp(between)) * (1.0f + exp(-between)));
    const float slope = both * (gradient[pair.x] - gradient[pair.y]);
    alpha_gradient[pair.x] += slope;
    alpha_gradient[pair.y] -= slope;
}

/* Behind the update of α. */
__kernel void gates_pairs_rescale(WRITES(alpha), READS_OF(int, rows), READS(soft), READS(gates), const int count,
                                  const int choices)
{
    OPEN_WRITE(alpha);
    OPEN_READ(soft);
    OPEN_READ(gates);
    OPEN_ROW;
    const int2 pair = gates_pair(row, gates);
    if (pair.y < 0)
        return;
    const float shift = soft[choices + r] - gates_both(alpha[pair.x], alpha[pair.y]);
    alpha[pair.x] += shift;
    alpha[pair.y] += shift;
}
