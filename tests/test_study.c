/* test_study.c - the log: nothing committed is lost, nothing stale is written.  Files that are broken: test_study_files.c.
 *
 * Several tests need other processes.  They run this program again with a word in front ("worker", "claimer"),
 * so no connection is ever carried over fork.  CLNAS_KILLS sets how many workers are killed (the short tier's 3).
 *
 * A worker writes each index to its standard output after the commit has returned: that is the promise that the
 * parent holds against the file afterwards. */
#include "study_folder.h"

#include <clnas/study.h>

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "study/study.h"

/* ---- values ---------------------------------------------------------------------------------------------------------- */

static void hex_numbers_are_exact(void **state)
{
    static const double values[] = {0,      -0.0,    1,       -1.5,     0.1,       1e300,
                                    5e-324, DBL_MIN, DBL_MAX, INFINITY, -INFINITY, 3.0 / 7};
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        double value = i < 12 ? values[i] : 0, back = 5;
        nas_random random = nas_random_make(1, NAS_STREAM_TEST, i, 0, 0);
        if (i >= 12)
            value = ldexp(nas_random_normal(&random), (int)nas_random_below(&random, 2000) - 1000);
        nas_text text = {0};
        nas__hex_write(value, &text);
        const char *at = text.data;
        assert_true(nas__hex_read(&at, &back) && *at == '\0');
        assert_memory_equal(&back, &value, sizeof value);
        if (isfinite(value))
            assert_true(strtod(text.data, NULL) == value); /* C99's own form */
        nas_text_clear(&text);
    }
    static const char *const bad[] = {"", "1", "0x", "0x1", "0x1p", "0x.p1", "-", "xyz", "0x1.8q1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *at = bad[i];
        double value;
        assert_false(nas__hex_read(&at, &value));
    }
}

static void objectives_rank_failures_last(void **state)
{
    const nas_objective up = {"a", NAS_GOAL_MAX}, down = {"a", NAS_GOAL_MIN};
    nas_trial trial;
    (void)state;
    nas_trial_init(&trial);
    trial.status = NAS_TRIAL_COMPLETE;
    assert_true(nas_objective_score(&up, &trial) == -INFINITY);
    nas_test_ok(nas_trial_set_metric(&trial, "a", 0.5, false));
    assert_true(nas_objective_score(&up, &trial) == 0.5 &&
                nas_objective_score(&down, &trial) == -0.5);
    trial.status = NAS_TRIAL_FAILED;
    assert_true(nas_objective_score(&up, &trial) == -INFINITY);
    trial.status = NAS_TRIAL_COMPLETE;
    nas_test_ok(nas_trial_set_metric(&trial, "a", NAN, false));
    assert_true(nas_objective_score(&down, &trial) == -INFINITY);
    nas_test_fails(nas_trial_set_metric(&trial, "a=b", 1, false), NAS_FAILED, "a=b");
    nas_objectives bounded = {.bound_count = 1, .bounds = {{"size", -INFINITY, 100}}};
    assert_true(nas_bound_violation(&bounded, &trial) == 0);
    nas_test_ok(nas_trial_set_metric(&trial, "size", 150, false));
    assert_true(nas_bound_violation(&bounded, &trial) == 0.5);
    nas_trial_clear(&trial);
}

static void fronts_are_the_undominated(void **state)
{
    enum { COUNT = 200 };
    double scores[COUNT * 2];
    int front[COUNT], next = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        nas_random random = nas_random_make(3, NAS_STREAM_TEST, i, 0, 0);
        scores[2 * i] = i % 17 ? nas_random_below(&random, 30) : -INFINITY;
        scores[2 * i + 1] = i % 19 ? nas_random_below(&random, 30) : NAN;
    }
    const int size = nas_pareto_front(scores, COUNT, 2, front);
    for (int i = 0; i < COUNT; i++) {
        bool good = isfinite(scores[2 * i]) && isfinite(scores[2 * i + 1]);
        for (int j = 0; j < COUNT; j++) {
            bool valid = isfinite(scores[2 * j]) && isfinite(scores[2 * j + 1]);
            good &= !(valid && nas_pareto_dominates(scores + 2 * j, scores + 2 * i, 2));
            good &= !(j < i && scores[2 * j] == scores[2 * i] &&
                      scores[2 * j + 1] == scores[2 * i + 1]);
        }
        assert_int_equal(next < size && front[next] == i, good);
        next += good;
    }
    assert_int_equal(size, next);
}

