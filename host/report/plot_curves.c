/* plot_curves.c - what was measured on the way of a training: the best networks in colour, some others lightly behind them.
 *
 * One chart for each name of a curve.  A point is an epoch; where trainings were measured once only, at their end, there
 * is nothing to see, and no chart. */
#include "plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEST = 5, OTHERS = 40, NAMES = 12, POINTS = 10000 };

typedef struct curve_names {
    int count;
    char name[NAMES][NAS_NAME_SIZE];
} curve_names;

static void collect_names(const nas__subject *subject, curve_names *names)
{
    for (int i = 0; i < subject->best_count; i++) {
        const nas_trial *trial = nas_study_trial(subject->study, subject->best[i]);
        for (int k = 0; k < trial->curve_count; k++) {
            bool known = trial->curves[k].count < 2;
            for (int n = 0; n < names->count && !known; n++)
                known = strcmp(names->name[n], trial->curves[k].name) == 0;
            if (!known && names->count < NAMES)
                snprintf(names->name[names->count++], NAS_NAME_SIZE, "%s", trial->curves[k].name);
        }
    }
}

static const nas_curve *curve_of(const nas_trial *trial, const char *name)
{
    for (int k = 0; k < trial->curve_count; k++)
        if (strcmp(trial->curves[k].name, name) == 0 && trial->curves[k].count > 1)
            return &trial->curves[k];
    return NULL;
}

/* A series for the trial that is the `rank`-th best; false: it has no such curve. */
static bool add_series(nas__chart *chart, const nas_trial *trial, const char *name, int colour,
                       const double *epochs, char label[32])
{
    const nas_curve *curve = curve_of(trial, name);
    if (!curve || chart->series_count == NAS__SERIES)
        return false;
    snprintf(label, 32, "trial %d", trial->index);
    chart->series[chart->series_count++] =
        (nas__series){.name = label,
                      .unlisted = colour < 0,
                      .mark = NAS__LINE,
                      .colour = colour,
                      .count = curve->count < POINTS ? curve->count : POINTS,
                      .x = epochs,
                      .y = curve->values};
    return true;
}

/* Others first, so that the best lie above them: evenly taken from best to worst. */
static void add_all(const nas__subject *subject, const char *name, const double *epochs,
                    char labels[NAS__SERIES][32], nas__chart *chart)
{
    const int best = subject->best_count < BEST ? subject->best_count : BEST;
    const int rest = subject->best_count - best, others = rest < OTHERS ? rest : OTHERS;
    for (int k = others - 1; k >= 0; k--) {
        const int at = best + (int)((int64_t)k * rest / others);
        const nas_trial *trial = nas_study_trial(subject->study, subject->best[at]);
        add_series(chart, trial, name, -1, epochs, labels[chart->series_count]);
    }
    for (int k = 0; k < best; k++)
        add_series(chart, nas_study_trial(subject->study, subject->best[k]), name, k, epochs,
                   labels[chart->series_count]);
}

static void draw_name(const nas__subject *subject, const char *name, const double *epochs,
                      nas__sheet *sheet)
{
    char(*labels)[32] = calloc(NAS__SERIES, sizeof *labels);
    nas__chart *chart = calloc(1, sizeof *chart);
    nas_text words = {0}, title = {0};
    if (labels && chart) {
        nas__metric_words(&words, name);
        nas_text_format(&title, "Training: %s", nas__part(&words, sheet->out));
        *chart = (nas__chart){.title = nas__part(&title, sheet->out),
                              .x_label = "epoch",
                              .percent = nas__metric_share(name)};
        add_all(subject, name, epochs, labels, chart);
        nas__sheet_chart(
            sheet, chart,
            sheet->count == 0
                ? "The best networks in colour, others of the search lightly behind them."
                : NULL);
    } else {
        sheet->out->failed = true;
    }
    nas_text_clear(&words);
    nas_text_clear(&title);
    free(labels);
    free(chart);
}

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    curve_names names = {0};
    double *epochs = malloc(POINTS * sizeof *epochs);
    if (!epochs)
        NAS_FAIL(NAS_MEMORY, "no memory for curves");
    for (int i = 0; i < POINTS; i++)
        epochs[i] = i + 1;
    collect_names(subject, &names);
    for (int n = 0; n < names.count; n++)
        draw_name(subject, names.name[n], epochs, sheet);
    free(epochs);
    return NAS_OK;
}

const nas__plot_kind nas__plot_curves = {
    .kind = {.name = "curves", .summary = "How the best networks were trained, epoch by epoch"},
    .draw = draw,
};
