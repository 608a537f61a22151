/* store_sqlite.c - the study file: one SQLite database.
 *
 * Why these settings (SQLite's own documents, and measurements with many processes): WAL lets readers and one writer work at the same
 * time; synchronous = FULL makes a commit durable before anybody reacts to it; BEGIN IMMEDIATE takes the writer's lock
 * first, because a transaction that starts as a reader and then writes gets "locked" at once when somebody else
 * wrote in between, whatever the busy timeout is.
 *
 * All statements stand in one table here and are prepared once per opened file.
 *
 * Layout: the statements' texts; messages; running statements; transactions; keys; checkpoints; the descriptor.
 *
 * Read next: store_sqlite_file.c, how a file is made, opened and upgraded; store_sqlite_trial.c, a trial as a row.  The rules of
 * claims are in claim.c, and docs/study-schema.md describes the tables to people. */
#include "store_sqlite.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- the statements' texts ------------------------------------------------------------------------------------- */

/* In the order of store_sqlite_trial.c. */
#define TRIAL_COLUMNS                                                                              \
    "idx, revision, status, arch, budget, parent, note, seen, alias, metrics, curves, reason, "    \
    "token, attempts, host, pid, start, device, created_ms, started_ms, ended_ms, heartbeat_ms, "  \
    "progress, seconds"

/* What a reader, which must not upgrade a file, takes for the columns that it does not have yet. */
#define NEWER_COLUMNS ", \"from\", derived"
#define NEWER_COLUMNS_2 ", \"from\", ''"
#define NEWER_COLUMNS_1 ", -1, ''"
#define GET_TRIAL(newer) "SELECT " TRIAL_COLUMNS newer " FROM trial WHERE idx = ?"
#define CHANGES(newer)                                                                             \
    "SELECT " TRIAL_COLUMNS newer " FROM trial WHERE revision > ? ORDER BY revision"

