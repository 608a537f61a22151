/* test_study_files.c - study files as they are found: older schemas, damage, folders that may only be read, disks that are full. */
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

/* The file as it was, without the log of what was done to it. */
static void restore(const void *data, size_t size)
{
    static const char *const ends[] = {"-wal", "-shm"};
    char leftover[128];
    for (int i = 0; i < 2; i++) {
        snprintf(leftover, sizeof leftover, "%s%s", study_path, ends[i]);
        unlink(leftover);
    }
    write_file(data, size);
}

/* Numbers that no row of ours has: they would overflow what computes with them, or make the mirror as long as they are. */
static void check_numbers(const void *data, size_t size)
{
    static const char *const refused[][2] = {
        {"idx = 2000000000", "its last trial is 2000000000"},
        {"idx = 4294967296", "its last trial is 4294967296"},
        {"idx = 70", "missing"},
        {"idx = -4", "index -4"},
        {"revision = 9223372036854775807", "revision"},
        {"attempts = 2147483647", "attempts"},
        {"budget = 1e300", "budget"},
        {"budget = -1", "budget"},
        {"created_ms = 253402300800000", "times"},
        {"started_ms = -9223372036854775807", "times"},
        {"ended_ms = 9223372036854775807", "times"},
        {"heartbeat_ms = -1", "times"},
        {"progress = 9e999", "seconds"},
        {"seconds = -9e999", "seconds"},
    };
    char sql[128];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        nas_study *study = NULL;
        restore(data, size);
        snprintf(sql, sizeof sql, "UPDATE trial SET %s WHERE idx = 59", refused[i][0]);
        run_sql(sql);
        nas_test_fails(nas_study_open(study_path, NAS_STORE_READ, &study), NAS_STORE,
                       refused[i][1]);
        restore(data, size);
        study = open_mode(NAS_STORE_READ); /* and while it is looked at */
        snprintf(sql, sizeof sql, "UPDATE trial SET revision = 1000 + revision, %s WHERE idx = 59",
                 refused[i][0]);
        if (strncmp(refused[i][0], "revision", 8) != 0) {
            run_sql(sql);
            nas_test_fails(nas_study_sync(study), NAS_STORE, refused[i][1]);
        }
        nas_study_close(study);
    }
    restore(data, size);
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
    check_numbers(data, size);

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
        restore(data, size);
    }
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
    if (argc == 4 && strcmp(argv[1], "filler") == 0)
        return role_filler(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(an_older_schema_is_read_and_upgraded),
        IN_FOLDER(a_derived_architecture_is_kept_and_never_the_best),
        IN_FOLDER(bad_files_are_refused),
        IN_FOLDER(read_only_folders_can_be_read),
        IN_FOLDER(full_disks_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
