/* image.c - a PNG or JPEG file as a sample of a network: [channels][h][w] bytes.
 *
 * In this order: the file is read (whole, with a limit), known by its first bytes whatever its name, decoded, made grey where that is
 * wanted, resized to fit, and laid out by channels.  One function does it for data sets and for whoever uses a trained network later, so
 * that both see the same bytes; its options are kept with the network (preprocessing.c). */
#include "dataset.h"
#include "image.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 28 };

#define AT(field) offsetof(nas_image_options, field)
static const nas_option options[] = {
    {"size", NAS_OPTION_INT_LIST, AT(size), NULL, 1, NAS__SAMPLE_SIDE, NULL,
     "height and width, in pixels"},
    NAS__IMAGE_ROWS(AT),
    {.name = NULL},
};
#undef AT

const nas_kind nas_image_kind = {
    .name = "image",
    .summary = "what is made of a PNG or JPEG file before it is a sample",
    .instance_size = sizeof(nas_image_options),
    .options = options,
};

void nas__image_clear(nas__image *image)
{
    free(image->pixels);
    *image = (nas__image){0};
}

nas_status nas__image_check(const char *name, uint64_t h, uint64_t w)
{
    if (h == 0 || w == 0 || h > NAS__IMAGE_SIDE || w > NAS__IMAGE_SIDE || h * w > NAS__IMAGE_PIXELS)
        NAS_FAIL(NAS_DATA, "%s: %llu×%llu pixels; at most %d in a side and %d in all are read",
                 name, (unsigned long long)h, (unsigned long long)w, NAS__IMAGE_SIDE,
                 NAS__IMAGE_PIXELS);
    return NAS_OK;
}

nas_status nas__image_size(const nas_image_options *image, int *h, int *w)
{
    const nas_int_list *size = &image->size;
    const int64_t given[2] = {size->count > 0 ? size->item[0] : 0,
                              size->count > 1 ? size->item[1] : size->item[0]};
    if (size->count < 1 || size->count > 2 || given[0] < 1 || given[1] < 1 ||
        given[0] > NAS__SAMPLE_SIDE || given[1] > NAS__SAMPLE_SIDE)
        NAS_FAIL(NAS_CONFIG, "an image's size is [height, width], each of 1 to %d pixels",
                 NAS__SAMPLE_SIDE);
    if (image->channels != 1 && image->channels != 3)
        NAS_FAIL(NAS_CONFIG, "an image has 1 channel or 3, not %lld", (long long)image->channels);
    *h = (int)given[0];
    *w = (int)given[1];
    return NAS_OK;
}

/* ---- decoding --------------------------------------------------------------------------------- */

static nas_status decode(const char *name, const void *data, size_t size, uint8_t background,
                         bool measure, nas__image *image)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    if (size >= sizeof png && memcmp(data, png, sizeof png) == 0)
        return nas__png_decode(name, data, size, background, measure, image);
    if (size >= sizeof jpeg && memcmp(data, jpeg, sizeof jpeg) == 0)
        return nas__jpeg_decode(name, data, size, measure, image);
    NAS_FAIL(NAS_DATA, "%s: %s", name,
             size == 0 ? "empty" : "neither PNG nor JPEG, by its first bytes");
}

static nas_status load(const char *path, uint8_t background, bool measure, nas__image *image)
{
    char shown[NAS__SHOWN_SIZE];
    void *data;
    size_t size;
    const nas_status read = nas_file_read(path, FILE_LIMIT, &data, &size);
    if (read != NAS_OK)
        return read == NAS_MEMORY ? read : NAS_DATA;
    const nas_status status =
        decode(nas__shown(path, shown), data, size, background, measure, image);
    free(data);
    return status;
}

nas_status nas__image_measure(const char *path, int *h, int *w)
{
    nas__image image = {0};
    NAS_TRY(load(path, 0, true, &image));
    *h = image.h;
    *w = image.w;
    return NAS_OK;
}

