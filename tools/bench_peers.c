/* bench_peers.c - clnas-bench peers: the same networks, trained and run by clnas, PyTorch and ONNX Runtime in turns.
 *
 *     clnas-bench peers [NETWORK,NETWORK...] [--device MATCH] [--batch 64] [--infer 1,64] [--repeats 3] [--milliseconds 2000]
 *                       [--threads 2] [--python python3] [--script network.py] [--format ...]
 *
 * NETWORK as `net` takes it; by default small_cnn, resnet20, mobilenetv2 and darts_v2_small.  The peer (tools/peers/network.py) makes its module
 * from our graph's text.  A round is one process of PyTorch as people run it, ours, one process of PyTorch at its best setting, and one of ONNX
 * Runtime, which only infers: whatever else the machine does meets everybody.  Best setting: channels last, and an allocator that keeps the
 * pages it has, for much of PyTorch's time on a CPU goes into mapping fresh tensors.
 *
 * Before anything is timed the peer must have as many parameters, and with ours in its layers (safetensors) the outputs that we have for the
 * same images.  Rows: milliseconds of a training step or an inference; "x clnas" is how many times as long the peer takes by the medians, "x
 * fastest" by the fastest samples, which other work on the machine disturbs least.
 * Without PyTorch or ONNX Runtime the others stand alone, with a sentence. */
#include "bench_cores.h"
#include "bench_net.h"
#include "bench_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Outputs differ by rounding alone: sums in other orders, over a few dozen layers. */
static const double difference_allowed = 1e-3;

typedef struct peers {
    bench_net_options net;
    bench_batches infer;
    int repeats, threads;
    double seconds; /* of each measurement, about */
    bench_peer peer;
    bench_distance cores;
    nas_device_info device;
    bench_report report;
} peers;

/* A network while it is measured: ours, and its rows, first of training, then by batch. */
typedef struct contest {
    bench_network train, infer[BENCH_BATCHES];
    int row[BENCH_ENGINES][1 + BENCH_BATCHES]; /* −1: none */
} contest;

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static nas_status add_rows(peers *p, contest *c)
{
    for (int work = 0; work <= p->infer.count; work++)
        for (int e = 0; e < BENCH_ENGINES; e++) {
            char text[32];
            bench_row *row;
            const int batch = work ? p->infer.item[work - 1] : p->net.batch;
            c->row[e][work] = -1;
            if (!p->peer.has[e] || (work == 0 && (e == BENCH_ONNX || !p->net.batch)))
                continue;
            snprintf(text, sizeof text, "%s, batch %d", work ? "infer" : "train", batch);
            c->row[e][work] = p->report.count;
            NAS_TRY(bench_report_row(&p->report, p->net.network, text, "ms", &row));
            bench_row_label(row, 2, bench_engine_names[e]);
        }
    return NAS_OK;
}

static void add_facts(peers *p, const contest *c)
{
    for (int work = 0; work <= p->infer.count; work++)
        for (int e = 0; e < BENCH_ENGINES; e++) {
            const int batch = work ? p->infer.item[work - 1] : p->net.batch;
            if (c->row[e][work] < 0)
                continue;
            bench_row *row = &p->report.rows[c->row[e][work]];
            const double median = bench_row_median(row);
            bench_row_fact(row, "images/s", batch * 1e3 / median);
            if (e == BENCH_CLNAS)
                continue;
            const bench_row *ours = &p->report.rows[c->row[BENCH_CLNAS][work]];
            bench_row_fact(row, "x clnas", median / bench_row_median(ours));
            bench_row_fact(row, "x fastest", bench_row_lowest(row) / bench_row_lowest(ours));
        }
}

/* ---- turns ----------------------------------------------------------------------------------------------------- */

/* Of a turn as many samples as leave room for those of the others. */
static int samples_of_turn(const peers *p)
{
    return BENCH_SAMPLES / p->repeats;
}

/* As many samples as a peer's process gives, each of a time as short. */
static nas_status take_ours(peers *p, contest *c)
{
    const int pieces = samples_of_turn(p);
    if (p->net.batch) {
        bench_times times = {0};
        int steps;
        NAS_TRY(bench_network_steps(&c->train, p->seconds / pieces, &steps));
        for (int i = 0; i < pieces; i++) {
            NAS_TRY(bench_network_round(&c->train, steps, &times));
            bench_row_add(&p->report.rows[c->row[BENCH_CLNAS][0]], times.step_ms[i]);
        }
    }
    for (int k = 0; k < p->infer.count; k++)
        for (int i = 0; i < pieces; i++) {
            double milliseconds;
            NAS_TRY(bench_network_infer(&c->infer[k], p->seconds / pieces, &milliseconds));
            bench_row_add(&p->report.rows[c->row[BENCH_CLNAS][1 + k]], milliseconds);
        }
    return NAS_OK;
}

static nas_status take_turn(peers *p, contest *c, bench_engine engine)
{
    const bench_peer_call call = {.engine = engine,
                                  .batch = engine == BENCH_ONNX ? 0 : p->net.batch,
                                  .infer = &p->infer,
                                  .seconds = p->seconds,
                                  .threads = p->threads,
                                  .samples = samples_of_turn(p)};
    bench_row *rows[1 + BENCH_BATCHES] = {0};
    if (!p->peer.has[engine])
        return NAS_OK;
    if (engine == BENCH_CLNAS)
        return take_ours(p, c);
    for (int work = 0; work <= p->infer.count; work++)
        if (c->row[engine][work] >= 0)
            rows[work] = &p->report.rows[c->row[engine][work]];
    return bench_peer_run(&p->peer, &call, rows);
}

