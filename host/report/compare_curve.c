/* compare_curve.c - every study's best so far over what it cost, cut where the shortest one ends.
 *
 * A study is a staircase: after each trial that is better than all before it, the value of the new best.  The value is the objective, or
 * another metric of the same network, such as the test accuracy that the search never saw.  Two figures sum it up: the value at equal
 * cost, on which verdicts rest, and the mean height on the way there (area), which says who is ahead earlier. */
#include "compare.h"
#include "drawing.h"
#include "statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 400, POINTS = 200 };

/* ---- the staircase ------------------------------------------------------------------------------------------------- */

static double cost_of(const nas_comparison *c, const nas__row *row)
{
    switch (c->by) {
    case NAS_COMPARE_EPOCHS:
        return row->epochs;
    case NAS_COMPARE_SECONDS:
        return row->seconds;
    case NAS_COMPARE_SIMULATED:
        return row->simulated;
    default:
        return 1;
    }
}

static nas_status climb(const nas_comparison *c, bool other, nas__entry *entry)
{
    double cost = 0, best = -INFINITY;
    size_t room = (size_t)entry->row_count + 1;
    entry->costs = calloc(room, sizeof *entry->costs);
    entry->values = calloc(room, sizeof *entry->values);
    if (!entry->costs || !entry->values)
        NAS_FAIL(NAS_MEMORY, "no memory for a curve of %d trials", entry->row_count);
    for (int i = 0; i < entry->row_count; i++) {
        const nas__row *row = &entry->rows[i];
        cost += cost_of(c, row);
        if (!(row->score > best))
            continue;
        best = row->score;
        entry->costs[entry->step_count] = cost;
        entry->values[entry->step_count++] = other ? row->other : row->own;
    }
    entry->shown.cost = cost;
    if (c->by == NAS_COMPARE_SIMULATED && entry->simulated_end > cost)
        entry->shown.cost = entry->simulated_end;
    return NAS_OK;
}

static double value_at(const nas__entry *entry, double cost)
{
    int i = entry->step_count;
    while (i > 0 && entry->costs[i - 1] > cost)
        i--;
    return i > 0 ? entry->values[i - 1] : NAN;
}

/* Mean height from one cost to another; where they are one, the height. */
static double area_of(const nas__entry *entry, double from, double to)
{
    double area = 0, at = from;
    if (!(to > from))
        return value_at(entry, to);
    for (int i = 0; i <= entry->step_count; i++) {
        double next = i < entry->step_count ? fmin(entry->costs[i], to) : to;
        if (next <= at)
            continue;
        area += (next - at) * value_at(entry, at);
        at = next;
    }
    return area / (to - from);
}

/* ---- what is compared, and where ------------------------------------------------------------------------------------- */

static nas_status check_objectives(const nas_comparison *c)
{
    static const char *const goals[] = {"max", "min"};
    const nas__entry *first = &c->parts->entries[0];
    for (int i = 1; i < c->parts->entry_count; i++) {
        const nas__entry *entry = &c->parts->entries[i];
        if (strcmp(entry->objective.metric, first->objective.metric) == 0 &&
            entry->objective.goal == first->objective.goal)
            continue;
        NAS_FAIL(NAS_CONFIG,
                 "%s is a search for %s (%s), %s for %s (%s): they have no common measure",
                 first->shown.path, first->objective.metric, goals[first->objective.goal],
                 entry->shown.path, entry->objective.metric, goals[entry->objective.goal]);
    }
    return NAS_OK;
}

/* The metric asked for, or a test score that all of them have, or the objective. */
static nas_status choose_metric(nas_comparison *c, bool *other)
{
    const nas__comparison_parts *parts = c->parts;
    const nas__entry *first = &parts->entries[0];
    *other = true;
    for (int i = 0; i < parts->entry_count; i++) {
        const nas__entry *entry = &parts->entries[i];
        if (parts->metric[0] && !entry->other_known)
            NAS_FAIL(NAS_CONFIG,
                     "%s: not every network has the metric %s; `clnas trials %s` shows what "
                     "there is",
                     entry->shown.path, parts->metric, entry->shown.path);
        *other &= entry->other_known && entry->other.metric[0] &&
                  strcmp(entry->other.metric, first->other.metric) == 0;
    }
    const nas_objective *chosen = *other ? &first->other : &first->objective;
    snprintf(c->metric, sizeof c->metric, "%s", chosen->metric);
    snprintf(c->objective, sizeof c->objective, "%s", first->objective.metric);
    c->goal = chosen->goal;
    if (strcmp(c->metric, c->objective) != 0)
        return nas__note(c,
                         "the searches went by %s; compared is %s of the network that each had "
                         "found by then",
                         c->objective, c->metric);
    return NAS_OK;
}

