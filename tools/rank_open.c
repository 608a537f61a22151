/* rank_open.c - what is ranked: an evaluator in the space of the file, or the paths of a study's supernet.
 *
 * Of a study with shared weights (strategies such as spos or darts) everything comes that decides about a score: space, data, seed, recipe,
 * strategy and evaluator; so an architecture gets the very number that it would have as a candidate of that study.  The file then only says
 * what that is held against, and one file serves many supernets. */
#include "config_file.h"
#include "rank.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(ranking, field)
static const nas_option options[] = {
    {"seed", NAS_OPTION_INT, AT(seed), "1", 0, 0, NULL, "of the sample and of the evaluator"},
    {"count", NAS_OPTION_INT, AT(count), "500", 3, SPACE_MAX, NULL, "architectures"},
    {"by", NAS_OPTION_TEXT, AT(by), "\"test_accuracy\"", 0, 0, NULL,
     "the metric of `truth` that the others are held against"},
    {0},
};
#undef AT
static const nas_kind kind = {"ranking", "", NULL, offsetof(ranking, root), options};

/* ---- a study's supernet ----------------------------------------------------------------------------------------------- */

/* "STUDY:TRIAL" or "STUDY"; trial −1: not said. */
static void split_name(const char *name, char *path, size_t size, int *trial)
{
    const char *colon = strrchr(name, ':');
    const bool told = colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
    snprintf(path, size, "%.*s", told ? (int)(colon - name) : (int)strlen(name), name);
    *trial = told ? (int)strtol(colon + 1, NULL, 10) : -1;
}

/* The last epoch that is complete, where the command line names none. */
static nas_status find_epoch(const nas_study *study, int *trial)
{
    for (int i = nas_study_count(study) - 1; i >= 0 && *trial < 0; i--) {
        const nas_trial *line = nas_study_trial(study, i);
        if (line->derived && line->status == NAS_TRIAL_COMPLETE)
            *trial = i;
    }
    if (*trial < 0)
        NAS_FAIL(NAS_CONFIG, "%s: no epoch of a supernet in this study", nas_study_path(study));
    return NAS_OK;
}

static nas_status find_weights(nas_study *study, int trial, char *path, size_t size)
{
    nas_checkpoint *list = NULL;
    int count = 0, length = 0;
    NAS_TRY(nas_study_checkpoints(study, &list, &count));
    for (int i = 0; i < count; i++)
        if (list[i].trial == trial && strcmp(list[i].kind, "weights") == 0)
            length = snprintf(path, size, "%s.d/%s", nas_study_path(study), list[i].path);
    free(list);
    if (length <= 0 || length >= (int)size || access(path, R_OK) != 0)
        NAS_FAIL(NAS_CONFIG,
                 "%s: the weights of trial %d are not there; a study keeps those of its last epoch",
                 nas_study_path(study), trial);
    return NAS_OK;
}

static nas_status open_weights(const char *name, ranking *r)
{
    char path[PATH_SIZE];
    int trial;
    nas_study *study;
    split_name(name, path, sizeof path, &trial);
    NAS_TRY(nas_study_open(path, NAS_STORE_READ, &study));
    nas_status status = nas_study_sync(study);
    if (status == NAS_OK)
        status = find_epoch(study, &trial);
    if (status == NAS_OK)
        status = find_weights(study, trial, r->weights, sizeof r->weights);
    nas_study_close(study);
    return status;
}

/* A whole number of its strategy in place of the stored one. */
static nas_status set_recalibrate(nas_value *strategy, int batches)
{
    for (int i = 0; i < strategy->item_count; i++)
        if (strcmp(strategy->items[i].name, "recalibrate") == 0) {
            strategy->items[i].integer = batches;
            return NAS_OK;
        }
    NAS_FAIL(NAS_CONFIG, "--recalibrate: the strategy %s has no such option", type_of(strategy));
}

