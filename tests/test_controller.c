/* test_controller.c - ENAS's controller (host/eval/controller.c) without a supernet: draws have the policy's chances, one update
 * is that of the published formula, a planted reward is learned, and what a checkpoint keeps is all there is. */
#include "nas_test.h"
#include "nas_test_open.h"

#include "eval/controller.h"

#include <clnas/search.h>

#include <math.h>

enum { SEED = 5 };

typedef struct world {
    nas_domain *domain;
    nas_graph graph;
    nas_gate_table table;
    nas__controller_options options;
    nas__controller *controller;
} world;

static void open_world(const char *space, const char *group, world *w)
{
    const nas_supergraph_options super = {0};
    *w = (world){.options = {.steps = 3,
                             .aggregate = 4,
                             .hidden = 12,
                             .layers = 1,
                             .candidates = 20,
                             .tanh_constant = 1.5,
                             .temperature = 1,
                             .lr = 0.01,
                             .beta2 = 0.999,
                             .epsilon = 1e-3,
                             .entropy = 0.05,
                             .decay = 0.9,
                             .skip_target = 0.4}};
    w->domain = nas_test_domain(space, group, (nas_shape){1, 8, 8}, 4);
    nas_test_ok(nas_domain_supergraph(w->domain, &super, &w->graph, &w->table));
}

static void make_controller(world *w)
{
    nas_test_ok(nas__controller_create(&w->options, w->domain, &w->table, SEED, &w->controller));
}

static void close_world(world *w)
{
    nas__controller_destroy(w->controller);
    nas_graph_clear(&w->graph);
    nas_domain_close(w->domain);
}

static const char chain[] = "{ depth = 2; stages = 2; stem = 4; width = 4; kernel = 3; join = "
                            "\"add\"; shrink = \"avg_pool\"; op = [ \"conv\", \"sep_conv\" ]; "
                            "mmacs = 0.0; }";
static const char chain4[] = "{ depth = 4; stages = 2; stem = 4; width = 4; join = \"add\"; shrink "
                             "= \"avg_pool\"; mmacs = 0.0; }";
static const char cells[] = "{ cells = 2; channels = 4; nodes = 2; reductions = [1]; inputs = "
                            "\"distinct\"; }";

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* How often each row of genes comes, against the policy's own log-probability. */
static void draws_have_the_policys_chances(void **state)
{
    enum { DRAWS = 4000 };
    world w;
    int counts[256] = {0};
    double sum = 0, entropy;
    (void)state;
    open_world("chain_skip", chain, &w);
    make_controller(&w);
    nas_policy *policy = nas__controller_policy(w.controller);
    nas_weights *weights = nas_policy_weights(policy);
    for (int i = 0; i < weights->count; i++)
        weights->value[i] *= 12; /* far from uniform */
    assert_true(w.domain->count <= 8);
    for (int i = 0; i < DRAWS; i++) {
        nas_arch arch;
        int key = 0;
        nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 0, (uint32_t)i, 0);
        nas_test_ok(nas__controller_draw(w.controller, &random, &arch));
        for (int g = 0; g < w.domain->count; g++) {
            assert_true(arch.genes[g] < 2);
            key |= arch.genes[g] << g;
        }
        counts[key]++;
    }
    for (int key = 0; key < 1 << w.domain->count; key++) {
        nas_arch arch = {.count = (uint16_t)w.domain->count};
        bool possible = true;
        for (int g = 0; g < w.domain->count; g++) {
            arch.genes[g] = (uint8_t)(key >> g & 1);
            possible &= arch.genes[g] < w.domain->genes[g].choices;
        }
        const double chance = possible ? exp(nas_policy_look(policy, &arch, &entropy)) : 0;
        assert_true(fabs(counts[key] - DRAWS * chance) <=
                    4 * sqrt(DRAWS * chance * (1 - chance)) + 1e-9);
        sum += chance;
    }
    assert_true(fabs(sum - 1) < 1e-12);
    close_world(&w);
}

/* ---- one update ---------------------------------------------------------------------------------------------------- */

typedef struct script {
    double rewards[64];
    nas_arch archs[64];
    int asked;
} script;

static nas_status by_script(void *user, const nas_arch *archs, int first, int count,
                            double *rewards)
{
    script *s = user;
    for (int i = 0; i < count; i++) {
        assert_int_equal(first + i, s->asked % 12); /* number in the epoch: 3 updates of 4 */
        s->archs[s->asked] = archs[i];
        rewards[i] = s->rewards[s->asked++];
    }
    return NAS_OK;
}

typedef enum baseline_order { BASELINE_FIRST, ADVANTAGE_FIRST } baseline_order;

