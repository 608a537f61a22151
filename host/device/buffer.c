/* buffer.c - device memory.
 *
 * Layout:  | slack 256 | visible bytes, rounded up to 64 | slack 256 |
 *
 * The slack lets kernels load whole registers at the edges of a tensor; kernels get the whole
 * memory and an offset that has the slack in it, so no sub-buffers (whose alignment rules differ)
 * are needed. All bytes start as zeros: lanes that nobody writes hold 0, not NaN. */
#include "opencl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MIB = 1 << 20;

static uint64_t whole_size(uint64_t size_bytes)
{
    return (size_bytes + 63) / 64 * 64 + 2 * (uint64_t)NAS_SLACK_BYTES;
}

static nas_status check_size(const nas_device *device, uint64_t size_bytes, const char *label)
{
    uint64_t limit = device->info.allocation_bytes;
    if (size_bytes > SIZE_MAX / 2 || whole_size(size_bytes) > limit)
        NAS_FAIL(NAS_DEVICE_MEMORY,
                 "buffer \"%s\" of %" PRIu64
                 " MiB is over the largest allocation of %s %s, %" PRIu64 " MiB",
                 label, size_bytes / MIB, device->info.id, device->info.name, limit / MIB);
    return NAS_OK;
}

nas_status nas__buffer_make(nas_device *device, uint64_t size_bytes, const char *label,
                            bool counted, nas_buffer **buffer)
{
    label = label ? label : "unnamed";
    NAS_TRY(nas__queues_join(device));
    NAS_TRY(check_size(device, size_bytes, label));
    nas_buffer *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of memory for buffer \"%s\"", label);
    made->device = device;
    made->size = size_bytes;
    snprintf(made->label, sizeof made->label, "%s", label);
    cl_int code = CL_SUCCESS;
    const char *call = "clCreateBuffer";
    size_t whole = (size_t)whole_size(size_bytes);
    made->memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, whole, NULL, &code);
    if (made->memory) {
        /* Drivers allocate late: the fill is where memory that is not there shows. */
        const cl_uint zeros[4] = {0};
        call = "clEnqueueFillBuffer";
        code = clEnqueueFillBuffer(device->whole.queue, made->memory, zeros, sizeof zeros, 0, whole,
                                   0, NULL, NULL);
    }
    if (!made->memory || code != CL_SUCCESS) {
        nas_status status = nas__opencl_failed(device, code, call, __FILE__, __LINE__);
        nas_error_add("buffer \"%s\" of %" PRIu64 " bytes beside %" PRIu64 " MiB in use: ", label,
                      size_bytes, device->buffer_bytes / MIB);
        if (made->memory)
            clReleaseMemObject(made->memory);
        free(made);
        return status;
    }
    made->counted = counted;
    device->live_objects += counted;
    device->buffer_bytes += size_bytes;
    *buffer = made;
    return NAS_OK;
}

nas_status nas_buffer_create(nas_device *device, uint64_t size_bytes, const char *label,
                             nas_buffer **buffer)
{
    return nas__buffer_make(device, size_bytes, label, true, buffer);
}

void nas_buffer_destroy(nas_buffer *buffer)
{
    if (!buffer)
        return;
    clReleaseMemObject(buffer->memory);
    buffer->device->live_objects -= buffer->counted;
    buffer->device->buffer_bytes -= buffer->size;
    free(buffer);
}

uint64_t nas_buffer_size(const nas_buffer *buffer)
{
    return buffer->size;
}

nas_status nas__buffer_range(const nas_buffer *buffer, uint64_t offset, uint64_t size,
                             const char *what)
{
    if (offset > buffer->size || size > buffer->size - offset)
        NAS_FAIL(NAS_DEVICE,
                 "%s of %" PRIu64 " bytes at %" PRIu64 " is outside buffer \"%s\" of %" PRIu64
                 " bytes on %s",
                 what, size, offset, buffer->label, buffer->size, buffer->device->info.id);
    return NAS_OK;
}

nas_status nas_buffer_read(nas_buffer *buffer, uint64_t offset, uint64_t size, void *to)
{
    NAS_TRY(nas__buffer_range(buffer, offset, size, "read"));
    if (size == 0)
        return NAS_OK;
    NAS_TRY(nas__queues_join(buffer->device));
    NAS_CL(buffer->device,
           clEnqueueReadBuffer(buffer->device->whole.queue, buffer->memory, CL_TRUE,
                               (size_t)offset + NAS_SLACK_BYTES, (size_t)size, to, 0, NULL, NULL));
    return NAS_OK;
}

nas_status nas_buffer_write(nas_buffer *buffer, uint64_t offset, uint64_t size, const void *from)
{
    NAS_TRY(nas__buffer_range(buffer, offset, size, "write"));
    if (size == 0)
        return NAS_OK;
    NAS_TRY(nas__queues_join(buffer->device));
    NAS_CL(buffer->device, clEnqueueWriteBuffer(buffer->device->whole.queue, buffer->memory,
                                                CL_TRUE, (size_t)offset + NAS_SLACK_BYTES,
                                                (size_t)size, from, 0, NULL, NULL));
    return NAS_OK;
}

nas_status nas_buffer_fill(nas_buffer *buffer, uint64_t offset, uint64_t size, const void *pattern,
                           unsigned pattern_size)
{
    NAS_TRY(nas__buffer_range(buffer, offset, size, "fill"));
    if (pattern_size == 0 || pattern_size > 128 || (pattern_size & (pattern_size - 1)) != 0 ||
        offset % pattern_size != 0 || size % pattern_size != 0)
        NAS_FAIL(NAS_DEVICE,
                 "fill of %" PRIu64 " bytes at %" PRIu64
                 " in buffer \"%s\" with a pattern of %u bytes",
                 size, offset, buffer->label, pattern_size);
    if (size == 0)
        return NAS_OK;
    NAS_TRY(nas__queues_join(buffer->device));
    NAS_CL(buffer->device,
           clEnqueueFillBuffer(buffer->device->whole.queue, buffer->memory, pattern, pattern_size,
                               (size_t)offset + NAS_SLACK_BYTES, (size_t)size, 0, NULL, NULL));
    return NAS_OK;
}

nas_status nas_buffer_copy(nas_buffer *from, uint64_t from_offset, nas_buffer *to,
                           uint64_t to_offset, uint64_t size)
{
    NAS_TRY(nas__buffer_range(from, from_offset, size, "copy from"));
    NAS_TRY(nas__buffer_range(to, to_offset, size, "copy to"));
    if (size == 0)
        return NAS_OK;
    NAS_TRY(nas__queues_join(from->device));
    NAS_CL(from->device,
           clEnqueueCopyBuffer(from->device->whole.queue, from->memory, to->memory,
                               (size_t)from_offset + NAS_SLACK_BYTES,
                               (size_t)to_offset + NAS_SLACK_BYTES, (size_t)size, 0, NULL, NULL));
    return NAS_OK;
}
