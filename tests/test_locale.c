/* test_locale.c - in a program that has asked setlocale for decimal commas, as one with a window does, everything is as elsewhere.
 *
 * What pages and pictures hold is in test_report.c and test_drawing.c, the second classifier of cells in test_cells.c. */
#include "session_runs.h"

#include "comma_locale.h"

static void numbers_have_a_point_in_every_locale(void **state)
{
    char formatted[16], *end;
    nas_text text = {0};
    double decimal = 0, hex = 0;
    (void)state;
    if (!set_comma_locale())
        skip();
    nas_format(formatted, sizeof formatted, "%g", 0.5);
    nas_text_format(&text, "%.2f", 1.25);
    const int scanned = nas_scan("0.75 0x1.8p+0", "%lf %la", &decimal, &hex);
    const double read = nas_real_read("2.5;", &end);
    const bool stays = *localeconv()->decimal_point == ',';
    setlocale(LC_ALL, "C");
    assert_string_equal(formatted, "0.5");
    assert_string_equal(text.data, "1.25");
    assert_true(scanned == 2 && decimal == 0.75 && hex == 1.5);
    assert_true(read == 2.5 && *end == ';');
    assert_true(stays);
    nas_text_clear(&text);
}

/* Options, checkpoints and models. */
static void searches_are_the_same_in_every_locale(void **state)
{
    static const char smooth[] = "train.label_smoothing=0.1";
    nas_search_report report;
    (void)state;
    nas_test_ok(search_config(path_of("point.study"), false, smooth, &report));
    if (!set_comma_locale())
        skip();
    const nas_status status = search_config(path_of("comma.study"), false, smooth, &report);
    setlocale(LC_ALL, "C");
    nas_test_ok(status);
    char *point = print_of(path_of("point.study")), *comma = print_of(path_of("comma.study"));
    assert_string_equal(comma, point);
    free(point);
    free(comma);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(searches_are_the_same_in_every_locale),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, make_session_folder, remove_session_folder);
}
