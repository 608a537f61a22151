/* csv.c - CSV files, row by row, plain or gzipped: RFC 4180, and a header is required.
 *
 * A quoted cell may hold commas, doubled quotes and line ends, so records are read byte by byte; a record's line is the one that it
 * begins in.  Leniences that real files need: lines may end in LF alone, the last one may end in nothing, a byte order mark is passed
 * over, empty lines too, and a quote inside of an unquoted cell is text.  All else is refused with file:line: a quoted cell that goes
 * on behind its quote, an open quote at the end of the file, a NUL, a row of another length than the header.
 *
 * Files are hostile: a record has at most RECORD_LIMIT bytes and CELLS_LIMIT cells, memory grows with what was really read, and only
 * regular files are read. */
#include <clnas/base.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { BUFFER_SIZE = 1 << 16, RECORD_LIMIT = 64 << 20, CELLS_LIMIT = 1 << 20, END = -1 };

struct nas_csv {
    char path[NAS_PATH_SIZE];
    char delimiter; /* of cells */
    gzFile file;
    int64_t line;          /* in which the next byte stands */
    int64_t row_line;      /* in which the row begins */
    nas_text header, row;  /* cells, each with a NUL behind it */
    size_t *names, *cells; /* where they begin */
    int columns, count, capacity;
    int filled, at;
    unsigned char buffer[BUFFER_SIZE];
};

/* ---- bytes ------------------------------------------------------------------------------------ */

static nas_status fill(nas_csv *csv)
{
    int error;
    csv->at = 0;
    csv->filled = gzread(csv->file, csv->buffer, BUFFER_SIZE);
    const char *message = gzerror(csv->file, &error);
    if (csv->filled < 0 || (error != Z_OK && error != Z_STREAM_END))
        NAS_FAIL(NAS_DATA, "%s: behind line %lld: %s", csv->path, (long long)csv->line,
                 error == Z_ERRNO ? strerror(errno) : message);
    return NAS_OK;
}

/* The next byte, or END; it stays the next one. */
static nas_status peek(nas_csv *csv, int *byte)
{
    if (csv->at == csv->filled)
        NAS_TRY(fill(csv));
    *byte = csv->at < csv->filled ? csv->buffer[csv->at] : END;
    if (*byte == 0)
        NAS_FAIL(NAS_DATA, "%s:%lld: a NUL; this is no CSV file", csv->path, (long long)csv->line);
    return NAS_OK;
}

static void pass(nas_csv *csv)
{
    csv->line += csv->buffer[csv->at] == '\n';
    csv->at++;
}

static nas_status keep(nas_csv *csv, const void *bytes, size_t size)
{
    if (csv->row.length + size > RECORD_LIMIT)
        NAS_FAIL(NAS_DATA, "%s:%lld: a row of more than %d bytes; is a quote left open?", csv->path,
                 (long long)csv->row_line, RECORD_LIMIT);
    nas_text_add_bytes(&csv->row, bytes, size);
    return NAS_OK;
}

/* ---- cells and rows --------------------------------------------------------------------------- */

/* What is between quotes, the first of which is next; behind it stands whatever follows the closing one. */
static nas_status quoted(nas_csv *csv)
{
    int byte;
    pass(csv);
    for (;;) {
        NAS_TRY(peek(csv, &byte));
        if (byte == END)
            NAS_FAIL(NAS_DATA, "%s:%lld: a quote is never closed", csv->path,
                     (long long)csv->row_line);
        pass(csv);
        if (byte == '"') {
            NAS_TRY(peek(csv, &byte));
            if (byte != '"')
                return NAS_OK;
            pass(csv);
        }
        const char text = (char)byte;
        NAS_TRY(keep(csv, &text, 1));
    }
}

/* Up to the delimiter, the line's end, or the end of what is in the buffer, in one piece. */
static size_t piece_of(const nas_csv *csv)
{
    const unsigned char *at = csv->buffer + csv->at, *end = csv->buffer + csv->filled;
    const unsigned char delimiter = (unsigned char)csv->delimiter;
    while (at < end && *at != delimiter && *at != '\n' && *at != 0)
        at++;
    return (size_t)(at - csv->buffer) - (size_t)csv->at;
}

