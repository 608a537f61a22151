/* bench_cores.h - how far two cores are from one another. */
#ifndef NAS_TOOLS_BENCH_CORES_H
#define NAS_TOOLS_BENCH_CORES_H

#include <stdbool.h>

int bench_cores(void); /* prints a table; an exit code */
/* Nanoseconds that a cache line takes from core 0 to core `other` and back; 0 where that cannot be measured. */
double bench_core_round_trip_ns(int other);

#endif
