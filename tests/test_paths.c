/* test_paths.c - paths through search networks (host/net/paths.c): what a net with paths computes is what a net that runs every
 * candidate computes with the same one-hot gates, and what is off the path is not touched at all.
 *
 * The two nets run different launches in a different order, so this is a comparison of two programs: values must be equal bit for
 * bit, gradients up to the order of their sums. */
#include "nas_test_device.h"
#include "nas_test_open.h"
#include "nas_test_tensor.h"
#include "path_walk.h"

#include <clnas/space.h>
#include <clnas/train.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 5, BATCH = 5, PATHS = 4 };
static const float SENTINEL = 123.0f;

typedef struct supernet {
    nas_domain *domain;
    nas_graph graph;
    nas_gate_table table;
    nas_net *sampled, *whole;
} supernet;

/* How the net with paths is made. */
typedef enum memory_use {
    OWN,    /* a candidate has memory of its own */
    SHARED, /* with the others of its row, and depthwise outputs are recomputed */
    UNFUSED /* the same, and every operator works by passes */
} memory_use;

static void open_supernet_in(memory_use use, const char *name, const char *options, bool affine,
                             supernet *s)
{
    const nas_supergraph_options super = {.affine = affine, .running = true};
    nas_net_options net = {
        .batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY, .paths = true};
    *s = (supernet){0};
    s->domain = nas_test_domain(name, options, (nas_shape){3, 8, 8}, 4);
    nas_test_ok(nas_domain_supergraph(s->domain, &super, &s->graph, &s->table));
    net.unfused = use == UNFUSED;
    if (use != OWN) {
        net.row_of_gate = s->table.row_of_gate;
        net.recompute = NAS_RECOMPUTE_ALWAYS;
    }
    nas_test_ok(nas_net_create(device, &s->graph, &net, &s->sampled));
    net.paths = false;
    nas_test_ok(nas_net_create(device, &s->graph, &net, &s->whole));
    nas_test_ok(nas_net_initialise(s->sampled, SEED, 1));
    nas_test_ok(nas_net_initialise(s->whole, SEED, 1));
}

static void open_supernet(const char *name, const char *options, bool affine, supernet *s)
{
    open_supernet_in(OWN, name, options, affine, s);
}

static void close_supernet(supernet *s)
{
    nas_net_destroy(s->sampled);
    nas_net_destroy(s->whole);
    nas_graph_clear(&s->graph);
    nas_domain_close(s->domain);
}

static void fill(nas_tensor tensor, float value)
{
    nas_test_ok(
        nas_buffer_fill(tensor.buffer, 4 * tensor.at, 4 * tensor.count, &value, sizeof value));
}

static void write_batch(nas_net *net, int step)
{
    const nas_tensor input = nas_net_input(net), labels = nas_net_labels(net);
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 3, (uint32_t)step, 0);
    const nas_step block = {.real = BATCH};
    float *images = malloc((size_t)input.count * sizeof *images);
    int32_t classes[64] = {0};
    for (uint64_t i = 0; i < input.count; i++)
        images[i] = (float)nas_random_normal(&random);
    for (int i = 0; i < BATCH; i++)
        classes[i] = (int32_t)nas_random_below(&random, 4);
    nas_test_ok(nas_tensor_write(input, images));
    nas_test_ok(nas_buffer_write(labels.buffer, 4 * labels.at, 4 * labels.count, classes));
    nas_test_ok(nas_net_set_step(net, &block));
    free(images);
}

/* A choice for each row; its gate is 1, the others 0. */
static void draw_path(const supernet *s, int path, float *gates)
{
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 4, (uint32_t)path, 0);
    memset(gates, 0, (size_t)s->table.gates * sizeof *gates);
    for (int row = 0; row < s->table.count; row++) {
        const nas_gate_row *r = &s->table.rows[row];
        gates[r->first + (int)nas_random_below(&random, (uint32_t)r->choices)] = 1;
    }
}

static void assert_equal(const char *what, int path, nas_tensor a, nas_tensor b)
{
    float *x = nas_test_read(a), *y = nas_test_read(b);
    for (uint64_t i = 0; i < a.count; i++)
        if (!(x[i] == y[i]))
            fail_msg("path %d: %s %d is %g on the path and %g in the whole", path, what, (int)i,
                     (double)x[i], (double)y[i]);
    free(x);
    free(y);
}

