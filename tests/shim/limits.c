/* limits.c - what a device pretends to be: names, sizes, what it lacks (NAS_SHIM_DEVICE, NAS_SHIM_HIDE; shim.h).
 *
 * Devices are numbered as they are listed; parts of a device (sub-devices) are what the whole is. */
#include "layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MOST = 256, GROUPS = 16 };

static shim_limits common, own[GROUPS];
static bool has_own[GROUPS];
static const char *hidden = "";
static struct {
    cl_device_id device;
    int index;
} seen[DEVICES_MOST];
static int seen_count, listed;

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_pair(const char *key, const char *value, shim_limits *limits)
{
    const struct {
        const char *key;
        char *text;
        unsigned long long *number;
        bool *lacks;
    } rows[] = {
        {"name", limits->name, NULL, NULL},
        {"vendor", limits->vendor, NULL, NULL},
        {"driver", limits->driver, NULL, NULL},
        {"version", limits->version, NULL, NULL},
        {"group", NULL, &limits->group, NULL},
        {"items", NULL, &limits->items, NULL},
        {"local", NULL, &limits->local, NULL},
        {"allocation", NULL, &limits->allocation, NULL},
        {"memory", NULL, &limits->memory, NULL},
        {"fp64", NULL, NULL, &limits->no_fp64},
        {"compiler", NULL, NULL, &limits->no_compiler},
        {"available", NULL, NULL, &limits->not_available},
    };
    if (strcmp(key, "slow") == 0)
        return (limits->slow = strtod(value, NULL)) >= 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        if (rows[i].text)
            snprintf(rows[i].text, sizeof limits->name, "%s", value);
        else if (rows[i].number)
            *rows[i].number = strtoull(value, NULL, 10);
        else
            *rows[i].lacks = strcmp(value, "no") == 0;
        return true;
    }
    return false;
}

/* Over what is in *limits. */
static bool read_limits(const char *text, shim_limits *limits)
{
    char copy[2048], *rest = NULL;
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    for (char *pair = strtok_r(copy, ";|", &rest); pair; pair = strtok_r(NULL, ";|", &rest)) {
        char *value = strchr(pair, '=');
        if (!value)
            return false;
        *value++ = '\0';
        pair += strspn(pair, " ");
        if (!read_pair(pair, value, limits))
            return false;
    }
    return true;
}

SHIM_API int nas_shim_fake(const char *device)
{
    common = (shim_limits){0};
    return read_limits(device, &common) ? 0 : -1;
}

SHIM_API int nas_shim_hide(const char *what)
{
    hidden = strcmp(what, "devices") == 0 ? "devices" : *what ? "platforms" : "";
    return 0;
}

void shim_limits_from_environment(void)
{
    const char *text = getenv("NAS_SHIM_DEVICE"), *hide = getenv("NAS_SHIM_HIDE");
    bool good = !text || nas_shim_fake(text) == 0;
    for (int i = 0; i < GROUPS; i++) {
        char name[32];
        snprintf(name, sizeof name, "NAS_SHIM_DEVICE_%d", i);
        own[i] = common;
        has_own[i] = (text = getenv(name)) != NULL;
        good = good && (!text || read_limits(text, &own[i]));
    }
    nas_shim_hide(hide ? hide : "");
    if (!good) {
        fprintf(stderr, "shim: NAS_SHIM_DEVICE is no list of KEY=VALUE; see shim.h\n");
        abort();
    }
}

/* ---- devices ----------------------------------------------------------------------------------- */

static int index_of(cl_device_id device)
{
    for (int i = 0; i < seen_count; i++)
        if (seen[i].device == device)
            return seen[i].index;
    return -1;
}

static void remember(cl_device_id device, int index)
{
    for (int i = 0; i < seen_count; i++)
        if (seen[i].device == device) {
            seen[i].index = index; /* a handle may be used again for another one */
            return;
        }
    if (seen_count == DEVICES_MOST)
        seen_count = DEVICES_MOST / 2;
    seen[seen_count].device = device;
    seen[seen_count++].index = index;
}

void shim_devices_seen(const cl_device_id *devices, cl_uint count)
{
    for (cl_uint i = 0; i < count; i++)
        if (index_of(devices[i]) < 0)
            remember(devices[i], listed++);
}

void shim_device_parted(cl_device_id parent, const cl_device_id *parts, cl_uint count)
{
    for (cl_uint i = 0; i < count; i++)
        remember(parts[i], index_of(parent));
}

const shim_limits *shim_limits_of(cl_device_id device)
{
    const int index = index_of(device);
    return index >= 0 && index < GROUPS && has_own[index] ? &own[index] : &common;
}

bool shim_hidden(const char *what)
{
    return strcmp(hidden, what) == 0;
}

/* ---- what it says ------------------------------------------------------------------------------ */

static const char *text_for(const shim_limits *limits, cl_device_info what)
{
    switch (what) {
    case CL_DEVICE_NAME:
        return limits->name;
    case CL_DEVICE_VENDOR:
        return limits->vendor;
    case CL_DRIVER_VERSION:
        return limits->driver;
    case CL_DEVICE_VERSION:
        return limits->version;
    default:
        return "";
    }
}

