/* test_report.c - pages and pictures of made studies: well-formed, complete, true to the log, and harmless whatever stands in it.
 *
 * A study is written line by line into its file, in one transaction, so that ten thousand trials take a second.
 *
 *   test_report                     the tests
 *   test_report memory              every allocation of a page and of each picture fails, one after another; not only some of them
 *   test_report many COUNT PATH     makes a study of so many trials and keeps it (docs/performance.md)
 *   test_report hostile PATH        and one whose every name is an attack (tests/cli/report.sh) */
#include "nas_test.h"

#include "comma_locale.h"
#include "page.h"

#include <clnas/report.h>

#include <math.h>
#include <unistd.h>

static const char path[] = "made.study";
static const char attack[] = "</title></script><script>document.title='owned'</script>"
                             "<img src=x onerror=alert(1)>\"' onload=\"alert(1) \x01\xff";

/* What a made study is like. */
typedef struct made {
    const char *config; /* text behind the common part */
    int count;
    void (*fill)(int i, nas_trial *trial);
} made;

static const char common[] = "study = \"made\"; seed = 7;\n"
                             "data = { type = \"synthetic\"; valid = 64; };\n"
                             "space = { type = \"chain\"; depth = [ 1, 3 ]; width = [ 8, 16 ]; };\n"
                             "train = { epochs = 3; batch = 32; };\n";

/* ---- making a study ------------------------------------------------------------------------------------------------ */

/* The options as a study keeps them, and the space, for the shape of those data that are there. */
static nas_domain *make_config(const char *more, nas_text *options)
{
    nas_text text = {0};
    nas_domain *domain;
    nas_config *config = calloc(1, sizeof *config);
    if (!strstr(more, "study ="))
        nas_text_add(&text, common);
    nas_text_add(&text, more);
    if (!strstr(more, "budget ="))
        nas_text_add(&text, "budget = { trials = 30; };\n");
    nas_test_ok(nas_config_parse(text.data, "made.cfg", NULL, NULL, 0, config));
    nas_config_write(config, options);
    nas_test_ok(nas_domain_open_group(&config->space, (nas_shape){1, 16, 16}, 10, &domain));
    nas_config_clear(config);
    free(config);
    nas_text_clear(&text);
    return domain;
}

static void put_trial(const nas_domain *domain, const made *recipe, int i, void *handle)
{
    nas_random random = nas_random_make(3, NAS_STREAM_TEST, (uint32_t)i, 0, 0);
    nas_text text = {0};
    nas_arch arch;
    nas_trial trial;
    nas_test_ok(nas_domain_sample(domain, &random, &arch));
    nas_domain_write(domain, &arch, &text);
    nas_trial_init(&trial);
    trial.index = i;
    trial.arch = text.data;
    trial.budget = 3;
    trial.status = NAS_TRIAL_COMPLETE;
    trial.revision = trial.token = i + 1;
    trial.attempts = 1;
    trial.created_ms = trial.started_ms = 1700000000000 + 4000 * (int64_t)i;
    trial.ended_ms = trial.started_ms + 3500;
    trial.seconds = 3.5;
    strcpy(trial.device, "home (0:0 A Device)");
    recipe->fill(i, &trial);
    nas_test_ok(nas_store_sqlite()->put_trial(handle, &trial));
    nas_trial_clear(&trial);
}

static void put_trials(const nas_domain *domain, const made *recipe, const char *where)
{
    const nas_store *store = nas_store_sqlite();
    void *handle;
    nas_test_ok(store->open(where, NAS_STORE_WRITE, &handle));
    nas_test_ok(store->begin(handle, true));
    for (int i = 0; i < recipe->count; i++)
        put_trial(domain, recipe, i, handle);
    nas_test_ok(store->end(handle, true));
    store->close(handle);
}

static void make_study(const made *recipe, const char *where)
{
    nas_text options = {0};
    nas_study *study = NULL;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s' '%s-wal' '%s-shm'", where, where, where);
    assert_int_equal(system(command), 0);
    nas_domain *domain = make_config(recipe->config, &options);
    const nas_study_about about = {"made", options.data, options.data};
    nas_test_ok(nas_study_create(where, &about, &study));
    nas_study_close(study);
    put_trials(domain, recipe, where);
    nas_domain_close(domain);
    nas_text_clear(&options);
}

static double noise(int i, uint32_t what)
{
    nas_random random = nas_random_make(5, NAS_STREAM_TEST, (uint32_t)i, what, 0);
    return nas_random_uniform(&random);
}

