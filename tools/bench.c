/* bench.c - clnas-bench: how fast the engine is on a device, against what the device can do at best in the same run.
 *
 *     clnas-bench COMMAND [options]
 *
 * A subcommand is one line of `commands` and one file, whose head says what it measures and takes.  All of them print a report
 * (bench_report.h): a table for people, or every sample in JSON. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

typedef struct bench_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} bench_command;

static const bench_command commands[] = {
    {"device", "what a device can do at best: copies, multiply-adds, launches, transfers",
     bench_device},
    {"ops", "every operator, forward and backward, against the ceiling that binds it", bench_ops},
    {"net", "a network: training, inference at several batches, memory", bench_net},
    {"peers", "the same networks in PyTorch and ONNX Runtime, in turns", bench_peers},
    {"supernet", "a search step of a one-shot method", bench_supernet},
    {"latency", "what the networks of a space take, as a table that predicts it", bench_latency},
    {"data", "training steps on samples that lie on the device and that stream to it, in turns",
     bench_data},
    {"search", "cost of a proposal, early and late in a study", bench_search},
    {"cores", "how far the cores are from one another", bench_cores},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int usage(FILE *to, int exit_code)
{
    fprintf(to, "usage: clnas-bench COMMAND [options]\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].summary);
    fprintf(
        to,
        "A command that does not know an option prints those it takes; docs/cli.md tells more.\n");
    return exit_code;
}

int bench_end(const char *command, nas_status status, bench_report *report, bench_format format)
{
    if (status == NAS_OK)
        status = bench_report_print(report, format, stdout);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench %s: %s\n", command, nas_error_message());
    bench_report_clear(report);
    return nas_status_exit_code(status);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    for (int i = 0; argc >= 2 && i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc, argv);
    return usage(stderr, 2);
}
