/* test_oneshot_paths.c - methods whose losing candidates do not run: the gates' gradients against a network in double precision in which losers
 * are numbers that are added, and a training in which what was not drawn stays as it was, bit for bit. */
#include "oneshot_net.h"
#include "nas_test_open.h"
#include "path_walk.h"

#include "eval/supernet.h"

static const char *const methods[] = {"gdas", "proxylessnas"};
enum { METHODS = sizeof methods / sizeof *methods };

/* ---- gradients ------------------------------------------------------------------------------------------------------------ */

static void fill_batch(fixture *f, nas_reference *reference)
{
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 9, 0, 0);
    const nas_tensor input = nas_net_input(f->net), labels = nas_net_labels(f->net);
    const uint64_t padded = (uint64_t)nas_batch_padded(BATCH), pixels = input.count / padded;
    float *images = calloc((size_t)input.count, sizeof *images);
    int32_t *classes = calloc((size_t)labels.count, sizeof *classes);
    for (uint64_t i = 0; i < pixels; i++)
        for (uint64_t n = 0; n < BATCH; n++) {
            images[i * padded + n] = (float)nas_random_normal(&random);
            nas_reference_input(reference)[i * BATCH + n] = images[i * padded + n];
        }
    for (int n = 0; n < BATCH; n++)
        classes[n] = nas_reference_labels(reference)[n] = (int32_t)nas_random_below(&random, 3);
    nas_test_ok(nas_tensor_write(input, images));
    nas_test_ok(nas_buffer_write(labels.buffer, 4 * labels.at, 4 * labels.count, classes));
    free(images);
    free(classes);
}

static double sum_of_gradient(const fixture *f, nas_reference *reference, int node)
{
    const double *gradient = nas_reference_gradient(reference, node);
    const uint64_t count = nas_shape_count(f->graph.nodes[node].shape) * BATCH;
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += gradient[i];
    return sum;
}

/* A loser is added to every element of its node's sum: its gradient is the sum of the node's.  `read` tells which gates some node
 * reads at all. */
static void losers_as_numbers(const fixture *f, nas_reference *reference, const float *gates,
                              double *wanted, bool *read)
{
    double *own;
    nas_reference_gates(reference, &own);
    for (int gate = 0; gate < f->table.gates; gate++)
        wanted[gate] = gates[gate] != 0 ? own[gate] : 0;
    for (int i = 1; i < f->graph.count; i++) {
        const nas_node *node = &f->graph.nodes[i];
        nas_shape shapes[NAS_OP_INPUTS];
        int first[NAS_OP_INPUTS];
        if (!node->op->gates)
            continue;
        nas_node_shapes(&f->graph, i, shapes);
        node->op->gates(node->options.bytes, shapes, node->input_count, first);
        const double sum = sum_of_gradient(f, reference, i);
        for (int k = 0; k < node->input_count; k++)
            for (int gate = first[k]; gate < first[k] + shapes[k].c / node->shape.c; gate++) {
                wanted[gate] += gates[gate] == 0 ? sum : 0;
                read[gate] = true;
            }
    }
}

static void check_gradients(fixture *f, nas_reference *reference, int draw)
{
    const nas_step weights = {.real = BATCH, .epoch = 1, .step = (uint32_t)draw};
    const size_t count = (size_t)f->table.gates;
    double *wanted = calloc(count, sizeof *wanted), most = 0;
    bool *read = calloc(count, sizeof *read);
    int closed = 0;
    nas_step step;
    nas__relaxation_step(f->relaxation, &weights, 10, NAS__PHASE_ALPHA, &step);
    nas_test_ok(nas_net_set_step(f->net, &step));
    nas_test_ok(nas__relaxation_sample(f->relaxation, NAS__PHASE_ALPHA));
    nas_test_ok(nas_net_forward(f->net));
    nas_test_ok(nas_net_backward_gates(f->net));
    float *gates = nas_test_read(nas_net_gates(f->net));
    float *got = nas_test_read(nas_net_gate_gradients(f->net));
    nas_test_ok(nas_reference_copy(reference, f->net));
    nas_reference_forward(reference, true, &step);
    nas_reference_backward(reference, &step);
    losers_as_numbers(f, reference, gates, wanted, read);
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(wanted[i]));
    for (size_t i = 0; i < count; i++) {
        if (read[i] && !(fabs(got[i] - wanted[i]) <= 2e-4 * most))
            fail_msg("%s, draw %d: gradient of gate %d is %g and not %g (largest %g)",
                     f->options.method->name, draw, (int)i, (double)got[i], wanted[i], most);
        closed += gates[i] == 0;
    }
    assert_true(closed > (int)count / 2 && most > 0);
    free(wanted);
    free(read);
    free(gates);
    free(got);
}

