/* plots.c - the registry of pictures, and each of them alone as a file or among others on a page. */
#include "plots.h"

#include <clnas/report.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAS_PLOT(name) extern const nas__plot_kind nas__plot_##name;
#include "plot_list.h"
#undef NAS_PLOT

static const nas__plot_kind *const plots[] = {
#define NAS_PLOT(name) &nas__plot_##name,
#include "plot_list.h"
#undef NAS_PLOT
};
enum { PLOTS = sizeof plots / sizeof plots[0] };

const nas_kind *nas_plot_at(int index)
{
    return index >= 0 && index < PLOTS ? &plots[index]->kind : NULL;
}

const nas__plot_kind *nas__plot_find(const char *name)
{
    for (int i = 0; i < PLOTS; i++)
        if (strcmp(plots[i]->kind.name, name) == 0)
            return plots[i];
    return NULL;
}

static nas_status no_such_plot(const char *name)
{
    const char *names[PLOTS];
    nas_text all = {0};
    for (int i = 0; i < PLOTS; i++) {
        names[i] = plots[i]->kind.name;
        nas_text_format(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = nas_nearest_name(name, names, PLOTS);
    nas_status status =
        nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "no plot \"%.64s\"%s%s%s; there are %s", name,
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                      all.data ? all.data : "");
    nas_text_clear(&all);
    return status;
}

static nas_status draw_alone(const nas__plot_kind *plot, nas__subject *subject, nas_text *svg)
{
    nas__sheet *sheet = calloc(1, sizeof *sheet);
    if (!sheet)
        NAS_FAIL(NAS_MEMORY, "no memory for a picture");
    nas__sheet_begin(sheet, true, svg);
    nas_status status = plot->draw(subject, sheet);
    if (status == NAS_OK && sheet->count == 0 && !sheet->whole)
        status =
            nas_error_set(NAS_FAILED, __FILE__, __LINE__, "%s has nothing for this picture: %s",
                          subject->view.path, *sheet->none ? sheet->none : plot->kind.summary);
    nas__sheet_end(sheet, plot->kind.summary);
    free(sheet);
    return status == NAS_OK ? nas_text_check(svg) : status;
}

nas_status nas_plot_write(const char *name, const char *study_path, nas_text *svg)
{
    const nas__plot_kind *plot = nas__plot_find(name);
    if (!plot)
        return no_such_plot(name);
    nas__subject *subject = calloc(1, sizeof *subject);
    if (!subject)
        NAS_FAIL(NAS_MEMORY, "no memory for a study");
    nas_status status = nas__subject_open(study_path, subject);
    if (status == NAS_OK)
        status = draw_alone(plot, subject, svg);
    nas__subject_clear(subject);
    free(subject);
    return status;
}

nas_status nas__plot_page(const char *name, nas__subject *subject, nas_text *page)
{
    const nas__plot_kind *plot = nas__plot_find(name);
    nas__sheet *sheet = calloc(1, sizeof *sheet);
    nas_text figures = {0};
    if (!plot || !sheet) {
        free(sheet);
        NAS_FAIL(NAS_MEMORY, "no memory for the picture \"%s\"", name);
    }
    nas__sheet_begin(sheet, false, &figures);
    nas_status status = plot->draw(subject, sheet);
    const bool some = sheet->count > 0 || sheet->whole;
    nas__sheet_end(sheet, "");
    const char *drawn = nas__part(&figures, page);
    if (status == NAS_OK && some)
        nas_text_add(page, drawn);
    nas_text_clear(&figures);
    free(sheet);
    return status;
}

/* ---- shared by several ------------------------------------------------------------------------------------------- */

void nas__trial_words(nas_text *text, const nas__subject *subject, int i,
                      const char *const *metrics, int count)
{
    const nas_trial *trial = nas_study_trial(subject->study, i);
    const nas_trial *result = nas_study_result(subject->study, i);
    nas_text_format(text, "trial %d", i);
    for (int k = 0; k < count && result; k++) {
        nas_text_format(text, "%s%s ", k ? ", " : ": ", metrics[k]);
        nas__metric_value(text, metrics[k], nas_trial_metric(result, metrics[k]));
    }
    if (trial->arch)
        nas_text_format(text, "\n%s", trial->arch);
}

bool nas__wants_log(const double *values, int count)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    return low > 0 && high > 20 * low;
}
