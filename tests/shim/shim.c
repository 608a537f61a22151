/* shim.c - the layer itself: a copy of the drivers' table of calls with ours in front (shim.h).
 *
 * Each call is counted and may fail (shim_enter); what it makes or gives back is counted (live.c).  In front of a call
 * fail those that do something; waits and releases are done first.  */
#include "layer.h"

#include <string.h>

const cl_icd_dispatch *shim_next;

/* ---- calls that only return a code ------------------------------------------------------------ */

/* Not done when it fails. */
#define BEFORE(name, parameters, arguments)                                                        \
    static cl_int CL_API_CALL on_##name parameters                                                 \
    {                                                                                              \
        const cl_int code = shim_enter(SHIM_##name);                                               \
        return code < 0 ? code : shim_next->name arguments;                                        \
    }

/* A reference more or less: releases are done even when they fail. */
#define REFERENCE(name, type, kind, change)                                                        \
    static cl_int CL_API_CALL on_##name(type object)                                               \
    {                                                                                              \
        const cl_int code = shim_enter(SHIM_##name);                                               \
        if (code < 0 && (change) > 0)                                                              \
            return code;                                                                           \
        const cl_int done = shim_next->name(object);                                               \
        if (done == CL_SUCCESS)                                                                    \
            shim_live_add(kind, change);                                                           \
        return code < 0 ? code : done;                                                             \
    }

BEFORE(clGetPlatformInfo,
       (cl_platform_id platform, cl_platform_info what, size_t size, void *value, size_t *needed),
       (platform, what, size, value, needed))
BEFORE(clGetProgramInfo,
       (cl_program program, cl_program_info what, size_t size, void *value, size_t *needed),
       (program, what, size, value, needed))
BEFORE(clGetProgramBuildInfo,
       (cl_program program, cl_device_id device, cl_program_build_info what, size_t size,
        void *value, size_t *needed),
       (program, device, what, size, value, needed))
BEFORE(clGetKernelInfo,
       (cl_kernel kernel, cl_kernel_info what, size_t size, void *value, size_t *needed),
       (kernel, what, size, value, needed))
BEFORE(clGetKernelArgInfo,
       (cl_kernel kernel, cl_uint index, cl_kernel_arg_info what, size_t size, void *value,
        size_t *needed),
       (kernel, index, what, size, value, needed))
BEFORE(clGetEventProfilingInfo,
       (cl_event event, cl_profiling_info what, size_t size, void *value, size_t *needed),
       (event, what, size, value, needed))

REFERENCE(clRetainDevice, cl_device_id, SHIM_DEVICE, 1)
REFERENCE(clReleaseDevice, cl_device_id, SHIM_DEVICE, -1)
REFERENCE(clRetainContext, cl_context, SHIM_CONTEXT, 1)
REFERENCE(clReleaseContext, cl_context, SHIM_CONTEXT, -1)
REFERENCE(clRetainCommandQueue, cl_command_queue, SHIM_QUEUE, 1)
REFERENCE(clRetainProgram, cl_program, SHIM_PROGRAM, 1)
REFERENCE(clReleaseProgram, cl_program, SHIM_PROGRAM, -1)
REFERENCE(clRetainKernel, cl_kernel, SHIM_KERNEL, 1)
REFERENCE(clReleaseKernel, cl_kernel, SHIM_KERNEL, -1)
REFERENCE(clRetainEvent, cl_event, SHIM_EVENT, 1)
REFERENCE(clReleaseEvent, cl_event, SHIM_EVENT, -1)

static cl_int CL_API_CALL on_clReleaseCommandQueue(cl_command_queue queue)
{
    const cl_int code = shim_enter(SHIM_clReleaseCommandQueue);
    shim_slow_forget(queue);
    const cl_int done = shim_next->clReleaseCommandQueue(queue);
    if (done == CL_SUCCESS)
        shim_live_add(SHIM_QUEUE, -1);
    return code < 0 ? code : done;
}

static cl_int CL_API_CALL on_clRetainMemObject(cl_mem memory)
{
    cl_int code = shim_enter(SHIM_clRetainMemObject);
    code = code < 0 ? code : shim_next->clRetainMemObject(memory);
    if (code == CL_SUCCESS)
        shim_memory_released(memory, 1);
    return code;
}

static cl_int CL_API_CALL on_clReleaseMemObject(cl_mem memory)
{
    const cl_int code = shim_enter(SHIM_clReleaseMemObject);
    shim_memory_released(memory, -1);
    const cl_int done = shim_next->clReleaseMemObject(memory);
    return code < 0 ? code : done;
}

/* ---- platforms, devices, contexts --------------------------------------------------------------- */

static cl_int CL_API_CALL on_clGetPlatformIDs(cl_uint room, cl_platform_id *list, cl_uint *found)
{
    const cl_int code = shim_enter(SHIM_clGetPlatformIDs);
    if (code < 0)
        return code;
    if (shim_hidden("platforms")) {
        if (found)
            *found = 0;
        return -1001; /* CL_PLATFORM_NOT_FOUND_KHR */
    }
    return shim_next->clGetPlatformIDs(room, list, found);
}

static cl_int CL_API_CALL on_clGetDeviceIDs(cl_platform_id platform, cl_device_type type,
                                            cl_uint room, cl_device_id *list, cl_uint *found)
{
    cl_uint count = 0;
    cl_int code = shim_enter(SHIM_clGetDeviceIDs);
    if (code < 0)
        return code;
    code = shim_hidden("devices") ? CL_DEVICE_NOT_FOUND
                                  : shim_next->clGetDeviceIDs(platform, type, room, list, &count);
    if (found)
        *found = count;
    if (code == CL_SUCCESS && list)
        shim_devices_seen(list, count < room ? count : room);
    return code;
}

static cl_int CL_API_CALL on_clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size,
                                             void *value, size_t *needed)
{
    const cl_int code = shim_enter(SHIM_clGetDeviceInfo);
    return code < 0 ? code : shim_device_info(device, what, size, value, needed);
}

static cl_int CL_API_CALL on_clCreateSubDevices(cl_device_id device,
                                                const cl_device_partition_property *how,
                                                cl_uint room, cl_device_id *parts, cl_uint *made)
{
    cl_uint count = 0;
    cl_int code = shim_enter(SHIM_clCreateSubDevices);
    if (code < 0)
        return code;
    code = shim_next->clCreateSubDevices(device, how, room, parts, &count);
    if (made)
        *made = count;
    if (code == CL_SUCCESS && parts) {
        shim_device_parted(device, parts, count);
        shim_live_add(SHIM_DEVICE, count);
    }
    return code;
}

/* Nothing made: the code goes where the caller wants it. */
#define FAILED_WITH(code, where)                                                                   \
    do {                                                                                           \
        if ((code) < 0) {                                                                          \
            if (where)                                                                             \
                *(where) = (code);                                                                 \
            return NULL;                                                                           \
        }                                                                                          \
    } while (0)

static cl_context CL_API_CALL on_clCreateContext(
    const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
    cl_int *where)
{
    const cl_int code = shim_enter(SHIM_clCreateContext);
    FAILED_WITH(code, where);
    cl_context made = shim_next->clCreateContext(properties, count, devices, notify, user, where);
    shim_live_add(SHIM_CONTEXT, made != NULL);
    return made;
}

static cl_command_queue CL_API_CALL on_clCreateCommandQueue(cl_context context, cl_device_id device,
                                                            cl_command_queue_properties properties,
                                                            cl_int *where)
{
    const cl_int code = shim_enter(SHIM_clCreateCommandQueue);
    FAILED_WITH(code, where);
    cl_command_queue made = shim_next->clCreateCommandQueue(context, device, properties, where);
    shim_live_add(SHIM_QUEUE, made != NULL);
    if (made)
        shim_slow_queue(made, device);
    return made;
}

static cl_mem CL_API_CALL on_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size,
                                            void *host, cl_int *where)
{
    cl_int code = shim_enter(SHIM_clCreateBuffer);
    code = code < 0 ? code : shim_refuses_buffer(context, size);
    FAILED_WITH(code, where);
    cl_mem made = shim_next->clCreateBuffer(context, flags, size, host, where);
    if (made)
        shim_memory_made(made, size);
    return made;
}

