/* tape.c - prepared launches, replayed.
 *
 * Adding a launch makes a kernel object of its own and sets its arguments once; running the tape
 * only enqueues. So a training step of hundreds of launches costs the host about a microsecond
 * each, and two tapes may use the same kernel with other arguments. All checks (argument count,
 * buffer offsets, group sizes, ranges) happen when a launch is added, where the message can name
 * it.
 *
 * Launches may be guarded: one tape then serves every path through a supernet, of which each run takes another one. */
#include "opencl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_EVERY = 64, WHOLE = -1 };

typedef struct nas__step {
    enum { LAUNCH, FILL, COPY, GEMM, MEET } kind;
    int row; /* of the profile */
    int guard;
    int team; /* whose queue; WHOLE: the device's */
    cl_uint dimensions;
    size_t global[3], local[3];
    cl_kernel kernel;
    cl_mem from, to;
    size_t from_offset, to_offset, size; /* bytes, slack included */
    float value;
    nas_gemm *gemm;
    char label[96];
} nas__step;

struct nas_tape {
    nas_device *device;
    nas__step *steps;
    int length, capacity;
    int guard; /* of what is added now */
    const uint32_t *open;
    int teams; /* that its shards are dealt to; 1: the whole device */
    int team;  /* whose turn it is */
    char label[64];
};

nas_status nas_tape_create(nas_device *device, const char *label, nas_tape **tape)
{
    nas_tape *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of memory for a tape");
    made->device = device;
    made->teams = 1;
    made->team = WHOLE;
    snprintf(made->label, sizeof made->label, "%s", label ? label : "unnamed");
    device->live_objects++;
    *tape = made;
    return NAS_OK;
}

static void clear_step(nas_tape *tape, nas__step *step)
{
    if (step->kernel) {
        clReleaseKernel(step->kernel);
        tape->device->live_objects--;
    }
    free(step->gemm);
}

void nas_tape_destroy(nas_tape *tape)
{
    if (!tape)
        return;
    for (int i = 0; i < tape->length; i++)
        clear_step(tape, &tape->steps[i]);
    tape->device->live_objects--;
    free(tape->steps);
    free(tape);
}

void nas_tape_guard(nas_tape *tape, int guard)
{
    tape->guard = guard;
}

void nas_tape_guards(nas_tape *tape, const uint32_t *open)
{
    tape->open = open;
}

int nas_tape_length(const nas_tape *tape)
{
    return tape->length;
}

/* ---- shards -------------------------------------------------------------------------------------
 * */

nas_status nas_tape_part(nas_tape *tape, int shards)
{
    if (tape->length > 0)
        NAS_FAIL(NAS_DEVICE, "tape \"%s\" is parted behind its first entry", tape->label);
    for (tape->teams = 1; 2 * tape->teams <= shards && tape->teams < tape->device->team_limit;)
        tape->teams *= 2;
    return NAS_OK;
}

void nas_tape_shard(nas_tape *tape, int shard)
{
    tape->team = shard == NAS_ALL_SHARDS || tape->teams == 1 ? WHOLE : shard % tape->teams;
}

/* Where the next step runs. */
static nas__queue *queue_of(const nas_tape *tape, int team)
{
    return nas__queue_of(tape->device, team == WHOLE ? 1 : tape->teams, team);
}

/* Appends a finished step; takes what it holds also on failure. */
static nas_status append(nas_tape *tape, nas__step *step)
{
    nas_status status = NAS_OK;
    if (tape->length == tape->capacity) {
        int capacity = tape->capacity ? 2 * tape->capacity : 64;
        nas__step *more = realloc(tape->steps, (size_t)capacity * sizeof *more);
        if (!more) {
            status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of memory for tape \"%s\"",
                                   tape->label);
            goto done;
        }
        tape->steps = more;
        tape->capacity = capacity;
    }
    step->team = tape->team;
    if (tape->device->profile && step->kind != MEET)
        NAS_TRY_DONE(nas__profile_row(tape->device->profile, step->label, &step->row));
    step->guard = tape->guard;
    tape->steps[tape->length++] = *step;
