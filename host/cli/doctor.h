/* doctor.h - what the files behind `clnas doctor` share.  Private to host/cli. */
#ifndef CLNAS_CLI_DOCTOR_H
#define CLNAS_CLI_DOCTOR_H

#include "cli.h"

/* ---- in the child: doctor_device.c, doctor_timings.c ------------------------------------------------ */

/* Proves every op on one device; a line of JSON each on stdout.  bundle: with build logs and timings. */
nas_status cli_doctor_device(const char *match, bool quick, bool bundle);
/* Adds the device's speeds to an object; the keys have the units. */
nas_status cli_doctor_timings(nas_device *device, json_t *timings);

/* ---- the file for a bug report: bundle.c, private_text.c -------------------------------------------- */

typedef struct cli_bundle cli_bundle;

/* The machine, the drivers and the environment are looked at here.  NULL: no memory. */
cli_bundle *cli_bundle_create(void);
void cli_bundle_destroy(cli_bundle *bundle);
/* Appends to the list `section` ("devices", "builds", "timings"); takes the reference. */
void cli_bundle_add(cli_bundle *bundle, const char *section, json_t *item);
/* With the findings, every text made private, replaced as one. */
nas_status cli_bundle_write(cli_bundle *bundle, const cli_listing *findings, const char *path);

/* Names that no report should carry: of the user, the host, folders of this process. */
typedef struct cli_private {
    int count;
    char *item[32]; /* owned, longest first */
} cli_private;

void cli_private_find(cli_private *names);
void cli_private_clear(cli_private *names);
/* A new text without paths and without these names; free() it.  NULL: no memory. */
char *cli_private_text(const cli_private *names, const char *text);

#endif
