/* config_groups.c - the option tables of the session's own groups, and their way in and out of structs.
 *
 * Everything that a config may say is in some option table; the tables here are those that belong to no other room:
 * the file itself, budget, objectives, bounds, devices, retrain.  Read next: config.c, which puts them together. */
#include "config_private.h"
#include "config_groups.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define AT(type, field) offsetof(type, field)

static const nas_option session_options[] = {
    {"study", NAS_OPTION_TEXT, AT(nas__session_row, study), "\"study\"", 0, 0, NULL,
     "name of the study: the log is written to NAME.study"},
    {"seed", NAS_OPTION_INT, AT(nas__session_row, seed), "1", 0, 9007199254740992.0, NULL,
     "of every random number: the same seed gives the same trials"},
    {"exact", NAS_OPTION_BOOL, AT(nas__session_row, exact), "true", 0, 0, NULL,
     "whether a tuned device gives the bits of an untuned one; false: kernels that add up in "
     "another "
     "order may be used (clnas-tune --inexact), and the study keeps the table it began with"},
    {0},
};

static const nas_option budget_options[] = {
    {"trials", NAS_OPTION_INT, AT(nas_budget, trials), "0", 0, 10000000, NULL,
     "architectures to try; 0: no limit"},
    {"minutes", NAS_OPTION_REAL, AT(nas_budget, minutes), "0", 0, 1e7, NULL,
     "running time of the search, summed over resumes (trials that run are finished); with a table "
     "that has a "
     "cost, simulated time: a training that would end later fails; 0: no limit"},
    {"target", NAS_OPTION_REAL, AT(nas_budget, target), "0", -1e30, 1e30, NULL,
     "ends when the first objective is this good; 0: no target"},
    {"patience", NAS_OPTION_INT, AT(nas_budget, patience), "0", 0, 10000000, NULL,
     "ends after so many trials without a better first objective; 0: never"},
    {"trial_minutes", NAS_OPTION_REAL, AT(nas_budget, trial_minutes), "0", 0, 1e7, NULL,
     "time limit of one trial, which fails beyond it; 0: none"},
    {"lookahead", NAS_OPTION_INT, AT(nas_budget, lookahead), "8", 1, 4096, NULL,
     "trial i sees the results of trials 0 … i − lookahead, however many devices there are"},
    {"order", NAS_OPTION_CHOICE, AT(nas_budget, order), "\"auto\"", 0, 0, "index|arrival|auto",
     "index: the same trials on any number of devices; arrival: a proposal sees whatever is there, "
     "so fast devices never wait; auto: arrival when the study begins on devices that differ, else "
     "index"},
    {"lease_s", NAS_OPTION_REAL, AT(nas_budget, lease_s), "60", 1, 60, NULL,
     "a worker that trains no step for so many seconds is ended and its trial repeated"},
    {"keep", NAS_OPTION_INT, AT(nas_budget, keep), "3", 0, 64, NULL,
     "checkpoints kept: the weights of the best so many trials, beside those that others may start "
     "from"},
    {"keep_paused", NAS_OPTION_INT, AT(nas_budget, keep_paused), "16", 0, 4096, NULL,
     "of each budget below train.epochs, trainings kept to go on with when they are promoted; the "
     "others are trained anew, to the same result"},
    {"checkpoint_s", NAS_OPTION_REAL, AT(nas_budget, checkpoint_s), "60", 0, 1e7, NULL,
     "seconds after which a supernet or a retraining is saved again within an epoch, to go on from "
     "there after a kill; 0: at the end of each epoch only"},
    {0},
};

/* Of entries whose metric is one of a network on a device. */
#define MEASURE_OPTIONS(row)                                                                       \
    {"device",                                                                                     \
     NAS_OPTION_TEXT,                                                                              \
     AT(row, measure.device),                                                                      \
     "\"\"",                                                                                       \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "of latency_ms, throughput and memory: the device's name in this config; empty: the one "     \
     "that "                                                                                       \
     "the trial runs on"},                                                                         \
        {"batch",           NAS_OPTION_INT, AT(row, measure.batch),      "1", 1,                   \
         NAS_MEASURE_BATCH, NULL,           "of these: images at a time"},                         \
        {"source",                                                                                 \
         NAS_OPTION_CHOICE,                                                                        \
         AT(row, measure.source),                                                                  \
         "\"measured\"",                                                                           \
         0,                                                                                        \
         0,                                                                                        \
         "measured|predicted",                                                                     \
         "of latency_ms and throughput: on the device, or from `table`"},                          \
    {                                                                                              \
        "table", NAS_OPTION_TEXT, AT(row, measure.table), "\"\"", 0, 0, NULL,                      \
            "of predicted ones: the file that `clnas-bench latency CONFIG --output FILE` wrote"    \
    }

