/* store_sqlite.c - the study file: one SQLite database.
 *
 * Why these settings (SQLite's own documents, and measurements with many processes): WAL lets readers and one writer work at the same
 * time; synchronous = FULL makes a commit durable before anybody reacts to it; BEGIN IMMEDIATE takes the writer's lock
 * first, because a transaction that starts as a reader and then writes gets "locked" at once when somebody else
 * wrote in between, whatever the busy timeout is.
 *
 * A new file is made under a temporary name and linked to its own name when it is whole: there is no moment at which a
 * half-made study exists, and an existing one is never touched.
 *
 * Layout: messages; statements; the functions of nas_store in its order.  The rules of claims are in claim.c. */
#include "study.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

enum {
    PAGE_BYTES = 4096,
    BUSY_MS = 5000,
    BUSY_TRIES = 6,
    APPLICATION_ID = 0x636c6e61
}; /* "clna" */

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE trial(idx INTEGER PRIMARY KEY, revision INTEGER NOT NULL UNIQUE,"
    " status TEXT NOT NULL, arch TEXT NOT NULL, budget REAL NOT NULL, parent INTEGER NOT NULL,"
    " note TEXT NOT NULL, seen INTEGER NOT NULL, alias INTEGER NOT NULL, metrics TEXT NOT NULL,"
    " curves TEXT NOT NULL, reason TEXT NOT NULL, token INTEGER NOT NULL, attempts INTEGER NOT "
    "NULL,"
    " host TEXT NOT NULL, pid INTEGER NOT NULL, start INTEGER NOT NULL, device TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " heartbeat_ms INTEGER NOT NULL, progress REAL NOT NULL, seconds REAL NOT NULL,"
    " \"from\" INTEGER NOT NULL, derived TEXT NOT NULL);"
    "CREATE TABLE checkpoint(path TEXT PRIMARY KEY, trial INTEGER NOT NULL, kind TEXT NOT NULL,"
    " score REAL, size_bytes INTEGER NOT NULL) WITHOUT ROWID;";

#define TRIAL_COLUMNS                                                                              \
    "idx, revision, status, arch, budget, parent, note, seen, alias, metrics, curves, reason, "    \
    "token, attempts, host, pid, start, device, created_ms, started_ms, ended_ms, heartbeat_ms, "  \
    "progress, seconds"

/* From one schema to the next, by the older one's number. */
static const char *const upgrades[NAS__SCHEMA] = {
    [1] = "ALTER TABLE trial ADD COLUMN \"from\" INTEGER NOT NULL DEFAULT -1;"
          "PRAGMA user_version = 2;",
    [2] = "ALTER TABLE trial ADD COLUMN derived TEXT NOT NULL DEFAULT '';"
          "PRAGMA user_version = 3;",
};

/* What a reader, which must not upgrade a file, takes for the columns that it does not have yet. */
#define NEWER_COLUMNS ", \"from\", derived"
#define NEWER_COLUMNS_2 ", \"from\", ''"
#define NEWER_COLUMNS_1 ", -1, ''"
#define GET_TRIAL(newer) "SELECT " TRIAL_COLUMNS newer " FROM trial WHERE idx = ?"
#define CHANGES(newer)                                                                             \
    "SELECT " TRIAL_COLUMNS newer " FROM trial WHERE revision > ? ORDER BY revision"

enum {
    SQL_BEGIN_READ,
    SQL_BEGIN_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_GET,
    SQL_SET,
    SQL_PUT_TRIAL,
    SQL_PUT_HEARTBEAT,
    SQL_PUT_CHECKPOINT,
    SQL_DROP_CHECKPOINT,
    SQL_CHECKPOINTS,
    /* by the file's schema, from 1 on */
    SQL_GET_TRIAL,
    SQL_CHANGES = SQL_GET_TRIAL + NAS__SCHEMA,
    SQL_COUNT = SQL_CHANGES + NAS__SCHEMA,
};
static const char *const sql[SQL_COUNT] = {
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_GET] = "SELECT value FROM meta WHERE key = ?",
    [SQL_SET] = "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
    [SQL_PUT_TRIAL] = "INSERT OR REPLACE INTO trial(" TRIAL_COLUMNS NEWER_COLUMNS
                      ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?,"
                      " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_PUT_HEARTBEAT] = "UPDATE trial SET heartbeat_ms = ?, progress = ? WHERE idx = ?",
    [SQL_PUT_CHECKPOINT] = "INSERT OR REPLACE INTO checkpoint(path, trial, kind, score, size_bytes)"
                           " VALUES(?, ?, ?, ?, ?)",
    [SQL_DROP_CHECKPOINT] = "DELETE FROM checkpoint WHERE path = ?",
    [SQL_CHECKPOINTS] = "SELECT path, trial, kind, score, size_bytes FROM checkpoint"
                        " ORDER BY kind, score DESC, path",
    [SQL_GET_TRIAL] = GET_TRIAL(NEWER_COLUMNS_1),
    [SQL_GET_TRIAL + 1] = GET_TRIAL(NEWER_COLUMNS_2),
    [SQL_GET_TRIAL + 2] = GET_TRIAL(NEWER_COLUMNS),
    [SQL_CHANGES] = CHANGES(NEWER_COLUMNS_1),
    [SQL_CHANGES + 1] = CHANGES(NEWER_COLUMNS_2),
    [SQL_CHANGES + 2] = CHANGES(NEWER_COLUMNS),
};

