/* meter_device.c - a network measured on an open device, and the process that does it for others.
 *
 * Measuring is short: passes until LIMIT_S are over (nas_inference_latency).  Nobody else measures on the same device meanwhile: a file in the
 * cache folder, named after driver and device, is locked as long.  Where there is no cache folder, nothing is locked.
 *
 * A measuring process gets requests on its standard input, a line and then so many bytes of a graph's text:
 *
 *     latency BATCH BYTES         memory BATCH BYTES
 *
 * and answers each with one line: "value" and the number, as hexadecimal floating point; or "fail", the status and the message. */
#include "session_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { GRAPH_SIZE = 1 << 20 };
static const double limit_s = 0.4;

/* ---- one at a time ------------------------------------------------------------------------------------------------------ */

/* −1: nothing to lock. */
static int lock(const nas_device *device)
{
    const nas_device_info *info = nas_device_describe(device);
    char folder[NAS_PATH_SIZE], path[NAS_PATH_SIZE + 64];
    uint64_t hash = nas_hash(info->name, strlen(info->name), 1);
    hash = nas_hash(info->driver, strlen(info->driver), hash);
    hash = nas_hash(info->platform_name, strlen(info->platform_name), hash);
    if (nas_cache_folder(folder, sizeof folder) != NAS_OK ||
        nas_folder_make(folder, 0700) != NAS_OK)
        return -1;
    snprintf(path, sizeof path, "%s/measure-%016" PRIx64 "-%d.lock", folder, hash, info->index);
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (file >= 0 && flock(file, LOCK_EX) != 0 && errno == EINTR)
        continue;
    return file;
}

/* A network that does not fit the device is a property of the network. */
static nas_status check_fits(nas_device *device, const nas_graph *graph, int batch, double *bytes)
{
    const nas_device_info *info = nas_device_describe(device);
    const nas_net_options options = nas_inference_options(device, batch);
    nas_net_memory memory = {0};
    nas_status status = nas_net_measure(device, graph, &options, &memory);
    if (status == NAS_DEVICE_MEMORY ||
        (status == NAS_OK && info->memory_bytes && memory.total_bytes > info->memory_bytes))
        NAS_FAIL(NAS_BOUND, "the network at batch %d takes %.1f MiB, more than %s has", batch,
                 (double)memory.total_bytes / 1048576.0, info->name);
    NAS_TRY(status);
    *bytes = (double)memory.total_bytes;
    return NAS_OK;
}

nas_status nas__meter_seconds(nas_device *device, const nas_graph *graph, int batch,
                              double *seconds)
{
    double bytes;
    NAS_TRY(check_fits(device, graph, batch, &bytes));
    const int locked = lock(device);
    const nas_status status = nas_inference_latency(device, graph, batch, limit_s, seconds);
    if (locked >= 0)
        close(locked);
    return status;
}

nas_status nas__meter_bytes(nas_device *device, const nas_graph *graph, int batch, double *bytes)
{
    return check_fits(device, graph, batch, bytes);
}

/* ---- for others --------------------------------------------------------------------------------------------------------- */

/* false: the input ends. */
static bool read_all(char *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t got = read(STDIN_FILENO, to + done, size - done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool read_line(char *line, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (!read_all(line + i, 1))
            return false;
        if (line[i] == '\n') {
            line[i] = '\0';
            return true;
        }
    }
    return false;
}

static nas_status measure(nas_device *device, const char *what, const char *text, int batch,
                          double *value)
{
    nas_graph graph = {0};
    NAS_TRY(nas_graph_parse(text, "request", &graph));
    const nas_status status = strcmp(what, "memory") == 0
                                  ? nas__meter_bytes(device, &graph, batch, value)
                                  : nas__meter_seconds(device, &graph, batch, value);
    nas_graph_clear(&graph);
    return status;
}

static void reply(nas_status status, double value, void (*answer)(const char *line))
{
    char line[1024];
    if (status == NAS_OK)
        snprintf(line, sizeof line, "value\t%a", value);
    else
        snprintf(line, sizeof line, "fail\t%s\t%.900s", nas_status_name(status),
                 nas_error_message());
    answer(line);
}

nas_status nas__meter_serve(nas_device *device, void (*answer)(const char *line))
{
    char line[64], what[16];
    int batch;
    size_t size;
    while (read_line(line, sizeof line)) {
        double value = 0;
        if (sscanf(line, "%15s %d %zu", what, &batch, &size) != 3 || batch < 1 ||
            batch > NAS_MEASURE_BATCH || size < 1 || size > GRAPH_SIZE)
            NAS_FAIL(NAS_CONFIG, "\"%.60s\" is no request for a measurement", line);
        char *text = calloc(size + 1, 1);
        if (!text)
            NAS_FAIL(NAS_MEMORY, "no memory for a graph of %zu bytes", size);
        if (!read_all(text, size)) {
            free(text);
            return NAS_OK;
        }
        const nas_status status = measure(device, what, text, batch, &value);
        free(text);
        reply(status, value, answer);
        if (status == NAS_DEVICE || status == NAS_DEVICE_MEMORY)
            return status; /* a fresh process gets a fresh driver */
    }
    return NAS_OK;
}
