/* tune_journal.c - what was tried, on disk before it is tried.
 *
 *     plan 96
 *     begin exact 0 "conv2d 3x3 s1 d1 forward wide" lanes=16 kt=4 pt=1
 *     end exact 0 1.312 "conv2d 3x3 s1 d1 forward wide" lanes=16 kt=4 pt=1
 *     fail exact 0 "conv2d …" lanes=4 … : its results are not those of the plain kernel
 *
 * A line that was begun and has no end is a candidate that took its process with it: the watching process writes down that it failed,
 * and the next process leaves it out.  The same holds when the machine went down. */
#include "tune.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOURNAL_MOST = 4 << 20 };

void tune_values_text(const nas_tuning_row *row, char *text, size_t size)
{
    size_t used = 0;
    snprintf(text, size, "as untuned");
    for (int i = 0; i < row->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s=%d", i ? " " : "",
                                 row->values[i].name, row->values[i].value);
}

static bool same_row(const nas_tuning_row *a, const nas_tuning_row *b)
{
    if (strcmp(a->key, b->key) != 0 || a->inexact != b->inexact || a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->values[i].name, b->values[i].name) != 0 ||
            a->values[i].value != b->values[i].value)
            return false;
    return true;
}

tune_try *tune_journal_find(const tune_journal *journal, const nas_tuning_row *row, bool confirmed)
{
    for (int i = 0; i < journal->count; i++)
        if (journal->tries[i].confirmed == confirmed && same_row(&journal->tries[i].row, row))
            return &journal->tries[i];
    return NULL;
}

static nas_status add_try(tune_journal *journal, const nas_tuning_row *row, bool confirmed,
                          tune_try **made)
{
    if (journal->count == journal->capacity) {
        int capacity = journal->capacity ? 2 * journal->capacity : 64;
        tune_try *more = realloc(journal->tries, (size_t)capacity * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "out of memory for the journal");
        journal->tries = more;
        journal->capacity = capacity;
    }
    *made = &journal->tries[journal->count++];
    **made = (tune_try){.row = *row, .confirmed = confirmed};
    return NAS_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static nas_status append(const tune_journal *journal, const nas_text *line)
{
    NAS_TRY(nas_text_check(line));
    int file = open(journal->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    bool written = file >= 0 && write(file, line->data, line->length) == (ssize_t)line->length &&
                   fdatasync(file) == 0;
    if (file >= 0)
        close(file);
    if (!written)
        NAS_FAIL(NAS_FAILED, "%s: cannot write there", journal->path);
    return NAS_OK;
}

static nas_status write_line(const tune_journal *journal, const char *word,
                             const nas_tuning_row *row, bool confirmed, const char *why)
{
    nas_text line = {0};
    nas_text_format(&line, "%s %s %d %.6f \"%s\"", word, row->inexact ? "inexact" : "exact",
                    confirmed, row->gain, row->key);
    for (int i = 0; i < row->count; i++)
        nas_text_format(&line, " %s=%d", row->values[i].name, row->values[i].value);
    if (why) {
        nas_text_add(&line, " : ");
        for (; *why; why++)
            nas_text_format(&line, "%c", (unsigned char)*why < ' ' ? ' ' : *why);
    }
    nas_text_add(&line, "\n");
    nas_status status = append(journal, &line);
    nas_text_clear(&line);
    return status;
}

nas_status tune_journal_plan(tune_journal *journal, int planned)
{
    nas_text line = {0};
    journal->planned = planned;
    nas_text_format(&line, "plan %d\n", planned);
    nas_status status = append(journal, &line);
    nas_text_clear(&line);
    return status;
}

nas_status tune_journal_begin(tune_journal *journal, const nas_tuning_row *row, bool confirmed)
{
    tune_try *made;
    NAS_TRY(write_line(journal, "begin", row, confirmed, NULL));
    return add_try(journal, row, confirmed, &made);
}

nas_status tune_journal_end(tune_journal *journal, const nas_tuning_row *row, bool confirmed,
                            const char *why)
{
    tune_try *made = tune_journal_find(journal, row, confirmed);
    char words[160];
    snprintf(words, sizeof words, "%.159s", why ? why : "");
    if (!made)
        NAS_TRY(add_try(journal, row, confirmed, &made));
    made->row.gain = row->gain;
    made->state = why ? TUNE_FAILED : TUNE_MEASURED;
    memcpy(made->why, words, sizeof made->why);
    return write_line(journal, why ? "fail" : "end", row, confirmed, why ? words : NULL);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static bool read_row(const char *at, nas_tuning_row *row, bool *confirmed, const char **why)
{
    char kind[16];
    int again, used = 0;
    *row = (nas_tuning_row){.count = 0};
    if (sscanf(at, " %15s %d %lf \"%63[^\"]\"%n", kind, &again, &row->gain, row->key, &used) != 4 ||
        used == 0)
        return false;
    row->inexact = strcmp(kind, "inexact") == 0;
    *confirmed = again != 0;
    for (at += used; *at == ' ' && at[1] != ':'; at += used, row->count++) {
        nas_tuning_value *v = &row->values[row->count];
        if (row->count == NAS_TUNING_VALUES ||
            sscanf(at, " %23[a-z_]=%d%n", v->name, &v->value, &used) != 2)
            return false;
    }
    *why = strncmp(at, " : ", 3) == 0 ? at + 3 : "";
    return true;
}

static bool read_line(tune_journal *journal, const char *line)
{
    nas_tuning_row row;
    const char *why;
    bool confirmed;
    tune_try *made;
    char word[8];
    int used = 0;
    if (sscanf(line, "plan %d", &journal->planned) == 1)
        return true;
    if (sscanf(line, "%7s%n", word, &used) != 1 || !read_row(line + used, &row, &confirmed, &why))
        return false;
    made = tune_journal_find(journal, &row, confirmed);
    if (!made && add_try(journal, &row, confirmed, &made) != NAS_OK)
        return false;
    made->row.gain = row.gain;
    made->state = strcmp(word, "begin") == 0 ? TUNE_BEGUN
                  : strcmp(word, "end") == 0 ? TUNE_MEASURED
                                             : TUNE_FAILED;
    snprintf(made->why, sizeof made->why, "%s", why);
    return true;
}

nas_status tune_journal_read(const char *path, tune_journal *journal)
{
    tune_journal read = {.planned = 0};
    void *text = NULL;
    size_t size = 0;
    if (snprintf(read.path, sizeof read.path, "%s", path) >= (int)sizeof read.path)
        NAS_FAIL(NAS_CONFIG, "%.64s…: the path of the journal is too long", path);
    if (access(path, F_OK) == 0) {
        NAS_TRY(nas_file_read(path, JOURNAL_MOST, &text, &size));
        char *line = text;
        for (char *stop; (stop = strchr(line, '\n')) != NULL; line = stop + 1) {
            *stop = '\0';
            if (!read_line(&read, line))
                break;
        }
        free(text);
    }
    *journal = read;
    return NAS_OK;
}

void tune_journal_clear(tune_journal *journal)
{
    free(journal->tries);
    *journal = (tune_journal){.planned = 0};
}
