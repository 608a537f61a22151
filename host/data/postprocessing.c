/* postprocessing.c - what a network's outputs mean, as text that is saved with its weights: the task, and of numbers the units. */
#include <clnas/data.h>

#define FIELD(name) offsetof(nas_postprocessing, name)
static const nas_option option_table[] = {
    {"task", NAS_OPTION_CHOICE, FIELD(task), NULL, 0, 0, "classify|multilabel|regress", NULL},
    {"mean", NAS_OPTION_REAL_LIST, FIELD(mean), "[]", 0, 0, NULL, "per output, of numbers"},
    {"std", NAS_OPTION_REAL_LIST, FIELD(std), "[]", 1e-300, 1e300, NULL, "per output, of numbers"},
    {.name = NULL},
};
#undef FIELD

static const nas_kind kind = {
    .name = "postprocessing", .instance_size = sizeof(nas_postprocessing), .options = option_table};

nas_status nas_postprocessing_write(const nas_postprocessing *postprocessing, nas_text *text)
{
    nas_value group = {0};
    NAS_TRY(nas_options_value(&kind, postprocessing, &group));
    nas_value_write(&group, -1, text);
    nas_value_clear(&group);
    return nas_text_check(text);
}

nas_status nas_postprocessing_read(const char *text, const char *file,
                                   nas_postprocessing *postprocessing)
{
    nas_value group = {0};
    NAS_TRY(nas_value_parse(text, file, 0, &group));
    const nas_status status = nas_options_fill(&kind, &group, NULL, postprocessing);
    nas_value_clear(&group);
    if (status == NAS_OK && postprocessing->mean.count != postprocessing->std.count)
        NAS_FAIL(NAS_CONFIG, "%s: postprocessing has %d means and %d deviations", file,
                 postprocessing->mean.count, postprocessing->std.count);
    return status;
}

double nas_output_number(const nas_postprocessing *postprocessing, int output, double value)
{
    if (output >= postprocessing->mean.count)
        return value;
    return value * postprocessing->std.item[output] + postprocessing->mean.item[output];
}

void nas_data_postprocessing(const nas_data *data, nas_postprocessing *postprocessing)
{
    const int outputs = nas_data_outputs(data);
    *postprocessing = (nas_postprocessing){.task = (int)nas_data_task(data)};
    if (nas_data_task(data) != NAS_TASK_REGRESS || !nas_data_config_of(data)->common.scale_targets)
        return;
    for (int k = 0; k < outputs; k++) {
        postprocessing->mean.item[k] = nas_data_target_mean(data)[k];
        postprocessing->std.item[k] = nas_data_target_std(data)[k];
    }
    postprocessing->mean.count = postprocessing->std.count = outputs;
}
