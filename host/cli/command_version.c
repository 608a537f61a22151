/* command_version.c - which build this is. */
#include "cli.h"

typedef struct options {
    int format;
} options;

static const cli_option rows[] = {
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    cli_listing listing = {.name = "version"};
    int major, minor, patch;
    nas_status status;
    nas_version(&major, &minor, &patch);
    if (given->format == CLI_TABLE) {
        printf("clnas %d.%d.%d\n", major, minor, patch);
        return NAS_OK;
    }
    cli_listing_column(&listing, "version", true);
    cli_listing_column(&listing, "opencl", true);
    cli_listing_column(&listing, "compiler", true);
    cli_listing_column(&listing, "assertions", true);
    cli_listing_row(&listing);
    cli_listing_format(&listing, "version", "%d.%d.%d", major, minor, patch);
    cli_listing_text(&listing, "opencl", "1.2");
    cli_listing_text(&listing, "compiler", COMPILER);
#ifdef NDEBUG
    cli_listing_bool(&listing, "assertions", false);
#else
    cli_listing_bool(&listing, "assertions", true);
#endif
    status = cli_listing_print_one(&listing, given->format, stdout);
    cli_listing_clear(&listing);
    return status;
}

const cli_command cli_command_version = {
    .name = "version",
    .arguments = "",
    .summary = "Print the version",
    .examples = "  clnas version --format json\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
