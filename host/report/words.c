/* words.c - metrics, objectives, budgets and groups of a config in words.
 *
 * Tables keep the names that configs and `clnas trials` have, so that what is read here can be asked for there; axes and sentences have
 * these words.  Of a group only the options are told that are not the defaults: the whole config stands at the page's end. */
#include "subject.h"

#include "drawing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- metrics --------------------------------------------------------------------------------------------------- */

bool nas__metric_share(const char *metric)
{
    return strstr(metric, "accuracy") != NULL;
}

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The name without its device: "latency_ms" of "latency_ms.home@64". */
static void base_of(const char *metric, char base[NAS_NAME_SIZE])
{
    snprintf(base, NAS_NAME_SIZE, "%.*s", (int)strcspn(metric, "."), metric);
}

/* A unit that the name ends with, taken off it. */
static const char *take_unit(char *base)
{
    static const char *const ends[][2] = {
        {"_ms", "ms"}, {"_seconds", "s"}, {"_s", "s"}, {"_bytes", "bytes"}};
    const size_t length = strlen(base);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t end = strlen(ends[i][0]);
        if (length > end && strcmp(base + length - end, ends[i][0]) == 0) {
            base[length - end] = '\0';
            return ends[i][1];
        }
    }
    return "";
}

void nas__metric_words(nas_text *text, const char *metric)
{
    static const char *const known[][2] = {{"macs", "multiply-accumulates"},
                                           {"memory", "memory, bytes"},
                                           {"throughput", "throughput, per s"}};
    char base[NAS_NAME_SIZE];
    const char *device = strchr(metric, '.');
    base_of(metric, base);
    const char *unit = take_unit(base), *rest = base;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(base, known[i][0]) == 0)
            rest = known[i][1];
    if (begins(rest, "valid_")) {
        nas_text_add(text, "validation ");
        rest += strlen("valid_");
    } else if (begins(rest, "train_")) {
        nas_text_add(text, "training ");
        rest += strlen("train_");
    }
    for (; *rest; rest++)
        nas_text_add_bytes(text, *rest == '_' ? " " : rest, 1);
    if (device) {
        const int name = (int)strcspn(device + 1, "@");
        nas_text_format(text, " on %.*s", name, device + 1);
        if (device[1 + name] == '@')
            nas_text_format(text, ", batch %s", device + 2 + name);
    }
    if (*unit)
        nas_text_format(text, ", %s", unit);
}

static void add_bytes(nas_text *text, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; fabs(bytes) >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    nas__number_fixed(text, bytes, unit && fabs(bytes) < 100 ? 1 : 0, false);
    nas_text_format(text, " %s", units[unit]);
}

void nas__metric_value(nas_text *text, const char *metric, double value)
{
    char base[NAS_NAME_SIZE];
    base_of(metric, base);
    if (isfinite(value) && nas__metric_share(metric) && fabs(value) <= 1)
        nas__number_percent(text, value);
    else if (isfinite(value) && (strcmp(base, "memory") == 0 || strstr(base, "_bytes")))
        add_bytes(text, value);
    else
        nas__number_words(text, value);
}

/* ---- what was asked for ------------------------------------------------------------------------------------------ */

void nas__objectives_words(nas_text *text, const nas_objectives *objectives)
{
    for (int i = 0; i < objectives->count; i++) {
        const nas_objective *objective = &objectives->item[i];
        nas_text_format(text, "%s%s as %s as possible", i ? "; " : "", objective->metric,
                        objective->goal == NAS_GOAL_MAX ? "high" : "low");
    }
    if (objectives->count > 1)
        nas_text_format(text, "; where one number must decide, %s does",
                        objectives->item[0].metric);
}

void nas__bounds_words(nas_text *text, const nas_objectives *objectives)
{
    for (int i = 0; i < objectives->bound_count; i++) {
        const nas_bound *bound = &objectives->bounds[i];
        nas_text_add(text, i ? "; " : "");
        if (isfinite(bound->min)) {
            nas__metric_value(text, bound->metric, bound->min);
            nas_text_add(text, " ≤ ");
        }
        nas_text_add(text, bound->metric);
        if (isfinite(bound->max)) {
            nas_text_add(text, " ≤ ");
            nas__metric_value(text, bound->metric, bound->max);
        }
    }
}

