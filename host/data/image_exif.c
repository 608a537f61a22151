/* image_exif.c - which side of a picture is up: the orientation tag of Exif (CIPA DC-008), and turning pixels by it.
 *
 * An Exif block is a TIFF file: "II" or "MM" for the order of its bytes, 42, where the first directory begins; a directory is a count and
 * entries of 12 bytes: tag, type, number of values, value.  Only that one tag is looked for, and anything strange means 1: upright. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

enum { ORIENTATION = 0x0112, SHORT = 3, ENTRY = 12 };

static unsigned number_at(const uint8_t *at, int bytes, bool little)
{
    unsigned number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | at[little ? bytes - 1 - i : i];
    return number;
}

int nas__exif_orientation(const uint8_t *exif, size_t size)
{
    if (size < 8 || (memcmp(exif, "II", 2) != 0 && memcmp(exif, "MM", 2) != 0))
        return 1;
    const bool little = exif[0] == 'I';
    const size_t directory = number_at(exif + 4, 4, little);
    if (number_at(exif + 2, 2, little) != 42 || directory > size || size - directory < 2)
        return 1;
    const unsigned entries = number_at(exif + directory, 2, little);
    const uint8_t *entry = exif + directory + 2, *end = exif + size;
    for (unsigned i = 0; i < entries && end - entry >= ENTRY; i++, entry += ENTRY) {
        if (number_at(entry, 2, little) != ORIENTATION)
            continue;
        const unsigned value = number_at(entry + 8, 2, little);
        const bool known = number_at(entry + 2, 2, little) == SHORT &&
                           number_at(entry + 4, 4, little) == 1 && value >= 1 && value <= 8;
        return known ? (int)value : 1;
    }
    return 1;
}

/* Where pixel (y, x) of the upright image lies in the stored one of `h` × `w`. */
static size_t stored_at(int orientation, int h, int w, int y, int x)
{
    const bool turned = orientation >= 5;
    const bool from_below =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool from_right =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const int row = turned ? x : y, column = turned ? y : x;
    return (size_t)(from_below ? h - 1 - row : row) * (size_t)w +
           (size_t)(from_right ? w - 1 - column : column);
}

nas_status nas__image_orient(const char *name, int orientation, nas__image *image)
{
    const bool turned = orientation >= 5;
    const size_t channels = (size_t)image->channels;
    nas__image upright = {turned ? image->w : image->h, turned ? image->h : image->w,
                          image->channels, NULL};
    if (orientation <= 1)
        return NAS_OK;
    if (image->pixels) {
        upright.pixels = malloc((size_t)image->h * (size_t)image->w * channels);
        if (!upright.pixels)
            NAS_FAIL(NAS_MEMORY, "%s: no memory to turn it", name);
        uint8_t *to = upright.pixels;
        for (int y = 0; y < upright.h; y++)
            for (int x = 0; x < upright.w; x++, to += channels)
                memcpy(to,
                       image->pixels + stored_at(orientation, image->h, image->w, y, x) * channels,
                       channels);
    }
    free(image->pixels);
    *image = upright;
    return NAS_OK;
}
