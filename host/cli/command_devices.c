/* command_devices.c - lists every OpenCL device of every platform, usable or not, as clinfo numbers them. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct options {
    int format;
} options;

static const cli_option rows[] = {
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static void add_columns(cli_listing *listing)
{
    static const char *const shown[] = {"id",    "type",   "name",  "memory_bytes",
                                        "units", "usable", "tuned", "why_not"};
    static const char *const rest[] = {"platform",         "vendor",         "version",
                                       "driver",           "c_version",      "clock_mhz",
                                       "allocation_bytes", "cache_bytes",    "local_bytes",
                                       "group_items",      "float_lanes",    "fp64",
                                       "sub_groups",       "alignment_bytes"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        cli_listing_column(listing, shown[i], true);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        cli_listing_column(listing, rest[i], false);
}

/* "2026-11-29, 8 rows" where clnas-tune has been, else "no", "stale" or "broken". */
static void add_tuned(cli_listing *listing, const nas_device_info *device)
{
    nas_tuning table = {0};
    nas_tuning_state state = NAS_TUNING_NONE;
    char text[64] = "no";
    if (nas_tuning_load(device, &table, &state, NULL) != NAS_OK)
        return;
    if (state == NAS_TUNING_CURRENT)
        snprintf(text, sizeof text, "%s, %d row%s", table.date, table.count,
                 table.count == 1 ? "" : "s");
    else if (state != NAS_TUNING_NONE)
        snprintf(text, sizeof text, "%s", state == NAS_TUNING_STALE ? "stale" : "broken");
    cli_listing_text(listing, "tuned", text);
    nas_tuning_clear(&table);
}

static void add_device(cli_listing *listing, const nas_device_info *device)
{
    static const char *const types[] = {"cpu", "gpu", "other"};
    cli_listing_row(listing);
    cli_listing_text(listing, "id", device->id);
    cli_listing_text(listing, "type", types[device->type]);
    cli_listing_text(listing, "name", device->name);
    cli_listing_bytes(listing, "memory_bytes", device->memory_bytes);
    cli_listing_int(listing, "units", device->compute_units);
    cli_listing_bool(listing, "usable", device->usable);
    if (device->usable)
        add_tuned(listing, device);
    else
        cli_listing_text(listing, "why_not", device->why_not);
    cli_listing_text(listing, "platform", device->platform_name);
    cli_listing_text(listing, "vendor", device->vendor);
    cli_listing_text(listing, "version", device->version);
    cli_listing_text(listing, "driver", device->driver);
    cli_listing_text(listing, "c_version", device->c_version);
    cli_listing_int(listing, "clock_mhz", device->clock_mhz);
    cli_listing_bytes(listing, "allocation_bytes", device->allocation_bytes);
    cli_listing_bytes(listing, "cache_bytes", device->cache_bytes);
    cli_listing_bytes(listing, "local_bytes", device->local_bytes);
    cli_listing_int(listing, "group_items", (int64_t)device->group_items);
    cli_listing_int(listing, "float_lanes", device->native_float_lanes);
    cli_listing_bool(listing, "fp64", device->fp64);
    cli_listing_bool(listing, "sub_groups", device->sub_groups);
    cli_listing_int(listing, "alignment_bytes", device->alignment_bytes);
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    nas_device_info *devices = NULL;
    cli_listing listing = {.name = "devices"};
    nas_text hint = {0};
    nas_status status;
    int count = 0, usable = 0;
    NAS_TRY(nas_devices_list(&devices, &count));
    add_columns(&listing);
    for (int i = 0; i < count; i++) {
        add_device(&listing, &devices[i]);
        usable += devices[i].usable;
    }
    status = count || given->format != CLI_TABLE
                 ? cli_listing_print(&listing, given->format, stdout)
                 : NAS_OK;
    if (status == NAS_OK && usable == 0)
        status = cli_no_device(devices, count);
    else if (status == NAS_OK)
        cli_driver_hint(devices, count, &hint);
    if (hint.length)
        cli_note("%.*s", (int)hint.length - 1, hint.data);
    nas_text_clear(&hint);
    cli_listing_clear(&listing);
    free(devices);
    return status;
}

const cli_command cli_command_devices = {
    .name = "devices",
    .arguments = "",
    .summary = "List the OpenCL devices of this machine",
    .examples = "  clnas devices\n"
                "  clnas devices --format json | jq '.devices[].name'\n",
    .details =
        "A device is named by its id (platform:device), by type:gpu, type:cpu, vendor:amd, or by\n"
        "a part of its name that fits no other device.\n"
        "tuned: when clnas-tune has measured which kernels are fastest there, and how many rows "
        "of\n"
        "its table differ from what every device begins with; stale: with another driver or "
        "clnas.\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
