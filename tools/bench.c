/* bench.c - clnas-bench: how fast the engine is on a device, against what the device can do at best in the same run.
 *
 *     clnas-bench ops [--device 0:0] [--format table|json] [--only TEXT] [--seconds S] [--clock wall|cpu]
 *
 * On a busy machine `--clock cpu` counts the processor time of this process (of all its threads: figures are then per core), which
 * leaves out the waiting for other processes.  Every figure is the best of several short measurements, for other work on the machine only ever adds time.  A subcommand
 * is one line of `commands` and one file. */
#include "bench.h"
#include "bench_cores.h"
#include "bench_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_command commands[] = {
    {"ops", "convolutions, forward and both gradients", bench_ops},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int usage(FILE *to, int exit_code)
{
    fprintf(to, "usage: clnas-bench COMMAND [--device MATCH] [--format table|json] [--only TEXT] "
                "[--seconds S] [--clock wall|cpu]\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "  device   what a device can do at best (see bench_device.c)\n"
                "  net      training steps of a whole network (see bench_net.c)\n"
                "  cores    how far the cores are from one another (see bench_cores.c)\n"
                "  search   cost of a proposal, early and late in a study (see bench_search.c)\n"
                "  supernet a search step of a one-shot method (see bench_supernet.c)\n"
                "  latency  what each choice of a space costs, as a table (see bench_latency.c)\n"
                "  peers    the same network in PyTorch, in turns (see bench_peers.c)\n");
    return exit_code;
}

static bool read_options(int argc, char **argv, bench_options *options)
{
    *options = (bench_options){.device = "", .only = "", .seconds = 0.2};
    for (int i = 2; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!value)
            return false;
        if (strcmp(argv[i], "--device") == 0)
            options->device = value;
        else if (strcmp(argv[i], "--only") == 0)
            options->only = value;
        else if (strcmp(argv[i], "--seconds") == 0)
            options->seconds = atof(value);
        else if (strcmp(argv[i], "--format") == 0 &&
                 (!strcmp(value, "json") || !strcmp(value, "table")))
            options->json = strcmp(value, "json") == 0;
        else if (strcmp(argv[i], "--clock") == 0 &&
                 (!strcmp(value, "cpu") || !strcmp(value, "wall")))
            options->cpu_clock = strcmp(value, "cpu") == 0;
        else
            return false;
    }
    bench_use_cpu_clock(options->cpu_clock);
    return true;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc >= 2 && strcmp(argv[1], "device") == 0)
        return bench_device(argc, argv);
    if (argc >= 2 && strcmp(argv[1], "net") == 0)
        return bench_net(argc, argv);
    if (argc == 2 && strcmp(argv[1], "cores") == 0)
        return bench_cores();
    if (argc == 2 && strcmp(argv[1], "search") == 0)
        return bench_search();
    if (argc >= 2 && strcmp(argv[1], "supernet") == 0)
        return bench_supernet(argc, argv);
    if (argc >= 2 && strcmp(argv[1], "latency") == 0)
        return bench_latency(argc, argv);
    if (argc >= 2 && strcmp(argv[1], "peers") == 0)
        return bench_peers(argc, argv);
    bench_options options;
    if (argc < 2 || !read_options(argc, argv, &options))
        return usage(stderr, 2);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        nas_status status = commands[i].run(&options);
        if (status != NAS_OK)
            fprintf(stderr, "clnas-bench: %s\n", nas_error_message());
        return nas_status_exit_code(status);
    }
    return usage(stderr, 2);
}
