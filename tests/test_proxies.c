/* test_proxies.c - zero-cost proxies against truths that share nothing with them but the weights.
 *
 * The truth of a proxy is its formula on the double reference net (host/net/reference.c), whose values and gradients at every
 * node are held against finite differences elsewhere; log-determinants are those of plain elimination; the Hessian products of
 * GraSP are differences in double along the gradient, where the code under test goes along the weights; synaptic flow is a sum over
 * paths done by a reference without norms.  Tiny networks, odd sizes, a batch with padded lanes.
 *
 * Next: test_zero_cost.c, the evaluators that give them. */
#include "nas_test_device.h"
#include "nas_test_open.h"

#include "eval/proxies.h"

#include <math.h>

enum { REAL = 11, CLASSES = 3, SEED = 21, NODES_MAX = 64 };

/* Norms, two of them on what is added; a relu read twice; a layer without a norm; an average over the image. */
static const char residual[] =
    "input 2x6x5\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 conv2d(3) out = 6\n5 batch_norm(4)\n6 conv2d(3) out = 6; kernel = 1\n7 add(5, 6)\n"
    "8 activation(7) kind = \"relu\"\n9 conv2d(8) out = 7; stride = 2\n10 batch_norm(9)\n"
    "11 activation(8) kind = \"relu\"\n12 conv2d(11) out = 7; kernel = 1; stride = 2; bias = true\n"
    "13 add(10, 12)\n14 batch_norm(13)\n15 activation(14) kind = \"relu\"\n"
    "16 pool(15) kind = \"global_average\"\n17 dense(16) out = 3\n";

/* Every layer but the head in front of a norm. */
static const char normed[] =
    "input 2x6x5\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 conv2d(3) out = 8\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n"
    "7 pool(6) kind = \"global_average\"\n8 dense(7) out = 3\n";

/* ---- a network, a batch, and the reference ---------------------------------------------------------------------- */

typedef struct bench {
    nas_graph graph;
    nas_data *data;
    nas_eval_setting setting;
    nas_arch arch;
    uint32_t key;
    nas__proxy_options options;
    nas__proxies *proxies;
    nas_trial trial;
    nas_reference *reference;
    nas_net *net; /* lends the reference its weights */
} bench;

static const char made_up[] = "{ type = \"synthetic\"; shape = [2, 6, 5]; classes = 3; train = "
                              "60; test = 20; valid = 20; }";

/* The batch that the proxies take, found in another way: order of the first epoch, sample by sample. */
static void fill_batch(const bench *b, nas_reference *reference)
{
    const nas_batches_options options = {.batch = REAL, .training = true, .seed = SEED};
    nas_data_home *home;
    nas_batches *batches;
    nas_buffer *buffer;
    nas_test_ok(nas_data_home_create(device, b->data, &home));
    nas_test_ok(nas_buffer_create(device, 4 * 2048, "target", &buffer));
    const nas_batches_target target = {
        .images = {{buffer, 0, 960}}, .labels = {buffer, 960, 16}, .step = {buffer, 976, 16}};
    nas_test_ok(nas_batches_create(home, NAS_SPLIT_TRAIN, &options, &target, &batches));
    nas_test_ok(nas_batches_epoch(batches, 0));
    const nas_data_part *part = &nas_data_content_of(b->data)->train;
    const uint32_t *order = nas_batches_order(batches);
    for (int n = 0; n < REAL; n++) {
        nas_reference_labels(reference)[n] = part->labels[order[n]];
        for (int i = 0; i < 60; i++) {
            size_t at = (size_t)order[n] * 60 + (size_t)i;
            int c = i / 30;
            bool bytes = nas_data_content_of(b->data)->type == NAS_SAMPLE_UINT8;
            double value = bytes ? ((const uint8_t *)part->samples)[at] / 255.0
                                 : ((const float *)part->samples)[at];
            nas_reference_input(reference)[i * REAL + n] =
                (value - nas_data_mean(b->data)[c]) / nas_data_std(b->data)[c];
        }
    }
    nas_batches_destroy(batches);
    nas_buffer_destroy(buffer);
    nas_data_home_destroy(home);
}

