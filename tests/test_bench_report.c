/* test_bench_report.c - what clnas-bench prints of its samples: median and spread in the tables, every sample in JSON, whatever a driver
 * calls itself. */
#include "nas_test.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "../tools/bench_report.h"

static const nas_device_info device = {
    .id = "0:1", .name = "a \"quoted\" name\\", .driver = "1.0\n2"};

/* The text of two rows: samples 3, 1, 2, 10 with a share of 0.75, and a single 1234.5 without. */
static char *printed(bench_format format)
{
    static const double samples[] = {3, 1, 2, 10};
    bench_report report = {.device = &device};
    bench_row *row;
    char *text = NULL;
    size_t length;
    nas_test_ok(bench_report_row(&report, "copy", "2 MiB", "GB/s", &row));
    for (int i = 0; i < 4; i++)
        bench_row_add(row, samples[i]);
    bench_row_fact(row, "share", 0.75);
    bench_report_note(&report, "cores", "%d", 2);
    nas_test_ok(bench_report_row(&report, "launch", "", "us", &row));
    bench_row_add(row, 1234.5);
    FILE *to = open_memstream(&text, &length);
    assert_non_null(to);
    nas_test_ok(bench_report_print(&report, format, to));
    fclose(to);
    bench_report_clear(&report);
    return text;
}

static void assert_prints(bench_format format, const char *wanted)
{
    char *text = printed(format);
    assert_string_equal(text, wanted);
    free(text);
}

static void people_get_the_median_and_the_spread(void **state)
{
    (void)state;
    assert_prints(BENCH_TABLE, "0:1 a \"quoted\" name\\, driver 1.0\n2\n"
                               "cores: 2\n"
                               "what    size   median  lowest  highest  unit  share\n"
                               "copy    2 MiB    2.50    1.00     10.0  GB/s  0.750\n"
                               "launch           1234    1234     1234  us\n");
    assert_prints(BENCH_MARKDOWN, "0:1 a \"quoted\" name\\, driver 1.0\n2\ncores: 2\n\n"
                                  "| what | size | median | lowest | highest | unit | share |\n"
                                  "|---|---|---|---|---|---|---|\n"
                                  "| copy | 2 MiB | 2.50 | 1.00 | 10.0 | GB/s | 0.750 |\n"
                                  "| launch |  | 1234 | 1234 | 1234 | us |  |\n");
}

static void check_row(const json_t *row, const char *what, int samples)
{
    assert_string_equal(json_string_value(json_object_get(row, "what")), what);
    assert_int_equal(json_array_size(json_object_get(row, "samples")), samples);
}

/* Read again by another program's reader: jansson's. */
static void programs_get_every_sample(void **state)
{
    json_error_t error;
    (void)state;
    char *text = printed(BENCH_JSON);
    json_t *whole = json_loads(text, 0, &error);
    assert_non_null(whole);
    const json_t *of = json_object_get(whole, "device"), *rows = json_object_get(whole, "rows");
    assert_string_equal(json_string_value(json_object_get(of, "name")), device.name);
    assert_string_equal(json_string_value(json_object_get(of, "driver")), device.driver);
    assert_int_equal(json_array_size(rows), 2);
    check_row(json_array_get(rows, 0), "copy", 4);
    check_row(json_array_get(rows, 1), "launch", 1);
    assert_true(json_real_value(json_object_get(json_array_get(rows, 0), "median")) == 2.5);
    json_decref(whole);
    free(text);
    text = printed(BENCH_JSONL);
    json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
    check_row(first, "copy", 4);
    json_t *second = json_loads(strchr(text, '\n'), 0, &error);
    check_row(second, "launch", 1);
    json_decref(first);
    json_decref(second);
    free(text);
    assert_prints(BENCH_CSV, "what,size,median,lowest,highest,unit,samples,share\n"
                             "copy,2 MiB,2.5,1,10,GB/s,4,0.75\n"
                             "launch,,1234.5,1234.5,1234.5,us,1,\n");
}

static void labels_have_the_names_that_were_given(void **state)
{
    static const char *const labels[] = {"network", "work", "engine", NULL};
    bench_report report = {.labels = labels};
    bench_row *row;
    char *text = NULL;
    size_t length;
    (void)state;
    nas_test_ok(bench_report_row(&report, "one, \"two\"", "train", "ms", &row));
    bench_row_label(row, 2, "clnas");
    bench_row_fact(row, "ratio", NAN);
    FILE *to = open_memstream(&text, &length);
    assert_non_null(to);
    nas_test_ok(bench_report_print(&report, BENCH_CSV, to));
    nas_test_ok(bench_report_print(&report, BENCH_JSONL, to));
    fclose(to);
    assert_string_equal(text,
                        "network,work,engine,median,lowest,highest,unit,samples,ratio\n"
                        "\"one, \"\"two\"\"\",train,clnas,0,0,0,ms,0,nan\n"
                        "{\"network\":\"one, \\\"two\\\"\",\"work\":\"train\",\"engine\":\"clnas\","
                        "\"unit\":\"ms\",\"median\":0.0,\"lowest\":0.0,\"highest\":0.0,"
                        "\"ratio\":null,\"samples\":[]}\n");
    free(text);
    bench_report_clear(&report);
}

static void formats_have_names(void **state)
{
    (void)state;
    assert_int_equal(nas_choice_index(BENCH_FORMATS, "table"), BENCH_TABLE);
    assert_int_equal(nas_choice_index(BENCH_FORMATS, "json"), BENCH_JSON);
    assert_int_equal(nas_choice_index(BENCH_FORMATS, "jsonl"), BENCH_JSONL);
    assert_int_equal(nas_choice_index(BENCH_FORMATS, "csv"), BENCH_CSV);
    assert_int_equal(nas_choice_index(BENCH_FORMATS, "md"), BENCH_MARKDOWN);
    assert_int_equal(nas_choice_index(BENCH_FORMATS, "xml"), -1);
}

static void what_is_too_much_is_left_out(void **state)
{
    bench_report report = {.device = &device};
    bench_row *row;
    (void)state;
    nas_test_ok(bench_report_row(&report,
                                 "a name that is longer than its row has room for, which is a "
                                 "great many letters more than any name needs",
                                 "", "us", &row));
    for (int i = 0; i < 2 * BENCH_SAMPLES; i++)
        bench_row_add(row, i);
    assert_int_equal(row->count, BENCH_SAMPLES);
    assert_int_equal(strlen(row->label[0]), sizeof row->label[0] - 1);
    bench_report_clear(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_get_the_median_and_the_spread),
        cmocka_unit_test(programs_get_every_sample),
        cmocka_unit_test(labels_have_the_names_that_were_given),
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test(what_is_too_much_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
