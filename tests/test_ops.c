/* test_ops.c - every operator of the list against its double reference, in every way of reading and handing back; the references
 * against finite differences; and what the samples cannot show: ties, constant channels, large means, randomness, bad shapes.
 *
 * Convolutions and dense layers have more variants than these: test_conv.c.
 */
#include "nas_test.h"
#include "op_harness.h"

#include <math.h>

static nas_device *device;

static int open_device(void **state)
{
    (void)state;
    nas_status status = nas_device_open("any", NULL, &device);
    if (status != NAS_OK)
        fprintf(stderr, "%s\n", nas_error_message());
    return status == NAS_OK ? 0 : -1;
}

static int close_device(void **state)
{
    (void)state;
    const int live = nas_device_live_objects(device);
    nas_device_destroy(device);
    return live;
}

/* ---- the list ---- */

static void test_registry(void **state)
{
    (void)state;
    int count = 0;
    const nas_op *const *all = nas_op_all(&count), *op = NULL;
    assert_true(count >= 13);
    for (int i = 0; i < count; i++) {
        assert_ptr_equal(nas_op_find(all[i]->kind.name), all[i]);
        nas_test_ok(nas_op_get(all[i]->kind.name, &op));
        assert_ptr_equal(op, all[i]);
    }
    assert_null(nas_op_find("pol"));
    nas_test_fails(nas_op_get("pol", &op), NAS_CONFIG, "'pool'");
    nas_test_fails(nas_op_get("zzzzzzzzzzzz", &op), NAS_CONFIG, "zzzz");
}

static void test_modes(void **state)
{
    (void)state;
    nas_buffer *some = (nas_buffer *)&device;
    const nas_tensor there = {.buffer = some};
    assert_int_equal(nas_read_mode(&(nas_read){.x = there}), 0);
    assert_int_equal(nas_read_mode(&(nas_read){.x = there, .scale = there}), 1);
    assert_int_equal(nas_read_mode(&(nas_read){.scale = there, .activation = NAS_ACT_RELU}), 2);
    assert_int_equal(nas_read_mode(&(nas_read){.scale = there, .activation = NAS_ACT_TANH}), 3);
    assert_int_equal(nas_into_mode(&(nas_into){.g = there}), 0);
    assert_int_equal(nas_into_mode(&(nas_into){.read.activation = NAS_ACT_RELU}), 1);
    assert_int_equal(nas_into_mode(&(nas_into){.reductions = there}), 2);
}

/* Float32 with sums of up to a few thousand terms; exp, tanh and erf differ by a few units in the last place. */
static const op_tolerance tolerance = {.forward = 4e-6, .backward = 1e-5};

static bool is_convolution(const nas_op *op)
{
    return strcmp(op->kind.name, "conv2d") == 0 || strcmp(op->kind.name, "dense") == 0;
}

/* Names one operator to run alone: CLNAS_TEST_OP=pool */
static bool is_wanted(const nas_op *op)
{
    const char *only = getenv("CLNAS_TEST_OP");
    return only ? strcmp(only, op->kind.name) == 0 : !is_convolution(op);
}

static void test_every_op(void **state)
{
    (void)state;
    int count = 0;
    const nas_op *const *all = nas_op_all(&count);
    for (int i = 0; i < count; i++)
        for (const nas_op_case *sample = all[i]->cases; is_wanted(all[i]) && sample->options;
             sample++)
            for (const op_way *way = op_ways; way->name && !op_case_is_skipped(sample); way++)
                op_check(device, all[i], sample, way, &tolerance);
}

/* An activation without an affine, which these operators accept. */
static void test_activation_alone(void **state)
{
    (void)state;
    const char *names[] = {"pool",  "add",     "mul",     "mixed",    "concat",
                           "slice", "shuffle", "dropout", "drop_path"};
    const op_way way = {.name = "relu6 alone", .activation = NAS_ACT_RELU6, .reduces = true};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        op_check(device, nas_op_find(names[i]), nas_op_find(names[i])->cases, &way, &tolerance);
}

