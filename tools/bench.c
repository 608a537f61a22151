/* bench.c - clnas-bench: how fast the engine is on a device, against what the device can do at best in the same run.
 *
 *     clnas-bench COMMAND [options]
 *
 * A command is one line of `commands` and one file, whose head says what it measures.  All of them print a report (bench_report.h): a
 * table for people, or every sample in JSON. */
#include "bench.h"
#include "networks.h"

#include <string.h>

extern const cli_command bench_command_device, bench_command_ops, bench_command_net,
    bench_command_peers, bench_command_supernet, bench_command_latency, bench_command_data,
    bench_command_search, bench_command_cores;

static const cli_command *const commands[] = {
    &bench_command_device,   &bench_command_ops,
    &bench_command_net,      &bench_command_peers,
    &bench_command_supernet, &bench_command_latency,
    &bench_command_data,     &bench_command_search,
    &bench_command_cores,    NULL,
};

static const cli_program program = {
    .name = "clnas-bench",
    .summary = "measure how fast clnas is on an OpenCL device",
    .about =
        "Measures how fast the engine is on a device, against what the device can do at best in\n"
        "the same run.\n",
    .examples = "  clnas-bench device                what this device can do\n"
                "  clnas-bench ops --format md       how near every operator comes to it\n"
                "  clnas-bench net resnet20          a network\n",
    .notes = "Every figure is the median of several samples; --format json has all of them.\n",
    .see_also = "clnas(1), clnas-tune(1)",
    .commands = commands,
    .words = network_words,
};

nas_status bench_end(nas_status status, bench_report *report, bench_format format)
{
    if (status == NAS_OK)
        status = bench_report_print(report, format, stdout);
    bench_report_clear(report);
    return status;
}

int main(int argc, char **argv)
{
    return cli_tool_main(&program, argc, argv);
}
