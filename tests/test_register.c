/* test_register.c - spaces, strategies and evaluators that a program adds: the checks at the door, and what is found behind it.
 *
 * The truth of the checks is the lists themselves: a copy of every descriptor that clnas brings is let in under another name, and
 * each descriptor with one thing broken is refused in words that name the thing. */
#include "nas_test.h"

#include <clnas/session.h>

static nas_status build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    (void)state, (void)arch;
    return nas_graph_init(graph, (nas_shape){1, 8, 8});
}

static int genes(const void *state, nas_gene *list)
{
    (void)state;
    list[0] = (nas_gene){.name = "width", .choices = 3};
    return 1;
}

static nas_status named(const void *state, const char *name, nas_arch *arch)
{
    (void)state, (void)name, (void)arch;
    return NAS_OK;
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    (void)state, (void)call, (void)graph, (void)result;
    return NAS_OK;
}

static nas_status propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    (void)state, (void)outlook, (void)proposal;
    return NAS_OK;
}

typedef struct knobs {
    bool flag;
    int64_t steps;
    double rate;
    int kind;
} knobs;

static const nas_option good_options[] = {
    {"flag", NAS_OPTION_BOOL, offsetof(knobs, flag), "true", 0, 0, NULL, "a flag"},
    {"steps", NAS_OPTION_INT, offsetof(knobs, steps), "5", 1, 9, NULL, "steps"},
    {"sub.rate", NAS_OPTION_REAL, offsetof(knobs, rate), NULL, 0, 1, NULL, "a rate, must be given"},
    {"kind", NAS_OPTION_CHOICE, offsetof(knobs, kind), "b", 0, 0, "a|b", "which"},
    {0},
};

static const nas_space good = {
    .kind = {"toy", "a toy", NULL, sizeof(knobs), good_options}, .genes = genes, .build = build};

/* ---- lists that grow --------------------------------------------------------------------------- */

static void test_found_once_added(void **state)
{
    const nas_space *space = NULL;
    int before = 0, after = 0;
    (void)state;
    nas_space_all(&before);
    nas_test_fails(nas_space_get("toy", &space), NAS_CONFIG, "there is no search space \"toy\"");
    nas_test_ok(nas_space_register(&good));
    nas_test_ok(nas_space_get("toy", &space));
    assert_ptr_equal(space, &good);
    assert_ptr_equal(nas_space_find("toy"), &good);
    const nas_space *const *all = nas_space_all(&after);
    assert_int_equal(after, before + 1);
    assert_ptr_equal(all[before], &good);
    nas_test_fails(nas_space_get("tyo", &space), NAS_CONFIG, "did you mean \"toy\"?");
    nas_test_fails(nas_space_register(&good), NAS_CONFIG, "one of this name already");
    nas_space_all(&after);
    assert_int_equal(after, before + 1);
}

/* Options of a registered kind are checked like any others, with their place. */
static void test_options_are_checked(void **state)
{
    static const struct {
        const char *space, *message;
    } wrong[] = {
        {"{ type = \"toy\"; sub = { rate = 0.5; }; stesp = 3; }", "did you mean \"steps\"?"},
        {"{ type = \"toy\"; sub = { rate = 0.5; }; steps = 12; }", "out of range [1, 9]"},
        {"{ type = \"toy\"; }", "needs \"sub.rate\""},
        {"{ type = \"toy\"; sub = { rate = 0.5; }; kind = \"c\"; }", "none of a|b"},
    };
    nas_config *config = calloc(1, sizeof *config);
    (void)state;
    assert_non_null(config);
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        const bool fine = i == sizeof wrong / sizeof *wrong;
        char text[512];
        snprintf(text, sizeof text,
                 "data = { type = \"synthetic\"; shape = [1, 8, 8]; classes = 2; };\n"
                 "strategy = { type = \"random\"; };\nbudget = { trials = 1; };\n\nspace = %s;\n",
                 fine ? "{ type = \"toy\"; sub = { rate = 0.5; }; }" : wrong[i].space);
        const nas_status status = nas_config_parse(text, "toy.cfg", NULL, NULL, 0, config);
        if (!fine) {
            assert_int_equal(status, NAS_CONFIG);
            if (!strstr(nas_error_message(), wrong[i].message) ||
                strncmp(nas_error_message(), "toy.cfg:5: ", 11) != 0)
                fail_msg("%s lacks %s", nas_error_message(), wrong[i].message);
        } else {
            nas_test_ok(status);
            assert_int_equal(nas_value_member(&config->space, "steps")->integer, 5);
            assert_string_equal(nas_value_member(&config->space, "kind")->text, "b");
        }
    }
    nas_config_clear(config);
    free(config);
}

