/* next.c - the next trial of a study: the config's strategy, within the limits of the moment.
 *
 * A worker of `clnas search` and a trainer outside that asks get their trials by this one way, so one study may have both,
 * and a list of trials does not tell who trained them. */
#include "session_private.h"

#include <time.h>

enum { PAUSE_MS = 5, PAUSE_LIMIT_MS = 200 };

nas_status nas__search_open(const nas__bench *bench, nas_search **search)
{
    static const char *const also[] = {"type", "given", NULL};
    const nas_config *config = &bench->config;
    const nas_value *type = nas_value_member(&config->strategy, "type");
    const nas_evaluator *evaluator;
    NAS_TRY(nas_evaluator_of(&config->evaluate, &evaluator));
    nas_search_setting setting = {
        .group = &config->strategy,
        .also = also,
        .domain = bench->domain,
        .objectives = config->objectives,
        .seed = (uint64_t)config->seed,
        .budget = (double)bench->train->common.epochs,
        .lookahead = nas__by_index(config) ? (int)config->budget.lookahead : 0,
        .trials_max = (int)config->budget.trials,
        .reuse = evaluator->pure,
        .weights = evaluator->keep != NULL,
        .given_count = bench->given_count,
        .given = bench->given,
    };
    NAS_TRY(nas_strategy_get(type ? type->text : "", &setting.strategy));
    return nas_search_create(&setting, bench->study, search);
}

nas_status nas__search_take(const nas__bench *bench, nas_search *search, const nas_owner *owner,
                            nas_next *next, nas_job *job)
{
    NAS_TRY(nas_study_sync(bench->study));
    nas__limit limit = nas__study_limit(bench->study, &bench->config);
    nas_search_set_limit(search, limit.now > 0 ? limit.now : 1);
    if (limit.now <= 0) {
        *next = NAS_NEXT_DONE;
        return NAS_OK;
    }
    if (!nas__by_index(&bench->config) &&
        nas__pace_sits_out(bench->study, bench->device_name, limit.hard)) {
        *next = NAS_NEXT_WAIT;
        return NAS_OK;
    }
    NAS_TRY(nas_search_next(search, owner, bench->device_name, next, job));
    if (*next == NAS_NEXT_DONE && limit.now < limit.hard)
        *next = NAS_NEXT_WAIT; /* the limit was this process's knowledge, not the study's end */
    return NAS_OK;
}

void nas__search_wait(int *pause_ms)
{
    int ms = *pause_ms ? 2 * *pause_ms : PAUSE_MS;
    *pause_ms = ms < PAUSE_LIMIT_MS ? ms : PAUSE_LIMIT_MS;
    nanosleep(&(struct timespec){.tv_nsec = *pause_ms * 1000000L}, NULL);
}
