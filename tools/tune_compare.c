/* tune_compare.c - clnas-tune --compare: whole training steps with and without the device's table, in turns.
 *
 * A step is what costs time of one: forward and backward of the whole batch (of a supernet, a weight step's and then an architecture
 * step's).  Both networks are there at once and take turns, so that a slow spell of the machine falls on both; medians are compared.
 * And their gradients are, bit by bit: a table without inexact rows must change none. */
#include "networks.h"
#include "tune.h"

#include <clnas/net.h>
#include <clnas/space.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 11, REPEATS_SLOW = 3, WARM_UP = 2 };
#define ROUND_SECONDS 0.2

typedef struct side {
    nas_device *device;
    nas_net *net;
    float *gradients;
} side;

static nas_status make_supernet(nas_graph *graph)
{
    nas_status status = NAS_OK;
    nas_value group = {0};
    nas_domain *domain = NULL;
    nas_gate_table table;
    const nas_supergraph_options options = {.running = true};
    NAS_TRY(nas_value_parse("{ cells = 8; channels = 16; }", "supernet", 1, &group));
    NAS_TRY_DONE(
        nas_domain_open(nas_space_find("cell"), &group, NULL, (nas_shape){3, 32, 32}, 10, &domain));
    NAS_TRY_DONE(nas_domain_supergraph(domain, &options, graph, &table));
done:
    nas_domain_close(domain);
    nas_value_clear(&group);
    return status;
}

/* ---- one side --------------------------------------------------------------------------------------------- */

static nas_status fill(nas_tensor tensor, uint32_t stream)
{
    float *values = malloc(tensor.count * sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "out of memory for random images");
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, stream, 0, 0);
    for (uint64_t i = 0; i < tensor.count; i++)
        values[i] = (float)nas_random_normal(&random);
    nas_status status = nas_tensor_write(tensor, values);
    free(values);
    return status;
}

static nas_status open_side(const tune_options *options, const nas_graph *graph, bool tuned,
                            int batch, side *s)
{
    const nas_device_options device = {.untuned = !tuned, .inexact = options->inexact};
    nas_net_options net = {.batch = batch, .training = true, .loss = NAS_CROSS_ENTROPY, .slots = 1};
    NAS_TRY(nas_device_open(options->device, &device, &s->device));
    net.shards = nas_batch_shards(s->device, batch);
    NAS_TRY(nas_net_create(s->device, graph, &net, &s->net));
    NAS_TRY(nas_net_initialise(s->net, 1, 1));
    for (int i = 0; i < nas_net_shard_count(s->net); i++)
        NAS_TRY(fill(nas_net_shard_at(s->net, i).input, (uint32_t)i));
    const nas_step now = {.real = (uint32_t)batch};
    return nas_net_set_step(s->net, &now); /* labels are 0: one class is as good as another */
}

static void close_side(side *s)
{
    free(s->gradients);
    nas_net_destroy(s->net);
    nas_device_destroy(s->device);
}

static nas_status step(side *s)
{
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward(s->net));
    if (nas_graph_gates(nas_net_graph(s->net)) == 0)
        return NAS_OK;
    NAS_TRY(nas_net_forward(s->net));
    return nas_net_backward_gates(s->net);
}

static nas_status round_of(side *s, int steps, double *ms)
{
    const double start = nas_now_s();
    for (int i = 0; i < steps; i++)
        NAS_TRY(step(s));
    NAS_TRY(nas_device_finish(s->device));
    *ms = (nas_now_s() - start) * 1e3 / steps;
    return NAS_OK;
}

static nas_status read_gradients(side *s)
{
    const nas_tensor all = nas_net_parameters(s->net).gradients;
    s->gradients = malloc(all.count * sizeof *s->gradients);
    if (!s->gradients)
        NAS_FAIL(NAS_MEMORY, "out of memory for gradients");
    return nas_tensor_read(all, s->gradients);
}

/* ---- both ---------------------------------------------------------------------------------------------------- */

