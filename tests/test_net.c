/* test_net.c - whole networks on a device against the double reference.
 *
 * Each graph below stresses one rule of the plan: a home read with and without its activation, norms where a view cannot
 * say them, residual sums, gates, concatenations, dead ends.  For each, fused and unfused, loss, output, running
 * statistics and every gradient are compared with the reference; and the reference itself with finite differences of the loss along a random
 * direction.  The bound is the product's: 1e-3 of the largest entry of the double gradient.
 */
#include <clnas/net.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct net_case {
    const char *name;
    int batch;
    const char *graph;
} net_case;

static const net_case cases[] = {
    {"small chain", 5,
     "input 1x9x7\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 5; kernel = 3; stride = 2\n5 batch_norm(4)\n6 activation(5) kind = "
     "\"relu\"\n"
     "7 pool(6) kind = \"global_average\"\n8 dense(7) out = 4\n"},
    {"separable and max pool", 19,
     "input 2x8x8\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 8; groups = 8\n5 conv2d(4) out = 16; kernel = 1\n6 batch_norm(5)\n"
     "7 activation(6) kind = \"relu\"\n8 pool(7) kind = \"max\"; kernel = 2; stride = 2\n"
     "9 conv2d(8) out = 7; kernel = 1\n10 batch_norm(9)\n11 activation(10) kind = \"relu\"\n"
     "12 pool(11) kind = \"global_average\"\n13 dense(12) out = 3\n"},
    {"residual, one home read twice", 16,
     "input 3x6x5\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 8\n5 batch_norm(4)\n6 add(2, 5)\n7 activation(6) kind = \"relu\"\n"
     "8 conv2d(7) out = 8\n9 batch_norm(8)\n10 add(9, 3)\n11 activation(10) kind = \"silu\"\n"
     "12 pool(11) kind = \"global_average\"\n13 dense(12) out = 5\n"},
    {"norms where views cannot say them", 6,
     "input 3x5x5\n1 batch_norm(0)\n2 conv2d(1) out = 4; bias = true\n"
     "3 activation(2) kind = \"relu\"\n4 batch_norm(3)\n5 batch_norm(4)\n6 conv2d(5) out = 4\n"
     "7 batch_norm(6)\n8 add(6, 7)\n9 activation(8) kind = \"tanh\"\n"
     "10 activation(9) kind = \"gelu\"\n11 pool(10) kind = \"global_average\"\n12 dense(11) out = "
     "3\n"},
    {"squeeze-excite gate", 17,
     "input 2x6x6\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"hard_swish\"\n"
     "4 pool(3) kind = \"global_average\"\n5 conv2d(4) out = 4; kernel = 1; bias = true\n"
     "6 activation(5) kind = \"relu\"\n7 conv2d(6) out = 8; kernel = 1; bias = true\n"
     "8 activation(7) kind = \"sigmoid\"\n9 mul(3, 8)\n10 conv2d(9) out = 6; kernel = 1\n"
     "11 batch_norm(10)\n12 pool(11) kind = \"global_average\"\n13 dense(12) out = 4\n"},
    {"concat, slice, shuffle, twice the same", 3,
     "input 2x6x6\n1 conv2d(0) out = 6\n2 batch_norm(1) affine = false\n"
     "3 activation(2) kind = \"leaky_relu\"\n4 conv2d(3) out = 4; dilation = 2\n5 batch_norm(4)\n"
     "6 concat(3, 5)\n7 shuffle(6) groups = 2\n8 slice(7) from = 2; count = 6\n9 add(8, 8)\n"
     "10 conv2d(9) out = 6; groups = 2\n11 batch_norm(10)\n12 activation(11) kind = \"relu6\"\n"
     "13 pool(12) kind = \"average\"; kernel = 3; stride = 2\n14 dense(13) out = 3\n"},
    {"dropout, drop-path, a dead end", 20,
     "input 1x7x7\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 8\n5 batch_norm(4)\n6 drop_path(5) probability = 0.4\n7 add(3, 6)\n"
     "8 conv2d(7) out = 4\n9 pool(7) kind = \"global_average\"\n10 dropout(9) rate = 0.3\n"
     "11 dense(10) out = 4\n"},
    {"steps beside relus: no gradient through them", 13,
     "input 2x6x5\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"step\"\n"
     "4 activation(2) kind = \"relu\"\n5 conv2d(4) out = 6\n6 batch_norm(5)\n"
     "7 activation(6) kind = \"step\"\n8 conv2d(0) out = 6\n9 batch_norm(8)\n10 mul(9, 3)\n"
     "11 conv2d(10) out = 6\n12 batch_norm(11)\n13 mul(12, 7)\n14 add(13, 4)\n"
     "15 pool(14) kind = \"global_average\"\n16 dense(15) out = 3\n"},
    {"norm behind dropout and pool", 18,
     "input 2x6x6\n1 conv2d(0) out = 5; kernel = 1\n2 pool(1) kind = \"average\"\n3 batch_norm(2)\n"
     "4 activation(3) kind = \"relu\"\n5 pool(4) kind = \"max\"; kernel = 3; stride = 2\n"
     "6 batch_norm(5)\n7 conv2d(6) out = 9; kernel = 5; groups = 1\n8 batch_norm(7)\n"
     "9 activation(8) kind = \"sigmoid\"\n10 dense(9) out = 4\n"},
};

