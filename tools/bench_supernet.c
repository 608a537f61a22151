/* bench_supernet.c - clnas-bench supernet: a search step of DARTS, its memory, and where the time goes.
 *
 *     clnas-bench supernet [--cells 8] [--channels 16] [--batch 64] [--shards 2] [--size 32] [--steps 3] [--repeats 3]
 *                          [--device MATCH] [--keep] [--profile] [--peer] [--python PYTHON] [--threads 2] [--format table|json]
 *
 * A search step is a weight step (forward, backward, clip by norm, SGD with momentum) and a first-order architecture step
 * (forward, backward of the gates) on the supernet of the space `cell`.  Batches are random and stay on the device; what moves the few
 * hundred architecture weights is left out.  Memory is what the plan says, and the peak of the process (Linux).
 *
 * `--keep` recomputes nothing (nas_net_options.recompute).
 * `--profile` adds a table by kernel from a device that reports events.  Bytes are those of the activations and
 * gradients that a kernel cannot do without: each input once, each output once; GB/s and the share of the copy bandwidth follow.
 * `--peer` runs tools/peers/darts_supernet.py in turns, at PyTorch's best setting. */
#include "bench.h"
#include "bench_net.h"

#include <clnas/space.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_BYTES = 1 << 28, PEER_LINE = 512 };

typedef struct supernet_options {
    int cells, channels, batch, size, steps, repeats, threads;
    int shards; /* of the batch; 0: as many as the trainer takes */
    const char *device, *python, *script;
    bool keep, profile, peer, json;
} supernet_options;

typedef struct supernet {
    nas_device *device;
    nas_graph graph;
    nas_net *net;
    nas_train_config config;
    nas_buffer *moments, *scratch;
    nas_tape *update;
    int batch;
    uint32_t done;
} supernet;

typedef struct outcome {
    bench_times weight, architecture; /* one step each per entry */
    double step_ms[BENCH_REPEATS];    /* both */
    double peer_ms[BENCH_REPEATS];
    int count;
    nas_net_memory memory;
    double peak_bytes, peer_bytes, loss;
    uint64_t parameters, peer_parameters;
    int nodes, weight_launches, architecture_launches;
    char torch[64];
} outcome;

/* ---- options ------------------------------------------------------------------------------------------ */

static bool read_option(const char *name, const char *value, supernet_options *o)
{
    const struct {
        const char *name;
        int *number, most;
    } numbers[] = {{"--cells", &o->cells, 32},       {"--channels", &o->channels, 256},
                   {"--batch", &o->batch, 65536},    {"--size", &o->size, 512},
                   {"--steps", &o->steps, 1000},     {"--repeats", &o->repeats, BENCH_REPEATS},
                   {"--threads", &o->threads, 1024}, {"--shards", &o->shards, NAS_SHARDS}};
    const struct {
        const char *name, **text;
    } texts[] = {{"--device", &o->device}, {"--python", &o->python}, {"--script", &o->script}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0)
            return bench_read_number(value, 1, numbers[i].most, numbers[i].number);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].text = value;
            return true;
        }
    o->json = strcmp(value, "json") == 0;
    return strcmp(name, "--format") == 0 && (o->json || strcmp(value, "table") == 0);
}

static nas_status parse(int argc, char **argv, supernet_options *o)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--profile") == 0) {
            o->profile = true;
        } else if (strcmp(argv[i], "--keep") == 0) {
            o->keep = true;
        } else if (strcmp(argv[i], "--peer") == 0) {
            o->peer = true;
        } else {
            if (i + 1 == argc || !read_option(argv[i], argv[i + 1], o))
                NAS_FAIL(NAS_CONFIG, "%s %s: no such option or value", argv[i],
                         i + 1 < argc ? argv[i + 1] : "(nothing)");
            i++;
        }
    }
    return NAS_OK;
}

/* ---- the network ---------------------------------------------------------------------------------------- */

