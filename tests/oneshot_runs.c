/* oneshot_runs.c - searches with shared weights that take a second. */
#include "oneshot_runs.h"

#include <stdio.h>
#include <stdlib.h>

const char space_cell[] = "type = \"cell\"; cells = 2; channels = 4; nodes = 2; reductions = [1];";

nas_status parse_oneshot(const char *space, const char *strategy, const char *more,
                         nas_config *config)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "seed = 3;\n"
        "data = { type = \"synthetic\"; shape = [1, 8, 8]; classes = 4; train = 324; test = 64; "
        "valid = 68; augment = { flip = true; crop = 1; }; };\n"
        "space = { %s };\n"
        "strategy = { %s };\n"
        "%s",
        space, strategy, more);
    return nas_config_parse(text, "test.cfg", NULL, NULL, 0, config);
}

const char train_group[] = "train = { batch = 64; optimizer = \"sgd\"; lr = 0.05; clip = 5.0; };\n";

nas_config *oneshot_config(const char *strategy, const char *budget)
{
    char more[512];
    nas_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    snprintf(more, sizeof more,
             "%sbudget = { lease_s = 20.0; %s };\nretrain = { top = 1; epochs = 1; };\n",
             train_group, budget);
    nas_test_ok(parse_oneshot(space_cell, strategy, more, config));
    return config;
}

char *search_oneshot(const char *strategy, const char *budget, const nas_search_options *options)
{
    nas_search_report report;
    nas_config *config = oneshot_config(strategy, budget);
    nas_test_ok(nas_session_search(config, options, &report));
    nas_config_clear(config);
    free(config);
    assert_true(report.has_best);
    return print_of(options->study_path);
}

void crash_at(const char *trial, const char *strategy, const char *name, const char *whole)
{
    nas_search_options options = options_for(path_of(name), true);
    setenv("CLNAS_TEST_CRASH_TRIAL", trial, 1);
    char *killed = search_oneshot(strategy, "", &options);
    unsetenv("CLNAS_TEST_CRASH_TRIAL");
    assert_string_equal(killed, whole);
    nas_trial trial_line = trial_of(options.study_path, atoi(trial));
    assert_int_equal(trial_line.attempts, 2);
    nas_trial_clear(&trial_line);
    free(killed);
}

bool oneshot_has_device(void)
{
    nas_device *found = NULL;
    const bool has = nas_device_open("any", NULL, &found) == NAS_OK;
    nas_device_destroy(found);
    return has;
}