static nas_device *device;
static const nas_step step = {.epoch = 2, .step = 7, .key = {11, 13}, .drop_path = 0.2f};

static void must(nas_status status)
{
    if (status != NAS_OK)
        fail_msg("%s: %s", nas_status_name(status), nas_error_message());
}

static int setup(void **state)
{
    (void)state;
    return nas_device_open("", NULL, &device) != NAS_OK;
}

static int teardown(void **state)
{
    (void)state;
    int live = nas_device_live_objects(device);
    nas_device_destroy(device);
    if (live != 0)
        print_error("%d live device objects at the end\n", live);
    return live != 0;
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
    must(nas_tensor_write(shard.input, input));
    free(input);
}

/* Random input and labels, and parameters away from their symmetric start. */
static void randomise(nas_net *net, nas_reference *reference)
{
    nas_random random = nas_random_make(5, NAS_STREAM_TEST, 1, 2, 3);
    const nas_tensor to = nas_net_labels(net);
    int32_t *labels = calloc(to.count, sizeof *labels);
    for (int i = 0; i < nas_net_shard_count(net); i++)
        randomise_shard(net, reference, i, &random);
    for (int n = 0; n < nas_net_options_of(net)->batch; n++)
        labels[n] = nas_reference_labels(reference)[n] = (int32_t)nas_random_below(&random, 3);
    must(nas_buffer_write(to.buffer, 4 * to.at, 4 * to.count, labels));
    free(labels);
    must(nas_net_initialise(net, 3, 4));
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *p = nas_net_parameter_at(net, i);
        if (!p->tensor.buffer || !p->spec.trained || p->spec.init == NAS_INIT_HE)
            continue;
        float *values = calloc(p->tensor.count, sizeof *values);
        must(nas_tensor_read(p->tensor, values));
        for (uint64_t k = 0; k < p->tensor.count; k++)
            values[k] += 0.3f * (float)nas_random_normal(&random);
        must(nas_tensor_write(p->tensor, values));
        free(values);
    }
    must(nas_reference_copy(reference, net));
}

/* Largest difference as a share of the largest entry of the truth (and at least `floor` of anything). */
static double worst(const float *got, const double *truth, uint64_t count, double floor)
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

static void compare_parameters(nas_net *net, nas_reference *reference, bool states, double bound,
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
        must(nas_tensor_read(states ? p->tensor : p->gradient, got));
        double error = worst(got, states ? value : gradient, p->tensor.count, floor);
        if (error > bound)
            fail_msg("%s: %s %s differs by %.2e of its largest entry", name, p->name,
                     states ? "state" : "gradient", error);
        free(got);
    }
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
    must(nas_tensor_read(shard.input_gradient, got));
    for (uint64_t i = 0; i < pixels; i++) {
        memcpy(dense + i * real, got + i * padded, real * sizeof *dense);
        memcpy(truth + i * real, whole + i * batch + (uint64_t)shard.first, real * sizeof *truth);
    }
    double error = worst(dense, truth, pixels * real, 1e-9);
    if (error > 1e-3)
        fail_msg("%s: input gradient differs by %.2e of its largest entry", name, error);
    free(got);
    free(dense);
    free(truth);
}

