/* bench_latency.c - clnas-bench latency: a table of what the steps of a space's networks take on a device, and how well it predicts.
 *
 *     clnas-bench latency CONFIG [--device MATCH] [--batch 1,64] [--repeats 24] [--networks 32] [--output FILE]
 *                         [--verify N] [--format table|json] [--table FILE]
 *     clnas-bench latency --choices CONFIG …                    (bench_latency_choices.c)
 *
 * It walks the space (bench_latency_walk.c), measures each distinct step alone (bench_latency_steps.c), and fits the few numbers that
 * make a network's latency of them to --networks random whole networks (host/eval/step_table.c says which).  --verify N then
 * measures N other random networks and prints predicted against measured.  --table FILE takes a table instead of measuring one.
 *
 * The table goes to --output, or, where nothing is verified, to the standard output. */
#include "bench_latency.h"
#include "bench_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nas_status read_batches(latency_options *o)
{
    const char *at = o->batches;
    char *behind;
    for (o->batch_count = 0; o->batch_count < LATENCY_BATCHES; at = behind + 1) {
        const long value = strtol(at, &behind, 10);
        if (behind == at || value < 1 || value > NAS_MEASURE_BATCH || (*behind && *behind != ','))
            break;
        o->batch[o->batch_count++] = (int)value;
        if (!*behind)
            return NAS_OK;
    }
    NAS_FAIL(NAS_CONFIG,
             "--batch wants up to %d numbers, 1 … %d, with commas, not '%s'; 'clnas-bench latency "
             "--help' shows the usage",
             LATENCY_BATCHES, NAS_MEASURE_BATCH, o->batches);
}

static void describe_device(const nas_device *device, nas_step_table *table)
{
    const nas_device_info *info = nas_device_describe(device);
    snprintf(table->device, sizeof table->device, "%s %.100s", info->id, info->name);
    snprintf(table->driver, sizeof table->driver, "%.60s, %.60s", info->platform_name,
             info->driver);
}

/* Steps of one batch. */
static nas_status measure_batch(const latency_space *space, latency_walk *walk, nas_device *device,
                                const latency_options *o, int batch, nas_step_table *table)
{
    const double start = nas_now_s();
    NAS_TRY(latency_measure_steps(space, walk, device, batch, o->repeats, table));
    nas_step_table_sort(table);
    fprintf(stderr, "batch %d: %d steps in %.1f s\n", batch, walk->step_count, nas_now_s() - start);
    return NAS_OK;
}

static nas_status measure_table(const latency_space *space, nas_device *device,
                                const latency_options *o, nas_step_table *table)
{
    latency_walk walk = {0};
    nas_status status = latency_walk_space(space, &walk);
    if (status == NAS_OK)
        fprintf(stderr, "%d distinct steps in %d networks; the last quarter of them brought %d\n",
                walk.step_count, walk.drawn, walk.new_steps);
    table->space = space->hash;
    describe_device(device, table);
    for (int i = 0; i < o->batch_count && status == NAS_OK; i++)
        status = measure_batch(space, &walk, device, o, o->batch[i], table);
    latency_walk_clear(&walk);
    return status;
}

static nas_status write_table(const nas_step_table *table, const latency_options *o)
{
    nas_text text = {0};
    nas_step_table_write(table, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK && o->output)
        status = nas_file_replace(o->output, text.data, text.length);
    else if (status == NAS_OK)
        fputs(text.data, stdout);
    nas_text_clear(&text);
    return status;
}

static void tell_model(const nas_latency_model *m)
{
    fprintf(stderr, "batch %d: %.1f µs + %.2f µs a step + %.3f warm + %.3f cold\n", m->batch,
            1e6 * m->share[0], 1e6 * m->share[1], m->share[2], m->share[3]);
}