static const nas_option objective_options[] = {
    {"metric", NAS_OPTION_TEXT, AT(nas__objective_row, metric), "\"valid_accuracy\"", 0, 0, NULL,
     "what the evaluator measures: valid_accuracy (valid_r2 of numbers), valid_loss, parameters, "
     "macs, memory …; "
     "latency_ms, throughput (images per second)"},
    {"goal", NAS_OPTION_CHOICE, AT(nas__objective_row, goal), "\"max\"", 0, 0, "max|min",
     "whether more or less is better"},
    MEASURE_OPTIONS(nas__objective_row),
    {0},
};

static const nas_option bound_options[] = {
    {"metric", NAS_OPTION_TEXT, AT(nas__bound_row, metric), NULL, 0, 0, NULL,
     "what is held within bounds: parameters, macs, activation_bytes, memory …; latency_ms, "
     "throughput"},
    {"min", NAS_OPTION_REAL, AT(nas__bound_row, min), "0", -1e300, 1e300, NULL,
     "least value allowed (none unless given)"},
    {"max", NAS_OPTION_REAL, AT(nas__bound_row, max), "0", -1e300, 1e300, NULL,
     "largest value allowed (none unless given)"},
    MEASURE_OPTIONS(nas__bound_row),
    {0},
};

static const nas_option device_options[] = {
    {"name", NAS_OPTION_TEXT, AT(nas_device_wish, name), "\"\"", 0, 0, NULL,
     "alias of the device in this config"},
    {"match", NAS_OPTION_TEXT, AT(nas_device_wish, match), "\"any\"", 0, 0, NULL,
     "which device: any, platform:device (0:1), type:gpu, type:cpu, vendor:amd or a part of its "
     "name"},
    {"driver", NAS_OPTION_TEXT, AT(nas_device_wish, driver), "\"\"", 0, 0, NULL,
     "the one driver that its workers load, a file name in /etc/OpenCL/vendors (pocl.icd); not "
     "given: found out by asking each driver in a process of its own"},
    {"optional", NAS_OPTION_BOOL, AT(nas_device_wish, optional), "false", 0, 0, NULL,
     "no error when it is not there"},
    {"workers", NAS_OPTION_INT, AT(nas_device_wish, workers), "1", 1, 64, NULL,
     "worker processes on it"},
    {0},
};

static const nas_option retrain_options[] = {
    {"top", NAS_OPTION_INT, AT(nas_retrain, top), "1", 0, 8, NULL,
     "how many of the best are trained again, longer, and tested; 0: none"},
    {"repeats", NAS_OPTION_INT, AT(nas_retrain, repeats), "1", 1, 100, NULL,
     "trainings of each, from different weights and batches: mean and deviation"},
    {"data", NAS_OPTION_CHOICE, AT(nas_retrain, with_valid), "\"train\"", 0, 0, "train|train_valid",
     "what they are trained on: the training split, or the validation split too"},
    {"baseline", NAS_OPTION_BOOL, AT(nas_retrain, baseline), "true", 0, 0, NULL,
     "train strategy.given by the same recipe, to stand beside them"},
    {"inherit", NAS_OPTION_BOOL, AT(nas_retrain, inherit), "false", 0, 0, NULL,
     "one-shot strategies: begin with the weights that the network had in the supernet, not anew"},
    {0},
};
#undef AT

const nas_kind nas__session_kind = {"config", "the config file itself", NULL,
                                    sizeof(nas__session_row), session_options};
const nas_kind nas__budget_kind = {"budget", "when the search ends, and how it shares its work",
                                   NULL, sizeof(nas_budget), budget_options};
const nas_kind nas__objective_kind = {"objective", "one entry of objectives = ( … )", NULL,
                                      sizeof(nas__objective_row), objective_options};
const nas_kind nas__bound_kind = {"bound",
                                  "one entry of bounds = ( … ): what is outside is not trained",
                                  NULL, sizeof(nas__bound_row), bound_options};