/* ---- one process --------------------------------------------------------------------------------------------------- */

static void a_study_comes_back(void **state)
{
    nas_text value = {0};
    bool found;
    (void)state;
    nas_study *study = create();
    fill(study);
    assert_filled(study);
    nas_test_ok(nas_study_set(study, "run_s", "12"));
    nas_study_close(study);
    study = open_mode(NAS_STORE_READ);
    assert_filled(study);
    nas_test_ok(nas_study_get(study, "config", &value, &found));
    assert_true(found);
    assert_string_equal(value.data, about.config);
    nas_text_reset(&value);
    nas_test_ok(nas_study_get(study, "program", &value, &found));
    assert_true(found && strncmp(value.data, "clnas ", 6) == 0);
    nas_test_ok(nas_study_get(study, "nothing", &value, &found));
    assert_false(found);
    nas_test_fails(nas_study_set(study, "a", "b"), NAS_STORE, "reading only");
    nas_text_clear(&value);
    nas_study_close(study);
}

static void memory_is_the_same(void **state)
{
    nas_study *study = NULL;
    (void)state;
    nas_test_ok(nas_study_create(NULL, &about, &study));
    fill(study);
    nas_test_ok(nas_study_sync(study));
    assert_filled(study);
    nas_study_close(study);
}

static void stale_tokens_are_discarded(void **state)
{
    bool held, found;
    nas_owner self;
    nas_claim again;
    (void)state;
    nas_test_ok(nas_owner_self(&self));
    nas_study *study = create(), *other = open_mode(NAS_STORE_WRITE);
    nas_claim claim = claim_next(study, "0-1");
    nas_test_ok(nas_study_heartbeat(study, &claim, 0.25, &held));
    assert_true(held);
    nas_test_ok(nas_study_sync(other));
    assert_float_equal(nas_study_trial(other, 0)->progress, 0.25, 0);
    nas_test_ok(nas_study_reclaim(other, &self, "toy:1", &again, &found));
    assert_false(found); /* its owner lives */
    nas_test_ok(nas_study_release(study, &claim, "the device hung", true));
    nas_test_ok(nas_study_reclaim(other, &self, "toy:1", &again, &found));
    assert_true(found && again.index == 0 && again.attempt == 2 && again.token > claim.token);
    nas_test_ok(nas_study_heartbeat(study, &claim, 0.5, &held));
    assert_false(held);
    assert_false(commit_value(study, &claim, 0.1));
    nas_test_ok(nas_study_release(study, &claim, "late", true)); /* nothing to give back */
    assert_true(commit_value(other, &again, 0.9));
    assert_false(commit_value(other, &again, 0.8)); /* final is final */
    nas_test_ok(nas_study_sync(study));
    assert_float_equal(nas_trial_metric(nas_study_trial(study, 0), "valid_accuracy"), 0.9, 0);
    assert_string_equal(nas_study_trial(study, 0)->device, "toy:1");
    nas_study_close(study);
    nas_study_close(other);
}

static void attempts_run_out(void **state)
{
    nas_owner self;
    nas_claim claim;
    bool found;
    (void)state;
    nas_test_ok(nas_owner_self(&self));
    nas_study *study = create();
    claim = claim_next(study, "0-1");
    nas_test_ok(nas_study_release(study, &claim, "interrupted", false)); /* does not count */
    for (int i = 1; i <= NAS_ATTEMPTS; i++) {
        nas_test_ok(nas_study_reclaim(study, &self, "toy:0", &claim, &found));
        assert_true(found && claim.attempt == i);
        nas_test_ok(nas_study_release(study, &claim, "CL_OUT_OF_RESOURCES", true));
    }
    nas_test_fails(nas_study_reclaim(study, &self, "toy:0", &claim, &found), NAS_DEVICE,
                   "CL_OUT_OF_RESOURCES");
    nas_test_ok(nas_study_reset_attempts(study));
    nas_test_ok(nas_study_reclaim(study, &self, "toy:0", &claim, &found));
    assert_true(found && claim.attempt == 1);
    assert_true(commit_value(study, &claim, 0.5));
    nas_study_close(study);
}

