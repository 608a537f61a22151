/* fault_scenes.h - short stretches of work with a device, from opening it to giving everything back, that may fail at any call.
 *
 * Each gives a hash of all that it has computed, and always cleans up.  tests/test_faults.c runs them under faults; a new one gets a
 * line in fault_scene_list.h. */
#ifndef FAULT_SCENES_H
#define FAULT_SCENES_H

#include <clnas/base.h>

typedef struct fault_scene {
    const char *name;
    nas_status (*run)(uint64_t *hash); /* untouched on failure */
    const char *device;                /* that it needs, as shim.h fakes it; "": any */
    const char *entries; /* that a short walk looks at; "": all; NULL: all, if it is asked for */
    const char *spare;   /* what this one, unlike the others, can do without */
    const char *through; /* the library's call by which it makes others, whose code it returns */
} fault_scene;

/* Buffers, fences, tapes of launches, fills and copies, on two teams where the device can be parted. */
extern const fault_scene fault_tapes;
/* The same with event times. */
extern const fault_scene fault_profile;
/* One program twice, compiled and then as a binary from a cache that was empty. */
extern const fault_scene fault_binaries;
/* CLBlast. */
extern const fault_scene fault_gemm;
/* Three steps of training a small network, data set on the device, and an evaluation. */
extern const fault_scene fault_training;
/* The same with the data set on the host. */
extern const fault_scene fault_streaming;

#endif
