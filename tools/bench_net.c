/* bench_net.c - clnas-bench net: how fast a network trains and infers, in how much memory, and where the time of a step goes.
 *
 *     clnas-bench net [NETWORK] [--device MATCH] [--batch 128] [--shards 2] [--steps 20] [--infer 1,4,16,64,256] [--repeats 9]
 *                     [--milliseconds 200] [--profile] [--format ...]
 *
 * NETWORK is a reference (small_cnn, resnet20, mobilenetv2, darts_v2 …: networks.h), a model file (safetensors or ONNX), a graph's
 * text, or STUDY[:TRIAL].  Rows:
 *
 *   train    milliseconds of a step as the trainer runs it, one synchronisation per round of steps; --batch 0 leaves it out
 *   infer    milliseconds from a batch on the device to its outputs there, waited for each time; --infer none leaves it out
 *   kernel   with --profile: the same steps on a device that reports events, the fastest round of each kernel.  Events cost a little time,
 *            so these rows share out a step; they do not replace the first figure.  Of a kernel that multiplies there stand
 *            GFLOP/s of the multiply-adds of all nodes it serves; one without such a figure is bound by memory
 *
 * Beside them: images per second, what the plan holds on the device, and the peak of the process since the row began (on a CPU device
 * the two overlap).  The profile is held against the wall's clock: some drivers lie, and then a note says so. */
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

nas_status bench_read_batches(const char *given, bench_batches *batches)
{
    const char *text = given;
    batches->count = 0;
    if (!*text || strcmp(text, "none") == 0)
        return NAS_OK;
    for (char *end; batches->count < BENCH_BATCHES; text = end + 1) {
        const long value = strtol(text, &end, 10);
        if (end == text || value < 1 || value > 65536 || (*end && *end != ','))
            break;
        batches->item[batches->count++] = (int)value;
        if (!*end)
            return NAS_OK;
    }
    NAS_FAIL(NAS_CONFIG, "--infer wants up to %d batches, 1 … 65536, with commas, not '%s'",
             BENCH_BATCHES, given);
}

typedef struct net_bench {
    bench_net_options net;
    bench_batches infer;
    int steps, repeats;
    double seconds; /* of a sample, about */
    bool profile;
    nas_device_info device;
    bench_report report;
} net_bench;

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

/* ---- rows ------------------------------------------------------------------------------------------------- */

static nas_status add_row(net_bench *n, const char *what, int batch, bench_row **row)
{
    char text[16];
    snprintf(text, sizeof text, "%d", batch);
    return bench_report_row(&n->report, what, text, "ms", row);
}

/* What every row of a network has beside its samples. */
static void add_facts(const bench_network *b, bench_row *row)
{
    nas_net_memory memory;
    nas_net_memory_of(b->net, &memory);
    bench_row_fact(row, "images/s", b->batch * 1e3 / bench_row_median(row));
    bench_row_fact(row, "planned MB", 1e-6 * (double)memory.total_bytes);
    if (bench_memory_peak() > 0)
        bench_row_fact(row, "peak MB", 1e-6 * bench_memory_peak());
}

static nas_status infer(net_bench *n, int batch)
{
    bench_net_options options = n->net;
    bench_network b;
    bench_row *row;
    nas_status status = NAS_OK;
    options.batch = batch;
    options.shards = 0;
    bench_memory_reset();
    NAS_TRY(bench_network_open(&options, BENCH_NET_INFER, &b));
    NAS_TRY_DONE(add_row(n, "infer", batch, &row));
    for (int i = 0; i < n->repeats; i++) {
        double milliseconds;
        NAS_TRY_DONE(bench_network_infer(&b, n->seconds, &milliseconds));
        bench_row_add(row, milliseconds);
    }
    add_facts(&b, row);
done:
    bench_network_close(&b);
    return status;
}

/* ---- by kernel ---------------------------------------------------------------------------------------------- */

typedef struct kernels {
    nas_profile_row *rows; /* each with its fastest round */
    int count, steps, rounds;
    double events_s, wall_s; /* of the round in which the events came closest to the wall */
} kernels;

/* Rows come in another order each time. */
static void keep_fastest(kernels *k, const nas_profile_row *rows, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < k->count; j++)
            if (strcmp(rows[i].label, k->rows[j].label) == 0 &&
                rows[i].seconds < k->rows[j].seconds)
                k->rows[j].seconds = rows[i].seconds;
}

