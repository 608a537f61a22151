/* test_tuning.c - the tuning table and its file; every candidate of the canonical class gives the bits of an untuned device.
 *
 * The latter is the promise that tuning changes no result: for convolutions of several structures, each pass is run with each row that
 * the operator itself proposes, and all it writes is compared bit by bit, statistics and reductions by part included.  The untuned
 * result in turn is compared with the plain kernels.  CLNAS_DRAWS=100000 (the slow tier) takes more structures. */
#include "nas_test_device.h"

#include "../tools/tune_case.h"

#include <unistd.h>

static nas_tuning_row row_of(const char *key, bool inexact, const char *name, int value)
{
    nas_tuning_row row = {.inexact = inexact, .gain = 1.25, .count = 1};
    snprintf(row.key, sizeof row.key, "%s", key);
    snprintf(row.values[0].name, sizeof row.values[0].name, "%s", name);
    row.values[0].value = value;
    return row;
}

static nas_device_info some_device(void)
{
    nas_device_info info = {.compute_units = 2};
    snprintf(info.name, sizeof info.name, "Some Device (TM) 9");
    snprintf(info.platform_name, sizeof info.platform_name, "Some Platform");
    snprintf(info.driver, sizeof info.driver, "1.2\n3");
    return info;
}

/* ---- the table ---------------------------------------------------------------------------------- */

static void test_table(void **state)
{
    (void)state;
    nas_tuning table = {0}, copy = {0};
    nas_tuning_row row = row_of("conv2d 3x3", false, "kt", 6), other = row_of("a", false, "kt", 1);
    nas_test_ok(nas_tuning_set(&table, &row));
    nas_test_ok(nas_tuning_set(&table, &other));
    row.values[0].value = 8;
    nas_test_ok(nas_tuning_set(&table, &row)); /* replaces */
    assert_int_equal(table.count, 2);
    assert_int_equal(nas_tuning_value_of(nas_tuning_find(&table, "conv2d 3x3"), "kt", 4), 8);
    assert_int_equal(nas_tuning_value_of(nas_tuning_find(&table, "conv2d 3x3"), "pt", 4), 4);
    assert_null(nas_tuning_find(&table, "conv2d"));
    assert_int_equal(nas_tuning_value_of(NULL, "pt", 7), 7);
    row = row_of("conv2d 3x3", true, "kt", 2); /* the other class goes before, where it is there */
    nas_test_ok(nas_tuning_set(&table, &row));
    assert_int_equal(nas_tuning_value_of(nas_tuning_find(&table, "conv2d 3x3"), "kt", 4), 2);
    nas_test_ok(nas_tuning_copy(&table, &copy));
    assert_int_equal(copy.count, 3);
    static const char *const bad[] = {"", " a", "a ", "a  b", "a\"b", "a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        row = row_of(bad[i], false, "kt", 2);
        assert_int_equal(nas_tuning_set(&table, &row), NAS_CONFIG);
    }
    row = row_of("a", false, "KT", 2);
    assert_int_equal(nas_tuning_set(&table, &row), NAS_CONFIG);
    row = row_of("a", false, "kt", -1);
    assert_int_equal(nas_tuning_set(&table, &row), NAS_CONFIG);
    nas_tuning_clear(&table);
    nas_tuning_clear(&copy);
}

/* ---- the file ----------------------------------------------------------------------------------- */

static void write_some(const nas_device_info *info, nas_text *text)
{
    nas_tuning table = {.date = "2026-11-29"};
    nas_tuning_row row = row_of("conv2d 3x3 s1 d1 forward wide", false, "kt", 6);
    row.values[1] = (nas_tuning_value){"lanes", 16};
    row.count = 2;
    nas_test_ok(nas_tuning_set(&table, &row));
    row = row_of("conv2d 1x1 s1 d1 weight wide", true, "way", 4);
    nas_test_ok(nas_tuning_set(&table, &row));
    nas_tuning_write(&table, info, text);
    nas_test_ok(nas_text_check(text));
    nas_tuning_clear(&table);
}

