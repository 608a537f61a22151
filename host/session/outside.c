/* outside.c - trainers that clnas knows nothing of: ask for a trial, tell what came of it, enqueue one.
 *
 * Idea: the loop of a worker (worker.c) cut open between "take the next trial" and "commit", with the study file in between.
 * Who asks gets a claim like a worker's: index and fencing token.  There is no process to watch, so the claim has a
 * lease of its own, or the process that asks for it names another one that lives longer (a shell's $$).  What goes around a
 * training stays here: costs, bounds on them, and what makes a result a failed one (eval.c).
 *
 * An enqueued architecture is a proposal in the log that no strategy made: a queued line, which the next worker or asker
 * takes first.  Strategies see its result as they see that of a given one.
 *
 * Read next: next.c, host/study/claim.c. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The study and what it needs, opened. */
typedef struct desk {
    nas_study *study;
    nas__bench bench;
} desk;

static void desk_close(desk *d)
{
    if (d->bench.study)
        nas__bench_close(&d->bench);
    nas_study_close(d->study);
}

static nas_status desk_open(const char *path, const nas_ask_options *options, desk *d)
{
    *d = (desk){0};
    NAS_TRY(nas__study_of(path, options ? options->overrides : NULL,
                          options ? options->override_count : 0, &d->study));
    nas_status status = nas__bench_open(d->study, &d->bench);
    if (status != NAS_OK)
        desk_close(d);
    return status;
}

/* Epochs of a supernet are nothing that somebody else could train, and nothing stands between them. */
static nas_status refuse_one_shot(const desk *d)
{
    const nas_value *type = nas_value_member(&d->bench.config.strategy, "type");
    const nas_strategy *strategy;
    NAS_TRY(nas_strategy_get(type ? type->text : "", &strategy));
    if (strategy->evaluator)
        NAS_FAIL(
            NAS_CONFIG,
            "%s: the trials of strategy %s are epochs of one supernet, which `clnas search` and "
            "`clnas resume` train",
            nas_study_path(d->study), strategy->kind.name);
    return NAS_OK;
}

static const nas_domain *domain_of(const desk *d)
{
    return d->bench.domain;
}

/* ---- ask --------------------------------------------------------------------------------------------------------- */

void nas_asked_clear(nas_asked *asked)
{
    nas_text_clear(&asked->arch);
    nas_text_clear(&asked->network);
    nas_text_clear(&asked->graph);
}

static nas_status find_owner(const nas_ask_options *options, nas_owner *owner)
{
    if (options->pid > 0)
        return nas_owner_process(options->pid, owner);
    if (!(options->lease_s >= 0 && options->lease_s <= 1e9))
        NAS_FAIL(NAS_CONFIG, "a lease of %.6g s; 0 to 1e9 are possible", options->lease_s);
    nas_owner_outside((int64_t)(options->lease_s * 1000), owner);
    return NAS_OK;
}

static uint32_t seed_of(const desk *d, const nas_arch *arch)
{
    uint64_t key = nas_eval_key(arch, 0);
    return (uint32_t)(nas_hash(&key, sizeof key, (uint64_t)d->bench.config.seed) & 0x7fffffff);
}

/* Fills `asked` from a job that the bounds let through. */
static nas_status hand_out(const desk *d, const nas_job *job, const nas_graph *graph,
                           nas_asked *asked)
{
    nas_asked made = *asked;
    made.claim = job->claim;
    made.budget = job->budget;
    made.parent = job->parent;
    made.from = job->from;
    made.seed = seed_of(d, &job->arch);
    made.objectives = d->bench.config.objectives;
    nas_domain_write(domain_of(d), &job->arch, &made.arch);
    nas_domain_describe(domain_of(d), &job->arch, &made.network);
    nas_graph_write(graph, &made.graph);
    nas_status status = nas_text_check(&made.arch);
    status = status == NAS_OK ? nas_text_check(&made.network) : status;
    status = status == NAS_OK ? nas_text_check(&made.graph) : status;
    if (status == NAS_OK)
        *asked = made;
    else
        nas_asked_clear(&made);
    return status;
}

/* What the bounds reject is a result already; `*out` when there is something to train. */
static nas_status offer(const desk *d, const nas_job *job, nas_asked *asked, bool *out)
{
    nas_graph graph = {0};
    nas_trial result;
    bool accepted;
    nas_trial_init(&result);
    result.index = job->claim.index;
    nas_status status =
        nas_eval_begin(domain_of(d), &d->bench.config.objectives, &job->arch, &graph, &result);
    *out = status == NAS_OK && result.status != NAS_TRIAL_FAILED;
    if (*out)
        status = hand_out(d, job, &graph, asked);
    else if (status == NAS_OK)
        status = nas_study_commit(d->study, &job->claim, &result, &accepted);
    if (status != NAS_OK) /* it stays for somebody else; the failure is what is reported */
        nas_study_release(d->study, &job->claim, "could not be handed out", true);
    nas_graph_clear(&graph);
    nas_trial_clear(&result);
    return status;
}

