/* checkpoints.c - the weights of the best k trials lie beside the study, and those that others may start from; the rest go.
 *
 * A trial's place among the results only ever gets worse, so what is not worth keeping when it ends never is.  Which weights
 * may still be wanted the strategy says (nas_search_wants_weights); those of trials that somebody is starting from right now
 * stay too.  Two workers may answer differently for a moment: then a file goes too early and is made again (origin.c), or too
 * late and goes when the search has ended.  Order of the steps: the file is durable, then recorded, then the trial is committed; and the other way round when it goes.
 * A kill in between leaves a file that the repeated trial writes again, with the same bits.  The study records names
 * within STUDY.d, so that both may be moved together. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

nas_status nas__study_file(const nas_study *study, const char *name, char *path, size_t size)
{
    char folder[NAS_PATH_SIZE];
    int length = snprintf(folder, sizeof folder, "%s.d", nas_study_path(study));
    if (length >= (int)sizeof folder)
        NAS_FAIL(NAS_STORE, "%s: the path is too long", nas_study_path(study));
    NAS_TRY(nas_folder_make(folder, 0777));
    length = snprintf(path, size, "%s/%s", folder, name);
    if (length >= (int)size)
        NAS_FAIL(NAS_STORE, "%s/%s: the path is too long", folder, name);
    return NAS_OK;
}

/* Indices of the best k of the mirror; free() them. */
static int best_k(const nas_study *study, const nas_config *config, int **best)
{
    int k = (int)config->budget.keep;
    *best = calloc((size_t)k + 1, sizeof **best);
    return *best ? nas_study_best(study, &config->objectives.item[0], k, *best) : 0;
}

bool nas__worth_keeping(const nas_study *study, const nas_config *config, const nas_search *search,
                        const nas_trial *result)
{
    const nas_objective *objective = &config->objectives.item[0];
    double score = nas_objective_score(objective, result);
    int *best, k = (int)config->budget.keep;
    int count = best_k(study, config, &best);
    bool worth = isfinite(score) && /* else nothing was trained */
                 ((k > 0 && count < k) || nas_search_wants_weights(search, result->index));
    for (int i = 0; i < count && isfinite(score) && !worth; i++) {
        double other = nas_objective_score(objective, nas_study_trial(study, best[i]));
        worth = score > other || (score == other && result->index < best[i]);
    }
    free(best);
    return worth;
}

nas_status nas__weights_path(const nas_study *study, int trial, char *path, size_t size)
{
    char name[64];
    snprintf(name, sizeof name, "trial-%d.safetensors", trial);
    return nas__study_file(study, name, path, size);
}

nas_status nas__keep(nas_study *study, const nas_config *config, nas_eval *eval,
                     const nas_trial *result)
{
    char path[NAS_TEXT_SIZE];
    struct stat about;
    nas_checkpoint checkpoint = {.trial = result->index, .kind = "weights"};
    if (!nas_eval_kind(eval)->keep)
        return NAS_OK;
    NAS_TRY(nas__weights_path(study, result->index, path, sizeof path));
    NAS_TRY(nas_eval_keep(eval, path));
    snprintf(checkpoint.path, sizeof checkpoint.path, "%s", strrchr(path, '/') + 1);
    checkpoint.score = nas_objective_score(&config->objectives.item[0], result);
    checkpoint.size_bytes = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
    return nas_study_put_checkpoint(study, &checkpoint);
}

static bool among(const int *indices, int count, int index)
{
    for (int i = 0; i < count; i++)
        if (indices[i] == index)
            return true;
    return false;
}

/* Is a trial at work that starts from this one? */
static bool in_use(const nas_study *study, int trial)
{
    int left = nas_study_open_count(study);
    for (int i = nas_study_count(study) - 1; i >= 0 && left > 0; i--) {
        const nas_trial *line = nas_study_trial(study, i);
        left -= !nas_trial_final(line);
        if (!nas_trial_final(line) && line->from == trial)
            return true;
    }
    return false;
}

nas_status nas__prune(nas_study *study, const nas_config *config, const nas_search *search)
{
    nas_checkpoint *list = NULL;
    int *best = NULL, count = 0;
    NAS_TRY(nas_study_checkpoints(study, &list, &count));
    int kept = best_k(study, config, &best);
    nas_status status = best ? NAS_OK : NAS_MEMORY;
    for (int i = 0; i < count && status == NAS_OK; i++) {
        const nas_trial *trial = nas_study_trial(study, list[i].trial);
        bool open = trial && !nas_trial_final(trial);
        if (strcmp(list[i].kind, "weights") != 0 || open || among(best, kept, list[i].trial) ||
            nas_search_wants_weights(search, list[i].trial) || in_use(study, list[i].trial))
            continue;
        char path[NAS_PATH_SIZE];
        status = nas_study_drop_checkpoint(study, list[i].path);
        if (status == NAS_OK)
            status = nas__study_file(study, list[i].path, path, sizeof path);
        if (status == NAS_OK)
            unlink(path);
    }
    free(best);
    free(list);
    return status;
}

/* Removes files that a kill left between a line's end and its file's. */
static nas_status sweep(nas_study *study)
{
    nas_checkpoint *list = NULL;
    int count = 0;
    NAS_TRY(nas_study_checkpoints(study, &list, &count));
    bool *recorded = calloc((size_t)nas_study_count(study) + 1, sizeof *recorded);
    nas_status status = recorded ? NAS_OK : NAS_MEMORY;
    for (int i = 0; recorded && i < count; i++)
        if (list[i].trial >= 0 && list[i].trial < nas_study_count(study))
            recorded[list[i].trial] = true;
    for (int i = 0; status == NAS_OK && i < nas_study_count(study); i++) {
        char path[NAS_PATH_SIZE];
        status = recorded[i] ? NAS_OK : nas__weights_path(study, i, path, sizeof path);
        if (status == NAS_OK && !recorded[i])
            unlink(path);
    }
    free(recorded);
    free(list);
    return status;
}

nas_status nas__prune_ended(nas_study *study, const nas_config *config)
{
    const nas_value *type = nas_value_member(&config->strategy, "type");
    const nas_strategy *strategy;
    nas__bench bench;
    nas_search *search = NULL;
    if (nas_study_open_count(study) == 0) /* others may be at work: theirs is the last look */
        NAS_TRY(sweep(study));
    NAS_TRY(nas_strategy_get(type ? type->text : "", &strategy));
    if (!strategy->wants_weights)
        return nas__prune(study, config, NULL);
    NAS_TRY(nas__bench_open(study, &bench));
    nas_status status = nas__search_open(&bench, &search);
    if (status == NAS_OK)
        status = nas_search_observe(search);
    if (status == NAS_OK)
        status = nas__prune(study, config, search);
    nas_search_destroy(search);
    nas__bench_close(&bench);
    return status;
}
