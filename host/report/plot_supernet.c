/* plot_supernet.c - a supernet from epoch to epoch: each of its trials is one.
 *
 * What is measured after each epoch goes into a chart by what it is: losses together, accuracies together, the entropies of
 * the choices together (a supernet makes up its mind as they fall), anything else alone. */
#include "plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 12, MEMBERS = 8 };

typedef struct measure {
    char name[NAS_NAME_SIZE];
    double *values; /* by epoch */
} measure;

typedef struct measures {
    char what[NAS_NAME_SIZE]; /* the part of the name that members share */
    int count;
    measure member[MEMBERS];
} measures;

typedef struct supernet {
    int epochs;
    int *trial; /* of each epoch */
    double *epoch;
    int group_count;
    measures groups[GROUPS];
} supernet;

/* "loss" of "valid_loss", "entropy" of "entropy_normal"; else the name itself. */
static void kind_of(const char *name, char what[NAS_NAME_SIZE])
{
    static const char *const kinds[] = {"accuracy", "loss", "entropy", "skips", "r2", "f1"};
    snprintf(what, NAS_NAME_SIZE, "%s", name);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strstr(name, kinds[i])) {
            snprintf(what, NAS_NAME_SIZE, "%s", kinds[i]);
            return;
        }
}

/* Measured by the clock or the same in every epoch: not what the charts are about. */
static bool is_aside(const nas_metric *metric)
{
    return metric->measured || strcmp(metric->name, "memory") == 0 ||
           strstr(metric->name, "parameters") || strcmp(metric->name, "macs") == 0 ||
           strstr(metric->name, "_bytes");
}

static void add_name(supernet *s, const char *name)
{
    char what[NAS_NAME_SIZE];
    measures *group = NULL;
    kind_of(name, what);
    for (int i = 0; i < s->group_count && !group; i++)
        if (strcmp(s->groups[i].what, what) == 0)
            group = &s->groups[i];
    if (!group && s->group_count < GROUPS) {
        group = &s->groups[s->group_count++];
        memcpy(group->what, what, sizeof what);
    }
    for (int i = 0; group && i < group->count; i++)
        if (strcmp(group->member[i].name, name) == 0)
            return;
    if (group && group->count < MEMBERS)
        snprintf(group->member[group->count++].name, NAS_NAME_SIZE, "%s", name);
}

static nas_status fill(const nas__subject *subject, supernet *s)
{
    const size_t count = (size_t)subject->epoch_count + 1;
    s->trial = malloc(count * sizeof *s->trial);
    s->epoch = malloc(count * sizeof *s->epoch);
    if (!s->trial || !s->epoch)
        NAS_FAIL(NAS_MEMORY, "no memory for %d epochs", subject->epoch_count);
    for (int i = 0; i < subject->count && s->epochs < subject->epoch_count; i++) {
        const nas_trial *result = nas_study_result(subject->study, i);
        if (!result || !result->derived)
            continue;
        s->trial[s->epochs] = i;
        s->epoch[s->epochs++] = nas_study_trial(subject->study, i)->budget;
        for (int k = 0; k < result->metric_count; k++)
            if (!is_aside(&result->metrics[k]))
                add_name(s, result->metrics[k].name);
    }
    for (int g = 0; g < s->group_count; g++)
        for (int k = 0; k < s->groups[g].count; k++) {
            measure *m = &s->groups[g].member[k];
            m->values = malloc(count * sizeof *m->values);
            if (!m->values)
                NAS_FAIL(NAS_MEMORY, "no memory for %d epochs", subject->epoch_count);
            for (int e = 0; e < s->epochs; e++)
                m->values[e] =
                    nas_trial_metric(nas_study_result(subject->study, s->trial[e]), m->name);
        }
    return NAS_OK;
}

static void supernet_clear(supernet *s)
{
    for (int g = 0; g < s->group_count; g++)
        for (int k = 0; k < s->groups[g].count; k++)
            free(s->groups[g].member[k].values);
    free(s->trial);
    free(s->epoch);
}

static void draw_group(const supernet *s, const measures *group, nas__sheet *sheet)
{
    nas_text title = {0};
    nas__chart chart = {.x_label = "epoch of the supernet",
                        .percent = nas__metric_share(group->member[0].name)};
    nas_text_add(&title, "Supernet: ");
    nas__metric_words(&title, group->what);
    chart.title = nas__part(&title, sheet->out);
    for (int k = 0; k < group->count; k++)
        chart.series[chart.series_count++] = (nas__series){.name = group->member[k].name,
                                                           .mark = NAS__LINE,
                                                           .colour = k,
                                                           .count = s->epochs,
                                                           .x = s->epoch,
                                                           .y = group->member[k].values};
    nas__sheet_chart(sheet, &chart,
                     strcmp(group->what, "entropy") == 0
                         ? "Mean entropy of the choices, in nats: it falls as the supernet makes "
                           "up its mind."
                         : "Measured after each epoch, which is a trial of its own.");
    nas_text_clear(&title);
}

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    supernet *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for a supernet");
    nas_status status = subject->epoch_count > 0 ? fill(subject, s) : NAS_OK;
    for (int g = 0; status == NAS_OK && g < s->group_count; g++)
        draw_group(s, &s->groups[g], sheet);
    supernet_clear(s);
    free(s);
    return status;
}

const nas__plot_kind nas__plot_supernet = {
    .kind = {.name = "supernet",
             .summary = "Of a one-shot search: losses, scores and choices, epoch by epoch"},
    .draw = draw,
};
