/* option.c - option tables: from a group of a config to the struct that a piece of code reads.
 *
 * Idea (after FFmpeg's AVOption): one row per option (name, type, offset, default, range, help) is
 * enough to parse, check, describe and record it, so no strategy or data set writes such code, and
 * all of them fail in the same words.  "augment.flip" is the member `flip` of a sub-group `augment`.
 * Defaults are written as a user would write them and take the same path.
 * Read next: option_value.c, the way back. */
#include "value_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_LIMIT = 256, PATH_LIMIT = 256 };

/* One filling: what is filled from what. */
typedef struct filling {
    const nas_kind *kind;
    const nas_value *group;
    const char *const *also;
    unsigned char *instance;
    int count; /* of options */
    bool given[OPTION_LIMIT];
} filling;

/* Fails with `file:line: message`. */
#define VALUE_FAIL(value, ...)                                                                     \
    do {                                                                                           \
        char place_[NAS_PLACE_SIZE];                                                               \
        nas_error_set(NAS_CONFIG, __FILE__, __LINE__, __VA_ARGS__);                                \
        nas_error_add("%s", nas__place((value)->file, (value)->line, place_));                     \
        return NAS_CONFIG;                                                                         \
    } while (0)

static const char *type_name(nas_value_type type)
{
    static const char *const names[] = {"nothing", "true or false", "a whole number", "a number",
                                        "a text",  "a list",        "a group"};
    return names[type];
}

static bool in_range(const nas_option *option, double number)
{
    return (option->min == 0 && option->max == 0) ||
           (number >= option->min && number <= option->max);
}

static nas_status read_real(const nas_option *option, const nas_value *value, double *real)
{
    if (value->type != NAS_VALUE_REAL && value->type != NAS_VALUE_INT)
        VALUE_FAIL(value, "%s must be a number, not %s", option->name, type_name(value->type));
    double number = value->type == NAS_VALUE_INT ? (double)value->integer : value->real;
    if (!isfinite(number))
        VALUE_FAIL(value, "%s = %g is not a finite number", option->name, number);
    if (!in_range(option, number))
        VALUE_FAIL(value, "%s = %g is out of range [%g, %g]", option->name, number, option->min,
                   option->max);
    *real = number;
    return NAS_OK;
}

static nas_status read_int(const nas_option *option, const nas_value *value, int64_t *integer)
{
    int64_t number = value->integer;
    if (value->type == NAS_VALUE_REAL) {
        if (!(fabs(value->real) < 0x1p53) || value->real != floor(value->real))
            VALUE_FAIL(value, "%s = %g must be a whole number", option->name, value->real);
        number = (int64_t)value->real;
    } else if (value->type != NAS_VALUE_INT)
        VALUE_FAIL(value, "%s must be a whole number, not %s", option->name,
                   type_name(value->type));
    if (!in_range(option, (double)number))
        VALUE_FAIL(value, "%s = %lld is out of range [%.15g, %.15g]", option->name,
                   (long long)number, option->min, option->max);
    *integer = number;
    return NAS_OK;
}

static nas_status read_choice(const nas_option *option, const nas_value *value, int *index)
{
    char words[64][64];
    const char *names[64];
    int count = 0;
    if (value->type != NAS_VALUE_TEXT)
        VALUE_FAIL(value, "%s must be one of %s, not %s", option->name, option->choices,
                   type_name(value->type));
    int found = nas_choice_index(option->choices, value->text);
    if (found >= 0) {
        *index = found;
        return NAS_OK;
    }
    for (; count < 64 && nas_choice_name(option->choices, count, words[count], 64); count++)
        names[count] = words[count];
    const char *near = nas_nearest_name(value->text, names, count);
    if (near)
        VALUE_FAIL(value, "%s = \"%.64s\" is none of %s; did you mean \"%s\"?", option->name,
                   value->text, option->choices, near);
    VALUE_FAIL(value, "%s = \"%.64s\" is none of %s", option->name, value->text, option->choices);
}

