/* op_harness.c - see op_harness.h.  One `bench` holds an operator, a case, every tensor on the host in double and on the device. */
#include "op_harness.h"

#include "nas_test.h"

#include <float.h>
#include <math.h>

const op_way op_ways[] = {
    {.name = "raw"},
    {.name = "affine, accumulating", .affine = true, .accumulates = true, .statistics = true},
    {.name = "affine + relu, formed, reducing",
     .affine = true,
     .activation = NAS_ACT_RELU,
     .forms = true,
     .reduces = true,
     .statistics = true},
    {.name = "affine + silu, formed, accumulating, reducing",
     .affine = true,
     .activation = NAS_ACT_SILU,
     .forms = true,
     .accumulates = true,
     .reduces = true,
     .statistics = true},
    {.name = "evaluation", .affine = true, .evaluates = true},
    {.name = NULL},
};

enum { BUFFERS = 128, CHANNEL_STATISTICS = 3, PAD_JUNK = 1000, OFFSET = 16 };

typedef struct bench {
    const nas_op *op;
    const nas_op_case *sample;
    op_way way;
    nas_device *device;
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options;
    nas_random random;
    int n, real, inputs, parameter_count;
    nas_shape in[NAS_OP_INPUTS], out;
    nas_parameter parameter[NAS_OP_PARAMETERS];
    nas_op_sizes sizes;
    nas_step step;
    int32_t labels[2048]; /* [rows][real] */
    int label_rows;
    double *x[NAS_OP_INPUTS], *value[NAS_OP_INPUTS],
        *old[NAS_OP_INPUTS]; /* raw, as read, G before */
    double *scale[NAS_OP_INPUTS], *shift[NAS_OP_INPUTS], *mean[NAS_OP_INPUTS]; /* per channel */
    double *weight[NAS_OP_PARAMETERS];
    double *z, *g, *coefficients;
    double *in_gradient[NAS_OP_INPUTS], *weight_gradient[NAS_OP_PARAMETERS];
    double *scores; /* of losses, [real] */
    double *gate, *gate_gradient, *old_gate_gradient;
    int gate_count;
    nas_buffer *buffer[BUFFERS];
    int buffer_count;
    void *block[BUFFERS];
    int block_count;
} bench;

/* ---- small helpers ---- */

static double *zeros(bench *b, uint64_t count)
{
    assert_true(b->block_count < BUFFERS);
    double *block = calloc(count + 1, sizeof *block);
    assert_non_null(block);
    b->block[b->block_count++] = block;
    return block;
}

/* float32 values, so that host and device start from the same numbers */
static double draw(bench *b, double spread)
{
    return (double)(float)(spread * nas_random_normal(&b->random));
}

static double *drawn(bench *b, uint64_t count, double middle, double spread)
{
    double *block = zeros(b, count);
    for (uint64_t i = 0; i < count; i++)
        block[i] = (double)(float)(middle + draw(b, spread));
    return block;
}

static uint64_t elements(nas_shape shape, int n)
{
    return nas_shape_count(shape) * (uint64_t)n;
}

static uint64_t parameter_size(const nas_parameter *parameter)
{
    uint64_t size = parameter->rank > 0;
    for (int i = 0; i < parameter->rank; i++)
        size *= (uint64_t)parameter->dims[i];
    return size;
}

void op_options(const nas_op *op, const char *text, void *instance)
{
    char group[600];
    nas_value value = {.type = NAS_VALUE_NONE};
    snprintf(group, sizeof group, "{ %s%s }", text, text[0] ? ";" : "");
    nas_test_ok(nas_value_parse(group, NULL, 0, &value));
    nas_test_ok(nas_options_fill(&op->kind, &value, NULL, instance));
    nas_value_clear(&value);
}

bool op_case_is_skipped(const nas_op_case *sample)
{
    return getenv("CLNAS_TEST_SMALL") &&
           elements(sample->in[0], nas_batch_padded(sample->batch)) > 4000;
}

