/* config.c - the `train` group: options that every training takes, and the optimizer's own, from
 * one group. */
#include "optimizer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(nas_train_options, field)
static const nas_option options[] = {
    {"epochs", NAS_OPTION_INT, AT(epochs), "2", 1, 100000, NULL,
     "passes over the training split; schedules span them all"},
    {"batch", NAS_OPTION_INT, AT(batch), "128", 1, 65536, NULL, "samples of a step"},
    {"micro_batches", NAS_OPTION_INT, AT(micro_batches), "1", 1, 4096, NULL,
     "parts of a step's batch that go through one after the other, for devices with little memory; "
     "norms know their own part alone, so that results are others"},
    {"optimizer", NAS_OPTION_TEXT, AT(optimizer), "\"sgd\"", 0, 0, NULL,
     "how weights follow gradients: sgd, adam, adamw or rmsprop"},
    {"lr", NAS_OPTION_REAL, AT(lr), "0", 0, 1000, NULL,
     "learning rate, at its highest; 0: the optimizer's default (sgd 0.1, adam and adamw 0.001, "
     "rmsprop "
     "0.01)"},
    {"min_lr", NAS_OPTION_REAL, AT(min_lr), "0", 0, 1000, NULL,
     "learning rate that decreasing schedules end at"},
    {"schedule", NAS_OPTION_CHOICE, AT(schedule), "\"cosine\"", 0, 0,
     "constant|step|cosine|cosine_restart|linear", "how the learning rate falls over the epochs"},
    {"warmup", NAS_OPTION_REAL, AT(warmup), "0", 0, 100000, NULL,
     "epochs over which the learning rate first rises to lr"},
    {"milestones", NAS_OPTION_REAL_LIST, AT(milestones), "[0.5, 0.75]", 0, 1, NULL,
     "of schedule step: shares of the epochs at which the learning rate is multiplied by gamma"},
    {"gamma", NAS_OPTION_REAL, AT(gamma), "0.1", 0, 1, NULL,
     "of schedule step: what the learning rate is multiplied by"},
    {"restart", NAS_OPTION_REAL, AT(restart), "0", 0, 100000, NULL,
     "of schedule cosine_restart: epochs of the first period; 0: all"},
    {"restart_factor", NAS_OPTION_REAL, AT(restart_factor), "2", 1, 100, NULL,
     "of schedule cosine_restart: how much longer each next period is"},
    {"clip", NAS_OPTION_REAL, AT(clip), "0", 0, 1e9, NULL,
     "bound of the gradient's global norm; 0: none"},
    {"label_smoothing", NAS_OPTION_REAL, AT(label_smoothing), "0", 0, 0.999, NULL,
     "share of the target spread over all classes"},
    {"huber", NAS_OPTION_REAL, AT(huber), "0", 0, 1e6, NULL,
     "of data.task regress: errors count squared up to so many deviations and linearly beyond; 0: "
     "squared all"},
    {"drop_path", NAS_OPTION_REAL, AT(drop_path), "0", 0, 0.999, NULL,
     "probability that a path is dropped at the end of training; rises from 0"},
    {"samples", NAS_OPTION_INT, AT(samples), "0", 0, 2147483647, NULL,
     "training samples of an epoch, drawn anew for each; 0: all"},
    {"gemm", NAS_OPTION_CHOICE, AT(gemm), "\"own\"", 0, 0, "own|clblast",
     "who multiplies matrices: the kernels of clnas or CLBlast"},
    {"limit_minutes", NAS_OPTION_REAL, AT(limit_minutes), "0", 0, 1e6, NULL,
     "time limit of one training, in minutes; 0: none"},
    {0},
};
#undef AT

const nas_kind nas_train_kind = {
    .name = "train",
    .summary = "what every training takes, whatever the optimizer",
    .instance_size = sizeof(nas_train_options),
    .options = options,
};

static nas_status find_optimizer(const nas_value *place, const char *name,
                                 const nas_optimizer **optimizer)
{
    const char *names[64];
    int count;
    const nas_optimizer *const *all = nas_optimizer_all(&count);
    *optimizer = nas_optimizer_find(name);
    if (*optimizer)
        return NAS_OK;
    for (int i = 0; i < count && i < 64; i++)
        names[i] = all[i]->kind.name;
    const char *near = nas_nearest_name(name, names, count);
    nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "train.optimizer \"%s\" is unknown; %s%s%s", name,
                  near ? "did you mean \"" : "`clnas describe optimizer` lists what there is",
                  near ? near : "", near ? "\"?" : "");
    if (place && place->file)
        nas_error_add("%s:%d: ", place->file, place->line);
    return NAS_CONFIG;
}

nas_status nas_train_config_fill(const nas_value *group, nas_train_config *config)
{
    const nas_value *member = nas_value_member(group, "optimizer");
    const bool named = member && member->type == NAS_VALUE_TEXT; /* else filling refuses it */
    const nas_optimizer *optimizer;
    NAS_TRY(find_optimizer(member, named ? member->text : "sgd", &optimizer));
    if (optimizer->kind.instance_size > sizeof config->options)
        NAS_FAIL(NAS_FAILED, "optimizer %s: its options need %zu bytes, more than %zu",
                 optimizer->kind.name, optimizer->kind.instance_size, sizeof config->options);
    *config = (nas_train_config){.optimizer = optimizer};
    NAS_TRY(nas_options_fill_pair(&nas_train_kind, &optimizer->kind, group, &config->common,
                                  &config->options));
    if (config->common.lr <= 0)
        config->common.lr = optimizer->lr;
    if (config->common.batch % config->common.micro_batches != 0)
        NAS_FAIL(NAS_CONFIG,
                 "train.micro_batches = %" PRId64 " does not divide train.batch = %" PRId64,
                 config->common.micro_batches, config->common.batch);
    if (config->common.min_lr > config->common.lr)
        NAS_FAIL(NAS_CONFIG, "train.min_lr = %g is over train.lr = %g", config->common.min_lr,
                 config->common.lr);
    return NAS_OK;
}

nas_status nas_train_config_value(const nas_train_config *config, nas_value *group)
{
    return nas_options_value_pair(&nas_train_kind, &config->optimizer->kind, &config->common,
                                  &config->options, group);
}
