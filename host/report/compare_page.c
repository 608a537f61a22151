/* compare_page.c - a comparison as a page: verdicts first, then what they rest on.
 *
 * Two pictures: the mean best so far of each group with its interval, cut at equal cost; and the values there, as the share of a group's
 * studies that came no farther than x.  A curve to the right of another one all the way is better in every quantile.  Read
 * compare_verdict.c for what the tables say. */
#include "compare.h"
#include "statistics.h"
#include "subject.h"
#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

static void add_head(nas__table *table, const char *const *names, int count)
{
    table->columns = count;
    for (int i = 0; i < count; i++)
        nas__table_add(table, names[i]);
}

static void add_number(nas__table *table, double value, int digits)
{
    nas_text words = {0};
    nas__number_digits(&words, value, digits);
    nas__table_take(table, &words);
    nas_text_clear(&words);
}

static void add_count(nas__table *table, int64_t count)
{
    nas_text words = {0};
    nas_text_format(&words, "%lld", (long long)count);
    nas__table_take(table, &words);
    nas_text_clear(&words);
}

/* "0.8477 (0.8449 … 0.8505)" */
static void add_interval(nas__table *table, nas_interval interval)
{
    nas_text words = {0};
    nas__number_words(&words, interval.at);
    if (!isnan(interval.low)) {
        nas_text_add(&words, " (");
        nas__number_words(&words, interval.low);
        nas_text_add(&words, " … ");
        nas__number_words(&words, interval.high);
        nas_text_add(&words, ")");
    }
    nas__table_take(table, &words);
    nas_text_clear(&words);
}

/* What was not reached has no cost. */
static void add_target(nas__table *table, double cost)
{
    add_number(table, isfinite(cost) ? cost : NAN, 4);
}

/* ---- sections ------------------------------------------------------------------------------------------------------------- */

static void add_pair(const nas_comparison *c, const nas_compared_pair *pair, nas__table *table)
{
    nas_text words = {0};
    nas__table_add(table, c->groups[pair->first].label);
    nas__table_add(table, c->groups[pair->second].label);
    if (pair->paired)
        nas_text_format(&words, "%d pairs", pair->first_count);
    else
        nas_text_format(&words, "%d, %d", pair->first_count, pair->second_count);
    nas__table_take(table, &words);
    nas_text_format(&words, "%s, %s", pair->test, pair->exact ? "exact" : "normal");
    nas__table_take(table, &words);
    add_number(table, pair->p, 3);
    add_number(table, pair->adjusted, 3);
    add_interval(table, pair->superiority);
    add_interval(table, pair->difference);
    nas_text_clear(&words);
}

static void put_verdicts(const nas_comparison *c, nas_text *page)
{
    static const char *const head[] = {"first", "second",  "n",          "test",
                                       "p",     "p, Holm", "first wins", "first − second"};
    nas__table table = {.columns = 0};
    nas__page_section(page, "verdicts", "Verdicts");
    for (int i = 0; i < c->pair_count; i++)
        nas__page_words(page, c->pairs[i].sentence);
    if (c->pair_count) {
        add_head(&table, head, sizeof head / sizeof *head);
        for (int i = 0; i < c->pair_count; i++)
            add_pair(c, &c->pairs[i], &table);
        nas__table_write(&table, page);
        nas__page_words(page,
                        "“First wins”: how probably a study of the first group ends better than "
                        "one of the second, with its interval; 0.5 is no difference. No "
                        "difference found is not the same as none: the intervals say how much "
                        "could hide.");
    }
    nas__page_section_end(page);
}

static void put_groups(const nas_comparison *c, nas_text *page)
{
    static const char *const head[] = {"group",  "studies", "value",        "std",
                                       "median", "anytime", "target after", "reached it"};
    nas__table table = {.columns = 0};
    nas_text words = {0};
    add_head(&table, head, sizeof head / sizeof *head);
    for (int g = 0; g < c->group_count; g++) {
        const nas_compared_group *group = &c->groups[g];
        nas__table_add(&table, group->label);
        add_count(&table, group->studies);
        add_interval(&table, group->value);
        add_number(&table, group->deviation, 4);
        add_number(&table, group->median, 4);
        add_interval(&table, group->area);
        add_target(&table, group->target_cost);
        nas_text_format(&words, "%d of %d", group->reached, group->studies);
        nas__table_take(&table, &words);
    }
    nas__table_write(&table, page);
    nas_text_clear(&words);
}

static void put_studies(const nas_comparison *c, nas_text *page)
{
    static const char *const head[] = {"study", "group",       "seed",    "trials",
                                       "cost",  "value there", "anytime", "target after"};
    nas__table table = {.columns = 0};
    nas_text words = {0};
    add_head(&table, head, sizeof head / sizeof *head);
    for (int i = 0; i < c->study_count; i++) {
        const nas_compared_study *study = &c->studies[i];
        nas_text_format(&words, "%s%s", study->path, study->open ? " (not at its end)" : "");
        nas__table_take(&table, &words);
        nas__table_add(&table, c->groups[study->group].label);
        add_count(&table, study->seed);
        add_count(&table, study->trials);
        add_number(&table, study->cost, 4);
        add_number(&table, study->value, 4);
        add_number(&table, study->area, 4);
        add_target(&table, study->target_cost);
    }
    nas__page_section(page, "studies", "Studies");
    nas__table_write(&table, page);
    nas__page_section_end(page);
    nas_text_clear(&words);
}

