/* Channels of `groups` groups, one of each in turn. */
static void shuffle(const float *in, int groups, float *out, shape to)
{
    for (int c = 0; c < to.channels; c++) {
        const float *source =
            in + (c % groups * (to.channels / groups) + c / groups) * plane_of(to);
        for (int i = 0; i < plane_of(to); i++)
            *out++ = source[i];
    }
}
