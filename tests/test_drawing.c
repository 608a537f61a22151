/* test_drawing.c - pictures and pages are well-formed XML that holds no more than was drawn, whatever strings and numbers come.
 *
 * The judge is expat, which knows nothing of clnas.  It reads everything that is made here, tells which elements are there, what
 * text they hold, and whether an attribute smells of a script. */
#include "nas_test.h"

#include "comma_locale.h"
#include "page.h"
#include "report/drawing.h"

#include <math.h>

/* ---- text ------------------------------------------------------------------------------------------------------ */

static void check_text(const char *words, const char *wanted)
{
    nas_text text = {0};
    nas_text_add(&text, "<p title=\"");
    nas__xml_text(&text, words);
    nas_text_add(&text, "\">");
    nas__xml_text(&text, words);
    nas_text_add(&text, "</p>");
    page_seen seen = page_look(&text);
    assert_string_equal(seen.text.data, wanted);
    assert_int_equal(seen.elements, 1);
    nas_text_clear(&seen.text);
}

static void test_text(void **state)
{
    (void)state;
    check_text("plain, ünïcödé, 中文 𝄞", "plain, ünïcödé, 中文 𝄞");
    check_text("</script><script>alert(1)</script>", "</script><script>alert(1)</script>");
    check_text("\" onmouseover=\"alert(1)\" ' x", "\" onmouseover=\"alert(1)\" ' x");
    check_text("]]> &amp; &#60; <!-- --> <![CDATA[", "]]> &amp; &#60; <!-- --> <![CDATA[");
    check_text("a\x01\x1f\x7f\x08z", "a\uFFFD\uFFFD\uFFFD\uFFFDz");
    check_text(
        "\xff\xfe|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82",
        "\uFFFD\uFFFD|\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD");
    check_text("\xef\xbf\xbe \xef\xbf\xbf \xc2\x85 \xf0\x9f\xbf\xbe",
               "\uFFFD \uFFFD \uFFFD \uFFFD");
}

/* Every byte alone and every pair of bytes stays one element. */
static void test_every_byte(void **state)
{
    (void)state;
    nas_text text = {0};
    nas_text_add(&text, "<p>");
    for (int a = 1; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char words[3] = {(char)a, (char)b, 0};
            nas__xml_text(&text, words);
        }
    nas_text_add(&text, "</p>");
    page_seen seen = page_look(&text);
    assert_int_equal(seen.elements, 1);
    nas_text_clear(&seen.text);
}

static void test_cut(void **state)
{
    (void)state;
    nas_text text = {0};
    nas__xml_text_cut(&text, "ääää<", 5);
    assert_string_equal(text.data, "ääää&lt;");
    nas_text_reset(&text);
    nas__xml_text_cut(&text, "ääää<b", 5);
    assert_string_equal(text.data, "ääää…");
    nas_text_clear(&text);
    assert_int_equal(nas__text_width("ä<\xff"), 3);
}

/* Into 12 bytes, with a canary behind them: no character is split, nor is one left out that there is room for. */
static void check_fit(const char *words, const char *wanted)
{
    char to[16];
    memset(to, '#', sizeof to);
    nas__text_fit(to, 12, words);
    assert_string_equal(to, wanted);
    assert_memory_equal(to + 12, "####", 4);
    nas__text_fit(to, 12, to); /* where it is already */
    assert_string_equal(to, wanted);
}

static void test_fit(void **state)
{
    (void)state;
    check_fit("", "");
    check_fit("elevenbytes", "elevenbytes");
    check_fit("twelve bytes", "twelve b…");
    check_fit("äöüäöu", "äöüäöu");
    check_fit("äöüäöü", "äöüä…");
    check_fit("1234567äöü", "1234567…");
    check_fit("中文中文中文", "中文…");
    check_fit("12345678\xe4\xb8", "12345678\xe4\xb8");
    check_fit("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
              "\xff\xff\xff\xff\xff\xff\xff\xff…");
}

static void check_words(double width, const char *words, const char *wanted)
{
    nas_text svg = {0};
    nas_text_add(&svg, "<svg>");
    nas__svg_words_within(&svg, "", 0, 0, NAS__START, words, width);
    nas_text_add(&svg, "</svg>");
    page_seen seen = page_look(&svg);
    if (!strstr(seen.text.data, wanted) || strstr(seen.text.data, "\uFFFD"))
        fail_msg("\"%s\" within %g is \"%s\"", words, width, seen.text.data);
    nas_text_clear(&seen.text);
}

static void test_words_within(void **state)
{
    (void)state;
    const double letter = nas__character_width("");
    assert_true(nas__character_width("faint small") < letter);
    check_words(6.1 * letter, "äöüäöü", "äöüäöü");
    check_words(5.9 * letter, "äöüäöü", "äöüä…");
    check_words(2.5 * letter, "中文<文", "中…");
    check_words(0, "ä", "…");
}

