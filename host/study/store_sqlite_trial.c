/* store_sqlite_trial.c - a trial as a row of the table `trial`, and back.
 *
 * Numbers and texts are columns of their own; metrics and curves are one text each, doubles as hex floats (trial.c, number.c): a
 * stored value is the value, bit for bit.  What has no value is the empty text: nothing is NULL.
 *
 * `changes` is what makes a sync cost only what is new: revisions are unique and grow, so what changed since one is a range
 * of the index.
 *
 * A file may come from anywhere, so a row is held against what a row can be before anybody computes with it: times are differences
 * away from overflow, and one index out of reach would make the mirror as long as that.  Read next: study.c, the mirror that asks
 * for it. */
#include "store_sqlite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void bind_trial(sqlite3_stmt *s, const nas_trial *t, const char *metrics, const char *curves)
{
    int at = 1;
    sqlite3_bind_int(s, at++, t->index);
    sqlite3_bind_int64(s, at++, t->revision);
    nas__sqlite_bind_text(s, at++, nas_trial_status_name(t->status));
    nas__sqlite_bind_text(s, at++, t->arch);
    sqlite3_bind_double(s, at++, t->budget);
    sqlite3_bind_int(s, at++, t->parent);
    nas__sqlite_bind_text(s, at++, t->note);
    sqlite3_bind_int64(s, at++, t->seen);
    sqlite3_bind_int(s, at++, t->alias);
    nas__sqlite_bind_text(s, at++, metrics);
    nas__sqlite_bind_text(s, at++, curves);
    nas__sqlite_bind_text(s, at++, t->reason);
    sqlite3_bind_int64(s, at++, t->token);
    sqlite3_bind_int(s, at++, t->attempts);
    nas__sqlite_bind_text(s, at++, t->owner.host);
    sqlite3_bind_int64(s, at++, t->owner.pid);
    sqlite3_bind_int64(s, at++, t->owner.start);
    nas__sqlite_bind_text(s, at++, t->device);
    sqlite3_bind_int64(s, at++, t->created_ms);
    sqlite3_bind_int64(s, at++, t->started_ms);
    sqlite3_bind_int64(s, at++, t->ended_ms);
    sqlite3_bind_int64(s, at++, t->heartbeat_ms);
    sqlite3_bind_double(s, at++, t->progress);
    sqlite3_bind_double(s, at++, t->seconds);
    sqlite3_bind_int(s, at++, t->from);
    nas__sqlite_bind_text(s, at++, t->derived);
}

nas_status nas__sqlite_put_trial(void *handle, const nas_trial *trial)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    nas_text metrics = {0}, curves = {0};
    nas_status status = NAS_OK;
    nas__metrics_write(trial, &metrics);
    nas__curves_write(trial, &curves);
    NAS_TRY_DONE(nas_text_check(&metrics));
    NAS_TRY_DONE(nas_text_check(&curves));
    NAS_TRY_DONE(nas__sqlite_prepare(f, NAS__SQL_PUT_TRIAL, &statement));
    bind_trial(statement, trial, metrics.data, curves.data);
    NAS_TRY_DONE(nas__sqlite_finish(f, statement, "writing a trial"));
done:
    nas_text_clear(&metrics);
    nas_text_clear(&curves);
    return status;
}