static void test_derivatives(void **state)
{
    (void)state;
    int count = 0;
    const nas_op *const *all = nas_op_all(&count);
    for (int i = 0; i < count; i++)
        for (const nas_op_case *sample = all[i]->cases; is_wanted(all[i]) && sample->options;
             sample++)
            op_check_derivative(all[i], sample);
}

/* ---- tensors by hand ---- */

enum { OWNED = 32 };
static nas_buffer *owned[OWNED];
static int owned_count;

static nas_tensor tensor_of(const float *from, uint64_t count)
{
    nas_buffer *buffer = NULL;
    assert_true(owned_count < OWNED);
    nas_test_ok(nas_buffer_create(device, count * sizeof(float), "test", &buffer));
    owned[owned_count++] = buffer;
    const nas_tensor tensor = {.buffer = buffer, .count = count};
    if (from)
        nas_test_ok(nas_tensor_write(tensor, from));
    return tensor;
}

static void drop_tensors(void)
{
    while (owned_count)
        nas_buffer_destroy(owned[--owned_count]);
}

static void run(nas_tape *tape)
{
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_device_finish(device));
    nas_tape_destroy(tape);
}

/* ---- batch norm: constants and large means ---- */

enum { CHANNELS = 4, HEIGHT = 5, WIDTH = 7, REAL = 19, PADDED = 32, PER = HEIGHT * WIDTH * PADDED };
static const nas_shape norm_shape = {CHANNELS, HEIGHT, WIDTH};

static float norm_value(int c, int i, nas_random *random)
{
    const float noise = (float)nas_random_normal(random);
    const float level[CHANNELS] = {0.0f, 1.0e4f, -1.0e4f, 3.25f};
    const float spread[CHANNELS] = {1.0f, 1.0f, 0.0f, 0.0f};
    return i % PADDED >= REAL ? 1.0e6f : level[c] + spread[c] * noise;
}

/* Per channel: mean and biased variance of the float values, in double. */
static void norm_moments(const float *z, double *mean, double *variance)
{
    double sum = 0, square = 0;
    const int count = HEIGHT * WIDTH * REAL;
    for (int i = 0; i < PER; i++)
        sum += i % PADDED < REAL ? z[i] : 0;
    *mean = sum / count;
    for (int i = 0; i < PER; i++)
        square += i % PADDED < REAL ? (z[i] - *mean) * (z[i] - *mean) : 0;
    *variance = square / count;
}

