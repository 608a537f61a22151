/* test_tables.c - CSV tables: classes, labels, numbers, and rows for a model that learned from one.  Files good and hostile. */
#include "data_files.h"

#include <zlib.h>

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/clnas_test_tables_%ld", (long)getpid());
    return nas_folder_make(folder, 0700) == NAS_OK ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"a.csv", "b.csv", "a.csv.gz"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove_file(names[i]);
    return rmdir(folder);
}

static void write_text(const char *name, const char *text)
{
    nas_test_ok(nas_file_replace(path_of(name), text, strlen(text)));
}

/* ---- csv ------------------------------------------------------------------------------------- */

#define CSV(more) "{ type = \"csv\"; path = \"%1$s/a.csv\"; valid = 1; " more " }"

static const char plants[] = "\xef\xbb\xbfid,height,colour,\"leaf, width\",kind,plot\r\n"
                             "1,12.5,red,3,rose,A\r\n"
                             "2, -1e1 ,blue,4,\"ro\"\"se\",B\r\n"
                             "\r\n"
                             "3,7,red,5.25,tulip,A\r\n"
                             "4,.5,green,6,rose,C";

static void csv_is_classified(void **state)
{
    static const float samples[4][5] = {
        {12.5f, 0, 0, 1, 3}, {-10, 1, 0, 0, 4}, {7, 0, 0, 1, 5.25f}, {.5f, 0, 1, 0, 6}};
    static const int32_t labels[4] = {1, 0, 2, 1}; /* ro"se, rose, tulip */
    static const uint32_t groups[4] = {0, 1, 0, 2};
    nas_data *data;
    (void)state;
    write_text("a.csv", plants);
    nas_test_ok(open_data(
        CSV("target = \"kind\"; one_hot = \"colour\"; ignore = \"id\"; group = \"plot\";"), &data));
    const nas_data_content *content = nas_data_content_of(data);
    assert_shape(data, 5, 1, 1);
    assert_int_equal(content->train.count, 4);
    assert_memory_equal(content->train.samples, samples, sizeof samples);
    assert_memory_equal(content->train.labels, labels, sizeof labels);
    assert_memory_equal(content->train.groups, groups, sizeof groups);
    assert_int_equal(content->outputs, 3);
    assert_string_equal(nas_data_output_name(data, 0), "ro\"se");
    assert_string_equal(nas_data_output_name(data, 2), "tulip");
    nas_data_destroy(data);
}

/* Named features in their order, ranges, a shape, a test file with its columns in another order. */
static void csv_is_regressed(void **state)
{
    static const float samples[2][4] = {{4, 1, 2, 3}, {8, 5, 6, 7}},
                       targets[2][2] = {{9, 0}, {10, 1}};
    static const float test[4] = {40, 10, 20, 30};
    nas_data *data;
    (void)state;
    write_text("a.csv", "x0;x1;x2;y;z;w\n1;2;3;9;0;4\n5;6;7;10;1;8\n");
    write_text("b.csv", "w;z;y;x2;x1;x0;more\n40;5;6;30;20;10;none\n");
    nas_test_ok(open_data(CSV("task = \"regress\"; target = [\"y\", \"z\"]; features = [\"w\", "
                              "\"x0..x2\"]; shape = [2, 1, 2]; delimiter = \";\"; test_path = "
                              "\"%1$s/b.csv\";"),
                          &data));
    const nas_data_content *content = nas_data_content_of(data);
    assert_shape(data, 2, 1, 2);
    assert_memory_equal(content->train.samples, samples, sizeof samples);
    assert_memory_equal(content->train.targets, targets, sizeof targets);
    assert_int_equal(content->test.count, 1);
    assert_memory_equal(content->test.samples, test, sizeof test);
    assert_float_equal(content->test.targets[0], 6, 0);
    assert_string_equal(nas_data_output_name(data, 1), "z");
    nas_data_destroy(data);
    write_text("a.csv", "a\ty\n1\t2\n3\t4\n5\t6\n");
    nas_test_ok(open_data(
        CSV("task = \"regress\"; target = \"y\"; delimiter = \"tab\"; test = 0.34;"), &data));
    assert_int_equal(nas_data_content_of(data)->test.count, 1);
    nas_data_destroy(data);
}

