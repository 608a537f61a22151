/* command_doctor.c - what works on this machine, what does not, and what to do about it.
 *
 * Findings are rows: a device or "machine", a check, ok | warning | failed, a sentence, and a fix where there is one.
 * This process never touches OpenCL.  Listing the devices and proving each of them happens in child
 * processes (child.c, doctor_device.c), so a driver that crashes or hangs costs its own lines only.
 */
#include "doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

typedef struct options {
    cli_list devices;
    bool quick;
    const char *prove;
    const char *bundle;
    bool for_bundle;
    double limit_s;
    int format;
} options;

static const cli_option rows[] = {
    {"device", 'd', CLI_LIST, offsetof(options, devices), "ID", NULL, 0, 0, NULL,
     "Only this device, by its id (see clnas devices)"},
    {"quick", 0, CLI_FLAG, offsetof(options, quick), NULL, NULL, 0, 0, NULL,
     "One sample case per operator instead of all"},
    {"limit", 0, CLI_REAL, offsetof(options, limit_s), "SECONDS", "600", 1, 1e6, NULL,
     "Give up on a device after so long"},
    {"bundle", 0, CLI_TEXT, offsetof(options, bundle), "FILE", NULL, 0, 0, NULL,
     "Write all that a bug report needs to this file: no paths, no names, no data"},
    CLI_FORMAT_OPTION(options),
    {"prove", 0, CLI_TEXT, offsetof(options, prove), "ID", NULL, 0, 0, NULL, NULL},
    {"for-bundle", 0, CLI_FLAG, offsetof(options, for_bundle), NULL, NULL, 0, 0, NULL, NULL},
    {.name = NULL},
};

enum { DEVICE_LIMIT = 64 };

/* What the run gathers. */
typedef struct examination {
    cli_listing listing;
    cli_bundle *bundle; /* NULL: none is wanted */
    nas_device_info devices[DEVICE_LIMIT];
    int device_count;
    const char *device; /* being proved: "0:0" */
    char starting[80];  /* the check it is at */
    int failed, warned, proved;
} examination;

/* ---- findings --------------------------------------------------------------------------------------- */

static void add_finding(examination *at, const char *device, const char *check, const char *status,
                        const char *detail, const char *fix)
{
    cli_listing_row(&at->listing);
    cli_listing_text(&at->listing, "device", device);
    cli_listing_text(&at->listing, "check", check);
    cli_listing_text(&at->listing, "status", status);
    cli_listing_text(&at->listing, "detail", detail);
    if (fix)
        cli_listing_text(&at->listing, "fix", fix);
    at->failed += strcmp(status, "failed") == 0;
    at->warned += strcmp(status, "warning") == 0;
}

static void add_columns(cli_listing *listing)
{
    static const char *const shown[] = {"device", "check", "status", "detail", "fix"};
    static const char *const rest[] = {"error", "tolerance", "bits", "seconds"};
    listing->name = "findings";
    listing->wrap = true;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        cli_listing_column(listing, shown[i], true);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        cli_listing_column(listing, rest[i], false);
}

static void tell(const char *format, ...) NAS_PRINTF(1, 2);
static void tell(const char *format, ...)
{
    char line[256];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (!cli_quiet())
        cli_progress_draw(line);
}

/* ---- the machine --------------------------------------------------------------------------------------- */

static void check_version(examination *at)
{
    int major, minor, patch;
    char detail[64];
    nas_version(&major, &minor, &patch);
    snprintf(detail, sizeof detail, "clnas %d.%d.%d", major, minor, patch);
    add_finding(at, "machine", "version", "ok", detail, NULL);
}

static void check_memory(examination *at)
{
    struct sysinfo info;
    char total[32], free_text[32], detail[96];
    if (sysinfo(&info) != 0)
        return;
    cli_bytes_text((uint64_t)info.totalram * info.mem_unit, total, sizeof total);
    cli_bytes_text(((uint64_t)info.freeram + info.bufferram) * info.mem_unit, free_text,
                   sizeof free_text);
    snprintf(detail, sizeof detail, "%s, %s of it unused", total, free_text);
    bool small = (uint64_t)info.totalram * info.mem_unit < (uint64_t)1 << 30;
    add_finding(at, "machine", "memory", small ? "warning" : "ok", detail,
                small ? "use a small train.batch" : NULL);
}

/* Makes the folder and a file in it, as the kernel cache will. */
static void check_cache(examination *at)
{
    char folder[NAS_PATH_SIZE], path[NAS_PATH_SIZE + 32], detail[NAS_PATH_SIZE + 128];
    FILE *file = NULL;
    if (nas_cache_folder(folder, sizeof folder) != NAS_OK ||
        nas_folder_make(folder, 0700) != NAS_OK) {
        add_finding(
            at, "machine", "kernel cache", "warning", nas_error_message(),
            "set CLNAS_CACHE to a folder that can be written; without one every run compiles anew");
        return;
    }
    snprintf(path, sizeof path, "%s/doctor-%ld", folder, (long)getpid());
    file = fopen(path, "w");
    if (!file) {
        snprintf(detail, sizeof detail, "%s: %s", folder, strerror(errno));
        add_finding(
            at, "machine", "kernel cache", "warning", detail,
            "set CLNAS_CACHE to a folder that can be written; without one every run compiles anew");
        return;
    }
    fclose(file);
    unlink(path);
    add_finding(at, "machine", "kernel cache", "ok", folder, NULL);
}