static nas_status make_graph(const supernet_options *o, nas_graph *graph)
{
    nas_status status = NAS_OK;
    nas_value group = {0};
    nas_domain *domain = NULL;
    nas_gate_table table;
    char text[128];
    const nas_supergraph_options options = {.running = true};
    snprintf(text, sizeof text, "{ cells = %d; channels = %d; }", o->cells, o->channels);
    NAS_TRY(nas_value_parse(text, "supernet", 1, &group));
    NAS_TRY_DONE(nas_domain_open(nas_space_find("cell"), &group, NULL,
                                 (nas_shape){3, o->size, o->size}, 10, &domain));
    NAS_TRY_DONE(nas_domain_supergraph(domain, &options, graph, &table));
done:
    nas_domain_close(domain);
    nas_value_clear(&group);
    return status;
}

static nas_status fill_tensor(nas_tensor tensor, float middle, float width, nas_random *random)
{
    float *values = malloc(tensor.count * sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for random values");
    for (uint64_t i = 0; i < tensor.count; i++)
        values[i] = middle + width * (float)nas_random_normal(random);
    nas_status status = nas_tensor_write(tensor, values);
    free(values);
    return status;
}

static nas_status fill_random(supernet *s)
{
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    const nas_tensor labels = nas_net_labels(s->net);
    for (int i = 0; i < nas_net_shard_count(s->net); i++)
        NAS_TRY(fill_tensor(nas_net_shard_at(s->net, i).input, 0, 1, &random));
    int32_t *classes = calloc(labels.count, sizeof *classes);
    if (!classes)
        NAS_FAIL(NAS_MEMORY, "no memory for random labels");
    for (int i = 0; i < s->batch; i++)
        classes[i] = (int32_t)nas_random_below(&random, 10);
    nas_status status = nas_buffer_write(labels.buffer, 4 * labels.at, 4 * labels.count, classes);
    free(classes);
    NAS_TRY(status); /* gates as the softmax of DARTS begins with */
    return fill_tensor(nas_net_gates(s->net), 0.125f, 1e-4f, &random);
}

static nas_status record_update(supernet *s)
{
    const nas_net_block block = nas_net_parameters(s->net);
    const uint64_t scratch = nas_clip_scratch(block.parameters.count);
    nas_value group = {0};
    NAS_TRY(nas_value_parse("{ batch = 64; optimizer = \"sgd\"; lr = 0.025; momentum = 0.9; "
                            "weight_decay = 0.0003; schedule = \"constant\"; clip = 5; }",
                            "recipe", 1, &group));
    nas_status status = nas_train_config_fill(&group, &s->config);
    nas_value_clear(&group);
    NAS_TRY(status);
    NAS_TRY(nas_buffer_create(s->device, 4 * block.parameters.count, "moments", &s->moments));
    NAS_TRY(nas_buffer_create(s->device, 4 * (scratch + 16), "scratch", &s->scratch));
    NAS_TRY(nas_tape_create(s->device, "update", &s->update));
    const nas_tensor scale = {s->scratch, 0, 2}, sums = {s->scratch, 16, scratch};
    NAS_TRY(nas_clip_record(s->update, block.gradients, NULL, s->config.common.clip, sums, scale));
    const nas_optimizer_call call = {.device = s->device,
                                     .parameters = block.parameters,
                                     .gradients = block.gradients,
                                     .decayed_count = block.decayed_count,
                                     .moments = {{s->moments, 0, block.parameters.count}},
                                     .step = nas_net_step_block(s->net),
                                     .scale = nas_tensor_view(scale, 0, 1)};
    return s->config.optimizer->record(&s->config.options, &call, s->update);
}

static nas_status open_all(const supernet_options *o, bool profile, supernet *s)
{
    const nas_device_options device_options = {.profile = profile};
    nas_net_options net_options = {.batch = o->batch,
                                   .training = true,
                                   .loss = true,
                                   .recompute = o->keep ? NAS_RECOMPUTE_NEVER : NAS_RECOMPUTE_AUTO};
    s->batch = o->batch;
    NAS_TRY(make_graph(o, &s->graph));
    NAS_TRY(nas_device_open(o->device, &device_options, &s->device));
    net_options.shards = o->shards ? o->shards : nas_batch_shards(s->device, o->batch);
    NAS_TRY(nas_net_create(s->device, &s->graph, &net_options, &s->net));
    NAS_TRY(nas_net_initialise(s->net, 1, 1));
    NAS_TRY(fill_random(s));
    return record_update(s);
}

static void close_all(supernet *s)
{
    nas_tape_destroy(s->update);
    nas_buffer_destroy(s->moments);
    nas_buffer_destroy(s->scratch);
    nas_net_destroy(s->net);
    nas_device_destroy(s->device);
    nas_graph_clear(&s->graph);
    memset(s, 0, sizeof *s);
}

/* ---- steps ---------------------------------------------------------------------------------------------- */

static nas_status set_step(supernet *s)
{
    const nas_step now = {.real = (uint32_t)s->batch,
                          .step = s->done,
                          .time = s->done,
                          .lr = (float)s->config.common.lr};
    s->done++;
    return nas_net_set_step(s->net, &now);
}

static nas_status weight_step(supernet *s)
{
    NAS_TRY(set_step(s));
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward(s->net));
    NAS_TRY(nas_tape_run(s->update));
    return nas_device_finish(s->device);
}

