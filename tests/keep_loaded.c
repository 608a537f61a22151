/* keep_loaded.c - for sanitizer builds only: libraries stay loaded.
 *
 * OpenCL's loader unloads drivers at exit; the leak checker then sees their memory as coming from an
 * unknown module, which no suppression can name.  Interposing dlclose keeps the names. */
#include <dlfcn.h>

__attribute__((visibility("default"))) int dlclose(void *library)
{
    (void)library;
    return 0;
}
