/* status_trials.c - what the screen of `clnas status --watch` shows of single trials: histories, the last ones, failures. */
#include "screen.h"

#include <math.h>
#include <string.h>

enum { RECENT = 6, FAILURES = 4 };

/* ---- histories ------------------------------------------------------------------------------------------------------ */

static double value_of(const cli_screen *s, const nas_trial *trial)
{
    const nas_objective *objective = &s->view->config->objectives.item[0];
    return isfinite(nas_objective_score(objective, trial))
               ? nas_trial_metric(trial, objective->metric)
               : NAN;
}

/* The best so far after each share of the trials, oldest first. */
void cli_show_best_so_far(cli_screen *s, int rank, int width)
{
    const nas_study *study = s->view->study;
    const int count = nas_study_count(study), points = count < width ? count : width;
    const nas_goal goal = s->view->config->objectives.item[0].goal;
    double values[512], best = NAN, first = NAN;
    if (points < 2)
        return;
    for (int i = 0, k = 0; i < count; i++) {
        const double v = value_of(s, nas_study_trial(study, i));
        if (isfinite(v) && (!isfinite(best) || (goal == NAS_GOAL_MAX ? v > best : v < best)))
            best = v;
        first = isfinite(first) ? first : best;
        while (k < points && (int64_t)(k + 1) * count <= (int64_t)(i + 1) * points)
            values[k++] = best;
    }
    cli_line_label(s, rank, "history");
    cli_line_history(s, values, points);
    if (isfinite(first))
        cli_line_add(s, " %.4g to %.4g", first, best);
}

void cli_show_last_values(cli_screen *s, int rank, int width)
{
    const nas_study *study = s->view->study;
    double values[512], least = INFINITY, most = -INFINITY;
    int count = 0;
    for (int i = nas_study_count(study) - 1; i >= 0 && count < width; i--) {
        const nas_trial *result = nas_study_result(study, i);
        const double v = result ? value_of(s, result) : NAN;
        if (!result)
            continue;
        values[width - 1 - count++] = v;
        least = isfinite(v) ? fmin(least, v) : least;
        most = isfinite(v) ? fmax(most, v) : most;
    }
    if (count < 2)
        return;
    cli_line_label(s, rank, "last");
    cli_line_history(s, values + width - count, count);
    if (isfinite(least))
        cli_line_add(s, " %.4g to %.4g", least, most);
}

/* ---- trials ---------------------------------------------------------------------------------------------------------- */

static void show_trial(cli_screen *s, int rank, int index)
{
    const nas_trial *trial = nas_study_trial(s->view->study, index);
    const nas_trial *result = nas_study_result(s->view->study, index);
    char name[64];
    cli_line_begin(s, rank);
    cli_line_add(s, "%d", index);
    cli_line_column(s, 8);
    if (trial->status == NAS_TRIAL_FAILED)
        cli_line_colour(s, "31");
    cli_line_add(s, "%s", nas_trial_status_name(trial->status));
    if (trial->status == NAS_TRIAL_FAILED)
        cli_line_colour(s, "");
    cli_line_column(s, 18);
    if (trial->status == NAS_TRIAL_RUNNING)
        cli_line_add(s, "%3.0f %%", 100 * trial->progress);
    else if (result && isfinite(value_of(s, result)))
        cli_line_add(s, "%.4f", value_of(s, result));
    cli_line_column(s, 27);
    if (trial->seconds > 0)
        cli_line_add(s, "%.1f s", trial->seconds);
    cli_line_column(s, 37);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(trial->device, "("), trial->device);
    cli_line_some(s, 11, name);
    cli_line_column(s, 49);
    if (trial->attempts > 1)
        cli_line_add(s, "attempt %d  ", trial->attempts);
    cli_line_add(s, "%s", trial->reason[0] ? trial->reason : trial->arch ? trial->arch : "");
}

/* The last ones to change: claimed, given back or ended. */
void cli_show_recent(cli_screen *s)
{
    const nas_study *study = s->view->study;
    int shown[RECENT], count = 0;
    for (int i = nas_study_count(study) - 1; i >= 0; i--) {
        const int64_t revision = nas_study_trial(study, i)->revision;
        int at = count;
        while (at > 0 && revision > nas_study_trial(study, shown[at - 1])->revision)
            at--;
        if (at == RECENT)
            continue;
        count += count < RECENT;
        memmove(shown + at + 1, shown + at, (size_t)(count - 1 - at) * sizeof *shown);
        shown[at] = i;
    }
    if (count == 0)
        return;
    cli_line_blank(s);
    cli_line_title(s, 6, "recent");
    for (int i = 0; i < count; i++)
        show_trial(s, i < 3 ? 6 : 7, shown[i]);
}

void cli_show_failures(cli_screen *s)
{
    const nas_study *study = s->view->study;
    int count = 0;
    if (s->view->progress.failed == 0)
        return;
    cli_line_blank(s);
    cli_line_title(s, 6, "failed");
    for (int i = nas_study_count(study) - 1; i >= 0 && count < FAILURES; i--) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (trial->status != NAS_TRIAL_FAILED)
            continue;
        cli_line_begin(s, count++ < 2 ? 6 : 8);
        cli_line_add(s, "%d", i);
        cli_line_column(s, 8);
        cli_line_add(s, "%s", trial->reason);
    }
}
