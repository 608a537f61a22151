/* test_session_meter.c - the process that measures on another device than the worker's: killed, crashing, failing, hanging, without a device.
 *
 * The worker's device is named by a match of its own (options.device), so that "twin" is another one for it and is measured by a
 * process that the worker starts, `worker mode=measure`; the shim (tests/shim/shim.h) is in that process alone.  A bound that every network
 * keeps asks for the latency.  Whatever happens there, the trials must be those of a search that measures nothing.  And with exact = false
 * it measures with the study's tuning table. */
#include "shim_only.h"
#include "undisturbed.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define FEW "budget.trials=4"

/* ---- searching ------------------------------------------------------------------------------------------------ */

static nas_search_options options_of(const char *name, nas_progress_function progress)
{
    nas_search_options options = options_for(path_of(name), true);
    options.device = "type:cpu";
    options.progress = progress;
    options.no_retrain = true;
    return options;
}

static nas_status search_exactly(const char *name, bool exact, nas_progress_function progress,
                                 nas_search_report *report)
{
    const char *const overrides[] = {FEW, "devices=({name=\"twin\";match=\"type:cpu\";})",
                                     "bounds=({metric=\"latency_ms\";device=\"twin\";max=1e9;})",
                                     exact ? "exact=true" : "exact=false"};
    const nas_search_options options = options_of(name, progress);
    nas_config *config = parse_config(overrides, 4);
    worker_notes[0] = '\0';
    nas_status status = nas_session_search(config, &options, report);
    nas_config_clear(config);
    free(config);
    return status;
}

static nas_status search(const char *name, nas_progress_function progress,
                         nas_search_report *report)
{
    return search_exactly(name, true, progress, report);
}

static nas_status resume_with(const char *name, const char *override)
{
    nas_search_report report;
    const nas_search_options options = options_of(name, NULL);
    return nas_session_resume(path_of(name), &override, override != NULL, &options, &report);
}

/* Attempts that gave no result. */
static int lost_attempts(const char *name)
{
    nas_study *opened;
    int lost = 0;
    nas_test_ok(nas_study_open(path_of(name), NAS_STORE_READ, &opened));
    for (int i = 0; i < nas_study_count(opened); i++) {
        const nas_trial *trial = nas_study_trial(opened, i);
        lost += trial->attempts > 1 ? trial->attempts - 1 : 0;
    }
    nas_study_close(opened);
    return lost;
}

static void assert_as_undisturbed(const char *name)
{
    assert_same_trials(name);
    nas_trial first = trial_of(path_of(name), 0);
    assert_true(nas_trial_metric(&first, "latency_ms.twin") > 0);
    nas_trial_clear(&first);
}

/* ---- a real kill ---------------------------------------------------------------------------------------------- */

static pid_t parent_of(pid_t pid)
{
    char path[64], line[512] = "";
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file) && strrchr(line, ')'))
        sscanf(strrchr(line, ')'), ") %*c %d", &parent);
    if (file)
        fclose(file);
    return parent;
}

static bool measures(pid_t pid)
{
    static const char word[] = "mode=measure";
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "r");
    const size_t got = file ? fread(line, 1, sizeof line, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i + sizeof word <= got; i++)
        if (memcmp(line + i, word, sizeof word) == 0)
            return true;
    return false;
}

/* That of a worker of this process; 0: there is none. */
static pid_t find_measuring(void)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    pid_t found = 0;
    assert_non_null(folder);
    while (!found && (entry = readdir(folder))) {
        const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && measures(pid) && parent_of(parent_of(pid)) == getpid())
            found = pid;
    }
    closedir(folder);
    return found;
}

/* Kills the first one as soon as it is there.  A thread does, for who waits for news of trials may come when all are measured. */
static atomic_bool over;

