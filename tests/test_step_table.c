/* test_step_table.c - tables of latency: steps of a graph as text, files written and read, and a network's seconds by them, against sums by hand. */
#include "one_file.h"

#include <clnas/eval.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two convolutions with norms, one read by both: a sum that reads an affine and a raw home, and a head. */
static const char network[] =
    "input 1x8x8\n"
    "1 conv2d(0) out = 4\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 conv2d(3) out = 4\n5 batch_norm(4)\n"
    "6 conv2d(3) out = 4; kernel = 1\n"
    "7 add(5, 6)\n8 pool(7) kind = \"global_average\"\n9 dense(8) out = 3\n";
static const char *const keys[] = {
    "conv2d out = 4 | 1x8x8 raw | batch_norm",    "conv2d out = 4 | 4x8x8 relu | batch_norm",
    "conv2d out = 4; kernel = 1 | 4x8x8 relu",    "add | 4x8x8 affine, 4x8x8 raw",
    "pool kind = \"global_average\" | 4x8x8 raw", "dense out = 3 | 4x1x1 raw",
};
enum { KEYS = sizeof keys / sizeof keys[0] };

static void steps_are_what_a_pass_runs(void **state)
{
    nas_graph graph = {0};
    nas_net_steps steps = {0};
    (void)state;
    nas_test_ok(nas_graph_parse(network, "network", &graph));
    nas_test_ok(nas_net_steps_list(&graph, &steps));
    assert_int_equal(steps.count, KEYS);
    for (int i = 0; i < KEYS; i++)
        assert_string_equal(steps.item[i].key, keys[i]);
    assert_int_equal(steps.item[0].macs, 4 * 9 * 64);
    assert_int_equal(steps.item[0].bytes, 4 * (64 + 4 * 64));
    assert_int_equal(steps.item[3].macs, 0);
    assert_int_equal(steps.item[3].bytes, 4 * 3 * 4 * 64);
    nas_net_steps_clear(&steps);
    nas_graph_clear(&graph);
}

#define ONE "# clnas latency table 1\n"
#define HEAD                                                                                       \
    ONE "# device: 1:0 a device\n# driver: a driver\n"                                             \
        "# space: 0123456789abcdef\n# model: batch, fixed_s, step_s, warm, cold\n"                 \
        "# model: 4, 0.5, 0.25, 1, 0.5\nbatch,warm_s,cold_s,macs,bytes,step\n"

/* Rows of all steps but those that `without` begins. */
static void write_rows(const char *without)
{
    nas_text text = {0};
    nas_text_add(&text, HEAD);
    for (int i = 0; i < KEYS; i++)
        if (!without || strncmp(keys[i], without, strlen(without)) != 0)
            nas_text_format(&text, "4,%d,%d,%d,%d,%s\n", 1 << i, 64 << i, 2304 * (i + 1), 100,
                            keys[i]);
    nas_text_add(&text, "4,8,16,1000,50,conv2d out = 9 | 1x1x1 raw\n");
    nas_text_add(&text, "4,16,32,2000,100,conv2d out = 8 | 1x1x1 raw\n");
    nas_test_ok(nas_text_check(&text));
    write_file(text.data);
    nas_text_clear(&text);
}

static void a_network_is_the_sum_of_its_rows(void **state)
{
    nas_graph graph = {0};
    nas_step_table table = {0};
    nas_latency_prediction p;
    (void)state;
    nas_test_ok(nas_graph_parse(network, "network", &graph));
    write_rows(NULL);
    nas_test_ok(nas_step_table_read(path, &table));
    assert_string_equal(table.device, "1:0 a device");
    assert_true(table.space == 0x0123456789abcdefu);
    nas_test_ok(nas_step_table_predict(&table, &graph, 4, &p));
    assert_int_equal(p.known, 6);
    assert_int_equal(p.steps, 6);
    assert_true(fabs(p.seconds - (0.5 + 6 * 0.25 + 63 + 0.5 * 64 * 63)) < 1e-9);
    nas_test_fails(nas_step_table_predict(&table, &graph, 5, &p), NAS_CONFIG, "at batch 5");
    nas_step_table_clear(&table);
    nas_graph_clear(&graph);
}

/* Rows of the same operator stand in: here they are exactly so much a multiply-accumulate. */
static void a_missing_step_goes_by_its_kind(void **state)
{
    nas_graph graph = {0};
    nas_step_table table = {0};
    nas_latency_prediction p;
    (void)state;
    nas_test_ok(nas_graph_parse(network, "network", &graph));
    write_rows("conv2d out = 4");
    nas_test_ok(nas_step_table_read(path, &table));
    nas_test_ok(nas_step_table_predict(&table, &graph, 4, &p));
    assert_int_equal(p.known, 3);
    /* Both rows hold seconds of 0.008 and 0.016 per macs, or 0.16 and 0.32 per byte: their macs and bytes go together, so either may carry
     * it; three convolutions of 2304, 9216 and 1024 macs and 1280, 2048 and 2048 bytes. */
    const double known = 8 + 16 + 32, cold = 64 * known;
    const double by_macs = 0.008 * (2304 + 9216 + 1024), by_bytes = 0.16 * (1280 + 2048 + 2048);
    const double rest = p.seconds - (0.5 + 6 * 0.25 + known + 0.5 * cold);
    assert_true(fabs(rest - 2 * by_macs) < 1e-6 * rest || fabs(rest - 2 * by_bytes) < 1e-6 * rest);
    nas_step_table_clear(&table);
    write_rows("dense");
    nas_test_ok(nas_step_table_read(path, &table));
    nas_test_fails(nas_step_table_predict(&table, &graph, 4, &p), NAS_CONFIG, "\"dense\"");
    nas_step_table_clear(&table);
    nas_graph_clear(&graph);
}

