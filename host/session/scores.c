/* scores.c - what a model's outputs on a split are worth, output by output.
 *
 * Classes and labels: precision (of those told, how many are), recall (of those that are, how many were told) and F1, their harmonic
 * mean, 2·hits / (told + are).  Numbers, back in their own units: mean absolute error, root of the mean squared one, and R².  What there is
 * nothing to tell by (a class that nobody has, a number that never changes) is NaN. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void nas_eval_result_clear(nas_eval_result *result)
{
    free(result->each);
    free(result->confusion);
    *result = (nas_eval_result){0};
}

typedef struct judged {
    const nas_data *data;
    const nas_data_part *part;
    const uint32_t *indices; /* of the split, into the part */
    uint32_t count;
    const float *outputs; /* [count][outputs] */
    nas_eval_result *result;
} judged;

static void set_ratios(nas_output_scores *s, uint64_t hits, uint64_t told, uint64_t are)
{
    s->support = are;
    s->precision = told ? (double)hits / (double)told : NAN;
    s->recall = are ? (double)hits / (double)are : NAN;
    s->f1 = told + are ? 2 * (double)hits / (double)(told + are) : NAN;
}

static nas_status judge_classes(const judged *j)
{
    const size_t classes = (size_t)j->result->outputs;
    uint64_t *confusion = calloc(classes * classes, sizeof *confusion);
    if (!confusion)
        NAS_FAIL(NAS_MEMORY, "no memory for a confusion matrix of %zu classes", classes);
    j->result->confusion = confusion;
    for (uint32_t i = 0; i < j->count; i++) {
        const int told = nas_largest_output(j->outputs + i * classes, (int)classes);
        confusion[(size_t)j->part->labels[j->indices[i]] * classes + (size_t)told]++;
    }
    for (size_t k = 0; k < classes; k++) {
        uint64_t told = 0, are = 0;
        for (size_t other = 0; other < classes; other++) {
            told += confusion[other * classes + k];
            are += confusion[k * classes + other];
        }
        set_ratios(&j->result->each[k], confusion[k * classes + k], told, are);
    }
    return NAS_OK;
}

/* A sample's target k as it is. */
static double target_of(const judged *j, uint32_t i, size_t k)
{
    return j->part->targets[(size_t)j->indices[i] * (size_t)j->result->outputs + k];
}

static void judge_label(const judged *j, size_t k)
{
    uint64_t hits = 0, told = 0, are = 0;
    for (uint32_t i = 0; i < j->count; i++) {
        const bool tells = j->outputs[i * (size_t)j->result->outputs + k] > 0; /* σ(x) > ½ */
        const bool is = target_of(j, i, k) > 0.5;
        hits += tells && is;
        told += tells;
        are += is;
    }
    set_ratios(&j->result->each[k], hits, told, are);
}

static void judge_number(const judged *j, size_t k)
{
    const double mean = nas_data_target_mean(j->data)[k], std = nas_data_target_std(j->data)[k];
    double absolute = 0, squared = 0, own = 0, varies = 0;
    for (uint32_t i = 0; i < j->count; i++) {
        const double told = j->outputs[i * (size_t)j->result->outputs + k] * std + mean;
        const double error = told - target_of(j, i, k);
        absolute += fabs(error);
        squared += error * error;
        own += target_of(j, i, k) / j->count;
    }
    for (uint32_t i = 0; i < j->count; i++)
        varies += (target_of(j, i, k) - own) * (target_of(j, i, k) - own);
    j->result->each[k].support = j->count;
    j->result->each[k].mae = absolute / j->count;
    j->result->each[k].rmse = sqrt(squared / j->count);
    j->result->each[k].r2 = varies > 0 ? 1 - squared / varies : NAN;
}

nas_status nas__judge_outputs(const nas_data *data, nas_split split, const float *outputs,
                              nas_eval_result *result)
{
    const nas_data_content *content = nas_data_content_of(data);
    judged j = {.data = data,
                .part = split == NAS_SPLIT_TEST ? &content->test : &content->train,
                .outputs = outputs,
                .result = result};
    j.indices = nas_data_split(data, split, &j.count);
    result->task = nas_data_task(data);
    result->outputs = nas_data_outputs(data);
    result->each = malloc((size_t)result->outputs * sizeof *result->each);
    if (!result->each)
        NAS_FAIL(NAS_MEMORY, "no memory for the scores of %d outputs", result->outputs);
    for (int k = 0; k < result->outputs; k++) {
        const char *name = nas_data_output_name(data, k);
        result->each[k] = (nas_output_scores){
            .precision = NAN, .recall = NAN, .f1 = NAN, .mae = NAN, .rmse = NAN, .r2 = NAN};
        snprintf(result->each[k].name, sizeof result->each[k].name, "%.63s", name ? name : "");
    }
    if (result->task == NAS_TASK_CLASSIFY)
        return judge_classes(&j);
    for (int k = 0; k < result->outputs; k++)
        if (result->task == NAS_TASK_MULTILABEL)
            judge_label(&j, (size_t)k);
        else
            judge_number(&j, (size_t)k);
    return NAS_OK;
}