/* ---- one network ------------------------------------------------------------------------------------------------- */

static nas_status open_ours(peers *p, contest *c)
{
    bench_net_options options = p->net;
    if (options.batch)
        NAS_TRY(bench_network_open(&options, BENCH_NET_TRAIN, &c->train));
    for (int k = 0; k < p->infer.count; k++) {
        options.batch = p->infer.item[k];
        NAS_TRY(bench_network_open(&options, BENCH_NET_INFER, &c->infer[k]));
    }
    return NAS_OK;
}

/* Is it the same network?  Parameters, and outputs with our weights. */
static nas_status check_peer(peers *p, contest *c)
{
    double difference;
    if (!p->peer.has[BENCH_TORCH])
        return NAS_OK;
    NAS_TRY(bench_peer_compare(&p->peer, &p->net, p->net.batch ? &c->train : NULL, &difference));
    if (!(difference <= difference_allowed))
        NAS_FAIL(
            NAS_FAILED,
            "%s: with the same weights PyTorch's outputs differ by %.2g of the largest, so this is "
            "another network and its times mean nothing",
            p->net.network, difference);
    bench_report_note(&p->report, "same outputs", "%s: PyTorch's differ by %.1e of the largest",
                      p->net.network, difference);
    return NAS_OK;
}

static nas_status run_network(peers *p, contest *c)
{
    NAS_TRY(open_ours(p, c));
    NAS_TRY(bench_peer_network(&p->peer, p->net.network));
    NAS_TRY(check_peer(p, c));
    NAS_TRY(add_rows(p, c));
    for (int i = 0; i < p->repeats; i++) {
        bench_distance_note(&p->cores);
        for (int turn = 0; turn < BENCH_ENGINES; turn++)
            NAS_TRY(take_turn(p, c, bench_engine_turns[turn]));
    }
    add_facts(p, c);
    return NAS_OK;
}

static nas_status measure_network(peers *p)
{
    contest *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for a network's measurements");
    nas_status status = run_network(p, c);
    bench_network_close(&c->train);
    for (int k = 0; k < p->infer.count; k++)
        bench_network_close(&c->infer[k]);
    free(c);
    return status;
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

static nas_status measure(peers *p, char *networks)
{
    nas_device *device;
    char *rest = NULL;
    nas_status status = NAS_OK;
    NAS_TRY(nas_device_open(p->net.device, NULL, &device));
    p->device = *nas_device_describe(device);
    nas_device_destroy(device);
    p->report.device = &p->device;
    for (char *name = strtok_r(networks, ",", &rest); name && status == NAS_OK;
         name = strtok_r(NULL, ",", &rest)) {
        p->net.network = name;
        status = measure_network(p);
    }
    NAS_TRY(status);
    for (int e = 0; e < BENCH_ENGINES; e++)
        if (p->peer.version[e][0])
            bench_report_note(&p->report, bench_engine_names[e], "%s", p->peer.version[e]);
    bench_report_note(&p->report, "rounds", "%d in turns, %d threads", p->repeats, p->threads);
    bench_report_note(&p->report, "cores", "%.0f to %.0f ns apart", p->cores.near_ns,
                      p->cores.far_ns);
    return NAS_OK;
}

static nas_status run(peers *p, const char *python, const char *script, const char *networks)
{
    char names[1024];
    if (snprintf(names, sizeof names, "%s", networks) >= (int)sizeof names)
        NAS_FAIL(NAS_CONFIG, "the list of networks is too long");
    nas_status status = bench_peer_open(&p->peer, python, script);
    if (status == NAS_OK)
        status = measure(p, names);
    bench_peer_close(&p->peer);
    return status;
}

typedef struct options {
    const char *device, *infer, *python, *script;
    int batch, repeats, threads, milliseconds, format;
} options;

static const cli_option rows[] = {
    CLI_DEVICE_OPTION(options),
    {"batch", 0, CLI_NUMBER, offsetof(options, batch), "N", "64", 0, 65536, NULL,
     "Samples of a training step; 0: no training"},
    BENCH_INFER_OPTION(options, "1,64"),
    BENCH_REPEATS_OPTION(options, "3"),
    BENCH_MILLISECONDS_OPTION(options, "2000"),
    BENCH_PEER_OPTIONS(options),
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run_command(const cli_call *call)
{
    static const char *const labels[] = {"network", "work", "engine", NULL};
    const options *given = call->options;
    const char *networks =
        call->count ? call->arguments[0] : "small_cnn,resnet20,mobilenetv2,darts_v2_small";
    peers p = {.net = {.device = given->device, .batch = given->batch},
               .repeats = given->repeats,
               .threads = given->threads,
               .seconds = 1e-3 * given->milliseconds,
               .report = {.labels = labels}};
    NAS_TRY(bench_read_batches(given->infer, &p.infer));
    return bench_end(run(&p, given->python, given->script, networks), &p.report, given->format);
}

const cli_command bench_command_peers = {
    .name = "peers",
    .arguments = "[NETWORK,…]",
    .summary = "Measure the same networks in PyTorch and ONNX Runtime, in turns",
    .examples = "  clnas-bench peers resnet20 --threads 2\n",
    .details = "Without a name: small_cnn,resnet20,mobilenetv2,darts_v2_small.\n",
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run_command,
};
