/* listing.c - rows and columns, printed as an aligned table, JSON, JSON lines or CSV.
 *
 * Commands fill a listing once; the format is chosen at the end, so every listing has all four and the
 * field names are the same in each.  Tables are for people: numbers rounded, cut to the width of the
 * terminal, columns of little use left out.  The others are for programs: every column, numbers in full
 * (infinities and NaN, which JSON lacks, as null), a schema_version beside the array.
 */
#include "cli.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_LIMIT = CLI_COLUMNS, SCHEMA_VERSION = 1 };

/* ---- filling -------------------------------------------------------------------------------------- */

void cli_listing_column(cli_listing *listing, const char *name, bool table)
{
    if (!listing->columns)
        listing->columns = calloc(COLUMN_LIMIT, sizeof *listing->columns);
    if (!listing->columns || listing->column_count == COLUMN_LIMIT) {
        listing->failed = true;
        return;
    }
    cli_column *column = &listing->columns[listing->column_count++];
    snprintf(column->name, sizeof column->name, "%s", name);
    column->table = table;
}

bool cli_listing_has(const cli_listing *listing, const char *name)
{
    for (int i = 0; i < listing->column_count; i++)
        if (strcmp(listing->columns[i].name, name) == 0)
            return true;
    return false;
}

void cli_listing_row(cli_listing *listing)
{
    if (listing->row_count == listing->row_capacity) {
        int capacity = listing->row_capacity ? 2 * listing->row_capacity : 16;
        cli_cell *cells = realloc(listing->cells, (size_t)capacity * COLUMN_LIMIT * sizeof *cells);
        if (!cells) {
            listing->failed = true;
            return;
        }
        listing->cells = cells;
        listing->row_capacity = capacity;
    }
    memset(listing->cells + (size_t)listing->row_count * COLUMN_LIMIT, 0,
           COLUMN_LIMIT * sizeof *listing->cells);
    listing->row_count++;
}

/* The cell of the last row, emptied; NULL after a failure. */
static cli_cell *cell_of(cli_listing *listing, const char *column, cli_cell_type type,
                         const char *text)
{
    int index = 0;
    if (listing->failed || !listing->row_count)
        return NULL;
    while (index < listing->column_count && strcmp(listing->columns[index].name, column) != 0)
        index++;
    assert(index < listing->column_count);
    cli_cell *cell = &listing->cells[(size_t)(listing->row_count - 1) * COLUMN_LIMIT + index];
    free(cell->text);
    cell->type = type;
    cell->text = strdup(text);
    listing->failed = !cell->text;
    if (cell->text)
        cli_text_clean(cell->text);
    return listing->failed ? NULL : cell;
}

void cli_listing_text(cli_listing *listing, const char *column, const char *text)
{
    cell_of(listing, column, CLI_CELL_TEXT, text);
}

void cli_listing_format(cli_listing *listing, const char *column, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cell_of(listing, column, CLI_CELL_TEXT, text);
}

void cli_listing_int(cli_listing *listing, const char *column, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    cli_cell *cell = cell_of(listing, column, CLI_CELL_INT, text);
    if (cell)
        cell->integer = value;
}

void cli_listing_bytes(cli_listing *listing, const char *column, uint64_t bytes)
{
    char text[32];
    cli_bytes_text(bytes, text, sizeof text);
    cli_cell *cell = cell_of(listing, column, CLI_CELL_INT, text);
    if (cell)
        cell->integer = (int64_t)bytes;
}

void cli_listing_bool(cli_listing *listing, const char *column, bool value)
{
    cli_cell *cell = cell_of(listing, column, CLI_CELL_BOOL, value ? "yes" : "no");
    if (cell)
        cell->integer = value;
}

/* The text of a number as tables show it; only the forms that commands use. */
static void real_text(double value, const char *format, char *text, size_t size)
{
    int digits = format ? atoi(format + 2) : 0;
    if (value != value)
        snprintf(text, size, "-");
    else if (format)
        snprintf(text, size, "%.*f", digits, value);
    else
        snprintf(text, size, "%.6g", value);
}

void cli_listing_real(cli_listing *listing, const char *column, double value, const char *format)
{
    char text[64];
    real_text(value, format, text, sizeof text);
    cli_cell *cell = cell_of(listing, column, CLI_CELL_REAL, text);
    if (cell)
        cell->real = value;
}

void cli_listing_clear(cli_listing *listing)
{
    for (int row = 0; row < listing->row_count; row++)
        for (int column = 0; column < listing->column_count; column++)
            free(listing->cells[(size_t)row * COLUMN_LIMIT + column].text);
    free(listing->cells);
    free(listing->columns);
    memset(listing, 0, sizeof *listing);
}

const cli_cell *cli_listing_cell(const cli_listing *listing, int row, int column)
{
    return &listing->cells[(size_t)row * COLUMN_LIMIT + column];
}

/* ---- texts ------------------------------------------------------------------------------------------ */

