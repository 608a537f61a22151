/* file.c - whole files, read with a limit and replaced atomically.
 *
 * Idea: a crash at any moment leaves either the old file or the whole new one.  The new bytes go to a
 * neighbour file, reach the disk (fsync), take the name (rename, atomic on POSIX), and the folder's
 * entry reaches the disk too.  See "All file systems are not created equal", OSDI'14, for why each of
 * the steps is needed.  Reading never trusts a size: the limit is the caller's, and only regular files
 * are read, so that a pipe or /dev/zero cannot hold the program up. */
#include <clnas/base.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* Reads until `size` bytes are there or the file ends; the count, or -1. */
static ssize_t read_fully(int file, char *data, size_t size)
{
    size_t count = 0;
    while (count < size) {
        ssize_t got = read(file, data + count, size - count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        count += (size_t)got;
    }
    return (ssize_t)count;
}

static nas_status read_open_file(int file, const char *path, size_t limit, void **data,
                                 size_t *size)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        NAS_FAIL(NAS_FAILED, "%s: cannot look at it: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        NAS_FAIL(NAS_FAILED, "%s: not a regular file", path);
    if ((uintmax_t)about.st_size > limit)
        NAS_FAIL(NAS_FAILED, "%s: %jd bytes, more than the %zu that are allowed", path,
                 (intmax_t)about.st_size, limit);
    char *bytes = malloc((size_t)about.st_size + 1);
    if (!bytes)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for its %jd bytes", path, (intmax_t)about.st_size);
    ssize_t count = read_fully(file, bytes, (size_t)about.st_size);
    if (count < 0) {
        int error = errno;
        free(bytes);
        NAS_FAIL(NAS_FAILED, "%s: cannot read it: %s", path, strerror(error));
    }
    bytes[count] = '\0';
    *data = bytes;
    *size = (size_t)count;
    return NAS_OK;
}

nas_status nas_file_read(const char *path, size_t limit, void **data, size_t *size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        NAS_FAIL(NAS_FAILED, "%s: cannot open it: %s", path, strerror(errno));
    nas_status status = read_open_file(file, path, limit, data, size);
    close(file);
    return status;
}

static bool write_fully(int file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(file, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return fsync(file) == 0;
}

/* Makes the folder's entry of `path` durable.  Some file systems cannot, and say EINVAL. */
static bool sync_folder(const char *path)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(folder, sizeof folder, ".");
    else
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool synced = fsync(file) == 0 || errno == EINVAL;
    int error = errno;
    close(file);
    errno = error;
    return synced;
}

nas_status nas_file_replace(const char *path, const void *data, size_t size)
{
    static atomic_uint nth;
    char fresh[PATH_SIZE];
    int length = snprintf(fresh, sizeof fresh, "%s.%ld.%u.tmp", path, (long)getpid(),
                          atomic_fetch_add(&nth, 1));
    if (length < 0 || (size_t)length >= sizeof fresh)
        NAS_FAIL(NAS_FAILED, "%.64s…: the path is too long", path);
    int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        NAS_FAIL(NAS_FAILED, "%s: cannot write there: %s", path, strerror(errno));
    bool written = write_fully(file, data, size);
    int error = errno;
    if (close(file) != 0 && written) {
        written = false;
        error = errno;
    }
    if (written && rename(fresh, path) != 0) {
        written = false;
        error = errno;
    }
    if (!written) {
        unlink(fresh);
        NAS_FAIL(NAS_FAILED, "%s: cannot write it: %s; what was there before is unchanged", path,
                 strerror(error));
    }
    if (!sync_folder(path))
        NAS_FAIL(NAS_FAILED, "%s: written, but its folder cannot be synced: %s", path,
                 strerror(errno));
    return NAS_OK;
}

static nas_status make_one(const char *path, unsigned mode)
{
    struct stat about;
    if (mkdir(path, (mode_t)mode) == 0)
        return NAS_OK;
    int error = errno;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return NAS_OK;
    if (error == EEXIST)
        NAS_FAIL(NAS_FAILED, "%s: is there and is no folder", path);
    NAS_FAIL(NAS_FAILED, "%s: cannot make the folder: %s", path, strerror(error));
}

nas_status nas_folder_make(const char *path, unsigned mode)
{
    char part[PATH_SIZE];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        NAS_FAIL(NAS_FAILED, "\"%.64s\": not a usable folder name (%zu bytes)", path, length);
    for (size_t end = 1; end <= length; end++) {
        if ((end < length && path[end] != '/') || path[end - 1] == '/')
            continue;
        memcpy(part, path, end);
        part[end] = '\0';
        NAS_TRY(make_one(part, mode));
    }
    return NAS_OK;
}

nas_status nas_cache_folder(char *path, size_t size)
{
    const char *own = getenv("CLNAS_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char found[PATH_SIZE];
    int length;
    if (own && own[0])
        length = snprintf(found, sizeof found, "%s", own);
    else if (xdg && xdg[0] == '/')
        length = snprintf(found, sizeof found, "%s/clnas", xdg);
    else if (home && home[0])
        length = snprintf(found, sizeof found, "%s/.cache/clnas", home);
    else
        NAS_FAIL(NAS_FAILED, "no cache folder: set CLNAS_CACHE, XDG_CACHE_HOME or HOME");
    if (length < 0 || (size_t)length >= sizeof found || (size_t)length >= size)
        NAS_FAIL(NAS_FAILED, "the cache folder's path is too long (%d bytes)", length);
    memcpy(path, found, (size_t)length + 1);
    return NAS_OK;
}
