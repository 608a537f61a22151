/* op_harness.c - see op_harness.h. */
#include "op_bench.h"

#include "nas_test.h"

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
           op_elements(sample->in[0], nas_batch_padded(sample->batch)) > 4000;
}

/* ---- device against reference ---- */

static void run_tape(op_bench *b, const nas_op_call *call,
                     nas_status (*record)(const nas_op_call *, nas_tape *))
{
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(b->device, "test", &tape));
    nas_test_ok(record(call, tape));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_device_finish(b->device));
    nas_tape_destroy(tape);
}

void op_check(nas_device *device, const nas_op *op, const nas_op_case *sample, const op_way *way,
              const op_tolerance *tolerance)
{
    op_bench *b = malloc(sizeof *b);
    nas_op_call call;
    op_bench_init(b, device, op, sample, way);
    op_make_call(b, &call);
    op_run_reference(b);
    run_tape(b, &call, op->forward);
    op_compare_padded(b, "the output", call.out, b->z, b->out, tolerance->forward, false);
    if (call.statistics.buffer)
        op_compare_statistics(b, call.statistics, tolerance->forward);
    if (op->view == NAS_VIEW_LOSS)
        op_compare_metrics(b, &call, tolerance->forward);
    for (int i = 0; i < b->parameter_count; i++)
        if (call.parameters[i].buffer && !b->parameter[i].trained)
            op_compare(b, b->parameter[i].name, call.parameters[i], b->weight[i],
                       op_parameter_size(&b->parameter[i]), 1e-30, tolerance->forward);
    if (!way->evaluates) {
        op_make_gradients(b, &call);
        run_tape(b, &call, op->backward);
        for (int k = 0; k < b->inputs; k++)
            op_compare_input_gradient(b, &call, k, tolerance->backward);
        for (int i = 0; i < b->parameter_count; i++)
            if (call.parameter_gradients[i].buffer)
                op_compare(b, b->parameter[i].name, call.parameter_gradients[i],
                           b->weight_gradient[i], op_parameter_size(&b->parameter[i]), 1e-30,
                           tolerance->backward);
        for (int i = 0; i < b->gate_count; i++)
            b->gate_gradient[i] += b->old_gate_gradient[i];
        if (b->gate_count)
            op_compare(b, "the gate gradient", call.gate_gradients, b->gate_gradient,
                       (uint64_t)b->gate_count, 1e-30, tolerance->backward);
    }
    op_bench_clear(b);
    free(b);
}

/* ---- finite differences ---- */

/* Σ out·g, or the mean of a loss. */
static double objective(op_bench *b)
{
    const nas_reference_call call = op_reference_call(b, NULL);
    const uint64_t size = op_elements(b->out, b->real);
    double sum = 0;
    b->op->reference_forward[1](&call);
    for (uint64_t i = 0; i < size; i++)
        sum += b->op->view == NAS_VIEW_LOSS ? b->z[i] / b->real : b->z[i] * b->g[i];
    return sum;
}

/* Moves `at` along a random direction both ways; the slope against that of `gradient`. */
static void check_direction(op_bench *b, const char *what, double *at, const double *gradient,
                            uint64_t size)
{
    const double step = 1e-6;
    double *direction = op_drawn(b, size, 0, 1), *start = op_zeros(b, size);
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
    op_bench *b = malloc(sizeof *b);
    const op_way way = {.name = "reference"};
    op_bench_init(b, NULL, op, sample, &way);
    op_run_reference(b);
    for (int k = 0; k < b->inputs; k++)
        check_direction(b, "an input", b->value[k], b->in_gradient[k],
                        op_elements(b->in[k], b->real));
    for (int i = 0; i < b->parameter_count; i++)
        if (b->weight[i] && b->parameter[i].trained)
            check_direction(b, b->parameter[i].name, b->weight[i], b->weight_gradient[i],
                            op_parameter_size(&b->parameter[i]));
    if (b->gate_count)
        check_direction(b, "the gates", b->gate, b->gate_gradient, (uint64_t)b->gate_count);
    op_bench_clear(b);
    free(b);
}