static void check_number(void (*add)(nas_text *, double), double value, const char *wanted)
{
    nas_text text = {0};
    add(&text, value);
    assert_string_equal(text.data, wanted);
    nas_text_clear(&text);
}

static void test_numbers(void **state)
{
    (void)state;
    set_comma_locale(); /* where there is one, printf would write a comma */
    check_number(nas__svg_number, 12.3456, "12.35");
    check_number(nas__svg_number, -0.001, "0");
    check_number(nas__svg_number, -7.5, "-7.5");
    check_number(nas__svg_number, NAN, "0");
    check_number(nas__svg_number, 1e300, "0");
    check_number(nas__number_words, 1234567, "1,234,567");
    check_number(nas__number_words, 1000, "1,000");
    check_number(nas__number_words, -999, "-999");
    check_number(nas__number_words, 0.912345, "0.9123");
    check_number(nas__number_words, 0.00012344, "0.0001234");
    check_number(nas__number_words, 3.14159e-9, "3.142e-9");
    check_number(nas__number_words, 9.9999e-7, "1e-6");
    check_number(nas__number_words, 1e300, "1e300");
    check_number(nas__number_words, 99999.7, "100,000");
    check_number(nas__number_words, NAN, "–");
    check_number(nas__number_words, -INFINITY, "−∞");
    check_number(nas__number_percent, 0.97312, "97.31 %");
    check_number(nas__number_duration, 42.4, "0:42");
    check_number(nas__number_duration, 3723, "1:02:03");
    check_number(nas__number_duration, 1e300, "1e300");
    setlocale(LC_ALL, "C");
}

/* ---- axes ------------------------------------------------------------------------------------------------------ */

/* 1, 2 or 5 times a power of ten? */
static bool is_round(double step)
{
    const double mantissa = step / pow(10, floor(log10(step) + 1e-9));
    return fabs(mantissa - 1) < 1e-6 || fabs(mantissa - 2) < 1e-6 || fabs(mantissa - 5) < 1e-6;
}

static void check_axis(nas__axis axis, double low, double high)
{
    nas__axis_fit(&axis, low, high, 6, false);
    assert_in_range(axis.tick_count, 1, NAS__TICKS);
    assert_true(axis.low <= low && axis.high >= high && axis.low < axis.high);
    for (int i = 0; i < axis.tick_count; i++) {
        nas_text label = {0};
        assert_true(axis.ticks[i] >= axis.low - 1e-6 * fmax(fabs(axis.low), axis.step));
        assert_true(axis.ticks[i] <= axis.high + 1e-6 * fmax(fabs(axis.high), axis.step));
        if (axis.step > 0 && i > 0)
            assert_true(fabs((axis.ticks[i] - axis.ticks[i - 1]) / axis.step - 1) < 1e-6);
        if (axis.step == 0)
            assert_true(is_round(axis.ticks[i]));
        nas__axis_label(&axis, axis.ticks[i], &label);
        if (label.length > 12)
            fail_msg("\"%s\" of %g to %g", label.data, low, high);
        nas_text_clear(&label);
    }
    if (axis.step > 0 && !axis.time)
        assert_true(is_round(axis.percent ? 100 * axis.step : axis.step));
}

static void test_axes(void **state)
{
    (void)state;
    static const double sizes[] = {1e-12, 3e-5, 0.07, 1, 3, 48, 999, 12345, 7e8, 2e14};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 4; k++) {
            const nas__axis axis = {.log = k == 1, .time = k == 2, .percent = k == 3};
            check_axis(axis, sizes[i], 1.7 * sizes[i]);
            check_axis(axis, sizes[i], sizes[i]);
            check_axis(axis, sizes[i] / 1000, 37 * sizes[i]);
            if (k != 1)
                check_axis(axis, -sizes[i], 0);
        }
    nas__axis axis = {.log = false};
    nas__axis_fit(&axis, -1e300, 1e308, 6,
                  false); /* beyond what can be drawn: finite all the same */
    assert_true(isfinite(axis.high - axis.low) && axis.tick_count > 1);
}

static void check_labels(nas__axis axis, double low, double high, const char *wanted)
{
    nas_text labels = {0};
    nas__axis_fit(&axis, low, high, 5, false);
    for (int i = 0; i < axis.tick_count; i++) {
        nas_text_add(&labels, i ? "|" : "");
        nas__axis_label(&axis, axis.ticks[i], &labels);
    }
    assert_string_equal(labels.data, wanted);
    nas_text_clear(&labels);
}

