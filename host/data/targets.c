/* targets.c - what belongs to each sample, as losses read it: words of four bytes on the device, a row for each.
 *
 * A class is its number, with its weight behind it where classes are weighted; labels are 0 or 1; numbers are scaled to mean 0 and
 * deviation 1 of the training split, so that one learning rate suits metres and millimetres.  Weights are 1 in the mean over the training
 * split, so that weighting does not change the learning rate either.
 *
 * Layout: checks of what a data set gives; scales of numbers; weights of classes; the words. */
#include "dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- checks ---------------------------------------------------------------------------------- */

static nas_status check_targets(const char *name, nas_task task, const nas_data_part *part,
                                int outputs)
{
    for (uint64_t i = 0; i < (uint64_t)part->count * (uint64_t)outputs; i++) {
        const float target = part->targets[i];
        const uint64_t sample = i / (uint64_t)outputs, output = i % (uint64_t)outputs;
        if (!isfinite(target))
            NAS_FAIL(NAS_DATA,
                     "%s: target %" PRIu64 " of sample %" PRIu64 " is not a finite number", name,
                     output, sample);
        if (task == NAS_TASK_MULTILABEL && target != 0 && target != 1)
            NAS_FAIL(NAS_DATA,
                     "%s: label %" PRIu64 " of sample %" PRIu64
                     " is %g; a sample has it, 1, or not, 0",
                     name, output, sample, (double)target);
    }
    return NAS_OK;
}

nas_status nas__targets_check_part(const char *name, nas_task task, const nas_data_part *part,
                                   int outputs)
{
    if (part->count == 0)
        return NAS_OK;
    if (task == NAS_TASK_CLASSIFY)
        return nas__labels_check(name, 0, 0, part->labels, part->count, outputs);
    return check_targets(name, task, part, outputs);
}

nas_status nas__targets_check(const char *name, nas_task task, const nas_data_content *content)
{
    if (task == NAS_TASK_CLASSIFY && content->outputs < 2)
        NAS_FAIL(NAS_DATA, "data set %s has %d class; a classifier needs two at least", name,
                 content->outputs);
    if (content->outputs < 1)
        NAS_FAIL(NAS_DATA, "data set %s has no targets to learn", name);
    NAS_TRY(nas__targets_check_part(name, task, &content->train, content->outputs));
    return nas__targets_check_part(name, task, &content->test, content->outputs);
}

/* ---- scales ----------------------------------------------------------------------------------- */

/* Of one output over a split, by two passes in index order. */
static void measure(const nas_data_part *part, const uint32_t *members, uint32_t count, int outputs,
                    int output, double *mean, double *std)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += part->targets[(size_t)members[i] * (size_t)outputs + (size_t)output];
    *mean = sum / count;
    for (uint32_t i = 0; i < count; i++) {
        const double away =
            part->targets[(size_t)members[i] * (size_t)outputs + (size_t)output] - *mean;
        squares += away * away;
    }
    *std = sqrt(squares / count);
}

static void measure_all(const nas_data *data, nas__targets *targets)
{
    uint32_t count;
    const int outputs = nas_data_outputs(data);
    const uint32_t *members = nas_data_split(data, NAS_SPLIT_TRAIN, &count);
    for (int k = 0; k < outputs; k++) {
        double *mean = &targets->mean[k], *std = &targets->std[k];
        measure(nas__data_part_of(data, NAS_SPLIT_TRAIN), members, count, outputs, k, mean, std);
        if (!(*std > 1e-12 * fmax(1, fabs(*mean)))) /* always the same number */
            *std = 1;
    }
}

double nas__targets_variance(const nas_data *data, nas_split split, const uint32_t *members,
                             uint32_t count)
{
    const int outputs = nas_data_outputs(data);
    double sum = 0;
    for (int k = 0; k < outputs; k++) {
        double mean, std;
        measure(nas__data_part_of(data, split), members, count, outputs, k, &mean, &std);
        sum += std / nas_data_target_std(data)[k] * (std / nas_data_target_std(data)[k]);
    }
    return sum / outputs;
}

/* ---- weights ---------------------------------------------------------------------------------- */

