/* claim.c - how any number of processes work on one log without a master.
 *
 * Idea: optimistic, as everything that decides is a pure function of the log.  A worker reads the log, derives the next
 * proposal, and claims that index; if somebody was faster the index is taken, and the worker derives the next one.  The
 * proposal is stored in the claim, so a trial whose worker died is repeated, never proposed again.
 *
 * Fencing (Kleppmann, "How to do distributed locking", 2016): a claim carries a token that grows with each claim.  A
 * worker that was thought dead and comes back has an old token, and its commit is discarded.  The token is the revision
 * of the claim, so it needs no counter of its own.
 *
 * Each function is one writing transaction: sync, look, put, end.  The mirror takes the line in only after it is durable. */
#include "study.h"

#include <stdio.h>
#include <string.h>

/* A writing transaction with a mirror that is up to date. */
static nas_status begin_synced(nas_study *study)
{
    NAS_TRY(nas__study_writable(study));
    NAS_TRY(study->store->begin(study->handle, true));
    nas_status status = nas__study_pull(study);
    if (status != NAS_OK)
        study->store->end(study->handle, false);
    return status;
}

/* Puts one line, ends the transaction and shows the line to the mirror. */
static nas_status put_and_end(nas_study *study, nas_trial *line)
{
    line->revision = study->revision + 1;
    nas_status status = study->store->put_trial(study->handle, line);
    if (status != NAS_OK) {
        study->store->end(study->handle, false);
        return status;
    }
    NAS_TRY(study->store->end(study->handle, true));
    return nas__study_apply(study, line);
}

/* The owner of a claim that is taken now; attempts count from here. */
static void take(nas_study *study, nas_trial *line, const nas_owner *owner, const char *device,
                 nas_claim *claim)
{
    line->status = NAS_TRIAL_RUNNING;
    line->token = study->revision + 1;
    line->attempts++;
    line->owner = *owner;
    snprintf(line->device, sizeof line->device, "%s", device ? device : "");
    line->started_ms = line->heartbeat_ms = nas_time_ms();
    line->progress = 0;
    *claim = (nas_claim){line->index, line->token, line->attempts};
}

/* A line that is the proposal; its texts are lent. */
static nas_trial line_of(const nas_trial *proposal, int index)
{
    nas_trial line;
    nas_trial_init(&line);
    line.index = index;
    line.arch = proposal->arch; /* lent for the call: `line` is not cleared */
    line.note = proposal->note;
    line.budget = proposal->budget;
    line.parent = proposal->parent;
    line.from = proposal->from;
    line.seen = proposal->seen;
    line.created_ms = nas_time_ms();
    return line;
}

nas_status nas_study_enqueue(nas_study *study, const nas_trial *proposal, int *index)
{
    NAS_TRY(begin_synced(study));
    nas_trial line = line_of(proposal, study->count);
    line.seen = study->revision;
    line.status = NAS_TRIAL_QUEUED;
    NAS_TRY(put_and_end(study, &line));
    *index = line.index;
    return NAS_OK;
}

nas_status nas_study_claim(nas_study *study, int index, const nas_trial *proposal,
                           const nas_owner *owner, nas_claim *claim, bool *taken)
{
    NAS_TRY(begin_synced(study));
    *taken = index != study->count;
    if (*taken)
        return study->store->end(study->handle, false);
    nas_trial line = line_of(proposal, index);
    nas_claim made = {index, 0, 0};
    if (proposal->status == NAS_TRIAL_ALIAS) {
        line.status = NAS_TRIAL_ALIAS;
        line.alias = proposal->alias;
        line.started_ms = line.ended_ms = line.created_ms;
    } else {
        take(study, &line, owner, proposal->device, &made);
    }
    NAS_TRY(put_and_end(study, &line));
    *claim = made;
    return NAS_OK;
}

/* ---- trials that lost their worker ------------------------------------------------------------------------------- */

static bool is_lost(const nas_study *study, const nas_trial *trial)
{
    if (trial->status == NAS_TRIAL_QUEUED)
        return true;
    nas_owner_state owner = nas_owner_look(&trial->owner);
    if (owner != NAS_OWNER_UNKNOWN)
        return owner == NAS_OWNER_DEAD; /* the clock may jump; a living process is no dead one */
    int64_t own_ms = nas__owner_lease_ms(&trial->owner);
    return nas_time_ms() - trial->heartbeat_ms > (own_ms > 0 ? own_ms : study->lease_ms);
}

static int first_lost(const nas_study *study)
{
    bool avoids = study->avoided >= 0 && nas_time_ms() < study->avoided_until_ms;
    for (int i = 0; i < study->open_count; i++)
        if (!(avoids && study->open[i] == study->avoided) &&
            is_lost(study, study->trials[study->open[i]]))
            return study->open[i];
    return -1;
}

static nas_status used_up(const nas_trial *trial)
{
    NAS_FAIL(NAS_DEVICE,
             "trial %d was lost %d times, so the search stops here; the last reason: %s",
             trial->index, trial->attempts,
             trial->reason[0] ? trial->reason : "its worker process ended without a word");
}

static void say_lost(nas_trial *line)
{
    int64_t lease_ms = nas__owner_lease_ms(&line->owner);
    if (lease_ms > 0)
        nas_format(line->reason, sizeof line->reason, "nobody told its result within %.4g s",
                   (double)lease_ms / 1000);
    else
        snprintf(line->reason, sizeof line->reason,
                 "the worker process %lld on %s ended before it committed",
                 (long long)line->owner.pid, line->device);
}

