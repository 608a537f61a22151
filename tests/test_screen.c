/* test_screen.c - the screen of `clnas status --watch` at many sizes: nothing is wider or higher than the terminal, by the widths that the C
 * library knows, and nothing that a study says steers it. */
#define _GNU_SOURCE /* wcwidth */
#include "nas_test.h"

#include "cli/cli.h"

#include <locale.h>
#include <math.h>
#include <wchar.h>

/* ---- a study ---------------------------------------------------------------------------------- */

static const char hostile[] = "evil\033[2J\033]0;title\a\r\n\t\x7f\xc2\x9b"
                              "31m\xe2\x80\xae\xff\xfe<b>";

static void commit(nas_study *study, const char *arch, double value, const char *reason)
{
    nas_owner owner;
    nas_trial line, result;
    nas_claim claim;
    bool taken, accepted;
    nas_test_ok(nas_owner_self(&owner));
    nas_trial_init(&line);
    line.arch = (char *)arch;
    line.budget = 1;
    snprintf(line.device, sizeof line.device, "home (0:0 a device)");
    nas_test_ok(nas_study_claim(study, nas_study_count(study), &line, &owner, &claim, &taken));
    if (isnan(value) && !reason)
        return; /* it runs */
    nas_trial_init(&result);
    result.status = reason ? NAS_TRIAL_FAILED : NAS_TRIAL_COMPLETE;
    snprintf(result.reason, sizeof result.reason, "%s", reason ? reason : "");
    if (!reason)
        nas_test_ok(nas_trial_set_metric(&result, "valid_accuracy", value, false));
    nas_test_ok(nas_study_commit(study, &claim, &result, &accepted));
    assert_true(accepted);
    nas_trial_clear(&result);
}

static nas_watch_view view;
static nas_config config;

static nas_device_use use_called(const char *name, const char *state, const char *trouble)
{
    nas_device_use use = {.state = state, .trial = 9, .progress = 0.25, .busy = 0.5, .done = 4};
    snprintf(use.name, sizeof use.name, "%s", name);
    snprintf(use.trouble, sizeof use.trouble, "%s", trouble);
    use.lost = trouble[0] != '\0';
    return use;
}

/* Ten trials: 0 … 6 complete, two failed, one runs. */
static nas_study *make(const char *words)
{
    nas_study *study;
    nas_test_ok(nas_study_create(NULL, NULL, &study));
    for (int i = 0; i < 7; i++)
        commit(study, i == 3 ? words : "1-2-3", 0.5 + 0.05 * ((i * 3) % 7), NULL);
    commit(study, words, NAN, "the loss became nan");
    commit(study, "4-4", NAN, words);
    commit(study, words, NAN, NULL);
    config = (nas_config){.objectives = {.count = 1, .item = {{"valid_accuracy", NAS_GOAL_MAX}}}};
    snprintf(config.study, sizeof config.study, "%s", words);
    config.budget.lease_s = 60;
    view = (nas_watch_view){.state = NAS_WATCH_SEARCH, .study = study, .config = &config};
    view.looked_ms = 1760000000000;
    view.begun_ms = view.looked_ms - 600000;
    view.best_ms = view.looked_ms - 60000;
    view.best_words = words;
    nas_progress *p = &view.progress;
    *p = (nas_progress){.done = 9, .failed = 2, .running = 1, .total = 18, .has_best = true};
    p->best_index = 2;
    p->best_value = 0.8;
    p->best_metric = "valid_accuracy";
    p->job_name = "";
    p->run_s = p->elapsed_s = 600;
    p->per_minute = 0.9;
    p->eta_s = 600;
    p->uses[0] = use_called("home", "works", "");
    p->uses[1] = use_called(words, "is dropped", words);
    p->use_count = 2;
    return study;
}

/* ---- drawing ----------------------------------------------------------------------------------- */

static char *draw(int columns, int rows, bool colours, bool unicode, const char *path)
{
    nas_text text = {0};
    const cli_look look = {.columns = columns,
                           .rows = rows,
                           .colours = colours,
                           .unicode = unicode,
                           .path = path,
                           .message = "",
                           .keys = "q leaves"};
    nas_test_ok(cli_screen_draw(&view, &look, &text));
    return text.data;
}

/* Without colours, and in a buffer of its own. */
static void plain(const char *line, size_t length, char *to)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\033')
            while (line[i] != 'm')
                assert_true(++i < length);
        else
            *to++ = line[i];
    *to = '\0';
}

/* Lines; each of them fits. */
static int check_lines(const char *text, int columns)
{
    char line[4096];
    wchar_t wide[4096];
    int count = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1, count++) {
        plain(at, strcspn(at, "\n"), line);
        const size_t length = mbstowcs(wide, line, 4096);
        assert_int_not_equal(length, (size_t)-1);
        const int width = wcswidth(wide, length);
        if (width < 0 || width > columns)
            fail_msg("%d columns instead of %d: %s", width, columns, line);
    }
    return count;
}