const nas_kind nas__device_kind = {"device", "one entry of devices = ( … )", NULL,
                                   sizeof(nas_device_wish), device_options};
const nas_kind nas__retrain_kind = {"retrain",
                                    "training the best again at the end; any option of train may "
                                    "stand here too and replaces it, `space = { … }` what the "
                                    "network is built with (cells, channels, drop_path …), "
                                    "`augment = { … }` what data.augment says",
                                    NULL, sizeof(nas_retrain), retrain_options};

const nas_kind *const *nas_config_kinds(int *count)
{
    static const nas_kind *const kinds[] = {&nas__session_kind,   &nas__budget_kind,
                                            &nas__objective_kind, &nas__bound_kind,
                                            &nas__device_kind,    &nas__retrain_kind};
    *count = (int)(sizeof kinds / sizeof kinds[0]);
    return kinds;
}

nas_status nas__value_fail(const nas_value *value, const char *message)
{
    if (value && value->file && value->line > 0)
        NAS_FAIL(NAS_CONFIG, "%s:%d: %s", value->file, value->line, message);
    if (value && value->file)
        NAS_FAIL(NAS_CONFIG, "%s: %s", value->file, message);
    NAS_FAIL(NAS_CONFIG, "%s", message);
}

/* The items of a list of groups; one group alone is a list of one. */
static nas_status group_items(nas_value *list, int limit, nas_value **items, int *count)
{
    char message[128];
    *items = list;
    *count = list ? 1 : 0;
    if (list && list->type == NAS_VALUE_LIST) {
        *items = list->items;
        *count = list->item_count;
    } else if (list && list->type != NAS_VALUE_GROUP)
        return nas__value_fail(list, "a list of groups is wanted: ( { … }, { … } )");
    snprintf(message, sizeof message, "more than %d entries", limit);
    if (*count > limit)
        return nas__value_fail(list, message);
    return NAS_OK;
}

static nas_task task_of(const nas_config *config)
{
    const nas_value *task = nas_value_member(&config->data, "task");
    for (int i = 0; task && task->type == NAS_VALUE_TEXT && i < NAS_TASKS; i++)
        if (strcmp(task->text, nas_task_name((nas_task)i)) == 0)
            return (nas_task)i;
    return NAS_TASK_CLASSIFY;
}

/* A score of another task would be on no trial. */
static nas_status check_score(const nas_value *item, const nas_config *config, const char *metric)
{
    const nas_task task = task_of(config);
    char own[NAS_NAME_SIZE], other[NAS_NAME_SIZE], message[256];
    nas_score_name(task, "valid", own, sizeof own);
    for (int i = 0; i < NAS_TASKS; i++) {
        nas_score_name((nas_task)i, "valid", other, sizeof other);
        if (strcmp(metric, other) != 0 || strcmp(own, other) == 0)
            continue;
        snprintf(message, sizeof message,
                 "data.task is \"%s\": networks are scored by %s, not by %s", nas_task_name(task),
                 own, other);
        return nas__value_fail(item, message);
    }
    return NAS_OK;
}

nas_status nas__objectives_fill(nas_value *list, nas_config *config)
{
    nas_objectives *objectives = &config->objectives;
    nas_value *items;
    NAS_TRY(group_items(list, NAS_OBJECTIVES, &items, &objectives->count));
    for (int i = 0; i < objectives->count; i++) {
        nas__objective_row row;
        NAS_TRY(nas_options_fill(&nas__objective_kind, &items[i], NULL, &row));
        NAS_TRY(nas__measure_fill(&items[i], row.metric, &row.measure, config,
                                  objectives->item[i].metric));
        NAS_TRY(check_score(&items[i], config, objectives->item[i].metric));
        objectives->item[i].goal = row.goal == 0 ? NAS_GOAL_MAX : NAS_GOAL_MIN;
    }
    if (objectives->count == 0) {
        objectives->count = 1;
        objectives->item[0] = (nas_objective){.goal = NAS_GOAL_MAX};
        nas_score_name(task_of(config), "valid", objectives->item[0].metric,
                       sizeof objectives->item[0].metric);
    }
    return NAS_OK;
}

