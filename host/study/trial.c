/* trial.c - one line of the log as a value, its texts and its canonical form.
 *
 * 'The same' has one meaning in clnas: equal canonical lines.  They leave out whatever depends on the machine or the
 * moment (times, device, measured latency) and write every number as a hex float, so that a comparison of files is a
 * comparison of results to the last bit. */
#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {"queued", "running", "complete", "failed", "alias"};

const char *nas_trial_status_name(nas_trial_status status)
{
    return (unsigned)status < sizeof status_names / sizeof *status_names ? status_names[status]
                                                                         : "?";
}

void nas_trial_init(nas_trial *trial)
{
    *trial = (nas_trial){.index = -1, .parent = -1, .from = -1, .alias = -1};
}

void nas_trial_clear(nas_trial *trial)
{
    if (!trial)
        return;
    free(trial->arch);
    free(trial->note);
    free(trial->derived);
    free(trial->metrics);
    for (int i = 0; i < trial->curve_count; i++)
        free(trial->curves[i].values);
    nas_trial_init(trial);
}

static bool copy_bytes(const void *from, size_t size, void *to)
{
    void *copy = NULL;
    if (from && size) {
        copy = malloc(size);
        if (copy)
            memcpy(copy, from, size);
    }
    memcpy(to, &copy, sizeof copy);
    return copy || !from || !size;
}

nas_status nas_trial_copy(const nas_trial *from, nas_trial *to)
{
    *to = *from;
    bool ok = copy_bytes(from->arch, from->arch ? strlen(from->arch) + 1 : 0, &to->arch);
    ok &= copy_bytes(from->note, from->note ? strlen(from->note) + 1 : 0, &to->note);
    ok &= copy_bytes(from->derived, from->derived ? strlen(from->derived) + 1 : 0, &to->derived);
    ok &=
        copy_bytes(from->metrics, (size_t)from->metric_count * sizeof *from->metrics, &to->metrics);
    for (int i = 0; i < from->curve_count; i++)
        ok &= copy_bytes(from->curves[i].values, (size_t)from->curves[i].count * sizeof(double),
                         &to->curves[i].values);
    if (!ok) {
        nas_trial_clear(to);
        NAS_FAIL(NAS_MEMORY, "no memory for a copy of trial %d", from->index);
    }
    return NAS_OK;
}

bool nas_trial_final(const nas_trial *trial)
{
    return trial->status >= NAS_TRIAL_COMPLETE;
}

/* ---- metrics and curves ---------------------------------------------------------------------------------- */

static nas_status check_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= NAS_NAME_SIZE || name[strcspn(name, "=;,~ \t\n")] != '\0')
        NAS_FAIL(NAS_FAILED,
                 "\"%.64s\" is no name for a metric: 1 to %d characters without = ; , ~", name,
                 NAS_NAME_SIZE - 1);
    return NAS_OK;
}

static nas_metric *find_metric(const nas_trial *trial, const char *name)
{
    for (int i = 0; i < trial->metric_count; i++)
        if (strcmp(trial->metrics[i].name, name) == 0)
            return &trial->metrics[i];
    return NULL;
}

nas_status nas_trial_set_metric(nas_trial *trial, const char *name, double value, bool measured)
{
    NAS_TRY(check_name(name));
    nas_metric *metric = find_metric(trial, name);
    if (!metric) {
        size_t count = (size_t)trial->metric_count;
        if (count == NAS_METRICS)
            NAS_FAIL(NAS_FAILED, "trial %d has %d metrics already", trial->index, NAS_METRICS);
        nas_metric *metrics = realloc(trial->metrics, (count + 1) * sizeof *metrics);
        if (!metrics)
            NAS_FAIL(NAS_MEMORY, "no memory for metric %s", name);
        trial->metrics = metrics;
        metric = &metrics[trial->metric_count++];
        *metric = (nas_metric){0};
        strcpy(metric->name, name);
    }
    metric->value = value;
    metric->measured = measured;
    return NAS_OK;
}

double nas_trial_metric(const nas_trial *trial, const char *name)
{
    const nas_metric *metric = find_metric(trial, name);
    return metric ? metric->value : NAN;
}

bool nas_trial_has_metric(const nas_trial *trial, const char *name)
{
    return find_metric(trial, name) != NULL;
}

