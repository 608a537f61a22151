/* bench_net.c - clnas-bench net: how fast a whole network trains, and where the time of a step goes.
 *
 *     clnas-bench net [small_cnn|GRAPH.txt] [--device 0:0] [--batch 128] [--shards 2] [--steps 20] [--repeats 9] [--profile]
 *                     [--format table|json]
 *
 * First rounds of steps as the trainer runs them, one synchronisation per round: milliseconds per step (the median of the
 * rounds, the fastest, and how far they lie apart), images per second, and the host's processor time per launch.
 * Then the same network on a device that reports events, for a table by kernel.  Events cost a little time, so
 * the table shares out a step; it does not replace the first figure.  Each kernel shows its fastest round of a few steps.
 *
 * Beside each kernel stands what it cannot do without: multiply-adds of all nodes it serves where it is bound by
 * operations, and GFLOP/s that follow.  A kernel without such a figure is bound by memory. */
#include "bench_cores.h"
#include "bench_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ------------------------------------------------------------------------------------------ */

bool bench_read_number(const char *text, int low, int high, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < low || value > high)
        return false;
    *number = (int)value;
    return true;
}

static bool read_option(const char *name, const char *value, bench_net_options *options)
{
    if (strcmp(name, "--batch") == 0)
        return bench_read_number(value, 1, 65536, &options->batch);
    if (strcmp(name, "--shards") == 0)
        return bench_read_number(value, 1, NAS_SHARDS, &options->shards);
    if (strcmp(name, "--steps") == 0)
        return bench_read_number(value, 1, 100000, &options->steps);
    if (strcmp(name, "--repeats") == 0)
        return bench_read_number(value, 1, BENCH_REPEATS, &options->repeats);
    if (strcmp(name, "--threads") == 0)
        return bench_read_number(value, 1, 1024, &options->threads);
    if (strcmp(name, "--device") == 0)
        options->device = value;
    else if (strcmp(name, "--python") == 0)
        options->python = value;
    else if (strcmp(name, "--script") == 0)
        options->script = value;
    else if (strcmp(name, "--format") == 0 && (!strcmp(value, "json") || !strcmp(value, "table")))
        options->json = strcmp(value, "json") == 0;
    else
        return false;
    return true;
}

nas_status bench_net_parse(int argc, char **argv, bench_net_options *options)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--profile") == 0) {
            options->profile = true;
        } else if (argv[i][0] != '-') {
            options->network = argv[i];
        } else {
            if (i + 1 == argc || !read_option(argv[i], argv[i + 1], options))
                NAS_FAIL(NAS_CONFIG, "%s %s: no such option or value", argv[i],
                         i + 1 < argc ? argv[i + 1] : "(nothing)");
            i++;
        }
    }
    return NAS_OK;
}

/* ---- what kernels cannot do without ------------------------------------------------------------------------ */

typedef enum work { WORK_CONVOLUTION, WORK_DEPTHWISE, WORK_DENSE, WORK_KINDS } work;

/* Multiply-adds per sample of a pass over all nodes of a kind; `into_input` leaves out nodes that read the images. */
static double macs_of(const nas_graph *graph, work kind, bool into_input)
{
    double macs = 0;
    for (int i = 1; i < graph->count; i++) {
        const nas_node *node = &graph->nodes[i];
        const bool dense = strcmp(node->op->kind.name, "dense") == 0;
        nas_shape shapes[NAS_OP_INPUTS];
        nas_parameter parameters[NAS_OP_PARAMETERS];
        nas_cost cost = {0};
        if (!dense && strcmp(node->op->kind.name, "conv2d") != 0)
            continue;
        nas_node_shapes(graph, i, shapes);
        nas_node_parameters(graph, i, parameters);
        node->op->cost(&node->options, shapes, node->input_count, node->shape, &cost);
        const bool depthwise = !dense && parameters[0].dims[1] == 1 && shapes[0].c > 1;
        const work is = dense ? WORK_DENSE : depthwise ? WORK_DEPTHWISE : WORK_CONVOLUTION;
        if (is == kind && !(into_input && node->inputs[0] == 0))
            macs += (double)cost.macs;
    }
    return macs;
}