static char *copy_column(sqlite3_stmt *statement, int at)
{
    const char *text = nas__sqlite_text(statement, at);
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static nas_status status_of(const nas__sqlite *f, const char *name, nas_trial *trial)
{
    for (int i = NAS_TRIAL_QUEUED; i <= NAS_TRIAL_ALIAS; i++)
        if (strcmp(nas_trial_status_name((nas_trial_status)i), name) == 0) {
            trial->status = (nas_trial_status)i;
            return NAS_OK;
        }
    NAS_FAIL(NAS_STORE, "%s: trial %d has the unknown status \"%.20s\"", f->path, trial->index,
             name);
}

static void read_columns(sqlite3_stmt *s, nas_trial *t)
{
    nas_trial_init(t);
    t->index = sqlite3_column_int(s, 0);
    t->revision = sqlite3_column_int64(s, 1);
    t->arch = copy_column(s, 3);
    t->budget = sqlite3_column_double(s, 4);
    t->parent = sqlite3_column_int(s, 5);
    t->note = copy_column(s, 6);
    t->seen = sqlite3_column_int64(s, 7);
    t->alias = sqlite3_column_int(s, 8);
    nas__sqlite_text_into(s, 11, t->reason, sizeof t->reason);
    t->token = sqlite3_column_int64(s, 12);
    t->attempts = sqlite3_column_int(s, 13);
    nas__sqlite_text_into(s, 14, t->owner.host, sizeof t->owner.host);
    t->owner.pid = sqlite3_column_int64(s, 15);
    t->owner.start = sqlite3_column_int64(s, 16);
    nas__sqlite_text_into(s, 17, t->device, sizeof t->device);
    t->created_ms = sqlite3_column_int64(s, 18);
    t->started_ms = sqlite3_column_int64(s, 19);
    t->ended_ms = sqlite3_column_int64(s, 20);
    t->heartbeat_ms = sqlite3_column_int64(s, 21);
    t->progress = sqlite3_column_double(s, 22);
    t->seconds = sqlite3_column_double(s, 23);
    t->from = sqlite3_column_int(s, 24);
    t->derived = copy_column(s, 25);
}

static bool is_time(int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= NAS__TIME_MAX;
}

/* What is no number of a trial; NULL: all of them can be. */
static const char *what_cannot_be(const nas_trial *t)
{
    if (t->revision < 1 || t->revision > INT64_MAX / 2)
        return "revision";
    if (t->attempts < 0 || t->attempts > INT32_MAX / 2)
        return "attempts";
    if (!(t->budget >= 0 && t->budget <= INT32_MAX))
        return "budget";
    if (!is_time(t->created_ms) || !is_time(t->started_ms) || !is_time(t->ended_ms) ||
        !is_time(t->heartbeat_ms))
        return "times";
    return isfinite(t->progress) && isfinite(t->seconds) ? NULL : "seconds";
}

static nas_status check_numbers(const nas_trial *trial)
{
    const char *what = what_cannot_be(trial);
    if (what)
        NAS_FAIL(NAS_STORE, "trial %d: its %s cannot be; restore a copy of the study", trial->index,
                 what);
    return NAS_OK;
}

static nas_status read_trial(const nas__sqlite *f, sqlite3_stmt *s, nas_trial *trial)
{
    nas_status status = NAS_OK;
    read_columns(s, trial);
    if (!trial->arch || !trial->note || !trial->derived) {
        status =
            nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for trial %d", trial->index);
        goto done;
    }
    if (!*trial->derived) {
        free(trial->derived);
        trial->derived = NULL;
    }
    NAS_TRY_DONE(status_of(f, nas__sqlite_text(s, 2), trial));
    NAS_TRY_DONE(check_numbers(trial));
    NAS_TRY_DONE(nas__metrics_read(nas__sqlite_text(s, 9), trial));
    NAS_TRY_DONE(nas__curves_read(nas__sqlite_text(s, 10), trial));
    return NAS_OK;
done:
    nas_trial_clear(trial);
    nas_error_add("%s: ", f->path);
    return status;
}

nas_status nas__sqlite_get_trial(void *handle, int index, nas_trial *trial, bool *found)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_GET_TRIAL + f->version - 1, &statement));
    sqlite3_bind_int(statement, 1, index);
    int code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    *found = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        status = read_trial(f, statement, trial);
    else if (code != SQLITE_DONE)
        status = nas__sqlite_fail(f->path, f->db, code, "reading a trial");
    sqlite3_reset(statement);
    return status;
}

nas_status nas__sqlite_put_heartbeat(void *handle, int index, int64_t heartbeat_ms, double progress)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_PUT_HEARTBEAT, &statement));
    sqlite3_bind_int64(statement, 1, heartbeat_ms);
    sqlite3_bind_double(statement, 2, progress);
    sqlite3_bind_int(statement, 3, index);
    return nas__sqlite_finish(f, statement, "writing a heartbeat");
}

static nas_status read_number(nas__sqlite *f, int which, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, which, &statement));
    const nas_status status = nas__sqlite_number(f, statement, "counting trials", number);
    sqlite3_reset(statement);
    return status;
}

/* Trials are without gaps.  A few that are missing the mirror finds itself; before it grows by many they are counted. */
static nas_status check_last(nas__sqlite *f)
{
    enum { FEW = 4096 };
    int64_t last = 0, count = 0;
    NAS_TRY(read_number(f, NAS__SQL_LAST_TRIAL, &last));
    if (last > f->last + FEW) {
        NAS_TRY(read_number(f, NAS__SQL_COUNT_TRIALS, &count));
        if (last != count - 1 || last > INT32_MAX / 2)
            NAS_FAIL(NAS_STORE,
                     "%s: its last trial is %lld, but it has %lld; restore a copy of the study",
                     f->path, (long long)last, (long long)count);
    }
    f->last = last;
    return NAS_OK;
}

nas_status nas__sqlite_changes(void *handle, int64_t since,
                               nas_status (*each)(void *user, const nas_trial *trial), void *user)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(check_last(f));
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_CHANGES + f->version - 1, &statement));
    sqlite3_bind_int64(statement, 1, since);
    nas_status status = NAS_OK;
    int code;
    while (status == NAS_OK && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        nas_trial trial;
        if (code != SQLITE_ROW) {
            status = nas__sqlite_fail(f->path, f->db, code, "reading trials");
            break;
        }
        status = read_trial(f, statement, &trial);
        if (status == NAS_OK) {
            status = each(user, &trial);
            nas_trial_clear(&trial);
        }
    }
    sqlite3_reset(statement);
    return status;
}
