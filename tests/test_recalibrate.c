/* test_recalibrate.c - statistics of one path, taken anew from training batches (host/eval/recalibrate.c).
 *
 * The truth is the double reference, which knows of no 1/k: it runs one batch at a time from statistics of 0 with its norms' own momentum,
 * so what it leaves, divided by that momentum, are the batch's own; their plain mean is what the net must have. */
#include "nas_test_device.h"
#include "nas_test_open.h"
#include "nas_test_tensor.h"

#include "eval/sampling.h"
#include "eval/supernet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 5, BATCH = 12, COUNT = 3, TRAIN = 120, RUNNING_MEAN = 2, RUNNING_VARIANCE = 3 };

static const double momentum = 0.1; /* batch_norm's default */

static const char made_up[] =
    "{ type = \"synthetic\"; shape = [1, 8, 8]; classes = 4; train = 170; test "
    "= 16; valid = 50; augment = { flip = true; crop = 2; }; }";

static nas_domain *open_domain(const char *space, const char *options, const nas_data *data)
{
    return nas_test_domain(space, options, nas_data_shape(data), nas_data_outputs(data));
}

/* ---- against the reference ------------------------------------------------------------------------------------------- */

typedef struct fixture {
    nas_data *data;
    nas_domain *domain;
    nas_data_home *home;
    nas_graph graph;
    nas_gate_table table;
    nas_net *net;
    nas_batches *batches;
    nas__sampling *sampling;
    nas_reference *reference;
} fixture;

static void open_fixture(const char *space, const char *options, fixture *f)
{
    const nas_supergraph_options super = {.running = true};
    const nas_net_options net = {
        .batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY, .paths = true};
    const nas_net_options plain = {.batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY};
    *f = (fixture){.data = nas_test_data(made_up, SEED)};
    f->domain = open_domain(space, options, f->data);
    uint32_t count;
    const uint32_t *samples = nas_data_split(f->data, NAS_SPLIT_TRAIN, &count);
    assert_int_equal(count, TRAIN);
    nas_test_ok(nas_data_home_create(device, f->data, &f->home));
    nas_test_ok(nas_domain_supergraph(f->domain, &super, &f->graph, &f->table));
    nas_test_ok(nas_net_create(device, &f->graph, &net, &f->net));
    nas_test_ok(nas_net_initialise(f->net, SEED, 1));
    nas_test_ok(nas__sampling_create(f->domain, &f->table, f->net, SEED, false, &f->sampling));
    const nas_batches_options wanted = {
        .batch = BATCH, .subset = samples, .subset_count = BATCH * COUNT};
    const nas_batches_target target = nas_train_target(f->net);
    nas_test_ok(nas_batches_create(f->home, NAS_SPLIT_TRAIN, &wanted, &target, &f->batches));
    nas_test_ok(nas_reference_create(&f->graph, &plain, &f->reference));
}

static void close_fixture(fixture *f)
{
    nas_reference_destroy(f->reference);
    nas__sampling_destroy(f->sampling);
    nas_batches_destroy(f->batches);
    nas_net_destroy(f->net);
    nas_graph_clear(&f->graph);
    nas_data_home_destroy(f->home);
    nas_domain_close(f->domain);
    nas_data_destroy(f->data);
}

/* The batch as the net has it goes to the reference, without padding. */
static void load_batch(const fixture *f, int batch)
{
    const nas_step step = {.real = BATCH, .step = (uint32_t)batch};
    nas_test_ok(nas_net_set_step(f->net, &step));
    nas_test_ok(nas_batches_load(f->batches, batch));
    const nas_tensor input = nas_net_input(f->net), labels = nas_net_labels(f->net);
    float *values = nas_test_read(input);
    int32_t classes[64];
    const uint64_t rows = nas_shape_count(nas_data_shape(f->data)), padded = input.count / rows;
    assert_true(labels.count <= 64 && padded > BATCH);
    nas_test_ok(nas_buffer_read(labels.buffer, 4 * labels.at, 4 * labels.count, classes));
    for (uint64_t row = 0; row < rows; row++)
        for (int i = 0; i < BATCH; i++)
            nas_reference_input(f->reference)[row * BATCH + (uint64_t)i] =
                values[row * padded + (uint64_t)i];
    for (int i = 0; i < BATCH; i++)
        nas_reference_labels(f->reference)[i] = classes[i];
    free(values);
}

/* One statistic of a node, [channels]; NULL: it is no norm with running statistics. */
static double *statistic(const fixture *f, int node, int which, uint64_t *count)
{
    if (strcmp(f->graph.nodes[node].op->kind.name, "batch_norm") != 0)
        return NULL;
    return nas_reference_parameter(f->reference, node, which, NULL, count);
}