static void leases_end_on_other_machines(void **state)
{
    nas_owner far = {.host = "far away/pid:[1]", .pid = 1, .start = 1}, self;
    nas_claim claim;
    bool found;
    (void)state;
    nas_test_ok(nas_owner_self(&self));
    assert_int_equal(nas_owner_look(&far), NAS_OWNER_UNKNOWN);
    assert_int_equal(nas_owner_look(&self), NAS_OWNER_ALIVE);
    nas_study *study = create();
    claim_as(study, &far, "0-1");
    nas_test_ok(nas_study_reclaim(study, &self, "toy:0", &claim, &found));
    assert_false(found);
    nas_study_set_limits(study, 3, 20);
    pause_ms(40);
    nas_test_ok(nas_study_reclaim(study, &self, "toy:0", &claim, &found));
    assert_true(found && claim.attempt == 2);
    nas_study_close(study);
}

static void checkpoints_are_listed(void **state)
{
    nas_checkpoint *list, a = {3, "best", "a.safetensors", 0.5, 100},
                          b = {4, "best", "b.safetensors", 0.75, 200};
    int count;
    (void)state;
    nas_study *study = create();
    nas_test_ok(nas_study_put_checkpoint(study, &a));
    nas_test_ok(nas_study_put_checkpoint(study, &b));
    nas_test_ok(nas_study_checkpoints(study, &list, &count));
    assert_int_equal(count, 2);
    assert_int_equal(list[0].trial, 4);
    assert_memory_equal(&list[1], &a, sizeof a);
    free(list);
    nas_test_ok(nas_study_drop_checkpoint(study, "b.safetensors"));
    nas_test_ok(nas_study_checkpoints(study, &list, &count));
    assert_int_equal(count, 1);
    free(list);
    nas_study_close(study);
}

/* ---- several processes -------------------------------------------------------------------------------------------------- */

/* worker PATH TRIALS: takes over lost trials, claims new ones, commits, says so. */
static int role_worker(const char *path, int trials)
{
    nas_study *study;
    nas_owner self;
    nas_owner_self(&self);
    if (nas_study_open(path, NAS_STORE_WRITE, &study) != NAS_OK)
        return fail_role("open");
    for (;;) {
        nas_claim claim;
        bool got, taken = false, accepted = false;
        nas_trial line;
        char arch[32];
        if (nas_study_reclaim(study, &self, "toy:0", &claim, &got) != NAS_OK)
            return fail_role("reclaim");
        int index = nas_study_count(study);
        if (!got && index >= trials)
            break;
        nas_trial_init(&line);
        snprintf(arch, sizeof arch, "0-%d", index);
        line.arch = arch;
        if (!got && nas_study_claim(study, index, &line, &self, &claim, &taken) != NAS_OK)
            return fail_role("claim");
        if (taken)
            continue;
        nas_trial_init(&line);
        line.status = NAS_TRIAL_COMPLETE;
        nas_trial_set_metric(&line, "value", claim.index, false);
        if (nas_study_commit(study, &claim, &line, &accepted) != NAS_OK)
            return fail_role("commit");
        nas_trial_clear(&line);
        if (accepted)
            printf("%d\n", claim.index);
        fflush(stdout);
    }
    nas_study_close(study);
    return 0;
}

/* claimer PATH: claims one trial and dies with it. */
static int role_claimer(const char *path)
{
    nas_study *study;
    nas_owner self;
    nas_claim claim;
    bool taken;
    nas_trial line;
    char arch[] = "0-1";
    nas_owner_self(&self);
    if (nas_study_open(path, NAS_STORE_WRITE, &study) != NAS_OK)
        return fail_role("open");
    nas_trial_init(&line);
    line.arch = arch;
    if (nas_study_claim(study, nas_study_count(study), &line, &self, &claim, &taken) != NAS_OK)
        return fail_role("claim");
    raise(SIGKILL);
    return 1;
}

static void dead_owners_are_known_at_once(void **state)
{
    nas_owner self;
    nas_claim claim;
    bool found;
    int output;
    (void)state;
    nas_test_ok(nas_owner_self(&self));
    nas_study *study = create();
    pid_t pid = start("claimer", study_path, "", &output);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT),
                     0); /* dead, not yet buried */
    nas_test_ok(nas_study_reclaim(study, &self, "toy:0", &claim, &found));
    assert_true(found && claim.index == 0 && claim.attempt == 2);
    assert_int_equal(wait_for(pid), 128 + SIGKILL);
    close(output);
    pid = start("claimer", study_path, "", &output);
    assert_int_equal(wait_for(pid), 128 + SIGKILL);
    close(output);
    nas_test_ok(nas_study_reclaim(study, &self, "toy:0", &claim, &found));
    assert_true(found && claim.index == 1);
    assert_non_null(strstr(nas_study_trial(study, 1)->reason, "ended before"));
    nas_study_close(study);
}

