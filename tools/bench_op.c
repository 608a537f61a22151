/* bench_op.c - see bench_op.h.
 *
 * What an operator fuses it is asked to do, as its descriptor says: inputs are read through scale and shift and, where there is one
 * input, ReLU; statistics are written, dz is formed on load, the gradient goes back through the reading edge with R0 and R1.  That is
 * all that batch norm needs.  What it does not fuse it gets plain.  Nothing here knows an operator by its name but for bytes
 * that some need not touch. */
#include "bench_op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const bench_pass_names[] = {"forward", "backward", "input gradient", "weight gradient"};

/* ---- tensors ------------------------------------------------------------------------------------------------------------ */

static nas_tensor take(bench_op *b, uint64_t count)
{
    nas_tensor t = {b->buffer, b->used, count};
    if (!count)
        return (nas_tensor){0};
    b->used += (count + 15) / 16 * 16;
    return t;
}

static uint64_t elements(const bench_op *b, nas_shape shape)
{
    return nas_shape_count(shape) * (uint64_t)b->call.n;
}

static bool fuses(const bench_op *b, unsigned what)
{
    return (b->op->fusion & what) == what;
}

static void place_read(bench_op *b, int k)
{
    nas_op_call *c = &b->call;
    const uint64_t channels = (uint64_t)c->in_shape[k].c;
    c->in[k] = (nas_read){.x = take(b, elements(b, c->in_shape[k]))};
    if (!fuses(b, NAS_FUSES_READ) || b->op->view == NAS_VIEW_LOSS)
        return;
    c->in[k].scale = take(b, channels);
    c->in[k].shift = take(b, channels);
    c->in[k].activation = c->input_count == 1 ? NAS_ACT_RELU : NAS_ACT_NONE;
}

/* Who can lend dz writes no gradient of an input as large as the output. */
static bool is_lent(const bench_op *b, int k)
{
    return fuses(b, NAS_FUSES_LENDING) && b->call.in_shape[k].c == b->call.out_shape.c;
}

static void place_into(bench_op *b, const nas_op_sizes *sizes, int k)
{
    nas_op_call *c = &b->call;
    const uint64_t channels = (uint64_t)c->in_shape[k].c;
    c->into[k] = (nas_into){.read = c->in[k]};
    if (!is_lent(b, k))
        c->into[k].g = take(b, elements(b, c->in_shape[k]));
    if (!fuses(b, NAS_FUSES_REDUCTION) || !c->in[k].scale.count)
        return;
    c->into[k].mean = take(b, channels);
    c->into[k].reductions = take(b, 2 * channels * (uint64_t)sizes->reduction_parts[k]);
}

static uint64_t size_of(const nas_parameter *parameter)
{
    uint64_t size = parameter->rank > 0;
    for (int i = 0; i < parameter->rank; i++)
        size *= (uint64_t)parameter->dims[i];
    return size;
}

static void place_parameters(bench_op *b)
{
    for (int i = 0; i < b->parameter_count; i++) {
        b->call.parameters[i] = take(b, size_of(&b->parameters[i]));
        if (b->parameters[i].trained)
            b->call.parameter_gradients[i] = take(b, size_of(&b->parameters[i]));
    }
}

/* Everything, one behind the other; without a buffer it only counts. */
static void place(bench_op *b, const nas_op_sizes *sizes)
{
    nas_op_call *c = &b->call;
    const uint64_t channels = (uint64_t)c->out_shape.c;
    b->used = 0;
    c->step = take(b, sizeof(nas_step) / sizeof(float));
    c->labels = take(b, (uint64_t)c->n);
    c->metrics = take(b, 4);
    for (int k = 0; k < c->input_count; k++)
        place_read(b, k);
    c->out = take(b, elements(b, c->out_shape));
    if (fuses(b, NAS_FUSES_STATISTICS))
        c->statistics = take(b, 3 * channels * (uint64_t)sizes->statistics_parts);
    place_parameters(b);
    c->scratch = take(b, sizes->scratch);
    c->saved = take(b, sizes->saved);
    c->table = take(b, sizes->table);
    if (b->op->gates) {
        const int gates = b->op->gates(b->options.bytes, c->in_shape, c->input_count, NULL);
        c->gates = take(b, (uint64_t)gates);
        c->gate_gradients = take(b, (uint64_t)gates);
    }
    c->out_gradient.g = take(b, elements(b, c->out_shape));
    if (fuses(b, NAS_FUSES_GRADIENT) && b->op->view != NAS_VIEW_LOSS) {
        c->out_gradient.z = c->out;
        c->out_gradient.coefficients = take(b, 3 * channels);
    }
    for (int k = 0; k < c->input_count; k++)
        place_into(b, sizes, k);
}

/* Random numbers everywhere, but in the words that count or choose. */
static nas_status fill(bench_op *b)
{
    const uint64_t count = b->used;
    const nas_step step = {.real = (uint32_t)b->call.real, .lr = 0.01f};
    float *values = calloc(count, sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "out of memory for a benchmark's values");
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    for (uint64_t i = b->call.metrics.at; i < count; i++)
        values[i] = (float)nas_random_uniform(&random) - 0.5f;
    memcpy(values + b->call.step.at, &step, sizeof step); /* labels stay class 0 */
    nas_status status = nas_buffer_write(b->buffer, 0, count * sizeof *values, values);
    free(values);
    return status;
}

/* ---- the call ----------------------------------------------------------------------------------------------------------- */

