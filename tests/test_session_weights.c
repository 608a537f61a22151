/* test_session_weights.c - what trials leave for others: paused trainings, weights, measurements.
 *
 * Promotions go on from short trainings, children start from their parents' weights, pools are measured before anything is
 * trained.  None of the files behind this may change a result: runs with and without them, with workers that die, with files
 * that are damaged or gone are held against each other, bit by bit. */
#include "session_runs.h"

#include "session/session_private.h"

#include <math.h>
#include <unistd.h>

static bool has_device;

static void need_device(void)
{
    if (!has_device)
        skip();
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
        status = resume_study(options->study_path, &report);
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
    need_device();
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
    need_device();
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
    need_device();
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

/* ---- zero-cost proxies before training ------------------------------------------------------------------------------- */

/* The same search with another strategy, which measures before it trains. */
static nas_status search_measuring(const char *strategy, const char *study, int workers)
{
    const char *const middle = strstr(session_config, "train = {");
    const char *const begin = strstr(session_config, "strategy = {");
    nas_config *config = calloc(1, sizeof *config);
    nas_text text = {0};
    nas_search_report report;
    nas_search_options options = options_for(study, workers > 0);
    assert_non_null(config);
    options.workers = workers;
    nas_text_add_bytes(&text, session_config, (size_t)(begin - session_config));
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
 * and weights as one undisturbed process.  The short tier (CLNAS_SHORT,
 * tests/CMakeLists.txt) takes `briefly`, digits of these four as they stand in the loop. */
static void check_measuring(const char *name, const char *strategy, const char *briefly)
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
        if (getenv("CLNAS_SHORT") && !strchr(briefly, '0' + i))
            continue;
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
            status = resume_study(path, &report);
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
    need_device();
    check_measuring("warmup",
                    "type = \"warmup\"; pool = 11; top = 4; inner = { type = "
                    "\"evolution\"; population = 4; }; given = [];",
                    "03");
}

static void test_filter_survives(void **state)
{
    (void)state;
    need_device();
    check_measuring("filter",
                    "type = \"filter\"; share = 0.5; measure = \"snip\"; inner = { type "
                    "= \"evolution\"; population = 4; };",
                    "12");
}

/* Where the objective is known without a training (parameters), a trial of 0 epochs may be the best: it has no weights. */
static void test_measured_trials_leave_nothing(void **state)
{
    static const char text[] =
        "strategy = { type = \"warmup\"; pool = 4; top = 2; inner = { type = \"random\"; }; };\n"
        "evaluate = { type = \"trained\"; proxies = { batch = 24; measures = [ \"naswot\" ]; }; "
        "};\n"
        "objectives = ( { metric = \"parameters\"; goal = \"min\"; } );\n"
        "train = { epochs = 2; batch = 32; lr = 0.1; };\n"
        "budget = { trials = 6; lookahead = 1; keep = 6; };\n"
        "retrain = { top = 0; };\n";
    const char *path = path_of("measured.study");
    nas_search_options options = options_for(path, false);
    nas_search_report report;
    nas_text whole = {0};
    nas_config *config = calloc(1, sizeof *config);
    nas_study *study;
    nas_checkpoint *list;
    int count;
    (void)state;
    need_device();
    assert_non_null(config);
    nas_text_add_bytes(&whole, session_config,
                       (size_t)(strstr(session_config, "strategy = {") - session_config));
    nas_text_add(&whole, text);
    nas_test_ok(nas_config_parse(whole.data, "test.cfg", NULL, NULL, 0, config));
    nas_test_ok(nas_session_search(config, &options, &report));
    nas_config_clear(config);
    free(config);
    nas_text_clear(&whole);
    nas_test_ok(nas_study_open(path, NAS_STORE_READ, &study));
    assert_int_equal(nas_study_count(study), 6);
    nas_test_ok(nas_study_checkpoints(study, &list, &count));
    assert_int_equal(count, 2); /* the two that were trained */
    for (int i = 0; i < count; i++)
        assert_true(nas_study_trial(study, list[i].trial)->budget == 2);
    free(list);
    nas_study_close(study);
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
    nas_config *config = parse_config(overrides, 3);
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
    need_device();
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
    need_device();
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
    need_device();
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

/* ---- which files belong to whom -------------------------------------------------------------------------------------- */

static int add_line(nas_study *study, double budget, int parent, int from)
{
    char arch[] = "0-1";
    bool taken, accepted;
    nas_owner self;
    nas_claim claim;
    nas_trial line;
    nas_trial_init(&line);
    line.arch = arch;
    line.budget = budget;
    line.parent = parent;
    line.from = from;
    nas_test_ok(nas_owner_self(&self));
    nas_test_ok(nas_study_claim(study, nas_study_count(study), &line, &self, &claim, &taken));
    assert_false(taken);
    line.status = NAS_TRIAL_COMPLETE;
    nas_test_ok(nas_study_commit(study, &claim, &line, &accepted));
    return claim.index;
}

static void touch(const char *study, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s.d/%s", study, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static bool is_there(const char *study, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s.d/%s", study, name);
    return access(path, F_OK) == 0;
}

/* The same architecture with more epochs is the rest of a training only where both began with the same weights. */
static void test_only_the_same_training_goes_on(void **state)
{
    const char *path = path_of("goes-on.study");
    char file[NAS_PATH_SIZE];
    const nas_trial *begun;
    nas_study *study;
    (void)state;
    nas_test_ok(nas_study_create(path, NULL, &study));
    int begin = add_line(study, 1, -1, -1);
    int longer = add_line(study, 4, begin, -1), child = add_line(study, 4, begin, begin);
    int inherits = add_line(study, 1, -1, begin), its_rest = add_line(study, 4, inherits, begin);
    nas_test_ok(nas__paused_find(study, longer, file, sizeof file, &begun));
    assert_null(begun); /* no file */
    touch(path, "trial-0.paused");
    touch(path, "trial-3.paused");
    nas_test_ok(nas__paused_find(study, longer, file, sizeof file, &begun));
    assert_ptr_equal(begun, nas_study_trial(study, begin));
    assert_non_null(strstr(file, "goes-on.study.d/trial-0.paused"));
    nas_test_ok(nas__paused_find(study, child, file, sizeof file, &begun));
    assert_null(begun);
    nas_test_ok(nas__paused_find(study, its_rest, file, sizeof file, &begun));
    assert_ptr_equal(begun, nas_study_trial(study, inherits));
    nas_study_close(study);
}

/* A kill between a line's end and its file's leaves a file of either kind, which a resume takes away; others stay. */
static void test_files_of_nobody_go(void **state)
{
    const char *study = path_of("nobody.study");
    nas_search_options options = options_for(study, false);
    nas_search_report report;
    (void)state;
    need_device();
    char *before = run_rungs("type = \"asha\"; eta = 2.0;", "", 2, &options);
    nas_study *opened;
    nas_checkpoint *list;
    int count;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    nas_test_ok(nas_study_checkpoints(opened, &list, &count));
    nas_study_close(opened);
    assert_true(count > 0 && strcmp(list[0].kind, "paused") == 0);
    char both[64]; /* the other kind of a trial that has a file */
    snprintf(both, sizeof both, "trial-%d.safetensors", list[0].trial);
    bool has_weights = is_there(study, both);
    touch(study, "trial-999.safetensors");
    touch(study, "trial-998.paused");
    touch(study, "notes.txt");
    touch(study, "trial-1.paused.old");
    if (!has_weights)
        touch(study, both);
    nas_test_ok(resume_study(study, &report));
    assert_false(is_there(study, "trial-999.safetensors"));
    assert_false(is_there(study, "trial-998.paused"));
    assert_int_equal(is_there(study, both), has_weights);
    assert_true(is_there(study, "notes.txt") && is_there(study, "trial-1.paused.old"));
    for (int i = 0; i < count; i++)
        assert_true(is_there(study, list[i].path));
    char *after = print_of(study);
    assert_string_equal(after, before);
    free(list);
    free(before);
    free(after);
}

/* ---- main ------------------------------------------------------------------------------------------------------------------ */

static int begin(void **state)
{
    nas_device *device;
    has_device = nas_device_open("any", NULL, &device) == NAS_OK;
    if (has_device)
        nas_device_destroy(device);
    return make_session_folder(state);
}

static int end(void **state)
{
    free(inheriting_print);
    return remove_session_folder(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promotions_go_on),
        cmocka_unit_test(test_promotions_survive),
        cmocka_unit_test(test_damaged_pauses),
        cmocka_unit_test(test_warmup_survives),
        cmocka_unit_test(test_filter_survives),
        cmocka_unit_test(test_measured_trials_leave_nothing),
        cmocka_unit_test(test_children_inherit),
        cmocka_unit_test(test_inheriting_is_the_same),
        cmocka_unit_test(test_lost_weights_are_made_again),
        cmocka_unit_test(test_only_the_same_training_goes_on),
        cmocka_unit_test(test_files_of_nobody_go),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, begin, end);
}
