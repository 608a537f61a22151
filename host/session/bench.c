/* bench.c - everything that work on a study needs, opened in the order in which it can fail cheaply.
 *
 * The study's stored config is the only source: a worker gets a path and a device, nothing else, so a resumed study and
 * one on another machine run from the same text.  Bounds on what a graph costs go into the domain, so that strategies
 * draw within them; the evaluator still checks. */
#include "config_private.h"
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nas_status stored_config(nas_study *study, const char *const *overrides, int override_count,
                                nas__kinds_wanted wanted, nas_config *config)
{
    nas_text text = {0};
    bool found = false;
    nas_status status = nas_study_get(study, "options", &text, &found);
    if (status == NAS_OK && !found)
        status = nas_error_set(NAS_STORE, __FILE__, __LINE__, "%s: the study has no config in it",
                               nas_study_path(study));
    if (status == NAS_OK)
        status = nas__config_parse(text.data, nas_study_path(study), overrides, override_count,
                                   wanted, config);
    nas_text_clear(&text);
    return status;
}

nas_status nas_config_of_study(nas_study *study, nas_config *config)
{
    return stored_config(study, NULL, 0, NAS__KINDS_STORED, config);
}

nas_status nas__stored_config(nas_study *study, const char *const *overrides, int override_count,
                              nas_config *config)
{
    nas_config *stored = calloc(1, sizeof *stored);
    if (!stored)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_config_of_study(study, stored);
    if (status == NAS_OK)
        status = nas_config_known(stored, nas_study_path(study));
    nas_config_clear(stored);
    free(stored);
    return status == NAS_OK
               ? stored_config(study, overrides, override_count, NAS__KINDS_KNOWN, config)
               : status;
}

nas_status nas__open_data(const nas_config *config, nas_data **data)
{
    return nas_data_open_group(&config->data, (uint64_t)config->seed, data);
}

static void set_bounds(const nas_objectives *objectives, nas_cost_bounds *bounds)
{
    for (int i = 0; i < objectives->bound_count; i++) {
        const nas_bound *bound = &objectives->bounds[i];
        if (!(bound->max >= 1 && bound->max < 0x1p63))
            continue;
        if (strcmp(bound->metric, "parameters") == 0)
            bounds->parameters_max = (uint64_t)bound->max;
        else if (strcmp(bound->metric, "macs") == 0)
            bounds->macs_max = (uint64_t)bound->max;
        else if (strcmp(bound->metric, "activation_bytes") == 0)
            bounds->bytes_max = (uint64_t)bound->max;
    }
}

nas_status nas__open_domain(const nas_config *config, const nas_data *data, nas_domain **domain)
{
    NAS_TRY(nas_domain_open_group(&config->space, nas_data_shape(data), nas_data_outputs(data),
                                  domain));
    set_bounds(&config->objectives, &(*domain)->bounds);
    return NAS_OK;
}

/* Rows of one mean the same in the other, as far as genes tell. */
static bool same_genes(const nas_domain *a, const nas_domain *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = a->genes[i].choices == b->genes[i].choices &&
               strcmp(a->genes[i].name, b->genes[i].name) == 0;
    return same;
}

nas_status nas__open_final_domain(const nas_config *config, const nas_data *data,
                                  const nas_domain *domain, nas_domain **final_domain)
{
    nas_status status = nas_domain_open_group(&config->retrain_space, nas_data_shape(data),
                                              nas_data_outputs(data), final_domain);
    if (status != NAS_OK)
        nas_error_add("retrain.space: ");
    NAS_TRY(status);
    if (same_genes(domain, *final_domain))
        return NAS_OK;
    nas_domain_close(*final_domain);
    *final_domain = NULL;
    NAS_FAIL(NAS_CONFIG,
             "retrain.space changes what there is to choose from, so that what was found is no "
             "architecture of it; cells, channels, drop_path and the like may change");
}

static nas_status read_given(nas__bench *bench)
{
    const nas_text_list *given = &bench->config.given;
    for (int i = 0; i < given->count; i++) {
        nas_status status = nas_domain_read(bench->domain, given->item[i], &bench->given[i]);
        if (status != NAS_OK)
            nas_error_add("strategy.given \"%s\": ", given->item[i]);
        NAS_TRY(status);
    }
    bench->given_count = given->count;
    return NAS_OK;
}