static void fail_at(const bench *b, const char *what, double error, double allowed)
{
    fail_msg("%s { %s } batch %d, %s: %s is off by %.3g of its largest entry, allowed %.3g",
             b->op->kind.name, b->sample->options, b->sample->batch, b->way.name, what, error,
             allowed);
}

/* ---- the host side ---- */

/* Far enough from every kink of the activations that float and double fall on the same side. */
static bool is_near_kink(double v)
{
    const double kinks[] = {0, 6, -3, 3};
    for (int i = 0; i < 4; i++)
        if (fabs(v - kinks[i]) < 1e-3)
            return true;
    return false;
}

static void make_input(bench *b, int k)
{
    const nas_shape shape = b->in[k];
    const uint64_t size = elements(shape, b->real), per = size / (uint64_t)shape.c;
    const bool reads = (b->op->fusion & NAS_FUSES_READ) != 0;
    b->x[k] = zeros(b, size);
    b->value[k] = zeros(b, size);
    b->old[k] = drawn(b, size, 0, 1);
    b->scale[k] = drawn(b, (uint64_t)shape.c, 1, 0.3);
    b->shift[k] = drawn(b, (uint64_t)shape.c, 0, 0.3);
    b->mean[k] = drawn(b, (uint64_t)shape.c, 0, 0.3);
    for (uint64_t i = 0; i < size; i++) {
        const uint64_t c = i / per;
        double affine;
        do {
            b->x[k][i] = draw(b, 1.5);
            affine =
                reads && b->way.affine ? b->scale[k][c] * b->x[k][i] + b->shift[k][c] : b->x[k][i];
        } while (is_near_kink(affine));
        b->value[k][i] = reads ? nas_activation_value(b->way.activation, 0, affine) : affine;
    }
}

static void make_parameters(bench *b)
{
    if (b->op->parameters)
        b->parameter_count = b->op->parameters(b->options.bytes, b->in, b->inputs, b->parameter);
    for (int i = 0; i < b->parameter_count; i++) {
        const nas_parameter *p = &b->parameter[i];
        const uint64_t size = parameter_size(p);
        if (!size)
            continue;
        const double spread = p->init == NAS_INIT_HE || p->init == NAS_INIT_GLOROT
                                  ? 1 / sqrt(p->fan_in > 0 ? p->fan_in : 1)
                                  : 0.1;
        b->weight[i] = drawn(b, size, p->init == NAS_INIT_ONE ? 1 : 0, spread);
        b->weight_gradient[i] = zeros(b, size);
    }
}

/* One gate in four is 0, as in a sampled path; gradients have content before. */
static void make_gates(bench *b)
{
    if (b->op->gates)
        b->gate_count = b->op->gates(b->options.bytes, b->in, b->inputs, NULL);
    const uint64_t count = (uint64_t)b->gate_count;
    b->gate = drawn(b, count, 0, 0.5);
    for (uint64_t i = 3; i < count; i += 4)
        b->gate[i] = 0;
    b->old_gate_gradient = drawn(b, count, 0, 1);
    b->gate_gradient = zeros(b, count);
}

static int32_t draw_label(bench *b, nas_label what)
{
    const float number = what == NAS_LABEL_FLAG ? (float)nas_random_below(&b->random, 2)
                                                : (float)nas_random_normal(&b->random);
    int32_t word;
    memcpy(&word, &number, sizeof word);
    return what == NAS_LABEL_CLASS ? (int32_t)nas_random_below(&b->random, (uint32_t)b->in[0].c)
                                   : word;
}

static void make_labels(bench *b)
{
    nas_label first, others;
    if (!b->op->labels)
        return;
    b->label_rows = b->op->labels(b->options.bytes, b->in[0], &first, &others);
    assert_true(b->label_rows * b->real <= (int)(sizeof b->labels / sizeof *b->labels));
    for (int i = 0; i < b->label_rows * b->real; i++)
        b->labels[i] = draw_label(b, i < b->real ? first : others);
    b->scores = zeros(b, (uint64_t)b->real);
}

