/* test_session_devices.c - several devices in one search: like ones, unlike ones, and ones that go wrong.
 *
 * PoCL stands in a vendors' folder of the test's own under two names, a.icd and b.icd; the shim (tests/shim/shim.h) makes
 * the second another device, or one that computes wrong numbers, crashes or hangs, in those processes alone that load b.icd.
 * Whatever happens there, the trials must be those of an undisturbed search in this process. */
#include "shim_only.h"
#include "undisturbed.h"

#include "session/session_private.h"
#include "study/study.h"

#include <math.h>
#include <unistd.h>

#define ONE "devices=({name=\"one\";driver=\"b.icd\";})"
#define TWO "devices=({name=\"good\";driver=\"a.icd\";},{name=\"bad\";driver=\"b.icd\";})"

/* Makes b.icd's device what `device` and `fault` say; NULL: nothing. */
static void shim(const char *device, const char *fault, const char *once)
{
    shim_begin(
        (shim_orders){.only = "driver=b.icd", .device = device, .fault = fault, .once = once});
}

static nas_status search(const char *name, const char *devices, const char *order,
                         nas_search_report *report)
{
    const char *overrides[] = {devices, order};
    nas_search_options options = options_for(path_of(name), true);
    nas_config *config = parse_config(overrides, order ? 2 : 1);
    options.progress = listen_to_workers;
    options.no_retrain = true;
    worker_notes[0] = '\0';
    nas_status status = nas_session_search(config, &options, report);
    nas_config_clear(config);
    free(config);
    return status;
}

static int stored_order(const char *name)
{
    nas_config *config = calloc(1, sizeof *config);
    nas_progress progress;
    assert_non_null(config);
    nas_test_ok(nas_session_status(path_of(name), config, &progress));
    int order = config->budget.order;
    nas_config_clear(config);
    free(config);
    return order;
}

/* ---- like and unlike ------------------------------------------------------------------------------ */

static void test_two_like_devices_give_the_same_trials(void **state)
{
    nas_search_report report;
    (void)state;
    need_undisturbed(false);
    nas_test_ok(search("like.study", TWO, NULL, &report));
    assert_same_trials("like.study");
    assert_int_equal(stored_order("like.study"), NAS_ORDER_INDEX);
    int64_t done = 0;
    for (int i = 0; i < report.use_count; i++)
        done += report.uses[i].done;
    assert_int_equal(done, 8 - report.reused);
}

static void test_unlike_devices_take_them_as_they_arrive(void **state)
{
    nas_search_report report;
    (void)state;
    need_undisturbed(true);
    shim("name=Another", NULL, NULL);
    nas_status status = search("unlike.study", TWO, NULL, &report);
    shim_end();
    nas_test_ok(status);
    assert_int_equal(report.trials, 8);
    assert_int_equal(stored_order("unlike.study"), NAS_ORDER_ARRIVAL);
    const char *more = "budget.trials=9"; /* alike now, but the study has its order */
    nas_search_options options = options_for(path_of("unlike.study"), true);
    nas_test_ok(nas_session_resume(path_of("unlike.study"), &more, 1, &options, &report));
    assert_int_equal(stored_order("unlike.study"), NAS_ORDER_ARRIVAL);
}

/* ---- devices that go wrong -------------------------------------------------------------------------- */

static void go_wrong(const char *name, const char *fault, const char *once)
{
    nas_search_report report;
    shim(NULL, fault, once);
    nas_status status = search(name, TWO, "budget.order=index", &report);
    shim_end();
    nas_test_ok(status);
    assert_int_equal(report.failed, 0);
    assert_same_trials(name);
}

static void test_wrong_numbers_beside_a_good_device(void **state)
{
    (void)state;
    need_undisturbed(true);
    go_wrong("wrong.study", "clEnqueueNDRangeKernel:1+:wrong", NULL);
    assert_noted("computes wrong");
}

