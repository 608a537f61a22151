/* Outputs x with 0 <= x * stride + offset < size: the first, and the one behind the last. */
static int first_inside(int offset, int stride)
{
    return offset < 0 ? (stride - 1 - offset) / stride : 0;
}

static int behind_inside(int offset, int stride, int size, int outputs)
{
    const int behind = size > offset ? (size - offset + stride - 1) / stride : 0;
    return behind < outputs ? behind : outputs;
}

/* out += weight * in, moved by (dy, dx) and read at every stride-th pixel; black around the image. */
static void add_tap(const float *in, shape from, float weight, int dy, int dx, const int stride[2],
                    float *out, shape to)
{
    const int first = first_inside(dx, stride[1]);
    const int behind = behind_inside(dx, stride[1], from.width, to.width);
    for (int y = first_inside(dy, stride[0]);
         y < behind_inside(dy, stride[0], from.height, to.height); y++) {
        const float *source = in + (y * stride[0] + dy) * from.width;
        for (int x = first; x < behind; x++)
            out[y * to.width + x] += weight * source[x * stride[1] + dx];
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