static const char *const sql[NAS__SQL_COUNT] = {
    [NAS__SQL_BEGIN_READ] = "BEGIN",
    [NAS__SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [NAS__SQL_COMMIT] = "COMMIT",
    [NAS__SQL_GET] = "SELECT value FROM meta WHERE key = ?",
    [NAS__SQL_SET] = "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
    [NAS__SQL_PUT_TRIAL] = "INSERT OR REPLACE INTO trial(" TRIAL_COLUMNS NEWER_COLUMNS
                           ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?,"
                           " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [NAS__SQL_PUT_HEARTBEAT] = "UPDATE trial SET heartbeat_ms = ?, progress = ? WHERE idx = ?",
    [NAS__SQL_PUT_CHECKPOINT] =
        "INSERT OR REPLACE INTO checkpoint(path, trial, kind, score, size_bytes)"
        " VALUES(?, ?, ?, ?, ?)",
    [NAS__SQL_DROP_CHECKPOINT] = "DELETE FROM checkpoint WHERE path = ?",
    [NAS__SQL_CHECKPOINTS] = "SELECT path, trial, kind, score, size_bytes FROM checkpoint"
                             " ORDER BY kind, score DESC, path",
    [NAS__SQL_LAST_TRIAL] = "SELECT max(idx) FROM trial",
    [NAS__SQL_COUNT_TRIALS] = "SELECT count(*) FROM trial",
    [NAS__SQL_GET_TRIAL] = GET_TRIAL(NEWER_COLUMNS_1),
    [NAS__SQL_GET_TRIAL + 1] = GET_TRIAL(NEWER_COLUMNS_2),
    [NAS__SQL_GET_TRIAL + 2] = GET_TRIAL(NEWER_COLUMNS),
    [NAS__SQL_CHANGES] = CHANGES(NEWER_COLUMNS_1),
    [NAS__SQL_CHANGES + 1] = CHANGES(NEWER_COLUMNS_2),
    [NAS__SQL_CHANGES + 2] = CHANGES(NEWER_COLUMNS),
};

/* ---- messages ------------------------------------------------------------------------------------------------ */

/* A full disk is SQLITE_FULL; a quota and a size limit are failed writes, whose errno a rollback may have replaced. */
static bool is_full(int extended)
{
    return (extended & 0xff) == SQLITE_FULL || extended == SQLITE_IOERR_WRITE;
}

nas_status nas__sqlite_fail(const char *path, sqlite3 *db, int code, const char *doing)
{
    int extended = db ? sqlite3_extended_errcode(db) : code;
    int system_errno = db && (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
    if (is_full(extended))
        NAS_FAIL(NAS_STORE,
                 "%s: no space left (or over a quota or size limit) while %s; nothing committed is "
                 "lost: make room, then `clnas resume %s`",
                 path, doing, path);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        NAS_FAIL(NAS_STORE,
                 "%s: another process kept it locked for %d s while %s; see who with `fuser %s`",
                 path, NAS__SQLITE_BUSY_MS * NAS__SQLITE_BUSY_TRIES / 1000, doing, path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        NAS_FAIL(NAS_STORE,
                 "%s: damaged, or no study file (%s, while %s); restore a copy, or save what is "
                 "readable "
                 "with `sqlite3 %s .recover`",
                 path, sqlite3_errstr(extended), doing, path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        NAS_FAIL(NAS_STORE, "%s: no permission to write it or its folder (while %s)", path, doing);
    case SQLITE_NOMEM:
        NAS_FAIL(NAS_MEMORY, "%s: no memory while %s", path, doing);
    default:
        NAS_FAIL(NAS_STORE, "%s: %s while %s%s%s (SQLite code %d)", path, sqlite3_errstr(extended),
                 doing, system_errno ? ": " : "", system_errno ? strerror(system_errno) : "",
                 extended);
    }
}

/* ---- running statements ------------------------------------------------------------------------------------------------ */

nas_status nas__sqlite_prepare(nas__sqlite *f, int which, sqlite3_stmt **statement)
{
    if (!f->statements[which]) {
        int code = sqlite3_prepare_v3(f->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                      &f->statements[which], NULL);
        if (code != SQLITE_OK)
            return nas__sqlite_fail(f->path, f->db, code, "preparing a statement");
    }
    *statement = f->statements[which];
    return NAS_OK;
}

nas_status nas__sqlite_finish(nas__sqlite *f, sqlite3_stmt *statement, const char *doing)
{
    int code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = nas__sqlite_fail(f->path, f->db, code, doing);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

nas_status nas__sqlite_number(const nas__sqlite *f, sqlite3_stmt *statement, const char *doing,
                              int64_t *number)
{
    const int code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        return nas__sqlite_fail(f->path, f->db, code, doing);
    *number = sqlite3_column_int64(statement, 0);
    return NAS_OK;
}

void nas__sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text ? text : "", -1, SQLITE_STATIC);
}

const char *nas__sqlite_text(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    return text ? (const char *)text : "";
}

void nas__sqlite_text_into(sqlite3_stmt *statement, int at, char *to, size_t size)
{
    snprintf(to, size, "%s", nas__sqlite_text(statement, at));
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

/* A short, uneven pause, so that processes that collided do not collide again. */
static void pause_for(int attempt)
{
    unsigned uneven = ((unsigned)getpid() * 2654435761u + (unsigned)attempt * 40503u) >> 16;
    struct timespec time = {0, (long)(1 + uneven % (10u << attempt)) * 1000000L};
    nanosleep(&time, NULL);
}

static nas_status step_patiently(nas__sqlite *f, int which, const char *doing)
{
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, which, &statement));
    int code = SQLITE_BUSY;
    for (int attempt = 0; attempt < NAS__SQLITE_BUSY_TRIES; attempt++) {
        if (attempt)
            pause_for(attempt);
        code = sqlite3_step(statement);
        sqlite3_reset(statement);
        if ((code & 0xff) != SQLITE_BUSY)
            break;
    }
    return code == SQLITE_DONE ? NAS_OK : nas__sqlite_fail(f->path, f->db, code, doing);
}

static nas_status file_begin(void *handle, bool write)
{
    return step_patiently(handle, write ? NAS__SQL_BEGIN_WRITE : NAS__SQL_BEGIN_READ,
                          "beginning a transaction");
}

static nas_status file_end(void *handle, bool keep)
{
    nas__sqlite *f = handle;
    if (keep) {
        nas_status status = step_patiently(f, NAS__SQL_COMMIT, "committing");
        if (status == NAS_OK)
            return NAS_OK;
        if (!sqlite3_get_autocommit(f->db))
            sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
        return status;
    }
    /* SQLite rolls back by itself after some errors: then there is nothing left to end. */
    if (!sqlite3_get_autocommit(f->db))
        sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
    return NAS_OK;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static nas_status file_get(void *handle, const char *key, nas_text *value, bool *found)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_GET, &statement));
    nas__sqlite_bind_text(statement, 1, key);
    int code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    *found = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        nas_text_add(value, nas__sqlite_text(statement, 0));
    else if (code != SQLITE_DONE)
        status = nas__sqlite_fail(f->path, f->db, code, "reading a key");
    sqlite3_reset(statement);
    return status == NAS_OK ? nas_text_check(value) : status;
}

