/* store_sqlite_file.c - study files: made whole, opened only when they are sound, upgraded in place.
 *
 * A new file is made under a temporary name and linked to its own name when it is whole: there is no moment at which a
 * half-made study exists, and an existing one is never touched.
 *
 * Opening asks before it trusts: is it a file on a local disk, a study, of a schema that is known, and are its pages whole.  A writer
 * brings an older schema up to date; a reader leaves the file as it is, and store_sqlite.c fills in what it lacks.
 *
 * Read next: store_sqlite_trial.c; docs/study-schema.md. */
#include "store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

enum { PAGE_BYTES = 4096, APPLICATION_ID = 0x636c6e61 }; /* "clna" */

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

/* From one schema to the next, by the older one's number. */
static const char *const upgrades[NAS__SCHEMA] = {
    [1] = "ALTER TABLE trial ADD COLUMN \"from\" INTEGER NOT NULL DEFAULT -1;"
          "PRAGMA user_version = 2;",
    [2] = "ALTER TABLE trial ADD COLUMN derived TEXT NOT NULL DEFAULT '';"
          "PRAGMA user_version = 3;",
};

static nas_status run_script(const char *path, sqlite3 *db, const char *script, const char *doing)
{
    int code = sqlite3_exec(db, script, NULL, NULL, NULL);
    return code == SQLITE_OK ? NAS_OK : nas__sqlite_fail(path, db, code, doing);
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

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
        status = nas__sqlite_fail(final, db, code, "creating it");
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

nas_status nas__sqlite_create(const char *path)
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

static nas_status read_number(nas__sqlite *f, const char *pragma, int *number)
{
    sqlite3_stmt *statement = NULL;
    int64_t wide = 0;
    const int code = sqlite3_prepare_v2(f->db, pragma, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return nas__sqlite_fail(f->path, f->db, code, "opening it");
    const nas_status status = nas__sqlite_number(f, statement, "opening it", &wide);
    sqlite3_finalize(statement);
    *number = (int)wide; /* SQLite keeps 32 bits of these */
    return status;
}

static nas_status check_kind(nas__sqlite *f)
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
static nas_status upgrade_schema(nas__sqlite *f)
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

static nas_status check_pages(nas__sqlite *f)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(f->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return nas__sqlite_fail(f->path, f->db, code, "checking it");
    code = sqlite3_step(statement);
    bool good = code == SQLITE_ROW && strcmp(nas__sqlite_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    if (good)
        return NAS_OK;
    return nas__sqlite_fail(f->path, NULL, code == SQLITE_ROW ? SQLITE_CORRUPT : code,
                            "checking it");
}

/* A reader without write permission to the folder cannot make the shared index of a WAL file; when there is no log
 * beside it, the file alone is the whole truth. */
static int open_database(nas__sqlite *f, nas_store_mode mode)
{
    int flags = mode == NAS_STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int code = sqlite3_open_v2(f->path, &f->db, flags, NULL);
    if (code != SQLITE_OK || mode == NAS_STORE_WRITE)
        return code;
    sqlite3_busy_timeout(f->db, NAS__SQLITE_BUSY_MS);
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

void nas__sqlite_close(void *handle)
{
    nas__sqlite *f = handle;
    for (int i = 0; i < NAS__SQL_COUNT; i++)
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

nas_status nas__sqlite_open(const char *path, nas_store_mode mode, void **handle)
{
    nas_status status = NAS_OK;
    NAS_TRY(look_at(path));
    nas__sqlite *f = calloc(1, sizeof *f);
    if (f)
        f->path = malloc(strlen(path) + 1);
    if (!f || !f->path) {
        free(f);
        NAS_FAIL(NAS_MEMORY, "no memory for study %s", path);
    }
    strcpy(f->path, path);
    int code = open_database(f, mode);
    if (code != SQLITE_OK) {
        status = nas__sqlite_fail(path, f->db, code, "opening it");
        goto done;
    }
    sqlite3_extended_result_codes(f->db, 1);
    sqlite3_busy_timeout(f->db, NAS__SQLITE_BUSY_MS);
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
    nas__sqlite_close(f);
    return status;
}