static nas_status count_classes(const nas_data *data, uint64_t **counts)
{
    uint32_t count;
    const uint32_t *members = nas_data_split(data, NAS_SPLIT_TRAIN, &count);
    const nas_data_part *part = nas__data_part_of(data, NAS_SPLIT_TRAIN);
    *counts = calloc((size_t)nas_data_outputs(data), sizeof **counts);
    if (!*counts)
        NAS_FAIL(NAS_MEMORY, "no memory to count %d classes", nas_data_outputs(data));
    for (uint32_t i = 0; i < count; i++)
        (*counts)[part->labels[members[i]]]++;
    return NAS_OK;
}

/* weight[k] so that Σ weight[k]·counts[k] = Σ counts[k]. */
static nas_status scale_weights(const uint64_t *counts, int classes, double *weights)
{
    double sum = 0, all = 0;
    for (int k = 0; k < classes; k++) {
        sum += weights[k] * (double)counts[k];
        all += (double)counts[k];
    }
    if (!(sum > 0))
        NAS_FAIL(NAS_CONFIG, "data.class_weights leave no training sample a weight over 0");
    for (int k = 0; k < classes; k++)
        weights[k] *= all / sum;
    return NAS_OK;
}

static nas_status make_weights(const nas_data *data, double *weights)
{
    const nas_data_options *options = &nas_data_config_of(data)->common;
    const int classes = nas_data_outputs(data);
    uint64_t *counts;
    if (!options->balance && options->class_weights.count != classes)
        NAS_FAIL(NAS_CONFIG, "data.class_weights has %d values and the data set %d classes",
                 options->class_weights.count, classes);
    NAS_TRY(count_classes(data, &counts));
    for (int k = 0; k < classes; k++)
        weights[k] = !options->balance ? options->class_weights.item[k]
                     : counts[k]       ? 1.0 / (double)counts[k]
                                       : 0;
    const nas_status status = scale_weights(counts, classes, weights);
    free(counts);
    return status;
}

nas_status nas__targets_make(const nas_data *data, nas__targets *targets)
{
    const nas_data_options *options = &nas_data_config_of(data)->common;
    const size_t outputs = (size_t)nas_data_outputs(data);
    targets->mean = calloc(3 * outputs, sizeof *targets->mean);
    if (!targets->mean)
        NAS_FAIL(NAS_MEMORY, "no memory for the scales of %zu targets", outputs);
    targets->std = targets->mean + outputs;
    for (size_t k = 0; k < outputs; k++)
        targets->std[k] = 1;
    if (options->task == NAS_TASK_REGRESS && options->scale_targets) {
        if (outputs > NAS_LIST_SIZE) /* which is what models and exports keep */
            NAS_FAIL(
                NAS_CONFIG,
                "%zu numbers to learn: more than %d are not scaled; scale them in the files and "
                "say data.scale_targets = false",
                outputs, (int)NAS_LIST_SIZE);
        measure_all(data, targets);
    }
    if (!options->balance && !options->class_weights.count)
        return NAS_OK;
    targets->weights = targets->std + outputs;
    return make_weights(data, targets->weights);
}

/* ---- words ------------------------------------------------------------------------------------ */

static int32_t bits_of(double value)
{
    const float narrow = (float)value;
    int32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
}

int nas_data_target_rows(const nas_data *data)
{
    if (nas_data_task(data) != NAS_TASK_CLASSIFY)
        return nas_data_outputs(data);
    return nas_data_class_weights(data) ? 2 : 1;
}

void nas_data_target_write(const nas_data *data, nas_split split, uint32_t index, int32_t *words)
{
    const nas_data_part *part = nas__data_part_of(data, split);
    const double *weights = nas_data_class_weights(data);
    const int outputs = nas_data_outputs(data);
    if (nas_data_task(data) == NAS_TASK_CLASSIFY) {
        words[0] = part->labels[index];
        if (weights)
            words[1] = bits_of(weights[words[0]]);
        return;
    }
    for (int k = 0; k < outputs; k++)
        words[k] = bits_of((part->targets[(size_t)index * (size_t)outputs + (size_t)k] -
                            nas_data_target_mean(data)[k]) /
                           nas_data_target_std(data)[k]);
}