typedef struct file {
    sqlite3 *db;
    char *path;
    int version; /* of the schema, as it was opened or upgraded */
    sqlite3_stmt *statements[SQL_COUNT];
} file;

/* ---- messages ------------------------------------------------------------------------------------------------ */

/* A full disk is SQLITE_FULL; a quota and a size limit are failed writes, whose errno a rollback may have replaced. */
static bool is_full(int extended)
{
    return (extended & 0xff) == SQLITE_FULL || extended == SQLITE_IOERR_WRITE;
}

static nas_status fail(const char *path, sqlite3 *db, int code, const char *doing)
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
                 path, BUSY_MS * BUSY_TRIES / 1000, doing, path);
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

/* ---- statements ------------------------------------------------------------------------------------------------ */

static nas_status prepare(file *f, int which, sqlite3_stmt **statement)
{
    if (!f->statements[which]) {
        int code = sqlite3_prepare_v3(f->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                      &f->statements[which], NULL);
        if (code != SQLITE_OK)
            return fail(f->path, f->db, code, "preparing a statement");
    }
    *statement = f->statements[which];
    return NAS_OK;
}

/* Runs a statement to its end and readies it for the next time. */
static nas_status finish(file *f, sqlite3_stmt *statement, const char *doing)
{
    int code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = fail(f->path, f->db, code, doing);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text ? text : "", -1, SQLITE_STATIC);
}

static const char *column_text(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    return text ? (const char *)text : "";
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

static nas_status run_script(const char *path, sqlite3 *db, const char *script, const char *doing)
{
    int code = sqlite3_exec(db, script, NULL, NULL, NULL);
    return code == SQLITE_OK ? NAS_OK : fail(path, db, code, doing);
}

static nas_status refuse_network(const char *path)
{
#ifdef __linux__
    static const unsigned long kinds[] = {0x6969, 0x517b, 0xff534d42ul,
                                          0xfe534d42ul}; /* NFS, SMB, CIFS, SMB2 */
    struct statfs info;
    if (statfs(path, &info) != 0)
        return NAS_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (((unsigned long)info.f_type & 0xfffffffful) == kinds[i])
            NAS_FAIL(NAS_STORE,
                     "%s is on a network file system, where SQLite's log does not work; "
                     "keep studies on a local disk",
                     path);
#else
    (void)path;
#endif
    return NAS_OK;
}

static nas_status folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + (slash == path) : 1;
    if (length >= size)
        NAS_FAIL(NAS_STORE, "%.80s…: the path is too long", path);
    memcpy(folder, slash ? path : ".", length);
    folder[length] = '\0';
    return NAS_OK;
}

