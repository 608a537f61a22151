/* image_table.c - a CSV of image files and what belongs to each.
 *
 *     file,label[,group][,split]          classify: the class; multilabel: any number of labels, separated by ";"
 *     file,NAME,NAME,…[,group][,split]    multilabel: 0 or 1 for each; regress: numbers.  Columns name the outputs
 *
 * A file's path is relative to data.path unless it is absolute.  Rows keep their order; classes and labels are in the order of their
 * bytes.  `split` is train or test; without that column the test images are set aside later.  `group`: images of one group stay on one
 * side of every split; an empty cell is a group of its own. */
#include "dataset.h"
#include "image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, OUTPUTS_LIMIT = 65536 };

typedef struct table {
    nas_csv *csv;
    const char *folder;
    nas_task task;
    int file, label, group, split; /* columns; −1: none */
    int *others;                   /* columns of outputs */
    int other_count;
    char **labels, **groups; /* texts of each row, where there is such a column */
    uint32_t capacity;
    nas__image_list *list;
} table;

static void texts_clear(char **texts, uint32_t count)
{
    for (uint32_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

static void table_clear(table *t)
{
    nas_csv_close(t->csv);
    free(t->others);
    texts_clear(t->labels, t->capacity);
    texts_clear(t->groups, t->capacity);
}

/* ---- columns ---------------------------------------------------------------------------------- */

static nas_status find_optional(const nas_csv *csv, const char *name, int *column)
{
    *column = -1;
    for (int i = 0; i < nas_csv_columns(csv); i++)
        if (strcmp(nas_csv_name(csv, i), name) == 0)
            return nas_csv_find(csv, name, column); /* refuses two of them */
    return NAS_OK;
}

static nas_status find_outputs(table *t)
{
    const int columns = nas_csv_columns(t->csv);
    t->others = malloc((size_t)columns * sizeof *t->others);
    if (!t->others)
        NAS_FAIL(NAS_MEMORY, "no memory for the columns of %s", nas_csv_path(t->csv));
    for (int i = 0; i < columns; i++)
        if (i != t->file && i != t->group && i != t->split)
            t->others[t->other_count++] = i;
    if (t->other_count == 0 || t->other_count > OUTPUTS_LIMIT)
        NAS_FAIL(NAS_DATA, "%s: %d columns of %s beside file, group and split; from 1 to %d can be",
                 nas_csv_path(t->csv), t->other_count,
                 t->task == NAS_TASK_REGRESS ? "numbers" : "labels", OUTPUTS_LIMIT);
    return NAS_OK;
}

static nas_status find_columns(table *t)
{
    NAS_TRY(nas_csv_find(t->csv, "file", &t->file));
    NAS_TRY(find_optional(t->csv, "label", &t->label));
    NAS_TRY(find_optional(t->csv, "group", &t->group));
    NAS_TRY(find_optional(t->csv, "split", &t->split));
    t->list->grouped = t->group >= 0;
    t->list->split = t->split >= 0;
    if (t->task == NAS_TASK_CLASSIFY)
        return nas_csv_find(t->csv, "label", &t->label);
    if (t->task == NAS_TASK_REGRESS)
        t->label = -1; /* a number like any other */
    return t->label < 0 ? find_outputs(t) : NAS_OK;
}

/* ---- rows ------------------------------------------------------------------------------------- */

static nas_status grow(table *t)
{
    const uint32_t wanted = t->capacity ? 2 * t->capacity : 1024;
    const size_t columns = (size_t)t->other_count;
    char **labels = realloc(t->labels, wanted * sizeof *labels);
    if (labels)
        t->labels = labels;
    char **groups = realloc(t->groups, wanted * sizeof *groups);
    if (groups)
        t->groups = groups;
    float *targets = columns ? realloc(t->list->targets, wanted * columns * sizeof *targets) : NULL;
    if (targets)
        t->list->targets = targets;
    if (!labels || !groups || (columns && !targets))
        NAS_FAIL(NAS_MEMORY, "no memory for %u rows of %s", wanted, nas_csv_path(t->csv));
    memset(t->labels + t->capacity, 0, (wanted - t->capacity) * sizeof *labels);
    memset(t->groups + t->capacity, 0, (wanted - t->capacity) * sizeof *groups);
    t->capacity = wanted;
    return NAS_OK;
}

static nas_status keep_text(const table *t, int column, char **text)
{
    if (column < 0)
        return NAS_OK;
    *text = strdup(nas_csv_cell(t->csv, column));
    if (!*text)
        NAS_FAIL(NAS_MEMORY, "no memory for a row of %s", nas_csv_path(t->csv));
    return NAS_OK;
}

static nas_status read_split(const table *t, bool *test)
{
    char shown[NAS__SHOWN_SIZE];
    const char *text = t->split < 0 ? "train" : nas_csv_cell(t->csv, t->split);
    *test = strcmp(text, "test") == 0;
    if (!*test && strcmp(text, "train") != 0)
        NAS_FAIL(NAS_DATA, "%s:%lld: split is \"%s\"; it is \"train\" or \"test\"",
                 nas_csv_path(t->csv), (long long)nas_csv_line(t->csv), nas__shown(text, shown));
    return NAS_OK;
}

static nas_status read_targets(const table *t, float *targets)
{
    for (int i = 0; i < t->other_count; i++) {
        double number;
        NAS_TRY(nas_csv_number(t->csv, t->others[i], &number));
        targets[i] = (float)number;
        if (!isfinite(targets[i]) ||
            (t->task == NAS_TASK_MULTILABEL && targets[i] != 0 && targets[i] != 1))
            NAS_FAIL(NAS_DATA, "%s:%lld: column \"%.64s\" is %g; %s", nas_csv_path(t->csv),
                     (long long)nas_csv_line(t->csv), nas_csv_name(t->csv, t->others[i]), number,
                     t->task == NAS_TASK_REGRESS
                         ? "every image needs a finite number"
                         : "an image has a label, 1, or not, 0 (or give one column, label)");
    }
    return NAS_OK;
}

static nas_status add_row(table *t)
{
    nas__image_list *list = t->list;
    char path[PATH_SIZE];
    const char *name = nas_csv_cell(t->csv, t->file);
    nas__image_file file = {.line = nas_csv_line(t->csv)};
    const uint32_t row = list->count;
    if (!name[0])
        NAS_FAIL(NAS_DATA, "%s:%lld: no file", nas_csv_path(t->csv), (long long)file.line);
    if (row == t->capacity)
        NAS_TRY(grow(t));
    NAS_TRY(nas__path_join(name[0] == '/' ? "" : t->folder, name, path, sizeof path));
    NAS_TRY(read_split(t, &file.test));
    NAS_TRY(keep_text(t, t->label, &t->labels[row]));
    NAS_TRY(keep_text(t, t->group, &t->groups[row]));
    if (t->task == NAS_TASK_CLASSIFY && !t->labels[row][0])
        NAS_FAIL(NAS_DATA, "%s:%lld: no label", nas_csv_path(t->csv), (long long)file.line);
    if (t->other_count)
        NAS_TRY(read_targets(t, list->targets + (size_t)row * (size_t)t->other_count));
    return nas__image_list_add(list, path, file);
}

static nas_status read_rows(table *t)
{
    bool more;
    for (;;) {
        NAS_TRY(nas_csv_next(t->csv, &more));
        if (!more)
            break;
        NAS_TRY(add_row(t));
    }
    if (t->list->count == 0)
        NAS_FAIL(NAS_DATA, "%s: no rows behind the header", nas_csv_path(t->csv));
    return NAS_OK;
}

/* ---- what the texts mean ---------------------------------------------------------------------- */

static nas_status take_names(const table *t, nas__words *words)
{
    nas__image_list *list = t->list;
    const char *path = nas_csv_path(t->csv);
    nas__words_sort_bytes(words);
    if (words->count == 0 || words->count > OUTPUTS_LIMIT)
        NAS_FAIL(NAS_DATA, "%s: %u different labels; from 1 to %d can be", path, words->count,
                 OUTPUTS_LIMIT);
    for (uint32_t i = 0; i < words->count; i++)
        NAS_TRY(nas__name_check(path, words->text[i]));
    NAS_TRY(nas__words_copy(words, &list->names));
    list->outputs = (int)words->count;
    return NAS_OK;
}

static nas_status name_classes(const table *t)
{
    nas__image_list *list = t->list;
    nas__words classes = {0};
    uint32_t index = 0;
    nas_status status = NAS_OK;
    for (uint32_t i = 0; i < list->count; i++)
        NAS_TRY_DONE(nas__words_add(&classes, t->labels[i], &index));
    NAS_TRY_DONE(take_names(t, &classes));
    for (uint32_t i = 0; i < list->count; i++)
        if (nas__words_find(&classes, t->labels[i], &index))
            list->files[i].label = (int32_t)index;
done:
    nas__words_clear(&classes);
    return status;
}

static nas_status add_labels(const table *t, uint32_t row, nas__words *words)
{
    char label[NAS_TEXT_SIZE];
    const char *at = t->labels[row];
    for (size_t length; (length = nas__label_next(&at, label)) > 0;) {
        uint32_t index;
        if (length >= sizeof label)
            NAS_FAIL(NAS_DATA, "%s:%lld: a label of more than %zu bytes", nas_csv_path(t->csv),
                     (long long)t->list->files[row].line, sizeof label - 1);
        NAS_TRY(nas__words_add(words, label, &index));
    }
    return NAS_OK;
}

static nas_status set_labels(const table *t, const nas__words *words)
{
    nas__image_list *list = t->list;
    const size_t outputs = (size_t)list->outputs;
    char label[NAS_TEXT_SIZE];
    uint32_t index;
    list->targets = calloc(list->count * outputs, sizeof *list->targets);
    if (!list->targets)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu labels of %u images", outputs, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        for (const char *at = t->labels[i]; nas__label_next(&at, label) > 0;)
            if (nas__words_find(words, label, &index))
                list->targets[i * outputs + index] = 1;
    return NAS_OK;
}

static nas_status name_labels(const table *t)
{
    nas__words words = {0};
    nas_status status = NAS_OK;
    for (uint32_t i = 0; i < t->list->count; i++)
        NAS_TRY_DONE(add_labels(t, i, &words));
    NAS_TRY_DONE(take_names(t, &words));
    NAS_TRY_DONE(set_labels(t, &words));
done:
    nas__words_clear(&words);
    return status;
}

/* Columns keep their order. */
static nas_status name_columns(const table *t)
{
    nas__image_list *list = t->list;
    list->names = calloc((size_t)t->other_count, sizeof *list->names);
    if (!list->names)
        NAS_FAIL(NAS_MEMORY, "no memory for the names of %d columns", t->other_count);
    list->outputs = t->other_count;
    for (int i = 0; i < t->other_count; i++) {
        const char *name = nas_csv_name(t->csv, t->others[i]);
        NAS_TRY(nas__name_check(nas_csv_path(t->csv), name));
        list->names[i] = strdup(name);
        if (!list->names[i])
            NAS_FAIL(NAS_MEMORY, "no memory for the names of %d columns", t->other_count);
    }
    return NAS_OK;
}

/* In the order of their bytes; behind them those that are alone. */
static nas_status number_groups(const table *t)
{
    nas__image_list *list = t->list;
    nas__words words = {0};
    uint32_t index;
    nas_status status = NAS_OK;
    for (uint32_t i = 0; list->grouped && i < list->count; i++)
        if (t->groups[i][0])
            NAS_TRY_DONE(nas__words_add(&words, t->groups[i], &index));
    nas__words_sort_bytes(&words);
    uint32_t alone = words.count;
    for (uint32_t i = 0; list->grouped && i < list->count; i++)
        list->files[i].group = nas__words_find(&words, t->groups[i], &index) ? index : alone++;
done:
    nas__words_clear(&words);
    return status;
}

/* ---- checks ----------------------------------------------------------------------------------- */

static int by_path(const void *left, const void *right)
{
    const nas__image_file *a = *(nas__image_file *const *)left,
                          *b = *(nas__image_file *const *)right;
    const int order = strcmp(a->path, b->path);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int by_group(const void *left, const void *right)
{
    const nas__image_file *a = *(nas__image_file *const *)left,
                          *b = *(nas__image_file *const *)right;
    return (a->group > b->group) - (a->group < b->group);
}

/* Neighbours of the sorted rows: a file twice is an error, a group on both sides is worth a word. */
static nas_status check_neighbours(const table *t, const nas__image_file **rows)
{
    char shown[NAS__SHOWN_SIZE];
    const size_t count = t->list->count;
    qsort(rows, count, sizeof *rows, by_path);
    for (size_t i = 1; i < count; i++)
        if (strcmp(rows[i - 1]->path, rows[i]->path) == 0)
            NAS_FAIL(NAS_DATA,
                     "%s: %s stands in lines %lld and %lld; give each file one row, with several "
                     "labels separated by \";\"",
                     nas_csv_path(t->csv), nas__shown(rows[i]->path, shown),
                     (long long)rows[i - 1]->line, (long long)rows[i]->line);
    if (!t->list->grouped || !t->list->split)
        return NAS_OK;
    qsort(rows, count, sizeof *rows, by_group);
    for (size_t i = 1; i < count; i++)
        if (rows[i - 1]->group == rows[i]->group && rows[i - 1]->test != rows[i]->test) {
            nas_log(NAS_LOG_WARNING,
                    "%s: lines %lld and %lld are of one group, one for test and one not",
                    nas_csv_path(t->csv), (long long)rows[i - 1]->line, (long long)rows[i]->line);
            break;
        }
    return NAS_OK;
}

static nas_status check_rows(const table *t)
{
    const nas__image_file **rows = malloc(((size_t)t->list->count + 1) * sizeof *rows);
    if (!rows)
        NAS_FAIL(NAS_MEMORY, "no memory to check %s", nas_csv_path(t->csv));
    for (uint32_t i = 0; i < t->list->count; i++)
        rows[i] = &t->list->files[i];
    const nas_status status = check_neighbours(t, rows);
    free(rows);
    return status;
}

nas_status nas__image_list_table(const char *folder, const char *csv, nas_task task,
                                 nas__image_list *list)
{
    char path[PATH_SIZE];
    table t = {.folder = folder, .task = task, .list = list};
    nas_status status;
    NAS_TRY(nas__path_join(csv[0] == '/' ? "" : folder, csv, path, sizeof path));
    NAS_TRY_DONE(nas_csv_open(path, &t.csv));
    NAS_TRY_DONE(find_columns(&t));
    NAS_TRY_DONE(read_rows(&t));
    NAS_TRY_DONE(number_groups(&t));
    NAS_TRY_DONE(check_rows(&t)); /* which reads the groups' numbers */
    NAS_TRY_DONE(task == NAS_TASK_CLASSIFY ? name_classes(&t)
                 : t.label >= 0            ? name_labels(&t)
                                           : name_columns(&t));
done:
    table_clear(&t);
    return status;
}
