/* linear.c - clnas-linear: what no hidden layer at all makes of a data set, for searches to be compared with.
 *
 *     clnas-linear CONFIG [--seed N]
 *
 * CONFIG is a config of clnas: its data set is opened as a search opens it, with the same splits, and its task decides: least squares for
 * numbers, multinomial logistic regression for classes, a logistic regression for each label.  Every value of a sample has a weight; nothing is
 * known of neighbours.  The weight of the ridge is chosen by the validation split, then all training samples are fitted again and the test samples
 * are looked at once, as retraining does.
 *
 * All three losses are convex and smooth, so one method serves them: Nesterov's accelerated gradient over all samples, with the step that the largest eigenvalue
 * of XᵀX allows, begun anew where the gradient turns (O'Donoghue and Candès, arXiv 1204.3982), until the gradient has all but gone.  It needs no
 * step size, no epochs and no device, and gives the same numbers each time. */
#include "cli/command_line.h"
#include "config_file.h"

#include <clnas/data.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 3000, POWER_ITERATIONS = 100 };

/* A split as numbers: the last feature is 1. */
typedef struct problem {
    nas_task task;
    size_t count, features, outputs;
    double *x, *t; /* [count][features], [count][outputs]: what a perfect model gives */
} problem;

typedef struct model {
    double *weights; /* [features][outputs] */
    double ridge;
} model;

/* ---- the numbers of a split ------------------------------------------------------------------------ */

static void write_sample(const nas_data *data, const nas_data_part *part, uint32_t sample,
                         double *to)
{
    const nas_data_content *content = nas_data_content_of(data);
    const size_t plane = (size_t)content->shape.h * (size_t)content->shape.w;
    const size_t size = plane * (size_t)content->shape.c, first = sample * size;
    const bool bytes = content->type == NAS_SAMPLE_UINT8;
    for (size_t i = 0; i < size; i++) {
        const double value = bytes ? ((const uint8_t *)part->samples)[first + i] / 255.0
                                   : (double)((const float *)part->samples)[first + i];
        to[i] = (value - nas_data_mean(data)[i / plane]) / nas_data_std(data)[i / plane];
    }
    to[size] = 1;
}

static void write_target(const nas_data *data, nas_split split, uint32_t sample, int32_t *words,
                         const problem *p, double *to)
{
    nas_data_target_write(data, split, sample, words);
    for (size_t k = 0; k < p->outputs; k++) {
        float number;
        memcpy(&number, &words[p->task == NAS_TASK_CLASSIFY ? 0 : k], sizeof number);
        to[k] = p->task == NAS_TASK_CLASSIFY ? words[0] == (int32_t)k : (double)number;
    }
}

static nas_status take_split(const nas_data *data, nas_split split, problem *p)
{
    uint32_t count;
    const uint32_t *members = nas_data_split(data, split, &count);
    const nas_data_content *content = nas_data_content_of(data);
    const nas_data_part *part = split == NAS_SPLIT_TEST ? &content->test : &content->train;
    *p = (problem){.task = nas_data_task(data),
                   .count = count,
                   .features = (size_t)nas_shape_count(content->shape) + 1,
                   .outputs = (size_t)nas_data_outputs(data)};
    int32_t *words = malloc((size_t)nas_data_target_rows(data) * sizeof *words);
    p->x = malloc(p->count * p->features * sizeof *p->x + 1);
    p->t = malloc(p->count * p->outputs * sizeof *p->t + 1);
    if (!words || !p->x || !p->t) {
        free(words);
        NAS_FAIL(NAS_MEMORY, "no memory for %u samples", count);
    }
    for (uint32_t i = 0; i < count; i++) {
        write_sample(data, part, members[i], p->x + i * p->features);
        write_target(data, split, members[i], words, p, p->t + i * p->outputs);
    }
    free(words);
    return NAS_OK;
}

static void clear(problem *p)
{
    free(p->x);
    free(p->t);
}

/* ---- model ----------------------------------------------------------------------------------------- */

static void predict(const problem *p, const double *weights, size_t sample, double *out)
{
    memset(out, 0, p->outputs * sizeof *out);
    for (size_t f = 0; f < p->features; f++)
        for (size_t k = 0; k < p->outputs; k++)
            out[k] += p->x[sample * p->features + f] * weights[f * p->outputs + k];
}

/* What the loss's derivative subtracts the target from: the number, or the probability. */
static void link(const problem *p, double *out)
{
    double most = out[0], sum = 0;
    for (size_t k = 1; k < p->outputs; k++)
        most = fmax(most, out[k]);
    for (size_t k = 0; k < p->outputs && p->task != NAS_TASK_REGRESS; k++) {
        out[k] = p->task == NAS_TASK_CLASSIFY ? exp(out[k] - most) : 1 / (1 + exp(-out[k]));
        sum += out[k];
    }
    for (size_t k = 0; k < p->outputs && p->task == NAS_TASK_CLASSIFY; k++)
        out[k] /= sum;
}

