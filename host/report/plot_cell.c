/* plot_cell.c - the cells of the best network, where the space is made of cells. */
#include "diagram.h"
#include "plots.h"

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    nas_arch arch;
    const int trial = nas__network_trial(subject);
    if (trial < 0)
        return NAS_OK;
    NAS_TRY(nas__subject_arch(subject, trial, &arch));
    NAS_TRY(
        nas__diagram_cells(subject->domain, &arch, sheet->alone, nas__sheet_whole(sheet, true)));
    nas__sheet_picture_end(sheet, "The cells of the best network.");
    return NAS_OK;
}

const nas__plot_kind nas__plot_cell = {
    .kind = {.name = "cell", .summary = "The cells of the best network, of spaces that have cells"},
    .draw = draw,
};