/* The published formula with a policy of its own; returns the baseline.  `order`: the published one, or that of a known bug. */
static double plain_updates(const world *w, const script *s, baseline_order order,
                            nas_policy *policy)
{
    const nas_adam adam = {w->options.lr, w->options.beta1, w->options.beta2, w->options.epsilon,
                           0};
    double baseline = 0, entropy;
    for (int i = 0; i < s->asked; i++) {
        nas_random random =
            nas_random_make(SEED, NAS_STREAM_PATHS, 2, (uint32_t)(i / 4), (uint32_t)(i % 4));
        nas_arch row;
        nas_policy_draw(policy, &random, &row); /* every row of this space is taken */
        nas_policy_look(policy, &row, &entropy);
        const double reward = s->rewards[i] + w->options.entropy * entropy;
        const double before = baseline;
        baseline = 0.9 * baseline + 0.1 * reward;
        const double advantage = reward - (order == BASELINE_FIRST ? baseline : before);
        const nas_policy_push push = {.chance = advantage / 4, .pull = w->options.skip_weight / 4};
        nas_policy_learn(policy, &row, &push);
        if (i % 4 == 3)
            nas_weights_step(nas_policy_weights(policy), &adam);
    }
    return baseline;
}

static double distance(nas_policy *a, nas_policy *b)
{
    const nas_weights *x = nas_policy_weights(a), *y = nas_policy_weights(b);
    double most = 0;
    for (int i = 0; i < x->count; i++)
        most = fmax(most, fabs(x->value[i] - y->value[i]));
    return most;
}

static void updates_are_those_of_the_formula(void **state)
{
    (void)state;
    for (int skips = 0; skips < 2; skips++) {
        world w;
        script s = {0};
        open_world("chain_skip", chain4, &w);
        w.options.skip_weight = 0.8 * skips;
        make_controller(&w);
        nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 1, 0, 0);
        for (int i = 0; i < 64; i++)
            s.rewards[i] = nas_random_uniform(&random);
        for (int update = 0; update < 5; update++)
            nas_test_ok(nas__controller_update(w.controller, by_script, &s));
        assert_int_equal(s.asked, 20);
        const nas_policy_shape shape = {.kind = NAS_POLICY_LSTM,
                                        .hidden = 12,
                                        .layers = 1,
                                        .temperature = 1,
                                        .tanh_constant = 1.5,
                                        .skip_target = 0.4};
        for (baseline_order order = BASELINE_FIRST; order <= ADVANTAGE_FIRST; order++) {
            nas_policy *plain;
            nas_test_ok(nas_policy_create(w.domain, &shape, SEED, &plain));
            const double baseline = plain_updates(&w, &s, order, plain);
            const double apart = distance(plain, nas__controller_policy(w.controller));
            const double differ = fabs(baseline - nas__controller_state_of(w.controller)->baseline);
            print_message("order %d: weights differ by %.2g, baselines by %.2g\n", (int)order,
                          apart, differ);
            assert_true(order == BASELINE_FIRST ? apart < 1e-12 && differ < 1e-12
                                                : apart > 1e-5); /* the bug would show */
            nas_policy_destroy(plain);
        }
        close_world(&w);
    }
}

/* State and weights moved to another controller: the same from then on, to the bit. */
static void state_is_all_there_is(void **state)
{
    world a, b;
    script s = {0}, t;
    (void)state;
    open_world("cell", cells, &a);
    open_world("cell", cells, &b);
    make_controller(&a);
    make_controller(&b);
    for (int i = 0; i < 64; i++)
        s.rewards[i] = sin(i) * sin(i);
    for (int update = 0; update < 4; update++)
        nas_test_ok(nas__controller_update(a.controller, by_script, &s));
    nas_weights *from = nas_policy_weights(nas__controller_policy(a.controller));
    nas_weights *to = nas_policy_weights(nas__controller_policy(b.controller));
    memcpy(to->value, from->value, 4 * (size_t)from->count * sizeof *to->value);
    *nas__controller_state_of(b.controller) = *nas__controller_state_of(a.controller);
    t = s;
    for (int update = 4; update < 8; update++) {
        nas_test_ok(nas__controller_update(a.controller, by_script, &s));
        nas_test_ok(nas__controller_update(b.controller, by_script, &t));
    }
    assert_memory_equal(to->value, from->value, 4 * (size_t)from->count * sizeof *to->value);
    assert_memory_equal(nas__controller_state_of(b.controller),
                        nas__controller_state_of(a.controller), sizeof(nas__controller_state));
    assert_memory_equal(s.archs, t.archs, sizeof s.archs);
    close_world(&a);
    close_world(&b);
}

/* ---- learning ------------------------------------------------------------------------------------------------------ */

