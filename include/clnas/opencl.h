/* opencl.h - a device made of OpenCL objects that the program has already.
 *
 * For programs that use OpenCL themselves: a context and a queue of theirs become a nas_device, on which everything works that works on
 * one of nas_device_open.  This is the only header of clnas that needs <CL/cl.h>, and no part of clnas.h.
 *
 *     nas_device *device;
 *     NAS_TRY(nas_device_adopt(id, context, queue, NULL, &device));
 *     nas_search_options options = {.open_device = device};
 *     NAS_TRY(nas_session_search(&config, &options, &report));
 *     nas_device_destroy(device);
 *
 * What is the program's stays its own: clnas makes buffers, programs and kernels of its own in the context, enqueues on the queue,
 * and takes all of that back.  Work of the program on the same queue runs in the order in which it was enqueued.
 */
#ifndef CLNAS_OPENCL_H
#define CLNAS_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
/* Of the OpenCL headers, where the program asks for no other. */
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <clnas/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `id` is a device of `context` (also a sub-device) and `queue` an in-order queue of both; context and queue are retained until
 * nas_device_destroy, which waits for all that was enqueued.  With options->profile the queue must have been made for profiling.
 * Shards (nas_tape_part) all run on this one queue, with the same bits.  `options` may be NULL, and the environment has its say as in
 * nas_device_open, but for CLNAS_DEVICE and CLNAS_TEAMS; where the context has further devices no binaries of kernels are kept.  NAS_CONFIG: one of the three is
 * NULL, they do not belong together, the queue is out of order, or keeps no times where a profile is wanted; NAS_NO_DEVICE: clnas cannot use the device. */
NAS_API nas_status nas_device_adopt(cl_device_id id, cl_context context, cl_command_queue queue,
                                    const nas_device_options *options, nas_device **device);

#ifdef __cplusplus
}
#endif
#endif
