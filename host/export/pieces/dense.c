/* weight[out][features]; bias may be NULL. */
static void dense(const float *in, int features, const float *weight, const float *bias, float *out,
                  int outputs)
{
    for (int k = 0; k < outputs; k++) {
        float sum = bias ? bias[k] : 0.0f;
        for (int f = 0; f < features; f++)
            sum += *weight++ * in[f];
        out[k] = sum;
    }
}
