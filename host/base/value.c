/* value.c - the tree that configs and overrides become: scalars, lists, groups, each with its place.
 *
 * Idea: whoever reads a config wants two things from the file format: the tree, and for every item
 * the file and line to blame.  This type is just that, so nobody else needs to know libconfig.  The
 * array of items doubles at powers of two; pointers to items last until the next append.
 * Read next: value_parse.c (text to tree), value_write.c (tree to text), option.c (tree to struct). */
#include "value_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *nas__place(const char *file, int line, char place[NAS_PLACE_SIZE])
{
    place[0] = '\0';
    if (file && line > 0)
        snprintf(place, NAS_PLACE_SIZE, "%.255s:%d: ", file, line);
    else if (file)
        snprintf(place, NAS_PLACE_SIZE, "%.255s: ", file);
    return place;
}

void nas_value_clear(nas_value *value)
{
    if (!value)
        return;
    for (int i = 0; i < value->item_count; i++)
        nas_value_clear(&value->items[i]);
    free(value->items);
    free(value->name);
    free(value->text);
    free(value->file);
    *value = (nas_value){0};
}

nas_value *nas_value_member(const nas_value *group, const char *name)
{
    if (!group || group->type != NAS_VALUE_GROUP)
        return NULL;
    for (int i = 0; i < group->item_count; i++)
        if (strcmp(group->items[i].name, name) == 0)
            return &group->items[i];
    return NULL;
}

nas_status nas_value_append(nas_value *parent, const char *name, nas_value **item)
{
    int count = parent->item_count;
    if (parent->type == NAS_VALUE_NONE)
        parent->type = name ? NAS_VALUE_GROUP : NAS_VALUE_LIST;
    if (parent->type != (name ? NAS_VALUE_GROUP : NAS_VALUE_LIST))
        NAS_FAIL(NAS_FAILED, "a value of type %d cannot take %s item", (int)parent->type,
                 name ? "a named" : "an unnamed");
    if ((count & (count - 1)) == 0) {
        size_t capacity = count ? 2 * (size_t)count : 1;
        nas_value *items = realloc(parent->items, capacity * sizeof *items);
        if (!items)
            NAS_FAIL(NAS_MEMORY, "out of host memory at item %d of a config value", count);
        parent->items = items;
    }
    char *own_name = name ? strdup(name) : NULL;
    if (name && !own_name)
        NAS_FAIL(NAS_MEMORY, "out of host memory for the name of a config value");
    parent->items[count] = (nas_value){.name = own_name};
    parent->item_count = count + 1;
    *item = &parent->items[count];
    return NAS_OK;
}

static nas_status copy_string(const char *from, char **to)
{
    *to = from ? strdup(from) : NULL;
    if (from && !*to)
        NAS_FAIL(NAS_MEMORY, "out of host memory for a config value");
    return NAS_OK;
}

/* Everything but the name, into an empty value. */
static nas_status copy_content(const nas_value *from, nas_value *to)
{
    to->type = from->type;
    to->boolean = from->boolean;
    to->integer = from->integer;
    to->real = from->real;
    to->line = from->line;
    to->used = from->used;
    NAS_TRY(copy_string(from->text, &to->text));
    NAS_TRY(copy_string(from->file, &to->file));
    for (int i = 0; i < from->item_count; i++) {
        nas_value *item;
        NAS_TRY(nas_value_append(to, from->items[i].name, &item));
        NAS_TRY(copy_content(&from->items[i], item));
    }
    return NAS_OK;
}

nas_status nas_value_copy(const nas_value *from, nas_value *to)
{
    nas_value copy = {0};
    nas_status status = copy_string(from->name, &copy.name);
    if (status == NAS_OK)
        status = copy_content(from, &copy);
    if (status != NAS_OK) {
        nas_value_clear(&copy);
        return status;
    }
    *to = copy;
    return NAS_OK;
}
