/* kinds.c - lists of descriptors: found by name, with a guess where the name is wrong, and what a new one must be like.
 *
 * Idea: a list that the library brings was checked by its tests; a descriptor that a program registers at run time was checked by
 * nobody, and an option whose field lies outside of the instance would overwrite memory long after.  So it is looked at once, when
 * it is added, and refused in words.  The rooms keep the lists themselves, of their own type; here they are names and options.
 * Read next: option.c, which reads configs by these tables. */
#include "value_private.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_LIMIT = 512, KIND_NAME = 48, PATH_LIMIT = 128 };

int nas_kinds_find(const nas_kinds *kinds, const char *name)
{
    for (int i = 0; i < kinds->count; i++)
        if (strcmp(kinds->at(i)->name, name) == 0)
            return i;
    return -1;
}

nas_status nas_kinds_get(const nas_kinds *kinds, const char *name, int *index)
{
    const char *names[LIST_LIMIT];
    const int found = nas_kinds_find(kinds, name);
    int count = 0;
    if (found >= 0) {
        *index = found;
        return NAS_OK;
    }
    for (; count < kinds->count && count < LIST_LIMIT; count++)
        names[count] = kinds->at(count)->name;
    const char *near = nas_nearest_name(name, names, count);
    NAS_FAIL(NAS_CONFIG, "there is no %s \"%.64s\"%s%s%s; `clnas describe %s` lists them",
             kinds->noun, name, near ? "; did you mean \"" : "", near ? near : "",
             near ? "\"?" : "", kinds->word);
}

/* ---- a new one ---------------------------------------------------------------------------------- */

/* A letter, then letters, digits and _, as libconfig's names are; `dots` allows sub-groups. */
static bool is_name(const char *name, size_t limit, bool dots)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    bool first = true;
    if (!name || !*name || strlen(name) >= limit)
        return false;
    for (; *name; name++) {
        const bool letter = strchr(letters, *name) != NULL, dot = dots && !first && *name == '.';
        if (!letter && !dot && (first || !strchr("0123456789_", *name)))
            return false;
        first = dot;
    }
    return !first;
}

static size_t field_size(nas_option_type type)
{
    switch (type) {
    case NAS_OPTION_BOOL:
        return sizeof(bool);
    case NAS_OPTION_INT:
        return sizeof(int64_t);
    case NAS_OPTION_REAL:
        return sizeof(double);
    case NAS_OPTION_TEXT:
        return NAS_TEXT_SIZE;
    case NAS_OPTION_CHOICE:
        return sizeof(int);
    case NAS_OPTION_INT_LIST:
    case NAS_OPTION_CHOICE_LIST:
        return sizeof(nas_int_list);
    case NAS_OPTION_REAL_LIST:
        return sizeof(nas_real_list);
    case NAS_OPTION_TEXT_LIST:
        return sizeof(nas_text_list);
    }
    return 0;
}

static size_t field_alignment(nas_option_type type)
{
    switch (type) {
    case NAS_OPTION_BOOL:
    case NAS_OPTION_TEXT:
        return 1;
    case NAS_OPTION_INT:
    case NAS_OPTION_INT_LIST:
    case NAS_OPTION_CHOICE_LIST:
        return _Alignof(int64_t);
    case NAS_OPTION_REAL:
    case NAS_OPTION_REAL_LIST:
        return _Alignof(double);
    case NAS_OPTION_CHOICE:
    case NAS_OPTION_TEXT_LIST:
        break;
    }
    return _Alignof(int);
}

/* Its default goes the way that a user's value would. */
static nas_status check_default(const nas_kind *kind, const nas_option *option)
{
    void *instance = calloc(1, kind->instance_size);
    if (!instance)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    const nas_status status = nas__option_default(option, instance);
    free(instance);
    return status;
}

static nas_status check_option(const nas_kind *kind, int at)
{
    static const char *const reserved[] = {"type", "given"};
    const nas_option *option = &kind->options[at];
    const size_t size = field_size(option->type);
    const bool chosen = option->type == NAS_OPTION_CHOICE || option->type == NAS_OPTION_CHOICE_LIST;
    if (!is_name(option->name, PATH_LIMIT, true))
        NAS_FAIL(NAS_CONFIG,
                 "option %d, \"%.64s\": a name is a letter, then letters, digits and _, all small; "
                 "a dot goes before a name in a sub-group",
                 at, option->name);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(option->name, reserved[i]) == 0)
            NAS_FAIL(NAS_CONFIG, "option \"%s\": the config's groups use this name themselves",
                     option->name);
    for (int other = 0; other < at; other++)
        if (strcmp(option->name, kind->options[other].name) == 0)
            NAS_FAIL(NAS_CONFIG, "option \"%s\" is there twice", option->name);
    if (size == 0)
        NAS_FAIL(NAS_CONFIG, "option \"%s\" has no known type", option->name);
    if (option->offset > kind->instance_size || size > kind->instance_size - option->offset ||
        option->offset % field_alignment(option->type) != 0)
        NAS_FAIL(NAS_CONFIG,
                 "option \"%s\": %zu bytes at offset %zu are no field of an instance of %zu bytes",
                 option->name, size, option->offset, kind->instance_size);
    if (!option->help || !*option->help)
        NAS_FAIL(NAS_CONFIG, "option \"%s\" has no help, a sentence with its unit", option->name);
    if (chosen != (option->choices != NULL && *option->choices))
        NAS_FAIL(NAS_CONFIG, "option \"%s\": choices go with a choice, and with nothing else",
                 option->name);
    if (option->min > option->max)
        NAS_FAIL(NAS_CONFIG, "option \"%s\": its range [%g, %g] is empty", option->name,
                 option->min, option->max);
    return check_default(kind, option);
}

static nas_status check_kind(const nas_kinds *kinds, const nas_kind *kind)
{
    if (nas_kinds_find(kinds, kind->name) >= 0)
        NAS_FAIL(NAS_CONFIG, "there is one of this name already");
    if (kinds->count >= kinds->capacity)
        NAS_FAIL(NAS_CONFIG, "a program may add %d at most", NAS_KINDS_MORE);
    if (!kind->summary || !*kind->summary)
        NAS_FAIL(NAS_CONFIG, "it has no summary, one line for people");
    for (int i = 0; kind->options && kind->options[i].name; i++)
        NAS_TRY(check_option(kind, i));
    return NAS_OK;
}

nas_status nas_kinds_check(const nas_kinds *kinds, const nas_kind *kind)
{
    if (!is_name(kind->name, KIND_NAME, false))
        NAS_FAIL(NAS_CONFIG,
                 "a %s cannot be called \"%.64s\": a name is a letter, then letters, digits and _, "
                 "all small, %d at most",
                 kinds->noun, kind->name ? kind->name : "", KIND_NAME - 1);
    const nas_status status = check_kind(kinds, kind);
    if (status != NAS_OK)
        nas_error_add("%s \"%s\" is not added: ", kinds->noun, kind->name);
    return status;
}