/* A whole number is accepted as text: an override `-s study=5` cannot know that text is wanted. */
static nas_status read_text(const nas_option *option, const nas_value *value,
                            char text[NAS_TEXT_SIZE])
{
    char number[32];
    const char *from = value->text;
    if (value->type == NAS_VALUE_INT) {
        snprintf(number, sizeof number, "%lld", (long long)value->integer);
        from = number;
    } else if (value->type != NAS_VALUE_TEXT)
        VALUE_FAIL(value, "%s must be a text, not %s", option->name, type_name(value->type));
    if (strlen(from) >= NAS_TEXT_SIZE)
        VALUE_FAIL(value, "%s is longer than %d bytes", option->name, NAS_TEXT_SIZE - 1);
    snprintf(text, NAS_TEXT_SIZE, "%s", from);
    return NAS_OK;
}

/* The items of a list option: a list's, or the single value itself. */
static nas_status list_items(const nas_option *option, const nas_value *value, int limit,
                             const nas_value **items, int *count)
{
    bool list = value->type == NAS_VALUE_LIST;
    *items = list ? value->items : value;
    *count = list ? value->item_count : 1;
    if (*count > limit)
        VALUE_FAIL(value, "%s has %d items, more than %d", option->name, *count, limit);
    return NAS_OK;
}

static nas_status read_int_list(const nas_option *option, const nas_value *value,
                                nas_int_list *list)
{
    const nas_value *items;
    NAS_TRY(list_items(option, value, NAS_LIST_SIZE, &items, &list->count));
    for (int i = 0; i < list->count; i++) {
        int choice = 0;
        if (option->type == NAS_OPTION_INT_LIST)
            NAS_TRY(read_int(option, &items[i], &list->item[i]));
        else {
            NAS_TRY(read_choice(option, &items[i], &choice));
            list->item[i] = choice;
        }
    }
    return NAS_OK;
}

static nas_status read_real_list(const nas_option *option, const nas_value *value,
                                 nas_real_list *list)
{
    const nas_value *items;
    NAS_TRY(list_items(option, value, NAS_LIST_SIZE, &items, &list->count));
    for (int i = 0; i < list->count; i++)
        NAS_TRY(read_real(option, &items[i], &list->item[i]));
    return NAS_OK;
}

static nas_status read_text_list(const nas_option *option, const nas_value *value,
                                 nas_text_list *list)
{
    const nas_value *items;
    int limit = (int)(sizeof list->item / sizeof list->item[0]);
    NAS_TRY(list_items(option, value, limit, &items, &list->count));
    for (int i = 0; i < list->count; i++)
        NAS_TRY(read_text(option, &items[i], list->item[i]));
    return NAS_OK;
}

static nas_status store_value(const nas_option *option, const nas_value *value, void *instance)
{
    void *field = (unsigned char *)instance + option->offset;
    switch (option->type) {
    case NAS_OPTION_BOOL:
        if (value->type != NAS_VALUE_BOOL)
            VALUE_FAIL(value, "%s must be true or false, not %s", option->name,
                       type_name(value->type));
        *(bool *)field = value->boolean;
        return NAS_OK;
    case NAS_OPTION_INT:
        return read_int(option, value, field);
    case NAS_OPTION_REAL:
        return read_real(option, value, field);
    case NAS_OPTION_TEXT:
        return read_text(option, value, field);
    case NAS_OPTION_CHOICE:
        return read_choice(option, value, field);
    case NAS_OPTION_INT_LIST:
    case NAS_OPTION_CHOICE_LIST:
        return read_int_list(option, value, field);
    case NAS_OPTION_REAL_LIST:
        return read_real_list(option, value, field);
    case NAS_OPTION_TEXT_LIST:
        return read_text_list(option, value, field);
    }
    NAS_FAIL(NAS_FAILED, "option %s has an unknown type", option->name);
}

nas_status nas__option_default(const nas_option *option, void *instance)
{
    nas_value value = {0};
    nas_status status;
    if (!option->fallback)
        return NAS_OK;
    status = nas_value_parse(option->fallback, "default", 0, &value);
    if (status == NAS_OK)
        status = store_value(option, &value, instance);
    nas_value_clear(&value);
    return status;
}