static void bench_init(bench *b, nas_device *device, const nas_op *op, const nas_op_case *sample,
                       const op_way *way)
{
    *b = (bench){.op = op, .sample = sample, .way = *way, .device = device};
    b->random = nas_random_make(77, NAS_STREAM_TEST, (uint32_t)sample->batch, 0, 0);
    b->real = sample->batch;
    b->n = nas_batch_padded(sample->batch);
    b->inputs = sample->input_count;
    memcpy(b->in, sample->in, sizeof sample->in);
    op_options(op, sample->options, b->options.bytes);
    nas_test_ok(op->infer(b->options.bytes, b->in, b->inputs, &b->out));
    for (int k = 0; k < b->inputs; k++)
        make_input(b, k);
    make_parameters(b);
    make_gates(b);
    const uint64_t size = elements(b->out, b->real);
    b->z = zeros(b, size);
    b->g = drawn(b, size, 0, 1);
    b->coefficients = drawn(b, 3 * (uint64_t)b->out.c, 0.5, 0.5);
    b->step = (nas_step){
        .real = (uint32_t)b->real, .slot = 1, .epoch = 3, .step = 7, .drop_path = 0.375f};
    nas_random_key(99, NAS_STREAM_DROPOUT, b->step.key);
    make_labels(b);
}

static void bench_clear(bench *b)
{
    for (int i = 0; i < b->buffer_count; i++)
        nas_buffer_destroy(b->buffer[i]);
    for (int i = 0; i < b->block_count; i++)
        free(b->block[i]);
}

static bool forms(const bench *b)
{
    return b->way.forms && (b->op->fusion & NAS_FUSES_GRADIENT) && b->op->view != NAS_VIEW_LOSS;
}

static nas_reference_call reference_call(bench *b, double *dz)
{
    nas_reference_call call = {
        .options = b->options.bytes,
        .node = 5,
        .n = b->real,
        .training = !b->way.evaluates,
        .input_count = b->inputs,
        .out_shape = b->out,
        .out = b->z,
        .out_gradient = dz,
        .labels = b->labels,
        .scores = b->scores,
        .step = b->step,
        .gates = b->gate,
        .gate_gradients = b->gate_gradient,
    };
    for (int k = 0; k < b->inputs; k++) {
        call.in_shape[k] = b->in[k];
        call.in[k] = b->value[k];
        call.in_gradients[k] = b->in_gradient[k];
    }
    for (int i = 0; i < b->parameter_count; i++) {
        call.parameters[i] = b->weight[i];
        call.parameter_gradients[i] = b->weight_gradient[i];
    }
    return call;
}

/* z, then the gradients of the values read and of the parameters. */
static void run_reference(bench *b)
{
    const uint64_t size = elements(b->out, b->real), per = size / (uint64_t)b->out.c;
    nas_reference_call call = reference_call(b, NULL);
    b->op->reference_forward[1](&call);
    double *dz = zeros(b, size);
    for (uint64_t i = 0; i < size; i++) {
        const uint64_t c = i / per, channels = (uint64_t)b->out.c;
        dz[i] = b->g[i];
        if (forms(b))
            dz[i] = b->coefficients[c] * b->g[i] + b->coefficients[channels + c] * b->z[i] +
                    b->coefficients[2 * channels + c];
    }
    for (int k = 0; k < b->inputs; k++)
        b->in_gradient[k] = zeros(b, elements(b->in[k], b->real));
    call = reference_call(b, dz);
    b->op->reference_backward[1](&call);
}

/* ---- the device side ---- */

static nas_tensor make_tensor(bench *b, uint64_t count)
{
    if (!count)
        return (nas_tensor){.buffer = NULL};
    assert_true(b->buffer_count < BUFFERS);
    nas_buffer *buffer = NULL;
    nas_test_ok(nas_buffer_create(b->device, (count + OFFSET) * sizeof(float), "test", &buffer));
    b->buffer[b->buffer_count++] = buffer;
    return (nas_tensor){.buffer = buffer, .at = OFFSET, .count = count};
}

static nas_tensor upload(bench *b, const double *from, uint64_t count)
{
    nas_tensor tensor = make_tensor(b, count);
    if (!count)
        return tensor;
    float *data = malloc(count * sizeof *data);
    for (uint64_t i = 0; i < count; i++)
        data[i] = (float)from[i];
    nas_test_ok(nas_tensor_write(tensor, data));
    free(data);
    return tensor;
}

