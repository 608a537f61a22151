/* csv.h - a table of numbers with a column of architectures, from a CSV file, plain or gzipped. */
#ifndef NAS_EVAL_CSV_H
#define NAS_EVAL_CSV_H

#include <clnas/base.h>

typedef struct nas__csv {
    int rows, columns;
    char **keys;    /* [rows]: the key column's text */
    double *values; /* [rows][columns]: the columns asked for; NaN where a cell is empty */
} nas__csv;

/* `key` and each of `columns` must be among the columns; NAS_DATA with file:line when the file is no CSV (nas_csv_open). */
nas_status nas__csv_read(const char *path, const char *key, const char *const *columns, int count,
                         nas__csv *table);
void nas__csv_clear(nas__csv *table);

#endif
