// accumulate.cl - gradients of several passes over one batch, or over its parts, added up before one update: total += scale·g, strips of
// the path alone.
//
// Global size count / LANES, whole registers (the block is a multiple of 16 floats).
// compile: -DMASKED=1
// compile: -DLANES=16
#include "mask.clh"

__kernel void accumulate(READS(gradients), WRITES(total), MASK_ARGUMENTS, const ulong count,
                         const float scale)
{
    OPEN_READ(gradients);
    OPEN_WRITE(total);
    OPEN_MASK;
    const ulong i = get_global_id(0) * LANES;
    if (i < count && TAKES_PART(i))
        lanes_store(total + i, fma((lanes)scale, lanes_load(gradients + i), lanes_load(total + i)));
}