/* [c][h][w] × real samples to the padded layout; `pad` in the other lanes. */
static nas_tensor upload_padded(bench *b, const double *from, nas_shape shape, double pad)
{
    const uint64_t rows = nas_shape_count(shape);
    double *data = zeros(b, rows * (uint64_t)b->n);
    for (uint64_t r = 0; r < rows; r++)
        for (int s = 0; s < b->n; s++)
            data[r * (uint64_t)b->n + (uint64_t)s] =
                s < b->real ? from[r * (uint64_t)b->real + (uint64_t)s] : pad;
    return upload(b, data, rows * (uint64_t)b->n);
}

/* Reads a padded tensor; compares its real lanes, relative to the largest expected entry.  `pads_zero`: the others are 0. */
static void compare_padded(bench *b, const char *what, nas_tensor got, const double *expected,
                           nas_shape shape, double allowed, bool pads_zero)
{
    const uint64_t rows = nas_shape_count(shape), n = (uint64_t)b->n, real = (uint64_t)b->real;
    float *data = malloc(rows * n * sizeof *data);
    nas_test_ok(nas_tensor_read(got, data));
    double largest = 1e-30, worst = 0;
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t s = 0; s < n; s++) {
            const double there = data[r * n + s];
            if (s >= real && pads_zero && there != 0)
                fail_msg("%s { %s } batch %d, %s: %s holds %g in a padded lane", b->op->kind.name,
                         b->sample->options, b->sample->batch, b->way.name, what, there);
            if (s >= real)
                continue;
            largest = fmax(largest, fabs(expected[r * real + s]));
            const double error = fabs(there - expected[r * real + s]);
            worst = error >= worst ? error : worst;
            if (!(error < DBL_MAX))
                worst = INFINITY;
        }
    free(data);
    if (worst / largest > allowed)
        fail_at(b, what, worst / largest, allowed);
}

static void compare(bench *b, const char *what, nas_tensor got, const double *expected,
                    uint64_t count, double floor, double allowed)
{
    float *data = malloc((count + 1) * sizeof *data);
    nas_test_ok(nas_tensor_read(got, data));
    double largest = floor, worst = 0;
    for (uint64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(expected[i]));
        const double error = fabs(data[i] - expected[i]);
        worst = error < DBL_MAX ? fmax(worst, error) : INFINITY;
    }
    free(data);
    if (worst / largest > allowed)
        fail_at(b, what, worst / largest, allowed);
}

/* Merges the parts in double and compares with the moments of the expected z. */
static void compare_statistics(bench *b, nas_tensor statistics, double allowed)
{
    const uint64_t parts = (uint64_t)b->sizes.statistics_parts, channels = (uint64_t)b->out.c;
    const uint64_t per = elements(b->out, b->real) / channels;
    float *data = malloc(3 * parts * channels * sizeof *data);
    nas_test_ok(nas_tensor_read(statistics, data));
    for (uint64_t c = 0; c < channels; c++) {
        const float *count = data + 3 * parts * c, *mean = count + parts, *square = mean + parts;
        double sum = 0, all = 0, m2 = 0, expected_sum = 0, expected_m2 = 0, largest = 1e-30;
        for (uint64_t p = 0; p < parts; p++) {
            all += count[p];
            sum += (double)count[p] * mean[p];
        }
        for (uint64_t p = 0; p < parts; p++)
            m2 += square[p] + count[p] * (mean[p] - sum / all) * (mean[p] - sum / all);
        const double *z = b->z + c * per;
        for (uint64_t i = 0; i < per; i++) {
            expected_sum += z[i];
            largest = fmax(largest, fabs(z[i]));
        }
        for (uint64_t i = 0; i < per; i++)
            expected_m2 +=
                (z[i] - expected_sum / (double)per) * (z[i] - expected_sum / (double)per);
        if (all != (double)per)
            fail_at(b, "the count of the statistics", all, (double)per);
        if (!(fabs(sum - expected_sum) / (double)per <= allowed * largest))
            fail_at(b, "the mean", fabs(sum - expected_sum) / (double)per / largest, allowed);
        if (!(fabs(m2 - expected_m2) <= 4 * allowed * largest * largest * (double)per))
            fail_at(b, "M2", fabs(m2 - expected_m2) / (largest * largest * (double)per),
                    4 * allowed);
    }
    free(data);
}