static void set_statistics(const fixture *f, double value)
{
    uint64_t count;
    for (int node = 1; node < f->graph.count; node++)
        for (int which = RUNNING_MEAN; which <= RUNNING_VARIANCE; which++) {
            double *values = statistic(f, node, which, &count);
            for (uint64_t c = 0; values && c < count; c++)
                values[c] = value;
        }
}

/* Mean over the batches of each one's own statistics, [node][which − RUNNING_MEAN][channel]. */
static void mean_of_batches(const fixture *f, double *means[][2])
{
    uint64_t count;
    for (int batch = 0; batch < COUNT; batch++) {
        const nas_step step = {.real = BATCH};
        load_batch(f, batch);
        set_statistics(f, 0);
        nas_reference_forward(f->reference, true, &step);
        for (int node = 1; node < f->graph.count; node++)
            for (int which = 0; which < 2; which++) {
                const double *own = statistic(f, node, RUNNING_MEAN + which, &count);
                if (!own)
                    continue;
                if (!means[node][which])
                    means[node][which] = calloc((size_t)count, sizeof(double));
                for (uint64_t c = 0; c < count; c++)
                    means[node][which][c] += own[c] / momentum / COUNT;
            }
    }
}

static nas_tensor state_of(const fixture *f, int node, const char *name)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%d.%s", node, name);
    for (int i = 0; i < nas_net_parameter_count(f->net); i++)
        if (strcmp(nas_net_parameter_at(f->net, i)->name, wanted) == 0)
            return nas_net_parameter_at(f->net, i)->tensor;
    return (nas_tensor){0};
}

/* How many norms the path has; all of them agree, the others are 0. */
static int compare(const fixture *f, double *means[][2])
{
    static const char *const names[] = {"running_mean", "running_variance"};
    int open = 0;
    uint64_t count;
    for (int node = 1; node < f->graph.count; node++) {
        if (!statistic(f, node, RUNNING_MEAN, &count))
            continue;
        float *variance = nas_test_read(state_of(f, node, names[1]));
        const bool on_path = variance[0] != 0;
        free(variance);
        open += on_path;
        for (int which = 0; which < 2; which++) {
            float *got = nas_test_read(state_of(f, node, names[which]));
            for (uint64_t c = 0; c < count; c++) {
                const double wanted = on_path ? means[node][which][c] : 0;
                assert_true(fabs(got[c] - wanted) <= 1e-5 * (1 + fabs(wanted)));
            }
            free(got);
        }
    }
    return open;
}

/* With these statistics the reference, in evaluation, has the net's loss. */
static void compare_loss(const fixture *f, double *means[][2])
{
    uint64_t count;
    float metrics[4];
    const nas_step step = {.real = BATCH};
    for (int node = 1; node < f->graph.count; node++)
        for (int which = 0; which < 2; which++) {
            double *values = statistic(f, node, RUNNING_MEAN + which, &count);
            if (values)
                memcpy(values, means[node][which], (size_t)count * sizeof *values);
        }
    load_batch(f, 1);
    nas_test_ok(nas_net_evaluate(f->net));
    nas_test_ok(nas_tensor_read(nas_tensor_view(nas_net_metrics(f->net), 0, 4), metrics));
    const double wanted = nas_reference_forward(f->reference, false, &step);
    assert_true(fabs(metrics[0] / BATCH - wanted) < 1e-4 * wanted);
}

static int norms_of(const fixture *f, const nas_arch *arch)
{
    nas_graph graph = {0};
    int norms = 0;
    nas_test_ok(nas_domain_build(f->domain, arch, &graph));
    for (int node = 1; node < graph.count; node++)
        norms += strcmp(graph.nodes[node].op->kind.name, "batch_norm") == 0;
    nas_graph_clear(&graph);
    return norms;
}

static void check_mean(const char *space, const char *options, const char *text)
{
    fixture f;
    nas_arch arch, other;
    open_fixture(space, options, &f);
    double *(*means)[2] = calloc((size_t)f.graph.count, sizeof *means);
    assert_non_null(means);
    nas_test_ok(nas_domain_read(f.domain, text, &arch));
    nas_test_ok(nas__sampling_survey(f.sampling, 0, &other));
    const nas_net_block block = nas_net_parameters(f.net);
    float *before = nas_test_read(block.parameters);
    nas_test_ok(nas__sampling_take(f.sampling, &other)); /* leaves statistics that must be gone */
    nas_test_ok(nas__recalibrate(f.net, f.batches));
    nas_test_ok(nas__sampling_take(f.sampling, &arch));
    nas_test_ok(nas__recalibrate(f.net, f.batches));
    float *after = nas_test_read(block.parameters);
    assert_memory_equal(before, after, block.parameters.count * sizeof *before);
    nas_test_ok(nas_reference_copy(f.reference, f.net));
    mean_of_batches(&f, means);
    assert_int_equal(compare(&f, means), norms_of(&f, &arch));
    compare_loss(&f, means);
    for (int node = 0; node < f.graph.count; node++) {
        free(means[node][0]);
        free(means[node][1]);
    }
    free(means);
    free(before);
    free(after);
    close_fixture(&f);
}

