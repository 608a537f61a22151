// conv2d_parts.cl - the small passes around convolutions: adding up parts, bias.  One program for all shapes.
#include "convolution.clh"

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
