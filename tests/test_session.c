/* test_session.c - whole searches, and everything that may go wrong while they run.
 *
 * The program is its own worker: main() hands `worker …` to nas_session_worker, as `clnas` does.  Every run is held against one
 * undisturbed reference: crashes, hangs, device errors, signals and resumes must leave the same trials and the same
 * weights.  tests/sameness.sh does the same to the real program with SIGKILL at random moments; what trials leave for
 * others is test_session_weights.c. */
#include "session_runs.h"

#include "session/process.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *reference_print; /* of the undisturbed run */
static bool has_device;

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
    nas_test_ok(search_config(study, true, NULL, &report));
    assert_int_equal(report.trials, 8);
    assert_string_equal(report.ended_by, "8 trials");
    assert_true(report.has_best && report.best_value > 0 && report.best_value <= 1);
    assert_in_range(report.result_count, 1, 2);
    for (int i = 0; i < report.result_count; i++) {
        assert_true(report.results[i].test_score >= 0 && report.results[i].test_score <= 1);
        assert_int_equal(access(report.results[i].model, R_OK), 0);
    }
    reference_print = print_of(study);
}

static void test_in_this_process(void **state)
{
    nas_search_report report;
    (void)state;
    need_reference();
    nas_test_ok(search_config(path_of("here.study"), false, NULL, &report));
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

static void test_never_overwrites(void **state)
{
    nas_search_report report;
    struct stat before, after;
    const char *study = path_of("reference.study");
    (void)state;
    need_reference();
    assert_int_equal(stat(study, &before), 0);
    nas_test_fails(search_config(study, true, NULL, &report), NAS_STORE, "resume");
    nas_test_fails(search_config(study, true, NULL, &report), NAS_STORE, "--new");
    assert_int_equal(stat(study, &after), 0);
    assert_int_equal(before.st_mtime, after.st_mtime);
    assert_same(study);
}

static void test_resume_of_an_ended_study(void **state)
{
    nas_search_report report;
    (void)state;
    need_reference();
    nas_test_ok(resume_study(path_of("reference.study"), &report));
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
    nas_status status = search_config(study, true, NULL, &report);
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
    nas_status status = search_config(study, true, NULL, &report);
    unsetenv(variable);
    assert_int_equal(status, NAS_DEVICE);
    assert_int_equal(nas_status_exit_code(status), 4);
    assert_non_null(strstr(nas_error_message(), "trial 4"));
    assert_int_equal(report.trials, 4);
    nas_test_ok(resume_study(study, &report));
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
    nas_status status = search_config(study, true, NULL, &report);
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
        nas_test_ok(resume_study(study, &report));
    }
    nas_test_ok(status == NAS_STOPPED ? NAS_OK : status);
    assert_same(study);
}

/* All that a child said that has ended. */
static void read_report(int report, char *said, size_t size)
{
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(report, said + length, size - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(report);
}

static unsigned long long mask_of(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 16);
}

