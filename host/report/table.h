/* table.h - cells of a table that is made row by row; names and values, one after the other. */
#ifndef CLNAS_REPORT_TABLE_H
#define CLNAS_REPORT_TABLE_H

#include "drawing.h"

typedef struct nas__table {
    int columns, count, capacity;
    char **cells;
    bool failed;
} nas__table;

/* Zeroed is empty; `columns` must be set.  Cells come row by row, the head first. */
void nas__table_add(nas__table *table, const char *words);
/* The text, which is empty afterwards; "–" where it was empty. */
void nas__table_take(nas__table *table, nas_text *words);
/* Onto the page; then the table is empty. */
void nas__table_write(nas__table *table, nas_text *page);

/* Names and values, for nas__page_facts and nas__page_figures. */
enum { NAS__PAIRS = 32 };
typedef struct nas__pairs {
    int count;
    char *words[NAS__PAIRS][2];
    bool failed;
} nas__pairs;

/* Takes `value`, which is empty afterwards; an empty one adds nothing. */
void nas__pairs_take(nas__pairs *pairs, const char *name, nas_text *value);
/* Onto the page by one of the two; then there are none. */
void nas__pairs_write(nas__pairs *pairs, nas_text *page,
                      void (*write)(nas_text *, const char *const (*)[2], int));

#endif