static void statistics_are_the_mean(void **state)
{
    (void)state;
    check_mean("cell201", "{ cells = 1; channels = 3; }", "313242");
    check_mean("cell201",
               "{ cells = 1; channels = 2; op = [ \"skip_connect\", \"nor_conv_3x3\", "
               "\"avg_pool_3x3\" ]; }",
               "111011");
}

/* ---- as an evaluator ------------------------------------------------------------------------------------------------- */

typedef struct scorer {
    nas_data *data;
    nas_domain *domain;
    nas_train_config train;
    nas_value strategy, group;
    nas_eval *eval;
} scorer;

static nas_status open_scorer(int batches, scorer *s)
{
    char text[128];
    nas_value recipe = {0};
    *s = (scorer){.data = nas_test_data(made_up, SEED)};
    s->domain = open_domain("cell201", "{ cells = 1; channels = 2; }", s->data);
    nas_test_ok(nas_value_parse("{ epochs = 1; batch = 12; lr = 0.1; }", "test", 1, &recipe));
    nas_test_ok(nas_train_config_fill(&recipe, &s->train));
    nas_value_clear(&recipe);
    snprintf(text, sizeof text, "{ type = \"spos\"; epochs = 1; recalibrate = %d; }", batches);
    nas_test_ok(nas_value_parse(text, "test", 1, &s->strategy));
    nas_test_ok(nas_value_parse("{ type = \"supernet\"; }", "test", 1, &s->group));
    const nas_eval_setting setting = {.group = &s->group,
                                      .device = device,
                                      .data = s->data,
                                      .domain = s->domain,
                                      .train = &s->train,
                                      .strategy = &s->strategy,
                                      .seed = SEED};
    return nas_eval_create(&setting, &s->eval);
}

static void close_scorer(scorer *s)
{
    nas_eval_destroy(s->eval);
    nas_value_clear(&s->strategy);
    nas_value_clear(&s->group);
    nas_domain_close(s->domain);
    nas_data_destroy(s->data);
}

/* Loss of an architecture with the weights in a file. */
static double score(const scorer *s, const char *arch, const char *from)
{
    nas_arch row;
    nas_trial result;
    nas_test_ok(nas_domain_read(s->domain, arch, &row));
    const nas_eval_call call = {.arch = &row, .from = from};
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(s->eval, &call, &result));
    assert_int_equal(result.status, NAS_TRIAL_COMPLETE);
    const double loss = nas_trial_metric(&result, "valid_loss");
    nas_trial_clear(&result);
    assert_true(isfinite(loss));
    return loss;
}

static void train_supernet(const scorer *s, const char *path)
{
    nas_arch none = {.count = (uint16_t)s->domain->count};
    nas_trial result;
    const nas_eval_call call = {.arch = &none, .budget = 1};
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(s->eval, &call, &result));
    assert_int_equal(result.status, NAS_TRIAL_COMPLETE);
    nas_trial_clear(&result);
    nas_test_ok(nas_eval_keep(s->eval, path));
}

/* Scores do not depend on what was scored before, in this evaluator or another, and the option matters. */
static void scores_stand_alone(void **state)
{
    static const char path[] = "test_recalibrate.safetensors";
    scorer s, other, plain;
    (void)state;
    nas_test_ok(open_scorer(COUNT, &s));
    train_supernet(&s, path);
    const double first = score(&s, "313242", path), second = score(&s, "123421", path);
    assert_true(first != second);
    assert_true(score(&s, "313242", path) == first);
    assert_true(score(&s, "123421", path) == second);
    nas_test_ok(open_scorer(COUNT, &other));
    assert_true(score(&other, "123421", path) == second);
    nas_test_ok(open_scorer(0, &plain)); /* the same weights fit: states are there all the same */
    assert_true(score(&plain, "123421", path) != second);
    close_scorer(&s);
    close_scorer(&other);
    close_scorer(&plain);
    remove(path);
}

static void too_many_batches(void **state)
{
    scorer s;
    (void)state;
    nas_test_ok(open_scorer(TRAIN / BATCH, &s));
    close_scorer(&s);
    assert_int_equal(open_scorer(TRAIN / BATCH + 1, &s), NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "strategy.recalibrate = 11"));
    close_scorer(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_the_mean),
        cmocka_unit_test(scores_stand_alone),
        cmocka_unit_test(too_many_batches),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