static void set(nas_trial *trial, const char *metric, double value, bool measured)
{
    nas_test_ok(nas_trial_set_metric(trial, metric, value, measured));
}

/* 30 trials of which every tenth fails; trial 17 is the best, with 0.9731. */
static void fill_plain(int i, nas_trial *trial)
{
    if (i % 10 == 9) {
        trial->status = NAS_TRIAL_FAILED;
        snprintf(trial->reason, sizeof trial->reason, "parameters is %d, over the bound of 300000",
                 300000 + i);
        return;
    }
    const double accuracy = i == 17 ? 0.9731 : 0.5 + 0.4 * noise(i, 1);
    set(trial, "valid_accuracy", accuracy, false);
    set(trial, "valid_loss", 1 - accuracy, false);
    set(trial, "parameters", 1000 + 100 * i, false);
    set(trial, "macs", 50000 * (i + 1), false);
    for (int epoch = 0; epoch < 3; epoch++)
        nas_test_ok(nas_trial_add_point(trial, "valid_accuracy", accuracy * (epoch + 1) / 3));
}

static const made plain = {"strategy = { type = \"random\"; }; budget = { trials = 30; };", 30,
                           fill_plain};

static page_seen report(void)
{
    nas_text page = {0};
    nas_test_ok(nas_report_write(path, &page));
    return page_look(&page);
}

static void expect(const page_seen *seen, const char *part)
{
    if (!strstr(seen->text.data, part))
        fail_msg("the page lacks \"%s\"", part);
}

static void lack(const page_seen *seen, const char *part)
{
    if (strstr(seen->text.data, part))
        fail_msg("the page has \"%s\"", part);
}

/* Draws every kind; those in `kinds`, with blanks around each, must have something, the others nothing. */
static void check_plots(const char *kinds)
{
    const nas_kind *kind;
    for (int i = 0; (kind = nas_plot_at(i)) != NULL; i++) {
        nas_text svg = {0};
        char word[64];
        snprintf(word, sizeof word, " %s ", kind->name);
        const nas_status status = nas_plot_write(kind->name, path, &svg);
        if ((status == NAS_OK) != (strstr(kinds, word) != NULL))
            fail_msg("plot %s: %s", kind->name, status ? nas_error_message() : "drawn");
        if (status == NAS_OK) {
            assert_int_equal(strncmp(svg.data, "<svg xmlns=", 11), 0);
            page_seen seen = page_look(&svg);
            assert_in_range(seen.elements, 5, 100000);
            nas_text_clear(&seen.text);
        }
        nas_text_clear(&svg);
    }
}

/* ---- the tests ---------------------------------------------------------------------------------------------------- */

