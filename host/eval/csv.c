/* csv.c - a table of numbers from a CSV file, with a column of architectures: some columns, in memory.
 *
 * The format is read in host/base; memory grows with what was really read, up to ROWS_LIMIT rows. */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_LIMIT = 10000000 };

static nas_status grow(const char *path, int *capacity, nas__csv *table)
{
    const int wanted = *capacity ? 2 * *capacity : 1024;
    char **keys = realloc(table->keys, (size_t)wanted * sizeof *keys);
    if (keys)
        table->keys = keys;
    double *values =
        realloc(table->values, (size_t)wanted * (size_t)(table->columns + 1) * sizeof *values);
    if (values)
        table->values = values;
    if (!keys || !values)
        NAS_FAIL(NAS_MEMORY, "no memory for %d rows of %s", wanted, path);
    *capacity = wanted;
    return NAS_OK;
}

static nas_status add_row(const nas_csv *csv, int key, const int *at, int *capacity,
                          nas__csv *table)
{
    const char *path = nas_csv_path(csv);
    if (table->rows == ROWS_LIMIT)
        NAS_FAIL(NAS_DATA, "%s: more than %d rows", path, ROWS_LIMIT);
    if (table->rows == *capacity)
        NAS_TRY(grow(path, capacity, table));
    double *values = table->values + (size_t)table->rows * (size_t)table->columns;
    for (int i = 0; i < table->columns; i++)
        NAS_TRY(nas_csv_number(csv, at[i], &values[i]));
    table->keys[table->rows] = strdup(nas_csv_cell(csv, key));
    if (!table->keys[table->rows])
        NAS_FAIL(NAS_MEMORY, "no memory for a row of %s", path);
    table->rows++;
    return NAS_OK;
}

static nas_status read_rows(nas_csv *csv, const char *key, const char *const *columns, int *at,
                            nas__csv *table)
{
    int key_at = 0, capacity = 0;
    bool more;
    NAS_TRY(nas_csv_find(csv, key, &key_at));
    for (int i = 0; i < table->columns; i++)
        NAS_TRY(nas_csv_find(csv, columns[i], &at[i]));
    for (;;) {
        NAS_TRY(nas_csv_next(csv, &more));
        if (!more)
            return NAS_OK;
        NAS_TRY(add_row(csv, key_at, at, &capacity, table));
    }
}

nas_status nas__csv_read(const char *path, const char *key, const char *const *columns, int count,
                         nas__csv *table)
{
    nas_csv *csv = NULL;
    *table = (nas__csv){.columns = count};
    int *at = calloc((size_t)count + 1, sizeof *at);
    if (!at)
        NAS_FAIL(NAS_MEMORY, "no memory to read %s", path);
    nas_status status = nas_csv_open(path, &csv);
    if (status == NAS_OK)
        status = read_rows(csv, key, columns, at, table);
    nas_csv_close(csv);
    free(at);
    if (status != NAS_OK)
        nas__csv_clear(table);
    return status;
}

void nas__csv_clear(nas__csv *table)
{
    for (int i = 0; i < table->rows; i++)
        free(table->keys[i]);
    free(table->keys);
    free(table->values);
    *table = (nas__csv){0};
}