static nas_status write_empty(const char *path, const char *final)
{
    sqlite3 *db = NULL;
    char script[256];
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    nas_status status = NAS_OK;
    if (code != SQLITE_OK) {
        status = fail(final, db, code, "creating it");
        goto done;
    }
    snprintf(script, sizeof script,
             "PRAGMA page_size = %d; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN "
             "IMMEDIATE; "
             "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             PAGE_BYTES, APPLICATION_ID, NAS__SCHEMA);
    NAS_TRY_DONE(run_script(final, db, script, "creating it"));
    NAS_TRY_DONE(run_script(final, db, schema, "creating its tables"));
    NAS_TRY_DONE(run_script(final, db, "COMMIT", "creating its tables"));
    NAS_TRY_DONE(run_script(final, db, "PRAGMA wal_checkpoint(TRUNCATE)", "creating it"));
done:
    sqlite3_close(db);
    return status;
}

static void sync_folder(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
}

static nas_status exists_already(const char *path)
{
    NAS_FAIL(NAS_STORE,
             "%s exists already and is never overwritten: `clnas resume %s` goes on with it, "
             "`clnas search --new` starts another one beside it",
             path, path);
}

/* Gives the whole file its name, unless the name is taken. */
static nas_status publish(const char *temporary, const char *path)
{
    if (link(temporary, path) == 0)
        return NAS_OK;
    if (errno == EEXIST)
        return exists_already(path);
    /* No hard links here (FAT, some network mounts): look, then rename. */
    if (access(path, F_OK) == 0)
        return exists_already(path);
    if (rename(temporary, path) != 0)
        NAS_FAIL(NAS_STORE, "%s: cannot be created: %s", path, strerror(errno));
    return NAS_OK;
}

static nas_status file_create(const char *path)
{
    char folder[4096], temporary[4200];
    nas_status status = NAS_OK;
    if (access(path, F_OK) == 0)
        return exists_already(path);
    NAS_TRY(folder_of(path, folder, sizeof folder));
    NAS_TRY(refuse_network(folder));
    snprintf(temporary, sizeof temporary, "%s/.clnas-new-XXXXXX", folder);
    int descriptor = mkstemp(temporary);
    if (descriptor < 0)
        NAS_FAIL(NAS_STORE, "%s: cannot be created in %s: %s", path, folder, strerror(errno));
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
    close(descriptor);
    status = write_empty(temporary, path);
    if (status == NAS_OK)
        status = publish(temporary, path);
    unlink(temporary);
    if (status == NAS_OK)
        sync_folder(folder);
    return status;
}

/* ---- open ------------------------------------------------------------------------------------------------------ */

static nas_status read_number(file *f, const char *pragma, int *number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(f->db, pragma, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return fail(f->path, f->db, code, "opening it");
    code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int(statement, 0);
    else
        status = fail(f->path, f->db, code, "opening it");
    sqlite3_finalize(statement);
    return status;
}

static nas_status check_kind(file *f)
{
    int application = 0, version = 0;
    NAS_TRY(read_number(f, "PRAGMA application_id", &application));
    NAS_TRY(read_number(f, "PRAGMA user_version", &version));
    if (application != APPLICATION_ID)
        NAS_FAIL(NAS_STORE, "%s: an SQLite database, but not a study of clnas", f->path);
    if (version > NAS__SCHEMA)
        NAS_FAIL(NAS_STORE,
                 "%s: schema version %d, but this clnas knows versions up to %d; use a newer clnas",
                 f->path, version, NAS__SCHEMA);
    if (version < 1)
        NAS_FAIL(NAS_STORE, "%s: schema version %d is none that clnas ever wrote", f->path,
                 version);
    f->version = version;
    return NAS_OK;
}

/* An older schema becomes today's, unless another process was faster. */
static nas_status upgrade_schema(file *f)
{
    NAS_TRY(run_script(f->path, f->db, "BEGIN IMMEDIATE", "upgrading it"));
    nas_status status = read_number(f, "PRAGMA user_version", &f->version);
    for (; status == NAS_OK && f->version < NAS__SCHEMA; f->version++)
        status = run_script(f->path, f->db, upgrades[f->version], "upgrading it");
    if (status == NAS_OK)
        status = run_script(f->path, f->db, "COMMIT", "upgrading it");
    if (status != NAS_OK)
        sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static nas_status check_pages(file *f)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(f->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return fail(f->path, f->db, code, "checking it");
    code = sqlite3_step(statement);
    bool good = code == SQLITE_ROW && strcmp(column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    if (good)
        return NAS_OK;
    return fail(f->path, NULL, code == SQLITE_ROW ? SQLITE_CORRUPT : code, "checking it");
}

/* A reader without write permission to the folder cannot make the shared index of a WAL file; when there is no log
 * beside it, the file alone is the whole truth. */
static int open_database(file *f, nas_store_mode mode)
{
    int flags = mode == NAS_STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int code = sqlite3_open_v2(f->path, &f->db, flags, NULL);
    if (code != SQLITE_OK || mode == NAS_STORE_WRITE)
        return code;
    sqlite3_busy_timeout(f->db, BUSY_MS);
    code = sqlite3_exec(f->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if ((code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY)
        return SQLITE_OK; /* other errors come back with the first real question */
    nas_text uri = {0};
    nas_text_add(&uri, "file:");
    for (const char *at = f->path; *at; at++)
        nas_text_format(&uri, strchr("?#%", *at) ? "%%%02x" : "%c", *at);
    nas_text_add(&uri, "?immutable=1");
    sqlite3_close(f->db);
    f->db = NULL;
    code = uri.failed ? SQLITE_NOMEM
                      : sqlite3_open_v2(uri.data, &f->db, flags | SQLITE_OPEN_URI, NULL);
    nas_text_clear(&uri);
    return code;
}

static void file_close(void *handle)
{
    file *f = handle;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(f->statements[i]);
    sqlite3_close(f->db);
    free(f->path);
    free(f);
}

static nas_status look_at(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        NAS_FAIL(NAS_STORE, "%s: there is no such study (%s); `clnas search CONFIG` makes one",
                 path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        NAS_FAIL(NAS_STORE, "%s is not a file", path);
    if (info.st_size < PAGE_BYTES)
        NAS_FAIL(NAS_STORE, "%s: %lld bytes, too short for a study; restore a copy", path,
                 (long long)info.st_size);
    return refuse_network(path);
}

static nas_status file_open(const char *path, nas_store_mode mode, void **handle)
{
    nas_status status = NAS_OK;
    NAS_TRY(look_at(path));
    file *f = calloc(1, sizeof *f);
    if (f)
        f->path = malloc(strlen(path) + 1);
    if (!f || !f->path) {
        free(f);
        NAS_FAIL(NAS_MEMORY, "no memory for study %s", path);
    }
    strcpy(f->path, path);
    int code = open_database(f, mode);
    if (code != SQLITE_OK) {
        status = fail(path, f->db, code, "opening it");
        goto done;
    }
    sqlite3_extended_result_codes(f->db, 1);
    sqlite3_busy_timeout(f->db, BUSY_MS);
    NAS_TRY_DONE(check_kind(f));
    NAS_TRY_DONE(run_script(path, f->db,
                            mode == NAS_STORE_WRITE
                                ? "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF"
                                : "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF",
                            "opening it"));
    NAS_TRY_DONE(check_pages(f));
    if (mode == NAS_STORE_WRITE && f->version < NAS__SCHEMA)
        NAS_TRY_DONE(upgrade_schema(f));
    *handle = f;
    return NAS_OK;
done:
    file_close(f);
    return status;
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

/* A short, uneven pause, so that processes that collided do not collide again. */
static void pause_for(int attempt)
{
    unsigned uneven = ((unsigned)getpid() * 2654435761u + (unsigned)attempt * 40503u) >> 16;
    struct timespec time = {0, (long)(1 + uneven % (10u << attempt)) * 1000000L};
    nanosleep(&time, NULL);
}

static nas_status step_patiently(file *f, int which, const char *doing)
{
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, which, &statement));
    int code = SQLITE_BUSY;
    for (int attempt = 0; attempt < BUSY_TRIES; attempt++) {
        if (attempt)
            pause_for(attempt);
        code = sqlite3_step(statement);
        sqlite3_reset(statement);
        if ((code & 0xff) != SQLITE_BUSY)
            break;
    }
    return code == SQLITE_DONE ? NAS_OK : fail(f->path, f->db, code, doing);
}

static nas_status file_begin(void *handle, bool write)
{
    return step_patiently(handle, write ? SQL_BEGIN_WRITE : SQL_BEGIN_READ,
                          "beginning a transaction");
}

static nas_status file_end(void *handle, bool keep)
{
    file *f = handle;
    if (keep) {
        nas_status status = step_patiently(f, SQL_COMMIT, "committing");
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
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_GET, &statement));
    bind_text(statement, 1, key);
    int code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    *found = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        nas_text_add(value, column_text(statement, 0));
    else if (code != SQLITE_DONE)
        status = fail(f->path, f->db, code, "reading a key");
    sqlite3_reset(statement);
    return status == NAS_OK ? nas_text_check(value) : status;
}

static nas_status file_set(void *handle, const char *key, const char *value)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_SET, &statement));
    bind_text(statement, 1, key);
    bind_text(statement, 2, value);
    return finish(f, statement, "writing a key");
}

/* ---- trials ----------------------------------------------------------------------------------------------------- */

static void bind_trial(sqlite3_stmt *s, const nas_trial *t, const char *metrics, const char *curves)
{
    int at = 1;
    sqlite3_bind_int(s, at++, t->index);
    sqlite3_bind_int64(s, at++, t->revision);
    bind_text(s, at++, nas_trial_status_name(t->status));
    bind_text(s, at++, t->arch);
    sqlite3_bind_double(s, at++, t->budget);
    sqlite3_bind_int(s, at++, t->parent);
    bind_text(s, at++, t->note);
    sqlite3_bind_int64(s, at++, t->seen);
    sqlite3_bind_int(s, at++, t->alias);
    bind_text(s, at++, metrics);
    bind_text(s, at++, curves);
    bind_text(s, at++, t->reason);
    sqlite3_bind_int64(s, at++, t->token);
    sqlite3_bind_int(s, at++, t->attempts);
    bind_text(s, at++, t->owner.host);
    sqlite3_bind_int64(s, at++, t->owner.pid);
    sqlite3_bind_int64(s, at++, t->owner.start);
    bind_text(s, at++, t->device);
    sqlite3_bind_int64(s, at++, t->created_ms);
    sqlite3_bind_int64(s, at++, t->started_ms);
    sqlite3_bind_int64(s, at++, t->ended_ms);
    sqlite3_bind_int64(s, at++, t->heartbeat_ms);
    sqlite3_bind_double(s, at++, t->progress);
    sqlite3_bind_double(s, at++, t->seconds);
    sqlite3_bind_int(s, at++, t->from);
    bind_text(s, at++, t->derived);
}

static nas_status file_put_trial(void *handle, const nas_trial *trial)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    nas_text metrics = {0}, curves = {0};
    nas_status status = NAS_OK;
    nas__metrics_write(trial, &metrics);
    nas__curves_write(trial, &curves);
    NAS_TRY_DONE(nas_text_check(&metrics));
    NAS_TRY_DONE(nas_text_check(&curves));
    NAS_TRY_DONE(prepare(f, SQL_PUT_TRIAL, &statement));
    bind_trial(statement, trial, metrics.data, curves.data);
    NAS_TRY_DONE(finish(f, statement, "writing a trial"));
done:
    nas_text_clear(&metrics);
    nas_text_clear(&curves);
    return status;
}

static char *copy_column(sqlite3_stmt *statement, int at)
{
    const char *text = column_text(statement, at);
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static void column_into(sqlite3_stmt *statement, int at, char *to, size_t size)
{
    snprintf(to, size, "%s", column_text(statement, at));
}

static nas_status status_of(const file *f, const char *name, nas_trial *trial)
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
    column_into(s, 11, t->reason, sizeof t->reason);
    t->token = sqlite3_column_int64(s, 12);
    t->attempts = sqlite3_column_int(s, 13);
    column_into(s, 14, t->owner.host, sizeof t->owner.host);
    t->owner.pid = sqlite3_column_int64(s, 15);
    t->owner.start = sqlite3_column_int64(s, 16);
    column_into(s, 17, t->device, sizeof t->device);
    t->created_ms = sqlite3_column_int64(s, 18);
    t->started_ms = sqlite3_column_int64(s, 19);
    t->ended_ms = sqlite3_column_int64(s, 20);
    t->heartbeat_ms = sqlite3_column_int64(s, 21);
    t->progress = sqlite3_column_double(s, 22);
    t->seconds = sqlite3_column_double(s, 23);
    t->from = sqlite3_column_int(s, 24);
    t->derived = copy_column(s, 25);
}

static nas_status read_trial(const file *f, sqlite3_stmt *s, nas_trial *trial)
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
    NAS_TRY_DONE(status_of(f, column_text(s, 2), trial));
    NAS_TRY_DONE(nas__metrics_read(column_text(s, 9), trial));
    NAS_TRY_DONE(nas__curves_read(column_text(s, 10), trial));
    return NAS_OK;
done:
    nas_trial_clear(trial);
    nas_error_add("%s: ", f->path);
    return status;
}

