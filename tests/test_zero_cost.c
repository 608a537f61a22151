/* test_zero_cost.c - zero-cost proxies as evaluators give them, on cells of NAS-Bench-201: the same bits from `zero_cost` and
 * `trained`, failed trials where there is no score, options.  What the numbers should be: test_proxies.c. */
#include "nas_test_device.h"
#include "nas_test_open.h"

#include <clnas/eval.h>

enum { SEED = 21 };

typedef struct cells {
    nas_value evaluate;
    nas_data *data;
    nas_domain *domain;
    nas_train_config train;
    nas_eval *eval;
} cells;

static const char made_up[] = "{ type = \"synthetic\"; shape = [3, 8, 8]; classes = 10; train = "
                              "200; test = 20; valid = 20; }";

/* Everything but the evaluator. */
static void open_setting(cells *c)
{
    *c = (cells){.data = nas_test_data(made_up, SEED)};
    c->domain = nas_test_domain("cell201", "{ }", nas_data_shape(c->data), 10);
    nas_test_ok(nas_train_config_fill(NULL, &c->train));
}

static nas_status create_eval(cells *c, nas_device *on, const char *evaluate)
{
    const nas_eval_setting setting = {.group = &c->evaluate,
                                      .device = on,
                                      .data = c->data,
                                      .domain = c->domain,
                                      .train = &c->train,
                                      .seed = SEED};
    nas_value_clear(&c->evaluate);
    nas_test_ok(nas_value_parse(evaluate, "test", 1, &c->evaluate));
    return nas_eval_create(&setting, &c->eval);
}

static void open_cells(const char *evaluate, cells *c)
{
    open_setting(c);
    nas_test_ok(create_eval(c, device, evaluate));
}

static void close_cells(cells *c)
{
    nas_eval_destroy(c->eval);
    nas_domain_close(c->domain);
    nas_data_destroy(c->data);
    nas_value_clear(&c->evaluate);
}

static void score_cell(const cells *c, const char *row, double budget, nas_trial *trial)
{
    nas_arch arch;
    nas_test_ok(nas_domain_read(c->domain, row, &arch));
    const nas_eval_call call = {.arch = &arch, .budget = budget};
    nas_trial_init(trial);
    nas_test_ok(nas_eval_score(c->eval, &call, trial));
}

/* Twice the same bits, with the published number of parameters beside them; and `trained` gives the same at 0 epochs. */
static void the_same_bits_in_both_evaluators(void **state)
{
    static const char *const groups[] = {
        "{ type = \"zero_cost\"; batch = 24; measures = [ \"synflow\", \"snip\", \"grad_norm\", "
        "\"grasp\", \"fisher\", \"jacob_cov\", \"naswot\", \"zen\" ]; }",
        "{ type = \"trained\"; proxies = { batch = 24; measures = [ \"synflow\", \"snip\", "
        "\"grad_norm\", \"grasp\", \"fisher\", \"jacob_cov\", \"naswot\", \"zen\" ]; }; }"};
    nas_text lines[3] = {{0}};
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (int i = 0; i < 3; i++) {
        cells c;
        nas_trial trial;
        open_cells(groups[i == 2], &c);
        if (i == 1) /* another network in between leaves nothing behind */
            score_cell(&c, "021304", 0, &trial), nas_trial_clear(&trial);
        score_cell(&c, "210330", 0, &trial);
        assert_int_equal(trial.status, NAS_TRIAL_COMPLETE);
        assert_true(nas_trial_metric(&trial, "parameters") == 73306 + 28000 + 2 * 243040);
        nas_trial_canonical(&trial, &lines[i]);
        nas_trial_clear(&trial);
        close_cells(&c);
    }
    assert_string_equal(lines[0].data, lines[1].data);
    assert_string_equal(lines[0].data, lines[2].data);
    for (int i = 0; i < 3; i++)
        nas_text_clear(&lines[i]);
}

/* No path from the input to the output: failed trials, not errors. */
static void what_has_no_score_is_a_failed_trial(void **state)
{
    static const char *const names[] = {"synflow", "jacob_cov", "zen"};
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (int i = 0; i < 3; i++) {
        cells c;
        nas_trial trial;
        char group[96];
        snprintf(group, sizeof group, "{ type = \"zero_cost\"; batch = 16; measures = \"%s\"; }",
                 names[i]);
        open_cells(group, &c);
        score_cell(&c, "000000", 1, &trial);
        print_message("%s\n", trial.reason);
        assert_int_equal(trial.status, NAS_TRIAL_FAILED);
        nas_trial_clear(&trial);
        close_cells(&c);
    }
}

static void options_are_checked(void **state)
{
    static const struct {
        const char *group, *message;
    } wrong[] = {{"{ type = \"zero_cost\"; measures = \"nasvot\"; }", "naswot"},
                 {"{ type = \"zero_cost\"; batch = 1000; }", "mini-batch"},
                 {"{ type = \"zero_cost\"; measures = []; }", "evaluate.measures"}};
    cells c;
    (void)state;
    open_setting(&c);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        nas_test_fails(create_eval(&c, device, wrong[i].group), NAS_CONFIG, wrong[i].message);
    nas_test_fails(create_eval(&c, NULL, "{ type = \"zero_cost\"; }"), NAS_NO_DEVICE, "zero_cost");
    close_cells(&c);
}

/* After a trial of 0 epochs there is nothing to keep, though the trial before it was trained. */
static void proxies_leave_no_weights(void **state)
{
    cells c;
    nas_trial trial;
    (void)state;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    open_cells("{ type = \"trained\"; proxies = { batch = 16; measures = \"naswot\"; }; }", &c);
    score_cell(&c, "000010", 1, &trial);
    assert_int_equal(trial.status, NAS_TRIAL_COMPLETE);
    nas_trial_clear(&trial);
    score_cell(&c, "000030", 0, &trial);
    assert_int_equal(trial.status, NAS_TRIAL_COMPLETE);
    nas_trial_clear(&trial);
    nas_test_fails(nas_eval_keep(c.eval, "none.safetensors"), NAS_FAILED, "no network was trained");
    nas_test_fails(nas_eval_pause(c.eval, "none.paused"), NAS_FAILED, "no network was trained");
    close_cells(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits_in_both_evaluators),
        cmocka_unit_test(what_has_no_score_is_a_failed_trial),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(proxies_leave_no_weights),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