/* Inside a writing transaction, which it ends. */
static nas_status take_over(nas_study *study, int index, const nas_owner *owner, const char *device,
                            nas_claim *claim, bool *found)
{
    nas_trial line;
    nas_trial_init(&line);
    nas_status status = study->store->get_trial(study->handle, index, &line, found);
    bool lost = status == NAS_OK && *found && !nas_trial_final(&line) && is_lost(study, &line);
    if (!lost || line.attempts >= study->attempts) {
        study->store->end(study->handle, false);
        if (lost)
            status = used_up(&line);
        nas_trial_clear(&line);
        *found = false;
        return status;
    }
    if (line.status == NAS_TRIAL_RUNNING)
        say_lost(&line);
    nas_claim made;
    take(study, &line, owner, device, &made);
    status = put_and_end(study, &line);
    nas_trial_clear(&line);
    if (status == NAS_OK)
        *claim = made;
    return status;
}

nas_status nas_study_reclaim(nas_study *study, const nas_owner *owner, const char *device,
                             nas_claim *claim, bool *found)
{
    *found = false;
    NAS_TRY(nas__study_writable(study));
    NAS_TRY(nas_study_sync(study));
    if (first_lost(study) < 0) /* the usual case takes no lock */
        return NAS_OK;
    NAS_TRY(begin_synced(study));
    int index = first_lost(study);
    if (index < 0)
        return study->store->end(study->handle, false);
    return take_over(study, index, owner, device, claim, found);
}

/* ---- working on a claim -------------------------------------------------------------------------------------------- */

/* Inside a writing transaction: the line, if the claim still holds; else the transaction is over. */
static nas_status held_line(nas_study *study, const nas_claim *claim, nas_trial *line, bool *held)
{
    bool found = false;
    nas_status status = study->store->get_trial(study->handle, claim->index, line, &found);
    *held = status == NAS_OK && found && line->status == NAS_TRIAL_RUNNING &&
            line->token == claim->token;
    if (*held)
        return NAS_OK;
    if (status == NAS_OK && found)
        nas_trial_clear(line);
    study->store->end(study->handle, false);
    return status;
}

nas_status nas_study_heartbeat(nas_study *study, const nas_claim *claim, double progress,
                               bool *held)
{
    nas_trial line;
    NAS_TRY(nas__study_writable(study));
    NAS_TRY(study->store->begin(study->handle, true));
    NAS_TRY(held_line(study, claim, &line, held));
    if (!*held)
        return NAS_OK;
    nas_trial_clear(&line);
    nas_status status =
        study->store->put_heartbeat(study->handle, claim->index, nas_time_ms(), progress);
    if (status == NAS_OK)
        return study->store->end(study->handle, true);
    study->store->end(study->handle, false);
    return status;
}

/* A line that is the claimed one with the result in it; both are lent, nothing is to be cleared. */
static nas_trial with_result(const nas_trial *line, const nas_trial *result)
{
    nas_trial merged = *line;
    merged.status = result->status;
    merged.metric_count = result->metric_count;
    merged.metrics = result->metrics;
    merged.curve_count = result->curve_count;
    memcpy(merged.curves, result->curves, sizeof merged.curves);
    merged.derived = result->derived;
    memcpy(merged.reason, result->reason, sizeof merged.reason);
    if (result->device[0])
        memcpy(merged.device, result->device, sizeof merged.device);
    merged.seconds = result->seconds;
    merged.ended_ms = nas_time_ms();
    merged.progress = 1;
    return merged;
}

nas_status nas_study_commit(nas_study *study, const nas_claim *claim, const nas_trial *result,
                            bool *accepted)
{
    nas_trial line;
    if (result->status != NAS_TRIAL_COMPLETE && result->status != NAS_TRIAL_FAILED)
        NAS_FAIL(NAS_FAILED, "trial %d: a result is complete or failed, not %s", claim->index,
                 nas_trial_status_name(result->status));
    *accepted = false;
    NAS_TRY(begin_synced(study));
    NAS_TRY(held_line(study, claim, &line, accepted));
    if (!*accepted)
        return NAS_OK;
    nas_trial merged = with_result(&line, result);
    nas_status status = put_and_end(study, &merged);
    nas_trial_clear(&line);
    *accepted = status == NAS_OK;
    return status;
}

nas_status nas_study_release(nas_study *study, const nas_claim *claim, const char *reason,
                             bool counts)
{
    nas_trial line;
    bool held;
    NAS_TRY(begin_synced(study));
    NAS_TRY(held_line(study, claim, &line, &held));
    if (!held)
        return NAS_OK;
    line.status = NAS_TRIAL_QUEUED;
    line.attempts -= counts ? 0 : 1;
    line.progress = 0;
    snprintf(line.reason, sizeof line.reason, "%s", reason ? reason : "");
    nas_status status = put_and_end(study, &line);
    nas_trial_clear(&line);
    return status;
}

nas_status nas_study_reset_attempts(nas_study *study)
{
    NAS_TRY(nas_study_sync(study));
    for (int i = 0; i < study->open_count; i++) {
        nas_trial line;
        bool found;
        NAS_TRY(begin_synced(study));
        nas_status status = study->store->get_trial(study->handle, study->open[i], &line, &found);
        if (status != NAS_OK || !found) {
            study->store->end(study->handle, false);
            return status;
        }
        if (nas_trial_final(&line) || line.attempts == 0 || !is_lost(study, &line)) {
            study->store->end(study->handle, false);
        } else {
            line.attempts = 0;
            line.status = NAS_TRIAL_QUEUED;
            status = put_and_end(study, &line);
        }
        nas_trial_clear(&line);
        NAS_TRY(status);
    }
    return NAS_OK;
}
