/* bundle.c - one file for a bug report: what this machine, its drivers and its devices are, and what the doctor found.
 *
 * JSON, in sections: machine, environment (settings that drivers and clnas read, paths left out), drivers (what the OpenCL loader
 * finds), devices, findings (the doctor's rows), builds (what compilers said), timings.  Every text goes through
 * private_text.c as it is written, keys aside: no paths, no names of users or hosts; and there are no data in it.
 */
#include "doctor.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

struct cli_bundle {
    json_t *root;
    cli_private names;
};

extern char **environ;

/* ---- the machine ------------------------------------------------------------------------------------ */

static void add_processor(json_t *machine)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        json_object_set_new(machine, "processor", json_string(colon + 1 + (colon[1] == ' ')));
        break;
    }
    if (file)
        fclose(file);
}

static json_t *describe_machine(void)
{
    struct utsname system;
    struct sysinfo info;
    char library[64] = "", version[32];
    int major, minor, patch;
    json_t *machine = json_object();
    nas_version(&major, &minor, &patch);
    snprintf(version, sizeof version, "%d.%d.%d", major, minor, patch);
    json_object_set_new(machine, "clnas", json_string(version));
    json_object_set_new(machine, "compiler", json_string(__VERSION__));
    if (uname(&system) == 0) { /* not its nodename */
        json_object_set_new(machine, "system", json_string(system.sysname));
        json_object_set_new(machine, "kernel", json_string(system.release));
        json_object_set_new(machine, "architecture", json_string(system.machine));
    }
#ifdef _CS_GNU_LIBC_VERSION
    if (confstr(_CS_GNU_LIBC_VERSION, library, sizeof library) > 0)
        json_object_set_new(machine, "c_library", json_string(library));
#endif
    if (sysinfo(&info) == 0)
        json_object_set_new(machine, "memory_bytes",
                            json_integer((json_int_t)info.totalram * info.mem_unit));
    json_object_set_new(machine, "processors", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    add_processor(machine);
    return machine;
}

/* Settings that change what OpenCL drivers do.  A value that may be a path is left out; that it is set is worth knowing. */
static json_t *describe_environment(void)
{
    static const char *const heads[] = {
        "OCL_",     "POCL_",  "RUSTICL_",        "CLNAS_",    "CL_",   "OPENCL_", "MESA_", "LP_",
        "GALLIUM_", "LIBGL_", "CUDA_",           "HSA_",      "ROCR_", "HIP_",    "GPU_",  "INTEL_",
        "NEO",      "OMP_",   "LD_LIBRARY_PATH", "LD_PRELOAD"};
    json_t *environment = json_object();
    for (char **entry = environ; *entry; entry++) {
        const char *value = strchr(*entry, '=');
        char name[128];
        bool wanted = false;
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
            wanted = wanted || strncmp(*entry, heads[i], strlen(heads[i])) == 0;
        if (!value || !wanted)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(value - *entry), *entry);
        const bool plain = strlen(value + 1) <= 64 && !strpbrk(value + 1, "/\\~");
        json_object_set_new(environment, name, json_string(plain ? value + 1 : "(set)"));
    }
    return environment;
}

/* The loader's list: a file for each driver, with the name of its library. */
static json_t *describe_drivers(void)
{
    static const char folder[] = "/etc/OpenCL/vendors";
    json_t *drivers = json_object();
    DIR *list = opendir(folder);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        char path[512], line[256] = "";
        const char *ending = strrchr(entry->d_name, '.');
        if (!ending || strcmp(ending, ".icd") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file || !fgets(line, sizeof line, file))
            line[0] = '\0';
        if (file)
            fclose(file);
        line[strcspn(line, "\r\n")] = '\0';
        const char *last = strrchr(line, '/');
        json_object_set_new(drivers, entry->d_name, json_string(last ? last + 1 : line));
    }
    if (list)
        closedir(list);
    return drivers;
}

/* ---- gathering ---------------------------------------------------------------------------------------- */

cli_bundle *cli_bundle_create(void)
{
    cli_bundle *bundle = calloc(1, sizeof *bundle);
    if (!bundle)
        return NULL;
    cli_private_find(&bundle->names);
    bundle->root = json_object();
    json_object_set_new(bundle->root, "schema_version", json_integer(1));
    json_object_set_new(bundle->root, "machine", describe_machine());
    json_object_set_new(bundle->root, "environment", describe_environment());
    json_object_set_new(bundle->root, "drivers", describe_drivers());
    json_object_set_new(bundle->root, "devices", json_array());
    json_object_set_new(bundle->root, "builds", json_array());
    json_object_set_new(bundle->root, "timings", json_array());
    return bundle;
}

void cli_bundle_destroy(cli_bundle *bundle)
{
    if (!bundle)
        return;
    json_decref(bundle->root);
    cli_private_clear(&bundle->names);
    free(bundle);
}

void cli_bundle_add(cli_bundle *bundle, const char *section, json_t *item)
{
    json_array_append_new(json_object_get(bundle->root, section), item);
}

/* ---- writing -------------------------------------------------------------------------------------------- */

/* The same with private texts; NULL where memory is short. */
static json_t *private_copy(const cli_private *names, const json_t *from)
{
    if (json_is_object(from)) {
        json_t *object = json_object(), *value;
        const char *key;
        json_object_foreach((json_t *)(uintptr_t)from, key, value)
            json_object_set_new(object, key, private_copy(names, value));
        return object;
    }
    if (json_is_array(from)) {
        json_t *array = json_array();
        for (size_t i = 0; i < json_array_size(from); i++)
            json_array_append_new(array, private_copy(names, json_array_get(from, i)));
        return array;
    }
    if (!json_is_string(from))
        return json_deep_copy(from);
    char *text = cli_private_text(names, json_string_value(from));
    json_t *made = text ? json_string(text) : NULL;
    free(text);
    return made ? made : json_null();
}

nas_status cli_bundle_write(cli_bundle *bundle, const cli_listing *findings, const char *path)
{
    json_t *rows = json_array();
    for (int i = 0; i < findings->row_count; i++)
        json_array_append_new(rows, cli_listing_json(findings, i));
    json_object_set_new(bundle->root, "findings", rows);
    json_t *made = private_copy(&bundle->names, bundle->root);
    char *text = json_dumps(made, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(made);
    if (!text)
        NAS_FAIL(NAS_MEMORY, "no memory for the bundle %s", path);
    nas_status status = nas_file_replace(path, text, strlen(text));
    free(text);
    return status;
}
