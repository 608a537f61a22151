/* origin.c - the weights that a trial starts from (nas_trial.from): the file, or the same weights made again.
 *
 * A file may be gone: it was pruned too early, deleted, or left behind when the study moved.  Its training follows from the log
 * (architecture, budget, seed, and whose weights it began with itself), so it is repeated, and gives the same bits on a device of
 * the same kind.  So what a trial computes never depends on which files are there; only time does.  Where the ancestors' files
 * are gone as well, the line goes up to the last one that is there, or that started from nothing, and comes down again.
 *
 * On another kind of device the numbers differ in the last digits, as everywhere; a warning says so.
 * Read next: checkpoints.c, which files stay. */
#include "session_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NAS_STORE when the log cannot be: every trial is younger than the one it starts from. */
static nas_status find_line(const nas_study *study, int index, const nas_trial **line)
{
    *line = nas_study_trial(study, index);
    if (!*line || (*line)->status != NAS_TRIAL_COMPLETE || (*line)->from >= index ||
        (*line)->budget == 0)
        NAS_FAIL(NAS_STORE, "%s: a trial starts from the weights of trial %d, which has none",
                 nas_study_path(study), index);
    return NAS_OK;
}

static nas_status is_there(const char *path, bool *there)
{
    *there = access(path, R_OK) == 0;
    if (!*there && errno != ENOENT)
        NAS_FAIL(NAS_STORE, "%s: cannot be read: %s", path, strerror(errno));
    return NAS_OK;
}

static void compare(const nas__origin *origin, const nas_trial *line, const nas_trial *result)
{
    for (int i = 0; i < line->metric_count; i++) {
        const nas_metric *was = &line->metrics[i];
        double is = nas_trial_metric(result, was->name);
        if (was->measured || is == was->value)
            continue;
        nas_log(
            NAS_LOG_WARNING,
            "trial %d was made again on %s with %s = %g, and has %g in the log: another kind of "
            "device trained it",
            line->index, origin->bench->device_name, was->name, is, was->value);
        return;
    }
}

/* Trains a trial of the log once more and keeps its weights; those that it starts from are there. */
static nas_status make_again(const nas__origin *origin, const nas_trial *line)
{
    nas_study *study = origin->bench->study;
    char from[NAS_PATH_SIZE];
    nas_trial result;
    nas_arch arch;
    nas_eval_call call = {
        .arch = &arch, .budget = line->budget, .callback = origin->callback, .user = origin->user};
    NAS_TRY(nas_domain_read(origin->bench->domain, line->arch, &arch));
    if (line->from >= 0) {
        NAS_TRY(nas__checkpoint_path(study, NAS__WEIGHTS, line->from, from, sizeof from));
        call.from = from;
    }
    nas_log(NAS_LOG_INFO, "trial %d: its weights are gone and are made again", line->index);
    nas_trial_init(&result);
    result.index = line->index;
    nas_status status = nas_eval_score(origin->eval, &call, &result);
    if (status == NAS_OK && result.status != NAS_TRIAL_COMPLETE)
        status = nas_error_set(NAS_DEVICE, __FILE__, __LINE__,
                               "trial %d is complete in the log and failed when it was made again: "
                               "%s",
                               line->index, result.reason);
    if (status == NAS_OK)
        status = nas__checkpoint_save(study, &origin->bench->config, origin->eval, NAS__WEIGHTS,
                                      &result);
    if (status == NAS_OK)
        compare(origin, line, &result);
    nas_trial_clear(&result);
    return status;
}

nas_status nas__origin_find(const nas__origin *origin, int from, char *path, size_t size)
{
    const nas_study *study = origin->bench->study;
    bool there = false;
    while (!there) { /* each round makes the oldest missing one */
        const nas_trial *line, *missing = NULL;
        for (int at = from; at >= 0; at = line->from) {
            NAS_TRY(find_line(study, at, &line));
            NAS_TRY(nas__checkpoint_path(study, NAS__WEIGHTS, at, path, size));
            NAS_TRY(is_there(path, &there));
            if (there)
                break;
            missing = line;
        }
        there = !missing;
        if (missing)
            NAS_TRY(make_again(origin, missing));
    }
    return nas__checkpoint_path(study, NAS__WEIGHTS, from, path, size);
}
