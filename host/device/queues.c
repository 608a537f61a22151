/* queues.c - one queue for the whole device, and queues for teams of its cores.
 *
 * A CPU whose cores share no cache loses much when a kernel is spread over all of them: what one core wrote, another has to fetch.
 * OpenCL can part a device into sub-devices with queues of their own (1.2, clCreateSubDevices); work for samples that have little
 * to do with each other then stays on one part of the cores, here a *team*, from its first kernel to its last, and only its threads
 * are woken.  A device is parted into 2, 4 and 8 teams, as far as it has units; a tape says how many it wants.
 *
 * Order: work for the whole device (all that is not on a tape in shards) is in order with everything.  So the first
 * command of a team waits for all that the whole device was given before (`fork`), the first one for the whole device for all teams
 * (nas__queues_join), and between the two each team is in order by itself.  A meeting lets each team wait for what the
 * others were given before.  All this is done by wait lists: the host waits for nothing.
 *
 * Where a driver parts no devices (most GPUs, Oclgrind), there is one queue and all that is said here is true by itself. */
#include "opencl.h"

#include <pthread.h>
#include <stdlib.h>

/* Teams of all partings lie in one list: two, then four, then eight. */
nas__queue *nas__queue_of(nas_device *device, int teams, int team)
{
    return teams > 1 ? &device->teams[teams - 2 + team] : &device->whole;
}

/* ---- opening ---------------------------------------------------------------------------------- */

/* A share for each thread, and room for the counters of cl/share.clh, which counts from the start of the memory.  One share is
 * the whole: none.  CLNAS_SHARES asks for another number, 0 to switch them off. */
static nas_status make_shares(nas_device *device, nas__queue *queue, unsigned units)
{
    enum { SHARES_MOST = 4096 };
    const char *variable = getenv("CLNAS_SHARES");
    int wanted = variable ? atoi(variable) : (int)units;
    if (!device->info.on_host || wanted < 2)
        return NAS_OK;
    queue->shares = (unsigned)(wanted < SHARES_MOST ? wanted : SHARES_MOST);
    uint64_t words = 32 + (queue->shares + 31) / 32 * 32 + 32 * (uint64_t)queue->shares;
    return nas__buffer_make(device, 4 * words, "claims", false, &queue->claims);
}

static unsigned units_of(const nas_device *device, int teams, int team)
{
    const unsigned units = device->info.compute_units, t = (unsigned)team, q = (unsigned)teams;
    return units * (t + 1) / q - units * t / q;
}

/* Sub-devices are made once in a process and never given back: a thread of PoCL (3.1) still looks at the device of a command that
 * clFinish has waited for, and nothing but our own reference keeps a sub-device alive.  Who opens the device again takes the same. */
typedef struct partition {
    struct partition *next;
    cl_device_id whole, ids[NAS_TEAMS];
    int teams;
} partition;
static partition *partitions;
static pthread_mutex_t partitions_lock = PTHREAD_MUTEX_INITIALIZER;

/* Sub-devices with nearly as many units each; NULL where the driver makes none. */
static partition *make_partition(const nas_device *device, int teams)
{
    cl_device_partition_property counts[NAS_TEAMS + 3] = {CL_DEVICE_PARTITION_BY_COUNTS};
    cl_uint made = 0;
    partition *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    for (int t = 0; t < teams; t++)
        counts[1 + t] = (cl_device_partition_property)units_of(device, teams, t);
    counts[1 + teams] = CL_DEVICE_PARTITION_BY_COUNTS_LIST_END;
    if (clCreateSubDevices(device->id, counts, (cl_uint)teams, p->ids, &made) != CL_SUCCESS ||
        made != (cl_uint)teams) {
        free(p);
        return NULL;
    }
    p->whole = device->id;
    p->teams = teams;
    p->next = partitions;
    partitions = p;
    return p;
}

