/* binary_cache.c - kernel binaries on disk, so that the second start compiles nothing.
 *
 * Folder: CACHE/kernels, ours alone (0700, our user); one file per key, XXH3-128 of everything the binary
 * depends on (key_of), in the layout of host/base/cache.c; its content is the binary, as the driver gave it.
 *
 * Drivers run what a binary says, so any doubt means no binary, and the program is compiled and the
 * file replaced atomically. Processes may share the cache: files are only ever replaced whole.
 *
 * PoCL is left out: it has its own cache of better things (code per kernel and group size), and
 * asking it for a binary makes it compile every kernel of the program once more for any group size
 * - measured on PoCL 3.1, 0.21 s more for six tiny kernels, to save 16 ms per program at the next
 * start.
 * CLNAS_KERNEL_CACHE=always keeps binaries on every platform, never on none. */
#include "opencl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, BINARY_LIMIT = 256 << 20, LOCK_WAIT_S = 30 };

static const char magic[8] = {'N', 'A', 'S', 'K', 'E', 'R', 'N', 1};

bool nas__binary_wanted(const nas_device *device)
{
    const char *variable = getenv("CLNAS_KERNEL_CACHE");
    if (variable && strcmp(variable, "always") == 0)
        return true;
    if (variable && strcmp(variable, "never") == 0)
        return false;
    return strcmp(device->info.platform_name, "Portable Computing Language") != 0;
}

static void key_of(const nas_device *device, const nas_kernel_source *source, const char *options,
                   char key[33])
{
    char platform_version[256] = "";
    clGetPlatformInfo(device->platform, CL_PLATFORM_VERSION, sizeof platform_version - 1,
                      platform_version, NULL);
    const nas_device_info *info = &device->info;
    const char *const parts[] = {info->platform_name, platform_version, info->name,   info->version,
                                 info->driver,        source->name,     source->hash, options};
    nas_text text = {0};
    nas_text_add_bytes(&text, magic, sizeof magic);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        nas_text_format(&text, "%zu:%s\n", strlen(parts[i]), parts[i]);
    nas_hash_hex(text.data ? text.data : "", text.length, key);
    nas_text_clear(&text);
}

static bool path_of(const char *key, char *path, size_t size, bool make)
{
    char folder[PATH_SIZE];
    if (!nas_cache_part("kernels", make, folder, sizeof folder))
        return false;
    int length = snprintf(path, size, "%s/%s.bin", folder, key);
    return length > 0 && (size_t)length < size;
}

void nas__binary_load(const nas_device *device, const nas_kernel_source *source,
                      const char *options, unsigned char **binary, size_t *size)
{
    char key[33], path[PATH_SIZE + 64];
    void *data = NULL;
    size_t length = 0;
    key_of(device, source, options, key);
    if (!path_of(key, path, sizeof path, false) ||
        !nas_cache_load(path, magic, key, BINARY_LIMIT, &data, &length))
        return;
    memmove(data, (unsigned char *)data + NAS_CACHE_HEADER, length);
    *size = length;
    *binary = data;
}

/* Room for the header and the binary in one block; NULL where the driver gives no binary.  A program of a parted device has one for each of its
 * teams, which are all the same: the first one is kept. */
static unsigned char *pack(cl_program program, size_t *size)
{
    size_t lengths[NAS_DEVICE_IDS] = {0}, listed = 0, length = 0;
    unsigned char *binaries[NAS_DEVICE_IDS] = {NULL}; /* NULL: not wanted */
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof lengths, lengths, &listed) ==
        CL_SUCCESS)
        length = lengths[0];
    if (length == 0 || length > BINARY_LIMIT - NAS_CACHE_HEADER)
        return NULL;
    unsigned char *file = calloc(1, NAS_CACHE_HEADER + length);
    if (!file)
        return NULL;
    binaries[0] = file + NAS_CACHE_HEADER;
    const size_t size_bytes = listed / sizeof lengths[0] * sizeof binaries[0];
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, size_bytes, binaries, NULL) != CL_SUCCESS) {
        free(file);
        return NULL;
    }
    *size = length;
    return file;
}

void nas__binary_store(const nas_device *device, const nas_kernel_source *source,
                       const char *options, cl_program program)
{
    char key[33], path[PATH_SIZE + 64];
    size_t size = 0;
    key_of(device, source, options, key);
    if (!path_of(key, path, sizeof path, true))
        return;
    unsigned char *file = pack(program, &size);
    if (file && nas_cache_store(path, magic, key, file, size) != NAS_OK)
        nas_log(NAS_LOG_INFO, "kernel cache: %s", nas_error_message());
    free(file);
}

int nas__binary_lock(void)
{
    char folder[PATH_SIZE], path[PATH_SIZE + 64];
    if (!nas_cache_part("kernels", true, folder, sizeof folder))
        return -1;
    snprintf(path, sizeof path, "%s/lock", folder);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return -1;
    double start = nas_now_s();
    while (flock(lock, LOCK_EX | LOCK_NB) !=
           0) { /* of threads, too: a lock of lockf is a process's */
        if ((errno != EWOULDBLOCK && errno != EINTR) || nas_now_s() - start > LOCK_WAIT_S) {
            close(lock);
            return -1; /* better to build beside another than to wait for one that hangs */
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return lock;
}

void nas__binary_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