static void compare_loss(nas_net *net, double truth, const char *name)
{
    float metrics[4];
    must(nas_tensor_read(nas_tensor_view(nas_net_metrics(net), 0, 4), metrics));
    assert_true(metrics[2] == (float)nas_net_options_of(net)->batch);
    double loss = metrics[0] / metrics[2];
    if (!(fabs(loss - truth) <= 1e-4 * fmax(1.0, fabs(truth))))
        fail_msg("%s: loss %.7f, reference %.7f", name, loss, truth);
}

static void check_case(const net_case *c, int shards, bool unfused, bool clblast)
{
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    nas_net_options options = {.batch = c->batch + 16 * (shards - 1),
                               .shards = shards,
                               .training = true,
                               .loss = true,
                               .label_smoothing = 0.1,
                               .unfused = unfused,
                               .use_clblast = clblast,
                               .input_gradient = true};
    while (nas_batch_padded(options.batch) % (NAS_BATCH_MULTIPLE * shards) != 0)
        options.batch += NAS_BATCH_MULTIPLE;
    char name[128];
    snprintf(name, sizeof name, "%s (%d shards, %s%s)", c->name, shards,
             unfused ? "unfused" : "fused", clblast ? ", clblast" : "");
    must(nas_graph_parse(c->graph, c->name, &graph));
    must(nas_net_create(device, &graph, &options, &net));
    must(nas_reference_create(&graph, &options, &reference));
    randomise(net, reference);
    nas_step now = step;
    now.real = (uint32_t)options.batch;
    must(nas_net_set_step(net, &now));
    must(nas_net_forward(net));
    must(nas_net_backward(net));
    compare_loss(net, nas_reference_forward(reference, true, &now), name);
    nas_reference_backward(reference, &now);
    compare_parameters(net, reference, false, 1e-3, name);
    compare_parameters(net, reference, true, 1e-4, name);
    for (int i = 0; i < shards; i++)
        compare_input_gradient(net, reference, i, name);
    must(nas_net_evaluate(net));
    compare_loss(net, nas_reference_forward(reference, false, &now), name);
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

/* What a net keeps for measures, fused and unfused, against the reference: saliency of each layer, features, and in how many
 * relus two samples differ. */
static void check_saliency(nas_net *net, nas_reference *reference, int node)
{
    const nas_shape shape = nas_net_graph(net)->nodes[node].shape;
    const int batch = nas_net_options_of(net)->batch, padded = nas_batch_padded(batch);
    const nas_tensor tensor = nas_net_saliency(net, node);
    const double *z = nas_reference_value(reference, node);
    const double *dz = nas_reference_gradient(reference, node);
    const int pixels = shape.h * shape.w;
    float *got = malloc(tensor.count * sizeof *got), *dense = malloc(tensor.count * sizeof *dense);
    double *truth = calloc(tensor.count, sizeof *truth);
    must(nas_tensor_read(tensor, got));
    for (int c = 0; c < shape.c; c++)
        for (int n = 0; n < batch; n++) {
            dense[c * batch + n] = got[c * padded + n];
            for (int p = 0; p < pixels; p++) {
                int at = (c * pixels + p) * batch + n;
                truth[c * batch + n] += z[at] * dz[at];
            }
        }
    double error = worst(dense, truth, (uint64_t)(shape.c * batch), 1e-6);
    if (!(error <= 1e-3))
        fail_msg("saliency of node %d differs by %.2e of its largest entry", node, error);
    free(got);
    free(dense);
    free(truth);
}

static void check_distances(nas_net *net, nas_reference *reference)
{
    const nas_graph *graph = nas_net_graph(net);
    const int batch = nas_net_options_of(net)->batch, padded = nas_batch_padded(batch);
    const nas_tensor tensor = nas_net_distances(net);
    uint32_t *got = malloc(tensor.count * sizeof *got);
    uint64_t signs = 0;
    must(nas_buffer_read(tensor.buffer, 4 * tensor.at, 4 * tensor.count, got));
    for (int i = 0; i < batch; i++)
        for (int j = 0; j < batch; j++) {
            uint32_t distance = 0;
            signs = 0;
            for (int node = 1; node < graph->count; node++) {
                nas_activation kind;
                float slope;
                if (strcmp(graph->nodes[node].op->kind.name, "activation") != 0)
                    continue;
                nas_activation_of(graph->nodes[node].options.bytes, &kind, &slope);
                if (kind != NAS_ACT_RELU && kind != NAS_ACT_RELU6 && kind != NAS_ACT_LEAKY_RELU)
                    continue;
                const double *x = nas_reference_value(reference, graph->nodes[node].inputs[0]);
                uint64_t pixels = nas_shape_count(graph->nodes[node].shape);
                signs += pixels;
                for (uint64_t p = 0; p < pixels; p++)
                    distance += (x[p * (uint64_t)batch + (uint64_t)i] > 0) !=
                                (x[p * (uint64_t)batch + (uint64_t)j] > 0);
            }
            assert_int_equal(got[i * padded + j], distance);
        }
    assert_true(nas_net_sign_count(net) == signs);
    free(got);
}

static void check_features(nas_net *net, nas_reference *reference)
{
    const nas_net_options *options = nas_net_options_of(net);
    const nas_shape shape = nas_net_graph(net)->nodes[options->features].shape;
    const int batch = options->batch, padded = nas_batch_padded(batch);
    const nas_tensor tensor = nas_net_features(net);
    const double *truth = nas_reference_value(reference, options->features);
    float *got = malloc(tensor.count * sizeof *got);
    must(nas_tensor_read(tensor, got));
    for (uint64_t i = 0; i < nas_shape_count(shape); i++)
        for (int n = 0; n < batch; n++)
            if (!(fabs(got[i * (uint64_t)padded + (uint64_t)n] -
                       truth[i * (uint64_t)batch + (uint64_t)n]) <= 1e-4))
                fail_msg("feature %d of sample %d", (int)i, n);
    free(got);
}

static void check_taps(const net_case *c, bool unfused)
{
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    must(nas_graph_parse(c->graph, c->name, &graph));
    const nas_net_options options = {.batch = c->batch,
                                     .training = true,
                                     .loss = true,
                                     .unfused = unfused,
                                     .taps = NAS_TAP_SIGNS | NAS_TAP_SALIENCY,
                                     .features = 3};
    must(nas_net_create(device, &graph, &options, &net));
    must(nas_reference_create(&graph, &options, &reference));
    randomise(net, reference);
    nas_step now = step;
    now.real = (uint32_t)c->batch;
    must(nas_net_set_step(net, &now));
    for (int again = 0; again < 2; again++) { /* nothing adds up from pass to pass */
        must(nas_net_forward(net));
        must(nas_net_backward(net));
    }
    nas_reference_forward(reference, true, &now);
    nas_reference_backward(reference, &now);
    for (int node = 1; node < graph.count; node++)
        if (nas_net_saliency(net, node).buffer)
            check_saliency(net, reference, node);
    check_distances(net, reference);
    check_features(net, reference);
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

static void taps_equal_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_taps(&cases[i], false);
        if (!getenv("CLNAS_TEST_SMALL"))
            check_taps(&cases[i], true);
    }
}