void cli_bytes_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    while (value >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    snprintf(text, size, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void cli_duration_text(double seconds, char *text, size_t size)
{
    long whole = seconds > 0 && seconds < 1e9 ? (long)(seconds + 0.5) : 0;
    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

/* ---- printing ---------------------------------------------------------------------------------------- */

static json_t *cell_json(const cli_cell *cell)
{
    switch (cell->type) {
    case CLI_CELL_TEXT:
        return json_string(cell->text);
    case CLI_CELL_INT:
        return json_integer(cell->integer);
    case CLI_CELL_REAL:
        return isfinite(cell->real) ? json_real(cell->real) : json_null();
    case CLI_CELL_BOOL:
        return json_boolean(cell->integer);
    default:
        return json_null();
    }
}

json_t *cli_listing_json(const cli_listing *listing, int row)
{
    json_t *object = json_object();
    for (int column = 0; column < listing->column_count; column++)
        json_object_set_new(object, listing->columns[column].name,
                            cell_json(cli_listing_cell(listing, row, column)));
    return object;
}

static bool print_json(const cli_listing *listing, bool lines, FILE *to)
{
    bool good = true;
    json_t *rows = json_array();
    for (int row = 0; row < listing->row_count; row++)
        json_array_append_new(rows, cli_listing_json(listing, row));
    if (lines) {
        for (size_t i = 0; i < json_array_size(rows) && good; i++) {
            good = json_dumpf(json_array_get(rows, i), to, JSON_COMPACT) == 0;
            fputc('\n', to);
        }
        json_decref(rows);
        return good;
    }
    json_t *whole = json_object();
    json_object_set_new(whole, "schema_version", json_integer(SCHEMA_VERSION));
    json_object_set_new(whole, listing->name, rows);
    good = json_dumpf(whole, to, JSON_INDENT(2)) == 0;
    fputc('\n', to);
    json_decref(whole);
    return good;
}

/* One field as RFC 4180 has it. */
static void print_csv_text(const char *text, FILE *to)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++)
        fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, to);
    fputc('"', to);
}

static void print_csv_cell(const cli_cell *cell, FILE *to)
{
    if (cell->type == CLI_CELL_INT)
        fprintf(to, "%lld", (long long)cell->integer);
    else if (cell->type == CLI_CELL_REAL && isfinite(cell->real))
        fprintf(to, "%.17g", cell->real);
    else if (cell->type == CLI_CELL_BOOL)
        fputs(cell->integer ? "true" : "false", to);
    else if (cell->type == CLI_CELL_TEXT)
        print_csv_text(cell->text, to);
}

static void print_csv(const cli_listing *listing, FILE *to)
{
    for (int row = -1; row < listing->row_count; row++)
        for (int column = 0; column < listing->column_count; column++) {
            if (row < 0)
                print_csv_text(listing->columns[column].name, to);
            else
                print_csv_cell(cli_listing_cell(listing, row, column), to);
            fputc(column + 1 == listing->column_count ? '\n' : ',', to);
        }
}

nas_status cli_listing_print(const cli_listing *listing, cli_format format, FILE *to)
{
    bool good = true;
    if (listing->failed)
        NAS_FAIL(NAS_MEMORY, "no memory for a listing of %d rows", listing->row_count);
    if (format == CLI_TABLE)
        cli_listing_print_table(listing, to);
    else if (format == CLI_CSV)
        print_csv(listing, to);
    else
        good = print_json(listing, format == CLI_JSONL, to);
    if (!good)
        NAS_FAIL(NAS_FAILED, "writing JSON failed");
    return NAS_OK;
}

nas_status cli_listing_print_one(const cli_listing *listing, cli_format format, FILE *to)
{
    int width = 0, row = listing->row_count - 1;
    if (listing->failed || format == CLI_CSV || row < 0)
        return cli_listing_print(listing, format, to);
    if (format != CLI_TABLE) {
        json_t *object = cli_listing_json(listing, row);
        if (format == CLI_JSON)
            json_object_set_new(object, "schema_version", json_integer(SCHEMA_VERSION));
        bool good = json_dumpf(object, to, format == CLI_JSON ? JSON_INDENT(2) : JSON_COMPACT) == 0;
        json_decref(object);
        fputc('\n', to);
        if (!good)
            NAS_FAIL(NAS_FAILED, "writing JSON failed");
        return NAS_OK;
    }
    for (int i = 0; i < listing->column_count; i++)
        if (listing->columns[i].table && cli_text_width(listing->columns[i].name) > width)
            width = cli_text_width(listing->columns[i].name);
    for (int i = 0; i < listing->column_count; i++)
        if (listing->columns[i].table && cli_listing_cell(listing, row, i)->type != CLI_NONE)
            fprintf(to, "%-*s  %s\n", width, listing->columns[i].name,
                    cli_listing_cell(listing, row, i)->text);
    return NAS_OK;
}
