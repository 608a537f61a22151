/* test_eval.c - evaluators: what is a result, what is not, and that a pure one gives the same bits twice. */
#include "nas_test.h"
#include "nas_test_open.h"

#include <clnas/eval.h>

#include <math.h>
#include <unistd.h>

static nas_device *device;
static nas_data *data;
static nas_domain *domain;
static nas_train_config train;
static nas_arch baseline;

static int open_all(void **state)
{
    nas_value group = {0};
    (void)state;
    data = nas_test_data(
        "{ type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; train = 320; test = 64; "
        "valid = 64; }",
        1);
    domain = nas_test_domain("chain", "{ depth = [1, 3]; width = [4, 8]; kernel = [3]; }",
                             nas_data_shape(data), nas_data_outputs(data));
    nas_test_ok(nas_domain_read(domain, "baseline", &baseline));
    nas_test_ok(nas_value_parse("{ epochs = 2; batch = 32; lr = 0.1; }", "test", 1, &group));
    nas_test_ok(nas_train_config_fill(&group, &train));
    nas_value_clear(&group);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    nas_device_destroy(device);
    nas_domain_close(domain);
    nas_data_destroy(data);
    return 0;
}

static void need_device(void)
{
    if (!device && nas_device_open("any", NULL, &device) != NAS_OK)
        skip();
}

static nas_eval *create(const nas_objectives *objectives)
{
    nas_eval_setting setting = {.device = device,
                                .data = data,
                                .domain = domain,
                                .train = &train,
                                .objectives = objectives,
                                .seed = 1};
    nas_eval *eval = NULL;
    nas_test_ok(nas_eval_create(&setting, &eval));
    return eval;
}

/* ---- bounds and objectives ------------------------------------------------------------------------------------------ */

static void test_bound_reason(void **state)
{
    nas_objectives bounds = {.bound_count = 2,
                             .bounds = {{"parameters", 10, 100}, {"latency_ms", -INFINITY, 5}}};
    char reason[256] = "";
    nas_trial trial;
    (void)state;
    nas_trial_init(&trial);
    assert_false(nas_bound_reason(&bounds, &trial, reason, sizeof reason));
    nas_test_ok(nas_trial_set_metric(&trial, "parameters", 100, false));
    assert_false(nas_bound_reason(&bounds, &trial, reason, sizeof reason));
    nas_test_ok(nas_trial_set_metric(&trial, "parameters", 101, false));
    assert_true(nas_bound_reason(&bounds, &trial, reason, sizeof reason));
    assert_string_equal(reason, "parameters = 101 is over its bound of 100");
    nas_test_ok(nas_trial_set_metric(&trial, "parameters", 9, false));
    assert_true(nas_bound_reason(&bounds, &trial, reason, sizeof reason));
    assert_string_equal(reason, "parameters = 9 is under its bound of 10");
    assert_false(nas_bound_reason(NULL, &trial, reason, sizeof reason));
    nas_trial_clear(&trial);
}

static void test_scores(void **state)
{
    nas_objectives objectives = {.count = 2, .item = {{"a", NAS_GOAL_MAX}, {"b", NAS_GOAL_MIN}}};
    double scores[NAS_OBJECTIVES];
    nas_trial trial;
    (void)state;
    nas_trial_init(&trial);
    trial.status = NAS_TRIAL_COMPLETE;
    nas_test_ok(nas_trial_set_metric(&trial, "a", 2, false));
    nas_test_ok(nas_trial_set_metric(&trial, "b", 3, false));
    nas_objective_scores(&objectives, &trial, scores);
    assert_true(scores[0] == 2 && scores[1] == -3);
    trial.status = NAS_TRIAL_FAILED;
    nas_objective_scores(&objectives, &trial, scores);
    assert_true(isinf(scores[0]) && scores[0] < 0);
    nas_trial_clear(&trial);
}

static void test_keys(void **state)
{
    nas_arch other = baseline;
    (void)state;
    other.genes[0] ^= 1;
    assert_int_equal(nas_eval_key(&baseline, 0), nas_eval_key(&baseline, 0));
    assert_true(nas_eval_key(&baseline, 0) != nas_eval_key(&other, 0));
    assert_true(nas_eval_key(&baseline, 0) != nas_eval_key(&baseline, 1));
    assert_true(nas_eval_key(&baseline, 1) != nas_eval_key(&baseline, 2));
}

static void test_every_evaluator(void **state)
{
    int count;
    const nas_evaluator *found;
    const nas_evaluator *const *all = nas_evaluator_all(&count);
    (void)state;
    for (int i = 0; i < count; i++) {
        assert_ptr_equal(nas_evaluator_find(all[i]->kind.name), all[i]);
        assert_true(all[i]->kind.summary && all[i]->kind.summary[0]);
        assert_non_null(all[i]->score);
        assert_non_null(all[i]->metrics[0]);
    }
    nas_test_fails(nas_evaluator_get("trianed", &found), NAS_CONFIG, "did you mean \"trained\"");
    nas_test_ok(nas_evaluator_of(NULL, &found));
    assert_string_equal(found->kind.name, "trained");
}

