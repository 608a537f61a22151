/* net_harness.c - see net_harness.h. */
#include "net_harness.h"
#include "nas_test_tensor.h"

#include <math.h>

const nas_step net_step = {.epoch = 2, .step = 7, .key = {11, 13}, .drop_path = 0.2f};

int net_close_device(nas_device *device)
{
    int live = nas_device_live_objects(device);
    nas_device_destroy(device);
    if (live != 0)
        print_error("%d live device objects at the end\n", live);
    return live != 0;
}

/* Gates of both signs, one in five 0. */
static void randomise_gates(nas_net *net, nas_random *random)
{
    const nas_tensor gates = nas_net_gates(net);
    float *values = calloc(gates.count + 1, sizeof *values);
    for (uint64_t i = 0; i < gates.count; i++)
        values[i] = i % 5 == 3 ? 0.0f : 0.3f + 0.4f * (float)nas_random_normal(random);
    if (gates.count)
        nas_test_ok(nas_tensor_write(gates, values));
    free(values);
}

static void randomise_shard(nas_net *net, nas_reference *reference, int index, nas_random *random)
{
    const nas_net_shard shard = nas_net_shard_at(net, index);
    const uint64_t pixels = nas_shape_count(nas_net_graph(net)->nodes[0].shape);
    const uint64_t padded = shard.input.count / pixels;
    const uint64_t batch = (uint64_t)nas_net_options_of(net)->batch;
    float *input = calloc(shard.input.count, sizeof *input);
    for (uint64_t i = 0; i < pixels; i++)
        for (int n = 0; n < shard.real; n++) {
            float value = (float)nas_random_normal(random);
            input[i * padded + (uint64_t)n] = value;
            nas_reference_input(reference)[i * batch + (uint64_t)(shard.first + n)] = value;
        }
    nas_test_ok(nas_tensor_write(shard.input, input));
    free(input);
}

void net_randomise(nas_net *net, nas_reference *reference)
{
    nas_random random = nas_random_make(5, NAS_STREAM_TEST, 1, 2, 3);
    const nas_tensor to = nas_net_labels(net);
    int32_t *labels = calloc(to.count, sizeof *labels);
    for (int i = 0; i < nas_net_shard_count(net); i++)
        randomise_shard(net, reference, i, &random);
    for (int n = 0; n < nas_net_options_of(net)->batch; n++)
        labels[n] = nas_reference_labels(reference)[n] = (int32_t)nas_random_below(&random, 3);
    nas_test_ok(nas_buffer_write(to.buffer, 4 * to.at, 4 * to.count, labels));
    free(labels);
    nas_test_ok(nas_net_initialise(net, 3, 4));
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *p = nas_net_parameter_at(net, i);
        if (!p->tensor.buffer || !p->spec.trained || p->spec.init == NAS_INIT_HE)
            continue;
        float *values = calloc(p->tensor.count, sizeof *values);
        nas_test_ok(nas_tensor_read(p->tensor, values));
        for (uint64_t k = 0; k < p->tensor.count; k++)
            values[k] += 0.3f * (float)nas_random_normal(&random);
        nas_test_ok(nas_tensor_write(p->tensor, values));
        free(values);
    }
    randomise_gates(net, &random);
    nas_test_ok(nas_reference_copy(reference, net));
}

double net_worst(const float *got, const double *truth, uint64_t count, double floor)
{
    double largest = floor, difference = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(truth[i]));
        difference = fmax(difference, isfinite(got[i]) ? fabs(got[i] - truth[i]) : INFINITY);
    }
    return difference / largest;
}

static double largest_gradient(nas_reference *reference, const nas_net *net)
{
    double largest = 0.0;
    for (int node = 1; node < nas_net_graph(net)->count; node++)
        for (int p = 0; p < NAS_OP_PARAMETERS; p++) {
            double *gradient;
            uint64_t count;
            if (!nas_reference_parameter(reference, node, p, &gradient, &count))
                continue;
            for (uint64_t i = 0; i < count; i++)
                largest = fmax(largest, fabs(gradient[i]));
        }
    return largest;
}

