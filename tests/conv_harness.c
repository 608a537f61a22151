/* conv_harness.c - see conv_harness.h.
 *
 * Results lie in front of guard values, which must stay as they were; padded lanes of the input hold large numbers, so whoever lets
 * them in is far outside. */
#include "conv_harness.h"

#include "nas_test.h"

#include <math.h>

#define TOLERANCE 1e-5
#define PADDED_VALUE 1e4f
#define GUARD 32 /* floats behind every result that must stay as they were */
#define GUARD_VALUE 12345.0f

const conv_mode conv_modes[MODES] = {
    {.name = "raw"},
    {"norm+relu", true, true, false, true, NAS_ACT_RELU},
    {"norm, accumulating", true, true, true, true, NAS_ACT_NONE},
    {"relu without norm", true, false, true, false, NAS_ACT_RELU},
    {"hard_swish", true, true, false, true, NAS_ACT_HARD_SWISH},
    {"silu", true, true, false, true, NAS_ACT_SILU},
};

nas_device *conv_device;
uint32_t conv_stream;

/* ---- buffers ---------------------------------------------------------------------------------------- */

nas_tensor conv_tensor(uint64_t count)
{
    nas_buffer *buffer;
    float guard = GUARD_VALUE;
    uint64_t whole = (count + 15) / 16 * 16 + GUARD;
    nas_test_ok(nas_buffer_create(conv_device, whole * 4, "test", &buffer));
    nas_test_ok(nas_buffer_fill(buffer, 0, whole * 4, &guard, 4));
    return (nas_tensor){buffer, 0, count};
}

void conv_tensor_free(nas_tensor t)
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
    nas_random random = nas_random_make(7, NAS_STREAM_TEST, conv_stream++, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)(mean + spread * (2 * nas_random_uniform(&random) - 1));
    return values;
}