/* Its first trials are right: they stay, and none of the wrong ones comes into the log. */
static void test_a_device_that_begins_to_lie(void **state)
{
    (void)state;
    need_undisturbed(true);
    go_wrong("late.study", "clEnqueueNDRangeKernel:600+:wrong", NULL);
    assert_noted("computes wrong");
}

static void stay_alone(const char *name, const char *fault, const char *note)
{
    nas_search_report report;
    shim(NULL, fault, NULL);
    nas_status status = search(name, ONE, NULL, &report);
    shim_end();
    assert_int_equal(status, NAS_DEVICE);
    assert_non_null(strstr(nas_error_message(), "no device is left"));
    assert_int_equal(report.trials, 0);
    assert_noted(note);
    assert_noted("device one is dropped: it failed the test after an error");
    nas_search_options options = options_for(path_of(name), true);
    options.no_retrain = true;
    nas_test_ok(nas_session_resume(path_of(name), NULL, 0, &options, &report));
    assert_same_trials(name);
}

static void test_a_bad_device_alone_is_dropped(void **state)
{
    (void)state;
    need_undisturbed(true);
    stay_alone("alone.study", "clEnqueueNDRangeKernel:1+:wrong", "computes wrong");
    stay_alone("alone2.study", "clEnqueueNDRangeKernel:5:crash", "died by signal");
}

static void test_a_device_that_is_good_again_goes_on(void **state)
{
    (void)state;
    need_undisturbed(true);
    go_wrong("again.study", "clEnqueueNDRangeKernel:1+:wrong", path_of("again.once"));
    if (strstr(worker_notes, "dropped"))
        fail_msg("it was dropped:\n%s", worker_notes);
}

static void test_crashes_beside_a_good_device(void **state)
{
    (void)state;
    need_undisturbed(true);
    go_wrong("crash.study", "clEnqueueNDRangeKernel:5:crash", NULL);
    assert_noted("died by signal");
}

static void test_a_call_that_never_returns(void **state)
{
    (void)state;
    need_undisturbed(true);
    go_wrong("hang.study", "clEnqueueNDRangeKernel:250:hang", path_of("hang.once"));
}

/* ---- how busy devices are ------------------------------------------------------------------------------ */

enum { THIS_PROCESS = -1 }; /* as `pid` */

static void put(nas_study *study, int index, const char *device, int64_t pid, int64_t from,
                int64_t to, nas_trial_status status)
{
    nas_trial trial;
    nas_trial_init(&trial);
    trial.index = index;
    trial.arch = (char *)"x";
    trial.status = status;
    trial.alias = status == NAS_TRIAL_ALIAS ? 1 : -1;
    trial.owner.pid = pid;
    snprintf(trial.owner.host, sizeof trial.owner.host, "elsewhere");
    if (pid == THIS_PROCESS)
        nas_test_ok(nas_owner_self(&trial.owner));
    snprintf(trial.device, sizeof trial.device, "%s", device);
    trial.started_ms = from;
    trial.ended_ms = to;
    trial.revision = study->revision + 1;
    nas_test_ok(study->store->begin(study->handle, true));
    nas_test_ok(study->store->put_trial(study->handle, &trial));
    nas_test_ok(study->store->end(study->handle, true));
    nas_test_ok(nas__study_apply(study, &trial));
}

