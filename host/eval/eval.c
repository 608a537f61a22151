/* eval.c - an evaluator at work: graph, cost, bounds, latency, bounds, score, bounds again.
 *
 * Idea: what is a property of the candidate becomes a result (a failed trial with a reason, the same on every machine);
 * what is a property of the moment (a driver that errs, memory that ran out, a signal) stays a status, and the trial
 * is repeated by whoever claims it next.  `is_result` draws that line.
 * Next: trained.c, the evaluator that trains. */
#include "evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nas_eval {
    nas_eval_setting setting;
    const nas_evaluator *evaluator;
    void *options;
    void *state;
};

uint64_t nas_eval_key(const nas_arch *arch, int repeat)
{
    uint64_t key = nas_arch_hash(arch);
    return repeat == 0 ? key : nas_hash(&key, sizeof key, (uint64_t)repeat);
}

nas_status nas_eval_create(const nas_eval_setting *setting, nas_eval **eval)
{
    static const char *const also[] = {"type", NULL};
    const nas_evaluator *evaluator;
    NAS_TRY(nas_evaluator_of(setting->group, &evaluator));
    if (evaluator->needs_device && !setting->device)
        NAS_FAIL(NAS_NO_DEVICE, "the evaluator \"%s\" needs a device", evaluator->kind.name);
    nas_eval *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    fresh->setting = *setting;
    fresh->evaluator = evaluator;
    fresh->options = calloc(1, evaluator->kind.instance_size + 1);
    nas_status status =
        fresh->options ? nas_options_fill(&evaluator->kind, setting->group, also, fresh->options)
                       : nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of host memory");
    if (status == NAS_OK && evaluator->prepare)
        status = evaluator->prepare(fresh->options, &fresh->setting, &fresh->state);
    if (status != NAS_OK) {
        free(fresh->options);
        free(fresh);
        return status;
    }
    *eval = fresh;
    return NAS_OK;
}

void nas_eval_destroy(nas_eval *eval)
{
    if (!eval)
        return;
    if (eval->evaluator->finish)
        eval->evaluator->finish(eval->state);
    else
        free(eval->state);
    free(eval->options);
    free(eval);
}

const nas_evaluator *nas_eval_kind(const nas_eval *eval)
{
    return eval->evaluator;
}

/* True for failures that say something about the candidate. */
static bool is_result(nas_status status)
{
    return status == NAS_NONFINITE || status == NAS_BOUND || status == NAS_SHAPE ||
           status == NAS_TIME;
}

static void fail_trial(nas_trial *result, const char *reason)
{
    result->status = NAS_TRIAL_FAILED;
    snprintf(result->reason, sizeof result->reason, "%s", reason);
}

static nas_status set_cost(const nas_graph *graph, nas_trial *result)
{
    nas_cost cost;
    nas_graph_cost(graph, &cost);
    NAS_TRY(nas_trial_set_metric(result, "parameters", (double)cost.parameters, false));
    NAS_TRY(nas_trial_set_metric(result, "macs", (double)cost.macs, false));
    return nas_trial_set_metric(result, "activation_bytes", (double)cost.bytes, false);
}

static nas_status check_bounds(const nas_objectives *objectives, const nas_trial *result)
{
    char reason[sizeof result->reason];
    if (nas_bound_reason(objectives, result, reason, sizeof reason))
        NAS_FAIL(NAS_BOUND, "%s", reason);
    return NAS_OK;
}

/* Builds and costs; a failure of the candidate's own is returned as its status. */
static nas_status build(const nas_domain *domain, const nas_objectives *objectives,
                        const nas_arch *arch, nas_graph *graph, nas_trial *result)
{
    NAS_TRY(nas_domain_build(domain, arch, graph));
    NAS_TRY(set_cost(graph, result));
    return check_bounds(objectives, result);
}

static nas_status score_steps(nas_eval *eval, const nas_eval_call *call, nas_graph *graph,
                              nas_trial *result)
{
    const nas_eval_setting *setting = &eval->setting;
    if (eval->evaluator->shared && call->budget > 0)
        return eval->evaluator->score(eval->state, call, NULL, result);
    NAS_TRY(build(setting->domain, setting->objectives, call->arch, graph, result));
    if (setting->meter) {
        NAS_TRY(setting->meter(setting->meter_user, call->arch, graph, result));
        NAS_TRY(check_bounds(setting->objectives, result));
    }
    NAS_TRY(eval->evaluator->score(eval->state, call, graph, result));
    return check_bounds(setting->objectives, result);
}

/* What a step came to: a failure of the candidate's own becomes the trial's. */
static nas_status settle(nas_status status, nas_trial *result)
{
    if (status == NAS_OK)
        result->status = NAS_TRIAL_COMPLETE;
    else if (is_result(status)) {
        fail_trial(result, nas_error_message());
        status = NAS_OK;
    }
    return status;
}

nas_status nas_eval_score(nas_eval *eval, const nas_eval_call *call, nas_trial *result)
{
    nas_graph graph = {0};
    double begin = nas_now_s();
    nas_status status = score_steps(eval, call, &graph, result);
    nas_graph_clear(&graph);
    result->seconds = nas_now_s() - begin;
    return settle(status, result);
}

nas_status nas_eval_begin(const nas_domain *domain, const nas_objectives *objectives,
                          const nas_arch *arch, nas_graph *graph, nas_trial *result)
{
    return settle(build(domain, objectives, arch, graph, result), result);
}

nas_status nas_eval_finish(const nas_objectives *objectives, nas_trial *result)
{
    for (int i = 0; i < result->metric_count; i++)
        if (!isfinite(result->metrics[i].value)) {
            nas_format(result->reason, sizeof result->reason, "%s is %g", result->metrics[i].name,
                       result->metrics[i].value);
            result->status = NAS_TRIAL_FAILED;
            return NAS_OK;
        }
    return settle(check_bounds(objectives, result), result);
}

nas_status nas_eval_keep(nas_eval *eval, const char *path)
{
    if (!eval->evaluator->keep)
        NAS_FAIL(NAS_FAILED, "the evaluator \"%s\" has no weights to keep",
                 eval->evaluator->kind.name);
    return eval->evaluator->keep(eval->state, path);
}

nas_status nas_eval_pause(nas_eval *eval, const char *path)
{
    if (!eval->evaluator->pause)
        NAS_FAIL(NAS_FAILED, "the evaluator \"%s\" has no training to go on with",
                 eval->evaluator->kind.name);
    return eval->evaluator->pause(eval->state, path);
}