static void check_data(examination *at)
{
    static const char folder[] = "/usr/share/datasets/fashion-mnist";
    static const char *const files[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    char path[256], detail[320];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (access(path, R_OK) == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s.gz", folder, files[i]);
        if (access(path, R_OK) == 0)
            continue;
        snprintf(detail, sizeof detail, "Fashion-MNIST is not there: %s", path);
        add_finding(at, "machine", "quick start data", "warning", detail,
                    "sudo apt install dataset-fashion-mnist");
        return;
    }
    add_finding(at, "machine", "quick start data", "ok", folder, NULL);
}

/* ---- devices ---------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* A line of `devices --format jsonl`. */
static void take_device(void *user, const char *line)
{
    examination *at = user;
    json_t *object = json_loads(line, 0, NULL);
    if (object && at->device_count < DEVICE_LIMIT) {
        nas_device_info *device = &at->devices[at->device_count++];
        snprintf(device->id, sizeof device->id, "%s", text_of(object, "id"));
        snprintf(device->name, sizeof device->name, "%s", text_of(object, "name"));
        snprintf(device->vendor, sizeof device->vendor, "%s", text_of(object, "vendor"));
        snprintf(device->version, sizeof device->version, "%s", text_of(object, "version"));
        snprintf(device->driver, sizeof device->driver, "%s", text_of(object, "driver"));
        snprintf(device->why_not, sizeof device->why_not, "%s", text_of(object, "why_not"));
        snprintf(device->platform_name, sizeof device->platform_name, "%s",
                 text_of(object, "platform"));
        device->usable = json_is_true(json_object_get(object, "usable"));
        device->memory_bytes =
            (uint64_t)json_integer_value(json_object_get(object, "memory_bytes"));
        device->type = strcmp(text_of(object, "type"), "gpu") == 0   ? NAS_DEVICE_GPU
                       : strcmp(text_of(object, "type"), "cpu") == 0 ? NAS_DEVICE_CPU
                                                                     : NAS_DEVICE_OTHER;
        if (at->bundle)
            cli_bundle_add(at->bundle, "devices", json_incref(object));
    }
    json_decref(object);
}

/* "crashed by SIGSEGV", "hung" … */
static void end_text(const cli_child_end *end, double limit_s, char *text, size_t size)
{
    if (end->timed_out)
        snprintf(text, size, "the driver did not answer within %.0f s", limit_s);
    else if (end->signal)
        snprintf(text, size, "the driver crashed: %s", strsignal(end->signal));
    else
        snprintf(text, size, "the driver left with exit code %d", end->exit_code);
}

static nas_status list_devices(examination *at, double limit_s)
{
    static const char *const arguments[] = {"devices", "--format", "jsonl", "--quiet", NULL};
    cli_child_end end;
    char detail[256];
    tell("looking for devices");
    NAS_TRY(cli_child_run(arguments, limit_s, take_device, at, &end));
    if (!end.timed_out && end.signal == 0)
        return NAS_OK;
    end_text(&end, limit_s, detail, sizeof detail);
    add_finding(at, "machine", "drivers", "failed", detail,
                "one of the drivers in /etc/OpenCL/vendors is broken; name one at a time in "
                "OCL_ICD_VENDORS to find it");
    return NAS_OK;
}

/* What only a bundle has: a build log, the timings. */
static bool take_for_bundle(examination *at, const json_t *object, const char *key,
                            const char *section)
{
    json_t *item = json_object_get(object, key);
    if (!item || !at->bundle)
        return false;
    json_object_set_new(item, "device", json_string(at->device));
    cli_bundle_add(at->bundle, section, json_incref(item));
    at->starting[0] = '\0';
    return true;
}

/* A line of `doctor --prove`. */
static void take_result(void *user, const char *line)
{
    examination *at = user;
    json_t *object = json_loads(line, 0, NULL);
    const char *starting = json_string_value(json_object_get(object, "starting"));
    if (take_for_bundle(at, object, "build", "builds") ||
        take_for_bundle(at, object, "timing", "timings")) {
        json_decref(object);
        return;
    }
    if (starting) {
        snprintf(at->starting, sizeof at->starting, "%s", starting);
        tell("device %s: %s", at->device, starting);
    } else if (object) {
        static const char *const numbers[] = {"error", "tolerance", "seconds"};
        add_finding(at, at->device, text_of(object, "check"), text_of(object, "status"),
                    text_of(object, "detail"), NULL);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            const json_t *number = json_object_get(object, numbers[i]);
            if (number)
                cli_listing_real(&at->listing, numbers[i], json_number_value(number), NULL);
        }
        if (*text_of(object, "bits"))
            cli_listing_text(&at->listing, "bits", text_of(object, "bits"));
        at->starting[0] = '\0';
    }
    json_decref(object);
}

