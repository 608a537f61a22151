/* test_images.c - folders of images as data sets: names, labels, test images, and folders that are hostile. */
#include "image_folder.h"

#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ---------------------------------------------------------------------------------- */

static void folders_are_classes(void **state)
{
    nas_data *data;
    (void)state;
    add("pear/b.png", 8, 8, 21);
    add("pear/a.png", 8, 8, 20);
    add("pear/more/deep/c.jpg.txt", 8, 8, 22); /* known by what it is */
    add("Zebra \xc3\xa9/x y.png", 8, 8, 40);
    add("Zebra \xc3\xa9/z\nz\x01.png", 8, 8, 41);
    add("\xc3\xa9toile/1.png", 8, 8, 60);
    add("\xc3\xa9toile/2.png", 8, 8, 61);
    add_text("pear/.hidden", "");
    add_text("pear/.DS_Store", "x");
    add_text("pear/Thumbs.db", "x");
    add_text("README.txt", "about");
    make_test_folder(in_root(".git"));
    nas_test_ok(open_images("size = 8;", &data));
    assert_int_equal(nas_data_outputs(data), 3);
    assert_string_equal(nas_data_output_name(data, 0), "Zebra \xc3\xa9");
    assert_string_equal(nas_data_output_name(data, 1), "pear");
    assert_string_equal(nas_data_output_name(data, 2), "\xc3\xa9toile");
    assert_string_equal(part_text(data, false), "40:0 41:0 20:1 21:1 22:1 60:2 61:2");
    assert_int_equal(nas_data_content_of(data)->test.count, 0);
    assert_true(logged("1 files beside the class folders are not used (README.txt"));
    nas_data_words words = {0};
    nas_test_ok(nas_data_describe(data, &words));
    assert_non_null(strstr(words.preprocessing.data, "image = { size = [8, 8]; channels = 1; "));
    assert_string_equal(words.classes.data, "Zebra \xc3\xa9\npear\n\xc3\xa9toile\n");
    nas_data_words_clear(&words);
    nas_data_destroy(data);
}

static void folders_name_the_test_images(void **state)
{
    nas_data *data;
    (void)state;
    add_class("train/a", 3, 10);
    add_class("train/b", 2, 20);
    add_class("test/b", 1, 30);
    make_test_folder(in_root("test/a"));
    add_class("valid/a", 1, 90);
    nas_test_ok(open_images("", &data));
    assert_string_equal(part_text(data, false), "10:0 11:0 12:0 20:1 21:1");
    assert_string_equal(part_text(data, true), "30:1");
    assert_true(logged("/valid is not used"));
    nas_data_destroy(data);
    add_class("test/c", 1, 50);
    expect_refused("", "test/c: no such class");
    remove_tree(in_root("test"));
    nas_test_ok(open_images("test = 0.4;", &data)); /* then they are set aside */
    assert_int_equal(nas_data_content_of(data)->test.count, 2);
    nas_data_destroy(data);
    remove_tree(in_root("valid"));
    remove_tree(in_root("train")); /* a class may be called train */
    add_class("train", 2, 10);
    add_class("bus", 2, 20);
    nas_test_ok(open_images("", &data));
    assert_string_equal(part_text(data, false), "20:0 21:0 10:1 11:1");
    nas_data_destroy(data);
}

static void test_images_do_not_follow_the_study(void **state)
{
    nas_data *data, *other;
    char first[4096];
    int classes[3] = {0};
    (void)state;
    add_class("a", 20, 0);
    add_class("b", 40, 60);
    add_class("c", 10, 120);
    nas_test_ok(open_seeded("test = 0.1;", 1, &data));
    snprintf(first, sizeof first, "%s", part_text(data, true));
    const nas_data_part *part = &nas_data_content_of(data)->test;
    assert_int_equal(part->count, 7);
    for (uint32_t i = 0; i < part->count; i++)
        classes[part->labels[i]]++;
    assert_true(classes[0] == 2 && classes[1] == 4 && classes[2] == 1);
    nas_test_ok(open_seeded("test = 0.1;", 2, &other));
    assert_string_equal(part_text(other, true), first);
    nas_data_destroy(other);
    nas_test_ok(open_seeded("test = 0.1; test_seed = 2;", 1, &other));
    assert_string_not_equal(part_text(other, true), first);
    nas_data_destroy(other);
    nas_data_destroy(data);
}

static void sizes_are_made_or_must_be_alike(void **state)
{
    nas_data *data;
    (void)state;
    add("a/1.png", 8, 6, 10);
    add("a/2.png", 8, 6, 11);
    add("b/1.png", 8, 6, 12);
    nas_test_ok(open_images("", &data));
    assert_int_equal(nas_data_shape(data).h, 8);
    assert_int_equal(nas_data_shape(data).w, 6);
    nas_data_destroy(data);
    add("b/2.png", 6, 8, 13);
    nas_test_fails(open_images("", &data), NAS_CONFIG, "b/2.png has 6×8 pixels");
    nas_test_ok(open_images("size = [4, 5];", &data));
    assert_int_equal(nas_data_shape(data).h, 4);
    assert_int_equal(nas_data_shape(data).w, 5);
    assert_string_equal(part_text(data, false), "10:0 11:0 12:1 13:1");
    nas_data_destroy(data);
    nas_test_fails(open_images("size = [1, 2, 3];", &data), NAS_CONFIG, "[height, width]");
    nas_test_fails(open_images("size = [0, 8];", &data), NAS_CONFIG, "[height, width]");
}