static void test_norm_extremes(void **state)
{
    (void)state;
    static float z[CHANNELS * PER], y[CHANNELS * PER];
    nas_random random = nas_random_make(5, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < CHANNELS * PER; i++)
        z[i] = norm_value(i / PER, i % PER, &random);
    const float zeros[CHANNELS] = {0}, ones[CHANNELS] = {1, 1, 1, 1};
    const int parts = nas_pass_parts(norm_shape, PADDED);
    const nas_tensor home = tensor_of(z, CHANNELS * PER), out = tensor_of(NULL, CHANNELS * PER);
    const nas_tensor statistics = tensor_of(NULL, (uint64_t)(3 * CHANNELS * parts));
    const nas_norm norm = {.scale = tensor_of(NULL, CHANNELS),
                           .shift = tensor_of(NULL, CHANNELS),
                           .mean = tensor_of(NULL, CHANNELS),
                           .rstd = tensor_of(NULL, CHANNELS)};
    const nas_norm_call call = {.running_mean = tensor_of(zeros, CHANNELS),
                                .running_variance = tensor_of(ones, CHANNELS),
                                .step = tensor_of((const float[16]){0}, 16),
                                .epsilon = 1e-5f,
                                .momentum = 0.1f,
                                .channels = CHANNELS,
                                .count = HEIGHT * WIDTH * REAL};
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "norm", &tape));
    nas_test_ok(nas_pass_statistics(tape, home, norm_shape, PADDED, REAL, statistics));
    nas_test_ok(nas_norm_finish(tape, &call, statistics, parts, &norm));
    const nas_read read = {.x = home, .scale = norm.scale, .shift = norm.shift};
    nas_test_ok(nas_pass_materialise(tape, &read, norm_shape, PADDED, out));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_tensor_read(out, y));
    float mean[CHANNELS], rstd[CHANNELS], running[CHANNELS];
    nas_test_ok(nas_tensor_read(norm.mean, mean));
    nas_test_ok(nas_tensor_read(norm.rstd, rstd));
    nas_test_ok(nas_tensor_read(call.running_variance, running));
    const double count = HEIGHT * WIDTH * REAL;
    for (int c = 0; c < CHANNELS; c++) {
        double m, v;
        norm_moments(z + c * PER, &m, &v);
        assert_true(fabs(mean[c] - m) <= 1e-7 * fabs(m) + 1e-6);
        assert_true(fabs(rstd[c] * sqrt(v + 1e-5) - 1) < 1e-5);
        assert_true(fabs(running[c] - (0.9 + 0.1 * v * count / (count - 1))) < 1e-5);
        for (int i = 0; i < PER; i++) /* one unit of z at 1e4 is 1e-3 */
            if (i % PADDED < REAL)
                assert_true(fabs(y[c * PER + i] - (z[c * PER + i] - m) / sqrt(v + 1e-5)) <
                            (c == 0   ? 1e-5
                             : c == 3 ? 1e-4
                             : c == 1 ? 4e-3
                                      : 0.4));
    }
    assert_true(rstd[2] == rstd[3] && mean[3] == 3.25f); /* constants: exactly no variance */
    const nas_step step = {.norm_momentum = 0.5f};       /* in place of the norm's own */
    float again[CHANNELS];
    nas_test_ok(nas_tensor_write(call.step, (const float *)(const void *)&step));
    run(tape);
    nas_test_ok(nas_tensor_read(call.running_variance, again));
    for (int c = 0; c < CHANNELS; c++) {
        double m, v;
        norm_moments(z + c * PER, &m, &v);
        assert_true(fabs(again[c] - (running[c] + v * count / (count - 1)) / 2) < 1e-5);
    }
    drop_tensors();
}

/* ---- passes ---- */

static void test_passes(void **state)
{
    (void)state;
    enum { C = 2, P = 6 * PADDED };
    const nas_shape shape = {C, 2, 3};
    static float g[C * P], z[C * P], got[C * P], sums[C * 2];
    nas_random random = nas_random_make(6, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < C * P; i++) {
        g[i] = i % PADDED < REAL ? (float)nas_random_normal(&random) : 0.0f;
        z[i] = (float)nas_random_normal(&random);
    }
    const float coefficients[3 * C] = {2, 3, 0.5f, -0.25f, 1, -1}, mean[C] = {0.25f, -0.5f};
    const nas_tensor gt = tensor_of(g, C * P), zt = tensor_of(z, C * P),
                     dz = tensor_of(NULL, C * P);
    const nas_tensor reductions = tensor_of(NULL, C * 2);
    assert_int_equal(nas_pass_parts(shape, PADDED), 1);
    const nas_gradient gradient = {
        .g = gt, .z = zt, .coefficients = tensor_of(coefficients, 3 * C)};
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "passes", &tape));
    nas_test_ok(nas_pass_form(tape, &gradient, shape, PADDED, REAL, dz));
    nas_test_ok(nas_pass_reduce(tape, gt, zt, tensor_of(mean, C), shape, PADDED, REAL, reductions));
    run(tape);
    nas_test_ok(nas_tensor_read(dz, got));
    nas_test_ok(nas_tensor_read(reductions, sums));
    for (int c = 0; c < C; c++) {
        double r0 = 0, r1 = 0;
        for (int i = c * P; i < (c + 1) * P; i++) {
            const double formed =
                coefficients[c] * g[i] + coefficients[C + c] * z[i] + coefficients[2 * C + c];
            assert_true(fabs(got[i] - (i % PADDED < REAL ? formed : 0)) < 1e-5);
            r0 += g[i];
            r1 += g[i] * (z[i] - mean[c]);
        }
        assert_true(fabs(sums[2 * c] - r0) < 1e-4 && fabs(sums[2 * c + 1] - r1) < 1e-4);
    }
    drop_tensors();
}

