/* bench_latency_choices.c - clnas-bench latency --choices: what each choice of a space's supernet costs in an inference, on the device at hand.
 *
 *     clnas-bench latency --choices CONFIG [--device MATCH] [--batch 1] [--repeats 21] [--output FILE]
 *
 * The table is what `strategy = { type = "proxylessnas"; latency = { table = "FILE"; … }; }` weighs choices by; without --output it
 * goes to the standard output, and the same for people to the standard error.
 *
 * The supernet is made for evaluation, with paths, and with norms as a derived network has them: with a scale, by running statistics.  The
 * launches that run because a row took a choice, and for no other choice of that row, are run alone
 * (nas_net_evaluate_choice) and their times on the device added up.  That is less noisy by far than the difference of two whole
 * inferences, and it does not see what a choice does to the caches of its neighbours.  What runs whichever choice is taken (stem, head,
 * sums, what prepares a cell's inputs) is in no row.  A row that several cells share counts all of them; launches that several rows share (one pooling
 * that many edges read) count for each.  `none` runs nothing and costs 0, and so does an identity that only the sum reads.
 *
 * A sample is the mean of PASSES runs; the samples of all choices take turns, so that a slow spell falls on all, and each choice gets the
 * median of its samples. */
#include "bench.h"
#include "bench_latency.h"
#include "bench_net.h"

#include <clnas/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES = 8 };

typedef struct latency {
    nas_config *config;
    nas_data *data;
    nas_domain *domain;
    nas_device *device;
    nas_graph graph; /* as it is measured */
    nas_gate_table table;
    uint64_t hash; /* of the graph that is searched in */
    nas_net *net;
    double *samples; /* [choices][repeats] */
    double *seconds; /* [choices] */
} latency;

/* ---- the supernet ------------------------------------------------------------------------------------------ */

/* The graph that is searched in, for its hash, and the one that is measured. */
static nas_status make_graphs(latency *l)
{
    const nas_supergraph_options searched = {0}, measured = {.affine = true, .running = true};
    nas_graph graph = {0};
    NAS_TRY(nas_domain_supergraph(l->domain, &searched, &graph, &l->table));
    nas_status status = nas_graph_hash(&graph, &l->hash);
    nas_graph_clear(&graph);
    NAS_TRY(status);
    return nas_domain_supergraph(l->domain, &measured, &l->graph, &l->table);
}

static nas_status open_all(const char *path, const latency_options *o, latency *l)
{
    const nas_device_options device = {.profile = true};
    const nas_net_options net = {.batch = o->batch[0], .paths = true};
    l->config = calloc(1, sizeof *l->config);
    if (!l->config)
        NAS_FAIL(NAS_MEMORY, "no memory for a config");
    NAS_TRY(nas_config_read(path, NULL, 0, l->config));
    NAS_TRY(nas_data_open_group(&l->config->data, (uint64_t)l->config->seed, &l->data));
    NAS_TRY(nas_domain_open_group(&l->config->space, nas_data_shape(l->data),
                                  nas_data_outputs(l->data), &l->domain));
    NAS_TRY(make_graphs(l));
    NAS_TRY(nas_device_open(o->device, &device, &l->device));
    NAS_TRY(nas_net_create(l->device, &l->graph, &net, &l->net));
    NAS_TRY(nas_net_initialise(l->net, 1, 1));
    l->samples = calloc((size_t)l->table.choices * (size_t)o->repeats, sizeof *l->samples);
    l->seconds = calloc((size_t)l->table.choices, sizeof *l->seconds);
    return l->samples && l->seconds ? NAS_OK : NAS_MEMORY;
}

static void close_all(latency *l)
{
    free(l->samples);
    free(l->seconds);
    nas_net_destroy(l->net);
    nas_device_destroy(l->device);
    nas_graph_clear(&l->graph);
    nas_domain_close(l->domain);
    nas_data_destroy(l->data);
    if (l->config)
        nas_config_clear(l->config);
    free(l->config);
}