void net_compare_parameters(nas_net *net, nas_reference *reference, bool states, double bound,
                            const char *name)
{
    double floor = states ? 1.0 : 1e-3 * largest_gradient(reference, net);
    int parameter = 0;
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *p = nas_net_parameter_at(net, i);
        bool again = i > 0 && nas_net_parameter_at(net, i - 1)->node == p->node;
        parameter = again ? parameter + 1 : 0;
        if (!p->tensor.buffer || p->spec.trained == states)
            continue;
        double *gradient;
        double *value = nas_reference_parameter(reference, p->node, parameter, &gradient, NULL);
        float *got = calloc(p->tensor.count, sizeof *got);
        nas_test_ok(nas_tensor_read(states ? p->tensor : p->gradient, got));
        double error = net_worst(got, states ? value : gradient, p->tensor.count, floor);
        if (error > bound)
            fail_msg("%s: %s %s differs by %.2e of its largest entry", name, p->name,
                     states ? "state" : "gradient", error);
        free(got);
    }
}

void net_compare_gates(nas_net *net, nas_reference *reference, const char *name)
{
    const nas_tensor tensor = nas_net_gate_gradients(net);
    double *truth;
    if (!nas_reference_gates(reference, &truth))
        return;
    float *got = calloc(tensor.count, sizeof *got);
    nas_test_ok(nas_tensor_read(tensor, got));
    double error = net_worst(got, truth, tensor.count, 1e-9);
    if (!(error <= 1e-3))
        fail_msg("%s: the gates' gradient differs by %.2e of its largest entry", name, error);
    free(got);
}

static void compare_input_gradient(nas_net *net, nas_reference *reference, int index,
                                   const char *name)
{
    const nas_net_shard shard = nas_net_shard_at(net, index);
    const uint64_t pixels = nas_shape_count(nas_net_graph(net)->nodes[0].shape);
    const uint64_t batch = (uint64_t)nas_net_options_of(net)->batch;
    const uint64_t real = (uint64_t)shard.real, padded = shard.input_gradient.count / pixels;
    const double *whole = nas_reference_input_gradient(reference);
    float *got = calloc(pixels * padded, sizeof *got);
    float *dense = calloc(pixels * real, sizeof *dense);
    double *truth = calloc(pixels * real, sizeof *truth);
    nas_test_ok(nas_tensor_read(shard.input_gradient, got));
    for (uint64_t i = 0; i < pixels; i++) {
        memcpy(dense + i * real, got + i * padded, real * sizeof *dense);
        memcpy(truth + i * real, whole + i * batch + (uint64_t)shard.first, real * sizeof *truth);
    }
    double error = net_worst(dense, truth, pixels * real, 1e-9);
    if (error > 1e-3)
        fail_msg("%s: input gradient differs by %.2e of its largest entry", name, error);
    free(got);
    free(dense);
    free(truth);
}

void net_compare_loss(nas_net *net, double truth, const char *name)
{
    float metrics[4];
    nas_test_ok(nas_tensor_read(nas_tensor_view(nas_net_metrics(net), 0, 4), metrics));
    assert_true(metrics[2] == (float)nas_net_options_of(net)->batch);
    double loss = metrics[0] / metrics[2];
    if (!(fabs(loss - truth) <= 1e-4 * fmax(1.0, fabs(truth))))
        fail_msg("%s: loss %.7f, reference %.7f", name, loss, truth);
}

/* Backward of the gates: the same gradient of the gates, bit for bit, and no parameter's gradient is touched. */
static void check_gates_alone(nas_net *net, nas_reference *reference, const nas_step *now,
                              const char *name)
{
    const nas_tensor gates = nas_net_gate_gradients(net);
    const nas_net_block block = nas_net_parameters(net);
    if (!nas_reference_gates(reference, NULL)) {
        nas_test_fails(nas_net_backward_gates(net), NAS_FAILED, "no node");
        return;
    }
    float *before = nas_test_read(gates), *poison = calloc(block.gradients.count, sizeof *poison);
    for (uint64_t i = 0; i < block.gradients.count; i++)
        poison[i] = (float)i;
    nas_test_ok(nas_tensor_write(block.gradients, poison));
    nas_test_ok(nas_net_set_step(net, now));
    nas_test_ok(nas_net_forward(net));
    nas_test_ok(nas_net_backward_gates(net));
    float *after = nas_test_read(gates), *untouched = nas_test_read(block.gradients);
    if (memcmp(before, after, gates.count * sizeof *after) != 0)
        fail_msg("%s: backward of the gates gives other gradients than backward", name);
    assert_memory_equal(poison, untouched, block.gradients.count * sizeof *poison);
    free(before);
    free(after);
    free(poison);
    free(untouched);
}

/* The case's batch, and 16 samples more for each further shard, until all can be as wide. */
static int batch_of(const net_case *c, int shards)
{
    int batch = c->batch + NAS_BATCH_MULTIPLE * (shards - 1);
    while (nas_batch_padded(batch) % (NAS_BATCH_MULTIPLE * shards) != 0)
        batch += NAS_BATCH_MULTIPLE;
    return batch;
}

