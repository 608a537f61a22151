/* scale * x + shift, by channel. */
static void norm(const float *in, const float *scale, const float *shift, float *out, shape to)
{
    for (int c = 0; c < to.channels; c++)
        for (int i = 0; i < plane_of(to); i++)
            *out++ = scale[c] * *in++ + shift[c];
}