/* Signals that come before a worker can wait for them end it as little as later ones, and wait for it; whatever we ignore ourselves. */
static void test_signals_before_a_worker_listens(void **state)
{
    char script[] = "for s in TERM USR1 INT HUP; do kill -$s $$; done\n"
                    "while read line; do echo $line; done </proc/$$/status >&3\n"
                    "read end"; /* no child: shells that wait for one take signals meanwhile */
    char *const arguments[] = {"sh", "-c", script, NULL};
    char said[8192];
    pid_t pid = 0;
    int report = -1, orders[2];
    (void)state;
    assert_int_equal(pipe(orders), 0);
    fcntl(orders[1], F_SETFD, FD_CLOEXEC);
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    nas_test_ok(
        nas__child_start("/bin/sh", arguments, "/dev/null", orders[0], NULL, &pid, &report));
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    close(orders[0]);
    close(orders[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    nas__child_gone(pid);
    read_report(report, said, sizeof said);
    /* SIGHUP, SIGINT, SIGUSR1 and SIGTERM: 1, 2, 10 and 15 */
    assert_int_equal(mask_of(said, "ShdPnd:") & 0x4203, 0x4203);
    assert_int_equal(mask_of(said, "SigIgn:") & 0x14203, 0); /* nor SIGCHLD */
}

/* A program without standard input and output, as services may be, hears its workers all the same. */
static void test_workers_are_heard_without_standard_files(void **state)
{
    char script[] = "echo well >&3; echo log; echo more >&2";
    char *const arguments[] = {"sh", "-c", script, NULL};
    char said[64], log[256];
    void *logged;
    size_t size;
    pid_t pid = 0;
    int report = -1;
    (void)state;
    snprintf(log, sizeof log, "%s", path_of("child.log"));
    const int in = dup(0), out = dup(1);
    close(0);
    close(1);
    const nas_status status = nas__child_start("/bin/sh", arguments, log, -1, NULL, &pid, &report);
    const int own = fcntl(report, F_DUPFD, 3); /* off the places of what is put back */
    close(report);
    dup2(in, 0);
    dup2(out, 1);
    close(in);
    close(out);
    nas_test_ok(status);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    nas__child_gone(pid);
    read_report(own, said, sizeof said);
    assert_string_equal(said, "well\n");
    nas_test_ok(nas_file_read(log, 1000, &logged, &size));
    assert_int_equal(size, 9);
    assert_memory_equal(logged, "log\nmore\n", 9);
    free(logged);
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
    nas_config *config = parse_config(overrides, 2);
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
    nas_test_ok(search_config(study, true, "budget.trials=5", &report));
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
    nas_test_fails(
        search_config(study, true, "data={ type = \"idx\"; path = \"/nowhere\"; }", &report),
        NAS_DATA, "/nowhere");
    assert_true(access(study, F_OK) != 0);
    nas_test_fails(search_config(study, true, "strategy.given=[\"nonesuch\"]", &report), NAS_CONFIG,
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
    nas_test_fails(resume_study(path_of("none.study"), &report), NAS_STORE, "none.study");
    FILE *file = fopen(path_of("text.study"), "w");
    assert_non_null(file);
    fputs("this is no study\n", file);
    fclose(file);
    nas_test_fails(resume_study(path_of("text.study"), &report), NAS_STORE, "text.study");
    snprintf(command, sizeof command, "cp '%s' '%s'", path_of("reference.study"),
             path_of("newer.study"));
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(path_of("newer.study"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "PRAGMA user_version = 9999", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    nas_test_fails(resume_study(path_of("newer.study"), &report), NAS_STORE, "9999");
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
    nas_status first = search_config(study, true, "budget.trials=3", &report);
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
    nas_test_ok(nas_session_eval(result.model, study, NULL, &evaluated));
    assert_int_equal(evaluated.samples, 64);
    assert_true(evaluated.score == result.test_score);
    for (int i = 0; i < evaluated.outputs * evaluated.outputs; i++) {
        sum += evaluated.confusion[i];
        right += i % (evaluated.outputs + 1) == 0 ? evaluated.confusion[i] : 0;
    }
    assert_int_equal(sum, 64);
    assert_true(fabs((double)right / 64 - evaluated.score) < 1e-9);
    nas_eval_result_clear(&evaluated);
    nas_test_fails(nas_session_eval(study, study, NULL, &evaluated), NAS_DATA, "");
    nas_test_fails(
        nas_session_eval(result.model, study, &(nas_eval_options){.split = "tset"}, &evaluated),
        NAS_CONFIG, "tset");
}

static void test_check(void **state)
{
    nas_check_report report;
    nas_config *config = parse_config(NULL, 0);
    (void)state;
    nas_test_ok(nas_session_check(config, NULL, &report));
    assert_true(report.genes > 0 && report.size > 1 && report.within_bounds == 1);
    assert_int_equal(report.train_samples + report.valid_samples, 320);
    assert_true(report.largest_cost.parameters > 0);
    if (has_device)
        assert_true(report.largest_bytes > 0);
    nas_config_clear(config);
    free(config);
}

/* ---- main ------------------------------------------------------------------------------------------------------------------ */

static int remove_all(void **state)
{
    free(reference_print);
    return remove_session_folder(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_in_this_process),
        cmocka_unit_test(test_three_workers),
        cmocka_unit_test(test_never_overwrites),
        cmocka_unit_test(test_resume_of_an_ended_study),
        cmocka_unit_test(test_crash_is_repeated),
        cmocka_unit_test(test_hang_is_ended_and_repeated),
        cmocka_unit_test(test_device_error_is_repeated),
        cmocka_unit_test(test_three_crashes_stop_resumably),
        cmocka_unit_test(test_three_errors_stop_resumably),
        cmocka_unit_test(test_nan_is_a_result),
        cmocka_unit_test(test_signals_before_a_worker_listens),
        cmocka_unit_test(test_workers_are_heard_without_standard_files),
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
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, make_session_folder, remove_all);
}