static void test_plain(void **state)
{
    (void)state;
    make_study(&plain, path);
    page_seen seen = report();
    static const char *const parts[] = {"What was searched",
                                        "Best networks",
                                        "History",
                                        "Trade-offs",
                                        "Training curves",
                                        "What matters",
                                        "Devices",
                                        "Failures",
                                        "To repeat it",
                                        "97.31 %",
                                        "30 of 30",
                                        "valid_accuracy as high as possible",
                                        "trial 17: valid_accuracy 97.31 %",
                                        "best so far, trial 17",
                                        "parameters is 300009, over the bound of 300000",
                                        "9, 19, 29",
                                        "home (0:0 A Device)",
                                        "clnas resume made.study",
                                        "seed = 7;"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        expect(&seen, parts[i]);
    lack(&seen, "supernet");
    lack(&seen, "Retrained");
    expect(&seen, "2,700"); /* parameters of trial 17, in the table of the best */
    expect(&seen, "900,000");
    nas_text_clear(&seen.text);
    check_plots(" network history pareto curves importance timeline ");
}

static void fill_hostile(int i, nas_trial *trial)
{
    fill_plain(i, trial);
    free(trial->arch);
    trial->arch = malloc(10241);
    memset(trial->arch, '<', 10240);
    trial->arch[10240] = '\0';
    memcpy(trial->arch, attack, strlen(attack));
    snprintf(trial->reason, sizeof trial->reason, "%s", attack);
    snprintf(trial->device, sizeof trial->device, "%.60s (%.60s)", attack, attack);
    free(trial->note);
    trial->note = strdup(attack);
    if (trial->status == NAS_TRIAL_COMPLETE) {
        set(trial, "latency_ms.<b>&'\"", 1 + i, true);
        set(trial, "<i>\"'&", i, false);
        nas_test_ok(nas_trial_add_point(trial, "<svg/onload>alert(1)", i));
        nas_test_ok(nas_trial_add_point(trial, "<svg/onload>alert(1)", i + 1));
    }
}

static const made hostile = {
    "study = \"<img src=x onerror=alert(1)>'&<b>\";\n"
    "data = { type = \"synthetic\"; valid = 64; };\n"
    "space = { type = \"chain\"; depth = [ 1, 3 ]; width = [ 8, 16 ]; };\n"
    "strategy = { type = \"random\"; };\n"
    "devices = ( { name = \"home\"; match = \"<script>alert(1)</script>\"; } );\n"
    "objectives = ( { metric = \"valid_accuracy\"; goal = \"max\"; },\n"
    "               { metric = \"<i>\\\"'&\"; goal = \"max\"; } );\n",
    30, fill_hostile};

static void test_hostile(void **state)
{
    (void)state;
    make_study(&hostile, path);
    page_seen seen = report();
    expect(&seen, "<img src=x onerror=alert(1)>'&<b>");
    expect(&seen, "</title></script><script>document.title='owned'</script>");
    expect(&seen, "Trial ");
    expect(&seen, "<script>alert(1)</script>");
    assert_true(seen.text.length < 200000); /* 10 kB texts are cut where they would be noise */
    nas_text_clear(&seen.text);
}

static void fill_nothing(int i, nas_trial *trial)
{
    (void)i;
    trial->status = NAS_TRIAL_RUNNING;
    trial->ended_ms = 0;
    trial->heartbeat_ms = trial->started_ms + 1000;
    trial->seconds = 0;
}

static void test_young(void **state)
{
    (void)state;
    made young = {plain.config, 0, fill_nothing};
    make_study(&young, path);
    page_seen seen = report();
    expect(&seen, "No trial has begun yet.");
    lack(&seen, "Best networks");
    lack(&seen, "Failures");
    nas_text_clear(&seen.text);
    check_plots("");
    young.count = 2;
    make_study(&young, path);
    seen = report();
    expect(&seen, "The search goes on");
    expect(&seen, "There is no complete network yet.");
    nas_text_clear(&seen.text);
    check_plots(" timeline ");
}

/* Two devices: what is fast on one is slow on the other. */
static void fill_pareto(int i, nas_trial *trial)
{
    fill_plain(i, trial);
    if (trial->status != NAS_TRIAL_COMPLETE)
        return;
    set(trial, "latency_ms.home", 1 + 50 * noise(i, 2), true);
    set(trial, "latency_ms.away", 60 - nas_trial_metric(trial, "latency_ms.home"), true);
    if (i % 2)
        strcpy(trial->device, "away (1:0 Another)");
}

static int front_size(const nas_study *study, const nas_objectives *objectives)
{
    int *indices = calloc((size_t)nas_study_count(study) + 1, sizeof *indices), count = 0;
    nas_test_ok(nas_study_front(study, objectives, indices, &count));
    free(indices);
    return count;
}

static void test_pareto(void **state)
{
    (void)state;
    static const char config[] =
        "strategy = { type = \"nsga2\"; population = 8; };\n"
        "objectives = ( { metric = \"valid_accuracy\"; goal = \"max\"; },\n"
        "  { metric = \"latency_ms\"; device = \"home\"; goal = \"min\"; },\n"
        "  { metric = \"latency_ms\"; device = \"away\"; goal = \"min\"; } );\n"
        "devices = ( { name = \"home\"; match = \"any\"; }, { name = \"away\"; match = \"any\"; } "
        ");\n";
    const made pareto = {config, 30, fill_pareto};
    make_study(&pareto, path);
    nas_study_view *view = calloc(1, sizeof *view);
    nas_test_ok(nas_study_view_open(path, view));
    page_seen seen = report();
    for (int k = 1; k < 3; k++) {
        nas_objectives two = view->config.objectives;
        char words[64];
        two.count = 2;
        two.item[1] = two.item[k];
        snprintf(words, sizeof words, "front (%d)", front_size(view->study, &two));
        expect(&seen, words);
    }
    char words[64];
    snprintf(words, sizeof words, "%d networks are on the front",
             front_size(view->study, &view->config.objectives));
    expect(&seen, words);
    expect(&seen, "Validation accuracy against latency on home, ms");
    expect(&seen, "Validation accuracy against latency on away, ms");
    expect(&seen, "away (1:0 Another)");
    nas_text_clear(&seen.text);
    nas_study_view_clear(view);
    free(view);
    check_plots(" network history pareto curves importance timeline ");
}

/* Epochs of a supernet, the last line the network that it gave. */
static void fill_oneshot(int i, nas_trial *trial)
{
    fill_plain(0, trial);
    trial->budget = i + 1;
    if (i == 8)
        return;
    nas_test_ok(nas_trial_set_derived(trial, i < 4 ? trial->arch : "000000000000"));
    set(trial, "train_loss", 2.0 / (i + 1), false);
    set(trial, "entropy.normal", 2 - 0.1 * i, false);
}

static void test_oneshot(void **state)
{
    (void)state;
    const made oneshot = {plain.config, 9, fill_oneshot};
    make_study(&oneshot, path);
    page_seen seen = report();
    expect(&seen, "8 trials are epochs of one network");
    expect(&seen, "Supernet: entropy");
    expect(&seen, "By valid_accuracy, of 1 complete network.");
    lack(&seen, "best so far"); /* one network is no history */
    nas_text_clear(&seen.text);
}

static void fill_rungs(int i, nas_trial *trial)
{
    fill_plain(i, trial);
    trial->budget = i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : 9;
}

static void test_rungs(void **state)
{
    (void)state;
    const made rungs = {plain.config, 30, fill_rungs};
    make_study(&rungs, path);
    page_seen seen = report();
    expect(&seen, "1 epoch");
    expect(&seen, "9 epochs");
    nas_text_clear(&seen.text);
}

static void test_data_gone(void **state)
{
    (void)state;
    const made gone = {"study = \"gone\";\n"
                       "data = { type = \"idx\"; path = \"/nowhere\"; valid = 64; };\n"
                       "space = { type = \"chain\"; }; strategy = { type = \"random\"; };\n",
                       30, fill_plain};
    make_study(&gone, path);
    page_seen seen = report();
    expect(&seen, "The networks cannot be drawn: ");
    expect(&seen, "97.31 %");
    nas_text_clear(&seen.text);
    check_plots(" history pareto curves timeline ");
}

static const char many_config[] =
    "strategy = { type = \"random\"; }; budget = { trials = 10000; };";

static void fill_many(int i, nas_trial *trial)
{
    fill_plain(i % 10 == 9 && i % 50 != 49 ? i - 1 : i, trial);
    if (trial->status == NAS_TRIAL_FAILED)
        return;
    const double accuracy = 0.9 - 0.5 / (1 + i / 900.0) + 0.06 * noise(i, 3);
    set(trial, "valid_accuracy", accuracy, false);
    set(trial, "parameters", floor(1000 * pow(200, noise(i, 4))), false);
    set(trial, "macs", floor(50000 * pow(200, noise(i, 5))), false);
    if (i % 2)
        strcpy(trial->device, "away (1:0 Another)");
}

/* Ten thousand trials make a page that a browser opens at once: its size is bounded, not proportional. */
static void test_many(void **state)
{
    (void)state;
    made many = {many_config, 2000, fill_many};
    nas_text page = {0};
    size_t sizes[2];
    for (int k = 0; k < 2; k++) {
        make_study(&many, path);
        nas_text_reset(&page);
        nas_test_ok(nas_report_write(path, &page));
        sizes[k] = page.length;
        many.count = 10000;
    }
    assert_true(sizes[1] < 3000000);
    assert_true((double)sizes[1] < 2.5 * (double)sizes[0]);
    page_seen seen = page_look(&page);
    expect(&seen, " of 9,800 points drawn");
    expect(&seen, "9,700 more are not shown here; they are listed by: clnas trials made.study");
    nas_text_clear(&seen.text);
    check_plots(" network history pareto curves importance timeline ");
}

/* ---- no memory ----------------------------------------------------------------------------------------------------- */

static long until_none =
    -1; /* allocations of the library that come before the one that fails; -1: none fails */

static bool none_is_left(void)
{
    return until_none >= 0 && until_none-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return none_is_left() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return none_is_left() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return none_is_left() ? NULL : __real_realloc(old, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return none_is_left() ? NULL : __real_strdup(text);
}

/* What is made: a report, a comparison, or a picture by its name. */
static nas_status make_page(const char *what, nas_text *page)
{
    const nas_comparison_options options = {.by = NAS_COMPARE_TRIALS};
    nas_comparison *comparison = NULL;
    nas_status status = NAS_OK;
    if (strcmp(what, "report") == 0)
        return nas_report_write(path, page);
    if (strcmp(what, "comparison") != 0)
        return nas_plot_write(what, path, page);
    NAS_TRY_DONE(nas_comparison_create(&options, &comparison));
    NAS_TRY_DONE(nas_comparison_add_file(comparison, path));
    NAS_TRY_DONE(nas_comparison_judge(comparison));
    NAS_TRY_DONE(nas_comparison_write(comparison, page));
done:
    nas_comparison_destroy(comparison);
    return status;
}

/* The same whenever it is made. */
static void blot_time(nas_text *page)
{
    static const char made_on[] = "This page was made on ";
    char *at = strstr(page->data, made_on);
    for (at = at ? at + strlen(made_on) : NULL; at && *at != '<'; at++)
        *at = '_';
}

/* One allocation fails: that is an error, or the same page all the same.  Never another page. */
static void check_memory(const char *what, bool every)
{
    nas_text whole = {0};
    until_none = 1L << 40;
    nas_test_ok(make_page(what, &whole));
    const long all = (1L << 40) - until_none, step = every || all < 100 ? 1 : all / 100;
    blot_time(&whole);
    for (long nth = 0; nth < all; nth += step) {
        nas_text page = {0};
        until_none = nth;
        const nas_status status = make_page(what, &page);
        until_none = -1;
        if (status == NAS_OK)
            blot_time(&page);
        if (status == NAS_OK && strcmp(page.data, whole.data) != 0)
            fail_msg("%s: without allocation %ld of %ld it is another one", what, nth, all);
        nas_text_clear(&page);
    }
    nas_text_clear(&whole);
}

/* The same bytes whatever the locale's decimal point is. */
static void test_locale(void **state)
{
    static const char *const all[] = {"report", "comparison", "pareto", "timeline", "importance"};
    nas_text pages[2] = {{0}};
    (void)state;
    make_study(&plain, path);
    if (!set_comma_locale())
        skip();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int comma = 0; comma < 2; comma++) {
            assert_true(comma ? set_comma_locale() : setlocale(LC_ALL, "C") != NULL);
            nas_text_reset(&pages[comma]);
            nas_test_ok(make_page(all[i], &pages[comma]));
            blot_time(&pages[comma]);
        }
        setlocale(LC_ALL, "C");
        if (strcmp(pages[0].data, pages[1].data) != 0)
            fail_msg("%s is another one where decimals have a comma", all[i]);
    }
    nas_text_clear(&pages[0]);
    nas_text_clear(&pages[1]);
}

