/* device.h - OpenCL devices: finding them, memory, kernels, and the tape of prepared launches.
 *
 * This is the only room that sees OpenCL (1.2 API, OpenCL C 1.2).  Everything above records its work
 * once as a *tape* - a list of kernels with their arguments set - and then replays it: a training
 * step costs one enqueue per launch and no argument setting.  What changes from step to step
 * (counters, learning rate) lies in device memory, in the step block.
 *
 * Every failure carries call, kernel, sizes, device and the symbolic OpenCL code.
 */
#ifndef CLNAS_DEVICE_H
#define CLNAS_DEVICE_H

#include <clnas/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- discovery -------------------------------------------------------------------------------- */

/* What kind of processor a device is; OTHER: accelerators. */
typedef enum nas_device_type { NAS_DEVICE_CPU, NAS_DEVICE_GPU, NAS_DEVICE_OTHER } nas_device_type;

/* What a driver says of one device, as of the moment it was asked. */
typedef struct nas_device_info {
    int platform, index;                             /* "platform:index", as clinfo numbers them */
    char id[16];                                     /* the same as text: "0:0" */
    char name[256], vendor[256], platform_name[256]; /* as its driver says it */
    /* Of OpenCL; of the driver; of OpenCL C; of the platform's OpenCL. */
    char version[256], driver[256], c_version[64], platform_version[256];
    nas_device_type type;  /* by CL_DEVICE_TYPE */
    bool usable;           /* available, with a compiler, little endian, float32 */
    char why_not[128];     /* when it is not usable */
    bool fp64, sub_groups; /* what it has beside the least */
    bool on_host;          /* kernels are threads of this process, private memory is cache */
    /* Cores or their like; MHz; floats of a native vector. */
    unsigned compute_units, clock_mhz, native_float_lanes;
    uint64_t memory_bytes, allocation_bytes; /* of the whole; of one buffer at most */
    /* Of the last cache, of local memory of a group; work-items of a group at most. */
    uint64_t cache_bytes, local_bytes, group_items;
    unsigned alignment_bytes; /* of a sub-buffer's start */
} nas_device_info;

/* All devices of all platforms; platforms without devices and queries that fail are no error.
 * `*devices` is free()d by the caller; `*count` may be 0 (and the status OK). */
NAS_API nas_status nas_devices_list(nas_device_info **devices, int *count);

/* Picks one from a list.  `match`: "" or "any" (GPU before other before CPU), "0:1" (platform:device),
 * "type:gpu", "type:cpu", "vendor:amd", or a part of the name (case-insensitive) that fits one device
 * only.  No match or no device: NAS_NO_DEVICE with the candidates named. */
NAS_API nas_status nas_device_select(const nas_device_info *devices, int count, const char *match,
                                     int *chosen);

/* ---- drivers: one in a process ---------------------------------------------------------------------
 *
 * A driver is a file of the loader's vendors' folder (/etc/OpenCL/vendors, or what OCL_ICD_VENDORS says), named without
 * a path: "pocl.icd".  Two drivers in one address space may crash each other, so a process that works takes one. */

enum { NAS_DRIVERS = 32, NAS_DRIVER_SIZE = 128 };

/* Names of drivers. */
typedef struct nas_drivers {
    int count;
    char name[NAS_DRIVERS][NAS_DRIVER_SIZE]; /* sorted */
} nas_drivers;

/* Every driver; none where OCL_ICD_VENDORS names one file in place of a folder.  No OpenCL is loaded. */
NAS_API void nas_drivers_find(nas_drivers *drivers);
/* This process, and those it starts from now on, see `driver` alone; to be called before anything of OpenCL.  "" and
 * NULL change nothing.  NAS_NO_DEVICE with the drivers there are; NAS_CONFIG: it is no name of a driver. */
NAS_API nas_status nas_driver_use(const char *driver);
/* The driver that OCL_ICD_VENDORS names as the only one, without its folder; "": all are seen. */
NAS_API const char *nas_driver_alone(void);

/* ---- an open device ----------------------------------------------------------------------------- */

/* An open device.  One thread at a time may use it, with all that was made on it. */
typedef struct nas_device nas_device;

