/* tensor.h - tensors are values; memory belongs to arenas; NPY and safetensors carry them to disk.
 *
 * One layout: CHWN.  x[((c*H + h)*W + w)*N + n], float32, the batch innermost and padded to a multiple of
 * NAS_BATCH_MULTIPLE; lanes beyond the real batch are padding whose content is undefined unless stated.
 * Weights stay O-I-H-W, row-major.  Files and exports are NCHW.
 */
#ifndef CLNAS_TENSOR_H
#define CLNAS_TENSOR_H

#include <clnas/device.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NAS_BATCH_MULTIPLE = 16,
    NAS_SHARD_SAMPLES =
        64, /* each of four shards or more has so many at least, since less starve the kernels;
               each of two a NAS_BATCH_MULTIPLE */
    NAS_SHARDS = 8
};

/* One sample's shape: channels, height, width.  A vector of F features is {F, 1, 1}. */
typedef struct nas_shape {
    int c, h, w; /* channels, height, width; each at least 1 */
} nas_shape;

/* A view: buffer + offset in floats.  buffer NULL: no tensor. */
typedef struct nas_tensor {
    nas_buffer *buffer; /* lent */
    uint64_t at;    /* floats from the buffer's visible start; a multiple of 16 for arena tensors */
    uint64_t count; /* floats */
} nas_tensor;

NAS_API uint64_t nas_shape_count(nas_shape shape); /* c·h·w */
NAS_API int nas_batch_padded(int batch);           /* rounded up to NAS_BATCH_MULTIPLE */
/* Shards that a batch is best cut into for a step of training (nas_tape_part): 1, 2, 4 … NAS_SHARDS, all as wide.  Follows from
 * the batch and the kind of the device, never from how many cores it has, since sums depend on it.  1 where cores share no work. */
NAS_API int nas_batch_shards(const nas_device *device, int batch);
/* `count` floats of `whole`, from its float `at` on. */
NAS_API nas_tensor nas_tensor_view(nas_tensor whole, uint64_t at, uint64_t count);
NAS_API nas_status nas_tensor_read(nas_tensor tensor, float *to);          /* blocking */
NAS_API nas_status nas_tensor_write(nas_tensor tensor, const float *from); /* blocking */
/* Host-side layout changes: batch samples of `shape`, n_padded ≥ batch lanes (extra lanes zero / dropped). */
NAS_API void nas_chwn_from_nchw(const float *nchw, nas_shape shape, int batch, int n_padded,
                                float *chwn);
/* Back. */
NAS_API void nas_nchw_from_chwn(const float *chwn, nas_shape shape, int batch, int n_padded,
                                float *nchw);

/* ---- arena: plan first, then allocate once ------------------------------------------------------ */

/* An arena is a list of slabs no larger than the device's maximum allocation; a tensor never spans slabs.
 * Reservations name a lifetime [first, last] in plan steps; those that do not overlap may share memory.  Nothing
 * is allocated before nas_arena_commit, and the bytes are known before. */
typedef struct nas_arena nas_arena;

/* An empty one; the device is lent, `label` names its memory in messages. */
NAS_API nas_status nas_arena_create(nas_device *device, const char *label, nas_arena **arena);
NAS_API void nas_arena_destroy(nas_arena *arena);
/* Reserves `count` floats alive from step `first` to `last` (inclusive; 0, INT_MAX: always). */
NAS_API nas_status nas_arena_reserve(nas_arena *arena, uint64_t count, int first, int last,
                                     int *reservation);
/* What is reserved from now on is in use only in passes that take choice `choice` of row `row`, and no pass takes two choices of a row:
 * those of other choices may share its memory at any time.  Row −1, as at first: every pass. */
NAS_API void nas_arena_alternative(nas_arena *arena, int row, int choice);
/* Places all reservations (first fit by decreasing size) without allocating; `*bytes` is the total. */
NAS_API nas_status nas_arena_plan(nas_arena *arena, uint64_t *bytes);
NAS_API nas_status nas_arena_commit(nas_arena *arena); /* plans if need be, allocates the slabs */
NAS_API nas_tensor nas_arena_tensor(const nas_arena *arena, int reservation); /* after commit */

/* ---- files ---------------------------------------------------------------------------------------- */

/* What a NumPy array's numbers are. */
typedef enum nas_npy_type {
    NAS_NPY_FLOAT32,
    NAS_NPY_UINT8,
    NAS_NPY_INT32,
    NAS_NPY_INT64,
    NAS_NPY_FLOAT64
} nas_npy_type;
/* An array as a NumPy file has it. */
typedef struct nas_npy {
    nas_npy_type type;   /* of each number */
    int rank;            /* number of axes */
    uint64_t dims[8];    /* length of each axis */
    void *data;          /* C order, native little endian; free()d by nas_npy_clear */
    uint64_t size_bytes; /* of `data` */
} nas_npy;
/* Versions 1-3, C order (Fortran order is refused by name), sizes checked against the file before allocation.  NAS_DATA: no such file, or none
 * of these. */
NAS_API nas_status nas_npy_read(const char *path, nas_npy *npy);
/* Version 1, atomically.  NAS_SHAPE: there is no such array. */
NAS_API nas_status nas_npy_write(const char *path, nas_npy_type type, int rank,
                                 const uint64_t *dims, const void *data);
NAS_API void nas_npy_clear(nas_npy *npy);

/* safetensors: F32 and F64 tensors by name plus a string map.  The reader refuses what the specification forbids: header
 * over 100 MB or past the end, duplicate keys, holes, overlaps, shape and span that disagree. */
typedef struct nas_safetensor {
    char name[192];   /* NUL-terminated */
    int rank;         /* number of axes */
    uint64_t dims[4]; /* length of each */
    /* Values, F32 or F64: one of the two is NULL.  Lent for writing; owned by the file struct after reading. */
    float *data;
    double *doubles; /* of an F64 tensor, whose `data` is NULL */
} nas_safetensor;
/* A file of tensors with a map of strings. */
typedef struct nas_safetensors {
    nas_safetensor *tensors; /* in the file's order */
    int count;
    char **keys, **values; /* __metadata__ */
    int metadata_count;
    void *storage; /* owned block behind data pointers after reading */
} nas_safetensors;
/* Atomically.  NAS_DATA, NAS_SHAPE: names, texts or shapes that a file cannot have. */
NAS_API nas_status nas_safetensors_write(const char *path, const nas_safetensors *content);
/* Into a zeroed one, which the caller clears.  Everything is checked against the file's size first; NAS_DATA names
 * file and offset. */
NAS_API nas_status nas_safetensors_read(const char *path, nas_safetensors *content);
NAS_API void nas_safetensors_clear(nas_safetensors *content);
/* By name, and a value of the string map by its key; NULL: there is none. */
NAS_API const nas_safetensor *nas_safetensors_find(const nas_safetensors *content,
                                                   const char *name);
/* Of the map; lent. */
NAS_API const char *nas_safetensors_value(const nas_safetensors *content, const char *key);

#ifdef __cplusplus
}
#endif
#endif
