/* test_watching.c - a study seen from outside: while it runs, afterwards, when it was stopped, and when its file goes and comes back. */
#include "session_runs.h"

#include "session/session_private.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

/* ---- while it runs ------------------------------------------------------------------------------- */

typedef struct onlooker {
    const char *path;
    nas_watch *watch;
    nas_watch_view view;
    int looks, retrains;
    int stop_after; /* trials; 0: never */
} onlooker;

/* Rate and end follow from the log's own times: all trials of a session that is younger than five minutes. */
static void check_rate(const nas_watch_view *view)
{
    const nas_progress *p = &view->progress;
    const double minutes = (double)(view->looked_ms - view->begun_ms) / 60000;
    if (p->done < 2 || minutes > 4.5)
        return;
    assert_true(fabs(p->per_minute * minutes - (double)p->done) < 1e-6);
    assert_true(fabs(p->eta_s * p->per_minute / 60 - (double)(8 - p->done)) < 1e-6);
}

/* In the searching process itself, at its events: what is seen is what was committed. */
static void look_on(void *user, const nas_progress *progress)
{
    onlooker *o = user;
    if (progress->event != NAS_EVENT_TRIAL && progress->event != NAS_EVENT_RETRAIN)
        return;
    if (!o->watch)
        nas_test_ok(nas_session_watch_open(o->path, &o->watch));
    nas_test_ok(nas_session_watch_update(o->watch, &o->view));
    const nas_progress *seen = &o->view.progress;
    o->looks++;
    assert_true(seen->done >= progress->done && seen->failed >= progress->failed);
    assert_int_equal(nas_study_count(o->view.study), seen->done + seen->running + o->view.queued);
    if (progress->event == NAS_EVENT_TRIAL) {
        assert_int_equal(o->view.state, NAS_WATCH_SEARCH);
        assert_int_equal(seen->total, 8);
        assert_true(o->view.begun_ms > 0 && seen->elapsed_s >= 0);
        check_rate(&o->view);
    } else { /* a job is written when it begins, its epochs once a second at most */
        assert_int_equal(o->view.state, NAS_WATCH_RETRAIN);
        o->retrains++;
        assert_int_equal(seen->jobs, progress->jobs);
        assert_true(seen->job_name[0] && seen->epochs == 3);
    }
    if (o->stop_after && seen->done >= o->stop_after)
        nas_session_interrupt(SIGTERM);
}

static void a_run_is_seen(void **state)
{
    static onlooker o;
    nas_search_report report;
    nas_search_options options = options_for(path_of("seen.study"), false);
    (void)state;
    o = (onlooker){.path = options.study_path};
    options.progress = look_on;
    options.user = &o;
    nas_test_ok(search_with(&options, NULL, &report));
    assert_true(o.looks >= 8 && o.retrains >= 1);
    nas_test_ok(nas_session_watch_update(o.watch, &o.view));
    assert_int_equal(o.view.state, NAS_WATCH_DONE);
    assert_string_equal(o.view.ended_by, report.ended_by);
    assert_int_equal(o.view.missing, 0);
    assert_int_equal(o.view.progress.jobs, 0);
    assert_int_equal(o.view.progress.done, report.trials);
    assert_int_equal(o.view.progress.best_index, report.best_index);
    assert_true(o.view.best_ms > 0 && o.view.per_minute_all > 0);
    assert_non_null(strstr(o.view.best_words, "conv")); /* in words, not as genes */

    /* one that saw it grow knows what one that comes now knows */
    nas_watch *late;
    nas_watch_view view;
    nas_test_ok(nas_session_watch_open(options.study_path, &late));
    nas_test_ok(nas_session_watch_update(late, &view));
    nas_text grown = {0}, fresh = {0};
    nas_study_canonical(o.view.study, &grown);
    nas_study_canonical(view.study, &fresh);
    assert_string_equal(grown.data, fresh.data);
    assert_string_equal(o.view.best_words, view.best_words);
    assert_int_equal(o.view.progress.use_count, view.progress.use_count);
    nas_text_clear(&grown);
    nas_text_clear(&fresh);
    nas_session_watch_close(late);
    nas_session_watch_close(o.watch);
}