static bool part(nas_device *device, int teams)
{
    pthread_mutex_lock(&partitions_lock);
    partition *p = partitions;
    while (p && (p->whole != device->id || p->teams != teams))
        p = p->next;
    p = p ? p : make_partition(device, teams);
    for (int t = 0; p && t < teams; t++)
        nas__queue_of(device, teams, t)->id = p->ids[t];
    pthread_mutex_unlock(&partitions_lock);
    return p != NULL;
}

/* CLNAS_TEAMS is the most there may be, 1 to switch them off. */
void nas__queues_part(nas_device *device)
{
    const char *variable = getenv("CLNAS_TEAMS");
    const int wanted = variable ? atoi(variable) : NAS_TEAMS;
    const bool can = device->info.on_host && device->info.type == NAS_DEVICE_CPU;
    device->team_limit = device->parted = 1;
    for (int teams = 2; can && teams <= NAS_TEAMS && teams <= wanted; teams *= 2) {
        if ((unsigned)teams > device->info.compute_units || !part(device, teams))
            return;
        device->team_limit = teams;
    }
}

int nas__queues_ids(const nas_device *device, cl_device_id ids[NAS_DEVICE_IDS])
{
    int count = 1;
    ids[0] = device->id;
    for (int i = 0; i < NAS_DEVICE_IDS - 1; i++)
        if (device->teams[i].id)
            ids[count++] = device->teams[i].id;
    return count;
}

static nas_status open_queue(nas_device *device, nas__queue *queue, cl_device_id id, bool profile)
{
    cl_int code = CL_SUCCESS;
    const cl_command_queue_properties wanted = profile ? CL_QUEUE_PROFILING_ENABLE : 0;
    queue->queue = clCreateCommandQueue(device->context, id, wanted, &code);
    if (!queue->queue)
        return nas__opencl_failed(device, code, "clCreateCommandQueue", __FILE__, __LINE__);
    return NAS_OK;
}

nas_status nas__queues_open(nas_device *device, bool profile)
{
    if (!device->whole.queue) /* else it was handed in */
        NAS_TRY(open_queue(device, &device->whole, device->id, profile));
    NAS_TRY(make_shares(device, &device->whole, device->info.compute_units));
    for (int teams = 2; teams <= device->team_limit; teams *= 2)
        for (int t = 0; t < teams; t++) {
            nas__queue *queue = nas__queue_of(device, teams, t);
            NAS_TRY(open_queue(device, queue, queue->id, profile));
            NAS_TRY(make_shares(device, queue, units_of(device, teams, t)));
        }
    return NAS_OK;
}

/* clFinish of Mesa 22.3's rusticl waits for the last command since a clFlush alone, and returns at once where there is none: behind a tape, which
 * flushes, it waited for nothing, and all that was timed seemed to take no time.  With a marker there is always one. */
nas_status nas__queue_finish(nas_device *device, cl_command_queue queue)
{
    NAS_CL(device, clEnqueueMarkerWithWaitList(queue, 0, NULL, NULL));
    NAS_CL(device, clFinish(queue));
    return NAS_OK;
}

/* As nas__queue_finish, but often on the way out of a failure, whose message must stay. */
static void drain(const nas_device *device, cl_command_queue queue)
{
    const cl_int marked = clEnqueueMarkerWithWaitList(queue, 0, NULL, NULL);
    if (marked != CL_SUCCESS)
        nas_log(
            NAS_LOG_WARNING,
            "clEnqueueMarkerWithWaitList failed on %s: %s; what it still ran may not be waited for",
            device->info.id, nas_opencl_error_name(marked));
    (void)clFinish(queue);
}

void nas__queues_drain(nas_device *device)
{
    for (int pass = 0; pass < 2; pass++) /* queues wait for each other: all are flushed first */
        for (int i = -1; i < NAS_DEVICE_IDS - 1; i++) {
            cl_command_queue queue = i < 0 ? device->whole.queue : device->teams[i].queue;
            if (!queue)
                continue;
            if (pass == 0)
                (void)clFlush(queue);
            else
                drain(device, queue);
        }
}

