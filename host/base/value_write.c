/* value_write.c - a value back to the notation of config files, such that it reads back equal.
 *
 * libconfig's arrays `[…]` take scalars of one type only; anything else is written as a list `(…)`.
 * Reals get the fewest digits that read back to the same bits, and always look like reals. */
#include "value_private.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void nas__real_write(double real, nas_text *text)
{
    char digits[40];
    for (int precision = 6; precision <= 17; precision++) {
        nas_format(digits, sizeof digits, "%.*g", precision, real);
        if (!isfinite(real) || nas_real_read(digits, NULL) == real)
            break;
    }
    nas_text_add(text, digits);
    if (isfinite(real) && !strpbrk(digits, ".e"))
        nas_text_add(text, ".0");
}

void nas__text_write(const char *string, nas_text *text)
{
    nas_text_add(text, "\"");
    for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
        if (*c == '"' || *c == '\\')
            nas_text_format(text, "\\%c", *c);
        else if (*c == '\n')
            nas_text_add(text, "\\n");
        else if (*c == '\t')
            nas_text_add(text, "\\t");
        else if (*c < 0x20 || *c == 0x7f)
            nas_text_format(text, "\\x%02x", *c);
        else
            nas_text_add_bytes(text, c, 1);
    }
    nas_text_add(text, "\"");
}

/* True when every item is a scalar of the same type. */
static bool is_array(const nas_value *list)
{
    for (int i = 0; i < list->item_count; i++) {
        nas_value_type type = list->items[i].type;
        if (type != list->items[0].type || type == NAS_VALUE_LIST || type == NAS_VALUE_GROUP)
            return false;
    }
    return true;
}

static void new_line(int indent, nas_text *text)
{
    if (indent < 0)
        nas_text_add(text, " ");
    else
        nas_text_format(text, "\n%*s", indent, "");
}

static void write_list(const nas_value *list, int indent, nas_text *text)
{
    bool array = is_array(list);
    nas_text_add(text, array ? "[" : "(");
    for (int i = 0; i < list->item_count; i++) {
        nas_text_add(text, i ? ", " : "");
        nas_value_write(&list->items[i], indent, text);
    }
    nas_text_add(text, array ? "]" : ")");
}

static void write_group(const nas_value *group, int indent, nas_text *text)
{
    int inside = indent < 0 ? indent : indent + 4;
    nas_text_add(text, "{");
    for (int i = 0; i < group->item_count; i++) {
        new_line(inside, text);
        nas_text_format(text, "%s = ", group->items[i].name);
        nas_value_write(&group->items[i], inside, text);
        nas_text_add(text, ";");
    }
    new_line(indent, text);
    nas_text_add(text, "}");
}

void nas_value_write(const nas_value *value, int indent, nas_text *text)
{
    switch (value->type) {
    case NAS_VALUE_NONE:
        nas_text_add(text, "\"\"");
        break;
    case NAS_VALUE_BOOL:
        nas_text_add(text, value->boolean ? "true" : "false");
        break;
    case NAS_VALUE_INT: /* libconfig wants an L behind what needs more than 32 bits */
        nas_text_format(text, "%" PRId64 "%s", value->integer,
                        value->integer == (int32_t)value->integer ? "" : "L");
        break;
    case NAS_VALUE_REAL:
        nas__real_write(value->real, text);
        break;
    case NAS_VALUE_TEXT:
        nas__text_write(value->text ? value->text : "", text);
        break;
    case NAS_VALUE_LIST:
        write_list(value, indent, text);
        break;
    case NAS_VALUE_GROUP:
        write_group(value, indent, text);
        break;
    }
}
