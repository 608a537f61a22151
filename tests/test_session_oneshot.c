/* test_session_oneshot.c - one-shot searches end to end: epochs of a supernet as trials of a study.
 *
 * The same log must come out whoever trains which epoch: in this process, in workers that die, with no paused trainings at all,
 * without the file of the shared weights. */
#include "oneshot_runs.h"

#include <math.h>
#include <unistd.h>

static bool has_device;

static void need_device(void)
{
    if (!has_device)
        skip();
}

/* The short tier leaves out what takes long (CLNAS_SHORT, tests/CMakeLists.txt). */
static void need_time(void)
{
    if (getenv("CLNAS_SHORT"))
        skip();
}

/* ---- what the log looks like ------------------------------------------------------------------------------------------- */

static void check_epoch(const char *study, int index)
{
    nas_trial trial = trial_of(study, index);
    assert_int_equal(trial.status, NAS_TRIAL_COMPLETE);
    assert_true(trial.budget == index + 1);
    assert_int_equal(trial.parent, index - 1);
    assert_int_equal(trial.from, -1);
    assert_non_null(trial.derived);
    assert_int_equal(strspn(trial.arch, "0-"), strlen(trial.arch));
    assert_true(nas_trial_metric(&trial, "entropy.normal") <= log(8) + 1e-6);
    assert_true(nas_trial_metric(&trial, "entropy.normal") > 0);
    assert_true(nas_trial_metric(&trial, "skips.reduce") >= 0);
    assert_true(isnan(nas_trial_metric(&trial, "macs"))); /* of no architecture */
    assert_int_equal(trial.curve_count, 6);
    for (int i = 0; i < trial.curve_count; i++)
        assert_int_equal(trial.curves[i].count, index + 1);
    nas_trial_clear(&trial);
}

static void check_log(const char *study)
{
    nas_study *opened;
    const nas_objective objective = {"valid_accuracy", NAS_GOAL_MAX};
    int best = -1;
    for (int i = 0; i < EPOCHS; i++)
        check_epoch(study, i);
    nas_trial last = trial_of(study, EPOCHS), before = trial_of(study, EPOCHS - 1);
    assert_string_equal(last.arch, before.derived);
    assert_true(last.budget == 0);
    assert_int_equal(last.from, EPOCHS - 1);
    assert_null(last.derived);
    assert_true(nas_trial_metric(&last, "parameters") > 0);
    nas_trial_clear(&last);
    nas_trial_clear(&before);
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    assert_int_equal(nas_study_count(opened), EPOCHS + 1);
    assert_int_equal(nas_study_best(opened, &objective, 1, &best), 1);
    assert_int_equal(best, EPOCHS); /* supernets score higher and are none */
    nas_study_close(opened);
}

static void test_all_methods(void **state)
{
    static const char *const strategies[] = {
        "type = \"darts\"; epochs = 3; alpha = { lr = 0.05; };",
        "type = \"darts\"; epochs = 3; order = 2; alpha = { lr = 0.05; };",
        "type = \"snas\"; epochs = 3; alpha = { lr = 0.05; };",
        "type = \"gdas\"; epochs = 3; alpha = { lr = 0.05; };",
        "type = \"pcdarts\"; epochs = 3; partial = 2; alpha = { lr = 0.05; start = 1; };",
        "type = \"proxylessnas\"; epochs = 3; share = 0.5; alpha = { lr = 0.05; start = 1; every = "
        "1; };",
    };
    enum { METHODS = sizeof strategies / sizeof *strategies };
    char *prints[METHODS], name[64];
    (void)state;
    need_device();
    for (int i = 0; i < METHODS; i++) {
        snprintf(name, sizeof name, "method-%d.study", i);
        nas_search_options options = options_for(path_of(name), false);
        prints[i] = search_oneshot(strategies[i], "", &options);
        check_log(options.study_path);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(prints[i], prints[k]);
    }
    for (int i = 0; i < METHODS; i++)
        free(prints[i]);
}

/* ---- the same, whatever happens on the way -------------------------------------------------------------------------------- */

