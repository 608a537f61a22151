/* subject.c - a study read once, for all pictures and sections that look at it.
 *
 * What costs little is read at once: log, config, progress, results of retraining, the order of the candidates.  The
 * space needs the data set, which may be large or gone, so it is opened when somebody asks for a network. */
#include "subject.h"

#include "drawing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void count_trials(nas__subject *subject)
{
    for (int i = 0; i < subject->count; i++) {
        const nas_trial *result = nas_study_result(subject->study, i);
        subject->epoch_count += result && result->derived;
        subject->failed_count += result && result->status == NAS_TRIAL_FAILED;
    }
}

nas_status nas__subject_open(const char *study_path, nas__subject *subject)
{
    NAS_TRY(nas_study_view_open(study_path, &subject->view));
    subject->study = subject->view.study;
    subject->config = &subject->view.config;
    subject->first = &subject->config->objectives.item[0];
    subject->count = nas_study_count(subject->study);
    NAS_TRY(nas_study_view_progress(&subject->view, &subject->progress));
    NAS_TRY(nas_study_view_results(&subject->view, subject->results, NAS_TRAIN_RESULTS,
                                   &subject->result_count));
    subject->best = calloc((size_t)subject->count + 1, sizeof *subject->best);
    if (!subject->best)
        NAS_FAIL(NAS_MEMORY, "no memory for a list of %d trials", subject->count);
    subject->best_count =
        nas_study_best(subject->study, subject->first, subject->count, subject->best);
    count_trials(subject);
    return NAS_OK;
}

void nas__subject_clear(nas__subject *subject)
{
    if (!subject)
        return;
    nas_domain_close(subject->domain);
    free(subject->best);
    nas_study_view_clear(&subject->view);
    *subject = (nas__subject){.count = 0};
}

const nas_domain *nas__subject_domain(nas__subject *subject)
{
    if (subject->asked_domain)
        return subject->domain;
    const nas_status status = nas_study_view_domain(&subject->view, &subject->domain);
    if (status != NAS_OK) {
        subject->domain = NULL;
        subject->no_memory = status == NAS_MEMORY;
        nas__text_fit(subject->no_domain, sizeof subject->no_domain, nas_error_message());
    }
    subject->asked_domain = true;
    return subject->domain;
}

const nas_trial *nas__subject_candidate(const nas__subject *subject, int i)
{
    const nas_trial *result = nas_study_result(subject->study, i);
    return result && result->index == i && result->status == NAS_TRIAL_COMPLETE && !result->derived
               ? result
               : NULL;
}

/* The text of its architecture: of an epoch, of the one that it speaks for. */
static void arch_text(const nas__subject *subject, int i, nas_text *text)
{
    const nas_trial *trial = nas_study_trial(subject->study, i);
    const nas_trial *result = nas_study_result(subject->study, i);
    if (result && result->derived)
        nas_text_add_bytes(text, result->derived, nas_trial_derived_length(result));
    else
        nas_text_add(text, trial->arch ? trial->arch : "");
}

nas_status nas__subject_arch(nas__subject *subject, int i, nas_arch *arch)
{
    nas_text text = {0};
    const nas_domain *domain = nas__subject_domain(subject);
    if (!domain)
        NAS_FAIL(subject->no_memory ? NAS_MEMORY : NAS_DATA, "%s", subject->no_domain);
    arch_text(subject, i, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_domain_read(domain, text.data, arch);
    nas_text_clear(&text);
    return status;
}

void nas__subject_describe(nas__subject *subject, int i, nas_text *text)
{
    nas_arch arch;
    const nas_status status = nas__subject_arch(subject, i, &arch);
    if (status == NAS_OK)
        nas_domain_describe(subject->domain, &arch, text);
    else
        arch_text(subject, i, text);
    text->failed = text->failed || status == NAS_MEMORY;
}

double *nas__subject_metric(const nas__subject *subject, const char *metric)
{
    double *values = malloc(((size_t)subject->count + 1) * sizeof *values);
    for (int i = 0; values && i < subject->count; i++) {
        const nas_trial *result = nas_study_result(subject->study, i);
        values[i] = result ? nas_trial_metric(result, metric) : NAN;
    }
    return values;
}