static nas_status ask(const desk *d, nas_search *search, const nas_owner *owner,
                      const nas_ask_options *options, nas_asked *asked)
{
    double begin_s = nas_now_s();
    nas__wishes wishes;
    nas__wishes_begin(&wishes, options->cancelled, options->user);
    for (int pause = 0;;) {
        nas_job job;
        bool out = false;
        NAS_TRY(nas__search_take(&d->bench, search, owner, &asked->next, &job));
        if (asked->next == NAS_NEXT_TRIAL)
            NAS_TRY(offer(d, &job, asked, &out));
        if (out || asked->next == NAS_NEXT_DONE)
            return NAS_OK;
        if (asked->next != NAS_NEXT_WAIT)
            continue;
        if (!nas__goes_on(&wishes))
            NAS_FAIL(NAS_STOPPED, "%s: %s while it waited", nas_study_path(d->study),
                     nas__wishes_who(&wishes));
        if (nas_now_s() - begin_s >= options->wait_s)
            NAS_FAIL(NAS_STOPPED,
                     "%s: no trial now, the next one needs the results of those that are being "
                     "trained; ask again later, or --wait SECONDS",
                     nas_study_path(d->study));
        nas__search_wait(&pause);
    }
}

nas_status nas_session_ask(const char *path, const nas_ask_options *options, nas_asked *asked)
{
    desk d;
    nas_owner owner;
    nas_search *search = NULL;
    nas_status status = NAS_OK;
    *asked = (nas_asked){.next = NAS_NEXT_WAIT};
    NAS_TRY(find_owner(options, &owner));
    NAS_TRY(desk_open(path, options, &d));
    snprintf(asked->study_path, sizeof asked->study_path, "%s", nas_study_path(d.study));
    snprintf(d.bench.device_name, sizeof d.bench.device_name, "%s",
             options->device ? options->device : "");
    NAS_TRY_DONE(refuse_one_shot(&d));
    NAS_TRY_DONE(nas__search_open(&d.bench, &search));
    status = ask(&d, search, &owner, options, asked);
done:
    nas_search_destroy(search);
    desk_close(&d);
    return status;
}

/* ---- tell -------------------------------------------------------------------------------------------------------- */

static nas_status no_trial(const nas_study *study, int index)
{
    if (nas_study_count(study) == 0)
        NAS_FAIL(NAS_CONFIG, "%s has no trials yet; clnas ask %s hands out the first",
                 nas_study_path(study), nas_study_path(study));
    NAS_FAIL(NAS_CONFIG, "%s has no trial %d, only 0 … %d", nas_study_path(study), index,
             nas_study_count(study) - 1);
}

/* NAS_OK when the claim holds, by the mirror. */
static nas_status check_claim(const nas_study *study, const nas_claim *claim)
{
    const nas_trial *trial = claim->index >= 0 && claim->index < nas_study_count(study)
                                 ? nas_study_trial(study, claim->index)
                                 : NULL;
    if (!trial)
        return no_trial(study, claim->index);
    if (nas_trial_final(trial))
        NAS_FAIL(NAS_FAILED,
                 "trial %d has its result already (%s), which stays; nothing was written",
                 claim->index, nas_trial_status_name(trial->status));
    if (trial->status == NAS_TRIAL_QUEUED)
        NAS_FAIL(NAS_FAILED, "trial %d was given back and waits for another attempt: ask again",
                 claim->index);
    if (trial->token != claim->token)
        NAS_FAIL(NAS_FAILED,
                 "trial %d is somebody else's: its token is %lld now, yours is %lld; nothing was "
                 "written",
                 claim->index, (long long)trial->token, (long long)claim->token);
    return NAS_OK;
}

/* A cost that we know better, or a share that is none. */
static nas_status check_metric(const nas_trial *own, const nas_metric *told)
{
    size_t length = strlen(told->name);
    bool share = length >= 8 && strcmp(told->name + length - 8, "accuracy") == 0;
    if (nas_trial_has_metric(own, told->name) && nas_trial_metric(own, told->name) != told->value)
        NAS_FAIL(NAS_CONFIG,
                 "trial %d: %s is %.10g, not %.10g; leave it out, or train this network",
                 own->index, told->name, nas_trial_metric(own, told->name), told->value);
    if (share && isfinite(told->value) && (told->value < 0 || told->value > 1))
        NAS_FAIL(NAS_CONFIG, "trial %d: %s = %.10g; an accuracy is a share, 0 … 1", own->index,
                 told->name, told->value);
    return NAS_OK;
}