/* ---- training --------------------------------------------------------------------------------------------------------- */

static void test_trained_is_pure(void **state)
{
    nas_eval_call call = {.arch = &baseline, .budget = 2};
    nas_text lines[2] = {{0}};
    const nas_evaluator *trained = nas_evaluator_find("trained");
    (void)state;
    need_device();
    for (int i = 0; i < 2; i++) {
        nas_eval *eval = create(NULL);
        nas_trial result;
        nas_trial_init(&result);
        nas_test_ok(nas_eval_score(eval, &call, &result));
        assert_int_equal(result.status, NAS_TRIAL_COMPLETE);
        for (int m = 0; trained->metrics[m]; m++)
            assert_true(isfinite(nas_trial_metric(&result, trained->metrics[m])));
        assert_int_equal(result.curves[0].count, 2);
        result.index = 0;
        result.arch = strdup("x");
        nas_trial_canonical(&result, &lines[i]);
        nas_trial_clear(&result);
        nas_eval_destroy(eval);
    }
    assert_string_equal(lines[0].data, lines[1].data);
    nas_text_clear(&lines[0]);
    nas_text_clear(&lines[1]);
}

static void test_bound_rejects_before_training(void **state)
{
    nas_objectives bounds = {.bound_count = 1, .bounds = {{"parameters", -INFINITY, 10}}};
    nas_eval_call call = {.arch = &baseline, .budget = 100000}; /* would take for ever */
    nas_trial result;
    (void)state;
    need_device();
    nas_eval *eval = create(&bounds);
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(eval, &call, &result));
    assert_int_equal(result.status, NAS_TRIAL_FAILED);
    assert_non_null(strstr(result.reason, "over its bound of 10"));
    assert_false(nas_trial_has_metric(&result, "valid_accuracy"));
    nas_trial_clear(&result);
    nas_test_fails(nas_eval_keep(eval, "none.safetensors"), NAS_FAILED, "no network");
    nas_eval_destroy(eval);
}

static void test_time_limit_is_a_result(void **state)
{
    nas_eval_call call = {.arch = &baseline, .budget = 2, .limit_s = 1e-9};
    nas_trial result;
    (void)state;
    need_device();
    nas_eval *eval = create(NULL);
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(eval, &call, &result));
    assert_int_equal(result.status, NAS_TRIAL_FAILED);
    assert_non_null(strstr(result.reason, "time limit"));
    nas_trial_clear(&result);
    nas_eval_destroy(eval);
}

static bool refuse(void *user, double progress)
{
    assert_true(progress >= 0 && progress <= 1);
    ++*(int *)user;
    return false;
}

static void test_stop_is_none(void **state)
{
    int calls = 0;
    nas_eval_call call = {.arch = &baseline, .budget = 2, .callback = refuse, .user = &calls};
    nas_trial result;
    (void)state;
    need_device();
    nas_eval *eval = create(NULL);
    nas_trial_init(&result);
    assert_int_equal(nas_eval_score(eval, &call, &result), NAS_STOPPED);
    assert_int_equal(calls, 1);
    nas_trial_clear(&result);
    nas_eval_destroy(eval);
}

static void test_huge_rate_is_a_failed_trial(void **state)
{
    nas_train_options before = train.common;
    nas_eval_call call = {.arch = &baseline, .budget = 2};
    nas_trial result;
    (void)state;
    need_device();
    train.common.lr = 1000;
    train.common.warmup = 0;
    nas_eval *eval = create(NULL);
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(eval, &call, &result));
    if (result.status == NAS_TRIAL_FAILED)
        assert_non_null(strstr(result.reason, "epoch"));
    else
        assert_true(isfinite(nas_trial_metric(&result, "valid_loss")));
    nas_trial_clear(&result);
    nas_eval_destroy(eval);
    train.common = before;
}

static void test_keep_reads_back(void **state)
{
    nas_eval_call call = {.arch = &baseline, .budget = 1};
    nas_safetensors content = {0};
    nas_trial result;
    bool graph = false;
    (void)state;
    need_device();
    nas_eval *eval = create(NULL);
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(eval, &call, &result));
    nas_test_ok(nas_eval_keep(eval, "kept.safetensors"));
    nas_trial_clear(&result);
    nas_eval_destroy(eval);
    nas_test_ok(nas_safetensors_read("kept.safetensors", &content));
    for (int i = 0; i < content.metadata_count; i++)
        graph = graph || strcmp(content.keys[i], "graph") == 0;
    assert_true(graph && content.count > 0);
    nas_safetensors_clear(&content);
    unlink("kept.safetensors");
}

static void test_nothing_is_left(void **state)
{
    (void)state;
    need_device();
    assert_int_equal(nas_device_live_objects(device), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_reason),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_every_evaluator),
        cmocka_unit_test(test_trained_is_pure),
        cmocka_unit_test(test_bound_rejects_before_training),
        cmocka_unit_test(test_time_limit_is_a_result),
        cmocka_unit_test(test_stop_is_none),
        cmocka_unit_test(test_huge_rate_is_a_failed_trial),
        cmocka_unit_test(test_keep_reads_back),
        cmocka_unit_test(test_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
