/* test_conv.c - convolutions and dense layers on the device against their double reference.
 *
 * Every sample case of conv2d and dense runs forward and backward in several modes (conv_harness.h), by the fast kernels, by the plain
 * ones and, where it is a matrix product, by CLBlast.
 *
 * CLNAS_TEST_SMALL=1 keeps to the smaller cases (for an interpreter such as Oclgrind); CLNAS_LANES sets the width of the register
 * vectors.
 */
#include "conv_harness.h"
#include "nas_test.h"

#include "ops/convolution.h"

static bool small(void)
{
    const char *value = getenv("CLNAS_TEST_SMALL");
    return value && value[0] == '1';
}

enum { FAST, PLAIN, CLBLAST };

static void run_case(const nas_op *op, const nas_op_case *sample, const conv_mode *m, int way)
{
    static const char *const ways[] = {"fast", "plain", "clblast"};
    conv_problem p;
    conv_problem_make(&p, op, sample->options, m, sample->batch, sample->in[0]);
    snprintf(p.label, sizeof p.label, "%s %s, %dx%dx%d, batch %d, %s, %s", op->kind.name,
             sample->options, p.in.c, p.in.h, p.in.w, p.batch, m->name, ways[way]);
    conv_solve(&p);
    nas__convolution_plain = way == PLAIN;
    conv_run(&p, way == CLBLAST);
    nas__convolution_plain = false;
    conv_problem_clear(&p);
}

static void run_op(const char *name, int way, int first_mode, int last_mode, int every)
{
    const nas_op *op = nas_op_find(name);
    for (int i = 0; op->cases[i].options; i++)
        for (int m = first_mode; m < last_mode; m++) {
            if (i % every != 0)
                continue;
            if (small() && (nas_shape_count(op->cases[i].in[0]) > 300 || m == 0 || m > 2))
                continue;
            run_case(op, &op->cases[i], &conv_modes[m], way);
        }
}

static void test_conv2d_fast(void **state)
{
    (void)state;
    run_op("conv2d", FAST, 0, COMMON_MODES, 1);
}

static void test_conv2d_plain(void **state)
{
    (void)state;
    run_op("conv2d", PLAIN, 0, COMMON_MODES, 1);
}

static void test_conv2d_other_activations(void **state)
{
    (void)state;
    run_op("conv2d", FAST, COMMON_MODES, MODES, small() ? 8 : 6);
}

static void test_dense(void **state)
{
    (void)state;
    for (int way = FAST; way <= CLBLAST; way++)
        if (way != CLBLAST || !small())
            run_op("dense", way, 0, COMMON_MODES, 1);
}

static void test_pointwise_clblast(void **state)
{
    (void)state;
    static const nas_op_case cases[] = {{"out = 10; kernel = 1", 19, 1, {{7, 5, 3}}},
                                        {"out = 66; kernel = 1; bias = true", 32, 1, {{35, 3, 5}}}};
    if (small())
        skip();
    for (int i = 0; i < 2; i++)
        for (int m = 0; m < COMMON_MODES; m++)
            run_case(nas_op_find("conv2d"), &cases[i], &conv_modes[m], CLBLAST);
}

/* Real sizes: several row chunks, channel blocks and parts at once. */
static void test_conv2d_larger(void **state)
{
    (void)state;
    static const nas_op_case cases[] = {
        {"out = 68", 35, 1, {{36, 16, 15}}},
        {"out = 20; stride = 2", 64, 1, {{60, 14, 14}}},
        {"out = 40; kernel = 1", 64, 1, {{150, 14, 14}}},
        {"out = 16", 272, 1, {{2, 28, 5}}},
        {"groups = 0; kernel = 5; dilation = 2", 64, 1, {{9, 30, 37}}},
        {"groups = 0; stride = 2", 40, 1, {{3, 33, 70}}},
    };
    if (small())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int way = FAST; way <= PLAIN; way++)
            run_case(nas_op_find("conv2d"), &cases[i], &conv_modes[1], way);
}

