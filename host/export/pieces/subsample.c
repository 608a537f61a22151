/* Every step-th pixel from the first one on; black beside the image. */
static void subsample(const float *in, shape from, int step_h, int step_w, int first_h, int first_w,
                      float *out, shape to)
{
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++)
            for (int x = 0; x < to.width; x++) {
                const int row = first_h + y * step_h, column = first_w + x * step_w;
                const int inside = row < from.height && column < from.width;
                *out++ = inside ? in[(c * from.height + row) * from.width + column] : 0.0f;
            }
}