static nas_status fill_options(bench_op *b, const char *options)
{
    char text[512];
    nas_value group = {0};
    snprintf(text, sizeof text, "{ %s%s }", options, options[0] ? ";" : "");
    NAS_TRY(nas_value_parse(text, "bench", 1, &group));
    nas_status status = nas_options_fill(&b->op->kind, &group, NULL, b->options.bytes);
    nas_value_clear(&group);
    return status;
}

static void ask_descriptor(bench_op *b, nas_op_sizes *sizes)
{
    const nas_op *op = b->op;
    nas_op_call *c = &b->call;
    if (op->parameters)
        b->parameter_count =
            op->parameters(b->options.bytes, c->in_shape, c->input_count, b->parameters);
    if (op->cost)
        op->cost(b->options.bytes, c->in_shape, c->input_count, c->out_shape, &b->cost);
    if (op->sizes)
        op->sizes(c, sizes);
}

nas_status bench_op_open(nas_device *device, const nas_op *op, const char *options, int batch,
                         const nas_shape *in, int count, bool clblast, bench_op *b)
{
    nas_op_sizes sizes = {0};
    memset(b, 0, sizeof *b);
    b->op = op;
    b->call = (nas_op_call){.device = device,
                            .options = b->options.bytes,
                            .n = nas_batch_padded(batch),
                            .real = batch,
                            .training = true,
                            .use_clblast = clblast,
                            .input_count = count};
    for (int k = 0; k < count; k++)
        b->call.in_shape[k] = in[k];
    NAS_TRY(fill_options(b, options));
    NAS_TRY(op->infer(b->options.bytes, b->call.in_shape, count, &b->call.out_shape));
    ask_descriptor(b, &sizes);
    place(b, &sizes);
    NAS_TRY(nas_buffer_create(device, b->used * sizeof(float), "bench", &b->buffer));
    place(b, &sizes);
    return fill(b);
}

void bench_op_close(bench_op *b)
{
    nas_buffer_destroy(b->buffer);
    b->buffer = NULL;
}

/* ---- passes ------------------------------------------------------------------------------------------------------------- */

/* Norms have their parameters' gradients from the sums that the input's needs. */
static bool has_weights(const bench_op *b)
{
    return b->cost.macs > 0 && b->parameter_count > 0;
}

int bench_op_passes(const bench_op *b, bench_pass passes[3])
{
    passes[0] = BENCH_FORWARD;
    passes[1] = has_weights(b) ? BENCH_INTO_INPUTS : BENCH_BACKWARD;
    passes[2] = BENCH_INTO_WEIGHTS;
    return has_weights(b) ? 3 : 2;
}

nas_status bench_op_record(const bench_op *b, bench_pass pass, nas_tape *tape)
{
    nas_op_call call = b->call;
    if (pass == BENCH_FORWARD)
        return b->op->forward(&call, tape);
    for (int i = 0; i < NAS_OP_PARAMETERS && pass == BENCH_INTO_INPUTS; i++)
        call.parameter_gradients[i] = (nas_tensor){0};
    for (int k = 0; k < call.input_count && pass == BENCH_INTO_WEIGHTS; k++)
        call.into[k].g = (nas_tensor){0};
    return b->op->backward(&call, tape);
}

/* Elements of input k that forward reads: most operators read all, some leave out what they do not hand on. */
static double elements_read(const bench_op *b, int k)
{
    static const char *const partial[] = {"slice", "subsample"};
    const double in = (double)nas_shape_count(b->call.in_shape[k]);
    const double out = (double)nas_shape_count(b->call.out_shape);
    if (strcmp(b->op->kind.name, "zero") == 0)
        return 0;
    for (size_t i = 0; i < sizeof partial / sizeof *partial; i++)
        if (strcmp(b->op->kind.name, partial[i]) == 0 && out < in)
            return out;
    return in;
}

/* Of an input going backward: G is written; x is read where a derivative, R1 or a weight's gradient needs it. */
static double elements_back(const bench_op *b, bench_pass pass, int k)
{
    const nas_into *into = &b->call.into[k];
    const double in = (double)nas_shape_count(b->call.in_shape[k]);
    const bool derives = into->read.activation != NAS_ACT_NONE || into->reductions.buffer;
    if (pass == BENCH_INTO_WEIGHTS)
        return in;
    return in * ((into->g.buffer ? 1 : 0) + (derives || b->op->view == NAS_VIEW_NORM ? 1 : 0));
}

double bench_op_bytes(const bench_op *b, bench_pass pass)
{
    const nas_op_call *c = &b->call;
    const double out = (double)nas_shape_count(c->out_shape);
    const bool loss = b->op->view == NAS_VIEW_LOSS;
    double samples = pass == BENCH_FORWARD ? out : loss ? 0 : out;
    double weights = 0;
    if (pass != BENCH_FORWARD && c->out_gradient.coefficients.buffer)
        samples += out;
    for (int k = 0; k < c->input_count; k++) {
        samples += pass == BENCH_FORWARD ? elements_read(b, k) : elements_back(b, pass, k);
        samples += loss && pass != BENCH_FORWARD ? (double)nas_shape_count(c->in_shape[k]) : 0;
    }
    for (int i = 0; i < b->parameter_count; i++)
        weights += (double)size_of(&b->parameters[i]);
    return sizeof(float) * (samples * c->n + weights);
}

double bench_op_macs(const bench_op *b, bench_pass pass)
{
    (void)pass; /* each of them multiplies every weight by as many pixels */
    return (double)b->cost.macs * b->call.real;
}
