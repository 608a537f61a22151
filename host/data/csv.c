/* csv.c - a table with a row per sample: classes, labels or numbers to learn from the other columns.
 *
 *     data = { type = "csv"; path = "houses.csv"; task = "regress"; target = "price"; one_hot = [ "city" ]; test = 0.2; };
 *
 * A sample is its features in their order, as channels of one pixel; `shape` makes sequences ([1, 1, 128]) or pictures of them.  What
 * is learned:
 *   classify     one column, whose distinct texts, sorted, are the classes
 *   multilabel   several columns of 0 and 1, or one that lists labels: "red;round"
 *   regress      one or more columns of numbers
 *
 * The training file is read twice: first to know how many rows, classes and values there are, then into arrays of just that size.  Where cells are
 * missing that is refused, or, if asked for, the mean of the training file stands there.  Files are read in the C locale.
 *
 * Read next: csv_plan.c (columns), csv_cell.c (cells), host/base/csv.c (the format). */
#include "csv.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_MOST = 10000, VALUES_MOST = 256 };

#define AT(field) offsetof(nas__csv_options, field)
static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, AT(path), NULL, 0, 0, NULL,
     "table of the training samples, plain or gzipped; its first line names the columns"},
    {"test_path", NAS_OPTION_TEXT, AT(test_path), "\"\"", 0, 0, NULL,
     "table of the test samples; \"\": there is none, or `test` says"},
    {"target", NAS_OPTION_TEXT_LIST, AT(target), NULL, 0, 0, NULL,
     "columns that are learned: that of the class; columns of 0 and 1, or one that lists labels "
     "(\"red;round\"); those of numbers"},
    {"features", NAS_OPTION_TEXT_LIST, AT(features), "[]", 0, 0, NULL,
     "columns to learn from, or ranges of them (\"x0..x127\"), in this order; empty: all others"},
    {"ignore", NAS_OPTION_TEXT_LIST, AT(ignore), "[]", 0, 0, NULL,
     "columns, or ranges of them, that are left out"},
    {"one_hot", NAS_OPTION_TEXT_LIST, AT(one_hot), "[]", 0, 0, NULL,
     "features that are words or codes: a number for each value, 1 where a sample has it"},
    {"group", NAS_OPTION_TEXT, AT(group), "\"\"", 0, 0, NULL,
     "column of which equal values stay on one side of every split (\"patient\"); \"\": none"},
    {"shape", NAS_OPTION_INT_LIST, AT(shape), "[]", 1, 1 << 20, NULL,
     "channels, height, width that the features are; empty: each is a channel"},
    {"delimiter", NAS_OPTION_TEXT, AT(delimiter), "\",\"", 0, 0, NULL,
     "character between cells, or \"tab\""},
    {"missing", NAS_OPTION_CHOICE, AT(missing), "\"refuse\"", 0, 0, "refuse|mean",
     "of features without a value: refused, or the mean of the training file; none of a one-hot's "
     "values"},
    NAS__HOLDOUT_OPTIONS(AT(holdout)),
    {0},
};
#undef AT

const char *nas__csv_missing_name(int missing)
{
    return missing == NAS__MISSING_MEAN ? "mean" : "refuse";
}

nas_status nas__csv_open(const nas__csv_options *o, const char *path, nas_csv **csv)
{
    char found[NAS_PATH_SIZE];
    const bool tab = strcmp(o->delimiter, "tab") == 0;
    const char delimiter = tab ? '\t' : o->delimiter[0];
    if (!tab && (strlen(o->delimiter) != 1 || strchr("\"\r\n", delimiter)))
        NAS_FAIL(NAS_CONFIG, "data.delimiter = \"%.16s\" is no single character, nor \"tab\"",
                 o->delimiter);
    if (!nas__find_file(NULL, path, found))
        NAS_FAIL(NAS_DATA, "%s: no such file; check data.path and data.test_path", path);
    return nas_csv_open_by(found, delimiter, csv);
}

/* ---- first reading: how much there is ------------------------------------------------------------ */

static nas_status survey_feature(const nas_csv *csv, int column, nas__csv_feature *feature)
{
    float value;
    uint32_t index;
    bool known;
    if (!feature->one_hot) {
        NAS_TRY(nas__csv_number(csv, column, &value, &known));
        feature->sum += known ? (double)value : 0;
        feature->known += known;
        return NAS_OK;
    }
    const char *cell = nas_csv_cell(csv, column);
    if (cell[0])
        NAS_TRY(nas__words_add(&feature->values, cell, &index));
    if (feature->values.count > VALUES_MOST)
        NAS__CELL_FAIL(csv, column, "more than %d different values are too many for one_hot",
                       VALUES_MOST);
    return NAS_OK;
}