/* ---- measuring ------------------------------------------------------------------------------------------------ */

/* Mean seconds of a choice's launches. */
static nas_status sample(latency *l, const nas_gate_row *row, int choice, double *seconds)
{
    nas_profile_row *rows;
    int count;
    nas_device_profile_reset(l->device);
    for (int i = 0; i < PASSES; i++)
        NAS_TRY(nas_net_evaluate_choice(l->net, row->first, row->choices, choice));
    NAS_TRY(nas_device_finish(l->device));
    NAS_TRY(nas_device_profile(l->device, &rows, &count));
    *seconds = 0;
    for (int i = 0; i < count; i++)
        *seconds += rows[i].seconds / PASSES;
    free(rows);
    return NAS_OK;
}

/* A sample of each choice. */
static nas_status take_turns(latency *l, int turn, int repeats)
{
    for (int r = 0; r < l->table.count; r++) {
        const nas_gate_row *row = &l->table.rows[r];
        for (int k = 0; k < row->choices; k++) {
            const size_t at = (size_t)(row->first + k) * (size_t)repeats + (size_t)turn;
            if (k != row->none)
                NAS_TRY(sample(l, row, k, &l->samples[at]));
        }
    }
    return NAS_OK;
}

static nas_status measure(latency *l, int repeats)
{
    const nas_step step = {.real = (uint32_t)nas_net_options_of(l->net)->batch};
    NAS_TRY(nas_net_set_step(l->net, &step));
    NAS_TRY(nas_net_evaluate(l->net)); /* so that parts read numbers */
    NAS_TRY(nas_device_finish(l->device));
    NAS_TRY(take_turns(l, 0, repeats)); /* the first time pages are new: overwritten */
    for (int turn = 0; turn < repeats; turn++)
        NAS_TRY(take_turns(l, turn, repeats));
    for (int k = 0; k < l->table.choices; k++) {
        double *own = l->samples + (size_t)k * (size_t)repeats;
        bench_sort(own, repeats);
        l->seconds[k] = bench_median(own, repeats);
    }
    return NAS_OK;
}

/* ---- results --------------------------------------------------------------------------------------------------- */

static void print_people(const latency *l, const latency_options *o)
{
    const nas_device_info *info = nas_device_describe(l->device);
    double even = 0;
    fprintf(stderr, "µs of each choice at batch %d, on %s %s (median of %d)\n%-4s %-12s",
            o->batch[0], info->id, info->name, o->repeats, "row", "part");
    fprintf(stderr, " choices 0, 1, …\n");
    for (int r = 0; r < l->table.count; r++) {
        const nas_gate_row *row = &l->table.rows[r];
        fprintf(stderr, "%-4d %-12s", r, row->part);
        for (int k = 0; k < row->choices; k++) {
            fprintf(stderr, " %8.1f", 1e6 * l->seconds[row->first + k]);
            even += l->seconds[row->first + k] / row->choices;
        }
        fprintf(stderr, "\n");
    }
    fprintf(stderr, "with equal shares of all choices: %.1f µs in the rows\n", 1e6 * even);
}

static nas_status write_table(const latency *l, const latency_options *o)
{
    nas_text text = {0};
    nas_latency_write(&l->table, l->hash, nas_device_describe(l->device), o->batch[0], l->seconds,
                      &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK && o->output)
        status = nas_file_replace(o->output, text.data, text.length);
    else if (status == NAS_OK)
        fputs(text.data, stdout);
    nas_text_clear(&text);
    return status;
}

nas_status bench_latency_choices(const char *config, const latency_options *options)
{
    latency_options o = *options;
    latency l = {0};
    o.repeats = o.repeats ? o.repeats : 21;
    nas_status status = open_all(config, &o, &l);
    if (status == NAS_OK)
        status = measure(&l, o.repeats);
    if (status == NAS_OK)
        status = write_table(&l, &o);
    if (status == NAS_OK)
        print_people(&l, &o);
    close_all(&l);
    return status;
}
