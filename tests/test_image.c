/* test_image.c - one image file as a sample: every kind of PNG, JPEG and what cameras do with it, resizing against a plain
 * implementation in double, files that are damaged or lie, and the text by which a network remembers all this. */
#include "image_files.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data/image.h"

static const char path[] = "test_image.file";

static nas_image_options options_of(int h, int w, int channels)
{
    return (nas_image_options){
        .size = {.count = 2, .item = {h, w}}, .channels = channels, .filter = NAS__BILINEAR};
}

static void expect_samples(const nas_image_options *options, const uint8_t *wanted, int count,
                           int tolerance)
{
    uint8_t samples[65536];
    nas_test_ok(nas_image_read(path, options, samples));
    for (int i = 0; i < count; i++)
        if (abs(samples[i] - wanted[i]) > tolerance)
            fail_msg("sample %d is %d, not %d", i, samples[i], wanted[i]);
}

/* ---- PNG -------------------------------------------------------------------------------------- */

enum { H = 9, W = 11 };

static unsigned draw(int i, int depth)
{
    nas_random random = nas_random_make(4, NAS_STREAM_TEST, (uint32_t)i, (uint32_t)depth, 0);
    return nas_random_word(&random) & ((1u << depth) - 1);
}

/* Values of `depth` bits packed into rows. */
static void pack(int channels, int depth, uint8_t *bytes)
{
    const int row = (W * channels * depth + 7) / 8;
    memset(bytes, 0, (size_t)(H * row));
    for (int i = 0; i < H * W * channels; i++)
        for (int bit = 0; bit < depth; bit++) {
            const int at = i % (W * channels) * depth + bit;
            const unsigned value = draw(i, depth) >> (depth - 1 - bit) & 1;
            bytes[i / (W * channels) * row + at / 8] |= (uint8_t)(value << (7 - at % 8));
        }
}

static int eight_bits(unsigned value, int depth)
{
    return (int)lround(value * 255.0 / ((1u << depth) - 1));
}

static int over(int colour, int alpha, int background)
{
    return (int)lround((colour * alpha + background * (255 - alpha)) / 255.0);
}

static void with_gamma(png_structp png, png_infop info)
{
    png_set_gAMA(png, info, 1.0);
}

static void png_kinds_are_read(void **state)
{
    static const struct {
        int colour, channels, depths[6];
    } kinds[] = {{PNG_COLOR_TYPE_GRAY, 1, {1, 2, 4, 8, 16}},
                 {PNG_COLOR_TYPE_RGB, 3, {8, 16}},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, 2, {8, 16}},
                 {PNG_COLOR_TYPE_RGB_ALPHA, 4, {8, 16}}};
    uint8_t bytes[H * W * 8], wanted[3 * H * W];
    (void)state;
    for (int k = 0; k < 8; k++)
        for (const int *depth = kinds[k / 2].depths; *depth; depth++) {
            const int channels = kinds[k / 2].channels, background = k % 2 ? 255 : 0;
            nas_image_options options = options_of(H, W, 3);
            options.background = k % 2 ? 2 : 0;
            pack(channels, *depth, bytes);
            write_png(path, H, W, (png_kind){kinds[k / 2].colour, *depth, k % 2, with_gamma},
                      bytes);
            for (int i = 0; i < H * W; i++)
                for (int c = 0; c < 3; c++) {
                    const int at = i * channels;
                    int level = eight_bits(draw(at + (channels < 3 ? 0 : c), *depth), *depth);
                    if (channels % 2 == 0)
                        level = over(level, eight_bits(draw(at + channels - 1, *depth), *depth),
                                     background);
                    wanted[c * H * W + i] = (uint8_t)level;
                }
            expect_samples(&options, wanted, 3 * H * W, 0);
        }
}

static const png_color palette[4] = {{255, 0, 0}, {0, 255, 0}, {10, 20, 30}, {200, 100, 50}};

