/* image_jpeg.c - JPEG files through libjpeg (ITU-T T.81), from memory.
 *
 * Grey stays grey, all else becomes red, green, blue.  CMYK has no colours without its profile; it is taken as R = C·K / 255 of
 * what Adobe's programs store (inverted), or of 255 less what others do.  An Exif orientation is acted on: cameras leave it to whoever shows
 * the picture.
 *
 * libjpeg goes on behind damage with a warning and grey blocks; a network would learn those, so every warning counts as damage here.
 * Progressive files with very many scans, which cost time out of all proportion, are refused.  libjpeg reports errors by a function that
 * must not return; this file has the one setjmp of them, in `decode`, whose state is all in `reading`. */
#include "image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { SCANS_LIMIT = 500, EXIF = JPEG_APP0 + 1, EXIF_HEAD = 6 };

typedef struct reading {
    struct jpeg_decompress_struct jpeg; /* first: its callbacks are given this */
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    const char *name;
    bool measure;
    int orientation;
    uint8_t *row;
    nas__image image;
    nas_status status;
} reading;

static void on_error(j_common_ptr jpeg)
{
    reading *r = (reading *)jpeg;
    if (!r->message[0])
        jpeg->err->format_message(jpeg, r->message);
    longjmp(r->jump, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg)
{
    reading *r = (reading *)jpeg;
    if (r->jpeg.input_scan_number <= SCANS_LIMIT)
        return;
    snprintf(r->message, sizeof r->message, "more than %d scans", SCANS_LIMIT);
    on_error(jpeg);
}

static int find_orientation(const reading *r)
{
    for (const struct jpeg_marker_struct *at = r->jpeg.marker_list; at; at = at->next)
        if (at->marker == EXIF && at->data_length > EXIF_HEAD &&
            memcmp(at->data, "Exif\0", EXIF_HEAD) == 0)
            return nas__exif_orientation(at->data + EXIF_HEAD, at->data_length - EXIF_HEAD);
    return 1;
}

static nas_status choose_colours(reading *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->out_color_space = JCS_GRAYSCALE;
        return NAS_OK;
    case JCS_YCbCr:
    case JCS_RGB:
        jpeg->out_color_space = JCS_RGB;
        return NAS_OK;
    case JCS_CMYK:
    case JCS_YCCK:
        jpeg->out_color_space = JCS_CMYK;
        return NAS_OK;
    default:
        NAS_FAIL(NAS_DATA, "%s: JPEG: %d components of no known colour space", r->name,
                 jpeg->num_components);
    }
}

static nas_status make_room(reading *r)
{
    nas__image *image = &r->image;
    image->channels = r->jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3;
    image->pixels = malloc((size_t)image->h * (size_t)image->w * (size_t)image->channels);
    r->row = malloc((size_t)image->w * 4);
    if (!image->pixels || !r->row)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %d×%d pixels", r->name, image->h, image->w);
    return NAS_OK;
}

static void convert_cmyk(const uint8_t *from, int count, bool inverted, uint8_t *to)
{
    const int turn = inverted ? 0 : 255;
    for (int i = 0; i < count; i++, from += 4)
        for (int c = 0; c < 3; c++)
            *to++ = (uint8_t)(((from[c] ^ turn) * (from[3] ^ turn) + 127) / 255);
}

static void read_rows(reading *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    const size_t row = (size_t)r->image.w * (size_t)r->image.channels;
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = r->image.pixels + jpeg->output_scanline * row;
        JSAMPROW target = jpeg->out_color_space == JCS_CMYK ? r->row : to;
        jpeg_read_scanlines(jpeg, &target, 1);
        if (target != to)
            convert_cmyk(r->row, r->image.w, jpeg->saw_Adobe_marker, to);
    }
}

static void decode(reading *r, const void *data, size_t size)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    if (setjmp(r->jump)) {
        r->status =
            nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: JPEG: %s", r->name, r->message);
        return;
    }
    jpeg_create_decompress(jpeg);
    jpeg->progress = &r->progress;
    jpeg_mem_src(jpeg, data, (unsigned long)size);
    jpeg_save_markers(jpeg, EXIF, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    r->orientation = find_orientation(r);
    r->image.h = (int)jpeg->image_height;
    r->image.w = (int)jpeg->image_width;
    r->status = nas__image_check(r->name, jpeg->image_height, jpeg->image_width);
    if (r->status != NAS_OK || r->measure)
        return;
    r->status = choose_colours(r);
    if (r->status == NAS_OK)
        r->status = make_room(r);
    if (r->status != NAS_OK)
        return;
    jpeg_start_decompress(jpeg);
    read_rows(r);
    jpeg_finish_decompress(jpeg);
}

nas_status nas__jpeg_decode(const char *name, const void *data, size_t size, bool measure,
                            nas__image *image)
{
    reading *r = calloc(1, sizeof *r);
    if (!r)
        NAS_FAIL(NAS_MEMORY, "%s: no memory to decode it", name);
    r->name = name;
    r->measure = measure;
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    decode(r, data, size);
    jpeg_destroy_decompress(&r->jpeg);
    if (r->status == NAS_OK)
        r->status = nas__image_orient(name, r->orientation, &r->image);
    const nas_status status = r->status;
    if (status == NAS_OK)
        *image = r->image;
    else
        nas__image_clear(&r->image);
    free(r->row);
    free(r);
    return status;
}
