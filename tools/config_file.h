/* config_file.h - what a tool is told: files of groups in libconfig's notation, where "#" begins a comment, and the
 * command line that names one. */
#ifndef CLNAS_TOOLS_CONFIG_FILE_H
#define CLNAS_TOOLS_CONFIG_FILE_H

#include <clnas/base.h>

/* The file's text as one group. */
nas_status read_config_file(const char *path, nas_value *root);
/* A group's `type`, or "". */
const char *type_of(const nas_value *group);

/* "--name VALUE": a text, or a whole number within bounds; with equal bounds "--name" alone, a flag that sets the number to them. */
typedef struct tool_option {
    const char *name; /* NULL ends a list */
    const char **text;
    int *number;
    int low, high;
} tool_option;

/* TOOL FILE [--name VALUE]...; false when the line is not like that. */
bool read_command_line(int argc, char **argv, const tool_option *options);

#endif