static nas_status planted(void *user, const nas_arch *archs, int first, int count, double *rewards)
{
    const int *gene = user;
    (void)first;
    for (int i = 0; i < count; i++)
        rewards[i] = archs[i].genes[*gene] == 1;
    return NAS_OK;
}

/* Of 200 draws, those where the gene is 1; the others' mean share of 1 in a gene of two choices. */
static int count_hits(const world *w, int gene)
{
    int hits = 0;
    for (int i = 0; i < 200; i++) {
        nas_arch arch;
        nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 2, (uint32_t)i, 0);
        nas_test_ok(nas__controller_draw(w->controller, &random, &arch));
        hits += arch.genes[gene] == 1;
    }
    return hits;
}

/* The reward says nothing but one gene, a layer's operation of three. */
static void a_planted_reward_is_learned(void **state)
{
    world w;
    int gene = -1;
    (void)state;
    open_world("chain_skip", chain4, &w);
    w.options.tanh_constant = 2.5;
    w.options.entropy = 1e-4;
    w.options.aggregate = 10;
    make_controller(&w);
    for (int g = 0; g < w.domain->count; g++)
        if (strcmp(w.domain->genes[g].name, "op") == 0)
            gene = g; /* the last layer's */
    assert_true(gene > 0 && w.domain->genes[gene].choices == 3);
    const int before = count_hits(&w, gene);
    for (int update = 0; update < 120; update++)
        nas_test_ok(nas__controller_update(w.controller, planted, &gene));
    const int after = count_hits(&w, gene);
    print_message("a third of 200 draws: %d before, %d after\n", before, after);
    assert_true(before > 40 && before < 95);
    assert_true(after > 180);
    close_world(&w);
}

static nas_status constant(void *user, const nas_arch *archs, int first, int count, double *rewards)
{
    (void)user;
    (void)archs;
    (void)first;
    for (int i = 0; i < count; i++)
        rewards[i] = 0;
    return NAS_OK;
}

/* Without any reward the penalty alone pulls skips to their target. */
static void skips_go_to_their_target(void **state)
{
    world w;
    double penalty[2], entropy;
    const nas_arch row = {.count = 1};
    (void)state;
    open_world("chain_skip", chain4, &w);
    w.options.entropy = 0;
    w.options.skip_weight = 0.8;
    w.options.skip_target = 0.25;
    make_controller(&w);
    nas_policy *policy = nas__controller_policy(w.controller);
    for (int when = 0; when < 2; when++) {
        nas_policy_look(policy, &row, &entropy);
        penalty[when] = nas_policy_penalty(policy);
        for (int update = 0; update < 150 && !when; update++)
            nas_test_ok(nas__controller_update(w.controller, constant, NULL));
    }
    print_message("penalty %.3g, then %.3g\n", penalty[0], penalty[1]);
    assert_true(penalty[0] > 0.1);
    assert_true(penalty[1] < 0.01);
    close_world(&w);
}

/* ---- the list ------------------------------------------------------------------------------------------------------ */

/* The best first, nothing twice, and the strategy reads back what was written. */
static void lists_are_of_different_ones(void **state)
{
    world w;
    nas_text list = {0};
    nas_arch archs[32], first;
    int count = 0;
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 3, 0, 0);
    (void)state;
    open_world("cell", cells, &w);
    make_controller(&w);
    nas_test_ok(nas_domain_sample(w.domain, &random, &first));
    nas_test_ok(nas__controller_list(w.controller, &first, 20, &list));
    char *rest = NULL;
    for (char *word = strtok_r(list.data, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        nas_test_ok(nas_domain_read(w.domain, word, &archs[count]));
        for (int i = 0; i < count; i++)
            assert_false(nas_arch_equal(&archs[i], &archs[count]));
        count++;
    }
    assert_int_equal(count, 20);
    assert_true(nas_arch_equal(&archs[0], &first));
    nas_text_clear(&list);
    close_world(&w);
    open_world("chain_skip", chain, &w); /* has fewer than were asked for */
    make_controller(&w);
    nas_test_ok(nas_domain_sample(w.domain, &random, &first));
    nas_test_ok(nas__controller_list(w.controller, &first, 500, &list));
    count = 1;
    for (const char *at = list.data; *at; at++)
        count += *at == ' ';
    double size;
    bool exact;
    assert_true(nas_domain_size(w.domain, &size, &exact));
    assert_true(count == size);
    nas_text_clear(&list);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_have_the_policys_chances),
        cmocka_unit_test(updates_are_those_of_the_formula),
        cmocka_unit_test(state_is_all_there_is),
        cmocka_unit_test(a_planted_reward_is_learned),
        cmocka_unit_test(skips_go_to_their_target),
        cmocka_unit_test(lists_are_of_different_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