/* ---- what is let in, what is not ----------------------------------------------------------------- */

/* Copies outlive the test: what is registered is lent for good. */
#define COPY_OF_EACH(room)                                                                         \
    do {                                                                                           \
        static nas_##room copies[48];                                                              \
        static char names[48][64];                                                                 \
        int count;                                                                                 \
        const nas_##room *const *all = nas_##room##_all(&count);                                   \
        const int ours = count < 48 ? count : 48;                                                  \
        for (int i = 0; i < ours; i++) {                                                           \
            copies[i] = *all[i];                                                                   \
            snprintf(names[i], sizeof names[i], "copy_%s", all[i]->kind.name);                     \
            copies[i].kind.name = names[i];                                                        \
            nas_test_ok(nas_##room##_register(&copies[i]));                                        \
            assert_ptr_equal(nas_##room##_find(names[i]), &copies[i]);                             \
        }                                                                                          \
        assert_true(ours > 3);                                                                     \
    } while (0)

static void test_all_of_ours_are_let_in(void **state)
{
    (void)state;
    COPY_OF_EACH(space);
    COPY_OF_EACH(strategy);
    COPY_OF_EACH(evaluator);
}

static void test_kinds_refused(void **state)
{
    static const char *const names[] = {"", "Toy", "2toys", "a b", "a.b", "a-b", "töy", NULL};
    nas_space space = good;
    (void)state;
    for (int i = 0; names[i]; i++) {
        space.kind.name = names[i];
        nas_test_fails(nas_space_register(&space), NAS_CONFIG, "cannot be called");
    }
    space.kind.name = NULL;
    nas_test_fails(nas_space_register(&space), NAS_CONFIG, "cannot be called");
    space.kind.name = "chain";
    nas_test_fails(nas_space_register(&space), NAS_CONFIG, "one of this name already");
    space.kind.name = "other";
    space.kind.summary = NULL;
    nas_test_fails(nas_space_register(&space), NAS_CONFIG, "no summary");
    space = good;
    space.kind.name = "other";
    space.genes = NULL;
    nas_test_fails(nas_space_register(&space), NAS_CONFIG, "genes and build");
    space.genes = genes;
    space.named = named;
    nas_test_fails(nas_space_register(&space), NAS_CONFIG, "go together");
    assert_null(nas_space_find("other"));
}

static void test_options_refused(void **state)
{
    static const struct {
        nas_option option;
        const char *message;
    } wrong[] = {
        {{"Flag", NAS_OPTION_BOOL, 0, "true", 0, 0, NULL, "x"}, "a name is"},
        {{"a..b", NAS_OPTION_BOOL, 0, "true", 0, 0, NULL, "x"}, "a name is"},
        {{"a.", NAS_OPTION_BOOL, 0, "true", 0, 0, NULL, "x"}, "a name is"},
        {{"type", NAS_OPTION_BOOL, 0, "true", 0, 0, NULL, "x"}, "use this name themselves"},
        {{"flag", NAS_OPTION_BOOL, 0, "true", 0, 0, NULL, "x"}, "there twice"},
        {{"x", NAS_OPTION_INT, sizeof(knobs) - 4, "1", 0, 0, NULL, "x"}, "no field"},
        {{"x", NAS_OPTION_INT, SIZE_MAX - 7, "1", 0, 0, NULL, "x"}, "no field"},
        {{"x", NAS_OPTION_INT, 4, "1", 0, 0, NULL, "x"}, "no field"},
        {{"x", NAS_OPTION_TEXT, 0, "1", 0, 0, NULL, "x"}, "no field"},
        {{"x", (nas_option_type)99, 0, "1", 0, 0, NULL, "x"}, "no known type"},
        {{"x", NAS_OPTION_BOOL, 0, "true", 0, 0, NULL, NULL}, "no help"},
        {{"x", NAS_OPTION_CHOICE, 0, "a", 0, 0, NULL, "x"}, "choices go with"},
        {{"x", NAS_OPTION_INT, 8, "1", 0, 0, "a|b", "x"}, "choices go with"},
        {{"x", NAS_OPTION_INT, 8, "4", 5, 9, NULL, "x"}, "out of range"},
        {{"x", NAS_OPTION_INT, 8, "five", 0, 0, NULL, "x"}, "whole number"},
        {{"x", NAS_OPTION_INT, 8, "4", 9, 5, NULL, "x"}, "is empty"},
        {{"x", NAS_OPTION_CHOICE, 0, "c", 0, 0, "a|b", "x"}, "none of a|b"},
    };
    nas_option options[3] = {good_options[0]};
    nas_space space = good;
    (void)state;
    space.kind.name = "other";
    space.kind.options = options;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options[1] = wrong[i].option;
        nas_test_fails(nas_space_register(&space), NAS_CONFIG, wrong[i].message);
        assert_non_null(strstr(nas_error_message(), "search space \"other\" is not added"));
    }
}

static void test_strategies_and_evaluators_refused(void **state)
{
    static const char *const none[] = {NULL}, *const empty[] = {"", NULL},
                             *const fine[] = {"a", NULL};
    nas_strategy strategy = {.kind = {.name = "other", .summary = "s"}, .objectives_max = 1};
    nas_evaluator evaluator = {.kind = {.name = "other", .summary = "s"}, .metrics = fine};
    (void)state;
    nas_test_fails(nas_strategy_register(&strategy), NAS_CONFIG, "propose");
    strategy.propose = propose;
    strategy.objectives_max = 0;
    nas_test_fails(nas_strategy_register(&strategy), NAS_CONFIG, "objectives_max");
    nas_test_fails(nas_evaluator_register(&evaluator), NAS_CONFIG, "score");
    evaluator.score = score;
    evaluator.metrics = none;
    nas_test_fails(nas_evaluator_register(&evaluator), NAS_CONFIG, "metrics");
    evaluator.metrics = empty;
    nas_test_fails(nas_evaluator_register(&evaluator), NAS_CONFIG, "empty");
    evaluator.metrics = fine;
    evaluator.shared = true;
    nas_test_fails(nas_evaluator_register(&evaluator), NAS_CONFIG, "keep");
    assert_null(nas_strategy_find("other"));
    assert_null(nas_evaluator_find("other"));
}

/* The last test: it fills the list. */
static void test_a_full_list(void **state)
{
    static nas_space many[NAS_KINDS_MORE];
    static char names[NAS_KINDS_MORE][32];
    nas_status status = NAS_OK;
    int i = 0;
    (void)state;
    for (; i < NAS_KINDS_MORE && status == NAS_OK; i++) {
        many[i] = good;
        snprintf(names[i], sizeof names[i], "more_%d", i);
        many[i].kind.name = names[i];
        status = nas_space_register(&many[i]);
    }
    assert_int_equal(status, NAS_CONFIG);
    assert_non_null(strstr(nas_error_message(), "at most"));
    assert_ptr_equal(nas_space_find(names[i - 2]), &many[i - 2]);
    assert_null(nas_space_find(names[i - 1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_once_added),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_all_of_ours_are_let_in),
        cmocka_unit_test(test_kinds_refused),
        cmocka_unit_test(test_options_refused),
        cmocka_unit_test(test_strategies_and_evaluators_refused),
        cmocka_unit_test(test_a_full_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
