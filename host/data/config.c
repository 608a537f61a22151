/* config.c - the `data` group: options that all data sets share, and the chosen one's own, from one
 * group.
 *
 * The type comes first, since it decides which tables there are; then base fills both and refuses
 * what is in neither. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 64 };

#define AT(field) offsetof(nas_data_options, field)
static const nas_option options[] = {
    {"type", NAS_OPTION_TEXT, AT(type), NULL, 0, 0, NULL,
     "format of the data set: idx, cifar, npy, csv, images or synthetic"},
    {"task", NAS_OPTION_CHOICE, AT(task), "\"classify\"", 0, 0, "classify|multilabel|regress",
     "what is learned: one class of each sample, any number of labels of each, or numbers"},
    {"class_weights", NAS_OPTION_REAL_LIST, AT(class_weights), "[]", 0, 1000000, NULL,
     "classify: what the loss of a sample counts, by its class; scaled so that they are 1 in the "
     "mean over the "
     "training split; empty: all the same"},
    {"balance", NAS_OPTION_BOOL, AT(balance), "false", 0, 0, NULL,
     "classify: class weights against unequal classes, one over the samples that each has"},
    {"scale_targets", NAS_OPTION_BOOL, AT(scale_targets), "true", 0, 0, NULL,
     "regress: learn targets less their mean, over their deviation, both of the training split; "
     "what "
     "is reported is in their own units"},
    {"valid", NAS_OPTION_INT, AT(valid), "0", 0, 2147483647, NULL,
     "samples of the training files set aside for validation, in proportion to the classes, or "
     "near "
     "to so many where groups of samples stay together; 0: a tenth"},
    {"train_limit", NAS_OPTION_INT, AT(train_limit), "0", 0, 2147483647, NULL,
     "training samples to use at most, in proportion to the classes; 0: all"},
    {"test_limit", NAS_OPTION_INT, AT(test_limit), "0", 0, 2147483647, NULL,
     "test samples to use at most, in proportion to the classes; 0: all"},
    {"augment.flip", NAS_OPTION_BOOL, AT(flip), "false", 0, 0, NULL,
     "mirror training images left to right, one time in two"},
    {"augment.crop", NAS_OPTION_INT, AT(crop), "0", 0, 32, NULL,
     "shift training images by up to so many pixels in each direction, black behind the edge"},
    {"augment.cutout", NAS_OPTION_INT, AT(cutout), "0", 0, 4096, NULL,
     "side, in pixels, of a square of each training image that is set to the mean"},
    {"mean", NAS_OPTION_REAL_LIST, AT(mean), "[]", 0, 0, NULL,
     "mean per channel that is taken off, of bytes scaled to 0 … 1 or of floats as they are; "
     "empty: that of the "
     "training split"},
    {"std", NAS_OPTION_REAL_LIST, AT(std), "[]", 0, 0, NULL,
     "deviation per channel that is divided by; empty: that of the training split"},
    {"placement", NAS_OPTION_CHOICE, AT(placement), "\"auto\"", 0, 0, "auto|resident|streamed",
     "samples lie on the device or stream to it; auto: resident where they fit a quarter of its "
     "memory"},
    {0},
};
#undef AT

const nas_kind nas_data_kind = {
    .name = "data",
    .summary = "what every data set takes, whatever its type",
    .instance_size = sizeof(nas_data_options),
    .options = options,
};

static nas_status place_fail(const nas_value *group, const char *name, const char *message)
{
    const nas_value *member = nas_value_member(group, name);
    const nas_value *place = member ? member : group;
    nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s", message);
    if (place && place->file)
        nas_error_add("%s:%d: ", place->file, place->line);
    return NAS_CONFIG;
}

static nas_status find_dataset(const nas_value *group, const char *type,
                               const nas_dataset **dataset)
{
    const char *names[NAME_LIMIT];
    char message[NAS_TEXT_SIZE + 256];
    int count;
    const nas_dataset *const *all = nas_dataset_all(&count);
    *dataset = nas_dataset_find(type);
    if (*dataset)
        return NAS_OK;
    for (int i = 0; i < count && i < NAME_LIMIT; i++)
        names[i] = all[i]->kind.name;
    const char *near = nas_nearest_name(type, names, count);
    if (near)
        snprintf(message, sizeof message, "data.type \"%s\" is unknown; did you mean \"%s\"?", type,
                 near);
    else
        snprintf(message, sizeof message,
                 "data.type \"%s\" is unknown; `clnas describe dataset` lists what there is", type);
    return place_fail(group, "type", message);
}

static nas_status check_task(const nas_value *group, const nas_data_config *config)
{
    char message[NAS_TEXT_SIZE + 256];
    const nas_data_options *common = &config->common;
    const unsigned tasks =
        config->dataset->tasks ? config->dataset->tasks : 1u << NAS_TASK_CLASSIFY;
    const char *task = nas_task_name((nas_task)common->task);
    if (!(tasks >> common->task & 1)) {
        snprintf(message, sizeof message,
                 "data.task \"%s\": data of type %s have classes alone; %s", task,
                 config->dataset->kind.name, "npy, csv and images take other tasks");
        return place_fail(group, "task", message);
    }
    const bool weighted = common->class_weights.count || common->balance;
    if (weighted && common->task != NAS_TASK_CLASSIFY) {
        snprintf(message, sizeof message, "class weights need classes; data.task is \"%s\"", task);
        return place_fail(group, common->balance ? "balance" : "class_weights", message);
    }
    if (common->class_weights.count && common->balance)
        return place_fail(group, "balance",
                          "data.balance makes class weights itself: give one of both");
    return NAS_OK;
}

/* The type, before any table is filled, since it decides which tables there are. */
static nas_status read_type(const nas_value *group, const nas_dataset **dataset)
{
    const nas_value *type = nas_value_member(group, "type");
    if (!type)
        return place_fail(group, "",
                          "data needs \"type\": idx, cifar, npy, csv, images or synthetic");
    if (type->type != NAS_VALUE_TEXT)
        return place_fail(group, "type", "data.type must be a text such as \"idx\"");
    return find_dataset(group, type->text, dataset);
}

nas_status nas_data_config_fill(const nas_value *group, nas_data_config *config)
{
    const nas_dataset *dataset;
    NAS_TRY(read_type(group, &dataset));
    if (dataset->kind.instance_size > sizeof config->options)
        NAS_FAIL(NAS_FAILED, "data set %s: its options need %zu bytes, more than %zu",
                 dataset->kind.name, dataset->kind.instance_size, sizeof config->options);
    *config = (nas_data_config){.dataset = dataset};
    NAS_TRY(nas_options_fill_pair(&nas_data_kind, &dataset->kind, group, &config->common,
                                  &config->options));
    return check_task(group, config);
}

nas_status nas_data_config_value(const nas_data_config *config, nas_value *group)
{
    return nas_options_value_pair(&nas_data_kind, &config->dataset->kind, &config->common,
                                  &config->options, group);
}

nas_status nas_data_open_group(const nas_value *group, uint64_t seed, nas_data **data)
{
    nas_data_config *config = calloc(1, sizeof *config);
    if (!config)
        NAS_FAIL(NAS_MEMORY, "no memory for the options of a data set");
    nas_status status = nas_data_config_fill(group, config);
    if (status == NAS_OK)
        status = nas_data_open(config, seed, data);
    free(config);
    return status;
}