static void with_palette(png_structp png, png_infop info)
{
    static const png_byte alphas[] = {255, 255, 0, 51};
    png_set_PLTE(png, info, palette, 4);
    png_set_tRNS(png, info, (png_bytep)alphas, 4, NULL);
}

static void palettes_and_transparency_are_laid_out(void **state)
{
    uint8_t bytes[H * 3], wanted[3 * H * W];
    nas_image_options options = options_of(H, W, 3);
    (void)state;
    pack(1, 2, bytes);
    write_png(path, H, W, (png_kind){PNG_COLOR_TYPE_PALETTE, 2, true, with_palette}, bytes);
    for (int i = 0; i < H * W; i++) {
        const int colour = (int)draw(i, 2), alpha = colour == 2 ? 0 : colour == 3 ? 51 : 255;
        wanted[i] = (uint8_t)over(palette[colour].red, alpha, 128);
        wanted[H * W + i] = (uint8_t)over(palette[colour].green, alpha, 128);
        wanted[2 * H * W + i] = (uint8_t)over(palette[colour].blue, alpha, 128);
    }
    options.background = 1;
    expect_samples(&options, wanted, 3 * H * W, 0);
    for (int i = 0; i < H * W; i++) /* grey: BT.601 */
        wanted[i] = (uint8_t)lround(0.299 * wanted[i] + 0.587 * wanted[H * W + i] +
                                    0.114 * wanted[2 * H * W + i]);
    options.channels = 1;
    expect_samples(&options, wanted, H * W, 0);
}

/* ---- JPEG ------------------------------------------------------------------------------------- */

enum { JH = 16, JW = 24 };

/* Smooth, so that 8×8 blocks keep it: c rises along another direction in each channel. */
static int smooth(int c, int y, int x)
{
    return c == 0 ? 20 + 8 * x : c == 1 ? 230 - 10 * y : 60 + 3 * y + 4 * x;
}

static void fill_smooth(int channels, int turn, uint8_t *bytes)
{
    for (int i = 0; i < JH * JW; i++)
        for (int c = 0; c < channels; c++)
            bytes[i * channels + c] = (uint8_t)((c == 3 ? 255 : smooth(c, i / JW, i % JW)) ^ turn);
}

static void jpeg_kinds_are_read(void **state)
{
    static const jpeg_kind kinds[] = {
        {.in = JCS_RGB, .stored = JCS_YCbCr},
        {.in = JCS_RGB, .stored = JCS_YCbCr, .progressive = true},
        {.in = JCS_RGB, .stored = JCS_YCbCr, .subsampled = true},
        {.in = JCS_RGB, .stored = JCS_RGB},
        {.in = JCS_CMYK, .stored = JCS_CMYK},
        {.in = JCS_CMYK, .stored = JCS_YCCK},
        {.in = JCS_CMYK, .stored = JCS_CMYK, .no_adobe = true},
    };
    uint8_t bytes[4 * JH * JW], wanted[3 * JH * JW];
    nas_image_options options = options_of(JH, JW, 3);
    (void)state;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < JH * JW; i++)
            wanted[c * JH * JW + i] = (uint8_t)smooth(c, i / JW, i % JW);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        fill_smooth(kinds[k].in == JCS_CMYK ? 4 : 3, kinds[k].no_adobe ? 255 : 0, bytes);
        write_jpeg(path, JH, JW, kinds[k], bytes);
        expect_samples(&options, wanted, 3 * JH * JW, kinds[k].subsampled ? 12 : 3);
    }
    fill_smooth(1, 0, bytes);
    write_jpeg(path, JH, JW, (jpeg_kind){.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}, bytes);
    options.channels = 1;
    expect_samples(&options, bytes, JH * JW, 2);
}

