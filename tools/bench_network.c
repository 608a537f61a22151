/* bench_network.c - a network on a device as the trainer has it, without the data set.
 *
 * A step is what nas_trainer_run does: step block, forward, backward, update; all enqueued, none waited for, and one
 * meeting with the device per round.  Images and labels are random and stay on the device, as a peer's batch stays in
 * its memory, so that the figures compare networks and not loaders; unless somebody who compares loaders gives it batches. */
#include "bench_net.h"
#include "networks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP_STEPS = 3 };

static const char recipe[] =
    "{ epochs = 1; batch = 128; optimizer = \"sgd\"; lr = 0.05; momentum = 0.9; "
    "nesterov = true; weight_decay = 0.0005; schedule = \"constant\"; }";

/* ---- making ------------------------------------------------------------------------------------------- */

static nas_status fill_labels(bench_network *b, nas_random *random)
{
    const nas_tensor labels = nas_net_labels(b->net);
    const int classes = b->graph.nodes[b->graph.output].shape.c;
    int32_t *classes_of = calloc(labels.count, sizeof *classes_of);
    if (!classes_of)
        NAS_FAIL(NAS_MEMORY, "out of memory for random labels");
    for (int i = 0; i < b->batch; i++)
        classes_of[i] = (int32_t)nas_random_below(random, (uint32_t)classes);
    nas_status status =
        nas_buffer_write(labels.buffer, 4 * labels.at, 4 * labels.count, classes_of);
    free(classes_of);
    return status;
}

static nas_status fill_images(nas_tensor input, nas_random *random)
{
    float *images = malloc(input.count * sizeof *images);
    if (!images)
        NAS_FAIL(NAS_MEMORY, "out of memory for random images");
    for (uint64_t i = 0; i < input.count; i++)
        images[i] = (float)nas_random_normal(random);
    nas_status status = nas_tensor_write(input, images);
    free(images);
    return status;
}

static nas_status fill_input(bench_network *b, bool labelled)
{
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < nas_net_shard_count(b->net); i++)
        NAS_TRY(fill_images(nas_net_shard_at(b->net, i).input, &random));
    return labelled ? fill_labels(b, &random) : NAS_OK;
}

static nas_status fill_config(nas_train_config *config)
{
    nas_value group = {0};
    NAS_TRY(nas_value_parse(recipe, "recipe", 1, &group));
    nas_status status = nas_train_config_fill(&group, config);
    nas_value_clear(&group);
    return status;
}

static nas_status record_update(bench_network *b)
{
    const nas_net_block block = nas_net_parameters(b->net);
    nas_optimizer_call call = {.device = b->device,
                               .parameters = block.parameters,
                               .gradients = block.gradients,
                               .decayed_count = block.decayed_count,
                               .step = nas_net_step_block(b->net)};
    NAS_TRY(nas_buffer_create(b->device, 4 * block.parameters.count, "moments", &b->moments));
    call.moments[0] = (nas_tensor){b->moments, 0, block.parameters.count};
    NAS_TRY(nas_tape_create(b->device, "update", &b->update));
    return b->config.optimizer->record(&b->config.options, &call, b->update);
}

/* The step block, and the step's batch where there are any; the order of the first epoch comes again and again. */
static nas_status begin_step(bench_network *b)
{
    const uint32_t steps = b->batches ? (uint32_t)nas_batches_steps(b->batches) : UINT32_MAX;
    const nas_step now = {.real = (uint32_t)b->batch,
                          .step = b->done % steps,
                          .time = b->done,
                          .lr = (float)b->config.common.lr};
    NAS_TRY(nas_net_set_step(b->net, &now));
    b->done++;
    return b->batches ? nas_batches_load(b->batches, (int)now.step) : NAS_OK;
}

static nas_status step(bench_network *b)
{
    NAS_TRY(begin_step(b));
    NAS_TRY(nas_net_forward(b->net));
    NAS_TRY(nas_net_backward(b->net));
    return nas_tape_run(b->update);
}

static nas_status warm_up(bench_network *b, bench_net_kind kind)
{
    const nas_step now = {.real = (uint32_t)b->batch};
    NAS_TRY(nas_net_set_step(b->net, &now));
    for (int i = 0; i < WARM_UP_STEPS; i++)
        NAS_TRY(kind == BENCH_NET_INFER ? nas_net_evaluate(b->net) : step(b));
    NAS_TRY(nas_device_finish(b->device));
    if (kind == BENCH_NET_PROFILED)
        nas_device_profile_reset(b->device);
    return NAS_OK;
}