nas_status nas_trial_add_point(nas_trial *trial, const char *name, double value)
{
    int i = 0;
    NAS_TRY(check_name(name));
    while (i < trial->curve_count && strcmp(trial->curves[i].name, name) != 0)
        i++;
    if (i == NAS_CURVES)
        NAS_FAIL(NAS_FAILED, "trial %d has %d curves already", trial->index, NAS_CURVES);
    nas_curve *curve = &trial->curves[i];
    if (i == trial->curve_count) {
        *curve = (nas_curve){0};
        strcpy(curve->name, name);
        trial->curve_count++;
    }
    double *values = realloc(curve->values, (size_t)(curve->count + 1) * sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for a point of curve %s", name);
    curve->values = values;
    values[curve->count++] = value;
    return NAS_OK;
}

size_t nas_trial_derived_length(const nas_trial *trial)
{
    return trial->derived ? strcspn(trial->derived, " ") : 0;
}

nas_status nas_trial_set_derived(nas_trial *trial, const char *text)
{
    char *copy;
    if (!copy_bytes(text, strlen(text) + 1, &copy))
        NAS_FAIL(NAS_MEMORY, "no memory for the derived architecture of trial %d", trial->index);
    free(trial->derived);
    trial->derived = copy;
    return NAS_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------ */

void nas__metrics_write(const nas_trial *trial, nas_text *text)
{
    for (int i = 0; i < trial->metric_count; i++) {
        const nas_metric *metric = &trial->metrics[i];
        nas_text_format(text, "%s%s%s=", i ? ";" : "", metric->measured ? "~" : "", metric->name);
        nas__hex_write(metric->value, text);
    }
}

void nas__curves_write(const nas_trial *trial, nas_text *text)
{
    for (int i = 0; i < trial->curve_count; i++) {
        const nas_curve *curve = &trial->curves[i];
        nas_text_format(text, "%s%s=", i ? ";" : "", curve->name);
        for (int k = 0; k < curve->count; k++) {
            nas_text_add(text, k ? "," : "");
            nas__hex_write(curve->values[k], text);
        }
    }
}

static bool read_name(const char **text, char name[NAS_NAME_SIZE])
{
    size_t length = strcspn(*text, "=");
    if (length >= NAS_NAME_SIZE || (*text)[length] != '=')
        return false;
    memcpy(name, *text, length);
    name[length] = '\0';
    *text += length + 1;
    return true;
}

nas_status nas__metrics_read(const char *text, nas_trial *trial)
{
    for (const char *at = text; *at;) {
        char name[NAS_NAME_SIZE];
        double value;
        bool measured = *at == '~';
        at += measured;
        if (!read_name(&at, name) || !nas__hex_read(&at, &value) || (*at && *at++ != ';'))
            NAS_FAIL(NAS_STORE, "trial %d: metrics \"%.60s\" cannot be read", trial->index, text);
        NAS_TRY(nas_trial_set_metric(trial, name, value, measured));
    }
    return NAS_OK;
}

nas_status nas__curves_read(const char *text, nas_trial *trial)
{
    for (const char *at = text; *at;) {
        char name[NAS_NAME_SIZE];
        double value;
        bool more = read_name(&at, name), good = more;
        while (more) {
            good = nas__hex_read(&at, &value);
            if (good)
                NAS_TRY(nas_trial_add_point(trial, name, value));
            more = good && *at == ',';
            at += more;
        }
        if (!good || (*at && *at++ != ';'))
            NAS_FAIL(NAS_STORE, "trial %d: curves \"%.60s\" cannot be read", trial->index, text);
    }
    return NAS_OK;
}

/* ---- canonical line ---------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const nas_metric *)a)->name, ((const nas_metric *)b)->name);
}

void nas_trial_canonical(const nas_trial *trial, nas_text *text)
{
    nas_metric sorted[NAS_METRICS];
    if (trial->metric_count)
        memcpy(sorted, trial->metrics, (size_t)trial->metric_count * sizeof *sorted);
    qsort(sorted, (size_t)trial->metric_count, sizeof *sorted, by_name);
    nas_text_format(text, "%d %s budget=", trial->index, trial->arch ? trial->arch : "");
    nas__hex_write(trial->budget, text);
    if (trial->from >= 0)
        nas_text_format(text, " from=%d", trial->from);
    nas_text_format(text, " %s", nas_trial_status_name(trial->status));
    if (trial->derived)
        nas_text_format(text, " derived=%s", trial->derived);
    for (int i = 0; i < trial->metric_count; i++) {
        if (sorted[i].measured)
            continue;
        nas_text_format(text, " %s=", sorted[i].name);
        nas__hex_write(sorted[i].value, text);
    }
    if (trial->curve_count) {
        nas_text_add(text, " | ");
        nas__curves_write(trial, text);
    }
    nas_text_add(text, "\n");
}