static void what_is_written_is_read(void **state)
{
    nas_step_table table = {.device = "d", .driver = "e", .space = 7, .model_count = 1}, read = {0};
    nas_text text = {0};
    (void)state;
    table.models[0] = (nas_latency_model){.batch = 64, .share = {1e-5, 0, 0.875, 0.25}};
    for (int i = KEYS - 1; i >= 0; i--) {
        const nas_step_row row = {.step = (char *)keys[i],
                                  .batch = 64,
                                  .warm_s = 1e-6 * (i + 1),
                                  .cold_s = 0.3,
                                  .macs = (uint64_t)i << 40,
                                  .bytes = 5};
        nas_test_ok(nas_step_table_add(&table, &row));
    }
    nas_step_table_write(&table, &text);
    nas_test_ok(nas_text_check(&text));
    write_file(text.data);
    nas_test_ok(nas_step_table_read(path, &read));
    assert_int_equal(read.count, KEYS);
    assert_memory_equal(&read.models[0], &table.models[0], sizeof table.models[0]);
    for (int i = 0; i < KEYS; i++) {
        const nas_step_row *row = nas_step_table_find(&read, 64, keys[i]);
        assert_non_null(row);
        assert_true(row->warm_s == strtod("1e-6", NULL) * (i + 1) ||
                    fabs(row->warm_s - 1e-6 * (i + 1)) < 1e-14);
        assert_true(row->macs == (uint64_t)i << 40);
        assert_null(nas_step_table_find(&read, 1, keys[i]));
    }
    nas_step_table_clear(&read);
    nas_step_table_clear(&table);
    nas_text_clear(&text);
}

static void what_is_no_table_is_refused(void **state)
{
    static const struct bad {
        const char *text, *message;
    } bad[] = {
        {"", ":1: \"\" where a table of latency"},
        {"# clnas latency table 2\n", ":1: \"# clnas latency table 2\""},
        {"row,choice,seconds\n", ":1: "},
        {ONE, ":1: the table ends without a row"},
        {ONE "1,1,1,1,1,add\n", ":2: \"1,1,1,1,1,add\": where the columns"},
        {ONE "# model: 0, 1, 1, 1, 1\n", ":2: \"0, 1, 1, 1, 1\": a model"},
        {ONE "# model: 1, 1, 1, 1\n", "a model is"},
        {ONE "# model: 1, 1, 1, 1, -1\n", "a model is"},
        {ONE "# model: 1, 1, 1, 1, nan\n", "a model is"},
        {ONE "# model: 1, 1, 1, 1, 1\n# model: 1, 1, 1, 1, 1\n", ":3: \"1, 1, 1, 1, 1\": a second"},
        {ONE "# space: xyz\n", "no hash"},
        {HEAD "4,1,1,1,1,add\n4,2,2,2,2,add\n", "stands twice"},
        {HEAD "1,1,1,1,1,add\n", "rows of batch 1 and no line"},
        {HEAD "4,inf,1,1,1,add\n", ":8: \"4,inf,1,1,1,add\": a row is"},
        {HEAD "4,-1,1,1,1,add\n", "a row is"},
        {HEAD "4,1,1,-1,1,add\n", "a row is"},
        {HEAD "4,1,1,1,99999999999999999999,add\n", "a row is"},
        {HEAD "4,1,1,1,1,\n", "a row ends with its step"},
        {HEAD "4,1,1,1,1\n", "a row is"},
        {HEAD "65537,1,1,1,1,add\n", "a row is"},
        {HEAD, ":7: the table ends without a row"},
    };
    nas_step_table table = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file(bad[i].text);
        nas_test_fails(nas_step_table_read(path, &table), NAS_DATA, bad[i].message);
    }
    nas_test_ok(nas_file_replace(path, ONE "\0", sizeof ONE));
    nas_test_fails(nas_step_table_read(path, &table), NAS_DATA, "NUL");
    assert_null(table.rows);
}

static void shares_are_found_again_and_none_is_negative(void **state)
{
    static const double truth[] = {0.5, 0, 2, 0.25};
    double x[40 * 4], y[40], share[NAS_LATENCY_SHARES];
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    (void)state;
    for (int i = 0; i < 40; i++) {
        y[i] = 0;
        for (int k = 0; k < 4; k++) {
            x[4 * i + k] = k ? 0.1 + nas_random_uniform(&random) : 1;
            y[i] += truth[k] * x[4 * i + k];
        }
    }
    nas_test_ok(nas_latency_fit(x, y, 40, 4, share));
    for (int k = 0; k < 4; k++)
        assert_true(fabs(share[k] - truth[k]) < 1e-6);
    for (int i = 0; i < 40; i++) /* what would want −0.3 of the second */
        y[i] -= 0.3 * x[4 * i + 1];
    nas_test_ok(nas_latency_fit(x, y, 40, 4, share));
    assert_true(share[1] == 0 && share[0] >= 0 && share[2] > 0 && share[3] >= 0);
    y[3] = 0;
    nas_test_fails(nas_latency_fit(x, y, 40, 4, share), NAS_DATA, "no time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_what_a_pass_runs),
        cmocka_unit_test(a_network_is_the_sum_of_its_rows),
        cmocka_unit_test(a_missing_step_goes_by_its_kind),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(shares_are_found_again_and_none_is_negative),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