static nas_status file_get_trial(void *handle, int index, nas_trial *trial, bool *found)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_GET_TRIAL + f->version - 1, &statement));
    sqlite3_bind_int(statement, 1, index);
    int code = sqlite3_step(statement);
    nas_status status = NAS_OK;
    *found = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        status = read_trial(f, statement, trial);
    else if (code != SQLITE_DONE)
        status = fail(f->path, f->db, code, "reading a trial");
    sqlite3_reset(statement);
    return status;
}

static nas_status file_put_heartbeat(void *handle, int index, int64_t heartbeat_ms, double progress)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_PUT_HEARTBEAT, &statement));
    sqlite3_bind_int64(statement, 1, heartbeat_ms);
    sqlite3_bind_double(statement, 2, progress);
    sqlite3_bind_int(statement, 3, index);
    return finish(f, statement, "writing a heartbeat");
}

static nas_status file_changes(void *handle, int64_t since,
                               nas_status (*each)(void *user, const nas_trial *trial), void *user)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_CHANGES + f->version - 1, &statement));
    sqlite3_bind_int64(statement, 1, since);
    nas_status status = NAS_OK;
    int code;
    while (status == NAS_OK && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        nas_trial trial;
        if (code != SQLITE_ROW) {
            status = fail(f->path, f->db, code, "reading trials");
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

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

static nas_status file_put_checkpoint(void *handle, const nas_checkpoint *checkpoint)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_PUT_CHECKPOINT, &statement));
    bind_text(statement, 1, checkpoint->path);
    sqlite3_bind_int(statement, 2, checkpoint->trial);
    bind_text(statement, 3, checkpoint->kind);
    sqlite3_bind_double(statement, 4, checkpoint->score);
    sqlite3_bind_int64(statement, 5, (int64_t)checkpoint->size_bytes);
    return finish(f, statement, "writing a checkpoint's line");
}