static void fused_equals_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], 1, false, false);
}

static void unfused_equals_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], 1, true, false);
}

/* The batch in shards: norms, losses, gradients and draws are those of the whole. */
static void shards_equal_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(&cases[i], 2, false, false);
        check_case(&cases[i], 4, i % 2 == 1, false);
    }
}

static void clblast_equals_reference(void **state)
{
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], 1, false, true);
}

/* The reference's own gradients against central differences of the loss, in double, along one random direction per
 * parameter tensor; at 1e-5 the truncation error is far below the bound and kinks are improbable. */
static void check_differences(const net_case *c)
{
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    nas_net_options options = {.batch = c->batch, .training = true, .loss = true};
    must(nas_graph_parse(c->graph, c->name, &graph));
    must(nas_net_create(device, &graph, &options, &net));
    must(nas_reference_create(&graph, &options, &reference));
    randomise(net, reference);
    nas_step now = step;
    now.real = (uint32_t)c->batch;
    nas_random random = nas_random_make(9, NAS_STREAM_TEST, 0, 0, 0);
    nas_reference_forward(reference, true, &now);
    nas_reference_backward(reference, &now);
    double scale = largest_gradient(reference, net);
    for (int node = 1; node < graph.count; node++)
        for (int p = 0; p < NAS_OP_PARAMETERS; p++) {
            double *gradient, along = 0.0, loss[2];
            uint64_t count;
            double *value = nas_reference_parameter(reference, node, p, &gradient, &count);
            nas_parameter specs[NAS_OP_PARAMETERS];
            if (!value || p >= nas_node_parameters(&graph, node, specs) || !specs[p].trained)
                continue;
            double *start = malloc(count * sizeof *start), *way = malloc(count * sizeof *way);
            for (uint64_t i = 0; i < count; i++) {
                start[i] = value[i];
                way[i] = nas_random_normal(&random);
                along += way[i] * gradient[i];
            }
            for (int side = 0; side < 2; side++) {
                for (uint64_t i = 0; i < count; i++)
                    value[i] = start[i] + (side ? -1e-6 : 1e-6) * way[i];
                loss[side] = nas_reference_forward(reference, true, &now);
            }
            memcpy(value, start, count * sizeof *value);
            double difference = (loss[0] - loss[1]) / 2e-6;
            double bound = 1e-4 * fmax(fabs(along), scale * sqrt((double)count));
            if (!(fabs(difference - along) <= bound))
                fail_msg("%s: node %d parameter %d: finite difference %.9g, gradient %.9g", c->name,
                         node, p, difference, along);
            free(start);
            free(way);
        }
    nas_reference_destroy(reference);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

static void reference_equals_finite_differences(void **state)
{
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_differences(&cases[i]);
}

static void graph_text_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nas_graph graph, again;
        nas_text first = {0}, second = {0};
        uint64_t a, b;
        must(nas_graph_parse(cases[i].graph, "case", &graph));
        nas_graph_write(&graph, &first);
        must(nas_graph_parse(first.data, "text", &again));
        nas_graph_write(&again, &second);
        assert_string_equal(first.data, second.data);
        must(nas_graph_hash(&graph, &a));
        must(nas_graph_hash(&again, &b));
        assert_true(a == b);
        nas_text_clear(&first);
        nas_text_clear(&second);
        nas_graph_clear(&graph);
        nas_graph_clear(&again);
    }
}