static void a_stopped_run_is_no_ended_one(void **state)
{
    static onlooker o;
    nas_search_report report;
    nas_search_options options = options_for(path_of("stopped.study"), false);
    (void)state;
    o = (onlooker){.path = options.study_path, .stop_after = 6};
    options.progress = look_on;
    options.user = &o;
    assert_int_equal(search_with(&options, NULL, &report), NAS_STOPPED);
    nas_test_ok(nas_session_watch_update(o.watch, &o.view));
    assert_int_equal(o.view.state, NAS_WATCH_STOPPED);
    assert_true(o.view.progress.per_minute == 0 && o.view.progress.eta_s < 0);
    assert_true(o.view.per_minute_all > 0);
    nas_test_ok(resume_study(options.study_path, &report));
    nas_test_ok(nas_session_watch_update(o.watch, &o.view));
    assert_int_equal(o.view.state, NAS_WATCH_DONE);
    assert_int_equal(o.view.progress.done, 8);
    nas_session_watch_close(o.watch);
}

/* Workers are processes of their own here: each device has one row, whether its trials or the session name it. */
static void look_at_devices(void *user, const nas_progress *progress)
{
    onlooker *o = user;
    (void)progress;
    if (!o->watch)
        nas_test_ok(nas_session_watch_open(o->path, &o->watch));
    nas_test_ok(nas_session_watch_update(o->watch, &o->view));
    assert_in_range(o->view.progress.use_count, 0, 1);
    if (o->view.progress.use_count == 0 || o->view.state != NAS_WATCH_SEARCH)
        return;
    const nas_device_use *use = &o->view.progress.uses[0];
    o->looks++;
    if (strcmp(use->state, "starts") != 0 && strcmp(use->state, "has ended") != 0)
        assert_true(strcmp(use->state, "works") == 0 || strcmp(use->state, "waits") == 0);
    assert_true((use->trial >= 0) == (strcmp(use->state, "works") == 0));
}

static void devices_of_workers_are_seen(void **state)
{
    static onlooker o;
    nas_search_report report;
    nas_search_options options = options_for(path_of("workers.study"), true);
    (void)state;
    o = (onlooker){.path = options.study_path};
    options.progress = look_at_devices;
    options.user = &o;
    nas_test_ok(search_with(&options, "budget.trials=2", &report));
    assert_true(o.looks > 0);
    nas_session_watch_close(o.watch);
}

/* What a session says is text that anybody could have written. */
static void signs_are_read_back(void **state)
{
    static nas__signs signs, read;
    nas__signs_written written = {0};
    nas_study *study;
    (void)state;
    nas_test_ok(nas_study_create(NULL, NULL, &study));
    nas_test_ok(nas__signs_read(study, &read));
    assert_int_equal(read.owner.pid, 0);
    nas_test_ok(nas_owner_self(&signs.owner));
    signs.place_count = 2;
    signs.places[0] = (nas__sign_place){.name = "home", .state = "is dropped", .lost = 3};
    snprintf(signs.places[0].trouble, 160, "two\tlines\nof it");
    signs.places[1] = (nas__sign_place){.name = "den", .state = "works", .device = "den (0:0 x)"};
    signs.jobs = 2;
    signs.epochs = 9;
    snprintf(signs.job_name, sizeof signs.job_name, "trial 17");
    nas__signs_write(study, &signs, true, &written);
    nas_test_ok(nas__signs_read(study, &read));
    assert_memory_equal(&read.owner, &signs.owner, sizeof read.owner);
    assert_int_equal(read.place_count, 2);
    assert_string_equal(read.places[0].state, "is dropped");
    assert_string_equal(read.places[0].trouble, "two lines of it");
    assert_int_equal(read.places[0].lost, 3);
    assert_string_equal(read.places[1].device, "den (0:0 x)");
    assert_string_equal(read.job_name, "trial 17");
    assert_true(read.jobs == 2 && read.epochs == 9);
    signs.epoch = 4; /* within a second: not yet */
    nas__signs_write(study, &signs, false, &written);
    nas_test_ok(nas__signs_read(study, &read));
    assert_int_equal(read.epoch, 0);
    nas__signs_write(study, &(nas__signs){0}, true, &written);
    nas_test_ok(nas__signs_read(study, &read));
    assert_true(read.owner.pid == 0 && read.place_count == 0 && read.jobs == 0);
    nas_text text = {0};
    for (int i = 0; i < 1000; i++)
        nas_text_add(&text, "place\t\t\t\t\t\t\t\nowner\nretrain\tx\n\t\n");
    nas_test_ok(nas_study_set(study, "session", text.data));
    nas_test_ok(nas__signs_read(study, &read));
    assert_int_equal(read.place_count, NAS_CONFIG_DEVICES);
    nas_text_clear(&text);
    nas_study_close(study);
}

