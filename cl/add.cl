// add.cl - y = read(x0) + read(x1) + … of COUNT inputs, summed in that order.
//
// One work-item computes one part, `run` strips of one channel (stream.clh); global size (parts, channels).  Backward, each
// input takes dz as it is: passes_into, once per input.
// compile: -DCOUNT=2
// compile: -DCOUNT=8 -DCURVED=1 -DLANES=4
// Defines: COUNT 2 … 8 (default 2), CURVED (default 0).
#include "stream.clh"

#ifndef COUNT
#define COUNT 2
#endif

// F(k) for the inputs k = 2 … COUNT − 1
#if COUNT == 2
#define FURTHER(F)
#elif COUNT == 3
#define FURTHER(F) F(2)
#elif COUNT == 4
#define FURTHER(F) F(2) F(3)
#elif COUNT == 5
#define FURTHER(F) F(2) F(3) F(4)
#elif COUNT == 6
#define FURTHER(F) F(2) F(3) F(4) F(5)
#elif COUNT == 7
#define FURTHER(F) F(2) F(3) F(4) F(5) F(6)
#else
#define FURTHER(F) F(2) F(3) F(4) F(5) F(6) F(7)
#endif
#define ARGUMENT(k) STREAM_READ_ARGUMENTS(x##k),
#define OPEN(k) OPEN_STREAM_READ(x##k, c, size);
#define TERM(k) sum += STREAM_READ(x##k, i);

__kernel void add_forward(STREAM_READ_ARGUMENTS(x0), STREAM_READ_ARGUMENTS(x1), FURTHER(ARGUMENT) WRITES(y),
                          WRITES(statistics), STREAM_AXES, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_STREAM_READ(x0, c, size);
    OPEN_STREAM_READ(x1, c, size);
    FURTHER(OPEN)
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    for (size_t i = (size_t)first * 16; i < (size_t)last * 16; i += LANES) {
        lanes sum = STREAM_READ(x0, i) + STREAM_READ(x1, i);
        FURTHER(TERM)
        lanes_store(y + i, sum);
    }
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}