static void test_epochs_survive(void **state)
{
    static const char *const strategies[] = {
        "type = \"darts\"; epochs = 3; order = 2; curvature = 1; alpha = { lr = 0.05; };",
        "type = \"gdas\"; epochs = 3; alpha = { lr = 0.05; start = 1; };",
        "type = \"proxylessnas\"; epochs = 3; share = 0.5; alpha = { lr = 0.05; start = 1; every = "
        "2; };"};
    (void)state;
    need_time();
    need_device();
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        char name[4][32];
        for (int k = 0; k < 4; k++)
            snprintf(name[k], sizeof name[k], "survive-%zu-%d.study", i, k);
        nas_search_options options = options_for(path_of(name[0]), false);
        char *whole = search_oneshot(strategies[i], "", &options);
        options = options_for(path_of(name[1]), false);
        char *anew = search_oneshot(strategies[i], "keep_paused = 0;", &options);
        assert_string_equal(anew, whole); /* each epoch trained the ones before it again */
        nas_trial trial = trial_of(options.study_path, 2);
        assert_false(nas_trial_has_metric(&trial, "epochs_resumed"));
        nas_trial_clear(&trial);
        crash_at("2", strategies[i], name[2], whole);
        crash_at("3", strategies[i], name[3], whole); /* the derived architecture */
        free(whole);
        free(anew);
    }
}

/* Killed in the middle of an epoch that saves itself at every chance: the next attempt goes on from there. */
static void test_drafts(void **state)
{
    static const char *const strategies[] = {
        "type = \"darts\"; epochs = 3; order = 2; alpha = { lr = 0.05; };",
        "type = \"spos\"; epochs = 3; candidates = 4;",
        "type = \"enas\"; epochs = 3; candidates = 4; share = 0.6; controller = { steps = 4; "
        "aggregate = 3; hidden = 8; lr = 0.05; };"};
    (void)state;
    need_time();
    need_device();
    for (int i = 0; i < 3; i++) {
        char name[2][32], draft[512];
        for (int k = 0; k < 2; k++)
            snprintf(name[k], sizeof name[k], "draft-%d-%d.study", i, k);
        nas_search_options options = options_for(path_of(name[0]), false);
        char *whole = search_oneshot(strategies[i], "", &options);
        for (int trial = 0; trial < 2; trial++) {
            char text[2] = {(char)('0' + trial), '\0'};
            options = options_for(path_of(name[1]), true);
            setenv("CLNAS_TEST_CRASH_WITHIN", text, 1);
            char *killed = search_oneshot(strategies[i], "checkpoint_s = 0.0001;", &options);
            unsetenv("CLNAS_TEST_CRASH_WITHIN");
            assert_string_equal(killed, whole);
            nas_trial line = trial_of(options.study_path, trial);
            assert_int_equal(line.attempts, 2);
            assert_true(nas_trial_metric(&line, "draft_resumed") == 1);
            nas_trial_clear(&line);
            snprintf(draft, sizeof draft, "%s.d/trial-%d.draft", options.study_path, trial);
            assert_int_equal(access(draft, F_OK), -1); /* not needed any more */
            free(killed);
            char command[600];
            snprintf(command, sizeof command, "rm -rf '%s' '%s.d'", options.study_path,
                     options.study_path);
            assert_int_equal(system(command), 0);
        }
        free(whole);
    }
}

/* Stopped behind the last epoch, its shared weights lost: they are made again. */
static void test_after_the_last_epoch(void **state)
{
    static const char strategy[] = "type = \"darts\"; epochs = 3; alpha = { lr = 0.05; };";
    const char *const more = "budget.trials=4";
    char weights[512];
    nas_search_report report;
    (void)state;
    need_device();
    nas_search_options options = options_for(path_of("whole.study"), false);
    char *whole = search_oneshot(strategy, "", &options);
    for (int lost = 0; lost < 2; lost++) {
        options = options_for(path_of(lost ? "lost.study" : "behind.study"), false);
        nas_config *config = oneshot_config(strategy, "trials = 3;");
        nas_test_ok(nas_session_search(config, &options, &report));
        assert_false(report.has_best); /* epochs are no candidates */
        nas_config_clear(config);
        free(config);
        snprintf(weights, sizeof weights, "%s.d/trial-2.safetensors", options.study_path);
        if (lost)
            assert_int_equal(unlink(weights), 0);
        assert_int_equal(access(weights, R_OK), lost ? -1 : 0);
        nas_test_ok(nas_session_resume(options.study_path, &more, 1, &options, &report));
        char *resumed = print_of(options.study_path);
        assert_string_equal(resumed, whole);
        free(resumed);
    }
    free(whole);
}

