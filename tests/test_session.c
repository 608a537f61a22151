/* test_session.c - whole searches, and everything that may go wrong while they run.
 *
 * The program is its own worker: main() hands `worker …` to nas_session_worker, as `clnas` does.  Every run is held against one
 * undisturbed reference: crashes, hangs, device errors, signals and resumes must leave the same trials and the same
 * weights.  tests/sameness.sh does the same to the real program with SIGKILL at random moments. */
#include "nas_test.h"

#include <clnas/session.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char *reference_print; /* of the undisturbed run */
static bool has_device;

static const char config_text[] =
    "seed = 3;\n"
    "data = { type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; train = 320; test = 64; "
    "valid = 64; };\n"
    "space = { type = \"chain\"; depth = [1, 3]; width = [4, 8]; kernel = [3]; op = [\"conv\", "
    "\"max_pool\"]; };\n"
    "strategy = { type = \"evolution\"; population = 4; tournament = 2; given = [\"baseline\"]; "
    "};\n"
    "train = { epochs = 2; batch = 32; lr = 0.1; };\n"
    "budget = { trials = 8; lookahead = 3; keep = 2; lease_s = 2.0; };\n"
    "retrain = { top = 1; epochs = 3; };\n";

/* ---- helpers -------------------------------------------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static nas_config *parse(const char *const *overrides, int count)
{
    nas_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    nas_test_ok(nas_config_parse(config_text, "test.cfg", NULL, overrides, count, config));
    return config;
}

static nas_search_options options_for(const char *study, bool processes)
{
    return (nas_search_options){.study_path = study,
                                .program = processes ? "/proc/self/exe" : NULL};
}

/* Searches and hands back the status; the report is the caller's. */
static nas_status search_with(const nas_search_options *options, const char *override,
                              nas_search_report *report)
{
    nas_config *config = parse(&override, override != NULL);
    nas_status status = nas_session_search(config, options, report);
    nas_config_clear(config);
    free(config);
    return status;
}

static nas_status search(const char *study, bool processes, const char *override,
                         nas_search_report *report)
{
    nas_search_options options = options_for(study, processes);
    return search_with(&options, override, report);
}

static nas_status resume(const char *study, nas_search_report *report)
{
    nas_search_options options = options_for(study, true);
    return nas_session_resume(study, NULL, 0, &options, report);
}

/* Canonical trials and the hash of every model file; free() it. */
static char *print_of(const char *study)
{
    nas_study *opened;
    nas_text text = {0};
    char command[512], hash[33];
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    nas_study_canonical(opened, &text);
    nas_study_close(opened);
    snprintf(command, sizeof command, "cd '%s.d' && ls *.safetensors", study);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    while (fgets(command, sizeof command, list)) {
        char path[1024];
        void *data;
        size_t size;
        command[strcspn(command, "\n")] = '\0';
        snprintf(path, sizeof path, "%s.d/%s", study, command);
        nas_test_ok(nas_file_read(path, 1 << 24, &data, &size));
        nas_hash_hex(data, size, hash);
        nas_text_format(&text, "%s %s\n", command, hash);
        free(data);
    }
    pclose(list);
    nas_test_ok(nas_text_check(&text));
    return text.data;
}

static void assert_same(const char *study)
{
    char *print = print_of(study);
    assert_string_equal(print, reference_print);
    free(print);
}

static void need_reference(void)
{
    if (!has_device)
        skip();
    assert_non_null(reference_print);
}

static nas_trial trial_of(const char *study, int index)
{
    nas_study *opened;
    nas_trial trial;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    nas_test_ok(nas_trial_copy(nas_study_trial(opened, index), &trial));
    nas_study_close(opened);
    return trial;
}

/* ---- undisturbed ------------------------------------------------------------------------------------------------------ */

static void test_reference(void **state)
{
    nas_search_report report;
    nas_device *device;
    const char *study = path_of("reference.study");
    (void)state;
    has_device = nas_device_open("any", NULL, &device) == NAS_OK;
    if (!has_device)
        skip();
    nas_device_destroy(device);
    nas_test_ok(search(study, true, NULL, &report));
    assert_int_equal(report.trials, 8);
    assert_string_equal(report.ended_by, "8 trials");
    assert_true(report.has_best && report.best_value > 0 && report.best_value <= 1);
    assert_in_range(report.result_count, 1, 2);
    for (int i = 0; i < report.result_count; i++) {
        assert_true(report.results[i].test_accuracy >= 0 && report.results[i].test_accuracy <= 1);
        assert_int_equal(access(report.results[i].model, R_OK), 0);
    }
    reference_print = print_of(study);
}

