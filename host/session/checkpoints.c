/* checkpoints.c - the files that trials leave beside the study: weights, and trainings that may go on.
 *
 * Two kinds, kept and dropped by one rule each:
 *
 *   weights   of the best `keep` trials, and of those that others may start from, by the strategy's word
 *             (nas_search_wants_weights)
 *   paused    whole states of trainings (weights, moments, step) shorter than train.epochs, of each budget the best
 *             `keep_paused`, until they have gone on.  Halving, Hyperband, ASHA and BOHB promote the best of many short
 *             trainings to longer ones; a short training is the beginning of the long one (trained.c), so that trial goes on
 *             from the file
 *
 * A third kind is no result's: the draft of an epoch of a supernet that runs, which its next attempt goes on from.  It is not
 * recorded, and gone when the trial has ended.
 *
 * What an open trial starts from or goes on with stays in any case.  A trial of 0 epochs trains nothing and leaves nothing.
 *
 * Nothing but time hangs on these files: weights that are gone are made again (origin.c), a promotion without its file trains
 * from the start, both to the same bits.  So what is kept may be bounded, and neither a kill nor another worker's different view
 * for a moment can change a result.  A trial's place among the results only ever gets worse, so what is not worth keeping
 * when it ends never is.
 *
 * Order of the steps: the file is durable, then recorded, then the trial is committed; and the other way round when it goes.
 * A kill in between leaves a file that the repeated trial writes again, with the same bits, or that the end's sweep takes.
 * The study records names within STUDY.d, so that both may be moved together. */
#include "session_private.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct kind {
    const char *name, *ending;
    nas_status (*save)(nas_eval *eval, const char *path);
} kind;