/* Multiply-adds per step behind a label of the profile; 0 where there are none to speak of. */
static double label_macs(const bench_network *b, const char *label)
{
    const bool input = strstr(label, "backward_input") != NULL;
    const bool pass = strstr(label, "forward") || strstr(label, "backward");
    const double batch = b->batch;
    if (pass && strncmp(label, "conv2d_", 7) == 0)
        return batch * (macs_of(&b->graph, WORK_CONVOLUTION, input) +
                        macs_of(&b->graph, WORK_DENSE, input));
    if (pass && strncmp(label, "depthwise_", 10) == 0)
        return batch * macs_of(&b->graph, WORK_DEPTHWISE, input);
    return 0;
}

/* ---- results ------------------------------------------------------------------------------------------ */

typedef struct results {
    bench_times times;
    bench_distance cores;
    double loss;
    nas_profile_row *rows; /* of the profiled steps of a round */
    int row_count;
    double profile_s;
    uint64_t launches; /* per step */
    int shards;
    nas_build_counts builds;
    char device[256];
} results;

static nas_status run_timed(const bench_net_options *options, results *r)
{
    bench_network b;
    NAS_TRY(bench_network_open(options, false, &b));
    nas_status status = NAS_OK;
    for (int i = 0; i < options->repeats; i++) {
        bench_distance_note(&r->cores);
        NAS_TRY_DONE(bench_network_round(&b, options->steps, &r->times));
    }
    bench_distance_note(&r->cores);
    NAS_TRY_DONE(bench_network_loss(&b, &r->loss));
    bench_times_sort(&r->times);
    r->builds = nas_device_builds(b.device);
    r->shards = nas_net_shard_count(b.net);
    const nas_device_info *info = nas_device_describe(b.device);
    snprintf(r->device, sizeof r->device, "%s %.200s", info->id, info->name);
done:
    bench_network_close(&b);
    return status;
}

static void print_profile(const bench_network *b, const results *r, int steps)
{
    printf("\n%-28s %9s %9s %7s %9s %9s\n", "kernel", "launches", "ms/step", "share", "MMAC",
           "GFLOP/s");
    for (int i = 0; i < r->row_count; i++) {
        const nas_profile_row *row = &r->rows[i];
        const double seconds = row->seconds / steps, macs = label_macs(b, row->label);
        printf("%-28s %9.1f %9.3f %6.1f%%", row->label, (double)row->launches / steps,
               seconds * 1e3, 100 * row->seconds / r->profile_s);
        if (macs > 0)
            printf(" %9.1f %9.1f", macs * 1e-6, 2e-9 * macs / seconds);
        putchar('\n');
    }
    printf("%-28s %9llu %9.3f\n", "all", (unsigned long long)r->launches,
           r->profile_s * 1e3 / steps);
    if (r->shards > 1)
        printf("(of %d shards that may run side by side: the times of all of them, added up)\n",
               r->shards);
}

static void print_profile_json(const bench_network *b, const results *r, int steps)
{
    printf(", \"kernels\": [");
    for (int i = 0; i < r->row_count; i++)
        printf("%s{\"kernel\": \"%s\", \"launches\": %.1f, \"ms_per_step\": %.4f, \"share\": %.4f, "
               "\"macs\": %.0f}",
               i ? ", " : "", r->rows[i].label, (double)r->rows[i].launches / steps,
               r->rows[i].seconds * 1e3 / steps, r->rows[i].seconds / r->profile_s,
               label_macs(b, r->rows[i].label));
    printf("]");
}

