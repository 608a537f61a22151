/* philox.cl - the words themselves, so that a device can be held against Random123's known answers. */
#include "prelude.clh"
#include "philox.clh"

/* Work-item i writes philox((i + first, a, b, c), key): four words. */
__kernel void philox_words(WRITES_OF(uint, words), const uint first, const uint a, const uint b,
                           const uint c, const uint key0, const uint key1)
{
    OPEN_WRITE_OF(uint, words);
    const uint i = (uint)get_global_id(0);
    vstore4(philox((uint4)(first + i, a, b, c), (uint2)(key0, key1)), i, words);
}
