/* drivers.c - which OpenCL drivers this machine has, and a process that sees one of them alone.
 *
 * The loader (ocl-icd, Khronos') opens every library that a file NAME.icd in the vendors' folder names, all into one
 * address space: two LLVMs, two sets of exit handlers, two thread pools.  Some pairs crash each other (PoCL and rusticl do), so a
 * process that works says first which file it wants, and the loader opens no other.  Only the loader's own variable is
 * set for that: OCL_ICD_VENDORS may name a folder or, as here, one file.  Nothing in this file calls OpenCL. */
#include <clnas/device.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usual_folder[] = "/etc/OpenCL/vendors";

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* What the loader was told: a folder; or one driver only (`*alone`, then it is no folder). */
static const char *vendors(bool *alone)
{
    const char *told = getenv("OCL_ICD_VENDORS");
    if (!told || !*told)
        told = getenv("OPENCL_VENDOR_PATH");
    bool any = told && *told;
    *alone = any && !is_folder(told);
    return any ? told : usual_folder;
}

static bool is_driver(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && length < NAS_DRIVER_SIZE && name[0] != '.' &&
           strcmp(name + length - 4, ".icd") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

void nas_drivers_find(nas_drivers *drivers)
{
    bool alone;
    const char *folder = vendors(&alone);
    DIR *open = alone ? NULL : opendir(folder);
    const struct dirent *entry;
    drivers->count = 0;
    while (open && (entry = readdir(open)) && drivers->count < NAS_DRIVERS)
        if (is_driver(entry->d_name))
            snprintf(drivers->name[drivers->count++], NAS_DRIVER_SIZE, "%s", entry->d_name);
    if (open)
        closedir(open);
    qsort(drivers->name, (size_t)drivers->count, sizeof drivers->name[0], by_name);
}

static nas_status no_driver(const char *driver, const char *folder)
{
    nas_drivers drivers;
    nas_text text = {0};
    nas_drivers_find(&drivers);
    for (int i = 0; i < drivers.count; i++)
        nas_text_format(&text, "%s%s", i ? ", " : "", drivers.name[i]);
    nas_status status =
        nas_error_set(NAS_NO_DEVICE, __FILE__, __LINE__, "there is no driver %s in %s; it has: %s",
                      driver, folder, text.data ? text.data : "none");
    nas_text_clear(&text);
    return status;
}

/* The last part of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *nas_driver_alone(void)
{
    bool alone;
    const char *told = vendors(&alone);
    return alone ? base_name(told) : "";
}

nas_status nas_driver_use(const char *driver)
{
    char path[NAS_DRIVER_SIZE + 1024];
    bool alone;
    const char *folder = vendors(&alone);
    if (!driver || !*driver)
        return NAS_OK;
    if (strchr(driver, '/') || !is_driver(driver))
        NAS_FAIL(NAS_CONFIG, "\"%s\" is no driver: the name of a file in %s is wanted (pocl.icd)",
                 driver, usual_folder);
    if (alone && strcmp(base_name(folder), driver) == 0)
        return NAS_OK;
    if (alone)
        NAS_FAIL(NAS_NO_DEVICE, "driver %s is wanted, but OCL_ICD_VENDORS=%s lets no other be seen",
                 driver, folder);
    int length = snprintf(path, sizeof path, "%s/%s", folder, driver);
    if (length < 0 || length >= (int)sizeof path || access(path, R_OK) != 0)
        return no_driver(driver, folder);
    if (setenv("OCL_ICD_VENDORS", path, 1) != 0)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    return NAS_OK;
}