static void csv_has_labels(void **state)
{
    static const float columns[6] = {1, 0, 0, 1, 1, 1};
    static const float listed[9] = {0, 1, 1, 0, 0, 0, 1, 0, 1}; /* new, red, round */
    nas_data *data;
    (void)state;
    write_text("a.csv", "x,old,big,tags\n1,1,0,red; round\n2,0,1,\n3,1,1,round;;new;\n");
    nas_test_ok(open_data(
        CSV("task = \"multilabel\"; target = [\"old\", \"big\"]; ignore = \"tags\";"), &data));
    assert_memory_equal(nas_data_content_of(data)->train.targets, columns, sizeof columns);
    assert_string_equal(nas_data_output_name(data, 1), "big");
    nas_data_destroy(data);
    nas_test_ok(
        open_data(CSV("task = \"multilabel\"; target = \"tags\"; features = \"x\";"), &data));
    assert_int_equal(nas_data_outputs(data), 3);
    assert_string_equal(nas_data_output_name(data, 0), "new");
    assert_memory_equal(nas_data_content_of(data)->train.targets, listed, sizeof listed);
    nas_data_destroy(data);
}

/* Classes that are numbers are in the order of numbers; what is missing is the mean of what is there. */
static void csv_fills_and_sorts(void **state)
{
    nas_data *data;
    (void)state;
    write_text("a.csv", "x,c,digit\n1,u,10\nNA,,9\n 4 ,v,100\n");
    nas_test_ok(open_data(CSV("target = \"digit\"; one_hot = \"c\"; missing = \"mean\";"), &data));
    const nas_data_part *part = &nas_data_content_of(data)->train;
    const float samples[9] = {1, 1, 0, 2.5f, 0, 0, 4, 0, 1};
    assert_memory_equal(part->samples, samples, sizeof samples);
    assert_int_equal(part->labels[0], 1);
    assert_int_equal(part->labels[1], 0);
    assert_string_equal(nas_data_output_name(data, 2), "100");
    nas_data_destroy(data);
}

/* ---- hostile tables ---------------------------------------------------------------------------- */

typedef struct hostile {
    const char *text, *config;
    nas_status status;
    const char *message;
} hostile;

