/* bench_report.h - what was measured, with every sample, printed in the format that was asked for (bench_report.c). */
#ifndef NAS_TOOLS_BENCH_REPORT_H
#define NAS_TOOLS_BENCH_REPORT_H

#include <clnas/device.h>

#include <stdio.h>

enum { BENCH_SAMPLES = 99, BENCH_LABELS = 4, BENCH_FACTS = 10, BENCH_NOTES = 16 };

/* Rising. */
void bench_sort(double *samples, int count);
double bench_median(const double *sorted, int count);

typedef enum bench_format {
    BENCH_TABLE,
    BENCH_JSON,  /* an object: device, notes, rows with all samples */
    BENCH_JSONL, /* a line for each row */
    BENCH_CSV,
    BENCH_MARKDOWN,
} bench_format;
#define BENCH_FORMATS "table|json|jsonl|csv|md" /* in this order */
/* The row of a command that prints one (host/cli/command_line.h): `bench_format format` of its instance. */
#define BENCH_FORMAT_OPTION(type)                                                                  \
    {                                                                                              \
        "format", 'f', CLI_CHOICE, offsetof(type, format), NULL, "table", 0, 0, BENCH_FORMATS,     \
            "How to print"                                                                         \
    }

/* One figure: what was measured, at what size or width, in which unit; every sample; and what follows from them. */
typedef struct bench_row {
    char label[BENCH_LABELS][96];
    const char *unit; /* of a sample: "GB/s", "us" …; lent */
    double samples[BENCH_SAMPLES];
    int count;
    struct {
        const char *name; /* lent: a column of its own */
        double value;
    } facts[BENCH_FACTS];
    int fact_count;
} bench_row;

typedef struct bench_report {
    const nas_device_info *device; /* lent; NULL: there is none */
    const char *const *labels;     /* names of the labels, ends with NULL; NULL: "what", "size" */
    bench_row *rows;
    int count, capacity;
    struct {
        const char *name; /* lent */
        char text[160];
    } notes[BENCH_NOTES]; /* about the whole run: versions, ceilings */
    int note_count;
} bench_report;

/* A row without samples, which stays where it is until the next one is added.  `what` and `size` are its first two labels. */
nas_status bench_report_row(bench_report *report, const char *what, const char *size,
                            const char *unit, bench_row **row);
void bench_row_label(bench_row *row, int label, const char *text);
/* More than BENCH_SAMPLES are left out. */
void bench_row_add(bench_row *row, double sample);
/* A figure that follows from the samples, in a column called `name`.  More than BENCH_FACTS are left out. */
void bench_row_fact(bench_row *row, const char *name, double value);
double bench_row_median(const bench_row *row); /* 0 without samples */
double bench_row_lowest(const bench_row *row);
void bench_report_note(bench_report *report, const char *name, const char *format, ...)
    NAS_PRINTF(3, 4);
/* NAS_FAILED: not all of it could be written. */
nas_status bench_report_print(const bench_report *report, bench_format format, FILE *to);
void bench_report_clear(bench_report *report);

#endif
