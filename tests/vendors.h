/* vendors.h - a vendors' folder of a test's own, with drivers by the names that the test wants. */
#ifndef NAS_TEST_VENDORS_H
#define NAS_TEST_VENDORS_H

#include "nas_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* folder/name with this text in it. */
static inline void vendors_write(const char *folder, const char *name, const char *text)
{
    char path[512];
    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The library that the system's driver `system` ("pocl.icd") names becomes folder/name; false: there is no such driver. */
static inline bool vendors_copy(const char *folder, const char *name, const char *system)
{
    char path[512], library[512] = "";
    snprintf(path, sizeof path, "/etc/OpenCL/vendors/%s", system);
    FILE *file = fopen(path, "r");
    bool there = file && fgets(library, sizeof library, file);
    if (file)
        fclose(file);
    if (there)
        vendors_write(folder, name, library);
    return there;
}

#endif