static bool every_allocation;

static void test_memory(void **state)
{
    (void)state;
    make_study(&plain, path);
    check_memory("report", every_allocation);
    check_memory("comparison", every_allocation);
    check_memory("network", every_allocation);
    check_memory("timeline", every_allocation);
    const made oneshot = {plain.config, 9, fill_oneshot};
    make_study(&oneshot, path);
    check_memory("report", every_allocation);
}

static void test_refused(void **state)
{
    (void)state;
    nas_text page = {0};
    nas_test_fails(nas_report_write("nowhere.study", &page), NAS_STORE, "nowhere.study");
    make_study(&plain, path);
    nas_test_fails(nas_plot_write("histroy", path, &page), NAS_CONFIG, "did you mean \"history\"");
    nas_test_fails(nas_plot_write("supernet", path, &page), NAS_FAILED, "nothing for this picture");
    const made few = {plain.config, 20, fill_plain}; /* two of which fail */
    make_study(&few, path);
    nas_test_fails(nas_plot_write("importance", path, &page), NAS_FAILED,
                   "18 trials can be compared; the importance of genes needs at least 24");
    const made oneshot = {plain.config, 9, fill_oneshot};
    make_study(&oneshot, path);
    nas_test_fails(nas_plot_write("importance", path, &page), NAS_FAILED, "epochs of one supernet");
    nas_text_clear(&page);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "many") == 0) {
        const made many = {many_config, atoi(argv[2]), fill_many};
        make_study(&many, argv[3]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "hostile") == 0) {
        make_study(&hostile, argv[2]);
        return 0;
    }
    every_allocation = argc == 2 && strcmp(argv[1], "memory") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_young),     cmocka_unit_test(test_pareto),
        cmocka_unit_test(test_oneshot),   cmocka_unit_test(test_rungs),
        cmocka_unit_test(test_data_gone), cmocka_unit_test(test_many),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_memory),
        cmocka_unit_test(test_locale),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
