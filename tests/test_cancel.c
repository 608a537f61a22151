/* test_cancel.c - every long call is cancelled by its `cancelled` function, and what is resumable goes on to the same bits.
 *
 * (Searches: test_embed.c, test_threads.c.)  The truth of a training that was cancelled is the same training left alone: one score, one
 * file of weights. */
#include "session_runs.h"

#include <unistd.h>

typedef struct fuse {
    int after, asked; /* it says true from its `after`-th question on */
    int epochs;       /* seen */
} fuse;

static bool burnt(void *user)
{
    fuse *f = user;
    return ++f->asked > f->after;
}

static void count_epochs(void *user, const nas_progress *progress)
{
    fuse *f = user;
    f->epochs += progress->event == NAS_EVENT_RETRAIN;
}

static const char *study_with_trials(const char *name)
{
    nas_search_report report;
    nas_search_options options = options_for(path_of(name), false);
    options.no_retrain = true;
    const nas_status status = search_with(&options, "budget.trials=3", &report);
    if (status == NAS_NO_DEVICE)
        skip();
    nas_test_ok(status);
    return options.study_path;
}

static char model[256]; /* of the first test, for those behind it */

static void test_train(void **state)
{
    char path[2][256], hash[2][33];
    nas_train_result whole, parts;
    fuse f = {.after = 1000000};
    (void)state;
    snprintf(path[0], sizeof path[0], "%s", study_with_trials("whole.study"));
    snprintf(path[1], sizeof path[1], "%s", study_with_trials("parts.study"));
    nas_retrain_options options = {
        .trial = 1, .epochs = 3, .progress = count_epochs, .cancelled = burnt, .user = &f};
    nas_test_ok(nas_session_train(path[0], &options, &whole));
    assert_true(f.epochs >= 3 && f.asked >= 3); /* at each step that was shown, if not more often */
    const int questions = f.asked;
    int stops = 0;
    for (nas_status status = NAS_STOPPED; status != NAS_OK; stops++) {
        f = (fuse){.after = 1 + questions / 3};
        status = nas_session_train(path[1], &options, &parts);
        if (status != NAS_OK)
            assert_int_equal(status, NAS_STOPPED);
        assert_true(stops < 20);
    }
    assert_true(stops > 1);
    assert_true(whole.test_score == parts.test_score && whole.test_loss == parts.test_loss);
    hash_of_file(whole.model, hash[0]);
    hash_of_file(parts.model, hash[1]);
    assert_string_equal(hash[0], hash[1]);
    snprintf(model, sizeof model, "%s", whole.model);
}

static void need_model(void)
{
    if (!model[0])
        skip();
}

static void test_eval(void **state)
{
    fuse f = {.after = 0};
    const nas_eval_options options = {.cancelled = burnt, .user = &f};
    nas_eval_result result;
    (void)state;
    need_model();
    nas_test_fails(nas_session_eval(model, path_of("whole.study"), &options, &result), NAS_STOPPED,
                   "batch 0");
    assert_int_equal(f.asked, 1);
    f.after = 1000;
    nas_test_ok(nas_session_eval(model, path_of("whole.study"), &options, &result));
    assert_int_equal(f.asked, 3); /* 64 samples in batches of 32 */
    nas_eval_result_clear(&result);
}

static void test_finetune(void **state)
{
    fuse f = {.after = 0};
    const nas_finetune_options options = {
        .epochs = 1, .model_path = path_of("tuned.safetensors"), .cancelled = burnt, .user = &f};
    nas_finetune_result result;
    (void)state;
    need_model();
    nas_test_fails(nas_session_finetune(model, path_of("whole.study"), &options, &result),
                   NAS_STOPPED, "");
    assert_int_not_equal(access(options.model_path, F_OK), 0); /* half a training is no model */
}

static nas_status count(void *user, const nas_prediction *prediction)
{
    (void)prediction;
    ++*(int *)user;
    return NAS_OK;
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

static void test_predict(void **state)
{
    enum { SAMPLES = 5, SIZE = 12 * 12 };
    static float samples[SAMPLES * SIZE];
    const uint64_t dimensions[] = {SAMPLES, 1, 12, 12};
    int told = 0;
    nas_predict_options options = {.batch = 2, .each = count, .user = &told};
    const char *file = path_of("samples.npy");
    (void)state;
    need_model();
    nas_test_ok(nas_npy_write(file, NAS_NPY_FLOAT32, 4, dimensions, samples));
    nas_test_ok(nas_session_predict(model, &file, 1, &options));
    assert_int_equal(told, SAMPLES);
    told = 0;
    options.cancelled = at_once;
    nas_test_fails(nas_session_predict(model, &file, 1, &options), NAS_STOPPED, "cancelled");
    assert_int_equal(told, 0);
}

static void test_check(void **state)
{
    fuse f = {.after = 10};
    const nas_check_options options = {.cancelled = burnt, .user = &f};
    nas_check_report report;
    nas_config *config = parse_config(NULL, 0);
    (void)state;
    nas_test_fails(nas_session_check(config, &options, &report), NAS_STOPPED, "cancelled");
    assert_int_equal(f.asked, 11);
    nas_config_clear(config);
    free(config);
}

/* One trial is out and the next one needs its result. */
static void test_ask(void **state)
{
    static const char *const overrides[] = {"budget.lookahead=1", "strategy.given=[]"};
    fuse f = {.after = 3};
    char config_path[256];
    nas_ask_options options = {.overrides = overrides, .override_count = 2, .lease_s = 60};
    nas_asked first, second;
    (void)state;
    snprintf(config_path, sizeof config_path, "%s", path_of("ask.cfg"));
    nas_text text = {0};
    nas_text_format(&text, "study = \"%s\";\n%s", "asked", session_config);
    nas_test_ok(nas_file_replace(config_path, text.data, text.length));
    nas_text_clear(&text);
    assert_int_equal(system("rm -rf asked.study*"), 0);
    nas_test_ok(nas_session_ask(config_path, &options, &first));
    assert_int_equal(first.next, NAS_NEXT_TRIAL);
    options.wait_s = 600;
    options.cancelled = burnt;
    options.user = &f;
    nas_test_fails(nas_session_ask(config_path, &options, &second), NAS_STOPPED, "cancelled");
    assert_int_equal(f.asked, 4);
    nas_asked_clear(&first);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train),    cmocka_unit_test(test_eval),
        cmocka_unit_test(test_finetune), cmocka_unit_test(test_predict),
        cmocka_unit_test(test_check),    cmocka_unit_test(test_ask),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, make_session_folder, remove_session_folder);
}
