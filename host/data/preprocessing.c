/* preprocessing.c - what a network must be told of its data to serve alone, as text that is saved with its weights. */
#include <clnas/data.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const nas_option option_table[] = {
    {"bytes", NAS_OPTION_BOOL, offsetof(nas_preprocessing, bytes), NULL, 0, 0, NULL,
     "samples are bytes, scaled by 255"},
    {.name = NULL},
};

/* The lists are of any length and the image is a group of its own, so they are read and written apart. */
static const char *const others[] = {"mean", "std", "image", NULL};

static const nas_kind kind = {
    .name = "preprocessing", .instance_size = sizeof(nas_preprocessing), .options = option_table};

static nas_status add_reals(const nas_reals *reals, const char *name, nas_value *group)
{
    nas_value *list, *item;
    NAS_TRY(nas_value_append(group, name, &list));
    list->type = NAS_VALUE_LIST;
    for (int i = 0; i < reals->count; i++) {
        NAS_TRY(nas_value_append(list, NULL, &item));
        item->type = NAS_VALUE_REAL;
        item->real = reals->item[i];
    }
    return NAS_OK;
}

/* The image's options as a group of their own, where there is an image. */
static nas_status add_image(const nas_image_options *image, nas_value *group)
{
    nas_value options = {0}, *member;
    if (image->size.count == 0)
        return NAS_OK;
    NAS_TRY(nas_options_value(&nas_image_kind, image, &options));
    const nas_status status = nas_value_append(group, "image", &member);
    if (status != NAS_OK) {
        nas_value_clear(&options);
        return status;
    }
    options.name = member->name;
    *member = options;
    return NAS_OK;
}

nas_status nas_preprocessing_write(const nas_preprocessing *preprocessing, nas_text *text)
{
    nas_value group = {0};
    NAS_TRY(nas_options_value(&kind, preprocessing, &group));
    nas_status status = add_reals(&preprocessing->mean, "mean", &group);
    if (status == NAS_OK)
        status = add_reals(&preprocessing->std, "std", &group);
    if (status == NAS_OK)
        status = add_image(&preprocessing->image, &group);
    if (status == NAS_OK)
        nas_value_write(&group, -1, text);
    nas_value_clear(&group);
    return status == NAS_OK ? nas_text_check(text) : status;
}

/* Finite numbers; deviations are over 0. */
static nas_status read_reals(const nas_value *group, const char *name, const char *file,
                             double least, nas_reals *reals)
{
    const nas_value *list = nas_value_member(group, name);
    if (!list || list->type != NAS_VALUE_LIST)
        NAS_FAIL(NAS_CONFIG, "%s: preprocessing has no list \"%s\"", file, name);
    reals->item = malloc(((size_t)list->item_count + 1) * sizeof *reals->item);
    if (!reals->item)
        NAS_FAIL(NAS_MEMORY, "no memory for %d channels", list->item_count);
    for (; reals->count < list->item_count; reals->count++) {
        const nas_value *item = &list->items[reals->count];
        const double real = item->type == NAS_VALUE_INT ? (double)item->integer : item->real;
        const bool number = item->type == NAS_VALUE_INT || item->type == NAS_VALUE_REAL;
        if (!number || !(real >= least && real <= 1e300))
            NAS_FAIL(NAS_CONFIG, "%s: preprocessing: %s[%d] is no number that it can be", file,
                     name, reals->count);
        reals->item[reals->count] = real;
    }
    return NAS_OK;
}

static nas_status read_group(const nas_value *group, const char *file, nas_preprocessing *p)
{
    const nas_value *image = nas_value_member(group, "image");
    NAS_TRY(nas_options_fill(&kind, group, others, p));
    NAS_TRY(read_reals(group, "mean", file, -1e300, &p->mean));
    NAS_TRY(read_reals(group, "std", file, 1e-300, &p->std));
    return image ? nas_options_fill(&nas_image_kind, image, NULL, &p->image) : NAS_OK;
}

void nas_preprocessing_clear(nas_preprocessing *preprocessing)
{
    free(preprocessing->mean.item);
    free(preprocessing->std.item);
    *preprocessing = (nas_preprocessing){0};
}

nas_status nas_preprocessing_read(const char *text, const char *file,
                                  nas_preprocessing *preprocessing)
{
    nas_value group = {0};
    *preprocessing = (nas_preprocessing){0};
    NAS_TRY(nas_value_parse(text, file, 0, &group));
    const nas_status status = read_group(&group, file, preprocessing);
    nas_value_clear(&group);
    if (status != NAS_OK)
        nas_preprocessing_clear(preprocessing);
    return status;
}