/* How to open one; a zeroed one is the default. */
typedef struct nas_device_options {
    bool profile;         /* event times per kernel (slower); see nas_device_profile */
    bool no_binary_cache; /* always build from source */
    int lanes;            /* 0: from the device's native width; else 4, 8 or 16 */
    bool untuned;         /* leave the device's tuning file alone */
    bool inexact;         /* rows that add up in another order count, too (exact = false) */
} nas_device_options;

/* Context, in-order queue, kernel cache.  `options` may be NULL.  The environment has a say:
 *   CLNAS_DEVICE        the match where `match` is NULL or ""
 *   CLNAS_LANES         4, 8 or 16 where options->lanes is 0
 *   CLNAS_SHARES        shares of the image (cl/share.clh) in place of one for each thread; 0: none, where kernels are not threads
 *                       of the process there are none either
 *   CLNAS_TEAMS         the most teams of cores with a queue each (nas_tape_part), 1: none
 *   CLNAS_KERNEL_CACHE  always, never; else binaries are kept on disk for all but PoCL, which has its own cache
 *   CLNAS_TUNING        folder of tuning files (nas_tuning_path), or never */
NAS_API nas_status nas_device_open(const char *match, const nas_device_options *options,
                                   nas_device **device);
NAS_API void nas_device_destroy(nas_device *device);
/* Lent as long as the device is open. */
NAS_API const nas_device_info *nas_device_describe(const nas_device *device);
/* Width of the register vectors that kernels use (define LANES): 4, 8 or 16. */
NAS_API int nas_device_lanes(const nas_device *device);
/* Did options or CLNAS_LANES say so?  Then operators choose no other width for a kernel of theirs. */
NAS_API bool nas_device_lanes_given(const nas_device *device);
/* Blocks until all enqueued work is done. */
NAS_API nas_status nas_device_finish(nas_device *device);
/* Live buffers, tapes and kernels on tapes: 0 in every test at its end.  (Programs belong to the device.)  Buffers
 * and tapes must be destroyed before their device. */
NAS_API int nas_device_live_objects(const nas_device *device);

/* ---- tuning: what was measured to be fast on a device -------------------------------------------------
 *
 * A table says for a kind of kernel ("conv2d 3x3 s1 d1") which values of its parameters clnas-tune found to be the fastest on this device;
 * what they mean is the operators' business (ops.h).  Rows are of one of two classes: those of the canonical class change
 * no bit of any result; inexact ones add up in another order, and count only where that was asked for.
 *
 * One text file per device, which an open device picks up by itself unless lanes are given.  One that was made with
 * another driver, platform or other kernels is stale: it is left alone, and a log line says so. */
enum { NAS_TUNING_VALUES = 12, NAS_TUNING_ROWS = 1024, NAS_TUNING_SIZE = 256 << 10 };

/* One parameter of a kernel. */
typedef struct nas_tuning_value {
    char name[24]; /* "tile_m" */
    int value;     /* 0 … 65536 */
} nas_tuning_value;

/* What was measured to be the fastest for one kind of kernel. */
typedef struct nas_tuning_row {
    char key[64];                               /* "conv2d 3x3 s1 d1" */
    nas_tuning_value values[NAS_TUNING_VALUES]; /* the first `count` count */
    int count;
    bool inexact; /* adds up in another order than an untuned device */
    double gain;  /* time of the default / time of this, when it was measured */
} nas_tuning_row;

/* A zeroed one is empty.  One row per key and class. */
typedef struct nas_tuning {
    nas_tuning_row *rows; /* owned */
    int count, capacity;
    char date[32]; /* "2026-11-29", or "" */
} nas_tuning;

NAS_API void nas_tuning_clear(nas_tuning *tuning);
/* Deep; `to` is overwritten. */
NAS_API nas_status nas_tuning_copy(const nas_tuning *from, nas_tuning *to);
/* Adds the row or replaces the one of its key and class.  NAS_CONFIG: no such key or value can be written. */
NAS_API nas_status nas_tuning_set(nas_tuning *tuning, const nas_tuning_row *row);
/* The inexact row of the key where there is one, else the other; NULL: none. */
NAS_API const nas_tuning_row *nas_tuning_find(const nas_tuning *tuning, const char *key);
/* The value of that name; `fallback` where the row, or NULL, has none. */
NAS_API int nas_tuning_value_of(const nas_tuning_row *row, const char *name, int fallback);