static const hostile hostiles[] = {
    {"", CSV("target = \"y\";"), NAS_DATA, "a.csv: empty"},
    {"x,y\n", CSV("target = \"y\";"), NAS_DATA, "no row behind the header"},
    {"x,y\n1,a\n2\n", CSV("target = \"y\";"), NAS_DATA, "a.csv:3: 1 cells"},
    {"x,y\n1,a\n2,b,c\n", CSV("target = \"y\";"), NAS_DATA, "a.csv:3: 3 cells"},
    {"x,y\n1,\"a\n", CSV("target = \"y\";"), NAS_DATA, "a.csv:2: a quote is never closed"},
    {"x,y\n1,\"a\"b\n", CSV("target = \"y\";"), NAS_DATA, "behind the closing quote"},
    {"x,y,x\n1,a,2\n", CSV("target = \"y\";"), NAS_DATA, "columns 1 and 3 are both called \"x\""},
    {",x,y\n0,1,a\n", CSV("target = \"y\";"), NAS_DATA, "column 1 has no name"},
    {"x,kind\n1,a\n", CSV("target = \"kid\";"), NAS_CONFIG, "did you mean \"kind\""},
    {"x,y\n1,a\n", CSV("target = [];"), NAS_CONFIG, "names no column"},
    {"x,y\n1,a\n", CSV("target = [\"y\", \"x\"];"), NAS_CONFIG, "the classes are in one"},
    {"x,y\n1,a\n", CSV("target = \"y\"; features = [\"x\", \"x\"];"), NAS_CONFIG, "named twice"},
    {"x,y\n1,a\n", CSV("target = \"y\"; features = [\"x\", \"y\"];"), NAS_CONFIG,
     "is a feature, and also target"},
    {"x,y\n1,a\n", CSV("target = \"y\"; features = \"y..x\";"), NAS_CONFIG, "behind the last"},
    {"x,y\n1,a\n", CSV("target = \"y\"; ignore = \"x\";"), NAS_DATA, "0 columns of features"},
    {"x,y,g\n1,a,b\n", CSV("target = \"y\"; ignore = \"g\"; one_hot = \"g\";"), NAS_CONFIG,
     "\"g\" is no feature"},
    {"x,y\n1,a\n2,\n", CSV("target = \"y\";"), NAS_DATA,
     "a.csv:3: column 2 (\"y\"): no value; each sample needs a class"},
    {"x,y\n1,a\n,b\n", CSV("target = \"y\";"), NAS_DATA,
     "a.csv:3: column 1 (\"x\"): no value; fill it"},
    {"x,y\n1,a\nnan,b\n", CSV("target = \"y\";"), NAS_DATA, "a.csv:3: column 1 (\"x\"): no value"},
    {"x,y\n1,a\ninf,b\n", CSV("target = \"y\";"), NAS_DATA, "\"inf\" is no number"},
    {"x,y\n1,a\n0x10,b\n", CSV("target = \"y\";"), NAS_DATA, "\"0x10\" is no number"},
    {"x,y\n1,a\n1.5.2,b\n", CSV("target = \"y\";"), NAS_DATA, "\"1.5.2\" is no number"},
    {"x,y\n1,a\n1e,b\n", CSV("target = \"y\";"), NAS_DATA, "\"1e\" is no number"},
    {"x,y\n1,a\n\"1,5\",b\n", CSV("target = \"y\";"), NAS_DATA, "\"1,5\" is no number"},
    {"x,y\n1,a\n1e39,b\n", CSV("target = \"y\";"), NAS_DATA, "1e39 is too large"},
    {"x,y\n1,a\nred,b\n", CSV("target = \"y\";"), NAS_DATA, "data.one_hot"},
    {"x,y\nNA,a\n,b\n", CSV("target = \"y\"; missing = \"mean\";"), NAS_DATA,
     "column \"x\" has no value in any row"},
    {"x,y\n1,2\n2,NA\n", CSV("task = \"regress\"; target = \"y\"; missing = \"mean\";"), NAS_DATA,
     "column 2 (\"y\"): no value; each sample needs its targets"},
    {"x,y\n1,a\n2,b\n", CSV("task = \"regress\"; target = \"y\";"), NAS_DATA,
     "a.csv:2: column 2 (\"y\"): \"a\" is no number"},
    {"x,y,z\n1,1,0\n2,0,3\n", CSV("task = \"multilabel\"; target = [\"y\", \"z\"];"), NAS_DATA,
     "a.csv:3: column 3 (\"z\"): 3; a sample has a label"},
    {"x,y\n1,\n2,;\n", CSV("task = \"multilabel\"; target = \"y\";"), NAS_DATA,
     "no sample has a label"},
    {"x,y\n1,a\n2,\"b\nc\"\n", CSV("target = \"y\";"), NAS_DATA, "has a control character"},
    {"x,\"y\nz\"\n1,3\n2,4\n", CSV("task = \"regress\"; target = \"y\nz\";"), NAS_DATA,
     "has a control character"},
    {"x,y\n1,a\n2,a\n", CSV("target = \"y\";"), NAS_DATA, "has 1 class"},
    {"x,y,g\n1,a,p\n2,b,\n", CSV("target = \"y\"; group = \"g\";"), NAS_DATA,
     "a.csv:3: column 3 (\"g\"): no value; each sample needs its group"},
    {"x,y\n1,a\n2,b\n", CSV("target = \"y\"; shape = [1, 2];"), NAS_CONFIG,
     "must be [ channels, height, width ]"},
    {"x,y\n1,a\n2,b\n", CSV("target = \"y\"; shape = [1048576, 1048576, 1048576];"), NAS_CONFIG,
     "but a sample has 1 numbers"},
    {"x,y\n1,a\n2,b\n", CSV("target = \"y\"; delimiter = \"::\";"), NAS_CONFIG,
     "no single character"},
    {"x,y\n1,a\n2,b\n", CSV("target = \"y\"; test_path = \"%1$s/none.csv\";"), NAS_DATA,
     "none.csv: no such file"},
    {"x,y\n1,a\n2,b\n", CSV("target = \"y\"; test_path = \"%1$s/b.csv\";"), NAS_DATA,
     "b.csv:2: column 1 (\"y\"): \"c\" does not occur in the training file"},
    {"x,y\n1,a\n2,b\n", CSV("target = \"y\"; one_hot = \"x\"; test_path = \"%1$s/b.csv\";"),
     NAS_DATA, "b.csv:2: column 2 (\"x\"): \"3\" is no value that the training file has"},
    {"z,y\n1,a\n2,b\n", CSV("target = \"y\"; test_path = \"%1$s/b.csv\";"), NAS_CONFIG,
     "b.csv has no column \"z\""},
};

