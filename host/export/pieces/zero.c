static void zero(float *out, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = 0.0f;
}
