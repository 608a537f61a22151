/* test_sampling.c - paths that a supernet is trained by (host/eval/sampling.c): uniform ones are those of architectures, fair ones
 * train every choice once per step, and draws depend on seed, epoch and step alone.
 *
 * And the trainer's part, strict fairness' sum: the gradients of all passes over one batch, added up in double. */
#include "nas_test_device.h"
#include "nas_test_open.h"

#include "eval/sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 11, STEPS = 400, BATCH = 4 };

typedef struct supernet {
    nas_domain *domain;
    nas_graph graph;
    nas_gate_table table;
    nas_net *net;
} supernet;

static void open_supernet(const char *name, const char *options, supernet *s)
{
    const nas_supergraph_options super = {0};
    const nas_net_options net = {
        .batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY, .paths = true};
    *s = (supernet){0};
    s->domain = nas_test_domain(name, options, (nas_shape){1, 8, 8}, 4);
    nas_test_ok(nas_domain_supergraph(s->domain, &super, &s->graph, &s->table));
    nas_test_ok(nas_net_create(device, &s->graph, &net, &s->net));
}

static void close_supernet(supernet *s)
{
    nas_net_destroy(s->net);
    nas_graph_clear(&s->graph);
    nas_domain_close(s->domain);
}

static nas_step step_of(int i)
{
    return (nas_step){.real = BATCH, .epoch = (uint32_t)(i / 100), .step = (uint32_t)(i % 100)};
}

/* How often each choice of each row comes, over many steps: within four standard deviations of its share. */
static void check_uniform(const char *space, const char *options, double used)
{
    supernet s;
    nas__sampling *sampling;
    static int counts[NAS_GATES];
    int choices[NAS_GATE_ROWS];
    memset(counts, 0, sizeof counts);
    open_supernet(space, options, &s);
    nas_test_ok(nas__sampling_create(s.domain, &s.table, s.net, SEED, false, &sampling));
    assert_int_equal(nas__sampling_passes(&s.table, false), 1);
    for (int i = 0; i < STEPS; i++) {
        const nas_step step = step_of(i);
        nas_test_ok(nas__sampling_draw(sampling, &step, 0, choices));
        for (int row = 0; row < s.table.count; row++)
            if (choices[row] >= 0)
                counts[s.table.rows[row].first + choices[row]]++;
    }
    for (int row = 0; row < s.table.count; row++) {
        const nas_gate_row *r = &s.table.rows[row];
        const int from = used < 1 ? 1 : 0; /* rows of `cell` are left out rather than none */
        const double share = used / (r->choices - from);
        for (int k = from; k < r->choices; k++)
            assert_true(fabs(counts[r->first + k] - STEPS * share) <
                        4 * sqrt(STEPS * share * (1 - share)));
    }
    nas__sampling_destroy(sampling);
    close_supernet(&s);
}

static void paths_are_uniform(void **state)
{
    (void)state;
    check_uniform("cell201", "{ cells = 1; channels = 2; dead = \"keep\"; }", 1);
    check_uniform("cell", "{ cells = 2; channels = 2; nodes = 1; reductions = [1]; }", 1 - 1e-9);
}

/* Each pass of a step takes another choice of every row that the step uses; steps differ. */
static void fair_steps_train_all(void **state)
{
    supernet s;
    nas__sampling *sampling;
    int choices[NAS_GATE_ROWS], first[NAS_GATE_ROWS], changed = 0;
    (void)state;
    open_supernet("cell", "{ cells = 2; channels = 2; nodes = 3; }", &s);
    nas_test_ok(nas__sampling_create(s.domain, &s.table, s.net, SEED, true, &sampling));
    const int passes = nas__sampling_passes(&s.table, true);
    assert_int_equal(passes, 8);
    for (int i = 0; i < 20; i++) {
        unsigned seen[NAS_GATE_ROWS] = {0};
        const nas_step step = step_of(i);
        for (int pass = 0; pass < passes; pass++) {
            nas_test_ok(nas__sampling_draw(sampling, &step, pass, choices));
            for (int row = 0; row < s.table.count; row++)
                seen[row] |= choices[row] >= 0 ? 1u << choices[row] : 0;
            if (pass == 0 && i > 0)
                changed += memcmp(first, choices, (size_t)s.table.count * sizeof *first) != 0;
            if (pass == 0)
                memcpy(first, choices, sizeof first);
        }
        for (int row = 0; row < s.table.count; row++)
            assert_true(seen[row] == 0 || seen[row] == 0xff);
    }
    assert_int_equal(changed, 19);
    nas__sampling_destroy(sampling);
    close_supernet(&s);
}

