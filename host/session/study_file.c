/* study_file.c - the file of a study: its name, making it whole or not at all, and whatever a path names.
 *
 * Idea: a study is made under another name with its config in it, and then linked to its own, which never replaces a file.
 * So a kill leaves a study or none, and of two who make the same one, one wins and the other finds it.
 * Read next: bench.c, which opens what the config in it names. */
#include "session_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

nas_status nas_session_study_path(const nas_config *config, char *path, size_t size)
{
    if (snprintf(path, size, "%s.study", config->study) >= (int)size)
        NAS_FAIL(NAS_CONFIG, "study = \"%.60s…\" is too long", config->study);
    return NAS_OK;
}

/* Is there a write-ahead log of a study that is not there any more?  SQLite would read its trials into a new one of that name. */
static bool has_leftover(const char *path)
{
    char name[NAS_PATH_SIZE + 8];
    struct stat about;
    snprintf(name, sizeof name, "%s-wal", path);
    return access(path, F_OK) != 0 && stat(name, &about) == 0 && about.st_size > 0;
}

/* NAME.study, or the first of NAME-2.study, NAME-3.study … that is free. */
static nas_status free_path(const nas_config *config, char *path, size_t size)
{
    NAS_TRY(nas_session_study_path(config, path, size));
    for (int i = 2; (access(path, F_OK) == 0 || has_leftover(path)) && i < 100000; i++)
        if (snprintf(path, size, "%s-%d.study", config->study, i) >= (int)size)
            NAS_FAIL(NAS_CONFIG, "study = \"%.60s…\" is too long", config->study);
    return NAS_OK;
}

/* Gives the finished file its name, never in another's place; the name reaches the disk. */
static nas_status name_study(const char *fresh, const char *path)
{
    char folder[NAS_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    bool named = link(fresh, path) == 0; /* unlike rename, it never replaces */
    if (!named && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)) /* no links here */
        named = access(path, F_OK) != 0 && rename(fresh, path) == 0;
    int error = errno;
    unlink(fresh);
    if (!named && error == EEXIST)
        NAS_FAIL(NAS_STORE, "%s exists: `clnas resume %s`, or --new", path, path);
    if (!named)
        NAS_FAIL(NAS_STORE, "%s: cannot make it: %s", path, strerror(error));
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1,
             slash ? path : ".");
    int file = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
    return NAS_OK;
}

/* Makes the study under another name first: a kill leaves a study with its config in it, or none. */
static nas_status create_whole(const char *path, const nas_study_about *about, nas_study **study)
{
    char fresh[NAS_PATH_SIZE + 32];
    snprintf(fresh, sizeof fresh, "%s.new-%ld", path, (long)getpid());
    unlink(fresh);
    NAS_TRY(nas_study_create(fresh, about, study));
    nas_study_close(*study); /* the last connection: everything is in the one file now */
    *study = NULL;
    NAS_TRY(name_study(fresh, path));
    return nas_study_open(path, NAS_STORE_WRITE, study);
}

/* The options that the study goes by: the config with its order decided. */
static nas_status write_options(const nas_config *config, nas_order order, nas_text *text)
{
    nas_config *decided = malloc(sizeof *decided);
    if (!decided)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    *decided = *config; /* what it points to is lent */
    if (decided->budget.order == NAS_ORDER_AUTO)
        decided->budget.order = (int)order;
    nas_config_write(decided, text);
    free(decided);
    return nas_text_check(text);
}