void net_check(nas_device *device, const net_case *c, int shards, bool unfused, bool clblast)
{
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    nas_net_options options = {.batch = batch_of(c, shards),
                               .shards = shards,
                               .training = true,
                               .loss = {"softmax_cross_entropy", "label_smoothing = 0.1"},
                               .unfused = unfused,
                               .use_clblast = clblast,
                               .auxiliary = true,
                               .input_gradient = true};
    char name[128];
    snprintf(name, sizeof name, "%s (%d shards, %s%s)", c->name, shards,
             unfused ? "unfused" : "fused", clblast ? ", clblast" : "");
    nas_test_ok(nas_graph_parse(c->graph, c->name, &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_ok(nas_reference_create(&graph, &options, &reference));
    net_randomise(net, reference);
    nas_step now = net_step;
    now.real = (uint32_t)options.batch;
    nas_test_ok(nas_net_set_step(net, &now));
    nas_test_ok(nas_net_forward(net));
    nas_test_ok(nas_net_backward(net));
    net_compare_loss(net, nas_reference_forward(reference, true, &now), name);
    nas_reference_backward(reference, &now);
    net_compare_parameters(net, reference, false, 1e-3, name);
    net_compare_parameters(net, reference, true, 1e-4, name);
    net_compare_gates(net, reference, name);
    for (int k = 0; k < shards; k++)
        compare_input_gradient(net, reference, k, name);
    nas_test_ok(nas_net_evaluate(net));
    net_compare_loss(net, nas_reference_forward(reference, false, &now), name);
    check_gates_alone(net, reference, &now, name);
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

/* The slope of the loss along a random direction against the gradient. */
static void check_direction(nas_reference *reference, const nas_step *now, nas_random *random,
                            double *value, const double *gradient, uint64_t count, double scale,
                            const char *what)
{
    double along = 0.0, loss[2];
    double *start = malloc(count * sizeof *start), *way = malloc(count * sizeof *way);
    for (uint64_t i = 0; i < count; i++) {
        start[i] = value[i];
        way[i] = nas_random_normal(random);
        along += way[i] * gradient[i];
    }
    for (int side = 0; side < 2; side++) {
        for (uint64_t i = 0; i < count; i++)
            value[i] = start[i] + (side ? -1e-6 : 1e-6) * way[i];
        nas_reference_forward(reference, true, now);
        loss[side] = nas_reference_total_loss(reference);
    }
    memcpy(value, start, count * sizeof *value);
    double difference = (loss[0] - loss[1]) / 2e-6;
    double bound = 1e-4 * fmax(fabs(along), scale * sqrt((double)count));
    if (!(fabs(difference - along) <= bound))
        fail_msg("%s: finite difference %.9g, gradient %.9g", what, difference, along);
    free(start);
    free(way);
}

void net_check_differences(nas_device *device, const net_case *c)
{
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    nas_net_options options = {
        .batch = c->batch, .training = true, .loss = NAS_CROSS_ENTROPY, .auxiliary = true};
    nas_test_ok(nas_graph_parse(c->graph, c->name, &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_ok(nas_reference_create(&graph, &options, &reference));
    net_randomise(net, reference);
    nas_step now = net_step;
    now.real = (uint32_t)c->batch;
    nas_random random = nas_random_make(9, NAS_STREAM_TEST, 0, 0, 0);
    nas_reference_forward(reference, true, &now);
    nas_reference_backward(reference, &now);
    double scale = largest_gradient(reference, net);
    for (int node = 1; node < graph.count; node++)
        for (int p = 0; p < NAS_OP_PARAMETERS; p++) {
            double *gradient;
            uint64_t count;
            char what[128];
            double *value = nas_reference_parameter(reference, node, p, &gradient, &count);
            nas_parameter specs[NAS_OP_PARAMETERS];
            if (!value || p >= nas_node_parameters(&graph, node, specs) || !specs[p].trained)
                continue;
            snprintf(what, sizeof what, "%s: node %d parameter %d", c->name, node, p);
            check_direction(reference, &now, &random, value, gradient, count, scale, what);
        }
    double *gate_gradient, *gates = nas_reference_gates(reference, &gate_gradient);
    if (gates)
        check_direction(reference, &now, &random, gates, gate_gradient, nas_net_gates(net).count,
                        scale, "the gates");
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}