static void test_in_this_process(void **state)
{
    nas_search_report report;
    (void)state;
    need_reference();
    nas_test_ok(search(path_of("here.study"), false, NULL, &report));
    assert_same(path_of("here.study"));
}

static void test_three_workers(void **state)
{
    nas_search_report report;
    nas_search_options options = options_for(path_of("three.study"), true);
    (void)state;
    need_reference();
    options.workers = 3;
    nas_test_ok(search_with(&options, NULL, &report));
    assert_same(path_of("three.study"));
}

/* ---- promotions -------------------------------------------------------------------------------------------------------- */

/* Many short trainings, the best go on: `strategy` and `evaluate` as in a config. */
static nas_config *rungs_config(const char *strategy, const char *evaluate, int keep_paused)
{
    char text[2048];
    nas_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    snprintf(
        text, sizeof text,
        "seed = 3;\n"
        "data = { type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; train = 320; test = 64; "
        "valid = 64; };\n"
        "space = { type = \"chain\"; depth = [1, 3]; width = [4, 8]; kernel = [3]; };\n"
        "strategy = { %s };\n"
        "evaluate = { type = \"trained\"; %s };\n"
        "train = { epochs = 4; batch = 32; optimizer = \"adam\"; lr = 0.01; };\n"
        "budget = { trials = 16; lookahead = 3; keep = 2; keep_paused = %d; lease_s = 2.0; };\n"
        "retrain = { top = 0; };\n",
        strategy, evaluate, keep_paused);
    nas_test_ok(nas_config_parse(text, "test.cfg", NULL, NULL, 0, config));
    return config;
}

static char *run_rungs(const char *strategy, const char *evaluate, int keep_paused,
                       const nas_search_options *options)
{
    nas_search_report report;
    nas_config *config = rungs_config(strategy, evaluate, keep_paused);
    nas_status status = nas_session_search(config, options, &report);
    nas_config_clear(config);
    free(config);
    for (int tries = 0; status != NAS_OK && tries < 3; tries++)
        status = resume(options->study_path, &report);
    nas_test_ok(status);
    return print_of(options->study_path);
}

/* How many trials went on from a paused training, and of how many that could; checks each one's epochs. */
static int count_resumed(const char *study, int *promotions)
{
    nas_study *opened;
    int resumed = 0;
    *promotions = 0;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    for (int i = 0; i < nas_study_count(opened); i++) {
        const nas_trial *trial = nas_study_trial(opened, i);
        if (trial->parent < 0 || trial->status != NAS_TRIAL_COMPLETE)
            continue;
        const nas_trial *parent = nas_study_result(opened, trial->parent);
        if (strcmp(trial->arch, parent->arch) != 0)
            continue;
        ++*promotions;
        if (!nas_trial_has_metric(trial, "epochs_resumed"))
            continue;
        assert_true(nas_trial_metric(trial, "epochs_resumed") == parent->budget);
        resumed++;
    }
    nas_study_close(opened);
    return resumed;
}

/* Promotions go on from the short training, to the bits of a training from the start: with one worker, two, after kills,
 * and when only few paused trainings are kept. */
static void test_promotions_go_on(void **state)
{
    static const char *const strategies[] = {
        "type = \"asha\"; eta = 2.0;", "type = \"asha\"; eta = 2.0; variant = \"stopping\";",
        "type = \"hyperband\"; eta = 2.0;", "type = \"halving\"; eta = 2.0;",
        "type = \"bohb\"; eta = 2.0;"};
    static const char *const evaluate[] = {"", "valid_every = 0;", "valid_every = 3;", "", ""};
    int promotions;
    (void)state;
    need_reference();
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        char name[2][64];
        snprintf(name[0], sizeof name[0], "anew-%zu.study", i);
        snprintf(name[1], sizeof name[1], "goes-on-%zu.study", i);
        nas_search_options options = options_for(path_of(name[0]), false);
        char *anew = run_rungs(strategies[i], evaluate[i], 0, &options);
        assert_int_equal(count_resumed(options.study_path, &promotions), 0);
        assert_true(promotions >= 2);
        options = options_for(path_of(name[1]), false);
        char *went_on = run_rungs(strategies[i], evaluate[i], 16, &options);
        assert_string_equal(went_on, anew);
        assert_int_equal(count_resumed(options.study_path, &promotions), promotions);
        free(anew);
        free(went_on);
    }
}