static nas_status profile_round(bench_network *b, kernels *k)
{
    bench_times times = {0};
    nas_profile_row *rows;
    int count;
    double events_s = 0;
    nas_device_profile_reset(b->device);
    NAS_TRY(bench_network_round(b, k->steps, &times));
    NAS_TRY(nas_device_profile(b->device, &rows, &count));
    for (int i = 0; i < count; i++)
        events_s += rows[i].seconds;
    const double wall_s = 1e-3 * times.step_ms[0] * k->steps;
    if (k->wall_s == 0 || events_s / wall_s > k->events_s / k->wall_s) {
        k->events_s = events_s;
        k->wall_s = wall_s;
    }
    if (k->rows) {
        keep_fastest(k, rows, count);
        free(rows);
    } else {
        k->rows = rows;
        k->count = count;
    }
    return NAS_OK;
}

static int slower_first(const void *a, const void *b)
{
    const double left = ((const nas_profile_row *)a)->seconds;
    const double right = ((const nas_profile_row *)b)->seconds;
    return (left < right) - (left > right);
}

/* Shards run side by side, each on a queue of its own: the wall's time counts once for each. */
static void note_profile(net_bench *n, const bench_network *b, const kernels *k)
{
    const int shards = nas_net_shard_count(b->net);
    const double share = k->events_s / (k->wall_s * shards);
    const char *verdict =
        share > 1.02 ? "; more than passed: this driver's clock is not to be trusted" : "";
    bench_report_note(&n->report, "profile", "events add up to %.3f of the wall's time%s%s", share,
                      shards > 1 ? " of all shards' queues" : "", verdict);
}

static nas_status add_kernels(net_bench *n, const bench_network *b, kernels *k)
{
    double all = 0;
    qsort(k->rows, (size_t)k->count, sizeof *k->rows, slower_first);
    for (int i = 0; i < k->count; i++)
        all += k->rows[i].seconds;
    for (int i = 0; i < k->count; i++) {
        char what[96];
        bench_row *row;
        const double seconds = k->rows[i].seconds / k->steps,
                     macs = label_macs(b, k->rows[i].label);
        snprintf(what, sizeof what, "kernel %s", k->rows[i].label);
        NAS_TRY(add_row(n, what, b->batch, &row));
        bench_row_add(row, 1e3 * seconds);
        bench_row_fact(row, "launches", (double)k->rows[i].launches / k->steps);
        bench_row_fact(row, "share", k->rows[i].seconds / all);
        if (macs > 0)
            bench_row_fact(row, "GFLOP/s", 2e-9 * macs / seconds);
    }
    return NAS_OK;
}

/* Rounds with events; without --profile one, for the number of launches. */
static nas_status profile(net_bench *n, double *launches)
{
    kernels k = {.steps = n->profile ? 4 : 1, .rounds = n->profile ? n->repeats : 1};
    bench_network b;
    nas_status status = NAS_OK;
    NAS_TRY(bench_network_open(&n->net, BENCH_NET_PROFILED, &b));
    for (int i = 0; i < k.rounds; i++)
        NAS_TRY_DONE(profile_round(&b, &k));
    *launches = 0;
    for (int i = 0; i < k.count; i++)
        *launches += (double)k.rows[i].launches / k.steps;
    note_profile(n, &b, &k);
    if (n->profile)
        NAS_TRY_DONE(add_kernels(n, &b, &k));
done:
    free(k.rows);
    bench_network_close(&b);
    return status;
}

/* ---- training ----------------------------------------------------------------------------------------------- */

static void note_training(net_bench *n, const bench_network *b, const bench_times *times,
                          const bench_distance *cores, double loss)
{
    const nas_build_counts builds = nas_device_builds(b->device);
    bench_report_note(&n->report, "steps", "%d in a round, %d shards", n->steps,
                      nas_net_shard_count(b->net));
    bench_report_note(&n->report, "processor", "%.3f ms per step over all threads, median",
                      bench_median(times->work_ms, times->count));
    bench_report_note(&n->report, "cores", "%.0f to %.0f ns apart", cores->near_ns, cores->far_ns);
    bench_report_note(&n->report, "programs", "%d built in %.1f s", builds.programs,
                      builds.seconds);
    bench_report_note(&n->report, "loss", "%.4f at the end", loss);
}