static void open_reference(bench *b)
{
    const nas_net_options options = {.batch = REAL, .training = true, .loss = NAS_CROSS_ENTROPY};
    nas_test_ok(nas_net_create(device, &b->graph, &options, &b->net));
    nas_test_ok(nas_net_initialise(b->net, SEED, b->key));
    nas_test_ok(nas_reference_create(&b->graph, &options, &b->reference));
    nas_test_ok(nas_reference_copy(b->reference, b->net));
    fill_batch(b, b->reference);
}

/* Measures `graph` by all proxies. */
static void open_bench(const char *graph, double step, bench *b)
{
    nas_data_home *home;
    *b = (bench){.data = nas_test_data(made_up, SEED), .arch = {.count = 1}};
    nas_test_ok(nas_graph_parse(graph, "test", &b->graph));
    b->setting = (nas_eval_setting){.device = device, .data = b->data, .seed = SEED};
    b->options = (nas__proxy_options){.batch = REAL, .step = step};
    for (int i = 0; i < NAS__PROXIES; i++)
        b->options.measures.item[b->options.measures.count++] = i;
    const uint64_t key = nas_eval_key(&b->arch, 0);
    b->key = (uint32_t)(key ^ key >> 32);
    nas_trial_init(&b->trial);
    nas_test_ok(nas_data_home_create(device, b->data, &home));
    nas_test_ok(nas__proxies_create(&b->options, &b->setting, home, &b->proxies));
    nas_data_home_destroy(home);
    const nas_eval_call call = {.arch = &b->arch, .budget = 1};
    nas_test_ok(nas__proxies_score(b->proxies, &call, &b->graph, &b->trial));
    open_reference(b);
}

static void close_bench(bench *b)
{
    nas_trial_clear(&b->trial);
    nas__proxies_destroy(b->proxies);
    nas_reference_destroy(b->reference);
    nas_net_destroy(b->net);
    nas_graph_clear(&b->graph);
    nas_data_destroy(b->data);
}

static void check(const bench *b, const char *name, double truth, double tolerance)
{
    double found = nas_trial_metric(&b->trial, name);
    print_message("%s: %.9g, truth %.9g\n", name, found, truth);
    if (!(fabs(found - truth) <= tolerance * fabs(truth)))
        fail_msg("%s is %.9g, should be %.9g", name, found, truth);
}

static const nas_step step = {.real = REAL};

static void run(nas_reference *reference)
{
    nas_reference_forward(reference, true, &step);
    nas_reference_backward(reference, &step);
}

static bool is_op(const nas_graph *graph, int node, const char *name)
{
    return node > 0 && strcmp(graph->nodes[node].op->kind.name, name) == 0;
}

static bool is_layer(const nas_graph *graph, int node)
{
    return is_op(graph, node, "conv2d") || is_op(graph, node, "dense");
}

/* ---- sums over weights and channels ---------------------------------------------------------------------------------- */

static void sums_over_weights(void **state)
{
    bench b;
    double snip = 0, plain = 0, norms = 0;
    (void)state;
    open_bench(residual, 0.001, &b);
    run(b.reference);
    for (int node = 1; node < b.graph.count; node++) {
        double *gradient, square = 0;
        uint64_t count;
        if (!is_layer(&b.graph, node))
            continue;
        const double *w = nas_reference_parameter(b.reference, node, 0, &gradient, &count);
        for (uint64_t i = 0; i < count; i++) {
            snip += fabs(w[i] * gradient[i]);
            plain += w[i] * gradient[i];
            square += gradient[i] * gradient[i];
        }
        norms += sqrt(square);
    }
    check(&b, "snip", snip, 1e-4);
    check(&b, "grad_norm", norms, 1e-4);
    check(&b, "plain", plain, 1e-3);
    close_bench(&b);
}

