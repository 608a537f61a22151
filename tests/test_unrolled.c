/* test_unrolled.c - what a supernet computes beyond one gradient: the second order of DARTS, and how sharply the loss bends under the
 * architecture weights.  The double reference is the truth.
 *
 * The second order is a difference of gradients where the exact one is a derivative of a derivative.  That one is worked out
 * here from the reference net, and implementations with the mistakes that are known of public ones must be as far from it
 * as they are: a tolerance that they passed would say nothing. */
#include "oneshot_net.h"

#include "eval/spectrum.h"

/* ---- the second order ------------------------------------------------------------------------------------------------------ */

static const double momentum = 0.9, decay = 0.01, lr = 0.3;

static const char two_cells[] = "{ cells = 2; channels = 2; nodes = 2; reductions = [1]; "
                                "op = [ \"avg_pool_3x3\", \"skip_connect\", \"sep_conv_3x3\" ]; }";

typedef struct second {
    fixture f;
    nas_reference *reference;
    float *images[2]; /* of training, of validation: [c][h][w][n padded] */
    int32_t labels[2][16];
    double *w, *m; /* weights as they are, and sgd's moments; in the order of the net's list */
    bool *decayed;
    int count, gates;
    nas_buffer *moment;
} second;

static const nas_step step_block = {.real = BATCH, .lr = 0.3f};

/* Trained parameters of the reference, one after the other: out of it, or into it. */
static void carry(second *t, double *values, bool gradient, bool into)
{
    int at = 0;
    for (int i = 0; i < nas_net_parameter_count(t->f.net); i++) {
        const nas_net_parameter *parameter = nas_net_parameter_at(t->f.net, i);
        uint64_t count;
        double *its_gradient;
        int p = 0;
        if (!parameter->spec.trained)
            continue;
        for (int k = i; k > 0 && nas_net_parameter_at(t->f.net, k - 1)->node == parameter->node;
             k--)
            p++;
        double *its =
            nas_reference_parameter(t->reference, parameter->node, p, &its_gradient, &count);
        for (uint64_t k = 0; k < count; k++, at++) {
            double *place = gradient ? &its_gradient[k] : &its[k];
            if (into)
                *place = values[at];
            else
                values[at] = *place;
        }
    }
}

/* Loss of one of the two batches at weights `w`; fills the gradients that are asked for. */
static double pass(second *t, int which, double *w, double *by_w, double *by_gates)
{
    double *gradient, *input = nas_reference_input(t->reference);
    carry(t, w, false, true);
    for (int i = 0; i < 2 * 6 * 6; i++)
        for (int n = 0; n < BATCH; n++)
            input[i * BATCH + n] = t->images[which][i * 16 + n];
    memcpy(nas_reference_labels(t->reference), t->labels[which], BATCH * sizeof(int32_t));
    const double loss = nas_reference_forward(t->reference, true, &step_block);
    if (by_w || by_gates)
        nas_reference_backward(t->reference, &step_block);
    if (by_w)
        carry(t, by_w, true, false);
    nas_reference_gates(t->reference, &gradient);
    if (by_gates)
        memcpy(by_gates, gradient, (size_t)t->gates * sizeof *by_gates);
    return loss;
}

/* w' */
static void unroll(second *t, double *ahead)
{
    pass(t, 0, t->w, ahead, NULL);
    for (int i = 0; i < t->count; i++)
        ahead[i] =
            t->w[i] - lr * (momentum * t->m[i] + ahead[i] + (t->decayed[i] ? decay * t->w[i] : 0));
}

/* The truth: how the loss after the step moves with each gate. */
static void exact_gradient(second *t, double *exact)
{
    double *ahead = calloc((size_t)t->count, sizeof *ahead);
    double *gates = nas_reference_gates(t->reference, NULL);
    for (int g = 0; g < t->gates; g++) {
        const double h = 1e-5, middle = gates[g];
        double loss[2];
        for (int side = 0; side < 2; side++) {
            gates[g] = middle + (side ? h : -h);
            unroll(t, ahead);
            loss[side] = pass(t, 1, ahead, NULL, NULL);
        }
        gates[g] = middle;
        exact[g] = (loss[1] - loss[0]) / (2 * h);
    }
    free(ahead);
}

typedef enum mistake {
    NO_MISTAKE,
    TIMES_RADIUS, /* (d+ − d−) / 2 · R in place of / 2R */
    AROUND_AHEAD, /* w' ± R·v in place of w ± R·v */
    NO_MOMENTUM,  /* w' by plain descent */
    OTHER_SIGN,
    FIRST_ORDER, /* what a graph that is never evaluated again comes to */
    MISTAKES
} mistake;

