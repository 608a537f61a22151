/* command_eval.c - runs a saved model over a split of a data set: accuracy, loss, confusion matrix. */
#include "cli.h"

#include <stdlib.h>

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

/* Rows are true classes, columns predicted ones. */
static void matrix_listing(const nas_eval_result *result, cli_listing *listing)
{
    char name[32];
    listing->name = "confusion";
    cli_listing_column(listing, "true", true);
    for (int i = 0; i < result->classes && i < 60; i++) {
        snprintf(name, sizeof name, "%d", i);
        cli_listing_column(listing, name, true);
    }
    for (int row = 0; row < result->classes; row++) {
        cli_listing_row(listing);
        cli_listing_int(listing, "true", row);
        for (int i = 0; i < result->classes && i < 60; i++) {
            snprintf(name, sizeof name, "%d", i);
            cli_listing_int(
                listing, name,
                (int64_t)result->confusion[(size_t)row * (size_t)result->classes + (size_t)i]);
        }
    }
}

static void summary_listing(const nas_eval_result *result, const char *split, cli_listing *listing)
{
    static const char *const names[] = {"split", "samples", "accuracy", "loss", "seconds"};
    listing->name = "eval";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i], true);
    cli_listing_row(listing);
    cli_listing_text(listing, "split", split);
    cli_listing_int(listing, "samples", (int64_t)result->samples);
    cli_listing_real(listing, "accuracy", result->accuracy, "%.4f");
    cli_listing_real(listing, "loss", result->loss, "%.4f");
    cli_listing_real(listing, "seconds", result->seconds, "%.2f");
}

static json_t *matrix_json(const nas_eval_result *result)
{
    json_t *matrix = json_array();
    for (int row = 0; row < result->classes; row++) {
        json_t *line = json_array();
        for (int i = 0; i < result->classes; i++)
            json_array_append_new(
                line,
                json_integer((json_int_t)result
                                 ->confusion[(size_t)row * (size_t)result->classes + (size_t)i]));
        json_array_append_new(matrix, line);
    }
    return matrix;
}

static nas_status print(const nas_eval_result *result, const options *given, const char *split)
{
    cli_listing summary = {0}, matrix = {0};
    nas_status status = NAS_OK;
    summary_listing(result, split, &summary);
    if (given->format == CLI_JSON || given->format == CLI_JSONL) {
        json_t *object = cli_listing_json(&summary, 0);
        json_object_set_new(object, "confusion", matrix_json(result));
        if (given->format == CLI_JSON)
            json_object_set_new(object, "schema_version", json_integer(1));
        json_dumpf(object, stdout, given->format == CLI_JSON ? JSON_INDENT(2) : JSON_COMPACT);
        putchar('\n');
        json_decref(object);
    } else {
        status = cli_listing_print_one(&summary, given->format, stdout);
    }
    if (status == NAS_OK && given->format == CLI_TABLE) {
        fputs("\nConfusion matrix (row: true class, column: predicted):\n", stdout);
        matrix_listing(result, &matrix);
        status = cli_listing_print(&matrix, CLI_TABLE, stdout);
    }
    cli_listing_clear(&summary);
    cli_listing_clear(&matrix);
    return status;
}

static nas_status run(const cli_call *call)
{
    static const char *const splits[] = {"test", "valid", "train"};
    const options *given = call->options;
    nas_eval_result result = {0};
    NAS_TRY(nas_session_eval(call->arguments[0], call->arguments[1], splits[given->split],
                             given->device, &result));
    nas_status status = print(&result, given, splits[given->split]);
    free(result.confusion);
    return status;
}

const cli_command cli_command_eval = {
    .name = "eval",
    .arguments = "MODEL DATA",
    .summary = "Test a saved model: accuracy, loss, confusion matrix",
    .examples = "  clnas eval model.safetensors quickstart.cfg\n"
                "  clnas eval model.safetensors fashion.study --split valid --format json\n",
    .details = "DATA is a config file or a study: what it says about its data set is used.\n",
    .arguments_min = 2,
    .arguments_max = 2,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