/* Exif says on which visual side the stored row 0 and column 0 are. */
static void orientations_are_acted_on(void **state)
{
    static const char *const sides[] = {"tl", "tr", "br", "bl", "lt", "rt", "rb", "lb"};
    uint8_t bytes[JH * JW], wanted[JH * JW];
    (void)state;
    for (int i = 0; i < JH * JW; i++)
        bytes[i] = (uint8_t)smooth(2, i / JW, i % JW); /* along both sides */
    for (int k = 0; k < 16; k++) {
        const char *side = sides[k % 8];
        const bool turned = side[0] == 'l' || side[0] == 'r';
        const int h = turned ? JW : JH, w = turned ? JH : JW;
        int seen_h, seen_w;
        for (int i = 0; i < JH * JW; i++) {
            const int row = side[0] == 'b' || side[0] == 'r' ? JH - 1 - i / JW : i / JW;
            const int column = side[1] == 'b' || side[1] == 'r' ? JW - 1 - i % JW : i % JW;
            wanted[turned ? column * w + row : row * w + column] = bytes[i];
        }
        write_jpeg(path, JH, JW,
                   (jpeg_kind){.in = JCS_GRAYSCALE,
                               .stored = JCS_GRAYSCALE,
                               .orientation = k % 8 + 1,
                               .big_endian = k >= 8},
                   bytes);
        nas_test_ok(nas__image_measure(path, &seen_h, &seen_w));
        assert_int_equal(seen_h, h);
        assert_int_equal(seen_w, w);
        const nas_image_options options = options_of(h, w, 1);
        expect_samples(&options, wanted, JH * JW, 2);
    }
}

static void strange_exif_means_upright(void **state)
{
    uint8_t exif[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6};
    (void)state;
    assert_int_equal(nas__exif_orientation(exif, sizeof exif), 1); /* the entry is cut short */
    uint8_t whole[32] = {0};
    memcpy(whole, exif, sizeof exif);
    assert_int_equal(nas__exif_orientation(whole, 22), 6);
    for (size_t size = 0; size < 22; size++) {
        uint8_t *cut = malloc(size + 1); /* so that the sanitizer sees one byte too far */
        memcpy(cut, whole, size);
        assert_int_equal(nas__exif_orientation(cut, size), 1);
        free(cut);
    }
    for (int value = 0; value < 256; value++) {
        whole[19] = (uint8_t)value;
        assert_int_equal(nas__exif_orientation(whole, 22), value >= 1 && value <= 8 ? value : 1);
    }
    whole[4] = 0xff; /* the directory is nowhere */
    assert_int_equal(nas__exif_orientation(whole, 22), 1);
}

/* ---- resizing --------------------------------------------------------------------------------- */

static double plain_filter(int filter, double x)
{
    const double d = fabs(x), pi = acos(-1);
    if (filter == NAS__BOX)
        return x > -0.5 && x <= 0.5;
    if (filter == NAS__BILINEAR)
        return fmax(0, 1 - d);
    if (filter == NAS__BICUBIC)
        return d < 1   ? 1.5 * d * d * d - 2.5 * d * d + 1
               : d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2
                       : 0;
    return d == 0 ? 1 : d < 3 ? 3 * sin(pi * d) * sin(pi * d / 3) / (pi * pi * d * d) : 0;
}

/* Both directions at once, over all source pixels. */
static double plain_resized(const uint8_t *from, int h, int w, int to_h, int to_w, int filter,
                            int y, int x)
{
    const double down = (double)h / to_h, across = (double)w / to_w;
    double sum = 0, weights = 0;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) {
            const double weight =
                plain_filter(filter, (j + 0.5 - (y + 0.5) * down) / fmax(1, down)) *
                plain_filter(filter, (i + 0.5 - (x + 0.5) * across) / fmax(1, across));
            sum += weight * from[j * w + i];
            weights += weight;
        }
    return fmin(255, fmax(0, sum / weights));
}