/* What the search goes by and only its trainer knows: the objectives, and what bounds ask of a network on a device.  A trial of 0 epochs has
 * none of these: it is told what the strategy ranks by. */
static nas_status check_complete(const nas_config *config, double budget, const nas_trial *told,
                                 const nas_trial *result)
{
    const nas_objectives *objectives = &config->objectives;
    if (budget == 0 && told->metric_count == 0)
        NAS_FAIL(NAS_CONFIG,
                 "trial %d has 0 epochs: tell the metric that the strategy ranks by, or --failed "
                 "REASON",
                 result->index);
    for (int i = 0; budget > 0 && i < objectives->count; i++)
        if (!nas_trial_has_metric(result, objectives->item[i].metric))
            NAS_FAIL(NAS_CONFIG,
                     "trial %d: the metric %s is missing, which the search goes by; tell it, or "
                     "--failed REASON",
                     result->index, objectives->item[i].metric);
    for (int i = 0; budget > 0 && i < config->measure_count; i++)
        if (!nas_trial_has_metric(result, config->measures[i].metric))
            NAS_FAIL(NAS_CONFIG,
                     "trial %d: the metric %s is missing, which has a bound; tell it (--measured "
                     "%s=VALUE), or --failed REASON",
                     result->index, config->measures[i].metric, config->measures[i].metric);
    return NAS_OK;
}

/* Metrics in the order in which an evaluator of ours gives them: costs first. */
static nas_status add_told(const nas_trial *told, nas_trial *result)
{
    for (int i = 0; i < told->metric_count; i++) {
        const nas_metric *metric = &told->metrics[i];
        NAS_TRY(check_metric(result, metric));
        NAS_TRY(nas_trial_set_metric(result, metric->name, metric->value, metric->measured));
    }
    for (int i = 0; i < told->curve_count; i++)
        for (int k = 0; k < told->curves[i].count; k++)
            NAS_TRY(nas_trial_add_point(result, told->curves[i].name, told->curves[i].values[k]));
    return NAS_OK;
}

static nas_status check_arch(const desk *d, const nas_trial *trial, const char *text)
{
    nas_arch told, own;
    if (!text)
        return NAS_OK;
    NAS_TRY(nas_domain_read(domain_of(d), trial->arch, &own));
    nas_status status = nas_domain_read(domain_of(d), text, &told);
    if (status != NAS_OK)
        nas_error_add("\"%.100s\": ", text);
    NAS_TRY(status);
    if (!nas_arch_equal(&told, &own))
        NAS_FAIL(NAS_CONFIG, "trial %d is the architecture %s, not %.200s", trial->index,
                 trial->arch, text);
    return NAS_OK;
}

/* The result as it will stand. */
static nas_status judge(const desk *d, const nas_trial *told, nas_trial *result)
{
    const nas_objectives *objectives = &d->bench.config.objectives;
    const nas_trial *trial = nas_study_trial(d->study, result->index);
    nas_graph graph = {0};
    nas_arch arch;
    NAS_TRY(nas_domain_read(domain_of(d), trial->arch, &arch));
    nas_status status = nas_eval_begin(domain_of(d), objectives, &arch, &graph, result);
    nas_graph_clear(&graph);
    if (status != NAS_OK || result->status == NAS_TRIAL_FAILED)
        return status;
    NAS_TRY(add_told(told, result));
    if (told->status == NAS_TRIAL_FAILED) {
        result->status = NAS_TRIAL_FAILED;
        memcpy(result->reason, told->reason, sizeof result->reason);
        return NAS_OK;
    }
    NAS_TRY(check_complete(&d->bench.config, trial->budget, told, result));
    return nas_eval_finish(objectives, result);
}

static nas_status tell(const desk *d, const nas_claim *claim, const char *arch,
                       const nas_trial *told, nas_trial *result)
{
    bool accepted;
    NAS_TRY(check_claim(d->study, claim));
    const nas_trial *trial = nas_study_trial(d->study, claim->index);
    double since_s = (double)(nas_time_ms() - trial->started_ms) / 1000;
    result->index = claim->index;
    NAS_TRY(check_arch(d, trial, arch));
    NAS_TRY(judge(d, told, result));
    nas__charge(d->study, &d->bench.config, result);
    result->seconds = told->seconds > 0 ? told->seconds : since_s;
    memcpy(result->device, told->device, sizeof result->device);
    NAS_TRY(nas_study_commit(d->study, claim, result, &accepted));
    if (accepted)
        return NAS_OK;
    NAS_TRY(nas_study_sync(d->study)); /* somebody was faster since the look at the claim */
    NAS_TRY(check_claim(d->study, claim));
    NAS_FAIL(NAS_STORE, "%s: trial %d could not be written", nas_study_path(d->study),
             claim->index);
}