/* A supernet that diverges gives what its last good epoch spoke for; one that never was good, nothing. */
static void fail_an_epoch(const char *strategy, const char *name, int failed)
{
    char text[2] = {(char)('0' + failed), '\0'};
    nas_search_report report;
    nas_search_options options = options_for(path_of(name), true);
    nas_config *config = oneshot_config(strategy, "");
    setenv("CLNAS_TEST_NAN_TRIAL", text, 1);
    nas_test_ok(nas_session_search(config, &options, &report));
    unsetenv("CLNAS_TEST_NAN_TRIAL");
    assert_int_equal(report.failed, 1);
    assert_int_equal(report.has_best, failed > 0);
    assert_int_equal(report.trials, failed ? 4 : 1);
    if (failed) {
        nas_trial second = trial_of(options.study_path, 1), last = trial_of(options.study_path, 3);
        assert_string_equal(last.arch, second.derived);
        assert_int_equal(last.from, 1);
        nas_trial_clear(&second);
        nas_trial_clear(&last);
    }
    nas_config_clear(config);
    free(config);
}

static void test_failed_epochs(void **state)
{
    static const char *const strategies[] = {
        "type = \"darts\"; epochs = 3; alpha = { lr = 0.05; };",
        "type = \"enas\"; epochs = 3; share = 0.6; controller = { steps = 2; };"};
    (void)state;
    need_device();
    for (int i = 0; i < 2; i++) {
        fail_an_epoch(strategies[i], i ? "first-enas.study" : "first.study", 0);
        fail_an_epoch(strategies[i], i ? "third-enas.study" : "third.study", 2);
    }
}

/* ---- sampled paths ---------------------------------------------------------------------------------------------------------- */

enum { CANDIDATES = 6 };

static const char *const sampled[] = {
    "type = \"spos\"; epochs = 3; candidates = 6; inner = { type "
    "= \"evolution\"; population = 3; };",
    "type = \"fairnas\"; epochs = 3; candidates = 6; recalibrate = 2;",
    "type = \"enas\"; epochs = 3; candidates = 6; share = 0.6; "
    "controller = { steps = 4; aggregate = 3; hidden = 8; lr = 0.05; };"};
enum { SAMPLED = sizeof sampled / sizeof *sampled };

/* Epochs, then candidates that share the weights of the last one; the best of these is the study's. */
static void check_candidates(const char *study, const char *note)
{
    double most = 0;
    nas_study *opened;
    const nas_objective objective = {"valid_accuracy", NAS_GOAL_MAX};
    int best = -1;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    assert_int_equal(nas_study_count(opened), EPOCHS + CANDIDATES);
    for (int i = 0; i < EPOCHS; i++)
        assert_non_null(nas_study_trial(opened, i)->derived);
    for (int i = EPOCHS; i < EPOCHS + CANDIDATES; i++) {
        const nas_trial *trial = nas_study_trial(opened, i);
        assert_true(trial->budget == 0);
        assert_int_equal(trial->from, EPOCHS - 1);
        assert_null(trial->derived);
        assert_memory_equal(trial->note, note, strlen(note));
        if (trial->status == NAS_TRIAL_COMPLETE)
            most = fmax(most, nas_trial_metric(trial, "valid_accuracy"));
    }
    assert_int_equal(nas_study_best(opened, &objective, 1, &best), 1);
    assert_true(best >= EPOCHS);
    assert_true(nas_trial_metric(nas_study_trial(opened, best), "valid_accuracy") == most);
    nas_study_close(opened);
}

