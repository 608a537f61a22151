/* resize.c - resampling a part of an image by a separable filter, without aliasing.
 *
 * Pixel i of n new ones looks at the source around its centre, c = start + (i + 1/2) · scale with scale = length / n.  Source pixel j counts
 * f((j + 1/2 − c) / max(scale, 1)), and a pixel's weights are divided by their sum.  Where an image shrinks the filter so is as many
 * times wider, a low-pass filter for the new raster (Turkowski, "Filters for common resampling tasks", Graphics Gems I, 1990, pages
 * 147 to 165); where it grows, it interpolates.  Filters, with their half width:
 *
 *     box 1/2       1
 *     bilinear 1    1 − |x|
 *     bicubic 2     Keys 1981, "Cubic convolution interpolation for digital image processing", with a = −1/2
 *     lanczos 3     sinc(x) · sinc(x / 3)  (Duchon 1979)
 *     nearest       the one source pixel that c is in, whatever the scale
 *
 * Source pixels outside of the part that is resampled, but within the image, count; outside of the image there are none.  First along
 * rows, into floats, then along columns; sums have a fixed order, and the result is rounded once.  Pillow's Image.resize has the same
 * filters but rounds and clips between the two directions too: its results are one level away at places, more where bicubic or lanczos overshoot. */
#include "image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATS_LIMIT = 1 << 28 };

static const double pi = 3.14159265358979323846;

static double sinc(double x)
{
    return x == 0 ? 1 : sin(pi * x) / (pi * x);
}

static double cubic(double x)
{
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static double filter_at(int filter, double x)
{
    const double distance = fabs(x);
    switch (filter) {
    case NAS__BOX:
        return x > -0.5 && x <= 0.5;
    case NAS__BILINEAR:
        return distance < 1 ? 1 - distance : 0;
    case NAS__BICUBIC:
        return cubic(distance);
    default:
        return distance < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
}

/* ---- weights of one direction ----------------------------------------------------------------- */

typedef struct axis {
    int count;      /* new pixels */
    int most;       /* source pixels of one, at most */
    int *first;     /* [count] */
    int *taps;      /* [count] */
    float *weights; /* [count][most] */
} axis;

static void axis_clear(axis *a)
{
    free(a->first);
    free(a->weights);
}

static void weigh(axis *a, int i, int filter, double centre, double widening, double half, int size)
{
    int first = (int)floor(centre - half + 0.5), end = (int)floor(centre + half + 0.5);
    float *weights = a->weights + (size_t)i * (size_t)a->most;
    double sum = 0;
    if (filter == NAS__NEAREST)
        end = (first = (int)floor(centre)) + 1;
    first = first < 0 ? 0 : first > size - 1 ? size - 1 : first;
    end = end > size ? size : end <= first ? first + 1 : end;
    a->first[i] = first;
    a->taps[i] = end - first;
    for (int pass = 0; pass < 2; pass++)
        for (int j = first; j < end; j++) {
            const double weight =
                filter == NAS__NEAREST ? 1 : filter_at(filter, (j + 0.5 - centre) / widening);
            if (pass)
                weights[j - first] = (float)(sum != 0 ? weight / sum : 1.0 / (end - first));
            else
                sum += weight;
        }
}

static nas_status axis_make(int filter, double start, double length, int size, int count, axis *a)
{
    static const double halves[] = {0.5, 0.5, 1, 2, 3};
    const double scale = length / count, widening = scale > 1 ? scale : 1;
    const double half = halves[filter] * widening;
    *a = (axis){.count = count, .most = (int)(2 * half) + 2};
    a->first = malloc(2 * (size_t)count * sizeof *a->first);
    a->weights = malloc((size_t)count * (size_t)a->most * sizeof *a->weights);
    if (!a->first || !a->weights)
        NAS_FAIL(NAS_MEMORY, "no memory for the weights of %d pixels", count);
    a->taps = a->first + count;
    for (int i = 0; i < count; i++)
        weigh(a, i, filter, start + (i + 0.5) * scale, widening, half, size);
    return NAS_OK;
}

/* ---- both directions -------------------------------------------------------------------------- */

static void along_row(const axis *a, const uint8_t *from, int channels, float *to)
{
    for (int x = 0; x < a->count; x++, to += channels) {
        const float *weights = a->weights + (size_t)x * (size_t)a->most;
        const uint8_t *at = from + (size_t)a->first[x] * (size_t)channels;
        for (int c = 0; c < channels; c++) {
            float sum = 0;
            for (int j = 0; j < a->taps[x]; j++)
                sum += weights[j] * at[j * channels + c];
            to[c] = sum;
        }
    }
}

static uint8_t rounded(float value)
{
    return (uint8_t)(value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5f);
}

/* `sum` has room for one row of `row_floats`. */
static void along_columns(const axis *a, const float *rows, int first_row, int w, int channels,
                          float *sum, uint8_t *to, size_t row, size_t plane)
{
    const size_t floats = (size_t)w * (size_t)channels;
    for (int y = 0; y < a->count; y++) {
        memset(sum, 0, floats * sizeof *sum);
        for (int j = 0; j < a->taps[y]; j++) {
            const float weight = a->weights[(size_t)y * (size_t)a->most + (size_t)j];
            const float *from = rows + (size_t)(a->first[y] + j - first_row) * floats;
            for (size_t i = 0; i < floats; i++)
                sum[i] += weight * from[i];
        }
        for (int x = 0; x < w; x++)
            for (int c = 0; c < channels; c++)
                to[(size_t)c * plane + (size_t)y * row + (size_t)x] =
                    rounded(sum[x * channels + c]);
    }
}

/* Source rows that the columns need. */
static void span(const axis *a, int *first, int *end)
{
    *first = a->first[0];
    *end = 0;
    for (int y = 0; y < a->count; y++) {
        *first = a->first[y] < *first ? a->first[y] : *first;
        *end = a->first[y] + a->taps[y] > *end ? a->first[y] + a->taps[y] : *end;
    }
}

static nas_status resample(const nas__image *from, const axis *down, const axis *across,
                           uint8_t *to, size_t row, size_t plane)
{
    int first, end;
    span(down, &first, &end);
    const size_t floats = (size_t)across->count * (size_t)from->channels;
    const size_t rows = (size_t)(end - first);
    if (rows + 1 > FLOATS_LIMIT / floats)
        NAS_FAIL(NAS_DATA, "%d×%d pixels are too many to be resized to a width of %d", from->h,
                 from->w, across->count);
    float *between = malloc((rows + 1) * floats * sizeof *between);
    if (!between)
        NAS_FAIL(NAS_MEMORY, "no memory to resize %d×%d pixels", from->h, from->w);
    for (size_t y = 0; y < rows; y++)
        along_row(across,
                  from->pixels + ((size_t)first + y) * (size_t)from->w * (size_t)from->channels,
                  from->channels, between + y * floats);
    along_columns(down, between, first, across->count, from->channels, between + rows * floats, to,
                  row, plane);
    free(between);
    return NAS_OK;
}

nas_status nas__resize(const nas__image *from, nas__box box, int filter, int h, int w, uint8_t *to,
                       size_t row, size_t plane)
{
    axis down = {0}, across = {0};
    nas_status status;
    NAS_TRY_DONE(axis_make(filter, box.y, box.h, from->h, h, &down));
    NAS_TRY_DONE(axis_make(filter, box.x, box.w, from->w, w, &across));
    NAS_TRY_DONE(resample(from, &down, &across, to, row, plane));
done:
    axis_clear(&down);
    axis_clear(&across);
    return status;
}