/* `strategy "evolution"`: the group's own name says what the kind is. */
static void describe_kind(const filling *f, char *text, size_t size)
{
    const char *noun = f->group && f->group->name ? f->group->name : "";
    if (strcmp(noun, f->kind->name) == 0)
        snprintf(text, size, "%s", noun);
    else
        snprintf(text, size, "%s%s\"%s\"", noun, noun[0] ? " " : "", f->kind->name);
}

static nas_status refuse_unknown(const filling *f, const nas_value *member, const char *path)
{
    const char *names[OPTION_LIMIT + 32];
    char kind[256];
    int count = 0;
    for (; count < f->count; count++)
        names[count] = f->kind->options[count].name;
    for (int i = 0; f->also && f->also[i] && count < OPTION_LIMIT + 32; i++)
        names[count++] = f->also[i];
    describe_kind(f, kind, sizeof kind);
    const char *near = nas_nearest_name(path, names, count);
    if (near)
        VALUE_FAIL(member, "unknown option \"%s\" in %s; did you mean \"%s\"?", path, kind, near);
    VALUE_FAIL(member, "unknown option \"%s\" in %s; `clnas describe` lists what there is", path,
               kind);
}

static bool is_also(const filling *f, const char *path)
{
    for (int i = 0; f->also && f->also[i]; i++)
        if (strcmp(f->also[i], path) == 0)
            return true;
    return false;
}

/* The option called `path`, or -1; *sub tells whether it is the name of a sub-group. */
static int find_option(const filling *f, const char *path, bool *sub)
{
    size_t length = strlen(path);
    *sub = false;
    for (int i = 0; i < f->count; i++) {
        const char *name = f->kind->options[i].name;
        if (strcmp(name, path) == 0)
            return i;
        if (strncmp(name, path, length) == 0 && name[length] == '.')
            *sub = true;
    }
    return -1;
}

static nas_status fill_members(filling *f, const nas_value *group, const char *front)
{
    for (int i = 0; i < group->item_count; i++) {
        nas_value *member = &group->items[i];
        char path[PATH_LIMIT];
        bool sub;
        snprintf(path, sizeof path, "%s%s", front, member->name);
        int found = find_option(f, path, &sub);
        if (found >= 0) {
            NAS_TRY(store_value(&f->kind->options[found], member, f->instance));
            f->given[found] = true;
        } else if (sub && member->type == NAS_VALUE_GROUP) {
            size_t length = strlen(path);
            if (length + 1 < sizeof path)
                memcpy(path + length, ".", 2);
            NAS_TRY(fill_members(f, member, path));
        } else if (sub)
            VALUE_FAIL(member, "%s must be a group { … }, not %s", path, type_name(member->type));
        else if (is_also(f, path))
            continue;
        else
            return refuse_unknown(f, member, path);
        member->used = true;
    }
    return NAS_OK;
}

static nas_status refuse_missing(const filling *f)
{
    static const nas_value nowhere = {0};
    const nas_value *place = f->group ? f->group : &nowhere;
    char kind[256];
    describe_kind(f, kind, sizeof kind);
    for (int i = 0; i < f->count; i++) {
        const nas_option *option = &f->kind->options[i];
        if (!option->fallback && !f->given[i])
            VALUE_FAIL(place, "%s needs \"%s\": %s", kind, option->name,
                       option->help ? option->help : "it has no default");
    }
    return NAS_OK;
}

nas_status nas_options_fill(const nas_kind *kind, const nas_value *group, const char *const *also,
                            void *instance)
{
    filling f = {.kind = kind, .group = group, .also = also, .instance = instance};
    if (kind->instance_size)
        memset(instance, 0, kind->instance_size);
    while (kind->options && kind->options[f.count].name)
        if (++f.count > OPTION_LIMIT)
            NAS_FAIL(NAS_FAILED, "\"%s\" has more than %d options", kind->name, OPTION_LIMIT);
    for (int i = 0; i < f.count; i++)
        NAS_TRY(nas__option_default(&kind->options[i], instance));
    if (group && group->type != NAS_VALUE_GROUP)
        VALUE_FAIL(group, "%s must be a group { … }, not %s",
                   group->name ? group->name : kind->name, type_name(group->type));
    if (group)
        NAS_TRY(fill_members(&f, group, ""));
    return refuse_missing(&f);
}