/* ---- pooling: ties, and a NaN that must not vanish in a relu ---- */

static void test_pool_ties(void **state)
{
    (void)state;
    enum { N = 16 };
    float x[9 * N], dy[9 * N], dx[9 * N];
    for (int i = 0; i < 9 * N; i++)
        x[i] = 1.0f, dy[i] = 1.0f;
    const nas_op *pool = nas_op_find("pool");
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options;
    op_options(pool, "kernel = 3; stride = 1; padding = 1", options.bytes);
    nas_op_call call = {.device = device,
                        .options = options.bytes,
                        .n = N,
                        .real = N,
                        .training = true,
                        .input_count = 1,
                        .in_shape = {{1, 3, 3}},
                        .out_shape = {1, 3, 3}};
    nas_op_sizes sizes = {.saved = 0};
    pool->sizes(&call, &sizes);
    call.in[0].x = tensor_of(x, 9 * N);
    call.out = tensor_of(NULL, 9 * N);
    call.saved = tensor_of(NULL, sizes.saved);
    call.out_gradient.g = tensor_of(dy, 9 * N);
    call.into[0].g = tensor_of(NULL, 9 * N);
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "ties", &tape));
    nas_test_ok(pool->forward(&call, tape));
    nas_test_ok(pool->backward(&call, tape));
    run(tape);
    nas_test_ok(nas_tensor_read(call.into[0].g, dx));
    /* the first pixel of each window inside the image: (max(oy−1, 0), max(ox−1, 0)) */
    const float expected[9] = {4, 2, 0, 2, 1, 0, 0, 0, 0};
    for (int i = 0; i < 9 * N; i++)
        assert_true(dx[i] == expected[i / N]);
    drop_tensors();
}

static void test_relu_keeps_nan(void **state)
{
    (void)state;
    float x[16] = {-1.0f, NAN, 2.0f}, y[16];
    const nas_tensor in = tensor_of(x, 16), out = tensor_of(NULL, 16);
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "nan", &tape));
    nas_test_ok(nas_pass_materialise(tape, &(nas_read){.x = in, .activation = NAS_ACT_RELU},
                                     (nas_shape){1, 1, 1}, 16, out));
    run(tape);
    nas_test_ok(nas_tensor_read(out, y));
    assert_true(y[0] == 0 && isnan(y[1]) && y[2] == 2.0f);
    drop_tensors();
}

/* ---- dropout: how many, and that they differ by step, node and channel ---- */

/* Runs dropout on ones; returns how many elements were dropped. */
static int dropped(const char *options, uint32_t step_number, int node, float *y, uint64_t count,
                   int n)
{
    const nas_op *op = nas_op_find("dropout");
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } instance;
    op_options(op, options, instance.bytes);
    float *x = malloc(count * sizeof *x);
    for (uint64_t i = 0; i < count; i++)
        x[i] = 1.0f;
    nas_step step = {.real = (uint32_t)n, .step = step_number, .key = {1, 2}};
    const nas_shape shape = {(int)(count / (uint64_t)n), 1, 1};
    const nas_op_call call = {.device = device,
                              .options = instance.bytes,
                              .node = node,
                              .n = n,
                              .real = n,
                              .training = true,
                              .input_count = 1,
                              .in_shape = {shape},
                              .out_shape = shape,
                              .in = {{.x = tensor_of(x, count)}},
                              .out = tensor_of(NULL, count),
                              .step = tensor_of((const float *)(const void *)&step, 16)};
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "dropout", &tape));
    nas_test_ok(op->forward(&call, tape));
    run(tape);
    nas_test_ok(nas_tensor_read(call.out, y));
    int zero = 0;
    for (uint64_t i = 0; i < count; i++)
        zero += y[i] == 0;
    free(x);
    drop_tensors();
    return zero;
}

