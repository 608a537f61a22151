/* bench_peers.c - clnas-bench peers: the same network, trained by clnas and by PyTorch in turns.
 *
 *     clnas-bench peers [--device 0:0] [--batch 128] [--steps 40] [--repeats 3] [--threads 2] [--python python3]
 *                       [--script small_cnn.py] [--format table|json]
 *
 * A round is one process of PyTorch as people run it, rounds of ours, one process of PyTorch at its best setting, and ours again:
 * whatever else the machine does meets everybody.  Best setting: channels last, and an allocator that keeps the pages it has,
 * for much of PyTorch's time on a CPU goes into mapping fresh tensors.  Compared are medians over all rounds.
 *
 * Without PyTorch (python3-torch) there is nothing to compare: the figures of clnas stand alone, with a sentence. */
#include "bench_cores.h"
#include "bench_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct peer_setting {
    const char *name, *environment, *arguments;
} peer_setting;

enum { PEER_DEFAULT, PEER_BEST, PEERS };
enum { PIECES = 4, ROUNDS_MAX = BENCH_REPEATS / (PEERS * PIECES) };
static const peer_setting settings[PEERS] = {
    {"PyTorch, default", "", ""},
    {"PyTorch, best setting", BENCH_PEER_BEST, " --channels-last"},
};

typedef struct peers {
    const bench_net_options *options;
    char python[512], script[1024], version[64];
    bench_times ours, theirs[PEERS];
    double loss;
    bench_distance cores;
} peers;

/* ---- PyTorch ------------------------------------------------------------------------------------------ */

/* 'text' for the shell; false where it does not fit or holds a quote. */
static bool quote(const char *text, char *to, size_t size)
{
    return !strchr(text, '\'') && snprintf(to, size, "'%s'", text) < (int)size;
}

static bool has_torch(const char *python, char *quoted, size_t size)
{
    char command[1024];
    if (!quote(python, quoted, size))
        return false;
    snprintf(command, sizeof command, "%s -c 'import torch' >/dev/null 2>&1", quoted);
    return system(command) == 0;
}

bool bench_find_torch(const char *python, char *quoted, size_t size)
{
    static const char *const candidates[] = {"python3", "/usr/bin/python3"};
    if (python)
        return has_torch(python, quoted, size);
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (has_torch(candidates[i], quoted, size))
            return true;
    return false;
}

nas_status bench_first_line(const char *command, char *line, int size)
{
    FILE *output = popen(command, "r");
    if (!output)
        NAS_FAIL(NAS_FAILED, "cannot start: %s", command);
    const bool read = fgets(line, size, output) != NULL;
    const int code = pclose(output);
    if (!read || code != 0)
        NAS_FAIL(NAS_FAILED, "the peer failed (status %d): %s", code, command);
    return NAS_OK;
}

static nas_status run_peer(peers *p, int which)
{
    char command[2560], line[512] = "";
    double median_ms = 0, work_ms = 0;
    const bench_net_options *o = p->options;
    snprintf(command, sizeof command, "%s%s %s --batch %d --steps %d --threads %d%s",
             settings[which].environment, p->python, p->script, o->batch, o->steps, o->threads,
             settings[which].arguments);
    NAS_TRY(bench_first_line(command, line, sizeof line));
    if (sscanf(line,
               "torch %63s parameters %*d median_ms %lf min_ms %*f max_ms %*f processor_ms %lf",
               p->version, &median_ms, &work_ms) != 3)
        NAS_FAIL(NAS_FAILED, "the peer says \"%s\": %s", line, command);
    bench_times *times = &p->theirs[which];
    times->work_ms[times->count] = work_ms;
    times->step_ms[times->count++] = median_ms;
    return NAS_OK;
}

/* ---- rounds ------------------------------------------------------------------------------------------- */

/* As many steps as the peer's process counts, in pieces whose median is taken at the end. */
static nas_status run_ours(peers *p, bench_network *network)
{
    const int steps = p->options->steps / PIECES;
    for (int i = 0; i < PIECES; i++)
        NAS_TRY(bench_network_round(network, steps > 0 ? steps : 1, &p->ours));
    return NAS_OK;
}

