/* The largest or the mean of each window's pixels; those beside the image do not count. */
static void pool(const float *in, shape from, const window *w, int largest, float *out, shape to)
{
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++)
            for (int x = 0; x < to.width; x++) {
                float best = 0.0f, sum = 0.0f;
                int count = 0;
                for (int r = 0; r < w->kernel[0]; r++)
                    for (int s = 0; s < w->kernel[1]; s++) {
                        const int row = y * w->stride[0] - w->padding[0] + r;
                        const int column = x * w->stride[1] - w->padding[1] + s;
                        if (row < 0 || row >= from.height || column < 0 || column >= from.width)
                            continue;
                        const float value = in[(c * from.height + row) * from.width + column];
                        best = count == 0 || value > best ? value : best;
                        sum += value;
                        count++;
                    }
                *out++ = largest ? best : sum / (float)count;
            }
}
