/* config_private.h - what the files about configs share inside the room. */
#ifndef NAS_SESSION_CONFIG_PRIVATE_H
#define NAS_SESSION_CONFIG_PRIVATE_H

#include <clnas/session.h>

/* One config text with its includes put in and made safe for libconfig, and where each line came from. */
typedef struct nas_config_text {
    nas_text text;
    struct nas_config_line {
        int file; /* index into files */
        int line; /* 1 … */
    } * lines;    /* of the text's line i (0 …) */
    int line_count, line_capacity;
    char *files[64];
    int file_count;
} nas_config_text;

/* Expands `text`, which came from `file`; folder NULL: @include is refused. */
nas_status nas__config_expand(const char *text, size_t size, const char *file, const char *folder,
                              nas_config_text *expanded);
void nas__config_text_clear(nas_config_text *expanded);
/* Sets "file:line: message" (line counted in the expanded text, 1 …). */
nas_status nas__config_fail(const nas_config_text *expanded, int line, const char *format, ...)
    NAS_PRINTF(3, 4);

/* Rewrites the expanded text's numbers so that libconfig reads them without loss, and refuses what libconfig would clip,
 * or reject in words that help nobody. */
nas_status nas__config_lint(nas_config_text *expanded);

/* Puts "path.to.key=value" into the raw tree. */
nas_status nas__config_override(nas_value *root, const char *assignment);

#endif