static void lower(void *value, size_t size, unsigned long long limit)
{
    cl_ulong wide = 0;
    cl_uint narrow = 0;
    if (limit == 0 || (size != sizeof wide && size != sizeof narrow))
        return;
    if (size == sizeof wide) {
        memcpy(&wide, value, sizeof wide);
        wide = wide < limit ? wide : limit;
        memcpy(value, &wide, sizeof wide);
    } else {
        memcpy(&narrow, value, sizeof narrow);
        narrow = narrow < limit ? narrow : (cl_uint)limit;
        memcpy(value, &narrow, sizeof narrow);
    }
}

static void hide_word(char *text, size_t size, const char *word)
{
    for (size_t length = strlen(word); length <= size; size--, text++)
        if (memcmp(text, word, length) == 0)
            memset(text, ' ', length);
}

static void change(const shim_limits *limits, cl_device_info what, void *value, size_t size)
{
    switch (what) {
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        lower(value, size, limits->group);
        break;
    case CL_DEVICE_MAX_WORK_ITEM_SIZES:
        for (size_t at = 0; at + sizeof(size_t) <= size; at += sizeof(size_t))
            lower((char *)value + at, sizeof(size_t), limits->items);
        break;
    case CL_DEVICE_LOCAL_MEM_SIZE:
        lower(value, size, limits->local);
        break;
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        lower(value, size, limits->allocation);
        break;
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        lower(value, size, limits->memory);
        break;
    case CL_DEVICE_EXTENSIONS:
        if (limits->no_fp64)
            hide_word(value, size, "cl_khr_fp64");
        break;
    case CL_DEVICE_DOUBLE_FP_CONFIG:
        if (limits->no_fp64)
            memset(value, 0, size);
        break;
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_LINKER_AVAILABLE:
        if (limits->no_compiler)
            memset(value, 0, size);
        break;
    case CL_DEVICE_AVAILABLE:
        if (limits->not_available)
            memset(value, 0, size);
        break;
    default:
        break;
    }
}

cl_int shim_device_info(cl_device_id device, cl_device_info what, size_t size, void *value,
                        size_t *needed)
{
    const shim_limits *limits = shim_limits_of(device);
    const char *text = text_for(limits, what);
    const size_t length = strlen(text) + 1;
    size_t got = 0;
    if (length > 1) {
        if (value && size < length)
            return CL_INVALID_VALUE;
        if (value)
            memcpy(value, text, length);
        if (needed)
            *needed = length;
        return CL_SUCCESS;
    }
    const cl_int code = shim_next->clGetDeviceInfo(device, what, size, value, &got);
    if (needed && code == CL_SUCCESS)
        *needed = got;
    if (value && code == CL_SUCCESS)
        change(limits, what, value, got);
    return code;
}

cl_int shim_kernel_group_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                              size_t size, void *value, size_t *needed)
{
    const cl_int code =
        shim_next->clGetKernelWorkGroupInfo(kernel, device, what, size, value, needed);
    if (code == CL_SUCCESS && value && what == CL_KERNEL_WORK_GROUP_SIZE)
        lower(value, sizeof(size_t), shim_limits_of(device)->group);
    return code;
}

/* ---- what it refuses --------------------------------------------------------------------------- */

static const shim_limits *limits_of_context(cl_context context)
{
    cl_device_id devices[DEVICES_MOST] = {NULL};
    shim_next->clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof devices, devices, NULL);
    return shim_limits_of(devices[0]);
}

cl_int shim_refuses_buffer(cl_context context, size_t size)
{
    const shim_limits *limits = limits_of_context(context);
    if (limits->allocation && size > limits->allocation)
        return CL_INVALID_BUFFER_SIZE;
    if (limits->memory && shim_memory_sum() + size > limits->memory)
        return CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return CL_SUCCESS;
}

cl_int shim_refuses_launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                           const size_t *local)
{
    cl_device_id device = NULL;
    cl_ulong local_bytes = 0;
    size_t items = 1;
    shim_next->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    const shim_limits *limits = shim_limits_of(device);
    for (cl_uint i = 0; local && i < dimensions; i++) {
        items *= local[i];
        if (limits->items && local[i] > limits->items)
            return CL_INVALID_WORK_ITEM_SIZE;
    }
    if (limits->group && items > limits->group)
        return CL_INVALID_WORK_GROUP_SIZE;
    if (limits->local &&
        shim_next->clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE,
                                            sizeof local_bytes, &local_bytes, NULL) == CL_SUCCESS &&
        local_bytes > limits->local)
        return CL_OUT_OF_RESOURCES;
    return CL_SUCCESS;
}

cl_int shim_refuses_build(cl_program program)
{
    cl_context context = NULL;
    shim_next->clGetProgramInfo(program, CL_PROGRAM_CONTEXT, sizeof context, &context, NULL);
    return limits_of_context(context)->no_compiler ? CL_COMPILER_NOT_AVAILABLE : CL_SUCCESS;
}