/* R0 = ΣG and R1 = ΣG·(x − mean) of input k, whose expected G is given. */
static void compare_reductions(bench *b, int k, nas_tensor reductions, const double *g,
                               double allowed)
{
    const uint64_t parts = (uint64_t)b->sizes.reduction_parts[k], channels = (uint64_t)b->in[k].c;
    const uint64_t per = elements(b->in[k], b->real) / channels;
    float *data = malloc(2 * parts * channels * sizeof *data);
    nas_test_ok(nas_tensor_read(reductions, data));
    for (uint64_t c = 0; c < channels; c++) {
        double r[2] = {0, 0}, expected[2] = {0, 0}, mass[2] = {1e-30, 1e-30};
        for (int w = 0; w < 2; w++)
            for (uint64_t p = 0; p < parts; p++)
                r[w] += data[(2 * c + (uint64_t)w) * parts + p];
        for (uint64_t i = c * per; i < (c + 1) * per; i++) {
            const double off = b->x[k][i] - b->mean[k][c];
            expected[0] += g[i];
            expected[1] += g[i] * off;
            mass[0] += fabs(g[i]);
            mass[1] += fabs(g[i] * off);
        }
        for (int w = 0; w < 2; w++)
            if (!(fabs(r[w] - expected[w]) <= 2 * allowed * mass[w]))
                fail_at(b, w ? "R1" : "R0", fabs(r[w] - expected[w]) / mass[w], 2 * allowed);
    }
    free(data);
}

static nas_read make_read(bench *b, int k)
{
    nas_read read = {.x = upload_padded(b, b->x[k], b->in[k], PAD_JUNK)};
    if (!(b->op->fusion & NAS_FUSES_READ))
        return read;
    read.activation = b->way.activation;
    if (b->way.affine) {
        read.scale = upload(b, b->scale[k], (uint64_t)b->in[k].c);
        read.shift = upload(b, b->shift[k], (uint64_t)b->in[k].c);
    }
    return read;
}

static void upload_labels(bench *b, nas_op_call *call)
{
    int32_t labels[4096] = {0};
    if (b->label_rows == 0)
        return;
    assert_true(b->label_rows * b->n <= (int)(sizeof labels / sizeof *labels));
    for (int r = 0; r < b->label_rows; r++)
        memcpy(labels + r * b->n, b->labels + r * b->real, (size_t)b->real * sizeof *labels);
    call->labels = make_tensor(b, (uint64_t)(b->label_rows * b->n));
    nas_test_ok(nas_tensor_write(call->labels, (const float *)(const void *)labels));
}

static void make_call(bench *b, nas_op_call *call)
{
    *call = (nas_op_call){
        .device = b->device,
        .options = b->options.bytes,
        .node = 5,
        .n = b->n,
        .real = b->real,
        .training = !b->way.evaluates,
        .use_clblast = b->way.clblast,
        .input_count = b->inputs,
        .out_shape = b->out,
    };
    for (int k = 0; k < b->inputs; k++)
        call->in_shape[k] = b->in[k];
    if (b->op->sizes)
        b->op->sizes(call, &b->sizes);
    for (int k = 0; k < b->inputs; k++)
        call->in[k] = make_read(b, k);
    for (int i = 0; i < b->parameter_count; i++) {
        call->parameters[i] = upload(b, b->weight[i], parameter_size(&b->parameter[i]));
        if (b->parameter[i].trained)
            call->parameter_gradients[i] = make_tensor(b, parameter_size(&b->parameter[i]));
    }
    call->out = make_tensor(b, elements(b->out, b->n));
    if (b->way.statistics && (b->op->fusion & NAS_FUSES_STATISTICS))
        call->statistics = make_tensor(b, CHANNEL_STATISTICS * (uint64_t)b->sizes.statistics_parts *
                                              (uint64_t)b->out.c);
    call->scratch = make_tensor(b, b->sizes.scratch);
    call->saved = make_tensor(b, b->sizes.saved);
    call->table = make_tensor(b, b->sizes.table);
    call->step = make_tensor(b, sizeof b->step / sizeof(float));
    nas_test_ok(nas_tensor_write(call->step, (const float *)(const void *)&b->step));
    upload_labels(b, call);
    call->metrics = make_tensor(b, 4 * 3);
    call->gates = upload(b, b->gate, (uint64_t)b->gate_count);
}

