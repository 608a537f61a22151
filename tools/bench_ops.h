/* bench_ops.h - what the files of clnas-bench ops share. */
#ifndef NAS_TOOLS_BENCH_OPS_H
#define NAS_TOOLS_BENCH_OPS_H

#include "bench_report.h"

typedef struct bench_ops_run {
    nas_device *device;
    bench_report report;
    const char *only, *clock;
    int repeats;
    double seconds; /* of a sample, about */
    double peak;    /* multiply-adds in registers, GFLOP/s, the most that was seen */
    bool cases;     /* sample cases of the operators in place of the list of shapes */
} bench_ops_run;

/* What a row is of. */
typedef struct bench_work {
    const char *group, *shape, *pass;
    double bytes, macs; /* that it cannot do without */
    bool dense;         /* held against multiply-adds whatever binds */
} bench_work;

/* Times the tape and adds its row. */
nas_status bench_ops_row(bench_ops_run *b, const bench_work *work, nas_tape *tape);
/* bench_optimizers.c: a step of each optimizer, and the clip by norm. */
nas_status bench_ops_optimizers(bench_ops_run *b, const char *group);

#endif
