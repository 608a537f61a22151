/* option_value.c - a filled struct back to a group value: what `clnas check` prints and a study
 * records.  Every option is written, defaults included, so that a later version with other defaults
 * still repeats the run. */
#include "value_private.h"

#include <stdlib.h>
#include <string.h>

static nas_status set_text(nas_value *value, const char *text)
{
    value->text = strdup(text);
    if (!value->text)
        NAS_FAIL(NAS_MEMORY, "out of host memory for an option's value");
    value->type = NAS_VALUE_TEXT;
    return NAS_OK;
}

static nas_status set_choice(nas_value *value, const nas_option *option, int64_t index)
{
    char word[64];
    if (index > 1000 || !nas_choice_name(option->choices, (int)index, word, sizeof word))
        NAS_FAIL(NAS_FAILED, "option %s has no choice %lld", option->name, (long long)index);
    return set_text(value, word);
}

static nas_status set_int_list(nas_value *value, const nas_option *option, const nas_int_list *list)
{
    value->type = NAS_VALUE_LIST;
    for (int i = 0; i < list->count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(value, NULL, &item));
        if (option->type == NAS_OPTION_CHOICE_LIST)
            NAS_TRY(set_choice(item, option, list->item[i]));
        else {
            item->type = NAS_VALUE_INT;
            item->integer = list->item[i];
        }
    }
    return NAS_OK;
}

static nas_status set_real_list(nas_value *value, const nas_real_list *list)
{
    value->type = NAS_VALUE_LIST;
    for (int i = 0; i < list->count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(value, NULL, &item));
        item->type = NAS_VALUE_REAL;
        item->real = list->item[i];
    }
    return NAS_OK;
}

static nas_status set_text_list(nas_value *value, const nas_text_list *list)
{
    value->type = NAS_VALUE_LIST;
    for (int i = 0; i < list->count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(value, NULL, &item));
        NAS_TRY(set_text(item, list->item[i]));
    }
    return NAS_OK;
}

static nas_status load_value(const nas_option *option, const void *instance, nas_value *value)
{
    const void *field = (const unsigned char *)instance + option->offset;
    switch (option->type) {
    case NAS_OPTION_BOOL:
        value->type = NAS_VALUE_BOOL;
        value->boolean = *(const bool *)field;
        return NAS_OK;
    case NAS_OPTION_INT:
        value->type = NAS_VALUE_INT;
        value->integer = *(const int64_t *)field;
        return NAS_OK;
    case NAS_OPTION_REAL:
        value->type = NAS_VALUE_REAL;
        value->real = *(const double *)field;
        return NAS_OK;
    case NAS_OPTION_TEXT:
        return set_text(value, field);
    case NAS_OPTION_CHOICE:
        return set_choice(value, option, *(const int *)field);
    case NAS_OPTION_INT_LIST:
    case NAS_OPTION_CHOICE_LIST:
        return set_int_list(value, option, field);
    case NAS_OPTION_REAL_LIST:
        return set_real_list(value, field);
    case NAS_OPTION_TEXT_LIST:
        return set_text_list(value, field);
    }
    NAS_FAIL(NAS_FAILED, "option %s has an unknown type", option->name);
}

/* Adds "augment.flip" as member flip of the group augment, which is made when it is not there. */
static nas_status add_option(const nas_option *option, const char *name, const void *instance,
                             nas_value *group)
{
    const char *dot = strchr(name, '.');
    nas_value *item;
    char front[128];
    if (!dot) {
        NAS_TRY(nas_value_append(group, name, &item));
        return load_value(option, instance, item);
    }
    size_t length = (size_t)(dot - name);
    if (length >= sizeof front)
        NAS_FAIL(NAS_FAILED, "option name %s is too long", option->name);
    memcpy(front, name, length);
    front[length] = '\0';
    item = nas_value_member(group, front);
    if (!item) {
        NAS_TRY(nas_value_append(group, front, &item));
        item->type = NAS_VALUE_GROUP;
    }
    return add_option(option, dot + 1, instance, item);
}

/* Moves the members of `from` behind those that `to` has. */
static nas_status move_members(nas_value *from, nas_value *to)
{
    for (int i = 0; i < from->item_count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(to, from->items[i].name, &item));
        free(item->name);
        *item = from->items[i];
        from->items[i] = (nas_value){0};
    }
    return NAS_OK;
}

nas_status nas_options_value(const nas_kind *kind, const void *instance, nas_value *group)
{
    nas_value fresh = {.type = NAS_VALUE_GROUP};
    nas_status status = NAS_OK;
    for (const nas_option *option = kind->options; option && option->name; option++)
        NAS_TRY_DONE(add_option(option, option->name, instance, &fresh));
    if (group->type == NAS_VALUE_NONE)
        group->type = NAS_VALUE_GROUP;
    status = move_members(&fresh, group);
done:
    nas_value_clear(&fresh);
    return status;
}
