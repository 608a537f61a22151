/* test_study.c - the log: nothing committed is lost, nothing stale is written, nothing broken is believed.
 *
 * Several tests need other processes.  They run this program again with a word in front ("worker", "claimer", "filler"),
 * so no connection is ever carried over fork.  CLNAS_KILLS sets how many workers are killed (the short tier's 3).
 *
 * A worker writes each index to its standard output after the commit has returned: that is the promise that the
 * parent holds against the file afterwards. */
#include "nas_test.h"

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

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

static char folder[64], study_path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "study-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(study_path, sizeof study_path, "%s/a.study", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const nas_study_about about = {"a", "study = \"a\";\n", "seed = 1;\n"};

static nas_study *create(void)
{
    nas_study *study = NULL;
    nas_test_ok(nas_study_create(study_path, &about, &study));
    return study;
}

static nas_study *open_mode(nas_store_mode mode)
{
    nas_study *study = NULL;
    nas_test_ok(nas_study_open(study_path, mode, &study));
    return study;
}

static nas_claim claim_as(nas_study *study, const nas_owner *owner, const char *arch)
{
    nas_trial proposal;
    nas_claim claim = {0};
    bool taken = true;
    char text[64], note[] = "a note";
    nas_trial_init(&proposal);
    snprintf(text, sizeof text, "%s", arch);
    proposal.arch = text;
    proposal.note = note;
    proposal.budget = 2;
    proposal.seen = nas_study_revision(study);
    strcpy(proposal.device, "toy:0");
    nas_test_ok(nas_study_claim(study, nas_study_count(study), &proposal, owner, &claim, &taken));
    assert_false(taken);
    return claim;
}

static nas_claim claim_next(nas_study *study, const char *arch)
{
    nas_owner self;
    nas_test_ok(nas_owner_self(&self));
    return claim_as(study, &self, arch);
}

static nas_claim claim_from(nas_study *study, int from)
{
    char arch[] = "0-1";
    nas_trial proposal;
    nas_owner self;
    nas_claim claim = {0};
    bool taken = true;
    nas_trial_init(&proposal);
    proposal.arch = arch;
    proposal.budget = 2;
    proposal.from = from;
    nas_test_ok(nas_owner_self(&self));
    nas_test_ok(nas_study_claim(study, nas_study_count(study), &proposal, &self, &claim, &taken));
    return claim;
}

static bool commit_value(nas_study *study, const nas_claim *claim, double value)
{
    nas_trial result;
    bool accepted = false;
    nas_trial_init(&result);
    result.status = isfinite(value) ? NAS_TRIAL_COMPLETE : NAS_TRIAL_FAILED;
    nas_test_ok(nas_trial_set_metric(&result, "valid_accuracy", value, false));
    nas_test_ok(nas_trial_set_metric(&result, "latency_ms.home", value * 3.7, true));
    nas_test_ok(nas_trial_set_metric(&result, "parameters", 1e6 + claim->index, false));
    for (int i = 0; i < 3; i++)
        nas_test_ok(nas_trial_add_point(&result, "valid_accuracy", value / (i + 1)));
    nas_test_ok(nas_study_commit(study, claim, &result, &accepted));
    nas_trial_clear(&result);
    return accepted;
}

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static uint64_t draw(uint32_t a, uint32_t bound)
{
    nas_random random = nas_random_make((uint64_t)getpid(), NAS_STREAM_TEST, a, 0, 0);
    return nas_random_below(&random, bound);
}

/* This program again; its output comes through `output`. */
static pid_t start(const char *role, const char *a, const char *b, int *output)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "test_study", role, a, b, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    *output = ends[0];
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Every whole number in the output, marked in `done`; returns how many. */
static int read_numbers(int output, unsigned char *done, int limit)
{
    FILE *file = fdopen(output, "r");
    int value, count = 0;
    char end;
    while (fscanf(file, "%d%c", &value, &end) == 2 && end == '\n') {
        assert_in_range(value, 0, limit - 1);
        assert_int_equal(done[value], 0); /* no trial is committed twice */
        done[value] = 1;
        count++;
    }
    fclose(file);
    return count;
}

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
    bool front[COUNT];
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        nas_random random = nas_random_make(3, NAS_STREAM_TEST, i, 0, 0);
        scores[2 * i] = i % 17 ? nas_random_below(&random, 30) : -INFINITY;
        scores[2 * i + 1] = i % 19 ? nas_random_below(&random, 30) : NAN;
    }
    int size = nas_pareto_front(scores, COUNT, 2, front);
    for (int i = 0; i < COUNT; i++) {
        bool good = isfinite(scores[2 * i]) && isfinite(scores[2 * i + 1]);
        for (int j = 0; j < COUNT; j++) {
            bool valid = isfinite(scores[2 * j]) && isfinite(scores[2 * j + 1]);
            good &= !(valid && nas_pareto_dominates(scores + 2 * j, scores + 2 * i, 2));
            good &= !(j < i && scores[2 * j] == scores[2 * i] &&
                      scores[2 * j + 1] == scores[2 * i + 1]);
        }
        assert_int_equal(front[i], good);
        size -= front[i];
    }
    assert_int_equal(size, 0);
}