/* Nothing that stands in a study makes numbers that cannot be. */
static void hostile_numbers_are_none(void **state)
{
    static const char *const pairs[][2] = {
        {"session", "owner\tx\t-9223372036854775808\t9223372036854775807\n"
                    "place\tp\tworks\t99999999999999\t\t\n"
                    "retrain\t9223372036854775807\t9223372036854775807\t-5\t99999999999\tx\n"},
        {"run_s", "-1e308"},
        {"run_s", "nan"},
        {"run_s", "inf"},
        {"created", "1e300"},
        {"created", "-9223372036854775808"},
        {"search_begin_ms", "-9223372036854775808"},
        {"search_begin_ms", "9223372036854775807"},
        {"search_end_ms", "9223372036854775807"},
        {"search_end_ms", "-9223372036854775808"},
        {"shape", "0 0 0 0"},
        {"shape", "99999999999 1 1 2"},
        {"shape", "1048576 1048576 1048576 2"},
        {"shape", ""},
    };
    nas_search_report report;
    nas_study *study;
    nas_watch *watch;
    nas_watch_view view;
    static nas__signs signs;
    const char *path = path_of("hostile.study");
    (void)state;
    nas_test_ok(search_config(path, false, "budget.trials=2", &report));
    nas_test_ok(nas_session_watch_open(path, &watch));
    nas_test_ok(nas_study_open(path, NAS_STORE_WRITE, &study));
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        nas_test_ok(nas_study_set(study, pairs[i][0], pairs[i][1]));
        nas_test_ok(nas_session_watch_update(watch, &view));
        assert_int_equal(view.state, NAS_WATCH_DONE);
        assert_true(view.progress.run_s >= 0 && view.progress.run_s < 1e12);
        assert_in_range(view.created_ms, 0, view.looked_ms);
        assert_in_range(view.begun_ms, 0, view.looked_ms);
        assert_in_range(view.progress.use_count, 0, 1);
        assert_true(view.best_words[0] != '\0');
    }
    nas_test_ok(nas__signs_read(study, &signs));
    assert_true(signs.job == INT_MAX && signs.jobs == INT_MAX && signs.epoch == 0);
    assert_int_equal(signs.places[0].lost, INT_MAX);
    nas_study_close(study);
    nas_session_watch_close(watch);
}

/* A study that does not say yet what its data are like shows genes; when it does, words. */
static void words_come_with_the_shape(void **state)
{
    nas_search_report report;
    nas_study *study;
    nas_watch *watch;
    nas_watch_view view;
    const char *path = path_of("words.study");
    (void)state;
    nas_test_ok(search_config(path, false, "budget.trials=1", &report));
    nas_test_ok(nas_study_open(path, NAS_STORE_WRITE, &study));
    nas_test_ok(nas_study_set(study, "shape", ""));
    nas_test_ok(nas_session_watch_open(path, &watch));
    nas_test_ok(nas_session_watch_update(watch, &view));
    assert_string_equal(view.best_words, nas_study_trial(view.study, 0)->arch);
    nas_test_ok(nas_study_set(study, "shape", "1 12 12 4"));
    nas_test_ok(nas_session_watch_update(watch, &view));
    assert_non_null(strstr(view.best_words, "conv"));
    nas_study_close(study);
    nas_session_watch_close(watch);
}