static void forget(cl_event *event)
{
    if (*event)
        clReleaseEvent(*event);
    *event = NULL;
}

static void close_queue(nas__queue *queue)
{
    forget(&queue->last);
    for (int i = 0; i <= NAS_TEAMS; i++)
        forget(&queue->waits[i]);
    nas_buffer_destroy(queue->claims);
    if (queue->queue)
        clReleaseCommandQueue(queue->queue);
}

void nas__queues_close(nas_device *device)
{
    for (int i = 0; i < NAS_DEVICE_IDS - 1; i++)
        close_queue(&device->teams[i]);
    close_queue(&device->whole);
}

/* ---- order ------------------------------------------------------------------------------------ */

/* The next command of `queue` waits for `event`, in place of an older one from the same source. */
static nas_status wait_for(nas_device *device, nas__queue *queue, int source, cl_event event)
{
    if (!event || queue->waits[source] == event)
        return NAS_OK;
    NAS_CL(device, clRetainEvent(event));
    forget(&queue->waits[source]);
    queue->waits[source] = event;
    return NAS_OK;
}

void nas__order_open(nas__queue *queue, nas__order *order)
{
    *order = (nas__order){.kept = queue->id != NULL};
    for (int i = 0; i <= NAS_TEAMS; i++)
        if (queue->waits[i])
            order->waits[order->count++] = queue->waits[i];
    order->list = order->count ? order->waits : NULL;
}

nas_status nas__order_close(nas_device *device, nas__queue *queue, const nas__order *order,
                            cl_event done)
{
    if (!order->kept)
        return NAS_OK;
    NAS_CL(device, clRetainEvent(done));
    for (int i = 0; i <= NAS_TEAMS; i++)
        forget(&queue->waits[i]);
    forget(&queue->last);
    queue->last = done;
    return NAS_OK;
}

nas_status nas__queues_flush(nas_device *device)
{
    for (int t = 0; device->parted > 1 && t < device->parted; t++)
        NAS_CL(device, clFlush(nas__queue_of(device, device->parted, t)->queue));
    NAS_CL(device, clFlush(device->whole.queue));
    return NAS_OK;
}

nas_status nas__queues_join(nas_device *device)
{
    cl_event ends[NAS_TEAMS];
    cl_uint count = 0;
    if (device->parted <= 1)
        return NAS_OK;
    for (int t = 0; t < device->parted; t++) {
        nas__queue *team = nas__queue_of(device, device->parted, t);
        if (team->last)
            ends[count++] = team->last;
    }
    NAS_TRY(nas__queues_flush(device));
    if (count > 0)
        NAS_CL(device, clEnqueueBarrierWithWaitList(device->whole.queue, count, ends, NULL));
    device->parted = 1;
    return NAS_OK;
}

static nas_status fork(nas_device *device, int teams)
{
    cl_event before = NULL;
    nas_status status = NAS_OK;
    NAS_TRY(nas__queues_join(device));
    NAS_CL(device, clEnqueueMarkerWithWaitList(device->whole.queue, 0, NULL, &before));
    device->parted = teams;
    NAS_TRY_DONE(nas__queues_flush(device));
    for (int t = 0; t < teams; t++) {
        nas__queue *team = nas__queue_of(device, teams, t);
        forget(&team->last);
        NAS_TRY_DONE(wait_for(device, team, NAS_TEAMS, before));
    }
done:
    clReleaseEvent(before);
    return status;
}

nas_status nas__queues_part_into(nas_device *device, int teams)
{
    if (teams == device->parted)
        return NAS_OK;
    return teams > 1 ? fork(device, teams) : nas__queues_join(device);
}

nas_status nas__queues_meet(nas_device *device)
{
    const int teams = device->parted;
    for (int t = 0; teams > 1 && t < teams; t++)
        for (int other = 0; other < teams; other++)
            if (other != t)
                NAS_TRY(wait_for(device, nas__queue_of(device, teams, t), other,
                                 nas__queue_of(device, teams, other)->last));
    return NAS_OK;
}