static nas_status open_parts(nas__bench *bench)
{
    NAS_TRY(nas__stored_config(bench->study, NULL, 0, &bench->config));
    bench->train = calloc(1, sizeof *bench->train);
    bench->retrain = calloc(1, sizeof *bench->retrain);
    if (!bench->train || !bench->retrain)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    NAS_TRY(nas_train_config_fill(&bench->config.train, bench->train));
    NAS_TRY(nas_train_config_fill(&bench->config.retrain_train, bench->retrain));
    NAS_TRY(nas__open_data(&bench->config, &bench->data));
    NAS_TRY(nas__study_data_hold(bench->study, bench->data));
    NAS_TRY(nas__open_domain(&bench->config, bench->data, &bench->domain));
    NAS_TRY(
        nas__open_final_domain(&bench->config, bench->data, bench->domain, &bench->final_domain));
    nas_study_set_limits(bench->study, 0, (int64_t)(bench->config.budget.lease_s * 1000));
    return read_given(bench);
}

nas_status nas__bench_open(nas_study *study, nas__bench *bench)
{
    *bench = (nas__bench){.study = study};
    nas_status status = open_parts(bench);
    if (status != NAS_OK)
        nas__bench_close(bench);
    return status;
}

/* What its trials call it. */
static void name_device(nas__bench *bench, const char *alias)
{
    const nas_device_info *info = nas_device_describe(bench->device);
    char place[NAS_DRIVER_SIZE + 32]; /* numbers count inside the driver where it is alone */
    const char *driver = nas_driver_alone();
    snprintf(place, sizeof place, "%s%s%s", driver, driver[0] ? " " : "", info->id);
    snprintf(bench->alias, sizeof bench->alias, "%s", alias ? alias : "");
    if (alias && alias[0])
        snprintf(bench->device_name, sizeof bench->device_name, "%.40s (%.32s %.48s)", alias, place,
                 info->name);
    else
        snprintf(bench->device_name, sizeof bench->device_name, "%.32s %.90s", place, info->name);
}

nas_status nas__bench_device(nas__bench *bench, const char *match, const char *alias)
{
    NAS_TRY(nas__device_open(bench->study, bench->config.exact, match, &bench->device));
    name_device(bench, alias);
    return NAS_OK;
}

nas_status nas__bench_lend(nas__bench *bench, nas_device *device)
{
    NAS_TRY(nas_tuning_copy(nas_device_tuning(device), &bench->lent_tuning));
    bench->device = device;
    bench->lent_device = true;
    name_device(bench, "");
    return nas__device_set(bench->study, bench->config.exact, device);
}

static void give_device_back(nas__bench *bench)
{
    if (!bench->lent_device)
        nas_device_destroy(bench->device);
    else if (nas_device_set_tuning(bench->device, &bench->lent_tuning, true) != NAS_OK)
        nas_log(NAS_LOG_WARNING, "the device does not get its tuning back: %s",
                nas_error_message());
    nas_tuning_clear(&bench->lent_tuning);
}

nas_eval_setting nas__bench_setting(const nas__bench *bench)
{
    const nas_config *config = &bench->config;
    return (nas_eval_setting){
        .group = &config->evaluate,
        .device = bench->device,
        .data = bench->data,
        .domain = bench->domain,
        .train = bench->train,
        .objectives = &config->objectives,
        .strategy = &config->strategy,
        .seed = (uint64_t)config->seed,
    };
}

nas_status nas__bench_home(nas__bench *bench)
{
    const nas_config *config = &bench->config;
    const bool same = nas__same_values(&config->data, &config->retrain_data);
    if (bench->home)
        return NAS_OK;
    if (!same)
        NAS_TRY(
            nas_data_open_group(&config->retrain_data, (uint64_t)config->seed, &bench->final_data));
    return nas_data_home_create(bench->device, same ? bench->data : bench->final_data,
                                &bench->home);
}

void nas__bench_close(nas__bench *bench)
{
    nas_data_home_destroy(bench->home);
    give_device_back(bench);
    nas_domain_close(bench->domain);
    nas_domain_close(bench->final_domain);
    nas_data_destroy(bench->final_data);
    nas_data_destroy(bench->data);
    free(bench->train);
    free(bench->retrain);
    nas_config_clear(&bench->config);
    *bench = (nas__bench){0};
}
