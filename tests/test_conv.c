/* test_conv.c - convolutions and dense layers on the device against their double reference.
 *
 * Every sample case of conv2d and dense runs forward and backward in several modes (how the input is read, how dz is formed,
 * how the gradient is handed back), by the fast kernels, by the plain ones and, where it is a matrix product, by CLBlast.
 * Compared are z, the statistics merged from their parts, the input gradient, R0 and R1, weight and bias gradients.
 *
 * Tolerances are shares of the largest entry of the double result: TOLERANCE, float32 sums of a few thousand terms.  Padded
 * lanes of the input hold large numbers, so whoever lets them in is far outside.  CLNAS_TEST_SMALL=1 keeps to the smaller
 * cases (for an interpreter such as Oclgrind); CLNAS_LANES sets the width of the register vectors.
 */
#include "nas_test.h"

#include "ops/convolution.h"

#include <clnas/ops.h>

#include <limits.h>
#include <math.h>

#define TOLERANCE 1e-5
#define PADDED_VALUE 1e4f
#define GUARD 32 /* floats behind every result that must stay as they were */
#define GUARD_VALUE 12345.0f

typedef struct mode {
    const char *name;
    bool affine, formed, accumulate, reduces;
    nas_activation activation;
} mode;

static const mode modes[] = {
    {.name = "raw"},
    {"norm+relu", true, true, false, true, NAS_ACT_RELU},
    {"norm, accumulating", true, true, true, true, NAS_ACT_NONE},
    {"relu without norm", true, false, true, false, NAS_ACT_RELU},
    {"hard_swish", true, true, false, true, NAS_ACT_HARD_SWISH},
    {"silu", true, true, false, true, NAS_ACT_SILU},
};
enum { COMMON_MODES = 4, MODES = 6 };

static nas_device *device;
static uint32_t stream;

static bool small(void)
{
    const char *value = getenv("CLNAS_TEST_SMALL");
    return value && value[0] == '1';
}

/* ---- buffers ---------------------------------------------------------------------------------------- */

static nas_tensor tensor_make(uint64_t count)
{
    nas_buffer *buffer;
    float guard = GUARD_VALUE;
    uint64_t whole = (count + 15) / 16 * 16 + GUARD;
    nas_test_ok(nas_buffer_create(device, whole * 4, "test", &buffer));
    nas_test_ok(nas_buffer_fill(buffer, 0, whole * 4, &guard, 4));
    return (nas_tensor){buffer, 0, count};
}

static void tensor_free(nas_tensor t)
{
    if (!t.buffer)
        return;
    uint64_t at = (t.count + 15) / 16 * 16;
    float guard[GUARD];
    nas_test_ok(nas_buffer_read(t.buffer, at * 4, sizeof guard, guard));
    for (int i = 0; i < GUARD; i++)
        assert_true(guard[i] == GUARD_VALUE);
    nas_buffer_destroy(t.buffer);
}

static double *random_values(uint64_t count, double mean, double spread)
{
    double *values = malloc((count + 1) * sizeof *values);
    nas_random random = nas_random_make(7, NAS_STREAM_TEST, stream++, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)(mean + spread * (2 * nas_random_uniform(&random) - 1));
    return values;
}

