/* command_train.c - trains one architecture of a study from its start by the retrain recipe, and tests it once on the untouched
 * test split; or trains the network of a model file on, with a config's data. */
#include "cli.h"

typedef struct options {
    int64_t repeats, epochs;
    bool train_valid, replace_head;
    const char *device, *model;
    int format;
} options;

static const cli_option rows[] = {
    {"repeats", 0, CLI_INT, offsetof(options, repeats), "N", NULL, 1, 1000, NULL,
     "Train with N different seeds; gives mean and standard deviation (default as the config "
     "says)"},
    {"epochs", 0, CLI_INT, offsetof(options, epochs), "N", NULL, 1, 1e6, NULL,
     "Epochs (default as the config's retrain says; of a model file its train)"},
    {"train-valid", 0, CLI_FLAG, offsetof(options, train_valid), NULL, NULL, 0, 0, NULL,
     "Train on the validation split too"},
    {"replace-head", 0, CLI_FLAG, offsetof(options, replace_head), NULL, NULL, 0, 0, NULL,
     "Of a model file: a new last dense layer, with as many outputs as the data have classes"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "MATCH", NULL, 0, 0, NULL,
     "Where to train (default the config's first device that is there)"},
    {"output", 'o', CLI_TEXT, offsetof(options, model), "FILE", NULL, 0, 0, NULL,
     "Where the weights go, as safetensors (default in the study's folder; of a model file it "
     "must be given)"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

/* ---- a model file ------------------------------------------------------------------------------------------------ */

static nas_status print_finetuned(const nas_finetune_result *result, const options *given)
{
    cli_listing listing = {.name = "finetune"};
    char before[32], after[32];
    const char *const names[] = {"split",   before,       after,    "loss_before", "loss_after",
                                 "samples", "parameters", "epochs", "seconds",     "model"};
    snprintf(before, sizeof before, "%s_before", result->score);
    snprintf(after, sizeof after, "%s_after", result->score);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(&listing, names[i], true);
    cli_listing_row(&listing);
    cli_listing_text(&listing, "split", result->split);
    cli_listing_real(&listing, before, result->score_before, "%.4f");
    cli_listing_real(&listing, after, result->score_after, "%.4f");
    cli_listing_real(&listing, "loss_before", result->loss_before, "%.4f");
    cli_listing_real(&listing, "loss_after", result->loss_after, "%.4f");
    cli_listing_int(&listing, "samples", (int64_t)result->samples);
    cli_listing_int(&listing, "parameters", (int64_t)result->parameters);
    cli_listing_int(&listing, "epochs", result->epochs);
    cli_listing_real(&listing, "seconds", result->seconds, "%.1f");
    cli_listing_text(&listing, "model", given->model);
    const nas_status status = cli_listing_print_one(&listing, given->format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status finetune(const cli_call *call)
{
    const options *given = call->options;
    const char *model = call->arguments[0], *data = call->arguments[1];
    const nas_finetune_options tune = {.epochs = given->epochs,
                                       .replace_head = given->replace_head,
                                       .device = given->device,
                                       .model_path = given->model,
                                       .progress = cli_session_progress};
    nas_finetune_result result;
    if (!given->model)
        NAS_FAIL(NAS_CONFIG,
                 "a model file is trained into another one: clnas train %s %s -o tuned.safetensors",
                 model, data);
    if (given->train_valid || given->repeats)
        NAS_FAIL(NAS_CONFIG, "--repeats and --train-valid are for networks of studies");
    cli_interrupt_watch();
    NAS_TRY(nas_session_finetune(model, data, &tune, &result));
    cli_progress_hide();
    return print_finetuned(&result, given);
}

/* ---- a study ------------------------------------------------------------------------------------------------------ */

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    if (call->count > 1)
        return finetune(call);
    if (given->replace_head)
        NAS_FAIL(NAS_CONFIG, "--replace-head is for model files: clnas train MODEL CONFIG");
    if (nas_session_is_model(call->arguments[0]))
        NAS_FAIL(NAS_CONFIG, "%s is a model file; with which data? clnas train %s CONFIG -o FILE",
                 call->arguments[0], call->arguments[0]);
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
    .arguments = "STUDY[:TRIAL] | MODEL CONFIG",
    .summary = "Retrain a network of a study and test it, or train a saved or ONNX model on",
    .examples = "  clnas train fashion.study\n"
                "  clnas train fashion.study:17 --repeats 3 --train-valid -o model.safetensors\n"
                "  clnas train resnet.onnx birds.cfg --replace-head -o birds.safetensors\n",
    .details =
        "Of a study it is the best network unless one is named, from new weights.  MODEL is a file "
        "that clnas saved,\n"
        "or an ONNX model; it is trained from its weights, with data and `train` of CONFIG, which "
        "may be a study.\n",
    .arguments_min = 1,
    .arguments_max = 2,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