static nas_status architecture_step(supernet *s)
{
    NAS_TRY(set_step(s));
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward_gates(s->net));
    return nas_device_finish(s->device);
}

static nas_status time_steps(supernet *s, int steps, outcome *r)
{
    bench_times w = {.count = 0}, a = {.count = 0};
    for (int i = 0; i < steps && i < BENCH_REPEATS; i++) {
        const double start = nas_now_s();
        NAS_TRY(architecture_step(s));
        const double middle = nas_now_s();
        NAS_TRY(weight_step(s));
        a.step_ms[a.count++] = (middle - start) * 1e3;
        w.step_ms[w.count++] = (nas_now_s() - middle) * 1e3;
    }
    bench_times_sort(&w);
    bench_times_sort(&a);
    r->weight.step_ms[r->count] = bench_median_ms(&w);
    r->architecture.step_ms[r->count] = bench_median_ms(&a);
    r->step_ms[r->count] = r->weight.step_ms[r->count] + r->architecture.step_ms[r->count];
    r->weight.count = r->architecture.count = ++r->count;
    return NAS_OK;
}

/* Most memory that this process ever had, or 0. */
static double peak_bytes(void)
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

static nas_status read_loss(supernet *s, double *loss)
{
    float metrics[4];
    NAS_TRY(nas_tensor_read(nas_tensor_view(nas_net_metrics(s->net), 0, 4), metrics));
    *loss = metrics[0] / metrics[2];
    if (!isfinite(*loss))
        NAS_FAIL(NAS_NONFINITE, "the loss became %g: these times mean nothing", *loss);
    return NAS_OK;
}

/* ---- the peer ------------------------------------------------------------------------------------------- */

static nas_status run_peer(const supernet_options *o, const char *python, outcome *r)
{
    char command[2048], line[PEER_LINE] = "";
    unsigned long long parameters = 0;
    double median_ms = 0, bytes = 0;
    snprintf(command, sizeof command,
             "%s %s '%s' --channels-last --cells %d --channels %d --batch %d --size %d --steps %d "
             "--threads %d",
             BENCH_PEER_BEST, python, o->script ? o->script : NAS_PEERS_FOLDER "/darts_supernet.py",
             o->cells, o->channels, o->batch, o->size, o->steps, o->threads);
    NAS_TRY(bench_first_line(command, line, sizeof line));
    if (sscanf(line,
               "torch %63s parameters %llu median_ms %lf min_ms %*f max_ms %*f peak_bytes %lf",
               r->torch, &parameters, &median_ms, &bytes) != 4)
        NAS_FAIL(NAS_FAILED, "the peer says \"%s\": %s", line, command);
    r->peer_ms[r->count - 1] = median_ms;
    r->peer_bytes = fmax(r->peer_bytes, bytes);
    r->peer_parameters = parameters;
    return NAS_OK;
}

