/* clock.c - time and version.  Time is for people, leases and benchmarks; it never decides a result. */
#include <clnas/base.h>

#include <time.h>

double nas_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double nas_cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int64_t nas_time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void nas_version(int *major, int *minor, int *patch)
{
    *major = NAS_VERSION_MAJOR;
    *minor = NAS_VERSION_MINOR;
    *patch = NAS_VERSION_PATCH;
}