/* ---- pixels to samples ------------------------------------------------------------------------ */

/* In place, by the weights of ITU-R BT.601. */
static void make_grey(nas__image *image)
{
    const uint8_t *from = image->pixels;
    for (size_t i = 0; i < (size_t)image->h * (size_t)image->w; i++, from += 3)
        image->pixels[i] =
            (uint8_t)((299u * from[0] + 587u * from[1] + 114u * from[2] + 500) / 1000);
    image->channels = 1;
}

static void lay_out(const nas__image *image, uint8_t *to)
{
    const size_t plane = (size_t)image->h * (size_t)image->w, channels = (size_t)image->channels;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++)
            to[c * plane + i] = image->pixels[i * channels + c];
}

/* The largest part in the middle that has the aspect of h×w. */
static nas__box middle(const nas__image *image, int h, int w)
{
    nas__box box = {0, 0, image->h, image->w};
    if ((int64_t)image->w * h > (int64_t)image->h * w)
        box.w = (double)image->h * w / h;
    else
        box.h = (double)image->w * h / w;
    box.y = (image->h - box.h) / 2;
    box.x = (image->w - box.w) / 2;
    return box;
}

/* All of the image within h×w, whose samples have the background already. */
static nas_status resize_padded(const nas__image *image, int filter, int h, int w, uint8_t *to)
{
    int inner_h = h, inner_w = w;
    if ((int64_t)image->w * h > (int64_t)image->h * w)
        inner_h = (int)((double)image->h * w / image->w + 0.5);
    else
        inner_w = (int)((double)image->w * h / image->h + 0.5);
    inner_h = inner_h < 1 ? 1 : inner_h;
    inner_w = inner_w < 1 ? 1 : inner_w;
    to += (size_t)((h - inner_h) / 2) * (size_t)w + (size_t)((w - inner_w) / 2);
    return nas__resize(image, (nas__box){0, 0, image->h, image->w}, filter, inner_h, inner_w, to,
                       (size_t)w, (size_t)h * (size_t)w);
}

static nas_status fit(const nas__image *image, const nas_image_options *o, uint8_t background,
                      int h, int w, uint8_t *to)
{
    const size_t plane = (size_t)h * (size_t)w;
    if (image->h == h && image->w == w) {
        lay_out(image, to);
        return NAS_OK;
    }
    if (o->fit == NAS__PAD) {
        memset(to, background, plane * (size_t)image->channels);
        return resize_padded(image, o->filter, h, w, to);
    }
    const nas__box whole = {0, 0, image->h, image->w};
    return nas__resize(image, o->fit == NAS__CROP ? middle(image, h, w) : whole, o->filter, h, w,
                       to, (size_t)w, plane);
}

nas_status nas__image_sample(const char *path, const nas_image_options *o, bool alike,
                             uint8_t *samples)
{
    static const uint8_t backgrounds[] = {0, 128, 255};
    char shown[NAS__SHOWN_SIZE];
    int h = 0, w = 0;
    nas__image image = {0};
    NAS_TRY(nas__image_size(o, &h, &w));
    NAS_TRY(load(path, backgrounds[o->background], false, &image));
    nas_status status = NAS_OK;
    if (alike && (image.h != h || image.w != w))
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "%s has %d×%d pixels and the first image %d×%d; give data.size, and "
                               "all become alike",
                               nas__shown(path, shown), image.h, image.w, h, w);
    if (status == NAS_OK && image.channels == 3 && o->channels == 1)
        make_grey(&image);
    if (status == NAS_OK)
        status = fit(&image, o, backgrounds[o->background], h, w, samples);
    if (status == NAS_OK && image.channels == 1)
        for (int64_t c = 1; c < o->channels; c++)
            memcpy(samples + c * h * w, samples, (size_t)h * (size_t)w);
    nas__image_clear(&image);
    return status;
}

nas_status nas_image_read(const char *path, const nas_image_options *image, uint8_t *samples)
{
    return nas__image_sample(path, image, false, samples);
}
