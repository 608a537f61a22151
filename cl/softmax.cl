// softmax.cl - softmax along one axis of a sample, and back.
//
//     y[k] = exp(x[k] − m) / Σ_j exp(x[j] − m),  m = max x         dx[k] = y[k]·(dy[k] − Σ_j dy[j]·y[j])
//
// Values lie as [outer][length][inner][n], the sum is over the middle.  One work-item takes one row of 16 samples; global size
// (n/16, outer·inner).  Sums run along the row in order.  Backward computes y once more: it costs less than keeping it.
#include "stream.clh"

#define ROW_ARGUMENTS const int length, const int inner, const int n, const int real

// First float of this work-item's row, floats from one element to the next, sample of lane 0 of part j.
#define OPEN_ROW                                                                                   \
    const int row = get_global_id(1), strip_sample = (int)get_global_id(0) * 16;                   \
    const size_t stride = (size_t)inner * n;                                                       \
    const size_t row_at = (size_t)(row / inner) * length * stride + (size_t)(row % inner) * n + strip_sample

// Largest element of a row, and Σ exp(x − largest).
INLINE void row_sums(__global const float *x, int length, size_t stride, lanes *most, lanes *sum)
{
    *most = (lanes)(-INFINITY);
    *sum = (lanes)0.0f;
    for (int k = 0; k < length; k++)
        *most = fmax(*most, lanes_load(x + k * stride));
    for (int k = 0; k < length; k++)
        *sum += exp(lanes_load(x + k * stride) - *most);
}

__kernel void softmax_forward(READS(x), WRITES(y), ROW_ARGUMENTS)
{
    OPEN_READ(x);
    OPEN_WRITE(y);
    OPEN_ROW;
    for (int j = 0; j < PARTS; j++) {
        const size_t at = row_at + j * LANES;
        lanes most, sum;
        row_sums(x + at, length, stride, &most, &sum);
        for (int k = 0; k < length; k++)
            lanes_store(y + at + k * stride, exp(lanes_load(x + at + k * stride) - most) / sum);
    }
}

__kernel void softmax_backward(READS(x), READS(g), WRITES(t), ROW_ARGUMENTS)
{
    OPEN_READ(x);
    OPEN_READ(g);
    OPEN_WRITE(t);
    OPEN_ROW;
    for (int j = 0; j < PARTS; j++) {
        const size_t at = row_at + j * LANES;
        lanes most, sum, along = (lanes)0.0f;
        row_sums(x + at, length, stride, &most, &sum);
        for (int k = 0; k < length; k++)
            along = fma(exp(lanes_load(x + at + k * stride) - most) / sum, lanes_load(g + at + k * stride), along);
        for (int k = 0; k < length; k++) {
            const lanes y = exp(lanes_load(x + at + k * stride) - most) / sum;
            const lanes v = y * (lanes_load(g + at + k * stride) - along);
            lanes_store(t + at + k * stride, lanes_below(v, (lanes)0.0f, strip_sample + j * LANES, real));
        }
    }
}
