/* bench_report.c - rows of samples as a table for people (aligned, or Markdown), or whole for programs (JSON, JSON lines, CSV).
 *
 * People get the median and the spread that other work on the machine gave it: lowest and highest.  Programs get every sample too, but for
 * CSV, which has the same columns as the table. */
#include "bench_report.h"

#include <stdlib.h>
#include <string.h>

bool bench_format_of(const char *name, bench_format *format)
{
    static const char *const names[] = {"table", "json", "jsonl", "csv", "md"};
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(names[i], name) == 0) {
            *format = (bench_format)i;
            return true;
        }
    return false;
}

nas_status bench_report_row(bench_report *report, const char *what, const char *size,
                            const char *unit, bench_row **row)
{
    if (report->count == report->capacity) {
        const int capacity = report->capacity ? 2 * report->capacity : 16;
        bench_row *rows = realloc(report->rows, (size_t)capacity * sizeof *rows);
        if (!rows)
            NAS_FAIL(NAS_MEMORY, "no memory for %d figures", capacity);
        report->rows = rows;
        report->capacity = capacity;
    }
    *row = &report->rows[report->count++];
    **row = (bench_row){.unit = unit};
    snprintf((*row)->what, sizeof(*row)->what, "%s", what);
    snprintf((*row)->size, sizeof(*row)->size, "%s", size);
    return NAS_OK;
}

void bench_row_add(bench_row *row, double sample)
{
    if (row->count < BENCH_SAMPLES)
        row->samples[row->count++] = sample;
}

void bench_report_clear(bench_report *report)
{
    free(report->rows);
    *report = (bench_report){0};
}

/* ---- figures ---------------------------------------------------------------------------------------------------------- */

typedef struct spread {
    double low, median, high;
} spread;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static spread spread_of(const bench_row *row)
{
    double sorted[BENCH_SAMPLES];
    const int n = row->count;
    if (n == 0)
        return (spread){0};
    memcpy(sorted, row->samples, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return (spread){sorted[0], (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted[n - 1]};
}

/* ---- for people --------------------------------------------------------------------------------------------------------- */

/* Three digits that count, none that do not. */
static void print_rounded(FILE *to, int width, double value)
{
    const int places = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    fprintf(to, "%*.*f", width, places, value);
}

static void print_table(const bench_report *report, FILE *to)
{
    fprintf(to, "%s %s, driver %s\n%-14s %-10s %10s %10s %10s  %s\n", report->device->id,
            report->device->name, report->device->driver, "what", "size", "median", "lowest",
            "highest", "unit");
    for (int i = 0; i < report->count; i++) {
        const bench_row *row = &report->rows[i];
        const spread s = spread_of(row);
        const double figures[] = {s.median, s.low, s.high};
        fprintf(to, "%-14s %-10s", row->what, row->size);
        for (int k = 0; k < 3; k++)
            print_rounded(to, 11, figures[k]);
        fprintf(to, "  %s\n", row->unit);
    }
}

static void print_markdown(const bench_report *report, FILE *to)
{
    fprintf(to,
            "%s, driver %s\n\n| what | size | median | lowest | highest | unit |\n"
            "|---|---|---|---|---|---|\n",
            report->device->name, report->device->driver);
    for (int i = 0; i < report->count; i++) {
        const bench_row *row = &report->rows[i];
        const spread s = spread_of(row);
        const double figures[] = {s.median, s.low, s.high};
        fprintf(to, "| %s | %s | ", row->what, row->size);
        for (int k = 0; k < 3; k++) {
            print_rounded(to, 1, figures[k]);
            fputs(" | ", to);
        }
        fprintf(to, "%s |\n", row->unit);
    }
}

/* ---- for programs ------------------------------------------------------------------------------------------------------- */

/* What a driver calls itself may be anything. */
static void print_string(const char *text, FILE *to)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(to, "\\u%04x", *c);
        else
            fputc(*c, to);
    fputc('"', to);
}

static void print_row(const bench_row *row, FILE *to)
{
    const spread s = spread_of(row);
    fputs("{\"what\":", to);
    print_string(row->what, to);
    fputs(",\"size\":", to);
    print_string(row->size, to);
    fputs(",\"unit\":", to);
    print_string(row->unit, to);
    fprintf(to, ",\"median\":%.9g,\"lowest\":%.9g,\"highest\":%.9g,\"samples\":[", s.median, s.low,
            s.high);
    for (int i = 0; i < row->count; i++)
        fprintf(to, "%s%.9g", i ? "," : "", row->samples[i]);
    fputs("]}", to);
}

static void print_json(const bench_report *report, FILE *to)
{
    fputs("{\"schema_version\":1,\"device\":{\"id\":", to);
    print_string(report->device->id, to);
    fputs(",\"name\":", to);
    print_string(report->device->name, to);
    fputs(",\"driver\":", to);
    print_string(report->device->driver, to);
    fputs("},\"rows\":[", to);
    for (int i = 0; i < report->count; i++) {
        fputs(i ? ",\n" : "\n", to);
        print_row(&report->rows[i], to);
    }
    fputs("\n]}\n", to);
}

static void print_csv(const bench_report *report, FILE *to)
{
    fputs("what,size,unit,median,lowest,highest,samples\n", to);
    for (int i = 0; i < report->count; i++) {
        const bench_row *row = &report->rows[i];
        const spread s = spread_of(row);
        fprintf(to, "%s,%s,%s,%.9g,%.9g,%.9g,%d\n", row->what, row->size, row->unit, s.median,
                s.low, s.high, row->count);
    }
}

void bench_report_print(const bench_report *report, bench_format format, FILE *to)
{
    switch (format) {
    case BENCH_TABLE:
        print_table(report, to);
        break;
    case BENCH_JSON:
        print_json(report, to);
        break;
    case BENCH_JSONL:
        for (int i = 0; i < report->count; i++) {
            print_row(&report->rows[i], to);
            fputc('\n', to);
        }
        break;
    case BENCH_CSV:
        print_csv(report, to);
        break;
    case BENCH_MARKDOWN:
        print_markdown(report, to);
        break;
    }
}