nas_status nas__study_create(const nas_config *config, nas_order order, const char *wanted,
                             bool fresh, char path[NAS_PATH_SIZE], nas_study **study)
{
    nas_text text = {0}, options = {0};
    nas_study_about about = {.name = config->study};
    if (wanted)
        snprintf(path, NAS_PATH_SIZE, "%s", wanted);
    else if (fresh)
        NAS_TRY(free_path(config, path, NAS_PATH_SIZE));
    else
        NAS_TRY(nas_session_study_path(config, path, NAS_PATH_SIZE));
    if (access(path, F_OK) == 0)
        NAS_FAIL(NAS_STORE, "%s exists: go on with `clnas resume %s`, or start another with --new",
                 path, path);
    if (has_leftover(path))
        NAS_FAIL(NAS_STORE,
                 "%s-wal is left of a study that is gone, and its trials would get into a new one: "
                 "put that study back, or delete %s-wal and %s-shm; or start another with --new",
                 path, path, path);
    nas_config_write(config, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = write_options(config, order, &options);
    about.config = text.data;
    about.options = options.data;
    if (status == NAS_OK)
        status = create_whole(path, &about, study);
    nas_text_clear(&text);
    nas_text_clear(&options);
    return status;
}

/* worker-3.log, meter-4711.log */
static bool is_log(const char *name)
{
    static const char *const kinds[] = {"worker-", "meter-"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *number = name + strlen(kinds[i]);
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0)
            return strcmp(number + strspn(number, "0123456789"), ".log") == 0;
    }
    return false;
}

static void remove_logs(const char *folder)
{
    char name[NAS_PATH_SIZE + 320];
    DIR *open = opendir(folder);
    const struct dirent *entry;
    while (open && (entry = readdir(open)))
        if (is_log(entry->d_name)) {
            snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
            unlink(name);
        }
    if (open)
        closedir(open);
}

/* A study that could not even begin leaves nothing behind: the next try needs no --new. */
void nas__study_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[NAS_PATH_SIZE + 64];
    snprintf(name, sizeof name, "%s.d", path);
    remove_logs(name);
    rmdir(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

/* ---- a path that names a study or a config ---------------------------------------------------------------------- */

bool nas__is_study(const char *path)
{
    char magic[16] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = file >= 0 ? read(file, magic, sizeof magic) : -1;
    if (file >= 0)
        close(file);
    return got == (ssize_t)sizeof magic && memcmp(magic, "SQLite format 3", 16) == 0;
}

nas_status nas__study_made(const nas_config *config, const char *path, nas_study **study)
{
    nas_text text = {0}, stored = {0};
    bool found = false;
    nas_study *opened = NULL;
    nas_status status;
    NAS_TRY(nas_study_open(path, NAS_STORE_WRITE, &opened));
    nas_config_write(config, &text);
    NAS_TRY_DONE(nas_text_check(&text));
    NAS_TRY_DONE(nas_study_get(opened, "config", &stored, &found));
    if (!found || strcmp(stored.data, text.data) != 0) {
        status =
            nas_error_set(NAS_STORE, __FILE__, __LINE__,
                          "%s was made from another config; name the study itself to go on with "
                          "it, or change `study` in the config",
                          path);
        goto done;
    }
    *study = opened;
    opened = NULL;
done:
    nas_study_close(opened);
    nas_text_clear(&text);
    nas_text_clear(&stored);
    return status;
}

static nas_status make_or_open(const nas_config *config, nas_study **study)
{
    char path[NAS_PATH_SIZE];
    NAS_TRY(nas_session_study_path(config, path, sizeof path));
    if (access(path, F_OK) != 0) {
        nas_status status = nas__study_create(config, NAS_ORDER_INDEX, NULL, false, path, study);
        if (status == NAS_OK || access(path, F_OK) != 0)
            return status; /* else somebody else was faster */
    }
    return nas__study_made(config, path, study);
}

nas_status nas__study_of(const char *path, const char *const *overrides, int override_count,
                         nas_study **study)
{
    nas_config *config = NULL;
    nas_status status = NAS_OK;
    if (access(path, F_OK) != 0)
        NAS_FAIL(NAS_STORE, "%s: there is no such study or config", path);
    if (nas__is_study(path)) {
        if (override_count > 0)
            NAS_FAIL(NAS_CONFIG, "-s %s: %s has its config in it; `clnas resume` changes budgets",
                     overrides[0], path);
        return nas_study_open(path, NAS_STORE_WRITE, study);
    }
    config = calloc(1, sizeof *config);
    if (!config)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    NAS_TRY_DONE(nas_config_read(path, overrides, override_count, config));
    status = make_or_open(config, study);
done:
    nas_config_clear(config);
    free(config);
    return status;
}