static void make_gradients(bench *b, nas_op_call *call)
{
    call->out_gradient.g = upload_padded(b, b->g, b->out, 0);
    if (forms(b)) {
        call->out_gradient.z = call->out;
        call->out_gradient.coefficients = upload(b, b->coefficients, 3 * (uint64_t)b->out.c);
    }
    call->gate_gradients = upload(b, b->old_gate_gradient, (uint64_t)b->gate_count);
    const bool hands = (b->op->fusion & NAS_FUSES_INTO) != 0;
    for (int k = 0; k < b->inputs; k++) {
        nas_into *into = &call->into[k];
        into->g = upload_padded(b, b->old[k], b->in[k], 0);
        if (!hands)
            continue;
        into->accumulate = b->way.accumulates;
        into->read = call->in[k];
        if (b->way.reduces && (b->op->fusion & NAS_FUSES_REDUCTION)) {
            into->mean = upload(b, b->mean[k], (uint64_t)b->in[k].c);
            into->reductions =
                make_tensor(b, 2 * (uint64_t)b->sizes.reduction_parts[k] * (uint64_t)b->in[k].c);
        }
    }
}

static void run_tape(bench *b, const nas_op_call *call,
                     nas_status (*record)(const nas_op_call *, nas_tape *))
{
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(b->device, "test", &tape));
    nas_test_ok(record(call, tape));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_device_finish(b->device));
    nas_tape_destroy(tape);
}

/* loss sum, score sum, real samples */
static void compare_metrics(bench *b, const nas_op_call *call, double allowed)
{
    float metrics[12];
    nas_test_ok(nas_tensor_read(call->metrics, metrics));
    double loss = 0, score = 0;
    for (int s = 0; s < b->real; s++) {
        score += b->scores[s];
        loss += b->z[s];
    }
    if (!(fabs(metrics[4] - loss) <= allowed * (fabs(loss) + 1)))
        fail_at(b, "the loss", metrics[4], loss);
    if (!(fabs(metrics[5] - score) <= allowed * (fabs(score) + 1)))
        fail_at(b, "the score", metrics[5], score);
    assert_int_equal((int)metrics[6], b->real);
    assert_true(metrics[0] == 0 && metrics[8] == 0); /* the other slots are untouched */
}

static void compare_input_gradient(bench *b, const nas_op_call *call, int k, double allowed)
{
    const uint64_t size = elements(b->in[k], b->real), per = size / (uint64_t)b->in[k].c;
    const bool hands = (b->op->fusion & NAS_FUSES_INTO) != 0;
    double *expected = b->in_gradient[k];
    for (uint64_t i = 0; hands && i < size; i++) {
        const double affine =
            b->way.affine ? b->scale[k][i / per] * b->x[k][i] + b->shift[k][i / per] : b->x[k][i];
        expected[i] *= nas_activation_derivative(b->way.activation, 0, affine);
        if (b->way.accumulates)
            expected[i] += b->old[k][i];
    }
    compare_padded(b, "an input gradient", call->into[k].g, expected, b->in[k], allowed, true);
    if (call->into[k].reductions.buffer)
        compare_reductions(b, k, call->into[k].reductions, expected, allowed);
}