static void *kill_once(void *killed)
{
    pid_t found = 0;
    while (!found && !over) {
        found = find_measuring();
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    if (found)
        kill(found, SIGKILL);
    *(pid_t *)killed = found;
    return NULL;
}

static void test_killed_costs_an_attempt(void **state)
{
    nas_search_report report;
    pthread_t killer;
    pid_t killed = 0;
    (void)state;
    need_undisturbed(false);
    assert_int_equal(pthread_create(&killer, NULL, kill_once, &killed), 0);
    const nas_status status = search("killed.study", listen_to_workers, &report);
    over = true;
    pthread_join(killer, NULL);
    nas_test_ok(status);
    assert_true(killed > 0);
    assert_int_equal(report.failed, 0);
    assert_int_equal(lost_attempts("killed.study"), 1);
    assert_noted("the process that measures on device \"twin\" has died");
    assert_as_undisturbed("killed.study");
    assert_int_equal(find_measuring(), 0);
}

/* ---- a driver that goes wrong ------------------------------------------------------------------------------------ */

static void go_wrong_once(const char *name, const char *fault, const char *note)
{
    nas_search_report report;
    char once[64];
    snprintf(once, sizeof once, "%s.once", name);
    shim_begin((shim_orders){.only = "mode=measure", .fault = fault, .once = path_of(once)});
    nas_status status = search(name, listen_to_workers, &report);
    shim_end();
    nas_test_ok(status);
    assert_int_equal(report.failed, 0);
    assert_int_equal(lost_attempts(name), 1);
    assert_noted(note);
    assert_as_undisturbed(name);
}

static void test_crashes_errors_and_hangs_cost_an_attempt(void **state)
{
    (void)state;
    need_undisturbed(true);
    go_wrong_once("crash.study", "clEnqueueNDRangeKernel:5:crash",
                  "the process that measures on device \"twin\" has died");
    go_wrong_once("error.study", "clEnqueueNDRangeKernel:5:-5", "device \"twin\": ");
    setenv("CLNAS_TEST_SILENCE_S", "8", 1);
    go_wrong_once("hang.study", "clEnqueueNDRangeKernel:5:hang", "or says nothing");
    unsetenv("CLNAS_TEST_SILENCE_S");
    assert_int_equal(find_measuring(), 0);
}

/* Three attempts, then the search stops; it goes on when the driver is good again. */
static void stop_and_go_on(const char *name, shim_orders orders, nas_status wanted, int code,
                           const char *message)
{
    nas_search_report report;
    orders.only = "mode=measure";
    shim_begin(orders);
    nas_status status = search(name, listen_to_workers, &report);
    shim_end();
    nas_test_fails(status, wanted, message);
    assert_int_equal(nas_status_exit_code(status), code);
    assert_int_equal(report.trials, 0);
    nas_test_ok(resume_with(name, NULL));
    assert_as_undisturbed(name);
}

static void test_a_device_that_cannot_measure_stops_the_search(void **state)
{
    (void)state;
    need_undisturbed(true);
    stop_and_go_on("always.study", (shim_orders){.fault = "clEnqueueNDRangeKernel:5:crash"},
                   NAS_DEVICE, 4, "trial 0 failed on each of its 3 attempts");
    assert_non_null(strstr(worker_notes, "measures on device \"twin\" has died"));
    stop_and_go_on("lost.study", (shim_orders){.hide = "devices"}, NAS_NO_DEVICE, 3,
                   "device \"twin\": ");
}

/* ---- the study's tuning table --------------------------------------------------------------------------------------- */

/* What the study has stored under a key; NULL: nothing.  free() it. */
static char *stored(const char *name, const char *key)
{
    nas_study *opened;
    nas_text text = {0};
    bool found;
    nas_test_ok(nas_study_open(path_of(name), NAS_STORE_READ, &opened));
    nas_test_ok(nas_study_get(opened, key, &text, &found));
    nas_study_close(opened);
    return text.data;
}

static void store(const char *name, const char *key, const char *value)
{
    nas_study *opened;
    nas_test_ok(nas_study_open(path_of(name), NAS_STORE_WRITE, &opened));
    nas_test_ok(nas_study_set(opened, key, value));
    nas_study_close(opened);
}

/* The key of the table of a device that is called Another, else as the one here. */
static void key_of_another(char *key, size_t size)
{
    nas_device *device;
    char name[64];
    nas_test_ok(nas_device_open("type:cpu", NULL, &device));
    nas_device_info info = *nas_device_describe(device);
    nas_device_destroy(device);
    snprintf(info.name, sizeof info.name, "Another");
    nas_tuning_name(&info, name);
    snprintf(key, size, "tuning %s", name);
}

/* The measured device has a table in the study, and is measured by what stands there: with nonsense it is not measured. */
static void test_it_measures_with_the_table_of_the_study(void **state)
{
    const shim_orders another = {.only = "mode=measure", .device = "name=Another"};
    nas_search_report report;
    char key[80];
    (void)state;
    need_undisturbed(true);
    key_of_another(key, sizeof key);
    shim_begin(another);
    nas_status status = search_exactly("exact.study", true, NULL, &report);
    shim_end();
    nas_test_ok(status);
    assert_null(stored("exact.study", key));
    shim_begin(another);
    status = search_exactly("inexact.study", false, NULL, &report);
    shim_end();
    nas_test_ok(status);
    assert_as_undisturbed("inexact.study");
    char *table = stored("inexact.study", key);
    assert_non_null(table);
    store("inexact.study", key, "nonsense");
    shim_begin(another);
    status = resume_with("inexact.study", "budget.trials=6");
    shim_end();
    assert_int_not_equal(status, NAS_OK);
    assert_non_null(strstr(nas_error_message(), "device \"twin\": "));
    assert_non_null(strstr(nas_error_message(), "inexact.study"));
    store("inexact.study", key, table);
    shim_begin(another);
    status = resume_with("inexact.study", NULL);
    shim_end();
    nas_test_ok(status);
    free(table);
}

/* ---- main --------------------------------------------------------------------------------------------------------- */

static int make_all(void **state)
{
    static const char *const names[] = {"a.icd", NULL};
    return make_undisturbed(state, names, FEW);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_costs_an_attempt),
        cmocka_unit_test(test_crashes_errors_and_hangs_cost_an_attempt),
        cmocka_unit_test(test_a_device_that_cannot_measure_stops_the_search),
        cmocka_unit_test(test_it_measures_with_the_table_of_the_study),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, make_all, remove_undisturbed);
}