static nas_status survey_labels(const nas_csv *csv, int column, nas__csv_plan *plan)
{
    uint32_t index;
    bool more = true;
    const char *word = nas_csv_cell(csv, column);
    char label[NAS_TEXT_SIZE];
    if (plan->task == NAS_TASK_CLASSIFY) {
        NAS_TRY(nas__csv_word(csv, column, "each sample needs a class", &word));
        NAS_TRY(nas__words_add(&plan->labels, word, &index));
    }
    while (nas__csv_lists_labels(plan) && more) {
        NAS_TRY(nas__csv_label(csv, column, &word, label, &more));
        if (more)
            NAS_TRY(nas__words_add(&plan->labels, label, &index));
    }
    if (plan->labels.count > CLASSES_MOST)
        NAS__CELL_FAIL(csv, column, "more than %d different classes; for numbers set task = %s",
                       CLASSES_MOST, "\"regress\"");
    return NAS_OK;
}

static nas_status survey(nas_csv *csv, nas__csv_plan *plan, const nas__csv_places *places,
                         uint32_t *rows)
{
    for (bool more;;) {
        NAS_TRY(nas_csv_next(csv, &more));
        if (!more)
            return NAS_OK;
        if (++*rows > INT32_MAX)
            NAS_FAIL(NAS_DATA, "%s: more than %d rows", nas_csv_path(csv), INT32_MAX);
        for (int i = 0; i < plan->count; i++)
            NAS_TRY(survey_feature(csv, places->features[i], &plan->features[i]));
        NAS_TRY(survey_labels(csv, places->targets[0], plan));
    }
}

/* Numbers of a sample, their places, and what stands for missing ones. */
static nas_status settle(nas__csv_plan *plan)
{
    int64_t width = 0;
    for (int i = 0; i < plan->count; i++) {
        nas__csv_feature *feature = &plan->features[i];
        feature->first = (int)width;
        width += feature->one_hot ? feature->values.count : 1;
        nas__words_sort(&feature->values);
        if (feature->one_hot ? feature->values.count == 0 : feature->known == 0)
            NAS_FAIL(NAS_DATA,
                     "%s: column \"%.64s\" has no value in any row; add it to data.ignore",
                     plan->options->path, feature->name);
        if (!feature->one_hot)
            feature->mean = feature->sum / (double)feature->known;
        if (width > NAS__CSV_WIDTH)
            NAS_FAIL(NAS_DATA, "%s: more than %d numbers in a sample", plan->options->path,
                     NAS__CSV_WIDTH);
    }
    nas__words_sort(&plan->labels);
    plan->width = (int)width;
    return NAS_OK;
}

/* ---- second reading: values ------------------------------------------------------------------------ */

static nas_status fill_one_hot(const nas_csv *csv, int column, const nas__csv_feature *feature,
                               float *to)
{
    uint32_t index;
    const char *cell = nas_csv_cell(csv, column);
    memset(to, 0, feature->values.count * sizeof *to);
    if (!cell[0])
        return NAS_OK;
    if (!nas__words_find(&feature->values, cell, &index))
        NAS__CELL_FAIL(csv, column, "\"%.40s\" is no value that the training file has", cell);
    to[index] = 1;
    return NAS_OK;
}

static nas_status fill_feature(const nas__csv_plan *plan, const nas_csv *csv, int column,
                               const nas__csv_feature *feature, float *to)
{
    static const char why[] = "fill it, or set data.missing = \"mean\"";
    bool known;
    if (plan->options->missing == NAS__MISSING_REFUSE) {
        const char *word;
        if (!feature->one_hot)
            return nas__csv_known_number(csv, column, why, to);
        NAS_TRY(nas__csv_word(csv, column, why, &word));
    }
    if (feature->one_hot)
        return fill_one_hot(csv, column, feature, to);
    NAS_TRY(nas__csv_number(csv, column, to, &known));
    if (!known)
        *to = (float)feature->mean;
    return NAS_OK;
}

nas_status nas__csv_sample(const nas__csv_plan *plan, const nas_csv *csv,
                           const nas__csv_places *places, float *sample)
{
    for (int i = 0; i < plan->count; i++)
        NAS_TRY(fill_feature(plan, csv, places->features[i], &plan->features[i],
                             sample + plan->features[i].first));
    return NAS_OK;
}

static nas_status no_label(const nas_csv *csv, int column, const char *label)
{
    NAS__CELL_FAIL(csv, column, "\"%.40s\" does not occur in the training file", label);
}