static const kind kinds[] = {
    [NAS__WEIGHTS] = {"weights", "safetensors", nas_eval_keep},
    [NAS__PAUSED] = {"paused", "paused", nas_eval_pause},
    [NAS__DRAFT] = {"draft", "draft", NULL},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- names ------------------------------------------------------------------------------------------------------- */

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

static void name_of(nas__checkpoint_kind which, int trial, char *name, size_t size)
{
    snprintf(name, size, "trial-%d.%s", trial, kinds[which].ending);
}

nas_status nas__checkpoint_path(const nas_study *study, nas__checkpoint_kind which, int trial,
                                char *path, size_t size)
{
    char name[64];
    name_of(which, trial, name, sizeof name);
    return nas__study_file(study, name, path, size);
}

static bool is_of(const nas_checkpoint *checkpoint, nas__checkpoint_kind which)
{
    return strcmp(checkpoint->kind, kinds[which].name) == 0;
}

/* ---- a training that goes on -------------------------------------------------------------------------------------- */

/* The shorter training that `line` is the rest of; NULL: none. */
static const nas_trial *begun_by(const nas_study *study, const nas_trial *line)
{
    const nas_trial *parent = line->parent >= 0 ? nas_study_result(study, line->parent) : NULL;
    bool same = parent && line->budget > parent->budget && line->from == parent->from &&
                strcmp(line->arch, parent->arch) == 0;
    return same ? parent : NULL;
}

nas_status nas__paused_find(const nas_study *study, int trial, char *path, size_t size,
                            const nas_trial **begun)
{
    const nas_trial *parent = begun_by(study, nas_study_trial(study, trial));
    *begun = NULL;
    if (!parent)
        return NAS_OK;
    NAS_TRY(nas__checkpoint_path(study, NAS__PAUSED, parent->index, path, size));
    if (access(path, R_OK) == 0)
        *begun = parent;
    return NAS_OK;
}

/* ---- what there is, and what is done with it ------------------------------------------------------------------------ */

typedef struct use {
    bool held; /* an open trial starts from it or goes on with it */
    bool done; /* a training has gone on with it to its end */
} use;

typedef struct shelf {
    const nas_study *study;
    nas_checkpoint *list;
    use *uses;
    int count;
} shelf;

static void mark(shelf *s, nas__checkpoint_kind which, int trial, bool open)
{
    for (int i = 0; i < s->count; i++)
        if (s->list[i].trial == trial && is_of(&s->list[i], which)) {
            s->uses[i].held |= open;
            s->uses[i].done |= !open;
        }
}

static void mark_uses(shelf *s)
{
    for (int i = 0; i < nas_study_count(s->study); i++) {
        const nas_trial *line = nas_study_trial(s->study, i);
        const nas_trial *begun = begun_by(s->study, line);
        bool open = !nas_trial_final(line);
        if (begun)
            mark(s, NAS__PAUSED, begun->index, open);
        if (open && line->from >= 0)
            mark(s, NAS__WEIGHTS, line->from, open);
    }
}

static void shelf_close(shelf *s)
{
    free(s->list);
    free(s->uses);
}

static nas_status shelf_open(nas_study *study, shelf *s)
{
    *s = (shelf){.study = study};
    NAS_TRY(nas_study_checkpoints(study, &s->list, &s->count));
    if (s->count == 0)
        return NAS_OK;
    s->uses = calloc((size_t)s->count, sizeof *s->uses);
    if (!s->uses) {
        shelf_close(s);
        NAS_FAIL(NAS_MEMORY, "no memory for %d checkpoints", s->count);
    }
    mark_uses(s);
    return NAS_OK;
}

/* Paused trainings of this budget that wait to go on and come before (score, trial). */
static int waiting_before(const shelf *s, double budget, double score, int index)
{
    int before = 0;
    for (int i = 0; i < s->count; i++) {
        const nas_checkpoint *one = &s->list[i];
        const nas_trial *trial = nas_study_trial(s->study, one->trial);
        if (!is_of(one, NAS__PAUSED) || !trial || trial->budget != budget || s->uses[i].held ||
            s->uses[i].done)
            continue;
        before += one->score > score || (one->score == score && one->trial < index);
    }
    return before;
}

/* ---- keeping ------------------------------------------------------------------------------------------------------ */

nas_status nas__checkpoint_save(nas_study *study, const nas_config *config, nas_eval *eval,
                                nas__checkpoint_kind which, const nas_trial *result)
{
    char path[NAS_PATH_SIZE];
    struct stat about;
    nas_checkpoint made = {.trial = result->index,
                           .score = nas_objective_score(&config->objectives.item[0], result)};
    snprintf(made.kind, sizeof made.kind, "%s", kinds[which].name);
    name_of(which, result->index, made.path, sizeof made.path);
    NAS_TRY(nas__study_file(study, made.path, path, sizeof path));
    NAS_TRY(kinds[which].save(eval, path));
    made.size_bytes = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
    return nas_study_put_checkpoint(study, &made);
}

enum { BEST_MAX = 64 }; /* of budget.keep */

static int find_best(const nas_study *study, const nas_config *config, int best[BEST_MAX])
{
    int k = config->budget.keep < BEST_MAX ? (int)config->budget.keep : BEST_MAX;
    return nas_study_best(study, &config->objectives.item[0], k, best);
}

static bool weights_are_worth_it(const nas_study *study, const nas_config *config,
                                 const nas_search *search, const nas_trial *result)
{
    const nas_objective *objective = &config->objectives.item[0];
    double score = nas_objective_score(objective, result);
    int best[BEST_MAX], count = find_best(study, config, best), before = 0;
    for (int i = 0; i < count; i++) {
        double other = nas_objective_score(objective, nas_study_trial(study, best[i]));
        before += other > score || (other == score && best[i] < result->index);
    }
    return (isfinite(score) && before < config->budget.keep) ||
           nas_search_wants_weights(search, result->index);
}

static nas_status pause_is_worth_it(nas_study *study, const nas_config *config, double budget,
                                    const nas_trial *result, bool *worth)
{
    const nas_value *epochs = nas_value_member(&config->train, "epochs");
    double score = nas_objective_score(&config->objectives.item[0], result);
    shelf s;
    *worth = false;
    if (!epochs || budget >= (double)epochs->integer)
        return NAS_OK;
    NAS_TRY(shelf_open(study, &s));
    *worth = waiting_before(&s, budget, score, result->index) < config->budget.keep_paused;
    shelf_close(&s);
    return NAS_OK;
}

nas_status nas__checkpoints_keep(nas_study *study, const nas_config *config,
                                 const nas_search *search, nas_eval *eval, const nas_trial *result)
{
    const nas_evaluator *evaluator = nas_eval_kind(eval);
    double budget = nas_study_trial(study, result->index)->budget;
    bool paused = false;
    if (result->status != NAS_TRIAL_COMPLETE || budget == 0)
        return NAS_OK;
    if (evaluator->keep && weights_are_worth_it(study, config, search, result))
        NAS_TRY(nas__checkpoint_save(study, config, eval, NAS__WEIGHTS, result));
    if (evaluator->pause)
        NAS_TRY(pause_is_worth_it(study, config, budget, result, &paused));
    return paused ? nas__checkpoint_save(study, config, eval, NAS__PAUSED, result) : NAS_OK;
}

/* ---- dropping ----------------------------------------------------------------------------------------------------- */

static bool among(const int *indices, int count, int index)
{
    for (int i = 0; i < count; i++)
        if (indices[i] == index)
            return true;
    return false;
}

static nas_status drop(nas_study *study, const nas_checkpoint *checkpoint)
{
    char path[NAS_PATH_SIZE];
    NAS_TRY(nas_study_drop_checkpoint(study, checkpoint->path));
    NAS_TRY(nas__study_file(study, checkpoint->path, path, sizeof path));
    unlink(path);
    return NAS_OK;
}

/* Only trials that the mirror shows as final are judged: others are somebody's at this moment. */
static bool pause_stays(const shelf *s, int at, const nas_config *config)
{
    const nas_checkpoint *one = &s->list[at];
    const nas_trial *trial = nas_study_trial(s->study, one->trial);
    if (!trial || !nas_trial_final(trial) || s->uses[at].held)
        return true;
    return !s->uses[at].done &&
           waiting_before(s, trial->budget, one->score, one->trial) < config->budget.keep_paused;
}

static bool weights_stay(const shelf *s, int at, const int *best, int best_count,
                         const nas_search *search)
{
    int index = s->list[at].trial;
    const nas_trial *trial = nas_study_trial(s->study, index);
    return !trial || !nas_trial_final(trial) || s->uses[at].held ||
           among(best, best_count, index) || nas_search_wants_weights(search, index);
}

nas_status nas__checkpoints_prune(nas_study *study, const nas_config *config,
                                  const nas_search *search)
{
    shelf s;
    NAS_TRY(shelf_open(study, &s));
    int best[BEST_MAX], best_count = s.count ? find_best(study, config, best) : 0;
    nas_status status = NAS_OK;
    for (int i = 0; i < s.count && status == NAS_OK; i++) {
        bool stays = is_of(&s.list[i], NAS__PAUSED) ? pause_stays(&s, i, config)
                                                    : weights_stay(&s, i, best, best_count, search);
        if (!stays)
            status = drop(study, &s.list[i]);
    }
    shelf_close(&s);
    return status;
}

static bool is_recorded(const nas_checkpoint *list, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].path, name) == 0)
            return true;
    return false;
}