static void print_times(const bench_net_options *options, const results *r)
{
    const bench_times *times = &r->times;
    const double median = bench_median_ms(times), fastest = times->step_ms[0];
    const double slowest = times->step_ms[times->count - 1];
    const double launch_us = r->launches ? times->host_us / (double)r->launches : 0;
    if (options->json) {
        printf(
            "{\"network\": \"%s\", \"device\": \"%s\", \"batch\": %d, \"shards\": %d, "
            "\"median_ms\": %.4f, "
            "\"min_ms\": %.4f, "
            "\"max_ms\": %.4f, \"processor_ms\": %.4f, \"images_per_s\": %.1f, \"launches\": %llu, "
            "\"host_us_per_launch\": %.3f, \"core_ns\": [%.0f, %.0f], "
            "\"programs\": %d, \"loss\": %.6f",
            options->network, r->device, options->batch, r->shards, median, fastest, slowest,
            bench_median(times->work_ms, times->count), options->batch * 1e3 / median,
            (unsigned long long)r->launches, launch_us, r->cores.near_ns, r->cores.far_ns,
            r->builds.programs, r->loss);
        return;
    }
    printf("%s, batch %d in %d shard%s, on %s: %d rounds of %d steps\n", options->network,
           options->batch, r->shards, r->shards > 1 ? "s" : "", r->device, times->count,
           options->steps);
    printf("step        %.3f ms median, %.3f fastest, %.3f slowest (spread %.0f %%)\n", median,
           fastest, slowest, 100 * (slowest - fastest) / median);
    printf("processor   %.3f ms median over all threads: a step takes this much over the cores it "
           "gets\n",
           bench_median(times->work_ms, times->count));
    printf("images      %.0f per second\n", options->batch * 1e3 / median);
    printf("host        %llu launches per step, %.2f µs each (fastest round)\n",
           (unsigned long long)r->launches, launch_us);
    printf("cores       %.0f to %.0f ns apart (see bench_cores.c)\n", r->cores.near_ns,
           r->cores.far_ns);
    printf("programs    %d built in %.1f s; loss at the end %.4f\n", r->builds.programs,
           r->builds.seconds, r->loss);
}

/* Keeps each kernel's fastest round: rows come in another order each time. */
static void keep_fastest(results *r, const nas_profile_row *rows, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < r->row_count; j++)
            if (strcmp(rows[i].label, r->rows[j].label) == 0 &&
                rows[i].seconds < r->rows[j].seconds)
                r->rows[j].seconds = rows[i].seconds;
}

static nas_status profile_round(bench_network *b, int steps, results *r)
{
    bench_times ignored = {0};
    nas_profile_row *rows;
    int count;
    nas_device_profile_reset(b->device);
    NAS_TRY(bench_network_round(b, steps, &ignored));
    NAS_TRY(nas_device_profile(b->device, &rows, &count));
    if (r->rows) {
        keep_fastest(r, rows, count);
        free(rows);
    } else {
        r->rows = rows;
        r->row_count = count;
    }
    return NAS_OK;
}

static int slower_first(const void *a, const void *b)
{
    const double left = ((const nas_profile_row *)a)->seconds;
    const double right = ((const nas_profile_row *)b)->seconds;
    return (left < right) - (left > right);
}

/* The same steps with events; prints everything, for the table needs the graph. */
static nas_status run_profiled(const bench_net_options *options, results *r)
{
    bench_network b;
    const int rounds = options->profile ? options->repeats : 1, steps = options->profile ? 4 : 1;
    NAS_TRY(bench_network_open(options, true, &b));
    nas_status status = NAS_OK;
    for (int i = 0; i < rounds; i++)
        NAS_TRY_DONE(profile_round(&b, steps, r));
    qsort(r->rows, (size_t)r->row_count, sizeof *r->rows, slower_first);
    uint64_t launches = 0;
    for (int i = 0; i < r->row_count; i++) {
        launches += r->rows[i].launches;
        r->profile_s += r->rows[i].seconds;
    }
    r->launches = launches / (uint64_t)steps;
    print_times(options, r);
    if (options->profile && options->json)
        print_profile_json(&b, r, steps);
    else if (options->profile)
        print_profile(&b, r, steps);
    if (options->json)
        printf("}\n");
done:
    bench_network_close(&b);
    return status;
}

int bench_net(int argc, char **argv)
{
    bench_net_options options = {
        .network = "small_cnn", .device = "", .batch = 128, .steps = 20, .repeats = 9};
    results r = {0};
    nas_status status = bench_net_parse(argc, argv, &options);
    if (status == NAS_OK)
        status = run_timed(&options, &r);
    if (status == NAS_OK)
        status = run_profiled(&options, &r);
    free(r.rows);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench net: %s\n", nas_error_message());
    return nas_status_exit_code(status);
}
