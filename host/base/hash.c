/* hash.c - fingerprints by XXH3 (https://xxhash.com): fast, well mixed, stable across versions.
 *
 * 64 bits for tables inside one process or study, 128 bits as hex where a collision would mix up two
 * files or kernels.  Neither resists an attacker, and neither is asked to. */
#include <clnas/base.h>

#include <stdio.h>
#include <xxhash.h>

uint64_t nas_hash(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

void nas_hash_hex(const void *data, size_t size, char hex[33])
{
    XXH128_hash_t hash = XXH3_128bits(data, size);
    snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}