static bool is_wanted(const options *given, const char *id)
{
    for (int i = 0; i < given->devices.count; i++)
        if (strcmp(given->devices.item[i], id) == 0)
            return true;
    return given->devices.count == 0;
}

static nas_status prove_device(examination *at, const options *given, const nas_device_info *device)
{
    const char *arguments[6] = {"doctor", "--prove", device->id};
    int count = 3;
    cli_child_end end;
    char detail[1024], memory[32];
    if (given->quick)
        arguments[count++] = "--quick";
    if (at->bundle)
        arguments[count++] = "--for-bundle";
    cli_bytes_text(device->memory_bytes, memory, sizeof memory);
    snprintf(detail, sizeof detail, "%s, %s, driver %s, %s", device->name, device->version,
             device->driver, memory);
    add_finding(at, device->id, "device", "ok", detail, NULL);
    at->device = device->id;
    at->starting[0] = '\0';
    NAS_TRY(cli_child_run(arguments, given->limit_s, take_result, at, &end));
    if (end.exit_code == 0) {
        at->proved++;
        return NAS_OK;
    }
    end_text(&end, given->limit_s, detail, sizeof detail);
    add_finding(at, device->id, *at->starting ? at->starting : "driver", "failed", detail,
                "update or replace this driver; leave the device out with --device");
    return NAS_OK;
}

static void add_hints(examination *at)
{
    nas_text hint = {0};
    int usable = 0;
    for (int i = 0; i < at->device_count; i++)
        usable += at->devices[i].usable;
    cli_driver_hint(at->devices, at->device_count, &hint);
    for (char *line = hint.data; line && *line;) {
        char *stop = strchr(line, '\n'), *colon = strstr(line, ": ");
        if (stop)
            *stop = '\0';
        if (colon)
            *colon = '\0';
        add_finding(at, "machine", "drivers", usable ? "warning" : "failed", line,
                    colon ? colon + 2 : NULL);
        line = stop ? stop + 1 : NULL;
    }
    nas_text_clear(&hint);
}

static nas_status examine(examination *at, const options *given)
{
    add_columns(&at->listing);
    check_version(at);
    check_memory(at);
    check_cache(at);
    check_data(at);
    NAS_TRY(list_devices(at, given->limit_s));
    add_hints(at);
    for (int i = 0; i < at->device_count; i++) {
        const nas_device_info *device = &at->devices[i];
        if (!is_wanted(given, device->id))
            continue;
        if (device->usable)
            NAS_TRY(prove_device(at, given, device));
        else
            add_finding(at, device->id, "device", "warning", device->why_not, NULL);
    }
    cli_progress_hide();
    return NAS_OK;
}

static nas_status verdict(const examination *at)
{
    for (int i = 0; i < at->device_count; i++) {
        if (!at->devices[i].usable)
            continue;
        if (at->failed)
            NAS_FAIL(NAS_DEVICE, "%d check%s failed", at->failed, at->failed == 1 ? "" : "s");
        if (!at->proved)
            NAS_FAIL(NAS_CONFIG, "none of the devices has the id that --device names");
        return NAS_OK;
    }
    NAS_FAIL(NAS_NO_DEVICE, "no OpenCL device is usable; the lines above name the fix");
}

static nas_status write_bundle(examination *at, const char *path)
{
    NAS_TRY(cli_bundle_write(at->bundle, &at->listing, path));
    if (!cli_quiet())
        cli_note("%s has what a bug report needs; read it before you send it", path);
    return NAS_OK;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    nas_status status;
    if (given->prove)
        return cli_doctor_device(given->prove, given->quick, given->for_bundle);
    examination *at = calloc(1, sizeof *at);
    if (!at)
        NAS_FAIL(NAS_MEMORY, "no memory for the findings");
    if (given->bundle && !(at->bundle = cli_bundle_create())) {
        free(at);
        NAS_FAIL(NAS_MEMORY, "no memory for a bundle");
    }
    NAS_TRY_DONE(examine(at, given));
    if (at->bundle)
        NAS_TRY_DONE(write_bundle(at, given->bundle));
    NAS_TRY_DONE(cli_listing_print(&at->listing, given->format, stdout));
    status = verdict(at);
done:
    cli_listing_clear(&at->listing);
    cli_bundle_destroy(at->bundle);
    free(at);
    return status;
}

const cli_command cli_command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Prove every operator on every device, and name what is missing",
    .examples = "  clnas doctor\n"
                "  clnas doctor --quick --device 0:0\n"
                "  clnas doctor --format json\n"
                "  clnas doctor --quick --bundle report.json\n",
    .details =
        "Exit code 0: everything works.  3: no device is usable.  4: a device fails a check.\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
