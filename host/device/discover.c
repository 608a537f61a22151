/* discover.c - every OpenCL device of every platform.
 *
 * Drivers are not to be trusted here: some report more platforms than the count asked for, some
 * have none of the devices they name, some fail single queries. So arrays are larger than asked
 * for, every query may fail and leaves its field at zero, and nothing but running out of memory is
 * an error. What is wrong with a device is said in `why_not`. A query that failed is no answer,
 * though: a device that does not say what decides about its use and its kernels is not used, for
 * with another width or type it would compute other bits than yesterday.
 */
#include "opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE_ENTRIES = 16, NAME_LIMIT = 4096 };

/* Texts end in a NUL whatever the driver does, and blanks around them go. */
static void tidy(const char *raw, char *text, size_t size)
{
    while (*raw == ' ')
        raw++;
    size_t length = strlen(raw);
    while (length > 0 && (raw[length - 1] == ' ' || raw[length - 1] == '\n'))
        length--;
    if (length >= size)
        length = size - 1;
    memcpy(text, raw, length);
    text[length] = '\0';
}

/* A device that is being asked, and the first code with which it did not answer what must be known. */
typedef struct asked {
    cl_device_id id;
    cl_int code;
} asked;

/* Whether it can be used, and which kernels it runs. */
static bool must_be_known(cl_device_info what)
{
    static const cl_device_info needed[] = {
        CL_DEVICE_TYPE,
        CL_DEVICE_VERSION,
        CL_DEVICE_AVAILABLE,
        CL_DEVICE_COMPILER_AVAILABLE,
        CL_DEVICE_ENDIAN_LITTLE,
        CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT,
        CL_DEVICE_GLOBAL_MEM_SIZE,
        CL_DEVICE_MAX_MEM_ALLOC_SIZE,
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (needed[i] == what)
            return true;
    return false;
}

static bool ask(asked *device, cl_device_info what, size_t size, void *value, size_t *length)
{
    const cl_int code = clGetDeviceInfo(device->id, what, size, value, length);
    if (code != CL_SUCCESS && device->code == CL_SUCCESS && must_be_known(what))
        device->code = code;
    return code == CL_SUCCESS;
}

static void device_text(asked *device, cl_device_info what, char *text, size_t size)
{
    char raw[NAME_LIMIT] = "";
    size_t length = 0;
    if (ask(device, what, sizeof raw - 1, raw, &length))
        tidy(raw, text, size);
}

static void platform_text(cl_platform_id platform, cl_platform_info what, char *text, size_t size)
{
    char raw[NAME_LIMIT] = "";
    size_t length = 0;
    if (clGetPlatformInfo(platform, what, sizeof raw - 1, raw, &length) == CL_SUCCESS)
        tidy(raw, text, size);
}

/* A number of 4 or 8 bytes (cl_bool, cl_uint, cl_ulong, size_t); 0 where the query fails. */
static uint64_t device_number(asked *device, cl_device_info what)
{
    unsigned char raw[64] = {0};
    size_t length = 0;
    if (!ask(device, what, sizeof raw, raw, &length))
        return 0;
    uint64_t wide = 0;
    uint32_t narrow = 0;
    memcpy(&wide, raw, sizeof wide);
    memcpy(&narrow, raw, sizeof narrow);
    return length == sizeof wide ? wide : length == sizeof narrow ? narrow : 0;
}

static void read_texts(cl_platform_id platform, asked *device, nas_device_info *info)
{
    const struct {
        cl_device_info what;
        char *text;
        size_t size;
    } rows[] = {
        {CL_DEVICE_NAME, info->name, sizeof info->name},
        {CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor},
        {CL_DEVICE_VERSION, info->version, sizeof info->version},
        {CL_DRIVER_VERSION, info->driver, sizeof info->driver},
        {CL_DEVICE_OPENCL_C_VERSION, info->c_version, sizeof info->c_version},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        device_text(device, rows[i].what, rows[i].text, rows[i].size);
    platform_text(platform, CL_PLATFORM_NAME, info->platform_name, sizeof info->platform_name);
    platform_text(platform, CL_PLATFORM_VERSION, info->platform_version,
                  sizeof info->platform_version);
}

static void read_numbers(asked *device, nas_device_info *info)
{
    const struct {
        cl_device_info what;
        unsigned *narrow;
        uint64_t *wide;
    } rows[] = {
        {CL_DEVICE_MAX_COMPUTE_UNITS, &info->compute_units, NULL},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, &info->clock_mhz, NULL},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &info->native_float_lanes, NULL},
        {CL_DEVICE_GLOBAL_MEM_SIZE, NULL, &info->memory_bytes},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, NULL, &info->allocation_bytes},
        {CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, NULL, &info->cache_bytes},
        {CL_DEVICE_LOCAL_MEM_SIZE, NULL, &info->local_bytes},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, NULL, &info->group_items},
        {CL_DEVICE_MEM_BASE_ADDR_ALIGN, &info->alignment_bytes, NULL}, /* in bits */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t number = device_number(device, rows[i].what);
        if (rows[i].wide)
            *rows[i].wide = number;
        else
            *rows[i].narrow = (unsigned)number;
    }
    info->alignment_bytes /= 8;
}

