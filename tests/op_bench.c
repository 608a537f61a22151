/* op_bench.c - the values that an operator is checked on, its double reference on them, and its call on the device. */
#include "op_bench.h"

#include "nas_test.h"

#include <math.h>

enum { CHANNEL_STATISTICS = 3, PAD_JUNK = 1000, OFFSET = 16 };

double *op_zeros(op_bench *b, uint64_t count)
{
    assert_true(b->block_count < OP_BUFFERS);
    double *block = calloc(count + 1, sizeof *block);
    assert_non_null(block);
    b->block[b->block_count++] = block;
    return block;
}

/* float32 values, so that host and device start from the same numbers */
static double draw(op_bench *b, double spread)
{
    return (double)(float)(spread * nas_random_normal(&b->random));
}

double *op_drawn(op_bench *b, uint64_t count, double middle, double spread)
{
    double *block = op_zeros(b, count);
    for (uint64_t i = 0; i < count; i++)
        block[i] = (double)(float)(middle + draw(b, spread));
    return block;
}

uint64_t op_elements(nas_shape shape, int n)
{
    return nas_shape_count(shape) * (uint64_t)n;
}

uint64_t op_parameter_size(const nas_parameter *parameter)
{
    uint64_t size = parameter->rank > 0;
    for (int i = 0; i < parameter->rank; i++)
        size *= (uint64_t)parameter->dims[i];
    return size;
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

static void make_input(op_bench *b, int k)
{
    const nas_shape shape = b->in[k];
    const uint64_t size = op_elements(shape, b->real), per = size / (uint64_t)shape.c;
    const bool reads = (b->op->fusion & NAS_FUSES_READ) != 0;
    b->x[k] = op_zeros(b, size);
    b->value[k] = op_zeros(b, size);
    b->old[k] = op_drawn(b, size, 0, 1);
    b->scale[k] = op_drawn(b, (uint64_t)shape.c, 1, 0.3);
    b->shift[k] = op_drawn(b, (uint64_t)shape.c, 0, 0.3);
    b->mean[k] = op_drawn(b, (uint64_t)shape.c, 0, 0.3);
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

static void make_parameters(op_bench *b)
{
    if (b->op->parameters)
        b->parameter_count = b->op->parameters(b->options.bytes, b->in, b->inputs, b->parameter);
    for (int i = 0; i < b->parameter_count; i++) {
        const nas_parameter *p = &b->parameter[i];
        const uint64_t size = op_parameter_size(p);
        if (!size)
            continue;
        const double spread = p->init == NAS_INIT_HE || p->init == NAS_INIT_GLOROT
                                  ? 1 / sqrt(p->fan_in > 0 ? p->fan_in : 1)
                                  : 0.1;
        b->weight[i] = op_drawn(b, size, p->init == NAS_INIT_ONE ? 1 : 0, spread);
        b->weight_gradient[i] = op_zeros(b, size);
    }
}

/* One gate in four is 0, as in a sampled path; gradients have content before. */
static void make_gates(op_bench *b)
{
    if (b->op->gates)
        b->gate_count = b->op->gates(b->options.bytes, b->in, b->inputs, NULL);
    const uint64_t count = (uint64_t)b->gate_count;
    b->gate = op_drawn(b, count, 0, 0.5);
    for (uint64_t i = 3; i < count; i += 4)
        b->gate[i] = 0;
    b->old_gate_gradient = op_drawn(b, count, 0, 1);
    b->gate_gradient = op_zeros(b, count);
}

static int32_t draw_label(op_bench *b, nas_label what)
{
    const float number = what == NAS_LABEL_FLAG ? (float)nas_random_below(&b->random, 2)
                                                : (float)nas_random_normal(&b->random);
    int32_t word;
    memcpy(&word, &number, sizeof word);
    return what == NAS_LABEL_CLASS ? (int32_t)nas_random_below(&b->random, (uint32_t)b->in[0].c)
                                   : word;
}

static void make_labels(op_bench *b)
{
    nas_label first, others;
    if (!b->op->labels)
        return;
    b->label_rows = b->op->labels(b->options.bytes, b->in[0], &first, &others);
    assert_true(b->label_rows * b->real <= (int)(sizeof b->labels / sizeof *b->labels));
    for (int i = 0; i < b->label_rows * b->real; i++)
        b->labels[i] = draw_label(b, i < b->real ? first : others);
    b->scores = op_zeros(b, (uint64_t)b->real);
}

void op_bench_init(op_bench *b, nas_device *device, const nas_op *op, const nas_op_case *sample,
                   const op_way *way)
{
    *b = (op_bench){.op = op, .sample = sample, .way = *way, .device = device};
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
    const uint64_t size = op_elements(b->out, b->real);
    b->z = op_zeros(b, size);
    b->g = op_drawn(b, size, 0, 1);
    b->coefficients = op_drawn(b, 3 * (uint64_t)b->out.c, 0.5, 0.5);
    b->step = (nas_step){
        .real = (uint32_t)b->real, .slot = 1, .epoch = 3, .step = 7, .drop_path = 0.375f};
    nas_random_key(99, NAS_STREAM_DROPOUT, b->step.key);
    make_labels(b);
}

void op_bench_clear(op_bench *b)
{
    for (int i = 0; i < b->buffer_count; i++)
        nas_buffer_destroy(b->buffer[i]);
    for (int i = 0; i < b->block_count; i++)
        free(b->block[i]);
}

static bool forms(const op_bench *b)
{
    return b->way.forms && (b->op->fusion & NAS_FUSES_GRADIENT) && b->op->view != NAS_VIEW_LOSS;
}

nas_reference_call op_reference_call(op_bench *b, double *dz)
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

void op_run_reference(op_bench *b)
{
    const uint64_t size = op_elements(b->out, b->real), per = size / (uint64_t)b->out.c;
    nas_reference_call call = op_reference_call(b, NULL);
    b->op->reference_forward[1](&call);
    double *dz = op_zeros(b, size);
    for (uint64_t i = 0; i < size; i++) {
        const uint64_t c = i / per, channels = (uint64_t)b->out.c;
        dz[i] = b->g[i];
        if (forms(b))
            dz[i] = b->coefficients[c] * b->g[i] + b->coefficients[channels + c] * b->z[i] +
                    b->coefficients[2 * channels + c];
    }
    for (int k = 0; k < b->inputs; k++)
        b->in_gradient[k] = op_zeros(b, op_elements(b->in[k], b->real));
    call = op_reference_call(b, dz);
    b->op->reference_backward[1](&call);
}

/* ---- the device side ---- */

static nas_tensor make_tensor(op_bench *b, uint64_t count)
{
    if (!count)
        return (nas_tensor){.buffer = NULL};
    assert_true(b->buffer_count < OP_BUFFERS);
    nas_buffer *buffer = NULL;
    nas_test_ok(nas_buffer_create(b->device, (count + OFFSET) * sizeof(float), "test", &buffer));
    b->buffer[b->buffer_count++] = buffer;
    return (nas_tensor){.buffer = buffer, .at = OFFSET, .count = count};
}

static nas_tensor upload(op_bench *b, const double *from, uint64_t count)
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
static nas_tensor upload_padded(op_bench *b, const double *from, nas_shape shape, double pad)
{
    const uint64_t rows = nas_shape_count(shape);
    double *data = op_zeros(b, rows * (uint64_t)b->n);
    for (uint64_t r = 0; r < rows; r++)
        for (int s = 0; s < b->n; s++)
            data[r * (uint64_t)b->n + (uint64_t)s] =
                s < b->real ? from[r * (uint64_t)b->real + (uint64_t)s] : pad;
    return upload(b, data, rows * (uint64_t)b->n);
}

static nas_read make_read(op_bench *b, int k)
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

static void upload_labels(op_bench *b, nas_op_call *call)
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

void op_make_call(op_bench *b, nas_op_call *call)
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
        call->parameters[i] = upload(b, b->weight[i], op_parameter_size(&b->parameter[i]));
        if (b->parameter[i].trained)
            call->parameter_gradients[i] = make_tensor(b, op_parameter_size(&b->parameter[i]));
    }
    call->out = make_tensor(b, op_elements(b->out, b->n));
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

void op_make_gradients(op_bench *b, nas_op_call *call)
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