/* The published difference in double, or one of its known misreadings. */
static void differ(second *t, mistake wrong, double *result)
{
    const size_t gates = (size_t)t->gates, count = (size_t)t->count;
    double *ahead = calloc(count, sizeof *ahead), *v = calloc(count, sizeof *v);
    double *at = calloc(count, sizeof *at), *sides[2], norm = 0;
    for (int side = 0; side < 2; side++)
        sides[side] = calloc(gates, sizeof *sides[side]);
    unroll(t, ahead);
    for (int i = 0; i < t->count && wrong == NO_MOMENTUM; i++)
        ahead[i] += lr * momentum * t->m[i];
    pass(t, 1, ahead, v, result);
    for (int i = 0; i < t->count; i++)
        norm += v[i] * v[i];
    const double radius = 0.01 / sqrt(norm);
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < t->count; i++)
            at[i] = (wrong == AROUND_AHEAD ? ahead[i] : t->w[i]) + (side ? -1 : 1) * radius * v[i];
        pass(t, 0, at, NULL, sides[side]);
    }
    const double scale = wrong == TIMES_RADIUS ? radius / 2 : 1 / (2 * radius);
    for (int g = 0; g < t->gates && wrong != FIRST_ORDER; g++)
        result[g] -= (wrong == OTHER_SIGN ? -1 : 1) * lr * scale * (sides[0][g] - sides[1][g]);
    for (int side = 0; side < 2; side++)
        free(sides[side]);
    free(ahead);
    free(v);
    free(at);
}

static nas_status load(second *t, int which)
{
    NAS_TRY(nas_net_set_step(t->f.net, &step_block));
    NAS_TRY(nas_tensor_write(nas_net_input(t->f.net), t->images[which]));
    const nas_tensor labels = nas_net_labels(t->f.net);
    return nas_buffer_write(labels.buffer, 4 * labels.at, sizeof t->labels[which],
                            t->labels[which]);
}

static nas_status load_train(void *user)
{
    return load(user, 0);
}

static nas_status load_valid(void *user)
{
    return load(user, 1);
}

static void open_second(const char *space, second *t)
{
    const nas_net_options options = {.batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY};
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 1, 2, 3);
    *t = (second){0};
    open_supernet(space, "darts", &t->f);
    nas_step gates;
    nas__relaxation_step(t->f.relaxation, &step_block, 1, NAS__PHASE_ALPHA, &gates);
    nas_test_ok(nas_net_set_step(t->f.net, &gates));
    nas_test_ok(nas__relaxation_plain(t->f.relaxation));
    nas_test_ok(nas_reference_create(&t->f.graph, &options, &t->reference));
    nas_test_ok(nas_reference_copy(t->reference, t->f.net));
    const nas_net_block block = nas_net_parameters(t->f.net);
    t->gates = t->f.table.gates;
    float *moment = calloc((size_t)block.parameters.count, sizeof *moment);
    t->w = calloc((size_t)block.parameters.count, sizeof *t->w);
    t->m = calloc((size_t)block.parameters.count, sizeof *t->m);
    t->decayed = calloc((size_t)block.parameters.count, sizeof *t->decayed);
    for (int i = 0; i < nas_net_parameter_count(t->f.net); i++) {
        const nas_net_parameter *parameter = nas_net_parameter_at(t->f.net, i);
        for (uint64_t k = 0; parameter->spec.trained && k < parameter->tensor.count; k++) {
            const uint64_t at = parameter->tensor.at - block.parameters.at + k;
            moment[at] = (float)(0.3 * nas_random_normal(&random));
            t->m[t->count] = moment[at];
            t->decayed[t->count++] = at < block.decayed_count;
        }
    }
    carry(t, t->w, false, false);
    for (int which = 0; which < 2; which++) {
        t->images[which] = calloc(2 * 6 * 6 * 16, sizeof *t->images[which]);
        for (int i = 0; i < 2 * 6 * 6 * 16; i++)
            t->images[which][i] = i % 16 < BATCH ? (float)nas_random_normal(&random) : 0;
        for (int n = 0; n < BATCH; n++)
            t->labels[which][n] = (int32_t)nas_random_below(&random, 3);
    }
    nas_test_ok(nas_buffer_create(device, 4 * block.parameters.count, "moments", &t->moment));
    nas_test_ok(nas_buffer_write(t->moment, 0, 4 * block.parameters.count, moment));
    free(moment);
}

static void close_second(second *t)
{
    nas_reference_destroy(t->reference);
    nas_buffer_destroy(t->moment);
    free(t->images[0]);
    free(t->images[1]);
    free(t->w);
    free(t->m);
    free(t->decayed);
    close_supernet(&t->f);
}

