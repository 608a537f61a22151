// conv2d_plain.cl - convolution as its formula says: any kernel, stride, padding, dilation and number of groups, one program for all.
//
//   z[k, y, x]     = bias[k] + Σ_c Σ_r Σ_s  w[k, c, r, s] · a[c', y·S + r·D − pad_h, x·S + s·D − pad_w]
//   da[c', y', x'] = the transpose of it,   dw[k, c, r, s] = Σ_y Σ_x Σ_n dz[k, y, x] · a[c', …]
//
// c runs over the C/groups input channels of k's group and c' is its number in x.  Read this first; conv2d.cl and
// depthwise.cl are the same with tiles, and are tested against it.  Grouped convolutions that are not depthwise use it, and
// devices whose private memory is not a cache.
//
// One work-item makes LANES samples of one pixel of one channel, or one weight; neighbours in the first dimension read
// neighbouring samples.  Statistics and reductions are passes of their own here (host/ops/convolution.c).
// `plane` serves dense layers: the C inputs are pixels of C / plane channels, which have one scale and shift each.
#include "convolution.clh"

#define AXES                                                                                       \
    const int C, const int H, const int W, const int K, const int HO, const int WO, const int n,   \
        const int real, const int pad_h, const int pad_w, const int plane, const int KH, const int KW, \
        const int S, const int D, const int groups

// Global size (n / LANES, HO · WO, K).
__kernel void plain_forward(STREAM_READ_ARGUMENTS(x), READS(weight), READS(bias), WRITES(z), AXES, const int biased)
{
    OPEN_READ(x);
    OPEN_READ(x_scale);
    OPEN_READ(x_shift);
    OPEN_READ(weight);
    OPEN_READ(bias);
    OPEN_WRITE(z);
    const int sample = get_global_id(0) * LANES, y = get_global_id(1) / WO, xo = get_global_id(1) % WO;
    const int k = get_global_id(2), inside = C / groups, first = k / (K / groups) * inside;
    lanes sum = (lanes)(biased ? bias[k] : 0.0f);
    for (int c = 0; c < inside; c++) {
        const edge e = EDGE_OF(x, (first + c) / plane);
        for (int r = 0; r < KH; r++)
            for (int s = 0; s < KW; s++) {
                const int row = y * S + r * D - pad_h, column = xo * S + s * D - pad_w;
                if (row < 0 || row >= H || column < 0 || column >= W)
                    continue;
                const lanes v = lanes_load(x + (((size_t)(first + c) * H + row) * W + column) * n + sample);
                sum = fma(edge_value(v, e), (lanes)weight[(((size_t)k * inside + c) * KH + r) * KW + s], sum);
            }
    }
    lanes_store(z + (((size_t)k * HO + y) * WO + xo) * n + sample, sum);
}

// Global size (n / LANES, H · W, C).  t_reduces is 0 here.
__kernel void plain_backward_input(STREAM_GRADIENT_ARGUMENTS(g), READS(weight), STREAM_INTO_ARGUMENTS(t), AXES)
{
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(g_coefficients);
    OPEN_READ(weight);
    OPEN_WRITE(t);
    OPEN_READ(t_z);
    OPEN_READ(t_scale);
    OPEN_READ(t_shift);
    OPEN_READ(t_mean);
    const int sample = get_global_id(0) * LANES, y = get_global_id(1) / W, xo = get_global_id(1) % W;
    const int c = get_global_id(2), inside = C / groups, outside = K / groups, first = c / inside * outside;
    lanes sum = (lanes)0.0f, r0 = sum, r1 = sum;
    for (int k = first; k < first + outside; k++) {
        const former f = FORMER(g, k, K, sample, real);
        for (int r = 0; r < KH; r++)
            for (int s = 0; s < KW; s++) {
                const int v = y + pad_h - r * D, u = xo + pad_w - s * D;
                if (v < 0 || v % S != 0 || v / S >= HO || u < 0 || u % S != 0 || u / S >= WO)
                    continue;
                const size_t at = (((size_t)k * HO + v / S) * WO + u / S) * n + sample;
                const float w = weight[(((size_t)k * inside + c % inside) * KH + r) * KW + s];
                sum = fma(former_value(g + at, g_z + at, f), (lanes)w, sum);
            }
    }
    const hand h = HAND_OF(t, c / plane);
    const size_t at = (((size_t)c * H + y) * W + xo) * n + sample;
    stream_hand(sum, t + at, t_z + at, h, &r0, &r1);
}

// Global size (K · C/groups · KH · KW).
__kernel void plain_backward_weight(STREAM_READ_ARGUMENTS(x), STREAM_GRADIENT_ARGUMENTS(g), WRITES(sums), AXES)
{
    OPEN_READ(x);
    OPEN_READ(x_scale);
    OPEN_READ(x_shift);
    OPEN_READ(g);
    OPEN_READ(g_z);
    OPEN_READ(g_coefficients);
    OPEN_WRITE(sums);
    const int i = get_global_id(0), inside = C / groups;
    const int s = i % KW, r = i / KW % KH, k = i / (KW * KH * inside);
    const int c = i / (KW * KH) % inside + k / (K / groups) * inside;
    const edge e = EDGE_OF(x, c / plane);
    lanes sum[PARTS];
    for (int sub = 0; sub < PARTS; sub++)
        sum[sub] = (lanes)0.0f;
    for (int sample = 0; sample < n; sample += LANES) {
        const former f = FORMER(g, k, K, sample, real);
        for (int y = 0; y < HO; y++)
            for (int xo = 0; xo < WO; xo++) {
                const int row = y * S + r * D - pad_h, column = xo * S + s * D - pad_w;
                if (row < 0 || row >= H || column < 0 || column >= W)
                    continue;
                const size_t at = (((size_t)k * HO + y) * WO + xo) * n + sample;
                const lanes v = lanes_load(x + (((size_t)c * H + row) * W + column) * n + sample);
                const int sub = sample / LANES % PARTS;
                sum[sub] = fma(former_value(g + at, g_z + at, f), edge_value(v, e), sum[sub]);
            }
    }
    sums[i] = lanes_total(sum);
}