/* ---- programs and kernels ------------------------------------------------------------------------- */

static cl_program CL_API_CALL on_clCreateProgramWithSource(cl_context context, cl_uint count,
                                                           const char **lines,
                                                           const size_t *lengths, cl_int *where)
{
    const cl_int code = shim_enter(SHIM_clCreateProgramWithSource);
    FAILED_WITH(code, where);
    cl_program made = shim_next->clCreateProgramWithSource(context, count, lines, lengths, where);
    shim_live_add(SHIM_PROGRAM, made != NULL);
    return made;
}

static cl_program CL_API_CALL on_clCreateProgramWithBinary(cl_context context, cl_uint count,
                                                           const cl_device_id *devices,
                                                           const size_t *lengths,
                                                           const unsigned char **binaries,
                                                           cl_int *states, cl_int *where)
{
    const cl_int code = shim_enter(SHIM_clCreateProgramWithBinary);
    FAILED_WITH(code, where);
    cl_program made = shim_next->clCreateProgramWithBinary(context, count, devices, lengths,
                                                           binaries, states, where);
    shim_live_add(SHIM_PROGRAM, made != NULL);
    return made;
}

static cl_int CL_API_CALL on_clBuildProgram(cl_program program, cl_uint count,
                                            const cl_device_id *devices, const char *options,
                                            void(CL_CALLBACK *notify)(cl_program, void *),
                                            void *user)
{
    cl_int code = shim_enter(SHIM_clBuildProgram);
    code = code < 0 ? code : shim_refuses_build(program);
    if (code < 0 && code != CL_BUILD_PROGRAM_FAILURE) /* that leaves a log, which callers ask for */
        return code;
    const cl_int done = shim_next->clBuildProgram(program, count, devices, options, notify, user);
    return code < 0 ? code : done;
}

