/* Axis k of the output is the input's axis whose elements are step[k] apart. */
static void transpose(const float *in, int step_c, int step_h, int step_w, float *out, shape to)
{
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++)
            for (int x = 0; x < to.width; x++)
                *out++ = in[c * step_c + y * step_h + x * step_w];
}