static void test_promotions_survive(void **state)
{
    static const char strategy[] = "type = \"asha\"; eta = 2.0;";
    int promotions, index = 0;
    (void)state;
    need_reference();
    nas_search_options options = options_for(path_of("one.study"), true);
    char *one = run_rungs(strategy, "", 16, &options);
    options = options_for(path_of("two.study"), true);
    options.workers = 2;
    char *two = run_rungs(strategy, "", 16, &options);
    assert_string_equal(two, one);
    assert_true(count_resumed(options.study_path, &promotions) > 0);
    nas_trial trial;
    char text[16];
    for (;; index++) { /* the first promotion */
        trial = trial_of(path_of("one.study"), index);
        bool promoted = trial.parent >= 0;
        nas_trial_clear(&trial);
        if (promoted)
            break;
    }
    snprintf(text, sizeof text, "%d", index);
    setenv("CLNAS_TEST_CRASH_TRIAL", text, 1);
    options = options_for(path_of("killed-rungs.study"), true);
    char *killed = run_rungs(strategy, "", 1, &options);
    unsetenv("CLNAS_TEST_CRASH_TRIAL");
    assert_string_equal(killed, one);
    trial = trial_of(options.study_path, index);
    assert_int_equal(trial.attempts, 2);
    nas_trial_clear(&trial);
    free(one);
    free(two);
    free(killed);
}

/* A paused training that is damaged, or is another's, costs time and nothing else. */
static void test_damaged_pauses(void **state)
{
    static const char strategy[] = "type = \"asha\"; eta = 2.0;";
    char command[512];
    int promotions;
    nas_search_report report;
    (void)state;
    need_reference();
    nas_search_options options = options_for(path_of("whole.study"), false);
    char *whole = run_rungs(strategy, "", 16, &options);
    nas_config *config = rungs_config(strategy, "", 16);
    options = options_for(path_of("damaged.study"), false);
    config->budget.trials = 6;
    nas_test_ok(nas_session_search(config, &options, &report));
    nas_config_clear(config);
    free(config);
    int before = count_resumed(options.study_path, &promotions);
    snprintf(command, sizeof command,
             "cd '%s.d' && for f in *.paused; do head -c 300 $f >x && mv x $f; done",
             options.study_path);
    assert_int_equal(system(command), 0);
    const char *more = "budget.trials=16";
    nas_test_ok(nas_session_resume(options.study_path, &more, 1, &options, &report));
    char *damaged = print_of(options.study_path);
    assert_string_equal(damaged, whole);
    assert_true(count_resumed(options.study_path, &promotions) < promotions);
    assert_true(before < promotions);
    free(whole);
    free(damaged);
}

static void test_never_overwrites(void **state)
{
    nas_search_report report;
    struct stat before, after;
    const char *study = path_of("reference.study");
    (void)state;
    need_reference();
    assert_int_equal(stat(study, &before), 0);
    nas_test_fails(search(study, true, NULL, &report), NAS_STORE, "resume");
    nas_test_fails(search(study, true, NULL, &report), NAS_STORE, "--new");
    assert_int_equal(stat(study, &after), 0);
    assert_int_equal(before.st_mtime, after.st_mtime);
    assert_same(study);
}

static void test_resume_of_an_ended_study(void **state)
{
    nas_search_report report;
    (void)state;
    need_reference();
    nas_test_ok(resume(path_of("reference.study"), &report));
    assert_int_equal(report.trials, 8);
    assert_true(report.seconds < 2);
    assert_same(path_of("reference.study"));
}

/* ---- failures while it runs -------------------------------------------------------------------------------------------- */

static void inject_and_recover(const char *variable, const char *name)
{
    nas_search_report report;
    const char *study = path_of(name);
    setenv(variable, "4", 1);
    nas_status status = search(study, true, NULL, &report);
    unsetenv(variable);
    nas_test_ok(status);
    nas_trial trial = trial_of(study, 4);
    assert_int_equal(trial.attempts, 2);
    nas_trial_clear(&trial);
    assert_same(study);
}

static void test_crash_is_repeated(void **state)
{
    (void)state;
    need_reference();
    inject_and_recover("CLNAS_TEST_CRASH_TRIAL", "crash.study");
}

