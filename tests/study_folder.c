/* study_folder.c - a study in a folder of its own, and what is done with it again and again. */
#include "study_folder.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char folder[64], study_path[96];

int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "study-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(study_path, sizeof study_path, "%s/a.study", folder);
    return 0;
}

int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

const nas_study_about about = {"a", "study = \"a\";\n", "seed = 1;\n"};

nas_study *create(void)
{
    nas_study *study = NULL;
    nas_test_ok(nas_study_create(study_path, &about, &study));
    return study;
}

nas_study *open_mode(nas_store_mode mode)
{
    nas_study *study = NULL;
    nas_test_ok(nas_study_open(study_path, mode, &study));
    return study;
}

nas_claim claim_as(nas_study *study, const nas_owner *owner, const char *arch)
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

nas_claim claim_next(nas_study *study, const char *arch)
{
    nas_owner self;
    nas_test_ok(nas_owner_self(&self));
    return claim_as(study, &self, arch);
}

nas_claim claim_from(nas_study *study, int from)
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

bool commit_value(nas_study *study, const nas_claim *claim, double value)
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

void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

uint64_t draw(uint32_t a, uint32_t bound)
{
    nas_random random = nas_random_make((uint64_t)getpid(), NAS_STREAM_TEST, a, 0, 0);
    return nas_random_below(&random, bound);
}

/* This program again; its output comes through `output`. */
pid_t start(const char *role, const char *a, const char *b, int *output)
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

int wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Every whole number in the output, marked in `done`; returns how many. */
int read_numbers(int output, unsigned char *done, int limit)
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

void fill(nas_study *study)
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

void assert_filled(nas_study *study)
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

int fail_role(const char *doing)
{
    fprintf(stderr, "%s: %s\n", doing, nas_error_message());
    return 1;
}