/* Of the mean loss and of ridge/2 · |w|², without the constants' weights. */
static void find_gradient(const problem *p, const double *weights, double ridge, double *out,
                          double *gradient)
{
    const size_t size = p->features * p->outputs;
    memset(gradient, 0, size * sizeof *gradient);
    for (size_t i = 0; i < p->count; i++) {
        predict(p, weights, i, out);
        link(p, out);
        for (size_t k = 0; k < p->outputs; k++)
            out[k] = (out[k] - p->t[i * p->outputs + k]) / (double)p->count;
        for (size_t f = 0; f < p->features; f++)
            for (size_t k = 0; k < p->outputs; k++)
                gradient[f * p->outputs + k] += p->x[i * p->features + f] * out[k];
    }
    for (size_t i = 0; i < size - p->outputs; i++)
        gradient[i] += ridge * weights[i];
}

/* Largest eigenvalue of XᵀX / count, by the power method, and a little more. */
static double largest_eigenvalue(const problem *p, double *v, double *next)
{
    double norm = 1;
    for (size_t f = 0; f < p->features; f++)
        v[f] = 1.0 / (double)(f + 1);
    for (int i = 0; i < POWER_ITERATIONS; i++) {
        memset(next, 0, p->features * sizeof *next);
        for (size_t s = 0; s < p->count; s++) {
            const double *x = p->x + s * p->features;
            double dot = 0;
            for (size_t f = 0; f < p->features; f++)
                dot += x[f] * v[f];
            for (size_t f = 0; f < p->features; f++)
                next[f] += x[f] * dot / (double)p->count;
        }
        norm = 0;
        for (size_t f = 0; f < p->features; f++)
            norm += next[f] * next[f];
        norm = sqrt(norm);
        for (size_t f = 0; f < p->features && norm > 0; f++)
            v[f] = next[f] / norm;
    }
    return 1.05 * norm + 1e-12;
}

