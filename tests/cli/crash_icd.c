/* crash_icd.c - a driver as bad as they come: it aborts when the loader opens it. */
#include <stdlib.h>

static void __attribute__((constructor)) crash(void)
{
    abort();
}
