/* test_oneshot.c - what one-shot search computes between two passes: gates from architecture weights, their gradients,
 * Adam.  Everything is held against plain C in double precision. */
#include "oneshot_net.h"

#include <clnas/search.h>

/* A strategy and its method have one name, and the method finds all it needs among the strategy's options. */
static void every_strategy_has_its_method(void **state)
{
    int count, found = 0;
    const nas_strategy *const *all = nas_strategy_all(&count);
    (void)state;
    for (int s = 0; s < count; s++) {
        nas__method_options options;
        nas_value group = {0}, *type;
        if (!all[s]->evaluator)
            continue;
        void *instance = calloc(1, all[s]->kind.instance_size);
        nas_test_ok(nas_options_fill(&all[s]->kind, NULL, NULL, instance));
        nas_test_ok(nas_value_parse("{ }", "test", 1, &group));
        nas_test_ok(nas_options_value(&all[s]->kind, instance, &group));
        nas_test_fails(nas__method_read(&group, &options), NAS_CONFIG, "darts");
        nas_test_ok(nas_value_append(&group, "type", &type));
        type->type = NAS_VALUE_TEXT;
        type->text = strdup(all[s]->kind.name);
        nas_test_ok(nas__method_read(&group, &options));
        assert_ptr_equal(options.method, method_of(all[s]->kind.name));
        if (options.method->controlled) {
            const nas__controller_options *c = &options.controller;
            assert_true(options.share == 0.9 && options.epochs == 150 && c->candidates == 100);
            assert_true(c->steps == 30 && c->aggregate == 10 && c->hidden == 64 && c->layers == 1);
            assert_true(c->lr == 0.0035 && c->beta1 == 0 && c->beta2 == 0.999);
            assert_true(c->epsilon == 0.001 && c->clip == 0 && c->temperature == 1);
            assert_true(c->tanh_constant == 1.1 && c->op_tanh == 0.44 && c->entropy == 0.0001);
            assert_true(c->decay == 0.99 && c->skip_target == 0.4 && c->skip_weight == 0.8);
        } else if (options.method->sampled) { /* no α: all samples are the weights' */
            assert_true(options.share == 1 && options.epochs == 50);
        } else if (options.method->pairs) {
            assert_true(options.beta1 == 0 && options.beta2 == 0.999 && options.share == 0.9);
            assert_true(options.weight_decay == 0 && options.lr == 0.001 && options.scale == 0.001);
            assert_true(options.every == 5 && options.start == 40 && options.epochs == 160);
            assert_true(options.latency_weight == 0 && options.latency_table[0] == '\0');
        } else {
            assert_true(options.every == 1);
            assert_true(options.beta1 == 0.5 && options.beta2 == 0.999 && options.share == 0.5);
            assert_true(options.weight_decay == 0.001 && options.scale == 0.001);
        }
        assert_true(options.warm >= options.cold && options.cold > 0);
        nas_value_clear(&group);
        free(instance);
        found++;
    }
    assert_int_equal(found, nas__method_count);
}

/* ---- gates, in plain C ---------------------------------------------------------------------------------------------------- */

/* Σ c·gates, whose gradient by the gates is c. */
static double plain_loss(const plain *p, const double *alpha, const double *c)
{
    double sum = 0, *gates = calloc((size_t)p->f->table.gates, sizeof *gates);
    plain_gates(p, alpha, true, gates);
    for (int i = 0; i < p->f->table.gates; i++)
        sum += c[i] * gates[i];
    free(gates);
    return sum;
}

/* What `none` gets where it lost and losers do not run: what another loser of its row has. */
static void lend_to_none(const fixture *f, const double *gates, double *c)
{
    for (int r = 0; r < f->table.count && nas__method_has_paths(f->options.method); r++) {
        const nas_gate_row *row = &f->table.rows[r];
        const int none = row->first + row->none;
        if (row->none < 0 || gates[none] != 0)
            continue;
        c[none] = 0;
        for (int k = row->choices - 1; k >= 0; k--)
            if (k != row->none && gates[row->first + k] == 0)
                c[none] = c[row->first + k];
    }
}

/* One step: gates, the way back by differences of the loss in plain C, Adam. */
static void check_step(fixture *f, double *alpha, double (*moments)[2], int time)
{
    const nas_step weights = {.epoch = 2, .step = (uint32_t)time, .time = (uint32_t)time};
    const int used = f->table.choices + (f->options.method->edges ? f->table.count : 0);
    double *noise = calloc((size_t)f->table.gates, sizeof *noise), *wanted, *c;
    float *gradient = calloc((size_t)nas_net_gates(f->net).count, sizeof *gradient);
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, (uint32_t)time, 0, 0);
    nas_step step;
    wanted = calloc((size_t)f->table.gates, sizeof *wanted);
    c = calloc((size_t)f->table.gates, sizeof *c);
    nas__relaxation_step(f->relaxation, &weights, 10, time % 2, &step);
    plain p = {f, noise, 3 + (0.5 - 3) * 2 / 4};
    plain_noise(f, &step, f->options.method->noisy, noise);
    nas_test_ok(nas_net_set_step(f->net, &step));
    nas_test_ok(nas__relaxation_sample(f->relaxation, time % 2));
    float *gates = nas_test_read(nas_net_gates(f->net));
    plain_gates(&p, alpha, false, wanted);
    for (int i = 0; i < f->table.gates; i++) {
        check_close(gates[i], wanted[i], 2e-6, "gate", i);
        c[i] = gradient[i] = (float)nas_random_normal(&random);
    }
    lend_to_none(f, wanted, c);
    nas_test_ok(nas_tensor_write(nas_net_gate_gradients(f->net), gradient));
    nas_test_ok(nas__relaxation_update(f->relaxation));
    float *by_alpha = nas_test_read(f->relaxation->gradient),
          *after = nas_test_read(f->relaxation->alpha);
    for (int i = 0; i < used; i++) {
        const double h = 1e-5, middle = alpha[i];
        alpha[i] = middle + h;
        const double up = plain_loss(&p, alpha, c);
        alpha[i] = middle - h;
        const double slope = (up - plain_loss(&p, alpha, c)) / (2 * h);
        alpha[i] = middle;
        check_close(by_alpha[i], slope, 1e-5, "gradient of architecture weight", i);
        check_close(after[i], plain_adam(&f->options, middle, by_alpha[i], moments[i], time), 1e-5,
                    "architecture weight", i);
    }
    for (int i = used; i < (int)f->relaxation->alpha.count; i++)
        assert_true(after[i] == 0); /* padding stays what it is */
    for (int i = 0; i < used; i++)
        alpha[i] = after[i];
    free(noise);
    free(wanted);
    free(c);
    free(gradient);
    free(gates);
    free(by_alpha);
    free(after);
}

