/* plot_pareto.c - the first objective against each other one, with the front of the two.
 *
 * A front is what `clnas best --pareto` gives for these two objectives: the networks that no other one beats in both (Pareto).  What
 * is measured on several devices has a chart for each, as `--pareto --device NAME`: the best network for one is often not
 * the best for another.  A study with one objective is shown against what its networks cost, which nobody asked for and everybody wants
 * to know. */
#include "plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OTHERS = 16 };

typedef struct pair {
    const nas__subject *subject;
    nas_objectives two;
    const char *metrics[2]; /* first, other */
    int count;              /* all complete networks with both */
    int *trial;
    double *x, *y;
    int front_count;
    int *front; /* trials */
    double *front_x, *front_y;
    char name[64];
} pair;

static void pair_clear(pair *p)
{
    free(p->trial);
    free(p->x);
    free(p->y);
    free(p->front);
    free(p->front_x);
    free(p->front_y);
}

static void hover_trial(const void *user, int i, nas_text *text)
{
    const pair *p = user;
    nas__trial_words(text, p->subject, p->trial[i], p->metrics, 2);
}

static void hover_front(const void *user, int i, nas_text *text)
{
    const pair *p = user;
    nas_text_add(text, "on the front: ");
    nas__trial_words(text, p->subject, p->front[i], p->metrics, 2);
}

/* ---- which pairs ------------------------------------------------------------------------------------------------- */

static bool known(const nas_objective *list, int count, const char *metric)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].metric, metric) == 0)
            return true;
    return false;
}

static void add_other(nas_objective *list, int *count, const char *metric)
{
    if (*count == OTHERS || known(list, *count, metric))
        return;
    list[*count].goal = NAS_GOAL_MIN;
    snprintf(list[(*count)++].metric, NAS_NAME_SIZE, "%s", metric);
}

/* The other objectives, then latencies that are known but were no objective; of a single objective, costs. */
static int others_of(const nas__subject *subject, nas_objective others[OTHERS])
{
    const nas_objectives *all = &subject->config->objectives;
    int count = 0;
    for (int i = 1; i < all->count; i++)
        others[count++] = all->item[i];
    const int asked = count;
    for (int i = 0; i < subject->best_count; i++) {
        const nas_trial *trial = nas_study_trial(subject->study, subject->best[i]);
        for (int k = 0; k < trial->metric_count; k++)
            if (strncmp(trial->metrics[k].name, "latency_ms", strlen("latency_ms")) == 0 &&
                !known(all->item, 1, trial->metrics[k].name))
                add_other(others, &count, trial->metrics[k].name);
    }
    if (asked == 0 && !known(all->item, 1, "parameters"))
        add_other(others, &count, "parameters");
    if (asked == 0 && !known(all->item, 1, "macs"))
        add_other(others, &count, "macs");
    return count;
}

/* ---- one pair ---------------------------------------------------------------------------------------------------- */

static nas_status pair_init(pair *p, const nas__subject *subject, const nas_objective *other)
{
    const size_t count = (size_t)subject->count + 1;
    *p = (pair){.subject = subject, .two = {.count = 2, .item = {*subject->first, *other}}};
    p->metrics[0] = p->two.item[0].metric;
    p->metrics[1] = p->two.item[1].metric;
    p->trial = malloc(count * sizeof *p->trial);
    p->x = malloc(count * sizeof *p->x);
    p->y = malloc(count * sizeof *p->y);
    p->front = malloc(count * sizeof *p->front);
    p->front_x = malloc(count * sizeof *p->front_x);
    p->front_y = malloc(count * sizeof *p->front_y);
    if (!p->trial || !p->x || !p->y || !p->front || !p->front_x || !p->front_y)
        NAS_FAIL(NAS_MEMORY, "no memory for the points of %d trials", subject->count);
    for (int i = 0; i < subject->count; i++) {
        const nas_trial *trial = nas__subject_candidate(subject, i);
        if (!trial || !isfinite(nas_objective_score(&p->two.item[0], trial)) ||
            !isfinite(nas_objective_score(&p->two.item[1], trial)))
            continue;
        p->trial[p->count] = i;
        p->x[p->count] = nas_trial_metric(trial, p->metrics[1]);
        p->y[p->count++] = nas_trial_metric(trial, p->metrics[0]);
    }
    return nas_study_front(subject->study, &p->two, p->front, &p->front_count);
}