/* ---- one process --------------------------------------------------------------------------------------------------- */

static void fill(nas_study *study)
{
    nas_claim a = claim_next(study, "0-1"), b = claim_next(study, "0-2");
    assert_true(commit_value(study, &b, 0.75));
    assert_true(commit_value(study, &a, 0.5));
    nas_claim c = claim_next(study, "0-3");
    assert_true(commit_value(study, &c, NAN));
    nas_trial alias;
    bool taken;
    char arch[] = "0-2";
    nas_trial_init(&alias);
    alias.arch = arch;
    alias.budget = 2;
    alias.status = NAS_TRIAL_ALIAS;
    alias.alias = 1;
    nas_test_ok(nas_study_claim(study, 3, &alias, &(nas_owner){0}, &c, &taken));
    nas_test_ok(nas_study_claim(study, 3, &alias, &(nas_owner){0}, &c, &taken));
    assert_true(taken); /* by the call before */
    claim_next(study, "0-4");
}

static void assert_filled(nas_study *study)
{
    const nas_objective best = {"valid_accuracy", NAS_GOAL_MAX};
    int indices[8], count;
    nas_text text = {0};
    assert_int_equal(nas_study_count(study), 5);
    assert_int_equal(nas_study_open_count(study), 1);
    assert_int_equal(nas_study_best(study, &best, 8, indices), 2);
    assert_int_equal(indices[0], 1);
    assert_int_equal(indices[1], 0);
    assert_ptr_equal(nas_study_result(study, 3), nas_study_trial(study, 1));
    assert_null(nas_study_result(study, 4));
    assert_true(nas_study_result_revision(study, 1) < nas_study_result_revision(study, 0));
    assert_true(nas_study_result_revision(study, 3) > nas_study_result_revision(study, 2));
    const nas_trial *trial = nas_study_trial(study, 0);
    assert_string_equal(trial->note, "a note");
    assert_string_equal(trial->device, "toy:0");
    assert_int_equal(trial->attempts, 1);
    assert_true(trial->ended_ms >= trial->started_ms && trial->started_ms >= trial->created_ms);
    nas_study_canonical(study, &text);
    assert_string_equal(
        text.data, "0 0-1 budget=0x1p+1 complete parameters=0x1.e848p+19 valid_accuracy=0x1p-1"
                   " | valid_accuracy=0x1p-1,0x1p-2,0x1.5555555555555p-3\n"
                   "1 0-2 budget=0x1p+1 complete parameters=0x1.e8482p+19 valid_accuracy=0x1.8p-1"
                   " | valid_accuracy=0x1.8p-1,0x1.8p-2,0x1p-2\n"
                   "2 0-3 budget=0x1p+1 failed parameters=0x1.e8484p+19 valid_accuracy=nan"
                   " | valid_accuracy=nan,nan,nan\n"
                   "3 0-2 budget=0x1p+1 complete parameters=0x1.e8482p+19 valid_accuracy=0x1.8p-1"
                   " | valid_accuracy=0x1.8p-1,0x1.8p-2,0x1p-2\n");
    nas_objectives two = {
        2, {{"valid_accuracy", NAS_GOAL_MAX}, {"parameters", NAS_GOAL_MIN}}, 0, {{"", 0, 0}}};
    nas_test_ok(nas_study_front(study, &two, indices, &count));
    assert_int_equal(count, 2);
    nas_text_clear(&text);
}

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

static int fail_role(const char *doing)
{
    fprintf(stderr, "%s: %s\n", doing, nas_error_message());
    return 1;
}

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

/* ---- bad files ------------------------------------------------------------------------------------------------------------ */