done:
    if (status != NAS_OK)
        clear_step(tape, step);
    return status;
}

nas_status nas_tape_meet(nas_tape *tape)
{
    nas__step step = {.kind = MEET};
    return tape->teams > 1 ? append(tape, &step) : NAS_OK;
}

/* ---- arguments ----------------------------------------------------------------------------------
 * */

static nas_status argument_failed(const nas_device *device, cl_kernel kernel, int index,
                                  cl_int code)
{
    char name[128] = "?";
    clGetKernelArgInfo(kernel, (cl_uint)index, CL_KERNEL_ARG_NAME, sizeof name - 1, name, NULL);
    nas_status status = nas__opencl_failed(device, code, "clSetKernelArg", __FILE__, __LINE__);
    nas_error_add("argument %d (%s): ", index, name);
    return status;
}

static nas_status set_buffer(nas_device *device, cl_kernel kernel, const nas_argument *argument,
                             int *index)
{
    const nas_buffer *buffer = argument->buffer ? argument->buffer : device->dummy;
    uint64_t at = argument->buffer ? argument->at : 0;
    if (buffer->device != device)
        NAS_FAIL(NAS_DEVICE, "argument %d: buffer \"%s\" is on another device", *index,
                 buffer->label);
    if (at > buffer->size / 4)
        NAS_FAIL(NAS_DEVICE,
                 "argument %d: offset %" PRIu64 " is outside buffer \"%s\" of %" PRIu64 " floats",
                 *index, at, buffer->label, buffer->size / 4);
    cl_ulong offset = at + NAS_SLACK_FLOATS;
    cl_int code = clSetKernelArg(kernel, (cl_uint)*index, sizeof buffer->memory, &buffer->memory);
    if (code != CL_SUCCESS)
        return argument_failed(device, kernel, *index, code);
    code = clSetKernelArg(kernel, (cl_uint)*index + 1, sizeof offset, &offset);
    if (code != CL_SUCCESS)
        return argument_failed(device, kernel, *index + 1, code);
    *index += 2;
    return NAS_OK;
}

static cl_uint axis(size_t size)
{
    return size ? (cl_uint)size : 1;
}

static bool is_shared(const nas__queue *queue, const nas_launch *launch)
{
    for (int i = 0; i < launch->argument_count && queue->shares > 0; i++)
        if (launch->arguments[i].type == NAS_ARGUMENT_SHARES)
            return true;
    return false;
}

/* Who has taken what, and the grid that is shared out (cl/share.clh). */
static nas_status set_shares(nas_device *device, const nas__queue *queue, cl_kernel kernel,
                             const nas_launch *launch, int *index)
{
    const nas_buffer *claims = queue->claims ? queue->claims : device->dummy;
    cl_uint numbers[] = {queue->shares, axis(launch->global[0]), axis(launch->global[1]),
                         axis(launch->global[2])};
    cl_int code =
        clSetKernelArg(kernel, (cl_uint)(*index)++, sizeof claims->memory, &claims->memory);
    for (int i = 0; i < 4 && code == CL_SUCCESS; i++)
        code = clSetKernelArg(kernel, (cl_uint)(*index)++, sizeof numbers[i], &numbers[i]);
    return code == CL_SUCCESS ? NAS_OK : argument_failed(device, kernel, *index - 1, code);
}

static nas_status set_scalar(const nas_device *device, cl_kernel kernel,
                             const nas_argument *argument, int *index)
{
    const void *value = &argument->integer;
    size_t size = 4;
    switch (argument->type) {
    case NAS_ARGUMENT_FLOAT:
        value = &argument->real;
        break;
    case NAS_ARGUMENT_UINT:
        value = &argument->word;
        break;
    case NAS_ARGUMENT_ULONG:
        value = &argument->wide;
        size = 8;
        break;
    default:
        break;
    }
    cl_int code = clSetKernelArg(kernel, (cl_uint)*index, size, value);
    if (code != CL_SUCCESS)
        return argument_failed(device, kernel, *index, code);
    (*index)++;
    return NAS_OK;
}

