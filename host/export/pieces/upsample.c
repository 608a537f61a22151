/* Each pixel `factor` times in both directions. */
static void upsample(const float *in, shape from, int factor, float *out, shape to)
{
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++)
            for (int x = 0; x < to.width; x++)
                *out++ = in[(c * from.height + y / factor) * from.width + x / factor];
}