static void screens_fit(void **state)
{
    static const int columns[] = {1, 10, 20, 40, 80, 200}, rows[] = {0, 1, 3, 6, 10, 24, 60};
    static const char *const words[] = {
        "conv3x3(16) sep_conv3x3(32)/2 max_pool conv5x5(64)",
        "学習の名前がとても長いので切られる必要があるかもしれません",
        "e\xcc\x81\xcc\x82 a\xcc\x81 combining", hostile};
    (void)state;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        nas_study *study = make(words[k]);
        char *whole = draw(200, 0, false, true, words[k]);
        const int all = check_lines(whole, 200);
        free(whole);
        assert_in_range(all, 20, 40);
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
                char *text = draw(columns[i], rows[j], j % 2, true, words[k]);
                const int count = check_lines(text, columns[i]);
                assert_int_equal(count, rows[j] && rows[j] < all ? rows[j] : all);
                free(text);
            }
        nas_study_close(study);
    }
}

static void expect(const char *text, const char *part, bool there)
{
    if ((strstr(text, part) != NULL) != there)
        fail_msg("\"%s\" is %s in:\n%s", part, there ? "not" : "", text);
}

static void a_screen_says_what_is_so(void **state)
{
    nas_study *study = make("conv3x3(16)");
    char *text = draw(120, 0, false, true, "a.study");
    (void)state;
    expect(text, "a.study  searching", true);
    expect(text, "50 %  9/18 trials", true);
    expect(text, "10:00 left", true);
    expect(text, "complete 7  failed 2  running 1", true);
    expect(text, "0.8000 valid_accuracy, trial 2", true);
    expect(text, "(1:00 ago)", true);
    expect(text, "0.5 to 0.8", true); /* first and last of the best so far */
    expect(text, "is dropped", true);
    expect(text, "1 worker lost", true);
    expect(text, "the loss became nan", true);
    expect(text, "0.9/min now", true);
    free(text);
    /* what matters most stays longest */
    text = draw(80, 4, false, true, "a.study");
    expect(text, "a.study", true);
    expect(text, "9/18", true);
    expect(text, "left", true);
    expect(text, "0.8000", true);
    expect(text, "recent", false);
    free(text);
    text = draw(80, 8, false, true, "a.study");
    expect(text, "complete 7", true);
    expect(text, "recent", false);
    free(text);
    text = draw(80, 0, true, false, "a.study"); /* a terminal without Unicode */
    for (const char *at = text; *at; at++)
        assert_true((unsigned char)*at < 0x80);
    free(text);
    nas_study_close(study);
}

static void histories_are_to_scale(void **state)
{
    nas_study *study;
    char *text;
    (void)state;
    nas_study_close(make("x"));
    nas_test_ok(nas_study_create(NULL, NULL, &study));
    view.study = study;
    static const double values[] = {0.25, 0.5, 0, 1, 0.75};
    for (int i = 0; i < 5; i++)
        commit(study, "1", values[i], NULL);
    text = draw(80, 0, false, false, "a.study");
    expect(text, "24097 0 ", true); /* a tenth of the range each */
    expect(text, "03399 0.25 to 1", true);
    free(text);
    text = draw(80, 0, false, true, "a.study");
    expect(text, "⣠⣸⡆", true); /* 1, 2, 1, 4, 3 of four dots */
    free(text);
    nas_study_close(study);
}

static void nothing_steers_the_terminal(void **state)
{
    nas_study *study = make(hostile);
    char *text = draw(200, 0, false, true, hostile);
    (void)state;
    for (const char *at = text; *at; at++) {
        const unsigned char c = (unsigned char)*at;
        assert_true(c == '\n' || (c >= 0x20 && c != 0x7f && c != 0xff && c != 0xfe));
        assert_false(c == 0xc2 && (unsigned char)at[1] < 0xa0);
    }
    expect(text, "\xe2\x80\xae", false);
    expect(text, "<b>", true);
    free(text);
    nas_study_close(study);
}

/* Cells of listings and lines of a screen go by one rule. */
static void listings_steer_no_terminal(void **state)
{
    static const char *const cases[][2] = {
        {"plain, ünïcödé, 学習 𝄞?", "plain, ünïcödé, 学習 𝄞?"},
        {"a\033[2Jb\x7f", "a?[2Jb?"},
        {"a\xc2\x9b"
         "31mb\xc2\x80\xc2\x9f",
         "a?31mb??"},
        {"\xc2\xa0\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf.", "\xc2\xa0???."},
        {"\xff\xc0\xaf\xe4\xb8", "?????"},
        {"two\nlines,\ta tab\r", "two\nlines,\ta tab?"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_listing listing = {.name = "texts"};
        cli_listing_column(&listing, "text", true);
        cli_listing_row(&listing);
        cli_listing_text(&listing, "text", cases[i][0]);
        assert_string_equal(cli_listing_cell(&listing, 0, 0)->text, cases[i][1]);
        cli_listing_clear(&listing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screens_fit),
        cmocka_unit_test(a_screen_says_what_is_so),
        cmocka_unit_test(histories_are_to_scale),
        cmocka_unit_test(nothing_steers_the_terminal),
        cmocka_unit_test(listings_steer_no_terminal),
    };
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 77;
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
