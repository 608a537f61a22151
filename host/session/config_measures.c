/* config_measures.c - objectives and bounds on what a network is on a device: latency_ms, throughput, memory.
 *
 * An entry says the metric, the device by its name in the config (none: the one that the trial runs on), the batch and the source.  In trials,
 * listings and strategies the metric has one name that says all that but the source:
 *
 *     latency_ms   latency_ms.home   throughput.home@64   memory.home@1
 *
 * `memory` alone, without device and batch, is what a trial's own training takes (evaluator `trained`), which nobody has to measure.
 * Read next: meter.c, which finds the values. */
#include "config_groups.h"
#include "config_private.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"latency_ms", "throughput", "memory"};
enum { NAMES = sizeof names / sizeof names[0] };

static bool says(const nas_value *entry, const char *member)
{
    return nas_value_member(entry, member) != NULL;
}

/* −1: a metric that has no device. */
static int what_of(const nas_value *entry, const char *metric)
{
    for (int i = 0; i < NAMES; i++)
        if (strcmp(metric, names[i]) == 0 &&
            (i != NAS_MEASURED_MEMORY || says(entry, "device") || says(entry, "batch")))
            return i;
    return -1;
}

const nas_value *nas__measure_first(const nas_value *list)
{
    const bool alone = list && list->type == NAS_VALUE_GROUP;
    const int count = alone ? 1 : list ? list->item_count : 0;
    for (int i = 0; i < count; i++) {
        const nas_value *entry = alone ? list : &list->items[i];
        const nas_value *metric = nas_value_member(entry, "metric");
        if (metric && metric->type == NAS_VALUE_TEXT && what_of(entry, metric->text) >= 0)
            return entry;
    }
    return NULL;
}

static nas_status check_device(const nas_value *entry, const char *device, const nas_config *config)
{
    const char *known[NAS_CONFIG_DEVICES];
    char message[512];
    int count = 0;
    for (int i = 0; i < config->device_count; i++) {
        if (strcmp(config->devices[i].name, device) == 0)
            return NAS_OK;
        if (config->devices[i].name[0])
            known[count++] = config->devices[i].name;
    }
    const char *near = nas_nearest_name(device, known, count);
    if (near)
        snprintf(message, sizeof message,
                 "no entry of devices has the name \"%.100s\"; did you mean \"%.100s\"?", device,
                 near);
    else
        snprintf(
            message, sizeof message,
            "no entry of devices has the name \"%.100s\": devices = ( { name = \"%.100s\"; match "
            "= \"…\"; } ) makes one",
            device, device);
    return nas__value_fail(nas_value_member(entry, "device"), message);
}

static nas_status check_plain(const nas_value *entry)
{
    static const char *const members[] = {"device", "batch", "source", "table"};
    char message[160];
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        snprintf(message, sizeof message,
                 "%s is for latency_ms, throughput and memory; other metrics are of no device",
                 members[i]);
        if (says(entry, members[i]))
            return nas__value_fail(nas_value_member(entry, members[i]), message);
    }
    return NAS_OK;
}

static nas_status check_source(const nas_value *entry, const nas_measure *measure)
{
    if (measure->predicted && measure->what == NAS_MEASURED_MEMORY)
        return nas__value_fail(nas_value_member(entry, "source"),
                               "memory follows from the plan: there is nothing to predict");
    if (measure->predicted && !measure->table[0])
        return nas__value_fail(entry, "source = \"predicted\" needs table, the file that "
                                      "`clnas-bench latency CONFIG --output FILE` wrote");
    if (!measure->predicted && measure->table[0])
        return nas__value_fail(nas_value_member(entry, "table"),
                               "a table is for source = \"predicted\"");
    return NAS_OK;
}

static nas_status add(const nas_value *entry, const nas_measure *measure, nas_config *config)
{
    for (int i = 0; i < config->measure_count; i++) {
        const nas_measure *other = &config->measures[i];
        if (strcmp(other->metric, measure->metric) != 0)
            continue;
        if (other->predicted != measure->predicted || strcmp(other->table, measure->table) != 0)
            return nas__value_fail(
                entry, "the same metric of the same device is asked for from another source, too");
        return NAS_OK;
    }
    config->measures[config->measure_count++] = *measure;
    return NAS_OK;
}

nas_status nas__measure_fill(const nas_value *entry, const char *metric,
                             const nas__measure_row *row, nas_config *config,
                             char full[NAS_NAME_SIZE])
{
    const int what = what_of(entry, metric);
    nas_text name = {0};
    nas_text_add(&name, metric);
    if (what >= 0 && row->device[0])
        nas_text_format(&name, ".%s", row->device);
    if (what >= 0 && (row->batch != 1 || what == NAS_MEASURED_MEMORY))
        nas_text_format(&name, "@%d", (int)row->batch);
    nas_status status = nas_text_check(&name);
    if (status == NAS_OK && (!metric[0] || name.length >= NAS_NAME_SIZE))
        status = nas__value_fail(entry, "the metric's name is empty or too long");
    if (status == NAS_OK)
        snprintf(full, NAS_NAME_SIZE, "%s", name.data);
    nas_text_clear(&name);
    NAS_TRY(status);
    if (what < 0)
        return check_plain(entry);
    nas_measure measure = {
        .what = (nas_measured)what, .batch = (int)row->batch, .predicted = row->source == 1};
    if (row->device[0])
        NAS_TRY(check_device(entry, row->device, config));
    snprintf(measure.metric, sizeof measure.metric, "%s", full);
    snprintf(measure.device, sizeof measure.device, "%.47s", row->device);
    snprintf(measure.table, sizeof measure.table, "%s", row->table);
    NAS_TRY(check_source(entry, &measure));
    return add(entry, &measure, config);
}

nas_status nas__measure_value(const nas_config *config, const char *full, nas_value *entry)
{
    const nas_measure *measure = NULL;
    for (int i = 0; i < config->measure_count; i++)
        if (strcmp(config->measures[i].metric, full) == 0)
            measure = &config->measures[i];
    NAS_TRY(nas__add_text(entry, "metric", measure ? names[measure->what] : full));
    if (!measure)
        return NAS_OK;
    NAS_TRY(nas__add_text(entry, "device", measure->device));
    NAS_TRY(nas__add_int(entry, "batch", measure->batch));
    NAS_TRY(nas__add_text(entry, "source", measure->predicted ? "predicted" : "measured"));
    return nas__add_text(entry, "table", measure->table);
}
