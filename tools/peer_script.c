/* peer_script.c - see peer_script.h. */
#include "peer_script.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

nas_status peer_script(const char *name, char *path, size_t size)
{
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        NAS_FAIL(NAS_FAILED, "cannot tell where this program lies: no /proc/self/exe");
    *slash = '\0';
    if (snprintf(path, size, "%s/../share/clnas/peers/%s.py", program, name) >= (int)size)
        NAS_FAIL(NAS_FAILED, "the path of %s.py beside %s is too long", name, program);
    return NAS_OK;
}
