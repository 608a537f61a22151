/* store_sqlite.h - what the files of the SQLite store share: store_sqlite.c (statements and transactions), store_sqlite_file.c
 * (the file itself) and store_sqlite_trial.c (its lines). */
#ifndef NAS_STUDY_STORE_SQLITE_H
#define NAS_STUDY_STORE_SQLITE_H

#include "study.h"

#include <sqlite3.h>

/* How long a lock of somebody else is waited for: BUSY_MS inside SQLite, so many times. */
enum { NAS__SQLITE_BUSY_MS = 5000, NAS__SQLITE_BUSY_TRIES = 6 };

enum {
    NAS__SQL_BEGIN_READ,
    NAS__SQL_BEGIN_WRITE,
    NAS__SQL_COMMIT,
    NAS__SQL_GET,
    NAS__SQL_SET,
    NAS__SQL_PUT_TRIAL,
    NAS__SQL_PUT_HEARTBEAT,
    NAS__SQL_PUT_CHECKPOINT,
    NAS__SQL_DROP_CHECKPOINT,
    NAS__SQL_CHECKPOINTS,
    NAS__SQL_LAST_TRIAL,
    NAS__SQL_COUNT_TRIALS,
    /* by the file's schema, from 1 on */
    NAS__SQL_GET_TRIAL,
    NAS__SQL_CHANGES = NAS__SQL_GET_TRIAL + NAS__SCHEMA,
    NAS__SQL_COUNT = NAS__SQL_CHANGES + NAS__SCHEMA,
};

/* An open study file: the handle of the store. */
typedef struct nas__sqlite {
    sqlite3 *db;
    char *path;
    int version;  /* of the schema, as it was opened or upgraded */
    int64_t last; /* the last trial when its trials were read last */
    sqlite3_stmt *statements[NAS__SQL_COUNT];
} nas__sqlite;

/* ---- store_sqlite.c ------------------------------------------------------------------------------------------- */

/* Says what happened `doing` that, and what to do; `db` may be NULL.  Never NAS_OK. */
nas_status nas__sqlite_fail(const char *path, sqlite3 *db, int code, const char *doing);
/* One of the statements, made at its first use and kept; lent. */
nas_status nas__sqlite_prepare(nas__sqlite *f, int which, sqlite3_stmt **statement);
/* Runs a statement to its end and readies it for the next time. */
nas_status nas__sqlite_finish(nas__sqlite *f, sqlite3_stmt *statement, const char *doing);
/* The one number that a question has for an answer; whoever made the statement resets or finalizes it. */
nas_status nas__sqlite_number(const nas__sqlite *f, sqlite3_stmt *statement, const char *doing,
                              int64_t *number);
/* NULL is bound as, and read as, the empty text.  The text is lent until the statement is reset. */
void nas__sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text);
const char *nas__sqlite_text(sqlite3_stmt *statement, int at);
/* Cut to `size`. */
void nas__sqlite_text_into(sqlite3_stmt *statement, int at, char *to, size_t size);

/* ---- functions of nas_store ----------------------------------------------------------------------------------- */

/* store_sqlite_file.c */
nas_status nas__sqlite_create(const char *path);
nas_status nas__sqlite_open(const char *path, nas_store_mode mode, void **handle);
void nas__sqlite_close(void *handle);

/* store_sqlite_trial.c */
nas_status nas__sqlite_put_trial(void *handle, const nas_trial *trial);
nas_status nas__sqlite_get_trial(void *handle, int index, nas_trial *trial, bool *found);
nas_status nas__sqlite_put_heartbeat(void *handle, int index, int64_t heartbeat_ms,
                                     double progress);
nas_status nas__sqlite_changes(void *handle, int64_t since,
                               nas_status (*each)(void *user, const nas_trial *trial), void *user);

#endif