static nas_status file_set(void *handle, const char *key, const char *value)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_SET, &statement));
    nas__sqlite_bind_text(statement, 1, key);
    nas__sqlite_bind_text(statement, 2, value);
    return nas__sqlite_finish(f, statement, "writing a key");
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

static nas_status file_put_checkpoint(void *handle, const nas_checkpoint *checkpoint)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_PUT_CHECKPOINT, &statement));
    nas__sqlite_bind_text(statement, 1, checkpoint->path);
    sqlite3_bind_int(statement, 2, checkpoint->trial);
    nas__sqlite_bind_text(statement, 3, checkpoint->kind);
    sqlite3_bind_double(statement, 4, checkpoint->score);
    sqlite3_bind_int64(statement, 5, (int64_t)checkpoint->size_bytes);
    return nas__sqlite_finish(f, statement, "writing a checkpoint's line");
}

static nas_status file_drop_checkpoint(void *handle, const char *path)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_DROP_CHECKPOINT, &statement));
    nas__sqlite_bind_text(statement, 1, path);
    return nas__sqlite_finish(f, statement, "removing a checkpoint's line");
}

static nas_status file_checkpoints(void *handle,
                                   nas_status (*each)(void *user, const nas_checkpoint *checkpoint),
                                   void *user)
{
    nas__sqlite *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(nas__sqlite_prepare(f, NAS__SQL_CHECKPOINTS, &statement));
    nas_status status = NAS_OK;
    int code;
    while (status == NAS_OK && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        nas_checkpoint checkpoint = {0};
        if (code != SQLITE_ROW) {
            status = nas__sqlite_fail(f->path, f->db, code, "reading checkpoints");
            break;
        }
        nas__sqlite_text_into(statement, 0, checkpoint.path, sizeof checkpoint.path);
        checkpoint.trial = sqlite3_column_int(statement, 1);
        nas__sqlite_text_into(statement, 2, checkpoint.kind, sizeof checkpoint.kind);
        checkpoint.score = sqlite3_column_double(statement, 3);
        checkpoint.size_bytes = (uint64_t)sqlite3_column_int64(statement, 4);
        status = each(user, &checkpoint);
    }
    sqlite3_reset(statement);
    return status;
}

const nas_store *nas_store_sqlite(void)
{
    static const nas_store store = {
        .name = "sqlite",
        .create = nas__sqlite_create,
        .open = nas__sqlite_open,
        .close = nas__sqlite_close,
        .begin = file_begin,
        .end = file_end,
        .get = file_get,
        .set = file_set,
        .put_trial = nas__sqlite_put_trial,
        .get_trial = nas__sqlite_get_trial,
        .put_heartbeat = nas__sqlite_put_heartbeat,
        .changes = nas__sqlite_changes,
        .put_checkpoint = file_put_checkpoint,
        .drop_checkpoint = file_drop_checkpoint,
        .checkpoints = file_checkpoints,
    };
    return &store;
}