/* What never came to a network says nothing of how good networks are; it is named and left out. */
static nas_status leave_out_empty(nas_comparison *c)
{
    nas__comparison_parts *parts = c->parts;
    int kept = 0;
    for (int i = 0; i < parts->entry_count; i++) {
        nas__entry *entry = &parts->entries[i];
        bool any = false;
        for (int k = 0; k < entry->row_count; k++)
            any |= entry->rows[k].score > -INFINITY;
        if (any) {
            parts->entries[kept++] = *entry;
            continue;
        }
        NAS_TRY(nas__note(c, "%s has no complete trial yet: left out", entry->shown.path));
        nas__entry_clear(entry);
    }
    for (int i = kept; i < parts->entry_count; i++)
        parts->entries[i] = (nas__entry){0};
    parts->entry_count = kept;
    if (kept == 0)
        NAS_FAIL(NAS_FAILED, "no study has a complete trial yet: nothing to compare");
    return NAS_OK;
}

const char *nas__cost_unit(const nas_comparison *c)
{
    static const char *const units[] = {"trials", "epochs", "seconds", "simulated seconds"};
    return units[c->by];
}

nas_status nas__cost_text(const nas_comparison *c, double cost, char text[NAS__COST_SIZE])
{
    char number[NAS__NUMBER_SIZE];
    NAS_TRY(nas__number_in(cost, 6, number));
    snprintf(text, NAS__COST_SIZE, "%s %s", number, nas__cost_unit(c));
    return NAS_OK;
}

/* As far as every study went, and who it was that went no farther. */
static nas_status choose_cost(nas_comparison *c)
{
    const nas__comparison_parts *parts = c->parts;
    const nas__entry *shortest = &parts->entries[0], *longest = shortest;
    char least[NAS__COST_SIZE], most[NAS__COST_SIZE], wanted[NAS__COST_SIZE];
    for (int i = 1; i < parts->entry_count; i++) {
        const nas__entry *entry = &parts->entries[i];
        shortest = entry->shown.cost < shortest->shown.cost ? entry : shortest;
        longest = entry->shown.cost > longest->shown.cost ? entry : longest;
    }
    NAS_TRY(nas__cost_text(c, shortest->shown.cost, least));
    NAS_TRY(nas__cost_text(c, longest->shown.cost, most));
    NAS_TRY(nas__cost_text(c, parts->at, wanted));
    if (parts->at > shortest->shown.cost)
        NAS_FAIL(NAS_CONFIG, "%s went only as far as %s, not %s", shortest->shown.path, least,
                 wanted);
    c->at = parts->at > 0 ? parts->at : shortest->shown.cost;
    if (c->at <= 0)
        NAS_FAIL(NAS_CONFIG, "%s has cost no %s: compare by something else", shortest->shown.path,
                 nas_compare_by_name(c->by));
    if (parts->at <= 0 && longest->shown.cost > shortest->shown.cost)
        return nas__note(c, "compared after %s, as far as %s went; %s went on to %s", least,
                         shortest->shown.path, longest->shown.path, most);
    return NAS_OK;
}

static nas_status note_epochs(nas_comparison *c, const nas__entry *first, const nas__entry *other)
{
    char epochs[2][NAS__NUMBER_SIZE];
    NAS_TRY(nas__number_in(first->epochs_each, 3, epochs[0]));
    NAS_TRY(nas__number_in(other->epochs_each, 3, epochs[1]));
    return nas__note(c,
                     "trials do not cost the same: %s epochs on average in %s, %s in %s; by "
                     "epochs would be fairer",
                     epochs[0], first->shown.path, epochs[1], other->shown.path);
}

static nas_status check_costs(nas_comparison *c)
{
    const nas__comparison_parts *parts = c->parts;
    const nas__entry *first = &parts->entries[0];
    for (int i = 0; i < parts->entry_count; i++) {
        const nas__entry *entry = &parts->entries[i];
        if (c->by == NAS_COMPARE_SIMULATED && !entry->simulated_known)
            NAS_FAIL(NAS_CONFIG,
                     "%s has no simulated seconds: its evaluator is no table with a `cost`",
                     entry->shown.path);
    }
    for (int i = 0; i < parts->entry_count; i++) {
        const nas__entry *entry = &parts->entries[i];
        if (c->by == NAS_COMPARE_TRIALS &&
            fabs(entry->epochs_each - first->epochs_each) > 0.1 * first->epochs_each &&
            entry->shown.group != first->shown.group)
            return note_epochs(c, first, entry);
        if (c->by == NAS_COMPARE_SECONDS && entry->shown.group == first->shown.group &&
            strcmp(entry->device, first->device) != 0)
            return nas__note(c, "seconds are those of several devices (%s, %s)", first->device,
                             entry->device);
    }
    return NAS_OK;
}

/* ---- studies and groups ------------------------------------------------------------------------------------------------ */

static nas_status note_open(nas_comparison *c)
{
    for (int i = 0; i < c->parts->entry_count; i++) {
        const nas_compared_study *study = &c->parts->entries[i].shown;
        if (study->open)
            NAS_TRY(nas__note(c, "%s is not at its end: it runs, or was interrupted", study->path));
    }
    return NAS_OK;
}

static bool is_reached(const nas_comparison *c, double value)
{
    return c->goal == NAS_GOAL_MAX ? value >= c->target : value <= c->target;
}

/* The cost from which on every study has a network. */
static double common_start(const nas_comparison *c)
{
    double start = 0;
    for (int i = 0; i < c->parts->entry_count; i++)
        start = fmax(start, c->parts->entries[i].costs[0]);
    return fmin(start, c->at);
}

