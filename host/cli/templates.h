/* templates.h - the example configs of configs/ and the page that is clnas-study(5), embedded by host/cli/CMakeLists.txt. */
#ifndef CLNAS_CLI_TEMPLATES_H
#define CLNAS_CLI_TEMPLATES_H

#include <stddef.h>

typedef struct cli_template {
    const char *name;         /* "quickstart": configs/quickstart.cfg */
    const char *const *lines; /* ends with NULL */
} cli_template;

/* Ends with a NULL name. */
extern const cli_template cli_templates[];
/* docs/study-schema.md, line by line; ends with NULL. */
extern const char *const *const cli_study_schema;

#endif
