/* Rows of `length` elements, `inner` apart; each is made to add up to 1. */
static void softmax(const float *in, int length, int inner, float *out, int count)
{
    for (int i = 0; i < count / length; i++) {
        const int at = i / inner * length * inner + i % inner;
        float most = in[at], sum = 0.0f;
        for (int k = 1; k < length; k++)
            most = in[at + k * inner] > most ? in[at + k * inner] : most;
        for (int k = 0; k < length; k++)
            sum += out[at + k * inner] = expf(in[at + k * inner] - most);
        for (int k = 0; k < length; k++)
            out[at + k * inner] /= sum;
    }
}