static nas_status file_drop_checkpoint(void *handle, const char *path)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_DROP_CHECKPOINT, &statement));
    bind_text(statement, 1, path);
    return finish(f, statement, "removing a checkpoint's line");
}

static nas_status file_checkpoints(void *handle,
                                   nas_status (*each)(void *user, const nas_checkpoint *checkpoint),
                                   void *user)
{
    file *f = handle;
    sqlite3_stmt *statement = NULL;
    NAS_TRY(prepare(f, SQL_CHECKPOINTS, &statement));
    nas_status status = NAS_OK;
    int code;
    while (status == NAS_OK && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        nas_checkpoint checkpoint = {0};
        if (code != SQLITE_ROW) {
            status = fail(f->path, f->db, code, "reading checkpoints");
            break;
        }
        column_into(statement, 0, checkpoint.path, sizeof checkpoint.path);
        checkpoint.trial = sqlite3_column_int(statement, 1);
        column_into(statement, 2, checkpoint.kind, sizeof checkpoint.kind);
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
        .create = file_create,
        .open = file_open,
        .close = file_close,
        .begin = file_begin,
        .end = file_end,
        .get = file_get,
        .set = file_set,
        .put_trial = file_put_trial,
        .get_trial = file_get_trial,
        .put_heartbeat = file_put_heartbeat,
        .changes = file_changes,
        .put_checkpoint = file_put_checkpoint,
        .drop_checkpoint = file_drop_checkpoint,
        .checkpoints = file_checkpoints,
    };
    return &store;
}