static void test_busy_shares_of_a_known_log(void **state)
{
    const char fast[] = "fast (0:0 X (Y))", slow[] = "slow (0:0 Z)";
    const nas_study_about about = {0};
    nas_device_use uses[4];
    nas_study *study;
    (void)state;
    nas_test_ok(nas_study_create(NULL, &about, &study));
    put(study, 0, fast, 10, 500, 900, NAS_TRIAL_COMPLETE); /* before the session */
    put(study, 1, fast, 10, 1000, 3000, NAS_TRIAL_COMPLETE);
    put(study, 2, slow, 20, 2000, 11000, NAS_TRIAL_COMPLETE);
    put(study, 3, fast, 10, 4000, 6000, NAS_TRIAL_FAILED);
    put(study, 4, fast, 11, 8000, 10000, NAS_TRIAL_COMPLETE); /* in place of 10 */
    put(study, 5, "", 0, 6000, 6000, NAS_TRIAL_ALIAS);
    assert_int_equal(nas__use_from_log(study, 1000, 11000, uses, 4), 2);
    assert_string_equal(uses[0].name, "fast");
    assert_string_equal(uses[1].name, "slow");
    assert_int_equal(uses[0].done, 3);
    assert_int_equal(uses[0].failed, 1);
    assert_true(fabs(uses[0].busy - 6000.0 / 8000) < 1e-9); /* 4 of 5 s, then 2 of 3 s */
    assert_true(fabs(uses[1].busy - 1) < 1e-9);
    assert_true(fabs(uses[0].per_minute - 3 * 6.0) < 1e-9);
    assert_int_equal(nas__use_from_log(study, 1000, 11000, uses, 1), 1);
    nas_study_close(study);
}

/* ---- who begins a trial at the end ------------------------------------------------------------------------ */

static nas_study *study_of_two_paces(void)
{
    const nas_study_about about = {0};
    nas_study *study;
    nas_test_ok(nas_study_create(NULL, &about, &study));
    put(study, 0, "fast (0:0 X)", 10, 1000, 9000, NAS_TRIAL_COMPLETE); /* builds kernels */
    put(study, 1, "fast (0:0 X)", 10, 9000, 10000, NAS_TRIAL_COMPLETE);
    put(study, 2, "fast (0:0 X)", 10, 10000, 13000, NAS_TRIAL_COMPLETE);
    put(study, 3, "slow (0:0 Y)", 20, 1000, 41000, NAS_TRIAL_COMPLETE); /* the same */
    put(study, 4, "slow (0:0 Y)", 20, 41000, 51000, NAS_TRIAL_COMPLETE);
    put(study, 5, "slow (0:0 Y)", 20, 51000, 71000, NAS_TRIAL_COMPLETE);
    return study;
}

static void test_paces_of_a_known_log(void **state)
{
    nas_study *study = study_of_two_paces();
    (void)state;
    put(study, 6, "faster (0:0 Z)", 30, 1000, 1500, NAS_TRIAL_FAILED);
    put(study, 7, "once (0:0 Z)", 30, 1000, 1500, NAS_TRIAL_COMPLETE);
    assert_true(nas__pace_ms(study, "fast") == 2000); /* the mean of 1 and 3 s */
    assert_true(nas__pace_ms(study, "fast (0:0 X)") == 2000);
    assert_true(nas__pace_ms(study, "slow") == 15000);
    assert_true(nas__pace_ms(study, "once") == 500);
    assert_true(nas__pace_ms(study, "faster") == 0); /* none was completed */
    assert_true(nas__pace_ms(study, "fas") == 0);
    assert_true(nas__pace_ms(study, "") == 0);
    nas_study_close(study);
}

/* 2 s, and up to 20 s: with one trial of the fast device open, nine more make 20 s. */
static void test_a_slow_device_sits_out_the_end(void **state)
{
    const char fast[] = "fast (0:0 X)", slow[] = "slow (0:0 Y)", other[] = "other (0:0 Z)";
    nas_study *study = study_of_two_paces();
    (void)state;
    assert_false(nas__pace_sits_out(study, slow, 7)); /* the fast one is idle: it may be gone */
    put(study, 6, fast, 10, 90000, 0, NAS_TRIAL_RUNNING);
    assert_false(nas__pace_sits_out(study, slow, 7)); /* nothing is left */
    assert_true(nas__pace_sits_out(study, slow, 7 + 1));
    assert_true(nas__pace_sits_out(study, slow, 7 + 8));
    assert_false(nas__pace_sits_out(study, slow, 7 + 9));
    assert_false(nas__pace_sits_out(study, slow, 1000000));
    assert_false(nas__pace_sits_out(study, other, 7 + 1)); /* nobody knows how slow it is */
    put(study, 7, slow, 20, 90000, 0, NAS_TRIAL_RUNNING);
    assert_false(nas__pace_sits_out(study, fast, 8 + 1)); /* the fast one goes on */
    put(study, 6, fast, 10, 90000, 0, NAS_TRIAL_QUEUED);  /* its worker has died */
    assert_false(nas__pace_sits_out(study, slow, 8 + 1));
    nas_study_close(study);
}