nas_tensor conv_upload(const double *values, uint64_t rows, int batch, int n, float padding)
{
    nas_tensor t = conv_tensor(rows * (uint64_t)n);
    float *host = malloc((t.count + 1) * sizeof *host);
    for (uint64_t r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            host[r * (uint64_t)n + (uint64_t)i] =
                i < batch ? (float)values[r * (uint64_t)batch + (uint64_t)i] : padding;
    nas_test_ok(nas_tensor_write(t, host));
    free(host);
    return t;
}

nas_tensor conv_upload_flat(const double *values, uint64_t count)
{
    return conv_upload(values, 1, (int)count, (int)count, 0.0f);
}

bool conv_keeping;
float *conv_kept;
uint64_t conv_kept_count;

float *conv_download(nas_tensor t)
{
    float *host = malloc((t.count + 1) * sizeof *host);
    nas_test_ok(nas_tensor_read(t, host));
    if (conv_keeping) {
        conv_kept = realloc(conv_kept, (conv_kept_count + t.count) * sizeof *conv_kept);
        memcpy(conv_kept + conv_kept_count, host, t.count * sizeof *host);
        conv_kept_count += t.count;
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

/* ---- one case -------------------------------------------------------------------------------------------- */

void conv_problem_make(conv_problem *p, const nas_op *op, const char *options,
                       const conv_mode *mode, int batch, nas_shape in)
{
    nas_value group = {.type = NAS_VALUE_NONE};
    char text[256];
    *p = (conv_problem){
        .op = op, .mode = mode, .batch = batch, .n = nas_batch_padded(batch), .in = in};
    snprintf(text, sizeof text, "{ %s; }", options);
    nas_test_ok(nas_value_parse(text, "case", 1, &group));
    nas_test_ok(nas_options_fill(&op->kind, &group, NULL, p->options));
    nas_value_clear(&group);
    nas_test_ok(op->infer(p->options, &p->in, 1, &p->out));
    p->parameters = op->parameters(p->options, &p->in, 1, p->parameter);
    p->ins = nas_shape_count(p->in);
    p->outs = nas_shape_count(p->out);
}

/* ---- the truth ---------------------------------------------------------------------------------------- */

static double activate(const conv_problem *p, uint64_t i, bool derivative)
{
    uint64_t c = i / ((uint64_t)p->in.h * (uint64_t)p->in.w * (uint64_t)p->batch);
    double v = p->mode->affine ? p->scale[c] * p->x[i] + p->shift[c] : p->x[i];
    return derivative ? nas_activation_derivative(p->mode->activation, 0, v)
                      : nas_activation_value(p->mode->activation, 0, v);
}

nas_reference_call conv_reference_call(const conv_problem *p)
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

void conv_solve(conv_problem *p)
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
    nas_reference_call call = conv_reference_call(p);
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

void conv_problem_clear(conv_problem *p)
{
    free(p->x), free(p->scale), free(p->shift), free(p->a), free(p->z), free(p->g),
        free(p->coefficients);
    free(p->dz), free(p->old), free(p->mean), free(p->dx);
    for (int i = 0; i < p->parameters; i++)
        free(p->weights[i]), free(p->dw[i]);
}

/* ---- the device -------------------------------------------------------------------------------------------- */

void conv_check_statistics(const conv_problem *p, const float *got, int parts)
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

static void check_reductions(const conv_problem *p, const float *got, int parts)
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

static void run_forward(const conv_problem *p, nas_op_call *call, int parts)
{
    nas_tape *tape;
    nas_test_ok(nas_tape_create(conv_device, "forward", &tape));
    nas_test_ok(p->op->forward(call, tape));
    nas_test_ok(nas_tape_run(tape));
    float *z = conv_download(call->out), *statistics = conv_download(call->statistics);
    compare("z", p->label, z, p->n, p->z, p->outs, p->batch,
            largest(p->z, p->outs * (uint64_t)p->batch));
    conv_check_statistics(p, statistics, parts);
    free(z), free(statistics);
    nas_tape_destroy(tape);
}

static void run_backward(const conv_problem *p, nas_op_call *call, int parts)
{
    nas_tape *tape;
    nas_test_ok(nas_tape_create(conv_device, "backward", &tape));
    nas_test_ok(p->op->backward(call, tape));
    nas_test_ok(nas_tape_run(tape));
    float *dx = conv_download(call->into[0].g);
    compare("input gradient", p->label, dx, p->n, p->dx, p->ins, p->batch,
            largest(p->dx, p->ins * (uint64_t)p->batch));
    for (uint64_t r = 0; r < p->ins; r++)
        for (int i = p->batch; i < p->n; i++)
            if (dx[r * (uint64_t)p->n + (uint64_t)i] != 0.0f)
                fail_msg("%s: padded lane %d of input gradient row %d is %g", p->label, i, (int)r,
                         (double)dx[r * (uint64_t)p->n + (uint64_t)i]);
    free(dx);
    for (int i = 0; i < p->parameters; i++) {
        float *dw = conv_download(call->parameter_gradients[i]);
        compare(p->parameter[i].name, p->label, dw, (int)p->weight_counts[i], p->dw[i], 1,
                (int)p->weight_counts[i], largest(p->dw[i], p->weight_counts[i]));
        free(dw);
    }
    if (call->into[0].reductions.buffer) {
        float *reductions = conv_download(call->into[0].reductions);
        check_reductions(p, reductions, parts);
        free(reductions);
    }
    nas_tape_destroy(tape);
}

static nas_tensor upload_if(bool wanted, const double *values, uint64_t count)
{
    return wanted ? conv_upload_flat(values, count) : (nas_tensor){.buffer = NULL};
}

void conv_run(conv_problem *p, bool clblast)
{
    const conv_mode *m = p->mode;
    nas_op_call call = {.device = conv_device,
                        .options = p->options,
                        .n = p->n,
                        .real = p->batch,
                        .training = true};
    call.use_clblast = clblast;
    call.input_count = 1;
    call.in_shape[0] = p->in;
    call.out_shape = p->out;
    nas_op_sizes sizes = {.scratch = 0};
    p->op->sizes(&call, &sizes);
    call.in[0].x = conv_upload(p->x, p->ins, p->batch, p->n, PADDED_VALUE);
    call.in[0].scale = upload_if(m->affine, p->scale, (uint64_t)p->in.c);
    call.in[0].shift = upload_if(m->affine, p->shift, (uint64_t)p->in.c);
    call.in[0].activation = m->activation;
    call.out = conv_tensor(p->outs * (uint64_t)p->n);
    call.statistics = conv_tensor(3 * (uint64_t)p->out.c * (uint64_t)sizes.statistics_parts);
    call.scratch = conv_tensor(sizes.scratch);
    for (int i = 0; i < p->parameters; i++) {
        call.parameters[i] = conv_upload_flat(p->weights[i], p->weight_counts[i]);
        call.parameter_gradients[i] = conv_tensor(p->weight_counts[i]);
    }
    run_forward(p, &call, sizes.statistics_parts);

    call.out_gradient.g = conv_upload(p->g, p->outs, p->batch, p->n, 0.0f);
    call.out_gradient.z = call.out;
    call.out_gradient.coefficients = upload_if(m->formed, p->coefficients, 3 * (uint64_t)p->out.c);
    call.into[0] = (nas_into){.g = conv_upload(p->old, p->ins, p->batch, p->n, 0.0f),
                              .accumulate = m->accumulate};
    call.into[0].read = call.in[0];
    call.into[0].mean = upload_if(m->reduces, p->mean, (uint64_t)p->in.c);
    if (m->reduces)
        call.into[0].reductions =
            conv_tensor(2 * (uint64_t)p->in.c * (uint64_t)sizes.reduction_parts[0]);
    run_backward(p, &call, sizes.reduction_parts[0]);

    conv_tensor_free(call.in[0].x), conv_tensor_free(call.in[0].scale),
        conv_tensor_free(call.in[0].shift);
    conv_tensor_free(call.out), conv_tensor_free(call.statistics), conv_tensor_free(call.scratch);
    for (int i = 0; i < p->parameters; i++)
        conv_tensor_free(call.parameters[i]), conv_tensor_free(call.parameter_gradients[i]);
    conv_tensor_free(call.out_gradient.g), conv_tensor_free(call.out_gradient.coefficients);
    conv_tensor_free(call.into[0].g), conv_tensor_free(call.into[0].mean),
        conv_tensor_free(call.into[0].reductions);
}
