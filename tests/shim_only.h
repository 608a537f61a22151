/* shim_only.h - the layer of tests/shim in those processes alone that a test starts with one certain argument. */
#ifndef SHIM_ONLY_H
#define SHIM_ONLY_H

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static inline bool shim_is_there(void)
{
    return getenv("NAS_SHIM") && access(getenv("NAS_SHIM"), R_OK) == 0;
}

/* NAS_SHIM_… of tests/shim/shim.h; NULL: not set. */
typedef struct shim_orders {
    const char *only, *device, *fault, *once, *hide;
} shim_orders;

static inline void shim_set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static inline void shim_begin(shim_orders orders)
{
    shim_set("OPENCL_LAYERS", getenv("NAS_SHIM"));
    shim_set("NAS_SHIM_ONLY", orders.only);
    shim_set("NAS_SHIM_DEVICE", orders.device);
    shim_set("NAS_SHIM_FAULT", orders.fault);
    shim_set("NAS_SHIM_ONCE", orders.once);
    shim_set("NAS_SHIM_HIDE", orders.hide);
}

static inline void shim_end(void)
{
    shim_begin((shim_orders){0});
    unsetenv("OPENCL_LAYERS");
}

#endif
