/* device.c - opening a device: context, queues, how many lanes kernels use.
 *
 * An in-order queue is the whole model of execution: work runs in the order in which it was enqueued, and the host waits only
 * where it reads.  (Tapes in shards may use several, queues.c; for everybody else it is one.)  Everything else (programs,
 * buffers, tapes) hangs on the nas_device. */
#include "opencl.h"

#include <stdlib.h>
#include <string.h>

/* Registers of LANES floats. On CPUs the native width: 16 with AVX-512, 8 with AVX2, 4 with SSE and
 * NEON. GPUs report 1 (their compiler fills the lanes with work-items); 4 gives each work-item
 * loads of 16 bytes, the widest a GPU has, while neighbouring work-items stay on neighbouring
 * samples. */
static int choose_lanes(const nas_device_info *info, const nas_device_options *options)
{
    const char *variable = getenv("CLNAS_LANES");
    int wanted = options && options->lanes ? options->lanes : variable ? atoi(variable) : 0;
    if (wanted == 4 || wanted == 8 || wanted == 16)
        return wanted;
    if (info->type == NAS_DEVICE_GPU || info->native_float_lanes < 8)
        return 4;
    return info->native_float_lanes < 16 ? 8 : 16;
}

/* The device's file, where it has one that fits; lanes that somebody asked for go before what was measured. */
static nas_status find_tuning(nas_device *device, const nas_device_options *options)
{
    nas_tuning found = {0};
    nas_tuning_state state;
    char why[256];
    if ((options && options->untuned) || device->lanes_given)
        return NAS_OK;
    NAS_TRY(nas_tuning_load(&device->info, &found, &state, why));
    if (state == NAS_TUNING_STALE || state == NAS_TUNING_BROKEN)
        nas_log(NAS_LOG_WARNING, "device %s runs untuned: %s", device->info.id, why);
    nas_status status = nas_device_set_tuning(device, &found, options && options->inexact);
    nas_tuning_clear(&found);
    return status;
}

const nas_tuning *nas_device_tuning(const nas_device *device)
{
    return &device->tuning;
}

nas_status nas_device_set_tuning(nas_device *device, const nas_tuning *tuning, bool inexact)
{
    nas_tuning taken = {0};
    nas_status status = NAS_OK;
    for (int i = 0; tuning && i < tuning->count && status == NAS_OK; i++)
        if (inexact || !tuning->rows[i].inexact)
            status = nas_tuning_set(&taken, &tuning->rows[i]);
    if (status != NAS_OK) {
        nas_tuning_clear(&taken);
        return status;
    }
    if (tuning)
        memcpy(taken.date, tuning->date, sizeof taken.date);
    nas_tuning_clear(&device->tuning);
    device->tuning = taken;
    return NAS_OK;
}

static nas_status find(const char *match, nas_device *device)
{
    const char *variable = getenv("CLNAS_DEVICE");
    if ((!match || !*match) && variable)
        match = variable;
    nas_device_info *devices = NULL;
    nas__device_ids *ids = NULL;
    int count = 0, chosen = 0;
    NAS_TRY(nas__devices_find(&devices, &ids, &count));
    nas_status status = nas_device_select(devices, count, match, &chosen);
    if (status == NAS_OK) {
        device->info = devices[chosen];
        device->platform = ids[chosen].platform;
        device->id = ids[chosen].device;
    }
    free(devices);
    free(ids);
    return status;
}

static nas_status open_context(nas_device *device)
{
    cl_int code = CL_SUCCESS;
    cl_device_id ids[NAS_DEVICE_IDS];
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                          (cl_context_properties)device->platform, 0};
    const int count = nas__queues_ids(device, ids);
    device->context = clCreateContext(properties, (cl_uint)count, ids, NULL, NULL, &code);
    if (!device->context)
        return nas__opencl_failed(device, code, "clCreateContext", __FILE__, __LINE__);
    return NAS_OK;
}

static void ask_item_limit(nas_device *device)
{
    size_t sizes[16] = {0};
    if (clGetDeviceInfo(device->id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, NULL) !=
        CL_SUCCESS)
        memset(sizes, 0, sizeof sizes);
    for (int i = 0; i < 3; i++)
        device->item_limit[i] = sizes[i] ? sizes[i] : SIZE_MAX;
}

nas_status nas__device_begin(nas_device *device, const nas_device_options *options)
{
    const int lanes = options ? options->lanes : 0;
    if (lanes != 0 && lanes != 4 && lanes != 8 && lanes != 16)
        NAS_FAIL(NAS_CONFIG, "lanes is %d: must be 4, 8 or 16", lanes);
    device->lanes = choose_lanes(&device->info, options);
    device->lanes_given = lanes || getenv("CLNAS_LANES");
    device->use_binaries = !(options && options->no_binary_cache) && nas__binary_wanted(device);
    return NAS_OK;
}

nas_status nas__device_complete(nas_device *device, const nas_device_options *options)
{
    const bool profile = options && options->profile;
    ask_item_limit(device);
    NAS_TRY(nas__queues_open(device, profile));
    NAS_TRY(nas__buffer_make(device, NAS_SLACK_BYTES, "dummy", false, &device->dummy));
    if (profile)
        NAS_TRY(nas__profile_create(device));
    NAS_TRY(find_tuning(device, options));
    nas_log(NAS_LOG_DEBUG, "opened device %s %s, %d lanes, %d tuned rows", device->info.id,
            device->info.name, device->lanes, device->tuning.count);
    return NAS_OK;
}

nas_status nas_device_open(const char *match, const nas_device_options *options,
                           nas_device **device)
{
    nas_status status = NAS_OK;
    nas_device *opened = calloc(1, sizeof *opened);
    if (!opened)
        NAS_FAIL(NAS_MEMORY, "out of memory opening a device");
    NAS_TRY_DONE(find(match, opened));
    NAS_TRY_DONE(nas__device_begin(opened, options));
    nas__queues_part(opened);
    NAS_TRY_DONE(open_context(opened));
    NAS_TRY_DONE(nas__device_complete(opened, options));
    *device = opened;
done:
    if (status != NAS_OK)
        nas_device_destroy(opened);
    return status;
}

void nas_device_destroy(nas_device *device)
{
    if (!device)
        return;
    nas__queues_drain(device);
    if (device->live_objects != 0)
        nas_log(NAS_LOG_WARNING, "device %s is closed with %d live objects", device->info.id,
                device->live_objects);
    if (device->mark)
        clReleaseEvent(device->mark);
    nas_buffer_destroy(device->dummy);
    nas__profile_destroy(device->profile);
    nas__programs_release(device);
    nas__build_logs_release(device);
    if (device->used_gemm)
        nas__gemm_forget();
    nas__queues_close(device);
    if (device->context)
        clReleaseContext(device->context);
    nas_tuning_clear(&device->tuning);
    free(device);
}

const nas_device_info *nas_device_describe(const nas_device *device)
{
    return &device->info;
}

int nas_device_lanes(const nas_device *device)
{
    return device->lanes;
}

bool nas_device_lanes_given(const nas_device *device)
{
    return device->lanes_given;
}

nas_status nas_device_finish(nas_device *device)
{
    nas_status status = nas__queues_join(device);
    if (status == NAS_OK)
        status = nas__queue_finish(device, device->whole.queue);
    if (status != NAS_OK)
        nas__queues_drain(device); /* what was lent to the device comes free all the same */
    return status;
}

int nas_device_live_objects(const nas_device *device)
{
    return device->live_objects;
}

nas_build_counts nas_device_builds(const nas_device *device)
{
    return device->builds;
}