/* ---- printing ------------------------------------------------------------------------------------------- */

static void print_outcome(const supernet_options *o, outcome *r, bool peer)
{
    bench_times both = {.count = r->count}, theirs = {.count = r->count};
    memcpy(both.step_ms, r->step_ms, sizeof r->step_ms);
    memcpy(theirs.step_ms, r->peer_ms, sizeof r->peer_ms);
    bench_times_sort(&both);
    bench_times_sort(&theirs);
    bench_times_sort(&r->weight);
    bench_times_sort(&r->architecture);
    const double ours = bench_median_ms(&both), its = bench_median_ms(&theirs);
    if (o->json) {
        printf("{\"cells\": %d, \"channels\": %d, \"batch\": %d, \"parameters\": %llu, "
               "\"weight_ms\": %.2f, \"architecture_ms\": %.2f, \"step_ms\": %.2f, "
               "\"planned_bytes\": %llu, \"peak_bytes\": %.0f",
               o->cells, o->channels, o->batch, (unsigned long long)r->parameters,
               bench_median_ms(&r->weight), bench_median_ms(&r->architecture), ours,
               (unsigned long long)r->memory.total_bytes, r->peak_bytes);
        if (peer)
            printf(", \"torch\": \"%s\", \"peer_ms\": %.2f, \"peer_bytes\": %.0f, "
                   "\"ratio\": %.3f, \"memory_share\": %.3f",
                   r->torch, its, r->peer_bytes, its / ours, r->peak_bytes / r->peer_bytes);
        printf("}\n");
        return;
    }
    printf("DARTS supernet, %d cells, %d channels, batch %d, 3x%dx%d: %llu parameters, %d nodes\n",
           o->cells, o->channels, o->batch, o->size, o->size, (unsigned long long)r->parameters,
           r->nodes);
    printf("weight step %.1f ms, architecture step %.1f ms; search step %.1f ms (%.1f to %.1f)\n",
           bench_median_ms(&r->weight), bench_median_ms(&r->architecture), ours, both.step_ms[0],
           both.step_ms[r->count - 1]);
    printf(
        "memory: %.0f MB planned (%.0f activations, %.0f scratch), %.0f MB peak of the process\n",
        1e-6 * (double)r->memory.total_bytes, 1e-6 * (double)r->memory.activation_bytes,
        1e-6 * (double)r->memory.scratch_bytes, 1e-6 * r->peak_bytes);
    printf("loss %.4f\n", r->loss);
    if (peer)
        printf("torch %s at its best setting: %llu parameters, search step %.1f ms (%.1f to %.1f), "
               "%.0f MB peak\n"
               "clnas takes 1/%.2f of its time and 1/%.2f of its memory\n",
               r->torch, (unsigned long long)r->peer_parameters, its, theirs.step_ms[0],
               theirs.step_ms[r->count - 1], 1e-6 * r->peer_bytes, its / ours,
               r->peer_bytes / r->peak_bytes);
}

/* ---- by kernel ------------------------------------------------------------------------------------------ */

/* Bytes of activations and gradients behind a label of the profile, per forward and backward pass; 0: none to speak of. */
static double label_bytes(const supernet *s, const char *label)
{
    double floats = 0;
    for (int i = 1; i < s->graph.count; i++) {
        const nas_node *node = &s->graph.nodes[i];
        const char *name = node->op->kind.name;
        nas_shape in[NAS_OP_INPUTS];
        nas_parameter weight[NAS_OP_PARAMETERS];
        double read = 0, written = (double)nas_shape_count(node->shape);
        nas_node_shapes(&s->graph, i, in);
        for (int k = 0; k < node->input_count; k++)
            read += (double)nas_shape_count(in[k]);
        if (strcmp(name, "conv2d") == 0) {
            nas_node_parameters(&s->graph, i, weight);
            name = weight[0].dims[1] == 1 && in[0].c > 1 ? "depthwise" : "conv2d";
        }
        const size_t length = strlen(name);
        if (strncmp(label, name, length) == 0 && label[length] == '_')
            floats += read + written;
    }
    return 4 * floats * s->batch;
}