/* Between two trials, while it commits one, the fast device is as much at work as within them. */
static void test_a_living_worker_is_at_work(void **state)
{
    nas_study *study = study_of_two_paces();
    (void)state;
    put(study, 6, "fast (0:0 X)", THIS_PROCESS, 13000, 15000, NAS_TRIAL_COMPLETE);
    assert_true(nas__pace_sits_out(study, "slow (0:0 Y)", 7 + 1));
    put(study, 7, "fast (0:0 X)", THIS_PROCESS, 15000, 0, NAS_TRIAL_QUEUED);
    assert_false(nas__pace_sits_out(study, "slow (0:0 Y)", 8)); /* it has given one back */
    nas_study_close(study);
}

/* Each would be done with its longest trial later than the other one with all that is left: the faster one goes on. */
static void test_not_everybody_sits_out(void **state)
{
    const char one[] = "one (0:0 X)", two[] = "two (0:0 Y)";
    const nas_study_about about = {0};
    nas_study *study;
    (void)state;
    nas_test_ok(nas_study_create(NULL, &about, &study));
    for (int i = 0; i < 3; i++) { /* 1, 1, 3 and 2, 2, 4 s */
        put(study, 2 * i, one, THIS_PROCESS, 1000, i == 2 ? 4000 : 2000, NAS_TRIAL_COMPLETE);
        put(study, 2 * i + 1, two, THIS_PROCESS, 1000, i == 2 ? 5000 : 3000, NAS_TRIAL_COMPLETE);
    }
    assert_false(nas__pace_sits_out(study, one, 7));
    nas_study_close(study);
    nas_test_ok(nas_study_create(NULL, &about, &study));
    for (int i = 0; i < 6; i++) /* alike */
        put(study, i, i % 2 ? one : two, 10 + i % 2, 1000, i > 3 ? 5000 : 2000, NAS_TRIAL_COMPLETE);
    put(study, 6, one, 11, 5000, 0, NAS_TRIAL_RUNNING);
    assert_false(nas__pace_sits_out(study, two, 8));
    nas_study_close(study);
}

/* ---- main --------------------------------------------------------------------------------------------- */

static int make_all(void **state)
{
    static const char *const names[] = {"a.icd", "b.icd", NULL};
    return make_undisturbed(state, names, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_like_devices_give_the_same_trials),
        cmocka_unit_test(test_unlike_devices_take_them_as_they_arrive),
        cmocka_unit_test(test_wrong_numbers_beside_a_good_device),
        cmocka_unit_test(test_a_device_that_begins_to_lie),
        cmocka_unit_test(test_a_bad_device_alone_is_dropped),
        cmocka_unit_test(test_a_device_that_is_good_again_goes_on),
        cmocka_unit_test(test_crashes_beside_a_good_device),
        cmocka_unit_test(test_a_call_that_never_returns),
        cmocka_unit_test(test_busy_shares_of_a_known_log),
        cmocka_unit_test(test_paces_of_a_known_log),
        cmocka_unit_test(test_a_slow_device_sits_out_the_end),
        cmocka_unit_test(test_a_living_worker_is_at_work),
        cmocka_unit_test(test_not_everybody_sits_out),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, make_all, remove_undisturbed);
}
