/* bench_report.c - rows of samples as a table for people (aligned, or Markdown), or whole for programs (JSON, JSON lines, CSV).
 *
 * People get the median and the spread that other work on the machine gave it: lowest and highest.  Programs get every sample too, but for
 * CSV, which has the same columns as the table.  Behind the samples stand facts, figures that follow from them (a share of a ceiling, images per
 * second): each name that some row has is a column. */
#include "bench_report.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

void bench_row_label(bench_row *row, int label, const char *text)
{
    snprintf(row->label[label], sizeof row->label[label], "%s", text);
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
    memset(*row, 0, sizeof **row);
    bench_row_label(*row, 0, what);
    bench_row_label(*row, 1, size);
    (*row)->unit = unit;
    return NAS_OK;
}

void bench_row_add(bench_row *row, double sample)
{
    if (row->count < BENCH_SAMPLES)
        row->samples[row->count++] = sample;
}

void bench_row_fact(bench_row *row, const char *name, double value)
{
    if (row->fact_count == BENCH_FACTS)
        return;
    row->facts[row->fact_count].name = name;
    row->facts[row->fact_count++].value = value;
}

void bench_report_note(bench_report *report, const char *name, const char *format, ...)
{
    va_list arguments;
    if (report->note_count == BENCH_NOTES)
        return;
    report->notes[report->note_count].name = name;
    va_start(arguments, format);
    vsnprintf(report->notes[report->note_count].text, sizeof report->notes->text, format,
              arguments);
    va_end(arguments);
    report->note_count++;
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

double bench_row_median(const bench_row *row)
{
    return spread_of(row).median;
}

double bench_row_lowest(const bench_row *row)
{
    return spread_of(row).low;
}

/* ---- columns: labels, median, lowest, highest, unit, number of samples, facts --------------------------------------------- */

enum { MEDIAN, LOWEST, HIGHEST, UNIT, COUNT, FIXED, CELL = 112, COLUMNS = 64 };

typedef struct columns {
    const char *name[COLUMNS];
    int labels, count; /* the facts' begin at labels + FIXED */
} columns;

static bool has_column(const columns *c, const char *name)
{
    for (int i = c->labels + FIXED; i < c->count; i++)
        if (strcmp(c->name[i], name) == 0)
            return true;
    return false;
}

static columns columns_of(const bench_report *report)
{
    static const char *const usual[] = {"what", "size", NULL};
    static const char *const fixed[] = {"median", "lowest", "highest", "unit", "samples"};
    const char *const *labels = report->labels ? report->labels : usual;
    columns c = {.labels = 0};
    while (labels[c.labels] && c.labels < BENCH_LABELS) {
        c.name[c.labels] = labels[c.labels];
        c.labels++;
    }
    for (int i = 0; i < FIXED; i++)
        c.name[c.labels + i] = fixed[i];
    c.count = c.labels + FIXED;
    for (int i = 0; i < report->count; i++)
        for (int k = 0; k < report->rows[i].fact_count; k++) {
            const char *name = report->rows[i].facts[k].name;
            if (c.count < COLUMNS && !has_column(&c, name))
                c.name[c.count++] = name;
        }
    return c;
}

/* Three digits that count, none that do not; exactly, for programs. */
static void write_figure(double value, bool exact, char *cell)
{
    const double size = fabs(value);
    const int places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
    if (exact)
        snprintf(cell, CELL, "%.9g", value);
    else
        snprintf(cell, CELL, "%.*f", places, value);
}

static void write_fact(const bench_row *row, const char *name, bool exact, char *cell)
{
    cell[0] = '\0';
    for (int i = 0; i < row->fact_count; i++)
        if (strcmp(row->facts[i].name, name) == 0)
            write_figure(row->facts[i].value, exact, cell);
}

static void write_cell(const columns *c, const bench_row *row, int column, bool exact, char *cell)
{
    const spread s = spread_of(row);
    const double figures[] = {s.median, s.low, s.high};
    const int fixed = column - c->labels;
    if (fixed < 0)
        snprintf(cell, CELL, "%s", row->label[column]);
    else if (fixed >= FIXED)
        write_fact(row, c->name[column], exact, cell);
    else if (fixed == UNIT)
        snprintf(cell, CELL, "%s", row->unit);
    else if (fixed == COUNT)
        snprintf(cell, CELL, "%d", row->count);
    else
        write_figure(figures[fixed], exact, cell);
}

/* ---- for people --------------------------------------------------------------------------------------------------------- */

static void print_head(const bench_report *report, FILE *to)
{
    if (report->device)
        fprintf(to, "%s %s, driver %s\n", report->device->id, report->device->name,
                report->device->driver);
    for (int i = 0; i < report->note_count; i++)
        fprintf(to, "%s: %s\n", report->notes[i].name, report->notes[i].text);
}

/* Texts begin at the left of their column, figures end at its right.  Nothing trails. */
static void print_aligned(const columns *c, const int *widths, const bench_row *row, FILE *to)
{
    char cell[CELL], line[COLUMNS * CELL] = "";
    size_t used = 0, end = 0;
    for (int i = 0; i < c->count; i++) {
        const int fixed = i - c->labels;
        if (fixed == COUNT)
            continue;
        if (row)
            write_cell(c, row, i, false, cell);
        else
            snprintf(cell, sizeof cell, "%s", c->name[i]);
        const int width = fixed < 0 || fixed == UNIT ? -widths[i] : widths[i];
        used +=
            (size_t)snprintf(line + used, sizeof line - used, "%s%*s", i ? "  " : "", width, cell);
        end = cell[0] ? used : end;
    }
    while (end > 0 && line[end - 1] == ' ')
        end--;
    fprintf(to, "%.*s\n", (int)end, line);
}

static void print_table(const bench_report *report, FILE *to)
{
    const columns c = columns_of(report);
    int widths[COLUMNS];
    char cell[CELL];
    for (int i = 0; i < c.count; i++) {
        widths[i] = (int)strlen(c.name[i]);
        for (int r = 0; r < report->count; r++) {
            write_cell(&c, &report->rows[r], i, false, cell);
            if ((int)strlen(cell) > widths[i])
                widths[i] = (int)strlen(cell);
        }
    }
    print_head(report, to);
    print_aligned(&c, widths, NULL, to);
    for (int r = 0; r < report->count; r++)
        print_aligned(&c, widths, &report->rows[r], to);
}

static void print_markdown(const bench_report *report, FILE *to)
{
    const columns c = columns_of(report);
    char cell[CELL];
    print_head(report, to);
    for (int r = -2; r < report->count; r++) {
        fputs(r == -2 ? "\n|" : "|", to);
        for (int i = 0; i < c.count; i++) {
            if (i == c.labels + COUNT)
                continue;
            if (r >= 0)
                write_cell(&c, &report->rows[r], i, false, cell);
            else
                snprintf(cell, sizeof cell, "%s", r == -2 ? c.name[i] : "---");
            fprintf(to, r == -1 ? "%s|" : " %s |", cell);
        }
        fputc('\n', to);
    }
}

/* ---- for programs ------------------------------------------------------------------------------------------------------- */

static json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *row_json(const columns *c, const bench_row *row)
{
    const spread s = spread_of(row);
    json_t *object = json_object(), *samples = json_array();
    for (int i = 0; i < c->labels; i++)
        json_object_set_new(object, c->name[i], json_string(row->label[i]));
    json_object_set_new(object, "unit", json_string(row->unit));
    json_object_set_new(object, "median", number_json(s.median));
    json_object_set_new(object, "lowest", number_json(s.low));
    json_object_set_new(object, "highest", number_json(s.high));
    for (int i = 0; i < row->fact_count; i++)
        json_object_set_new(object, row->facts[i].name, number_json(row->facts[i].value));
    for (int i = 0; i < row->count; i++)
        json_array_append_new(samples, number_json(row->samples[i]));
    json_object_set_new(object, "samples", samples);
    return object;
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
    const columns c = columns_of(report);
    bool good = true;
    for (int i = 0; i < report->count && good; i++)
        good = print_json(row_json(&c, &report->rows[i]), JSON_COMPACT, to);
    return good;
}

static bool print_whole(const bench_report *report, FILE *to)
{
    const columns c = columns_of(report);
    json_t *object = json_object(), *rows = json_array(), *notes = json_object();
    for (int i = 0; i < report->note_count; i++)
        json_object_set_new(notes, report->notes[i].name, json_string(report->notes[i].text));
    for (int i = 0; i < report->count; i++)
        json_array_append_new(rows, row_json(&c, &report->rows[i]));
    json_object_set_new(object, "schema_version", json_integer(1));
    if (report->device)
        json_object_set_new(object, "device", device_json(report->device));
    json_object_set_new(object, "notes", notes);
    json_object_set_new(object, "rows", rows);
    return print_json(object, JSON_INDENT(1), to);
}

/* RFC 4180. */
static void print_field(const char *text, const char *end, FILE *to)
{
    const bool quoted = strpbrk(text, ",\"\n\r") != NULL;
    if (quoted)
        fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fprintf(to, quoted ? "\"%s" : "%s", end);
}

static void print_csv(const bench_report *report, FILE *to)
{
    const columns c = columns_of(report);
    char cell[CELL];
    for (int r = -1; r < report->count; r++)
        for (int i = 0; i < c.count; i++) {
            if (r >= 0)
                write_cell(&c, &report->rows[r], i, true, cell);
            else
                snprintf(cell, sizeof cell, "%s", c.name[i]);
            print_field(cell, i + 1 < c.count ? "," : "\n", to);
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
    else if (format == BENCH_TABLE)
        print_table(report, to);
    else
        print_markdown(report, to);
    if (!good || ferror(to))
        NAS_FAIL(NAS_FAILED, "writing the figures failed");
    return NAS_OK;
}
