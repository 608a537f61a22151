/* test_image_table.c - tables of images as data sets: classes, labels, numbers, groups, and tables that are wrong. */
#include "image_folder.h"

#include <unistd.h>

/* ---- tables ----------------------------------------------------------------------------------- */

static const char *target_text(const nas_data *data)
{
    static char text[1024];
    const nas_data_content *content = nas_data_content_of(data);
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < content->train.count; i++)
        for (int k = 0; k < content->outputs; k++)
            used += (size_t)snprintf(
                text + used, sizeof text - used, "%s%g",
                k   ? ","
                : i ? " "
                    : "",
                (double)content->train.targets[(size_t)i * (size_t)content->outputs + (size_t)k]);
    return text;
}

static void tables_tell_classes(void **state)
{
    nas_data *data;
    char text[1024], absolute[512];
    (void)state;
    add("x/1.png", 8, 8, 10);
    add("x/a, b\n.png", 8, 8, 11);
    add("x/3.png", 8, 8, 12);
    add("x/4.png", 8, 8, 13);
    assert_non_null(getcwd(absolute, sizeof absolute));
    snprintf(text, sizeof text,
             "note,label,file,split\nn,pear,x/1.png,train\n,apple,\"x/a, b\n.png\",test\n"
             "n,apple,x/3.png,train\n,pear,%s/%s,train\n",
             absolute, in_root("x/4.png"));
    add_text("list.csv", text);
    nas_test_ok(open_images("csv = \"list.csv\";", &data));
    assert_string_equal(part_text(data, false), "10:1 12:0 13:1");
    assert_string_equal(part_text(data, true), "11:0");
    assert_string_equal(nas_data_output_name(data, 0), "apple");
    nas_data_destroy(data);
}

static void tables_tell_labels_and_numbers(void **state)
{
    nas_data *data;
    (void)state;
    add_class("x", 3, 10);
    add_text("labels.csv", "file,label\nx/0.png,sea; sky\nx/1.png,\nx/2.png,sky;cliff;sky\n");
    nas_test_ok(open_images("csv = \"labels.csv\"; task = \"multilabel\";", &data));
    assert_int_equal(nas_data_outputs(data), 3);
    assert_string_equal(nas_data_output_name(data, 0), "cliff");
    assert_string_equal(target_text(data), "0,1,1 0,0,0 1,0,1");
    nas_data_destroy(data);
    add_text("labels.csv", "file,label\nx/0.png,10;; 9 ;\nx/1.png, ;\nx/2.png,;9\n");
    nas_test_ok(open_images("csv = \"labels.csv\"; task = \"multilabel\";", &data));
    assert_string_equal(nas_data_output_name(data, 0), "10"); /* by bytes, as folders are */
    assert_string_equal(target_text(data), "1,1 0,0 0,1");
    nas_data_destroy(data);
    add_text("columns.csv", "file,sky,sea\nx/0.png,1,0\nx/1.png,0,0\nx/2.png,1,1\n");
    nas_test_ok(open_images("csv = \"columns.csv\"; task = \"multilabel\";", &data));
    assert_string_equal(nas_data_output_name(data, 0), "sky");
    assert_string_equal(target_text(data), "1,0 0,0 1,1");
    nas_data_destroy(data);
    add_text("numbers.csv", "age,file,height\n1.5,x/2.png,-2\n3,x/1.png,1e3\n4,x/0.png,0\n");
    nas_test_ok(open_images("csv = \"numbers.csv\"; task = \"regress\";", &data));
    assert_string_equal(nas_data_output_name(data, 1), "height");
    assert_string_equal(target_text(data), "1.5,-2 3,1000 4,0");
    const nas_data_part *part = &nas_data_content_of(data)->train;
    assert_int_equal(level_of(part, 0, 64), 12);
    nas_data_destroy(data);
    add_text("x/1.png", "");
    nas_test_ok(
        open_images("csv = \"numbers.csv\"; task = \"regress\"; skip_unreadable = true;", &data));
    assert_string_equal(target_text(data), "1.5,-2 4,0");
    nas_data_destroy(data);
    nas_test_fails(open_images("task = \"regress\";", &data), NAS_CONFIG, "give data.csv");
}

static void expect_table(const char *text, nas_status wanted, const char *task, const char *message)
{
    nas_data *data = NULL;
    char more[128];
    snprintf(more, sizeof more, "csv = \"t.csv\"; task = \"%s\";", task);
    add_text("t.csv", text);
    nas_test_fails(open_images(more, &data), wanted, message);
}

