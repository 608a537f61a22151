/* plot_importance.c - which genes the first objective depends on, as bars (importance.c has the method). */
#include "importance.h"
#include "plots.h"

static nas_status draw_genes(nas__subject *subject, nas__sheet *sheet)
{
    nas__importance importance = {.count = 0};
    nas_text words = {0};
    const char *metric = subject->first->metric;
    const nas_domain *domain = nas__subject_domain(subject);
    if (!domain)
        NAS_FAIL(subject->no_memory ? NAS_MEMORY : NAS_DATA, "%s", subject->no_domain);
    nas_status status = nas__importance_of_study(domain, subject->study, metric, &importance);
    if (status == NAS_OK) {
        nas__importance_words(&importance, &words);
        nas__importance_draw(&importance, metric, sheet->alone, nas__sheet_whole(sheet, true));
        nas__sheet_picture_end(sheet, nas__part(&words, sheet->out));
    }
    nas__importance_clear(&importance);
    nas_text_clear(&words);
    return status;
}

/* Too few trials, or all alike, or texts that are no architectures: no picture, and the sheet says why.  What costs the data set to find
 * out is not asked where there are too few in any case. */
static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    nas_status status = NAS_FAILED;
    if (subject->epoch_count > 0)
        nas_error_set(status, __FILE__, __LINE__,
                      "its trials are epochs of one supernet, which has all choices at once");
    else if (subject->best_count < NAS__IMPORTANCE_TRIALS)
        status = nas__importance_too_few(subject->best_count);
    else
        status = draw_genes(subject, sheet);
    if (status != NAS_OK)
        nas__text_fit(sheet->none, sizeof sheet->none, nas_error_message());
    return status == NAS_MEMORY ? status : NAS_OK;
}

const nas__plot_kind nas__plot_importance = {
    .kind = {.name = "importance", .summary = "Which genes the first objective depends on"},
    .draw = draw,
};