nas_status nas__bounds_fill(nas_value *list, nas_config *config)
{
    nas_objectives *objectives = &config->objectives;
    nas_value *items;
    NAS_TRY(group_items(list, NAS_OBJECTIVES, &items, &objectives->bound_count));
    for (int i = 0; i < objectives->bound_count; i++) {
        nas_bound *bound = &objectives->bounds[i];
        nas__bound_row row;
        NAS_TRY(nas_options_fill(&nas__bound_kind, &items[i], NULL, &row));
        NAS_TRY(nas__measure_fill(&items[i], row.metric, &row.measure, config, bound->metric));
        bound->min = nas_value_member(&items[i], "min") ? row.min : -INFINITY;
        bound->max = nas_value_member(&items[i], "max") ? row.max : INFINITY;
        if (isinf(bound->min) && isinf(bound->max))
            return nas__value_fail(&items[i], "a bound needs min or max");
        if (bound->min > bound->max)
            return nas__value_fail(&items[i], "min is greater than max");
    }
    return NAS_OK;
}

/* Aliases tell devices apart in trials, metrics and messages. */
static nas_status check_device(const nas_value *place, const nas_config *config, int index)
{
    const nas_device_wish *wish = &config->devices[index];
    if (strchr(wish->driver, '/'))
        return nas__value_fail(nas_value_member(place, "driver"),
                               "driver is a file name in /etc/OpenCL/vendors, without a path");
    for (int i = 0; i < index && wish->name[0]; i++)
        if (strcmp(config->devices[i].name, wish->name) == 0)
            return nas__value_fail(nas_value_member(place, "name"),
                                   "another device has this name already");
    return NAS_OK;
}

nas_status nas__devices_fill(nas_value *list, nas_config *config)
{
    nas_value *items;
    NAS_TRY(group_items(list, NAS_CONFIG_DEVICES, &items, &config->device_count));
    for (int i = 0; i < config->device_count; i++) {
        NAS_TRY(nas_options_fill(&nas__device_kind, &items[i], NULL, &config->devices[i]));
        NAS_TRY(check_device(&items[i], config, i));
    }
    return NAS_OK;
}

/* ---- back to values --------------------------------------------------------------------------------------- */

static nas_status add_real(nas_value *group, const char *name, double real)
{
    nas_value *item;
    if (isinf(real))
        return NAS_OK;
    NAS_TRY(nas_value_append(group, name, &item));
    item->type = NAS_VALUE_REAL;
    item->real = real;
    return NAS_OK;
}

nas_status nas__add_text(nas_value *group, const char *name, const char *text)
{
    nas_value *item;
    NAS_TRY(nas_value_append(group, name, &item));
    item->type = NAS_VALUE_TEXT;
    item->text = strdup(text);
    return item->text ? NAS_OK : NAS_MEMORY;
}

nas_status nas__add_int(nas_value *group, const char *name, int64_t number)
{
    nas_value *item;
    NAS_TRY(nas_value_append(group, name, &item));
    item->type = NAS_VALUE_INT;
    item->integer = number;
    return NAS_OK;
}

nas_status nas__objectives_value(const nas_config *config, nas_value *list)
{
    const nas_objectives *objectives = &config->objectives;
    list->type = NAS_VALUE_LIST;
    for (int i = 0; i < objectives->count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(list, NULL, &item));
        item->type = NAS_VALUE_GROUP;
        NAS_TRY(nas__measure_value(config, objectives->item[i].metric, item));
        NAS_TRY(
            nas__add_text(item, "goal", objectives->item[i].goal == NAS_GOAL_MAX ? "max" : "min"));
    }
    return NAS_OK;
}

nas_status nas__bounds_value(const nas_config *config, nas_value *list)
{
    const nas_objectives *objectives = &config->objectives;
    list->type = NAS_VALUE_LIST;
    for (int i = 0; i < objectives->bound_count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(list, NULL, &item));
        item->type = NAS_VALUE_GROUP;
        NAS_TRY(nas__measure_value(config, objectives->bounds[i].metric, item));
        NAS_TRY(add_real(item, "min", objectives->bounds[i].min));
        NAS_TRY(add_real(item, "max", objectives->bounds[i].max));
    }
    return NAS_OK;
}

nas_status nas__devices_value(const nas_config *config, nas_value *list)
{
    list->type = NAS_VALUE_LIST;
    for (int i = 0; i < config->device_count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(list, NULL, &item));
        NAS_TRY(nas_options_value(&nas__device_kind, &config->devices[i], item));
    }
    return NAS_OK;
}
