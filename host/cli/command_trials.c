/* command_trials.c - the log of a study, one trial a row. */
#include "cli.h"

#include <stdlib.h>

typedef struct options {
    bool canonical, curves;
    int format;
} options;

static const cli_option rows[] = {
    {"canonical", 0, CLI_FLAG, offsetof(options, canonical), NULL, NULL, 0, 0, NULL,
     "What 'the same' means: index, architecture, budget, status, metrics and curves as hex "
     "floats; no times, no devices"},
    {"curves", 0, CLI_FLAG, offsetof(options, curves), NULL, NULL, 0, 0, NULL,
     "What was measured on the way: a row for each point of the curves (an epoch, as a rule)"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status print_canonical(const nas_study_view *view)
{
    nas_text text = {0};
    nas_study_canonical(view->study, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK && text.data)
        fputs(text.data, stdout);
    nas_text_clear(&text);
    return status;
}

static nas_status print_listing(const nas_study_view *view, cli_format format)
{
    int count = nas_study_count(view->study);
    cli_listing listing = {0};
    int *indices = calloc((size_t)count + 1, sizeof *indices);
    nas_status status = NAS_OK;
    if (!indices)
        NAS_FAIL(NAS_MEMORY, "no memory for a list of %d trials", count);
    for (int i = 0; i < count; i++)
        indices[i] = i;
    NAS_TRY_DONE(cli_trials_listing(view, indices, count, &listing));
    status = cli_listing_print(&listing, format, stdout);
done:
    cli_listing_clear(&listing);
    free(indices);
    return status;
}

/* ---- curves ------------------------------------------------------------------------------------------------- */

static void add_curve_columns(const nas_trial *trial, cli_listing *listing)
{
    for (int i = 0; i < trial->curve_count; i++)
        if (!cli_listing_has(listing, trial->curves[i].name) && listing->column_count < CLI_COLUMNS)
            cli_listing_column(listing, trial->curves[i].name, true);
}

static void add_curve_rows(const nas_trial *trial, cli_listing *listing)
{
    int points = 0;
    for (int i = 0; i < trial->curve_count; i++)
        points = trial->curves[i].count > points ? trial->curves[i].count : points;
    for (int point = 0; point < points; point++) {
        cli_listing_row(listing);
        cli_listing_int(listing, "trial", trial->index);
        cli_listing_text(listing, "arch", trial->arch ? trial->arch : "");
        cli_listing_int(listing, "point", point + 1);
        for (int i = 0; i < trial->curve_count; i++)
            if (point < trial->curves[i].count && cli_listing_has(listing, trial->curves[i].name))
                cli_listing_real(listing, trial->curves[i].name, trial->curves[i].values[point],
                                 "%.4f");
    }
}

static nas_status print_curves(const nas_study_view *view, cli_format format)
{
    int count = nas_study_count(view->study);
    cli_listing listing = {.name = "points"};
    cli_listing_column(&listing, "trial", true);
    cli_listing_column(&listing, "arch", true);
    cli_listing_column(&listing, "point", true);
    for (int i = 0; i < count; i++)
        add_curve_columns(nas_study_trial(view->study, i), &listing);
    for (int i = 0; i < count; i++)
        add_curve_rows(nas_study_trial(view->study, i), &listing);
    nas_status status = cli_listing_print(&listing, format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    nas_study_view *view = calloc(1, sizeof *view);
    nas_status status;
    if (!view)
        NAS_FAIL(NAS_MEMORY, "no memory for a study");
    NAS_TRY_DONE(nas_study_view_open(call->arguments[0], view));
    if (given->canonical)
        status = print_canonical(view);
    else if (given->curves)
        status = print_curves(view, given->format);
    else
        status = print_listing(view, given->format);
done:
    nas_study_view_clear(view);
    free(view);
    return status;
}

const cli_command cli_command_trials = {
    .name = "trials",
    .arguments = "STUDY",
    .summary = "List the trials of a study",
    .examples = "  clnas trials fashion.study\n"
                "  clnas trials fashion.study --format csv > trials.csv\n"
                "  clnas trials fashion.study --curves --format csv > curves.csv\n"
                "  clnas trials fashion.study --canonical | sha256sum\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