/* Weights of one output channel: in every one of them its channel counts. */
static int fan_in_of(const nas_graph *graph, int node)
{
    nas_parameter specs[NAS_OP_PARAMETERS];
    nas_node_parameters(graph, node, specs);
    return specs[0].rank == 2 ? specs[0].dims[1]
                              : specs[0].dims[1] * specs[0].dims[2] * specs[0].dims[3];
}

static void fisher_of_every_channel(void **state)
{
    bench b;
    double sum = 0;
    (void)state;
    open_bench(residual, 0.001, &b);
    run(b.reference);
    for (int node = 1; node < b.graph.count; node++) {
        const nas_shape shape = b.graph.nodes[node].shape;
        const double *z = nas_reference_value(b.reference, node);
        const double *dz = nas_reference_gradient(b.reference, node);
        for (int c = 0; is_layer(&b.graph, node) && c < shape.c; c++)
            for (int n = 0; n < REAL; n++) {
                double along = 0;
                for (int p = 0; p < shape.h * shape.w; p++) {
                    int at = (c * shape.h * shape.w + p) * REAL + n;
                    along += z[at] * dz[at];
                }
                sum += fan_in_of(&b.graph, node) * 0.5 * along * along / REAL;
            }
    }
    check(&b, "fisher", sum, 1e-4);
    close_bench(&b);
}

/* ---- grasp --------------------------------------------------------------------------------------------------------------- */

/* All weights of convolutions and dense layers in one row. */
static uint64_t gather(const bench *b, double *weights, double *gradients)
{
    uint64_t all = 0;
    for (int node = 1; node < b->graph.count; node++) {
        double *gradient;
        uint64_t count;
        if (!is_layer(&b->graph, node))
            continue;
        const double *w = nas_reference_parameter(b->reference, node, 0, &gradient, &count);
        memcpy(weights + all, w, count * sizeof *w);
        memcpy(gradients + all, gradient, count * sizeof *w);
        all += count;
    }
    return all;
}

static void scatter(const bench *b, const double *weights, double length, const double *way)
{
    uint64_t at = 0;
    for (int node = 1; node < b->graph.count; node++) {
        uint64_t count;
        if (!is_layer(&b->graph, node))
            continue;
        double *w = nas_reference_parameter(b->reference, node, 0, NULL, &count);
        for (uint64_t i = 0; i < count; i++, at++)
            w[i] = weights[at] + length * way[at];
    }
}

/* −Σ w · (H g), H g by a step of 1e-7 along g in double, where no relu flips. */
static void check_grasp(const char *graph, double program_step, double tolerance)
{
    enum { MOST = 4096 };
    static double weights[MOST], gradient[MOST], up[MOST], down[MOST], same[MOST];
    bench b;
    double sum = 0, w = 0, g = 0;
    open_bench(graph, program_step, &b);
    run(b.reference);
    uint64_t count = gather(&b, weights, gradient);
    assert_true(count < MOST);
    for (uint64_t i = 0; i < count; i++) {
        w += weights[i] * weights[i];
        g += gradient[i] * gradient[i];
    }
    double length = 1e-7 * sqrt(w / g);
    scatter(&b, weights, length, gradient);
    run(b.reference);
    gather(&b, same, up);
    scatter(&b, weights, -length, gradient);
    run(b.reference);
    gather(&b, same, down);
    for (uint64_t i = 0; i < count; i++)
        sum -= weights[i] * (up[i] - down[i]) / (2 * length);
    check(&b, "grasp", sum, tolerance);
    close_bench(&b);
}

static void grasp_is_a_hessian_product(void **state)
{
    (void)state;
    check_grasp(residual, 0.001, 3e-3);
    check_grasp(normed, 0.001, 3e-3);
    check_grasp(normed, 0.02, 3e-3); /* smooth: the step hardly matters */
}

/* ---- determinants -------------------------------------------------------------------------------------------------------- */

