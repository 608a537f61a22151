/* image.h - one picture between its file and its sample.  Private to this room.
 *
 * image_png.c and image_jpeg.c decode, resize.c resizes, image.c does the whole of nas_image_read; image_list.c, image_table.c,
 * image_cache.c and images.c make a data set of many. */
#ifndef NAS_DATA_IMAGE_H
#define NAS_DATA_IMAGE_H

#include <clnas/data.h>

enum {
    NAS__IMAGE_SIDE = 65535,       /* pixels, of what is read */
    NAS__IMAGE_PIXELS = 100000000, /* the same, of an image */
    NAS__SAMPLE_SIDE = 4096,       /* of what is made of it */
};

/* Eight bits, grey or red, green, blue: pixels[h][w][channels], from malloc. */
typedef struct nas__image {
    int h, w, channels;
    uint8_t *pixels;
} nas__image;

void nas__image_clear(nas__image *image);

/* Decoders: `data` is the whole file.  `name` is for messages.  With `measure`, only h and w are set.  What is transparent is laid over
 * `background`.  NAS_DATA: damaged, too large, or of a kind that is not read. */
nas_status nas__png_decode(const char *name, const void *data, size_t size, uint8_t background,
                           bool measure, nas__image *image);
nas_status nas__jpeg_decode(const char *name, const void *data, size_t size, bool measure,
                            nas__image *image);
/* NAS_DATA where sides or pixels are over the limits. */
nas_status nas__image_check(const char *name, uint64_t h, uint64_t w);

/* The orientation in an Exif block, 1 … 8; 1 where it tells none or is damaged (image_exif.c). */
int nas__exif_orientation(const uint8_t *exif, size_t size);
/* Turns and mirrors, so that 1 would be right. */
nas_status nas__image_orient(const char *name, int orientation, nas__image *image);

/* A part of an image, in pixels; sides may lie between pixels. */
typedef struct nas__box {
    double y, x, h, w;
} nas__box;

/* Resamples `box` to h×w: plane c, row y, column x go to to[c · plane + y · row + x]. */
nas_status nas__resize(const nas__image *from, nas__box box, int filter, int h, int w, uint8_t *to,
                       size_t row, size_t plane);

/* `size` of options: the same number twice where one is given.  NAS_CONFIG: out of range. */
nas_status nas__image_size(const nas_image_options *options, int *h, int *w);
/* nas_image_read; with `alike` an image of another size is refused with NAS_CONFIG. */
nas_status nas__image_sample(const char *path, const nas_image_options *options, bool alike,
                             uint8_t *samples);
/* Height and width of a file's image, as it is seen. */
nas_status nas__image_measure(const char *path, int *h, int *w);

/* Rows of an option table, for both that have an image's options.  AT(field): where that field lies. */
#define NAS__IMAGE_ROWS(AT)                                                                        \
    {"channels",                                                                                   \
     NAS_OPTION_INT,                                                                               \
     AT(channels),                                                                                 \
     "3",                                                                                          \
     1,                                                                                            \
     3,                                                                                            \
     NULL,                                                                                         \
     "1: grey, 0.299 R + 0.587 G + 0.114 B; 3: red, green, blue"},                                 \
        {"filter",                                                                                 \
         NAS_OPTION_CHOICE,                                                                        \
         AT(filter),                                                                               \
         "\"bilinear\"",                                                                           \
         0,                                                                                        \
         0,                                                                                        \
         "nearest|box|bilinear|bicubic|lanczos",                                                   \
         "of resizing; all but nearest are widened where an image shrinks; bicubic is Keys's "     \
         "with "                                                                                   \
         "a = -0.5, lanczos has three lobes"},                                                     \
        {"fit",                                                                                    \
         NAS_OPTION_CHOICE,                                                                        \
         AT(fit),                                                                                  \
         "\"stretch\"",                                                                            \
         0,                                                                                        \
         0,                                                                                        \
         "stretch|crop|pad",                                                                       \
         "to another aspect: stretched; the middle cut out; or all of it, with the background "    \
         "beside it"},                                                                             \
    {                                                                                              \
        "background", NAS_OPTION_CHOICE, AT(background), "\"black\"", 0, 0, "black|grey|white",    \
            "behind what is transparent, and of pad"                                               \
    }

/* ---- many images ------------------------------------------------------------------------------ */

typedef struct nas__image_file {
    char *path; /* as it is opened */
    uint64_t size;
    int64_t modified_ns, changed_ns;
    int32_t label;  /* classify */
    uint32_t group; /* where the list has groups */
    int64_t line;   /* of the table; 0: none */
    bool test;      /* where the list is split */
} nas__image_file;

typedef struct nas__image_list {
    nas__image_file *files;
    uint32_t count, capacity;
    int outputs;
    char **names;   /* [outputs] */
    float *targets; /* [count][outputs]; NULL: classes */
    bool grouped, split;
} nas__image_list;

void nas__image_list_clear(nas__image_list *list);
/* Appends a file; what cannot be looked at has size 0 and fails when it is read. */
nas_status nas__image_list_add(nas__image_list *list, const char *path, nas__image_file file);
/* PATH/CLASS/… or PATH/train/CLASS/… and PATH/test/CLASS/… (image_list.c). */
nas_status nas__image_list_folders(const char *path, nas__image_list *list);
/* A CSV of files, with their labels or numbers (image_table.c). */
nas_status nas__image_list_table(const char *folder, const char *csv, nas_task task,
                                 nas__image_list *list);
nas_status nas__path_join(const char *folder, const char *name, char *path, size_t size);

/* All samples of a list, in memory that a cache file is read into and written from. */
typedef struct nas__image_store {
    void *file;    /* from malloc */
    uint8_t *lost; /* [count], within `file`: 1 where a file could not be read; its sample is 0 */
    uint8_t *samples; /* [count][channels][h][w], within `file` */
    size_t sample_bytes;
    char **
        faults; /* [count]: why, where this process has tried; else NULL.  NULL: none has been tried */
} nas__image_store;

void nas__image_store_clear(nas__image_store *store, uint32_t count);
/* Its layout (image_load.c): bytes of the file; the places in it; the four numbers that stand in front. */
size_t nas__image_store_size(const nas_image_options *image, uint32_t count);
void nas__image_store_place(const nas_image_options *image, uint32_t count, void *file,
                            nas__image_store *store);
void nas__image_store_shape(const nas_image_options *image, uint32_t count, uint8_t shape[16]);
/* Fills it from the files, on several threads (image_load.c).  Fails where a failure is not one file's. */
nas_status nas__image_store_decode(const nas__image_list *list, const nas_image_options *image,
                                   bool alike, nas__image_store *store);
/* The same, through the cache in `folder` ("auto", "none" or a path; image_cache.c).  `root` tells data sets apart. */
nas_status nas__image_store_open(const char *folder, const char *root, const nas__image_list *list,
                                 const nas_image_options *image, bool alike,
                                 nas__image_store *store);
/* Why file `i` is lost; tried again where that is not known. */
const char *nas__image_store_fault(const nas__image_list *list, const nas_image_options *image,
                                   nas__image_store *store, uint32_t i);

/* ---- words of the option table ---------------------------------------------------------------- */

enum { NAS__NEAREST, NAS__BOX, NAS__BILINEAR, NAS__BICUBIC, NAS__LANCZOS };
enum { NAS__STRETCH, NAS__CROP, NAS__PAD };

#endif