static nas_status print_profile(const supernet_options *o)
{
    supernet s = {0};
    nas_profile_row *rows = NULL;
    int count = 0;
    double copy, all = 0;
    nas_status status = open_all(o, true, &s);
    if (status == NAS_OK)
        status = weight_step(&s);
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(bench_copy(s.device, COPY_BYTES, 0.2, &copy));
    for (int which = 0; which < 2; which++) {
        nas_device_profile_reset(s.device);
        for (int i = 0; i < o->steps; i++)
            NAS_TRY_DONE(which ? architecture_step(&s) : weight_step(&s));
        free(rows);
        rows = NULL;
        NAS_TRY_DONE(nas_device_profile(s.device, &rows, &count));
        all = 0;
        for (int i = 0; i < count; i++)
            all += rows[i].seconds;
        printf("\n%s step; a copy of %d MB runs at %.1f GB/s\n%-28s %9s %9s %7s %8s %7s %6s\n",
               which ? "architecture" : "weight", COPY_BYTES >> 20, copy, "kernel", "launches",
               "ms/step", "share", "MB", "GB/s", "copy");
        for (int i = 0; i < count; i++) {
            const double seconds = rows[i].seconds / o->steps,
                         bytes = label_bytes(&s, rows[i].label);
            printf("%-28s %9.1f %9.2f %6.1f%%", rows[i].label, (double)rows[i].launches / o->steps,
                   seconds * 1e3, 100 * rows[i].seconds / all);
            if (bytes > 0)
                printf(" %8.0f %7.1f %5.0f%%", bytes * 1e-6, 1e-9 * bytes / seconds,
                       1e-7 * bytes / seconds / copy);
            putchar('\n');
        }
        printf("%-28s %9s %9.2f\n", "all", "", all * 1e3 / o->steps);
    }
done:
    free(rows);
    close_all(&s);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static nas_status run(const supernet_options *o)
{
    nas_status status = NAS_OK;
    supernet s = {0};
    outcome r = {.count = 0};
    nas_cost cost;
    char python[512];
    const bool peer = o->peer && bench_find_torch(o->python, python, sizeof python);
    if (o->peer && !peer)
        fprintf(
            stderr,
            "No Python here can import torch (Debian: python3-torch), so clnas stands alone.\n");
    NAS_TRY_DONE(open_all(o, false, &s));
    nas_graph_cost(&s.graph, &cost);
    r.parameters = cost.parameters;
    r.nodes = s.graph.count;
    nas_net_memory_of(s.net, &r.memory);
    NAS_TRY_DONE(architecture_step(&s));
    NAS_TRY_DONE(weight_step(&s));
    for (int i = 0; i < o->repeats; i++) {
        NAS_TRY_DONE(time_steps(&s, o->steps, &r));
        if (peer)
            NAS_TRY_DONE(run_peer(o, python, &r));
    }
    NAS_TRY_DONE(read_loss(&s, &r.loss));
    r.peak_bytes = peak_bytes();
    print_outcome(o, &r, peer);
    close_all(&s);
    if (o->profile)
        NAS_TRY_DONE(print_profile(o));
done:
    close_all(&s);
    return status;
}

int bench_supernet(int argc, char **argv)
{
    supernet_options options = {.cells = 8,
                                .channels = 16,
                                .batch = 64,
                                .size = 32,
                                .steps = 3,
                                .repeats = 3,
                                .threads = 2,
                                .device = ""};
    nas_status status = parse(argc, argv, &options);
    if (status == NAS_OK)
        status = run(&options);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench supernet: %s\n", nas_error_message());
    return nas_status_exit_code(status);
}
