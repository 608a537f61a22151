/* image_png.c - PNG files through libpng (https://www.w3.org/TR/png-3), from memory.
 *
 * Every kind becomes eight bits of grey or of red, green, blue: palettes and fewer bits are expanded, 16 bits are scaled and rounded,
 * transparency is laid over the background in the stored values, interlaced images are put together.  gAMA, colour profiles and
 * orientation (eXIf) are not acted on: networks learn from stored values, as other tools give them.
 *
 * libpng reports errors by longjmp; this file has the one setjmp of them, in `decode`, whose state is all in `reading`.  An image must be
 * whole, up to its IEND; bytes behind that are nobody's. */
#include "image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    const char *name;
    const uint8_t *data;
    size_t size, at;
    char message[160];
    png_bytep *rows;
    uint8_t *pixels;
    uint32_t h, w;
    int channels; /* with alpha */
    bool measure;
    nas_status status;
} reading;

static void on_error(png_structp png, png_const_charp message)
{
    reading *r = png_get_error_ptr(png);
    snprintf(r->message, sizeof r->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep to, size_t size)
{
    reading *r = png_get_io_ptr(png);
    if (size > r->size - r->at)
        png_error(png, "the file ends early");
    memcpy(to, r->data + r->at, size);
    r->at += size;
}

static void set_transforms(png_structp png)
{
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_interlace_handling(png);
}

/* Memory for the pixels, once their number is known and allowed. */
static nas_status make_room(reading *r)
{
    const size_t row = (size_t)r->w * (size_t)r->channels;
    r->pixels = malloc(row * r->h);
    r->rows = malloc(r->h * sizeof *r->rows);
    if (!r->pixels || !r->rows)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %u×%u pixels", r->name, r->h, r->w);
    for (uint32_t y = 0; y < r->h; y++)
        r->rows[y] = r->pixels + y * row;
    return NAS_OK;
}

static void decode(png_structp png, png_infop info, reading *r)
{
    if (setjmp(png_jmpbuf(png))) {
        r->status = nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: PNG: %s", r->name, r->message);
        return;
    }
    png_set_user_limits(png, NAS__IMAGE_SIDE, NAS__IMAGE_SIDE);
    png_set_read_fn(png, r, on_read);
    png_read_info(png, info);
    r->h = png_get_image_height(png, info);
    r->w = png_get_image_width(png, info);
    r->status = nas__image_check(r->name, r->h, r->w);
    if (r->status != NAS_OK || r->measure)
        return;
    set_transforms(png);
    png_read_update_info(png, info);
    r->channels = png_get_channels(png, info);
    if (png_get_bit_depth(png, info) != 8 || r->channels < 1 || r->channels > 4)
        png_error(png, "an unknown kind of pixels");
    r->status = make_room(r);
    if (r->status != NAS_OK)
        return;
    png_read_image(png, r->rows);
    png_read_end(png, NULL);
}

/* Two channels to one, four to three, in place. */
static void flatten(const reading *r, uint8_t background)
{
    const int colours = r->channels - 1;
    uint8_t *to = r->pixels;
    const uint8_t *from = r->pixels;
    for (size_t i = 0; i < (size_t)r->h * r->w; i++, from += r->channels)
        for (int c = 0; c < colours; c++) {
            const unsigned alpha = from[colours];
            *to++ = (uint8_t)((from[c] * alpha + background * (255 - alpha) + 127) / 255);
        }
}

nas_status nas__png_decode(const char *name, const void *data, size_t size, uint8_t background,
                           bool measure, nas__image *image)
{
    reading r = {.name = name, .data = data, .size = size, .measure = measure, .status = NAS_OK};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info)
        decode(png, info, &r);
    else
        r.status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "%s: libpng cannot start", name);
    png_destroy_read_struct(&png, &info, NULL);
    free(r.rows);
    if (r.status != NAS_OK) {
        free(r.pixels);
        return r.status;
    }
    const bool alpha = !measure && r.channels % 2 == 0;
    if (alpha)
        flatten(&r, background);
    *image = (nas__image){(int)r.h, (int)r.w, r.channels - alpha, r.pixels};
    return NAS_OK;
}