static nas_status run_rounds(net_bench *n, bench_network *b)
{
    bench_times times = {0};
    bench_distance cores = {0};
    bench_row *row;
    double loss;
    if (n->steps == 0)
        NAS_TRY(bench_network_steps(b, n->seconds, &n->steps));
    for (int i = 0; i < n->repeats; i++) {
        bench_distance_note(&cores);
        NAS_TRY(bench_network_round(b, n->steps, &times));
    }
    NAS_TRY(bench_network_loss(b, &loss));
    NAS_TRY(add_row(n, "train", b->batch, &row));
    for (int i = 0; i < times.count; i++)
        bench_row_add(row, times.step_ms[i]);
    bench_times_sort(&times);
    add_facts(b, row);
    bench_row_fact(row, "host us", times.host_us);
    note_training(n, b, &times, &cores, loss);
    return NAS_OK;
}

static nas_status train(net_bench *n)
{
    bench_network b;
    double launches;
    const int row = n->report.count;
    bench_memory_reset();
    NAS_TRY(bench_network_open(&n->net, BENCH_NET_TRAIN, &b));
    nas_status status = run_rounds(n, &b);
    bench_network_close(&b);
    NAS_TRY(status);
    NAS_TRY(profile(n, &launches));
    bench_row_fact(&n->report.rows[row], "launches", launches);
    return NAS_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

/* The report's head outlives the devices that the rows are measured on. */
static nas_status describe(net_bench *n)
{
    nas_device *device;
    NAS_TRY(nas_device_open(n->net.device, NULL, &device));
    n->device = *nas_device_describe(device);
    nas_device_destroy(device);
    n->report.device = &n->device;
    bench_report_note(&n->report, "network", "%s", n->net.network);
    return NAS_OK;
}

static nas_status measure(net_bench *n)
{
    NAS_TRY(describe(n));
    if (n->net.batch > 0)
        NAS_TRY(train(n));
    for (int i = 0; i < n->infer.count; i++)
        NAS_TRY(infer(n, n->infer.item[i]));
    return NAS_OK;
}

typedef struct options {
    const char *device, *infer;
    int batch, shards, steps, repeats, milliseconds, format;
    bool profile;
} options;

static const cli_option rows[] = {
    CLI_DEVICE_OPTION(options),
    {"batch", 0, CLI_NUMBER, offsetof(options, batch), "N", "128", 0, 65536, NULL,
     "Samples of a training step; 0: no training"},
    BENCH_SHARDS_OPTION(options),
    {"steps", 0, CLI_NUMBER, offsetof(options, steps), "N", NULL, 1, 100000, NULL,
     "Steps of a sample (default: as many as fit into --milliseconds)"},
    BENCH_INFER_OPTION(options, "1,4,16,64,256"),
    BENCH_REPEATS_OPTION(options, "9"),
    BENCH_MILLISECONDS_OPTION(options, "200"),
    {"profile", 0, CLI_FLAG, offsetof(options, profile), NULL, NULL, 0, 0, NULL,
     "Time by kernel, too"},
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    static const char *const labels[] = {"work", "batch", NULL};
    const options *given = call->options;
    net_bench n = {.net = {.network = call->count ? call->arguments[0] : "small_cnn",
                           .device = given->device,
                           .batch = given->batch,
                           .shards = given->shards},
                   .steps = given->steps,
                   .repeats = given->repeats,
                   .seconds = 1e-3 * given->milliseconds,
                   .profile = given->profile,
                   .report = {.labels = labels}};
    NAS_TRY(bench_read_batches(given->infer, &n.infer));
    return bench_end(measure(&n), &n.report, given->format);
}

const cli_command bench_command_net = {
    .name = "net",
    .arguments = "[NETWORK]",
    .summary = "Measure a network: training, inference at several batches, memory",
    .examples = "  clnas-bench net resnet20 --batch 64 --profile\n"
                "  clnas-bench net fashion.study:17 --device type:gpu\n",
    .details = "NETWORK is a reference, the file of a graph or a model, or a trial of a study; "
               "small_cnn without it.\n",
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