/* Candidates are what the last epoch listed, in that order; each epoch tells of its controller. */
static void check_listed(const char *study)
{
    static const char *const curves[] = {"controller_reward", "controller_baseline",
                                         "controller_entropy"};
    nas_study *opened;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    const nas_trial *last = nas_study_trial(opened, EPOCHS - 1);
    const char *text = last->derived;
    for (int i = 0; i < CANDIDATES; i++) {
        const char *arch = nas_study_trial(opened, EPOCHS + i)->arch;
        const size_t length = strcspn(text, " ");
        assert_int_equal(strlen(arch), length);
        assert_memory_equal(text, arch, length);
        text += length + (text[length] == ' ');
    }
    assert_string_equal(text, "");
    assert_null(strchr(nas_study_trial(opened, 0)->derived, ' '));
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        const nas_curve *curve = NULL;
        for (int k = 0; k < last->curve_count; k++)
            if (strcmp(last->curves[k].name, curves[i]) == 0)
                curve = &last->curves[k];
        assert_non_null(curve);
        assert_int_equal(curve->count, EPOCHS);
        assert_true(curve->values[0] > 0 && curve->values[0] != curve->values[EPOCHS - 1]);
    }
    nas_study_close(opened);
}

static void test_sampled_paths(void **state)
{
    (void)state;
    need_time();
    need_device();
    for (int i = 0; i < SAMPLED; i++) {
        char name[4][32];
        for (int k = 0; k < 4; k++)
            snprintf(name[k], sizeof name[k], "sampled-%d-%d.study", i, k);
        nas_search_options options = options_for(path_of(name[0]), false);
        char *whole = search_oneshot(sampled[i], "", &options);
        const bool listed = strstr(sampled[i], "controller") != NULL;
        check_candidates(options.study_path, listed ? "listed" : "shared|");
        if (listed)
            check_listed(options.study_path);
        options = options_for(path_of(name[1]), false);
        char *anew = search_oneshot(sampled[i], "keep_paused = 0;", &options);
        assert_string_equal(anew, whole);
        crash_at("1", sampled[i], name[2], whole);
        crash_at("6", sampled[i], name[3], whole);
        free(whole);
        free(anew);
    }
}

/* ---- the final network -------------------------------------------------------------------------------------------------------- */

/* What was found is retrained as a larger network of the same genes, with a second classifier, drop-path and cutout; what is saved is the
 * network alone. */
static void test_final_network(void **state)
{
    static const char more[] =
        "train = { batch = 64; optimizer = \"sgd\"; lr = 0.05; clip = 5.0; };\n"
        "budget = { lease_s = 20.0; };\n"
        "retrain = { top = 1; epochs = 2; drop_path = 0.2; augment = { cutout = 3; };\n"
        "  space = { cells = 3; channels = 8; drop_path = true; auxiliary = 0.4; }; };\n";
    nas_search_options options = options_for(path_of("final.study"), false);
    nas_config *config = calloc(1, sizeof *config);
    nas_search_report report;
    nas_train_result results[NAS_TRAIN_RESULTS];
    nas_eval_result evaluated;
    int count = 0;
    (void)state;
    need_device();
    assert_non_null(config);
    nas_test_ok(parse_oneshot(space_cell, "type = \"darts\"; epochs = 1;", more, config));
    nas_test_ok(nas_session_search(config, &options, &report));
    nas_test_ok(nas_session_results(options.study_path, results, NAS_TRAIN_RESULTS, &count));
    assert_int_equal(count, 1);
    nas_trial searched = trial_of(options.study_path, 1);
    assert_true(results[0].parameters > 2 * nas_trial_metric(&searched, "parameters"));
    nas_trial_clear(&searched);
    nas_test_ok(nas_session_eval(results[0].model, options.study_path, NULL, &evaluated));
    assert_true(evaluated.score == results[0].test_score);
    nas_eval_result_clear(&evaluated);

    const char *const other = "retrain.space.nodes=3";
    nas_test_fails(nas_session_resume(options.study_path, &other, 1, &options, &report), NAS_CONFIG,
                   "retrain.space");
    nas_test_ok(
        nas_session_resume(options.study_path, NULL, 0, &options, &report)); /* not stored */
    nas_config_clear(config);
    free(config);
}

