/* bench_report.h - what was measured, with every sample, printed in the format that was asked for (bench_report.c). */
#ifndef NAS_TOOLS_BENCH_REPORT_H
#define NAS_TOOLS_BENCH_REPORT_H

#include <clnas/device.h>

#include <stdio.h>

enum { BENCH_SAMPLES = 99 };

/* Rising. */
void bench_sort(double *samples, int count);
double bench_median(const double *sorted, int count);

typedef enum bench_format {
    BENCH_TABLE,
    BENCH_JSON,  /* an object: device, rows with all samples */
    BENCH_JSONL, /* a line for each row */
    BENCH_CSV,
    BENCH_MARKDOWN,
} bench_format;

/* One figure: what was measured, at what size or width, in which unit; every sample. */
typedef struct bench_row {
    char what[32], size[32];
    const char *unit; /* of a sample: "GB/s", "us" …; lent */
    double samples[BENCH_SAMPLES];
    int count;
} bench_row;

typedef struct bench_report {
    const nas_device_info *device; /* lent */
    bench_row *rows;
    int count, capacity;
} bench_report;

/* false: there is no such format. */
bool bench_format_of(const char *name, bench_format *format);
/* A row without samples, which stays where it is until the next one is added. */
nas_status bench_report_row(bench_report *report, const char *what, const char *size,
                            const char *unit, bench_row **row);
/* More than BENCH_SAMPLES are left out. */
void bench_row_add(bench_row *row, double sample);
/* NAS_FAILED: not all of it could be written. */
nas_status bench_report_print(const bench_report *report, bench_format format, FILE *to);
void bench_report_clear(bench_report *report);

#endif