/* Nesterov's steps from `weights` on; scratch holds four vectors of the weights' size and the outputs. */
static void descend(const problem *p, double ridge, double step, double *weights, double *scratch)
{
    const size_t size = p->features * p->outputs;
    double *at = scratch, *before = at + size, *gradient = before + size, *out = gradient + size;
    double momentum = 1, first = 0;
    memcpy(at, weights, size * sizeof *at);
    for (int i = 0; i < ITERATIONS; i++) {
        double norm = 0, uphill = 0;
        memcpy(before, weights, size * sizeof *before);
        find_gradient(p, at, ridge, out, gradient);
        for (size_t j = 0; j < size; j++) {
            weights[j] = at[j] - step * gradient[j];
            norm = fmax(norm, fabs(gradient[j]));
            uphill += gradient[j] * (weights[j] - before[j]);
        }
        first = i == 0 ? norm : first;
        if (norm <= 1e-5 * first)
            return;
        const double next = uphill > 0 ? 1 : (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
        const double further = uphill > 0 ? 0 : (momentum - 1) / next;
        for (size_t j = 0; j < size; j++)
            at[j] = weights[j] + further * (weights[j] - before[j]);
        momentum = next;
    }
}

/* From the weights that are there. */
static nas_status fit(const problem *p, model *m)
{
    static const double curvature[NAS_TASKS] = {0.5, 0.25, 1}; /* of the loss in its outputs */
    const size_t size = p->features * p->outputs;
    double *scratch = malloc((3 * size + p->outputs + 2 * p->features) * sizeof *scratch);
    if (!scratch)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu weights", size);
    const double largest = largest_eigenvalue(p, scratch, scratch + p->features);
    const double step = 1 / (curvature[p->task] * largest + m->ridge);
    descend(p, m->ridge, step, m->weights, scratch);
    free(scratch);
    return NAS_OK;
}

/* ---- scores ------------------------------------------------------------------------------------------- */

static double explained(const problem *p, const double *weights, double *out)
{
    double error = 0, variance = 0;
    for (size_t k = 0; k < p->outputs; k++) {
        double mean = 0;
        for (size_t i = 0; i < p->count; i++)
            mean += p->t[i * p->outputs + k] / (double)p->count;
        for (size_t i = 0; i < p->count; i++)
            variance += pow(p->t[i * p->outputs + k] - mean, 2);
    }
    for (size_t i = 0; i < p->count; i++) {
        predict(p, weights, i, out);
        for (size_t k = 0; k < p->outputs; k++)
            error += pow(p->t[i * p->outputs + k] - out[k], 2);
    }
    return 1 - error / variance;
}

static double right(const problem *p, const double *weights, double *out)
{
    size_t hits = 0;
    for (size_t i = 0; i < p->count; i++) {
        size_t best = 0;
        const double *t = p->t + i * p->outputs;
        predict(p, weights, i, out);
        for (size_t k = 0; k < p->outputs; k++) {
            best = out[k] > out[best] ? k : best;
            hits += p->task == NAS_TASK_MULTILABEL && (out[k] > 0) == (t[k] > 0.5);
        }
        hits += p->task == NAS_TASK_CLASSIFY && t[best] == 1;
    }
    return (double)hits /
           (double)(p->count * (p->task == NAS_TASK_MULTILABEL ? p->outputs : (size_t)1));
}

static nas_status score(const problem *p, const model *m, double *value)
{
    double *out = malloc(p->outputs * sizeof *out);
    if (!out)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu outputs", p->outputs);
    *value =
        p->task == NAS_TASK_REGRESS ? explained(p, m->weights, out) : right(p, m->weights, out);
    free(out);
    return NAS_OK;
}

/* ---- the command ------------------------------------------------------------------------------------ */

/* The ridge with the best score on the validation split, and that score. */
static nas_status choose(const problem *train, const problem *valid, model *m, double *best)
{
    double chosen = 0;
    *best = -INFINITY;
    for (double ridge = 1; ridge > 5e-7;
         ridge /= 10) { /* each from where the one before it ended */
        double value;
        m->ridge = ridge;
        NAS_TRY(fit(train, m));
        NAS_TRY(score(valid, m, &value));
        if (value > *best) {
            *best = value;
            chosen = ridge;
        }
    }
    m->ridge = chosen;
    return NAS_OK;
}

static nas_status run(const nas_data *data)
{
    problem train = {0}, valid = {0}, test = {0};
    model m = {0};
    double valid_score, test_score;
    char valid_name[NAS_TEXT_SIZE], test_name[NAS_TEXT_SIZE];
    nas_status status;
    NAS_TRY_DONE(take_split(data, NAS_SPLIT_TRAIN, &train));
    NAS_TRY_DONE(take_split(data, NAS_SPLIT_VALID, &valid));
    NAS_TRY_DONE(take_split(data, NAS_SPLIT_TEST, &test));
    m.weights = calloc(train.features * train.outputs, sizeof *m.weights);
    if (!m.weights)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for the weights");
    else if (valid.count == 0)
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "the validation split, which chooses the ridge, is empty; set "
                               "data.valid");
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(choose(&train, &valid, &m, &valid_score));
    nas_score_name(train.task, "valid", valid_name, sizeof valid_name);
    nas_score_name(train.task, "test", test_name, sizeof test_name);
    printf("linear: %zu parameters, ridge %g, %s %.4f", train.features * train.outputs, m.ridge,
           valid_name, valid_score);
    if (test.count) {
        clear(&train);
        NAS_TRY_DONE(take_split(data, NAS_SPLIT_TRAIN_VALID, &train));
        NAS_TRY_DONE(fit(&train, &m));
        NAS_TRY_DONE(score(&test, &m, &test_score));
        printf(", %s %.4f", test_name, test_score);
    }
    printf("\n");
done:
    clear(&train);
    clear(&valid);
    clear(&test);
    free(m.weights);
    return status;
}

static nas_status open_file(const char *path, int seed, nas_data **data)
{
    nas_value root = {0};
    NAS_TRY(read_config_file(path, &root));
    const nas_value *own = nas_value_member(&root, "seed"),
                    *group = nas_value_member(&root, "data");
    const int64_t from = seed >= 0 ? seed : own && own->type == NAS_VALUE_INT ? own->integer : 1;
    const nas_status status =
        group ? nas_data_open_group(group, (uint64_t)from, data)
              : nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s: no group `data`", path);
    nas_value_clear(&root);
    return status;
}

typedef struct options {
    int seed;
} options;

static const cli_option rows[] = {
    {"seed", 0, CLI_NUMBER, offsetof(options, seed), "N", "-1", -1, 1 << 30, NULL,
     "In place of the config's; -1: the config's"},
    {.name = NULL},
};

static nas_status run_command(const cli_call *call)
{
    const options *given = call->options;
    nas_data *data = NULL;
    nas_status status = open_file(call->arguments[0], given->seed, &data);
    if (status == NAS_OK)
        status = run(data);
    nas_data_destroy(data);
    return status;
}

static const cli_command command = {
    .name = "clnas-linear",
    .arguments = "CONFIG",
    .summary = "Fit a linear model to the data set of a config, for comparison",
    .examples = "  clnas-linear regression.cfg\n",
    .details =
        "Prints its parameters, the ridge that the validation split chose, and its scores.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run_command,
};

static const cli_program program = {
    .name = "clnas-linear",
    .summary = "fit a linear model to the data set of a clnas config",
    .see_also = "clnas(1), clnas.cfg(5)",
    .commands = (const cli_command *const[]){&command, NULL},
    .single = true,
};

int main(int argc, char **argv)
{
    return cli_tool_main(&program, argc, argv);
}