/* The file's text for this device, and back.  NAS_DATA with file:line: not such a text. `current` tells whether the
 * text is of this device, driver and set of kernels; if not, `why` (may be NULL) gets a sentence without a full stop. */
NAS_API void nas_tuning_write(const nas_tuning *tuning, const nas_device_info *device,
                              nas_text *text);
/* Back, into a zeroed table, which the caller clears. */
NAS_API nas_status nas_tuning_parse(const char *text, size_t size, const char *file,
                                    const nas_device_info *device, nas_tuning *tuning,
                                    bool *current, char why[256]);
/* What its file is called, and a study's copy of the table: "NAME-HASH". */
NAS_API void nas_tuning_name(const nas_device_info *device, char name[64]);
/* Where the device's file is or would be.  NAS_CONFIG: nowhere (CLNAS_TUNING = never, no home). */
NAS_API nas_status nas_tuning_path(const nas_device_info *device, char *path, size_t size);

/* What became of a device's tuning file. */
typedef enum nas_tuning_state {
    NAS_TUNING_NONE,
    NAS_TUNING_STALE,  /* of another driver or other kernels */
    NAS_TUNING_BROKEN, /* not such a file */
    NAS_TUNING_CURRENT
} nas_tuning_state;
/* Reads it.  Never fails but for memory: with any other state than current the table is empty and `why` (may be NULL) says what is. */
NAS_API nas_status nas_tuning_load(const nas_device_info *device, nas_tuning *tuning,
                                   nas_tuning_state *state, char why[256]);
/* Writes it atomically, making its folder. */
NAS_API nas_status nas_tuning_save(const nas_tuning *tuning, const nas_device_info *device);

/* The table of an open device; an empty one where it has none. */
NAS_API const nas_tuning *nas_device_tuning(const nas_device *device);
/* Takes a copy (NULL: empty), `inexact` rows only if they may count.  Tapes that are recorded keep what they had, so call
 * it before anything is recorded. */
NAS_API nas_status nas_device_set_tuning(nas_device *device, const nas_tuning *tuning,
                                         bool inexact);

/* ---- memory --------------------------------------------------------------------------------------- */

/* A piece of a device's memory. */
typedef struct nas_buffer nas_buffer;

/* Buffers have 256 bytes of slack before and after the visible range, so that kernels may load whole
 * vectors at the edges.  Contents start as zeros.  Sizes and offsets are in bytes. */
NAS_API nas_status nas_buffer_create(nas_device *device, uint64_t size_bytes, const char *label,
                                     nas_buffer **buffer);
NAS_API void nas_buffer_destroy(nas_buffer *buffer);
NAS_API uint64_t nas_buffer_size(const nas_buffer *buffer); /* visible bytes, as asked for */
/* Blocking copies between host and device. */
NAS_API nas_status nas_buffer_read(nas_buffer *buffer, uint64_t offset, uint64_t size, void *to);
/* Blocking, too. */
NAS_API nas_status nas_buffer_write(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                    const void *from);
/* Enqueued, not waited for; `pattern` (1 … 128 bytes, a power of two) is copied before the call
 * returns.  offset and size are multiples of pattern_size. */
NAS_API nas_status nas_buffer_fill(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                   const void *pattern, unsigned pattern_size);
/* Enqueued, not waited for; the two may not overlap. */
NAS_API nas_status nas_buffer_copy(nas_buffer *from, uint64_t from_offset, nas_buffer *to,
                                   uint64_t to_offset, uint64_t size);

/* Enqueued, not waited for: `from` must stay untouched until a fence put behind the write was waited for. */
NAS_API nas_status nas_buffer_write_later(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                          const void *from);
/* A point of the queue: reached when all work enqueued before it is done.  Where none can be put, that work is waited for. */
typedef struct nas_fence nas_fence;
/* Behind all that is enqueued; to be waited for once. */
NAS_API nas_status nas_fence_put(nas_device *device, nas_fence **fence);
NAS_API nas_status
nas_fence_wait(nas_fence *fence); /* and destroys it; NULL: nothing to wait for */

/* ---- tapes: prepared launches ------------------------------------------------------------------------ */

/* A recorded sequence of launches, to be run again and again. */
typedef struct nas_tape nas_tape;