static cl_kernel CL_API_CALL on_clCreateKernel(cl_program program, const char *name, cl_int *where)
{
    const cl_int code = shim_enter(SHIM_clCreateKernel);
    FAILED_WITH(code, where);
    cl_kernel made = shim_next->clCreateKernel(program, name, where);
    shim_live_add(SHIM_KERNEL, made != NULL);
    return made;
}

static cl_int CL_API_CALL on_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                                            const void *value)
{
    const cl_int code = shim_enter(SHIM_clSetKernelArg);
    if (code < 0)
        return code;
    if (shim_disturbs())
        shim_note_argument(kernel, index, size, value);
    return shim_next->clSetKernelArg(kernel, index, size, value);
}

static cl_int CL_API_CALL on_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                                      cl_kernel_work_group_info what, size_t size,
                                                      void *value, size_t *needed)
{
    const cl_int code = shim_enter(SHIM_clGetKernelWorkGroupInfo);
    return code < 0 ? code : shim_kernel_group_info(kernel, device, what, size, value, needed);
}

/* ---- waiting ----------------------------------------------------------------------------------------- */

static cl_int CL_API_CALL on_clWaitForEvents(cl_uint count, const cl_event *events)
{
    const cl_int code = shim_enter(SHIM_clWaitForEvents);
    const cl_int done = shim_next->clWaitForEvents(count, events);
    shim_slow_waited();
    return code < 0 ? code : done;
}

static cl_int CL_API_CALL on_clFinish(cl_command_queue queue)
{
    const cl_int code = shim_enter(SHIM_clFinish);
    const cl_int done = shim_next->clFinish(queue);
    shim_slow_waited();
    return code < 0 ? code : done;
}

static cl_int CL_API_CALL on_clFlush(cl_command_queue queue)
{
    const cl_int code = shim_enter(SHIM_clFlush);
    const cl_int done = shim_next->clFlush(queue);
    shim_slow_flushed();
    return code < 0 ? code : done;
}

/* ---- commands ---------------------------------------------------------------------------------------- */

/* An event that was asked for and made counts; one that was asked for in vain is set to NULL. */
static cl_int enqueued(cl_int code, const cl_event *event)
{
    if (code == CL_SUCCESS && event)
        shim_live_add(SHIM_EVENT, 1);
    return code;
}

/* A command that is not done, and nobody notices. */
static cl_int skip(cl_command_queue queue, cl_uint waits, const cl_event *list, cl_event *event)
{
    return event
               ? enqueued(shim_next->clEnqueueMarkerWithWaitList(queue, waits, list, event), event)
               : CL_SUCCESS;
}