static void resizing_is_the_plain_sum(void **state)
{
    static const int sizes[][4] = {{40, 30, 7, 9},  {5, 7, 31, 20},  {20, 10, 10, 40},
                                   {33, 33, 1, 1},  {1, 1, 5, 4},    {64, 64, 63, 65},
                                   {50, 3, 13, 13}, {28, 28, 28, 29}};
    uint8_t from[4096], samples[4096];
    (void)state;
    for (int i = 0; i < 4096; i++)
        from[i] = (uint8_t)draw(i, 8);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (int filter = NAS__BOX; filter <= NAS__LANCZOS; filter++) {
            const int *size = sizes[k];
            nas_image_options options = options_of(size[2], size[3], 1);
            options.filter = filter;
            write_grey_png(path, size[0], size[1], from);
            nas_test_ok(nas_image_read(path, &options, samples));
            for (int i = 0; i < size[2] * size[3]; i++) {
                const double wanted = plain_resized(from, size[0], size[1], size[2], size[3],
                                                    filter, i / size[3], i % size[3]);
                if (fabs(samples[i] - wanted) > 0.501)
                    fail_msg("filter %d, %d×%d to %d×%d, sample %d: %d, not %g", filter, size[0],
                             size[1], size[2], size[3], i, samples[i], wanted);
            }
        }
}

static void expect_row(int filter, const uint8_t *from, int w, int to_w, const uint8_t *wanted)
{
    nas_image_options options = options_of(1, to_w, 1);
    options.filter = filter;
    write_grey_png(path, 1, w, from);
    expect_samples(&options, wanted, to_w, 0);
}

/* By hand. */
static void small_rows_are_right(void **state)
{
    static const uint8_t four[] = {0, 100, 200, 50}, two[] = {0, 100};
    static const uint8_t impulse[] = {0, 0, 0, 200, 0, 0, 0};
    (void)state;
    expect_row(NAS__BOX, four, 4, 2, (const uint8_t[]){50, 125});
    expect_row(NAS__BILINEAR, two, 2, 4, (const uint8_t[]){0, 25, 75, 100});
    /* distances of ¼, ¼, ¾ from the centre: (¾·0 + ¾·100 + ¼·200) / 1¾, (¼·100 + ¾·200 + ¾·50) / 1¾ */
    expect_row(NAS__BILINEAR, four, 4, 2, (const uint8_t[]){71, 121});
    expect_row(NAS__NEAREST, four, 4, 2, (const uint8_t[]){100, 50});
    expect_row(NAS__NEAREST, two, 2, 4, (const uint8_t[]){0, 0, 100, 100});
    /* Keys's weights at ¼, ¾, 1¼, 1¾ are 0.8671875, 0.2265625, -0.0703125, -0.0234375 */
    expect_row(NAS__BICUBIC, impulse, 7, 14,
               (const uint8_t[]){0, 0, 0, 0, 0, 45, 173, 173, 45, 0, 0, 0, 0, 0});
}

static void other_aspects_are_cut_or_padded(void **state)
{
    static const uint8_t wide[] = {10, 20, 30, 40, 50, 60, 70, 80}; /* 2×4 */
    static const uint8_t cut[] = {20, 30, 60, 70};
    static const uint8_t padded[] = {255, 255, 255, 255, 10,  20,  30,  40,
                                     50,  60,  70,  80,  255, 255, 255, 255};
    nas_image_options options = options_of(2, 2, 1);
    (void)state;
    write_grey_png(path, 2, 4, wide);
    options.fit = NAS__CROP;
    expect_samples(&options, cut, 4, 0);
    options = options_of(4, 4, 1);
    options.fit = NAS__PAD;
    options.background = 2;
    expect_samples(&options, padded, 16, 0);
    write_grey_png(path, 4, 2, wide); /* the same, upright: rows 10 20, 30 40, … */
    options = options_of(2, 2, 1);
    options.fit = NAS__CROP;
    expect_samples(&options, (const uint8_t[]){30, 40, 50, 60}, 4, 0);
    options = options_of(4, 4, 3);
    options.fit = NAS__PAD;
    expect_samples(&options,
                   (const uint8_t[]){0, 10, 20, 0, 0, 30, 40, 0, 0, 50, 60, 0, 0, 70, 80, 0, 0, 10},
                   18, 0);
    options = options_of(2, 300, 1); /* the image becomes thinner than a pixel and keeps one */
    options.fit = NAS__PAD;
    write_flat_png(path, 250, 1, 77);
    uint8_t samples[600];
    nas_test_ok(nas_image_read(path, &options, samples));
    assert_int_equal(samples[149] + samples[150], 77);
}

