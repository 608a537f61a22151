/* command_train.c - trains one architecture of a study from its start by the retrain recipe, and tests it
 * once on the untouched test split. */
#include "cli.h"

typedef struct options {
    int64_t repeats, epochs;
    bool train_valid;
    const char *device, *model;
    int format;
} options;

static const cli_option rows[] = {
    {"repeats", 0, CLI_INT, offsetof(options, repeats), "N", NULL, 1, 1000, NULL,
     "Train with N different seeds; gives mean and standard deviation (default as the config "
     "says)"},
    {"epochs", 0, CLI_INT, offsetof(options, epochs), "N", NULL, 1, 1e6, NULL,
     "Epochs (default as the config's retrain says)"},
    {"train-valid", 0, CLI_FLAG, offsetof(options, train_valid), NULL, NULL, 0, 0, NULL,
     "Train on the validation split too"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "MATCH", NULL, 0, 0, NULL,
     "Where to train (default the config's first device that is there)"},
    {"output", 'o', CLI_TEXT, offsetof(options, model), "FILE", NULL, 0, 0, NULL,
     "Where the weights go, as safetensors (default in the study's folder)"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    char path[NAS_PATH_SIZE];
    nas_train_result result = {0};
    cli_listing listing = {0};
    nas_retrain_options retrain = {.epochs = given->epochs,
                                   .repeats = given->repeats,
                                   .with_valid = given->train_valid,
                                   .device = given->device,
                                   .model_path = given->model,
                                   .progress = cli_session_progress};
    NAS_TRY(cli_study_split(call->arguments[0], path, sizeof path, &retrain.trial));
    cli_interrupt_watch();
    NAS_TRY(nas_session_train(path, &retrain, &result));
    cli_progress_hide();
    cli_results_listing(&listing, &result, 1);
    nas_status status = cli_listing_print_one(&listing, given->format, stdout);
    cli_listing_clear(&listing);
    return status;
}

const cli_command cli_command_train = {
    .name = "train",
    .arguments = "STUDY[:TRIAL]",
    .summary = "Retrain a network of a study (the best one unless named) and test it",
    .examples = "  clnas train fashion.study\n"
                "  clnas train fashion.study:17 --repeats 3 --train-valid -o model.safetensors\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