/* Kernel arguments that one of ours becomes, beyond one. */
static int extra_arguments(nas_argument_type type)
{
    return type == NAS_ARGUMENT_BUFFER ? 1 : type == NAS_ARGUMENT_SHARES ? 4 : 0;
}

static nas_status set_arguments(nas_device *device, const nas__queue *queue, cl_kernel kernel,
                                const nas_launch *launch)
{
    cl_uint wanted = 0;
    NAS_CL(device, clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof wanted, &wanted, NULL));
    int given = launch->argument_count;
    for (int i = 0; i < launch->argument_count; i++)
        given += extra_arguments(launch->arguments[i].type);
    if (given != (int)wanted)
        NAS_FAIL(NAS_DEVICE,
                 "the kernel takes %u arguments and %d are given (a buffer counts as two, shares "
                 "as five)",
                 wanted, given);
    int index = 0;
    for (int i = 0; i < launch->argument_count; i++) {
        const nas_argument *argument = &launch->arguments[i];
        if (argument->type == NAS_ARGUMENT_BUFFER)
            NAS_TRY(set_buffer(device, kernel, argument, &index));
        else if (argument->type == NAS_ARGUMENT_SHARES)
            NAS_TRY(set_shares(device, queue, kernel, launch, &index));
        else
            NAS_TRY(set_scalar(device, kernel, argument, &index));
    }
    return NAS_OK;
}

/* ---- sizes
 * ----------------------------------------------------------------------------------------- */

/* Halves the group until it fits: a half of a divisor still divides. */
static void shrink_group(size_t local[3], const size_t limit[3], size_t items)
{
    for (int i = 0; i < 3; i++)
        while (local[i] > limit[i])
            local[i] = local[i] % 2 == 0 ? local[i] / 2 : 1;
    while (local[0] * local[1] * local[2] > items) {
        int widest = local[0] >= local[1] && local[0] >= local[2] ? 0
                     : local[1] >= local[2]                       ? 1
                                                                  : 2;
        local[widest] = local[widest] % 2 == 0 ? local[widest] / 2 : 1;
    }
}

/* Checks the sizes against the kernel and the device; a group that is too large becomes smaller,
 * unless the kernel was written for one size (reqd_work_group_size). */
static nas_status set_sizes(nas_device *device, const nas__queue *queue, const nas_launch *launch,
                            nas__step *step)
{
    size_t items = 0, fixed[3] = {0};
    const bool shared = is_shared(queue, launch);
    for (int i = 0; i < 3; i++) {
        step->global[i] = axis(launch->global[i]);
        step->local[i] = launch->local[i] ? launch->local[i] : 1;
        if (step->global[i] % step->local[i] != 0)
            NAS_FAIL(NAS_DEVICE, "global size %zu is not a multiple of local size %zu",
                     step->global[i], step->local[i]);
        if (shared) /* a group for each thread, which walks through the grid */
            step->global[i] = i == 0 ? queue->shares : 1;
        if (step->global[i] > 1)
            step->dimensions = (cl_uint)i + 1;
    }
    step->dimensions = step->dimensions ? step->dimensions : 1;
    NAS_CL(device, clGetKernelWorkGroupInfo(step->kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE,
                                            sizeof items, &items, NULL));
    if (clGetKernelWorkGroupInfo(step->kernel, device->id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                 sizeof fixed, fixed, NULL) != CL_SUCCESS)
        fixed[0] = 0;
    const bool fits = fixed[0] == 0 || memcmp(fixed, step->local, sizeof fixed) == 0;
    shrink_group(step->local, device->item_limit, items ? items : 1);
    if (!fits || (fixed[0] != 0 && memcmp(fixed, step->local, sizeof fixed) != 0))
        NAS_FAIL(NAS_DEVICE,
                 "the kernel is for groups of %zu x %zu x %zu and the device allows %zu items",
                 fixed[0], fixed[1], fixed[2], items);
    return NAS_OK;
}

