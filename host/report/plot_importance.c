/* plot_importance.c - which genes the first objective depends on, as bars (importance.c has the method). */
#include "importance.h"
#include "plots.h"

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    nas__importance importance = {.count = 0};
    nas_text words = {0};
    const char *metric = subject->first->metric;
    const nas_domain *domain =
        subject->best_count >= NAS__IMPORTANCE_TRIALS && !subject->epoch_count
            ? nas__subject_domain(subject)
            : NULL;
    if (!domain)
        return NAS_OK;
    nas_status status = nas__importance_of_study(domain, subject->study, metric, &importance);
    if (status == NAS_OK) {
        nas__importance_words(&importance, &words);
        nas__importance_draw(&importance, metric, sheet->alone, nas__sheet_whole(sheet, true));
        nas__sheet_picture_end(sheet, nas__part(&words, sheet->out));
    }
    nas__importance_clear(&importance);
    nas_text_clear(&words);
    /* too few, or all alike, or texts that are no architectures: no picture */
    return status == NAS_MEMORY ? status : NAS_OK;
}

const nas__plot_kind nas__plot_importance = {
    .kind = {.name = "importance", .summary = "Which genes the first objective depends on"},
    .draw = draw,
};