static nas_status open_study(const ranking_setup *setup, ranking *r)
{
    char path[PATH_SIZE];
    int trial;
    nas_progress progress;
    NAS_TRY(open_weights(setup->supernet, r));
    r->study = calloc(1, sizeof *r->study);
    if (!r->study)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    split_name(setup->supernet, path, sizeof path, &trial);
    NAS_TRY(nas_session_status(path, r->study, &progress));
    r->space = &r->study->space;
    r->data_group = &r->study->data;
    r->evaluate = &r->study->evaluate;
    r->strategy = &r->study->strategy;
    r->eval_seed = (uint64_t)r->study->seed;
    return setup->recalibrate < 0 ? NAS_OK
                                  : set_recalibrate(&r->study->strategy, setup->recalibrate);
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static nas_status open_train(ranking *r)
{
    r->train = calloc(1, sizeof *r->train);
    if (!r->train)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    return nas_train_config_fill(r->study ? &r->study->train : NULL, r->train);
}

/* The evaluator's metrics, and what every architecture costs. */
static void list_columns(ranking *r)
{
    static const char *const costs[] = {"parameters", "macs"};
    const char *const *name = nas_eval_kind(r->eval)->metrics;
    for (; *name && r->column_count < COLUMNS_MAX - 2; name++)
        r->columns[r->column_count++] = *name;
    for (int i = 0; i < 2; i++) {
        int at = 0;
        while (at < r->column_count && strcmp(r->columns[at], costs[i]) != 0)
            at++;
        if (at == r->column_count)
            r->columns[r->column_count++] = costs[i];
    }
}

static nas_status open_eval(ranking *r)
{
    const nas_eval_setting setting = {.group = r->evaluate,
                                      .device = r->device,
                                      .data = r->data,
                                      .domain = r->domain,
                                      .train = r->train,
                                      .strategy = r->strategy,
                                      .seed = r->eval_seed};
    if (!setting.group)
        NAS_FAIL(
            NAS_CONFIG,
            "evaluate = { type = \"…\"; … }; is missing, or --supernet STUDY on the command line");
    NAS_TRY(nas_eval_create(&setting, &r->eval));
    list_columns(r);
    return NAS_OK;
}

static nas_status read_file(const ranking_setup *setup, ranking *r)
{
    static const char *const also[] = {"space", "data", "evaluate", "truth", NULL};
    NAS_TRY(read_config_file(setup->file, &r->root));
    NAS_TRY(nas_options_fill(&kind, &r->root, also, r));
    if (setup->by && snprintf(r->by, sizeof r->by, "%s", setup->by) >= (int)sizeof r->by)
        NAS_FAIL(NAS_CONFIG, "--by: the name of the metric is too long");
    r->space = nas_value_member(&r->root, "space");
    r->data_group = nas_value_member(&r->root, "data");
    r->evaluate = nas_value_member(&r->root, "evaluate");
    r->eval_seed = (uint64_t)r->seed;
    return NAS_OK;
}

nas_status open_ranking(const ranking_setup *setup, ranking *r)
{
    NAS_TRY(read_file(setup, r));
    if (setup->folder && chdir(setup->folder))
        NAS_FAIL(NAS_FAILED, "%s: %s", setup->folder, strerror(errno));
    if (setup->supernet)
        NAS_TRY(open_study(setup, r));
    else if (setup->recalibrate >= 0)
        NAS_FAIL(NAS_CONFIG, "--recalibrate is for a --supernet");
    NAS_TRY(nas_data_open_group(r->data_group, r->eval_seed, &r->data));
    NAS_TRY(nas_domain_open_group(r->space, nas_data_shape(r->data), nas_data_outputs(r->data),
                                  &r->domain));
    NAS_TRY(open_train(r));
    NAS_TRY(nas_device_open(setup->device, NULL, &r->device));
    NAS_TRY(open_truth(r));
    return open_eval(r);
}

void close_ranking(ranking *r)
{
    nas_eval_destroy(r->eval);
    close_truth(r);
    nas_device_destroy(r->device);
    nas_domain_close(r->domain);
    nas_data_destroy(r->data);
    nas_value_clear(&r->root);
    if (r->study)
        nas_config_clear(r->study);
    free(r->study);
    free(r->train);
}
