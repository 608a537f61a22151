/* bench_data.c - clnas-bench data: what it costs that samples stream to the device, because they are more than its memory takes.
 *
 *     clnas-bench data [NETWORK,NETWORK...] [--device MATCH] [--batch 128] [--shards 2] [--samples 20000] [--repeats 9]
 *                      [--milliseconds 200] [--format ...]
 *
 * NETWORK as `net` takes it; by default small_cnn on samples of Fashion-MNIST's shape and resnet20 on CIFAR's.  Samples are made up
 * (the data set `synthetic`), bytes, of the shape that the network takes, in shuffled order, not augmented.  Rows, by where they are:
 *
 *   train    milliseconds of a step: `resident`, all samples on the device; `streamed`, put together by the host and written there batch by
 *            batch while the device computes; `none`, nothing is loaded and all steps have the same batch
 *   load     milliseconds of that part of a step alone, when nothing else runs
 *
 * The three take turns, so "x resident", the median of each turn's ratio to the resident sample of the same turn, is to be trusted where
 * the times themselves are not; "x processor" is the same of the processor time of all threads. */
#include "bench_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESIDENT, STREAMED, NONE, PLACES, LOADERS = 2 };
static const char *const place_names[PLACES] = {"resident", "streamed", "none"};

typedef struct data_bench {
    bench_net_options net;
    int samples, repeats;
    double seconds;   /* of a sample, about */
    char names[1024]; /* of all networks; notes are called by them */
    nas_device_info device;
    bench_report report;
} data_bench;

typedef struct loader {
    nas_data *data;
    nas_data_home *home;
    nas_batches *batches;
} loader;

/* A network while it is measured. */
typedef struct contest {
    bench_network network;
    loader loaders[LOADERS];
    int steps, loads;                 /* of a sample */
    int train[PLACES], load[LOADERS]; /* rows */
    bench_times times[PLACES];
} contest;

/* ---- samples ---------------------------------------------------------------------------------------------------- */

static nas_status open_data(const data_bench *d, const nas_graph *graph, const char *placement,
                            nas_data **data)
{
    const nas_shape in = graph->nodes[0].shape;
    const int classes = graph->nodes[graph->output].shape.c;
    char text[256];
    nas_value group = {0};
    snprintf(text, sizeof text,
             "{ type = \"synthetic\"; train = %d; test = 0; shape = [%d, %d, %d]; classes = %d; "
             "placement = \"%s\"; }",
             d->samples, in.c, in.h, in.w, classes, placement);
    NAS_TRY(nas_value_parse(text, "data", 1, &group));
    nas_status status = nas_data_open_group(&group, 1, data);
    nas_value_clear(&group);
    return status;
}

static nas_status open_loader(const data_bench *d, bench_network *network, const char *placement,
                              loader *l)
{
    const nas_batches_options options = {.batch = d->net.batch, .training = true, .seed = 1};
    const nas_batches_target target = nas_train_target(network->net);
    NAS_TRY(open_data(d, &network->graph, placement, &l->data));
    NAS_TRY(nas_data_home_create(network->device, l->data, &l->home));
    NAS_TRY(nas_batches_create(l->home, NAS_SPLIT_TRAIN, &options, &target, &l->batches));
    return nas_batches_epoch(l->batches, 0);
}

