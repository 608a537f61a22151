/* Moved by so many channels, rows and columns; `value` where nothing came. */
static void pad(const float *in, shape from, int by_c, int by_h, int by_w, float value, float *out,
                shape to)
{
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++)
            for (int x = 0; x < to.width; x++) {
                const int k = c - by_c, row = y - by_h, column = x - by_w;
                const int inside = k >= 0 && k < from.channels && row >= 0 && row < from.height &&
                                   column >= 0 && column < from.width;
                *out++ = inside ? in[(k * from.height + row) * from.width + column] : value;
            }
}
