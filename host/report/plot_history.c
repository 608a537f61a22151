/* plot_history.c - every network that was tried, and the best so far: one chart for each objective.
 *
 * Where trainings of several lengths were made (successive halving and its kin), each length has its colour, because their scores are
 * not the same thing.  The line of the best is what `clnas best` would have said at that moment. */
#include "plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUDGETS = 6 };

/* What the dots of one length of training share. */
typedef struct dots {
    const nas__subject *subject;
    const char *metric;
    double budget;
    int count;
    int *trial;
    double *x, *y;
    char name[64];
} dots;

typedef struct history {
    dots dots[BUDGETS];
    int dots_count;
    double *best_x, *best_y;
    int *best_trial;
    int best_count;
    const nas__subject *subject;
    const nas_objective *objective;
} history;

static void history_clear(history *h)
{
    for (int i = 0; i < h->dots_count; i++) {
        free(h->dots[i].trial);
        free(h->dots[i].x);
        free(h->dots[i].y);
    }
    free(h->best_x);
    free(h->best_y);
    free(h->best_trial);
}

static void hover_dot(const void *user, int i, nas_text *text)
{
    const dots *d = user;
    nas__trial_words(text, d->subject, d->trial[i], &d->metric, 1);
}

static void hover_best(const void *user, int i, nas_text *text)
{
    const history *h = user;
    const char *metric = h->objective->metric;
    nas_text_add(text, "best so far, ");
    nas__trial_words(text, h->subject, h->best_trial[i], &metric, 1);
}

/* The dots of that length; beyond BUDGETS lengths the last ones lie together. */
static dots *dots_of(history *h, double budget)
{
    const size_t count = (size_t)h->subject->count + 1;
    for (int i = 0; i < h->dots_count; i++)
        if (h->dots[i].budget == budget)
            return &h->dots[i];
    if (h->dots_count == BUDGETS)
        return &h->dots[BUDGETS - 1];
    dots *d = &h->dots[h->dots_count++];
    *d = (dots){.subject = h->subject, .metric = h->objective->metric, .budget = budget};
    d->trial = malloc(count * sizeof *d->trial);
    d->x = malloc(count * sizeof *d->x);
    d->y = malloc(count * sizeof *d->y);
    return d->trial && d->x && d->y ? d : NULL;
}

static nas_status fill(history *h)
{
    const nas__subject *subject = h->subject;
    const double sign = h->objective->goal == NAS_GOAL_MAX ? 1 : -1;
    double best = -INFINITY;
    int best_trial = -1;
    for (int i = 0; i < subject->count; i++) {
        const nas_trial *trial = nas_study_trial(subject->study, i);
        const nas_trial *result = nas__subject_candidate(subject, i);
        const double score = result ? nas_objective_score(h->objective, result) : -INFINITY;
        if (!isfinite(score))
            continue;
        dots *d = dots_of(h, trial->budget);
        if (!d)
            NAS_FAIL(NAS_MEMORY, "no memory for the points of %d trials", subject->count);
        d->trial[d->count] = i;
        d->x[d->count] = i;
        d->y[d->count++] = sign * score;
        if (score > best) {
            best = score;
            best_trial = i;
        }
        h->best_trial[h->best_count] = best_trial;
        h->best_x[h->best_count] = i;
        h->best_y[h->best_count++] = sign * best;
    }
    return NAS_OK;
}

static int by_budget(const void *left, const void *right)
{
    const dots *a = left, *b = right;
    return a->budget < b->budget ? -1 : a->budget > b->budget;
}

static void name_dots(history *h, nas__sheet *sheet)
{
    nas_text name = {0};
    qsort(h->dots, (size_t)h->dots_count, sizeof *h->dots, by_budget);
    for (int i = 0; i < h->dots_count; i++) {
        dots *d = &h->dots[i];
        nas_text_reset(&name);
        nas__number_words(&name, d->budget);
        snprintf(d->name, sizeof d->name, "%s %s", nas__part(&name, sheet->out),
                 d->budget == 1 ? "epoch" : "epochs");
        if (h->dots_count == 1)
            snprintf(d->name, sizeof d->name, "a network");
        else if (d->budget == 0)
            snprintf(d->name, sizeof d->name, "not trained");
    }
    nas_text_clear(&name);
}

static void draw_chart(const history *h, nas__sheet *sheet)
{
    static const int colours[BUDGETS] = {2, 3, 4, 5, 6, 7};
    nas_text title = {0}, label = {0}, caption = {0};
    nas__metric_words(&label, h->objective->metric);
    nas_text_add(&title, "History: ");
    nas_text_add(&title, nas__part(&label, sheet->out));
    nas__chart chart = {.title = nas__part(&title, sheet->out),
                        .x_label = "trial",
                        .percent = nas__metric_share(h->objective->metric)};
    for (int i = 0; i < h->dots_count; i++) {
        const dots *d = &h->dots[i];
        chart.y_log = chart.y_log || (h->objective->goal == NAS_GOAL_MIN && h->dots_count == 1 &&
                                      nas__wants_log(d->y, d->count));
        chart.series[chart.series_count++] =
            (nas__series){.name = d->name,
                          .mark = NAS__POINTS,
                          .colour = h->dots_count == 1 ? -1 : colours[i],
                          .count = d->count,
                          .x = d->x,
                          .y = d->y,
                          .hover = hover_dot,
                          .user = d};
    }
    chart.series[chart.series_count++] = (nas__series){.name = "best so far",
                                                       .mark = NAS__STEP,
                                                       .colour = 0,
                                                       .count = h->best_count,
                                                       .x = h->best_x,
                                                       .y = h->best_y,
                                                       .hover = hover_best,
                                                       .user = h};
    if (sheet->count == 0)
        nas_text_add(&caption,
                     "Each dot is a network that was tried, in the order of the trials; the "
                     "line is the best until then. ");
    nas_text_add(&caption,
                 h->objective->goal == NAS_GOAL_MAX ? "Higher is better." : "Lower is better.");
    nas__sheet_chart(sheet, &chart, nas__part(&caption, sheet->out));
    nas_text_clear(&caption);
    nas_text_clear(&title);
    nas_text_clear(&label);
}

static nas_status draw_objective(nas__subject *subject, const nas_objective *objective,
                                 nas__sheet *sheet)
{
    const size_t count = (size_t)subject->count + 1;
    history h = {.subject = subject,
                 .objective = objective,
                 .best_x = malloc(count * sizeof(double)),
                 .best_y = malloc(count * sizeof(double)),
                 .best_trial = malloc(count * sizeof(int))};
    nas_status status = NAS_OK;
    if (!h.best_x || !h.best_y || !h.best_trial)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for %d trials",
                               subject->count);
    if (status == NAS_OK)
        status = fill(&h);
    if (status == NAS_OK && h.best_count > 0 && (h.best_count > 1 || subject->epoch_count == 0)) {
        name_dots(&h, sheet);
        draw_chart(&h, sheet);
    }
    history_clear(&h);
    return status;
}

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    for (int i = 0; i < subject->config->objectives.count; i++)
        NAS_TRY(draw_objective(subject, &subject->config->objectives.item[i], sheet));
    return NAS_OK;
}

const nas__plot_kind nas__plot_history = {
    .kind = {.name = "history", .summary = "What was tried, and the best so far"},
    .draw = draw,
};