static void add_launch_context(const nas_tape *tape, const char *label, const size_t global[3],
                               const size_t local[3])
{
    nas_error_add("tape \"%s\": %s, global %zu x %zu x %zu, local %zu x %zu x %zu, on %s %s: ",
                  tape->label, label, global[0], global[1], global[2], local[0], local[1], local[2],
                  tape->device->info.id, tape->device->info.name);
}

static nas_status prepare(nas_tape *tape, const nas_launch *launch, nas__step *step)
{
    nas_device *device = tape->device;
    const nas__program *program = NULL;
    cl_int code = CL_SUCCESS;
    NAS_TRY(nas__program_get(device, launch->source, launch->defines, &program));
    step->kernel = clCreateKernel(program->program, launch->kernel, &code);
    if (!step->kernel)
        return nas__opencl_failed(device, code, "clCreateKernel", __FILE__, __LINE__);
    device->live_objects++;
    const nas__queue *queue = queue_of(tape, tape->team);
    NAS_TRY(set_arguments(device, queue, step->kernel, launch));
    return set_sizes(device, queue, launch, step);
}

nas_status nas_tape_add(nas_tape *tape, const nas_launch *launch)
{
    nas__step step = {.kind = LAUNCH};
    snprintf(step.label, sizeof step.label, "%s", launch->label ? launch->label : launch->kernel);
    nas_status status = prepare(tape, launch, &step);
    if (status == NAS_OK)
        return append(tape, &step);
    char name[256];
    snprintf(name, sizeof name, "kernel %s of cl/%s.cl (%s)", launch->kernel, launch->source,
             step.label);
    add_launch_context(tape, name, launch->global, launch->local);
    clear_step(tape, &step);
    return status;
}

nas_status nas_tape_add_fill(nas_tape *tape, nas_buffer *buffer, uint64_t offset, uint64_t size,
                             float value)
{
    NAS_TRY(nas__buffer_range(buffer, offset, size, "fill"));
    if (offset % 4 != 0 || size % 4 != 0)
        NAS_FAIL(NAS_DEVICE, "fill of %" PRIu64 " bytes at %" PRIu64 " is not whole floats", size,
                 offset);
    if (size == 0)
        return NAS_OK;
    nas__step step = {.kind = FILL,
                      .to = buffer->memory,
                      .to_offset = (size_t)offset + NAS_SLACK_BYTES,
                      .size = (size_t)size,
                      .value = value,
                      .label = "fill"};
    return append(tape, &step);
}

nas_status nas_tape_add_copy(nas_tape *tape, nas_buffer *from, uint64_t from_offset, nas_buffer *to,
                             uint64_t to_offset, uint64_t size)
{
    NAS_TRY(nas__buffer_range(from, from_offset, size, "copy from"));
    NAS_TRY(nas__buffer_range(to, to_offset, size, "copy to"));
    if (size == 0)
        return NAS_OK;
    nas__step step = {.kind = COPY,
                      .from = from->memory,
                      .to = to->memory,
                      .from_offset = (size_t)from_offset + NAS_SLACK_BYTES,
                      .to_offset = (size_t)to_offset + NAS_SLACK_BYTES,
                      .size = (size_t)size,
                      .label = "copy"};
    return append(tape, &step);
}

nas_status nas_tape_add_gemm(nas_tape *tape, const nas_gemm *gemm)
{
    NAS_TRY(nas__gemm_check(tape->device, gemm));
    nas__step step = {.kind = GEMM, .gemm = malloc(sizeof *gemm)};
    if (!step.gemm)
        NAS_FAIL(NAS_MEMORY, "out of memory for tape \"%s\"", tape->label);
    *step.gemm = *gemm;
    snprintf(step.label, sizeof step.label, "gemm %d x %d x %d", gemm->m, gemm->n, gemm->k);
    return append(tape, &step);
}

/* ---- running
 * -------------------------------------------------------------------------------------- */