/* ---- files that lie --------------------------------------------------------------------------- */

static void write_bytes(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb"); /* nas_file_replace would wait for the disk each time */
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void make_samples_file(bool png)
{
    uint8_t bytes[3 * JH * JW];
    fill_smooth(3, 0, bytes);
    if (png)
        write_png(path, JH, JW, (png_kind){PNG_COLOR_TYPE_RGB, 8, false, NULL}, bytes);
    else
        write_jpeg(path, JH, JW, (jpeg_kind){.in = JCS_RGB, .stored = JCS_YCbCr}, bytes);
}

static void no_truncation_is_read(void **state)
{
    const nas_image_options options = options_of(8, 8, 3);
    uint8_t samples[192];
    (void)state;
    for (int png = 0; png < 2; png++) {
        void *whole;
        size_t size;
        make_samples_file(png);
        nas_test_ok(nas_file_read(path, 1 << 20, &whole, &size));
        nas_test_ok(nas_image_read(path, &options, samples));
        for (size_t cut = 0; cut < size; cut++) {
            write_bytes(whole, cut);
            nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA, path);
        }
        free(whole);
    }
}

/* Whatever comes of it, memory stays whole (the sanitizers see to that), and a PNG's checksums find every change. */
static void changed_bytes_do_no_harm(void **state)
{
    const nas_image_options options = options_of(8, 8, 3);
    uint8_t samples[192];
    (void)state;
    for (int png = 0; png < 2; png++) {
        void *whole;
        size_t size;
        make_samples_file(png);
        nas_test_ok(nas_file_read(path, 1 << 20, &whole, &size));
        for (size_t at = 0; at < size; at++) {
            uint8_t *byte = (uint8_t *)whole + at, kept = *byte;
            *byte ^= (uint8_t)(1u << at % 8);
            write_bytes(whole, size);
            const nas_status status = nas_image_read(path, &options, samples);
            assert_true(status == NAS_DATA || (status == NAS_OK && !png));
            *byte = kept;
        }
        free(whole);
    }
}

static void set_big_endian(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void huge_images_get_no_memory(void **state)
{
    const nas_image_options options = options_of(8, 8, 3);
    uint8_t samples[192], *bytes;
    void *whole;
    size_t size;
    (void)state;
    make_samples_file(true);
    nas_test_ok(nas_file_read(path, 1 << 20, &whole, &size));
    bytes = whole;
    set_big_endian(bytes + 16, 50000);
    set_big_endian(bytes + 20, 50000);
    set_big_endian(bytes + 29, (uint32_t)crc32(0, bytes + 12, 17));
    write_bytes(whole, size);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA,
                   "50000×50000 pixels; at most");
    set_big_endian(bytes + 16, 2000000000);
    set_big_endian(bytes + 29, (uint32_t)crc32(0, bytes + 12, 17));
    write_bytes(whole, size);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA, "PNG");
    free(whole);
    make_samples_file(false);
    nas_test_ok(nas_file_read(path, 1 << 20, &whole, &size));
    for (size_t i = 0; i + 9 < size; i++) {
        bytes = (uint8_t *)whole + i;
        if (bytes[0] == 0xff && bytes[1] == 0xc0) {
            memset(bytes + 5, 0xf0, 4);
            break;
        }
    }
    write_bytes(whole, size);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA,
                   "61680×61680 pixels; at most");
    free(whole);
}