/* log |det| of a by elimination with pivots, and a's inverse beside it. */
static double eliminate(double a[REAL][REAL], double inverse[REAL][REAL])
{
    double log_det = 0;
    for (int i = 0; i < REAL; i++)
        for (int j = 0; j < REAL; j++)
            inverse[i][j] = i == j;
    for (int k = 0; k < REAL; k++) {
        int pivot = k;
        for (int i = k; i < REAL; i++)
            pivot = fabs(a[i][k]) > fabs(a[pivot][k]) ? i : pivot;
        for (int j = 0; j < REAL; j++) {
            double kept = a[k][j], other = inverse[k][j];
            a[k][j] = a[pivot][j];
            a[pivot][j] = kept;
            inverse[k][j] = inverse[pivot][j];
            inverse[pivot][j] = other;
        }
        double head = a[k][k];
        log_det += log(fabs(head));
        for (int j = 0; j < REAL; j++) {
            a[k][j] /= head;
            inverse[k][j] /= head;
        }
        for (int i = 0; i < REAL; i++) {
            double factor = i == k ? 0 : a[i][k];
            for (int j = 0; j < REAL; j++) {
                a[i][j] -= factor * a[k][j];
                inverse[i][j] -= factor * inverse[k][j];
            }
        }
    }
    return log_det;
}

static void naswot_of_every_relu(void **state)
{
    bench b;
    double k[REAL][REAL] = {{0}}, inverse[REAL][REAL];
    (void)state;
    open_bench(residual, 0.001, &b);
    nas_reference_forward(b.reference, true, &step);
    for (int node = 1; node < b.graph.count; node++) {
        if (!is_op(&b.graph, node, "activation"))
            continue;
        const double *x = nas_reference_value(b.reference, b.graph.nodes[node].inputs[0]);
        uint64_t pixels = nas_shape_count(b.graph.nodes[node].shape);
        for (uint64_t p = 0; p < pixels; p++)
            for (int i = 0; i < REAL; i++)
                for (int j = 0; j < REAL; j++)
                    k[i][j] += (x[p * REAL + (uint64_t)i] > 0) == (x[p * REAL + (uint64_t)j] > 0);
    }
    check(&b, "naswot", eliminate(k, inverse), 1e-6);
    close_bench(&b);
}

/* Two samples that no relu tells apart: finite, and far below two that differ in one relu. */
static void naswot_of_equal_samples(void **state)
{
    uint32_t distances[3 * 4] = {0, 0, 8, 7, 0, 0, 8, 7, 8, 8, 0, 7};
    double equal = NAN, differ = NAN;
    (void)state;
    nas_test_ok(nas__naswot(distances, 4, 3, 16, &equal));
    distances[1] = distances[4] = 1;
    nas_test_ok(nas__naswot(distances, 4, 3, 16, &differ));
    /* [16 15 8; 15 16 8; 8 8 16]: 16³ + 2·15·8·8 − 16·(15² + 2·8²) = 368 */
    assert_true(fabs(differ - log(368)) < 1e-9);
    assert_true(isfinite(equal) && equal < differ - 20);
}

/* The sum over the spectrum of a matrix C is log det(C + k) + trace of (C + k)⁻¹. */
static void jacob_cov_without_a_spectrum(void **state)
{
    const nas_net_options options = {.batch = REAL, .training = true};
    bench b;
    nas_reference *reference;
    double c[REAL][REAL], inverse[REAL][REAL], trace = 0, rows[60][REAL];
    (void)state;
    open_bench(residual, 0.001, &b);
    nas_test_ok(nas_reference_create(&b.graph, &options, &reference));
    nas_test_ok(nas_reference_copy(reference, b.net));
    fill_batch(&b, reference);
    nas_reference_forward(reference, true, &step);
    for (int i = 0; i < CLASSES * REAL; i++)
        nas_reference_output_gradient(reference)[i] = 1;
    nas_reference_backward(reference, &step);
    memcpy(rows, nas_reference_input_gradient(reference), sizeof rows);
    for (int i = 0; i < REAL; i++)
        for (int j = 0; j < REAL; j++) {
            double si = 0, sj = 0, sii = 0, sjj = 0, sij = 0;
            for (int d = 0; d < 60; d++) {
                si += rows[d][i];
                sj += rows[d][j];
                sii += rows[d][i] * rows[d][i];
                sjj += rows[d][j] * rows[d][j];
                sij += rows[d][i] * rows[d][j];
            }
            c[i][j] = (sij - si * sj / 60) / sqrt((sii - si * si / 60) * (sjj - sj * sj / 60));
            c[i][j] += i == j ? 1e-5 : 0;
        }
    double log_det = eliminate(c, inverse);
    for (int i = 0; i < REAL; i++)
        trace += inverse[i][i];
    check(&b, "jacob_cov", -(log_det + trace), 1e-4);
    nas_reference_destroy(reference);
    close_bench(&b);
}