/* What a kernel's argument is. */
typedef enum nas_argument_type {
    NAS_ARGUMENT_BUFFER, /* sets two kernel arguments: __global T *home, ulong at (in floats) */
    NAS_ARGUMENT_INT,
    NAS_ARGUMENT_FLOAT,
    NAS_ARGUMENT_UINT,
    NAS_ARGUMENT_ULONG,
    NAS_ARGUMENT_SHARES, /* sets the five SHARES of cl/share.clh: the launch's grid is shared out to threads */
} nas_argument_type;

/* One argument; the macros below make them. */
typedef struct nas_argument {
    nas_argument_type type; /* which of the following counts */
    nas_buffer *buffer;     /* NULL: nothing; the kernel gets a small dummy and must not touch it */
    uint64_t
        at; /* offset in elements of 4 bytes from the visible start (may be used with uchar data at 0) */
    int32_t integer; /* of NAS_ARGUMENT_INT */
    float real;      /* of NAS_ARGUMENT_FLOAT */
    uint32_t word;   /* of NAS_ARGUMENT_UINT */
    uint64_t wide;   /* of NAS_ARGUMENT_ULONG */
} nas_argument;

/* A buffer from `offset` on, in elements of 4 bytes. */
#define NAS_ARG_BUFFER(b, offset)                                                                  \
    ((nas_argument){.type = NAS_ARGUMENT_BUFFER, .buffer = (b), .at = (offset)})
/* A tensor's buffer, from where it begins. */
#define NAS_ARG_TENSOR(t) NAS_ARG_BUFFER((t).buffer, (t).at)
/* The shares of the launch's grid, cl/share.clh. */
#define NAS_ARG_SHARES ((nas_argument){.type = NAS_ARGUMENT_SHARES})
/* An int. */
#define NAS_ARG_INT(i) ((nas_argument){.type = NAS_ARGUMENT_INT, .integer = (i)})
/* A float. */
#define NAS_ARG_FLOAT(f) ((nas_argument){.type = NAS_ARGUMENT_FLOAT, .real = (f)})
/* A uint. */
#define NAS_ARG_UINT(u) ((nas_argument){.type = NAS_ARGUMENT_UINT, .word = (u)})
/* A ulong. */
#define NAS_ARG_ULONG(u) ((nas_argument){.type = NAS_ARGUMENT_ULONG, .wide = (u)})

/* One launch, as ops describe it.  The program is (source, defines): building it happens once per
 * process and its binary is kept on disk.  `defines` is a text such as "-DKH=3 -DKW=3" (LANES is added
 * by the device room).  A work-group is `local` items; every global size must be a multiple of its local
 * one; 0 in local means 1.  Dimensions that are 0 count as 1. */
typedef struct nas_launch {
    const char *source;            /* "conv2d": cl/conv2d.cl */
    const char *kernel;            /* "conv2d_forward" */
    const char *defines;           /* NULL: none */
    size_t global[3], local[3];    /* in work-items; of a group */
    const nas_argument *arguments; /* in the kernel's order; lent for the call */
    int argument_count;
    const char *label; /* shown in profiles and errors; NULL: the kernel's name */
} nas_launch;

/* An empty tape; `label` names it in messages and is copied. */
NAS_API nas_status nas_tape_create(nas_device *device, const char *label, nas_tape **tape);
NAS_API void nas_tape_destroy(nas_tape *tape);
/* Builds or finds the kernel, sets its arguments for good and appends the launch.  Buffers are lent and must
 * outlive the tape. */
NAS_API nas_status nas_tape_add(nas_tape *tape, const nas_launch *launch);
/* Appends a fill or copy as part of the tape. */
NAS_API nas_status nas_tape_add_fill(nas_tape *tape, nas_buffer *buffer, uint64_t offset,
                                     uint64_t size, float value);
/* The same of a copy. */
NAS_API nas_status nas_tape_add_copy(nas_tape *tape, nas_buffer *from, uint64_t from_offset,
                                     nas_buffer *to, uint64_t to_offset, uint64_t size);
/* Appends single-precision C = alpha·A·B + beta·C through CLBlast (row-major; optional transposes; offsets
 * in floats). */