static void other_files_are_named(void **state)
{
    nas_image_options options = options_of(8, 8, 3);
    uint8_t samples[192];
    (void)state;
    write_bytes("", 0);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA, "empty");
    write_bytes("GIF89a…", 9);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA, "neither PNG nor JPEG");
    write_bytes("\xff\xd8\xff\xd9", 4);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_DATA, "no image");
    nas_test_fails(nas_image_read("no such file", &options, samples), NAS_DATA, "no such file");
    nas_test_fails(nas_image_read(".", &options, samples), NAS_DATA, "regular");
    make_samples_file(true);
    options.size.item[1] = 5000;
    nas_test_fails(nas_image_read(path, &options, samples), NAS_CONFIG, "4096");
    options = options_of(8, 8, 2);
    nas_test_fails(nas_image_read(path, &options, samples), NAS_CONFIG, "not 2");
}

/* ---- what a network remembers ----------------------------------------------------------------- */

static void preprocessing_keeps_the_image(void **state)
{
    static const char old[] = "{ bytes = true; mean = [0.25]; std = [0.5]; }";
    double mean = 0.25, std = 0.5;
    nas_preprocessing p = {.bytes = true,
                           .mean = {.count = 1, .item = &mean},
                           .std = {.count = 1, .item = &std},
                           .image = options_of(32, 48, 1)},
                      again;
    nas_text text = {0};
    (void)state;
    p.image.filter = NAS__LANCZOS;
    p.image.fit = NAS__PAD;
    p.image.background = 2;
    nas_test_ok(nas_preprocessing_write(&p, &text));
    assert_non_null(strstr(text.data, "size = [32, 48]"));
    assert_non_null(strstr(text.data, "filter = \"lanczos\""));
    memset(&again, 0xaa, sizeof again);
    nas_test_ok(nas_preprocessing_read(text.data, "file", &again));
    assert_int_equal(again.image.size.item[1], 48);
    assert_int_equal(again.image.filter, NAS__LANCZOS);
    assert_int_equal(again.image.fit, NAS__PAD);
    assert_int_equal(again.image.background, 2);
    assert_int_equal(again.image.channels, 1);
    assert_true(again.bytes && again.mean.item[0] == 0.25);
    nas_preprocessing_clear(&again);
    nas_test_ok(nas_preprocessing_read(old, "file", &again));
    assert_int_equal(again.image.size.count, 0);
    nas_text_reset(&text);
    nas_test_ok(nas_preprocessing_write(&again, &text));
    assert_null(strstr(text.data, "image")); /* as files always were */
    nas_preprocessing_clear(&again);
    nas_test_fails(
        nas_preprocessing_read(
            "{ bytes = true; mean = [0]; std = [1]; image = { size = [8, 8]; filter = \"x\"; }; }",
            "file", &again),
        NAS_CONFIG, "filter");
    nas_test_fails(
        nas_preprocessing_read(
            "{ bytes = true; mean = [0]; std = [1]; image = { channels = 1; }; }", "file", &again),
        NAS_CONFIG, "size");
    nas_text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_kinds_are_read),
        cmocka_unit_test(palettes_and_transparency_are_laid_out),
        cmocka_unit_test(jpeg_kinds_are_read),
        cmocka_unit_test(orientations_are_acted_on),
        cmocka_unit_test(strange_exif_means_upright),
        cmocka_unit_test(resizing_is_the_plain_sum),
        cmocka_unit_test(small_rows_are_right),
        cmocka_unit_test(other_aspects_are_cut_or_padded),
        cmocka_unit_test(no_truncation_is_read),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(huge_images_get_no_memory),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(preprocessing_keeps_the_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