static nas_status fill_listed(const nas__csv_plan *plan, const nas_csv *csv, int column, float *to)
{
    const char *at = nas_csv_cell(csv, column);
    char label[NAS_TEXT_SIZE];
    memset(to, 0, plan->labels.count * sizeof *to);
    for (bool more;;) {
        uint32_t index;
        NAS_TRY(nas__csv_label(csv, column, &at, label, &more));
        if (!more)
            return NAS_OK;
        if (!nas__words_find(&plan->labels, label, &index))
            return no_label(csv, column, label);
        to[index] = 1;
    }
}

static nas_status fill_targets(const nas__csv_plan *plan, const nas_csv *csv,
                               const nas__csv_places *places, nas_data_part *part, uint32_t row)
{
    const int column = places->targets[0];
    const size_t each = (size_t)plan->target_count;
    uint32_t label;
    if (plan->task == NAS_TASK_CLASSIFY) {
        if (!nas__words_find(&plan->labels, nas_csv_cell(csv, column), &label))
            return no_label(csv, column, nas_csv_cell(csv, column));
        part->labels[row] = (int32_t)label;
        return NAS_OK;
    }
    if (nas__csv_lists_labels(plan))
        return fill_listed(plan, csv, column, part->targets + (size_t)row * plan->labels.count);
    for (int k = 0; k < plan->target_count; k++) {
        float *to = &part->targets[row * each + (size_t)k];
        NAS_TRY(
            nas__csv_known_number(csv, places->targets[k], "each sample needs its targets", to));
        if (plan->task == NAS_TASK_MULTILABEL && *to != 0 && *to != 1)
            NAS__CELL_FAIL(csv, places->targets[k], "%g; a sample has a label, 1, or not, 0",
                           (double)*to);
    }
    return NAS_OK;
}

static nas_status fill_row(const nas__csv_plan *plan, const nas_csv *csv,
                           const nas__csv_places *places, nas__words *groups, nas_data_part *part)
{
    const uint32_t row = part->count;
    float *sample = (float *)part->samples + (size_t)row * (size_t)plan->width;
    const char *group;
    NAS_TRY(nas__csv_sample(plan, csv, places, sample));
    NAS_TRY(fill_targets(plan, csv, places, part, row));
    if (places->group >= 0) {
        NAS_TRY(nas__csv_word(csv, places->group, "each sample needs its group", &group));
        NAS_TRY(nas__words_add(groups, group, &part->groups[row]));
    }
    part->count++;
    return NAS_OK;
}

static nas_status allocate(const nas__csv_plan *plan, int outputs, uint32_t rows,
                           nas_data_part *part)
{
    const size_t count = rows, values = (size_t)plan->width, numbers = (size_t)outputs;
    const bool classes = plan->task == NAS_TASK_CLASSIFY;
    if (count > SIZE_MAX / 8 / values || count > SIZE_MAX / 8 / numbers)
        NAS_FAIL(NAS_MEMORY, "%zu rows of %zu numbers are too many", count, values);
    part->samples = malloc(count * values * sizeof(float));
    if (classes)
        part->labels = malloc(count * sizeof *part->labels);
    else
        part->targets = malloc(count * numbers * sizeof *part->targets);
    if (plan->options->group[0])
        part->groups = malloc(count * sizeof *part->groups);
    if (!part->samples || (classes ? !part->labels : !part->targets) ||
        (plan->options->group[0] && !part->groups))
        NAS_FAIL(NAS_MEMORY, "no memory for %zu rows of %zu numbers", count, values);
    return NAS_OK;
}

static nas_status fill_rows(const nas__csv_plan *plan, nas_csv *csv, const nas__csv_places *places,
                            uint32_t rows, nas_data_part *part)
{
    nas__words groups = {0};
    nas_status status = NAS_OK;
    for (bool more;;) {
        NAS_TRY_DONE(nas_csv_next(csv, &more));
        if (more != (part->count < rows)) {
            status = nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: changed while it was read",
                                   nas_csv_path(csv));
            goto done;
        }
        if (!more)
            break;
        NAS_TRY_DONE(fill_row(plan, csv, places, &groups, part));
    }
done:
    nas__words_clear(&groups);
    return status;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static nas_status count_rows(nas_csv *csv, uint32_t *rows)
{
    for (bool more;;) {
        NAS_TRY(nas_csv_next(csv, &more));
        if (!more)
            return NAS_OK;
        if (++*rows > INT32_MAX)
            NAS_FAIL(NAS_DATA, "%s: more than %d rows", nas_csv_path(csv), INT32_MAX);
    }
}