/* ---- zen ------------------------------------------------------------------------------------------------------------------- */

static void draw_noise(bool shifted, double *input)
{
    nas_random random = nas_random_make(SEED, NAS_STREAM_PROXY, 0, 0, 0);
    for (int i = 0; i < 60 * REAL; i++) {
        double x = nas_random_normal(&random), moved = 0.01 * nas_random_normal(&random);
        input[i] = x + (shifted ? moved : 0);
    }
}

static void zen_by_its_formula(void **state)
{
    bench b;
    double features[7 * 3 * 3 * REAL], moved = 0, spread = 0;
    (void)state;
    open_bench(residual, 0.001, &b);
    for (int node = 1; node < b.graph.count; node++) {
        nas_parameter specs[NAS_OP_PARAMETERS];
        uint64_t count;
        if (!is_layer(&b.graph, node))
            continue;
        nas_node_parameters(&b.graph, node, specs);
        double *w = nas_reference_parameter(b.reference, node, 0, NULL, &count);
        for (uint64_t i = 0; i < count; i++)
            w[i] *= sqrt(specs[0].fan_in / 2.0); /* from a variance of 2 / fan_in to 1 */
    }
    draw_noise(false, nas_reference_input(b.reference));
    nas_reference_forward(b.reference, true, &step);
    memcpy(features, nas_reference_value(b.reference, 15), sizeof features);
    draw_noise(true, nas_reference_input(b.reference));
    nas_reference_forward(b.reference, true, &step);
    for (int i = 0; i < 7 * 3 * 3 * REAL; i++)
        moved += fabs(features[i] - nas_reference_value(b.reference, 15)[i]) / REAL;
    for (int node = 1; node < b.graph.count; node++) {
        uint64_t channels;
        double mean = 0;
        if (!is_op(&b.graph, node, "batch_norm"))
            continue;
        const double *variance = nas_reference_parameter(b.reference, node, 3, NULL, &channels);
        for (uint64_t c = 0; c < channels; c++)
            mean += variance[c] / (double)channels;
        spread += log(sqrt(mean));
    }
    check(&b, "zen", log(moved) + spread, 1e-3);
    close_bench(&b);
}

/* ---- synaptic flow -------------------------------------------------------------------------------------------------------- */

