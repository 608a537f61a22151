/* layer.h - what the files of the shim share. */
#ifndef NAS_SHIM_LAYER_H
#define NAS_SHIM_LAYER_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_layer.h>

#include <stdbool.h>
#include <stddef.h>

#include "shim.h"

#define SHIM_API __attribute__((visibility("default")))

SHIM_API nas_shim_arm_function nas_shim_arm;
SHIM_API nas_shim_fake_function nas_shim_fake;
SHIM_API nas_shim_hide_function nas_shim_hide;
SHIM_API nas_shim_calls_function nas_shim_calls;
SHIM_API nas_shim_entry_function nas_shim_entry;
SHIM_API nas_shim_live_function nas_shim_live;
SHIM_API nas_shim_happened_function nas_shim_happened;

typedef enum shim_entry {
#define SHIM_ENTRY(name) SHIM_##name,
#include "entries.h"
#undef SHIM_ENTRY
    SHIM_ENTRIES
} shim_entry;

/* What an armed fault does, beside returning a code, which is negative. */
enum { SHIM_GO = 0, SHIM_SKIP, SHIM_NAN, SHIM_WRONG, SHIM_HANG, SHIM_CRASH };

/* The layer below: the drivers, through the loader. */
extern const cl_icd_dispatch *shim_next;

/* faults.c.  Counts a call and says what becomes of it: SHIM_GO, SHIM_SKIP, SHIM_NAN, SHIM_WRONG or a code. */
cl_int shim_enter(shim_entry entry);
/* Some armed fault disturbs numbers: launches and arguments are worth watching. */
bool shim_disturbs(void);
void shim_faults_from_environment(void);
void shim_faults_write(void); /* NAS_SHIM_COUNT */
/* NAS_SHIM_ONLY: this process is meant. */
bool shim_is_meant(void);

/* limits.c */
typedef struct shim_limits {
    char name[256], vendor[256], driver[256], version[256];
    unsigned long long group, items, local, allocation, memory; /* 0: as they are */
    double slow;                                                /* 0: as it is */
    bool no_fp64, no_compiler, not_available;
} shim_limits;
void shim_limits_from_environment(void);
const shim_limits *shim_limits_of(cl_device_id device);
void shim_devices_seen(const cl_device_id *devices,
                       cl_uint count); /* in the order of the listing */
void shim_device_parted(cl_device_id parent, const cl_device_id *parts, cl_uint count);
bool shim_hidden(const char *what); /* "devices", "platforms" */
/* Answers in place of the driver, or changes what it said. */
cl_int shim_device_info(cl_device_id device, cl_device_info what, size_t size, void *value,
                        size_t *needed);
cl_int shim_kernel_group_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                              size_t size, void *value, size_t *needed);
/* The code with which a smaller device refuses, or CL_SUCCESS. */
cl_int shim_refuses_buffer(cl_context context, size_t size);
cl_int shim_refuses_launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                           const size_t *local);
cl_int shim_refuses_build(cl_program program);

/* slow.c */
void shim_slow_queue(cl_command_queue queue, cl_device_id device);
void shim_slow_forget(cl_command_queue queue);
void shim_slow_begins(void);  /* something was enqueued */
void shim_slow_flushed(void); /* a good moment to catch up */
void shim_slow_waited(void);  /* the host has just waited for it */

/* live.c */
typedef enum shim_kind {
    SHIM_CONTEXT,
    SHIM_QUEUE,
    SHIM_MEMORY,
    SHIM_PROGRAM,
    SHIM_KERNEL,
    SHIM_EVENT,
    SHIM_DEVICE,
    SHIM_KINDS
} shim_kind;
extern const char *const shim_kind_names[SHIM_KINDS];
void shim_live_add(shim_kind kind, long change);
long shim_live_count(shim_kind kind);
void shim_memory_made(cl_mem memory, size_t size);
void shim_memory_released(cl_mem memory, int change); /* of its references */
size_t shim_memory_size(cl_mem memory);               /* 0: not one of ours */
unsigned long long shim_memory_sum(void);

/* wrong.c */
void shim_note_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value);
typedef struct shim_launch {
    cl_command_queue queue;
    cl_kernel kernel;
    cl_uint dimensions;
    const size_t *offset, *global, *local;
    cl_uint wait_count;
    const cl_event *waits;
    cl_event *event;
} shim_launch;
/* Runs the launch and then changes what it has written. */
cl_int shim_launch_disturbed(const shim_launch *launch, int how);
void shim_disturb(void *words, size_t size_bytes, int how);

#endif
