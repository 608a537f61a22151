/* results.c - what retraining gave, kept in the study under the key "retrained".
 *
 * The value is a list of groups in config notation, one per training, with the recipe's hash: another number of epochs is
 * another result, not a newer one.  Reals are written with as many digits as they need, so they read back equal.  Repeats of
 * one trial and recipe are merged to mean and standard deviation when they are shown. */
#include "config_private.h"
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char key[] = "retrained";

typedef struct result_row {
    int64_t trial, repeat, parameters, macs;
    char name[NAS_TEXT_SIZE], recipe[NAS_TEXT_SIZE], model[NAS_TEXT_SIZE], reason[NAS_TEXT_SIZE];
    char score[NAS_TEXT_SIZE];
    double test_accuracy, test_loss, valid_accuracy, seconds; /* the scores, whatever their name */
} result_row;

#define ROW(field, type, fallback)                                                                 \
    {                                                                                              \
#field, type, offsetof(result_row, field), fallback, 0, 0, NULL, NULL                      \
    }
static const nas_option row_options[] = {
    ROW(trial, NAS_OPTION_INT, NULL),
    ROW(repeat, NAS_OPTION_INT, "0"),
    ROW(name, NAS_OPTION_TEXT, "\"\""),
    ROW(recipe, NAS_OPTION_TEXT, "\"\""),
    ROW(parameters, NAS_OPTION_INT, "0"),
    ROW(macs, NAS_OPTION_INT, "0"),
    ROW(score, NAS_OPTION_TEXT, "\"accuracy\""),
    ROW(test_accuracy, NAS_OPTION_REAL, "-1"), /* −1: none */
    ROW(test_loss, NAS_OPTION_REAL, "-1"),
    ROW(valid_accuracy, NAS_OPTION_REAL, "-1"),
    ROW(seconds, NAS_OPTION_REAL, "0"),
    ROW(model, NAS_OPTION_TEXT, "\"\""),
    ROW(reason, NAS_OPTION_TEXT, "\"\""),
    {0},
};
#undef ROW
static const nas_kind row_kind = {"result", "", NULL, sizeof(result_row), row_options};

void nas__recipe_hash(const nas_config *config, char hash[20])
{
    nas_text text = {0};
    nas_value changes = {.type = NAS_VALUE_GROUP};
    nas_value_write(&config->retrain_train, -1, &text);
    nas_text_format(&text, " with_valid %d", config->retrain.with_valid);
    if (config->retrain.inherit)
        nas_text_add(&text, " inherit");
    if (nas__config_retrain_changes(config, &changes) != NAS_OK)
        text.failed = true;
    if (changes.item_count > 0)
        nas_value_write(&changes, -1, &text);
    nas_value_clear(&changes);
    snprintf(hash, 20, "%016llx", (unsigned long long)nas_hash(text.data, text.length, 0));
    nas_text_clear(&text);
}

/* No accuracy and no loss is −1, and an R² that is to the last digit says nothing either. */
static double or_none(double value)
{
    return value == -1 ? NAN : value;
}

static double or_minus(double value)
{
    return isfinite(value) ? value : -1;
}

static void from_row(const result_row *row, nas__result *result)
{
    *result = (nas__result){
        .job = {.index = (int)row->trial, .repeat = (int)row->repeat},
        .test_score = or_none(row->test_accuracy),
        .test_loss = or_none(row->test_loss),
        .valid_score = or_none(row->valid_accuracy),
        .seconds = row->seconds,
        .parameters = (uint64_t)row->parameters,
        .macs = (uint64_t)row->macs,
    };
    snprintf(result->job.name, sizeof result->job.name, "%.63s", row->name);
    snprintf(result->score, sizeof result->score, "%.15s", row->score);
    snprintf(result->recipe, sizeof result->recipe, "%.19s", row->recipe);
    snprintf(result->model, sizeof result->model, "%s", row->model);
    snprintf(result->reason, sizeof result->reason, "%.255s", row->reason);
}

static void to_row(const nas__result *result, result_row *row)
{
    *row = (result_row){
        .trial = result->job.index,
        .repeat = result->job.repeat,
        .parameters = (int64_t)result->parameters,
        .macs = (int64_t)result->macs,
        .test_accuracy = or_minus(result->test_score),
        .test_loss = or_minus(result->test_loss),
        .valid_accuracy = or_minus(result->valid_score),
        .seconds = result->seconds,
    };
    snprintf(row->name, sizeof row->name, "%s", result->job.name);
    snprintf(row->score, sizeof row->score, "%s", result->score);
    snprintf(row->recipe, sizeof row->recipe, "%s", result->recipe);
    snprintf(row->model, sizeof row->model, "%.511s", result->model);
    snprintf(row->reason, sizeof row->reason, "%s", result->reason);
}

