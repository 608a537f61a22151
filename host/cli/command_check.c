/* command_check.c - reads a config as `search` would, trains nothing, and tells what would run.
 *
 * The table form is itself a config: every option with its value, and the figures as comments behind it,
 * so `clnas check a.cfg > full.cfg` writes out the defaults.
 */
#include "cli.h"

#include <stdlib.h>

typedef struct options {
    cli_list set;
    int format;
} options;

static const cli_option rows[] = {
    {"set", 's', CLI_LIST, offsetof(options, set), "KEY=VALUE", NULL, 0, 0, NULL,
     "Change the config, as for search"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static void add_columns(cli_listing *listing)
{
    static const char *const names[] = {"genes",          "size",           "train_samples",
                                        "valid_samples",  "test_samples",   "baseline_parameters",
                                        "baseline_macs",  "baseline_bytes", "largest_parameters",
                                        "largest_macs",   "largest_bytes",  "supernet_parameters",
                                        "supernet_bytes", "within_bounds",  "device"};
    listing->name = "check";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i], true);
    cli_listing_column(listing, "size_exact", false);
    cli_listing_column(listing, "baseline", false);
    cli_listing_column(listing, "config", false);
}

static void fill(cli_listing *listing, const nas_check_report *report, const char *config)
{
    cli_listing_row(listing);
    cli_listing_int(listing, "genes", report->genes);
    if (report->size >= 0)
        cli_listing_real(listing, "size", report->size, NULL);
    cli_listing_bool(listing, "size_exact", report->size >= 0 && report->size_exact);
    cli_listing_int(listing, "train_samples", (int64_t)report->train_samples);
    cli_listing_int(listing, "valid_samples", (int64_t)report->valid_samples);
    cli_listing_int(listing, "test_samples", (int64_t)report->test_samples);
    cli_listing_int(listing, "baseline_parameters", (int64_t)report->baseline_cost.parameters);
    cli_listing_int(listing, "baseline_macs", (int64_t)report->baseline_cost.macs);
    cli_listing_int(listing, "largest_parameters", (int64_t)report->largest_cost.parameters);
    cli_listing_int(listing, "largest_macs", (int64_t)report->largest_cost.macs);
    if (report->baseline_bytes)
        cli_listing_bytes(listing, "baseline_bytes", report->baseline_bytes);
    if (report->largest_bytes)
        cli_listing_bytes(listing, "largest_bytes", report->largest_bytes);
    if (report->supernet_parameters)
        cli_listing_int(listing, "supernet_parameters", (int64_t)report->supernet_parameters);
    if (report->supernet_bytes)
        cli_listing_bytes(listing, "supernet_bytes", report->supernet_bytes);
    cli_listing_real(listing, "within_bounds", report->within_bounds, "%.3f");
    cli_listing_text(listing, "device", report->device);
    cli_listing_text(listing, "baseline", report->baseline);
    cli_listing_text(listing, "config", config);
}

static void print_space(const nas_check_report *report)
{
    printf("# space: %d genes", report->genes);
    if (report->size >= 0)
        printf(", %s%.6g architectures", report->size_exact ? "" : "at most ", report->size);
    printf("; %.0f %% of 256 random ones are within the bounds\n", 100 * report->within_bounds);
    if (*report->baseline)
        printf("# baseline: %s: %llu parameters, %llu multiply-accumulates\n", report->baseline,
               (unsigned long long)report->baseline_cost.parameters,
               (unsigned long long)report->baseline_cost.macs);
    printf("# largest of those, by activations: %llu parameters, %llu multiply-accumulates\n",
           (unsigned long long)report->largest_cost.parameters,
           (unsigned long long)report->largest_cost.macs);
}

static void print_supernet(const nas_check_report *report)
{
    char bytes[32];
    if (!report->supernet_parameters)
        return;
    printf("# supernet: %d decisions, %llu parameters", report->supernet_decisions,
           (unsigned long long)report->supernet_parameters);
    cli_bytes_text(report->supernet_bytes, bytes, sizeof bytes);
    if (report->supernet_bytes)
        printf(", %s while training", bytes);
    putchar('\n');
}

/* The effective config, then the figures as comments. */
static void print_annotated(const nas_check_report *report, const char *config)
{
    char small[32], large[32];
    cli_bytes_text(report->baseline_bytes, small, sizeof small);
    cli_bytes_text(report->largest_bytes, large, sizeof large);
    fputs(config, stdout);
    printf("\n# data: %llu training, %llu validation, %llu test samples\n",
           (unsigned long long)report->train_samples, (unsigned long long)report->valid_samples,
           (unsigned long long)report->test_samples);
    print_space(report);
    printf("# device: %s\n", report->device);
    if (report->largest_bytes)
        printf("# memory on it while training: baseline %s, largest %s\n", small, large);
    print_supernet(report);
}

static nas_status check(const char *path, const options *given, const cli_overrides *overrides,
                        nas_config *config)
{
    cli_listing listing = {0};
    nas_text text = {0};
    nas_status status = NAS_OK;
    nas_check_report *report = calloc(1, sizeof *report);
    if (!report)
        NAS_FAIL(NAS_MEMORY, "no memory for a report");
    NAS_TRY_DONE(
        nas_config_read(path, (const char *const *)overrides->item, overrides->count, config));
    NAS_TRY_DONE(nas_session_check(config, NULL, report));
    nas_config_write(config, &text);
    NAS_TRY_DONE(nas_text_check(&text));
    if (given->format == CLI_TABLE) {
        print_annotated(report, text.data ? text.data : "");
    } else {
        add_columns(&listing);
        fill(&listing, report, text.data ? text.data : "");
        status = cli_listing_print_one(&listing, given->format, stdout);
    }
done:
    cli_listing_clear(&listing);
    nas_text_clear(&text);
    free(report);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    cli_overrides overrides = {0};
    nas_config *config = calloc(1, sizeof *config);
    nas_status status;
    if (!config)
        NAS_FAIL(NAS_MEMORY, "no memory for a config");
    NAS_TRY_DONE(cli_override_list(&overrides, &given->set));
    NAS_TRY_DONE(check(call->arguments[0], given, &overrides, config));
    cli_note("%s is fine; next: clnas search %s", call->arguments[0], call->arguments[0]);
done:
    nas_config_clear(config);
    cli_overrides_clear(&overrides);
    free(config);
    return status;
}

const cli_command cli_command_check = {
    .name = "check",
    .arguments = "CONFIG",
    .summary = "Check a config: effective options, size of the space, memory",
    .examples = "  clnas check quickstart.cfg\n"
                "  clnas check quickstart.cfg -s space.depth=[4,12]\n"
                "  clnas check quickstart.cfg > full.cfg     every default written out\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
