/* tune_case.c - see tune_case.h.  Two buffers: what is given is drawn once; what is made depends on the candidate, whose parts may
 * be others, and is zeroed before each result, so that what a kernel leaves out shows. */
#include "tune_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nas_tensor take(nas_buffer *buffer, uint64_t *used, uint64_t count)
{
    nas_tensor t = {buffer, *used, count};
    *used += (count + 15) / 16 * 16;
    return t;
}

/* ---- what passes read --------------------------------------------------------------------------------- */

static void place_given(tune_case *c)
{
    nas_op_call *k = &c->call;
    const uint64_t ins = nas_shape_count(k->in_shape[0]) * (uint64_t)k->n;
    const uint64_t outs = nas_shape_count(k->out_shape) * (uint64_t)k->n;
    const uint64_t channels = (uint64_t)k->in_shape[0].c, made = (uint64_t)k->out_shape.c;
    nas_buffer *b = c->given;
    uint64_t *used = &c->given_size;
    *used = 0;
    k->in[0].x = take(b, used, ins);
    k->in[0].scale = take(b, used, channels);
    k->in[0].shift = take(b, used, channels);
    k->in[0].activation = NAS_ACT_RELU;
    k->parameters[0] = take(b, used, c->weights);
    k->parameters[1] = take(b, used, made);
    k->out_gradient.g = take(b, used, outs);
    k->out_gradient.z = take(b, used, outs);
    k->out_gradient.coefficients = take(b, used, 3 * made);
    k->into[0].read = k->in[0];
    k->into[0].mean = take(b, used, channels);
}

static nas_status fill_random(nas_buffer *buffer, uint64_t count)
{
    float *values = malloc(count * sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "out of memory for random values");
    uint32_t key[2], words[4] = {0};
    nas_random_key(1, NAS_STREAM_TEST, key);
    for (uint64_t i = 0; i < count; i++) {
        if (i % 4 == 0)
            nas_philox((uint32_t[4]){(uint32_t)(i / 4), 77}, key, words);
        values[i] = (float)((double)words[i % 4] * 0x1p-32 - 0.5);
    }
    nas_status status = nas_buffer_write(buffer, 0, count * 4, values);
    free(values);
    return status;
}

nas_status tune_case_make(nas_device *device, const nas_op *op, const void *options, nas_shape in,
                          int batch, tune_case *c)
{
    nas_cost cost = {0};
    memset(c, 0, sizeof *c);
    c->device = device;
    c->op = op;
    memcpy(c->options, options, op->kind.instance_size);
    c->call = (nas_op_call){.device = device,
                            .options = c->options,
                            .n = nas_batch_padded(batch),
                            .real = batch,
                            .training = true,
                            .input_count = 1};
    c->call.in_shape[0] = in;
    NAS_TRY(op->infer(c->options, c->call.in_shape, 1, &c->call.out_shape));
    op->cost(c->options, c->call.in_shape, 1, c->call.out_shape, &cost);
    c->weights = cost.parameters;
    place_given(c);
    NAS_TRY(nas_buffer_create(device, c->given_size * 4, "given", &c->given));
    place_given(c);
    return fill_random(c->given, c->given_size);
}

void tune_case_clear(tune_case *c)
{
    nas_buffer_destroy(c->given);
    nas_buffer_destroy(c->made);
    memset(c, 0, sizeof *c);
}

/* ---- what they write ------------------------------------------------------------------------------------- */

/* Results first, then parts, then scratch. */
static void place_made(tune_case *c, nas_op_pass pass, const nas_op_sizes *sizes, uint64_t *results,
                       uint64_t *parts)
{
    nas_op_call *k = &c->call;
    const uint64_t ins = nas_shape_count(k->in_shape[0]) * (uint64_t)k->n;
    const uint64_t outs = nas_shape_count(k->out_shape) * (uint64_t)k->n;
    const uint64_t channels = (uint64_t)k->in_shape[0].c, made = (uint64_t)k->out_shape.c;
    const nas_tensor none = {.buffer = NULL};
    nas_buffer *b = c->made;
    uint64_t used = 0;
    k->out = k->statistics = k->into[0].g = k->into[0].reductions = none;
    k->parameter_gradients[0] = k->parameter_gradients[1] = none;
    if (pass == NAS_PASS_FORWARD)
        k->out = take(b, &used, outs);
    else if (pass == NAS_PASS_INPUT)
        k->into[0].g = take(b, &used, ins);
    else
        k->parameter_gradients[0] = take(b, &used, c->weights);
    *results = used;
    if (pass == NAS_PASS_FORWARD)
        k->statistics = take(b, &used, 3 * made * (uint64_t)sizes->statistics_parts);
    else if (pass == NAS_PASS_INPUT)
        k->into[0].reductions = take(b, &used, 2 * channels * (uint64_t)sizes->reduction_parts[0]);
    *parts = used - *results;
    k->scratch = take(b, &used, sizes->scratch);
    c->made_size = used;
}