static nas_status plain(nas_csv *csv)
{
    int byte;
    for (;;) {
        NAS_TRY(peek(csv, &byte));
        if (byte == END || byte == (unsigned char)csv->delimiter || byte == '\n')
            return NAS_OK;
        const size_t size = piece_of(csv);
        NAS_TRY(keep(csv, csv->buffer + csv->at, size));
        csv->at += (int)size;
    }
}

static nas_status begin_cell(nas_csv *csv)
{
    if (csv->count == CELLS_LIMIT)
        NAS_FAIL(NAS_DATA, "%s:%lld: more than %d cells", csv->path, (long long)csv->row_line,
                 CELLS_LIMIT);
    if (csv->count == csv->capacity) {
        const int wanted = csv->capacity ? 2 * csv->capacity : 64;
        size_t *cells = realloc(csv->cells, (size_t)wanted * sizeof *cells);
        if (!cells)
            NAS_FAIL(NAS_MEMORY, "no memory for the cells of %s", csv->path);
        csv->cells = cells;
        csv->capacity = wanted;
    }
    csv->cells[csv->count++] = csv->row.length;
    return NAS_OK;
}

/* A carriage return is part of the line's end when the line ends behind it. */
static void drop_return(nas_csv *csv)
{
    nas_text *row = &csv->row;
    if (row->length > csv->cells[csv->count - 1] && row->data[row->length - 1] == '\r')
        row->length--;
}

/* One cell and the NUL behind it; `*end`: it was the row's last.  A delimiter or line end is passed. */
static nas_status read_cell(nas_csv *csv, bool *end)
{
    int byte;
    NAS_TRY(begin_cell(csv));
    NAS_TRY(peek(csv, &byte));
    const bool quotes = byte == '"';
    NAS_TRY(quotes ? quoted(csv) : plain(csv));
    NAS_TRY(peek(csv, &byte));
    if (quotes && byte == '\r') {
        pass(csv);
        NAS_TRY(peek(csv, &byte));
        if (byte == (unsigned char)csv->delimiter)
            byte = '\r';
    }
    if (quotes && byte != (unsigned char)csv->delimiter && byte != '\n' && byte != END)
        NAS_FAIL(NAS_DATA, "%s:%lld: text behind the closing quote of cell %d", csv->path,
                 (long long)csv->line, csv->count);
    *end = byte != (unsigned char)csv->delimiter;
    if (*end && !quotes)
        drop_return(csv);
    if (byte != END)
        pass(csv);
    nas_text_add_bytes(&csv->row, "", 1);
    return nas_text_check(&csv->row);
}

/* `*more` false at the end of the file.  Empty lines are passed over. */
static nas_status read_row(nas_csv *csv, bool *more)
{
    for (;;) {
        int byte;
        bool end = false;
        NAS_TRY(peek(csv, &byte));
        *more = byte != END;
        if (!*more)
            return NAS_OK;
        const bool quotes = byte == '"';
        csv->count = 0;
        csv->row_line = csv->line;
        nas_text_reset(&csv->row);
        while (!end)
            NAS_TRY(read_cell(csv, &end));
        if (csv->count > 1 || quotes || csv->row.data[0])
            return NAS_OK;
    }
}

/* ---- the file --------------------------------------------------------------------------------- */

static nas_status read_header(nas_csv *csv)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf};
    bool more;
    NAS_TRY(fill(csv));
    if (csv->filled >= 3 && memcmp(csv->buffer, mark, sizeof mark) == 0)
        csv->at = 3;
    NAS_TRY(read_row(csv, &more));
    if (!more)
        NAS_FAIL(NAS_DATA, "%s: empty; the first line must name the columns", csv->path);
    csv->header = csv->row;
    csv->names = csv->cells;
    csv->columns = csv->count;
    csv->row = (nas_text){0};
    csv->cells = NULL;
    csv->count = csv->capacity = 0;
    return NAS_OK;
}

