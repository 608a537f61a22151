/* csv_cell.c - what one cell of a table says: a number, nothing, a word, a list of labels.
 *
 * Numbers are read strictly: a cell is a decimal number and nothing else.  "12,5", "12 kg" and "0x1f" are refused with file, line and
 * column, since a number half read is worse than none; whoever reads a file sets the C locale first (csv.c), so that a point is a point. */
#include "csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_missing(const char *cell)
{
    static const char *const words[] = {"", "na", "n/a", "nan", "null", "?"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(cell, words[i]) == 0)
            return true;
    return false;
}

nas_status nas__csv_number(const nas_csv *csv, int column, float *value, bool *known)
{
    const char *cell = nas_csv_cell(csv, column);
    cell += strspn(cell, " \t");
    *known = !is_missing(cell);
    if (!*known)
        return NAS_OK;
    char *end;
    const size_t length = strspn(cell, "+-.0123456789eE");
    const double wide = nas_real_read(cell, &end);
    if (length == 0 || end != cell + length || end[strspn(end, " \t")])
        NAS__CELL_FAIL(csv, column,
                       "\"%.40s\" is no number; name a column of words in data.one_hot, or leave "
                       "it out by data.ignore",
                       cell);
    *value = (float)wide;
    if (!isfinite(*value))
        NAS__CELL_FAIL(csv, column, "%.40s is too large for a float", cell);
    return NAS_OK;
}

nas_status nas__csv_known_number(const nas_csv *csv, int column, const char *why, float *value)
{
    bool known;
    NAS_TRY(nas__csv_number(csv, column, value, &known));
    if (!known)
        NAS__CELL_FAIL(csv, column, "no value; %s", why);
    return NAS_OK;
}

nas_status nas__csv_word(const nas_csv *csv, int column, const char *why, const char **word)
{
    *word = nas_csv_cell(csv, column);
    if (!(*word)[0])
        NAS__CELL_FAIL(csv, column, "no value; %s", why);
    return NAS_OK;
}

nas_status nas__csv_label(const nas_csv *csv, int column, const char **at,
                          char label[NAS_TEXT_SIZE], bool *more)
{
    const size_t length = nas__label_next(at, label);
    if (length >= NAS_TEXT_SIZE)
        NAS__CELL_FAIL(csv, column, "a label of more than %d bytes", NAS_TEXT_SIZE - 1);
    *more = length > 0;
    return NAS_OK;
}
