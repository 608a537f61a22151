/* op_compare.c - what an operator left on the device, against its double reference. */
#include "op_bench.h"

#include "nas_test.h"

#include <float.h>
#include <math.h>

static void fail_at(const op_bench *b, const char *what, double error, double allowed)
{
    fail_msg("%s { %s } batch %d, %s: %s is off by %.3g of its largest entry, allowed %.3g",
             b->op->kind.name, b->sample->options, b->sample->batch, b->way.name, what, error,
             allowed);
}

void op_compare_padded(op_bench *b, const char *what, nas_tensor got, const double *expected,
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

void op_compare(op_bench *b, const char *what, nas_tensor got, const double *expected,
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
void op_compare_statistics(op_bench *b, nas_tensor statistics, double allowed)
{
    const uint64_t parts = (uint64_t)b->sizes.statistics_parts, channels = (uint64_t)b->out.c;
    const uint64_t per = op_elements(b->out, b->real) / channels;
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
static void compare_reductions(op_bench *b, int k, nas_tensor reductions, const double *g,
                               double allowed)
{
    const uint64_t parts = (uint64_t)b->sizes.reduction_parts[k], channels = (uint64_t)b->in[k].c;
    const uint64_t per = op_elements(b->in[k], b->real) / channels;
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

/* loss sum, score sum, real samples */
void op_compare_metrics(op_bench *b, const nas_op_call *call, double allowed)
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

void op_compare_input_gradient(op_bench *b, const nas_op_call *call, int k, double allowed)
{
    const uint64_t size = op_elements(b->in[k], b->real), per = size / (uint64_t)b->in[k].c;
    const bool hands = (b->op->fusion & NAS_FUSES_INTO) != 0;
    double *expected = b->in_gradient[k];
    for (uint64_t i = 0; hands && i < size; i++) {
        const double affine =
            b->way.affine ? b->scale[k][i / per] * b->x[k][i] + b->shift[k][i / per] : b->x[k][i];
        expected[i] *= nas_activation_derivative(b->way.activation, 0, affine);
        if (b->way.accumulates)
            expected[i] += b->old[k][i];
    }
    op_compare_padded(b, "an input gradient", call->into[k].g, expected, b->in[k], allowed, true);
    if (call->into[k].reductions.buffer)
        compare_reductions(b, k, call->into[k].reductions, expected, allowed);
}