/* ‖a − b‖ / ‖b − first‖: the miss as a share of what the second order is about. */
static double miss(const second *t, const double *a, const double *b, const double *first)
{
    double off = 0, all = 0;
    for (int g = 0; g < t->gates; g++) {
        off += (a[g] - b[g]) * (a[g] - b[g]);
        all += (b[g] - first[g]) * (b[g] - first[g]);
    }
    return sqrt(off / all);
}

static void second_order_is_the_gradient_after_a_step(void **state)
{
    static const char *const names[MISTAKES] = {"as published",     "times R",    "around w'",
                                                "without momentum", "other sign", "first order"};
    const double tolerance = 0.03;
    second t;
    nas__unrolled *unrolled;
    (void)state;
    open_second(two_cells, &t);
    const size_t gates = (size_t)t.gates;
    double *exact = calloc(gates, sizeof *exact), *first = calloc(gates, sizeof *first);
    double *other = calloc(gates, sizeof *other), *published = calloc(gates, sizeof *published);
    exact_gradient(&t, exact);
    differ(&t, FIRST_ORDER, first);
    differ(&t, NO_MISTAKE, published);
    for (int wrong = 0; wrong < MISTAKES; wrong++) {
        differ(&t, (mistake)wrong, other);
        const double off = miss(&t, other, exact, first);
        print_message("%-18s misses the exact gradient by %.4f of the second order\n", names[wrong],
                      off);
        assert_true(wrong == NO_MISTAKE ? off < tolerance : off > 3 * tolerance);
    }

    const nas_net_block block = nas_net_parameters(t.f.net);
    const nas__unrolled_setup setup = {.net = t.f.net,
                                       .moment = {t.moment, 0, block.parameters.count},
                                       .momentum = momentum,
                                       .weight_decay = decay,
                                       .load_train = load_train,
                                       .load_valid = load_valid,
                                       .user = &t};
    float *before = nas_test_read(block.parameters);
    nas_test_ok(nas__unrolled_create(&setup, &unrolled));
    nas_test_ok(nas__unrolled_gradient(unrolled));
    float *after = nas_test_read(block.parameters),
          *found = nas_test_read(nas_net_gate_gradients(t.f.net));
    assert_memory_equal(before, after, (size_t)block.parameters.count * sizeof *after);
    for (int g = 0; g < t.gates; g++)
        other[g] = found[g];
    const double off = miss(&t, other, exact, first);
    print_message("%-18s misses the exact gradient by %.4f, the difference in double by %.4f\n",
                  "the device", off, miss(&t, other, published, first));
    assert_true(off < tolerance);
    nas__unrolled_destroy(unrolled);
    free(before);
    free(after);
    free(found);
    free(exact);
    free(first);
    free(other);
    free(published);
    close_second(&t);
}

/* ---- curvature ------------------------------------------------------------------------------------------------------------- */

enum { SIZE = 40 };

static nas_status multiply(void *user, const double *vector, double *result)
{
    const double *matrix = user;
    for (int i = 0; i < SIZE; i++) {
        result[i] = 0;
        for (int j = 0; j < SIZE; j++)
            result[i] += matrix[i * SIZE + j] * vector[j];
    }
    return NAS_OK;
}

/* Largest, not of the largest size: of random matrices, pushed down as far as to have negative eigenvalues alone. */
static void largest_eigenvalue_is_that_of_all(void **state)
{
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 4, 4, 4);
    (void)state;
    for (int push = 0; push <= 30; push += 10) {
        double matrix[SIZE * SIZE], values[SIZE], largest = 0;
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j <= i; j++)
                matrix[i * SIZE + j] = matrix[j * SIZE + i] =
                    nas_random_normal(&random) - (i == j ? push : 0);
        nas_test_ok(nas__largest_eigenvalue(multiply, matrix, SIZE, &largest));
        nas_test_ok(nas__eigenvalues(matrix, SIZE, values));
        check_close(largest, values[SIZE - 1], 0.01, "eigenvalue", push);
    }
    double same[SIZE * SIZE] = {0}, largest = 0;
    for (int i = 0; i < SIZE; i++)
        same[i * SIZE + i] = 3; /* one product is enough, the next vector would be nothing */
    nas_test_ok(nas__largest_eigenvalue(multiply, same, SIZE, &largest));
    check_close(largest, 3, 1e-12, "eigenvalue", 0);
}