static void bad_graphs_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "input 0x3x3\n",
                                      "1 conv2d(0) out = 3\n",
                                      "input 1x4x4\n2 conv2d(0) out = 3\n",
                                      "input 1x4x4\n1 conv2d(1) out = 3\n",
                                      "input 1x4x4\n1 convv(0) out = 3\n",
                                      "input 1x4x4\n1 conv2d(0) outt = 3\n",
                                      "input 1x4x4\n1 conv2d(0) out = -3\n",
                                      "input 1x4x4\n1 add(0)\n",
                                      "input 1x4x4\n1 conv2d(0 out = 3\n",
                                      "input 1x4x4\n1 conv2d(0) out = 3; groups = 5\n",
                                      "input 1x4x4\noutput 3\n",
                                      "input 1x4x4\ninput 1x4x4\n",
                                      "input 1x4x4\n1 pool(0) kernel = 9; stride = 9\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nas_graph graph = {0};
        if (nas_graph_parse(bad[i], "bad", &graph) == NAS_OK)
            fail_msg("accepted: %s", bad[i]);
        assert_true(strlen(nas_error_message()) > 10);
    }
}

static void weights_survive_a_file(void **state)
{
    (void)state;
    nas_graph graph;
    nas_net *a, *b;
    char path[] = "/tmp/clnas_net_XXXXXX.safetensors";
    snprintf(path, sizeof path, "test_net_%d.safetensors", 1);
    nas_net_options options = {.batch = 4};
    must(nas_graph_parse(cases[0].graph, "case", &graph));
    must(nas_net_create(device, &graph, &options, &a));
    must(nas_net_create(device, &graph, &options, &b));
    must(nas_net_initialise(a, 1, 2));
    must(nas_net_initialise(b, 7, 2));
    const char *keys[] = {"note"}, *values[] = {"a test"};
    must(nas_net_save(a, path, keys, values, 1));
    must(nas_net_load(b, path));
    uint64_t count = nas_net_parameters(a).parameters.count;
    float *x = calloc(count, sizeof *x), *y = calloc(count, sizeof *y);
    must(nas_tensor_read(nas_net_parameters(a).parameters, x));
    must(nas_tensor_read(nas_net_parameters(b).parameters, y));
    assert_memory_equal(x, y, count * sizeof *x);
    free(x);
    free(y);
    remove(path);
    nas_net_destroy(a);
    nas_net_destroy(b);
    nas_graph_clear(&graph);
}

