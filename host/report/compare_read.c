/* compare_read.c - a study as a comparison needs it: what each trial cost, and what it was worth.
 *
 * Idea: four costs are taken down for every trial, so that what to compare by can be decided when all studies are known.  The order is that
 * in which the search went: by index where proposals wait for the results before them (budget.order = "index"), up to the first
 * trial that is not done; as they were committed where they do not. */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double epochs_of(const nas_trial *trial, const nas_trial *result)
{
    int points = 0;
    if (trial->status == NAS_TRIAL_ALIAS)
        return 0;
    if (result->status == NAS_TRIAL_COMPLETE)
        return trial->budget;
    for (int i = 0; i < result->curve_count; i++)
        points = result->curves[i].count > points ? result->curves[i].count : points;
    return points < trial->budget ? points : trial->budget;
}

static void read_row(const nas_study *study, const nas_config *config, int index,
                     const nas__entry *entry, nas__row *row)
{
    const nas_trial *trial = nas_study_trial(study, index);
    const nas_trial *result = nas_study_result(study, index);
    bool alias = trial->status == NAS_TRIAL_ALIAS;
    double simulated = nas_trial_metric(result, "simulated_s");
    *row = (nas__row){
        .place = config->budget.order == NAS_ORDER_ARRIVAL ? nas_study_result_revision(study, index)
                                                           : index,
        .epochs = epochs_of(trial, result),
        .seconds = alias ? 0 : result->seconds,
        .simulated = alias || isnan(simulated) ? 0 : simulated,
        .score = nas_objective_score(&entry->objective, result),
        .own = nas_trial_metric(result, entry->objective.metric),
        .other = entry->other.metric[0] ? nas_trial_metric(result, entry->other.metric) : NAN,
    };
}

/* The simulated clock ends a search at its limit: the training that had no time left costs nothing. */
static void look_at_clock(const nas_study *study, int index, const nas_clock *clock,
                          nas__entry *entry)
{
    const nas_trial *result = nas_study_result(study, index);
    nas_clock ahead = *clock;
    if (clock->limit_s <= 0 || result->status != NAS_TRIAL_FAILED || entry->simulated_end > 0)
        return;
    if (!nas_clock_take(&ahead, result))
        entry->simulated_end = clock->limit_s;
}

static void look_at_metrics(const nas_trial *trial, const nas_trial *result, nas__entry *entry)
{
    if (result->status != NAS_TRIAL_COMPLETE || result->derived)
        return;
    entry->other_known &=
        !isfinite(nas_objective_score(&entry->objective, result)) ||
        (entry->other.metric[0] && isfinite(nas_trial_metric(result, entry->other.metric)));
    entry->simulated_known &=
        trial->budget == 0 || isfinite(nas_trial_metric(result, "simulated_s"));
    if (!entry->device[0])
        snprintf(entry->device, sizeof entry->device, "%s", result->device);
}

static nas_status read_rows(const nas_study *study, const nas_config *config, nas__entry *entry)
{
    int count = nas_study_count(study);
    nas_clock clock = {.limit_s = config->simulated ? config->budget.minutes * 60 : 0};
    entry->rows = calloc((size_t)count + 1, sizeof *entry->rows);
    if (!entry->rows)
        NAS_FAIL(NAS_MEMORY, "no memory for %d trials", count);
    for (int i = 0; i < count; i++) {
        const nas_trial *result = nas_study_result(study, i);
        if (!result && config->budget.order != NAS_ORDER_ARRIVAL)
            break;
        if (!result)
            continue;
        look_at_clock(study, i, &clock, entry);
        nas__row *row = &entry->rows[entry->row_count];
        read_row(study, config, i, entry, row);
        if (entry->simulated_end > 0)
            row->simulated = 0;
        clock.now_s += row->simulated;
        entry->epochs_each += row->epochs;
        look_at_metrics(nas_study_trial(study, i), result, entry);
        entry->row_count++;
    }
    entry->epochs_each /= entry->row_count ? entry->row_count : 1;
    return NAS_OK;
}

static int by_place(const void *left, const void *right)
{
    const nas__row *a = left, *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* What stands beside the objective: the metric asked for, or a test score that a table has. */
static void choose_other(const nas_config *config, const char *metric, nas__entry *entry)
{
    static const char seen[] = "valid_";
    const char *own = entry->objective.metric;
    const nas_value *type = nas_value_member(&config->evaluate, "type");
    entry->other.goal = entry->objective.goal;
    if (*metric)
        snprintf(entry->other.metric, sizeof entry->other.metric, "%s", metric);
    else if (type && type->text && strcmp(type->text, "table") == 0 &&
             strncmp(own, seen, sizeof seen - 1) == 0)
        snprintf(entry->other.metric, sizeof entry->other.metric, "test_%.40s",
                 own + sizeof seen - 1);
    for (int i = 0; i < config->objectives.count; i++)
        if (strcmp(config->objectives.item[i].metric, entry->other.metric) == 0)
            entry->other.goal = config->objectives.item[i].goal;
}

nas_status nas__entry_read(const char *name, const nas_study *study, const nas_config *config,
                           const char *metric, nas__entry *entry)
{
    snprintf(entry->shown.path, sizeof entry->shown.path, "%s", name);
    entry->shown.seed = config->seed;
    entry->shown.open = nas_study_open_count(study) > 0;
    entry->objective = config->objectives.item[0];
    entry->other_known = entry->simulated_known = true;
    choose_other(config, metric, entry);
    NAS_TRY(read_rows(study, config, entry));
    qsort(entry->rows, (size_t)entry->row_count, sizeof *entry->rows, by_place);
    entry->shown.trials = entry->row_count;
    return nas__setup_read(config, &entry->setup);
}

void nas__entry_clear(nas__entry *entry)
{
    nas__setup_clear(&entry->setup);
    free(entry->rows);
    free(entry->costs);
    free(entry->values);
    *entry = (nas__entry){0};
}
