/* table.c - cells kept until the table is whole, because a column's cells decide how it is set. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

void nas__table_add(nas__table *table, const char *words)
{
    if (table->count == table->capacity && !table->failed) {
        const int capacity = table->capacity ? 2 * table->capacity : 64;
        char **cells = realloc(table->cells, (size_t)capacity * sizeof *cells);
        table->failed = !cells;
        if (cells) {
            table->cells = cells;
            table->capacity = capacity;
        }
    }
    char *copy = table->failed ? NULL : strdup(words);
    if (copy)
        table->cells[table->count++] = copy;
    else
        table->failed = true;
}

void nas__table_take(nas__table *table, nas_text *words)
{
    table->failed = table->failed || words->failed;
    nas__table_add(table, words->length > 0 ? words->data : "–");
    nas_text_reset(words);
}

void nas__table_write(nas__table *table, nas_text *page)
{
    if (table->failed)
        page->failed = true;
    else if (table->count >= table->columns)
        nas__page_table(page, (const char *const *)table->cells, table->count / table->columns,
                        table->columns);
    for (int i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (nas__table){.columns = table->columns};
}

void nas__pairs_take(nas__pairs *pairs, const char *name, nas_text *value)
{
    if (value->length > 0 && pairs->count < NAS__PAIRS) {
        char **words = pairs->words[pairs->count];
        words[0] = strdup(name);
        words[1] = strdup(value->data);
        if (words[0] && words[1]) {
            pairs->count++;
        } else {
            free(words[0]);
            free(words[1]);
            pairs->failed = true;
        }
    }
    pairs->failed = pairs->failed || value->failed;
    nas_text_reset(value);
}

void nas__pairs_write(nas__pairs *pairs, nas_text *page,
                      void (*write)(nas_text *, const char *const (*)[2], int))
{
    if (pairs->failed)
        page->failed = true;
    else if (pairs->count > 0)
        write(page, (const char *const(*)[2])pairs->words, pairs->count);
    for (int i = 0; i < pairs->count; i++) {
        free(pairs->words[i][0]);
        free(pairs->words[i][1]);
    }
    *pairs = (nas__pairs){.count = 0};
}