/* In the order in which steps draw what the front reaches: the best of the other objective first. */
static void sort_front(pair *p)
{
    const double sign = p->two.item[1].goal == NAS_GOAL_MIN ? 1 : -1;
    for (int i = 0; i < p->front_count; i++) {
        const int trial = p->front[i];
        const double x = nas_trial_metric(nas_study_trial(p->subject->study, trial), p->metrics[1]);
        int at = i;
        for (; at > 0 && sign * p->front_x[at - 1] > sign * x; at--) {
            p->front[at] = p->front[at - 1];
            p->front_x[at] = p->front_x[at - 1];
        }
        p->front[at] = trial;
        p->front_x[at] = x;
    }
    for (int i = 0; i < p->front_count; i++)
        p->front_y[i] =
            nas_trial_metric(nas_study_trial(p->subject->study, p->front[i]), p->metrics[0]);
}

static void draw_pair(pair *p, nas__sheet *sheet)
{
    nas_text x = {0}, y = {0}, title = {0}, caption = {0};
    nas__metric_words(&x, p->metrics[1]);
    nas__metric_words(&y, p->metrics[0]);
    nas_text_add(&title, nas__part(&y, sheet->out));
    nas_text_add(&title, " against ");
    nas_text_add(&title, nas__part(&x, sheet->out));
    if (title.data && title.data[0] >= 'a' && title.data[0] <= 'z')
        title.data[0] -= 'a' - 'A';
    nas__chart chart = {.title = nas__part(&title, sheet->out),
                        .y_label = nas__part(&y, sheet->out),
                        .x_log = nas__wants_log(p->x, p->count),
                        .percent = nas__metric_share(p->metrics[0]),
                        .series_count = 3};
    if (chart.x_log)
        nas_text_add(&x, " (logarithmic)");
    chart.x_label = nas__part(&x, sheet->out);
    snprintf(p->name, sizeof p->name, "front (%d)", p->front_count);
    chart.series[0] = (nas__series){.name = "a network", .mark = NAS__POINTS, .colour = -1};
    chart.series[0].count = p->count;
    chart.series[0].x = p->x;
    chart.series[0].y = p->y;
    chart.series[0].hover = hover_trial;
    chart.series[0].user = p;
    chart.series[1] = (nas__series){.name = p->name, .mark = NAS__STEP, .colour = 1};
    chart.series[1].count = p->front_count;
    chart.series[1].x = p->front_x;
    chart.series[1].y = p->front_y;
    chart.series[1].hover = hover_front;
    chart.series[1].user = p;
    chart.series[2] = chart.series[1];
    chart.series[2].name = NULL;
    chart.series[2].mark = NAS__POINTS;
    nas_text_format(&caption,
                    "The line is the front: no other network is better in both, %s %s and %s %s.",
                    p->two.item[0].goal == NAS_GOAL_MAX ? "higher" : "lower", p->metrics[0],
                    p->two.item[1].goal == NAS_GOAL_MAX ? "higher" : "lower", p->metrics[1]);
    nas__sheet_chart(sheet, &chart, nas__part(&caption, sheet->out));
    nas_text_clear(&x);
    nas_text_clear(&y);
    nas_text_clear(&title);
    nas_text_clear(&caption);
}

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    nas_objective others[OTHERS];
    const int count = others_of(subject, others);
    for (int i = 0; i < count; i++) {
        pair p;
        nas_status status = pair_init(&p, subject, &others[i]);
        if (status == NAS_OK && p.count > 1) {
            sort_front(&p);
            draw_pair(&p, sheet);
        }
        pair_clear(&p);
        NAS_TRY(status);
    }
    return NAS_OK;
}

const nas__plot_kind nas__plot_pareto = {
    .kind = {.name = "pareto",
             .summary = "The first objective against the others, on each device, and the fronts"},
    .draw = draw,
};
