/* wrong.c - numbers that a broken device would give.
 *
 * A kernel's results are what it changes: before the launch all buffers among its arguments are read, after it they are read
 * again, and the words that differ become NaN or, if they look like numbers of a usual size, an eighth larger; then
 * they are written back.  So inputs stay as they were, whatever the kernel is.  A read that is disturbed changes what arrives at the
 * host in the same way: counters and indices, which are tiny as floats, stay as they are unless NaN is asked for. */
#include "layer.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MOST = 64 };

typedef struct argument {
    cl_kernel kernel;
    cl_uint index;
    cl_mem memory;
} argument;

static argument *arguments;
static size_t argument_count, argument_capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static argument *slot_of(cl_kernel kernel, cl_uint index)
{
    for (size_t i = 0; i < argument_count; i++)
        if (arguments[i].kernel == kernel && arguments[i].index == index)
            return &arguments[i];
    if (argument_count == argument_capacity) {
        argument_capacity = argument_capacity ? 2 * argument_capacity : 256;
        arguments = realloc(arguments, argument_capacity * sizeof *arguments);
        if (!arguments)
            abort();
    }
    arguments[argument_count] = (argument){kernel, index, NULL};
    return &arguments[argument_count++];
}

void shim_note_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    cl_mem memory = NULL;
    if (size == sizeof memory && value)
        memcpy(&memory, value, sizeof memory);
    if (memory && shim_memory_size(memory) == 0)
        memory = NULL;
    pthread_mutex_lock(&lock);
    slot_of(kernel, index)->memory = memory;
    pthread_mutex_unlock(&lock);
}

static int memories_of(cl_kernel kernel, cl_mem found[ARGUMENTS_MOST])
{
    int count = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < argument_count && count < ARGUMENTS_MOST; i++) {
        cl_mem memory = arguments[i].kernel == kernel ? arguments[i].memory : NULL;
        for (int k = 0; k < count; k++)
            memory = found[k] == memory ? NULL : memory;
        if (memory && shim_memory_size(memory) > 0)
            found[count++] = memory;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

static void disturb_one(void *word, int how)
{
    float value;
    memcpy(&value, word, sizeof value);
    const float size = fabsf(value);
    if (how == SHIM_NAN)
        value = NAN;
    else if (size > 1e-20f && size < 1e20f)
        value *= 1.125f;
    memcpy(word, &value, sizeof value);
}

void shim_disturb(void *words, size_t size_bytes, int how)
{
    for (size_t at = 0; at + sizeof(float) <= size_bytes; at += sizeof(float))
        disturb_one((char *)words + at, how);
}

static uint32_t *read_all(cl_command_queue queue, cl_mem memory, size_t size)
{
    uint32_t *words = calloc(1, size + sizeof *words);
    if (!words || shim_next->clEnqueueReadBuffer(queue, memory, CL_TRUE, 0, size, words, 0, NULL,
                                                 NULL) != CL_SUCCESS)
        abort();
    return words;
}

static void disturb_memory(cl_command_queue queue, cl_mem memory, const uint32_t *before, int how)
{
    const size_t size = shim_memory_size(memory);
    uint32_t *after = read_all(queue, memory, size);
    for (size_t i = 0; i < size / sizeof *after; i++)
        if (after[i] != before[i])
            disturb_one(&after[i], how);
    shim_next->clEnqueueWriteBuffer(queue, memory, CL_TRUE, 0, size, after, 0, NULL, NULL);
    free(after);
}

cl_int shim_launch_disturbed(const shim_launch *l, int how)
{
    cl_mem memories[ARGUMENTS_MOST];
    uint32_t *before[ARGUMENTS_MOST];
    const int count = memories_of(l->kernel, memories);
    if (l->wait_count)
        shim_next->clWaitForEvents(l->wait_count, l->waits);
    for (int i = 0; i < count; i++)
        before[i] = read_all(l->queue, memories[i], shim_memory_size(memories[i]));
    const cl_int code = shim_next->clEnqueueNDRangeKernel(
        l->queue, l->kernel, l->dimensions, l->offset, l->global, l->local, 0, NULL, l->event);
    for (int i = 0; i < count; i++) {
        if (code == CL_SUCCESS)
            disturb_memory(l->queue, memories[i], before[i], how);
        free(before[i]);
    }
    return code;
}
