// conv2d_parts.cl - the small passes around convolutions: ordering weights, adding up parts, bias.  One program for all shapes.
#include "convolution.clh"

// Weights of conv2d.cl in the order they are used: packed[tile][r][i][s][KT], where `tile` and KT run over output channels of
// the pass and i over its input channels; 0 beyond the last.  Forward: o = k, i = c.  Input gradient: o = c, i = k.
// Global size (inputs / run rounded up, tiles): a work-item moves `run` inputs of a tile, so that it is worth starting.
__kernel void pack_weights(READS(weight), WRITES(packed), const int outputs, const int inputs, const int kh, const int kw,
                           const int KT, const int transposed, const int run)
{
    OPEN_READ(weight);
    OPEN_WRITE(packed);
    const int first = get_global_id(0) * run, last = min(first + run, inputs), tile = get_global_id(1), taps = kh * kw;
    for (int o = 0; o < KT; o++) {
        const int out = tile * KT + o;
        for (int i = first; i < last; i++) {
            const size_t pair = transposed ? (size_t)i * outputs + out : (size_t)out * inputs + i;
            __global float *to = packed + ((size_t)tile * kh * inputs + i) * kw * KT + o;
            for (int t = 0, r = 0; r < kh; r++)
                for (int s = 0; s < kw; s++, t++)
                    to[((size_t)r * inputs * kw + s) * KT] = out < outputs ? weight[pair * taps + t] : 0.0f;
        }
    }
}

// y[i] = Σ_part sums[part][i] in rising order.  Work-item: `run` neighbouring i.
__kernel void sum_parts(READS(sums), WRITES(y), const int count, const int parts, const int run)
{
    OPEN_READ(sums);
    OPEN_WRITE(y);
    int i = get_global_id(0) * run;
    const int last = min(i + run, count);
    for (; i + LANES <= last; i += LANES) {
        lanes sum = (lanes)0.0f;
        for (int part = 0; part < parts; part++)
            sum += lanes_load_any(sums + (size_t)part * count + i);
        lanes_store_any(y + i, sum);
    }
    for (; i < last; i++) {
        float sum = 0.0f;
        for (int part = 0; part < parts; part++)
            sum += sums[(size_t)part * count + i];
        y[i] = sum;
    }
}

// Gradient of a bias: Σ dz over everything but the channel.  Work-item: one channel of `strips` strips.
__kernel void bias_gradient(STREAM_GRADIENT_ARGUMENTS(g), WRITES(bias), const int channels, const int strips, const int n,
                            const int real)
{
    const int c = get_global_id(0);
    OPEN_STREAM_GRADIENT(g, c, channels, (size_t)strips * 16);
    OPEN_WRITE(bias);
    lanes sum[PARTS];
    for (int j = 0; j < PARTS; j++)
        sum[j] = (lanes)0.0f;
    for (int s = 0, sample = 0; s < strips; s++) {
        for (int j = 0; j < PARTS; j++)
            sum[j] += STREAM_FORM(g, s * 16 + j * LANES, sample + j * LANES);
        sample = sample + 16 == n ? 0 : sample + 16;
    }
    bias[c] = lanes_total(sum);
}

// z[c][i] = bias[c]: what a matrix product then adds to.  Work-item: one row of `count` floats of a channel.
__kernel void fill_bias(READS(bias), WRITES(z), const int count)
{
    OPEN_READ(bias);
    OPEN_WRITE(z);
    const int row = get_global_id(0), c = get_global_id(1);
    __global float *to = z + ((size_t)c * get_global_size(0) + row) * count;
    for (int i = 0; i < count; i += LANES)
        lanes_store(to + i, (lanes)bias[c]);
}