static nas_status parse(const nas_device_info *info, const char *text, nas_tuning *table,
                        bool *current, char why[256])
{
    return nas_tuning_parse(text, strlen(text), "some.tuning", info, table, current, why);
}

static void test_file(void **state)
{
    (void)state;
    nas_device_info info = some_device(), newer = info;
    nas_text text = {0}, again = {0};
    nas_tuning table = {0};
    bool current = false;
    char why[256];
    write_some(&info, &text);
    nas_test_ok(parse(&info, text.data, &table, &current, why));
    assert_true(current);
    assert_int_equal(table.count, 2);
    assert_string_equal(table.date, "2026-11-29");
    nas_tuning_write(&table, &info, &again);
    assert_string_equal(again.data, text.data);
    nas_tuning_clear(&table);
    snprintf(newer.driver, sizeof newer.driver, "1.3");
    nas_test_ok(parse(&newer, text.data, &table, &current, why));
    assert_false(current);
    assert_non_null(strstr(why, "driver"));
    nas_tuning_clear(&table);
    nas_text_clear(&text);
    nas_text_clear(&again);
}

/* Every prefix, every line left out, every byte changed: refused with file and line, or a table that was checked; never more. */
static void test_hostile(void **state)
{
    (void)state;
    const nas_device_info info = some_device();
    nas_text text = {0};
    bool current;
    write_some(&info, &text);
    for (size_t length = 0; length < text.length; length++) {
        nas_tuning table = {0};
        assert_int_equal(
            nas_tuning_parse(text.data, length, "some.tuning", &info, &table, &current, NULL),
            NAS_DATA);
        assert_non_null(strstr(nas_error_message(), "some.tuning:"));
    }
    for (size_t at = 0; at < text.length; at++)
        for (int flip = 1; flip < 256; flip *= 2) {
            nas_tuning table = {0};
            text.data[at] ^= (char)flip;
            if (nas_tuning_parse(text.data, text.length, "some.tuning", &info, &table, &current,
                                 NULL) == NAS_OK)
                assert_in_range(table.count, 0, 2);
            nas_tuning_clear(&table);
            text.data[at] ^= (char)flip;
        }
    nas_text_clear(&text);
}

static void expect_refused(const char *from, const char *to)
{
    const nas_device_info info = some_device();
    nas_text text = {0}, bad = {0};
    nas_tuning table = {0};
    bool current;
    write_some(&info, &text);
    const char *at = strstr(text.data, from);
    assert_non_null(at);
    nas_text_format(&bad, "%.*s%s%s", (int)(at - text.data), text.data, to, at + strlen(from));
    if (parse(&info, bad.data, &table, &current, NULL) != NAS_DATA)
        fail_msg("\"%s\" in place of \"%s\" was taken", to, from);
    assert_int_equal(table.count, 0);
    nas_text_clear(&text);
    nas_text_clear(&bad);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refused("clnas-tuning 1", "tuning 1");
    expect_refused("clnas-tuning 1", "clnas-tuning x");
    expect_refused("driver ", "drivers ");
    expect_refused("exact", "exactly");
    expect_refused("1.250", "nan");
    expect_refused("1.250", "1e300");
    expect_refused("kt=6", "kt=");
    expect_refused("kt=6", "kt=-6");
    expect_refused("kt=6", "kt=600000");
    expect_refused("kt=6", "kt=99999");
    expect_refused("kt=6", "kt=6 kt=6");
    expect_refused("kt=6", "kt=6 a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1");
    expect_refused("\"conv2d 3x3", "conv2d 3x3");
    expect_refused("end 2", "end 1");
    expect_refused("end 2", "end 2\nend 2");
    expect_refused("date 2026-11-29", "date 2026-11-29-2026-11-29-2026-11-29-2026-11-29");
}

/* An open device takes the file up by itself; a stale or broken one is none, and is said to be. */
static void write_file(const char *path, const char *data, size_t size)
{
    nas_test_ok(nas_file_replace(path, data, size));
}

