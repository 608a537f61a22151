/* The mean of each channel. */
static void global_average(const float *in, shape from, float *out)
{
    for (int c = 0; c < from.channels; c++) {
        float sum = 0.0f;
        for (int i = 0; i < plane_of(from); i++)
            sum += *in++;
        out[c] = sum / (float)plane_of(from);
    }
}