/* Is it the name of a trial's file, of whatever kind? */
static bool is_checkpoint(const char *file)
{
    char name[64];
    int trial;
    if (sscanf(file, "trial-%d.", &trial) != 1)
        return false;
    for (int k = 0; k < KINDS; k++) {
        name_of((nas__checkpoint_kind)k, trial, name, sizeof name);
        if (strcmp(name, file) == 0)
            return true;
    }
    return false;
}

/* Removes files that a kill left between a line's end and its file's. */
static nas_status sweep(nas_study *study)
{
    char path[NAS_PATH_SIZE];
    nas_checkpoint *list = NULL;
    int count = 0;
    NAS_TRY(nas__study_file(study, "", path, sizeof path));
    NAS_TRY(nas_study_checkpoints(study, &list, &count));
    DIR *folder = opendir(path);
    if (!folder) {
        free(list);
        NAS_FAIL(NAS_STORE, "%s: cannot be read: %s", path, strerror(errno));
    }
    for (const struct dirent *file = readdir(folder); file; file = readdir(folder))
        if (is_checkpoint(file->d_name) && !is_recorded(list, count, file->d_name))
            unlinkat(dirfd(folder), file->d_name, 0);
    closedir(folder);
    free(list);
    return NAS_OK;
}

nas_status nas__checkpoints_prune_ended(nas_study *study, const nas_config *config)
{
    const nas_value *type = nas_value_member(&config->strategy, "type");
    const nas_strategy *strategy;
    nas__bench bench;
    nas_search *search = NULL;
    if (nas_study_open_count(study) == 0) /* others may be at work: theirs is the last look */
        NAS_TRY(sweep(study));
    NAS_TRY(nas_strategy_get(type ? type->text : "", &strategy));
    if (!strategy->wants_weights)
        return nas__checkpoints_prune(study, config, NULL);
    NAS_TRY(nas__bench_open(study, &bench));
    nas_status status = nas__search_open(&bench, &search);
    if (status == NAS_OK)
        status = nas_search_observe(search);
    if (status == NAS_OK)
        status = nas__checkpoints_prune(study, config, search);
    nas_search_destroy(search);
    nas__bench_close(&bench);
    return status;
}
