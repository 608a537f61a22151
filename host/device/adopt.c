/* adopt.c - a device out of a context and a queue that somebody else has made.
 *
 * All that clnas needs is said in device.c: one context, one queue in order.  Here both come from outside, so what is taken for
 * granted there is asked: that the three belong together, that the queue keeps the order, that it can be timed where that is wanted.
 * Nothing of it is changed; references are counted, as OpenCL has it.  Teams of cores (queues.c) would need sub-devices in the
 * context, which cannot be added to one that exists, so there is one queue for everything. */
#include "opencl.h"

#include <clnas/opencl.h>

#include <stdlib.h>

static nas_status check_queue(cl_device_id id, cl_context context, cl_command_queue queue,
                              bool profile)
{
    cl_context its_context = NULL;
    cl_device_id its_device = NULL;
    cl_command_queue_properties has = 0;
    NAS_CL(NULL,
           clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof its_context, &its_context, NULL));
    NAS_CL(NULL,
           clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof its_device, &its_device, NULL));
    NAS_CL(NULL, clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof has, &has, NULL));
    if (its_context != context)
        NAS_FAIL(NAS_CONFIG, "the queue that was handed in belongs to another context");
    if (its_device != id)
        NAS_FAIL(NAS_CONFIG, "the queue that was handed in belongs to another device");
    if (has & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        NAS_FAIL(NAS_CONFIG, "the queue that was handed in runs out of order; clnas needs one in "
                             "order: make one without CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE");
    if (profile && !(has & CL_QUEUE_PROFILING_ENABLE))
        NAS_FAIL(NAS_CONFIG, "the queue that was handed in keeps no times, which a profile needs: "
                             "make one with CL_QUEUE_PROFILING_ENABLE, or open without profile");
    return NAS_OK;
}

/* *single: the context is of one device.  *listed: it names this one; PoCL names the whole where it is of a part. */
static nas_status look_at_context(cl_device_id id, cl_context context, bool *single, bool *listed)
{
    size_t size = 0;
    NAS_CL(NULL, clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &size));
    cl_device_id *ids = calloc(1, size + 1);
    if (!ids)
        NAS_FAIL(NAS_MEMORY, "out of memory adopting a device");
    const cl_int code = clGetContextInfo(context, CL_CONTEXT_DEVICES, size, ids, NULL);
    *listed = false;
    for (size_t i = 0; code == CL_SUCCESS && i < size / sizeof *ids; i++)
        *listed = *listed || ids[i] == id;
    free(ids);
    NAS_CL(NULL, code);
    *single = size == sizeof *ids;
    return NAS_OK;
}

static nas_status retain(nas_device *device, cl_context context, cl_command_queue queue)
{
    NAS_CL(device, clRetainContext(context));
    device->context = context;
    NAS_CL(device, clRetainCommandQueue(queue));
    device->whole.queue = queue;
    return NAS_OK;
}

nas_status nas_device_adopt(cl_device_id id, cl_context context, cl_command_queue queue,
                            const nas_device_options *options, nas_device **device)
{
    nas_status status = NAS_OK;
    bool single = false, listed = false;
    if (!id || !context || !queue)
        NAS_FAIL(NAS_CONFIG, "adopting needs a device, a context and a queue; one of them is NULL");
    nas_device *opened = calloc(1, sizeof *opened);
    if (!opened)
        NAS_FAIL(NAS_MEMORY, "out of memory adopting a device");
    NAS_TRY_DONE(look_at_context(id, context, &single, &listed));
    NAS_TRY_DONE(check_queue(id, context, queue, options && options->profile));
    opened->id = id;
    opened->builds_alone = listed && !single;
    opened->team_limit = opened->parted = 1;
    NAS_TRY_DONE(nas__device_look(id, &opened->info, &opened->platform));
    if (!opened->info.usable)
        NAS_TRY_DONE(nas_error_set(NAS_NO_DEVICE, __FILE__, __LINE__, "%s cannot be used: %s",
                                   opened->info.name, opened->info.why_not));
    NAS_TRY_DONE(nas__device_begin(opened, options));
    opened->use_binaries = opened->use_binaries && single; /* binaries are listed by device */
    NAS_TRY_DONE(retain(opened, context, queue));
    NAS_TRY_DONE(nas__device_complete(opened, options));
    *device = opened;
done:
    if (status != NAS_OK)
        nas_device_destroy(opened);
    return status;
}
