/* image_files.h - PNG and JPEG files of a test's own making, written by libpng and libjpeg. */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H

#include "nas_test.h"

#include <clnas/data.h>

#include <jpeglib.h>
#include <png.h>

/* Rows of packed samples, as PNG has them: depth bits each, the most significant first.  `extra`, if any, adds chunks. */
typedef struct png_kind {
    int colour, depth;
    bool interlaced;
    void (*extra)(png_structp png, png_infop info);
} png_kind;

static inline void write_png(const char *path, int h, int w, png_kind kind, const uint8_t *bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytep rows[256];
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, kind.depth, kind.colour,
                 kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (kind.extra)
        kind.extra(png, info);
    png_write_info(png, info);
    const size_t row = png_get_rowbytes(png, info);
    assert_true(h <= 256);
    for (int y = 0; y < h; y++)
        rows[y] = (png_bytep)(bytes + (size_t)y * row);
    png_write_image(png, rows);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

static inline void write_grey_png(const char *path, int h, int w, const uint8_t *grey)
{
    write_png(path, h, w, (png_kind){PNG_COLOR_TYPE_GRAY, 8, false, NULL}, grey);
}

/* One level all over. */
static inline void write_flat_png(const char *path, int h, int w, uint8_t level)
{
    uint8_t grey[4096];
    assert_true(h * w <= (int)sizeof grey);
    memset(grey, level, sizeof grey);
    write_grey_png(path, h, w, grey);
}

typedef struct jpeg_kind {
    J_COLOR_SPACE in, stored;
    bool no_adobe, progressive, subsampled;
    int orientation; /* 0: no Exif */
    bool big_endian;
} jpeg_kind;

static inline void write_exif(struct jpeg_compress_struct *jpeg, int orientation, bool big_endian)
{
    uint8_t exif[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
                      /* two entries: a width, then the orientation */
                      2, 0, 0, 1, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0x12, 1, 3, 0, 1, 0, 0, 0,
                      (uint8_t)orientation, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t big[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0,
                                  2,   1,   0,   0,   3, 0, 0,   0,   1, 0,  9, 0, 0, 1, 0x12,
                                  0,   3,   0,   0,   0, 1, 0,   0,   0, 0,  0, 0, 0, 0};
    if (big_endian) {
        memcpy(exif, big, sizeof big);
        exif[37] = (uint8_t)orientation;
    }
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof exif);
}

/* `bytes`: [h][w][components of kind.in], of best quality. */
static inline void write_jpeg(const char *path, int h, int w, jpeg_kind kind, const uint8_t *bytes)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_height = (JDIMENSION)h;
    jpeg.image_width = (JDIMENSION)w;
    jpeg.in_color_space = kind.in;
    jpeg.input_components = kind.in == JCS_GRAYSCALE ? 1 : kind.in == JCS_CMYK ? 4 : 3;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, kind.stored);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int c = 0; c < jpeg.num_components && !kind.subsampled; c++)
        jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    if (kind.no_adobe)
        jpeg.write_Adobe_marker = FALSE;
    if (kind.progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (kind.orientation)
        write_exif(&jpeg, kind.orientation, kind.big_endian);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(bytes + (size_t)jpeg.next_scanline * (size_t)w *
                                              (size_t)jpeg.input_components);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

static inline void make_test_folder(const char *path)
{
    nas_test_ok(nas_folder_make(path, 0700));
}

static inline void remove_tree(const char *path)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

#endif
