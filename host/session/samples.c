/* samples.c - files of samples that a model is to be told of: images, arrays as data sets store them, and tables with the columns that the model learned from.
 *
 * What a file is, its first bytes tell.  A sample comes out as its data set would store it: bytes as 0 … 255, numbers as they are. */
#include "session_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    const char *path;
    const nas__model_words *words;
    nas_shape shape;
    nas__sample_function take;
    void *user;
} reading;

/* ---- arrays ---------------------------------------------------------------------------------------------------------- */

static float number_at(const nas_npy *npy, uint64_t i)
{
    switch (npy->type) {
    case NAS_NPY_FLOAT32:
        return ((const float *)npy->data)[i];
    case NAS_NPY_FLOAT64:
        return (float)((const double *)npy->data)[i];
    case NAS_NPY_UINT8:
        return ((const uint8_t *)npy->data)[i];
    case NAS_NPY_INT32:
        return (float)((const int32_t *)npy->data)[i];
    case NAS_NPY_INT64:
        return (float)((const int64_t *)npy->data)[i];
    }
    return NAN;
}

/* Of dimensions from `from` on, those over 1, against the shape's: is it one sample? */
static bool is_sample(const nas_npy *npy, int from, nas_shape shape)
{
    const int sides[] = {shape.c, shape.h, shape.w};
    int side = 0, d = from;
    for (; d < npy->rank; d++) {
        if (npy->dims[d] == 1)
            continue;
        while (side < 3 && sides[side] == 1)
            side++;
        if (side == 3 || npy->dims[d] != (uint64_t)sides[side])
            return false;
        side++;
    }
    while (side < 3 && sides[side] == 1)
        side++;
    return side == 3;
}

static nas_status take_arrays(const reading *r, const nas_npy *npy)
{
    const uint64_t size = nas_shape_count(r->shape);
    const bool many = npy->rank > 0 && is_sample(npy, 1, r->shape);
    const uint64_t count = many ? npy->dims[0] : 1;
    if (!many && !is_sample(npy, 0, r->shape))
        NAS_FAIL(NAS_DATA, "%s: the model takes samples of %dx%dx%d, and these are others", r->path,
                 r->shape.c, r->shape.h, r->shape.w);
    float *values = malloc(size * sizeof *values);
    nas_status status = values ? NAS_OK : NAS_MEMORY;
    for (uint64_t i = 0; i < count && status == NAS_OK; i++) {
        for (uint64_t k = 0; k < size && status == NAS_OK; k++) {
            values[k] = number_at(npy, i * size + k);
            if (!isfinite(values[k]))
                status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                                       "%s: value %" PRIu64 " of sample %" PRIu64
                                       " is not a finite number",
                                       r->path, k, i);
        }
        if (status == NAS_OK)
            status = r->take(r->user, r->path, many ? (int64_t)i : -1, values);
    }
    free(values);
    return status;
}

static nas_status read_arrays(const reading *r)
{
    nas_npy npy;
    NAS_TRY(nas_npy_read(r->path, &npy));
    const nas_status status = take_arrays(r, &npy);
    nas_npy_clear(&npy);
    return status;
}

/* ---- images ---------------------------------------------------------------------------------------------------------- */

/* As the model was trained; where it does not say, to its size and channels. */
static nas_image_options image_options_of(const reading *r)
{
    nas_image_options options = r->words->preprocessing.image;
    if (r->words->prepares && options.size.count)
        return options;
    options = (nas_image_options){.size = {2, {r->shape.h, r->shape.w}}, .channels = r->shape.c};
    options.filter = 2; /* bilinear */
    return options;
}

static nas_status read_image(const reading *r)
{
    const uint64_t size = nas_shape_count(r->shape);
    const nas_image_options options = image_options_of(r);
    if (r->shape.c != 1 && r->shape.c != 3)
        NAS_FAIL(NAS_DATA, "%s: an image, and the model takes %d channels", r->path, r->shape.c);
    uint8_t *bytes = malloc(size);
    float *values = malloc(size * sizeof *values);
    nas_status status = bytes && values ? NAS_OK : NAS_MEMORY;
    if (status == NAS_OK)
        status = nas_image_read(r->path, &options, bytes);
    for (uint64_t i = 0; i < size && status == NAS_OK; i++)
        values[i] = bytes[i];
    if (status == NAS_OK)
        status = r->take(r->user, r->path, -1, values);
    free(bytes);
    free(values);
    return status;
}

/* ---- tables ---------------------------------------------------------------------------------------------------------- */

static nas_status take_rows(const reading *r, nas_table *table, float *values)
{
    bool more;
    for (int64_t i = 0;; i++) {
        NAS_TRY(nas_table_next(table, values, &more));
        if (!more)
            return NAS_OK;
        NAS_TRY(r->take(r->user, r->path, i, values));
    }
}

static nas_status read_table(const reading *r)
{
    const uint64_t size = nas_shape_count(r->shape);
    nas_table *table;
    nas_status status = NAS_OK;
    NAS_TRY(nas_table_open(r->words->columns, "the model", r->path, &table));
    float *values = malloc(size * sizeof *values);
    if (!values)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of host memory");
    else if ((uint64_t)nas_table_width(table) != size)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                               "the model's columns are damaged: %d numbers for its %" PRIu64,
                               nas_table_width(table), size);
    else
        status = take_rows(r, table, values);
    free(values);
    nas_table_close(table);
    return status;
}

/* ---- any of them ------------------------------------------------------------------------------------------------------ */

nas_status nas__samples_read(const char *path, const nas__model_words *words, nas_shape shape,
                             nas__sample_function take, void *user)
{
    static const unsigned char array[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    const reading r = {path, words, shape, take, user};
    unsigned char first[sizeof array] = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        NAS_FAIL(NAS_DATA, "%s: cannot be read; check its name", path);
    const size_t got = fread(first, 1, sizeof first, file);
    fclose(file);
    if (got == sizeof array && memcmp(first, array, sizeof array) == 0)
        return read_arrays(&r);
    if (words->columns)
        return read_table(&r);
    return read_image(&r);
}
