/* command_eval.c - runs a saved model over a split of a data set: scores, whole and output by output, and the confusion matrix. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    int split;
    const char *device;
    int format;
} options;

static const cli_option rows[] = {
    {"split", 0, CLI_CHOICE, offsetof(options, split), NULL, "test", 0, 0, "test|valid|train",
     "Which part of the data"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "MATCH", NULL, 0, 0, NULL,
     "Where to run (default any)"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

/* A class's or label's name, else its number. */
static const char *name_of(const nas_eval_result *result, int output, char number[16])
{
    snprintf(number, 16, "%d", output);
    return result->each[output].name[0] ? result->each[output].name : number;
}

/* Rows are true classes, columns predicted ones. */
static void matrix_listing(const nas_eval_result *result, cli_listing *listing)
{
    char name[32], number[16];
    listing->name = "confusion";
    cli_listing_column(listing, "true", true);
    for (int i = 0; i < result->outputs && i < 60; i++) {
        snprintf(name, sizeof name, "%d", i);
        cli_listing_column(listing, name, true);
    }
    for (int row = 0; row < result->outputs; row++) {
        cli_listing_row(listing);
        cli_listing_text(listing, "true", name_of(result, row, number));
        for (int i = 0; i < result->outputs && i < 60; i++) {
            snprintf(name, sizeof name, "%d", i);
            cli_listing_int(
                listing, name,
                (int64_t)result->confusion[(size_t)row * (size_t)result->outputs + (size_t)i]);
        }
    }
}

/* A figure that does not exist stays out of its row. */
static void add_figure(cli_listing *listing, const char *name, double value, const char *format)
{
    if (!isnan(value))
        cli_listing_real(listing, name, value, format);
}

/* A row for each class, label or number. */
static void each_listing(const nas_eval_result *result, cli_listing *listing)
{
    static const char *const what[NAS_TASKS] = {"class", "label", "output"};
    static const char *const told[] = {"precision", "recall", "f1", NULL};
    static const char *const numbers[] = {"mae", "rmse", "r2", NULL};
    const char *const *columns = result->task == NAS_TASK_REGRESS ? numbers : told;
    char number[16];
    listing->name = "each";
    cli_listing_column(listing, what[result->task], true);
    cli_listing_column(listing, "support", true);
    for (int i = 0; columns[i]; i++)
        cli_listing_column(listing, columns[i], true);
    for (int k = 0; k < result->outputs; k++) {
        const nas_output_scores *s = &result->each[k];
        const bool regresses = result->task == NAS_TASK_REGRESS;
        cli_listing_row(listing);
        cli_listing_text(listing, what[result->task], name_of(result, k, number));
        cli_listing_int(listing, "support", (int64_t)s->support);
        add_figure(listing, columns[0], regresses ? s->mae : s->precision,
                   regresses ? "%.6g" : "%.4f");
        add_figure(listing, columns[1], regresses ? s->rmse : s->recall,
                   regresses ? "%.6g" : "%.4f");
        add_figure(listing, columns[2], regresses ? s->r2 : s->f1, "%.4f");
    }
}

/* Mean of a figure over the outputs that have one; NaN: none has. */
static double mean_of(const nas_eval_result *result, size_t offset)
{
    double sum = 0;
    int count = 0;
    for (int k = 0; k < result->outputs; k++) {
        double value;
        memcpy(&value, (const char *)&result->each[k] + offset, sizeof value);
        sum += isnan(value) ? 0 : value;
        count += !isnan(value);
    }
    return count ? sum / count : NAN;
}

