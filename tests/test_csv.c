/* test_csv.c - the reader of CSV files: what RFC 4180 shows, what real files do besides, and what is refused, with its line. */
#include "nas_test.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char path[] = "test.csv";

static nas_csv *open_text(const char *text)
{
    nas_csv *csv = NULL;
    nas_test_ok(nas_file_replace(path, text, strlen(text)));
    nas_test_ok(nas_csv_open(path, &csv));
    return csv;
}

static void expect_row(nas_csv *csv, int64_t line, const char *const *cells)
{
    bool more = false;
    nas_test_ok(nas_csv_next(csv, &more));
    assert_true(more);
    assert_int_equal(nas_csv_line(csv), line);
    for (int i = 0; i < nas_csv_columns(csv); i++)
        assert_string_equal(nas_csv_cell(csv, i), cells[i]);
}

static void expect_end(nas_csv *csv)
{
    bool more = true;
    nas_test_ok(nas_csv_next(csv, &more));
    assert_false(more);
    nas_csv_close(csv);
}

#define ROW(...)                                                                                   \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* The examples of RFC 4180, section 2, points 1 to 7. */
static void reads_what_the_standard_shows(void **state)
{
    (void)state;
    nas_csv *csv = open_text("field_name,field_name2,field_name3\r\naaa,bbb,ccc\r\nzzz,yyy,xxx");
    assert_int_equal(nas_csv_columns(csv), 3);
    assert_string_equal(nas_csv_name(csv, 2), "field_name3");
    expect_row(csv, 2, ROW("aaa", "bbb", "ccc"));
    expect_row(csv, 3, ROW("zzz", "yyy", "xxx"));
    expect_end(csv);
    csv = open_text("a,b,c\r\n\"aaa\",\"b\r\nbb\",\"ccc\"\r\n\"aaa\",\"b\"\"bb\",\"c,c\"\r\n");
    expect_row(csv, 2, ROW("aaa", "b\r\nbb", "ccc"));
    expect_row(csv, 4, ROW("aaa", "b\"bb", "c,c"));
    expect_end(csv);
}

static void reads_what_real_files_do(void **state)
{
    (void)state;
    nas_csv *csv = open_text("\xef\xbb\xbf"
                             "a,\"b\"\n\n5\" disk, x \n\r\n\"\",\r\n,\n\"x\",\"\"\r\n1,2\r");
    assert_string_equal(nas_csv_name(csv, 0), "a");
    assert_string_equal(nas_csv_name(csv, 1), "b");
    expect_row(csv, 3, ROW("5\" disk", " x "));
    expect_row(csv, 5, ROW("", ""));
    expect_row(csv, 6, ROW("", ""));
    expect_row(csv, 7, ROW("x", ""));
    expect_row(csv, 8, ROW("1", "2"));
    expect_end(csv);
    csv = open_text("a\n\"\"\n1"); /* an empty cell of a single column must be quoted */
    expect_row(csv, 2, ROW(""));
    expect_row(csv, 3, ROW("1"));
    expect_end(csv);
}

static void gives_columns_and_numbers(void **state)
{
    int column = -1;
    double value = 0;
    bool more;
    (void)state;
    nas_csv *csv = open_text("loss,accuracy,x,x\n-1.5e3,, 2 ,0x10\nnan,inf,1;2,\n");
    nas_test_ok(nas_csv_find(csv, "accuracy", &column));
    assert_int_equal(column, 1);
    nas_test_fails(nas_csv_find(csv, "acuracy", &column), NAS_CONFIG, "mean \"accuracy\"");
    nas_test_fails(nas_csv_find(csv, "x", &column), NAS_DATA, "columns 3 and 4");
    nas_test_ok(nas_csv_next(csv, &more));
    nas_test_ok(nas_csv_number(csv, 0, &value));
    assert_true(value == -1500);
    nas_test_ok(nas_csv_number(csv, 1, &value));
    assert_true(isnan(value));
    nas_test_ok(nas_csv_number(csv, 2, &value));
    assert_true(value == 2);
    nas_test_ok(nas_csv_next(csv, &more));
    nas_test_fails(nas_csv_number(csv, 2, &value), NAS_DATA, "test.csv:3: \"1;2\" is no number");
    nas_csv_close(csv);
}

static void expect_refused(const char *text, const char *message)
{
    bool more = true;
    nas_csv *csv = open_text(text);
    nas_status status = NAS_OK;
    while (status == NAS_OK && more)
        status = nas_csv_next(csv, &more);
    nas_test_fails(status, NAS_DATA, message);
    nas_csv_close(csv);
}

static void refuses_with_the_line(void **state)
{
    nas_csv *csv = NULL;
    (void)state;
    expect_refused("a,b\n1,2\n1\n", "test.csv:3: 1 cells");
    expect_refused("a,b\n\"x\ny\",2\n1,2,3\n", "test.csv:4: 3 cells");
    expect_refused("a,b\n1,\"2\n3\n", "test.csv:2: a quote");
    expect_refused("a,b\n1,\"2\"3\n", "test.csv:2: text behind the closing quote of cell 2");
    expect_refused("a,b\n\"1\"\r,2\n", "test.csv:2: text behind the closing quote of cell 1");
    nas_test_ok(nas_file_replace(path, "a,b\n1\0,2\n", 9));
    nas_test_ok(nas_csv_open(path, &csv));
    nas_test_fails(nas_csv_next(csv, &(bool){true}), NAS_DATA, "test.csv:2: a NUL");
    nas_csv_close(csv);
    nas_test_ok(nas_file_replace(path, "\n\r\n", 3));
    nas_test_fails(nas_csv_open(path, &csv), NAS_DATA, "empty");
    nas_test_fails(nas_csv_open("none.csv", &csv), NAS_DATA, "No such file");
    nas_test_fails(nas_csv_open(".", &csv), NAS_DATA, "not a regular file");
    unlink("pipe");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    nas_test_fails(nas_csv_open("pipe", &csv), NAS_DATA, "not a regular file");
}

/* Over several buffers, with every state of the reader at a buffer's edge. */
static void reads_long_files_gzipped_too(void **state)
{
    (void)state;
    for (int shift = 0; shift < 8; shift++) {
        gzFile file = gzopen(path, shift % 2 ? "wb" : "wbT");
        assert_non_null(file);
        assert_true(gzprintf(file, "%.*s,b\r\n", shift + 1, "aaaaaaaa") > 0);
        for (int i = 0; i < 20000; i++)
            assert_true(gzprintf(file, "\"%d\"\"\n\",x%d\r\n", i, i) > 0);
        assert_int_equal(gzclose(file), Z_OK);
        nas_csv *csv = NULL;
        nas_test_ok(nas_csv_open(path, &csv));
        for (int i = 0; i < 20000; i++) {
            char first[32], second[32];
            snprintf(first, sizeof first, "%d\"\n", i);
            snprintf(second, sizeof second, "x%d", i);
            expect_row(csv, 2 + 2 * i, ROW(first, second));
        }
        expect_end(csv);
    }
    nas_csv *csv = NULL;
    bool more = true;
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(truncate(path, about.st_size / 2), 0);
    nas_test_ok(nas_csv_open(path, &csv));
    nas_status status = NAS_OK;
    while (status == NAS_OK && more)
        status = nas_csv_next(csv, &more);
    nas_test_fails(status, NAS_DATA, "test.csv: behind line");
    nas_csv_close(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_standard_shows), cmocka_unit_test(reads_what_real_files_do),
        cmocka_unit_test(gives_columns_and_numbers),     cmocka_unit_test(refuses_with_the_line),
        cmocka_unit_test(reads_long_files_gzipped_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