static nas_device_type type_of(asked *device)
{
    uint64_t type = device_number(device, CL_DEVICE_TYPE);
    return type & CL_DEVICE_TYPE_GPU   ? NAS_DEVICE_GPU
           : type & CL_DEVICE_TYPE_CPU ? NAS_DEVICE_CPU
                                       : NAS_DEVICE_OTHER;
}

static void read_extensions(asked *device, nas_device_info *info)
{
    size_t size = 0;
    if (!ask(device, CL_DEVICE_EXTENSIONS, 0, NULL, &size))
        return;
    char *names = calloc(1, size + 1);
    if (names && ask(device, CL_DEVICE_EXTENSIONS, size, names, NULL)) {
        info->fp64 = strstr(names, "cl_khr_fp64") != NULL;
        info->sub_groups = strstr(names, "_subgroups") != NULL;
    }
    free(names);
}

/* Our kernels keep up to 320 KB of private memory per work-item and share work between threads. On a CPU driver whose kernels are
 * threads here, that is cache; a GPU would spill it. llvmpipe calls itself a CPU too, but silently leaves loops after 65,535 rounds
 * per work-item (LP_MAX_TGSI_LOOP_ITERATIONS), so it needs work-items as small as a GPU's. Oclgrind, an interpreter that calls
 * itself a GPU, checks what CPUs run. */
static bool is_on_host(const nas_device_info *info)
{
    if (strstr(info->platform_name, "Oclgrind"))
        return true;
    return info->type == NAS_DEVICE_CPU && !strstr(info->platform_name, "rusticl");
}

/* Why a device cannot be used, by its answers; NULL when it can. */
static const char *fault_of(asked *device, const nas_device_info *info)
{
    int major = 0, minor = 0;
    if (sscanf(info->version, "OpenCL %d.%d", &major, &minor) != 2)
        return "it does not say its OpenCL version";
    if (major * 10 + minor < 12)
        return "it is older than OpenCL 1.2";
    if (!device_number(device, CL_DEVICE_AVAILABLE))
        return "the driver says it is not available";
    if (!device_number(device, CL_DEVICE_COMPILER_AVAILABLE))
        return "its driver has no compiler";
    if (!device_number(device, CL_DEVICE_ENDIAN_LITTLE))
        return "it is big-endian";
    if (info->memory_bytes == 0 || info->allocation_bytes == 0)
        return "it reports no memory";
    return NULL;
}

static void judge(asked *device, nas_device_info *info)
{
    const char *fault = fault_of(device, info);
    info->usable = fault == NULL && device->code == CL_SUCCESS;
    if (device->code != CL_SUCCESS)
        snprintf(info->why_not, sizeof info->why_not, "clGetDeviceInfo failed: %s (%d)",
                 nas_opencl_error_name(device->code), (int)device->code);
    else
        snprintf(info->why_not, sizeof info->why_not, "%s", fault ? fault : "");
}

static void describe(cl_platform_id platform, cl_device_id device, int platform_index, int index,
                     nas_device_info *info)
{
    asked whom = {.id = device};
    memset(info, 0, sizeof *info);
    info->platform = platform_index;
    info->index = index;
    snprintf(info->id, sizeof info->id, "%d:%d", platform_index, index);
    read_texts(platform, &whom, info);
    read_numbers(&whom, info);
    read_extensions(&whom, info);
    info->type = type_of(&whom);
    info->on_host = is_on_host(info);
    judge(&whom, info);
}

/* A list that cannot be had is an empty one, and the log says why; that there is nothing needs no words. */
static bool listed(cl_int code, const char *call)
{
    if (code != CL_SUCCESS && code != CL_DEVICE_NOT_FOUND && code != -1001)
        nas_log(NAS_LOG_WARNING, "%s failed: %s (%d); its devices are left out", call,
                nas_opencl_error_name(code), (int)code);
    return code == CL_SUCCESS;
}

