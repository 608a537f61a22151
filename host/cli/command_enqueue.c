/* command_enqueue.c - architectures to be evaluated next, whatever the strategy would say. */
#include "cli.h"

#include <stdlib.h>

typedef struct options {
    cli_list set;
    double epochs;
    int format;
} options;

static const cli_option rows[] = {
    {"epochs", 0, CLI_REAL, offsetof(options, epochs), "N", NULL, 0, 1e6, NULL,
     "Budget (default: that of a full trial, train.epochs)"},
    {"set", 's', CLI_LIST, offsetof(options, set), "KEY=VALUE", NULL, 0, 0, NULL,
     "With a config: change it, -s budget.trials=96"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status print(const cli_call *call, const nas_enqueued *enqueued, cli_format format)
{
    cli_listing listing = {.name = "enqueued"};
    cli_listing_column(&listing, "trial", true);
    cli_listing_column(&listing, "known", true);
    cli_listing_column(&listing, "arch", true);
    for (int i = 1; i < call->count; i++) {
        cli_listing_row(&listing);
        cli_listing_int(&listing, "trial", enqueued[i - 1].index);
        cli_listing_bool(&listing, "known", enqueued[i - 1].known);
        cli_listing_text(&listing, "arch", call->arguments[i]);
    }
    nas_status status = cli_listing_print(&listing, format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    cli_overrides overrides = {0};
    int count = call->count - 1;
    nas_status status = NAS_OK;
    nas_enqueued *enqueued = calloc((size_t)count + 1, sizeof *enqueued);
    if (!enqueued)
        NAS_FAIL(NAS_MEMORY, "no memory for %d architectures", count);
    NAS_TRY_DONE(cli_override_list(&overrides, &given->set));
    const nas_ask_options ask = {.overrides = (const char *const *)overrides.item,
                                 .override_count = overrides.count};
    NAS_TRY_DONE(nas_session_enqueue(call->arguments[0], &ask,
                                     (const char *const *)call->arguments + 1, count, given->epochs,
                                     enqueued));
    status = print(call, enqueued, given->format);
done:
    cli_overrides_clear(&overrides);
    free(enqueued);
    return status;
}

const cli_command cli_command_enqueue = {
    .name = "enqueue",
    .arguments = "STUDY|CONFIG ARCH…",
    .summary = "Have architectures evaluated next",
    .examples = "  clnas enqueue fashion.study 2-000-011-120 baseline\n"
                "  clnas enqueue fashion.cfg baseline && clnas resume fashion.study\n",
    .details =
        "ARCH is the text of genes that clnas trials shows, or a name that the space knows.  "
        "Either all are\n"
        "enqueued or, when one is wrong, none.  They are trials like others, and are evaluated "
        "even when the\n"
        "budget is used up; what the study has at this budget already is named and left out.\n",
    .arguments_min = 2,
    .arguments_max = 64,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