#define COMMAND(name, parameters, arguments)                                                       \
    static cl_int CL_API_CALL on_##name parameters                                                 \
    {                                                                                              \
        const cl_int code = shim_enter(SHIM_##name);                                               \
        if (code < 0)                                                                              \
            return code;                                                                           \
        if (code == SHIM_SKIP)                                                                     \
            return skip(queue, waits, list, event);                                                \
        shim_slow_begins();                                                                        \
        return enqueued(shim_next->name arguments, event);                                         \
    }

COMMAND(clEnqueueCopyBuffer,
        (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_at, size_t to_at, size_t size,
         cl_uint waits, const cl_event *list, cl_event *event),
        (queue, from, to, from_at, to_at, size, waits, list, event))
COMMAND(clEnqueueFillBuffer,
        (cl_command_queue queue, cl_mem memory, const void *pattern, size_t pattern_size, size_t at,
         size_t size, cl_uint waits, const cl_event *list, cl_event *event),
        (queue, memory, pattern, pattern_size, at, size, waits, list, event))
COMMAND(clEnqueueMarkerWithWaitList,
        (cl_command_queue queue, cl_uint waits, const cl_event *list, cl_event *event),
        (queue, waits, list, event))
COMMAND(clEnqueueBarrierWithWaitList,
        (cl_command_queue queue, cl_uint waits, const cl_event *list, cl_event *event),
        (queue, waits, list, event))

static cl_int CL_API_CALL on_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                                    cl_uint dimensions, const size_t *offset,
                                                    const size_t *global, const size_t *local,
                                                    cl_uint waits, const cl_event *list,
                                                    cl_event *event)
{
    const shim_launch launch = {queue, kernel, dimensions, offset, global,
                                local, waits,  list,       event};
    cl_int code = shim_enter(SHIM_clEnqueueNDRangeKernel);
    const int how = code;
    code = code < 0 ? code : shim_refuses_launch(queue, kernel, dimensions, local);
    if (code < 0)
        return code;
    if (how == SHIM_SKIP)
        return skip(queue, waits, list, event);
    shim_slow_begins();
    if (how == SHIM_NAN || how == SHIM_WRONG)
        return enqueued(shim_launch_disturbed(&launch, how), event);
    return enqueued(shim_next->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global,
                                                      local, waits, list, event),
                    event);
}

static cl_int CL_API_CALL on_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory,
                                                 cl_bool blocking, size_t at, size_t size, void *to,
                                                 cl_uint waits, const cl_event *list,
                                                 cl_event *event)
{
    const cl_int code = shim_enter(SHIM_clEnqueueReadBuffer);
    if (code < 0)
        return code;
    if (code == SHIM_SKIP)
        return skip(queue, waits, list, event);
    const bool disturbed = code == SHIM_NAN || code == SHIM_WRONG;
    shim_slow_begins();
    const cl_int done =
        shim_next->clEnqueueReadBuffer(queue, memory, blocking || disturbed ? CL_TRUE : CL_FALSE,
                                       at, size, to, waits, list, event);
    if (blocking)
        shim_slow_waited();
    if (done == CL_SUCCESS && disturbed)
        shim_disturb(to, size, code);
    return enqueued(done, event);
}

static cl_int CL_API_CALL on_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory,
                                                  cl_bool blocking, size_t at, size_t size,
                                                  const void *from, cl_uint waits,
                                                  const cl_event *list, cl_event *event)
{
    const cl_int code = shim_enter(SHIM_clEnqueueWriteBuffer);
    if (code < 0)
        return code;
    if (code == SHIM_SKIP)
        return skip(queue, waits, list, event);
    shim_slow_begins();
    const cl_int done = shim_next->clEnqueueWriteBuffer(queue, memory, blocking, at, size, from,
                                                        waits, list, event);
    if (blocking)
        shim_slow_waited();
    return enqueued(done, event);
}

/* ---- the layer ----------------------------------------------------------------------------------------- */

SHIM_API CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size,
                                                        void *value, size_t *needed)
{
    static const char name[] = "clnas fault shim";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *answer = what == CL_LAYER_API_VERSION ? (const void *)&version : name;
    const size_t length = what == CL_LAYER_API_VERSION ? sizeof version : sizeof name;
    if (what != CL_LAYER_API_VERSION && what != CL_LAYER_NAME)
        return CL_INVALID_VALUE;
    if (value && size < length)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, answer, length);
    if (needed)
        *needed = length;
    return CL_SUCCESS;
}

SHIM_API CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint count, const cl_icd_dispatch *next,
                                                     cl_uint *count_ours,
                                                     const cl_icd_dispatch **ours)
{
    static cl_icd_dispatch table;
    if (!next || !count_ours || !ours || count < sizeof table / sizeof(void *))
        return CL_INVALID_VALUE;
    shim_next = next;
    table = *next;
    if (shim_is_meant()) {
#define SHIM_ENTRY(name) table.name = on_##name;
#include "entries.h"
#undef SHIM_ENTRY
        shim_faults_from_environment();
        shim_limits_from_environment();
    }
    *count_ours = sizeof table / sizeof(void *);
    *ours = &table;
    return CL_SUCCESS;
}

static void __attribute__((destructor)) end(void)
{
    if (shim_next && shim_is_meant())
        shim_faults_write();
}
