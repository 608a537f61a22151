/* command_tell.c - takes what came of a trial that `clnas ask` handed out. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct options {
    int64_t token;
    cli_list measured;
    const char *failed, *device, *json, *give_back, *progress;
    double seconds;
} options;

static const cli_option rows[] = {
    {"token", 0, CLI_INT, offsetof(options, token), "N", NULL, 1, 9e15, NULL,
     "The token that clnas ask printed; an old one is refused"},
    {"json", 0, CLI_TEXT, offsetof(options, json), "FILE", NULL, 0, 0, NULL,
     "Read the result from a JSON object; - is stdin"},
    {"measured", 0, CLI_LIST, offsetof(options, measured), "NAME=VALUE", NULL, 0, 0, NULL,
     "A metric of the machine or the moment (latency, time)"},
    {"failed", 0, CLI_TEXT, offsetof(options, failed), "REASON", NULL, 0, 0, NULL,
     "The network failed: a result, and the worst one"},
    {"progress", 0, CLI_TEXT, offsetof(options, progress), "SHARE", NULL, 0, 0, NULL,
     "Still at work, 0 … 1 of it is done: begins the lease anew"},
    {"give-back", 0, CLI_TEXT, offsetof(options, give_back), "REASON", NULL, 0, 0, NULL,
     "No result: the trial is handed out again"},
    {"seconds", 0, CLI_REAL, offsetof(options, seconds), "S", NULL, 0, 1e9, NULL,
     "Spent on the training (default: since it was asked for)"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "NAME", NULL, 0, 0, NULL,
     "Where it was trained"},
    {.name = NULL},
};

static nas_status read_share(const char *text, double *share)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1))
        NAS_FAIL(NAS_CONFIG, "--progress wants a share, 0 … 1, not '%.40s'", text);
    *share = value;
    return NAS_OK;
}

/* The flags' part, before the JSON's. */
static nas_status take_flags(const options *given, const cli_call *call, cli_told *told)
{
    for (int i = 1; i < call->count; i++)
        NAS_TRY(cli_told_metric(told, call->arguments[i], false));
    for (int i = 0; i < given->measured.count; i++)
        NAS_TRY(cli_told_metric(told, given->measured.item[i], true));
    told->claim.token = given->token;
    told->result.seconds = given->seconds;
    if (given->device)
        snprintf(told->result.device, sizeof told->result.device, "%s", given->device);
    if (given->failed) {
        told->result.status = NAS_TRIAL_FAILED;
        snprintf(told->result.reason, sizeof told->result.reason, "%s",
                 *given->failed ? given->failed : "failed");
    }
    return NAS_OK;
}

static nas_status check_told(const char *path, const cli_told *told)
{
    if (told->claim.index < 0)
        NAS_FAIL(NAS_CONFIG, "which trial? clnas tell %s:17, or \"trial\" in the JSON", path);
    if (told->claim.token < 1)
        NAS_FAIL(NAS_CONFIG,
                 "trial %d: --token N, as clnas ask printed it, says that the trial is still yours",
                 told->claim.index);
    return NAS_OK;
}

static nas_status tell_result(const char *path, const cli_told *told)
{
    nas_trial stands;
    NAS_TRY(nas_session_tell(path, &told->claim, told->arch, &told->result, &stands));
    if (stands.status == NAS_TRIAL_FAILED)
        cli_note("trial %d is recorded as failed: %s", stands.index, stands.reason);
    nas_trial_clear(&stands);
    return NAS_OK;
}

static nas_status tell(const options *given, const cli_call *call, cli_told *told)
{
    char path[NAS_PATH_SIZE];
    int64_t trial;
    double share = 0;
    NAS_TRY(cli_study_split(call->arguments[0], path, sizeof path, &trial));
    told->claim.index = (int)trial;
    NAS_TRY(take_flags(given, call, told));
    if (given->json)
        NAS_TRY(cli_told_json(told, given->json));
    NAS_TRY(check_told(path, told));
    bool result =
        told->result.metric_count > 0 || told->result.status == NAS_TRIAL_FAILED || given->json;
    if ((given->progress != NULL) + (given->give_back != NULL) + result > 1)
        NAS_FAIL(NAS_CONFIG, "trial %d: a result, --progress or --give-back, one at a time",
                 told->claim.index);
    if (given->give_back)
        return nas_session_give_back(path, &told->claim, given->give_back);
    if (!given->progress)
        return tell_result(path, told);
    NAS_TRY(read_share(given->progress, &share));
    return nas_session_tell_progress(path, &told->claim, share);
}

static nas_status run(const cli_call *call)
{
    cli_told told;
    cli_told_init(&told);
    nas_status status = tell(call->options, call, &told);
    cli_told_clear(&told);
    return status;
}

const cli_command cli_command_tell = {
    .name = "tell",
    .arguments = "STUDY[:TRIAL] [METRIC=VALUE]…",
    .summary = "Tell what came of a trial that ask handed out",
    .examples =
        "  clnas tell fashion.study:17 --token 35 valid_accuracy=0.91\n"
        "  clnas tell fashion.study:17 --token 35 --failed 'out of memory'\n"
        "  clnas tell fashion.study:17 --token 35 --progress 0.5\n"
        "  echo '{\"trial\": 17, \"token\": 35, \"metrics\": {\"valid_accuracy\": 0.91}}' |\n"
        "    clnas tell fashion.study --json -\n",
    .details =
        "The JSON object has \"metrics\" and may have \"trial\", \"token\", \"measured\" (metrics "
        "of "
        "the machine),\n"
        "\"curves\" (lists, one number per epoch), \"failed\" (a reason), \"seconds\" and "
        "\"device\"; what "
        "ask printed\n"
        "may stay in it.  A metric that is NaN (JSON: null) or out of bounds makes a failed trial; "
        "parameters,\n"
        "macs and activation_bytes are known and may be left out.\n"
        "Exit code 1: the trial has its result already, or is somebody else's by now; nothing was "
        "written.\n",
    .arguments_min = 1,
    .arguments_max = 33,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
