/* preprocessing.c - what a network must be told of its data to serve alone, as text that is saved with its weights. */
#include <clnas/data.h>

#define FIELD(name) offsetof(nas_preprocessing, name)
static const nas_option option_table[] = {
    {"bytes", NAS_OPTION_BOOL, FIELD(bytes), NULL, 0, 0, NULL, "samples are bytes, scaled by 255"},
    {"mean", NAS_OPTION_REAL_LIST, FIELD(mean), NULL, 0, 0, NULL, "per channel, taken off"},
    {"std", NAS_OPTION_REAL_LIST, FIELD(std), NULL, 1e-300, 1e300, NULL, "per channel, divided by"},
    {.name = NULL},
};
#undef FIELD

static const nas_kind kind = {
    .name = "preprocessing", .instance_size = sizeof(nas_preprocessing), .options = option_table};

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
    const nas_status status = add_image(&preprocessing->image, &group);
    if (status == NAS_OK)
        nas_value_write(&group, -1, text);
    nas_value_clear(&group);
    return status == NAS_OK ? nas_text_check(text) : status;
}

static nas_status read_group(const nas_value *group, nas_preprocessing *preprocessing)
{
    static const char *const also[] = {"image", NULL};
    const nas_value *image = nas_value_member(group, "image");
    NAS_TRY(nas_options_fill(&kind, group, also, preprocessing));
    preprocessing->image = (nas_image_options){0};
    return image ? nas_options_fill(&nas_image_kind, image, NULL, &preprocessing->image) : NAS_OK;
}

nas_status nas_preprocessing_read(const char *text, const char *file,
                                  nas_preprocessing *preprocessing)
{
    nas_value group = {0};
    NAS_TRY(nas_value_parse(text, file, 0, &group));
    const nas_status status = read_group(&group, preprocessing);
    nas_value_clear(&group);
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

static nas_status describe_inputs(const nas_data *data, nas_text *text)
{
    const int channels = nas_data_shape(data).c;
    nas_preprocessing p = {.bytes = nas_data_content_of(data)->type == NAS_SAMPLE_UINT8,
                           .mean = {.count = channels},
                           .std = {.count = channels},
                           .image = nas_data_content_of(data)->image};
    for (int c = 0; c < channels && channels <= NAS_LIST_SIZE; c++) {
        p.mean.item[c] = nas_data_mean(data)[c];
        p.std.item[c] = nas_data_std(data)[c];
    }
    return channels <= NAS_LIST_SIZE ? nas_preprocessing_write(&p, text) : NAS_OK;
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
