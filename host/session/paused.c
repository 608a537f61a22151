/* paused.c - trainings that may go on: what a promotion to more epochs begins from.
 *
 * Idea: halving, Hyperband, ASHA and BOHB train a network for a few epochs and the best of them for more.  The short training is the
 * beginning of the long one (trained.c), so its whole state - weights, moments, step - is kept beside the study when it
 * ends, and a trial that has the same architecture as its parent and a larger budget goes on from there.  Nothing but time hangs on
 * these files: a promotion without one trains from the start and gets the same bits, so what is kept may be bounded, and
 * neither a kill nor another worker's different view can change a result.
 *
 * Kept are, of each budget, the best `keep_paused` that were not promoted yet, and what an open trial goes on from.  Order of the
 * steps as in checkpoints.c: file, record, commit; and the other way round when it goes. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kind[] = "paused";

static void name_of(int trial, char name[64])
{
    snprintf(name, 64, "trial-%d.paused", trial);
}

/* Does `line` go on with the training of trial `index`? */
static bool goes_on_with(const nas_study *study, const nas_trial *line, int index)
{
    const nas_trial *from = line->parent >= 0 ? nas_study_result(study, line->parent) : NULL;
    return from && from->index == index && line->budget > from->budget &&
           strcmp(line->arch, from->arch) == 0;
}

nas_status nas__paused_find(nas_study *study, const nas_job *job, char *path, size_t size,
                            const nas_trial **begun)
{
    char name[64];
    const nas_trial *line = nas_study_trial(study, job->claim.index);
    const nas_trial *from = line->parent >= 0 ? nas_study_result(study, line->parent) : NULL;
    *begun = NULL;
    if (!from || !goes_on_with(study, line, from->index))
        return NAS_OK;
    name_of(from->index, name);
    NAS_TRY(nas__study_file(study, name, path, size));
    if (access(path, R_OK) == 0)
        *begun = from;
    return NAS_OK;
}

/* ---- keeping ----------------------------------------------------------------------------------------------------- */

/* Paused trainings of this budget that are better than the score, or as good and earlier. */
static int better_ones(const nas_study *study, const nas_checkpoint *list, int count,
                       const nas_checkpoint *one, double budget)
{
    int better = 0;
    for (int i = 0; i < count; i++) {
        const nas_trial *trial = nas_study_trial(study, list[i].trial);
        if (strcmp(list[i].kind, kind) != 0 || !trial || trial->budget != budget)
            continue;
        better += list[i].score > one->score ||
                  (list[i].score == one->score && list[i].trial < one->trial);
    }
    return better;
}

nas_status nas__paused_keep(nas_study *study, const nas_config *config, nas_eval *eval,
                            const nas_trial *result, double budget)
{
    char path[NAS_PATH_SIZE];
    struct stat about;
    int count = 0;
    nas_checkpoint *list = NULL, made = {.trial = result->index};
    const nas_value *epochs = nas_value_member(&config->train, "epochs");
    bool whole = !epochs || budget >= (double)epochs->integer;
    if (!nas_eval_kind(eval)->pause || whole || budget == 0) /* 0: nothing was trained */
        return NAS_OK;
    made.score = nas_objective_score(&config->objectives.item[0], result);
    NAS_TRY(nas_study_checkpoints(study, &list, &count));
    bool worth = better_ones(study, list, count, &made, budget) < config->budget.keep_paused;
    free(list);
    if (!worth)
        return NAS_OK;
    snprintf(made.kind, sizeof made.kind, "%s", kind);
    name_of(result->index, made.path);
    NAS_TRY(nas__study_file(study, made.path, path, sizeof path));
    NAS_TRY(nas_eval_pause(eval, path));
    made.size_bytes = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
    return nas_study_put_checkpoint(study, &made);
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

typedef enum use {
    WAITING, /* nobody goes on with it yet */
    IN_USE,  /* somebody is at it */
    USED_UP, /* the longer training has ended */
} use;

static use use_of(const nas_study *study, int index)
{
    use found = WAITING;
    for (int i = index + 1; i < nas_study_count(study); i++) {
        const nas_trial *line = nas_study_trial(study, i);
        if (!goes_on_with(study, line, index))
            continue;
        if (!nas_trial_final(line))
            return IN_USE;
        found = USED_UP;
    }
    return found;
}

static nas_status drop(nas_study *study, const nas_checkpoint *checkpoint)
{
    char path[NAS_PATH_SIZE];
    NAS_TRY(nas_study_drop_checkpoint(study, checkpoint->path));
    NAS_TRY(nas__study_file(study, checkpoint->path, path, sizeof path));
    unlink(path);
    return NAS_OK;
}

/* Leaves in the list what waits; what is used up goes. */
static nas_status drop_used(nas_study *study, nas_checkpoint *list, int *count)
{
    int left = 0;
    for (int i = 0; i < *count; i++) {
        const nas_trial *trial = nas_study_trial(study, list[i].trial);
        if (strcmp(list[i].kind, kind) != 0 || !trial || !nas_trial_final(trial))
            continue; /* of an open trial: it will write it again */
        use found = use_of(study, list[i].trial);
        if (found == WAITING)
            list[left++] = list[i];
        else if (found == USED_UP)
            NAS_TRY(drop(study, &list[i]));
    }
    *count = left;
    return NAS_OK;
}

nas_status nas__paused_prune(nas_study *study, const nas_config *config)
{
    nas_checkpoint *list = NULL;
    int count = 0;
    NAS_TRY(nas_study_checkpoints(study, &list, &count));
    nas_status status = drop_used(study, list, &count);
    for (int i = 0; i < count && status == NAS_OK; i++) {
        double budget = nas_study_trial(study, list[i].trial)->budget;
        if (better_ones(study, list, count, &list[i], budget) >= config->budget.keep_paused)
            status = drop(study, &list[i]);
    }
    free(list);
    return status;
}
