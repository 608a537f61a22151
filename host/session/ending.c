/* ending.c - when a search is over, as a function of the log.
 *
 * Idea: "target reached" and "patience lost" must end the search at the same trial on any number of devices.  Trial i sees
 * the results of 0 … i − W (W: lookahead), so it exists only if none of these ends the search.  Counting from the first
 * result t that does, trials 0 … t + W − 1 exist, whoever notices first.  `now` also holds a worker back from an index
 * whose visible results it has not all looked at.
 *
 * The simulated clock (budget.minutes with a table that has costs) is one more such end: the first result that it has no time
 * for.  A trial is charged by the results it could see, so with lookahead 1 it is the published protocol, and with more those
 * in flight at the end still count, as on so many devices. */
#include "session_private.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

static bool reaches(const nas_config *config, double score)
{
    double sign = config->objectives.item[0].goal == NAS_GOAL_MAX ? 1 : -1;
    return config->budget.target != 0 && score >= sign * config->budget.target;
}

double nas__real_limit_s(const nas_config *config)
{
    return config->simulated ? 0 : config->budget.minutes * 60;
}

static nas_clock start_clock(const nas_config *config)
{
    return (nas_clock){.limit_s = config->simulated ? config->budget.minutes * 60 : 0};
}

bool nas__by_index(const nas_config *config)
{
    return config->budget.order != NAS_ORDER_ARRIVAL;
}

/* An alias costs nothing: its training is known. */
static bool charge(nas_clock *clock, const nas_study *study, int index)
{
    const nas_trial *result = nas_study_result(study, index);
    bool alias = nas_study_trial(study, index)->status == NAS_TRIAL_ALIAS;
    return !result || alias || nas_clock_take(clock, result);
}

void nas__charge(const nas_study *study, const nas_config *config, nas_trial *result)
{
    nas_clock clock = start_clock(config);
    bool by_index = nas__by_index(config);
    int64_t visible = by_index ? result->index + 1 - config->budget.lookahead : result->index;
    for (int i = 0; i < visible; i++)
        charge(&clock, study, i);
    if (result->status != NAS_TRIAL_COMPLETE || nas_clock_take(&clock, result))
        return;
    result->status = NAS_TRIAL_FAILED;
    nas_format(result->reason, sizeof result->reason,
               "its training would end after the %.6g simulated minutes of the search",
               config->budget.minutes);
}

/* Can anything but the number of trials end it, by what the log says? */
static bool is_watched(const nas_config *config)
{
    return config->budget.target != 0 || config->budget.patience > 0 ||
           (config->simulated && config->budget.minutes > 0);
}

/* The first result that ends the search, or -1; *prefix is the number of results without a gap. */
static int first_ending(const nas_study *study, const nas_config *config, int *prefix,
                        nas__end *end)
{
    double best = -INFINITY;
    int best_index = -1, t = 0;
    nas_clock clock = start_clock(config);
    for (; t < nas_study_count(study); t++) {
        const nas_trial *result = nas_study_result(study, t);
        if (!result)
            break;
        double score = nas_objective_score(&config->objectives.item[0], result);
        if (score > best || result->derived) { /* an epoch of a supernet loses no patience */
            best = score > best ? score : best;
            best_index = t;
        }
        bool patience = config->budget.patience > 0 && t - best_index >= config->budget.patience;
        bool late = !charge(&clock, study, t);
        if (reaches(config, score) || patience || late) {
            *end = late ? NAS__END_MINUTES : patience ? NAS__END_PATIENCE : NAS__END_TARGET;
            *prefix = t + 1;
            return t;
        }
    }
    *prefix = t;
    return -1;
}

static int least(int64_t a, int64_t b)
{
    int64_t c = a < b ? a : b;
    return c > INT_MAX ? INT_MAX : (int)c;
}

nas__limit nas__study_limit(const nas_study *study, const nas_config *config)
{
    bool by_index = nas__by_index(config);
    int64_t trials = config->budget.trials ? config->budget.trials : INT_MAX;
    int64_t ahead = by_index ? config->budget.lookahead : 0;
    nas__limit limit = {.hard = least(trials, INT_MAX), .end = NAS__END_NONE};
    bool watched = is_watched(config);
    int prefix = 0;
    int at = watched ? first_ending(study, config, &prefix, &limit.end) : -1;
    if (at >= 0)
        limit.hard = least(limit.hard, by_index ? at + ahead : nas_study_count(study));
    if (limit.hard == trials)
        limit.end = NAS__END_TRIALS;
    limit.now = by_index && watched ? least(limit.hard, prefix + ahead) : limit.hard;
    return limit;
}

bool nas__search_over(const nas_study *study, const nas_config *config, double run_s,
                      char how[NAS__HOW_SIZE])
{
    const nas__limit limit = nas__study_limit(study, config);
    const bool full = nas_study_count(study) >= limit.hard;
    const double limit_s = nas__real_limit_s(config);
    const bool late = limit_s > 0 && run_s >= limit_s;
    if (full && limit.end == NAS__END_TRIALS)
        snprintf(how, NAS__HOW_SIZE, "%lld trials", (long long)config->budget.trials);
    else if (full && limit.end == NAS__END_MINUTES)
        nas_format(how, NAS__HOW_SIZE, "%.4g simulated minutes", config->budget.minutes);
    else if (full)
        snprintf(how, NAS__HOW_SIZE, "%s", limit.end == NAS__END_TARGET ? "target" : "patience");
    else if (late)
        nas_format(how, NAS__HOW_SIZE, "%.4g minutes", config->budget.minutes);
    else
        snprintf(how, NAS__HOW_SIZE, "space exhausted");
    return late || (full && nas_study_open_count(study) == 0);
}
