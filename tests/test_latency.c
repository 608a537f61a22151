/* test_latency.c - tables of latencies (host/eval/latency.c): what is written is read; what is not a table is refused with its line. */
#include "one_file.h"

#include "eval/latency.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t hash = 0x0123456789abcdefu;

/* Rows of three and of two choices. */
static const nas_gate_table table = {
    .rows = {{.choices = 3, .first = 0, .none = 0}, {.choices = 2, .first = 3, .none = -1}},
    .count = 2,
    .choices = 5,
    .gates = 5};

static void what_is_written_is_read(void **state)
{
    const nas_device_info device = {
        .id = "1:2", .name = "a device", .platform_name = "a platform", .driver = "3.1"};
    static const double seconds[] = {0, 1.25e-5, 0.3, 1e-9, 123456.75};
    nas_text text = {0};
    double *read;
    (void)state;
    nas_latency_write(&table, hash, &device, 4, seconds, &text);
    nas_test_ok(nas_text_check(&text));
    assert_non_null(strstr(text.data, "a device"));
    assert_non_null(strstr(text.data, "# supergraph: 0123456789abcdef\n# batch: 4\n"));
    write_file(text.data);
    nas_test_ok(nas__latency_read(path, &table, hash, &read));
    for (int i = 0; i < table.choices; i++)
        assert_true(read[i] == seconds[i]);
    free(read);
    nas_test_fails(nas__latency_read(path, &table, hash + 1, &read), NAS_DATA,
                   ":3: measured for another");
    nas_text_clear(&text);
}

static void orders_and_line_ends_do_not_matter(void **state)
{
    double *read;
    (void)state;
    write_file("row,choice,seconds\r\n1,1,5\r\n\r\n# a remark\r\n0,2,3\n0,0,0\n1,0,4e0\n"
               "# supergraph: 123456789abcdef\n0,1,2");
    nas_test_ok(nas__latency_read(path, &table, hash, &read));
    for (int i = 0; i < table.choices; i++)
        assert_true(read[i] == (i ? i + 1 : 0));
    free(read);
}

static void what_is_no_table_is_refused(void **state)
{
#define HEAD "# supergraph: 0123456789abcdef\nrow,choice,seconds\n"
    static const struct bad {
        const char *text, *message;
    } bad[] = {
        {"", "# supergraph"},
        {"row,choice,seconds\n0,0,0\n0,1,2\n0,2,3\n1,0,4\n1,1,5\n", "# supergraph"},
        {"# supergraph: 0123456789abcdee\n", ":1: measured for another space"},
        {"# supergraph: 0123456789abcdef\n0,0,0\n", ":2: \"0,0,0\" where the columns"},
        {HEAD "2,0,1\n", ":3: \"2,0,1\" begins with no row of the supernet, which has 0 to 1"},
        {HEAD "-1,0,1\n", ":3: "},
        {HEAD "x,0,1\n", ":3: "},
        {HEAD "0\n", ":3: "},
        {HEAD "0,0,0\n0,3,1\n", ":4: \"0,3,1\" names no choice of row 0, which has 0 to 2"},
        {HEAD "0,1\n", ":3: "},
        {HEAD "0,1,\n", ":3: \"\" is no number of seconds"},
        {HEAD "0,1,fast\n", ":3: \"fast\" is no number"},
        {HEAD "0,1,1e-5 s\n", ":3: \"1e-5 s\" is no number"},
        {HEAD "0,1,nan\n", ":3: \"nan\" is no number"},
        {HEAD "0,1,1e999\n", ":3: \"1e999\" is no number"},
        {HEAD "0,1,-1e-5\n", ":3: -1e-05 seconds are less than none"},
        {HEAD "0,1,1,1\n", ":3: "},
        {HEAD "0,1,1\n0,1,1\n", ":4: choice 1 of row 0 stands here a second time"},
        {HEAD "0,0,0\n0,1,2\n0,2,3\n1,1,5\n", ":6: ends without choice 0 of row 1"},
    };
#undef HEAD
    double *read = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(bad[i].text);
        nas_test_fails(nas__latency_read(path, &table, hash, &read), NAS_DATA, bad[i].message);
        assert_non_null(strstr(nas_error_message(), path));
    }
    assert_null(read);
    nas_test_fails(nas__latency_read("/nowhere/latency.csv", &table, hash, &read), NAS_FAILED,
                   "/nowhere");
}

static void means_and_paths(void **state)
{
    static const double seconds[] = {0, 3, 6, 10, 20}, nothing[5];
    static const float weights[] = {0.5f, 0.25f, 0.25f, 0.1f,
                                    0.3f}; /* the second row is worth 0.4 */
    static const int whole[NAS_GATE_ROWS] = {2, 0}, part[NAS_GATE_ROWS] = {-1, 1};
    float costs[5];
    (void)state;
    assert_float_equal(nas__latency_expected(&table, seconds, NULL), 3 + 15, 1e-12);
    assert_float_equal(nas__latency_expected(&table, seconds, weights), 2.25 + 17.5, 1e-6);
    assert_true(nas__latency_of_path(&table, seconds, whole) == 16);
    assert_true(nas__latency_of_path(&table, seconds, part) == 20);
    nas_test_ok(nas__latency_costs(&table, seconds, 0.5, 0, costs));
    assert_float_equal(costs[4], 0.5 / 18 * 20, 1e-6);
    nas_test_ok(nas__latency_costs(&table, seconds, 0.5, 40, costs));
    assert_float_equal(costs[4], 0.25, 1e-6);
    nas_test_fails(nas__latency_costs(&table, nothing, 0.5, 0, costs), NAS_DATA, "0 seconds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(orders_and_line_ends_do_not_matter),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(means_and_paths),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
