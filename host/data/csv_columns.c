/* csv_columns.c - new rows for a model that learned from a table: its columns, as text that is saved with the weights.
 *
 *     { delimiter = ","; missing = "refuse"; features = ( { name = "carat"; mean = 0.79; }, { name = "cut"; values = [ "Fair", "Good" ]; } ); }
 *
 * That is the plan of csv_plan.c without targets and groups, which new rows need not have.  Rows then become samples by the same
 * function as those of the data set. */
#include "csv.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct nas_table {
    nas__csv_options options;
    nas__csv_plan plan;
    nas__csv_places places;
    nas_csv *csv;
    locale_t locale;
};

/* ---- writing -------------------------------------------------------------------------------------- */

static nas_status add_text(nas_value *parent, const char *name, const char *text)
{
    nas_value *item;
    NAS_TRY(nas_value_append(parent, name, &item));
    item->type = NAS_VALUE_TEXT;
    item->text = strdup(text);
    if (!item->text)
        NAS_FAIL(NAS_MEMORY, "no memory for the columns of a table");
    return NAS_OK;
}

static nas_status add_feature(nas_value *list, const nas__csv_feature *feature)
{
    nas_value *group, *item;
    NAS_TRY(nas_value_append(list, NULL, &group));
    group->type = NAS_VALUE_GROUP;
    NAS_TRY(add_text(group, "name", feature->name));
    NAS_TRY(nas_value_append(group, feature->one_hot ? "values" : "mean", &item));
    item->type = feature->one_hot ? NAS_VALUE_LIST : NAS_VALUE_REAL;
    item->real = feature->mean;
    for (uint32_t i = 0; feature->one_hot && i < feature->values.count; i++)
        NAS_TRY(add_text(item, NULL, feature->values.text[i]));
    return NAS_OK;
}

static nas_status add_all(const nas__csv_plan *plan, nas_value *group)
{
    nas_value *list;
    NAS_TRY(add_text(group, "delimiter", plan->options->delimiter));
    NAS_TRY(add_text(group, "missing", nas__csv_missing_name(plan->options->missing)));
    NAS_TRY(nas_value_append(group, "features", &list));
    list->type = NAS_VALUE_LIST;
    for (int i = 0; i < plan->count; i++)
        NAS_TRY(add_feature(list, &plan->features[i]));
    return NAS_OK;
}

nas_status nas__csv_columns_write(const nas__csv_plan *plan, char **columns)
{
    nas_value group = {.type = NAS_VALUE_GROUP};
    nas_text text = {0};
    nas_status status = add_all(plan, &group);
    if (status == NAS_OK)
        nas_value_write(&group, -1, &text);
    nas_value_clear(&group);
    if (status == NAS_OK)
        status = nas_text_check(&text);
    if (status == NAS_OK && !(*columns = strdup(text.data)))
        status =
            nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for the columns of a table");
    nas_text_clear(&text);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static nas_status damaged(const char *file, const char *what)
{
    NAS_FAIL(NAS_DATA, "%s: its columns are damaged: %s", file, what);
}

/* A text of a group, or NULL. */
static const char *text_of(const nas_value *group, const char *name)
{
    const nas_value *member = nas_value_member(group, name);
    return member && member->type == NAS_VALUE_TEXT ? member->text : NULL;
}

static nas_status read_feature(const nas_value *group, const char *file, nas__csv_plan *plan)
{
    nas__csv_feature *feature = &plan->features[plan->count];
    const char *name = text_of(group, "name");
    const nas_value *values = nas_value_member(group, "values");
    const nas_value *mean = nas_value_member(group, "mean");
    uint32_t index;
    if (!name || (!values && !mean))
        return damaged(file, "a feature without a name, or without mean and values");
    feature->first = plan->width;
    feature->one_hot = values != NULL;
    feature->mean = !mean ? 0 : mean->type == NAS_VALUE_INT ? (double)mean->integer : mean->real;
    feature->name = strdup(name);
    plan->count++; /* so that clearing the plan clears it */
    if (!feature->name)
        NAS_FAIL(NAS_MEMORY, "no memory for the columns of a table");
    for (int i = 0; values && i < values->item_count; i++) {
        if (values->items[i].type != NAS_VALUE_TEXT)
            return damaged(file, "a value that is no text");
        NAS_TRY(nas__words_add(&feature->values, values->items[i].text, &index));
    }
    plan->width += values ? (int)feature->values.count : 1;
    return NAS_OK;
}

static nas_status read_plan(const nas_value *group, const char *file, nas_table *table)
{
    const nas_value *list = nas_value_member(group, "features");
    const char *delimiter = text_of(group, "delimiter"), *missing = text_of(group, "missing");
    if (!list || list->type != NAS_VALUE_LIST || list->item_count < 1 ||
        list->item_count > NAS__CSV_WIDTH || !delimiter || !missing)
        return damaged(file, "no features, no delimiter, or nothing said of missing values");
    snprintf(table->options.delimiter, sizeof table->options.delimiter, "%s", delimiter);
    table->options.missing = strcmp(missing, nas__csv_missing_name(NAS__MISSING_MEAN)) == 0
                                 ? NAS__MISSING_MEAN
                                 : NAS__MISSING_REFUSE;
    table->plan.options = &table->options;
    table->plan.task = NAS_TASK_CLASSIFY;
    table->plan.features = calloc((size_t)list->item_count, sizeof *table->plan.features);
    if (!table->plan.features)
        NAS_FAIL(NAS_MEMORY, "no memory for %d features", list->item_count);
    for (int i = 0; i < list->item_count; i++)
        NAS_TRY(read_feature(&list->items[i], file, &table->plan));
    return NAS_OK;
}

static nas_status open_all(const char *columns, const char *model, const char *path,
                           nas_table *table)
{
    nas_value group = {0};
    nas_status status = nas_value_parse(columns, model, 0, &group);
    if (status == NAS_OK)
        status = read_plan(&group, model, table);
    nas_value_clear(&group);
    NAS_TRY(status);
    table->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!table->locale)
        NAS_FAIL(NAS_MEMORY, "no memory for the C locale");
    NAS_TRY(nas__csv_open(&table->options, path, &table->csv));
    return nas__csv_places_find(&table->plan, table->csv, &table->places);
}

nas_status nas_table_open(const char *columns, const char *model, const char *path,
                          nas_table **table)
{
    nas_table *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for a table");
    const nas_status status = open_all(columns, model, path, made);
    if (status != NAS_OK) {
        nas_table_close(made);
        return status;
    }
    *table = made;
    return NAS_OK;
}

void nas_table_close(nas_table *table)
{
    if (!table)
        return;
    nas_csv_close(table->csv);
    free(table->places.features);
    nas__csv_plan_clear(&table->plan);
    if (table->locale)
        freelocale(table->locale);
    free(table);
}

int nas_table_width(const nas_table *table)
{
    return table->plan.width;
}

nas_status nas_table_next(nas_table *table, float *values, bool *more)
{
    const locale_t before = uselocale(table->locale);
    nas_status status = nas_csv_next(table->csv, more);
    if (status == NAS_OK && *more)
        status = nas__csv_sample(&table->plan, table->csv, &table->places, values);
    uselocale(before);
    return status;
}
