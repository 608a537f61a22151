/* build_log.c - what a driver's compiler has said: kept with the device, for whoever writes a bug report.
 *
 * Words of programs that failed are kept always, words of those that were built when there are any (warnings; most drivers say
 * nothing then).  Both the number of logs and their length are limited, since some compilers repeat themselves.
 */
#include "opencl.h"

#include <stdlib.h>
#include <string.h>

enum { LOGS = 32, WORDS = 16384 };

struct nas__build_logs {
    int count;
    nas_build_log log[LOGS];
};

static char *copy_text(const char *text, size_t limit)
{
    size_t length = strlen(text);
    length = length < limit ? length : limit;
    char *copy = calloc(1, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

void nas__build_log_keep(nas_device *device, const char *program, const char *options, bool built,
                         const char *words)
{
    if (!device->logs)
        device->logs = calloc(1, sizeof *device->logs);
    if (!device->logs || device->logs->count == LOGS)
        return;
    nas_build_log made = {.program = program, .built = built};
    made.options = copy_text(options, WORDS);
    made.words = copy_text(words, WORDS);
    if (made.options && made.words) {
        device->logs->log[device->logs->count++] = made;
        return;
    }
    free(made.options); /* a report without this log is better than no run */
    free(made.words);
}

void nas__build_logs_release(nas_device *device)
{
    for (int i = 0; device->logs && i < device->logs->count; i++) {
        free(device->logs->log[i].options);
        free(device->logs->log[i].words);
    }
    free(device->logs);
    device->logs = NULL;
}

int nas_device_build_log_count(const nas_device *device)
{
    return device->logs ? device->logs->count : 0;
}

const nas_build_log *nas_device_build_log_at(const nas_device *device, int index)
{
    return &device->logs->log[index];
}
