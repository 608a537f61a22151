/* compare_page.c - a comparison as a page: verdicts first, then what they rest on.
 *
 * Two pictures: the mean best so far of each group with its interval, cut at equal cost; and the values there, as the share of a group's
 * studies that came no farther than x.  A curve to the right of another one all the way is better in every quantile.  Read
 * compare_verdict.c for what the tables say. */
#include "compare.h"
#include "drawing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables: cells that own their texts ------------------------------------------------------------------------------- */

typedef struct cells {
    char **item;
    int count, room;
    bool failed;
} cells;

static void add_cell(cells *table, const char *format, ...) NAS_PRINTF(2, 3);
static void add_cell(cells *table, const char *format, ...)
{
    char text[1200];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (table->count == table->room) {
        int room = table->room ? 2 * table->room : 64;
        char **grown = realloc(table->item, (size_t)room * sizeof *grown);
        table->failed |= !grown;
        if (!grown)
            return;
        table->item = grown;
        table->room = room;
    }
    char *copy = strdup(text);
    table->failed |= !copy;
    if (copy)
        table->item[table->count++] = copy;
}

static void add_number(cells *table, double value)
{
    nas_text text = {0};
    nas__number_words(&text, value);
    table->failed |= text.failed;
    add_cell(table, "%s", text.data ? text.data : "");
    nas_text_clear(&text);
}

static void add_interval(cells *table, nas_interval interval)
{
    if (isnan(interval.low))
        add_cell(table, "%.4g", interval.at);
    else
        add_cell(table, "%.4g (%.4g … %.4g)", interval.at, interval.low, interval.high);
}

static nas_status put_table(nas_text *page, cells *table, int columns)
{
    bool failed = table->failed;
    if (!failed)
        nas__page_table(page, (const char *const *)table->item, table->count / columns, columns);
    for (int i = 0; i < table->count; i++)
        free(table->item[i]);
    free(table->item);
    *table = (cells){0};
    if (failed)
        NAS_FAIL(NAS_MEMORY, "no memory for a table");
    return NAS_OK;
}

static void add_head(cells *table, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        add_cell(table, "%s", names[i]);
}

/* ---- sections ------------------------------------------------------------------------------------------------------------- */

static nas_status put_pairs(const nas_comparison *c, nas_text *page)
{
    static const char *const head[] = {"first", "second",  "n",          "test",
                                       "p",     "p, Holm", "first wins", "first − second"};
    enum { COLUMNS = sizeof head / sizeof *head };
    cells table = {0};
    add_head(&table, head, COLUMNS);
    for (int i = 0; i < c->pair_count; i++) {
        const nas_compared_pair *pair = &c->pairs[i];
        add_cell(&table, "%s", c->groups[pair->first].label);
        add_cell(&table, "%s", c->groups[pair->second].label);
        if (pair->paired)
            add_cell(&table, "%d pairs", pair->first_count);
        else
            add_cell(&table, "%d, %d", pair->first_count, pair->second_count);
        add_cell(&table, "%s, %s", pair->test, pair->exact ? "exact" : "normal");
        add_cell(&table, "%.3g", pair->p);
        add_cell(&table, "%.3g", pair->adjusted);
        add_interval(&table, pair->superiority);
        add_interval(&table, pair->difference);
    }
    return put_table(page, &table, COLUMNS);
}

static nas_status put_verdicts(const nas_comparison *c, nas_text *page)
{
    nas__page_section(page, "verdicts", "Verdicts");
    for (int i = 0; i < c->pair_count; i++)
        nas__page_words(page, c->pairs[i].sentence);
    if (c->pair_count)
        NAS_TRY(put_pairs(c, page));
    if (c->pair_count)
        nas__page_words(page,
                        "“First wins”: how probably a study of the first group ends better than "
                        "one of the second, with its interval; 0.5 is no difference. No "
                        "difference found is not the same as none: the intervals say how much "
                        "could hide.");
    nas__page_section_end(page);
    return NAS_OK;
}

static nas_status put_groups(const nas_comparison *c, nas_text *page)
{
    static const char *const head[] = {"group",  "studies", "value",        "std",
                                       "median", "anytime", "target after", "reached it"};
    enum { COLUMNS = sizeof head / sizeof *head };
    cells table = {0};
    add_head(&table, head, COLUMNS);
    for (int g = 0; g < c->group_count; g++) {
        const nas_compared_group *group = &c->groups[g];
        add_cell(&table, "%s", group->label);
        add_cell(&table, "%d", group->studies);
        add_interval(&table, group->value);
        add_number(&table, group->deviation);
        add_number(&table, group->median);
        add_interval(&table, group->area);
        if (isfinite(group->target_cost))
            add_number(&table, group->target_cost);
        else
            add_cell(&table, "–");
        add_cell(&table, "%d of %d", group->reached, group->studies);
    }
    return put_table(page, &table, COLUMNS);
}

