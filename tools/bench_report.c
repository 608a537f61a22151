/* bench_report.c - rows of samples as a table for people (aligned, or Markdown), or whole for programs (JSON, JSON lines, CSV).
 *
 * People get the median and the spread that other work on the machine gave it: lowest and highest.  Programs get every sample too, but for
 * CSV, which has the same columns as the table. */
#include "bench_report.h"

#include <jansson.h>
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

static int rising(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void bench_sort(double *samples, int count)
{
    qsort(samples, (size_t)count, sizeof *samples, rising);
}

double bench_median(const double *sorted, int count)
{
    const int middle = count / 2;
    return count % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

typedef struct spread {
    double median, low, high;
} spread;

static spread spread_of(const bench_row *row)
{
    double sorted[BENCH_SAMPLES];
    const int n = row->count;
    if (n == 0)
        return (spread){0};
    memcpy(sorted, row->samples, (size_t)n * sizeof *sorted);
    bench_sort(sorted, n);
    return (spread){bench_median(sorted, n), sorted[0], sorted[n - 1]};
}

/* ---- for people --------------------------------------------------------------------------------------------------------- */

/* Three digits that count, none that do not. */
static void print_rounded(FILE *to, int width, double value)
{
    const int places = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    fprintf(to, "%*.*f", width, places, value);
}

/* How a table for people looks: what stands before the rows, what in front of each figure, and how wide that is. */
typedef struct look {
    const char *head, *row, *before, *end;
    int width;
} look;

static const look aligned = {"what           size           median     lowest    highest  unit\n",
                             "%-14s %-10s", " ", "  %s\n", 10};
static const look markdown = {
    "\n| what | size | median | lowest | highest | unit |\n|---|---|---|---|---|---|\n",
    "| %s | %s", " | ", " | %s |\n", 1};

static void print_rows(const bench_report *report, const look *as, FILE *to)
{
    fprintf(to, "%s %s, driver %s\n%s", report->device->id, report->device->name,
            report->device->driver, as->head);
    for (int i = 0; i < report->count; i++) {
        const bench_row *row = &report->rows[i];
        const spread s = spread_of(row);
        const double figures[] = {s.median, s.low, s.high};
        fprintf(to, as->row, row->what, row->size);
        for (int k = 0; k < 3; k++) {
            fputs(as->before, to);
            print_rounded(to, as->width, figures[k]);
        }
        fprintf(to, as->end, row->unit);
    }
}

/* ---- for programs ------------------------------------------------------------------------------------------------------- */

static json_t *row_json(const bench_row *row)
{
    const spread s = spread_of(row);
    json_t *samples = json_array();
    for (int i = 0; i < row->count; i++)
        json_array_append_new(samples, json_real(row->samples[i]));
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:o}", "what", row->what, "size", row->size,
                     "unit", row->unit, "median", s.median, "lowest", s.low, "highest", s.high,
                     "samples", samples);
}

/* A driver may call itself anything: what is no UTF-8 is left out. */
static json_t *device_json(const nas_device_info *device)
{
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(device->id));
    json_object_set_new(object, "name", json_string(device->name));
    json_object_set_new(object, "driver", json_string(device->driver));
    return object;
}

static bool print_json(json_t *value, size_t flags, FILE *to)
{
    const bool good = value && json_dumpf(value, to, flags | JSON_REAL_PRECISION(9)) == 0;
    json_decref(value);
    return good && fputc('\n', to) != EOF;
}

static bool print_lines(const bench_report *report, FILE *to)
{
    bool good = true;
    for (int i = 0; i < report->count && good; i++)
        good = print_json(row_json(&report->rows[i]), JSON_COMPACT, to);
    return good;
}

static bool print_whole(const bench_report *report, FILE *to)
{
    json_t *rows = json_array();
    for (int i = 0; i < report->count; i++)
        json_array_append_new(rows, row_json(&report->rows[i]));
    return print_json(json_pack("{s:i, s:o, s:o}", "schema_version", 1, "device",
                                device_json(report->device), "rows", rows),
                      JSON_INDENT(1), to);
}

/* None of these texts needs quotes. */
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

nas_status bench_report_print(const bench_report *report, bench_format format, FILE *to)
{
    bool good = true;
    if (format == BENCH_JSON)
        good = print_whole(report, to);
    else if (format == BENCH_JSONL)
        good = print_lines(report, to);
    else if (format == BENCH_CSV)
        print_csv(report, to);
    else
        print_rows(report, format == BENCH_TABLE ? &aligned : &markdown, to);
    if (!good || ferror(to))
        NAS_FAIL(NAS_FAILED, "writing the figures failed");
    return NAS_OK;
}
