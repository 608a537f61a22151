/* `gate` has as many values as `in`, or one per channel. */
static void mul(const float *in, const float *gate, int gates, float *out, shape to)
{
    const int per = to.channels * plane_of(to) / gates;
    for (int i = 0; i < to.channels * plane_of(to); i++)
        out[i] = in[i] * gate[i / per];
}