/* A large mean must not eat the variance. */
static void test_statistics_with_large_mean(void **state)
{
    (void)state;
    const nas_op *op = nas_op_find("conv2d");
    conv_problem p;
    conv_problem_make(&p, op, "out = 4; bias = true", &conv_modes[0], 16, (nas_shape){3, 8, 8});
    snprintf(p.label, sizeof p.label, "bias 10000");
    conv_solve(&p);
    for (int i = 0; i < 4; i++)
        p.weights[1][i] = 10000;
    nas_reference_call call = conv_reference_call(&p);
    p.op->reference_forward[1](&call);
    nas_op_call device_call = {
        .device = conv_device, .options = p.options, .n = 16, .real = 16, .input_count = 1};
    device_call.in_shape[0] = p.in, device_call.out_shape = p.out;
    nas_op_sizes sizes;
    op->sizes(&device_call, &sizes);
    device_call.in[0].x = conv_upload(p.x, p.ins, 16, 16, 0);
    device_call.out = conv_tensor(p.outs * 16);
    device_call.statistics = conv_tensor(3 * 4 * (uint64_t)sizes.statistics_parts);
    device_call.scratch = conv_tensor(sizes.scratch);
    device_call.parameters[0] = conv_upload_flat(p.weights[0], p.weight_counts[0]);
    device_call.parameters[1] = conv_upload_flat(p.weights[1], p.weight_counts[1]);
    nas_tape *tape;
    nas_test_ok(nas_tape_create(conv_device, "forward", &tape));
    nas_test_ok(op->forward(&device_call, tape));
    nas_test_ok(nas_tape_run(tape));
    float *got = conv_download(device_call.statistics);
    double m2 = 0, true_m2 = 0, mean = 0;
    uint64_t plane = p.outs / 4 * 16;
    for (int i = 0; i < sizes.statistics_parts; i++)
        m2 += got[2 * sizes.statistics_parts + i];
    for (uint64_t i = 0; i < plane; i++)
        mean += p.z[i] / (double)plane;
    for (uint64_t i = 0; i < plane; i++)
        true_m2 += (p.z[i] - mean) * (p.z[i] - mean);
    assert_true(m2 > 0.5 * true_m2 && m2 < 1.01 * true_m2); /* within parts, so at most the whole */
    conv_check_statistics(&p, got, sizes.statistics_parts);
    free(got);
    nas_tape_destroy(tape);
    conv_tensor_free(device_call.in[0].x), conv_tensor_free(device_call.out),
        conv_tensor_free(device_call.statistics);
    conv_tensor_free(device_call.scratch), conv_tensor_free(device_call.parameters[0]),
        conv_tensor_free(device_call.parameters[1]);
    conv_problem_clear(&p);
}

/* Lanes change speed only: everything that training uses is the same, bit for bit, with 16, 8 and 4. */
static void test_same_bits_at_any_lanes(void **state)
{
    (void)state;
    static const char *const options[] = {"out = 9; stride = 2; bias = true",
                                          "out = 20; kernel = 1", "out = 36",
                                          "groups = 0; kernel = 5"};
    if (small())
        skip();
    const nas_op *op = nas_op_find("conv2d");
    nas_device *usual = conv_device;
    for (int i = 0; i < 4; i++) {
        float *first = NULL;
        uint64_t count = 0;
        for (int width = 16; width >= 4; width /= 2) {
            nas_device_options with = {.lanes = width};
            nas_test_ok(nas_device_open("", &with, &conv_device));
            conv_stream = 1000;
            conv_problem p;
            conv_problem_make(&p, op, options[i], &conv_modes[1], 19, (nas_shape){34, 7, 9});
            snprintf(p.label, sizeof p.label, "%s, %d lanes", options[i], width);
            conv_solve(&p);
            conv_kept_count = 0;
            conv_keeping = true;
            conv_run(&p, false);
            conv_keeping = false;
            conv_problem_clear(&p);
            if (!first) {
                first = conv_kept;
                count = conv_kept_count;
                conv_kept = NULL;
            } else {
                assert_int_equal(conv_kept_count, count);
                for (uint64_t j = 0; j < count; j++)
                    if (memcmp(&first[j], &conv_kept[j], sizeof(float)) != 0)
                        fail_msg("%s: value %d of %d is %.9g instead of %.9g", p.label, (int)j,
                                 (int)count, (double)conv_kept[j], (double)first[j]);
            }
            nas_device_destroy(conv_device);
        }
        free(first);
    }
    free(conv_kept);
    conv_kept = NULL;
    conv_device = usual;
}

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    const nas_op *op = nas_op_find("conv2d");
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    nas_value group;
    nas_shape in = {6, 2, 2}, out;
    nas_test_ok(nas_value_parse("{ out = 5; groups = 4; }", "case", 1, &group));
    nas_test_ok(nas_options_fill(&op->kind, &group, NULL, options));
    nas_value_clear(&group);
    nas_test_fails(op->infer(options, &in, 1, &out), NAS_SHAPE, "4 groups");
    nas_test_ok(nas_value_parse("{ kernel = 5; padding = 0; }", "case", 1, &group));
    nas_test_ok(nas_options_fill(&op->kind, &group, NULL, options));
    nas_value_clear(&group);
    nas_test_fails(op->infer(options, &in, 1, &out), NAS_SHAPE, "5x5");
}

static int open_device(void **state)
{
    (void)state;
    nas_status status = nas_device_open("", NULL, &conv_device);
    if (status != NAS_OK)
        fprintf(stderr, "%s\n", nas_error_message());
    return status == NAS_OK ? 0 : -1;
}

static int close_device(void **state)
{
    (void)state;
    nas_build_counts builds = nas_device_builds(conv_device);
    int live = nas_device_live_objects(conv_device);
    printf("lanes %d, %d programs in %.1f s, %d objects left\n", nas_device_lanes(conv_device),
           builds.programs, builds.seconds, live);
    nas_device_destroy(conv_device);
    return 0;
}

/* An argument is a filter: test_conv 'test_dense*'. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_plain),
        cmocka_unit_test(test_conv2d_fast),
        cmocka_unit_test(test_conv2d_larger),
        cmocka_unit_test(test_conv2d_other_activations),
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_pointwise_clblast),
        cmocka_unit_test(test_statistics_with_large_mean),
        cmocka_unit_test(test_same_bits_at_any_lanes),
        cmocka_unit_test(test_shapes_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