/* ---- zero-cost proxies before training ------------------------------------------------------------------------------- */

/* The same search with another strategy, which measures before it trains. */
static nas_status search_measuring(const char *strategy, const char *study, int workers)
{
    const char *const middle = strstr(config_text, "train = {");
    const char *const begin = strstr(config_text, "strategy = {");
    nas_config *config = calloc(1, sizeof *config);
    nas_text text = {0};
    nas_search_report report;
    nas_search_options options = options_for(study, workers > 0);
    assert_non_null(config);
    options.workers = workers;
    nas_text_add_bytes(&text, config_text, (size_t)(begin - config_text));
    nas_text_format(&text,
                    "strategy = { %s };\nevaluate = { type = \"trained\"; proxies = { batch = 24; "
                    "measures = [ \"naswot\", \"snip\" ]; }; };\n%s",
                    strategy, middle);
    const char *const trials = "budget.trials=20";
    nas_test_ok(nas_config_parse(text.data, "test.cfg", NULL, &trials, 1, config));
    nas_status status = nas_session_search(config, &options, &report);
    nas_config_clear(config);
    free(config);
    nas_text_clear(&text);
    return status;
}

/* How many of a study's trials were trained; each of them was measured first. */
static int count_trained(const char *study)
{
    nas_study *opened;
    int trained = 0;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    for (int i = 0; i < nas_study_count(opened); i++) {
        const nas_trial *trial = nas_study_trial(opened, i);
        bool measured = nas_trial_has_metric(nas_study_result(opened, i), "naswot");
        assert_true(trial->budget == 0 || trial->budget == 2);
        assert_int_equal(measured, trial->budget == 0);
        trained += trial->budget == 2;
    }
    nas_study_close(opened);
    return trained;
}

/* Three workers, a crash while measuring, one while training, and a resume after the attempts were used up: the same trials
 * and weights as one undisturbed process. */
static void check_measuring(const char *name, const char *strategy)
{
    static const char *const trials[] = {"2", "13"};
    char wanted_path[256], path[256];
    nas_search_report report;
    snprintf(wanted_path, sizeof wanted_path, "%s.study", name);
    snprintf(wanted_path, sizeof wanted_path, "%s", path_of(wanted_path));
    nas_test_ok(search_measuring(strategy, wanted_path, 0));
    char *wanted = print_of(wanted_path);
    assert_in_range(count_trained(wanted_path), 4, 12);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s-%d.study", name, i);
        snprintf(path, sizeof path, "%s", path_of(path));
        if (i < 2)
            setenv("CLNAS_TEST_CRASH_TRIAL", trials[i], 1);
        if (i == 2)
            setenv("CLNAS_TEST_CRASH_TRIAL", "9:always", 1);
        nas_status status = search_measuring(strategy, path, i == 3 ? 3 : 1);
        unsetenv("CLNAS_TEST_CRASH_TRIAL");
        if (i == 2) {
            assert_int_equal(status, NAS_DEVICE);
            status = resume(path, &report);
        }
        nas_test_ok(status);
        char *print = print_of(path);
        assert_string_equal(print, wanted);
        free(print);
    }
    free(wanted);
}

static void test_warmup_survives(void **state)
{
    (void)state;
    need_reference();
    check_measuring("warmup", "type = \"warmup\"; pool = 11; top = 4; inner = { type = "
                              "\"evolution\"; population = 4; }; given = [];");
}

static void test_filter_survives(void **state)
{
    (void)state;
    need_reference();
    check_measuring("filter", "type = \"filter\"; share = 0.5; measure = \"snip\"; inner = { type "
                              "= \"evolution\"; population = 4; };");
}

static void test_hang_is_ended_and_repeated(void **state)
{
    (void)state;
    need_reference();
    inject_and_recover("CLNAS_TEST_HANG_TRIAL", "hang.study");
}

static void test_device_error_is_repeated(void **state)
{
    (void)state;
    need_reference();
    inject_and_recover("CLNAS_TEST_ERROR_TRIAL", "error.study");
}

static void use_up_and_resume(const char *variable, const char *name)
{
    nas_search_report report;
    const char *study = path_of(name);
    setenv(variable, "4:always", 1);
    nas_status status = search(study, true, NULL, &report);
    unsetenv(variable);
    assert_int_equal(status, NAS_DEVICE);
    assert_int_equal(nas_status_exit_code(status), 4);
    assert_non_null(strstr(nas_error_message(), "trial 4"));
    assert_int_equal(report.trials, 4);
    nas_test_ok(resume(study, &report));
    assert_same(study);
}