/* The platforms; an empty list where there is no driver (the loader says -1001). */
static cl_platform_id *find_platforms(cl_uint *count)
{
    *count = 0;
    cl_uint reported = 0;
    if (!listed(clGetPlatformIDs(0, NULL, &reported), "clGetPlatformIDs"))
        reported = 0;
    cl_uint room = reported + SPARE_ENTRIES;
    cl_platform_id *platforms = calloc(room, sizeof(cl_platform_id));
    if (platforms && reported > 0 &&
        listed(clGetPlatformIDs(room, platforms, &reported), "clGetPlatformIDs"))
        *count = reported < room ? reported : room;
    return platforms;
}

static cl_device_id *find_devices(cl_platform_id platform, cl_uint *count)
{
    static const char call[] = "clGetDeviceIDs";
    *count = 0;
    cl_uint reported = 0;
    if (!listed(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &reported), call))
        reported = 0;
    cl_uint room = reported + SPARE_ENTRIES;
    cl_device_id *devices = calloc(room, sizeof(cl_device_id));
    if (devices && reported > 0 &&
        listed(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, room, devices, &reported), call))
        *count = reported < room ? reported : room;
    return devices;
}

/* Appends the devices of one platform to the growing lists. */
static nas_status add_platform(cl_platform_id platform, int platform_index,
                               nas_device_info **devices, nas__device_ids **ids, int *count)
{
    cl_uint found = 0;
    cl_device_id *list = find_devices(platform, &found);
    nas_device_info *more = realloc(*devices, (size_t)(*count + (int)found + 1) * sizeof **devices);
    if (more)
        *devices = more;
    nas__device_ids *more_ids = realloc(*ids, (size_t)(*count + (int)found + 1) * sizeof **ids);
    if (more_ids)
        *ids = more_ids;
    if (!list || !more || !more_ids) {
        free(list);
        NAS_FAIL(NAS_MEMORY, "out of memory listing OpenCL devices");
    }
    for (cl_uint i = 0; i < found; i++) {
        describe(platform, list[i], platform_index, (int)i, &(*devices)[*count]);
        (*ids)[*count] = (nas__device_ids){platform, list[i]};
        (*count)++;
    }
    free(list);
    return NAS_OK;
}

nas_status nas__devices_find(nas_device_info **devices, nas__device_ids **ids, int *count)
{
    nas_status status = NAS_OK;
    nas_device_info *list = NULL;
    nas__device_ids *list_ids = NULL;
    int found = 0;
    cl_uint platform_count = 0;
    cl_platform_id *platforms = find_platforms(&platform_count);
    if (!platforms)
        NAS_FAIL(NAS_MEMORY, "out of memory listing OpenCL platforms");
    for (cl_uint i = 0; i < platform_count; i++)
        NAS_TRY_DONE(add_platform(platforms[i], (int)i, &list, &list_ids, &found));
    *devices = list;
    *ids = list_ids;
    *count = found;
done:
    free(platforms);
    if (status != NAS_OK) {
        free(list);
        free(list_ids);
    }
    return status;
}

nas_status nas_devices_list(nas_device_info **devices, int *count)
{
    nas__device_ids *ids = NULL;
    NAS_TRY(nas__devices_find(devices, &ids, count));
    free(ids);
    return NAS_OK;
}

static cl_device_id root_of(cl_device_id id)
{
    cl_device_id parent = NULL;
    while (clGetDeviceInfo(id, CL_DEVICE_PARENT_DEVICE, sizeof parent, &parent, NULL) ==
               CL_SUCCESS &&
           parent)
        id = parent;
    return id;
}

nas_status nas__device_look(cl_device_id id, nas_device_info *info, cl_platform_id *platform)
{
    nas_device_info *devices = NULL;
    nas__device_ids *ids = NULL;
    int count = 0, at = 0;
    const cl_device_id root = root_of(id);
    NAS_TRY(nas__devices_find(&devices, &ids, &count));
    while (at < count && ids[at].device != root)
        at++;
    if (at < count) {
        *platform = ids[at].platform;
        describe(*platform, id, devices[at].platform, devices[at].index, info);
    }
    free(devices);
    free(ids);
    if (at == count)
        NAS_FAIL(NAS_NO_DEVICE, "the device is on no platform that the OpenCL loader has");
    return NAS_OK;
}
