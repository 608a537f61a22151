/* out += weight * in, moved by (dy, dx) and read at every stride-th pixel; black around the image. */
static void add_tap(const float *in, shape from, float weight, int dy, int dx, const int stride[2],
                    float *out, shape to)
{
    for (int y = 0; y < to.height; y++) {
        const int row = y * stride[0] + dy;
        if (row < 0 || row >= from.height)
            continue;
        const float *source = in + row * from.width;
        float *target = out + y * to.width;
        for (int x = 0; x < to.width; x++) {
            const int column = x * stride[1] + dx;
            if (column >= 0 && column < from.width)
                target[x] += weight * source[column];
        }
    }
}

/* weight[out][in / groups][height][width]; bias may be NULL. */
static void convolution(const float *in, shape from, const float *weight, const float *bias,
                        const window *w, float *out, shape to)
{
    const int inside = from.channels / w->groups, outside = to.channels / w->groups;
    for (int k = 0; k < to.channels; k++) {
        float *target = out + k * plane_of(to);
        for (int i = 0; i < plane_of(to); i++)
            target[i] = bias ? bias[k] : 0.0f;
        for (int c = 0; c < inside; c++) {
            const float *source = in + (k / outside * inside + c) * plane_of(from);
            for (int r = 0; r < w->kernel[0]; r++)
                for (int s = 0; s < w->kernel[1]; s++)
                    add_tap(source, from, *weight++, r * w->dilation - w->padding[0],
                            s * w->dilation - w->padding[1], w->stride, target, to);
        }
    }
}