/* ---- hostile folders -------------------------------------------------------------------------- */

static void empty_classes_are_named(void **state)
{
    nas_data *data;
    (void)state;
    expect_refused("", "holds no folders");
    add_class("a", 3, 10);
    expect_refused("", "has 1 class");
    make_test_folder(in_root("b"));
    expect_refused("", "/b: the class folder is empty");
    add_class("b", 1, 20);
    nas_test_ok(open_images("valid = 2;", &data));
    nas_data_destroy(data);
    remove_tree(root);
    expect_refused("", "no such folder");
    for (int i = 0; i < 10; i++) { /* one image in each: a test share leaves some without */
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        add_class(name, 1, i);
    }
    expect_refused("test = 0.2;", "has no image left for training (1 for test)");
}

static void unreadable_files_are_listed(void **state)
{
    nas_data *data;
    (void)state;
    add_class("a", 4, 10);
    add_class("b", 3, 20);
    add_text("a/0.txt", "no image");
    add_text("b/1.png", "\x89PNG\r\n\x1a\n");
    assert_int_equal(symlink("nowhere", in_root("b/9.png")), 0);
    assert_int_equal(mkfifo(in_root("b/8.png"), 0600), 0);
    expect_refused("", "4 of 10 images cannot be read; mend or remove them, or set "
                       "data.skip_unreadable = true:\n  ");
    static const char *const parts[] = {"a/0.txt: neither PNG nor JPEG", "b/1.png: PNG: the file",
                                        "b/9.png: cannot open it", "b/8.png: not a regular file"};
    for (int i = 0; i < 4; i++)
        assert_non_null(strstr(nas_error_message(), parts[i]));
    nas_test_ok(open_images("skip_unreadable = true;", &data));
    assert_string_equal(part_text(data, false), "10:0 11:0 12:0 13:0 20:1 22:1");
    assert_true(logged("4 of 10 images cannot be read and are left out:"));
    nas_data_destroy(data);
    expect_refused("", parts[1]); /* from the cache, which knows no reasons */
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "b/bad %d", i);
        add_text(name, "");
    }
    expect_refused("", "and 14 more");
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "b/%d.png", i);
        add_text(name, "");
    }
    expect_refused("skip_unreadable = true;", "class \"b\" has no image left");
    remove_tree(in_root("a"));
    add("a/1.png", 3, 3, 1);
    add_text("a/1.png", "");
    expect_refused("skip_unreadable = true;", "none of the");
}

static void strange_images_are_read(void **state)
{
    static const uint8_t cmyk[4] = {50, 50, 50, 255}, deep[2] = {128, 0};
    nas_data *data;
    (void)state;
    add_class("a", 2, 10);
    make_test_folder(in_root("b"));
    write_jpeg(in_root("b/cmyk.jpg"), 1, 1, (jpeg_kind){.in = JCS_CMYK, .stored = JCS_CMYK}, cmyk);
    write_png(in_root("b/deep.png"), 1, 1, (png_kind){PNG_COLOR_TYPE_GRAY, 16, false, NULL}, deep);
    nas_test_ok(open_images("size = 8;", &data));
    assert_string_equal(part_text(data, false), "10:0 11:0 50:1 128:1");
    nas_data_destroy(data);
}

static void loops_and_bad_names_are_refused(void **state)
{
    nas_data *data;
    char name[300];
    (void)state;
    add_class("a", 2, 10);
    add_class("elsewhere/b", 2, 20);
    assert_int_equal(symlink("elsewhere/b", in_root("c")), 0); /* a link to a folder is one */
    remove_tree(in_root("elsewhere/none"));
    nas_test_ok(open_images("", &data));
    assert_string_equal(part_text(data, false), "10:0 11:0 20:1 21:1 20:2 21:2");
    nas_data_destroy(data);
    assert_int_equal(symlink("..", in_root("elsewhere/up")), 0);
    expect_refused("", "links back");
    remove_tree(in_root("elsewhere/up"));
    assert_int_equal(symlink("loop", in_root("a/loop")), 0);
    expect_refused("", "loop: cannot open it");
    remove_tree(in_root("a/loop"));
    add_class("new\nline", 1, 30);
    expect_refused("", "\"new?line\" has a control character");
    remove_tree(in_root("new\nline"));
    add_class("\xc3(", 1, 30);
    expect_refused("", "is not UTF-8");
    remove_tree(in_root("\xc3("));
    memset(name, 'x', 255);
    name[255] = '\0';
    add("d/1.png", 8, 8, 1);
    for (int depth = 0; depth < 20; depth++) { /* a path that is too long, made step by step */
        if (depth == 0)
            assert_int_equal(chdir(in_root("d")), 0);
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(name), 0);
    }
    for (int depth = 0; depth < 22; depth++)
        assert_int_equal(chdir(".."), 0);
    expect_refused("", "at most 4095 are read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(folders_are_classes),
        IN_FOLDER(folders_name_the_test_images),
        IN_FOLDER(test_images_do_not_follow_the_study),
        IN_FOLDER(sizes_are_made_or_must_be_alike),
        IN_FOLDER(empty_classes_are_named),
        IN_FOLDER(unreadable_files_are_listed),
        IN_FOLDER(strange_images_are_read),
        IN_FOLDER(loops_and_bad_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