/* First reading of a file; that of the training file (`first`) makes the plan. */
static nas_status look_at(nas__csv_plan *plan, const char *path, bool first, uint32_t *rows)
{
    nas_csv *csv = NULL;
    nas__csv_places places = {0};
    nas_status status;
    NAS_TRY_DONE(nas__csv_open(plan->options, path, &csv));
    if (first) {
        NAS_TRY_DONE(nas__csv_plan_make(csv, plan));
        NAS_TRY_DONE(nas__csv_places_find(plan, csv, &places));
        NAS_TRY_DONE(survey(csv, plan, &places, rows));
    } else
        NAS_TRY_DONE(count_rows(csv, rows));
    if (*rows == 0)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: no row behind the header",
                               nas_csv_path(csv));
done:
    free(places.features);
    nas_csv_close(csv);
    return status;
}

/* Second reading. */
static nas_status read_file(const nas__csv_plan *plan, const char *path, int outputs, uint32_t rows,
                            nas_data_part *part)
{
    nas_csv *csv = NULL;
    nas__csv_places places = {0};
    nas_status status;
    NAS_TRY_DONE(nas__csv_open(plan->options, path, &csv));
    NAS_TRY_DONE(nas__csv_places_find(plan, csv, &places));
    NAS_TRY_DONE(allocate(plan, outputs, rows, part));
    NAS_TRY_DONE(fill_rows(plan, csv, &places, rows, part));
done:
    free(places.features);
    nas_csv_close(csv);
    return status;
}

static nas_status find_shape(const nas__csv_plan *plan, nas_shape *shape)
{
    const nas_int_list *given = &plan->options->shape;
    int64_t product = 1;
    *shape = (nas_shape){plan->width, 1, 1};
    if (given->count == 0)
        return NAS_OK;
    if (given->count != 3)
        NAS_FAIL(NAS_CONFIG, "data.shape must be [ channels, height, width ]");
    for (int i = 0; i < 3; i++)
        product = product > NAS__CSV_WIDTH ? product : product * given->item[i];
    if (product != plan->width)
        NAS_FAIL(NAS_CONFIG,
                 "data.shape = [ %" PRId64 ", %" PRId64 ", %" PRId64
                 " ], but a sample has %d numbers",
                 given->item[0], given->item[1], given->item[2], plan->width);
    *shape = (nas_shape){(int)given->item[0], (int)given->item[1], (int)given->item[2]};
    return NAS_OK;
}

static nas_status name_outputs(const nas__csv_plan *plan, nas_data_content *content)
{
    nas__words targets = {.text = plan->targets, .count = (uint32_t)plan->target_count};
    const bool labels = plan->task == NAS_TASK_CLASSIFY || nas__csv_lists_labels(plan);
    const nas__words *names = labels ? &plan->labels : &targets;
    if (names->count == 0)
        NAS_FAIL(NAS_DATA, "%s: no sample has a label", plan->options->path);
    for (uint32_t i = 0; i < names->count; i++)
        NAS_TRY(nas__name_check(plan->options->path, names->text[i]));
    content->outputs = (int)names->count;
    return nas__words_copy(names, &content->names);
}

static nas_status read_all(nas__csv_plan *plan, nas_data_content *content)
{
    const nas__csv_options *o = plan->options;
    uint32_t train = 0, test = 0;
    content->type = NAS_SAMPLE_FLOAT32;
    NAS_TRY(look_at(plan, o->path, true, &train));
    NAS_TRY(settle(plan));
    NAS_TRY(find_shape(plan, &content->shape));
    NAS_TRY(name_outputs(plan, content));
    NAS_TRY(nas__csv_columns_write(plan, &content->columns));
    NAS_TRY(read_file(plan, o->path, content->outputs, train, &content->train));
    if (o->test_path[0]) {
        NAS_TRY(look_at(plan, o->test_path, false, &test));
        NAS_TRY(read_file(plan, o->test_path, content->outputs, test, &content->test));
    }
    return nas__hold_out(content, &o->holdout);
}

static nas_status open_csv(const void *instance, nas_task task, nas_data_content *content)
{
    nas__csv_plan plan = {.options = instance, .task = task};
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for the C locale");
    const locale_t before = uselocale(c);
    const nas_status status = read_all(&plan, content);
    uselocale(before);
    freelocale(c);
    nas__csv_plan_clear(&plan);
    return status;
}

const nas_dataset nas__dataset_csv = {
    .kind = {.name = "csv",
             .summary = "a table with a row per sample: columns to learn from, columns to learn",
             .instance_size = sizeof(nas__csv_options),
             .options = options},
    .tasks = 1u << NAS_TASK_CLASSIFY | 1u << NAS_TASK_MULTILABEL | 1u << NAS_TASK_REGRESS,
    .open = open_csv,
};
