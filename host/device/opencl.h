/* opencl.h - what the files of the device room share: the OpenCL header, the structs behind the
 * public handles, and how a failed call becomes a status and a message. Private to this room.
 *
 * Ownership: the device owns the program cache, the dummy buffer and the profile; buffers and tapes
 * are the caller's and must be destroyed before their device. One thread uses one device at a time.
 * */
#ifndef NAS_DEVICE_OPENCL_H
#define NAS_DEVICE_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <clnas/device.h>

#include "kernel_sources.h"

enum {
    NAS_SLACK_BYTES = 256, /* before and behind the visible range of every buffer */
    NAS_SLACK_FLOATS = NAS_SLACK_BYTES / 4,
};

/* A program that this process has built, kept until the device is destroyed. */
typedef struct nas__program {
    struct nas__program *next;
    const nas_kernel_source *source;
    char *options; /* the whole build options, defines included */
    cl_program program;
} nas__program;

typedef struct nas__profile nas__profile;       /* profile.c */
typedef struct nas__build_logs nas__build_logs; /* build_log.c */

enum {
    NAS_TEAMS = 8,                 /* most teams of one parting: 2, 4 or 8 */
    NAS_DEVICE_IDS = 1 + 2 + 4 + 8 /* the device and the teams of all partings */
};

/* In-order queue of the whole device or of a team of its units (queues.c). */
typedef struct nas__queue {
    cl_command_queue queue;
    cl_device_id id;    /* of a team, lent by the process (queues.c); NULL: the whole device */
    unsigned shares;    /* threads that keep to a part of the image each; 0: not threads of ours */
    nas_buffer *claims; /* cl/share.clh: who has taken what of a launch; NULL where shares is 0 */
    cl_event last;      /* of a team: its latest command since the device was parted */
    cl_event
        waits[NAS_TEAMS + 1]; /* what its next command waits for: by team, then the whole device */
} nas__queue;

struct nas_device {
    nas_device_info info;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    nas__queue whole, teams[NAS_DEVICE_IDS - 1];
    int team_limit; /* most teams that it can be parted into; 1: none */
    int parted;     /* teams that were given work last; 1: the whole device */
    int lanes;
    bool lanes_given;
    size_t item_limit[3];  /* CL_DEVICE_MAX_WORK_ITEM_SIZES */
    bool builds_alone;     /* the context, which was handed in, has other devices, too */
    bool use_binaries;     /* kernel binaries on disk */
    bool used_gemm;        /* CLBlast holds objects of this context */
    uint64_t buffer_bytes; /* in live buffers */
    int live_objects;
    int since_mark; /* commands enqueued behind `mark` (fence.c) */
    cl_event mark;
    nas__program *programs;
    nas_build_counts builds;
    nas__build_logs *logs; /* NULL: no compiler has said anything */
    nas_buffer *dummy;     /* stands in where a launch gives no buffer; does not count as live */
    nas__profile *profile; /* NULL: not profiling */
    nas_tuning tuning;
};

struct nas_buffer {
    nas_device *device;
    cl_mem memory;
    uint64_t size; /* visible bytes; memory starts NAS_SLACK_BYTES before */
    bool counted;
    char label[64];
};

/* A platform and device behind one row of nas_devices_list. */
typedef struct nas__device_ids {
    cl_platform_id platform;
    cl_device_id device;
} nas__device_ids;

/* discover.c */
nas_status nas__devices_find(nas_device_info **devices, nas__device_ids **ids, int *count);
/* What one device is; a sub-device counts as the one that it is a part of. */
nas_status nas__device_look(cl_device_id id, nas_device_info *info, cl_platform_id *platform);

/* device.c: opening, before there is a context (options, lanes) and behind it (queues, tuning). */
nas_status nas__device_begin(nas_device *device, const nas_device_options *options);
nas_status nas__device_complete(nas_device *device, const nas_device_options *options);

/* opencl_error.c: sets the message "CALL failed on DEVICE: CODE (number)" and returns the status
 * that fits. `device` may be NULL. */
nas_status nas__opencl_failed(const nas_device *device, cl_int code, const char *call,
                              const char *file, int line);

