/* make_images.c - writes a data set as a folder of PNG files, FOLDER/train/CLASS/NUMBER.png and FOLDER/test/CLASS/NUMBER.png, so that whoever has
 * no images of their own can try `images` (docs/recipes/images.md).
 *
 *     make_images FOLDER [TRAIN [TEST [GROUP [NAMES]]]]
 *
 * TRAIN, TEST   so many images at most, in proportion to the classes; 0: all
 * GROUP         the data set, as a config has it; without it Fashion-MNIST, where Debian's package dataset-fashion-mnist puts it
 * NAMES         of the classes, with commas between them; without it those that the data set knows, or numbers
 *
 * Samples must be bytes with one channel or three.  A slash in a name becomes a hyphen. */
#include <clnas/data.h>

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char fashion[] = "{ type = \"idx\"; path = \"/usr/share/datasets/fashion-mnist\"; }";
static const char fashion_names[] =
    "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot";

/* The k-th name; else its number. */
static void class_name(const nas_data *data, const char *names, int k, char *name, size_t size)
{
    for (int i = 0; names && i < k; i++) {
        names = strchr(names, ',');
        names = names ? names + 1 : NULL;
    }
    if (names)
        snprintf(name, size, "%.*s", (int)strcspn(names, ","), names);
    else if (nas_data_output_name(data, k))
        snprintf(name, size, "%s", nas_data_output_name(data, k));
    else
        snprintf(name, size, "%d", k);
    for (char *at = name; (at = strchr(at, '/'));)
        *at = '-';
}

/* Planes to pixels, and the file. */
static nas_status write_sample(const char *path, nas_shape shape, const uint8_t *sample)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)shape.w,
                       .height = (png_uint_32)shape.h,
                       .format = shape.c == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    uint8_t *pixels = malloc(plane * (size_t)shape.c);
    if (!pixels)
        NAS_FAIL(NAS_MEMORY, "no memory for an image");
    for (size_t i = 0; i < plane * (size_t)shape.c; i++)
        pixels[i] = sample[i % (size_t)shape.c * plane + i / (size_t)shape.c];
    const int written = png_image_write_to_file(&image, path, 0, pixels, 0, NULL);
    free(pixels);
    if (!written)
        NAS_FAIL(NAS_FAILED, "%s: %s", path, image.message);
    return NAS_OK;
}

static nas_status write_split(const nas_data *data, nas_split split, const char *names,
                              const char *folder)
{
    char name[256], path[1536];
    uint32_t count;
    const nas_data_content *content = nas_data_content_of(data);
    const nas_data_part *part = split == NAS_SPLIT_TEST ? &content->test : &content->train;
    const uint32_t *members = nas_data_split(data, split, &count);
    const size_t bytes = nas_shape_count(content->shape);
    const char *side = split == NAS_SPLIT_TEST ? "test" : "train";
    for (int k = 0; k < content->outputs && count; k++) {
        class_name(data, names, k, name, sizeof name);
        snprintf(path, sizeof path, "%s/%s/%s", folder, side, name);
        NAS_TRY(nas_folder_make(path, 0777));
    }
    for (uint32_t i = 0; i < count; i++) {
        class_name(data, names, part->labels[members[i]], name, sizeof name);
        snprintf(path, sizeof path, "%s/%s/%s/%06u.png", folder, side, name, members[i]);
        NAS_TRY(write_sample(path, content->shape,
                             (const uint8_t *)part->samples + members[i] * bytes));
    }
    printf("%s/%s: %u images of %d classes\n", folder, side, count, content->outputs);
    return NAS_OK;
}

static nas_status set_number(nas_value *group, const char *name, int64_t number)
{
    nas_value *member = nas_value_member(group, name);
    if (!member)
        NAS_TRY(nas_value_append(group, name, &member));
    member->type = NAS_VALUE_INT;
    member->integer = number;
    return NAS_OK;
}

/* The split of training and validation is of no use here: one sample is set aside, and both are written. */
static nas_status open_data(const char *text, int64_t train, int64_t test, nas_data **data)
{
    nas_value group = {0};
    nas_status status;
    NAS_TRY(nas_value_parse(text, "GROUP", 1, &group));
    NAS_TRY_DONE(set_number(&group, "valid", 1));
    NAS_TRY_DONE(set_number(&group, "train_limit", train > 1 ? train - 1 : train));
    NAS_TRY_DONE(set_number(&group, "test_limit", test));
    NAS_TRY_DONE(nas_data_open_group(&group, 1, data));
done:
    nas_value_clear(&group);
    return status;
}

static nas_status write_all(const nas_data *data, const char *names, const char *folder)
{
    struct stat about;
    const nas_data_content *content = nas_data_content_of(data);
    if (content->type != NAS_SAMPLE_UINT8 || nas_data_task(data) != NAS_TASK_CLASSIFY ||
        (content->shape.c != 1 && content->shape.c != 3))
        NAS_FAIL(NAS_CONFIG, "samples must be bytes, of one channel or three, with a class each");
    if (stat(folder, &about) == 0)
        NAS_FAIL(NAS_CONFIG, "%s is there already; remove it, or name another folder", folder);
    NAS_TRY(write_split(data, NAS_SPLIT_TRAIN_VALID, names, folder));
    return write_split(data, NAS_SPLIT_TEST, names, folder);
}

static bool read_number(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return *text && !*end && !errno && *number >= 0 && *number <= INT32_MAX;
}

int main(int count, char **words)
{
    int64_t train = 0, test = 0;
    nas_data *data = NULL;
    if (count < 2 || count > 6 || words[1][0] == '-' ||
        (count > 2 && !read_number(words[2], &train)) ||
        (count > 3 && !read_number(words[3], &test))) {
        fprintf(stderr,
                "usage: make_images FOLDER [TRAIN [TEST [GROUP [NAMES]]]]\n"
                "TRAIN and TEST are numbers of images, 0 for all; tools/make_images.c has more.\n");
        return 2;
    }
    const char *names = count > 5 ? words[5] : count > 4 ? NULL : fashion_names;
    nas_status status = open_data(count > 4 ? words[4] : fashion, train, test, &data);
    if (status == NAS_OK)
        status = write_all(data, names, words[1]);
    if (status != NAS_OK)
        fprintf(stderr, "make_images: %s\n", nas_error_message());
    nas_data_destroy(data);
    return nas_status_exit_code(status);
}
