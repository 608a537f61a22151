/* bench_cores.h - how far two cores are from one another. */
#ifndef NAS_TOOLS_BENCH_CORES_H
#define NAS_TOOLS_BENCH_CORES_H

/* Nanoseconds that a cache line takes from core 0 to core 1 and back, the least and the most of what was noted; 0: could not
 * be measured.  A hypervisor may change it at any time, so it is noted before, between and after measurements. */
typedef struct bench_distance {
    double near_ns, far_ns;
} bench_distance;
void bench_distance_note(bench_distance *distance);

#endif
