/* config_file.c - see config_file.h. */
#include "config_file.h"

#include <stdlib.h>
#include <string.h>

const char *type_of(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    return type && type->type == NAS_VALUE_TEXT ? type->text : "";
}

/* Comments become blanks, so that lines and columns stay where they are. */
static void blank_comments(char *text)
{
    bool quoted = false, comment = false;
    for (char *at = text; *at; at++) {
        if (quoted && *at == '\\' && at[1]) /* \" ends no text */
            at++;
        else
            quoted ^= *at == '"' && !comment;
        comment = (comment || (*at == '#' && !quoted)) && *at != '\n';
        if (comment)
            *at = ' ';
    }
}

nas_status read_config_file(const char *path, nas_value *root)
{
    void *data;
    size_t size;
    nas_text text = {0};
    NAS_TRY(nas_file_read(path, 1 << 20, &data, &size));
    blank_comments(data);
    nas_text_add(&text, "{");
    nas_text_add(&text, data);
    nas_text_add(&text, "\n}");
    free(data);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_value_parse(text.data, path, 1, root);
    nas_text_clear(&text);
    return status;
}