/* Whole networks at one batch: the model, unless the table came with it, and what it is worth. */
static nas_status measure_whole(const latency_space *space, nas_device *device,
                                const latency_options *o, int batch, nas_step_table *table)
{
    latency_network *networks = NULL;
    nas_status status = NAS_OK;
    const int fit = o->table ? 0 : o->networks;
    if (o->table && !nas_step_table_model(table, batch))
        NAS_FAIL(NAS_CONFIG, "%s was not measured at batch %d", o->table, batch);
    if (fit + o->verify == 0)
        return NAS_OK;
    NAS_TRY(latency_measure_networks(space, fit, o->verify, device, batch, o->repeats, table,
                                     &networks));
    if (fit > 0)
        NAS_TRY_DONE(latency_fit_model(table, batch, networks, fit));
    tell_model(nas_step_table_model(table, batch));
    latency_predict(table, batch, networks + fit, o->verify);
    if (o->verify > 0)
        status = latency_print(space, nas_device_describe(device), o->format, batch, networks + fit,
                               o->verify, stdout);
done:
    free(networks);
    return status;
}

static nas_status run(const char *path, const latency_options *o)
{
    latency_space space = {0};
    nas_device *device = NULL;
    nas_step_table table = {0};
    nas_status status = NAS_OK;
    NAS_TRY_DONE(latency_open(path, &space));
    NAS_TRY_DONE(nas_device_open(o->device, NULL, &device));
    if (o->table)
        NAS_TRY_DONE(nas_step_table_read(o->table, &table));
    else
        NAS_TRY_DONE(measure_table(&space, device, o, &table));
    for (int i = 0; i < o->batch_count; i++)
        NAS_TRY_DONE(measure_whole(&space, device, o, o->batch[i], &table));
    if (o->output || !o->verify)
        status = write_table(&table, o);
done:
    nas_step_table_clear(&table);
    nas_device_destroy(device);
    latency_close(&space);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static const cli_option rows[] = {
    {"choices", 0, CLI_FLAG, offsetof(latency_options, choices), NULL, NULL, 0, 0, NULL,
     "Measure what each choice of the space's supernet does instead, for proxylessnas"},
    CLI_DEVICE_OPTION(latency_options),
    {"batch", 0, CLI_TEXT, offsetof(latency_options, batches), "N,…", "1", 0, 0, NULL,
     "Samples at a time; with --choices one number"},
    {"repeats", 0, CLI_NUMBER, offsetof(latency_options, repeats), "N", NULL, 1, LATENCY_SAMPLES,
     NULL, "Samples of each step and network (default 24; with --choices 21)"},
    {"networks", 0, CLI_NUMBER, offsetof(latency_options, networks), "N", NULL, 8, 10000, NULL,
     "Random whole networks that the model is fitted to (default 32)"},
    {"verify", 0, CLI_NUMBER, offsetof(latency_options, verify), "N", NULL, 2, 10000, NULL,
     "Then measure so many others, and print predicted against measured"},
    {"output", 'o', CLI_TEXT, offsetof(latency_options, output), "FILE", NULL, 0, 0, NULL,
     "Where the table goes (default stdout; nowhere with --verify)"},
    {"table", 0, CLI_TEXT, offsetof(latency_options, table), "FILE", NULL, 0, 0, NULL,
     "Take this table instead of measuring one"},
    {"format", 'f', CLI_CHOICE, offsetof(latency_options, format), NULL, "table", 0, 0,
     "table|json", "How to print what --verify finds"},
    {.name = NULL},
};

static nas_status run_command(const cli_call *call)
{
    latency_options o = *(const latency_options *)call->options;
    NAS_TRY(read_batches(&o));
    if (o.choices && (o.networks || o.verify || o.table || o.format || o.batch_count > 1))
        NAS_FAIL(NAS_CONFIG, "--choices goes without --networks, --verify, --table and --format, "
                             "and with one batch");
    if (o.choices && o.repeats > BENCH_REPEATS)
        NAS_FAIL(NAS_CONFIG, "--repeats is %d, but with --choices at most %d", o.repeats,
                 BENCH_REPEATS);
    if (o.choices)
        return bench_latency_choices(call->arguments[0], &o);
    o.repeats = o.repeats ? o.repeats : 24;
    o.networks = o.networks ? o.networks : 32;
    return run(call->arguments[0], &o);
}

const cli_command bench_command_latency = {
    .name = "latency",
    .arguments = "CONFIG",
    .summary = "Measure what the networks of a space take, as a table that predicts it",
    .examples = "  clnas-bench latency fashion.cfg --output home.csv\n"
                "  clnas-bench latency fashion.cfg --table home.csv --verify 50\n"
                "  clnas-bench latency --choices cell.cfg --output choices.csv\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(latency_options),
    .options = rows,
    .run = run_command,
};