void op_check(nas_device *device, const nas_op *op, const nas_op_case *sample, const op_way *way,
              const op_tolerance *tolerance)
{
    bench *b = malloc(sizeof *b);
    nas_op_call call;
    bench_init(b, device, op, sample, way);
    make_call(b, &call);
    run_reference(b);
    run_tape(b, &call, op->forward);
    compare_padded(b, "the output", call.out, b->z, b->out, tolerance->forward, false);
    if (call.statistics.buffer)
        compare_statistics(b, call.statistics, tolerance->forward);
    if (op->view == NAS_VIEW_LOSS)
        compare_metrics(b, &call, tolerance->forward);
    for (int i = 0; i < b->parameter_count; i++)
        if (call.parameters[i].buffer && !b->parameter[i].trained)
            compare(b, b->parameter[i].name, call.parameters[i], b->weight[i],
                    parameter_size(&b->parameter[i]), 1e-30, tolerance->forward);
    if (!way->evaluates) {
        make_gradients(b, &call);
        run_tape(b, &call, op->backward);
        for (int k = 0; k < b->inputs; k++)
            compare_input_gradient(b, &call, k, tolerance->backward);
        for (int i = 0; i < b->parameter_count; i++)
            if (call.parameter_gradients[i].buffer)
                compare(b, b->parameter[i].name, call.parameter_gradients[i], b->weight_gradient[i],
                        parameter_size(&b->parameter[i]), 1e-30, tolerance->backward);
        for (int i = 0; i < b->gate_count; i++)
            b->gate_gradient[i] += b->old_gate_gradient[i];
        if (b->gate_count)
            compare(b, "the gate gradient", call.gate_gradients, b->gate_gradient,
                    (uint64_t)b->gate_count, 1e-30, tolerance->backward);
    }
    bench_clear(b);
    free(b);
}

/* ---- finite differences ---- */

/* Σ out·g, or the mean of a loss. */
static double objective(bench *b)
{
    const nas_reference_call call = reference_call(b, NULL);
    const uint64_t size = elements(b->out, b->real);
    double sum = 0;
    b->op->reference_forward[1](&call);
    for (uint64_t i = 0; i < size; i++)
        sum += b->op->view == NAS_VIEW_LOSS ? b->z[i] / b->real : b->z[i] * b->g[i];
    return sum;
}

/* Moves `at` along a random direction both ways; the slope against that of `gradient`. */
static void check_direction(bench *b, const char *what, double *at, const double *gradient,
                            uint64_t size)
{
    const double step = 1e-6;
    double *direction = drawn(b, size, 0, 1), *start = zeros(b, size);
    double expected = 0, mass = 1e-12;
    memcpy(start, at, size * sizeof *at);
    for (uint64_t i = 0; i < size; i++) {
        expected += gradient[i] * direction[i];
        mass += fabs(gradient[i] * direction[i]);
        at[i] = start[i] + step * direction[i];
    }
    const double above = objective(b);
    for (uint64_t i = 0; i < size; i++)
        at[i] = start[i] - step * direction[i];
    const double below = objective(b);
    memcpy(at, start, size * sizeof *at);
    const double slope = (above - below) / (2 * step);
    if (!(fabs(slope - expected) <= 1e-6 * mass + 1e-8))
        fail_msg("%s { %s }: %s: finite differences say %.9g, the gradient %.9g", b->op->kind.name,
                 b->sample->options, what, slope, expected);
}

void op_check_derivative(const nas_op *op, const nas_op_case *sample)
{
    bench *b = malloc(sizeof *b);
    const op_way way = {.name = "reference"};
    bench_init(b, NULL, op, sample, &way);
    run_reference(b);
    for (int k = 0; k < b->inputs; k++)
        check_direction(b, "an input", b->value[k], b->in_gradient[k], elements(b->in[k], b->real));
    for (int i = 0; i < b->parameter_count; i++)
        if (b->weight[i] && b->parameter[i].trained)
            check_direction(b, b->parameter[i].name, b->weight[i], b->weight_gradient[i],
                            parameter_size(&b->parameter[i]));
    if (b->gate_count)
        check_direction(b, "the gates", b->gate, b->gate_gradient, (uint64_t)b->gate_count);
    bench_clear(b);
    free(b);
}
