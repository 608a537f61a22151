/* tuning.c - a table of what was measured to be fast: rows by key, values by name.
 *
 * The table is data: this room does not know what "kt" is.  Who records a kernel asks for the row of its kind and
 * takes from it what it understands and holds to be possible; so a file can at worst make things slow.  See tuning_file.c
 * for the text, host/ops/convolution_tuning.c for keys and names. */
#include "opencl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void nas_tuning_clear(nas_tuning *tuning)
{
    if (!tuning)
        return;
    free(tuning->rows);
    *tuning = (nas_tuning){0};
}

nas_status nas_tuning_copy(const nas_tuning *from, nas_tuning *to)
{
    nas_tuning copy = {0};
    for (int i = 0; i < from->count; i++) {
        nas_status status = nas_tuning_set(&copy, &from->rows[i]);
        if (status != NAS_OK) {
            nas_tuning_clear(&copy);
            return status;
        }
    }
    memcpy(copy.date, from->date, sizeof copy.date);
    *to = copy;
    return NAS_OK;
}

/* Words of letters, digits, dots and dashes, one space between them. */
static bool is_key(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++)
        if (key[i] == ' ' ? i == 0 || i + 1 == length || key[i + 1] == ' '
                          : !isalnum((unsigned char)key[i]) && !strchr("._-", key[i]))
            return false;
    return length > 0;
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == length;
}

static bool is_row(const nas_tuning_row *row)
{
    if (!is_key(row->key) || row->count < 0 || row->count > NAS_TUNING_VALUES ||
        !(row->gain >= 0 && row->gain < 1e6))
        return false;
    for (int i = 0; i < row->count; i++) {
        const nas_tuning_value *v = &row->values[i];
        if (!is_name(v->name) || v->value < 0 || v->value > 65536)
            return false;
        for (int j = 0; j < i; j++)
            if (strcmp(row->values[j].name, v->name) == 0)
                return false;
    }
    return true;
}

static nas_tuning_row *same(const nas_tuning *tuning, const nas_tuning_row *row)
{
    for (int i = 0; i < tuning->count; i++)
        if (tuning->rows[i].inexact == row->inexact && strcmp(tuning->rows[i].key, row->key) == 0)
            return &tuning->rows[i];
    return NULL;
}

nas_status nas_tuning_set(nas_tuning *tuning, const nas_tuning_row *row)
{
    if (!is_row(row))
        NAS_FAIL(NAS_CONFIG, "a row of a tuning table, key \"%.63s\", is not well formed",
                 row->key);
    nas_tuning_row *old = same(tuning, row);
    if (old) {
        *old = *row;
        return NAS_OK;
    }
    if (tuning->count == NAS_TUNING_ROWS)
        NAS_FAIL(NAS_CONFIG, "a tuning table has %d rows at most", NAS_TUNING_ROWS);
    if (tuning->count == tuning->capacity) {
        int capacity = tuning->capacity ? 2 * tuning->capacity : 16;
        nas_tuning_row *more = realloc(tuning->rows, (size_t)capacity * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "out of memory for a tuning table");
        tuning->rows = more;
        tuning->capacity = capacity;
    }
    tuning->rows[tuning->count++] = *row;
    return NAS_OK;
}

const nas_tuning_row *nas_tuning_find(const nas_tuning *tuning, const char *key)
{
    const nas_tuning_row *found = NULL;
    for (int i = 0; i < tuning->count; i++)
        if (strcmp(tuning->rows[i].key, key) == 0 && (!found || tuning->rows[i].inexact))
            found = &tuning->rows[i];
    return found;
}

int nas_tuning_value_of(const nas_tuning_row *row, const char *name, int fallback)
{
    for (int i = 0; row && i < row->count; i++)
        if (strcmp(row->values[i].name, name) == 0)
            return row->values[i].value;
    return fallback;
}
