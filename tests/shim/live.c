/* live.c - references to live objects by kind, and which buffers there are.
 *
 * Objects that a program creates, retains and releases are counted as it sees them; what drivers and the loader
 * keep for themselves does not pass here. */
#include "layer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *const shim_kind_names[SHIM_KINDS] = {"context", "queue", "memory", "program",
                                                 "kernel",  "event", "device"};
static atomic_long live[SHIM_KINDS];

static struct memory {
    cl_mem memory;
    size_t size;
    int references;
} * memories;
static size_t memory_count, memory_capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void shim_live_add(shim_kind kind, long change)
{
    atomic_fetch_add(&live[kind], change);
}

long shim_live_count(shim_kind kind)
{
    return atomic_load(&live[kind]);
}

SHIM_API long nas_shim_live(const char *kind)
{
    long sum = 0;
    for (int i = 0; i < SHIM_KINDS; i++)
        if (strcmp(kind, "*") == 0 || strcmp(kind, shim_kind_names[i]) == 0)
            sum += shim_live_count((shim_kind)i);
    return sum;
}

static struct memory *find(cl_mem memory)
{
    for (size_t i = 0; i < memory_count; i++)
        if (memories[i].memory == memory)
            return &memories[i];
    return NULL;
}

void shim_memory_made(cl_mem memory, size_t size)
{
    shim_live_add(SHIM_MEMORY, 1);
    pthread_mutex_lock(&lock);
    if (memory_count == memory_capacity) {
        memory_capacity = memory_capacity ? 2 * memory_capacity : 64;
        memories = realloc(memories, memory_capacity * sizeof *memories);
        if (!memories)
            abort();
    }
    memories[memory_count++] = (struct memory){memory, size, 1};
    pthread_mutex_unlock(&lock);
}

void shim_memory_released(cl_mem memory, int change)
{
    shim_live_add(SHIM_MEMORY, change);
    pthread_mutex_lock(&lock);
    struct memory *found = find(memory);
    if (found && (found->references += change) == 0)
        *found = memories[--memory_count];
    if (memory_count == 0) {
        free(memories);
        memories = NULL;
        memory_capacity = 0;
    }
    pthread_mutex_unlock(&lock);
}

size_t shim_memory_size(cl_mem memory)
{
    pthread_mutex_lock(&lock);
    const struct memory *found = find(memory);
    const size_t size = found ? found->size : 0;
    pthread_mutex_unlock(&lock);
    return size;
}

unsigned long long shim_memory_sum(void)
{
    unsigned long long sum = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < memory_count; i++)
        sum += memories[i].size;
    pthread_mutex_unlock(&lock);
    return sum;
}