static void test_three_crashes_stop_resumably(void **state)
{
    (void)state;
    need_reference();
    use_up_and_resume("CLNAS_TEST_CRASH_TRIAL", "crashes.study");
}

static void test_three_errors_stop_resumably(void **state)
{
    (void)state;
    need_reference();
    use_up_and_resume("CLNAS_TEST_ERROR_TRIAL", "errors.study");
}

static void test_nan_is_a_result(void **state)
{
    nas_search_report report;
    const char *study = path_of("nan.study");
    (void)state;
    need_reference();
    setenv("CLNAS_TEST_NAN_TRIAL", "4", 1);
    nas_status status = search(study, true, NULL, &report);
    unsetenv("CLNAS_TEST_NAN_TRIAL");
    nas_test_ok(status);
    nas_trial trial = trial_of(study, 4);
    assert_int_equal(trial.status, NAS_TRIAL_FAILED);
    assert_int_equal(trial.attempts, 1);
    assert_non_null(strstr(trial.reason, "nan"));
    nas_trial_clear(&trial);
    assert_int_equal(report.trials, 8);
    assert_int_equal(report.failed, 1);
    assert_true(report.best_index != 4 && isfinite(report.best_value));
}

/* ---- trials that start from others' weights -------------------------------------------------------------------------------- */

static char *inheriting_print; /* of the undisturbed run */

/* The same study with children that inherit; `trials` in all, nothing retrained. */
static void search_inheriting(const char *study, bool processes, int workers, int trials)
{
    char count[32];
    const char *overrides[] = {"strategy.inherit=true", "retrain.top=0", count};
    nas_search_report report;
    nas_search_options options = options_for(study, processes);
    options.workers = workers;
    snprintf(count, sizeof count, "budget.trials=%d", trials);
    nas_config *config = parse(overrides, 3);
    nas_test_ok(nas_session_search(config, &options, &report));
    nas_config_clear(config);
    free(config);
    assert_int_equal(report.trials, trials);
}

static void assert_same_inheriting(const char *study)
{
    char *print = print_of(study);
    assert_string_equal(print, inheriting_print);
    free(print);
}

static void test_children_inherit(void **state)
{
    const char *study = path_of("inherit.study");
    nas_study *opened;
    int inherited = 0;
    (void)state;
    need_reference();
    search_inheriting(study, true, 1, 14);
    inheriting_print = print_of(study);
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    for (int i = 0; i < 14; i++) {
        const nas_trial *trial = nas_study_trial(opened, i);
        assert_int_equal(trial->from >= 0, nas_trial_has_metric(trial, "inherited"));
        if (trial->from < 0)
            continue;
        assert_true(trial->from < i && trial->from == trial->parent);
        inherited += nas_trial_metric(trial, "inherited") > 0.2;
    }
    nas_study_close(opened);
    assert_true(inherited >= 3);
}

static void test_inheriting_is_the_same(void **state)
{
    (void)state;
    need_reference();
    search_inheriting(path_of("inherit-here.study"), false, 1, 14);
    assert_same_inheriting(path_of("inherit-here.study"));
    search_inheriting(path_of("inherit-two.study"), true, 2, 14);
    assert_same_inheriting(path_of("inherit-two.study"));
    setenv("CLNAS_TEST_CRASH_TRIAL", "9", 1);
    search_inheriting(path_of("inherit-crash.study"), true, 1, 14);
    unsetenv("CLNAS_TEST_CRASH_TRIAL");
    assert_same_inheriting(path_of("inherit-crash.study"));
}

/* Weights that are gone are made again, with the same bits: the list of trials does not change. */
static void test_lost_weights_are_made_again(void **state)
{
    const char *study = path_of("inherit-lost.study");
    const char *override = "budget.trials=14";
    nas_search_options options = options_for(study, true);
    nas_search_report report;
    char command[512];
    (void)state;
    need_reference();
    search_inheriting(study, true, 1, 9);
    snprintf(command, sizeof command, "rm '%s.d'/trial-*.safetensors", study);
    assert_int_equal(system(command), 0);
    nas_test_ok(nas_session_resume(study, &override, 1, &options, &report));
    assert_int_equal(report.trials, 14);
    char *print = print_of(study);
    size_t lines = (size_t)(strstr(inheriting_print, "trial-") - inheriting_print);
    assert_true(lines > 100 && strncmp(print, inheriting_print, lines) == 0);
    free(print);
}