static void hostile_tables_are_refused(void **state)
{
    nas_data *data;
    (void)state;
    write_text("b.csv", "y,x\nc,3\n");
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        write_text("a.csv", hostiles[i].text);
        nas_test_fails(open_data(hostiles[i].config, &data), hostiles[i].status,
                       hostiles[i].message);
    }
}

/* A value for each row: too many for classes, and for one-hot columns. */
static void too_many_values_are_refused(void **state)
{
    nas_text text = {0};
    nas_data *data;
    (void)state;
    nas_text_add(&text, "x,y\n");
    for (int i = 0; i < 20000; i++)
        nas_text_format(&text, "%d.5,%d\n", i, i);
    write_text("a.csv", text.data);
    nas_text_clear(&text);
    nas_test_fails(open_data(CSV("target = \"y\";"), &data), NAS_DATA,
                   "a.csv:10002: column 2 (\"y\"): more than 10000 different classes");
    nas_test_fails(open_data(CSV("target = \"y\"; task = \"regress\"; one_hot = \"x\";"), &data),
                   NAS_DATA, "a.csv:258: column 1 (\"x\"): more than 256 different values");
    nas_test_ok(open_data(CSV("target = \"y\"; task = \"regress\";"), &data));
    assert_int_equal(nas_data_content_of(data)->train.count, 20000);
    assert_float_equal(((float *)nas_data_content_of(data)->train.samples)[19999], 19999.5, 0);
    nas_data_destroy(data);
}

static const char *const plants_config =
    CSV("target = \"kind\"; one_hot = \"colour\"; ignore = \"id\"; group = \"plot\";");

/* Opens or is refused as data or config; nothing else, and nothing that a sanitizer minds. */
static bool opens(void)
{
    nas_data *data;
    const nas_status status = open_data(plants_config, &data);
    if (status == NAS_OK)
        nas_data_destroy(data);
    else if (status != NAS_DATA && status != NAS_CONFIG)
        fail_msg("%s: %s", nas_status_name(status), nas_error_message());
    return status == NAS_OK;
}

static void damaged_tables_do_no_harm(void **state)
{
    static const char harm[] = {'"', ',', '\n', '\r', 'e', '-', '\0', '\xff'};
    const size_t size = sizeof plants - 1;
    char text[sizeof plants];
    int opened = 0;
    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        nas_test_ok(nas_file_replace(path_of("a.csv"), plants, cut));
        opened += opens();
    }
    assert_in_range(opened, 2, 20); /* cut within the last cell that is read, or between two rows */
    for (size_t at = 0; at < size; at++)
        for (size_t i = 0; i < sizeof harm; i++) {
            memcpy(text, plants, size);
            text[at] = harm[i];
            nas_test_ok(nas_file_replace(path_of("a.csv"), text, size));
            opens();
        }
}