static nas_status look_at_studies(nas_comparison *c)
{
    char cost[NAS__COST_SIZE];
    NAS_TRY(nas__cost_text(c, c->at, cost));
    for (int i = 0; i < c->parts->entry_count; i++) {
        nas__entry *entry = &c->parts->entries[i];
        entry->shown.value = value_at(entry, c->at);
        if (isnan(entry->shown.value))
            NAS_FAIL(NAS_CONFIG,
                     "%s has no network after %s; leave it out, or let the others go on",
                     entry->shown.path, cost);
    }
    const double start = common_start(c);
    for (int i = 0; i < c->parts->entry_count; i++)
        c->parts->entries[i].shown.area = area_of(&c->parts->entries[i], start, c->at);
    return NAS_OK;
}

static void look_for_target(const nas_comparison *c, nas__entry *entry)
{
    entry->shown.target_cost = INFINITY;
    for (int i = entry->step_count - 1; i >= 0; i--)
        if (entry->costs[i] <= c->at && is_reached(c, entry->values[i]))
            entry->shown.target_cost = entry->costs[i];
}

/* `values`: room for a number of every study; a group's studies stand in a row. */
static void sum_up(nas_comparison *c, int group, double *values)
{
    nas_compared_group *g = &c->groups[group];
    const nas__entry *entries = nas__group_entries(c, group);
    for (int i = 0; i < g->studies; i++)
        values[i] = entries[i].shown.value;
    g->value = nas__mean_interval(values, g->studies, nas__interval_level);
    g->deviation = nas__deviation(values, g->studies);
    g->median = nas__median(values, g->studies);
    for (int i = 0; i < g->studies; i++)
        values[i] = entries[i].shown.area;
    g->area = nas__mean_interval(values, g->studies, nas__interval_level);
    for (int p = 0; p < c->point_count; p++) {
        for (int i = 0; i < g->studies; i++)
            values[i] = value_at(&entries[i], c->costs[p]);
        nas_interval mean =
            nas__mean_interval(values, g->studies, nas__interval_level); /* NaN: NaN */
        g->mean[p] = mean.at;
        g->low[p] = mean.low;
        g->high[p] = mean.high;
    }
}

static void sum_up_targets(nas_comparison *c, double *values)
{
    double worst = c->groups[0].value.at;
    for (int g = 1; g < c->group_count; g++) {
        double mean = c->groups[g].value.at;
        worst = c->goal == NAS_GOAL_MAX ? fmin(worst, mean) : fmax(worst, mean);
    }
    double asked = c->parts->target;
    c->target = isnan(asked) || asked == 0 ? worst : asked;
    for (int g = 0, i = 0; g < c->group_count; g++) {
        nas_compared_group *group = &c->groups[g];
        for (int k = 0; k < group->studies; k++, i++) {
            look_for_target(c, &c->parts->entries[i]);
            values[k] = c->parts->entries[i].shown.target_cost;
            group->reached += isfinite(values[k]);
        }
        group->target_cost = nas__median(values, group->studies);
    }
}

/* Every trial, or so many steps of equal cost. */
static nas_status choose_points(nas_comparison *c)
{
    bool each = c->by == NAS_COMPARE_TRIALS && c->at <= POINTS_MAX;
    c->point_count = each ? (int)c->at : POINTS;
    c->costs = calloc((size_t)c->point_count + 1, sizeof *c->costs);
    if (!c->costs)
        NAS_FAIL(NAS_MEMORY, "no memory for a curve");
    for (int p = 0; p < c->point_count; p++)
        c->costs[p] = each ? p + 1 : c->at * (p + 1) / c->point_count;
    for (int g = 0; g < c->group_count; g++) {
        nas_compared_group *group = &c->groups[g];
        group->mean = calloc(3 * (size_t)c->point_count + 1, sizeof *group->mean);
        if (!group->mean)
            NAS_FAIL(NAS_MEMORY, "no memory for a curve");
        group->low = group->mean + c->point_count;
        group->high = group->low + c->point_count;
    }
    return NAS_OK;
}

nas_status nas__curves_make(nas_comparison *c)
{
    nas__comparison_parts *parts = c->parts;
    nas_status status = NAS_OK;
    bool other;
    NAS_TRY(leave_out_empty(c));
    NAS_TRY(check_objectives(c));
    NAS_TRY(nas__groups_make(c));
    NAS_TRY(choose_metric(c, &other));
    NAS_TRY(check_costs(c));
    for (int i = 0; i < parts->entry_count; i++)
        NAS_TRY(climb(c, other, &parts->entries[i]));
    NAS_TRY(note_open(c));
    NAS_TRY(choose_cost(c));
    NAS_TRY(look_at_studies(c));
    NAS_TRY(choose_points(c));
    double *values = calloc((size_t)parts->entry_count + 1, sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for %d values", parts->entry_count);
    for (int g = 0; g < c->group_count; g++)
        sum_up(c, g, values);
    sum_up_targets(c, values);
    free(values);
    return status;
}