static nas_status lay_out(tune_case *c, nas_op_pass pass, uint64_t *results, uint64_t *parts)
{
    nas_op_sizes sizes = {.scratch = 0};
    const float zero = 0;
    c->op->sizes(&c->call, &sizes);
    place_made(c, pass, &sizes, results, parts);
    if (!c->made || nas_buffer_size(c->made) < 4 * c->made_size) {
        nas_buffer_destroy(c->made);
        c->made = NULL;
        NAS_TRY(nas_buffer_create(c->device, 4 * c->made_size, "made", &c->made));
    }
    place_made(c, pass, &sizes, results, parts);
    return nas_buffer_fill(c->made, 0, 4 * c->made_size, &zero, 4);
}

static nas_status record(tune_case *c, nas_op_pass pass, nas_tape **tape)
{
    nas_tape *made = NULL;
    NAS_TRY(nas_tape_create(c->device, "candidate", &made));
    nas_status status =
        pass == NAS_PASS_FORWARD ? c->op->forward(&c->call, made) : c->op->backward(&c->call, made);
    if (status != NAS_OK) {
        nas_tape_destroy(made);
        return status;
    }
    *tape = made;
    return NAS_OK;
}

nas_status tune_case_record(tune_case *c, nas_op_pass pass, nas_tape **tape)
{
    uint64_t results, parts;
    NAS_TRY(lay_out(c, pass, &results, &parts));
    return record(c, pass, tape);
}

nas_status tune_case_result(tune_case *c, nas_op_pass pass, tune_result *result)
{
    nas_status status = NAS_OK;
    nas_tape *tape = NULL;
    tune_result read = {0};
    uint64_t results;
    NAS_TRY(lay_out(c, pass, &results, &read.parts));
    NAS_TRY(record(c, pass, &tape));
    NAS_TRY_DONE(nas_tape_run(tape));
    NAS_TRY_DONE(nas_device_finish(c->device));
    read.count = results + read.parts;
    read.values = malloc(read.count * sizeof *read.values + 1);
    if (!read.values)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of memory for results");
    else
        status = nas_buffer_read(c->made, 0, 4 * read.count, read.values);
done:
    nas_tape_destroy(tape);
    if (status == NAS_OK)
        *result = read;
    else
        free(read.values);
    return status;
}

nas_status tune_plain_row(const tune_case *c, nas_op_pass pass, nas_tuning_row *row)
{
    enum { ROWS = 64 };
    nas_tuning_row *rows = calloc(ROWS, sizeof *rows);
    if (!rows)
        NAS_FAIL(NAS_MEMORY, "out of memory for candidates");
    int count = c->op->candidates ? c->op->candidates(&c->call, pass, false, rows, ROWS) : 0;
    if (count > 0) {
        *row = rows[0];
        row->inexact = true;
        row->count = 1;
        row->values[0] = (nas_tuning_value){"way", NAS_TUNING_PLAIN};
    }
    free(rows);
    if (count == 0)
        NAS_FAIL(NAS_FAILED, "%s has nothing to tune", c->op->kind.name);
    return NAS_OK;
}

/* ---- comparing ------------------------------------------------------------------------------------------- */

void tune_result_clear(tune_result *result)
{
    free(result->values);
    *result = (tune_result){0};
}

bool tune_same_bits(const tune_result *a, const tune_result *b)
{
    return a->count == b->count && a->parts == b->parts &&
           memcmp(a->values, b->values, a->count * sizeof *a->values) == 0;
}

double tune_difference(const tune_result *a, const tune_result *b)
{
    const uint64_t count = a->count - a->parts;
    double largest = 1e-30, apart = 0;
    if (count != b->count - b->parts)
        return INFINITY;
    for (uint64_t i = 0; i < count; i++) {
        const double off = fabs((double)a->values[i] - b->values[i]);
        if (!isfinite(off))
            return INFINITY;
        apart = fmax(apart, off);
        largest = fmax(largest, fabs((double)b->values[i]));
    }
    return apart / largest;
}