static double largest_of(const float *x, uint64_t count)
{
    double most = 0;
    for (uint64_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

static void compare_parameter(const supernet *s, int path, int index, bool used)
{
    const nas_net_parameter *a = nas_net_parameter_at(s->sampled, index);
    const nas_net_parameter *b = nas_net_parameter_at(s->whole, index);
    if (!a->spec.trained) {
        float *x = nas_test_read(a->tensor), *y = nas_test_read(b->tensor);
        for (uint64_t i = 0; i < a->tensor.count; i++)
            assert_true(used ? x[i] == y[i] : x[i] == SENTINEL);
        free(x);
        free(y);
        return;
    }
    float *x = nas_test_read(a->gradient), *y = nas_test_read(b->gradient);
    const double most = largest_of(y, a->gradient.count);
    for (uint64_t i = 0; i < a->gradient.count; i++) {
        if (used && !(fabs((double)x[i] - (double)y[i]) <= 1e-4 * most + 1e-7))
            fail_msg("path %d: gradient of %s is %g on the path and %g in the whole (largest %g)",
                     path, a->name, (double)x[i], (double)y[i], most);
        if (!used)
            assert_true(x[i] == SENTINEL);
    }
    free(x);
    free(y);
}

/* States of nodes off the path get a sentinel before the pass, all gradients do. */
static void mark_with_sentinels(const supernet *s, const bool *used)
{
    fill(nas_net_parameters(s->sampled).gradients, SENTINEL);
    for (int i = 0; i < nas_net_parameter_count(s->sampled); i++) {
        const nas_net_parameter *p = nas_net_parameter_at(s->sampled, i);
        if (p->spec.trained || !p->tensor.buffer)
            continue;
        const float start = p->name[strlen(p->name) - 1] == 'e' ? 1.0f : 0.0f; /* variance, mean */
        fill(p->tensor, used[p->node] ? start : SENTINEL);
        fill(nas_net_parameter_at(s->whole, i)->tensor, start);
    }
}

static void check_path(const supernet *s, int path)
{
    static float gates[NAS_GATES];
    bool *used = malloc((size_t)s->graph.count * sizeof *used);
    nas_net *const nets[] = {s->sampled, s->whole};
    int closed = 0;
    draw_path(s, path, gates);
    mark_used(&s->graph, gates, used);
    mark_with_sentinels(s, used);
    nas_test_ok(nas_net_set_path(s->sampled, gates));
    for (int i = 0; i < 2; i++) {
        write_batch(nets[i], path);
        nas_test_ok(nas_tensor_write(nas_net_gates(nets[i]), gates));
        nas_test_ok(nas_net_forward(nets[i]));
        nas_test_ok(nas_net_backward(nets[i]));
    }
    assert_equal("output", path, nas_net_output(s->sampled), nas_net_output(s->whole));
    for (int i = 0; i < nas_net_parameter_count(s->sampled); i++) {
        const nas_net_parameter *p = nas_net_parameter_at(s->sampled, i);
        if (!p->tensor.buffer)
            continue;
        compare_parameter(s, path, i, used[p->node]);
        closed += !used[p->node];
    }
    assert_true(closed > 0);
    for (int i = 0; i < 2; i++)
        nas_test_ok(nas_net_evaluate(nets[i]));
    assert_equal("evaluated output", path, nas_net_output(s->sampled), nas_net_output(s->whole));
    free(used);
}

static void check_supernet(memory_use use, const char *space, const char *options, bool affine)
{
    supernet s;
    open_supernet_in(use, space, options, affine, &s);
    for (int path = 0; path < (getenv("CLNAS_TEST_SMALL") ? 1 : PATHS); path++)
        check_path(&s, path);
    close_supernet(&s);
}

static void paths_of_cells(void **state)
{
    (void)state;
    check_supernet(OWN, "cell", "{ cells = 3; channels = 4; nodes = 2; }", false);
    check_supernet(OWN, "cell",
                   "{ cells = 1; channels = 2; nodes = 3; op = [\"max_pool_3x3\", "
                   "\"skip_connect\", \"dil_conv_3x3\"]; }",
                   true);
}

static void paths_of_cell201(void **state)
{
    (void)state;
    check_supernet(OWN, "cell201", "{ cells = 1; channels = 4; }", true);
}

/* Candidates of which a path takes one lie in the same memory: whatever is left there, what is on the path is as in the whole. */
static void alternatives_share_memory(void **state)
{
    (void)state;
    check_supernet(SHARED, "cell",
                   "{ cells = 1; channels = 2; nodes = 3; op = [\"max_pool_3x3\", "
                   "\"skip_connect\", \"dil_conv_3x3\", \"sep_conv_3x3\"]; }",
                   true);
    if (getenv("CLNAS_TEST_SMALL"))
        return;
    check_supernet(SHARED, "cell", "{ cells = 3; channels = 4; nodes = 2; }", false);
    check_supernet(SHARED, "cell201", "{ cells = 1; channels = 4; }", true);
    check_supernet(
        SHARED, "chain_skip",
        "{ depth = 6; stages = 3; op = [\"conv\", \"sep_conv\", \"max_pool\", \"avg_pool\"]; "
        "kernel = [3, 5]; width = 4; stem = 4; join = \"add\"; mmacs = 0; }",
        false);
    check_supernet(UNFUSED, "cell", "{ cells = 2; channels = 2; nodes = 2; }", true);
}

/* Which takes less of it, for one path at a time. */
static void alternatives_want_one_of_a_row(void **state)
{
    static float gates[NAS_GATES];
    nas_net_memory own, shared;
    supernet s, t;
    (void)state;
    open_supernet_in(OWN, "cell", "{ cells = 2; channels = 4; nodes = 2; }", false, &s);
    open_supernet_in(SHARED, "cell", "{ cells = 2; channels = 4; nodes = 2; }", false, &t);
    nas_net_memory_of(s.sampled, &own);
    nas_net_memory_of(t.sampled, &shared);
    assert_true(2 * shared.activation_bytes < own.activation_bytes);
    nas_test_fails(nas_net_forward(t.sampled), NAS_FAILED, "two candidates of a row");
    draw_path(&t, 0, gates);
    write_batch(t.sampled, 0);
    nas_test_ok(nas_net_set_path(t.sampled, gates));
    nas_test_ok(nas_net_forward(t.sampled));
    nas_test_ok(nas_net_backward(t.sampled));
    gates[t.table.rows[0].first] = gates[t.table.rows[0].first + 1] = 1;
    nas_test_ok(nas_net_set_path(t.sampled, gates)); /* for an update */
    nas_test_fails(nas_net_backward(t.sampled), NAS_FAILED, "two candidates of a row");
    close_supernet(&s);
    close_supernet(&t);
}

/* All open: the same launches in another order. */
static void all_paths_at_once(void **state)
{
    supernet s;
    (void)state;
    open_supernet("cell", "{ cells = 2; channels = 4; nodes = 2; }", false, &s);
    nas_net *const nets[] = {s.sampled, s.whole};
    for (int i = 0; i < 2; i++) {
        write_batch(nets[i], 0);
        nas_test_ok(nas_net_forward(nets[i]));
        nas_test_ok(nas_net_backward(nets[i]));
    }
    assert_equal("output", -1, nas_net_output(s.sampled), nas_net_output(s.whole));
    for (int i = 0; i < nas_net_parameter_count(s.sampled); i++)
        if (nas_net_parameter_at(s.sampled, i)->spec.trained &&
            nas_net_parameter_at(s.sampled, i)->tensor.buffer)
            compare_parameter(&s, -1, i, true);
    close_supernet(&s);
}

/* A step of SGD with momentum and decay moves what is on the path and no bit of the rest. */
static void updates_keep_to_the_path(void **state)
{
    static float gates[NAS_GATES];
    supernet s;
    nas_train_config config;
    nas_buffer *moments;
    nas_tape *update;
    (void)state;
    open_supernet("cell201", "{ cells = 1; channels = 4; }", true, &s);
    const nas_net_block block = nas_net_parameters(s.sampled);
    bool *used = malloc((size_t)s.graph.count * sizeof *used);
    nas_test_ok(nas_train_config_fill(NULL, &config));
    nas_test_ok(nas_buffer_create(device, 4 * block.parameters.count, "moments", &moments));
    nas_test_ok(nas_tape_create(device, "update", &update));
    const nas_optimizer_call call = {.device = device,
                                     .parameters = block.parameters,
                                     .gradients = block.gradients,
                                     .decayed_count = block.decayed_count,
                                     .moments = {{moments, 0, block.parameters.count}},
                                     .step = nas_net_step_block(s.sampled),
                                     .mask = nas_net_strip_mask(s.sampled)};
    nas_test_ok(config.optimizer->record(&config.options, &call, update));
    for (int path = 0; path < PATHS; path++) {
        const nas_step step = {.real = BATCH, .lr = 0.1f};
        draw_path(&s, path, gates);
        mark_used(&s.graph, gates, used);
        write_batch(s.sampled, path);
        nas_test_ok(nas_net_set_step(s.sampled, &step));
        nas_test_ok(nas_net_set_path(s.sampled, gates));
        nas_test_ok(nas_tensor_write(nas_net_gates(s.sampled), gates));
        nas_test_ok(nas_net_forward(s.sampled));
        nas_test_ok(nas_net_backward(s.sampled));
        float *before = nas_test_read(block.parameters);
        nas_test_ok(nas_tape_run(update));
        float *after = nas_test_read(block.parameters);
        for (int i = 0; i < nas_net_parameter_count(s.sampled); i++) {
            const nas_net_parameter *p = nas_net_parameter_at(s.sampled, i);
            if (!p->spec.trained || !p->tensor.buffer)
                continue;
            bool moved = memcmp(before + p->tensor.at, after + p->tensor.at,
                                (size_t)p->tensor.count * sizeof *after) != 0;
            /* what is on the path but behind a sum that nobody reads has no gradient: it only decays */
            assert_true(p->spec.decayed ? moved == used[p->node] : used[p->node] || !moved);
        }
        free(before);
        free(after);
    }
    free(used);
    nas_tape_destroy(update);
    nas_buffer_destroy(moments);
    close_supernet(&s);
}

/* ---- what a choice costs ------------------------------------------------------------------------------------------------- */

static uint64_t launches_of(nas_device *profiled)
{
    nas_profile_row *rows;
    int count;
    uint64_t sum = 0;
    nas_test_ok(nas_device_profile(profiled, &rows, &count));
    for (int i = 0; i < count; i++)
        sum += rows[i].launches;
    free(rows);
    nas_device_profile_reset(profiled);
    return sum;
}

/* Launches of an evaluation in which the gates of one row are open, but for choice `closed` (−1: none). */
static uint64_t launches_of_row(nas_device *profiled, nas_net *net, const nas_gate_row *row,
                                int closed)
{
    static float gates[NAS_GATES];
    memset(gates, 0, sizeof gates);
    for (int k = 0; k < row->choices; k++)
        gates[row->first + k] = k != closed;
    nas_test_ok(nas_net_set_path(net, gates));
    nas_test_ok(nas_net_evaluate(net));
    return launches_of(profiled);
}

/* The launches of a choice are those that a row saves which closes it and keeps the others open. */
static void choices_have_launches_of_their_own(void **state)
{
    const nas_device_options profile = {.profile = true};
    const nas_net_options options = {.batch = BATCH, .paths = true};
    nas_device *profiled;
    nas_net *net;
    supernet s;
    uint64_t all = 0;
    (void)state;
    open_supernet("cell", "{ cells = 3; channels = 4; nodes = 2; }", true, &s);
    nas_test_ok(nas_device_open("", &profile, &profiled));
    nas_test_ok(nas_net_create(profiled, &s.graph, &options, &net));
    nas_device_profile_reset(profiled);
    for (int r = 0; r < s.table.count; r++) {
        const nas_gate_row *row = &s.table.rows[r];
        const uint64_t whole = launches_of_row(profiled, net, row, -1);
        for (int k = 0; k < row->choices; k++) {
            const uint64_t rest = launches_of_row(profiled, net, row, k);
            nas_test_ok(nas_net_evaluate_choice(net, row->first, row->choices, k));
            const uint64_t own = launches_of(profiled);
            assert_true(own == whole - rest);
            assert_true(k == row->none ? own == 0 : true);
            all += own;
        }
    }
    assert_true(all > (uint64_t)s.table.choices);
    nas_test_fails(nas_net_evaluate_choice(net, 0, 3, 3), NAS_FAILED, "no choice 3");
    nas_test_fails(nas_net_evaluate_choice(s.whole, 0, 3, 0), NAS_FAILED, "without paths");
    nas_net_destroy(net);
    nas_device_destroy(profiled);
    close_supernet(&s);
}

static void paths_need_gates_and_the_option(void **state)
{
    supernet s;
    nas_graph plain = {0};
    nas_net *net = NULL;
    const nas_net_options options = {.batch = BATCH, .paths = true};
    (void)state;
    nas_test_ok(nas_graph_parse("input 1x1x1\n1 dense(0) out = 2\n", "test", &plain));
    nas_test_fails(nas_net_create(device, &plain, &options, &net), NAS_CONFIG, "no paths");
    nas_graph_clear(&plain);
    open_supernet("cell201", "{ cells = 1; channels = 2; }", false, &s);
    nas_test_fails(nas_net_set_path(s.whole, NULL), NAS_FAILED, "without paths");
    assert_null(nas_net_strip_mask(s.whole).owners.buffer);
    s.table.row_of_gate[1] = NAS_GATES;
    const nas_net_options rows = {
        .batch = BATCH, .paths = true, .row_of_gate = s.table.row_of_gate};
    nas_test_fails(nas_net_create(device, &s.graph, &rows, &net), NAS_FAILED, "gate 1 of row");
    close_supernet(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_cells),
        cmocka_unit_test(paths_of_cell201),
        cmocka_unit_test(alternatives_share_memory),
        cmocka_unit_test(alternatives_want_one_of_a_row),
        cmocka_unit_test(all_paths_at_once),
        cmocka_unit_test(updates_keep_to_the_path),
        cmocka_unit_test(choices_have_launches_of_their_own),
        cmocka_unit_test(paths_need_gates_and_the_option),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