/* With retrain.inherit the network begins where the supernet left it, which shows after one epoch; a file that is gone is made again. */
static void test_inherit(void **state)
{
    nas_search_options options = options_for(path_of("heir.study"), false);
    nas_config *config = oneshot_config("type = \"spos\"; epochs = 3; candidates = 3;", "");
    nas_search_report report;
    nas_train_result results[NAS_TRAIN_RESULTS];
    const char *const heir = "retrain.inherit=true";
    char weights[512];
    int count = 0;
    (void)state;
    need_device();
    nas_test_ok(nas_session_search(config, &options, &report));
    snprintf(weights, sizeof weights, "%s.d/trial-2.safetensors", options.study_path);
    assert_int_equal(unlink(weights), 0);
    nas_test_ok(nas_session_resume(options.study_path, &heir, 1, &options, &report));
    nas_test_ok(nas_session_results(options.study_path, results, NAS_TRAIN_RESULTS, &count));
    assert_int_equal(count, 2); /* anew, and as an heir */
    assert_true(results[1].test_loss != results[0].test_loss);
    print_message("test loss %.4f begun anew, %.4f inherited\n", results[0].test_loss,
                  results[1].test_loss);
    nas_config_clear(config);
    free(config);
}

/* ---- what does not fit ------------------------------------------------------------------------------------------------------ */

static void refuse(const char *space, const char *strategy, const char *more, const char *message)
{
    nas_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    nas_test_fails(parse_oneshot(space, strategy, more, config), NAS_CONFIG, message);
    free(config);
}

static void test_refusals(void **state)
{
    static const char darts[] = "type = \"darts\"; epochs = 3;";
    nas_config *config = calloc(1, sizeof *config);
    nas_text written = {0}, again = {0};
    (void)state;
    assert_non_null(config);
    refuse("type = \"chain\";", darts, train_group, "test.cfg:3: space chain has no supernet");
    refuse(space_cell, "type = \"darts\"; epochs = 0;", train_group, "epochs");
    refuse(space_cell, "type = \"darts\"; temperature = { from = 1.0; };", train_group,
           "temperature");
    refuse(space_cell, "type = \"darts\"; given = [ \"baseline\" ];", train_group,
           "strategy.given");
    refuse(space_cell, darts, "evaluate = { type = \"trained\"; };",
           "evaluate.type = \"supernet\"");
    refuse(space_cell, "type = \"random\";",
           "evaluate = { type = \"supernet\"; }; budget = { trials = 2; };", "one-shot");
    refuse(space_cell, darts, "train = { epochs = 4; };", "test.cfg:5: a supernet is trained for");
    refuse(space_cell, "type = \"spos\"; inner = { type = \"darts\"; };", train_group,
           "cannot be inside another");
    refuse(space_cell, "type = \"spos\"; candidates = 0;", train_group, "candidates");
    refuse(space_cell, "type = \"enas\"; controller = { aggregate = 0; };", train_group,
           "aggregate");
    refuse(space_cell, darts, "budget = { lookahead = 2; };", "lookahead");
    refuse(space_cell, darts, "budget = { order = \"arrival\"; };", "order");
    refuse(space_cell, "type = \"asha\"; inner = { type = \"darts\"; };",
           "budget = { trials = 2; };", "cannot be inside another");
    nas_test_ok(parse_oneshot(space_cell, darts, train_group, config));
    assert_int_equal(config->budget.trials, 4); /* three epochs and what came of them */
    assert_int_equal(config->budget.lookahead, 1);
    assert_int_equal(nas_value_member(&config->train, "epochs")->integer, 3);
    assert_string_equal(nas_value_member(&config->evaluate, "type")->text, "supernet");
    nas_config_write(config, &written);
    nas_config_clear(config);
    nas_test_ok(nas_config_parse(written.data, "stored", NULL, NULL, 0, config));
    nas_config_write(config, &again);
    assert_string_equal(written.data, again.data);
    nas_config_clear(config);
    nas_text_clear(&written);
    nas_text_clear(&again);
    free(config);
}