static void losers_have_the_gradient_of_a_number(void **state)
{
    (void)state;
    for (int m = 0; m < METHODS; m++) {
        fixture f;
        nas_reference *reference;
        open_supernet("{ cells = 3; channels = 4; nodes = 2; }", methods[m], &f);
        const nas_net_options options = {
            .batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY};
        nas_test_ok(nas_reference_create(&f.graph, &options, &reference));
        fill_batch(&f, reference);
        for (int draw = 0; draw < 4; draw++)
            check_gradients(&f, reference, draw);
        nas_reference_destroy(reference);
        close_supernet(&f);
    }
}

/* ---- a training ------------------------------------------------------------------------------------------------------------- */

enum { EPOCHS = 5, TRAIN_BATCH = 16 };

typedef struct training {
    nas_data *data;
    nas_domain *domain;
    nas_train_config train;
    nas_value strategy;
    nas__supernet supernet;
} training;

/* Epochs of one step, so that one looks at steps from outside. */
static void open_training(const char *method, training *t)
{
    nas_value group = {0};
    char text[256];
    *t = (training){0};
    t->data = nas_test_data("{ type = \"synthetic\"; shape = [1, 8, 8]; classes = 4; train = 160; "
                            "test = 16; valid = 32; }",
                            1);
    t->domain = nas_test_domain("cell", "{ cells = 2; channels = 4; nodes = 2; }",
                                nas_data_shape(t->data), nas_data_outputs(t->data));
    nas_test_ok(nas_value_parse(
        "{ batch = 16; samples = 16; optimizer = \"sgd\"; lr = 0.05; momentum = 0.9; "
        "weight_decay = 0.001; clip = 5.0; }",
        "test", 1, &group));
    nas_test_ok(nas_train_config_fill(&group, &t->train));
    nas_value_clear(&group);
    snprintf(text, sizeof text,
             "{ type = \"%s\"; epochs = %d; share = 0.5; alpha = { lr = 0.1; beta1 = 0.5; beta2 = "
             "0.999; "
             "weight_decay = 0.0; scale = 0.001; start = 1; }; }",
             method, EPOCHS);
    nas_test_ok(nas_value_parse(text, "test", 1, &t->strategy));
}

static void close_training(training *t)
{
    nas__supernet_close(&t->supernet);
    nas_value_clear(&t->strategy);
    nas_domain_close(t->domain);
    nas_data_destroy(t->data);
}

static void compare_step(const training *t, const float *before, const float *after, int epoch)
{
    const nas_net *net = nas_trainer_net(t->supernet.trainer);
    const nas_graph *graph = &t->supernet.graph;
    float *gates = nas_test_read(nas_net_gates(net));
    bool *used = malloc((size_t)graph->count * sizeof *used);
    int resting = 0, moving = 0;
    mark_used(graph, gates, used);
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *p = nas_net_parameter_at(net, i);
        if (!p->spec.trained || !p->tensor.buffer)
            continue;
        const bool same = memcmp(before + p->tensor.at, after + p->tensor.at,
                                 (size_t)p->tensor.count * sizeof *after) == 0;
        if (!used[p->node] && !same)
            fail_msg("epoch %d: %s moved and was not drawn", epoch, p->name);
        resting += !used[p->node];
        moving += used[p->node] && !same;
    }
    assert_true(resting > 0 && moving > 0);
    free(gates);
    free(used);
}

static void what_is_not_drawn_stays(void **state)
{
    (void)state;
    for (int m = 0; m < METHODS; m++) {
        training t;
        open_training(methods[m], &t);
        const nas_eval_setting setting = {.device = device,
                                          .data = t.data,
                                          .domain = t.domain,
                                          .train = &t.train,
                                          .strategy = &t.strategy,
                                          .seed = 3};
        nas__supernet *s = &t.supernet;
        nas_test_ok(nas__supernet_open(&setting, s));
        nas_test_ok(nas__supernet_begin(s));
        assert_int_equal(nas_trainer_steps(s->trainer), 1);
        const nas_tensor parameters = nas_net_parameters(nas_trainer_net(s->trainer)).parameters;
        const size_t alpha_bytes = (size_t)s->table.choices * sizeof(float);
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            float *before = nas_test_read(parameters), *alpha = nas_test_read(s->relaxation->alpha);
            const nas_eval_call call = {.budget = epoch + 1};
            nas__watch_begin(&s->watch, &call);
            nas_test_ok(nas_trainer_run(s->trainer, epoch + 1));
            float *after = nas_test_read(parameters), *moved = nas_test_read(s->relaxation->alpha);
            compare_step(&t, before, after, epoch);
            assert_int_equal(memcmp(alpha, moved, alpha_bytes) == 0, epoch == 0); /* alpha.start */
            free(before);
            free(after);
            free(alpha);
            free(moved);
        }
        close_training(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losers_have_the_gradient_of_a_number),
        cmocka_unit_test(what_is_not_drawn_stays),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
