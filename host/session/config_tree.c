/* config_tree.c - a config text to a tree of values, each with file and line; overrides put into it.
 *
 * libconfig does the parsing.  It only ever sees a text that config_include.c has put together and config_lint.c has gone over
 * (its own @include, file and number handling are not for input that nobody vouches for), and its lines are counted back to
 * files through the line table.  Read next: config.c, which holds the tree against the option tables. */
#include "config_private.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nas_status convert(const config_setting_t *setting, const nas_config_text *text,
                          nas_value *value);

static nas_status convert_items(const config_setting_t *setting, const nas_config_text *text,
                                nas_value *value)
{
    int count = config_setting_length(setting);
    for (int i = 0; i < count; i++) {
        const config_setting_t *from = config_setting_get_elem(setting, (unsigned)i);
        nas_value *item;
        NAS_TRY(nas_value_append(value, config_setting_name(from), &item));
        NAS_TRY(convert(from, text, item));
    }
    return NAS_OK;
}

static nas_status set_place(nas_value *value, const nas_config_text *text, int line)
{
    const char *file = text->files[0];
    if (line >= 1 && line <= text->line_count) {
        file = text->files[text->lines[line - 1].file];
        line = text->lines[line - 1].line;
    }
    value->line = line;
    value->file = strdup(file);
    if (!value->file)
        NAS_FAIL(NAS_MEMORY, "%s: out of host memory", file);
    return NAS_OK;
}

static nas_status convert_text(const config_setting_t *setting, nas_value *value)
{
    const char *text = config_setting_get_string(setting);
    value->type = NAS_VALUE_TEXT;
    value->text = strdup(text ? text : "");
    if (!value->text)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    return NAS_OK;
}

static nas_status convert(const config_setting_t *setting, const nas_config_text *text,
                          nas_value *value)
{
    NAS_TRY(set_place(value, text, (int)config_setting_source_line(setting)));
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        value->type = NAS_VALUE_GROUP;
        return convert_items(setting, text, value);
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST:
        value->type = NAS_VALUE_LIST;
        return convert_items(setting, text, value);
    case CONFIG_TYPE_BOOL:
        value->type = NAS_VALUE_BOOL;
        value->boolean = config_setting_get_bool(setting);
        return NAS_OK;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        value->type = NAS_VALUE_INT;
        value->integer = config_setting_get_int64(setting);
        return NAS_OK;
    case CONFIG_TYPE_FLOAT:
        value->type = NAS_VALUE_REAL;
        value->real = config_setting_get_float(setting);
        return NAS_OK;
    case CONFIG_TYPE_STRING:
        return convert_text(setting, value);
    }
    return nas__config_fail(text, (int)config_setting_source_line(setting), "a value of no type");
}

nas_status nas_config_tree(const char *text, const char *file, const char *folder, nas_value *root)
{
    nas_config_text expanded = {0};
    nas_value fresh = {0};
    config_t parsed;
    config_init(&parsed);
    nas_status status = nas__config_expand(text, strlen(text), file, folder, &expanded);
    if (status == NAS_OK)
        status = nas__config_lint(&expanded);
    if (status == NAS_OK &&
        !config_read_string(&parsed, expanded.text.data ? expanded.text.data : ""))
        status = nas__config_fail(&expanded, config_error_line(&parsed), "%s",
                                  config_error_text(&parsed));
    if (status == NAS_OK)
        status = convert(config_root_setting(&parsed), &expanded, &fresh);
    if (status == NAS_OK)
        *root = fresh;
    else
        nas_value_clear(&fresh);
    config_destroy(&parsed);
    nas__config_text_clear(&expanded);
    return status;
}

/* ---- overrides ---------------------------------------------------------------------------------------- */

static const char place[] = "-s";

/* The member or item `name` of `parent`, made when a group has none. */
static nas_status step_into(nas_value *parent, const char *name, const char *assignment,
                            nas_value **child)
{
    if (parent->type == NAS_VALUE_LIST) {
        char *end;
        long index = strtol(name, &end, 10);
        if (!isdigit((unsigned char)name[0]) || *end || index >= parent->item_count)
            NAS_FAIL(NAS_CONFIG, "%s %s: \"%s\" is no item of that list (0 … %d)", place,
                     assignment, name, parent->item_count - 1);
        *child = &parent->items[index];
        return NAS_OK;
    }
    if (parent->type == NAS_VALUE_NONE)
        parent->type = NAS_VALUE_GROUP;
    if (parent->type != NAS_VALUE_GROUP)
        NAS_FAIL(NAS_CONFIG, "%s %s: there is no group or list before \"%s\"", place, assignment,
                 name);
    *child = nas_value_member(parent, name);
    if (*child)
        return NAS_OK;
    NAS_TRY(nas_value_append(parent, name, child));
    (*child)->file = strdup(place);
    return NAS_OK;
}

/* Replaces what `at` says by `fresh` (taken), but not its name. */
static void replace_value(nas_value *at, nas_value *fresh)
{
    char *name = at->name;
    at->name = NULL;
    nas_value_clear(at);
    free(fresh->name);
    *at = *fresh;
    at->name = name;
    *fresh = (nas_value){0};
}

nas_status nas__config_override(nas_value *root, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    nas_value *at = root;
    nas_value value = {0};
    char name[128];
    if (!equals || equals == assignment)
        NAS_FAIL(NAS_CONFIG, "%s %s: write path.to.key=value", place, assignment);
    for (const char *from = assignment; from < equals;) {
        const char *dot = memchr(from, '.', (size_t)(equals - from));
        const char *end = dot ? dot : equals;
        size_t length = (size_t)(end - from);
        if (length == 0 || length >= sizeof name)
            NAS_FAIL(NAS_CONFIG, "%s %s: write path.to.key=value", place, assignment);
        memcpy(name, from, length);
        name[length] = '\0';
        NAS_TRY(step_into(at, name, assignment, &at));
        from = end + 1;
    }
    NAS_TRY(nas_value_parse(equals + 1, place, 0, &value));
    replace_value(at, &value);
    return NAS_OK;
}