static nas_status open_file(nas_csv *csv, const char *path)
{
    struct stat about;
    if (strlen(path) >= sizeof csv->path)
        NAS_FAIL(NAS_DATA, "%.64s…: the path is too long", path);
    memcpy(csv->path, path, strlen(path) + 1);
    if (stat(path, &about) != 0)
        NAS_FAIL(NAS_DATA, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        NAS_FAIL(NAS_DATA, "%s: not a regular file", path);
    csv->file = gzopen(path, "rb");
    if (!csv->file)
        NAS_FAIL(NAS_DATA, "%s: %s", path, strerror(errno));
    return NAS_OK;
}

nas_status nas_csv_open(const char *path, nas_csv **csv)
{
    return nas_csv_open_by(path, ',', csv);
}

nas_status nas_csv_open_by(const char *path, char delimiter, nas_csv **csv)
{
    nas_csv *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory to read %s", path);
    made->line = 1;
    made->delimiter = delimiter;
    nas_status status = open_file(made, path);
    if (status == NAS_OK)
        status = read_header(made);
    if (status != NAS_OK) {
        nas_csv_close(made);
        return status;
    }
    *csv = made;
    return NAS_OK;
}

void nas_csv_close(nas_csv *csv)
{
    if (!csv)
        return;
    if (csv->file)
        gzclose(csv->file);
    nas_text_clear(&csv->header);
    nas_text_clear(&csv->row);
    free(csv->names);
    free(csv->cells);
    free(csv);
}

nas_status nas_csv_next(nas_csv *csv, bool *more)
{
    NAS_TRY(read_row(csv, more));
    if (*more && csv->count != csv->columns)
        NAS_FAIL(NAS_DATA, "%s:%lld: %d cells, but the first line has %d", csv->path,
                 (long long)csv->row_line, csv->count, csv->columns);
    return NAS_OK;
}

const char *nas_csv_path(const nas_csv *csv)
{
    return csv->path;
}

int64_t nas_csv_line(const nas_csv *csv)
{
    return csv->row_line;
}

int nas_csv_columns(const nas_csv *csv)
{
    return csv->columns;
}

const char *nas_csv_name(const nas_csv *csv, int column)
{
    return csv->header.data + csv->names[column];
}

const char *nas_csv_cell(const nas_csv *csv, int column)
{
    return csv->row.data + csv->cells[column];
}

static nas_status no_column(const nas_csv *csv, const char *name)
{
    const char **names = malloc((size_t)csv->columns * sizeof *names);
    for (int i = 0; names && i < csv->columns; i++)
        names[i] = nas_csv_name(csv, i);
    const char *near = names ? nas_nearest_name(name, names, csv->columns) : NULL;
    free(names);
    NAS_FAIL(NAS_CONFIG, "%s has no column \"%.64s\"%s%.64s%s", csv->path, name,
             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

nas_status nas_csv_find(const nas_csv *csv, const char *name, int *column)
{
    int found = -1;
    for (int i = 0; i < csv->columns; i++) {
        if (strcmp(nas_csv_name(csv, i), name) != 0)
            continue;
        if (found >= 0)
            NAS_FAIL(NAS_DATA, "%s: columns %d and %d are both called \"%.64s\"", csv->path,
                     found + 1, i + 1, name);
        found = i;
    }
    if (found < 0)
        return no_column(csv, name);
    *column = found;
    return NAS_OK;
}

nas_status nas_csv_number(const nas_csv *csv, int column, double *value)
{
    char *end;
    const char *cell = nas_csv_cell(csv, column);
    const double number = cell[0] ? nas_real_read(cell, &end) : NAN;
    if (cell[0] && (end == cell || end[strspn(end, " \t")]))
        NAS_FAIL(NAS_DATA, "%s:%lld: \"%.40s\" is no number (column %d)", csv->path,
                 (long long)csv->row_line, cell, column + 1);
    *value = number;
    return NAS_OK;
}