static void summary_listing(const nas_eval_result *result, const char *split, cli_listing *listing)
{
    const char *score = nas_task_score(result->task);
    const bool regresses = result->task == NAS_TASK_REGRESS;
    const char *const names[] = {"split",    "samples", score,    "balanced_accuracy",
                                 "macro_f1", "loss",    "seconds"};
    listing->name = "eval";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((i != 3 || result->task == NAS_TASK_CLASSIFY) && (i != 4 || !regresses))
            cli_listing_column(listing, names[i], true);
    cli_listing_row(listing);
    cli_listing_text(listing, "split", split);
    cli_listing_int(listing, "samples", (int64_t)result->samples);
    cli_listing_real(listing, score, result->score, "%.4f");
    if (result->task == NAS_TASK_CLASSIFY)
        add_figure(listing, "balanced_accuracy",
                   mean_of(result, offsetof(nas_output_scores, recall)), "%.4f");
    if (!regresses)
        add_figure(listing, "macro_f1", mean_of(result, offsetof(nas_output_scores, f1)), "%.4f");
    cli_listing_real(listing, "loss", result->loss, "%.4f");
    cli_listing_real(listing, "seconds", result->seconds, "%.2f");
}

static json_t *matrix_json(const nas_eval_result *result)
{
    json_t *matrix = json_array();
    for (int row = 0; row < result->outputs; row++) {
        json_t *line = json_array();
        for (int i = 0; i < result->outputs; i++)
            json_array_append_new(
                line,
                json_integer((json_int_t)result
                                 ->confusion[(size_t)row * (size_t)result->outputs + (size_t)i]));
        json_array_append_new(matrix, line);
    }
    return matrix;
}

static json_t *each_json(const cli_listing *each)
{
    json_t *list = json_array();
    for (int i = 0; i < each->row_count; i++)
        json_array_append_new(list, cli_listing_json(each, i));
    return list;
}

static void print_json(const nas_eval_result *result, const cli_listing *summary,
                       const cli_listing *each, bool lines)
{
    json_t *object = cli_listing_json(summary, 0);
    json_object_set_new(object, "task", json_string(nas_task_name(result->task)));
    json_object_set_new(object, "each", each_json(each));
    if (result->confusion)
        json_object_set_new(object, "confusion", matrix_json(result));
    if (!lines)
        json_object_set_new(object, "schema_version", json_integer(1));
    json_dumpf(object, stdout, lines ? JSON_COMPACT : JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
}

static nas_status print_tables(const nas_eval_result *result, const cli_listing *each)
{
    cli_listing matrix = {0};
    putchar('\n');
    NAS_TRY(cli_listing_print(each, CLI_TABLE, stdout));
    if (!result->confusion)
        return NAS_OK;
    fputs("\nConfusion matrix (row: true class, column: predicted):\n", stdout);
    matrix_listing(result, &matrix);
    const nas_status status = cli_listing_print(&matrix, CLI_TABLE, stdout);
    cli_listing_clear(&matrix);
    return status;
}

static nas_status print(const nas_eval_result *result, const options *given, const char *split)
{
    cli_listing summary = {0}, each = {0};
    nas_status status = NAS_OK;
    summary_listing(result, split, &summary);
    each_listing(result, &each);
    if (given->format == CLI_JSON || given->format == CLI_JSONL)
        print_json(result, &summary, &each, given->format == CLI_JSONL);
    else
        status = cli_listing_print_one(&summary, given->format, stdout);
    if (status == NAS_OK && given->format == CLI_TABLE)
        status = print_tables(result, &each);
    cli_listing_clear(&summary);
    cli_listing_clear(&each);
    return status;
}

static nas_status run(const cli_call *call)
{
    static const char *const splits[] = {"test", "valid", "train"};
    const options *given = call->options;
    nas_eval_result result = {0};
    const nas_eval_options eval = {.split = splits[given->split], .device = given->device};
    NAS_TRY(nas_session_eval(call->arguments[0], call->arguments[1], &eval, &result));
    nas_status status = print(&result, given, splits[given->split]);
    nas_eval_result_clear(&result);
    return status;
}

const cli_command cli_command_eval = {
    .name = "eval",
    .arguments = "MODEL DATA",
    .summary = "Test a saved model: accuracy, scores of each class, confusion matrix; of numbers "
               "their errors",
    .examples = "  clnas eval model.safetensors quickstart.cfg\n"
                "  clnas eval model.safetensors fashion.study --split valid --format json\n"
                "  clnas eval resnet.onnx birds.cfg\n",
    .details = "MODEL is a file that clnas saved, or an ONNX model.  DATA is a config file or a "
               "study: what it says about its data set is used.\n",
    .arguments_min = 2,
    .arguments_max = 2,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
