/* cache.c - files that may be lost at any time: what costs time to make again is kept under a key and a checksum.
 *
 *     offset  size
 *          0     8  what kind of file, and its format's version (the caller's)
 *          8    32  key: XXH3-128, in hex, of everything that the content depends on
 *         40     8  length of the content, little-endian
 *         48     8  XXH3-64 of the content
 *         56     …  the content
 *
 * Any doubt - kind, key, length, checksum - means that there is no such file; whoever asked makes the content again and the file is
 * replaced whole.  A length is compared with the file's before memory is allocated on its word.  A cache that cannot be read or
 * written costs time and is no error. */
#include <clnas/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, KEY_AT = 8, LENGTH_AT = 40, HASH_AT = 48 };

static bool folder_is_ours(const char *path)
{
    struct stat state;
    return lstat(path, &state) == 0 && S_ISDIR(state.st_mode) && state.st_uid == geteuid() &&
           (state.st_mode & 077) == 0;
}

bool nas_cache_part(const char *name, bool make, char *path, size_t size)
{
    char cache[PATH_SIZE];
    struct stat state;
    if (nas_cache_folder(cache, sizeof cache) != NAS_OK)
        return false;
    const int length = snprintf(path, size, "%s/%s", cache, name);
    if (length < 0 || (size_t)length >= size)
        return false;
    if (lstat(path, &state) != 0 && (!make || nas_folder_make(path, 0700) != NAS_OK))
        return false;
    if (folder_is_ours(path))
        return true;
    nas_log(NAS_LOG_WARNING, "%s is not used: it must be a folder of ours with mode 0700", path);
    return false;
}

static void put_number(unsigned char *to, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(number >> (8 * i));
}

static uint64_t get_number(const unsigned char *from)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)from[i] << (8 * i);
    return number;
}

static const char *header_fault(const unsigned char *file, uint64_t size, const char *magic,
                                const char *key)
{
    if (size < NAS_CACHE_HEADER)
        return "it is too short";
    if (memcmp(file, magic, KEY_AT) != 0)
        return "it is of another format";
    if (memcmp(file + KEY_AT, key, LENGTH_AT - KEY_AT) != 0)
        return "it has another key";
    if (get_number(file + LENGTH_AT) != size - NAS_CACHE_HEADER)
        return "its length is wrong";
    return NULL;
}

/* Of the file's head alone, before the rest gets memory. */
static const char *early_fault(const char *path, const char *magic, const char *key)
{
    unsigned char header[NAS_CACHE_HEADER] = {0};
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (!file)
        return "it cannot be opened";
    const bool read =
        fstat(fileno(file), &about) == 0 && fread(header, 1, sizeof header, file) == sizeof header;
    fclose(file);
    return read ? header_fault(header, (uint64_t)about.st_size, magic, key) : "it is too short";
}

bool nas_cache_load(const char *path, const char magic[8], const char key[33], size_t limit,
                    void **file, size_t *size)
{
    void *data = NULL;
    size_t length = 0;
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    const char *fault = early_fault(path, magic, key);
    if (!fault && nas_file_read(path, limit, &data, &length) != NAS_OK)
        fault = nas_error_message();
    if (!fault)
        fault = header_fault(data, length, magic, key);
    if (!fault &&
        get_number((unsigned char *)data + HASH_AT) !=
            nas_hash((unsigned char *)data + NAS_CACHE_HEADER, length - NAS_CACHE_HEADER, 0))
        fault = "its checksum is wrong";
    if (fault) {
        nas_log(NAS_LOG_INFO, "%s is not used: %s", path, fault);
        free(data);
        return false;
    }
    *file = data;
    *size = length - NAS_CACHE_HEADER;
    return true;
}

nas_status nas_cache_store(const char *path, const char magic[8], const char key[33], void *file,
                           size_t size)
{
    unsigned char *header = file;
    memcpy(header, magic, KEY_AT);
    memcpy(header + KEY_AT, key, LENGTH_AT - KEY_AT);
    put_number(header + LENGTH_AT, size);
    put_number(header + HASH_AT, nas_hash(header + NAS_CACHE_HEADER, size, 0));
    return nas_file_replace(path, file, NAS_CACHE_HEADER + size);
}