nas_status nas_session_tell(const char *study_path, const nas_claim *claim, const char *arch,
                            const nas_trial *result, nas_trial *stands)
{
    desk d;
    nas_trial made;
    NAS_TRY(desk_open(study_path, NULL, &d));
    nas_trial_init(&made);
    nas_status status = tell(&d, claim, arch, result, &made);
    desk_close(&d);
    if (status == NAS_OK)
        *stands = made;
    else
        nas_trial_clear(&made);
    return status;
}

/* A study alone, for what needs neither data set nor space; its claim is checked. */
static nas_status open_claimed(const char *path, const nas_claim *claim, nas_study **study)
{
    nas_study *opened;
    NAS_TRY(nas_study_open(path, NAS_STORE_WRITE, &opened));
    nas_status status = check_claim(opened, claim);
    if (status == NAS_OK)
        *study = opened;
    else
        nas_study_close(opened);
    return status;
}

nas_status nas_session_tell_progress(const char *study_path, const nas_claim *claim,
                                     double progress)
{
    nas_study *study;
    bool held = false;
    NAS_TRY(open_claimed(study_path, claim, &study));
    nas_status status = nas_study_heartbeat(study, claim, progress, &held);
    if (status == NAS_OK && !held) {
        status = nas_study_sync(study);
        status = status == NAS_OK ? check_claim(study, claim) : status;
    }
    nas_study_close(study);
    return status;
}

nas_status nas_session_give_back(const char *study_path, const nas_claim *claim, const char *reason)
{
    nas_study *study;
    NAS_TRY(open_claimed(study_path, claim, &study));
    nas_status status = nas_study_release(study, claim, reason, false);
    nas_study_close(study);
    return status;
}

/* ---- enqueue ----------------------------------------------------------------------------------------------------- */

/* The trial with this architecture and budget; -1: none. */
static int find_trial(const nas_study *study, const char *arch, double budget)
{
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->budget == budget && strcmp(trial->arch, arch) == 0)
            return trial->alias >= 0 ? trial->alias : i;
    }
    return -1;
}

static nas_status enqueue_one(const desk *d, const nas_arch *arch, double budget, bool again,
                              nas_enqueued *enqueued)
{
    nas_text text = {0};
    nas_trial line;
    nas_trial_init(&line);
    nas_domain_write(domain_of(d), arch, &text);
    nas_status status = nas_text_check(&text);
    int known = status == NAS_OK && !again ? find_trial(d->study, text.data, budget) : -1;
    line.arch = text.data; /* lent for the call */
    line.budget = budget;
    *enqueued = (nas_enqueued){.index = known, .known = known >= 0};
    if (status == NAS_OK && known < 0)
        status = nas_study_enqueue(d->study, &line, &enqueued->index);
    nas_text_clear(&text);
    return status;
}

/* The given ones are trials 0 … in any study. */
static nas_status enqueue_given(const desk *d, double budget)
{
    nas_enqueued ignored;
    for (int i = nas_study_count(d->study); i < d->bench.given_count; i++)
        NAS_TRY(enqueue_one(d, &d->bench.given[i], budget, true, &ignored));
    return NAS_OK;
}

static nas_status read_all(const desk *d, const char *const *texts, int count, nas_arch *archs)
{
    for (int i = 0; i < count; i++) {
        nas_status status = nas_domain_read(domain_of(d), texts[i], &archs[i]);
        if (status != NAS_OK)
            nas_error_add("\"%.100s\": ", texts[i]);
        NAS_TRY(status);
    }
    return NAS_OK;
}

nas_status nas_session_enqueue(const char *path, const nas_ask_options *options,
                               const char *const *archs, int count, double budget,
                               nas_enqueued *enqueued)
{
    desk d;
    nas_status status = NAS_OK;
    nas_arch *rows = calloc((size_t)count + 1, sizeof *rows);
    if (!rows)
        NAS_FAIL(NAS_MEMORY, "no memory for %d architectures", count);
    NAS_TRY_DONE(desk_open(path, options, &d));
    double full = (double)d.bench.train->common.epochs;
    status = refuse_one_shot(&d);
    if (status == NAS_OK)
        status = read_all(&d, archs, count, rows);
    if (status == NAS_OK && budget > full)
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "%.6g epochs are more than the study's train.epochs = %.6g", budget,
                               full);
    if (status == NAS_OK)
        status = enqueue_given(&d, full);
    for (int i = 0; i < count && status == NAS_OK; i++)
        status = enqueue_one(&d, &rows[i], budget > 0 ? budget : full, false, &enqueued[i]);
    desk_close(&d);
done:
    free(rows);
    return status;
}