/* Three steps of each method on rows of three sizes; those of pairs are in test_oneshot_pairs.c. */
static void gates_are_those_of_plain_c(void **state)
{
    static const char *const spaces[] = {
        "{ cells = 2; channels = 4; nodes = 3; }",
        "{ cells = 1; channels = 2; nodes = 2; op = [ \"skip_connect\" ]; reductions = [0]; }"};
    (void)state;
    for (int m = 0; m < nas__method_count; m++)
        for (int s = 0; s < 2 && !nas__methods[m].pairs; s++) {
            fixture f;
            open_supernet(spaces[s], nas__methods[m].name, &f);
            const size_t count = (size_t)f.relaxation->alpha.count;
            double *alpha = calloc(count, sizeof *alpha), (*moments)[2];
            moments = calloc(count, sizeof *moments);
            float *first = nas_test_read(f.relaxation->alpha);
            for (size_t i = 0; i < count; i++)
                alpha[i] = first[i];
            for (int time = 0; time < 3; time++)
                check_step(&f, alpha, moments, time);
            free(first);
            free(alpha);
            free(moments);
            close_supernet(&f);
        }
}

/* The same step gives the same noise, another phase, step or seed other noise; its mean and variance are those of Gumbel's
 * distribution, γ and π²/6. */
static void noise_is_keyed(void **state)
{
    enum { STEPS = 200 };
    fixture f;
    double sum = 0, squares = 0, *noise, *other;
    (void)state;
    open_supernet("{ cells = 2; channels = 2; nodes = 4; }", "snas", &f);
    noise = calloc((size_t)f.table.choices, sizeof *noise);
    other = calloc((size_t)f.table.choices, sizeof *other);
    for (uint32_t s = 0; s < STEPS; s++) {
        const nas_step step = {.epoch = 1, .step = s, .spare = {[5] = NAS__PHASE_WEIGHTS}};
        const nas_step alpha = {.epoch = 1, .step = s, .spare = {[5] = NAS__PHASE_ALPHA}};
        plain_noise(&f, &step, true, noise);
        plain_noise(&f, &alpha, true, other);
        for (int i = 0; i < f.table.choices; i++) {
            sum += noise[i];
            squares += noise[i] * noise[i];
            assert_true(noise[i] != other[i] && isfinite(noise[i]));
        }
    }
    const double n = (double)STEPS * f.table.choices, mean = sum / n;
    assert_true(fabs(mean - 0.5772157) < 4 * 1.2825 / sqrt(n));
    assert_true(fabs(squares / n - mean * mean - 1.6449341) < 6 * 3.0 / sqrt(n));
    free(noise);
    free(other);
    close_supernet(&f);
}

/* Gate gradients of three parts of a batch, as if three backward passes had left them: what stays is their mean, and nothing of another
 * batch.  With one part they are left alone. */
static void parts_of_a_batch_add_up(void **state)
{
    enum { PARTS = 3 };
    fixture f;
    (void)state;
    open_supernet_in(PARTS, "{ cells = 1; channels = 2; nodes = 2; }", "darts", &f);
    const nas_tensor gradients = nas_net_gate_gradients(f.net);
    const uint64_t count = gradients.count;
    float *values = calloc(count, sizeof *values);
    for (int batch = 0; batch < 2; batch++) {
        nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 9, (uint32_t)batch, 0);
        double *mean = calloc(count, sizeof *mean);
        for (int part = 0; part < PARTS; part++) {
            for (uint64_t i = 0; i < count; i++) {
                values[i] = (float)nas_random_normal(&random);
                mean[i] += (double)values[i] / PARTS;
            }
            nas_test_ok(nas_tensor_write(gradients, values));
            nas_test_ok(nas__relaxation_accumulate(f.relaxation, part));
        }
        nas_test_ok(nas_tensor_read(gradients, values));
        for (uint64_t i = 0; i < count; i++)
            check_close(values[i], mean[i], 1e-6, "gate gradient", (int)i);
        free(mean);
    }
    close_supernet(&f);
    open_supernet("{ cells = 1; channels = 2; nodes = 2; }", "darts", &f);
    nas_test_ok(nas_tensor_write(nas_net_gate_gradients(f.net), values));
    nas_test_ok(nas__relaxation_accumulate(f.relaxation, 0));
    float *after = nas_test_read(nas_net_gate_gradients(f.net));
    assert_memory_equal(values, after, count * sizeof *values);
    free(after);
    free(values);
    close_supernet(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_strategy_has_its_method),
        cmocka_unit_test(gates_are_those_of_plain_c),
        cmocka_unit_test(noise_is_keyed),
        cmocka_unit_test(parts_of_a_batch_add_up),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
