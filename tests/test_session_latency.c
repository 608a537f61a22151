/* test_session_latency.c - searches with a latency in their loss, end to end: from a table in a file to the derived network. */
#include "oneshot_runs.h"

#include <clnas/eval.h>

#include <math.h>
#include <unistd.h>

static bool has_device;

static void need_device(void)
{
    if (!has_device)
        skip();
}

/* The gate table of space_cell on the data of these tests, and the hash of its supergraph. */
static void look_at_supernet(nas_gate_table *table, uint64_t *hash)
{
    char text[256];
    nas_value group = {0};
    nas_domain *domain;
    nas_graph graph = {0};
    const nas_supergraph_options plain = {0};
    snprintf(text, sizeof text, "{ %s }", space_cell);
    nas_test_ok(nas_value_parse(text, "test", 1, &group));
    nas_test_ok(nas_domain_open_group(&group, (nas_shape){1, 8, 8}, 4, &domain));
    nas_test_ok(nas_domain_supergraph(domain, &plain, &graph, table));
    nas_test_ok(nas_graph_hash(&graph, hash));
    nas_graph_clear(&graph);
    nas_domain_close(domain);
    nas_value_clear(&group);
}

/* Choice k of each row takes k seconds. */
static void write_latency(const char *path, uint64_t change, nas_gate_table *table)
{
    const nas_device_info device = {.id = "0:0"};
    double seconds[NAS_GATES];
    nas_text text = {0};
    uint64_t hash;
    look_at_supernet(table, &hash);
    for (int r = 0; r < table->count; r++)
        for (int k = 0; k < table->rows[r].choices; k++)
            seconds[table->rows[r].first + k] = k;
    nas_latency_write(table, hash + change, &device, 1, seconds, &text);
    nas_test_ok(nas_file_replace(path, text.data, text.length));
    nas_text_clear(&text);
}

static double last_expected(const char *study)
{
    nas_trial last = trial_of(study, EPOCHS - 1);
    const double expected = nas_trial_metric(&last, "expected_latency");
    assert_int_equal(last.curve_count, 7);
    for (int i = 0; i < last.curve_count; i++)
        assert_int_equal(last.curves[i].count, EPOCHS);
    nas_trial_clear(&last);
    return expected;
}

/* A heavy weight makes α flee from what is slow; the derived architecture's latency is that of its path.  Killed or not. */
static void test_latency(void **state)
{
    nas_gate_table table;
    char strategy[2][512], csv[256];
    double expected[2];
    (void)state;
    need_device();
    snprintf(csv, sizeof csv, "%s", path_of("latency.csv"));
    write_latency(csv, 0, &table);
    for (int heavy = 0; heavy < 2; heavy++) {
        snprintf(strategy[heavy], sizeof strategy[heavy],
                 "type = \"proxylessnas\"; epochs = 3; share = 0.5; alpha = { lr = 0.3; start = 0; "
                 "every = "
                 "1; }; latency = { table = \"%s\"; weight = %s; };",
                 csv, heavy ? "1000.0" : "0.0");
        nas_search_options options =
            options_for(path_of(heavy ? "heavy.study" : "light.study"), false);
        char *whole = search_oneshot(strategy[heavy], "", &options);
        expected[heavy] = last_expected(options.study_path);
        if (heavy)
            crash_at("2", strategy[heavy], "heavy-killed.study", whole);
        free(whole);
        nas_trial derived = trial_of(options.study_path, EPOCHS);
        assert_true(nas_trial_metric(&derived, "latency") >= 0);
        nas_trial_clear(&derived);
    }
    const double even = 3.5 * table.count;
    print_message("expected latency: %.2f of %.2f at first; with a weight %.2f\n", expected[0],
                  even, expected[1]);
    assert_true(expected[1] < 0.5 * even && expected[1] < expected[0]);
}

static void refuse_latency(const char *strategy, bool early, nas_status wanted, const char *message)
{
    nas_search_report report;
    nas_search_options options = options_for(path_of("refused.study"), false);
    nas_config *config = oneshot_config(strategy, "");
    nas_test_fails(nas_session_search(config, &options, &report), wanted, message);
    nas_config_clear(config);
    free(config);
    assert_int_equal(access(options.study_path, F_OK), early ? -1 : 0);
}

static void test_latency_refusals(void **state)
{
    nas_gate_table table;
    char strategy[512];
    const char *csv = path_of("other.csv");
    (void)state;
    need_device();
    write_latency(csv, 1, &table);
    snprintf(strategy, sizeof strategy,
             "type = \"proxylessnas\"; epochs = 3; alpha = { every = 1; }; latency = { table = "
             "\"%s\"; };",
             csv);
    refuse_latency(strategy, true, NAS_DATA, "measured for another space");
    refuse_latency("type = \"proxylessnas\"; epochs = 3; latency = { weight = 1.0; };", true,
                   NAS_CONFIG, "needs strategy.latency.table");
    refuse_latency("type = \"proxylessnas\"; epochs = 3; share = 0.5; alpha = { every = 9; };",
                   false, NAS_CONFIG, "alpha.every = 9 is more than the 2 steps");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_latency_refusals),
    };
    be_a_worker(argc, argv);
    has_device = oneshot_has_device();
    return cmocka_run_group_tests(tests, make_session_folder, remove_session_folder);
}
