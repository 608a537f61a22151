/* bench_supernet_darts.c - the two halves of a search step of DARTS on the net itself: a weight step (forward, backward, clip by norm, SGD with
 * momentum) and a first-order architecture step (forward, backward of the gates).
 *
 * Batches are random and stay on the device; what moves the few hundred architecture weights is left out.
 *
 * `--keep` recomputes nothing (nas_net_options.recompute).
 * `--profile` gives a table by kernel from a device that reports events.  Bytes are those of the activations and
 * gradients that a kernel cannot do without: each input once, each output once; GB/s and the share of the copy bandwidth follow. */
#include "bench.h"
#include "bench_supernet.h"

#include <clnas/space.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_BYTES = 1 << 28 };

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
                                   .loss = NAS_CROSS_ENTROPY,
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

static nas_status time_steps(supernet *s, int steps, supernet_outcome *r)
{
    bench_times w = {.count = 0}, a = {.count = 0};
    const int at = r->step.count;
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
    r->weight.step_ms[at] = bench_median_ms(&w);
    r->architecture.step_ms[at] = bench_median_ms(&a);
    r->step.step_ms[at] = r->weight.step_ms[at] + r->architecture.step_ms[at];
    r->weight.count = r->architecture.count = ++r->step.count;
    return NAS_OK;
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

/* ---- by kernel ------------------------------------------------------------------------------------------ */

/* Bytes of activations and gradients behind a label of the profile, per forward and backward pass; 0: none to speak of. */
static double label_bytes(const void *user, const char *label)
{
    const supernet *s = user;
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

nas_status bench_supernet_profile(const supernet_options *o)
{
    supernet s = {0};
    nas_profile_row *rows = NULL;
    int count = 0;
    double copy;
    nas_status status = open_all(o, true, &s);
    if (status == NAS_OK)
        status = weight_step(&s);
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(bench_copy(s.device, COPY_BYTES, 0.2, &copy));
    const supernet_bytes bytes = {label_bytes, &s, copy};
    for (int which = 0; which < 2; which++) {
        nas_device_profile_reset(s.device);
        for (int i = 0; i < o->steps; i++)
            NAS_TRY_DONE(which ? architecture_step(&s) : weight_step(&s));
        free(rows);
        rows = NULL;
        NAS_TRY_DONE(nas_device_profile(s.device, &rows, &count));
        printf("\n%s step; a copy of %d MB runs at %.1f GB/s\n", which ? "architecture" : "weight",
               COPY_BYTES >> 20, copy);
        bench_supernet_kernels(rows, count, o->steps, &bytes);
    }
done:
    free(rows);
    close_all(&s);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static void note_net(const supernet *s, supernet_outcome *r)
{
    nas_cost cost;
    nas_net_memory memory;
    nas_graph_cost(&s->graph, &cost);
    nas_net_memory_of(s->net, &memory);
    r->parameters = (double)cost.parameters;
    r->nodes = s->graph.count;
    r->planned_bytes = (double)memory.total_bytes;
    r->activation_bytes = (double)memory.activation_bytes;
    r->scratch_bytes = (double)memory.scratch_bytes;
}

nas_status bench_supernet_darts(const supernet_options *o, supernet_turn turn, supernet_outcome *r)
{
    nas_status status = NAS_OK;
    supernet s = {0};
    NAS_TRY_DONE(open_all(o, false, &s));
    note_net(&s, r);
    NAS_TRY_DONE(architecture_step(&s));
    NAS_TRY_DONE(weight_step(&s));
    for (int i = 0; i < o->repeats; i++) {
        NAS_TRY_DONE(time_steps(&s, o->steps, r));
        NAS_TRY_DONE(turn(o, r));
    }
    status = read_loss(&s, &r->loss);
done:
    close_all(&s);
    return status;
}