/* ---- signals --------------------------------------------------------------------------------------------------------- */

typedef struct stopper {
    int after;       /* trials */
    bool in_retrain; /* or epochs of retraining */
    bool sent;
    bool told; /* the command that resumes was given */
} stopper;

static void stop_after(void *user, const nas_progress *progress)
{
    stopper *s = user;
    assert_non_null(progress->note);
    assert_true(progress->done >= 0 && progress->per_minute >= 0 && progress->elapsed_s >= 0);
    if (progress->event == NAS_EVENT_STOPPING)
        s->told = strstr(progress->note, "clnas resume") != NULL;
    bool now = s->in_retrain ? progress->event == NAS_EVENT_RETRAIN && progress->epoch >= s->after
                             : progress->event == NAS_EVENT_TRIAL && progress->done >= s->after;
    if (now && !s->sent) {
        s->sent = true;
        nas_session_interrupt(SIGINT);
    }
}

static void stop_and_resume(const char *name, stopper s)
{
    nas_search_report report;
    const char *study = path_of(name);
    nas_search_options options = options_for(study, true);
    options.progress = stop_after;
    options.user = &s;
    /* slow enough for a signal to find work under way */
    nas_status status = search_with(&options, NULL, &report);
    if (status == NAS_STOPPED) {
        assert_int_equal(report.signal, SIGINT);
        assert_true(s.told);
        assert_string_equal(report.ended_by, "signal");
        for (int i = 0; i < 8; i++) { /* a graceful stop costs no attempt */
            nas_study *opened;
            nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
            if (i < nas_study_count(opened))
                assert_true(nas_study_trial(opened, i)->attempts <= 1);
            nas_study_close(opened);
        }
        nas_test_ok(resume(study, &report));
    }
    nas_test_ok(status == NAS_STOPPED ? NAS_OK : status);
    assert_same(study);
}

static void test_signal_and_resume(void **state)
{
    (void)state;
    need_reference();
    stop_and_resume("signal.study", (stopper){.after = 1});
    stop_and_resume("signal3.study", (stopper){.after = 3});
}

static void test_signal_in_retraining(void **state)
{
    (void)state;
    need_reference();
    stop_and_resume("retrain.study", (stopper){.after = 1, .in_retrain = true});
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------- */

static char *run_ending(const char *name, const char *override, int workers, const char *ended_by)
{
    nas_search_report report;
    const char *study = path_of(name);
    nas_search_options options = options_for(study, true);
    const char *overrides[] = {"budget.trials=60", override};
    options.workers = workers;
    options.no_retrain = true;
    nas_config *config = parse(overrides, 2);
    nas_test_ok(nas_session_search(config, &options, &report));
    nas_config_clear(config);
    free(config);
    assert_string_equal(report.ended_by, ended_by);
    return print_of(study);
}

static void test_ends_are_the_same_for_any_workers(void **state)
{
    static const char *const ends[][2] = {{"budget.patience=6", "patience"},
                                          {"budget.target=0.2", "target"}};
    (void)state;
    need_reference();
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "end%zu-1.study", i);
        char *one = run_ending(name, ends[i][0], 1, ends[i][1]);
        snprintf(name, sizeof name, "end%zu-3.study", i);
        char *three = run_ending(name, ends[i][0], 3, ends[i][1]);
        assert_string_equal(one, three);
        free(one);
        free(three);
    }
}

static void test_more_trials_by_resume(void **state)
{
    nas_search_report report;
    const char *study = path_of("more.study");
    const char *more = "budget.trials=8", *other = "train.lr=0.2";
    nas_search_options options = options_for(study, true);
    (void)state;
    need_reference();
    nas_test_ok(search(study, true, "budget.trials=5", &report));
    assert_int_equal(report.trials, 5);
    nas_test_fails(nas_session_resume(study, &other, 1, &options, &report), NAS_CONFIG,
                   "another study");
    nas_test_ok(nas_session_resume(study, &more, 1, &options, &report));
    assert_int_equal(report.trials, 8);
    char *print = print_of(study);
    assert_memory_equal(print, reference_print,
                        strstr(reference_print, "retrained") - reference_print);
    free(print);
}