static void test_dropout_statistics(void **state)
{
    (void)state;
    enum { N = 48, COUNT = 200 * N };
    static float a[COUNT], b[COUNT];
    const double rates[] = {0.1, 0.5};
    for (int r = 0; r < 2; r++) {
        char options[32];
        snprintf(options, sizeof options, "rate = %g", rates[r]);
        const int zero = dropped(options, 1, 3, a, COUNT, N);
        const double sigma = sqrt(COUNT * rates[r] * (1 - rates[r]));
        assert_true(fabs(zero - COUNT * rates[r]) < 4 * sigma);
        for (int other = 0; other < 2; other++) { /* another step, another node */
            dropped(options, 1 + (uint32_t)other, 4 - other, b, COUNT, N);
            int both = 0;
            for (int i = 0; i < COUNT; i++)
                both += a[i] == 0 && b[i] == 0;
            assert_true(fabs(both - COUNT * rates[r] * rates[r]) < 5 * sigma);
        }
        int neighbours = 0; /* the same sample in the next channel */
        for (int i = 0; i + N < COUNT; i++)
            neighbours += a[i] == 0 && a[i + N] == 0;
        assert_true(fabs(neighbours - COUNT * rates[r] * rates[r]) < 5 * sigma);
    }
}

/* ---- the loss of a short batch: the step block, not the recording, says how many samples are real ---- */

static void test_short_batch(void **state)
{
    (void)state;
    enum { N = 32, CLASSES = 3, FEW = 18 };
    float x[CLASSES * N], dx[CLASSES * N], losses[N], metrics[8];
    int32_t labels[N];
    for (int i = 0; i < CLASSES * N; i++)
        x[i] = i % N < FEW ? (float)(i % 7) : NAN;
    for (int i = 0; i < N; i++)
        labels[i] = i % N < FEW ? i % CLASSES : 1000;
    const nas_step step = {.real = FEW, .slot = 1};
    const nas_op *op = nas_op_find("softmax_cross_entropy");
    const double none[NAS_OPTIONS_SIZE / sizeof(double)] = {0}; /* no smoothing */
    const nas_op_call call = {.device = device,
                              .options = none,
                              .n = N,
                              .real = N,
                              .training = true,
                              .input_count = 1,
                              .in_shape = {{CLASSES, 1, 1}},
                              .out_shape = {1, 1, 1},
                              .in = {{.x = tensor_of(x, CLASSES * N)}},
                              .out = tensor_of(NULL, N),
                              .scratch = tensor_of(NULL, 4),
                              .saved = tensor_of(NULL, N),
                              .step = tensor_of((const float *)(const void *)&step, 16),
                              .labels = tensor_of((const float *)(const void *)labels, N),
                              .metrics = tensor_of(NULL, 8),
                              .into = {{.g = tensor_of(NULL, CLASSES * N)}}};
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "loss", &tape));
    nas_test_ok(op->forward(&call, tape));
    nas_test_ok(op->backward(&call, tape));
    run(tape);
    nas_test_ok(nas_tensor_read(call.out, losses));
    nas_test_ok(nas_tensor_read(call.metrics, metrics));
    nas_test_ok(nas_tensor_read(call.into[0].g, dx));
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += losses[i];
    assert_true(fabs(metrics[4] - sum) < 1e-4 && metrics[6] == FEW && metrics[0] == 0);
    for (int i = 0; i < CLASSES * N; i++)
        assert_true(i % N < FEW ? fabsf(dx[i]) <= 1.0f / FEW : dx[i] == 0);
    assert_true(losses[FEW] == 0 && losses[N - 1] == 0 && losses[0] > 0);
    drop_tensors();
}

/* ---- vector width changes no bit ---- */

enum { SAME_N = 48, SAME_REAL = 37, SAME_SIZE = 2 * 5 * 6 * SAME_N, SAME_ROWS = 5 };

typedef struct same_result {
    float y[SAME_SIZE], g[SAME_SIZE], statistics[3 * 2 * SAME_ROWS], reductions[2 * 2 * SAME_ROWS];
} same_result;