static void test_labels(void **state)
{
    (void)state;
    check_labels((nas__axis){0}, 0, 10, "0|2|4|6|8|10");
    check_labels((nas__axis){0}, 0.1, 0.32, "0.10|0.15|0.20|0.25|0.30");
    check_labels((nas__axis){0}, 0, 250000, "0|50k|100k|150k|200k|250k");
    check_labels((nas__axis){0}, 1200000, 3900000, "2M|3M|4M");
    check_labels((nas__axis){.percent = true}, 0.8, 1, "80 %|85 %|90 %|95 %|100 %");
    check_labels((nas__axis){.time = true}, 0, 200, "0:00|1:00|2:00|3:00");
    check_labels((nas__axis){.log = true}, 0.5, 40, "0.5|1|2|5|10|20");
    check_labels((nas__axis){.log = true}, 1, 1e6, "1|100|10k|1M");
}

static void test_places(void **state)
{
    (void)state;
    nas__axis axis = {.log = true, .from = 300, .to = 0};
    nas__axis_fit(&axis, 1, 100, 5, false);
    assert_true(fabs(nas__axis_place(&axis, 10) - 150) < 1e-9);
    assert_true(isnan(nas__axis_place(&axis, 0)));
    assert_true(isnan(nas__axis_place(&axis, -1)));
    assert_true(isnan(nas__axis_place(&axis, INFINITY)));
}

/* ---- charts ---------------------------------------------------------------------------------------------------- */

static page_seen draw(const nas__chart *chart, bool alone)
{
    nas_text svg = {0};
    nas__chart_draw(chart, alone, &svg);
    return page_look(&svg);
}

static page_seen draw_points(nas__mark mark, const double *x, const double *y, int count, bool log)
{
    nas__chart chart = {.title = "t", .x_label = "x", .y_label = "y", .x_log = log, .y_log = log};
    chart.series_count = 1;
    chart.series[0] = (nas__series){.mark = mark, .count = count, .x = x, .y = y};
    return draw(&chart, false);
}

static void test_few_points(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, y[] = {0.5, NAN, 0.25, 0.75}, same[] = {3, 3, 3, 3};
    const double none[] = {NAN, NAN, NAN, NAN}, zeros[] = {0, 10, -1, 1000};
    for (int mark = NAS__LINE; mark <= NAS__POINTS; mark++) {
        page_seen seen = draw_points(mark, x, y, 4, false);
        assert_int_equal(seen.circles, 3);
        nas_text_clear(&seen.text);
        seen = draw_points(mark, x, same, 4, false);
        assert_int_equal(seen.circles, 4);
        nas_text_clear(&seen.text);
        seen = draw_points(mark, x, y, 1, false);
        assert_int_equal(seen.circles, 1);
        nas_text_clear(&seen.text);
        seen = draw_points(mark, x, zeros, 4, true);
        assert_int_equal(seen.circles, 2);
        assert_non_null(strstr(seen.text.data, "2 not above 0"));
        nas_text_clear(&seen.text);
        seen = draw_points(mark, x, none, 4, false);
        assert_int_equal(seen.circles + seen.paths, 0);
        assert_non_null(strstr(seen.text.data, "Nothing to draw yet"));
        nas_text_clear(&seen.text);
        seen = draw_points(mark, x, y, 0, true);
        assert_non_null(strstr(seen.text.data, "Nothing to draw yet"));
        nas_text_clear(&seen.text);
    }
    const double huge[] = {-1e308, 1e308, 0, INFINITY};
    page_seen seen = draw_points(NAS__LINE, huge, huge, 4, false);
    assert_int_equal(seen.circles, 0 + 3 * (seen.circles > 0));
    nas_text_clear(&seen.text);
}

static void say_hostile(const void *user, int i, nas_text *text)
{
    nas_text_format(text, "%s %d", (const char *)user, i);
}

static void test_hostile_chart(void **state)
{
    (void)state;
    static const char attack[] =
        "</title></text></svg></script><script>alert('x\x01\xff\")</script>";
    const double x[] = {1, 2}, y[] = {0, 1}, low[] = {0, 0.5}, high[] = {0.5, 2};
    char *longest = malloc(10241);
    memset(longest, '<', 10240);
    longest[10240] = '\0';
    const char *const names[] = {attack, longest};
    for (int bars = 0; bars < 2; bars++) {
        nas__chart chart = {.title = attack, .x_label = longest, .y_label = attack};
        chart.series_count = 2;
        for (int i = 0; i < 2; i++)
            chart.series[i] = (nas__series){.name = names[i],
                                            .mark = bars ? NAS__BARS : NAS__LINE,
                                            .colour = i,
                                            .count = 2,
                                            .x = x,
                                            .y = y,
                                            .low = bars ? NULL : low,
                                            .high = high,
                                            .hover = say_hostile,
                                            .user = names[i]};
        chart.categories = bars ? names : NULL;
        chart.category_count = bars ? 2 : 0;
        for (int alone = 0; alone < 2; alone++) {
            page_seen seen = draw(&chart, alone);
            assert_non_null(strstr(seen.text.data, "</title></text></svg></script><script>"));
            assert_int_equal(seen.titles, 4);
            assert_true(seen.text.length <
                        4000); /* 10 kB are not written where nobody can read them */
            nas_text_clear(&seen.text);
        }
    }
    free(longest);
}