static void run_sql(const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(study_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* What shared weights speak for is part of the result, and no such trial is the best. */
static void a_derived_architecture_is_kept_and_never_the_best(void **state)
{
    const nas_objective objective = {.metric = "value", .goal = NAS_GOAL_MAX};
    nas_study *study = create();
    nas_text text = {0};
    nas_claim claim;
    bool accepted;
    int best = -1;
    (void)state;
    for (int i = 0; i < 3; i++) {
        nas_trial result;
        nas_trial_init(&result);
        claim = claim_next(study, "0-0");
        nas_test_ok(nas_trial_set_metric(&result, "value", 3 - i, false));
        if (i != 1)
            nas_test_ok(nas_trial_set_derived(&result, i == 0 ? "1-2" : "2-1"));
        result.status = NAS_TRIAL_COMPLETE;
        nas_test_ok(nas_study_commit(study, &claim, &result, &accepted));
        assert_true(accepted);
        nas_trial_clear(&result);
    }
    nas_study_close(study);
    study = open_mode(NAS_STORE_READ);
    assert_string_equal(nas_study_trial(study, 0)->derived, "1-2");
    assert_null(nas_study_trial(study, 1)->derived);
    assert_string_equal(nas_study_trial(study, 2)->derived, "2-1");
    assert_int_equal(nas_study_best(study, &objective, 1, &best), 1);
    assert_int_equal(best, 1);
    assert_true(nas_objective_score(&objective, nas_study_trial(study, 0)) == -INFINITY);
    nas_study_canonical(study, &text);
    assert_non_null(strstr(text.data, "complete derived=2-1 value=0x1p+0\n"));
    nas_text_clear(&text);
    nas_study_close(study);
}

/* A file of an older schema lacks columns: it is read as it is, and upgraded by whoever writes. */
static void check_older_schema(const char *downgrade)
{
    nas_study *study = create();
    nas_text before = {0}, after = {0};
    nas_claim claim;
    for (int i = 0; i < 3; i++) {
        claim = claim_next(study, "0-1");
        commit_value(study, &claim, 0.5 + i);
    }
    nas_study_canonical(study, &before);
    nas_study_close(study);
    run_sql(downgrade);

    study = open_mode(NAS_STORE_READ);
    nas_study_canonical(study, &after);
    assert_string_equal(before.data, after.data);
    assert_int_equal(nas_study_trial(study, 2)->from, -1);
    assert_null(nas_study_trial(study, 2)->derived);
    nas_study_close(study);
    nas_text_clear(&after);

    study = open_mode(NAS_STORE_WRITE);
    nas_study_canonical(study, &after);
    assert_string_equal(before.data, after.data);
    claim = claim_from(study, 2);
    commit_value(study, &claim, 4);
    nas_study_close(study);
    study = open_mode(NAS_STORE_READ);
    assert_int_equal(nas_study_trial(study, 1)->from, -1);
    assert_int_equal(nas_study_trial(study, 3)->from, 2);
    nas_text_clear(&after);
    nas_study_canonical(study, &after);
    assert_non_null(strstr(after.data, "\n3 0-1 budget=0x1p+1 from=2 complete"));
    nas_study_close(study);
    nas_text_clear(&before);
    nas_text_clear(&after);
    unlink(study_path);
}

static void an_older_schema_is_read_and_upgraded(void **state)
{
    (void)state;
    check_older_schema("ALTER TABLE trial DROP COLUMN derived; PRAGMA user_version = 2");
    check_older_schema("ALTER TABLE trial DROP COLUMN derived;"
                       "ALTER TABLE trial DROP COLUMN \"from\"; PRAGMA user_version = 1");
}

static void write_file(const void *data, size_t size)
{
    FILE *file = fopen(study_path, "wb");
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void bad_files_are_refused(void **state)
{
    nas_study *study = NULL;
    char backup[128], zeros[10000] = {0};
    void *data;
    size_t size;
    (void)state;
    nas_test_fails(nas_study_open(study_path, NAS_STORE_READ, &study), NAS_STORE, "no such study");
    study = create();
    for (int i = 0; i < 60; i++) {
        nas_claim claim = claim_next(study, "0-1");
        commit_value(study, &claim, 0.5);
    }
    nas_study_close(study);
    nas_test_fails(nas_study_create(study_path, NULL, &study), NAS_STORE, "clnas resume");
    nas_test_ok(nas_file_read(study_path, 1 << 24, &data, &size));
    snprintf(backup, sizeof backup, "%s/missing/a.study", folder);
    nas_test_fails(nas_study_create(backup, NULL, &study), NAS_STORE, "cannot be created");
    nas_test_fails(nas_study_open(folder, NAS_STORE_READ, &study), NAS_STORE, "not a file");

    run_sql("PRAGMA user_version = 99");
    nas_test_fails(nas_study_open(study_path, NAS_STORE_READ, &study), NAS_STORE, "99");
    nas_test_fails(nas_study_open(study_path, NAS_STORE_WRITE, &study), NAS_STORE, "newer clnas");
    write_file(data, size);
    run_sql("PRAGMA application_id = 5");
    nas_test_fails(nas_study_open(study_path, NAS_STORE_WRITE, &study), NAS_STORE, "not a study");
    write_file(data, size);
    run_sql("UPDATE trial SET metrics = 'x=0y' WHERE idx = 7");
    nas_test_fails(nas_study_open(study_path, NAS_STORE_READ, &study), NAS_STORE, "trial 7");
    write_file(data, size);
    run_sql("DELETE FROM trial WHERE idx = 7");
    nas_test_fails(nas_study_open(study_path, NAS_STORE_READ, &study), NAS_STORE, "missing");

    write_file(zeros, 0);
    nas_test_fails(nas_study_open(study_path, NAS_STORE_WRITE, &study), NAS_STORE, "too short");
    write_file(zeros, sizeof zeros);
    nas_test_fails(nas_study_open(study_path, NAS_STORE_WRITE, &study), NAS_STORE, "no study file");
    for (size_t cut = 1; cut < size; cut += size / 37 + 1) {
        write_file(data, cut);
        if (nas_study_open(study_path, NAS_STORE_WRITE, &study) == NAS_OK)
            fail_msg("cut at %zu of %zu was believed", cut, size);
        if (!strstr(nas_error_message(), cut < 4096 ? "too short" : ".recover"))
            fail_msg("cut at %zu of %zu: %s", cut, size, nas_error_message());
    }
    /* flipped bytes: refused, or harmless; never a crash and never another result */
    for (uint32_t i = 0; i < 100; i++) {
        unsigned char *bytes = data;
        size_t at = (size_t)draw(i, (uint32_t)size);
        bytes[at] ^= 0x55;
        write_file(data, size);
        if (nas_study_open(study_path, NAS_STORE_WRITE, &study) == NAS_OK)
            nas_study_close(study);
        bytes[at] ^= 0x55;
        char leftover[128];
        snprintf(leftover, sizeof leftover, "%s-wal", study_path);
        unlink(leftover);
        snprintf(leftover, sizeof leftover, "%s-shm", study_path);
        unlink(leftover);
    }
    write_file(data, size);
    nas_study_close(open_mode(NAS_STORE_WRITE));
    free(data);
}

static void read_only_folders_can_be_read(void **state)
{
    (void)state;
    nas_study *study = create();
    fill(study);
    nas_study_close(study);
    chmod(folder, 0555);
    study = open_mode(NAS_STORE_READ);
    assert_filled(study);
    nas_study_close(study);
    chmod(folder, 0755);
}

/* filler PATH MODE: commits until the disk is full; exit 0 when that was said properly. */
static int role_filler(const char *path, const char *mode)
{
    nas_study *study;
    nas_owner self;
    if (strcmp(mode, "limit") == 0) {
        struct rlimit limit = {400000, 400000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    nas_owner_self(&self);
    if (nas_study_open(path, NAS_STORE_WRITE, &study) != NAS_OK)
        return fail_role("open");
    for (int i = 0; i < 20000; i++) {
        nas_claim claim;
        bool taken, accepted;
        nas_trial line;
        static char arch[20001];
        memset(arch, '0', 20000);
        nas_trial_init(&line);
        line.arch = arch;
        nas_status status = nas_study_claim(study, i, &line, &self, &claim, &taken);
        line.arch = NULL;
        line.status = NAS_TRIAL_COMPLETE;
        nas_trial_set_metric(&line, "value", i, false);
        if (status == NAS_OK)
            status = nas_study_commit(study, &claim, &line, &accepted);
        nas_trial_clear(&line);
        if (status != NAS_OK) {
            bool said = status == NAS_STORE && strstr(nas_error_message(), "no space left") &&
                        strstr(nas_error_message(), "resume");
            if (!said)
                fail_role("commit");
            nas_study_close(study);
            return said ? 0 : 2;
        }
        printf("%d\n", i);
        fflush(stdout);
    }
    return 3;
}

static void check_full(const char *mode)
{
    unsigned char done[20000] = {0};
    int output;
    nas_study_close(create());
    pid_t pid = start("filler", study_path, mode, &output);
    int count = read_numbers(output, done, 20000);
    assert_int_equal(wait_for(pid), 0);
    assert_true(count > 3);
    nas_study *study = open_mode(NAS_STORE_READ);
    for (int i = 0; i < count; i++)
        assert_int_equal(nas_study_trial(study, i)->status, NAS_TRIAL_COMPLETE);
    nas_study_close(study);
}

static void full_disks_are_named(void **state)
{
    (void)state;
    check_full("limit"); /* a file size limit: EFBIG */
    unlink(study_path);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=600k") != 0)
        return; /* only root may; the limit stood for it */
    check_full("disk");
    umount(folder);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "worker") == 0)
        return role_worker(argv[2], atoi(argv[3]));
    if (argc == 4 && strcmp(argv[1], "claimer") == 0)
        return role_claimer(argv[2]);
    if (argc == 4 && strcmp(argv[1], "filler") == 0)
        return role_filler(argv[2], argv[3]);
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
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
        IN_FOLDER(an_older_schema_is_read_and_upgraded),
        IN_FOLDER(a_derived_architecture_is_kept_and_never_the_best),
        IN_FOLDER(bad_files_are_refused),
        IN_FOLDER(read_only_folders_can_be_read),
        IN_FOLDER(full_disks_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
