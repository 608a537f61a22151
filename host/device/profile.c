/* profile.c - where the device time goes, by label.
 *
 * Each launch is enqueued with an event, and events are read when many have gathered or when
 * somebody asks. Some drivers' clocks lie (rusticl counts 0, 1, 2 … ns), so the clock is held
 * against the wall once: where a fill of some MiB takes less than a hundredth of its wall time,
 * every launch is timed by the wall with a finish around it instead, which is slower but true. */
#include "opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_LIMIT = 1024, PROBE_BYTES = 8 << 20 };

struct nas__profile {
    bool by_wall;
    nas_profile_row *rows;
    int row_count, row_capacity;
    struct {
        cl_event event;
        int row;
    } pending[PENDING_LIMIT];
    int pending_count;
};

/* Seconds on the device's own clock; 0 where it has none. */
static double event_seconds(cl_event event)
{
    cl_ulong start = 0, end = 0;
    if (clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL) !=
            CL_SUCCESS ||
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) !=
            CL_SUCCESS ||
        end < start)
        return 0;
    return (double)(end - start) * 1e-9;
}

static nas_status probe_clock(nas_device *device, nas_buffer *buffer, bool *lies)
{
    double wall = 0, device_time = 0;
    for (int i = 0; i < 2; i++) { /* the second one counts: the first may touch new pages */
        cl_event event = NULL;
        const cl_uint zeros[4] = {0};
        NAS_TRY(nas__queue_finish(device, device->whole.queue));
        double start = nas_now_s();
        NAS_CL(device, clEnqueueFillBuffer(device->whole.queue, buffer->memory, zeros, sizeof zeros,
                                           NAS_SLACK_BYTES, PROBE_BYTES, 0, NULL, &event));
        cl_int code = clFinish(device->whole.queue); /* nothing was flushed since */
        wall = nas_now_s() - start;
        device_time = event_seconds(event);
        clReleaseEvent(event);
        if (code != CL_SUCCESS)
            return nas__opencl_failed(device, code, "clFinish", __FILE__, __LINE__);
    }
    *lies = device_time < 0.01 * wall || device_time > 2 * wall;
    return NAS_OK;
}

nas_status nas__profile_create(nas_device *device)
{
    nas_buffer *buffer = NULL;
    nas__profile *profile = calloc(1, sizeof *profile);
    if (!profile)
        NAS_FAIL(NAS_MEMORY, "out of memory for the profile");
    nas_status status = nas__buffer_make(device, PROBE_BYTES, "profile probe", false, &buffer);
    if (status == NAS_OK)
        status = probe_clock(device, buffer, &profile->by_wall);
    nas_buffer_destroy(buffer);
    if (status != NAS_OK) {
        free(profile);
        return status;
    }
    if (profile->by_wall)
        nas_log(NAS_LOG_INFO, "the event clock of %s lies: launches are timed one by one",
                device->info.name);
    device->profile = profile;
    return NAS_OK;
}

static void drop_pending(nas__profile *profile)
{
    for (int i = 0; i < profile->pending_count; i++)
        clReleaseEvent(profile->pending[i].event);
    profile->pending_count = 0;
}

void nas__profile_destroy(nas__profile *profile)
{
    if (!profile)
        return;
    drop_pending(profile);
    free(profile->rows);
    free(profile);
}

nas_status nas__profile_row(nas__profile *profile, const char *label, int *row)
{
    char name[sizeof profile->rows->label];
    snprintf(name, sizeof name, "%s", label);
    for (int i = 0; i < profile->row_count; i++) {
        if (strcmp(profile->rows[i].label, name) == 0) {
            *row = i;
            return NAS_OK;
        }
    }
    if (profile->row_count == profile->row_capacity) {
        int capacity = profile->row_capacity ? 2 * profile->row_capacity : 64;
        nas_profile_row *more = realloc(profile->rows, (size_t)capacity * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "out of memory for the profile");
        profile->rows = more;
        profile->row_capacity = capacity;
    }
    *row = profile->row_count++;
    profile->rows[*row] = (nas_profile_row){0};
    memcpy(profile->rows[*row].label, name, sizeof name);
    return NAS_OK;
}

bool nas__profile_by_wall(const nas__profile *profile)
{
    return profile->by_wall;
}

void nas__profile_wall(nas__profile *profile, int row, double seconds)
{
    profile->rows[row].launches++;
    profile->rows[row].seconds += seconds;
}

/* Waits for the queue and reads the gathered events. */
static nas_status collect(nas_device *device)
{
    nas__profile *profile = device->profile;
    if (profile->pending_count == 0)
        return NAS_OK;
    NAS_TRY(nas_device_finish(device));
    for (int i = 0; i < profile->pending_count; i++)
        nas__profile_wall(profile, profile->pending[i].row,
                          event_seconds(profile->pending[i].event));
    drop_pending(profile);
    return NAS_OK;
}

nas_status nas__profile_event(nas_device *device, int row, cl_event event)
{
    nas__profile *profile = device->profile;
    profile->pending[profile->pending_count].event = event;
    profile->pending[profile->pending_count].row = row;
    profile->pending_count++;
    return profile->pending_count == PENDING_LIMIT ? collect(device) : NAS_OK;
}

static int slower_first(const void *a, const void *b)
{
    const nas_profile_row *left = a, *right = b;
    if (left->seconds != right->seconds)
        return left->seconds < right->seconds ? 1 : -1;
    return strcmp(left->label, right->label);
}

nas_status nas_device_profile(nas_device *device, nas_profile_row **rows, int *count)
{
    nas__profile *profile = device->profile;
    if (!profile)
        NAS_FAIL(NAS_CONFIG, "device %s was opened without the profile option", device->info.id);
    NAS_TRY(collect(device));
    nas_profile_row *list = calloc((size_t)profile->row_count + 1, sizeof *list);
    if (!list)
        NAS_FAIL(NAS_MEMORY, "out of memory for the profile");
    int kept = 0;
    for (int i = 0; i < profile->row_count; i++)
        if (profile->rows[i].launches > 0)
            list[kept++] = profile->rows[i];
    qsort(list, (size_t)kept, sizeof *list, slower_first);
    *rows = list;
    *count = kept;
    return NAS_OK;
}

void nas_device_profile_reset(nas_device *device)
{
    nas__profile *profile = device->profile;
    if (!profile)
        return;
    drop_pending(profile);
    for (int i = 0; i < profile->row_count; i++) {
        profile->rows[i].launches = 0;
        profile->rows[i].seconds = 0;
    }
}
