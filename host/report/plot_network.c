/* plot_network.c - the best network, drawn; of a one-shot search that has not come to one, what its supernet speaks for now. */
#include "diagram.h"
#include "plots.h"

#include <stdlib.h>

int nas__network_trial(const nas__subject *subject)
{
    if (subject->best_count > 0)
        return subject->best[0];
    for (int i = subject->count - 1; i >= 0; i--) {
        const nas_trial *result = nas_study_result(subject->study, i);
        if (result && result->derived)
            return i;
    }
    return -1;
}

nas_status nas__network_draw(nas__subject *subject, int trial, nas__sheet *sheet)
{
    nas_arch arch;
    nas_text svg = {0}, words = {0}, caption = {0};
    NAS_TRY(nas__subject_arch(subject, trial, &arch));
    nas_status status = nas__diagram_network(subject->domain, &arch, sheet->alone, &svg);
    if (status == NAS_OK) {
        nas_domain_describe(subject->domain, &arch, &words);
        nas_text_format(&caption, "Trial %d: %s", trial, nas__part(&words, sheet->out));
        nas_text_add(nas__sheet_whole(sheet, true), nas__part(&svg, sheet->out));
        nas__sheet_picture_end(sheet, nas__part(&caption, sheet->out));
    }
    nas_text_clear(&svg);
    nas_text_clear(&words);
    nas_text_clear(&caption);
    return status;
}

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    const int trial = nas__network_trial(subject);
    return trial < 0 ? NAS_OK : nas__network_draw(subject, trial, sheet);
}

const nas__plot_kind nas__plot_network = {
    .kind = {.name = "network", .summary = "The best network, layer by layer or as cells"},
    .draw = draw,
};