nas_status nas_preprocessing_check(const nas_preprocessing *p, const char *file, nas_shape input)
{
    const nas_image_options *image = &p->image;
    const int64_t *size = image->size.item;
    if (p->mean.count != input.c || p->std.count != input.c)
        NAS_FAIL(NAS_DATA, "%s: preprocessing of %d and %d channels for %d", file, p->mean.count,
                 p->std.count, input.c);
    if (image->size.count == 0)
        return NAS_OK;
    if (image->size.count != 2 || size[0] != input.h || size[1] != input.w ||
        image->channels != input.c)
        NAS_FAIL(NAS_DATA, "%s: its preprocessing makes images of another shape than %d×%d×%d",
                 file, input.c, input.h, input.w);
    return NAS_OK;
}

double nas_sample_scale(bool bytes, double std)
{
    return 1.0 / ((bytes ? 255.0 : 1.0) * std);
}

double nas_sample_shift(double mean, double std)
{
    return -mean / std;
}

nas_status nas_preprocessing_mapping(const nas_preprocessing *p, float **mapping)
{
    const int channels = p->mean.count;
    *mapping = malloc((2 * (size_t)channels + 1) * sizeof **mapping);
    if (!*mapping)
        NAS_FAIL(NAS_MEMORY, "no memory for the mapping of %d channels", channels);
    for (int c = 0; c < channels; c++) {
        (*mapping)[c] = (float)nas_sample_scale(p->bytes, p->std.item[c]);
        (*mapping)[channels + c] = (float)nas_sample_shift(p->mean.item[c], p->std.item[c]);
    }
    return NAS_OK;
}

static nas_status describe_inputs(const nas_data *data, nas_text *text)
{
    const int channels = nas_data_shape(data).c;
    /* Lent: written only. */
    const nas_preprocessing p = {.bytes = nas_data_content_of(data)->type == NAS_SAMPLE_UINT8,
                                 .mean = {channels, (double *)(uintptr_t)nas_data_mean(data)},
                                 .std = {channels, (double *)(uintptr_t)nas_data_std(data)},
                                 .image = nas_data_content_of(data)->image};
    return nas_preprocessing_write(&p, text);
}

/* The next line of a text, which it is moved behind; NULL: there is none. */
static const char *next_line(const char **text, size_t *length)
{
    const char *line = **text ? *text : NULL;
    *length = strcspn(*text, "\n");
    *text += *length + ((*text)[*length] == '\n');
    return line;
}

nas_status nas_names_read(const char *text, const char *file, int outputs, char ***names)
{
    const char *at = text, *line;
    size_t length;
    int lines = 0;
    while (next_line(&at, &length))
        lines++;
    if (lines != outputs)
        NAS_FAIL(NAS_DATA, "%s: %d names for %d outputs", file, lines, outputs);
    char **made = calloc((size_t)outputs + 1, sizeof *made);
    bool good = made != NULL;
    at = text;
    for (int i = 0; good && (line = next_line(&at, &length)); i++)
        good = (made[i] = strndup(line, length)) != NULL;
    if (!good) {
        nas_names_free(made);
        NAS_FAIL(NAS_MEMORY, "no memory for %d names", outputs);
    }
    *names = made;
    return NAS_OK;
}

void nas_names_free(char **names)
{
    for (int i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

nas_status nas_data_describe(const nas_data *data, nas_data_words *words)
{
    nas_postprocessing postprocessing;
    NAS_TRY(describe_inputs(data, &words->preprocessing));
    for (int i = 0; i < nas_data_outputs(data) && nas_data_output_name(data, 0); i++)
        nas_text_format(&words->classes, "%s\n", nas_data_output_name(data, i));
    NAS_TRY(nas_text_check(&words->classes));
    if (nas_data_content_of(data)->columns) {
        nas_text_add(&words->columns, nas_data_content_of(data)->columns);
        NAS_TRY(nas_text_check(&words->columns));
    }
    nas_data_postprocessing(data, &postprocessing);
    return nas_postprocessing_write(&postprocessing, &words->postprocessing);
}

void nas_data_words_clear(nas_data_words *words)
{
    nas_text_clear(&words->preprocessing);
    nas_text_clear(&words->classes);
    nas_text_clear(&words->postprocessing);
    nas_text_clear(&words->columns);
}