/* What is compressed tells when it is cut. */
static void cut_gzip_is_refused(void **state)
{
    unsigned char small[1024];
    nas_data *data;
    z_stream stream = {0};
    (void)state;
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)plants;
    stream.avail_in = sizeof plants - 1;
    stream.next_out = small;
    stream.avail_out = sizeof small;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    remove_file("a.csv");
    for (size_t cut = 0; cut <= stream.total_out; cut++) {
        nas_test_ok(nas_file_replace(path_of("a.csv.gz"), small, cut));
        if (cut == stream.total_out)
            nas_test_ok(open_data(plants_config, &data));
        else if (cut < 2) /* not yet told by its magic number: a header without the columns */
            nas_test_fails(open_data(plants_config, &data), cut ? NAS_CONFIG : NAS_DATA,
                           "a.csv.gz");
        else
            nas_test_fails(open_data(plants_config, &data), NAS_DATA, "a.csv.gz");
    }
    deflateEnd(&stream);
    nas_data_destroy(data);
    remove_file("a.csv.gz");
}

/* ---- new rows ----------------------------------------------------------------------------------- */

/* Rows of another file, columns in another order and no target among them, are the samples that the data set makes of the same rows. */
static void new_rows_are_samples(void **state)
{
    static const char old[] =
        "x,kind,y,price\n1.5,\"a;b\",3,10\n2,plain,,20\n-4,\"a;b\",5,30\n0,other,7,40\n";
    static const char new[] = "kind,nothing,y,x\nplain,?,,2\n\"a;b\",1,3,1.5\n";
    static const int rows[] = {1, 0};
    nas_data_words words = {0};
    nas_table *table;
    nas_data *data;
    float values[8];
    bool more;
    (void)state;
    write_text("a.csv", old);
    write_text("b.csv", new);
    nas_test_ok(
        open_data("{ type = \"csv\"; path = \"%s/a.csv\"; target = \"price\"; task = \"regress\"; "
                  "one_hot = [ \"kind\" ]; missing = \"mean\"; valid = 1; }",
                  &data));
    nas_test_ok(nas_data_describe(data, &words));
    nas_test_ok(nas_table_open(words.columns.data, "model", path_of("b.csv"), &table));
    const int width = nas_table_width(table);
    const float *samples = nas_data_content_of(data)->train.samples;
    assert_int_equal(width, 5);
    for (int i = 0; i < 2; i++) {
        nas_test_ok(nas_table_next(table, values, &more));
        assert_true(more);
        assert_memory_equal(values, samples + rows[i] * width, (size_t)width * sizeof *values);
    }
    assert_float_equal(samples[width + 4], 5, 0); /* the mean of 3, 5 and 7 */
    nas_test_ok(nas_table_next(table, values, &more));
    assert_false(more);
    nas_table_close(table);
    write_text("b.csv", "kind,x\nplain,2\n");
    nas_test_fails(nas_table_open(words.columns.data, "model", path_of("b.csv"), &table),
                   NAS_CONFIG, "\"y\"");
    write_text("b.csv", "kind,x,y\nstrange,2,3\n");
    nas_test_ok(nas_table_open(words.columns.data, "model", path_of("b.csv"), &table));
    nas_test_fails(nas_table_next(table, values, &more), NAS_DATA, "b.csv:2: column 1");
    nas_table_close(table);
    nas_test_fails(nas_table_open("{ delimiter = \",\"; missing = \"mean\"; features = ( { } ); }",
                                  "model", path_of("b.csv"), &table),
                   NAS_DATA, "damaged");
    nas_test_fails(nas_table_open("{ features = 3; }", "model", path_of("b.csv"), &table), NAS_DATA,
                   "damaged");
    nas_data_words_clear(&words);
    nas_data_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_classified),
        cmocka_unit_test(csv_is_regressed),
        cmocka_unit_test(csv_has_labels),
        cmocka_unit_test(csv_fills_and_sorts),
        cmocka_unit_test(hostile_tables_are_refused),
        cmocka_unit_test(new_rows_are_samples),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(damaged_tables_do_no_harm),
        cmocka_unit_test(cut_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