static void test_many_points(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    double *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    for (int i = 0; i < COUNT; i++) {
        nas_random random = nas_random_make(1, NAS_STREAM_TEST, (uint32_t)i, 0, 0);
        x[i] = i;
        y[i] = i == 12345 ? 40 : nas_random_normal(&random);
    }
    page_seen seen = draw_points(NAS__POINTS, x, y, COUNT, false);
    assert_in_range(seen.circles, 500, 2500);
    assert_non_null(strstr(seen.text.data, " of 20,000 points drawn"));
    assert_non_null(strstr(seen.text.data, "12,345, 40"));
    nas_text_clear(&seen.text);
    seen = draw_points(NAS__LINE, x, y, COUNT, false);
    assert_int_equal(seen.paths, 1);
    assert_in_range(seen.circles, 20, 150);
    nas_text_clear(&seen.text);
    free(x);
    free(y);
}

static void test_thin(void **state)
{
    (void)state;
    /* one column of pixels with a peak and a trough, a gap, one point more */
    const double x[] = {5.1, 5.2, 5.3, 5.4, 5.5, 6, 7, 7.1}, y[] = {3, 9, 3, 0, 4, NAN, 1, 1};
    int kept[8];
    assert_int_equal(nas__thin_line(x, y, 8, kept), 7);
    static const int wanted[] = {0, 1, 3, 4, 5, 6, 7};
    assert_memory_equal(kept, wanted, sizeof wanted);
    assert_int_equal(nas__thin_cloud(x, y, 8, 100, kept), 7);
    assert_int_equal(kept[6], 7);
}

/* ---- pages ----------------------------------------------------------------------------------------------------- */

static void test_page(void **state)
{
    (void)state;
    static const char attack[] =
        "\"><img src=x onerror=alert(1)></td></style><script>\x02</script>";
    static const char *const cells[] = {"trial", "accuracy", attack, "1",  "97.31 %", attack,
                                        "12",    "–",        "x",    "-3", "∞",       "5 apples"};
    static const char *const pairs[][2] = {{attack, attack}, {"a", "b"}};
    static const char *const sections[][2] = {{"first", attack}};
    const double x[] = {1, 2}, y[] = {1, 2};
    nas__chart chart = {.title = attack, .series_count = 1};
    chart.series[0] = (nas__series){.count = 2, .x = x, .y = y};
    nas_text page = {0};
    nas__page_begin(&page, attack, attack);
    nas__page_contents(&page, sections, 1);
    nas__page_section(&page, "first", attack);
    nas__page_words(&page, attack);
    nas__page_heading(&page, attack);
    nas__page_code(&page, attack);
    nas__page_table(&page, cells, 4, 3);
    nas__page_table(&page, cells, 1, 3);
    nas__page_facts(&page, pairs, 2);
    nas__page_figures(&page, pairs, 2);
    nas__page_pictures_begin(&page);
    nas__page_picture_begin(&page, true);
    nas__chart_draw(&chart, false, &page);
    nas__page_picture_end(&page, attack);
    nas__page_pictures_end(&page);
    nas__page_fold_begin(&page, attack);
    nas__page_fold_end(&page);
    nas__page_section_end(&page);
    nas__page_end(&page);
    assert_non_null(strstr(page.data, "<meta http-equiv=\"Content-Security-Policy\" "
                                      "content=\"default-src 'none';"));
    assert_null(strstr(page.data, "http:"));
    assert_null(strstr(page.data, "https:"));
    assert_null(strstr(page.data, "url("));
    assert_non_null(strstr(page.data, "<th class=\"number\">trial</th><th class=\"number\">"));
    assert_null(strstr(page.data, "<td class=\"number\">5 apples"));
    page_seen seen = page_look(&page);
    assert_int_equal(seen.circles, 2);
    nas_text_clear(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),          cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_fit),           cmocka_unit_test(test_words_within),
        cmocka_unit_test(test_axes),          cmocka_unit_test(test_labels),
        cmocka_unit_test(test_places),        cmocka_unit_test(test_few_points),
        cmocka_unit_test(test_hostile_chart), cmocka_unit_test(test_many_points),
        cmocka_unit_test(test_thin),          cmocka_unit_test(test_page),
    };
    return cmocka_run_group_tests_name("drawing", tests, NULL, NULL);
}