static nas_status put_studies(const nas_comparison *c, nas_text *page)
{
    static const char *const head[] = {"study", "group",       "seed",    "trials",
                                       "cost",  "value there", "anytime", "target after"};
    enum { COLUMNS = sizeof head / sizeof *head };
    cells table = {0};
    add_head(&table, head, COLUMNS);
    for (int i = 0; i < c->study_count; i++) {
        const nas_compared_study *study = &c->studies[i];
        add_cell(&table, "%s%s", study->path, study->open ? " (not at its end)" : "");
        add_cell(&table, "%s", c->groups[study->group].label);
        add_cell(&table, "%lld", (long long)study->seed);
        add_cell(&table, "%d", study->trials);
        add_number(&table, study->cost);
        add_number(&table, study->value);
        add_number(&table, study->area);
        add_number(&table, isfinite(study->target_cost) ? study->target_cost : NAN);
    }
    nas__page_section(page, "studies", "Studies");
    NAS_TRY(put_table(page, &table, COLUMNS));
    nas__page_section_end(page);
    return NAS_OK;
}

/* ---- pictures --------------------------------------------------------------------------------------------------------------- */

static bool is_share(const nas_comparison *c)
{
    return strstr(c->metric, "accuracy") != NULL;
}

static void draw_curves(const nas_comparison *c, nas_text *page)
{
    char cost[64], x_label[96];
    nas__cost_text(c, c->at, cost, sizeof cost);
    snprintf(x_label, sizeof x_label, "cost: %s", strchr(cost, ' ') + 1);
    nas__chart chart = {.title = "Best so far: mean of each group, with its interval",
                        .x_label = x_label,
                        .y_label = c->metric,
                        .percent = is_share(c)};
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
}

static int by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
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
        qsort(x + at + 1, (size_t)studies, sizeof *x, by_value);
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
    char caption[256];
    snprintf(caption, sizeof caption, "Bands hold the mean with a probability of %g %%.",
             100 * (1 - nas__interval_level));
    nas__page_section(page, "curves", "On the way");
    nas__page_picture_begin(page, true);
    draw_curves(c, page);
    nas__page_picture_end(page, caption);
    nas__page_section_end(page);
}

static nas_status put_values(const nas_comparison *c, nas_text *page)
{
    char words[512], cost[64];
    nas__cost_text(c, c->at, cost, sizeof cost);
    nas__page_section(page, "values", "At equal cost");
    NAS_TRY(put_groups(c, page));
    snprintf(words, sizeof words,
             "Value: the mean of %s after %s, with its interval. Anytime: the mean over the whole "
             "way there. "
             "Target: %.5g; the cost is the median of the studies.",
             c->metric, cost, c->target);
    nas__page_words(page, words);
    nas__page_picture_begin(page, true);
    NAS_TRY(draw_distributions(c, page));
    nas__page_picture_end(page, "");
    nas__page_section_end(page);
    return NAS_OK;
}

nas_status nas_comparison_write(const nas_comparison *c, nas_text *page)
{
    char title[128], subtitle[256], cost[64];
    if (!c->studies)
        NAS_FAIL(NAS_FAILED, "a comparison is judged before it is written");
    nas__cost_text(c, c->at, cost, sizeof cost);
    snprintf(title, sizeof title, "Comparison of %d studies", c->study_count);
    snprintf(subtitle, sizeof subtitle, "%s of the best network after %s; %s is better", c->metric,
             cost, c->goal == NAS_GOAL_MAX ? "more" : "less");
    nas__page_begin(page, title, subtitle);
    NAS_TRY(put_verdicts(c, page));
    if (c->note_count) {
        nas__page_section(page, "notes", "To be noted");
        for (int i = 0; i < c->note_count; i++)
            nas__page_words(page, c->notes[i]);
        nas__page_section_end(page);
    }
    put_curves(c, page);
    NAS_TRY(put_values(c, page));
    NAS_TRY(put_studies(c, page));
    nas__page_end(page);
    return nas_text_check(page);
}
