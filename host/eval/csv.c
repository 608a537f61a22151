/* csv.c - reading a CSV line by line through zlib, which takes plain files as they are.
 *
 * Files are hostile: a line is at most LINE_LIMIT bytes, a table at most ROWS_LIMIT rows, and memory grows with what was really read. */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LINE_LIMIT = 65536, CELLS_LIMIT = 1024, ROWS_LIMIT = 10000000 };

typedef struct reader {
    const char *path;
    gzFile file;
    int line; /* number of the line in `text` */
    char *text;
    char *cells[CELLS_LIMIT];
    int count;
} reader;

/* `*more` false at the end of the file.  Empty lines are passed over. */
static nas_status read_line(reader *r, bool *more)
{
    int error;
    for (;;) {
        *more = gzgets(r->file, r->text, LINE_LIMIT) != NULL;
        if (!*more) {
            const char *message = gzerror(r->file, &error);
            if (error != Z_OK && error != Z_STREAM_END)
                NAS_FAIL(NAS_DATA, "%s: behind line %d: %s", r->path, r->line,
                         error == Z_ERRNO ? strerror(errno) : message);
            return NAS_OK;
        }
        r->line++;
        size_t length = strlen(r->text);
        if (length + 1 == LINE_LIMIT)
            NAS_FAIL(NAS_DATA, "%s:%d: the line is longer than %d bytes", r->path, r->line,
                     LINE_LIMIT - 2);
        while (length > 0 && strchr("\r\n", r->text[length - 1]))
            r->text[--length] = '\0';
        if (length > 0)
            return NAS_OK;
    }
}

/* Ends the cell that begins at `at` with a NUL and returns what is behind its comma (NULL: it was the last). */
static char *end_cell(char *at, char **cell)
{
    char *to = at;
    *cell = at;
    if (*at != '"') {
        char *comma = strchr(at, ',');
        if (comma)
            *comma = '\0';
        return comma ? comma + 1 : NULL;
    }
    for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"';
        *to++ = *at;
    }
    char *behind = *at ? at + 1 : at;
    bool more = *behind == ',';
    *to = '\0';
    return more ? behind + 1 : NULL;
}

static nas_status split_line(reader *r)
{
    r->count = 0;
    for (char *at = r->text; at; at = end_cell(at, &r->cells[r->count - 1]))
        if (++r->count > CELLS_LIMIT)
            NAS_FAIL(NAS_DATA, "%s:%d: more than %d columns", r->path, r->line, CELLS_LIMIT);
    return NAS_OK;
}

static nas_status find_column(const reader *r, const char *name, int *at)
{
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->cells[i], name) == 0) {
            *at = i;
            return NAS_OK;
        }
    const char *near = nas_nearest_name(name, (const char *const *)r->cells, r->count);
    NAS_FAIL(NAS_CONFIG, "%s has no column \"%.64s\"%s%.64s%s", r->path, name,
             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static nas_status read_cell(const reader *r, int at, double *value)
{
    char *end;
    const char *cell = r->cells[at];
    *value = cell[0] ? strtod(cell, &end) : NAN;
    if (cell[0] && (end == cell || end[strspn(end, " \t")]))
        NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\" is no number (column %d)", r->path, r->line, cell,
                 at + 1);
    return NAS_OK;
}

static nas_status add_row(const reader *r, int key, const int *at, int *capacity, nas__csv *table)
{
    if (table->rows == ROWS_LIMIT)
        NAS_FAIL(NAS_DATA, "%s: more than %d rows", r->path, ROWS_LIMIT);
    if (table->rows == *capacity) {
        int wanted = *capacity ? 2 * *capacity : 1024;
        char **keys = realloc(table->keys, (size_t)wanted * sizeof *keys);
        if (keys)
            table->keys = keys;
        double *values =
            realloc(table->values, (size_t)wanted * (size_t)(table->columns + 1) * sizeof *values);
        if (values)
            table->values = values;
        if (!keys || !values)
            NAS_FAIL(NAS_MEMORY, "no memory for %d rows of %s", wanted, r->path);
        *capacity = wanted;
    }
    for (int i = 0; i < table->columns; i++)
        NAS_TRY(read_cell(
            r, at[i], &table->values[(size_t)table->rows * (size_t)table->columns + (size_t)i]));
    table->keys[table->rows] = strdup(r->cells[key]);
    if (!table->keys[table->rows])
        NAS_FAIL(NAS_MEMORY, "no memory for a row of %s", r->path);
    table->rows++;
    return NAS_OK;
}

static nas_status read_rows(reader *r, const char *key, const char *const *columns, nas__csv *table)
{
    int key_at = 0, *at = calloc((size_t)table->columns + 1, sizeof *at), capacity = 0, wanted = 0;
    nas_status status = at ? NAS_OK : NAS_MEMORY;
    bool more;
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(read_line(r, &more));
    if (more)
        NAS_TRY_DONE(split_line(r));
    wanted = r->count;
    NAS_TRY_DONE(find_column(r, key, &key_at));
    for (int i = 0; i < table->columns; i++)
        NAS_TRY_DONE(find_column(r, columns[i], &at[i]));
    for (;;) {
        NAS_TRY_DONE(read_line(r, &more));
        if (!more)
            break;
        NAS_TRY_DONE(split_line(r));
        if (r->count != wanted) {
            status = nas_error_set(NAS_DATA, __FILE__, __LINE__,
                                   "%s:%d: %d cells, but the first line has %d", r->path, r->line,
                                   r->count, wanted);
            goto done;
        }
        NAS_TRY_DONE(add_row(r, key_at, at, &capacity, table));
    }
done:
    free(at);
    return status;
}

nas_status nas__csv_read(const char *path, const char *key, const char *const *columns, int count,
                         nas__csv *table)
{
    reader *r = calloc(1, sizeof *r);
    char *text = malloc(LINE_LIMIT);
    if (!r || !text) {
        free(r);
        free(text);
        NAS_FAIL(NAS_MEMORY, "no memory to read %s", path);
    }
    *table = (nas__csv){.columns = count};
    *r = (reader){.path = path, .text = text, .file = gzopen(path, "rb")};
    nas_status status =
        r->file ? read_rows(r, key, columns, table)
                : nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: %s", path, strerror(errno));
    if (r->file)
        gzclose(r->file);
    free(text);
    free(r);
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