static nas_status take_turns(side sides[2], bench_row *rows[2])
{
    double ms, once = 0;
    for (int i = 0; i < 2; i++) {
        NAS_TRY(round_of(&sides[i], 1, &ms)); /* the same running statistics for both */
        NAS_TRY(read_gradients(&sides[i]));
        NAS_TRY(round_of(&sides[i], ms > 1000 ? 1 : WARM_UP, &once));
    }
    const int steps =
        once > 0 && ROUND_SECONDS * 1e3 > once ? (int)(ROUND_SECONDS * 1e3 / once) : 1;
    const int repeats = once > 1000 ? REPEATS_SLOW : REPEATS;
    for (int r = 0; r < repeats; r++)
        for (int i = 0; i < 2; i++) {
            NAS_TRY(round_of(&sides[i], steps, &ms));
            bench_row_add(rows[i], ms);
        }
    return NAS_OK;
}

static nas_status compare(const tune_options *options, const char *name, const nas_graph *graph,
                          int batch, bench_report *report)
{
    side sides[2] = {{0}, {0}};
    bench_row *row, samples[2];
    char size[32];
    nas_status status = NAS_OK;
    memset(samples, 0, sizeof samples);
    bench_row *rows[2] = {&samples[0], &samples[1]};
    for (int i = 0; i < 2; i++)
        NAS_TRY_DONE(open_side(options, graph, i == 1, batch, &sides[i]));
    NAS_TRY_DONE(take_turns(sides, rows));
    const uint64_t count = nas_net_parameters(sides[0].net).gradients.count;
    const bool same = memcmp(sides[0].gradients, sides[1].gradients, count * sizeof(float)) == 0;
    const double usual = bench_row_median(rows[0]), own = bench_row_median(rows[1]);
    snprintf(size, sizeof size, "batch %d", batch);
    for (int i = 0; i < 2; i++) {
        NAS_TRY_DONE(bench_report_row(report, name, size, "ms/step", &row));
        bench_row_label(row, 2, i ? "tuned" : "untuned");
        bench_row_label(row, 3, i == 0 ? "" : same ? "same" : "others");
        for (int k = 0; k < samples[i].count; k++)
            bench_row_add(row, samples[i].samples[k]);
        bench_row_fact(row, "gain", i ? usual / own : 1);
    }
done:
    close_side(&sides[0]);
    close_side(&sides[1]);
    return status;
}

static nas_status compare_named(const tune_options *options, const char *name, int batch,
                                bench_report *report)
{
    nas_graph graph = {0};
    if (strcmp(name, "supernet") == 0)
        NAS_TRY(make_supernet(&graph));
    else
        NAS_TRY(network_open(name, &graph));
    fprintf(stderr, "clnas-tune: %s, tuned and untuned in turns\n", name);
    nas_status status =
        compare(options, name, &graph, options->batch ? options->batch : batch, report);
    nas_graph_clear(&graph);
    return status;
}

static nas_status open_report(const tune_options *options, nas_device **device,
                              bench_report *report)
{
    static const char *const labels[] = {"network", "batch", "table", "gradients' bits", NULL};
    const nas_device_options with = {.inexact = options->inexact};
    report->labels = labels;
    NAS_TRY(nas_device_open(options->device, &with, device));
    const nas_tuning *table = nas_device_tuning(*device);
    report->device = nas_device_describe(*device);
    if (table->count == 0)
        NAS_FAIL(NAS_CONFIG, "%s is not tuned: run clnas-tune first", report->device->name);
    bench_report_note(report, "table", "%s, %d rows", table->date, table->count);
    return NAS_OK;
}

nas_status tune_compare(const tune_options *options)
{
    nas_status status = NAS_OK;
    nas_device *device = NULL;
    bench_report report = {0};
    NAS_TRY_DONE(open_report(options, &device, &report));
    if (options->what) {
        NAS_TRY_DONE(compare_named(options, options->what, 64, &report));
    } else {
        NAS_TRY_DONE(compare_named(options, "quickstart", 128, &report));
        NAS_TRY_DONE(compare_named(options, "darts_v2_small", 64, &report));
        NAS_TRY_DONE(compare_named(options, "supernet", 64, &report));
    }
    status = bench_report_print(&report, options->format, stdout);
done:
    bench_report_clear(&report);
    nas_device_destroy(device);
    return status;
}