static void draws_are_keyed(void **state)
{
    supernet s;
    nas__sampling *one, *other;
    int a[NAS_GATE_ROWS], b[NAS_GATE_ROWS], differ = 0;
    (void)state;
    open_supernet("cell201", "{ cells = 1; channels = 2; }", &s);
    nas_test_ok(nas__sampling_create(s.domain, &s.table, s.net, SEED, false, &one));
    nas_test_ok(nas__sampling_create(s.domain, &s.table, s.net, SEED + 1, false, &other));
    for (int i = 9; i >= 0; i--) { /* in another order than training's */
        const nas_step step = step_of(i);
        nas_arch arch, same;
        nas_test_ok(nas__sampling_draw(one, &step, 0, a));
        nas_test_ok(nas__sampling_draw(one, &step, 0, b));
        assert_memory_equal(a, b, (size_t)s.table.count * sizeof *a);
        nas_test_ok(nas__sampling_draw(other, &step, 0, b));
        differ += memcmp(a, b, (size_t)s.table.count * sizeof *a) != 0;
        nas_test_ok(nas__sampling_survey(one, i, &arch));
        nas_test_ok(nas__sampling_survey(one, i, &same));
        assert_true(nas_arch_equal(&arch, &same));
    }
    assert_true(differ > 5);
    nas__sampling_destroy(one);
    nas__sampling_destroy(other);
    close_supernet(&s);
}

/* The gates on the device are those of the path, 0 elsewhere. */
static void gates_are_the_path(void **state)
{
    supernet s;
    nas__sampling *sampling;
    int choices[NAS_GATE_ROWS];
    float wanted[NAS_GATES], got[NAS_GATES];
    (void)state;
    open_supernet("cell", "{ cells = 3; channels = 2; nodes = 2; }", &s);
    nas_test_ok(nas__sampling_create(s.domain, &s.table, s.net, SEED, true, &sampling));
    for (int i = 0; i < 3; i++)
        for (int pass = 0; pass < 8; pass += 3) {
            const nas_step step = step_of(i);
            nas_test_ok(nas__sampling_step(sampling, &step, pass));
            nas_test_ok(nas__sampling_draw(sampling, &step, pass, choices));
            nas__path_gates(&s.table, choices, wanted);
            nas_test_ok(nas_tensor_read(nas_net_gates(s.net), got));
            assert_memory_equal(got, wanted, nas_net_gates(s.net).count * sizeof *got);
        }
    nas__sampling_destroy(sampling);
    close_supernet(&s);
}

/* A drawer that knows two architectures, by turns. */
static nas_status by_turns(void *user, nas_random *random, nas_arch *arch)
{
    const nas_arch *two = user;
    *arch = two[nas_random_below(random, 2)];
    return NAS_OK;
}

/* Paths are those of the drawer's architectures, each about as often, and keyed as others are. */
static void paths_follow_the_drawer(void **state)
{
    supernet s;
    nas__sampling *sampling;
    nas_arch two[2];
    int path[2][NAS_GATE_ROWS], choices[NAS_GATE_ROWS], again[NAS_GATE_ROWS], count[2] = {0};
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 0, 0, 0);
    (void)state;
    open_supernet("cell", "{ cells = 2; channels = 2; nodes = 2; }", &s);
    for (int i = 0; i < 2; i++) {
        nas_test_ok(nas_domain_sample(s.domain, &random, &two[i]));
        nas_status status = nas_domain_path(s.domain, &s.table, &two[i], path[i]);
        i -= status == NAS_BOUND; /* another one */
    }
    assert_false(nas_arch_equal(&two[0], &two[1]));
    nas_test_ok(nas__sampling_create(s.domain, &s.table, s.net, SEED, false, &sampling));
    nas__sampling_draw_by(sampling, by_turns, two);
    for (int i = 0; i < STEPS; i++) {
        const nas_step step = step_of(i);
        nas_test_ok(nas__sampling_draw(sampling, &step, 0, choices));
        nas_test_ok(nas__sampling_draw(sampling, &step, 0, again));
        assert_memory_equal(choices, again, sizeof choices);
        const bool second = memcmp(choices, path[0], sizeof choices) != 0;
        assert_memory_equal(choices, path[second], sizeof choices);
        count[second]++;
    }
    assert_true(abs(count[0] - count[1]) < 4 * 20); /* 4 deviations of 400 draws */
    nas__sampling_destroy(sampling);
    close_supernet(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_uniform),       cmocka_unit_test(fair_steps_train_all),
        cmocka_unit_test(draws_are_keyed),         cmocka_unit_test(gates_are_the_path),
        cmocka_unit_test(paths_follow_the_drawer),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