/* Gradient by α of the loss on the validation batch. */
static void alpha_gradient(second *t, const double *alpha, double *by_alpha)
{
    double *by_gates = calloc((size_t)t->gates, sizeof *by_gates);
    double *gates = nas_reference_gates(t->reference, NULL),
           *noise = calloc((size_t)t->gates, sizeof *noise);
    const plain p = {&t->f, noise, 1};
    plain_gates(&p, alpha, true, gates);
    pass(t, 1, t->w, NULL, by_gates);
    for (int r = 0; r < t->f.table.count; r++) {
        const nas_gate_row *row = &t->f.table.rows[r];
        double mean = 0;
        for (int k = row->first; k < row->first + row->choices; k++)
            mean += gates[k] * by_gates[k];
        for (int k = row->first; k < row->first + row->choices; k++)
            by_alpha[k] = gates[k] * (by_gates[k] - mean);
    }
    free(by_gates);
    free(noise);
}

/* All of the Hessian by differences in double, and the largest of its eigenvalues. */
static double exact_curvature(second *t, double *alpha)
{
    const int n = t->f.table.choices;
    const double h = 1e-5;
    double *matrix = calloc((size_t)n * (size_t)n, sizeof *matrix),
           *values = calloc((size_t)n, sizeof *values);
    double *sides[2] = {calloc((size_t)n, sizeof *values), calloc((size_t)n, sizeof *values)};
    for (int i = 0; i < n; i++) {
        const double middle = alpha[i];
        for (int side = 0; side < 2; side++) {
            alpha[i] = middle + (side ? -h : h);
            alpha_gradient(t, alpha, sides[side]);
        }
        alpha[i] = middle;
        for (int j = 0; j < n; j++) {
            const double slope = (sides[0][j] - sides[1][j]) / (2 * h);
            matrix[i * n + j] += slope / 2;
            matrix[j * n + i] += slope / 2;
        }
    }
    nas_test_ok(nas__eigenvalues(matrix, n, values));
    const double largest = values[n - 1];
    free(matrix);
    free(values);
    free(sides[0]);
    free(sides[1]);
    return largest;
}

/* The product as curvature.c has it, in double. */
static nas_status multiply_plain(void *user, const double *vector, double *result)
{
    enum { MOST = 256 };
    second *t = user;
    const double epsilon = 0.1;
    double alpha[MOST], sides[2][MOST];
    float *middle = nas_test_read(t->f.relaxation->alpha);
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < t->f.table.choices; i++)
            alpha[i] = middle[i] + (side ? -epsilon : epsilon) * vector[i];
        alpha_gradient(t, alpha, sides[side]);
    }
    for (int i = 0; i < t->f.table.choices; i++)
        result[i] = (sides[0][i] - sides[1][i]) / (2 * epsilon);
    free(middle);
    return NAS_OK;
}

static double device_curvature(second *t)
{
    nas_step step = step_block;
    const float temperature = 1;
    double largest = 0;
    float *before = nas_test_read(t->f.relaxation->alpha);
    memcpy(&step.spare[4], &temperature, sizeof temperature);
    nas_test_ok(load(t, 1));
    nas_test_ok(nas_net_set_step(t->f.net, &step));
    nas_test_ok(nas__curvature(t->f.relaxation, &largest));
    float *after = nas_test_read(t->f.relaxation->alpha);
    assert_memory_equal(before, after, (size_t)t->f.relaxation->alpha.count * sizeof *after);
    free(before);
    free(after);
    return largest;
}

/* A cell whose choices no relu follows is smooth in α, and there the differences must find what second derivatives would.  Where relus
 * bend at points the difference sees those too; it must see the same ones as in double. */
static void curvature_is_that_of_the_hessian(void **state)
{
    double alpha[NAS_CHOICES], plain_largest = 0;
    second t;
    (void)state;
    open_second("{ cells = 1; channels = 3; nodes = 3; reductions = [0]; op = [ \"avg_pool_3x3\", "
                "\"skip_connect\" ]; }",
                &t);
    float *values = nas_test_read(t.f.relaxation->alpha);
    for (int i = 0; i < t.f.table.choices; i++)
        alpha[i] = values[i];
    free(values);
    double found = device_curvature(&t);
    const double exact = exact_curvature(&t, alpha);
    print_message("smooth: curvature %.6f, exact %.6f\n", found, exact);
    check_close(found, exact, 0.01, "curvature", 0);
    close_second(&t);

    open_second(two_cells, &t);
    found = device_curvature(&t);
    nas_test_ok(nas__largest_eigenvalue(multiply_plain, &t, t.f.table.choices, &plain_largest));
    print_message("with relus: curvature %.6f, in double %.6f\n", found, plain_largest);
    check_close(found, plain_largest, 0.01, "curvature", 1);
    close_second(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_order_is_the_gradient_after_a_step),
        cmocka_unit_test(largest_eigenvalue_is_that_of_all),
        cmocka_unit_test(curvature_is_that_of_the_hessian),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