typedef struct nas_gemm {
    int m, n, k;                      /* C is m × n, k is what is summed over */
    bool transpose_a, transpose_b;    /* stored the other way round */
    float alpha, beta;                /* factors of the product and of what is in C */
    nas_buffer *a, *b, *c;            /* lent */
    uint64_t a_at, b_at, c_at;        /* first element of each */
    int a_stride, b_stride, c_stride; /* floats from one row to the next */
} nas_gemm;
/* NAS_DEVICE: CLBlast refuses, by its code. */
NAS_API nas_status nas_tape_add_gemm(nas_tape *tape, const nas_gemm *gemm);
/* Launches that are added from here on run only while guard `guard` is open; 0, as at first: always. */
NAS_API void nas_tape_guard(nas_tape *tape, int guard);
/* Which guards are open: bit g % 32 of open[g / 32], looked at by each run; lent.  NULL, as at first: all are. */
NAS_API void nas_tape_guards(nas_tape *tape, const uint32_t *open);

/* ---- shards: queues side by side
 *
 * Samples of a batch meet at few points of a step, so a batch can be cut into shards (nas_batch_shards) that run side by side, each
 * on a team of the cores of its own, which keeps what it computes in its caches.  A tape in shards says of each entry whose it
 * is.  Entries of one shard run in order; those of different shards in any order but for meetings: what is recorded behind a
 * meeting runs after all that was recorded before it.  An entry of all shards is in order with everything, and so are
 * tapes with each other.  Where the driver cannot part the device all run one after the other, with the same bits. */
enum { NAS_ALL_SHARDS = -1 };
/* Before the first entry: the tape has `shards` shards.  1, as it is without: every entry is in order. */
NAS_API nas_status nas_tape_part(nas_tape *tape, int shards);
/* The entries that follow are of this shard; at first, NAS_ALL_SHARDS. */
NAS_API void nas_tape_shard(nas_tape *tape, int shard);
/* What is recorded from here on runs after all that was recorded before, of any shard. */
NAS_API nas_status nas_tape_meet(nas_tape *tape);

NAS_API int nas_tape_length(const nas_tape *tape); /* entries */
/* Enqueues every launch that is not guarded off, in order; does not wait.  (Flushes now and then, so that the device starts.) */
NAS_API nas_status nas_tape_run(nas_tape *tape);
/* Of the guarded launches those whose guard is open in `open`, bits as those of nas_tape_guards; nothing else: what a part costs. */
NAS_API nas_status nas_tape_run_part(nas_tape *tape, const uint32_t *open);

/* ---- what was built, what it cost ---------------------------------------------------------------------- */

/* What building kernels came to. */
typedef struct nas_build_counts {
    int programs;    /* distinct (source, defines) used by this process on this device */
    int from_source; /* of these, compiled */
    int from_cache;  /* of these, loaded as binaries */
    double seconds;  /* spent building */
} nas_build_counts;
NAS_API nas_build_counts nas_device_builds(const nas_device *device); /* since it was opened */

/* What the driver's compiler said of programs that it refused, or warned about when it compiled them (binaries from a cache say nothing),
 * since the device was opened: the first 32, the first 16,384 bytes of each.  Lent until the device is destroyed.  May name paths. */
typedef struct nas_build_log {
    const char *program; /* "conv2d": cl/conv2d.cl */
    char *options;       /* as the compiler got them */
    bool built;          /* false: refused */
    char *words;         /* of the compiler */
} nas_build_log;
NAS_API int nas_device_build_log_count(const nas_device *device); /* at most 32 */
/* From 0. */
NAS_API const nas_build_log *nas_device_build_log_at(const nas_device *device, int index);

/* Time of all launches with one label. */
typedef struct nas_profile_row {
    char label[96];    /* as launches give it */
    uint64_t launches; /* so many */
    double
        seconds; /* device time by events; by the wall around each launch where the driver's clock lies */
} nas_profile_row;
/* Rows sorted by time, largest first; free() them.  Needs nas_device_options.profile. */
NAS_API nas_status nas_device_profile(nas_device *device, nas_profile_row **rows, int *count);
NAS_API void nas_device_profile_reset(nas_device *device); /* begins anew */

/* "CL_OUT_OF_RESOURCES" for -5 and so on; "unknown OpenCL error" otherwise. */
NAS_API const char *nas_opencl_error_name(int code);

#ifdef __cplusplus
}
#endif
#endif
