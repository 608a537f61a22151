/* shim.h - an OpenCL layer for tests: a device that errs, hangs, crashes, lies, is slow or is smaller than the real one.
 *
 * The loader (ocl-icd ≥ 2.3, Khronos' loader too) puts a layer between a program and its drivers when OPENCL_LAYERS names
 * one.  This one, libnas_shim.so, passes every call on and does on the way what its environment asks for:
 *
 *   NAS_SHIM_FAULT   ENTRY:N[+]:ACTION, several with commas.  The Nth call of ENTRY (clFinish, …; * for any that the shim
 *                    knows) since the start, with + also every one after it.  ACTION is an OpenCL code that is returned
 *                    (-5), or
 *                      hang    the call never returns            crash   SIGSEGV
 *                      skip    CL_SUCCESS, but nothing is done   nan     the numbers that come out of it are NaN
 *                      wrong   they are a little off (wrong.c)
 *   NAS_SHIM_ONCE    a file: faults happen only in the process that manages to create it, so that the next worker has none
 *   NAS_SHIM_DEVICE  KEY=VALUE, several with ; or |, for all devices; NAS_SHIM_DEVICE_0, _1, … for the first, the second:
 *                      slow=10         takes ten times as long, by sleeping (slow.c)
 *                      name= vendor= driver= version=      texts that it reports
 *                      group=64        largest work-group; items=64 largest in each dimension
 *                      local=16384 allocation=… memory=…   bytes
 *                      fp64=no compiler=no available=no    what it has
 *                    Limits are kept as well as reported: a launch or a buffer over them fails, as on a real device.
 *                    (fp64=no is only reported: the driver's compiler still takes double.)
 *   NAS_SHIM_HIDE    devices: platforms are empty; platforms: there are none
 *   NAS_SHIM_COUNT   a file that gets, at exit, a line "calls ENTRY N" for each entry point and "live KIND N" for
 *                    references to OpenCL objects that were not given back
 *   NAS_SHIM_ONLY    an argument of the command line (alias=slow, worker): in processes without it the shim does nothing
 *
 * What fails is not done, as with a real driver; but waits and releases are done and then fail: a test must not leave
 * kernels running in memory that it frees.  So is a build that fails with CL_BUILD_PROGRAM_FAILURE, for it must have a log.
 *
 * A test program that runs under the layer can arm it again and again in one process: nas_shim_load finds the functions below in the
 * layer.  Layout: shim.c the layer and its calls, entries.h their list, faults.c, limits.c, slow.c, wrong.c, live.c.  Use of it:
 * tests/test_faults.c, tests/cli/faults.sh, NAME@small in tests/CMakeLists.txt. */
#ifndef NAS_SHIM_H
#define NAS_SHIM_H

#include <dlfcn.h>
#include <stdlib.h>

/* Faults as in NAS_SHIM_FAULT, "" for none; counting starts again.  0, or -1 where the text is wrong. */
typedef int nas_shim_arm_function(const char *faults);
/* What all devices pretend, as in NAS_SHIM_DEVICE, "" for nothing. */
typedef int nas_shim_fake_function(const char *device);
/* As NAS_SHIM_HIDE; "" for nothing. */
typedef int nas_shim_hide_function(const char *what);
/* Calls since the shim was armed last, of ENTRY or "*"; -1 where there is none of this name. */
typedef long nas_shim_calls_function(const char *entry);
/* Name of an entry point, NULL at the end of the list. */
typedef const char *nas_shim_entry_function(int index);
/* References to live objects of KIND (context, queue, memory, program, kernel, event, device), "*" for all. */
typedef long nas_shim_live_function(const char *kind);
/* Faults that have happened since the shim was armed. */
typedef long nas_shim_happened_function(void);

typedef struct nas_shim {
    nas_shim_arm_function *arm;
    nas_shim_fake_function *fake;
    nas_shim_hide_function *hide;
    nas_shim_calls_function *calls;
    nas_shim_entry_function *entry;
    nas_shim_live_function *live;
    nas_shim_happened_function *happened;
} nas_shim;

/* False where the program does not run under the layer.  Call it after the first OpenCL call. */
static inline int nas_shim_load(nas_shim *shim)
{
    const char *path = getenv("OPENCL_LAYERS");
    void *layer = path ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
    if (!layer)
        return 0;
    *(void **)&shim->arm = dlsym(layer, "nas_shim_arm");
    *(void **)&shim->fake = dlsym(layer, "nas_shim_fake");
    *(void **)&shim->hide = dlsym(layer, "nas_shim_hide");
    *(void **)&shim->calls = dlsym(layer, "nas_shim_calls");
    *(void **)&shim->entry = dlsym(layer, "nas_shim_entry");
    *(void **)&shim->live = dlsym(layer, "nas_shim_live");
    *(void **)&shim->happened = dlsym(layer, "nas_shim_happened");
    return shim->arm && shim->fake && shim->hide && shim->calls && shim->entry && shim->live &&
           shim->happened;
}

#endif
