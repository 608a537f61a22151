/* command_best.c - the best trials by the first objective, or the Pareto front over all of them. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct options {
    bool pareto;
    const char *device;
    int64_t top;
    int format;
} options;

static const cli_option rows[] = {
    {"pareto", 0, CLI_FLAG, offsetof(options, pareto), NULL, NULL, 0, 0, NULL,
     "The trials that no other one beats in every objective"},
    {"device", 0, CLI_TEXT, offsetof(options, device), "NAME", NULL, 0, 0, NULL,
     "With --pareto: leave out objectives on other devices of the config"},
    {"top", 0, CLI_INT, offsetof(options, top), "K", "1", 1, 1e6, NULL, "How many"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status print_results(const nas_study_view *view)
{
    enum { LIMIT = NAS_TRAIN_RESULTS };
    nas_train_result *results = calloc(LIMIT, sizeof *results);
    cli_listing listing = {0};
    nas_status status;
    int count = 0;
    if (!results)
        NAS_FAIL(NAS_MEMORY, "no memory for results");
    NAS_TRY_DONE(nas_study_view_results(view, results, LIMIT, &count));
    if (count) {
        fputs("\nRetrained from the start, tested once on the test split:\n", stdout);
        cli_results_listing(&listing, results, count);
        status = cli_listing_print(&listing, CLI_TABLE, stdout);
    }
done:
    cli_listing_clear(&listing);
    free(results);
    return status;
}

/* The objectives but those on a device other than `device`; NULL: all. */
static nas_status choose_objectives(const nas_config *config, const char *device,
                                    nas_objectives *chosen)
{
    const char *names[NAS_CONFIG_DEVICES];
    int count = 0, kept = 0;
    bool known = !device;
    *chosen = config->objectives;
    for (int i = 0; i < config->device_count; i++) {
        names[count++] = config->devices[i].name;
        known |= device && strcmp(config->devices[i].name, device) == 0;
    }
    const char *near = device ? nas_nearest_name(device, names, count) : NULL;
    if (!known)
        NAS_FAIL(NAS_CONFIG, "the study has no device \"%.64s\"%s%s%s", device,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    for (int i = 0; i < chosen->count; i++) {
        bool other = false;
        for (int k = 0; device && k < config->measure_count; k++)
            other |= strcmp(config->measures[k].metric, chosen->item[i].metric) == 0 &&
                     config->measures[k].device[0] &&
                     strcmp(config->measures[k].device, device) != 0;
        if (!other)
            chosen->item[kept++] = chosen->item[i];
    }
    chosen->count = kept;
    return NAS_OK;
}

static nas_status print_best(const nas_study_view *view, const options *given)
{
    int trials = nas_study_count(view->study), count = 0;
    int *indices = calloc((size_t)trials + 1, sizeof *indices);
    cli_listing listing = {0};
    nas_objectives objectives;
    nas_status status = NAS_OK;
    if (!indices)
        NAS_FAIL(NAS_MEMORY, "no memory for a list of %d trials", trials);
    NAS_TRY_DONE(choose_objectives(&view->config, given->device, &objectives));
    if (given->pareto)
        NAS_TRY_DONE(nas_study_front(view->study, &objectives, indices, &count));
    else
        count = nas_study_best(view->study, &view->config.objectives.item[0],
                               given->top < trials ? (int)given->top : trials, indices);
    if (count == 0) {
        status = nas_error_set(NAS_FAILED, __FILE__, __LINE__,
                               "%s has no complete trial yet; clnas trials %s lists what there is",
                               view->path, view->path);
        goto done;
    }
    NAS_TRY_DONE(cli_trials_listing(view, indices, count, &listing));
    NAS_TRY_DONE(cli_listing_print(&listing, given->format, stdout));
    if (given->format == CLI_TABLE)
        status = print_results(view);
done:
    cli_listing_clear(&listing);
    free(indices);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    nas_study_view *view = calloc(1, sizeof *view);
    nas_status status;
    if (!view)
        NAS_FAIL(NAS_MEMORY, "no memory for a study");
    NAS_TRY_DONE(nas_study_view_open(call->arguments[0], view));
    status = print_best(view, given);
done:
    nas_study_view_clear(view);
    free(view);
    return status;
}

const cli_command cli_command_best = {
    .name = "best",
    .arguments = "STUDY",
    .summary = "Show the best trials, or the Pareto front",
    .examples = "  clnas best fashion.study\n"
                "  clnas best fashion.study --top 5\n"
                "  clnas best fashion.study --pareto --format json\n"
                "  clnas best fashion.study --pareto --device home\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