static void bad_tables_are_refused(void **state)
{
    static const char classify[] = "classify", multi[] = "multilabel", regress[] = "regress";
    (void)state;
    add_class("x", 3, 10);
    expect_table("", NAS_DATA, classify, "empty");
    expect_table("file,label\n", NAS_DATA, classify, "no rows");
    expect_table("fyle,label\nx/0.png,a\n", NAS_CONFIG, classify, "mean \"fyle\"");
    expect_table("file,class\nx/0.png,a\n", NAS_CONFIG, classify, "no column \"label\"");
    expect_table("file,label\nx/0.png,a\nx/1.png\n", NAS_DATA, classify, "t.csv:3: 1 cells");
    expect_table("file,label\nx/0.png,a\nx/1.png,\n", NAS_DATA, classify, "t.csv:3: no label");
    expect_table("file,label\nx/0.png,a\n,b\n", NAS_DATA, classify, "t.csv:3: no file");
    expect_table("file,label\nx/0.png,a\nx/1.png,b\nx/0.png,b\n", NAS_DATA, classify,
                 "x/0.png stands in lines 2 and 4");
    expect_table("file,label,split\nx/0.png,a,train\nx/1.png,b,valid\n", NAS_DATA, classify,
                 "t.csv:3: split is \"valid\"");
    expect_table("file,label\nx/0.png,a\nx/7.png,b\n", NAS_DATA, classify, "x/7.png");
    expect_table("file,label\nx/0.png,a\nx/1.png,\"b\nc\"\n", NAS_DATA, classify, "control");
    expect_table("file,label,split\nx/0.png,a,train\nx/1.png,b,test\n", NAS_DATA, classify,
                 "class \"b\" has no image left for training (1 for test)");
    expect_table("file,label,label\nx/0.png,a,b\n", NAS_DATA, classify, "both called \"label\"");
    expect_table("file,a,b\nx/0.png,0,2\n", NAS_DATA, multi, "t.csv:2: column \"b\" is 2");
    expect_table("file\nx/0.png\n", NAS_DATA, multi, "0 columns of labels");
    expect_table("file,label\nx/0.png,\n", NAS_DATA, multi, "0 different labels");
    expect_table("file,a\nx/0.png,\n", NAS_DATA, regress, "t.csv:2: column \"a\" is nan");
    expect_table("file,a\nx/0.png,1e39\n", NAS_DATA, regress, "finite");
    expect_table("file,a\nx/0.png,tall\n", NAS_DATA, regress, "t.csv:2: \"tall\" is no number");
}

static void groups_are_not_divided(void **state)
{
    nas_data *data;
    nas_text text = {0};
    (void)state;
    nas_text_add(&text, "file,label,group\n");
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "x/%d.png", i);
        add(name, 2, 2, (uint8_t)i);
        if (i < 195) /* groups of five neighbours, and five images alone */
            nas_text_format(&text, "%s,%c,g%d\n", name, 'a' + i % 2, i / 5);
        else
            nas_text_format(&text, "%s,%c,\n", name, 'a' + i % 2);
    }
    add_text("list.csv", text.data);
    nas_text_clear(&text);
    nas_test_ok(open_images("csv = \"list.csv\"; test = 0.25; valid = 30;", &data));
    int side[200];
    memset(side, -1, sizeof side);
    const nas_data_content *content = nas_data_content_of(data);
    for (int split = NAS_SPLIT_TRAIN; split <= NAS_SPLIT_TEST; split++) {
        uint32_t count;
        const uint32_t *members = nas_data_split(data, (nas_split)split, &count);
        const nas_data_part *part = split == NAS_SPLIT_TEST ? &content->test : &content->train;
        for (uint32_t i = 0; i < count; i++)
            side[level_of(part, members[i], 4)] = split;
        if (split != NAS_SPLIT_TRAIN)
            assert_in_range(count, split == NAS_SPLIT_VALID ? 27 : 47,
                            split == NAS_SPLIT_VALID ? 33 : 53);
    }
    for (int i = 0; i < 195; i++)
        assert_int_equal(side[i], side[i / 5 * 5]);
    uint32_t cut[200], count;
    nas_test_ok(nas_data_cut(data, NAS_SPLIT_TRAIN, 0.5, 3, cut, &count));
    bool first[200] = {false};
    for (uint32_t i = 0; i < count; i++)
        first[level_of(&content->train, cut[i], 4)] = true;
    for (int i = 0; i < 195; i++)
        assert_int_equal(first[i], first[i / 5 * 5]);
    nas_data_destroy(data);
}

/* A file's own split is kept, and a group that it divides is told of: that group's lines, and only then. */
static void divided_groups_are_told_of(void **state)
{
    nas_data *data;
    (void)state;
    add_class("x", 5, 10);
    add_text("list.csv", "file,label,group,split\nx/0.png,a,g,train\nx/1.png,b,h,test\n"
                         "x/2.png,b,h,train\nx/3.png,a,,test\nx/4.png,a,,train\n");
    nas_test_ok(open_images("csv = \"list.csv\";", &data));
    assert_true(logged("lines 3 and 4 are of one group") ||
                logged("lines 4 and 3 are of one group"));
    nas_data_destroy(data);
    log_text[0] = '\0';
    add_text("list.csv", "file,label,group,split\nx/0.png,a,g,train\nx/1.png,b,h,test\n"
                         "x/2.png,b,g,train\nx/3.png,a,,test\nx/4.png,a,,train\n");
    nas_test_ok(open_images("csv = \"list.csv\";", &data));
    assert_false(logged("of one group"));
    nas_data_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(tables_tell_classes),        IN_FOLDER(tables_tell_labels_and_numbers),
        IN_FOLDER(bad_tables_are_refused),     IN_FOLDER(groups_are_not_divided),
        IN_FOLDER(divided_groups_are_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