static nas_status open_all(const bench_net_options *options, bench_net_kind kind, bench_network *b)
{
    const nas_device_options device_options = {.profile = kind == BENCH_NET_PROFILED};
    const bool trains = kind != BENCH_NET_INFER;
    nas_net_options net_options = {.batch = options->batch, .training = trains, .slots = trains};
    if (trains)
        net_options.loss = (nas_loss)NAS_CROSS_ENTROPY;
    b->batch = options->batch;
    NAS_TRY(fill_config(&b->config));
    NAS_TRY(network_open(options->network, &b->graph));
    NAS_TRY(nas_device_open(options->device, &device_options, &b->device));
    net_options.shards = options->shards ? options->shards : nas_batch_shards(b->device, b->batch);
    NAS_TRY(nas_net_create(b->device, &b->graph, &net_options, &b->net));
    NAS_TRY(nas_net_initialise(b->net, 1, 1));
    NAS_TRY(fill_input(b, trains));
    if (trains)
        NAS_TRY(record_update(b));
    return warm_up(b, kind);
}

nas_status bench_network_open(const bench_net_options *options, bench_net_kind kind,
                              bench_network *network)
{
    memset(network, 0, sizeof *network);
    nas_status status = open_all(options, kind, network);
    if (status != NAS_OK)
        bench_network_close(network);
    return status;
}

void bench_network_close(bench_network *network)
{
    nas_tape_destroy(network->update);
    nas_buffer_destroy(network->moments);
    nas_net_destroy(network->net);
    nas_device_destroy(network->device);
    nas_graph_clear(&network->graph);
    memset(network, 0, sizeof *network);
}

/* ---- timing ------------------------------------------------------------------------------------------- */

/* Processor time: of this thread alone it is what enqueueing costs, however busy the device keeps the machine; of the
 * whole process it is, on a CPU device, what a step costs however busy others keep it. */
static double processor_s(clockid_t whose)
{
    struct timespec now;
    clock_gettime(whose, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

nas_status bench_network_round(bench_network *network, int steps, bench_times *times)
{
    const double start = nas_now_s(), host_start = processor_s(CLOCK_THREAD_CPUTIME_ID);
    const double work_start = processor_s(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < steps; i++)
        NAS_TRY(step(network));
    const double host_us = (processor_s(CLOCK_THREAD_CPUTIME_ID) - host_start) * 1e6 / steps;
    NAS_TRY(nas_device_finish(network->device));
    if (times->count == BENCH_REPEATS)
        NAS_FAIL(NAS_FAILED, "more than %d rounds", BENCH_REPEATS);
    times->step_ms[times->count] = (nas_now_s() - start) * 1e3 / steps;
    times->work_ms[times->count] =
        (processor_s(CLOCK_PROCESS_CPUTIME_ID) - work_start) * 1e3 / steps;
    times->host_us = times->count == 0 ? host_us : fmin(host_us, times->host_us);
    times->count++;
    return NAS_OK;
}

nas_status bench_network_steps(bench_network *network, double seconds, int *steps)
{
    enum { STEPS_MAX = 1000 };
    const double start = nas_now_s();
    NAS_TRY(step(network));
    NAS_TRY(nas_device_finish(network->device));
    const double wanted = seconds / (nas_now_s() - start);
    *steps = wanted < 1 ? 1 : wanted > STEPS_MAX ? STEPS_MAX : (int)wanted;
    return NAS_OK;
}

nas_status bench_network_loads(bench_network *network, int steps, double *milliseconds)
{
    const double start = nas_now_s();
    for (int i = 0; i < steps; i++)
        NAS_TRY(begin_step(network));
    NAS_TRY(nas_device_finish(network->device));
    *milliseconds = 1e3 * (nas_now_s() - start) / steps;
    return NAS_OK;
}

nas_status bench_network_infer(bench_network *network, double seconds, double *milliseconds)
{
    const double start = nas_now_s();
    double spent = 0;
    int runs = 0;
    while (runs == 0 || spent < seconds) {
        NAS_TRY(nas_net_evaluate(network->net));
        NAS_TRY(nas_device_finish(network->device));
        spent = nas_now_s() - start;
        runs++;
    }
    *milliseconds = 1e3 * spent / runs;
    return NAS_OK;
}

nas_status bench_network_loss(bench_network *network, double *loss)
{
    float metrics[4];
    NAS_TRY(nas_tensor_read(nas_tensor_view(nas_net_metrics(network->net), 0, 4), metrics));
    *loss = metrics[0] / metrics[2];
    if (!isfinite(*loss))
        NAS_FAIL(NAS_NONFINITE, "the loss became %g: these times mean nothing", *loss);
    return NAS_OK;
}

void bench_times_sort(bench_times *times)
{
    bench_sort(times->step_ms, times->count);
    bench_sort(times->work_ms, times->count);
}

double bench_median_ms(const bench_times *times)
{
    return bench_median(times->step_ms, times->count);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

/* Linux keeps the peak per process and forgets it when told so. */
void bench_memory_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return;
    fputs("5", file);
    fclose(file);
}

double bench_memory_peak(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lf kB", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return 1024 * kilobytes;
}