/* How a batch may be cut, and how the trainer cuts it. */
static void shards_are_checked(void **state)
{
    (void)state;
    static const struct {
        int batch, shards;
    } rows[] = {{1, 1},   {64, 1},  {127, 2}, {128, 2},  {100, 1},  {129, 1}, {144, 1},
                {160, 2}, {192, 2}, {250, 4}, {1024, 8}, {4096, 8}, {255, 4}, {113, 2}};
    const bool host = nas_device_describe(device)->on_host;
    nas_graph graph;
    nas_net *net = NULL;
    nas_net_options options = {.batch = 80, .training = true, .loss = true, .shards = 2};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(nas_batch_shards(device, rows[i].batch), host ? rows[i].shards : 1);
    must(nas_graph_parse(cases[0].graph, "case", &graph));
    assert_int_equal(nas_net_create(device, &graph, &options, &net), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "a batch of 80"));
    options.batch = 64;
    options.taps = NAS_TAP_SIGNS;
    assert_int_equal(nas_net_create(device, &graph, &options, &net), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "taps"));
    options.batch = 256;
    options.taps = 0;
    options.shards = 16;
    assert_int_equal(nas_net_create(device, &graph, &options, &net), NAS_CONFIG);
    nas_graph_clear(&graph);
}

static void memory_is_known_before(void **state)
{
    (void)state;
    nas_graph graph;
    nas_net *net;
    nas_net_memory before, after;
    nas_net_options options = {.batch = 8, .training = true, .loss = true};
    must(nas_graph_parse(cases[2].graph, "case", &graph));
    int live = nas_device_live_objects(device);
    must(nas_net_measure(device, &graph, &options, &before));
    assert_int_equal(nas_device_live_objects(device), live);
    must(nas_net_create(device, &graph, &options, &net));
    nas_net_memory_of(net, &after);
    assert_true(before.total_bytes == after.total_bytes);
    assert_true(before.total_bytes > 0);
    nas_net_destroy(net);
    options.batch = 64;
    options.shards = 4;
    must(nas_net_measure(device, &graph, &options, &before));
    assert_true(before.total_bytes > after.total_bytes);
    must(nas_net_create(device, &graph, &options, &net));
    nas_net_memory_of(net, &after);
    assert_true(before.total_bytes == after.total_bytes);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_text_round_trips),
        cmocka_unit_test(bad_graphs_are_refused),
        cmocka_unit_test(taps_equal_the_reference),
        cmocka_unit_test(fused_equals_reference),
        cmocka_unit_test(unfused_equals_reference),
        cmocka_unit_test(shards_equal_reference),
        cmocka_unit_test(clblast_equals_reference),
        cmocka_unit_test(reference_equals_finite_differences),
        cmocka_unit_test(weights_survive_a_file),
        cmocka_unit_test(shards_are_checked),
        cmocka_unit_test(memory_is_known_before),
    };
    nas_device_info *devices = NULL;
    int count = 0;
    if (nas_devices_list(&devices, &count) != NAS_OK || count == 0) {
        free(devices);
        return 77;
    }
    free(devices);
    return cmocka_run_group_tests(tests, setup, teardown);
}