static void test_arrival_order(void **state)
{
    nas_search_report report;
    nas_search_options options = options_for(path_of("arrival.study"), true);
    (void)state;
    need_reference();
    options.workers = 2;
    nas_test_ok(search_with(&options, "budget.order=arrival", &report));
    assert_int_equal(report.trials, 8);
}

/* ---- what cannot begin --------------------------------------------------------------------------------------------------- */

static void test_no_device(void **state)
{
    nas_search_report report;
    const char *study = path_of("nodevice.study");
    nas_search_options options = options_for(study, true);
    (void)state;
    need_reference();
    options.device = "no such device anywhere";
    assert_int_equal(search_with(&options, NULL, &report), NAS_NO_DEVICE);
    assert_true(access(study, F_OK) != 0); /* nothing is left in the way of the next try */
    assert_string_equal(report.study_path, "");
    options.device = NULL;
    nas_test_ok(
        search_with(&options,
                    "devices=( { name = \"gone\"; match = \"no such device\"; optional = true; }, "
                    "{ name = \"any\"; } )",
                    &report));
    assert_int_equal(report.trials, 8);
}

static void test_no_data(void **state)
{
    nas_search_report report;
    const char *study = path_of("nodata.study");
    (void)state;
    need_reference();
    nas_test_fails(search(study, true, "data={ type = \"idx\"; path = \"/nowhere\"; }", &report),
                   NAS_DATA, "/nowhere");
    assert_true(access(study, F_OK) != 0);
    nas_test_fails(search(study, true, "strategy.given=[\"nonesuch\"]", &report), NAS_CONFIG,
                   "nonesuch");
    assert_true(access(study, F_OK) != 0);
}