/* Each job of retraining is told when it begins, the first one too; epochs once a second at most. */
static void jobs_are_told_at_once(void **state)
{
    static nas__run run;
    static nas__signs read;
    nas_progress *p = &run.picture.progress;
    (void)state;
    run = (nas__run){.last_job = -1};
    nas_test_ok(nas_study_create(NULL, NULL, &run.study));
    nas_test_ok(nas_owner_self(&run.signs.owner));
    nas__signs_write(run.study, &run.signs, true, &run.signs_written);
    p->jobs = 2;
    p->job_name = "trial 3";
    for (p->job = 0; p->job < 2; p->job++)
        for (p->epoch = 0; p->epoch < 3; p->epoch++) {
            nas__run_retrains(&run);
            nas_test_ok(nas__signs_read(run.study, &read));
            assert_int_equal(read.jobs, 2);
            assert_int_equal(read.job, p->job);
            assert_true(read.epoch <= p->epoch);
        }
    p->job = p->epoch =
        0; /* of another worker, that began before: it waits for the second to be over */
    run.signs_written.at_s = nas_now_s() + 60;
    nas__run_retrains(&run);
    nas_test_ok(nas__signs_read(run.study, &read));
    assert_int_equal(read.job, 1);
    run.signs_written.at_s = nas_now_s() - 1;
    nas__run_retrains(&run);
    nas_test_ok(nas__signs_read(run.study, &read));
    assert_int_equal(read.job, 0);
    nas_study_close(run.study);
}

/* ---- files that go and come -------------------------------------------------------------------------- */

static void move(const char *from, const char *to)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char a[512], b[512];
        snprintf(a, sizeof a, "%s%s", from, ends[i]);
        snprintf(b, sizeof b, "%s%s", to, ends[i]);
        assert_true(rename(a, b) == 0 || i > 0);
    }
}

static void files_are_replaced(void **state)
{
    nas_search_report report;
    nas_watch *watch = NULL;
    nas_watch_view view;
    const char *path = path_of("a.study"), *other = path_of("b.study"), *away = path_of("c.study");
    (void)state;
    char endless[2 * NAS_PATH_SIZE];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    nas_test_fails(nas_session_watch_open(endless, &watch), NAS_CONFIG, "too long");
    nas_test_fails(nas_session_watch_open(path_of("none.study"), &watch), NAS_STORE, "none.study");
    assert_null(watch);
    nas_test_ok(search_config(path, false, "budget.trials=1", &report));
    nas_test_ok(search_config(other, false, "budget.trials=2", &report));
    nas_test_ok(nas_session_watch_open(path, &watch));
    nas_test_ok(nas_session_watch_update(watch, &view));
    assert_int_equal(view.progress.done, 1);
    move(path, away);
    nas_test_fails(nas_session_watch_update(watch, &view), NAS_STORE, "not there any more");
    assert_int_equal(view.progress.done, 1); /* and what is shown can still be shown */
    assert_int_equal(nas_study_count(view.study), 1);
    nas_test_ok(nas_file_replace(path, "no study", 8));
    nas_test_fails(nas_session_watch_update(watch, &view), NAS_STORE, "a.study");
    assert_int_equal(nas_study_count(view.study), 1);
    move(other, path);
    nas_test_ok(nas_session_watch_update(watch, &view));
    assert_int_equal(view.progress.done, 2);
    assert_int_equal(view.progress.total, 2);
    nas_session_watch_close(watch);
    nas_session_watch_close(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_seen),
        cmocka_unit_test(a_stopped_run_is_no_ended_one),
        cmocka_unit_test(devices_of_workers_are_seen),
        cmocka_unit_test(signs_are_read_back),
        cmocka_unit_test(jobs_are_told_at_once),
        cmocka_unit_test(hostile_numbers_are_none),
        cmocka_unit_test(words_come_with_the_shape),
        cmocka_unit_test(files_are_replaced),
    };
    be_a_worker(argc, argv);
    nas_device *device = NULL;
    if (nas_device_open("any", NULL, &device) != NAS_OK)
        return 77;
    nas_device_destroy(device);
    return cmocka_run_group_tests(tests, make_session_folder, remove_session_folder);
}