static void close_contest(contest *c)
{
    for (int i = 0; i < LOADERS; i++) {
        nas_batches_destroy(c->loaders[i].batches);
        nas_data_home_destroy(c->loaders[i].home);
        nas_data_destroy(c->loaders[i].data);
    }
    bench_network_close(&c->network);
    free(c);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static nas_batches *batches_of(const contest *c, int place)
{
    return place == NONE ? NULL : c->loaders[place].batches;
}

/* Steps and loads that take about as long as a sample should; kernels are built on the way. */
static nas_status calibrate(const data_bench *d, contest *c)
{
    enum { LOADS_MAX = 10000, WARM_UP_LOADS = 4 };
    double milliseconds;
    for (int place = LOADERS - 1; place >= 0; place--) {
        c->network.batches = batches_of(c, place);
        NAS_TRY(bench_network_loads(&c->network, WARM_UP_LOADS, &milliseconds));
        NAS_TRY(bench_network_loads(&c->network, WARM_UP_LOADS, &milliseconds));
        NAS_TRY(bench_network_steps(&c->network, d->seconds, &c->steps));
    }
    const double loads = 1e3 * d->seconds / milliseconds;
    c->loads = loads < 1 ? 1 : loads > LOADS_MAX ? LOADS_MAX : (int)loads;
    return NAS_OK;
}

/* Another one begins each turn: who comes behind the loads finds other caches. */
static nas_status take_turn(data_bench *d, contest *c, int turn)
{
    for (int i = 0; i < PLACES; i++) {
        const int place = (i + turn) % PLACES;
        bench_times *times = &c->times[place];
        c->network.batches = batches_of(c, place);
        NAS_TRY(bench_network_round(&c->network, c->steps, times));
        bench_row_add(&d->report.rows[c->train[place]], times->step_ms[times->count - 1]);
    }
    for (int i = 0; i < LOADERS; i++) {
        const int place = (i + turn) % LOADERS;
        double milliseconds;
        c->network.batches = batches_of(c, place);
        NAS_TRY(bench_network_loads(&c->network, c->loads, &milliseconds));
        bench_row_add(&d->report.rows[c->load[place]], milliseconds);
    }
    return NAS_OK;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static nas_status add_row(data_bench *d, const char *work, int place, int *index)
{
    char text[32];
    bench_row *row;
    snprintf(text, sizeof text, "%s, batch %d", work, d->net.batch);
    *index = d->report.count;
    NAS_TRY(bench_report_row(&d->report, d->net.network, text, "ms", &row));
    bench_row_label(row, 2, place_names[place]);
    return NAS_OK;
}

/* The median of the turns' ratios. */
static double ratio_of(const double *these, const double *those, int count)
{
    double ratios[BENCH_SAMPLES];
    for (int i = 0; i < count; i++)
        ratios[i] = these[i] / those[i];
    bench_sort(ratios, count);
    return bench_median(ratios, count);
}

static void add_facts(data_bench *d, const contest *c)
{
    const bench_times *base = &c->times[RESIDENT];
    const double step = bench_row_median(&d->report.rows[c->train[RESIDENT]]);
    for (int place = 0; place < PLACES; place++) {
        const bench_times *times = &c->times[place];
        bench_row *row = &d->report.rows[c->train[place]];
        bench_row_fact(row, "images/s", d->net.batch * 1e3 / bench_row_median(row));
        bench_row_fact(row, "x resident", ratio_of(times->step_ms, base->step_ms, base->count));
        bench_row_fact(row, "x processor", ratio_of(times->work_ms, base->work_ms, base->count));
        bench_row_fact(row, "host us", times->host_us);
    }
    for (int place = 0; place < LOADERS; place++) {
        bench_row *row = &d->report.rows[c->load[place]];
        bench_row_fact(row, "images/s", d->net.batch * 1e3 / bench_row_median(row));
        bench_row_fact(row, "share of a step", bench_row_median(row) / step);
    }
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static void note_network(data_bench *d, contest *c)
{
    const nas_shape in = c->network.graph.nodes[0].shape;
    bench_report_note(&d->report, d->net.network,
                      "%d samples of %dx%dx%d bytes, %.1f MB; %d steps in a round, %d shards",
                      d->samples, in.c, in.h, in.w, 1e-6 * d->samples * (double)nas_shape_count(in),
                      c->steps, nas_net_shard_count(c->network.net));
}

static nas_status run_network(data_bench *d, contest *c)
{
    double loss;
    NAS_TRY(bench_network_open(&d->net, BENCH_NET_TRAIN, &c->network));
    for (int i = 0; i < LOADERS; i++)
        NAS_TRY(open_loader(d, &c->network, place_names[i], &c->loaders[i]));
    NAS_TRY(calibrate(d, c));
    note_network(d, c);
    for (int place = 0; place < PLACES; place++)
        NAS_TRY(add_row(d, "train", place, &c->train[place]));
    for (int place = 0; place < LOADERS; place++)
        NAS_TRY(add_row(d, "load", place, &c->load[place]));
    for (int i = 0; i < d->repeats; i++)
        NAS_TRY(take_turn(d, c, i));
    NAS_TRY(bench_network_loss(&c->network, &loss));
    add_facts(d, c);
    return NAS_OK;
}

static nas_status measure_network(data_bench *d)
{
    contest *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for a network's measurements");
    nas_status status = run_network(d, c);
    close_contest(c);
    return status;
}

static nas_status measure(data_bench *d, const char *networks)
{
    char *rest = NULL;
    nas_device *device;
    if (snprintf(d->names, sizeof d->names, "%s", networks) >= (int)sizeof d->names)
        NAS_FAIL(NAS_CONFIG, "the list of networks is too long");
    NAS_TRY(nas_device_open(d->net.device, NULL, &device));
    d->device = *nas_device_describe(device);
    nas_device_destroy(device);
    d->report.device = &d->device;
    for (char *name = strtok_r(d->names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        d->net.network = name;
        NAS_TRY(measure_network(d));
    }
    return NAS_OK;
}

typedef struct options {
    const char *device;
    int batch, shards, samples, repeats, milliseconds, format;
} options;

static const cli_option rows[] = {
    CLI_DEVICE_OPTION(options),
    {"batch", 0, CLI_NUMBER, offsetof(options, batch), "N", "128", 1, 65536, NULL,
     "Samples of a training step"},
    BENCH_SHARDS_OPTION(options),
    {"samples", 0, CLI_NUMBER, offsetof(options, samples), "N", "20000", 1, 10000000, NULL,
     "Samples of the data set"},
    BENCH_REPEATS_OPTION(options, "9"),
    BENCH_MILLISECONDS_OPTION(options, "200"),
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    static const char *const labels[] = {"network", "work", "samples are", NULL};
    const options *given = call->options;
    data_bench d = {
        .net = {.device = given->device, .batch = given->batch, .shards = given->shards},
        .samples = given->samples,
        .repeats = given->repeats,
        .seconds = 1e-3 * given->milliseconds,
        .report = {.labels = labels}};
    const char *networks = call->count ? call->arguments[0] : "small_cnn,resnet20";
    return bench_end(measure(&d, networks), &d.report, given->format);
}

const cli_command bench_command_data = {
    .name = "data",
    .arguments = "[NETWORK,…]",
    .summary = "Train on samples that lie on the device and that stream to it, in turns",
    .examples = "  clnas-bench data resnet20 --batch 64\n",
    .details = "Without a name: small_cnn,resnet20.\n",
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