static void same_run(const float *values, same_result *result)
{
    const nas_op *pool = nas_op_find("pool");
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options;
    op_options(pool, "kind = \"average\"; kernel = 3; stride = 1; padding = 1", options.bytes);
    const nas_shape shape = {2, 5, 6};
    const nas_read read = {.x = tensor_of(values, SAME_SIZE),
                           .scale = tensor_of(values, 2),
                           .shift = tensor_of(values + 2, 2),
                           .activation = NAS_ACT_RELU};
    const nas_op_call call = {.device = device,
                              .options = options.bytes,
                              .n = SAME_N,
                              .real = SAME_REAL,
                              .training = true,
                              .input_count = 1,
                              .in_shape = {shape},
                              .out_shape = shape,
                              .in = {read},
                              .out = tensor_of(NULL, SAME_SIZE),
                              .statistics = tensor_of(NULL, 3 * 2 * SAME_ROWS),
                              .out_gradient = {.g = tensor_of(values, SAME_SIZE)},
                              .into = {{.g = tensor_of(NULL, SAME_SIZE),
                                        .read = read,
                                        .mean = tensor_of(values, 2),
                                        .reductions = tensor_of(NULL, 2 * 2 * SAME_ROWS)}}};
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "same", &tape));
    nas_test_ok(pool->forward(&call, tape));
    nas_test_ok(pool->backward(&call, tape));
    run(tape);
    nas_test_ok(nas_tensor_read(call.out, result->y));
    nas_test_ok(nas_tensor_read(call.into[0].g, result->g));
    nas_test_ok(nas_tensor_read(call.statistics, result->statistics));
    nas_test_ok(nas_tensor_read(call.into[0].reductions, result->reductions));
    drop_tensors();
}

static void test_same_bits(void **state)
{
    (void)state;
    static float values[SAME_SIZE];
    static same_result results[3];
    nas_random random = nas_random_make(9, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < SAME_SIZE; i++)
        values[i] = (float)nas_random_normal(&random);
    nas_device *shared = device;
    for (int i = 0; i < 3; i++) {
        nas_test_ok(nas_device_open("any", &(nas_device_options){.lanes = 4 << i}, &device));
        same_run(values, &results[i]);
        assert_int_equal(nas_device_live_objects(device), 0);
        nas_device_destroy(device);
    }
    device = shared;
    assert_memory_equal(&results[0], &results[2], sizeof results[0]);
    assert_memory_equal(&results[1], &results[2], sizeof results[0]);
}

/* ---- shapes that do not fit ---- */

static void refuse(const char *name, const char *options, const nas_shape *in, int count,
                   const char *part)
{
    const nas_op *op = nas_op_find(name);
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } instance;
    nas_shape out;
    op_options(op, options, instance.bytes);
    nas_test_fails(op->infer(instance.bytes, in, count, &out), NAS_SHAPE, part);
}

static void test_bad_shapes(void **state)
{
    (void)state;
    const nas_shape a = {4, 5, 5}, b = {4, 5, 6}, pair[2] = {a, b}, gate[2] = {a, {3, 1, 1}};
    refuse("add", "", pair, 2, "4x5x6");
    refuse("mul", "", pair, 2, "4x1x1");
    refuse("mul", "", gate, 2, "3x1x1");
    refuse("concat", "", pair, 2, "5x6");
    refuse("slice", "from = 2; count = 3", &a, 1, "2 to 4");
    refuse("shuffle", "groups = 3", &a, 1, "4 channels");
    refuse("pool", "kernel = 6", &a, 1, "6x6");
    refuse("pool", "kernel = 2; padding = 2", &a, 1, "padding");
    refuse("pool", "kernel = [1, 2, 3]", &a, 1, "one or two");
    refuse("softmax_cross_entropy", "", &a, 1, "4x5x5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry),         cmocka_unit_test(test_modes),
        cmocka_unit_test(test_derivatives),      cmocka_unit_test(test_every_op),
        cmocka_unit_test(test_activation_alone), cmocka_unit_test(test_norm_extremes),
        cmocka_unit_test(test_passes),           cmocka_unit_test(test_pool_ties),
        cmocka_unit_test(test_relu_keeps_nan),   cmocka_unit_test(test_dropout_statistics),
        cmocka_unit_test(test_short_batch),      cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_bad_shapes),
    };
    return cmocka_run_group_tests_name("ops", tests, open_device, close_device);
}