/* Writes rows of `batch` values as rows of n with `padding` in the other lanes. */
static nas_tensor upload(const double *values, uint64_t rows, int batch, int n, float padding)
{
    nas_tensor t = tensor_make(rows * (uint64_t)n);
    float *host = malloc((t.count + 1) * sizeof *host);
    for (uint64_t r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            host[r * (uint64_t)n + (uint64_t)i] =
                i < batch ? (float)values[r * (uint64_t)batch + (uint64_t)i] : padding;
    nas_test_ok(nas_tensor_write(t, host));
    free(host);
    return t;
}

static nas_tensor upload_flat(const double *values, uint64_t count)
{
    return upload(values, 1, (int)count, (int)count, 0.0f);
}

/* While `keeping`, everything downloaded is kept as well, in order. */
static bool keeping;
static float *kept;
static uint64_t kept_count;

static float *download(nas_tensor t)
{
    float *host = malloc((t.count + 1) * sizeof *host);
    nas_test_ok(nas_tensor_read(t, host));
    if (keeping) {
        kept = realloc(kept, (kept_count + t.count) * sizeof *kept);
        memcpy(kept + kept_count, host, t.count * sizeof *host);
        kept_count += t.count;
    }
    return host;
}

/* ---- comparing ---------------------------------------------------------------------------------------- */

static double largest(const double *values, uint64_t count)
{
    double most = 0;
    for (uint64_t i = 0; i < count; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

static void compare(const char *what, const char *label, const float *got, int stride,
                    const double *wanted, uint64_t rows, int batch, double scale)
{
    for (uint64_t r = 0; r < rows; r++)
        for (int i = 0; i < batch; i++) {
            double g = got[r * (uint64_t)stride + (uint64_t)i],
                   w = wanted[r * (uint64_t)batch + (uint64_t)i];
            if (!(fabs(g - w) <= TOLERANCE * scale + 1e-7))
                fail_msg("%s: %s[%d][%d] is %.9g instead of %.9g (largest %.3g)", label, what,
                         (int)r, i, g, w, scale);
        }
}

/* ---- one case ---------------------------------------------------------------------------------------------- */

typedef struct problem {
    const nas_op *op;
    const mode *mode;
    char label[256];
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    int batch, n;
    nas_shape in, out;
    nas_parameter parameter[NAS_OP_PARAMETERS];
    int parameters;
    uint64_t ins, outs, weight_counts[2]; /* rows of samples; floats of weight and bias */
    double *x, *scale, *shift, *a, *z, *g, *coefficients, *dz, *old, *mean, *dx, *weights[2],
        *dw[2];
} problem;

static double activate(const problem *p, uint64_t i, bool derivative)
{
    uint64_t c = i / ((uint64_t)p->in.h * (uint64_t)p->in.w * (uint64_t)p->batch);
    double v = p->mode->affine ? p->scale[c] * p->x[i] + p->shift[c] : p->x[i];
    return derivative ? nas_activation_derivative(p->mode->activation, 0, v)
                      : nas_activation_value(p->mode->activation, 0, v);
}

static nas_reference_call reference_call(const problem *p)
{
    nas_reference_call call = {
        .options = p->options, .n = p->batch, .training = true, .input_count = 1};
    call.in_shape[0] = p->in;
    call.out_shape = p->out;
    call.in[0] = p->a;
    call.out = p->z;
    for (int i = 0; i < p->parameters; i++)
        call.parameters[i] = p->weights[i];
    return call;
}

/* The truth, in double, by the op's reference and the formulas of ops.h. */
static void solve(problem *p)
{
    uint64_t ins = p->ins * (uint64_t)p->batch, outs = p->outs * (uint64_t)p->batch;
    p->x = random_values(ins, 0.2, 1);
    p->scale = random_values((uint64_t)p->in.c, 1, 0.3);
    p->shift = random_values((uint64_t)p->in.c, 0.1, 0.5);
    p->mean = random_values((uint64_t)p->in.c, 0.2, 0.3);
    p->g = random_values(outs, 0, 1);
    p->coefficients = random_values(3 * (uint64_t)p->out.c, 0.2, 0.5);
    p->old = random_values(ins, 0, 1);
    p->a = calloc(ins, sizeof(double));
    p->z = calloc(outs, sizeof(double));
    p->dz = calloc(outs, sizeof(double));
    p->dx = calloc(ins, sizeof(double));
    for (int i = 0; i < p->parameters; i++) {
        uint64_t count = 1;
        for (int d = 0; d < p->parameter[i].rank; d++)
            count *= (uint64_t)p->parameter[i].dims[d];
        p->weight_counts[i] = count;
        p->weights[i] = random_values(count, 0, i ? 5 : 1 / sqrt(p->parameter[0].fan_in));
        p->dw[i] = calloc(count, sizeof(double));
    }
    for (uint64_t i = 0; i < ins; i++)
        p->a[i] = activate(p, i, false);
    nas_reference_call call = reference_call(p);
    p->op->reference_forward[1](&call);
    uint64_t plane = outs / (uint64_t)p->out.c, k = (uint64_t)p->out.c;
    for (uint64_t i = 0; i < outs; i++) {
        uint64_t c = i / plane;
        p->dz[i] = p->mode->formed
                       ? p->coefficients[c] * p->g[i] + p->coefficients[k + c] * p->z[i] +
                             p->coefficients[2 * k + c]
                       : p->g[i];
    }
    call.out_gradient = p->dz;
    call.in_gradients[0] = p->dx;
    for (int i = 0; i < p->parameters; i++)
        call.parameter_gradients[i] = p->dw[i];
    p->op->reference_backward[1](&call);
    for (uint64_t i = 0; i < ins; i++)
        p->dx[i] = p->dx[i] * activate(p, i, true) + (p->mode->accumulate ? p->old[i] : 0);
}

static void problem_clear(problem *p)
{
    free(p->x), free(p->scale), free(p->shift), free(p->a), free(p->z), free(p->g),
        free(p->coefficients);
    free(p->dz), free(p->old), free(p->mean), free(p->dx);
    for (int i = 0; i < p->parameters; i++)
        free(p->weights[i]), free(p->dw[i]);
}

static void check_statistics(const problem *p, const float *got, int parts)
{
    uint64_t plane = p->outs / (uint64_t)p->out.c * (uint64_t)p->batch;
    for (int c = 0; c < p->out.c; c++) {
        double count = 0, mean = 0, m2 = 0, true_mean = 0, true_m2 = 0;
        for (int i = 0; i < parts; i++) {
            double n = got[(3 * c) * parts + i], m = got[(3 * c + 1) * parts + i],
                   s = got[(3 * c + 2) * parts + i];
            if (n == 0)
                continue;
            double off = m - mean, all = count + n;
            m2 += s + off * off * count * n / all;
            mean += off * n / all;
            count = all;
        }
        const double *z = p->z + (uint64_t)c * plane;
        for (uint64_t i = 0; i < plane; i++)
            true_mean += z[i] / (double)plane;
        for (uint64_t i = 0; i < plane; i++)
            true_m2 += (z[i] - true_mean) * (z[i] - true_mean);
        double spread = sqrt(true_m2 / (double)plane), size = largest(z, plane);
        if (count != (double)plane || fabs(mean - true_mean) > 1e-5 * size ||
            fabs(m2 - true_m2) > 1e-4 * true_m2 + 1e-6 * size * spread * (double)plane + 1e-6)
            fail_msg(
                "%s: statistics of channel %d: count %g of %g, mean %.9g (%.9g), M2 %.9g (%.9g)",
                p->label, c, count, (double)plane, mean, true_mean, m2, true_m2);
    }
}

static void check_reductions(const problem *p, const float *got, int parts)
{
    uint64_t plane = p->ins / (uint64_t)p->in.c * (uint64_t)p->batch;
    for (int c = 0; c < p->in.c; c++) {
        double r0 = 0, r1 = 0, true_r0 = 0, true_r1 = 0, size = 1e-3;
        for (int i = 0; i < parts; i++) {
            r0 += got[(2 * c) * parts + i];
            r1 += got[(2 * c + 1) * parts + i];
        }
        for (uint64_t i = (uint64_t)c * plane; i < ((uint64_t)c + 1) * plane; i++) {
            true_r0 += p->dx[i];
            true_r1 += p->dx[i] * (p->x[i] - p->mean[c]);
            size += fabs(p->dx[i]);
        }
        if (fabs(r0 - true_r0) > TOLERANCE * size || fabs(r1 - true_r1) > TOLERANCE * size)
            fail_msg("%s: reductions of channel %d: %.9g (%.9g), %.9g (%.9g)", p->label, c, r0,
                     true_r0, r1, true_r1);
    }
}

static void run_forward(const problem *p, nas_op_call *call, int parts)
{
    nas_tape *tape;
    nas_test_ok(nas_tape_create(device, "forward", &tape));
    nas_test_ok(p->op->forward(call, tape));
    nas_test_ok(nas_tape_run(tape));
    float *z = download(call->out), *statistics = download(call->statistics);
    compare("z", p->label, z, p->n, p->z, p->outs, p->batch,
            largest(p->z, p->outs * (uint64_t)p->batch));
    check_statistics(p, statistics, parts);
    free(z), free(statistics);
    nas_tape_destroy(tape);
}

static void run_backward(const problem *p, nas_op_call *call, int parts)
{
    nas_tape *tape;
    nas_test_ok(nas_tape_create(device, "backward", &tape));
    nas_test_ok(p->op->backward(call, tape));
    nas_test_ok(nas_tape_run(tape));
    float *dx = download(call->into[0].g);
    compare("input gradient", p->label, dx, p->n, p->dx, p->ins, p->batch,
            largest(p->dx, p->ins * (uint64_t)p->batch));
    for (uint64_t r = 0; r < p->ins; r++)
        for (int i = p->batch; i < p->n; i++)
            if (dx[r * (uint64_t)p->n + (uint64_t)i] != 0.0f)
                fail_msg("%s: padded lane %d of input gradient row %d is %g", p->label, i, (int)r,
                         (double)dx[r * (uint64_t)p->n + (uint64_t)i]);
    free(dx);
    for (int i = 0; i < p->parameters; i++) {
        float *dw = download(call->parameter_gradients[i]);
        compare(p->parameter[i].name, p->label, dw, (int)p->weight_counts[i], p->dw[i], 1,
                (int)p->weight_counts[i], largest(p->dw[i], p->weight_counts[i]));
        free(dw);
    }
    if (call->into[0].reductions.buffer) {
        float *reductions = download(call->into[0].reductions);
        check_reductions(p, reductions, parts);
        free(reductions);
    }
    nas_tape_destroy(tape);
}

static nas_tensor upload_if(bool wanted, const double *values, uint64_t count)
{
    return wanted ? upload_flat(values, count) : (nas_tensor){.buffer = NULL};
}

static void run_problem(problem *p, bool clblast)
{
    const mode *m = p->mode;
    nas_op_call call = {
        .device = device, .options = p->options, .n = p->n, .real = p->batch, .training = true};
    call.use_clblast = clblast;
    call.input_count = 1;
    call.in_shape[0] = p->in;
    call.out_shape = p->out;
    nas_op_sizes sizes = {.scratch = 0};
    p->op->sizes(&call, &sizes);
    call.in[0].x = upload(p->x, p->ins, p->batch, p->n, PADDED_VALUE);
    call.in[0].scale = upload_if(m->affine, p->scale, (uint64_t)p->in.c);
    call.in[0].shift = upload_if(m->affine, p->shift, (uint64_t)p->in.c);
    call.in[0].activation = m->activation;
    call.out = tensor_make(p->outs * (uint64_t)p->n);
    call.statistics = tensor_make(3 * (uint64_t)p->out.c * (uint64_t)sizes.statistics_parts);
    call.scratch = tensor_make(sizes.scratch);
    for (int i = 0; i < p->parameters; i++) {
        call.parameters[i] = upload_flat(p->weights[i], p->weight_counts[i]);
        call.parameter_gradients[i] = tensor_make(p->weight_counts[i]);
    }
    run_forward(p, &call, sizes.statistics_parts);

    call.out_gradient.g = upload(p->g, p->outs, p->batch, p->n, 0.0f);
    call.out_gradient.z = call.out;
    call.out_gradient.coefficients = upload_if(m->formed, p->coefficients, 3 * (uint64_t)p->out.c);
    call.into[0] =
        (nas_into){.g = upload(p->old, p->ins, p->batch, p->n, 0.0f), .accumulate = m->accumulate};
    call.into[0].read = call.in[0];
    call.into[0].mean = upload_if(m->reduces, p->mean, (uint64_t)p->in.c);
    if (m->reduces)
        call.into[0].reductions =
            tensor_make(2 * (uint64_t)p->in.c * (uint64_t)sizes.reduction_parts[0]);
    run_backward(p, &call, sizes.reduction_parts[0]);

    tensor_free(call.in[0].x), tensor_free(call.in[0].scale), tensor_free(call.in[0].shift);
    tensor_free(call.out), tensor_free(call.statistics), tensor_free(call.scratch);
    for (int i = 0; i < p->parameters; i++)
        tensor_free(call.parameters[i]), tensor_free(call.parameter_gradients[i]);
    tensor_free(call.out_gradient.g), tensor_free(call.out_gradient.coefficients);
    tensor_free(call.into[0].g), tensor_free(call.into[0].mean),
        tensor_free(call.into[0].reductions);
}

enum { FAST, PLAIN, CLBLAST };

static void run_case(const nas_op *op, const nas_op_case *sample, const mode *m, int way)
{
    static const char *const ways[] = {"fast", "plain", "clblast"};
    problem p = {.op = op, .mode = m, .batch = sample->batch, .n = nas_batch_padded(sample->batch)};
    p.in = sample->in[0];
    snprintf(p.label, sizeof p.label, "%s %s, %dx%dx%d, batch %d, %s, %s", op->kind.name,
             sample->options, p.in.c, p.in.h, p.in.w, p.batch, m->name, ways[way]);
    nas_value options = {.type = NAS_VALUE_NONE};
    char text[256];
    snprintf(text, sizeof text, "{ %s; }", sample->options);
    nas_test_ok(nas_value_parse(text, "case", 1, &options));
    nas_test_ok(nas_options_fill(&op->kind, &options, NULL, p.options));
    nas_value_clear(&options);
    nas_test_ok(op->infer(p.options, &p.in, 1, &p.out));
    p.parameters = op->parameters(p.options, &p.in, 1, p.parameter);
    p.ins = nas_shape_count(p.in);
    p.outs = nas_shape_count(p.out);
    solve(&p);
    nas__convolution_plain = way == PLAIN;
    run_problem(&p, way == CLBLAST);
    nas__convolution_plain = false;
    problem_clear(&p);
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
            run_case(op, &op->cases[i], &modes[m], way);
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
            run_case(nas_op_find("conv2d"), &cases[i], &modes[m], CLBLAST);
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
            run_case(nas_op_find("conv2d"), &cases[i], &modes[1], way);
}

/* A large mean must not eat the variance. */
static void test_statistics_with_large_mean(void **state)
{
    (void)state;
    static const nas_op_case sample = {"out = 4; bias = true", 16, 1, {{3, 8, 8}}};
    const nas_op *op = nas_op_find("conv2d");
    problem p = {.op = op, .mode = &modes[0], .batch = 16, .n = 16, .in = sample.in[0]};
    nas_value options;
    nas_test_ok(nas_value_parse("{ out = 4; bias = true; }", "case", 1, &options));
    nas_test_ok(nas_options_fill(&op->kind, &options, NULL, p.options));
    nas_value_clear(&options);
    nas_test_ok(op->infer(p.options, &p.in, 1, &p.out));
    p.parameters = op->parameters(p.options, &p.in, 1, p.parameter);
    p.ins = nas_shape_count(p.in), p.outs = nas_shape_count(p.out);
    snprintf(p.label, sizeof p.label, "bias 10000");
    solve(&p);
    for (int i = 0; i < 4; i++)
        p.weights[1][i] = 10000;
    nas_reference_call call = reference_call(&p);
    p.op->reference_forward[1](&call);
    nas_op_call device_call = {
        .device = device, .options = p.options, .n = 16, .real = 16, .input_count = 1};
    device_call.in_shape[0] = p.in, device_call.out_shape = p.out;
    nas_op_sizes sizes;
    op->sizes(&device_call, &sizes);
    device_call.in[0].x = upload(p.x, p.ins, 16, 16, 0);
    device_call.out = tensor_make(p.outs * 16);
    device_call.statistics = tensor_make(3 * 4 * (uint64_t)sizes.statistics_parts);
    device_call.scratch = tensor_make(sizes.scratch);
    device_call.parameters[0] = upload_flat(p.weights[0], p.weight_counts[0]);
    device_call.parameters[1] = upload_flat(p.weights[1], p.weight_counts[1]);
    nas_tape *tape;
    nas_test_ok(nas_tape_create(device, "forward", &tape));
    nas_test_ok(op->forward(&device_call, tape));
    nas_test_ok(nas_tape_run(tape));
    float *got = download(device_call.statistics);
    double m2 = 0, true_m2 = 0, mean = 0;
    uint64_t plane = p.outs / 4 * 16;
    for (int i = 0; i < sizes.statistics_parts; i++)
        m2 += got[2 * sizes.statistics_parts + i];
    for (uint64_t i = 0; i < plane; i++)
        mean += p.z[i] / (double)plane;
    for (uint64_t i = 0; i < plane; i++)
        true_m2 += (p.z[i] - mean) * (p.z[i] - mean);
    assert_true(m2 > 0.5 * true_m2 && m2 < 1.01 * true_m2); /* within parts, so at most the whole */
    check_statistics(&p, got, sizes.statistics_parts);
    free(got);
    nas_tape_destroy(tape);
    tensor_free(device_call.in[0].x), tensor_free(device_call.out),
        tensor_free(device_call.statistics);
    tensor_free(device_call.scratch), tensor_free(device_call.parameters[0]),
        tensor_free(device_call.parameters[1]);
    problem_clear(&p);
}

/* Lanes change speed only: everything that training uses is the same, bit for bit, with 16, 8 and 4. */
static void test_same_bits_at_any_lanes(void **state)
{
    (void)state;
    static const char *const options[] = {"{ out = 9; stride = 2; bias = true; }",
                                          "{ out = 20; kernel = 1; }", "{ out = 36; }",
                                          "{ groups = 0; kernel = 5; }"};
    if (small())
        skip();
    const nas_op *op = nas_op_find("conv2d");
    nas_device *usual = device;
    for (int i = 0; i < 4; i++) {
        float *first = NULL;
        uint64_t count = 0;
        for (int width = 16; width >= 4; width /= 2) {
            nas_device_options with = {.lanes = width};
            nas_test_ok(nas_device_open("", &with, &device));
            stream = 1000;
            problem p = {.op = op, .mode = &modes[1], .batch = 19, .n = 32, .in = {34, 7, 9}};
            nas_value group;
            nas_test_ok(nas_value_parse(options[i], "case", 1, &group));
            nas_test_ok(nas_options_fill(&op->kind, &group, NULL, p.options));
            nas_value_clear(&group);
            nas_test_ok(op->infer(p.options, &p.in, 1, &p.out));
            p.parameters = op->parameters(p.options, &p.in, 1, p.parameter);
            p.ins = nas_shape_count(p.in), p.outs = nas_shape_count(p.out);
            snprintf(p.label, sizeof p.label, "%s, %d lanes", options[i], width);
            solve(&p);
            kept_count = 0;
            keeping = true;
            run_problem(&p, false);
            keeping = false;
            problem_clear(&p);
            if (!first) {
                first = kept;
                count = kept_count;
                kept = NULL;
            } else {
                assert_int_equal(kept_count, count);
                for (uint64_t j = 0; j < count; j++)
                    if (memcmp(&first[j], &kept[j], sizeof(float)) != 0)
                        fail_msg("%s: value %d of %d is %.9g instead of %.9g", p.label, (int)j,
                                 (int)count, (double)kept[j], (double)first[j]);
            }
            nas_device_destroy(device);
        }
        free(first);
    }
    free(kept);
    kept = NULL;
    device = usual;
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
    nas_status status = nas_device_open("", NULL, &device);
    if (status != NAS_OK)
        fprintf(stderr, "%s\n", nas_error_message());
    return status == NAS_OK ? 0 : -1;
}

static int close_device(void **state)
{
    (void)state;
    nas_build_counts builds = nas_device_builds(device);
    int live = nas_device_live_objects(device);
    printf("lanes %d, %d programs in %.1f s, %d objects left\n", nas_device_lanes(device),
           builds.programs, builds.seconds, live);
    nas_device_destroy(device);
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