static void add_end(nas_text *text, const char *format, const char *value)
{
    if (text->length > 0)
        nas_text_add(text, ", or ");
    nas_text_format(text, format, value);
}

void nas__budget_words(nas_text *text, const nas_config *config)
{
    const nas_budget *budget = &config->budget;
    const struct {
        double value;
        const char *format;
    } ends[] = {{(double)budget->trials, "%s trials"},
                {budget->minutes, config->simulated ? "%s simulated minutes" : "%s minutes"},
                {budget->target, "the first objective reaches %s"},
                {(double)budget->patience, "%s trials without a better one"}};
    nas_text number = {0}, words = {0};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends[i].value == 0)
            continue;
        nas_text_reset(&number);
        nas__number_words(&number, ends[i].value);
        add_end(&words, ends[i].format, nas__part(&number, text));
    }
    nas_text_add(text, words.length > 0 ? words.data : "until it is stopped");
    text->failed = text->failed || words.failed;
    nas_text_clear(&number);
    nas_text_clear(&words);
}

/* ---- groups of a config --------------------------------------------------------------------------------------------- */

const char *nas__group_type(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    return type && type->text ? type->text : "";
}

static const nas_option *option_of(const nas_kind *kind, const char *name)
{
    for (const nas_option *option = kind ? kind->options : NULL; option && option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

/* Does the option have the value that it would have had anyway? */
static bool is_default(const nas_option *option, const nas_value *value, nas_text *text)
{
    nas_value fallback = {0};
    nas_text own = {0}, other = {0};
    bool same = false;
    const nas_status status =
        option->fallback ? nas_value_parse(option->fallback, "", 0, &fallback) : NAS_FAILED;
    text->failed = text->failed || status == NAS_MEMORY;
    if (status == NAS_OK) {
        nas_value_write(value, -1, &own);
        nas_value_write(&fallback, -1, &other);
        same = strcmp(nas__part(&own, text), nas__part(&other, text)) == 0;
        same = same || (fallback.type == NAS_VALUE_INT && value->type == NAS_VALUE_REAL &&
                        value->real == (double)fallback.integer);
        same = same || (option->type == NAS_OPTION_TEXT && value->type == NAS_VALUE_TEXT &&
                        strcmp(value->text, option->fallback) == 0);
    }
    nas_value_clear(&fallback);
    nas_text_clear(&own);
    nas_text_clear(&other);
    return same;
}

static void add_settings(nas_text *text, const nas_value *group, const nas_kind *kind,
                         const char *prefix, bool *some)
{
    for (int i = 0; i < group->item_count; i++) {
        const nas_value *item = &group->items[i];
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, item->name ? item->name : "");
        const nas_option *option = option_of(kind, name);
        const bool empty = item->type == NAS_VALUE_LIST && item->item_count == 0;
        if (strcmp(name, "type") == 0 || empty || (option && is_default(option, item, text)))
            continue;
        if (item->type == NAS_VALUE_GROUP && !option && strlen(name) < sizeof name - 2) {
            strcat(name, ".");
            add_settings(text, item, kind, name, some);
            continue;
        }
        nas_text_format(text, "%s%s ", *some ? ", " : "", name);
        nas_value_write(item, -1, text);
        *some = true;
    }
}

void nas__settings_words(nas_text *text, const nas_value *group, const nas_kind *kind)
{
    bool some = false;
    if (group->type == NAS_VALUE_GROUP)
        add_settings(text, group, kind, "", &some);
    if (!some)
        nas_text_add(text, "all as by default");
}

void nas__group_words(nas_text *text, const nas_value *group, const nas_kind *kind)
{
    nas_text_add(text, nas__group_type(group));
    if (kind && kind->summary)
        nas_text_format(text, ": %s", kind->summary);
    const size_t length = strlen(text->data ? text->data : "");
    nas_text_add(text, length > 0 && text->data[length - 1] == '.' ? " Set: " : ". Set: ");
    nas__settings_words(text, group, kind);
}

void nas__time_words(nas_text *text, int64_t time_ms)
{
    const time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char words[40] = "";
    if (time_ms > 0 && gmtime_r(&seconds, &parts))
        strftime(words, sizeof words, "%Y-%m-%d %H:%M:%S UTC", &parts);
    nas_text_add(text, *words ? words : "not known");
}
