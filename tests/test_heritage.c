/* test_heritage.c - networks that begin with the weights they had in a supernet (host/eval/heritage.c).
 *
 * On a path a supernet computes its network, so what was taken over right gives the network's logits: the supernet's with gates 1 on
 * the path and 0 elsewhere, norms by the batch on both sides.  Every architecture must have found all of its weights.  In DARTS' cells
 * poolings have a norm in the supernet alone; there the operations are those without. */
#include "nas_test_device.h"
#include "nas_test_open.h"
#include "nas_test_tensor.h"

#include "eval/sampling.h"

#include <clnas/eval.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SEED = 11, BATCH = 6, DRAWS = 6 };
static const char file[] = "heritage.safetensors";
static const nas_shape input = {2, 12, 12};

static float *logits_of(nas_net *net)
{
    const nas_step step = {.real = BATCH};
    const nas_tensor x = nas_net_input(net);
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 0, 0, 0);
    float *values = calloc(x.count, sizeof *values);
    for (uint64_t i = 0; i < x.count; i++)
        values[i] = (float)nas_random_normal(&random);
    nas_test_ok(nas_net_set_step(net, &step));
    nas_test_ok(nas_tensor_write(x, values));
    nas_test_ok(nas_net_forward(net));
    free(values);
    return nas_test_read(nas_net_output(net));
}

typedef struct shared {
    nas_domain *domain;
    nas_value strategy;
    nas_graph graph;
    nas_gate_table table;
    nas_net *net;
} shared;

static void open_shared(const char *space, const char *options, shared *s)
{
    const nas_net_options net = {.batch = BATCH, .training = true};
    *s = (shared){.domain = nas_test_domain(space, options, input, 4)};
    nas_test_ok(nas_value_parse("{ type = \"spos\"; epochs = 1; }", "test", 1, &s->strategy));
    nas_test_ok(nas_supernet_graph(&s->strategy, s->domain, &s->graph, &s->table));
    nas_test_ok(nas_net_create(device, &s->graph, &net, &s->net));
    nas_test_ok(nas_net_initialise(s->net, SEED, 1));
    nas_test_ok(nas_net_save(s->net, file, NULL, NULL, 0));
}

static void close_shared(shared *s)
{
    nas_net_destroy(s->net);
    nas_graph_clear(&s->graph);
    nas_value_clear(&s->strategy);
    nas_domain_close(s->domain);
}

/* The supernet's logits on a path; false when it does not contain the architecture. */
static bool path_logits(shared *s, const nas_arch *arch, float **logits)
{
    int choices[NAS_GATE_ROWS];
    const nas_tensor gates = nas_net_gates(s->net);
    if (nas_domain_path(s->domain, &s->table, arch, choices) != NAS_OK)
        return false;
    float *open = calloc((size_t)s->table.gates + gates.count, sizeof *open);
    nas__path_gates(&s->table, choices, open);
    nas_test_ok(nas_tensor_write(gates, open));
    free(open);
    *logits = logits_of(s->net);
    return true;
}

/* Whether there was anything to compare: a cell without a way through gives zeros. */
static bool check_arch(shared *s, const nas_arch *arch)
{
    const nas_net_options options = {.batch = BATCH, .training = true};
    nas_graph graph = {0};
    nas_net *net;
    nas_inheritance inheritance;
    float *wanted = NULL;
    if (!path_logits(s, arch, &wanted))
        return false;
    nas_test_ok(nas_domain_build(s->domain, arch, &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_ok(nas_net_initialise(net, SEED + 1, 2)); /* other weights than the supernet's */
    nas_test_ok(nas_supernet_inherit(&s->strategy, s->domain, arch, file, net, &inheritance));
    assert_true(inheritance.copied > 0);
    float *got = logits_of(net);
    double most = 0, apart = 0;
    for (uint64_t i = 0; i < nas_net_output(net).count; i++) {
        most = fmax(most, fabs(wanted[i]));
        apart = fmax(apart, fabs(wanted[i] - got[i]));
    }
    if (!(apart <= 1e-4 * most))
        fail_msg("logits are %g apart, the largest is %g", apart, most);
    free(wanted);
    free(got);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
    return most > 0;
}

static void networks_compute_what_their_paths_do(void **state)
{
    static const char *const spaces[][2] = {
        {"cell201", "{ cells = 1; channels = 3; }"},
        {"cell",
         "{ cells = 3; channels = 4; nodes = 3; inputs = \"distinct\"; op = [ \"skip_connect\", "
         "\"sep_conv_3x3\", \"dil_conv_5x5\" ]; }"},
        {"chain_skip", "{ depth = 5; stages = 2; op = [ \"conv\", \"sep_conv\" ]; kernel = [ 3, 5 "
                       "]; width = 4; stem "
                       "= 4; join = \"add\"; mmacs = 0.0; }"},
        {"template",
         "{ segments = 2; pattern = \"chain\"; join = \"add\"; stem = 4; segment = { block = "
         "\"inverted\"; depth = 2; width = 6; stride = 2; kernel = [ 3, 5 ]; expansion = [ 2, 3 ]; "
         "squeeze = 0; }; segment2 = { width = 8; }; constraints = { blocks = \"own\"; }; }"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        shared s;
        int compared = 0;
        open_shared(spaces[i][0], spaces[i][1], &s);
        for (uint32_t draw = 0; draw < DRAWS; draw++) {
            nas_arch arch;
            nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 1, draw, 0);
            nas_test_ok(nas_domain_sample(s.domain, &random, &arch));
            compared += check_arch(&s, &arch);
        }
        assert_true(compared >= DRAWS / 2);
        close_shared(&s);
    }
}

/* Of a wider network only the classes' biases have the supernet's shape; a deeper one is none of its paths. */
static void other_shapes_begin_anew(void **state)
{
    const nas_net_options options = {.batch = BATCH, .training = true};
    nas_graph graph = {0};
    nas_net *net;
    nas_arch arch;
    nas_inheritance inheritance;
    shared s;
    (void)state;
    open_shared("cell201", "{ cells = 1; channels = 3; }", &s);
    nas_domain *wide = nas_test_domain("cell201", "{ cells = 1; channels = 5; }", input, 4);
    nas_domain *deep = nas_test_domain("cell201", "{ cells = 2; channels = 3; }", input, 4);
    nas_test_ok(nas_domain_read(wide, "333132", &arch));
    nas_test_ok(nas_domain_build(wide, &arch, &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_ok(nas_supernet_inherit(&s.strategy, s.domain, &arch, file, net, &inheritance));
    assert_true(inheritance.copied == 4 && inheritance.fresh > 0);
    nas_net_destroy(net);
    nas_graph_clear(&graph);
    nas_test_ok(nas_domain_build(deep, &arch, &graph));
    nas_test_ok(nas_net_create(device, &graph, &options, &net));
    nas_test_fails(nas_supernet_inherit(&s.strategy, s.domain, &arch, file, net, &inheritance),
                   NAS_FAILED, "supernet");
    nas_net_destroy(net);
    nas_graph_clear(&graph);
    nas_domain_close(wide);
    nas_domain_close(deep);
    close_shared(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_compute_what_their_paths_do),
        cmocka_unit_test(other_shapes_begin_anew),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