/* ---- pictures --------------------------------------------------------------------------------------------------------------- */

static void draw_curves(const nas_comparison *c, nas_text *page)
{
    nas_text x_label = {0};
    nas_text_format(&x_label, "cost: %s", nas__cost_unit(c));
    nas__chart chart = {.title = "Best so far: mean of each group, with its interval",
                        .x_label = nas__part(&x_label, page),
                        .y_label = c->metric,
                        .percent = nas__metric_share(c->metric)};
    for (int g = 0; g < c->group_count && g < NAS__SERIES; g++) {
        const nas_compared_group *group = &c->groups[g];
        chart.series[chart.series_count++] =
            (nas__series){.name = group->label,
                          .mark = NAS__STEP,
                          .colour = g % 8,
                          .count = c->point_count,
                          .x = c->costs,
                          .y = group->mean,
                          .low = group->studies > 1 ? group->low : NULL,
                          .high = group->studies > 1 ? group->high : NULL};
    }
    nas__chart_draw(&chart, false, page);
    nas_text_clear(&x_label);
}

/* Each group's values, sorted, against the share that they are; its first point stands on the ground. */
static nas_status draw_distributions(const nas_comparison *c, nas_text *page)
{
    size_t room = (size_t)c->study_count + (size_t)c->group_count;
    double *x = calloc(2 * room + 1, sizeof *x), *y = x ? x + room : NULL;
    nas__chart chart = {.title = "Values at equal cost: share of the studies that came no farther",
                        .x_label = c->metric,
                        .y_label = "share of the studies",
                        .percent = true};
    if (!x)
        NAS_FAIL(NAS_MEMORY, "no memory for a picture");
    for (int g = 0, at = 0, from = 0; g < c->group_count && g < NAS__SERIES; g++) {
        int studies = c->groups[g].studies;
        for (int i = 0; i < studies; i++)
            x[at + 1 + i] = c->studies[from + i].value;
        nas__sort_numbers(x + at + 1, studies);
        for (int i = 0; i <= studies; i++)
            y[at + i] = (double)i / studies;
        x[at] = x[at + 1];
        chart.series[chart.series_count++] = (nas__series){.name = c->groups[g].label,
                                                           .mark = NAS__STEP,
                                                           .colour = g % 8,
                                                           .count = studies + 1,
                                                           .x = x + at,
                                                           .y = y + at};
        at += studies + 1;
        from += studies;
    }
    nas__chart_draw(&chart, false, page);
    free(x);
    return NAS_OK;
}

static void put_curves(const nas_comparison *c, nas_text *page)
{
    nas_text caption = {0};
    nas_text_add(&caption, "Bands hold the mean with a probability of ");
    nas__number_words(&caption, round(100 * (1 - nas__interval_level)));
    nas_text_add(&caption, " %.");
    nas__page_section(page, "curves", "On the way");
    nas__page_picture_begin(page, true);
    draw_curves(c, page);
    nas__page_picture_end(page, nas__part(&caption, page));
    nas__page_section_end(page);
    nas_text_clear(&caption);
}

static nas_status put_values(const nas_comparison *c, const char *cost, nas_text *page)
{
    nas_text words = {0};
    nas_text_format(&words,
                    "Value: the mean of %s after %s, with its interval. Anytime: the mean over "
                    "the whole way there. Target: ",
                    c->metric, cost);
    nas__number_digits(&words, c->target, 5);
    nas_text_add(&words, "; the cost is the median of the studies.");
    nas__page_section(page, "values", "At equal cost");
    put_groups(c, page);
    nas__page_words(page, nas__part(&words, page));
    nas__page_picture_begin(page, true);
    const nas_status status = draw_distributions(c, page);
    nas__page_picture_end(page, "");
    nas__page_section_end(page);
    nas_text_clear(&words);
    return status;
}

static void begin(const nas_comparison *c, const char *cost, nas_text *page)
{
    nas_text title = {0}, subtitle = {0};
    nas_text_format(&title, "Comparison of %d studies", c->study_count);
    nas_text_format(&subtitle, "%s of the best network after %s; %s is better", c->metric, cost,
                    c->goal == NAS_GOAL_MAX ? "more" : "less");
    nas__page_begin(page, nas__part(&title, page), nas__part(&subtitle, page));
    nas_text_clear(&title);
    nas_text_clear(&subtitle);
}

nas_status nas_comparison_write(const nas_comparison *c, nas_text *page)
{
    char cost[NAS__COST_SIZE];
    if (!c->studies)
        NAS_FAIL(NAS_FAILED, "a comparison is judged before it is written");
    NAS_TRY(nas__cost_text(c, c->at, cost));
    begin(c, cost, page);
    put_verdicts(c, page);
    if (c->note_count) {
        nas__page_section(page, "notes", "To be noted");
        for (int i = 0; i < c->note_count; i++)
            nas__page_words(page, c->notes[i]);
        nas__page_section_end(page);
    }
    put_curves(c, page);
    NAS_TRY(put_values(c, cost, page));
    put_studies(c, page);
    nas__page_end(page);
    return nas_text_check(page);
}
