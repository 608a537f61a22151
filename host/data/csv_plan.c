/* csv_plan.c - which column of a table is what: targets, the group, features, and what is left out.
 *
 * Targets and the group are named.  Features are named, too, or are all other columns in their order.  A name may be a range in the order of the header,
 * "x0..x127", which is how the steps of a sequence are given.  Columns are then looked up by name in every file, so that a test file
 * may have them in another order. */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

/* The header as words, whose numbers are those of the columns. */
static nas_status read_header(const nas_csv *csv, nas__words *header)
{
    for (int i = 0; i < nas_csv_columns(csv); i++) {
        uint32_t index;
        const char *name = nas_csv_name(csv, i);
        NAS_TRY(nas__words_add(header, name, &index));
        if (index != (uint32_t)i)
            NAS_FAIL(NAS_DATA, "%s: columns %u and %d are both called \"%.64s\"", nas_csv_path(csv),
                     index + 1, i + 1, name);
    }
    return NAS_OK;
}

/* First and last column of "a" or "a..b". */
static nas_status find_range(const nas_csv *csv, const nas__words *header, const char *name,
                             int *first, int *last)
{
    uint32_t index;
    char from[NAS_TEXT_SIZE];
    const char *dots = strstr(name, "..");
    if (nas__words_find(header, name, &index) || !dots) {
        NAS_TRY(nas_csv_find(csv, name, first));
        *last = *first;
        return NAS_OK;
    }
    snprintf(from, sizeof from, "%.*s", (int)(dots - name), name);
    NAS_TRY(nas_csv_find(csv, from, first));
    NAS_TRY(nas_csv_find(csv, dots + 2, last));
    if (*first > *last)
        NAS_FAIL(NAS_CONFIG, "%s: \"%.64s\": the first column stands behind the last",
                 nas_csv_path(csv), name);
    return NAS_OK;
}

/* Calls of `mark` set marks[column] and append to `order` (NULL: nobody asks for it). */
typedef struct marking {
    const nas_csv *csv;
    const nas__words *header;
    bool *marks; /* [columns] */
    int *order;
    int count;
} marking;

static nas_status mark(marking *m, const char *name)
{
    int first, last;
    NAS_TRY(find_range(m->csv, m->header, name, &first, &last));
    for (int i = first; i <= last; i++) {
        if (m->order && m->marks[i])
            NAS_FAIL(NAS_CONFIG, "%s: column \"%.64s\" is named twice", nas_csv_path(m->csv),
                     nas_csv_name(m->csv, i));
        if (m->order)
            m->order[m->count++] = i;
        m->marks[i] = true;
    }
    return NAS_OK;
}

static nas_status mark_all(marking *m, const nas_text_list *names)
{
    for (int i = 0; i < names->count; i++)
        NAS_TRY(mark(m, names->item[i]));
    return NAS_OK;
}

/* ---- targets --------------------------------------------------------------------------------------- */

static nas_status copy_name(const nas_csv *csv, int column, char **to)
{
    *to = strdup(nas_csv_name(csv, column));
    if (!*to)
        NAS_FAIL(NAS_MEMORY, "no memory for a name of %s", nas_csv_path(csv));
    return NAS_OK;
}

static nas_status plan_targets(marking *m, nas__csv_plan *plan)
{
    NAS_TRY(mark_all(m, &plan->options->target));
    if (m->count == 0)
        NAS_FAIL(NAS_CONFIG, "data.target names no column; which one is learned?");
    if (m->count > NAS__CSV_TARGETS)
        NAS_FAIL(NAS_CONFIG, "data.target names %d columns, more than %d", m->count,
                 NAS__CSV_TARGETS);
    if (plan->task == NAS_TASK_CLASSIFY && m->count > 1)
        NAS_FAIL(NAS_CONFIG,
                 "data.target names %d columns; the classes are in one (task = \"multilabel\" or "
                 "\"regress\" takes several)",
                 m->count);
    plan->targets = calloc((size_t)m->count, sizeof *plan->targets);
    if (!plan->targets)
        NAS_FAIL(NAS_MEMORY, "no memory for %d targets", m->count);
    plan->target_count = m->count;
    for (int i = 0; i < m->count; i++)
        NAS_TRY(copy_name(m->csv, m->order[i], &plan->targets[i]));
    return NAS_OK;
}

bool nas__csv_lists_labels(const nas__csv_plan *plan)
{
    return plan->task == NAS_TASK_MULTILABEL && plan->target_count == 1;
}

/* ---- features --------------------------------------------------------------------------------------- */

/* All columns without a mark, in their order. */
static nas_status take_others(marking *m)
{
    for (int i = 0; i < nas_csv_columns(m->csv); i++) {
        if (m->marks[i])
            continue;
        if (!nas_csv_name(m->csv, i)[0])
            NAS_FAIL(NAS_DATA,
                     "%s: column %d has no name (row numbers?); leave it out by ignore = [ \"\" ]",
                     nas_csv_path(m->csv), i + 1);
        m->order[m->count++] = i;
    }
    return NAS_OK;
}

/* No feature may give a target away, nor be what groups are told by. */
static nas_status check_apart(const marking *m, const bool *taken)
{
    for (int i = 0; i < m->count; i++)
        if (taken[m->order[i]])
            NAS_FAIL(NAS_CONFIG, "column \"%.64s\" is a feature, and also target, group or ignored",
                     nas_csv_name(m->csv, m->order[i]));
    return NAS_OK;
}

