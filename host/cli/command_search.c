/* command_search.c - runs a search from a config file. */
#include "cli.h"

#include <stdlib.h>

typedef struct options {
    const char *study;
    bool fresh, no_retrain;
    cli_list set, devices;
    int64_t trials, workers;
    double minutes;
    const char *seed, *seeds;
    int format;
} options;

static const cli_option rows[] = {
    {"study", 0, CLI_TEXT, offsetof(options, study), "FILE", NULL, 0, 0, NULL,
     "Where the study is kept (default NAME.study, NAME as the config says)"},
    {"new", 0, CLI_FLAG, offsetof(options, fresh), NULL, NULL, 0, 0, NULL,
     "When the study exists, use the next free name"},
    {"set", 's', CLI_LIST, offsetof(options, set), "KEY=VALUE", NULL, 0, 0, NULL,
     "Change the config: -s train.lr=0.05"},
    {"trials", 0, CLI_INT, offsetof(options, trials), "N", NULL, 1, 1e9, NULL,
     "Short for -s budget.trials=N"},
    {"minutes", 0, CLI_REAL, offsetof(options, minutes), "M", NULL, 1e-3, 1e9, NULL,
     "Short for -s budget.minutes=M"},
    {"seed", 0, CLI_TEXT, offsetof(options, seed), "S", NULL, 0, 0, NULL, "Short for -s seed=S"},
    {"seeds", 0, CLI_TEXT, offsetof(options, seeds), "LIST", NULL, 0, 0, NULL,
     "A study for each seed, NAME-s1.study …: 1,2,3 or 1-20; again: go on with them"},
    {"device", 'd', CLI_LIST, offsetof(options, devices), "MATCH", NULL, 0, 0, NULL,
     "Use this device in place of the config's, see clnas devices"},
    {"workers", 'j', CLI_INT, offsetof(options, workers), "N", NULL, 1, 64, NULL,
     "Worker processes per device"},
    {"no-retrain", 0, CLI_FLAG, offsetof(options, no_retrain), NULL, NULL, 0, 0, NULL,
     "Leave out the retraining at the end"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status add_overrides(const options *given, cli_overrides *overrides)
{
    NAS_TRY(cli_override_list(overrides, &given->set));
    if (given->trials)
        NAS_TRY(cli_override_add(overrides, "budget.trials=%lld", (long long)given->trials));
    if (given->minutes > 0)
        NAS_TRY(cli_override_add(overrides, "budget.minutes=%.10g", given->minutes));
    if (given->seed)
        NAS_TRY(cli_override_add(overrides, "seed=%s", given->seed));
    /* Workers without devices are the session's business: it knows the config's devices. */
    if (given->devices.count)
        NAS_TRY(cli_override_devices(overrides, &given->devices, given->workers));
    return NAS_OK;
}

static nas_status check_seeds(const options *given)
{
    if (given->seeds && given->seed)
        NAS_FAIL(NAS_CONFIG, "--seed or --seeds, not both");
    if (given->seeds && given->fresh)
        NAS_FAIL(NAS_CONFIG,
                 "--seeds goes on with the studies that are there, so --new has no place; --study "
                 "NAME gives them another name");
    return NAS_OK;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    cli_overrides overrides = {0};
    nas_search_report *report = calloc(1, sizeof *report);
    nas_config *config = calloc(1, sizeof *config);
    nas_search_options search = {.study_path = given->study,
                                 .fresh = given->fresh,
                                 .program = "/proc/self/exe",
                                 .workers = (int)given->workers,
                                 .no_retrain = given->no_retrain,
                                 .progress = cli_session_progress};
    nas_status status, printed;
    if (!report || !config) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for a search");
        goto done;
    }
    NAS_TRY_DONE(check_seeds(given));
    NAS_TRY_DONE(add_overrides(given, &overrides));
    if (given->seeds) {
        cli_interrupt_watch();
        status = cli_seeds_search(call, given->seeds, &overrides, &search, given->format);
        goto done;
    }
    NAS_TRY_DONE(nas_config_read(call->arguments[0], (const char *const *)overrides.item,
                                 overrides.count, config));
    cli_interrupt_watch();
    status = nas_session_search(config, &search, report);
    printed = *report->study_path ? cli_search_report_print(report, given->format) : NAS_OK;
    status = status == NAS_OK ? printed : status;
done:
    if (config)
        nas_config_clear(config);
    cli_overrides_clear(&overrides);
    free(config);
    free(report);
    return status;
}

const cli_command cli_command_search = {
    .name = "search",
    .arguments = "CONFIG",
    .summary = "Run a search: design networks, train them, keep a study of it",
    .examples = "  clnas search quickstart.cfg\n"
                "  clnas search quickstart.cfg --trials 10 --device type:cpu\n"
                "  clnas search quickstart.cfg -s train.lr=0.05 -s 'space.kernel=[3,5,7]' --new\n"
                "  clnas search quickstart.cfg --seeds 1-20 --no-retrain\n",
    .details = "An existing study is never overwritten: `clnas resume STUDY` goes on with it, "
               "--new starts\n"
               "another beside it.  The first Ctrl-C finishes the current steps and ends resumably "
               "(130), the\n"
               "second leaves at once; nothing committed is lost either way.\n"
               "With --seeds the same command again goes on: studies that are complete are left as "
               "they are,\n"
               "others are resumed, missing ones are made; `clnas compare` reads them all.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