static nas_status read_list(nas_study *study, nas_value *list)
{
    nas_text text = {0};
    bool found = false;
    nas_status status = nas_study_get(study, key, &text, &found);
    if (status == NAS_OK && found)
        status = nas_value_parse(text.data, nas_study_path(study), 0, list);
    if (status == NAS_OK && list->type != NAS_VALUE_LIST) {
        nas_value_clear(list);
        *list = (nas_value){.type = NAS_VALUE_LIST};
    }
    nas_text_clear(&text);
    return status;
}

static nas_status no_memory(void)
{
    NAS_FAIL(NAS_MEMORY, "no memory for the results of retraining");
}

nas_status nas__results_read(nas_study *study, nas__result **results, int *count)
{
    nas_value list = {0};
    result_row *row = calloc(1, sizeof *row);
    nas__result *found = NULL;
    nas_status status = row ? read_list(study, &list) : no_memory();
    if (status == NAS_OK)
        found = calloc((size_t)list.item_count + 1, sizeof *found);
    if (status == NAS_OK && !found)
        status = no_memory();
    for (int i = 0; status == NAS_OK && i < list.item_count; i++) {
        status = nas_options_fill(&row_kind, &list.items[i], NULL, row);
        if (status == NAS_OK)
            from_row(row, &found[i]);
    }
    if (status == NAS_OK) {
        *results = found;
        *count = list.item_count;
    } else
        free(found);
    nas_value_clear(&list);
    free(row);
    return status;
}

nas_status nas__results_add(nas_study *study, const nas__result *result)
{
    nas_value list = {0}, *item;
    nas_text text = {0};
    result_row *row = calloc(1, sizeof *row);
    nas_status status = row ? read_list(study, &list) : no_memory();
    if (status != NAS_OK)
        goto done;
    to_row(result, row);
    NAS_TRY_DONE(nas_value_append(&list, NULL, &item));
    NAS_TRY_DONE(nas_options_value(&row_kind, row, item));
    nas_value_write(&list, -1, &text);
    NAS_TRY_DONE(nas_text_check(&text));
    status = nas_study_set(study, key, text.data);
done:
    nas_text_clear(&text);
    nas_value_clear(&list);
    free(row);
    return status;
}

/* ---- repeats ------------------------------------------------------------------------------------------------ */

static bool same_group(const nas__result *a, const nas__result *b)
{
    return a->job.index == b->job.index && strcmp(a->recipe, b->recipe) == 0;
}

/* Mean, deviation and sums over the results that belong with results[first]. */
static void merge_group(const nas__result *results, int count, int first, nas_train_result *merged)
{
    double sum = 0, squares = 0, loss = 0, valid = 0;
    const nas__result *lead = &results[first];
    *merged = (nas_train_result){
        .index = lead->job.index, .parameters = lead->parameters, .macs = lead->macs};
    snprintf(merged->name, sizeof merged->name, "%s", lead->job.name);
    snprintf(merged->score, sizeof merged->score, "%s", lead->score);
    snprintf(merged->model, sizeof merged->model, "%s", lead->model);
    for (int i = first; i < count; i++)
        if (same_group(&results[i], lead)) {
            merged->repeats++;
            merged->seconds += results[i].seconds;
            sum += results[i].test_score;
            loss += results[i].test_loss;
            valid += results[i].valid_score;
        }
    merged->test_score = sum / merged->repeats;
    merged->test_loss = loss / merged->repeats;
    merged->valid_score = valid / merged->repeats;
    for (int i = first; i < count; i++)
        if (same_group(&results[i], lead)) {
            double away = results[i].test_score - merged->test_score;
            squares += away * away;
        }
    merged->test_score_std = merged->repeats > 1 ? sqrt(squares / (merged->repeats - 1)) : 0;
}

void nas__results_merge(const nas__result *results, int count, nas_train_result *merged, int limit,
                        int *merged_count)
{
    *merged_count = 0;
    for (int i = 0; i < count && *merged_count < limit; i++) {
        bool first = true;
        for (int j = 0; j < i; j++)
            first = first && !same_group(&results[i], &results[j]);
        if (first)
            merge_group(results, count, i, &merged[(*merged_count)++]);
    }
}