static cl_int enqueue(nas__queue *queue, const nas__step *step, const nas__order *order,
                      cl_event *event)
{
    switch (step->kind) {
    case LAUNCH:
        return clEnqueueNDRangeKernel(queue->queue, step->kernel, step->dimensions, NULL,
                                      step->global, step->local, order->count, order->list, event);
    case FILL:
        return clEnqueueFillBuffer(queue->queue, step->to, &step->value, sizeof step->value,
                                   step->to_offset, step->size, order->count, order->list, event);
    case COPY:
        return clEnqueueCopyBuffer(queue->queue, step->from, step->to, step->from_offset,
                                   step->to_offset, step->size, order->count, order->list, event);
    case GEMM:
    case MEET:
        break;
    }
    return CL_INVALID_OPERATION;
}

static nas_status enqueue_failed(const nas_tape *tape, const nas__step *step, cl_int code)
{
    static const char *const calls[] = {[LAUNCH] = "clEnqueueNDRangeKernel",
                                        [FILL] = "clEnqueueFillBuffer",
                                        [COPY] = "clEnqueueCopyBuffer",
                                        [GEMM] = "CLBlastSgemm"};
    nas_status status =
        nas__opencl_failed(tape->device, code, calls[step->kind], __FILE__, __LINE__);
    add_launch_context(tape, step->label, step->global, step->local);
    return status;
}

/* `event` may be NULL: the caller does not want it. */
static nas_status run_step(nas_tape *tape, const nas__step *step, cl_event *event)
{
    nas__queue *queue = queue_of(tape, step->team);
    nas__order order;
    cl_event done = NULL;
    if (step->kind == GEMM)
        return nas__gemm_run(tape->device, queue, step->gemm);
    nas__order_open(queue, &order);
    const cl_int code = enqueue(queue, step, &order, event || order.kept ? &done : NULL);
    if (code != CL_SUCCESS)
        return enqueue_failed(tape, step, code);
    const nas_status status = nas__order_close(tape->device, queue, &order, done);
    if (status == NAS_OK && event)
        *event = done;
    else if (done)
        clReleaseEvent(done);
    return status;
}

/* CLBlast's event is that of its last kernel only, so a GEMM is timed by the wall too. */
static nas_status run_profiled(nas_tape *tape, const nas__step *step)
{
    nas_device *device = tape->device;
    if (!nas__profile_by_wall(device->profile) && step->kind != GEMM) {
        cl_event event = NULL;
        NAS_TRY(run_step(tape, step, &event));
        return nas__profile_event(device, step->row, event);
    }
    NAS_TRY(nas_device_finish(device));
    double start = nas_now_s();
    NAS_TRY(nas__queues_part_into(device, step->team == WHOLE ? 1 : tape->teams));
    NAS_TRY(run_step(tape, step, NULL));
    NAS_TRY(nas_device_finish(device));
    nas__profile_wall(device->profile, step->row, nas_now_s() - start);
    return NAS_OK;
}

/* `part`: without what runs always. */
static bool is_open(int guard, const uint32_t *open, bool part)
{
    return guard == 0 ? !part : !open || (open[guard / 32] >> guard % 32 & 1);
}

/* Tapes are in order with each other, so one in shards begins with a meeting. */
static nas_status run_open(nas_tape *tape, const uint32_t *open, bool part)
{
    nas_device *device = tape->device;
    int run = 0;
    if (tape->teams == device->parted)
        NAS_TRY(nas__queues_meet(device));
    for (int i = 0; i < tape->length; i++) {
        const nas__step *step = &tape->steps[i];
        if (!is_open(step->guard, open, part))
            continue;
        NAS_TRY(nas__queues_part_into(device, step->team == WHOLE ? 1 : tape->teams));
        if (step->kind == MEET)
            NAS_TRY(nas__queues_meet(device));
        else
            NAS_TRY(device->profile ? run_profiled(tape, step) : run_step(tape, step, NULL));
        if (++run % FLUSH_EVERY == 0)
            NAS_TRY(nas__queues_flush(device));
    }
    NAS_TRY(nas__queues_flush(device));
    return nas__queue_throttle(device, run);
}

nas_status nas_tape_run(nas_tape *tape)
{
    return run_open(tape, tape->open, false);
}

nas_status nas_tape_run_part(nas_tape *tape, const uint32_t *open)
{
    return run_open(tape, open, true);
}