/* `plain` is `graph` without norms; layer k of one is layer k of the other. */
static void check_synflow(const char *graph, const char *plain)
{
    const nas_net_options options = {.batch = 1, .training = true};
    const nas_step one = {.real = 1};
    nas_graph with, without;
    nas_reference *reference;
    double score = NAN, sum = 0;
    nas_test_ok(nas_graph_parse(graph, "with", &with));
    nas_test_ok(nas_graph_parse(plain, "without", &without));
    nas_test_ok(nas_reference_create(&without, &options, &reference));
    for (int node = 1, other = 0; node < without.count; node++) {
        nas_parameter specs[NAS_OP_PARAMETERS];
        uint64_t count;
        if (!is_layer(&without, node))
            continue;
        for (other++; !is_layer(&with, other);)
            other++;
        nas_node_parameters(&with, other, specs);
        double *w = nas_reference_parameter(reference, node, 0, NULL, &count);
        float *values = malloc(count * sizeof *values);
        nas_parameter_initialise(&specs[0], SEED, 7, other, 0, values, count);
        for (uint64_t i = 0; i < count; i++)
            w[i] = fabs((double)values[i]);
        free(values);
    }
    nas_shape in = without.nodes[0].shape, out = without.nodes[without.output].shape;
    for (uint64_t i = 0; i < nas_shape_count(in); i++)
        nas_reference_input(reference)[i] = 1;
    nas_reference_forward(reference, true, &one);
    for (uint64_t i = 0; i < nas_shape_count(out); i++)
        nas_reference_output_gradient(reference)[i] = 1;
    nas_reference_backward(reference, &one);
    for (int node = 1; node < without.count; node++) {
        double *gradient;
        uint64_t count;
        if (!is_layer(&without, node))
            continue;
        const double *w = nas_reference_parameter(reference, node, 0, &gradient, &count);
        for (uint64_t i = 0; i < count; i++)
            sum += w[i] * gradient[i];
    }
    nas_test_ok(nas__synflow(device, &with, SEED, 7, &score));
    print_message("synflow: %.9g, truth %.9g\n", score, log10(sum));
    assert_true(fabs(score - log10(sum)) < 1e-4);
    nas_reference_destroy(reference);
    nas_graph_clear(&with);
    nas_graph_clear(&without);
}

static void synflow_is_the_flow_without_norms(void **state)
{
    (void)state;
    check_synflow(residual, "input 2x6x5\n1 conv2d(0) out = 6\n2 activation(1) kind = \"relu\"\n"
                            "3 conv2d(2) out = 6\n4 conv2d(2) out = 6; kernel = 1\n5 add(3, 4)\n"
                            "6 activation(5) kind = \"relu\"\n7 conv2d(6) out = 7; stride = 2\n"
                            "8 activation(6) kind = \"relu\"\n9 conv2d(8) out = 7; kernel = 1; "
                            "stride = 2; bias = true\n"
                            "10 add(7, 9)\n11 activation(10) kind = \"relu\"\n"
                            "12 pool(11) kind = \"global_average\"\n13 dense(12) out = 3\n");
}

/* 40 residual blocks: 3e44 in the end, a million times more than float32 holds. */
static void synflow_does_not_overflow(void **state)
{
    nas_text with = {0}, without = {0};
    int a = 0, b = 0;
    (void)state;
    nas_text_add(&with, "input 2x6x5\n");
    nas_text_add(&without, "input 2x6x5\n");
    for (int i = 0; i < 40; i++) {
        nas_text_format(&with,
                        "%d activation(%d) kind = \"relu\"\n%d conv2d(%d) out = %d\n"
                        "%d batch_norm(%d)\n",
                        a + 1, a, a + 2, a + 1, i ? 0 : 12, a + 3, a + 2);
        nas_text_format(&without, "%d activation(%d) kind = \"relu\"\n%d conv2d(%d) out = %d\n",
                        b + 1, b, b + 2, b + 1, i ? 0 : 12);
        if (i) {
            nas_text_format(&with, "%d add(%d, %d)\n", a + 4, a, a + 3);
            nas_text_format(&without, "%d add(%d, %d)\n", b + 3, b, b + 2);
        }
        a += i ? 4 : 3;
        b += i ? 3 : 2;
    }
    nas_text_format(&with, "%d dense(%d) out = 3\n", a + 1, a);
    nas_text_format(&without, "%d dense(%d) out = 3\n", b + 1, b);
    check_synflow(with.data, without.data);
    nas_text_clear(&with);
    nas_text_clear(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_over_weights),
        cmocka_unit_test(fisher_of_every_channel),
        cmocka_unit_test(grasp_is_a_hessian_product),
        cmocka_unit_test(naswot_of_every_relu),
        cmocka_unit_test(naswot_of_equal_samples),
        cmocka_unit_test(jacob_cov_without_a_spectrum),
        cmocka_unit_test(zen_by_its_formula),
        cmocka_unit_test(synflow_is_the_flow_without_norms),
        cmocka_unit_test(synflow_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
