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
#include "config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_batches(latency_options *o)
{
    const char *at = o->batches;
    char *behind;
    for (o->batch_count = 0; o->batch_count < LATENCY_BATCHES; at = behind + 1) {
        const long value = strtol(at, &behind, 10);
        if (behind == at || value < 1 || value > NAS_MEASURE_BATCH)
            return false;
        o->batch[o->batch_count++] = (int)value;
        if (*behind != ',')
            return *behind == '\0';
    }
    return false;
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
    bench_format format = BENCH_TABLE;
    latency_network *networks = NULL;
    nas_status status = NAS_OK;
    const int fit = o->table ? 0 : o->networks;
    if (o->table && !nas_step_table_model(table, batch))
        NAS_FAIL(NAS_CONFIG, "%s was not measured at batch %d", o->table, batch);
    if (fit + o->verify == 0)
        return NAS_OK;
    bench_format_of(o->format, &format);
    NAS_TRY(latency_measure_networks(space, fit, o->verify, device, batch, o->repeats, table,
                                     &networks));
    if (fit > 0)
        NAS_TRY_DONE(latency_fit_model(table, batch, networks, fit));
    tell_model(nas_step_table_model(table, batch));
    latency_predict(table, batch, networks + fit, o->verify);
    if (o->verify > 0)
        status = latency_print(space, nas_device_describe(device), format, batch, networks + fit,
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

static int usage(void)
{
    fprintf(stderr,
            "usage: clnas-bench latency CONFIG [--device MATCH] [--batch N,…] [--repeats N] "
            "[--networks N] [--output FILE] [--verify N] [--format table|json] [--table FILE]\n"
            "       clnas-bench latency --choices CONFIG [--device MATCH] [--batch N] "
            "[--repeats N] [--output FILE]\n");
    return 2;
}

int bench_latency(int argc, char **argv)
{
    latency_options o = {
        .device = "", .batches = "1", .format = "table", .repeats = 24, .networks = 32};
    const tool_option options[] = {{"--device", &o.device, NULL, 0, 0},
                                   {"--output", &o.output, NULL, 0, 0},
                                   {"--table", &o.table, NULL, 0, 0},
                                   {"--batch", &o.batches, NULL, 0, 0},
                                   {"--format", &o.format, NULL, 0, 0},
                                   {"--repeats", NULL, &o.repeats, 1, LATENCY_SAMPLES},
                                   {"--networks", NULL, &o.networks, 8, 10000},
                                   {"--verify", NULL, &o.verify, 2, 10000},
                                   {0}};
    if (argc >= 3 && strcmp(argv[2], "--choices") == 0)
        return bench_latency_choices(argc - 1, argv + 1);
    if (argc < 3 || argv[2][0] == '-' || !read_command_line(argc - 1, argv + 1, options) ||
        !read_batches(&o) || (strcmp(o.format, "table") != 0 && strcmp(o.format, "json") != 0))
        return usage();
    const nas_status status = run(argv[2], &o);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench latency: %s\n", nas_error_message());
    return nas_status_exit_code(status);
}