static void assert_sound(int trials, const unsigned char *done)
{
    nas_study *study = open_mode(NAS_STORE_WRITE); /* checks the file's pages, too */
    assert_int_equal(nas_study_count(study), trials);
    for (int i = 0; i < trials; i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (done[i])
            assert_int_equal(trial->status, NAS_TRIAL_COMPLETE);
        if (trial->status == NAS_TRIAL_COMPLETE)
            assert_true(nas_trial_metric(trial, "value") == i);
    }
    nas_study_close(study);
}

static void workers_share_one_log(void **state)
{
    enum { WORKERS = 4, TRIALS = 120 };
    unsigned char done[TRIALS] = {0};
    pid_t pids[WORKERS];
    int outputs[WORKERS], count = 0;
    (void)state;
    nas_study_close(create());
    for (int i = 0; i < WORKERS; i++)
        pids[i] = start("worker", study_path, "120", &outputs[i]);
    /* a reader sees a log that only grows, and stops nobody */
    nas_study *reader = open_mode(NAS_STORE_READ);
    for (int seen = 0; seen < TRIALS;) {
        nas_test_ok(nas_study_sync(reader));
        assert_true(nas_study_count(reader) >= seen);
        seen = nas_study_count(reader);
        pause_ms(2);
    }
    nas_study_close(reader);
    for (int i = 0; i < WORKERS; i++) {
        count += read_numbers(outputs[i], done, TRIALS);
        assert_int_equal(wait_for(pids[i]), 0);
    }
    assert_int_equal(count, TRIALS);
    assert_sound(TRIALS, done);
}

/* Workers are killed at random moments; what they said was committed is there, and a last one finishes the study. */
static void kills_lose_nothing(void **state)
{
    enum { TRIALS = 2000 };
    static unsigned char done[TRIALS];
    const char *text = getenv("CLNAS_KILLS");
    int kills = text ? atoi(text) : 3, lost = 0;
    (void)state;
    memset(done, 0, sizeof done);
    nas_study *study = create();
    nas_study_set_limits(study, 1000, 0);
    nas_study_close(study);
    for (int i = 0; i < kills; i++) {
        int outputs[2];
        pid_t pids[2];
        for (int k = 0; k < 2; k++)
            pids[k] = start("worker", study_path, "2000", &outputs[k]);
        pause_ms(50 + (long)draw((uint32_t)i, 400));
        for (int k = 0; k < 2; k++) {
            kill(pids[k], SIGKILL);
            wait_for(pids[k]);
            read_numbers(outputs[k], done, TRIALS);
        }
        study = open_mode(NAS_STORE_WRITE);
        lost += nas_study_open_count(study);
        for (int t = 0; t < TRIALS; t++)
            if (done[t]) {
                assert_true(t < nas_study_count(study));
                assert_int_equal(nas_study_trial(study, t)->status, NAS_TRIAL_COMPLETE);
            }
        nas_test_ok(nas_study_reset_attempts(study));
        nas_study_close(study);
    }
    study = open_mode(NAS_STORE_READ);
    int count = nas_study_count(study), output;
    nas_study_close(study);
    char limit[16];
    snprintf(limit, sizeof limit, "%d", count);
    pid_t pid = start("worker", study_path, limit, &output);
    read_numbers(output, done, TRIALS);
    assert_int_equal(wait_for(pid), 0);
    study = open_mode(NAS_STORE_READ);
    assert_int_equal(nas_study_open_count(study), 0);
    nas_study_close(study);
    assert_sound(count, done);
    print_message("%d kills, %d trials, %d repeated\n", 2 * kills, count, lost);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "worker") == 0)
        return role_worker(argv[2], atoi(argv[3]));
    if (argc == 4 && strcmp(argv[1], "claimer") == 0)
        return role_claimer(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_numbers_are_exact),
        cmocka_unit_test(objectives_rank_failures_last),
        cmocka_unit_test(fronts_are_the_undominated),
        cmocka_unit_test(memory_is_the_same),
        IN_FOLDER(a_study_comes_back),
        IN_FOLDER(stale_tokens_are_discarded),
        IN_FOLDER(attempts_run_out),
        IN_FOLDER(leases_end_on_other_machines),
        IN_FOLDER(checkpoints_are_listed),
        IN_FOLDER(dead_owners_are_known_at_once),
        IN_FOLDER(workers_share_one_log),
        IN_FOLDER(kills_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
