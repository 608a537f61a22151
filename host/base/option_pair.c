/* option_pair.c - two option tables filled from one group.
 *
 * A `data` or `train` group holds options that every data set or optimizer takes and options of the
 * chosen one.  Each table is told to leave the other's names alone, so a name in neither is still
 * refused, with its place and the nearest known name. */
#include <clnas/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 128, NAME_SIZE = 64 };

typedef struct names {
    char text[NAME_LIMIT][NAME_SIZE];
    const char *list[NAME_LIMIT + 1];
} names;

/* First parts of a table's names: "augment" for "augment.flip". */
static nas_status first_parts(const nas_kind *kind, names *to)
{
    int count = 0;
    for (const nas_option *option = kind->options; option && option->name; option++) {
        int length = (int)strcspn(option->name, ".");
        if (count == NAME_LIMIT || length >= NAME_SIZE)
            NAS_FAIL(NAS_FAILED, "\"%s\" has too many or too long option names", kind->name);
        snprintf(to->text[count], NAME_SIZE, "%.*s", length, option->name);
        to->list[count] = to->text[count];
        count++;
    }
    to->list[count] = NULL;
    return NAS_OK;
}

nas_status nas_options_fill_pair(const nas_kind *common, const nas_kind *own,
                                 const nas_value *group, void *common_instance, void *own_instance)
{
    names skipped;
    NAS_TRY(first_parts(own, &skipped));
    NAS_TRY(nas_options_fill(common, group, skipped.list, common_instance));
    NAS_TRY(first_parts(common, &skipped));
    return nas_options_fill(own, group, skipped.list, own_instance);
}

nas_status nas_options_value_pair(const nas_kind *common, const nas_kind *own,
                                  const void *common_instance, const void *own_instance,
                                  nas_value *group)
{
    nas_value both = {0}, rest = {0};
    nas_status status;
    NAS_TRY_DONE(nas_options_value(common, common_instance, &both));
    NAS_TRY_DONE(nas_options_value(own, own_instance, &rest));
    for (int i = 0; i < rest.item_count; i++) {
        nas_value *item;
        NAS_TRY_DONE(nas_value_append(&both, rest.items[i].name, &item));
        nas_value_clear(item);
        *item = rest.items[i]; /* moved */
        rest.items[i] = (nas_value){0};
    }
    *group = both;
    both = (nas_value){0};
done:
    nas_value_clear(&both);
    nas_value_clear(&rest);
    return status;
}
