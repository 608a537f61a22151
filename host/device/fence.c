/* fence.c - writes that are not waited for, and points of the queue that are.
 *
 * A data set that is larger than device memory streams: the host puts together batch k + 1 while
 * the device computes batch k. That needs a write that returns at once, and a way to know when its
 * host memory may be used again; nothing else in the library does. The queue is in order, so a
 * fence put behind a write has been reached only when the write is done.
 *
 * Here too: how far the host may run ahead. A queued command costs the driver about 1 KiB (PoCL),
 * and a host that is an epoch ahead notices neither a failed kernel nor a time limit. */
#include "opencl.h"

#include <stdlib.h>

struct nas_fence {
    nas_device *device;
    cl_event event;
};

nas_status nas_buffer_write_later(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                  const void *from)
{
    NAS_TRY(nas__buffer_range(buffer, offset, size, "write"));
    if (size == 0)
        return NAS_OK;
    NAS_TRY(nas__queues_join(buffer->device));
    NAS_CL(buffer->device, clEnqueueWriteBuffer(buffer->device->whole.queue, buffer->memory,
                                                CL_FALSE, (size_t)offset + NAS_SLACK_BYTES,
                                                (size_t)size, from, 0, NULL, NULL));
    return NAS_OK;
}

/* Without a fence the caller has nothing to wait for, and will free what it lent: then all is waited for here. */
nas_status nas_fence_put(nas_device *device, nas_fence **fence)
{
    nas_status status = NAS_OK;
    nas_fence *made = calloc(1, sizeof *made);
    if (!made) {
        nas__queues_drain(device);
        NAS_FAIL(NAS_MEMORY, "out of memory for a fence");
    }
    NAS_TRY_DONE(nas__queues_join(device));
    cl_int code = clEnqueueMarkerWithWaitList(device->whole.queue, 0, NULL, &made->event);
    if (code != CL_SUCCESS)
        NAS_TRY_DONE(
            nas__opencl_failed(device, code, "clEnqueueMarkerWithWaitList", __FILE__, __LINE__));
    made->device = device;
    device->live_objects++;
    *fence = made;
done:
    if (status != NAS_OK) {
        nas__queues_drain(device);
        free(made);
    }
    return status;
}

nas_status nas_fence_wait(nas_fence *fence)
{
    if (!fence)
        return NAS_OK;
    nas_device *device = fence->device;
    cl_int code = clWaitForEvents(1, &fence->event);
    clReleaseEvent(fence->event);
    device->live_objects--;
    free(fence);
    if (code != CL_SUCCESS) {
        nas__queues_drain(device); /* what was lent to the device comes free all the same */
        return nas__opencl_failed(device, code, "clWaitForEvents", __FILE__, __LINE__);
    }
    return NAS_OK;
}

/* Marks the queue every AHEAD_LIMIT commands and waits for the mark before last, so that between
 * one and two times as many are pending. */
nas_status nas__queue_throttle(nas_device *device, int commands)
{
    enum { AHEAD_LIMIT = 4096 };
    device->since_mark += commands;
    if (device->since_mark < AHEAD_LIMIT)
        return NAS_OK;
    device->since_mark = 0;
    cl_event mark = NULL;
    NAS_TRY(nas__queues_join(device));
    NAS_CL(device, clEnqueueMarkerWithWaitList(device->whole.queue, 0, NULL, &mark));
    cl_event before = device->mark;
    device->mark = mark;
    NAS_CL(device, clFlush(device->whole.queue));
    if (!before)
        return NAS_OK;
    cl_int code = clWaitForEvents(1, &before);
    clReleaseEvent(before);
    if (code != CL_SUCCESS)
        return nas__opencl_failed(device, code, "clWaitForEvents", __FILE__, __LINE__);
    return NAS_OK;
}