static nas_status run_rounds(peers *p, bool torch)
{
    bench_network network;
    nas_status status = NAS_OK;
    NAS_TRY(bench_network_open(p->options, false, &network));
    for (int i = 0; i < p->options->repeats; i++) {
        bench_distance_note(&p->cores);
        for (int which = 0; which < PEERS; which++) {
            if (torch)
                NAS_TRY_DONE(run_peer(p, which));
            NAS_TRY_DONE(run_ours(p, &network));
        }
    }
    bench_distance_note(&p->cores);
    NAS_TRY_DONE(bench_network_loss(&network, &p->loss));
    bench_times_sort(&p->ours);
    for (int which = 0; which < PEERS; which++)
        bench_times_sort(&p->theirs[which]);
done:
    bench_network_close(&network);
    return status;
}

/* ---- printing ------------------------------------------------------------------------------------------ */

static void print_row(const char *name, const bench_times *times, const peers *p, double ours_ms)
{
    const double median = bench_median_ms(times), last = times->step_ms[times->count - 1];
    printf("%-24s %9.2f %9.2f %9.2f %10.0f %8.2f %12.2f\n", name, median, times->step_ms[0], last,
           p->options->batch * 1e3 / median, median / ours_ms,
           bench_median(times->work_ms, times->count));
}

static void print_table(const peers *p, bool torch)
{
    const double ours_ms = bench_median_ms(&p->ours);
    printf("small_cnn, batch %d, %d rounds in turns%s%s\n", p->options->batch, p->options->repeats,
           torch ? ", torch " : "", torch ? p->version : "");
    printf("cores %.0f to %.0f ns apart (see bench_cores.c)\n", p->cores.near_ns, p->cores.far_ns);
    printf("%-24s %9s %9s %9s %10s %8s\n", "", "ms/step", "fastest", "slowest", "images/s",
           "ratio");
    print_row("clnas", &p->ours, p, ours_ms);
    for (int which = 0; torch && which < PEERS; which++)
        print_row(settings[which].name, &p->theirs[which], p, ours_ms);
    if (torch)
        printf("clnas trains %.2f times the images per second of PyTorch at its best setting, %.2f "
               "times its default\n",
               bench_median_ms(&p->theirs[PEER_BEST]) / ours_ms,
               bench_median_ms(&p->theirs[PEER_DEFAULT]) / ours_ms);
}

static void print_json(const peers *p, bool torch)
{
    const double ours_ms = bench_median_ms(&p->ours);
    printf("{\"network\": \"small_cnn\", \"batch\": %d, \"clnas_ms\": %.4f, "
           "\"core_ns\": [%.0f, %.0f]",
           p->options->batch, ours_ms, p->cores.near_ns, p->cores.far_ns);
    if (torch)
        printf(", \"torch\": \"%s\", \"default_ms\": %.4f, \"best_ms\": %.4f, \"ratio_default\": "
               "%.3f, "
               "\"ratio_best\": %.3f",
               p->version, bench_median_ms(&p->theirs[PEER_DEFAULT]),
               bench_median_ms(&p->theirs[PEER_BEST]),
               bench_median_ms(&p->theirs[PEER_DEFAULT]) / ours_ms,
               bench_median_ms(&p->theirs[PEER_BEST]) / ours_ms);
    printf("}\n");
}

static nas_status compare(peers *p)
{
    const char *script = p->options->script ? p->options->script : NAS_PEERS_FOLDER "/small_cnn.py";
    const bool torch = bench_find_torch(p->options->python, p->python, sizeof p->python);
    if (!torch)
        fprintf(
            stderr,
            "No Python here can import torch (Debian: python3-torch), so clnas stands alone.\n");
    if (!quote(script, p->script, sizeof p->script))
        NAS_FAIL(NAS_CONFIG, "the script's path is too long or has a quote in it: %s", script);
    NAS_TRY(run_rounds(p, torch));
    if (p->options->json)
        print_json(p, torch);
    else
        print_table(p, torch);
    return NAS_OK;
}

int bench_peers(int argc, char **argv)
{
    bench_net_options options = {.network = "small_cnn",
                                 .device = "",
                                 .batch = 128,
                                 .steps = 40,
                                 .repeats = 3,
                                 .threads = 2};
    peers p = {.options = &options};
    nas_status status = bench_net_parse(argc, argv, &options);
    if (status == NAS_OK &&
        (options.repeats > ROUNDS_MAX || strcmp(options.network, "small_cnn") != 0))
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "peers compares small_cnn, in at most %d rounds", ROUNDS_MAX);
    if (status == NAS_OK)
        status = compare(&p);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench peers: %s\n", nas_error_message());
    return nas_status_exit_code(status);
}