static void expect_state(const nas_device_info *info, nas_tuning_state wanted, int rows)
{
    nas_tuning table = {0};
    nas_tuning_state found;
    char why[256];
    nas_device *opened;
    nas_test_ok(nas_tuning_load(info, &table, &found, why));
    assert_int_equal(found, wanted);
    nas_tuning_clear(&table);
    nas_test_ok(nas_device_open(info->id, NULL, &opened));
    assert_int_equal(nas_device_tuning(opened)->count, rows);
    nas_device_destroy(opened);
}

static void test_pick_up(void **state)
{
    (void)state;
    char folder[512], path[1200];
    nas_text text = {0};
    const nas_device_info *info = nas_device_describe(device);
    nas_device *opened;
    snprintf(folder, sizeof folder, "%s/tuning-%ld", getenv("NAS_BUILD_FOLDER"), (long)getpid());
    setenv("CLNAS_TUNING", folder, 1);
    unsetenv("CLNAS_LANES");
    expect_state(info, NAS_TUNING_NONE, 0);
    nas_tuning table = {.date = "2026-11-29"};
    nas_tuning_row row = row_of("conv2d 3x3 s1 d1 forward wide", false, "kt", 6);
    nas_test_ok(nas_tuning_set(&table, &row));
    row = row_of("conv2d 1x1 s1 d1 forward wide", true, "way", 4);
    nas_test_ok(nas_tuning_set(&table, &row));
    nas_test_ok(nas_tuning_save(&table, info));
    expect_state(info, NAS_TUNING_CURRENT, 1); /* the exact one */
    nas_test_ok(nas_device_open(info->id, &(nas_device_options){.inexact = true}, &opened));
    assert_int_equal(nas_device_tuning(opened)->count, 2);
    nas_device_destroy(opened);
    nas_test_ok(nas_device_open(info->id, &(nas_device_options){.lanes = 8}, &opened));
    assert_int_equal(nas_device_tuning(opened)->count, 0); /* lanes that were asked for */
    nas_device_destroy(opened);
    nas_test_ok(nas_tuning_path(info, path, sizeof path));
    nas_tuning_write(&table, info, &text);
    char *driver = strstr(text.data, "\ndriver ");
    driver[8] = '~';
    write_file(path, text.data, text.length);
    expect_state(info, NAS_TUNING_STALE, 0);
    write_file(path, text.data, text.length / 2);
    expect_state(info, NAS_TUNING_BROKEN, 0);
    unlink(path);
    rmdir(folder);
    setenv("CLNAS_TUNING", "never", 1);
    nas_tuning_clear(&table);
    nas_text_clear(&text);
}

/* ---- candidates ---------------------------------------------------------------------------------- */

typedef struct structure {
    const char *op, *options;
    int batch;
    nas_shape in;
} structure;

static void use_row(const nas_tuning_row *row)
{
    nas_tuning table = {0};
    if (row)
        nas_test_ok(nas_tuning_set(&table, row));
    nas_test_ok(nas_device_set_tuning(device, &table, row && row->inexact));
    nas_tuning_clear(&table);
}

static int check_pass(tune_case *c, nas_op_pass pass, int every)
{
    nas_tuning_row rows[64], plain;
    tune_result untuned, tuned, truth;
    int count = c->op->candidates(&c->call, pass, false, rows, 64), done = 0;
    assert_true(count > 0);
    assert_int_equal(rows[0].count, 0);
    use_row(NULL);
    nas_test_ok(tune_case_result(c, pass, &untuned));
    nas_test_ok(tune_plain_row(c, pass, &plain));
    use_row(&plain);
    nas_test_ok(tune_case_result(c, pass, &truth));
    assert_true(tune_difference(&untuned, &truth) < 1e-5);
    tune_result_clear(&truth);
    for (int i = 1; i < count; i += every, done++) {
        assert_false(rows[i].inexact);
        use_row(&rows[i]);
        nas_test_ok(tune_case_result(c, pass, &tuned));
        if (!tune_same_bits(&tuned, &untuned))
            fail_msg("%s: candidate %d (%s=%d …) has other bits", rows[i].key, i,
                     rows[i].values[0].name, rows[i].values[0].value);
        tune_result_clear(&tuned);
    }
    use_row(NULL);
    tune_result_clear(&untuned);
    return done;
}

