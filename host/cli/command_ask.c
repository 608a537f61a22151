/* command_ask.c - hands out the next trial of a study, for a trainer that is none of ours. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>

typedef struct options {
    cli_list set;
    double lease, wait;
    int64_t pid;
    const char *device;
} options;

static const cli_option rows[] = {
    {"lease", 0, CLI_REAL, offsetof(options, lease), "SECONDS", "3600", 1, 1e8, NULL,
     "Without a word from clnas tell for so long the trial is handed out again"},
    {"pid", 0, CLI_INT, offsetof(options, pid), "PID", NULL, 1, INT32_MAX, NULL,
     "In place of a lease: the trial is held as long as this process lives (--pid $$)"},
    {"wait", 0, CLI_REAL, offsetof(options, wait), "SECONDS", "0", 0, 1e8, NULL,
     "Wait so long when other trials' results are needed first"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "NAME", NULL, 0, 0, NULL,
     "Who asks, as clnas trials shows it"},
    {"set", 's', CLI_LIST, offsetof(options, set), "KEY=VALUE", NULL, 0, 0, NULL,
     "With a config: change it, -s budget.trials=96"},
    {.name = NULL},
};

static json_t *objectives_json(const nas_objectives *objectives)
{
    json_t *list = json_array();
    for (int i = 0; i < objectives->count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "metric", objectives->item[i].metric, "goal",
                                        objectives->item[i].goal == NAS_GOAL_MAX ? "max" : "min"));
    return list;
}

/* A side that is open is left out. */
static json_t *bounds_json(const nas_objectives *objectives)
{
    json_t *list = json_array();
    for (int i = 0; i < objectives->bound_count; i++) {
        const nas_bound *bound = &objectives->bounds[i];
        json_t *entry = json_pack("{s:s}", "metric", bound->metric);
        if (isfinite(bound->min))
            json_object_set_new(entry, "min", json_real(bound->min));
        if (isfinite(bound->max))
            json_object_set_new(entry, "max", json_real(bound->max));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *trial_json(const nas_asked *asked)
{
    json_t *object = json_pack(
        "{s:i, s:s, s:s, s:i, s:I, s:i, s:s, s:f, s:I, s:s, s:s}", "schema_version", 1, "next",
        "trial", "study", asked->study_path, "trial", asked->claim.index, "token",
        (json_int_t)asked->claim.token, "attempt", asked->claim.attempt, "arch", asked->arch.data,
        "budget", asked->budget, "seed", (json_int_t)asked->seed, "network",
        asked->network.data ? asked->network.data : "", "graph", asked->graph.data);
    if (!object)
        return NULL;
    json_object_set_new(object, "parent",
                        asked->parent >= 0 ? json_integer(asked->parent) : json_null());
    json_object_set_new(object, "from", asked->from >= 0 ? json_integer(asked->from) : json_null());
    json_object_set_new(object, "objectives", objectives_json(&asked->objectives));
    json_object_set_new(object, "bounds", bounds_json(&asked->objectives));
    return object;
}

static nas_status print(const nas_asked *asked)
{
    json_t *object =
        asked->next == NAS_NEXT_TRIAL
            ? trial_json(asked)
            : json_pack("{s:i, s:s, s:s}", "schema_version", 1, "next",
                        asked->next == NAS_NEXT_DONE ? "done" : "wait", "study", asked->study_path);
    bool printed = object && json_dumpf(object, stdout, JSON_COMPACT) == 0 &&
                   putchar('\n') != EOF && fflush(stdout) == 0;
    json_decref(object);
    if (!printed)
        NAS_FAIL(NAS_FAILED, "cannot print the trial");
    return NAS_OK;
}

/* Nobody got it: it is free at once. */
static void take_back(const nas_asked *asked)
{
    if (asked->next == NAS_NEXT_TRIAL)
        nas_session_give_back(asked->study_path, &asked->claim, "could not be printed");
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    cli_overrides overrides = {0};
    nas_asked asked = {0};
    nas_status status;
    NAS_TRY_DONE(cli_override_list(&overrides, &given->set));
    const nas_ask_options ask = {.overrides = (const char *const *)overrides.item,
                                 .override_count = overrides.count,
                                 .lease_s = given->lease,
                                 .pid = given->pid,
                                 .wait_s = given->wait,
                                 .device = given->device};
    status = nas_session_ask(call->arguments[0], &ask, &asked);
    if (status == NAS_OK && print(&asked) != NAS_OK) {
        status = NAS_FAILED;
        take_back(&asked);
    } else if (status == NAS_STOPPED) {
        print(&asked);
    }
done:
    nas_asked_clear(&asked);
    cli_overrides_clear(&overrides);
    return status;
}

const cli_command cli_command_ask = {
    .name = "ask",
    .arguments = "STUDY|CONFIG",
    .summary = "Hand out the next trial to a trainer of your own, as JSON",
    .examples = "  clnas ask fashion.study --device $(hostname)\n"
                "  clnas tell fashion.study:17 --token 35 valid_accuracy=0.91\n",
    .details =
        "Prints one JSON object.  \"next\" is \"trial\", \"wait\" (exit code 7: the results of "
        "trials that are being\n"
        "trained are needed first) or \"done\".  A trial has \"trial\", \"token\", \"attempt\", "
        "\"arch\" (genes), \"network\"\n"
        "(a line), \"graph\" (node by node), \"budget\" (epochs; 0: measure, train nothing), "
        "\"seed\", \"parent\", \"from\"\n"
        "(the trial whose weights it starts from), \"objectives\" and \"bounds\" (what to tell).\n"
        "With a config its study is made when it is not there.  Any number may ask at a time.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