/* What only data, device or optimizer show is said before a trial begins, and leaves no study. */
static void test_late_refusals(void **state)
{
    static const struct late {
        const char *space, *strategy, *train, *message;
    } late[] = {
        {"type = \"cell\"; output = \"loose_ends\";", "type = \"darts\";", train_group, "output"},
        {space_cell, "type = \"pcdarts\"; partial = 3;", train_group, "multiple of 3"},
        {space_cell, "type = \"darts\"; order = 2;",
         "train = { optimizer = \"adam\"; batch = 32; };", "sgd"},
        {space_cell, "type = \"darts\"; share = 0.95;", train_group, "strategy.share"},
        {space_cell, "type = \"darts\"; stop = { curvature = 1.3; };", train_group,
         "strategy.stop.curvature"},
        {space_cell, "type = \"enas\"; share = 0.95;", train_group, "for the controller"},
        {space_cell, "type = \"gdas\"; curvature = 2;", train_group, "does not bend"},
    };
    (void)state;
    need_device();
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        nas_search_report report;
        nas_search_options options = options_for(path_of("late.study"), false);
        nas_config *config = calloc(1, sizeof *config);
        assert_non_null(config);
        nas_test_ok(parse_oneshot(late[i].space, late[i].strategy, late[i].train, config));
        nas_test_fails(nas_session_search(config, &options, &report), NAS_CONFIG, late[i].message);
        assert_int_equal(access(options.study_path, F_OK), -1);
        nas_config_clear(config);
        free(config);
    }
}

/* ---- numbers ----------------------------------------------------------------------------------------------------------- */

/* Targets are −1000 and 1000, as they are, and nothing is learned: outputs near 0 explain nothing, R² is 0, whatever the unit. */
static void test_reward_of_numbers(void **state)
{
    nas_search_report report;
    nas_search_options options = options_for(path_of("numbers.study"), false);
    nas_config *config = calloc(1, sizeof *config);
    nas_text table = {0}, text = {0};
    (void)state;
    need_device();
    assert_non_null(config);
    nas_text_add(&table, "a,b,c,d,y\n");
    for (int i = 0; i < 240; i++)
        nas_text_format(&table, "%d,%d,%d,%d,%d\n", i % 3, i % 5, i % 7, i % 11,
                        i % 2 ? 1000 : -1000);
    nas_test_ok(nas_file_replace(path_of("numbers.csv"), table.data, table.length));
    nas_text_format(
        &text,
        "data = { type = \"csv\"; path = \"%s\"; task = \"regress\"; target = \"y\"; shape = [1, "
        "1, "
        "4]; valid = 40; scale_targets = false; };\n"
        "space = { type = \"chain_skip\"; depth = 2; stages = 1; stem = 4; width = 4; join = "
        "\"add\"; };\n"
        "strategy = { type = \"enas\"; epochs = 1; candidates = 1; share = 0.5; controller = { "
        "steps = 4; aggregate = 3; hidden = 8; }; };\n"
        "train = { batch = 20; optimizer = \"sgd\"; lr = 1e-6; clip = 1.0; };\n",
        path_of("numbers.csv"));
    nas_test_ok(nas_config_parse(text.data, "test.cfg", NULL, NULL, 0, config));
    nas_test_ok(nas_session_search(config, &options, &report));
    nas_trial epoch = trial_of(options.study_path, 0);
    assert_true(fabs(nas_trial_metric(&epoch, "controller_reward")) < 0.1);
    nas_trial_clear(&epoch);
    nas_text_clear(&table);
    nas_text_clear(&text);
    nas_config_clear(config);
    free(config);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_methods),
        cmocka_unit_test(test_epochs_survive),
        cmocka_unit_test(test_drafts),
        cmocka_unit_test(test_after_the_last_epoch),
        cmocka_unit_test(test_failed_epochs),
        cmocka_unit_test(test_sampled_paths),
        cmocka_unit_test(test_final_network),
        cmocka_unit_test(test_inherit),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_late_refusals),
        cmocka_unit_test(test_reward_of_numbers),
    };
    be_a_worker(argc, argv);
    has_device = oneshot_has_device();
    return cmocka_run_group_tests(tests, make_session_folder, remove_session_folder);
}