/* Returns from the calling function when an OpenCL call fails. */
#define NAS_CL(device, call)                                                                       \
    do {                                                                                           \
        cl_int nas_cl_code_ = (call);                                                              \
        if (nas_cl_code_ != CL_SUCCESS)                                                            \
            return nas__opencl_failed((device), nas_cl_code_, #call, __FILE__, __LINE__);          \
    } while (0)

/* queues.c.  Before the context is made: sub-devices, as many as may be; then the list of all ids, and the queues. */
void nas__queues_part(nas_device *device);
int nas__queues_ids(const nas_device *device, cl_device_id ids[NAS_DEVICE_IDS]);
nas_status nas__queues_open(nas_device *device, bool profile);
/* Waits for whatever is still enqueued anywhere; for ways out of a failure, where the order of things no longer matters. */
void nas__queues_drain(nas_device *device);
/* Waits until all that was enqueued is done, whatever was flushed before. */
nas_status nas__queue_finish(nas_device *device, cl_command_queue queue);
void nas__queues_close(nas_device *device);
nas__queue *nas__queue_of(nas_device *device, int teams, int team); /* teams 1: the whole */
/* Before anything is enqueued for the whole device: waits for all teams. */
nas_status nas__queues_join(nas_device *device);
/* Before work of one of `teams` teams; 1: joins.  Then, as often as wanted, a meeting of all. */
nas_status nas__queues_part_into(nas_device *device, int teams);
nas_status nas__queues_meet(nas_device *device);
nas_status nas__queues_flush(nas_device *device);
/* Around each command: what it must wait for, and its event when a team's queue keeps it (`kept`). */
typedef struct nas__order {
    cl_uint count;
    const cl_event *list; /* NULL: nothing */
    cl_event waits[NAS_TEAMS + 1];
    bool kept;
} nas__order;
void nas__order_open(nas__queue *queue, nas__order *order);
/* After a command that was enqueued. */
nas_status nas__order_close(nas_device *device, nas__queue *queue, const nas__order *order,
                            cl_event done);

/* program.c: the built program of (source, defines), from this process, from disk or compiled. */
nas_status nas__program_get(nas_device *device, const char *source, const char *defines,
                            const nas__program **program);
void nas__programs_release(nas_device *device);

/* build_log.c: what the compiler said of a program; `program` is a name that stays, the others are copied. */
void nas__build_log_keep(nas_device *device, const char *program, const char *options, bool built,
                         const char *words);
void nas__build_logs_release(nas_device *device);

/* binary_cache.c: kernel binaries on disk. Load leaves *binary NULL where there is none to trust.
 * */
bool nas__binary_wanted(const nas_device *device);
void nas__binary_load(const nas_device *device, const nas_kernel_source *source,
                      const char *options, unsigned char **binary, size_t *size);
void nas__binary_store(const nas_device *device, const nas_kernel_source *source,
                       const char *options, cl_program program);
/* Holds back other processes and threads that want to build too; waits half a minute at most.  -1: no lock. */
int nas__binary_lock(void);
void nas__binary_unlock(int lock);

/* buffer.c */
nas_status nas__buffer_make(nas_device *device, uint64_t size_bytes, const char *label,
                            bool counted, nas_buffer **buffer);
nas_status nas__buffer_range(const nas_buffer *buffer, uint64_t offset, uint64_t size,
                             const char *what);

/* fence.c: keeps the host from running too far ahead; called with what was just enqueued. */
nas_status nas__queue_throttle(nas_device *device, int commands);

/* gemm.c */
nas_status nas__gemm_check(const nas_device *device, const nas_gemm *gemm);
nas_status nas__gemm_run(nas_device *device, nas__queue *queue, const nas_gemm *gemm);
void nas__gemm_forget(void);

/* profile.c */
nas_status nas__profile_create(nas_device *device);
void nas__profile_destroy(nas__profile *profile);
nas_status nas__profile_row(nas__profile *profile, const char *label, int *row);
/* True where events cannot be trusted and each launch is timed by the wall clock. */
bool nas__profile_by_wall(const nas__profile *profile);
nas_status nas__profile_event(nas_device *device, int row, cl_event event);
void nas__profile_wall(nas__profile *profile, int row, double seconds);

#endif
