/* config_file.h - what a tool is told: files of groups in libconfig's notation, where "#" begins a comment. */
#ifndef CLNAS_TOOLS_CONFIG_FILE_H
#define CLNAS_TOOLS_CONFIG_FILE_H

#include <clnas/base.h>

/* The file's text as one group. */
nas_status read_config_file(const char *path, nas_value *root);
/* A group's `type`, or "". */
const char *type_of(const nas_value *group);

#endif
