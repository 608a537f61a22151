/* source.c - reading a data file that may be compressed, cut short or lying.
 *
 * zlib reads plain and gzip files through one interface.  Two rules make bad files harmless:
 *   - a plain file's size is known, so a header that promises more is refused before memory is
 *     allocated;
 *   - what comes out of a compressed file is unknown until it does, so memory grows with it, piece
 *     by
 *     piece, and a header that promises 10 GB out of 10 KB never gets them.
 * Every message names the file, the offset (in the content) and what to do. */
#include "dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { FIRST_PIECE = 1 << 20, ZLIB_BUFFER = 1 << 17 };

static const char *const again = "copy or download the file again";

nas_status nas__source_open(const char *path, nas__source *source)
{
    struct stat about;
    if (strlen(path) >= NAS_PATH_SIZE)
        NAS_FAIL(NAS_DATA, "%.64s…: the path is too long", path);
    if (stat(path, &about) != 0)
        NAS_FAIL(NAS_DATA, "%s: cannot open it: %s; check data.path", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        NAS_FAIL(NAS_DATA, "%s: not a regular file; check data.path", path);
    gzFile stream = gzopen(path, "rb");
    if (!stream)
        NAS_FAIL(NAS_DATA, "%s: cannot open it: %s; check data.path", path, strerror(errno));
    gzbuffer(stream, ZLIB_BUFFER);
    *source = (nas__source){.stream = stream};
    memcpy(source->path, path, strlen(path) + 1);
    source->size = gzdirect(stream) ? (uint64_t)about.st_size : UINT64_MAX;
    return NAS_OK;
}

void nas__source_close(nas__source *source)
{
    if (source->stream)
        gzclose_r(source->stream);
    source->stream = NULL;
}

/* What zlib holds against the file, as a failure. */
static nas_status stream_failed(const nas__source *source, const char *what)
{
    int code = Z_OK;
    const char *message = gzerror(source->stream, &code);
    if (code == Z_MEM_ERROR)
        NAS_FAIL(NAS_MEMORY, "%s: no memory to read it", source->path);
    if (code == Z_ERRNO)
        message = strerror(errno);
    NAS_FAIL(NAS_DATA, "%s: damaged at offset %" PRIu64 " while reading %s (%s); %s", source->path,
             source->offset, what, message && message[0] ? message : "it ends early", again);
}

nas_status nas__source_some(nas__source *source, void *to, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        size_t piece = size - *got < (1u << 30) ? size - *got : (1u << 30);
        int count = gzread(source->stream, (char *)to + *got, (unsigned)piece);
        if (count < 0)
            return stream_failed(source, "it");
        if (count == 0)
            break;
        *got += (size_t)count;
        source->offset += (uint64_t)count;
    }
    int code = Z_OK;
    gzerror(source->stream, &code);
    if (*got < size && code != Z_OK && code != Z_STREAM_END)
        return stream_failed(source, "it");
    return NAS_OK;
}

nas_status nas__source_read(nas__source *source, void *to, size_t size, const char *what)
{
    size_t got;
    uint64_t start = source->offset;
    NAS_TRY(nas__source_some(source, to, size, &got));
    if (got < size)
        NAS_FAIL(NAS_DATA,
                 "%s: ends at offset %" PRIu64 " although %s needs %zu bytes from %" PRIu64 "; %s",
                 source->path, source->offset, what, size, start, again);
    return NAS_OK;
}

/* Reads `size` bytes while memory doubles up to it. */
static nas_status take_growing(nas__source *source, uint64_t size, const char *what, void **data)
{
    uint64_t have = 0, room = size < FIRST_PIECE ? size : FIRST_PIECE;
    if (source->size != UINT64_MAX)
        room = size; /* the bytes are there */
    char *bytes = NULL;
    for (;;) {
        char *more = realloc(bytes, (size_t)room + 1);
        if (!more) {
            free(bytes);
            NAS_FAIL(NAS_MEMORY, "%s: no memory for %" PRIu64 " bytes", source->path, room);
        }
        bytes = more;
        nas_status status = nas__source_read(source, bytes + have, (size_t)(room - have), what);
        if (status != NAS_OK) {
            free(bytes);
            return status;
        }
        have = room;
        if (have == size)
            break;
        room = size - have < have ? size : 2 * have;
    }
    *data = bytes;
    return NAS_OK;
}

nas_status nas__source_take(nas__source *source, uint64_t size, const char *what, void **data)
{
    if (source->size != UINT64_MAX && size > source->size - source->offset)
        NAS_FAIL(NAS_DATA,
                 "%s: %s needs %" PRIu64 " bytes from offset %" PRIu64 " and the file has %" PRIu64
                 " bytes in all; %s",
                 source->path, what, size, source->offset, source->size, again);
    if (size > SIZE_MAX / 2)
        NAS_FAIL(NAS_DATA, "%s: %s claims %" PRIu64 " bytes; %s", source->path, what, size, again);
    return take_growing(source, size, what, data);
}

nas_status nas__source_end(nas__source *source)
{
    char byte;
    size_t got;
    NAS_TRY(nas__source_some(source, &byte, 1, &got));
    if (got != 0)
        NAS_FAIL(NAS_DATA,
                 "%s: goes on behind offset %" PRIu64 ", where its header says it ends; %s",
                 source->path, source->offset - 1, again);
    return NAS_OK;
}

static bool is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

bool nas__find_file(const char *folder, const char *name, char path[NAS_PATH_SIZE])
{
    bool bare = name[0] == '/' || !folder || !folder[0];
    int length = bare ? snprintf(path, NAS_PATH_SIZE, "%s", name)
                      : snprintf(path, NAS_PATH_SIZE, "%s/%s", folder, name);
    if (length < 0 || length + 4 >= NAS_PATH_SIZE)
        return false;
    if (is_there(path))
        return true;
    memcpy(path + length, ".gz", 4);
    if (is_there(path))
        return true;
    path[length] = '\0';
    return false;
}
