/* command_resume.c - goes on with a study from the config that it keeps itself. */
#include "cli.h"

#include <stdlib.h>

typedef struct options {
    cli_list set, devices;
    int64_t trials, workers;
    double minutes;
    bool no_retrain;
    int format;
} options;

static const cli_option rows[] = {
    {"set", 's', CLI_LIST, offsetof(options, set), "KEY=VALUE", NULL, 0, 0, NULL,
     "Change budget, devices or retrain: -s budget.trials=96"},
    {"trials", 0, CLI_INT, offsetof(options, trials), "N", NULL, 1, 1e9, NULL,
     "Short for -s budget.trials=N"},
    {"minutes", 0, CLI_REAL, offsetof(options, minutes), "M", NULL, 1e-3, 1e9, NULL,
     "Short for -s budget.minutes=M (of all sessions together)"},
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
    if (given->devices.count)
        NAS_TRY(cli_override_devices(overrides, &given->devices, given->workers));
    return NAS_OK;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    cli_overrides overrides = {0};
    nas_search_report *report = calloc(1, sizeof *report);
    nas_search_options search = {.program = "/proc/self/exe",
                                 .workers = (int)given->workers,
                                 .no_retrain = given->no_retrain,
                                 .progress = cli_session_progress};
    nas_status status, printed;
    if (!report)
        NAS_FAIL(NAS_MEMORY, "no memory for a search");
    NAS_TRY_DONE(add_overrides(given, &overrides));
    cli_interrupt_watch();
    status = nas_session_resume(call->arguments[0], (const char *const *)overrides.item,
                                overrides.count, &search, report);
    printed = *report->study_path ? cli_search_report_print(report, given->format) : NAS_OK;
    status = status == NAS_OK ? printed : status;
done:
    cli_overrides_clear(&overrides);
    free(report);
    return status;
}

const cli_command cli_command_resume = {
    .name = "resume",
    .arguments = "STUDY",
    .summary = "Go on with a study after an interruption, or with a larger budget",
    .examples = "  clnas resume fashion.study\n"
                "  clnas resume fashion.study --trials 96 --device type:gpu\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