static nas_status add_features(const marking *m, const bool *one_hot, nas__csv_plan *plan)
{
    if (m->count == 0 || m->count > NAS__CSV_WIDTH)
        NAS_FAIL(NAS_DATA, "%s: %d columns of features; 1 … %d can be read", nas_csv_path(m->csv),
                 m->count, NAS__CSV_WIDTH);
    plan->features = calloc((size_t)m->count, sizeof *plan->features);
    if (!plan->features)
        NAS_FAIL(NAS_MEMORY, "no memory for %d features", m->count);
    plan->count = m->count;
    for (int i = 0; i < m->count; i++) {
        plan->features[i].one_hot = one_hot[m->order[i]];
        NAS_TRY(copy_name(m->csv, m->order[i], &plan->features[i].name));
    }
    return NAS_OK;
}

static nas_status check_one_hot(const marking *features, const marking *one_hot)
{
    for (int i = 0; i < nas_csv_columns(features->csv); i++) {
        bool found = !one_hot->marks[i];
        for (int j = 0; j < features->count && !found; j++)
            found = features->order[j] == i;
        if (!found)
            NAS_FAIL(NAS_CONFIG, "data.one_hot: column \"%.64s\" is no feature",
                     nas_csv_name(features->csv, i));
    }
    return NAS_OK;
}

/* ---- the plan ---------------------------------------------------------------------------------------- */

/* Three rows of marks: what is target, group or ignored; features; one-hot features. */
static nas_status make(const nas_csv *csv, const nas__words *header, bool *marks, int *order,
                       nas__csv_plan *plan)
{
    const nas__csv_options *o = plan->options;
    const int columns = nas_csv_columns(csv);
    marking targets = {csv, header, marks, order, 0}, others = {csv, header, marks, NULL, 0};
    marking features = {csv, header, marks + columns, order, 0};
    marking one_hot = {csv, header, marks + 2 * columns, NULL, 0};
    NAS_TRY(plan_targets(&targets, plan));
    if (o->group[0])
        NAS_TRY(mark(&others, o->group));
    NAS_TRY(mark_all(&others, &o->ignore));
    if (o->features.count == 0) {
        features.marks = marks;
        NAS_TRY(take_others(&features));
    } else {
        NAS_TRY(mark_all(&features, &o->features));
        NAS_TRY(check_apart(&features, marks));
    }
    NAS_TRY(mark_all(&one_hot, &o->one_hot));
    NAS_TRY(check_one_hot(&features, &one_hot));
    return add_features(&features, one_hot.marks, plan);
}

nas_status nas__csv_plan_make(const nas_csv *csv, nas__csv_plan *plan)
{
    const size_t columns = (size_t)nas_csv_columns(csv);
    bool *marks = calloc(3 * columns, sizeof *marks);
    int *order = malloc(columns * sizeof *order);
    nas__words header = {0};
    nas_status status = NAS_OK;
    if (!marks || !order)
        status =
            nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for %zu columns", columns);
    if (status == NAS_OK)
        status = read_header(csv, &header);
    if (status == NAS_OK)
        status = make(csv, &header, marks, order, plan);
    nas__words_clear(&header);
    free(marks);
    free(order);
    return status;
}

void nas__csv_plan_clear(nas__csv_plan *plan)
{
    for (int i = 0; i < plan->count; i++) {
        free(plan->features[i].name);
        nas__words_clear(&plan->features[i].values);
    }
    for (int i = 0; i < plan->target_count; i++)
        free(plan->targets[i]);
    free(plan->features);
    free(plan->targets);
    nas__words_clear(&plan->labels);
}

/* ---- places in a file ---------------------------------------------------------------------------------- */

static nas_status place(const nas_csv *csv, const nas__words *header, const char *name, int *column)
{
    uint32_t index;
    if (!nas__words_find(header, name, &index))
        return nas_csv_find(csv, name, column); /* which tells what is like it */
    *column = (int)index;
    return NAS_OK;
}

static nas_status place_all(const nas__csv_plan *plan, const nas_csv *csv, const nas__words *header,
                            nas__csv_places *places)
{
    for (int i = 0; i < plan->count; i++)
        NAS_TRY(place(csv, header, plan->features[i].name, &places->features[i]));
    for (int i = 0; i < plan->target_count; i++)
        NAS_TRY(place(csv, header, plan->targets[i], &places->targets[i]));
    if (plan->options->group[0])
        NAS_TRY(place(csv, header, plan->options->group, &places->group));
    return NAS_OK;
}

nas_status nas__csv_places_find(const nas__csv_plan *plan, const nas_csv *csv,
                                nas__csv_places *places)
{
    nas__words header = {0};
    places->group = -1;
    places->features =
        malloc(((size_t)plan->count + (size_t)plan->target_count) * sizeof *places->features);
    if (!places->features)
        NAS_FAIL(NAS_MEMORY, "no memory for the columns of %s", nas_csv_path(csv));
    places->targets = places->features + plan->count;
    nas_status status = read_header(csv, &header);
    if (status == NAS_OK)
        status = place_all(plan, csv, &header, places);
    nas__words_clear(&header);
    return status;
}