static void test_broken_studies(void **state)
{
    nas_search_report report;
    sqlite3 *database;
    char command[512];
    (void)state;
    need_reference();
    nas_test_fails(resume(path_of("none.study"), &report), NAS_STORE, "none.study");
    FILE *file = fopen(path_of("text.study"), "w");
    assert_non_null(file);
    fputs("this is no study\n", file);
    fclose(file);
    nas_test_fails(resume(path_of("text.study"), &report), NAS_STORE, "text.study");
    snprintf(command, sizeof command, "cp '%s' '%s'", path_of("reference.study"),
             path_of("newer.study"));
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(path_of("newer.study"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "PRAGMA user_version = 9999", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    nas_test_fails(resume(path_of("newer.study"), &report), NAS_STORE, "9999");
}

static void test_full_disk(void **state)
{
    nas_search_report report;
    const char *disk = path_of("disk");
    const char *study = path_of("disk/full.study"), *filler = path_of("disk/filler");
    (void)state;
    need_reference();
    assert_int_equal(mkdir(disk, 0700), 0);
    if (mount("none", disk, "tmpfs", 0, "size=3m") != 0)
        skip(); /* not root */
    nas_status first = search(study, true, "budget.trials=3", &report);
    FILE *file = fopen(filler, "w");
    for (int i = 0; file && i < 3 << 20 && fputc('x', file) != EOF; i++)
        continue;
    if (file)
        fclose(file);
    nas_search_options options = options_for(study, true);
    const char *more = "budget.trials=8";
    nas_status second = nas_session_resume(study, &more, 1, &options, &report);
    char message[512];
    snprintf(message, sizeof message, "%s", nas_error_message());
    unlink(filler);
    nas_status third = nas_session_resume(study, &more, 1, &options, &report);
    char *print = third == NAS_OK ? print_of(study) : NULL;
    umount(disk);
    assert_int_equal(first, NAS_OK);
    assert_true(second == NAS_STORE || second == NAS_FAILED);
    assert_true(strlen(message) > 0);
    assert_int_equal(third, NAS_OK);
    assert_memory_equal(print, reference_print,
                        strstr(reference_print, "retrained") - reference_print);
    free(print);
}

/* ---- looking, training, evaluating --------------------------------------------------------------------------------------- */

static void test_status_and_results(void **state)
{
    nas_config *config = calloc(1, sizeof *config);
    nas_progress progress;
    nas_train_result results[NAS_TRAIN_RESULTS];
    int count = 0;
    (void)state;
    assert_non_null(config);
    need_reference();
    nas_test_ok(nas_session_status(path_of("reference.study"), config, &progress));
    assert_int_equal(progress.done, 8);
    assert_int_equal(progress.total, 8);
    assert_int_equal(progress.running, 0);
    assert_true(progress.has_best && progress.run_s > 0);
    assert_string_equal(progress.best_metric, "valid_accuracy");
    nas_test_ok(
        nas_session_results(path_of("reference.study"), results, NAS_TRAIN_RESULTS, &count));
    assert_in_range(count, 1, 2);
    nas_config_clear(config);
    free(config);
}

static void test_train_and_eval(void **state)
{
    nas_retrain_options options = {.trial = 0, .epochs = 2, .repeats = 2};
    nas_train_result result;
    nas_eval_result evaluated;
    uint64_t sum = 0, right = 0;
    const char *study = path_of("three.study");
    (void)state;
    need_reference();
    nas_test_ok(nas_session_train(study, &options, &result));
    assert_int_equal(result.repeats, 2);
    assert_string_equal(result.name, "baseline");
    options.trial = 99;
    nas_test_fails(nas_session_train(study, &options, &result), NAS_CONFIG, "no trial 99");
    options = (nas_retrain_options){.trial = -1, .epochs = 2};
    nas_test_ok(nas_session_train(study, &options, &result));
    nas_test_ok(nas_session_eval(result.model, study, "test", NULL, &evaluated));
    assert_int_equal(evaluated.samples, 64);
    assert_true(evaluated.accuracy == result.test_accuracy);
    for (int i = 0; i < evaluated.classes * evaluated.classes; i++) {
        sum += evaluated.confusion[i];
        right += i % (evaluated.classes + 1) == 0 ? evaluated.confusion[i] : 0;
    }
    assert_int_equal(sum, 64);
    assert_true(fabs((double)right / 64 - evaluated.accuracy) < 1e-9);
    free(evaluated.confusion);
    nas_test_fails(nas_session_eval(study, study, "test", NULL, &evaluated), NAS_DATA, "");
    nas_test_fails(nas_session_eval(result.model, study, "tset", NULL, &evaluated), NAS_CONFIG,
                   "tset");
}

static void test_check(void **state)
{
    nas_check_report report;
    nas_config *config = parse(NULL, 0);
    (void)state;
    nas_test_ok(nas_session_check(config, &report));
    assert_true(report.genes > 0 && report.size > 1 && report.within_bounds == 1);
    assert_int_equal(report.train_samples + report.valid_samples, 320);
    assert_true(report.largest_cost.parameters > 0);
    if (has_device)
        assert_true(report.largest_bytes > 0);
    nas_config_clear(config);
    free(config);
}

/* ---- main ------------------------------------------------------------------------------------------------------------------ */

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "session-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    free(reference_print);
    free(inheriting_print);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_in_this_process),
        cmocka_unit_test(test_three_workers),
        cmocka_unit_test(test_promotions_go_on),
        cmocka_unit_test(test_promotions_survive),
        cmocka_unit_test(test_damaged_pauses),
        cmocka_unit_test(test_never_overwrites),
        cmocka_unit_test(test_resume_of_an_ended_study),
        cmocka_unit_test(test_crash_is_repeated),
        cmocka_unit_test(test_hang_is_ended_and_repeated),
        cmocka_unit_test(test_device_error_is_repeated),
        cmocka_unit_test(test_three_crashes_stop_resumably),
        cmocka_unit_test(test_warmup_survives),
        cmocka_unit_test(test_filter_survives),
        cmocka_unit_test(test_three_errors_stop_resumably),
        cmocka_unit_test(test_nan_is_a_result),
        cmocka_unit_test(test_children_inherit),
        cmocka_unit_test(test_inheriting_is_the_same),
        cmocka_unit_test(test_lost_weights_are_made_again),
        cmocka_unit_test(test_signal_and_resume),
        cmocka_unit_test(test_signal_in_retraining),
        cmocka_unit_test(test_ends_are_the_same_for_any_workers),
        cmocka_unit_test(test_more_trials_by_resume),
        cmocka_unit_test(test_arrival_order),
        cmocka_unit_test(test_no_device),
        cmocka_unit_test(test_no_data),
        cmocka_unit_test(test_broken_studies),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_status_and_results),
        cmocka_unit_test(test_train_and_eval),
        cmocka_unit_test(test_check),
    };
    if (argc > 1 && strcmp(argv[1], "worker") == 0) {
        int code = nas_session_worker(argc - 2, argv + 2);
        fflush(NULL);
        _exit(code);
    }
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