static void check_structure(const structure *s, int every)
{
    const nas_op *op = nas_op_find(s->op);
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    nas_value group = {0};
    char text[128];
    tune_case c;
    snprintf(text, sizeof text, "{ %s; }", s->options);
    nas_test_ok(nas_value_parse(text, "case", 1, &group));
    nas_test_ok(nas_options_fill(&op->kind, &group, NULL, options));
    nas_value_clear(&group);
    nas_test_ok(tune_case_make(device, op, options, s->in, s->batch, &c));
    for (int pass = 0; pass < NAS_OP_PASSES; pass++)
        check_pass(&c, (nas_op_pass)pass, every);
    tune_case_clear(&c);
}

static void test_candidates(void **state)
{
    (void)state;
    static const structure few[] = {
        {"conv2d", "out = 21", 19, {37, 11, 9}}, /* several blocks and tiles, none whole */
        {"conv2d", "out = 35; kernel = 1", 32, {70, 5, 7}},
        {"conv2d", "groups = 0", 80, {3, 10, 33}},
    };
    static const structure many[] = {
        {"conv2d", "out = 21", 19, {37, 11, 9}},
        {"conv2d", "out = 35; kernel = 1", 32, {70, 5, 7}},
        {"conv2d", "out = 35; kernel = 1", 33, {70, 5, 7}},
        {"conv2d", "groups = 0", 80, {3, 10, 33}},
        {"conv2d", "out = 34; stride = 2; bias = true", 48, {29, 15, 17}},
        {"conv2d", "out = 9; kernel = 5; dilation = 2", 16, {6, 14, 21}},
        {"conv2d", "out = 30; kernel_h = 1; kernel_w = 7", 16, {26, 9, 12}},
        {"conv2d", "groups = 0; kernel = 5", 64, {5, 28, 28}},
        {"conv2d", "groups = 0; stride = 2; kernel = 5", 40, {4, 19, 70}},
        {"dense", "out = 70", 16, {9, 4, 4}},
        {"dense", "out = 10", 35, {64, 1, 1}},
    };
    static const structure tiny = {"conv2d", "out = 6", 3, {5, 4, 6}};
    const char *draws = getenv("CLNAS_DRAWS"), *small = getenv("CLNAS_TEST_SMALL");
    if (small && small[0] == '1') {
        check_structure(&tiny, 4);
        return;
    }
    const bool all = draws && atoi(draws) > 1000;
    const structure *list = all ? many : few;
    const size_t count = all ? sizeof many / sizeof many[0] : sizeof few / sizeof few[0];
    for (size_t i = 0; i < count; i++)
        check_structure(&list[i], all ? 1 : 6);
}

/* A row that promises no other bits is not believed about parameters that give others; impossible values are none. */
static void test_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int value;
    } bad[] = {{"way", 3}, {"registers", 1024}, {"kt", 40}, {"pt", 3}, {"lanes", 2}, {"lanes", 32}};
    const nas_op *op = nas_op_find("conv2d");
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    nas_value group = {0};
    tune_case c;
    tune_result untuned, tuned;
    nas_test_ok(nas_value_parse("{ out = 21; }", "case", 1, &group));
    nas_test_ok(nas_options_fill(&op->kind, &group, NULL, options));
    nas_value_clear(&group);
    nas_test_ok(tune_case_make(device, op, options, (nas_shape){37, 11, 9}, 19, &c));
    nas_tuning_row rows[64], row;
    op->candidates(&c.call, NAS_PASS_FORWARD, false, rows, 64);
    use_row(NULL);
    nas_test_ok(tune_case_result(&c, NAS_PASS_FORWARD, &untuned));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        row = row_of(rows[0].key, false, bad[i].name, bad[i].value);
        use_row(&row);
        nas_test_ok(tune_case_result(&c, NAS_PASS_FORWARD, &tuned));
        assert_true(tune_same_bits(&tuned, &untuned));
        tune_result_clear(&tuned);
    }
    use_row(NULL);
    tune_result_clear(&untuned);
    tune_case_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_file),
        cmocka_unit_test(test_hostile),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pick_up),      cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_not_believed),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
